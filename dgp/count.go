package dgp

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// Count is a count such as days absent: Poisson, or with Dispersion negative
// binomial, in the control arm; the higher the latent score, the more.
type Count struct {
	Mean       float64  `yaml:"mean" required:"true" gt:"0" max:"365" doc:"mean in the control arm"`
	Dispersion float64  `yaml:"dispersion" min:"0" max:"5" doc:"overdispersion: the variance is mean + dispersion mean²; 0 is Poisson"`
	Difference *float64 `yaml:"difference" doc:"what coaching adds to the mean; the effect on the latent score is solved for it"`
}

// Check makes sure that the treated mean is one.
func (o Count) Check(fault func(key, format string, args ...any)) {
	if o.Difference != nil && !(o.Mean+*o.Difference > 0 && *o.Difference <= 10*o.Mean) {
		fault("difference", "%g brings the mean, %g, to %.4g; it must stay above 0 and be at most 11 times as large", *o.Difference, o.Mean, o.Mean+*o.Difference)
	}
}

// Below returns P(Y <= n): of a Poisson the upper incomplete gamma function, of a
// negative binomial the incomplete beta function.
func (o Count) Below(n int) float64 {
	if o.Dispersion == 0 {
		return mathext.GammaIncRegComp(float64(n)+1, o.Mean)
	}
	size := 1 / o.Dispersion
	return math.Min(mathext.RegIncBeta(size, float64(n)+1, size/(size+o.Mean)), 1)
}

// Change returns Difference.
func (o Count) Change() *float64 { return o.Difference }

// Doc says what the column holds.
func (o Count) Doc() string { return "test, a count" }

var _ Outcome = Count{}
