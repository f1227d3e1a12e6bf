package estimators

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// A StepDown is an adjustment of the p-values of all tests of one estimator,
// its outcomes by its reported terms, for their number. The draws that give
// each p-value give the joint distribution of all statistics too, so that tests
// that hang together cost less than Bonferroni's share. It controls the
// familywise error rate.
type StepDown uint8

// The adjustments.
const (
	NoStepDown    StepDown = iota
	WestfallYoung          // by randomisation inference (Westfall and Young 1993; Young 2019)
	RomanoWolf             // by the bootstrap (Romano and Wolf 2005, 2016)
	stepDowns
)

var stepDownNames = [stepDowns]string{"none", "westfall-young", "romano-wolf"}

func (a StepDown) String() string {
	if a >= stepDowns {
		return fmt.Sprintf("StepDown(%d)", uint8(a))
	}
	return stepDownNames[a]
}

// MarshalText writes the name.
func (a StepDown) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads a name; case does not matter.
func (a *StepDown) UnmarshalText(text []byte) error {
	for i, name := range stepDownNames {
		if strings.EqualFold(string(text), name) {
			*a = StepDown(i)
			return nil
		}
	}
	return fmt.Errorf("%q is not a step-down adjustment; they are %s", text, strings.Join(stepDownNames[:], ", "))
}

// Names lists the adjustments.
func (StepDown) Names() []string { return stepDownNames[:] }

// tests returns the tests of an estimator to adjust, nil without adjustment.
func (a StepDown) tests(draws, own int) *stepDown {
	if a == NoStepDown {
		return nil
	}
	return &stepDown{draws: draws, own: own, largest: make([]float64, draws)}
}

// A stepDown adjusts the p-values of several tests by their statistics in the
// same draws. Statistics are large where the null is doubtful.
//
// With the tests ordered by their statistics in the data, t(1) >= t(2) >= ...,
// the adjusted p-value of the j-th is the share of draws in which the largest
// statistic of the j-th and all later tests reaches t(j), or that of an
// earlier test if this is larger: the free step-down of Westfall and Young
// (1993, algorithm 4.1), max-T as in Ge, Dudoit and Speed (2003, box 2).
type stepDown struct {
	draws  int  // room for
	own    int  // 1 if the data's own assignment is one more draw, else 0
	ranked bool // each test's statistics have units of their own

	tests   int
	used    int       // draws of this data set
	data    []float64 // by test: the data's own statistic
	drawn   []float64 // by test and draw
	of      []*Estimate
	order   []int
	largest []float64 // by draw
}

// tieTolerance is how far, relative to itself, a statistic may lie below the
// data's own and yet be taken as equal to it: rounding.
const tieTolerance = 1e-10

// reset begins another data set.
func (s *stepDown) reset() { s.tests = 0 }

// add adds the test behind an estimate with its statistic in the data, and
// returns the place of its statistics in n draws, which are the same for all
// tests.
func (s *stepDown) add(e *Estimate, data float64, n int) []float64 {
	t := s.tests
	s.of[t], s.data[t], s.used = e, data, n
	s.tests++
	return s.statistics(t)
}

// statistics returns the drawn statistics of a test.
func (s *stepDown) statistics(t int) []float64 { return s.drawn[t*s.draws:][:s.used] }

// rank replaces statistics by their ranks among the draws of their own test,
// which puts tests in different units on one scale: the max-T of ranks is the
// min-P of Westfall and Young (Ge, Dudoit and Speed 2003, box 4).
func (s *stepDown) rank() {
	sorted := s.largest[:s.used]
	for t := range s.tests {
		drawn := s.statistics(t)
		copy(sorted, drawn)
		slices.Sort(sorted)
		below := func(x float64) float64 {
			n, _ := slices.BinarySearch(sorted, x*(1-tieTolerance))
			return float64(n)
		}
		data := s.data[t] * (1 - tieTolerance)
		for k, x := range drawn {
			rank := below(x)
			if s.own > 0 && data < x*(1-tieTolerance) {
				rank++
			}
			drawn[k] = rank
		}
		s.data[t] = below(s.data[t])
	}
}

// adjust writes the adjusted p-values.
func (s *stepDown) adjust() {
	if s.ranked {
		s.rank()
	}
	order := s.order[:s.tests]
	for i := range order {
		at := i
		for at > 0 && s.data[order[at-1]] < s.data[i] {
			order[at] = order[at-1]
			at--
		}
		order[at] = i
	}
	largest := s.largest[:s.used]
	for k := range largest {
		largest[k] = math.Inf(-1)
	}
	for i := s.tests - 1; i >= 0; i-- {
		t := order[i]
		limit, count := s.data[t]*(1-tieTolerance), s.own
		for k, x := range s.statistics(t) {
			largest[k] = max(largest[k], x)
			if largest[k] >= limit {
				count++
			}
		}
		s.of[t].P = float64(count) / float64(s.used+s.own)
	}
	for i := 1; i < s.tests; i++ {
		p := &s.of[order[i]].P
		*p = max(*p, s.of[order[i-1]].P)
	}
}

// squaredT returns a square over its variance. In a draw that has none to
// speak of, nothing is more extreme.
func squaredT(square, variance float64) float64 {
	if t := square / variance; variance > 0 && !math.IsNaN(t) {
		return t
	}
	return math.Inf(1)
}

// A stepping adjusts the p-values of a fitter whose tests join a step-down.
type stepping struct {
	Fitter
	tests *stepDown
}

func newStepping(f Fitter, tests *stepDown, by StepDown) *stepping {
	rows := f.Rows()
	for i := range rows {
		rows[i].Adjustment = by
	}
	n := len(rows)
	tests.data, tests.drawn = make([]float64, n), make([]float64, n*tests.draws)
	tests.of, tests.order = make([]*Estimate, n), make([]int, n)
	return &stepping{f, tests}
}

// Fit fits, then adjusts.
func (f *stepping) Fit(s *Setup, out []Estimate) {
	f.tests.reset()
	f.Fitter.Fit(s, out)
	f.tests.adjust()
}
