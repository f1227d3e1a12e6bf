package estimators_test

import (
	"math"
	"strings"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/estimators/estimatortest"
)

// mediationData reads the children of testdata/mediation, in order of their
// classes.
func mediationData(t *testing.T) (dgp.Shape, *dgp.Data) {
	t.Helper()
	shape := dgp.Shape{Columns: []dgp.Column{
		{Name: "coaching", Level: dgp.SchoolLevel, Arm: true}, {Name: "rural", Level: dgp.SchoolLevel},
		{Name: "experience", Level: dgp.TeacherLevel, Center: 10}, {Name: "workload", Level: dgp.TeacherLevel, PostTreatment: true},
		{Name: "es", Level: dgp.TeacherLevel, PostTreatment: true, Center: 4.5}, {Name: "co", Level: dgp.TeacherLevel, PostTreatment: true, Center: 5},
		{Name: "ses", Level: dgp.ChildLevel}, {Name: "girl", Level: dgp.ChildLevel}, {Name: "score", Level: dgp.ChildLevel, PostTreatment: true},
	}}
	return readClasses(t, shape, "teacher", "mediation", "data.csv")
}

// mediationModels are the models of testdata/mediation/oracle.R.
var mediationModels = map[string]estimators.Mediation{
	"one":              {Formula: "score ~ coaching + es + ses + girl + experience | block", Mediator: "es ~ coaching + experience + rural | block", Rho: []float64{-0.05, 0, 0.1}},
	"interaction":      {Formula: "score ~ coaching*es + ses + girl + experience | block", Mediator: "es ~ coaching + experience + rural | block"},
	"two":              {Formula: "score ~ coaching + es + co + ses + rural", Mediator: "c(es, co) ~ coaching + rural + experience"},
	"two-interactions": {Formula: "score ~ coaching*es + coaching*co + ses + rural", Mediator: "c(es, co) ~ coaching + rural + experience"},
	"classes":          {Formula: "mean(score, teacher) ~ coaching + es + experience + rural", Mediator: "es ~ coaching + experience + rural", Rho: []float64{0.2}},
	"cde":              {Formula: "score ~ coaching + es + ses + girl + rural + workload | block", Mediator: "es", Intermediate: []string{"workload"}},
	"cde-interaction":  {Formula: "score ~ coaching*es + ses + girl + rural + workload | block", Mediator: "es", Intermediate: []string{"workload"}},
	"cde-at":           {Formula: "score ~ coaching*es + ses + rural + workload", Mediator: "es", Intermediate: []string{"workload"}, At: []float64{4.5}},
	"cde-two":          {Formula: "score ~ coaching*es + coaching*co + ses + rural + workload", Mediator: "c(es, co)", Intermediate: []string{"workload"}, At: []float64{4.5, 5}},
	"cde-plain":        {Formula: "score ~ coaching + es + ses + rural", Mediator: "es"},
}

// Coefficients, effects, standard errors and p-values of mediation are those of lm
// with sandwich and clubSandwich and the formulas of oracle.R.
func TestMediationAgainstR(t *testing.T) {
	shape, d := mediationData(t)
	type fit struct {
		rows      []estimators.Row
		estimates []estimators.Estimate
	}
	fits := map[string]fit{}
	checked := 0
	for _, want := range readTable(t, "mediation", "estimates.csv") {
		key := want["model"] + " " + want["method"] + " " + want["kind"]
		if _, ok := fits[key]; !ok {
			m := mediationModels[want["model"]]
			if err := m.Method.UnmarshalText([]byte(want["method"])); err != nil {
				t.Fatal(err)
			}
			if err := m.SE.UnmarshalText([]byte(want["kind"])); err != nil {
				t.Fatal(err)
			}
			if m.SE >= estimators.CR0 {
				m.Cluster = "school"
			}
			panel, err := estimators.Bind([]estimators.Named{{Name: "m", Method: m}}, shape, nil)
			if err != nil {
				t.Fatalf("%s: %v", key, err)
			}
			fits[key] = fit{panel.Rows(), panel.Fit(d)}
		}
		f := fits[key]
		outcome := want["outcome"]
		if outcome == "average" {
			outcome = "mean(score, teacher)"
		}
		found := false
		for i, row := range f.rows {
			if row.Outcome != outcome || row.Term != want["term"] {
				continue
			}
			found = true
			got := f.estimates[i]
			expect := estimators.Estimate{Value: number(t, want["estimate"]), SE: number(t, want["std.error"]), DF: number(t, want["df"]), P: number(t, want["p.value"])}
			if err := estimatortest.Compare(f.rows[i:i+1], []estimators.Estimate{got}, []estimators.Estimate{expect}, 1e-9); err != nil {
				t.Errorf("%s: %v", key, err)
			}
			checked++
		}
		if !found {
			t.Errorf("%s: no row %s of %s", key, want["term"], outcome)
		}
	}
	if checked < 350 {
		t.Errorf("checked %d estimates", checked)
	}
}

// Effects and intervals by simulation are those of the quasi-Bayesian algorithm that
// testdata/mediation/quasi.R writes out. Of its 20,000 draws an end of an interval has a
// Monte Carlo error of 0.019 SD, of the 99,999 here half that, and the mean 0.007 SD: the
// bounds are 4 of these. The direct effects have in R the error of the mediator's mean
// too, which is 2% of their SD or less.
func TestSimulationAgainstQuasiBayes(t *testing.T) {
	shape, d := mediationData(t)
	m := mediationModels["interaction"]
	m.Method, m.SE, m.Cluster, m.Draws = estimators.Simulation, estimators.CR1, "school", 99999
	panel, err := estimators.Bind([]estimators.Named{{Name: "m", Method: m}}, shape, nil)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]estimators.Estimate{}
	for i, e := range panel.Fit(d) {
		found[panel.Rows()[i].Term] = e
	}
	for _, want := range readTable(t, "mediation", "quasi.csv") {
		e, sd, within := found[want["term"]], number(t, want["sd"]), 0.085
		if !strings.HasPrefix(want["term"], "acme") {
			within += 0.02 * 1.96
		}
		for _, c := range []struct {
			name      string
			got, want float64
			within    float64
		}{
			{"estimate", e.Value, number(t, want["estimate"]), 0.028},
			{"low", e.Low, number(t, want["low"]), within},
			{"high", e.High, number(t, want["high"]), within},
		} {
			if off := math.Abs(c.got-c.want) / sd; !(off < c.within) {
				t.Errorf("%s: %s is %v, by the algorithm %v: %.3f SD apart", want["term"], c.name, c.got, c.want, off)
			}
		}
	}
}
