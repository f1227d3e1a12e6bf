package plots

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"io"
	"math"
	"strconv"
	"strings"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

func renderSVG(w io.Writer, d Drawing) error {
	canvas := newSVGCanvas(d.Width, d.Height)
	canvas.enlarge, canvas.text = d.scale(), d.Text
	paint(mosaic{canvas}, d)
	_, err := w.Write(canvas.document())
	return err
}

// svgCanvas writes SVG in which text is a run of references to glyph outlines,
// each defined once. The canvas of gonum/plot names a font that the reader may
// lack; filling every glyph through it takes ten times the bytes.
//
// Transformations are applied to the points as they come, so that the document
// is flat and in page coordinates: points, y downwards.
type svgCanvas struct {
	w, h    vg.Length
	enlarge float64
	text    Text
	state   svgState
	stack   []svgState
	body    bytes.Buffer
	defs    bytes.Buffer
	// defined holds the names of the glyphs in defs.
	defined map[string]bool
}

type svgState struct {
	color  color.Color
	width  vg.Length
	dashes []vg.Length
	offset vg.Length
	m      matrix
}

// A matrix maps (x, y) to (ax + cy + e, bx + dy + f), as in SVG.
type matrix struct{ a, b, c, d, e, f float64 }

// then returns the matrix that applies n first and m second.
func (m matrix) then(n matrix) matrix {
	return matrix{
		a: m.a*n.a + m.c*n.b, b: m.b*n.a + m.d*n.b,
		c: m.a*n.c + m.c*n.d, d: m.b*n.c + m.d*n.d,
		e: m.a*n.e + m.c*n.f + m.e, f: m.b*n.e + m.d*n.f + m.f,
	}
}

func newSVGCanvas(w, h vg.Length) *svgCanvas {
	c := &svgCanvas{w: w, h: h, enlarge: 1, defined: map[string]bool{}}
	c.state.m = matrix{a: 1, d: -1, f: h.Points()}
	vg.Initialize(c)
	return c
}

func (c *svgCanvas) document() []byte {
	var doc bytes.Buffer
	w, h := decimal(c.w.Points()), decimal(c.h.Points())
	fmt.Fprintf(&doc, `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="%spt" height="%spt" viewBox="0 0 %s %s">
<defs>
`, decimal(c.enlarge*c.w.Points()), decimal(c.enlarge*c.h.Points()), w, h)
	doc.Write(c.defs.Bytes())
	doc.WriteString("</defs>\n")
	doc.Write(c.body.Bytes())
	doc.WriteString("</svg>\n")
	return doc.Bytes()
}

// Size returns the size of the canvas.
func (c *svgCanvas) Size() (w, h vg.Length) { return c.w, c.h }

// SetLineWidth sets the width of lines.
func (c *svgCanvas) SetLineWidth(w vg.Length) { c.state.width = w }

// SetLineDash sets the lengths of dashes and gaps.
func (c *svgCanvas) SetLineDash(pattern []vg.Length, offset vg.Length) {
	c.state.dashes, c.state.offset = pattern, offset
}

// SetColor sets the drawing colour; nil is black.
func (c *svgCanvas) SetColor(clr color.Color) {
	if clr == nil {
		clr = color.Black
	}
	c.state.color = clr
}

// Rotate rotates what is drawn next by an angle in radians.
func (c *svgCanvas) Rotate(rad float64) {
	sin, cos := math.Sincos(rad)
	c.state.m = c.state.m.then(matrix{a: cos, b: sin, c: -sin, d: cos})
}

// Translate moves what is drawn next.
func (c *svgCanvas) Translate(pt vg.Point) {
	c.state.m = c.state.m.then(matrix{a: 1, d: 1, e: pt.X.Points(), f: pt.Y.Points()})
}

// Scale stretches what is drawn next.
func (c *svgCanvas) Scale(x, y float64) {
	c.state.m = c.state.m.then(matrix{a: x, d: y})
}

// Push saves colour, line style and transformation.
func (c *svgCanvas) Push() { c.stack = append(c.stack, c.state) }

// Pop restores what the last Push saved.
func (c *svgCanvas) Pop() {
	c.state = c.stack[len(c.stack)-1]
	c.stack = c.stack[:len(c.stack)-1]
}

// Stroke draws the lines of the path.
func (c *svgCanvas) Stroke(p vg.Path) {
	if c.state.width <= 0 {
		return
	}
	m := c.state.m
	scale := math.Sqrt(math.Abs(m.a*m.d - m.b*m.c))
	fmt.Fprintf(&c.body, `<path d="%s" fill="none"%s stroke-width="%s"`,
		c.pathData(p), c.paintWith("stroke"), decimal(scale*c.state.width.Points()))
	if len(c.state.dashes) > 0 {
		lengths := make([]string, len(c.state.dashes))
		for i, d := range c.state.dashes {
			lengths[i] = decimal(scale * d.Points())
		}
		fmt.Fprintf(&c.body, ` stroke-dasharray="%s"`, strings.Join(lengths, " "))
		if c.state.offset != 0 {
			fmt.Fprintf(&c.body, ` stroke-dashoffset="%s"`, decimal(scale*c.state.offset.Points()))
		}
	}
	c.body.WriteString("/>\n")
}

// Fill fills the path.
func (c *svgCanvas) Fill(p vg.Path) {
	fmt.Fprintf(&c.body, "<path d=\"%s\"%s/>\n", c.pathData(p), c.paintWith("fill"))
}

