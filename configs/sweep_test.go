package configs_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"coachsim/configs"
	"coachsim/dgp"
	"coachsim/sim"
)

// withSweep is the few-clusters study with another sweep, in YAML.
func withSweep(t *testing.T, sweep string, more ...configs.Setting) (sim.Study, error) {
	t.Helper()
	return configs.Load("study.yaml", mustPreset(t, "few-clusters"), append([]configs.Setting{{Key: "sweep", Value: sweep}}, more...))
}

func mustSweep(t *testing.T, sweep string, more ...configs.Setting) sim.Study {
	t.Helper()
	study, err := withSweep(t, sweep, more...)
	if err != nil {
		t.Fatal(err)
	}
	return study
}

// The cells are the full grid, the first entry slowest; keys of one entry move
// together; a value may have any shape.
func TestSweepGrid(t *testing.T) {
	study := mustSweep(t, `{"trial.schools, trial.assignment.share": [[10, 0.3], [20, 0.5]], estimators.1.se: [CR1, CR2], achievement.effect.mean: [[0.1]]}`)
	var got []string
	for _, c := range study.Cells {
		got = append(got, fmt.Sprint(c.Factors))
		if len(c.Study.Cells) > 0 || len(c.Study.Sweep) > 0 {
			t.Error("a cell has a sweep of its own")
		}
	}
	want := []string{
		"[{trial.schools 10} {trial.assignment.share 0.3} {estimators.1.se CR1} {achievement.effect.mean [0.1]}]",
		"[{trial.schools 10} {trial.assignment.share 0.3} {estimators.1.se CR2} {achievement.effect.mean [0.1]}]",
		"[{trial.schools 20} {trial.assignment.share 0.5} {estimators.1.se CR1} {achievement.effect.mean [0.1]}]",
		"[{trial.schools 20} {trial.assignment.share 0.5} {estimators.1.se CR2} {achievement.effect.mean [0.1]}]",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the cells are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if study.Design.Schools != 8 || study.Cells[3].Study.Design.Schools != 20 {
		t.Errorf("the study has %d schools, its last cell %d", study.Design.Schools, study.Cells[3].Study.Design.Schools)
	}
	if none := mustSweep(t, "{}"); none.Cells != nil || none.Sweep != nil || none.Trials() != none.Replicates {
		t.Errorf("an empty sweep has %d cells", len(none.Cells))
	}
}

// A cell is the study with the cell's values set, so its replicates are those
// of that study run alone.
func TestCellEqualsStudyWithSettings(t *testing.T) {
	study := mustSweep(t, `{trial.schools: [8, 14], achievement.effect.mean: [[0], [0.2]]}`)
	alone := mustSweep(t, "{}", configs.Setting{Key: "trial.schools", Value: "14"}, configs.Setting{Key: "achievement.effect.mean", Value: "[0.2]"})
	if !reflect.DeepEqual(study.Cells[3].Study, alone) {
		t.Errorf("the cell is\n%+v\nthe study alone\n%+v", study.Cells[3].Study, alone)
	}
	independent := mustSweep(t, `{trial.schools: [8, 14]}`, configs.Setting{Key: "streams", Value: "independent"})
	a, b := independent.Cells[0].Study.Seed, independent.Cells[1].Study.Seed
	if a == b || a == independent.Seed || b == independent.Seed {
		t.Errorf("independent streams of seed %d have seeds %d and %d", independent.Seed, a, b)
	}
}

// The key effect is swept like any other, and one that is set counts instead of
// the means under achievement.
func TestSweptEffect(t *testing.T) {
	study := mustSweep(t, `{effect: [0, 0.2]}`)
	for i, want := range []float64{0, 0.2} {
		if got := study.Cells[i].Study.Effect; got == nil || *got != want {
			t.Errorf("cell %d has the effect %v, not %v", i, got, want)
		}
		means := mustSweep(t, "{}", configs.Setting{Key: "achievement.effect.mean", Value: fmt.Sprintf("[%v]", want)})
		if a, b := drawn(t, study.Cells[i].Study), drawn(t, means); a != b {
			t.Errorf("effect: %v draws another data set than achievement.effect.mean: [%[1]v]", want)
		}
	}
	again := load(t, mustPlan(t, study, "v1").Text)
	if !reflect.DeepEqual(again, study) {
		t.Error("plan.yaml gives another study")
	}
	if _, err := withSweep(t, `{effect: [[0], [0.2]]}`); err == nil || !strings.Contains(err.Error(), "effect") {
		t.Errorf("a list is accepted as the effect: %v", err)
	}
}

// drawn is one data set of a study, as text.
func drawn(t *testing.T, study sim.Study) string {
	t.Helper()
	g, err := study.Trial.Compile()
	if err != nil {
		t.Fatal(err)
	}
	data, _ := g.Draw(dgp.Stream{Seed: 7})
	return fmt.Sprint(data.Columns)
}

// plan.yaml keeps the sweep, in its order, and the hash covers it.
func TestSweepInPlan(t *testing.T) {
	const sweep = `{trial.schools: [8, 14], achievement.effect.mean: [[0], [0.2]], "trial.tested, trial.children": [[20, {mean: 20, sd: 1.5}], [30, {mean: 30}]], terms: [{a: "x, y"}]}`
	study := mustSweep(t, sweep)
	plan := mustPlan(t, study, "v1")
	again := load(t, plan.Text)
	if !reflect.DeepEqual(again, study) {
		t.Errorf("plan.yaml gives another study:\n%+v\nwas\n%+v\nplan:\n%s", again.Sweep, study.Sweep, plan.Text)
	}
	if hash := mustPlan(t, again, "v1").Hash; hash != plan.Hash {
		t.Error("the plan's hash changes when plan.yaml is read")
	}
	for _, other := range []string{
		"{}",
		strings.Replace(sweep, "14", "16", 1),
		strings.Replace(sweep, "trial.schools: [8, 14]", "trial.schools: [14, 8]", 1),
		`{achievement.effect.mean: [[0], [0.2]], trial.schools: [8, 14], "trial.tested, trial.children": [[20, {mean: 20, sd: 1.5}], [30, {mean: 30}]], terms: [{a: "x, y"}]}`,
	} {
		if mustPlan(t, mustSweep(t, other), "v1").Hash == plan.Hash {
			t.Errorf("the sweep %s has the same hash", other)
		}
	}
	if mustPlan(t, mustSweep(t, sweep, configs.Setting{Key: "streams", Value: "independent"}), "v1").Hash == plan.Hash {
		t.Error("independent streams have the same hash")
	}
}

func TestSweepFaults(t *testing.T) {
	for name, c := range map[string]struct {
		sweep string
		more  []configs.Setting
		want  []string
	}{
		"unknown key":   {sweep: "{trial.shools: [4, 8]}", want: []string{"--set sweep={trial.shools: [4, 8]}: trial.shools: unknown key\n  1 | {trial.shools: [4, 8]}\n    |                 ^\n", `did you mean "schools"?`}},
		"no path":       {sweep: `{"a..b": [4]}`, want: []string{": a..b: ", "is not the path of a key"}},
		"no list entry": {sweep: "{estimators.9.se: [CR1]}", want: []string{": estimators.9.se: the list estimators has 8 entries"}},
		"empty list":    {sweep: "{trial.schools: []}", want: []string{"has no values; a swept key needs at least one"}},
		"no list":       {sweep: "{trial.schools: 4}", want: []string{"must be a list, not the number 4", "put it in brackets: [4]"}},
		"no mapping":    {sweep: "[4]", want: []string{"must be a group of keys, not a list"}},
		"wrong type":    {sweep: "{trial.schools: [8, four]}", want: []string{`: trial.schools: must be a whole number, not "four"`, "\n    |                     ^^^^"}},
		"out of range": {
			sweep: "{trial.schools: [8, 1], trial.assignment.share: [0.5, 1.5]}",
			want: []string{
				": trial.assignment.share: must be above 0 and below 1, not 1.5, in sweep cell 1 (trial.schools=8, trial.assignment.share=1.5)\n",
				": trial.schools: must be at least 2, not 1, in sweep cell 2 (trial.schools=1, trial.assignment.share=0.5)\n",
			},
		},
		"values that do not fit": {
			sweep: "{achievement.effect.mean: [[0], [0, 1]]}",
			want:  []string{": achievement.effect.mean: has 2 numbers; it needs one for each test, 1\n"},
		},
		"a fault elsewhere": {
			sweep: "{achievement.tests: [[reading], [reading, maths]]}",
			want:  []string{"study.yaml:", "achievement.residual: ", ", in sweep cell 1 (achievement.tests=[reading, maths])"},
		},
		"a key of the run":   {sweep: "{replicates: [100, 200]}", want: []string{"replicates belongs to the whole run, so it cannot be swept"}},
		"a key twice":        {sweep: `{trial.schools: [8], "trial.schools, trial.teachers": [[8, 1]]}`, want: []string{"trial.schools is changed twice in the sweep"}},
		"a key and its part": {sweep: `{trial.children.sd: [8], trial.children: [{mean: 3}]}`, want: []string{"trial.children is changed twice"}},
		"too few together":   {sweep: `{"trial.schools, trial.teachers": [[8, 1], [9]]}`, want: []string{"must be a list of 2 values, one for each of the keys, not [9]"}},
		"no key":             {sweep: `{"trial.schools,": [[8, 1]]}`, want: []string{"names no key"}},
		"one of two together": {
			sweep: `{"trial.schools, trial.teachers": [[8, 1], [9, 0]]}`,
			want:  []string{": trial.teachers: must be at least 1, not 0, in sweep cell 1 (trial.schools=9, trial.teachers=0)\n", "\n    |                                                ^"},
		},
		"too many cells": {
			sweep: "{trial.schools: [" + strings.Repeat("8, ", 200) + "8], trial.tested: [" + strings.Repeat("8, ", 200) + "8]}",
			want:  []string{"asks for more than 10000 designs"},
		},
		"a setting that would not count": {
			sweep: "{trial.schools: [8, 10]}", more: []configs.Setting{{Key: "trial.schools", Value: "12"}},
			want: []string{"--set trial.schools=12: is swept, so this value would not count", "--set 'sweep={trial.schools: [12]}'"},
		},
		"streams": {sweep: "{}", more: []configs.Setting{{Key: "streams", Value: "shared"}}, want: []string{"common, independent"}},
	} {
		_, err := withSweep(t, c.sweep, c.more...)
		if err == nil {
			t.Errorf("%s: no fault", name)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: the faults do not say %q:\n%v", name, want, err)
			}
		}
	}
	// A value that is wrong in many cells is one fault.
	_, err := withSweep(t, "{trial.schools: [1, 8], trial.tested: [3, 4, 5]}")
	if n := strings.Count(fmt.Sprint(err), "must be at least 2"); n != 1 {
		t.Errorf("one bad value gives %d faults:\n%v", n, err)
	}
}

// With 8 schools of very unequal size, the less a standard error is corrected,
// the more often it sees an effect that is not there.
func TestFewClustersOrdersTheSizes(t *testing.T) {
	study := mustSweep(t, "{trial.children.sd: [30]}", configs.Setting{Key: "replicates", Value: "300"})
	dir := t.TempDir()
	if _, err := sim.Run(t.Context(), mustPlan(t, study, "v1"), sim.Options{Dir: dir, Workers: 2, Progress: sim.ProgressSetup{Mode: sim.ProgressNone}}); err != nil {
		t.Fatal(err)
	}
	log, err := sim.OpenLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	rejected := map[string]int{}
	for records, err := range log.Chunks() {
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			if r.P <= study.Alpha {
				rejected[r.Estimator]++
			}
		}
	}
	if !(rejected["CR0"] > rejected["CR1"] && rejected["CR1"] > rejected["CR2"] && rejected["CR2"] > rejected["CR3"]) {
		t.Errorf("false alarms in 300 trials: %v", rejected)
	}
	if n := rejected["CR0"]; n < 45 { // 15%; about 20% is right
		t.Errorf("CR0 has %d false alarms in 300 trials: too few clusters do not show", n)
	}
}
