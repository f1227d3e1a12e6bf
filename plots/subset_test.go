package plots

import (
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"compress/zlib"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// sentence has what Windows-1252 lacks, a composite letter and kerned pairs.
const sentence = "AVATAR −0.2 ≤ δ² → größte Wirkung"

func sentenceDrawing() Drawing {
	return Drawing{Width: 200, Height: 30, Text: Fonts, Paint: func(c draw.Canvas) {
		c.SetColor(nil)
		c.FillString(Journal().face(9), vg.Point{X: 4, Y: 10}, sentence)
		c.FillString(Journal().boldFace(9), vg.Point{X: 4, Y: 20}, "bold")
	}}
}

// The font in a PDF has the outlines of the glyphs in use and of no other, at
// their numbers.
func TestSubset(t *testing.T) {
	face := Journal().face(9)
	var buffer sfnt.Buffer
	var source bytes.Buffer
	if _, err := face.Face.WriteSourceTo(&buffer, &source); err != nil {
		t.Fatal(err)
	}
	used := map[sfnt.GlyphIndex]bool{}
	var glyphs []sfnt.GlyphIndex
	eachGlyph(face, sentence, func(_ rune, g sfnt.GlyphIndex, _ fixed.Int26_6, _ sfnt.Segments) {
		used[g] = true
		glyphs = append(glyphs, g)
	})
	cut, err := subset(source.Bytes(), glyphs)
	if err != nil {
		t.Fatal(err)
	}
	if len(cut) > source.Len()/5 {
		t.Errorf("%d of %d bytes are left", len(cut), source.Len())
	}
	whole, err := tablesOf(source.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	left, err := tablesOf(cut)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 9 || !bytes.Equal(left["hmtx"], whole["hmtx"]) || checksum(cut) != 0xb1b0afba {
		t.Errorf("%d tables, checksum %x", len(left), checksum(cut))
	}
	// A parser of fonts wants a few more tables, which a PDF does without.
	for _, name := range []string{"cmap", "name", "post", "OS/2"} {
		left[name] = whole[name]
	}
	parsed, err := sfnt.Parse(assembleAll(left))
	if err != nil {
		t.Fatal(err)
	}
	outlines := func(f *sfnt.Font, g sfnt.GlyphIndex) string {
		segments, err := f.LoadGlyph(&buffer, g, 2048, nil)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(segments)
	}
	kept := 0
	for g := range sfnt.GlyphIndex(face.Face.NumGlyphs()) {
		if got := outlines(parsed, g); got == outlines(face.Face, g) {
			kept++
		} else if used[g] || got != "[]" {
			t.Errorf("glyph %d has changed", g)
		}
	}
	if empty := 60; kept > len(used)+empty {
		t.Errorf("%d glyphs are left, %d are in use", kept, len(used))
	}
	for _, broken := range [][]byte{nil, source.Bytes()[:100], source.Bytes()[:2000]} {
		if _, err := subset(broken, glyphs); err == nil {
			t.Errorf("%d bytes make a font", len(broken))
		}
	}
}

// assembleAll writes every table as a font, for the parser's sake in one go.
func assembleAll(tables map[string][]byte) []byte {
	directory, body := []byte{0, 1, 0, 0, 0, byte(len(tables)), 0, 0, 0, 0, 0, 0}, []byte{}
	at := 12 + 16*len(tables)
	var names []string
	for name := range tables {
		names = append(names, name)
	}
	for i := range names { // ascending
		for k := range names[:i] {
			if names[i] < names[k] {
				names[i], names[k] = names[k], names[i]
			}
		}
	}
	be := func(v int) []byte { return []byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)} }
	for _, name := range names {
		directory = append(append(append(append(directory, name...), be(0)...), be(at+len(body))...), be(len(tables[name]))...)
		body = append(body, tables[name]...)
		for len(body)%4 != 0 {
			body = append(body, 0)
		}
	}
	return append(directory, body...)
}

// The text of a PDF stands in it as characters, minus sign and Greek too.
func TestPDFText(t *testing.T) {
	var b bytes.Buffer
	if err := Render(&b, PDF, sentenceDrawing()); err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	if err := Render(&again, PDF, sentenceDrawing()); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Errorf("differs between two runs, %v", err)
	}
	// Read the text by hand: the glyphs shown, by the table of their characters.
	var shown string
	characters := map[string]string{}
	for _, stream := range regexp.MustCompile(`(?s)stream\n(.*?)\nendstream`).FindAllSubmatch(b.Bytes(), -1) {
		r, err := zlib.NewReader(bytes.NewReader(stream[1]))
		if err != nil {
			t.Fatal(err)
		}
		plain, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, pair := range regexp.MustCompile(`(?m)^<(\w{4})> <(\w{4})>$`).FindAllSubmatch(plain, -1) {
			var code int
			if _, err := fmt.Sscanf(string(pair[2]), "%X", &code); err != nil {
				t.Fatal(err)
			}
			characters[string(pair[1])] = string(rune(code))
		}
		if line := regexp.MustCompile(`BT /F1 .*? TJ ET`).Find(plain); line != nil {
			shown = string(line)
		}
	}
	var text strings.Builder
	for _, glyph := range regexp.MustCompile(`<(\w{4})>`).FindAllStringSubmatch(shown, -1) {
		text.WriteString(characters[glyph[1]])
	}
	if text.String() != sentence {
		t.Errorf("the PDF says %q", text.String())
	}
	if _, err := exec.LookPath("pdftotext"); err != nil {
		return
	}
	path := filepath.Join(t.TempDir(), "text.pdf")
	if err := Save(path, sentenceDrawing()); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("pdftotext", path, "-").CombinedOutput()
	if err != nil || !strings.Contains(string(out), sentence) || !strings.Contains(string(out), "bold") {
		t.Errorf("pdftotext reads %q, %v", out, err)
	}
}
