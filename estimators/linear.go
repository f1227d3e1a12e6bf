package estimators

import (
	"math"
	"slices"

	"coachsim/dgp"
)

// A combination is a linear combination of the coefficients of a regression
// and its intercept: one reported number.
type combination struct {
	weights   []float64
	intercept float64
	of        []coefficient // what it stands for: one coefficient, or those of a contrast
	// averaged says that the weights are those of an average over the rows of
	// an effect that terms change. What is dropped then has no part in it.
	averaged bool
}

// A coefficient is that of a term of the formula, -1 for the intercept, with a
// weight.
type coefficient struct {
	term   int
	weight float64
}

// noTerm is what a contrast of several coefficients stands for.
const noTerm = -2

// term is the term that the combination stands for, -1 for the intercept.
func (c combination) term() int {
	if len(c.of) == 1 && c.of[0].weight == 1 {
		return c.of[0].term
	}
	return noTerm
}

// A linear is a bound least-squares fit.
//
// The standard error of a combination w'b needs no covariance matrix of all
// coefficients. With a = (X'X)⁻¹w, the influence of row i on w'b is a'x_i, so
// the sandwich variance is Σ_g (Σ_{i in g} a'x_i e_i)², g the cluster: one
// number per cluster, again from the groups' cross-products alone.
type linear struct {
	core         *core
	se           SE
	cluster      grouping // for clustered standard errors
	two          *twoWay  // nil where clusters are of one factor
	terms        []int    // places in core.terms, in the formula's order
	effects      int      // the first of them: dummies of a second absorbed effect
	outcomes     []int    // places in core.outcomes
	combinations []combination
	reported     []string // terms of the first combinations
	joint        [][]int  // combinations of each joint test
	r2           bool     // R² is reported, last
	full         bool     // covariances of combinations are wanted, and projections whatever the standard error
	alone        bool     // no method but least squares reads its parts
	rows         []Row
	lowering     []float64 // by centred term: its coefficients on the constant and the raw terms

	chol       *cholesky
	raw        []float64    // by term: diagonal before absorption
	solver     solver       // chol, or the QR that takes its place
	weights    []float64    // by combination and term: w, net of the means for an intercept
	half       []float64    // by combination and term: M^½w, with M = (X'X)⁻¹
	influence  []float64    // by combination and term: a
	lift       []float64    // by combination: the influence of a row through the intercept
	bread      []float64    // by combination: variance per unit of s²
	beta       []float64    // by outcome and term
	functional []float64    // scratch of redistribute
	ordered    []int        // terms by basis: places in terms
	places     []int        // the same: places in core.terms
	blockEnd   []int        // end of each basis block in ordered
	vectors    [][4]float64 // scratch: four vectors of coefficients, by ordered term
	onEffect   [][4]float64 // scratch: by effect: part of the projections that its rows share
	projected  []float64    // by group, vector and basis; vectors are combinations, then outcomes
	residual   []float64    // scratch: by basis
	score      []float64    // scratch: by combination, of a row
	scores     []float64    // by cluster and combination
	clusters   int
	clusterOf  []int          // by group
	number     []int          // scratch: by level of the grouping, its cluster
	effectIn   []int          // scratch: by effect, its cluster
	value      []float64      // by combination
	spread     float64        // s² of the current outcome
	rss        []float64      // by outcome: residual sum of squares
	vcov       []float64      // combinations × combinations
	columns    *columnScores  // where scores can be columns, else nil
	inColumns  bool           // they are, of this data set
	reduced    *biasReduction // for HC2, HC3, CR2, CR3, else nil
	wishart    *wishart
	wald       *cholesky
	waldRaw    []float64
	waldX      []float64
}

// A solver solves X'X b = x for the regression being fitted.
type solver interface {
	solve(x []float64)
	// half solves with a root of X'X: half(x)'half(x) is x'(X'X)⁻¹x.
	half(x []float64)
	// back makes half's result solve's.
	back(x []float64)
	lost() []bool
}

// Rows says what the estimates are about.
func (l *linear) Rows() []Row { return l.rows }

