package estimators_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/estimators/estimatortest"
)

const ar = estimators.AndersonRubin

func TestIVAgainstReference(t *testing.T) {
	ok, reduced, collinear := estimators.OK, estimators.Reduced, estimators.Collinear
	small, tall := estimatortest.Small, estimatortest.Design{Blocks: 8, Schools: 5, Teachers: 1, Children: 5, Effect: 0.6, Shared: 0.3}
	for _, c := range []struct {
		name   string
		design estimatortest.Design
		iv     estimators.IV
		status estimators.Status // of the first row
		loose  float64           // tolerance, if not 1e-10
	}{
		{"take-up, block effects", tall, estimators.IV{
			Formula: "c(score, reading, below(score, 10)) ~ $controls | block | class ~ coaching", Cluster: "school", SE: cr1,
			Report: []string{"class", "age", "age^2", "ses"}, Joint: [][]string{{"girl", "class"}},
		}, ok, 0},
		{"classical", tall, estimators.IV{
			Formula: "c(score, attendance) ~ ses + girl | class ~ coaching + experience", Rows: "child", SE: classical, Report: []string{"class", "ses", "(Intercept)"},
		}, ok, 0},
		{"HC0, some children", small, estimators.IV{
			Formula: "score ~ ses + age | class ~ coaching + founded + rural", Where: "girl == 1", SE: hc0, Report: []string{"class", "age", "(Intercept)"},
		}, ok, 0},
		{"HC1, teacher rows", tall, estimators.IV{
			Formula: "c(class, above(class, 60)) ~ female | block | experience ~ rural + founded", SE: hc1, Report: []string{"experience", "female"},
		}, ok, 0},
		{"HC1, school rows", tall, estimators.IV{
			Formula: "attendance ~ rural | founded ~ coaching", SE: hc1, Report: []string{"founded", "rural", "(Intercept)"},
		}, ok, 0},
		{"no regressors", small, estimators.IV{
			Formula: "score ~ 1 | class ~ coaching", Cluster: "teacher", SE: cr0, Report: []string{"class", "(Intercept)"},
		}, ok, 0},
		{"no constant", small, estimators.IV{
			Formula: "score ~ ses - 1 | class ~ coaching + girl", Cluster: "school", SE: cr1, Report: []string{"class", "ses"},
		}, ok, 0},
		{"two endogenous", small, estimators.IV{
			Formula: "score ~ age | class + ses ~ coaching + girl + near4 + experience", Cluster: "school", SE: cr1,
			Report: []string{"ses", "class", "(Intercept)"}, Joint: [][]string{{"class", "ses"}},
		}, ok, 0},
		{"interaction", small, estimators.IV{
			Formula: "score ~ ses | school | ses:class + class:girl ~ ses:coaching + coaching:girl + girl", Cluster: "school", SE: cr1, Report: []string{"ses:class", "ses", "girl:class"},
		}, ok, 1e-9},
		{"square of an endogenous regressor", tall, estimators.IV{
			Formula: "score ~ ses | class + class^2 ~ experience + experience^2 + coaching", SE: hc1, Report: []string{"class", "class^2", "(Intercept)"},
		}, ok, 1e-9},
		{"square of an instrument", tall, estimators.IV{
			Formula: "score ~ experience + ses | block | class ~ experience^2 + coaching", SE: hc1, Report: []string{"class", "experience"},
		}, ok, 0},
		{"collinear nuisance", small, estimators.IV{
			Formula: "score ~ girl + boy + ses | block | class ~ coaching + founded", Cluster: "school", SE: cr1, Report: []string{"class", "ses", "girl", "boy"},
		}, reduced, 0},
		{"collinear nuisance, intercept", small, estimators.IV{
			Formula: "score ~ rural + urban | class ~ coaching + founded", SE: hc1, Report: []string{"class", "rural", "(Intercept)"},
		}, reduced, 0},
		{"collinear instruments", small, estimators.IV{
			Formula: "score ~ ses | class ~ rural + urban + coaching", Cluster: "school", SE: cr1, Report: []string{"class", "(Intercept)"},
		}, reduced, 0},
		{"instrument among the effects", small, estimators.IV{
			Formula: "score ~ ses | school | class ~ coaching", Cluster: "school", SE: cr1, Report: []string{"class", "ses"},
		}, collinear, 0},
		{"instruments that are regressors", small, estimators.IV{
			Formula: "score ~ rural | class ~ urban", SE: classical, Report: []string{"class", "rural"},
		}, collinear, 0},
		{"endogenous regressor among the effects", small, estimators.IV{
			Formula: "score ~ ses | school | founded ~ age", SE: hc1, Report: []string{"founded"},
		}, collinear, 0},
		{"two endogenous, one effective instrument", small, estimators.IV{
			Formula: "score ~ girl | class + ses ~ coaching + boy", SE: hc1, Report: []string{"class"},
		}, collinear, 0},
		{"variance inflation 1e4", small, estimators.IV{
			Formula: "score ~ ses + near4 | block | class ~ coaching + founded", Cluster: "school", SE: cr1, Report: []string{"class", "ses"},
		}, ok, 0},
		{"variance inflation 1e6, classical", small, estimators.IV{
			Formula: "score ~ ses + near6 + age | class ~ coaching + founded", SE: classical, Report: []string{"class", "ses", "(Intercept)"},
		}, ok, 1e-9},
		{"endogenous far from zero", tall, estimators.IV{
			Formula: "score ~ ses | block | born ~ coaching + age", SE: hc1, Report: []string{"born"},
		}, ok, 1e-9},
		{"CR2, block effects", tall, estimators.IV{
			Formula: "c(score, attendance) ~ ses + age | block | class ~ coaching", Cluster: "school", SE: cr2,
			Report: []string{"class", "age"}, Joint: [][]string{{"ses", "class"}},
		}, ok, 0},
		{"CR2, few large clusters", small, estimators.IV{
			Formula: "score ~ ses | class ~ coaching + founded", Cluster: "block", SE: cr2, Report: []string{"class", "ses", "(Intercept)"},
		}, ok, 0},
		{"CR3, two endogenous", tall, estimators.IV{
			Formula: "c(score, class) ~ age | block | experience + ses ~ coaching + girl + rural", Rows: "child", Cluster: "school", SE: cr3,
			Report: []string{"ses", "experience"}, Joint: [][]string{{"experience", "ses"}},
		}, ok, 0},
		{"CR2, weights", tall, estimators.IV{
			Formula: "score ~ ses + age | block | class ~ coaching + founded", Weights: "weight", Cluster: "school", SE: cr2, Report: []string{"class", "age"},
		}, ok, 0},
		{"CR2, collinear instruments", small, estimators.IV{
			Formula: "score ~ ses + girl + boy | class ~ rural + urban + coaching", Cluster: "school", SE: cr2, Report: []string{"class", "girl", "(Intercept)"},
		}, reduced, 0},
		{"CR2, variance inflation 1e4", small, estimators.IV{ // by the QR
			Formula: "score ~ ses + near4 | block | class ~ coaching + founded", Cluster: "teacher", SE: cr2, Report: []string{"class", "ses"},
		}, ok, 1e-9},
		{"HC2", small, estimators.IV{
			Formula: "score ~ ses + age | class ~ coaching + founded", Where: "girl == 1", SE: hc2, Report: []string{"class", "age", "(Intercept)"}, Joint: [][]string{{"ses", "class"}},
		}, ok, 0},
		{"HC3, weights", tall, estimators.IV{
			Formula: "score ~ ses + girl:age | block | girl:class + class ~ coaching + girl:coaching + girl", Weights: "weight", SE: hc3, Report: []string{"class", "girl:class"},
		}, ok, 0},
		{"HC2, school rows", tall, estimators.IV{
			Formula: "attendance ~ rural | founded ~ coaching", SE: hc2, Report: []string{"founded", "rural", "(Intercept)"},
		}, ok, 0},
		{"Anderson-Rubin, CR2", tall, estimators.IV{
			Formula: "c(score, reading) ~ ses | block | class ~ coaching", Cluster: "school", SE: cr2, Test: ar, Report: []string{"class", "ses"},
		}, ok, 0},
		{"Anderson-Rubin, HC3", tall, estimators.IV{
			Formula: "score ~ ses | class ~ coaching", Where: "girl == 0", SE: hc3, Test: ar, Report: []string{"class"},
		}, ok, 0},
		{"Anderson-Rubin, clusters", tall, estimators.IV{
			Formula: "c(score, reading) ~ ses | block | class ~ coaching", Cluster: "school", SE: cr1, Test: ar, Report: []string{"class", "ses"},
		}, ok, 0},
		{"Anderson-Rubin, rows", tall, estimators.IV{
			Formula: "score ~ ses | class ~ coaching", Where: "girl == 0", SE: hc1, Test: ar, Report: []string{"class"},
		}, ok, 0},
		{"Anderson-Rubin, classical", tall, estimators.IV{
			Formula: "score ~ ses | class ~ coaching + founded + rural", SE: classical, Test: ar, Report: []string{"class"},
		}, ok, 0},
		{"Anderson-Rubin, inflated", tall, estimators.IV{
			Formula: "score ~ ses + near4 | class ~ coaching + founded", SE: classical, Test: ar, Report: []string{"class"},
		}, ok, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			tolerance := 1e-10
			if c.loose > 0 {
				tolerance = c.loose
			}
			for seed := range uint64(2) {
				d, shape := c.design.Draw(seed), c.design.Shape()
				panel, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: c.iv}}, shape, lists)
				if err != nil {
					t.Fatal(err)
				}
				got := panel.Fit(d)
				want, err := estimatortest.IV(c.iv, d, shape, lists)
				if err != nil {
					t.Fatal(err)
				}
				if err := estimatortest.Compare(panel.Rows(), got, want, tolerance); err != nil {
					t.Error(err)
				}
				if got[0].Status != c.status {
					t.Errorf("status %s, want %s", got[0].Status, c.status)
				}
			}
		})
	}
}

