package dgp

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

var purposes = []Purpose{PopulationPurpose, QualityPurpose, AssignmentPurpose, ObservationPurpose, OutcomePurpose, AttritionPurpose, LossPurpose}

// The values of the purposes are part of what a seed means.
func TestPurposesKeepTheirNumbers(t *testing.T) {
	for i, p := range purposes {
		if p != Purpose(i+1) {
			t.Errorf("purpose %d has number %d", i+1, p)
		}
	}
}

// The first words of some streams, so that a change of the generator or of the
// hash cannot go unseen: it would change the results of every study.
func TestStreamsAreFixed(t *testing.T) {
	s := NewSource()
	for _, c := range []struct {
		stream  Stream
		purpose Purpose
		want    [3]uint64
	}{
		{Stream{}, PopulationPurpose, [3]uint64{0x3e6168f4906eaec2, 0x959492b721c85fdc, 0x7700d94ab0a2ddbc}},
		{Stream{15021, 0}, PopulationPurpose, [3]uint64{0xd25cf6e51df97812, 0xdf9cae58a7dee296, 0x28d50a50d0bf21c0}},
		{Stream{15021, 3}, OutcomePurpose, [3]uint64{0xeb30dfbeccf291b5, 0xb940a42939f33ed4, 0xadc459b7213c120e}},
		{Stream{math.MaxUint64, math.MaxUint64}, AttritionPurpose, [3]uint64{0x5bbd3be4b8f8fbbd, 0x5ac2c31f5a633f8a, 0x2e1e756cace6db67}},
	} {
		s.Load(c.stream, c.purpose)
		if got := [3]uint64{s.Uint64(), s.Uint64(), s.Uint64()}; got != c.want {
			t.Errorf("%+v, purpose %d begins %#x", c.stream, c.purpose, got)
		}
	}
}

// A stream does not depend on what was drawn before.
func TestLoadForgets(t *testing.T) {
	s, fresh := NewSource(), NewSource()
	for range 7 {
		s.NormFloat64()
	}
	s.Load(Stream{1, 2}, QualityPurpose)
	fresh.Load(Stream{1, 2}, QualityPurpose)
	for range 1000 {
		if s.Uint64() != fresh.Uint64() {
			t.Fatal("a stream depends on what was drawn before it")
		}
	}
}

func TestStreamsDiffer(t *testing.T) {
	seen := map[[2]uint64]string{}
	s := NewSource()
	numbers := []uint64{0, 1, 2, 3, 1 << 32, 1<<32 + 1, 15021, math.MaxUint64 - 1, math.MaxUint64}
	for _, seed := range numbers {
		for _, rep := range numbers {
			for _, p := range purposes {
				s.Load(Stream{seed, rep}, p)
				name := fmt.Sprint(seed, rep, p)
				first := [2]uint64{s.Uint64(), s.Uint64()}
				if other, taken := seen[first]; taken {
					t.Errorf("streams %s and %s begin alike", other, name)
				}
				seen[first] = name
			}
		}
	}
}

// Neighbouring replicates, seeds and purposes must not be correlated. For
// independent streams each z is standard normal; one of them exceeds the limit
// by chance with probability 1e-5 per check, of which there are 60.
func TestNeighbouringStreamsAreIndependent(t *testing.T) {
	n := 2_500_000
	if testing.Short() {
		n = 100_000
	}
	for name, at := range map[string]func(i int) (Stream, Purpose){
		"replicates":       func(i int) (Stream, Purpose) { return Stream{15021, uint64(i)}, OutcomePurpose },
		"seeds":            func(i int) (Stream, Purpose) { return Stream{uint64(i), 7}, QualityPurpose },
		"distant seeds":    func(i int) (Stream, Purpose) { return Stream{uint64(i) << 32, 0}, PopulationPurpose },
		"round replicates": func(i int) (Stream, Purpose) { return Stream{1, uint64(i) * 1_000_000}, ObservationPurpose },
		"purposes":         func(i int) (Stream, Purpose) { return Stream{3, uint64(i / 6)}, purposes[i%6] },
	} {
		s := NewSource()
		for statistic, z := range neighbours(n, func(i int) rand.Source { s.Load(at(i)); return s }) {
			if math.Abs(z) > neighbourLimit {
				t.Errorf("%s: %s has z = %.1f", name, statistic, z)
			}
		}
	}
}

