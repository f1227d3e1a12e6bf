package estimators_test

import (
	"math"
	"strconv"
	"testing"

	"coachsim/estimators"
)

// Variance components and the correlations of random effects are those of lme4's
// VarCorr, up to what its optimiser, polished, leaves.
func TestVarianceComponentsAgainstR(t *testing.T) {
	type fit struct{ data, formula, method string }
	want := map[fit][]map[string]string{}
	var order []fit
	for _, row := range readMixed(t, "components") {
		of := fit{row["data"], row["formula"], row["method"]}
		if want[of] == nil {
			order = append(order, of)
		}
		want[of] = append(want[of], row)
	}
	if len(order) < 40 {
		t.Fatalf("only %d fits", len(order))
	}
	worst := 0.0
	for _, of := range order {
		shape, d := mixedData(t, readMixed(t, of.data))
		shape.Columns[shape.Index("ses")].Center = 0.7 // which the model does not notice
		m := estimators.Mixed{Formula: of.formula, Report: []string{"coaching"}}
		if err := m.Likelihood.UnmarshalText([]byte(of.method)); err != nil {
			t.Fatal(err)
		}
		panel, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: m}}, shape, nil)
		if err != nil {
			t.Fatal(err)
		}
		if none := panel.VarianceComponents(); none != nil {
			t.Fatalf("before a fit: %v", none)
		}
		panel.Fit(d)
		got := panel.VarianceComponents()
		find := func(level, term, with string) (estimators.VarianceComponent, bool) {
			for _, c := range got {
				if c.Level == level && c.Term == term && c.With == with {
					return c, true
				}
			}
			return estimators.VarianceComponent{}, false
		}
		total, icc, variances := 0.0, 0.0, 0
		for _, row := range want[of] {
			variance, _ := strconv.ParseFloat(row["variance"], 64)
			level := row["group"]
			if level == "Residual" {
				level = "residual"
			}
			if row["with"] != "" { // a covariance
				c, ok := find(level, row["with"], row["term"])
				r, err := strconv.ParseFloat(row["sdcor"], 64)
				if !ok || err == nil && !(math.Abs(c.Correlation-r) < 1e-4) {
					t.Errorf("%v: the correlation of %s and %s is %v, in R %v", of, row["term"], row["with"], c.Correlation, row["sdcor"])
				}
				continue
			}
			c, ok := find(level, row["term"], "")
			if !ok {
				c, ok = find(level, row["term"], "(Intercept)")
			}
			total, icc, variances = total+variance, icc+c.ICC, variances+1
			off := math.Abs(c.Variance - variance)
			if variance > 0 {
				off /= variance
			}
			worst = max(worst, off)
			if !ok || !(off < 1e-5) || c.Outcome == "" {
				t.Errorf("%v: %s %s is %+v, in R %v", of, level, row["term"], c, variance)
			}
		}
		if len(got) != variances {
			t.Errorf("%v: %d components, in R %d", of, len(got), variances)
		}
		if !math.IsNaN(icc) && !(math.Abs(icc-1) < 1e-12) {
			t.Errorf("%v: shares add up to %v", of, icc)
		}
	}
	t.Logf("relative difference at most %.1e", worst)
}

// A fit that failed leaves no components, and finding them allocates nothing in it.
func TestNoVarianceComponents(t *testing.T) {
	shape, d := mixedData(t, readMixed(t, "balanced"))
	score := shape.Index("score")
	panel, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: estimators.Mixed{Formula: "c(score, reading) ~ coaching + (1 | school)", Report: []string{"coaching"}}}}, shape, nil)
	if err != nil {
		t.Fatal(err)
	}
	panel.Fit(d)
	if n := len(panel.VarianceComponents()); n != 4 {
		t.Errorf("%d components", n)
	}
	for i := range d.Columns[score] {
		d.Columns[score][i] = 1
	}
	panel.Fit(d)
	got := panel.VarianceComponents()
	if len(got) != 2 || got[0].Outcome != "reading" {
		t.Errorf("%+v", got)
	}
	if n := testing.AllocsPerRun(5, func() { panel.Fit(d) }); n > 0 {
		t.Errorf("a fit allocates %g times", n)
	}
}
