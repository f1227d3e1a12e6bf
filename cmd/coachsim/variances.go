package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"

	"coachsim/dgp"
)

// writeVariances prints the implied variances as a table: a line for each level
// of each outcome at which it varies.
func writeVariances(w io.Writer, all dgp.Variances) {
	rows := [][]string{{"outcome", "level", "variance", "ICC", "baseline", "covariates", "quality", "rest", "R²"}}
	digits := func(x float64) string { return fmt.Sprintf("%.4f", math.Max(x, 0)) } // no -0
	some := func(x float64) string {
		if x == 0 {
			return ""
		}
		return digits(x)
	}
	for _, v := range all {
		name := v.Outcome
		for _, l := range v.Levels {
			if l.Variance == 0 {
				continue
			}
			rows = append(rows, []string{name, l.Level, digits(l.Variance), digits(l.ICC), some(l.Baseline), some(l.Covariates), some(l.Quality), some(l.Rest), some(l.R2)})
			name = ""
		}
		all := []string{name, "all", digits(v.Variance), "", "", "", "", "", ""}
		if v.Reliability != nil {
			all[8] = "reliability " + digits(*v.Reliability)
		}
		if v.Grade > 0 {
			all[8] = "and between grades " + digits(v.Grade)
		}
		rows = append(rows, all)
	}
	used, width := make([]bool, len(rows[0])), make([]int, len(rows[0]))
	for i, row := range rows {
		for c, cell := range row {
			used[c] = used[c] || i > 0 && cell != ""
			if c < len(row)-1 || row[1] != "all" { // the last cell of a sum may run on
				width[c] = max(width[c], utf8.RuneCountInString(cell))
			}
		}
	}
	fmt.Fprintf(w, "\nImplied variances in the control arm; tests in SDs of the model, scores before ratings are rounded\n")
	for _, row := range rows {
		var line strings.Builder
		for c, cell := range row {
			if !used[c] {
				continue
			}
			gap := strings.Repeat(" ", max(0, width[c]-utf8.RuneCountInString(cell)))
			if c < 2 {
				line.WriteString("  " + cell + gap)
			} else {
				line.WriteString("  " + gap + cell)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}