// The test above has teeth: seeding by arithmetic, both words base+replicate,
// does not pass it.
func TestSeedingByArithmeticIsFound(t *testing.T) {
	if testing.Short() {
		t.Skip("the correlation shows in millions of streams")
	}
	for name, step := range map[string]uint64{"neighbours": 1, "a million apart": 1_000_000} {
		g := new(pcg)
		worst := 0.0
		for _, z := range neighbours(2_500_000, func(i int) rand.Source { *g = pcg{uint64(i) * step, uint64(i) * step}; return g }) {
			worst = max(worst, math.Abs(z))
		}
		if worst < neighbourLimit {
			t.Errorf("%s: the largest |z| is %.1f", name, worst)
		}
	}
}

const neighbourLimit = 4.417173413469020 // Φ⁻¹(1 - 1e-5/2)

// neighbours holds the first four draws of n streams against those of the
// stream before, and counts them in 256 cells: z statistics by name.
func neighbours(n int, stream func(i int) rand.Source) map[string]float64 {
	const draws, cells = 4, 256
	var last, lag, across [draws]float64
	var count [draws][cells]int
	for i := range n {
		s := stream(i)
		var u [draws]float64
		for k := range u {
			word := s.Uint64()
			count[k][word>>56]++
			u[k] = (float64(word>>11)/(1<<53) - 0.5) * math.Sqrt(12) // mean 0, SD 1
		}
		for k := range u {
			lag[k] += u[k] * last[k]
			across[k] += u[k] * last[(k+1)%draws]
		}
		last = u
	}
	z := map[string]float64{}
	for k := range draws {
		z[fmt.Sprintf("correlation of draw %d", k+1)] = lag[k] / math.Sqrt(float64(n-1))
		z[fmt.Sprintf("correlation of draws %d and %d", k+1, (k+1)%draws+1)] = across[k] / math.Sqrt(float64(n-1))
		// χ² with 255 df, whose cube root is nearly normal (Wilson and Hilferty
		// 1931). Too even counts are as suspect as too uneven ones.
		chi, want := 0.0, float64(n)/cells
		for _, c := range count[k] {
			chi += (float64(c) - want) * (float64(c) - want) / want
		}
		v := 2.0 / (9 * (cells - 1))
		z[fmt.Sprintf("cells of draw %d", k+1)] = (math.Cbrt(chi/(cells-1)) - (1 - v)) / math.Sqrt(v)
	}
	return z
}

// Estimators that draw have streams of their own, by name.
func TestEstimatorPurposes(t *testing.T) {
	seen := map[Purpose]string{}
	for _, p := range purposes {
		seen[p] = "a purpose of the data"
	}
	for _, name := range []string{"", "a", "b", "ab", "ba", "aa", "itt", "itt2", "eq3a-total"} {
		p := EstimatorPurpose(name)
		if other, taken := seen[p]; taken {
			t.Errorf("estimator %q has the purpose of %q", name, other)
		}
		seen[p] = name
		if p != EstimatorPurpose(name) {
			t.Errorf("estimator %q has two purposes", name)
		}
	}
}

// splitMix is the published SplitMix64: the first outputs for seed 1234567.
func TestSplitMixIsTheUsualOne(t *testing.T) {
	state := uint64(1234567)
	for _, want := range []uint64{6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821} {
		if got := splitMix(state); got != want {
			t.Errorf("got %d, want %d", got, want)
		}
		state += 0x9e3779b97f4a7c15
	}
}
