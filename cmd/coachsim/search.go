package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"coachsim/configs"
	"coachsim/sim"
)

// searchFlags are the flags of the commands that look for a design.
type searchFlags struct {
	studyFlags
	tests   []string
	power   float64
	workers int
	json    bool
	quiet   bool
}

func (f *searchFlags) add(flags *pflag.FlagSet) {
	f.studyFlags.add(flags)
	f.addReplicates(flags)
	flags.StringArrayVar(&f.tests, "test", nil, "the test whose power counts: `ESTIMATOR[:OUTCOME[:TERM]]` (default the study's primary estimate, or its first of a known effect), or a family's name, for each of its tests; power is after adjustment where the study declares a family with the test")
	flags.Float64Var(&f.power, "power", 0.8, "the power wanted")
	flags.IntVar(&f.workers, "workers", runtime.GOMAXPROCS(0), "`NUMBER` of parallel workers; no result depends on it")
	flags.BoolVar(&f.json, "json", false, "print the result as one JSON object")
	flags.BoolVar(&f.quiet, "quiet", false, "do not tell of each design that is simulated")
}

// open reads the study and finds the tests.
func (f *searchFlags) open(s streams, argument string) (*configs.Design, sim.Study, []sim.Test, error) {
	fail := func(err error) (*configs.Design, sim.Study, []sim.Test, error) { return nil, sim.Study{}, nil, err }
	switch {
	case !(f.power > 0 && f.power < 1):
		return fail(usageError("--power %g: must lie between 0 and 1, such as 0.8", f.power))
	case f.workers < 1:
		return fail(usageError("--workers %d: at least 1 is needed", f.workers))
	}
	settings, err := f.settings()
	if err != nil {
		return fail(err)
	}
	text, source, _, err := readStudy(s, argument)
	if err != nil {
		return fail(err)
	}
	design, study, err := configs.LoadDesign(source, text, settings)
	if err != nil {
		return fail(err)
	}
	if f.power <= study.Alpha {
		return fail(usageError("--power %g: is not above the size of the test, alpha = %g", f.power, study.Alpha))
	}
	if len(f.tests) == 0 {
		f.tests = []string{""}
	}
	for _, warning := range study.Warnings() {
		fmt.Fprintf(s.talk, "Warning: %s.\n", warning)
	}
	var tests []sim.Test
	for _, text := range f.tests {
		test, err := study.FindTest(text)
		family := study.FindFamily(text)
		switch {
		case err == nil:
			tests = append(tests, test)
		case family != nil:
			tests = append(tests, family...)
		default:
			return fail(usageError("--test %s: %v", text, err))
		}
	}
	return design, study, tests, nil
}

// adjustment says that the power of tests is that after adjustment, and how to ask for
// it without; nothing where no family adjusts them.
func adjustment(study sim.Study, tests []sim.Test) string {
	var words []string
	some, byEstimator := false, false
	for _, test := range tests {
		family, method := study.AdjustedBy(test)
		if family == nil {
			some = true
			continue
		}
		byEstimator = byEstimator || method.ByEstimator()
		if text := fmt.Sprintf("%s over the %d tests of family %s", method, len(family.Outcomes), family.Name); !slices.Contains(words, text) {
			words = append(words, text)
		}
	}
	if words == nil {
		return ""
	}
	text := "Power is after adjustment, by " + strings.Join(words, ", and ")
	if some {
		text += "; of tests in no family it is as it is"
	}
	if !byEstimator {
		text += "; without: --set families=null"
	}
	return text + ".\n"
}

