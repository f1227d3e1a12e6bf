package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"coachsim/configs"
	"coachsim/dgp"
	"coachsim/sim"
)

func newCheck(s streams) *cobra.Command {
	var f studyFlags
	var asJSON bool
	var workers int
	c := &cobra.Command{
		Use:   "check STUDY",
		Short: "Find every fault of a study, and say what it declares",
		Long: `Read a study and report every fault with its place. A study without faults is
described: its design, its columns, its estimators, the power that closed formulas
give, what the trial costs (by its cost: section), the time, memory and disk that
a run takes, and the variances that it implies for every test and score by level,
with ICCs and R²; where quality moves the tests, the true effects by path through it.
The time is that of a few replicates of every design, which are thrown away; an
estimate that fails in all of them is warned of. Nothing is written. Exit code 2
says that there are faults.`,
		Example: `  coachsim check my-trial.yaml
  coachsim check ecuador --set trial.schools=30`,
		Args:              cobra.ExactArgs(1),
		Annotations:       map[string]string{"wants": "one STUDY: a file, a built-in study's name, or -"},
		ValidArgsFunction: completePresets,
		RunE: func(c *cobra.Command, args []string) error {
			if workers < 1 {
				return usageError("--workers %d: at least 1 is needed", workers)
			}
			study, _, err := f.load(s, args[0])
			if err != nil {
				return err
			}
			g, err := study.Trial.Compile()
			if err != nil {
				return err
			}
			plan, err := configs.Plan(study, build())
			if err != nil {
				return err
			}
			costs, err := costsOf(study)
			if err != nil {
				return err
			}
			forecast, err := study.Forecast(c.Context(), workers)
			if err != nil {
				return searched(c.Context(), s.talk, err)
			}
			warnings, err := warningsOf(c.Context(), study, forecast)
			if err != nil {
				return err
			}
			var paths []sim.PathEffect
			if sim.HasPaths(study.Trial) {
				if paths, err = sim.EffectsByPath(study.Trial, []string{study.Achievement.Total}, sim.PathDraws, workers); err != nil {
					return err
				}
			}
			if asJSON {
				return writeCheckJSON(s.out, study, g, plan.Hash, costs, forecast, paths, warnings)
			}
			var out strings.Builder
			sim.WriteWrapped(&out, study.Aim, "", min(tableWidth(s), proseWidth))
			out.WriteByte('\n')
			aim := out.String()
			out.Reset()
			for _, section := range slices.Concat(study.Design.Words(), study.Trial.LearningWords()) {
				fmt.Fprintf(&out, "%-11s %s\n", section.Name, section.Words)
			}
			data, _ := g.Draw(dgp.Stream{Seed: study.Seed})
			fmt.Fprintf(&out, "One draw    %d schools, %d teachers, %s\n", data.N[dgp.SchoolLevel], data.Teachers(), writtenTested(g, data))
			fmt.Fprintf(&out, "Columns     ")
			for i, column := range g.Shape().Columns {
				if column.Rating == nil {
					if i > 0 {
						fmt.Fprint(&out, ", ")
					}
					fmt.Fprint(&out, column.Name)
				}
			}
			ratings := 0
			for _, column := range g.Shape().Columns {
				if column.Rating != nil {
					ratings++
				}
			}
			if ratings > 0 {
				fmt.Fprintf(&out, " and %s per class", count(ratings, "rating"))
			}
			fmt.Fprintln(&out)
			fmt.Fprintf(&out, "Estimators  ")
			for i, e := range study.Estimators {
				if i > 0 {
					fmt.Fprint(&out, ", ")
				}
				fmt.Fprint(&out, e.Name)
			}
			fmt.Fprintln(&out)
			writeSweep(&out, study)
			formulas, err := study.Formulas()
			if err != nil {
				return err
			}
			if err := labelled(&out, "Formulas", formulas.WriteAll); err != nil {
				return err
			}
			for _, warning := range warnings {
				fmt.Fprintf(&out, "Warning     %s\n", warning)
			}
			writeCosts(&out, study, costs)
			fmt.Fprintf(&out, "Replicates  %s, seed %d\n", grouped(study.Replicates), study.Seed)
			if err := labelled(&out, "A run takes", forecast.Write); err != nil {
				return err
			}
			fmt.Fprintf(&out, "Plan        %s\n", plan.Hash)
			if _, err := io.WriteString(s.out, aim); err != nil {
				return err
			}
			if err := writeLabelled(s.out, out.String(), min(tableWidth(s), proseWidth)); err != nil {
				return err
			}
			writeVariances(s.out, study.Trial.Variances(), tableWidth(s))
			if len(paths) == 0 {
				return nil
			}
			fmt.Fprintf(s.out, "\nTrue effects by path through classroom quality, from %s (MCSE); see coachsim effects\n", count(sim.PathDraws, "trial"))
			return sim.WritePaths(s.out, paths)
		},
	}
	f.add(c.Flags())
	f.addReplicates(c.Flags())
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	c.Flags().IntVar(&workers, "workers", runtime.GOMAXPROCS(0), "`NUMBER` of parallel workers whose time is estimated")
	return c
}

// labelIndent is how wide labels are.
const labelIndent = 12

// proseWidth is the longest line of words where nothing asks for shorter ones.
const proseWidth = 100

// writeLabelled writes labelled lines so that none is wider than a terminal, or hard to
// read: what is too long goes on below its beginning.
func writeLabelled(w io.Writer, text string, width int) error {
	var wrapped strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		body := strings.TrimLeft(line[min(labelIndent, len(line)):], " ") // further in, as costs are
		indent := len(line) - len(body)
		if len(line) < labelIndent || indent > 2*labelIndent {
			indent = labelIndent
		}
		sim.WriteWrapped(&wrapped, line, strings.Repeat(" ", indent+2), width)
	}
	_, err := io.WriteString(w, wrapped.String())
	return err
}

