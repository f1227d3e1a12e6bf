package estimators_test

import (
	"math"
	"strings"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
)

func TestParseContrast(t *testing.T) {
	for text, want := range map[string]string{
		"coaching - training":             "coaching - training",
		"coaching-training":               "coaching - training",
		" - coaching + 2*training ":       "-coaching + 2 * training",
		"0.5 * a + .5*b - c:d^2":          "0.5 * a + 0.5 * b - c:d^2",
		"I(a - b) - mean(c, school)":      "I(a - b) - mean(c, school)",
		"(Intercept) + coaching":          "(Intercept) + coaching",
		"2 * coaching":                    "2 * coaching",
		"-coaching":                       "-coaching",
		"factor(grade)2 - factor(grade)3": "factor(grade)2 - factor(grade)3",
		"coaching":                        "",
		"a:b":                             "",
		"a*b":                             "",
		"coaching -":                      "",
		"- - coaching":                    "",
		"coaching - + training":           "",
		"0 * coaching + training":         "",
		"":                                "",
		"coaching, training":              "",
		"I(coaching - training)":          "",
	} {
		got := ""
		if c, ok := estimators.ParseContrast(text); ok {
			got = c.String()
		}
		if got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func contrastData(t *testing.T) (dgp.Shape, *dgp.Data) {
	t.Helper()
	return readSchools(t, dgp.Shape{Columns: []dgp.Column{
		{Name: "coaching", Level: dgp.SchoolLevel, Arm: true}, {Name: "training", Level: dgp.SchoolLevel, Arm: true}, {Name: "rural", Level: dgp.SchoolLevel},
		{Name: "ses", Level: dgp.ChildLevel, Center: 0.5}, {Name: "weight", Level: dgp.ChildLevel},
		{Name: "given", Level: dgp.ChildLevel, PostTreatment: true}, {Name: "attended", Level: dgp.ChildLevel, PostTreatment: true},
		{Name: "score", Level: dgp.ChildLevel, PostTreatment: true},
	}}, "contrast", "data.csv")
}

// contrastMethod is an estimator that reports one text.
func contrastMethod(t *testing.T, row map[string]string, formula, report string) estimators.Method {
	t.Helper()
	var se estimators.SE
	if text := row["se_kind"]; text != "" {
		if err := se.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	switch row["kind"] {
	case "lin":
		return estimators.Lin{Formula: formula, SE: se, Cluster: row["cluster"], Report: []string{report}}
	case "iv":
		return estimators.IV{Formula: formula, SE: se, Cluster: row["cluster"], Report: []string{report}}
	case "mixed":
		m := estimators.Methods()["mixed"].(estimators.Mixed)
		m.Formula, m.Report = formula, []string{report}
		if err := m.DF.UnmarshalText([]byte(row["method"])); err != nil {
			t.Fatal(err)
		}
		return m
	}
	return estimators.OLS{Formula: formula, Weights: row["weights"], SE: se, Cluster: row["cluster"], Report: []string{report}}
}

// Contrasts, their standard errors and their own degrees of freedom are those of
// clubSandwich, sandwich, AER and lmerTest with pbkrtest. lme4 maximises less
// exactly than the others compute.
func TestContrastsAgainstR(t *testing.T) {
	shape, d := contrastData(t)
	table := readTable(t, "contrast", "estimates.csv")
	if len(table) < 60 {
		t.Fatalf("only %d rows", len(table))
	}
	worst := map[string]float64{}
	for _, row := range table {
		tolerance := 1e-9
		if row["kind"] == "mixed" {
			tolerance = 1e-6
		}
		e := fitNamed(t, shape, d, contrastMethod(t, row, row["formula"], row["term"]), row["term"])
		for name, got := range map[string]float64{"estimate": e.Value, "se": e.SE, "df": e.DF, "p": e.P} {
			off := math.Abs(got/number(t, row[name]) - 1)
			worst[row["kind"]+" "+name] = max(worst[row["kind"]+" "+name], off)
			if !(off <= tolerance) {
				t.Errorf("%s %s, %s %s %s, %s: %s is %v, in R %v", row["kind"], row["formula"], row["se_kind"], row["cluster"], row["method"], row["term"], name, got, row[name])
			}
		}
	}
	t.Log(worst)
}

// fitNamed fits one estimator with one reported term.
func fitNamed(t *testing.T, shape dgp.Shape, d *dgp.Data, m estimators.Method, term string) estimators.Estimate {
	t.Helper()
	panel, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: m}}, shape, nil)
	if err != nil {
		t.Fatalf("%+v: %v", m, err)
	}
	panel.Use(dgp.Stream{Seed: 4})
	e := panel.Fit(d)
	if got := panel.Rows()[0].Term; term != "" && got != term {
		t.Fatalf("the term is %q, not %q", got, term)
	}
	return e[0]
}

