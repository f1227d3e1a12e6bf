package configs_test

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"coachsim/configs"
	"coachsim/sim"
)

// Every starter loads without a warning, is short, and simulates: each estimate
// worked in every one of a few replicates. So does the sweep it offers in a comment.
func TestStarters(t *testing.T) {
	all := configs.Starters()
	if len(all) < 6 {
		t.Fatalf("there are %d starters", len(all))
	}
	for _, starter := range all {
		t.Run(starter.Name, func(t *testing.T) {
			text, ok := configs.StarterFor(starter.Name, "mine.yaml")
			if !ok || !strings.Contains(text, "coachsim run mine.yaml") && !strings.Contains(text, `"coachsim run mine.yaml"`) && !strings.Contains(text, "coachsim check mine.yaml") {
				t.Error("does not tell how to run it")
			}
			if lines := strings.Count(text, "\n"); lines > 100 {
				t.Errorf("has %d lines; nobody edits that in ten minutes", lines)
			}
			if len(starter.Sentence) < 20 || strings.Contains(starter.Sentence, "\n") {
				t.Errorf("is described as %q", starter.Sentence)
			}
			study := load(t, []byte(text))
			if w := study.Warnings(); len(w) > 0 {
				t.Errorf("warns: %v", w)
			}
			offered := 0
			for line := range strings.Lines(text) {
				if sweep, ok := strings.CutPrefix(line, "# sweep: "); ok {
					offered++
					swept, err := configs.Load("text", []byte(text), []configs.Setting{{Key: "sweep", Value: strings.TrimSpace(sweep)}})
					if err != nil {
						t.Errorf("the sweep it offers: %v", err)
					} else if len(swept.Cells) < 2 {
						t.Error("the sweep it offers has one design")
					}
				}
			}
			if offered == 0 && len(study.Cells) == 0 {
				t.Error("neither has nor offers a sweep")
			}
			const few = 3
			study.Replicates = few
			dir := filepath.Join(t.TempDir(), "run")
			if _, err := sim.Run(context.Background(), mustPlan(t, study, "test"), sim.Options{Dir: dir, Workers: 2, Progress: sim.ProgressSetup{Writer: io.Discard, Mode: sim.ProgressNone}}); err != nil {
				t.Fatal(err)
			}
			log, err := sim.OpenLog(dir)
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for records, err := range log.Chunks() {
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range records {
					n++
					if !r.Status.Worked() {
						t.Errorf("replicate %d, %s: %s on %s: %s", r.Replicate, r.Estimator, r.Outcome, r.Term, r.Status)
					}
				}
			}
			if n < few {
				t.Errorf("logged %d estimates", n)
			}
		})
	}
	if _, ok := configs.StarterFor("nowhere", "x"); ok {
		t.Error("there is a starter nowhere")
	}
}
