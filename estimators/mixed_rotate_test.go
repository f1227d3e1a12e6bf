package estimators_test

import (
	"math"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/estimators/estimatortest"
)

// A model written in columns that are far from zero and all but collinear, or
// with an outcome that they explain all but wholly, gives what the same model
// gives in plain ones. The columns are multiples of powers of 2, so that the two
// are the same model to the last digit:
//
//	far = ses + 2^16, close = far + 2^-17 near, score' = score + 2^16 + 2^12 ses
func TestMixedLosesNoDigits(t *testing.T) {
	const shift, apart, slope = 1 << 16, 1.0 / (1 << 17), 1 << 12
	design := estimatortest.Design{Blocks: 6, Schools: 5, Teachers: 2, Children: 4, Effect: 0.3, Shared: 0.6, Varying: 1.2}
	shape := design.Shape()
	ses, age, score := shape.Index("ses"), shape.Index("age"), shape.Index("score")
	names := []string{"plain", "wave", "far", "close", "moved", "explained"}
	first := len(shape.Columns)
	for _, name := range names {
		shape.Columns = append(shape.Columns, dgp.Column{Name: name, Level: dgp.ChildLevel, PostTreatment: name == "moved" || name == "explained"})
	}
	shape.Columns[score].Center = 0
	grid := func(x, step float64) float64 { return step * math.Round(x/step) }
	for _, effects := range []string{"(1 | school)", "(1 | school/teacher) | block", "(1 + coaching | block) + (1 | school)", "(0 + coaching | block) + (1 + plain || school) | block"} {
		for _, rule := range []estimators.MixedDF{satterth, kenwardRoger} {
			d := design.Draw(4)
			columns := make([][]float64, len(names))
			for i, x := range d.Columns[ses] {
				y := grid(d.Columns[score][i], 1.0/(1<<10))
				plain, wave := grid(x, 1.0/(1<<10)), grid(d.Columns[age][i]-84, 1.0/(1<<6))
				d.Columns[score][i] = y
				for k, v := range []float64{plain, wave, plain + shift, plain + shift + apart*wave, y + shift, y + slope*plain} {
					columns[k] = append(columns[k], v)
				}
			}
			d.Columns = append(d.Columns[:first:first], columns...)
			fit := func(formula string, report ...string) []estimators.Estimate {
				return fitMixed(t, estimators.Mixed{Formula: formula + " + " + effects, DF: rule, Report: report, Joint: [][]string{report}}, d, shape)
			}
			want := fit("score ~ coaching + plain + wave", "coaching", "plain", "wave")
			for _, c := range []struct {
				formula string
				report  []string
				scale   []float64 // by which the estimates are larger
				add     []float64
				of      []int // the same estimate in want
			}{
				{"moved ~ coaching + far + close", []string{"coaching", "close"}, []float64{1, 1 / apart}, []float64{0, 0}, []int{0, 2}},
				{"score ~ coaching + far + wave", []string{"coaching", "far", "wave"}, []float64{1, 1, 1}, []float64{0, 0, 0}, []int{0, 1, 2}},
				{"explained ~ coaching + plain + wave", []string{"coaching", "plain", "wave"}, []float64{1, 1, 1}, []float64{0, slope, 0}, []int{0, 1, 2}},
				{"explained ~ coaching + far + close", []string{"coaching", "close"}, []float64{1, 1 / apart}, []float64{0, 0}, []int{0, 2}},
			} {
				got := fit(c.formula, c.report...)
				for i, of := range c.of {
					g, w := got[i], want[of]
					if !w.Status.Worked() || g.Status != w.Status {
						t.Errorf("%s + %s, %s: status %s, want %s", c.formula, effects, c.report[i], g.Status, w.Status)
						continue
					}
					value, se := (g.Value-c.add[i])/c.scale[i], g.SE/c.scale[i]
					if !agree(value, w.Value, w.SE, 1e-6) || !agree(se, w.SE, w.SE, 1e-6) || !agree(g.DF, w.DF, w.DF, 1e-5) {
						t.Errorf("%s + %s, %s, %s: %v (%v), df %v; want %v (%v), df %v", c.formula, effects, rule, c.report[i], value, se, g.DF, w.Value, w.SE, w.DF)
					}
				}
				if last := len(c.report); last == 3 && c.add[1] == 0 && !agree(got[last].Value, want[last].Value, want[last].Value, 1e-6) {
					t.Errorf("%s + %s, %s: F %v, want %v", c.formula, effects, rule, got[last].Value, want[last].Value)
				}
			}
		}
	}
}
