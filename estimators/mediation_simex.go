package estimators

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
)

// repeatedFits are SIMEX's: regressions that differ by the error that is added to the
// mediators. A draw of errors U, with columns for the mediators and their products with the
// arm, is added at all levels s², so that focal columns are F = F₀ + sU. With V, A, R, Z̃ and
// D as in classRegression and y = D'My, the estimates are θ = Hy'F for
//
//	H = (F'AF)⁻¹,  F'AF = F₀'AF₀ + s(F₀'AU + U'AF₀) + s²U'AU
//
// so that a level costs the solution of a small system. With F° the deviations of F from the
// means of the absorbed effect, and B(u, v) = n u°v° - u°(VV'v) - v°(VV'u), which is linear
// in both, the influence of a class on θ is H times
//
//	F°y - B(F, F)θ - F'V (Ŝ_y - Ŝ_z(R⁻¹'Z̃'y - V'Fθ))
//
// by class, Ŝ_y and Ŝ_z the class's own part of R⁻¹'Z̃'y and of R⁻¹'Z̃'Z̃R⁻¹ = I. Added up
// over levels and draws, what is linear in U is that of a few sums of U, and what is
// quadratic takes B(U, U) once for every draw.
type repeatedFits struct {
	c       *correctedPaths
	v       []float64 // V by term and class
	n, y    []float64 // by class: size, My; 0 of one without rows
	runs    []run     // classes of an effect that follow each other
	means   []float64 // scratch: by effect
	fixed   []classColumn
	added   []classColumn // U; none for the arm, which is the last focal column
	noise   []float64     // scratch: by class and mediator
	plain   []float64     // F₀'AF₀
	once    []float64     // F₀'AU
	twice   []float64     // U'AU
	right   []float64     // F₀'y, then U'y
	onY     []float64     // by focal k and l: Σ weight H_kl, over all fits
	onFixed []float64     // by focal k, l, j: Σ weight H_kl θ_j, over all fits
	sums    []float64     // the same of one draw: Σ weight s H_kl, Σ weight s (H_kl θ_j + H_kj θ_l), Σ weight s² H_kl θ_j
	withY   []classColumn // by focal column: Σ of U that meets y
	with    []classColumn // by focal column and column of F₀: Σ of U that meets it
	square  [][]float64   // by focal column and class: Σ B(U, U)
	second  [][]float64   // by focal column: what meets Ŝ_z, terms × terms
	product []float64     // scratch, by class
	within  []int         // terms that vary within classes
	// A row of Z̃ is a column of common, and for terms that vary within classes what
	// is in inner times the row's basis.
	common, inner []float64 // by term and class
}

// A classColumn is a column by class with what is known of it.
type classColumn struct {
	x  []float64 // deviations from the means of the absorbed effect
	z  []float64 // V'x
	vz []float64 // VV'x
	ax []float64 // Ax
}

// A run is the classes from lo to hi, of one effect.
type run struct{ lo, hi, effect int }

