package plots

import "gonum.org/v1/plot/vg"

// A legend explains marks in one or more lines above the panels, never over data.
type legend []legendEntry

type legendEntry struct {
	label string
	width vg.Length // of the sample
	// sample draws the mark in a box of that width, about one type size high.
	sample func(p pen, box vg.Rectangle)
}

const (
	sampleWidth = vg.Length(20) // of a marker with its bar
	sampleGap   = vg.Length(4)  // between a sample and its label
	entryGap    = vg.Length(14) // between entries
)

// A placedEntry is an entry with its label broken into lines that fit.
type placedEntry struct {
	legendEntry
	lines []string
	left  vg.Length // of the sample
}

// flow places the entries in rows no wider than width.
func (l legend) flow(t Theme, width vg.Length) [][]placedEntry {
	face := t.face(t.LegendSize)
	var rows [][]placedEntry
	used := width + 1 // forces the first row
	for _, entry := range l {
		lines := wrap(face, entry.label, width-entry.width-sampleGap)
		w := entry.width + sampleGap + widest(face, lines...)
		if used+entryGap+w > width {
			rows = append(rows, nil)
			used = -entryGap
		}
		last := &rows[len(rows)-1]
		*last = append(*last, placedEntry{entry, lines, used + entryGap})
		used += entryGap + w
	}
	return rows
}

// rowHeight is the height of a row of entries.
func (l legend) rowHeight(t Theme, row []placedEntry) vg.Length {
	most := 1
	for _, entry := range row {
		most = max(most, len(entry.lines))
	}
	return (1.5 + leading*vg.Length(most-1)) * t.LegendSize
}

// height returns the room the legend takes, with a gap below.
func (l legend) height(t Theme, width vg.Length) vg.Length {
	if len(l) == 0 {
		return 0
	}
	h := 0.6 * t.LegendSize
	for _, row := range l.flow(t, width) {
		h += l.rowHeight(t, row)
	}
	return h
}

// paint draws the legend with its top left corner at x, top.
func (l legend) paint(p pen, x, top, width vg.Length) {
	face := p.theme.face(p.theme.LegendSize)
	for _, row := range l.flow(p.theme, width) {
		y := top - 0.75*face.Font.Size // the middle of the first line
		for _, entry := range row {
			left := x + entry.left
			entry.sample(p, vg.Rectangle{
				Min: vg.Point{X: left, Y: y - 0.5*face.Font.Size},
				Max: vg.Point{X: left + entry.width, Y: y + 0.5*face.Font.Size},
			})
			for i, line := range entry.lines {
				p.text(face, p.theme.Ink, left+entry.width+sampleGap, y-(middle+leading*vg.Length(i))*face.Font.Size, alignLeft, line)
			}
		}
		top -= l.rowHeight(p.theme, row)
	}
}

// intervalEntry explains a marker with its bar.
func intervalEntry(label string, look Series) legendEntry {
	return legendEntry{label, sampleWidth, func(p pen, box vg.Rectangle) {
		p.interval(look, (box.Min.X+box.Max.X)/2, box.Min.X, box.Max.X, (box.Min.Y+box.Max.Y)/2)
	}}
}
