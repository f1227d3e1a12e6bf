package plots_test

import (
	"bytes"
	"compress/zlib"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/recorder"

	"coachsim/plots"
)

// formatBound is how far a point of a shape may lie apart in two formats, in
// points: a hundredth, 4 micrometres, is the rounding of SVG.
const formatBound = 0.011

// A shape is one filled or stroked path, in points from the lower left corner.
type shape struct {
	stroke bool
	ink    color.NRGBA
	width  float64
	dashes []float64
	steps  []shapeStep
}

type shapeStep struct {
	kind byte // M, L, C or Z
	at   []float64
}

// cubicTo appends a curve; quadratic ones become cubic.
func (s *shape) curve(points ...float64) {
	if len(points) == 4 {
		from := s.last()
		q, to := points[:2], points[2:]
		points = []float64{
			from[0] + 2./3*(q[0]-from[0]), from[1] + 2./3*(q[1]-from[1]),
			to[0] + 2./3*(q[0]-to[0]), to[1] + 2./3*(q[1]-to[1]), to[0], to[1],
		}
	}
	s.steps = append(s.steps, shapeStep{'C', points})
}

func (s *shape) last() []float64 {
	for _, step := range slices.Backward(s.steps) {
		if n := len(step.at); n > 0 {
			return step.at[n-2:]
		}
	}
	return []float64{0, 0}
}

// recordedShapes reads the shapes off what the PNG canvas is told.
func recordedShapes(t *testing.T, d plots.Drawing) (shapes []shape) {
	t.Helper()
	type style struct {
		ink    color.NRGBA
		width  float64
		dashes []float64
	}
	var now style
	var stack []style
	add := func(stroke bool, p vg.Path) {
		s := shape{stroke: stroke, ink: now.ink}
		if stroke {
			s.width, s.dashes = now.width, now.dashes
		}
		for _, c := range p {
			x, y := float64(c.Pos.X), float64(c.Pos.Y)
			switch c.Type {
			case vg.MoveComp:
				s.steps = append(s.steps, shapeStep{'M', []float64{x, y}})
			case vg.LineComp:
				s.steps = append(s.steps, shapeStep{'L', []float64{x, y}})
			case vg.CurveComp:
				var at []float64
				for _, control := range c.Control {
					at = append(at, float64(control.X), float64(control.Y))
				}
				s.curve(append(at, x, y)...)
			case vg.CloseComp:
				s.steps = append(s.steps, shapeStep{kind: 'Z'})
			default:
				t.Fatal("a figure has an arc, which every format draws in its own way")
			}
		}
		shapes = append(shapes, s)
	}
	for _, action := range plots.Recorded(d) {
		switch a := action.(type) {
		case *recorder.SetColor:
			now.ink = color.NRGBAModel.Convert(a.Color).(color.NRGBA)
		case *recorder.SetLineWidth:
			now.width = float64(a.Width)
		case *recorder.SetLineDash:
			now.dashes = nil
			for _, l := range a.Dashes {
				now.dashes = append(now.dashes, float64(l))
			}
		case *recorder.Push:
			stack = append(stack, now)
		case *recorder.Pop:
			now, stack = stack[len(stack)-1], stack[:len(stack)-1]
		case *recorder.Fill:
			add(false, a.Path)
		case *recorder.Stroke:
			if now.width > 0 {
				add(true, a.Path)
			}
		default:
			t.Fatalf("a figure calls %T", action)
		}
	}
	return shapes
}

var svgStep = regexp.MustCompile(`[MLQCZ][^MLQCZ]*`)

// readPath appends the steps of an SVG path, mapped by m.
func (s *shape) readPath(d string, m []float64) {
	for _, text := range svgStep.FindAllString(d, -1) {
		var at []float64
		for _, n := range decimals.FindAllString(text, -1) {
			v, _ := strconv.ParseFloat(n, 64)
			at = append(at, v)
		}
		for i := 0; i+1 < len(at); i += 2 {
			at[i], at[i+1] = m[0]*at[i]+m[2]*at[i+1]+m[4], m[1]*at[i]+m[3]*at[i+1]+m[5]
		}
		switch text[0] {
		case 'M', 'L':
			s.steps = append(s.steps, shapeStep{text[0], at})
		case 'Z':
			s.steps = append(s.steps, shapeStep{kind: 'Z'})
		default:
			s.curve(at...)
		}
	}
}

