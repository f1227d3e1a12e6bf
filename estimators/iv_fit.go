package estimators

import (
	"math"

	"gonum.org/v1/gonum/mathext"

	"coachsim/dgp"
)

// An iv is a bound two-stage least squares fit.
//
// Terms are, in order, the w exogenous regressors W, the excluded instruments
// z, up to place m, and the endogenous regressors d, up to place p; y is an
// outcome, and all are net of the absorbed effects. With Z = [W z] = QR, what
// the fit needs of X = [W d] is its projection Q'X,
//
//	Q'X = | R_WW  r_Wd |     r = Q'd = R⁻ᵀ Z'd
//	      |  0    r_zd |
//
// so with r_zd = Q₂T the coefficients of d are those of the regression of Q'y
// on r_zd in the rows of z, T⁻¹ Q₂'(Q'y)_z, and R_WW⁻¹((Q'y)_W - r_Wd b_d) are
// those of W. That is the textbook's b = (X̂'X̂)⁻¹ X̂'y with X̂ = QQ'X, without
// squaring X̂ (Davidson and MacKinnon 2004, section 8.3).
//
// The influence of row i on w'b is w'(X̂'X̂)⁻¹x̂_i = a'z_i with
//
//	a = R⁻¹ [u_W; Q₂u_d],  u_W = R_WW⁻ᵀ w_W,  u_d = T⁻ᵀ(w_d - r_Wd'u_W)
//
// a combination of terms, and its residual is y_i - x_i'b, another. So linear
// gives standard errors and tests as for least squares; u'u is the variance of
// w'b per unit of s².
//
// The leverage that HC2, HC3, CR2 and CR3 adjust residuals for is that of X̂, as
// in estimatr's iv_robust and clubSandwich. The columns of Q for W, and Q times
// [0; Q₂], are an orthonormal basis of X̂'s columns. In it a row of Z has the
// coordinates q_W and Q₂'q_z, with q = R⁻ᵀz, and the combination w'b has u.
type iv struct {
	method  IV
	w, m, p int
	effects int // the first terms: dummies of a second absorbed effect
	rows    []Row
	l       *linear // the structural equation, its influences on instruments
	first   *linear // factors Z'Z
	stage   *linear // coefficients of instruments in the first stage
	rest    *linear // residuals of the first stage
	root    solver  // with Z'Z

	missing []bool    // by term: dropped
	kept    []int     // instruments not dropped: combinations of stage
	rd      []float64 // by endogenous regressor and place in Z: Q'd
	ry      []float64 // by outcome and place in Z: Q'y
	q2      []float64 // by endogenous regressor and instrument: Q₂
	t       []float64 // T by rows
	x       []float64 // scratch: by term
	errDD   []float64 // d'(I-P_Z)d, by two endogenous regressors
	errYD   []float64 // by outcome and endogenous regressor: y'(I-P_Z)d
	errYY   []float64 // by outcome: y'(I-P_Z)y
	scores  []float64 // by cluster: scores of the instrument
}

func (v *iv) allocate(shape dgp.Shape) {
	k, ny := v.p-v.m, len(v.l.outcomes)
	v.first.chol = newCholesky(v.m)
	v.first.raw = make([]float64, v.m)
	v.missing = make([]bool, v.p)
	v.kept = make([]int, 0, v.m-v.w)
	v.rd = make([]float64, k*v.m)
	v.ry = make([]float64, ny*v.m)
	v.q2 = make([]float64, k*(v.m-v.w))
	v.t = make([]float64, k*k)
	v.x = make([]float64, v.p)
	v.errDD = make([]float64, k*k)
	v.errYD = make([]float64, ny*k)
	v.errYY = make([]float64, ny)
	v.scores = make([]float64, shape.Max[v.l.core.group]*max(2, v.m-v.w))
}

// Rows says what the estimates are about.
func (v *iv) Rows() []Row { return v.rows }

// lost says which terms were dropped: exogenous ones and instruments.
func (v *iv) lost() []bool { return v.missing }

