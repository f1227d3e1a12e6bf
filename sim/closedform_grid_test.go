package sim

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"coachsim/dgp"
	"coachsim/estimators"
)

// A gridStudy is a study whose closed forms are exact.
type gridStudy struct {
	name string
	Study
	want map[string]string // design by estimator
}

// exactStudies lists the grid: balanced trials of schools, and one or more of
// each other kind of design.
func exactStudies() []gridStudy {
	var all []gridStudy
	for _, d := range grid() {
		s := d.study()
		want := map[string]string{}
		for _, e := range s.Estimators {
			want[e.Name] = d.wantDesign
		}
		all = append(all, gridStudy{d.name, s, want})
	}
	type method struct {
		name, design string
		estimators.Method
	}
	add := func(name string, t dgp.Trial, methods ...method) {
		s := gridStudy{name: name, want: map[string]string{}, Study: Study{Aim: "x", Seed: 15021, Replicates: 1, Alpha: 0.05, Trial: t}}
		for _, m := range methods {
			s.Estimators = append(s.Estimators, Estimator{Name: m.name, Method: m.Method})
			s.want[m.name] = m.design
		}
		all = append(all, s)
	}
	mixed := func(design, formula string) method {
		return method{"mixed", design, estimators.Mixed{Formula: formula, DF: estimators.KenwardRoger, Report: []string{"coaching"}}}
	}
	ols := func(design, formula, cluster string, se estimators.SE) method {
		return method{se.String(), design, estimators.OLS{Formula: formula, Cluster: cluster, SE: se, Report: []string{"coaching"}}}
	}
	shape := func(blocks, schools, teachers int, children float64) dgp.Trial {
		t := plainTrial()
		t.Design.Blocks, t.Design.Schools, t.Design.Teachers, t.Design.Children.Mean = blocks, schools, teachers, children
		return t
	}
	words := func(t dgp.Trial, icc dgp.ICC, effect float64) dgp.Trial {
		t.Achievement = dgp.Achievement{Tests: []string{"reading"}, Total: "achievement", Scale: 1, ICC: icc, Effect: dgp.TestEffect{Mean: []float64{effect}}}
		return t
	}
	baseline := func(t dgp.Trial, b dgp.Baseline) dgp.Trial {
		b.Name = "pretest"
		t.Achievement.Baseline = &b
		return t
	}

	// A baseline test, alone and with the mean of the school, as good everywhere or
	// better between schools.
	add("baseline", baseline(words(shape(1, 20, 1, 12), dgp.ICC{School: 0.3}, 0.5), dgp.Baseline{Reliability: 0.8, R2: dgp.R2{School: 0.5, Child: 0.4}}),
		mixed("cra2", "reading ~ coaching + pretest + (1 | school)"), ols("cra2", "reading ~ coaching + pretest", "school", estimators.CR2))
	add("baseline-means", baseline(words(shape(4, 6, 1, 10), dgp.ICC{School: 0.35, Block: 0.1}, 0.5), dgp.Baseline{Reliability: 0.7, R2: dgp.R2{School: 0.6, Child: 0.2}}),
		mixed("bcra3c2", "reading ~ coaching + pretest + mean(pretest, school) + (1 | school) | block"))
	add("baseline-classes", baseline(words(shape(1, 20, 2, 6), dgp.ICC{School: 0.2, Teacher: 0.1}, 0.5), dgp.Baseline{Reliability: 0.9, R2: dgp.R2{School: 0.6, Teacher: 0.3, Child: 0.4}}),
		ols("cra3", "reading ~ coaching + pretest", "school", estimators.CR2))
	add("baseline-only-mean", baseline(words(shape(1, 20, 1, 10), dgp.ICC{School: 0.4}, 0.7), dgp.Baseline{Reliability: 0.9, R2: dgp.R2{School: 0.5, Child: 0.3}, ICC: dgp.ICC{School: 0.4}}),
		mixed("cra2", "reading ~ coaching + mean(pretest, school) + (1 | school)"))

	// Three arms, and two treatments crossed.
	arms := func(t dgp.Trial, names ...string) dgp.Trial {
		t.Design.Arms, t.Design.Assignment = names, dgp.Blocked{}
		return t
	}
	three := arms(words(shape(1, 24, 1, 8), dgp.ICC{School: 0.3}, 0.8), "control", "coaching", "books")
	three.Achievement.ArmEffects = map[string]dgp.ArmTestEffect{"books": {TestEffect: dgp.TestEffect{Mean: []float64{-0.3}}}}
	add("three-arms", three,
		mixed("cra2", "reading ~ coaching + books + (1 | school)"), ols("cra2", "reading ~ coaching + books", "school", estimators.CR2))
	three.Design.Blocks, three.Design.Schools, three.Achievement.ICC.Block = 5, 6, 0.1
	add("three-arms-blocked", three, mixed("bcra3c2", "reading ~ coaching + books + (1 | school) | block"))
	crossed := arms(words(shape(1, 20, 1, 8), dgp.ICC{School: 0.3}, 0.7), "control", "coaching", "books", "coaching+books")
	add("factorial", crossed,
		mixed("cra2", "reading ~ coaching + books + (1 | school)"), ols("cra2", "reading ~ coaching + books", "school", estimators.CR2))

	// Teachers and children within schools, with effects that differ between schools.
	teachers := words(shape(1, 8, 4, 6), dgp.ICC{School: 0.2, Teacher: 0.3}, 0.6)
	teachers.Design.Assignment = dgp.Blocked{Unit: dgp.TeacherUnit}
	add("teachers", teachers,
		mixed("bcra3c2", "reading ~ coaching + (1 | school/teacher)"), ols("bcra3c2", "reading ~ coaching | school", "teacher", estimators.CR2))
	teachers.Design.Schools, teachers.Achievement.Effect.SchoolSD = 12, 0.4
	add("teachers-random", teachers, ols("bcra3r2", "reading ~ coaching", "school", estimators.CR2))
	children := baseline(words(shape(1, 6, 1, 12), dgp.ICC{School: 0.2}, 0.5), dgp.Baseline{Reliability: 0.9, R2: dgp.R2{School: 0.5, Child: 0.4}})
	children.Design.Assignment = dgp.Blocked{Unit: dgp.ChildUnit}
	add("children", children,
		mixed("bira2c1", "reading ~ coaching + (1 | school)"), ols("bira2c1", "reading ~ coaching | school", "", estimators.HC1))
	children.Achievement.Baseline = nil
	children.Achievement.Effect.SchoolSD, children.Design.Schools = 0.3, 12
	add("children-random", children, ols("bira2", "reading ~ coaching", "school", estimators.CR2))

	// Observed quality, of one class a school and of several in blocks.
	class := func(t dgp.Trial) dgp.Trial {
		t.Quality.Effect.Shift = []float64{0.9}
		t.Observation.Scale.Min, t.Observation.Scale.Max, t.Observation.Scale.Integer = -100, 100, false
		t.Observation.Segments, t.Observation.SegmentSD, t.Observation.CoderSD = 2, []float64{0.6}, []float64{0.4}
		return t
	}
	add("quality", class(shape(1, 24, 1, 3)), ols("ira1", "class ~ coaching", "", estimators.HC2))
	several := class(shape(4, 4, 3, 3))
	several.Quality.SchoolShare, several.Quality.Context = 0.3, dgp.Context{Variance: []float64{0.3}, BlockShare: 1}
	add("quality-blocked", several,
		ols("bcra3c2", "class ~ coaching | block", "school", estimators.CR2))
	return all
}

