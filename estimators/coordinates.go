package estimators

import (
	"math"

	"coachsim/dgp"
)

// Coordinates are those of B = [X M^½, D diag(1/√n_e)]: the regressors, after
// absorption, in a basis in which X'X is the identity, and the indicators of the
// absorbed effects. The leverage matrix of all rows is BB'.
type coordinates struct {
	l      *linear
	terms  int       // regressors
	r      int       // regressors plus levels of the absorbed factor
	root   []float64 // by group and basis: the regressors' coordinates
	effect []float64 // by effect: 1/√n_e
	half   []float64 // by regressor: its column of M^½, 0 before its own place
	mean   []float64 // by effect: M^½ times the regressors' means
}

func newCoordinates(l *linear, shape dgp.Shape) *coordinates {
	p := len(l.terms)
	return &coordinates{
		l: l, terms: p, r: p + l.core.mostEffects,
		root:   make([]float64, shape.Max[l.core.group]*len(l.core.basis)*p),
		effect: make([]float64, l.core.mostEffects),
		half:   make([]float64, p*p),
		mean:   make([]float64, l.core.mostEffects*p),
	}
}

// prepare computes, for every group and basis m, M^½ times the vector of the
// regressors' coefficients on m: their products z, less the mean of the effect
// for the constant. A regressor has a coefficient on one basis only, so the sum
// of its columns of M^½ takes less work than a solution for each vector.
func (b *coordinates) prepare() {
	l, c := b.l, b.l.core
	p, nb := b.terms, len(c.basis)
	b.prepareHalf()
	for g := range c.groups {
		if !c.active[g] {
			continue
		}
		rows := b.root[g*nb*p : (g+1)*nb*p]
		clear(rows)
		if c.effects > 0 {
			addScaled(rows[:p], -1, b.mean[c.effect[g]*p:])
		}
		for i, u := range l.terms {
			m := c.terms[u].basis
			addScaled(rows[m*p+i:(m+1)*p], c.value(g, u), b.half[i*p+i:])
		}
	}
}

// prepareHalf computes M^½, and M^½ times the means of the effects.
func (b *coordinates) prepareHalf() {
	l, c, p := b.l, b.l.core, b.terms
	clear(b.half)
	for i := range p {
		column := b.half[i*p : (i+1)*p]
		column[i] = 1
		l.solver.half(column)
	}
	for e := range c.effects {
		b.effect[e] = 0
		if c.effectN[e] == 0 {
			continue
		}
		b.effect[e] = 1 / math.Sqrt(c.effectN[e])
		mean := b.mean[e*p : (e+1)*p]
		for i, u := range l.terms {
			mean[i] = c.effectS[e*c.width+u] / c.effectN[e]
		}
		l.solver.half(mean)
	}
}
