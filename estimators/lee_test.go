package estimators_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/estimators/estimatortest"
)

// attritionShape describes the children of testdata/attrition.
func attritionShape() dgp.Shape {
	return dgp.Shape{Columns: []dgp.Column{
		{Name: "coaching", Level: dgp.SchoolLevel, Arm: true}, {Name: "rural", Level: dgp.SchoolLevel},
		{Name: "block", Level: dgp.SchoolLevel},
		{Name: "ses", Level: dgp.ChildLevel}, {Name: "age", Level: dgp.ChildLevel, Center: 84},
		{Name: "sat", Level: dgp.ChildLevel, PostTreatment: true},
		{Name: "score", Level: dgp.ChildLevel, PostTreatment: true, Observed: "sat"},
	}}
}

// The bounds, their standard errors, and Imbens and Manski's interval are those
// of the paper's formulas in R.
func TestLeeBoundsAgainstR(t *testing.T) {
	shape, d := readSchools(t, attritionShape(), "attrition", "data.csv")
	worst := 0.0
	for _, row := range readTable(t, "attrition", "lee.csv") {
		for name := range row {
			row[name] = strings.TrimSpace(row[name])
		}
		_, e := fitOne(t, estimators.LeeBounds{Formula: "score ~ coaching", Where: row["where"], Cells: row["cells"], Cluster: row["cluster"]}, d, shape)
		for name, got := range map[string]float64{
			"lower": e[1].Value, "upper": e[2].Value, "se_lower": e[1].SE, "se_upper": e[2].SE, "df": e[0].DF, "low": e[0].Low, "high": e[0].High, "p": e[0].P,
		} {
			want := number(t, row[name])
			off := math.Abs(got-want) / max(math.Abs(want), 0.01)
			worst = max(worst, off)
			if !(off < 1e-9) {
				t.Errorf("where %q, cells %q, cluster %q: %s is %.12g, in R %.12g", row["where"], row["cells"], row["cluster"], name, got, want)
			}
		}
	}
	t.Logf("relative difference at most %.1e", worst)
}

// When the arms trade places the bounds change their signs and places.
func TestLeeBoundsMirrored(t *testing.T) {
	shape, d := readSchools(t, attritionShape(), "attrition", "data.csv")
	for _, o := range []estimators.LeeBounds{
		{Formula: "score ~ coaching"}, {Formula: "score ~ coaching", Cluster: "school"}, {Formula: "score ~ coaching", Cluster: "school", Cells: "rural"},
	} {
		_, e := fitOne(t, o, d, shape)
		want := slices.Clone(e)
		for i := range d.Columns[0] {
			d.Columns[0][i] = 1 - d.Columns[0][i]
		}
		_, got := fitOne(t, o, d, shape)
		for _, c := range []struct{ got, want float64 }{
			{got[1].Value, -want[2].Value}, {got[2].Value, -want[1].Value}, {got[1].SE, want[2].SE}, {got[2].SE, want[1].SE},
			{got[0].Low, -want[0].High}, {got[0].High, -want[0].Low}, {got[0].P, want[0].P},
		} {
			if !near(c.got, c.want, 1e-12) {
				t.Errorf("%+v: %g, want %g", o, c.got, c.want)
			}
		}
	}
}

// Where nobody is missing both bounds are the difference of means.
func TestLeeBoundsWithoutAttrition(t *testing.T) {
	shape, d := conformLike()
	_, e := fitOne(t, estimators.LeeBounds{Formula: "score ~ coaching", Cluster: "school"}, d, shape)
	bounds := slices.Clone(e)
	_, e = fitOne(t, estimators.OLS{Formula: "score ~ coaching", Cluster: "school", SE: cr0, Report: []string{"coaching"}}, d, shape)
	schools := float64(d.N[dgp.SchoolLevel])
	for i := range 2 {
		if !near(bounds[1+i].Value, e[0].Value, 1e-12) || !near(bounds[1+i].SE, e[0].SE*math.Sqrt(schools/(schools-1)), 1e-12) {
			t.Errorf("bound %d is %v, least squares gives %v", i, bounds[1+i], e[0])
		}
	}
}

func conformLike() (dgp.Shape, *dgp.Data) {
	design := estimatortest.Small
	return design.Shape(), design.Draw(5)
}

func TestLeeBoundsFaults(t *testing.T) {
	shape := attritionShape()
	shape.Max = [...]int{1, 4, 4, 20}
	for want, o := range map[string]estimators.LeeBounds{
		"formula: the bounds are of the effect of one arm, as in achievement ~ coaching": {Formula: "score ~ coaching + ses"},
		`cells: at character 1: there is no column "rurl"; did you mean "rural"?`:        {Formula: "score ~ coaching", Cells: "rurl"},
		`cells: "ses" varies within the school rows`:                                     {Formula: "rural ~ coaching", Cells: "ses"},
		"cluster: the rows of a school cannot be in different clusters":                  {Formula: "rural ~ coaching", Cluster: "teacher"},
		"where: a child column cannot restrict school rows":                              {Formula: "rural ~ coaching", Where: "ses > 0"},
	} {
		_, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: o}}, shape, nil)
		if err == nil || err.Error() != want {
			t.Errorf("%+v: error %v, want %s", o, err, want)
		}
	}
}

// Values that are no arm, no indicator or no cell are said to be so.
func TestLeeBoundsBadData(t *testing.T) {
	for _, c := range []struct {
		column int
		value  float64
		want   estimators.Status
	}{
		{0, 0.5, estimators.NotFinite}, {5, 2, estimators.NotFinite}, {6, math.Inf(1), estimators.NotFinite}, {1, 0.5, estimators.NotFinite}, {1, 64, estimators.NotFinite},
	} {
		shape, d := readSchools(t, attritionShape(), "attrition", "data.csv")
		for i := range d.Columns[c.column] {
			d.Columns[c.column][i] = c.value
		}
		_, e := fitOne(t, estimators.LeeBounds{Formula: "score ~ coaching", Cells: "rural"}, d, shape)
		if e[0].Status != c.want || e[1].Status != c.want {
			t.Errorf("%s all %g: status %s", shape.Columns[c.column].Name, c.value, e[0].Status)
		}
	}
}
