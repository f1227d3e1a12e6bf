package plots

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg"

	"coachsim/sim"
)

// EstimatorCurves compares the estimators of one effect over a sweep, a line
// for each. Across a panel is the first swept key that is a number; every
// combination of the other keys is a column of two panels: above, the share of
// replicates in which the test rejects, which is its size where there is no
// effect and its power elsewhere; below, the coverage of the confidence
// interval. Points have 95% Wilson intervals. Reference lines stand at the
// nominal level, Alpha and 1-Alpha, and where there is an effect at 80%.
//
// Columns without an effect share one scale of rejections, those with an effect
// go from 0 to 100%, and all share one scale of coverage. What counts as no effect
// says [sim.Measures.Null].
//
// Rows without a truth are left out. One figure holds the rows of one outcome,
// term and estimand with 2 to 12 estimators, and up to 4 columns;
// [EstimatorCurves.Pages] divides more.
type EstimatorCurves struct {
	File  string    // name of the files; "estimators" where empty
	Width vg.Length // 0 chooses by the number of columns
	Alpha float64   // level of the tests, in (0, 1)
	Rows  []Row

	page *estimatorPage // what Pages put on this page; nil for all rows
}

// Name returns the name of the figure's files.
func (e EstimatorCurves) Name() string { return named(e.File, "estimators") }

const (
	minEstimators       = 2
	maxEstimators       = 12 // looks of the theme
	maxEstimatorColumns = 4
)

// An estimatorPage holds the estimates of one effect in the order they are drawn.
type estimatorPage struct {
	outcome, term, estimand string
	across                  string // key
	xs                      []float64
	estimators              []string
	columns                 []estimatorColumn
	ends                    [2]span // of the scales: rejections without an effect, coverage
}

type estimatorColumn struct {
	title string // values of the keys that make columns
	null  bool   // there is no effect
	lines [][]estimatorPoint
}

type estimatorPoint struct {
	x, truth            float64
	rejections, covered sim.Simulated
	n, failed           int
}

// Pages divides the rows over figures: one for every outcome, term and estimand
// that has 2 to 12 estimators, and of at most 4 columns. They are named NAME-1,
// NAME-2 and so on; one alone keeps the name. There are none where no swept key
// is a number.
func (e EstimatorCurves) Pages() []EstimatorCurves {
	if e.page != nil {
		return []EstimatorCurves{e}
	}
	var pages []EstimatorCurves
	for _, whole := range e.arrange() {
		if n := len(whole.estimators); n < minEstimators || n > maxEstimators {
			continue
		}
		parts := (len(whole.columns) + maxEstimatorColumns - 1) / maxEstimatorColumns
		for columns := range slices.Chunk(whole.columns, (len(whole.columns)+parts-1)/parts) {
			part := whole
			part.columns = columns
			page := e
			page.page = &part
			pages = append(pages, page)
		}
	}
	if len(pages) > 1 {
		for i := range pages {
			pages[i].File = fmt.Sprintf("%s-%d", e.Name(), i+1)
		}
	}
	return pages
}

// arrange divides the rows over effects, columns and lines. There are none where
// no swept key is a number.
func (e EstimatorCurves) arrange() []estimatorPage {
	if e.page != nil {
		return []estimatorPage{*e.page}
	}
	var effects [][3]string
	rows := map[[3]string][]Row{}
	for _, row := range e.Rows {
		if !finite(row.Truth) || row.N < 1 || !finite(row.Power) && !finite(row.Cover) {
			continue
		}
		id := [3]string{row.Outcome, row.Term, row.Estimand}
		if rows[id] == nil {
			effects = append(effects, id)
		}
		rows[id] = append(rows[id], row)
	}
	var pages []estimatorPage
	for _, id := range effects {
		page := estimatorPage{outcome: id[0], term: id[1], estimand: id[2]}
		var keys []string
		if page.across, page.xs, keys = sweptNumber(rows[id], ""); page.across == "" {
			continue
		}
		page.divide(rows[id], keys)
		page.scale(e.Alpha)
		pages = append(pages, page)
	}
	return pages
}

