package sim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
)

// A Verification is what Verify has found.
type Verification struct {
	Chunks     int // that the run has
	Replicates int // simulated again
	Records    int // compared: one for each estimate of each
	Inexact    int // of these, equal to nine digits but not to the last bit; only for a log from another kind of processor
	Truths     int // true effects found again
	Faults     []string
}

// mostFaults is how many faults are told.
const mostFaults = 10

func (v *Verification) fault(format string, args ...any) {
	if len(v.Faults) < mostFaults {
		v.Faults = append(v.Faults, fmt.Sprintf(format, args...))
	} else if len(v.Faults) == mostFaults {
		v.Faults = append(v.Faults, "and more")
	}
}

// Verify reads every chunk of a run directory, simulates n of its replicates again,
// chosen at random by the seed, and compares every number with the log, bit for bit.
// The true effects of the first design among them are found again too.
func Verify(ctx context.Context, plan Plan, dir string, n int, seed uint64, workers int) (*Verification, error) {
	elsewhere := plan.Processor != "" && plan.Processor != runtime.GOARCH
	r := newRunner(plan, Options{Dir: dir})
	v := new(Verification)
	truths, err := readTruthsByCell(dir)
	if err != nil {
		return nil, err
	}
	rows := make([]int, len(r.cells))
	for i := range r.tasks() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		t := r.task(i)
		if !r.has(t) {
			continue
		}
		v.Chunks++
		records, err := r.read(r.path(t), t, rows[t.cell])
		switch {
		case errors.Is(err, fs.ErrNotExist):
			v.fault("%s is missing", r.path(t))
		case err != nil:
			v.fault("%v", err)
		default:
			lo, hi := r.span(t.chunk)
			rows[t.cell] = len(records) / (hi - lo)
			r.referee.see(t, records)
		}
	}
	var w *world
	for _, at := range r.sample(n, seed) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		t := r.taskOf(at.cell, at.replicate)
		logged, err := r.read(r.path(t), t, rows[t.cell])
		if err != nil {
			continue // told above
		}
		if w == nil || w.cell != at.cell {
			again := v.Truths == 0
			if w, err = r.verified(at.cell, truths[at.cell], v, again, workers, elsewhere); err != nil {
				return nil, err
			}
		}
		v.Replicates++
		lo, _ := r.span(t.chunk)
		logged = logged[(at.replicate-lo)*rows[t.cell]:][:rows[t.cell]]
		found := w.log(nil, at.replicate)
		if len(found) != len(logged) {
			v.fault("design %d, replicate %d: the log has %d estimates, the study %d", at.cell, at.replicate, len(logged), len(found))
			continue
		}
		for i := range found {
			v.Records++
			v.compare(&logged[i], &found[i], elsewhere)
		}
	}
	return v, nil
}

// A replicateAt is the place of a replicate in the log.
type replicateAt struct{ cell, replicate int }

// sample chooses n replicates, all equally likely, in the order of the log.
func (r *runner) sample(n int, seed uint64) []replicateAt {
	random := rand.New(rand.NewPCG(seed, scatter(seed)))
	total := r.replicates()
	chosen := map[int]bool{}
	if n >= total {
		for i := range total {
			chosen[i] = true
		}
	}
	for len(chosen) < min(n, total) {
		chosen[random.IntN(total)] = true
	}
	var all []replicateAt
	before := 0
	for i := range r.tasks() {
		t := r.task(i)
		if !r.has(t) {
			continue
		}
		lo, hi := r.span(t.chunk)
		for rep := lo; rep < hi; rep++ {
			if chosen[before+rep-lo] {
				all = append(all, replicateAt{t.cell, rep})
			}
		}
		before += hi - lo
	}
	slices.SortFunc(all, func(a, b replicateAt) int {
		return cmp.Or(cmp.Compare(a.cell, b.cell), cmp.Compare(a.replicate, b.replicate))
	})
	return all
}