// With y = a C + b T = b (C+T) + (a-b) C, the contrast a - b is the coefficient of C
// in the regression on C+T and C, whatever the estimator.
func TestContrastIsACoefficient(t *testing.T) {
	shape, d := contrastData(t)
	wild := estimators.Methods()["wild-bootstrap"].(estimators.WildBootstrap)
	wild.OLS = estimators.OLS{Formula: "score ~ coaching + training + ses", Cluster: "school", SE: estimators.CR1, Report: []string{"coaching - training"}}
	wild.Draws = 199
	wildAgain := wild
	wildAgain.OLS.Formula, wildAgain.OLS.Report = "score ~ I(coaching + training) + coaching + ses", []string{"coaching"}
	ols := func(formula, report, cluster string, se estimators.SE) estimators.OLS {
		return estimators.OLS{Formula: formula, Cluster: cluster, SE: se, Report: []string{report}}
	}
	iv := func(formula, report string) estimators.IV {
		return estimators.IV{Formula: formula, Cluster: "school", SE: estimators.CR2, Report: []string{report}}
	}
	mixed := func(formula, report string) estimators.Method {
		return contrastMethod(t, map[string]string{"kind": "mixed", "method": "kenward-roger"}, formula, report)
	}
	for name, pair := range map[string][2]estimators.Method{
		"two factors": {
			ols("score ~ coaching + training + ses", "coaching - training", "school + block", estimators.CR1),
			ols("score ~ I(coaching + training) + coaching + ses", "coaching", "school + block", estimators.CR1),
		},
		"absorbed": {
			ols("score ~ coaching + training + ses + ses^2 | block", "coaching - training", "school", estimators.CR2),
			ols("score ~ I(coaching + training) + coaching + ses + ses^2 | block", "coaching", "school", estimators.CR2),
		},
		"iv, CR2": {
			iv("score ~ ses | given + attended ~ coaching + training", "given - attended"),
			iv("score ~ ses | I(given + attended) + given ~ coaching + training", "given"),
		},
		"mixed with blocks": {
			mixed("score ~ coaching + training + ses + (1 | school) | block", "coaching - training"),
			mixed("score ~ I(coaching + training) + coaching + ses + (1 | school) | block", "coaching"),
		},
		"wild": {wild, wildAgain},
	} {
		a, b := fitNamed(t, shape, d, pair[0], ""), fitNamed(t, shape, d, pair[1], "")
		if a.Status != estimators.OK || b.Status != a.Status {
			t.Fatalf("%s: %s and %s", name, a.Status, b.Status)
		}
		tolerance := 1e-9
		if strings.HasPrefix(name, "mixed") {
			tolerance = 1e-7
		}
		for number, both := range map[string][2]float64{"estimate": {a.Value, b.Value}, "se": {a.SE, b.SE}, "df": {a.DF, b.DF}, "p": {a.P, b.P}, "low": {a.Low, b.Low}, "high": {a.High, b.High}} {
			if math.IsNaN(both[0]) && math.IsNaN(both[1]) {
				continue
			}
			if !(math.Abs(both[0]-both[1]) <= tolerance*(1+math.Abs(both[1]))) {
				t.Errorf("%s: %s is %v, as a coefficient %v", name, number, both[0], both[1])
			}
		}
	}
}

// A joint test of contrasts is that of the coefficients they are.
func TestJointContrasts(t *testing.T) {
	shape, d := contrastData(t)
	f := func(group ...string) estimators.Estimate {
		panel, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: estimators.OLS{
			Formula: "score ~ coaching + training + ses + ses^2", Cluster: "school", SE: estimators.CR2, Report: []string{"ses"}, Joint: [][]string{group},
		}}}, shape, nil)
		if err != nil {
			t.Fatal(err)
		}
		return panel.Fit(d)[1]
	}
	a, b := f("coaching", "training"), f("coaching - training", "0.5 * coaching + 0.5 * training")
	if math.Abs(a.Value/b.Value-1) > 1e-9 || math.Abs(a.P/b.P-1) > 1e-9 || a.Status != estimators.OK {
		t.Errorf("joint: %+v and %+v", a, b)
	}
}

// What cannot be reported says why; effects of contrasts are known where those of
// the arms are.
func TestContrastFaults(t *testing.T) {
	shape, _ := contrastData(t)
	for _, c := range []struct {
		method estimators.Method
		want   string
	}{
		{estimators.OLS{Formula: "score ~ coaching", Report: []string{"coaching - training"}}, `report[0]: "training" is not a term of the formula; its terms are coaching`},
		{estimators.OLS{Formula: "score ~ coaching + training", Report: []string{"coaching - coaching"}}, `report[0]: coaching is in "coaching - coaching" twice`},
		{estimators.OLS{Formula: "score ~ coaching + training", Report: []string{"coaching -"}}, "report[0]: "},
		{estimators.Lin{Formula: "score ~ coaching + training + ses", Report: []string{"coaching - ses"}}, `report[0]: "ses" is not an arm; the arms are coaching`},
		{estimators.Lin{Formula: "score ~ coaching + training + ses", Report: []string{"choaching"}}, `report[0]: "choaching" is not an arm`},
		{estimators.IV{Formula: "score ~ ses | given + attended ~ coaching + training", Report: []string{"given - coaching"}}, `report[0]: "coaching" is an instrument and has no coefficient to report`},
	} {
		_, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: c.method}}, shape, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.method, err, c.want)
		}
	}
	targets := func(m estimators.Method) []*estimators.Target {
		panel, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: m}}, shape, nil)
		if err != nil {
			t.Fatal(err)
		}
		var all []*estimators.Target
		for _, row := range panel.Rows() {
			all = append(all, row.Target)
		}
		return all
	}
	report := []string{"coaching", "coaching - training", "coaching - ses", "2 * training"}
	all := targets(estimators.OLS{Formula: "score ~ coaching + training + ses", Report: report})
	if all[0] == nil || all[0].Contrast != nil || all[1] == nil || all[1].Contrast.String() != "coaching - training" || all[2] != nil || all[3] == nil {
		t.Errorf("the targets are %+v", all)
	}
	if held := targets(estimators.OLS{Formula: "score ~ coaching + training + given", Report: report[:2]}); held[1] != nil {
		t.Errorf("with what the arms change held fixed, the target is %+v", held[1])
	}
	if lin := targets(estimators.Lin{Formula: "score ~ coaching + training + ses", Report: report[:2]}); lin[1] == nil || len(lin[1].Contrast) != 2 {
		t.Errorf("lin: %+v", lin)
	}
}
