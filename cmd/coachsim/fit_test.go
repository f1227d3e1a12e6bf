package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"coachsim/configs"
	"coachsim/dgp"
	"coachsim/estimators"
)

// fitJSON is what fit --json prints.
type fitJSON struct {
	SchemaVersion int              `json:"schema_version"`
	Rows          []map[string]any `json:"rows"`
	N             int              `json:"n"`
	Clusters      *int             `json:"clusters"`
	Dropped       int              `json:"dropped"`
}

// runFit runs fit with --json.
func runFit(t *testing.T, args ...string) fitJSON {
	t.Helper()
	var out, talk bytes.Buffer
	if code := run(append([]string{"fit", "--json"}, args...), strings.NewReader(""), &out, &talk); code != exitDone {
		t.Fatalf("fit %q: exit code %d, %s", args, code, talk.String())
	}
	var got fitJSON
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	return got
}

// TestFitAgainstR holds fit against R's lm with sandwich and clubSandwich:
// testdata/fit/fit.R wrote fit.csv.
func TestFitAgainstR(t *testing.T) {
	flags := map[string][]string{"plain": {"--formula", "score ~ treated + pretest + girl"}}
	fe := func(effect string) []string {
		return []string{"--formula", "score ~ treated + pretest + girl | " + effect}
	}
	flags["block"], flags["coder"] = fe("block"), fe("coder")
	flags["school"] = []string{"--formula", "score ~ pretest + girl | school"}
	cases := map[string][]string{
		"products HC1": {"--formula", "score ~ treated*pretest + year + year^2 + girl", "--se", "HC1"},
		"year CR1":     {"--formula", "score ~ treated + year | block", "--cluster", "year"},
		"coaching CR1": {"--formula", "score ~ pretest | block", "--cluster", "school", "--where", "arm == 'coaching'"},
		"mixed school": {"--formula", "score ~ treated + pretest + (1 | school)"},
		// a coder is told apart by school in both
		"mixed school/coder": {"--formula", "score ~ treated + pretest + (1 | school/coder)"},
		"mixed block":        {"--formula", "score ~ treated + pretest + (1 | school/coder) | block"},
		"mixed slopes":       {"--formula", "score ~ treated + pretest + (1 | school) + (1 + treated | block)"},
		"mixed fixed block":  {"--formula", "score ~ treated + pretest + (0 + treated | block) + (1 | school) | block"},
		"mixed girls":        {"--formula", "score ~ treated + pretest + girl + (1 + girl || school)"},
		"std HC1":            {"--formula", "score ~ std(pretest)", "--where", "girl == 1", "--se", "HC1", "--report", "std(pretest)"},
	}
	want := readCSVFile(t, "testdata/fit/fit.csv")
	got := map[string]fitJSON{}
	compared := 0
	for _, w := range want {
		name := w["case"]
		fit, ok := got[name]
		if !ok {
			args, special := cases[name]
			if !special {
				words := strings.Fields(name)
				args = append(append([]string{}, flags[words[0]]...), "--se", words[1])
				switch {
				case len(words) == 3:
					args = append(args, "--cluster", words[2])
				case strings.HasPrefix(words[1], "CR"):
					args = append(args, "--cluster", "school")
				}
			}
			fit = runFit(t, append(args, "testdata/fit/pupils.csv")...)
			got[name] = fit
		}
		if strconv.Itoa(fit.N) != w["n"] && number(t, w["n"]) != float64(fit.N) || number(t, w["dropped"]) != float64(fit.Dropped) {
			t.Errorf("%s: n %d, dropped %d, want %s and %s", name, fit.N, fit.Dropped, w["n"], w["dropped"])
		}
		found := false
		for _, row := range fit.Rows {
			if row["term"] != w["term"] {
				continue
			}
			found = true
			for _, column := range fitColumns {
				tolerance := 1e-9
				if strings.HasPrefix(name, "mixed") {
					tolerance = 1e-6 // lme4's optimiser stops here
				}
				if w[column] == "NA" || w[column] == "NaN" {
					continue
				}
				x, _ := row[column].(float64)
				y := number(t, w[column])
				if !(math.Abs(x-y) <= tolerance*math.Max(math.Abs(y), 1e-300)) {
					t.Errorf("%s, %s, %s: %v, R says %v", name, w["term"], column, x, y)
				}
				compared++
			}
		}
		if !found {
			t.Errorf("%s: no row for %s", name, w["term"])
		}
	}
	if compared < 300 {
		t.Errorf("compared %d numbers only", compared)
	}
}

