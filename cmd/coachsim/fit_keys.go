package main

import (
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"coachsim/configs/strict"
	"coachsim/estimators"
)

// A keyFlags is flags that each set one key of the kinds of estimators that has says.
type keyFlags struct {
	flags *pflag.FlagSet
	key   func(flag string) string
	has   func(m estimators.Method) bool
}

// names lists the flags.
func (f keyFlags) names() []string {
	var all []string
	f.flags.VisitAll(func(flag *pflag.Flag) { all = append(all, flag.Name) })
	return all
}

// set sets an estimator's options by the flags given; an estimator of another kind
// has none of them. Values are checked as those of a study are.
func (f keyFlags) set(one *fit) error {
	doc, err := strict.Parse(strict.Source{Name: "--formula", Text: []byte("formula: y ~ x")})
	if err != nil {
		return err
	}
	m := one.options.method()
	var first error
	given := 0
	f.flags.VisitAll(func(flag *pflag.Flag) {
		if !flag.Changed || first != nil {
			return
		}
		given++
		switch label, value := "--"+flag.Name+"="+flag.Value.String(), flag.Value.String(); {
		case !f.has(m) || !one.options.field(f.key(flag.Name)).IsValid():
			kinds := f.kinds(flag.Name)
			has := "has"
			if len(kinds) > 1 {
				has = "have"
			}
			first = usageError("--%s: only --kind %s %s such an option", flag.Name, strings.Join(kinds, " and "), has)
		default:
			first = doc.SetFrom(label, f.key(flag.Name), value)
		}
	})
	if first != nil || given == 0 {
		return first
	}
	// The document is decoded over the estimator's options.
	own := reflect.New(reflect.TypeOf(m))
	own.Elem().Set(reflect.ValueOf(m))
	if err := doc.Decode(own.Interface(), nil); err != nil {
		return err
	}
	one.options = optionsOf(own.Elem().Interface().(estimators.Method)) // of m's type
	return nil
}

// kinds lists those that have a flag's option.
func (f keyFlags) kinds(flag string) []string {
	var kinds []string
	for kind, m := range estimators.Methods() {
		if f.has(m) && optionsOf(m).field(f.key(flag)).IsValid() {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	return kinds
}
