package sim

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/stat/distuv"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/sim/analytic"
)

func (b *closedFormOf) finish() (*ClosedForm, string) {
	c := &ClosedForm{Limit: math.NaN()}
	if why := b.find(c); why != "" {
		return nil, why
	}
	units, probability := b.cases()
	for i, left := range units {
		at := b
		if len(units) > 1 {
			at = b.withUnits(left)
		}
		one := formCase{probability: probability[i], Test: c.Design.Test(c.Values)}
		one.SE *= math.Sqrt(at.contrastVariance() / b.contrastVariance())
		if one.DF = at.all() - at.strata() - at.armParameters() - float64(at.atUnit); at.group < at.unit {
			one.DF = at.groups() - 1
		}
		alone := false // an arm of a single unit has no variance of its own
		for a, x := range at.contrast {
			alone = alone || x != 0 && at.units[a] < 2-1e-9
		}
		if !(one.DF > 0) || len(units) > 1 && alone {
			if len(units) == 1 {
				return nil, fmt.Sprintf("no degrees of freedom are left among %s", b.group.Plural())
			}
			continue // the fit fails
		}
		if !at.mixed {
			at.robust(&one.Test)
		}
		if at.wald {
			at.instrument(&one.Test)
		}
		covariates := 0.0
		if at.group == at.unit {
			covariates = float64(at.atUnit)
		}
		one.chance = chanceShares(covariates, at.all()-at.strata()-(at.armParameters()-1))
		c.cases = append(c.cases, one)
		if i == 0 || probability[i] > c.likeliest {
			c.Test, c.likeliest = one.Test, probability[i]
		}
	}
	c.Power = c.powerFor(c.itt, b.study.Alpha)
	b.approximate()
	c.Approximate = b.notes
	c.MDES = b.detectable(c)
	return c, ""
}

// contrastVariance is the variance of the contrast that units bring.
func (b *closedFormOf) contrastVariance() float64 {
	sum := 0.0
	for a, x := range b.contrast {
		if x != 0 {
			sum += x * x * b.unitVariance(a) / b.units[a]
		}
	}
	return sum
}

// instrument gives the test of two-stage least squares the standard error that it
// has: that of y - βd, which take-up does not make more variable.
func (b *closedFormOf) instrument(t *analytic.Test) {
	own := 0.0
	for a, x := range b.contrast {
		v := (1-b.takeUp[a])*b.mean(b.received[0], b.unit) + b.takeUp[a]*b.mean(b.received[1], b.unit) + b.added
		own += x * x * v / b.units[a]
	}
	if t.Inflation == 0 {
		t.Inflation = 1
	}
	t.Inflation *= own / b.contrastVariance()
}

// detectable is the smallest effect found with power MDESPower, in the units of the
// row's truth.
func (b *closedFormOf) detectable(c *ClosedForm) float64 {
	itt := c.mdes(MDESPower, b.study.Alpha) * c.sd
	a, o := b.trial.Achievement, b.trial.Observation
	points := a.Points
	if b.score {
		points = o.Points
	}
	if !points { // SDs of the data set, to which the effect itself adds
		mean, square := 0.0, 0.0
		for arm, x := range b.share {
			m := b.means[arm]
			if b.effect() != 0 {
				m *= itt / b.effect()
			} else {
				m = b.contrast[arm] * itt / 2
			}
			mean, square = mean+x*m, square+x*m*m
		}
		itt /= math.Sqrt(b.spread + square - mean*mean)
	}
	if b.iv {
		itt /= b.takeUp[1] - b.takeUp[0]
	}
	return itt
}

// groups is the number of units of the group's level.
func (b *closedFormOf) groups() float64 { return b.above(b.group) * b.size[b.group] }

