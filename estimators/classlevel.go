package estimators

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
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
// sums over groups alone. Everything by group is a column of all groups, 0 for those
// without rows.
type classRegression struct {
	l      *linear
	focal  int   // number of focal columns
	out    []int // their places in l.terms
	terms  []int // places of the others in core.terms
	within []int // places in terms of those that vary within groups

	loaded   bool // of this data set
	complete bool // all other terms were kept
	chol     *cholesky
	raw      []float64
	n        []float64 // by group: its rows
	sums     []float64 // scratch: by effect
	v        []float64 // V by term and group
	// A row of Z̃ is a column of common, and for terms that vary within groups what
	// is in inner times the row's basis.
	common, inner []float64     // by term and group
	zy            []float64     // R⁻¹'Z̃'y
	y             []float64     // by group: Σ My
	diagonal      []float64     // by group: of A
	outcome       int           // place in core.outcomes
	f, w          []classColumn // F and W
	eta           []float64     // scratch: coefficients of the others
	fitted        [][]float64   // scratch: by basis and group
	residual      [][]float64   // scratch: by basis and group
	product       []float64     // scratch: by group
	left          []float64     // W'AF - Λ, focal × focal
	solved        []float64     // scratch of invert
	theta         []float64
}

// A classColumn is a column by group with what is known of it.
type classColumn struct {
	x  []float64 // deviations from the means of the absorbed effect
	z  []float64 // V'x
	vz []float64 // VV'x
	ax []float64 // Ax
}

func newClassRegression(l *linear, focal []int) *classRegression {
	return &classRegression{l: l, focal: len(focal), out: focal}
}

// columns returns k columns of n zeros.
func columns(k, n int) [][]float64 {
	all := make([][]float64, k)
	for i := range all {
		all[i] = make([]float64, n)
	}
	return all
}

func (r *classRegression) allocate(groups int) {
	if r.v != nil {
		return
	}
	for i, u := range r.l.terms { // in their last places
		if slices.Contains(r.out, i) {
			continue
		}
		if r.l.core.terms[u].basis > 0 {
			r.within = append(r.within, len(r.terms))
		}
		r.terms = append(r.terms, u)
	}
	c, q, m := r.l.core, len(r.terms), r.focal
	r.chol, r.raw = newCholesky(q), make([]float64, q)
	r.sums = make([]float64, max(c.mostEffects, 1))
	r.v, r.common, r.inner = make([]float64, q*groups), make([]float64, q*groups), make([]float64, q*groups)
	r.zy, r.y, r.diagonal = make([]float64, q), make([]float64, groups), make([]float64, groups)
	r.f, r.w = r.newColumns(m, groups), r.newColumns(m, groups)
	r.eta, r.product = make([]float64, q), make([]float64, groups)
	r.fitted, r.residual = columns(len(c.basis), groups), columns(len(c.basis), groups)
	r.left, r.solved, r.theta = make([]float64, m*m), make([]float64, 2*m*m), make([]float64, m)
}

// newColumns returns room for k columns.
func (r *classRegression) newColumns(k, groups int) []classColumn {
	q := len(r.terms)
	x, z, vz, ax := columns(k, groups), columns(k, q), columns(k, groups), columns(k, groups)
	all := make([]classColumn, k)
	for i := range all {
		all[i] = classColumn{x[i], z[i], vz[i], ax[i]}
	}
	return all
}

