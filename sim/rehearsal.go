package sim

import (
	"context"
	"fmt"

	"coachsim/estimators"
)

// Rehearsals of a long run.
const (
	rehearsedDesigns = 12 // spread evenly over a longer sweep
	rehearsals       = 20 // replicates of each, at most
)

// A RehearsalError says that an estimate failed in every rehearsal of a design.
type RehearsalError struct {
	Test    Test
	Design  int
	Factors []Factor
	Fits    int
	Status  estimators.Status // of the first
}

func (e *RehearsalError) Error() string {
	where := ""
	for _, f := range e.Factors {
		where += ", " + f.Key + " = " + f.Value
	}
	return fmt.Sprintf("every one of %d trial fits of %s%s failed (%s)", e.Fits, e.Test, where, e.Status)
}

// Rehearse fits every estimator to the first replicates of a study's designs, or of
// some of them. An estimate that fails in all of 20 is an error: even one that fails in
// half of all replicates does so once in a million times. A design is left as soon
// as every estimate has worked once, which is mostly at once. That a term is
// not selected is no failure of the fit.
func (s Study) Rehearse(ctx context.Context) error {
	designs := s.designs()
	step := (len(designs) + rehearsedDesigns - 1) / rehearsedDesigns
	for i := 0; i < len(designs); i += step {
		w, err := newWorld(designs[i].Study, nil)
		if err != nil {
			return err
		}
		first := make([]estimators.Status, len(w.rows))
		worked := make([]bool, len(w.rows))
		left := len(w.rows)
		for rep := 0; rep < rehearsals && left > 0; rep++ {
			if ctx.Err() != nil {
				return nil //nolint:nilerr // the run says that it was interrupted
			}
			for k, e := range w.replicate(rep) {
				status := judged(e)
				if rep == 0 {
					first[k] = status
				}
				if !worked[k] && !status.Failed() {
					worked[k] = true
					left--
				}
			}
		}
		for k, ok := range worked {
			if !ok {
				row := w.rows[k]
				return &RehearsalError{Test{row.Estimator, row.Outcome, row.Term}, i, designs[i].Factors, rehearsals, first[k]}
			}
		}
	}
	return nil
}
