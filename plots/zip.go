package plots

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"

	"coachsim/sim"
)

// A LoggedRow is a summary row with its part of the replicate log.
type LoggedRow struct {
	Row
	Records []sim.Record // one a replicate
}

// title names the row and, in a line of its own, its design.
func (l LoggedRow) title() []string {
	lines := []string{title(l.Row, "")}
	if where := l.where(); where != "" {
		lines = append(lines, where)
	}
	return lines
}

// Zip is the zip plot of Morris, White and Crowther (2019, Statistics in Medicine
// 38, figure 5), a panel for each estimate: its confidence intervals, less the
// truth, stacked by the centile of |estimate - truth| over half their width (|t| over
// its critical value, so that df may differ). Those that
// miss the truth lie at the top. Two lines across bound the 95% Wilson interval
// of coverage: the colours should change between 1-Alpha and them.
//
// Up to maxIntervals are drawn, evenly over the centiles. Rows without truth or
// intervals are left out.
type Zip struct {
	File  string    // name of the files; "zip" where empty
	Width vg.Length // 0 chooses by the number of panels
	Alpha float64
	Rows  []LoggedRow
}

// Name returns the name of the figure's files.
func (z Zip) Name() string { return named(z.File, "zip") }

// maxIntervals is how many intervals a panel can show.
const maxIntervals = 400

type zipPanel struct {
	head        gridPanel
	name        []string
	bars        []zipBar // drawn, from the bottom up
	cover       interval
	n           int
	off         int // bars that run off the scale
	left, right float64
}

type zipBar struct {
	centile   float64
	low, high float64 // less the truth
	covers    bool
}

func (z Zip) panels() (panels []zipPanel) {
	for _, row := range z.Rows {
		var bars []zipBar
		distance := map[int]float64{}
		covered := 0
		for i, ci := range sim.ConfidenceIntervals(row.Records, z.Alpha) {
			r := row.Records[i]
			if !finite(ci.Low) || !finite(ci.High) || !finite(r.Truth) {
				continue
			}
			covers := ci.Low <= r.Truth && r.Truth <= ci.High
			if covers {
				covered++
			}
			// An interval of the estimator's own is as far off as its ends say, on the
			// side of the truth.
			half := ci.High - r.Value
			if r.Truth < r.Value {
				half = r.Value - ci.Low
			}
			distance[len(bars)] = math.Abs(r.Value-r.Truth) / half
			bars = append(bars, zipBar{low: ci.Low - r.Truth, high: ci.High - r.Truth, covers: covers})
		}
		n := len(bars)
		if n == 0 {
			continue
		}
		order := make([]int, n)
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(distance[i], distance[j]) })
		panel := zipPanel{n: n, cover: newInterval(float64(covered)/float64(n), n), name: row.title()}
		shown := min(n, maxIntervals)
		for k := range shown {
			at := (2*k + 1) * n / (2 * shown)
			bar := bars[order[at]]
			bar.centile = 100 * (float64(at) + 0.5) / float64(n)
			panel.bars = append(panel.bars, bar)
		}
		panel.scale()
		remark := fmt.Sprintf("coverage %.1f%% (%.1f to %.1f)", 100*panel.cover.share, 100*panel.cover.low, 100*panel.cover.high)
		if panel.off > 0 {
			remark += fmt.Sprintf("; %s drawn run off the scale", count(panel.off))
		}
		panel.head = gridPanel{title: panel.name, remarks: []string{remark}}
		panels = append(panels, panel)
	}
	return panels
}

// scale finds the ends of the horizontal scale. A few intervals far wider than
// the rest, as those with hardly a degree of freedom, would squeeze it: they run
// off, beyond the middle 90% of ends by more than its width.
func (z *zipPanel) scale() {
	var lows, highs []float64
	for _, bar := range z.bars {
		lows, highs = append(lows, bar.low), append(highs, bar.high)
	}
	slices.Sort(lows)
	slices.Sort(highs)
	n := len(lows)
	from, to := lows[n/20], highs[n-1-n/20]
	z.left, z.right = max(lows[0], from-(to-from)), min(highs[n-1], to+(to-from))
	for _, bar := range z.bars {
		if bar.low < z.left || bar.high > z.right {
			z.off++
		}
	}
}

