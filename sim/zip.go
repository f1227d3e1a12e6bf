package sim

import (
	"cmp"
	"math"
	"slices"
)

// A Zip holds the confidence intervals of one estimate, less the truth, stacked by
// the centile of |estimate - truth| over half their width (|t| over its critical
// value, so that degrees of freedom may differ), as in the zip plot of Morris,
// White and Crowther (2019, Statistics in Medicine 38, figure 5): those that miss
// the truth lie at the top.
type Zip struct {
	N        int       // intervals
	Coverage Simulated // of all N
	Bars     []ZipBar  // some of them, evenly over the centiles, from the bottom up
	// Low and High hold the bars but for those that reach beyond the middle 90%
	// of ends by more than its width, as with hardly a degree of freedom; Off counts
	// these.
	Low, High float64
	Off       int
}

// A ZipBar is one interval less the truth.
type ZipBar struct {
	Centile   float64
	Low, High float64
	Covers    bool
}

// NewZip stacks the 1-alpha intervals of records and keeps at most a number of them as bars.
// N is 0 where no record has an interval and a truth.
func NewZip(records []Record, alpha float64, most int) Zip {
	type ranked struct {
		ZipBar
		distance float64
	}
	var all []ranked
	covered := 0
	for i, ci := range ConfidenceIntervals(records, alpha) {
		r := &records[i]
		if !isFinite(ci.Low) || !isFinite(ci.High) || !isFinite(r.Truth) {
			continue
		}
		covers := ci.Low <= r.Truth && r.Truth <= ci.High
		covered += count(covers)
		// An interval of the estimator's own is as far off as its ends say, on the
		// side of the truth.
		half := ci.High - r.Value
		if r.Truth < r.Value {
			half = r.Value - ci.Low
		}
		distance := math.Abs(r.Value-r.Truth) / half
		if !(half > 0) { // the estimate is on the end of its interval, or beyond
			distance = math.Inf(1 - 2*count(covers))
		}
		all = append(all, ranked{ZipBar{Low: ci.Low - r.Truth, High: ci.High - r.Truth, Covers: covers}, distance})
	}
	n := len(all)
	if n == 0 {
		return Zip{}
	}
	slices.SortStableFunc(all, func(a, b ranked) int { return cmp.Compare(a.distance, b.distance) })
	z := Zip{N: n, Coverage: Wilson(float64(covered)/float64(n), n)}
	shown := min(n, most)
	for k := range shown {
		at := (2*k + 1) * n / (2 * shown)
		bar := all[at].ZipBar
		bar.Centile = 100 * (float64(at) + 0.5) / float64(n)
		z.Bars = append(z.Bars, bar)
	}
	z.scale()
	return z
}

func (z *Zip) scale() {
	var lows, highs []float64
	for _, bar := range z.Bars {
		lows, highs = append(lows, bar.Low), append(highs, bar.High)
	}
	slices.Sort(lows)
	slices.Sort(highs)
	from, to := quantile(lows, 0.05), quantile(highs, 0.95)
	z.Low, z.High = max(lows[0], from-(to-from)), min(highs[len(highs)-1], to+(to-from))
	for _, bar := range z.Bars {
		z.Off += count(bar.Low < z.Low || bar.High > z.High)
	}
}
