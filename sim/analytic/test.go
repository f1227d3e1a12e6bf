package analytic

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// A Test is the t test of one estimate whose standard error the formulas know.
type Test struct {
	SE float64 // standard error of the estimate
	DF float64 // degrees of freedom of its estimated standard error; +Inf for a z test

	// A test may use other critical values than those of DF, or a standard
	// error that is wrong on average. The zero values are neither.
	CriticalDF float64 // degrees of freedom of the critical value, 0 for DF
	Inflation  float64 // expected estimated variance over SE², 0 for 1
}

// A Level is the size of a test.
type Level struct {
	Alpha float64
	Tails int // 1 or 2
}

// largeDF is where t and normal agree to 1e-8.
const largeDF = 1e8

// quantile is that of the central t distribution.
func quantile(p, df float64) float64 {
	if df > largeDF {
		return distuv.UnitNormal.Quantile(p)
	}
	return distuv.StudentsT{Sigma: 1, Nu: df}.Quantile(p)
}

// above is P(T > t) for T noncentral t with mean shift delta.
func above(t, df, delta float64) float64 {
	if df > largeDF {
		return distuv.UnitNormal.CDF(delta - t)
	}
	// -T is noncentral t with -delta; of the two tails the small one keeps its digits.
	return distuv.NoncentralT{Nu: df, Mu: -delta}.CDF(-t)
}

// ratio returns the value that the estimate over its estimated standard error must
// exceed.
func (t Test) ratio(l Level) float64 {
	df := t.DF
	if t.CriticalDF > 0 {
		df = t.CriticalDF
	}
	return quantile(1-l.Alpha/float64(l.Tails), df)
}

// inflation is Inflation, 1 where it is not said.
func (t Test) inflation() float64 {
	if t.Inflation > 0 {
		return t.Inflation
	}
	return 1
}

// critical is ratio on the scale of a t statistic with an unbiased standard error.
func (t Test) critical(l Level) float64 { return t.ratio(l) * math.Sqrt(t.inflation()) }

// Power is the probability that the test rejects when the effect is es:
// P(|T| > c), or P(T > c) with one tail, for T noncentral t(DF, es/SE) and c the
// 1-alpha/2 or 1-alpha quantile of the central t.
func (t Test) Power(es float64, l Level) float64 { return t.powerBeyond(t.critical(l), es, l.Tails) }

// AveragePower is the average power where the precision of the estimate is a share of
// 1/SE², with probabilities.
func (t Test) AveragePower(es float64, shares []Share, l Level) float64 {
	c, power := t.critical(l), 0.0
	for _, left := range shares {
		power += left.Probability * t.powerBeyond(c, es*math.Sqrt(left.Value), l.Tails)
	}
	return power
}

func (t Test) powerBeyond(c, es float64, tails int) float64 {
	delta := es / t.SE
	power := above(c, t.DF, delta)
	if tails == 2 {
		power += above(c, t.DF, -delta)
	}
	return math.Min(math.Max(power, 0), 1)
}

// MDES is the effect that the test detects with a power above alpha, exact: the
// root of Power.
func (t Test) MDES(power float64, l Level) float64 {
	low, high := 0.0, t.SE
	for t.Power(high, l) < power {
		low, high = high, 2*high
		if math.IsInf(high, 1) {
			return math.NaN()
		}
	}
	for range 200 {
		middle := (low + high) / 2
		if middle == low || middle == high {
			break
		}
		if t.Power(middle, l) < power {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

// MDESCentral is the MDES of Bloom (1995), PowerUp! and PUMP: the standard error
// times the sum of the quantiles of the central t for 1-alpha/2 (or 1-alpha) and
// power. It is a little small where DF is.
func (t Test) MDESCentral(power float64, l Level) float64 {
	return t.SE * (t.critical(l) + quantile(power, t.DF))
}

// TypeS is the probability that a significant estimate has the wrong sign, and
// TypeM how much significant estimates exaggerate on average, E|estimate|/|es|,
// both in two-sided tests and with the normal distribution in place of t:
//
//	S = Φ(-δ-c)/power
//	M = [δ(Φ(δ-c) - Φ(-δ-c)) + φ(c-δ) + φ(c+δ)]/(δ power)
//
// δ = |es|/SE (Gelman and Carlin 2014). They do not exist for es = 0.
func (t Test) TypeS(es float64, l Level) float64 {
	s, _ := t.typeSM(es, l)
	return s
}

// TypeM is described with TypeS.
func (t Test) TypeM(es float64, l Level) float64 {
	_, m := t.typeSM(es, l)
	return m
}

func (t Test) typeSM(es float64, l Level) (s, m float64) {
	normal := distuv.UnitNormal
	c, delta := t.critical(Level{Alpha: l.Alpha, Tails: 2}), math.Abs(es)/t.SE
	right, wrong := normal.CDF(delta-c), normal.CDF(-delta-c)
	s = wrong / (right + wrong)
	m = (delta*(right-wrong) + normal.Prob(c-delta) + normal.Prob(c+delta)) / (delta * (right + wrong))
	if delta == 0 {
		return math.NaN(), math.NaN()
	}
	return s, m
}
