package dgp

import "math/bits"

// A pcg is O'Neill's PCG XSL RR 128/64 (2014): a linear congruential generator of 128
// bits, whose two halves are folded into one and rotated by its highest bits. It gives
// the words of PCGSource of golang.org/x/exp/rand, which is deprecated.
type pcg struct{ high, low uint64 }

const (
	pcgMultiplierHigh, pcgMultiplierLow = 0x2360ed051fc65da4, 0x4385df649fccf645
	pcgIncrementHigh, pcgIncrementLow   = 0x5851f42d4c957f2d, 0x14057b7ef767814f
	pcgInverseHigh, pcgInverseLow       = 0x7dda22b93979860, 0x98abc8b0716eac8d // of the multiplier, modulo 2^128
)

// Uint64 moves on by a step and returns its word.
func (g *pcg) Uint64() uint64 {
	*g = g.next()
	return g.word()
}

// next is the state after g: multiplier g + increment, modulo 2^128.
func (g pcg) next() pcg {
	high, low := bits.Mul64(g.low, pcgMultiplierLow)
	high += g.high*pcgMultiplierLow + g.low*pcgMultiplierHigh
	low, carry := bits.Add64(low, pcgIncrementLow, 0)
	high, _ = bits.Add64(high, pcgIncrementHigh, carry)
	return pcg{high, low}
}

// last is the state before g.
func (g pcg) last() pcg {
	low, borrow := bits.Sub64(g.low, pcgIncrementLow, 0)
	high, _ := bits.Sub64(g.high, pcgIncrementHigh, borrow)
	over, product := bits.Mul64(low, pcgInverseLow)
	return pcg{over + high*pcgInverseLow + low*pcgInverseHigh, product}
}

func (g pcg) word() uint64 { return bits.RotateLeft64(g.high^g.low, -int(g.high>>58)) }
