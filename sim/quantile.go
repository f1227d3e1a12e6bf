package sim

import (
	"math"
	"slices"
)

// quantile is the q-th quantile of ascending numbers, R's default (type 7 of
// Hyndman and Fan 1996, The American Statistician 50): linear between order
// statistics, the k-th of n at (k-1)/(n-1). It is NaN of nothing.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := q * float64(len(sorted)-1)
	below := min(int(at), len(sorted)-1)
	if below == len(sorted)-1 {
		return sorted[below]
	}
	return sorted[below] + (at-float64(below))*(sorted[below+1]-sorted[below])
}

// middle95 are the 2.5th and 97.5th percentiles of values, which it sorts.
func middle95(values []float64) [2]float64 {
	slices.Sort(values)
	return [2]float64{quantile(values, 0.025), quantile(values, 0.975)}
}
