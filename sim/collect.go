package sim

import (
	"iter"
	"math"

	"coachsim/estimators"
)

// Collect returns, for each of the given rows of a summary, the estimates of
// the fits that worked, in the order of the replicates.
func Collect(chunks iter.Seq2[[]Record, error], rows []SummaryRow) ([][]float64, error) {
	estimates := make([][]float64, len(rows))
	err := visit(chunks, rows, func(row int, r *Record) {
		if r.Status.Worked() {
			estimates[row] = append(estimates[row], r.Value)
		}
	})
	return estimates, err
}

// CollectRecords returns, for each of the given rows of a summary, its records
// in the order of the replicates, those of failed fits too.
func CollectRecords(chunks iter.Seq2[[]Record, error], rows []SummaryRow) ([][]Record, error) {
	records := make([][]Record, len(rows))
	err := visit(chunks, rows, func(row int, r *Record) { records[row] = append(records[row], *r) })
	return records, err
}

// visit visits the records of the given rows of a summary.
func visit(chunks iter.Seq2[[]Record, error], rows []SummaryRow, each func(row int, r *Record)) error {
	place := map[subject]int{}
	for i := range rows {
		r := &rows[i]
		place[subjectOf(&Record{Cell: r.Cell, Estimator: r.Estimator, Outcome: r.Outcome, Term: r.Term, Estimand: r.Estimand})] = i
	}
	for records, err := range chunks {
		if err != nil {
			return err
		}
		for i := range records {
			if k, wanted := place[subjectOf(&records[i])]; wanted {
				each(k, &records[i])
			}
		}
	}
	return nil
}

// ConfidenceIntervals returns the 1-alpha interval of each record: the
// estimator's own or estimate ± t(1-alpha/2, df) SE, as coverage is measured. It
// is NaN where the fit failed or there is none.
func ConfidenceIntervals(records []Record, alpha float64) []estimators.Interval {
	limits := newLimits(alpha)
	intervals := make([]estimators.Interval, len(records))
	for i := range records {
		r := &records[i]
		switch {
		case !r.Status.Worked() || !hasInterval(r):
			intervals[i] = estimators.Interval{Low: math.NaN(), High: math.NaN()}
		case r.Exists():
			intervals[i] = r.Interval
		default:
			half := limits.of(r.DF) * r.SE
			intervals[i] = estimators.Interval{Low: r.Value - half, High: r.Value + half}
		}
	}
	return intervals
}
