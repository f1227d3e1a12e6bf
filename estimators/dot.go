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

// alone refuses the term . within others, and among instruments.
func (f *Formula) alone() error {
	for i, t := range slices.Concat(f.Terms, f.Endogenous, f.Instruments) {
		for _, p := range t.Factors {
			if p.Call == nil && p.Name == everything && (i >= len(f.Terms) || !t.everything()) {
				return &SyntaxError{Offset: p.Pos, Message: ". stands for all other columns, and can only be a term by itself"}
			}
		}
	}
	return nil
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

// Others lists the columns that the term . of a formula stands for: those of numbers,
// of the outcomes' level or one above, that the treatment does not change and that
// neither the formula nor named, the columns that the method uses beside it, names.
// Arms are no covariates, and neither are columns that say what is observed.
func (f *Formula) Others(shape dgp.Shape, named []string) ([]string, error) {
	s := newSetup(shape, nil)
	var level dgp.Level
	for _, o := range f.Outcomes {
		column, err := s.resolve(o.Variable)
		if err != nil {
			return nil, err
		}
		level = max(level, s.level(column))
	}
	named = slices.Concat(named, f.Names())
	var all []string
	for _, c := range shape.Columns {
		switch {
		case c.Levels > 0, c.Arm, c.PostTreatment, c.Rating != nil, c.Level > level, slices.Contains(named, c.Name):
		case slices.ContainsFunc(shape.Columns, func(o dgp.Column) bool { return o.Observed == c.Name }):
		case slices.ContainsFunc(f.Terms, func(t Term) bool { return t.key() == c.Name }):
		default:
			all = append(all, c.Name)
		}
	}
	return all, nil
}

// writeOutEverything puts the other columns in the place of the term . .
func (s *Setup) writeOutEverything(f *Formula, named []string) error {
	at := slices.IndexFunc(f.Terms, Term.everything)
	if at < 0 {
		return nil
	}
	names, err := f.Others(s.shape, named)
	if err != nil {
		return err
	}
	pos := f.Terms[at].Factors[0].Pos
	if len(names) == 0 && len(f.Terms) == 1 {
		return &SyntaxError{Offset: pos, Message: ". stands for all other columns, of which there are none"}
	}
	var all []Term
	for _, name := range names {
		all = append(all, Term{Factors: []Power{{Variable: Variable{Name: name, Pos: pos}, Power: 1}}})
	}
	f.Terms = slices.Replace(slices.Clone(f.Terms), at, at+1, all...)
	return nil
}
