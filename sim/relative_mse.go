package sim

import (
	"iter"
	"math"
)

// A RelativeError is the mean squared error of least squares over that of a model, both
// out of sample, as an estimator reports it over repeated splits: above 1 the
// model predicts better.
type RelativeError struct {
	SummaryRow
	MCSE      float64 // of the mean over the trials
	Low, High float64 // means over the trials of the interval over the splits; NaN where there is none
	OfTrials  [2]float64
}

// relativeErrorTerm is how estimators call it.
const relativeErrorTerm = "relative_mse"

// RelativeErrors finds relative errors among the rows of a summary. OfTrials are the 2.5th
// and 97.5th percentiles of the trials, of a long run those of the first that Collect takes.
func RelativeErrors(rows []SummaryRow, chunks iter.Seq2[[]Record, error]) ([]RelativeError, error) {
	var used []SummaryRow
	for _, r := range rows {
		if r.Term == relativeErrorTerm && r.Estimates() > 0 {
			used = append(used, r)
		}
	}
	values, _, err := Collect(chunks, used)
	if err != nil {
		return nil, err
	}
	low, high := make([]moments, len(used)), make([]moments, len(used))
	err = visit(chunks, used, func(row int, r *Record) {
		if r.Status.Worked() && r.Exists() {
			low[row].add(r.Low)
			high[row].add(r.High)
		}
	})
	if err != nil {
		return nil, err
	}
	all := make([]RelativeError, len(used))
	for i, r := range used {
		of := RelativeError{SummaryRow: r, MCSE: r.EmpSE / math.Sqrt(float64(r.Estimates())), Low: math.NaN(), High: math.NaN()}
		if low[i].n > 0 {
			of.Low, of.High = low[i].mean(), high[i].mean()
		}
		of.OfTrials = middle95(values[i])
		all[i] = of
	}
	return all, nil
}
