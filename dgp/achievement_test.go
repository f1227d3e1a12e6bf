package dgp_test

import (
	"testing"

	"coachsim/dgp"
)

// The tests of a class, test by test, are those of its children one by one, to the
// last bit: with the parts of levels and a baseline, and with combined arms.
func TestClassesAreScoredAsChildren(t *testing.T) {
	factorial := plain()
	factorial.Design.Arms = []string{"control", "coaching", "books", "coaching+books"}
	factorial.Design.Assignment = dgp.Blocked{Shares: map[string]float64{"coaching": 0.25, "books": 0.25, "coaching+books": 0.25}}
	factorial.Achievement.ArmEffects = map[string]dgp.ArmTestEffect{"books": {TestEffect: dgp.TestEffect{Mean: []float64{0.3, -0.1}, Bottom: 0.4}}}
	factorial.Covariates = []dgp.Covariate{{Name: "girl", Level: dgp.ChildLevel, Law: dgp.Bernoulli{Mean: 0.5}, Slope: 0.2}}
	for name, trial := range map[string]dgp.Trial{"ecuador": ecuador(t), "words": words(), "factorial": factorial} {
		byClass := compile(t, trial)
		trial.Achievement.Effect.By = map[string]float64{"girl": 0} // effects that vary are added child by child
		byChild := compile(t, trial)
		for rep := range uint64(2) {
			st := dgp.Stream{Seed: 7, Replicate: rep}
			byClass.Draw(st)
			byChild.Draw(st)
			want := byChild.Drawn().Score
			for arm, tests := range byClass.Drawn().Score {
				for k, scores := range tests {
					if len(scores) < 100 {
						t.Fatalf("%s: %d children", name, len(scores))
					}
					for i, x := range scores {
						if x != want[arm][k][i] {
							t.Fatalf("%s, replicate %d: child %d has %v in test %d of world %d, one by one %v", name, rep, i, x, k, arm, want[arm][k][i])
						}
					}
				}
			}
		}
	}
}
