package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"coachsim/dgp"
	"coachsim/dgp/datafile"
	"coachsim/estimators"
	"coachsim/sim"
)

// A fit is one estimator, before it has seen the data.
type fit struct {
	name      string // as the study calls it, else ""
	options   options
	lists     map[string]string // what $name stands for in the formula
	formula   *estimators.Formula
	written   string                 // the formula before the term . was written out, "" where there was none
	columns   []string               // of an estimator without a formula
	mediators *estimators.Formula    // the other formula of mediation, else nil
	unit      string                 // that mediators are scores of, "" for the clusters
	ratings   map[string]*dgp.Rating // of the columns that are ratings, where the estimator is of these
	patterns  map[string]string      // of the names of mediators' ratings, by mediator
	domains   map[string][]string    // of mediators with ratings: what these are of
	nested    []string               // groups of random effects, and the fixed effect, largest first
	where     datafile.Condition
	level     dgp.Level // of the rows, in a study
	whereOf   string    // where the condition stands, for messages
}

// plan reads what is to be fitted.
func (f *fitFlags) plan(s streams) ([]*fit, error) {
	where, err := datafile.ParseCondition(f.where)
	if err != nil {
		return nil, f.explain(nil, err)
	}
	if f.study == "" {
		one, err := f.single(where)
		return []*fit{one}, err
	}
	var study studyFlags
	study.flags = (&cobra.Command{}).Flags()
	loaded, _, err := study.load(s, f.study)
	if err != nil {
		return nil, err
	}
	return fromStudy(s, loaded, where)
}

// single is the estimator that the flags describe.
func (f *fitFlags) single(where datafile.Condition) (*fit, error) {
	formula, err := estimators.ParseFormula(f.formula, nil)
	if err != nil {
		return nil, f.explain(nil, err)
	}
	kind := f.kind
	switch {
	case kind == "" && f.mediator != "":
		kind = "mediation"
	case kind == "" && len(formula.Random) > 0:
		kind = "mixed"
	case kind == "" && len(formula.Instruments) > 0:
		kind = "iv"
	case kind == "":
		kind = "ols"
	case kind == "ols" && len(formula.Random) > 0:
		return nil, usageError("--kind ols: least squares has no random effects; --kind mixed does")
	case !slices.Contains(formulaKinds(), kind):
		return nil, usageError("--kind %s: there is no such estimator with a formula; %s", kind, nearestOr("there are", kind, formulaKinds()))
	}
	one := &fit{options: optionsOf(estimators.Methods()[kind]), formula: formula, where: where, level: dgp.ChildLevel}
	report, treatment := splitAll(f.report), splitAll(f.treatment)
	_, lin := one.options.method().(estimators.Lin)
	if err := f.planMediation(one, report, treatment); err != nil {
		return nil, err
	}
	if err := f.growing.set(one); err != nil {
		return nil, err
	}
	if err := f.selecting.set(one); err != nil {
		return nil, err
	}
	switch {
	case lin && len(treatment) == 0:
		return nil, usageError("--kind lin needs --treatment: the terms of the formula that are arms, such as --treatment treated")
	case len(report) == 0 && !lin && !grows(one.options.method()) && !selects(one.options.method()) && one.options.field("report").IsValid():
		if report = allTerms(one.formula); len(report) == 0 {
			return nil, usageError("--formula %s: has no term to report", f.formula)
		}
	}
	se := f.se
	if se == "" && !lin && f.cluster != "" && one.options.field("se").IsValid() {
		se = estimators.CR1.String()
	}
	var joint [][]string
	for _, terms := range f.joint {
		joint = append(joint, splitTerms(terms))
	}
	for _, o := range []struct {
		key   string
		value any
		given bool
	}{
		{"formula", f.formula, true}, {"report", report, len(report) > 0}, {"treatment", treatment, len(treatment) > 0 && one.mediators == nil}, {"cluster", f.cluster, f.cluster != ""}, {"blocks", f.blocks, f.blocks != ""},
		{"weights", f.weights, f.weights != ""},
		{"se", se, se != ""}, {"joint", joint, len(joint) > 0}, {"iqr", splitAll(f.iqr), len(f.iqr) > 0},
		{"method", f.method, f.method != ""}, {"df", f.df, f.df != ""},
	} {
		if !o.given {
			continue
		}
		if _, wild := one.options.method().(estimators.WildBootstrap); wild && o.key == "weights" {
			return nil, usageError("--weights: the bootstrap takes no weights of rows; the law of its clusters' weights is --bootstrap-weights")
		}
		if err := one.options.set(o.key, o.value); err != nil {
			return nil, usageError("--%s: %v", o.key, err)
		}
	}
	return one, f.setBootstrap(one)
}

