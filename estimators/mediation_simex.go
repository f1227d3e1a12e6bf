package estimators

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
)

// repeatedFits are SIMEX's: regressions that differ by the error that is added to the
// mediators. With V, A, R, Z̃ and D as in classRegression and y = D'My, focal columns F
// with their deviations F° from the means of the absorbed effect, the estimates are
// θ = (F'AF)⁻¹F'y, and the influence of a class on them is (F'AF)⁻¹ times
//
//	F°(y - AFθ) + (nF° - AF)(F°θ) - F'V (Ŝ_y - Ŝ_z(R⁻¹'Z̃'y - V'Fθ))
//
// by class, Ŝ_y and Ŝ_z the class's own part of R⁻¹'Z̃'y and of R⁻¹'Z̃'Z̃R⁻¹ = I. All
// but the last term takes a few products by class. The last is linear in the products of F'V and
// what stands beside Ŝ, which are added up over the draws and meet the classes once.
type repeatedFits struct {
	c         *correctedPaths
	noise     [][]float64 // by mediator and class
	v         []float64   // V by term and class
	n, y      []float64   // by class: size, My; 0 of one without rows
	deviation [][]float64 // by focal column: F°
	af        [][]float64 // AF
	rest      [][]float64 // nF° - AF
	zf        [][]float64 // V'F
	means     []float64   // scratch: by effect
	left      []float64   // scratch, by class: y - AFθ
	along     []float64   // F°θ
	one, two  []float64
	eta       []float64   // R⁻¹'Z̃'y - V'Fθ
	beta      []float64   // a row of (F'AF)⁻¹F'V
	first     [][]float64 // by focal column: what meets Ŝ_y
	second    [][]float64 // and Ŝ_z, square
	influence [][]float64 // by focal column and class
	square    []float64   // scratch: of basis by basis
	turned    []float64   // scratch: by term
	within    []int       // terms that vary within classes
}

func newRepeatedFits(c *correctedPaths, groups int) *repeatedFits {
	r := c.regression
	q, m, nb := len(r.terms), r.focal, len(r.l.core.basis)
	columns := func(k, n int) [][]float64 {
		all := make([][]float64, k)
		for i := range all {
			all[i] = make([]float64, n)
		}
		return all
	}
	var within []int
	for i, u := range r.terms {
		if r.l.core.terms[u].basis > 0 {
			within = append(within, i)
		}
	}
	return &repeatedFits{
		within: within,
		c:      c, noise: columns(c.paths.k, groups), v: make([]float64, q*groups), n: make([]float64, groups), y: make([]float64, groups),
		deviation: columns(m, groups), af: columns(m, groups), rest: columns(m, groups), zf: columns(m, q),
		means: make([]float64, max(r.l.core.mostEffects, 1)), left: make([]float64, groups), along: make([]float64, groups),
		one: make([]float64, groups), two: make([]float64, groups), eta: make([]float64, q), beta: make([]float64, q),
		first: columns(m, q), second: columns(m, q*q), influence: columns(m, groups), square: make([]float64, nb*nb), turned: make([]float64, q),
	}
}

// fit adds error and extrapolates, into theta and influence of the correction.
func (f *repeatedFits) fit(s *Setup) Status {
	c := f.c
	core, k := c.paths.outcome.core, c.paths.k
	copy(c.root.l, c.sigma)
	for i := range k {
		c.raw[i] = c.sigma[i*k+i]
	}
	c.root.factor(c.raw)
	f.load()
	r := c.source.Load(s.stream, c.purpose)
	for level, weight := range c.extrapolated {
		draws, sd := 1, 0.0
		if level > 0 {
			draws, sd = c.Draws, math.Sqrt(simexLevels[level-1])
		}
		for range draws {
			if level > 0 {
				for g := range core.groups {
					for i := range f.noise {
						f.noise[i][g] = r.NormFloat64()
					}
				}
			}
			for i := range k {
				x := c.f[i][:core.groups]
				copy(x, c.score[i])
				if level > 0 {
					for j := range i + 1 {
						floats.AddScaled(x, sd*c.root.l[i*k+j], f.noise[j][:core.groups])
					}
				}
				if at := c.product[i]; at >= 0 {
					floats.MulTo(c.f[at][:core.groups], x, c.treated[:core.groups])
				}
			}
			for i := range c.arm {
				f.move(i)
			}
			if !f.add(weight / float64(draws)) {
				return Collinear
			}
		}
	}
	f.finish()
	return OK
}

// load reads off the regression what no draw changes.
func (f *repeatedFits) load() {
	c, r := f.c, f.c.regression
	core, q := r.l.core, len(r.terms)
	for g := range core.groups {
		f.n[g], f.y[g] = 0, 0
		if core.active[g] {
			f.n[g], f.y[g] = core.stat[g*core.stride], r.y[g]
		}
		for i := range q {
			at := &f.v[i*core.groups+g]
			if *at = 0; core.active[g] {
				*at = r.v[g*q+i]
			}
		}
	}
	for k := range r.focal {
		clear(f.first[k])
		clear(f.second[k])
		clear(f.influence[k])
	}
	c.fill(c.f, c.score)
	f.move(c.arm)
}