// divide fills the columns. Keys are those that make columns.
func (a *estimatorPage) divide(rows []Row, keys []string) {
	for _, row := range rows {
		if !slices.Contains(a.estimators, row.Estimator) {
			a.estimators = append(a.estimators, row.Estimator)
		}
	}
	names := InWords(keys)
	for _, row := range rows {
		var where []string
		for i, key := range keys {
			where = append(where, names[i]+" = "+Bare(factor(row, key)))
		}
		title := strings.Join(where, ", ")
		at := slices.IndexFunc(a.columns, func(c estimatorColumn) bool { return c.title == title })
		if at < 0 {
			at = len(a.columns)
			a.columns = append(a.columns, estimatorColumn{title: title, null: true, lines: make([][]estimatorPoint, len(a.estimators))})
		}
		column := &a.columns[at]
		column.null = column.null && row.Null()
		x, _ := strconv.ParseFloat(Bare(factor(row, a.across)), 64) // sweptNumber has read it before
		line := slices.Index(a.estimators, row.Estimator)
		column.lines[line] = append(column.lines[line], estimatorPoint{
			x: x, truth: row.Truth, n: row.N, failed: row.NFail,
			rejections: row.Rejections(), covered: row.Coverage(),
		})
	}
	for _, column := range a.columns {
		for _, line := range column.lines {
			slices.SortStableFunc(line, func(p, q estimatorPoint) int { return cmp.Compare(p.x, q.x) })
		}
	}
}

// scale finds the ends of the scales that columns share.
func (a *estimatorPage) scale(alpha float64) {
	a.ends[0].add(0, 2*alpha)
	a.ends[1].add(1 - alpha)
	for _, column := range a.columns {
		for _, line := range column.lines {
			for _, pt := range line {
				if column.null {
					a.ends[0].add(pt.rejections.Low, pt.rejections.High)
				}
				a.ends[1].add(pt.covered.Low, pt.covered.High)
			}
		}
	}
}

// Words are the figure's title and note.
func (e EstimatorCurves) Words() Words {
	w := Words{Title: "Rejections and coverage of estimators"}
	all := e.arrange()
	if len(all) == 0 {
		return w
	}
	w.Title += " over " + InSentence(AxisName(all[0].across))
	w.Note = sentences(trialsNote(e.Rows), "Bars are 95% Monte Carlo intervals (Wilson)",
		worstMCSE(e.Rows, "rejections", " points", powerMCSE), fmt.Sprintf("Tests at α = %v", e.Alpha))
	return w
}

