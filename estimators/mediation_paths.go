package estimators

import (
	"fmt"
	"math"
	"slices"

	"coachsim/dgp"
)

// Paths are the coefficients that mediated effects are made of, with their
// covariance: of every mediator k the effect a_k of the arm on it, its slope b_k
// among controls and what the arm adds to the slope, g_k (0 where the formula has
// no product), and the arm's own coefficient c.
//
// Given arm, mediators and covariates the errors of the outcome have mean 0: that
// the mediator is as good as random is just this. Then b, g and c are unbiased
// whatever the mediators' errors were, and so uncorrelated with a, in finite
// samples, with clusters and unequal variances. The covariance between the two
// regressions is therefore 0, as in R's mediation; within each it is the
// sandwich's, that of the mediators' regressions being stacked. Where slopes are
// corrected for measurement error, which moves both a and the outcome's
// residuals, the covariance is the sandwich's too.
//
// Methods on the same regressions share one paths. Setup fits it when it has
// loaded the data.
type paths struct {
	key          string
	k            int     // mediators
	products     []bool  // by mediator
	mediator     *linear // mediators on the arm: one combination
	outcome      *linear // outcomes on arm, mediators and products: b, g of those with a product, then c
	places       []int   // by coefficient of the outcomes' regression: its place in path.value
	means        []int   // the arm, then mediators: place of the term among outcome's
	centers      []float64
	tests        []Estimate       // scratch
	scores       []float64        // by mediator and row, or cluster
	most         int              // of them
	corrected    *correctedPaths  // nil where mediators are taken for free of error
	naive        *paths           // what is corrected, else nil
	binding      *olsBinding      // of the outcomes' regression
	kept         bool             // a correction needs the scores
	regression   *classRegression // of all corrections, nil without
	coefficients float64          // of the outcomes' regression, with absorbed effects
	residualDF   float64          // of the mediators'
	found        []path
	targets      []*Target // of the a: effects of the arm on mediators
	arm          string
	effectsOn    []*Target  // by outcome: of the arm, all in all
	domains      [][]string // by mediator: what it scores; nil where it is no score of quality
}

// A path is the paths to one outcome.
type path struct {
	value []float64 // a by mediator, b, g, then c
	cov   []float64 // square
	tests []Estimate
	// mean holds the mean of the arm, then those of the mediators, over the rows
	// of the outcome.
	mean []float64
	// residual is the outcome's residual sum of squares, and mediator that of the
	// first mediator in its regression on the formula's other terms.
	residual, mediator float64
	df                 float64 // of these residuals
}

// Places in a path.
func (p *paths) placeA(k int) int { return k }
func (p *paths) placeB(k int) int { return p.k + k }
func (p *paths) placeG(k int) int { return 2*p.k + k }
func (p *paths) placeC() int      { return 3 * p.k }
func (p *paths) size() int        { return 3*p.k + 1 }

