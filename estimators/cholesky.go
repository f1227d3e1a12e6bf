package estimators

import "math"

// A cholesky factors the Gram matrix of one regression in the order of its
// terms, leaving out terms that are collinear with earlier ones, as R and
// Stata do.
type cholesky struct {
	n       int
	l       []float64 // lower factor by rows
	dropped []bool
	ratio   float64 // least pivot over its diagonal, of the terms kept
	rank    int
}

// Below collinearPivot a term is collinear: its pivot is rounding error.
// Below refinePivot the normal equations have lost more digits than we allow
// (the error is near 3e-14/ratio) and the regression is refitted by QR.
const (
	collinearPivot = 1e-10
	refinePivot    = 1e-3
	roundingPivot  = 1e-13
	refineResidual = 1e-6 // of the outcome's sum of squares
)

func newCholesky(n int) *cholesky {
	return &cholesky{n: n, l: make([]float64, n*n), dropped: make([]bool, n)}
}

// factor factors the symmetric matrix already stored in the lower triangle of
// c.l. raw holds the diagonal before absorption of fixed effects: a column
// that these explain is collinear with them.
func (c *cholesky) factor(raw []float64) {
	n := c.n
	c.ratio, c.rank = 1, 0
	for j := range n {
		row := c.l[j*n : j*n+n]
		diagonal := row[j]
		for k := range j {
			v := row[k]
			other := c.l[k*n : k*n+k+1]
			for i := range k {
				v -= row[i] * other[i]
			}
			if c.dropped[k] {
				row[k] = 0
				continue
			}
			row[k] = v / other[k]
		}
		pivot := diagonal
		for k := range j {
			pivot -= row[k] * row[k]
		}
		c.dropped[j] = !(pivot > collinearPivot*diagonal) || !(diagonal > 1e-12*raw[j])
		if c.dropped[j] {
			if pivot > roundingPivot*diagonal {
				c.ratio = min(c.ratio, pivot/diagonal) // not surely collinear: let the QR decide
			}
			for k := range j + 1 {
				row[k] = 0
			}
			continue
		}
		c.rank++
		// What the absorption of effects took away has cost digits too.
		c.ratio = min(c.ratio, pivot/diagonal, pivot/raw[j])
		row[j] = math.Sqrt(pivot)
	}
}

// lost says which terms were dropped.
func (c *cholesky) lost() []bool { return c.dropped }

// half replaces x by the solution y of Ly = x, 0 for dropped terms: y'y is
// x'(LL')⁻¹x.
func (c *cholesky) half(x []float64) {
	n := c.n
	for j := range n {
		if c.dropped[j] {
			x[j] = 0
			continue
		}
		row := c.l[j*n : j*n+j+1]
		v := x[j]
		for k := range j {
			v -= row[k] * x[k]
		}
		x[j] = v / row[j]
	}
}

// solve replaces x by the solution b of LL'b = x, 0 for dropped terms.
func (c *cholesky) solve(x []float64) {
	c.half(x)
	c.back(x)
}

// back replaces x, 0 for dropped terms, by the solution b of L'b = x.
func (c *cholesky) back(x []float64) {
	n := c.n
	for j := n - 1; j >= 0; j-- {
		if c.dropped[j] {
			continue
		}
		row := c.l[j*n : j*n+j+1]
		v := x[j] / row[j]
		x[j] = v
		rest := x[:j]
		for k, of := range row[:len(rest)] {
			rest[k] -= of * v
		}
	}
}
