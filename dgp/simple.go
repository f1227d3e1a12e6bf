package dgp

import "math/rand/v2"

// Simple treats each school by the toss of a coin, so that the number of
// treated schools varies.
type Simple struct {
	Share float64 `yaml:"share" gt:"0" lt:"1" doc:"probability that a school is treated"`
}

// Check finds nothing to add to the ranges of the keys.
func (Simple) Check(Design, func(key, format string, args ...any)) {}

// Assign tosses the coins.
func (c Simple) Assign(arm, _, _ []int, r *rand.Rand) {
	for s := range arm {
		arm[s] = 0
		if r.Float64() < c.Share {
			arm[s] = 1
		}
	}
}

var _ Assignment = Simple{}