func (l *linear) allocate(shape dgp.Shape) {
	p, nc, nb := len(l.terms), len(l.combinations), len(l.core.basis)
	l.chol = newCholesky(p)
	l.raw = make([]float64, p)
	l.weights = make([]float64, nc*p)
	l.half = make([]float64, nc*p)
	l.influence = make([]float64, nc*p)
	l.lift = make([]float64, nc)
	l.bread = make([]float64, nc*nc)
	l.beta = make([]float64, len(l.outcomes)*p)
	l.functional = make([]float64, (p+1)*p)
	l.order()
	l.vectors = make([][4]float64, p)
	l.onEffect = make([][4]float64, max(l.core.effects, 1))
	if l.columnar() {
		l.columns = newColumnScores(l, shape)
	}
	if l.columns == nil || l.se.adjustment() != 0 {
		l.projected = make([]float64, shape.Max[l.core.group]*(nc+len(l.outcomes))*nb)
	}
	l.residual = make([]float64, nb)
	l.score = make([]float64, nc)
	l.scores = make([]float64, shape.Max[l.core.group]*nc)
	l.clusterOf = make([]int, shape.Max[l.core.group])
	l.number = make([]int, l.cluster.most)
	l.effectIn = make([]int, l.core.mostEffects)
	l.value = make([]float64, nc)
	l.rss = make([]float64, len(l.outcomes))
	l.vcov = make([]float64, nc*nc)
	if l.two != nil {
		l.two.allocate(shape, l)
	}
	if l.se.adjustment() != 0 {
		l.reduced = newBiasReduction(l, shape)
	}
	most := 0
	for _, group := range l.joint {
		most = max(most, len(group))
	}
	if l.reduced != nil && most > 0 {
		l.wishart = newWishart(most, l.reduced.r)
	}
	l.wald = newCholesky(most)
	l.waldRaw = make([]float64, most)
	l.waldX = make([]float64, most)
}

// order lists the terms by basis.
func (l *linear) order() {
	for a := range l.core.basis {
		for i, u := range l.terms {
			if l.core.terms[u].basis == a {
				l.ordered = append(l.ordered, i)
				l.places = append(l.places, u)
			}
		}
		l.blockEnd = append(l.blockEnd, len(l.ordered))
	}
}

// Fit fits every outcome.
func (l *linear) Fit(s *Setup, out []Estimate) {
	k, status := l.prepare(s)
	per := len(out) / len(l.outcomes)
	for i := range l.outcomes {
		l.fitOutcome(s, i, k, l.outcomeStatus(i, status), out[i*per:(i+1)*per])
	}
}

// prepare does what all outcomes share, and returns the number of coefficients.
func (l *linear) prepare(s *Setup) (k float64, status Status) {
	c, p := l.core, len(l.terms)
	if l.columns != nil {
		l.columns.sound = false
	}
	status = l.factor(s)
	k = float64(c.present + p)
	for _, lost := range l.solver.lost() {
		if lost {
			k--
		}
	}
	switch {
	case c.unweighable:
		status = BadWeights
	case c.unplaced, !l.finite():
		status = NotFinite
	case c.rows <= k:
		status = TooFewRows
	}
	if status.Worked() && l.se != Classical {
		l.clusters = l.numberClusters(s.data)
		switch {
		case l.clusters < 0:
			status = NotFinite
		case l.se.clustered() && l.clusters < 2:
			status = TooFewClusters
		}
	}
	if !status.Worked() {
		return k, status
	}
	l.influences(status)
	for i, outcome := range l.outcomes {
		l.rss[i] = l.coefficients(s, outcome, l.beta[i*p:(i+1)*p])
	}
	// Leverage is adjusted for in columns where each cluster is a group.
	l.inColumns = l.columns != nil && (l.reduced == nil || l.clusters == c.groups)
	switch {
	case l.inColumns:
		l.columns.project(status)
	case l.se != Classical || l.full:
		l.project()
	}
	if l.reduced != nil {
		l.reduced.adjust()
	}
	return k, status
}

// outcomeStatus is the status of outcome i, given that of the regressors.
func (l *linear) outcomeStatus(i int, status Status) Status {
	if !status.Worked() {
		return status
	}
	switch y := l.core.squares[l.outcomes[i]]; {
	case math.IsNaN(y) || math.IsInf(y, 0):
		return NotFinite
	case !(l.core.square[l.outcomes[i]] > 1e-13*y):
		return NoVariation
	}
	return status
}

// finite reports whether every regressor is finite, and so large at most that
// its sum of squares is.
func (l *linear) finite() bool {
	for _, u := range l.terms {
		if x := l.core.raw[u]; math.IsNaN(x) || math.IsInf(x, 0) {
			return false
		}
	}
	return true
}

