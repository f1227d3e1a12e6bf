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
	chances := []float64{-0.1, 0, 0x1p-60, 0.1, 1.0 / 3, 0.5, 0.97, 1 - 0x1p-53, 1, 1.5}
	for n := 0; n < draws; {
		switch pick.IntN(8) {
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
		case 4:
			ones := buffer[:pick.IntN(len(buffer)+1)]
			p := chances[pick.IntN(len(chances))]
			s.Bernoullis(ones, p)
			for i, got := range ones {
				if want := indicator(want.Float64() < p); got != want {
					t.Fatalf("draw %d with probability %g: %g, want %g", i, p, got, want)
				}
			}
		case 5:
			n, p, ones := pick.IntN(30), chances[pick.IntN(len(chances))], 0
			for range n {
				if want.Float64() < p {
					ones++
				}
			}
			if got := s.Binomial(n, p); got != ones {
				t.Fatalf("%d of %d with probability %g, want %d", got, n, p, ones)
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

// Every strip of the ziggurat, at its ends and between them: which places are under the
// density for sure, and what is drawn where they are not.
func TestStripsAreThoseOfTheLibrary(t *testing.T) {
	inside, g := 0.0, NewSource().Load(Stream{Seed: 13}, OutcomePurpose).pcg
	outside, more := 0, 0
	for i, at := range strips {
		bound := (at.width + 1) / 2
		inside += float64(bound) / (1 << 31) / float64(len(strips))
		places := []uint32{0, 1, 2, 12345, bound / 2, bound - 1, bound, bound + 1, 1<<31 - 1, 1 << 31}
		for range 100 { // anywhere
			places = append(places, uint32(g.Uint64()>>33))
		}
		for range 50 { // outside
			places = append(places, bound+uint32(g.Uint64()%uint64(1<<31-bound)))
		}
		for _, j := range places {
			for _, sign := range []uint32{1, math.MaxUint32} {
				word := uint64(i)<<32 | uint64(j*sign)
				library := wordFirst{word: word, rest: g}
				want := rand.New(&library).NormFloat64()
				x, in := place(word)
				if in != (library.asked == 1) || in && x != want {
					t.Errorf("strip %d, place %d: %g, %v; the library takes %d words and has %g", i, int32(j*sign), x, in, library.asked, want)
				}
				if !in {
					x, g = g.outside(word)
				}
				if x != want || g != library.rest {
					t.Errorf("strip %d, place %d: %g, and not after %d words %g, as the library", i, int32(j*sign), x, library.asked, want)
				}
				if !in {
					outside++
				}
				if library.asked > 2 {
					more++
				}
			}
		}
	}
	t.Logf("%d draws outside, %d of them from more than two words", outside, more)
	if outside < 10_000 || more < 5000 {
		t.Error("the slow ways are not tested often")
	}
	// As Marsaglia and Tsang (2000) say of 128 strips.
	if inside < 0.97 || inside > 0.98 {
		t.Errorf("%.4f of all words are under the density", inside)
	}
}

// Whether a point is under the density is what its exponential says: anywhere in every strip,
// and very near the density.
func TestUnderIsTheExponential(t *testing.T) {
	g := NewSource().Load(Stream{Seed: 15}, OutcomePurpose).pcg
	for i := 1; i < len(edges); i++ {
		at := &edges[i]
		if d := at.half - math.Pow(strips[i].unit*(1<<31), 2)/2; math.Abs(d) > 1e-6 {
			t.Fatalf("strip %d ends %g off", i, d)
		}
		for range 2000 {
			x := strips[i].unit * float64(g.Uint64()>>33)
			if bound := strips[i].unit * float64((strips[i].width+1)/2); x < bound {
				x = bound + x*(1-bound/(strips[i].unit*(1<<31)))
			}
			density := float32(math.Exp(-.5 * x * x))
			near := math.Nextafter32(density, 0)
			for _, y := range []float32{at.density + float32(g.Float64())*at.rise, density, near, math.Nextafter32(near, 0), math.Nextafter32(density, 1), density * (1 + 0.9e-6), density * (1 - 0.9e-6), density * (1 + 1.1e-6), density * (1 - 1.1e-6)} {
				if got, want := at.under(x, y), y < density; got != want {
					t.Fatalf("strip %d: %g at %g is under the density: %v", i, y, x, got)
				}
			}
		}
	}
}

// The tail of the density, thousands of draws long.
func TestTailIsThatOfTheLibrary(t *testing.T) {
	const draws = 20_000
	g := NewSource().Load(Stream{Seed: 14}, OutcomePurpose).pcg
	again, bound := 0, (strips[0].width+1)/2
	for n := range draws {
		word := uint64(bound) + g.Uint64()>>33%uint64(1<<31-bound)
		if n%2 == 0 {
			word = uint64(-uint32(word))
		}
		library := wordFirst{word: word, rest: g}
		want := rand.New(&library).NormFloat64()
		got, after := g.outside(word)
		if got != want || after != library.rest || math.Abs(got) < outermost {
			t.Fatalf("draw %d: %g, and not after %d words %g", n, got, library.asked, want)
		}
		if library.asked > 3 {
			again++
		}
		g = after
	}
	if again < draws/20 {
		t.Errorf("%d of %d draws were rejected once", again, draws)
	}
}

// wordFirst is a generator of a word before those of a pcg.
type wordFirst struct {
	word  uint64
	rest  pcg
	asked int
}

func (s *wordFirst) Uint64() uint64 {
	s.asked++
	if s.asked == 1 {
		return s.word
	}
	return s.rest.Uint64()
}

// Below a probability are as many of the uniform draws as their numerators say.
func TestUniformsBelow(t *testing.T) {
	for _, p := range []float64{0, 0x1p-60, 0x1p-53, 0x3p-54, 0.1, 1.0 / 3, 0.5, 1 - 0x1p-53, 1} {
		n := uniformsBelow(p)
		if n > 0 && !(float64(n-1)/(1<<53) < p) || float64(n)/(1<<53) < p {
			t.Errorf("%d uniform draws are below %g", n, p)
		}
	}
}

func TestStepsAreCounted(t *testing.T) {
	g := pcg{3, 4}
	for n := range uint64(1000) {
		if got := (pcg{3, 4}).steps(g); got != n {
			t.Fatalf("%d steps, want %d", got, n)
		}
		if two := g.next().next(); two != g.nextButOne() {
			t.Fatalf("two steps after %x stands %x, not %x", g, two, g.nextButOne())
		}
		g = g.next()
	}
	if got := g.steps(pcg{3, 4}); got < 1<<32 {
		t.Errorf("%d steps back to the start", got)
	}
}
