package estimators

import (
	"errors"
	"fmt"
	"math"

	"coachsim/dgp"
)

// IPW is weighted least squares in which every observed row stands for those
// like it that are missing: its weight is 1/p, p its probability to be observed
// by a logit on pre-treatment covariates (Robins, Rotnitzky and Zhao 1995;
// Wooldridge 2007). Every arm has a logit of its own, as if all terms were
// interacted with treatment, unless Pooled. It repairs attrition that depends
// on the covariates, not what depends on the outcome itself.
//
// The standard errors are those of the stacked estimating equations of the
// logits and the regression (a sandwich of both steps), which count that the
// weights are estimated; with Known they take the weights as given, which errs
// to the large side when the logit is right. Clusters, and degrees of freedom
// (clusters, or rows, less 1), count units that are all missing too.
type IPW struct {
	Formula    string   `yaml:"formula" required:"true" doc:"outcomes ~ terms | fixed effect, as in fixest"`
	Response   string   `yaml:"response" required:"true" doc:"terms of the logit of being observed, such as girl + age + age^2"`
	Rows       string   `yaml:"rows" doc:"level of the rows: school, teacher or child; by default that of the outcomes"`
	Where      string   `yaml:"where" doc:"restriction of the rows, such as girl == 1"`
	Cluster    string   `yaml:"cluster" doc:"the clusters: block, school or teacher"`
	SE         SE       `yaml:"se" doc:"kind of standard error: HC0, HC1, CR0 or CR1"`
	Report     []string `yaml:"report" required:"true" minlen:"1" doc:"terms to report, as written in the formula, or (Intercept)"`
	Pooled     bool     `yaml:"pooled" doc:"one logit for all arms"`
	Stabilised bool     `yaml:"stabilised" doc:"weights times the share observed in the arm"`
	Floor      float64  `yaml:"floor" min:"0" lt:"1" doc:"probabilities below it are raised to it, which trims weights to 1/floor"`
	Known      bool     `yaml:"known" doc:"standard errors that take the weights as known"`
}

// Bind looks up the columns.
func (o IPW) Bind(name string, s *Setup) (Fitter, error) {
	if o.SE == Classical || o.SE.adjustment() != 0 {
		return nil, keyError("se", fmt.Errorf("inverse-probability weights take HC0, HC1, CR0 or CR1; this is %s", o.SE))
	}
	base := OLS{Formula: o.Formula, Rows: o.Rows, Where: o.Where, Cluster: o.Cluster, SE: o.SE, Report: o.Report}
	return base.byOutcome(s, func(f *Formula) (Fitter, error) { return o.bind(name, s, f, base) })
}

// bind binds a formula whose outcomes are observed together.
func (o IPW) bind(name string, s *Setup, f *Formula, base OLS) (Fitter, error) {
	w := &ipw{method: o}
	b := &olsBinding{OLS: base, name: name, setup: s, formula: f, l: &linear{se: o.SE}}
	if err := b.findRows(); err != nil {
		return nil, err
	}
	w.rows = b.rows
	w.weights = make([]float64, s.shape.Max[b.rows])
	b.weights = &weighting{level: b.rows, values: w.weights}
	b.Weights = "ipw " + name + " " + f.Outcomes[0].Text // a core of its own
	for _, step := range []func() error{b.findWhere, b.findCluster, b.findTerms, b.findOutcomes, func() error { b.Weights = ""; return b.findReport() }} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	if err := w.findResponse(b); err != nil {
		return nil, keyError("response", err)
	}
	w.l = b.l
	w.l.core.late = true
	s.linear = append(s.linear, b.l)
	for i, c := range s.shape.Columns {
		if c.Arm && !o.Pooled {
			w.arms = append(w.arms, i)
		}
	}
	w.allocate(s.shape)
	return w, nil
}

