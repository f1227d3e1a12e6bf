package estimators

import (
	"math"
	"slices"
)

// A classRegression is a regression whose focal columns vary between groups, but
// not within, and are chosen after the cross-products are known: scores without
// error, say, in the place of those with it. With M = I - P the annihilator of the
// other terms and the absorbed effect, D the rows' membership of groups, n their
// sizes, and V = D'Z̃R⁻¹ for Z̃'Z̃ = R'R,
//
//	A = D'MD = diag(n) - VV' - (means of the absorbed effect)
//
// so that for focal columns F and instruments W, by group, W'MF = W'AF and W'My take
// sums over groups alone.
type classRegression struct {
	l     *linear
	focal int   // number of focal columns
	out   []int // their places in l.terms
	terms []int // places of the others in core.terms

	chol     *cholesky
	raw      []float64
	means    []float64   // by effect and term: Z̄
	v        []float64   // by group and term
	zy       []float64   // R⁻¹'Z̃'y
	y        []float64   // by group: Σ My
	diagonal []float64   // by group: of A
	outcome  int         // place in core.outcomes
	effectF  [][]float64 // scratch: by column of F, then of W, and effect: sums
	zf       [][]float64 // scratch: R⁻¹'Z̃'F, then of W
	eta      []float64   // coefficients of the others
	fitted   []float64   // scratch: by basis
	residual []float64   // scratch: by basis
	left     []float64   // W'AF - Λ, focal × focal
	solved   []float64   // scratch of invert
	theta    []float64
}

func newClassRegression(l *linear, focal []int) *classRegression {
	return &classRegression{l: l, focal: len(focal), out: focal}
}

func (r *classRegression) allocate(groups int) {
	for i, u := range r.l.terms { // in their last places
		if !slices.Contains(r.out, i) {
			r.terms = append(r.terms, u)
		}
	}
	c, q, m := r.l.core, len(r.terms), r.focal
	effects := max(c.mostEffects, 1)
	r.chol, r.raw = newCholesky(q), make([]float64, q)
	r.means, r.v = make([]float64, effects*q), make([]float64, groups*q)
	r.zy, r.y, r.diagonal = make([]float64, q), make([]float64, groups), make([]float64, groups)
	for range 2 * m {
		r.effectF, r.zf = append(r.effectF, make([]float64, effects)), append(r.zf, make([]float64, q))
	}
	r.eta, r.fitted, r.residual = make([]float64, q), make([]float64, len(c.basis)), make([]float64, len(c.basis))
	r.left, r.solved, r.theta = make([]float64, m*m), make([]float64, 2*m*m), make([]float64, m)
}

// load factors what does not depend on the focal columns or the outcome. It
// reports whether all other terms were kept.
func (r *classRegression) load() bool {
	c, q := r.l.core, len(r.terms)
	for i, u := range r.terms {
		for j := range i + 1 {
			r.chol.l[i*q+j] = c.gram[u*c.width+r.terms[j]]
		}
		r.raw[i] = c.raw[u]
	}
	r.chol.factor(r.raw)
	for e := range c.effects {
		for i, u := range r.terms {
			if r.means[e*q+i] = 0; c.effectN[e] > 0 {
				r.means[e*q+i] = c.effectS[e*c.width+u] / c.effectN[e]
			}
		}
	}
	for g := range c.groups {
		if !c.active[g] {
			continue
		}
		n, e := c.stat[g*c.stride], c.effect[g]
		v := r.v[g*q : (g+1)*q]
		for i, u := range r.terms {
			v[i] = c.right[g*c.width+u] - n*r.means[e*q+i]
		}
		r.chol.half(v)
		r.diagonal[g] = n - n*n/c.effectN[e] - dot(v, v)
	}
	return r.chol.rank == q
}

// regress chooses the outcome.
func (r *classRegression) regress(outcome int) {
	c, q := r.l.core, len(r.terms)
	r.outcome = outcome
	for i, u := range r.terms {
		r.zy[i] = c.cross(u, outcome)
	}
	r.chol.half(r.zy)
	at := len(c.terms) + outcome
	for g := range c.groups {
		if c.active[g] {
			e := c.effect[g]
			r.y[g] = c.right[g*c.width+at] - c.stat[g*c.stride]*c.effectS[e*c.width+at]/c.effectN[e] - dot(r.v[g*q:(g+1)*q], r.zy)
		}
	}
}

// sums fills the sums over effects and the products with the other terms of
// columns by group, at a place on.
func (r *classRegression) sums(columns [][]float64, at int) {
	c, q := r.l.core, len(r.terms)
	for k, x := range columns {
		byEffect, byTerm := r.effectF[at+k], r.zf[at+k]
		clear(byEffect)
		clear(byTerm)
		for g := range c.groups {
			if c.active[g] {
				byEffect[c.effect[g]] += c.stat[g*c.stride] * x[g]
				addScaled(byTerm, x[g], r.v[g*q:(g+1)*q])
			}
		}
	}
}