// factor factors X'X, by QR where the normal equations would lose digits.
func (l *linear) factor(s *Setup) Status {
	c, p := l.core, len(l.terms)
	for i, u := range l.terms {
		row := c.gram[u*c.width : (u+1)*c.width]
		for j := range i + 1 {
			l.chol.l[i*p+j] = row[l.terms[j]]
		}
		l.raw[i] = c.raw[u]
	}
	l.chol.factor(l.raw)
	l.solver = l.chol
	if l.chol.ratio < refinePivot {
		s.dense.factor(s, l)
		l.solver = s.dense
	}
	return l.reduction()
}

// influences solves for a, for every combination.
func (l *linear) influences(status Status) {
	c, p, nc := l.core, len(l.terms), len(l.combinations)
	for r := range l.combinations {
		copy(l.weights[r*p:(r+1)*p], l.combinations[r].weights)
	}
	if status == Reduced {
		l.redistribute()
	}
	for r, combination := range l.combinations {
		w, half, a := l.weights[r*p:(r+1)*p], l.half[r*p:(r+1)*p], l.influence[r*p:(r+1)*p]
		l.lift[r] = 0
		if combination.intercept != 0 {
			// Only a formula without named effects reports an intercept, so
			// the one level of the constant has all rows: b0 = ȳ - x̄'b.
			l.lift[r] = combination.intercept / c.weight
			for i, u := range l.terms {
				w[i] -= l.lift[r] * c.effectS[u]
			}
		}
		copy(half, w)
		l.solver.half(half)
		copy(a, half)
		l.solver.back(a)
	}
	for r := range nc {
		for t := range nc {
			if r != t && l.se != Classical {
				continue // nothing but a variance under independence is asked of it
			}
			v := l.lift[r] * l.combinations[t].intercept
			for i := range p {
				v += l.influence[r*p+i] * l.weights[t*p+i]
			}
			l.bread[r*nc+t] = v
		}
	}
}

// redistribute corrects the weights of the combinations after terms have been
// dropped. Weights translate coefficients on centred columns to those on raw
// ones, and may put a part of a kept term on a raw term that was dropped. That
// one is itself a combination of the raw terms kept, which take the part over:
// with x̃_d = Σ_j k_j x̃_j + k_0 for centred columns x̃_t = Σ_s T_ts x_s,
//
//	x_d = Σ_{s≠d} κ_s x_s,  κ_s = Σ_j k_j T_js - T_ds.
func (l *linear) redistribute() {
	c, p, w := l.core, len(l.terms), len(l.terms)+1
	// functional[s] gives the coefficient of raw term s-1 (0: the constant).
	for s := range w {
		for t := range p {
			l.functional[s*p+t] = l.lowering[t*w+s]
		}
	}
	lost := l.solver.lost()
	for d := p - 1; d >= 0; d-- {
		if !lost[d] {
			continue
		}
		k := l.beta[:p] // scratch until the outcomes are fitted
		for j, u := range l.terms {
			k[j] = c.gram[u*c.width+l.terms[d]]
		}
		l.solver.solve(k)
		for s := range w {
			if s == d+1 {
				continue
			}
			kappa := -l.lowering[d*w+s]
			for j := range p {
				kappa += k[j] * l.lowering[j*w+s]
			}
			if s == 0 && c.effects > 0 {
				mean := c.effectS[l.terms[d]]
				for j, u := range l.terms {
					mean -= k[j] * c.effectS[u]
				}
				kappa += mean / c.weight
			}
			addScaled(l.functional[s*p:(s+1)*p], kappa, l.functional[(d+1)*p:(d+2)*p])
		}
	}
	for r := range l.combinations {
		if l.combinations[r].averaged {
			continue
		}
		to := l.weights[r*p : (r+1)*p]
		clear(to)
		for _, part := range l.combinations[r].of {
			s := part.term + 1
			addScaled(to, part.weight, l.functional[s*p:(s+1)*p])
		}
	}
}

