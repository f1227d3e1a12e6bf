package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"coachsim/configs"
	"coachsim/plots"
	"coachsim/sim"
)

func newReproduce(s streams) *cobra.Command {
	var f runFlags
	var t targets
	c := &cobra.Command{
		Use:   "reproduce STUDY",
		Short: "Hold a built-in study against its published tables",
		Long: `Simulate a study that names its published results, and lay every published cell
beside the simulated one: value and standard error as printed; mean estimate
(Monte Carlo standard error), standard deviation of the estimate, and mean
standard error as simulated; and the difference in units of the printed
standard error.

Exit code 4 says that the study does not come close enough to its paper.`,
		Example: `  coachsim reproduce ecuador
  coachsim reproduce ecuador --replicates 4000 --json > cells.json`,
		Args:              cobra.ExactArgs(1),
		Annotations:       map[string]string{"wants": "one STUDY that names its published results, such as ecuador"},
		ValidArgsFunction: completePresets,
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			study, name, err := f.load(s, args[0])
			if err != nil {
				return err
			}
			if study.Published == "" {
				return usageError("%s names no published results to reproduce (key: published)", args[0])
			}
			if len(study.Cells) > 0 {
				return usageError("%s has a sweep, and its published results are those of one design; take the sweep out with --set sweep={}", args[0])
			}
			if _, _, err := t.read(study); err != nil {
				return err
			}
			dir := f.out
			if dir == "" {
				dir = "coachsim-" + name + "-reproduce"
			}
			release, err := hold(dir)
			if err != nil {
				return err
			}
			defer release()
			done, err := f.simulate(c, s, study, dir)
			if err != nil {
				return err
			}
			return done.reproduce(s, f.json, &t)
		},
	}
	f.add(c.Flags(), "coachsim-NAME-reproduce")
	t.add(c.Flags())
	return c
}

// reproduce prints the comparison, writes it with its figure, and judges it.
func (f *finished) reproduce(s streams, asJSON bool, t *targets) error {
	f.warnOfFailure(s.talk)
	if err := f.writeFailures(s); err != nil {
		return err
	}
	if err := f.worked(); err != nil {
		return err
	}
	agreement := sim.Agree(f.comparisons)
	tolerance := configs.Tolerance(f.study.Published)
	close := agreement.Within(tolerance)
	if err := sim.ReplaceFile(filepath.Join(f.dir, "comparison.csv"), func(w io.Writer) error { return writeComparisonCSV(w, f.comparisons) }); err != nil {
		return err
	}
	figures, err := f.figures()
	if err != nil {
		return err
	}
	if _, err := f.writeFigures(s, plots.Journal(), figures, plots.Formats()); err != nil {
		return err
	}
	var families sim.Families
	if !f.outcome.Interrupted {
		if families, err = f.measureFamilies(); err != nil {
			return err
		}
		if err := f.writeReport(families, figures); err != nil {
			return err
		}
	}
	if asJSON {
		if err := writeComparisonJSON(s.out, f.summary.Made, f.comparisons, f.patterns, agreement, f.outcome.Replicates, close); err != nil {
			return err
		}
	} else {
		writeComparisonTable(s.out, f.comparisons, f.patterns, agreement, tolerance, f.outcome.Replicates, close)
	}
	fmt.Fprintf(s.talk, "Wrote %s, with comparison.csv and figures/.\n", f.dir)
	if f.outcome.Interrupted {
		return f.interrupted(s)
	}
	if err := f.judge(s, families, t); err != nil || close {
		return err
	}
	return &exitError{exitMissed, nil}
}

func writeComparisonTable(w io.Writer, all []sim.Comparison, patterns []sim.Pattern, a sim.Agreement, t sim.Tolerance, replicates int, close bool) {
	fmt.Fprintf(w, "Published and simulated results, %s simulated trials\n\n", grouped(replicates))
	width := 0
	for _, c := range all {
		width = max(width, utf8.RuneCountInString(c.Name()))
	}
	fmt.Fprintf(w, "%-*s %17s   %53s   %8s\n", width+2, "", "published", "simulated (MCSE)", "(mean-")
	fmt.Fprintf(w, "%-*s %9s %7s   %17s %17s %17s   %8s  %s\n", width+2, "cell", "value", "SE", "mean", "empirical SE", "mean SE", "publ)/SE", "verdict")
	table := ""
	for _, c := range all {
		if c.Table != table {
			table = c.Table
			if table == "text" {
				fmt.Fprintln(w, "In the text")
			} else {
				fmt.Fprintf(w, "Table %s\n", table)
			}
		}
		fmt.Fprintf(w, "  %-*s %9s %7s   %7s %9s %7s %9s %7s %9s   %8s  %s\n", width, c.Name(),
			fixed(c.Value), fixed(c.SE), fixed4(c.Mean), inParentheses(c.MeanMCSE), fixed4(c.SD), inParentheses(c.SDMCSE),
			fixed4(c.MeanSE), inParentheses(c.MeanSEMCSE), fixed(c.DiffSE), c.Verdict())
	}
	writeExtremes(w, all, patterns, replicates)
	errors := ""
	if a.SEs > 0 {
		errors = fmt.Sprintf(" Mean standard errors: within %.1f%% of the calibration's\nat the worst of %d cells, %s (at most %.0f%%).", 100*a.WorstSE, a.SEs, a.WorstSECell, 100*t.SE)
	}
	if t.R2 > 0 {
		errors += fmt.Sprintf("\nR²: within %.3f (at most %.3f); mean squared errors of least squares: within %.1f%% (at most %.0f%%).", a.R2, t.R2, 100*a.MSE, 100*t.MSE)
	}
	fmt.Fprintf(w, `
Coefficients: root mean square of (mean - published)/SE %.3f over %d cells (at most %.2f asked);
largest %.2f, at %s (at most %.2f).%s %s

mean, empirical SE (standard deviation): of the estimate over simulated trials; MCSE: Monte Carlo
standard error. mean SE: plain mean of the estimated standard errors, as one of them is printed.
verdict: close within 0.25, near within 0.80 of a printed SE, else off; for numbers without a
printed SE, in units of the empirical SE.
`, a.RMS, a.Cells, t.RMS, a.Worst, a.WorstCell, t.Worst, errors, map[bool]string{
		true: "The study reproduces its paper.", false: "THE STUDY DOES NOT REPRODUCE ITS PAPER.",
	}[close])
}

