package sim

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// A CurvePoint is a simulated share, such as power, at a value of a swept key.
type CurvePoint struct {
	X float64
	Simulated
}

// A Reached is the value of a swept key at which a curve reaches a target, such as
// the sample size with 80% power, with the 95% Monte Carlo interval of the place. An end
// that lies outside the simulated values is NaN.
type Reached struct{ X, Low, High float64 }

// Reach returns the first place at which a curve reaches the target: linear between
// neighbouring points on the probit scale, on which power is nearly linear. The
// ends of the interval are where the ends of the points' intervals reach it. Points
// are in the order of X; X is NaN where the curve does not reach the target.
func Reach(curve []CurvePoint, target float64) Reached {
	r := Reached{
		X:    crossing(curve, target, func(p CurvePoint) float64 { return p.Value }),
		Low:  crossing(curve, target, func(p CurvePoint) float64 { return p.High }),
		High: crossing(curve, target, func(p CurvePoint) float64 { return p.Low }),
	}
	if r.Low > r.High { // power falls along the axis
		r.Low, r.High = r.High, r.Low
	}
	return r
}

// Between returns a curve's share at x, between two of its points, with its interval:
// linear on the probit scale, so that it passes where Reach says.
func Between(from, to CurvePoint, x float64) CurvePoint {
	at := (x - from.X) / (to.X - from.X)
	y := func(v0, v1 float64) float64 {
		if v0 == v1 { // also of shares that the probit scale does not hold
			return v0
		}
		return distuv.UnitNormal.CDF((1-at)*probit(v0) + at*probit(v1))
	}
	return CurvePoint{x, Simulated{y(from.Value, to.Value), y(from.Low, to.Low), y(from.High, to.High)}}
}

// probit is the normal quantile of a share, of 0 and 1 that of a share close by.
func probit(share float64) float64 {
	return distuv.UnitNormal.Quantile(min(1-1e-6, max(1e-6, share)))
}

func crossing(curve []CurvePoint, target float64, y func(CurvePoint) float64) float64 {
	for k := 1; k < len(curve); k++ {
		v0, v1 := y(curve[k-1]), y(curve[k])
		if !((v0-target)*(v1-target) <= 0) || v0 == v1 {
			continue
		}
		at := (probit(target) - probit(v0)) / (probit(v1) - probit(v0))
		return curve[k-1].X + at*(curve[k].X-curve[k-1].X)
	}
	return math.NaN()
}
