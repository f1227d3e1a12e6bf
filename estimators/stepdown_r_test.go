package estimators_test

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
)

var update = flag.Bool("update", false, "write the draws that testdata/stepdown/oracle.R reads")

// The adjusted p-values are those of testdata/stepdown/oracle.R, which refits
// every regression in every draw, and steps down as multtest does.
func TestStepDownOracle(t *testing.T) {
	const draws = 199
	shape, d := instrumentData(t)
	shape.Assignment = dgp.Blocked{Share: 0.5}
	shape.Arms = []string{"control", "coaching"}
	d.Randomised = &dgp.Units{Level: dgp.SchoolLevel, N: d.N, Columns: d.Columns}
	starts := []int{0}
	for s, block := range d.SchoolBlock {
		d.Place = append(d.Place, s)
		if s > 0 && block > d.SchoolBlock[s-1] {
			starts = append(starts, s)
		}
	}
	d.Randomised.Start[dgp.SchoolLevel] = append(starts, len(d.SchoolBlock))
	st := dgp.Stream{Seed: 5, Replicate: 2}

	var assignments, weights bytes.Buffer
	arm, assign := make([]int, len(d.SchoolBlock)), shape.Assignment.Compile(shape).Assign
	rng := dgp.NewSource().Load(st, dgp.EstimatorPurpose("ri"))
	for range draws {
		assign(arm, d.Randomised, rng)
		for s, a := range arm {
			fmt.Fprintf(&assignments, "%s%d", separator(s), a)
		}
		assignments.WriteByte('\n')
	}
	rng = dgp.NewSource().Load(st, dgp.EstimatorPurpose("wild"))
	for range draws {
		for s := range d.SchoolBlock {
			v := estimators.Webb.Draw(rng)
			fmt.Fprintf(&weights, "%s%.1f", separator(s), v*math.Abs(v))
		}
		weights.WriteByte('\n')
	}
	sameFile(t, filepath.Join("testdata", "stepdown", "assignments.csv"), assignments.Bytes())
	sameFile(t, filepath.Join("testdata", "stepdown", "weights.csv"), weights.Bytes())

	regression := estimators.OLS{Formula: "c(score, hours, ses, age) ~ coaching + rural | block", Cluster: "school", SE: cr1, Report: []string{"coaching"}}
	boot := estimators.OLS{Formula: "c(score, takeup, hours) ~ coaching + rural + ses + age", Cluster: "school", SE: cr1, Report: []string{"coaching", "rural", "ses", "age"}}
	ri := func(statistic estimators.Statistic, adjust estimators.StepDown) estimators.Named {
		return estimators.Named{Name: "ri", Method: estimators.Randomisation{OLS: regression, Draws: draws, Statistic: statistic, Adjust: adjust}}
	}
	wild := func(adjust estimators.StepDown) estimators.Named {
		return estimators.Named{Name: "wild", Method: estimators.WildBootstrap{OLS: boot, Draws: draws, Weights: estimators.Webb, Adjust: adjust}}
	}
	p := map[string]float64{}
	for kind, methods := range map[string][2]estimators.Named{
		"randomisation-t":           {ri(estimators.StudentT, estimators.NoStepDown), ri(estimators.StudentT, estimators.WestfallYoung)},
		"randomisation-coefficient": {ri(estimators.Coefficient, estimators.NoStepDown), ri(estimators.Coefficient, estimators.WestfallYoung)},
		"wild":                      {wild(estimators.NoStepDown), wild(estimators.RomanoWolf)},
	} {
		for i, column := range []string{"p", "adjusted"} {
			panel, err := estimators.Bind(methods[i:i+1], shape, nil)
			if err != nil {
				t.Fatal(err)
			}
			panel.Use(st)
			for k, e := range panel.Fit(d) {
				row := panel.Rows()[k]
				p[kind+row.Outcome+row.Term+column] = e.P
			}
		}
	}
	moved := 0
	for _, row := range readTable(t, "stepdown", "pvalues.csv") {
		for _, column := range []string{"p", "adjusted"} {
			got, found := p[row["kind"]+row["outcome"]+row["term"]+column]
			if want := number(t, row[column]); !found || math.Abs(got-want) > 1e-12 {
				t.Errorf("%s, %s of %s: %s %v, want %v", row["kind"], row["term"], row["outcome"], column, got, want)
			}
		}
		if row["p"] != row["adjusted"] {
			moved++
		}
	}
	if moved < 8 {
		t.Errorf("only %d p-values are changed by the adjustment: the data tell little", moved)
	}
}

func separator(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

// sameFile asserts what a file holds; with -update it writes it.
func sameFile(t *testing.T, path string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, want, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s does not hold the draws (%v); write it with -update and run oracle.R anew", path, err)
	}
}
