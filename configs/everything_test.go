package configs_test

import (
	"os"
	"testing"

	"coachsim/configs"
	"coachsim/dgp"
	"coachsim/estimators"
)

// A study with every section of the trial switched on draws, fits, and allocates
// nothing while it does. That realised moments are those asked for is tested
// beside the sections, in package dgp.
func TestEverythingAtOnce(t *testing.T) {
	text, err := os.ReadFile("testdata/everything.yaml")
	if err != nil {
		t.Fatal(err)
	}
	study, err := configs.Load("everything.yaml", text, nil)
	if err != nil {
		t.Fatal(err)
	}
	g, err := study.Trial.Compile()
	if err != nil {
		t.Fatal(err)
	}
	var methods []estimators.Named
	for _, e := range study.Estimators {
		methods = append(methods, estimators.Named{Name: e.Name, Method: e.Method})
	}
	panel, err := estimators.Bind(methods, g.Shape(), study.Terms)
	if err != nil {
		t.Fatal(err)
	}
	rep := uint64(0)
	replicate := func() {
		st := dgp.Stream{Seed: study.Seed, Replicate: rep}
		data, _ := g.Draw(st)
		panel.Use(st)
		for i, e := range panel.Fit(data) {
			if !e.Status.Worked() {
				t.Fatalf("replicate %d: %+v is %s", rep, panel.Rows()[i], e.Status)
			}
		}
		rep++
	}
	replicate()
	if n := testing.AllocsPerRun(20, replicate); n > 0 {
		t.Errorf("a replicate allocates %g times", n)
	}
}
