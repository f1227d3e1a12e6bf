package dgp

import (
	"math"
)

// MixtureLaw is normal in most units, and in a share of them, at random, has another
// normal on top, such as the schools that got a grant twice.
type MixtureLaw struct {
	Mean  float64 `yaml:"mean" doc:"mean of most"`
	SD    float64 `yaml:"sd" required:"true" gt:"0" doc:"standard deviation of most"`
	Extra Extra   `yaml:"extra" required:"true" doc:"what some have on top"`
}

// Extra is what a share of units has on top.
type Extra struct {
	Share float64 `yaml:"share" required:"true" gt:"0" lt:"1" doc:"share of units that have it"`
	Mean  float64 `yaml:"mean" required:"true" doc:"its mean"`
	SD    float64 `yaml:"sd" min:"0" doc:"its standard deviation"`
}

// Check finds nothing to add to the ranges of the keys.
func (MixtureLaw) Check(Covariate, []Covariate, func(key, format string, args ...any)) {}

// Compile prepares drawing.
func (l MixtureLaw) Compile(*population) compiledLaw {
	e := l.Extra
	mean := l.Mean + e.Share*e.Mean
	variance := l.SD*l.SD + e.Share*e.SD*e.SD + e.Share*(1-e.Share)*e.Mean*e.Mean
	return compiledLaw{
		mean: mean, sd: math.Sqrt(variance), meanInverse: math.NaN(),
		given: func(z float64) float64 { return mean + l.SD*z },
		from: func(dst, z []float64, r *Source) {
			for i := range dst {
				dst[i] = l.Mean + l.SD*z[i]
				if r.Float64() < e.Share {
					dst[i] += e.Mean + e.SD*r.NormFloat64()
				}
			}
		},
	}
}

var _ Law = MixtureLaw{}
