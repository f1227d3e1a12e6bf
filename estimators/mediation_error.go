package estimators

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"coachsim/dgp"
)

// MeasurementError says how slopes on mediators are corrected for their error.
//
// A score is M = Q + u, u independent of all else, with the covariance Σ between
// mediators. Regression on M takes λQ for M, λ the conditional reliability. Given
// reliabilities Σ is (1 - reliability) Var(M), without covariances; else it is
// estimated from replicates of the score in the same class, its days or, of one day,
// its segments: Σ = W/r, W the covariance of r replicates within classes, pooled. What
// replicates of a class share, such as the severity of the coder, is then no error.
type MeasurementError struct {
	Method      ErrorMethod `yaml:"method" doc:"how slopes are corrected: moments, regression-calibration, simex, split-half or factor-score"`
	Reliability []float64   `yaml:"reliability" gt:"0" max:"1" doc:"known reliability of each mediator; by default error is estimated from the days of observation or, of one day, the segments"`
	Draws       int         `yaml:"draws,omitempty" min:"2" max:"9999" doc:"draws of simex, each added at its four levels of error; 50 by default"`
}

// key tells corrections apart.
func (e *MeasurementError) key() string {
	if e == nil {
		return ""
	}
	return fmt.Sprint(*e)
}

// ErrorMethod is a way to correct slopes for error in their regressor.
type ErrorMethod uint8

// The methods.
const (
	// ErrorMoments takes the error's part off the cross-products of the mediators
	// (errors-in-variables regression; Fuller 1987, section 2.2).
	ErrorMoments ErrorMethod = iota
	// RegressionCalibration replaces scores by their best linear prediction of Q
	// from the score, the arm and the covariates of the mediators' regression
	// (Carroll, Ruppert, Stefanski and Crainiceanu 2006, ch. 4).
	RegressionCalibration
	// SIMEX adds error at four levels, and extrapolates a parabola back to none
	// (Cook and Stefanski 1994).
	SIMEX
	// SplitHalf takes the score of one half of the replicates as instrument for
	// that of the other, and the mean of both ways.
	SplitHalf
	// FactorScore replaces scores by regression factor scores: predictions of Q from
	// all scores, without arm and covariates (Skrondal and Laake 2001).
	FactorScore
	errorMethods
)

var errorMethodNames = [errorMethods]string{"moments", "regression-calibration", "simex", "split-half", "factor-score"}

func (m ErrorMethod) String() string {
	if m >= errorMethods {
		return fmt.Sprintf("ErrorMethod(%d)", uint8(m))
	}
	return errorMethodNames[m]
}

// MarshalText writes the name.
func (m ErrorMethod) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads a name; case does not matter.
func (m *ErrorMethod) UnmarshalText(text []byte) error {
	for i, name := range errorMethodNames {
		if strings.EqualFold(string(text), name) {
			*m = ErrorMethod(i)
			return nil
		}
	}
	return fmt.Errorf("%q is no correction for measurement error; those are %s", text, strings.Join(errorMethodNames[:], ", "))
}

// Names lists the methods.
func (ErrorMethod) Names() []string { return errorMethodNames[:] }

// simexLevels are the variances of the error added, in those of the error there is,
// and simexDraws the usual number of draws, each added at all levels.
var simexLevels = [...]float64{0.5, 1, 1.5, 2}

const simexDraws = 50

// checkError refuses options that do not go with a correction.
func (v *mediationModel) checkError() error {
	e := v.Error
	if e == nil {
		return nil
	}
	switch {
	case v.Method == SequentialG || v.Method == MediationBootstrap:
		return keyError("error", fmt.Errorf("%s has no correction for measurement error; those of the paths do: product, joint, monte-carlo and simulation", v.Method))
	case len(v.Rho) > 0:
		return keyError("rho", fmt.Errorf("the indirect effect at a correlation of errors is that of mediators without measurement error; leave rho or error out"))
	case v.SE != CR0 && v.SE != CR1:
		return keyError("se", fmt.Errorf("slopes corrected for measurement error have standard errors by clusters, CR0 or CR1; this is %s", v.SE))
	case e.Reliability != nil && e.Method == SplitHalf:
		return keyError("error.reliability", fmt.Errorf("%s needs none: one half of the replicates is the other's instrument", e.Method))
	case e.Reliability != nil && len(e.Reliability) != len(v.mediators.Outcomes):
		return keyError("error.reliability", fmt.Errorf("one for each of the %d mediators is needed; here are %d", len(v.mediators.Outcomes), len(e.Reliability)))
	case e.Draws != 0 && e.Method != SIMEX:
		return keyError("error.draws", fmt.Errorf("only %s draws; this is %s", SIMEX, e.Method))
	}
	for i, x := range e.Reliability {
		if !(x > 0 && x <= 1) {
			return keyError(fmt.Sprintf("error.reliability[%d]", i), fmt.Errorf("%v: must be above 0 and at most 1", x))
		}
	}
	return nil
}

