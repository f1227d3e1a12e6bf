package estimators

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// A mixedJoint is the scratch of joint tests of up to so many combinations.
type mixedJoint struct {
	value      []float64
	covariance []curve // per σ², by two combinations
	matrix     []float64
	vector     []float64 // eigenvectors by rows
	root       []float64 // eigenvalues
	solved     []float64 // C⁻¹ C_i, by parameter
	chol       *cholesky
	raw        []float64
	x          []float64
	trace      []float64
}

func newMixedJoint(most int) *mixedJoint {
	return &mixedJoint{
		value: make([]float64, most), covariance: make([]curve, most*most),
		matrix: make([]float64, most*most), vector: make([]float64, most*most), root: make([]float64, most),
		solved: make([]float64, (mostParameters+1)*most*most),
		chol:   newCholesky(most), raw: make([]float64, most), x: make([]float64, most),
		trace: make([]float64, mostParameters+1),
	}
}

// jointTest tests that the combinations of a group are all 0 for outcome i, by
// the F statistic b'V⁻¹b/k. Its denominator degrees of freedom are those of
// lmerTest's contestMD for Satterthwaite's rule, and those of pbkrtest's
// KRmodcomp, with its factor of F and its V, for Kenward and Roger's.
func (m *mixed) jointTest(i int, group []int, status Status) Estimate {
	j, k := m.joint, len(group)
	for a, r := range group {
		if m.l.dropped(r) {
			return failed(Collinear)
		}
		j.value[a] = m.value(i, r)
		for b, t := range group[:a+1] {
			c := m.covariance(r, t)
			j.covariance[a*k+b], j.covariance[b*k+a] = c, c
		}
	}
	sigma2 := m.inference.sigma2()
	var f, df float64
	ok := m.inference.known
	switch {
	case !ok:
	case m.rule == Satterthwaite:
		f, df, ok = j.contest(&m.inference, k)
		f /= sigma2
	case m.rule == KenwardRoger:
		f, df, ok = j.kenwardRoger(&m.inference, k)
		f /= sigma2
	default:
		for a := range k * k {
			j.matrix[a] = j.covariance[a].v
		}
		f, ok = j.form(k)
		f /= float64(k) * sigma2
		df = m.inference.degrees
	}
	switch {
	case !m.inference.known:
		return failed(NotFinite)
	case !ok:
		return failed(Collinear)
	case !(f >= 0) || math.IsInf(f, 0) || !(df > 0) || math.IsInf(df, 0):
		return failed(NotFinite)
	}
	// P(F(k, df) > f) as an incomplete beta function keeps the far tail.
	p := mathext.RegIncBeta(df/2, float64(k)/2, df/(df+float64(k)*f))
	return Estimate{Value: f, SE: math.NaN(), DF: df, P: p, Status: status}
}

// form returns b'M⁻¹b for the values b and the matrix, which it factors. It
// reports false where the matrix is singular.
func (j *mixedJoint) form(k int) (float64, bool) {
	j.factor(k)
	x := j.x[:k]
	copy(x, j.value)
	j.chol.half(x)
	return dot(x, x), j.chol.rank == k
}

func (j *mixedJoint) factor(k int) {
	j.chol.n = k
	copy(j.chol.l, j.matrix[:k*k])
	for a := range k {
		j.raw[a] = j.matrix[a*k+a]
	}
	j.chol.factor(j.raw)
}

// contest returns F times σ², and its degrees of freedom: the combinations are
// rotated to uncorrelated ones with degrees of freedom ν_a, and df is such that
// the mean of F(k, df) is that of the sum of their F(1, ν_a), over k.
func (j *mixedJoint) contest(f *mixedInference, k int) (statistic, df float64, ok bool) {
	for a := range k * k {
		j.matrix[a] = j.covariance[a].v
	}
	if _, ok := j.form(k); !ok {
		return 0, 0, false
	}
	jacobi(j.root[:k], j.vector[:k*k], j.matrix[:k*k], k)
	expected, first, alike, few := 0.0, 0.0, true, false
	for e := range k {
		p := j.vector[e*k : (e+1)*k]
		var rotated curve
		value := 0.0
		for a, x := range p {
			value += x * j.value[a]
			for b, y := range p {
				rotated.add(x*y, &j.covariance[a*k+b], f.n)
			}
		}
		statistic += value * value / rotated.v / float64(k)
		nu := f.satterthwaite(&rotated)
		if e == 0 {
			first = nu
		}
		alike = alike && math.Abs(nu-first) < 1e-8
		few = few || nu <= 2
		expected += nu / (nu - 2)
	}
	switch {
	case alike:
		return statistic, first, true
	case few:
		return statistic, 2, true
	default:
		return statistic, 2 * expected / (expected - float64(k)), true
	}
}

// kenwardRoger returns the scaled F times σ², and its degrees of freedom (Kenward
// and Roger 1997, section 3.2; Halekoh and Højsgaard 2014, section 4). With C(θ)
// the covariance of the combinations and C_i its derivatives,
//
//	A1 = Σ W_ij tr(C⁻¹C_i) tr(C⁻¹C_j),  A2 = Σ W_ij tr(C⁻¹C_iC⁻¹C_j)
func (j *mixedJoint) kenwardRoger(f *mixedInference, k int) (statistic, df float64, ok bool) {
	parameters, square := f.n+1, k*k
	for a := range square {
		j.matrix[a] = j.covariance[a].v
	}
	if j.factor(k); j.chol.rank < k {
		return 0, 0, false
	}
	for a := range k {
		for b := range k {
			first, second := f.completed(&j.covariance[a*k+b])
			for i := range parameters {
				j.solved[i*square+b*k+a] = first[i] // by columns
			}
			j.matrix[a*k+b] = f.adjusted(j.covariance[a*k+b].v, &second)
		}
	}
	for i := range parameters {
		j.trace[i] = 0
		for b := range k {
			column := j.solved[i*square+b*k : i*square+(b+1)*k]
			j.chol.solve(column)
			j.trace[i] += column[b]
		}
	}
	a1, a2 := 0.0, 0.0
	for i := range parameters {
		w := f.informationColumn(i)
		for l := range parameters {
			products := 0.0
			for a := range k {
				for b := range k {
					products += j.solved[i*square+b*k+a] * j.solved[l*square+a*k+b]
				}
			}
			a1 += 2 * w[l] * j.trace[i] * j.trace[l]
			a2 += 2 * w[l] * products
		}
	}
	wald, ok := j.form(k)
	scale, df := kenwardRogerScale(a1, a2, float64(k))
	return scale * wald / float64(k), df, ok
}

// kenwardRogerScale returns the factor of F and its degrees of freedom.
func kenwardRogerScale(a1, a2, q float64) (scale, df float64) {
	b := (a1 + 6*a2) / (2 * q)
	g := ((q+1)*a1 - (q+4)*a2) / ((q + 2) * a2)
	d := 3*q + 2*(1-g)
	c1, c2, c3 := g/d, (q-g)/d, (q+2-g)/d
	v0, v1, v2 := 1+c1*b, 1-c2*b, 1-c3*b
	if math.Abs(v0) < 1e-10 {
		v0 = 0
	}
	mean := 1 - a2/q
	ratio := 1.0 // of mean to v1, as both go to 0
	if math.Abs(mean) >= 1e-14 || math.Abs(v1) >= 1e-14 {
		ratio = mean / v1
	}
	rho := ratio * ratio * v0 / v2 / q
	df = 4 + (q+2)/(q*rho-1)
	if math.Abs(df-2) < 1e-2 {
		return 1, df
	}
	return df * mean / (df - 2), df
}
