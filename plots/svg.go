package plots

import (
	"bytes"
	"encoding/xml"
	"fmt"
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
// lack; filling every glyph through it takes ten times the bytes. Coordinates are
// points, y downwards.
type svgCanvas struct {
	flatCanvas
	enlarge float64
	text    Text
	body    bytes.Buffer
	defs    bytes.Buffer
	// defined holds the names of the glyphs in defs.
	defined map[string]bool
}

func newSVGCanvas(w, h vg.Length) *svgCanvas {
	c := &svgCanvas{flatCanvas: flatCanvas{w: w, h: h}, enlarge: 1, defined: map[string]bool{}}
	c.state.m = matrix{a: 1, d: -1, f: h.Points()}
	vg.Initialize(c)
	return c
}

func (c *svgCanvas) document() []byte {
	var doc bytes.Buffer
	w, h := decimal(c.w.Points()), decimal(c.h.Points())
	fmt.Fprintf(&doc, `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="%spt" height="%spt" viewBox="0 0 %s %s" stroke-linejoin="round">
<defs>
`, decimal(c.enlarge*c.w.Points()), decimal(c.enlarge*c.h.Points()), w, h)
	doc.Write(c.defs.Bytes())
	doc.WriteString("</defs>\n")
	doc.Write(c.body.Bytes())
	doc.WriteString("</svg>\n")
	return doc.Bytes()
}

// Stroke draws the lines of the path.
func (c *svgCanvas) Stroke(p vg.Path) {
	if c.state.width <= 0 {
		return
	}
	scale := c.state.m.scale()
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
	eachGlyph(face, text, func(_ rune, glyph sfnt.GlyphIndex, x fixed.Int26_6, contours sfnt.Segments) {
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

// paintWith returns the attributes that paint with the current colour.
func (c *svgCanvas) paintWith(attribute string) string {
	n := c.state.ink()
	s := fmt.Sprintf(` %s="#%02x%02x%02x"`, attribute, n.R, n.G, n.B)
	if n.A != 0xff {
		s += fmt.Sprintf(` %s-opacity="%s"`, attribute, decimal(float64(n.A)/0xff))
	}
	return s
}

func (c *svgCanvas) pathData(p vg.Path) string {
	var d strings.Builder
	c.eachStep(p, func(step byte, points ...vg.Point) {
		d.WriteByte(step)
		for i, pt := range points {
			if i > 0 {
				d.WriteByte(' ')
			}
			d.WriteString(decimal(pt.X.Points()) + " " + decimal(pt.Y.Points()))
		}
	})
	return d.String()
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

// thousandth formats a length to a thousandth of a point.
func thousandth(v float64) string {
	return strconv.FormatFloat(math.Round(v*1000)/1000+0, 'f', -1, 64)
}

// fine formats a scale factor.
func fine(v float64) string {
	return strconv.FormatFloat(math.Round(v*1e7)/1e7+0, 'f', -1, 64)
}
