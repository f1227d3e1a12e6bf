package plots

import (
	"fmt"
	"image/color"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"coachsim/sim"
)

// A rowChart is a chart with one labelled row an estimate: a forest or dot
// plot. Panels stand under each other in one or more columns; the panels of a
// column share their margins, each panel has its own scale.
type rowChart struct {
	width   vg.Length
	pitch   vg.Length // height of a row with a label of one line
	legend  legend
	columns [][]rowPanel
	xlabel  string // below the last panel of each column
}

type rowPanel struct {
	title  string
	domain span     // what the axis must cover
	heads  []string // above the cells
	guides []guide
	rows   []chartRow
}

// A guide is a vertical reference line, labelled above the panel.
type guide struct {
	at     float64
	label  string
	dashes []vg.Length
}

type chartRow struct {
	group string // stands left of the labels, at the first row of a group
	label string
	band  bool // stands on a grey band
	marks []rowMark
	cells []string // numbers at the right, one under each head
}

// A rowMark is a marker with a bar; a value that is not finite is not drawn.
type rowMark struct {
	look Series
	sim.Simulated
	rise vg.Length // above the middle of the row
}

const (
	columnGap   = vg.Length(14) // between columns of panels
	cellGap     = vg.Length(9)  // left of labels' data and of each column of cells
	panelGap    = vg.Length(9)  // between panels of a column
	edge        = vg.Length(2)  // keeps ink off the edge of the paper
	tickLength  = vg.Length(2.5)
	minDataRoom = 24 * vg.Millimeter
)

// columnLayout holds the horizontal measures that the panels of a column share.
type columnLayout struct {
	labels []wrappedLabels // of each panel
	group  vg.Length       // width of the group names, with a gap
	label  vg.Length       // width of the row labels
	cells  []vg.Length     // width of each column of cells
	data   vg.Length       // width of the data
	// cramped says that labels and data do not both fit beside the cells.
	cramped bool
}

// wrappedLabels are the lines of the label of each row.
type wrappedLabels [][]string

func (c rowChart) drawing(t Theme) (Drawing, error) {
	inside := c.width - 2*edge
	n := vg.Length(len(c.columns))
	columnWidth := (inside - (n-1)*columnGap) / n
	columns := make([][]rowPanel, len(c.columns))
	layouts := make([]columnLayout, len(c.columns))
	var tallest vg.Length
	for i, panels := range c.columns {
		layout := newColumnLayout(t, panels, columnWidth)
		for layout.cramped && len(layout.cells) > 0 {
			panels = withoutFirstCell(panels)
			layout = newColumnLayout(t, panels, columnWidth)
		}
		if layout.cramped {
			return Drawing{}, fmt.Errorf("plots: row labels do not fit into a figure of %.0f mm", c.width/vg.Millimeter)
		}
		columns[i], layouts[i] = panels, layout
		h := vg.Length(len(panels)-1) * panelGap
		for j, panel := range panels {
			h += panelHeight(t, panel, layout.labels[j], c.pitch)
		}
		tallest = max(tallest, h)
	}
	legendHeight := c.legend.height(t, inside)
	height := 2*edge + legendHeight + tallest + 1.6*t.LabelSize
	paint := func(canvas draw.Canvas) {
		p := pen{Canvas: canvas, theme: t}
		top := canvas.Max.Y - edge
		c.legend.paint(p, canvas.Min.X+edge, top, inside)
		for i, panels := range columns {
			left := canvas.Min.X + edge + vg.Length(i)*(columnWidth+columnGap)
			y := top - legendHeight
			for j, panel := range panels {
				c.paintPanel(p, panel, layouts[i], layouts[i].labels[j], left, y)
				y -= panelHeight(t, panel, layouts[i].labels[j], c.pitch) + panelGap
			}
			face := t.face(t.LabelSize)
			room := columnWidth - layouts[i].data
			for k := range layouts[i].cells {
				room -= layouts[i].cells[k] + cellGap
			}
			centre := left + room + layouts[i].data/2
			// A label wider than the data moves inwards rather than off the column.
			half := face.Width(c.xlabel) / 2
			centre = max(left+half, min(centre, left+columnWidth-half))
			p.text(face, t.Ink, centre, y+panelGap-1.25*t.LabelSize, alignCentre, c.xlabel)
		}
	}
	return Drawing{Width: c.width, Height: height, Paint: paint}, nil
}

// newColumnLayout divides width between labels, data and cells. Labels that do
// not fit are broken into lines, never cut.
func newColumnLayout(t Theme, panels []rowPanel, width vg.Length) columnLayout {
	face := t.face(t.TickSize)
	var l columnLayout
	for _, panel := range panels {
		for len(l.cells) < len(panel.heads) {
			l.cells = append(l.cells, 0)
		}
		for i, head := range panel.heads {
			l.cells[i] = max(l.cells[i], face.Width(head))
			for _, row := range panel.rows {
				l.cells[i] = max(l.cells[i], face.Width(row.cells[i]))
			}
		}
	}
	for _, panel := range panels {
		for _, row := range panel.rows {
			if row.group != "" {
				l.group = max(l.group, face.Width(row.group)+0.6*face.Font.Size)
			}
		}
	}
	rest := width - l.group - cellGap
	for _, w := range l.cells {
		rest -= w + cellGap
	}
	room := rest - max(minDataRoom, 0.3*width)
	// Labels broken into many short lines read worse than a missing cell.
	least := 8 * face.Font.Size
	if len(l.cells) > 0 {
		var longest vg.Length
		for _, panel := range panels {
			for _, row := range panel.rows {
				longest = max(longest, face.Width(row.label))
			}
		}
		least = max(least, min(longest, 0.35*width))
	}
	if room < least {
		l.cramped = true
		return l
	}
	for _, panel := range panels {
		wrapped := make(wrappedLabels, len(panel.rows))
		for i, row := range panel.rows {
			wrapped[i] = wrap(face, row.label, room)
			l.label = max(l.label, widest(face, wrapped[i]...))
		}
		l.labels = append(l.labels, wrapped)
	}
	l.data = rest - l.label
	return l
}

