package estimators

import "math"

// A jet is a function of two variance ratios with its first and second
// derivatives at one point: the inner ratio a and the outer ratio b. Sums,
// products and quotients of jets are jets, so that a likelihood computed with
// jets comes with its gradient and Hessian.
type jet struct{ v, a, aa, b, ab, bb float64 }

// The components of a jet, in the order in which slices of them are kept. A
// model with one ratio uses the first three.
const (
	oneRatio  = 3
	twoRatios = 6
)

func (x jet) plus(y jet) jet {
	return jet{x.v + y.v, x.a + y.a, x.aa + y.aa, x.b + y.b, x.ab + y.ab, x.bb + y.bb}
}

func (x jet) times(y jet) jet {
	return jet{
		x.v * y.v,
		x.a*y.v + x.v*y.a,
		x.aa*y.v + 2*x.a*y.a + x.v*y.aa,
		x.b*y.v + x.v*y.b,
		x.ab*y.v + x.a*y.b + x.b*y.a + x.v*y.ab,
		x.bb*y.v + 2*x.b*y.b + x.v*y.bb,
	}
}

// apply is f(x), given f, f' and f" at x.v.
func (x jet) apply(f, f1, f2 float64) jet {
	return jet{
		f, f1 * x.a, f1*x.aa + f2*x.a*x.a,
		f1 * x.b, f1*x.ab + f2*x.a*x.b, f1*x.bb + f2*x.b*x.b,
	}
}

func (x jet) inverse() jet {
	i := 1 / x.v
	return x.apply(i, -i*i, 2*i*i*i)
}

func (x jet) log() jet { return x.apply(math.Log(x.v), 1/x.v, -1/(x.v*x.v)) }

// gradient and hessian index a as 0 and b as 1.
func (x jet) gradient() [2]float64   { return [2]float64{x.a, x.b} }
func (x jet) hessian() [2][2]float64 { return [2][2]float64{{x.aa, x.ab}, {x.ab, x.bb}} }

// Jets of many numbers are kept by component: jets[k][i] is component k of
// number i.
type jets [][]float64

func newJets(components, n int) jets {
	all := make(jets, components)
	for k := range all {
		all[k] = make([]float64, n)
	}
	return all
}

func (s jets) at(i int) jet {
	x := jet{v: s[0][i], a: s[1][i], aa: s[2][i]}
	if len(s) == twoRatios {
		x.b, x.ab, x.bb = s[3][i], s[4][i], s[5][i]
	}
	return x
}

func (s jets) clear() {
	for k := range s {
		clear(s[k])
	}
}

// triangle is the number of places in the lower triangle of an n×n matrix
// stored by rows, and the place of row n's first number.
func triangle(n int) int { return n * (n + 1) / 2 }

// subtractSquare takes c x x' off the lower triangle of a symmetric matrix of
// jets, for a jet c and a vector x of n jets.
func subtractSquare(matrix jets, c jet, x jets, n int) {
	if len(matrix) == oneRatio {
		subtractSquareOne(matrix, c, x, n)
		return
	}
	m0, ma, maa, mb, mab, mbb := matrix[0], matrix[1], matrix[2], matrix[3], matrix[4], matrix[5]
	x0, xa, xaa, xb, xab, xbb := x[0][:n], x[1][:n], x[2][:n], x[3][:n], x[4][:n], x[5][:n]
	at := 0
	for i := range n {
		y := jet{v: x0[i], a: xa[i], aa: xaa[i], b: xb[i], ab: xab[i], bb: xbb[i]}
		// w = c x_i as a jet; then w x_j is a product of jets.
		w := c.times(y)
		for j := range i + 1 {
			v, a, b := x0[j], xa[j], xb[j]
			m0[at] -= w.v * v
			ma[at] -= w.a*v + w.v*a
			maa[at] -= w.aa*v + 2*w.a*a + w.v*xaa[j]
			mb[at] -= w.b*v + w.v*b
			mab[at] -= w.ab*v + w.a*b + w.b*a + w.v*xab[j]
			mbb[at] -= w.bb*v + 2*w.b*b + w.v*xbb[j]
			at++
		}
	}
}

// subtractSquareOne is subtractSquare for one ratio.
func subtractSquareOne(matrix jets, c jet, x jets, n int) {
	m0, ma, maa := matrix[0], matrix[1], matrix[2]
	x0, xa, xaa := x[0][:n], x[1][:n], x[2][:n]
	for i := range n {
		w0 := c.v * x0[i]
		wa := c.a*x0[i] + c.v*xa[i]
		waa := c.aa*x0[i] + 2*c.a*xa[i] + c.v*xaa[i]
		wa2 := 2 * wa
		at := triangle(i)
		r0, ra, raa := m0[at:at+i+1], ma[at:at+i+1], maa[at:at+i+1]
		y0, ya, yaa := x0[:len(r0)], xa[:len(r0)], xaa[:len(r0)]
		ra, raa = ra[:len(r0)], raa[:len(r0)]
		for j, v := range y0 {
			a := ya[j]
			r0[j] -= w0 * v
			ra[j] -= wa*v + w0*a
			raa[j] -= waa*v + wa2*a + w0*yaa[j]
		}
	}
}

