package dgp

import "gonum.org/v1/gonum/stat/distuv"

// A curve is a smooth function tabulated at evenly spaced points, with the cubic
// through the four nearest points between them, and constant beyond the ends.
type curve struct {
	low, perUnit float64
	y            []float64
}

func newCurve(low, high float64, steps int, f func(x float64) float64) curve {
	c := curve{low: low, perUnit: float64(steps) / (high - low), y: make([]float64, steps+1)}
	for i := range c.y {
		c.y[i] = f(low + (high-low)*float64(i)/float64(steps))
	}
	return c
}

func (c curve) at(x float64) float64 {
	u := (x - c.low) * c.perUnit
	last := len(c.y) - 1
	switch {
	case !(u > 0):
		return c.y[0]
	case u >= float64(last):
		return c.y[last]
	}
	i := min(max(int(u)-1, 0), last-3)
	t := u - float64(i) // Lagrange at 0, 1, 2, 3
	a, b, d, e := t, t-1, t-2, t-3
	return -c.y[i]*b*d*e/6 + c.y[i+1]*a*d*e/2 - c.y[i+2]*a*b*e/2 + c.y[i+3]*a*b*d/6
}

// Laws see a latent normal between these ends, beyond which it is once in 5e8
// draws, in steps of 1/32.
const (
	latentEnd   = 6
	latentSteps = 384
)

// normalCurve tabulates, as a function of a standard normal z, the quantiles of a
// law: quantile(Φ(z)).
func normalCurve(quantile func(p float64) float64) curve {
	return newCurve(-latentEnd, latentEnd, latentSteps, func(z float64) float64 {
		return quantile(distuv.UnitNormal.CDF(z))
	})
}

// The steps of overNormal: for smooth functions, for which the rule converges faster
// than any power, so that all digits are right; and for others, where it is off by
// about 1e-5 of a jump.
const (
	smoothSteps = 16
	jumpSteps   = 512
)

// overNormal is E f(z) of a standard normal z, by the midpoint rule with so many steps
// per unit.
func overNormal(perUnit int, f func(z float64) float64) float64 {
	const end = 8
	sum, weights := 0.0, 0.0
	for i := -end * perUnit; i < end*perUnit; i++ {
		z := (float64(i) + 0.5) / float64(perUnit)
		w := distuv.UnitNormal.Prob(z)
		sum += w * f(z)
		weights += w
	}
	return sum / weights
}
