package estimatortest

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"

	"coachsim/dgp"
	"coachsim/estimators"
)

// Mixed fits a mixed model as the formulas stand in a textbook. The covariance
// matrix V of all rows, per residual variance, is written out,
//
//	V = I + Σ_k Z_k D_k Z_k',  D_k = Λ_k Λ_k'
//
// with Z_k the dummies of the units of a random level, or those times a column,
// and the deviance profiled over β and σ² is minimised over the entries t of the
// lower triangular Λ_k by Nelder and Mead's method,
// finished by Newton's with numerical derivatives. Estimates agree with exact
// ones to about 1e-8, degrees of freedom to 1e-6.
func Mixed(o estimators.Mixed, d *dgp.Data, shape dgp.Shape, lists map[string]string) ([]estimators.Estimate, error) {
	f, err := estimators.ParseFormula(o.Formula, lists)
	if err != nil {
		return nil, err
	}
	r := &regression{OLS: estimators.OLS{Formula: o.Formula, Rows: o.Rows, Where: o.Where}, formula: f, data: d, shape: shape}
	if err := r.findRows(); err != nil {
		return nil, err
	}
	r.buildX()
	places, err := r.places(o.Report)
	if err != nil {
		return nil, err
	}
	groups := make([][]int, len(o.Joint))
	for i, group := range o.Joint {
		if groups[i], err = r.places(group); err != nil {
			return nil, err
		}
	}
	m := &mixedModel{Mixed: o, regression: r}
	m.build()
	var all []estimators.Estimate
	for _, outcome := range f.Outcomes {
		m.y = mat.NewVecDense(m.n, r.values(outcome.Variable))
		m.maximise()
		for _, j := range places {
			all = append(all, m.estimate(j))
		}
		for _, group := range groups {
			all = append(all, m.jointTest(group))
		}
	}
	return all, nil
}

// A mixedModel is a mixed model written out.
type mixedModel struct {
	estimators.Mixed
	regression *regression
	n, p       int
	x          *mat.Dense
	column     []int // by column of the regression: its place in x, -1 if dropped
	y          *mat.VecDense
	terms      []randomTerm
	shared     []*mat.SymDense // by entry of the D: what it multiplies in V
	theta      []float64       // the entries of the Λ
	free       []int           // those that are not 0
	hessian    *mat.Dense      // of the deviance, by those and σ
}

// A randomTerm is one or two columns whose coefficients vary between units.
type randomTerm struct {
	columns [][]float64
	unit    []int
	first   int // entry of D
}

func (m *mixedModel) build() {
	r := m.regression
	m.n = len(r.rows)
	for _, lost := range r.lost {
		if lost {
			m.column = append(m.column, -1)
			continue
		}
		m.column = append(m.column, m.p)
		m.p++
	}
	m.x = mat.NewDense(m.n, m.p, nil)
	for i := range m.n {
		for j, to := range m.column {
			if to >= 0 {
				m.x.Set(i, to, float(r.x[i][j]))
			}
		}
	}
	for _, random := range r.formula.Random {
		var level dgp.Level
		_ = level.UnmarshalText([]byte(random.Level))
		var t randomTerm
		for i := range m.n {
			t.unit = append(t.unit, r.rows[i][level])
		}
		if random.Intercept {
			t.columns = append(t.columns, slices.Repeat([]float64{1}, m.n))
		}
		for _, slope := range random.Slopes {
			column := slices.Repeat([]float64{1}, m.n)
			for _, factor := range slope.Factors {
				for i, v := range r.values(factor.Variable) {
					column[i] *= math.Pow(v, float64(factor.Power))
				}
			}
			// In other units D is another, and nothing else is.
			floats.Scale(math.Sqrt(float64(m.n))/floats.Norm(column, 2), column)
			t.columns = append(t.columns, column)
		}
		if !random.Independent {
			m.add(t)
			continue
		}
		for _, column := range t.columns {
			m.add(randomTerm{columns: [][]float64{column}, unit: t.unit})
		}
	}
}

