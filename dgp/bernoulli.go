package dgp

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Bernoulli is 1 with probability Mean, else 0.
type Bernoulli struct {
	Mean float64 `yaml:"mean" required:"true" min:"0" max:"1" doc:"share of ones"`
}

// Check finds nothing to add to the range of the key.
func (Bernoulli) Check(Covariate, []Covariate, func(key, format string, args ...any)) {}

// Compile prepares drawing.
func (l Bernoulli) Compile(*population) compiledLaw {
	variance := l.Mean * (1 - l.Mean)
	law := compiledLaw{mean: l.Mean, sd: math.Sqrt(variance), meanInverse: math.NaN(), draw: func(dst []float64, r *Source) {
		r.Bernoullis(dst, l.Mean)
	}}
	law.third, law.fourth = variance*(1-2*l.Mean), variance*(1-3*variance)
	return law.latent(func() func(z float64) float64 {
		cut := distuv.UnitNormal.Quantile(1 - l.Mean)
		return func(z float64) float64 { return step(z > cut) }
	})
}

var _ Law = Bernoulli{}
