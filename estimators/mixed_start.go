package estimators

import "math"

// A residualProfile is the deviance of a mixed model with one ratio a as it were if the
// coefficients stayed those of least squares. It is least near to where that of the model
// is, and its derivatives cost next to nothing. With e the residuals of least squares, E_k
// the sum of squares of their means over the units of k rows, m_k units of m, and R their
// sum of squares within units, it is, but for a constant,
//
//	(1 - q/m) Σ_k m_k log(1+ka) + (n-p) log(R + Σ_k ω_k E_k),  ω_k = k/(1+ka)
//
// where q of the p fixed effects are about differences between units, to each of which
// log|D'V⁻¹D| and log|X'V⁻¹X| owe a mean of log ω_k. A column that varies within units too
// counts as far as it varies between them. For ML, q and p are 0 here.
type residualProfile struct {
	size    []unitSize // of the model
	mean    float64    // mean size
	share   float64    // 1 - q/m
	rows    float64    // n-p
	within  float64    // R
	between []float64  // by size: E
	e       []float64  // scratch: the residuals are the product of (X, y) with it
}

// newResidualProfile has room for so many columns of X and sizes of units.
func newResidualProfile(columns, sizes int) *residualProfile {
	return &residualProfile{between: make([]float64, sizes), e: make([]float64, columns+1)}
}

// profile prepares the profile of an outcome.
func (m *mixed) profile(outcome int) {
	r, l, c := m.residuals, m.l, m.l.core
	p, at := m.columns, triangle(m.columns)+outcome*(m.columns+1)
	e := r.e[:p+1]
	clear(e[:p])
	e[p] = 1
	beta := l.beta[outcome*len(l.terms) : (outcome+1)*len(l.terms)]
	if !m.rotated.on { // else e is y, and the columns of X are orthogonal
		for i, u := range l.terms {
			beta[i] = c.cross(u, l.outcomes[outcome])
		}
		l.solver.solve(beta)
		for j, i := range m.kept {
			e[m.constant+j] = -beta[i]
		}
	}
	r.within = quadratic(e, m.within, at)
	r.size = m.size
	for k := range m.size {
		r.between[k] = quadratic(e, m.square[k*m.stride:], at)
	}
	units := float64(len(m.units))
	r.mean, r.share, r.rows = c.rows/units, 1, c.rows
	if m.likelihood == ML {
		return
	}
	q := m.fixed()
	for j, i := range m.kept {
		u, total := l.terms[i], 1.0
		if !m.rotated.on {
			total = c.gram[u*c.width+u]
		}
		q -= m.within[triangle(m.constant+j)+m.constant+j] / total
	}
	r.share, r.rows = max(units-q, 1)/units, c.rows-m.fixed()
}

// quadratic returns e'Se for a symmetric matrix S by rows of its lower triangle, of which
// the last begins at a place of its own.
func quadratic(e, s []float64, last int) float64 {
	sum, at := 0.0, 0
	for i, v := range e {
		if i == len(e)-1 {
			at = last
		}
		sum += v * (2*dot(e[:i], s[at:at+i]) + v*s[at+i])
		at += i + 1
	}
	return sum
}

// derivatives are those by u = log(1+na), n the mean size.
func (r *residualProfile) derivatives(u float64) (first, second float64) {
	a := math.Expm1(u) / r.mean
	logs, logs1, rest, rest1, rest2 := 0.0, 0.0, r.within, 0.0, 0.0
	for k, s := range r.size {
		w := s.rows / (1 + s.rows*a)
		logs += s.units * w
		logs1 -= s.units * w * w
		w1 := w * r.between[k]
		rest += w1
		w1 *= w
		rest1 -= w1
		rest2 += 2 * w1 * w
	}
	rest1 /= rest
	da := math.Exp(u) / r.mean // da/du and its derivative
	first = (r.share*logs + r.rows*rest1) * da
	second = (r.share*logs1+r.rows*(rest2/rest-rest1*rest1))*da*da + first
	return first, second
}

// least returns where the profile is least, searching from u.
func (r *residualProfile) least(u float64) float64 {
	at := [2]float64{u}
	for range mostSteps {
		first, second := r.derivatives(at[0])
		step := newton([2]float64{first}, [2][2]float64{{second}}, at, 1)
		at[0] += step[0]
		if math.Abs(step[0]) < profileStep {
			break
		}
	}
	if !(at[0] >= 0 && at[0] < mostLog) {
		return u
	}
	return at[0]
}

// refine returns Newton's step from u with the curvature in its middle, by the profile's
// change of it: what remains is the error of that, times half the square of the step.
func (r *residualProfile) refine(u, step, curvature float64) float64 {
	_, here := r.derivatives(u)
	_, there := r.derivatives(u + step)
	middle := curvature + (there-here)/2
	if !(middle > curvature/2) {
		return step
	}
	return step * curvature / middle
}