// TestClosedFormsAreTheSimulatedPower simulates the exact studies 10,000 times each
// (MCSE at most 0.5 points) and wants power within 3 MCSE of the closed form. A
// right program fails one estimate with a probability of 0.27% for a new seed, so
// the seed is fixed; the sum of squares over one estimate of each study must be
// one that a right program exceeds with a probability of 0.1%. With -short there are
// 1,000 replicates.
func TestClosedFormsAreTheSimulatedPower(t *testing.T) {
	replicates := 10000
	if testing.Short() {
		replicates = 1000
	}
	squares, checked := 0.0, 0
	for i, d := range exactStudies() {
		s := d.Study
		rows, err := s.Rows()
		if err != nil {
			t.Fatalf("%s: %v", d.name, err)
		}
		g, err := s.Trial.Compile()
		if err != nil {
			t.Fatal(err)
		}
		panel, err := estimators.Bind(s.methods(), g.Shape(), nil)
		if err != nil {
			t.Fatal(err)
		}
		rejections := make([]int, len(rows))
		for rep := range replicates {
			data, _ := g.Draw(dgp.Stream{Seed: 20260101 + uint64(i), Replicate: uint64(rep)})
			for r, e := range panel.Fit(data) {
				if e.Status.Worked() && e.P <= s.Alpha {
					rejections[r]++
				}
			}
		}
		for r, row := range rows {
			form, why := s.ClosedForm(row)
			if form == nil {
				t.Errorf("%s, %s has no closed form: %s", d.name, row.Estimator, why)
				continue
			}
			if form.Design.Name != d.want[row.Estimator] || len(form.Approximate) > 0 {
				t.Errorf("%s, %s: %s, approximate in %v", d.name, row.Estimator, form.Design.Name, form.Approximate)
			}
			summary := SummaryRow{Measures: Measures{N: replicates, Power: float64(rejections[r]) / float64(replicates)}}
			summary.holdAgainst(form.Power)
			if math.Abs(summary.AnalyticZ) > 3 {
				t.Errorf("%s, %s: power %.4f, by the closed form %.4f: %.2f MCSE apart", d.name, row.Estimator, summary.Power, form.Power, summary.AnalyticZ)
			}
			t.Logf("%-42s %-5s simulated %.4f, closed form %.4f, z %5.2f", d.name, row.Estimator, summary.Power, form.Power, summary.AnalyticZ)
			if r == 0 {
				squares += summary.AnalyticZ * summary.AnalyticZ
				checked++
			}
		}
	}
	if limit := (distuv.ChiSquared{K: float64(checked)}).Quantile(0.999); squares > limit {
		t.Errorf("the squared distances add up to %.1f; a right program exceeds %.1f once in 1,000", squares, limit)
	}
}
