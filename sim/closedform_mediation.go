package sim

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/sim/analytic"
)

// A mediatedForm is the search for the closed form of a mediation: that of the
// mediator's regression on the arm, and of the outcome's without the mediator. Where
// the mediator varies between the units that are assigned only, and is normal, the
// outcome's regression with it follows from these and from the covariance of both.
type mediatedForm struct {
	method   estimators.Mediation
	mediator *closedFormOf
	outcome  *closedFormOf
	a, total *ClosedForm // the effects on mediator and outcome
	fits     analytic.MediationFits
	limit    analytic.Values // inputs of design
	design   *analytic.Design
}

// mediation returns an estimator's, if that is what it is.
func (s Study) mediation(estimator string) (m estimators.Mediation, ok bool) {
	for _, e := range s.Estimators {
		if e.Name == estimator {
			m, ok = e.Method.(estimators.Mediation)
		}
	}
	return m, ok
}

// mediated finds the closed form of a row of a mediation.
func (s Study) mediated(m estimators.Mediation, row estimators.Row) (*ClosedForm, string) {
	switch {
	case m.Method == estimators.SequentialG:
		return nil, "a controlled direct effect has none"
	case m.Error != nil:
		return nil, "it corrects for measurement error, by a reliability that is estimated or held against both regressions"
	case m.Where != "":
		return nil, "it uses only some of the rows"
	}
	v := &mediatedForm{method: m}
	for _, step := range []func() string{
		func() string { return v.begin(s, row) },
		v.findRegressions, v.findSlope,
	} {
		if why := step(); why != "" {
			return nil, why
		}
	}
	return v.of(row.Term, s.Alpha)
}

// begin parses the two formulas.
func (v *mediatedForm) begin(s Study, row estimators.Row) string {
	m := v.method
	first, err := estimators.ParseFormula(m.Mediator, s.Terms)
	if err != nil {
		return err.Error()
	}
	second, err := estimators.ParseFormula(m.Formula, s.Terms)
	if err != nil {
		return err.Error()
	}
	if len(first.Outcomes) > 1 {
		return "several mediators share its effect"
	}
	name := first.Outcomes[0].Variable.String()
	arm := m.Treatment
	own := -1
	for i, term := range second.Terms {
		text := term.String()
		switch {
		case text == name:
			own = i
		case len(term.Factors) > 1 && slices.ContainsFunc(term.Factors, func(p estimators.Power) bool { return p.Variable.String() == name }):
			return "the mediator's slope may differ between the arms"
		case m.Treatment == "" && slices.Contains(s.Trial.Design.Arms[1:], text):
			arm = text
		}
	}
	if own < 0 {
		return "its formula has the mediator in another form"
	}
	second.Terms = slices.Delete(slices.Clone(second.Terms), own, own+1)
	of := func(formula *estimators.Formula, outcome, rows string) *closedFormOf {
		level, why := ownRows(outcome, s.Trial)
		if why != "" {
			return nil
		}
		if rows != "" {
			level = levelNamed(rows)
		}
		return &closedFormOf{
			study: s, trial: s.Trial, formula: formula,
			target: &estimators.Target{Arm: arm, Outcome: outcome, Rows: level},
			method: estimators.OLS{Rows: rows, Cluster: m.Cluster, SE: m.SE},
		}
	}
	outcome := row.Outcome
	if row.Term == "a" { // of any outcome
		outcome = second.Outcomes[0].Variable.String()
	}
	v.mediator, v.outcome = of(first, name, ""), of(second, outcome, m.Rows)
	if v.mediator == nil || v.outcome == nil {
		return "its outcome or mediator is neither a test nor a score of quality"
	}
	return ""
}

// levelNamed is the level with a name.
func levelNamed(name string) dgp.Level {
	for l := range dgp.ChildLevel {
		if l.String() == name {
			return l
		}
	}
	return dgp.ChildLevel
}

// ownRows is the level of an outcome's rows where nothing else is said.
func ownRows(outcome string, t dgp.Trial) (level dgp.Level, why string) {
	v, err := estimators.ParseVariable(outcome)
	if err != nil {
		return 0, err.Error()
	}
	if _, at, ok := meanOf(v); ok {
		return at, ""
	}
	if _, score := t.ScoreWeights(plainColumn(v)); score {
		return dgp.TeacherLevel, ""
	}
	return dgp.ChildLevel, ""
}

