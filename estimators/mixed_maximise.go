package estimators

import "math"

const (
	mostSteps    = 100
	mostLog      = 23   // of 1 + n × ratio, 1e10: beyond, the rows of a unit are the same but for rounding
	smallStep    = 1e-4 // the error that the last step leaves is about half its square
	leastStep    = 5e-9 // which is so much
	refinedStep  = 3e-3 // leaves that little where refined by the profile, if all goes well
	profileStep  = 1e-5 // far less than the profile is off
	longestStep  = 3
	leastDescent = 1e-4
	rounding     = 1e-12 // of the deviance
)

// maximise finds the ratios of an outcome at which the likelihood is largest,
// and leaves there the point, and the matrix with the reported combinations.
//
// Newton's method works on u_a = log(1+na) and u_b = log(1+mb/(1+na)), n and m
// the mean sizes of inner and outer units, both at least 0. Where all units
// have the same size these are differences of logarithms of the eigenvalues of
// V, and the deviance is a convex function of them (a sum of linear functions
// and the logarithm of a sum of exponentials), so that few steps are needed.
//
// In small data there may be several maxima, some of them at the boundary.
// Where the search ends there it is repeated from elsewhere, and the largest
// counts.
func (m *mixed) maximise(outcome int, status Status) Status {
	u, ended := m.descend(outcome, m.start(outcome))
	if ended != OK {
		return ended
	}
	boundary := func(u [2]float64) bool { return u[0] == 0 || !m.single && u[1] == 0 }
	if boundary(u) {
		best, at := m.point.deviance, u
		for _, start := range m.elsewhere(u) {
			if start == u {
				continue
			}
			if other, ended := m.descend(outcome, start); ended == OK && m.point.deviance < best-rounding*math.Abs(best) {
				best, u = m.point.deviance, other
			}
			at = [2]float64{-1}
		}
		if at != u && !m.evaluate(outcome, m.ratios(u), true) {
			return m.unfit(outcome)
		}
	}
	if boundary(u) || m.single && m.nested {
		return Boundary
	}
	return status
}

// elsewhere lists other starting points after a search that ended in u, at the
// boundary: with the ratios exchanged, or at 1, which is where lme4 starts.
func (m *mixed) elsewhere(u [2]float64) [2][2]float64 {
	n, outer := m.sizes()
	switch {
	case m.single:
		return [2][2]float64{{math.Log1p(n)}, u}
	case u[0] == 0 && u[1] == 0:
		return [2][2]float64{{math.Log1p(n), 0}, {0, math.Log1p(outer)}}
	default:
		return [2][2]float64{{u[1], u[0]}, u}
	}
}

// descend searches from u for the least deviance, and returns the logarithms
// where it is.
func (m *mixed) descend(outcome int, u [2]float64) ([2]float64, Status) {
	k := m.free()
	if !m.evaluate(outcome, m.ratios(u), false) {
		return u, m.unfit(outcome)
	}
	reported := false
	for range mostSteps {
		deviance, flat := m.point.deviance, 1e-9*m.point.rows
		gradient, curvature := m.byLogs(u)
		step := newton(gradient, curvature, u, k)
		length := max(math.Abs(step[0]), math.Abs(step[1]))
		if reported && length < leastStep {
			return u, OK
		}
		for i := range k {
			if math.Abs(gradient[i]) < flat && math.Abs(curvature[i][i]) < flat {
				return u, TooFewClusters // the fixed effects explain all that units of the level differ in
			}
		}
		last := length < smallStep
		reported = last
		if m.single && length < refinedStep && u[0]+step[0] > 0 && curvature[0][0] > 0 {
			step[0], reported = m.residuals.refine(u[0], step[0], curvature[0][0]), true
		}
		next, ok := u, false
		for shrink := 1.0; shrink > 1e-9; shrink /= 2 {
			expected := 0.0
			for i := range k {
				next[i] = min(max(u[i]+shrink*step[i], 0), mostLog)
				expected += gradient[i] * (next[i] - u[i])
			}
			ok = m.evaluate(outcome, m.ratios(next), reported)
			if last || ok && m.point.deviance <= deviance+leastDescent*expected+rounding*math.Abs(deviance) {
				break
			}
			ok = false
		}
		switch {
		case !ok:
			return next, m.unfit(outcome)
		case next[0] >= mostLog || next[1] >= mostLog:
			return next, NotConverged
		case last:
			return next, OK
		}
		u = next
	}
	return u, NotConverged
}

