package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"coachsim/configs"
	"coachsim/sim"
)

func newMDE(s streams) *cobra.Command {
	var f searchFlags
	var effect string
	c := &cobra.Command{
		Use:   "mde STUDY",
		Short: "Find the smallest effect that a design detects",
		Long: `Find the minimum detectable effect: the effect with which a test has the power
asked for, in the design of the study. The effect's key is set to one value after
the other (effect: that of every treatment on every test; where another key is a
list, every entry to the same), beginning at the one
that the standard error suggests; all share random draws. The answer is given in
the key's units and, where the test estimates a known effect, as the effect on
its outcome, each with its Monte Carlo standard error. Where the study declares a
family with the test, power is that after adjustment; what the key does to the
family's other outcomes counts there.`,
		Example: `  coachsim mde ecuador
  coachsim mde ecuador --test itt-class --effect quality.effect.shift
  coachsim mde my-trial.yaml --power 0.9 --replicates 5000 --set trial.schools=30`,
		Args:              cobra.ExactArgs(1),
		Annotations:       map[string]string{"wants": "one STUDY: a file, a built-in study's name, or -"},
		ValidArgsFunction: completePresets,
		RunE: func(c *cobra.Command, args []string) error {
			if len(f.tests) > 1 {
				return usageError("mde takes one --test")
			}
			design, study, tests, err := f.open(s, args[0])
			if err != nil {
				return err
			}
			if len(tests) > 1 {
				return usageError("--test %s: is a family of %d tests; mde takes one, such as %s", f.tests[0], len(tests), strings.Join([]string{tests[0].Estimator, tests[0].Outcome, tests[0].Term}, ":"))
			}
			if effect == "" {
				effect = effectKey(study, tests[0])
			}
			write, err := effectForm(design, study, effect)
			if err != nil {
				if hint := effectHint(study, effect, tests[0]); hint != "" { // a fault of the study in either form
					return usageError("--effect %s: %s", effect, hint)
				}
				return err
			}
			search := sim.EffectSearch{
				At: func(x float64) (sim.Study, error) {
					return design.At([]configs.Setting{{Key: effect, Value: write(x)}})
				},
				Test: tests[0], Power: f.power, Replicates: study.Replicates, Workers: f.workers,
				Tell: func(x float64, l sim.Looked) {
					if !f.quiet {
						fmt.Fprintf(s.talk, "%s=%.4g: %s\n", effect, x, powerSentence(l))
					}
				},
			}
			d, err := search.Find(c.Context())
			if errors.Is(err, sim.ErrUnmoved) {
				err = hinted(err, effectHint(study, effect, tests[0]))
			}
			if err != nil {
				return searched(c.Context(), s.talk, err)
			}
			if f.json {
				return f.writeMDEJSON(s, d, effect, tests[0])
			}
			fmt.Fprintf(s.out, "Minimum detectable effect of %s, with %g%% power at %g%%:\n%s\n", tests[0], 100*f.power, 100*study.Alpha, adjustment(study, tests))
			ofWhat, onWhom := takenUp(study, tests[0])
			if d.Effect != nil {
				fmt.Fprintf(s.out, "  %.4f (%.4f)  effect on %s%s\n", d.Effect.Value, d.Effect.MCSE, tests[0].Outcome, ofWhat)
			}
			each := ""
			if effect == everyEffect {
				each = ", of every treatment on every test"
			} else if strings.HasPrefix(write(1), "[") {
				each = ", each entry"
			}
			fmt.Fprintf(s.out, "  %.4f (%.4f)  %s%s%s\n\n", d.Key.Value, d.Key.MCSE, effect, each, onWhom)
			fmt.Fprintf(s.out, "Simulated at %.4g: %s. In parentheses: Monte Carlo standard errors.\n", d.At, powerSentence(d.Confirm))
			return nil
		},
	}
	f.add(c.Flags())
	c.Flags().StringVar(&effect, "effect", "", "the `KEY` of the effect (default effect, quality.effect.shift or quality.arm_effects.ARM.shift, by the test)")
	return c
}

// takenUp says, where not all who are assigned to an arm receive it, whether the effect
// that a test is of is that of assignment or of receipt, and on whom a study declares it.
func takenUp(study sim.Study, test sim.Test) (ofWhat, onWhom string) {
	rows, err := study.Rows()
	if err != nil { // it was simulated, so it binds
		return "", ""
	}
	c := study.Design.Compliance
	for _, row := range rows {
		target := row.Target
		switch {
		case row.Estimator != test.Estimator || row.Outcome != test.Outcome || row.Term != test.Term || target == nil || !c.Partial(target.Arm):
		case target.Per == "":
			return ", of assignment to " + target.Arm, ", on those who receive it"
		case c.IsReceipt(target.Per, target.Arm):
			return ", of receiving " + target.Arm, ", on those who receive it"
		}
	}
	return "", ""
}