// The ends of an Anderson-Rubin interval have the p-value 1 - level, and so do
// the ends of its complement where it is not an interval.
func TestAndersonRubinInterval(t *testing.T) {
	weak := estimatortest.Design{Blocks: 3, Schools: 6, Teachers: 2, Children: 4, Effect: 0.3, Shared: 0.5}
	found := map[string]int{}
	for _, o := range []estimators.IV{
		{Formula: "score ~ ses | class ~ coaching", Cluster: "school", SE: cr1},
		{Formula: "score ~ ses | block | class ~ coaching", SE: hc1},
		{Formula: "score ~ ses | class ~ coaching + founded", SE: classical},
		{Formula: "score ~ ses | block | class ~ coaching", SE: hc2},
		{Formula: "score ~ ses | class ~ coaching", Cluster: "school", SE: cr2},
	} {
		o.Test, o.Report = ar, []string{"class"}
		for seed := range uint64(12) {
			d, shape := weak.Draw(seed), weak.Shape()
			panel, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: o}}, shape, nil)
			if err != nil {
				t.Fatal(err)
			}
			e := panel.Fit(d)[0]
			p := func(null float64) float64 {
				p, err := estimatortest.AndersonRubin(o, d, shape, nil, 0, null)
				if err != nil {
					t.Fatal(err)
				}
				return p
			}
			if !e.Status.Worked() || !e.Exists() {
				t.Fatalf("%s: %+v", o.Formula, e)
			}
			switch {
			case e.Low > e.High:
				found["empty"]++
				if p(e.Value) >= 0.05 {
					t.Errorf("%s, seed %d: empty, but %g is not rejected", o.Formula, seed, e.Value)
				}
			case math.IsInf(e.Low, -1) && math.IsInf(e.High, 1):
				found["unbounded"]++
				if p(1e8) < 0.05 || p(-1e8) < 0.05 {
					t.Errorf("%s, seed %d: unbounded, but far values are rejected", o.Formula, seed)
				}
			default:
				found["interval"]++
				width := e.High - e.Low
				for _, end := range []struct{ at, out float64 }{{e.Low, -width}, {e.High, width}} {
					if got := p(end.at); math.Abs(got-0.05) > 1e-8 {
						t.Errorf("%s, seed %d: p %.10f at %g, want 0.05", o.Formula, seed, got, end.at)
					}
					if p(end.at+end.out) >= 0.05 || p(end.at-end.out/10) <= 0.05 {
						t.Errorf("%s, seed %d: [%g, %g] is not the set", o.Formula, seed, e.Low, e.High)
					}
				}
				if inside := e.Low <= 0 && 0 <= e.High; inside != (e.P >= 0.05) {
					t.Errorf("%s, seed %d: p %g and [%g, %g]", o.Formula, seed, e.P, e.Low, e.High)
				}
			}
		}
	}
	if found["interval"] < 5 || found["unbounded"] < 5 {
		t.Errorf("the cases are too few: %v", found)
	}
}