// project computes, for every vector v of coefficients and every group, what
// v'x is for a row x of the group, as coefficients of the basis: Σ_m h_m m.
// The vectors are the influences a of the combinations, whose projection is the
// influence of a row on the estimate, and the betas of the outcomes, whose
// projection is the fitted value. Four vectors are done in one pass.
func (l *linear) project() {
	nc, p := len(l.combinations), len(l.terms)
	all := nc + len(l.outcomes)
	for first := 0; first < all; first += 4 {
		var of [4][]float64
		n := min(4, all-first)
		for v := range n {
			if first+v < nc {
				of[v] = l.influence[(first+v)*p : (first+v+1)*p]
			} else {
				of[v] = l.beta[(first+v-nc)*p : (first+v-nc+1)*p]
			}
		}
		for i, t := range l.ordered {
			for v := range n {
				l.vectors[i][v] = of[v][t]
			}
		}
		l.projectEffects(first, n)
		l.projectGroups(first, n)
	}
}

// projectEffects computes what the projections of n vectors share within a
// level of the absorbed factor: for a combination its lift - a'x̄, for an
// outcome ȳ - x̄'b.
func (l *linear) projectEffects(first, n int) {
	c, nc := l.core, len(l.combinations)
	for e := range c.effects {
		sums := c.effectS[e*c.width : (e+1)*c.width]
		shared := &l.onEffect[e]
		*shared = [4]float64{}
		if c.effectN[e] == 0 {
			continue
		}
		for i, t := range l.ordered {
			x := sums[l.terms[t]]
			for v := range n {
				shared[v] -= l.vectors[i][v] * x
			}
		}
		for v := range n {
			if r := first + v - nc; r >= 0 {
				shared[v] = (shared[v] + sums[len(c.terms)+l.outcomes[r]]) / c.effectN[e]
			} else {
				shared[v] = shared[v]/c.effectN[e] + l.lift[first+v]
			}
		}
	}
}

// projectGroups fills projected for vectors first to first+n.
func (l *linear) projectGroups(first, n int) {
	c, nb := l.core, len(l.core.basis)
	all := len(l.combinations) + len(l.outcomes)
	for g := range c.groups {
		if !c.active[g] {
			continue
		}
		dst := l.projected[(g*all+first)*nb : (g*all+first+n)*nb]
		from := 0
		for a, end := range l.blockEnd {
			var s0, s1, s2, s3 float64
			if a == 0 && c.effects > 0 {
				shared := &l.onEffect[c.effect[g]]
				s0, s1, s2, s3 = shared[0], shared[1], shared[2], shared[3]
			}
			vectors := l.vectors[from:end]
			for i, u := range l.places[from:end] {
				x, v := c.value(g, u), &vectors[i]
				s0 += v[0] * x
				s1 += v[1] * x
				s2 += v[2] * x
				s3 += v[3] * x
			}
			sums := [4]float64{s0, s1, s2, s3}
			for v := range n {
				dst[v*nb+a] = sums[v]
			}
			from = end
		}
	}
}

// numberClusters numbers the clusters that have rows, in the order in which
// they come, and returns how many there are, or -1 if a row has no cluster.
// With two factors it returns the lesser number of clusters. Without clustering
// each group is its own, and so is each row when the groups are classes.
func (l *linear) numberClusters(d *dgp.Data) int {
	c := l.core
	if !l.se.clustered() {
		n := 0
		for g := range c.groups {
			if c.active[g] {
				l.clusterOf[g] = n
				n++
			}
		}
		return n
	}
	if c.clusters == 0 || c.clusteredBy != l.cluster { // else as the regression before
		c.clusteredBy, c.clusters = l.cluster, numberBy(d, c, l.cluster, c.clusterOf, l.number, false)
	}
	n := c.clusters
	copy(l.clusterOf, c.clusterOf)
	if l.two != nil && n >= 0 {
		return l.two.numberPairs(d, l, n)
	}
	return n
}

// numberBy fills of with the number of the cluster of every group that has rows,
// or of every group, and number with that of every level of the grouping.
func numberBy(d *dgp.Data, c *core, by grouping, of, number []int, every bool) int {
	for i := range number {
		number[i] = -1
	}
	n, of := 0, of[:c.groups]
	by.fill(of, d, c.group)
	for g, id := range of {
		of[g] = 0
		switch {
		case !c.active[g] && (!every || id < 0):
			continue
		case id < 0:
			return -1
		}
		if number[id] < 0 {
			number[id] = n
			n++
		}
		of[g] = number[id]
	}
	return n
}