// correctedPaths corrects the coefficients of paths for error in the mediators.
type correctedPaths struct {
	MeasurementError
	paths        *paths
	regression   *classRegression
	product      []int     // by mediator: its product with the arm among the focal columns, or -1
	arm          int       // the arm among them
	places       []int     // by focal column: place in path.value
	replicates   [][][]int // by replicate and mediator: the columns that are averaged; nil for known reliabilities
	columns      []int     // by mediator: place of the term among outcome.terms
	center       []float64 // by mediator, then of the arm
	source       *dgp.Source
	purpose      dgp.Purpose
	extrapolated [len(simexLevels) + 1]float64 // weight of the estimate at each level, 0 first

	score     [][]float64    // by mediator and class
	ratings   [][][]float64  // by replicate, mediator and class: mean of the ratings, in points
	whole     [][]float64    // by mediator and class: mean of the replicates
	half      [2][][]float64 // by mediator and class: mean of every other replicate, as the score
	unit      []float64      // by mediator: units of the score to a point
	treated   []float64
	f, w      [][]float64 // focal columns and instruments, by class
	used      [][]float64 // by mediator: in the place of scores
	parts     [][]float64 // by pair of mediators and class: what the class tells of Σ
	residual  [][]float64 // by mediator and class: less the mean, or what its regression leaves
	sigma     []float64   // Σ
	lambda    []float64
	shrink    []float64 // ΣS⁻¹
	inverse   *cholesky
	root      *cholesky
	raw       []float64
	scores    []float64 // by cluster and focal column
	theta     []float64
	onArm     []float64 // by mediator and cluster: influence on a
	influence []float64 // by cluster and focal column
	left      []float64 // scratch: A(y - Fθ)
	derived   []float64 // scratch: of a derivative
	slope     []float64
	repeated  *repeatedFits // of SIMEX
}

// newCorrectedPaths binds a correction; nil without one.
func (v *mediationModel) newCorrectedPaths(p *paths, y *olsBinding) (*correctedPaths, error) {
	if v.Error == nil {
		return nil, nil
	}
	s, core := v.setup, y.l.core
	c := &correctedPaths{MeasurementError: *v.Error, paths: p, columns: p.means[1:], source: dgp.NewSource(), purpose: dgp.EstimatorPurpose("error in " + p.key)}
	if c.Draws == 0 {
		c.Draws = simexDraws
	}
	focal := slices.Clone(c.columns)
	for k := range p.k {
		c.places = append(c.places, p.placeB(k))
	}
	for k, product := range v.products {
		c.product = append(c.product, -1)
		if product {
			t := interact(v.arm, v.mediator(k))
			c.product[k] = len(focal)
			focal = append(focal, slices.IndexFunc(y.formula.Terms, t.same))
			c.places = append(c.places, p.placeG(k))
		}
	}
	c.arm = len(focal)
	focal, c.places = append(focal, p.means[0]), append(c.places, p.placeC())
	c.center = append(slices.Clone(p.centers[1:]), p.centers[0])
	for k, o := range v.mediators.Outcomes {
		name := plainName(o.Variable)
		if name == "" {
			return nil, keyError("mediator", &SyntaxError{Offset: o.Pos, Message: fmt.Sprintf("the error of %s is not known, a function of columns; correction is of scores as they are", o.Text)})
		}
		place, err := s.resolve(o.Variable)
		if err != nil {
			return nil, keyError("mediator", err)
		}
		if s.level(place) != core.group || p.mediator.core.key.rows != core.group {
			return nil, keyError("mediator", &SyntaxError{Offset: o.Pos, Message: fmt.Sprintf("%s varies between %s, and the regression has groups of %s: correction is of scores of the smallest units above the rows", o.Text, s.level(place).Plural(), core.group.Plural())})
		}
		if c.Reliability == nil {
			if err := c.findReplicates(s, v, k); err != nil {
				return nil, err
			}
		}
	}
	for _, u := range focal {
		if core.terms[y.l.terms[u]].basis != 0 {
			return nil, keyError("treatment", fmt.Errorf("the arm varies within %s; correction is for arms that do not", core.group.Plural()))
		}
	}
	if p.naive.regression == nil {
		p.naive.regression = newClassRegression(y.l, focal)
	}
	c.regression = p.naive.regression
	c.extrapolated = parabola()
	return c, nil
}