// verified compiles a cell with the truths that the directory has for it, which it
// finds again where asked.
func (r *runner) verified(cell int, truths []PopulationEffect, v *Verification, again bool, workers int, elsewhere bool) (*world, error) {
	s := r.cells[cell].Study
	bare, err := newWorld(s, nil)
	if err != nil {
		return nil, err
	}
	known := map[Test]float64{}
	for _, t := range truths {
		known[Test{t.Estimator, t.Outcome, t.Term}] = t.Value
	}
	population := make([]float64, len(bare.rows))
	for i, row := range bare.rows {
		population[i] = math.NaN()
		if value, ok := known[Test{row.Estimator, row.Outcome, row.Term}]; ok {
			population[i] = value
		}
	}
	var found []PopulationEffect
	var projections []*populationProjection
	if again || slices.ContainsFunc(s.Estimators, func(e Estimator) bool { return e.Estimand == Submodel }) {
		if found, projections, err = s.truths(workers); err != nil {
			return nil, err
		}
	}
	if again {
		for i, t := range found {
			if math.IsNaN(t.Value) && math.IsNaN(population[i]) {
				continue
			}
			v.Truths++
			if same, _ := equal(t.Value, population[i], elsewhere); !same {
				v.fault("design %d: %s has the true effect %s for %s; it is %s", cell, truthsFile, shortest(population[i]), Test{t.Estimator, t.Outcome, t.Term}, shortest(t.Value))
			}
		}
	}
	w, err := newWorld(s, population)
	if err != nil {
		return nil, err
	}
	w.cell = cell
	w.submodels = w.newSubmodels(s, projections)
	return w, nil
}

// compare compares a logged estimate with the one found again.
func (v *Verification) compare(logged, found *Record, elsewhere bool) {
	name := fmt.Sprintf("design %d, replicate %d, %s", found.Cell, found.Replicate, Test{found.Estimator, found.Outcome, found.Term})
	if subjectOf(logged) != subjectOf(found) {
		v.fault("%s: the log has %s here", name, Test{logged.Estimator, logged.Outcome, logged.Term})
		return
	}
	if logged.Status != found.Status {
		v.fault("%s: the log has status %s; it is %s", name, logged.Status, found.Status)
		return
	}
	inexact := false
	for _, x := range []struct {
		name          string
		logged, found float64
	}{
		{"truth", logged.Truth, found.Truth}, {"estimate", logged.Value, found.Value}, {"standard error", logged.SE, found.SE},
		{"df", logged.DF, found.DF}, {"p-value", logged.P, found.P}, {"lower limit", logged.Low, found.Low}, {"upper limit", logged.High, found.High},
	} {
		same, exact := equal(x.logged, x.found, elsewhere)
		if !same {
			v.fault("%s: the log has %s %s; it is %s", name, x.name, shortest(x.logged), shortest(x.found))
			return
		}
		inexact = inexact || !exact
	}
	if inexact {
		v.Inexact++
	}
}

// equal reports whether two numbers are the same: to the last bit, or to nine digits
// where they come from different kinds of processors.
func equal(a, b float64, elsewhere bool) (same, exact bool) {
	if a == b || math.IsNaN(a) && math.IsNaN(b) {
		return true, true
	}
	return elsewhere && math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b)), false
}

// Replicate returns the log's records of one replicate.
func Replicate(plan Plan, dir string, cell, replicate int) ([]Record, error) {
	r := newRunner(plan, Options{Dir: dir})
	t := r.taskOf(cell, replicate)
	records, err := r.read(r.path(t), t, 0)
	if err != nil {
		return nil, err
	}
	lo, hi := r.span(t.chunk)
	rows := len(records) / (hi - lo)
	return records[(replicate-lo)*rows:][:rows], nil
}

// Simulate simulates one replicate of a study without a sweep again, as cell of a run.
// Its records lack the true effects of the population.
func (s Study) Simulate(cell, replicate int) ([]Record, error) {
	w, err := newWorld(s, nil)
	if err != nil {
		return nil, err
	}
	w.cell = cell
	return w.log(nil, replicate), nil
}
