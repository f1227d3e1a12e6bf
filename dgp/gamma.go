package dgp

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Gamma is the gamma law, for positive and right-skewed variables such as
// years of experience.
type Gamma struct {
	Mean float64 `yaml:"mean" required:"true" gt:"0" doc:"mean"`
	SD   float64 `yaml:"sd" required:"true" gt:"0" doc:"standard deviation"`
	// Whole and Max come after Mean and SD, which they change a little.
	Whole bool    `yaml:"whole,omitempty" doc:"round to whole numbers"`
	Max   float64 `yaml:"max,omitempty" min:"0" doc:"what is above becomes this; 0 for no limit"`
}

// Check makes sure that rounded values keep to the limit.
func (l Gamma) Check(_ Covariate, _ []Covariate, fault func(key, format string, args ...any)) {
	switch {
	case l.Whole && l.Max != math.Floor(l.Max):
		fault("max", "%g must be a whole number, as values are", l.Max)
	case l.Whole && l.Mean+40*l.SD > maxWhole && !(l.Max > 0 && l.Max <= maxWhole):
		fault("whole", "is for numbers up to %d; give a max", maxWhole)
	}
}

// maxWhole bounds whole numbers over whose probabilities moments are added up.
const maxWhole = 100_000

// Compile prepares drawing.
func (l Gamma) Compile(*population) compiledLaw {
	shape := l.Mean * l.Mean / (l.SD * l.SD)
	scale := l.SD * l.SD / l.Mean
	if l.Whole || l.Max > 0 {
		return l.limited(shape, scale)
	}
	law := plain(l.Mean, l.SD, func(r *Source) float64 { return scale * standardGamma(shape, r) })
	law.third = 2 * shape * scale * scale * scale
	law.fourth = 3 * shape * (shape + 2) * scale * scale * scale * scale
	return law.latent(func() func(z float64) float64 { return gammaQuantiles(shape, scale).at })
}

// limited is the law of rounded numbers, or of numbers up to Max.
func (l Gamma) limited(shape, scale float64) compiledLaw {
	quantile := gammaQuantiles(shape, scale)
	most := math.Inf(1)
	if l.Max > 0 {
		most = l.Max
	}
	limit := func(x float64) float64 {
		if l.Whole {
			x = math.Floor(x + 0.5)
		}
		return min(x, most)
	}
	// E (x - Mean)^k, over whole numbers or over quantiles.
	moment := func(k float64) float64 {
		if !l.Whole {
			return overNormal(jumpSteps, func(z float64) float64 { return math.Pow(limit(quantile.at(z))-l.Mean, k) })
		}
		law := distuv.Gamma{Alpha: shape, Beta: 1 / scale}
		sum, below := 0.0, 0.0
		for x := 0.0; x <= most && 1-below > 1e-15; x++ {
			upTo := 1.0
			if x < most {
				upTo = law.CDF(x + 0.5)
			}
			sum += (upTo - below) * math.Pow(x-l.Mean, k)
			below = upTo
		}
		return sum
	}
	off := moment(1)
	square, cube, fourth := moment(2), moment(3), moment(4)
	law := plain(l.Mean+off, math.Sqrt(square-off*off), func(r *Source) float64 { return limit(scale * standardGamma(shape, r)) })
	law.third = cube - 3*off*square + 2*off*off*off
	law.fourth = fourth - 4*off*cube + 6*off*off*square - 3*off*off*off*off
	return law.latent(func() func(z float64) float64 {
		return func(z float64) float64 { return limit(quantile.at(z)) }
	})
}

func gammaQuantiles(shape, scale float64) curve {
	return normalCurve(distuv.Gamma{Alpha: shape, Beta: 1 / scale}.Quantile)
}

// standardGamma draws a gamma variable with scale 1 by rejection (Marsaglia
// and Tsang 2000). It stands in for gonum's sampler, which allocates.
func standardGamma(shape float64, r *Source) float64 {
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
