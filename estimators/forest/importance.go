package forest

import (
	"math/rand/v2"
	"slices"
)

// Variation is how a variable is made worthless to a tree's prediction of its
// out-of-bag rows.
type Variation uint8

// The variations.
const (
	// Routing sends a row, at every split on the variable, to a child drawn with
	// the children's shares of the in-bag rows (Hapfelmeier, Hothorn, Ulm and
	// Strobl 2012). It is what party's varimp does.
	Routing Variation = iota
	// Permutation permutes the variable's values among the out-of-bag rows
	// (Breiman 2001). It is party's varimp with pre1.0_0 = TRUE.
	Permutation
	// NodePermutation permutes, at every split on the variable, the children
	// among all rows, in bag and out, that reach the node. It is what
	// partykit's varimp does.
	NodePermutation
	variations // their number
)

var variationNames = [variations]string{"routing", "permutation", "node-permutation"}

func (v Variation) String() string { return nameOf(variationNames[:], int(v), "Variation") }

// MarshalText writes the name.
func (v Variation) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads a name; case does not matter.
func (v *Variation) UnmarshalText(text []byte) error {
	i, err := placeOf(variationNames[:], text, "a way to vary a variable")
	*v = Variation(i)
	return err
}

// Names lists the variations.
func (Variation) Names() []string { return variationNames[:] }

// Importance is a permutation importance: how much the mean squared error of a
// tree's out-of-bag rows grows, on average over trees, when the variable is
// varied.
type Importance struct {
	Variation Variation
	// Using averages over the trees that use the variable alone, as partykit
	// does. Else a tree that does not use it counts with 0, as in party.
	Using bool
	// Conditional is 0, or the threshold of the conditional importance of
	// Strobl, Boulesteix, Kneib, Augustin and Zeileis (2008), between 0 and 1:
	// values are permuted within the cells that the tree's cut points make of
	// those variables whose association with this one has 1 - p above it. It
	// goes with Permutation.
	Conditional float64
}

// A top is a node that splits on a variable while no node above it does.
type top struct {
	variable uint16
	from     uint16 // its first place among the tree's out-of-bag rows
	node     int32
}

// A reroute is the scratch of an importance.
type reroute struct {
	above  []int     // by variable: splits on the way to a node
	tops   []top     // of a tree
	using  []int     // by variable: trees that use it
	own    []float64 // by place among the tree's out-of-bag rows: prediction
	values []uint16  // rows from which values are taken
	half   []uint16
	out    []bool // by row: out of the tree's bag
	cells  []cell
	linked []bool // by pair of variables: conditioned on
	stat   []float64
	ranks  []uint16
}

func newReroute(p, rows int) reroute {
	return reroute{
		above: make([]int, p), tops: make([]top, 0, rows), using: make([]int, p), own: make([]float64, rows),
		values: make([]uint16, 0, rows), half: make([]uint16, rows), out: make([]bool, rows), cells: make([]cell, 0, rows),
		linked: make([]bool, p*p), stat: make([]float64, maxLevels*maxLevels+2*maxLevels), ranks: make([]uint16, p),
	}
}

// Importance writes the importance of every variable, in squared units of the
// outcome. It is 0 where no tree uses the variable.
func (f *Forest) Importance(kind Importance, dst []float64, r *rand.Rand) {
	s := &f.reroute
	clear(dst)
	clear(s.using)
	if kind.Conditional > 0 {
		f.link(kind.Conditional)
	}
	for i := range f.trees {
		t := &f.trees[i]
		rows := f.oob[t.oob : t.oob+t.rows]
		s.tops = s.tops[:0]
		s.begin(f, t.root)
		slices.SortFunc(s.tops, func(a, b top) int {
			return (int(a.variable)-int(b.variable))<<16 + int(a.from) - int(b.from)
		})
		s.values = append(s.values[:0], rows...)
		if len(rows) == 0 {
			continue // a bootstrap sample may hold all rows
		}
		for k := 0; k < len(s.tops); {
			variable := s.tops[k].variable
			end := k + 1
			for end < len(s.tops) && s.tops[end].variable == variable {
				end++
			}
			var growth float64
			switch {
			case kind.Variation == NodePermutation:
				growth = s.permuteNodes(f, t, variable, r)
			case kind.Conditional > 0:
				growth = s.permuteCells(f, t, s.tops[k:end], r)
			case kind.Variation == Permutation:
				growth = s.permute(f, t, s.tops[k:end], r)
			default:
				growth = s.route(f, t, s.tops[k:end], r)
			}
			dst[variable] += growth / float64(len(rows))
			s.using[variable]++
			k = end
		}
	}
	for j := range dst {
		n := len(f.trees)
		if kind.Using {
			n = s.using[j]
		}
		if n > 0 {
			dst[j] /= float64(n)
		}
	}
}

