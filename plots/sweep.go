package plots

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"coachsim/sim"
)

// Keys say what of a sweep lies where in a figure: a swept key whose values are
// numbers across, a key with a line for every value, and a key with a panel for
// every value. Keys are written whole or by their last parts; "estimator",
// "outcome" and "term" can make lines and panels too. A figure chooses those
// left empty, and keys that are left over make panels.
type Keys struct{ X, By, Panel string }

// maxCurves is how many lines a panel can show and still be read.
const maxCurves = 6

// A curveRow is a summary row with the number that a curve shows of it, its 95%
// Monte Carlo interval, and the number by a closed form, NaN where there is none.
type curveRow struct {
	Row
	y      sim.Simulated
	closed float64
}

// curves are rows in the order they are drawn.
type curves struct {
	across, by string    // keys; by is empty for one line a panel
	xs         []float64 // values of across, ascending
	levels     []string  // of by
	panels     []curvePanel
}

type curvePanel struct {
	title string // of the estimate
	where string // values of the keys that make panels
	lines [][]curvePoint
}

type curvePoint struct {
	sim.CurvePoint
	closed    float64
	n, failed int
}

// shares are the points of a line without what is not the simulation's.
func shares(line []curvePoint) []sim.CurvePoint {
	points := make([]sim.CurvePoint, len(line))
	for i, pt := range line {
		points[i] = pt.CurvePoint
	}
	return points
}

// newCurves divides rows over panels and lines. There are no panels where there
// are no rows or no swept key is a number.
func newCurves(rows []curveRow, keys Keys) (a curves, err error) {
	if len(rows) == 0 {
		return a, nil
	}
	plain := make([]Row, len(rows))
	for i, row := range rows {
		plain[i] = row.Row
	}
	for _, key := range []*string{&keys.X, &keys.By, &keys.Panel} {
		if *key, err = findKey(plain, *key); err != nil {
			return a, err
		}
	}
	var rest []string
	if a.across, a.xs, rest = sweptNumber(plain, keys.X); a.across == "" {
		if keys.X != "" {
			return a, fmt.Errorf("the values of %s are not two or more numbers", keys.X)
		}
		return a, nil
	}
	if keys.By == a.across || keys.Panel == a.across || keys.By != "" && keys.By == keys.Panel {
		return a, fmt.Errorf("a key can lie only in one place: across %s, lines %s, panels %s", a.across, named(keys.By, "not given"), named(keys.Panel, "not given"))
	}
	a.by = keys.By
	if a.by == "" {
		for _, key := range rest {
			if key != keys.Panel && len(levelsOf(plain, key)) <= maxCurves {
				a.by = key
				break
			}
		}
	}
	if a.by != "" {
		a.levels = levelsOf(plain, a.by)
		if len(a.levels) > len(Journal().Series) {
			return a, fmt.Errorf("%s has %d values; a panel can show %d lines", a.by, len(a.levels), len(Journal().Series))
		}
	}
	rest = slices.DeleteFunc(rest, func(key string) bool { return key == a.by || key == keys.Panel })
	if keys.Panel != "" && !slices.Contains(nameKeys, keys.Panel) {
		rest = slices.Insert(rest, 0, keys.Panel)
	}
	a.divide(rows, rest)
	return a, nil
}

