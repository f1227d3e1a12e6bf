package sim

import (
	"iter"
	"math"
	"unsafe"

	"coachsim/estimators"
)

// Figures of single replicates, and percentiles over replicates, hold so many bytes of
// estimates, and at least so many replicates of each design, so that memory does not grow with
// replicates.
const (
	heldBytes = 8 << 20
	heldLeast = 5000
)

// held is how many replicates of each design are collected of so many rows: the first,
// which are as random as any.
func held(rows int, size uintptr) int {
	return max(heldLeast, heldBytes/(max(1, rows)*int(size))/1000*1000)
}

// Collect returns, for each of the given rows of a summary, the estimates of
// the fits that worked, in the order of the replicates; of a long run those of the first
// replicates, as many as taken says.
func Collect(chunks iter.Seq2[[]Record, error], rows []SummaryRow) (estimates [][]float64, taken int, err error) {
	taken = held(len(rows), unsafe.Sizeof(0.0))
	estimates = make([][]float64, len(rows))
	for i := range rows {
		estimates[i] = make([]float64, 0, min(taken, rows[i].Estimates()))
	}
	err = visit(upTo(taken, chunks, rows), rows, func(row int, r *Record) {
		if r.Replicate < taken && r.Status.Worked() {
			estimates[row] = append(estimates[row], r.Value)
		}
	})
	return estimates, taken, err
}

// CollectRecords returns, for each of the given rows of a summary, its records
// in the order of the replicates, those of failed fits too; of a long run those of the
// first replicates.
func CollectRecords(chunks iter.Seq2[[]Record, error], rows []SummaryRow) ([][]Record, error) {
	taken := held(len(rows), unsafe.Sizeof(Record{}))
	records := make([][]Record, len(rows))
	for i := range rows {
		records[i] = make([]Record, 0, min(taken, rows[i].N))
	}
	err := visit(upTo(taken, chunks, rows), rows, func(row int, r *Record) {
		if r.Replicate < taken {
			records[row] = append(records[row], *r)
		}
	})
	return records, err
}

// upTo reads no further than the first n replicates of the last cell of the rows.
func upTo(n int, chunks iter.Seq2[[]Record, error], rows []SummaryRow) iter.Seq2[[]Record, error] {
	last := -1
	for i := range rows {
		last = max(last, rows[i].Cell)
	}
	return func(yield func([]Record, error) bool) {
		for records, err := range chunks {
			beyond := len(records) > 0 && (records[0].Cell > last || records[0].Cell == last && records[0].Replicate >= n)
			if beyond || !yield(records, err) {
				return
			}
		}
	}
}

// visit visits the records of the given rows of a summary.
func visit(chunks iter.Seq2[[]Record, error], rows []SummaryRow, each func(row int, r *Record)) error {
	if len(rows) == 0 {
		return nil
	}
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
