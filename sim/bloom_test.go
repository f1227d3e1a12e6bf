package sim

import (
	"math"
	"testing"

	"coachsim/estimators"
)

// The minimum detectable effect is that of a t test: other tests have none, with a reason.
func TestLeaveOutMDES(t *testing.T) {
	study := Study{Estimators: []Estimator{
		{Name: "ols", Method: estimators.OLS{}}, {Name: "wild", Method: estimators.WildBootstrap{}}, {Name: "again", Method: estimators.Randomisation{}},
		{Name: "ar", Method: estimators.IV{Test: estimators.AndersonRubin}}, {Name: "wald", Method: estimators.IV{}},
		{Name: "lee", Method: estimators.LeeBounds{}}, {Name: "path", Method: estimators.Mediation{}},
	}}
	var log []Record
	for rep := range 20 {
		for _, e := range study.Estimators {
			r := fit(0.2, 0.2+float64(rep%5)/10, 0.2, 18, 0.3)
			r.Replicate, r.Estimator = rep, e.Name
			log = append(log, r)
		}
		joint := fit(0, 3, math.NaN(), 18, 0.02)
		joint.Replicate, joint.Estimator, joint.Term = rep, "ols", "joint(coaching, books)"
		log = append(log, joint)
	}
	summary, err := Summarise(InMemory(log), 0.05, nil)
	must(t, err)
	summary.LeaveOutMDES(study)
	some := 0
	for i := range summary.Rows {
		r := &summary.Rows[i]
		tTest := r.Estimator == "wald" || r.Estimator == "ols" && r.Term == "coaching"
		if tTest {
			some++
		}
		if tTest != (r.MDES > 0) || tTest != (r.NoMDES == "") || tTest != (r.Detectable(0.05, 0.9).Value > 0) {
			t.Errorf("%s, %s: MDES %v, %q", r.Estimator, r.Term, r.MDES, r.NoMDES)
		}
	}
	if some != 2 || len(summary.Rows) != 8 {
		t.Errorf("%d of %d rows have a t test", some, len(summary.Rows))
	}
}