// bindPaths returns the paths of the model, new ones if no other method has them.
func (v *mediationModel) bindPaths() (*paths, error) {
	s := v.setup
	var outcomes []string
	for _, o := range v.formula.Outcomes {
		outcomes = append(outcomes, o.Text)
	}
	key := fmt.Sprintf("%q", []string{v.Formula, v.Mediator, v.arm.String(), v.Rows, v.Where, v.Cluster, v.SE.String(), list(outcomes), v.Error.key()})
	for _, p := range s.paths {
		if p.key == key {
			return p, nil
		}
	}
	if v.Error != nil {
		return v.bindCorrectedPaths(key)
	}
	p := &paths{key: key, k: len(v.products), products: v.products, arm: v.arm.String()}
	options, err := v.mediatorOptions()
	if err != nil {
		return nil, err
	}
	m := v.binding(v.mediators, options)
	if err := m.bindRegression(); err != nil {
		return nil, mediatorKey(err)
	}
	y := v.binding(v.formula, v.outcomeOptions())
	if err := y.bindRegression(); err != nil {
		return nil, err
	}
	p.mediator, p.outcome = m.l, y.l
	m.l.full, y.l.full = true, true
	report := func(b *olsBinding, t Term) error {
		c, term, err := b.combination(t.String())
		if err == nil {
			b.l.combinations, b.l.reported = append(b.l.combinations, c), append(b.l.reported, term)
		}
		return err
	}
	if err := report(m, v.arm); err != nil {
		return nil, keyError("mediator", err)
	}
	for k := range p.k {
		if err := report(y, v.mediator(k)); err != nil {
			return nil, keyError("formula", err)
		}
		p.places = append(p.places, p.placeB(k))
	}
	for k, product := range v.products {
		if !product {
			continue
		}
		if err := report(y, interact(v.arm, v.mediator(k))); err != nil {
			return nil, keyError("formula", err)
		}
		p.places = append(p.places, p.placeG(k))
	}
	if err := report(y, v.arm); err != nil {
		return nil, keyError("formula", err)
	}
	p.places = append(p.places, p.placeC())
	for _, t := range append([]Term{v.arm}, v.all()...) {
		at := slices.IndexFunc(y.formula.Terms, t.same)
		p.means, p.centers = append(p.means, at), append(p.centers, y.used[at].factors[0].center)
	}
	for _, o := range v.mediators.Outcomes {
		var t *Target
		if m.causal(p.arm, o) {
			t = m.target(p.arm, o)
		}
		p.targets = append(p.targets, t)
	}
	p.domains = v.domains()
	for _, o := range v.formula.Outcomes {
		var t *Target
		if v.randomised(m, y) && y.comparable(o, s.shape.Index(p.arm)) {
			t = y.target(p.arm, o)
		}
		p.effectsOn = append(p.effectsOn, t)
	}
	p.binding = y
	s.linear = append(s.linear, p.mediator, p.outcome)
	s.paths = append(s.paths, p)
	return p, nil
}

// bindCorrectedPaths returns the paths with the model's correction, which starts from the
// regressions that take the mediators for free of error, and that all corrections share.
func (v *mediationModel) bindCorrectedPaths(key string) (*paths, error) {
	plain := *v
	plain.Error = nil
	naive, err := plain.bindPaths()
	if err != nil {
		return nil, err
	}
	p := *naive
	p.key, p.naive = key, naive
	if p.corrected, err = v.newCorrectedPaths(&p, naive.binding); err != nil {
		return nil, err
	}
	naive.kept = true
	v.setup.paths = append(v.setup.paths, &p)
	return &p, nil
}

// domains lists the domains of classroom quality that each mediator scores, nil
// where one scores none.
func (v *mediationModel) domains() [][]string {
	var all [][]string
	for _, o := range v.mediators.Outcomes {
		columns, _ := o.Columns()
		var names []string
		for _, c := range columns {
			names = append(names, c.Name)
		}
		domains := v.setup.shape.Domains(names...)
		if domains == nil {
			return nil
		}
		all = append(all, domains)
	}
	return all
}

// byPath is the part of a target, nil for none, that goes through the domains, or
// past them.
func byPath(whole *Target, path Path, domains []string) *Target {
	if whole == nil || domains == nil {
		return nil
	}
	t := *whole
	t.Path, t.Through = path, domains
	return &t
}

// target is the natural effect that an effect on outcome i estimates, or nil.
func (e mediatedEffect) target(p *paths, i int) *Target {
	through := p.domains
	if e.mediator >= 0 && through != nil {
		through = through[e.mediator : e.mediator+1]
	}
	var domains []string
	for _, some := range through {
		for _, d := range some {
			if !slices.Contains(domains, d) {
				domains = append(domains, d)
			}
		}
	}
	var path Path
	switch e.kind {
	case totalEffect:
		return p.effectsOn[i]
	case indirectEffect:
		path = [...]Path{IndirectControl, IndirectAverage, IndirectTreated}[int(2*e.at)]
	case directEffect:
		path = [...]Path{DirectControl, DirectAverage, DirectTreated}[int(2*e.at)]
	default:
		return nil
	}
	return byPath(p.effectsOn[i], path, domains)
}

