package plots_test

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"coachsim/plots"
)

// square is a drawing of 10 by 20 mm with everything a canvas can do but text.
func square() plots.Drawing {
	return plots.Drawing{Width: 10 * vg.Millimeter, Height: 20 * vg.Millimeter, Paint: func(c draw.Canvas) {
		c.SetColor(color.NRGBA{R: 200, G: 100, A: 128})
		c.Push()
		c.Translate(vg.Point{X: 5, Y: 5})
		c.Rotate(math.Pi / 4)
		c.Scale(2, 2)
		c.Fill(vg.Rectangle{Max: vg.Point{X: 2, Y: 2}}.Path())
		c.Pop()
		c.DrawGlyph(draw.GlyphStyle{Color: color.Black, Radius: 3, Shape: draw.CircleGlyph{}}, vg.Point{X: 10, Y: 40})
		c.StrokeLine2(draw.LineStyle{Color: color.Black, Width: 1, Dashes: []vg.Length{2, 1}}, 0, 0, 10, 10)
		pixels := image.NewNRGBA(image.Rect(0, 0, 1, 2))
		pixels.Set(0, 0, color.NRGBA{R: 255, A: 255})
		pixels.Set(0, 1, color.NRGBA{B: 255, A: 255})
		c.DrawImage(vg.Rectangle{Min: vg.Point{X: 15, Y: 15}, Max: vg.Point{X: 25, Y: 35}}, pixels)
	}}
}

func TestPNGSaysItsResolution(t *testing.T) {
	var b bytes.Buffer
	if err := plots.Render(&b, plots.PNG, square()); err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(b.Bytes())) // checks the checksums of the chunks it knows
	if err != nil {
		t.Fatal(err)
	}
	if size := picture.Bounds().Size(); size != image.Pt(118, 236) {
		t.Errorf("10 by 20 mm are %v pixels, want 118 by 236", size)
	}
	found := false
	for data := b.Bytes()[8:]; len(data) > 0; {
		n := binary.BigEndian.Uint32(data)
		name, body := string(data[4:8]), data[8:8+n]
		if name == "IDAT" && !found {
			t.Fatal("no pHYs chunk before the pixels")
		}
		if name == "pHYs" {
			found = true
			if x, y := binary.BigEndian.Uint32(body), binary.BigEndian.Uint32(body[4:]); x != 11811 || y != 11811 || body[8] != 1 {
				t.Errorf("pHYs says %d by %d, unit %d; want 11811 by 11811 a metre", x, y, body[8])
			}
			if sum := binary.BigEndian.Uint32(data[8+n:]); sum != crc32.ChecksumIEEE(data[4:8+n]) {
				t.Error("pHYs has a wrong checksum")
			}
		}
		data = data[12+n:]
	}
	if !found {
		t.Error("no pHYs chunk")
	}
}

func TestSVGIsWellFormed(t *testing.T) {
	for _, fig := range figures() {
		decoder := xml.NewDecoder(bytes.NewReader(render(t, plots.SVG, fig)))
		for {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", fig.Name(), err)
			}
		}
	}
}

func TestSVGPrimitives(t *testing.T) {
	var b bytes.Buffer
	if err := plots.Render(&b, plots.SVG, square()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`width="28.35pt" height="56.69pt"`,
		// Moved to (5, 5), turned by 45° and doubled; y counts from the top.
		`M5 51.69L7.83 48.86L5 46.04L2.17 48.86Z" fill="#c86400" fill-opacity="0.5"`,
		`stroke-dasharray="2 1"`,
		// The first row of pixels is the upper one.
		`M15 31.84L25 31.84L25 21.69L15 21.69Z" fill="#ff0000"`,
		`M15 41.69L25 41.69L25 31.69L15 31.69Z" fill="#0000ff"`,
		// The circle is made of curves, from its rightmost point.
		`M13 16.69L13 16.69C13 15.04`,
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the document lacks %s:\n%s", want, b.String())
		}
	}
}

func TestRenderRejects(t *testing.T) {
	good := square()
	empty, flat, endless := good, good, good
	empty.Paint, flat.Height, endless.Width = nil, 0, vg.Length(math.Inf(1))
	for _, d := range []plots.Drawing{empty, flat, endless} {
		if err := plots.Render(io.Discard, plots.PNG, d); err == nil {
			t.Errorf("a drawing of %v by %v was rendered", d.Width, d.Height)
		}
	}
	if err := plots.Render(io.Discard, "gif", good); err == nil {
		t.Error("gif was rendered")
	}
	dir := t.TempDir()
	if err := plots.Save(filepath.Join(dir, "figure.jpeg"), good); err == nil || !strings.Contains(err.Error(), "png, svg or pdf") {
		t.Errorf("error %v does not name the formats", err)
	}
	if err := plots.Save(filepath.Join(dir, "flat.png"), flat); err == nil {
		t.Error("a flat drawing was saved")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("failed saves left %v, %v", left, err)
	}
}

func TestParseFormat(t *testing.T) {
	for name, want := range map[string]plots.Format{"png": plots.PNG, ".SVG": plots.SVG, "Pdf": plots.PDF} {
		if got, err := plots.ParseFormat(name); got != want || err != nil {
			t.Errorf("ParseFormat(%q) = %q, %v", name, got, err)
		}
	}
	if _, err := plots.ParseFormat(""); err == nil {
		t.Error("no format is a format")
	}
}
