package dgp

import "math/rand/v2"

// Blocked treats the same share of the schools of every block.
type Blocked struct {
	Share float64 `yaml:"share" gt:"0" lt:"1" doc:"share of each block's schools that is treated"`
}

// Check finds nothing to add to the ranges of the keys.
func (Blocked) Check(Design, func(key, format string, args ...any)) {}

// Assign draws the treated schools of each block.
func (b Blocked) Assign(arm, block, scratch []int, r *rand.Rand) {
	for lo := 0; lo < len(block); {
		hi := lo
		places := scratch[:0]
		for hi < len(block) && block[hi] == block[lo] {
			places = append(places, hi)
			hi++
		}
		treatShare(arm, places, b.Share, r)
		lo = hi
	}
}

var _ Assignment = Blocked{}