// findResponse looks up the terms of the logit.
func (w *ipw) findResponse(b *olsBinding) error {
	before := b.formula.Outcomes[0].Text + " ~ "
	text := before + w.method.Response
	if _, err := ParseFormula(text, b.setup.lists); err != nil {
		return errors.New("expected terms joined by +, such as girl + age + age^2")
	}
	f, err := b.setup.parse(text) // with factors written out
	if err != nil {
		return after(before, err)
	}
	var columns []int
	for _, t := range f.Terms {
		m, err := b.monomial(t)
		if err != nil {
			return after(before, err)
		}
		for _, factor := range m.factors {
			for _, column := range b.setup.origins(factor.column) {
				if b.setup.shape.Columns[column].PostTreatment {
					return fmt.Errorf("%q may be changed by the treatment; the logit is on what was known before", b.setup.shape.Columns[column].Name)
				}
			}
			columns = append(columns, factor.column)
		}
		w.terms = append(w.terms, m)
	}
	if b.filter != nil {
		columns = append(columns, b.filter.column...)
	}
	w.base = b.setup.observed(b.filter, b.setup.indicators(columns))
	if w.base != nil && w.base.level > b.rows {
		return fmt.Errorf("a %s column says where a column of %s rows is observed", w.base.level, b.rows)
	}
	return nil
}

// after takes a text off the front of a fault's place.
func after(front string, err error) error {
	var syntax *SyntaxError
	if errors.As(err, &syntax) {
		return &SyntaxError{Offset: syntax.Offset - len(front), Message: syntax.Message}
	}
	return err
}

// An ipw is a bound inverse-probability-weighted regression.
//
// With s_i = a'x_i w_i e_i the score of row i in a coefficient (0 where it is
// missing), z the logit's regressors and p its probabilities, the influence of
// row i on the coefficient is
//
//	s_i + D'I⁻¹ z_i (R_i - p_i),  D = Σ s_i ∂log w_i/∂γ = -Σ s_i (1-p_i) z_i,  I = Σ p(1-p)zz'
//
// and where weights are stabilised by the share π̂ of the arm's n rows, the
// further part Σ s_i (R_i - π̂)/(n π̂).
type ipw struct {
	method  IPW
	l       *linear
	rows    dgp.Level
	base    *filter // rows that enter the logit, nil for all
	arms    []int
	terms   []monomial
	weights []float64 // by row: of the regression

	row, cell, cluster []int     // by row of the logit
	seen               []bool    // by row of the logit
	z                  []float64 // by row of the logit and regressor
	p                  []float64 // by row of the logit
	place              []int     // by row of the data: its place in the logit, or -1
	logits             []logit   // by arm
	slope              []float64 // scratch: D, by arm and regressor
	sum                []float64 // scratch: Σ s, by arm
	score              []float64 // by row of the logit
	scores             []float64 // by cluster
	number             []int     // scratch: by level of the grouping, its cluster plus 1
	clusters           int
}

// A logit is the logit of one arm.
type logit struct {
	n, observed float64
	fitted      bool // some rows are missing
	b, step     []float64
	chol        *cholesky
	raw         []float64
}

func (w *ipw) allocate(shape dgp.Shape) {
	most, k := shape.Max[w.rows], len(w.terms)+1
	w.row, w.cell, w.cluster, w.place = make([]int, 0, most), make([]int, 0, most), make([]int, most), make([]int, most)
	w.seen, w.p, w.score, w.scores = make([]bool, most), make([]float64, most), make([]float64, most), make([]float64, most)
	w.z = make([]float64, most*k)
	w.logits = make([]logit, len(w.arms)+1)
	for i := range w.logits {
		w.logits[i] = logit{b: make([]float64, k), step: make([]float64, k), chol: newCholesky(k), raw: make([]float64, k)}
	}
	w.slope, w.sum = make([]float64, len(w.logits)*k), make([]float64, len(w.logits))
	w.number = make([]int, max(w.l.cluster.most, 1))
}

// Rows says what the estimates are about.
func (w *ipw) Rows() []Row { return w.l.rows }

