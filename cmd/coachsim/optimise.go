package main

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"coachsim/plots"
	"coachsim/sim"
)

func newOptimise(s streams) *cobra.Command {
	var f searchFlags
	var vary []string
	var budget float64
	var picture string
	var look figureLook
	c := &cobra.Command{
		Use:   "optimise STUDY --vary KEY=LOW:HIGH [--vary ...]",
		Short: "Find the cheapest design for a power, or the most power for a budget",
		Long: `Find, among all combinations of the values of several keys, the cheapest design
with the power asked for, or with --budget the design with the most power that
the budget buys. The study's cost: section says what each unit costs. With
several --test, a design has the power of its weakest test; the power of a test
that is in a family of the study is that after adjustment.

A few designs are simulated briefly; a surface fitted to their power says where
to look next. Every design that the surface cannot rule out as the answer is
simulated in full. The frontier, of what each power costs, is shown from the
designs that were simulated. Exit code 4 says that the power is out of reach.`,
		Example: `  coachsim optimise my-trial.yaml --vary trial.schools=10:60:2 --vary trial.tested=5:30:5
  coachsim optimise my-trial.yaml --vary trial.schools=10:60 --vary observation.segments=1:6 \
      --test class-effect --test itt --power 0.8
  coachsim optimise my-trial.yaml --vary trial.schools=10:60 --vary trial.tested=5:30 --budget 250000`,
		Args:              cobra.ExactArgs(1),
		Annotations:       map[string]string{"wants": "one STUDY: a file, a built-in study's name, or -"},
		ValidArgsFunction: completePresets,
		RunE: func(c *cobra.Command, args []string) error {
			theme, err := look.theme()
			if err != nil {
				return err
			}
			if picture != "" {
				if _, err := plots.ParseFormat(filepath.Ext(picture)); err != nil {
					return usageError("--figure %s: must end in .png, .svg or .pdf", picture)
				}
			}
			if len(vary) == 0 {
				return usageError("optimise wants --vary KEY=LOW:HIGH, such as --vary trial.schools=10:60 --vary trial.tested=5:30:5")
			}
			limited := c.Flags().Changed("budget")
			if limited && !(budget > 0) || math.IsInf(budget, 0) {
				return usageError("--budget %g: must be above 0", budget)
			}
			var keys []sim.VariedKey
			for _, text := range vary {
				k, err := variedRange(text)
				if err != nil {
					return err
				}
				keys = append(keys, k)
			}
			design, study, tests, err := f.open(s, args[0])
			if err != nil {
				return err
			}
			if study.Cost == nil {
				return usageError("the study has no costs; add a section such as\n\ncost:\n  school: 500          # per school\n  treated_school: 2000 # per school that is coached\n  child: 12            # per child tested\n  segment: 15          # per film segment rated\n\nor --set 'cost={school: 500, child: 12}'")
			}
			for _, end := range []int{0, 1} {
				values := make([]float64, len(keys))
				for i, k := range keys {
					values[i] = k.Values[end*(len(k.Values)-1)]
				}
				if _, err := design.At(settingsAt(keys, values)); err != nil {
					return err
				}
			}
			search := sim.Search{
				Keys: keys, Tests: tests, Power: f.power, Replicates: study.Replicates, Workers: f.workers,
				At:   func(values []float64) (sim.Study, error) { return design.At(settingsAt(keys, values)) },
				Cost: func(at sim.Study) (float64, error) { return at.Cost.Of(at.Trial) },
				Tell: f.tellDesign(s.talk, keys),
			}
			var found sim.Found
			if limited {
				found, err = search.Strongest(c.Context(), budget)
			} else {
				found, err = search.Cheapest(c.Context())
			}
			if err != nil {
				return searched(c.Context(), s.talk, err)
			}
			if f.json {
				err = f.writeFoundJSON(s.out, found, keys)
			} else {
				f.writeOptimum(s, study, found, keys, tests, limited, budget)
			}
			if err == nil && picture != "" {
				target, most := f.power, math.NaN()
				if limited {
					target, most = math.NaN(), budget
				}
				err = writeFrontier(s, picture, theme, study, found, keys, target, most)
			}
			if err == nil && !found.Reached && !limited {
				return &exitError{exitMissed, nil}
			}
			return err
		},
	}
	f.add(c.Flags())
	c.Flags().StringArrayVar(&vary, "vary", nil, "a key and its range: `KEY=LOW:HIGH[:STEP]` or KEY=A,B,C (again for more)")
	c.Flags().Float64Var(&budget, "budget", 0, "find the most power for this `COST`, instead of the least cost for a power")
	c.Flags().StringVar(&picture, "figure", "", "draw cost and power of every design simulated into this `FILE` (.png, .svg, .pdf), with its numbers in a CSV file beside it")
	look.add(c.Flags())
	return c
}