// plainName is the column that a variable is, "" for a function.
func plainName(v Variable) string {
	if v.Call != nil {
		return ""
	}
	return v.Name
}

// findReplicates finds the replicates of a mediator: its days or, of one day, its
// segments.
func (c *correctedPaths) findReplicates(s *Setup, v *mediationModel, k int) error {
	if c.paths.domains == nil {
		return keyError("error.reliability", fmt.Errorf("is needed: %s scores no domain of quality, and has no ratings", v.mediators.Outcomes[k].Text))
	}
	var replicates [][]int
	for _, domain := range c.paths.domains[k] {
		days := s.ratings(domain)
		if len(days) == 0 {
			return keyError("error.reliability", fmt.Errorf("is needed: the data have no ratings of %s", domain))
		}
		if len(days) == 1 {
			days = nil
			for _, segment := range s.ratings(domain)[0] {
				days = append(days, [][]int{segment})
			}
		}
		if len(days) < 2 {
			return keyError("error.reliability", fmt.Errorf("is needed: %s is rated once, on one day in one segment", domain))
		}
		for r, day := range days {
			if r == len(replicates) {
				replicates = append(replicates, nil)
			}
			replicates[r] = append(replicates[r], slices.Concat(day...)...)
		}
	}
	for r, columns := range replicates {
		if r == len(c.replicates) {
			c.replicates = append(c.replicates, nil)
		}
		c.replicates[r] = append(c.replicates[r], columns)
	}
	return nil
}

// parabola returns the weights with which the estimates at the levels of SIMEX, that
// without added error first, make the parabola through them, by least squares, at -1.
func parabola() [len(simexLevels) + 1]float64 {
	var x, w [len(simexLevels) + 1]float64
	copy(x[1:], simexLevels[:])
	// Orthogonal polynomials of degree 0 to 2 on the levels.
	p := [3][len(x)]float64{}
	at := [3]float64{}
	for d := range p {
		value := func(z float64) float64 { return math.Pow(z, float64(d)) }
		for i := range x {
			p[d][i] = value(x[i])
		}
		at[d] = value(-1)
		for j := range d {
			along, square := 0.0, 0.0
			for i := range x {
				along += p[d][i] * p[j][i]
				square += p[j][i] * p[j][i]
			}
			for i := range x {
				p[d][i] -= along / square * p[j][i]
			}
			at[d] -= along / square * at[j]
		}
	}
	for d := range p {
		square := 0.0
		for i := range x {
			square += p[d][i] * p[d][i]
		}
		for i := range w {
			w[i] += at[d] * p[d][i] / square
		}
	}
	return w
}

func (c *correctedPaths) allocate(shape dgp.Shape) {
	p, m := c.paths, c.regression.focal
	groups := shape.Max[p.outcome.core.group]
	c.regression.allocate(groups)
	columns := func(n int) [][]float64 { return columns(n, groups) }
	c.score, c.half, c.treated = columns(p.k), [2][][]float64{columns(p.k), columns(p.k)}, make([]float64, groups)
	c.f, c.w, c.used = columns(m), columns(m), columns(p.k)
	c.parts, c.residual = columns(p.k*p.k), columns(p.k)
	c.sigma, c.shrink = make([]float64, p.k*p.k), make([]float64, p.k*p.k)
	c.lambda, c.slope = make([]float64, m*m), make([]float64, m)
	c.inverse, c.root = newCholesky(p.k), newCholesky(p.k)
	c.raw = make([]float64, p.k)
	c.scores, c.influence = make([]float64, groups*m), make([]float64, groups*m)
	c.left, c.derived = make([]float64, groups), make([]float64, m)
	c.theta, c.onArm = make([]float64, m), make([]float64, p.k*groups)
	c.whole, c.unit = columns(p.k), make([]float64, p.k)
	for range c.replicates {
		c.ratings = append(c.ratings, columns(p.k))
	}
	if c.Method == SIMEX {
		c.repeated = newRepeatedFits(c, groups)
	}
}

