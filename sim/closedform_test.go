package sim

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/sim/analytic"
)

// plainTrial is a trial with one test, classes of one size and no blocks.
func plainTrial() dgp.Trial {
	t := dgp.DefaultTrial()
	t.Design.Blocks, t.Design.Schools, t.Design.Teachers, t.Design.Tested = 1, 20, 1, 100
	t.Design.Children = dgp.ClassSize{Mean: 10, Min: 1}
	t.Design.Assignment = dgp.Blocked{Share: 0.5}
	t.Quality = dgp.Quality{Domains: []string{"support"}, SD: []float64{1}, Correlation: dgp.Matrix{{1}}}
	t.Observation = dgp.Observation{
		Segments: 1, Coders: 1, Total: "class", SegmentSD: []float64{1}, CoderSD: []float64{1}, ErrorCorrelation: dgp.Matrix{{1}},
		Scale: dgp.RatingScale{Mean: []float64{4}, Points: []float64{1}, Min: 1, Max: 7},
	}
	t.Achievement = dgp.Achievement{
		Tests: []string{"reading"}, Total: "achievement", Scale: 1, Residual: dgp.Matrix{{0.75}}, SchoolSD: 0.5,
		Effect: dgp.TestEffect{Mean: []float64{0.5}},
	}
	return t
}

// gridDesign is one design of the grid.
type gridDesign struct {
	name                             string
	blocks, schools, teachers        int
	children                         float64
	share                            float64
	iccSchool, iccTeacher, block, es float64
	child, school                    bool // covariates
	wantDesign                       string
}

// grid lists designs in which the closed forms are exact.
func grid() []gridDesign {
	var all []gridDesign
	add := func(d gridDesign) {
		d.name = fmt.Sprintf("%s-b%d-s%d-t%d-n%g-p%g-icc%g", d.wantDesign, d.blocks, d.schools, d.teachers, d.children, d.share, d.iccSchool)
		if d.child {
			d.name += "-child"
		}
		if d.school {
			d.name += "-school"
		}
		all = append(all, d)
	}
	for _, covariates := range [][2]bool{{false, false}, {true, false}, {false, true}, {true, true}} {
		child, school := covariates[0], covariates[1]
		add(gridDesign{blocks: 1, schools: 12, teachers: 1, children: 12, share: 0.5, iccSchool: 0.4, es: 0.9, child: child, school: school, wantDesign: "cra2"})
		add(gridDesign{blocks: 1, schools: 24, teachers: 1, children: 10, share: 0.5, iccSchool: 0.3, es: 0.6, child: child, school: school, wantDesign: "cra2"})
		add(gridDesign{blocks: 1, schools: 40, teachers: 1, children: 12, share: 0.25, iccSchool: 0.2, es: 0.5, child: child, school: school, wantDesign: "cra2"})
		add(gridDesign{blocks: 4, schools: 6, teachers: 1, children: 10, share: 0.5, iccSchool: 0.3, block: 0.4, es: 0.6, child: child, school: school, wantDesign: "bcra3c2"})
		add(gridDesign{blocks: 8, schools: 4, teachers: 1, children: 12, share: 0.5, iccSchool: 0.25, block: 0.3, es: 0.45, child: child, school: school, wantDesign: "bcra3c2"})
		add(gridDesign{blocks: 1, schools: 16, teachers: 4, children: 4, share: 0.5, iccSchool: 0.4, iccTeacher: 0.1, es: 0.8, child: child, school: school, wantDesign: "cra3"})
		add(gridDesign{blocks: 3, schools: 6, teachers: 4, children: 4, share: 0.5, iccSchool: 0.4, iccTeacher: 0.1, block: 0.3, es: 0.7, child: child, school: school, wantDesign: "bcra4c3"})
	}
	return all
}

