package main

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"gonum.org/v1/gonum/stat/distuv"

	"coachsim/dgp"
	"coachsim/dgp/datafile"
	"coachsim/estimators"
	"coachsim/sim"
)

// fitFlags are the flags of fit.
type fitFlags struct {
	formula, cluster, se, kind, where, study string
	weights, method, df, law                 string
	draws                                    int
	report, joint                            []string
	alpha                                    float64
	seed                                     uint64
	json, csv, latex                         bool
}

func newFit(s streams) *cobra.Command {
	var f fitFlags
	c := &cobra.Command{
		Use:   "fit DATA",
		Short: "Fit the same estimators to a real data file",
		Long: `Fit an estimator of coachsim to a data file: CSV with a header, or Stata's .dta
(formats 113 to 119); - is standard input. Rows that miss a value of a column in
use are dropped and counted.

A formula is written as for fixest and lme4: outcomes ~ terms | fixed effect, or
outcomes ~ terms + (1 | school/class), or with (1 + treated | block) for effects
that vary. Fixed effects, clusters and the groups of random effects may be text or numbers; everything else must be numbers.
--where chooses rows, as in "arm == 'coaching' & grade >= 3".

With --study the study's own estimators are fitted: all whose columns the file
has. Where they take rows of teachers or schools, and the file has a column of
that name, one row of each is used.

Exit code 1 says that an estimate failed: its status tells why.`,
		Example: `  coachsim fit data.csv --formula 'y ~ treated + pretest | block' --cluster school --se CR2
  coachsim fit data.dta --formula 'c(read, maths) ~ treated*girl' --where "grade == 3" --json
  coachsim fit children.csv --study ecuador --latex > table.tex`,
		Args:        cobra.ExactArgs(1),
		Annotations: map[string]string{"wants": "one DATA file: CSV, .dta, or - for standard input"},
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.check(c); err != nil {
				return err
			}
			fits, err := f.plan(s)
			if err != nil {
				return err
			}
			table, err := readTable(s, args[0])
			if err != nil {
				return err
			}
			results, err := f.fit(s, table, fits)
			if err != nil {
				return err
			}
			return f.print(s, table.Name, results)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.formula, "formula", "", "`FORMULA`: outcomes ~ terms | fixed effect")
	flags.StringVar(&f.cluster, "cluster", "", "`COLUMN` of the clusters of standard errors, or two: school + coder")
	flags.StringVar(&f.se, "se", "", "`KIND` of standard error: "+strings.Join(estimators.SE(0).Names(), ", ")+" (default CR1 with clusters, else classical)")
	flags.StringVar(&f.kind, "kind", "", "`KIND` of estimator: "+strings.Join(formulaKinds(), ", ")+" (default mixed if the formula has a random intercept, iv if it has instruments, else ols)")
	flags.StringVar(&f.where, "where", "", "`CONDITION` that chooses rows, such as \"arm == 'coaching' & age < 7\"")
	flags.StringVar(&f.weights, "weights", "", "`COLUMN` of weights, as R's lm(weights = ) and Stata's aweight")
	flags.StringArrayVar(&f.report, "report", nil, "`TERM`s to report, with commas between (default all)")
	flags.StringArrayVar(&f.joint, "joint", nil, "`TERMS` to test jointly for zero, with commas (again for another test)")
	flags.Float64Var(&f.alpha, "alpha", 0.05, "intervals cover 1 - `ALPHA`")
	flags.Uint64Var(&f.seed, "seed", 1, "seed of a bootstrap's draws: a whole `NUMBER`")
	flags.StringVar(&f.method, "method", "", "`CRITERION` of a mixed model: "+strings.Join(estimators.REML.Names(), " or ")+" (default REML)")
	flags.StringVar(&f.df, "df", "", "`RULE` for a mixed model's degrees of freedom: "+strings.Join(estimators.Satterthwaite.Names(), ", ")+" (default satterthwaite)")
	flags.IntVar(&f.draws, "draws", 0, "`NUMBER` of a bootstrap's draws (default 999)")
	flags.StringVar(&f.law, "bootstrap-weights", "", "`LAW` of a bootstrap's weights: "+strings.Join(estimators.WildWeights(0).Names(), ", ")+" (default rademacher)")
	flags.StringVar(&f.study, "study", "", "fit the estimators of this `STUDY`: a file, or a built-in study's name")
	flags.BoolVar(&f.json, "json", false, "print one JSON object")
	flags.BoolVar(&f.csv, "csv", false, "print CSV")
	flags.BoolVar(&f.latex, "latex", false, "print a LaTeX table (booktabs)")
	return c
}

// check refuses flags that contradict each other.
func (f *fitFlags) check(c *cobra.Command) error {
	formats := 0
	for _, asked := range []bool{f.json, f.csv, f.latex} {
		if asked {
			formats++
		}
	}
	switch {
	case formats > 1:
		return usageError("choose one of --json, --csv and --latex")
	case !(f.alpha > 0 && f.alpha < 1):
		return usageError("--alpha %v: must lie between 0 and 1", f.alpha)
	case f.study == "" && f.formula == "":
		return usageError("fit needs --formula, such as --formula 'y ~ treated + pretest | block', or --study")
	case f.study == "":
		return nil
	}
	for _, name := range []string{"formula", "cluster", "se", "kind", "weights", "method", "df", "draws", "bootstrap-weights", "report", "joint"} {
		if c.Flags().Changed(name) {
			return usageError("--%s and --study: the study says what is fitted; give one of the two", name)
		}
	}
	return nil
}

