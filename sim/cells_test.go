package sim_test

import (
	"math"
	"slices"
	"testing"

	"coachsim/configs"
	"coachsim/sim"
)

// In a factorial trial the effect of a treatment is averaged over the arms of
// the other; in one of three arms, and of a difference in means, it is against
// control; and another arm can choose the rows. With effects that are constant and known the truth has no
// Monte Carlo error, but for the average over who is in which arm.
func TestPopulationEffectsByArm(t *testing.T) {
	text, _ := configs.Preset("few-clusters")
	settings := []configs.Setting{
		{Key: "sweep", Value: "{}"}, {Key: "trial.schools", Value: "20"},
		{Key: "achievement.effect.mean", Value: "[0.3]"},
		{Key: "achievement.arm_effects", Value: "{materials: {mean: [0.1]}, coaching+materials: {mean: [0.2]}}"},
		{Key: "estimators", Value: `[
			{name: both, kind: ols, formula: reading ~ coaching + materials, se: HC1, report: [coaching, materials]},
			{name: means, kind: difference-in-means, formula: reading ~ coaching + materials},
			{name: alone, kind: ols, formula: reading ~ coaching, where: materials == 0, se: HC1, report: [coaching]},
			{name: self, kind: ols, formula: reading ~ coaching, where: coaching == 0, se: HC1, report: [coaching]}]`},
	}
	for _, c := range []struct {
		arms, assignment string
		want             map[string]float64
	}{
		// A quarter of the children in every arm: half of each factor has the other.
		{"[control, coaching, materials, coaching+materials]", "{kind: complete}",
			map[string]float64{"both/reading/coaching": 0.4, "both/reading/materials": 0.2, "alone/reading/coaching": 0.3, "means/reading/coaching": 0.3, "means/reading/materials": 0.1}},
		// 0.3 of the schools have materials, 0.4 coaching.
		{"[control, coaching, materials, coaching+materials]", "{kind: complete, shares: {control: 0.4, coaching: 0.3, materials: 0.2, coaching+materials: 0.1}}",
			map[string]float64{"both/reading/coaching": 0.36, "both/reading/materials": 0.18, "alone/reading/coaching": 0.3, "means/reading/coaching": 0.3, "means/reading/materials": 0.1}},
		{"[control, coaching, materials]", "{kind: blocked}",
			map[string]float64{"both/reading/coaching": 0.3, "both/reading/materials": 0.1, "alone/reading/coaching": 0.3, "means/reading/coaching": 0.3, "means/reading/materials": 0.1}},
	} {
		all := append(slices.Clone(settings), configs.Setting{Key: "primary", Value: "{estimator: alone}"}, configs.Setting{Key: "trial.arms", Value: c.arms}, configs.Setting{Key: "trial.assignment", Value: c.assignment})
		if c.arms == "[control, coaching, materials]" {
			all = append(all, configs.Setting{Key: "achievement.arm_effects", Value: "{materials: {mean: [0.1]}}"})
		}
		study, err := configs.Load("few-clusters", text, all)
		if err != nil {
			t.Fatal(err)
		}
		got := sim.PopulationEffects(t, study, 1)
		if e := got["self/reading/coaching"]; !math.IsNaN(e.Value) {
			t.Errorf("an arm that chooses its own rows has an effect, %g", e.Value)
		}
		for name, want := range c.want {
			// Classes have 20 children each, so that shares of schools are those of children.
			if e := got[name]; !(math.Abs(e.Value-want) < 1e-9) {
				t.Errorf("%s, %s: the population effect of %s is %.6f (MCSE %.6f), want %g", c.arms, c.assignment, name, e.Value, e.MCSE, want)
			}
		}
	}
}
