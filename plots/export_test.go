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
