package plots

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	xfont "golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"coachsim/sim"
)

// A Drawing is a picture of fixed size that has not been written yet. Paint
// must draw the same thing every time it is called. The Draw method of a
// gonum/plot Plot is a valid Paint.
type Drawing struct {
	Width, Height vg.Length
	Paint         func(draw.Canvas)

	Enlarge float64 // how many times larger it is written; 0 is once
	Text    Text
}

// scale is how many times larger than drawn the picture is written.
func (d Drawing) scale() float64 {
	if d.Enlarge == 0 {
		return 1
	}
	return d.Enlarge
}

// Text says how SVG and PDF hold text. PNG has always outlines.
type Text uint8

// The kinds of text.
const (
	Outlines Text = iota // looks the same everywhere
	Fonts                // can be searched and edited; PDF embeds its font, SVG needs Liberation Sans, Arial or Helvetica
)

func (d Drawing) validate() error {
	if d.Paint == nil {
		return errors.New("plots: the drawing has nothing to paint")
	}
	if !(d.scale() > 0) || math.IsInf(d.scale(), 0) {
		return fmt.Errorf("plots: a drawing cannot be enlarged %v times", d.Enlarge)
	}
	for _, side := range []vg.Length{d.Width, d.Height} {
		if !(side > 0) || math.IsInf(float64(side), 0) {
			return fmt.Errorf("plots: a drawing of %.4g by %.4g mm has no area", d.Width/vg.Millimeter, d.Height/vg.Millimeter)
		}
	}
	return nil
}

// A Format is a kind of picture file. Its value is the file extension.
type Format string

// The formats that Render can write.
const (
	PNG Format = "png" // 300 dots per inch, and says so
	SVG Format = "svg"
	PDF Format = "pdf"
)

// Formats lists every format.
func Formats() []Format { return []Format{PNG, SVG, PDF} }

// ParseFormat reads a format's name, with or without a leading dot, in any case.
func ParseFormat(name string) (Format, error) {
	f := Format(strings.ToLower(strings.TrimPrefix(name, ".")))
	if !slices.Contains(Formats(), f) {
		return "", fmt.Errorf("plots: %q is not a picture format; use png, svg or pdf", name)
	}
	return f, nil
}

// Render writes the drawing to w. Unless it asks for Fonts, text becomes glyph
// outlines, so that the picture needs no font and looks the same everywhere. The
// same drawing always gives the same bytes.
func Render(w io.Writer, f Format, d Drawing) error {
	if err := d.validate(); err != nil {
		return err
	}
	switch f {
	case PNG:
		return renderPNG(w, d)
	case SVG:
		return renderSVG(w, d)
	case PDF:
		return renderPDF(w, d)
	}
	return fmt.Errorf("plots: %q is not a picture format; use png, svg or pdf", string(f))
}

// Save renders the drawing to a file in the format of its extension. The file
// appears complete or not at all.
func Save(path string, d Drawing) error {
	f, err := ParseFormat(filepath.Ext(path))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return sim.ReplaceFile(path, func(w io.Writer) error { return Render(w, f, d) })
}

// paint draws d on white paper.
func paint(canvas vg.CanvasSizer, d Drawing) {
	c := draw.New(canvas)
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	d.Paint(c)
}

// outlined is a canvas that draws text as filled glyph outlines.
type outlined struct {
	vg.CanvasSizer
}

// FillString draws text with its baseline starting at pt.
func (c outlined) FillString(face font.Face, pt vg.Point, text string) {
	if face.Font.Size == 0 {
		return
	}
	if path := outline(face, pt, text); len(path) > 0 {
		c.Fill(path)
	}
}

// outline returns the contours of text.
func outline(face font.Face, pt vg.Point, text string) vg.Path {
	var path vg.Path
	scale := face.Font.Size / vg.Length(face.Face.UnitsPerEm())
	eachGlyph(face, text, func(_ rune, _ sfnt.GlyphIndex, x fixed.Int26_6, contours sfnt.Segments) {
		at := func(p fixed.Point26_6) vg.Point { // fonts count y downwards
			return vg.Point{X: pt.X + vg.Length(x+p.X)*scale, Y: pt.Y - vg.Length(p.Y)*scale}
		}
		for i, s := range contours {
			switch s.Op {
			case sfnt.SegmentOpMoveTo:
				if i > 0 {
					path.Close()
				}
				path.Move(at(s.Args[0]))
			case sfnt.SegmentOpLineTo:
				path.Line(at(s.Args[0]))
			case sfnt.SegmentOpQuadTo:
				path.QuadTo(at(s.Args[0]), at(s.Args[1]))
			case sfnt.SegmentOpCubeTo:
				path.CubeTo(at(s.Args[0]), at(s.Args[1]), at(s.Args[2]))
			}
		}
		if len(contours) > 0 {
			path.Close()
		}
	})
	return path
}

// eachGlyph calls draw for each character of text with its glyph, its distance from
// the start and its contours, both in font units. Advances and kerning are those of
// [font.Face.Width], so that measured and drawn text agree. A character that
// the font lacks is an empty box.
func eachGlyph(face font.Face, text string, draw func(r rune, glyph sfnt.GlyphIndex, x fixed.Int26_6, contours sfnt.Segments)) {
	var (
		buffer sfnt.Buffer
		units  = fixed.Int26_6(face.Face.UnitsPerEm()) // at this size one step of 1/64 is one font unit
		x      fixed.Int26_6
		prev   sfnt.GlyphIndex
	)
	for i, r := range text {
		// The embedded fonts are whole, so these calls fail only for the pairs
		// without kerning.
		glyph, err := face.Face.GlyphIndex(&buffer, r)
		if err != nil {
			continue
		}
		if kern, err := face.Face.Kern(&buffer, prev, glyph, units, xfont.HintingNone); err == nil && i > 0 {
			x += kern
		}
		if contours, err := face.Face.LoadGlyph(&buffer, glyph, units, nil); err == nil {
			draw(r, glyph, x, contours)
		}
		if advance, err := face.Face.GlyphAdvance(&buffer, glyph, units, xfont.HintingNone); err == nil {
			x += advance
		}
		prev = glyph
	}
}

// mosaic is a canvas that draws an image as one filled rectangle a pixel, which
// looks the same in every format.
type mosaic struct {
	vg.CanvasSizer
}

// DrawImage draws img, scaled to fill rect.
func (c mosaic) DrawImage(rect vg.Rectangle, img image.Image) {
	const overlap = 0.15 // points; hides the hairlines that viewers leave between neighbours
	bounds := img.Bounds()
	if bounds.Empty() {
		return
	}
	size := rect.Size()
	w, h := size.X/vg.Length(bounds.Dx()), size.Y/vg.Length(bounds.Dy())
	c.Push()
	defer c.Pop()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			pixel := img.At(x, y)
			_, _, _, alpha := pixel.RGBA()
			if alpha == 0 {
				continue
			}
			var extra vg.Length
			if alpha == 0xffff { // overlapping translucent pixels would draw a lattice
				extra = overlap
			}
			left := rect.Min.X + vg.Length(x-bounds.Min.X)*w
			top := rect.Max.Y - vg.Length(y-bounds.Min.Y)*h
			cell := vg.Rectangle{
				Min: vg.Point{X: left, Y: max(top-h-extra, rect.Min.Y)},
				Max: vg.Point{X: min(left+w+extra, rect.Max.X), Y: top},
			}
			c.SetColor(pixel)
			c.Fill(cell.Path())
		}
	}
}
