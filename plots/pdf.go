package plots

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"

	xfont "golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

func renderPDF(w io.Writer, d Drawing) error {
	canvas := newPDFCanvas(d)
	var painted vg.CanvasSizer = canvas
	if d.Text == Outlines {
		painted = outlined{painted}
	}
	paint(mosaic{painted}, d)
	document, err := canvas.document()
	if err != nil {
		return err
	}
	_, err = w.Write(document)
	return err
}

// pdfCanvas writes a PDF file of one page. The canvas of gonum/plot turns
// translucent colours grey, writes quadratic curves as other ones, and knows
// only the characters of Windows-1252. Coordinates are points, y upwards.
type pdfCanvas struct {
	flatCanvas
	enlarge float64
	body    bytes.Buffer
	alphas  map[uint8]bool // opacities in use
	fonts   []*pdfFont
}

func newPDFCanvas(d Drawing) *pdfCanvas {
	c := &pdfCanvas{flatCanvas: flatCanvas{w: d.Width, h: d.Height}, enlarge: d.scale(), alphas: map[uint8]bool{}}
	c.state.m = matrix{a: 1, d: 1}
	c.body.WriteString("1 j\n") // lines meet in round corners, as in the other formats
	if c.enlarge != 1 {
		fmt.Fprintf(&c.body, "%s 0 0 %[1]s 0 0 cm\n", fine(c.enlarge))
	}
	vg.Initialize(c)
	return c
}

// Stroke draws the lines of the path.
func (c *pdfCanvas) Stroke(p vg.Path) {
	if c.state.width <= 0 {
		return
	}
	c.ink("RG")
	scale := c.state.m.scale()
	lengths := make([]string, len(c.state.dashes))
	for i, d := range c.state.dashes {
		lengths[i] = thousandth(scale * d.Points())
	}
	fmt.Fprintf(&c.body, "%s w [%s] %s d\n", thousandth(scale*c.state.width.Points()), strings.Join(lengths, " "), thousandth(scale*c.state.offset.Points()))
	c.path(p)
	c.body.WriteString("S\n")
}

// Fill fills the path.
func (c *pdfCanvas) Fill(p vg.Path) {
	c.ink("rg")
	c.path(p)
	c.body.WriteString("f\n")
}

// ink sets the colour of an operator, rg to fill and RG to stroke.
func (c *pdfCanvas) ink(operator string) {
	n := c.state.ink()
	c.alphas[n.A] = true
	share := func(v uint8) string { return thousandth(float64(v) / 0xff) }
	fmt.Fprintf(&c.body, "/A%d gs %s %s %s %s\n", n.A, share(n.R), share(n.G), share(n.B), operator)
}

func (c *pdfCanvas) path(p vg.Path) {
	put := func(operator string, points ...vg.Point) {
		for _, pt := range points {
			c.body.WriteString(thousandth(pt.X.Points()) + " " + thousandth(pt.Y.Points()) + " ")
		}
		c.body.WriteString(operator + "\n")
	}
	var from vg.Point
	c.eachStep(p, func(step byte, points ...vg.Point) {
		switch step {
		case 'M':
			put("m", points...)
		case 'L':
			put("l", points...)
		case 'Q': // PDF has only cubic curves
			q, to := points[0], points[1]
			put("c", from.Add(q.Sub(from).Scale(2./3)), to.Add(q.Sub(to).Scale(2./3)), to)
		case 'C':
			put("c", points...)
		case 'Z':
			put("h")
			return
		}
		from = points[len(points)-1]
	})
}

// FillString writes text as text, glyph by glyph: a reader finds and copies it, and
// it looks as its outlines do.
func (c *pdfCanvas) FillString(face font.Face, pt vg.Point, text string) {
	size := face.Font.Size.Points()
	if size == 0 || text == "" {
		return
	}
	f := c.font(face)
	c.ink("rg")
	m := c.state.m.then(matrix{a: 1, d: 1, e: pt.X.Points(), f: pt.Y.Points()})
	fmt.Fprintf(&c.body, "BT /F%d %s Tf %s %s %s %s %s %s Tm [", f.number, thousandth(size),
		fine(m.a), fine(m.b), fine(m.c), fine(m.d), thousandth(m.e), thousandth(m.f))
	var at float64 // where the glyph before ends
	eachGlyph(face, text, func(r rune, glyph sfnt.GlyphIndex, x fixed.Int26_6, _ sfnt.Segments) {
		if kern := at - float64(x); kern != 0 {
			c.body.WriteString(fine(kern * f.unit))
		}
		fmt.Fprintf(&c.body, "<%04X>", uint16(glyph))
		at = float64(x) + f.use(glyph, r)
	})
	c.body.WriteString("] TJ ET\n")
}

// A pdfFont is an embedded font with the glyphs in use.
type pdfFont struct {
	number int
	face   font.Face
	unit   float64 // thousandths of the type size in a unit of the font
	widths map[sfnt.GlyphIndex]float64
	runes  map[sfnt.GlyphIndex]rune
	buffer sfnt.Buffer
}

func (c *pdfCanvas) font(face font.Face) *pdfFont {
	for _, f := range c.fonts {
		if f.face.Face == face.Face {
			return f
		}
	}
	f := &pdfFont{
		number: len(c.fonts) + 1, face: face, unit: 1000 / float64(face.Face.UnitsPerEm()),
		widths: map[sfnt.GlyphIndex]float64{}, runes: map[sfnt.GlyphIndex]rune{},
	}
	c.fonts = append(c.fonts, f)
	return f
}