// correct corrects the paths to every outcome, after they are fitted.
func (c *correctedPaths) correct(s *Setup) {
	p := c.paths
	l := p.outcome
	if !p.found[0].tests[p.placeB(0)].Status.Worked() || !p.found[0].tests[0].Status.Worked() {
		c.fail(failedStatus(p))
		return
	}
	c.load(s)
	c.blank()
	c.findArms()
	status := OK
	if c.regression.load(); !c.regression.complete {
		status = Reduced
	}
	if c.Method != SplitHalf {
		status = max(status, c.findError())
	}
	for i := range p.found {
		if !status.Worked() {
			c.failPath(i, status)
			continue
		}
		c.regression.regress(l.outcomes[i])
		if of := c.solve(s); !of.Worked() {
			c.failPath(i, of)
			continue
		}
		c.report(&p.found[i], l, status)
	}
}

// failedStatus is why the paths are not there.
func failedStatus(p *paths) Status {
	if status := p.found[0].tests[0].Status; !status.Worked() {
		return status
	}
	return p.found[0].tests[p.placeB(0)].Status
}

func (c *correctedPaths) fail(status Status) {
	for i := range c.paths.found {
		c.failPath(i, status)
	}
}

func (c *correctedPaths) failPath(i int, status Status) {
	for _, place := range c.places {
		c.paths.found[i].tests[place] = failed(status)
	}
}

// load reads arm, scores and replicates of every class.
func (c *correctedPaths) load(s *Setup) {
	p, core, l := c.paths, c.paths.outcome.core, c.paths.outcome
	for g := range core.groups {
		c.treated[g] = core.value(g, l.terms[p.means[0]]) + c.center[p.k]
		for k, at := range c.columns {
			c.score[k][g] = core.value(g, l.terms[at]) + c.center[k]
		}
	}
	// Replicates are in points; halves are brought to the unit of the score.
	n := float64(len(c.replicates))
	for k := range p.k {
		if c.replicates == nil {
			return
		}
		for g := range core.groups {
			c.whole[k][g], c.half[0][k][g], c.half[1][k][g] = 0, 0, 0
			for r, of := range c.replicates {
				sum := 0.0
				for _, column := range of[k] {
					sum += s.data.Columns[column][g]
				}
				x := sum / float64(len(of[k]))
				c.ratings[r][k][g] = x
				c.whole[k][g] += x / n
				c.half[r%2][k][g] += x / math.Floor((n+1-float64(r%2))/2)
			}
		}
		// The score is an affine function of the whole: standardised, or in points.
		c.unit[k] = math.Sqrt(varianceOf(core, c.score[k]) / varianceOf(core, c.whole[k]))
		from, to := mean(core, c.whole[k]), mean(core, c.score[k])
		for h := range c.half {
			for g := range core.groups {
				c.half[h][k][g] = to + c.unit[k]*(c.half[h][k][g]-from)
			}
		}
	}
}

// blank puts 0 in classes without rows, whose scores may be missing.
func (c *correctedPaths) blank() {
	for g, active := range c.paths.outcome.core.active[:c.paths.outcome.core.groups] {
		if active {
			continue
		}
		c.treated[g] = 0
		for k := range c.score {
			c.score[k][g], c.half[0][k][g], c.half[1][k][g] = 0, 0, 0
		}
	}
}

// findArms puts the influences on the effects on mediators in the order of the
// outcomes' clusters. A cluster without outcomes has no influence on both.
func (c *correctedPaths) findArms() {
	p, a, y := c.paths, c.paths.mediator, c.paths.outcome
	clear(c.onArm)
	for g := range y.core.groups {
		if y.core.active[g] && a.core.active[g] {
			for k := range p.k {
				c.onArm[k*p.most+y.clusterOf[g]] = p.scores[k*p.most+a.clusterOf[g]]
			}
		}
	}
}

