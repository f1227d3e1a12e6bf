package strict_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"coachsim/configs/strict"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// decode reads a study, with overrides written key=value.
func decode(text string, sets ...string) (study, error) {
	s := defaults()
	doc, err := strict.Parse(strict.Source{Name: "study.yaml", Text: []byte(text)})
	if err != nil {
		return s, err
	}
	for _, set := range sets {
		key, value, _ := strings.Cut(set, "=")
		if err := doc.Set(key, value); err != nil {
			return s, err
		}
	}
	return s, doc.Decode(&s, kinds)
}

const good = `
aim: Does it work?
seed: 18446744073709551615
replicates: 2000
alpha: 1e-2
quick: true
trial:
  schools: +40
  icc: .2
  small: -128
  arms: [control, "2024"]
  level: teacher
  assignment: {kind: blocked, by: region}
covariates:
  - {name: age, law: gamma, mean: 15, sd: 9, level: child, slope: -0.5}
  - name: 'it''s'
    p: 0.25
    law: bernoulli
estimators:
  - name: itt
    formula: y ~ x + z | block
    report: []
    alpha: 0.1
attrition: {rate: 0.1}
correlation:
  - [1, 0.5]
  - [0.5, 1]
range: [0, 1]
weights: {b: 2, a: 1, "x.y": 3}
sweep:
  trial.schools: [10, 20]
  trial.assignment:
    - kind: simple
      share: 0.5
    - "x"
`

