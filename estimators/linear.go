package estimators

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"coachsim/dgp"
)

// A combination is a linear combination of the coefficients of a regression
// and its intercept: one reported number.
type combination struct {
	weights   []float64
	intercept float64
	term      int // the term it stands for, -1 for the intercept
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
	cluster      dgp.Level
	terms        []int // places in core.terms, in the formula's order
	outcomes     []int // places in core.outcomes
	combinations []combination
	reported     []string // terms of the first combinations
	joint        [][]int  // combinations of each joint test
	rows         []Row

	chol      *cholesky
	raw       []float64 // by term: diagonal before absorption
	solver    solver    // chol, or the QR that takes its place
	weights   []float64 // by combination and term: w, net of the means for an intercept
	influence []float64 // by combination and term: a
	lift      []float64 // by combination: the influence of a row through the intercept
	bread     []float64 // by combination: variance per unit of s²
	leverage  []float64 // by group, combination and basis: influence h of a row
	beta      []float64 // by term
	fitted    []float64 // by basis: coefficient within the group
	score     []float64 // by combination: of the current cluster
	value     []float64 // by combination
	vcov      []float64 // combinations × combinations
	wald      *cholesky
	waldRaw   []float64
	waldX     []float64
}

// A solver solves X'X b = x for the regression being fitted.
type solver interface {
	solve(x []float64)
	lost() []bool
}

// Rows says what the estimates are about.
func (l *linear) Rows() []Row { return l.rows }

func (l *linear) allocate(shape dgp.Shape) {
	p, nc, nb := len(l.terms), len(l.combinations), len(l.core.basis)
	l.chol = newCholesky(p)
	l.raw = make([]float64, p)
	l.weights = make([]float64, nc*p)
	l.influence = make([]float64, nc*p)
	l.lift = make([]float64, nc)
	l.bread = make([]float64, nc*nc)
	l.leverage = make([]float64, shape.Max[l.core.group]*nc*nb)
	l.beta = make([]float64, p)
	l.fitted = make([]float64, nb)
	l.score = make([]float64, nc)
	l.value = make([]float64, nc)
	l.vcov = make([]float64, nc*nc)
	most := 0
	for _, group := range l.joint {
		most = max(most, len(group))
	}
	l.wald = newCholesky(most)
	l.waldRaw = make([]float64, most)
	l.waldX = make([]float64, most)
}

// Fit fits every outcome.
func (l *linear) Fit(s *Setup, out []Estimate) {
	c := l.core
	status := l.factor(s)
	k := float64(c.present + len(l.terms))
	for _, lost := range l.solver.lost() {
		if lost {
			k--
		}
	}
	if c.rows <= k {
		status = TooFewRows
	}
	clusters := c.rows
	if status.Worked() {
		l.influences()
		if l.se.clustered() {
			clusters = l.countClusters(s.data)
			if clusters < 2 {
				status = TooFewClusters
			}
		}
	}
	per := len(out) / len(l.outcomes)
	for i, outcome := range l.outcomes {
		of := status
		if of.Worked() && !(c.square[outcome] > 1e-20*c.squares[outcome]) {
			of = NoVariation
		}
		l.fitOutcome(s, outcome, k, clusters, of, out[i*per:(i+1)*per])
	}
}

// factor factors X'X, by QR where the normal equations would lose digits.
func (l *linear) factor(s *Setup) Status {
	c, p, q := l.core, len(l.terms), len(l.core.terms)
	for i, u := range l.terms {
		for j := range i + 1 {
			l.chol.l[i*p+j] = c.gram[u*q+l.terms[j]]
		}
		l.raw[i] = c.raw[u]
	}
	l.chol.factor(l.raw)
	l.solver = l.chol
	if l.chol.ratio < refinePivot {
		s.dense.factor(s, l)
		l.solver = s.dense
	}
	for _, lost := range l.solver.lost() {
		if lost {
			return Reduced
		}
	}
	return OK
}

