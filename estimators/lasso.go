package estimators

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"coachsim/dgp"
	"coachsim/estimators/lasso"
)

// Lasso is least squares with a penalty on the coefficients' absolute values, which
// sets many of them to 0 (Tibshirani 1996), in the units of R's glmnet: the loss is
// Σ(y - fit)²/2n and columns are divided by their 1/n standard deviations. With a mix
// below 1 it is the elastic net. The penalised coefficients have no standard errors;
// inference says which others take their place.
//
// For every outcome there are the rows
//
//	x            the coefficient, 0 where x is not selected
//	selected(x)  1 where it is selected, else 0
//	lambda       the penalty
//	nonzero      the number of coefficients that are not 0
//
// With inference post, x is the coefficient of least squares on the selected terms,
// and not-selected where x is not among them: as if the terms had been known before,
// which they were not. With double it is that of double selection (Belloni,
// Chernozhukov and Hansen 2014), with debiased that of the debiased LASSO (Zhang and
// Zhang 2014; van de Geer et al. 2014), both of which allow for the selection.
type Lasso struct {
	Formula     string         `yaml:"formula" required:"true" doc:"outcomes ~ terms; . stands for all other columns before treatment"`
	Rows        string         `yaml:"rows" doc:"level of the rows: school, teacher or child; by default that of the outcomes"`
	Where       string         `yaml:"where" doc:"restriction of the rows, such as grade == 2"`
	Mix         float64        `yaml:"mix" min:"0" max:"1" doc:"glmnet's alpha: 1 is the LASSO, 0 ridge, between them the elastic net"`
	Lambda      lasso.Choice   `yaml:"lambda" doc:"the penalty: cv-min, cv-1se, plugin (Belloni, Chernozhukov and Hansen's), or a number in the outcome's units"`
	Grid        *LambdaGrid    `yaml:"grid" doc:"lambdas to choose from; by default glmnet's 100"`
	Folds       int            `yaml:"folds" min:"2" max:"1000" doc:"folds of cross-validation"`
	FoldColumn  string         `yaml:"fold_column,omitempty" doc:"level or factor whose units are the folds, in place of random ones"`
	FoldUnit    string         `yaml:"fold_unit,omitempty" doc:"level or factor whose units are not divided between folds, such as school"`
	Adaptive    float64        `yaml:"adaptive" min:"0" max:"10" doc:"power of the adaptive LASSO (Zou 2006): penalties are divided by |b|^power, b by least squares; 0 for none"`
	Standardise bool           `yaml:"standardise" doc:"penalise coefficients in units of their columns' standard deviations"`
	Keep        []string       `yaml:"keep" doc:"terms without a penalty, as written in the formula"`
	Inference   LassoInference `yaml:"inference" doc:"coefficients that are reported: none (penalised), post, double or debiased"`
	Cluster     string         `yaml:"cluster" doc:"clusters of the standard errors (CR1) and of plugin: block, school, teacher or a factor; by default rows (HC1)"`
	Report      []string       `yaml:"report" doc:"terms to report, as written in the formula; by default all"`
}

// A LambdaGrid is lambdas with even steps of their logarithm.
type LambdaGrid struct {
	From   float64 `yaml:"from" required:"true" gt:"0" doc:"the largest"`
	To     float64 `yaml:"to" required:"true" gt:"0" doc:"the smallest"`
	Points int     `yaml:"points" required:"true" min:"2" max:"1000" doc:"their number"`
}

// LassoInference says which coefficients a Lasso reports.
type LassoInference uint8

// The choices.
const (
	Penalised LassoInference = iota
	PostLasso
	DoubleSelection
	Debiased
	lassoInferences
)

var lassoInferenceNames = [lassoInferences]string{"none", "post", "double", "debiased"}

func (i LassoInference) String() string {
	if i >= lassoInferences {
		return fmt.Sprintf("LassoInference(%d)", uint8(i))
	}
	return lassoInferenceNames[i]
}

// MarshalText writes the name.
func (i LassoInference) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads a name; case does not matter.
func (i *LassoInference) UnmarshalText(text []byte) error {
	for k, name := range lassoInferenceNames {
		if strings.EqualFold(string(text), name) {
			*i = LassoInference(k)
			return nil
		}
	}
	return fmt.Errorf("%q is no inference after selection; there are %s", text, strings.Join(lassoInferenceNames[:], ", "))
}

