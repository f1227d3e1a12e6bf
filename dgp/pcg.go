package dgp

import "math/bits"

// A pcg is O'Neill's PCG XSL RR 128/64 (2014): a linear congruential generator of 128
// bits, whose two halves are folded into one and rotated by its highest bits. It gives
// the words of PCGSource of golang.org/x/exp/rand, which is deprecated.
type pcg struct{ high, low uint64 }

const (
	pcgMultiplierHigh, pcgMultiplierLow = 0x2360ed051fc65da4, 0x4385df649fccf645
	pcgIncrementHigh, pcgIncrementLow   = 0x5851f42d4c957f2d, 0x14057b7ef767814f
	// Of two steps at once: multiplier² and (multiplier + 1) increment, modulo 2^128.
	pcgSquareHigh, pcgSquareLow     = 0x17bce35bdf69743c, 0x529ed9eb20e0ae99
	pcgTwoStepsHigh, pcgTwoStepsLow = 0x4871bec9994273f8, 0xac1f8a1c3883459a
)

// Uint64 moves on by a step and returns its word.
func (g *pcg) Uint64() uint64 {
	*g = g.next()
	return g.word()
}

// Float64 returns a draw from [0, 1), as rand.Rand makes it of a word.
func (g *pcg) Float64() float64 {
	*g = g.next()
	return g.float64()
}

// next is the state after g: multiplier g + increment, modulo 2^128.
func (g pcg) next() pcg {
	high, low := bits.Mul64(g.low, pcgMultiplierLow)
	high += g.high*pcgMultiplierLow + g.low*pcgMultiplierHigh
	low, carry := bits.Add64(low, pcgIncrementLow, 0)
	high, _ = bits.Add64(high, pcgIncrementHigh, carry)
	return pcg{high, low}
}

// nextButOne is the state after next, without a need of that.
func (g pcg) nextButOne() pcg {
	high, low := bits.Mul64(g.low, pcgSquareLow)
	high += g.high*pcgSquareLow + g.low*pcgSquareHigh
	low, carry := bits.Add64(low, pcgTwoStepsLow, 0)
	high, _ = bits.Add64(high, pcgTwoStepsHigh, carry)
	return pcg{high, low}
}

// float64 is the draw from [0, 1) of the state.
func (g pcg) float64() float64 { return float64(g.word()<<11>>11) / (1 << 53) }

func (g pcg) word() uint64 { return bits.RotateLeft64(g.high^g.low, -int(g.high>>58)) }
