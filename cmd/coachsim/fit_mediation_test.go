package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coachsim/configs"
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

// Corrections for measurement error say the same of a data set whether the study's
// panel fits it, or fit reads it off a file: by the study, and by flags that name the
// ratings. A mediator's ratings that a file lacks leave the other estimators be.
func TestFitErrorCorrections(t *testing.T) {
	settings := []configs.Setting{{Key: "trial.blocks", Value: "4"}, {Key: "trial.schools", Value: "10"}, {Key: "sweep", Value: "{}"}}
	path := filepath.Join("..", "..", "docs", "mediation-error.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	study, err := configs.Load(path, text, settings)
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
	stream := dgp.Stream{Seed: study.Seed, Replicate: 3}
	data, _ := g.Draw(stream)
	panel.Use(stream)
	estimates := panel.Fit(data)

	folder := t.TempDir()
	var out, talk bytes.Buffer
	own := []string{"--set", "trial.blocks=4", "--set", "trial.schools=10", "--set", "sweep={}"}
	if code := run(append([]string{"draw", path, "--replicate", "3", "--out", folder}, own...), strings.NewReader(""), &out, &talk); code != 0 {
		t.Fatal(talk.String())
	}
	file := filepath.Join(folder, "children.csv")
	flags := []string{
		"--formula", "reading ~ coaching + support + order | block", "--mediator", "c(support, order) ~ coaching | block", "--treatment", "coaching",
		"--cluster", "school", "--mediator-unit", "teacher", "--ratings", "support=support_s*_c*", "--ratings", "order=order_s*_c*",
	}
	checked := 0
	for _, name := range []string{"moments", "regression-calibration", "split-half", "factor-score", "simex"} {
		fit := runFit(t, append(flags, "--error", name, file)...)
		for i, row := range panel.Rows() {
			if !strings.EqualFold(row.Estimator, name) {
				continue
			}
			for _, got := range fit.Rows {
				if got["outcome"] != row.Outcome || got["term"] != row.Term {
					continue
				}
				checked++
				bound := 1e-9
				if name == "simex" { // draws errors of its own
					bound = 0.3
				}
				x, se := got["estimate"].(float64), got["std.error"].(float64)
				if math.Abs(x-estimates[i].Value) > bound*se || math.Abs(se-estimates[i].SE) > bound*se {
					t.Errorf("%s, %s of %s: %v (%v), the panel says %v (%v)", name, row.Term, row.Outcome, x, se, estimates[i].Value, estimates[i].SE)
				}
			}
		}
	}
	if checked != 45 {
		t.Errorf("checked %d estimates, want 45", checked)
	}

	// Without the ratings of one mediator.
	table := readCSVFile(t, file)
	lines := []string{"block,school,teacher,coaching,support,order,reading,support_s1_c1,support_s2_c1"}
	for _, row := range table {
		var cells []string
		for _, name := range strings.Split(lines[0], ",") {
			cells = append(cells, row[name])
		}
		lines = append(lines, strings.Join(cells, ","))
	}
	less := filepath.Join(folder, "less.csv")
	if err := os.WriteFile(less, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	talk.Reset()
	if code := run([]string{"fit", less, "--study", path}, strings.NewReader(""), &out, &talk); code != 0 ||
		!strings.Contains(out.String(), "naive: ") || strings.Contains(out.String(), "moments: ") || strings.Count(talk.String(), "Skipped ") != 5 {
		t.Errorf("exit code %d\n%s%s", code, talk.String(), out.String())
	}
	plain := flags[:10:10]
	for _, c := range []struct {
		args []string
		want string
	}{
		{append(plain, "--error", "moments"), "--error moments needs --reliability, such as --reliability 0.7, or --ratings"},
		{append(plain, "--error", "split-half"), "--error split-half needs --ratings"},
		{append(plain, "--error", "split-half", "--reliability", "0.7,0.7"), "--error split-half needs --ratings"},
		{append(plain, "--reliability", "0.7,0.7"), "--reliability: say how slopes are corrected"},
		{append(plain, "--error", "moment", "--reliability", "0.7,0.7"), `"moment" is no correction for measurement error`},
		{append(plain, "--error", "moments", "--reliability", "0.7"), "--reliability: one for each of the 2 mediators is needed; here are 1"},
		{append(plain, "--error", "moments", "--reliability", "0.7,7"), "--reliability: 7: must be above 0 and at most 1"},
		{append(plain, "--error", "moments", "--reliability", "0.7,0.7", "--error-draws", "20"), "--error-draws: only simex draws"},
		{append(plain, "--error", "simex", "--reliability", "0.7,0.7", "--error-draws", "1"), "--error-draws 1: must lie between 2 and 9999"},
		{append(plain, "--error", "moments", "--ratings", "support=support_s*_c*"), "--ratings: every mediator needs its ratings"},
		{append(plain, "--error", "moments", "--ratings", "support"), "write MEDIATOR=PATTERN"},
		{append(plain, "--error", "moments", "--ratings", "reading=r*"), "reading is no mediator; those are support, order"},
		{append(plain, "--error", "moments", "--ratings", "order=order_s*_c*", "--ratings", "support=support_s9*"), "--ratings: support=support_s9* is 0 replicates"},
		{append(plain, "--error", "moments", "--ratings", "order=support_s*_c*", "--ratings", "support=order_s*_c*"), "support is not the mean of its ratings: it correlates 0."},
		{append(plain, "--error", "moments", "--ratings", "order=*_s1_c*", "--ratings", "support=support_s*_c*"), "support_s1_c1 is a rating of order and of support"},
	} {
		talk.Reset()
		if code := run(append([]string{"fit", file}, c.args...), strings.NewReader(""), &out, &talk); code != exitUsage || !strings.Contains(talk.String(), c.want) {
			t.Errorf("%q: exit code %d, %s", c.args[10:], code, talk.String())
		}
	}
}
