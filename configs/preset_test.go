package configs_test

import (
	"bytes"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"coachsim/configs"
	"coachsim/estimators"
	"coachsim/sim"
)

// Every built-in study loads, says what it is for, and compiles.
func TestPresetsLoad(t *testing.T) {
	names := configs.Presets()
	if !slices.Contains(names, "ecuador") || !slices.IsSorted(names) {
		t.Fatalf("the presets are %v", names)
	}
	for _, name := range names {
		study := preset(t, name)
		if study.Aim == "" || len(study.Estimators) == 0 {
			t.Errorf("%s declares no aim or estimator", name)
		}
		g, err := study.Trial.Compile()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := estimators.Bind(named(study, ""), g.Shape(), study.Terms); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if text, ok := configs.Preset("nowhere"); ok || text != nil {
		t.Error("there is a preset nowhere")
	}
}

// A study written with every default reads back as the same study, is written
// the same again, and is the same plan: with every key set on top, and from
// the plan.yaml of a run directory.
func TestPresetsResolve(t *testing.T) {
	for _, name := range configs.Presets() {
		study := preset(t, name)
		text, err := configs.Resolve(study)
		if err != nil {
			t.Fatal(err)
		}
		again, err := configs.Load("resolved", text, nil)
		if err != nil {
			t.Fatalf("%s: the resolved study does not load:\n%v", name, err)
		}
		if !reflect.DeepEqual(study, again) {
			t.Errorf("%s: the resolved study is another one:\n%+v\n%+v", name, study, again)
		}
		second, err := configs.Resolve(again)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(text, second) {
			t.Errorf("%s resolves to another text the second time", name)
		}
		plan := mustPlan(t, study, "v1")
		for what, other := range map[string]sim.Study{"resolved": again, "from plan.yaml": load(t, plan.Text)} {
			if hash := mustPlan(t, other, "v1").Hash; hash != plan.Hash {
				t.Errorf("%s, %s: the plan's hash is %s, was %s", name, what, hash, plan.Hash)
			}
		}
	}
}

func load(t *testing.T, text []byte) sim.Study {
	t.Helper()
	study, err := configs.Load("text", text, nil)
	if err != nil {
		t.Fatal(err)
	}
	return study
}

func mustPlan(t *testing.T, study sim.Study, version string) sim.Plan {
	t.Helper()
	plan, err := configs.Plan(study, sim.Build{Version: version})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// The hash covers what decides a replicate and nothing else: not the number of
// replicates, nor the version, nor how the file is written.
func TestPlanHash(t *testing.T) {
	same := mustPlan(t, preset(t, "ecuador"), "v1")
	for _, c := range []struct {
		key, value string
		same       bool
	}{
		{"replicates", "5000", true},
		{"trial.teachers", "1", true}, // the default, written out
		{"sources.icc", "a pilot", true},
		{"primary", "{estimator: eq1}", true},
		{"seed", "15022", false},
		{"trial.schools", "22", false},
		{"achievement.effect.bottom", "0.31", false},
		{"quality.effect.skew", "0.50000001", false},
		{"observation.points", "true", false},
	} {
		study, err := configs.Load("ecuador.yaml", mustPreset(t, "ecuador"), []configs.Setting{{Key: c.key, Value: c.value}})
		if err != nil {
			t.Fatal(err)
		}
		plan := mustPlan(t, study, "v2")
		if (plan.Hash == same.Hash) != c.same {
			t.Errorf("with %s: %s the hash is the same: %v", c.key, c.value, !c.same)
		}
		if !strings.Contains(string(plan.Text), plan.Hash) || plan.Version != "v2" {
			t.Errorf("the plan's text lacks its hash")
		}
	}
}

func mustPreset(t *testing.T, name string) []byte {
	t.Helper()
	text, ok := configs.Preset(name)
	if !ok {
		t.Fatalf("there is no preset %q", name)
	}
	return text
}

// Every published cell names a row that the study estimates, once, of the
// right kind.
func TestPublishedCellsAreEstimated(t *testing.T) {
	for _, name := range configs.Presets() {
		study := preset(t, name)
		if study.Published == "" {
			continue
		}
		cells, err := configs.Published(study.Published)
		if err != nil {
			t.Fatal(err)
		}
		g, err := study.Trial.Compile()
		if err != nil {
			t.Fatal(err)
		}
		panel, err := estimators.Bind(named(study, ""), g.Shape(), study.Terms)
		if err != nil {
			t.Fatal(err)
		}
		rows := map[[3]string]bool{}
		for _, r := range panel.Rows() {
			key := [3]string{r.Estimator, r.Outcome, r.Term}
			if rows[key] {
				t.Errorf("%s estimates %v twice", name, key)
			}
			rows[key] = true
		}
		seen := map[string]bool{}
		used := map[[3]string]int{}
		for _, c := range cells {
			key := [3]string{c.Estimator, c.Outcome, c.Term}
			if !rows[key] {
				t.Errorf("%s has no row for the published cell %s: %v", name, c.ID, key)
			}
			used[key]++
			if seen[c.ID] {
				t.Errorf("two published cells are called %s", c.ID)
			}
			seen[c.ID] = true
			if math.IsNaN(c.Value) || c.Table == "" || c.Label == "" || !slices.Contains([]string{"coef", "corr", "p", "r2", "iqr", "mse", "ratio", "lo", "hi", "freq", "importance", "sign", "tick"}, c.Kind) {
				t.Errorf("published cell %+v", c)
			}
			if joint := strings.HasPrefix(c.Term, "joint("); joint != (c.Kind == "p") {
				t.Errorf("published cell %s is of kind %s, its term %s", c.ID, c.Kind, c.Term)
			}
			if c.Kind == "coef" && (!(c.SE > 0) || c.SE > 0.2) {
				t.Errorf("published cell %s has standard error %g", c.ID, c.SE)
			}
			if !math.IsNaN(c.CalibratedSE) && math.Abs(c.CalibratedSE/c.SE-1) > 0.25 {
				t.Errorf("published cell %s: the calibrated SE is %g, the printed %g", c.ID, c.CalibratedSE, c.SE)
			}
		}
		unused := 0
		for key := range rows {
			if used[key] == 0 {
				unused++
			}
		}
		t.Logf("%s: %d of %d estimates have no published cell", name, unused, len(rows))
	}
}

// The embedded table is the whole of what was transcribed from the paper: 244
// numbers, of which these are estimated.
func TestEcuadorTargets(t *testing.T) {
	rows := readTable(t, filepath.Join("targets", "ecuador.csv"))
	if len(rows) != 244 {
		t.Errorf("%d rows of targets, want 244", len(rows))
	}
	calibrated := readTable(t, filepath.Join("targets", "ecuador-calibration.csv"))
	cells, err := configs.Published("ecuador")
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]sim.Published{}
	count := map[string]int{}
	for _, c := range cells {
		byID[c.ID] = c
		count[c.Table+" "+c.Kind]++
		if c.Kind == "coef" && !math.IsNaN(c.SE) {
			count["coefficients with an SE"]++
		}
	}
	t.Logf("%d cells: %v", len(cells), count)
	for name, want := range map[string]int{
		"2A coef": 7, "2A p": 1, "3A coef": 8, "3B coef": 9, "4 coef": 31, "A1 corr": 3, "coefficients with an SE": 55,
	} {
		if count[name] != want {
			t.Errorf("%d cells %s, want %d", count[name], name, want)
		}
	}
	// Each calibrated number belongs to a cell, and the calibration's mean
	// estimate lies as near to it as the calibration says: within 0.75 SE.
	if len(calibrated) != 55 {
		t.Errorf("%d calibrated cells, want 55", len(calibrated))
	}
	for _, row := range calibrated {
		c, ok := byID[row["id"]]
		if !ok || math.IsNaN(c.CalibratedSE) {
			t.Errorf("the calibration of %s has no cell", row["id"])
			continue
		}
		if d := math.Abs(number(t, row["sim_mean"])-c.Value) / c.SE; d > 0.75 {
			t.Errorf("%s: calibrated mean %s, printed %g (%g)", c.ID, row["sim_mean"], c.Value, c.SE)
		}
	}
	// A few cells by hand.
	for id, want := range map[string]sim.Published{
		"t3b_total_c1": {Table: "3B", Column: "1", Estimator: "eq2", Outcome: "achievement", Term: "coaching", Kind: "coef", Value: -0.069, SE: 0.034, CalibratedSE: 0.0348},
		"t3a_gt90_c5":  {Table: "3A", Column: "5", Estimator: "eq1", Outcome: "above(class, 90)", Term: "coaching", Kind: "coef", Value: 0.089, SE: 0.041, CalibratedSE: 0.0414},
		"t2a_co_c5":    {Table: "2A", Column: "5", Estimator: "t2a-domains", Outcome: "achievement", Term: "co", Kind: "coef", Value: 0.093, SE: 0.034, CalibratedSE: 0.0409},
	} {
		got := byID[id]
		want.ID, want.Label = id, got.Label
		if got != want {
			t.Errorf("cell %s is\n%+v, want\n%+v", id, got, want)
		}
	}
}

func TestUnknownTable(t *testing.T) {
	if _, err := configs.Published("peru"); err == nil || !strings.Contains(err.Error(), `no table of published results "peru"`) {
		t.Errorf("error %v", err)
	}
	_, err := configs.Load("study.yaml", mustPreset(t, "ecuador"), []configs.Setting{{Key: "published", Value: "peru"}})
	if err == nil || !strings.Contains(err.Error(), "peru") {
		t.Errorf("error %v", err)
	}
	// A calibration is no table of its own.
	for _, table := range configs.Tables() {
		if strings.HasSuffix(table, "-calibration") {
			t.Errorf("the calibration %s is listed as a table", table)
		}
	}
}

// A plan tells the size of its chunks where it is not the usual, and a plan that does not
// has the usual ones, whatever the study would have. The size decides no replicate.
func TestPlanChunk(t *testing.T) {
	slow, fast := preset(t, "tanzania-math"), preset(t, "ecuador")
	plan, err := configs.Plan(slow, sim.Build{Version: "v1"})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(plan.Text), "\nchunk: 5\n") {
		t.Error("the plan of a slow study does not tell its chunks")
	}
	again, err := configs.LoadPlan("plan.yaml", plan.Text)
	if err != nil || again.ChunkSize() != 5 {
		t.Errorf("chunks of %d, error %v", again.ChunkSize(), err)
	}
	older, err := configs.LoadPlan("plan.yaml", []byte(strings.Replace(string(plan.Text), "\nchunk: 5\n", "\n", 1)))
	if err != nil || older.ChunkSize() != sim.ChunkReplicates {
		t.Errorf("an older plan: chunks of %d, error %v", older.ChunkSize(), err)
	}
	other, err := configs.Plan(older, sim.Build{Version: "v1"})
	if err != nil || other.Hash != plan.Hash || strings.Contains(string(other.Text), "\nchunk:") {
		t.Errorf("hash %s, want %s, error %v", other.Hash, plan.Hash, err)
	}
	if plan, err = configs.Plan(fast, sim.Build{Version: "v1"}); err != nil || strings.Contains(string(plan.Text), "\nchunk:") {
		t.Errorf("the usual chunks are told, error %v", err)
	}
}