func TestIVBindErrors(t *testing.T) {
	shape := estimatortest.Small.Shape()
	for _, c := range []struct {
		iv   estimators.Method
		want string
	}{
		{estimators.IV{Formula: "score ~ ses"}, "at character 12: there are no instruments"},
		{estimators.IV{Formula: "score ~ 1 | class + ses ~ coaching"}, "at character 13: 2 endogenous regressors need as many instruments; here are 1"},
		{estimators.IV{Formula: "score ~ class | class ~ coaching"}, `at character 17: "class" is an exogenous regressor already and cannot be an endogenous regressor too`},
		{estimators.IV{Formula: "score ~ 1 | class ~ class"}, `at character 21: "class" is an endogenous regressor already and cannot be an instrument too`},
		{estimators.IV{Formula: "score ~ (1 | school) | class ~ coaching"}, "no random effects"},
		{estimators.IV{Formula: "score ~ 1 | class ~ coachin"}, `did you mean "coaching"?`},
		{estimators.IV{Formula: "class ~ 1 | ses ~ coaching"}, `at character 13: "ses" is a child column`},
		{estimators.IV{Formula: "score ~ 1 | class ~ coaching", SE: fixest, Cluster: "school"}, "CR1-fixest is not defined for instruments here; CR1 is"},
		{estimators.IV{Formula: "score ~ 1 | class ~ coaching", SE: cr1}, "CR1 needs clusters"},
		{estimators.IV{Formula: "score ~ 1 | class ~ coaching", Report: []string{"coaching"}}, `"coaching" is an instrument`},
		{estimators.IV{Formula: "score ~ 1 | class ~ coaching", Joint: [][]string{{"coaching"}}}, `joint[0]: "coaching" is an instrument`},
		{estimators.IV{Formula: "score ~ 1 | class + ses ~ coaching + age", Test: ar}, "is for one endogenous regressor"},
		{estimators.IV{Formula: "score ~ 1 | class ~ coaching + age", Test: ar, SE: hc1}, "takes one instrument"},
		{estimators.IV{Formula: "score ~ ses:age + ses | class:age + class ~ coaching", Report: []string{"class"}}, "need as many instruments"},
		{estimators.IV{Formula: "score ~ class:founded:girl + girl + girl:founded + class:girl | class ~ coaching:founded", Report: []string{"class", "nothing"}}, `"nothing" is not a term`},
		{estimators.IV{Formula: "score ~ 1 | class ~ coaching", Report: []string{"class"}, Joint: [][]string{{}}}, "a joint test needs terms"},
		{estimators.OLS{Formula: "score ~ ses | class ~ coaching", Report: []string{"ses"}}, "at character 15: this method has no instruments; kind: iv"},
		{estimators.Mixed{Formula: "score ~ (1 | school) | block | class ~ coaching", Report: []string{"class"}}, "kind: iv"},
		{estimators.WildBootstrap{OLS: estimators.OLS{Formula: "score ~ ses | class ~ coaching", Cluster: "school", SE: cr1, Report: []string{"ses"}}, Draws: 99}, "kind: iv"},
	} {
		_, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: c.iv}}, shape, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.iv, err, c.want)
		}
	}
}

