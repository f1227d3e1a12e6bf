package estimators

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"coachsim/dgp"
)

// A mediation is a bound Mediation: the paths, and what it reports of them.
type mediation struct {
	Mediation
	paths   *paths
	coefs   []pathRow // reported coefficients of an outcome
	effects []pathEffect
	rows    []Row
	own     int // rows of the mediators' regression, which come first
	per     int // rows of each outcome

	gradient  []float64
	z         float64             // the normal's quantile for intervals
	draws     *mediationDraws     // nil where the method draws nothing
	bootstrap *mediationBootstrap // nil but for the bootstrap
	errors    *correlatedErrors   // nil without rho
}

// A pathRow is a reported coefficient.
type pathRow struct {
	name  string
	place int
}

// A pathEffect is a reported effect.
type pathEffect struct {
	name string
	mediatedEffect
}

// of names what is about one mediator, where there are several.
func (v *mediationModel) of(name string, k int) string {
	if len(v.products) == 1 {
		return name
	}
	return name + "(" + v.mediators.Outcomes[k].Text + ")"
}

// named lists the coefficients and effects that are reported of each outcome.
func (v *mediationModel) named(p *paths) (coefs []pathRow, effects []pathEffect) {
	for k := range p.k {
		coefs = append(coefs, pathRow{v.of("b", k), p.placeB(k)})
	}
	for k, product := range v.products {
		if product {
			coefs = append(coefs, pathRow{v.of("interaction", k), p.placeG(k)})
		}
	}
	add := func(name string, kind effectKind, mediator int, at float64) {
		effects = append(effects, pathEffect{name, mediatedEffect{kind, mediator, at}})
	}
	simulated := v.Method == Simulation || v.interacted()
	if p.k > 1 {
		for k := range p.k {
			name := "indirect"
			if simulated {
				name = "acme"
			}
			add(v.of(name, k), indirectEffect, k, 0.5)
		}
	}
	if !simulated {
		add("indirect", indirectEffect, -1, 0.5)
		add("direct", directEffect, -1, 0.5)
		add("total", totalEffect, -1, 0)
		return coefs, effects
	}
	for _, e := range []struct {
		name string
		kind effectKind
	}{{"acme", indirectEffect}, {"ade", directEffect}} {
		add(e.name+"(0)", e.kind, -1, 0)
		add(e.name+"(1)", e.kind, -1, 1)
		add(e.name, e.kind, -1, 0.5)
	}
	add("total", totalEffect, -1, 0)
	add("proportion", proportionMediated, -1, 0)
	return coefs, effects
}

// newMediation lists the rows and sizes the scratch.
func newMediation(v *mediationModel, p *paths) *mediation {
	f := &mediation{Mediation: v.Mediation, paths: p, gradient: make([]float64, p.size())}
	f.coefs, f.effects = v.named(p)
	add := func(outcome, term string, target *Target) {
		f.rows = append(f.rows, Row{Estimator: v.name, Outcome: outcome, Term: term, Target: target})
	}
	if v.formula.siblings == nil || v.formula.Outcomes[0].Text == v.formula.siblings[0].Text {
		for k, o := range v.mediators.Outcomes {
			add(o.Text, "a", p.targets[k])
		}
		f.own = p.k
	}
	if len(v.Rho) > 0 {
		f.errors = newCorrelatedErrors(v, p)
	}
	for i, o := range v.formula.Outcomes {
		for _, c := range f.coefs {
			add(o.Text, c.name, nil)
		}
		for _, e := range f.effects {
			add(o.Text, e.name, e.target(p, i))
		}
		if f.errors != nil {
			for _, term := range f.errors.terms {
				add(o.Text, term, nil)
			}
		}
	}
	f.per = (len(f.rows) - f.own) / len(v.formula.Outcomes)
	switch {
	case v.Method == MediationBootstrap:
		f.bootstrap = newMediationBootstrap(v, p)
		fallthrough
	case v.Method.Draws():
		f.draws = newMediationDraws(v, p, len(f.effects))
	}
	v.setup.mediations = append(v.setup.mediations, f)
	return f
}

func (f *mediation) allocate(shape dgp.Shape) {
	if f.errors != nil {
		f.errors.allocate(shape)
	}
	if f.bootstrap != nil {
		f.bootstrap.allocate(shape)
	}
}