func readTable(s streams, argument string) (*datafile.Table, error) {
	var table *datafile.Table
	var err error
	if argument == "-" {
		table, err = datafile.Read(s.in, "standard input")
	} else {
		table, err = datafile.Open(argument)
	}
	if err != nil {
		return nil, &exitError{exitFile, err}
	}
	return table, nil
}

// An options is a method's options, by their keys.
type options struct{ of reflect.Value }

func optionsOf(m estimators.Method) options {
	of := reflect.New(reflect.TypeOf(m)).Elem()
	of.Set(reflect.ValueOf(m))
	return options{of}
}

func (o options) method() estimators.Method { return o.of.Interface().(estimators.Method) } // optionsOf took a Method

// field returns the option of a key; the zero Value if the method has none.
func (o options) field(key string) reflect.Value {
	for _, field := range reflect.VisibleFields(o.of.Type()) {
		if name, _, _ := strings.Cut(field.Tag.Get("yaml"), ","); name == key {
			return o.of.FieldByIndex(field.Index)
		}
	}
	return reflect.Value{}
}

// text returns an option that is a text, "" if the method has none.
func (o options) text(key string) string {
	if v := o.field(key); v.IsValid() && v.Kind() == reflect.String {
		return v.String()
	}
	return ""
}

// set sets an option from a text, a list, or a list of lists.
func (o options) set(key string, value any) error {
	v := o.field(key)
	if !v.IsValid() {
		return errors.New("this kind of estimator has no such option")
	}
	text, isText := value.(string)
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok && isText {
		return u.UnmarshalText([]byte(text))
	}
	if !reflect.TypeOf(value).AssignableTo(v.Type()) {
		return errors.New("this kind of estimator has no such option")
	}
	v.Set(reflect.ValueOf(value))
	return nil
}

