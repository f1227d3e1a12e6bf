package estimators

// PredictionDraws are the random parts of the last fit of a panel's fitter: the
// outcome, then the terms, by row; the test rows of every run; and the folds of the
// cross-validation on all rows.
func PredictionDraws(p *Panel, fitter int) (columns [][]float64, units []int, tests [][]int, folds []int) {
	f := p.fitters[fitter].(*prediction)
	g := f.splits.design
	columns = append(append(columns, g.y), g.x...)
	for run := range f.Runs {
		tests = append(tests, f.splits.testRows(run))
	}
	return columns, g.unit, tests, f.folds[:len(g.y)]
}
