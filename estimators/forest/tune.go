package forest

import (
	"math/rand/v2"
	"slices"
)

// A Grid is what Tune compares: every combination of the values.
type Grid struct {
	MinCriterion []float64
	Trees        []int // ascending
	MinSplit     []int
}

// Points is the number of combinations.
func (g Grid) Points() int { return len(g.MinCriterion) * len(g.Trees) * len(g.MinSplit) }

// At returns the values of a point: the number of trees varies fastest, then
// the rows that a node needs to be split.
func (g Grid) At(point int) (minCriterion float64, trees, minSplit int) {
	trees = g.Trees[point%len(g.Trees)]
	point /= len(g.Trees)
	return g.MinCriterion[point/len(g.MinSplit)], trees, g.MinSplit[point%len(g.MinSplit)]
}

// Tune writes the out-of-bag mean squared error of a forest at every point of
// the grid, and returns the point where it is smallest, the first of equal ones.
//
// One forest is grown, by the laxest values. A tree that stops earlier is that
// tree with some splits cut off, because what happens in a node does not depend
// on whether others are split; and a forest contains smaller ones. So all points
// are compared on the same draws.
func (f *Forest) Tune(rows []int, g Grid, c Control, dst []float64, r *rand.Rand) (best int) {
	s := &f.tuning
	n := f.sample.n
	stops := len(g.MinCriterion) * len(g.MinSplit)
	s.sum = slices.Grow(s.sum[:0], stops*n)[:stops*n]
	clear(s.sum)
	c.MinCriterion, c.MinSplit = slices.Min(g.MinCriterion), slices.Min(g.MinSplit)
	f.begin(rows, c)
	f.search.keep = true
	defer func() { f.search.keep = false }()
	for i, trees := range g.Trees {
		from := len(f.trees)
		f.More(trees-from, r)
		for k := from; k < len(f.trees); k++ {
			f.prune(&f.trees[k], g)
		}
		for stop := range stops {
			dst[stop*len(g.Trees)+i] = f.meanSquare(s.sum[stop*n : (stop+1)*n])
		}
	}
	for point, mse := range dst {
		if mse < dst[best] {
			best = point
		}
	}
	return best
}

// tuning is the scratch of Tune.
type tuning struct {
	sum []float64 // by criterion, least rows and row: out-of-bag predictions
}

// prune adds a tree's out-of-bag predictions, cut off by each of the grid's
// rules.
func (f *Forest) prune(t *grown, g Grid) {
	n := f.sample.n
	for a, criterion := range g.MinCriterion {
		for b, rows := range g.MinSplit {
			at := (a*len(g.MinSplit) + b) * n
			f.pruneNode(t, t.root, criterion, rows, f.tuning.sum[at:at+n])
		}
	}
}

func (f *Forest) pruneNode(t *grown, at int32, criterion float64, rows int, sum []float64) {
	n, span := f.nodes[at], f.spans[at]
	if n.variable == noVariable || int(span.n) < rows || !(1-f.tests[at].p > criterion) {
		for _, row := range f.oob[int(t.oob)+int(span.from) : int(t.oob)+int(span.to)] {
			sum[row] += f.means[at]
		}
		return
	}
	f.pruneNode(t, n.left, criterion, rows, sum)
	f.pruneNode(t, n.left+1, criterion, rows, sum)
}
