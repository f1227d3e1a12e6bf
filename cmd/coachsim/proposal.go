package main

import (
	"fmt"
	"io"
	"path/filepath"

	"coachsim/plots/report"
	"coachsim/sim"
)

// writeProposal writes what the run found for proposals and papers: power.md, and
// the tables table.tex, table.md, table.csv and table.html.
func (f *finished) writeProposal(families sim.Families) error {
	results := report.Results{Study: f.study, Summary: f.summary, Families: families}
	tables := results.Tables()
	// A table says what made it where its format has comments that no reader sees.
	table := func(write func(io.Writer, []report.Table) error, comment string) func(io.Writer) error {
		return func(w io.Writer) error {
			if err := write(w, tables); err != nil || comment == "" {
				return err
			}
			_, err := fmt.Fprintf(w, comment, f.summary.Made)
			return err
		}
	}
	for name, write := range map[string]func(io.Writer) error{
		"power.md":  results.Proposal().WriteMarkdown,
		"table.tex": table(report.WriteLaTeX, "%% Made by %s.\n"), "table.md": table(report.WriteMarkdown, "\n<!-- Made by %s. -->\n"),
		"table.csv": table(report.WriteCSV, ""), "table.html": table(report.WriteHTML, "<!-- Made by %s. -->\n"),
	} {
		if err := sim.ReplaceFile(filepath.Join(f.dir, name), write); err != nil {
			return err
		}
	}
	return nil
}