// load factors what does not depend on the focal columns or the outcome, once for
// every data set.
func (r *classRegression) load() {
	if r.loaded {
		return
	}
	r.loaded = true
	c, q := r.l.core, len(r.terms)
	for i, u := range r.terms {
		for j := range i + 1 {
			r.chol.l[i*q+j] = c.gram[u*c.width+r.terms[j]]
		}
		r.raw[i] = c.raw[u]
	}
	r.chol.factor(r.raw)
	r.complete = r.chol.rank == q
	groups := c.groups
	r.n = c.byStat[0][:groups]
	for i, u := range r.terms {
		r.loadTerm(i, u)
	}
	// V = (sums of Z̃)R⁻¹, column by column.
	for i := range q {
		v := r.v[i*groups : (i+1)*groups]
		if r.chol.dropped[i] {
			clear(v)
			continue
		}
		for j, x := range r.chol.l[i*q : i*q+i] {
			floats.AddScaled(v, -x, r.v[j*groups:(j+1)*groups])
		}
		floats.Scale(1/r.chol.l[i*q+i], v)
	}
	for g, n := range r.n[:groups] {
		if r.diagonal[g] = 0; n > 0 {
			r.diagonal[g] = n - n*n/c.effectN[c.effect[g]]
		}
	}
	diagonal := r.diagonal[:groups]
	for i := range q {
		for g, x := range r.v[i*groups : (i+1)*groups] {
			diagonal[g] -= x * x
		}
	}
}

// loadTerm fills common and inner of the i-th term, at u in the core, and its sums.
func (r *classRegression) loadTerm(i, u int) {
	c, groups := r.l.core, r.l.core.groups
	common, inner, v := r.common[i*groups:(i+1)*groups], r.inner[i*groups:(i+1)*groups], r.v[i*groups:(i+1)*groups]
	t := c.terms[u]
	clear(common)
	clear(inner)
	clear(v)
	for g, e := range c.effect[:groups] {
		if !c.active[g] {
			continue
		}
		mean := c.effectS[e*c.width+u] / c.effectN[e]
		v[g] = c.sums[u][g] - r.n[g]*mean
		if value := c.byProduct[t.product][g]; t.basis > 0 {
			common[g], inner[g] = -mean, value
		} else {
			common[g] = value - mean
		}
	}
}

// times fills dst with Σ x_i column_i of columns by term and group.
func (r *classRegression) times(dst, columns, x []float64) {
	groups := r.l.core.groups
	if len(x) == 0 {
		clear(dst)
		return
	}
	all := blas64.General{Rows: len(x), Cols: groups, Stride: groups, Data: columns[:len(x)*groups]}
	blas64.Gemv(blas.Trans, 1, all, blas64.Vector{N: len(x), Inc: 1, Data: x}, 0, blas64.Vector{N: groups, Inc: 1, Data: dst})
}

// regress chooses the outcome.
func (r *classRegression) regress(outcome int) {
	c, groups := r.l.core, r.l.core.groups
	r.outcome = outcome
	for i, u := range r.terms {
		r.zy[i] = c.cross(u, outcome)
	}
	r.chol.half(r.zy)
	r.times(r.product[:groups], r.v, r.zy)
	at := len(c.terms) + outcome
	for g, e := range c.effect[:groups] {
		if r.y[g] = 0; c.active[g] {
			r.y[g] = c.sums[at][g] - r.n[g]*c.effectS[e*c.width+at]/c.effectN[e] - r.product[g]
		}
	}
}

// column fills c with a column by group: 0 for groups without rows.
func (r *classRegression) column(c *classColumn, x []float64) {
	groups := r.l.core.groups
	copy(c.x, x[:groups])
	clear(r.sums)
	for _, run := range r.l.core.runs {
		r.sums[run.effect] += floats.Dot(r.n[run.lo:run.hi], c.x[run.lo:run.hi])
	}
	for _, run := range r.l.core.runs {
		if n := r.l.core.effectN[run.effect]; n > 0 {
			floats.AddConst(-r.sums[run.effect]/n, c.x[run.lo:run.hi])
		}
	}
	r.annihilate(c)
}

// annihilate fills what follows from a column's deviations. AF and V sum to 0 over the
// groups of an effect, so that x counts but for its means.
func (r *classRegression) annihilate(c *classColumn) {
	groups, q := r.l.core.groups, len(r.terms)
	x := c.x[:groups]
	if q > 0 {
		v := blas64.General{Rows: q, Cols: groups, Stride: groups, Data: r.v[:q*groups]}
		blas64.Gemv(blas.NoTrans, 1, v, blas64.Vector{N: groups, Inc: 1, Data: x}, 0, blas64.Vector{N: q, Inc: 1, Data: c.z})
	}
	r.times(c.vz[:groups], r.v, c.z)
	floats.MulTo(c.ax[:groups], r.n[:groups], x)
	floats.Sub(c.ax[:groups], c.vz[:groups])
}

