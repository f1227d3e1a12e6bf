package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"coachsim/dgp"
)

// writeVariances prints the implied variances as a table: a line for each level
// of each outcome at which it varies. Where that is wider than the terminal, an outcome
// and its unit stand above their lines.
func writeVariances(w io.Writer, all dgp.Variances, terminal int) {
	rows := all.Table()
	fmt.Fprintf(w, "\nImplied variances in the control arm; %s\n", all.Scale())
	lines := varianceLines(rows)
	widest := 0
	for _, line := range lines {
		widest = max(widest, utf8.RuneCountInString(line))
	}
	if widest <= terminal {
		for _, line := range lines {
			fmt.Fprintln(w, line)
		}
		return
	}
	beneath := make([][]string, len(rows))
	for i, row := range rows {
		beneath[i] = row[2:]
		if sum, last := row[2] == "all", len(row)-1; sum && row[last] != "" { // words on the sum stand beside it
			beneath[i] = []string{row[2], row[3], row[last]}
		}
	}
	for i, line := range varianceLines(beneath) {
		if i > 0 && rows[i][0] != "" {
			fmt.Fprintf(w, "  %s, unit: %s\n", rows[i][0], rows[i][1])
		}
		fmt.Fprintln(w, " "+line)
	}
}

// varianceLines aligns the cells of rows: words on the left, numbers on the right.
func varianceLines(rows [][]string) []string {
	words := slices.Index(rows[0], "variance")
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for c, cell := range row {
			if c < len(row)-1 || row[words-1] != "all" { // the last cell of a sum may run on
				width[c] = max(width[c], utf8.RuneCountInString(cell))
			}
		}
	}
	var lines []string
	for _, row := range rows {
		var line strings.Builder
		for c, cell := range row {
			gap := strings.Repeat(" ", max(0, width[c]-utf8.RuneCountInString(cell)))
			if c < words {
				line.WriteString("  " + cell + gap)
			} else {
				line.WriteString("  " + gap + cell)
			}
		}
		lines = append(lines, strings.TrimRight(line.String(), " "))
	}
	return lines
}