// svgShapes reads the shapes off an SVG file.
func svgShapes(t *testing.T, document []byte, height float64) (shapes []shape) {
	t.Helper()
	number := func(text string, otherwise float64) float64 {
		if v, err := strconv.ParseFloat(text, 64); err == nil {
			return v
		}
		return otherwise
	}
	ink := func(get map[string]string, of string) color.NRGBA {
		hex, _ := strconv.ParseUint(strings.TrimPrefix(get[of], "#"), 16, 32)
		return color.NRGBA{uint8(hex >> 16), uint8(hex >> 8), uint8(hex), uint8(math.Round(255 * number(get[of+"-opacity"], 1)))}
	}
	flip := []float64{1, 0, 0, -1, 0, height} // y upwards
	glyphs := map[string]string{}
	var text *shape
	var m []float64
	decoder := xml.NewDecoder(bytes.NewReader(document))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return shapes
		}
		if err != nil {
			t.Fatal(err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		get := map[string]string{}
		for _, a := range start.Attr {
			get[a.Name.Local] = a.Value
		}
		switch name := start.Name.Local; {
		case name == "path" && get["id"] != "":
			glyphs["#"+get["id"]] = get["d"]
		case name == "path" && get["fill"] == "none":
			s := shape{stroke: true, ink: ink(get, "stroke"), width: number(get["stroke-width"], 0)}
			for _, l := range strings.Fields(get["stroke-dasharray"]) {
				s.dashes = append(s.dashes, number(l, 0))
			}
			s.readPath(get["d"], flip)
			shapes = append(shapes, s)
		case name == "path":
			s := shape{ink: ink(get, "fill")}
			s.readPath(get["d"], flip)
			shapes = append(shapes, s)
		case name == "g":
			shapes = append(shapes, shape{ink: ink(get, "fill")})
			text, m = &shapes[len(shapes)-1], nil
			for _, n := range decimals.FindAllString(get["transform"], -1) {
				m = append(m, number(n, 0))
			}
		case name == "use":
			x := number(get["x"], 0)
			text.readPath(glyphs[get["href"]], []float64{m[0], -m[1], m[2], -m[3], m[4] + m[0]*x, height - m[5] - m[1]*x})
		}
	}
}

// pdfShapes reads the shapes off a PDF file.
func pdfShapes(t *testing.T, document []byte) (shapes []shape) {
	t.Helper()
	stream := regexp.MustCompile(`(?s)stream\n(.*?)\nendstream`).FindSubmatch(document)
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
	var s shape
	var alpha, width float64
	var inkFill, inkStroke color.NRGBA
	var dashes []float64
	inkOf := func(at []float64) color.NRGBA {
		v := func(x float64) uint8 { return uint8(math.Round(255 * x)) }
		return color.NRGBA{v(at[0]), v(at[1]), v(at[2]), uint8(alpha)}
	}
	for line := range strings.SplitSeq(strings.ReplaceAll(string(content), " gs ", " gs\n"), "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if i := slices.Index(fields, "w"); i > 0 { // width and dashes stand in one line
			width, _ = strconv.ParseFloat(fields[0], 64)
			dashes = nil
			inside, _, _ := strings.Cut(strings.TrimPrefix(strings.Join(fields[2:], " "), "["), "]")
			for _, l := range strings.Fields(inside) {
				v, _ := strconv.ParseFloat(l, 64)
				dashes = append(dashes, v)
			}
			continue
		}
		operator := fields[len(fields)-1]
		var at []float64
		for _, f := range fields[:len(fields)-1] {
			v, err := strconv.ParseFloat(strings.TrimPrefix(f, "/A"), 64)
			if err != nil {
				t.Fatalf("%q in the PDF", line)
			}
			at = append(at, v)
		}
		switch operator {
		case "gs":
			alpha = at[0]
		case "rg":
			inkFill = inkOf(at)
		case "RG":
			inkStroke = inkOf(at)
		case "m":
			s.steps = append(s.steps, shapeStep{'M', at})
		case "l":
			s.steps = append(s.steps, shapeStep{'L', at})
		case "c":
			s.curve(at...)
		case "h":
			s.steps = append(s.steps, shapeStep{kind: 'Z'})
		case "f":
			s.ink = inkFill
			shapes, s = append(shapes, s), shape{}
		case "S":
			s.stroke, s.ink, s.width, s.dashes = true, inkStroke, width, dashes
			shapes, s = append(shapes, s), shape{}
		case "j":
		default:
			t.Fatalf("operator %q in the PDF", operator)
		}
	}
	return shapes
}

// differ says where shapes are not the same, and how far apart the farthest points
// of the rest are.
func differ(a, b []shape) (where string, apart float64) {
	if len(a) != len(b) {
		return fmt.Sprintf("%d shapes and %d", len(a), len(b)), 0
	}
	far := func(x, y []float64) float64 {
		if len(x) != len(y) {
			return math.Inf(1)
		}
		worst := 0.0
		for i := range x {
			worst = max(worst, math.Abs(x[i]-y[i]))
		}
		return worst
	}
	for i := range a {
		x, y := a[i], b[i]
		switch {
		case x.stroke != y.stroke || x.ink != y.ink:
			return fmt.Sprintf("shape %d: %v %v and %v %v", i, x.stroke, x.ink, y.stroke, y.ink), apart
		case len(x.steps) != len(y.steps):
			return fmt.Sprintf("shape %d: %d steps and %d", i, len(x.steps), len(y.steps)), apart
		}
		apart = max(apart, math.Abs(x.width-y.width), far(x.dashes, y.dashes))
		for k := range x.steps {
			if x.steps[k].kind != y.steps[k].kind {
				return fmt.Sprintf("shape %d, step %d: %c and %c", i, k, x.steps[k].kind, y.steps[k].kind), apart
			}
			apart = max(apart, far(x.steps[k].at, y.steps[k].at))
		}
	}
	return "", apart
}

