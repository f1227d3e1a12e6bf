package analytic

import (
	"math"

	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/stat/distuv"
)

// Bonferroni is the level of each of m tests that keeps the familywise error
// rate at alpha whatever their dependence.
func Bonferroni(alpha float64, m int) float64 { return alpha / float64(m) }

// Sidak is the level that does so for independent tests: 1-(1-alpha)^(1/m).
func Sidak(alpha float64, m int) float64 { return -math.Expm1(math.Log1p(-alpha) / float64(m)) }

// A Family is several tests, each of the same true effect and standard error.
type Family struct {
	Test
	Effect      float64
	Size        int
	Correlation float64 // between the estimates of any two, at least 0 and below 1
}

// Rejections returns the probabilities of 0, 1, ..., Size rejections at a level
// of each test. The t statistics are multivariate t, as in PUMP: estimates with
// one correlation over a common standard error. Given the common part z of the
// estimates and the error s of the standard error, tests are independent; the
// integral over both is by quadrature.
func (f Family) Rejections(l Level) []float64 {
	p := make([]float64, f.Size+1)
	normal := distuv.UnitNormal
	c, delta := f.critical(l), f.Effect/f.SE
	common, own := math.Sqrt(f.Correlation), math.Sqrt(1-f.Correlation)
	given := func(z, s, weight float64) {
		r := normal.CDF((delta + common*z - c*s) / own)
		if l.Tails == 2 {
			r += normal.CDF((-delta - common*z - c*s) / own)
		}
		r = math.Min(r, 1)
		binomial(p, r, weight)
	}
	if f.Correlation == 0 && f.DF > largeDF {
		given(0, 1, 1)
		return p
	}
	zs, zw := []float64{0}, []float64{1}
	if f.Correlation > 0 {
		zs, zw = nodes(normal.Prob, -9, 9, 120)
	}
	ss, sw := []float64{1}, []float64{1}
	if f.DF <= largeDF {
		ss, sw = errorScales(f.DF, 200)
	}
	for i, s := range ss {
		for j, z := range zs {
			given(z, s, sw[i]*zw[j])
		}
	}
	return p
}

// errorScales returns n values of s = √(χ²/df), an estimated standard error over the
// true one, with their probabilities.
func errorScales(df float64, n int) (s, probability []float64) {
	chi := distuv.ChiSquared{K: df}
	density := func(u float64) float64 { // in terms of u = log s
		x := df * math.Exp(2*u)
		return 2 * x * chi.Prob(x)
	}
	low := math.Log(math.Max(chi.Quantile(1e-15)/df, 1e-30)) / 2
	high := math.Log(chi.Quantile(1-1e-14)/df) / 2
	s, probability = nodes(density, low, high, n)
	for i := range s {
		s[i] = math.Exp(s[i])
	}
	return s, probability
}

// nodes returns Gauss-Legendre nodes with weights times a density, which are
// made to add up to 1.
func nodes(density func(float64) float64, low, high float64, n int) (x, w []float64) {
	x, w = make([]float64, n), make([]float64, n)
	quad.Legendre{}.FixedLocations(x, w, low, high)
	sum := 0.0
	for i := range w {
		w[i] *= density(x[i])
		sum += w[i]
	}
	for i := range w {
		w[i] /= sum
	}
	return x, w
}

// binomial adds weight times the binomial distribution of len(p)-1 trials.
func binomial(p []float64, r, weight float64) {
	n := len(p) - 1
	if r <= 0 || r >= 1 {
		if r >= 1 {
			p[n] += weight
		} else {
			p[0] += weight
		}
		return
	}
	logR, logQ := math.Log(r), math.Log1p(-r)
	all, _ := math.Lgamma(float64(n) + 1)
	for k := range p {
		a, _ := math.Lgamma(float64(k) + 1)
		b, _ := math.Lgamma(float64(n-k) + 1)
		p[k] += weight * math.Exp(all-a-b+float64(k)*logR+float64(n-k)*logQ)
	}
}

// severalOutcomes lists power for M outcomes with the same effect.
func severalOutcomes(v *Values, t Test) []Result {
	m := int(v[Tests])
	f := Family{Test: t, Effect: v.itt(), Size: m, Correlation: v[Correlation]}
	level := v.level()
	at := func(alpha float64) (each, any float64) {
		l := Level{Alpha: alpha, Tails: level.Tails}
		return t.Power(f.Effect, l), 1 - f.Rejections(l)[0]
	}
	_, anyNone := at(level.Alpha)
	eachBonferroni, anyBonferroni := at(Bonferroni(level.Alpha, m))
	eachSidak, anySidak := at(Sidak(level.Alpha, m))
	return []Result{
		{"power_bonferroni", "power for each of the M outcomes at alpha/M", eachBonferroni},
		{"power_sidak", "power for each at 1-(1-alpha)^(1/M)", eachSidak},
		{"any", "power to find at least one of M effects, without adjustment", anyNone},
		{"any_bonferroni", "power to find at least one at alpha/M", anyBonferroni},
		{"any_sidak", "power to find at least one at 1-(1-alpha)^(1/M)", anySidak},
		{"complete", "power to find all M effects; needs no adjustment", f.Rejections(level)[m]},
	}
}
