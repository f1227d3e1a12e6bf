package estimators

import (
	"gonum.org/v1/gonum/floats"

	"coachsim/dgp"
)

// columnScores are the scores of a regression from which nothing else is wanted by
// group. They are the numbers of project and addScore, but for all groups at a
// time: with r_a = Σ_i m_a e_i = S_ay - Σ_b S_ab f_b by group, f the fitted values as
// coefficients of the basis m and h the influences, the score is Σ_a h_a r_a. Terms that
// are columns of children as they are, such as age, have one coefficient for all groups,
// and so a number in the place of the column.
type columnScores struct {
	l         *linear
	varies    []bool      // by basis: its coefficients differ between groups
	column    [][]float64 // by vector and basis: coefficients by group, where they do or will when adjusted for leverage
	number    []float64   // where they do not
	residual  [][]float64 // by basis: r
	score     []float64   // scratch: by group
	byCluster [][]float64 // by combination and cluster

	within  *nested     // nil where the regression is nested in none
	sound   bool        // no term was dropped of this data set, and no digits were lost
	asked   []int       // places in core.terms, of the further terms of regressions nested in this one
	rest    [][]float64 // by place in core.terms, of those, and group: residuals
	onTerms []float64   // scratch: by term
}

// columnar reports whether the scores of l can be columns.
func (l *linear) columnar() bool {
	perRow := !l.se.clustered() && l.core.key.rows > l.core.group
	return l.alone && l.se != Classical && l.two == nil && !perRow && (l.se.adjustment() == 0 || len(l.joint) == 0)
}

func newColumnScores(l *linear, shape dgp.Shape) *columnScores {
	c, nb, nc := l.core, len(l.core.basis), len(l.combinations)
	groups := shape.Max[c.group]
	c.keepCentred(groups)
	s := &columnScores{
		l: l, varies: make([]bool, nb), number: make([]float64, (nc+len(l.outcomes))*nb), column: make([][]float64, (nc+len(l.outcomes))*nb),
		residual: columns(nb, groups), score: make([]float64, groups), byCluster: columns(nc, groups),
	}
	s.varies[0] = true
	for _, u := range l.terms {
		if t := c.terms[u]; t.product > 0 {
			s.varies[t.basis] = true
		}
	}
	for i := range s.column {
		if s.varies[i%nb] || l.se.adjustment() != 0 && i < nc*nb {
			s.column[i] = make([]float64, groups)
		}
	}
	return s
}

// project is linear's, in columns.
func (s *columnScores) project(status Status) {
	l, p, nc := s.l, len(s.l.terms), len(s.l.combinations)
	s.sound = status == OK && l.solver == solver(l.chol) && l.chol.rank == p
	for r := range nc {
		s.projectOne(r, l.influence[r*p:(r+1)*p])
	}
	for i := range l.outcomes {
		s.projectOne(nc+i, l.beta[i*p:(i+1)*p])
	}
	if s.sound {
		s.settle()
	}
}

// projectOne computes the coefficients of the basis of one vector.
func (s *columnScores) projectOne(vector int, of []float64) {
	l, c, nb := s.l, s.l.core, len(s.l.core.basis)
	x := s.column[vector*nb][:c.groups]
	if s.sound && s.within != nil && s.within.base.sound {
		s.within.extend(s, x, vector, of)
	} else {
		s.sum(x, vector, of)
	}
	from := l.blockEnd[0]
	for a, end := range l.blockEnd[1:] {
		at := vector*nb + a + 1
		x := s.column[at]
		if !s.varies[a+1] {
			sum := 0.0
			for _, t := range l.ordered[from:end] {
				sum += of[t]
			}
			s.number[at] = sum
			if x != nil {
				fill(x[:c.groups], sum)
			}
		} else {
			x = x[:c.groups]
			clear(x)
			for i, t := range l.ordered[from:end] {
				floats.AddScaled(x, of[t], c.byProduct[c.terms[l.places[from+i]].product][:c.groups])
			}
		}
		from = end
	}
}

// sum fills x with the coefficients of 1 of a vector v: Σ_t v_t x_t over centred terms,
// with an outcome's mean or a combination's lift.
func (s *columnScores) sum(x []float64, vector int, of []float64) {
	l, c := s.l, s.l.core
	if i := vector - len(l.combinations); i >= 0 {
		copy(x, c.centred[len(c.terms)+l.outcomes[i]])
	} else if lift := l.lift[vector]; lift != 0 {
		fill(x, lift)
	} else {
		clear(x)
	}
	for t, u := range l.terms {
		if z := c.centred[u]; z != nil {
			floats.AddScaled(x, of[t], z[:c.groups])
		}
	}
}

// sandwich fills vcov of outcome i, with a number of clusters, but for its scale.
func (s *columnScores) sandwich(i, clusters int) {
	l, c, nb, nc := s.l, s.l.core, len(s.l.core.basis), len(s.l.combinations)
	y := c.outcomes[l.outcomes[i]]
	fitted := s.column[(nc+i)*nb]
	for a := range nb {
		r, first := s.residual[a][:c.groups], c.byStat[c.pairs[a*nb]][:c.groups]
		fitted := fitted[:len(r)]
		if y.child >= 0 {
			for g, sum := range c.byStat[c.outcomeAt[y.child]+a][:len(r)] {
				r[g] = sum - first[g]*fitted[g]
			}
		} else {
			for g, z := range c.byProduct[y.product][:len(r)] {
				r[g] = z*first[g] - first[g]*fitted[g]
			}
		}
		for b := 1; b < nb; b++ {
			addProduct(r, -1, s, nc+i, b, c.byStat[c.pairs[a*nb+b]][:c.groups])
		}
	}
	own := clusters == c.groups // each is a group, in the same order
	for t := range nc {
		score := s.score[:c.groups]
		if own {
			score = s.byCluster[t][:c.groups]
		}
		h := s.column[t*nb][:len(score)]
		for g, r := range s.residual[0][:len(score)] {
			score[g] = h[g] * r
		}
		for a := 1; a < nb; a++ {
			addProduct(score, 1, s, t, a, s.residual[a][:c.groups])
		}
		if own {
			continue
		}
		total := s.byCluster[t][:clusters]
		clear(total)
		for g, at := range l.clusterOf[:c.groups] {
			if c.active[g] {
				total[at] += score[g]
			}
		}
	}
	full := len(l.joint) > 0
	for r := range nc {
		for t := range nc {
			if r != t && !full {
				l.vcov[r*nc+t] = 0
				continue
			}
			l.vcov[r*nc+t] = floats.Dot(s.byCluster[r][:clusters], s.byCluster[t][:clusters])
		}
	}
}

// addProduct adds sign times a projection on basis a times x, by group.
func addProduct(dst []float64, sign float64, s *columnScores, vector, a int, x []float64) {
	at := vector*len(s.varies) + a
	if s.column[at] == nil {
		floats.AddScaled(dst, sign*s.number[at], x)
		return
	}
	h := s.column[at][:len(dst)]
	if sign > 0 {
		addProducts(dst, h, x)
		return
	}
	x = x[:len(dst)]
	for g := range dst {
		dst[g] -= x[g] * h[g]
	}
}