func TestDecode(t *testing.T) {
	got, err := decode(good)
	if err != nil {
		t.Fatal(err)
	}
	tenth := 0.1
	want := study{
		Aim: "Does it work?", Seed: 18446744073709551615, Replicates: 2000, Alpha: 0.01, Quick: true,
		Trial: trial{
			Design: Design{Schools: 40, ICC: 0.2, Small: -128, SD: 1},
			Arms:   []string{"control", "2024"}, Level: 2,
			Assignment: &blocked{Share: 0.5, Unit: 1, By: "region"},
		},
		Covariates: []covariate{
			{Name: "age", Level: 3, Law: gamma{Mean: 15, SD: 9}, Slope: -0.5},
			{Name: "it's", Level: 3, Law: bernoulli{P: 0.25}},
		},
		Estimators: []estimator{{Name: "itt", Formula: "y ~ x + z | block", Report: []string{}, Alpha: &tenth}},
		Attrition:  &attrition{Rate: 0.1, Unit: "child"},
		Cor:        [][]float64{{1, 0.5}, {0.5, 1}},
		Range:      &[2]float64{0, 1},
		Weights:    map[string]float64{"a": 1, "b": 2, "x.y": 3},
		Sweep: map[string][]strict.Value{
			"trial.schools":    {"10", "20"},
			"trial.assignment": {"{kind: simple, share: 0.5}", `"x"`},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	again, err := strict.Encode(got, kinds)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "good.golden", again)
	back, err := decode(string(again))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(back, want) {
		t.Errorf("round trip gave %+v", back)
	}
}

// Each case is one document and the faults it must give; the golden file shows
// both, as a catalogue of everything the decoder says.
var faultCases = []struct {
	name, text string
	sets       []string
}{
	{name: "unknown key, near", text: "seed: 1\ntrial:\n  schools: 2\n  scools: 20\n"},
	{name: "unknown key, listed", text: "trial: {schools: 2}\nattrition: {rate: 0.1, colour: red}\n"},
	{name: "unknown key, abbreviated", text: "trial: {schools: 2}\nrep: 10\n"},
	{name: "unknown key, elsewhere", text: "trial: {schools: 2}\nicc: 0.1\n"},
	{name: "unknown key, of another kind", text: "trial: {schools: 2}\ncovariates:\n  - {name: x, law: gamma, p: 0.5}\n"},
	{name: "unknown key, among common and kind keys", text: "trial: {schools: 2}\ncovariates:\n  - {name: x, law: gamma, maen: 3, slop: 1}\n"},
	{name: "unknown key, no space after the colon", text: "trial: {schools:2}\n"},
	{name: "unknown key that is no name", text: "trial: {schools: 2}\n\"a b\\t\": 2\n"},
	{name: "unknown kind", text: "trial:\n  schools: 2\n  assignment: {kind: bloked, by: x}\n"},
	{name: "unknown kind, none near", text: "trial: {schools: 2}\ncovariates:\n  - {name: x, law: zeta, whatever: 1}\n"},
	{name: "kind missing", text: "trial: {schools: 2}\ncovariates:\n  - {name: x, mean: 3}\n"},
	{name: "kind without braces", text: "trial:\n  schools: 2\n  assignment: blocked\n"},
	{name: "kind is a list", text: "trial:\n  schools: 2\n  assignment: {kind: [blocked]}\n"},
	{name: "kind has no value", text: "trial:\n  schools: 2\n  assignment: {kind: }\n"},
	{name: "required key", text: "seed: 2\ntrial:\n  icc: 0.1\n"},
	{name: "required key of an absent section", text: "seed: 2\n"},
	{name: "required key of a list entry", text: "trial: {schools: 2}\ncovariates:\n  - law: normal\n    sd: 2\n  - {law: normal}\n"},
	{name: "required key of a kind", text: "trial:\n  schools: 2\n  assignment:\n    kind: blocked\n"},
	{name: "fraction for a whole number", text: "trial: {schools: 40.5}\n"},
	{name: "decimals that are whole", text: "replicates: 1e3\ntrial: {schools: 40.0}\n"},
	{name: "word for a whole number", text: "trial: {schools: forty}\n"},
	{name: "quoted number", text: "alpha: '0.05'\ntrial: {schools: \"40\"}\n"},
	{name: "other notations", text: "seed: 0x10\nreplicates: 1_000\nalpha: 0,05\ntrial: {schools: 017, icc: 20%, small: 0o17, sd: 01.5, effect: -0b11}\n"},
	{name: "thousands", text: "replicates: 10,000\ntrial: {schools: 2}\n"},
	{name: "not finite", text: "trial: {schools: 2, sd: .inf, icc: .NaN, effect: -.INF}\n"},
	{name: "number too large or small", text: "trial: {schools: 2, effect: 1e400, sd: 1e-400}\n"},
	{name: "at least", text: "trial: {schools: 0}\n"},
	{name: "between", text: "replicates: 1000001\ntrial: {schools: 1}\nattrition: {rate: 1.5}\n"},
	{name: "above and below", text: "alpha: 1\ntrial: {schools: 1, sd: 0, icc: 1}\n"},
	{name: "integer ranges", text: "seed: -1\ntrial: {schools: 99999999999999999999, small: 128, offset: -9223372036854775809}\n"},
	{name: "beyond uint64", text: "seed: 18446744073709551616\ntrial: {schools: 1}\n"},
	{name: "matrix entry out of range", text: "trial: {schools: 1}\ncorrelation:\n  - [1, 2]\n  - [x, 1]\n  - 3\n"},
	{name: "map entry out of range", text: "trial: {schools: 1}\nweights:\n  math score: -1\n"},
	{name: "boolean words", text: "quick: yes\ntrial: {schools: 1}\n"},
	{name: "boolean capitals and quotes", text: "quick: 'true'\ntrial: {schools: 1}\n", sets: []string{"quick=False"}},
	{name: "boolean other", text: "quick: perhaps\ntrial: {schools: 1}\n"},
	{name: "number for text", text: "aim: 2024\ntrial: {schools: 1, arms: [true, .5]}\n"},
	{name: "empty text", text: "trial: {schools: 1}\ncovariates:\n  - {name: '', law: normal}\n"},
	{name: "no value", text: "seed:\ntrial:\n  schools: ~\n  icc: null\n  arms:\n    - a\n    -\n"},
	{name: "list for a value", text: "trial:\n  schools: [10]\n  icc:\n    - 0.1\n    - 0.2\n"},
	{name: "value for a list", text: "trial: {schools: 1, arms: control}\n"},
	{name: "value for a section", text: "trial: 20\n"},
	{name: "section for a value", text: "trial:\n  schools: {n: 2}\n  level: {a: 1}\n  arms:\n    a: 1\n"},
	{name: "list for a section", text: "trial:\n  - schools: 2\n"},
	{name: "list too short", text: "trial: {schools: 1, arms: [a]}\nrange: [1, 2, 3]\n"},
	{name: "closed set of names", text: "trial: {schools: 1, level: scholl}\n"},
	{name: "closed set of names, none near", text: "trial: {schools: 1, level: 3}\n"},
	{name: "caret in plain text", text: "trial: {schools: 1}\nestimators:\n  - formula: y ~ a + + b\n  - formula: y\n"},
	{name: "caret in quotes", text: "trial: {schools: 1}\nestimators:\n  - {name: a, formula: \"\\u0079 ~ a + + b\"}\n  - formula: 'y''s ~ a + + b'\n"},
	{name: "caret in a block", text: "trial: {schools: 1}\nestimators:\n  - formula: >-\n      y ~ a +\n      b + + c\n"},
	{name: "duplicate key", text: "seed: 1\ntrial: {schools: 1}\nseed: 2\n"},
	{name: "duplicate section", text: "trial:\n  schools: 1\ntrial:\n  schools: 2\n"},
	{name: "anchor and alias", text: "seed: &s 1\nreplicates: *s\ntrial: {schools: 1}\n"},
	{name: "alias that is text", text: "seed: 1\naim: *important\n"},
	{name: "merge key", text: "trial:\n  <<: {icc: 0.1}\n  schools: 1\n"},
	{name: "tag", text: "seed: !!int '1'\naim: !text x\ntrial: {schools: 1}\n"},
	{name: "key that is a list", text: "trial: {schools: 1}\n? [a, b]\n: 1\n"},
	{name: "key without a name", text: "trial: {schools: 1}\n~: 1\n"},
	{name: "second document", text: "trial: {schools: 1}\n---\ntrial: {schools: 2}\n"},
	{name: "empty document", text: ""},
	{name: "only comments", text: "# nothing here\n"},
	{name: "top level is a list", text: "- seed: 1\n"},
	{name: "top level is text", text: "seed:1\n"},
	{name: "nested too deep", text: "aim: " + strings.Repeat("[", 70) + strings.Repeat("]", 70) + "\ntrial: {schools: 1}\n"},
	{name: "UTF-16", text: "\xff\xfes\x00e\x00"},
	{name: "not UTF-8", text: "seed: 1\naim: caf\xe9\n"},
	{name: "control character", text: "seed: 1\naim: a\x1b[31mb\n"},
	{name: "tab indentation", text: "trial:\n\tschools: 1\n"},
	{name: "tab after spaces", text: "trial:\n  schools: 1\n  \ticc: 0.1\n"},
	{name: "indentation too deep", text: "seed: 1\n  replicates: 10\n"},
	{name: "indentation fits nothing", text: "trial:\n    schools: 1\n  icc: 0.1\n"},
	{name: "second colon", text: "aim: Phase 2: coaching\n"},
	{name: "text after quotes", text: "aim: 'a' or 'b'\n"},
	{name: "bracket not closed", text: "trial:\n  arms: [a, b\n  schools: 3\n"},
	{name: "brace not closed on its line", text: "trial: {schools: 1]\n"},
	{name: "bracket open at the end", text: "trial: {schools: 1, arms: [a,"},
	{name: "value missing in brackets", text: "trial: {arms: [a, , b]}\n"},
	{name: "quote not closed", text: "seed: 1\naim: \"what\ntrial: {schools: 1}\n"},
	{name: "escape", text: "aim: \"50\\% power\"\n"},
	{name: "special first character", text: "aim: @home\n"},
	{name: "list entry among keys", text: "seed: 1\n- 2\n"},
	{name: "key in a list", text: "covariates:\n  - name: x\n  law: gamma\n"},
	{name: "line without a colon", text: "seed: 1\nreplicates 10\ntrial: {schools: 1}\n"},
	{name: "colon without a space", text: "seed: 1\nreplicates:10\ntrial: {schools: 1}\n"},
	{name: "dash without a space", text: "trial:\n  arms:\n    - a\n    -b\n"},
	{name: "dash on the key's line", text: "trial: - a\n"},
	{name: "Windows line ends", text: "seed: 1\r\ntrial:\r\n  schools: x\r\n"},
	{name: "long line", text: "aim: " + strings.Repeat("long ", 30) + "\ntrial: {schools: 1, arms: [" + strings.Repeat("control, ", 20) + "2024, " + strings.Repeat("coaching, ", 20) + "b]}\n"},
	{name: "wide characters", text: "trial: {schools: 1}\nweights: {é: 1, ü: x}\n"},
	{
		name: "many at once", text: "sed: 1\nreplicates: 0\nalpha: 5%\ntrial:\n  scools: 20\n  level: scool\n  schools: 1\n  schools: 2\n  arms: control\ncovariates:\n  - {name: a, law: gama}\n  - law: normal\n    sd: -1\n",
		sets: []string{"trial.icc=2", "trial.smal=2"},
	},
	{name: "set: bad value", text: "trial: {schools: 1}\n", sets: []string{"trial.schools=many"}},
	{name: "set: unknown key", text: "trial: {schools: 1}\n", sets: []string{"trial.scools=3"}},
	{name: "set: unknown key inside the value", text: "trial: {schools: 1}\n", sets: []string{"trial.assignment={kind: blocked, byy: x}"}},
	{name: "set: new section", text: "trial: {schools: 1}\n", sets: []string{"attrition.rate=2"}},
	{name: "set: new section lacks a key", text: "trial: {schools: 1}\n", sets: []string{"attrition.unit=school"}},
	{name: "set: list entry", text: "trial: {schools: 1}\ncovariates:\n  - {name: a, law: normal, mean: 1}\n", sets: []string{"covariates.0.mean=x"}},
	{name: "set: no such entry", text: "trial: {schools: 1}\ncovariates: [{name: a, law: normal}]\n", sets: []string{"covariates[1].mean=3"}},
	{name: "set: name of an entry", text: "covariates: [{name: a, law: normal}]\n", sets: []string{"covariates.mean=3"}},
	{name: "set: entry of a section", text: "trial: {schools: 1}\n", sets: []string{"trial[0]=3"}},
	{name: "set: inside a value", text: "trial: {schools: 1}\n", sets: []string{"trial.schools.n=3"}},
	{name: "set: bad path", text: "trial: {schools: 1}\n", sets: []string{"trial..schools=3"}},
	{name: "set: bad index", text: "trial: {schools: 1}\n", sets: []string{"trial[x]=3"}},
	{name: "set: no value", text: "trial: {schools: 1}\n", sets: []string{"seed="}},
	{name: "set: syntax", text: "trial: {schools: 1}\n", sets: []string{"trial.arms=[a, b"}},
	{name: "set: alias", text: "trial: {schools: 1}\n", sets: []string{"aim=*x"}},
	{name: "set: caret in the value", text: "trial: {schools: 1}\nestimators: [{formula: y ~ x}]\n", sets: []string{"estimators[0].formula=y ~ a + + b"}},
}

func TestFaults(t *testing.T) {
	var catalogue bytes.Buffer
	for _, c := range faultCases {
		s, err := decode(c.text, c.sets...)
		if err == nil {
			t.Errorf("%s: no error", c.name)
			continue
		}
		var faults strict.Faults
		if !errors.As(err, &faults) {
			t.Errorf("%s: %T: %v", c.name, err, err)
			continue
		}
		if !reflect.DeepEqual(s, defaults()) {
			t.Errorf("%s: a failed decode changed the struct", c.name)
		}
		fmt.Fprintf(&catalogue, "=== %s\n%s\n\n", c.name, err)
	}
	golden(t, "faults.golden", catalogue.Bytes())
}

// golden compares with a file under testdata, or rewrites it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (run go test -update and read the diff); got\n%s", path, got)
	}
}