// robust gives a test the expectation and the degrees of freedom of the
// regression's variance estimate.
//
// With clusters in which every arm has its share, all kinds are multiples of the
// variance of the clusters' contrasts. Else a unit of arm a enters with its squared
// residual times a weight, d_a = (c_a/n_a)² times 1, 1/(1-h) or 1/(1-h)², h being
// the leverage of the unit's mean: the estimate is e'De, of expectation tr(DMΣ)
// and, by Satterthwaite, 2 tr(DMΣ)²/Var degrees of freedom. Where each arm has a
// mean of its own and there are no strata, that is Welch's; where the leverages are
// equal, it is exact.
func (b *closedFormOf) robust(t *analytic.Test) {
	se := b.method.(estimators.OLS).SE
	rows := b.all()
	for l := b.unit + 1; l <= b.rows; l++ {
		rows *= b.size[l]
	}
	// Parameters at the level of units, and all.
	atTop := b.strata() + b.armParameters() + float64(b.atUnit)
	parameters := b.parameters()
	clusters := b.groups()
	if b.group == b.unit {
		clusters = b.all()
	}
	if se == estimators.CR0 || se == estimators.CR1 {
		t.CriticalDF = clusters - 1
	}
	factor := 1.0 // of all residuals
	switch se {
	case estimators.CR1:
		factor = clusters / (clusters - 1) * (rows - 1) / (rows - parameters)
	case estimators.HC1:
		factor = rows / (rows - parameters)
	case estimators.HC0, estimators.HC2, estimators.HC3, estimators.Classical:
	}
	if se < estimators.CR0 {
		t.CriticalDF = rows - parameters
	}
	power := 0.0 // of 1/(1-h) in the weight
	switch se {
	case estimators.HC2, estimators.CR2:
		power = 1
	case estimators.HC3, estimators.CR3:
		power = 2
	}
	if b.group < b.unit {
		t.Inflation = factor * math.Pow(1-1/clusters, 1-power)
		return
	}
	if se == estimators.Classical {
		t.DF = rows - parameters
		return
	}
	extra := float64(b.atUnit) / b.all() // mean leverage of covariates
	leverage := func(arm int) float64 { return b.leverage[arm][arm] + (b.strata()-1)/b.all() }
	weight := func(arm int) float64 {
		x := b.contrast[arm] / b.units[arm]
		return factor * x * x * math.Pow(1-leverage(arm)-extra, -power)
	}
	mean, true2, average := 0.0, 0.0, 0.0
	for a, x := range b.contrast {
		true2 += x * x * b.unitVariance(a) / b.units[a]
		average += b.units[a] / b.all() * b.unitVariance(a)
	}
	welch := b.saturated && b.strata() == 1
	variance := func(arm int) float64 {
		if welch {
			return b.unitVariance(arm)
		}
		return average
	}
	for a := range b.contrast {
		mean += b.units[a] * weight(a) * (1 - leverage(a) - extra) * variance(a)
	}
	t.Inflation = mean / true2
	t.DF = b.satterthwaite(weight, variance, welch) - float64(b.atUnit)
	if t.CriticalDF == 0 { // the estimator takes all clusters for alike
		t.CriticalDF = b.satterthwaite(weight, func(int) float64 { return 1 }, welch) - float64(b.atUnit)
	}
	if math.Abs(t.DF-(b.all()-atTop)) < 1e-6 {
		t.DF = b.all() - atTop
	}
}

// parameters is the number of the regression's coefficients, absorbed ones included.
func (b *closedFormOf) parameters() float64 {
	n := 1 + float64(len(b.formula.Terms))
	for l := dgp.BlockLevel; l <= dgp.TeacherLevel; l++ {
		if b.formula.Absorb == l.String() {
			n += b.above(l)*b.size[l] - 1
		}
	}
	return n
}

// satterthwaite returns the degrees of freedom of Σ weight × residual² over
// units, given their variances by arm.
func (b *closedFormOf) satterthwaite(weight, variance func(arm int) float64, welch bool) float64 {
	mean, square := 0.0, 0.0
	if welch {
		for a, n := range b.units {
			part := weight(a) * (n - 1) * variance(a)
			mean += part
			if n > 1 {
				square += part * part / (n - 1)
			}
		}
		return mean * mean / square
	}
	// M = I - H is 1{same unit} - 1{same stratum}/J + 1/G - h_ab.
	all, strata := b.all(), b.strata()
	for a, n := range b.units {
		own := 1 - strata/all + 1/all - b.leverage[a][a]
		mean += n * weight(a) * own
		square += n * weight(a) * weight(a) * own * own
		for o, m := range b.units {
			near := -strata/all + 1/all - b.leverage[a][o]
			far := 1/all - b.leverage[a][o]
			neighbours := m / strata
			if a == o {
				neighbours--
			}
			square += n * weight(a) * weight(o) * (neighbours*near*near + (m-m/strata)*far*far)
		}
	}
	return mean * mean / square
}

// A formCase is the test with one number of units, and its probability.
type formCase struct {
	analytic.Test
	probability float64
	// chance has the shares of the contrast's precision that chance differences
	// between the arms in covariates of units may leave.
	chance []analytic.Share
}

// chanceShares lists shares that g covariates of units leave of the contrast's
// precision: with normal covariates it is Beta((D-g)/2, g/2), D the degrees of
// freedom among units without them and the contrast. With the share cos²θ, θ has
// the density cos^(D-g-1) sin^(g-1), and its range is cut where less than 1e-11 is
// beyond.
func chanceShares(g, among float64) []analytic.Share {
	if g == 0 {
		return []analytic.Share{{Value: 1, Probability: 1}}
	}
	law := distuv.Beta{Alpha: (among - g) / 2, Beta: g / 2}
	end := math.Acos(math.Sqrt(law.Quantile(1e-11)))
	nodes, weights := make([]float64, 16), make([]float64, 16)
	quad.Legendre{}.FixedLocations(nodes, weights, 0, end)
	all, sum := make([]analytic.Share, len(nodes)), 0.0
	for i, angle := range nodes {
		cos := math.Cos(angle)
		all[i] = analytic.Share{Value: cos * cos, Probability: weights[i] * math.Pow(cos, among-g-1) * math.Pow(math.Sin(angle), g-1)}
		sum += all[i].Probability
	}
	for i := range all {
		all[i].Probability /= sum
	}
	return all
}