// Names lists the choices.
func (LassoInference) Names() []string { return lassoInferenceNames[:] }

// maxLassoFolds bounds the folds, each of which has cross-products of its own.
const maxLassoFolds = 1000

// Draws reports whether the folds are drawn at random.
func (o Lasso) Draws() bool { return o.Lambda.CrossValidated() && o.FoldColumn == "" }

// check checks options against each other.
func (o Lasso) check() error {
	switch g := o.Grid; {
	case g != nil && !(g.To < g.From):
		return keyError("grid", fmt.Errorf("to is %v; it must be below from, %v", g.To, g.From))
	case g != nil && !o.Lambda.CrossValidated():
		return keyError("grid", fmt.Errorf("with lambda %s there are no others to choose from", o.Lambda))
	case o.FoldColumn != "" && o.FoldUnit != "":
		return keyError("fold_unit", errors.New("fold_column says what the folds are; give one of the two"))
	case o.Lambda.Rule == lasso.Plugin && o.Mix != 1:
		return keyError("lambda", errors.New("plugin is for the LASSO, with mix 1"))
	case o.Lambda.Rule == lasso.Plugin && o.Adaptive > 0:
		return keyError("adaptive", errors.New("plugin has penalties of its own for each term; cv-min, cv-1se or a number"))
	case o.Adaptive > 0 && o.Inference > PostLasso:
		return keyError("adaptive", fmt.Errorf("inference %s selects for other regressions too, which have no such penalties; none or post", o.Inference))
	case o.Inference > PostLasso && o.Mix != 1:
		return keyError("mix", fmt.Errorf("inference %s is for the LASSO, with mix 1", o.Inference))
	}
	return oneFactor(o.Cluster, "the LASSO")
}

// Bind looks up the columns.
func (o Lasso) Bind(name string, s *Setup) (Fitter, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	f, err := s.parse(o.Formula, append(ClusterNames(o.Cluster), o.FoldColumn, o.FoldUnit)...)
	switch {
	case err != nil:
	case f.Endogenous != nil:
		err = f.NotInstrumented()
	case len(f.Random) > 0:
		err = &SyntaxError{Offset: f.Random[0].Pos, Message: "the LASSO has no random effects; standard errors may be clustered"}
	case f.Absorb != "":
		err = &SyntaxError{Offset: f.AbsorbPos, Message: fmt.Sprintf("the LASSO absorbs no effects; write factor(%s), and keep: [factor(%s)] to select none of it", f.Absorb, f.Absorb)}
	case !f.Intercept:
		err = &SyntaxError{Offset: len(o.Formula), Message: "the LASSO needs its intercept"}
	case len(f.Terms) == 0:
		err = &SyntaxError{Offset: len(o.Formula), Message: "there is no term to select"}
	}
	if err != nil {
		return nil, keyError("formula", err)
	}
	var all fitters
	for _, out := range f.Outcomes { // each has its own rows, lambda and terms
		one := *f
		one.Outcomes, one.siblings = []Outcome{out}, f.Outcomes
		fitter, err := o.bind(name, s, &one)
		if err != nil {
			return nil, err
		}
		all.each = append(all.each, fitter)
		all.rows = append(all.rows, fitter.Rows()...)
	}
	if len(all.each) == 1 {
		return all.each[0], nil
	}
	return &all, nil
}

