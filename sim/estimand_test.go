package sim_test

import (
	"math"
	"slices"
	"sort"
	"strings"
	"testing"

	"coachsim/configs"
	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/sim"
)

func ecuador(t testing.TB) sim.Study {
	t.Helper()
	text, ok := configs.Preset("ecuador")
	if !ok {
		t.Fatal("there is no preset ecuador")
	}
	study, err := configs.Load("ecuador.yaml", text, nil)
	if err != nil {
		t.Fatal(err)
	}
	return study
}

// The population effects of ecuador are those that the calibration lists: what
// the declaration asks for each test, up to the SD of a data set, which is 1
// on average to three digits; on the CLASS what passes through whole ratings.
func TestEcuadorPopulationEffects(t *testing.T) {
	if testing.Short() {
		t.Skip("averages over thousands of draws")
	}
	study := ecuador(t)
	got := sim.PopulationEffects(t, study, 2)
	for name, want := range map[string]struct{ value, off float64 }{
		"eq2/achievement/coaching":                  {-0.0692, 0.0005},
		"eq2/numbers/coaching":                      {-0.058, 0.0003},
		"eq2/arithmetic/coaching":                   {0.003, 0.0003},
		"eq2/letters/coaching":                      {-0.077, 0.0003},
		"eq2/vocabulary/coaching":                   {-0.081, 0.0003},
		"eq1/class/coaching":                        {0.264, 0.003},
		"eq1/es/coaching":                           {0.323, 0.003},
		"eq1/co/coaching":                           {0.111, 0.003},
		"eq1/is/coaching":                           {0.217, 0.004},
		"eq1/above(class, 80)/coaching":             {0.0985, 0.004},
		"eq2/below(achievement, 10)/coaching":       {0.0153, 0.001},
		"eq2/above(achievement, 90)/coaching":       {-0.0088, 0.001},
		"eq3a-total/achievement/coaching":           {math.NaN(), 0}, // holds the CLASS fixed
		"eq3b-total/achievement/coaching":           {math.NaN(), 0},
		"t2a-total/achievement/class":               {math.NaN(), 0},
		"ta1/es/co":                                 {math.NaN(), 0},
		"segments/mean of domains/segments 1 and 4": {math.NaN(), 0},
	} {
		e, ok := got[name]
		if !ok {
			t.Errorf("there is no row %s", name)
			continue
		}
		t.Logf("%s: %.5f (MCSE %.5f), asked %g", name, e.Value, e.MCSE, want.value)
		if math.IsNaN(want.value) {
			if !math.IsNaN(e.Value) || !math.IsNaN(e.MCSE) {
				t.Errorf("%s has a population effect, %g", name, e.Value)
			}
			continue
		}
		if d := math.Abs(e.Value - want.value); !(d <= want.off+4.417*e.MCSE) {
			t.Errorf("the population effect of %s is %.5f (MCSE %.5f), wanted %g ± %g", name, e.Value, e.MCSE, want.value, want.off)
		}
		if !(e.MCSE < 0.001) {
			t.Errorf("the population effect of %s has MCSE %g", name, e.MCSE)
		}
	}
	// What is asked for a test is met to six digits on the scale of the model,
	// where the control variates leave no error at all.
	study.Achievement.Points = true
	got = sim.PopulationEffects(t, study, 1)
	for k, test := range study.Achievement.Tests {
		e := got["eq2/"+test+"/coaching"]
		if d := math.Abs(e.Value - study.Achievement.Effect.Mean[k]); !(d < 1e-12) || !(e.MCSE < 1e-12) {
			t.Errorf("the population effect on %s is %.15g (MCSE %g), asked %g", test, e.Value, e.MCSE, study.Achievement.Effect.Mean[k])
		}
	}
}

// The number of workers changes no digit of a population effect.
func TestPopulationEffectsOnAnyNumberOfWorkers(t *testing.T) {
	study := sim.SmallStudy(1)
	one, two := sim.PopulationEffects(t, study, 1), sim.PopulationEffects(t, study, 2)
	for name, e := range one {
		if o := two[name]; e.Value != o.Value && !(math.IsNaN(e.Value) && math.IsNaN(o.Value)) || e.MCSE != o.MCSE && !math.IsNaN(e.MCSE) {
			t.Errorf("%s is %v on one worker, %v on two", name, e, o)
		}
	}
}