// sweptNumber returns the key across, which is wanted or the first swept key
// that is a number, its values in ascending order, and the keys besides that
// tell designs apart. Across is empty where there is no such key.
func sweptNumber(rows []Row, wanted string) (across string, xs []float64, keys []string) {
	for _, f := range rows[0].Factors {
		values := levelsOf(rows, f.Key)
		numbers := make([]float64, 0, len(values))
		for _, v := range values {
			if x, err := strconv.ParseFloat(Bare(v), 64); err == nil && finite(x) {
				numbers = append(numbers, x)
			}
		}
		if across == "" && (wanted == "" || f.Key == wanted) && len(values) > 1 && len(numbers) == len(values) {
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

// title names an estimate without the parts that tell lines apart.
func title(row Row, by string) string {
	if row.Label != "" && !slices.Contains(nameKeys, by) {
		return row.Label
	}
	switch by {
	case "estimator":
		return row.Term + " → " + row.Outcome
	case "outcome":
		return row.Term + " (" + row.Estimator + ")"
	case "term":
		return row.Outcome + " (" + row.Estimator + ")"
	}
	return fmt.Sprintf("%s → %s (%s)", row.Term, row.Outcome, row.Estimator)
}

// divide fills the panels. Keys are those that make panels.
func (a *curves) divide(rows []curveRow, keys []string) {
	place := map[string]int{}
	names := InWords(keys)
	for _, row := range rows {
		title := title(row.Row, a.by)
		var parts []string
		for i, key := range keys {
			parts = append(parts, names[i]+" = "+Bare(factor(row.Row, key)))
		}
		where := strings.Join(parts, ", ")
		// Estimates that only their estimand tells apart get panels of their own.
		id := title + "\x00" + where
		for _, key := range nameKeys {
			if key != a.by {
				id += "\x00" + factor(row.Row, key)
			}
		}
		at, known := place[id]
		if !known {
			at = len(a.panels)
			place[id] = at
			a.panels = append(a.panels, curvePanel{title: title, where: where, lines: make([][]curvePoint, max(1, len(a.levels)))})
		}
		x, _ := strconv.ParseFloat(Bare(factor(row.Row, a.across)), 64) // sweptNumber has read it before
		line := 0
		if a.by != "" {
			line = slices.Index(a.levels, factor(row.Row, a.by))
		}
		panel := &a.panels[at]
		panel.lines[line] = append(panel.lines[line], curvePoint{sim.CurvePoint{X: x, Simulated: row.y}, row.closed, row.N, row.NFail})
	}
	for _, panel := range a.panels {
		for _, line := range panel.lines {
			slices.SortStableFunc(line, func(p, q curvePoint) int { return cmp.Compare(p.X, q.X) })
		}
	}
}

// pages divides the panels over pages of at most MaxPanels.
func (a curves) pages() []curves {
	var pages []curves
	for part := range slices.Chunk(a.panels, MaxPanels) {
		page := a
		page.panels = part
		pages = append(pages, page)
	}
	return pages
}

// replicates returns the number of replicates of a point, and whether all have
// as many.
func (a curves) replicates() (n int, same bool) {
	same = true
	for _, panel := range a.panels {
		for _, line := range panel.lines {
			for _, pt := range line {
				if n == 0 {
					n = pt.n
				}
				same = same && pt.n == n
			}
		}
	}
	return n, same
}

// level is the label of a line.
func (a curves) level(i int) string {
	if slices.Contains(nameKeys, a.by) {
		return a.levels[i]
	}
	return InWords([]string{a.by})[0] + " = " + Bare(a.levels[i])
}

// A curveStyle is what curves show: the scale, the words, reference lines.
type curveStyle struct {
	width      vg.Length
	what       string  // the vertical axis, in words with its unit
	unit       float64 // 100 for shares shown in percent
	y          axis    // in shown units
	references []reference
	target     float64 // a value to locate on each line; NaN for none
	share      bool    // lines are straight on the probit scale, as sim.Reach has them
}

// probitPieces is of how many straight pieces a line is made between simulated values
// where it is straight on the probit scale: with them it is within 0.15% of power of it.
const probitPieces = 24

// through returns the points that a line is drawn through: those simulated, and where
// the line is not straight points between them.
func (s curveStyle) through(line []curvePoint) (points []curvePoint) {
	for k, pt := range line {
		if k > 0 && s.share {
			before := line[k-1]
			closed := func(pt curvePoint) sim.CurvePoint {
				return sim.CurvePoint{X: pt.X, Simulated: sim.Simulated{Value: pt.closed, Low: pt.closed, High: pt.closed}}
			}
			for i := range probitPieces - 1 {
				x := before.X + float64(i+1)/probitPieces*(pt.X-before.X)
				points = append(points, curvePoint{CurvePoint: sim.Between(before.CurvePoint, pt.CurvePoint, x), closed: sim.Between(closed(before), closed(pt), x).Value})
			}
		}
		points = append(points, pt)
	}
	return points
}

// A reference is a horizontal line.
type reference struct {
	label  string
	at     float64 // in shown units
	dashes []vg.Length
}

var (
	targetDashes = []vg.Length{4, 2}
	alphaDashes  = []vg.Length{1, 1.5}
	closedDashes = []vg.Length{0.8, 1.2}
)

func (a curves) drawing(t Theme, s curveStyle) (Drawing, error) {
	n := len(a.panels)
	if n > MaxPanels {
		return Drawing{}, fmt.Errorf("plots: %d panels of curves do not fit on one page of %d; use Pages", n, MaxPanels)
	}
	columns, width := grid(t, s.width, n)
	if n == 1 {
		width = t.width(s.width, MidWidth)
	}
	panels := make([]gridPanel, n)
	// What all panels are of stands once.
	of := func(panel curvePanel) string { return panel.title }
	common := n > 1 && allSame(a.panels, of) && !slices.ContainsFunc(a.panels, func(p curvePanel) bool { return p.where == "" })
	what := s.what
	if common {
		what += ": " + a.panels[0].title
	}
	for i, panel := range a.panels {
		if !common {
			panels[i].title = []string{panel.title}
		}
		if panel.where != "" {
			panels[i].title = append(panels[i].title, panel.where)
		}
		panels[i].remarks = a.located(panel, s)
	}
	g := panelGrid{
		width: width, columns: columns, gap: 10, scale: scaleRoom(t, s.y.labels()...),
		ylabel: what, xlabel: AxisName(a.across), panels: panels,
		height: func(w vg.Length) vg.Length { return max(24*vg.Millimeter, 0.62*w) },
	}
	names, ends := a.endNames(t, s, g)
	if names != nil {
		g.tail = endRoom(t, names)
	}
	g.legend = a.legend(t, s, names != nil)
	g.paint = func(p pen, i int, body vg.Rectangle) {
		a.paintPanel(p, a.panels[i], s, body)
		for k, name := range names {
			p.paintEnd(t.look(k), body.Max.X, body.Min.Y+ends[i][k], name)
		}
	}
	return g.drawing(t)
}

// endNames returns the names of lines to write at their ends, and by panel how high
// above its body's bottom each stands; no names where they do not fit in every panel.
func (a curves) endNames(t Theme, s curveStyle, g panelGrid) (names []string, ends [][]vg.Length) {
	for i := range a.levels {
		names = append(names, a.level(i))
	}
	g.tail = endRoom(t, names)
	if len(names) < 2 || g.tail > mostOfCell*g.cell() {
		return nil, nil
	}
	height := g.height(g.cell() - g.scale - g.tail)
	at := verticalAt(s.y, height)
	for _, panel := range a.panels {
		var last []vg.Length
		for _, line := range panel.lines {
			if n := len(line); n == 0 || line[n-1].X != a.xs[len(a.xs)-1] {
				return nil, nil
			}
			last = append(last, at(s.unit*line[len(line)-1].Value))
		}
		placed, fit := placeEnds(t, last, 0, height)
		if !fit {
			return nil, nil
		}
		ends = append(ends, placed)
	}
	return names, ends
}

// legend explains the lines, unless they are named at their ends, and the rest.
func (a curves) legend(t Theme, s curveStyle, named bool) (l legend) {
	what := "95% Monte Carlo interval"
	if n, same := a.replicates(); same {
		what += " (" + count(n) + " replicates)"
	}
	if a.by == "" {
		l = append(l, legendEntry{"Simulated", sampleWidth, lineSample(t.Series[0])})
	}
	for i := range a.levels {
		if !named {
			l = append(l, legendEntry{a.level(i), sampleWidth, lineSample(t.look(i))})
		}
	}
	l = append(l, legendEntry{what, sampleWidth, func(p pen, box vg.Rectangle) {
		p.fill(tint(p.theme.Ink, 0.2), box.Min.X, box.Min.Y, box.Max.X, box.Max.Y)
	}})
	if a.hasClosed() {
		l = append(l, legendEntry{"closed form", sampleWidth, func(p pen, box vg.Rectangle) {
			y := (box.Min.Y + box.Max.Y) / 2
			p.line(p.theme.Ink, p.theme.LineWidth, closedDashes, box.Min.X, y, box.Max.X, y)
		}})
	}
	for _, r := range s.references {
		l = append(l, referenceEntry(r.label, r.dashes))
	}
	return l
}

func (a curves) hasClosed() bool {
	for _, panel := range a.panels {
		for _, line := range panel.lines {
			for _, pt := range line {
				if finite(pt.closed) {
					return true
				}
			}
		}
	}
	return false
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

// reachedAt is "17.2 (16.1 to 18.9)", or "39.2 (37.9 or more)" where the interval
// leaves the simulated values.
func reachedAt(r sim.Reached) string {
	width := math.Abs(r.X) / 50
	if near := math.Min(math.Abs(r.High-r.X), math.Abs(r.X-r.Low)); near > 0 { // of NaN and a number, NaN
		width = near
	}
	width = max(width, 1e-4)
	words := short(r.X, width)
	switch {
	case finite(r.Low) && finite(r.High):
		words += " (" + short(r.Low, width) + " to " + short(r.High, width) + ")"
	case finite(r.Low):
		words += " (" + short(r.Low, width) + " or more)"
	case finite(r.High):
		words += " (" + short(r.High, width) + " or less)"
	}
	return words
}

// located says where each line of a panel reaches the target.
func (a curves) located(panel curvePanel, s curveStyle) (remarks []string) {
	if !finite(s.target) {
		return nil
	}
	name := InSentence(AxisName(a.across))
	for i, line := range panel.lines {
		if r := sim.Reach(shares(line), s.target); finite(r.X) {
			at := percent(s.target) + " at " + reachedAt(r) + " " + name
			if a.by != "" {
				at = a.level(i) + ": " + percent(s.target) + " at " + reachedAt(r)
			}
			remarks = append(remarks, at)
		}
	}
	return remarks
}

func (a curves) paintPanel(p pen, panel curvePanel, s curveStyle, body vg.Rectangle) {
	t := p.theme
	size := body.Size()
	lo, hi := a.xs[0], a.xs[len(a.xs)-1]
	margin := 0.06 * (hi - lo)
	atX := func(v float64) vg.Length {
		return body.Min.X + vg.Length((v-lo+margin)/(hi-lo+2*margin))*size.X
	}
	shown := paintVertical(p, s.y, body)
	atY := func(v float64) vg.Length { return shown(s.unit * v) }
	for _, r := range s.references {
		p.line(t.Quiet, 1.4*t.AxisWidth, r.dashes, body.Min.X, shown(r.at), body.Max.X, shown(r.at))
	}
	// Lines stand a little apart, so that those that agree do not hide each other.
	aside := func(i int) vg.Length { return 1.6 * (vg.Length(i) - vg.Length(len(panel.lines)-1)/2) }
	drawn := make([][]curvePoint, len(panel.lines))
	for i, line := range panel.lines {
		drawn[i] = s.through(line)
		if len(line) < 2 {
			continue
		}
		var ribbon vg.Path
		for _, pt := range drawn[i] {
			ribbon = append(ribbon, vg.PathComp{Type: vg.LineComp, Pos: vg.Point{X: atX(pt.X) + aside(i), Y: atY(pt.Low)}})
		}
		for _, pt := range slices.Backward(drawn[i]) {
			ribbon = append(ribbon, vg.PathComp{Type: vg.LineComp, Pos: vg.Point{X: atX(pt.X) + aside(i), Y: atY(pt.High)}})
		}
		ribbon[0].Type = vg.MoveComp
		ribbon.Close()
		p.SetColor(translucent(t.look(i).Color, 0.2))
		p.Fill(ribbon)
	}
	// A line breaks where it has no number.
	stroke := func(ink color.Color, dashes []vg.Length, line []curvePoint, aside vg.Length, y func(curvePoint) float64) {
		var part []vg.Point
		for k, pt := range line {
			if finite(y(pt)) {
				part = append(part, vg.Point{X: atX(pt.X) + aside, Y: atY(y(pt))})
			}
			if len(part) > 1 && (k == len(line)-1 || !finite(y(pt))) {
				p.StrokeLines(draw.LineStyle{Color: ink, Width: t.LineWidth, Dashes: dashes}, part)
			}
			if !finite(y(pt)) {
				part = nil
			}
		}
	}
	for _, line := range drawn {
		stroke(t.Ink, closedDashes, line, 0, func(pt curvePoint) float64 { return pt.closed })
	}
	for i, line := range panel.lines {
		look := t.look(i)
		stroke(look.Color, look.Dashes, drawn[i], aside(i), func(pt curvePoint) float64 { return pt.Value })
		for _, pt := range line {
			x := atX(pt.X) + aside(i)
			p.line(look.Color, 0.6*t.LineWidth, nil, x, atY(pt.Low), x, atY(pt.High))
		}
		if finite(s.target) {
			if r := sim.Reach(shares(line), s.target); finite(r.X) {
				p.line(look.Color, 1.4*t.AxisWidth, alphaDashes, atX(r.X)+aside(i), atY(s.target), atX(r.X)+aside(i), body.Min.Y)
			}
		}
		for _, pt := range line {
			p.marker(look, atX(pt.X)+aside(i), atY(pt.Value))
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

// table returns the plotted numbers; y names the one shown, and a line that
// reaches the target has a row of its own.
func (a curves) table(y string, s curveStyle, alpha float64) [][]string {
	table := [][]string{{"label", "where", named(a.by, "line"), named(a.across, "x"), y, "low", "high", "closed_form", "n", "n_fail", "alpha", "element"}}
	for _, panel := range a.panels {
		for i, line := range panel.lines {
			level := ""
			if a.by != "" {
				level = a.levels[i]
			}
			for _, pt := range line {
				table = append(table, []string{
					panel.title, panel.where, level, cell(pt.X), cell(pt.Value), cell(pt.Low), cell(pt.High), cell(pt.closed),
					whole(pt.n), whole(pt.failed), cell(alpha), "simulated",
				})
			}
			if !finite(s.target) {
				continue
			}
			if r := sim.Reach(shares(line), s.target); finite(r.X) {
				table = append(table, []string{
					panel.title, panel.where, level, cell(r.X), cell(s.target), cell(r.Low), cell(r.High), "", "", "", cell(alpha), "reaches",
				})
			}
		}
	}
	return table
}

// checkAlpha refuses a level that is none.
func checkAlpha(alpha float64) error {
	if !(alpha > 0 && alpha < 1) {
		return fmt.Errorf("plots: alpha is %v; it must lie between 0 and 1", alpha)
	}
	return nil
}
