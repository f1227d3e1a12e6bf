package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"coachsim/estimators"
	"coachsim/plots"
)

// A fitFigure is the flag of a picture of a fit, with those on how it looks.
type fitFigure struct {
	path string
	look figureLook
}

func (f *fitFigure) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.path, "figure", "", "draw a LASSO's cross-validation, a tree, or what a forest predicts over its inputs into this `FILE` (.png, .svg, .pdf), with its numbers in a CSV file beside it")
	f.look.add(flags)
}

// check says what is wrong before anything is fitted.
func (f *fitFigure) check(fits []*fit) error {
	if f.path == "" {
		return nil
	}
	if _, err := plots.ParseFormat(filepath.Ext(f.path)); err != nil {
		return usageError("--figure %s: must end in .png, .svg or .pdf", f.path)
	}
	for _, one := range fits {
		m := one.options.method()
		if lasso, ok := m.(estimators.Lasso); ok && !lasso.Lambda.CrossValidated() {
			return usageError("--figure draws the cross-validation of a LASSO's penalty, and --lambda %s is not cross-validated", lasso.Lambda)
		}
		if !grows(m) && !selects(m) {
			return usageError("--figure draws the fits of --kind lasso, ctree and cforest")
		}
	}
	_, err := f.look.theme()
	return err
}

// of returns the figure of one fit.
func (f *fitFigure) of(result *fitted, file string) (plots.Figure, error) {
	name := strings.TrimSuffix(filepath.Base(f.path), filepath.Ext(f.path))
	data := fmt.Sprintf("%s: %s", file, result.inWords(result.counts))
	one := func(n int) error {
		switch {
		case n == 0:
			return &exitError{exitFailure, fmt.Errorf("--figure %s: the fit failed, so there is nothing to draw", f.path)}
		case n > 1:
			return usageError("--figure %s: a figure is of one outcome, and the formula has %d", f.path, n)
		}
		return nil
	}
	switch result.options.method().(type) {
	case estimators.Lasso:
		if len(result.curves) == 0 {
			return nil, one(0)
		}
		return plots.CVCurve{File: name, Data: data, Curves: result.curves}, nil
	case estimators.CTree:
		if err := one(len(result.trees)); err != nil {
			return nil, err
		}
		return plots.Tree{File: name, Data: data, Grown: result.trees[0]}, nil
	default:
		forests := result.panel.ForestCurves()
		if err := one(len(forests)); err != nil {
			return nil, err
		}
		return plots.PartialDependence{File: name, Data: data, Forest: forests[0]}, nil
	}
}

// draw draws the figure of the fits, of which there is one.
func (f *fitFigure) draw(s streams, results []*fitted, file string) error {
	if f.path == "" {
		return nil
	}
	figure, err := f.of(results[0], filepath.Base(file))
	if err != nil {
		return err
	}
	theme, err := f.look.theme()
	if err != nil {
		return err
	}
	format, err := plots.ParseFormat(filepath.Ext(f.path))
	if err != nil {
		return err
	}
	files, err := plots.Write(filepath.Dir(f.path), theme, plots.Captioned{Figure: figure}, format)
	if err != nil {
		return &exitError{exitFile, err}
	}
	fmt.Fprintf(s.talk, "Wrote %s.\n", strings.Join(files, " and "))
	return nil
}
