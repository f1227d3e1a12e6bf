package plots

import (
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Where text lies relative to its x.
const (
	alignLeft   = 0.0
	alignCentre = 0.5
	alignRight  = 1.0
)

// middle is the height of the middle of a line of text above its baseline, in
// type sizes: half the height of Liberation's digits.
const middle = 0.345

// leading is the distance between baselines, in type sizes.
const leading = 1.2

// A pen draws in the styles of a theme. Its y axis points up.
type pen struct {
	draw.Canvas
	theme Theme
}

// text writes s with its baseline at y.
func (p pen) text(face font.Face, ink color.Color, x, y vg.Length, align float64, s string) {
	p.SetColor(ink)
	p.FillString(face, vg.Point{X: x - vg.Length(align)*face.Width(s), Y: y}, s)
}

// lines writes lines of text whose common middle is at y.
func (p pen) lines(face font.Face, ink color.Color, x, y vg.Length, align float64, lines []string) {
	step := leading * face.Font.Size
	y += step*vg.Length(len(lines)-1)/2 - middle*face.Font.Size
	for i, line := range lines {
		p.text(face, ink, x, y-step*vg.Length(i), align, line)
	}
}

func (p pen) line(ink color.Color, width vg.Length, dashes []vg.Length, x0, y0, x1, y1 vg.Length) {
	p.StrokeLine2(draw.LineStyle{Color: ink, Width: width, Dashes: dashes}, x0, y0, x1, y1)
}

func (p pen) fill(ink color.Color, left, bottom, right, top vg.Length) {
	p.SetColor(ink)
	box := vg.Rectangle{Min: vg.Point{X: left, Y: bottom}, Max: vg.Point{X: right, Y: top}}
	p.Fill(box.Path())
}

// interval draws a marker at x with a bar from left to right.
func (p pen) interval(s Series, x, left, right, y vg.Length) {
	if left < right {
		p.line(s.Color, 0.8*p.theme.LineWidth, nil, left, y, right, y)
	}
	p.marker(s, x, y)
}

// marker draws a point. A hollow one is white inside, so that it covers its bar.
func (p pen) marker(s Series, x, y vg.Length) {
	r := p.theme.MarkerWidth / 2
	outer := markerPath(s.Marker, x, y, r)
	p.SetColor(s.Color)
	p.Fill(outer)
	if s.Hollow {
		p.SetColor(color.White)
		p.Fill(markerPath(s.Marker, x, y, r-0.35*p.theme.MarkerWidth/2))
	}
}

// markerPath returns a closed outline. The shapes have about the same area.
func markerPath(m Marker, x, y, r vg.Length) vg.Path {
	polygon := func(corners ...float64) (path vg.Path) {
		for i := 0; i < len(corners); i += 2 {
			pt := vg.Point{X: x + r*vg.Length(corners[i]), Y: y + r*vg.Length(corners[i+1])}
			if i == 0 {
				path.Move(pt)
			} else {
				path.Line(pt)
			}
		}
		path.Close()
		return path
	}
	switch m {
	case Square:
		return polygon(-.9, -.9, .9, -.9, .9, .9, -.9, .9)
	case Diamond:
		return polygon(0, -1.3, 1.3, 0, 0, 1.3, -1.3, 0)
	case Triangle:
		return polygon(-1.2, -.8, 1.2, -.8, 0, 1.3)
	case Inverted:
		return polygon(-1.2, .8, 0, -1.3, 1.2, .8)
	}
	// Four cubic curves, because each backend has its own idea of an arc.
	k := 4. / 3 * (math.Sqrt2 - 1)
	at := func(dx, dy float64) vg.Point {
		return vg.Point{X: x + r*vg.Length(dx), Y: y + r*vg.Length(dy)}
	}
	var path vg.Path
	path.Move(at(1, 0))
	path.CubeTo(at(1, k), at(k, 1), at(0, 1))
	path.CubeTo(at(-k, 1), at(-1, k), at(-1, 0))
	path.CubeTo(at(-1, -k), at(-k, -1), at(0, -1))
	path.CubeTo(at(k, -1), at(1, -k), at(1, 0))
	path.Close()
	return path
}

// wrap breaks s at spaces into lines no wider than room, and inside a word
// that is wider than room on its own.
func wrap(face font.Face, s string, room vg.Length) []string {
	var lines []string
	line := ""
	words := strings.Fields(s)
	for i := len(words) - 2; i > 0; i-- { // "SD = 30" stays whole
		if words[i] == "=" {
			words = slices.Replace(words, i-1, i+2, words[i-1]+" = "+words[i+1])
			i--
		}
	}
	for i, word := range words {
		// "(3B, 1)" stays whole.
		if strings.HasPrefix(word, "(") && !strings.Contains(word, ")") &&
			i+1 < len(words) && strings.HasSuffix(words[i+1], ")") {
			words[i+1] = word + " " + words[i+1]
			continue
		}
		longer := strings.TrimSpace(line + " " + word)
		if face.Width(longer) <= room {
			line = longer
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for line = word; face.Width(line) > room; {
			head := fit(face, line, room)
			lines, line = append(lines, head), line[len(head):]
		}
	}
	return append(lines, line)
}

// fit returns the longest beginning of s that is no wider than room, and at
// least one character.
func fit(face font.Face, s string, room vg.Length) string {
	end := len(s)
	for i := range s {
		if i > 0 && face.Width(s[:i]) > room {
			break
		}
		if i > 0 {
			end = i
		}
	}
	return s[:end]
}

// widest returns the width of the widest of some lines.
func widest(face font.Face, lines ...string) vg.Length {
	var w vg.Length
	for _, line := range lines {
		w = max(w, face.Width(line))
	}
	return w
}
