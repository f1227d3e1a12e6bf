package dgp

import (
	"math"
	"math/rand/v2"
)

// Gamma is the gamma law, for positive and right-skewed variables such as
// years of experience.
type Gamma struct {
	Mean float64 `yaml:"mean" required:"true" gt:"0" doc:"mean"`
	SD   float64 `yaml:"sd" required:"true" gt:"0" doc:"standard deviation"`
}

// Check finds nothing to add to the ranges of the keys.
func (Gamma) Check(Covariate, []Covariate, func(key, format string, args ...any)) {}

// Compile prepares drawing.
func (l Gamma) Compile(*population) compiledLaw {
	shape := l.Mean * l.Mean / (l.SD * l.SD)
	scale := l.SD * l.SD / l.Mean
	law := plain(l.Mean, l.SD, func(r *rand.Rand) float64 { return scale * standardGamma(shape, r) })
	law.third = 2 * shape * scale * scale * scale
	law.fourth = 3 * shape * (shape + 2) * scale * scale * scale * scale
	return law
}

// standardGamma draws a gamma variable with scale 1 by rejection (Marsaglia
// and Tsang 2000). It stands in for gonum's sampler, which allocates.
func standardGamma(shape float64, r *rand.Rand) float64 {
	boost := 1.0
	if shape < 1 {
		boost = math.Pow(r.Float64(), 1/shape)
		shape++
	}
	d := shape - 1.0/3
	c := 1 / (3 * math.Sqrt(d))
	for {
		x := r.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v *= v * v
		u := r.Float64()
		if u < 1-0.0331*x*x*x*x || math.Log(u) < x*x/2+d*(1-v+math.Log(v)) {
			return boost * d * v
		}
	}
}

var _ Law = Gamma{}
