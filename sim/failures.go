package sim

import (
	"encoding/csv"
	"io"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"

	"coachsim/estimators"
)

// A Failure is one way in which fits of an estimate failed in a cell.
type Failure struct {
	Row      *SummaryRow
	Status   estimators.Status
	Fits     int   // that ended so
	Examples []int // the first replicates in which they did
}

// failureExamples is how many replicates are named.
const failureExamples = 5

// Failures lists how fits failed, in the order of the summary's rows, with
// replicates to look at. The log is read only if any did.
func (s Summary) Failures(chunks iter.Seq2[[]Record, error]) ([]Failure, error) {
	var rows []SummaryRow
	for i := range s.Rows {
		if s.Rows[i].NFail > 0 {
			rows = append(rows, s.Rows[i])
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	byRow := make([]map[estimators.Status]*Failure, len(rows))
	err := visit(chunks, rows, func(row int, r *Record) {
		status := judged(r.Estimate)
		if !status.Failed() {
			return
		}
		if byRow[row] == nil {
			byRow[row] = map[estimators.Status]*Failure{}
		}
		f := byRow[row][status]
		if f == nil {
			f = &Failure{Row: &rows[row], Status: status}
			byRow[row][status] = f
		}
		f.Fits++
		if len(f.Examples) < failureExamples {
			f.Examples = append(f.Examples, r.Replicate)
		}
	})
	if err != nil {
		return nil, err
	}
	var all []Failure
	for _, its := range byRow {
		for _, status := range estimators.Statuses() {
			if f := its[status]; f != nil {
				all = append(all, *f)
			}
		}
	}
	return all, nil
}

// PowerBounds returns the power if every failed fit had been a miss, which is how Power
// counts, if every one had been a hit, and among the fits that did not fail. A term that was
// not selected is a miss in all three: its test was not lost but never made. They are
// NaN where there is no test.
func (m *Measures) PowerBounds() (misses, hits, worked float64) {
	n, failed := float64(m.N), float64(m.NFail)
	if math.IsNaN(m.Power) {
		return m.Power, m.Power, m.Power
	}
	rejections := math.Round(m.Power * n)
	worked = math.NaN()
	if m.N > m.NFail {
		worked = rejections / (n - failed)
	}
	return m.Power, (rejections + failed) / n, worked
}

// WriteFailures writes failures.csv: a row for each way in which fits of an estimate
// failed, and none if no fit did.
func (s Summary) WriteFailures(w io.Writer, failures []Failure) error {
	keys := s.factorKeys()
	lines := [][]string{slices.Concat(keys, []string{
		"cell", "estimator", "outcome", "term", "status", "n", "n_status", "n_fail", "share", "power", "power_if_hits", "power_of_fits", "replicates",
	})}
	number := func(x float64) string {
		if math.IsNaN(x) {
			return ""
		}
		return shortest(x)
	}
	for _, f := range failures {
		r := f.Row
		var line []string
		for _, key := range keys {
			line = append(line, r.factor(key))
		}
		misses, hits, worked := r.PowerBounds()
		examples := make([]string, len(f.Examples))
		for i, rep := range f.Examples {
			examples[i] = strconv.Itoa(rep)
		}
		lines = append(lines, append(line, strconv.Itoa(r.Cell), r.Estimator, r.Outcome, r.Term, f.Status.String(),
			strconv.Itoa(r.N), strconv.Itoa(f.Fits), strconv.Itoa(r.NFail), number(float64(f.Fits)/float64(r.N)),
			number(misses), number(hits), number(worked), strings.Join(examples, " ")))
	}
	out := csv.NewWriter(w)
	return out.WriteAll(lines)
}
