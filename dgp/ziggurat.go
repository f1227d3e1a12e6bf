package dgp

import "math/rand/v2"

// NormFloat64 returns a standard normal draw, the same as rand.Rand's.
func (s *Source) NormFloat64() float64 {
	x, inside := place(s.pcg.Uint64())
	if !inside {
		s.pcg = s.pcg.last()
		x = s.Rand.NormFloat64()
	}
	return x
}

// Normals fills dst with standard normal draws, the same as as many NormFloat64.
func (s *Source) Normals(dst []float64) {
	g := s.pcg
	for i := range dst {
		x, inside := place(g.Uint64())
		if !inside {
			s.pcg = g.last()
			x = s.Rand.NormFloat64()
			g = s.pcg
		}
		dst[i] = x
	}
	s.pcg = g
}

// A strip of the ziggurat under the normal density (Marsaglia and Tsang 2000).
type strip struct {
	unit  float64 // its width over 2^31
	bound uint32  // places below it are under the density
}

// strips are the ziggurat's. A word names a strip by 7 of its bits and a place by 32, and
// a place under the density is the draw. So it is 97 times of 100; else rand.Rand draws,
// from the same word on. The strips are rand.Rand's own: it is asked for them.
var strips = readStrips()

// place returns the draw at the place that a word names, and whether it is under the
// density.
func place(word uint64) (x float64, inside bool) {
	at := &strips[word>>32&0x7f]
	j := int32(word)
	x = float64(j) * at.unit
	if j < 0 {
		j = -j
	}
	return x, uint32(j) < at.bound
}

// readStrips has rand.Rand draw at chosen places. If it asks for one word, the place was
// under the density.
func readStrips() (all [128]strip) {
	for i := range all {
		draw := func(place uint32) (x float64, inside bool) {
			s := oneWord{word: uint64(i)<<32 | uint64(place)}
			x = rand.New(&s).NormFloat64()
			return x, s.asked == 1
		}
		lo, hi := uint32(0), uint32(1)<<31 // the first place outside is within them
		for lo < hi {
			middle := lo + (hi-lo)/2
			if _, inside := draw(middle); inside {
				lo = middle + 1
			} else {
				hi = middle
			}
		}
		all[i].bound = lo
		if lo > 1 {
			all[i].unit, _ = draw(1)
		}
	}
	return all
}

// oneWord is a generator of one word, and then zeros.
type oneWord struct {
	word  uint64
	asked int
}

func (s *oneWord) Uint64() uint64 {
	s.asked++
	if s.asked == 1 {
		return s.word
	}
	return 0
}
