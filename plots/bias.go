package plots

import (
	"errors"
	"math"

	"gonum.org/v1/plot/vg"
)

// normal95 is the 97.5% quantile of the standard normal distribution.
const normal95 = 1.959963984540054

// Bias is a forest plot of the bias of each estimate with its 95% Monte Carlo
// interval. Estimates have different units (standard deviations, shares of
// children), so the plot shows bias as a percentage of the estimate's own
// empirical standard error; the bias in units of the outcome stands beside it.
// Below about 10% bias hardly moves coverage.
//
// Rows without a bias (descriptive terms) or without spread are left out.
type Bias struct {
	File  string    // name of the files; "bias" where empty
	Width vg.Length // TwoColumns where 0
	Rows  []Row
}

// Name returns the name of the figure's files.
func (b Bias) Name() string { return named(b.File, "bias") }

type biasPoint struct {
	label           string
	bias, mcse      float64 // in units of the outcome
	empSE           float64
	share, low, top float64 // percent of the empirical standard error
	n, failed       int
}

func (b Bias) points() (points []biasPoint) {
	for _, row := range b.Rows {
		unit := 100 / row.EmpSE
		if !finite(row.Bias) || !finite(row.BiasMCSE) || !finite(unit) || unit <= 0 {
			continue
		}
		half := normal95 * row.BiasMCSE
		points = append(points, biasPoint{
			label: row.label(),
			bias:  row.Bias, mcse: row.BiasMCSE, empSE: row.EmpSE,
			share: unit * row.Bias, low: unit * (row.Bias - half), top: unit * (row.Bias + half),
			n: row.N, failed: row.NFail,
		})
	}
	return points
}

// Draw lays the figure out.
func (b Bias) Draw(t Theme) (Drawing, error) {
	if err := t.validate(); err != nil {
		return Drawing{}, err
	}
	points := b.points()
	if len(points) == 0 {
		return Drawing{}, errors.New("plots: no row has a bias to show")
	}
	excludes, covers := t.Series[0], t.Series[0]
	covers.Hollow = true
	panel := rowPanel{
		guides: []guide{{at: 0}},
		heads:  []string{"Bias (MC SE), outcome units"},
	}
	panel.domain.add(0)
	for _, pt := range points {
		panel.domain.add(pt.low, pt.top)
		look := excludes
		if pt.low <= 0 && 0 <= pt.top {
			look = covers
		}
		digits := 4
		if pt.mcse > 0 { // two significant digits of the error say how far the bias can be read
			digits = min(6, max(0, 1-int(math.Floor(math.Log10(pt.mcse)))))
		}
		panel.rows = append(panel.rows, chartRow{
			label: pt.label,
			marks: []rowMark{{look: look, value: pt.share, low: pt.low, high: pt.top}},
			cells: []string{signed(pt.bias, digits) + " (" + signed(pt.mcse, digits) + ")"},
		})
	}
	return rowChart{
		width: t.width(b.Width, TwoColumns),
		pitch: 1.6 * t.TickSize,
		legend: legend{
			intervalEntry("Bias, 95% Monte Carlo interval covers 0", covers),
			intervalEntry("Interval does not cover 0", excludes),
		},
		columns: [][]rowPanel{{panel}},
		xlabel:  "Bias (% of the empirical SE of the estimate)",
	}.drawing(t)
}

// Table returns the plotted numbers.
func (b Bias) Table() [][]string {
	table := [][]string{{
		"label", "bias", "bias_mcse", "empse",
		"bias_percent_of_empse", "low_percent_of_empse", "high_percent_of_empse", "n", "n_fail",
	}}
	for _, pt := range b.points() {
		table = append(table, []string{
			pt.label, cell(pt.bias), cell(pt.mcse), cell(pt.empSE),
			cell(pt.share), cell(pt.low), cell(pt.top), whole(pt.n), whole(pt.failed),
		})
	}
	return table
}
