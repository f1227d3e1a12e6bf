package dgp

import (
	"math"
	"sort"

	"gonum.org/v1/gonum/stat/distuv"
)

// NegativeBinomial is a count with more spread than a Poisson, moved up by
// Shift: Shift plus a negative binomial of the given mean and size, whose
// variance is mean + mean²/size.
type NegativeBinomial struct {
	Mean  float64 `yaml:"mean" required:"true" gt:"0" lt:"10000" doc:"mean of the count before the shift"`
	Size  float64 `yaml:"size" required:"true" gt:"0.01" doc:"size (dispersion): the smaller, the more spread"`
	Shift int     `yaml:"shift" min:"0" doc:"smallest value"`
}

// Check finds nothing to add to the ranges of the keys.
func (NegativeBinomial) Check(Covariate, []Covariate, func(key, format string, args ...any)) {}

// Compile tabulates the distribution function; a draw inverts it. The table
// ends where less than 1e-13 of the probability is left.
func (l NegativeBinomial) Compile(*population) compiledLaw {
	q := l.Mean / (l.Mean + l.Size)
	p := math.Pow(1-q, l.Size) // P(X = 0)
	tiny := p < 1e-280         // and no start for a recursion
	var cdf []float64
	total, inverse := 0.0, 0.0
	for x := 0; total < 1-1e-13 && x < 10_000_000; x++ {
		switch {
		case tiny:
			p = math.Exp(l.logProbability(float64(x), q))
		case x > 0:
			p *= q * (float64(x) - 1 + l.Size) / float64(x)
		}
		total += p
		inverse += p / float64(x+l.Shift)
		cdf = append(cdf, total)
		if p < 1e-300 && x > int(l.Mean) {
			break
		}
	}
	if l.Shift == 0 {
		inverse = math.NaN()
	}
	law := plain(l.Mean+float64(l.Shift), math.Sqrt(l.Mean+l.Mean*l.Mean/l.Size), func(r *Source) float64 {
		x := sort.SearchFloat64s(cdf, r.Float64())
		return float64(min(x, len(cdf)-1) + l.Shift)
	})
	law.meanInverse = inverse
	// Cumulants, with a = 1/size: κ₂ = m(1+am), κ₃ = κ₂(1+2am), κ₄ = κ₂(1+6aκ₂).
	variance := l.Mean + l.Mean*l.Mean/l.Size
	law.third = variance * (1 + 2*l.Mean/l.Size)
	law.fourth = variance*(1+6*variance/l.Size) + 3*variance*variance
	return law.latent(func() func(z float64) float64 {
		return func(z float64) float64 {
			x := sort.SearchFloat64s(cdf, distuv.UnitNormal.CDF(z))
			return float64(min(x, len(cdf)-1) + l.Shift)
		}
	})
}

// logProbability returns log P(X = x), q = mean/(mean + size).
func (l NegativeBinomial) logProbability(x, q float64) float64 {
	a, _ := math.Lgamma(x + l.Size)
	b, _ := math.Lgamma(l.Size)
	c, _ := math.Lgamma(x + 1)
	return a - b - c + l.Size*math.Log1p(-q) + x*math.Log(q)
}

var _ Law = NegativeBinomial{}
