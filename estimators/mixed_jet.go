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

// A logSum is a sum of logarithms of positive jets. Logarithms take long, so that numbers are
// multiplied as far as their product stays away from what a float64 can hold.
type logSum struct {
	sum     jet // but for the value of what is in product
	product float64
}

func newLogSum() logSum { return logSum{product: 1} }

// add adds log x: its derivatives are x'/x and x"/x - (x'/x)².
func (l *logSum) add(x *jet) {
	i := 1 / x.v
	a, b := x.a*i, x.b*i
	l.sum.a += a
	l.sum.aa += x.aa*i - a*a
	l.sum.b += b
	l.sum.ab += x.ab*i - a*b
	l.sum.bb += x.bb*i - b*b
	if product := l.product * x.v; product > 1e-200 && product < 1e200 {
		l.product = product
		return
	}
	l.sum.v += math.Log(l.product) + math.Log(x.v)
	l.product = 1
}

func (l *logSum) total() jet {
	all := l.sum
	all.v += math.Log(l.product)
	return all
}

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
