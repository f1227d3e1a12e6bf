package plots

import (
	"iter"
	"math"
	"slices"

	"coachsim/sim"
)

// Standard returns the figures of a run whose study names none: the sampling distribution
// of each effect with its truth, bias, power, and, where cells of a paper are
// given, published beside simulated numbers. A sweep over a number gets power
// curves in the place of dots, and where several estimators estimate the same
// effect, their rejections and coverage in one figure. Of a sweep, figures that would have more than
// maxSweptRows rows or panels are left out, and so are curves beyond
// maxCurvePages and single covariates whose selection rates sum them up: nobody would
// read them, and summary.csv has the numbers.
// chunks is the run's log.
func Standard(s sim.Summary, chunks iter.Seq2[[]sim.Record, error], comparisons []sim.Comparison) ([]Figure, error) {
	s, _ = s.Main()
	effects, tested := labelledRows(s, comparisons)
	if isSwept(s) {
		return sweptFigures(s, effects, tested), nil
	}
	shown := effects
	if len(shown) == 0 { // nothing causal: show what there is
		for _, r := range s.Rows {
			if r.NFail == 0 || r.NFail < r.N {
				shown = append(shown, Row{SummaryRow: r})
			}
		}
	}
	var figures []Figure
	if len(shown) > 0 {
		sampling, err := newSampling(shown, chunks, comparisons)
		if err != nil {
			return nil, err
		}
		figures = asFigures(sampling.Pages())
	}
	if len(effects) > 0 {
		figures = append(figures, Bias{Rows: effects})
	}
	if len(tested) > 0 {
		figures = append(figures, Power{Rows: tested, Alpha: s.Alpha})
	}
	if len(comparisons) > 0 {
		figures = append(figures, Published{Comparisons: comparisons})
	}
	return figures, nil
}

const (
	maxSweptRows  = 48
	maxCurvePages = 4
)

// sweptFigures returns the figures of a sweep: bias, and power curves and
// estimators side by side where there is a swept number, else dots. A sampling distribution for every cell
// would be a book.
func sweptFigures(s sim.Summary, effects, tested []Row) []Figure {
	var figures []Figure
	if n := len(effects); n > 0 && n <= maxSweptRows {
		figures = append(figures, Bias{Rows: effects})
	}
	curve := PowerCurve{Rows: tested, Alpha: s.Alpha}
	if a, _ := curve.arrange(); len(a.panels) == 0 { // no keys are named that could be wrong
		if n := len(tested); n > 0 && n <= maxSweptRows {
			figures = append(figures, Power{Rows: tested, Alpha: s.Alpha})
		}
		return figures
	}
	for i, page := range curve.Pages() {
		if i < maxCurvePages {
			figures = append(figures, page)
		}
	}
	for i, page := range (EstimatorCurves{Rows: effects, Alpha: s.Alpha}).Pages() {
		if i < maxCurvePages {
			figures = append(figures, page)
		}
	}
	return figures
}

// isSwept says whether a summary is of several designs.
func isSwept(s sim.Summary) bool {
	return slices.ContainsFunc(s.Rows, func(r sim.SummaryRow) bool { return len(r.Factors) > 0 })
}

// labelledRows returns the rows that have a bias and those that have a power,
// with the words of the paper where cells of one are given.
func labelledRows(s sim.Summary, comparisons []sim.Comparison) (effects, tested []Row) {
	printed := byEstimate(comparisons)
	for _, r := range s.Rows {
		row := Row{SummaryRow: r}
		if c, ok := printed[[3]string{r.Estimator, r.Outcome, r.Term}]; ok {
			row.Label = c.Label + " (" + c.Table + ", " + c.Column + ")"
		}
		if !math.IsNaN(r.Power) {
			tested = append(tested, row)
		}
		if !math.IsNaN(r.Bias) {
			effects = append(effects, row)
		}
	}
	return effects, tested
}

func byEstimate(comparisons []sim.Comparison) map[[3]string]sim.Comparison {
	printed := map[[3]string]sim.Comparison{}
	for _, c := range comparisons {
		printed[[3]string{c.Estimator, c.Outcome, c.Term}] = c
	}
	return printed
}

// newSampling collects the estimates of rows from a run's log.
func newSampling(rows []Row, chunks iter.Seq2[[]sim.Record, error], comparisons []sim.Comparison) (SamplingDistribution, error) {
	figure := SamplingDistribution{XLabel: "Estimate"}
	estimates, taken, err := sim.Collect(chunks, summaryRows(rows))
	if err != nil {
		return figure, err
	}
	printed := byEstimate(comparisons)
	for i, row := range rows {
		sample := Sample{Label: row.label(), Estimates: estimates[i], Truth: row.Truth, Published: math.NaN(), PublishedSE: math.NaN()}
		if row.N > taken {
			sample.Taken, sample.Of = taken, row.N
		}
		if c, ok := printed[[3]string{row.Estimator, row.Outcome, row.Term}]; ok {
			sample.Label, sample.Published, sample.PublishedSE = c.Label+" ("+c.Table+", "+c.Column+")", c.Value, c.SE
		}
		figure.Samples = append(figure.Samples, sample)
	}
	return figure, nil
}