// Draw lays the figure out.
func (e EstimatorCurves) Draw(t Theme) (Drawing, error) {
	if err := errors.Join(t.validate(), checkAlpha(e.Alpha)); err != nil {
		return Drawing{}, err
	}
	all := e.arrange()
	if len(all) == 0 {
		return Drawing{}, &Empty{"no row has a truth and a swept number to show it over"}
	}
	a := all[0]
	n := len(a.columns)
	switch {
	case len(all) > 1 || n > maxEstimatorColumns:
		return Drawing{}, fmt.Errorf("plots: %d effects, the first in %d columns of panels, do not fit on one page; use Pages", len(all), n)
	case len(a.estimators) < minEstimators || len(a.estimators) > maxEstimators:
		return Drawing{}, fmt.Errorf("plots: %d estimators; %d to %d can be compared in one figure", len(a.estimators), minEstimators, maxEstimators)
	}
	width := TwoColumns
	if n == 1 {
		width = MidWidth
	}
	width = t.width(e.Width, width)
	// Markers of many lines are smaller, so that those side by side stay apart.
	thin := t
	if len(a.estimators) > 4 {
		thin.MarkerWidth, thin.LineWidth = 0.8*t.MarkerWidth, 0.75*t.LineWidth
	}
	xlabel := AxisName(a.across)
	if logarithmic(a.xs) {
		xlabel += ", logarithmic scale"
	}
	g := panelGrid{
		width: width, columns: n, gap: 8, scale: scaleRoom(t, "100"), legend: e.legend(thin, a), xlabel: xlabel,
		height: func(w vg.Length) vg.Length { return min(58*vg.Millimeter, max(44*vg.Millimeter, 0.8*w)) },
	}
	// Where the columns do not fit beside each other, they stand in several pairs of rows.
	for g.cell()-g.scale < 24*vg.Millimeter && g.columns > 1 {
		for g.columns--; n%g.columns != 0; g.columns-- {
		}
	}
	var shown []estimatorColumn
	for first := 0; first < n; first += g.columns {
		for range 2 {
			for _, column := range a.columns[first : first+g.columns] {
				var head gridPanel
				if column.title != "" {
					head.title = []string{column.title}
				}
				g.panels, shown = append(g.panels, head), append(shown, column)
			}
		}
		g.bands = append(g.bands, gridBand{"Rejections (%)", e.remark(a)}, gridBand{"Coverage (%)", "of the " + percent(1-e.Alpha) + " confidence interval"})
	}
	g.paint = func(p pen, i int, body vg.Rectangle) {
		e.paintPanel(p, a, shown[i], i/g.columns%2 == 1, body)
	}
	return g.drawing(thin)
}

// remark says what the rejections are.
func (e EstimatorCurves) remark(a estimatorPage) string {
	null := func(c estimatorColumn) bool { return c.null }
	switch {
	case !slices.ContainsFunc(a.columns, null):
		return "power"
	case slices.ContainsFunc(a.columns, func(c estimatorColumn) bool { return !c.null }):
		return "size where there is no effect, power where there is one; their scales differ"
	}
	return "size: there is no effect"
}

func percent(share float64) string {
	return strconv.FormatFloat(100*share, 'g', 6, 64) + "%"
}

func (e EstimatorCurves) legend(t Theme, a estimatorPage) (l legend) {
	what := a.term + " → " + a.outcome
	if a.estimand != "" && a.estimand != "population" {
		what += " (" + a.estimand + ")"
	}
	what += ", with 95% Monte Carlo intervals"
	if n, same := a.replicates(); same {
		what += " (" + count(n) + " replicates)"
	}
	l = append(l, legendEntry{what + ":", -sampleGap, func(pen, vg.Rectangle) {}}) // words without a sample
	for i, name := range a.estimators {
		l = append(l, legendEntry{name, sampleWidth + 6, lineSample(t.look(i))})
	}
	l = append(l, referenceEntry("nominal: "+percent(e.Alpha)+", "+percent(1-e.Alpha), alphaDashes))
	if slices.ContainsFunc(a.columns, func(c estimatorColumn) bool { return !c.null }) {
		l = append(l, referenceEntry("80% power", targetDashes))
	}
	return l
}

