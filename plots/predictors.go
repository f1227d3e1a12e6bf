package plots

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg"

	"coachsim/sim"
)

// Predictors shows a measure of every predictor, such as how often each is selected, a
// marker for every estimator: those that truly predict above, by the first
// estimator's value, and the others below.
type Predictors struct {
	File    string    // name of the files; by the measure where empty
	Width   vg.Length // MidWidth where 0
	Measure sim.PredictorMeasure
	Alpha   float64 // of intervals, for coverage
	Values  []sim.PredictorValue
}

// Name returns the name of the figure's files.
func (f Predictors) Name() string {
	return named(f.File, [...]string{"selection", "importance", "coverage"}[f.Measure])
}

// Words are the figure's title and note.
func (f Predictors) Words() Words {
	title := [...]string{"How often each predictor is selected", "Importance of each predictor", "Coverage of the intervals of each predictor's coefficient"}[f.Measure]
	if len(f.Values) > 0 {
		if where := (Row{SummaryRow: sim.SummaryRow{Factors: f.Values[0].Factors}}).where(); where != "" {
			title += ", " + where
		}
	}
	trials, fewest := span{}, span{}
	for _, v := range f.Values {
		trials.add(float64(v.N))
		fewest.add(float64(v.Fits))
	}
	var notes []string
	if trials.any {
		notes = append(notes, count(int(trials.hi))+" simulated trials")
	}
	switch f.Measure {
	case sim.SelectionFrequency:
		notes = append(notes, "Bars are 95% Monte Carlo intervals (Wilson)")
	case sim.ImportanceMeasure:
		of := "the trials"
		if slices.ContainsFunc(f.Values, func(v sim.PredictorValue) bool { return v.NotSelected > 0 }) {
			of = "the trials that select the input, of some " + count(int(fewest.lo)) + " only"
		}
		notes = append(notes, "Markers are means, bars the middle 90% of "+of)
	default:
		notes = append(notes, "Bars are 95% Monte Carlo intervals")
		if fewest.any && fewest.lo < trials.hi {
			notes = append(notes, "A predictor has an interval in the trials that select it, of some in "+count(int(fewest.lo))+" only")
		}
	}
	if left := len(f.predictors()) - len(f.shown()); left > 0 {
		notes = append(notes, fmt.Sprintf("Of %d predictors the %d are shown that have intervals in most trials, true ones first; the others are in the figure's CSV file", left+len(f.shown()), len(f.shown())))
	}
	return Words{title, sentences(notes...)}
}

// series names the marker of a value: its estimator, and what the term says where one has
// several.
func (f Predictors) series(v sim.PredictorValue) string {
	kind, _, _ := strings.Cut(v.Term, "(")
	for _, o := range f.Values {
		if other, _, _ := strings.Cut(o.Term, "("); f.Measure != sim.PredictorCoverage && o.Estimator == v.Estimator && o.Predictor == v.Predictor && other != kind {
			return v.Estimator + ", " + kind
		}
	}
	return v.Estimator
}

// Of coverage at most maxCovered predictors are shown, and fewer where these have more
// than maxCovers in all, but leastCovered: more are no figure but a table.
const (
	maxCovered   = 24
	maxCovers    = 72
	leastCovered = 8
)

// predictors lists the predictors in their order.
func (f Predictors) predictors() (all []string) {
	for _, v := range f.Values {
		if !slices.Contains(all, v.Predictor) {
			all = append(all, v.Predictor)
		}
	}
	return all
}

// shown lists the predictors that are drawn: all, or of coverage those that have an
// interval in most trials, true ones first.
func (f Predictors) shown() []string {
	all := f.predictors()
	var estimators []string
	for _, v := range f.Values {
		if !slices.Contains(estimators, v.Estimator) {
			estimators = append(estimators, v.Estimator)
		}
	}
	most := min(maxCovered, max(leastCovered, maxCovers/max(1, len(estimators))))
	if f.Measure != sim.PredictorCoverage || len(all) <= most {
		return all
	}
	is, fits := map[string]bool{}, map[string]int{}
	for _, v := range f.Values {
		is[v.Predictor] = v.True == sim.TruePredictor
		fits[v.Predictor] = max(fits[v.Predictor], v.Fits)
	}
	slices.SortStableFunc(all, func(a, b string) int {
		if is[a] != is[b] {
			return map[bool]int{true: -1, false: 1}[is[a]]
		}
		return cmp.Compare(fits[b], fits[a])
	})
	return all[:most]
}

// unit is what the numbers of the measure are shown in.
func (f Predictors) unit() (times float64, label string) {
	switch f.Measure {
	case sim.SelectionFrequency:
		if slices.ContainsFunc(f.Values, func(v sim.PredictorValue) bool { return strings.HasPrefix(v.Term, "runs(") }) {
			return 100, "Selected (% of trials, or of runs)"
		}
		return 100, "Selected (% of trials)"
	case sim.ImportanceMeasure:
		return 1, "Importance"
	default:
		return 100, fmt.Sprintf("Coverage of %s%% intervals (%%)", signed(100*(1-f.Alpha), digitsOf(100*(1-f.Alpha))))
	}
}

