package sim

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"coachsim/sim/analytic"
)

// A FamilyForm is the power of a family of tests by closed form: those of its
// estimates, with the correlations of these that the trial's variance components
// imply, and how often sets of the tests reject by an integral over their joint
// distribution.
type FamilyForm struct {
	Family
	Forms       []*ClosedForm // by outcome
	Correlation [][]float64   // of the estimates
	// Error is the largest standard error of a share, of the integral.
	Error float64

	null    []bool               // by outcome: it has no effect
	methods []methodExpectations // by method
}

// methodExpectations are the expected shares of a method.
type methodExpectations struct {
	individual, atLeast        []float64
	mean, meanSquare           float64
	unadjusted                 float64
	familywise                 float64
	discovery, discoverySquare float64
}

// whyOwn says why an estimator's own adjustments have no form.
const whyOwn = "its critical values come from draws that the estimator makes from each trial's data"

// family finds the closed form of a family of tests; the second result says why there is
// none.
func (d designForms) family(f Family) (*FamilyForm, string) {
	if f.Methods[0].ByEstimator() {
		return nil, whyOwn
	}
	if m := len(f.Outcomes); m > analytic.MostTests {
		return nil, fmt.Sprintf("the integral over the joint distribution is for at most %d tests, and there are %d", analytic.MostTests, m)
	}
	form := &FamilyForm{Family: f}
	var searches []*closedFormOf
	for _, outcome := range f.Outcomes {
		i := slices.IndexFunc(d.rows, func(r rowForm) bool {
			return r.Estimator == f.Estimator && r.Outcome == outcome && r.Term == f.Term
		})
		one := d.rows[i]
		switch {
		case one.form == nil:
			return nil, fmt.Sprintf("of %s, %s", outcome, one.why)
		case one.search == nil:
			return nil, "how the tests of mediations hang together has none"
		}
		form.Forms, searches = append(form.Forms, one.form), append(searches, one.search)
		form.null = append(form.null, math.Abs(one.form.itt) < 1e-12)
	}
	if why := form.correlate(searches); why != "" {
		return nil, why
	}
	form.expect(d.study.Alpha)
	return form, ""
}

// correlate fills the correlations of the estimates.
func (f *FamilyForm) correlate(of []*closedFormOf) string {
	m := len(of)
	covariance := make([][]float64, m)
	for i := range of {
		covariance[i] = make([]float64, m)
		for j := range i + 1 {
			x, why := of[i].covariance(of[j])
			if why != "" {
				return why
			}
			covariance[i][j], covariance[j][i] = x, x
		}
	}
	f.Correlation = make([][]float64, m)
	for i := range of {
		f.Correlation[i] = make([]float64, m)
		for j := range of {
			f.Correlation[i][j] = covariance[i][j] / math.Sqrt(covariance[i][i]*covariance[j][j])
		}
		f.Correlation[i][i] = 1
	}
	return ""
}

// expect integrates over the tests' joint distribution.
func (f *FamilyForm) expect(alpha float64) {
	m := len(f.Forms)
	tests := analytic.SeveralTests{Correlation: f.Correlation}
	for i, c := range f.Forms[0].cases {
		for _, left := range c.chance {
			one := analytic.SeveralCase{Probability: c.probability * left.Probability}
			for _, form := range f.Forms {
				t := form.cases[i].Test
				one.Tests = append(one.Tests, t)
				one.Noncentrality = append(one.Noncentrality, form.itt*math.Sqrt(left.Value)/t.SE)
			}
			tests.Cases = append(tests.Cases, one)
		}
	}
	decisions := newDecisions(f.Methods, m, alpha)
	each := 2*m + 5
	reject := make([]bool, m)
	mean, se := tests.Expect(decisions.levels, each*len(f.Methods)+1, func(rejects []int, x []float64) {
		for k := range f.Methods {
			decisions.decide(k, rejects, reject)
			f.count(reject, x[k*each:(k+1)*each])
		}
		// All with an effect at alpha, the first level.
		x[len(x)-1] = 1
		for k, n := range rejects {
			if n == 0 && !f.null[k] {
				x[len(x)-1] = 0
			}
		}
	})
	f.Error = slices.Max(se)
	for k := range f.Methods {
		x := mean[k*each:]
		f.methods = append(f.methods, methodExpectations{
			individual: x[:m], atLeast: x[m : m+f.effects()], mean: x[2*m], meanSquare: x[2*m+1],
			familywise: x[2*m+2], discovery: x[2*m+3], discoverySquare: x[2*m+4], unadjusted: mean[len(mean)-1],
		})
	}
}

// effects is the number of outcomes with an effect.
func (f *FamilyForm) effects() int {
	n := 0
	for _, null := range f.null {
		if !null {
			n++
		}
	}
	return n
}