// Fit fits the logits, then every outcome.
func (w *ipw) Fit(s *Setup, out []Estimate) {
	status := w.gather(s)
	for i := range w.logits {
		if status.Worked() {
			status = w.fitLogit(i)
		}
	}
	if !status.Worked() {
		for i := range out {
			out[i] = failed(status)
		}
		return
	}
	w.weigh()
	w.l.core.load(s.data, s.columns)
	w.l.Fit(s, out)
	if w.method.Known {
		return
	}
	per := len(out) / len(w.l.outcomes)
	for i := range w.l.outcomes {
		for r := range per {
			if e := &out[i*per+r]; e.Status.Worked() {
				*e = w.stack(s, i, r, *e)
			}
		}
	}
}

// gather lists the rows of the logits with their regressors, each from its mean
// and in its SDs over all rows.
func (w *ipw) gather(s *Setup) Status {
	d, k := s.data, len(w.terms)+1
	w.row, w.cell = w.row[:0], w.cell[:0]
	clear(w.number)
	w.clusters = 0
	in := w.l.core.filter
	for row := range d.N[w.rows] {
		w.weights[row], w.place[row] = 0, -1
		if w.base != nil && !w.base.keep(d, d.Ancestor(w.rows, row, w.base.level)) {
			continue
		}
		cell := 0
		for a, c := range w.arms {
			switch d.Columns[c][d.Ancestor(w.rows, row, s.level(c))] {
			case 0:
			case 1:
				cell = a + 1
			default:
				return NotFinite
			}
		}
		at := len(w.row)
		w.place[row] = at
		w.row, w.cell = append(w.row, row), append(w.cell, cell)
		w.seen[at] = in == nil || in.keep(d, d.Ancestor(w.rows, row, in.level))
		w.z[at*k] = 1
		for t, m := range w.terms {
			v := 1.0
			for _, f := range m.factors {
				x := s.columns[f.column][d.Ancestor(w.rows, row, f.level)]
				for range f.power {
					v *= x
				}
			}
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return NotFinite
			}
			w.z[at*k+t+1] = v
		}
		w.cluster[at] = at
		if w.l.se.clustered() {
			id := w.l.cluster.of(d, w.rows, row)
			if id < 0 {
				return NotFinite
			}
			if w.number[id] == 0 {
				w.clusters++
				w.number[id] = w.clusters
			}
			w.cluster[at] = w.number[id] - 1
		}
	}
	n := len(w.row)
	if !w.l.se.clustered() {
		w.clusters = n
	}
	for t := 1; t < k; t++ {
		mean, square := 0.0, 0.0
		for i := range n {
			mean += w.z[i*k+t] / float64(n)
		}
		for i := range n {
			w.z[i*k+t] -= mean
			square += w.z[i*k+t] * w.z[i*k+t] / float64(n)
		}
		if square > 0 {
			for i := range n {
				w.z[i*k+t] /= math.Sqrt(square)
			}
		}
	}
	return OK
}

// fitLogit fits the logit of one arm by Newton's method and fills its p.
func (w *ipw) fitLogit(arm int) Status {
	g, k := &w.logits[arm], len(w.terms)+1
	g.n, g.observed = 0, 0
	for i, cell := range w.cell {
		if cell == arm {
			g.n++
			g.observed += indicator(w.seen[i])
			w.p[i] = 1
		}
	}
	if g.fitted = g.observed < g.n; !g.fitted {
		return OK
	}
	if g.observed == 0 {
		return TooFewRows
	}
	clear(g.b)
	g.b[0] = math.Log(g.observed / (g.n - g.observed))
	const most = 50
	for range most {
		clear(g.step)
		clear(g.chol.l)
		largest := 0.0
		for i, cell := range w.cell {
			if cell != arm {
				continue
			}
			z := w.z[i*k : (i+1)*k]
			eta := dot(z, g.b)
			largest = max(largest, math.Abs(eta))
			p := 1 / (1 + math.Exp(-eta))
			w.p[i] = p
			addScaled(g.step, indicator(w.seen[i])-p, z)
			for j := range k {
				addScaled(g.chol.l[j*k:j*k+j+1], p*(1-p)*z[j], z[:j+1])
			}
		}
		if !(largest < 30) {
			return Separated
		}
		for j := range k {
			g.raw[j] = g.chol.l[j*k+j]
		}
		g.chol.factor(g.raw)
		g.chol.solve(g.step)
		size := 0.0
		for j, v := range g.step {
			g.b[j] += v
			size = max(size, math.Abs(v)/(1+math.Abs(g.b[j])))
		}
		if size < 1e-12 {
			return OK
		}
	}
	return NotConverged
}

