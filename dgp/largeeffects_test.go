package dgp_test

import (
	"strings"
	"testing"

	"coachsim/dgp"
)

// Effects that can only be points or percent are warned of, by key; those that are large
// in units in which a test varies as much are not.
func TestLargeEffects(t *testing.T) {
	warned := func(change func(*dgp.Trial)) string {
		trial := manyTeachers()
		trial.Effect, trial.Achievement.ArmEffects, trial.Quality.ArmEffects = nil, nil, nil
		change(&trial)
		return strings.Join(trial.Warnings(), "\n")
	}
	fifteen := 15.0
	for want, change := range map[string]func(*dgp.Trial){
		"effect 15 is an effect of 15 standard deviations of every test": func(t *dgp.Trial) { t.Effect = &fifteen },
		"achievement.effect.mean -3 is an effect of ":                    func(t *dgp.Trial) { t.Achievement.Effect.Mean = []float64{0.1, -3} },
		"achievement.arm_effects.mentoring.mean 4 is an effect of ": func(t *dgp.Trial) {
			t.Achievement.ArmEffects = map[string]dgp.ArmTestEffect{"mentoring": {TestEffect: dgp.TestEffect{Mean: []float64{4, 0.1}}}}
		},
		"quality.effect.shift 5 is an effect of 5 standard deviations of the observed score of ": func(t *dgp.Trial) { t.Quality.Effect.Shift = []float64{5, 0} },
	} {
		if got := warned(change); !strings.HasPrefix(got, want) || strings.Contains(got, "\n") {
			t.Errorf("warned %q, want %q", got, want)
		}
	}
	for name, change := range map[string]func(*dgp.Trial){
		"as it is": func(*dgp.Trial) {},
		"points": func(t *dgp.Trial) {
			t.Achievement.Residual = dgp.Matrix{{225}, {100, 225}}
			t.Achievement.Effect.Mean = []float64{15, 20}
		},
	} {
		if got := warned(change); got != "" {
			t.Errorf("%s: warned %q", name, got)
		}
	}
}
