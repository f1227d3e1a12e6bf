package dgp

import "math"

// NormFloat64 returns a standard normal draw, the same as rand.Rand's.
func (s *Source) NormFloat64() float64 {
	word := s.pcg.Uint64()
	x, inside := place(word)
	if !inside {
		x, s.pcg = s.pcg.outside(word)
	}
	return x
}

// Normals fills dst with standard normal draws, the same as as many NormFloat64.
func (s *Source) Normals(dst []float64) {
	g := s.pcg
	for i := 1; i < len(dst); i += 2 { // two at once: a state waits for the one before it, but not the one after that
		first, second := g.next(), g.nextButOne()
		x, inside := place(first.word())
		y, both := place(second.word())
		switch {
		case inside && both:
			g = second
		case inside:
			y, g = second.outside(second.word())
		default:
			x, g = first.outside(first.word())
			y, g = g.normal()
		}
		dst[i-1], dst[i] = x, y
	}
	if n := len(dst); n%2 == 1 {
		dst[n-1], g = g.normal()
	}
	s.pcg = g
}

// normal returns the normal draw from a state on, and the state after it.
func (g pcg) normal() (float64, pcg) {
	g = g.next()
	x, inside := place(g.word())
	if !inside {
		return g.outside(g.word())
	}
	return x, g
}

// A strip of the ziggurat under the normal density (Marsaglia and Tsang 2000).
type strip struct {
	unit        float64 // its width over 2^31
	back, width uint32  // a place less than width after -back is under the density
}

// An edge is where a strip ends: half its square, and the density without its constant;
// and how much higher that is where the strip within ends.
type edge struct {
	half, height  float64
	density, rise float32 // as rand.Rand has them
}

// A word names a strip by 7 of its bits and a place by 32, and a place under the density
// is the draw. So it is 97 times of 100. All is as in rand.Rand, to the last bit.
var strips, edges = layStrips()

const (
	outermost = 3.442619855899      // where the last strip but the base ends
	stripArea = 9.91256303526217e-3 // of each
)

// layStrips lays the strips out from the outermost to the innermost, by the areas that
// they all have: the method's equations, with numbers rounded as in rand.Rand.
func layStrips() (all [128]strip, ends [128]edge) {
	density := func(x float64) float64 { return math.Exp(-0.5 * x * x) }
	lay := func(i int, width, within float64) {
		all[i].unit = float64(float32(width / (1 << 31)))
		if bound := uint32(within / width * (1 << 31)); bound > 0 { // |place| < bound is under the density
			all[i].back, all[i].width = bound-1, 2*bound-1
		}
	}
	end := outermost
	lay(0, stripArea/density(end), end) // the base, which has the tail
	for i := len(all) - 1; i > 0; i-- {
		within := 0.0
		if i > 1 {
			within = math.Sqrt(-2 * math.Log(stripArea/end+density(end)))
		}
		lay(i, end, within)
		height := density(end)
		low := float32(height)
		ends[i] = edge{0.5 * end * end, height, low, float32(density(within)) - low}
		end = within
	}
	return all, ends
}

// place returns the draw at the place that a word names, and whether it is under the
// density.
func place(word uint64) (x float64, inside bool) {
	at := &strips[word>>32&0x7f]
	j := int32(word)
	return float64(j) * at.unit, uint32(j)+at.back < at.width
}

// outside returns the draw from a word on, whose state g is and whose place is outside
// the density; and the state after that.
func (g pcg) outside(word uint64) (x float64, after pcg) {
	x, _ = place(word)
	for inside := false; !inside; x, inside = place(word) {
		i := word >> 32 & 0x7f
		if i == 0 {
			x, g = g.tail()
			if int32(word) <= 0 {
				x = -x
			}
			return x, g
		}
		g = g.next()
		if at := &edges[i]; at.under(x, at.density+float32(g.float64())*at.rise) {
			return x, g
		}
		g = g.next()
		word = g.word()
	}
	return x, g
}

// under reports whether a point at height y over a place x of the strip is under the density,
// as float32(math.Exp(-x²/2)) has it. With d = (edge² - x²)/2, which is less than 1, that is
// height times e^d, and
//
//	1 + d + d²/2 + d³/6 <= e^d <= 1 + d + d²/2 + d³/6 + d⁴ e/24
//
// which tells but when y is very near.
func (at *edge) under(x float64, y float32) bool {
	const rounding = 1e-6 // more than that of y and of the density
	d := at.half - 0.5*x*x
	least := at.height * (1 + d*(1+d*(1.0/2+d*(1.0/6))))
	most := least + at.height*(math.E/24)*(d*d)*(d*d)
	switch v := float64(y); {
	case v < least*(1-rounding):
		return true
	case v > most*(1+rounding):
		return false
	}
	return y < float32(math.Exp(-.5*x*x))
}

// tail returns a draw from above outermost (Marsaglia 1964), and the state after it.
func (g pcg) tail() (float64, pcg) {
	for {
		x := -math.Log(g.Float64()) * (1.0 / outermost)
		y := -math.Log(g.Float64())
		if y+y >= x*x {
			return outermost + x, g
		}
	}
}
