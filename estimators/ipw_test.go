package estimators_test

import (
	"math"
	"strings"
	"testing"

	"coachsim/estimators"
)

// Estimates and standard errors are those of R's glm, weighted lm and sandwich,
// and of stacked estimating equations.
func TestIPWAgainstR(t *testing.T) {
	shape, d := readSchools(t, attritionShape(), "attrition", "data.csv")
	worst := map[string]float64{}
	for _, row := range readTable(t, "attrition", "ipw.csv") {
		for name := range row {
			row[name] = strings.TrimSpace(row[name])
		}
		o := estimators.IPW{
			Formula: row["formula"], Response: row["response"], Report: []string{row["term"]},
			Pooled: row["pooled"] == "TRUE", Stabilised: row["stabilised"] == "TRUE", Floor: number(t, row["floor"]),
		}
		if err := o.SE.UnmarshalText([]byte(row["kind"])); err != nil {
			t.Fatal(err)
		}
		if o.SE == cr1 {
			o.Cluster = "school"
		}
		compare := func(name string, got, tolerance float64) {
			want := number(t, row[name])
			off := math.Abs(got/want - 1)
			worst[name] = max(worst[name], off)
			if !(off <= tolerance) {
				t.Errorf("%+v: %s is %.12g, in R %.12g", o, name, got, want)
			}
		}
		_, e := fitOne(t, o, d, shape)
		compare("estimate", e[0].Value, 1e-9)
		compare("se", e[0].SE, 1e-9)
		o.Known = true
		_, e = fitOne(t, o, d, shape)
		compare("known", e[0].SE, 1e-9)
	}
	for name, off := range worst {
		t.Logf("%s: relative difference at most %.1e", name, off)
	}
}

// A covariate that tells without error who is observed is said to do so.
func TestIPWSeparation(t *testing.T) {
	shape, d := readSchools(t, attritionShape(), "attrition", "data.csv")
	for i := range d.Columns[3] { // ses
		d.Columns[3][i] = d.Columns[5][i] + 0.01*float64(i%7)
	}
	_, e := fitOne(t, estimators.IPW{Formula: "score ~ coaching", Response: "ses", SE: hc1, Report: []string{"coaching"}}, d, shape)
	if e[0].Status != estimators.Separated {
		t.Errorf("status %s", e[0].Status)
	}
	for i, arm := range d.Columns[0] { // one arm is all missing
		for c := d.ChildStart[i]; c < d.ChildStart[i+1]; c++ {
			d.Columns[5][c] = arm
		}
	}
	_, e = fitOne(t, estimators.IPW{Formula: "score ~ coaching", Response: "age", SE: hc1, Report: []string{"coaching"}}, d, shape)
	if e[0].Status != estimators.TooFewRows {
		t.Errorf("status %s", e[0].Status)
	}
}

func TestIPWFaults(t *testing.T) {
	shape := attritionShape()
	shape.Max = [...]int{1, 4, 4, 20}
	for want, o := range map[string]estimators.IPW{
		"se: inverse-probability weights take HC0, HC1, CR0 or CR1; this is CR2":                   {Formula: "score ~ coaching", Response: "ses", SE: cr2, Cluster: "school"},
		`response: "score" may be changed by the treatment; the logit is on what was known before`: {Formula: "score ~ coaching", Response: "score", SE: hc1},
		`response: at character 7: there is no column "agee"; did you mean "age"?`:                 {Formula: "score ~ coaching", Response: "ses + agee", SE: hc1},
		"response: expected terms joined by +, such as girl + age + age^2":                         {Formula: "score ~ coaching", Response: "ses +", SE: hc1},
	} {
		o.Report = []string{"coaching"}
		_, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: o}}, shape, nil)
		if err == nil || err.Error() != want {
			t.Errorf("%+v: error %v, want %s", o, err, want)
		}
	}
}
