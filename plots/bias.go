package plots

import (
	"gonum.org/v1/plot/vg"

	"coachsim/sim"
)

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
	row        Row
	bias, mcse float64 // in units of the outcome
	empSE      float64
	std        sim.Simulated // percent of the empirical standard error
	n, failed  int
}

func (b Bias) points() (points []biasPoint) {
	for _, row := range b.Rows {
		if std := row.StdBias(); isFinite(std) {
			points = append(points, biasPoint{row, row.Bias, row.BiasMCSE, row.EmpSE, std, row.N, row.NFail})
		}
	}
	return points
}

// Words are the figure's title and note.
func (b Bias) Words() Words {
	return Words{"Bias of each estimate", sentences(trialsNote(b.Rows), sharedNote(b.Rows), "Bars are 95% Monte Carlo intervals", "Below 10% of the empirical standard error, bias hardly moves coverage")}
}

// Draw lays the figure out.
func (b Bias) Draw(t Theme) (Drawing, error) {
	if err := t.validate(); err != nil {
		return Drawing{}, err
	}
	points := b.points()
	if len(points) == 0 {
		return Drawing{}, &Empty{"no row has a bias to show"}
	}
	excludes, covers := t.Series[0], t.Series[0]
	covers.Hollow = true
	panel := rowPanel{
		guides: []guide{{at: 0}},
		heads:  []string{"Bias (MC SE), outcome units"},
	}
	panel.domain.add(0)
	shared := sharedKeys(t, b.Rows)
	for _, pt := range points {
		panel.domain.add(pt.std.Low, pt.std.High)
		look := excludes
		if pt.std.Holds(0) {
			look = covers
		}
		panel.rows = append(panel.rows, chartRow{
			label: pt.row.labelBut(shared),
			marks: []rowMark{{look, pt.std, 0}},
			cells: []string{short(pt.bias, pt.mcse) + " (" + short(pt.mcse, pt.mcse) + ")"},
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
			pt.row.label(), cell(pt.bias), cell(pt.mcse), cell(pt.empSE),
			cell(pt.std.Value), cell(pt.std.Low), cell(pt.std.High), whole(pt.n), whole(pt.failed),
		})
	}
	return table
}