// study makes the study of a grid's design: a mixed model, and without
// covariates of schools and with equal arms least squares with CR2 too.
func (d gridDesign) study() Study {
	t := plainTrial()
	t.Design.Blocks, t.Design.Schools, t.Design.Teachers = d.blocks, d.schools, d.teachers
	t.Design.Children.Mean = d.children
	t.Design.Assignment = dgp.Blocked{Share: d.share}
	a := &t.Achievement
	a.SchoolSD, a.TeacherSD, a.BlockSD = math.Sqrt(d.iccSchool), math.Sqrt(d.iccTeacher), d.block
	a.Residual = dgp.Matrix{{1 - d.iccSchool - d.iccTeacher}}
	a.Effect.Mean = []float64{d.es}
	terms := "reading ~ coaching"
	if d.child {
		t.Covariates = append(t.Covariates, dgp.Covariate{Name: "pretest", Level: dgp.ChildLevel, Law: dgp.Normal{Mean: 100, SD: 15}, Slope: 0.04})
		terms += " + pretest"
	}
	if d.school {
		t.Covariates = append(t.Covariates, dgp.Covariate{Name: "wealth", Level: dgp.SchoolLevel, Law: dgp.Normal{SD: 2}, Achievement: 1})
		a.CovariateSD = 0.5
		terms += " + wealth"
	}
	random, absorb := "school", ""
	if d.teachers > 1 {
		random = "school/teacher"
	}
	if d.blocks > 1 {
		absorb = " | block"
	}
	s := Study{Aim: "x", Seed: 15021, Replicates: 1, Alpha: 0.05, Trial: t, Estimators: []Estimator{
		{Name: "mixed", Method: estimators.Mixed{Formula: terms + " + (1 | " + random + ")" + absorb, DF: estimators.KenwardRoger, Report: []string{"coaching"}}},
	}}
	if !d.school && d.share == 0.5 {
		s.Estimators = append(s.Estimators, Estimator{Name: "CR2", Method: estimators.OLS{
			Formula: terms + absorb, Cluster: "school", SE: estimators.CR2, Report: []string{"coaching"},
		}})
	}
	return s
}

// TestClosedFormInputs works the inputs of one design out by hand.
func TestClosedFormInputs(t *testing.T) {
	d := gridDesign{blocks: 4, schools: 6, teachers: 1, children: 10, share: 0.5, iccSchool: 0.3, block: 0.4, es: 0.6, child: true, school: true}
	s := d.study()
	rows, err := s.Rows()
	if err != nil {
		t.Fatal(err)
	}
	form, why := s.ClosedForm(rows[0])
	if form == nil {
		t.Fatal(why)
	}
	// Variances: block .16, school .3 + .25 of the covariate, child .7 + (.04 × 15)².
	total := .16 + .3 + .25 + .7 + .36
	for key, want := range map[analytic.Key]float64{
		analytic.Rho3: .16 / total, analytic.Rho2: .55 / total, analytic.R22: .25 / .55, analytic.R21: .36 / 1.06, analytic.G2: 1,
		analytic.N: 10, analytic.J: 6, analytic.K: 4, analytic.P: .5, analytic.ES: .6 / math.Sqrt(total), analytic.CV: 0,
	} {
		if got := form.Values[key]; math.Abs(got-want) > 1e-12 {
			t.Errorf("%s = %g, want %g", key, got, want)
		}
	}
	if want := 4*5 - 1 - 1.; form.Test.DF != want {
		t.Errorf("df %g, want %g", form.Test.DF, want)
	}
}

