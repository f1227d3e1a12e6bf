package estimators

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"coachsim/dgp"
	"coachsim/estimators/forest"
	"coachsim/estimators/lasso"
)

// Prediction is how well a model predicts rows that it has not seen, and which terms
// it selects, over repeated random splits of the rows into a training and a test
// part. In each run the model is fitted to the training part, and so is least squares
// on all terms.
//
// It reports, over the runs, with 2.5 and 97.5 percentiles:
//
//	test_mse       mean squared error in the test part, on average
//	relative_mse   that of least squares over that of the model, on average of the ratios
//	runs(x)        share of runs in which the term is selected
//	listed(x)      1 where it is selected in as many runs as Keep says, else 0
//	positive(x)    of a LASSO: share of the runs that select it in which its coefficient
//	               is above 0
//	importance(x)  of a forest: permutation importance, 1 for the run's largest, on
//	               average over the runs in which the term emerged
//
// A LASSO selects terms with a coefficient other than 0, a forest those that emerge.
// Estimators of the same formula, rows and test share have the same splits.
type Prediction struct {
	Formula   string      `yaml:"formula" required:"true" doc:"outcome ~ terms"`
	Rows      string      `yaml:"rows" doc:"level of the rows: school, teacher or child; by default that of the outcome"`
	Where     string      `yaml:"where" doc:"restriction of the rows, such as coaching == 0"`
	Model     Model       `yaml:"model" doc:"ols, lasso or cforest"`
	Runs      int         `yaml:"runs" min:"1" max:"10000" doc:"splits into a training and a test part"`
	TestShare float64     `yaml:"test_share" gt:"0" lt:"1" doc:"share of the rows in the test part"`
	Keep      int         `yaml:"keep,omitempty" min:"0" doc:"a term is listed that is selected in at least so many runs; by default 70% of them"`
	Lasso     *LassoRuns  `yaml:"lasso,omitempty" doc:"how a LASSO is fitted"`
	Forest    *ForestRuns `yaml:"forest,omitempty" doc:"how a forest is grown"`
	Report    []string    `yaml:"report,omitempty" doc:"terms to report; by default all of the formula"`
}

// LassoRuns is how the LASSO of every run is fitted: on a path over a grid of
// lambdas, in glmnet's units, with columns standardised.
type LassoRuns struct {
	Lambda  LambdaRule `yaml:"lambda" doc:"fixed: chosen once, by cross-validation on all rows; per_run: anew on the training part of every run"`
	Folds   int        `yaml:"folds" min:"3" max:"100" doc:"folds of the cross-validation"`
	OneSE   bool       `yaml:"one_se" doc:"take the largest lambda within one standard error of the least error, not that of the least"`
	From    float64    `yaml:"from" gt:"0" doc:"largest lambda of the grid"`
	To      float64    `yaml:"to" gt:"0" doc:"smallest lambda of the grid"`
	Lambdas int        `yaml:"lambdas" min:"2" max:"1000" doc:"lambdas of the grid, evenly spaced in the logarithm"`
}

// SetDefaults sets ten folds over 100 lambdas from 1e5 to 1e-4.
func (l *LassoRuns) SetDefaults() { *l = LassoRuns{Folds: 10, From: 1e5, To: 1e-4, Lambdas: 100} }

// ForestRuns is how the conditional inference forest of every run is grown.
type ForestRuns struct {
	Trees        int              `yaml:"trees" min:"1" max:"100000" doc:"trees of a forest"`
	MinCriterion float64          `yaml:"mincriterion" min:"0" lt:"1" doc:"1 - p that a split needs"`
	MinSplit     int              `yaml:"minsplit" min:"2" doc:"rows of a node to be split"`
	MinBucket    int              `yaml:"minbucket" min:"1" doc:"rows of a child"`
	Inputs       int              `yaml:"mtry,omitempty" min:"0" doc:"terms drawn for a node; by default the root of their number, rounded up"`
	Fraction     float64          `yaml:"fraction" gt:"0" lt:"1" doc:"share of the training rows, drawn without replacement, that a tree grows on"`
	Variation    forest.Variation `yaml:"importance" doc:"how the values of a term are varied: routing (party's varimp), permutation (Breiman's) or node-permutation (partykit's)"`
	Emergence    forest.Emergence `yaml:"emergence" doc:"when a term emerges: absmin (its importance is above the size of the most negative one), positive, top:K or share:S (of the largest)"`
}

