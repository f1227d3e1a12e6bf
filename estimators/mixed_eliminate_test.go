package estimators_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"coachsim/estimators"
)

// Dummies eliminated apart are as columns of the matrix.
func TestEliminationOfDummies(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 1))
	for _, dummies := range []int{0, 1, 3, 10} {
		for _, p := range []int{1, 2, 13} {
			for _, combinations := range []int{0, 1, 4} {
				for _, whole := range []bool{false, true} {
					for _, negative := range []bool{false, true} {
						worst, failed := estimators.EliminateTwice(r, dummies, p, combinations, whole, negative)
						if worst > 1e-12 || failed != [2]bool{negative, negative} {
							t.Errorf("%d dummies, %d columns, %d combinations, whole %v: off by %g, not positive %v, want %v", dummies, p, combinations, whole, worst, failed, negative)
						}
					}
				}
			}
		}
	}
}

// A sum of logarithms is that of the product, however large or small the numbers, and none
// where one is negative.
func TestSumOfLogarithms(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 2))
	for _, spread := range []float64{0, 1, 100, 300} {
		var all [][6]float64
		for range 100 {
			x := [6]float64{math.Exp(spread * (2*r.Float64() - 1))}
			for k := 1; k < len(x); k++ {
				x[k] = x[0] * r.NormFloat64()
			}
			all = append(all, x)
		}
		got, want := estimators.SumLogs(all)
		for k := range got {
			if math.Abs(got[k]-want[k]) > 1e-13*(100+100*spread) {
				t.Errorf("spread %v, number %d: %v, want %v", spread, k, got[k], want[k])
			}
		}
		all[3][0], all[5][0] = -1, -1
		if got, _ := estimators.SumLogs(all); !math.IsNaN(got[0]) {
			t.Errorf("the logarithm of a negative number is %v", got[0])
		}
	}
}