// randomised reports whether the arm is one of the trial, and no regression holds
// fixed what it may change, but for the mediators.
func (v *mediationModel) randomised(bindings ...*olsBinding) bool {
	arm := v.setup.shape.Index(v.arm.String())
	if arm < 0 || !v.setup.shape.Columns[arm].Arm {
		return false
	}
	own := append(v.own(), v.arm)
	for _, b := range bindings {
		for i, m := range b.raw {
			t := b.formula.Terms[i]
			if slices.ContainsFunc(own, t.same) || v.Method == SequentialG && v.left[i] { // what is left out, the second regression does not hold fixed
				continue
			}
			for _, f := range m.factors {
				for _, origin := range b.setup.origins(f.column) {
					if b.setup.shape.Columns[origin].PostTreatment {
						return false
					}
				}
			}
		}
	}
	return true
}

func (p *paths) allocate(shape dgp.Shape) {
	p.most = shape.Max[p.mediator.core.key.rows]
	switch {
	case p.naive != nil: // which stands before its corrections
		p.scores = p.naive.scores
		p.corrected.allocate(shape)
	case p.k > 1 || p.kept:
		p.scores = make([]float64, p.k*p.most)
	}
	p.tests = make([]Estimate, len(p.places))
	n := p.size()
	for range p.outcome.outcomes {
		p.found = append(p.found, path{value: make([]float64, n), cov: make([]float64, n*n), tests: make([]Estimate, n), mean: make([]float64, 1+p.k)})
	}
}

// fit fits both regressions.
func (p *paths) fit(s *Setup) {
	if p.naive != nil {
		p.fitCorrected(s)
		return
	}
	first := &p.found[0]
	if p.regression != nil {
		p.regression.loaded = false
	}
	p.fitMediators(s, first)
	l := p.outcome
	c, nc, n := l.core, len(l.combinations), p.size()
	coefficients, status := l.prepare(s)
	p.coefficients = coefficients
	for i := range p.found {
		f := &p.found[i]
		if i > 0 {
			copy(f.value, first.value[:p.k])
			copy(f.tests, first.tests[:p.k])
			for k := range p.k {
				copy(f.cov[k*n:k*n+p.k], first.cov[k*n:k*n+p.k])
			}
		}
		l.fitOutcome(s, i, coefficients, l.outcomeStatus(i, status), p.tests)
		for r, place := range p.places {
			f.value[place], f.tests[place] = p.tests[r].Value, p.tests[r]
			for t, other := range p.places {
				f.cov[place*n+other] = l.vcov[r*nc+t]
			}
		}
		for j, at := range p.means {
			sum := 0.0
			for e := range c.effects {
				sum += c.effectS[e*c.width+l.terms[at]]
			}
			f.mean[j] = sum/c.weight + p.centers[j]
		}
		f.residual, f.mediator, f.df = l.rss[i], 1/l.bread[0], c.rows-coefficients
	}
}

// fitCorrected corrects the naive paths, which have been fitted.
func (p *paths) fitCorrected(s *Setup) {
	p.coefficients, p.residualDF = p.naive.coefficients, p.naive.residualDF
	for i, from := range p.naive.found {
		f := &p.found[i]
		copy(f.value, from.value)
		copy(f.cov, from.cov)
		copy(f.tests, from.tests)
		copy(f.mean, from.mean)
		f.residual, f.mediator, f.df = from.residual, from.mediator, from.df
	}
	p.corrected.correct(s)
}