// SetDefaults sets 1,000 trees of party's cforest_unbiased.
func (f *ForestRuns) SetDefaults() {
	c := forest.Defaults(1)
	*f = ForestRuns{Trees: 1000, MinSplit: c.MinSplit, MinBucket: c.MinBucket, Fraction: c.Fraction}
}

// A Model is what predicts.
type Model uint8

// The models.
const (
	LeastSquares Model = iota
	LASSO
	ConditionalForest
	models
)

var modelNames = [models]string{"ols", "lasso", "cforest"}

func (m Model) String() string {
	if m >= models {
		return fmt.Sprintf("Model(%d)", uint8(m))
	}
	return modelNames[m]
}

// MarshalText writes the name.
func (m Model) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads a name.
func (m *Model) UnmarshalText(text []byte) error {
	i := slices.Index(modelNames[:], string(text))
	if i < 0 {
		return fmt.Errorf("%q is no model of predictions; the models are %s", text, strings.Join(modelNames[:], ", "))
	}
	*m = Model(i)
	return nil
}

// Names lists the models.
func (Model) Names() []string { return modelNames[:] }

// A LambdaRule says when lambda is chosen.
type LambdaRule uint8

// The rules.
const (
	FixedLambda LambdaRule = iota
	LambdaPerRun
	lambdaRules
)

var lambdaRuleNames = [lambdaRules]string{"fixed", "per_run"}

func (l LambdaRule) String() string {
	if l >= lambdaRules {
		return fmt.Sprintf("LambdaRule(%d)", uint8(l))
	}
	return lambdaRuleNames[l]
}

// MarshalText writes the name.
func (l LambdaRule) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads a name.
func (l *LambdaRule) UnmarshalText(text []byte) error {
	i := slices.Index(lambdaRuleNames[:], string(text))
	if i < 0 {
		return fmt.Errorf("%q is no rule for lambda; the rules are %s", text, strings.Join(lambdaRuleNames[:], ", "))
	}
	*l = LambdaRule(i)
	return nil
}

// Names lists the rules.
func (LambdaRule) Names() []string { return lambdaRuleNames[:] }

// Bind looks up the columns and sizes the models.
func (o Prediction) Bind(name string, s *Setup) (Fitter, error) {
	g, err := s.newDesign(o.Formula, o.Rows, o.Where)
	if err != nil {
		return nil, err
	}
	f := &prediction{Prediction: o, name: name, splits: s.splitsFor(g, o.TestShare, o.Runs), source: dgp.NewSource()}
	g = f.splits.design
	p, most := len(g.terms), s.shape.Max[g.level]
	if f.Keep == 0 {
		f.Keep = (7*o.Runs + 9) / 10
	}
	if f.Keep > o.Runs {
		return nil, keyError("keep", fmt.Errorf("no term can be selected in %d of %d runs", f.Keep, o.Runs))
	}
	if err := f.bindModel(p, most); err != nil {
		return nil, err
	}
	f.selection = &selection{design: g, listed: make([]bool, p)}
	f.count, f.positive, f.sum = make([]int, p), make([]int, p), make([]float64, p)
	f.mse, f.ratio, f.sorted = make([]float64, o.Runs), make([]float64, o.Runs), make([]float64, o.Runs)
	if err := f.findRows(); err != nil {
		return nil, err
	}
	if o.Model != LeastSquares {
		s.selections[name] = f.selection
	}
	return f, nil
}

