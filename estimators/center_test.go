package estimators_test

import (
	"math"
	"testing"

	"coachsim/estimators"
	"coachsim/estimators/estimatortest"
)

// An outcome far from zero, such as an identifier-like scale of 1e7 ± 1, loses
// no more digits than adding 1e7 itself costs.
func TestOutcomeFarFromZero(t *testing.T) {
	const shift = 1e7
	shape, d := estimatortest.Small.Shape(), estimatortest.Small.Draw(2)
	far := estimatortest.Clone(d)
	moved := shape
	moved.Columns = append(moved.Columns[:0:0], shape.Columns...)
	for _, name := range []string{"score", "class"} {
		c := shape.Index(name)
		for i := range far.Columns[c] {
			far.Columns[c][i] += shift
		}
		moved.Columns[c].Center += shift
	}
	for _, o := range []estimators.OLS{
		{Formula: "c(score, class) ~ coaching + ses + age + age^2", SE: classical, Report: []string{"coaching", "age", "(Intercept)"}},
		{Formula: "score ~ coaching + ses | block", Cluster: "school", SE: cr1, Report: []string{"coaching"}},
		{Formula: "score ~ coaching + ses", Where: "girl == 1", SE: hc2, Report: []string{"coaching", "(Intercept)"}},
		{Formula: "score ~ coaching + near6 + ses", SE: classical, Report: []string{"coaching", "(Intercept)"}}, // by the QR
		{Formula: "class ~ coaching + experience", Cluster: "school", SE: cr2, Report: []string{"coaching", "(Intercept)"}},
	} {
		rows, want := fitOne(t, o, d, shape)
		_, got := fitOne(t, o, far, moved)
		for i := range got {
			wantValue := want[i].Value
			if rows[i].Term == "(Intercept)" {
				wantValue += shift
			}
			// The shifted outcome itself is rounded to 1e-9.
			if !(math.Abs(got[i].Value-wantValue) <= 1e-7*math.Max(want[i].SE, 1)) || !(math.Abs(got[i].SE/want[i].SE-1) <= 1e-7) {
				t.Errorf("%s, %s on %s: %v (%v), want %v (%v)", o.Formula, rows[i].Term, rows[i].Outcome, got[i].Value, got[i].SE, wantValue, want[i].SE)
			}
		}
	}
}
