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

// flow places the entries in lines no wider than width, where one alone is not.
func (l legend) flow(t Theme, width vg.Length) [][]legendEntry {
	face := t.face(t.LegendSize)
	var lines [][]legendEntry
	used := width + 1 // forces the first line
	for _, entry := range l {
		w := entry.width + sampleGap + face.Width(entry.label)
		if used+entryGap+w > width {
			lines = append(lines, nil)
			used = -entryGap
		}
		lines[len(lines)-1] = append(lines[len(lines)-1], entry)
		used += entryGap + w
	}
	return lines
}

// height returns the room the legend takes, with a gap below.
func (l legend) height(t Theme, width vg.Length) vg.Length {
	if len(l) == 0 {
		return 0
	}
	return vg.Length(len(l.flow(t, width)))*1.5*t.LegendSize + 0.6*t.LegendSize
}

// paint draws the legend with its top left corner at x, top.
func (l legend) paint(p pen, x, top, width vg.Length) {
	face := p.theme.face(p.theme.LegendSize)
	for i, line := range l.flow(p.theme, width) {
		y := top - (vg.Length(i)+0.5)*1.5*face.Font.Size
		left := x
		for _, entry := range line {
			entry.sample(p, vg.Rectangle{
				Min: vg.Point{X: left, Y: y - 0.5*face.Font.Size},
				Max: vg.Point{X: left + entry.width, Y: y + 0.5*face.Font.Size},
			})
			left += entry.width + sampleGap
			p.text(face, p.theme.Ink, left, y-middle*face.Font.Size, alignLeft, entry.label)
			left += face.Width(entry.label) + entryGap
		}
	}
}

// intervalEntry explains a marker with its bar.
func intervalEntry(label string, look Series) legendEntry {
	return legendEntry{label, sampleWidth, func(p pen, box vg.Rectangle) {
		p.interval(look, (box.Min.X+box.Max.X)/2, box.Min.X, box.Max.X, (box.Min.Y+box.Max.Y)/2)
	}}
}
