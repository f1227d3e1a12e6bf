package forest

import (
	"math"
	"math/rand/v2"
	"slices"
)

// noVariable marks a leaf.
const noVariable = math.MaxUint16

// A node is what routing needs. Both children of a split are neighbours, the
// left one first.
type node struct {
	left     int32
	variable uint16 // noVariable for a leaf
	cut      uint16 // ranks up to it go left; of an unordered variable the place of its levels in Forest.levels
}

// A span is the part of a tree's out-of-bag rows that reach a node, and the
// number of in-bag rows.
type span struct {
	from, to uint16
	n        uint16
}

// A grown tree is a range of the forest's nodes, levels and out-of-bag rows.
type grown struct {
	root, end int32
	levels    int32
	oob, rows int32 // its first out-of-bag row, and their number
}

// A Forest grows trees. It is the scratch of one worker: after the first forest
// of a size, nothing is allocated. Methods that draw take the generator; the
// same generator state gives the same trees, whatever was grown before.
type Forest struct {
	variables []Variable
	unordered bool // one of the variables is
	sample    sample
	control   Control
	train     []int

	// The trees.
	nodes  []node
	means  []float64 // by node, around the mean of the data
	spans  []span
	levels []uint32 // of splits of unordered variables: the set that goes left
	oob    []uint16
	trees  []grown
	tests  []nodeTest // by node, of a single tree

	// By row: the sum and number of out-of-bag predictions.
	oobSum []float64
	oobN   []int32

	search  search
	reroute reroute
	tuning  tuning
}

// New returns a Forest for data sets of at most so many rows.
// ValidateVariables says whether it can.
func New(variables []Variable, rows int) *Forest {
	f := &Forest{variables: slices.Clone(variables)}
	p := len(variables)
	f.sample.y = make([]float64, 0, rows)
	f.sample.x = make([]float64, 0, rows*p)
	f.sample.rank = make([]uint16, 0, rows*p)
	f.sample.row = make([]uint16, 0, rows*p)
	f.sample.centre = make([]float64, p)
	f.sample.values = make([][]float64, p)
	f.sample.order = make([]ranked, 0, rows)
	for j, v := range variables {
		if v.Scale == Unordered {
			f.unordered = true
			continue
		}
		f.sample.values[j] = make([]float64, 0, rows)
	}
	f.train = make([]int, 0, rows)
	f.oobSum = make([]float64, rows)
	f.oobN = make([]int32, rows)
	f.search = newSearch(p, rows)
	f.reroute = newReroute(p, rows)
	return f
}

// Variables returns the inputs.
func (f *Forest) Variables() []Variable { return f.variables }

// Trees returns the number of trees.
func (f *Forest) Trees() int { return len(f.trees) }

// forget drops all trees.
func (f *Forest) forget() {
	f.nodes, f.means, f.spans = f.nodes[:0], f.means[:0], f.spans[:0]
	f.levels, f.oob, f.trees, f.tests = f.levels[:0], f.oob[:0], f.trees[:0], f.tests[:0]
	clear(f.oobSum)
	clear(f.oobN)
}

// Grow replaces the trees by new ones, each grown on a random part of the rows
// of the data set, of which there is at least one. A row that stands in rows
// twice counts twice.
func (f *Forest) Grow(rows []int, c Control, trees int, r *rand.Rand) {
	f.begin(rows, c)
	f.More(trees, r)
}

// More grows further trees, as if the last Grow had been asked for them too.
func (f *Forest) More(trees int, r *rand.Rand) {
	s := &f.search
	n := len(f.train)
	bag := n
	if !f.control.Bootstrap {
		bag = max(1, int(math.Ceil(f.control.Fraction*float64(n))))
	}
	f.reserve(trees, bag, n)
	for range trees {
		if f.control.Bootstrap {
			s.bootstrap(f, r)
		} else {
			// The last places of order are a random subset: the rows out of bag.
			for i := n - 1; i >= bag; i-- {
				k := r.Uint32N(uint32(i + 1))
				s.order[i], s.order[k] = s.order[k], s.order[i]
			}
			f.oob = append(f.oob, s.order[bag:]...)
		}
		f.grow(s.order[:bag], r)
	}
}