// add adds a term and the matrices of its entries: for i and j, of
// z_i z_j' + z_j z_i' within units, once for i = j.
func (m *mixedModel) add(t randomTerm) {
	t.first = len(m.shared)
	for i, x := range t.columns {
		for j, y := range t.columns[:i+1] {
			g := mat.NewSymDense(m.n, nil)
			for k := range m.n {
				for l := range k + 1 {
					switch {
					case t.unit[k] != t.unit[l]:
					case i == j:
						g.SetSym(k, l, x[k]*x[l])
					default:
						g.SetSym(k, l, x[k]*y[l]+x[l]*y[k])
					}
				}
			}
			m.shared = append(m.shared, g)
		}
	}
	m.terms = append(m.terms, t)
}

// entries are those of D = ΛΛ'.
func (m *mixedModel) entries(theta []float64) []float64 {
	d := make([]float64, len(theta))
	for _, t := range m.terms {
		lambda := theta[t.first:]
		d[t.first] = lambda[0] * lambda[0]
		if len(t.columns) == 2 {
			d[t.first+1] = lambda[0] * lambda[1]
			d[t.first+2] = lambda[1]*lambda[1] + lambda[2]*lambda[2]
		}
	}
	return d
}

// variance is V.
func (m *mixedModel) variance(theta []float64) *mat.SymDense {
	v := mat.NewSymDense(m.n, nil)
	for i := range m.n {
		v.SetSym(i, i, 1)
	}
	for k, entry := range m.entries(theta) {
		floats.AddScaled(v.RawSymmetric().Data, entry, m.shared[k].RawSymmetric().Data)
	}
	return v
}

// A generalised is a generalised least-squares fit.
type generalised struct {
	logV, logX float64 // log|V|, log|X'V⁻¹X|
	rss        float64 // (y-Xb)'V⁻¹(y-Xb)
	b          mat.VecDense
	phi        mat.Dense // (X'V⁻¹X)⁻¹
}

// fit solves by the QR decomposition of L⁻¹X, V = LL'.
func (m *mixedModel) fit(theta []float64) generalised {
	var g generalised
	var chol mat.Cholesky
	if !chol.Factorize(m.variance(theta)) {
		panic("estimatortest: V is not positive definite")
	}
	g.logV = chol.LogDet()
	var l mat.TriDense
	chol.LTo(&l)
	var x, whitened mat.Dense
	if l.SolveTo(&x, false, m.x) != nil || l.SolveTo(&whitened, false, m.y) != nil {
		panic("estimatortest: V is singular")
	}
	y := whitened.ColView(0)
	var qr mat.QR
	qr.Factorize(&x)
	var upper mat.Dense
	qr.RTo(&upper)
	for j := range m.p {
		g.logX += 2 * math.Log(math.Abs(upper.At(j, j)))
	}
	_ = qr.SolveVecTo(&g.b, false, y)
	var residual mat.VecDense
	residual.MulVec(&x, &g.b)
	residual.SubVec(y, &residual)
	g.rss = mat.Dot(&residual, &residual)
	var inverse mat.Dense
	_ = inverse.Inverse(upper.Slice(0, m.p, 0, m.p))
	g.phi.Mul(&inverse, inverse.T())
	return g
}

// degrees is the number of rows, for REML less the number of columns.
func (m *mixedModel) degrees() float64 {
	if m.Likelihood == estimators.REML {
		return float64(m.n - m.p)
	}
	return float64(m.n)
}

// deviance is -2 log likelihood, up to a constant, at t and σ:
//
//	log|V| + n log σ² + (y-Xb)'V⁻¹(y-Xb)/σ²
//
// and for REML also log|X'V⁻¹X|, with n less the number of columns.
func (m *mixedModel) deviance(theta []float64, sigma float64) float64 {
	g := m.fit(theta)
	d := g.logV + m.degrees()*math.Log(sigma*sigma) + g.rss/(sigma*sigma)
	if m.Likelihood == estimators.REML {
		d += g.logX
	}
	return d
}

// profiled is the deviance at the best σ, σ² = rss/degrees.
func (m *mixedModel) profiled(theta []float64) float64 {
	g := m.fit(theta)
	d := g.logV + m.degrees()*math.Log(g.rss)
	if m.Likelihood == estimators.REML {
		d += g.logX
	}
	return d
}

