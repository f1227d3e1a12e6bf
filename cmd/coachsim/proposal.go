package main

import (
	"io"
	"path/filepath"

	"coachsim/plots/report"
	"coachsim/sim"
)

// writeTables writes what the run found as tables for papers: table.tex, table.md,
// table.csv and table.html.
func (f *finished) writeTables(families sim.Families) error {
	tables := report.Results{Study: f.study, Summary: f.summary, Families: families, Version: version()}.Tables()
	for name, write := range map[string]func(io.Writer, []report.Table) error{
		"table.tex": report.WriteLaTeX, "table.md": report.WriteMarkdown, "table.csv": report.WriteCSV, "table.html": report.WriteHTML,
	} {
		if err := writeFile(filepath.Join(f.dir, name), func(w io.Writer) error { return write(w, tables) }); err != nil {
			return err
		}
	}
	return nil
}
