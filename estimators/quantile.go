package estimators

import (
	"math"
	"slices"
)

// A selector finds percentiles without sorting: it counts values in bins, and
// sorts only the bins that hold a wanted rank.
type selector struct {
	count  []int
	wanted []bool
	near   []float64
}

const selectorBins = 2048

func newSelector(most int) *selector {
	return &selector{count: make([]int, selectorBins), wanted: make([]bool, selectorBins), near: make([]float64, 0, most)}
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
	lo, hi := x[0], x[0]
	for _, v := range x {
		lo, hi = min(lo, v), max(hi, v)
	}
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
	scale := (selectorBins - 1) / (hi - lo)
	if scale == 0 || math.IsInf(scale, 0) {
		s.sort(dst, percent, x)
		return
	}
	clear(s.count)
	clear(s.wanted)
	for _, v := range x {
		s.count[int((v-lo)*scale)]++
	}
	for _, p := range percent {
		low, _ := rank(n, p)
		s.want(low)
		s.want(min(low+1, n-1))
	}
	s.near = s.near[:0]
	for _, v := range x {
		if s.wanted[int((v-lo)*scale)] {
			s.near = append(s.near, v)
		}
	}
	slices.Sort(s.near)
	for i, p := range percent {
		low, part := rank(n, p)
		a, b := s.at(low), s.at(min(low+1, n-1))
		dst[i] = a + part*(b-a)
	}
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

// want marks the bin that holds rank k.
func (s *selector) want(k int) {
	seen := 0
	for bin, n := range s.count {
		seen += n
		if k < seen {
			s.wanted[bin] = true
			return
		}
	}
}

// at returns the value of rank k, whose bin is wanted.
func (s *selector) at(k int) float64 {
	seen, skipped := 0, 0
	for bin, n := range s.count {
		if s.wanted[bin] && k < seen+n {
			break
		}
		if !s.wanted[bin] {
			skipped += n
		}
		seen += n
	}
	return s.near[k-skipped]
}