// findRegressions finds the closed forms of the effects on mediator and outcome.
func (v *mediatedForm) findRegressions() string {
	for i, b := range []*closedFormOf{v.mediator, v.outcome} {
		for _, step := range []func() string{b.findTarget, b.findDesign, b.findFormula, b.findTest, b.findVariance} {
			if why := step(); why != "" {
				if i == 0 {
					why = "of its mediator's regression, " + why
				}
				return why
			}
		}
		if slices.Max(b.lost) > 0 {
			b.note(b.unit.Plural() + " are lost at random, so that arms are unequal")
			clear(b.lost)
		}
		form, why := b.finish()
		switch {
		case why != "":
			return why
		case i == 0:
			v.a = form
		default:
			v.total = form
		}
	}
	m, y := v.mediator, v.outcome
	switch {
	case !m.score || y.score:
		return "its mediator is no score of quality, or its outcome is one"
	case m.takeUp != nil:
		return "take-up mixes two distributions of the mediator"
	case m.group != m.unit || y.group != y.unit:
		return fmt.Sprintf("its clusters are above the %s that are assigned", m.unit.Plural())
	case m.within != y.within:
		return "only one of its regressions compares within blocks"
	}
	for l := m.unit + 1; l <= m.rows; l++ {
		if m.size[l] > 1 {
			return fmt.Sprintf("its mediator differs between the %s of a %s, where its slope may be another: means, mean(%s, %s), have a form", l.Plural(), (l - 1), m.outcome, m.unit)
		}
	}
	return ""
}

// findSlope works out the regression of the outcome on the mediator.
func (v *mediatedForm) findSlope() string {
	m, y := v.mediator, v.outcome
	arms := len(y.share)
	covariance, own := make([]float64, arms), make([]float64, arms)
	all, with, variance := 0.0, 0.0, 0.0
	for a, n := range y.units {
		cross, err := y.trial.CrossComponents(m.weights, y.weights, a, y.given)
		if err != nil {
			return err.Error()
		}
		score, err := y.trial.ScoreComponents(m.weights, a, y.given)
		if err != nil {
			return err.Error()
		}
		covariance[a], own[a] = y.mean(y.fold(variances(cross)), y.unit), y.mean(m.fold(variances(score)), m.unit)
		all, with, variance = all+n, with+n*covariance[a], variance+n*own[a]
	}
	variance /= all
	if !(variance > 1e-12) {
		return "the arm and the covariates leave the mediator no variance of its own"
	}
	slope := with / all / variance
	error := 0.0
	for a, n := range y.units {
		of := y.unitVariance(a) - 2*slope*covariance[a] + slope*slope*own[a]
		error += n / all * of
		if math.Abs(covariance[a]-slope*own[a]) > 1e-9*math.Sqrt(own[a]*y.unitVariance(a)) {
			m.note("the slope of the outcome on the mediator differs between the arms")
		}
	}
	if !(error > 0) {
		return "the mediator explains the outcome whole"
	}
	for _, e := range y.trial.Quality.ArmEffects {
		v.checkSkew(e)
	}
	v.checkSkew(y.trial.Quality.Effect)
	other := m.atUnit != y.atUnit
	for _, c := range y.trial.Covariates {
		other = other || c.Level != dgp.ChildLevel && m.given[c.Name] != y.given[c.Name]
	}
	if other {
		m.note("its two regressions have different covariates of " + m.unit.Plural())
	}
	left := y.all() - y.strata() - y.armParameters() - float64(y.atUnit)
	if left <= 1 {
		return fmt.Sprintf("no degrees of freedom are left among %s", y.unit.Plural())
	}
	v.fits = analytic.MediationFits{
		A: analytic.Path{Effect: m.effect(), Test: v.a.Test},
		B: analytic.Path{Effect: slope, Test: y.slopeTest(left)},
		C: analytic.Path{Effect: y.effect() - slope*m.effect(), Test: v.total.Test},
	}
	v.fits.A.SE *= v.a.sd
	v.fits.B.SE = math.Sqrt(error / (left * variance))
	v.fits.C.Test = v.directTest(left)
	v.fits.Left = v.a.cases[0].chance
	return v.findLimit(slope, error, variance)
}

