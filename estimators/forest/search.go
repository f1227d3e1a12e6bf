package forest

import (
	"math"
	"math/bits"
	"math/rand/v2"

	"gonum.org/v1/gonum/mathext"
)

// A task is a node to be split: its rows in bag and out, and its depth.
type task struct {
	node           int32
	from, to       uint16
	oobFrom, oobTo uint16
	depth          int
}

// A nodeTest is the test of the input that a node is split by, or of the best
// one where none is significant.
type nodeTest struct {
	variable  int // -1: no input was tested
	statistic float64
	p         float64 // adjusted
}

// A candidate is an input tested in a node.
type candidate struct {
	variable  int
	statistic float64
	degrees   int     // of freedom of the χ²
	p         float64 // not adjusted; not computed where the statistic says as much
}

// A split of a node.
type split struct {
	variable int
	cut      uint16
	levels   uint32 // of an unordered variable: the set that goes left
}

// tally is what the rows of one rank add up to.
type tally struct {
	sum float64
	n   int
}

// A search is the scratch of the splits of nodes.
type search struct {
	keep    bool      // the tests of nodes
	order   []uint16  // the training rows
	bag     []uint16  // the tree's rows, by node
	drawn   []bool    // by place in the training rows
	todo    []task    // stack
	inputs  []int     // in an order that draws leave behind
	limit   []float64 // by number of tests: what a χ² with one degree of freedom must exceed
	limits  Control   // of which limit is
	tested  []candidate
	y       []float64 // of the node's rows, around their mean
	mean    float64
	square  float64 // Σy²
	half    []uint16
	tally   []tally          // by rank; 0 between uses
	level   [maxLevels]tally // by level
	set     []uint64         // bits of ranks that occur
	inverse []float64

	permuted []float64 // of y, for Monte Carlo p-values
	exceed   []int     // by candidate: permutations with at least its statistic
	bridge   *bridge
}

func newSearch(p, rows int) search {
	s := search{
		order: make([]uint16, 0, rows), bag: make([]uint16, rows), drawn: make([]bool, rows), todo: make([]task, 0, 64),
		inputs: make([]int, p), limit: make([]float64, p+1), tested: make([]candidate, 0, p),
		y: make([]float64, rows), half: make([]uint16, rows), tally: make([]tally, rows),
		set: make([]uint64, rows/64+1), inverse: make([]float64, rows+1),
		permuted: make([]float64, rows), exceed: make([]int, p), bridge: newBridge(),
	}
	for k := 1; k <= rows; k++ {
		s.inverse[k] = 1 / float64(k)
	}
	return s
}

// begin takes the forest's rows and control.
func (s *search) begin(f *Forest) {
	s.order = s.order[:0]
	for _, row := range f.train {
		s.order = append(s.order, uint16(row))
	}
	for j := range s.inputs {
		s.inputs[j] = j
	}
	if s.limits != f.control {
		s.limits = f.control
		for k := range s.limit {
			s.limit[k] = f.control.significant(max(k, 1))
		}
	}
}

// split finds the split of a node. It sets mean to that of the outcome.
func (s *search) split(f *Forest, at task, rows []uint16, r *rand.Rand) (split, bool) {
	n := len(rows)
	sum := 0.0
	y := s.y[:n]
	for i, row := range rows {
		v := f.sample.y[row]
		y[i] = v
		sum += v
	}
	s.mean = sum / float64(n)
	if s.keep {
		f.tests[at.node] = nodeTest{variable: -1, p: math.NaN(), statistic: math.NaN()}
	}
	c := &f.control
	if n < c.MinSplit || c.MaxDepth > 0 && at.depth >= c.MaxDepth {
		return split{}, false
	}
	s.square = 0
	for i, v := range y {
		v -= s.mean
		y[i] = v
		s.square += v * v
	}
	s.test(f, rows, r)
	if len(s.tested) == 0 {
		return split{}, false
	}
	k := c.tested(len(f.variables), len(s.tested))
	bucket := c.bucket(n)
	// As party and partykit do, the second best input is tried where the best
	// one cannot be split.
	for try := range min(2, len(s.tested)) {
		best := s.bring(try)
		if s.keep && try == 0 {
			f.tests[at.node] = s.report(best, c, k)
		}
		if !s.significant(best, c, k) {
			break
		}
		found, ok := s.cutpoint(f, best.variable, rows, bucket)
		if ok {
			if s.keep {
				f.tests[at.node] = s.report(best, c, k)
			}
			return found, true
		}
	}
	return split{}, false
}

// bring moves the best candidate of those from a place on to that place. The
// smallest p-value is best, and the largest statistic where they are equal.
func (s *search) bring(place int) *candidate {
	best := place
	for i := place + 1; i < len(s.tested); i++ {
		a, b := &s.tested[i], &s.tested[best]
		if a.p < b.p || a.p == b.p && a.statistic > b.statistic {
			best = i
		}
	}
	s.tested[place], s.tested[best] = s.tested[best], s.tested[place]
	return &s.tested[place]
}

