package forest

import (
	"math/rand/v2"
	"slices"
)

// A cell is the one an out-of-bag row lies in.
type cell struct {
	key   uint64 // hash of the sides of all splits on the conditioning variables
	place uint16 // of the row among the out-of-bag rows
}

// link finds, for every variable, those that its conditional importance is
// given: those whose association with it over the training rows has a p-value
// below 1 - threshold.
func (f *Forest) link(threshold float64) {
	p := len(f.variables)
	for a := range p {
		for b := range a {
			statistic, degrees := f.association(a, b)
			linked := degrees > 0 && 1-survival(statistic, degrees) > threshold
			f.reroute.linked[a*p+b], f.reroute.linked[b*p+a] = linked, linked
		}
	}
}

// association returns the quadratic permutation statistic of two inputs, and
// its degrees of freedom, 0 where one of them does not vary. It is n-1 times
// Pillai's trace, so either may be the outcome: (n-1)r² for two numbers, the
// share between levels for a number and levels, and χ²(n-1)/n for levels.
func (f *Forest) association(a, b int) (statistic float64, degrees int) {
	s := &f.sample
	n := float64(len(f.train))
	if f.variables[a].Scale != Unordered {
		a, b = b, a
	}
	switch {
	case f.variables[a].Scale != Unordered:
		xa, xb := s.x[a*s.n:(a+1)*s.n], s.x[b*s.n:(b+1)*s.n]
		var ma, mb float64
		for _, row := range f.train {
			ma += xa[row]
			mb += xb[row]
		}
		ma, mb = ma/n, mb/n
		var aa, bb, ab float64
		for _, row := range f.train {
			da, db := xa[row]-ma, xb[row]-mb
			aa += da * da
			bb += db * db
			ab += da * db
		}
		if !f.varies(a) || !f.varies(b) {
			return 0, 0
		}
		return (n - 1) * ab * ab / (aa * bb), 1
	case f.variables[b].Scale != Unordered:
		xb, ra := s.x[b*s.n:(b+1)*s.n], s.ranks(a)
		levels := f.variables[a].Levels
		sums, counts := f.reroute.stat[:levels], f.reroute.stat[maxLevels:maxLevels+levels]
		clear(sums)
		clear(counts)
		mean := 0.0
		for _, row := range f.train {
			mean += xb[row]
		}
		mean /= n
		total := 0.0
		for _, row := range f.train {
			d := xb[row] - mean
			sums[ra[row]] += d
			counts[ra[row]]++
			total += d * d
		}
		if !f.varies(b) {
			return 0, 0
		}
		present, between := 0, 0.0
		for k, m := range counts {
			if m > 0 {
				present++
				between += sums[k] * sums[k] / m
			}
		}
		return (n - 1) * between / total, present - 1
	default:
		ra, rb := s.ranks(a), s.ranks(b)
		la, lb := f.variables[a].Levels, f.variables[b].Levels
		marginA, marginB := f.reroute.stat[:la], f.reroute.stat[maxLevels:maxLevels+lb]
		table := f.reroute.stat[2*maxLevels : 2*maxLevels+la*lb]
		clear(marginA)
		clear(marginB)
		clear(table)
		for _, row := range f.train {
			marginA[ra[row]]++
			marginB[rb[row]]++
			table[int(ra[row])*lb+int(rb[row])]++
		}
		presentA, presentB := 0, 0
		for i, m := range marginA {
			if m == 0 {
				continue
			}
			presentA++
			for k, o := range marginB {
				if o > 0 {
					e := m * o / n
					d := table[i*lb+k] - e
					statistic += d * d / e
				}
			}
		}
		for _, o := range marginB {
			if o > 0 {
				presentB++
			}
		}
		return statistic * (n - 1) / n, (presentA - 1) * (presentB - 1)
	}
}

// varies reports whether an input has two values or more in the training rows.
func (f *Forest) varies(variable int) bool {
	rank := f.sample.ranks(variable)
	return slices.ContainsFunc(f.train, func(row int) bool { return rank[row] != rank[f.train[0]] })
}

// permuteCells returns the growth of the squared errors where the variable's
// values are permuted among the out-of-bag rows of the same cell.
func (s *reroute) permuteCells(f *Forest, t *grown, tops []top, r *rand.Rand) (growth float64) {
	variable := int(tops[0].variable)
	p := len(f.variables)
	out := f.oob[t.oob : t.oob+t.rows]
	s.cells = s.cells[:0]
	for place := range out {
		s.cells = append(s.cells, cell{place: uint16(place)})
	}
	for at := t.root; at < t.end; at++ {
		n := f.nodes[at]
		if n.variable == noVariable || !s.linked[variable*p+int(n.variable)] {
			continue
		}
		rank := f.sample.ranks(int(n.variable))
		for i := range s.cells {
			c := &s.cells[i]
			c.key = mix(c.key ^ uint64(1+f.right(t, n, rank[out[c.place]])))
		}
	}
	slices.SortFunc(s.cells, func(a, b cell) int {
		switch {
		case a.key < b.key:
			return -1
		case a.key > b.key:
			return 1
		}
		return int(a.place) - int(b.place)
	})
	s.values = slices.Grow(s.values[:0], len(out))[:len(out)]
	for from := 0; from < len(s.cells); {
		to := from + 1
		for to < len(s.cells) && s.cells[to].key == s.cells[from].key {
			to++
		}
		same := s.cells[from:to]
		for _, c := range same {
			s.values[c.place] = out[c.place]
		}
		for i := len(same) - 1; i > 0; i-- {
			k := int(r.Uint32N(uint32(i + 1)))
			a, b := same[i].place, same[k].place
			s.values[a], s.values[b] = s.values[b], s.values[a]
		}
		from = to
	}
	rank := f.sample.ranks(variable)
	for _, top := range tops {
		span := f.spans[top.node]
		for place := int(span.from); place < int(span.to); place++ {
			row := int(out[place])
			growth += s.growth(f, row, place, s.leafWith(f, t, top, row, rank[s.values[place]]))
		}
	}
	return growth
}

// mix is the finalizer of SplitMix64, a bijection of 64 bits.
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