// everyEffect is the key that sets the effects of all treatments on all tests.
const everyEffect = "effect"

// effectKey is the key of the effect that a test's outcome shows most directly.
func effectKey(study sim.Study, test sim.Test) string {
	var quality []string
	if !study.Observation.IsZero() {
		quality = slices.Concat(study.Quality.Domains, []string{study.Observation.Total})
	}
	if slices.ContainsFunc(quality, func(name string) bool { return strings.Contains(test.Outcome, name) }) {
		for _, arm := range strings.Split(test.Term, "+") {
			if _, own := study.Quality.ArmEffects[arm]; own {
				return "quality.arm_effects." + arm + ".shift"
			}
		}
		return "quality.effect.shift"
	}
	return everyEffect
}

// effectHint says which keys move a test where the key of an effect may not: the effects
// of arms of their own stand in place of those for all, and effect in place of both. It is
// "" where nothing of that kind is in the way.
func effectHint(study sim.Study, key string, test sim.Test) string {
	tests := strings.HasPrefix(key, "achievement.effect") || strings.HasPrefix(key, "achievement.arm_effects")
	if tests && study.Effect != nil {
		return "effect stands in place of " + key + "; use effect"
	}
	own := map[string]bool{}
	section := "quality"
	switch {
	case strings.HasPrefix(key, "achievement.effect"):
		section = "achievement"
		for arm := range study.Achievement.ArmEffects {
			own[arm] = true
		}
	case strings.HasPrefix(key, "quality.effect"):
		for arm := range study.Quality.ArmEffects {
			own[arm] = true
		}
	}
	var keys []string
	rest := strings.TrimPrefix(key, section+".effect")
	for _, arm := range study.Design.Arms {
		if own[arm] && (arm == test.Term || !own[test.Term]) {
			keys = append(keys, section+".arm_effects."+arm+rest)
		}
	}
	if len(keys) == 0 {
		return ""
	}
	return "arms with effects of their own take none from " + section + ".effect; use " + strings.Join(keys, " or ")
}

// hinted adds a hint to an error, if there is one.
func hinted(err error, hint string) error {
	if hint == "" {
		return err
	}
	return fmt.Errorf("%w; %s", err, hint)
}

// effectForm finds how the values of an effect's key are written: as a number,
// or as a list of equal numbers, one by test or by domain.
func effectForm(design *configs.Design, study sim.Study, key string) (func(x float64) string, error) {
	repeat := func(n int) func(float64) string {
		return func(x float64) string {
			return "[" + strings.Join(slices.Repeat([]string{writtenValue(x)}, n), ", ") + "]"
		}
	}
	forms := []func(float64) string{writtenValue, repeat(len(study.Achievement.Tests)), repeat(len(study.Quality.Domains))}
	var first error
	const small = 0.01
	for _, form := range forms {
		_, err := design.At([]configs.Setting{{Key: key, Value: form(small)}})
		if err == nil {
			return form, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

type mdeJSON struct {
	Schema     int        `json:"schema_version"`
	Test       [3]string  `json:"test"`
	Target     float64    `json:"target"`
	Effect     *float64   `json:"mde"`
	EffectMCSE *float64   `json:"mde_mcse"`
	Key        string     `json:"key"`
	Value      float64    `json:"value"`
	ValueMCSE  float64    `json:"value_mcse"`
	Trials     int        `json:"trials"`
	Confirmed  lookedJSON `json:"confirmed"`
}

func (f *searchFlags) writeMDEJSON(s streams, d sim.Detectable, key string, test sim.Test) error {
	j := mdeJSON{
		Schema: 1, Test: [3]string{test.Estimator, test.Outcome, test.Term}, Target: f.power,
		Key: key, Value: d.Key.Value, ValueMCSE: d.Key.MCSE, Trials: d.Trials,
		Confirmed: jsonOf(d.Confirm, []sim.VariedKey{{Key: key}}),
	}
	if d.Effect != nil {
		j.Effect, j.EffectMCSE = &d.Effect.Value, &d.Effect.MCSE
	}
	return writeJSON(s.out, j)
}
