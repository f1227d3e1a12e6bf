package plots

import (
	"errors"
	"fmt"

	"gonum.org/v1/plot/vg"

	"coachsim/sim"
)

// Power is a dot plot of the power of each estimate, the share of replicates
// in which its test rejects, with the 95% Wilson interval of that share.
// Reference lines stand at 80% and at Alpha, where the points of true null
// effects belong. A failed fit counts as one that does not reject; where there
// are any, their number stands beside the row.
//
// Rows without a power (numbers that are not tested) are left out.
type Power struct {
	File  string    // name of the files; "power" where empty
	Width vg.Length // TwoColumns where 0
	Alpha float64   // level of the tests, in (0, 1)
	Rows  []Row
}

// Name returns the name of the figure's files.
func (w Power) Name() string { return named(w.File, "power") }

type powerPoint struct {
	row       Row
	power     sim.Simulated // a share
	n, failed int
}

func (w Power) points() (points []powerPoint) {
	for _, row := range w.Rows {
		if power := row.Rejections(); isFinite(power) {
			points = append(points, powerPoint{row, power, row.N, row.NFail})
		}
	}
	return points
}

// Words are the figure's title and note.
func (w Power) Words() Words {
	return Words{"Power of each estimate", sentences(trialsNote(w.Rows), sharedNote(w.Rows), "Bars are 95% Monte Carlo intervals (Wilson)",
		worstMCSE(w.Rows, "power", " points", powerMCSE), fmt.Sprintf("Tests at α = %v; a failed fit counts as one that does not reject", w.Alpha))}
}

// Draw lays the figure out.
func (w Power) Draw(t Theme) (Drawing, error) {
	if err := errors.Join(t.validate(), checkAlpha(w.Alpha)); err != nil {
		return Drawing{}, err
	}
	points := w.points()
	if len(points) == 0 {
		return Drawing{}, &Empty{"no row has a power to show"}
	}
	failures, sameN := false, true
	for _, pt := range points {
		failures = failures || pt.failed > 0
		sameN = sameN && pt.n == points[0].n
	}
	panel := rowPanel{
		domain: span{lo: 0, hi: 100, any: true},
		guides: []guide{
			{at: 100 * w.Alpha, label: fmt.Sprintf("α = %v", w.Alpha), dashes: []vg.Length{1, 1.5}},
			{at: 80, label: "80%", dashes: []vg.Length{4, 2}},
		},
		heads: []string{"Power, % (95% interval)"},
	}
	if failures {
		panel.heads = append(panel.heads, "Failed fits")
	}
	look, shared := t.Series[0], sharedKeys(t, w.Rows)
	for _, pt := range points {
		shown := pt.power.Times(100)
		row := chartRow{
			label: pt.row.labelBut(shared),
			marks: []rowMark{{look, shown, 0}},
			cells: []string{fmt.Sprintf("%.1f (%.1f–%.1f)", shown.Value, shown.Low, shown.High)},
		}
		if failures {
			failed := "0"
			if pt.failed > 0 {
				failed = count(pt.failed) + " of " + count(pt.n)
			}
			row.cells = append(row.cells, failed)
		}
		panel.rows = append(panel.rows, row)
	}
	what := "Power, with 95% Monte Carlo interval"
	if sameN {
		what += " (" + count(points[0].n) + " replicates)"
	}
	return rowChart{
		width:   t.width(w.Width, TwoColumns),
		pitch:   1.6 * t.TickSize,
		legend:  legend{intervalEntry(what, look)},
		columns: [][]rowPanel{{panel}},
		xlabel:  fmt.Sprintf("Replicates with p ≤ %v (%%)", w.Alpha),
	}.drawing(t)
}

// Table returns the plotted numbers.
func (w Power) Table() [][]string {
	table := [][]string{{"label", "power", "low", "high", "n", "n_fail", "alpha"}}
	for _, pt := range w.points() {
		table = append(table, []string{
			pt.row.label(), cell(pt.power.Value), cell(pt.power.Low), cell(pt.power.High), whole(pt.n), whole(pt.failed), cell(w.Alpha),
		})
	}
	return table
}
