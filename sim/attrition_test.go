package sim

import (
	"math"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
)

// losingStudy is smallStudy with many schools, of which coaching loses more
// children, and weak ones first.
func losingStudy() Study {
	s := smallStudy(1)
	s.Trial.Design.Schools = 20
	s.Trial.Design.Attrition = dgp.Attrition{Loss: dgp.Losses{
		Teacher: dgp.Loss{Rate: map[string]float64{"control": 0.05, "coaching": 0.05}},
		Child:   dgp.Loss{Rate: map[string]float64{"control": 0.1, "coaching": 0.25}, Depends: map[string]float64{"ability": -1}},
	}}
	s.Trial.Achievement.Points = true
	s.Estimators = []Estimator{
		{Name: "itt", Method: estimators.OLS{Formula: "c(reading, maths, talk) ~ coaching | block", Rows: "child", Cluster: "school", SE: estimators.CR1, Report: []string{"coaching"}}},
		{Name: "bounds", Method: estimators.LeeBounds{Formula: "c(reading, below(maths, 40)) ~ coaching", Cluster: "school"}},
		{Name: "weighted", Method: estimators.IPW{Formula: "reading ~ coaching", Response: "girl", Cluster: "school", SE: estimators.CR1, Report: []string{"coaching"}}},
		{Name: "tight", Method: estimators.LeeBounds{Formula: "reading ~ coaching", Cluster: "school", Cells: "girl"}},
	}
	return s
}

// With attrition the effect of an arm stays the effect among all who were
// randomised: to the last digit what the trial declares for a test, and in a
// sample the mean of all potential outcomes, missing or not.
func TestTruthWithAttrition(t *testing.T) {
	study := losingStudy()
	population := PopulationEffects(t, study, 2)
	for k, test := range study.Achievement.Tests {
		e := population["itt/"+test+"/coaching"]
		if want := study.Achievement.Effect.Mean[k]; math.Abs(e.Value-want) > 1e-12 {
			t.Errorf("the population effect on %s is %.15g, declared %g", test, e.Value, want)
		}
	}
	for i := range study.Estimators {
		study.Estimators[i].Estimand = Sample
	}
	g, err := study.Trial.Compile()
	if err != nil {
		t.Fatal(err)
	}
	rows := Rows(t, study)
	shape := g.Shape()
	potential := func(truth *dgp.Truth, name string) (y [2][]float64) {
		for arm := range y {
			c := shape.Index(name)
			y[arm] = truth.Potential(make([]float64, shape.Max[shape.Columns[c].Level]), c, arm)
		}
		return y
	}
	for rep := range 20 {
		d, truth := g.Draw(dgp.Stream{Seed: study.Seed, Replicate: uint64(rep)})
		y, r := potential(truth, "reading"), potential(truth, "responded")
		all, always, n := 0.0, 0.0, 0.0
		for i := range y[0] {
			all += (y[1][i] - y[0][i]) / float64(d.Children())
			if r[0][i] == 1 && r[1][i] == 1 {
				always += y[1][i] - y[0][i]
				n++
			}
		}
		got := map[string]float64{}
		for _, row := range rows(rep) {
			got[row.Estimator+" "+row.Outcome+" "+row.Term] = row.Truth
		}
		for name, want := range map[string]float64{"itt reading coaching": all, "bounds reading coaching": always / n, "tight reading coaching": always / n} {
			if math.Abs(got[name]-want) > 1e-12 {
				t.Fatalf("replicate %d: the truth of %s is %.15g, directly %.15g", rep, name, got[name], want)
			}
		}
		// Monotone loss: the true bounds hold the effect among the always-observed.
		for _, name := range []string{"bounds reading", "bounds below(maths, 40)", "tight reading"} {
			low, effect, high := got[name+" lower(coaching)"], got[name+" coaching"], got[name+" upper(coaching)"]
			if !(low <= effect && effect <= high) || low == high {
				t.Errorf("replicate %d: %s: the effect %g is not between the true bounds %g and %g", rep, name, effect, low, high)
			}
		}
	}
}

