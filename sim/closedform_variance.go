package sim

import (
	"fmt"
	"math"
	"slices"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/sim/analytic"
)

// findTest finds what the estimator's standard error takes for error: how units
// differ, or how the contrast differs between groups of strata.
func (b *closedFormOf) findTest() string {
	b.group = b.unit
	switch m := b.method.(type) {
	case estimators.OLS:
		return b.findClusters(m)
	case estimators.Mixed:
		return b.findRandom(m)
	}
	return ""
}

func (b *closedFormOf) findClusters(m estimators.OLS) string {
	if m.Rows != "" && m.Rows != b.rows.String() {
		return "its rows are no " + b.rows.Plural()
	}
	units := b.unit.Plural()
	cluster := b.rows // each row its own
	switch m.SE {
	case estimators.CR0, estimators.CR1, estimators.CR2, estimators.CR3:
		cluster = -1
		for l := dgp.BlockLevel; l <= dgp.TeacherLevel; l++ {
			if m.Cluster == l.String() {
				cluster = l
			}
		}
		if cluster < 0 {
			return "its clusters are not the " + units + " that are randomised"
		}
	case estimators.CR1Fixest:
		return "fixest's count of parameters is none that the formulas have"
	}
	if b.unit == dgp.SchoolLevel && cluster == dgp.TeacherLevel && b.trial.Design.Teachers == 1 {
		cluster = dgp.SchoolLevel // a school is a class
	}
	switch {
	case cluster == b.unit:
		if b.unit != dgp.SchoolLevel && !b.absorbs(b.unit-1) && !(b.trial.Design.Teachers == 1 && b.absorbs(dgp.SchoolLevel)) && b.above(b.unit) > 1 {
			return fmt.Sprintf("its standard error takes differences between %s for error, though %s are randomised within them", (b.unit - 1).Plural(), units)
		}
		return ""
	case cluster > b.unit && m.Cluster == "":
		return "its standard error does not allow for " + units
	case cluster > b.unit:
		return "its clusters are not the " + units + " that are randomised"
	case !b.stratified || !b.within && b.unit == dgp.SchoolLevel:
		return fmt.Sprintf("its clusters are %s, and %s are not randomised within them", cluster.Plural(), units)
	}
	b.group = cluster
	if b.group == dgp.SchoolLevel && b.unit == dgp.ChildLevel && b.trial.Design.Teachers == 1 {
		b.group = dgp.TeacherLevel
	}
	return ""
}

// random reports whether a mixed model has a random intercept of a level.
func (b *closedFormOf) random(l dgp.Level) bool {
	return slices.ContainsFunc(b.formula.Random, func(r estimators.RandomEffect) bool { return r.Level == l.String() && r.Intercept })
}

func (b *closedFormOf) findRandom(m estimators.Mixed) string {
	switch {
	case m.DF == estimators.ResidualDF && b.unit < b.rows:
		return fmt.Sprintf("its degrees of freedom are those of %s, not of %s", b.rows.Plural(), b.unit.Plural())
	case m.Likelihood != estimators.REML:
		return "maximum likelihood takes variances for too small"
	case m.Rows != "" && m.Rows != b.rows.String():
		return "its rows are no " + b.rows.Plural()
	}
	one := b.trial.Design.Teachers == 1
	for _, r := range b.formula.Random {
		if len(r.Slopes) == 0 {
			continue
		}
		level := dgp.Level(-1)
		for l := range b.unit {
			if r.Level == l.String() {
				level = l
			}
		}
		switch {
		case level < 0 || !b.stratified || len(r.Slopes) > 1 || r.Slopes[0].String() != b.target.Arm || b.group != b.unit:
			return "its random slopes are not those of the arm, between units within which " + b.unit.Plural() + " are randomised"
		case !r.Intercept && !b.absorbs(level) && !b.random(level):
			return "it has random slopes without intercepts"
		case len(b.share) > 2:
			return "it has the random slopes of one arm of several"
		}
		if b.group = level; one && level == dgp.SchoolLevel && b.unit == dgp.ChildLevel {
			b.group = dgp.TeacherLevel
		}
		for _, share := range b.share {
			if share*b.size[b.unit] < 2-1e-9 && b.group == b.unit-1 {
				return fmt.Sprintf("with one of its %s in an arm, random slopes and %s cannot be told apart", b.unit.Plural(), b.unit.Plural())
			}
		}
	}
	// Every level from the strata's to the one above the rows has an intercept of
	// its own, or is absorbed, or has no variance of its own.
	has := func(l dgp.Level) bool {
		return b.absorbs(l) || b.random(l) || one && (l == dgp.SchoolLevel && b.random(dgp.TeacherLevel) || l == dgp.TeacherLevel && b.random(dgp.SchoolLevel))
	}
	for l := b.unit; l < b.rows; l++ {
		// The classes of a school need none where schools are randomised: they are
		// balanced in it.
		if l == b.unit && !has(l) {
			return "its random intercepts are not those of " + l.Plural()
		}
	}
	if b.unit > dgp.SchoolLevel && !has(b.unit-1) {
		return "its random intercepts are not those of " + (b.unit - 1).Plural()
	}
	if b.unit == dgp.SchoolLevel {
		for _, r := range b.formula.Random {
			if r.Level != "school" && r.Level != "teacher" && (r.Level != "block" || !b.within) {
				return "its random intercepts are not those of schools"
			}
		}
		if !b.random(dgp.SchoolLevel) && !one && b.rows > dgp.SchoolLevel {
			return "its random intercepts are not those of schools"
		}
	}
	return ""
}

