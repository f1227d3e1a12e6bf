package estimators_test

import (
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
