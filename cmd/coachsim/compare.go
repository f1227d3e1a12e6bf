package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"coachsim/sim"
)

func newCompare(s streams) *cobra.Command {
	var pairing sim.Pairing
	var out string
	var asJSON, designs bool
	c := &cobra.Command{
		Use:   "compare DIR",
		Short: "Compare estimators, or designs, on the same simulated trials",
		Long: `Compare the estimators of a run that estimate the same effect: the same term on
the same outcome, held against the same estimand (a gain and the test after the
trial have the same effect). Each is compared with a reference: the first of
--estimators, else the first of the study, that estimates the effect, or the one
that --reference names.

With --designs the designs of a sweep are compared, for each estimator: all with
the first, or with --reference KEY=VALUE each with the design in which the key has
that value and nothing else differs.

Because every estimator saw the same trials, and the designs have the same random
draws, the differences in power, bias, error and spread are paired, and their Monte
Carlo standard errors far smaller than the errors of the two numbers suggest. The
table goes to standard output and, as differences.csv (design-differences.csv), into
the run directory.`,
		Example: `  coachsim compare coachsim-ecuador
  coachsim compare my-trial --designs
  coachsim compare my-trial --designs --estimators itt --reference trial.schools=20
  coachsim compare my-trial --estimators cr1,cr2,wild
  coachsim compare my-trial --reference lasso --json > differences.json`,
		Args:        cobra.ExactArgs(1),
		Annotations: map[string]string{"wants": "one run DIRectory"},
		RunE: func(_ *cobra.Command, args []string) error {
			done, err := openDirectory(args[0])
			if err != nil {
				return err
			}
			name, compare := "differences.csv", compareEstimators
			if designs {
				name, compare = "design-differences.csv", compareDesigns
			}
			differences, err := compare(done, pairing)
			if err != nil {
				return err
			}
			if asJSON {
				err = differences.WriteJSON(s.out)
			} else {
				err = differences.WriteTable(s.out, tableWidth(s), false)
			}
			if err != nil {
				return err
			}
			dir := args[0]
			if out != "" {
				dir = out
				if err := checkDirectory(dir); err != nil {
					return err
				}
				if err := os.MkdirAll(dir, 0o755); err != nil {
					return err
				}
			}
			path := filepath.Join(dir, name)
			if err := sim.ReplaceFile(path, differences.WriteCSV); err != nil {
				return err
			}
			fmt.Fprintf(s.talk, "Wrote %s.\n", path)
			return nil
		},
	}
	c.Flags().StringSliceVar(&pairing.Estimators, "estimators", nil, "compare only these `NAMES`, separated by commas (default all)")
	c.Flags().StringVar(&pairing.Reference, "reference", "", "compare with the estimator of this `NAME`; with --designs, the design with KEY=VALUE, or several, separated by commas")
	c.Flags().BoolVar(&designs, "designs", false, "compare the designs of a sweep, for each estimator")
	c.Flags().StringVar(&out, "out", "", "`DIR`ectory for the CSV file (default the run directory)")
	c.Flags().BoolVar(&asJSON, "json", false, "print the result as one JSON object")
	return c
}

func compareEstimators(done *finished, pairing sim.Pairing) (d sim.Differences, err error) {
	if err := checkPairing(pairing, done.study); err != nil {
		return d, err
	}
	if pairing.Effect, err = done.study.EffectOf(); err != nil {
		return d, err
	}
	if d, err = sim.CompareEstimators(done.log.Chunks(), pairing, done.study.Alpha, done.study.Factors()); err != nil {
		return d, &exitError{exitFile, err}
	}
	d.Made = done.summary.Made
	return d, nil
}

