package sim_test

import (
	"math"
	"testing"

	"coachsim/configs"
	"coachsim/sim"
)

const threeArms = `
aim: Does coaching do more than training?
trial:
  blocks: 2
  schools: 12
  children: {mean: 6}
  tested: 6
  arms: [control, training, coaching]
  assignment: {kind: blocked}
achievement:
  tests: [reading]
  icc: {school: 0.1}
  effect: {mean: [0.1], bottom: 0.2}
  arm_effects: {coaching: {mean: [0.25]}}
  points: true
estimators:
  - {name: ols, kind: ols, formula: reading ~ training + coaching | block, cluster: school, se: CR2, report: [training, coaching, coaching - training, 0.5 * coaching + 0.5 * training]}
  - {name: lin, kind: lin, formula: reading ~ training + coaching | block, cluster: school, report: [training, coaching, coaching - training]}
`

// The truth of a contrast is the contrast of the truths, also in a factorial
// trial, where an effect is averaged over the other treatment.
func TestTruthOfContrasts(t *testing.T) {
	for name, settings := range map[string][]configs.Setting{
		"three arms": nil,
		"factorial":  {{Key: "trial.arms", Value: "[control, training, coaching, training+coaching]"}, {Key: "achievement.arm_effects", Value: "{coaching: {mean: [0.25]}, training+coaching: {mean: [0.1]}}"}},
	} {
		study, err := configs.Load("three.yaml", []byte(threeArms), settings)
		if err != nil {
			t.Fatal(err)
		}
		got := sim.PopulationEffects(t, study, 2)
		for _, estimator := range []string{"ols", "lin"} {
			training, coaching := got[estimator+"/reading/training"].Value, got[estimator+"/reading/coaching"].Value
			if d := got[estimator+"/reading/coaching - training"].Value; !(math.Abs(d-(coaching-training)) < 1e-12) || name == "three arms" && !(math.Abs(d-0.15) < 1e-9) {
				t.Errorf("%s, %s: %v, the effects are %v and %v", name, estimator, d, coaching, training)
			}
			if mean := got[estimator+"/reading/0.5 * coaching + 0.5 * training"].Value; estimator == "ols" && !(math.Abs(mean-(coaching+training)/2) < 1e-12) {
				t.Errorf("%s: %v, the effects are %v and %v", name, mean, coaching, training)
			}
		}
	}
}
