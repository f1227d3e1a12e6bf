package dgp

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// A Matrix is a symmetric matrix written by rows, either in full or as its
// lower triangle: [[1], [0.65, 1], [0.15, 0.15, 1]].
type Matrix [][]float64

// at returns element (i, j) of either form.
func (m Matrix) at(i, j int) float64 {
	if j > i && j >= len(m[i]) {
		i, j = j, i
	}
	return m[i][j]
}

// check adds the faults of an n×n covariance matrix, or correlation matrix.
func (m Matrix) check(f *Faults, path string, n int, correlation bool) {
	before := len(*f)
	if len(m) != n {
		f.Add(path, "has %d rows; it needs %d", len(m), n)
		return
	}
	for i, row := range m {
		if len(row) != i+1 && len(row) != n {
			f.Add(path, "row %d has %s; a row of the lower triangle has %d, of the full matrix %d", i+1, count(len(row), "number", "numbers"), i+1, n)
		}
	}
	if len(*f) > before {
		return
	}
	for i := range n {
		if correlation && m.at(i, i) != 1 {
			f.Add(path, "the diagonal of a correlation matrix is 1; row %d has %g", i+1, m.at(i, i))
		}
		for j := range i {
			if j < len(m[i]) && i < len(m[j]) && m[i][j] != m[j][i] {
				f.Add(path, "is not symmetric: row %d column %d is %g, but row %d column %d is %g", i+1, j+1, m[i][j], j+1, i+1, m[j][i])
			}
			if correlation && math.Abs(m.at(i, j)) > 1 {
				f.Add(path, "a correlation lies between -1 and 1; row %d column %d is %g", i+1, j+1, m.at(i, j))
			}
		}
	}
	if len(*f) > before {
		return
	}
	var chol mat.Cholesky
	if !chol.Factorize(m.sym()) {
		f.Add(path, "is not positive definite: its smallest eigenvalue is %.4g and must be above 0", m.smallestEigenvalue())
	}
}

func (m Matrix) sym() *mat.SymDense {
	s := mat.NewSymDense(len(m), nil)
	for i := range m {
		for j := range i + 1 {
			s.SetSym(i, j, m.at(i, j))
		}
	}
	return s
}

func (m Matrix) smallestEigenvalue() float64 {
	var eig mat.EigenSym
	if !eig.Factorize(m.sym(), false) {
		return math.NaN()
	}
	return eig.Values(nil)[0]
}

// factor returns the lower Cholesky factor L of diag(sd) m diag(sd), by rows,
// so that L z has that covariance when z is standard normal. A nil sd means
// ones. m must have passed check; a zero sd is allowed.
func (m Matrix) factor(sd []float64) [][]float64 {
	if len(m) == 0 {
		return nil
	}
	var chol mat.Cholesky
	if !chol.Factorize(m.sym()) {
		panic("dgp: factor of a matrix that is not positive definite")
	}
	var l mat.TriDense
	chol.LTo(&l)
	rows := make([][]float64, len(m))
	for i := range rows {
		rows[i] = make([]float64, i+1)
		for j := range rows[i] {
			rows[i][j] = l.At(i, j)
			if sd != nil {
				rows[i][j] *= sd[i]
			}
		}
	}
	return rows
}

// sumVariance returns the variance of the sum of variables with covariance LL'.
func sumVariance(l [][]float64) float64 {
	v := 0.0
	for j := range l {
		c := 0.0
		for i := j; i < len(l); i++ {
			c += l[i][j]
		}
		v += c * c
	}
	return v
}