// Draw lays the figure out.
func (f Predictors) Draw(t Theme) (Drawing, error) {
	if err := t.validate(); err != nil {
		return Drawing{}, err
	}
	if len(f.Values) == 0 {
		return Drawing{}, &Empty{"there is no predictor to show"}
	}
	times, xlabel := f.unit()
	var names []string
	for _, v := range f.Values {
		if name := f.series(v); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) > min(maxEstimators, len(t.Series)) {
		return Drawing{}, fmt.Errorf("plots: %d series of predictors make too many markers; choose among them with only, such as estimator=NAME", len(names))
	}
	step := vg.Length(2.6) // between the markers of a row
	if len(names) > 2 {
		step = 3.3
	}
	first := map[string]float64{} // by predictor: the value that sorts it
	for _, v := range f.Values {
		if _, seen := first[v.Predictor]; !seen {
			first[v.Predictor] = v.Value
		}
	}
	shown := f.shown()
	domain := span{}
	if f.Measure != sim.PredictorCoverage {
		domain.add(0)
	}
	var panels []rowPanel
	for _, group := range []struct {
		is    sim.Role
		title string
	}{{sim.TruePredictor, "True predictors"}, {sim.NotPredictor, "Others"}, {sim.UnknownRole, ""}} {
		panel := rowPanel{title: group.title}
		if f.Measure == sim.PredictorCoverage {
			panel.guides = []guide{{at: 100 * (1 - f.Alpha), dashes: targetDashes}}
		}
		var order []string
		for _, v := range f.Values {
			if v.True == group.is && slices.Contains(shown, v.Predictor) && !slices.Contains(order, v.Predictor) {
				order = append(order, v.Predictor)
			}
		}
		slices.SortStableFunc(order, func(a, b string) int { return cmp.Compare(first[b], first[a]) })
		for _, predictor := range order {
			line := chartRow{label: predictor, band: len(panel.rows)%2 == 1}
			for i, name := range names {
				for _, v := range f.Values {
					if v.Predictor != predictor || f.series(v) != name || !isFinite(v.Simulated) {
						continue
					}
					spread := vg.Length(len(names)-1)/2 - vg.Length(i)
					mark := rowMark{t.Series[i], v.Times(times), step * spread}
					if group.is == sim.NotPredictor {
						mark.look.Hollow = true
					}
					line.marks = append(line.marks, mark)
					domain.add(mark.Low, mark.High)
				}
			}
			if len(line.marks) > 0 {
				panel.rows = append(panel.rows, line)
			}
		}
		if len(panel.rows) > 0 {
			panels = append(panels, panel)
		}
	}
	if len(panels) == 0 {
		return Drawing{}, &Empty{"no predictor has a number to show"}
	}
	domain.add(f.guideAt()...)
	for i := range panels {
		panels[i].domain = domain
	}
	var key legend
	if len(names) > 1 {
		for i, name := range names {
			key = append(key, intervalEntry(name, t.Series[i]))
		}
	}
	return rowChart{
		width: t.width(f.Width, MidWidth), pitch: max(1.35*t.TickSize, 1.1*step*vg.Length(len(names))+1), legend: key,
		columns: [][]rowPanel{panels}, xlabel: xlabel,
	}.drawing(t)
}

// guideAt is what the axis of coverage must show.
func (f Predictors) guideAt() []float64 {
	if f.Measure == sim.PredictorCoverage {
		return []float64{100 * (1 - f.Alpha)}
	}
	return nil
}

// Table returns the plotted numbers.
func (f Predictors) Table() [][]string {
	table := [][]string{{"estimator", "term", "predictor", "true_predictor", "value", "low", "high", "mcse", "fits", "n", "shown"}}
	ranked := slices.ContainsFunc(f.Values, func(v sim.PredictorValue) bool { return v.Rank.Mean > 0 })
	if ranked {
		table[0] = append(table[0], "mean_rank", "mean_rank_mcse", "rank_sd")
	}
	shown := f.shown()
	for _, v := range f.Values {
		line := []string{
			v.Estimator, v.Term, v.Predictor, v.True.String(), cell(v.Value), cell(v.Low), cell(v.High), cell(v.MCSE), whole(v.Fits), whole(v.N), strconv.FormatBool(slices.Contains(shown, v.Predictor)),
		}
		switch {
		case ranked && v.Rank.Mean > 0:
			line = append(line, cell(v.Rank.Mean), cell(v.Rank.MCSE), cell(v.Rank.SD))
		case ranked:
			line = append(line, "", "", "")
		}
		table = append(table, line)
	}
	return table
}

// makePredictors makes a figure of a measure for every design.
func makePredictors(m sim.PredictorMeasure, missing string) func(Run, sim.Figure) ([]Figure, error) {
	return func(run Run, f sim.Figure) ([]Figure, error) {
		rows, err := run.only(f)
		if err != nil {
			return nil, err
		}
		values, err := sim.Predictors(run.Study, summaryRows(rows), run.Chunks, m)
		if err != nil {
			return nil, err
		}
		if m == sim.ImportanceMeasure {
			run.Summary.AddRanks(values)
		}
		var figures []Figure
		for i, v := range values {
			if i > 0 && values[i-1].Cell == v.Cell {
				continue
			}
			figure := Predictors{File: f.FileName(), Measure: m, Alpha: run.Summary.Alpha}
			if len(figures) > 0 {
				figure.File = fmt.Sprintf("%s-%d", f.FileName(), len(figures)+1)
			}
			for _, o := range values {
				if o.Cell == v.Cell {
					figure.Values = append(figure.Values, o)
				}
			}
			figures = append(figures, figure)
		}
		switch {
		case len(figures) == 0:
			return nil, errors.New(missing)
		case len(figures) > maxCurvePages:
			return nil, fmt.Errorf("%d designs would need as many pages; choose among them with only, such as a swept key", len(figures))
		}
		return figures, nil
	}
}
