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
	ylabel  string // above the panels
	xlabel  string // below them
	scale   vg.Length
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

// scaleRoom is the room at the left of a panel for the labels of its vertical
// axis.
func scaleRoom(t Theme, labels ...string) vg.Length {
	return widest(t.face(t.TickSize), labels...) + 1.5*tickLength
}

func (g panelGrid) drawing(t Theme) (Drawing, error) {
	inside := g.width - 2*edge
	columns := vg.Length(g.columns)
	cell := (inside - (columns-1)*g.gap) / columns
	if cell-g.scale < 15*vg.Millimeter {
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
	body := g.height(cell - g.scale)
	foot := tickLength + 1.3*t.TickSize
	legendHeight := g.legend.height(t, inside)
	var band, named vg.Length
	if g.bands != nil {
		band = 1.7 * t.LabelSize
	}
	if g.ylabel != "" {
		named = 1.7 * t.LabelSize
	}
	height := 2*edge + legendHeight + named + 1.6*t.LabelSize - panelGap
	for _, h := range head {
		height += band + h + body + foot + panelGap
	}
	paint := func(canvas draw.Canvas) {
		p := pen{Canvas: canvas, theme: t}
		left, top := canvas.Min.X+edge, canvas.Max.Y-edge
		g.legend.paint(p, left, top, inside)
		top -= legendHeight
		if g.ylabel != "" {
			p.text(t.face(t.LabelSize), t.Ink, left, top-t.LabelSize, alignLeft, g.ylabel)
			top -= named
		}
		for row := range rows {
			if g.bands != nil {
				bold, name := t.boldFace(t.LabelSize), g.bands[row].name
				p.text(bold, t.Ink, left, top-t.LabelSize, alignLeft, name)
				after := left + bold.Width(name) + 0.6*t.LabelSize
				p.text(title, t.Quiet, after, top-t.LabelSize, alignLeft, wrap(title, g.bands[row].remark, left+inside-after)[0])
			}
			for i := row * g.columns; i < min((row+1)*g.columns, len(g.panels)); i++ {
				x := left + vg.Length(i%g.columns)*(cell+g.gap)
				y := top - band - title.Font.Size
				for _, line := range heads[i].title {
					p.text(title, t.Ink, x+g.scale, y, alignLeft, line)
					y -= leading * title.Font.Size
				}
				for _, line := range heads[i].remarks {
					p.text(small, t.Quiet, x+g.scale, y, alignLeft, line)
					y -= leading * small.Font.Size
				}
				bottom := top - band - head[row] - body
				g.paint(p, i, vg.Rectangle{
					Min: vg.Point{X: x + g.scale, Y: bottom},
					Max: vg.Point{X: x + cell, Y: bottom + body},
				})
			}
			top -= band + head[row] + body + foot + panelGap
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

// paintVertical draws the labels of a vertical scale left of a body and a faint
// line across it at each, and returns where a number stands. A little room
// beyond the ends keeps markers inside.
func paintVertical(p pen, y axis, body vg.Rectangle) func(float64) vg.Length {
	t := p.theme
	face := t.face(t.TickSize)
	at := func(v float64) vg.Length {
		return body.Min.Y + vg.Length(0.03+0.94*y.norm(v))*body.Size().Y
	}
	for _, mark := range y.ticks {
		p.line(t.Faint, 0.8*t.AxisWidth, nil, body.Min.X, at(mark.value), body.Max.X, at(mark.value))
		p.text(face, t.Ink, body.Min.X-tickLength, at(mark.value)-middle*face.Font.Size, alignRight, mark.label)
	}
	return at
}
