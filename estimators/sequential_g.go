package estimators

import (
	"fmt"
	"math"
	"slices"
)

// A sequentialG is a bound sequential g-estimation of the controlled direct
// effect: the arm's effect with the mediators held at m (Vansteelandt 2009;
// Acharya, Blackwell and Sen 2016). The first regression has every term of the
// formula, and takes off the outcome what the mediators did,
//
//	ỹ = y - Σ_k b_k M_k - Σ_k g_k T (M_k - m_k)
//
// and the second is of ỹ on the terms that the arm cannot change. With x_i those,
// u_i = (X'X)⁻¹x_i the arm's row of the influences, e and ẽ the residuals of the two,
// and δ_k and δ'_k the coefficients of the arm in the second regression of M_k and
// of T M_k, the estimating equations of both, stacked, give the cluster's
// influence on the effect
//
//	Σ_i u_i ẽ_i - Σ_k δ_k ψ(b_k) - Σ_k (δ'_k - m_k) ψ(g_k)
//
// where ψ are the cluster's influences on the first regression's slopes; those are
// scores times the inverse of X'X, again.
//
// Columns are centred at μ where they can be. With the mediators' coefficients on
// these the arm's coefficient in the second step is the effect at m = μ, to which
// Σ_k g_k (m_k - μ_k) is added.
type sequentialG struct {
	full   *linear // the first regression; its combination is the sum over k above
	second *linear // residuals ẽ, with the same terms
	kept   *linear // factors X'X of the second
	own    []int   // terms with mediators in them
	keep   []int   // terms of the second regression
	arm    int     // the arm's place in keep
	shift  []float64
	rows   []Row

	theta     []float64 // by own and kept term: coefficients in the second regression
	outcomes  []float64 // by outcome and kept term: the same of y
	influence []float64 // by kept term
	scores    []float64 // scratch: by cluster
	score     [1]float64
}

// bindSequentialG binds a formula whose outcomes are observed together.
func (v *mediationModel) bindSequentialG() (Fitter, error) {
	b := v.binding(v.formula, v.outcomeOptions())
	if err := b.bindRegression(); err != nil {
		return nil, err
	}
	p := len(b.raw)
	g := &sequentialG{full: b.l, second: &linear{se: v.SE, core: b.l.core, cluster: b.l.cluster, lowering: b.l.lowering}, kept: &linear{}}
	g.kept.effects = len(v.formula.Second)
	g.second.terms, g.second.outcomes = slices.Clone(b.l.terms), slices.Clone(b.l.outcomes)
	for t, left := range v.left {
		if left {
			continue
		}
		if b.formula.Terms[t].same(v.arm) {
			g.arm = len(g.keep)
		}
		g.keep = append(g.keep, t)
		g.kept.terms = append(g.kept.terms, b.l.terms[t])
	}
	g.kept.core = b.l.core
	for k, m := range v.all() {
		place := slices.IndexFunc(b.formula.Terms, m.same)
		g.own, g.shift = append(g.own, place), append(g.shift, 0)
		if !v.products[k] {
			continue
		}
		t := interact(v.arm, m)
		at := 0.0
		if len(v.At) > 0 {
			at = v.At[k]
		}
		product := slices.IndexFunc(b.formula.Terms, t.same)
		for _, f := range b.used[product].factors {
			if f.column == b.raw[place].factors[0].column {
				at -= f.center
			}
		}
		g.own, g.shift = append(g.own, product), append(g.shift, at)
	}
	// Both have one combination: its weights, or influences, come with the data.
	for _, l := range []*linear{g.full, g.second} {
		l.combinations = []combination{{weights: make([]float64, p), of: []coefficient{{g.own[0], 1}}, averaged: true}}
		l.reported = []string{v.arm.String()}
	}
	var domains []string // a set of them, held at their means without the arm
	for _, d := range v.domains() {
		domains = append(domains, d...)
	}
	slices.Sort(domains)
	domains = slices.Compact(domains)
	for _, o := range v.formula.Outcomes {
		row := Row{Estimator: v.name, Outcome: o.Text, Term: v.controlled()}
		if !v.interacted() && v.randomised(b) && b.comparable(o, v.setup.shape.Index(v.arm.String())) {
			row.Target = byPath(b.target(v.arm.String(), o), ControlledDirect, domains)
		}
		g.rows = append(g.rows, row)
	}
	v.setup.linear = append(v.setup.linear, g.full, g.second, g.kept)
	n := len(g.keep)
	g.theta = make([]float64, len(g.own)*n)
	g.outcomes = make([]float64, len(v.formula.Outcomes)*n)
	g.influence = make([]float64, n)
	g.scores = make([]float64, v.setup.shape.Max[b.l.core.group])
	return g, nil
}

