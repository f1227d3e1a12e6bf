package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"coachsim/dgp"
	"coachsim/dgp/datafile"
	"coachsim/estimators"
)

// named lists the columns that the estimator uses beside its formula.
func (one *fit) named() []string {
	names := []string{one.weights()}
	for _, f := range one.factors() {
		names = append(names, f.name)
	}
	return append(names, one.where.Columns()...)
}

// writable is a name of a column that a formula can have.
var writable = regexp.MustCompile(`^[A-Za-z_][A-Za-z_.0-9]*$`)

// writeOutEverything writes the term . of a formula out: as every column of numbers
// in the file that the fit does not name otherwise, and that is not called as a level
// of the hierarchy, which is an identifier.
func (one *fit) writeOutEverything(table *datafile.Table) error {
	if one.formula == nil || one.formula.Everything() < 0 {
		return nil
	}
	named := slices.Concat(one.named(), one.formula.Names())
	for l := dgp.BlockLevel; l <= dgp.ChildLevel; l++ {
		named = append(named, l.String())
	}
	var names []string
	for _, c := range table.Columns {
		if c.Numbers != nil && writable.MatchString(c.Name) && !slices.Contains(named, c.Name) {
			names = append(names, c.Name)
		}
	}
	return one.replaceEverything(names)
}

// replaceEverything puts names in the place of the term . and of its report.
func (one *fit) replaceEverything(names []string) error {
	at := one.formula.Everything()
	fault := func(message string) error {
		return &estimators.KeyError{Key: "formula", Offset: at, Err: errors.New(message)}
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		return slices.ContainsFunc(one.formula.Terms, func(t estimators.Term) bool { return t.String() == name })
	})
	text := one.options.text("formula")
	switch {
	case len(names) == 0:
		return fault(". stands for all other columns of numbers, of which there are none")
	case text[at] != '.':
		return fault("the term . stands in the formula itself, not in a list")
	}
	text = text[:at] + strings.Join(names, " + ") + text[at+1:]
	formula, err := estimators.ParseFormula(text, one.lists)
	if err != nil {
		return fmt.Errorf("the columns of .: %w", err)
	}
	one.formula, one.written = formula, one.options.text("formula")
	if report, ok := one.options.list("report"); ok {
		if i := slices.Index(report, "."); i >= 0 {
			if err := one.options.set("report", slices.Replace(slices.Clone(report), i, i+1, names...)); err != nil {
				return err
			}
		}
	}
	return one.options.set("formula", text)
}