// findVariance works out the variances by level and arm, without covariates and
// given those of the formula, and the means.
func (b *closedFormOf) findVariance() string {
	t := b.trial
	arms := len(t.Design.Arms)
	components := t.ScoreComponents
	if !b.score {
		var err error
		if b.weights, _, err = t.OutcomeWeights(b.outcome, b.share); err != nil {
			return err.Error()
		}
		components = t.Components
	}
	b.before, b.after, b.means = make([]byLevel, arms), make([]byLevel, arms), make([]float64, arms)
	var all []byLevel // about the means of children, where rows are means
	for arm := range b.before {
		before, err := components(b.weights, arm, nil)
		if err != nil {
			return err.Error()
		}
		after, err := components(b.weights, arm, b.given)
		if err != nil {
			return err.Error()
		}
		all = append(all, variances(before))
		b.before[arm], b.after[arm], b.means[arm] = b.fold(variances(before)), b.fold(variances(after)), before.Mean
	}
	if b.takeUp != nil {
		b.received = slices.Clone(b.after)
		for i, v := range [][]byLevel{all, b.before, b.after} {
			if why := b.receive(v, b.means, i > 0); why != "" {
				return why
			}
		}
		shift := b.means[1] - b.means[0]
		for a, p := range b.takeUp {
			b.means[a] = p * shift
		}
	}
	for a, v := range all {
		for _, x := range v {
			b.spread += b.share[a] * x
		}
	}
	if b.score {
		b.checkRatings()
		b.differ = variances(t.ScoreEffectComponents(b.weights, b.contrast))
	} else {
		b.differ = variances(t.EffectComponents(b.weights, b.contrast))
	}
	if b.takeUp != nil { // effects reach those who comply
		compliers := b.takeUp[1] - b.takeUp[0]
		for l := range b.differ {
			b.differ[l] *= compliers * compliers
		}
	}
	b.mergeClass(&b.differ)
	for arm := range b.before {
		b.mergeClass(&b.before[arm])
		b.mergeClass(&b.after[arm])
	}
	for arm := range b.received {
		b.mergeClass(&b.received[arm])
	}
	for _, r := range b.regressors {
		if why := b.relate(r); why != "" {
			return why
		}
		if a := t.Design.Attrition; len(r.means) > 0 && (a.Keep || len(a.Loss.Child.Rate) > 0) {
			b.note("means of " + r.name + " are over children who are lost, too")
		}
		b.explain(r)
	}
	return b.findDifferences()
}

// mergeClass counts a school as its only class where children are assigned.
func (b *closedFormOf) mergeClass(v *byLevel) {
	if b.unit == dgp.ChildLevel && b.trial.Design.Teachers == 1 {
		v[dgp.TeacherLevel] += v[dgp.SchoolLevel]
		v[dgp.SchoolLevel] = 0
	}
}

// checkRatings notes what is not exact of observed quality.
func (b *closedFormOf) checkRatings() {
	if b.trial.Observation.Scale.Integer {
		b.note("ratings are whole numbers")
	}
	all := make([]float64, len(b.weights))
	for k := range all {
		all[k] = 1
	}
	if share := b.trial.RatingsAtLimits(all); share > 0.001 {
		b.note(fmt.Sprintf("up to %s of ratings are at a limit of the scale", percentText(share)))
	}
}