// An instrumental solves with Z'Z, and gives no weight to endogenous regressors.
type instrumental struct{ *iv }

func (v instrumental) solve(x []float64) {
	v.half(x)
	v.back(x)
}

func (v instrumental) half(x []float64) {
	v.root.half(x[:v.m])
	clear(x[v.m:])
}

func (v instrumental) back(x []float64) { v.root.back(x[:v.m]) }

// A projected turns Z'x into coordinates of X̂, those of W and then, in the
// places of the endogenous regressors, the others.
type projected struct{ instrumental }

func (v projected) half(x []float64) {
	v.root.half(x[:v.m])
	n := v.m - v.w
	for j := range v.p - v.m {
		x[v.m+j] = dot(v.q2[j*n:(j+1)*n], x[v.w:v.m])
	}
	clear(x[v.w:v.m])
}

// Fit fits every outcome.
func (v *iv) Fit(s *Setup, out []Estimate) {
	l, c := v.l, v.l.core
	status := v.factor(s)
	if status.Worked() && !v.identify(s) {
		status = Collinear
	}
	l.solver, v.stage.solver = projected{instrumental{v}}, instrumental{v}
	exogenous, instruments := 0, len(v.kept)
	for _, lost := range v.missing[:v.w] {
		if !lost {
			exogenous++
		}
	}
	k := float64(c.present + exogenous + v.p - v.m)
	kz := float64(c.present + exogenous + instruments)
	switch {
	case status == NotFinite, status == BadWeights:
	case c.rows <= max(k, kz):
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
		for i := range out {
			out[i] = failed(status)
		}
		return
	}
	v.influences(status)
	for i := range l.outcomes {
		v.coefficients(s, i)
	}
	v.firstStage()
	if l.se != Classical {
		v.stage.clusters, v.stage.clusterOf = l.clusters, l.clusterOf
		l.project()
		v.stage.project()
		v.rest.project()
		if l.reduced != nil {
			l.reduced.adjust()
			v.stage.reduced.adjust()
		}
	}
	per := len(out) / len(l.outcomes)
	for i, outcome := range l.outcomes {
		of, rows := status, out[i*per:(i+1)*per]
		if !(c.square[outcome] > 1e-13*c.squares[outcome]) {
			of = NoVariation
		}
		tests := len(l.reported) + len(l.joint)
		l.fitOutcome(s, i, k, of, rows[:tests])
		for r := range l.reported {
			if v.method.Test == AndersonRubin && l.combinations[r].term() == v.m && rows[r].Status.Worked() {
				rows[r] = v.andersonRubin(s, i, kz, rows[r])
			}
		}
		for d := range rows[tests:] {
			if rows[tests+d] = failed(of); of.Worked() {
				rows[tests+d] = v.firstStageF(s, d, kz, of)
			}
		}
	}
}

// factor factors Z'Z, by QR where the normal equations would lose digits.
func (v *iv) factor(s *Setup) Status {
	c := v.l.core
	v.first.factor(s)
	for i, u := range v.l.terms {
		if raw := c.raw[u]; math.IsNaN(raw) || math.IsInf(raw, 0) {
			return NotFinite
		}
		if i >= v.m && c.gram[u*c.width+u] < refinePivot*c.raw[u] && v.first.solver != solver(s.dense) {
			s.dense.factor(s, v.first)
			v.first.solver = s.dense
		}
	}
	switch {
	case c.unweighable:
		return BadWeights
	case c.unplaced:
		return NotFinite
	}
	v.root = v.first.solver
	copy(v.missing, v.root.lost())
	v.kept = v.kept[:0]
	status := OK
	for i, lost := range v.missing[:v.m] {
		switch {
		case lost && i >= v.effects: // that effects overlap is no loss
			status = Reduced
		case !lost && i >= v.w:
			v.kept = append(v.kept, i-v.w)
		}
	}
	return status
}

