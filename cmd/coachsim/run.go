package main

import (
	"fmt"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"coachsim/plots"
)

func newRun(s streams) *cobra.Command {
	var f runFlags
	var noFigures bool
	c := &cobra.Command{
		Use:   "run STUDY",
		Short: "Simulate a study and show power, bias and coverage",
		Long: `Simulate a study: draw its trial again and again, fit every estimator to every
draw, and print the summary. STUDY is a file, a built-in study's name, or - for
standard input.

The run directory holds plan.yaml (the resolved study), chunks/*.parquet (every
estimate of every replicate), summary.csv, summary.json, figures/, power.md (the
power calculation as a proposal states it: a paragraph, the same in 150 words, and a
checklist with sources), tables for papers (table.tex, table.md, table.csv,
table.html) and report.html, which tells it all on one page. The same study gives
the same bytes whatever the number of workers.

A study with a sweep simulates every combination of its values.`,
		Example: `  coachsim run ecuador
  coachsim run my-trial.yaml --replicates 5000 --out big
  coachsim run ecuador --set trial.schools=12 --set 'trial.assignment.share=0.4'
  coachsim run ecuador --set 'sweep={trial.schools: [10, 20, 40]}' --out sizes
  coachsim run ecuador --json > summary.json`,
		Args:              cobra.ExactArgs(1),
		Annotations:       map[string]string{"wants": "one STUDY: a file, a built-in study's name, or -"},
		ValidArgsFunction: completePresets,
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			study, name, err := f.load(s, args[0])
			if err != nil {
				return err
			}
			dir := f.out
			if dir == "" {
				dir = "coachsim-" + name
			}
			for _, warning := range study.Warnings() {
				fmt.Fprintf(s.talk, "Warning: %s.\n", warning)
			}
			done, err := f.simulate(c, s, study, dir)
			if err != nil {
				return err
			}
			if done.outcome.Interrupted && !f.json {
				fmt.Fprintf(s.out, "INTERRUPTED: partial results.\n\n")
			}
			if f.json {
				err = done.summary.WriteJSON(s.out)
			} else {
				if err = done.summary.WriteTable(s.out, tableWidth(s), false); err == nil {
					err = done.writeTruthNote(s.out)
				}
				if err == nil {
					err = done.study.WriteFormulaNotes(s.out, tableWidth(s))
				}
			}
			if err != nil {
				return err
			}
			families, err := done.measureFamilies()
			if err != nil {
				return err
			}
			if !f.json && len(study.Families) > 0 {
				fmt.Fprintln(s.out)
				if err := families.WriteTable(s.out, tableWidth(s), false); err != nil {
					return err
				}
			}
			done.warnOfFailure(s.talk)
			wrote := dir
			if done.outcome.Interrupted {
				return done.interrupted(s)
			}
			figures, err := done.figures()
			if err != nil {
				return err
			}
			if !noFigures {
				if err := done.writeFigures(plots.Journal(), figures, plots.Formats()); err != nil {
					return err
				}
				wrote += fmt.Sprintf(", with report.html and %s in figures/", count(len(figures), "figure"))
			} else {
				wrote += ", with report.html"
			}
			if err := done.writeProposal(families); err != nil {
				return err
			}
			if err := done.writeReport(families, figures); err != nil {
				return err
			}
			fmt.Fprintf(s.talk, "Wrote %s.\n", wrote)
			return nil
		},
	}
	f.add(c.Flags(), "coachsim-NAME")
	c.Flags().BoolVar(&noFigures, "no-figures", false, "draw no files of figures; the report has them")
	return c
}

// tableWidth is the width of the terminal, or what fits a page.
func tableWidth(s streams) int {
	if file, ok := s.out.w.(*os.File); ok {
		if info, err := file.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 40 {
				return n
			}
		}
	}
	return 110
}
