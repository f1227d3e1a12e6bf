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
	var asJSON bool
	c := &cobra.Command{
		Use:   "compare DIR",
		Short: "Compare estimators on the same simulated trials",
		Long: `Compare the estimators of a run that estimate the same effect: the same term on
the same outcome, held against the same estimand. Each is compared with a
reference: the first of --estimators, else the first of the study, that
estimates the effect, or the one that --reference names.

Because every estimator saw the same trials, the differences in power, bias and
root mean squared error are paired, and their Monte Carlo standard errors far
smaller than the errors of the two numbers suggest. The table goes to standard
output and, as differences.csv, into the run directory.`,
		Example: `  coachsim compare coachsim-ecuador
  coachsim compare my-trial --estimators cr1,cr2,wild
  coachsim compare my-trial --reference lasso --json > differences.json`,
		Args:        cobra.ExactArgs(1),
		Annotations: map[string]string{"wants": "one run DIRectory"},
		RunE: func(_ *cobra.Command, args []string) error {
			done, err := openDirectory(args[0])
			if err != nil {
				return err
			}
			if err := checkPairing(pairing, done.study); err != nil {
				return err
			}
			differences, err := sim.CompareEstimators(done.log.Chunks(), pairing, done.study.Alpha, done.study.Factors())
			if err != nil {
				return &exitError{exitFile, err}
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
			path := filepath.Join(dir, "differences.csv")
			if err := writeFile(path, differences.WriteCSV); err != nil {
				return err
			}
			fmt.Fprintf(s.talk, "Wrote %s.\n", path)
			return nil
		},
	}
	c.Flags().StringSliceVar(&pairing.Estimators, "estimators", nil, "compare only these `NAMES`, separated by commas (default all)")
	c.Flags().StringVar(&pairing.Reference, "reference", "", "compare with the estimator of this `NAME`")
	c.Flags().StringVar(&out, "out", "", "`DIR`ectory for differences.csv (default the run directory)")
	c.Flags().BoolVar(&asJSON, "json", false, "print the result as one JSON object")
	return c
}

// checkPairing refuses names that are no estimators of the study.
func checkPairing(p sim.Pairing, study sim.Study) error {
	var names []string
	for _, e := range study.Estimators {
		names = append(names, e.Name)
	}
	if p.Reference != "" && !slices.Contains(names, p.Reference) {
		return usageError("--reference %s: the study has no such estimator; its estimators are %s", p.Reference, strings.Join(names, ", "))
	}
	for i, name := range p.Estimators {
		switch {
		case !slices.Contains(names, name):
			return usageError("--estimators %s: the study has no such estimator; its estimators are %s", name, strings.Join(names, ", "))
		case slices.Index(p.Estimators, name) < i:
			return usageError("--estimators: %s is listed twice", name)
		}
	}
	if len(p.Estimators) == 1 && (p.Reference == "" || p.Reference == p.Estimators[0]) {
		return usageError("--estimators %s: name two at least, or another one as --reference", p.Estimators[0])
	}
	return nil
}
