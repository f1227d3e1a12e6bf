package estimators

import (
	"slices"

	"coachsim/dgp"
)

// everything is the term that stands for all other columns, as in y ~ . of R.
const everything = "."

// Everything returns the offset of the term . in the formula, or -1.
func (f *Formula) Everything() int {
	if i := slices.IndexFunc(f.Terms, Term.everything); i >= 0 {
		return f.Terms[i].Factors[0].Pos
	}
	return -1
}

func (t Term) everything() bool {
	return len(t.Factors) == 1 && t.Factors[0].Call == nil && t.Factors[0].Name == everything && t.Factors[0].Power == 1
}

// Names lists the columns and levels that a formula names beside its terms that are
// columns: those of its outcomes, effects, random effects and instruments, and those
// within functions and interactions. The term . has none of them.
func (f *Formula) Names() []string {
	var names []string
	add := func(v Variable) {
		columns, groups := v.Columns()
		for _, c := range slices.Concat(columns, groups, v.Controls()) {
			names = append(names, c.Name)
		}
	}
	for _, o := range f.Outcomes {
		add(o.Variable)
	}
	names = append(names, f.Absorb)
	for _, r := range f.Random {
		names = append(names, r.Level)
	}
	for _, t := range slices.Concat(f.Second, f.Endogenous, f.Instruments) {
		for _, p := range t.Factors {
			add(p.Variable)
		}
	}
	return names
}

// writeOutEverything puts, in the place of the term ., every column of numbers that
// the formula does not name outside of its terms, nor the method by the names it
// gives: of the outcomes' level or one above, and that the treatment does not
// change. Arms are no covariates, and neither are columns that say what is observed.
func (s *Setup) writeOutEverything(f *Formula, named []string) error {
	at := slices.IndexFunc(f.Terms, Term.everything)
	for _, t := range slices.Concat(f.Terms, f.Endogenous, f.Instruments) {
		if t.everything() && at >= 0 && t.Factors[0].Pos == f.Terms[at].Factors[0].Pos {
			continue
		}
		for _, p := range t.Factors {
			if p.Call == nil && p.Name == everything {
				return &SyntaxError{Offset: p.Pos, Message: ". stands for all other columns, and can only be a term by itself"}
			}
		}
	}
	if at < 0 {
		return nil
	}
	var level dgp.Level
	for _, o := range f.Outcomes {
		column, err := s.resolve(o.Variable)
		if err != nil {
			return err
		}
		level = max(level, s.level(column))
	}
	named = slices.Concat(named, f.Names())
	pos := f.Terms[at].Factors[0].Pos
	var all []Term
	for _, c := range s.shape.Columns {
		switch {
		case c.Levels > 0, c.Arm, c.PostTreatment, c.Rating != nil, c.Level > level, slices.Contains(named, c.Name):
			continue
		case slices.ContainsFunc(s.shape.Columns, func(o dgp.Column) bool { return o.Observed == c.Name }):
			continue
		}
		t := Term{Factors: []Power{{Variable: Variable{Name: c.Name, Pos: pos}, Power: 1}}}
		if !slices.ContainsFunc(f.Terms, func(o Term) bool { return o.key() == t.key() }) {
			all = append(all, t)
		}
	}
	if len(all) == 0 && len(f.Terms) == 1 {
		return &SyntaxError{Offset: pos, Message: ". stands for all other columns, of which there are none"}
	}
	f.Terms = slices.Replace(slices.Clone(f.Terms), at, at+1, all...)
	return nil
}
