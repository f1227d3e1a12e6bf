package plots

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot/vg"
)

// Contour shows power, or the minimum detectable effect, over two swept numbers:
// X across and By upwards, a panel for every estimate and every value of other
// keys. Levels are lines with their values; between the simulated designs, which
// are dots, the number is bilinear on the scale of the designs. The tint
// deepens with the level.
type Contour struct {
	File   string    // name of the files; "contour" where empty
	Width  vg.Length // 0 chooses by the number of panels
	Alpha  float64
	Target float64 // of power, drawn thick; 0.8 where 0
	MDES   bool    // the minimum detectable effect in the place of power
	Keys
	Rows []Row
}

// Name returns the name of the figure's files.
func (c Contour) Name() string { return named(c.File, "contour") }

type contourPanel struct {
	head   gridPanel
	xs, ys []float64
	z      [][]float64 // by y, then x; NaN where no design was simulated
	mcse   [][]float64
	n      [][]int
}

func (c Contour) target() float64 {
	if c.Target == 0 {
		return 0.8
	}
	return c.Target
}

// panels divides the rows; keys are those found for the axes.
func (c Contour) panels() (panels []contourPanel, keys Keys, err error) {
	keys = c.Keys
	for _, key := range []*string{&keys.X, &keys.By, &keys.Panel} {
		if *key, err = findKey(c.Rows, *key); err != nil {
			return nil, keys, err
		}
	}
	if len(c.Rows) == 0 {
		return nil, keys, nil
	}
	x, xs, rest := sweptNumber(c.Rows, keys.X)
	if x == "" {
		if keys.X != "" {
			err = fmt.Errorf("the values of %s are not two or more numbers", keys.X)
		}
		return nil, keys, err
	}
	keys.X = x
	var ys []float64
	for _, key := range rest {
		if keys.By == "" || key == keys.By {
			if y, values, _ := sweptNumber(c.Rows, key); y != "" {
				keys.By, ys = y, values
				break
			}
		}
	}
	if ys == nil {
		return nil, keys, fmt.Errorf("a contour needs two swept keys whose values are numbers; besides %s there is none", x)
	}
	rest = slices.DeleteFunc(rest, func(key string) bool { return key == keys.By })
	names := InWords(rest)
	place := map[string]int{}
	for _, row := range c.Rows {
		value, mcse := 100*row.Power, 100*row.PowerMCSE
		if c.MDES {
			mdes := row.Detectable(c.Alpha, c.target())
			value, mcse = mdes.Value, mdes.MCSE
		}
		if !finite(value) {
			continue
		}
		head := gridPanel{title: []string{title(row, "")}}
		where := ""
		for k, key := range rest {
			if k > 0 {
				where += ", "
			}
			where += names[k] + " = " + Bare(factor(row, key))
		}
		if where != "" {
			head.title = append(head.title, where)
		}
		id := fmt.Sprint(head.title, row.Estimator, row.Outcome, row.Term, row.Estimand)
		at, known := place[id]
		if !known {
			at = len(panels)
			place[id] = at
			panel := contourPanel{head: head, xs: xs, ys: ys}
			for range ys {
				panel.z = append(panel.z, slices.Repeat([]float64{math.NaN()}, len(xs)))
				panel.mcse = append(panel.mcse, slices.Repeat([]float64{math.NaN()}, len(xs)))
				panel.n = append(panel.n, make([]int, len(xs)))
			}
			panels = append(panels, panel)
		}
		px, _ := strconv.ParseFloat(Bare(factor(row, keys.X)), 64) // sweptNumber has read them
		py, _ := strconv.ParseFloat(Bare(factor(row, keys.By)), 64)
		ix, iy := slices.Index(xs, px), slices.Index(ys, py)
		panels[at].z[iy][ix], panels[at].mcse[iy][ix], panels[at].n[iy][ix] = value, mcse, row.N
	}
	return panels, keys, nil
}

// levels returns the values of the lines.
func (c Contour) levels(panels []contourPanel) []float64 {
	ends := span{}
	for _, panel := range panels {
		for _, row := range panel.z {
			ends.add(row...)
		}
	}
	step, _ := roundStep((ends.hi - ends.lo) / 8)
	var levels []float64
	for k := math.Floor(ends.lo/step) + 1; k*step < ends.hi; k++ {
		levels = append(levels, math.Round(k*step*1e9)/1e9)
	}
	if t := 100 * c.target(); !c.MDES && t > ends.lo && t < ends.hi && !slices.Contains(levels, t) {
		levels = append(levels, t)
		slices.Sort(levels)
	}
	return levels
}

