package estimators

import (
	"math"

	"coachsim/dgp"
)

// A rotation is what a mixed model uses in place of X and y where their
// cross-products would lose digits: the columns of Q, X = QR net of the absorbed
// effect or of the mean, and the residuals e = y - Qq of least squares, found on
// the rows by dense. The model of e on Q is that of y on X, with coefficients
// Rβ - q, so w'β is (R⁻ᵀw)'(Rβ).
type rotation struct {
	on    bool
	ahead []float64 // by outcome and term: q
	rest  []float64 // by outcome: e'e
	y     []float64 // scratch: by term
}

func (m *mixed) allocateRotation(shape dgp.Shape) {
	ny, p := len(m.l.outcomes), len(m.l.terms)
	m.rotated = &rotation{ahead: make([]float64, ny*p), rest: make([]float64, ny), y: make([]float64, p)}
	m.unitOf = make([]int, shape.Max[m.l.core.group])
}

// losesDigits reports whether the cross-products of X, or of an outcome, are too
// near to singular: terms almost collinear, columns or outcomes far from the
// number that they were measured from, or an outcome that X explains but for a
// part of refineResidual.
func (m *mixed) losesDigits() bool {
	l, c := m.l, m.l.core
	for _, u := range l.terms {
		if math.IsNaN(c.raw[u]) || math.IsInf(c.raw[u], 0) {
			return false
		}
	}
	if l.chol.ratio < refinePivot {
		return true
	}
	y := m.rotated.y
	for _, outcome := range l.outcomes {
		for i, u := range l.terms {
			y[i] = c.cross(u, outcome)
		}
		l.chol.half(y)
		square := c.square[outcome]
		if square < refineResidual*c.squares[outcome] || square-dot(y, y) < refineResidual*square {
			return true
		}
	}
	return false
}

// orthogonalise finds Q and R, and from them which terms are collinear.
func (m *mixed) orthogonalise(s *Setup) Status {
	s.dense.factor(s, m.l)
	m.l.solver = s.dense
	return m.l.reduction()
}

// weightsOf are the weights of combination r on the columns of X, or of Q.
func (m *mixed) weightsOf(r int) []float64 {
	p := len(m.l.terms)
	if m.rotated.on {
		return m.l.half[r*p : (r+1)*p]
	}
	return m.l.weights[r*p : (r+1)*p]
}

// rotate puts Q and e in the place of X and y in the sums of every unit.
func (m *mixed) rotate(s *Setup) {
	d, p := s.dense, len(m.l.terms)
	for j, i := range m.kept {
		m.replace(s, m.constant+j, d.column(i))
	}
	for k, outcome := range m.l.outcomes {
		d.fillOutcome(s, m.l.core, outcome)
		e := d.y[:d.n]
		q := m.rotated.ahead[k*p : (k+1)*p]
		clear(q)
		for range 2 {
			for _, i := range m.kept {
				by := dot(d.column(i), e)
				q[i] += by
				addScaled(e, -by, d.column(i))
			}
		}
		m.rotated.rest[k] = dot(e, e)
		m.replace(s, m.columns+k, e)
	}
}

// replace gives every unit the sums of another column in a place of X or y.
func (m *mixed) replace(s *Setup, place int, column []float64) {
	if m.slopes != nil {
		m.slopes.replace(s, place, column)
		return
	}
	for u := range m.units {
		m.unitMean(u)[place] = 0
	}
	s.dense.rows(s, m.l.core, func(g, _, at int) { m.unitMean(m.unitOf[g])[place] += column[at] })
	for u, unit := range m.units {
		m.unitMean(u)[place] /= m.size[unit.size].rows
	}
}

// replace is mixed's, of the sums of products with the columns of z.
func (r *randomSlopes) replace(s *Setup, place int, column []float64) {
	m, c := r.m, r.m.l.core
	nz := r.width()
	width := nz + m.columns + len(m.l.outcomes)
	for k := range nz {
		at := k*width + nz + place
		for u := range r.units {
			r.rows[u*nz*width+at] = 0
		}
		s.dense.rows(s, c, func(g, i, row int) {
			z := 1.0
			if k > 0 {
				z = c.of(r.l.terms[k-1], g, i) / r.scale[k]
			}
			r.rows[m.unitOf[g]*nz*width+at] += z * column[row]
		})
	}
}
