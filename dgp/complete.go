package dgp

import "math/rand/v2"

// Complete treats a fixed share of all schools and ignores the blocks.
type Complete struct {
	Share float64 `yaml:"share" gt:"0" lt:"1" doc:"share of all schools that is treated"`
}

// Check finds nothing to add to the ranges of the keys.
func (Complete) Check(Design, func(key, format string, args ...any)) {}

// Assign draws the treated schools.
func (c Complete) Assign(arm, _, scratch []int, r *rand.Rand) {
	places := scratch[:0]
	for s := range arm {
		places = append(places, s)
	}
	treatShare(arm, places, c.Share, r)
}

var _ Assignment = Complete{}