// bind binds one outcome.
func (o Lasso) bind(name string, s *Setup, f *Formula) (Fitter, error) {
	b := &olsBinding{OLS: OLS{Formula: o.Formula, Rows: o.Rows, Where: o.Where, Cluster: o.Cluster}, name: name, setup: s, formula: f}
	if err := b.findRows(); err != nil {
		return nil, err
	}
	l := &lassoFit{Lasso: o, level: b.rows, source: dgp.NewSource(), purpose: dgp.EstimatorPurpose(name)}
	if err := l.findRows(b); err != nil {
		return nil, err
	}
	for _, g := range []struct {
		key, name string
		into      **grouping
	}{{"cluster", o.Cluster, &l.cluster}, {"fold_column", o.FoldColumn, &l.foldColumn}, {"fold_unit", o.FoldUnit, &l.foldUnit}} {
		if g.name == "" {
			continue
		}
		found, err := s.findGrouping(g.name)
		switch {
		case err != nil:
		case found.level > b.rows:
			err = fmt.Errorf("%q varies within the %s rows", g.name, b.rows)
		case g.key == "fold_column" && found.most > maxLassoFolds:
			err = fmt.Errorf("%q has up to %d levels; there are at most %d folds", g.name, found.most, maxLassoFolds)
		}
		if err != nil {
			return nil, keyError(g.key, err)
		}
		*g.into = &found
	}
	for _, t := range f.Terms {
		m, err := b.monomial(t)
		if err != nil {
			return nil, keyError("formula", err)
		}
		l.terms = append(l.terms, m)
	}
	b.raw = l.terms
	outcome := f.Outcomes[0]
	column, err := s.resolve(outcome.Variable)
	if err != nil {
		return nil, keyError("formula", err)
	}
	l.outcome = monomial{factors: []factor{{column: column, level: s.level(column), power: 1}}}
	if l.kept, err = o.find(b, "keep", o.Keep); err != nil {
		return nil, err
	}
	report := o.Report
	if report == nil {
		for _, t := range f.Terms {
			report = append(report, t.String())
		}
	}
	if l.reported, err = o.find(b, "report", report); err != nil {
		return nil, err
	}
	row := func(term string) {
		l.report = append(l.report, Row{Estimator: name, Outcome: outcome.Text, Term: term})
	}
	for i, j := range l.reported {
		row(f.Terms[j].String())
		l.report[i].Projection = b.projection(f.Terms[j].String(), outcome)
		if o.Inference == DoubleSelection || o.Inference == Debiased { // which do not shrink the effect of an arm
			l.report[i].Target = b.effect(f.Terms[j].String(), outcome, b.causal)
		}
	}
	for _, j := range l.reported {
		row("selected(" + f.Terms[j].String() + ")")
		l.report[len(l.report)-1].Predictor = f.predictor(j)
	}
	row("lambda")
	row("nonzero")
	l.allocate(s.shape)
	return l, nil
}

// find finds terms of the formula, of a factor all its dummies.
func (o Lasso) find(b *olsBinding, key string, texts []string) ([]int, error) {
	var places []int
	for i, text := range texts {
		names := []string{text}
		if t, err := ParseTerm(text); err == nil {
			if dummies, ok := b.formula.factors[t.key()]; ok {
				names = nil
				for _, d := range dummies {
					names = append(names, d.String())
				}
			}
		}
		for _, name := range names {
			j, _, err := b.coefficient(name)
			if err == nil && j < 0 {
				err = errors.New("the intercept is not selected")
			}
			if err == nil && slices.Contains(places, j) {
				err = fmt.Errorf("%q stands here twice", name)
			}
			if err != nil {
				return nil, keyError(fmt.Sprintf("%s[%d]", key, i), err)
			}
			places = append(places, j)
		}
	}
	return places, nil
}

// A lassoFit is a bound Lasso of one outcome.
type lassoFit struct {
	Lasso
	report              []Row
	reported            []int // terms
	kept                []int
	level               dgp.Level // of the rows
	filter              *filter
	means               []*derived
	cluster             *grouping // nil for none
	foldColumn          *grouping
	foldUnit            *grouping
	terms               []monomial
	outcome             monomial
	grid                []float64
	penalty             lasso.Penalty
	source              *dgp.Source
	purpose             dgp.Purpose
	rows, folds         []int
	clusters            []int // by row of the level
	buffers             [][]float64
	x                   [][]float64 // by term and row of the level
	y                   []float64
	own                 []float64 // y's buffer
	number, units       []int     // scratch of folds: by level of the grouping, and the units' folds
	selector, auxiliary *lasso.Selector
	ols                 *lasso.OLS
	double              *lasso.DoubleSelection
	debiased            *lasso.Debiased
	chosen              []int
	solved              bool // by the last Fit
}

// findRows settles the restriction of the rows.
func (l *lassoFit) findRows(b *olsBinding) error {
	s := b.setup
	f, err := s.bindFilter(b.Where)
	if err == nil && f != nil && f.level > b.rows {
		err = fmt.Errorf("a %s column cannot restrict %s rows", f.level, b.rows)
	}
	if err != nil {
		return keyError("where", err)
	}
	b.filter = f
	if l.means, err = b.findMeans(); err != nil {
		return keyError("formula", err)
	}
	indicators, err := b.indicators()
	if err != nil {
		return keyError("formula", err)
	}
	l.filter = s.observed(f, indicators)
	return nil
}

