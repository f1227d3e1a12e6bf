package plots

import (
	"strings"

	"gonum.org/v1/plot/vg"

	"coachsim/sim"
)

// Published lays every published coefficient beside the one that the study
// simulated: the printed value with its printed standard error, and the mean
// with the standard deviation of the estimates. Each table of the paper is one
// panel with its own scale; the estimates of one printed column stand on one
// band, with the column's number at the left. With many rows and enough width the panels fill two columns.
//
// Cells that are not coefficients, or have no printed value, are left out.
type Published struct {
	File        string    // name of the files; "published" where empty
	Width       vg.Length // TwoColumns where 0
	Comparisons []sim.Comparison
}

// Name returns the name of the figure's files.
func (f Published) Name() string { return named(f.File, "published") }

func (f Published) cells() (cells []sim.Comparison) {
	for _, c := range f.Comparisons {
		if c.Kind == "coef" && finite(c.Value) {
			cells = append(cells, c)
		}
	}
	return cells
}

// Words are the figure's title and note.
func (f Published) Words() Words {
	most := 0
	for _, c := range f.Comparisons {
		most = max(most, c.N)
	}
	return Words{"Published and simulated coefficients", sentences(count(most)+" simulated trials",
		"Bars are one standard error of the paper's estimate, and one standard deviation of the simulated ones", "A band joins the estimates of one printed column")}
}

// Draw lays the figure out.
func (f Published) Draw(t Theme) (Drawing, error) {
	if err := t.validate(); err != nil {
		return Drawing{}, err
	}
	cells := f.cells()
	if len(cells) == 0 {
		return Drawing{}, &Empty{"no published coefficient to show"}
	}
	printed, simulated := t.Series[1], t.Series[0]
	printed.Hollow, printed.Color = true, t.Ink

	var panels []rowPanel
	var columns []string // the printed column last seen in each panel
	panelOf := map[string]int{}
	for _, c := range cells {
		i, seen := panelOf[c.Table]
		if !seen {
			i = len(panels)
			panelOf[c.Table] = i
			title := "Table " + c.Table
			if c.Table == "text" {
				title = "In the text"
			}
			panel := rowPanel{title: title, guides: []guide{{at: 0}}}
			panel.domain.add(0)
			panels, columns = append(panels, panel), append(columns, c.Column)
		}
		panel := &panels[i]
		band, group := false, c.Column
		if n := len(panel.rows); n > 0 && c.Column == columns[i] {
			band, group = panel.rows[n-1].band, ""
		} else if n > 0 {
			band = !panel.rows[n-1].band
		}
		if group != "" && !strings.HasPrefix(group, "(") {
			group = "(" + group + ")"
		}
		columns[i] = c.Column
		panel.domain.add(c.Value, c.Mean, c.Value-c.SE, c.Value+c.SE, c.Mean-c.SD, c.Mean+c.SD)
		panel.rows = append(panel.rows, chartRow{
			group: group,
			label: c.Label,
			band:  band,
			marks: []rowMark{
				{printed, sim.Simulated{Value: c.Value, Low: c.Value - c.SE, High: c.Value + c.SE}, 2.4},
				{simulated, sim.Simulated{Value: c.Mean, Low: c.Mean - c.SD, High: c.Mean + c.SD}, -2.4},
			},
		})
	}
	width := t.width(f.Width, TwoColumns)
	chart := rowChart{
		width: width,
		pitch: 1.65 * t.TickSize,
		legend: legend{
			intervalEntry("Published coefficient ± its standard error", printed),
			intervalEntry("Simulated mean ± standard deviation of the estimates", simulated),
		},
		columns: twoColumns(panels, width),
		xlabel:  "Coefficient (outcome units)",
	}
	drawing, err := chart.drawing(t)
	if err != nil && len(chart.columns) > 1 { // long labels want one column
		chart.columns = [][]rowPanel{panels}
		return chart.drawing(t)
	}
	return drawing, err
}

// twoColumns splits panels, in order, into two columns of about the same
// height, or leaves them in one when they are few or the figure is narrow.
func twoColumns(panels []rowPanel, width vg.Length) [][]rowPanel {
	const perPanel = 4 // rows' worth of title and axis
	rows := func(panels []rowPanel) (n int) {
		for _, p := range panels {
			n += len(p.rows) + perPanel
		}
		return n
	}
	if len(panels) < 2 || rows(panels) < 36 || width < 150*vg.Millimeter {
		return [][]rowPanel{panels}
	}
	split, best := 1, rows(panels)
	for i := 1; i < len(panels); i++ {
		if tallest := max(rows(panels[:i]), rows(panels[i:])); tallest < best {
			split, best = i, tallest
		}
	}
	return [][]rowPanel{panels[:split], panels[split:]}
}

// Table returns the plotted numbers.
func (f Published) Table() [][]string {
	table := [][]string{{
		"id", "table", "column", "label",
		"published", "published_se", "simulated_mean", "simulated_mean_mcse", "simulated_sd", "simulated_sd_mcse", "n", "n_fail",
	}}
	for _, c := range f.cells() {
		table = append(table, []string{
			c.ID, c.Table, c.Column, c.Label,
			cell(c.Value), cell(c.SE), cell(c.Mean), cell(c.MeanMCSE), cell(c.SD), cell(c.SDMCSE), whole(c.N), whole(c.NFail),
		})
	}
	return table
}
