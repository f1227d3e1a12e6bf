package plots

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"

	"coachsim/sim"
)

// Scatter holds estimators against each other on the same simulated trials: a
// panel for each pair of an estimate with the one of the same outcome, term and
// design that comes first, a point a replicate. Points above the diagonal are
// larger estimates. The lines mark the truth.
type Scatter struct {
	File  string    // name of the files; "scatter" where empty
	Width vg.Length // 0 chooses by the number of panels
	Rows  []LoggedRow
}

// Name returns the name of the figure's files.
func (s Scatter) Name() string { return named(s.File, "scatter") }

// Pages divides the panels over figures of at most MaxPanels. The rows of a
// design stay together where they fit.
func (s Scatter) Pages() []Scatter {
	var pages []Scatter
	var part []LoggedRow
	for from := 0; from < len(s.Rows); {
		to := from
		for to < len(s.Rows) && s.Rows[to].Cell == s.Rows[from].Cell {
			to++
		}
		design := s.Rows[from:to]
		if len(part) > 0 && len(Scatter{Rows: slices.Concat(part, design)}.panels()) > MaxPanels {
			pages, part = append(pages, Scatter{File: s.File, Width: s.Width, Rows: part}), nil
		}
		part = append(part, design...)
		from = to
	}
	pages = append(pages, Scatter{File: s.File, Width: s.Width, Rows: part})
	if len(pages) > 1 {
		for i := range pages {
			pages[i].File = fmt.Sprintf("%s-%d", s.Name(), i+1)
		}
	}
	return pages
}

// maxDots is how many replicates a panel shows: the first.
const maxDots = 1000

type scatterPanel struct {
	first, second string // estimators
	row           Row
	x, y          []float64
	truth         float64
	correlation   float64
	difference    sim.Uncertain // mean of y - x over all n pairs
	n             int
}

func (s Scatter) panels() (panels []scatterPanel) {
	type effect struct {
		cell          int
		outcome, term string
	}
	first := map[effect]int{}
	for i, row := range s.Rows {
		id := effect{row.Cell, row.Outcome, row.Term}
		at, known := first[id]
		if !known {
			first[id] = i
			continue
		}
		base := s.Rows[at]
		pairs := sim.PairEstimates(base.Records, row.Records)
		n := len(pairs.First)
		if n < 2 {
			continue
		}
		shown := min(n, maxDots)
		panel := scatterPanel{
			first: base.Estimator, second: row.Estimator, row: row.Row, truth: row.Truth,
			x: pairs.First[:shown], y: pairs.Second[:shown], n: n,
			correlation: pairs.Correlation, difference: pairs.Difference,
		}
		panels = append(panels, panel)
	}
	return panels
}

// Words are the figure's title and note.
func (s Scatter) Words() Words {
	return Words{"Estimators against each other on the same simulated trials", sentences(loggedNote(s.Rows), sharedNote(plainRows(s.Rows)),
		"MCSE: Monte Carlo standard error of the mean difference")}
}

// Draw lays the figure out.
func (s Scatter) Draw(t Theme) (Drawing, error) {
	if err := t.validate(); err != nil {
		return Drawing{}, err
	}
	panels := s.panels()
	if len(panels) == 0 {
		return Drawing{}, &Empty{"no two estimators estimate the same effect"}
	}
	if len(panels) > MaxPanels {
		return Drawing{}, fmt.Errorf("plots: %d pairs of estimators do not fit on one page of %d", len(panels), MaxPanels)
	}
	columns, width := grid(t, s.Width, len(panels))
	scales, shared := make([]axis, len(panels)), sharedKeys(t, plainRows(s.Rows))
	var labels []string
	var heads []gridPanel
	for i, panel := range panels {
		ends := span{}
		ends.add(panel.x...)
		ends.add(panel.y...)
		scales[i] = newVertical(ends.lo, ends.hi)
		labels = append(labels, scales[i].labels()...)
		remark := "the same estimates"
		if d := panel.difference; d.MCSE > 1e-9*max(math.Abs(ends.lo), math.Abs(ends.hi)) || math.Abs(d.Value) > d.MCSE {
			remark = fmt.Sprintf("r = %s; mean difference %s (MCSE %s)", signed(panel.correlation, 3), short(d.Value, d.MCSE), short(d.MCSE, d.MCSE))
		}
		head := []string{panel.second + " against " + panel.first, title(panel.row, "estimator")}
		if where := panel.row.whereBut(shared); where != "" {
			head = append(head, where)
		}
		heads = append(heads, gridPanel{title: head, remarks: []string{remark}})
	}
	what := "one replicate"
	if panels[0].n > maxDots {
		what = fmt.Sprintf("one of the first %s replicates", count(maxDots))
	}
	return panelGrid{
		width: width, columns: columns, gap: 12, scale: scaleRoom(t, labels...), panels: heads,
		ylabel: "Estimate by the estimator named first (outcome units)",
		xlabel: "Estimate by the other, on the same simulated trials",
		legend: legend{
			{what, 8, func(p pen, box vg.Rectangle) {
				small := p
				small.theme.MarkerWidth *= 0.6
				small.marker(t.Series[0], (box.Min.X+box.Max.X)/2, (box.Min.Y+box.Max.Y)/2)
			}},
			referenceEntry("equal estimates", targetDashes),
			{"truth", sampleWidth, func(p pen, box vg.Rectangle) {
				y := (box.Min.Y + box.Max.Y) / 2
				p.line(t.Series[1].Color, t.LineWidth, nil, box.Min.X, y, box.Max.X, y)
			}},
		},
		height: func(w vg.Length) vg.Length { return w },
		paint:  func(p pen, i int, body vg.Rectangle) { panels[i].paint(p, scales[i], body) },
	}.drawing(t)
}