// identify projects the endogenous regressors on the instruments and factors
// r_zd = Q₂T by Gram and Schmidt's rule. It reports whether they are
// identified: each by more than 1e-7 of its length, the tolerance of R's lm.
func (v *iv) identify(s *Setup) bool {
	c, k, n := v.l.core, v.p-v.m, v.m-v.w
	clear(v.t)
	for j := range k {
		u := v.l.terms[v.m+j]
		r := v.rd[j*v.m : (j+1)*v.m]
		if v.root == solver(s.dense) {
			at := (v.m + j) * s.dense.rowsMax
			s.dense.fill(s, c, s.dense.q[at:at+s.dense.rowsMax], func(g, i int) float64 { return c.of(u, g, i) })
			s.dense.project(s.dense.column(v.m+j), r)
		} else {
			for i, z := range v.l.terms[:v.m] {
				r[i] = c.gram[z*c.width+u]
			}
			v.root.half(r)
		}
		column := v.q2[j*n : (j+1)*n]
		copy(column, r[v.w:])
		for range 2 {
			for i := range j {
				other := v.q2[i*n : (i+1)*n]
				weight := dot(other, column)
				v.t[i*k+j] += weight
				addScaled(column, -weight, other)
			}
		}
		norm := math.Sqrt(dot(column, column))
		length := math.Sqrt(c.gram[u*c.width+u])
		if !(norm > denseTolerance*length) || !(c.gram[u*c.width+u] > 1e-12*c.raw[u]) {
			return false
		}
		v.t[j*k+j] = norm
		for i := range column {
			column[i] /= norm
		}
		for i := range j + 1 {
			e := c.gram[v.l.terms[v.m+i]*c.width+u] - dot(v.rd[i*v.m:(i+1)*v.m], r)
			if v.root == solver(s.dense) {
				e = dot(s.dense.column(v.m+i), s.dense.column(v.m+j))
			}
			v.errDD[i*k+j], v.errDD[j*k+i] = e, e
		}
		v.errDD[j*k+j] = max(v.errDD[j*k+j], 0)
	}
	return true
}

// project takes the projection on the columns of Q off x, and keeps it in r.
func (d *dense) project(x, r []float64) {
	clear(r)
	for range 2 {
		for j := range d.p {
			if !d.dropped[j] {
				weight := dot(d.column(j), x)
				r[j] += weight
				addScaled(x, -weight, d.column(j))
			}
		}
	}
}

// influences solves for a, for every combination.
func (v *iv) influences(status Status) {
	l, c, p, k, n := v.l, v.l.core, v.p, v.p-v.m, v.m-v.w
	nc := len(l.combinations)
	for r := range l.combinations {
		copy(l.weights[r*p:(r+1)*p], l.combinations[r].weights)
	}
	if status == Reduced {
		l.redistribute()
	}
	for r, combination := range l.combinations {
		w, a, u := l.weights[r*p:(r+1)*p], l.influence[r*p:(r+1)*p], l.half[r*p:(r+1)*p]
		clear(w[v.w:v.m])
		l.lift[r] = 0
		if combination.intercept != 0 {
			// The instruments include the constant, so b0 = ȳ - x̄'b.
			l.lift[r] = combination.intercept / c.weight
			for i, t := range l.terms {
				if i < v.w || i >= v.m {
					w[i] -= l.lift[r] * c.effectS[t]
				}
			}
		}
		copy(u, w)
		v.root.half(u[:v.m])
		clear(u[v.w:v.m])
		copy(a, u)
		clear(a[v.m:])
		for j := range k {
			x := w[v.m+j] - dot(u[:v.w], v.rd[j*v.m:])
			for i := range j {
				x -= v.t[i*k+j] * u[v.m+i]
			}
			u[v.m+j] = x / v.t[j*k+j]
			addScaled(a[v.w:v.m], u[v.m+j], v.q2[j*n:(j+1)*n])
		}
		v.root.back(a[:v.m])
	}
	for r := range nc {
		for t := range nc {
			l.bread[r*nc+t] = l.lift[r]*l.combinations[t].intercept + dot(l.half[r*p:(r+1)*p], l.half[t*p:(t+1)*p])
		}
	}
}

