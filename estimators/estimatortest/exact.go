package estimatortest

import "math/big"

// A number is a real number with so many bits that the reference's results
// are exact as far as a float64 can tell, even where the regressors are all
// but collinear and their squares and products are formed without centring.
type number = *big.Float

const precision = 320

func num(x float64) number { return new(big.Float).SetPrec(precision).SetFloat64(x) }
func zero() number         { return new(big.Float).SetPrec(precision) }

func add(a, b number) number { return zero().Add(a, b) }
func sub(a, b number) number { return zero().Sub(a, b) }
func mul(a, b number) number { return zero().Mul(a, b) }
func div(a, b number) number { return zero().Quo(a, b) }

func less(a, b number) bool { return a.Cmp(b) < 0 }

func float(a number) float64 {
	x, _ := a.Float64()
	return x
}

// A vector is a column of numbers, a matrix a list of rows.
type (
	vector []number
	matrix []vector
)

func zeros(n int) vector {
	v := make(vector, n)
	for i := range v {
		v[i] = zero()
	}
	return v
}

func zeroMatrix(rows, columns int) matrix {
	m := make(matrix, rows)
	for i := range m {
		m[i] = zeros(columns)
	}
	return m
}

// dot is the sum of a_i b_i.
func dot(a, b vector) number {
	sum, product := zero(), zero()
	for i := range a {
		if a[i].Sign() != 0 && b[i].Sign() != 0 {
			sum.Add(sum, product.Mul(a[i], b[i]))
		}
	}
	return sum
}

// times is the matrix product a b.
func (a matrix) times(b matrix) matrix {
	c := zeroMatrix(len(a), len(b[0]))
	for i := range a {
		for j := range b[0] {
			for k := range b {
				c[i][j] = add(c[i][j], mul(a[i][k], b[k][j]))
			}
		}
	}
	return c
}

// apply is the product a x.
func (a matrix) apply(x vector) vector {
	y := make(vector, len(a))
	for i := range a {
		y[i] = dot(a[i], x)
	}
	return y
}

// addOuter adds x x' to a.
func (a matrix) addOuter(x vector) {
	for i := range x {
		for j := range x {
			a[i][j] = add(a[i][j], mul(x[i], x[j]))
		}
	}
}

// sweep replaces a symmetric matrix A by its inverse, with the sweep operator
// of Goodnight (1979), one row and column k at a time:
//
//	d = a_kk;  a_kj = a_kj/d;  a_ij = a_ij - a_ik a_kj;  a_ik = -a_ik/d;  a_kk = 1/d
//
// When the turn comes to k, a_kk is what is left of column k's sum of squares
// after the earlier columns have explained what they can. Where that is below
// tolerance times the original a_kk, the column is collinear with earlier ones:
// it is not swept, its row and column become 0, and it is reported as dropped.
func (a matrix) sweep(tolerance float64) (dropped []bool) {
	dropped = make([]bool, len(a))
	original := make(vector, len(a))
	for k := range a {
		original[k] = a[k][k]
	}
	for k := range a {
		d := a[k][k]
		if !less(mul(num(tolerance), original[k]), d) {
			dropped[k] = true
			continue
		}
		for j := range a {
			if j != k {
				a[k][j] = div(a[k][j], d)
			}
		}
		for i := range a {
			if i == k || dropped[i] || a[i][k].Sign() == 0 {
				continue
			}
			for j := range a {
				if j != k {
					a[i][j] = sub(a[i][j], mul(a[i][k], a[k][j]))
				}
			}
			a[i][k] = sub(zero(), div(a[i][k], d))
		}
		a[k][k] = div(num(1), d)
	}
	for k := range a {
		if dropped[k] {
			for j := range a {
				a[k][j], a[j][k] = zero(), zero()
			}
		}
	}
	return dropped
}