// GrowTree replaces the trees by a single one grown on all rows given, with the
// tests of its nodes. The generator is used by Monte Carlo p-values and where
// inputs are drawn.
func (f *Forest) GrowTree(rows []int, c Control, r *rand.Rand) {
	f.begin(rows, c)
	f.reserve(1, len(rows), len(rows))
	f.search.keep = true
	f.grow(f.search.order, r)
	f.search.keep = false
}

// begin drops all trees and takes new training rows.
func (f *Forest) begin(rows []int, c Control) {
	f.forget()
	f.train = append(f.train[:0], rows...)
	f.control = c
	f.search.begin(f)
}

// reserve makes room for trees, so that growing allocates nothing. A leaf has
// at least MinBucket rows.
func (f *Forest) reserve(trees, bag, rows int) {
	leaves := max(1, bag/f.control.MinBucket)
	if d := f.control.MaxDepth; d > 0 && d < 16 {
		leaves = min(leaves, 1<<d)
	}
	nodes := trees * (2*leaves - 1)
	f.nodes = slices.Grow(f.nodes, nodes)
	f.means = slices.Grow(f.means, nodes)
	f.spans = slices.Grow(f.spans, nodes)
	f.trees = slices.Grow(f.trees, trees)
	f.oob = slices.Grow(f.oob, trees*rows)
	if f.unordered {
		f.levels = slices.Grow(f.levels, trees*(leaves-1))
	}
}

// bootstrap draws as many rows as there are with replacement to order, and adds
// the rows not drawn to the out-of-bag rows.
func (s *search) bootstrap(f *Forest, r *rand.Rand) {
	n := len(f.train)
	clear(s.drawn[:n])
	for i := range s.order {
		k := r.Uint32N(uint32(n))
		s.drawn[k] = true
		s.order[i] = uint16(f.train[k])
	}
	for k, drawn := range s.drawn[:n] {
		if !drawn {
			f.oob = append(f.oob, uint16(f.train[k]))
		}
	}
}

// grow grows a tree on the rows of a bag. The rows that the caller added to
// f.oob are out of it.
func (f *Forest) grow(drawn []uint16, r *rand.Rand) {
	t := grown{root: int32(len(f.nodes)), levels: int32(len(f.levels))}
	if k := len(f.trees); k > 0 {
		t.oob = f.trees[k-1].oob + f.trees[k-1].rows
	}
	t.rows = int32(len(f.oob)) - t.oob
	out := f.oob[t.oob:]
	s := &f.search
	bag := s.bag[:copy(s.bag, drawn)]
	f.add(1)
	s.todo = append(s.todo[:0], task{node: t.root, to: uint16(len(bag)), oobTo: uint16(len(out))})
	for len(s.todo) > 0 {
		at := s.todo[len(s.todo)-1]
		s.todo = s.todo[:len(s.todo)-1]
		rows, outside := bag[at.from:at.to], out[at.oobFrom:at.oobTo]
		split, found := s.split(f, at, rows, r)
		f.means[at.node] = s.mean
		f.spans[at.node] = span{at.oobFrom, at.oobTo, uint16(len(rows))}
		if !found {
			f.nodes[at.node].variable = noVariable
			for _, row := range outside {
				f.oobSum[row] += s.mean
				f.oobN[row]++
			}
			continue
		}
		left := f.add(2)
		f.nodes[at.node] = node{left: left, variable: uint16(split.variable), cut: split.cut}
		rank := f.sample.ranks(split.variable)
		var in, oob int
		if f.variables[split.variable].Scale == Unordered {
			f.nodes[at.node].cut = uint16(len(f.levels) - int(t.levels))
			f.levels = append(f.levels, split.levels)
			in, oob = s.divideLevels(rows, rank, split.levels), s.divideLevels(outside, rank, split.levels)
		} else {
			in, oob = s.divide(rows, rank, split.cut), s.divide(outside, rank, split.cut)
		}
		middle, oobMiddle := at.from+uint16(in), at.oobFrom+uint16(oob)
		s.todo = append(s.todo,
			task{left + 1, middle, at.to, oobMiddle, at.oobTo, at.depth + 1},
			task{left, at.from, middle, at.oobFrom, oobMiddle, at.depth + 1})
	}
	t.end = int32(len(f.nodes))
	f.trees = append(f.trees, t)
}