// replicates returns the number of replicates of a point, and whether all have
// as many.
func (a estimatorPage) replicates() (n int, same bool) {
	same = true
	for _, column := range a.columns {
		for _, line := range column.lines {
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

// panelScale returns the ends of a panel's vertical scale in percent and the
// distance of its ticks.
func (a estimatorPage) panelScale(column estimatorColumn, coverage bool) (lo, hi, step float64) {
	ends := span{lo: 0, hi: 1}
	switch {
	case coverage:
		ends = a.ends[1]
	case column.null:
		ends = a.ends[0]
	}
	lo, hi = 100*ends.lo, 100*ends.hi
	step, _ = roundStep(max(hi-lo, 1) / 6)
	lo, hi = step*math.Floor(lo/step+1e-9), step*math.Ceil(hi/step-1e-9)
	if hi-lo < 2*step {
		lo -= step
	}
	return max(0, lo), min(100, hi), step
}

func (e EstimatorCurves) paintPanel(p pen, a estimatorPage, column estimatorColumn, coverage bool, body vg.Rectangle) {
	t := p.theme
	face := t.face(t.TickSize)
	size := body.Size()

	f := sweptScale(a.xs)
	// Lines stand a little apart, so that intervals do not hide each other, but
	// not so far that they could be taken for those of the next value.
	n := vg.Length(len(column.lines))
	dodge := min(1.2*t.MarkerWidth, 0.6*vg.Length(closest(a.xs, f))*size.X/n)
	margin := dodge*(n-1)/2 + t.MarkerWidth
	first, last := f(a.xs[0]), f(a.xs[len(a.xs)-1])
	atX := func(v float64) vg.Length {
		return body.Min.X + margin + vg.Length((f(v)-first)/(last-first))*(size.X-2*margin)
	}
	lo, hi, step := a.panelScale(column, coverage)
	// A little room beyond the ends, where points and their bars would stick out.
	atY := func(share float64) vg.Length {
		return body.Min.Y + vg.Length(0.03+0.94*(100*share-lo)/(hi-lo))*size.Y
	}

	_, digits := roundStep(step)
	for k := math.Ceil(lo/step - 1e-9); k*step <= hi+1e-9; k++ {
		y := atY(k * step / 100)
		p.line(t.Faint, 0.8*t.AxisWidth, nil, body.Min.X, y, body.Max.X, y)
		p.text(face, t.Ink, body.Min.X-tickLength, y-middle*face.Font.Size, alignRight, signed(k*step, digits))
	}
	nominal := e.Alpha
	if coverage {
		nominal = 1 - e.Alpha
	}
	for i, line := range column.lines {
		look := t.look(i)
		aside := dodge * (vg.Length(i) - (n-1)/2)
		var shown []sim.Simulated
		var at []vg.Length
		for _, pt := range line {
			v := pt.rejections
			if coverage {
				v = pt.covered
			}
			if finite(v.Value) {
				shown, at = append(shown, v), append(at, atX(pt.x)+aside)
			}
		}
		for k, v := range shown {
			if k > 0 {
				p.line(look.Color, 0.8*t.LineWidth, look.Dashes, at[k-1], atY(shown[k-1].Value), at[k], atY(v.Value))
			}
			p.line(tint(look.Color, 0.65), 0.7*t.LineWidth, nil, at[k], atY(v.Low), at[k], atY(v.High))
		}
		for k, v := range shown {
			p.marker(look, at[k], atY(v.Value))
		}
	}
	// Above the data: among ten lines a reference line would not be seen.
	p.line(t.Ink, 1.4*t.AxisWidth, alphaDashes, body.Min.X, atY(nominal), body.Max.X, atY(nominal))
	if !coverage && !column.null {
		p.line(t.Quiet, 1.4*t.AxisWidth, targetDashes, body.Min.X, atY(0.8), body.Max.X, atY(0.8))
	}
	paintSwept(p, body, a.xs, atX)
}

// Table returns the plotted numbers.
func (e EstimatorCurves) Table() [][]string {
	all := e.arrange()
	x := "x"
	if len(all) > 0 {
		x = all[0].across
	}
	table := [][]string{{
		"outcome", "term", "estimand", "where", "estimator", x, "truth",
		"rejections", "rejections_low", "rejections_high", "coverage", "coverage_low", "coverage_high", "n", "n_fail", "alpha",
	}}
	for _, a := range all {
		for _, column := range a.columns {
			for i, line := range column.lines {
				for _, pt := range line {
					table = append(table, []string{
						a.outcome, a.term, a.estimand, column.title, a.estimators[i], cell(pt.x), cell(pt.truth),
						cell(pt.rejections.Value), cell(pt.rejections.Low), cell(pt.rejections.High),
						cell(pt.covered.Value), cell(pt.covered.Low), cell(pt.covered.High), whole(pt.n), whole(pt.failed), cell(e.Alpha),
					})
				}
			}
		}
	}
	return table
}