// bindModel makes room for the model.
func (f *prediction) bindModel(p, most int) error {
	switch f.Model {
	case LASSO:
		if f.Lasso == nil {
			f.Lasso = new(LassoRuns)
			f.Lasso.SetDefaults()
		}
		o := f.Lasso
		if o.To >= o.From {
			return keyError("lasso.to", fmt.Errorf("%g is not below the largest lambda, %g", o.To, o.From))
		}
		f.grid = lasso.LogGrid(o.From, o.To, o.Lambdas)
		f.cv, f.folds = lasso.NewCV(most, p, o.Folds, o.Lambdas), make([]int, most)
		f.sample, f.moments = lasso.NewSample(most, p), lasso.NewMoments(p)
		f.solver, f.path = lasso.NewSolver(p), lasso.NewPath(p, 1)
		f.lambdas = make([]float64, f.Runs)
	case ConditionalForest:
		if f.Forest == nil {
			f.Forest = new(ForestRuns)
			f.Forest.SetDefaults()
		}
		o := f.Forest
		f.control = forest.Defaults(p)
		f.control.MinCriterion, f.control.MinSplit, f.control.MinBucket, f.control.Fraction = o.MinCriterion, o.MinSplit, o.MinBucket, o.Fraction
		if o.Inputs > 0 {
			f.control.Inputs = o.Inputs
		}
		if err := f.control.Validate(p); err != nil {
			return keyError("forest", err)
		}
		variables := make([]forest.Variable, p)
		for j, term := range f.splits.design.terms {
			variables[j] = forest.Variable{Name: term}
		}
		if err := forest.ValidateVariables(variables, most); err != nil {
			return keyError("formula", err)
		}
		f.forest = forest.New(variables, most)
		f.importance, f.emerges, f.ranks = make([]float64, p), make([]bool, p), make([]int, p)
	}
	return nil
}

// A prediction is a bound Prediction.
type prediction struct {
	Prediction
	name      string
	splits    *splits
	selection *selection
	source    *dgp.Source
	rows      []Row
	reported  []int // terms

	mse, ratio []float64 // by run
	sorted     []float64 // scratch
	count      []int     // by term: runs that select it
	positive   []int     // of these, with a coefficient above 0
	sum        []float64 // of importances in the runs where it emerged
	nonzero    int       // terms selected, over all runs

	grid    []float64
	lambdas []float64 // by run
	cv      *lasso.CV
	folds   []int
	sample  *lasso.Sample
	moments *lasso.Moments
	solver  *lasso.Solver
	path    *lasso.Path

	control    forest.Control
	forest     *forest.Forest
	importance []float64
	emerges    []bool
	ranks      []int
	oob        float64 // sum over runs
}

// findRows names the estimates.
func (f *prediction) findRows() error {
	g := f.splits.design
	row := func(term string) *Row {
		f.rows = append(f.rows, Row{Estimator: f.name, Outcome: g.outcome.Text, Term: term})
		return &f.rows[len(f.rows)-1]
	}
	row("test_mse").Projection = g.formula.projection(g.level, g.where, "")
	row("test_mse_low")
	row("test_mse_high")
	if f.Model == LeastSquares {
		if f.Report != nil {
			return keyError("report", fmt.Errorf("least squares selects no terms"))
		}
		return nil
	}
	row("relative_mse")
	row("relative_mse_low")
	row("relative_mse_high")
	if f.Model == LASSO {
		row("lambda")
	} else {
		row("oob_mse")
	}
	row("selected")
	row("listed")
	for j := range g.terms {
		if f.Report == nil {
			f.reported = append(f.reported, j)
		}
	}
	for i, term := range f.Report {
		j := g.termAt(term)
		if j < 0 {
			return keyError(fmt.Sprintf("report[%d]", i), fmt.Errorf("%q is not a term of the formula; its terms are %s", term, strings.Join(g.terms, ", ")))
		}
		f.reported = append(f.reported, j)
	}
	for _, j := range f.reported {
		row("runs(" + g.terms[j] + ")").Predictor = g.formula.predictor(j)
		row("listed(" + g.terms[j] + ")").Predictor = g.formula.predictor(j)
		if f.Model == LASSO {
			row("positive(" + g.terms[j] + ")")
		} else {
			row("importance(" + g.terms[j] + ")")
		}
	}
	return nil
}