// In 40 schools Lee's bounds are near the true bounds, their intervals cover
// these, and Imbens and Manski's covers the effect, about as often as they say:
// 95%, within 4.4 Monte Carlo standard errors of 500 trials (4.3 percentage
// points) and 3 points for 40 schools. A right program fails with probability
// under 1e-4. The naive comparison is biased upward by more than the effect.
func TestLeeBoundsCover(t *testing.T) {
	if testing.Short() {
		t.Skip("fits hundreds of trials")
	}
	study := losingStudy()
	truths := PopulationEffects(t, study, 2)
	rows := Rows(t, study)
	const n = 500
	cover, sum := map[string]float64{}, map[string]float64{}
	for rep := range n {
		for _, r := range rows(rep) {
			name := r.Estimator + "/" + r.Outcome + "/" + r.Term
			low, high := r.Estimate.Value-2.02*r.Estimate.SE, r.Estimate.Value+2.02*r.Estimate.SE
			if r.Exists() {
				low, high = r.Low, r.High
			}
			if truth := truths[name].Value; low <= truth && truth <= high {
				cover[name] += 1.0 / n
			}
			sum[name] += r.Estimate.Value / n
		}
	}
	for _, e := range []string{"bounds", "tight"} {
		for _, term := range []string{"lower(coaching)", "upper(coaching)"} {
			name := e + "/reading/" + term
			t.Logf("%s: mean %.4f, truth %.4f, coverage %.3f", name, sum[name], truths[name].Value, cover[name])
			if math.Abs(cover[name]-0.95) > 0.073 {
				t.Errorf("%s covers the true bound in %.1f%% of trials", name, 100*cover[name])
			}
			if math.Abs(sum[name]-truths[name].Value) > 0.03 {
				t.Errorf("%s is %.4f on average, the true bound %.4f", name, sum[name], truths[name].Value)
			}
		}
		name := e + "/reading/coaching"
		t.Logf("%s: truth %.4f, coverage %.3f", name, truths[name].Value, cover[name])
		if cover[name] < 0.95-0.073 {
			t.Errorf("%s covers the effect in %.1f%% of trials", name, 100*cover[name])
		}
	}
	naive := "itt/reading/coaching"
	t.Logf("%s: mean %.4f, truth %.4f", naive, sum[naive], truths[naive].Value)
	if sum[naive]-truths[naive].Value < 0.05 {
		t.Errorf("the naive comparison is not biased: mean %.4f, truth %.4f", sum[naive], truths[naive].Value)
	}
}

// Loss of weak children, more of them with coaching, biases the plain
// comparison. Weights by a covariate that carries what loss depends on take the
// bias away, and their interval covers the effect in 95% of trials, within 4.4
// Monte Carlo standard errors of 400 trials (4.8 percentage points) and 2 points
// for 40 schools: a right program fails with probability under 1e-4.
func TestIPWRepairsWhatDependsOnCovariates(t *testing.T) {
	if testing.Short() {
		t.Skip("fits hundreds of trials")
	}
	study := losingStudy()
	study.Covariates = []dgp.Covariate{{Name: "pretest", Level: dgp.ChildLevel, Law: dgp.Normal{SD: 1}, Slope: 0.6}}
	child := &study.Design.Attrition.Loss.Child
	child.Depends = nil
	child.DependsByArm = map[string]map[string]float64{"coaching": {"pretest": -1}}
	study.Estimators = []Estimator{
		{Name: "plain", Method: estimators.OLS{Formula: "reading ~ coaching", Cluster: "school", SE: estimators.CR1, Report: []string{"coaching"}}},
		{Name: "weighted", Method: estimators.IPW{Formula: "reading ~ coaching", Response: "pretest", Cluster: "school", SE: estimators.CR1, Report: []string{"coaching"}}},
	}
	rows := Rows(t, study)
	const n = 400
	truth := study.Achievement.Effect.Mean[0]
	var mean, square, cover [2]float64
	for rep := range n {
		for i, r := range rows(rep) {
			mean[i] += r.Estimate.Value / n
			square[i] += r.Estimate.Value * r.Estimate.Value / n
			if math.Abs(r.Estimate.Value-truth) <= 2.02*r.SE {
				cover[i] += 1.0 / n
			}
		}
	}
	for i, name := range []string{"plain", "weighted"} {
		mcse := math.Sqrt((square[i] - mean[i]*mean[i]) / n)
		t.Logf("%s: mean %.4f (%.4f), truth %.2f, coverage %.3f", name, mean[i], mcse, truth, cover[i])
		if biased := math.Abs(mean[i]-truth) > 4.4*mcse; biased != (i == 0) {
			t.Errorf("%s: mean %.4f (MCSE %.4f), truth %.2f", name, mean[i], mcse, truth)
		}
	}
	if math.Abs(cover[1]-0.95) > 0.068 {
		t.Errorf("the weighted regression covers the effect in %.1f%% of trials", 100*cover[1])
	}
}

func TestAttritionAllocatesNothing(t *testing.T) {
	study := losingStudy()
	for i := range study.Estimators {
		study.Estimators[i].Estimand = Sample
	}
	if n := AllocationsPerReplicate(t, study); n != 0 {
		t.Errorf("a replicate allocates %.2f times", n)
	}
}