// findError estimates Σ, and what each class tells of it.
func (c *correctedPaths) findError() Status {
	p, core := c.paths, c.paths.outcome.core
	for k := range p.k {
		for l := range p.k {
			part := c.parts[k*p.k+l]
			switch {
			case c.replicates != nil:
				c.fromReplicates(part, k, l)
			case k != l:
				clear(part)
			default:
				c.fromReliability(part, k)
			}
			c.sigma[k*p.k+l] = mean(core, part)
			if x := c.sigma[k*p.k+l]; math.IsNaN(x) || math.IsInf(x, 0) {
				return NotFinite
			}
		}
	}
	return OK
}

// fromReliability fills part with the classes' parts of (1 - reliability) Var(M).
func (c *correctedPaths) fromReliability(part []float64, k int) {
	core := c.paths.outcome.core
	center, n := mean(core, c.score[k]), classes(core)
	for g := range core.groups {
		d := c.score[k][g] - center
		part[g] = (1 - c.Reliability[k]) * d * d * n / (n - 1)
	}
}

// fromReplicates fills part with the classes' covariance of the mean of replicates of
// two mediators.
func (c *correctedPaths) fromReplicates(part []float64, k, l int) {
	core, n := c.paths.outcome.core, float64(len(c.replicates))
	scale := c.unit[k] * c.unit[l] / (n * (n - 1))
	for g := range core.groups {
		sum := 0.0
		for r := range c.replicates {
			sum += (c.ratings[r][k][g] - c.whole[k][g]) * (c.ratings[r][l][g] - c.whole[l][g])
		}
		part[g] = scale * sum
	}
}

// fill fills the focal columns from the mediators' values.
func (c *correctedPaths) fill(f, mediator [][]float64) {
	for g := range c.paths.outcome.core.groups {
		for k, x := range mediator {
			f[k][g] = x[g]
			if at := c.product[k]; at >= 0 {
				f[at][g] = x[g] * c.treated[g]
			}
		}
		f[c.arm][g] = c.treated[g]
	}
}

// solve fills theta and influence, the estimates and their influences by cluster.
func (c *correctedPaths) solve(s *Setup) Status {
	m, l := c.regression.focal, c.paths.outcome
	clear(c.theta)
	clear(c.influence[:l.clusters*m])
	switch c.Method {
	case ErrorMoments:
		return c.moments()
	case SplitHalf:
		for h := range c.half {
			c.fill(c.f, c.half[h])
			c.fill(c.w, c.half[1-h])
			if status := c.add(0.5, c.w, nil); !status.Worked() {
				return status
			}
		}
		return OK
	case SIMEX:
		return c.repeated.fit(s)
	default:
		return c.predicted()
	}
}

// add estimates with the focal columns f and instruments w, f itself for nil, and adds
// weight times the estimates and influences.
func (c *correctedPaths) add(weight float64, w [][]float64, lambda []float64) Status {
	r, m, l := c.regression, c.regression.focal, c.paths.outcome
	if !r.estimate(c.f, w, lambda) {
		return Collinear
	}
	clear(c.scores[:l.clusters*m])
	r.addScores(c.scores, l.clusterOf, w)
	addScaled(c.theta, weight, r.theta)
	c.addInfluence(weight)
	return OK
}

// addInfluence adds the influences of the scores.
func (c *correctedPaths) addInfluence(weight float64) {
	m := c.regression.focal
	for g := range c.paths.outcome.clusters {
		score := c.scores[g*m : (g+1)*m]
		for k := range m {
			c.influence[g*m+k] += weight * dot(c.regression.left[k*m:(k+1)*m], score)
		}
	}
}