// labelled writes lines under one label.
func labelled(w io.Writer, label string, write func(io.Writer) error) error {
	var text strings.Builder
	if err := write(&text); err != nil {
		return err
	}
	for line := range strings.Lines(text.String()) {
		fmt.Fprintf(w, "%-11s %s", label, line)
		label = ""
	}
	return nil
}

// warningsOf are a study's warnings, and that an estimate fails in every trial that was
// tried.
func warningsOf(ctx context.Context, study sim.Study, probed sim.Forecast) ([]string, error) {
	warnings := study.Warnings()
	if !probed.Failing() {
		return warnings, nil
	}
	var failed *sim.RehearsalError
	err := study.Rehearse(ctx)
	if errors.As(err, &failed) {
		return append(warnings, fmt.Sprintf("%v: %s", failed, statusInWords(failed.Status))), nil
	}
	return warnings, err
}

// costsOf returns what makes up the cost of each design of a study; nil without
// prices.
func costsOf(study sim.Study) ([][]sim.CostItem, error) {
	if study.Cost == nil {
		return nil, nil
	}
	trials := []dgp.Trial{study.Trial}
	if len(study.Cells) > 0 {
		trials = nil
	}
	for _, cell := range study.Cells {
		trials = append(trials, cell.Study.Trial)
	}
	var all [][]sim.CostItem
	for i, trial := range trials {
		cost := study.Cost
		if len(study.Cells) > 0 {
			cost = study.Cells[i].Study.Cost // a price can be swept
		}
		items, err := cost.Items(trial)
		if err != nil {
			return nil, err
		}
		all = append(all, items)
	}
	return all, nil
}

// maxCosts is how many designs of a sweep have their cost on a line each.
const maxCosts = 20

// writeCosts writes what a design costs, item by item, or what each design of a
// sweep does in all.
func writeCosts(w io.Writer, study sim.Study, costs [][]sim.CostItem) {
	if len(costs) == 0 {
		return
	}
	least, most := math.Inf(1), 0.0
	for _, items := range costs {
		least, most = min(least, sim.TotalCost(items)), max(most, sim.TotalCost(items))
	}
	if len(costs) > 1 {
		fmt.Fprintf(w, "Cost        %s to %s\n", sim.WrittenCost(least), sim.WrittenCost(most))
		for i, items := range costs {
			if len(costs) > maxCosts {
				break
			}
			var at []string
			for _, factor := range study.Cells[i].Factors {
				at = append(at, factor.Key+" "+factor.Value)
			}
			fmt.Fprintf(w, "            %*s  %s\n", len(sim.WrittenCost(most)), sim.WrittenCost(sim.TotalCost(items)), strings.Join(at, ", "))
		}
		return
	}
	fmt.Fprintf(w, "Cost        %s\n", sim.WrittenCost(most))
	for _, item := range costs[0] {
		fmt.Fprintf(w, "            %*s  %s", len(sim.WrittenCost(most)), sim.WrittenCost(item.Sum()), strings.ReplaceAll(item.Unit, "_", " "))
		if item.Unit != "fixed" {
			fmt.Fprintf(w, ": %s at %s", item.Counted(), item.WrittenPrice())
		}
		fmt.Fprintln(w)
	}
}

// checkSchemaVersion is raised when a field of check --json changes its name or
// meaning.
const checkSchemaVersion = 1

// writeCheckJSON writes what a study declares as one JSON object.
func writeCheckJSON(w io.Writer, study sim.Study, g *dgp.Generator, plan string, costs [][]sim.CostItem, forecast sim.Forecast, paths []sim.PathEffect, warnings []string) error {
	var columns, estimators []string
	for _, column := range g.Shape().Columns {
		columns = append(columns, column.Name)
	}
	for _, e := range study.Estimators {
		estimators = append(estimators, e.Name)
	}
	if warnings == nil {
		warnings = []string{}
	}
	all := map[string]any{
		"schema_version": checkSchemaVersion, "aim": study.Aim, "plan": plan, "arms": study.Design.Arms,
		"columns": columns, "estimators": estimators, "warnings": warnings, "variances": study.Trial.Variances(),
		"replicates": study.Replicates, "seed": study.Seed, "designs": max(1, len(study.Cells)), "run": forecast,
	}
	if len(paths) > 0 {
		all["effects_by_path"] = paths
	}
	if len(costs) > 0 {
		type designCost struct {
			Total float64        `json:"total"`
			Items []sim.CostItem `json:"items"`
		}
		var each []designCost
		for _, items := range costs {
			each = append(each, designCost{sim.TotalCost(items), items})
		}
		all["costs"] = each
	}
	return writeJSON(w, all)
}

// writeSweep lists the entries of a sweep.
func writeSweep(w io.Writer, study sim.Study) {
	if len(study.Cells) == 0 {
		return
	}
	fmt.Fprintf(w, "Sweep       %s, with %s streams\n", count(len(study.Cells), "design"), study.Streams)
	for _, entry := range study.Sweep {
		fmt.Fprintf(w, "            %s: %s\n", entry.Keys, strings.Join(entry.Values, ", "))
	}
}

// writtenTested is "2,443 children with a valid test", and "2,448 of 2,880 children with a
// valid test" where the data hold those who are lost.
func writtenTested(g *dgp.Generator, data *dgp.Data) string {
	text := countOf(data.Children(), "child", "children") + " with a valid test"
	if n := g.ValidTests(); n < data.Children() {
		text = grouped(n) + " of " + text
	}
	return text
}

func countOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return grouped(n) + " " + many
}
