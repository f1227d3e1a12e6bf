package dgp

import "math"

// Normal is the normal law.
type Normal struct {
	Mean float64 `yaml:"mean" doc:"mean"`
	SD   float64 `yaml:"sd" required:"true" gt:"0" doc:"standard deviation"`
}

// Check finds nothing to add to the ranges of the keys.
func (Normal) Check(Covariate, []Covariate, func(key, format string, args ...any)) {}

// Compile prepares drawing.
func (l Normal) Compile(*population) compiledLaw {
	law := compiledLaw{mean: l.Mean, sd: l.SD, meanInverse: math.NaN(), draw: func(dst []float64, r *Source) {
		r.Normals(dst)
		if l.Mean == 0 && l.SD == 1 {
			return // no normal is -0
		}
		for i, z := range dst {
			dst[i] = l.Mean + l.SD*z
		}
	}}
	law.fourth = 3 * l.SD * l.SD * l.SD * l.SD
	return law.latent(func() func(z float64) float64 {
		return func(z float64) float64 { return l.Mean + l.SD*z }
	})
}

var _ Law = Normal{}
