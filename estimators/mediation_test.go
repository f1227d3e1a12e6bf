package estimators_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/estimators/estimatortest"
)

var mediationDesign = estimatortest.Design{Blocks: 4, Schools: 12, Teachers: 2, Children: 6, Effect: 0.5, Shared: 0.3}

// A sample of clusters is a regression in which each row counts as often as its
// cluster was drawn.
func TestMediationBootstrapIsAWeightedRegression(t *testing.T) {
	shape := mediationDesign.Shape()
	shape.Columns = append(shape.Columns, dgp.Column{Name: "times", Level: dgp.SchoolLevel})
	for seed := range uint64(3) {
		d := mediationDesign.Draw(seed)
		times := make([]float64, d.N[dgp.SchoolLevel])
		for s := range times {
			times[s] = float64((s*7 + 3*int(seed)) % 4)
		}
		d.Columns = append(d.Columns, times)
		bind := func(m estimators.Method) *estimators.Panel {
			panel, err := estimators.Bind([]estimators.Named{{Name: "m", Method: m}}, shape, nil)
			if err != nil {
				t.Fatal(err)
			}
			return panel
		}
		m := estimators.Mediation{
			Formula: "c(score, reading) ~ coaching*class + coaching + es_s1_c1 + ses + age + age^2 + founded | block", Mediator: "c(class, es_s1_c1) ~ coaching + experience | block",
			Method: estimators.MediationBootstrap, Cluster: "school", SE: cr1, Draws: 99,
		}
		panel := bind(m)
		panel.Fit(d)
		for outcome := range 2 {
			got := panel.ResampleMediation(outcome, func(s int) float64 { return times[s] })
			var want []float64
			for _, o := range []estimators.OLS{
				{Formula: m.Mediator, Report: []string{"coaching"}},
				{Formula: m.Formula, Report: []string{"class", "es_s1_c1", "coaching:class", "coaching"}},
			} {
				o.Weights, o.Cluster, o.SE = "times", "school", cr1
				estimates := bind(o).Fit(d)
				if o.Formula == m.Formula {
					estimates = estimates[4*outcome : 4*outcome+4]
				}
				for _, e := range estimates {
					want = append(want, e.Value)
				}
			}
			want = []float64{want[0], want[1], want[2], want[3], want[4], 0, want[5]} // es_s1_c1 has no product
			if len(got) != len(want) {
				t.Fatalf("%d coefficients, want %d", len(got), len(want))
			}
			for i, x := range want {
				if math.Abs(got[i]-x) > 1e-10*(1+math.Abs(x)) {
					t.Errorf("data %d, outcome %d: coefficient %d is %v, weighted least squares %v", seed, outcome, i, got[i], x)
				}
			}
		}
	}
}