// With an instrument that is the endogenous regressor on another scale,
// two-stage least squares is least squares.
func TestIVIsOLS(t *testing.T) {
	shape := estimatortest.Small.Shape()
	for _, se := range []estimators.SE{classical, hc0, hc1, hc2, hc3, cr0, cr1, cr2, cr3} {
		cluster := ""
		if se >= cr0 {
			cluster = "school"
		}
		report := []string{"class", "ses", "age^2"}
		panel, err := estimators.Bind([]estimators.Named{
			{Name: "iv", Method: estimators.IV{Formula: "score ~ ses + age + age^2 | block | class ~ std(class)", Cluster: cluster, SE: se, Report: report}},
			{Name: "ols", Method: estimators.OLS{Formula: "score ~ ses + age + age^2 + class | block", Cluster: cluster, SE: se, Report: report}},
		}, shape, nil)
		if err != nil {
			t.Fatal(err)
		}
		for seed := range uint64(5) {
			got := panel.Fit(estimatortest.Small.Draw(seed))
			if err := estimatortest.Compare(panel.Rows()[:3], got[:3], got[4:], 1e-10); err != nil {
				t.Errorf("%s: %v", se, err)
			}
			if got[3].Status != estimators.PerfectStage || got[3].Status.Failed() {
				t.Errorf("a perfect first stage: %+v", got[3])
			}
		}
	}
}