// directTest is the t test of the direct effect c = τ - ab: its variance has a part of
// the arms' contrast and one of the slope, a² times as large, and so has its estimate,
// each with the bias and degrees of freedom of its own robust standard error.
func (v *mediatedForm) directTest(left float64) analytic.Test {
	slope, contrast := v.fits.B.Test, v.total.Test
	if v.outcome.method.(estimators.OLS).SE == estimators.Classical {
		return analytic.Test{DF: left - 1}
	}
	inflation := func(t analytic.Test) float64 {
		if t.Inflation > 0 {
			return t.Inflation
		}
		return 1
	}
	se := v.fits.A.SE
	arm := se * se * (inflation(contrast) - 1/v.outcome.all()) // the mediator takes a degree of freedom more
	if contrast.Inflation == 0 || math.Abs(contrast.Inflation-1) < 1e-12 {
		arm = se * se
	}
	own := (se*se + v.fits.A.Effect*v.fits.A.Effect) / left
	of := own * inflation(slope)
	t := analytic.Test{Inflation: (arm + of) / (se*se + own), CriticalDF: slope.CriticalDF}
	t.DF = (arm + of) * (arm + of) / (arm*arm/math.Max(contrast.DF-1, 1) + of*of/slope.DF)
	return t
}

func (v *mediatedForm) checkSkew(e dgp.QualityEffect) {
	if e.Skew > 0 && slices.ContainsFunc(e.Engagement, func(x float64) bool { return x != 0 }) {
		v.mediator.note("engagement, and so the mediator, is skewed")
	}
}

// slopeTest is the t test of a slope on a normal regressor of units, of which
// strata, arms and covariates leave so many degrees of freedom.
//
// With p_i the share of unit i in the regressor's sum of squares, a robust variance
// estimate is Σ p_i e_i² times 1, 1/(1-h_i) or 1/(1-h_i)², h_i the leverage p_i + 1-m
// and m = left/units. Its expectation and, by Satterthwaite, its degrees of freedom
// depend on the p_i; these are the means over normal regressors, whose residuals have
// a direction without preference: E Σp² = 3m²n/(ν(ν+2)), E Σp³ = 15m³n/(ν(ν+2)(ν+4)).
func (b *closedFormOf) slopeTest(left float64) analytic.Test {
	se := b.method.(estimators.OLS).SE
	if se == estimators.Classical {
		return analytic.Test{DF: left - 1}
	}
	b.note("a robust standard error of a slope has Satterthwaite's degrees of freedom, on average over mediators")
	n, nu := b.all(), left
	m := nu / n
	second := 3 * m * m * n / (nu * (nu + 2))
	third := second * 5 * m / (nu + 4)
	fourth := third * 7 * m / (nu + 6)
	squares := nu * (1 - m) // Σ of the squared projections of one unit on another
	between := m*m*squares/(nu*(nu+2)) - 18*m*m*squares/(nu*(nu+2)*(nu+4)) + 9*math.Pow(m, 4)*n*(n-1)/(nu*(nu+2)*(nu+4)*(nu+6))
	rows := n
	for l := b.unit + 1; l <= b.rows; l++ {
		rows *= b.size[l]
	}
	parameters := b.parameters() + 1
	var t analytic.Test
	var mean, square float64
	switch se {
	case estimators.HC2, estimators.CR2:
		mean, square = 1, second+between/(m*m)
	case estimators.HC3, estimators.CR3:
		mean, square = (1+second/m+third/(m*m))/m, second/(m*m)+2*third/(m*m*m)+between/math.Pow(m, 4)
	default:
		mean, square = m-second, m*m*second-2*m*third+fourth+between
	}
	switch se {
	case estimators.HC1:
		t.Inflation = mean * rows / (rows - parameters)
	case estimators.CR1:
		t.Inflation = mean * n / (n - 1) * (rows - 1) / (rows - parameters)
	default:
		t.Inflation = mean
	}
	t.DF = math.Min(mean*mean/square, left-1)
	switch se {
	case estimators.CR0, estimators.CR1:
		t.CriticalDF = n - 1
	case estimators.HC0, estimators.HC1, estimators.HC2, estimators.HC3:
		t.CriticalDF = rows - parameters
	}
	return t
}

