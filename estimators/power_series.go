package estimators

import "math"

// A powerSeries is a polynomial Σ_k c_k x^k that is (1-x)^p for x from 0 to a bound, but
// for seriesError. It is the expansion in Chebyshev polynomials T_k, cut where that is
// reached, of which it takes about half as many terms as of the binomial series
// (Trefethen 2019, Approximation Theory and Approximation Practice, chapter 8). With
//
//	x = bound (1+t)/2,  τ = 2/bound - 1,  q = τ - √(τ²-1),  t = cos θ
//
// it follows from (1-z)^p = Σ_j a_j z^j that
//
//	(1-x)^p = (bound/4q)^p |1 - q e^{iθ}|^{2p} = (bound/4q)^p Σ_k (2 - [k=0]) T_k(t) Σ_j a_j a_{j+k} q^{2j+k}
type powerSeries struct {
	coefficient []float64
}

// seriesLimit is the largest eigenvalue for which a series is used; beyond, its
// coefficients by powers of x grow, and lose digits. The limits of series are multiples
// of seriesLimit/seriesSteps.
const (
	seriesLimit = 0.5
	seriesSteps = 16
	seriesError = 1e-16
)

func newPowerSeries(p, bound float64) powerSeries {
	tau := 2/bound - 1
	q := 1 / (tau + math.Sqrt(tau*tau-1))
	const enough = 80 // q is 0.17 at most
	var a, sum [enough]float64
	a[0] = 1
	for j := 1; j < enough; j++ {
		a[j] = a[j-1] * (float64(j-1) - p) / float64(j)
	}
	// T_k and T_{k-1} by powers of y = x/bound: T_{k+1} = 2(2y-1) T_k - T_{k-1}.
	var now, last [enough]float64
	now[0] = 1
	scale, power, degree := math.Pow(bound/(4*q), p), 1.0, 0
	for k := range enough / 2 {
		c, square := 0.0, 1.0
		for j := range enough - k {
			c += a[j] * a[j+k] * square
			square *= q * q
		}
		if c *= scale * power; k > 0 {
			c *= 2
		}
		if math.Abs(c) < seriesError {
			break
		}
		degree = k
		for i := range k + 1 {
			sum[i] += c * now[i]
		}
		var next [enough]float64
		factor := 2.0
		if k == 0 {
			factor = 1
		}
		for i := range k + 2 {
			next[i] = -factor*now[i] - last[i]
			if i > 0 {
				next[i] += 2 * factor * now[i-1]
			}
		}
		now, last = next, now
		power *= q
	}
	s := powerSeries{coefficient: make([]float64, degree+1)}
	for i := range s.coefficient {
		s.coefficient[i] = sum[i] / math.Pow(bound, float64(i))
	}
	return s
}

// seriesFor returns the series for a matrix A of which the sum of squares of the
// eigenvalues, real and at least 0, is given, and so a bound of them; nil where it is
// beyond the limit.
func (b *biasReduction) seriesFor(square float64) *powerSeries {
	if !(square < seriesLimit*seriesLimit) {
		return nil
	}
	return &b.series[int(math.Sqrt(square)*(seriesSteps/seriesLimit))]
}

// squaredNorm returns tr A², the sum of squares of A's eigenvalues; its columns are the
// rows of a, padded to whole fours.
func squaredNorm(a []float64, d int) float64 {
	w := wholeFours(d)
	square := 0.0
	for i := range d {
		for j := range i {
			square += 2 * a[i*w+j] * a[j*w+i]
		}
		square += a[i*w+i] * a[i*w+i]
	}
	return square
}

// applyFour fills y with (I-A)^p x, for A of four columns, which stand one after the other.
func (s *powerSeries) applyFour(y *[4]float64, a *[16]float64, x *[4]float64) {
	x0, x1, x2, x3 := x[0], x[1], x[2], x[3]
	c := s.coefficient[0]
	y0, y1, y2, y3 := c*x0, c*x1, c*x2, c*x3
	for _, c := range s.coefficient[1:] {
		t0 := (a[0]*x0 + a[4]*x1) + (a[8]*x2 + a[12]*x3)
		t1 := (a[1]*x0 + a[5]*x1) + (a[9]*x2 + a[13]*x3)
		t2 := (a[2]*x0 + a[6]*x1) + (a[10]*x2 + a[14]*x3)
		t3 := (a[3]*x0 + a[7]*x1) + (a[11]*x2 + a[15]*x3)
		y0 += c * t0
		y1 += c * t1
		y2 += c * t2
		y3 += c * t3
		x0, x1, x2, x3 = t0, t1, t2, t3
	}
	*y = [4]float64{y0, y1, y2, y3}
}