// moments takes what error adds off the cross-products: Σ times the diagonal of A
// between mediators, and the arm's part of it where they are multiplied with the arm.
func (c *correctedPaths) moments() Status {
	core, m, k := c.paths.outcome.core, c.regression.focal, c.paths.k
	var d [3]float64 // Σ of the diagonal times powers of the arm
	for g := range core.groups {
		if core.active[g] {
			x := c.regression.diagonal[g]
			d[0] += x
			d[1] += x * c.treated[g]
			d[2] += x * c.treated[g] * c.treated[g]
		}
	}
	add := func(dst []float64, i, j int, x float64) {
		dst[i*m+j] = d[0] * x
		if b := c.product[j]; b >= 0 {
			dst[i*m+b] = d[1] * x
		}
		if a := c.product[i]; a >= 0 {
			dst[a*m+j] = d[1] * x
			if b := c.product[j]; b >= 0 {
				dst[a*m+b] = d[2] * x
			}
		}
	}
	clear(c.lambda)
	for i := range k {
		for j := range k {
			add(c.lambda, i, j, c.sigma[i*k+j])
		}
	}
	c.fill(c.f, c.score)
	if status := c.add(1, nil, c.lambda); !status.Worked() {
		return status
	}
	for i := range m {
		if !(c.regression.left[i*m+i] > 0) {
			return NotPositive // more error than variance
		}
	}
	// The error's covariance is estimated too: Λθ is the sum of the classes' parts.
	n := classes(core)
	clear(c.scores[:c.paths.outcome.clusters*m])
	for g := range core.groups {
		if !core.active[g] {
			continue
		}
		clear(c.lambda)
		for i := range k {
			for j := range k {
				add(c.lambda, i, j, c.parts[i*k+j][g])
			}
		}
		score := c.scores[c.paths.outcome.clusterOf[g]*m:]
		for i := range m {
			score[i] += dot(c.lambda[i*m:(i+1)*m], c.theta) / n
		}
	}
	c.addInfluence(1)
	return OK
}

// predicted puts predictions of quality in the place of scores: M - ΣS⁻¹r, r what the
// mediators' regression leaves of M (regression calibration) or M less its mean (factor
// scores), S its variance.
func (c *correctedPaths) predicted() Status {
	p, core, k := c.paths, c.paths.outcome.core, c.paths.k
	n := classes(core)
	df := n - 1
	for i := range k {
		center := mean(core, c.score[i])
		for g := range core.groups {
			if c.residual[i][g] = c.score[i][g] - center; c.Method == RegressionCalibration && core.active[g] {
				c.residual[i][g] = p.mediator.residualAt(g, g, i)
			}
		}
	}
	if c.Method == RegressionCalibration {
		df = p.residualDF
	}
	for i := range k {
		for j := range i + 1 {
			sum := 0.0
			for g := range core.groups {
				if core.active[g] {
					sum += c.residual[i][g] * c.residual[j][g]
				}
			}
			c.inverse.l[i*k+j] = sum / df
		}
		c.raw[i] = c.inverse.l[i*k+i]
	}
	c.inverse.factor(c.raw)
	if c.inverse.rank < k {
		return Collinear
	}
	for i := range k {
		row := c.shrink[i*k : (i+1)*k]
		copy(row, c.sigma[i*k:(i+1)*k])
		c.inverse.solve(row) // S is symmetric
		if !(row[i] < 1) {
			return NotPositive
		}
	}
	c.shrunk()
	if status := c.add(1, nil, nil); !status.Worked() {
		return status
	}
	if c.Method == RegressionCalibration {
		c.addPrediction()
	}
	c.addShrinkage(n, df)
	return OK
}

// addPrediction adds the influence of the effects on the mediators, which are in the
// predictions: where a is larger by d, they are larger by ΣS⁻¹d in the arm, and its own
// coefficient makes up for that. Coefficients of covariates, whose part the covariates
// of the outcome make up for, are taken as known.
func (c *correctedPaths) addPrediction() {
	p, k, m := c.paths, c.paths.k, c.regression.focal
	for i := range k {
		slope := c.theta[i]
		if at := c.product[i]; at >= 0 {
			slope += c.theta[at]
		}
		for j := range k {
			for g := range p.outcome.clusters {
				c.influence[g*m+c.arm] -= slope * c.shrink[i*k+j] * c.onArm[j*p.most+g]
			}
		}
	}
}

// shrunk fills the focal columns with predictions.
func (c *correctedPaths) shrunk() {
	k := c.paths.k
	for i := range k {
		for g := range c.paths.outcome.core.groups {
			x := c.score[i][g]
			for j := range k {
				x -= c.shrink[i*k+j] * c.residual[j][g]
			}
			c.used[i][g] = x
		}
	}
	c.fill(c.f, c.used)
}