// powerFor is the power for an effect of assignment in the design's SDs, an
// average over what may be left, of units and of precision.
func (c *ClosedForm) powerFor(es, alpha float64) float64 {
	level := analytic.Level{Alpha: alpha, Tails: 2}
	power := 0.0
	for _, one := range c.cases {
		power += one.probability * one.AveragePower(es, one.chance, level)
	}
	return power
}

// mdes is the effect of assignment, in the design's SDs, with a power: the root of
// powerFor by the method of Illinois, a secant that keeps the root between its ends.
func (c *ClosedForm) mdes(power, alpha float64) float64 {
	short := func(es float64) float64 { return c.powerFor(es, alpha) - power }
	low, high := 0.0, 2.8*c.Test.SE
	below, above := short(low), short(high)
	for above < 0 {
		low, below = high, above
		high *= 2
		if above = short(high); high > 1e6*c.Test.SE {
			return math.NaN()
		}
	}
	for side := 0; high-low > 1e-9*high; {
		at := (low*above - high*below) / (above - below)
		switch x := short(at); {
		case math.Abs(x) < 1e-11:
			return at
		case x < 0:
			if low, below = at, x; side < 0 {
				above /= 2
			}
			side = -1
		default:
			if high, above = at, x; side > 0 {
				below /= 2
			}
			side = 1
		}
	}
	return high
}

// approximate notes where the formula is no exact description.
func (b *closedFormOf) approximate() {
	if b.wald {
		b.note("an estimate by an instrument is normal only about")
	}
	if b.cv > 0 && !b.score {
		b.note("classes are of unequal size")
	}
	units := b.unit.Plural()
	ols, _ := b.method.(estimators.OLS)
	robust := !b.mixed && ols.SE != estimators.Classical
	if robust && b.group == b.unit && b.atUnit > 0 && b.unit < dgp.ChildLevel {
		b.note(fmt.Sprintf("covariates of %s make cluster-robust degrees of freedom differ a little from %s less parameters", units, units))
	}
	unequal, sizes, compared := false, false, -1
	for a, x := range b.contrast {
		if x == 0 && (!b.mixed || b.group < b.unit) {
			continue
		}
		if compared < 0 {
			compared = a
			continue
		}
		unequal = unequal || math.Abs(b.unitVariance(a)/b.unitVariance(compared)-1) > 1e-9
		sizes = sizes || math.Abs(b.units[a]/b.units[compared]-1) > 1e-9
	}
	if b.group == b.unit {
		switch {
		case unequal && (!robust || b.within):
			b.note("the arms' variances differ")
		case robust && !b.within && (sizes || unequal):
			b.note("arms of unequal size or variance have Welch's test, by Satterthwaite's approximation")
		case robust && (sizes || slices.Contains(b.contrast, 0)) && b.within:
			b.note("the variance estimate's distribution is Satterthwaite's approximation")
		}
	}
	if b.mixed {
		b.checkBoundary()
	}
	for name := range b.given {
		i := slices.IndexFunc(b.trial.Covariates, func(c dgp.Covariate) bool { return c.Name == name })
		if cov := b.trial.Covariates[i]; cov.Level != dgp.ChildLevel {
			if _, normal := cov.Law.(dgp.Normal); !normal {
				b.note("covariates of schools or teachers are not normal")
				break
			}
		}
	}
}

// checkBoundary notes how often restricted likelihood puts a negative variance
// at 0: the test is another one then. A variance is negative where the mean square
// of its own stratum is below that of the next.
func (b *closedFormOf) checkBoundary() {
	if b.group < b.unit {
		// Of the effect between groups: the contrast's mean square against that of
		// units within strata.
		own := 0.0
		for a, x := range b.contrast {
			own += x * x * b.unitVariance(a) / b.units[a]
		}
		rows := b.all() - b.strata() - b.armParameters()*b.groups()
		between := own
		for l := b.group; l < b.unit; l++ {
			between += b.differ[l] / (b.above(l) * b.size[l])
		}
		if rows > 0 {
			b.noteBoundary("the effect between "+b.group.Plural(), b.groups()-1, rows, own/between)
		}
		return
	}
	below := b.unit + 1
	for below < b.rows && b.size[below] == 1 {
		below++
	}
	if below > b.rows {
		return
	}
	df := b.all() - b.strata() - b.armParameters()
	units := b.all()
	for l := b.unit + 1; l < below; l++ {
		units *= b.size[l]
	}
	ratio := b.mean(b.after[0], below) / b.size[below] / b.mean(b.after[0], b.unit)
	b.noteBoundary(b.unit.Plural(), df, units*(b.size[below]-1), ratio)
}

func (b *closedFormOf) noteBoundary(of string, df, below, ratio float64) {
	if !(df > 0 && below > 0) {
		return
	}
	if p := (distuv.F{D1: df, D2: below}).CDF(ratio); p > 0.001 {
		b.note(fmt.Sprintf("in %s of trials the variance of %s is estimated at 0", percentText(p), of))
	}
}
