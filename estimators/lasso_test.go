package estimators_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/estimators/estimatortest"
	"coachsim/estimators/lasso"
)

func bindLasso(t *testing.T, m estimators.Lasso, shape dgp.Shape) *estimators.Panel {
	t.Helper()
	panel, err := estimators.Bind([]estimators.Named{{Name: "lasso", Method: m}}, shape, nil)
	if err != nil {
		t.Fatal(err)
	}
	return panel
}

// terms lists the terms of an estimator's rows that are coefficients.
func terms(panel *estimators.Panel) []string {
	var all []string
	for _, r := range panel.Rows() {
		if !strings.HasPrefix(r.Term, "selected(") && r.Term != "lambda" && r.Term != "nonzero" {
			all = append(all, r.Term)
		}
	}
	return all
}

var defaults = estimators.Methods()["lasso"].(estimators.Lasso)

// TestEverything: . stands for the numbers of the outcome's level or above that the
// treatment does not change and nothing else names.
func TestEverything(t *testing.T) {
	shape := estimatortest.Small.Shape()
	for _, c := range []struct{ formula, cluster, want string }{
		{"class ~ .", "", "region rural urban founded female experience"},
		{"class ~ . + region:rural", "", "region rural urban founded female experience region:rural"},
		{"attendance ~ log(founded) + .", "", "log(founded) region rural urban founded"},
		{"I(score - ses) ~ coaching + rural + .", "track", "coaching rural region urban founded female experience girl boy age born near4 near6 near8 weight"},
	} {
		m := defaults
		m.Formula, m.Cluster = c.formula, c.cluster
		if got := strings.Join(terms(bindLasso(t, m, shape)), " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.formula, got, c.want)
		}
	}
	for formula, message := range map[string]string{
		"class ~ .:rural":  ". stands for all other columns, and can only be a term by itself",
		"class ~ .^2":      ". stands for all other columns, and can only be a term by itself",
		"class ~ log(.)":   "there is no column",
		"class ~ .*female": ". stands for all other columns, and can only be a term by itself",
	} {
		m := defaults
		m.Formula = formula
		_, err := estimators.Bind([]estimators.Named{{Name: "x", Method: m}}, shape, nil)
		if err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%s: %v", formula, err)
		}
	}
	ols := estimators.OLS{Formula: "score ~ coaching + .", Cluster: "school", SE: cr1, Weights: "weight", Report: []string{"coaching", "ses"}}
	if _, err := estimators.Bind([]estimators.Named{{Name: "x", Method: ols}}, shape, nil); err != nil {
		t.Error(err)
	}
	ols.Report = []string{"weight"}
	if _, err := estimators.Bind([]estimators.Named{{Name: "x", Method: ols}}, shape, nil); err == nil {
		t.Error("the weights are a regressor")
	}
}

// TestLassoIsTheEngine gathers the rows by hand: children of some schools, with
// columns of three levels and a product, the folds those of a factor.
func TestLassoIsTheEngine(t *testing.T) {
	shape := estimatortest.Small.Shape()
	d := estimatortest.Small.Draw(5)
	m := defaults
	m.Formula, m.Where, m.FoldColumn, m.Cluster = "score ~ coaching + age + ses:girl + experience^2", "girl == 1", "school", "block"
	var x [4][]float64
	var y []float64
	var folds, cluster []int
	number := map[int]int{}
	at := func(name string, child int) float64 {
		c := shape.Index(name)
		return d.Columns[c][d.Ancestor(dgp.ChildLevel, child, shape.Columns[c].Level)]
	}
	for child := range d.N[dgp.ChildLevel] {
		if at("girl", child) != 1 {
			continue
		}
		x[0] = append(x[0], at("coaching", child))
		x[1] = append(x[1], at("age", child))
		x[2] = append(x[2], at("ses", child)*at("girl", child))
		x[3] = append(x[3], at("experience", child)*at("experience", child))
		y = append(y, at("score", child))
		school := d.Ancestor(dgp.ChildLevel, child, dgp.SchoolLevel)
		if _, ok := number[school]; !ok {
			number[school] = len(number)
		}
		folds = append(folds, number[school])
		cluster = append(cluster, d.Ancestor(dgp.ChildLevel, child, dgp.BlockLevel))
	}
	selector := lasso.NewSelector(len(y), 4, len(number), 100, 10)
	penalty := lasso.Penalty{Mix: 1, Standardise: true}
	for _, rule := range []lasso.Choice{{Rule: lasso.CVMin}, {Rule: lasso.CVOne}, {Rule: lasso.Plugin}, {Rule: lasso.Fixed, Lambda: 0.01}} {
		m.Lambda = rule
		if !selector.Fit(x[:], y, nil, folds, cluster, &penalty, rule, nil) {
			t.Fatal("not solved")
		}
		for _, inference := range []estimators.LassoInference{estimators.Penalised, estimators.PostLasso} {
			m.Inference = inference
			panel := bindLasso(t, m, shape)
			got := panel.Fit(d)
			if v := got[8].Value; math.Abs(v/selector.Lambda-1) > 1e-12 {
				t.Errorf("%s: lambda %v, want %v", rule, v, selector.Lambda)
			}
			if got[9].Value != float64(selector.NonZero) {
				t.Errorf("%s: %v coefficients, want %d", rule, got[9].Value, selector.NonZero)
			}
			for j, b := range selector.Beta {
				e := got[j]
				switch {
				case inference == estimators.Penalised && math.Abs(e.Value-b) > 1e-12:
					t.Errorf("%s: coefficient %d is %v, want %v", rule, j, e.Value, b)
				case inference == estimators.PostLasso && (e.Status == estimators.NotSelected) != (b == 0):
					t.Errorf("%s: coefficient %d has status %s, though the LASSO has %v", rule, j, e.Status, b)
				}
				if (got[4+j].Value == 1) != (b != 0) {
					t.Errorf("%s: selected is %v, though the LASSO has %v", rule, got[4+j].Value, b)
				}
			}
			curves := panel.LassoCurves()
			if len(curves) != 1 || curves[0].Taken != got[8].Value || (len(curves[0].Lambda) > 0) != rule.CrossValidated() {
				t.Errorf("%s: %+v", rule, curves)
			}
		}
	}
}