// fitMediators fits the first regression.
func (p *paths) fitMediators(s *Setup, f *path) {
	l, n := p.mediator, p.size()
	coefficients, status := l.prepare(s)
	p.residualDF = l.core.rows - coefficients
	for k := range p.k {
		l.fitOutcome(s, k, coefficients, l.outcomeStatus(k, status), f.tests[k:k+1])
		f.value[k] = f.tests[k].Value
		f.cov[k*n+k] = f.tests[k].SE * f.tests[k].SE
		if p.scores != nil && f.tests[k].Status.Worked() {
			p.keepScores(s, k)
		}
	}
	if p.k == 1 || !status.Worked() {
		return
	}
	rows, scale := p.rows(l), l.se.factor(l.core.rows, l.parameters(coefficients), float64(l.clusters))
	if l.se == Classical {
		scale = l.bread[0] / (l.core.rows - coefficients)
	}
	for k := range p.k {
		for j := range k {
			v := scale * dot(p.scores[k*p.most:k*p.most+rows], p.scores[j*p.most:])
			f.cov[k*n+j], f.cov[j*n+k] = v, v
		}
	}
}

// rows is the number of scores of a mediator.
func (p *paths) rows(l *linear) int {
	if l.se.clustered() {
		return l.clusters
	}
	return int(l.core.rows)
}

// keepScores keeps the numbers whose sum of products over rows or clusters is
// the covariance of the effects on two mediators: scores of clusters, influences
// times residuals of rows, or residuals where errors have one variance.
func (p *paths) keepScores(s *Setup, k int) {
	l, c := p.mediator, p.mediator.core
	scores := p.scores[k*p.most : (k+1)*p.most]
	if l.se.clustered() {
		copy(scores, l.scores[:l.clusters]) // one combination
		return
	}
	at := 0
	for g := range c.groups {
		if !c.active[g] {
			continue
		}
		lo, hi := g, g+1
		if c.key.rows > c.group {
			lo, hi = s.data.ChildStart[g], s.data.ChildStart[g+1]
		}
		for row := lo; row < hi; row++ {
			if c.mask != nil && c.mask[row] == 0 {
				continue
			}
			e := l.residualAt(g, row, k)
			if l.se != Classical {
				e *= l.influenceAt(g, row, 0)
			}
			scores[at] = e
			at++
		}
	}
}

// residualAt is the residual of outcome i in a row of group g.
func (l *linear) residualAt(g, row, i int) float64 {
	c := l.core
	y, fitted := c.outcomes[l.outcomes[i]], l.projection(g, len(l.combinations)+i)
	if c.key.rows <= c.group {
		return c.byProduct[y.product][g] - fitted[0]
	}
	in := c.root(g, row)
	e := -c.atRow(fitted, row, in)
	if y.child >= 0 {
		return e + c.outcome[y.child][row]
	}
	return e + in*c.byProduct[y.product][g]
}

// influenceAt is the influence of a row of group g on combination r, adjusted
// for leverage where the standard error is.
func (l *linear) influenceAt(g, row, r int) float64 {
	c := l.core
	h := l.projection(g, r)
	if c.key.rows <= c.group {
		return h[0]
	}
	in := c.root(g, row)
	a := c.atRow(h, row, in)
	if l.reduced != nil {
		a *= l.reduced.rowFactor(g, row, in)
	}
	return a
}

// status is that of effects of the paths in use: the first that failed.
func (p *paths) status(f *path) Status {
	status := OK
	for place := range f.tests {
		switch {
		case place >= p.placeG(0) && place < p.placeC() && !p.products[place-p.placeG(0)]:
		case !f.tests[place].Status.Worked():
			return f.tests[place].Status
		default:
			status = max(status, f.tests[place].Status)
		}
	}
	return status
}

// A mediatedEffect is an effect made of the paths.
type mediatedEffect struct {
	kind     effectKind
	mediator int     // of an indirect effect through one, -1 through all
	at       float64 // the arm at which what is not varied is held: 0, 1, or 0.5 for the average
}

type effectKind uint8

const (
	indirectEffect effectKind = iota
	directEffect
	totalEffect
	proportionMediated
)