// significant reports whether (1-p)^k exceeds the least criterion.
func (s *search) significant(b *candidate, c *Control, k int) bool {
	if b.degrees == 1 && c.Permutations == 0 {
		return b.statistic > s.limit[k]
	}
	return float64(k)*math.Log1p(-b.p) > math.Log(c.MinCriterion)
}

// report is a test as it is shown: the maximum statistic is a root.
func (s *search) report(b *candidate, c *Control, k int) nodeTest {
	t := nodeTest{variable: b.variable, statistic: b.statistic, p: b.p}
	if b.degrees == 1 && c.Permutations == 0 {
		t.p = survival(b.statistic, 1)
	}
	if k > 1 {
		t.p = -math.Expm1(float64(k) * math.Log1p(-t.p))
	}
	if c.Statistic == Maximum {
		t.statistic = math.Sqrt(t.statistic)
	}
	return t
}

// survival is the probability that a χ² exceeds x.
func survival(x float64, degrees int) float64 {
	if degrees == 1 {
		return math.Erfc(math.Sqrt(x / 2))
	}
	return mathext.GammaIncRegComp(float64(degrees)/2, x/2)
}

// test tests the inputs, or those drawn, that vary in the node. The statistic
// is the quadratic form, or the square of the maximum: where the outcome is
// permuted, the linear statistic Σ g(x)y has expectation 0, since y has mean 0,
// and covariance Σy²/(n-1) times the sum of squares of g(x) around its mean
// (Strasser and Weber 1999).
func (s *search) test(f *Forest, rows []uint16, r *rand.Rand) {
	s.tested = s.tested[:0]
	if !(s.square > 0) {
		return
	}
	p := len(s.inputs)
	drawn := f.control.candidates(p)
	if drawn < p {
		for k := range drawn {
			other := k + int(r.Uint32N(uint32(p-k)))
			s.inputs[k], s.inputs[other] = s.inputs[other], s.inputs[k]
		}
	}
	scale := float64(len(rows)-1) / s.square
	plain := true
	for _, j := range s.inputs[:drawn] {
		if f.unordered && f.variables[j].Scale == Unordered {
			levels := s.tallyLevels(f, j, rows, s.y)
			if levels > 1 {
				statistic, degrees := s.ofLevels(f, j, len(rows), levels)
				s.tested = append(s.tested, candidate{variable: j, statistic: scale * statistic, degrees: degrees})
				plain = plain && degrees == 1
			}
			continue
		}
		column := f.sample.x[j*f.sample.n : (j+1)*f.sample.n]
		squares, cross := moments(column, rows, s.y)
		if squares > 0 {
			s.tested = append(s.tested, candidate{variable: j, statistic: scale * (cross * cross / squares), degrees: 1})
		}
	}
	switch {
	case f.control.Permutations > 0:
		s.resample(f, rows, r)
	case !plain:
		for i := range s.tested {
			t := &s.tested[i]
			if f.control.Statistic == Maximum && t.degrees > 1 {
				s.tallyLevels(f, t.variable, rows, s.y)
				t.p = s.bridge.survival(s.level[:f.variables[t.variable].Levels], len(rows), math.Sqrt(t.statistic))
			} else {
				t.p = survival(t.statistic, t.degrees)
			}
		}
	}
}

// moments returns the sum of squares of a column's rows around their mean, and
// their cross-product with y, which has mean 0. The former is exactly 0 where
// all are equal. Two rows at a time keep both adders busy.
func moments(column []float64, rows []uint16, y []float64) (squares, cross float64) {
	var sum0, sum1, raw0, raw1, cross0, cross1 float64
	y = y[:len(rows)]
	i := 1
	for ; i < len(rows); i += 2 {
		a, b := column[rows[i-1]], column[rows[i]]
		sum0 += a
		sum1 += b
		raw0 += a * a
		raw1 += b * b
		cross0 += a * y[i-1]
		cross1 += b * y[i]
	}
	if i == len(rows) {
		a := column[rows[i-1]]
		sum0 += a
		raw0 += a * a
		cross0 += a * y[i-1]
	}
	sum, raw := sum0+sum1, raw0+raw1
	squares = raw - sum*sum/float64(len(rows))
	if squares > 1e-4*raw {
		return squares, cross0 + cross1
	}
	// The values are close together for their distance from 0: the difference
	// above may be rounding.
	first := column[rows[0]]
	mean := 0.0
	for _, row := range rows {
		mean += column[row] - first
	}
	mean /= float64(len(rows))
	squares, cross = 0, 0
	for i, row := range rows {
		d := column[row] - first - mean
		squares += d * d
		cross += d * y[i]
	}
	return squares, cross
}