// TestNoClosedForm: what the formulas do not cover has none, and they say why.
func TestNoClosedForm(t *testing.T) {
	plain := gridDesign{blocks: 4, schools: 6, teachers: 2, children: 10, share: 0.5, iccSchool: 0.3, block: 0.4, es: 0.6, child: true}
	ols := func(formula string) estimators.OLS {
		return estimators.OLS{Formula: formula, Cluster: "school", SE: estimators.CR2, Report: []string{"coaching"}}
	}
	mixed := func(formula string) estimators.Mixed {
		return estimators.Mixed{Formula: formula, Report: []string{"coaching"}}
	}
	for _, c := range []struct {
		why    string // part of the reason
		method estimators.Method
		change func(*dgp.Trial)
	}{
		{"", ols("reading ~ coaching | block"), nil},
		{"", ols("achievement ~ coaching | block"), nil},
		{"", mixed("std(reading) ~ coaching + (1 | school/teacher) | block"), nil},
		{"kind of estimator", estimators.WildBootstrap{OLS: estimators.OLS{Formula: "reading ~ coaching | block", Cluster: "school", SE: estimators.CR1, Report: []string{"coaching"}}, Draws: 99}, nil},
		{"its outcome is a function of columns, below(reading, 20)", ols("below(reading, 20) ~ coaching | block"), nil},
		{"", estimators.OLS{Formula: "class ~ coaching | block", Cluster: "school", SE: estimators.CR2, Report: []string{"coaching"}}, nil},
		{"rows are no teachers", estimators.OLS{Formula: "class ~ coaching | block", Rows: "child", Cluster: "school", SE: estimators.CR2, Report: []string{"coaching"}}, nil},
		{"some of the rows", estimators.OLS{Formula: "reading ~ coaching | block", Cluster: "school", SE: estimators.CR2, Where: "pretest > 90", Report: []string{"coaching"}}, nil},
		{"does not allow for schools", estimators.OLS{Formula: "reading ~ coaching | block", SE: estimators.HC1, Report: []string{"coaching"}}, nil},
		{"clusters are not the schools", estimators.OLS{Formula: "reading ~ coaching | block", Cluster: "teacher", SE: estimators.CR1, Report: []string{"coaching"}}, nil},
		{"leaves the blocks out", ols("reading ~ coaching"), nil},
		{"", ols("reading ~ coaching"), func(t *dgp.Trial) { t.Achievement.BlockSD = 0 }},
		{"not those of schools", mixed("reading ~ coaching + (1 | teacher) | block"), nil},
		{"random slopes", mixed("reading ~ coaching + (1 + pretest | school) | block"), nil},
		{"those of children", estimators.Mixed{Formula: "reading ~ coaching + (1 | school) | block", DF: estimators.ResidualDF, Report: []string{"coaching"}}, nil},
		{"maximum likelihood", estimators.Mixed{Formula: "reading ~ coaching + (1 | school) | block", Likelihood: estimators.ML, Report: []string{"coaching"}}, nil},
		{"drawn in another way", ols("reading ~ coaching | block"), func(t *dgp.Trial) { t.Design.Assignment = dgp.Simple{Share: 0.5} }},
		{"", ols("reading ~ coaching | block"), func(t *dgp.Trial) { t.Design.Assignment = dgp.Blocked{Share: 0.4} }},
		{"none of the schools of some blocks", ols("reading ~ coaching | block"), func(t *dgp.Trial) { t.Design.Assignment = dgp.Blocked{Share: 0.1} }},
		{"unequal shares", ols("reading ~ coaching | block"), func(t *dgp.Trial) { t.Design.Assignment = dgp.Complete{Share: 0.5} }},
		{"", ols("reading ~ coaching | block"), func(t *dgp.Trial) { t.Design.Assignment = dgp.Blocked{} }},
		{"does not allow for it", ols("reading ~ coaching | block"), func(t *dgp.Trial) { t.Achievement.Effect.BlockSD = 0.1 }},
		{"", ols("reading ~ coaching | block"), func(t *dgp.Trial) { t.Design.Assignment = dgp.Blocked{Unit: dgp.TeacherUnit} }},
		{"know nothing of achievement.arm_effects.coaching.by", ols("reading ~ coaching | block"), func(t *dgp.Trial) {
			own := t.Achievement.Effect
			own.By = map[string]float64{"pretest": 1}
			t.Achievement.Effect, t.Achievement.ArmEffects = dgp.TestEffect{}, map[string]dgp.ArmTestEffect{"coaching": {TestEffect: own}}
		}},
		{"", ols("reading ~ coaching | block"), func(t *dgp.Trial) { t.Design.Assignment = dgp.Blocked{Share: 1. / 3} }},
		{"know nothing of trial.attrition.loss.child.depends", ols("reading ~ coaching | block"), func(t *dgp.Trial) {
			t.Design.Attrition.Loss.Child = dgp.Loss{Rate: map[string]float64{"coaching": 0.1}, Depends: map[string]float64{"ability": 1}}
		}},
		{"", ols("reading ~ coaching | block"), func(t *dgp.Trial) {
			t.Design.Attrition.Loss.Child.Rate = map[string]float64{"coaching": 0.1}
		}},
		{"leaves the arm books out", ols("reading ~ coaching | block"), func(t *dgp.Trial) {
			t.Design.Arms, t.Design.Assignment = []string{"control", "coaching", "books"}, dgp.Blocked{}
		}},
		{"arms interact", ols("reading ~ coaching + books | block"), func(t *dgp.Trial) {
			t.Design.Arms, t.Design.Assignment = []string{"control", "coaching", "books", "coaching+books"}, dgp.Blocked{}
			t.Design.Schools = 8
			t.Achievement.ArmEffects = map[string]dgp.ArmTestEffect{"coaching+books": {TestEffect: dgp.TestEffect{Mean: []float64{0.3}}}}
		}},
		{"no estimate of a treatment effect", ols("reading ~ coaching * books | block"), func(t *dgp.Trial) {
			t.Design.Arms, t.Design.Assignment = []string{"control", "coaching", "books", "coaching+books"}, dgp.Blocked{}
			t.Design.Schools = 8
			t.Achievement.ArmEffects = map[string]dgp.ArmTestEffect{"coaching+books": {TestEffect: dgp.TestEffect{Mean: []float64{0.3}}}}
		}},
		{"without pretest itself", ols("reading ~ coaching + mean(pretest, school) | block"), nil},
		{"adds more variance than it takes away", ols("reading ~ coaching + base | block"), func(t *dgp.Trial) {
			t.Covariates = nil
			t.Achievement = dgp.Achievement{
				Tests: []string{"reading"}, Total: "achievement", Scale: 1, ICC: dgp.ICC{School: 0.1},
				Baseline: &dgp.Baseline{Name: "base", Reliability: 1, R2: dgp.R2{Child: 0.6}, ICC: dgp.ICC{School: 0.4}},
			}
		}},
		{"takes differences between schools for error", estimators.OLS{Formula: "reading ~ coaching", Cluster: "teacher", SE: estimators.CR2, Report: []string{"coaching"}}, func(t *dgp.Trial) {
			t.Design.Assignment = dgp.Blocked{Unit: dgp.TeacherUnit}
		}},
		{"no estimate of a treatment effect", ols("reading ~ coaching - 1"), func(t *dgp.Trial) { t.Design.Blocks = 1 }},
		{"class size moves", ols("reading ~ coaching | block"), func(t *dgp.Trial) {
			t.Achievement.CovariateSD, t.Design.Children.SD = 0.1, 3
			t.Covariates = append(t.Covariates, dgp.Covariate{Name: "size", Level: dgp.TeacherLevel, Law: dgp.ClassSizeLaw{}, Achievement: 1})
		}},
		{"curvature of books", ols("reading ~ coaching | block"), func(t *dgp.Trial) {
			t.Covariates = append(t.Covariates, dgp.Covariate{Name: "books", Level: dgp.ChildLevel, Law: dgp.Gamma{Mean: 1, SD: 1}, Curvature: 0.1})
		}},
	} {
		s := plain.study()
		s.Estimators = []Estimator{{Name: "e", Method: c.method}}
		if c.change != nil {
			c.change(&s.Trial)
		}
		rows, err := s.Rows()
		if err != nil {
			t.Errorf("%s: %v", c.why, err)
			continue
		}
		form, why := s.ClosedForm(rows[0])
		if (form != nil) != (c.why == "") || !strings.Contains(why, c.why) {
			t.Errorf("%+v: %q, want %q", c.method, why, c.why)
		}
	}
}

