package plots

import (
	"errors"
	"fmt"
	"image/color"

	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	xfont "golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// The widths that journals print figures at.
const (
	OneColumn  = 85 * vg.Millimeter
	MidWidth   = 120 * vg.Millimeter
	TwoColumns = 175 * vg.Millimeter
)

// A Marker is the shape of a point.
type Marker uint8

// The markers. They differ in outline, so that they can be told apart in grey.
const (
	Circle Marker = iota
	Square
	Diamond
	Triangle
	Inverted // a triangle on its tip
)

// A Series is the look of one set of points or one line: the colour, the
// marker and the dashes each tell it apart without the others.
type Series struct {
	Color  color.Color
	Marker Marker
	Hollow bool
	Dashes []vg.Length
}

// A Theme holds type sizes, line widths and series of a figure. Get one from
// [Journal] and change its fields; the zero Theme has no font and cannot draw.
type Theme struct {
	TitleSize  vg.Length // panel titles
	LabelSize  vg.Length // axis labels
	TickSize   vg.Length // tick labels, row labels and numbers
	LegendSize vg.Length

	LineWidth   vg.Length // of data
	AxisWidth   vg.Length // of axes and reference lines
	MarkerWidth vg.Length // diameter of a marker

	Ink   color.Color // text and axes
	Quiet color.Color // remarks, reference lines
	Faint color.Color // row guides, bands

	// Width of every figure that can be drawn at any, before it is enlarged; 0
	// leaves it to the figure.
	Width vg.Length
	// Enlarge is how many times larger than drawn a figure is written, type and
	// lines with it; 0 is once.
	Enlarge float64
	Text    Text
	// Bare leaves titles and captions off, for a journal that sets them itself.
	Bare bool

	// Series are used in order.
	Series []Series

	regular, bold *sfnt.Font
}

// Journal returns the theme of printed figures: Liberation Sans from 7 to 9
// points and the colours of Okabe and Ito, which the colour-blind can tell apart.
func Journal() Theme {
	return Theme{
		TitleSize:   9,
		LabelSize:   8,
		TickSize:    7,
		LegendSize:  7.5,
		LineWidth:   1.1,
		AxisWidth:   0.5,
		MarkerWidth: 4.2,
		Ink:         color.Gray{},
		Quiet:       color.Gray{Y: 0x59},
		Faint:       color.Gray{Y: 0xe4},
		Series: []Series{
			{Color: rgb(0x0072b2), Marker: Circle},
			{Color: rgb(0xd55e00), Marker: Square, Dashes: []vg.Length{4, 2}},
			{Color: rgb(0x009e73), Marker: Triangle, Dashes: []vg.Length{1, 1.5}},
			{Color: rgb(0xcc79a7), Marker: Diamond, Dashes: []vg.Length{6, 1.5, 1, 1.5}},
			{Color: rgb(0xe69f00), Marker: Circle, Hollow: true, Dashes: []vg.Length{2, 1}},
			{Color: rgb(0x56b4e9), Marker: Square, Hollow: true, Dashes: []vg.Length{8, 2}},
			// Figures that compare many estimators need more than Okabe and Ito have
			// that shows on white: black, and colours of Tol's muted scheme that do not
			// take after those above.
			{Color: rgb(0x000000), Marker: Triangle, Hollow: true, Dashes: []vg.Length{3, 1, 1, 1, 1, 1}},
			{Color: rgb(0x882255), Marker: Diamond, Hollow: true, Dashes: []vg.Length{5, 1}},
			{Color: rgb(0x777777), Marker: Inverted, Dashes: []vg.Length{1, 3}},
			{Color: rgb(0x332288), Marker: Inverted, Hollow: true, Dashes: []vg.Length{10, 1.5, 2, 1.5}},
			{Color: rgb(0x999933), Marker: Square, Dashes: []vg.Length{2, 2, 6, 2}},
			{Color: rgb(0x44aa99), Marker: Triangle, Dashes: []vg.Length{12, 3}},
		},
		regular: mustParse(liberationsansregular.TTF),
		bold:    mustParse(liberationsansbold.TTF),
	}
}

// mustParse reads a font that is compiled into the program.
func mustParse(ttf []byte) *sfnt.Font {
	f, err := opentype.Parse(ttf)
	if err != nil {
		panic(fmt.Sprintf("plots: embedded font: %v", err))
	}
	return f
}

func rgb(hex uint32) color.Color {
	return color.NRGBA{R: uint8(hex >> 16), G: uint8(hex >> 8), B: uint8(hex), A: 0xff}
}

func (t Theme) validate() error {
	if t.regular == nil || t.bold == nil || len(t.Series) < 2 {
		return errors.New("plots: the theme has no fonts or fewer than two series; start from Journal()")
	}
	return nil
}

func (t Theme) face(size vg.Length) font.Face {
	return font.Face{Font: font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}, Face: t.regular}
}

func (t Theme) boldFace(size vg.Length) font.Face {
	return font.Face{
		Font: font.Font{Typeface: "Liberation", Variant: "Sans", Weight: xfont.WeightBold, Size: size},
		Face: t.bold,
	}
}

// width returns the width of a figure: its own, the theme's, or otherwise.
func (t Theme) width(own, otherwise vg.Length) vg.Length {
	return orWidth(own, orWidth(t.Width, otherwise))
}

// look is the i-th series; more than there are begin again.
func (t Theme) look(i int) Series { return t.Series[i%len(t.Series)] }

// translucent is a colour through which others show.
func translucent(c color.Color, share float64) color.Color {
	n := color.NRGBAModel.Convert(c).(color.NRGBA)
	n.A = uint8(255*share + 0.5)
	return n
}

// tint mixes a colour with white; share is how much of the colour remains. A
// tint prints the same everywhere, which transparency does not.
func tint(c color.Color, share float64) color.Color {
	n := color.NRGBAModel.Convert(c).(color.NRGBA)
	mix := func(v uint8) uint8 { return uint8(255 - share*float64(255-v) + 0.5) }
	return color.NRGBA{R: mix(n.R), G: mix(n.G), B: mix(n.B), A: 0xff}
}
