package estimators

import "math"

// SeriesOf returns for each power series of (1-x)^p the largest error relative to it, up
// to its bound, how many terms it has, and how many the binomial series would take.
func SeriesOf(p float64) (worst []float64, terms, binomial []int) {
	for i := range seriesSteps {
		bound := seriesLimit * float64(i+1) / seriesSteps
		s, most := newPowerSeries(p, bound), 0.0
		for k := range 1001 {
			x := bound * float64(k) / 1000
			v := 0.0
			for j := len(s.coefficient) - 1; j >= 0; j-- {
				v = v*x + s.coefficient[j]
			}
			most = max(most, math.Abs(v*math.Pow(1-x, -p)-1))
		}
		n, term := 0, 1.0
		for ; term/(1-bound) > seriesError; n++ {
			term *= bound * (float64(n) - p) / float64(n+1)
		}
		worst, terms, binomial = append(worst, most), append(terms, len(s.coefficient)), append(binomial, n)
	}
	return worst, terms, binomial
}