// of returns the effect at coefficients θ, and fills its gradient. mean holds the
// means of the arm and the mediators.
//
//	indirect(t) = Σ_k a_k (b_k + g_k t)
//	direct(t)   = c + Σ_k g_k E[M_k(t)],  E[M_k(t)] = mean(M_k) + a_k (t - mean(T))
func (e mediatedEffect) of(p *paths, value, mean, gradient []float64) float64 {
	clear(gradient)
	switch e.kind {
	case indirectEffect:
		return e.addIndirect(p, value, gradient)
	case directEffect:
		return e.addDirect(p, value, mean, gradient)
	case totalEffect:
		half := mediatedEffect{mediator: -1, at: 0.5}
		return half.addIndirect(p, value, gradient) + half.addDirect(p, value, mean, gradient)
	default:
		half := mediatedEffect{mediator: -1, at: 0.5}
		indirect := half.addIndirect(p, value, gradient)
		total := indirect + half.directValue(p, value, mean)
		share := indirect / total
		for i := range gradient {
			gradient[i] *= (1 - share) / total
		}
		half.addScaledDirect(p, value, mean, gradient, -share/total)
		return share
	}
}

// valueOf is the effect without its gradient.
func (e mediatedEffect) valueOf(p *paths, value, mean []float64) float64 {
	half := mediatedEffect{mediator: -1, at: 0.5}
	switch e.kind {
	case indirectEffect:
		return e.indirectValue(p, value)
	case directEffect:
		return e.directValue(p, value, mean)
	case totalEffect:
		return half.indirectValue(p, value) + half.directValue(p, value, mean)
	default:
		indirect := half.indirectValue(p, value)
		return indirect / (indirect + half.directValue(p, value, mean))
	}
}

func (e mediatedEffect) indirectValue(p *paths, value []float64) float64 {
	sum := 0.0
	for k := range p.k {
		if e.mediator < 0 || e.mediator == k {
			sum += value[p.placeA(k)] * (value[p.placeB(k)] + e.at*value[p.placeG(k)])
		}
	}
	return sum
}

func (e mediatedEffect) addIndirect(p *paths, value, gradient []float64) float64 {
	sum := 0.0
	for k := range p.k {
		if e.mediator >= 0 && e.mediator != k {
			continue
		}
		a, slope := value[p.placeA(k)], value[p.placeB(k)]+e.at*value[p.placeG(k)]
		sum += a * slope
		gradient[p.placeA(k)] += slope
		gradient[p.placeB(k)] += a
		gradient[p.placeG(k)] += a * e.at
	}
	return sum
}

func (e mediatedEffect) addDirect(p *paths, value, mean, gradient []float64) float64 {
	e.addScaledDirect(p, value, mean, gradient, 1)
	return e.directValue(p, value, mean)
}

// mediatorMean is E[M_k(t)].
func (e mediatedEffect) mediatorMean(p *paths, k int, value, mean []float64) float64 {
	return mean[1+k] + value[p.placeA(k)]*(e.at-mean[0])
}

func (e mediatedEffect) directValue(p *paths, value, mean []float64) float64 {
	sum := value[p.placeC()]
	for k, product := range p.products {
		if product {
			sum += value[p.placeG(k)] * e.mediatorMean(p, k, value, mean)
		}
	}
	return sum
}

// addScaledDirect adds scale times the gradient of the direct effect.
func (e mediatedEffect) addScaledDirect(p *paths, value, mean, gradient []float64, scale float64) {
	gradient[p.placeC()] += scale
	for k, product := range p.products {
		if product {
			gradient[p.placeG(k)] += scale * e.mediatorMean(p, k, value, mean)
			gradient[p.placeA(k)] += scale * value[p.placeG(k)] * (e.at - mean[0])
		}
	}
}

// deltaSE is the standard error of a number with a gradient.
func deltaSE(gradient, cov []float64) float64 {
	n, sum := len(gradient), 0.0
	for i, x := range gradient {
		if x != 0 {
			sum += x * dot(gradient, cov[i*n:(i+1)*n])
		}
	}
	return math.Sqrt(sum)
}
