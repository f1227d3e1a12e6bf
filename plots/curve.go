package plots

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"coachsim/sim"
)

// PowerCurve shows how power changes over a sweep: a panel for every estimate,
// across it the first swept key that is a number, and in it a line for every
// value of the next key. Keys that are left make panels of their own. Points
// have 95% Wilson intervals, reference lines stand at 80% and at Alpha, where
// the points of true null effects belong.
//
// Rows without a power (numbers that are not tested) are left out. One page
// holds up to [MaxPanels] panels; [PowerCurve.Pages] divides more.
type PowerCurve struct {
	File  string    // name of the files; "power-curve" where empty
	Width vg.Length // 0 chooses by the number of panels
	Alpha float64   // level of the tests, in (0, 1)
	Rows  []Row

	page *curves // what Pages put on this page; nil for all rows
}

// Name returns the name of the figure's files.
func (c PowerCurve) Name() string { return named(c.File, "power-curve") }

// maxCurves is how many lines a panel can show and still be read.
const maxCurves = 6

// curves are the rows of a PowerCurve in the order they are drawn.
type curves struct {
	across, by string    // keys of the factors; by is empty for one line a panel
	xs         []float64 // values of across, ascending
	levels     []string  // of by
	panels     []curvePanel
}

type curvePanel struct {
	title string // of the estimate
	where string // values of the keys that make panels
	rows  []Row
	lines [][]curvePoint // by level
}

type curvePoint struct {
	x                float64
	power, low, high float64 // shares
	n, failed        int
}

// Pages divides the panels over figures of at most MaxPanels, named NAME-1,
// NAME-2 and so on; a figure that fits on one page is returned as it is.
func (c PowerCurve) Pages() []PowerCurve {
	all := c.arrange()
	if len(all.panels) <= MaxPanels {
		return []PowerCurve{c}
	}
	var pages []PowerCurve
	for part := range slices.Chunk(all.panels, MaxPanels) {
		page := c
		page.File = fmt.Sprintf("%s-%d", c.Name(), len(pages)+1)
		page.page = new(curves)
		*page.page = all
		page.page.panels = part
		pages = append(pages, page)
	}
	return pages
}

// arrange divides the rows over panels and lines. There are no panels where no
// swept key is a number.
func (c PowerCurve) arrange() curves {
	if c.page != nil {
		return *c.page
	}
	var rows []Row
	for _, row := range c.Rows {
		if row.Power >= 0 && row.Power <= 1 && row.N > 0 {
			rows = append(rows, row)
		}
	}
	if len(rows) == 0 {
		return curves{}
	}
	var a curves
	var keys []string
	if a.across, a.xs, keys = sweptNumber(rows); a.across == "" {
		return curves{}
	}
	for i, key := range keys {
		if levels := levelsOf(rows, key); len(levels) <= maxCurves {
			a.by, a.levels = key, levels
			keys = slices.Delete(keys, i, i+1)
			break
		}
	}
	a.divide(rows, keys)
	return a
}

// sweptNumber returns the first swept key that is a number, its values in
// ascending order, and the keys besides that tell designs apart. Across is empty
// where no swept key is a number.
func sweptNumber(rows []Row) (across string, xs []float64, keys []string) {
	for _, f := range rows[0].Factors {
		values := levelsOf(rows, f.Key)
		numbers := make([]float64, 0, len(values))
		for _, v := range values {
			if x, err := strconv.ParseFloat(v, 64); err == nil && finite(x) {
				numbers = append(numbers, x)
			}
		}
		if across == "" && len(values) > 1 && len(numbers) == len(values) {
			slices.Sort(numbers)
			across, xs = f.Key, slices.Compact(numbers)
			continue
		}
		keys = append(keys, f.Key)
	}
	if across == "" {
		return "", nil, nil
	}
	// A key that is zipped to the one across says nothing of its own.
	keys = slices.DeleteFunc(keys, func(key string) bool {
		pairs := map[[2]string]bool{}
		for _, row := range rows {
			pairs[[2]string{factor(row, across), factor(row, key)}] = true
		}
		return len(pairs) == len(levelsOf(rows, across))
	})
	return across, xs, keys
}

