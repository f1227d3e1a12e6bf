package report_test

import (
	"context"
	"io"
	"path/filepath"
	"testing"

	"coachsim/configs"
	"coachsim/estimators"
	"coachsim/plots"
	"coachsim/plots/report"
	"coachsim/sim"
)

// simulated runs a study with few replicates and returns what its report is
// written from.
func simulated(t *testing.T, text []byte, replicates int, settings ...configs.Setting) report.Results {
	t.Helper()
	return simulatedRun(t, text, replicates, settings...).Results
}

// simulatedRun returns what the page is written from.
func simulatedRun(t *testing.T, text []byte, replicates int, settings ...configs.Setting) report.Run {
	t.Helper()
	study, err := configs.Load("study", text, settings)
	if err != nil {
		t.Fatal(err)
	}
	study.Replicates = replicates
	for i, e := range study.Estimators { // fewer splits and trees: the words are under test
		if m, ok := e.Method.(estimators.Prediction); ok {
			m.Runs, m.Keep = 3, 2
			if m.Forest != nil {
				forest := *m.Forest
				forest.Trees = 5
				m.Forest = &forest
			}
			study.Estimators[i].Method = m
		}
	}
	plan, err := configs.Plan(study, sim.Build{Version: "v1.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "run")
	quiet := sim.ProgressSetup{Writer: io.Discard, Mode: sim.ProgressNone}
	if _, err := sim.Run(context.Background(), plan, sim.Options{Dir: dir, Workers: 2, Progress: quiet}); err != nil {
		t.Fatal(err)
	}
	log, err := sim.OpenLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	summary, err := sim.Summarise(log.Chunks(), study.Alpha, study.Factors())
	if err != nil {
		t.Fatal(err)
	}
	summary.LeaveOutMDES(study)
	if summary.Asked, err = study.Asked(log.Chunks()); err != nil {
		t.Fatal(err)
	}
	families, err := sim.MeasureFamilies(log.Chunks(), study.Families, study.Alpha, study.Factors())
	if err != nil {
		t.Fatal(err)
	}
	run := report.Run{Results: report.Results{Study: study, Summary: summary, Families: families}, Tolerance: configs.Tolerance(study.Published)}
	run.Summary.Made = sim.Provenance{Build: plan.Build, Seed: study.Seed}
	if run.Formulas, err = study.Formulas(); err != nil {
		t.Fatal(err)
	}
	run.Formulas.AddTo(&run.Summary)
	run.Formulas.AddToFamilies(&run.Families)
	if err := run.Summary.AddSelection(study, log.Chunks()); err != nil {
		t.Fatal(err)
	}
	if run.Plan, err = sim.ReadPlan(dir); err != nil {
		t.Fatal(err)
	}
	if run.Truths, err = sim.ReadTruths(dir); err != nil {
		t.Fatal(err)
	}
	if study.Published != "" && len(study.Cells) == 0 {
		cells, err := configs.Published(study.Published)
		if err != nil {
			t.Fatal(err)
		}
		if run.Comparisons, err = sim.Compare(cells, run.Summary); err != nil {
			t.Fatal(err)
		}
	}
	if run.Figures, err = plots.Standard(run.Summary, log.Chunks(), run.Comparisons); err != nil {
		t.Fatal(err)
	}
	return run
}

// studies are the texts of all built-in studies and starters by name.
func studies() map[string][]byte {
	all := map[string][]byte{}
	for _, name := range configs.Presets() {
		if name != "tanzania-math-linear" && name != "tanzania-kiswahili-sparse" { // as their models, with other numbers
			all[name], _ = configs.Preset(name)
		}
	}
	for _, s := range configs.Starters() {
		all[s.Name] = s.Text
	}
	return all
}

// few is how many replicates the studies are simulated with here: the words are
// under test, not the numbers.
const few = 20
