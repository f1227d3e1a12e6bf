package dgp_test

import (
	"math"
	"slices"
	"testing"

	"coachsim/dgp"
)

// equalClasses is manyTeachers with what analysis of variance wants: classes of
// one size and nobody lost, and with no covariate that has no formula.
func equalClasses() dgp.Trial {
	t := manyTeachers()
	t.Design.Schools, t.Design.Children = 10, dgp.ClassSize{Mean: 8, Min: 8}
	t.Design.Attrition = dgp.Attrition{}
	for i := range t.Covariates {
		switch c := &t.Covariates[i]; c.Name {
		case "size":
			c.Achievement = 0
		case "debt":
			c.Achievement = 1.5
		case "lunch":
			c.Curvature = 0.4
		}
	}
	return t
}

// TestComponentsAreRealised holds the variance components that a trial implies, in
// both arms, for single tests and a weighted sum, against their unbiased estimates
// by nested analysis of variance of the potential outcomes. A right program fails
// one check in 1e5 draws of the seed.
func TestComponentsAreRealised(t *testing.T) {
	skewed := equalClasses()
	skewed.Quality.Effect.Skew, skewed.Quality.SchoolShare = 0.4, 0.7
	skewed.Achievement.Slope = dgp.Slopes{Sorting: []float64{0.3, 0.1}, Control: []float64{0.4, -0.3}, Treated: []float64{0.9, 0.8}, Baseline: []float64{-0.4, 0.6}}
	sorted := equalClasses()
	sorted.Quality.SchoolShare = 0
	sorted.Quality.School = dgp.SchoolQuality{SD: []float64{0.6, 0.3}, Correlation: dgp.Matrix{{1}, {0.5, 1}}}
	sorted.Achievement.Slope.School = []float64{0.4, -0.3}
	for name, trial := range map[string]dgp.Trial{"equal": equalClasses(), "skewed": skewed, "sorted": sorted} {
		g, err := trial.Compile()
		if err != nil {
			t.Fatal(err)
		}
		d := trial.Design
		size := int(d.Children.Mean)
		var c checks
		y := make([]float64, d.Blocks*d.Schools*d.Teachers*size)
		sum := make([]float64, len(y))
		weights := []float64{0.4, 0.3, 0.2, -0.3, 0.5}
		first := g.Shape().Index("a")
		for rep := range 1500 {
			_, truth := g.Draw(dgp.Stream{Seed: 77, Replicate: uint64(rep)})
			for arm, armName := range []string{"control", "treated"} {
				clear(sum)
				for k, w := range weights {
					for i, x := range truth.Potential(y, first+k, arm) {
						sum[i] += w * x
					}
				}
				want, err := trial.Components(weights, arm, nil)
				if err != nil {
					t.Fatal(err)
				}
				got := nested(sum, d.Blocks, d.Schools, d.Teachers, size)
				for level, pair := range map[string][2]float64{
					"block": {want.Block, got.Block}, "school": {want.School, got.School},
					"teacher": {want.Teacher, got.Teacher}, "child": {want.Child, got.Child}, "mean": {want.Mean, got.Mean},
				} {
					c.add(name+" "+armName+" "+level, pair[0], pair[1])
				}
			}
		}
		c.test(t)
	}
}

