package sim

import (
	"math"
	"slices"
	"strings"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
)

// projectedStudy regresses achievement on the arm and a covariate that helps it.
func projectedStudy() Study {
	s := smallStudy(1)
	s.Design.Attrition.Children = 0
	s.Estimators = []Estimator{
		{Name: "all", Estimand: Projection, Method: estimators.OLS{
			Formula: "maths ~ coaching + girl", Cluster: "school", SE: estimators.CR1, Report: []string{"coaching", "girl"},
		}},
		{Name: "standardised", Estimand: Projection, Method: estimators.OLS{
			Formula: "std(maths) ~ coaching + std(girl)", Cluster: "school", SE: estimators.CR1, Report: []string{"std(girl)"},
		}},
		{Name: "some", Estimand: Submodel, Method: estimators.OLS{
			Formula: "maths ~ coaching + girl", Cluster: "school", SE: estimators.CR1, Report: []string{"girl", "coaching"},
		}},
		{Name: "effect", Method: estimators.OLS{
			Formula: "maths ~ coaching + girl", Cluster: "school", SE: estimators.CR1, Report: []string{"coaching", "girl"},
		}},
	}
	return s
}

// The projection on an arm given by chance is the arm's effect; that on a covariate
// is the slope that the trial declares; the standardised one is the slope times the
// SDs; and no estimate of a regression is biased for it.
func TestPopulationProjection(t *testing.T) {
	s := projectedStudy()
	truth := PopulationEffects(t, s, 2)
	at := func(name string) PopulationEffect { return truth[name] }
	arm, effect := at("all/maths/coaching"), at("effect/maths/coaching")
	// False alarms: 4.417 is the two-sided 1e-5 point of the normal.
	if z := (arm.Value - effect.Value) / math.Hypot(arm.MCSE, effect.MCSE); !(math.Abs(z) < 4.417) {
		t.Errorf("the arm projects to %+v, its effect is %+v: z = %.1f", arm, effect, z)
	}
	girl := at("all/maths/girl")
	if z := (girl.Value - 0.2) / girl.MCSE; !(math.Abs(z) < 4.417) || girl.MCSE > 0.02 {
		t.Errorf("girl projects to %+v, the slope is 0.2: z = %.1f", girl, z)
	}
	// Var(maths) from the trial itself; girl's SD is 1/2.
	g, err := s.Trial.Compile()
	if err != nil {
		t.Fatal(err)
	}
	var y moments
	column := g.Shape().Index("maths")
	for rep := range populationDraws {
		d, _ := g.Draw(dgp.Stream{Seed: populationSeed, Replicate: uint64(rep)})
		for _, v := range d.Columns[column] {
			y.add(v)
		}
	}
	if std := at("standardised/std(maths)/std(girl)"); !(math.Abs(std.Value-girl.Value*0.5/y.sd()) < 1e-3) {
		t.Errorf("standardised: %+v, want %.4f", std, girl.Value*0.5/y.sd())
	}
	if some := at("some/maths/girl"); !math.IsNaN(some.Value) {
		t.Errorf("the truth of what depends on the selection is fixed at %v", some.Value)
	}
	if other := at("effect/maths/girl"); !math.IsNaN(other.Value) {
		t.Errorf("a coefficient that nobody asked the projection of has the truth %v", other.Value)
	}
}

func TestProjectionOnAnyNumberOfWorkers(t *testing.T) {
	s := projectedStudy()
	one, two := PopulationEffects(t, s, 1), PopulationEffects(t, s, 2)
	for name, want := range one {
		if got := two[name]; got.Value != want.Value && !math.IsNaN(want.Value) || got.MCSE != want.MCSE && !math.IsNaN(want.MCSE) {
			t.Errorf("%s: %+v by two workers, %+v by one", name, got, want)
		}
	}
}