func (l *lassoFit) allocate(shape dgp.Shape) {
	n, p := shape.Max[l.level], len(l.terms)
	clusters := 0
	if l.cluster != nil {
		clusters = l.cluster.most
		l.clusters = make([]int, n)
	}
	folds := l.Folds
	for _, g := range []*grouping{l.foldColumn, l.foldUnit} {
		if g != nil {
			l.number = make([]int, g.most)
		}
	}
	if l.foldColumn != nil {
		folds = l.foldColumn.most
	}
	if l.foldUnit != nil {
		l.units = make([]int, l.foldUnit.most)
	}
	if g := l.Grid; g != nil {
		l.grid = lasso.LogGrid(g.From, g.To, g.Points)
	}
	lambdas := max(len(l.grid), lasso.DefaultLambdas)
	l.penalty = lasso.Penalty{Mix: l.Mix, Standardise: l.Standardise, Factors: slices.Repeat([]float64{1}, p)}
	l.rows, l.folds, l.chosen = make([]int, 0, n), make([]int, n), make([]int, 0, p)
	l.buffers, l.x, l.own = make([][]float64, p), make([][]float64, p), make([]float64, n)
	for j, t := range l.terms {
		if !l.direct(t) {
			l.buffers[j] = make([]float64, n)
		}
	}
	l.selector = lasso.NewSelector(n, p, folds, lambdas, clusters)
	l.auxiliary = l.selector
	switch l.Inference {
	case PostLasso:
		l.ols = lasso.NewOLS(n, p, clusters)
	case DoubleSelection, Debiased:
		// The selector of y keeps its curve.
		l.auxiliary = lasso.NewSelector(n, p, folds, lambdas, clusters)
		l.double = lasso.NewDoubleSelection(l.auxiliary, n, p, clusters)
		l.debiased = lasso.NewDebiased(l.auxiliary, n, p, clusters)
	}
}

// direct reports whether a term is a column of the rows' level.
func (l *lassoFit) direct(m monomial) bool {
	return len(m.factors) == 1 && m.factors[0].power == 1 && m.factors[0].level == l.level
}

// Rows says what the estimates are about.
func (l *lassoFit) Rows() []Row { return l.report }

// Fit selects, and infers.
func (l *lassoFit) Fit(s *Setup, out []Estimate) {
	status := l.gather(s)
	l.solved = false
	if status.Worked() {
		status = l.choose()
	}
	if !status.Worked() {
		for i := range out {
			out[i] = failed(status)
		}
		return
	}
	l.solved = true
	k := len(l.reported)
	for i, j := range l.reported {
		b := l.selector.Beta[j]
		out[k+i] = number(indicator(b != 0))
		if l.Inference == Penalised {
			out[i] = number(b)
		}
	}
	out[2*k], out[2*k+1] = number(l.selector.Lambda), number(float64(l.selector.NonZero))
	switch l.Inference {
	case PostLasso:
		l.post(out)
	case DoubleSelection:
		for i, j := range l.reported {
			e, ok := l.double.Fit(l.x, l.y, l.rows, l.folds, l.clusters, &l.penalty, l.Lambda, l.lambdas(), j)
			out[i] = l.effect(e, ok)
		}
	case Debiased:
		started := l.debiased.Start(l.x, l.y, l.rows, l.folds, l.clusters, &l.penalty, l.Lambda, l.lambdas())
		for i, j := range l.reported {
			if !started {
				out[i] = failed(NotConverged)
				continue
			}
			e, ok := l.debiased.Effect(l.x, l.y, l.rows, l.folds, l.clusters, &l.penalty, j)
			out[i] = l.effect(e, ok)
		}
	}
}

// number is an estimate without a standard error.
func number(v float64) Estimate {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return failed(NotFinite)
	}
	nan := math.NaN()
	return Estimate{Value: v, SE: nan, DF: nan, P: nan}
}

// lambdas are those to choose from; nil for glmnet's.
func (l *lassoFit) lambdas() []float64 {
	if l.Grid == nil {
		return nil
	}
	return l.grid
}