// wordedArms is a trial in shares of variance with a baseline test, and two
// treatments and both together, each with effects of its own.
func wordedArms(schoolPart bool) dgp.Trial {
	t := dgp.DefaultTrial()
	t.Design = dgp.Design{
		Blocks: 4, Schools: 10, Teachers: 3, Tested: 8, Children: dgp.ClassSize{Mean: 8, Min: 8},
		Arms: []string{"usual", "a1", "b1", "a1+b1"}, Assignment: dgp.Complete{},
	}
	t.Covariates = []dgp.Covariate{
		{Name: "wealth", Level: dgp.SchoolLevel, Law: dgp.Normal{SD: 2}, Quality: 1, Achievement: 1},
		{Name: "debt", Level: dgp.TeacherLevel, Law: dgp.Gamma{Mean: 2, SD: 3}, Quality: -0.5},
	}
	t.Quality = manyTeachers().Quality
	if schoolPart {
		t.Quality.SchoolShare = 0
		t.Quality.School = dgp.SchoolQuality{SD: []float64{0.3, 0.4}, Correlation: dgp.Matrix{{1}, {0.5, 1}}}
	}
	t.Quality.ArmEffects = map[string]dgp.QualityEffect{
		"b1":    {Shift: []float64{0.1, 0.3}, Engagement: []float64{0.1, 0.5}, Noise: []float64{0.1, 0.3}, Skew: 0.5, WithQuality: 0.4},
		"a1+b1": {Shift: []float64{0.1, 0}, Engagement: []float64{0.2, 0.2}, Noise: []float64{0, 0.2}, WithQuality: 0.8},
	}
	t.Observation = manyTeachers().Observation
	correlation := 0.6
	t.Achievement = dgp.Achievement{
		Tests: []string{"a", "b"}, Total: "all", Scale: 1, Points: true, Correlation: &correlation,
		ICC:      dgp.ICC{Block: 0.05, School: 0.15, Teacher: 0.1},
		R2:       dgp.R2{School: 0.1},
		Baseline: &dgp.Baseline{Name: "pretest", Reliability: 0.8, R2: dgp.R2{Block: 0.2, School: 0.5, Teacher: 0.3, Child: 0.4}, ICC: dgp.ICC{Block: 0.1, School: 0.1, Teacher: 0.2}},
		Slope: dgp.Slopes{
			Sorting: []float64{0.1, 0.05}, Control: []float64{0.1, -0.1}, Treated: []float64{0.2, 0.1}, Baseline: []float64{-0.1, 0.2},
		},
		Effect: dgp.TestEffect{Mean: []float64{0.1, -0.2}, Bottom: -0.4, SchoolSD: 0.2, BlockSD: 0.1},
		ArmEffects: map[string]dgp.ArmTestEffect{
			"b1":    {TestEffect: dgp.TestEffect{Mean: []float64{0.3, 0.1}, Bottom: 0.5}, Treated: []float64{0.3, 0.4}, Baseline: []float64{0.3, 0}},
			"a1+b1": {TestEffect: dgp.TestEffect{Mean: []float64{0, 0.4}, SchoolSD: 0.3}, Baseline: []float64{0, -0.3}},
		},
	}
	if schoolPart {
		t.Achievement.Slope.School = []float64{0.2, -0.1}
	}
	return t
}

// TestComponentsByArm holds the components of tests, of scores of quality and of
// contrasts between arms, in four arms of which one combines two, and the
// baseline's, against analyses of variance of drawn data. A right program fails
// one check in 1e5 draws of the seed.
func TestComponentsByArm(t *testing.T) {
	for _, schoolPart := range []bool{false, true} {
		checkComponentsByArm(t, wordedArms(schoolPart))
	}
}

