package dgp

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Beta is the beta law on 0 to Max, for shares such as that of lesson time in which
// children are engaged; with Steps it is rounded to whole parts of Max, such as the
// share of six snapshots.
type Beta struct {
	Mean  float64 `yaml:"mean" required:"true" gt:"0" doc:"mean before rounding"`
	SD    float64 `yaml:"sd" required:"true" gt:"0" doc:"standard deviation before rounding"`
	Max   float64 `yaml:"max" gt:"0" doc:"largest value"`
	Steps int     `yaml:"steps,omitempty" min:"0" max:"1000" doc:"round to this many equal steps; 0 does not round"`
}

// Check makes sure that there is such a law.
func (l Beta) Check(_ Covariate, _ []Covariate, fault func(key, format string, args ...any)) {
	m := l.Mean / l.Max
	switch most := l.Max * math.Sqrt(m*(1-m)); {
	case m >= 1:
		fault("mean", "%g must be below max, %g", l.Mean, l.Max)
	case l.SD >= most:
		fault("sd", "%g is too much for a mean of %g between 0 and %g: it must be below %.4g", l.SD, l.Mean, l.Max, most)
	}
}

// Compile prepares drawing.
func (l Beta) Compile(*population) compiledLaw {
	m, s := l.Mean/l.Max, l.SD/l.Max
	size := m*(1-m)/(s*s) - 1
	law := distuv.Beta{Alpha: m * size, Beta: (1 - m) * size}
	quantile := normalCurve(law.Quantile)
	if l.Steps > 0 {
		return rounded(float64(l.Steps), l.Max, quantile.at, law.CDF)
	}
	return byQuantile(l.Mean, l.SD, func(z float64) float64 { return l.Max * quantile.at(z) })
}

// byQuantile is a law that is a function of a latent normal.
func byQuantile(mean, sd float64, quantile func(z float64) float64) compiledLaw {
	return compiledLaw{mean: mean, sd: sd, meanInverse: math.NaN(), given: quantile, from: fromQuantile(quantile)}
}

func fromQuantile(quantile func(z float64) float64) func(dst, z []float64, r *Source) {
	return func(dst, z []float64, _ *Source) {
		for i := range dst {
			dst[i] = quantile(z[i])
		}
	}
}

// rounded is a law on 0 to whole, of a share with this quantile and distribution
// function that is held within 0 and 1 and rounded to whole parts of steps.
func rounded(steps, whole float64, quantile, cdf func(x float64) float64) compiledLaw {
	mean, second := 0.0, 0.0
	for k := range int(steps) { // E x = Σ P(x > k), E x² = Σ (2k+1) P(x > k)
		above := 1 - cdf((float64(k)+0.5)/steps)
		mean += above
		second += above * (2*float64(k) + 1)
	}
	unit := whole / steps
	return byQuantile(unit*mean, unit*math.Sqrt(second-mean*mean), func(z float64) float64 {
		return unit * min(max(math.Floor(steps*quantile(z)+0.5), 0), steps)
	})
}

var _ Law = Beta{}
