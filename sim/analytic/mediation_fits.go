package analytic

import (
	"math"

	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/stat/distuv"
)

// MediationFits is a mediation as two least-squares fits on the same units find
// it, in a sample of any size, with normal errors. Mediation takes the mediator's
// error sum of squares for known; here it is random, and both tests have it:
//
//	RSS = q ν V_M, q ~ χ²(ν)/ν, is the denominator of a's t ratio and the
//	information on b, whose estimate has the variance V_Y/RSS given the mediator.
//
// Given q the t ratios of a and b are independent, the one normal over √q, the
// other noncentral t with noncentrality b/SE √q, and the power of every test of
// ab that rejects where |t_b| > limit(|t_a|) is an integral over both.
type MediationFits struct {
	A Path // DF is ν
	B Path // SE² is V_Y/(ν V_M): with an error sum of squares as expected
	C Path // the direct effect; its SE is not used, it follows from those of A and B
	// Left has values of the share of a's precision that the arms' chance
	// differences in covariates leave, with their probabilities; none are a 1.
	Left []Share
}

// A Share is a number with the probability that it stands for in an average.
type Share struct{ Value, Probability float64 }

// left is Left, with the 1 that none stand for.
func (m MediationFits) left() []Share {
	if len(m.Left) == 0 {
		return []Share{{1, 1}}
	}
	return m.Left
}

// each calls do with mean squares q of the mediator's errors, over their
// expectation, and probabilities.
func (m MediationFits) each(do func(q, probability float64)) {
	scales, weights := errorScales(m.A.DF, 40)
	for i, s := range scales {
		do(s*s, weights[i])
	}
}

// findB is the power of b's test beyond a limit given q.
func (m MediationFits) findB(limit, q float64) float64 {
	delta := m.B.Effect / m.B.SE * math.Sqrt(q)
	limit *= math.Sqrt(m.B.inflation())
	return above(limit, m.B.DF, delta) + above(limit, m.B.DF, -delta)
}

// PowerB is the power to find b itself.
func (m MediationFits) PowerB(l Level) float64 {
	power := 0.0
	m.each(func(q, p float64) { power += p * m.findB(m.B.ratio(l), q) })
	return power
}

// Joint is the power of the joint significance test.
func (m MediationFits) Joint(l Level) float64 {
	normal := distuv.UnitNormal
	power := 0.0
	m.each(func(q, p float64) {
		limit := m.A.ratio(l) * math.Sqrt(q*m.A.inflation())
		found := 0.0
		for _, s := range m.left() {
			delta := m.A.Effect / m.A.SE * math.Sqrt(s.Value)
			found += s.Probability * (normal.CDF(delta-limit) + normal.CDF(-delta-limit))
		}
		power += p * found * m.findB(m.B.ratio(l), q)
	})
	return power
}

// Sobel is the power of the z test of ab over √(a²V_b + b²V_a), all estimated: with
// the t ratios x and y it rejects where x²y²/(x²+y²) > c².
func (m MediationFits) Sobel(alpha float64) float64 {
	c := -distuv.UnitNormal.Quantile(alpha / 2)
	return m.region(c, func(x float64) float64 { return c * x / math.Sqrt(x*x-c*c) })
}

// MonteCarlo is the power of the Monte Carlo test, as Mediation.MonteCarlo has it, with
// estimated standard errors.
func (m MediationFits) MonteCarlo(alpha float64) float64 {
	return m.region(-distuv.UnitNormal.Quantile(alpha/2), func(x float64) float64 { return monteCarloLimit(x, alpha) })
}

// region is the probability that |t_a| > c and |t_b| > limit(|t_a|).
func (m MediationFits) region(c float64, limit func(x float64) float64) float64 {
	normal := distuv.UnitNormal
	power := 0.0
	m.each(func(q, p float64) {
		scale := math.Sqrt(q * m.A.inflation())
		from := c * scale
		for _, s := range m.left() {
			delta := math.Abs(m.A.Effect) / m.A.SE * math.Sqrt(s.Value)
			end := math.Sqrt(math.Max(delta-from, 0) + 7)
			power += p * s.Probability * quad.Fixed(func(u float64) float64 { // limit has a pole at c: nodes crowd there
				z := from + u*u
				return 2 * u * (normal.Prob(z-delta) + normal.Prob(z+delta)) * m.findB(limit(z/scale), q)
			}, 0, end, 80, quad.Legendre{}, 0)
		}
	})
	return math.Min(power, 1)
}

// Direct is the power to find the direct effect, whose estimate has, given the
// mediator, the variance V_Y (V_a/V_M + â²/RSS).
func (m MediationFits) Direct(l Level) float64 {
	normal := distuv.UnitNormal
	limit := m.C.critical(l)
	nu := m.A.DF
	power := 0.0
	m.each(func(q, p float64) {
		for _, s := range m.left() {
			se := m.A.SE / math.Sqrt(s.Value)
			power += p * s.Probability * quad.Fixed(func(z float64) float64 {
				a := m.A.Effect + se*z
				delta := m.C.Effect / (m.B.SE * math.Sqrt(nu*(se*se+a*a/(nu*q))))
				return normal.Prob(z) * (above(limit, m.C.DF, delta) + above(limit, m.C.DF, -delta))
			}, -7, 7, 40, quad.Legendre{}, 0)
		}
	})
	return math.Min(power, 1)
}