// gather reads the rows.
func (l *lassoFit) gather(s *Setup) Status {
	d := s.data
	l.rows = l.rows[:0]
	for row := range d.N[l.level] {
		if l.filter != nil && !l.filter.keep(d, d.Ancestor(l.level, row, l.filter.level)) || l.vacant(d, row) {
			continue
		}
		l.rows = append(l.rows, row)
	}
	n := len(l.rows)
	if n < 3 {
		return TooFewRows
	}
	for j, t := range l.terms {
		l.x[j] = l.values(s, t, l.buffers[j])
	}
	l.y = l.values(s, l.outcome, l.own)
	for _, column := range l.x {
		if !l.finite(column) {
			return NotFinite
		}
	}
	if !l.finite(l.y) {
		return NotFinite
	}
	if !l.varies() {
		return NoVariation
	}
	if status := l.findClusters(d); status != OK {
		return status
	}
	if !l.Lambda.CrossValidated() {
		return OK
	}
	return l.divide(s)
}

// vacant reports whether a row lacks a mean of units below it.
func (l *lassoFit) vacant(d *dgp.Data, row int) bool {
	for _, m := range l.means {
		if m.empty(d, l.level, row) {
			return true
		}
	}
	return false
}

// values returns the values of a term, by row of the level.
func (l *lassoFit) values(s *Setup, m monomial, buffer []float64) []float64 {
	d := s.data
	if l.direct(m) {
		return s.columns[m.factors[0].column]
	}
	buffer = buffer[:d.N[l.level]]
	for _, row := range l.rows {
		v := 1.0
		for _, f := range m.factors {
			x := s.columns[f.column][d.Ancestor(l.level, row, f.level)]
			for range f.power {
				v *= x
			}
		}
		buffer[row] = v
	}
	return buffer
}

