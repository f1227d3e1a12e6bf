package estimators_test

import (
	"testing"

	"coachsim/estimators"
)

// The series of CR2 and CR3 are right to rounding up to their bounds, with fewer terms
// than binomial series.
func TestPowerSeries(t *testing.T) {
	for _, p := range []float64{-0.5, -1} {
		worst, terms, binomial := estimators.SeriesOf(p)
		for i, e := range worst {
			if e > 1e-15 || 10*terms[i] > 8*binomial[i] {
				t.Errorf("power %g, series %d: error %.2g with %d terms; the binomial series takes %d", p, i, e, terms[i], binomial[i])
			}
		}
	}
}
