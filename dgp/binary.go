package dgp

// Binary is 1 for children whose latent score is above a threshold, else 0.
type Binary struct {
	Prevalence float64  `yaml:"prevalence" required:"true" gt:"0" lt:"1" doc:"share of ones in the control arm"`
	Difference *float64 `yaml:"difference" gt:"-1" lt:"1" doc:"what coaching adds to the prevalence; the effect on the latent score is solved for it"`
}

// Check makes sure that the treated prevalence is one.
func (o Binary) Check(fault func(key, format string, args ...any)) {
	if o.Difference != nil && !(o.Prevalence+*o.Difference > 0 && o.Prevalence+*o.Difference < 1) {
		fault("difference", "%g brings the prevalence, %g, to %.4g; it must stay between 0 and 1", *o.Difference, o.Prevalence, o.Prevalence+*o.Difference)
	}
}

// Below returns P(Y <= n).
func (o Binary) Below(n int) float64 {
	if n == 0 {
		return 1 - o.Prevalence
	}
	return 1
}

// Change returns Difference.
func (o Binary) Change() *float64 { return o.Difference }

// Doc says what the column holds.
func (o Binary) Doc() string { return "test, 0 or 1" }

var _ Outcome = Binary{}