// count fills the quantities of one set of rejections: by test, then by number of those
// with an effect, then of shares.
func (f *FamilyForm) count(reject []bool, x []float64) {
	clear(x)
	m, hits, mistakes := len(reject), 0, 0
	for k, rejected := range reject {
		if !rejected {
			continue
		}
		x[k] = 1
		if f.null[k] {
			mistakes++
		} else {
			x[m+hits] = 1
			hits++
		}
	}
	if effects := f.effects(); effects > 0 {
		part := float64(hits) / float64(effects)
		x[2*m], x[2*m+1] = part, part*part
	}
	if mistakes > 0 {
		part := float64(mistakes) / float64(hits+mistakes)
		x[2*m+2], x[2*m+3], x[2*m+4] = 1, part, part*part
	}
}

// Power is what a method's shares are by the form. In place of a Monte Carlo standard
// error they have the one that n replicates would have.
func (f *FamilyForm) Power(method, n int) FamilyPower {
	e, m := f.methods[method], len(f.Outcomes)
	of := func(p float64) Share { return Share{p, math.Sqrt(math.Max(p*(1-p), 0) / float64(n))} }
	spread := func(mean, square float64) Share {
		return Share{mean, math.Sqrt(math.Max(square-mean*mean, 0) / float64(n))}
	}
	none := Share{math.NaN(), math.NaN()}
	p := FamilyPower{
		Family: f.Name, Estimator: f.Estimator, Term: f.Term, Outcomes: f.Outcomes, Null: f.null, Method: f.Methods[method], N: n,
		Mean: none, Complete: none, CompleteUnadjusted: none, Familywise: none, FalseDiscovery: none,
	}
	for _, x := range e.individual {
		p.Individual = append(p.Individual, of(x))
	}
	if effects := f.effects(); effects > 0 {
		for _, x := range e.atLeast {
			p.AtLeast = append(p.AtLeast, of(x))
		}
		p.Mean, p.Complete, p.CompleteUnadjusted = spread(e.mean, e.meanSquare), p.AtLeast[effects-1], of(e.unadjusted)
	}
	if f.effects() < m {
		p.Familywise, p.FalseDiscovery = of(e.familywise), spread(e.discovery, e.discoverySquare)
	}
	return p
}

// Approximate says in what the form is no exact description of the study.
func (f *FamilyForm) Approximate() []string {
	var all []string
	for _, form := range f.Forms {
		for _, note := range form.Approximate {
			if !slices.Contains(all, note) {
				all = append(all, note)
			}
		}
	}
	return all
}

// write tells of the form: how estimates correlate, and power by method.
func (f *FamilyForm) write(out *strings.Builder) {
	var pairs []float64
	for i, row := range f.Correlation {
		pairs = append(pairs, row[:i]...)
	}
	correlate := "estimates correlate " + fixed(slices.Min(pairs), 2)
	if len(pairs) > 1 {
		correlate += " to " + fixed(slices.Max(pairs), 2)
	}
	var methods []string
	for i := range f.Methods {
		p := f.Power(i, 1)
		words := p.Method.String()
		switch effects := f.effects(); effects {
		case 0:
			words += fmt.Sprintf(" any %s%%, though none has an effect", fixed(100*p.Familywise.Value, 1))
		case 1:
			words += fmt.Sprintf(" the one with an effect %s%%", fixed(100*p.Complete.Value, 1))
		default:
			words += fmt.Sprintf(" at least one %s%%, all %d %s%%", fixed(100*p.AtLeast[0].Value, 1), effects, fixed(100*p.Complete.Value, 1))
		}
		methods = append(methods, words)
	}
	fmt.Fprintf(out, "family %s: %s; %s%s\n", f.Name, strings.Join(methods, "; "), correlate, approximateIn(f.Approximate()))
}

// decisions knows at which levels of p-values the methods of a family decide.
//
// With α_1 <= ... <= α_m a method's levels, one that steps down rejects the tests with
// p <= α_j for the least j at which fewer than j have that (all tests, if there is none), and one that
// steps up those with p <= α_j for the greatest j at which j tests or more have it.
type decisions struct {
	levels []float64 // of all methods, falling; the first is alpha
	of     []stepwise
}

type stepwise struct {
	place []int // of α_1, α_2, ... among the levels
	up    bool
}

