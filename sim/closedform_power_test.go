package sim

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"coachsim/sim/analytic"
)

// slowPower averages the power of a t test of schools over all numbers of schools
// that may be left of n in each arm, and over the shares cos²θ of precision that g
// covariates leave, by the midpoint rule in θ: what binomialNodes and chanceShares
// stand for, slowly.
func slowPower(n int, left, g, es, points float64) float64 {
	law := distuv.Binomial{N: float64(n), P: left}
	power := 0.0
	for i := range n + 1 {
		for j := range n + 1 {
			p := law.Prob(float64(i)) * law.Prob(float64(j))
			a, b := float64(i), float64(j)
			df := a + b - 2 - g
			if p < 1e-13 || i < 2 || j < 2 || df <= 0 {
				continue
			}
			test := analytic.Test{SE: math.Sqrt(1/a + 1/b), DF: df}
			level := analytic.Level{Alpha: 0.05, Tails: 2}
			if g == 0 {
				power += p * test.Power(es, level)
				continue
			}
			sum, all := 0.0, 0.0
			for k := range int(points) {
				angle := (float64(k) + 0.5) / points * math.Pi / 2
				density := math.Pow(math.Cos(angle), a+b-2-g) * math.Pow(math.Sin(angle), g-1)
				all += density
				sum += density * test.Power(es*math.Cos(angle), level)
			}
			power += p * sum / all
		}
	}
	return power
}

// TestFewPointsAverageAsMany: power averaged over quadrature's points is that over all
// numbers of units and over many shares of precision.
func TestFewPointsAverageAsMany(t *testing.T) {
	for _, c := range []struct {
		n                   int
		left, g, es, within float64
	}{{40, 0.9, 0, 0.7, 1e-9}, {20, 0.95, 0, 0.9, 1e-9}, {20, 0.7, 0, 0.9, 1e-8}, {8, 0.8, 0, 1.5, 1e-8}, {12, 0.95, 1, 1.2, 1e-8}, {12, 0.95, 3, 1.2, 1e-8}} {
		points := 1.0
		if c.g > 0 {
			points = 200
		}
		want := slowPower(c.n, c.left, c.g, c.es, points)
		got := 0.0
		for _, a := range binomialNodes(float64(c.n), c.left) {
			for _, b := range binomialNodes(float64(c.n), c.left) {
				df := a.Value + b.Value - 2 - c.g
				if a.Value < 2 || b.Value < 2 || df <= 0 {
					continue
				}
				test := analytic.Test{SE: math.Sqrt(1/a.Value + 1/b.Value), DF: df}
				for _, s := range chanceShares(c.g, a.Value+b.Value-1) {
					got += a.Probability * b.Probability * s.Probability * test.Power(c.es*math.Sqrt(s.Value), analytic.Level{Alpha: 0.05, Tails: 2})
				}
			}
		}
		t.Logf("%+v: %.10f, slowly %.10f, apart %.1e", c, got, want, got-want)
		if math.Abs(got-want) > c.within {
			t.Errorf("%+v: %.9f, slowly %.9f", c, got, want)
		}
	}
}
