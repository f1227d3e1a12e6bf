package sim

import "math"

// normal95 is the 97.5% quantile of the standard normal distribution.
const normal95 = 1.959963984540054

// A Simulated number has a 95% Monte Carlo interval: how far the simulation
// leaves open where it would be after endless replicates. What does not exist is
// NaN.
type Simulated struct{ Value, Low, High float64 }

// Wilson returns a share of n trials with Wilson's score interval (1927, Journal of the
// American Statistical Association 22), which unlike p ± 1.96 SE stays sensible
// at 0 and 1.
func Wilson(share float64, n int) Simulated {
	if !(share >= 0 && share <= 1) || n < 1 {
		return Simulated{math.NaN(), math.NaN(), math.NaN()}
	}
	const z2 = normal95 * normal95
	m := float64(n)
	centre := (share + z2/(2*m)) / (1 + z2/m)
	half := normal95 / (1 + z2/m) * math.Sqrt(share*(1-share)/m+z2/(4*m*m))
	// Rounding must not push the ends past the share itself.
	return Simulated{share, max(0, min(share, centre-half)), min(1, max(share, centre+half))}
}

// Around returns a number with the interval of 1.96 Monte Carlo standard errors
// to each side.
func Around(value, mcse float64) Simulated {
	return Simulated{value, value - normal95*mcse, value + normal95*mcse}
}

// Times returns the number in another unit; factor must not be negative.
func (s Simulated) Times(factor float64) Simulated {
	return Simulated{factor * s.Value, factor * s.Low, factor * s.High}
}

// Holds says whether the interval holds a value.
func (s Simulated) Holds(value float64) bool { return s.Low <= value && value <= s.High }

// Rejections is the share of all replicates whose test rejects, which is power or
// size, with Wilson's interval.
func (m *Measures) Rejections() Simulated { return Wilson(m.Power, m.N) }

// Coverage is the share of intervals that hold the truth, with Wilson's interval.
func (m *Measures) Coverage() Simulated { return Wilson(m.Cover, m.Intervals) }

// StdBias is the standardised bias, in percent of the empirical standard error
// (Collins, Schafer and Kam 2001, Psychological Methods 6): below about 10% bias
// hardly moves coverage. It is NaN where the estimates do not vary.
func (m *Measures) StdBias() Simulated {
	if !(m.EmpSE > 0) {
		return Around(math.NaN(), math.NaN())
	}
	return Around(m.Bias, m.BiasMCSE).Times(100 / m.EmpSE)
}

// SEError is the relative error of the model standard error in percent.
func (m *Measures) SEError() Simulated { return Around(m.RelError, m.RelErrorMCSE) }