// divide fills the panels. Keys are those that make panels.
func (a *curves) divide(rows []Row, keys []string) {
	place := map[string]int{}
	for _, row := range rows {
		title := row.Label
		if title == "" {
			title = fmt.Sprintf("%s → %s (%s)", row.Term, row.Outcome, row.Estimator)
		}
		var where []string
		for _, key := range keys {
			where = append(where, lastPart(key)+" = "+factor(row, key))
		}
		// Estimates that only their estimand tells apart get panels of their own.
		id := strings.Join([]string{title, strings.Join(where, ", "), row.Estimator, row.Outcome, row.Term, row.Estimand}, "\x00")
		at, known := place[id]
		if !known {
			at = len(a.panels)
			place[id] = at
			a.panels = append(a.panels, curvePanel{title: title, where: strings.Join(where, ", "), lines: make([][]curvePoint, max(1, len(a.levels)))})
		}
		panel := &a.panels[at]
		panel.rows = append(panel.rows, row)
		x, _ := strconv.ParseFloat(factor(row, a.across), 64) // arrange has read it before
		point := curvePoint{x: x, power: row.Power, n: row.N, failed: row.NFail}
		point.low, point.high = wilson(row.Power, row.N)
		line := max(0, slices.Index(a.levels, factor(row, a.by)))
		panel.lines[line] = append(panel.lines[line], point)
	}
	for _, panel := range a.panels {
		for _, line := range panel.lines {
			slices.SortStableFunc(line, func(p, q curvePoint) int {
				if p.x < q.x {
					return -1
				}
				if p.x > q.x {
					return 1
				}
				return 0
			})
		}
	}
}

// factor returns the value of a swept key in a row.
func factor(row Row, key string) string {
	if i := slices.IndexFunc(row.Factors, func(f sim.Factor) bool { return f.Key == key }); i >= 0 {
		return row.Factors[i].Value
	}
	return ""
}

// levelsOf lists the different values of a key in the order they appear.
func levelsOf(rows []Row, key string) []string {
	var levels []string
	for _, row := range rows {
		if v := factor(row, key); !slices.Contains(levels, v) {
			levels = append(levels, v)
		}
	}
	return levels
}

// lastPart is a key without the sections it stands in.
func lastPart(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }

