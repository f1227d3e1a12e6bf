package configs_test

import (
	"context"
	"encoding/csv"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"coachsim/configs"
	"coachsim/sim"
)

// TestStandardErrorsAgainstR compares every kind of standard error, its degrees
// of freedom, and t and joint tests with R's sandwich and clubSandwich on the
// same data (testdata/standard-errors/oracle.R).
func TestStandardErrorsAgainstR(t *testing.T) {
	folder := filepath.Join("testdata", "standard-errors")
	text, err := os.ReadFile(filepath.Join(folder, "study.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	study, err := configs.Load("study.yaml", text, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := firstReplicate(t, study)
	file, err := os.Open(filepath.Join(folder, "oracle.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) < 100 {
		t.Fatalf("the oracle has %d lines", len(lines))
	}
	for _, line := range lines[1:] {
		r, ok := got[[3]string{line[0], line[1], line[2]}]
		if !ok {
			t.Errorf("no estimate of %s on %s by %s", line[2], line[1], line[0])
			continue
		}
		for i, number := range []float64{r.Value, r.SE, r.DF, r.P} {
			want, err := strconv.ParseFloat(line[3+i], 64)
			if err != nil {
				want = math.NaN() // R's NA
			}
			if math.IsNaN(want) && math.IsNaN(number) {
				continue
			}
			// A p-value magnifies the rounding of its statistic, and R squares age
			// without centring it.
			tolerance := map[int]float64{3: 1e-8}[i]
			if tolerance == 0 {
				tolerance = 1e-9
			}
			if !(math.Abs(number-want) <= tolerance*math.Max(math.Abs(want), 1e-3)) {
				t.Errorf("%s, %s on %s, %s: got %.12g, R has %.12g", line[0], line[2], line[1], lines[0][3+i], number, want)
			}
		}
	}
}

// firstReplicate simulates replicate 0 as a run does and returns its rows by
// estimator, outcome and term.
func firstReplicate(t *testing.T, study sim.Study) map[[3]string]sim.Record {
	t.Helper()
	study.Replicates = 1
	plan, err := configs.Plan(study, sim.Build{Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := sim.Run(context.Background(), plan, sim.Options{Dir: dir, Workers: 1, Progress: sim.ProgressSetup{Writer: io.Discard, Mode: sim.ProgressNone}}); err != nil {
		t.Fatal(err)
	}
	log, err := sim.OpenLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[[3]string]sim.Record{}
	for records, err := range log.Chunks() {
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			rows[[3]string{r.Estimator, r.Outcome, r.Term}] = r
		}
	}
	return rows
}