// relate fills a regressor's covariance with the outcome.
func (b *closedFormOf) relate(r *regressor) string {
	t := b.trial
	if base := t.Achievement.Baseline; base != nil && base.Name == r.name {
		weights := b.weights
		if b.score { // it tells nothing of quality
			weights = make([]float64, len(t.Achievement.Tests))
		}
		covariance, variance := t.BaselineComponents(weights)
		r.covariance, r.variance = b.fold(variances(covariance)), b.fold(variances(variance))
		return ""
	}
	if b.given[r.name] > 0 {
		return ""
	}
	return "its formula has means of " + r.name + " without " + r.name + " itself"
}

// findDifferences holds differences of the effect between strata, and between
// units above, against the test.
func (b *closedFormOf) findDifferences() string {
	for l := range b.unit {
		if b.differ[l] > 1e-12 && (b.group == b.unit || l < b.group) {
			return fmt.Sprintf("the effect differs between %s, and its standard error does not allow for it", l.Plural())
		}
	}
	return b.fits()
}

// fits makes sure that the regression's arms have the means of the trial's.
func (b *closedFormOf) fits() string {
	for a := range b.means {
		fitted := 0.0
		for o, n := range b.units {
			fitted += b.leverage[a][o] * n * b.means[o]
		}
		if math.Abs(fitted-b.means[a]) > 1e-9*(1+math.Abs(b.means[a])) {
			return "arms interact, and its formula leaves that out"
		}
	}
	return ""
}

// pooled is the variance at one level such that with it in all arms the contrast
// would have the variance that it has.
func (b *closedFormOf) pooled(v []byLevel, l dgp.Level) float64 {
	top, bottom := 0.0, 0.0
	for a, x := range b.contrast {
		top += x * x / b.units[a] * v[a][l]
		bottom += x * x / b.units[a]
	}
	return top / bottom
}

// unitVariance is the variance of the mean of a unit of an arm.
func (b *closedFormOf) unitVariance(arm int) float64 {
	return b.mean(b.after[arm], b.unit) + b.added
}

// effect is the contrast's mean.
func (b *closedFormOf) effect() float64 {
	sum := 0.0
	for a, x := range b.contrast {
		sum += x * b.means[a]
	}
	return sum
}

// involved returns the number of units in arms that the contrast weighs, and the
// share of those that it adds.
func (b *closedFormOf) involved() (units, share float64) {
	// 1/(p(1-p) units) must be the sum of squares of the contrast over arms' sizes.
	squares, plus, minus := 0.0, 0.0, 0.0
	for a, x := range b.contrast {
		squares += x * x / b.units[a]
		switch {
		case x > 0:
			plus += b.units[a]
		case x < 0:
			minus += b.units[a]
		}
	}
	share = plus / (plus + minus)
	return 1 / (share * (1 - share) * squares), share
}

// A part is a level of a design with the units that it has of the next lower.
type part struct {
	level         dgp.Level
	before, after float64
	units         float64 // per unit of the part above
}

// parts lists the levels from units down to rows; the only class of a school is
// the school.
func (b *closedFormOf) parts() ([]part, string) {
	var all []part
	for l := b.unit; l <= b.rows; l++ {
		p := part{level: l, before: b.pooled(b.before, l), after: b.pooled(b.after, l), units: b.size[l]}
		if l == b.unit {
			p.after += b.added
		}
		if l == dgp.TeacherLevel && l > b.unit && b.size[l] == 1 {
			all[0].before += p.before
			all[0].after += p.after
			continue
		}
		all = append(all, p)
	}
	for i := range all { // an R² below 0 is a loss at the level below
		p := &all[i]
		more := p.after - p.before
		switch {
		case more <= 1e-12*p.before || more < 1e-15:
		case i+1 < len(all):
			p.after = p.before
			all[i+1].after += more * all[i+1].units
		default:
			return nil, "one slope for all levels of a baseline test adds more variance than it takes away: the formula needs its means, as in mean(pretest, school)"
		}
	}
	return all, ""
}

// r2 is the share of the variance at a level that covariates explain.
func (p part) r2() float64 {
	if p.before > 0 {
		return math.Max(0, 1-p.after/p.before)
	}
	return 0
}

