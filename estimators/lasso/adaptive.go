package lasso

import "math"

// AdaptiveFactors fills the penalty factors of the adaptive LASSO (Zou 2006),
// |b|^-power with b by least squares; a column that is constant or collinear never
// enters. It reports whether there was a fit: the rows must outnumber the
// coefficients.
func (s *Solver) AdaptiveFactors(factors []float64, m *Moments, power float64) bool {
	if m.n <= s.p+1 || !s.leastSquares(m) {
		return false
	}
	for j, b := range s.beta {
		factors[j] = math.Inf(1)
		if b != 0 {
			factors[j] = math.Pow(math.Abs(b*s.scale[j]), -power)
		}
	}
	return true
}

// LeastSquares fits the path's one solution without a penalty, at lambda 0. Columns
// that are constant, or collinear with those before, have the coefficient 0. It
// reports whether the data are finite.
func (s *Solver) LeastSquares(path *Path, m *Moments) bool {
	ok := s.leastSquares(m)
	path.start(nothing)
	copy(path.center, m.center)
	s.record(path, 0)
	return ok
}

var nothing = []float64{0}

func (s *Solver) leastSquares(m *Moments) bool {
	s.standardise(m, &Penalty{Mix: 1, Standardise: true})
	for j, w := range s.weight {
		if !math.IsInf(w, 1) {
			s.weight[j] = 0
		}
	}
	s.homotopy.free(s)
	s.homotopy.write(s, 0)
	return s.yy >= 0 && !math.IsInf(s.yy, 1)
}