// TestAnalyticMDES: a trial whose effect is the minimum detectable one has the
// power asked for, in points and in SDs of the data set, to which the effect adds.
func TestAnalyticMDES(t *testing.T) {
	for _, points := range []bool{true, false} {
		d := gridDesign{blocks: 1, schools: 20, teachers: 1, children: 10, share: 0.5, iccSchool: 0.3, es: 0.3, school: true}
		s := d.study()
		s.Trial.Achievement.Points = points
		rows, err := s.Rows()
		if err != nil {
			t.Fatal(err)
		}
		form, why := s.ClosedForm(rows[0])
		if form == nil {
			t.Fatal(why)
		}
		effect := form.MDES
		if !points { // m = δ/√(1 + .25 + δ²/4), the test with its covariate having variance 1.25
			effect *= math.Sqrt(1.25 / (1 - form.MDES*form.MDES/4))
		}
		s.Trial.Achievement.Effect.Mean = []float64{effect}
		if form, _ = s.ClosedForm(rows[0]); math.Abs(form.Power-MDESPower) > 1e-6 {
			t.Errorf("points %t: power %.8f at the minimum detectable effect %g", points, form.Power, effect)
		}
	}
}

// TestHoldAgainst: the distance has the Monte Carlo error of the closed form's
// power, so that it exists where the simulated one is 0 or 1.
func TestHoldAgainst(t *testing.T) {
	r := SummaryRow{Measures: Measures{N: 400, Power: 1}, AnalyticZ: math.NaN()}
	r.holdAgainst(0.96)
	if want := 0.04 / math.Sqrt(0.96*0.04/400); math.Abs(r.AnalyticZ-want) > 1e-12 {
		t.Errorf("z = %g, want %g", r.AnalyticZ, want)
	}
}