// use notes that a glyph stands for a character and returns its width in units
// of the font.
func (f *pdfFont) use(glyph sfnt.GlyphIndex, r rune) float64 {
	if _, known := f.widths[glyph]; !known {
		units := fixed.Int26_6(f.face.Face.UnitsPerEm())
		advance, err := f.face.Face.GlyphAdvance(&f.buffer, glyph, units, xfont.HintingNone)
		if err != nil {
			advance = 0 // embedded fonts are whole: it does not happen
		}
		f.widths[glyph], f.runes[glyph] = float64(advance), r
	}
	return f.widths[glyph]
}

// A pdfFile is a PDF file in the making.
type pdfFile struct {
	bytes.Buffer
	offsets []int // of the objects, from number 1
}

// object writes the next object and returns its number.
func (f *pdfFile) object(format string, args ...any) int {
	f.offsets = append(f.offsets, f.Len())
	fmt.Fprintf(f, "%d 0 obj\n", len(f.offsets))
	fmt.Fprintf(f, format, args...)
	fmt.Fprint(f, "\nendobj\n")
	return len(f.offsets)
}

// stream writes an object with compressed data.
func (f *pdfFile) stream(extra string, data []byte) (int, error) {
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	if _, err := z.Write(data); err != nil {
		return 0, err
	}
	if err := z.Close(); err != nil {
		return 0, err
	}
	return f.object("<< /Length %d /Filter /FlateDecode%s >>\nstream\n%s\nendstream", packed.Len(), extra, packed.Bytes()), nil
}

// document returns the file. It has no date, so that the same drawing gives the
// same bytes.
func (c *pdfCanvas) document() ([]byte, error) {
	var f pdfFile
	fmt.Fprint(&f, "%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
	var fonts, alphas strings.Builder
	for _, font := range c.fonts {
		number, err := f.font(font)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&fonts, " /F%d %d 0 R", font.number, number)
	}
	for _, a := range slices.Sorted(maps.Keys(c.alphas)) {
		fmt.Fprintf(&alphas, " /A%d << /ca %s /CA %[2]s >>", a, thousandth(float64(a)/0xff))
	}
	content, err := f.stream("", c.body.Bytes())
	if err != nil {
		return nil, err
	}
	pages := len(f.offsets) + 2
	page := f.object("<< /Type /Page /Parent %d 0 R /MediaBox [0 0 %s %s] /Contents %d 0 R /Resources << /ExtGState <<%s >> /Font <<%s >> >> >>",
		pages, decimal(c.enlarge*c.w.Points()), decimal(c.enlarge*c.h.Points()), content, alphas.String(), fonts.String())
	f.object("<< /Type /Pages /Kids [%d 0 R] /Count 1 >>", page)
	catalog := f.object("<< /Type /Catalog /Pages %d 0 R >>", pages)
	info := f.object("<< /Producer (coachsim) >>")
	start := f.Len()
	fmt.Fprintf(&f, "xref\n0 %d\n0000000000 65535 f \n", len(f.offsets)+1)
	for _, offset := range f.offsets {
		fmt.Fprintf(&f, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&f, "trailer\n<< /Size %d /Root %d 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(f.offsets)+1, catalog, info, start)
	return f.Bytes(), nil
}

// font writes a font with the outlines of the glyphs in use and, for searching and
// copying, their characters.
func (f *pdfFile) font(font *pdfFont) (int, error) {
	var source bytes.Buffer
	if _, err := font.face.Face.WriteSourceTo(&font.buffer, &source); err != nil {
		return 0, err
	}
	glyphs := slices.Sorted(maps.Keys(font.widths))
	cut, err := subset(source.Bytes(), glyphs)
	if err != nil {
		return 0, err
	}
	program, err := f.stream(fmt.Sprintf(" /Length1 %d", len(cut)), cut)
	if err != nil {
		return 0, err
	}
	name, weight := "CSIMRG+LiberationSans", 80
	if font.face.Font.Weight > 0 {
		name, weight = "CSIMBD+LiberationSans-Bold", 140
	}
	var widths, characters strings.Builder
	for _, g := range glyphs {
		fmt.Fprintf(&widths, "%d [%s] ", g, fine(font.widths[g]*font.unit))
		fmt.Fprintf(&characters, "<%04X> <", g)
		for _, unit := range utf16.Encode([]rune{font.runes[g]}) {
			fmt.Fprintf(&characters, "%04X", unit)
		}
		characters.WriteString(">\n")
	}
	var blocks strings.Builder // of at most 100 lines
	for block := range slices.Chunk(strings.SplitAfter(strings.TrimSuffix(characters.String(), "\n"), "\n"), 100) {
		fmt.Fprintf(&blocks, "%d beginbfchar\n%s\nendbfchar\n", len(block), strings.TrimSuffix(strings.Join(block, ""), "\n"))
	}
	meaning, err := f.stream("", []byte(`/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
`+blocks.String()+`endcmap
CMapName currentdict /CMap defineresource pop
end
end
`))
	if err != nil {
		return 0, err
	}
	// Ascent and the like are those of Liberation Sans, in thousandths.
	descriptor := f.object("<< /Type /FontDescriptor /FontName /%s /Flags 4 /FontBBox [-544 -303 1302 980] /ItalicAngle 0 /Ascent 905 /Descent -212 /CapHeight 729 /StemV %d /FontFile2 %d 0 R >>",
		name, weight, program)
	descendant := f.object("<< /Type /Font /Subtype /CIDFontType2 /BaseFont /%s /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /FontDescriptor %d 0 R /CIDToGIDMap /Identity /DW 0 /W [ %s] >>",
		name, descriptor, widths.String())
	return f.object("<< /Type /Font /Subtype /Type0 /BaseFont /%s /Encoding /Identity-H /DescendantFonts [%d 0 R] /ToUnicode %d 0 R >>", name, descendant, meaning), nil
}
