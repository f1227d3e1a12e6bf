package estimators

import (
	"gonum.org/v1/gonum/floats"

	"coachsim/dgp"
)

// A columnReduction is the biasReduction of clusters that are one group each, such as
// schools with one class: the same numbers, but for all groups at a time, as columnScores.
// The coordinates of terms that are columns of children as they are, such as age, are one
// vector for all groups.
type columnReduction struct {
	*biasReduction
	s       *columnScores
	root    [][]float64 // by basis and regressor: its coordinates by group, where these vary
	shared  []float64   // where they do not
	side    [][]float64 // by basis and basis: N by group
	stat    [][]float64 // by basis and basis: S by group
	runs    []run
	product []float64   // NS by group, its columns padded to whole fours
	moment  [][]float64 // by basis: Sω by group, of one combination
	phi     [][]float64 // by regressor: φ by group, of one combination
	w, f    []float64   // by group: w'w and φ'φ, of one combination
	beside  []float64   // by effect and regressor: Σ φφ' of the two
	own     []float64   // by effect: Σ φ²
}

func newColumnReduction(b *biasReduction, shape dgp.Shape) *columnReduction {
	l, p, nb := b.l, b.terms, len(b.l.core.basis)
	groups, effects, d := shape.Max[l.core.group], l.core.mostEffects, wholeFours(nb)
	r := &columnReduction{
		biasReduction: b, s: l.columns, root: columns(nb*p, groups), shared: make([]float64, nb*p),
		runs: make([]run, 0, groups), product: make([]float64, groups*d*d), moment: columns(nb, groups), phi: columns(p, groups),
		w: make([]float64, groups), f: make([]float64, groups), beside: make([]float64, effects*p), own: make([]float64, effects),
	}
	side := columns(triangle(nb), groups)
	for _, pair := range l.core.pairs {
		r.side, r.stat = append(r.side, side[pair]), append(r.stat, l.core.byStat[pair])
	}
	return r
}

// adjust is biasReduction's.
func (r *columnReduction) adjust() {
	c := r.l.core
	r.prepareHalf()
	r.runs = findRuns(r.runs, c.effect[:c.groups])
	r.fillRoots()
	r.fillSides()
	r.fillProducts()
	for g := range c.groups {
		r.adjustGroup(g)
	}
	if r.l.se.clustered() {
		r.satterthwaite()
	}
}

// fillRoots is coordinates.prepare.
func (r *columnReduction) fillRoots() {
	c, p := r.l.core, r.terms
	clear(r.shared)
	for i, root := range r.root {
		clear(root[:c.groups])
		if i >= p || c.effects == 0 {
			continue
		}
		for _, run := range r.runs {
			floats.AddConst(-r.mean[run.effect*p+i], root[run.lo:run.hi])
		}
	}
	for i, u := range r.l.terms {
		term := c.terms[u]
		half := r.half[i*p : (i+1)*p]
		if !r.s.varies[term.basis] {
			floats.Add(r.shared[term.basis*p:(term.basis+1)*p], half)
			continue
		}
		z := c.byProduct[term.product][:c.groups]
		for j := i; j < p; j++ {
			floats.AddScaled(r.root[term.basis*p+j][:c.groups], half[j], z)
		}
	}
}

// fillSides fills N = BB' of every group.
func (r *columnReduction) fillSides() {
	c, p, nb := r.l.core, r.terms, len(r.s.varies)
	for a := range nb {
		for m := range a + 1 {
			side := r.side[a*nb+m][:c.groups]
			x, y := r.root[a*p:(a+1)*p], r.root[m*p:(m+1)*p]
			kx, ky := r.shared[a*p:(a+1)*p], r.shared[m*p:(m+1)*p]
			switch {
			case r.s.varies[a] && r.s.varies[m]:
				sumProducts(side, x, y)
			case r.s.varies[a]:
				sumScaled(side, ky, x)
			case r.s.varies[m]:
				sumScaled(side, kx, y)
			default:
				fill(side, dot(kx, ky))
			}
		}
	}
	if c.effects > 0 {
		for _, run := range r.runs {
			floats.AddConst(r.effect[run.effect]*r.effect[run.effect], r.side[0][run.lo:run.hi])
		}
	}
}

// fillProducts fills NS of every group.
func (r *columnReduction) fillProducts() {
	c, nb := r.l.core, len(r.s.varies)
	d := wholeFours(nb)
	sum := r.f[:c.groups]
	for i := range nb {
		for j := range nb {
			sumProducts(sum, r.side[i*nb:(i+1)*nb], r.stat[j*nb:(j+1)*nb])
			at := j*d + i
			for _, v := range sum {
				r.product[at] = v
				at += d * d
			}
		}
	}
}

