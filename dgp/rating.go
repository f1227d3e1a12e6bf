package dgp

import (
	"math"
)

// RatingLaw is a rating in whole numbers, averaged over visits: in visit v
//
//	clip(round(Mean + SD (√a z + √(1-a) N_v)), Min, Max)      a = Agreement
type RatingLaw struct {
	Mean      float64 `yaml:"mean" required:"true" doc:"mean of one visit before rounding and limits, points"`
	SD        float64 `yaml:"sd" required:"true" gt:"0" doc:"standard deviation of one visit before rounding and limits, points"`
	Visits    int     `yaml:"visits" min:"1" max:"1000" doc:"visits that are averaged"`
	Agreement float64 `yaml:"agreement" min:"0" max:"1" doc:"correlation of two visits before rounding and limits"`
	Min       int     `yaml:"min" doc:"lowest rating"`
	Max       int     `yaml:"max" doc:"highest rating"`
}

// Check makes sure that there is a scale.
func (l RatingLaw) Check(_ Covariate, _ []Covariate, fault func(key, format string, args ...any)) {
	if l.Max <= l.Min || l.Max-l.Min > 1000 {
		fault("max", "%d must be above min, %d, by 1000 at most", l.Max, l.Min)
	}
}

// Compile prepares drawing.
func (l RatingLaw) Compile(*population) compiledLaw {
	common, own := l.SD*math.Sqrt(l.Agreement), l.SD*math.Sqrt(1-l.Agreement)
	// Moments of one visit: E x = Min + Σ P(x > k), and so on.
	moments := func(mean, sd float64) (first, second float64) {
		above := func(c float64) float64 {
			if sd == 0 {
				return step(mean > c)
			}
			return 0.5 * math.Erfc((c-mean)/(sd*math.Sqrt2))
		}
		low := float64(l.Min)
		first, second = low, low*low
		for k := l.Min; k < l.Max; k++ {
			p := above(float64(k) + 0.5)
			first += p
			second += p * (2*float64(k) + 1)
		}
		return first, second
	}
	given := func(z float64) float64 { first, _ := moments(l.Mean+common*z, own); return first }
	mean, second := moments(l.Mean, l.SD)
	steps := smoothSteps
	if own < 0.2 { // points
		steps = jumpSteps
	}
	between := overNormal(steps, func(z float64) float64 { d := given(z) - mean; return d * d })
	visits := float64(l.Visits)
	law := compiledLaw{mean: mean, sd: math.Sqrt(between + (second-mean*mean-between)/visits), meanInverse: math.NaN(), given: given}
	law.from = func(dst, z []float64, r *Source) {
		for i := range dst {
			sum := 0.0
			for range l.Visits {
				x := math.Floor(l.Mean + common*z[i] + own*r.NormFloat64() + 0.5)
				sum += min(max(x, float64(l.Min)), float64(l.Max))
			}
			dst[i] = sum / visits
		}
	}
	return law
}

func step(on bool) float64 {
	if on {
		return 1
	}
	return 0
}

var _ Law = RatingLaw{}