// controlled names the effect: cde, or cde(m) where it depends on the mediators.
func (v *mediationModel) controlled() string {
	if !v.interacted() {
		return "cde"
	}
	text := ""
	for k := range v.products {
		at := 0.0
		if len(v.At) > 0 {
			at = v.At[k]
		}
		if k > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%g", at)
	}
	return "cde(" + text + ")"
}

// Rows says what the estimates are about.
func (g *sequentialG) Rows() []Row { return g.rows }

// Fit fits both regressions.
func (g *sequentialG) Fit(s *Setup, out []Estimate) {
	l, c := g.full, g.full.core
	status := g.solveSecond(s)
	armLost := g.kept.solver.lost()[g.arm]
	w := l.combinations[0].weights
	clear(w)
	for i, t := range g.own {
		w[t] = g.theta[i*len(g.keep)+g.arm] - g.shift[i]
	}
	coefficients, whole := l.prepare(s)
	if !whole.Worked() {
		status = whole
	}
	status = max(status, whole)
	for _, t := range g.own {
		if status.Worked() && l.solver.lost()[t] {
			status = Collinear
		}
	}
	if status.Worked() && armLost {
		status = Collinear
	}
	if status.Worked() {
		g.project()
	}
	for i := range out {
		switch of := l.outcomeStatus(i, status); {
		case !of.Worked():
			out[i] = failed(of)
		case !(l.rss[i] > 1e-12*c.square[l.outcomes[i]]):
			out[i] = failed(NoResidual)
		default:
			out[i] = g.fitOutcome(i, l.se.factor(c.rows, l.parameters(coefficients), float64(l.clusters)), of)
		}
	}
}

// solveSecond factors X'X of the second regression, and regresses on its terms
// those that it leaves out with mediators in them, and the outcomes.
func (g *sequentialG) solveSecond(s *Setup) Status {
	l, c, n := g.kept, g.full.core, len(g.keep)
	status := l.factor(s)
	for i, t := range g.own {
		theta := g.theta[i*n : (i+1)*n]
		for j, u := range l.terms {
			theta[j] = c.gram[u*c.width+g.full.terms[t]]
		}
		l.solver.solve(theta)
	}
	for i, y := range g.full.outcomes {
		l.coefficients(s, y, g.outcomes[i*n:(i+1)*n])
	}
	clear(g.influence)
	g.influence[g.arm] = 1
	l.solver.solve(g.influence)
	return status
}

// project writes the second regression's influences and coefficients as vectors of
// all terms, and projects them.
func (g *sequentialG) project() {
	l, n, p := g.second, len(g.keep), len(g.full.terms)
	clear(l.influence)
	for j, t := range g.keep {
		l.influence[t] = g.influence[j]
	}
	for i := range l.outcomes {
		full, beta := g.full.beta[i*p:(i+1)*p], l.beta[i*p:(i+1)*p]
		clear(beta)
		for j, t := range g.keep {
			beta[t] = g.outcomes[i*n+j]
			for k, own := range g.own {
				beta[t] -= full[own] * g.theta[k*n+j]
			}
		}
		for _, own := range g.own {
			beta[own] = full[own]
		}
	}
	l.project()
}

// fitOutcome estimates the effect on outcome i.
func (g *sequentialG) fitOutcome(i int, scale float64, status Status) Estimate {
	l, c := g.full, g.full.core
	clear(g.scores[:l.clusters])
	for k := range c.groups {
		if !c.active[k] {
			continue
		}
		for sign, of := range [...]*linear{l, g.second} {
			g.score[0] = 0
			of.addScore(k, i, g.score[:])
			g.scores[l.clusterOf[k]] += float64(2*sign-1) * g.score[0]
		}
	}
	p := len(l.terms)
	e := Estimate{Value: g.second.beta[i*p+g.keep[g.arm]], DF: float64(l.clusters - 1), Status: status}
	for k, t := range g.own {
		e.Value += l.beta[i*p+t] * g.shift[k]
	}
	e.SE = math.Sqrt(scale * dot(g.scores[:l.clusters], g.scores[:l.clusters]))
	if !(e.SE > 0) || math.IsInf(e.SE, 0) || math.IsNaN(e.Value) || math.IsInf(e.Value, 0) {
		return failed(NotFinite)
	}
	e.P = studentP(e.Value/e.SE, e.DF)
	return e
}
