package sim

import (
	"math"
	"strings"
	"testing"
)

// A closed form is far from the simulated power where neither chance nor what is known of
// approximations explains it; of several the farthest is named.
func TestFarFromFormula(t *testing.T) {
	row := func(name string, simulated, formula float64, n int) SummaryRow {
		r := SummaryRow{Estimator: name, Outcome: "reading", Term: "coaching", Measures: Measures{Power: simulated, N: n}}
		r.AnalyticPower, r.AnalyticZ = math.NaN(), math.NaN()
		if !math.IsNaN(formula) {
			r.holdAgainst(formula)
		}
		return r
	}
	near := []SummaryRow{
		row("chance", 0.70, 0.60, 100),         // 10 points, z = 2.0
		row("approximate", 0.54, 0.50, 100000), // 4 points, z = 25
		row("none", 0.5, math.NaN(), 1000),
	}
	if far := (Summary{Rows: near}).FarFromFormula(); far != "" {
		t.Errorf("none is far: %s", far)
	}
	far := Summary{Rows: append(near, row("off", 0.30, 0.50, 1000), row("farthest", 0.755, 0.509, 2000), row("above", 0.6, 0.5, 2000))}.FarFromFormula()
	for _, want := range []string{"farthest is 24.6 points", "coaching on reading", "z = 22.0"} {
		if !strings.Contains(far, want) {
			t.Errorf("%q is not in: %s", want, far)
		}
	}
}
