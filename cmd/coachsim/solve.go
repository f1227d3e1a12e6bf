package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"coachsim/sim"
)

func newSolve(s streams) *cobra.Command {
	var f searchFlags
	var vary string
	c := &cobra.Command{
		Use:   "solve STUDY --vary KEY=LOW:HIGH",
		Short: "Find the smallest design with a given power",
		Long: `Find the least value of one key of the study with which a test has the power
asked for (the greatest, where power falls with the key), among the values of a
range. Where the study declares a family with the test, that is power after
adjustment, as in a run.

A few designs are simulated briefly; a curve fitted to their power says where to
look next. Every design that the curve cannot rule out is then simulated in
full, with as many trials as the study has replicates, and so are the answer's
neighbours. All designs share random draws. Exit code 4 says that no design
of the range has the power; the best is shown.`,
		Example: `  coachsim solve ecuador --vary trial.schools=8:60
  coachsim solve my-trial.yaml --vary trial.schools=10:80:2 --test itt:reading --power 0.9
  coachsim solve my-trial.yaml --vary observation.segments=1:12 --test class-effect --json`,
		Args:              cobra.ExactArgs(1),
		Annotations:       map[string]string{"wants": "one STUDY: a file, a built-in study's name, or -"},
		ValidArgsFunction: completePresets,
		RunE: func(c *cobra.Command, args []string) error {
			if vary == "" {
				return usageError("solve wants --vary KEY=LOW:HIGH, such as --vary trial.schools=10:60")
			}
			key, err := variedRange(vary)
			if err != nil {
				return err
			}
			design, study, tests, err := f.open(s, args[0])
			if err != nil {
				return err
			}
			keys := []sim.VariedKey{key}
			for _, end := range []float64{key.Values[0], key.Values[len(key.Values)-1]} {
				if _, err := design.At(settingsAt(keys, []float64{end})); err != nil {
					return err
				}
			}
			search := sim.Search{
				Keys: keys, Tests: tests, Power: f.power, Replicates: study.Replicates, Workers: f.workers,
				At:   func(values []float64) (sim.Study, error) { return design.At(settingsAt(keys, values)) },
				Tell: f.tellDesign(s.talk, keys),
			}
			found, err := search.Cheapest(c.Context())
			if err != nil {
				return searched(c.Context(), s.talk, err)
			}
			if f.json {
				if err := f.writeFoundJSON(s.out, found, keys); err != nil {
					return err
				}
			} else {
				f.writeSolved(s, study, found, keys, tests)
			}
			if !found.Reached {
				return &exitError{exitMissed, nil}
			}
			return nil
		},
	}
	f.add(c.Flags())
	c.Flags().StringVar(&vary, "vary", "", "the key and its range: `KEY=LOW:HIGH[:STEP]` or KEY=A,B,C")
	return c
}

func (f *searchFlags) writeSolved(s streams, study sim.Study, found sim.Found, keys []sim.VariedKey, tests []sim.Test) {
	fmt.Fprintf(s.out, "Power of %s\n%s\n", writtenTests(tests), adjustment(study, tests))
	writeLooked(s.out, found, keys)
	key := keys[0]
	which := "Smallest"
	if found.Falls {
		which = "Largest"
	}
	if found.Reached {
		fmt.Fprintf(s.out, "\n%s with %g%% power: %s, with %s.\n", which, 100*f.power, writtenDesign(found.Answer, keys), powerSentence(found.Answer))
		if at := found.Answer.Values[0]; at == key.Values[0] && !found.Falls || at == key.Values[len(key.Values)-1] && found.Falls {
			fmt.Fprintf(s.out, "It is the end of the range: a design beyond may do too.\n")
		}
	} else {
		fmt.Fprintf(s.out, "\nNo value from %s to %s has %g%% power. The most is at %s, with %s.\n",
			writtenValue(key.Values[0]), writtenValue(key.Values[len(key.Values)-1]), 100*f.power, writtenDesign(found.Answer, keys), powerSentence(found.Answer))
	}
	if still(found) {
		fmt.Fprintf(s.out, "Power is the same at every value of %s that was simulated in full: it does not move the test.\n", key.Key)
		if hint := effectHint(study, key.Key, tests[0]); hint != "" {
			fmt.Fprintf(s.out, "Hint: %s.\n", hint)
		}
	}
	if found.Peaks {
		fmt.Fprintf(s.out, "Power is not monotone in %s: it rises and falls again within the range.\n", key.Key)
	}
	writeEffort(s.out, found)
}

// still reports whether several designs on the same draws rejected in equally many of
// equally many trials: the key moves nothing.
func still(found sim.Found) bool {
	var first *sim.Looked
	n := 0
	for i := range found.Looked {
		l := &found.Looked[i]
		if l.Replicates != found.Answer.Replicates {
			continue
		}
		if first == nil {
			first = l
		}
		for t, test := range l.Tests {
			if other := first.Tests[t]; test.Value != other.Value || test.Mean != other.Mean {
				return false
			}
		}
		n++
	}
	return n > 1
}