// fitOutcome estimates outcome i with k coefficients in all.
func (l *linear) fitOutcome(s *Setup, i int, k float64, status Status, out []Estimate) {
	if !status.Worked() {
		for j := range out {
			out[j] = failed(status)
		}
		return
	}
	c := l.core
	l.combine(i)
	df := c.rows - k
	if l.se == Classical {
		for j, b := range l.bread {
			l.vcov[j] = b * l.rss[i] / df
		}
	} else {
		if l.two != nil {
			l.two.sandwich(s, l, i, l.parameters(k))
		} else {
			l.sandwich(s, i, l.clusterOf, l.clusters, l.se.factor(c.rows, l.parameters(k), float64(l.clusters)))
		}
		if l.se.clustered() {
			df = float64(l.clusters - 1)
		}
	}
	l.spread = 0
	if l.rss[i] > 1e-12*c.square[l.outcomes[i]] { // else a perfect fit: residuals are rounding errors
		l.spread = l.rss[i] / (c.rows - k)
	}
	for r := range l.reported {
		of := df
		if l.reduced != nil && l.se.clustered() {
			of = l.reduced.df[r]
		}
		out[r] = l.estimate(r, of, status)
	}
	for j, group := range l.joint {
		out[len(l.reported)+j] = l.jointTest(group, df, status)
	}
	if l.r2 {
		nan := math.NaN()
		out[len(out)-1] = Estimate{Value: 1 - l.rss[i]/c.square[l.outcomes[i]], SE: nan, DF: nan, P: nan, Status: status}
	}
}

// coefficients solves for the coefficients of an outcome and returns its
// residual sum of squares.
func (l *linear) coefficients(s *Setup, outcome int, beta []float64) float64 {
	c := l.core
	if l.solver == solver(s.dense) {
		return s.dense.regress(s, l, outcome, beta)
	}
	for i, u := range l.terms {
		beta[i] = c.cross(u, outcome)
	}
	l.solver.solve(beta)
	rss := c.square[outcome]
	for i, u := range l.terms {
		rss -= beta[i] * c.cross(u, outcome)
	}
	if rss < refineResidual*c.square[outcome] {
		// The difference has lost digits; take residuals of the rows.
		s.dense.factor(s, l)
		if slices.Equal(s.dense.lost(), l.solver.lost()) {
			return s.dense.regress(s, l, outcome, beta)
		}
	}
	return max(rss, 0)
}

// combine fills value with the combinations of outcome i's coefficients.
func (l *linear) combine(i int) {
	c, p := l.core, len(l.terms)
	for r := range l.combinations {
		v := 0.0
		if l.lift[r] != 0 {
			v = l.lift[r]*c.effectS[len(c.terms)+l.outcomes[i]] + l.combinations[r].intercept*c.outcomes[l.outcomes[i]].center
		}
		for t, b := range l.beta[i*p : (i+1)*p] {
			v += l.weights[r*p+t] * b
		}
		l.value[r] = v
	}
}

// sandwich fills vcov with scale times the sum over clusters, of which clusterOf
// has each group's, of the outer products of their scores.
func (l *linear) sandwich(s *Setup, i int, clusterOf []int, clusters int, scale float64) {
	if l.inColumns {
		l.columns.sandwich(i, clusters)
		for j := range l.vcov {
			l.vcov[j] *= scale
		}
		return
	}
	c, nc := l.core, len(l.combinations)
	clear(l.vcov)
	perRow := !l.se.clustered() && c.key.rows > c.group
	clear(l.scores[:clusters*nc])
	for g := range c.groups {
		switch {
		case !c.active[g]:
		case perRow:
			l.rowScores(s.data, g, i)
		default:
			at := clusterOf[g] * nc
			l.addScore(g, i, l.scores[at:at+nc])
		}
	}
	if !perRow {
		for g := range clusters {
			l.addOuter(l.scores[g*nc : (g+1)*nc])
		}
	}
	for j := range l.vcov {
		l.vcov[j] *= scale
	}
}

// projection returns the projection of a vector on the basis in group g.
func (l *linear) projection(g, vector int) []float64 {
	nb := len(l.core.basis)
	at := (g*(len(l.combinations)+len(l.outcomes)) + vector) * nb
	return l.projected[at : at+nb]
}

