package forest

import (
	"math/bits"
	"slices"
)

// A Node is a node of a tree, to be shown. Nodes stand in the order of a walk
// that goes left first, so the root is the first.
type Node struct {
	Variable    int     // that it splits on, or -1 for a leaf
	Cut         float64 // values up to it go left; of numeric and ordered variables
	Levels      []int   // that go left; of an unordered variable, whatever levels occur in the node
	Left, Right int     // places of the children
	Depth       int     // of the root: 0
	N           int     // rows in bag
	Mean        float64 // of the outcome

	// Of a tree grown by GrowTree: the test of the variable, or where the node
	// is a leaf of the best one. Tested is -1 where no input was tested: the
	// node is small or deep, or nothing in it varies.
	Tested    int
	Statistic float64
	P         float64 // adjusted for the number of inputs
}

// GoesLeft reports whether a value of the variable that the node splits on, of an
// unordered one a level that occurs in it, goes left.
func (n *Node) GoesLeft(value float64) bool {
	if n.Levels != nil {
		return slices.Contains(n.Levels, int(value))
	}
	return value <= n.Cut
}

// Tree returns the nodes of a tree. It allocates.
func (f *Forest) Tree(tree int) []Node {
	t := &f.trees[tree]
	var nodes []Node
	var walk func(at int32, depth int) int
	walk = func(at int32, depth int) int {
		n := f.nodes[at]
		place := len(nodes)
		shown := Node{Variable: -1, Depth: depth, N: int(f.spans[at].n), Mean: f.sample.mean + f.means[at], Tested: -1}
		if len(f.tests) > 0 {
			test := f.tests[at]
			shown.Tested, shown.Statistic, shown.P = test.variable, test.statistic, test.p
		}
		nodes = append(nodes, shown)
		if n.variable == noVariable {
			return place
		}
		variable := int(n.variable)
		if f.variables[variable].Scale == Unordered {
			for set := f.levels[t.levels+int32(n.cut)]; set != 0; set &= set - 1 {
				nodes[place].Levels = append(nodes[place].Levels, bits.TrailingZeros32(set))
			}
		} else {
			nodes[place].Cut = f.sample.values[variable][n.cut]
		}
		left := walk(n.left, depth+1)
		right := walk(n.left+1, depth+1)
		nodes[place].Variable, nodes[place].Left, nodes[place].Right = variable, left, right
		return place
	}
	walk(t.root, 0)
	return nodes
}

// Shape describes a tree: its leaves, the most splits on the way to one, and by
// variable whether the tree splits on it, which is written to used.
func (f *Forest) Shape(tree int, used []bool) (leaves, depth int) {
	t := &f.trees[tree]
	clear(used)
	return f.shape(t.root, used)
}

func (f *Forest) shape(at int32, used []bool) (leaves, depth int) {
	n := f.nodes[at]
	if n.variable == noVariable {
		return 1, 0
	}
	used[n.variable] = true
	left, down := f.shape(n.left, used)
	right, other := f.shape(n.left+1, used)
	return left + right, 1 + max(down, other)
}

// PredictValues predicts a case that need not be in the data: the values of its
// variables.
func (f *Forest) PredictValues(values []float64) float64 {
	ranks := f.reroute.ranks
	for j, v := range values {
		ranks[j] = f.rankOf(j, v)
	}
	return f.predictRanks(ranks)
}

// rankOf returns the rank of any value: the first distinct value of the data
// that is not smaller, so that it goes where its value sends it.
func (f *Forest) rankOf(variable int, value float64) uint16 {
	if f.variables[variable].Scale == Unordered {
		return uint16(value)
	}
	rank, _ := slices.BinarySearch(f.sample.values[variable], value)
	return uint16(rank)
}

// PartialDependence writes, for every value of a variable, the mean prediction
// of the training rows if all had that value (Friedman 2001).
func (f *Forest) PartialDependence(variable int, values, dst []float64) {
	p := len(f.variables)
	ranks := f.reroute.ranks
	for i, v := range values {
		rank := f.rankOf(variable, v)
		sum := 0.0
		for _, row := range f.train {
			copy(ranks, f.sample.row[row*p:(row+1)*p])
			ranks[variable] = rank
			sum += f.predictRanks(ranks)
		}
		dst[i] = sum / float64(len(f.train))
	}
}