// addShrinkage adds the influence of the estimated R = ΣS⁻¹. Where R changes, so do
// the focal columns F, by dF, and the estimates and R by
//
//	dθ = (F'AF)⁻¹(dF'A(y - Fθ) - F'A dF θ),  dR = (dΣ - R dS)S⁻¹
func (c *correctedPaths) addShrinkage(n, df float64) {
	core, k, m, r := c.paths.outcome.core, c.paths.k, c.regression.focal, c.regression
	copy(c.left, r.y)
	for a := range m {
		addScaled(c.left[:core.groups], -c.theta[a], r.f[a].ax)
	}
	for i := range k {
		for j := range k {
			clear(c.derived)
			for g := range core.groups {
				if !core.active[g] {
					continue
				}
				// Row g of dF has -x for mediator i, and -xT for its product.
				x, along := c.residual[j][g], c.theta[i]
				c.derived[i] -= x * c.left[g]
				if at := c.product[i]; at >= 0 {
					c.derived[at] -= x * c.treated[g] * c.left[g]
					along += c.theta[at] * c.treated[g]
				}
				for a := range m {
					c.derived[a] += x * along * r.f[a].ax[g]
				}
			}
			for a := range m {
				c.slope[a] = dot(r.left[a*m:(a+1)*m], c.derived)
			}
			for g := range core.groups {
				if !core.active[g] {
					continue
				}
				for h := range k { // row i of dΣ - R dS, of the class
					c.raw[h] = c.parts[i*k+h][g] - c.sigma[i*k+h]
					for a := range k {
						c.raw[h] -= c.shrink[i*k+a] * (c.residual[a][g]*c.residual[h][g]*n/df - c.variance(a, h))
					}
				}
				c.inverse.solve(c.raw)
				addScaled(c.influence[c.paths.outcome.clusterOf[g]*m:][:m], c.raw[j]/n, c.slope)
			}
		}
	}
}

// variance is an element of S, from its factor.
func (c *correctedPaths) variance(a, b int) float64 {
	k := c.paths.k
	n := min(a, b) + 1
	return dot(c.inverse.l[a*k:a*k+n], c.inverse.l[b*k:])
}

// report puts the corrected coefficients in the path's place.
func (c *correctedPaths) report(f *path, l *linear, status Status) {
	p, m, n := c.paths, c.regression.focal, c.paths.size()
	scale := l.se.factor(l.core.rows, l.parameters(p.coefficients), float64(l.clusters))
	for i, a := range c.places {
		for j, b := range c.places {
			sum := 0.0
			for g := range l.clusters {
				sum += c.influence[g*m+i] * c.influence[g*m+j]
			}
			f.cov[a*n+b] = scale * sum
		}
	}
	a := p.mediator
	half := math.Sqrt(scale * a.se.factor(a.core.rows, a.parameters(a.core.rows-p.residualDF), float64(a.clusters)))
	for i, place := range c.places {
		for k := range p.k {
			sum := 0.0
			for g := range l.clusters {
				sum += c.influence[g*m+i] * c.onArm[k*p.most+g]
			}
			f.cov[place*n+k], f.cov[k*n+place] = half*sum, half*sum
		}
	}
	for i, a := range c.places {
		e := Estimate{Value: c.theta[i], SE: math.Sqrt(f.cov[a*n+a]), DF: float64(l.clusters - 1), Status: status}
		if !(e.SE > 0) || math.IsInf(e.SE, 0) || math.IsNaN(e.Value) || math.IsInf(e.Value, 0) {
			e = failed(NotFinite)
		} else {
			e.P = studentP(e.Value/e.SE, e.DF)
		}
		f.value[a], f.tests[a] = e.Value, e
	}
}

// classes counts the classes with rows.
func classes(c *core) float64 {
	n := 0.0
	for g := range c.groups {
		if c.active[g] {
			n++
		}
	}
	return n
}

// mean averages over the classes with rows.
func mean(c *core, x []float64) float64 {
	sum := 0.0
	for g := range c.groups {
		if c.active[g] {
			sum += x[g]
		}
	}
	return sum / classes(c)
}

// varianceOf is the variance over the classes with rows.
func varianceOf(c *core, x []float64) float64 {
	center, ss := mean(c, x), 0.0
	for g := range c.groups {
		if c.active[g] {
			ss += (x[g] - center) * (x[g] - center)
		}
	}
	return ss / (classes(c) - 1)
}
