package configs_test

import (
	"reflect"
	"strings"
	"testing"

	"coachsim/configs"
	"coachsim/sim"
)

// A study that is like another has all of it but what it says itself.
func TestLike(t *testing.T) {
	ecuador := preset(t, "ecuador")
	got := load(t, []byte("like: ecuador\n"))
	if !reflect.DeepEqual(got, ecuador) {
		t.Error("a study like ecuador that says no more is another one")
	}
	got = load(t, []byte(`
like: ecuador
aim: smaller
trial:
  schools: 8
  assignment: {kind: simple}
quality:
  effect: {shift: [0, 0, 0]}
achievement:
  slope: {treated: [1, 2, 3]}
  teacher_sd: null
published: null
terms: {child: girl}
estimators:
  - {name: itt, kind: ols, formula: "achievement ~ coaching + $child", cluster: school, se: CR1, report: [coaching]}
sweep:
  trial.blocks: [4, 8]
`))
	by := func(settings ...configs.Setting) sim.Study {
		study, err := configs.Load("ecuador.yaml", mustPreset(t, "ecuador"), settings)
		if err != nil {
			t.Fatal(err)
		}
		return study
	}
	want := by(
		configs.Setting{Key: "aim", Value: "smaller"}, configs.Setting{Key: "trial.schools", Value: "8"},
		configs.Setting{Key: "trial.assignment", Value: "{kind: simple}"}, // the share of another kind is none of its own
		configs.Setting{Key: "quality.effect.shift", Value: "[0, 0, 0]"},
		configs.Setting{Key: "achievement.slope.treated", Value: "[1, 2, 3]"}, configs.Setting{Key: "achievement.teacher_sd", Value: "0"},
		configs.Setting{Key: "published", Value: `""`}, configs.Setting{Key: "terms.child", Value: "girl"},
		configs.Setting{Key: "estimators", Value: `[{name: itt, kind: ols, formula: "achievement ~ coaching + $child", cluster: school, se: CR1, report: [coaching]}]`},
		configs.Setting{Key: "sweep", Value: "{trial.blocks: [4, 8]}"},
	)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("a study like ecuador is\n%+v, wanted\n%+v", got, want)
	}
	// A built-in study that is like another can be built on too, and the plan of
	// either is whole.
	got = load(t, []byte("like: ecuador-disruption\nseed: 3\n"))
	if got.Seed != 3 || got.Achievement.Slope.Baseline == nil || got.Trial.Design.Schools != ecuador.Design.Schools {
		t.Errorf("a study like ecuador-disruption is %+v", got)
	}
	if plan := mustPlan(t, got, ""); strings.Contains(string(plan.Text), "like:") {
		t.Error("the plan says what the study is like")
	}
}

// The second world of the trial of Ecuador differs from the first in the slopes,
// and no more.
func TestEcuadorDisruption(t *testing.T) {
	first, second := preset(t, "ecuador"), preset(t, "ecuador-disruption")
	if reflect.DeepEqual(first.Achievement.Slope, second.Achievement.Slope) || first.Aim == second.Aim {
		t.Error("the two worlds are one")
	}
	first.Achievement.Slope, first.Aim = second.Achievement.Slope, second.Aim
	if !reflect.DeepEqual(first, second) {
		t.Error("the two worlds differ in more than slopes")
	}
}

// What is wrong is located in the text that says it.
func TestLikeFaults(t *testing.T) {
	for _, c := range []struct {
		text, set string
		want      []string
	}{
		{"like: equador\n", "", []string{"study.yaml:1:7", `there is no built-in study "equador"`, "did you mean ecuador?"}},
		{"like: [ecuador]\n", "", []string{"study.yaml:1:7", "like"}},
		{"like:\n", "", []string{"study.yaml:1:1", "like"}},
		{"like: ecuador\ntrial: {scools: 4}\n", "", []string{"study.yaml:2:9", "scools", "schools"}},
		{"like: ecuador\ntrial:\n  schools:\n", "", []string{"study.yaml:3:3", "has no value"}},
		{"like: ecuador\nquality: {effect: {shift: [1]}}\n", "", []string{"study.yaml:2:27", "has 1 number"}},
		{"like: ecuador\ntrial: {arms: [control, tutoring]}\n", "", []string{"ecuador.yaml (built in)", "coaching"}},
		{"like: ecuador\ntrial: 5\n", "", []string{"study.yaml:2:8", "trial"}},
		{"like: ecuador\nquality: {domains: null}\n", "", []string{"quality.domains", "missing"}},
		{"like: ecuador\nsweep: {like: [few-clusters]}\n", "", []string{"like belongs to the whole run"}},
		{"like: ecuador\n", "few-clusters", []string{"--set like=few-clusters", "can only be written in a study file"}},
	} {
		var settings []configs.Setting
		if c.set != "" {
			settings = append(settings, configs.Setting{Key: "like", Value: c.set})
		}
		_, err := configs.Load("study.yaml", []byte(c.text), settings)
		if err == nil {
			t.Errorf("%q loads", c.text)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q: the error lacks %q:\n%v", c.text, want, err)
			}
		}
	}
}