// writeFrontier draws the designs that a search simulated.
func writeFrontier(s streams, path string, theme plots.Theme, study sim.Study, found sim.Found, keys []sim.VariedKey, target, budget float64) error {
	extension := filepath.Ext(path)
	figure := plots.Frontier{File: strings.TrimSuffix(filepath.Base(path), extension), Target: target, Budget: budget}
	for _, k := range keys {
		figure.Keys = append(figure.Keys, k.Key)
	}
	for _, test := range found.Answer.Tests {
		name := test.Test.String()
		if test.Family != "" {
			name += " (after adjustment)"
		}
		figure.Tests = append(figure.Tests, name)
	}
	frontier := found.Frontier()
	for _, l := range found.Looked {
		same := func(other sim.Looked) bool { return slices.Equal(other.Values, l.Values) }
		figure.Designs = append(figure.Designs, plots.FrontierDesign{
			Values: l.Values, Cost: l.Cost, Power: l.Weakest().Value, Replicates: l.Replicates,
			Frontier: slices.ContainsFunc(frontier, same), Answer: same(found.Answer), Rough: found.Rough(l),
		})
	}
	format, err := plots.ParseFormat(extension)
	if err != nil {
		return err
	}
	files, err := plots.Write(filepath.Dir(path), theme, plots.Captioned{Figure: figure, Study: plots.OfStudy(study, figure.Keys...)}, format)
	if err != nil {
		return &exitError{exitFile, err}
	}
	fmt.Fprintf(s.talk, "Wrote %s.\n", strings.Join(files, " and "))
	return nil
}

func (f *searchFlags) writeOptimum(s streams, study sim.Study, found sim.Found, keys []sim.VariedKey, tests []sim.Test, limited bool, budget float64) {
	fmt.Fprintf(s.out, "Power of %s\n%s\n", writtenTests(tests), adjustment(study, tests))
	frontier := found
	frontier.Looked = found.Frontier()
	fmt.Fprintln(s.out, "Frontier: each design has more power than any simulated one that costs less.")
	writeLooked(s.out, frontier, keys)
	answer := fmt.Sprintf("%s, for %s, with %s", writtenDesign(found.Answer, keys), sim.WrittenCost(found.Answer.Cost), powerSentence(found.Answer))
	switch {
	case limited:
		fmt.Fprintf(s.out, "\nMost power for %s: %s.\n", sim.WrittenCost(budget), answer)
	case found.Reached:
		fmt.Fprintf(s.out, "\nCheapest with %g%% power: %s.\n", 100*f.power, answer)
	default:
		fmt.Fprintf(s.out, "\nNo design of the ranges has %g%% power. The most: %s.\n", 100*f.power, answer)
	}
	for i, k := range keys {
		if at := found.Answer.Values[i]; len(k.Values) > 1 && (at == k.Values[0] || at == k.Values[len(k.Values)-1]) {
			fmt.Fprintf(s.out, "%s is at the end of its range, %s: a design beyond may be better.\n", k.Key, strings.Join([]string{writtenValue(k.Values[0]), writtenValue(k.Values[len(k.Values)-1])}, " to "))
		}
	}
	writeEffort(s.out, found)
}
