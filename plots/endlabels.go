package plots

import (
	"cmp"
	"slices"

	"gonum.org/v1/plot/vg"
)

// Names of lines stand at their right ends where they fit there, and in a legend
// where they do not.
const (
	endGap     = vg.Length(3)    // left of a marker at the end of a line, and between it and the name
	mostOfCell = vg.Length(0.26) // of the width of a panel that names may take
)

// endRoom is the room that names at the ends of lines take.
func endRoom(t Theme, names []string) vg.Length {
	return 2*endGap + t.MarkerWidth + widest(t.face(t.TickSize), names...)
}

// placeEnds moves names that would touch apart, in both directions as little as
// may be, and says whether none is moved by more than a line's height and all lie between
// bottom and top.
func placeEnds(t Theme, ends []vg.Length, bottom, top vg.Length) (at []vg.Length, fit bool) {
	gap := 1.15 * t.TickSize
	order := make([]int, len(ends))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(ends[i], ends[j]) })
	// Names that touch form a pile about the mean of their ends (pooling of
	// adjacent violators).
	type pile struct {
		lowest vg.Length // where its first name would like the pile to begin, on average
		names  int
	}
	var piles []pile
	for _, i := range order {
		p := pile{ends[i], 1}
		for n := len(piles); n > 0 && piles[n-1].lowest+gap*vg.Length(piles[n-1].names) > p.lowest; n-- {
			before := piles[n-1]
			total := vg.Length(before.names + p.names)
			p = pile{
				(before.lowest*vg.Length(before.names) + (p.lowest-gap*vg.Length(before.names))*vg.Length(p.names)) / total,
				before.names + p.names,
			}
			piles = piles[:n-1]
		}
		piles = append(piles, p)
	}
	at, fit = make([]vg.Length, len(ends)), true
	k := 0
	for _, p := range piles {
		for j := range p.names {
			i := order[k]
			at[i] = p.lowest + gap*vg.Length(j)
			moved := max(at[i]-ends[i], ends[i]-at[i])
			fit = fit && moved <= t.TickSize && at[i] >= bottom && at[i] <= top
			k++
		}
	}
	return at, fit
}

// paintEnd writes the name of a line with its marker right of x.
func (p pen) paintEnd(look Series, x, y vg.Length, name string) {
	t := p.theme
	x += endGap
	p.marker(look, x+t.MarkerWidth/2, y)
	p.text(t.face(t.TickSize), t.Ink, x+t.MarkerWidth+endGap, y-middle*t.TickSize, alignLeft, name)
}
