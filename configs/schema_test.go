package configs_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"coachsim/configs"
)

// compiled compiles the schema with a validator that is not ours.
func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := configs.Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("study.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("study.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// jsonKeys makes texts of keys such as the 2 of {2: 0.5}, as editors do.
func jsonKeys(v any) any {
	switch v := v.(type) {
	case map[any]any:
		texts := map[string]any{}
		for key, value := range v {
			texts[fmt.Sprint(key)] = jsonKeys(value)
		}
		return texts
	case map[string]any:
		for key, value := range v {
			v[key] = jsonKeys(value)
		}
	case []any:
		for i, value := range v {
			v[i] = jsonKeys(value)
		}
	}
	return v
}

func TestPresetsFollowTheSchema(t *testing.T) {
	schema := compiled(t)
	for _, name := range configs.Presets() {
		text, _ := configs.Preset(name)
		var doc any
		if err := yaml.Unmarshal(text, &doc); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(jsonKeys(doc)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		study, err := configs.Load(name, text, nil)
		if err != nil {
			t.Fatal(err)
		}
		resolved, err := configs.Resolve(study)
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(resolved, &doc); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(jsonKeys(doc)); err != nil {
			t.Errorf("%s, resolved: %v", name, err)
		}
	}
}

// What an editor should mark, the schema refuses, and so does Load.
func TestSchemaRefuses(t *testing.T) {
	schema := compiled(t)
	text, _ := configs.Preset("few-clusters")
	for name, change := range map[string][2]string{
		"an unknown key":          {"schools: 8", "scools: 8"},
		"a value out of range":    {"alpha: 0.05", "alpha: 5"},
		"a text for a number":     {"schools: 8", "schools: eight"},
		"a fraction":              {"schools: 8 ", "schools: 8.5 "},
		"an unknown kind":         {"kind: wild-bootstrap", "kind: wild"},
		"a key of another kind":   {"method: REML", "method: REML, draws: 99"},
		"an unknown name":         {"se: CR3", "se: CR7"},
		"a missing key":           {"seed: 8", "seeds: 8"},
		"a scheme without a kind": {"{kind: blocked, share: 0.5}", "{share: 0.5}"},
	} {
		changed := strings.Replace(string(text), change[0], change[1], 1)
		if changed == string(text) {
			t.Fatalf("%s: the preset has no %q", name, change[0])
		}
		var doc any
		if err := yaml.Unmarshal([]byte(changed), &doc); err != nil {
			t.Fatal(err)
		}
		if schema.Validate(doc) == nil {
			t.Errorf("%s: the schema accepts it", name)
		}
		if _, err := configs.Load(name, []byte(changed), nil); err == nil {
			t.Errorf("%s: Load accepts it", name)
		}
	}
}

// A study that is like another need not say again what that one says, and may take
// keys away; what it says is held to the same rules.
func TestSchemaOfLikeness(t *testing.T) {
	schema := compiled(t)
	for text, fits := range map[string]bool{
		"like: ecuador\nquality: {effect: {shift: [0, 0, 0]}}":                             true,
		"like: ecuador\nachievement: {teacher_sd: null}\ntrial: null":                      true,
		"like: ecuador\ntrial: {assignment: {share: 0.3}}":                                 true,
		"like: ecuador\ntrial: {assignment: {kind: simple, share: 0.3}}":                   true,
		"like: ecuador\ncovariates: [{name: girl, level: child, law: bernoulli, mean: 1}]": true,
		"like: ecuador\ncovariates: [{law: bernoulli, mean: 1}]":                           false,
		"like: ecuador\nalpha: 5":                                                          false,
		"like: ecuador\ntrial: {scools: 4}":                                                false,
		"like: 3":                                                                          false,
		"like: ecuador\nestimators: [{name: a, kind: unknown}]":                            false,
		"quality: {effect: {shift: [0, 0, 0]}}":                                            false,
	} {
		var doc any
		if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(doc); (err == nil) != fits {
			t.Errorf("%q: the schema says %v", text, err)
		}
	}
}

// Every key of the schema is in the reference, and the other way round.
func TestKeys(t *testing.T) {
	keys, err := configs.Keys()
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]string{}
	for _, k := range keys {
		have[k.Path+" "+k.Kind] = k.Type + "; " + k.Allowed + "; " + k.Default
		if k.Doc == "" {
			t.Errorf("%s has no meaning", k.Path)
		}
	}
	for path, want := range map[string]string{
		"alpha ":                                  "number; above 0, below 1; 0.05",
		"trial.arms ":                             "list of texts; ; control, coaching",
		"covariates[].law ":                       "text; bernoulli, beta, class-mean, class-size, gamma, index, items, mixture, negative-binomial, normal, percent, rating, share; ",
		"covariates[].sd law: normal":             "number; above 0; ",
		"trial.attrition.schools ":                "names with whole numbers; ; ",
		"achievement.effect.mean ":                "list of numbers; ; ",
		"estimators[].draws kind: wild-bootstrap": "whole number; 9 to 99999; 999",
	} {
		if have[path] != want {
			t.Errorf("%s: %q, want %q", path, have[path], want)
		}
	}
}