// influences prepares, for every combination, what does not depend on the
// outcome: a, and for every group the influence h of its rows on the estimate,
// which is Σ_m h_m m for a row with basis values m.
func (l *linear) influences() {
	c, p, q, nb, nc := l.core, len(l.terms), len(l.core.terms), len(l.core.basis), len(l.combinations)
	for r, combination := range l.combinations {
		w, a := l.weights[r*p:(r+1)*p], l.influence[r*p:(r+1)*p]
		copy(w, combination.weights)
		l.lift[r] = 0
		if combination.intercept != 0 {
			// Only a formula without named effects reports an intercept, so
			// the one level of the constant has all rows: b0 = ȳ - x̄'b.
			l.lift[r] = combination.intercept / c.rows
			for i, u := range l.terms {
				w[i] -= l.lift[r] * c.effectX[u]
			}
		}
		copy(a, w)
		l.solver.solve(a)
	}
	for r := range nc {
		for t := range nc {
			v := l.lift[r] * l.combinations[t].intercept
			for i := range p {
				v += l.influence[r*p+i] * l.weights[t*p+i]
			}
			l.bread[r*nc+t] = v
		}
	}
	for g := range c.groups {
		if !c.active[g] {
			continue
		}
		value := c.value[g*q : (g+1)*q]
		for r := range nc {
			a := l.influence[r*p : (r+1)*p]
			h := l.leverage[(g*nc+r)*nb : (g*nc+r+1)*nb]
			clear(h)
			for i, u := range l.terms {
				h[c.terms[u].basis] += a[i] * value[u]
			}
			if c.effects > 0 {
				e := c.effect[g]
				x := c.effectX[e*q : (e+1)*q]
				mean := 0.0
				for i, u := range l.terms {
					mean += a[i] * x[u]
				}
				h[0] += l.lift[r] - mean/c.effectN[e]
			}
		}
	}
}

// countClusters returns the number of clusters with rows.
func (l *linear) countClusters(d *dgp.Data) float64 {
	n, last := 0.0, -1
	for g := range l.core.groups {
		if !l.core.active[g] {
			continue
		}
		if id := d.Ancestor(l.core.group, g, l.cluster); id != last {
			n++
			last = id
		}
	}
	return n
}

// fitOutcome estimates one outcome with k coefficients in all.
func (l *linear) fitOutcome(s *Setup, outcome int, k, clusters float64, status Status, out []Estimate) {
	if !status.Worked() {
		for i := range out {
			out[i] = failed(status)
		}
		return
	}
	c := l.core
	rss := l.coefficients(s, outcome)
	l.combine(outcome)
	df := c.rows - k
	if l.se == Classical {
		for i, b := range l.bread {
			l.vcov[i] = b * rss / df
		}
	} else {
		l.sandwich(s, outcome, l.se.factor(c.rows, k, clusters))
		if l.se.clustered() {
			df = clusters - 1
		}
	}
	for r := range l.reported {
		out[r] = l.estimate(r, df, status)
	}
	for j, group := range l.joint {
		out[len(l.reported)+j] = l.jointTest(group, df, status)
	}
}

// coefficients solves for beta and returns the residual sum of squares.
func (l *linear) coefficients(s *Setup, outcome int) float64 {
	c, ny := l.core, len(l.core.outcomes)
	if l.solver == solver(s.dense) {
		return s.dense.regress(s, l, outcome)
	}
	for i, u := range l.terms {
		l.beta[i] = c.cross[u*ny+outcome]
	}
	l.solver.solve(l.beta)
	rss := c.square[outcome]
	for i, u := range l.terms {
		rss -= l.beta[i] * c.cross[u*ny+outcome]
	}
	return max(rss, 0)
}

// combine fills value with the combinations of beta and the intercept.
func (l *linear) combine(outcome int) {
	c, p := l.core, len(l.terms)
	for r := range l.combinations {
		v := 0.0
		if l.lift[r] != 0 {
			v = l.lift[r] * c.effectY[outcome]
		}
		for i, b := range l.beta {
			v += l.weights[r*p+i] * b
		}
		l.value[r] = v
	}
}

// sandwich fills vcov with scale times the sum over clusters of the outer
// products of their scores.
func (l *linear) sandwich(s *Setup, outcome int, scale float64) {
	clear(l.vcov)
	clear(l.score)
	c := l.core
	perRow := !l.se.clustered() && c.key.rows > c.group
	last := -1
	for g := range c.groups {
		if !c.active[g] {
			continue
		}
		l.within(g, outcome)
		if perRow {
			l.rowScores(s.data, g, outcome)
			continue
		}
		id := g
		if l.se.clustered() {
			id = s.data.Ancestor(c.group, g, l.cluster)
		}
		if id != last && last >= 0 {
			l.closeCluster()
		}
		last = id
		l.addScore(g, outcome)
	}
	if !perRow {
		l.closeCluster()
	}
	for i := range l.vcov {
		l.vcov[i] *= scale
	}
}

