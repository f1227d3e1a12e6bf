package main

import (
	"math"
	"strings"
	"testing"
)

// TestFitFormulasAgainstR holds functions, factors, means, indices and Lin's
// adjustment against what R makes of the same file: testdata/fit/formula.R wrote
// formula.csv.
func TestFitFormulasAgainstR(t *testing.T) {
	fits := map[string]fitJSON{}
	rows := readCSVFile(t, "testdata/fit/formula.csv")
	if len(rows) < 30 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, want := range rows {
		fit, ok := fits[want["flags"]]
		if !ok {
			fit = runFit(t, append(strings.Split(want["flags"], ";"), "testdata/fit/pupils.csv")...)
			fits[want["flags"]] = fit
		}
		if float64(fit.N) != number(t, want["n"]) {
			t.Errorf("%s: %d rows, in R %s", want["flags"], fit.N, want["n"])
		}
		found := false
		for _, row := range fit.Rows {
			if row["outcome"] != want["outcome"] || row["term"] != want["term"] {
				continue
			}
			found = true
			for _, column := range []string{"estimate", "std.error", "df"} {
				x, _ := row[column].(float64)
				if y := number(t, want[column]); !(math.Abs(x-y) <= 1e-9*math.Abs(y)) {
					t.Errorf("%s, %s: %s is %v, R says %v", want["flags"], want["term"], column, x, y)
				}
			}
		}
		if !found {
			t.Errorf("%s: no row for %s ~ %s among %v", want["flags"], want["outcome"], want["term"], fit.Rows)
		}
	}
}
