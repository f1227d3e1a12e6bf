package sim

import (
	"math"
	"testing"

	"coachsim/estimators"
)

// What a path diagram shows is what the summary and the log have: means over the
// fits that worked, the slope with the arm replicate by replicate; and the truths of
// slopes are those of the trial, where scores are free of error.
func TestMediations(t *testing.T) {
	s := Study{Aim: "x", Seed: 15021, Replicates: 12, Alpha: 0.05, Trial: mediationTrial(true), Estimators: append(mediators(true),
		Estimator{Name: "ols", Method: estimators.OLS{Formula: "reading ~ coaching | block", Cluster: "school", SE: estimators.CR1, Report: []string{"coaching"}}})}
	s.Observation.Points, s.Observation.Scale.Points, s.Observation.Scale.Min, s.Observation.Scale.Max = true, []float64{1, 1}, -100, 100 // the unit of true quality
	for i := range s.Estimators {
		s.Estimators[i].Estimand = Population
	}
	population, err := s.population(2)
	if err != nil {
		t.Fatal(err)
	}
	truths := make([]float64, len(population))
	for i, p := range population {
		truths[i] = p.Value
	}
	w, err := newWorld(s, truths)
	if err != nil {
		t.Fatal(err)
	}
	var records []Record
	sums := map[string][]float64{} // b + interaction of support, by hand
	for rep := range s.Replicates {
		b := math.NaN()
		for i, e := range w.replicate(rep) {
			row := w.rows[i]
			r := Record{Replicate: rep, Estimator: row.Estimator, Outcome: row.Outcome, Term: row.Term, Estimand: w.estimand[i], Truth: w.truth[i], Estimate: e}
			if rep == 5 && row.Estimator == "product" {
				r.Estimate = estimators.Estimate{Value: math.NaN(), SE: math.NaN(), DF: math.NaN(), P: math.NaN(), Status: estimators.Collinear}
			}
			records = append(records, r)
			switch row.Term {
			case "b(support)":
				b = r.Value
			case "interaction(support)":
				if r.Status.Worked() {
					sums[row.Estimator] = append(sums[row.Estimator], b+r.Value)
				}
			}
		}
	}
	summary, err := Summarise(InMemory(records), 0.05, nil)
	if err != nil {
		t.Fatal(err)
	}
	all, err := Mediations(s, summary.Rows, InMemory(records))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 {
		t.Fatalf("%d estimators of mediation, want 2", len(all))
	}
	for _, m := range all {
		if m.Arm != "coaching" || m.Outcome != "reading" || len(m.Mediators) != 2 || len(m.Direct) != 2 || len(m.Whole) != 3 || m.N != 12 {
			t.Fatalf("mediation %+v", m)
		}
		for k, want := range [][2]float64{{0.3, 0.1}, {0.2, -0.1}} {
			for i, slope := range m.Mediators[k].Slopes {
				if !(math.Abs(slope.Truth-want[i]) < 4*slope.TruthMCSE+1e-9) || !(slope.TruthMCSE < 0.01) {
					t.Errorf("%s: the slope of %s in arm %d is %v (%v), want %v", m.Estimator, m.Mediators[k].Mediator, i, slope.Truth, slope.TruthMCSE, want[i])
				}
			}
		}
		with := m.Mediators[0].Slopes[1]
		var by moments
		for _, x := range sums[m.Estimator] {
			by.add(x)
		}
		failed := 0
		if m.Estimator == "product" {
			failed = 1
		}
		if with.Fitted != 12-failed || with.Failed != failed || !(math.Abs(with.Mean-by.mean()) < 1e-12) || !(math.Abs(with.MCSE-by.mcse()) < 1e-12) {
			t.Errorf("%s: slope with the arm %+v, want mean %v, MCSE %v", m.Estimator, with, by.mean(), by.mcse())
		}
		for _, r := range summary.Rows {
			if r.Estimator == m.Estimator && r.Term == "ade(1)" {
				if e := m.Direct[1]; e.Mean != r.Mean || e.Truth != r.Truth || !(math.Abs(e.MCSE-r.BiasMCSE) < 1e-12) { // the truth does not vary
					t.Errorf("%s: direct effect %+v, summary %+v", m.Estimator, e, r)
				}
			}
		}
	}
	// Rows of one estimator alone make one diagram; those of others none.
	var some []SummaryRow
	for _, r := range summary.Rows {
		if r.Estimator != "simulation" {
			some = append(some, r)
		}
	}
	if all, err = Mediations(s, some, InMemory(records)); err != nil || len(all) != 1 || all[0].Estimator != "product" {
		t.Errorf("%d diagrams, %v", len(all), err)
	}
}