// move brings what depends on focal column k up to date.
func (f *repeatedFits) move(k int) {
	core := f.c.regression.l.core
	groups := core.groups
	n, x, d, af, rest := f.n[:groups], f.c.f[k][:groups], f.deviation[k][:groups], f.af[k][:groups], f.rest[k][:groups]
	clear(f.means)
	for g, e := range core.effect[:groups] {
		if n[g] > 0 {
			f.means[e] += n[g] * x[g]
		}
	}
	for e, size := range core.effectN[:core.effects] {
		if size > 0 {
			f.means[e] /= size
		}
	}
	for g, e := range core.effect[:groups] {
		if d[g] = 0; n[g] > 0 {
			d[g] = x[g] - f.means[e]
		}
		af[g] = n[g] * d[g]
	}
	// V sums to 0 over the classes of an effect.
	if q := len(f.zf[k]); q > 0 {
		v := blas64.General{Rows: q, Cols: groups, Stride: groups, Data: f.v[:q*groups]}
		zf, by := blas64.Vector{N: q, Inc: 1, Data: f.zf[k]}, blas64.Vector{N: groups, Inc: 1, Data: d}
		blas64.Gemv(blas.NoTrans, 1, v, by, 0, zf)
		blas64.Gemv(blas.Trans, 1, v, zf, 0, blas64.Vector{N: groups, Inc: 1, Data: rest})
	}
	floats.Sub(af, rest)
}

// add estimates with the focal columns, and adds weight times the estimates and what the
// influences are made of. It reports whether there is a solution.
func (f *repeatedFits) add(weight float64) bool {
	c, r := f.c, f.c.regression
	groups, m, q := r.l.core.groups, r.focal, len(r.terms)
	y, left, along, one, two := f.y[:groups], f.left[:groups], f.along[:groups], f.one[:groups], f.two[:groups]
	for k := range m {
		for l := range k + 1 {
			// AF sums to 0 over the classes of an effect.
			sum := floats.Dot(f.deviation[k][:groups], f.af[l][:groups])
			r.left[k*m+l], r.left[l*m+k] = sum, sum
		}
	}
	if !r.invert() {
		return false
	}
	clear(r.theta)
	for k := range m {
		sum := floats.Dot(f.deviation[k][:groups], y)
		for l := range m {
			r.theta[l] += r.left[l*m+k] * sum
		}
	}
	addScaled(c.theta, weight, r.theta)
	copy(left, y)
	clear(along)
	copy(f.eta, r.zy)
	for k := range m {
		floats.AddScaled(left, -r.theta[k], f.af[k][:groups])
		floats.AddScaled(along, r.theta[k], f.deviation[k][:groups])
		addScaled(f.eta, -r.theta[k], f.zf[k])
	}
	for k := range m {
		clear(one)
		clear(two)
		clear(f.beta)
		for l := range m {
			share := weight * r.left[k*m+l]
			floats.AddScaled(one, share, f.deviation[l][:groups])
			floats.AddScaled(two, share, f.rest[l][:groups])
			addScaled(f.beta, share, f.zf[l])
		}
		influence := f.influence[k][:groups]
		for g := range influence {
			influence[g] += one[g]*left[g] + two[g]*along[g]
		}
		addScaled(f.first[k], 1, f.beta)
		for i, x := range f.beta {
			addScaled(f.second[k][i*q:(i+1)*q], x, f.eta)
		}
	}
	return true
}

// finish adds the last term of the influences, and sums them by cluster.
func (f *repeatedFits) finish() {
	c, r := f.c, f.c.regression
	core, q, m, nb := r.l.core, len(r.terms), r.focal, len(r.l.core.basis)
	y, at := core.outcomes[r.outcome], len(core.terms)+r.outcome
	for k := range m {
		// From R⁻¹ of both sides on, Ŝ are sums over the class's own z̃.
		r.chol.back(f.first[k])
		for i := range q {
			r.chol.back(f.second[k][i*q : (i+1)*q])
		}
		for j := range q {
			for i := range q {
				f.turned[i] = f.second[k][i*q+j]
			}
			r.chol.back(f.turned)
			for i := range q {
				f.second[k][i*q+j] = f.turned[i]
			}
		}
		for g := range core.groups {
			if !core.active[g] {
				continue
			}
			e, s := core.effect[g], core.stat[g*core.stride:(g+1)*core.stride]
			means, value := r.means[e*q:(e+1)*q], core.value[g*len(core.terms):(g+1)*len(core.terms)]
			r.onBasis(value, means, f.first[k])
			sum, center := f.influence[k][g], core.effectS[e*core.width+at]/core.effectN[e]
			for a, x := range r.fitted {
				sum -= x * (core.outcomeProduct(g, a, y, s) - center*s[core.pairs[a*nb]])
			}
			for i, u := range r.terms { // a row of Z̃ on the basis: what lies on its first, and the rest
				f.turned[i] = -means[i]
				if core.terms[u].basis == 0 {
					f.turned[i] += value[u]
				}
			}
			clear(f.square)
			for i, u := range r.terms {
				row := f.second[k][i*q : (i+1)*q]
				clear(r.fitted)
				r.fitted[0] = dot(row, f.turned)
				for _, j := range f.within {
					w := r.terms[j]
					r.fitted[core.terms[w].basis] += row[j] * value[w]
				}
				addScaled(f.square[:nb], f.turned[i], r.fitted)
				if b := core.terms[u].basis; b > 0 {
					addScaled(f.square[b*nb:][:nb], value[u], r.fitted)
				}
			}
			for i, x := range f.square {
				sum += x * s[core.pairs[i]]
			}
			c.influence[r.l.clusterOf[g]*m+k] += sum
		}
	}
}