// setBootstrap sets the options of a bootstrap.
func (f *fitFlags) setBootstrap(one *fit) error {
	if f.draws == 0 && f.law == "" {
		return nil
	}
	if one.mediators != nil && f.law == "" {
		return f.setDraws(one)
	}
	m, ok := one.options.method().(estimators.WildBootstrap)
	name := "draws"
	if f.law != "" {
		name = "bootstrap-weights"
	}
	if !ok {
		return usageError("--%s: only --kind wild-bootstrap draws%s", name, map[string]string{"draws": ", and --kind mediation with a --method that does"}[name])
	}
	if f.law != "" {
		if err := m.Weights.UnmarshalText([]byte(f.law)); err != nil {
			return usageError("--bootstrap-weights: %v", err)
		}
	}
	if f.draws != 0 {
		if f.draws < 9 || f.draws > 99999 {
			return usageError("--draws %d: must lie between 9 and 99999", f.draws)
		}
		m.Draws = f.draws
	}
	one.options = optionsOf(m)
	return nil
}

// allTerms lists the coefficients of a formula.
func allTerms(formula *estimators.Formula) []string {
	var terms []string
	if formula.Intercept && formula.Absorb == "" {
		terms = append(terms, "(Intercept)")
	}
	for _, t := range slices.Concat(formula.Terms, formula.Endogenous) {
		terms = append(terms, t.String())
	}
	return terms
}

// rightHand lists every term of a formula, with its instruments and the random
// coefficients.
func rightHand(formula *estimators.Formula) []estimators.Term {
	terms := slices.Concat(formula.Second, formula.Terms, formula.Endogenous, formula.Instruments)
	for _, r := range formula.Random {
		terms = append(terms, r.Slopes...)
	}
	return terms
}

// splitAll splits every text of a flag that can be given again.
func splitAll(texts []string) []string {
	var terms []string
	for _, text := range texts {
		terms = append(terms, splitTerms(text)...)
	}
	return terms
}

// splitTerms splits at the commas that stand in no parentheses.
func splitTerms(text string) []string {
	var terms []string
	depth, from := 0, 0
	for i := range len(text) {
		switch text[i] {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				terms = append(terms, strings.TrimSpace(text[from:i]))
				from = i + 1
			}
		}
	}
	return append(terms, strings.TrimSpace(text[from:]))
}

// findRatings lists the columns that are ratings. Files name them as the study
// does.
func (one *fit) findRatings(shape dgp.Shape) {
	one.ratings = map[string]*dgp.Rating{}
	for _, c := range shape.Columns {
		if c.Rating != nil {
			one.columns = append(one.columns, c.Name)
			one.ratings[c.Name] = c.Rating
		}
	}
}

// nameArms sets the treatment that a study leaves out: the terms that are arms of its
// trial, which a file does not say.
func (one *fit) nameArms(shape dgp.Shape) error {
	v := one.options.field("treatment")
	if !v.IsValid() || v.Len() > 0 || one.formula == nil {
		return nil
	}
	var arms []string
	for _, t := range one.formula.Terms {
		if i := shape.Index(t.String()); i >= 0 && shape.Columns[i].Arm {
			arms = append(arms, t.String())
		}
	}
	if v.Kind() == reflect.String {
		return one.options.set("treatment", strings.Join(arms, ", "))
	}
	return one.options.set("treatment", arms)
}

// fromStudy lists a study's estimators.
func fromStudy(s streams, study sim.Study, where datafile.Condition) ([]*fit, error) {
	world, err := study.Trial.Compile()
	if err != nil {
		return nil, err
	}
	shape := world.Shape()
	var fits []*fit
	for _, e := range study.Estimators {
		one := &fit{name: e.Name, options: optionsOf(e.Method), lists: study.Terms}
		if v := one.options.field("columns"); v.IsValid() {
			one.columns, _ = v.Interface().([]string)
		}
		if text := one.options.text("formula"); text != "" {
			if one.formula, err = estimators.ParseFormula(text, study.Terms); err != nil {
				return nil, err
			}
		}
		if one.formula != nil && one.formula.Everything() >= 0 {
			names, err := one.formula.Others(shape, one.named())
			if err == nil {
				err = one.replaceEverything(names)
			}
			if err != nil {
				return nil, err
			}
		}
		if text := one.options.text("mediator"); text != "" {
			if one.mediators, err = estimators.ParseFormula(estimators.MediatorFormula(text), study.Terms); err != nil {
				return nil, err
			}
			one.unit = dgp.TeacherLevel.String()
			one.findReplicates(shape)
		}
		if _, agree := e.Method.(estimators.Reliability); agree {
			one.findRatings(shape)
		}
		if one.formula == nil && one.columns == nil {
			fmt.Fprintf(s.talk, "Skipped %s: it is not written as a formula or columns.\n", e.Name)
			continue
		}
		if _, again := e.Method.(estimators.Randomisation); again {
			fmt.Fprintf(s.talk, "Skipped %s: a file does not say how its schools were assigned.\n", e.Name)
			continue
		}
		if err := one.nameArms(shape); err != nil {
			return nil, err
		}
		own, err := datafile.ParseCondition(one.options.text("where"))
		if err != nil {
			return nil, err
		}
		one.where, one.whereOf = own.And(where), one.options.text("where")
		one.level = one.rowLevel(shape)
		fits = append(fits, one)
	}
	return fits, nil
}