// acrossStudy reports effects between quartiles of a normal covariate and of one that is
// 0 or 1.
func acrossStudy() Study {
	s := projectedStudy()
	s.Covariates = append(s.Covariates, dgp.Covariate{Name: "skill", Level: dgp.ChildLevel, Law: dgp.Normal{Mean: 5, SD: 2}, Slope: 0.2})
	ols := func(formula string, iqr ...string) estimators.OLS {
		return estimators.OLS{Formula: formula, Cluster: "school", SE: estimators.CR1, Report: append(slices.Clone(iqr), "coaching"), IQR: iqr}
	}
	s.Estimators = []Estimator{
		{Name: "raw", Estimand: Projection, Method: ols("maths ~ coaching + girl + skill", "girl", "skill")},
		{Name: "sds", Estimand: Projection, Method: ols("std(maths) ~ coaching + std(girl) + std(skill)", "std(skill)")},
		{Name: "some", Estimand: Submodel, Method: ols("maths ~ coaching + girl + skill", "girl", "skill")},
	}
	return s
}

// Between the quartiles of a normal covariate lie 1.349 SDs, and of one that is 1 of half
// the children 1; in SDs of the outcome effects are the same whatever is standardised.
func TestProjectionAcrossQuartiles(t *testing.T) {
	s := acrossStudy()
	truth := PopulationEffects(t, s, 2)
	skill, across := truth["raw/maths/skill"].Value, truth["raw/maths/iqr(skill)"]
	// From 100,000 values the distance of a normal's quartiles has a standard error of
	// 1.57/316 SDs: 0.37% of
	// 1.349. False alarms: 4.417 is the two-sided 1e-5 point of the normal.
	if ratio := across.Value / skill; !(math.Abs(ratio/(2*1.3489795)-1) < 4.417*0.0037) || !(across.MCSE > 0 && across.MCSE < 0.02) {
		t.Errorf("between quartiles %+v, the slope is %v: ratio %.4f", across, skill, ratio)
	}
	if girl, across := truth["raw/maths/girl"], truth["raw/maths/iqr(girl)"]; girl.Value != across.Value || girl.MCSE != across.MCSE {
		t.Errorf("girl %+v, between quartiles %+v", girl, across)
	}
	inSDs := truth["raw/maths/iqr_sd(skill)"]
	if std := truth["sds/std(maths)/iqr(std(skill))"]; math.Abs(std.Value-inSDs.Value) > 1e-9 || math.Abs(std.MCSE-inSDs.MCSE) > 1e-9 {
		t.Errorf("standardised %+v, in SDs %+v", std, inSDs)
	}
	// The coefficient of std(skill) is that of skill, of SD 2, over the SD of maths.
	sd := 2 * skill / truth["sds/std(maths)/std(skill)"].Value
	if ratio := truth["raw/maths/iqr(skill)"].Value / inSDs.Value; math.Abs(ratio/sd-1) > 0.01 {
		t.Errorf("an SD of maths is %.4f, and %.4f by the effects", sd, ratio)
	}

	// Of a submodel, the coefficient of the log's truths times the distance.
	truths, projections, err := s.truths(1)
	if err != nil {
		t.Fatal(err)
	}
	population := make([]float64, len(truths))
	for i := range truths {
		population[i] = truths[i].Value
	}
	w, err := newWorld(s, population)
	if err != nil {
		t.Fatal(err)
	}
	w.submodels = w.newSubmodels(s, projections)
	by := map[string]float64{}
	for _, r := range w.log(nil, 1) {
		by[r.Estimator+" "+r.Term] = r.Truth
	}
	for _, term := range []string{"girl", "skill", "iqr(girl)", "iqr(skill)", "iqr_sd(skill)"} {
		if all, some := by["raw "+term], by["some "+term]; !(math.Abs(all-some) < 1e-12) {
			t.Errorf("%s: truth %v of the submodel of all, %v of the projection", term, some, all)
		}
	}
}

// Without a batch the quartiles are those of the other batches' values.
func TestQuartilesWithoutABatch(t *testing.T) {
	batches := [][]float64{{3, 1, 4, 1, 5}, {9, 2, 6}, {5, 3, 5, 8, 9, 7, 9}}
	all, without := quartiles(batches)
	of := func(skip int) float64 {
		var values []float64
		for b, v := range batches {
			if b != skip {
				values = append(values, v...)
			}
		}
		slices.Sort(values)
		return quantile(values, 0.75) - quantile(values, 0.25)
	}
	if all != of(-1) || len(without) != len(batches) {
		t.Errorf("of all %v, want %v", all, of(-1))
	}
	for b, got := range without {
		if got != of(b) {
			t.Errorf("without %d: %v, want %v", b, got, of(b))
		}
	}
}