// tallyLevels adds up y by level and returns the number of levels that occur.
func (s *search) tallyLevels(f *Forest, variable int, rows []uint16, y []float64) (levels int) {
	tallies := s.level[:f.variables[variable].Levels]
	clear(tallies)
	rank := f.sample.ranks(variable)
	for i, row := range rows {
		t := &tallies[rank[row]]
		t.sum += y[i]
		t.n++
	}
	for i := range tallies {
		if tallies[i].n > 0 {
			levels++
		}
	}
	return levels
}

// ofLevels returns the statistic of an unordered variable from the tallies, up
// to the scale, and the degrees of freedom. The quadratic form is the sum of
// squares between levels; a level's own component is that of its indicator.
func (s *search) ofLevels(f *Forest, variable, n, levels int) (statistic float64, degrees int) {
	for _, t := range s.level[:f.variables[variable].Levels] {
		if t.n == 0 {
			continue
		}
		square := t.sum * t.sum / float64(t.n)
		if f.control.Statistic == Maximum || levels == 2 {
			statistic = max(statistic, square*float64(n)/float64(n-t.n))
		} else {
			statistic += square
		}
	}
	return statistic, levels - 1
}

// cutpoint finds the split of a variable with the largest two-sample statistic,
// the first of equal ones. With S and m the sum of y and the number of rows to
// the left it is S²/m(n-m), up to a factor.
func (s *search) cutpoint(f *Forest, variable int, rows []uint16, bucket int) (split, bool) {
	if f.variables[variable].Scale == Unordered {
		return s.levelSet(f, variable, rows, bucket)
	}
	rank := f.sample.ranks(variable)
	tallies, set := s.tally, s.set
	last := 0
	y := s.y[:len(rows)]
	for i, row := range rows {
		k := rank[row]
		t := &tallies[k]
		t.sum += y[i]
		t.n++
		set[k>>6] |= 1 << (k & 63)
		last = max(last, int(k>>6))
	}
	n := len(rows)
	best, cut := 0.0, -1
	sum, left := 0.0, 0
	for w := 0; w <= last; w++ {
		word := set[w]
		set[w] = 0
		for word != 0 {
			k := w<<6 | bits.TrailingZeros64(word)
			word &= word - 1
			t := &tallies[k]
			sum += t.sum
			left += t.n
			*t = tally{}
			if left < bucket || n-left < bucket {
				continue
			}
			if statistic := sum * sum * (s.inverse[left] * s.inverse[n-left]); statistic > best {
				best, cut = statistic, k
			}
		}
	}
	return split{variable: variable, cut: uint16(cut)}, cut >= 0
}

// levelSet compares all ways to send the levels that occur left and right.
// Levels that do not occur go where most rows go.
func (s *search) levelSet(f *Forest, variable int, rows []uint16, bucket int) (split, bool) {
	s.tallyLevels(f, variable, rows, s.y)
	tallies := s.level[:f.variables[variable].Levels]
	var present [maxLevels]int
	levels := 0
	for k := range tallies {
		if tallies[k].n > 0 {
			present[levels] = k
			levels++
		}
	}
	n := len(rows)
	best, set, most := 0.0, uint32(0), false
	// The first level goes left; else each split would come twice. In the order
	// of Gray's code one level moves at a time.
	sum, right, code := 0.0, 0, uint32(0)
	for i := uint32(1); i < 1<<(levels-1); i++ {
		moved := bits.TrailingZeros32(i) + 1
		t := &tallies[present[moved]]
		code ^= 1 << moved
		if code>>moved&1 == 1 {
			sum, right = sum+t.sum, right+t.n
		} else {
			sum, right = sum-t.sum, right-t.n
		}
		if right < bucket || n-right < bucket {
			continue
		}
		if statistic := sum * sum * (s.inverse[right] * s.inverse[n-right]); statistic > best {
			best, set, most = statistic, code, 2*right <= n
		}
	}
	if best == 0 {
		return split{}, false
	}
	var left uint32
	at := 0
	for k := range tallies {
		if at < levels && present[at] == k {
			left |= (1 &^ (set >> at)) << k
			at++
		} else if most {
			left |= 1 << k
		}
	}
	return split{variable: variable, levels: left}, true
}

// divide moves the rows with ranks up to a cut to the front, keeping the order
// on both sides, and returns their number.
func (s *search) divide(rows, rank []uint16, cut uint16) int {
	half := s.half[:len(rows)]
	left, right := 0, 0
	for _, row := range rows {
		rows[left] = row
		half[right] = row
		goes := int((uint32(cut) - uint32(rank[row])) >> 31)
		right += goes
		left += 1 - goes
	}
	copy(rows[left:], half[:right])
	return left
}

// divideLevels moves the rows with levels of a set to the front.
func (s *search) divideLevels(rows, rank []uint16, levels uint32) int {
	half := s.half[:len(rows)]
	left, right := 0, 0
	for _, row := range rows {
		rows[left] = row
		half[right] = row
		goes := 1 - int(levels>>rank[row]&1)
		right += goes
		left += 1 - goes
	}
	copy(rows[left:], half[:right])
	return left
}
