package sim

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"math"
)

// Summarise measures the performance of every estimate in a replicate log.
// It ranges over the chunks twice; they must come in the order of (cell,
// replicate), and how they are cut makes no difference to any bit of the
// result. Alpha is the level of the tests and intervals. Factors holds the
// factors of each cell, or nothing for a study without a sweep. Rows come out
// in the order in which they first appear in the log.
func Summarise(chunks iter.Seq2[[]Record, error], alpha float64, factors [][]Factor) (Summary, error) {
	if !(alpha > 0 && alpha < 1) {
		return Summary{}, fmt.Errorf("summarising: alpha is %v, not between 0 and 1", alpha)
	}
	ledger, limits := newLedger(), newLimits(alpha)

	err := eachRecord(chunks, func(r *Record) error {
		line := ledger.find(r)
		if line == nil {
			line = ledger.open(r)
		} else if line.last == r.Replicate {
			return errors.New("it is there twice")
		}
		line.last = r.Replicate
		line.tally.add(r, alpha, limits)
		return nil
	})
	if err != nil {
		return Summary{}, err
	}

	err = eachRecord(chunks, func(r *Record) error {
		line := ledger.find(r)
		if line == nil {
			return errors.New("the log changed while it was read")
		}
		line.tally.addCentred(r, limits)
		return nil
	})
	if err != nil {
		return Summary{}, err
	}

	summary := Summary{Alpha: alpha, Rows: make([]SummaryRow, len(ledger.lines))}
	for i, line := range ledger.lines {
		if len(factors) > 0 && (line.cell < 0 || line.cell >= len(factors)) {
			return Summary{}, fmt.Errorf("the log has a cell %d, the study has %d", line.cell, len(factors))
		}
		summary.Rows[i] = line.row(alpha)
		if len(factors) > 0 {
			summary.Rows[i].Factors = factors[line.cell]
		}
	}
	return summary, nil
}

// eachRecord visits the records and checks their order.
func eachRecord(chunks iter.Seq2[[]Record, error], visit func(*Record) error) error {
	lastCell, lastReplicate := math.MinInt, math.MinInt
	for records, err := range chunks {
		if err != nil {
			return fmt.Errorf("reading the replicate log: %w", err)
		}
		for i := range records {
			r := &records[i]
			if cmp.Or(cmp.Compare(r.Cell, lastCell), cmp.Compare(r.Replicate, lastReplicate)) < 0 {
				return fmt.Errorf("the replicate log overlaps or is out of order: cell %d, replicate %d follows cell %d, replicate %d",
					r.Cell, r.Replicate, lastCell, lastReplicate)
			}
			lastCell, lastReplicate = r.Cell, r.Replicate
			if err := visit(r); err != nil {
				return fmt.Errorf("%s, %s, %s in replicate %d of cell %d: %w",
					r.Estimator, r.Outcome, r.Term, r.Replicate, r.Cell, err)
			}
		}
	}
	return nil
}

// subject is what one row of a summary is about.
type subject struct {
	cell                               int
	estimator, outcome, term, estimand string
}

func subjectOf(r *Record) subject {
	return subject{r.Cell, r.Estimator, r.Outcome, r.Term, r.Estimand}
}

type ledgerLine struct {
	subject
	last  int // the replicate added last
	tally *tally
}

func (l *ledgerLine) row(alpha float64) SummaryRow {
	measures := l.tally.measures(alpha)
	if l.estimand == predictorName {
		measures.aim()
	}
	return SummaryRow{
		Cell:      l.cell,
		Estimator: l.estimator,
		Outcome:   l.outcome,
		Term:      l.term,
		Estimand:  l.estimand,
		Measures:  measures,

		AnalyticPower: math.NaN(), AnalyticZ: math.NaN(), AnalyticMDES: math.NaN(),
	}
}

// A ledger finds the tally of a record. Replicates repeat the same subjects in
// the same order, so it looks behind the previous one before it asks the map.
type ledger struct {
	lines []*ledgerLine
	index map[subject]int
	next  int
}

func newLedger() *ledger { return &ledger{index: make(map[subject]int)} }

// find returns nil for a subject that is new.
func (l *ledger) find(r *Record) *ledgerLine {
	of := subjectOf(r)
	if l.next < len(l.lines) && l.lines[l.next].subject == of {
		l.next++
		return l.lines[l.next-1]
	}
	i, ok := l.index[of]
	if !ok {
		return nil
	}
	l.next = i + 1
	return l.lines[i]
}

func (l *ledger) open(r *Record) *ledgerLine {
	line := &ledgerLine{subject: subjectOf(r), tally: newTally()}
	l.index[line.subject] = len(l.lines)
	l.lines = append(l.lines, line)
	l.next = len(l.lines)
	return line
}
