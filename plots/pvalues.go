package plots

import (
	"fmt"
	"slices"

	"gonum.org/v1/plot/vg"

	"coachsim/sim"
)

// PValues shows whether a test keeps its size: two panels for each row, a
// histogram of its p-values and their quantiles against those of a uniform
// distribution ([sim.PValues]). Where there is no effect the histogram is flat and
// the quantiles lie on the diagonal; the bands hold 95% of the bins and of the
// order statistics of a test that keeps its size. A test with
// power has both above.
type PValues struct {
	File  string    // name of the files; "p-values" where empty
	Width vg.Length // 0 chooses by the number of panels
	Rows  []LoggedRow
}

// Name returns the name of the figure's files.
func (v PValues) Name() string { return named(v.File, "p-values") }

type pPanel struct {
	sim.PValues
	row LoggedRow
}

func (v PValues) panels() (panels []pPanel) {
	for _, row := range v.Rows {
		if values := sim.MeasurePValues(row.Records); values.N > 0 {
			panels = append(panels, pPanel{values, row})
		}
	}
	return panels
}

// Words are the figure's title and note.
func (v PValues) Words() Words {
	return Words{"p-values beside those of a test that keeps its size", sentences(loggedNote(v.Rows), sharedNote(plainRows(v.Rows)),
		"Where there is no effect, 95% of the bins and of the quantiles lie in the grey bands")}
}

// Draw lays the figure out.
func (v PValues) Draw(t Theme) (Drawing, error) {
	if err := t.validate(); err != nil {
		return Drawing{}, err
	}
	panels := v.panels()
	if len(panels) == 0 {
		return Drawing{}, &Empty{"no row has p-values"}
	}
	if 2*len(panels) > MaxPanels {
		return Drawing{}, fmt.Errorf("plots: the p-values of %d tests do not fit on one page of %d", len(panels), MaxPanels/2)
	}
	width, columns := MidWidth, 2
	if len(panels) > 2 {
		width, columns = TwoColumns, 4
	}
	if width = t.width(v.Width, width); width < 150*vg.Millimeter {
		columns = 2
	}
	most, shared := 0, sharedKeys(t, plainRows(v.Rows))
	var heads []gridPanel
	for _, panel := range panels {
		most = max(most, slices.Max(panel.Counts))
		heads = append(heads, gridPanel{title: panel.row.titleBut(shared), remarks: []string{"histogram: number of p-values"}},
			gridPanel{title: []string{"quantiles"}, remarks: []string{"−log10 p, observed against expected"}})
	}
	look := t.Series[0]
	return panelGrid{
		width: width, columns: columns, gap: 12, scale: scaleRoom(t, count(most), "0.0"),
		xlabel: "p-value (histograms), −log10 p of a uniform p-value (quantiles)",
		panels: heads,
		legend: legend{
			{"p-values", 12, func(p pen, box vg.Rectangle) {
				p.fill(tint(look.Color, 0.45), box.Min.X, box.Min.Y, box.Max.X, box.Max.Y)
			}},
			referenceEntry("expected without an effect", targetDashes),
			{"95% band without an effect", 12, func(p pen, box vg.Rectangle) {
				p.fill(t.Faint, box.Min.X, box.Min.Y, box.Max.X, box.Max.Y)
			}},
		},
		height: func(w vg.Length) vg.Length { return max(26*vg.Millimeter, 0.7*w) },
		paint: func(p pen, i int, body vg.Rectangle) {
			if i%2 == 0 {
				panels[i/2].paintHistogram(p, body)
			} else {
				panels[i/2].paintQuantiles(p, body)
			}
		},
	}.drawing(t)
}

func (panel pPanel) paintHistogram(p pen, body vg.Rectangle) {
	t := p.theme
	y := newVertical(0, max(panel.High, float64(slices.Max(panel.Counts))))
	at := paintVertical(p, y, body)
	x := newAxis(0, 1, t.face(t.TickSize), body.Size().X)
	atX := func(v float64) vg.Length { return body.Min.X + vg.Length(x.norm(v))*body.Size().X }
	var area vg.Path
	area.Move(vg.Point{X: atX(0), Y: at(0)})
	bins := float64(len(panel.Counts))
	for i, n := range panel.Counts {
		area.Line(vg.Point{X: atX(float64(i) / bins), Y: at(float64(n))})
		area.Line(vg.Point{X: atX(float64(i+1) / bins), Y: at(float64(n))})
	}
	area.Line(vg.Point{X: atX(1), Y: at(0)})
	area.Close()
	p.SetColor(tint(t.Series[0].Color, 0.45))
	p.Fill(area)
	p.SetColor(translucent(t.Ink, 0.12))
	p.Fill(vg.Rectangle{Min: vg.Point{X: atX(0), Y: at(panel.Low)}, Max: vg.Point{X: atX(1), Y: at(panel.High)}}.Path())
	mean := at(panel.Mean)
	p.line(t.Quiet, 1.4*t.AxisWidth, targetDashes, atX(0), mean, atX(1), mean)
	paintAxis(p, x, body.Min.X, body.Max.X, body.Min.Y, t.Ink)
}

func (panel pPanel) paintQuantiles(p pen, body vg.Rectangle) {
	t := p.theme
	ends, across := span{lo: 0, hi: 1, any: true}, span{lo: 0, hi: 1, any: true}
	for _, pt := range panel.Quantiles {
		ends.add(pt.Observed, pt.High)
		across.add(pt.Expected)
	}
	y := newVertical(0, ends.hi)
	at := paintVertical(p, y, body)
	x := newAxis(0, across.hi, t.face(t.TickSize), body.Size().X)
	atX := func(v float64) vg.Length { return body.Min.X + vg.Length(x.norm(v))*body.Size().X }
	var band vg.Path
	for i, pt := range panel.Quantiles {
		place := vg.Point{X: atX(pt.Expected), Y: at(pt.High)}
		if i == 0 {
			band.Move(place)
		} else {
			band.Line(place)
		}
	}
	for _, pt := range slices.Backward(panel.Quantiles) {
		band.Line(vg.Point{X: atX(pt.Expected), Y: at(pt.Low)})
	}
	band.Close()
	p.SetColor(t.Faint)
	p.Fill(band)
	p.line(t.Quiet, 1.4*t.AxisWidth, targetDashes, atX(0), at(0), atX(across.hi), at(across.hi))
	small := p
	small.theme.MarkerWidth *= 0.55
	for _, pt := range panel.Quantiles {
		small.marker(t.Series[0], atX(pt.Expected), at(pt.Observed))
	}
	paintAxis(p, x, body.Min.X, body.Max.X, body.Min.Y, t.Ink)
}

// Table returns the plotted numbers: the bins, with the band of their counts, and
// the quantiles on the scale of -log10 with theirs.
func (v PValues) Table() [][]string {
	table := [][]string{{"label", "where", "element", "x", "value", "low", "high", "n"}}
	for _, panel := range v.panels() {
		name, where := title(panel.row.Row, ""), panel.row.where()
		for i, n := range panel.Counts {
			table = append(table, []string{name, where, "bin", cell((float64(i) + 0.5) / float64(len(panel.Counts))), whole(n), cell(panel.Low), cell(panel.High), whole(panel.N)})
		}
		for _, pt := range panel.Quantiles {
			table = append(table, []string{name, where, "quantile", cell(pt.Expected), cell(pt.Observed), cell(pt.Low), cell(pt.High), whole(panel.N)})
		}
	}
	return table
}