// writeExtremes prints what of the predictions and selections the paper found is
// rare in the study's world, cell by cell and together, where there are any.
func writeExtremes(w io.Writer, all []sim.Comparison, patterns []sim.Pattern, replicates int) {
	if len(patterns) == 0 {
		return
	}
	fmt.Fprintf(w, "\nShare of the %d simulated data sets at least as extreme as the published value, where below 10%%\n(of a tick: with the same tick), in percent with Monte Carlo standard errors\n\n", replicates)
	for _, c := range all {
		if c.Kind != "coef" && c.Extreme < 0.10 {
			fmt.Fprintf(w, "  %5.1f (%.1f)  Table %s, %s, %s: %s\n", 100*c.Extreme, 100*c.ExtremeMCSE, c.Table, c.Column, c.Kind, c.Label)
		}
	}
	fmt.Fprintf(w, "\nTogether\n\n")
	for _, p := range patterns {
		fmt.Fprintf(w, "  %5.1f (%.1f)  %s\n", 100*p.Share, 100*p.MCSE, p.Name)
	}
}

func fixed(x float64) string  { return decimals(x, 3) }
func fixed4(x float64) string { return decimals(x, 4) }

func decimals(x float64, n int) string {
	if math.IsNaN(x) {
		return ""
	}
	return strconv.FormatFloat(x, 'f', n, 64)
}

func inParentheses(x float64) string {
	if math.IsNaN(x) {
		return ""
	}
	return "(" + fixed4(x) + ")"
}

// comparisonFields are the columns of comparison.csv and the keys of a cell in
// JSON.
func comparisonFields(c sim.Comparison) []struct {
	key   string
	value any
} {
	return []struct {
		key   string
		value any
	}{
		{"id", c.ID}, {"table", c.Table}, {"column", c.Column}, {"label", c.Label},
		{"estimator", c.Estimator}, {"outcome", c.Outcome}, {"term", c.Term}, {"statistic", c.Kind},
		{"published", c.Value}, {"se", c.SE}, {"mean", c.Mean}, {"mean_mcse", c.MeanMCSE},
		{"sd", c.SD}, {"sd_mcse", c.SDMCSE}, {"mean_se", c.MeanSE}, {"mean_se_mcse", c.MeanSEMCSE},
		{"diff_se", c.DiffSE}, {"calibrated_se", c.CalibratedSE}, {"n", c.N}, {"n_fail", c.NFail}, {"extreme", c.Extreme}, {"extreme_mcse", c.ExtremeMCSE}, {"verdict", c.Verdict()},
	}
}

func writeComparisonCSV(w io.Writer, all []sim.Comparison) error {
	out := newCSV(w)
	for i, c := range all {
		fields := comparisonFields(c)
		if i == 0 {
			header := make([]string, len(fields))
			for k, f := range fields {
				header[k] = f.key
			}
			out.write(header)
		}
		row := make([]string, len(fields))
		for k, f := range fields {
			row[k] = csvValue(f.value)
		}
		out.write(row)
	}
	return out.flush()
}

func writeComparisonJSON(w io.Writer, made sim.Provenance, all []sim.Comparison, patterns []sim.Pattern, a sim.Agreement, replicates int, close bool) error {
	cells := make([]map[string]any, len(all))
	for i, c := range all {
		cells[i] = map[string]any{}
		for _, f := range comparisonFields(c) {
			cells[i][f.key] = jsonValue(f.value)
		}
	}
	together := []map[string]any{}
	for _, p := range patterns {
		together = append(together, map[string]any{"name": p.Name, "share": jsonValue(p.Share), "mcse": jsonValue(p.MCSE), "n": p.N})
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(map[string]any{
		"patterns":       together,
		"schema_version": 1, "provenance": made, "replicates": replicates, "reproduced": close, "cells": cells,
		"rms_diff_se": jsonValue(a.RMS), "worst_diff_se": jsonValue(a.Worst), "worst_cell": a.WorstCell,
		"worst_se_error": jsonValue(a.WorstSE), "worst_se_cell": a.WorstSECell,
	})
}

// jsonValue makes a number that does not exist null.
func jsonValue(v any) any {
	if x, ok := v.(float64); ok && (math.IsNaN(x) || math.IsInf(x, 0)) {
		return nil
	}
	return v
}