// The Monte Carlo standard error of a population effect is the error that it
// has: over many batches of draws the effects scatter as their MCSE says, and
// around the mean over all draws, whatever the number of draws in a batch.
func TestPopulationMCSEIsHonest(t *testing.T) {
	if testing.Short() {
		t.Skip("averages over thousands of draws")
	}
	study := sim.SmallStudy(1)
	g, err := study.Trial.Compile()
	if err != nil {
		t.Fatal(err)
	}
	target := func(outcome string, rows dgp.Level, where string) estimators.Target {
		return estimators.Target{Arm: "coaching", Outcome: outcome, Rows: rows, Where: where}
	}
	targets := []estimators.Target{
		target("achievement", dgp.ChildLevel, ""),
		target("below(achievement, 20)", dgp.ChildLevel, ""),
		target("talk", dgp.TeacherLevel, ""),
		target("maths", dgp.ChildLevel, "girl == 1"),
		target("achievement", dgp.ChildLevel, ""),
		target("below(achievement, 20)", dgp.ChildLevel, ""),
	}
	targets[4].Path, targets[5].Path = estimators.IndirectTreated, estimators.DirectControl
	effects := sim.SampleEffects(t, targets, g)
	for seed, batch := range []int{30, 100} {
		const batches = 300
		var value, mcse [6][]float64
		var mean, square [6]float64
		for b := range batches {
			var y [6][]float64
			var x, withQuality [][]float64
			for i := range batch {
				d, truth := g.Draw(dgp.Stream{Seed: uint64(seed), Replicate: uint64(b*batch + i)})
				for k, v := range effects(d, truth) {
					y[k] = append(y[k], v)
					mean[k] += v / float64(batches*batch)
					square[k] += v * v / float64(batches*batch)
				}
				x = append(x, slices.Clone(truth.Deviations()))
				withQuality = append(withQuality, truth.QualityDeviations(slices.Clone(truth.Deviations())))
			}
			for k, target := range targets {
				controls := x
				if target.Path != estimators.Whole {
					controls = withQuality
				}
				v, se := sim.Controlled(y[k], controls)
				value[k] = append(value[k], v)
				mcse[k] = append(mcse[k], se)
			}
		}
		for k, target := range targets {
			m, scatter, stated := 0.0, 0.0, 0.0
			for b := range batches {
				m += value[k][b] / batches
			}
			for b := range batches {
				scatter += (value[k][b] - m) * (value[k][b] - m) / (batches - 1)
				stated += mcse[k][b] * mcse[k][b] / batches
			}
			plain := math.Sqrt((square[k] - mean[k]*mean[k]) / float64(batch))
			t.Logf("%s of %s, %d draws: SD %.5f, MCSE %.5f, without control variates %.5f", target.Path, target.Outcome, batch, math.Sqrt(scatter), math.Sqrt(stated), plain)
			// log of a variance ratio of 299 df: SD √(2/299) = 0.082; 4.417 of them.
			if r := math.Log(scatter / stated); !(math.Abs(r) < 0.36) {
				t.Errorf("%s, %d draws: effects scatter with SD %.5f, their MCSE is %.5f", target.Outcome, batch, math.Sqrt(scatter), math.Sqrt(stated))
			}
			// Unbiased: against the plain mean of the same draws, whose error is
			// the larger one.
			if z := (m - mean[k]) / (plain / math.Sqrt(batches)); !(math.Abs(z) < 4.417) {
				t.Errorf("%s, %d draws: mean effect %.5f, plain mean %.5f, z = %.1f", target.Outcome, batch, m, mean[k], z)
			}
			if stated > 1.1*plain*plain {
				t.Errorf("%s, %d draws: control variates make it worse: %.5f, plain %.5f", target.Outcome, batch, math.Sqrt(stated), plain)
			}
		}
	}
}