func compareDesigns(done *finished, pairing sim.Pairing) (d sim.Differences, err error) {
	if len(done.study.Cells) == 0 {
		return d, usageError("--designs: the run has no sweep, so it has one design")
	}
	if err := checkEstimators(pairing.Estimators, estimatorNames(done.study)); err != nil {
		return d, err
	}
	p := sim.DesignPairing{Estimators: pairing.Estimators}
	if p.Reference, err = designReference(pairing.Reference, done.study.Cells); err != nil {
		return d, err
	}
	if d, err = sim.CompareDesigns(done.log.Chunks(), p, done.study.Alpha, done.study.Factors()); err != nil {
		return d, &exitError{exitFile, err}
	}
	d.Made = done.summary.Made
	return d, nil
}

// designReference reads KEY=VALUE, or several with commas between. Keys may be
// written by their last parts.
func designReference(text string, cells []sim.Cell) ([]sim.Factor, error) {
	if text == "" {
		return nil, nil
	}
	var known []string
	for _, f := range cells[0].Factors {
		known = append(known, f.Key)
	}
	var reference []sim.Factor
	for i, part := range splitOutside(text) {
		given, value, ok := strings.Cut(part, "=")
		given, value = strings.TrimSpace(given), strings.TrimSpace(value)
		if !ok {
			return nil, usageError("--reference %s: with --designs write KEY=VALUE, such as %s=%s", text, known[0], cells[0].Factors[0].Value)
		}
		var keys []string
		for _, key := range known {
			if key == given {
				keys = []string{key}
				break
			}
			if strings.HasSuffix(key, "."+given) {
				keys = append(keys, key)
			}
		}
		if len(keys) != 1 {
			return nil, usageError("--reference %s: %q is not one key of the sweep; its keys are %s", text, given, strings.Join(known, ", "))
		}
		if slices.ContainsFunc(reference[:i], func(f sim.Factor) bool { return f.Key == keys[0] }) {
			return nil, usageError("--reference %s: %s is there twice", text, keys[0])
		}
		var values []string
		for _, c := range cells {
			for _, f := range c.Factors {
				if f.Key == keys[0] && !slices.Contains(values, f.Value) {
					values = append(values, f.Value)
				}
			}
		}
		if !slices.Contains(values, value) {
			return nil, usageError("--reference %s: %s is not a value of %s; its values are %s", text, value, keys[0], strings.Join(values, ", "))
		}
		reference = append(reference, sim.Factor{Key: keys[0], Value: value})
	}
	return reference, nil
}

// splitOutside splits a text at the commas outside of brackets.
func splitOutside(text string) []string {
	var parts []string
	depth, from := 0, 0
	for i, r := range text {
		switch {
		case strings.ContainsRune("[{(", r):
			depth++
		case strings.ContainsRune("]})", r):
			depth--
		case r == ',' && depth == 0:
			parts = append(parts, text[from:i])
			from = i + 1
		}
	}
	return append(parts, text[from:])
}

func estimatorNames(study sim.Study) []string {
	var names []string
	for _, e := range study.Estimators {
		names = append(names, e.Name)
	}
	return names
}

// checkEstimators refuses --estimators that are not the study's, or twice.
func checkEstimators(chosen, names []string) error {
	for i, name := range chosen {
		switch {
		case !slices.Contains(names, name):
			return usageError("--estimators %s: the study has no such estimator; %s", name, nearestOr("its estimators are", name, names))
		case slices.Index(chosen, name) < i:
			return usageError("--estimators: %s is listed twice", name)
		}
	}
	return nil
}

// checkPairing refuses names that are no estimators of the study.
func checkPairing(p sim.Pairing, study sim.Study) error {
	names := estimatorNames(study)
	if p.Reference != "" && !slices.Contains(names, p.Reference) {
		return usageError("--reference %s: the study has no such estimator; %s", p.Reference, nearestOr("its estimators are", p.Reference, names))
	}
	if err := checkEstimators(p.Estimators, names); err != nil {
		return err
	}
	if len(p.Estimators) == 1 && (p.Reference == "" || p.Reference == p.Estimators[0]) {
		return usageError("--estimators %s: name two at least, or another one as --reference", p.Estimators[0])
	}
	return nil
}