// Words are the figure's title and note.
func (c Contour) Words() Words {
	w := Words{Title: "Power"}
	if c.MDES {
		w.Title = "Minimum detectable effect"
	}
	panels, keys, err := c.panels()
	if err != nil || len(panels) == 0 {
		return w
	}
	w.Title += " over " + InSentence(AxisName(keys.X)) + " and " + InSentence(AxisName(keys.By))
	worst := "Monte Carlo standard error at most " + short(worstOf(panels), worstOf(panels))
	if !c.MDES {
		worst += " points"
	}
	w.Note = sentences(trialsNote(c.Rows), "Dots are simulated designs; between them, lines of equal level are interpolated", worst, fmt.Sprintf("Tests at α = %v", c.Alpha))
	return w
}

// Draw lays the figure out.
func (c Contour) Draw(t Theme) (Drawing, error) {
	if err := errors.Join(t.validate(), checkAlpha(c.Alpha)); err != nil {
		return Drawing{}, err
	}
	panels, keys, err := c.panels()
	if err != nil {
		return Drawing{}, err
	}
	if len(panels) == 0 {
		return Drawing{}, &Empty{"no row has the measure and two swept numbers to show it over"}
	}
	if len(panels) > MaxPanels {
		return Drawing{}, fmt.Errorf("plots: %d contours do not fit on one page of %d", len(panels), MaxPanels)
	}
	levels := c.levels(panels)
	columns, width := grid(t, c.Width, len(panels))
	var labels []string
	for _, y := range panels[0].ys {
		labels = append(labels, signed(y, digitsOf(y)))
	}
	what, unit := "Power (%)", " points"
	if c.MDES {
		what, unit = "Minimum detectable effect (outcome units), power "+percent(c.target()), ""
	}
	worst := worstOf(panels)
	l := legend{
		{what + ", α = " + fmt.Sprint(c.Alpha), sampleWidth, func(p pen, box vg.Rectangle) {
			y := (box.Min.Y + box.Max.Y) / 2
			p.line(t.Ink, 0.7*t.LineWidth, nil, box.Min.X, y, box.Max.X, y)
		}},
		{"simulated design (Monte Carlo SE at most " + short(worst, worst) + unit + ")", 6, func(p pen, box vg.Rectangle) {
			paintDot(p, (box.Min.X+box.Max.X)/2, (box.Min.Y+box.Max.Y)/2)
		}},
	}
	if !c.MDES && slices.Contains(levels, 100*c.target()) {
		l = append(l, legendEntry{percent(c.target()), sampleWidth, func(p pen, box vg.Rectangle) {
			y := (box.Min.Y + box.Max.Y) / 2
			p.line(t.Ink, 1.8*t.LineWidth, nil, box.Min.X, y, box.Max.X, y)
		}})
	}
	g := panelGrid{
		width: width, columns: columns, gap: 12, scale: scaleRoom(t, labels...),
		legend: l, ylabel: AxisName(keys.By), xlabel: AxisName(keys.X),
		height: func(w vg.Length) vg.Length { return max(30*vg.Millimeter, 0.75*w) },
		paint:  func(p pen, i int, body vg.Rectangle) { c.paint(p, panels[i], levels, body) },
	}
	for _, panel := range panels {
		g.panels = append(g.panels, panel.head)
	}
	return g.drawing(t)
}

// worstOf is the largest Monte Carlo standard error in the panels.
func worstOf(panels []contourPanel) (worst float64) {
	for _, panel := range panels {
		for _, row := range panel.mcse {
			for _, mcse := range row {
				if finite(mcse) {
					worst = max(worst, mcse)
				}
			}
		}
	}
	return worst
}

func paintDot(p pen, x, y vg.Length) {
	p.theme.MarkerWidth *= 0.4
	p.marker(Series{Color: p.theme.Ink}, x, y)
}

// at is bilinear between the designs.
func (panel contourPanel) at(x, y float64) float64 {
	below := func(values []float64, v float64) (int, float64) {
		i := min(max(0, len(values)-2), max(0, sortedBelow(values, v)))
		return i, (v - values[i]) / (values[i+1] - values[i])
	}
	i, u := below(panel.xs, x)
	j, v := below(panel.ys, y)
	return (1-v)*((1-u)*panel.z[j][i]+u*panel.z[j][i+1]) + v*((1-u)*panel.z[j+1][i]+u*panel.z[j+1][i+1])
}

