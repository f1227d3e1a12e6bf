package forest

import (
	"math"
	"testing"
)

// With two levels the maximum statistic is the absolute value of one normal.
// With four the reference is R's mvtnorm, with 1e7 points (error 2e-8):
//
//	n <- c(12, 20, 9, 31); r <- cov2cor(diag(n) - n %o% n / sum(n))
//	1 - pmvnorm(rep(-2.2, 4), rep(2.2, 4), corr = r, algorithm = GenzBretz(maxpts = 1e7, abseps = 1e-9))
//
// Levels may stand in any order.
func TestTailOfTheMaximum(t *testing.T) {
	b := newBridge()
	for _, c := range []struct {
		levels []tally
		n      int
		at     float64
		want   float64
	}{
		{[]tally{{n: 3}, {n: 0}, {n: 9}}, 12, 1.7, math.Erfc(1.7 / math.Sqrt2)},
		{[]tally{{n: 12}, {n: 20}, {n: 9}, {n: 31}}, 72, 2.2, 0.09758782},
		{[]tally{{n: 31}, {n: 9}, {n: 12}, {n: 20}}, 72, 2.2, 0.09758782},
	} {
		if got := b.survival(c.levels, c.n, c.at); math.Abs(got-c.want) > 5e-8 {
			t.Errorf("%v: %.9f, not %.9f", c.levels, got, c.want)
		}
	}
	one := b.survival([]tally{{n: 31}, {n: 9}, {n: 12}, {n: 20}, {n: 3}, {n: 12}}, 87, 2.5)
	other := b.survival([]tally{{n: 3}, {n: 12}, {n: 9}, {n: 12}, {n: 20}, {n: 31}}, 87, 2.5)
	if math.Abs(one-other) > 1e-7 {
		t.Errorf("in two orders of levels: %.9f and %.9f", one, other)
	}
}