// TestPostLassoIsOLS: with every term kept, least squares after selection is kind:
// ols, and so is double selection.
func TestPostLassoIsOLS(t *testing.T) {
	shape := estimatortest.Small.Shape()
	d := estimatortest.Small.Draw(8)
	const formula = "score ~ coaching + age + ses + rural + girl"
	report := []string{"coaching", "age", "ses", "rural", "girl"}
	for _, cluster := range []string{"", "school"} {
		se := hc1
		if cluster != "" {
			se = cr1
		}
		panel, err := estimators.Bind([]estimators.Named{{Name: "ols", Method: estimators.OLS{Formula: formula, Cluster: cluster, SE: se, Report: report}}}, shape, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := slices.Clone(panel.Fit(d))
		for _, inference := range []estimators.LassoInference{estimators.PostLasso, estimators.DoubleSelection} {
			m := defaults
			m.Formula, m.Cluster, m.Keep, m.Inference, m.Lambda = formula, cluster, report, inference, lasso.Choice{Rule: lasso.Fixed, Lambda: 1}
			p := bindLasso(t, m, shape)
			if err := estimatortest.Compare(p.Rows()[:5], p.Fit(d)[:5], want, 1e-10); err != nil {
				t.Errorf("%s, cluster %q: %v", inference, cluster, err)
			}
		}
	}
}

// TestLassoScales: in other units of the outcome coefficients and lambdas are
// others in proportion, and the same terms are selected.
func TestLassoScales(t *testing.T) {
	shape := estimatortest.Small.Shape()
	m := defaults
	m.Formula = "score ~ ."
	panel := bindLasso(t, m, shape)
	d := estimatortest.Small.Draw(3)
	want := slices.Clone(panel.Fit(d))
	c := shape.Index("score")
	for i := range d.Columns[c] {
		d.Columns[c][i] = 8*d.Columns[c][i] - 3
	}
	for i, e := range panel.Fit(d) {
		row := panel.Rows()[i]
		by := 8.0
		if strings.HasPrefix(row.Term, "selected(") || row.Term == "nonzero" {
			by = 1
		}
		if math.Abs(e.Value-by*want[i].Value) > 1e-9*(1+math.Abs(e.Value)) {
			t.Errorf("%s: %v, want %v times %v", row.Term, e.Value, by, want[i].Value)
		}
	}
}

// TestLassoFaults: every fault is of a key.
func TestLassoFaults(t *testing.T) {
	shape := estimatortest.Small.Shape()
	for _, c := range []struct {
		key    string
		change func(m *estimators.Lasso)
	}{
		{"formula", func(m *estimators.Lasso) { m.Formula = "score ~ ses | block" }},
		{"formula", func(m *estimators.Lasso) { m.Formula = "score ~ ses - 1" }},
		{"formula", func(m *estimators.Lasso) { m.Formula = "score ~ 1" }},
		{"formula", func(m *estimators.Lasso) { m.Formula = "score ~ ses + (1 | school)" }},
		{"formula", func(m *estimators.Lasso) { m.Formula = "class ~ ses" }},
		{"grid", func(m *estimators.Lasso) { m.Grid = &estimators.LambdaGrid{From: 1, To: 2, Points: 3} }},
		{"grid", func(m *estimators.Lasso) {
			m.Grid, m.Lambda = &estimators.LambdaGrid{From: 2, To: 1, Points: 3}, lasso.Choice{Rule: lasso.Plugin}
		}},
		{"fold_unit", func(m *estimators.Lasso) { m.FoldUnit, m.FoldColumn = "school", "block" }},
		{"fold_column", func(m *estimators.Lasso) { m.FoldColumn = "schol" }},
		{"lambda", func(m *estimators.Lasso) { m.Mix, m.Lambda = 0.5, lasso.Choice{Rule: lasso.Plugin} }},
		{"adaptive", func(m *estimators.Lasso) { m.Adaptive, m.Lambda = 1, lasso.Choice{Rule: lasso.Plugin} }},
		{"adaptive", func(m *estimators.Lasso) { m.Adaptive, m.Inference = 1, estimators.Debiased }},
		{"mix", func(m *estimators.Lasso) { m.Mix, m.Inference = 0.5, estimators.DoubleSelection }},
		{"cluster", func(m *estimators.Lasso) { m.Cluster = "school + block" }},
		{"keep[0]", func(m *estimators.Lasso) { m.Keep = []string{"rural"} }},
		{"report[1]", func(m *estimators.Lasso) { m.Report = []string{"ses", "ses"} }},
		{"report[0]", func(m *estimators.Lasso) { m.Report = []string{"(Intercept)"} }},
		{"where", func(m *estimators.Lasso) { m.Where = "grl == 1" }},
	} {
		m := defaults
		m.Formula = "score ~ ses + age"
		c.change(&m)
		_, err := estimators.Bind([]estimators.Named{{Name: "x", Method: m}}, shape, nil)
		var key *estimators.KeyError
		if !errors.As(err, &key) || key.Key != c.key {
			t.Errorf("want a fault of %s: %v", c.key, err)
		}
	}
}