// sortedBelow is the index of the last of ascending values that is at most v.
func sortedBelow(values []float64, v float64) int {
	i, found := slices.BinarySearch(values, v)
	if found {
		return i
	}
	return i - 1
}

func (c Contour) paint(p pen, panel contourPanel, levels []float64, body vg.Rectangle) {
	t := p.theme
	face := t.face(t.TickSize)
	size := body.Size()
	x0, x1 := panel.xs[0], panel.xs[len(panel.xs)-1]
	y0, y1 := panel.ys[0], panel.ys[len(panel.ys)-1]
	atX := func(v float64) vg.Length { return body.Min.X + vg.Length(0.03+0.94*(v-x0)/(x1-x0))*size.X }
	atY := func(v float64) vg.Length { return body.Min.Y + vg.Length(0.03+0.94*(v-y0)/(y1-y0))*size.Y }
	band := func(z float64) int {
		k := 0
		for k < len(levels) && z >= levels[k] {
			k++
		}
		return k
	}
	shade := func(k int) color.Color {
		return tint(t.Series[0].Color, 0.04+0.5*float64(k)/float64(max(1, len(levels))))
	}
	// Runs of one band in each of many thin rows: small files, and the steps lie
	// under the lines.
	const fine = 48
	for j := range fine {
		y := y0 + (y1-y0)*(float64(j)+0.5)/fine
		bottom, top := atY(y0+(y1-y0)*float64(j)/fine), atY(y0+(y1-y0)*float64(j+1)/fine)
		if j+1 < fine {
			top += 0.35 // hides the hairlines that viewers leave between neighbours
		}
		from, last := x0, -1
		const steps = 200
		for i := range steps + 1 {
			x := x0 + (x1-x0)*float64(i)/steps
			k := -1
			if z := panel.at(x, y); finite(z) && i < steps {
				k = band(z)
			}
			if k != last {
				if last >= 0 {
					p.fill(shade(last), atX(from), bottom, atX(x), top)
				}
				from, last = x, k
			}
		}
	}
	digits := 0
	for _, level := range levels {
		digits = max(digits, digitsOf(level))
	}
	var taken []vg.Rectangle // by labels
	for _, level := range levels {
		thick := 0.7 * t.LineWidth
		if !c.MDES && level == 100*c.target() {
			thick = 1.8 * t.LineWidth
		}
		longest := paintLevel(p, panel, level, thick, func(x, y float64) vg.Point { return vg.Point{X: atX(x), Y: atY(y)} })
		taken = paintLevelName(p, signed(level, digits), longest, body, taken)
	}
	for j, y := range panel.ys {
		label := signed(y, digitsOf(y))
		if j == 0 || atY(y)-atY(panel.ys[j-1]) > 1.1*t.TickSize {
			p.text(face, t.Ink, body.Min.X-tickLength, atY(y)-middle*t.TickSize, alignRight, label)
		}
		p.line(t.Ink, t.AxisWidth, nil, body.Min.X-0.6*tickLength, atY(y), body.Min.X, atY(y))
		for i, x := range panel.xs {
			if finite(panel.z[j][i]) {
				paintDot(p, atX(x), atY(y))
			}
		}
	}
	p.line(t.Ink, t.AxisWidth, nil, body.Min.X, body.Min.Y, body.Min.X, body.Max.Y)
	paintSwept(p, body, panel.xs, atX)
}

