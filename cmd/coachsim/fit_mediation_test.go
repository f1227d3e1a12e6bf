package main

import (
	"bytes"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
)

// TestFitMediationAgainstR holds fit against what lm, sandwich and clubSandwich say
// of mediation in the same file, by oracle.R beside it.
func TestFitMediationAgainstR(t *testing.T) {
	folder := filepath.Join("..", "..", "estimators", "testdata", "mediation")
	models := map[string][]string{
		"one":             {"score ~ coaching + es + ses + girl + experience | block", "es ~ coaching + experience + rural | block", "--rho=-0.05,0,0.1"},
		"interaction":     {"score ~ coaching*es + ses + girl + experience | block", "es ~ coaching + experience + rural | block"},
		"two":             {"score ~ coaching + es + co + ses + rural", "c(es, co) ~ coaching + rural + experience"},
		"cde-interaction": {"score ~ coaching*es + ses + girl + rural + workload | block", "es", "--intermediate", "workload"},
		"cde-two":         {"score ~ coaching*es + coaching*co + ses + rural + workload", "c(es, co)", "--intermediate", "workload", "--at", "4.5,5"},
	}
	fits := map[string]fitJSON{}
	checked := 0
	for _, want := range readCSVFile(t, filepath.Join(folder, "estimates.csv")) {
		model, ok := models[want["model"]]
		if !ok {
			continue
		}
		args := append([]string{"--formula", model[0], "--mediator", model[1], "--treatment", "coaching", "--mediator-unit", "teacher", "--se", want["kind"], "--method", want["method"]}, model[2:]...)
		if strings.HasPrefix(want["kind"], "CR") {
			args = append(args, "--cluster", "school")
		}
		key := strings.Join(args, " ")
		fit, ok := fits[key]
		if !ok {
			fit = runFit(t, append(args, filepath.Join(folder, "data.csv"))...)
			fits[key] = fit
		}
		found := false
		for _, row := range fit.Rows {
			if row["term"] != want["term"] || row["outcome"] != want["outcome"] {
				continue
			}
			found = true
			for _, column := range []string{"estimate", "std.error", "df", "p.value"} {
				if want[column] == "" || want[column] == "Inf" {
					continue
				}
				checked++
				x, _ := row[column].(float64)
				if y := number(t, want[column]); !(math.Abs(x-y) <= 1e-9*math.Abs(y)) {
					t.Errorf("%s, %s: %s is %v, R says %v", key, want["term"], column, x, y)
				}
			}
		}
		if !found {
			t.Errorf("%s: no row for %s", key, want["term"])
		}
	}
	if checked < 600 {
		t.Errorf("checked %d numbers only", checked)
	}
}

// Faults of mediation's flags say what to do.
func TestFitMediationFlags(t *testing.T) {
	file := filepath.Join("..", "..", "estimators", "testdata", "mediation", "data.csv")
	mediator := []string{"--mediator", "es ~ coaching + experience", "--treatment", "coaching"}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--rho", "0.1"}, "--rho: only --kind mediation has mediators"},
		{[]string{"--kind", "mediation"}, "needs --mediator"},
		{mediator[:2], "needs --treatment"},
		{[]string{"--mediator", "es ~ coaching +", "--treatment", "coaching"}, "--mediator: "},
		{[]string{"--mediator", "es ~ coaching + experienc", "--treatment", "coaching"}, "--mediator: "},
		{append(mediator, "--report", "es"), "--report: --kind mediation reports"},
		{append(mediator, "--cluster", "school"), "--mediator: es varies within school; name the units"},
		{append(mediator, "--mediator-unit", "teachr"), "--mediator-unit: "},
		{append(mediator, "--draws", "199"), "--draws: the method product draws nothing"},
		{append(mediator, "--method", "joint", "--draws", "5"), "--draws: the method joint draws nothing"},
		{append(mediator, "--method", "simulation", "--draws", "5"), "--draws 5: must lie between 99 and 99999"},
		{append(mediator, "--method", "sobel"), "is not a method of mediation; the methods are product"},
		{append(mediator, "--rho", "2"), "--rho: 2: must lie between -1 and 1"},
		{append(mediator, "--joint", "es"), "--joint: this kind of estimator has no such option"},
	} {
		var out, talk bytes.Buffer
		args := append([]string{"fit", "--formula", "score ~ coaching + es + ses"}, append(c.args[:len(c.args):len(c.args)], file)...)
		if code := run(args, strings.NewReader(""), &out, &talk); code != exitUsage || !strings.Contains(talk.String(), c.want) {
			t.Errorf("%q: exit code %d, %s", c.args, code, talk.String())
		}
	}
	// Draws are the same for the same seed.
	bounds := func(seed string) any {
		args := append([]string{"--formula", "score ~ coaching + es + ses", "--method", "bootstrap", "--cluster", "school", "--mediator-unit", "teacher", "--draws", "99", "--seed", seed}, mediator...)
		for _, row := range runFit(t, append(args, file)...).Rows {
			if row["term"] == "indirect" {
				return row["conf.low"]
			}
		}
		return nil
	}
	if first := bounds("1"); first == nil || first != bounds("1") || first == bounds("2") {
		t.Errorf("intervals from %v, %v, %v", first, bounds("1"), bounds("2"))
	}
}

// A study's estimators know the arms that a file does not name.
func TestFitNamesTheArmsOfAStudy(t *testing.T) {
	shape := dgp.Shape{Columns: []dgp.Column{{Name: "coaching", Arm: true}, {Name: "y"}, {Name: "x"}}}
	for _, m := range []estimators.Method{estimators.Lin{}, estimators.Mediation{}} {
		formula, err := estimators.ParseFormula("y ~ coaching + x", nil)
		if err != nil {
			t.Fatal(err)
		}
		one := &fit{options: optionsOf(m), formula: formula}
		if err := one.nameArms(shape); err != nil {
			t.Fatal(err)
		}
		switch m := one.options.method().(type) {
		case estimators.Lin:
			if len(m.Treatment) != 1 || m.Treatment[0] != "coaching" {
				t.Errorf("the arms of lin are %q", m.Treatment)
			}
		case estimators.Mediation:
			if m.Treatment != "coaching" {
				t.Errorf("the arm of mediation is %q", m.Treatment)
			}
		}
	}
}
