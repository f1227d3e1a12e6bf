package estimators_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/estimators/estimatortest"
)

// What has no finite value is named: every estimate of a fit with it is
// not-finite, on either side of the formula, whatever the standard error.
func TestNotFinite(t *testing.T) {
	shape := estimatortest.Small.Shape()
	for _, c := range []struct{ column, formula string }{
		{"score", "log(I(score^2)) ~ coaching + ses"},
		{"ses", "score ~ coaching + log(I(ses^2))"},
		{"ses", "score ~ coaching + I(1/ses) + girl"},
		{"ses", "score ~ coaching + sqrt(ses - 9)"},
		{"ses", "score ~ coaching + exp(1/ses) | block"},
		{"rural", "mean(score, school) ~ coaching + log(founded * rural + founded * (rural - 1))"},
		{"founded", "score ~ coaching + log(founded)"},
	} {
		for _, se := range []estimators.SE{classical, hc1, hc2, cr1, cr2} {
			d := estimatortest.Small.Draw(5)
			d.Columns[shape.Index(c.column)][0] = 0
			o := estimators.OLS{Formula: c.formula, SE: se, Report: []string{"coaching"}}
			if se == cr1 || se == cr2 {
				o.Cluster = "school"
			}
			if _, e := fitOne(t, o, d, shape); e[0].Status != estimators.NotFinite {
				t.Errorf("%s, %s: %s", c.formula, se, e[0].Status)
			}
		}
	}
}

// A value that is not finite is no fault of rows that are left out.
func TestNotFiniteElsewhere(t *testing.T) {
	shape := estimatortest.Small.Shape()
	d := estimatortest.Small.Draw(5)
	for _, formula := range []string{"log(ses) ~ coaching + girl", "score ~ coaching + log(ses)", "score ~ coaching + girl:sqrt(ses) | block"} {
		for _, se := range []estimators.SE{hc1, cr2} {
			o := estimators.OLS{Formula: formula, Where: "ses > 0", SE: se, Report: []string{"coaching"}}
			if se == cr2 {
				o.Cluster = "school"
			}
			rows, got := fitOne(t, o, d, shape)
			without := estimatortest.Without(d, shape, dgp.ChildLevel, func(i int) bool { return !(d.Columns[shape.Index("ses")][i] > 0) })
			o.Where = ""
			_, want := fitOne(t, o, without, shape)
			if err := estimatortest.Compare(rows, got, want, 1e-10); err != nil || !got[0].Status.Worked() {
				t.Errorf("%s: %v (%s)", formula, err, got[0].Status)
			}
		}
	}
}

// An index with a constant component, or with one that is a combination of the
// others, has no value; neither has one without a control group.
func TestIndexCorners(t *testing.T) {
	shape := estimatortest.Small.Shape()
	at := shape.Index
	for name, spoil := range map[string]func(d *dgp.Data){
		"constant": func(d *dgp.Data) {
			for i := range d.Columns[at("reading")] {
				d.Columns[at("reading")][i] = 0.1
			}
		},
		"missing": func(d *dgp.Data) { d.Columns[at("reading")][3] = math.NaN() },
		"no controls": func(d *dgp.Data) {
			for i := range d.Columns[at("coaching")] {
				d.Columns[at("coaching")][i] = 1
			}
		},
	} {
		for _, index := range []string{"klk(score, reading)", "anderson(score, reading)"} {
			d := estimatortest.Small.Draw(1)
			spoil(d)
			_, e := fitOne(t, estimators.OLS{Formula: index + " ~ ses", Report: []string{"ses"}}, d, shape)
			if e[0].Status != estimators.NotFinite {
				t.Errorf("%s, %s: %s", index, name, e[0].Status)
			}
		}
	}
	_, e := fitOne(t, estimators.OLS{Formula: "anderson(score, reading, score - 2 * reading) ~ ses", Report: []string{"ses"}}, estimatortest.Small.Draw(1), shape)
	if e[0].Status != estimators.NotFinite {
		t.Errorf("collinear components: %s", e[0].Status)
	}
}

