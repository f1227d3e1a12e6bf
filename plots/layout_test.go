package plots

import (
	"bytes"
	"compress/zlib"
	"image/color"
	"io"
	"regexp"
	"strings"
	"testing"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// pageContent returns the drawing operators of a rendered PDF.
func pageContent(t *testing.T, d Drawing) string {
	t.Helper()
	var b bytes.Buffer
	if err := Render(&b, PDF, d); err != nil {
		t.Fatal(err)
	}
	stream := regexp.MustCompile(`(?s)stream\n(.*?)\nendstream`).FindSubmatch(b.Bytes())
	if stream == nil {
		t.Fatal("the PDF has no stream")
	}
	r, err := zlib.NewReader(bytes.NewReader(stream[1]))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// TestPDFColours checks that a translucent red stays red: the canvas of
// gonum/plot would write half of it.
func TestPDFColours(t *testing.T) {
	content := pageContent(t, Drawing{Width: 20, Height: 20, Paint: func(c draw.Canvas) {
		c.SetColor(color.NRGBA{R: 255, A: 128})
		c.Fill(vg.Rectangle{Max: vg.Point{X: 5, Y: 5}}.Path())
		c.SetColor(nil)
		c.Fill(vg.Rectangle{Max: vg.Point{X: 5, Y: 5}}.Path())
	}})
	if !strings.Contains(content, "/A128 gs 1 0 0 rg") || !strings.Contains(content, "/A255 gs 0 0 0 rg") {
		t.Errorf("no translucent full red and black in:\n%s", content)
	}
}

// TestPDFCurves checks that text has only curves with both control points.
func TestPDFCurves(t *testing.T) {
	content := pageContent(t, Drawing{Width: 20, Height: 20, Paint: func(c draw.Canvas) {
		theme := Journal()
		c.FillString(theme.face(9), vg.Point{X: 2, Y: 2}, "δ–−")
	}})
	if strings.Contains(content, " v\n") || !strings.Contains(content, " c\n") {
		t.Errorf("a quadratic curve was written as it is:\n%s", content)
	}
}

func TestFontHasOurCharacters(t *testing.T) {
	theme := Journal()
	for _, face := range []font.Face{theme.face(7), theme.boldFace(7)} {
		for _, r := range "−–→×±≤αβδρστ·éñ%" {
			if glyph, err := face.Face.GlyphIndex(nil, r); err != nil || glyph == 0 {
				t.Errorf("%s has no %c", face.Name(), r)
			}
		}
	}
}

func TestTicks(t *testing.T) {
	face := Journal().face(7)
	for _, c := range []struct {
		lo, hi float64
		length vg.Length
		want   string
	}{
		{0, 100, 200, "0 20 40 60 80 100"},
		{-0.2, 0.13, 150, "−0.2 −0.1 0.0 0.1"},
		{-0.052, 0.03, 100, "−0.05 0.00"},
		{0, 4000, 120, "0 1000 2000 3000"},
		{1e-5, 1e-5, 150, "0.000005 0.000010 0.000015"},
		{0, 0, 150, "−0.4 −0.2 0.0 0.2 0.4"},
	} {
		a := newAxis(c.lo, c.hi, face, c.length)
		var labels []string
		for _, tick := range a.ticks {
			labels = append(labels, tick.label)
		}
		if got := strings.Join(labels, " "); got != c.want {
			t.Errorf("ticks of [%v, %v] on %v points: %s, want %s", c.lo, c.hi, c.length, got, c.want)
		}
		if a.min > c.lo || a.max < c.hi {
			t.Errorf("[%v, %v] is not within [%v, %v]", c.lo, c.hi, a.min, a.max)
		}
	}
}

func TestNumbers(t *testing.T) {
	for got, want := range map[string]string{
		signed(-0.0004, 3): "0.000",
		signed(-1.5, 1):    "−1.5",
		signed(2e-9, 9):    "2e−09",
		count(999):         "999",
		count(1234567):     "1,234,567",
		count(-1000):       "-1,000",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestWrap(t *testing.T) {
	face := Journal().face(7)
	for _, c := range []struct {
		text string
		room vg.Length
		want string
	}{
		{"Treatment → total achievement (3B, 1)", 200, "Treatment → total achievement (3B, 1)"},
		{"Treatment → total achievement (3B, 1)", 110, "Treatment → total achievement|(3B, 1)"},
		{"unbreakable", 20, "unbre|akabl|e"},
		{"", 20, ""},
	} {
		lines := wrap(face, c.text, c.room)
		if got := strings.Join(lines, "|"); got != c.want {
			t.Errorf("wrapped to %q, want %q", got, c.want)
		}
		if w := widest(face, lines...); w > c.room {
			t.Errorf("%q is %v wide, more than %v", c.text, w, c.room)
		}
	}
}