// within fills fitted: the fitted value of a row of group g is Σ_m fitted_m m.
func (l *linear) within(g, outcome int) {
	c, q, ny := l.core, len(l.core.terms), len(l.core.outcomes)
	clear(l.fitted)
	value := c.value[g*q : (g+1)*q]
	for i, u := range l.terms {
		l.fitted[c.terms[u].basis] += l.beta[i] * value[u]
	}
	if c.effects > 0 {
		e := c.effect[g]
		x := c.effectX[e*q : (e+1)*q]
		mean := c.effectY[e*ny+outcome]
		for i, u := range l.terms {
			mean -= l.beta[i] * x[u]
		}
		l.fitted[0] += mean / c.effectN[e]
	}
}

// addScore adds group g to the score of the current cluster: Σ_i a'x_i e_i =
// Σ_m h_m r_m with r_m = Σ_i m_i e_i.
func (l *linear) addScore(g, outcome int) {
	c, nb, nc := l.core, len(l.core.basis), len(l.combinations)
	s := c.stat[g*c.stride : (g+1)*c.stride]
	r := c.outcomes[outcome]
	for a := range nb {
		residual := c.outcomeProduct(g, a, r, s, len(c.products))
		for b, f := range l.fitted {
			residual -= s[c.pair(a, b)] * f
		}
		h := l.leverage[g*nc*nb+a:]
		for t := range l.score {
			l.score[t] += h[t*nb] * residual
		}
	}
}

// closeCluster adds the outer product of the cluster's score to vcov.
func (l *linear) closeCluster() {
	nc := len(l.score)
	for r, v := range l.score {
		for t, w := range l.score {
			l.vcov[r*nc+t] += v * w
		}
	}
	clear(l.score)
}

// rowScores treats every child of class g as a cluster of its own (HC0, HC1).
// This is the one place where a fit reads child rows again.
func (l *linear) rowScores(d *dgp.Data, g, outcome int) {
	c, nb, nc := l.core, len(l.core.basis), len(l.combinations)
	r := c.outcomes[outcome]
	for i := d.ChildStart[g]; i < d.ChildStart[g+1]; i++ {
		in := 1.0
		if c.mask != nil {
			in = c.mask[i]
		}
		var y float64
		if r.child >= 0 {
			y = c.outcome[r.child][i]
		} else {
			y = in * c.product[g*len(c.products)+r.product]
		}
		e := y - in*l.fitted[0]
		for a := 1; a < nb; a++ {
			e -= l.fitted[a] * c.columns[a][i]
		}
		for t := range l.score {
			h := l.leverage[(g*nc+t)*nb : (g*nc+t+1)*nb]
			v := in * h[0]
			for a := 1; a < nb; a++ {
				v += h[a] * c.columns[a][i]
			}
			l.score[t] = v * e
		}
		l.closeCluster()
	}
}

// failed is an estimate that did not work.
func failed(status Status) Estimate {
	nan := math.NaN()
	return Estimate{Value: nan, SE: nan, DF: nan, P: nan, Status: status}
}

// dropped reports whether the term of combination r was dropped.
func (l *linear) dropped(r int) bool {
	t := l.combinations[r].term
	return t >= 0 && l.solver.lost()[t]
}

// estimate reads one combination off value and vcov.
func (l *linear) estimate(r int, df float64, status Status) Estimate {
	if l.dropped(r) {
		return failed(Collinear)
	}
	e := Estimate{Value: l.value[r], SE: math.Sqrt(l.vcov[r*len(l.combinations)+r]), DF: df, Status: status}
	if !(e.SE > 0) || math.IsInf(e.SE, 0) || math.IsNaN(e.Value) || math.IsInf(e.Value, 0) {
		return failed(NotFinite)
	}
	e.P = 2 * distuv.StudentsT{Sigma: 1, Nu: df}.CDF(-math.Abs(e.Value/e.SE))
	return e
}
