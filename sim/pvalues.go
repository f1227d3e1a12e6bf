package sim

import (
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// PValues is the distribution of the p-values of one test over the replicates
// whose fit worked, beside that of a test that keeps its size where there is no
// effect: the uniform distribution.
type PValues struct {
	N      int   // p-values
	Counts []int // in bins of equal width from 0 to 1
	// What each bin would count under the uniform distribution: the mean, and the 2.5% and 97.5%
	// quantiles of the binomial distribution.
	Mean, Low, High float64
	Quantiles       []PQuantile
}

// A PQuantile is an order statistic of p-values on the scale of -log10 p, which
// spreads the small ones, and what it would be under the uniform distribution: at
// (k-1/2)/n, with the 2.5% and 97.5% quantiles of Beta(k, n+1-k). A p-value below 1e-16 counts as
// 1e-16.
type PQuantile struct{ Expected, Observed, Low, High float64 }

const (
	pBins      = 20
	pQuantiles = 120 // at most
)

// MeasurePValues measures the p-values of records; N is 0 where there are none.
func MeasurePValues(records []Record) PValues {
	var values []float64
	for i := range records {
		if r := &records[i]; r.Status.Worked() && r.P >= 0 && r.P <= 1 {
			values = append(values, r.P)
		}
	}
	n := len(values)
	v := PValues{N: n}
	if n == 0 {
		return v
	}
	slices.Sort(values)
	v.Counts = make([]int, pBins)
	for _, p := range values {
		v.Counts[min(pBins-1, int(p*pBins))]++
	}
	v.Mean = float64(n) / pBins
	v.Low, v.High = binomialQuantile(0.025, n, 1./pBins), binomialQuantile(0.975, n, 1./pBins)
	minusLog := func(p float64) float64 { return -math.Log10(max(p, 1e-16)) + 0 } // not -0
	last := 0
	for i := range pQuantiles { // even on the logarithmic scale
		k := int(math.Round(math.Pow(float64(n), float64(i)/(pQuantiles-1))))
		if k <= last {
			continue
		}
		last = k
		a, b := float64(k), float64(n+1-k)
		v.Quantiles = append(v.Quantiles, PQuantile{
			Expected: minusLog((a - 0.5) / float64(n)), Observed: minusLog(values[k-1]),
			Low: minusLog(mathext.InvRegIncBeta(a, b, 0.975)), High: minusLog(mathext.InvRegIncBeta(a, b, 0.025)),
		})
	}
	return v
}

// binomialQuantile is the smallest count at which the distribution function reaches q.
func binomialQuantile(q float64, n int, p float64) float64 {
	d := distuv.Binomial{N: float64(n), P: p}
	return float64(sort.Search(n, func(k int) bool { return d.CDF(float64(k)) >= q }))
}