// A sample has as many clusters as the data, of every arm and block, and standard
// errors are near those of the delta method with 120 schools: of 199 draws they vary by 5%,
// and lie within 20% in a right program all but surely.
func TestMediationBootstrapDrawsWithinArmsAndBlocks(t *testing.T) {
	design := estimatortest.Design{Blocks: 4, Schools: 30, Teachers: 1, Children: 6, Effect: 0.5, Shared: 0.3}
	shape := design.Shape()
	d := design.Draw(5)
	m := estimators.Mediation{Formula: "score ~ coaching + class | block", Mediator: "class ~ coaching | block", Cluster: "school", SE: cr1, Draws: 199}
	m.Method = estimators.MediationBootstrap
	panel, err := estimators.Bind([]estimators.Named{{Name: "m", Method: m}}, shape, nil)
	if err != nil {
		t.Fatal(err)
	}
	drawn := append([]estimators.Estimate(nil), panel.Fit(d)...)
	arm := d.Columns[shape.Index("coaching")]
	have, got := map[string]float64{}, map[string]float64{}
	repeated := false
	for s, n := range panel.DrawMediation()[:d.N[dgp.SchoolLevel]] {
		stratum := fmt.Sprint(d.SchoolBlock[s], arm[s])
		have[stratum]++
		got[stratum] += n
		repeated = repeated || n > 1
	}
	for stratum, n := range have {
		if got[stratum] != n {
			t.Errorf("%v of the %v clusters in stratum %s were drawn", got[stratum], n, stratum)
		}
	}
	if !repeated {
		t.Error("no cluster was drawn twice")
	}
	m.Method = estimators.ProductOfCoefficients
	panel, err = estimators.Bind([]estimators.Named{{Name: "m", Method: m}}, shape, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range panel.Fit(d) {
		if term := panel.Rows()[i].Term; term == "indirect" || term == "direct" || term == "total" {
			if ratio := drawn[i].SE / e.SE; !(math.Abs(ratio-1) < 0.2) {
				t.Errorf("%s: standard error %v, by the delta method %v", term, drawn[i].SE, e.SE)
			}
			if drawn[i].Value != e.Value {
				t.Errorf("%s: estimate %v, want %v", term, drawn[i].Value, e.Value)
			}
			if !(drawn[i].Low < e.Value && e.Value < drawn[i].High) {
				t.Errorf("%s: the interval %v leaves out the estimate %v", term, drawn[i].Interval, e.Value)
			}
		}
	}
}

// Intervals by draws are those of the distribution: for a coefficient alone, the
// normal's. Of 99,999 draws the ends lie within 3% of a standard error (4.8 standard errors of
// an end), and the p-value is at most alpha just where the interval leaves 0 out.
func TestMediationDraws(t *testing.T) {
	shape := mediationDesign.Shape()
	for _, draws := range []int{99, 999, 1234, 99999} {
		m := estimators.Mediation{Formula: "score ~ coaching + class + ses | block", Mediator: "class ~ coaching | block", Method: estimators.Simulation, Cluster: "school", SE: cr1, Draws: draws}
		panel, err := estimators.Bind([]estimators.Named{{Name: "m", Method: m}}, shape, nil)
		if err != nil {
			t.Fatal(err)
		}
		for seed := range uint64(8) {
			d := mediationDesign.Draw(seed)
			for _, alpha := range []float64{0.05, 0.1} {
				panel.SetAlpha(alpha)
				panel.Use(dgp.Stream{Seed: seed})
				for i, e := range panel.Fit(d) {
					row := panel.Rows()[i]
					if !e.Exists() {
						continue
					}
					if out := e.Low > 0 || e.High < 0; out != (e.P <= alpha*(1+1e-12)) {
						t.Errorf("%s with %d draws: interval %v and p-value %v at %g", row.Term, draws, e.Interval, e.P, alpha)
					}
					if row.Term == "ade" && draws == 99999 {
						half := e.SE * map[float64]float64{0.05: 1.959964, 0.1: 1.644854}[alpha]
						if math.Abs(e.Low-(e.Value-half)) > 0.03*e.SE || math.Abs(e.High-(e.Value+half)) > 0.03*e.SE {
							t.Errorf("interval %v, of the normal distribution %v ± %v", e.Interval, e.Value, half)
						}
					}
				}
			}
			if draws == 99999 && seed > 1 {
				break
			}
		}
	}
}

// Every fault of the options has a key and names what is allowed.
func TestMediationFaults(t *testing.T) {
	shape := mediationDesign.Shape()
	ok := estimators.Mediation{Formula: "score ~ coaching + class + ses | block", Mediator: "class ~ coaching | block", Cluster: "school", SE: cr1, Draws: 999}
	for _, c := range []struct {
		change    func(*estimators.Mediation)
		key, part string
	}{
		{func(m *estimators.Mediation) { m.Mediator = "class" }, "mediator", "no regression of the mediator"},
		{func(m *estimators.Mediation) { m.Mediator = "class ~ ses" }, "mediator", "the arm coaching is not among the terms"},
		{func(m *estimators.Mediation) { m.Mediator = "class ~ coaching + ses" }, "mediator", "is a child column"},
		{func(m *estimators.Mediation) { m.Mediator = "clss ~ coaching" }, "formula", "the mediator clss is not among the terms"},
		{func(m *estimators.Mediation) { m.Mediator = "coaching ~ coaching" }, "mediator", "cannot mediate its own effect"},
		{func(m *estimators.Mediation) { m.Mediator = "c(class, class) ~ coaching" }, "mediator", "stands here twice"},
		{func(m *estimators.Mediation) { m.Mediator = "class ~ coaching - 1" }, "mediator", "needs its intercept"},
		{func(m *estimators.Mediation) { m.Mediator = "class ~ coaching + (1 | school)" }, "mediator", "no random effects"},
		{func(m *estimators.Mediation) { m.Mediator = "class ~ coaching + coaching:rural" }, "mediator", "in no other terms than coaching; this is coaching:rural"},
		{func(m *estimators.Mediation) { m.Formula = "score ~ coaching + ses" }, "formula", "the mediator class is not among the terms"},
		{func(m *estimators.Mediation) { m.Formula = "score ~ coaching + class + class^2" }, "formula", "in no other terms than coaching, class and coaching:class"},
		{func(m *estimators.Mediation) { m.Formula = "score ~ coaching + class + std(class)" }, "formula", "this is std(class)"},
		{func(m *estimators.Mediation) { m.Formula = "c(score, class) ~ coaching + class" }, "mediator", "class is an outcome of the formula"},
		{func(m *estimators.Mediation) { m.Formula = "score ~ class + ses" }, "treatment", "say which is"},
		{func(m *estimators.Mediation) { m.Treatment = "coach" }, "treatment", "did you mean"},
		{func(m *estimators.Mediation) { m.Method = estimators.SequentialG }, "mediator", "name the mediators alone"},
		{func(m *estimators.Mediation) { m.Method, m.Mediator, m.SE = estimators.SequentialG, "class", cr2 }, "se", "CR0 or CR1"},
		{func(m *estimators.Mediation) { m.Intermediate = []string{"ses"} }, "intermediate", "only sequential-g"},
		{func(m *estimators.Mediation) {
			m.Method, m.Mediator, m.Intermediate = estimators.SequentialG, "class", []string{"se"}
		}, "intermediate[0]", "its covariates are ses"},
		{func(m *estimators.Mediation) { m.At = []float64{1} }, "at", "only sequential-g"},
		{func(m *estimators.Mediation) {
			m.Method, m.Mediator, m.At = estimators.SequentialG, "class", []float64{1, 2}
		}, "at", "a value for each of the 1 mediators"},
		{func(m *estimators.Mediation) { m.Rho = []float64{1} }, "rho[0]", "between -1 and 1"},
		{func(m *estimators.Mediation) { m.Rho, m.Formula = []float64{0}, "score ~ coaching*class" }, "rho", "without it"},
		{func(m *estimators.Mediation) {
			m.Rho, m.Formula, m.Mediator = []float64{0}, "score ~ coaching + class + es_s1_c1", "c(class, es_s1_c1) ~ coaching"
		}, "rho", "here are 2 mediators"},
		{func(m *estimators.Mediation) {
			m.Method, m.Cluster, m.SE = estimators.MediationBootstrap, "", classical
		}, "cluster", "draws clusters"},
		{func(m *estimators.Mediation) { m.Cluster = "school + teacher" }, "cluster", "one factor"},
	} {
		m := ok
		c.change(&m)
		_, err := estimators.Bind([]estimators.Named{{Name: "m", Method: m}}, shape, nil)
		var key *estimators.KeyError
		if !errors.As(err, &key) {
			t.Errorf("%+v: no fault of a key: %v", m, err)
			continue
		}
		if key.Key != c.key || !strings.Contains(key.Error(), c.part) {
			t.Errorf("%+v:\n  %v\n  want %s: ... %s", m, err, c.key, c.part)
		}
	}
}
