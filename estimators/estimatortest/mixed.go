package estimatortest

import (
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"

	"coachsim/dgp"
	"coachsim/estimators"
)

// Mixed fits a mixed model as the formulas stand in a textbook. The covariance
// matrix V of all rows, per residual variance, is written out,
//
//	V = I + Σ_k t_k² Z_k Z_k'
//
// with Z_k the dummies of the units of random level k, and the deviance
// profiled over β and σ² is minimised over the t by Nelder and Mead's method,
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
	m := &mixedModel{Mixed: o, regression: r}
	m.build()
	var all []estimators.Estimate
	for _, outcome := range f.Outcomes {
		m.y = mat.NewVecDense(m.n, r.values(outcome.Variable))
		m.maximise()
		for _, j := range places {
			all = append(all, m.estimate(j))
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
	shared     []*mat.SymDense // by random level: Z Z'
	theta      []float64       // t
	free       []int           // the t that are not 0
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
		z := mat.NewSymDense(m.n, nil)
		for i := range m.n {
			for j := range i + 1 {
				if r.rows[i][level] == r.rows[j][level] {
					z.SetSym(i, j, 1)
				}
			}
		}
		m.shared = append(m.shared, z)
	}
}

// variance is V.
func (m *mixedModel) variance(theta []float64) *mat.SymDense {
	v := mat.NewSymDense(m.n, nil)
	for i := range m.n {
		for j := range i + 1 {
			x := 0.0
			if i == j {
				x = 1
			}
			for k, t := range theta {
				x += t * t * m.shared[k].At(i, j)
			}
			v.SetSym(i, j, x)
		}
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
	k := len(m.shared)
	var best *optimize.Result
	for _, from := range [][]float64{{0.5, 0.5}, {0.1, 3}, {3, 0.1}} { // there may be several maxima
		result, err := optimize.Minimize(optimize.Problem{Func: m.profiled}, from[:k],
			&optimize.Settings{Converger: &optimize.FunctionConverge{Absolute: 1e-10, Iterations: 20}}, &optimize.NelderMead{})
		if err != nil {
			panic(err)
		}
		if best == nil || result.F < best.F {
			best = result
		}
	}
	m.theta = make([]float64, k)
	m.free = nil
	for i, t := range best.X {
		if t = math.Abs(t); t > 1e-3 {
			m.theta[i] = t
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

// estimate is the estimate of column j of the regression.
func (m *mixedModel) estimate(j int) estimators.Estimate {
	j = m.column[j]
	if j < 0 {
		return Failed(estimators.Collinear)
	}
	status := estimators.OK
	switch {
	case len(m.free) < len(m.theta):
		status = estimators.Boundary
	case m.p < len(m.column):
		status = estimators.Reduced
	}
	g := m.fit(m.theta)
	sigma2 := g.rss / m.degrees()
	e := estimators.Estimate{Value: g.b.AtVec(j), Status: status}
	variance := sigma2 * g.phi.At(j, j)
	switch m.DF {
	case estimators.Satterthwaite:
		e.DF = m.satterthwaite(j, sigma2)
	case estimators.KenwardRoger:
		variance, e.DF = m.kenwardRoger(j, sigma2)
	default:
		e.DF = float64(m.n - m.p)
	}
	e.SE = math.Sqrt(variance)
	t := e.Value / e.SE
	e.P = Tail(t*t, 1, e.DF)
	return e
}

// satterthwaite is 2 f²/(g'Ag): f the variance of the estimate as a function
// of the t and σ, g its gradient, and A twice the inverse of the Hessian of
// the deviance.
func (m *mixedModel) satterthwaite(j int, sigma2 float64) float64 {
	split := func(x []float64) ([]float64, float64) { return m.place(x[:len(x)-1]), x[len(x)-1] }
	at := append(m.taken(m.theta), math.Sqrt(sigma2))
	_, hessian := derivatives(func(x []float64) float64 { return m.deviance(split(x)) }, at)
	f := func(x []float64) float64 {
		theta, sigma := split(x)
		g := m.fit(theta)
		return sigma * sigma * g.phi.At(j, j)
	}
	g := mat.NewVecDense(len(at), nil)
	for i := range at {
		g.SetVec(i, slope(f, at, i))
	}
	var solved mat.VecDense
	_ = solved.SolveVec(hessian, g)
	return 2 * f(at) * f(at) / (2 * mat.Dot(g, &solved))
}

// kenwardRoger returns the adjusted variance of the estimate of column j and
// its degrees of freedom, for parameters θ = (σ² t_k², σ²) and Σ = Σ θ_k G_k:
//
//	Φ = (X'Σ⁻¹X)⁻¹,  P_i = -X'Σ⁻¹G_iΣ⁻¹X,  Q_ij = X'Σ⁻¹G_iΣ⁻¹G_jΣ⁻¹X
//	I_ij = tr(Σ⁻¹G_iΣ⁻¹G_j) - 2 tr(ΦQ_ij) + tr(ΦP_iΦP_j),  W = 2 I⁻¹
//	Φ_A = Φ + 2 Φ [Σ W_ij (Q_ij - P_iΦP_j)] Φ
//
// With one hypothesis, Kenward and Roger's degrees of freedom are 4+3/(ρ-1),
// ρ as in their paper.
func (m *mixedModel) kenwardRoger(j int, sigma2 float64) (variance, df float64) {
	sigma := m.variance(m.theta)
	sigma.ScaleSym(sigma2, sigma)
	var inverse, phi mat.Dense
	_ = inverse.Inverse(sigma)
	product := func(factors ...mat.Matrix) *mat.Dense {
		var out mat.Dense
		out.CloneFrom(factors[0])
		for _, f := range factors[1:] {
			var next mat.Dense
			next.Mul(&out, f)
			out = next
		}
		return &out
	}
	_ = phi.Inverse(product(m.x.T(), &inverse, m.x))
	identity := mat.NewSymDense(m.n, nil)
	for i := range m.n {
		identity.SetSym(i, i, 1)
	}
	all := append(append([]*mat.SymDense(nil), m.shared...), identity)
	k := len(all)
	p, q := make([]*mat.Dense, k), make([]*mat.Dense, k*k)
	information := mat.NewDense(k, k, nil)
	for i, g := range all {
		p[i] = product(m.x.T(), &inverse, g, &inverse, m.x)
		p[i].Scale(-1, p[i])
	}
	for i, g := range all {
		for l, h := range all {
			q[i*k+l] = product(m.x.T(), &inverse, g, &inverse, h, &inverse, m.x)
			information.Set(i, l, mat.Trace(product(&inverse, g, &inverse, h))-
				2*mat.Trace(product(&phi, q[i*k+l]))+mat.Trace(product(&phi, p[i], &phi, p[l])))
		}
	}
	var w mat.Dense
	_ = w.Inverse(information)
	w.Scale(2, &w)
	middle := mat.NewDense(m.p, m.p, nil)
	a := 0.0
	for i := range all {
		for l := range all {
			part := product(p[i], &phi, p[l])
			part.Sub(q[i*k+l], part)
			part.Scale(2*w.At(i, l), part)
			middle.Add(middle, part)
			a += w.At(i, l) * product(&phi, p[i], &phi).At(j, j) * product(&phi, p[l], &phi).At(j, j) / (phi.At(j, j) * phi.At(j, j))
		}
	}
	variance = phi.At(j, j) + product(&phi, middle, &phi).At(j, j)

	// A1 = A2 = a with one hypothesis.
	b := (a + 6*a) / 2
	const g = (2*1.0 - 5) / 3
	const d = 3 + 2*(1-g)
	v := 2 * (1 + g/d*b) / (math.Pow(1-(1-g)/d*b, 2) * (1 - (3-g)/d*b))
	e := 1 / (1 - a)
	rho := v / (2 * e * e)
	return variance, 4 + 3/(rho-1)
}
