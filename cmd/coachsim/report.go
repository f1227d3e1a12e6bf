package main

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"coachsim/configs"
	"coachsim/plots"
	"coachsim/plots/report"
	"coachsim/sim"
)

func newReport(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "report DIR",
		Short: "Write the report, power paragraph and tables of a run directory again",
		Long: `Write report.html into a run directory, from its plan and its log: one page that
needs nothing beside it, to be read, printed or attached to a proposal. It holds
the aim, the design in words and as a drawing, its cost, the implied variances, every result
with its Monte Carlo standard error, the figures with their data, failures, checks
against closed formulas, what was not modelled, and how to get the same numbers
again. Beside it stand power.md, the power calculation as a proposal states it, and
table.tex, table.md, table.csv and table.html. run does the same at its end.`,
		Example:     "  coachsim report coachsim-ecuador",
		Args:        cobra.ExactArgs(1),
		Annotations: map[string]string{"wants": "one run DIRectory"},
		RunE: func(_ *cobra.Command, args []string) error {
			done, err := openDirectory(args[0])
			if err != nil {
				return err
			}
			families, err := done.measureFamilies()
			if err != nil {
				return err
			}
			figures, err := done.figures()
			if err != nil {
				return err
			}
			if err := done.writeReport(families, figures); err != nil {
				return err
			}
			if err := done.writeProposal(families); err != nil {
				return err
			}
			fmt.Fprintf(s.talk, "Wrote %s, with power.md and tables beside it.\n", filepath.Join(args[0], "report.html"))
			return nil
		},
	}
}

// writeReport writes what tells of a run to those who did not run it.
func (f *finished) writeReport(families sim.Families, figures []plots.Figure) error {
	run := report.Run{
		Results: report.Results{Study: f.study, Summary: f.summary, Families: families},
		Plan:    f.plan, Formulas: f.formulas, Truths: f.truths, Comparisons: f.comparisons, Tolerance: configs.Tolerance(f.study.Published), Figures: figures,
	}
	for _, file := range []struct {
		name  string
		write func(io.Writer, report.Run) error
	}{
		{"report.html", report.WritePage},
	} {
		if err := sim.ReplaceFile(filepath.Join(f.dir, file.name), func(w io.Writer) error { return file.write(w, run) }); err != nil {
			return fmt.Errorf("%s: %w", file.name, err)
		}
	}
	return nil
}