// find sets the design with its inputs.
func (b *closedFormOf) find(c *ClosedForm) string {
	parts, why := b.parts()
	if why != "" {
		return why
	}
	var up []dgp.Level // from the strata to the group
	if b.group < b.unit {
		for l := b.unit - 1; l >= b.group; l-- {
			up = append(up, l)
		}
	}
	strata := b.within && b.above(b.unit) > 1
	names := map[[2]int]string{ // by levels from units to rows, and of groups; -1 are fixed strata
		{1, 0}: "ira1", {1, -1}: "bira2c1", {1, 1}: "bira2", {1, 2}: "bira3",
		{2, 0}: "cra2", {2, -1}: "bcra3c2", {2, 1}: "bcra3r2", {2, 2}: "bcra4r2",
		{3, 0}: "cra3", {3, -1}: "bcra4c3", {3, 1}: "bcra4r3",
	}
	kind := len(up)
	if kind == 0 && strata {
		kind = -1
	}
	name := names[[2]int{len(parts), kind}]
	if name == "" {
		return "there are more levels than the formulas have"
	}
	design := analytic.Find(name)
	c.Design, c.Values = design, design.Defaults()
	// What is above the units, within the groups.
	above := make([]float64, len(up))
	total := 0.0
	for i, l := range up {
		above[i] = b.pooled(b.before, l)
		total += above[i]
	}
	if kind == -1 && name != "bcra4c3" && len(parts) > 1 { // SDs over all strata
		for l := range b.unit {
			total += b.pooled(b.before, l)
		}
	}
	top := total
	for _, p := range parts {
		total += p.before
	}
	units, share := b.involved()
	set := map[analytic.Key]float64{
		analytic.P: share, analytic.Alpha: b.study.Alpha, analytic.ES: b.effect() / math.Sqrt(total),
	}
	c.sd, c.itt = math.Sqrt(total), b.effect()/math.Sqrt(total)
	if b.takeUp != nil { // the effect of those who comply
		set[analytic.TakeUp], set[analytic.Crossover] = b.takeUp[1], b.takeUp[0]
		set[analytic.ES] /= b.takeUp[1] - b.takeUp[0]
	}
	sizes := []analytic.Key{analytic.N, analytic.J, analytic.K, analytic.L}
	rho := []analytic.Key{0, analytic.Rho2, analytic.Rho3, analytic.Rho4}
	omega := []analytic.Key{0, analytic.Omega2, analytic.Omega3, analytic.Omega4}
	r2 := []analytic.Key{analytic.R21, analytic.R22, analytic.R23, analytic.R24}
	covariates := []analytic.Key{analytic.G1, analytic.G2, analytic.G3, analytic.G4}
	own := len(parts) - 1 // the units' place
	for i, p := range parts {
		at := own - i
		set[r2[at]] = p.r2()
		if i > 0 {
			set[sizes[at]] = p.units
		}
		if at > 0 {
			set[rho[at]] = p.before / total
		}
	}
	set[sizes[own]] = units
	if kind == 0 || kind == -1 {
		set[covariates[own]] = float64(b.atUnit)
	}
	if kind == -1 {
		set[sizes[own]], set[sizes[own+1]] = units/b.above(b.unit), b.above(b.unit)
		if len(parts) > 1 && name != "bcra4c3" {
			set[rho[own+1]] = top / total
		}
	}
	for i, l := range up {
		at := own + 1 + i
		set[sizes[at]] = b.size[l]
		if i+1 == len(up) {
			set[sizes[at]] = b.above(l) * b.size[l]
		}
		set[rho[at]] = above[i] / total
		set[omega[at]] = 0
		if differ := b.differ[l]; differ > 1e-12 {
			if above[i] == 0 {
				return fmt.Sprintf("effects differ between %s, which do not differ otherwise", l.Plural())
			}
			set[omega[at]] = differ / above[i]
		}
	}
	if len(up) > 0 {
		set[sizes[own]] = units / b.above(b.unit)
	}
	if b.rows == dgp.ChildLevel {
		set[analytic.CV] = b.cv
	}
	if !b.mixed {
		set[analytic.OLS] = 1
	}
	for key, x := range set {
		if slices.Contains(design.Keys(), key) {
			c.Values[key] = x
		}
	}
	if faults := design.Check(c.Values, -1); len(faults) > 0 {
		return faults[0].Error()
	}
	return ""
}

// percentText writes a share with one decimal.
func percentText(x float64) string { return fixed(100*x, 1) + "%" }