func (m *mixedModel) maximise() {
	var best *optimize.Result
	for start := range 3 { // there may be several maxima
		from := make([]float64, len(m.shared))
		for k, t := range m.terms {
			from[t.first] = [][]float64{{0.5, 0.5}, {0.1, 3}, {3, 0.1}}[start][k%2]
			if len(t.columns) == 2 {
				from[t.first+2] = from[t.first]
			}
		}
		result, err := optimize.Minimize(optimize.Problem{Func: m.profiled}, from,
			&optimize.Settings{Converger: &optimize.FunctionConverge{Absolute: 1e-10, Iterations: 20 * len(from)}}, &optimize.NelderMead{})
		if err != nil {
			panic(err)
		}
		if best == nil || result.F < best.F {
			best = result
		}
	}
	m.theta = slices.Clone(best.X)
	for _, t := range m.terms {
		lambda := m.theta[t.first:]
		if math.Abs(lambda[0]) < 1e-3 {
			lambda[0] = 0
			if len(t.columns) == 2 {
				lambda[1], lambda[2] = 0, math.Hypot(lambda[1], lambda[2])
			}
		}
		if len(t.columns) == 2 && math.Abs(lambda[2]) < 1e-3 {
			lambda[2] = 0
		}
	}
	m.free = nil
	for i, t := range m.theta {
		if t != 0 {
			m.free = append(m.free, i)
		}
	}
	of := func(x []float64) float64 { return m.profiled(m.place(x)) }
	for range 3 {
		x := m.taken(m.theta)
		gradient, hessian := derivatives(of, x)
		var step mat.VecDense
		if len(x) == 0 || step.SolveVec(hessian, mat.NewVecDense(len(x), gradient)) != nil {
			break
		}
		for i := range x {
			x[i] -= step.AtVec(i)
		}
		m.theta = m.place(x)
	}
	if m.DF == estimators.Satterthwaite {
		k := len(m.free)
		at := append(m.taken(m.theta), math.Sqrt(m.fit(m.theta).rss/m.degrees()))
		_, m.hessian = derivatives(func(x []float64) float64 { return m.deviance(m.place(x[:k]), x[k]) }, at)
	}
}

// place puts values of the t that are not 0 in their places, taken takes them.
func (m *mixedModel) place(x []float64) []float64 {
	theta := make([]float64, len(m.shared))
	for i, k := range m.free {
		theta[k] = x[i]
	}
	return theta
}

func (m *mixedModel) taken(theta []float64) []float64 {
	var x []float64
	for _, k := range m.free {
		x = append(x, theta[k])
	}
	return x
}

// slope is the derivative of f in x[i], from five points.
func slope(f func([]float64) float64, x []float64, i int) float64 {
	h := 0.01 * max(math.Abs(x[i]), 0.1)
	at := func(k float64) float64 {
		y := append([]float64(nil), x...)
		y[i] += k * h
		return f(y)
	}
	return (8*(at(1)-at(-1)) - (at(2) - at(-2))) / (12 * h)
}

// derivatives returns the gradient and the Hessian.
func derivatives(f func([]float64) float64, x []float64) ([]float64, *mat.Dense) {
	gradient := make([]float64, len(x))
	if len(x) == 0 {
		return gradient, nil
	}
	hessian := mat.NewDense(len(x), len(x), nil)
	for i := range x {
		gradient[i] = slope(f, x, i)
		for j := range x {
			hessian.Set(i, j, slope(func(y []float64) float64 { return slope(f, y, i) }, x, j))
		}
	}
	return gradient, hessian
}

// singular reports whether a D is.
func (m *mixedModel) singular() bool {
	for _, t := range m.terms {
		if lambda := m.theta[t.first:]; lambda[0] == 0 || len(t.columns) == 2 && lambda[2] == 0 {
			return true
		}
	}
	return false
}

func (m *mixedModel) status() estimators.Status {
	switch {
	case m.singular():
		return estimators.Boundary
	case m.p < len(m.column):
		return estimators.Reduced
	default:
		return estimators.OK
	}
}