// free is the number of ratios to find.
func (m *mixed) free() int {
	if m.single {
		return 1
	}
	return 2
}

// unfit says why there is no likelihood.
func (m *mixed) unfit(outcome int) Status {
	c := m.l.core
	y, rest := c.square[m.l.outcomes[outcome]], m.point.residual.v
	switch {
	case math.IsNaN(y) || math.IsInf(y, 0) || math.IsNaN(rest):
		return NotFinite
	case rest <= 1e-13*y:
		return NoResidual
	default:
		return NotConverged
	}
}

// start guesses the logarithms from the analysis of variance of the outcome by
// inner units: the ratio of mean squares estimates 1+na, or with two ratios
// the product of both exponentials. With one ratio, that of residuals says more.
func (m *mixed) start(outcome int) [2]float64 {
	p, units, rows := m.columns, float64(len(m.units)), m.l.core.rows
	at := triangle(p) + outcome*(p+1) + p
	between := 0.0
	for i, s := range m.size {
		between += s.rows * m.square[i*m.stride+at]
	}
	ratio := between / max(units-m.fixed()+float64(m.columns), 1) / (m.within[at] / (rows - units))
	if !(ratio > 1.5) {
		ratio = 1.5
	}
	u := math.Log(min(ratio, 1e6))
	if m.single {
		m.profile(outcome)
		return [2]float64{m.residuals.least(u), 0}
	}
	return [2]float64{u / 2, u / 2}
}

// sizes returns the mean sizes n and m.
func (m *mixed) sizes() (inner, outer float64) {
	rows := m.l.core.rows
	return rows / float64(len(m.units)), rows / max(m.outers, 1)
}

// ratios returns a and b.
func (m *mixed) ratios(u [2]float64) [2]float64 {
	n, outer := m.sizes()
	return [2]float64{math.Expm1(u[0]) / n, math.Expm1(u[1]) * math.Exp(u[0]) / outer}
}

// byLogs converts the derivatives of the deviance by a and b to those by u.
func (m *mixed) byLogs(u [2]float64) ([2]float64, [2][2]float64) {
	g, h := m.point.gradient, m.point.curvature
	n, outer := m.sizes()
	da := math.Exp(u[0]) / n                      // da/du_a and its derivative
	db := math.Exp(u[0]) * math.Exp(u[1]) / outer // db/du_b and its derivatives
	dab := m.point.ratio[1]                       // db/du_a and its derivative
	if m.single {
		db, dab = 0, 0
	}
	gradient := [2]float64{g[0]*da + g[1]*dab, g[1] * db}
	aa := h[0][0]*da*da + 2*h[0][1]*da*dab + h[1][1]*dab*dab + g[0]*da + g[1]*dab
	ab := h[0][1]*da*db + h[1][1]*dab*db + g[1]*db
	bb := h[1][1]*db*db + g[1]*db
	return gradient, [2][2]float64{{aa, ab}, {ab, bb}}
}

// newton returns Newton's step from u in k variables that are at least 0. A
// variable at 0 whose growth would not lower the function stays there. Where
// the function is not convex, steps are down the gradient.
func newton(g [2]float64, h [2][2]float64, u [2]float64, k int) [2]float64 {
	var step [2]float64
	free := [2]bool{}
	for i := range k {
		free[i] = u[i] > 0 || g[i] < 0
	}
	determinant := h[0][0]*h[1][1] - h[0][1]*h[0][1]
	if free[0] && free[1] && h[0][0] > 0 && determinant > 1e-10*h[0][0]*h[1][1] {
		step[0] = -(h[1][1]*g[0] - h[0][1]*g[1]) / determinant
		step[1] = -(h[0][0]*g[1] - h[0][1]*g[0]) / determinant
		// A step out of the quadrant would be cut, and the rest with it.
		for i := range k {
			if u[i]+step[i] < 0 && g[i] > 0 {
				other := 1 - i
				step[i] = -u[i]
				step[other] = -(g[other] + h[0][1]*step[i]) / h[other][other]
			}
		}
	} else {
		for i := range k {
			switch {
			case !free[i]:
			case h[i][i] > 0:
				step[i] = -g[i] / h[i][i]
			default:
				step[i] = -g[i] / max(math.Abs(h[i][i]), math.Abs(g[i]))
			}
		}
	}
	for i := range k {
		step[i] = min(max(step[i], -longestStep, -u[i]), longestStep)
	}
	return step
}
