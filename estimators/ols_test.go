package estimators_test

import (
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/estimators/estimatortest"
)

// lists are the terms that $name stands for in these tests.
var lists = map[string]string{
	"child":    "girl + age + age^2",
	"controls": "$child + ses + experience + rural",
}

// reference fits o with the core and with the reference, and compares.
func reference(t *testing.T, o estimators.OLS, d *dgp.Data, shape dgp.Shape, tolerance float64) []estimators.Estimate {
	t.Helper()
	panel, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: o}}, shape, lists)
	if err != nil {
		t.Fatal(err)
	}
	got := panel.Fit(d)
	want, err := estimatortest.OLS(o, d, shape, lists)
	if err != nil {
		t.Fatal(err)
	}
	if err := estimatortest.Compare(panel.Rows(), got, want, tolerance); err != nil {
		t.Errorf("%s: %v", o.Formula, err)
	}
	return got
}

const (
	classical = estimators.Classical
	hc0       = estimators.HC0
	hc1       = estimators.HC1
	cr0       = estimators.CR0
	cr1       = estimators.CR1
	hc2       = estimators.HC2
	hc3       = estimators.HC3
	cr2       = estimators.CR2
	cr3       = estimators.CR3
	fixest    = estimators.CR1Fixest
)

func TestOLSAgainstReference(t *testing.T) {
	ok, reduced, collinear := estimators.OK, estimators.Reduced, estimators.Collinear
	small, tall := estimatortest.Small, estimatortest.Design{Blocks: 8, Schools: 5, Teachers: 1, Children: 5, Effect: 0.2, Shared: 0.3}
	for _, c := range []struct {
		name   string
		design estimatortest.Design
		ols    estimators.OLS
		status estimators.Status // of the first row
		loose  float64           // tolerance, if not 1e-10
	}{
		{"absorbed block, the paper's equation", tall, estimators.OLS{
			Formula: "c(score, reading, below(score, 10), above(reading, 80), std(reading)) ~ coaching + $controls | block",
			Cluster: "school", SE: cr1, Report: []string{"coaching", "age", "age^2", "ses"}, Joint: [][]string{{"girl", "ses"}, {"age", "age^2", "rural"}},
		}, ok, 0},
		{"school effects, child rows", small, estimators.OLS{
			Formula: "score ~ ses + girl + class + experience | school",
			Cluster: "school", SE: cr1, Report: []string{"ses", "girl", "class"}, Joint: [][]string{{"ses", "class"}},
		}, ok, 0},
		{"teacher effects, child rows", small, estimators.OLS{
			Formula: "score ~ ses*girl + age | teacher", SE: hc1, Report: []string{"ses", "ses:girl", "age"},
		}, ok, 0},
		{"no effects", small, estimators.OLS{
			Formula: "score ~ coaching + ses", Cluster: "teacher", SE: cr1, Report: []string{"coaching", "(Intercept)", "ses"},
		}, ok, 0},
		{"constant alone", small, estimators.OLS{Formula: "reading ~ 1", Cluster: "school", SE: cr1, Report: []string{"(Intercept)"}}, ok, 0},
		{"no intercept", small, estimators.OLS{
			Formula: "score ~ coaching + ses - 1", SE: hc1, Report: []string{"coaching", "ses"}, Joint: [][]string{{"coaching", "ses"}},
		}, ok, 0},
		{"no intercept, far from zero", small, estimators.OLS{
			Formula: "reading ~ 0 + age + age^2 + girl", SE: hc0, Report: []string{"age", "age^2"},
		}, ok, 0},
		{"child by school", small, estimators.OLS{
			Formula: "score ~ coaching*girl + coaching:age + age + rural:ses + ses", Cluster: "block", SE: cr1,
			Report: []string{"coaching", "girl:coaching", "coaching:age", "age", "(Intercept)"},
		}, ok, 0},
		{"three-way", small, estimators.OLS{
			Formula: "score ~ coaching*girl*class | block", Cluster: "school", SE: cr0,
			Report: []string{"coaching", "class", "coaching:class", "coaching:girl:class"}, Joint: [][]string{{"coaching:girl", "coaching:class", "coaching:girl:class"}},
		}, ok, 0},
		{"age centred exactly", small, estimators.OLS{
			Formula: "score ~ age + age^2", SE: classical, Report: []string{"age", "age^2", "(Intercept)"}, Joint: [][]string{{"age", "age^2"}},
		}, ok, 0},
		{"cubic far from zero", small, estimators.OLS{
			Formula: "reading ~ age + age^2 + age^3 + coaching:age + coaching | block", SE: hc1, Report: []string{"age", "age^2", "age^3", "coaching"},
		}, ok, 0},
		{"birth year centred exactly", small, estimators.OLS{
			Formula: "score ~ born + born^2 + coaching", SE: hc1, Report: []string{"born", "born^2", "(Intercept)", "coaching"},
		}, ok, 0},
		{"square of a product", small, estimators.OLS{
			Formula: "score ~ age*class + age^2 + class^2 | block", Cluster: "school", SE: cr1, Report: []string{"age", "class", "age:class", "age^2", "class^2"},
		}, ok, 0},
		{"where at school level", small, estimators.OLS{
			Formula: "score ~ class + ses", Where: "coaching == 0", Cluster: "school", SE: cr1, Report: []string{"class", "ses", "(Intercept)"},
		}, ok, 0},
		{"where at school and teacher level", small, estimators.OLS{
			Formula: "score ~ coaching + ses | block", Where: "rural != 1 & experience > 2.5", Cluster: "school", SE: cr1, Report: []string{"coaching", "ses"},
		}, ok, 0},
		{"where at child level", small, estimators.OLS{
			Formula: "c(score, reading) ~ coaching*ses + age + age^2 | block", Where: "girl == 1", Cluster: "school", SE: cr1, Report: []string{"coaching", "age", "coaching:ses"},
		}, ok, 0},
		{"where at child level, every row its own", small, estimators.OLS{
			Formula: "score ~ coaching + ses + age", Where: "age >= 80 & ses <= 1 & coaching < 2", SE: hc1, Report: []string{"coaching", "ses", "(Intercept)"},
		}, ok, 0},
		{"where at child level, group outcome", small, estimators.OLS{
			Formula: "c(class, attendance, score) ~ coaching + ses | block", Rows: "child", Where: "girl == 0", SE: hc1, Report: []string{"coaching", "ses"},
		}, ok, 0},
		{"teacher rows", small, estimators.OLS{
			Formula: "c(class, below(class, 20), above(class, 90)) ~ coaching + experience + rural | block", SE: hc1, Report: []string{"coaching", "experience"}, Joint: [][]string{{"experience", "rural"}},
		}, ok, 0},
		{"teacher rows, school clusters", small, estimators.OLS{
			Formula: "class ~ coaching*experience", Cluster: "school", SE: cr1, Report: []string{"coaching", "coaching:experience", "(Intercept)"},
		}, ok, 0},
		{"teacher rows, teacher clusters", small, estimators.OLS{
			Formula: "class ~ coaching + experience | school", Cluster: "teacher", SE: cr0, Report: []string{"experience"},
		}, reduced, 0},
		{"school rows", tall, estimators.OLS{
			Formula: "attendance ~ coaching + rural + founded | block", SE: classical, Report: []string{"coaching", "founded"},
		}, ok, 0},
		{"school rows, block clusters", tall, estimators.OLS{
			Formula: "attendance ~ coaching + region + founded + founded^2", Cluster: "block", SE: cr1, Report: []string{"coaching", "region", "founded", "founded^2", "(Intercept)"},
		}, ok, 0},
		{"school outcome, child rows", small, estimators.OLS{
			Formula: "attendance ~ coaching + ses", Rows: "child", Cluster: "school", SE: cr1, Report: []string{"coaching", "ses", "(Intercept)"},
		}, ok, 0},
		{"school and child outcomes", small, estimators.OLS{
			Formula: "c(attendance, score, class) ~ coaching + age", Cluster: "teacher", SE: cr1, Report: []string{"coaching", "age"},
		}, ok, 0},
		{"transformed regressors", small, estimators.OLS{
			Formula: "score ~ coaching + std(age) + below(ses, 25) + above(experience, 50):coaching + std(class)^2", Cluster: "school", SE: cr1,
			Report: []string{"coaching", "std(age)", "below(ses, 25)", "above(experience, 50):coaching", "std(class)^2", "(Intercept)"},
		}, ok, 0},
		{"collinear nuisance", small, estimators.OLS{
			Formula: "score ~ coaching + girl + boy | block", Cluster: "school", SE: cr1, Report: []string{"coaching", "girl"},
		}, reduced, 0},
		{"collinear nuisance, intercept", small, estimators.OLS{
			Formula: "score ~ rural + urban + coaching", SE: hc1, Report: []string{"coaching", "rural", "(Intercept)"},
		}, reduced, 0},
		{"collinear report", small, estimators.OLS{
			Formula: "score ~ girl + boy + coaching", SE: hc1, Report: []string{"boy", "coaching"}, Joint: [][]string{{"boy", "coaching"}, {"girl", "coaching"}},
		}, collinear, 0},
		{"block column under block effects", small, estimators.OLS{
			Formula: "score ~ region + coaching + region:coaching | block", SE: classical, Report: []string{"coaching", "region", "region:coaching"},
		}, reduced, 0},
		{"school columns under school effects", small, estimators.OLS{
			Formula: "score ~ coaching + founded + founded^2 + rural + ses | school", SE: classical, Report: []string{"ses", "coaching", "founded"},
		}, reduced, 0},
		{"school columns under teacher effects", small, estimators.OLS{
			Formula: "score ~ ses + coaching:ses + class | teacher", Cluster: "school", SE: cr1, Report: []string{"ses", "coaching:ses", "class"},
		}, reduced, 0},
		{"power of a binary column", small, estimators.OLS{
			Formula: "score ~ girl + girl^2 + coaching", SE: hc1, Report: []string{"girl", "coaching"},
		}, reduced, 0},
		{"variance inflation 1e4", small, estimators.OLS{
			Formula: "score ~ coaching + ses + near4 + age | block", Cluster: "school", SE: cr1, Report: []string{"coaching", "ses", "near4"}, Joint: [][]string{{"ses", "near4"}},
		}, ok, 0},
		{"variance inflation 1e6", small, estimators.OLS{
			Formula: "score ~ coaching + ses + near6", SE: hc1, Report: []string{"coaching", "ses", "near6", "(Intercept)"}, Joint: [][]string{{"ses", "near6"}},
		}, ok, 1e-8},
		{"variance inflation 1e8", small, estimators.OLS{
			Formula: "score ~ coaching*ses + near8 | school", SE: classical, Report: []string{"coaching:ses", "ses", "near8"}, Joint: [][]string{{"ses", "coaching:ses"}},
		}, reduced, 0},
		{"variance inflation 1e8, some rows", small, estimators.OLS{
			Formula: "c(score, attendance) ~ ses + near8 + coaching | block", Where: "girl == 1", Cluster: "school", SE: cr1, Report: []string{"coaching", "ses", "near8"},
		}, ok, 1e-8},
		{"square without the column, age", small, estimators.OLS{
			Formula: "score ~ age^2 + coaching", SE: hc1, Report: []string{"age^2", "coaching", "(Intercept)"},
		}, ok, 0},
		{"square without the column, birth year", small, estimators.OLS{
			Formula: "score ~ born^2 + coaching", SE: hc1, Report: []string{"born^2", "coaching", "(Intercept)"},
		}, ok, 1e-8},
		{"product without main effects", small, estimators.OLS{
			Formula: "score ~ age:coaching + born:girl | block", Cluster: "school", SE: cr1, Report: []string{"age:coaching", "girl:born"},
		}, ok, 0},
		{"absorbed factor across blocks", small, estimators.OLS{
			Formula: "c(score, class) ~ coaching + ses + experience | cohort", Cluster: "school", SE: cr1, Report: []string{"coaching", "ses"},
		}, ok, 0},
		{"absorbed factor of teachers, teacher rows", small, estimators.OLS{
			Formula: "class ~ coaching + experience | track", Cluster: "cohort", SE: cr1, Report: []string{"coaching"},
		}, ok, 0},
		{"clusters that lie apart", small, estimators.OLS{
			Formula: "score ~ coaching + ses + age + age^2", Cluster: "track", SE: cr0, Report: []string{"coaching", "(Intercept)", "age"},
		}, ok, 0},
		{"HC2", small, estimators.OLS{
			Formula: "c(score, reading) ~ coaching*girl + age + age^2", SE: hc2, Report: []string{"coaching", "age", "(Intercept)"}, Joint: [][]string{{"coaching", "coaching:girl"}},
		}, ok, 0},
		{"HC3, block effects", small, estimators.OLS{
			Formula: "class ~ coaching + experience + rural | block", SE: hc3, Report: []string{"coaching", "experience"},
		}, ok, 0},
		{"HC3, some children", small, estimators.OLS{
			Formula: "score ~ coaching + ses | school", Where: "girl == 1", SE: hc3, Report: []string{"ses"},
		}, reduced, 0},
		{"CR2", small, estimators.OLS{
			Formula: "c(score, std(class)) ~ coaching + girl + age + age^2", Cluster: "school", SE: cr2, Report: []string{"coaching", "girl", "age", "(Intercept)"},
			Joint: [][]string{{"girl", "age"}, {"age", "age^2"}},
		}, ok, 0},
		{"CR2, block effects", small, estimators.OLS{
			Formula: "score ~ coaching*ses + experience | block", Cluster: "school", SE: cr2, Report: []string{"coaching", "ses"}, Joint: [][]string{{"coaching", "coaching:ses"}},
		}, ok, 0},
		{"CR2, effects within clusters", small, estimators.OLS{
			Formula: "score ~ ses + girl | teacher", Cluster: "school", SE: cr2, Report: []string{"ses", "girl"}, Joint: [][]string{{"ses", "girl"}},
		}, ok, 0},
		{"CR2, block clusters", tall, estimators.OLS{
			Formula: "score ~ coaching + ses + girl", Cluster: "block", SE: cr2, Report: []string{"coaching", "ses"}, Joint: [][]string{{"ses", "girl"}},
		}, ok, 0},
		{"CR3, some children", small, estimators.OLS{
			Formula: "score ~ coaching + ses + age", Where: "girl == 0 & rural == 0", Cluster: "teacher", SE: cr3, Report: []string{"coaching", "age", "(Intercept)"},
		}, ok, 0},
		{"CR3, teacher rows", small, estimators.OLS{
			Formula: "class ~ coaching + experience + female", Cluster: "school", SE: cr3, Report: []string{"coaching", "experience"}, Joint: [][]string{{"experience", "female"}},
		}, ok, 0},
		{"CR2, factor clusters across absorbed blocks", small, estimators.OLS{
			Formula: "score ~ ses + experience | block", Cluster: "track", SE: cr2, Report: []string{"ses", "experience"},
		}, ok, 0},
		{"CR2, inflated", small, estimators.OLS{
			Formula: "score ~ coaching + ses + near4", Cluster: "school", SE: cr2, Report: []string{"coaching", "ses", "near4"},
		}, ok, 0},
		{"CR2, collinear nuisance", small, estimators.OLS{
			Formula: "score ~ coaching + girl + boy + ses | block", Cluster: "school", SE: cr2, Report: []string{"coaching", "ses", "boy"},
		}, reduced, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			tolerance := 1e-10
			if c.loose > 0 {
				tolerance = c.loose
			}
			for seed := range uint64(2) {
				got := reference(t, c.ols, c.design.Draw(seed), c.design.Shape(), tolerance)
				if got[0].Status != c.status {
					t.Errorf("status %s, want %s", got[0].Status, c.status)
				}
			}
		})
	}
}
