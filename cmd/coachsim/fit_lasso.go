package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"coachsim/estimators"
	"coachsim/estimators/lasso"
)

// foldKeys are the options of a LASSO that name factors.
var foldKeys = []string{"fold_column", "fold_unit"}

// lassoFlags are the flags of the LASSO: each is a key of the estimator.
type lassoFlags struct {
	lambda, inference, foldColumn, foldUnit string
	grid                                    gridFlag
	mix, adaptive                           float64
	folds                                   int
	keep                                    []string
	standardise                             bool
	keyFlags
}

// register adds the flags. Their defaults are those of the estimator.
func (f *lassoFlags) register(flags *pflag.FlagSet) {
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	own.StringVar(&f.lambda, "lambda", "", "`PENALTY` of a LASSO: "+strings.Join(lasso.Choice{}.Names(), ", ")+" or a number (default cv-min)")
	own.Var(&f.grid, "grid", "lambdas of a LASSO to choose from, `LARGEST:SMALLEST:NUMBER` (default glmnet's)")
	own.Float64Var(&f.mix, "mix", 1, "`SHARE` of the LASSO in an elastic net's penalty, glmnet's alpha")
	own.IntVar(&f.folds, "cv-folds", 10, "`NUMBER` of folds of a LASSO's cross-validation")
	own.StringVar(&f.foldColumn, "fold-column", "", "`COLUMN` of the folds of a LASSO's cross-validation (default random)")
	own.StringVar(&f.foldUnit, "fold-unit", "", "`COLUMN` of units that random folds do not divide, such as school")
	own.Float64Var(&f.adaptive, "adaptive", 0, "`POWER` of the adaptive LASSO (default none)")
	own.BoolVar(&f.standardise, "standardise", true, "penalise coefficients of a LASSO in units of their columns' SDs")
	own.StringSliceVar(&f.keep, "keep", nil, "`TERMS` that a LASSO does not penalise, with commas")
	own.StringVar(&f.inference, "inference", "", "`COEFFICIENTS` that a LASSO reports: "+strings.Join(estimators.Penalised.Names(), ", ")+" (default none: penalised, without standard errors)")
	flags.AddFlagSet(own)
	f.keyFlags = keyFlags{flags: own, has: selects, key: func(flag string) string {
		if flag == "cv-folds" {
			return "folds"
		}
		return strings.ReplaceAll(flag, "-", "_")
	}}
}

// selects reports whether an estimator is a LASSO.
func selects(m estimators.Method) bool {
	_, ok := m.(estimators.Lasso)
	return ok
}

// A gridFlag is LARGEST:SMALLEST:NUMBER; its text is the mapping of a study.
type gridFlag struct{ text string }

func (g *gridFlag) String() string { return g.text }

// Set reads the three numbers.
func (g *gridFlag) Set(text string) error {
	parts := strings.Split(text, ":")
	if len(parts) != 3 {
		return fmt.Errorf("write the largest lambda, the smallest and their number, as in 100:0.01:50")
	}
	g.text = fmt.Sprintf("{from: %s, to: %s, points: %s}", parts[0], parts[1], parts[2])
	return nil
}

// Type is shown in the usage of commands.
func (g *gridFlag) Type() string { return "grid" }

// lassoInWords says how terms were selected.
func lassoInWords(m estimators.Method) string {
	o, ok := m.(estimators.Lasso)
	if !ok {
		return ""
	}
	kind := "LASSO"
	switch {
	case o.Mix == 0:
		kind = "ridge"
	case o.Mix < 1:
		kind = fmt.Sprintf("elastic net, mix %v", o.Mix)
	}
	if o.Adaptive > 0 {
		kind = "adaptive " + kind
	}
	text := fmt.Sprintf("%s, lambda %s", kind, o.Lambda)
	if o.Lambda.CrossValidated() {
		folds := fmt.Sprintf("%d random folds", o.Folds)
		switch {
		case o.FoldColumn != "":
			folds = "folds by " + o.FoldColumn
		case o.FoldUnit != "":
			folds += " of whole " + o.FoldUnit
		}
		text += ", " + folds
	}
	switch o.Inference {
	case estimators.PostLasso:
		text += "\ncoefficients of least squares on the selected terms, as if these had been known before"
	case estimators.DoubleSelection:
		text += "\ncoefficients by double selection (Belloni, Chernozhukov and Hansen 2014)"
	case estimators.Debiased:
		text += "\ncoefficients of the debiased LASSO (Zhang and Zhang 2014; van de Geer et al. 2014)"
	}
	return text
}

