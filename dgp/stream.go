package dgp

import (
	"math"
	"math/rand/v2"
)

// A Stream names the randomness of one replicate: the same Stream always
// gives the same draws, whatever was drawn before and on whichever worker.
type Stream struct {
	Seed      uint64 // the study's seed
	Replicate uint64 // counted from 0
}

// A Purpose is one use of randomness within a replicate. Each has a stream of
// its own, so that a change in one part of a study leaves the draws of the
// others as they were.
type Purpose uint64

// The purposes. Their values are part of what a seed means: never renumber.
const (
	PopulationPurpose  Purpose = 1 // blocks, schools, classes, children, covariates
	QualityPurpose     Purpose = 2 // true classroom quality under every arm
	AssignmentPurpose  Purpose = 3
	ObservationPurpose Purpose = 4 // ratings of classrooms
	OutcomePurpose     Purpose = 5 // tests
	AttritionPurpose   Purpose = 6
	LossPurpose        Purpose = 7 // who is lost under every arm, where lost units are kept
	LevelPurpose       Purpose = 8 // what the children of a block, school or class have in common, by test
	VariationPurpose   Purpose = 9 // how effects vary between blocks and schools

	DayPurpose   Purpose = 10 // what a day of observation does to a class
	RaterPurpose Purpose = 11 // raters: who codes whom, severity, drift

	CompliancePurpose Purpose = 20 // who receives what
	CoachPurpose      Purpose = 21 // who coaches whom, and how well
	DosagePurpose     Purpose = 22 // how many cycles are delivered
	TurnoverPurpose   Purpose = 23 // teachers who leave, and the quality of who comes
	MobilityPurpose   Purpose = 24 // children who change classes
)

// EstimatorPurpose is the purpose of an estimator that draws, such as a
// bootstrap, by its name.
func EstimatorPurpose(name string) Purpose {
	h := uint64(0x6a09e667f3bcc909)
	for i := range len(name) {
		h = splitMix(h ^ uint64(name[i]))
	}
	return Purpose(h | 1<<63) // no other purpose has this bit
}

// A Source is a random generator for one purpose after the other: a PCG whose
// 128 bits of state are a hash of seed, replicate and purpose. Seeding by
// arithmetic (seed+replicate) would give correlated streams.
//
// It has all that a rand.Rand has. What is drawn most often it has itself, with the
// same bits: a rand.Rand calls its generator through an interface, once for every word.
type Source struct {
	pcg pcg
	*rand.Rand
}

// NewSource returns a source that has no stream yet.
func NewSource() *Source {
	s := new(Source)
	s.Rand = rand.New(&s.pcg)
	return s
}

// Load moves the source to the start of a purpose's stream, and returns it.
func (s *Source) Load(st Stream, p Purpose) *Source {
	h := splitMix(st.Seed + 0x9e3779b97f4a7c15)
	h = splitMix(h ^ splitMix(st.Replicate+0xbf58476d1ce4e5b9))
	h = splitMix(h ^ splitMix(uint64(p)+0x94d049bb133111eb))
	s.pcg = pcg{high: splitMix(h ^ 0xd6e8feb86659fd93), low: splitMix(h ^ 0xa0761d6478bd642f)}
	return s
}

// Uint64 returns 64 random bits.
func (s *Source) Uint64() uint64 { return s.pcg.Uint64() }

// Float64 returns a draw from [0, 1).
func (s *Source) Float64() float64 { return s.pcg.Float64() }

// Bernoullis fills dst with draws that are 1 with probability p, which is where Float64 is
// below p, and else 0.
func (s *Source) Bernoullis(dst []float64, p float64) {
	g, below := s.pcg, uniformsBelow(p)
	for i := 1; i < len(dst); i += 2 { // two at once, as in Normals
		second := g.nextButOne()
		dst[i-1], dst[i] = g.next().bernoulli(below), second.bernoulli(below)
		g = second
	}
	if n := len(dst); n%2 == 1 {
		g = g.next()
		dst[n-1] = g.bernoulli(below)
	}
	s.pcg = g
}

// bernoulli is 1 where the uniform draw of the state is one of the first below, else 0.
func (g pcg) bernoulli(below uint64) float64 {
	// A jump that goes either way at random would be slow: this is a choice of numbers.
	var one uint64
	if g.word()<<11>>11 < below {
		one = oneBits
	}
	return math.Float64frombits(one)
}

const oneBits = 0x3ff0000000000000 // of the number 1

// Binomial returns how many of n such draws are 1.
func (s *Source) Binomial(n int, p float64) (ones int) {
	g, below := s.pcg, uniformsBelow(p)
	for range n {
		g = g.next()
		if g.word()<<11>>11 < below {
			ones++
		}
	}
	s.pcg = g
	return ones
}

// uniformsBelow is how many of the 2^53 uniform draws are below p: the first of them.
func uniformsBelow(p float64) uint64 { return uint64(max(0, math.Ceil(p*(1<<53)))) }

// splitMix is the finalizer of SplitMix64 (Steele, Lea and Flood 2014), a
// bijection of 64 bits in which every input bit reaches every output bit.
func splitMix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
