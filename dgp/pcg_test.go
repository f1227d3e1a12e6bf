package dgp

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	xrand "golang.org/x/exp/rand" //nolint:staticcheck // deprecated, so here only, as the oracle
)

// libraries are the generator of the words that a source's should be, from its state on.
func libraries(t *testing.T, s *Source) *rand.Rand {
	t.Helper()
	var state [16]byte
	binary.BigEndian.PutUint64(state[:8], s.pcg.high)
	binary.BigEndian.PutUint64(state[8:], s.pcg.low)
	g := new(xrand.PCGSource)
	if err := g.UnmarshalBinary(state[:]); err != nil {
		t.Fatal(err)
	}
	return rand.New(g)
}

// All ways to draw give the draws of math/rand/v2 from PCGSource of x/exp, mixed in any order.
func TestSourceIsThatOfTheLibraries(t *testing.T) {
	const draws = 1_000_000
	s := NewSource()
	s.Load(Stream{Seed: 11, Replicate: 5}, OutcomePurpose)
	want := libraries(t, s)
	pick := NewSource().Load(Stream{Seed: 12}, OutcomePurpose)
	var buffer [17]float64
	for n := 0; n < draws; {
		switch pick.IntN(6) {
		case 0:
			if got, want := s.Uint64(), want.Uint64(); got != want {
				t.Fatalf("word %#x, want %#x", got, want)
			}
		case 1:
			if got, want := s.Float64(), want.Float64(); got != want {
				t.Fatalf("uniform %g, want %g", got, want)
			}
		case 2:
			if got, want := s.IntN(7), want.IntN(7); got != want {
				t.Fatalf("integer %d, want %d", got, want)
			}
		case 3:
			if got, want := s.NormFloat64(), want.NormFloat64(); got != want {
				t.Fatalf("normal %g, want %g", got, want)
			}
		default:
			z := buffer[:pick.IntN(len(buffer)+1)]
			s.Normals(z)
			for i, got := range z {
				if want := want.NormFloat64(); got != want {
					t.Fatalf("normal %d of %d: %g, want %g", i, len(z), got, want)
				}
			}
			n += len(z)
		}
	}
}

// Every strip of the ziggurat, at its ends and between them.
func TestStripsAreThoseOfTheLibrary(t *testing.T) {
	inside := 0.0
	for i, at := range strips {
		inside += float64(at.bound) / (1 << 31) / float64(len(strips))
		for _, j := range []uint32{0, 1, 2, 12345, at.bound / 2, at.bound - 1, at.bound, at.bound + 1, 1<<31 - 1, 1 << 31} {
			for _, sign := range []uint32{1, math.MaxUint32} {
				word := uint64(i)<<32 | uint64(j*sign)
				x, in := place(word)
				s := oneWord{word: word}
				want := rand.New(&s).NormFloat64()
				if in != (s.asked == 1) || in && x != want {
					t.Errorf("strip %d, place %d: %g, %v; the library takes %d words and has %g", i, int32(j*sign), x, in, s.asked, want)
				}
			}
		}
	}
	// As Marsaglia and Tsang (2000) say of 128 strips.
	if inside < 0.97 || inside > 0.98 {
		t.Errorf("%.4f of all words are under the density", inside)
	}
}

func TestStepsAreCounted(t *testing.T) {
	g := pcg{3, 4}
	for n := range uint64(1000) {
		if got := (pcg{3, 4}).steps(g); got != n {
			t.Fatalf("%d steps, want %d", got, n)
		}
		if back := g.next().last(); back != g {
			t.Fatalf("before the state after %x stands %x", g, back)
		}
		g = g.next()
	}
	if got := g.steps(pcg{3, 4}); got < 1<<32 {
		t.Errorf("%d steps back to the start", got)
	}
}
