package dgp_test

import (
	"fmt"
	"math"
	"testing"

	"coachsim/dgp"
)

// One effect sets the means of all arms, whatever they were, and nothing else:
// with every other effect and slope taken out, all potential outcomes of a plain
// arm lie that far from control, those of a combined arm as far as its parts
// together; and what else an arm does stays.
func TestEffectOfEveryArm(t *testing.T) {
	for _, effect := range []float64{0, 0.2} {
		one := factorial()
		one.Effect = &effect
		same := factorial()
		for arm, own := range same.Achievement.ArmEffects {
			own.Mean = nil
			if arm == "money" {
				own.Mean = []float64{effect, effect, effect, effect, effect}
			}
			same.Achievement.ArmEffects[arm] = own
		}
		same.Achievement.Effect.Mean = []float64{effect, effect, effect, effect, effect}
		a, b := compile(t, one), compile(t, same)
		for rep := range uint64(3) {
			da, ta := a.Draw(dgp.Stream{Seed: 3, Replicate: rep})
			db, tb := b.Draw(dgp.Stream{Seed: 3, Replicate: rep})
			for c := range da.Columns {
				column := a.Shape().Columns[c]
				if !sameBits(da.Columns[c], db.Columns[c]) {
					t.Fatalf("effect %g: column %s differs", effect, column.Name)
				}
				for arm := 0; arm < len(one.Design.Arms) && a.HasPotential(c); arm++ {
					ya, yb := ta.Potential(make([]float64, a.Shape().Max[column.Level]), c, arm), tb.Potential(make([]float64, a.Shape().Max[column.Level]), c, arm)
					if !sameBits(ya, yb) {
						t.Fatalf("effect %g: potential %s in %s differs", effect, column.Name, one.Design.Arms[arm])
					}
				}
			}
		}

		plain := factorial()
		plain.Effect = &effect
		plain.Achievement.Points = true
		plain.Achievement.Slope = dgp.Slopes{}
		plain.Achievement.Effect.Bottom = 0
		plain.Achievement.ArmEffects = map[string]dgp.ArmTestEffect{"mentoring+money": {TestEffect: dgp.TestEffect{Mean: []float64{9, 9, 9, 9, 9}}}}
		g := compile(t, plain)
		_, truth := g.Draw(dgp.Stream{Seed: 3})
		for _, test := range plain.Achievement.Tests {
			c := g.Shape().Index(test)
			room := func() []float64 { return make([]float64, g.Shape().Max[dgp.ChildLevel]) }
			control := truth.Potential(room(), c, 0)
			for arm, times := range []float64{0, 1, 1, 2} {
				for i, y := range truth.Potential(room(), c, arm) {
					if math.Abs(y-control[i]-times*effect) > 1e-12 {
						t.Fatalf("%s, %s: child %d moves by %g, not %g", test, plain.Design.Arms[arm], i, y-control[i], times*effect)
					}
				}
			}
		}
	}
}

// A test whose effect is a difference in means has the effect on its latent score.
func TestEffectInsteadOfDifference(t *testing.T) {
	difference, zero := 0.1, 0.0
	trial := factorial()
	trial.Achievement.Outcomes = map[string]dgp.Outcome{trial.Achievement.Tests[1]: dgp.Binary{Prevalence: 0.4, Difference: &difference}}
	trial.Achievement.Effect = dgp.TestEffect{}
	trial.Achievement.ArmEffects = nil
	trial.Achievement.Slope = dgp.Slopes{}
	trial.Effect = &zero
	g := compile(t, trial)
	_, truth := g.Draw(dgp.Stream{Seed: 3})
	c := g.Shape().Index(trial.Achievement.Tests[1])
	y0 := truth.Potential(make([]float64, g.Shape().Max[dgp.ChildLevel]), c, 0)
	y1 := truth.Potential(make([]float64, g.Shape().Max[dgp.ChildLevel]), c, 1)
	if !sameBits(y0, y1) {
		t.Error("an effect of 0 moves a binary test")
	}
}

func sameBits(a, b []float64) bool { return fmt.Sprint(a) == fmt.Sprint(b) }