// findLimit finds the design of many units, with its inputs.
func (v *mediatedForm) findLimit(slope, error, variance float64) string {
	m, y := v.mediator, v.outcome
	parts, why := y.parts()
	if why != "" {
		return why
	}
	units, share := y.involved()
	pq := share * (1 - share)
	effect := y.effect()
	total := pq * effect * effect
	for _, p := range parts {
		total += p.before
	}
	top := parts[0].before + pq*effect*effect // variance of units, the arms' difference included
	before := 0.0
	for a, n := range m.units {
		before += n / m.all() * m.mean(m.before[a], m.unit)
	}
	spread := before + pq*m.effect()*m.effect()
	set := map[analytic.Key]float64{
		analytic.P: share, analytic.Alpha: y.study.Alpha, analytic.A: m.effect() / math.Sqrt(spread), analytic.B: slope * math.Sqrt(spread/total),
		analytic.N: 1, analytic.Rho2: 1,
	}
	bottom := parts[len(parts)-1]
	if len(parts) > 1 {
		set[analytic.N], set[analytic.R21] = bottom.units, bottom.r2()
	}
	if len(parts) == 3 {
		v.design = analytic.Find("med321")
		set[analytic.J], set[analytic.K] = parts[1].units, units
		set[analytic.RhoM3], set[analytic.RM3] = 1, 1-variance/spread
		set[analytic.Rho3], set[analytic.Rho2], set[analytic.R22] = top/total, parts[1].before/total, parts[1].r2()
		below := (parts[1].after + bottom.after/bottom.units) / parts[1].units
		set[analytic.R23] = 1 - (error-below)/top
		set[analytic.GM] = y.strata() - 1 + y.armParameters() + float64(m.atUnit)
		set[analytic.G] = y.strata() + y.armParameters() + float64(y.atUnit)
	} else {
		v.design = analytic.Find("med221")
		set[analytic.J] = units
		set[analytic.RM2] = (before - variance) / spread
		set[analytic.Direct] = v.fits.C.Effect / math.Sqrt(total)
		set[analytic.Rho2], set[analytic.R22] = top/total, (parts[0].before-parts[0].after)/top
	}
	v.limit = v.design.Defaults()
	for key, x := range set {
		if slices.Contains(v.design.Keys(), key) {
			if math.Abs(x) < 1e-12 { // rounding
				x = 0
			}
			v.limit[key] = x
		}
	}
	if faults := v.design.Check(v.limit, -1); len(faults) > 0 {
		return faults[0].Error()
	}
	return ""
}

// of is the closed form of a row by its term.
func (v *mediatedForm) of(term string, alpha float64) (*ClosedForm, string) {
	level := analytic.Level{Alpha: alpha, Tails: 2}
	drawn := v.method.Method == estimators.MonteCarlo || v.method.Method == estimators.Simulation
	if v.method.Method == estimators.MediationBootstrap && term != "a" && term != "b" {
		return nil, "resampled clusters have none"
	}
	c := &ClosedForm{Design: v.design, Values: v.limit, MDES: math.NaN(), Limit: math.NaN(), fits: &v.fits}
	limit := v.design.Mediation(v.limit)
	effect, _, _ := strings.Cut(term, "(")
	switch {
	case strings.HasPrefix(term, "indirect(rho"):
		return nil, "errors that correlate have none"
	case term == "a":
		v.a.Approximate = v.mediator.notes
		return v.a, ""
	case term == "b":
		c.Power, c.Limit = v.fits.PowerB(level), limit.B.Power(level)
	case effect == "indirect" || effect == "acme":
		switch v.method.Method {
		case estimators.JointSignificance:
			c.Power, c.Limit = v.fits.Joint(level), limit.Joint(level)
		case estimators.ProductOfCoefficients:
			c.Power, c.Limit = v.fits.Sobel(alpha), limit.Sobel(level)
		default:
			c.Power, c.Limit = v.fits.MonteCarlo(alpha), limit.MonteCarlo(alpha)
			v.mediator.note("percentiles are those of infinitely many draws")
		}
	case effect == "direct" || effect == "ade":
		fits := v.fits
		if v.method.Method == estimators.Simulation {
			fits.C.CriticalDF = math.Inf(1)
		}
		c.Power = fits.Direct(level)
	case term == "total":
		if drawn {
			for i := range v.total.cases {
				v.total.cases[i].CriticalDF = math.Inf(1)
			}
			v.total.Test.CriticalDF = math.Inf(1)
			v.total.Power = v.total.powerFor(v.total.itt, alpha)
			v.total.MDES = v.outcome.detectable(v.total)
		}
		v.outcome.note("its standard error adds up those of the two regressions")
		v.total.Approximate = v.notes()
		return v.total, ""
	default:
		return nil, "a share of effects has none"
	}
	c.Approximate = v.notes()
	return c, ""
}

// notes are those of both regressions.
func (v *mediatedForm) notes() []string {
	all := slices.Clone(v.mediator.notes)
	for _, note := range v.outcome.notes {
		if !slices.Contains(all, note) {
			all = append(all, note)
		}
	}
	return all
}