// Rows says what the estimates are about.
func (f *prediction) Rows() []Row { return f.rows }

// Fit fits the model to every run's training part.
func (f *prediction) Fit(s *Setup, out []Estimate) {
	status := f.splits.status
	if status == OK {
		status = f.run(f.source.Load(s.stream, dgp.EstimatorPurpose(f.name)).Rand)
	}
	f.selection.status = status
	if status != OK {
		for i := range out {
			out[i] = failed(status)
		}
		return
	}
	f.report(out)
}

// run fills what is reported from all runs.
func (f *prediction) run(r *rand.Rand) Status {
	g := f.splits.design
	clear(f.count)
	clear(f.positive)
	clear(f.sum)
	f.nonzero, f.oob = 0, 0
	fixed := 0.0
	switch f.Model {
	case LASSO:
		if f.Lasso.Lambda == FixedLambda {
			var ok bool
			if _, fixed, ok = f.crossValidate(nil, r); !ok {
				return NotConverged
			}
		}
	case ConditionalForest:
		if err := f.forest.Load(g.y, g.x); err != nil {
			return NotFinite
		}
	}
	for run := range f.Runs {
		var ok bool
		switch f.Model {
		case LeastSquares:
			f.mse[run], ok = f.splits.mse[run], true
		case LASSO:
			ok = f.runLasso(run, fixed, r)
		default:
			ok = f.runForest(run, r)
		}
		if !ok {
			return NotConverged
		}
		f.ratio[run] = f.splits.mse[run] / f.mse[run]
		switch {
		case f.Model == LeastSquares && math.IsNaN(f.mse[run]):
			return TooFewRows
		case !finite(f.mse[run]):
			return NotFinite
		}
	}
	for j, n := range f.count {
		f.selection.listed[j] = n >= f.Keep
	}
	return OK
}

// crossValidate chooses a lambda on rows of the design, nil for all. It returns its
// place on the path of f.cv too.
func (f *prediction) crossValidate(rows []int, r *rand.Rand) (place int, lambda float64, ok bool) {
	g := f.splits.design
	n := len(g.y)
	if rows != nil {
		n = len(rows)
	}
	if n < f.Lasso.Folds {
		return 0, 0, false
	}
	folds := f.folds[:n]
	lasso.DrawFolds(folds, f.Lasso.Folds, r)
	if !f.cv.Fit(g.x, g.y, rows, folds, &glmnetPenalty, f.grid) {
		return 0, 0, false
	}
	place = f.cv.Min
	if f.Lasso.OneSE {
		place = f.cv.OneSE
	}
	return place, f.cv.Path.Lambda[place], true
}

// curve is the cross-validation on all rows behind the lambda of the last Fit.
func (f *prediction) curve() (c LassoCurve, ok bool) {
	if f.Model != LASSO || f.Lasso.Lambda != FixedLambda || f.selection.status != OK {
		return c, false
	}
	cv := f.cv
	at := cv.Min
	if f.Lasso.OneSE {
		at = cv.OneSE
	}
	return LassoCurve{
		Estimator: f.name, Outcome: f.splits.design.outcome.Text,
		Lambda: slices.Clone(cv.Path.Lambda), Mean: slices.Clone(cv.Mean), SD: slices.Clone(cv.SD), NonZero: slices.Clone(cv.Path.NonZero),
		Min: cv.Min, OneSE: cv.OneSE,
		Taken: cv.Path.Lambda[at], Selected: cv.Path.NonZero[at], Intercept: cv.Path.Intercept[at], R2: cv.Path.R2[at],
	}, true
}

