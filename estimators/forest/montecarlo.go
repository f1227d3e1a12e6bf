package forest

import "math/rand/v2"

// resample sets the p-values of the tests to those of random permutations of
// the outcome in the node, the same ones for every input: (1 + those with at
// least the statistic) / (1 + permutations).
func (s *search) resample(f *Forest, rows []uint16, r *rand.Rand) {
	n := len(rows)
	y := s.permuted[:n]
	copy(y, s.y[:n])
	clear(s.exceed[:len(s.tested)])
	scale := float64(n-1) / s.square
	for range f.control.Permutations {
		for i := n - 1; i > 0; i-- {
			k := r.Uint32N(uint32(i + 1))
			y[i], y[k] = y[k], y[i]
		}
		for i := range s.tested {
			t := &s.tested[i]
			var statistic float64
			if f.variables[t.variable].Scale == Unordered {
				levels := s.tallyLevels(f, t.variable, rows, y)
				statistic, _ = s.ofLevels(f, t.variable, n, levels)
			} else {
				column := f.sample.x[t.variable*f.sample.n : (t.variable+1)*f.sample.n]
				squares, cross := moments(column, rows, y)
				statistic = cross * cross / squares
			}
			// A permutation that changes nothing counts, whatever the order of
			// its sums.
			if scale*statistic >= t.statistic*(1-1e-10) {
				s.exceed[i]++
			}
		}
	}
	for i := range s.tested {
		s.tested[i].p = float64(1+s.exceed[i]) / float64(1+f.control.Permutations)
	}
}