func newDecisions(methods []Adjustment, m int, alpha float64) *decisions {
	d := &decisions{levels: []float64{alpha}}
	own := make([][]float64, len(methods))
	harmonic := 0.0
	for j := 1; j <= m; j++ {
		harmonic += 1 / float64(j)
	}
	for i, method := range methods {
		one := stepwise{up: true}
		n := float64(m)
		for j := 1.0; j <= n; j++ {
			level := alpha
			switch method {
			case Bonferroni:
				level = alpha / n
			case Holm, Hochberg:
				level, one.up = alpha/(n-j+1), method == Hochberg
			case BH:
				level = alpha * j / n
			case BY:
				level = alpha * j / (n * harmonic)
			}
			own[i] = append(own[i], level)
			if !slices.ContainsFunc(d.levels, func(x float64) bool { return math.Abs(x/level-1) < 1e-12 }) {
				d.levels = append(d.levels, level)
			}
		}
		d.of = append(d.of, one)
	}
	slices.Sort(d.levels)
	slices.Reverse(d.levels)
	for i, levels := range own {
		for _, level := range levels {
			d.of[i].place = append(d.of[i].place, slices.IndexFunc(d.levels, func(x float64) bool { return math.Abs(x/level-1) < 1e-12 }))
		}
	}
	return d
}

// decide sets which tests a method rejects, where test k has a p-value of at most the
// first rejects[k] levels.
func (d *decisions) decide(method int, rejects []int, reject []bool) {
	one := d.of[method]
	below := func(j int) int { // how many tests have p <= α_(j+1)
		n := 0
		for _, r := range rejects {
			if r > one.place[j] {
				n++
			}
		}
		return n
	}
	at := -1 // the level that decides
	if m := len(rejects); one.up {
		for j := m - 1; j >= 0 && at < 0; j-- {
			if below(j) > j {
				at = j
			}
		}
	} else {
		at = m - 1
		for j := range m {
			if below(j) <= j {
				at = j
				break
			}
		}
	}
	for k, r := range rejects {
		reject[k] = at >= 0 && r > one.place[at]
	}
}

// covariance is that of the contrasts' estimates on two outcomes of one regression, but
// for the small part of slopes that are estimated.
func (b *closedFormOf) covariance(o *closedFormOf) (float64, string) {
	sum := 0.0
	for a, x := range b.contrast {
		if x == 0 {
			continue
		}
		v, err := b.cross(o, a)
		if err != nil {
			return 0, err.Error()
		}
		unit := b.mean(v, b.unit)
		for i, r := range b.regressors {
			unit += r.change(o.regressors[i], b.unit, b)
		}
		sum += x * x / b.units[a] * unit
	}
	if b.group == b.unit {
		return sum, ""
	}
	effects := b.trial.EffectComponents
	switch {
	case b.score != o.score:
		return 0, "how effects on quality and on tests differ together between " + b.group.Plural() + " is not known"
	case b.score:
		effects = b.trial.ScoreEffectComponents
	}
	plus, minus := sums(b.weights, o.weights)
	var differ byLevel
	more, less := variances(effects(plus, b.contrast)), variances(effects(minus, b.contrast))
	for l := range differ {
		differ[l] = (more[l] - less[l]) / 4
	}
	b.mergeClass(&differ)
	compliers := 1.0
	if b.takeUp != nil {
		compliers = b.takeUp[1] - b.takeUp[0]
	}
	for l := b.group; l < b.unit; l++ {
		sum += compliers * compliers * differ[l] / (b.above(l) * b.size[l])
	}
	return sum, ""
}

// sums are the weights of the sum of two outcomes, and of their difference: their
// covariance is a quarter of the difference of the variances of these.
func sums(v, w []float64) (plus, minus []float64) {
	for k := range v {
		plus, minus = append(plus, v[k]+w[k]), append(minus, v[k]-w[k])
	}
	return plus, minus
}

// cross is the covariance of two outcomes, by level, within an arm and given the
// covariates of the formula.
func (b *closedFormOf) cross(o *closedFormOf, arm int) (v byLevel, err error) {
	at := func(arm int) (v byLevel, err error) {
		t := b.trial
		components := t.Components
		switch {
		case b.score && !o.score:
			c, err := t.CrossComponents(b.weights, o.weights, arm, b.given)
			return b.fold(variances(c)), err
		case !b.score && o.score:
			c, err := t.CrossComponents(o.weights, b.weights, arm, b.given)
			return b.fold(variances(c)), err
		case b.score:
			components = t.ScoreComponents
		}
		plus, minus := sums(b.weights, o.weights)
		more, err := components(plus, arm, b.given)
		if err != nil {
			return v, err
		}
		less, err := components(minus, arm, b.given)
		if err != nil {
			return v, err
		}
		for l, x := range variances(more) {
			v[l] = (x - variances(less)[l]) / 4
		}
		return b.fold(v), nil
	}
	if b.takeUp == nil {
		if v, err = at(arm); err != nil {
			return v, err
		}
	} else {
		both := make([]byLevel, 2)
		for i := range both {
			if both[i], err = at(i); err != nil {
				return v, err
			}
		}
		compliers := b.takeUp[1] - b.takeUp[0]
		v = b.mix(both, (b.means[1]-b.means[0])/compliers*(o.means[1]-o.means[0])/compliers, true)[arm]
	}
	b.mergeClass(&v)
	return v, nil
}