// glmnetPenalty is glmnet's by default.
var glmnetPenalty = lasso.Penalty{Mix: 1, Standardise: true}

// runLasso fits the LASSO of one run.
func (f *prediction) runLasso(run int, fixed float64, r *rand.Rand) bool {
	g, train := f.splits.design, f.splits.trainingRows(run)
	path, place := f.path, 0
	if f.lambdas[run] = fixed; f.Lasso.Lambda == LambdaPerRun {
		var ok bool
		if place, f.lambdas[run], ok = f.crossValidate(train, r); !ok {
			return false
		}
		path = f.cv.Path
	} else {
		f.sample.Load(g.x, g.y, train)
		f.moments.Sum(f.sample, 0, len(train))
		if !f.solver.Solve(path, f.moments, &glmnetPenalty, f.lambdas[run:run+1]) {
			return false
		}
	}
	f.mse[run] = path.MSE(place, g.x, g.y, f.splits.testRows(run))
	for j, b := range path.Beta(place) {
		if b != 0 {
			f.count[j]++
			f.nonzero++
		}
		if b > 0 {
			f.positive[j]++
		}
	}
	return true
}

// runForest grows the forest of one run.
func (f *prediction) runForest(run int, r *rand.Rand) bool {
	f.forest.Grow(f.splits.trainingRows(run), f.control, f.Forest.Trees, r)
	f.mse[run] = f.forest.MSE(f.splits.testRows(run))
	f.oob += f.forest.OOBMSE()
	f.forest.Importance(forest.Importance{Variation: f.Forest.Variation}, f.importance, r)
	f.Forest.Emergence.Mark(f.importance, f.ranks, f.emerges)
	forest.Relative(f.importance)
	for j, emerges := range f.emerges {
		if emerges {
			f.count[j]++
			f.nonzero++
			f.sum[j] += f.importance[j]
		}
	}
	return true
}

// report writes the estimates.
func (f *prediction) report(out []Estimate) {
	at := 0
	put := func(v float64) {
		out[at] = number(v)
		at++
	}
	summarise := func(x []float64) {
		mean := total(x) / float64(len(x))
		if !finite(mean) { // least squares does not exist in every run
			for range 3 {
				out[at] = failed(TooFewRows)
				at++
			}
			return
		}
		put(mean)
		copy(f.sorted, x)
		slices.Sort(f.sorted)
		put(percentileOf(f.sorted, 2.5))
		put(percentileOf(f.sorted, 97.5))
	}
	summarise(f.mse)
	if f.Model == LeastSquares {
		return
	}
	summarise(f.ratio)
	runs := float64(f.Runs)
	if f.Model == LASSO {
		copy(f.sorted, f.lambdas)
		slices.Sort(f.sorted)
		put(percentileOf(f.sorted, 50))
	} else {
		put(f.oob / runs)
		if !finite(f.oob) {
			out[at-1] = failed(TooFewRows)
		}
	}
	put(float64(f.nonzero) / runs)
	listed := 0.0
	for _, is := range f.selection.listed {
		listed += indicator(is)
	}
	put(listed)
	for _, j := range f.reported {
		put(float64(f.count[j]) / runs)
		put(indicator(f.selection.listed[j]))
		switch {
		case f.count[j] == 0:
			out[at] = failed(NotSelected)
			at++
		case f.Model == LASSO:
			put(float64(f.positive[j]) / float64(f.count[j]))
		default:
			put(f.sum[j] / float64(f.count[j]))
		}
	}
}

func finite(v float64) bool { return v-v == 0 }

// percentileOf is R's quantile of type 7 of sorted values.
func percentileOf(sorted []float64, percent float64) float64 {
	low, part := rank(len(sorted), percent)
	if low+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[low] + part*(sorted[low+1]-sorted[low])
}

var _ Method = Prediction{}