// TestFitStata reads a .dta as the CSV of the same data.
func TestFitStata(t *testing.T) {
	args := []string{"--formula", "id ~ when", "--cluster", "school"}
	dir := filepath.Join("..", "..", "dgp", "datafile", "testdata")
	want := runFit(t, append(args, filepath.Join(dir, "stata.csv"))...)
	got := runFit(t, append(args, filepath.Join(dir, "haven-14.dta"))...)
	if want.N != 4 || got.N != want.N || got.Dropped != 1 || got.Rows[1]["estimate"] != want.Rows[1]["estimate"] || got.Rows[1]["estimate"] == nil {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

// TestFitStudy draws a data set, fits the study's estimators to its file, and
// wants what the simulation estimates from the same draw.
func TestFitStudy(t *testing.T) {
	text, _ := configs.Preset("ecuador")
	study, err := configs.Load("ecuador", text, nil)
	if err != nil {
		t.Fatal(err)
	}
	world, err := study.Trial.Compile()
	if err != nil {
		t.Fatal(err)
	}
	data, _ := world.Draw(dgp.Stream{Seed: study.Seed, Replicate: 3})
	var methods []estimators.Named
	for _, e := range study.Estimators {
		methods = append(methods, estimators.Named{Name: e.Name, Method: e.Method})
	}
	panel, err := estimators.Bind(methods, world.Shape(), study.Terms)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]estimators.Estimate{}
	for i, e := range panel.Fit(data) {
		row := panel.Rows()[i]
		want[row.Estimator+"|"+row.Outcome+"|"+row.Term] = e
	}
	dir := t.TempDir()
	if code := run([]string{"draw", "ecuador", "--replicate", "3", "--out", dir}, strings.NewReader(""), io.Discard, io.Discard); code != exitDone {
		t.Fatal(code)
	}
	got := runFit(t, filepath.Join(dir, "children.csv"), "--study", "ecuador")
	if len(got.Rows) < 50 {
		t.Fatalf("%d rows", len(got.Rows))
	}
	for _, row := range got.Rows {
		key := row["estimator"].(string) + "|" + row["outcome"].(string) + "|" + row["term"].(string)
		w, ok := want[key]
		if !ok {
			t.Errorf("%s is not in the study", key)
			continue
		}
		column := "estimate"
		if strings.Contains(key, "|joint(") {
			column = "statistic"
		}
		if x, _ := row[column].(float64); math.Abs(x-w.Value) > 1e-9*math.Abs(w.Value) {
			t.Errorf("%s: %v, the simulation says %v", key, x, w.Value)
		}
		if x, _ := row["std.error"].(float64); !math.IsNaN(w.SE) && math.Abs(x-w.SE) > 1e-9*w.SE {
			t.Errorf("%s: SE %v, the simulation says %v", key, x, w.SE)
		}
		if x, _ := row["df"].(float64); !math.IsNaN(w.DF) && math.Abs(x-w.DF) > 1e-6*w.DF {
			t.Errorf("%s: %v df, the simulation says %v", key, x, w.DF)
		}
	}
}

func TestSplitTerms(t *testing.T) {
	if got := strings.Join(splitTerms("a, below(b, 10),c"), ";"); got != "a;below(b, 10);c" {
		t.Error(got)
	}
}

// readCSVFile reads a file as maps from the header's names.
func readCSVFile(t *testing.T, path string) []map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, record := range records[1:] {
		row := map[string]string{}
		for i, name := range records[0] {
			row[name] = record[i]
		}
		rows = append(rows, row)
	}
	return rows
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// The flags of mixed models and bootstraps are the study's keys.
func TestFitMethodFlags(t *testing.T) {
	mixed := func(args ...string) map[string]any {
		fit := runFit(t, append(args, "--formula", "score ~ treated + pretest + (1 | school)", "--report", "treated", "testdata/fit/pupils.csv")...)
		return fit.Rows[0]
	}
	plain, same := mixed(), mixed("--method", "reml", "--df", "satterthwaite")
	if plain["std.error"] != same["std.error"] || plain["df"] != same["df"] {
		t.Errorf("the defaults differ: %v, %v", plain, same)
	}
	se := func(row map[string]any) float64 { x, _ := row["std.error"].(float64); return x }
	if ml, kr := mixed("--method", "ML"), mixed("--df", "kenward-roger"); !(se(ml) < se(plain)) || !(se(kr) > se(plain)) {
		t.Errorf("standard errors %v by ML, %v by REML, %v by Kenward-Roger", se(ml), se(plain), se(kr))
	}
	wild := func(args ...string) map[string]any {
		fit := runFit(t, append(args, "--kind", "wild-bootstrap", "--formula", "score ~ treated", "--cluster", "school", "--report", "treated", "testdata/fit/pupils.csv")...)
		return fit.Rows[0]
	}
	first, again := wild("--draws", "199", "--bootstrap-weights", "webb"), wild("--draws", "199", "--bootstrap-weights", "webb")
	other := wild("--draws", "199", "--bootstrap-weights", "webb", "--seed", "2")
	if first["conf.low"] != again["conf.low"] || first["conf.low"] == other["conf.low"] || first["conf.low"] == wild("--draws", "99")["conf.low"] {
		t.Errorf("intervals from %v, %v, %v", first["conf.low"], again["conf.low"], other["conf.low"])
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--method", "REML"}, "--method: this kind of estimator has no such option"},
		{[]string{"--draws", "99"}, "--draws: only --kind wild-bootstrap draws"},
		{[]string{"--kind", "wild-bootstrap", "--cluster", "school", "--draws", "3"}, "--draws 3: must lie between 9 and 99999"},
		{[]string{"--kind", "wild-bootstrap", "--cluster", "school", "--bootstrap-weights", "cauchy"}, "--bootstrap-weights:"},
		{[]string{"--kind", "wild-bootstrap", "--cluster", "school", "--weights", "age"}, "--weights: the bootstrap takes no weights of rows"},
	} {
		var out, talk bytes.Buffer
		args := append([]string{"fit", "--formula", "score ~ treated"}, append(c.args, "testdata/fit/pupils.csv")...)
		if code := run(args, strings.NewReader(""), &out, &talk); code != exitUsage || !strings.Contains(talk.String(), c.want) {
			t.Errorf("%q: exit code %d, %s", c.args, code, talk.String())
		}
	}
}