// add makes room for nodes and returns the place of the first.
func (f *Forest) add(nodes int) int32 {
	k := len(f.nodes)
	f.nodes = slices.Grow(f.nodes, nodes)[:k+nodes]
	f.means = slices.Grow(f.means, nodes)[:k+nodes]
	f.spans = slices.Grow(f.spans, nodes)[:k+nodes]
	if f.search.keep {
		f.tests = slices.Grow(f.tests, nodes)[:k+nodes]
	}
	return int32(k)
}

// ranks returns the ranks of a variable by row.
func (s *sample) ranks(variable int) []uint16 { return s.rank[variable*s.n : (variable+1)*s.n] }

// right is 1 where a row with this rank goes right at a split, else 0.
func (f *Forest) right(t *grown, n node, rank uint16) int32 {
	if f.unordered && f.variables[n.variable].Scale == Unordered {
		return 1 - int32(f.levels[t.levels+int32(n.cut)]>>rank&1)
	}
	return int32((uint32(n.cut) - uint32(rank)) >> 31)
}

// leaf returns the leaf that a row with these ranks reaches from a node.
func (f *Forest) leaf(t *grown, at int32, ranks []uint16) int32 {
	for {
		n := f.nodes[at]
		if n.variable == noVariable {
			return at
		}
		at = n.left + f.right(t, n, ranks[n.variable])
	}
}

// predictRanks returns the plain mean over trees of the mean outcome in the
// leaf that ranks reach.
func (f *Forest) predictRanks(ranks []uint16) float64 {
	sum := 0.0
	for i := range f.trees {
		t := &f.trees[i]
		sum += f.means[f.leaf(t, t.root, ranks)]
	}
	return f.sample.mean + sum/float64(len(f.trees))
}

// Predict predicts rows of the loaded data set by all trees. For rows that the
// trees were grown on, OOB is the honest prediction.
func (f *Forest) Predict(rows []int, dst []float64) {
	p := len(f.variables)
	for i, row := range rows {
		dst[i] = f.predictRanks(f.sample.row[row*p : (row+1)*p])
	}
}

// MSE is the mean squared error of predicting rows of the loaded data set, such
// as those that were kept out of training.
func (f *Forest) MSE(rows []int) float64 {
	p := len(f.variables)
	sum := 0.0
	for _, row := range rows {
		e := f.sample.mean + f.sample.y[row] - f.predictRanks(f.sample.row[row*p:(row+1)*p])
		sum += e * e
	}
	return sum / float64(len(rows))
}

// OOB predicts a training row by the trees that were grown without it, as party
// does: the plain mean of their leaf means. It is false where there is none.
func (f *Forest) OOB(row int) (prediction float64, ok bool) {
	if f.oobN[row] == 0 {
		return 0, false
	}
	return f.sample.mean + f.oobSum[row]/float64(f.oobN[row]), true
}

// OOBMSE is the mean squared error of OOB over the rows that have one, NaN
// where none has.
func (f *Forest) OOBMSE() float64 { return f.meanSquare(f.oobSum) }

// meanSquare is the mean squared error of the out-of-bag predictions that add
// up to sum, by row.
func (f *Forest) meanSquare(sum []float64) float64 {
	total, n := 0.0, 0
	for _, row := range f.train {
		if k := f.oobN[row]; k > 0 {
			e := f.sample.y[row] - sum[row]/float64(k)
			total += e * e
			n++
		}
	}
	return total / float64(n)
}