// A school without children has no mean and is no row; the others are as they
// were.
func TestMeanOfNothing(t *testing.T) {
	shape := estimatortest.Small.Shape()
	d := estimatortest.Small.Draw(4)
	last := d.TeacherStart[1] // the first school's teachers come first
	empty := estimatortest.Without(d, shape, dgp.ChildLevel, func(i int) bool { return i < d.ChildStart[last] })
	gone := estimatortest.Without(d, shape, dgp.SchoolLevel, func(s int) bool { return s == 0 })
	for _, formula := range []string{"mean(score, school) ~ coaching + mean(ses, school) | block", "attendance ~ coaching + log(3 + mean(ses, school))"} {
		for _, se := range []estimators.SE{hc1, hc2} {
			o := estimators.OLS{Formula: formula, SE: se, Report: []string{"coaching"}}
			rows, got := fitOne(t, o, empty, shape)
			_, want := fitOne(t, o, gone, shape)
			if err := estimatortest.Compare(rows, got, want, 1e-10); err != nil || !got[0].Status.Worked() {
				t.Errorf("%s: %v (%s)", formula, err, got[0].Status)
			}
		}
	}
}

// Faults of functions are found when a method is bound, at their place.
func TestFunctionFaults(t *testing.T) {
	shape := estimatortest.Small.Shape()
	for _, c := range []struct {
		formula, want string
		offset        int
	}{
		{"score ~ log(agee)", `there is no column "agee"; did you mean "age"?`, 12},
		{"score ~ coaching + I(age + 2*readin)", `there is no column "readin"; did you mean "reading"?`, 29},
		{"score ~ mean(ses, scool)", `"scool" is no level of the data and no factor; did you mean "school"?`, 18},
		{"score ~ mean(rural, school)", "rural varies between units of level school; there is nothing to average within school", 20},
		{"score ~ mean(rural, teacher)", "rural varies between units of level school; there is nothing to average within teacher", 20},
		{"score ~ n(child)", "rows varies between units of level child; there is nothing to average within child", 10},
		{"score ~ mean(3, school)", "expected a column, as in mean(x, level); this is a number", 13},
		{"score ~ std(3)", "expected a column, as in std(y); this is a number", 12},
		{"score ~ factor(age)", "the levels of age are not known before data are drawn: make 0/1 columns of it such as above(age, 50), or use a level of the data such as factor(block)", 15},
		{"score ~ factor(cohrt)", `there is no column "cohrt"; did you mean "cohort"?`, 15},
		{"score ~ log(factor(cohort))", "factor(cohort) stands for several columns, and cannot be an argument of log", 12},
		{"factor(cohort) ~ ses", "factor(cohort) stands for several columns, and can only be a term by itself or in an interaction", 0},
		{"score ~ factor(child)", "factor(child) stands for more than 500 columns; absorb its effects after a bar, as in | child", 8},
		{"attendance ~ mean(ses, teacher)", `"mean(ses, teacher)" is a teacher column; the rows are of level school`, 13},
		{"attendance ~ coaching + ses", `"ses" is a child column; the rows are of level school, which have mean(ses, school)`, 24},
		{"attendance ~ log(ses + 5)", `"log(ses + 5)" is a child column; the rows are of level school`, 13},
		{"klk(score, reading, by = coachin) ~ ses", `there is no column "coachin"; did you mean "coaching"?`, 32},
		{"klk(attendance, rural, by = ses) ~ ses", "the column ses varies within the units of klk(attendance, rural, by = ses), which are of level school", 31},
	} {
		_, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: estimators.OLS{Formula: c.formula, Report: []string{"ses"}}}}, largeShape(shape), nil)
		var key *estimators.KeyError
		if !errors.As(err, &key) || key.Key != "formula" {
			t.Errorf("%s: error %v", c.formula, err)
			continue
		}
		var syntax *estimators.SyntaxError
		if !errors.As(key.Err, &syntax) || syntax.Message != c.want || key.Offset != c.offset {
			t.Errorf("%s: at %d, %v; want at %d, %s", c.formula, key.Offset, key.Err, c.offset, c.want)
		}
	}
	plain := shape
	plain.Columns = nil
	for _, c := range shape.Columns {
		c.Arm = false
		plain.Columns = append(plain.Columns, c)
	}
	_, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: estimators.OLS{Formula: "klk(score, reading) ~ ses", Report: []string{"ses"}}}}, plain, nil)
	if err == nil || !strings.Contains(err.Error(), "write klk(..., by = treated), where treated is 0 there") {
		t.Errorf("an index without arms: error %v", err)
	}
}

