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

// A gridMethod is an estimator with the design that it comes to.
type gridMethod struct {
	name, design string
	estimators.Method
}

func ofGrid(name string, t dgp.Trial, methods ...gridMethod) gridStudy {
	s := gridStudy{name: name, want: map[string]string{}, Study: Study{Aim: "x", Seed: 15021, Replicates: 1, Alpha: 0.05, Trial: t}}
	for _, m := range methods {
		s.Estimators = append(s.Estimators, Estimator{Name: m.name, Method: m.Method})
		s.want[m.name] = m.design
	}
	return s
}

func mixed(design, formula string) gridMethod {
	return gridMethod{"mixed", design, estimators.Mixed{Formula: formula, DF: estimators.KenwardRoger, Report: []string{"coaching"}}}
}

func ols(design, formula, cluster string, se estimators.SE) gridMethod {
	return gridMethod{se.String(), design, estimators.OLS{Formula: formula, Cluster: cluster, SE: se, Report: []string{"coaching"}}}
}

// shape is a plain trial of these sizes.
func shape(blocks, schools, teachers int, children float64) dgp.Trial {
	t := plainTrial()
	t.Design.Blocks, t.Design.Schools, t.Design.Teachers, t.Design.Children.Mean = blocks, schools, teachers, children
	return t
}

// words gives a trial one test in shares of variance.
func words(t dgp.Trial, icc dgp.ICC, effect float64) dgp.Trial {
	t.Achievement = dgp.Achievement{Tests: []string{"reading"}, Total: "achievement", Scale: 1, ICC: icc, Effect: dgp.TestEffect{Mean: []float64{effect}}}
	return t
}

// class gives a trial an effect on quality, observed on a scale without limits.
func class(t dgp.Trial) dgp.Trial {
	t.Quality.Effect.Shift = []float64{0.9}
	t.Observation.Scale.Min, t.Observation.Scale.Max, t.Observation.Scale.Integer = -100, 100, false
	t.Observation.Segments, t.Observation.SegmentSD, t.Observation.CoderSD = 2, []float64{0.6}, []float64{0.4}
	return t
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
	add := func(name string, t dgp.Trial, methods ...gridMethod) { all = append(all, ofGrid(name, t, methods...)) }
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
	add("quality", class(shape(1, 24, 1, 3)), ols("ira1", "class ~ coaching", "", estimators.HC2))
	several := class(shape(4, 4, 3, 3))
	several.Quality.SchoolShare, several.Quality.Context = 0.3, dgp.Context{Variance: []float64{0.3}, BlockShare: 1}
	add("quality-blocked", several,
		ols("bcra3c2", "class ~ coaching | block", "school", estimators.CR2))

	// Schools lost at random, by other rates in the arms, or a number of them; and
	// children who do not all take up what they are assigned.
	lost := words(shape(1, 24, 1, 8), dgp.ICC{School: 0.3}, 0.8)
	lost.Design.Attrition.Loss.School.Rate = map[string]float64{"control": 0.3, "coaching": 0.1}
	add("lost", lost, mixed("cra2", "reading ~ coaching + (1 | school)"))
	lost.Design.Attrition = dgp.Attrition{Schools: map[string]int{"control": 5}}
	lost.Design.Attrition.Loss.Teacher.Rate = map[string]float64{"control": 0.1, "coaching": 0.1}
	lost.Covariates = []dgp.Covariate{{Name: "wealth", Level: dgp.SchoolLevel, Law: dgp.Normal{SD: 2}, Achievement: 1}}
	lost.Achievement.R2.School, lost.Achievement.ICC.School = 0.3, 0.4
	add("lost-number", lost, mixed("cra2", "reading ~ coaching + wealth + (1 | school)"))
	takeUp := words(shape(1, 8, 1, 16), dgp.ICC{School: 0.2}, 0.8)
	takeUp.Design.Assignment = dgp.Blocked{Unit: dgp.ChildUnit}
	takeUp.Design.Compliance = &dgp.Compliance{Unit: dgp.ChildUnit, TakeUp: map[string]float64{"coaching": 0.8}, Contamination: map[string]float64{"coaching": 0.2}}
	add("take-up", takeUp, ols("bira2c1", "reading ~ coaching | school", "", estimators.HC1))

	// Given effects of blocks, which the fixed effects take away.
	given := words(shape(5, 6, 2, 10), dgp.ICC{School: 0.15, Teacher: 0.05}, 0.45)
	given.Achievement.BlockEffects = []float64{0.6, 0.3, 0, -0.3, -0.6}
	add("blocks-given", given,
		mixed("bcra4c3", "reading ~ coaching + (1 | school/teacher) | block"), ols("bcra4c3", "reading ~ coaching | block", "school", estimators.CR2))
	return all
}

