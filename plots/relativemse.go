package plots

import (
	"errors"

	"gonum.org/v1/plot/vg"

	"coachsim/sim"
)

// RelativeMSE shows how well models predict beside least squares, out of sample: the mean
// squared error of least squares over that of the model. For each the mean over the
// trials, with the interval over the splits of one data set, on average, and the middle
// 95% of the trials.
type RelativeMSE struct {
	File   string    // name of the files; "relative-mse" where empty
	Width  vg.Length // MidWidth where 0
	Errors []sim.RelativeError
}

// Name returns the name of the figure's files.
func (f RelativeMSE) Name() string { return named(f.File, "relative-mse") }

func (f RelativeMSE) rows() []Row {
	var rows []Row
	for _, e := range f.Errors {
		rows = append(rows, Row{SummaryRow: e.SummaryRow})
	}
	return rows
}

// Words are the figure's title and note.
func (f RelativeMSE) Words() Words {
	return Words{"Error of least squares over that of each model, out of sample", sentences(trialsNote(f.rows()), sharedNote(f.rows()),
		"Above 1 the model predicts better than least squares", "Markers are means over the trials, in parentheses their Monte Carlo standard errors")}
}

// Draw lays the figure out.
func (f RelativeMSE) Draw(t Theme) (Drawing, error) {
	if err := t.validate(); err != nil {
		return Drawing{}, err
	}
	if len(f.Errors) == 0 {
		return Drawing{}, &Empty{"no estimator has a relative error to show"}
	}
	splits, trials := t.Series[0], t.Series[1]
	trials.Hollow = true
	panel := rowPanel{guides: []guide{{at: 1, label: "least squares"}}, heads: []string{"mean (MC SE)"}}
	panel.domain.add(1)
	shared := sharedKeys(t, f.rows())
	var key legend
	add := func(label string, look Series) {
		for _, e := range key {
			if e.label == label {
				return
			}
		}
		key = append(key, intervalEntry(label, look))
	}
	for i, e := range f.Errors {
		line := chartRow{label: e.Estimator, band: i%2 == 1}
		if where := (Row{SummaryRow: e.SummaryRow}).whereBut(shared); where != "" {
			line.label += ", " + where
		}
		for _, mark := range []struct {
			label string
			rowMark
		}{
			{"95% of the splits of one data set, on average", rowMark{splits, sim.Simulated{Value: e.Mean, Low: e.Low, High: e.High}, 2.4}},
			{"95% of the trials", rowMark{trials, sim.Simulated{Value: e.Mean, Low: e.OfTrials[0], High: e.OfTrials[1]}, -2.4}},
		} {
			if isFinite(mark.Simulated) {
				line.marks = append(line.marks, mark.rowMark)
				panel.domain.add(mark.Low, mark.High, mark.Value)
				add(mark.label, mark.look)
			}
		}
		mcse, text := e.MCSE, short(e.Mean, 0)
		if finite(mcse) {
			text = short(e.Mean, mcse) + " (" + short(mcse, mcse) + ")"
		}
		line.cells = []string{text}
		panel.rows = append(panel.rows, line)
	}
	return rowChart{
		width: t.width(f.Width, MidWidth), pitch: 2 * t.TickSize, legend: key,
		columns: [][]rowPanel{{panel}}, xlabel: "MSE of least squares over MSE of the model",
	}.drawing(t)
}

// Table returns the plotted numbers.
func (f RelativeMSE) Table() [][]string {
	table := [][]string{{"design", "estimator", "outcome", "mean", "mcse", "splits_low", "splits_high", "trials_low", "trials_high", "n", "n_fail"}}
	for _, e := range f.Errors {
		table = append(table, []string{
			(Row{SummaryRow: e.SummaryRow}).where(), e.Estimator, e.Outcome, cell(e.Mean), cell(e.MCSE), cell(e.Low), cell(e.High),
			cell(e.OfTrials[0]), cell(e.OfTrials[1]), whole(e.N), whole(e.NFail),
		})
	}
	return table
}

func makeRelativeMSE(run Run, f sim.Figure) ([]Figure, error) {
	rows, err := run.only(f)
	if err != nil {
		return nil, err
	}
	all, err := sim.RelativeErrors(summaryRows(rows), run.Chunks)
	if err == nil && len(all) == 0 {
		err = errors.New("no estimator predicts over splits: there is no term relative_mse")
	}
	return paged(all, maxSweptRows, f.FileName(), func(name string, part []sim.RelativeError) RelativeMSE {
		return RelativeMSE{File: name, Errors: part}
	}), err
}