// Controls that are collinear, constant or absent, and too few draws.
func TestControlledCorners(t *testing.T) {
	y := []float64{1, 2, 3, 4, 6}
	want, se := 3.2, math.Sqrt(3.7/5)
	for name, x := range map[string][][]float64{
		"no controls": {{}, {}, {}, {}, {}},
		"too few":     {{1, 5, 2}, {2, 1, 0}, {3, 0, 1}, {4, 2, 2}, {6, 2, 5}},
		"rounding":    {{1e-17, 0}, {3e-17, 0}, {0, 0}, {-1e-17, 0}, {2e-17, 0}},
		"constant":    {{0, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 0}},
	} {
		if m, s := sim.Controlled(y, x); math.Abs(m-want) > 1e-12 || math.Abs(s-se) > 1e-12 {
			t.Errorf("%s: %g (%g), want %g (%g)", name, m, s, want, se)
		}
	}
	if m, s := sim.Controlled(nil, nil); !math.IsNaN(m) || !math.IsNaN(s) {
		t.Errorf("of nothing: %g (%g)", m, s)
	}
	// One control twice is one control.
	once := [][]float64{{-1}, {0}, {0.5}, {-0.5}, {2}}
	twice := make([][]float64, len(once))
	for i := range once {
		twice[i] = []float64{once[i][0], once[i][0]}
	}
	m, s := sim.Controlled(y, twice)
	if math.IsNaN(m) || math.IsNaN(s) || m < 2 || m > 4 || s <= 0 || s > 1 {
		t.Errorf("a control twice: %g (%g)", m, s)
	}
}

// The truth of `estimand: sample` is the mean difference of the potential
// outcomes of the rows at hand, here worked out from Truth directly, with
// cutoffs from the observed outcome.
func TestSampleEffectsDirectly(t *testing.T) {
	study := sim.SmallStudy(1)
	study.Covariates = append(slices.Clone(study.Covariates), dgp.Covariate{Name: "hours", Level: dgp.ChildLevel, Law: dgp.Gamma{Mean: 5, SD: 4}})
	study.Estimators = append(slices.Clone(study.Estimators), sim.Estimator{Name: "weighted", Estimand: sim.Sample, Method: estimators.OLS{
		Formula: "c(above(talk, 75), maths) ~ coaching", Rows: "child", Weights: "hours", SE: estimators.HC1, Report: []string{"coaching"},
	}})
	rows := sim.Rows(t, study)
	g, err := study.Trial.Compile()
	if err != nil {
		t.Fatal(err)
	}
	shape := g.Shape()
	y0, y1 := make([]float64, shape.Max[dgp.ChildLevel]), make([]float64, shape.Max[dgp.ChildLevel])
	for rep := range 40 {
		d, truth := g.Draw(dgp.Stream{Seed: study.Seed, Replicate: uint64(rep)})
		girl, hours := d.Columns[shape.Index("girl")], d.Columns[shape.Index("hours")]
		difference := func(column string, f func(v float64) float64, weight func(i int) float64) float64 {
			c := shape.Index(column)
			a, b := truth.Potential(y0, c, 0), truth.Potential(y1, c, 1)
			sum, n := 0.0, 0.0
			for i := range a {
				sum += weight(i) * (f(b[i]) - f(a[i]))
				n += weight(i)
			}
			return sum / n
		}
		as := func(v float64) float64 { return v }
		every := func(int) float64 { return 1 }
		cutoff := percentile(d.Columns[shape.Index("talk")], 75)
		above := func(v float64) float64 {
			if v > cutoff {
				return 1
			}
			return 0
		}
		inClass := func(x []float64) func(j int) float64 {
			return func(j int) float64 {
				n := 0.0
				for i := d.ChildStart[j]; i < d.ChildStart[j+1]; i++ {
					n += x[i]
				}
				return n
			}
		}
		want := map[string]float64{
			// A row counts by its weight.
			"weighted/above(talk, 75)": difference("talk", above, inClass(hours)),
			"weighted/maths":           difference("maths", as, func(i int) float64 { return hours[i] }),
			"itt-sample/achievement":   difference("achievement", as, every),
			"itt-sample/reading":       difference("reading", as, every),
			// Rows are children, so that a class counts by its children.
			"itt-sample/above(talk, 75)": difference("talk", above, func(j int) float64 { return float64(d.ChildStart[j+1] - d.ChildStart[j]) }),
			"girls/maths":                difference("maths", as, func(i int) float64 { return girl[i] }),
			"girls/talk":                 difference("talk", as, inClass(girl)),
		}
		found := 0
		for _, r := range rows(rep) {
			if r.Estimand != "sample" {
				continue
			}
			found++
			if w := want[r.Estimator+"/"+r.Outcome]; !(math.Abs(r.Truth-w) < 1e-12) {
				t.Fatalf("replicate %d: the sample effect of %s on %s is %.15g, directly %.15g", rep, r.Estimator, r.Outcome, r.Truth, w)
			}
		}
		if found != len(want) {
			t.Fatalf("%d rows with a sample effect, want %d", found, len(want))
		}
	}
}

