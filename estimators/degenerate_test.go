package estimators_test

import (
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/estimators/estimatortest"
)

// Where a term is dropped, the coefficients on uncentred columns are those that
// R reports, with 0 for the dropped term, though the regression is run on
// centred columns: where it cannot give them, it says so.
func TestDroppedTermBesideCentred(t *testing.T) {
	design := estimatortest.Design{Blocks: 4, Schools: 6, Teachers: 2, Children: 5, Effect: 0.3, Shared: 0.5}
	shape, d := design.Shape(), design.Draw(1)
	for _, o := range []estimators.OLS{
		{Formula: "score ~ rural + urban*founded", SE: hc1, Report: []string{"rural", "founded", "urban:founded", "(Intercept)"}},
		{Formula: "score ~ rural + urban*founded | block", SE: hc1, Report: []string{"rural", "founded", "urban:founded"}},
		{Formula: "score ~ girl + boy + boy:age + age + coaching", Cluster: "school", SE: cr1, Report: []string{"girl", "coaching", "age"}},
		{Formula: "attendance ~ coaching + coaching^2*founded", SE: classical, Report: []string{"coaching", "coaching^2:founded"}},
		// Here the effects explain what is dropped, and all others are as they were.
		{Formula: "score ~ coaching*age + ses | school", SE: hc1, Report: []string{"age", "coaching:age", "ses"}},
	} {
		panel, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: o}}, shape, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := panel.Fit(d)
		want, err := estimatortest.OLS(o, d, shape, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			if got[i].Status == estimators.Collinear {
				want[i] = got[i]
			}
		}
		if err := estimatortest.Compare(panel.Rows(), got, want, 1e-8); err != nil {
			t.Errorf("%s: %v", o.Formula, err)
		}
	}
}

// A standard error that is rounding error alone is not a standard error: the
// fit is perfect, or the scores of every cluster sum to zero because there are
// as many terms as clusters.
func TestNoError(t *testing.T) {
	design := estimatortest.Design{Blocks: 3, Schools: 6, Teachers: 2, Children: 5, Effect: 0.3, Shared: 0.5}
	shape, d := design.Shape(), design.Draw(1)
	column := func(name string) []float64 { return d.Columns[shape.Index(name)] }
	for i := range column("reading") {
		column("reading")[i] = 3 + 0.1*column("ses")[i] - 0.7*column("girl")[i] // exactly
	}
	two := estimatortest.Without(d, shape, dgp.SchoolLevel, func(s int) bool { return s > 1 })
	two.Columns[shape.Index("coaching")][0], two.Columns[shape.Index("coaching")][1] = 0, 1
	for _, c := range []struct {
		data *dgp.Data
		ols  estimators.OLS
	}{
		{d, estimators.OLS{Formula: "reading ~ ses + girl", SE: classical, Report: []string{"ses", "girl"}, Joint: [][]string{{"ses", "girl"}}}},
		{d, estimators.OLS{Formula: "reading ~ girl + ses + age | block", SE: hc1, Report: []string{"ses"}}},
		{d, estimators.OLS{Formula: "reading ~ girl + ses + age", Cluster: "school", SE: cr1, Report: []string{"ses"}}},
		{d, estimators.OLS{Formula: "score ~ region + region^2", Cluster: "block", SE: cr1, Report: []string{"region", "region^2"}}},
		{two, estimators.OLS{Formula: "score ~ coaching", Cluster: "school", SE: cr1, Report: []string{"coaching"}}},
		{two, estimators.OLS{Formula: "attendance ~ coaching", Rows: "child", SE: classical, Report: []string{"coaching"}}},
	} {
		rows, got := fitOne(t, c.ols, c.data, shape)
		for i, e := range got {
			if e.Status != estimators.NoResidual {
				t.Errorf("%s, %s, %s: %+v", c.ols.Formula, c.ols.SE, rows[i].Term, e)
			}
		}
	}
}

// An outcome that is constant within the absorbed effect, or throughout, has
// no variation, whatever rounding its sums suffer.
func TestConstantOutcome(t *testing.T) {
	design := estimatortest.Small
	shape := design.Shape()
	for seed := range uint64(20) {
		d := design.Draw(seed)
		for _, formula := range []string{"attendance ~ ses + girl | school", "class ~ ses | teacher", "attendance ~ ses + girl + near4 | school"} {
			_, got := fitOne(t, estimators.OLS{Formula: formula, Rows: "child", SE: hc1, Report: []string{"ses"}}, d, shape)
			if got[0].Status != estimators.NoVariation {
				t.Errorf("%s: %+v", formula, got[0])
			}
		}
		y := d.Columns[shape.Index("score")]
		for i := range y {
			y[i] = 0.1
		}
		_, got := fitOne(t, estimators.OLS{Formula: "score ~ coaching + ses", SE: classical, Report: []string{"coaching"}}, d, shape)
		if got[0].Status != estimators.NoVariation {
			t.Errorf("constant: %+v", got[0])
		}
	}
}
