package plots

import (
	"image"
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
)

// A flatCanvas is what the SVG and the PDF canvas share: size, style and
// transformation. Transformations are applied to the points as they come, so
// that the document is flat, in the coordinates of the page.
type flatCanvas struct {
	w, h  vg.Length
	state canvasState
	stack []canvasState
}

type canvasState struct {
	color  color.Color
	width  vg.Length
	dashes []vg.Length
	offset vg.Length
	m      matrix
}

// A matrix maps (x, y) to (ax + cy + e, bx + dy + f), as in SVG and PDF.
type matrix struct{ a, b, c, d, e, f float64 }

// then returns the matrix that applies n first and m second.
func (m matrix) then(n matrix) matrix {
	return matrix{
		a: m.a*n.a + m.c*n.b, b: m.b*n.a + m.d*n.b,
		c: m.a*n.c + m.c*n.d, d: m.b*n.c + m.d*n.d,
		e: m.a*n.e + m.c*n.f + m.e, f: m.b*n.e + m.d*n.f + m.f,
	}
}

// scale is how much the matrix enlarges lengths.
func (m matrix) scale() float64 { return math.Sqrt(math.Abs(m.a*m.d - m.b*m.c)) }

// apply maps a point.
func (m matrix) apply(pt vg.Point) (x, y float64) {
	x, y = pt.X.Points(), pt.Y.Points()
	return m.a*x + m.c*y + m.e, m.b*x + m.d*y + m.f
}

// Size returns the size of the canvas.
func (c *flatCanvas) Size() (w, h vg.Length) { return c.w, c.h }

// SetLineWidth sets the width of lines.
func (c *flatCanvas) SetLineWidth(w vg.Length) { c.state.width = w }

// SetLineDash sets the lengths of dashes and gaps.
func (c *flatCanvas) SetLineDash(pattern []vg.Length, offset vg.Length) {
	c.state.dashes, c.state.offset = pattern, offset
}

// SetColor sets the drawing colour; nil is black.
func (c *flatCanvas) SetColor(clr color.Color) {
	if clr == nil {
		clr = color.Black
	}
	c.state.color = clr
}

// Rotate rotates what is drawn next by an angle in radians.
func (c *flatCanvas) Rotate(rad float64) {
	sin, cos := math.Sincos(rad)
	c.state.m = c.state.m.then(matrix{a: cos, b: sin, c: -sin, d: cos})
}

// Translate moves what is drawn next.
func (c *flatCanvas) Translate(pt vg.Point) {
	c.state.m = c.state.m.then(matrix{a: 1, d: 1, e: pt.X.Points(), f: pt.Y.Points()})
}

// Scale stretches what is drawn next.
func (c *flatCanvas) Scale(x, y float64) {
	c.state.m = c.state.m.then(matrix{a: x, d: y})
}

// Push saves colour, line style and transformation.
func (c *flatCanvas) Push() { c.stack = append(c.stack, c.state) }

// Pop restores what the last Push saved.
func (c *flatCanvas) Pop() {
	c.state = c.stack[len(c.stack)-1]
	c.stack = c.stack[:len(c.stack)-1]
}

// DrawImage must not be reached: mosaic draws images.
func (c *flatCanvas) DrawImage(vg.Rectangle, image.Image) {
	panic("plots: an image reached a canvas of shapes")
}

// ink is the colour, not multiplied by its alpha.
func (s canvasState) ink() color.NRGBA {
	return color.NRGBAModel.Convert(s.color).(color.NRGBA)
}

// eachStep calls visit for each step of a path in the coordinates of the page: 'M'
// and 'L' with one point, 'Q' with two, 'C' with three, 'Z' with none. Arcs become
// curves.
func (c *flatCanvas) eachStep(p vg.Path, visit func(step byte, points ...vg.Point)) {
	mapped := func(points ...vg.Point) []vg.Point {
		out := make([]vg.Point, len(points))
		for i, pt := range points {
			x, y := c.state.m.apply(pt)
			out[i] = vg.Point{X: vg.Length(x), Y: vg.Length(y)}
		}
		return out
	}
	for i, step := range p {
		switch step.Type {
		case vg.MoveComp:
			visit('M', mapped(step.Pos)...)
		case vg.LineComp:
			visit('L', mapped(step.Pos)...)
		case vg.CurveComp:
			kind := byte('Q')
			if len(step.Control) == 2 {
				kind = 'C'
			}
			visit(kind, mapped(append(step.Control[:len(step.Control):len(step.Control)], step.Pos)...)...)
		case vg.ArcComp:
			kind := byte('L')
			if i == 0 {
				kind = 'M'
			}
			arc := mapped(arcCurves(step)...)
			visit(kind, arc[0])
			for j := 1; j < len(arc); j += 3 {
				visit('C', arc[j:j+3]...)
			}
		case vg.CloseComp:
			visit('Z')
		}
	}
}

// arcCurves returns the start of an arc and three points of a cubic curve for
// each quarter circle of it, or part of one.
func arcCurves(arc vg.PathComp) []vg.Point {
	at := func(angle, along float64) vg.Point { // along is a distance on the tangent, in radii
		sin, cos := math.Sincos(angle)
		return arc.Pos.Add(vg.Point{
			X: arc.Radius * vg.Length(cos-along*sin),
			Y: arc.Radius * vg.Length(sin+along*cos),
		})
	}
	n := max(1, math.Ceil(math.Abs(arc.Angle)/(math.Pi/2)-1e-9))
	step := arc.Angle / n
	k := 4. / 3 * math.Tan(step/4)
	points := []vg.Point{at(arc.Start, 0)}
	for i := range int(n) {
		from := arc.Start + float64(i)*step
		points = append(points, at(from, k), at(from+step, -k), at(from+step, 0))
	}
	return points
}