// paintLevel draws the lines of a level by marching squares on a fine lattice and
// returns the longest.
func paintLevel(p pen, panel contourPanel, level float64, thick vg.Length, place func(x, y float64) vg.Point) (longest []vg.Point) {
	const fine = 36
	x0, x1 := panel.xs[0], panel.xs[len(panel.xs)-1]
	y0, y1 := panel.ys[0], panel.ys[len(panel.ys)-1]
	lattice := func(i, j int) (x, y, z float64) {
		x, y = x0+(x1-x0)*float64(i)/fine, y0+(y1-y0)*float64(j)/fine
		return x, y, panel.at(x, y)
	}
	var segments [][2]vg.Point
	for j := range fine {
		for i := range fine {
			var cuts []vg.Point
			for _, side := range [4][4]int{{0, 0, 1, 0}, {1, 0, 1, 1}, {1, 1, 0, 1}, {0, 1, 0, 0}} {
				ax, ay, az := lattice(i+side[0], j+side[1])
				bx, by, bz := lattice(i+side[2], j+side[3])
				if (az >= level) != (bz >= level) && finite(az) && finite(bz) {
					s := (level - az) / (bz - az)
					cuts = append(cuts, place(ax+s*(bx-ax), ay+s*(by-ay)))
				}
			}
			for k := 0; k+1 < len(cuts); k += 2 {
				segments = append(segments, [2]vg.Point{cuts[k], cuts[k+1]})
			}
		}
	}
	for _, line := range join(segments) {
		var path vg.Path
		for i, pt := range line {
			if i == 0 {
				path.Move(pt)
			} else {
				path.Line(pt)
			}
		}
		p.SetColor(p.theme.Ink)
		p.SetLineWidth(thick)
		p.SetLineDash(nil, 0)
		p.Stroke(path)
		if len(line) > len(longest) {
			longest = line
		}
	}
	return longest
}

// paintLevelName writes the value of a level on its line, where it is clear of the
// labels before, and returns the room taken. A line too short or too crowded for
// one has none.
func paintLevelName(p pen, label string, line []vg.Point, body vg.Rectangle, taken []vg.Rectangle) []vg.Rectangle {
	t := p.theme
	face := t.face(t.TickSize)
	half := face.Width(label)/2 + 1
	if len(line) < 4 {
		return taken
	}
	for _, along := range []float64{0.5, 0.35, 0.65, 0.2, 0.8} {
		at := line[int(along*float64(len(line)-1))]
		box := vg.Rectangle{
			Min: vg.Point{X: at.X - half, Y: at.Y - 0.5*t.TickSize},
			Max: vg.Point{X: at.X + half, Y: at.Y + 0.5*t.TickSize},
		}
		if box.Min.X < body.Min.X || box.Max.X > body.Max.X || box.Min.Y < body.Min.Y || box.Max.Y > body.Max.Y ||
			slices.ContainsFunc(taken, func(other vg.Rectangle) bool { return overlap(box, other) }) {
			continue
		}
		p.fill(color.White, box.Min.X, box.Min.Y, box.Max.X, box.Max.Y)
		p.text(face, t.Ink, at.X, at.Y-middle*t.TickSize, alignCentre, label)
		return append(taken, box)
	}
	return taken
}

// overlap says whether rectangles do.
func overlap(a, b vg.Rectangle) bool {
	return a.Min.X < b.Max.X && b.Min.X < a.Max.X && a.Min.Y < b.Max.Y && b.Min.Y < a.Max.Y
}

// join makes lines of segments that meet.
func join(segments [][2]vg.Point) (lines [][]vg.Point) {
	meets := func(a, b vg.Point) bool { return math.Abs(float64(a.X-b.X))+math.Abs(float64(a.Y-b.Y)) < 1e-6 }
	for len(segments) > 0 {
		line := []vg.Point{segments[0][0], segments[0][1]}
		segments = segments[1:]
		for grown := true; grown; {
			grown = false
			for i, s := range segments {
				first, last := line[0], line[len(line)-1]
				switch {
				case meets(last, s[0]):
					line = append(line, s[1])
				case meets(last, s[1]):
					line = append(line, s[0])
				case meets(first, s[0]):
					line = slices.Insert(line, 0, s[1])
				case meets(first, s[1]):
					line = slices.Insert(line, 0, s[0])
				default:
					continue
				}
				segments = slices.Delete(slices.Clone(segments), i, i+1)
				grown = true
				break
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// Table returns the numbers at the simulated designs, which the lines lie between.
func (c Contour) Table() [][]string {
	panels, keys, err := c.panels()
	measure := "power_percent"
	if c.MDES {
		measure = "mdes"
	}
	table := [][]string{{"label", "where", named(keys.X, "x"), named(keys.By, "y"), measure, "mcse", "n", "alpha"}}
	if err != nil {
		return table[:1]
	}
	for _, panel := range panels {
		where := ""
		if len(panel.head.title) > 1 {
			where = panel.head.title[1]
		}
		for j, y := range panel.ys {
			for i, x := range panel.xs {
				if finite(panel.z[j][i]) {
					table = append(table, []string{panel.head.title[0], where, cell(x), cell(y), cell(panel.z[j][i]), cell(panel.mcse[j][i]), whole(panel.n[j][i]), cell(c.Alpha)})
				}
			}
		}
	}
	return table
}
