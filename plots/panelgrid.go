package plots

import (
	"fmt"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A panelGrid is a grid of panels of one size below a legend. Each panel has a
// head of text and a body, into which paint draws data and axes.
type panelGrid struct {
	width   vg.Length
	columns int
	legend  legend
	ylabel  string    // above the panels
	xlabel  string    // below them
	scale   vg.Length // room left of each panel for its vertical scale
	tail    vg.Length // room right of it for the names of lines
	gap     vg.Length
	height  func(bodyWidth vg.Length) vg.Length
	bands   []gridBand // one a row of panels, or none
	panels  []gridPanel
	paint   func(p pen, panel int, body vg.Rectangle)
}

// A gridBand is the name of a row of panels.
type gridBand struct{ name, remark string }

// A gridPanel is the head of a panel: paragraphs of title and of small remarks.
type gridPanel struct{ title, remarks []string }

// grid returns the columns of a grid of n panels and its width: the figure's own,
// the theme's, or what suits it. One printed column has room for two.
func grid(t Theme, own vg.Length, n int) (columns int, width vg.Length) {
	switch {
	case n == 1:
		columns, width = 1, OneColumn
	case n == 2 || n == 4:
		columns, width = 2, MidWidth
	case n <= 9:
		columns, width = 3, TwoColumns
	default:
		columns, width = 4, TwoColumns
	}
	if width = t.width(own, width); width < 100*vg.Millimeter {
		columns = min(columns, 2)
	}
	return columns, width
}

// scaleRoom is the room at the left of a panel for the labels of its vertical
// axis.
func scaleRoom(t Theme, labels ...string) vg.Length {
	return widest(t.face(t.TickSize), labels...) + 1.5*tickLength
}

// cell is the width of a panel with its scale and its tail.
func (g panelGrid) cell() vg.Length {
	columns := vg.Length(g.columns)
	return (g.width - 2*edge - (columns-1)*g.gap) / columns
}

func (g panelGrid) drawing(t Theme) (Drawing, error) {
	inside := g.width - 2*edge
	cell := g.cell()
	if cell-g.scale-g.tail < 15*vg.Millimeter {
		return Drawing{}, fmt.Errorf("plots: %d columns of panels need more than %.0f mm", g.columns, g.width/vg.Millimeter)
	}
	title, small := t.face(t.LegendSize), t.face(t.TickSize)
	heads := make([]gridPanel, len(g.panels))
	rows := (len(g.panels) + g.columns - 1) / g.columns
	head := make([]vg.Length, rows)
	for i, panel := range g.panels {
		for _, text := range panel.title {
			heads[i].title = append(heads[i].title, wrap(title, text, cell-g.scale)...)
		}
		for _, text := range panel.remarks {
			heads[i].remarks = append(heads[i].remarks, wrap(small, text, cell-g.scale)...)
		}
		h := leading*(vg.Length(len(heads[i].title))*t.LegendSize+vg.Length(len(heads[i].remarks))*t.TickSize) + 0.6*t.LegendSize
		head[i/g.columns] = max(head[i/g.columns], h)
	}
	body := g.height(cell - g.scale - g.tail)
	foot := tickLength + 1.3*t.TickSize
	legendHeight := g.legend.height(t, inside)
	// A remark on a row of panels that does not fit beside its name stands below.
	var named vg.Length
	bold := t.boldFace(t.LabelSize)
	band, below := make([]vg.Length, rows), make([][]string, rows)
	for row, b := range g.bands {
		band[row] = 1.7 * t.LabelSize
		if bold.Width(b.name)+0.6*t.LabelSize+title.Width(b.remark) > inside {
			below[row] = wrap(title, b.remark, inside)
			band[row] += leading * vg.Length(len(below[row])) * t.LegendSize
		}
	}
	ylabel := wrap(t.face(t.LabelSize), g.ylabel, inside)
	if g.ylabel != "" {
		named = (0.5 + leading*vg.Length(len(ylabel))) * t.LabelSize
	}
	height := 2*edge + legendHeight + named + 1.6*t.LabelSize - panelGap
	for row, h := range head {
		height += band[row] + h + body + foot + panelGap
	}
	paint := func(canvas draw.Canvas) {
		p := pen{Canvas: canvas, theme: t}
		left, top := canvas.Min.X+edge, canvas.Max.Y-edge
		g.legend.paint(p, left, top, inside)
		top -= legendHeight
		if g.ylabel != "" {
			for i, line := range ylabel {
				p.text(t.face(t.LabelSize), t.Ink, left, top-(1+leading*vg.Length(i))*t.LabelSize, alignLeft, line)
			}
			top -= named
		}
		for row := range rows {
			if g.bands != nil {
				b := g.bands[row]
				p.text(bold, t.Ink, left, top-t.LabelSize, alignLeft, b.name)
				if below[row] == nil {
					p.text(title, t.Quiet, left+bold.Width(b.name)+0.6*t.LabelSize, top-t.LabelSize, alignLeft, b.remark)
				}
				for i, line := range below[row] {
					p.text(title, t.Quiet, left, top-t.LabelSize-leading*vg.Length(i+1)*t.LegendSize, alignLeft, line)
				}
			}
			for i := row * g.columns; i < min((row+1)*g.columns, len(g.panels)); i++ {
				x := left + vg.Length(i%g.columns)*(cell+g.gap)
				y := top - band[row] - title.Font.Size
				for _, line := range heads[i].title {
					p.text(title, t.Ink, x+g.scale, y, alignLeft, line)
					y -= leading * title.Font.Size
				}
				for _, line := range heads[i].remarks {
					p.text(small, t.Quiet, x+g.scale, y, alignLeft, line)
					y -= leading * small.Font.Size
				}
				bottom := top - band[row] - head[row] - body
				g.paint(p, i, vg.Rectangle{
					Min: vg.Point{X: x + g.scale, Y: bottom},
					Max: vg.Point{X: x + cell - g.tail, Y: bottom + body},
				})
			}
			top -= band[row] + head[row] + body + foot + panelGap
		}
		p.text(t.face(t.LabelSize), t.Ink, canvas.Min.X+g.width/2, canvas.Min.Y+edge+0.35*t.LabelSize, alignCentre, g.xlabel)
	}
	return Drawing{Width: g.width, Height: height, Paint: paint}, nil
}

// newVertical returns a vertical scale over [lo, hi] that begins and ends at a
// tick mark.
func newVertical(lo, hi float64) axis {
	if hi-lo <= 1e-9*max(math.Abs(lo), math.Abs(hi)) {
		half := max(0.5*math.Abs(lo), 1e-9)
		lo, hi = lo-half, hi+half
	}
	step, digits := roundStep((hi - lo) / 6)
	a := axis{min: step * math.Floor(lo/step+1e-9), max: step * math.Ceil(hi/step-1e-9)}
	for k := math.Round(a.min / step); k*step <= a.max+1e-9*step; k++ {
		a.ticks = append(a.ticks, tick{k * step, signed(k*step, digits)})
	}
	return a
}

// labels are those of the tick marks.
func (a axis) labels() []string {
	var labels []string
	for _, t := range a.ticks {
		labels = append(labels, t.label)
	}
	return labels
}

// verticalAt says how high above the bottom of a body a number stands. A little
// room beyond the ends keeps markers inside.
func verticalAt(y axis, height vg.Length) func(float64) vg.Length {
	return func(v float64) vg.Length { return vg.Length(0.03+0.94*y.norm(v)) * height }
}

// paintVertical draws the labels of a vertical scale left of a body and a faint
// line across it at each, and returns where a number stands.
func paintVertical(p pen, y axis, body vg.Rectangle) func(float64) vg.Length {
	t := p.theme
	face := t.face(t.TickSize)
	within := verticalAt(y, body.Size().Y)
	at := func(v float64) vg.Length { return body.Min.Y + within(v) }
	for _, mark := range y.ticks {
		p.line(t.Faint, 0.8*t.AxisWidth, nil, body.Min.X, at(mark.value), body.Max.X, at(mark.value))
		p.text(face, t.Ink, body.Min.X-tickLength, at(mark.value)-middle*face.Font.Size, alignRight, mark.label)
	}
	return at
}