// Under the null the Anderson-Rubin test rejects 5% of the time even where the
// instrument does nothing. The bounds are 4.4 standard errors wide.
func TestAndersonRubinSize(t *testing.T) {
	null := estimatortest.Design{Blocks: 4, Schools: 40, Teachers: 1, Children: 3}
	var methods []estimators.Named
	for _, o := range []estimators.IV{
		{Formula: "score ~ ses | block | class ~ coaching", Cluster: "school", SE: cr1},
		{Formula: "score ~ ses | class ~ coaching", SE: hc1},
		{Formula: "score ~ 1 | class ~ coaching + rural + founded", SE: classical},
	} {
		o.Test, o.Report = ar, []string{"class"}
		methods = append(methods, estimators.Named{Name: o.Formula, Method: o})
	}
	panel, err := estimators.Bind(methods, null.Shape(), nil)
	if err != nil {
		t.Fatal(err)
	}
	const draws = 1000
	rejected := make([]float64, len(panel.Rows()))
	for seed := range uint64(draws) {
		for i, e := range panel.Fit(null.Draw(seed)) {
			if !e.Status.Worked() {
				t.Fatalf("%s: %s", panel.Rows()[i].Term, e.Status)
			}
			if e.P < 0.05 {
				rejected[i]++
			}
		}
	}
	for i, row := range panel.Rows() {
		if row.Term != "class" && !strings.Contains(row.Estimator, "block") {
			continue // the children of a class share it: that first stage needs clusters
		}
		if rate := rejected[i] / draws; math.Abs(rate-0.05) > 4.4*math.Sqrt(0.05*0.95/draws) {
			t.Errorf("%s, %s: size %.3f, want 0.05", row.Estimator, row.Term, rate)
		}
	}
}

