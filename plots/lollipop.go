package plots

import (
	"errors"
	"fmt"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"coachsim/sim"
)

// Lollipop lays three measures of each estimate side by side: bias in percent of
// the empirical standard error, coverage, and the error of the model standard
// error. A stick leads from the target (0, 1-Alpha, 0) to the value; bars are
// 95% Monte Carlo intervals (Wilson's for coverage).
//
// Rows without a truth are left out. One page holds maxLollipops rows.
type Lollipop struct {
	File  string    // name of the files; "lollipop" where empty
	Width vg.Length // TwoColumns where 0
	Alpha float64
	Rows  []Row
}

// maxLollipops is how many rows a page holds.
const maxLollipops = 40

// Name returns the name of the figure's files.
func (l Lollipop) Name() string { return named(l.File, "lollipop") }

// Pages divides the rows over figures named NAME-1, NAME-2 and so on; a figure
// that fits on one page is returned as it is.
func (l Lollipop) Pages() []Lollipop {
	if len(l.Rows) <= maxLollipops {
		return []Lollipop{l}
	}
	var pages []Lollipop
	for from := 0; from < len(l.Rows); from += maxLollipops {
		page := l
		page.File = fmt.Sprintf("%s-%d", l.Name(), len(pages)+1)
		page.Rows = l.Rows[from:min(from+maxLollipops, len(l.Rows))]
		pages = append(pages, page)
	}
	return pages
}

type lollipopRow struct {
	row      Row
	measures [3]sim.Simulated // bias, coverage, error of the SE; in percent
	n        int
}

var lollipopNames = [3]string{"Bias (% of empirical SE)", "Coverage (%)", "Error of model SE (%)"}

func (l Lollipop) targets() [3]float64 { return [3]float64{0, 100 * (1 - l.Alpha), 0} }

func (l Lollipop) rows() (rows []lollipopRow) {
	for _, row := range l.Rows {
		if bias := row.StdBias(); isFinite(bias) {
			rows = append(rows, lollipopRow{row, [3]sim.Simulated{bias, row.Coverage().Times(100), row.SEError()}, row.N})
		}
	}
	return rows
}

// Words are the figure's title and note.
func (l Lollipop) Words() Words {
	return Words{"Bias, coverage and error of the standard error", sentences(trialsNote(l.Rows), sharedNote(l.Rows),
		"Bars are 95% Monte Carlo intervals (Wilson's of coverage); sticks lead from the target", worstMCSE(l.Rows, "coverage", " points", coverMCSE))}
}

// Draw lays the figure out.
func (l Lollipop) Draw(t Theme) (Drawing, error) {
	if err := errors.Join(t.validate(), checkAlpha(l.Alpha)); err != nil {
		return Drawing{}, err
	}
	rows := l.rows()
	switch {
	case len(rows) == 0:
		return Drawing{}, &Empty{"no row has a bias to show"}
	case len(rows) > maxLollipops:
		return Drawing{}, fmt.Errorf("plots: %d rows do not fit on one page of %d; use Pages", len(rows), maxLollipops)
	}
	width := t.width(l.Width, TwoColumns)
	inside := width - 2*edge
	face := t.face(t.TickSize)
	const gap = vg.Length(12)
	room := 0.34 * inside
	shared := sharedKeys(t, l.Rows)
	labels := make([][]string, len(rows))
	var label vg.Length
	for i, row := range rows {
		labels[i] = wrap(face, row.row.labelBut(shared), room)
		label = max(label, widest(face, labels[i]...))
	}
	data := (inside - label - 3*gap) / 3
	if data < 15*vg.Millimeter {
		return Drawing{}, fmt.Errorf("plots: three panels need more than %.0f mm", width/vg.Millimeter)
	}
	heads := [3][]string{}
	headLines := 0
	for m, name := range lollipopNames {
		room := data
		if m < len(lollipopNames)-1 { // the last has the edge of the paper beside it
			room += 0.8 * gap
		}
		heads[m] = wrap(t.face(t.LabelSize), name, room)
		headLines = max(headLines, len(heads[m]))
	}
	what := "95% Monte Carlo interval"
	if n := rows[0].n; allSame(rows, func(r lollipopRow) int { return r.n }) {
		what += " (" + count(n) + " replicates)"
	}
	off, on := t.Series[0], t.Series[0]
	on.Hollow = true
	legend := legend{
		intervalEntry(what+" holds the target", on),
		intervalEntry("does not", off),
		referenceEntry("target", nil),
	}
	legendHeight := legend.height(t, inside)
	head := (leading*vg.Length(headLines) + 0.3) * t.LabelSize
	pitch := 1.7 * t.TickSize
	height := 2*edge + legendHeight + head + tickLength + 1.3*t.TickSize
	for i := range rows {
		height += rowHeight(t, labels[i], pitch)
	}
	paint := func(canvas draw.Canvas) {
		p := pen{Canvas: canvas, theme: t}
		left, top := canvas.Min.X+edge, canvas.Max.Y-edge
		legend.paint(p, left, top, inside)
		top -= legendHeight
		bodyTop := top - head
		middles := make([]vg.Length, len(rows))
		y := bodyTop
		for i := range rows {
			h := rowHeight(t, labels[i], pitch)
			middles[i] = y - h/2
			y -= h
			p.lines(face, t.Ink, left, middles[i], alignLeft, labels[i])
		}
		for m, target := range l.targets() {
			x0 := left + label + gap + vg.Length(m)*(data+gap)
			ends := span{}
			ends.add(target)
			for _, row := range rows {
				ends.add(row.measures[m].Low, row.measures[m].High)
			}
			x := newAxis(ends.lo, ends.hi, face, data)
			at := func(v float64) vg.Length { return x0 + vg.Length(x.norm(v))*data }
			for k, line := range heads[m] {
				p.text(t.face(t.LabelSize), t.Ink, x0, top-(1+leading*vg.Length(k))*t.LabelSize, alignLeft, line)
			}
			p.line(t.Quiet, 1.4*t.AxisWidth, nil, at(target), y, at(target), bodyTop)
			for i, row := range rows {
				v := row.measures[m]
				p.line(t.Faint, 0.8*t.AxisWidth, nil, x0, middles[i], x0+data, middles[i])
				if !isFinite(v) {
					continue
				}
				look := off
				if v.Holds(target) {
					look = on
				}
				p.line(tint(look.Color, 0.45), 2.2*t.LineWidth, nil, at(target), middles[i], at(v.Value), middles[i])
				p.interval(look, at(v.Value), at(v.Low), at(v.High), middles[i])
			}
			paintAxis(p, x, x0, x0+data, y, t.Ink)
		}
	}
	return Drawing{Width: width, Height: height, Paint: paint}, nil
}

// allSame says whether f is the same of all.
func allSame[T any, V comparable](all []T, f func(T) V) bool {
	for _, one := range all {
		if f(one) != f(all[0]) {
			return false
		}
	}
	return true
}

// Table returns the plotted numbers.
func (l Lollipop) Table() [][]string {
	table := [][]string{{"label", "measure", "value", "low", "high", "target", "n"}}
	for _, row := range l.rows() {
		for m, name := range [3]string{"bias_percent_of_empse", "coverage_percent", "modelse_error_percent"} {
			v := row.measures[m]
			table = append(table, []string{row.row.label(), name, cell(v.Value), cell(v.Low), cell(v.High), cell(l.targets()[m]), whole(row.n)})
		}
	}
	return table
}