// Rows says what the estimates are about.
func (f *mediation) Rows() []Row { return f.rows }

// Fit reads the effects off the paths.
func (f *mediation) Fit(s *Setup, out []Estimate) {
	p := f.paths
	copy(out[:f.own], p.found[0].tests)
	if f.bootstrap != nil {
		f.bootstrap.load(s)
	}
	for i := range p.found {
		f.fitOutcome(s, i, out[f.own+i*f.per:f.own+(i+1)*f.per])
	}
}

func (f *mediation) fitOutcome(s *Setup, i int, out []Estimate) {
	p, found := f.paths, &f.paths.found[i]
	for r, c := range f.coefs {
		out[r] = found.tests[c.place]
	}
	effects := out[len(f.coefs) : len(f.coefs)+len(f.effects)]
	status := p.status(found)
	f.z = distuv.UnitNormal.Quantile(1 - s.alpha/2)
	for r := range effects {
		effects[r] = failed(status)
		if status.Worked() {
			effects[r] = f.effect(found, f.effects[r], status)
		}
	}
	if f.errors != nil {
		f.errors.report(s, i, f.z, status, out[len(f.coefs)+len(f.effects):])
	}
	if !status.Worked() || f.draws == nil {
		return
	}
	if f.bootstrap != nil {
		if status = f.bootstrap.effects(f, i); !status.Worked() {
			for r := range effects {
				effects[r] = failed(status)
			}
			return
		}
	} else {
		f.draws.normal(s, f, found)
	}
	for r := range effects {
		if e := &effects[r]; e.Status.Worked() && !(f.Method == MonteCarlo && f.plain(f.effects[r])) {
			f.draws.infer(e, r, f.bootstrap != nil, s.alpha)
		}
	}
}

// plain reports whether an effect is a coefficient, the arm's own.
func (f *mediation) plain(e pathEffect) bool {
	for _, product := range f.paths.products {
		if product {
			return false
		}
	}
	return e.kind == directEffect
}

// effect estimates an effect, and tests it by the delta method or by its paths.
func (f *mediation) effect(found *path, e pathEffect, status Status) Estimate {
	p := f.paths
	if f.plain(e) {
		return found.tests[p.placeC()]
	}
	value := e.of(p, found.value, found.mean, f.gradient)
	se := deltaSE(f.gradient, found.cov)
	if !(se > 0) || math.IsInf(se, 0) || math.IsNaN(value) || math.IsInf(value, 0) {
		return failed(NotFinite)
	}
	if e.kind == totalEffect && f.draws == nil {
		return p.totalEstimate(found, value, se, status)
	}
	r := normalEstimate(value, se, f.z, status)
	if f.Method == JointSignificance && e.kind == indirectEffect {
		r.P = f.joint(found, e)
	}
	return r
}

// totalEstimate refers a total effect to t with the degrees of freedom of the arm's
// effect on the (first) mediator. Without products it is the arm's coefficient in the
// outcome's regression without the mediators, whose regressors, but for covariates of
// the outcome alone, are those of the mediators': the residual sum of squares there is
// that with the mediators and b² that of the mediator together, and so is the squared
// standard error. With few clusters the normal finds too much.
func (p *paths) totalEstimate(found *path, value, se float64, status Status) Estimate {
	df := found.tests[p.placeA(0)].DF
	return Estimate{Value: value, SE: se, DF: df, P: studentP(value/se, df), Status: status}
}

// normalEstimate refers a number over its standard error to the normal distribution.
// The interval is said too: no t interval goes with these tests, whose numerator
// and standard error depend on each other.
func normalEstimate(value, se, z float64, status Status) Estimate {
	return Estimate{
		Value: value, SE: se, DF: math.Inf(1), P: 2 * distuv.UnitNormal.CDF(-math.Abs(value/se)), Status: status,
		Interval: Interval{Low: value - z*se, High: value + z*se},
	}
}

// joint is the p-value of an indirect effect by those of its paths.
func (f *mediation) joint(found *path, e pathEffect) float64 {
	p := f.paths
	least, tests := 1.0, 0.0
	for k := range p.k {
		if e.mediator >= 0 && e.mediator != k {
			continue
		}
		tests++
		least = min(least, max(found.tests[p.placeA(k)].P, p.slopeP(found, k, e.at)))
	}
	return min(1, tests*least)
}

