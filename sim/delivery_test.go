package sim_test

import (
	"math"
	"strings"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/sim"
)

// delivered is a study in which take-up, contamination, cycles, coaches and
// teachers who leave come between assignment and effect, in units of the model.
func delivered() sim.Study {
	s := sim.SmallStudy(1)
	d := &s.Design
	d.Schools, d.Attrition.Children = 8, 0
	d.Compliance = &dgp.Compliance{Unit: dgp.TeacherUnit, TakeUp: map[string]float64{"coaching": 0.8}, Contamination: map[string]float64{"coaching": 0.1}}
	d.Dosage = &dgp.Dosage{Mean: 6, SD: 2, Max: 10, Stated: dgp.StatedFull}
	d.Coaches = &dgp.Coaches{Caseload: 2, EffectSD: 0.1, QualitySD: []float64{0.1}, Turnover: 0.3}
	d.Turnover = &dgp.Turnover{Rate: map[string]float64{"control": 0.1, "coaching": 0.1}, Kept: 0.5}
	s.Achievement.Points = true
	s.Estimators = []sim.Estimator{
		{Name: "itt", Method: estimators.OLS{Formula: "c(reading, maths) ~ coaching", Cluster: "coach", SE: estimators.CR1, Report: []string{"coaching"}}},
		{Name: "receipt", Method: estimators.OLS{Formula: "received ~ coaching", Cluster: "school", SE: estimators.CR1, Report: []string{"coaching"}}},
		{Name: "iv", Method: estimators.IV{Formula: "c(reading, maths) ~ 1 | received ~ coaching", SE: estimators.HC1, Report: []string{"received"}}},
		{Name: "dose", Method: estimators.IV{Formula: "c(reading, maths) ~ 1 | cycles ~ coaching", SE: estimators.HC1, Report: []string{"cycles"}}},
	}
	return s
}

// The population effects of assignment, of receipt among compliers and of a cycle,
// in closed form: linear cycles and teachers who leave take off known shares. And
// the estimates of a regression are unbiased for them. 7 checks at 1e-5.
func TestDeliveredEffects(t *testing.T) {
	study := delivered()
	full := study.Achievement.Effect.Mean
	per := 0.6 * (0.9 + 0.1*0.5) // of who receives: 6 of 10 cycles, and half for those whose teacher leaves
	effects := sim.PopulationEffects(t, study, 2)
	for name, want := range map[string]float64{
		"itt/reading/coaching": full[0] * per * 0.7, "itt/maths/coaching": full[1] * per * 0.7,
		"receipt/received/coaching": 0.7,
		"iv/reading/received":       full[0] * per, "iv/maths/received": full[1] * per,
		"dose/reading/cycles": full[0] * per / 6, "dose/maths/cycles": full[1] * per / 6,
	} {
		e, ok := effects[name]
		z := (e.Value - want) / e.MCSE
		t.Logf("%s: %.5f (%.5f), want %.5f", name, e.Value, e.MCSE, want)
		if !ok || !(math.Abs(z) < 4.417) || !(e.MCSE < 0.05*math.Abs(want)) {
			t.Errorf("%s: %.5f (%.5f), want %.5f", name, e.Value, e.MCSE, want)
		}
	}
	rows := sim.Rows(t, study)
	const draws = 800
	var sum, square float64
	for rep := range draws {
		for _, r := range rows(rep) {
			if r.Estimator == "itt" && r.Outcome == "reading" {
				e := r.Value - full[0]*per*0.7
				sum += e / draws
				square += e * e / (draws - 1)
			}
		}
	}
	if z := sum / math.Sqrt(square/draws); !(math.Abs(z) < 4.417) {
		t.Errorf("bias of the effect of assignment: %.4f, z = %.1f", sum, z)
	}
}

// With spillover, truth is the effect of treating all against none, and what a
// comparison within schools finds is the direct effect at the share treated:
// here two of four teachers, so that the others have half of the spillover. Two
// checks.
func TestTruthUnderSpillover(t *testing.T) {
	study := sim.SmallStudy(1)
	d := &study.Design
	d.Teachers, d.Assignment = 4, dgp.Blocked{Unit: dgp.TeacherUnit, Share: 0.5}
	d.Spillover = &dgp.Spillover{Share: 0.4}
	study.Achievement.Points = true
	study.Achievement.Effect.Mean = []float64{0.5, 0}
	study.Estimators = []sim.Estimator{{Name: "within", Method: estimators.OLS{
		Formula: "reading ~ coaching", Cluster: "school", SE: estimators.CR1, Report: []string{"coaching"},
	}}}
	e := sim.PopulationEffects(t, study, 2)["within/reading/coaching"]
	if !(math.Abs(e.Value-0.5) < 1e-9+4.417*e.MCSE) || e.MCSE > 0.01 {
		t.Errorf("the effect of treating all is %.5f (%.5f), want 0.5", e.Value, e.MCSE)
	}
	rows := sim.Rows(t, study)
	const draws = 1500
	sum, square := 0.0, 0.0
	for rep := range draws {
		x := rows(rep)[0].Value - 0.5*(1-0.4*0.5)
		sum += x / draws
		square += x * x / (draws - 1)
	}
	if z := sum / math.Sqrt(square/draws); !(math.Abs(z) < 4.417) {
		t.Errorf("the comparison within schools is off the direct effect by %.4f, z = %.1f", sum, z)
	}
}

// The closed forms know nothing of a delivery, and say so by its key.
func TestNoClosedFormOfDelivery(t *testing.T) {
	for key, change := range map[string]func(d *dgp.Design){
		"trial.coaches": func(d *dgp.Design) { d.Coaches = &dgp.Coaches{Caseload: 2} },
		"trial.compliance.depends": func(d *dgp.Design) {
			d.Compliance = &dgp.Compliance{Depends: map[string]float64{"quality": 1}}
		},
		"trial.dosage":    func(d *dgp.Design) { d.Dosage = &dgp.Dosage{Mean: 1, Max: 2} },
		"trial.turnover":  func(d *dgp.Design) { d.Turnover = &dgp.Turnover{} },
		"trial.mobility":  func(d *dgp.Design) { d.Mobility = &dgp.Mobility{Time: 0.5} },
		"trial.spillover": func(d *dgp.Design) { d.Spillover = &dgp.Spillover{Share: 0.5} },
	} {
		study := sim.SmallStudy(1)
		study.Quality.Effect.Skew = 0
		target := &estimators.Target{Arm: "coaching", Outcome: "reading", Rows: dgp.ChildLevel}
		row := estimators.Row{Estimator: "itt", Outcome: "reading", Term: "coaching", Target: target}
		change(&study.Design)
		if form, why := study.ClosedForm(row); form != nil || !strings.HasSuffix(why, key) {
			t.Errorf("%s: %v, %q", key, form, why)
		}
	}
}

// A replicate with a delivery allocates nothing, sample effects included.
func TestDeliveredReplicateAllocatesNothing(t *testing.T) {
	study := delivered()
	study.Design.Mobility, study.Design.Spillover = &dgp.Mobility{Rate: 0.1, Time: 0.5}, &dgp.Spillover{Share: 0.2}
	for i := range study.Estimators {
		study.Estimators[i].Estimand = sim.Sample
	}
	if allocations := sim.AllocationsPerReplicate(t, study); allocations != 0 {
		t.Errorf("a replicate allocates %.2f times", allocations)
	}
}