// coefficients solves for the coefficients of outcome i, and for its residual
// sum of squares: of y - Xb, which is in part in the space of the instruments.
func (v *iv) coefficients(s *Setup, i int) {
	l, c, k, n := v.l, v.l.core, v.p-v.m, v.m-v.w
	outcome := l.outcomes[i]
	r, x := v.ry[i*v.m:(i+1)*v.m], v.x[:v.m]
	if v.root == solver(s.dense) {
		y := s.dense.y[:s.dense.n]
		s.dense.fillOutcome(s, c, outcome)
		s.dense.project(y, r)
		v.errYY[i] = dot(y, y)
		for j := range k {
			v.errYD[i*k+j] = dot(y, s.dense.column(v.m+j))
		}
	} else {
		for j, z := range l.terms[:v.m] {
			r[j] = c.cross(z, outcome)
		}
		v.root.half(r)
		v.errYY[i] = max(c.square[outcome]-dot(r, r), 0)
		for j := range k {
			v.errYD[i*k+j] = c.cross(l.terms[v.m+j], outcome) - dot(r, v.rd[j*v.m:(j+1)*v.m])
		}
	}
	copy(x, r)
	beta := l.beta[i*v.p : (i+1)*v.p]
	d := beta[v.m:]
	for j := range k {
		q := v.q2[j*n : (j+1)*n]
		d[j] = dot(q, x[v.w:])
		addScaled(x[v.w:], -d[j], q)
	}
	rss := dot(x[v.w:], x[v.w:]) + v.errYY[i]
	for j := k - 1; j >= 0; j-- {
		for t := j + 1; t < k; t++ {
			d[j] -= v.t[j*k+t] * d[t]
		}
		d[j] /= v.t[j*k+j]
	}
	for j := range k {
		addScaled(x[:v.w], -d[j], v.rd[j*v.m:j*v.m+v.w])
		rss += d[j] * (dot(v.errDD[j*k:(j+1)*k], d) - 2*v.errYD[i*k+j])
	}
	clear(x[v.w:])
	v.root.back(x)
	copy(beta, x)
	l.rss[i] = max(rss, 0)
}

// firstStage solves for the influences on the instruments' coefficients in the
// first stage, and writes its residuals as combinations of terms.
func (v *iv) firstStage() {
	st, p, n := v.stage, v.p, v.m-v.w
	nc := len(st.combinations)
	for j := range n {
		a := st.influence[j*p : (j+1)*p]
		clear(a)
		a[v.w+j] = 1
		v.root.half(a[:v.m])
		copy(st.half[j*p:(j+1)*p], a)
		v.root.back(a[:v.m])
	}
	for i := range n {
		for j := range n {
			st.bread[i*nc+j] = dot(st.half[i*p:(i+1)*p], st.half[j*p:(j+1)*p])
		}
	}
	for d := range p - v.m {
		residual := v.rest.influence[d*p : (d+1)*p]
		clear(residual)
		copy(residual, v.rd[d*v.m:(d+1)*v.m])
		v.root.back(residual[:v.m])
		for j := range v.m {
			residual[j] *= -1
		}
		residual[v.m+d] = 1
	}
}

// firstStageF tests that no instrument is in the first stage of endogenous
// regressor d, with k coefficients in all.
func (v *iv) firstStageF(s *Setup, d int, k float64, status Status) Estimate {
	st, c, n := v.stage, v.l.core, v.m-v.w
	df := c.rows - k
	u := v.l.terms[v.m+d]
	rss := v.errDD[d*(v.p-v.m)+d]
	if !(rss > 1e-12*c.gram[u*c.width+u]) {
		return failed(PerfectStage)
	}
	st.spread = rss / df
	for j := range n {
		st.value[j] = -v.rest.influence[d*v.p+v.w+j]
	}
	clear(st.vcov)
	if st.se == Classical {
		for j, b := range st.bread {
			st.vcov[j] = b * rss / df
		}
	} else {
		v.stageSandwich(s, d)
		scale := st.se.factor(c.rows, k, float64(v.l.clusters))
		for j := range st.vcov {
			st.vcov[j] *= scale
		}
		if st.se.clustered() {
			df = float64(v.l.clusters - 1)
		}
	}
	return st.jointTest(v.kept, df, status)
}

