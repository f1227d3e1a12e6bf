package estimators

import "math"

// mostParameters bounds the variance parameters of a mixed model, beside σ²: an
// intercept at each of three levels, and a slope that is correlated with one,
// are five.
const mostParameters = 6

// A curve is a function of the variance parameters with its gradient and
// Hessian at one point.
type curve struct {
	v float64
	g [mostParameters]float64
	h [mostParameters][mostParameters]float64
}

// curve writes out a jet.
func (x jet) curve() curve {
	var c curve
	c.v = x.v
	c.g[0], c.g[1] = x.a, x.b
	c.h[0][0], c.h[0][1], c.h[1][0], c.h[1][1] = x.aa, x.ab, x.ab, x.bb
	return c
}

// add adds w x, for n parameters.
func (c *curve) add(w float64, x *curve, n int) {
	c.v += w * x.v
	for i := range n {
		c.g[i] += w * x.g[i]
		for j := range n {
			c.h[i][j] += w * x.h[i][j]
		}
	}
}

// A series is a jet of up to mostParameters parameters: the value, then for
// every parameter its first derivative and the second ones with itself and the
// parameters before it. So a function of the first n parameters is in the first
// components(n) places.
type series [(mostParameters + 1) * (mostParameters + 2) / 2]float64

// components is the number of places of n parameters, and the place of the
// first derivative by parameter n-1 is components(n-1).
func components(n int) int { return triangle(n + 1) }

// parameter is a parameter itself, at x.
func parameter(i int, x float64) series {
	var s series
	s[0], s[components(i)] = x, 1
	return s
}

func (x *series) plus(y *series) series {
	z := *x
	for k, v := range y {
		z[k] += v
	}
	return z
}

// times is the product of functions of n parameters.
func (x *series) times(y *series, n int) series {
	var z series
	z[0] = x[0] * y[0]
	for i := range n {
		at := components(i)
		z[at] = x[at]*y[0] + x[0]*y[at]
		for j := range i + 1 {
			of := components(j)
			z[at+1+j] = x[at+1+j]*y[0] + x[of]*y[at] + x[at]*y[of] + x[0]*y[at+1+j]
		}
	}
	return z
}

// apply is f(x), given f, f' and f" at x.
func (x *series) apply(f, f1, f2 float64, n int) series {
	var z series
	z[0] = f
	for i := range n {
		at := components(i)
		z[at] = f1 * x[at]
		for j := range i + 1 {
			z[at+1+j] = f1*x[at+1+j] + f2*x[at]*x[components(j)]
		}
	}
	return z
}

func (x *series) inverse(n int) series {
	i := 1 / x[0]
	return x.apply(i, -i*i, 2*i*i*i, n)
}

func (x *series) log(n int) series { return x.apply(math.Log(x[0]), 1/x[0], -1/(x[0]*x[0]), n) }

// curve writes out a series.
func (x *series) curve(n int) curve {
	var c curve
	c.v = x[0]
	for i := range n {
		at := components(i)
		c.g[i] = x[at]
		for j := range i + 1 {
			c.h[i][j], c.h[j][i] = x[at+1+j], x[at+1+j]
		}
	}
	return c
}

// series reads number i of functions of n parameters.
func (s jets) series(i, n int) series {
	var x series
	for k := range components(n) {
		x[k] = s[k][i]
	}
	return x
}

// subtractProduct takes f times src[from..from+count] off dst[to..to+count]. f
// is a function of the first nf parameters, src of the first n.
func subtractProduct(dst jets, to int, f *series, nf int, src jets, from, count, n int) {
	s0, d0 := src[0][from:from+count], dst[0][to:to+count]
	for k, v := range s0 {
		d0[k] -= f[0] * v
	}
	for i := range n {
		at := components(i)
		si, di := src[at][from:][:count], dst[at][to:][:count]
		fi := 0.0
		if i < nf {
			fi = f[at]
			for k, v := range si {
				di[k] -= f[0]*v + fi*s0[k]
			}
		} else {
			for k, v := range si {
				di[k] -= f[0] * v
			}
		}
		for j := range i + 1 {
			sij, dij := src[at+1+j][from:][:count], dst[at+1+j][to:][:count]
			switch {
			case j >= nf:
				for k, v := range sij {
					dij[k] -= f[0] * v
				}
			case i >= nf:
				fj := f[components(j)]
				for k, v := range sij {
					dij[k] -= f[0]*v + fj*si[k]
				}
			default:
				fj, fij := f[components(j)], f[at+1+j]
				sj := src[components(j)][from:][:count]
				for k, v := range sij {
					dij[k] -= f[0]*v + fj*si[k] + fi*sj[k] + fij*s0[k]
				}
			}
		}
	}
}

// eliminateSeries is eliminate for functions of n parameters.
func eliminateSeries(matrix, column jets, p, rows, n int, whole bool) (series, bool) {
	var logs series
	for k := range p {
		pivot := matrix.series(triangle(k)+k, n)
		if !(pivot[0] > 0) {
			return logs, false
		}
		log := pivot.log(n)
		logs = logs.plus(&log)
		inverse := pivot.inverse(n)
		for c := range components(n) {
			from, to := matrix[c], column[c]
			at := triangle(k+1) + k
			for i := k + 1; i < rows; i++ {
				to[i] = from[at]
				at += i + 1
			}
		}
		for i := k + 1; i < rows; i++ {
			x := column.series(i, n)
			factor := x.times(&inverse, n)
			to := min(i, p)
			if whole {
				to = i
			}
			subtractProduct(matrix, triangle(i)+k+1, &factor, n, column, k+1, to-k, n)
			if i > to {
				subtractProduct(matrix, triangle(i)+i, &factor, n, column, i, 1, n)
			}
		}
	}
	return logs, true
}
