package plots

import (
	"errors"
	"fmt"

	"gonum.org/v1/plot/vg"

	"coachsim/sim"
)

// A LoggedRow is a summary row with its part of the replicate log.
type LoggedRow struct {
	Row
	Records []sim.Record // one a replicate
}

// titleBut names the row and, in a line of its own, its design without the values
// of some keys.
func (l LoggedRow) titleBut(shared []string) []string {
	lines := []string{title(l.Row, "")}
	if where := l.whereBut(shared); where != "" {
		lines = append(lines, where)
	}
	return lines
}

// Zip is the zip plot of Morris, White and Crowther (2019), a panel for each
// estimate: its confidence intervals, less the truth, stacked by how far they miss
// ([sim.Zip]). Two lines across bound the 95% Wilson interval
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
	sim.Zip
	row LoggedRow
}

func (z Zip) panels() (panels []zipPanel) {
	for _, row := range z.Rows {
		if zip := sim.NewZip(row.Records, z.Alpha, maxIntervals); zip.N > 0 {
			panels = append(panels, zipPanel{zip, row})
		}
	}
	return panels
}

// head names the panel and tells its coverage.
func (panel zipPanel) head(shared []string) gridPanel {
	shown := panel.Coverage.Times(100)
	remark := fmt.Sprintf("coverage %.1f%% (%.1f to %.1f)", shown.Value, shown.Low, shown.High)
	if panel.Off > 0 {
		remark += fmt.Sprintf("; %s drawn run off the scale", count(panel.Off))
	}
	return gridPanel{title: panel.row.titleBut(shared), remarks: []string{remark}}
}

// Words are the figure's title and note.
func (z Zip) Words() Words {
	return Words{"Confidence intervals, stacked by how far they miss the truth", sentences(loggedNote(z.Rows), sharedNote(plainRows(z.Rows)),
		"An interval's height is the centile of its |estimate − truth| over its half-width",
		"The dashed lines bound the 95% Monte Carlo interval (Wilson) of coverage", worstMCSE(plainRows(z.Rows), "coverage", " points", coverMCSE))}
}

// plainRows are rows without their log.
func plainRows(logged []LoggedRow) []Row {
	rows := make([]Row, len(logged))
	for i, row := range logged {
		rows[i] = row.Row
	}
	return rows
}

// Draw lays the figure out.
func (z Zip) Draw(t Theme) (Drawing, error) {
	if err := errors.Join(t.validate(), checkAlpha(z.Alpha)); err != nil {
		return Drawing{}, err
	}
	panels := z.panels()
	if len(panels) == 0 {
		return Drawing{}, &Empty{"no row has a truth and intervals to hold against it"}
	}
	if len(panels) > MaxPanels {
		return Drawing{}, fmt.Errorf("plots: %d zip plots do not fit on one page of %d", len(panels), MaxPanels)
	}
	columns, width := grid(t, z.Width, len(panels))
	y := newVertical(0, 100)
	g := panelGrid{
		width: width, columns: columns, gap: 12, scale: scaleRoom(t, y.labels()...),
		ylabel: "Centile of |estimate − truth| / half-width of the interval",
		xlabel: percent(1-z.Alpha) + " confidence interval − truth (outcome units)",
		legend: z.legend(t, panels),
		height: func(w vg.Length) vg.Length { return min(80*vg.Millimeter, max(44*vg.Millimeter, w)) },
		paint:  func(p pen, i int, body vg.Rectangle) { z.paint(p, panels[i], y, body) },
	}
	shared := sharedKeys(t, plainRows(z.Rows))
	for _, panel := range panels {
		g.panels = append(g.panels, panel.head(shared))
	}
	return g.drawing(t)
}

func missColour(t Theme) Series { return t.Series[1] }

func (z Zip) legend(t Theme, panels []zipPanel) legend {
	most := 0
	for _, panel := range panels {
		most = max(most, panel.N)
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
	x := newAxis(panel.Low, panel.High, t.face(t.TickSize), body.Size().X)
	atX := func(v float64) vg.Length { return body.Min.X + vg.Length(x.norm(v))*body.Size().X }
	// One path a colour keeps the file small; a line is as thick as its share of
	// the height.
	thick := max(0.2, (at(100)-at(0))/vg.Length(len(panel.Bars)))
	for _, covers := range []bool{true, false} {
		var path vg.Path
		for _, bar := range panel.Bars {
			if bar.Covers == covers {
				path.Move(vg.Point{X: atX(bar.Low), Y: at(bar.Centile)})
				path.Line(vg.Point{X: atX(bar.High), Y: at(bar.Centile)})
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
	for _, share := range []float64{panel.Coverage.Low, panel.Coverage.High} {
		p.line(t.Ink, 1.4*t.AxisWidth, targetDashes, body.Min.X, at(100*share), body.Max.X, at(100*share))
	}
	paintAxis(p, x, body.Min.X, body.Max.X, body.Min.Y, t.Ink)
}

// Table returns the plotted numbers: the intervals drawn, and the coverage of all.
func (z Zip) Table() [][]string {
	table := [][]string{{"label", "where", "element", "centile", "low", "high", "covers", "n"}}
	for _, panel := range z.panels() {
		name, where := title(panel.row.Row, ""), panel.row.where()
		table = append(table, []string{name, where, "coverage", cell(100 * panel.Coverage.Value), cell(100 * panel.Coverage.Low), cell(100 * panel.Coverage.High), "", whole(panel.N)})
		for _, bar := range panel.Bars {
			table = append(table, []string{name, where, "interval", cell(bar.Centile), cell(bar.Low), cell(bar.High), fmt.Sprint(bar.Covers), whole(panel.N)})
		}
	}
	return table
}