// largeShape has more children than a factor may have levels.
func largeShape(s dgp.Shape) dgp.Shape {
	s.Max[dgp.ChildLevel] = max(s.Max[dgp.ChildLevel], 1000)
	return s
}

// Faults of Lin's method.
func TestLinFaults(t *testing.T) {
	shape := estimatortest.Small.Shape()
	for _, c := range []struct {
		method estimators.Lin
		want   string
	}{
		{estimators.Lin{Formula: "score ~ ses"}, "treatment: no term of the formula is an arm of the trial; say which are, as in treatment: [coaching]"},
		{estimators.Lin{Formula: "score ~ coaching + ses", Treatment: []string{"coach"}}, `treatment[0]: "coach" is not a term of the formula; did you mean "coaching"?; its terms are coaching, ses`},
		{estimators.Lin{Formula: "score ~ coaching*ses"}, "formula: at character 9: the arm coaching stands in coaching:ses too; interactions with the covariates are added by this method"},
		{estimators.Lin{Formula: "score ~ coaching - 1"}, "formula: at character 21: this method needs the intercept, the mean of the control group"},
		{estimators.Lin{Formula: "score ~ coaching + (1 | school)"}, "formula: at character 25: this method has no random intercepts; kind: mixed fits them"},
		{estimators.Lin{Formula: "score ~ 1 | coaching ~ ses"}, "formula: at character 13: this method has no instruments; kind: iv fits endogenous ~ instruments"},
		{estimators.Lin{Formula: "score ~ coaching + ses", SE: cr2}, "cluster: CR2 needs clusters, such as cluster: school"},
	} {
		_, err := estimators.Bind([]estimators.Named{{Name: "lin", Method: c.method}}, shape, nil)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: error %v, want %s", c.method.Formula, err, c.want)
		}
	}
}

// A block without treated schools leaves the effect there, and so the average,
// unknown. A block without schools does not.
func TestLinWithoutOverlap(t *testing.T) {
	shape := estimatortest.Small.Shape()
	o := estimators.Lin{Formula: "score ~ coaching + ses | block", Cluster: "school", SE: hc2}
	d := estimatortest.Small.Draw(2)
	arm := d.Columns[shape.Index("coaching")]
	for s, block := range d.SchoolBlock {
		if block == 1 {
			arm[s] = 0
		}
	}
	if _, e := fitOne(t, o, d, shape); e[0].Status != estimators.Collinear {
		t.Errorf("a block of controls: %+v", e[0])
	}
	empty := estimatortest.Without(estimatortest.Small.Draw(2), shape, dgp.SchoolLevel, func(s int) bool { return d.SchoolBlock[s] == 1 })
	empty.N[dgp.BlockLevel] = 3 // and none in the second
	_, e := fitOne(t, o, empty, shape)
	if e[0].Status != estimators.Reduced {
		t.Errorf("a block without schools: %+v", e[0])
	}
	o.Formula = "score ~ coaching + ses + boy + girl | block"
	rows, got := fitOne(t, o, estimatortest.Small.Draw(2), shape)
	o.Formula = "score ~ coaching + ses + boy | block"
	_, want := fitOne(t, o, estimatortest.Small.Draw(2), shape)
	got[0].Status = want[0].Status
	if err := estimatortest.Compare(rows, got, want, 1e-10); err != nil {
		t.Errorf("with a covariate twice: %v", err)
	}
}
