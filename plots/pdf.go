package plots

import (
	"bytes"
	"image/color"
	"io"
	"math"
	"regexp"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgpdf"
)

func renderPDF(w io.Writer, d Drawing) error {
	scale := vg.Length(d.scale())
	canvas := vgpdf.New(scale*d.Width, scale*d.Height)
	page := sized{pdfCanvas{canvas}, d.Width, d.Height}
	if scale != 1 {
		page.Scale(float64(scale), float64(scale))
	}
	paint(outlined{mosaic{page}}, d)
	var document bytes.Buffer
	if _, err := canvas.WriteTo(&document); err != nil {
		return err
	}
	_, err := w.Write(undated(document.Bytes()))
	return err
}

// sized is a canvas that is drawn on in another size than its own.
type sized struct {
	vg.CanvasSizer
	width, height vg.Length
}

// Size returns the size that is drawn in.
func (c sized) Size() (w, h vg.Length) { return c.width, c.height }

// undated replaces the time of writing by a fixed date of the same length, so
// that no offset in the file moves. The PDF library could be told the date, but
// only through a variable shared by the whole program.
func undated(document []byte) []byte {
	dates := regexp.MustCompile(`/(CreationDate|ModDate) \(D:\d{14}\)`)
	return dates.ReplaceAll(document, []byte("/$1 (D:20000101000000)"))
}

// pdfCanvas corrects two faults of the PDF canvas: colours are multiplied by
// their alpha twice (translucent colours turn grey), and quadratic curves are
// written with an operator that means a different, cubic curve.
type pdfCanvas struct {
	vg.CanvasSizer
}

// SetColor sets the drawing colour; nil is black.
func (c pdfCanvas) SetColor(clr color.Color) {
	if clr == nil {
		clr = color.Black
	}
	c.CanvasSizer.SetColor(straight(color.NRGBA64Model.Convert(clr).(color.NRGBA64)))
}

// Stroke draws the lines of the path.
func (c pdfCanvas) Stroke(p vg.Path) { c.CanvasSizer.Stroke(cubic(p)) }

// Fill fills the path.
func (c pdfCanvas) Fill(p vg.Path) { c.CanvasSizer.Fill(cubic(p)) }

// straight is a colour whose RGBA method breaks the contract of color.Color on
// purpose: its red, green and blue are not multiplied by alpha.
type straight color.NRGBA64

func (s straight) RGBA() (r, g, b, a uint32) {
	return uint32(s.R), uint32(s.G), uint32(s.B), uint32(s.A)
}

// cubic rewrites the quadratic curves of a path as the equal cubic ones, to a
// thousandth of a point: more digits only make the file larger.
func cubic(p vg.Path) vg.Path {
	round := func(pt vg.Point) vg.Point {
		return vg.Point{
			X: vg.Length(math.Round(1000*float64(pt.X)) / 1000),
			Y: vg.Length(math.Round(1000*float64(pt.Y)) / 1000),
		}
	}
	out := make(vg.Path, len(p))
	var from vg.Point
	for i, step := range p {
		if step.Type == vg.CurveComp && len(step.Control) == 1 {
			q := step.Control[0]
			step.Control = []vg.Point{
				round(from.Add(q.Sub(from).Scale(2. / 3))),
				round(step.Pos.Add(q.Sub(step.Pos).Scale(2. / 3))),
			}
		}
		if step.Type != vg.CloseComp {
			from = step.Pos
			step.Pos = round(step.Pos)
		}
		out[i] = step
	}
	return out
}
