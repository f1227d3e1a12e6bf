package plots

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/plot/vg"
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
	label            string
	power, low, high float64 // shares
	n, failed        int
}

func (w Power) points() (points []powerPoint) {
	for _, row := range w.Rows {
		if !(row.Power >= 0 && row.Power <= 1) || row.N < 1 {
			continue
		}
		pt := powerPoint{label: row.label(), power: row.Power, n: row.N, failed: row.NFail}
		pt.low, pt.high = wilson(row.Power, row.N)
		points = append(points, pt)
	}
	return points
}

// wilson returns the 95% Wilson score interval of a share p of n trials, which
// unlike p ± 1.96 SE stays sensible at 0 and 1.
func wilson(p float64, n int) (low, high float64) {
	const z2 = normal95 * normal95
	m := float64(n)
	centre := (p + z2/(2*m)) / (1 + z2/m)
	half := normal95 / (1 + z2/m) * math.Sqrt(p*(1-p)/m+z2/(4*m*m))
	// Rounding must not push the ends past the share itself.
	return max(0, min(p, centre-half)), min(1, max(p, centre+half))
}

// Draw lays the figure out.
func (w Power) Draw(t Theme) (Drawing, error) {
	if err := t.validate(); err != nil {
		return Drawing{}, err
	}
	if !(w.Alpha > 0 && w.Alpha < 1) {
		return Drawing{}, fmt.Errorf("plots: alpha is %v; it must lie between 0 and 1", w.Alpha)
	}
	points := w.points()
	if len(points) == 0 {
		return Drawing{}, errors.New("plots: no row has a power to show")
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
	look := t.Series[0]
	for _, pt := range points {
		row := chartRow{
			label: pt.label,
			marks: []rowMark{{look: look, value: 100 * pt.power, low: 100 * pt.low, high: 100 * pt.high}},
			cells: []string{fmt.Sprintf("%.1f (%.1f–%.1f)", 100*pt.power, 100*pt.low, 100*pt.high)},
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
			pt.label, cell(pt.power), cell(pt.low), cell(pt.high), whole(pt.n), whole(pt.failed), cell(w.Alpha),
		})
	}
	return table
}
