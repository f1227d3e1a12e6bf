package estimators

import (
	"math"

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
	fixed   []classColumn
	added   []classColumn // U; none for the arm, which is the last focal column
	noise   []float64     // scratch: by class and mediator
	raw     [][]float64   // scratch: U before its means are taken off
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
}

func newRepeatedFits(c *correctedPaths, groups int) *repeatedFits {
	r := c.regression
	q, m := len(r.terms), r.focal
	return &repeatedFits{
		c:     c,
		fixed: r.newColumns(m, groups), added: r.newColumns(m-1, groups), noise: make([]float64, groups*c.paths.k),
		plain: make([]float64, m*m), once: make([]float64, m*m), twice: make([]float64, m*m), right: make([]float64, 2*m),
		onY: make([]float64, m*m), onFixed: make([]float64, m*m*m), sums: make([]float64, m*m+2*m*m*m),
		withY: r.newColumns(m, groups), with: r.newColumns(m*m, groups), square: columns(m, groups), second: columns(m, q*q),
		product: make([]float64, groups), raw: columns(m-1, groups),
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
	groups, m := r.l.core.groups, r.focal
	c.fill(c.f, c.score)
	for k := range m {
		r.column(&f.fixed[k], c.f[k])
		f.right[k] = floats.Dot(f.fixed[k].x[:groups], r.y[:groups])
		for l := range k + 1 {
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

// draw fills U from standard normals.
func (f *repeatedFits) draw(noise []float64) {
	c, r, m := f.c, f.c.regression, f.c.regression.focal
	groups, k := r.l.core.groups, c.paths.k
	for i := range k {
		u := f.raw[i][:groups]
		root := c.root.l[i*k : i*k+i+1]
		for g := range u {
			u[g] = dot(root, noise[g*k:])
		}
		if at := c.product[i]; at >= 0 {
			floats.MulTo(f.raw[at][:groups], u, c.treated[:groups])
		}
	}
	for j := range f.added {
		u := &f.added[j]
		r.column(u, f.raw[j])
		f.right[m+j] = floats.Dot(u.x[:groups], r.y[:groups])
		for l := range m {
			f.once[l*m+j] = floats.Dot(f.fixed[l].x[:groups], u.ax[:groups])
		}
		for l := range j + 1 {
			sum := floats.Dot(f.added[l].x[:groups], u.ax[:groups])
			f.twice[j*m+l], f.twice[l*m+j] = sum, sum
		}
	}
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
		r.annihilate(withY)
		for g, x := range withY.x[:groups] {
			influence[g] = x*r.y[g] - influence[g]
		}
		for i, x := range withY.z {
			addScaled(f.second[k][i*q:(i+1)*q], x, r.zy)
		}
		for j := range m {
			fixed, with := &f.fixed[j], &f.with[k*m+j]
			for l := range m {
				floats.AddScaled(with.x[:groups], f.onFixed[(k*m+l)*m+j], f.fixed[l].x[:groups])
			}
			r.annihilate(with)
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
	groups, product, n := core.groups, f.product[:core.groups], r.n[:core.groups]
	y, at := r.residual[0][:groups], len(core.terms)+r.outcome
	deviations := func(a int) { // fills y with Σ m_a (y - ȳ)
		r.outcomeProducts(y, a)
		s := core.byStat[core.pairs[a*nb]]
		for g, e := range core.effect[:groups] {
			if core.active[g] {
				y[g] -= core.effectS[e*core.width+at] / core.effectN[e] * s[g]
			}
		}
	}
	deviations(0)
	r.times(product, r.common, b)
	for g, x := range product {
		influence[g] -= x * y[g]
	}
	for i := range q {
		row := matrix[i*q : (i+1)*q]
		r.times(product, r.common, row)
		own := r.common[i*groups : (i+1)*groups]
		for g, x := range product {
			influence[g] += n[g] * own[g] * x
		}
		a := core.terms[r.terms[i]].basis
		if a == 0 {
			continue
		}
		deviations(a)
		own = r.inner[i*groups : (i+1)*groups]
		first := core.byStat[core.pairs[a]][:groups]
		for g, x := range product {
			influence[g] += own[g] * (2*x*first[g] - b[i]*y[g])
		}
		for _, j := range r.within {
			other, pair := r.inner[j*groups:(j+1)*groups], core.byStat[core.pairs[core.terms[r.terms[j]].basis*nb+a]][:groups]
			for g := range influence {
				influence[g] += row[j] * own[g] * other[g] * pair[g]
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