// estimate solves (W'AF - Λ)θ = W'My, Λ what error adds to W'AF, nil for none. It
// reports whether there is a solution. F and W have their sums from then on.
func (r *classRegression) estimate(f, w [][]float64, lambda []float64) bool {
	c, m := r.l.core, r.focal
	r.sums(f, 0)
	r.sums(w, m)
	for k := range m {
		for l := range m {
			sum := -dot(r.zf[m+k], r.zf[l])
			for e, n := range c.effectN[:c.effects] {
				if n > 0 {
					sum -= r.effectF[m+k][e] * r.effectF[l][e] / n
				}
			}
			for g := range c.groups {
				if c.active[g] {
					sum += c.stat[g*c.stride] * w[k][g] * f[l][g]
				}
			}
			if lambda != nil {
				sum -= lambda[k*m+l]
			}
			r.left[k*m+l] = sum
		}
	}
	if !r.invert() {
		return false
	}
	clear(r.theta)
	for k := range m {
		sum := 0.0
		for g := range c.groups {
			if c.active[g] {
				sum += w[k][g] * r.y[g]
			}
		}
		for l := range m {
			r.theta[l] += r.left[l*m+k] * sum
		}
	}
	return true
}

// annihilated fills dst with Ax, after estimate, of the column x that was k-th of F.
func (r *classRegression) annihilated(dst []float64, k int, x []float64) {
	c, q := r.l.core, len(r.terms)
	for g := range c.groups {
		if c.active[g] {
			e := c.effect[g]
			dst[g] = c.stat[g*c.stride]*(x[g]-r.effectF[k][e]/c.effectN[e]) - dot(r.v[g*q:(g+1)*q], r.zf[k])
		}
	}
}

// invert replaces left by its inverse, by Gauss and Jordan with pivots of rows. It
// reports whether there is one.
func (r *classRegression) invert() bool {
	m := r.focal
	w := 2 * m
	for i := range m {
		clear(r.solved[i*w : (i+1)*w])
		copy(r.solved[i*w:], r.left[i*m:(i+1)*m])
		r.solved[i*w+m+i] = 1
	}
	for i := range m {
		pivot := i
		for k := i + 1; k < m; k++ {
			if math.Abs(r.solved[k*w+i]) > math.Abs(r.solved[pivot*w+i]) {
				pivot = k
			}
		}
		size := 0.0
		for k := range m {
			size = max(size, math.Abs(r.left[k*m+i]))
		}
		if !(math.Abs(r.solved[pivot*w+i]) > collinearPivot*size) {
			return false
		}
		for j := range w {
			r.solved[i*w+j], r.solved[pivot*w+j] = r.solved[pivot*w+j], r.solved[i*w+j]
		}
		inverse := 1 / r.solved[i*w+i]
		for j := range w {
			r.solved[i*w+j] *= inverse
		}
		for k := range m {
			if k != i {
				addScaled(r.solved[k*w:(k+1)*w], -r.solved[k*w+i], r.solved[i*w:(i+1)*w])
			}
		}
	}
	for i := range m {
		copy(r.left[i*m:(i+1)*m], r.solved[i*w+m:(i+1)*w])
	}
	return true
}

// addScores adds to every cluster's score Σ W̃e over its rows, after estimate: W̃ what
// the other terms leave of the instruments, e the residual at coefficients θ of F.
func (r *classRegression) addScores(scores []float64, clusterOf []int, f, w [][]float64) {
	c, q, m, nb := r.l.core, len(r.terms), r.focal, len(r.l.core.basis)
	copy(r.eta, r.zy)
	for k := range m {
		addScaled(r.eta, -r.theta[k], r.zf[k])
	}
	r.chol.back(r.eta)
	for k := range m { // from here on the coefficients of W on the other terms
		r.chol.back(r.zf[m+k])
	}
	y, at := c.outcomes[r.outcome], len(c.terms)+r.outcome
	for g := range c.groups {
		if !c.active[g] {
			continue
		}
		e, s := c.effect[g], c.stat[g*c.stride:(g+1)*c.stride]
		means, value := r.means[e*q:(e+1)*q], c.value[g*len(c.terms):(g+1)*len(c.terms)]
		r.onBasis(value, means, r.eta)
		r.fitted[0] += c.effectS[e*c.width+at] / c.effectN[e]
		for k := range m {
			r.fitted[0] += r.theta[k] * (f[k][g] - r.effectF[k][e]/c.effectN[e])
		}
		for a := range r.residual {
			x := c.outcomeProduct(g, a, y, s)
			for b, v := range r.fitted {
				x -= s[c.pairs[a*nb+b]] * v
			}
			r.residual[a] = x
		}
		for k := range m {
			r.onBasis(value, means, r.zf[m+k])
			sum := r.residual[0] * (w[k][g] - r.effectF[m+k][e]/c.effectN[e])
			for a, x := range r.residual {
				sum -= r.fitted[a] * x
			}
			scores[clusterOf[g]*m+k] += sum
		}
	}
}

// onBasis fills fitted with Σ (z - z̄)'b of a group's rows, as coefficients of the
// basis.
func (r *classRegression) onBasis(value, means, b []float64) {
	clear(r.fitted)
	for i, u := range r.terms {
		r.fitted[r.l.core.terms[u].basis] += value[u] * b[i]
		r.fitted[0] -= means[i] * b[i]
	}
}