// approximateStudies lists designs whose closed forms are approximate, one for each
// thing that makes them so.
func approximateStudies() []gridStudy {
	unequal := words(shape(1, 24, 1, 20), dgp.ICC{School: 0.15}, 0.5)
	unequal.Design.Children = dgp.ClassSize{Mean: 20, CV: 0.5, Min: 3}
	lost := words(shape(1, 24, 3, 12), dgp.ICC{School: 0.15, Teacher: 0.1}, 0.5)
	lost.Design.Attrition.Loss.Teacher.Rate = map[string]float64{"control": 0.2, "coaching": 0.2}
	lost.Design.Attrition.Loss.Child.Rate = map[string]float64{"control": 0.2, "coaching": 0.1}
	blocked := words(shape(5, 6, 1, 10), dgp.ICC{School: 0.3, Block: 0.1}, 0.7)
	blocked.Design.Attrition.Loss.School.Rate = map[string]float64{"control": 0.2, "coaching": 0.1}
	share := words(shape(1, 24, 1, 10), dgp.ICC{School: 0.3}, 0.8)
	share.Design.Assignment = dgp.Blocked{Share: 0.25}
	arms := words(shape(5, 6, 1, 10), dgp.ICC{School: 0.3, Block: 0.1}, 0.8)
	arms.Design.Arms, arms.Design.Assignment = []string{"control", "coaching", "books"}, dgp.Blocked{}
	taken := words(shape(1, 30, 1, 12), dgp.ICC{School: 0.2}, 0.7)
	taken.Design.Compliance = &dgp.Compliance{TakeUp: map[string]float64{"coaching": 0.7}, Contamination: map[string]float64{"coaching": 0.1}}
	tested := words(shape(10, 6, 2, 24), dgp.ICC{School: 0.14, Teacher: 0.06}, 0.3)
	tested.Achievement.Baseline = &dgp.Baseline{Name: "egra", Reliability: 0.9, R2: dgp.R2{School: 0.5, Teacher: 0.36, Child: 0.36}}
	tested.Design.Compliance = &dgp.Compliance{Unit: dgp.TeacherUnit, TakeUp: map[string]float64{"coaching": 0.75}}
	few := words(shape(1, 12, 1, 10), dgp.ICC{School: 0.05}, 0.4)
	ratings := class(shape(1, 24, 1, 3))
	ratings.Observation.Scale = dgp.RatingScale{Mean: []float64{2.5}, Points: []float64{1}, Min: 1, Max: 7, Integer: true}
	skewed := words(shape(1, 20, 1, 10), dgp.ICC{School: 0.3}, 0.7)
	skewed.Covariates = []dgp.Covariate{{Name: "debt", Level: dgp.SchoolLevel, Law: dgp.Gamma{Mean: 1, SD: 2}, Achievement: 1}}
	skewed.Achievement.R2.School = 0.5
	iv := estimators.IV{Formula: "reading ~ 1 | received ~ coaching", Cluster: "school", SE: estimators.CR2, Report: []string{"received"}}
	return []gridStudy{
		ofGrid("class sizes with CV 0.5", unequal, mixed("cra2", "reading ~ coaching + (1 | school)"), ols("cra2", "reading ~ coaching", "school", estimators.CR2)),
		ofGrid("a fifth of teachers and children lost", lost, mixed("cra3", "reading ~ coaching + (1 | school/teacher)"), ols("cra3", "reading ~ coaching", "school", estimators.CR2)),
		ofGrid("schools lost from blocks", blocked, mixed("bcra3c2", "reading ~ coaching + (1 | school) | block"), ols("bcra3c2", "reading ~ coaching | block", "school", estimators.CR2)),
		ofGrid("a quarter treated", share, ols("cra2", "reading ~ coaching", "school", estimators.CR2), ols("cra2", "reading ~ coaching", "school", estimators.CR1)),
		ofGrid("three arms in blocks", arms, ols("bcra3c2", "reading ~ coaching + books | block", "school", estimators.CR2)),
		ofGrid("take-up by schools", taken, ols("cra2", "reading ~ coaching", "school", estimators.CR2), gridMethod{"iv", "cra2", iv}),
		ofGrid("take-up by teachers, with a baseline test", tested, gridMethod{"iv", "bcra4c3", estimators.IV{Formula: "reading ~ egra | block | received ~ coaching", Cluster: "school", SE: estimators.CR2, Report: []string{"received"}}}),
		ofGrid("variance of schools often 0", few, mixed("cra2", "reading ~ coaching + (1 | school)")),
		ofGrid("whole ratings near the limit", ratings, ols("ira1", "class ~ coaching", "", estimators.HC2)),
		ofGrid("a skewed covariate of schools", skewed, mixed("cra2", "reading ~ coaching + debt + (1 | school)"), ols("cra2", "reading ~ coaching + debt", "school", estimators.CR2)),
	}
}