// The jackknife's standard error is how much the projection, and an effect between
// quartiles, varies between populations drawn anew.
func TestProjectionMCSE(t *testing.T) {
	s := acrossStudy()
	panel, err := estimators.Bind(s.methods(), mustShape(t, s.Trial), s.Terms)
	if err != nil {
		t.Fatal(err)
	}
	of := []*estimators.Projection{panel.Rows()[1].Projection, panel.Rows()[5].Projection}
	if of[1].Across != estimators.Quartiles || of[1].Term != "skill" {
		t.Fatalf("%+v", of[1])
	}
	const populations = 40
	var values, square [2]moments
	for k := range uint64(populations) {
		projection, err := populationProjections(s.Trial, wantedProjections(of), 100+k, 100, 1)
		if err != nil {
			t.Fatal(err)
		}
		value, mcse := projection[0].solve(of)
		for i := range of {
			values[i].add(value[i])
			square[i].add(mcse[i] * mcse[i])
		}
	}
	// 4.4 times the relative error of a standard deviation from 40 values, and of
	// the mean of 40 from 25 batches: one false alarm in 1e5.
	bound := 4.4 * math.Sqrt(1./(2*(populations-1))+1./(2*(projectionBatches-1)*populations))
	for i := range of {
		if ratio := math.Sqrt(square[i].mean()) / values[i].sd(); !(math.Abs(math.Log(ratio)) < bound) {
			t.Errorf("%d: MCSE %.5f, SD of populations %.5f: ratio %.2f", i, math.Sqrt(square[i].mean()), values[i].sd(), ratio)
		}
	}
}

func mustShape(t *testing.T, trial dgp.Trial) dgp.Shape {
	t.Helper()
	g, err := trial.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return g.Shape()
}

// In the log, truths of all and of some terms, in replicates of a small trial.
func TestSubmodelTruths(t *testing.T) {
	s := projectedStudy()
	truths, projections, err := s.truths(1)
	if err != nil {
		t.Fatal(err)
	}
	population := make([]float64, len(truths))
	for i := range truths {
		population[i] = truths[i].Value
	}
	w, err := newWorld(s, population)
	if err != nil {
		t.Fatal(err)
	}
	w.submodels = w.newSubmodels(s, projections)
	records := w.log(nil, 3)
	if records[3].Estimand != "submodel" || records[0].Estimand != "projection" || records[5].Estimand != "population" || records[6].Estimand != "" {
		t.Fatalf("estimands %q, %q, %q, %q", records[3].Estimand, records[0].Estimand, records[5].Estimand, records[6].Estimand)
	}
	// Both terms are reported, so the submodel is the whole model.
	if records[3].Truth != records[1].Truth || records[4].Truth != records[0].Truth {
		t.Errorf("submodel of all terms: %v and %v, want %v and %v", records[3].Truth, records[4].Truth, records[1].Truth, records[0].Truth)
	}
	// Of girl alone: the arm is given by chance, but blocks differ in their sizes, so near.
	estimates := w.replicate(3)
	estimates[4].Status = estimators.Collinear
	w.submit(estimates)
	b, _ := w.submodels[0].projector.Solve(w.submodels[0].population, []bool{false, true})
	if w.truth[3] != b[1] || w.truth[3] == records[3].Truth || !math.IsNaN(w.truth[4]) {
		t.Errorf("submodel of girl: %v and %v, want %v", w.truth[3], w.truth[4], b[1])
	}
	rep := 0
	if n := testing.AllocsPerRun(20, func() { w.replicate(rep); rep++ }); n != 0 {
		t.Errorf("a replicate allocates %.2f times", n)
	}
}

func TestProjectionFaults(t *testing.T) {
	s := projectedStudy()
	o := s.Estimators[0].Method.(estimators.OLS)
	o.Formula += " | block"
	s.Estimators[0].Method = o
	faults := s.Validate()
	if len(faults) != 1 || faults[0].Path != "estimators[0].estimand" || !strings.Contains(faults[0].Message, "absorbed effects") {
		t.Errorf("faults: %+v", faults)
	}
}
