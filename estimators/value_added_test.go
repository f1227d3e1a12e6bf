package estimators_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/estimators/estimatortest"
)

// Both steps agree with R. With UPDATE_VALUE_ADDED set, the test writes the data.
func TestValueAddedAgainstR(t *testing.T) {
	design := estimatortest.Small
	shape, d := design.Shape(), design.Draw(9)
	if os.Getenv("UPDATE_VALUE_ADDED") != "" {
		names := []string{"score", "ses", "age", "class", "experience"}
		writeCSV(t, filepath.Join("testdata", "value-added-data.csv"), append(names, "teacher", "school"), d.Children(), func(i int) []float64 {
			var row []float64
			teacher := d.Ancestor(dgp.ChildLevel, i, dgp.TeacherLevel)
			for _, name := range names[:3] {
				row = append(row, d.Columns[shape.Index(name)][i])
			}
			return append(row, d.Columns[shape.Index("class")][teacher], d.Columns[shape.Index("experience")][teacher], float64(teacher), float64(d.TeacherSchool[teacher]))
		})
		return
	}
	panel, err := estimators.Bind([]estimators.Named{
		{Name: "va", Method: estimators.ValueAdded{Formula: "score ~ ses + age", Of: "teacher", Cluster: "school", SE: cr1, With: []string{"class"}, Truth: "experience"}},
		{Name: "second", Method: estimators.OLS{Formula: "value_added(score, ses, age, by = teacher) ~ class", SE: hc1, Report: []string{"class"}}},
	}, shape, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := panel.Fit(d)
	want := readCSV(t, filepath.Join("testdata", "value-added.csv"))
	for i, row := range panel.Rows() {
		value, se := parse(t, want[i]["estimate"]), parse(t, want[i]["se"])
		if row.Estimator == "second" != (want[i]["term"] == "second step") || row.Estimator == "va" && row.Term != want[i]["term"] {
			t.Fatalf("%s beside R's %s", row.Term, want[i]["term"])
		}
		// R counts the dummies among the coefficients, as CR1 of absorbed effects does.
		if !near(got[i].Value, value, 1e-10*(1+math.Abs(value))) || !math.IsNaN(se) && !near(got[i].SE, se, 1e-9*se) {
			t.Errorf("%s: %v (%v), in R %v (%v)", row.Term, got[i].Value, got[i].SE, value, se)
		}
	}
}

func TestValueAddedFaults(t *testing.T) {
	shape := estimatortest.Small.Shape()
	for _, c := range []struct {
		method estimators.Method
		want   string
	}{
		{estimators.ValueAdded{Formula: "score ~ ses", Of: "track"}, `of: "track" is no level of the data; the levels are block, school and teacher`},
		{estimators.ValueAdded{Formula: "score ~ ses:age", Of: "teacher"}, "write I(...) for ses:age"},
		{estimators.ValueAdded{Formula: "class ~ experience", Of: "teacher"}, "has no effects of teacher"},
		{estimators.ValueAdded{Formula: "score ~ ses", Of: "teacher", With: []string{"ses"}}, `with[0]: "ses" is a child column; value added is of teacher`},
		{estimators.ValueAdded{Formula: "score ~ ses", Of: "teacher", Truth: "rural"}, `truth: "rural" is a school column; value added is of teacher`},
		{estimators.OLS{Formula: "value_added(score, ses) ~ class", SE: hc1, Report: []string{"class"}}, "write value_added(..., by = teacher)"},
		{estimators.OLS{Formula: "value_added(score, by = teacher) ~ class", SE: hc1, Report: []string{"class"}}, "value_added needs two columns or more"},
	} {
		_, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: c.method}}, shape, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.method, err, c.want)
		}
	}
}