// When the level rises the interval shrinks.
func TestAndersonRubinLevel(t *testing.T) {
	design := estimatortest.Design{Blocks: 8, Schools: 10, Teachers: 2, Children: 8, Effect: 1}
	panel, err := estimators.Bind([]estimators.Named{{Name: "iv", Method: estimators.IV{
		Formula: "score ~ 1 | class ~ coaching", Cluster: "school", SE: cr1, Test: ar, Report: []string{"class"},
	}}}, design.Shape(), nil)
	if err != nil {
		t.Fatal(err)
	}
	d := design.Draw(1)
	wide := panel.Fit(d)[0]
	panel.SetAlpha(0.5)
	narrow := panel.Fit(d)[0]
	if !(wide.Low < narrow.Low && narrow.Low < wide.Value && wide.Value < narrow.High && narrow.High < wide.High) {
		t.Errorf("%+v at 0.05, %+v at 0.5", wide, narrow)
	}
}

// The set that invert returns is that of the inequality, at points near its
// ends and far from them.
func TestInvertAndersonRubin(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	found := map[string]int{}
	for range 20000 {
		whole := func() float64 { return float64(r.IntN(9)) } // equalities occur
		excess, strength, v0, v2, limit := whole(), whole(), whole(), whole(), whole()
		v1 := (2*r.Float64() - 1) * math.Sqrt(v0*v2)
		if r.IntN(4) == 0 {
			excess = 0
		}
		got := estimators.InvertAndersonRubin(excess, strength, v0, v1, v2, limit)
		inside := func(x float64) bool { return excess+x*x*strength <= limit*(v0-2*x*v1+x*x*v2) }
		low, high := math.IsInf(got.Low, -1), math.IsInf(got.High, 1)
		wrong := false
		switch {
		case math.IsNaN(got.Low) || math.IsNaN(got.High):
			wrong = true
		case got.Low > got.High:
			found["empty"]++
			for x := -20.0; x <= 20; x++ {
				wrong = wrong || inside(x)
			}
		case low && high: // all, or all but an interval
			found["unbounded"]++
			wrong = !inside(1e9) && !inside(-1e9)
		case low:
			found["half-line"]++
			wrong = !inside(got.High-1) || inside(got.High+1)
		case high:
			found["half-line"]++
			wrong = !inside(got.Low+1) || inside(got.Low-1)
		default:
			found["interval"]++
			width := max(got.High-got.Low, 1e-3)
			wrong = width > 1e-3 && !inside((got.Low+got.High)/2) || inside(got.Low-width) || inside(got.High+width)
		}
		if wrong {
			t.Errorf("%v x² %v, %v %v %v, limit %v: %v", excess, strength, v0, v1, v2, limit, got)
		}
	}
	for _, kind := range []string{"empty", "unbounded", "half-line", "interval"} {
		if found[kind] < 20 {
			t.Errorf("the cases are too few: %v", found)
		}
	}
}

func TestIVDegenerate(t *testing.T) {
	design := estimatortest.Small
	shape := design.Shape()
	panel, err := estimators.Bind([]estimators.Named{{Name: "iv", Method: estimators.IV{
		Formula: "score ~ ses | class ~ coaching", Cluster: "cohort", SE: cr1, Test: ar, Report: []string{"class"},
	}}}, shape, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, column string
		value        func(i int, v float64) float64
		want         estimators.Status
	}{
		{"nothing wrong", "cohort", func(_ int, v float64) float64 { return v }, estimators.OK},
		{"one cluster", "cohort", func(int, float64) float64 { return 1 }, estimators.TooFewClusters},
		{"no cluster", "cohort", func(int, float64) float64 { return -1 }, estimators.NotFinite},
		{"constant instrument", "coaching", func(int, float64) float64 { return 1 }, estimators.Collinear},
		{"constant endogenous regressor", "class", func(int, float64) float64 { return 4.5 }, estimators.Collinear},
		{"constant outcome", "score", func(int, float64) float64 { return 3 }, estimators.NoVariation},
		{"constant nuisance", "ses", func(int, float64) float64 { return 0.3 }, estimators.Reduced},
		{"endless instrument", "coaching", func(int, float64) float64 { return math.Inf(1) }, estimators.NotFinite},
	} {
		d := design.Draw(3)
		column := d.Columns[shape.Index(c.column)]
		for i, v := range column {
			column[i] = c.value(i, v)
		}
		for i, e := range panel.Fit(d) {
			if e.Status != c.want || !e.Status.Worked() && e.Exists() {
				t.Errorf("%s, %s: %+v, want %s", c.name, panel.Rows()[i].Term, e, c.want)
			}
		}
	}
	perfect := design.Draw(3) // score is a line in class
	classes := perfect.Columns[shape.Index("class")]
	for i := range perfect.Children() {
		perfect.Columns[shape.Index("score")][i] = 2 * classes[perfect.Ancestor(dgp.ChildLevel, i, dgp.TeacherLevel)]
	}
	if e := panel.Fit(perfect)[0]; e.Status != estimators.NoResidual {
		t.Errorf("a perfect fit: %+v", e)
	}
}

