package main

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"coachsim/sim"
)

func newFamilies(s streams) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "families DIR",
		Short: "Measure the power of families of tests again",
		Long: `Measure, from the log of a run directory, the power of the families of tests that
its study declares (key: families): for each way to adjust their p-values, the
power of each outcome, the mean power, the power to find at least 1, 2, ... and
all of the effects, and where some effects are 0, the familywise error and false
discovery rates. run does the same at its end. families.csv and families.json
are written into the directory.`,
		Example: `  coachsim new my-trial --from three-arms
  coachsim run my-trial.yaml
  coachsim families coachsim-my-trial
  coachsim families coachsim-my-trial --json > families.json`,
		Args:        cobra.ExactArgs(1),
		Annotations: map[string]string{"wants": "one run DIRectory"},
		RunE: func(_ *cobra.Command, args []string) error {
			done, err := openDirectory(args[0])
			if err != nil {
				return err
			}
			if len(done.study.Families) == 0 {
				return usageError("the study of %s declares no families of tests (key: families)", args[0])
			}
			families, err := done.measureFamilies()
			if err != nil {
				return err
			}
			if asJSON {
				err = families.WriteJSON(s.out)
			} else {
				err = families.WriteTable(s.out, tableWidth(s), false)
			}
			if err == nil {
				fmt.Fprintf(s.talk, "Wrote %s and families.json.\n", filepath.Join(args[0], "families.csv"))
			}
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the result as one JSON object")
	return c
}

// measureFamilies measures the families of the study and writes families.csv and
// families.json. A study without families gets neither.
func (f *finished) measureFamilies() (sim.Families, error) {
	if len(f.study.Families) == 0 {
		return sim.Families{}, nil
	}
	families, err := sim.MeasureFamilies(f.log.Chunks(), f.study.Families, f.study.Alpha, f.study.Factors())
	if err != nil {
		return families, &exitError{exitFile, err}
	}
	f.formulas.AddToFamilies(&families)
	families.Made = f.summary.Made
	for name, write := range map[string]func(io.Writer) error{
		"families.csv": families.WriteCSV, "families.json": families.WriteJSON,
	} {
		if err := sim.ReplaceFile(filepath.Join(f.dir, name), write); err != nil {
			return families, err
		}
	}
	return families, nil
}