// percentile by linear interpolation of order statistics (type 7).
func percentile(x []float64, p float64) float64 {
	x = slices.Sorted(slices.Values(x))
	at := float64(len(x)-1) * p / 100
	low := int(at)
	if low+1 == len(x) {
		return x[low]
	}
	return x[low] + (at-float64(low))*(x[low+1]-x[low])
}

// The same estimator held against both estimands: the sample effect is nearer
// to the estimate, replicate by replicate, and its mean is the population
// effect.
func TestEstimandsAgreeOnAverage(t *testing.T) {
	if testing.Short() {
		t.Skip("averages over thousands of draws")
	}
	study := sim.SmallStudy(1)
	var own []string
	for i := range study.Estimators {
		study.Estimators[i].Estimand = sim.Sample
	}
	rows := sim.Rows(t, study)
	population := sim.PopulationEffects(t, sim.SmallStudy(1), 2)
	sum, square := map[string]float64{}, map[string]float64{}
	const n = 2000
	for rep := range n {
		for _, r := range rows(rep) {
			if r.Estimand == "sample" && r.Estimator == "itt" {
				sum[r.Outcome] += r.Truth / n
				square[r.Outcome] += r.Truth * r.Truth / n
			}
		}
	}
	for outcome := range sum {
		own = append(own, outcome)
	}
	sort.Strings(own)
	if strings.Join(own, " ") != "achievement below(achievement, 20) maths reading" {
		t.Fatalf("sample effects on %v", own)
	}
	for _, outcome := range own {
		p := population["itt/"+outcome+"/coaching"]
		se := math.Hypot(math.Sqrt((square[outcome]-sum[outcome]*sum[outcome])/n), p.MCSE)
		if z := (sum[outcome] - p.Value) / se; !(math.Abs(z) < 4.417) {
			t.Errorf("%s: mean sample effect %.5f, population effect %.5f, z = %.1f", outcome, sum[outcome], p.Value, z)
		}
	}
}

func TestEstimandNames(t *testing.T) {
	for _, e := range []sim.Estimand{sim.Population, sim.Sample} {
		var back sim.Estimand
		text, err := e.MarshalText()
		if err != nil || back.UnmarshalText(text) != nil || back != e || !slices.Contains(e.Names(), string(text)) {
			t.Errorf("%s does not come back from its text", e)
		}
	}
	var e sim.Estimand
	if err := e.UnmarshalText([]byte("late")); err == nil || err.Error() != `"late" is not an estimand; the estimands are population, sample, projection, submodel` {
		t.Errorf("error %v", err)
	}
}

// The hot loop of the ecuador study, with either estimand.
func TestEcuadorReplicateAllocatesNothing(t *testing.T) {
	study := ecuador(t)
	for _, estimand := range []sim.Estimand{sim.Population, sim.Sample} {
		study.Estimators = slices.Clone(study.Estimators)
		for i := range study.Estimators {
			study.Estimators[i].Estimand = estimand
		}
		if allocations := sim.AllocationsPerReplicate(t, study); allocations != 0 {
			t.Errorf("%s: a replicate allocates %.2f times", estimand, allocations)
		}
	}
}