func (l *lassoFit) finite(column []float64) bool {
	for _, r := range l.rows {
		if v := column[r]; math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

// varies reports whether the outcome does.
func (l *lassoFit) varies() bool {
	mean, square, raw := 0.0, 0.0, 0.0
	for _, r := range l.rows {
		mean += l.y[r]
	}
	mean /= float64(len(l.rows))
	for _, r := range l.rows {
		v := l.y[r]
		square += (v - mean) * (v - mean)
		raw += v * v
	}
	return square > 1e-20*raw
}

// findClusters fills the clusters; there must be two.
func (l *lassoFit) findClusters(d *dgp.Data) Status {
	if l.cluster == nil {
		return OK
	}
	several := false
	for _, r := range l.rows {
		g := l.cluster.of(d, l.level, r)
		if g < 0 {
			return NotFinite
		}
		l.clusters[r] = g
		several = several || g != l.clusters[l.rows[0]]
	}
	if !several {
		return TooFewClusters
	}
	return OK
}

// divide divides the rows into folds: levels of a column, or at random.
func (l *lassoFit) divide(s *Setup) Status {
	l.folds = l.folds[:len(l.rows)]
	g := l.foldColumn
	if g == nil {
		g = l.foldUnit
	}
	if g == nil {
		if len(l.rows) < l.Folds {
			return TooFewRows
		}
		lasso.DrawFolds(l.folds, l.Folds, l.source.Load(s.stream, l.purpose).Rand)
		return OK
	}
	// Number the units that are there in the order of their codes.
	clear(l.number)
	for _, r := range l.rows {
		code := g.of(s.data, l.level, r)
		if code < 0 {
			return NotFinite
		}
		l.number[code] = 1
	}
	units := 0
	for code, there := range l.number {
		if there == 1 {
			units++
			l.number[code] = units
		}
	}
	for i, r := range l.rows {
		l.folds[i] = l.number[g.of(s.data, l.level, r)] - 1
	}
	if l.foldUnit == nil {
		if units < 2 {
			return TooFewClusters
		}
		return OK
	}
	if units < l.Folds {
		return TooFewClusters
	}
	of := l.units[:units]
	lasso.DrawFolds(of, l.Folds, l.source.Load(s.stream, l.purpose).Rand)
	for i, unit := range l.folds {
		l.folds[i] = of[unit]
	}
	return OK
}

// choose fits the path and takes a lambda.
func (l *lassoFit) choose() Status {
	if l.Adaptive > 0 {
		if !l.selector.AdaptiveFactors(l.penalty.Factors, l.x, l.y, l.rows, l.Adaptive) {
			return TooFewRows
		}
		if !slices.ContainsFunc(l.penalty.Factors, func(w float64) bool { return !math.IsInf(w, 1) }) {
			return Collinear // every term is constant
		}
	}
	for _, j := range l.kept {
		l.penalty.Factors[j] = 0
	}
	if !l.selector.Fit(l.x, l.y, l.rows, l.folds, l.clusters, &l.penalty, l.Lambda, l.lambdas()) {
		return NotConverged
	}
	return OK
}

// post fits least squares to the selected terms.
func (l *lassoFit) post(out []Estimate) {
	l.chosen = l.chosen[:0]
	for j, b := range l.selector.Beta {
		if b != 0 {
			l.chosen = append(l.chosen, j)
		}
	}
	fits := len(l.rows) > len(l.chosen)+1
	if fits {
		l.ols.Fit(l.x, l.y, l.rows, l.chosen, l.clusters)
	}
	for i, j := range l.reported {
		switch at := slices.Index(l.chosen, j); {
		case at < 0:
			out[i] = failed(NotSelected)
		case !fits:
			out[i] = failed(TooFewRows)
		default:
			out[i] = l.effect(lasso.Effect{Value: l.ols.Beta[at], SE: l.ols.SE[at], DF: l.ols.DF, Collinear: l.ols.Collinear[at]}, true)
		}
	}
}

// effect is the estimate that an effect is, or what it failed of.
func (l *lassoFit) effect(e lasso.Effect, ok bool) Estimate {
	switch {
	case !ok:
		return failed(TooFewRows)
	case e.Collinear:
		return failed(Collinear)
	case math.IsNaN(e.Value) || math.IsInf(e.Value, 0) || math.IsInf(e.SE, 0) || math.IsNaN(e.SE):
		return failed(NotFinite)
	case !(e.SE > 1e-10*math.Abs(e.Value)):
		return failed(NoResidual)
	}
	return Estimate{Value: e.Value, SE: e.SE, DF: e.DF, P: studentP(e.Value/e.SE, e.DF)}
}

// A LassoCurve is the cross-validation behind a Lasso's lambda: by lambda, the mean
// squared error of held-out rows with its standard error, and the number of
// coefficients that are not 0 in the fit to all rows.
type LassoCurve struct {
	Estimator, Outcome string
	Lambda, Mean, SD   []float64
	NonZero            []int
	Min, OneSE         int     // places in Lambda
	Taken              float64 // the lambda of the estimates
	Selected           int     // coefficients that are not 0 at it
	Intercept          float64 // at it
	R2                 float64 // on the rows of the fit
}

// LassoCurves returns those of the last Fit, of all LASSOs, in the order of Rows; for
// a lambda that is not cross-validated the lists are empty. Of a Prediction it is the
// cross-validation on all rows, and there is none where lambda is chosen per run.
func (p *Panel) LassoCurves() []LassoCurve {
	var all []LassoCurve
	for _, f := range p.fitters {
		all = append(all, lassoCurves(f)...)
	}
	return all
}

func lassoCurves(f Fitter) (all []LassoCurve) {
	switch f := f.(type) {
	case *fitters:
		for _, one := range f.each {
			all = append(all, lassoCurves(one)...)
		}
	case *lassoFit:
		if !f.solved {
			return nil
		}
		c := LassoCurve{Estimator: f.report[0].Estimator, Outcome: f.report[0].Outcome, Taken: f.selector.Lambda, Selected: f.selector.NonZero, Intercept: f.selector.Intercept, R2: f.selector.R2}
		if f.Lambda.CrossValidated() {
			cv := f.selector.CV
			c.Lambda, c.Mean, c.SD, c.NonZero = slices.Clone(cv.Path.Lambda), slices.Clone(cv.Mean), slices.Clone(cv.SD), slices.Clone(cv.Path.NonZero)
			c.Min, c.OneSE = cv.Min, cv.OneSE
		}
		all = append(all, c)
	case *prediction:
		if c, ok := f.curve(); ok {
			all = append(all, c)
		}
	}
	return all
}

var _ Method = Lasso{}