// Draw lays the figure out.
func (c PowerCurve) Draw(t Theme) (Drawing, error) {
	if err := t.validate(); err != nil {
		return Drawing{}, err
	}
	if !(c.Alpha > 0 && c.Alpha < 1) {
		return Drawing{}, fmt.Errorf("plots: alpha is %v; it must lie between 0 and 1", c.Alpha)
	}
	a := c.arrange()
	n := len(a.panels)
	switch {
	case n == 0:
		return Drawing{}, errors.New("plots: no row has a power and a swept number to show it over")
	case n > MaxPanels:
		return Drawing{}, fmt.Errorf("plots: %d power curves do not fit on one page of %d; use Pages", n, MaxPanels)
	}
	columns, width := grid(n)
	if n == 1 {
		width = MidWidth
	}
	width = orWidth(c.Width, width)
	inside := width - 2*edge
	const gap = vg.Length(10)
	small, title := t.face(t.TickSize), t.face(t.LegendSize)
	scale := small.Width("100") + 1.5*tickLength // room for the labels of the vertical axis
	cellWidth := (inside - vg.Length(columns-1)*gap) / vg.Length(columns)
	if cellWidth-scale < 15*vg.Millimeter {
		return Drawing{}, fmt.Errorf("plots: %d columns of panels need more than %.0f mm", columns, width/vg.Millimeter)
	}
	bodyHeight := max(24*vg.Millimeter, 0.62*(cellWidth-scale))
	titles := make([][]string, n)
	rows := (n + columns - 1) / columns
	head := make([]vg.Length, rows)
	for i, panel := range a.panels {
		titles[i] = wrap(title, panel.title, cellWidth)
		if panel.where != "" {
			titles[i] = append(titles[i], wrap(title, panel.where, cellWidth)...)
		}
		head[i/columns] = max(head[i/columns], (leading*vg.Length(len(titles[i]))+0.5)*t.LegendSize)
	}
	foot := tickLength + 1.3*t.TickSize
	legend := c.legend(t, a)
	legendHeight := legend.height(t, inside)
	height := 2*edge + legendHeight + 1.6*t.LabelSize - panelGap
	for _, h := range head {
		height += h + bodyHeight + foot + panelGap
	}
	paint := func(canvas draw.Canvas) {
		p := pen{Canvas: canvas, theme: t}
		left, top := canvas.Min.X+edge, canvas.Max.Y-edge
		legend.paint(p, left, top, inside)
		top -= legendHeight
		for i := range a.panels {
			row, col := i/columns, i%columns
			if col == 0 && row > 0 {
				top -= head[row-1] + bodyHeight + foot + panelGap
			}
			x := left + vg.Length(col)*(cellWidth+gap)
			y := top - title.Font.Size
			for _, line := range titles[i] {
				p.text(title, t.Ink, x, y, alignLeft, line)
				y -= leading * title.Font.Size
			}
			bottom := top - head[row] - bodyHeight
			c.paintPanel(p, a, a.panels[i], vg.Rectangle{
				Min: vg.Point{X: x + scale, Y: bottom},
				Max: vg.Point{X: x + cellWidth, Y: bottom + bodyHeight},
			})
		}
		p.text(t.face(t.LabelSize), t.Ink, canvas.Min.X+width/2, canvas.Min.Y+edge+0.35*t.LabelSize, alignCentre, a.across)
	}
	return Drawing{Width: width, Height: height, Paint: paint}, nil
}

// look returns the look of a line.
func (c PowerCurve) look(t Theme, line int) Series { return t.Series[line%len(t.Series)] }

func (c PowerCurve) legend(t Theme, a curves) (l legend) {
	what := "Power, %, with 95% Monte Carlo interval"
	if n, same := a.replicates(); same {
		what += " (" + count(n) + " replicates)"
	}
	if a.by == "" {
		l = append(l, legendEntry{what, sampleWidth, lineSample(c.look(t, 0))})
	} else {
		l = append(l, legendEntry{what + ":", -sampleGap, func(pen, vg.Rectangle) {}}) // words without a sample
		for i, level := range a.levels {
			l = append(l, legendEntry{lastPart(a.by) + " = " + level, sampleWidth, lineSample(c.look(t, i))})
		}
	}
	return append(l, referenceEntry("80%", targetDashes), referenceEntry(fmt.Sprintf("α = %v", c.Alpha), alphaDashes))
}

// lineSample draws a line with its marker in a legend.
func lineSample(look Series) func(pen, vg.Rectangle) {
	return func(p pen, box vg.Rectangle) {
		y := (box.Min.Y + box.Max.Y) / 2
		p.line(look.Color, p.theme.LineWidth, look.Dashes, box.Min.X, y, box.Max.X, y)
		p.marker(look, (box.Min.X+box.Max.X)/2, y)
	}
}

// referenceEntry explains a reference line.
func referenceEntry(label string, dashes []vg.Length) legendEntry {
	return legendEntry{label, sampleWidth, func(p pen, box vg.Rectangle) {
		y := (box.Min.Y + box.Max.Y) / 2
		p.line(p.theme.Quiet, 1.4*p.theme.AxisWidth, dashes, box.Min.X, y, box.Max.X, y)
	}}
}

var (
	targetDashes = []vg.Length{4, 2}
	alphaDashes  = []vg.Length{1, 1.5}
)

// replicates returns the number of replicates of a point, and whether all have
// as many.
func (a curves) replicates() (n int, same bool) {
	n, same = 0, true
	for _, panel := range a.panels {
		for _, row := range panel.rows {
			if n == 0 {
				n = row.N
			}
			same = same && row.N == n
		}
	}
	return n, same
}

