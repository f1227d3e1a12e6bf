package estimators_test

import (
	"testing"
	"time"

	"coachsim/estimators"
	"coachsim/estimators/estimatortest"
)

// benchmarkMixed times the maximum likelihood fits of three outcomes on 200
// schools of 19 children, 13 regressors and 10 block effects. The cross-products
// that least squares needs too are not counted.
func benchmarkMixed(b *testing.B, random string, design estimatortest.Design, rule estimators.MixedDF) {
	d, shape := design.Draw(1), design.Shape()
	const terms = " ~ coaching + rural + founded + female + experience + girl + age + age^2 + ses + girl:ses + rural:ses + girl:rural + rural:female"
	report := []string{"coaching"}
	ols := estimators.Named{Name: "ols", Method: estimators.OLS{Formula: "c(score, reading, passed)" + terms + " | block", Report: report}}
	mixed := func(outcomes string) estimators.Named {
		return estimators.Named{Name: "mixed", Method: estimators.Mixed{Formula: outcomes + terms + " + " + random + " | block", Report: report, DF: rule}}
	}
	var panels []*estimators.Panel
	for _, methods := range [][]estimators.Named{{ols}, {ols, mixed("score")}, {ols, mixed("c(score, reading, passed)")}} {
		p, err := estimators.Bind(methods, shape, nil)
		if err != nil {
			b.Fatal(err)
		}
		for i, e := range p.Fit(d) {
			if !e.Status.Worked() {
				b.Fatalf("%v: %s", p.Rows()[i], e.Status)
			}
		}
		panels = append(panels, p)
	}
	// The least time of each is what it takes when nothing else runs.
	least := [3]time.Duration{time.Hour, time.Hour, time.Hour}
	b.ReportAllocs()
	for b.Loop() {
		for i, p := range panels {
			start := time.Now()
			p.Fit(d)
			least[i] = min(least[i], time.Since(start))
		}
	}
	outcome := float64((least[2] - least[1]).Nanoseconds()) / 2
	b.ReportMetric(outcome, "ns/outcome")
	b.ReportMetric(float64((least[1]-least[0]).Nanoseconds())-outcome, "ns/shared")
}

func BenchmarkREMLParts(b *testing.B) {
	benchmarkMixed(b, "(1 | school)", estimatortest.Design{Blocks: 10, Schools: 24, Teachers: 1, Children: 25, Effect: 0.2, Shared: 0.4}, estimators.Satterthwaite)
}

func BenchmarkREMLKenwardRoger(b *testing.B) {
	benchmarkMixed(b, "(1 | school)", estimatortest.Design{Blocks: 10, Schools: 24, Teachers: 1, Children: 25, Effect: 0.2, Shared: 0.4}, estimators.KenwardRoger)
}

func BenchmarkREMLNested(b *testing.B) {
	benchmarkMixed(b, "(1 | school/teacher)", estimatortest.Design{Blocks: 10, Schools: 24, Teachers: 3, Children: 13, Effect: 0.2, Shared: 0.4}, estimators.Satterthwaite)
}

func BenchmarkREMLSlopes(b *testing.B) {
	benchmarkMixed(b, "(0 + coaching | block) + (1 | school)", estimatortest.Design{Blocks: 10, Schools: 24, Teachers: 1, Children: 25, Effect: 0.2, Shared: 0.4, Varying: 0.3}, estimators.Satterthwaite)
}