// withoutFirstCell returns panels that lack the first column of cells. A narrow
// figure shows fewer numbers; the data twin still has them all.
func withoutFirstCell(panels []rowPanel) []rowPanel {
	out := slices.Clone(panels)
	for i := range out {
		if len(out[i].heads) == 0 {
			continue
		}
		out[i].heads = out[i].heads[1:]
		out[i].rows = slices.Clone(out[i].rows)
		for j := range out[i].rows {
			out[i].rows[j].cells = out[i].rows[j].cells[1:]
		}
	}
	return out
}

func rowHeight(t Theme, label []string, pitch vg.Length) vg.Length {
	return max(pitch, vg.Length(len(label))*leading*t.TickSize+3)
}

func headHeight(t Theme, panel rowPanel) vg.Length {
	if panel.title != "" {
		return 1.6 * t.TitleSize
	}
	labelled := len(panel.heads) > 0
	for _, g := range panel.guides {
		labelled = labelled || g.label != ""
	}
	if labelled {
		return 1.7 * t.TickSize
	}
	return 0
}

func panelHeight(t Theme, panel rowPanel, labels wrappedLabels, pitch vg.Length) vg.Length {
	h := headHeight(t, panel)
	for _, label := range labels {
		h += rowHeight(t, label, pitch)
	}
	return h + tickLength + 1.3*t.TickSize
}

func (c rowChart) paintPanel(p pen, panel rowPanel, l columnLayout, labels wrappedLabels, left, top vg.Length) {
	t := p.theme
	face := t.face(t.TickSize)
	dataLeft := left + l.group + l.label + cellGap
	dataRight := dataLeft + l.data
	right := dataRight
	for _, w := range l.cells {
		right += cellGap + w
	}
	bodyTop := top - headHeight(t, panel)
	bottom := bodyTop
	ruled := true // a line leads from the label to a lone marker
	for i, row := range panel.rows {
		bottom -= rowHeight(t, labels[i], c.pitch)
		ruled = ruled && !row.band && len(row.marks) == 1
	}
	x := newAxis(panel.domain.lo, panel.domain.hi, face, l.data)
	at := func(v float64) vg.Length { return dataLeft + vg.Length(x.norm(v))*l.data }

	// From the back to the front: bands and row lines, guides, marks.
	y, bandTop := bodyTop, bodyTop
	middles := make([]vg.Length, len(panel.rows))
	for i, row := range panel.rows {
		h := rowHeight(t, labels[i], c.pitch)
		middles[i] = y - h/2
		if ruled {
			p.line(t.Faint, 0.8*t.AxisWidth, nil, dataLeft, middles[i], dataRight, middles[i])
		}
		if i == 0 || panel.rows[i-1].band != row.band {
			bandTop = y
		}
		y -= h
		// One rectangle a band: rows filled apart would show a seam between them.
		if last := i+1 == len(panel.rows) || panel.rows[i+1].band != row.band; last && row.band {
			p.fill(tint(t.Faint, 0.55), left, y, right, bandTop)
		}
	}
	for _, g := range panel.guides {
		p.line(t.Quiet, t.AxisWidth, g.dashes, at(g.at), bottom, at(g.at), bodyTop)
		p.text(face, t.Quiet, at(g.at), bodyTop+2, alignCentre, g.label)
	}
	for i, row := range panel.rows {
		p.lines(face, t.Quiet, left, middles[i], alignLeft, []string{row.group})
		p.lines(face, t.Ink, left+l.group, middles[i], alignLeft, labels[i])
		for _, m := range row.marks {
			if finite(m.Value) {
				p.interval(m.look, at(m.Value), at(m.Low), at(m.High), middles[i]+m.rise)
			}
		}
		end := dataRight
		for k, s := range row.cells {
			end += cellGap + l.cells[k]
			p.lines(face, t.Ink, end, middles[i], alignRight, []string{s})
		}
	}
	end := dataRight
	for k, head := range panel.heads {
		end += cellGap + l.cells[k]
		p.text(face, t.Quiet, end, bodyTop+2, alignRight, head)
	}
	if panel.title != "" {
		p.text(t.boldFace(t.TitleSize), t.Ink, left, top-0.85*t.TitleSize, alignLeft, panel.title)
	}
	paintAxis(p, x, dataLeft, dataRight, bottom, t.Ink)
}

// paintAxis draws the axis line with ticks and tick labels below it.
func paintAxis(p pen, x axis, left, right, y vg.Length, ink color.Color) {
	t := p.theme
	face := t.face(t.TickSize)
	p.line(ink, t.AxisWidth, nil, left, y, right, y)
	for _, mark := range x.ticks {
		at := left + vg.Length(x.norm(mark.value))*(right-left)
		p.line(ink, t.AxisWidth, nil, at, y, at, y-tickLength)
		p.text(face, ink, at, y-tickLength-1.05*t.TickSize, alignCentre, mark.label)
	}
}