// formulaKinds lists the kinds of estimators that take a formula.
func formulaKinds() []string {
	var kinds []string
	for kind, m := range estimators.Methods() {
		if optionsOf(m).field("formula").IsValid() {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	return kinds
}

// A fit is one estimator, before it has seen the data.
type fit struct {
	name    string // as the study calls it, else ""
	options options
	lists   map[string]string // what $name stands for in the formula
	formula *estimators.Formula
	columns []string // of an estimator without a formula
	nested  []string // groups of random effects, and the fixed effect, largest first
	where   datafile.Condition
	level   dgp.Level // of the rows, in a study
	whereOf string    // where the condition stands, for messages
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
	case kind == "" && len(formula.Random) > 0:
		kind = "mixed"
	case kind == "" && len(formula.Instruments) > 0:
		kind = "iv"
	case kind == "":
		kind = "ols"
	case kind == "ols" && len(formula.Random) > 0:
		return nil, usageError("--kind ols: least squares has no random effects; --kind mixed does")
	case !slices.Contains(formulaKinds(), kind):
		return nil, usageError("--kind %s: there is no such estimator with a formula; there are %s", kind, strings.Join(formulaKinds(), ", "))
	}
	one := &fit{options: optionsOf(estimators.Methods()[kind]), formula: formula, where: where, level: dgp.ChildLevel}
	var report []string
	for _, text := range f.report {
		report = append(report, splitTerms(text)...)
	}
	if len(report) == 0 {
		if report = allTerms(one.formula); len(report) == 0 {
			return nil, usageError("--formula %s: has no term to report", f.formula)
		}
	}
	se := f.se
	if se == "" && f.cluster != "" && one.options.field("se").IsValid() {
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
		{"formula", f.formula, true}, {"report", report, true}, {"cluster", f.cluster, f.cluster != ""},
		{"weights", f.weights, f.weights != ""},
		{"se", se, se != ""}, {"joint", joint, len(joint) > 0},
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
	m, ok := one.options.method().(estimators.WildBootstrap)
	name := "draws"
	if f.law != "" {
		name = "bootstrap-weights"
	}
	if !ok {
		return usageError("--%s: only --kind wild-bootstrap draws", name)
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
	terms := slices.Concat(formula.Terms, formula.Endogenous, formula.Instruments)
	for _, r := range formula.Random {
		terms = append(terms, r.Slopes...)
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
		if one.formula == nil && one.columns == nil {
			fmt.Fprintf(s.talk, "Skipped %s: it is not written as a formula or columns.\n", e.Name)
			continue
		}
		if _, again := e.Method.(estimators.Randomisation); again {
			fmt.Fprintf(s.talk, "Skipped %s: a file does not say how its schools were assigned.\n", e.Name)
			continue
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

// weights is the column of the rows' weights, "" for none.
func (one *fit) weights() string {
	if _, again := one.options.method().(estimators.WildBootstrap); again {
		return "" // its weights are those of clusters
	}
	return one.options.text("weights")
}

// rowLevel is the level of the rows that the estimator takes in the study.
func (one *fit) rowLevel(shape dgp.Shape) dgp.Level {
	var level dgp.Level
	if level.UnmarshalText([]byte(one.options.text("rows"))) == nil {
		return level
	}
	level = dgp.SchoolLevel
	names := slices.Clone(one.columns)
	if one.formula != nil {
		for _, o := range one.formula.Outcomes {
			names = append(names, o.Name)
		}
	}
	for _, name := range names {
		if i := shape.Index(name); i >= 0 {
			level = max(level, shape.Columns[i].Level)
		}
	}
	return level
}

// use says what the estimator needs of the table.
func (one *fit) use(table *datafile.Table) datafile.Use {
	use := datafile.Use{Rows: slices.Clone(one.columns), Where: one.where}
	if one.formula != nil {
		for _, o := range one.formula.Outcomes {
			use.Rows = append(use.Rows, o.Name)
			use.Mark = use.Mark || o.Kind != estimators.Identity
		}
		for _, t := range rightHand(one.formula) {
			for _, p := range t.Factors {
				if p.Kind == estimators.Identity {
					use.Numbers = append(use.Numbers, p.Name)
				} else {
					use.Rows = append(use.Rows, p.Name)
					use.Mark = true
				}
			}
		}
		use.Nested = one.nested
		if absorb := one.formula.Absorb; absorb != "" && len(one.formula.Random) == 0 {
			use.Factors = append(use.Factors, absorb)
		}
	}
	if weights := one.weights(); weights != "" {
		use.Numbers = append(use.Numbers, weights)
	}
	use.Mark = use.Mark && len(one.where.Columns()) > 0
	for _, cluster := range estimators.ClusterNames(one.options.text("cluster")) {
		if !slices.Contains(use.Factors, cluster) {
			use.Factors = append(use.Factors, cluster)
		}
	}
	if one.level < dgp.ChildLevel {
		if _, err := table.Find(one.level.String()); err == nil {
			for l := dgp.BlockLevel; l <= one.level; l++ {
				if _, err := table.Find(l.String()); err == nil {
					use.Unit = append(use.Unit, l.String())
				}
			}
		}
	}
	return use
}

// findColumns looks up every column in the table.
func (one *fit) findColumns(table *datafile.Table) error {
	if one.formula != nil {
		var variables []estimators.Variable
		for _, o := range one.formula.Outcomes {
			variables = append(variables, o.Variable)
		}
		for _, t := range rightHand(one.formula) {
			for _, p := range t.Factors {
				variables = append(variables, p.Variable)
			}
		}
		if a := one.formula.Absorb; a != "" {
			variables = append(variables, estimators.Variable{Name: a, Pos: one.formula.AbsorbPos})
		}
		for _, r := range one.formula.Random {
			variables = append(variables, estimators.Variable{Name: r.Level, Pos: r.Pos})
		}
		for _, v := range variables {
			if _, err := table.Find(v.Name); err != nil {
				return &estimators.KeyError{Key: "formula", Offset: v.Pos, Err: err}
			}
		}
	}
	if err := one.nest(table); err != nil {
		return err
	}
	for _, name := range one.columns {
		if _, err := table.Find(name); err != nil {
			return &estimators.KeyError{Key: "columns", Offset: -1, Err: err}
		}
	}
	for _, cluster := range estimators.ClusterNames(one.options.text("cluster")) {
		if _, err := table.Find(cluster); err != nil {
			return &estimators.KeyError{Key: "cluster", Offset: -1, Err: err}
		}
	}
	if weights := one.weights(); weights != "" {
		if _, err := table.Find(weights); err != nil {
			return &estimators.KeyError{Key: "weights", Offset: -1, Err: err}
		}
	}
	for _, name := range one.where.Columns() {
		if _, err := table.Find(name); err != nil && one.name != "" {
			return &estimators.KeyError{Key: "where", Offset: -1, Err: err}
		}
	}
	return nil
}

// nest finds the groups of random effects and sorts them, the largest first. In
// (1 | a/b), b is told apart by a; in (1 | a) + (1 | b), each b must lie in one
// a, or each a in one b, as the estimator has no crossed effects. Fixed effects
// are those of the largest group, or of a larger one.
func (one *fit) nest(table *datafile.Table) error {
	if one.formula == nil || len(one.formula.Random) == 0 {
		return nil
	}
	one.nested = nil
	random, text := one.formula.Random, one.options.text("formula")
	fault := func(at int, format string, args ...any) error {
		return &estimators.KeyError{Key: "formula", Offset: at, Err: fmt.Errorf(format, args...)}
	}
	contains := func(larger, smaller estimators.RandomEffect) bool {
		return larger.Pos < smaller.Pos && strings.TrimSpace(text[larger.Pos+len(larger.Level):smaller.Pos]) == "/" || !table.Crosses(larger.Level, smaller.Level)
	}
	var sorted []estimators.RandomEffect
	intercepts := map[string]bool{}
	slopes := slices.ContainsFunc(random, func(r estimators.RandomEffect) bool { return r.Slopes != nil })
	for _, r := range random {
		if r.Intercept && intercepts[r.Level] {
			return fault(r.Pos, "the random intercept of %s stands here twice", r.Level)
		}
		intercepts[r.Level] = intercepts[r.Level] || r.Intercept
		if slices.ContainsFunc(sorted, func(o estimators.RandomEffect) bool { return o.Level == r.Level }) {
			continue
		}
		at := 0
		for at < len(sorted) && contains(sorted[at], r) {
			at++
		}
		for _, smaller := range sorted[at:] {
			if !contains(r, smaller) {
				return fault(r.Pos, "%s and %s cross, which cannot be fitted; write (1 | %s/%s) if %s are counted anew in each %s", smaller.Level, r.Level, smaller.Level, r.Level, r.Level, smaller.Level)
			}
		}
		if sorted = slices.Insert(sorted, at, r); len(sorted) > 2 && !slopes {
			return fault(r.Pos, "at most two random intercepts can be fitted")
		}
	}
	for _, r := range sorted {
		one.nested = append(one.nested, r.Level)
	}
	if absorb := one.formula.Absorb; absorb != "" && absorb != one.nested[0] {
		// The estimator takes fixed effects off between groups, not within.
		if table.Crosses(absorb, one.nested[0]) {
			return fault(one.formula.AbsorbPos, "%s varies within %s, which has a random intercept; enter %s by 0/1 columns before the |", absorb, one.nested[0], absorb)
		}
		one.nested = slices.Insert(one.nested, 0, absorb)
	}
	if len(one.nested) > 3 {
		return fault(random[0].Pos, "the random and fixed effects are of %d nested groups; at most three can be fitted", len(one.nested))
	}
	return nil
}

// A fitted is what one estimator says.
type fitted struct {
	*fit
	rows             []fittedRow
	n, dropped       int
	clusters         int // 0 without clusters
	cluster, seWords string
}

// A fittedRow is one estimate with its interval. Numbers that do not exist are
// NaN.
type fittedRow struct {
	outcome, term                           string
	estimate, se, statistic, df, p, low, hi float64
	joint                                   bool // the statistic is an F
	status                                  estimators.Status
}

// fit fits every estimator whose columns the table has.
func (f *fitFlags) fit(s streams, table *datafile.Table, fits []*fit) ([]*fitted, error) {
	var results []*fitted
	for _, one := range fits {
		if err := one.findColumns(table); err != nil {
			if one.name == "" {
				return nil, f.explain(one, err)
			}
			var name *datafile.NameError
			if !errors.As(err, &name) {
				return nil, f.explain(one, err)
			}
			fmt.Fprintf(s.talk, "Skipped %s: no column %s.\n", one.name, name.Name)
			continue
		}
		result, err := one.fit(table, f.alpha, f.seed)
		if err != nil {
			return nil, f.explain(one, err)
		}
		results = append(results, result)
	}
	if len(results) == 0 {
		return nil, &exitError{exitFile, fmt.Errorf("%s has the columns of none of the study's estimators", table.Name)}
	}
	return results, nil
}

// fit fits the estimator.
func (one *fit) fit(table *datafile.Table, alpha float64, seed uint64) (*fitted, error) {
	sample, err := table.Sample(one.use(table))
	if err != nil {
		return nil, err
	}
	result := &fitted{fit: one, n: sample.Used, dropped: sample.Dropped}
	method, lists := optionsOf(one.options.method()), one.lists
	if one.formula != nil {
		if err := method.set("formula", one.formulaFor(sample)); err != nil {
			return nil, err
		}
		if len(one.nested) > 0 {
			largest := one.nested[0]
			if largest == one.formula.Absorb && len(one.nested) > 1 {
				largest = one.nested[1]
			}
			result.cluster, result.clusters = largest, sample.Levels(largest)
		}
	}
	var clusters []string
	for i, cluster := range estimators.ClusterNames(one.options.text("cluster")) {
		if n := sample.Levels(cluster); i == 0 || n < result.clusters {
			result.cluster, result.clusters = cluster, n
		}
		clusters = append(clusters, sample.Factor(cluster))
	}
	if len(clusters) > 1 {
		result.cluster += ", the fewer of " + one.options.text("cluster")
	}
	if len(clusters) > 0 {
		if err := method.set("cluster", strings.Join(clusters, " + ")); err != nil {
			return nil, err
		}
	}
	if v := method.field("where"); v.IsValid() {
		v.SetString("")
		if sample.Marked != "" {
			v.SetString(sample.Marked + " == 1")
		}
	}
	if v := method.field("rows"); v.IsValid() {
		v.SetString("") // each row of the file is one
	}
	if v := method.field("se"); v.IsValid() {
		if se, ok := v.Interface().(estimators.SE); ok {
			result.seWords = seInWords(se, one.options.text("cluster"))
		}
	}
	switch m := method.method().(type) {
	case estimators.Mixed:
		like := map[estimators.MixedDF]string{estimators.Satterthwaite: " with lmerTest", estimators.KenwardRoger: " with pbkrtest"}
		result.seWords = fmt.Sprintf("by %s with %s df (lme4's lmer%s)", m.Likelihood, m.DF, like[m.DF])
	case estimators.WildBootstrap:
		result.seWords += fmt.Sprintf("; p-values and intervals by the wild cluster bootstrap, %d %s draws", m.Draws, m.Weights)
	}
	panel, err := estimators.Bind([]estimators.Named{{Name: one.name, Method: method.method()}}, sample.Shape, lists)
	if err != nil {
		return nil, err
	}
	panel.SetAlpha(alpha)
	panel.Use(dgp.Stream{Seed: seed})
	estimates := panel.Fit(sample.Data)
	for i, row := range panel.Rows() {
		result.rows = append(result.rows, describe(row, estimates[i], alpha))
	}
	return result, nil
}

// formulaFor is the formula with the sample's names of the fixed effect and of
// the groups of random intercepts.
func (one *fit) formulaFor(sample *datafile.Sample) string {
	type name struct {
		at       int
		old, now string
	}
	var names []name
	levels := map[string]string{}
	for i, level := range datafile.NestedLevels(len(one.nested))[:len(one.nested)] {
		levels[one.nested[i]] = level
	}
	if a := one.formula.Absorb; a != "" {
		now, nested := levels[a]
		if !nested {
			now = sample.Factor(a)
		}
		names = append(names, name{one.formula.AbsorbPos, a, now})
	}
	for _, r := range one.formula.Random {
		names = append(names, name{r.Pos, r.Level, levels[r.Level]})
	}
	slices.SortFunc(names, func(a, b name) int { return b.at - a.at })
	text := one.options.text("formula")
	for _, n := range names {
		text = text[:n.at] + n.now + text[n.at+len(n.old):]
	}
	return text
}

// describe completes an estimate by its statistic and interval.
func describe(row estimators.Row, e estimators.Estimate, alpha float64) fittedRow {
	nan := math.NaN()
	r := fittedRow{outcome: row.Outcome, term: row.Term, estimate: e.Value, se: e.SE, statistic: e.Value / e.SE, df: e.DF, p: e.P, low: nan, hi: nan, status: e.Status}
	if strings.HasPrefix(row.Term, "joint(") || strings.HasPrefix(row.Term, "first-stage F(") {
		r.joint, r.estimate, r.statistic = true, nan, e.Value
		return r
	}
	switch {
	case e.Interval.Exists():
		r.low, r.hi = e.Low, e.High
	case e.Status.Worked() && !math.IsNaN(e.SE):
		half := e.SE * quantile(1-alpha/2, e.DF)
		r.low, r.hi = e.Value-half, e.Value+half
	}
	return r
}

// quantile is Student's t, or the normal's where the two are the same.
func quantile(p, df float64) float64 {
	if df >= 1e5 {
		return distuv.UnitNormal.Quantile(p)
	}
	return distuv.StudentsT{Sigma: 1, Nu: df}.Quantile(p)
}

// seInWords names a kind of standard error as users of Stata and R know it.
func seInWords(se estimators.SE, cluster string) string {
	words := map[estimators.SE]string{
		estimators.Classical: "one error variance, as R's lm, Stata's regress",
		estimators.HC0:       "White's, without correction; sandwich's vcovHC type HC0",
		estimators.HC1:       "Stata's vce(robust), sandwich's vcovHC type HC1",
		estimators.HC2:       "Stata's vce(hc2), sandwich's vcovHC type HC2",
		estimators.HC3:       "Stata's vce(hc3), sandwich's vcovHC type HC3",
		estimators.CR0:       "clustered by " + cluster + " without correction; clubSandwich's CR0",
		estimators.CR1:       "Stata's vce(cluster " + cluster + ") after regress or areg, clubSandwich's CR1S",
		estimators.CR2:       "clustered by " + cluster + ", Bell and McCaffrey's; clubSandwich's CR2 with Satterthwaite df",
		estimators.CR3:       "clustered by " + cluster + ", near the jackknife; clubSandwich's CR3 with Satterthwaite df",
	}
	words[estimators.CR1Fixest] = "clustered by " + cluster + " with fixest's small-sample factor, its default ssc()"
	if len(estimators.ClusterNames(cluster)) > 1 {
		words[estimators.CR0] = "clustered by " + cluster + " without correction; sandwich's vcovCL type HC0, cadjust = FALSE"
		words[estimators.CR1] = "clustered by " + cluster + "; sandwich's vcovCL type HC1"
	}
	return se.String() + " (" + words[se] + ")"
}

// statusInWords says what a status means and what to do.
func statusInWords(s estimators.Status) string {
	switch s {
	case estimators.OK:
		return "the fit worked"
	case estimators.Reduced:
		return "a collinear term was dropped, as R and Stata do; the others are as if it were not in the formula"
	case estimators.Collinear:
		return "the term does not vary, or only together with other terms or the fixed effect, so that it has no coefficient of its own; take one of them out, or check that both arms are in the data"
	case estimators.TooFewRows:
		return "there are no more rows than coefficients; use fewer terms"
	case estimators.TooFewClusters:
		return "the rows in use lie in one cluster, which tells nothing of how clusters differ; cluster by smaller units, or use HC1 if rows are independent"
	case estimators.NoVariation:
		return "the outcome does not vary among the rows in use, or not within the fixed effect's levels"
	case estimators.NotFinite:
		return "no finite estimate came out: numbers are too large"
	case estimators.Boundary:
		return "a variance component is 0, or a correlation of random effects 1 or -1 (lme4 calls the fit singular); the estimates may be used"
	case estimators.NotConverged:
		return "the maximum of the likelihood was not found; measure columns in units near their standard deviations, or use fewer terms"
	case estimators.NoResidual:
		return "the terms fit the outcome exactly, or exactly by cluster: nothing is left to estimate an error from; use fewer terms, or check that the outcome is not among them"
	case estimators.NotPositive:
		return "the variance estimate with two factors of clusters came out negative, as it can with few clusters; cluster by the factor with larger variance"
	case estimators.BadWeights:
		return "a row has a weight that is negative, infinite or not a number; correct it, or leave the row out"
	default:
		return "the fit failed"
	}
}

// explain puts an error of planning or fitting in words, with a caret under
// the place in a formula or condition.
func (f *fitFlags) explain(one *fit, err error) error {
	var key *estimators.KeyError
	var syntax *estimators.SyntaxError
	var condition *datafile.ConditionError
	var name *datafile.NameError
	var data *datafile.Error
	prefix := "--"
	if one != nil && one.name != "" {
		prefix = "estimator " + one.name + ", "
	}
	switch {
	case errors.As(err, &condition):
		text := f.where
		if one != nil && one.whereOf != "" {
			return usageError("%swhere: %s", prefix, condition.Message)
		}
		return usageError("--where: %s%s", condition.Message, caret(text, condition.Offset))
	case errors.As(err, &key):
		text := ""
		if key.Key == "formula" && key.Offset >= 0 && one != nil {
			text = caret(one.options.text("formula"), key.Offset)
		}
		message := key.Err.Error()
		if errors.As(key.Err, &syntax) {
			message = syntax.Message
		}
		flag, _, _ := strings.Cut(key.Key, "[")
		return usageError("%s%s: %s%s", prefix, flag, message, text)
	case errors.As(err, &syntax):
		return usageError("%sformula: %s%s", prefix, syntax.Message, caret(f.formula, syntax.Offset))
	case errors.As(err, &name):
		return usageError("%s", name.Message)
	case errors.As(err, &data):
		return &exitError{exitFile, err}
	}
	return err
}

// caret shows a text with a caret under a byte.
func caret(text string, offset int) string {
	if strings.ContainsAny(text, "\n\t") || offset > len(text) {
		return ""
	}
	return fmt.Sprintf("\n  %s\n  %s^", text, strings.Repeat(" ", utf8.RuneCountInString(text[:offset])))
}

// print prints the results, and fails if one of them did.
func (f *fitFlags) print(s streams, file string, results []*fitted) error {
	var err error
	switch {
	case f.json:
		err = writeFitJSON(s.out, results)
	case f.csv:
		err = writeFitCSV(s.out, results)
	case f.latex:
		writeFitLaTeX(s.out, results)
	default:
		f.writeFitTable(s.out, file, results)
	}
	if err != nil {
		return err
	}
	failed, all := 0, 0
	var reasons []estimators.Status
	for _, result := range results {
		for _, r := range result.rows {
			all++
			if !r.status.Worked() {
				failed++
				reasons = append(reasons, r.status)
			}
		}
	}
	if failed == 0 {
		return nil
	}
	slices.Sort(reasons)
	message := fmt.Sprintf("%d of %s failed", failed, count(all, "estimate"))
	for _, status := range slices.Compact(reasons) {
		message += fmt.Sprintf("\n  %s: %s", status, statusInWords(status))
	}
	return &exitError{exitFailure, errors.New(message)}
}

// fitColumns are the names of an estimate's numbers, as in R's broom.
var fitColumns = []string{"estimate", "std.error", "statistic", "df", "p.value", "conf.low", "conf.high"}

func (r *fittedRow) numbers() []float64 {
	return []float64{r.estimate, r.se, r.statistic, r.df, r.p, r.low, r.hi}
}

// A jsonFit is what is printed of an estimator's rows.
type jsonFit struct {
	Estimator string `json:"estimator,omitempty"`
	N         int    `json:"n"`
	Clusters  *int   `json:"clusters"`
	Dropped   int    `json:"dropped"`
}

// A jsonRow is a fittedRow; the order of its fields is that of R's broom.
type jsonRow struct {
	Estimator string `json:"estimator,omitempty"`
	Outcome   string `json:"outcome"`
	Term      string `json:"term"`
	Estimate  any    `json:"estimate"`
	SE        any    `json:"std.error"`
	Statistic any    `json:"statistic"`
	DF        any    `json:"df"`
	P         any    `json:"p.value"`
	Low       any    `json:"conf.low"`
	High      any    `json:"conf.high"`
	Status    string `json:"status"`
}

func (r *fitted) jsonFit() jsonFit {
	out := jsonFit{Estimator: r.name, N: r.n, Dropped: r.dropped}
	if r.cluster != "" {
		out.Clusters = &r.clusters
	}
	return out
}

// writeFitJSON writes {schema_version, rows, n, clusters, dropped}; for a
// study's estimators the last three stand in a list, fits.
func writeFitJSON(w io.Writer, results []*fitted) error {
	rows := []jsonRow{}
	fits := []jsonFit{}
	for _, result := range results {
		fits = append(fits, result.jsonFit())
		for _, r := range result.rows {
			rows = append(rows, jsonRow{
				Estimator: result.name, Outcome: r.outcome, Term: r.term, Status: r.status.String(),
				Estimate: jsonValue(r.estimate), SE: jsonValue(r.se), Statistic: jsonValue(r.statistic), DF: jsonValue(r.df),
				P: jsonValue(r.p), Low: jsonValue(r.low), High: jsonValue(r.hi),
			})
		}
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if results[0].name != "" {
		return encoder.Encode(struct {
			Version int       `json:"schema_version"`
			Rows    []jsonRow `json:"rows"`
			Fits    []jsonFit `json:"fits"`
		}{1, rows, fits})
	}
	return encoder.Encode(struct {
		Version int       `json:"schema_version"`
		Rows    []jsonRow `json:"rows"`
		jsonFit
	}{1, rows, fits[0]})
}

func writeFitCSV(w io.Writer, results []*fitted) error {
	out := newCSV(w)
	header := slices.Concat([]string{"estimator", "outcome", "term"}, fitColumns, []string{"status", "n", "clusters", "dropped"})
	study := results[0].name != ""
	if !study {
		header = header[1:]
	}
	out.write(header)
	for _, result := range results {
		clusters := ""
		if result.cluster != "" {
			clusters = csvValue(result.clusters)
		}
		for _, r := range result.rows {
			row := []string{result.name, r.outcome, r.term}
			for _, x := range r.numbers() {
				row = append(row, csvValue(x))
			}
			row = append(row, r.status.String(), csvValue(result.n), clusters, csvValue(result.dropped))
			if !study {
				row = row[1:]
			}
			out.write(row)
		}
	}
	return out.flush()
}

// writeFitTable writes a table for readers, one part for each estimator.
func (f *fitFlags) writeFitTable(w io.Writer, file string, results []*fitted) {
	for i, result := range results {
		if i > 0 {
			fmt.Fprintln(w)
		}
		title := result.options.text("formula")
		if result.name != "" {
			title = strings.TrimSuffix(result.name+": "+title, ": ")
		}
		fmt.Fprintln(w, title)
		if f.where != "" {
			fmt.Fprintf(w, "where %s\n", f.where)
		}
		if result.whereOf != "" {
			fmt.Fprintf(w, "where %s\n", result.whereOf)
		}
		fmt.Fprintf(w, "%s: %s", file, count(result.n, "row"))
		if result.cluster != "" {
			fmt.Fprintf(w, ", %s (%s)", count(result.clusters, "cluster"), result.cluster)
		}
		fmt.Fprintf(w, "; %s dropped for a missing value\n", count(result.dropped, "row"))
		if result.seWords != "" {
			fmt.Fprintln(w, "standard errors", result.seWords)
		}
		fmt.Fprintln(w)
		writeAligned(w, result.cells())
	}
}

// cells are the texts of an estimator's table; numbers begin in column 2.
func (r *fitted) cells() [][]string {
	rows := [][]string{slices.Concat([]string{"outcome", "term"}, fitColumns)}
	for _, row := range r.rows {
		digits := digitsFor(row.se, row.estimate)
		cells := []string{row.outcome, row.term,
			plain(row.estimate, digits), plain(row.se, digits), plain(row.statistic, 2), degrees(row.df), pValue(row.p),
			plain(row.low, digits), plain(row.hi, digits)}
		if row.joint {
			cells[4] = "F " + cells[4]
		}
		if row.status != estimators.OK {
			cells = append(cells, row.status.String())
		}
		rows = append(rows, cells)
	}
	return rows
}

// digitsFor returns the decimals that show three digits of a standard error,
// or -1 if the number is better written with an exponent.
func digitsFor(se, estimate float64) int {
	by := math.Abs(se)
	if math.IsNaN(by) || by == 0 {
		by = math.Abs(estimate)
	}
	if math.IsNaN(by) || by == 0 {
		return 4
	}
	digits := 2 - int(math.Floor(math.Log10(by)))
	if digits > 9 || math.Abs(estimate) >= 1e12 {
		return -1
	}
	return max(digits, 0)
}

func plain(x float64, digits int) string {
	switch {
	case math.IsNaN(x):
		return "-"
	case digits < 0 || math.Abs(x) >= 1e12:
		return strconv.FormatFloat(x, 'e', 3, 64)
	default:
		return strconv.FormatFloat(x, 'f', digits, 64)
	}
}

// degrees writes degrees of freedom, whole unless they are Satterthwaite's.
func degrees(df float64) string {
	if df == math.Trunc(df) {
		return plain(df, 0)
	}
	return plain(df, 1)
}

func pValue(p float64) string {
	if p < 0.0001 {
		return "<0.0001"
	}
	return plain(p, 4)
}

// writeAligned writes two columns of text, then columns of numbers with their
// decimal points in line, then whatever else.
func writeAligned(w io.Writer, rows [][]string) {
	type width struct{ left, right int }
	const texts = 2
	widths := make([]width, len(rows[0]))
	part := func(text string) (left, right string) {
		at := strings.IndexByte(text, '.')
		if at < 0 || strings.ContainsAny(text, "e") {
			return text, ""
		}
		return text[:at], text[at:]
	}
	for _, row := range rows[1:] {
		for i, cell := range row[:len(widths)] {
			left, right := part(cell)
			if i < texts {
				left, right = cell, ""
			}
			widths[i].left = max(widths[i].left, utf8.RuneCountInString(left))
			widths[i].right = max(widths[i].right, len(right))
		}
	}
	for k, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			switch {
			case i >= len(widths):
				line.WriteString("  " + cell)
			case i < texts:
				fmt.Fprintf(&line, "%-*s  ", max(widths[i].left, len(rows[0][i])), cell)
			default:
				if k > 0 {
					left, right := part(cell)
					cell = fmt.Sprintf("%*s%-*s", widths[i].left, left, widths[i].right, right)
				}
				fmt.Fprintf(&line, "%*s  ", max(widths[i].left+widths[i].right, len(rows[0][i])), cell)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

// writeFitLaTeX writes a table with a column for every outcome of every
// estimator: estimates with standard errors in parentheses, without stars.
func writeFitLaTeX(w io.Writer, results []*fitted) {
	type column struct {
		*fitted
		outcome string
	}
	var columns []column
	var terms []string
	words := map[string]bool{}
	for _, result := range results {
		words[result.seWords] = true
		for _, r := range result.rows {
			if !slices.Contains(terms, r.term) {
				terms = append(terms, r.term)
			}
			if !slices.ContainsFunc(columns, func(c column) bool { return c.fitted == result && c.outcome == r.outcome }) {
				columns = append(columns, column{result, r.outcome})
			}
		}
	}
	line := func(name string, cell func(c column) string) {
		fmt.Fprint(w, name)
		for _, c := range columns {
			fmt.Fprintf(w, " & %s", cell(c))
		}
		fmt.Fprintln(w, ` \\`)
	}
	fmt.Fprintf(w, "\\begin{tabular}{l%s}\n\\toprule\n", strings.Repeat("c", len(columns)))
	if results[0].name != "" {
		line("", func(c column) string { return latexText(c.name) })
	}
	line("", func(c column) string { return latexText(c.outcome) })
	fmt.Fprintln(w, `\midrule`)
	for _, term := range terms {
		find := func(c column) (fittedRow, bool) {
			i := slices.IndexFunc(c.rows, func(r fittedRow) bool { return r.term == term && r.outcome == c.outcome })
			if i < 0 {
				return fittedRow{}, false
			}
			return c.rows[i], true
		}
		line(latexText(term), func(c column) string {
			r, ok := find(c)
			switch {
			case !ok:
				return ""
			case r.joint && r.status.Worked():
				return "$F = " + plain(r.statistic, 2) + "$"
			case !r.status.Worked():
				return latexText(r.status.String())
			}
			return "$" + plain(r.estimate, digitsFor(r.se, r.estimate)) + "$"
		})
		line("", func(c column) string {
			r, ok := find(c)
			switch {
			case ok && r.joint && r.status.Worked():
				return "$p = " + plain(r.p, 3) + "$"
			case !ok || math.IsNaN(r.se):
				return ""
			}
			return "$(" + plain(r.se, digitsFor(r.se, r.estimate)) + ")$"
		})
	}
	fmt.Fprintln(w, `\midrule`)
	line("Observations", func(c column) string { return strconv.Itoa(c.n) })
	line("Clusters", func(c column) string {
		if c.cluster == "" {
			return ""
		}
		return strconv.Itoa(c.clusters)
	})
	fmt.Fprintln(w, `\bottomrule`)
	for _, text := range slices.Sorted(maps.Keys(words)) {
		if text != "" {
			fmt.Fprintf(w, "\\multicolumn{%d}{l}{\\footnotesize Standard errors in parentheses: %s.} \\\\\n", len(columns)+1, latexText(text))
		}
	}
	fmt.Fprintln(w, `\end{tabular}`)
}

// latexText writes a text so that LaTeX prints it as it stands.
func latexText(text string) string {
	return strings.NewReplacer(`\`, `\textbackslash{}`, `_`, `\_`, `&`, `\&`, `%`, `\%`, `$`, `\$`, `#`, `\#`,
		`{`, `\{`, `}`, `\}`, `~`, `\textasciitilde{}`, `^`, `\textasciicircum{}`).Replace(text)
}
