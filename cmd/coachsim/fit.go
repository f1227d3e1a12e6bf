package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"gonum.org/v1/gonum/stat/distuv"

	"coachsim/dgp"
	"coachsim/dgp/datafile"
	"coachsim/estimators"
)

// fitFlags are the flags of fit.
type fitFlags struct {
	formula, cluster, se, kind, where, study string
	weights, method, df, law, blocks         string
	draws                                    int
	report, treatment, joint, iqr            []string
	mediator, mediatorUnit                   string
	intermediate                             []string
	rho, at                                  []float64
	errorMethod                              string
	reliability                              []float64
	errorDraws                               int
	ratings                                  []string
	alpha                                    float64
	seed                                     uint64
	json, csv, latex                         bool

	growing   treeFlags
	selecting lassoFlags
	figure    fitFigure
}

func newFit(s streams) *cobra.Command {
	var f fitFlags
	c := &cobra.Command{
		Use:   "fit DATA",
		Short: "Fit the same estimators to a real data file",
		Long: `Fit an estimator of coachsim to a data file: CSV with a header, or Stata's .dta
(formats 113 to 119); - is standard input. Rows that miss a value of a column in
use are dropped and counted; of several outcomes each drops its own.

A formula is written as for fixest and lme4: outcomes ~ terms | fixed effect, or
outcomes ~ terms + (1 | school/class), or with (1 + treated | block) for effects
that vary. Terms and outcomes may be functions of columns: I(score - pretest), log, exp,
sqrt, std, center, below(y, 10), above(y, 90), mean(y, school), n(school), factor(grade),
and the indices klk(y1, y2, by = treated) and anderson(...), standardised by the rows in
which treated is 0. With mean(y, school) as the outcome each school is one row. Fixed
effects, clusters, factors and the groups of random effects may be text or numbers;
everything else must be numbers.

--kind lin is Lin's (2013) regression adjustment: covariates, and | block, are centred
and interacted with the arms, which --treatment names.

--kind mediation splits an effect in those through mediators and the rest, by the
formula, with the mediators among its terms, and their own regression, --mediator.
A mediator that is a score of classes is the same in all rows of a --cluster, or of a
--mediator-unit, and counts once for each. --error corrects the mediators' slopes for
measurement error, which is --reliability's, or that of --ratings: columns of replicates, such
as film segments, of which a mediator is the mean.

--kind ctree grows a conditional inference tree, and --kind cforest a forest of them
with the permutation importance of its inputs; factor(x) is an input of levels.

--kind lasso selects terms; . in its formula stands for all other columns of numbers.

--where chooses rows, as in "arm == 'coaching' & grade >= 3".

With --study the study's own estimators are fitted: all whose columns the file
has. Where they take rows of teachers or schools, and the file has a column of
that name, one row of each is used.

Exit code 1 says that an estimate failed: its status tells why.`,
		Example: `  coachsim fit data.csv --formula 'y ~ treated + pretest | block' --cluster school --se CR2
  coachsim fit data.dta --formula 'c(read, maths) ~ treated*girl' --where "grade == 3" --json
  coachsim fit data.csv --formula 'y ~ treated' --kind difference-in-means --blocks pair --cluster school
  coachsim fit data.csv --formula 'mean(y, school) ~ treated + mean(pretest, school)' --se HC2
  coachsim fit data.csv --formula 'y ~ treated + pretest | block' --kind lin --treatment treated --cluster school
  coachsim fit data.csv --formula 'y ~ treated + class + pretest | block' --mediator 'class ~ treated | block' --treatment treated --cluster school
  coachsim fit data.csv --formula 'y ~ treated + class' --mediator 'class ~ treated' --treatment treated --cluster school --mediator-unit teacher --error moments --ratings 'class=class_s*'
  coachsim fit data.csv --formula 'gain ~ age + factor(region)' --kind ctree
  coachsim fit data.csv --formula 'gain ~ age + female + tuition' --kind cforest --mtry 2 --seed 3 --json
  coachsim fit teachers.csv --kind lasso --formula 'gain ~ .' --lambda cv-1se --inference post --cluster school
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
			if err := f.figure.check(fits); err != nil {
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
			if err := f.figure.draw(s, results, table.Name); err != nil {
				return err
			}
			return f.print(s, table.Name, results)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.formula, "formula", "", "`FORMULA`: outcomes ~ terms | fixed effect")
	flags.StringVar(&f.cluster, "cluster", "", "`COLUMN` of the clusters of standard errors, or two: school + coder")
	flags.StringVar(&f.blocks, "blocks", "", "`COLUMN` of the blocks, or matched pairs, of a difference in means")
	flags.StringVar(&f.se, "se", "", "`KIND` of standard error: "+strings.Join(estimators.SE(0).Names(), ", ")+" (default CR1 with clusters, else classical; with --kind lin CR2 and HC2)")
	flags.StringVar(&f.kind, "kind", "", "`KIND` of estimator: "+strings.Join(formulaKinds(), ", ")+" (default mixed if the formula has a random intercept, iv if it has instruments, else ols)")
	flags.StringVar(&f.where, "where", "", "`CONDITION` that chooses rows, such as \"arm == 'coaching' & age < 7\"")
	flags.StringVar(&f.weights, "weights", "", "`COLUMN` of weights, as R's lm(weights = ) and Stata's aweight")
	flags.StringArrayVar(&f.report, "report", nil, "`TERM`s to report, with commas between (default all), or contrasts of terms such as coaching - training")
	flags.StringArrayVar(&f.treatment, "treatment", nil, "`TERM`s of the formula that are arms, with commas between (--kind lin); the arm whose effect is mediated")
	flags.StringVar(&f.mediator, "mediator", "", "`FORMULA` of the mediators, such as 'class ~ treated + experience | block' (--kind mediation)")
	flags.StringVar(&f.mediatorUnit, "mediator-unit", "", "`COLUMN` of the units that mediators are scores of, such as teacher (default the clusters)")
	flags.StringArrayVar(&f.iqr, "iqr", nil, "reported `TERM`s whose effect from their 25th to their 75th percentile is reported too, in units and SDs of the outcome, with commas between")
	flags.Var(numbersFlag{&f.rho}, "rho", "correlations between the errors of mediator and outcome, `NUMBERS` with commas, at which to report the indirect effect")
	flags.StringArrayVar(&f.intermediate, "intermediate", nil, "`TERM`s that the arm may change, with commas between (--method sequential-g)")
	flags.Var(numbersFlag{&f.at}, "at", "`VALUES` of the mediators at which to take the direct effect, with commas (--method sequential-g)")
	flags.StringVar(&f.errorMethod, "error", "", "`METHOD` that corrects mediators' slopes for measurement error: "+strings.Join(estimators.ErrorMoments.Names(), ", "))
	flags.Var(numbersFlag{&f.reliability}, "reliability", "known reliability of each mediator, `NUMBERS` with commas (--error)")
	flags.StringArrayVar(&f.ratings, "ratings", nil, "the columns of ratings that a mediator is the mean of, `MEDIATOR=PATTERN`, such as class=class_s*_c*: what the first * stands for tells replicates apart (--error; again for another mediator)")
	flags.IntVar(&f.errorDraws, "error-draws", 0, "`NUMBER` of draws of --error simex at each level of error (default 50)")
	flags.StringArrayVar(&f.joint, "joint", nil, "`TERMS` to test jointly for zero, with commas (again for another test)")
	flags.Float64Var(&f.alpha, "alpha", 0.05, "intervals cover 1 - `ALPHA`")
	flags.Uint64Var(&f.seed, "seed", 1, "seed of a bootstrap's draws: a whole `NUMBER`")
	flags.StringVar(&f.method, "method", "", "`CRITERION` of a mixed model: "+strings.Join(estimators.REML.Names(), " or ")+" (default REML); of mediation: "+strings.Join(estimators.Simulation.Names(), ", ")+" (default product)")
	flags.StringVar(&f.df, "df", "", "`RULE` for a mixed model's degrees of freedom: "+strings.Join(estimators.Satterthwaite.Names(), ", ")+" (default satterthwaite)")
	flags.IntVar(&f.draws, "draws", 0, "`NUMBER` of draws of a bootstrap, or of mediation's simulation (default 999)")
	flags.StringVar(&f.law, "bootstrap-weights", "", "`LAW` of a bootstrap's weights: "+strings.Join(estimators.WildWeights(0).Names(), ", ")+" (default rademacher)")
	f.growing.register(flags)
	f.selecting.register(flags)
	f.figure.register(flags)
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
	for _, name := range slices.Concat(f.growing.names(), f.selecting.names(), []string{"formula", "cluster", "blocks", "se", "kind", "weights", "method", "df", "draws", "bootstrap-weights", "report", "treatment", "joint", "iqr", "figure", "mediator", "mediator-unit", "rho", "at", "intermediate", "error", "reliability", "ratings", "error-draws"}) {
		if c.Flags().Changed(name) {
			return usageError("--%s and --study: the study says what is fitted; give one of the two", name)
		}
	}
	return nil
}

// A fitted is what one estimator says.
type fitted struct {
	*fit
	counts
	rows             []fittedRow
	apart            map[string]counts // by outcome, where not all have the same rows
	cluster, seWords string
	components       []estimators.VarianceComponent // of mixed models
	trees            []estimators.GrownTree
	curves           []estimators.LassoCurve
	panel            *estimators.Panel
}

// counts are numbers of rows and clusters.
type counts struct {
	n, dropped int
	clusters   int // 0 without clusters
}

// of returns the counts for a row's outcome.
func (r *fitted) of(outcome string) counts {
	if c, ok := r.apart[outcome]; ok {
		return c
	}
	return r.counts
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
	unfit := ""
	for _, one := range fits {
		err := one.writeOutEverything(table)
		if err == nil {
			err = one.findColumns(table)
		}
		if err != nil {
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
			var key *estimators.KeyError
			if one.name != "" && errors.As(err, &key) { // the study is right; the file has not what this one needs
				fmt.Fprintf(s.talk, "Skipped %s: %v.\n", one.name, key.Err)
				unfit = " that can be fitted to it"
				continue
			}
			return nil, f.explain(one, err)
		}
		results = append(results, result)
	}
	if len(results) == 0 {
		return nil, &exitError{exitFile, fmt.Errorf("%s has the columns of none of the study's estimators%s", table.Name, unfit)}
	}
	return results, nil
}

// fit fits the estimator.
func (one *fit) fit(table *datafile.Table, alpha float64, seed uint64) (*fitted, error) {
	sample, err := table.Sample(one.use(table))
	if err != nil {
		return nil, err
	}
	result := &fitted{fit: one, counts: counts{n: sample.Used, dropped: sample.Dropped}, apart: map[string]counts{}}
	if one.averages() {
		if result.n, err = one.averagedRows(sample); err != nil {
			return nil, err
		}
	}
	for i, c := range sample.Shape.Columns {
		sample.Shape.Columns[i].Rating, sample.Shape.Columns[i].Domains = one.ratings[c.Name], one.domains[c.Name]
	}
	if err := one.checkRatings(sample); err != nil {
		return nil, err
	}
	method, lists := optionsOf(one.options.method()), one.lists
	if one.formula != nil {
		if err := method.set("formula", rename(sample, one.options.text("formula"), one.formula, one.nested)); err != nil {
			return nil, err
		}
		if err := one.setMediators(&method, sample); err != nil {
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
	if one.formula != nil && len(sample.Apart) > 0 { // so every outcome has one column
		for _, o := range one.formula.Outcomes {
			own := result.counts
			columns, _ := o.Columns()
			if n, ok := sample.Apart[columns[0].Name]; ok {
				own = counts{n: n.Used, dropped: n.Dropped, clusters: n.Levels(result.cluster)}
				for _, cluster := range estimators.ClusterNames(one.options.text("cluster")) {
					own.clusters = min(own.clusters, n.Levels(cluster))
				}
			}
			result.apart[o.Text] = own
		}
	}
	if len(clusters) > 1 {
		result.cluster += ", the fewer of " + one.options.text("cluster")
	}
	if len(clusters) > 0 {
		if err := method.set("cluster", strings.Join(clusters, " + ")); err != nil {
			return nil, err
		}
	}
	if blocks := one.options.text("blocks"); blocks != "" {
		if err := method.set("blocks", sample.Factor(blocks)); err != nil {
			return nil, err
		}
	}
	for _, key := range foldKeys {
		if name := one.options.text(key); name != "" {
			if err := method.set(key, sample.Factor(name)); err != nil {
				return nil, err
			}
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
	case estimators.Lasso:
		m.Cluster = one.options.text("cluster") // as the file names it
		result.seWords = selectedSE(m)
	case estimators.Lin:
		result.seWords = seInWords(m.Kind(), one.options.text("cluster")) + "; estimatr's lm_lin"
	case estimators.Mixed:
		like := map[estimators.MixedDF]string{estimators.Satterthwaite: " with lmerTest", estimators.KenwardRoger: " with pbkrtest"}
		result.seWords = fmt.Sprintf("by %s with %s df (lme4's lmer%s)", m.Likelihood, m.DF, like[m.DF])
	case estimators.DifferenceInMeans:
		result.seWords = designInWords(one.options.text("blocks"), one.options.text("cluster"))
	case estimators.Mediation:
		result.seWords += "; " + mediationInWords(m)
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
	result.panel = panel
	result.trees = panel.Trees()
	result.curves = panel.LassoCurves()
	result.components = one.namedComponents(panel.VarianceComponents())
	return result, nil
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