func newRepeatedFits(c *correctedPaths, groups int) *repeatedFits {
	r := c.regression
	q, m := len(r.terms), r.focal
	columns := func(k, n int) [][]float64 {
		all := make([][]float64, k)
		for i := range all {
			all[i] = make([]float64, n)
		}
		return all
	}
	classColumns := func(k int) []classColumn {
		x, z, vz, ax := columns(k, groups), columns(k, q), columns(k, groups), columns(k, groups)
		all := make([]classColumn, k)
		for i := range all {
			all[i] = classColumn{x[i], z[i], vz[i], ax[i]}
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
		c:      c, v: make([]float64, q*groups), n: make([]float64, groups), y: make([]float64, groups),
		runs: make([]run, 0, groups), means: make([]float64, max(r.l.core.mostEffects, 1)),
		fixed: classColumns(m), added: classColumns(m - 1), noise: make([]float64, groups*c.paths.k),
		plain: make([]float64, m*m), once: make([]float64, m*m), twice: make([]float64, m*m), right: make([]float64, 2*m),
		onY: make([]float64, m*m), onFixed: make([]float64, m*m*m), sums: make([]float64, m*m+2*m*m*m),
		withY: classColumns(m), with: classColumns(m * m), square: columns(m, groups), second: columns(m, q*q),
		product: make([]float64, groups), common: make([]float64, q*groups), inner: make([]float64, q*groups),
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
	if !f.extrapolate(0, 1) {
		return Collinear
	}
	r := c.source.Load(s.stream, c.purpose)
	noise := f.noise[:core.groups*k]
	for range c.Draws {
		for i := range noise {
			noise[i] = r.NormFloat64()
		}
		f.draw(noise)
		if !f.extrapolate(1, float64(c.Draws)) {
			return Collinear
		}
		f.addUp()
	}
	f.finish()
	return OK
}

// load reads off the regression what no draw changes.
func (f *repeatedFits) load() {
	c, r := f.c, f.c.regression
	core, q, m := r.l.core, len(r.terms), r.focal
	groups := core.groups
	f.runs = f.runs[:0]
	for g := range groups {
		f.n[g], f.y[g] = 0, 0
		if core.active[g] {
			f.n[g], f.y[g] = core.stat[g*core.stride], r.y[g]
		}
		for i := range q {
			at := &f.v[i*groups+g]
			if *at = 0; core.active[g] {
				*at = r.v[g*q+i]
			}
		}
		if g == 0 || core.effect[g] != core.effect[g-1] {
			f.runs = append(f.runs, run{g, g, core.effect[g]})
		}
		f.runs[len(f.runs)-1].hi = g + 1
	}
	f.loadRows()
	c.fill(c.f, c.score)
	for k := range m {
		copy(f.fixed[k].x[:groups], c.f[k])
		f.complete(&f.fixed[k], true)
		f.right[k] = floats.Dot(f.fixed[k].x[:groups], f.y[:groups])
		for l := range k + 1 {
			// AF sums to 0 over the classes of an effect.
			sum := floats.Dot(f.fixed[l].x[:groups], f.fixed[k].ax[:groups])
			f.plain[k*m+l], f.plain[l*m+k] = sum, sum
		}
		clear(f.withY[k].x)
		clear(f.square[k])
		clear(f.second[k])
	}
	for i := range f.with {
		clear(f.with[i].x)
	}
	clear(f.onY)
	clear(f.onFixed)
	clear(f.once)
	clear(f.twice)
	clear(f.right[m:])
}

// loadRows fills common and inner.
func (f *repeatedFits) loadRows() {
	r := f.c.regression
	core, q := r.l.core, len(r.terms)
	for i, u := range r.terms {
		common, inner := f.common[i*core.groups:(i+1)*core.groups], f.inner[i*core.groups:(i+1)*core.groups]
		within := core.terms[u].basis > 0
		for g, e := range core.effect[:core.groups] {
			value, mean := core.value[g*len(core.terms)+u], r.means[e*q+i]
			switch {
			case !core.active[g]:
				common[g], inner[g] = 0, 0
			case within:
				common[g], inner[g] = -mean, value
			default:
				common[g], inner[g] = value-mean, 0
			}
		}
	}
}

// draw fills U from standard normals.
func (f *repeatedFits) draw(noise []float64) {
	c, m := f.c, f.c.regression.focal
	groups, k := c.paths.outcome.core.groups, c.paths.k
	for i := range k {
		u := f.added[i].x[:groups]
		root := c.root.l[i*k : i*k+i+1]
		for g := range u {
			u[g] = dot(root, noise[g*k:])
		}
		if at := c.product[i]; at >= 0 {
			floats.MulTo(f.added[at].x[:groups], u, c.treated[:groups])
		}
	}
	for j := range f.added {
		u := &f.added[j]
		f.complete(u, true)
		f.right[m+j] = floats.Dot(u.x[:groups], f.y[:groups])
		for l := range m {
			f.once[l*m+j] = floats.Dot(f.fixed[l].x[:groups], u.ax[:groups])
		}
		for l := range j + 1 {
			sum := floats.Dot(f.added[l].x[:groups], u.ax[:groups])
			f.twice[j*m+l], f.twice[l*m+j] = sum, sum
		}
	}
}

// complete takes the means of the absorbed effect off a column, where it has them, and
// fills what depends on it.
func (f *repeatedFits) complete(c *classColumn, means bool) {
	groups, q := f.c.regression.l.core.groups, len(c.z)
	x := c.x[:groups]
	if means {
		clear(f.means)
		for _, r := range f.runs {
			f.means[r.effect] += floats.Dot(f.n[r.lo:r.hi], x[r.lo:r.hi])
		}
		for _, r := range f.runs {
			if n := f.c.regression.l.core.effectN[r.effect]; n > 0 {
				floats.AddConst(-f.means[r.effect]/n, x[r.lo:r.hi])
			}
		}
	}
	// V sums to 0 over the classes of an effect.
	if q > 0 {
		v := blas64.General{Rows: q, Cols: groups, Stride: groups, Data: f.v[:q*groups]}
		z, by := blas64.Vector{N: q, Inc: 1, Data: c.z}, blas64.Vector{N: groups, Inc: 1, Data: x}
		blas64.Gemv(blas.NoTrans, 1, v, by, 0, z)
		blas64.Gemv(blas.Trans, 1, v, z, 0, blas64.Vector{N: groups, Inc: 1, Data: c.vz[:groups]})
	}
	floats.MulTo(c.ax[:groups], f.n[:groups], x)
	floats.Sub(c.ax[:groups], c.vz[:groups])
}

// extrapolate estimates at the levels from one on, that without error for 0 and all others
// for 1, adds the estimates of one of so many draws, and fills sums.
func (f *repeatedFits) extrapolate(from int, draws float64) bool {
	c, r := f.c, f.c.regression
	m := r.focal
	clear(f.sums)
	onY, onFixed, onAdded := f.sums[:m*m], f.sums[m*m:][:m*m*m], f.sums[m*m+m*m*m:]
	levels := c.extrapolated[:1]
	if from > 0 {
		levels = c.extrapolated[1:]
	}
	for level, weight := range levels {
		weight /= draws
		square := 0.0
		if from > 0 {
			square = simexLevels[level]
		}
		s := math.Sqrt(square)
		for k := range m {
			for l := range m {
				r.left[k*m+l] = f.plain[k*m+l] + s*(f.once[k*m+l]+f.once[l*m+k]) + square*f.twice[k*m+l]
			}
		}
		if !r.invert() {
			return false
		}
		clear(r.theta)
		for k := range m {
			y := f.right[k] + s*f.right[m+k]
			for l := range m {
				r.theta[l] += r.left[l*m+k] * y
			}
		}
		addScaled(c.theta, weight, r.theta)
		for k := range m {
			for l, h := range r.left[k*m : (k+1)*m] {
				h *= weight
				f.onY[k*m+l] += h
				onY[k*m+l] += s * h
				at := (k*m + l) * m
				for j, theta := range r.theta {
					f.onFixed[at+j] += h * theta
					onFixed[at+j] += s * h * theta
					onFixed[(k*m+j)*m+l] += s * h * theta
					onAdded[at+j] += square * h * theta
				}
			}
		}
	}
	return true
}

// addUp adds a draw to the sums of columns, with the weights of extrapolate.
func (f *repeatedFits) addUp() {
	r := f.c.regression
	m, groups := r.focal, r.l.core.groups
	onY, onFixed, onAdded := f.sums[:m*m], f.sums[m*m:][:m*m*m], f.sums[m*m+m*m*m:]
	product := f.product[:groups]
	for l := range f.added {
		u := &f.added[l]
		x := u.x[:groups]
		for k := range m {
			floats.AddScaled(f.withY[k].x[:groups], onY[k*m+l], x)
			for j := range m {
				floats.AddScaled(f.with[k*m+j].x[:groups], onFixed[(k*m+l)*m+j], x)
			}
		}
		for j := range l + 1 {
			o := &f.added[j]
			ax, y, vy := u.ax[:groups], o.x[:groups], o.vz[:groups]
			for g := range product {
				product[g] = ax[g]*y[g] - x[g]*vy[g]
			}
			for k := range m {
				weight := onAdded[(k*m+l)*m+j]
				if j != l {
					weight += onAdded[(k*m+j)*m+l]
				}
				floats.AddScaled(f.square[k][:groups], weight, product)
				for i, z := range u.z {
					addScaled(f.second[k][i*len(o.z):(i+1)*len(o.z)], -weight*z, o.z)
				}
			}
		}
	}
}

// finish puts the influences together, and sums them by cluster.
func (f *repeatedFits) finish() {
	c, r := f.c, f.c.regression
	q, m, groups := len(r.terms), r.focal, r.l.core.groups
	for k := range m {
		withY, influence := &f.withY[k], f.square[k][:groups]
		for l := range m {
			floats.AddScaled(withY.x[:groups], f.onY[k*m+l], f.fixed[l].x[:groups])
		}
		f.complete(withY, false)
		for g, x := range withY.x[:groups] {
			influence[g] = x*f.y[g] - influence[g]
		}
		for i, x := range withY.z {
			addScaled(f.second[k][i*q:(i+1)*q], x, r.zy)
		}
		for j := range m {
			fixed, with := &f.fixed[j], &f.with[k*m+j]
			for l := range m {
				floats.AddScaled(with.x[:groups], f.onFixed[(k*m+l)*m+j], f.fixed[l].x[:groups])
			}
			f.complete(with, false)
			for g := range influence {
				influence[g] -= fixed.ax[g]*with.x[g] - fixed.x[g]*with.vz[g]
			}
			for i, x := range fixed.z {
				addScaled(f.second[k][i*q:(i+1)*q], -x, with.z)
			}
		}
		f.addParts(influence, withY.z, f.second[k])
		for g, x := range influence {
			if r.l.core.active[g] {
				c.influence[r.l.clusterOf[g]*m+k] += x
			}
		}
	}
}

// addParts adds to influences by class -b'Ŝ_y + tr(MŜ_z). With R⁻¹ taken to b and M, Ŝ are
// sums over the class's own rows z̃, so that for z̃ = u + Σ v_a m_a, m_a a row's basis,
//
//	tr(MŜ_z) = n u'Mu + 2 Σ_a S(1, m_a) v_a'Mu + Σ_ab S(m_a, m_b) v_a'Mv_b,  M symmetric
func (f *repeatedFits) addParts(influence, b, matrix []float64) {
	r := f.c.regression
	core, q, nb := r.l.core, len(r.terms), len(r.l.core.basis)
	if q == 0 {
		return
	}
	f.takeRoot(b, matrix)
	groups, product, n := core.groups, f.product[:core.groups], f.n[:core.groups]
	common := blas64.General{Rows: q, Cols: groups, Stride: groups, Data: f.common[:q*groups]}
	times := func(x []float64) { // fills product with x'u by class
		blas64.Gemv(blas.Trans, 1, common, blas64.Vector{N: q, Inc: 1, Data: x}, 0, blas64.Vector{N: groups, Inc: 1, Data: product})
	}
	y, at := core.outcomes[r.outcome], len(core.terms)+r.outcome
	deviation := func(g, a int) float64 { // Σ m_a (y - ȳ)
		s, e := core.stat[g*core.stride:(g+1)*core.stride], core.effect[g]
		return core.outcomeProduct(g, a, y, s) - core.effectS[e*core.width+at]/core.effectN[e]*s[core.pairs[a*nb]]
	}
	times(b)
	for g, x := range product {
		if core.active[g] {
			influence[g] -= x * deviation(g, 0)
		}
	}
	for i := range q {
		row := matrix[i*q : (i+1)*q]
		times(row)
		own := f.common[i*groups : (i+1)*groups]
		for g, x := range product {
			influence[g] += n[g] * own[g] * x
		}
		a := core.terms[r.terms[i]].basis
		if a == 0 {
			continue
		}
		own = f.inner[i*groups : (i+1)*groups]
		for g, x := range product {
			if core.active[g] {
				influence[g] += own[g] * (2*x*core.stat[g*core.stride+core.pairs[a]] - b[i]*deviation(g, a))
			}
		}
		for _, j := range f.within {
			other, pair := f.inner[j*groups:(j+1)*groups], core.pairs[core.terms[r.terms[j]].basis*nb+a]
			for g := range influence {
				influence[g] += row[j] * own[g] * other[g] * core.stat[g*core.stride+pair]
			}
		}
	}
}

// takeRoot replaces b by R⁻¹b and the matrix by the symmetric part of R⁻¹MR⁻¹'.
func (f *repeatedFits) takeRoot(b, matrix []float64) {
	r := f.c.regression
	q := len(r.terms)
	r.chol.back(b)
	for range 2 { // rows, then columns
		for i := range q {
			r.chol.back(matrix[i*q : (i+1)*q])
		}
		for i := range q {
			for j := range i {
				matrix[i*q+j], matrix[j*q+i] = matrix[j*q+i], matrix[i*q+j]
			}
		}
	}
	for i := range q {
		for j := range i {
			x := (matrix[i*q+j] + matrix[j*q+i]) / 2
			matrix[i*q+j], matrix[j*q+i] = x, x
		}
	}
}