// TestApproximateClosedForms: where a form is approximate it says so, and power is
// within 4 points and 3 MCSE of it. The differences in docs/closed-forms.md are
// these with 40,000 replicates.
func TestApproximateClosedForms(t *testing.T) {
	const replicates = 1000
	for i, d := range approximateStudies() {
		rows, err := d.Rows()
		if err != nil {
			t.Fatal(err)
		}
		rejected := d.rejected(t, 20260201+uint64(i), replicates)
		for r, row := range rows {
			if row.Target == nil {
				continue
			}
			form, why := d.ClosedForm(row)
			if form == nil {
				t.Errorf("%s, %s has no closed form: %s", d.name, row.Estimator, why)
				continue
			}
			if form.Design.Name != d.want[row.Estimator] || len(form.Approximate) == 0 {
				t.Errorf("%s, %s: %s, approximate in %v", d.name, row.Estimator, form.Design.Name, form.Approximate)
			}
			mcse := math.Sqrt(form.Power * (1 - form.Power) / replicates)
			power := float64(rejected[r]) / replicates
			if math.Abs(power-form.Power) > 0.04+3*mcse {
				t.Errorf("%s, %s: power %.4f, by the closed form %.4f", d.name, row.Estimator, power, form.Power)
			}
			t.Logf("%-40s %-5s formula %.1f, simulated less formula %+.2f (%.2f)", d.name, row.Estimator, 100*form.Power, 100*(power-form.Power), 100*mcse)
		}
	}
}

// rejected counts, by estimate, the replicates in which it is significant.
func (d gridStudy) rejected(t *testing.T, seed uint64, replicates int) []int {
	t.Helper()
	g, err := d.Trial.Compile()
	if err != nil {
		t.Fatal(err)
	}
	panel, err := estimators.Bind(d.methods(), g.Shape(), nil)
	if err != nil {
		t.Fatal(err)
	}
	rejections := make([]int, len(panel.Rows()))
	for rep := range replicates {
		data, _ := g.Draw(dgp.Stream{Seed: seed, Replicate: uint64(rep)})
		for r, e := range panel.Fit(data) {
			if e.Status.Worked() && e.P <= d.Alpha {
				rejections[r]++
			}
		}
	}
	return rejections
}

// TestClosedFormsAreTheSimulatedPower simulates the exact studies so often that the
// closed form's power has an MCSE of at most 0.5 points, and wants power within 3
// MCSE of it. A right program fails one estimate with a probability of 0.27% for a
// new seed, so the seed is fixed; the sum of squares over one estimate of each study
// must be one that a right program exceeds with a probability of 0.1%. With -short
// the MCSE is 3 points.
func TestClosedFormsAreTheSimulatedPower(t *testing.T) {
	mcse := 0.005
	if testing.Short() {
		mcse = 0.03
	}
	squares, checked := 0.0, 0
	for i, d := range exactStudies() {
		t.Run(d.name, func(t *testing.T) {
			if z := d.check(t, 20260101+uint64(i), mcse); !math.IsNaN(z) {
				squares += z * z
				checked++
			}
		})
	}
	if limit := (distuv.ChiSquared{K: float64(checked)}).Quantile(0.999); checked > 0 && squares > limit {
		t.Errorf("the squared distances add up to %.1f; a right program exceeds %.1f once in 1,000", squares, limit)
	}
}

// check simulates a study and returns the distance of its first estimate's power
// from the closed form, in MCSE.
func (d gridStudy) check(t *testing.T, seed uint64, mcse float64) float64 {
	first := math.NaN()
	rows, err := d.Rows()
	if err != nil {
		t.Fatal(err)
	}
	replicates := 0
	forms := make([]*ClosedForm, len(rows))
	for r, row := range rows {
		var why string
		if forms[r], why = d.ClosedForm(row); forms[r] == nil {
			t.Fatalf("%s has no closed form: %s", row.Estimator, why)
		}
		if form := forms[r]; form.Design.Name != d.want[row.Estimator] || len(form.Approximate) > 0 {
			t.Errorf("%s: %s, approximate in %v", row.Estimator, form.Design.Name, form.Approximate)
		}
		p := forms[r].Power
		replicates = max(replicates, int(math.Ceil(p*(1-p)/(mcse*mcse))))
	}
	rejections := d.rejected(t, seed, replicates)
	for r, row := range rows {
		summary := SummaryRow{Measures: Measures{N: replicates, Power: float64(rejections[r]) / float64(replicates)}}
		summary.holdAgainst(forms[r].Power)
		if math.Abs(summary.AnalyticZ) > 3 {
			t.Errorf("%s: power %.4f, by the closed form %.4f: %.2f MCSE apart", row.Estimator, summary.Power, forms[r].Power, summary.AnalyticZ)
		}
		t.Logf("%-5s simulated %.4f, closed form %.4f, z %5.2f", row.Estimator, summary.Power, forms[r].Power, summary.AnalyticZ)
		if r == 0 {
			first = summary.AnalyticZ
		}
	}
	return first
}