func checkComponentsByArm(t *testing.T, trial dgp.Trial) {
	t.Helper()
	g, err := trial.Compile()
	if err != nil {
		t.Fatal(err)
	}
	d := trial.Design
	size := int(d.Children.Mean)
	n := d.Blocks * d.Schools * d.Teachers * size
	var c checks
	weights, contrast := []float64{0.7, 0.4}, []float64{-1, 0.5, -0.5, 1}
	scores := []float64{0.6, 0.5}
	first, score, base := g.Shape().Index("a"), g.Shape().Index("support"), g.Shape().Index("pretest")
	y, classes := make([]float64, n), make([]float64, n/size)
	sums, total := [4][]float64{}, make([]float64, n)
	for arm := range sums {
		sums[arm] = make([]float64, n)
	}
	add := func(name string, want, got dgp.Components) {
		for level, pair := range map[string][2]float64{
			"block": {want.Block, got.Block}, "school": {want.School, got.School},
			"teacher": {want.Teacher, got.Teacher}, "child": {want.Child, got.Child}, "mean": {want.Mean, got.Mean},
		} {
			if level != "child" || !math.IsNaN(pair[1]) {
				c.add(name+" "+level, pair[0], pair[1])
			}
		}
	}
	covariance, variance := trial.BaselineComponents(weights)
	effect := trial.EffectComponents(weights, contrast)
	for rep := range 1000 {
		data, truth := g.Draw(dgp.Stream{Seed: 78, Replicate: uint64(rep)})
		clear(total)
		for arm := range sums {
			clear(sums[arm])
			for k, w := range weights {
				for i, x := range truth.Potential(y, first+k, arm) {
					sums[arm][i] += w * x
				}
			}
			want, err := trial.Components(weights, arm, nil)
			if err != nil {
				t.Fatal(err)
			}
			add(d.Arms[arm], want, nested(sums[arm], d.Blocks, d.Schools, d.Teachers, size))
			for i, x := range sums[arm] {
				total[i] += contrast[arm] * x
			}
			clear(classes)
			for k, w := range scores {
				for j, x := range truth.Potential(y, score+k, arm) {
					classes[j] += w * (x - trial.Observation.Scale.Mean[k]) / trial.Observation.Scale.Points[k]
				}
			}
			want, err = trial.ScoreComponents(scores, arm, nil)
			if err != nil {
				t.Fatal(err)
			}
			got := nested(classes, 1, d.Blocks, d.Schools, d.Teachers)
			add(d.Arms[arm]+" quality", want, dgp.Components{Block: got.School, School: got.Teacher, Teacher: got.Child, Child: math.NaN(), Mean: got.Mean})
			// Of a score s and the mean y of a class, Cov(s, y) is (Var(s+y) - Var(s-y))/4.
			if want, err = trial.CrossComponents(scores, weights, arm, nil); err != nil {
				t.Fatal(err)
			}
			var of [2]dgp.Components
			for side, times := range []float64{1, -1} {
				both := slices.Clone(classes)
				for i, x := range sums[arm] {
					both[i/size] += times * x / float64(size)
				}
				of[side] = nested(both, 1, d.Blocks, d.Schools, d.Teachers)
			}
			add(d.Arms[arm]+" with quality", want, dgp.Components{
				Block: (of[0].School - of[1].School) / 4, School: (of[0].Teacher - of[1].Teacher) / 4, Teacher: (of[0].Child - of[1].Child) / 4, Child: math.NaN(),
			})
		}
		got := nested(total, d.Blocks, d.Schools, d.Teachers, size)
		got.Child = math.NaN()
		add("effect", effect, got)

		x := nested(data.Columns[base], d.Blocks, d.Schools, d.Teachers, size)
		x.Mean = 0
		add("baseline", variance, x)
		for i, v := range data.Columns[base] {
			total[i] = sums[0][i] + v
		}
		with, without := nested(total, d.Blocks, d.Schools, d.Teachers, size), nested(sums[0], d.Blocks, d.Schools, d.Teachers, size)
		add("with baseline", covariance, dgp.Components{
			Block: (with.Block - without.Block - x.Block) / 2, School: (with.School - without.School - x.School) / 2,
			Teacher: (with.Teacher - without.Teacher - x.Teacher) / 2, Child: (with.Child - without.Child - x.Child) / 2,
		})
	}
	c.test(t)
}

// TestRatingsAtLimits: with limits half an SD above and two below the mean of
// ratings, normal probabilities; whole ratings have half a point more.
func TestRatingsAtLimits(t *testing.T) {
	trial := oneDomain()
	trial.Quality.Effect = dgp.QualityEffect{}
	// SD of a rating: √(1 + .25 + .25).
	sd := math.Sqrt(1.5)
	trial.Observation.Scale = dgp.RatingScale{Mean: []float64{4}, Points: []float64{1}, Min: 4 - 2*sd, Max: 4 + sd/2}
	tail := func(z float64) float64 { return 0.5 * math.Erfc(z/math.Sqrt2) }
	if got, want := trial.RatingsAtLimits([]float64{1}), tail(0.5)+tail(2); math.Abs(got-want) > 1e-12 {
		t.Errorf("%g of ratings are held back, want %g", got, want)
	}
	trial.Observation.Scale.Integer = true
	if got, want := trial.RatingsAtLimits([]float64{1}), tail(0.5+0.5/sd)+tail(2+0.5/sd); math.Abs(got-want) > 1e-12 {
		t.Errorf("%g of whole ratings are held back, want %g", got, want)
	}
	c, err := trial.ScoreComponents([]float64{1}, 0, nil)
	if want := 1 + .25/2 + .25/4 + 1./12/4; err != nil || math.Abs(c.Total()-want) > 1e-12 {
		t.Errorf("whole ratings have variance %g, want %g: %v", c.Total(), want, err)
	}
}

