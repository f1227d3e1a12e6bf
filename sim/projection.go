package sim

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	"coachsim/dgp"
	"coachsim/estimators"
)

// projectionBatches is the number of batches into which the draws behind a
// population projection are divided. Leaving one out at a time gives its Monte Carlo
// standard error (the delete-a-group jackknife: Kott 2001), whatever function of the
// cross-products it is.
const projectionBatches = 25

// A populationProjection is a linear projection in the population, from many draws
// of the trial.
type populationProjection struct {
	of      estimators.Projection
	all     *estimators.LinearPopulation
	without []*estimators.LinearPopulation // all but a batch
}

// populationProjections draws the trial and gathers what the projections need. Each
// batch is gathered by one worker and batches are merged in order, so that results do
// not depend on the number of workers.
func populationProjections(trial dgp.Trial, of []estimators.Projection, seed uint64, draws, workers int) ([]*populationProjection, error) {
	workers = max(1, min(workers, runtime.GOMAXPROCS(0)))
	batches := make([][]*estimators.LinearPopulation, projectionBatches)
	errs := make([]error, workers)
	bind := func(shape dgp.Shape) ([]*estimators.LinearPopulation, error) {
		var all []*estimators.LinearPopulation
		for _, p := range of {
			m, err := estimators.NewLinearPopulation(p, shape)
			if err != nil {
				return nil, err
			}
			all = append(all, m)
		}
		return all, nil
	}
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			g, err := trial.Compile()
			if err != nil {
				errs[w] = err
				return
			}
			for b := w; b < projectionBatches; b += workers {
				if batches[b], errs[w] = bind(g.Shape()); errs[w] != nil {
					return
				}
				for rep := b; rep < draws; rep += projectionBatches {
					d, _ := g.Draw(dgp.Stream{Seed: seed, Replicate: uint64(rep)})
					for _, m := range batches[b] {
						m.Add(d)
					}
				}
			}
		})
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	g, err := trial.Compile()
	if err != nil {
		return nil, err
	}
	all := make([]*populationProjection, len(of))
	for k := range of {
		p := &populationProjection{of: of[k]}
		for skip := -1; skip < projectionBatches; skip++ {
			sum, err := estimators.NewLinearPopulation(of[k], g.Shape())
			if err != nil {
				return nil, err
			}
			for b := range batches {
				if b != skip {
					sum.Merge(batches[b][k])
				}
			}
			if skip < 0 {
				p.all = sum
			} else {
				p.without = append(p.without, sum)
			}
		}
		all[k] = p
	}
	return all, nil
}

// solve returns the coefficients of all terms, then the mean squared error, with
// their Monte Carlo standard errors.
func (p *populationProjection) solve() (value, mcse []float64) {
	projector := p.all.NewProjector()
	solve := func(m *estimators.LinearPopulation) []float64 {
		b, mse := projector.Solve(m, nil)
		return append(slices.Clone(b), mse)
	}
	value = solve(p.all)
	mcse = make([]float64, len(value))
	for _, m := range p.without {
		for j, v := range solve(m) {
			mcse[j] += (v - value[j]) * (v - value[j])
		}
	}
	n := float64(len(p.without))
	for j := range mcse {
		mcse[j] = math.Sqrt((n - 1) / n * mcse[j])
	}
	return value, mcse
}

// projected reports whether a row is held against a projection.
func projected(row estimators.Row, e Estimand) bool {
	return row.Projection != nil && (e == Projection || e == Submodel || row.Projection.Term == "")
}

// A submodel is the truth of the coefficients that one estimator reports, each of
// which it reports only where it has selected the term: the population linear
// projection on the terms selected in the same data.
type submodel struct {
	population *estimators.LinearPopulation
	projector  *estimators.Projector
	rows       []int  // of the panel
	place      []int  // by row: its term in the projection
	chosen     []bool // by term: scratch
}

// newSubmodels gathers the rows that are held against submodels, by estimator and
// outcome. Terms of the projection that no row is of count as not selected.
func (w *world) newSubmodels(s Study, populations []*populationProjection) []*submodel {
	if populations == nil {
		return nil
	}
	type group struct{ estimator, outcome string }
	estimand := s.estimandByName()
	found := map[group]*submodel{}
	var all []*submodel
	for i, row := range w.rows {
		if estimand[row.Estimator] != Submodel || row.Projection == nil || row.Projection.Term == "" {
			continue
		}
		key := group{row.Estimator, row.Outcome}
		m := found[key]
		if m == nil {
			k := slices.IndexFunc(populations, func(p *populationProjection) bool { return p.of.Same(*row.Projection) })
			if k < 0 {
				continue
			}
			m = &submodel{population: populations[k].all, projector: populations[k].all.NewProjector(), chosen: make([]bool, populations[k].all.Terms())}
			found[key] = m
			all = append(all, m)
		}
		m.rows = append(m.rows, i)
		m.place = append(m.place, row.Projection.Place(row.Projection.Term))
	}
	return all
}

// submit fills the truths that depend on what was selected.
func (w *world) submit(estimates []estimators.Estimate) {
	for _, m := range w.submodels {
		clear(m.chosen)
		for k, i := range m.rows {
			m.chosen[m.place[k]] = estimates[i].Status.Worked()
		}
		b, _ := m.projector.Solve(m.population, m.chosen)
		for k, i := range m.rows {
			w.truth[i] = b[m.place[k]]
		}
	}
}

// projectionFaults returns the faults of estimators that are held against
// projections and report no coefficient that has one.
func (s Study) projectionFaults(rows []estimators.Row) []Fault {
	var faults []Fault
	for i, e := range s.Estimators {
		if (e.Estimand == Projection || e.Estimand == Submodel) && !slices.ContainsFunc(rows, func(r estimators.Row) bool { return r.Estimator == e.Name && r.Projection != nil }) {
			faults = append(faults, Fault{fmt.Sprintf("estimators[%d].estimand", i), -1, fmt.Sprintf("%s is of the coefficients of a regression on terms, without weights, absorbed effects, random effects and instruments; %q reports none", e.Estimand, e.Name)})
		}
	}
	return faults
}