// estimate is the estimate of column j of the regression.
func (m *mixedModel) estimate(j int) estimators.Estimate {
	j = m.column[j]
	if j < 0 {
		return Failed(estimators.Collinear)
	}
	g := m.fit(m.theta)
	sigma2 := g.rss / m.degrees()
	e := estimators.Estimate{Value: g.b.AtVec(j), Status: m.status()}
	variance := sigma2 * g.phi.At(j, j)
	weights := mat.NewVecDense(m.p, nil)
	weights.SetVec(j, 1)
	switch m.DF {
	case estimators.Satterthwaite:
		e.DF = m.satterthwaite(weights, sigma2)
	case estimators.KenwardRoger:
		k := m.kenwardRoger(sigma2)
		variance = k.adjusted.At(j, j)
		_, e.DF = k.test([]int{j})
	default:
		e.DF = float64(m.n - m.p)
	}
	e.SE = math.Sqrt(variance)
	t := e.Value / e.SE
	e.P = Tail(t*t, 1, e.DF)
	return e
}

// jointTest is the F test that the coefficients of columns of the regression
// are 0.
func (m *mixedModel) jointTest(group []int) estimators.Estimate {
	var places []int
	for _, j := range group {
		if m.column[j] < 0 {
			return Failed(estimators.Collinear)
		}
		places = append(places, m.column[j])
	}
	q := len(places)
	g := m.fit(m.theta)
	sigma2 := g.rss / m.degrees()
	b := mat.NewVecDense(q, nil)
	v := mat.NewSymDense(q, nil)
	for i, j := range places {
		b.SetVec(i, g.b.AtVec(j))
		for k, l := range places {
			v.SetSym(i, k, sigma2*g.phi.At(j, l))
		}
	}
	wald := func(v mat.Matrix) float64 {
		var solved mat.VecDense
		_ = solved.SolveVec(v, b)
		return mat.Dot(b, &solved) / float64(q)
	}
	e := estimators.Estimate{Value: wald(v), SE: math.NaN(), DF: float64(m.n - m.p), Status: m.status()}
	switch m.DF {
	case estimators.Satterthwaite:
		// Uncorrelated contrasts, their degrees of freedom, and those of the
		// F statistic whose expectation is that of their mean.
		var eigen mat.EigenSym
		eigen.Factorize(v, true)
		var vectors mat.Dense
		eigen.VectorsTo(&vectors)
		sum, few, first, same := 0.0, false, 0.0, true
		for c := range q {
			weights := mat.NewVecDense(m.p, nil)
			for i, j := range places {
				weights.SetVec(j, vectors.At(i, c))
			}
			nu := m.satterthwaite(weights, sigma2)
			if c == 0 {
				first = nu
			}
			same = same && math.Abs(nu-first) < 1e-5*nu
			few = few || nu <= 2
			sum += nu / (nu - 2)
		}
		switch {
		case same:
			e.DF = first
		case few:
			e.DF = 2
		default:
			e.DF = 2 * sum / (sum - float64(q))
		}
	case estimators.KenwardRoger:
		k := m.kenwardRoger(sigma2)
		part := mat.NewDense(q, q, nil)
		for i, j := range places {
			for c, l := range places {
				part.Set(i, c, k.adjusted.At(j, l))
			}
		}
		var scale float64
		scale, e.DF = k.test(places)
		e.Value = scale * wald(part)
	}
	e.P = Tail(e.Value, float64(q), e.DF)
	return e
}

// satterthwaite is 2 f²/(g'Ag): f the variance of a combination of coefficients
// as a function of the t and σ, g its gradient, and A twice the inverse of the
// Hessian of the deviance.
func (m *mixedModel) satterthwaite(weights *mat.VecDense, sigma2 float64) float64 {
	split := func(x []float64) ([]float64, float64) { return m.place(x[:len(x)-1]), x[len(x)-1] }
	at := append(m.taken(m.theta), math.Sqrt(sigma2))
	f := func(x []float64) float64 {
		theta, sigma := split(x)
		g := m.fit(theta)
		return sigma * sigma * mat.Inner(weights, &g.phi, weights)
	}
	g := mat.NewVecDense(len(at), nil)
	for i := range at {
		g.SetVec(i, slope(f, at, i))
	}
	var solved mat.VecDense
	_ = solved.SolveVec(m.hessian, g)
	return 2 * f(at) * f(at) / (2 * mat.Dot(g, &solved))
}