// TestFormatsAgree reads the shapes of every figure back from SVG and PDF and holds them
// against what PNG is painted from: the same in number, order, colour and kind,
// and no point farther apart than a hundredth of one.
func TestFormatsAgree(t *testing.T) {
	worst := 0.0
	for _, fig := range slices.Concat(figures(), kindFigures(t)) {
		drawing, err := plots.Captioned{Figure: fig, Study: "Study: does it work?"}.Draw(plots.Journal())
		if err != nil {
			t.Fatal(err)
		}
		recorded := recordedShapes(t, drawing)
		if len(recorded) < 10 {
			t.Errorf("%s has %d shapes", fig.Name(), len(recorded))
		}
		write := func(f plots.Format) []byte {
			var b bytes.Buffer
			if err := plots.Render(&b, f, drawing); err != nil {
				t.Fatal(err)
			}
			return b.Bytes()
		}
		for format, shapes := range map[plots.Format][]shape{
			plots.SVG: svgShapes(t, write(plots.SVG), drawing.Height.Points()),
			plots.PDF: pdfShapes(t, write(plots.PDF)),
		} {
			where, apart := differ(recorded, shapes)
			worst = max(worst, apart)
			if where != "" || apart > formatBound {
				t.Errorf("%s: PNG and %s differ: %s; points are up to %.3g apart", fig.Name(), format, where, apart)
			}
		}
	}
	t.Logf("points are at most %.2g pt apart", worst)
}

// TestRastersAgree lets other programs draw SVG and PDF, and compares with PNG. Edges
// are smoothed in different ways, so it compares the grey of squares of 6 by 6
// dots (0.5 mm): on average they may differ by 1% of the way from black to white, and none by more than a third.
func TestRastersAgree(t *testing.T) {
	if testing.Short() {
		t.Skip("draws every figure three times")
	}
	for _, tool := range []string{"rsvg-convert", "pdftoppm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("there is no %s", tool)
		}
	}
	dir := t.TempDir()
	for i, fig := range append(figures()[3:4], kindFigures(t)...) {
		for _, text := range []plots.Text{plots.Outlines, plots.Fonts} {
			if text == plots.Fonts && i%4 != 0 { // a few tell whether fonts are right
				continue
			}
			theme := plots.Journal()
			theme.Width, theme.Text = plots.MidWidth, text
			if _, err := plots.Write(dir, theme, fig, plots.Formats()...); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, fig.Name())
			ours := greyOf(t, path+".png")
			size := ours.Bounds().Size()
			across, down := strconv.Itoa(size.X), strconv.Itoa(size.Y)
			programs := map[string]*exec.Cmd{
				"-pdf.png": exec.Command("pdftoppm", "-png", "-singlefile", "-scale-to-x", across, "-scale-to-y", down, path+".pdf", path+"-pdf"),
			}
			if text == plots.Outlines { // SVG with text needs a font of the machine
				programs["-svg.png"] = exec.Command("rsvg-convert", "-w", across, "-h", down, path+".svg", "-o", path+"-svg.png")
			}
			for file, command := range programs {
				if out, err := command.CombinedOutput(); err != nil {
					t.Fatalf("%v: %v\n%s", command, err, out)
				}
				mean, most := greyDifference(ours, greyOf(t, path+file))
				if mean > 0.01 || most > 0.34 {
					t.Errorf("%s%s, text %d: squares differ by %.4f on average, %.2f at most", fig.Name(), file, text, mean, most)
				}
			}
		}
	}
}

func greyOf(t *testing.T, path string) *image.Gray {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	picture, err := png.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	grey := image.NewGray(picture.Bounds())
	draw.Draw(grey, grey.Rect, picture, grey.Rect.Min, draw.Src)
	return grey
}

// greyDifference compares squares of 6 by 6 dots.
func greyDifference(a, b *image.Gray) (mean, most float64) {
	const side = 6
	n := 0
	for y := 0; y+side <= a.Rect.Dy(); y += side {
		for x := 0; x+side <= a.Rect.Dx(); x += side {
			sum := 0
			for j := range side {
				for i := range side {
					sum += int(a.GrayAt(x+i, y+j).Y) - int(b.GrayAt(x+i, y+j).Y)
				}
			}
			d := math.Abs(float64(sum)) / (side * side * 255)
			mean, most, n = mean+d, max(most, d), n+1
		}
	}
	return mean / float64(n), most
}