// estimate solves (W'AF - Λ)θ = W'My, Λ what error adds to W'AF, nil for none; without
// w, W is F. It reports whether there is a solution.
func (r *classRegression) estimate(f, w [][]float64, lambda []float64) bool {
	groups, m := r.l.core.groups, r.focal
	for k, x := range f {
		r.column(&r.f[k], x)
	}
	for k, x := range w {
		r.column(&r.w[k], x)
	}
	of := r.instruments(w)
	for k := range m {
		for l := range m {
			r.left[k*m+l] = floats.Dot(of[k].x[:groups], r.f[l].ax[:groups])
			if lambda != nil {
				r.left[k*m+l] -= lambda[k*m+l]
			}
		}
	}
	if !r.invert() {
		return false
	}
	clear(r.theta)
	for k := range m {
		sum := floats.Dot(of[k].x[:groups], r.y[:groups])
		for l := range m {
			r.theta[l] += r.left[l*m+k] * sum
		}
	}
	return true
}

func (r *classRegression) instruments(w [][]float64) []classColumn {
	if w == nil {
		return r.f
	}
	return r.w
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
func (r *classRegression) addScores(scores []float64, clusterOf []int, w [][]float64) {
	c, m, nb := r.l.core, r.focal, len(r.l.core.basis)
	groups := c.groups
	copy(r.eta, r.zy)
	for k := range m {
		addScaled(r.eta, -r.theta[k], r.f[k].z)
	}
	r.chol.back(r.eta)
	r.onBasis(r.eta)
	at := len(c.terms) + r.outcome
	for _, run := range c.runs {
		if n := c.effectN[run.effect]; n > 0 {
			floats.AddConst(c.effectS[run.effect*c.width+at]/n, r.fitted[0][run.lo:run.hi])
		}
	}
	for k := range m {
		floats.AddScaled(r.fitted[0][:groups], r.theta[k], r.f[k].x[:groups])
	}
	for a := range nb {
		residual := r.residual[a][:groups]
		r.outcomeProducts(residual, a)
		for b := range nb {
			s, fitted := c.byStat[c.pairs[a*nb+b]][:groups], r.fitted[b][:groups]
			for g := range residual {
				residual[g] -= s[g] * fitted[g]
			}
		}
	}
	of := r.instruments(w)
	for k := range m {
		copy(r.eta, of[k].z)
		r.chol.back(r.eta) // coefficients of W on the other terms
		r.onBasis(r.eta)
		sum := r.product[:groups]
		for g, x := range of[k].x[:groups] {
			sum[g] = r.residual[0][g] * (x - r.fitted[0][g])
		}
		for a := 1; a < nb; a++ {
			residual, fitted := r.residual[a][:groups], r.fitted[a][:groups]
			for g := range sum {
				sum[g] -= residual[g] * fitted[g]
			}
		}
		for g, x := range sum {
			if c.active[g] {
				scores[clusterOf[g]*m+k] += x
			}
		}
	}
}

// outcomeProducts fills dst with Σ m y over the rows of every group, m the basis a.
func (r *classRegression) outcomeProducts(dst []float64, a int) {
	c := r.l.core
	y := c.outcomes[r.outcome]
	if y.child >= 0 {
		copy(dst, c.byStat[c.outcomeAt[y.child]+a])
		return
	}
	floats.MulTo(dst, c.byProduct[y.product][:len(dst)], c.byStat[c.pairs[a]][:len(dst)])
}

// onBasis fills fitted with Σ (z - z̄)'b of every group's rows, as coefficients of the
// basis.
func (r *classRegression) onBasis(b []float64) {
	c, groups := r.l.core, r.l.core.groups
	r.times(r.fitted[0][:groups], r.common, b)
	for _, fitted := range r.fitted[1:] {
		clear(fitted)
	}
	for _, i := range r.within {
		floats.AddScaled(r.fitted[c.terms[r.terms[i]].basis][:groups], b[i], r.inner[i*groups:(i+1)*groups])
	}
}