// adjustGroup replaces the influences of a group by ω.
func (r *columnReduction) adjustGroup(g int) {
	nb := len(r.s.varies)
	d := wholeFours(nb)
	a := r.product[g*d*d : (g+1)*d*d]
	series := r.seriesFor(squaredNorm(a, nb))
	groups := r.order[:1]
	if series == nil {
		groups[0] = g
		for i := range nb {
			for j := range nb {
				r.n[i*d+j] = r.side[i*nb+j][g]
			}
		}
		r.decomposeBasis(groups)
	}
	for t := range r.l.combinations {
		influence := r.s.column[t*nb : (t+1)*nb]
		for m, h := range influence {
			r.x[m] = h[g]
		}
		if series != nil {
			r.applySeries(a, nb, series)
		} else {
			r.applyEigenvectors(groups)
		}
		for m, h := range influence {
			h[g] = r.y[m]
		}
	}
}

// satterthwaite is biasReduction's, for φ = B'w = Σ_m root_m (Sω)_m by group, which has
// one coordinate beside those of the regressors, that of its effect.
func (r *columnReduction) satterthwaite() {
	c, nb := r.l.core, len(r.s.varies)
	w, f := r.w[:c.groups], r.f[:c.groups]
	for t := range r.l.combinations {
		omega := r.s.column[t*nb : (t+1)*nb]
		for a, v := range r.moment {
			sumProducts(v[:c.groups], r.stat[a*nb:(a+1)*nb], omega)
		}
		sumProducts(w, omega, r.moment)
		square := r.regressorProducts() + r.effectProducts()
		trace := floats.Sum(w) - floats.Sum(f)
		for g, x := range w {
			square += x * (x - 2*f[g])
		}
		r.df[t] = trace * trace / square
	}
}

// regressorProducts returns the sum of squares of Σ φφ' of the regressors, and fills f
// with their part of φ'φ.
func (r *columnReduction) regressorProducts() float64 {
	c, p, square := r.l.core, r.terms, 0.0
	for i := range p {
		phi := r.phi[i][:c.groups]
		floats.MulTo(phi, r.root[i][:c.groups], r.moment[0][:c.groups])
		for m, v := range r.moment {
			if m == 0 {
				continue
			}
			if r.s.varies[m] {
				addProducts(phi, r.root[m*p+i], v)
			} else if k := r.shared[m*p+i]; k != 0 {
				floats.AddScaled(phi, k, v[:c.groups])
			}
		}
		for j := range i {
			x := floats.Dot(phi, r.phi[j][:c.groups])
			square += 2 * x * x
		}
		x := floats.Dot(phi, phi)
		square += x * x
	}
	sumProducts(r.f[:c.groups], r.phi, r.phi)
	return square
}

// effectProducts is regressorProducts for the products of effects with regressors and
// with themselves, and adds their part of φ'φ.
func (r *columnReduction) effectProducts() float64 {
	if r.l.core.effects == 0 {
		return 0
	}
	p, square := r.terms, 0.0
	clear(r.beside)
	clear(r.own)
	for _, run := range r.runs {
		k, v := r.effect[run.effect], r.moment[0][run.lo:run.hi]
		for i := range p {
			r.beside[run.effect*p+i] += k * floats.Dot(r.phi[i][run.lo:run.hi], v)
		}
		r.own[run.effect] += k * k * floats.Dot(v, v)
		f := r.f[run.lo:run.hi]
		for g, x := range v {
			f[g] += k * k * x * x
		}
	}
	for _, x := range r.beside {
		square += 2 * x * x
	}
	for _, x := range r.own {
		square += x * x
	}
	return square
}

// fill fills dst with x.
func fill(dst []float64, x float64) {
	for i := range dst {
		dst[i] = x
	}
}

// sumScaled fills dst with Σ_m k_m x_m, number by number.
func sumScaled(dst, k []float64, x [][]float64) {
	clear(dst)
	for m, v := range k {
		if v != 0 {
			floats.AddScaled(dst, v, x[m][:len(dst)])
		}
	}
}

// sumProducts fills dst with Σ_m x_m y_m, number by number.
func sumProducts(dst []float64, x, y [][]float64) {
	clear(dst)
	for ; len(x) >= 4; x, y = x[4:], y[4:] {
		x0, x1, x2, x3 := x[0][:len(dst)], x[1][:len(dst)], x[2][:len(dst)], x[3][:len(dst)]
		y0, y1, y2, y3 := y[0][:len(dst)], y[1][:len(dst)], y[2][:len(dst)], y[3][:len(dst)]
		for i := range dst {
			dst[i] += (x0[i]*y0[i] + x1[i]*y1[i]) + (x2[i]*y2[i] + x3[i]*y3[i])
		}
	}
	for m := range x {
		addProducts(dst, x[m], y[m])
	}
}

// addProducts adds x y to dst, number by number.
func addProducts(dst, x, y []float64) {
	x, y = x[:len(dst)], y[:len(dst)]
	for i := range dst {
		dst[i] += x[i] * y[i]
	}
}
