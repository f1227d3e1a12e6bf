package estimators_test

import (
	"path/filepath"
	"strings"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
)

// Effects between percentiles agree with R, on all rows and on some, and after selection.
func TestIQRAgainstR(t *testing.T) {
	runs := &estimators.LassoRuns{}
	runs.SetDefaults()
	runs.From, runs.To, runs.Lambdas = 1, 1e-3, 40
	ols := func(formula, where string, report, iqr []string) estimators.OLS {
		return estimators.OLS{Formula: formula, Where: where, Cluster: "school", SE: cr1, Report: report, IQR: iqr}
	}
	panel, err := estimators.Bind([]estimators.Named{
		{Name: "ols", Method: ols("class ~ experience + es_s1_c1 + female + rural", "", []string{"experience", "female", "es_s1_c1"}, []string{"es_s1_c1", "experience"})},
		{Name: "some", Method: ols("class ~ experience + es_s1_c1", "experience > 5", []string{"experience"}, []string{"experience"})},
		{Name: "sds", Method: ols("std(class) ~ std(experience) + std(es_s1_c1)", "", []string{"std(experience)", "std(es_s1_c1)"}, []string{"std(experience)", "std(es_s1_c1)"})},
		{Name: "lasso", Method: estimators.Prediction{Formula: predictionFormula, Model: estimators.LASSO, Runs: 25, TestShare: 0.2, Keep: 18, Lasso: runs}},
		{Name: "post", Method: estimators.PostSelection{Selections: []string{"lasso"}, Cluster: "school", Standardise: true, IQR: []string{"es_s1_c1", "es_s3_c2", "co_s1_c1", "experience", "female", "rural", "founded", "coaching"}}},
	}, predictionDesign.Shape(), nil)
	if err != nil {
		t.Fatal(err)
	}
	d := predictionDesign.Draw(5)
	panel.Use(dgp.Stream{Seed: 9847})
	got := panel.Fit(d)
	want := map[string]map[string]string{}
	for _, line := range readCSV(t, filepath.Join("testdata", "prediction", "iqr.csv")) {
		want[line["estimator"]+" "+line["term"]] = line
	}
	compared := 0
	for i, row := range panel.Rows() {
		if !strings.HasPrefix(row.Term, "iqr") {
			continue
		}
		w, ok := want[row.Estimator+" "+row.Term]
		if !ok {
			if row.Estimator != "post" || got[i].Status != estimators.NotSelected {
				t.Errorf("%s %s: %+v, which R does not have", row.Estimator, row.Term, got[i])
			}
			continue
		}
		compared++
		value, se := parse(t, w["estimate"]), parse(t, w["se"])
		if !near(got[i].Value, value, 1e-10) || !near(got[i].SE, se, 1e-10) {
			t.Errorf("%s %s: %v (%v), in R %v (%v)", row.Estimator, row.Term, got[i].Value, got[i].SE, value, se)
		}
	}
	if compared != len(want) || compared < 10 {
		t.Errorf("compared %d of %d effects", compared, len(want))
	}
	if n := testing.AllocsPerRun(3, func() { panel.Fit(d) }); n != 0 {
		t.Errorf("a fit allocates %.1f times", n)
	}
}

// A term whose quartiles are one value has no effect between them, and what is no column
// of its own has none.
func TestIQRFaults(t *testing.T) {
	shape := predictionDesign.Shape()
	bind := func(o estimators.OLS) (*estimators.Panel, error) {
		o.Cluster, o.SE = "school", cr1
		return estimators.Bind([]estimators.Named{{Name: "fit", Method: o}}, shape, nil)
	}
	panel, err := bind(estimators.OLS{Formula: "class ~ experience + female", Where: "female == 0 & rural == 0", Report: []string{"experience"}, IQR: []string{"experience"}})
	if err != nil {
		t.Fatal(err)
	}
	d := predictionDesign.Draw(5)
	column := d.Columns[shape.Index("experience")]
	for i := range column { // nine in ten alike
		if column[i] = 2; i%10 == 0 {
			column[i] = 7
		}
	}
	for i, e := range panel.Fit(d) {
		if want := i > 0; (e.Status == estimators.NoVariation) != want {
			t.Errorf("%s: %+v", panel.Rows()[i].Term, e)
		}
	}
	for want, o := range map[string]estimators.OLS{
		`iqr[0]: "female" is not among the reported terms`: {Formula: "class ~ experience + female", Report: []string{"experience"}, IQR: []string{"female"}},
		`iqr[0]: "age" is not a term of the formula`:       {Formula: "class ~ experience + female", Report: []string{"experience"}, IQR: []string{"age"}},
		`iqr[1]: "experience" stands here twice`:           {Formula: "class ~ experience + female", Report: []string{"experience"}, IQR: []string{"experience", "experience"}},
		`iqr[0]: "experience:female" is a product`:         {Formula: "class ~ experience + experience:female", Report: []string{"experience:female"}, IQR: []string{"experience:female"}},
		`iqr[0]: "experience" is in experience^2 too`:      {Formula: "class ~ experience + experience^2", Report: []string{"experience"}, IQR: []string{"experience"}},
		`iqr: percentiles are of rows without weights`:     {Formula: "class ~ experience", Weights: "founded", Report: []string{"experience"}, IQR: []string{"experience"}},
	} {
		if _, err := bind(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", o, err, want)
		}
	}
	for _, m := range []estimators.Method{
		estimators.WildBootstrap{OLS: estimators.OLS{Formula: "class ~ coaching", Cluster: "school", SE: cr1, Report: []string{"coaching"}, IQR: []string{"coaching"}}, Draws: 99},
	} {
		if _, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: m}}, shape, nil); err == nil || !strings.Contains(err.Error(), "iqr: kind: ols reports them") {
			t.Errorf("%T: %v", m, err)
		}
	}
}