func (panel scatterPanel) paint(p pen, scale axis, body vg.Rectangle) {
	t := p.theme
	at := paintVertical(p, scale, body)
	x := newAxis(scale.min, scale.max, t.face(t.TickSize), body.Size().X)
	x.min, x.max = scale.min, scale.max
	atX := func(v float64) vg.Length { return body.Min.X + vg.Length(0.03+0.94*x.norm(v))*body.Size().X }
	var dots vg.Path // one path keeps the file small
	r := 0.25 * t.MarkerWidth
	for i := range panel.x {
		cx, cy := atX(panel.x[i]), at(panel.y[i])
		dots.Move(vg.Point{X: cx - r, Y: cy})
		dots.Line(vg.Point{X: cx, Y: cy + r})
		dots.Line(vg.Point{X: cx + r, Y: cy})
		dots.Line(vg.Point{X: cx, Y: cy - r})
		dots.Close()
	}
	p.SetColor(translucent(t.Series[0].Color, 0.55))
	p.Fill(dots)
	p.line(t.Quiet, 1.4*t.AxisWidth, targetDashes, atX(scale.min), at(scale.min), atX(scale.max), at(scale.max))
	if finite(panel.truth) && panel.truth >= scale.min && panel.truth <= scale.max {
		p.line(t.Series[1].Color, 0.7*t.LineWidth, nil, atX(panel.truth), body.Min.Y, atX(panel.truth), body.Max.Y)
		p.line(t.Series[1].Color, 0.7*t.LineWidth, nil, body.Min.X, at(panel.truth), body.Max.X, at(panel.truth))
	}
	face := t.face(t.TickSize)
	p.line(t.Ink, t.AxisWidth, nil, body.Min.X, body.Min.Y, body.Max.X, body.Min.Y)
	free := vg.Length(math.Inf(-1))
	for _, mark := range scale.ticks {
		where, half := atX(mark.value), face.Width(mark.label)/2
		p.line(t.Ink, t.AxisWidth, nil, where, body.Min.Y, where, body.Min.Y-tickLength)
		if where-half >= free && where+half <= body.Max.X+edge {
			p.text(face, t.Ink, where, body.Min.Y-tickLength-1.05*t.TickSize, alignCentre, mark.label)
			free = where + half + 0.5*face.Font.Size
		}
	}
}

// Table returns the plotted numbers, and for each panel the summary of all pairs.
func (s Scatter) Table() [][]string {
	table := [][]string{{"label", "where", "element", "first", "second", "x", "y", "n"}}
	for _, panel := range s.panels() {
		name, where := title(panel.row, "estimator"), panel.row.where()
		add := func(element, x, y string) {
			table = append(table, []string{name, where, element, panel.first, panel.second, x, y, whole(panel.n)})
		}
		add("truth", cell(panel.truth), cell(panel.truth))
		add("correlation", "", cell(panel.correlation))
		add("mean_difference", "", cell(panel.difference.Value))
		add("mean_difference_mcse", "", cell(panel.difference.MCSE))
		for i := range panel.x {
			add("replicate", cell(panel.x[i]), cell(panel.y[i]))
		}
	}
	return table
}