// instrumented is the small study with two-stage least squares by the arm.
func instrumented(estimand sim.Estimand) sim.Study {
	study := sim.SmallStudy(1)
	study.Estimators = []sim.Estimator{
		{Name: "iv", Estimand: estimand, Method: estimators.IV{Formula: "c(achievement, reading, below(achievement, 20)) ~ girl | talk ~ coaching", SE: estimators.HC1, Report: []string{"talk", "girl"}}},
		{Name: "girls", Estimand: estimand, Method: estimators.IV{Formula: "maths ~ 1 | block | talk ~ coaching", SE: estimators.HC1, Where: "girl == 1", Report: []string{"talk"}}},
	}
	return study
}

// The truth of an instrumented coefficient is a ratio of effects: of the sample
// its two mean differences of potential outcomes, of the population the ratio of
// their expectations, here by plain means over draws of its own.
func TestRatiosOfEffectsDirectly(t *testing.T) {
	study := instrumented(sim.Sample)
	rows := sim.Rows(t, study)
	g, err := study.Trial.Compile()
	if err != nil {
		t.Fatal(err)
	}
	shape := g.Shape()
	y0, y1 := make([]float64, shape.Max[dgp.ChildLevel]), make([]float64, shape.Max[dgp.ChildLevel])
	const draws = 400
	names := []string{"iv/achievement", "iv/reading", "girls/maths"}
	numerators, denominators := map[string][]float64{}, map[string][]float64{}
	for rep := range draws {
		d, truth := g.Draw(dgp.Stream{Seed: study.Seed, Replicate: uint64(rep)})
		girl := d.Columns[shape.Index("girl")]
		difference := func(column string, girls bool) float64 {
			c := shape.Index(column)
			a, b := truth.Potential(y0, c, 0), truth.Potential(y1, c, 1)
			sum, n := 0.0, 0.0
			for j := range d.Teachers() {
				for i := d.ChildStart[j]; i < d.ChildStart[j+1]; i++ {
					unit := i
					if shape.Columns[c].Level == dgp.TeacherLevel {
						unit = j
					}
					if !girls || girl[i] == 1 {
						sum += b[unit] - a[unit]
						n++
					}
				}
			}
			return sum / n
		}
		want := map[string]float64{}
		for _, name := range names {
			estimator, outcome, _ := strings.Cut(name, "/")
			over, under := difference(outcome, estimator == "girls"), difference("talk", estimator == "girls")
			want[name] = over / under
			numerators[name] = append(numerators[name], over)
			denominators[name] = append(denominators[name], under)
		}
		if rep >= 20 {
			continue
		}
		found := 0
		for _, r := range rows(rep) {
			if w, ok := want[r.Estimator+"/"+r.Outcome]; ok && r.Term == "talk" {
				if found++; !(math.Abs(r.Truth-w) < 1e-12*math.Max(1, math.Abs(w))) {
					t.Fatalf("replicate %d: the sample effect of talk on %s is %.15g, directly %.15g", rep, r.Outcome, r.Truth, w)
				}
			} else if r.Term != "talk" && !math.IsNaN(r.Truth) {
				t.Fatalf("%s of %s has the truth %v", r.Term, r.Outcome, r.Truth)
			}
		}
		if found != len(want) {
			t.Fatalf("%d rows with a sample effect, want %d", found, len(want))
		}
	}
	population := sim.PopulationEffects(t, instrumented(sim.Population), 2)
	for _, name := range names {
		mean := func(x []float64) float64 {
			sum := 0.0
			for _, v := range x {
				sum += v
			}
			return sum / float64(len(x))
		}
		ratio, square := mean(numerators[name])/mean(denominators[name]), 0.0
		for i, v := range numerators[name] {
			e := v - ratio*denominators[name][i]
			square += e * e / (draws - 1)
		}
		se := math.Sqrt(square/draws) / math.Abs(mean(denominators[name]))
		e := population[name+"/talk"]
		t.Logf("%s: %.5f (%.5f), directly %.5f (%.5f)", name, e.Value, e.MCSE, ratio, se)
		// Three ratios: a false alarm in 3e-5 runs.
		if z := (e.Value - ratio) / math.Hypot(se, e.MCSE); !(math.Abs(z) < 4.417) || !(e.MCSE > 0) || e.MCSE > se {
			t.Errorf("%s: population effect %.5f (%.5f), directly %.5f (%.5f)", name, e.Value, e.MCSE, ratio, se)
		}
	}
}
