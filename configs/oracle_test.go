package configs_test

import (
	"context"
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"coachsim/configs"
	"coachsim/sim"
)

// Replicate 3 of the ecuador study, simulated into a run directory and read
// back from its log, against the same regressions in R.
func TestEcuadorEqualsR(t *testing.T) {
	const replicate, tolerance = 3, 1e-9
	study := preset(t, "ecuador", configs.Setting{Key: "replicates", Value: "4"})
	plan, err := configs.Plan(study, sim.Build{Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "run")
	if _, err := sim.Run(context.Background(), plan, sim.Options{Dir: dir, Workers: 2, Progress: sim.ProgressSetup{Mode: sim.ProgressNone}}); err != nil {
		t.Fatal(err)
	}
	log, err := sim.OpenLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	type key struct{ estimator, outcome, term string }
	got := map[key]sim.Record{}
	for records, err := range log.Chunks() {
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			if r.Replicate == replicate {
				got[key{r.Estimator, r.Outcome, r.Term}] = r
			}
		}
	}

	want := readTable(t, filepath.Join("..", "testdata", "ecuador-replicate-3", "oracle.csv"))
	if len(want) != len(got) {
		t.Errorf("R has %d rows, the log %d", len(want), len(got))
	}
	worst := 0.0
	for _, row := range want {
		k := key{row["estimator"], row["outcome"], row["term"]}
		r, ok := got[k]
		if !ok {
			t.Errorf("the log has no row %v", k)
			continue
		}
		if !r.Status.Worked() {
			t.Errorf("%v: status %s", k, r.Status)
		}
		for _, c := range []struct {
			column string
			got    float64
		}{{"estimate", r.Value}, {"std_error", r.SE}, {"df", r.DF}, {"p_value", r.P}} {
			x := number(t, row[c.column])
			if math.IsNaN(x) != math.IsNaN(c.got) {
				t.Errorf("%v: %s is %v, in R %v", k, c.column, c.got, x)
				continue
			}
			// Relative above 1, absolute below: p-values of 1e-12 have no nine digits.
			if d := math.Abs(c.got-x) / max(1, math.Abs(x)); d > tolerance {
				t.Errorf("%v: %s is %.15g, in R %.15g", k, c.column, c.got, x)
			} else if !math.IsNaN(d) {
				worst = max(worst, d)
			}
			// Estimates and standard errors agree relatively too, however small.
			if c.column != "p_value" && math.Abs(c.got-x) > tolerance*math.Abs(x)+1e-12 {
				t.Errorf("%v: %s is %.15g, in R %.15g", k, c.column, c.got, x)
			}
		}
	}
	t.Logf("%d rows, largest difference %.2g", len(want), worst)
	if t.Failed() {
		t.Log("if the draws were meant to change, write oracle.csv again: see the README beside it")
	}
}

// preset loads a built-in study.
func preset(t testing.TB, name string, settings ...configs.Setting) sim.Study {
	t.Helper()
	text, ok := configs.Preset(name)
	if !ok {
		t.Fatalf("there is no preset %q", name)
	}
	study, err := configs.Load(name+".yaml", text, settings)
	if err != nil {
		t.Fatal(err)
	}
	return study
}

// readTable reads a CSV file with a header line, by column name.
func readTable(t *testing.T, path string) []map[string]string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, name := range lines[0] {
			row[name] = line[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// number reads a number; an empty cell is NaN.
func number(t *testing.T, text string) float64 {
	t.Helper()
	if text == "" {
		return math.NaN()
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}