// nested estimates variance components by analysis of variance of equal groups.
func nested(y []float64, blocks, schools, teachers, size int) dgp.Components {
	var c dgp.Components
	sizes := []int{size, teachers, schools, blocks}
	var ms []float64
	units := 1.0 // children per unit averaged
	for _, n := range sizes {
		groups := len(y) / n
		ss, means := 0.0, make([]float64, groups)
		for g := range groups {
			for _, x := range y[g*n : (g+1)*n] {
				means[g] += x / float64(n)
			}
			for _, x := range y[g*n : (g+1)*n] {
				ss += (x - means[g]) * (x - means[g])
			}
		}
		ms = append(ms, units*ss/float64(groups*(n-1)))
		units *= float64(n)
		y = means
	}
	c.Child = ms[0]
	c.Teacher = (ms[1] - ms[0]) / float64(size)
	c.School = (ms[2] - ms[1]) / float64(size*teachers)
	c.Block = (ms[3] - ms[2]) / float64(size*teachers*schools)
	c.Mean = y[0]
	return c
}

// TestComponentsGivenCovariates: a covariate held fixed takes exactly its part of
// the variance with it.
func TestComponentsGivenCovariates(t *testing.T) {
	trial := equalClasses()
	weights := []float64{0, 1, 0, 0, 0}
	part := func(given map[string]int) dgp.Components {
		t.Helper()
		all, err := trial.Components(weights, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		rest, err := trial.Components(weights, 0, given)
		if err != nil {
			t.Fatal(err)
		}
		return dgp.Components{Block: all.Block - rest.Block, School: all.School - rest.School, Teacher: all.Teacher - rest.Teacher, Child: all.Child - rest.Child}
	}
	unit := 0.9 * 0.9
	index := 0.2 * 0.2 / (2*2 + 1.5*1.5)
	for _, c := range []struct {
		given map[string]int
		want  dgp.Components
	}{
		{map[string]int{"wealth": 1}, dgp.Components{School: unit * index * 4}},
		{map[string]int{"debt": 1}, dgp.Components{Teacher: unit * index * 2.25}},
		{map[string]int{"staff": 1}, dgp.Components{}},
		{map[string]int{"lunch": 1}, dgp.Components{Child: unit * math.Pow(-0.5+0.4*0.6, 2) * 0.16}},
		{map[string]int{"months": 1}, dgp.Components{Child: unit * 0.0004 * 16}},
		{map[string]int{"months": 2}, dgp.Components{Child: unit * (0.0004*16 + 2*0.000009*256)}},
	} {
		got := part(c.given)
		for i, pair := range [][2]float64{{got.Block, c.want.Block}, {got.School, c.want.School}, {got.Teacher, c.want.Teacher}, {got.Child, c.want.Child}} {
			if math.Abs(pair[0]-pair[1]) > 1e-14 {
				t.Errorf("%v: level %d explains %g, want %g", c.given, i, pair[0], pair[1])
			}
		}
	}
}

// TestNoComponents: what has no formula is refused.
func TestNoComponents(t *testing.T) {
	for name, change := range map[string]func(*dgp.Trial){
		"class size": func(t *dgp.Trial) { t.Covariates[5].Achievement, t.Design.Children.SD = 1, 2 },
		"curvature":  func(t *dgp.Trial) { t.Covariates[8].Curvature = 0.1 },
		"shares":     func(t *dgp.Trial) { t.Covariates[2].Achievement, t.Covariates[3].Achievement = 1, 1 },
	} {
		trial := equalClasses()
		change(&trial)
		if _, err := trial.Components([]float64{1, 0, 0, 0, 0}, 0, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestOutcomeWeights: a total in points weighs its tests alike; else they are
// divided by the SDs that they have in the data.
func TestOutcomeWeights(t *testing.T) {
	trial := equalClasses()
	w, ok, err := trial.OutcomeWeights("c", []float64{1 - 0.5, 0.5})
	if err != nil || !ok || w[2] != 1 || w[0] != 0 {
		t.Errorf("weights of c: %v, %v, %v", w, ok, err)
	}
	if w, ok, _ = trial.OutcomeWeights("all", []float64{1 - 0.5, 0.5}); !ok || w[0] != 0.2 || w[4] != 0.2 {
		t.Errorf("weights of the total in points: %v", w)
	}
	if _, ok, _ = trial.OutcomeWeights("score", []float64{1 - 0.5, 0.5}); ok {
		t.Error("a score of classroom quality is no test")
	}
	trial.Achievement.Points = false
	if w, _, err = trial.OutcomeWeights("all", []float64{1 - 0.3, 0.3}); err != nil {
		t.Fatal(err)
	}
	// The mean over draws of each test's variance in the data, in points.
	trial.Achievement.Points = true
	trial.Design.Blocks, trial.Design.Schools = 10, 40
	g, err := trial.Compile()
	if err != nil {
		t.Fatal(err)
	}
	var c checks
	first := g.Shape().Index("a")
	for rep := range 300 {
		data, _ := g.Draw(dgp.Stream{Seed: 5, Replicate: uint64(rep)})
		for k := range w {
			x := data.Columns[first+k]
			mean, ss := 0.0, 0.0
			for _, v := range x {
				mean += v / float64(len(x))
			}
			for _, v := range x {
				ss += (v - mean) * (v - mean)
			}
			c.add(g.Shape().Columns[first+k].Name, 1/(25*w[k]*w[k]), ss/float64(len(x)))
		}
	}
	for _, of := range c.order {
		// Ten blocks make the variance in the data a tenth of the blocks' smaller.
		if a := c.by[of]; math.Abs(a.mean/a.want-1) > 0.02 {
			t.Errorf("%s: variance %.4f, implied %.4f", of, a.mean, a.want)
		}
	}
}

// TestTestsPerClass holds the mean number of children with a valid test in a class that
// is not lost, over arms of unequal shares that lose unequally, against draws.
func TestTestsPerClass(t *testing.T) {
	trial := losing()
	trial.Design.Assignment = dgp.Complete{Share: 0.75}
	trial.Design.Attrition.Children = 0.1
	trial.Design.Attrition.Loss.School, trial.Design.Attrition.Loss.Teacher = dgp.Loss{}, dgp.Loss{}
	trial.Design.Attrition.Loss.Child = dgp.Loss{Rate: map[string]float64{"usual": 0.1, "mentoring": 0.4}}
	g, err := trial.Compile()
	if err != nil {
		t.Fatal(err)
	}
	var c checks
	for rep := range short(1000) {
		data, _ := g.Draw(dgp.Stream{Seed: 16, Replicate: uint64(rep)})
		c.add("tests per class", trial.Design.TestsPerClass(), float64(g.ValidTests())/float64(data.Teachers()))
	}
	c.test(t)
}

// TestTestedSize holds the moments of the number of children with a valid test
// against draws.
func TestTestedSize(t *testing.T) {
	trial := manyTeachers()
	trial.Design.Attrition.Schools = nil
	g, err := trial.Compile()
	if err != nil {
		t.Fatal(err)
	}
	var c checks
	mean, cv := trial.Design.TestedSize()
	for rep := range 2000 {
		data, _ := g.Draw(dgp.Stream{Seed: 6, Replicate: uint64(rep)})
		sum, square, n := 0.0, 0.0, float64(data.Teachers())
		for j := range data.Teachers() {
			x := float64(data.ChildStart[j+1] - data.ChildStart[j])
			sum += x / n
			square += x * x / n
		}
		c.add("mean", mean, sum)
		c.add("square", mean*mean*(1+cv*cv), square)
	}
	c.test(t)
}
