package strict_test

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"coachsim/configs/strict"
)

func parse(t *testing.T, text string) *strict.Document {
	t.Helper()
	doc, err := strict.Parse(strict.Source{Name: "study.yaml", Text: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestFaultIsLocated(t *testing.T) {
	doc := parse(t, `seed: 1
trial:
  schools: 20
covariates:
  - {name: a, law: normal}
sweep:
  trial.schools: [10, "20"]
estimators:
  - formula: "y ~ \"a\" + b"
`)
	if err := doc.Set("trial.icc", "0.3"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, want string }{
		{"trial.schools", "study.yaml:3:12: trial.schools: wrong\n  3 |   schools: 20\n    |            ^^"},
		{"trial.sd", "study.yaml:2:1: trial.sd: wrong\n  2 | trial:\n    | ^^^^^"},
		{"covariates[0].sd", "study.yaml:5:5: covariates[0].sd: wrong\n  5 |   - {name: a, law: normal}\n    |     ^"},
		{"covariates[7]", "study.yaml:4:1: covariates[7]: wrong\n  4 | covariates:\n    | ^^^^^^^^^^"},
		{`sweep["trial.schools"][1]`, "study.yaml:7:23: sweep[\"trial.schools\"][1]: wrong\n  7 |   trial.schools: [10, \"20\"]\n    |                       ^^^^"},
		{"alpha", "study.yaml: alpha: wrong"},
		{"not a path", "study.yaml: not a path: wrong"},
		{"trial.icc", "--set trial.icc=0.3: wrong"},
		{"", "study.yaml:1:1: wrong\n  1 | seed: 1\n    | ^^^^"},
	} {
		if got := doc.Fault(c.path, "wrong", "").Error(); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.path, got, c.want)
		}
	}
	got := doc.FaultIn("estimators[0].formula", strings.Index(`y ~ "a" + b`, "b"), "wrong", "").Error()
	want := "study.yaml:9:27: estimators[0].formula: wrong\n  9 |   - formula: \"y ~ \\\"a\\\" + b\"\n    |                           ^"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for path, offset := range map[string]int{"trial": 3, "trial.schools": 99, "trial.sd": 1, "seed": -5} {
		_ = doc.FaultIn(path, offset, "wrong", "").Error() // must not panic
	}
}

func TestFaultsAreSorted(t *testing.T) {
	doc := parse(t, "seed: 1\ntrial: {schools: 2}\n")
	faults := strict.Faults{
		doc.Fault("trial.schools", "third", ""),
		doc.Fault("seed", "second", ""),
		{Message: "first, without a place"},
	}
	got := faults.Error()
	for i, word := range []string{"first", "second", "third"} {
		if at := strings.Index(got, word); at < 0 || i > 0 && at < strings.Index(got, []string{"first", "second", "third"}[i-1]) {
			t.Errorf("wrong order:\n%s", got)
		}
	}
	if faults[0].Message != "third" {
		t.Error("Error sorted its receiver")
	}
}

func TestSet(t *testing.T) {
	doc := parse(t, "trial: {schools: 1}\ncovariates: [{name: a, law: gamma}, {name: b, law: gamma}]\nsweep: {trial.schools: [1]}\n")
	original := doc.Clone()
	for _, set := range [][2]string{
		{"trial.schools", "7"},
		{"trial.schools", "8"}, // the later one wins
		{"covariates[1].mean", "2.5"},
		{"covariates.0", "{name: c, law: bernoulli, p: 1}"},
		{"attrition.rate", "0.25"},
		{"aim", "  spaced out # not this"},
		{`sweep["trial.schools"]`, "[5, 6]"},
		{"trial.arms", "[a, b, c]"},
	} {
		if err := doc.Set(set[0], set[1]); err != nil {
			t.Fatal(err)
		}
	}
	got := defaults()
	if err := doc.Decode(&got, kinds); err != nil {
		t.Fatal(err)
	}
	want := defaults()
	want.Aim = "spaced out"
	want.Trial.Schools = 8
	want.Trial.Arms = []string{"a", "b", "c"}
	want.Covariates = []covariate{{Name: "c", Level: 3, Law: bernoulli{P: 1}}, {Name: "b", Level: 3, Law: gamma{Mean: 2.5, SD: 1}}}
	want.Attrition = &attrition{Rate: 0.25, Unit: "child"}
	want.Sweep = map[string][]strict.Value{"trial.schools": {"5", "6"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	before := defaults()
	if err := original.Decode(&before, kinds); err != nil || before.Trial.Schools != 1 {
		t.Errorf("Set on a document changed its clone: %d schools, %v", before.Trial.Schools, err)
	}
	err := doc.SetFrom("sweep cell 3", "trial.schools", "0")
	if err == nil {
		err = doc.Decode(&got, kinds)
	}
	if want := "sweep cell 3: must be at least 1, not 0"; fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// null takes away keys, there or not, and entries of lists; what is required cannot go.
func TestSetNull(t *testing.T) {
	const text = "trial: {schools: 3}\nattrition: {rate: 0.1}\ncovariates: [{name: a, law: gamma}, {name: b, law: gamma}]\nsweep: {a: [1], b: [2]}\n"
	doc := parse(t, text)
	for _, key := range []string{"attrition", "attrition", "covariates[0]", "aim", "sweep.a"} {
		if err := doc.Set(key, "null"); err != nil {
			t.Fatal(err)
		}
	}
	if doc.Has("attrition") || !slices.Equal(doc.Keys("sweep"), []string{"b"}) {
		t.Errorf("attrition: %v, sweep: %v", doc.Has("attrition"), doc.Keys("sweep"))
	}
	got, want := defaults(), defaults()
	if err := doc.Decode(&got, kinds); err != nil {
		t.Fatal(err)
	}
	if err := parse(t, "trial: {schools: 3}\ncovariates: [{name: b, law: gamma}]\nsweep: {b: [2]}\n").Decode(&want, kinds); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if err := doc.Set("attrition.rate", "0.3"); err != nil || !doc.Has("attrition.rate") {
		t.Errorf("a dropped key cannot be set again: %v", err)
	}
	for key, want := range map[string]string{
		"trial.schools":    "--set trial.schools=null: cannot be dropped: the required key is missing",
		"trial.scools":     "--set trial.scools=null: unknown key",
		"attritions":       "--set attritions=null: unknown key",
		"covariates[2]":    "--set covariates[2]=null: the list covariates has 2 entries",
		"covariates.0.law": "cannot be dropped",
	} {
		doc := parse(t, text)
		err := doc.Set(key, "null")
		if err == nil {
			into := defaults()
			err = doc.Decode(&into, kinds)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", key, err, want)
		}
	}
}

func TestKeysKeepTheirOrder(t *testing.T) {
	doc := parse(t, "sweep: {z: [1], a.b: [2], m: [3]}\nseed: 1\n")
	if got := doc.Keys("sweep"); !slices.Equal(got, []string{"z", "a.b", "m"}) {
		t.Error(got)
	}
	if got := doc.Keys("nowhere"); got != nil {
		t.Error(got)
	}
	if !doc.Has(`sweep["a.b"][0]`) || doc.Has("sweep.q") {
		t.Error("Has is wrong")
	}
}

// A default of the same kind keeps its values; another kind starts from its
// prototype; neither the default nor the prototype is changed.
func TestKindDefaults(t *testing.T) {
	into := defaults()
	own := &blocked{Share: 0.3, Unit: 2, By: "x"}
	into.Trial.Assignment = own
	for _, c := range []struct {
		text string
		want assignment
	}{
		{"{by: y}", &blocked{Share: 0.3, Unit: 2, By: "y"}},
		{"{kind: blocked, by: y}", &blocked{Share: 0.3, Unit: 2, By: "y"}},
		{"{kind: simple}", simple{Share: 0.5}},
	} {
		got := into
		doc := parse(t, "trial: {schools: 1, assignment: "+c.text+"}")
		if err := doc.Decode(&got, kinds); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got.Trial.Assignment, c.want) {
			t.Errorf("%s: got %+v", c.text, got.Trial.Assignment)
		}
	}
	if *own != (blocked{Share: 0.3, Unit: 2, By: "x"}) {
		t.Errorf("the default changed: %+v", own)
	}
}

type (
	untagged struct{ A int }
	badMin   struct {
		A int `yaml:"a" min:"x"`
	}
	badOption struct {
		A int `yaml:"a,flow"`
	}
	badType struct {
		A chan int `yaml:"a"`
	}
	badKey struct {
		A map[int]int `yaml:"a"`
	}
	noKinds struct {
		A any `yaml:"a"`
	}
	twice struct {
		A int `yaml:"a"`
		B int `yaml:"a"`
	}
	clash struct {
		A   int `yaml:"mean"`
		Law law `yaml:",inline"`
	}
	clashLaw struct {
		A   int `yaml:"law"`
		Law law `yaml:",inline"`
	}
	badInline struct {
		A int `yaml:",inline"`
	}
	unexported struct {
		a int `yaml:"a"` // the tag is the fault
	}
	recursive struct {
		Next *recursive `yaml:"next"`
	}
)

func TestSchemaErrors(t *testing.T) {
	doc := parse(t, "zzz: 1")
	for _, c := range []struct {
		into any
		want string
	}{
		{nil, "needs a pointer"},
		{study{}, "needs a pointer"},
		{(*study)(nil), "needs a pointer"},
		{new(int), "into a struct"},
		{&untagged{}, "no yaml tag"},
		{&badMin{}, "bad min tag"},
		{&badOption{}, "unknown yaml option"},
		{&badType{}, "chan int cannot be decoded"},
		{&badKey{}, "are no strings"},
		{&noKinds{}, "no kinds are known"},
		{&twice{}, "defined twice"},
		{&clash{}, "defined twice"},
		{&clashLaw{}, "defined twice"},
		{&badInline{}, "only structs and interfaces"},
		{&unexported{}, "not exported"},
		{&recursive{}, "unknown key"},
	} {
		err := doc.Decode(c.into, kinds)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%T: got %v, want %q", c.into, err, c.want)
		}
	}
	type other struct {
		SD float64 `yaml:"sd"`
	}
	for _, c := range []struct {
		prototypes map[string]any
		want       string
	}{
		{map[string]any{"a": other{}}, "no struct that implements it"},
		{map[string]any{"a": 3}, "no struct that implements it"},
		{map[string]any{"a": nil}, "no struct that implements it"},
		{map[string]any{"a": gamma{}, "b": gamma{}}, "share the type"},
		{nil, "no kinds are known"},
	} {
		bad := strict.Kinds{reflect.TypeFor[law](): {Discriminator: "law", Prototypes: c.prototypes}}
		err := doc.Decode(&covariate{}, bad)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: got %v, want %q", c.prototypes, err, c.want)
		}
	}
}

func TestEncodeErrors(t *testing.T) {
	loop := &recursive{}
	loop.Next = loop
	for _, c := range []struct {
		v    any
		want string
	}{
		{nil, "needs a struct"},
		{3, "into a struct"},
		{loop, "nested too deep"},
		{study{Alpha: math.NaN()}, "not a finite number"},
		{study{Alpha: math.Inf(1)}, "not a finite number"},
		{trial{Arms: []string{"\xff"}}, "not UTF-8"},
		{study{Weights: map[string]float64{"\xff": 1}}, "not UTF-8"},
		{study{Sweep: map[string][]strict.Value{"a": {"[1"}}}, "no YAML"},
		{trial{Assignment: (*blocked)(nil)}, "none of its kinds"},
		{untagged{}, "no yaml tag"},
	} {
		_, err := strict.Encode(c.v, kinds)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%T: got %v, want %q", c.v, err, c.want)
		}
	}
}

// A key that a struct defines itself hides that of a struct inline in it.
func TestHiddenKey(t *testing.T) {
	type inner struct {
		A    float64 `yaml:"a" required:"true"`
		Mean float64 `yaml:"mean"`
	}
	type outer struct {
		Inner inner  `yaml:",inline"`
		A     string `yaml:"a"`
	}
	var o outer
	if err := parse(t, "a: text\nmean: 2").Decode(&o, kinds); err != nil {
		t.Fatal(err)
	}
	if o.A != "text" || o.Inner != (inner{Mean: 2}) {
		t.Errorf("%+v", o)
	}
	o.Inner.A = 3
	text, err := strict.Encode(o, kinds)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(text); got != "mean: 2\na: text\n" {
		t.Errorf("%q", got)
	}
}
