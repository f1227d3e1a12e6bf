package main

import (
	"math"
	"path/filepath"
	"testing"
)

// TestFitLinearAgainstR holds fit against what R makes of the same file:
// oracle.R beside it, with lm, ivreg, sandwich, clubSandwich and estimatr.
func TestFitLinearAgainstR(t *testing.T) {
	folder := filepath.Join("..", "..", "estimators", "testdata", "linear")
	fits := map[string]fitJSON{}
	for _, want := range readCSVFile(t, filepath.Join(folder, "estimates.csv")) {
		args := []string{"--formula", want["formula"], "--se", want["se_kind"], "--report", want["term"]}
		for _, flag := range []string{"weights", "cluster"} {
			if want[flag] != "" {
				args = append(args, "--"+flag, want[flag])
			}
		}
		if len(want["term"]) > 6 && want["term"][:6] == "joint(" {
			continue // the same numbers again
		}
		key := want["formula"] + want["weights"] + want["cluster"] + want["se_kind"] + want["term"]
		fit, ok := fits[key]
		if !ok {
			fit = runFit(t, append(args, filepath.Join(folder, "data.csv"))...)
			fits[key] = fit
		}
		found := false
		for _, row := range fit.Rows {
			if row["term"] != want["term"] {
				continue
			}
			found = true
			for ours, theirs := range map[string]string{"estimate": "estimate", "std.error": "se", "df": "df", "p.value": "p"} {
				x, _ := row[ours].(float64)
				y := number(t, want[theirs])
				if !(math.Abs(x-y) <= 1e-9*math.Abs(y)) {
					t.Errorf("%v, %s: %s is %v, R says %v", args, want["term"], ours, x, y)
				}
			}
		}
		if !found {
			t.Errorf("%v: no row for %s", args, want["term"])
		}
	}
}

// Degrees of freedom of normal tests are no number.
func TestDegreesOfNormalTests(t *testing.T) {
	for df, want := range map[float64]string{math.Inf(1): "normal", 12: "12", 12.34: "12.3"} {
		if got := degrees(df); got != want {
			t.Errorf("%g: %s, want %s", df, got, want)
		}
	}
	if got := csvValue(math.Inf(1)); got != "Inf" {
		t.Errorf("CSV has %s", got)
	}
}
