package main

import (
	"io"
	"path/filepath"

	"coachsim/plots/report"
	"coachsim/sim"
)

// writeProposal writes what the run found for proposals and papers: power.md, and
// the tables table.tex, table.md, table.csv and table.html.
func (f *finished) writeProposal(families sim.Families) error {
	plan, err := sim.ReadPlan(f.dir)
	if err != nil {
		return &exitError{exitFile, err}
	}
	results := report.Results{Study: f.study, Summary: f.summary, Families: families, Version: plan.Version}
	tables := results.Tables()
	table := func(write func(io.Writer, []report.Table) error) func(io.Writer) error {
		return func(w io.Writer) error { return write(w, tables) }
	}
	for name, write := range map[string]func(io.Writer) error{
		"power.md":  results.Proposal().WriteMarkdown,
		"table.tex": table(report.WriteLaTeX), "table.md": table(report.WriteMarkdown),
		"table.csv": table(report.WriteCSV), "table.html": table(report.WriteHTML),
	} {
		if err := sim.ReplaceFile(filepath.Join(f.dir, name), write); err != nil {
			return err
		}
	}
	return nil
}
