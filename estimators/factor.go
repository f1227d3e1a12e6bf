package estimators

import (
	"fmt"
	"slices"
	"strconv"

	"coachsim/dgp"
)

// maxLevels bounds the dummies of one factor in a formula.
const maxLevels = 500

// parse parses a formula and writes out its factors as dummies, coded as in R:
// by treatment contrasts, the first level being the reference, if the term
// without the factor is in the formula too, else by a dummy for every level. named
// are columns that the method uses beside the formula, such as clusters: the term .
// does not stand for them.
func (s *Setup) parse(text string, named ...string) (*Formula, error) {
	f, err := ParseFormula(text, s.lists)
	if err != nil {
		return nil, err
	}
	if err := s.writeOutEverything(f, named); err != nil {
		return nil, err
	}
	if err := s.writeOutSecond(f); err != nil {
		return nil, err
	}
	written := slices.Concat(f.Terms, f.Endogenous, f.Instruments)
	for _, terms := range []*[]Term{&f.Terms, &f.Endogenous, &f.Instruments} {
		var all []Term
		for _, t := range *terms {
			dummies, err := s.writeOut(t, written, f.Intercept)
			if err != nil {
				return nil, err
			}
			if len(dummies) != 1 || dummies[0].key() != t.key() {
				if f.factors == nil {
					f.factors = map[string][]Term{}
				}
				f.factors[t.key()] = dummies
			}
			all = append(all, dummies...)
		}
		*terms = all
	}
	return f, nil
}

// writeOutSecond writes the second absorbed effect out as dummies. That is the
// one with fewer levels, wherever the other can be absorbed by its means.
func (s *Setup) writeOutSecond(f *Formula) error {
	if f.Second == nil {
		return nil
	}
	second := f.Second[0].Factors[0].Call.Args[0]
	first := Variable{Name: f.Absorb, Pos: f.AbsorbPos}
	a, _, err := s.factorLevels(first)
	if err != nil {
		return err
	}
	b, _, err := s.factorLevels(second)
	if err != nil {
		return err
	}
	if b.level <= dgp.TeacherLevel && (a.level > dgp.TeacherLevel || b.most > a.most) {
		first, second = second, first
	}
	f.Absorb, f.AbsorbPos = first.Name, first.Pos
	f.Second, err = s.writeOut(factorTerm(second.Name, second.Pos), nil, true)
	return err
}

// writeOut returns the terms that a term with factors stands for; the term
// itself where it has none.
func (s *Setup) writeOut(t Term, written []Term, intercept bool) ([]Term, error) {
	all := []Term{{}}
	for i, p := range t.Factors {
		if !p.isFactor() {
			for k := range all {
				all[k].Factors = append(slices.Clip(all[k].Factors), p)
			}
			continue
		}
		_, labels, err := s.factorLevels(p.Call.Args[0])
		if err != nil {
			return nil, err
		}
		without := Term{Factors: slices.Delete(slices.Clone(t.Factors), i, i+1)}
		contrasts := intercept
		if len(without.Factors) > 0 {
			contrasts = slices.ContainsFunc(written, func(o Term) bool { return o.key() == without.key() })
		} else if !intercept {
			// Without a constant the first factor of the formula spans one.
			first := slices.IndexFunc(written, func(o Term) bool { return len(o.Factors) == 1 && o.Factors[0].isFactor() })
			contrasts = written[first].key() != t.key()
		}
		if contrasts {
			labels = labels[1:]
		}
		if len(all)*len(labels) > maxLevels {
			return nil, &SyntaxError{Offset: p.Pos, Message: fmt.Sprintf("%s stands for more than %d columns; absorb its effects after a bar, as in | %s", t, maxLevels, p.Call.Args[0].Name)}
		}
		var next []Term
		for _, label := range labels { // the first factor varies fastest, as in R
			for _, a := range all {
				dummy := p
				call := *p.Call
				call.Label = label
				dummy.Call = &call
				next = append(next, Term{Factors: append(slices.Clip(a.Factors), dummy)})
			}
		}
		all = next
	}
	return all, nil
}

// factorLevels finds a factor and the names of its levels: those the data give
// them, else their codes; units of a level of the hierarchy are counted from 1.
func (s *Setup) factorLevels(v Variable) (grouping, []string, error) {
	g, err := s.findGrouping(v.Name)
	if err != nil {
		if column, known := s.lookUp(v.Name, v.Pos); known != nil {
			return g, nil, known
		} else if c := s.shape.Columns[column]; c.Levels == 0 {
			err = fmt.Errorf("the levels of %s are not known before data are drawn: make 0/1 columns of it such as above(%s, 50), or use a level of the data such as factor(block)", c.Name, c.Name)
		}
		return g, nil, &SyntaxError{Offset: v.Pos, Message: err.Error()}
	}
	var labels []string
	if g.column >= 0 {
		labels = slices.Clone(s.shape.Columns[g.column].Labels)
	}
	first := 0
	if g.column < 0 {
		first = 1
	}
	for i := len(labels); i < g.most; i++ {
		labels = append(labels, strconv.Itoa(i+first))
	}
	return g, labels, nil
}