// What has no form is told of every design of a sweep, not of the first alone, and where.
func TestFormlessOfAllDesigns(t *testing.T) {
	base := grid()[0].study()
	sweep := base
	for _, mobility := range []string{"none", "some"} {
		for _, schools := range []string{"12", "14"} {
			cell := base
			if mobility == "some" {
				cell.Design.Mobility = &dgp.Mobility{Rate: 0.1, Time: 0.5, AcrossSchools: true}
			}
			if schools == "14" {
				cell.Design.Schools = 14
			}
			if mobility == "none" && schools == "14" {
				cell.Alpha, cell.Estimators = 0.05, []Estimator{{Name: "mixed", Method: estimators.Randomisation{OLS: estimators.OLS{Formula: "reading ~ coaching", Report: []string{"coaching"}}, Draws: 99}}, base.Estimators[1]}
			}
			sweep.Cells = append(sweep.Cells, Cell{Factors: []Factor{{"trial.mobility", mobility}, {"trial.schools", schools}}, Study: cell})
		}
	}
	f, err := sweep.Formulas()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, note := range f.Formless() {
		got = append(got, note.Names()+": "+note.Why)
	}
	want := []string{
		"mixed: reading (in 1 of 4 designs): its kind of estimator has none",
		"mixed: reading, CR2: reading (where trial.mobility is some): children of several classes mix; the formulas know nothing of trial.mobility",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for cell := range sweep.Cells {
		row := SummaryRow{Cell: cell, Estimator: "CR2", Outcome: "reading", Term: "coaching"}
		if form := f.Form(&row); (form != nil) != (cell < 2) {
			t.Errorf("design %d: form %v", cell, form)
		} else if form != nil && !strings.Contains(form.Inputs(), "J="+sweep.Cells[cell].Factors[1].Value) {
			t.Errorf("design %d: %s", cell, form.Inputs())
		}
	}
}

// Given effects of blocks that are absorbed leave the form that random ones of the same
// variance leave; where they are not absorbed there is none.
func TestClosedFormOfGivenBlocks(t *testing.T) {
	power := func(formula string, change func(*dgp.Achievement)) (float64, string) {
		s := ofGrid("given", words(shape(5, 6, 2, 10), dgp.ICC{School: 0.15, Teacher: 0.05}, 0.6), ols("", formula, "school", estimators.CR2)).Study
		change(&s.Achievement)
		rows, err := s.Rows()
		must(t, err)
		form, why := s.ClosedForm(rows[0])
		if form == nil {
			return 0, why
		}
		return form.Power, ""
	}
	given := func(a *dgp.Achievement) { a.BlockEffects = []float64{0.6, 0.3, 0, -0.3, -0.6} } // of variance 0.18
	got, why := power("reading ~ coaching | block", given)
	want, _ := power("reading ~ coaching | block", func(a *dgp.Achievement) { a.ICC.Block = 0.18 })
	if math.Abs(got-want) > 1e-9 || want < 0.5 {
		t.Errorf("power %g, want %g (%s)", got, want, why)
	}
	if _, why := power("reading ~ coaching", given); !strings.Contains(why, "does not absorb them") {
		t.Errorf("without | block: %q", why)
	}
}