// begin walks a tree from a node on: it finds the topmost splits on every
// variable, and the predictions of the out-of-bag rows.
func (s *reroute) begin(f *Forest, at int32) {
	n := f.nodes[at]
	if n.variable == noVariable {
		mean := f.means[at]
		span := f.spans[at]
		own := s.own[span.from:span.to]
		for i := range own {
			own[i] = mean
		}
		return
	}
	if s.above[n.variable] == 0 {
		s.tops = append(s.tops, top{n.variable, f.spans[at].from, at})
	}
	s.above[n.variable]++
	s.begin(f, n.left)
	s.begin(f, n.left+1)
	s.above[n.variable]--
}

// route returns the growth of the squared errors where rows that reach a split
// on the variable go to a random child.
func (s *reroute) route(f *Forest, t *grown, tops []top, r *rand.Rand) (growth float64) {
	p := len(f.variables)
	for _, top := range tops {
		span := f.spans[top.node]
		for place := int(span.from); place < int(span.to); place++ {
			row := int(f.oob[int(t.oob)+place])
			ranks := f.sample.row[row*p : row*p+p]
			at := top.node
			for {
				n := f.nodes[at]
				if n.variable == noVariable {
					break
				}
				if n.variable != top.variable {
					at = n.left + f.right(t, n, ranks[n.variable])
					continue
				}
				left := uint32(f.spans[n.left].n)
				at = n.left
				if r.Uint32N(uint32(f.spans[n.left].n)+uint32(f.spans[n.left+1].n)) >= left {
					at++
				}
			}
			growth += s.growth(f, row, place, at)
		}
	}
	return growth
}

// growth is what a row's squared error grows by where it reaches another leaf.
func (s *reroute) growth(f *Forest, row, place int, leaf int32) float64 {
	y, own, mean := f.sample.y[row], s.own[place], f.means[leaf]
	return (y-mean)*(y-mean) - (y-own)*(y-own)
}

// permute returns the growth of the squared errors where the variable's values
// are permuted among the out-of-bag rows. A row's value is drawn, from those
// not drawn yet, when it is needed: rows that reach no split on the variable
// need none.
func (s *reroute) permute(f *Forest, t *grown, tops []top, r *rand.Rand) (growth float64) {
	rank := f.sample.ranks(int(tops[0].variable))
	drawn := 0
	for _, top := range tops {
		span := f.spans[top.node]
		for place := int(span.from); place < int(span.to); place++ {
			k := drawn + int(r.Uint32N(uint32(len(s.values)-drawn)))
			s.values[drawn], s.values[k] = s.values[k], s.values[drawn]
			row := int(f.oob[int(t.oob)+place])
			growth += s.growth(f, row, place, s.leafWith(f, t, top, row, rank[s.values[drawn]]))
			drawn++
		}
	}
	return growth
}

// leafWith returns the leaf that a row reaches from a node with another rank of
// the node's variable.
func (s *reroute) leafWith(f *Forest, t *grown, top top, row int, rank uint16) int32 {
	p := len(f.variables)
	ranks := f.sample.row[row*p : row*p+p]
	at := top.node
	for {
		n := f.nodes[at]
		if n.variable == noVariable {
			return at
		}
		k := ranks[n.variable]
		if n.variable == top.variable {
			k = rank
		}
		at = n.left + f.right(t, n, k)
	}
}

// permuteNodes returns the growth of the squared errors where the children of
// every split on the variable are permuted among all rows in the node.
func (s *reroute) permuteNodes(f *Forest, t *grown, variable uint16, r *rand.Rand) float64 {
	out := f.oob[t.oob : t.oob+t.rows]
	before := 0.0
	for place, row := range out {
		s.out[row] = true
		e := f.sample.y[row] - s.own[place]
		before += e * e
	}
	s.values = s.values[:0]
	for _, row := range f.train {
		s.values = append(s.values, uint16(row))
	}
	after := s.descend(f, t, variable, t.root, s.values, r)
	for _, row := range out {
		s.out[row] = false
	}
	return after - before
}

// descend returns the squared errors of the out-of-bag rows among those that
// reach a node.
func (s *reroute) descend(f *Forest, t *grown, variable uint16, at int32, rows []uint16, r *rand.Rand) (squares float64) {
	n := f.nodes[at]
	if n.variable == noVariable {
		for _, row := range rows {
			if s.out[row] {
				e := f.sample.y[row] - f.means[at]
				squares += e * e
			}
		}
		return squares
	}
	rank := f.sample.ranks(int(n.variable))
	left, right := 0, 0
	for _, row := range rows {
		if f.right(t, n, rank[row]) == 1 {
			s.half[right] = row
			right++
		} else {
			rows[left] = row
			left++
		}
	}
	copy(rows[left:], s.half[:right])
	if n.variable == variable {
		for i := range left {
			k := i + int(r.Uint32N(uint32(len(rows)-i)))
			rows[i], rows[k] = rows[k], rows[i]
		}
	}
	return s.descend(f, t, variable, n.left, rows[:left], r) + s.descend(f, t, variable, n.left+1, rows[left:], r)
}
