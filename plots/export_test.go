package plots

import (
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/recorder"
)

// Recorded returns what the canvas of PNG is told to draw.
func Recorded(d Drawing) []recorder.Action {
	var canvas recorder.Canvas
	paint(outlined{paper{&canvas, d.Width, d.Height}}, d)
	return canvas.Actions
}

// paper gives a canvas a size.
type paper struct {
	vg.Canvas
	width, height vg.Length
}

func (p paper) Size() (w, h vg.Length) { return p.width, p.height }

// Written returns what a canvas that keeps text as text is told to draw.
func Written(d Drawing) []recorder.Action {
	var canvas recorder.Canvas
	paint(paper{&canvas, d.Width, d.Height}, d)
	return canvas.Actions
}

// WidthOf is the width of text of a size.
func (t Theme) WidthOf(size vg.Length, text string) vg.Length {
	face := t.face(size)
	return face.Width(text)
}

// Short is how figures write a number with its Monte Carlo standard error.
func Short(v, mcse float64) string { return short(v, mcse) }