func TestIVTestNames(t *testing.T) {
	for _, name := range estimators.Wald.Names() {
		var test estimators.IVTest
		if err := test.UnmarshalText([]byte(strings.ToUpper(name))); err != nil {
			t.Error(err)
		}
		if text, err := test.MarshalText(); err != nil || string(text) != name {
			t.Errorf("%q, %v, want %q", text, err, name)
		}
	}
	test := ar
	if err := test.UnmarshalText([]byte("lr")); err == nil || err.Error() != `"lr" is not a test; the tests are wald and ar` {
		t.Error(err)
	}
}

// The coefficient of one endogenous column is a ratio of effects where its
// instruments are an arm, and nothing that the arm changes is held fixed.
func TestIVTarget(t *testing.T) {
	for _, c := range []struct {
		formula, where string
		per            string
	}{
		{"score ~ ses + age | block | class ~ coaching", "", "class"},
		{"std(score) ~ 1 | class ~ coaching", "girl == 1", "class"},
		{"score ~ ses | block | class ~ coaching + coaching:region", "", "class"},
		{"score ~ ses | class ~ coaching*region", "", ""},
		{"score ~ ses | class ~ coaching + coaching:rural", "", ""},
		{"score ~ ses | class ~ coaching + founded", "", ""},
		{"score ~ ses | class ~ rural", "", ""},
		{"score ~ coaching:ses | class ~ coaching", "", ""},
		{"score ~ ses + reading | class ~ coaching", "", ""},
		{"score ~ ses | std(class) ~ coaching", "", ""},
		{"score ~ ses - 1 | class ~ coaching", "", ""},
		{"score ~ age | ses ~ coaching", "", ""},
		{"ses ~ age | class ~ coaching", "", ""},
		{"score ~ ses | class + attendance ~ coaching + founded", "", ""},
		{"score ~ ses | class ~ coaching", "passed == 1", ""},
	} {
		f, err := estimators.ParseFormula(c.formula, nil)
		if err != nil {
			t.Fatal(err)
		}
		o := estimators.IV{Formula: c.formula, Where: c.where, SE: estimators.HC1, Report: []string{f.Endogenous[0].String(), "ses"}}
		if !strings.Contains(c.formula, "ses +") && !strings.Contains(c.formula, "~ ses") {
			o.Report = o.Report[:1]
		}
		panel, err := estimators.Bind([]estimators.Named{{Name: "iv", Method: o}}, estimatortest.Small.Shape(), nil)
		if err != nil {
			t.Fatalf("%s: %v", c.formula, err)
		}
		for i, row := range panel.Rows() {
			switch {
			case i == 0 && c.per != "":
				if row.Target == nil || row.Target.Per != c.per || row.Target.Arm != "coaching" || row.Target.Outcome != f.Outcomes[0].Text || row.Target.Where != c.where {
					t.Errorf("%s: target %+v", c.formula, row.Target)
				}
			case row.Target != nil:
				t.Errorf("%s: %s has the target %+v", c.formula, row.Term, row.Target)
			}
		}
	}
}