func (c PowerCurve) paintPanel(p pen, a curves, panel curvePanel, body vg.Rectangle) {
	t := p.theme
	face := t.face(t.TickSize)
	size := body.Size()
	lo, hi := a.xs[0], a.xs[len(a.xs)-1]
	margin := 0.06 * (hi - lo)
	atX := func(v float64) vg.Length {
		return body.Min.X + vg.Length((v-lo+margin)/(hi-lo+2*margin))*size.X
	}
	// A little room beyond 0 and 100, where points and their bars would stick out.
	atY := func(share float64) vg.Length { return body.Min.Y + vg.Length(0.03+0.94*share)*size.Y }

	for k := 0; k <= 100; k += 20 {
		y := atY(float64(k) / 100)
		p.line(t.Faint, 0.8*t.AxisWidth, nil, body.Min.X, y, body.Max.X, y)
		p.text(face, t.Ink, body.Min.X-tickLength, y-middle*face.Font.Size, alignRight, strconv.Itoa(k))
	}
	p.line(t.Quiet, 1.4*t.AxisWidth, targetDashes, body.Min.X, atY(0.8), body.Max.X, atY(0.8))
	p.line(t.Quiet, 1.4*t.AxisWidth, alphaDashes, body.Min.X, atY(c.Alpha), body.Max.X, atY(c.Alpha))

	for i, line := range panel.lines {
		look := c.look(t, i)
		// Lines stand a little apart, so that intervals do not hide each other.
		dodge := 1.6 * (vg.Length(i) - vg.Length(len(panel.lines)-1)/2)
		for k, pt := range line {
			x := atX(pt.x) + dodge
			if k > 0 {
				before := line[k-1]
				p.line(look.Color, t.LineWidth, look.Dashes, atX(before.x)+dodge, atY(before.power), x, atY(pt.power))
			}
			p.line(look.Color, 0.8*t.LineWidth, nil, x, atY(pt.low), x, atY(pt.high))
		}
		for _, pt := range line {
			p.marker(look, atX(pt.x)+dodge, atY(pt.power))
		}
	}

	paintSwept(p, body, a.xs, atX)
}

// paintSwept draws the horizontal axis of a panel. The swept values are the
// ticks; a label that would touch the one before is left out.
func paintSwept(p pen, body vg.Rectangle, xs []float64, atX func(float64) vg.Length) {
	t := p.theme
	face := t.face(t.TickSize)
	p.line(t.Ink, t.AxisWidth, nil, body.Min.X, body.Min.Y, body.Max.X, body.Min.Y)
	free := vg.Length(math.Inf(-1))
	for _, v := range xs {
		x, label := atX(v), signed(v, digitsOf(v))
		p.line(t.Ink, t.AxisWidth, nil, x, body.Min.Y, x, body.Min.Y-tickLength)
		if half := face.Width(label) / 2; x-half >= free {
			p.text(face, t.Ink, x, body.Min.Y-tickLength-1.05*t.TickSize, alignCentre, label)
			free = x + half + 0.5*face.Font.Size
		}
	}
}

// digitsOf is the number of decimals of the shortest text of a number.
func digitsOf(v float64) int {
	text := strconv.FormatFloat(v, 'f', -1, 64)
	if at := strings.IndexByte(text, '.'); at >= 0 {
		return len(text) - at - 1
	}
	return 0
}

// Table returns the plotted numbers.
func (c PowerCurve) Table() [][]string {
	a := c.arrange()
	table := [][]string{{"label", "where", named(a.by, "line"), named(a.across, "x"), "power", "low", "high", "n", "n_fail", "alpha"}}
	for _, panel := range a.panels {
		for i, line := range panel.lines {
			level := ""
			if a.by != "" {
				level = a.levels[i]
			}
			for _, pt := range line {
				table = append(table, []string{
					panel.title, panel.where, level, cell(pt.x), cell(pt.power), cell(pt.low), cell(pt.high), whole(pt.n), whole(pt.failed), cell(c.Alpha),
				})
			}
		}
	}
	return table
}