// Draw lays the figure out.
func (z Zip) Draw(t Theme) (Drawing, error) {
	if err := errors.Join(t.validate(), checkAlpha(z.Alpha)); err != nil {
		return Drawing{}, err
	}
	panels := z.panels()
	if len(panels) == 0 {
		return Drawing{}, errors.New("plots: no row has a truth and intervals to hold against it")
	}
	if len(panels) > MaxPanels {
		return Drawing{}, fmt.Errorf("plots: %d zip plots do not fit on one page of %d", len(panels), MaxPanels)
	}
	columns, width := grid(len(panels))
	y := newVertical(0, 100)
	g := panelGrid{
		width: t.width(z.Width, width), columns: columns, gap: 12, scale: scaleRoom(t, y.labels()...),
		ylabel: "Centile of |estimate − truth| / half-width of the interval",
		xlabel: percent(1-z.Alpha) + " confidence interval − truth (outcome units)",
		legend: z.legend(t, panels),
		height: func(w vg.Length) vg.Length { return min(80*vg.Millimeter, max(44*vg.Millimeter, w)) },
		paint:  func(p pen, i int, body vg.Rectangle) { z.paint(p, panels[i], y, body) },
	}
	for _, panel := range panels {
		g.panels = append(g.panels, panel.head)
	}
	return g.drawing(t)
}

func missColour(t Theme) Series { return t.Series[1] }

func (z Zip) legend(t Theme, panels []zipPanel) legend {
	most := 0
	for _, panel := range panels {
		most = max(most, panel.n)
	}
	what := "covers the truth"
	if most > maxIntervals {
		what += fmt.Sprintf(" (%d of %s intervals drawn)", maxIntervals, count(most))
	}
	sample := func(look Series, share float64) func(pen, vg.Rectangle) {
		return func(p pen, box vg.Rectangle) {
			p.fill(tint(look.Color, share), box.Min.X, box.Min.Y, box.Max.X, box.Max.Y)
		}
	}
	return legend{
		{what, 12, sample(t.Series[0], 0.4)},
		{"does not", 12, sample(missColour(t), 1)},
		referenceEntry("nominal "+percent(1-z.Alpha), alphaDashes),
		referenceEntry("coverage, 95% Monte Carlo interval", targetDashes),
	}
}

func (z Zip) paint(p pen, panel zipPanel, y axis, body vg.Rectangle) {
	t := p.theme
	at := paintVertical(p, y, body)
	x := newAxis(panel.left, panel.right, t.face(t.TickSize), body.Size().X)
	atX := func(v float64) vg.Length { return body.Min.X + vg.Length(x.norm(v))*body.Size().X }
	// One path a colour keeps the file small; a line is as thick as its share of
	// the height.
	thick := max(0.2, (at(100)-at(0))/vg.Length(len(panel.bars)))
	for _, covers := range []bool{true, false} {
		var path vg.Path
		for _, bar := range panel.bars {
			if bar.covers == covers {
				path.Move(vg.Point{X: atX(bar.low), Y: at(bar.centile)})
				path.Line(vg.Point{X: atX(bar.high), Y: at(bar.centile)})
			}
		}
		if len(path) == 0 {
			continue
		}
		ink := tint(t.Series[0].Color, 0.4)
		if !covers {
			ink = missColour(t).Color
		}
		p.SetColor(ink)
		p.SetLineWidth(thick)
		p.SetLineDash(nil, 0)
		p.Stroke(path)
	}
	p.line(t.Ink, t.LineWidth, nil, atX(0), body.Min.Y, atX(0), body.Max.Y)
	nominal := at(100 * (1 - z.Alpha))
	p.line(t.Ink, 1.4*t.AxisWidth, alphaDashes, body.Min.X, nominal, body.Max.X, nominal)
	for _, share := range []float64{panel.cover.low, panel.cover.high} {
		p.line(t.Ink, 1.4*t.AxisWidth, targetDashes, body.Min.X, at(100*share), body.Max.X, at(100*share))
	}
	paintAxis(p, x, body.Min.X, body.Max.X, body.Min.Y, t.Ink)
}

// Table returns the plotted numbers: the intervals drawn, and the coverage of all.
func (z Zip) Table() [][]string {
	table := [][]string{{"label", "where", "element", "centile", "low", "high", "covers", "n"}}
	for _, panel := range z.panels() {
		where := ""
		if len(panel.name) > 1 {
			where = panel.name[1]
		}
		table = append(table, []string{panel.name[0], where, "coverage", cell(100 * panel.cover.share), cell(100 * panel.cover.low), cell(100 * panel.cover.high), "", whole(panel.n)})
		for _, bar := range panel.bars {
			table = append(table, []string{panel.name[0], where, "interval", cell(bar.centile), cell(bar.low), cell(bar.high), fmt.Sprint(bar.covers), whole(panel.n)})
		}
	}
	return table
}
