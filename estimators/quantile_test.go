package estimators

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// sortedPercentile is R's quantile(x, p/100), type 7, by sorting.
func sortedPercentile(x []float64, p float64) float64 {
	sorted := slices.Sorted(slices.Values(x))
	h := float64(len(x)-1) * p / 100
	low := int(h)
	high := min(low+1, len(x)-1)
	return sorted[low] + (h-float64(low))*(sorted[high]-sorted[low])
}

func TestPercentilesAgainstSorting(t *testing.T) {
	s := newSelector(400)
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.SampledFrom([]*rapid.Generator[float64]{
			rapid.Float64Range(-1, 1),
			rapid.Map(rapid.IntRange(0, 3), func(i int) float64 { return float64(i) }), // ties
			rapid.Just(0.1), // constant
			rapid.Map(rapid.Float64Range(-300, 300), func(e float64) float64 { return math.Pow(10, e) }), // huge range
			rapid.Map(rapid.Float64Range(-1, 1), func(x float64) float64 { return 1e9 + x }),
		}).Draw(t, "values")
		x := rapid.SliceOfN(value, 1, 300).Draw(t, "x")
		percent := rapid.SliceOfN(rapid.Float64Range(0.001, 99.999), 1, 5).Draw(t, "percent")
		got := make([]float64, len(percent))
		before := slices.Clone(x)
		s.percentiles(got, percent, x)
		for i, p := range percent {
			if want := sortedPercentile(x, p); got[i] != want {
				t.Fatalf("percentile %g is %v, want %v", p, got[i], want)
			}
		}
		if !slices.Equal(x, before) {
			t.Fatal("the values were moved")
		}
	})
}

func TestPercentilesOfFew(t *testing.T) {
	s := newSelector(10)
	inf := math.Inf(1)
	for _, c := range []struct {
		x    []float64
		p    float64
		want float64
	}{
		{nil, 50, math.NaN()},
		{[]float64{7}, 10, 7},
		{[]float64{1, 2}, 50, 1.5},
		{[]float64{2, 1}, 10, 1.1},
		{[]float64{3, 1, 2}, 50, 2},
		{[]float64{1, 2, 3, 4, 5}, 10, 1.4},
		{[]float64{1, math.NaN(), 2}, 50, math.NaN()},
		{[]float64{1, inf, 2}, 50, math.NaN()},
		{[]float64{-inf, 1, 2}, 50, math.NaN()},
		{[]float64{-1e308, 0, 1e308, 1e308, 1}, 50, 1},          // a range that overflows
		{[]float64{0, 5e-324, 0, 5e-324, 5e-324}, 50, 5e-324},   // one that is too narrow
		{[]float64{1, 1 + 0x1p-52, 1, 1, 1}, 80, 1},             // and one of a single bit
		{[]float64{0, 1e-300, 1, 1e300, 2e-300}, 25, 1e-300},    // all but one in a bin
		{[]float64{-5, -5, -5, -5, 100}, 99, -5 + 0.96*(100+5)}, // ties below
	} {
		got := []float64{0}
		s.percentiles(got, []float64{c.p}, c.x)
		if math.Abs(got[0]-c.want) > 1e-14*math.Abs(c.want) || math.IsNaN(got[0]) != math.IsNaN(c.want) {
			t.Errorf("percentile %g of %v is %v, want %v", c.p, c.x, got[0], c.want)
		}
	}
}