// addScore adds group g to its cluster's score: Σ_i a'x_i e_i = Σ_m h_m r_m
// with r_m = Σ_i m_i e_i.
func (l *linear) addScore(g, i int, score []float64) {
	c, nb, nc := l.core, len(l.core.basis), len(l.combinations)
	s := c.stat[g*c.stride : (g+1)*c.stride]
	y := c.outcomes[l.outcomes[i]]
	fitted := l.projection(g, nc+i)
	sums, z := s, 1.0 // Σ m y is z times sums[a]
	if y.child >= 0 {
		sums = s[c.outcomeAt[y.child]:]
	} else {
		z = c.byProduct[y.product][g]
	}
	for a := range l.residual {
		pairs := c.pairs[a*nb : (a+1)*nb]
		at := a
		if y.child < 0 {
			at = pairs[0]
		}
		r := z * sums[at]
		for b, f := range fitted {
			r -= s[pairs[b]] * f
		}
		l.residual[a] = r
	}
	h := l.projected[g*(nc+len(l.outcomes))*nb:]
	for t := range score {
		v := 0.0
		for a, r := range l.residual {
			v += h[t*nb+a] * r
		}
		score[t] += v
	}
}

// addOuter adds the outer product of a score to vcov; its diagonal will do
// where nothing is tested jointly.
func (l *linear) addOuter(score []float64) {
	nc := len(score)
	if len(l.joint) == 0 && !l.full {
		for r, v := range score {
			l.vcov[r*nc+r] += v * v
		}
		return
	}
	for r, v := range score {
		row := l.vcov[r*nc : (r+1)*nc]
		for t, w := range score {
			row[t] += v * w
		}
	}
}

// rowScores treats every child of class g as a cluster of its own (HC0, HC1).
// This is the one place where a fit reads child rows again.
func (l *linear) rowScores(d *dgp.Data, g, i int) {
	c, nc := l.core, len(l.combinations)
	y := c.outcomes[l.outcomes[i]]
	fitted := l.projection(g, nc+i)
	for row := d.ChildStart[g]; row < d.ChildStart[g+1]; row++ {
		in := c.root(g, row)
		var e float64
		if y.child >= 0 {
			e = c.outcome[y.child][row]
		} else {
			e = in * c.byProduct[y.product][g]
		}
		e -= c.atRow(fitted, row, in)
		if l.reduced != nil {
			e *= l.reduced.rowFactor(g, row, in)
		}
		for t := range l.score {
			l.score[t] = c.atRow(l.projection(g, t), row, in) * e
		}
		l.addOuter(l.score)
	}
}

// atRow returns Σ_m h_m m for a child's basis values m; in is the first, as
// root returns it.
func (c *core) atRow(h []float64, row int, in float64) float64 {
	v := h[0] * in
	for a := 1; a < len(h); a++ {
		v += h[a] * c.columns[a][row]
	}
	return v
}

// failed is an estimate that did not work.
func failed(status Status) Estimate {
	nan := math.NaN()
	return Estimate{Value: nan, SE: nan, DF: nan, P: nan, Status: status}
}

// dropped reports whether a term of combination r was dropped.
func (l *linear) dropped(r int) bool {
	for _, part := range l.combinations[r].of {
		if part.term >= 0 && l.solver.lost()[part.term] {
			return true
		}
	}
	return false
}

// unfit reports whether the variance of combination r is rounding error: the
// fit is perfect, or, as with as many terms as clusters, the scores of every
// cluster are 0, and it is nothing beside the variance that independent
// residuals would give.
func (l *linear) unfit(r int) bool {
	at := r*len(l.combinations) + r
	return l.spread == 0 || l.vcov[at] <= 1e-20*l.bread[at]*l.spread
}

// unfitness is the status of an unfit combination.
func (l *linear) unfitness(r int) Status {
	at := r*len(l.combinations) + r
	if l.two != nil && l.two.positive[r] > 1e-20*l.bread[at]*l.spread && l.spread > 0 {
		return NotPositive
	}
	return NoResidual
}

// estimate reads one combination off value and vcov.
func (l *linear) estimate(r int, df float64, status Status) Estimate {
	if l.dropped(r) {
		return failed(Collinear)
	}
	if l.unfit(r) {
		return failed(l.unfitness(r))
	}
	e := Estimate{Value: l.value[r], SE: math.Sqrt(l.vcov[r*len(l.combinations)+r]), DF: df, Status: status}
	if !(e.SE > 0) || !(df > 0) || math.IsInf(e.SE, 0) || math.IsNaN(e.Value) || math.IsInf(e.Value, 0) {
		return failed(NotFinite)
	}
	e.P = studentP(e.Value/e.SE, df)
	return e
}