// stageSandwich fills the first stage's vcov with the sum over clusters of the
// outer products of the instruments' scores.
func (v *iv) stageSandwich(s *Setup, d int) {
	st, c, n, nb := v.stage, v.l.core, v.m-v.w, len(v.l.core.basis)
	nc := len(st.combinations)
	perRow := !st.se.clustered() && c.key.rows > c.group
	add := func(score []float64) {
		for i, x := range score {
			addScaled(st.vcov[i*nc:i*nc+n], x, score)
		}
	}
	clear(v.scores[:v.l.clusters*n])
	for g := range c.groups {
		if !c.active[g] {
			continue
		}
		residual := v.rest.projection(g, d)
		if perRow {
			score := v.scores[:n]
			for row := s.data.ChildStart[g]; row < s.data.ChildStart[g+1]; row++ {
				in := c.root(g, row)
				e := c.atRow(residual, row, in) * v.stageFactor(g, row, in)
				for j := range score {
					score[j] = c.atRow(st.projection(g, j), row, in) * e
				}
				add(score)
			}
			continue
		}
		stat := c.stat[g*c.stride : (g+1)*c.stride]
		score := v.scores[v.l.clusterOf[g]*n:][:n]
		for a := range nb {
			r := 0.0
			for b, h := range residual {
				r += stat[c.pairs[a*nb+b]] * h
			}
			for j := range score {
				score[j] += st.projection(g, j)[a] * r
			}
		}
	}
	if !perRow {
		for g := range v.l.clusters {
			add(v.scores[g*n : (g+1)*n])
		}
	}
}

// stageFactor is what HC2 and HC3 multiply a child's residual with in a
// regression on all instruments.
func (v *iv) stageFactor(g, row int, in float64) float64 {
	if v.stage.reduced == nil {
		return 1
	}
	return v.stage.reduced.rowFactor(g, row, in)
}

// An anderson holds what the test of Anderson and Rubin makes of every null.
// With b the estimate and the null b + x, and V the variance that the residuals
// of y - (b+x)d give to the instruments' coefficients, the statistic is
//
//	F(x) = (excess + x² strength) / (instruments × (v0 - 2x v1 + x² v2))
//
// The numerator is the part of the residuals' sum of squares that the
// instruments explain, or, with one instrument, the squared coefficient.
type anderson struct {
	excess, strength float64
	v0, v1, v2       float64
	zero             float64 // F for the null 0
}

// andersonRubin replaces the p-value of the endogenous regressor's estimate,
// and adds the interval; k counts the coefficients of the reduced form.
func (v *iv) andersonRubin(s *Setup, i int, k float64, e Estimate) Estimate {
	c, n := v.l.core, float64(len(v.kept))
	df := c.rows - k
	b := v.l.beta[i*v.p+v.m]
	rd, ry := v.rd[v.w:v.m], v.ry[i*v.m+v.w:(i+1)*v.m]
	var t anderson
	if v.l.se == Classical {
		yy, yd, dd := v.errYY[i]/df, v.errYD[i]/df, v.errDD[0]/df
		for j, y := range ry {
			rest := y - b*rd[j]
			t.excess += rest * rest
		}
		t.strength = dot(rd, rd)
		t.v0, t.v1, t.v2 = yy-2*b*yd+b*b*dd, yd-b*dd, dd
		t.zero = dot(ry, ry) / (n * yy)
	} else {
		var yy float64
		t.v0, t.v1, t.v2, yy = v.reducedForm(s, i, b)
		scale := v.l.se.factor(c.rows, k, float64(v.l.clusters))
		t.v0, t.v1, t.v2, yy = t.v0*scale, t.v1*scale, t.v2*scale, yy*scale
		slope := -v.rest.influence[v.w] // of d on the instrument
		t.strength = slope * slope
		t.zero = b * b * t.strength / yy
		switch {
		case v.stage.reduced != nil && v.l.se.clustered():
			df = v.stage.reduced.df[0]
		case v.l.se.clustered():
			df = float64(v.l.clusters - 1)
		}
	}
	if !(t.zero >= 0) || math.IsInf(t.zero, 0) {
		return failed(NoResidual)
	}
	e.P = mathext.RegIncBeta(df/2, n/2, df/(df+n*t.zero))
	x := mathext.InvRegIncBeta(df/2, n/2, s.alpha)
	e.Interval = t.invert(df * (1 - x) / x)
	e.Low += b
	e.High += b
	return e
}

