package dgp_test

import (
	"math"
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
	w, ok, err := trial.OutcomeWeights("c", 0.5)
	if err != nil || !ok || w[2] != 1 || w[0] != 0 {
		t.Errorf("weights of c: %v, %v, %v", w, ok, err)
	}
	if w, ok, _ = trial.OutcomeWeights("all", 0.5); !ok || w[0] != 0.2 || w[4] != 0.2 {
		t.Errorf("weights of the total in points: %v", w)
	}
	if _, ok, _ = trial.OutcomeWeights("score", 0.5); ok {
		t.Error("a score of classroom quality is no test")
	}
	trial.Achievement.Points = false
	if w, _, err = trial.OutcomeWeights("all", 0.3); err != nil {
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
