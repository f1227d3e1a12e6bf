package sim

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"coachsim/dgp"
	"coachsim/estimators"
)

// In trials of matched pairs of schools the difference in means is unbiased
// and its intervals cover the effect at least as often as they say: 95%, less
// 4.4 Monte Carlo standard errors of 500 trials. Without bias and with coverage as
// declared, an estimate fails with a probability of 1e-5. The pairs' standard
// error is smaller than that of schools at large, as pairs are alike.
func TestDifferenceInMeansOfPairs(t *testing.T) {
	if testing.Short() {
		t.Skip("500 trials")
	}
	study := smallStudy(1)
	d := &study.Trial.Design
	d.Blocks, d.Schools, d.Attrition = 1, 24, dgp.Attrition{}
	d.Assignment = dgp.Pairs{On: []string{"poverty"}}
	study.Covariates = []dgp.Covariate{{Name: "poverty", Level: dgp.SchoolLevel, Law: dgp.Normal{SD: 1}, Achievement: -1}}
	study.Achievement.CovariateSD = 0.5
	study.Estimators = []Estimator{
		{Name: "pairs", Method: estimators.DifferenceInMeans{Formula: "c(reading, below(maths, 30)) ~ coaching", Blocks: "pair", Cluster: "school"}},
		{Name: "schools", Method: estimators.DifferenceInMeans{Formula: "c(reading, talk) ~ coaching", Cluster: "school"}},
	}
	effects := PopulationEffects(t, study, 2)
	if e := effects["pairs/reading/coaching"]; math.Abs(e.Value-effects["schools/reading/coaching"].Value) > 1e-12 {
		t.Errorf("the truth of reading is %v and %v", e, effects["schools/reading/coaching"])
	}
	const trials, wide = 500, 4.4
	rows := Rows(t, study)
	type tally struct{ error, square, covered, se float64 }
	all := map[string]*tally{}
	for rep := range trials {
		for _, r := range rows(rep) {
			if !r.Status.Worked() {
				t.Fatalf("trial %d: %s of %s: %s", rep, r.Estimator, r.Outcome, r.Status)
			}
			key := r.Estimator + "/" + r.Outcome + "/" + r.Term
			if all[key] == nil {
				all[key] = &tally{}
			}
			off := r.Estimate.Value - effects[key].Value
			all[key].error += off / trials
			all[key].square += off * off / trials
			all[key].se += r.SE / trials
			if math.Abs(off) <= (distuv.StudentsT{Sigma: 1, Nu: r.DF}).Quantile(0.975)*r.SE {
				all[key].covered += 1.0 / trials
			}
		}
	}
	for name, a := range all {
		if mcse := math.Hypot(math.Sqrt(a.square/trials), effects[name].MCSE); math.Abs(a.error) > wide*mcse {
			t.Errorf("%s: bias %.4f (%.4f)", name, a.error, mcse)
		}
		if least := 0.95 - wide*math.Sqrt(0.95*0.05/trials); a.covered < least {
			t.Errorf("%s: coverage %.3f, want at least %.3f", name, a.covered, least)
		}
	}
	if pairs, schools := all["pairs/reading/coaching"].se, all["schools/reading/coaching"].se; !(pairs < 0.95*schools) {
		t.Errorf("the pairs' standard error is %.4f on average, that of all schools %.4f", pairs, schools)
	}
}