// slopeP is the p-value of the slope b + gt of a mediator, with the smaller of the
// two coefficients' degrees of freedom.
func (p *paths) slopeP(found *path, k int, t float64) float64 {
	b := found.tests[p.placeB(k)]
	if t == 0 || !p.products[k] {
		return b.P
	}
	n, i, j := p.size(), p.placeB(k), p.placeG(k)
	variance := found.cov[i*n+i] + 2*t*found.cov[i*n+j] + t*t*found.cov[j*n+j]
	df := min(b.DF, found.tests[j].DF)
	return studentP((found.value[i]+t*found.value[j])/math.Sqrt(variance), df)
}

// mediationDraws are draws of the effects on one outcome.
//
// With B draws the interval's ends are the draws of rank k = ⌊(B+1) alpha/2⌋ from
// below and above, and the p-value is twice the smaller of (1 + number of draws
// not above 0)/(B+1) and that of those not below 0: at most alpha just where the
// interval leaves 0 out.
type mediationDraws struct {
	purpose dgp.Purpose
	source  *dgp.Source
	wanted  int
	n       int       // draws made
	values  []float64 // by effect and draw
	root    *cholesky
	raw     []float64
	z       []float64 // scratch: by coefficient
	drawn   []float64 // scratch: by coefficient
	order   *selector
	limit   [2]float64
	percent [2]float64
}

func newMediationDraws(v *mediationModel, p *paths, effects int) *mediationDraws {
	n := p.size()
	return &mediationDraws{
		purpose: dgp.EstimatorPurpose(v.name), source: dgp.NewSource(), wanted: v.Mediation.Draws, values: make([]float64, effects*v.Mediation.Draws),
		root: newCholesky(n), raw: make([]float64, n), z: make([]float64, n), drawn: make([]float64, n), order: newSelector(v.Mediation.Draws),
	}
}

// normal draws coefficients from their joint normal distribution.
func (d *mediationDraws) normal(s *Setup, f *mediation, found *path) {
	p, n := f.paths, f.paths.size()
	copy(d.root.l, found.cov)
	for i := range n {
		d.raw[i] = found.cov[i*n+i]
	}
	d.root.factor(d.raw)
	r := d.source.Load(s.stream, d.purpose)
	d.n = d.wanted
	for k := range d.n {
		for i := range d.z {
			if d.root.dropped[i] { // it is not there, or a sum of others
				d.z[i] = 0
				continue
			}
			d.z[i] = r.NormFloat64()
		}
		for i := range d.drawn {
			d.drawn[i] = found.value[i]
			if found.value[i] != found.value[i] {
				d.drawn[i] = 0
			}
			d.drawn[i] += dot(d.root.l[i*n:i*n+i+1], d.z)
		}
		d.keep(p, f, k, found.mean)
	}
}

// keep computes the effects at the coefficients drawn.
func (d *mediationDraws) keep(p *paths, f *mediation, k int, mean []float64) {
	for r, e := range f.effects {
		d.values[r*d.wanted+k] = e.valueOf(p, d.drawn, mean)
	}
}

// infer replaces the p-value of effect r and adds the interval, and with a
// bootstrap the standard error.
func (d *mediationDraws) infer(e *Estimate, r int, se bool, alpha float64) {
	values := d.values[r*d.wanted : r*d.wanted+d.n]
	n := float64(d.n)
	rank := math.Floor((n + 1) * alpha / 2 * (1 + 1e-12))
	if rank < 1 || n < 2 {
		*e = failed(NotConverged)
		return
	}
	below, above := 1.0, 1.0
	for _, v := range values {
		if !(v > 0) {
			below++
		}
		if !(v < 0) {
			above++
		}
	}
	d.percent = [2]float64{100 * (rank - 1) / (n - 1), 100 * (n - rank) / (n - 1)}
	d.order.percentiles(d.limit[:], d.percent[:], values)
	e.Low, e.High = d.limit[0], d.limit[1]
	e.P = min(1, 2*min(below, above)/(n+1))
	if se {
		_, e.SE = meanSD(values)
	}
	if !(e.SE > 0) || math.IsInf(e.SE, 0) || math.IsNaN(e.High-e.Low) {
		*e = failed(NotFinite)
	}
}

// rhoTerm names the indirect effect at a correlation.
func rhoTerm(rho float64) string { return fmt.Sprintf("indirect(rho=%g)", rho) }
