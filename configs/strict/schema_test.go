package strict_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"coachsim/configs/strict"
)

// The types of a small study, with everything that a schema can have.

type study struct {
	Aim        string                    `yaml:"aim,omitempty" doc:"the question"`
	Seed       uint64                    `yaml:"seed" min:"1"`
	Replicates int                       `yaml:"replicates" min:"1" max:"1000000"`
	Alpha      float64                   `yaml:"alpha" gt:"0" lt:"1"`
	Quick      bool                      `yaml:"quick"`
	Trial      trial                     `yaml:"trial"`
	Covariates []covariate               `yaml:"covariates"`
	Estimators []estimator               `yaml:"estimators,omitempty"`
	Attrition  *attrition                `yaml:"attrition"`
	Cor        [][]float64               `yaml:"correlation" min:"-1" max:"1"`
	Range      *[2]float64               `yaml:"range"`
	Weights    map[string]float64        `yaml:"weights" min:"0"`
	Sweep      map[string][]strict.Value `yaml:"sweep"`
}

type trial struct {
	common     `yaml:"-"`
	Design     `yaml:",inline"`
	Arms       []string   `yaml:"arms" minlen:"2"`
	Level      level      `yaml:"level"`
	Assignment assignment `yaml:"assignment"`
}

type common struct{}

type Design struct {
	Schools int     `yaml:"schools" min:"1" required:"true" doc:"schools in each block"`
	ICC     float64 `yaml:"icc" min:"0" lt:"1"`
	Small   int8    `yaml:"small"`
	Offset  int64   `yaml:"offset"`
	SD      float64 `yaml:"sd" gt:"0"`
	Effect  float64 `yaml:"effect"`
}

type attrition struct {
	Rate float64 `yaml:"rate" min:"0" max:"1" required:"true" doc:"share of children lost"`
	Unit string  `yaml:"unit" minlen:"1"`
}

func (a *attrition) SetDefaults() { a.Unit = "child" }

// level is a text type with a closed set of names.
type level int

var levels = []string{"block", "school", "teacher", "child"}

func (l level) Names() []string { return levels }

func (l level) MarshalText() ([]byte, error) { return []byte(levels[l]), nil }

func (l *level) UnmarshalText(text []byte) error {
	for i, name := range levels {
		if name == string(text) {
			*l = level(i)
			return nil
		}
	}
	return fmt.Errorf("no level %q", text)
}

// formula is a text type whose errors say where they are.
type formula string

type formulaError struct{ offset int }

func (e formulaError) Error() string { return "a term is missing" }
func (e formulaError) Offset() int   { return e.offset }

func (f formula) MarshalText() ([]byte, error) { return []byte(f), nil }

func (f *formula) UnmarshalText(text []byte) error {
	if i := strings.Index(string(text), "+ +"); i >= 0 {
		return fmt.Errorf("formula: %w", formulaError{i + 2})
	}
	if !strings.Contains(string(text), "~") {
		return errors.New("a formula needs a ~")
	}
	*f = formula(text)
	return nil
}

type assignment interface{ assign() }

type simple struct {
	Share float64 `yaml:"share" gt:"0" lt:"1"`
}

type blocked struct {
	Share float64 `yaml:"share" gt:"0" lt:"1"`
	Unit  level   `yaml:"unit"`
	By    string  `yaml:"by" required:"true" doc:"the column to block on"`
}

func (simple) assign()   {}
func (*blocked) assign() {}

type law interface{ law() }

type gamma struct {
	Mean float64 `yaml:"mean"`
	SD   float64 `yaml:"sd" gt:"0"`
}

type normal struct {
	Mean float64 `yaml:"mean"`
	SD   float64 `yaml:"sd" gt:"0"`
}

type bernoulli struct {
	P float64 `yaml:"p" min:"0" max:"1"`
}

func (gamma) law()     {}
func (normal) law()    {}
func (bernoulli) law() {}

type covariate struct {
	Name  string  `yaml:"name" required:"true" minlen:"1" doc:"the column's name"`
	Level level   `yaml:"level"`
	Law   law     `yaml:",inline" required:"true" doc:"how it is drawn"`
	Slope float64 `yaml:"slope"`
}

func (c *covariate) SetDefaults() { c.Level = 3 }

type estimator struct {
	Name    string   `yaml:"name"`
	Formula formula  `yaml:"formula"`
	Report  []string `yaml:"report"`
	Alpha   *float64 `yaml:"alpha" gt:"0" lt:"1"`
}

var kinds = strict.Kinds{
	reflect.TypeFor[assignment](): {Discriminator: "kind", Prototypes: map[string]any{
		"simple": simple{Share: 0.5}, "blocked": &blocked{Share: 0.5, Unit: 1},
	}},
	reflect.TypeFor[law](): {Discriminator: "law", Prototypes: map[string]any{
		"gamma": gamma{SD: 1}, "normal": normal{SD: 1}, "bernoulli": bernoulli{P: 0.5},
	}},
}

func defaults() study {
	return study{
		Seed: 1, Replicates: 1000, Alpha: 0.05,
		Trial: trial{
			Design:     Design{Schools: 20, SD: 1},
			Arms:       []string{"control", "coaching"},
			Assignment: simple{Share: 0.5},
		},
	}
}
