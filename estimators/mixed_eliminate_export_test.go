package estimators

import (
	"math"
	"math/rand/v2"
)

// EliminateTwice sweeps a random matrix of jets with dummies as such and, by the function
// for two ratios, as columns like others. It returns the largest difference in the rows
// that are left, and in the sum of the logarithms of pivots, and whether each found a
// pivot that is not positive. A column may be one that another makes negative.
func EliminateTwice(r *rand.Rand, dummies, p, combinations int, whole, negative bool) (worst float64, failed [2]bool) {
	rows := p + 1 + combinations
	one, two := newElimination(oneRatio, p, rows, dummies), newElimination(twoRatios, dummies+p, dummies+rows, 0)
	a, b := newJets(oneRatio, triangle(rows)), newJets(twoRatios, triangle(dummies+rows))
	one.dummies = dummies
	draw := func() firstJet { return firstJet{r.NormFloat64(), r.NormFloat64(), r.NormFloat64()} }
	put := func(to jets, at int, x firstJet) { to[0][at], to[1][at], to[2][at] = x.v, x.a, 2*x.half }
	var logs jet // of the dummies' pivots
	for k := range dummies {
		d := draw()
		d.v = 10 + math.Abs(d.v)
		pivot := d.jet()
		logs = logs.plus(pivot.log())
		inverse := pivot.inverse()
		one.per[k] = inverse.first()
		put(b, triangle(k)+k, d)
	}
	for i := range rows {
		for k := range dummies {
			if i <= p {
				one.row[i][k] = draw()
				put(b, triangle(dummies+i)+k, one.row[i][k])
			}
		}
		for j := range i + 1 {
			x := draw()
			if i == j {
				x.v += 100
				if negative && i == p/2 {
					x.v = -1
				}
			}
			put(a, triangle(i)+j, x)
			put(b, triangle(dummies+i)+dummies+j, x)
		}
	}
	first, ok := one.eliminateOne(a, p, rows, whole)
	second, also := two.eliminateTwo(b, dummies+p, dummies+rows, whole)
	compare := func(x, y jet) {
		for _, d := range []float64{x.v - y.v, x.a - y.a, x.aa - y.aa} {
			worst = max(worst, math.Abs(d)/(1+math.Abs(y.v)))
		}
	}
	if ok && also {
		compare(first.plus(logs), second)
	}
	for i := p; i < rows; i++ {
		for j := range i + 1 {
			switch {
			case i > p && !ok, j < p && !ok: // are not reached
			case whole || j <= p || j == i:
				compare(a.at(triangle(i)+j), b.at(triangle(dummies+i)+dummies+j))
			}
		}
	}
	return worst, [2]bool{!ok, !also}
}

// SumLogs adds up the logarithms of jets of which these are the numbers, at once and one
// by one.
func SumLogs(of [][6]float64) (atOnce, oneByOne [6]float64) {
	sum, slow := newLogSum(), jet{}
	for _, x := range of {
		j := jet{x[0], x[1], x[2], x[3], x[4], x[5]}
		sum.add(&j)
		slow = slow.plus(j.log())
	}
	numbers := func(x jet) [6]float64 { return [6]float64{x.v, x.a, x.aa, x.b, x.ab, x.bb} }
	return numbers(sum.total()), numbers(slow)
}