// weigh fills the weights.
func (w *ipw) weigh() {
	for i, row := range w.row {
		if !w.seen[i] {
			continue
		}
		w.weights[row] = 1 / max(w.p[i], w.method.Floor)
		if w.method.Stabilised {
			g := &w.logits[w.cell[i]]
			w.weights[row] *= g.observed / g.n
		}
	}
}

// stack replaces the standard error of combination r of outcome i.
func (w *ipw) stack(s *Setup, i, r int, e Estimate) Estimate {
	l, c, k := w.l, w.l.core, len(w.terms)+1
	clear(w.slope)
	clear(w.sum)
	clear(w.score[:len(w.row)])
	clear(w.scores[:w.clusters])
	y := c.outcomes[l.outcomes[i]]
	for g := range c.groups {
		if !c.active[g] {
			continue
		}
		h, fitted := l.projection(g, r), l.projection(g, len(l.combinations)+i)
		if c.key.rows == c.group {
			root := c.root(g, -1)
			w.add(w.place[g], h[0]*root*root*(c.byProduct[y.product][g]-fitted[0]))
			continue
		}
		for row := s.data.ChildStart[g]; row < s.data.ChildStart[g+1]; row++ {
			root := c.root(g, row)
			if root == 0 {
				continue
			}
			rest := root * c.byProduct[y.product][g]
			if y.child >= 0 {
				rest = c.outcome[y.child][row]
			}
			w.add(w.place[row], c.atRow(h, row, root)*(rest-c.atRow(fitted, row, root)))
		}
	}
	for a := range w.logits {
		if w.logits[a].fitted {
			w.logits[a].chol.solve(w.slope[a*k : (a+1)*k])
		}
	}
	for at, arm := range w.cell {
		g := &w.logits[arm]
		psi := w.score[at]
		if g.fitted {
			seen := indicator(w.seen[at])
			psi += dot(w.slope[arm*k:(arm+1)*k], w.z[at*k:(at+1)*k]) * (seen - w.p[at])
			if w.method.Stabilised {
				psi += w.sum[arm] * (seen - g.observed/g.n) / g.observed
			}
		}
		w.scores[w.cluster[at]] += psi
	}
	v := 0.0
	for _, x := range w.scores[:w.clusters] {
		v += x * x
	}
	rank := float64(c.present)
	for _, lost := range l.solver.lost() {
		rank += 1 - indicator(lost)
	}
	e.SE = math.Sqrt(v * l.se.factor(c.rows, rank, float64(w.clusters)))
	if e.DF = c.rows - rank; l.se.clustered() {
		e.DF = float64(w.clusters - 1)
	}
	if !(e.SE > 1e-10*math.Abs(e.Value)) || math.IsInf(e.SE, 0) {
		return failed(NoResidual)
	}
	e.P = studentP(e.Value/e.SE, e.DF)
	return e
}

// add keeps the score of a row of the logit, and adds it to D and to the sum of
// its arm. A weight at the floor does not move with the logit.
func (w *ipw) add(at int, score float64) {
	k, arm := len(w.terms)+1, w.cell[at]
	w.score[at] = score
	w.sum[arm] += score
	if p := w.p[at]; p >= w.method.Floor {
		addScaled(w.slope[arm*k:(arm+1)*k], -(1-p)*score, w.z[at*k:(at+1)*k])
	}
}

var _ Method = IPW{}
