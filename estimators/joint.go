package estimators

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// jointTest tests that k combinations are all 0, by the Wald statistic in its
// F form: F = b'V⁻¹b/k, referred to F(k, df) as Stata's test does after
// regress. With CR2 and CR3 it is the test that Pustejovsky and Tipton (2018)
// call AHT and clubSandwich HTZ: with η the degrees of freedom of V as a
// Wishart matrix, (η-k+1)/η F is referred to F(k, η-k+1).
func (l *linear) jointTest(group []int, df float64, status Status) Estimate {
	nc, k := len(l.combinations), len(group)
	w := l.wald
	w.n = k
	x := l.waldX[:k]
	var exact Status
	for i, r := range group {
		if l.dropped(r) {
			return failed(Collinear)
		}
		if l.unfit(r) {
			exact = l.unfitness(r)
		}
		for j, t := range group[:i+1] {
			w.l[i*k+j] = l.vcov[r*nc+t]
		}
		l.waldRaw[i] = l.vcov[r*nc+r]
		x[i] = l.value[r]
	}
	if exact != OK {
		return failed(exact)
	}
	w.factor(l.waldRaw)
	if w.rank < k {
		if l.two != nil {
			return failed(NotPositive)
		}
		return failed(Collinear)
	}
	w.solve(x)
	f := 0.0
	for i, r := range group {
		f += x[i] * l.value[r]
	}
	f /= float64(k)
	if l.reduced != nil && l.se.clustered() {
		eta := l.reduced.hotelling(group)
		df = eta - float64(k) + 1
		f *= df / eta
		if !(df > 0) {
			return failed(TooFewClusters)
		}
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return failed(NotFinite)
	}
	// P(F(k, df) > f) as an incomplete beta function keeps the far tail.
	p := mathext.RegIncBeta(df/2, float64(k)/2, df/(df+float64(k)*f))
	return Estimate{Value: f, SE: math.NaN(), DF: df, P: p, Status: status}
}
