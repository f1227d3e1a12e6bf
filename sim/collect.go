package sim

import "iter"

// Collect returns, for each of the given rows of a summary, the estimates of
// the fits that worked, in the order of the replicates.
func Collect(chunks iter.Seq2[[]Record, error], rows []SummaryRow) ([][]float64, error) {
	place := map[subject]int{}
	for i := range rows {
		r := &rows[i]
		place[subjectOf(&Record{Cell: r.Cell, Estimator: r.Estimator, Outcome: r.Outcome, Term: r.Term, Estimand: r.Estimand})] = i
	}
	estimates := make([][]float64, len(rows))
	for records, err := range chunks {
		if err != nil {
			return nil, err
		}
		for i := range records {
			r := &records[i]
			if k, wanted := place[subjectOf(r)]; wanted && r.Status.Worked() {
				estimates[k] = append(estimates[k], r.Value)
			}
		}
	}
	return estimates, nil
}
