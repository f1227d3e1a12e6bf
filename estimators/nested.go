package estimators

import (
	"slices"

	"gonum.org/v1/gonum/floats"
)

// A nested regression has the terms W of another one, its base, and few more, E. By
// the theorem of Frisch, Waugh and Lovell its projections are those of the base and
// multiples of the residuals R of the regressions of E on W: with b its coefficients
// of E,
//
//	fitted values:  Wb_W + Eb = W(W'W)⁻¹W'y + Rb,
//
// and so for the influences on w'b, whose base is the influences on w_W'b in the base.
// Here are the parts of these that rows of a group share.
type nested struct {
	base  *columnScores
	extra []int // places of E in the regression's terms
	of    []int // by vector: the base's, -1 where that is 0, for a combination of E
}

// nest finds the bases of regressions: one that has at least as many terms as the
// regression has more, which are as few as can be.
func nest(all []*linear) {
	for i, l := range all {
		if l.columns == nil {
			continue
		}
		for _, base := range all[:i] {
			if base.columns == nil || base.columns.within != nil {
				continue
			}
			n := l.within(base)
			if n != nil && (l.columns.within == nil || len(n.extra) < len(l.columns.within.extra)) {
				l.columns.within = n
			}
		}
		if n := l.columns.within; n != nil {
			for _, t := range n.extra {
				n.base.keepRest(l.terms[t])
			}
		}
	}
}

// within returns how l is nested in base, or nil if it is not.
func (l *linear) within(base *linear) *nested {
	if l.core != base.core || base.se.adjustment() != 0 || repeats(l.terms) || repeats(base.terms) {
		return nil
	}
	n := &nested{base: base.columns}
	for t, u := range l.terms {
		if !slices.Contains(base.terms, u) {
			n.extra = append(n.extra, t)
		}
	}
	if len(n.extra) > len(base.terms) || len(n.extra)+len(base.terms) != len(l.terms) {
		return nil
	}
	for _, c := range l.combinations {
		at, ok := l.counterpart(c, base)
		if !ok {
			return nil
		}
		n.of = append(n.of, at)
	}
	for _, outcome := range l.outcomes {
		at := slices.Index(base.outcomes, outcome)
		if at < 0 {
			return nil
		}
		n.of = append(n.of, len(base.combinations)+at)
	}
	return n
}

func repeats(terms []int) bool {
	for i, u := range terms {
		if slices.Contains(terms[:i], u) {
			return true
		}
	}
	return false
}

// counterpart finds the combination of base that weighs its terms as c does those of l,
// or -1 if c gives them no weight.
func (l *linear) counterpart(c combination, base *linear) (at int, ok bool) {
	if c.intercept != 0 {
		return 0, false
	}
	weights := make([]float64, len(base.terms))
	for i, u := range base.terms {
		weights[i] = c.weights[slices.Index(l.terms, u)]
	}
	if !slices.ContainsFunc(weights, func(w float64) bool { return w != 0 }) {
		return -1, true
	}
	at = slices.IndexFunc(base.combinations, func(o combination) bool {
		return o.intercept == 0 && slices.Equal(o.weights, weights)
	})
	return at, at >= 0
}

// keepRest has settle keep the residuals of a term of the core.
func (s *columnScores) keepRest(u int) {
	if s.rest == nil {
		s.rest = make([][]float64, len(s.l.core.terms))
		s.onTerms = make([]float64, len(s.l.terms))
	}
	if s.rest[u] == nil {
		s.rest[u] = make([]float64, len(s.residual[0]))
		s.asked = append(s.asked, u)
	}
}

// settle computes the residuals of the regressions nested in this one.
func (s *columnScores) settle() {
	l, c := s.l, s.l.core
	for _, u := range s.asked {
		x := s.rest[u][:c.groups]
		if z := c.centred[u]; z != nil {
			copy(x, z)
		} else {
			clear(x)
		}
		for j, t := range l.terms {
			s.onTerms[j] = c.gram[u*c.width+t]
		}
		l.solver.solve(s.onTerms)
		for j, t := range l.terms {
			if z := c.centred[t]; z != nil {
				floats.AddScaled(x, -s.onTerms[j], z[:c.groups])
			}
		}
	}
}

// extend computes what projectOne does of a vector of s, from the base's.
func (n *nested) extend(s *columnScores, x []float64, vector int, of []float64) {
	if at := n.of[vector]; at >= 0 {
		copy(x, n.base.column[at*len(s.varies)])
	} else {
		clear(x)
	}
	for _, t := range n.extra {
		floats.AddScaled(x, of[t], n.base.rest[s.l.terms[t]][:len(x)])
	}
}
