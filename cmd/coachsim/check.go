package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"coachsim/configs"
	"coachsim/dgp"
	"coachsim/sim"
)

func newCheck(s streams) *cobra.Command {
	var f studyFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "check STUDY",
		Short: "Find every fault of a study, and say what it declares",
		Long: `Read a study, report every fault with its place, and run nothing. A study without
faults is described: its design, its columns, its estimators, and the variances
that it implies for every test and score by level, with ICCs and R². Exit code 2
says that there are faults.`,
		Example: `  coachsim check my-trial.yaml
  coachsim check ecuador --set trial.schools=30`,
		Args:              cobra.ExactArgs(1),
		Annotations:       map[string]string{"wants": "one STUDY: a file, a built-in study's name, or -"},
		ValidArgsFunction: completePresets,
		RunE: func(_ *cobra.Command, args []string) error {
			study, _, err := f.load(s, args[0])
			if err != nil {
				return err
			}
			g, err := study.Trial.Compile()
			if err != nil {
				return err
			}
			plan, err := configs.Plan(study, version())
			if err != nil {
				return err
			}
			if asJSON {
				return writeCheckJSON(s.out, study, g, plan.Hash)
			}
			d := study.Design
			fmt.Fprintf(s.out, "%s\n\n", study.Aim)
			fmt.Fprintf(s.out, "Design      %s of %s, %s per school, at most %s tested per class\n",
				count(d.Blocks, "block"), count(d.Schools, "school"), count(d.Teachers, "teacher"), countOf(d.Tested, "child", "children"))
			fmt.Fprintf(s.out, "Arms        %s; %s are assigned\n", strings.Join(d.Arms, ", "), d.Assignment.Level().Plural())
			data, _ := g.Draw(dgp.Stream{Seed: study.Seed})
			fmt.Fprintf(s.out, "One draw    %d schools, %d teachers, %s with a valid test\n", data.N[dgp.SchoolLevel], data.Teachers(), countOf(data.Children(), "child", "children"))
			fmt.Fprintf(s.out, "Columns     ")
			for i, column := range g.Shape().Columns {
				if column.Rating == nil {
					if i > 0 {
						fmt.Fprint(s.out, ", ")
					}
					fmt.Fprint(s.out, column.Name)
				}
			}
			ratings := 0
			for _, column := range g.Shape().Columns {
				if column.Rating != nil {
					ratings++
				}
			}
			if ratings > 0 {
				fmt.Fprintf(s.out, " and %s per class", count(ratings, "rating"))
			}
			fmt.Fprintln(s.out)
			fmt.Fprintf(s.out, "Estimators  ")
			for i, e := range study.Estimators {
				if i > 0 {
					fmt.Fprint(s.out, ", ")
				}
				fmt.Fprint(s.out, e.Name)
			}
			fmt.Fprintln(s.out)
			writeSweep(s.out, study)
			if err := writeClosedForms(s.out, study); err != nil {
				return err
			}
			for _, warning := range study.Warnings() {
				fmt.Fprintf(s.out, "Warning     %s\n", warning)
			}
			fmt.Fprintf(s.out, "Replicates  %d, seed %d\nPlan        %s\n", study.Replicates, study.Seed, plan.Hash)
			writeVariances(s.out, study.Trial.Variances())
			return nil
		},
	}
	f.add(c.Flags())
	f.addReplicates(c.Flags())
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

// writeClosedForms says what power formulas give.
func writeClosedForms(w io.Writer, study sim.Study) error {
	var text strings.Builder
	if err := study.WriteClosedForms(&text); err != nil {
		return err
	}
	label := "Formulas"
	for line := range strings.Lines(text.String()) {
		fmt.Fprintf(w, "%-11s %s", label, line)
		label = ""
	}
	return nil
}

// checkSchemaVersion is raised when a field of check --json changes its name or
// meaning.
const checkSchemaVersion = 1

// writeCheckJSON writes what a study declares as one JSON object.
func writeCheckJSON(w io.Writer, study sim.Study, g *dgp.Generator, plan string) error {
	var columns, estimators []string
	for _, column := range g.Shape().Columns {
		columns = append(columns, column.Name)
	}
	for _, e := range study.Estimators {
		estimators = append(estimators, e.Name)
	}
	warnings := study.Warnings()
	if warnings == nil {
		warnings = []string{}
	}
	text, err := json.MarshalIndent(map[string]any{
		"schema_version": checkSchemaVersion, "aim": study.Aim, "plan": plan, "arms": study.Design.Arms,
		"columns": columns, "estimators": estimators, "warnings": warnings, "variances": study.Trial.Variances(),
	}, "", " ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
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

func countOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
