package sim

import (
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"

	"coachsim/estimators"
)

// PathRow is a line of a table of effects by path: a part of the effect of an arm
// on an outcome, with what is not the part held as without the arm (0) and as with
// it (1), and the mean of both. The whole effect and controlled direct effects
// have one value, in Whole. Others are empty.
type PathRow struct {
	Arm, Outcome       string
	Label              string // "total", "direct", "indirect", "through es", "controlled direct"
	Zero, One, Average PathEffect
	Whole              PathEffect
}

// PathRows lays effects by path out in lines.
func PathRows(all []PathEffect) []PathRow {
	var rows []PathRow
	at := map[string]int{}
	line := func(e PathEffect, label string) *PathRow {
		id := e.Arm + "\x00" + e.Outcome + "\x00" + label
		i, known := at[id]
		if !known {
			i = len(rows)
			at[id] = i
			none := PathEffect{Value: math.NaN(), MCSE: math.NaN()}
			rows = append(rows, PathRow{Arm: e.Arm, Outcome: e.Outcome, Label: label, Zero: none, One: none, Average: none, Whole: none})
		}
		return &rows[i]
	}
	var outcomes [][2]string
	for _, e := range all { // in the order in which they are read
		if id := [2]string{e.Arm, e.Outcome}; e.Path == estimators.Whole {
			outcomes = append(outcomes, id)
		}
	}
	for _, id := range outcomes {
		for _, wanted := range []string{"total", "direct", "indirect", "through", "controlled direct"} {
			for _, e := range all {
				if e.Arm != id[0] || e.Outcome != id[1] {
					continue
				}
				kind, label := e.kind()
				if kind != wanted {
					continue
				}
				row := line(e, label)
				switch e.Path {
				case estimators.Whole, estimators.ControlledDirect:
					row.Whole = e
				case estimators.IndirectControl, estimators.DirectControl:
					row.Zero = e
				case estimators.IndirectTreated, estimators.DirectTreated:
					row.One = e
				case estimators.IndirectAverage, estimators.DirectAverage:
					row.Average = e
				}
			}
		}
	}
	return rows
}

// kind is which line an effect stands in, and its label.
func (e PathEffect) kind() (kind, label string) {
	switch e.Path {
	case estimators.Whole:
		return "total", "total"
	case estimators.DirectControl, estimators.DirectTreated, estimators.DirectAverage:
		return "direct", "direct"
	case estimators.ControlledDirect:
		return "controlled direct", "controlled direct"
	}
	if e.Through != "" {
		return "through", "through " + e.Through
	}
	return "indirect", "indirect"
}

// WritePaths writes a table of effects by path, with Monte Carlo standard errors.
func WritePaths(w io.Writer, all []PathEffect) error {
	rows := PathRows(all)
	most := 0.0
	for _, e := range all {
		if e.MCSE > most {
			most = e.MCSE
		}
	}
	places := 4
	if most > 0 {
		places = min(max(int(math.Ceil(-math.Log10(most))), 2), 6)
	}
	written := func(e PathEffect) string {
		if math.IsNaN(e.Value) {
			return ""
		}
		mcse := fixed(e.MCSE, places)
		if least := math.Pow10(-places); e.MCSE < least/2 {
			mcse = "<" + fixed(least, places)
		}
		return fixed(e.Value, places) + " (" + mcse + ")"
	}
	lines := [][]string{{"", "other part as", "other part as", "mean of both"}, {"", "without (0)", "with (1)", ""}}
	for i, row := range rows {
		if i == 0 || rows[i-1].Arm != row.Arm || rows[i-1].Outcome != row.Outcome {
			lines = append(lines, []string{row.Arm + " → " + row.Outcome})
		}
		indent := "  "
		if strings.HasPrefix(row.Label, "through") {
			indent = "    "
		}
		line := []string{indent + row.Label, written(row.Zero), written(row.One), written(row.Average)}
		if !math.IsNaN(row.Whole.Value) {
			line = []string{indent + row.Label, "", "", written(row.Whole)}
		}
		lines = append(lines, line)
	}
	width := make([]int, 4)
	for _, line := range lines {
		for k, text := range line {
			if len(line) > 1 {
				width[k] = max(width[k], utf8.RuneCountInString(text))
			}
		}
	}
	for _, line := range lines {
		var out strings.Builder
		for k, text := range line {
			if k == 0 {
				out.WriteString(padRight(text, width[0]))
			} else {
				out.WriteString("  " + padLeft(text, width[k]))
			}
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(out.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}