// A variedRange is one --vary: KEY=LO:HI, KEY=LO:HI:STEP or KEY=A,B,C.
func variedRange(text string) (sim.VariedKey, error) {
	key, values, ok := strings.Cut(text, "=")
	k := sim.VariedKey{Key: strings.TrimSpace(key)}
	wrong := func(why string) (sim.VariedKey, error) {
		return k, usageError("--vary %s: %s; write KEY=LOW:HIGH, KEY=LOW:HIGH:STEP or KEY=A,B,C, such as trial.schools=10:60", text, why)
	}
	if !ok || k.Key == "" {
		return wrong("names no range")
	}
	number := func(text string) (float64, bool) {
		x, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		return x, err == nil && !math.IsInf(x, 0) && !math.IsNaN(x)
	}
	if strings.Contains(values, ",") {
		if err := decimalComma(values, true); err != nil {
			return k, usageError("--vary %s: %v", text, err)
		}
		for part := range strings.SplitSeq(values, ",") {
			x, ok := number(part)
			if !ok {
				return wrong(strconv.Quote(part) + " is no number")
			}
			if n := len(k.Values); n > 0 && x <= k.Values[n-1] {
				return wrong("values must rise")
			}
			k.Values = append(k.Values, x)
		}
		return k, nil
	}
	parts := strings.Split(values, ":")
	var x [3]float64
	if len(parts) < 2 || len(parts) > 3 {
		return wrong("is no range")
	}
	for i, part := range parts {
		if x[i], ok = number(part); !ok {
			return wrong(strconv.Quote(part) + " is no number" + withPoint(part))
		}
	}
	if len(parts) == 2 {
		if x[2] = 1; x[0] != math.Floor(x[0]) || x[1] != math.Floor(x[1]) {
			return wrong("a range of numbers that are not whole needs a step")
		}
	}
	switch {
	case !(x[2] > 0):
		return wrong("the step must be above 0")
	case x[1] <= x[0]:
		return wrong("the range must rise")
	case (x[1]-x[0])/x[2] > 1e5:
		return wrong("has more than 100,000 values")
	}
	for i := 0; ; i++ {
		// Decimal steps are meant as written: 0.1, 0.2, 0.3.
		v := math.Round((x[0]+float64(i)*x[2])*1e9) / 1e9
		if v > x[1]+1e-9 {
			return k, nil
		}
		k.Values = append(k.Values, v)
	}
}

// settingsAt sets keys at values.
func settingsAt(keys []sim.VariedKey, values []float64) []configs.Setting {
	all := make([]configs.Setting, len(keys))
	for i, k := range keys {
		all[i] = configs.Setting{Key: k.Key, Value: writtenValue(values[i])}
	}
	return all
}

