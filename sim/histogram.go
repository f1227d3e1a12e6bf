package sim

import (
	"math"
	"slices"
)

// A Histogram counts estimates in bins of equal width.
type Histogram struct {
	Low, Width   float64 // where the first bin begins, and how wide each is
	Counts       []int
	Below, Above int // estimates too far out for a bin
	Used         int // estimates that are finite
}

// Edge is where bin i begins and the one before ends.
func (h Histogram) Edge(i int) float64 { return h.Low + float64(i)*h.Width }

// Most bins that a histogram has, and fewest where estimates vary.
const (
	mostBins   = 40
	fewestBins = 6
)

// NewHistogram bins the finite estimates; there are no bins where there are none.
// Bins have the width of Freedman and Diaconis (1981), twice the interquartile
// range over the cube root of the number, within 6 to 40 bins. Estimates that are
// further beyond the 1st or 99th percentile than those are apart would squeeze
// the rest; they are counted as Below or Above.
func NewHistogram(estimates []float64) Histogram {
	values := make([]float64, 0, len(estimates))
	for _, v := range estimates {
		if isFinite(v) {
			values = append(values, v)
		}
	}
	if len(values) == 0 {
		return Histogram{}
	}
	slices.Sort(values)
	q01, q99 := quantile(values, 0.01), quantile(values, 0.99)
	reach := q99 - q01
	if reach == 0 { // nearly all the same: nothing is far out
		reach = math.Inf(1)
	}
	low, high := max(values[0], q01-reach), min(values[len(values)-1], q99+reach)

	h := Histogram{Low: low, Used: len(values)}
	bins := 1
	if high > low {
		width := 2 * (quantile(values, 0.75) - quantile(values, 0.25)) / math.Cbrt(float64(len(values)))
		bins = mostBins
		if n := math.Ceil((high - low) / width); n < mostBins {
			bins = max(fewestBins, int(n))
		}
		h.Width = (high - low) / float64(bins)
	}
	if h.Width == 0 { // one value: a thin bin around it
		h.Width = max(1e-3*math.Abs(low), 1e-9)
		h.Low -= h.Width / 2
	}
	h.Counts = make([]int, bins)
	for _, v := range values {
		switch {
		case v < low:
			h.Below++
		case v > high:
			h.Above++
		default:
			h.Counts[min(bins-1, int((v-h.Low)/h.Width))]++
		}
	}
	return h
}