// FillString draws text with its baseline starting at pt.
func (c *svgCanvas) FillString(face font.Face, pt vg.Point, text string) {
	size := face.Font.Size.Points()
	if size == 0 || text == "" {
		return
	}
	if c.text == Fonts {
		c.writeText(face, pt, text)
		return
	}
	// Glyphs are in font units with y downwards.
	scale := size / float64(face.Face.UnitsPerEm())
	m := c.state.m.then(matrix{a: scale, d: -scale, e: pt.X.Points(), f: pt.Y.Points()})
	fmt.Fprintf(&c.body, `<g transform="matrix(%s %s %s %s %s %s)"%s>`,
		fine(m.a), fine(m.b), fine(m.c), fine(m.d), decimal(m.e), decimal(m.f), c.paintWith("fill"))
	eachGlyph(face, text, func(glyph sfnt.GlyphIndex, x fixed.Int26_6, contours sfnt.Segments) {
		if len(contours) == 0 {
			return
		}
		// Documents that share a web page share names; the same name is the same outline.
		name := fmt.Sprintf("%s-%d", face.Name(), glyph)
		if !c.defined[name] {
			c.defined[name] = true
			fmt.Fprintf(&c.defs, "<path id=\"%s\" d=\"%s\"/>\n", name, glyphData(contours))
		}
		fmt.Fprintf(&c.body, `<use xlink:href="#%s" x="%d"/>`, name, int(x))
	})
	c.body.WriteString("</g>\n")
}

// writeText writes text as text. textLength keeps its width in another font.
func (c *svgCanvas) writeText(face font.Face, pt vg.Point, text string) {
	m := c.state.m.then(matrix{a: 1, d: -1, e: pt.X.Points(), f: pt.Y.Points()})
	weight := ""
	if face.Font.Weight > 0 {
		weight = ` font-weight="bold"`
	}
	fmt.Fprintf(&c.body, `<text transform="matrix(%s %s %s %s %s %s)" font-family="Liberation Sans, Arial, Helvetica, sans-serif" font-size="%s"%s textLength="%s" lengthAdjust="spacingAndGlyphs"%s>`,
		fine(m.a), fine(m.b), fine(m.c), fine(m.d), decimal(m.e), decimal(m.f), decimal(face.Font.Size.Points()), weight, decimal(face.Width(text).Points()), c.paintWith("fill"))
	if err := xml.EscapeText(&c.body, []byte(text)); err != nil {
		panic(err) // a buffer takes everything
	}
	c.body.WriteString("</text>\n")
}

// DrawImage must not be reached: mosaic draws images.
func (c *svgCanvas) DrawImage(vg.Rectangle, image.Image) {
	panic("plots: an image reached the SVG canvas")
}

// paintWith returns the attributes that paint with the current colour.
func (c *svgCanvas) paintWith(attribute string) string {
	n := color.NRGBAModel.Convert(c.state.color).(color.NRGBA)
	s := fmt.Sprintf(` %s="#%02x%02x%02x"`, attribute, n.R, n.G, n.B)
	if n.A != 0xff {
		s += fmt.Sprintf(` %s-opacity="%s"`, attribute, decimal(float64(n.A)/0xff))
	}
	return s
}

func (c *svgCanvas) pathData(p vg.Path) string {
	var d strings.Builder
	m := c.state.m
	put := func(op string, points ...vg.Point) {
		d.WriteString(op)
		for i, pt := range points {
			if i > 0 {
				d.WriteByte(' ')
			}
			x, y := pt.X.Points(), pt.Y.Points()
			d.WriteString(decimal(m.a*x+m.c*y+m.e) + " " + decimal(m.b*x+m.d*y+m.f))
		}
	}
	for i, step := range p {
		switch step.Type {
		case vg.MoveComp:
			put("M", step.Pos)
		case vg.LineComp:
			put("L", step.Pos)
		case vg.CurveComp:
			op := "Q"
			if len(step.Control) == 2 {
				op = "C"
			}
			put(op, append(step.Control[:len(step.Control):len(step.Control)], step.Pos)...)
		case vg.ArcComp:
			op := "L"
			if i == 0 {
				op = "M"
			}
			arc := arcCurves(step)
			put(op, arc[0])
			for j := 1; j < len(arc); j += 3 {
				put("C", arc[j:j+3]...)
			}
		case vg.CloseComp:
			d.WriteByte('Z')
		}
	}
	return d.String()
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

// glyphData returns the path of a glyph in font units.
func glyphData(contours sfnt.Segments) string {
	var d strings.Builder
	for i, s := range contours {
		op, n := "L", 1
		switch s.Op {
		case sfnt.SegmentOpMoveTo:
			op = "M"
			if i > 0 {
				op = "ZM"
			}
		case sfnt.SegmentOpQuadTo:
			op, n = "Q", 2
		case sfnt.SegmentOpCubeTo:
			op, n = "C", 3
		}
		d.WriteString(op)
		for j, pt := range s.Args[:n] {
			if j > 0 {
				d.WriteByte(' ')
			}
			fmt.Fprintf(&d, "%d %d", int(pt.X), int(pt.Y))
		}
	}
	return d.String() + "Z"
}

// decimal formats a length to a hundredth of a point, far below what prints.
// Few digits also hide the last bits of arithmetic, which differ between
// processors.
func decimal(v float64) string {
	return strconv.FormatFloat(math.Round(v*100)/100+0, 'f', -1, 64) // adding 0 makes -0 into 0
}

// fine formats a scale factor.
func fine(v float64) string {
	return strconv.FormatFloat(math.Round(v*1e7)/1e7+0, 'f', -1, 64)
}
