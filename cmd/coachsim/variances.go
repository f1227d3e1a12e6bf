package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"coachsim/dgp"
)

// writeVariances prints the implied variances as a table: a line for each level
// of each outcome at which it varies.
func writeVariances(w io.Writer, all dgp.Variances) {
	rows := all.Table()
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for c, cell := range row {
			if c < len(row)-1 || row[2] != "all" { // the last cell of a sum may run on
				width[c] = max(width[c], utf8.RuneCountInString(cell))
			}
		}
	}
	fmt.Fprintf(w, "\nImplied variances in the control arm; %s\n", all.Scale())
	for _, row := range rows {
		var line strings.Builder
		for c, cell := range row {
			gap := strings.Repeat(" ", max(0, width[c]-utf8.RuneCountInString(cell)))
			if c < 3 {
				line.WriteString("  " + cell + gap)
			} else {
				line.WriteString("  " + gap + cell)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}