// eliminate sweeps the first p columns out of the lower triangle of a
// symmetric matrix of jets, by Gauss's elimination, and returns the sum of the
// logarithms of the pivots. Of the rows from p on it completes column p and
// the diagonal, or the whole of them. It reports false where a pivot is not
// positive.
func eliminate(matrix, column jets, p, rows int, whole bool) (jet, bool) {
	var logs jet
	one := len(matrix) == oneRatio
	for k := range p {
		pivot := matrix.at(triangle(k) + k)
		if !(pivot.v > 0) {
			return logs, false
		}
		logs = logs.plus(pivot.log())
		inverse := pivot.inverse()
		for c := range matrix {
			from, to := matrix[c], column[c]
			at := triangle(k+1) + k
			for i := k + 1; i < rows; i++ {
				to[i] = from[at]
				at += i + 1
			}
		}
		for i := k + 1; i < rows; i++ {
			to := min(i, p)
			if whole {
				to = i
			}
			if one {
				x, xa := column[0][i], column[1][i]
				factor := jet{
					v: x * inverse.v, a: x*inverse.a + xa*inverse.v,
					aa: x*inverse.aa + 2*xa*inverse.a + column[2][i]*inverse.v,
				}
				subtractMultiple(matrix, triangle(i), column, k+1, to, &factor)
				if i > to {
					subtractMultiple(matrix, triangle(i), column, i, i, &factor)
				}
			} else {
				factor := column.at(i).times(inverse)
				subtractMultiple(matrix, triangle(i), column, k+1, to, &factor)
				subtractOuter(matrix, triangle(i), column, k+1, to, &factor)
				if i > to {
					subtractMultiple(matrix, triangle(i), column, i, i, &factor)
					subtractOuter(matrix, triangle(i), column, i, i, &factor)
				}
			}
		}
	}
	return logs, true
}

// subtractMultiple takes factor times column[from..to] off row[from..to], the
// row that starts at the given place of the matrix, in the components of one
// ratio.
func subtractMultiple(matrix jets, start int, column jets, from, to int, f *jet) {
	c0 := column[0][from : to+1]
	n := len(c0)
	ca, caa := column[1][from:][:n], column[2][from:][:n]
	at := start + from
	r0, ra, raa := matrix[0][at:][:n], matrix[1][at:][:n], matrix[2][at:][:n]
	f0, fa, fa2, faa := f.v, f.a, 2*f.a, f.aa
	for j, v := range c0 {
		a := ca[j]
		r0[j] -= f0 * v
		ra[j] -= f0*a + fa*v
		raa[j] -= f0*caa[j] + fa2*a + faa*v
	}
}

// subtractOuter is subtractMultiple for the components of the second ratio.
func subtractOuter(matrix jets, start int, column jets, from, to int, f *jet) {
	c0, ca := column[0][from:to+1], column[1][from:to+1]
	cb, cab, cbb := column[3][from:to+1], column[4][from:to+1], column[5][from:to+1]
	n := len(c0)
	at := start + from
	rb, rab, rbb := matrix[3][at:at+n], matrix[4][at:at+n], matrix[5][at:at+n]
	for j, v := range c0 {
		a, b := ca[j], cb[j]
		rb[j] -= f.v*b + f.b*v
		rab[j] -= f.v*cab[j] + f.a*b + f.b*a + f.ab*v
		rbb[j] -= f.v*cbb[j] + 2*f.b*b + f.bb*v
	}
}

// subtractInner is subtractSquare for a vector that depends on a alone.
func subtractInner(matrix jets, c jet, x jets, n int) {
	m0, ma, maa, mb, mab, mbb := matrix[0], matrix[1], matrix[2], matrix[3], matrix[4], matrix[5]
	x0, xa, xaa := x[0][:n], x[1][:n], x[2][:n]
	for i := range n {
		v, a, aa := x0[i], xa[i], xaa[i]
		w, wa, waa := c.v*v, c.a*v+c.v*a, c.aa*v+2*c.a*a+c.v*aa
		wb, wab, wbb := c.b*v, c.ab*v+c.b*a, c.bb*v
		wa2 := 2 * wa
		at := triangle(i)
		r0, ra, raa := m0[at:at+i+1], ma[at:at+i+1], maa[at:at+i+1]
		rb, rab, rbb := mb[at:at+i+1], mab[at:at+i+1], mbb[at:at+i+1]
		ra, raa, rb, rab, rbb = ra[:len(r0)], raa[:len(r0)], rb[:len(r0)], rab[:len(r0)], rbb[:len(r0)]
		y0, ya, yaa := x0[:len(r0)], xa[:len(r0)], xaa[:len(r0)]
		for j, v := range y0 {
			a := ya[j]
			r0[j] -= w * v
			ra[j] -= wa*v + w*a
			raa[j] -= waa*v + wa2*a + w*yaa[j]
			rb[j] -= wb * v
			rab[j] -= wab*v + wb*a
			rbb[j] -= wbb * v
		}
	}
}

// addMultiple adds c x to dst, for a vector x of jets that depends on a alone.
func addMultiple(dst jets, c jet, x jets, n int) {
	x0, xa, xaa := x[0][:n], x[1][:n], x[2][:n]
	d0, da, daa, db, dab, dbb := dst[0][:n], dst[1][:n], dst[2][:n], dst[3][:n], dst[4][:n], dst[5][:n]
	for i, v := range x0 {
		a := xa[i]
		d0[i] += c.v * v
		da[i] += c.a*v + c.v*a
		daa[i] += c.aa*v + 2*c.a*a + c.v*xaa[i]
		db[i] += c.b * v
		dab[i] += c.ab*v + c.b*a
		dbb[i] += c.bb * v
	}
}
