package sim

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"coachsim/dgp"
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

// A reason that is longer than a line is broken, not cut.
func TestNotesOfFormulasAreWhole(t *testing.T) {
	study := unequalStudy(50)
	study.Design.Attrition.Loss.Child = dgp.Loss{Rate: map[string]float64{"control": 0.1, "coaching": 0.1}, Depends: map[string]float64{"ability": 0.5}}
	formulas, err := study.Formulas()
	must(t, err)
	if len(formulas.Formless()) == 0 {
		t.Fatal("a poor example: every estimate has a form")
	}
	var out strings.Builder
	must(t, formulas.WriteNotes(&out, 72))
	for line := range strings.Lines(out.String()) {
		if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > 72 {
			t.Errorf("longer than 72: %s", line)
		}
	}
	for _, note := range formulas.Formless() {
		if text := strings.Join(strings.Fields(out.String()), " "); !strings.Contains(text, note.Why+".") {
			t.Errorf("%q is not said: %s", note.Why, text)
		}
	}
}