// selectedSE names the standard errors of coefficients after selection.
func selectedSE(o estimators.Lasso) string {
	switch {
	case o.Inference == estimators.Penalised:
		return ""
	case o.Cluster != "":
		return seInWords(estimators.CR1, o.Cluster)
	}
	return seInWords(estimators.HC1, "")
}

// A jsonLasso is the lambda of one outcome and its cross-validation.
type jsonLasso struct {
	Outcome   string      `json:"outcome"`
	Lambda    float64     `json:"lambda"`
	NonZero   int         `json:"nonzero"`
	Intercept float64     `json:"intercept"`
	R2        float64     `json:"r.squared"`
	Min       any         `json:"lambda.min"`
	OneSE     any         `json:"lambda.1se"`
	Curve     []jsonCurve `json:"curve,omitempty"`
}

// A jsonCurve is one lambda of cross-validation, under cv.glmnet's names.
type jsonCurve struct {
	Lambda  float64 `json:"lambda"`
	Mean    float64 `json:"cvm"`
	SD      float64 `json:"cvsd"`
	NonZero int     `json:"nzero"`
}

func (r *fitted) jsonLasso() []jsonLasso {
	var all []jsonLasso
	for _, c := range r.curves {
		one := jsonLasso{Outcome: c.Outcome, Lambda: c.Taken, NonZero: c.Selected, Intercept: c.Intercept, R2: c.R2}
		if len(c.Lambda) > 0 {
			one.Min, one.OneSE = c.Lambda[c.Min], c.Lambda[c.OneSE]
		}
		for i, lambda := range c.Lambda {
			one.Curve = append(one.Curve, jsonCurve{lambda, c.Mean[i], c.SD[i], c.NonZero[i]})
		}
		all = append(all, one)
	}
	return all
}

// writeLasso writes the selected terms, and the curve of cross-validation at every
// tenth lambda and those that the rules take.
func (r *fitted) writeLasso(w io.Writer) {
	rows := slices.Clone(r.rows)
	var not []string
	r.rows = slices.DeleteFunc(r.rows, func(row fittedRow) bool {
		switch {
		case strings.HasPrefix(row.term, "selected("):
			term := strings.TrimSuffix(strings.TrimPrefix(row.term, "selected("), ")")
			if row.estimate == 0 && !slices.Contains(not, term) {
				not = append(not, term)
			}
			return true
		case row.status == estimators.NotSelected:
			return true
		}
		return false
	})
	penalised := r.options.method().(estimators.Lasso).Inference == estimators.Penalised // the caller has seen that it is
	if penalised {
		r.rows = slices.DeleteFunc(r.rows, func(row fittedRow) bool { return row.estimate == 0 && slices.Contains(not, row.term) })
	}
	cells := r.cells()
	if penalised { // which have no standard errors
		for i := range cells {
			cells[i] = append(cells[i][:3], cells[i][2+len(fitColumns):]...)
		}
	}
	writeAligned(w, cells)
	r.rows = rows
	for _, c := range r.curves {
		if penalised {
			fmt.Fprintf(w, "\n%s: intercept %s, R² %s in these rows\n", c.Outcome, plain(c.Intercept, digitsFor(c.Intercept, c.Intercept)), plain(c.R2, 3))
		}
	}
	if len(not) > 0 {
		outcomes := ""
		if len(r.curves) > 1 {
			outcomes = " for some outcome"
		}
		fmt.Fprintf(w, "\nnot selected%s: %s\n", outcomes, strings.Join(not, ", "))
	}
	for _, c := range r.curves {
		if len(c.Lambda) == 0 {
			continue
		}
		cells := [][]string{{"cross-validation", "", "lambda", "MSE", "SE", "nonzero"}}
		for i, lambda := range c.Lambda {
			var marks []string
			if i == c.Min {
				marks = append(marks, "cv-min")
			}
			if i == c.OneSE {
				marks = append(marks, "cv-1se")
			}
			if marks == nil && i%10 != 0 && i != len(c.Lambda)-1 {
				continue
			}
			cells = append(cells, []string{c.Outcome, strings.Join(marks, ", "), plain(lambda, digitsFor(lambda, lambda)), plain(c.Mean[i], digitsFor(c.SD[i], c.Mean[i])), plain(c.SD[i], digitsFor(c.SD[i], c.SD[i])), fmt.Sprint(c.NonZero[i])})
		}
		fmt.Fprintln(w)
		writeAligned(w, cells)
	}
}