// A kenwardRoger holds, for parameters θ = (σ² D, σ²) and Σ = Σ θ_k G_k:
//
//	Φ = (X'Σ⁻¹X)⁻¹,  P_i = -X'Σ⁻¹G_iΣ⁻¹X,  Q_ij = X'Σ⁻¹G_iΣ⁻¹G_jΣ⁻¹X
//	I_ij = tr(Σ⁻¹G_iΣ⁻¹G_j) - 2 tr(ΦQ_ij) + tr(ΦP_iΦP_j),  W = 2 I⁻¹
//	Φ_A = Φ + 2 Φ [Σ W_ij (Q_ij - P_iΦP_j)] Φ
type kenwardRoger struct {
	phi, w, adjusted *mat.Dense
	p                []*mat.Dense
}

func product(factors ...mat.Matrix) *mat.Dense {
	var out mat.Dense
	out.CloneFrom(factors[0])
	for _, f := range factors[1:] {
		var next mat.Dense
		next.Mul(&out, f)
		out = next
	}
	return &out
}

func (m *mixedModel) kenwardRoger(sigma2 float64) kenwardRoger {
	sigma := m.variance(m.theta)
	sigma.ScaleSym(sigma2, sigma)
	var inverse mat.Dense
	_ = inverse.Inverse(sigma)
	phi, w := new(mat.Dense), new(mat.Dense)
	_ = phi.Inverse(product(m.x.T(), &inverse, m.x))
	identity := mat.NewSymDense(m.n, nil)
	for i := range m.n {
		identity.SetSym(i, i, 1)
	}
	all := append(append([]*mat.SymDense(nil), m.shared...), identity)
	k := len(all)
	p, q := make([]*mat.Dense, k), make([]*mat.Dense, k*k)
	information := mat.NewDense(k, k, nil)
	solved, side := make([]*mat.Dense, k), make([]*mat.Dense, k)
	for i, g := range all {
		solved[i] = product(&inverse, g)
		side[i] = product(m.x.T(), solved[i], &inverse)
		p[i] = product(side[i], m.x)
		p[i].Scale(-1, p[i])
	}
	for i := range all {
		for l, h := range all {
			q[i*k+l] = product(side[i], h, &inverse, m.x)
			information.Set(i, l, mat.Trace(product(solved[i], solved[l]))-
				2*mat.Trace(product(phi, q[i*k+l]))+mat.Trace(product(phi, p[i], phi, p[l])))
		}
	}
	_ = w.Inverse(information)
	w.Scale(2, w)
	middle := mat.NewDense(m.p, m.p, nil)
	for i := range all {
		for l := range all {
			part := product(p[i], phi, p[l])
			part.Sub(q[i*k+l], part)
			part.Scale(2*w.At(i, l), part)
			middle.Add(middle, part)
		}
	}
	adjusted := product(phi, middle, phi)
	adjusted.Add(phi, adjusted)
	return kenwardRoger{phi: phi, w: w, adjusted: adjusted, p: p}
}

// test returns the factor of the F statistic of some coefficients and its
// degrees of freedom, from the matrix Θ = L'(LΦL')⁻¹L as their paper has it.
func (k kenwardRoger) test(places []int) (scale, df float64) {
	l := len(places)
	n, _ := k.phi.Dims()
	rows := mat.NewDense(l, n, nil)
	for i, j := range places {
		rows.Set(i, j, 1)
	}
	var part mat.Dense
	_ = part.Inverse(product(rows, k.phi, rows.T()))
	theta := product(rows.T(), &part, rows, k.phi)
	a1, a2 := 0.0, 0.0
	for i := range k.p {
		for j := range k.p {
			x, y := product(theta, k.p[i], k.phi), product(theta, k.p[j], k.phi)
			a1 += k.w.At(i, j) * mat.Trace(x) * mat.Trace(y)
			a2 += k.w.At(i, j) * mat.Trace(product(x, y))
		}
	}
	q := float64(l)
	b := (a1 + 6*a2) / (2 * q)
	g := ((q+1)*a1 - (q+4)*a2) / ((q + 2) * a2)
	d := 3*q + 2*(1-g)
	expected := 1 / (1 - a2/q)
	variance := 2 / q * (1 + g/d*b) / (math.Pow(1-(q-g)/d*b, 2) * (1 - (q+2-g)/d*b))
	rho := variance / (2 * expected * expected)
	df = 4 + (q+2)/(q*rho-1)
	return df / (expected * (df - 2)), df
}