func writtenValue(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// tellDesign says what was found of one design.
func (f *searchFlags) tellDesign(w io.Writer, keys []sim.VariedKey) func(sim.Looked) {
	return func(l sim.Looked) {
		if f.quiet {
			return
		}
		var at []string
		for i, k := range keys {
			at = append(at, k.Key+"="+writtenValue(l.Values[i]))
		}
		fmt.Fprintf(w, "%s: %s\n", strings.Join(at, " "), powerSentence(l))
	}
}

// powerSentence is "power 80.4% ± 0.9 (2,000 trials)".
func powerSentence(l sim.Looked) string {
	w := l.Weakest()
	text := fmt.Sprintf("power %.1f%% ± %.1f (%s trials)", 100*w.Value, 100*w.MCSE, grouped(l.Replicates))
	failed := 0
	for _, t := range l.Tests {
		failed += t.Failed
	}
	if failed > 0 {
		text += fmt.Sprintf(", %s failed", count(failed, "fit"))
	}
	return text
}

// grouped writes 12,345.
func grouped(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// searched is the error of a search; one that was interrupted found nothing.
func searched(ctx context.Context, talk io.Writer, err error) error {
	if err != nil && ctx.Err() != nil {
		fmt.Fprintln(talk, "Interrupted before an answer was found.")
		return &exitError{exitInterrupted, nil}
	}
	return err
}

// A lookedJSON is one simulated design in JSON.
type lookedJSON struct {
	Values     map[string]float64 `json:"values"`
	Cost       *float64           `json:"cost,omitempty"`
	Replicates int                `json:"replicates"`
	Rough      bool               `json:"few_replicates,omitempty"`
	Tests      []testJSON         `json:"tests"`
}

type testJSON struct {
	Estimator string  `json:"estimator"`
	Outcome   string  `json:"outcome"`
	Term      string  `json:"term"`
	Power     float64 `json:"power"` // after adjustment where a family has the test
	PowerMCSE float64 `json:"power_mcse"`

	Family     string `json:"family,omitempty"`
	Adjustment string `json:"adjustment,omitempty"`

	Failed int `json:"n_fail"`

	// Of the fits that worked; null where too few did.
	Mean      *float64 `json:"mean"`
	MeanMCSE  *float64 `json:"mean_mcse"`
	EmpSE     *float64 `json:"empse"`
	EmpSEMCSE *float64 `json:"empse_mcse"`
}

func jsonOf(l sim.Looked, keys []sim.VariedKey) lookedJSON {
	j := lookedJSON{Values: map[string]float64{}, Replicates: l.Replicates}
	for i, k := range keys {
		j.Values[k.Key] = l.Values[i]
	}
	if !math.IsNaN(l.Cost) {
		j.Cost = &l.Cost
	}
	for _, t := range l.Tests {
		n := float64(l.Replicates - t.Failed)
		one := testJSON{
			Estimator: t.Estimator, Outcome: t.Outcome, Term: t.Term, Power: t.Value, PowerMCSE: t.MCSE, Family: t.Family, Failed: t.Failed,
			Mean: known(t.Mean), MeanMCSE: known(t.SD / math.Sqrt(n)), EmpSE: known(t.SD), EmpSEMCSE: known(t.SD / math.Sqrt(2*(n-1))),
		}
		if t.Family != "" {
			one.Adjustment = t.Method.String()
		}
		j.Tests = append(j.Tests, one)
	}
	return j
}

// known returns a number for JSON, which has no NaN and no infinity: nil.
func known(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}

// A foundJSON is the answer of a search in JSON.
type foundJSON struct {
	Schema     int          `json:"schema_version"`
	Target     float64      `json:"target"`
	Reached    bool         `json:"reached"`
	Answer     lookedJSON   `json:"answer"`
	Designs    int          `json:"designs"`
	Trials     int          `json:"trials"`
	Exhaustive int          `json:"trials_of_all_designs"`
	Looked     []lookedJSON `json:"looked"`
}

func (f *searchFlags) writeFoundJSON(w io.Writer, found sim.Found, keys []sim.VariedKey) error {
	j := foundJSON{Schema: 1, Target: f.power, Reached: found.Reached, Answer: jsonOf(found.Answer, keys), Designs: found.Designs, Trials: found.Trials, Exhaustive: found.Exhaustive}
	for _, l := range found.Looked {
		one := jsonOf(l, keys)
		one.Rough = found.Rough(l)
		j.Looked = append(j.Looked, one)
	}
	return writeJSON(w, j)
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// writeLooked writes the simulated designs as a table, the answer marked, and those
// whose power rests on few trials.
func writeLooked(w io.Writer, found sim.Found, keys []sim.VariedKey) {
	costs := !math.IsNaN(found.Answer.Cost)
	header := []string{""}
	for _, k := range keys {
		header = append(header, k.Key)
	}
	if costs {
		header = append(header, "cost")
	}
	for _, t := range found.Answer.Tests {
		if len(found.Answer.Tests) == 1 {
			header = append(header, "power", "(mcse)")
		} else {
			header = append(header, t.Estimator+": "+t.Outcome, "(mcse)")
		}
	}
	header = append(header, "trials")
	rows, rough := [][]string{header}, false
	for _, l := range found.Looked {
		row := []string{""}
		switch {
		case slices.Equal(l.Values, found.Answer.Values):
			row[0] = "*"
		case found.Rough(l):
			row[0], rough = "~", true
		}
		for _, v := range l.Values {
			row = append(row, writtenValue(v))
		}
		if costs {
			row = append(row, sim.WrittenCost(l.Cost))
		}
		for _, t := range l.Tests {
			row = append(row, fmt.Sprintf("%.1f%%", 100*t.Value), fmt.Sprintf("(%.1f)", 100*t.MCSE))
		}
		rows = append(rows, append(row, grouped(l.Replicates)))
	}
	writeColumns(w, rows, 1)
	if rough {
		fmt.Fprintf(w, "~ from few trials: its power is known worse than to the %.1f points (Monte Carlo standard error) of a full simulation.\n", 100*found.MCSE)
	}
}

// writtenTests names the tests of a search.
func writtenTests(tests []sim.Test) string {
	names := make([]string, len(tests))
	for i, t := range tests {
		names[i] = t.String()
	}
	return strings.Join(names, "; ")
}

// writtenDesign is "trial.schools = 34, trial.teachers = 2".
func writtenDesign(l sim.Looked, keys []sim.VariedKey) string {
	parts := make([]string, len(keys))
	for i, k := range keys {
		parts[i] = k.Key + " = " + writtenValue(l.Values[i])
	}
	return strings.Join(parts, ", ")
}

// writeEffort says how much was simulated.
func writeEffort(w io.Writer, found sim.Found) {
	fmt.Fprintf(w, "Simulated %d of %s designs, %s trials; all in full would be %s.\n",
		len(found.Looked), grouped(found.Designs), grouped(found.Trials), grouped(found.Exhaustive))
}
