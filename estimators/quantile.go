package estimators

import (
	"math"
	"slices"
)

// A selector finds percentiles without sorting: it counts values in bins, and
// sorts only the bins that hold a wanted rank.
type selector struct {
	below  []int    // by bin: the number of values in bins below it
	first  []int    // by bin that is wanted: place in near of its least value; else -1
	bin    []uint16 // by value
	wanted []int    // bins that are wanted
	near   []float64
}

// selectorBins is the most bins that values are counted in: there are no more than
// values, so that few values are not lost in empty bins.
const selectorBins = 512

func newSelector(most int) *selector {
	return &selector{below: make([]int, selectorBins+1), first: make([]int, selectorBins), bin: make([]uint16, most), wanted: make([]int, 0, selectorBins), near: make([]float64, 0, most)}
}

// percentiles fills dst with the percentiles of x, by linear interpolation
// between order statistics (R's default, type 7): rank 1 + (n-1)p/100. dst is
// NaN when x is empty or not finite.
func (s *selector) percentiles(dst, percent, x []float64) {
	n := len(x)
	if n == 0 {
		for i := range dst {
			dst[i] = math.NaN()
		}
		return
	}
	lo, hi := extremes(x)
	if math.IsNaN(hi-lo) || math.IsInf(lo, 0) || math.IsInf(hi, 0) {
		for i := range dst {
			dst[i] = math.NaN()
		}
		return
	}
	if hi == lo {
		for i := range dst {
			dst[i] = lo
		}
		return
	}
	bins := min(n, selectorBins)
	scale := float64(bins-1) / (hi - lo)
	if scale == 0 || math.IsInf(scale, 0) {
		s.sort(dst, percent, x)
		return
	}
	below, bin := s.below[:bins+1], s.bin[:n]
	clear(below)
	for i, v := range x {
		b := uint16((v - lo) * scale)
		bin[i] = b
		below[b+1]++
	}
	for b := range bins {
		below[b+1] += below[b]
		s.first[b] = -1
	}
	s.wanted = s.wanted[:0]
	for _, p := range percent {
		low, _ := rank(n, p)
		s.want(below, low)
		s.want(below, min(low+1, n-1))
	}
	slices.Sort(s.wanted)
	size := 0
	for _, b := range s.wanted {
		s.first[b] = size
		size += below[b+1] - below[b]
	}
	// Values of a wanted bin go to its part of near, first is where the next one goes.
	s.near = s.near[:size]
	for i, b := range bin {
		if at := s.first[b]; at >= 0 {
			s.near[at] = x[i]
			s.first[b]++
		}
	}
	for _, b := range s.wanted {
		s.first[b] -= below[b+1] - below[b]
		slices.Sort(s.near[s.first[b]:][:below[b+1]-below[b]])
	}
	for i, p := range percent {
		low, part := rank(n, p)
		a, b := s.at(below, low), s.at(below, min(low+1, n-1))
		dst[i] = a + part*(b-a)
	}
}

// extremes returns the least and the largest number of x, or NaN where one is. Almost no
// number of a long column is a new extreme, so that the branches are foreseen.
func extremes(x []float64) (lo, hi float64) {
	lo, hi = x[0], x[0]
	for _, v := range x {
		if !(v >= lo) {
			if math.IsNaN(v) {
				return v, v
			}
			lo = v
		}
		if v > hi {
			hi = v
		}
	}
	return lo, hi
}

// sort fills dst where the range of x is too wide or too narrow for bins.
func (s *selector) sort(dst, percent, x []float64) {
	s.near = append(s.near[:0], x...)
	slices.Sort(s.near)
	for i, p := range percent {
		low, part := rank(len(x), p)
		a, b := s.near[low], s.near[min(low+1, len(x)-1)]
		dst[i] = (1-part)*a + part*b
	}
}

// rank splits (n-1)p/100 into the lower rank, from 0, and the part between.
func rank(n int, percent float64) (low int, part float64) {
	at := float64(n-1) * percent / 100
	low = int(at)
	return low, at - float64(low)
}

// binOf returns the bin that holds rank k.
func binOf(below []int, k int) int {
	b, _ := slices.BinarySearch(below, k+1) // the first with more than k values before it
	return b - 1
}

// want marks the bin that holds rank k.
func (s *selector) want(below []int, k int) {
	b := binOf(below, k)
	if s.first[b] < 0 {
		s.first[b] = 0
		s.wanted = append(s.wanted, b)
	}
}

// at returns the value of rank k, whose bin is wanted.
func (s *selector) at(below []int, k int) float64 {
	b := binOf(below, k)
	return s.near[s.first[b]+k-below[b]]
}
