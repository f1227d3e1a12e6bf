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
}

func newCoordinates(l *linear, shape dgp.Shape) *coordinates {
	p := len(l.terms)
	return &coordinates{
		l: l, terms: p, r: p + l.core.mostEffects,
		root:   make([]float64, shape.Max[l.core.group]*len(l.core.basis)*p),
		effect: make([]float64, l.core.mostEffects),
	}
}

// prepare computes, for every group and basis m, M^½ times the vector of the
// regressors' coefficients on m: their products z, less the mean of the effect
// for the constant.
func (b *coordinates) prepare() {
	l, c := b.l, b.l.core
	p, q, nb := b.terms, len(c.terms), len(c.basis)
	for e := range c.effects {
		b.effect[e] = 0
		if c.effectN[e] > 0 {
			b.effect[e] = 1 / math.Sqrt(c.effectN[e])
		}
	}
	for g := range c.groups {
		if !c.active[g] {
			continue
		}
		value := c.value[g*q : (g+1)*q]
		rows := b.root[g*nb*p : (g+1)*nb*p]
		clear(rows)
		for i, u := range l.terms {
			rows[c.terms[u].basis*p+i] = value[u]
		}
		if c.effects > 0 {
			e := c.effect[g]
			for i, u := range l.terms {
				rows[i] -= c.effectS[e*c.width+u] / c.effectN[e]
			}
		}
		for m := range nb {
			l.solver.half(rows[m*p : (m+1)*p])
		}
	}
}