// invert returns the x with F(x) times instruments at most limit:
//
//	(strength - limit v2) x² + 2 limit v1 x + excess - limit v0 ≤ 0
func (t anderson) invert(limit float64) Interval {
	a, h, c := t.strength-limit*t.v2, limit*t.v1, t.excess-limit*t.v0
	inf := math.Inf(1)
	switch d := h*h - a*c; {
	case a > 0 && d < 0, a == 0 && h == 0 && c > 0:
		return Interval{Low: inf, High: -inf}
	case a > 0:
		q := -(h + math.Copysign(math.Sqrt(d), h))
		x, y := q/a, c/q
		if q == 0 {
			y = 0
		}
		return Interval{Low: min(x, y), High: max(x, y)}
	case a == 0 && h > 0:
		return Interval{Low: -inf, High: -c / (2 * h)}
	case a == 0 && h < 0:
		return Interval{Low: -c / (2 * h), High: inf}
	default:
		return Interval{Low: -inf, High: inf}
	}
}

// reducedForm returns, for the one instrument, the sums over clusters of
// s², s t, t² and (s + bt)², with s the scores of the structural residuals,
// those of y - bd in the regression on all instruments, and t those of the
// first stage.
func (v *iv) reducedForm(s *Setup, i int, b float64) (ss, st, tt, yy float64) {
	l, c, nb := v.l, v.l.core, len(v.l.core.basis)
	add := func(s, t float64) {
		ss += s * s
		st += s * t
		tt += t * t
		yy += (s + b*t) * (s + b*t)
	}
	perRow := !l.se.clustered() && c.key.rows > c.group
	clear(v.scores[:2*l.clusters])
	y := c.outcomes[l.outcomes[i]]
	for g := range c.groups {
		if !c.active[g] {
			continue
		}
		fitted := l.projection(g, len(l.combinations)+i)
		h, first := v.stage.projection(g, 0), v.rest.projection(g, 0)
		if perRow {
			for row := s.data.ChildStart[g]; row < s.data.ChildStart[g+1]; row++ {
				in := c.root(g, row)
				e := in * c.byProduct[y.product][g]
				if y.child >= 0 {
					e = c.outcome[y.child][row]
				}
				a := c.atRow(h, row, in) * v.stageFactor(g, row, in)
				add(a*(e-c.atRow(fitted, row, in)), a*c.atRow(first, row, in))
			}
			continue
		}
		stat := c.stat[g*c.stride : (g+1)*c.stride]
		score := v.scores[2*l.clusterOf[g]:][:2]
		for a := range nb {
			e, r := c.outcomeProduct(g, a, y, stat), 0.0
			for m := range nb {
				e -= stat[c.pairs[a*nb+m]] * fitted[m]
				r += stat[c.pairs[a*nb+m]] * first[m]
			}
			score[0] += h[a] * e
			score[1] += h[a] * r
		}
	}
	if !perRow {
		for g := range l.clusters {
			add(v.scores[2*g], v.scores[2*g+1])
		}
	}
	return ss, st, tt, yy
}
