package sim

import (
	"cmp"
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
	moved   []quartileTerm
}

// A quartileTerm is a term whose quartiles are needed: how far they lie apart in the
// population, and without each batch.
type quartileTerm struct {
	term     int // its place
	distance float64
	without  []float64
}

// A wantedProjection is a projection, with the places of the terms whose quartiles are
// needed.
type wantedProjection struct {
	estimators.Projection
	moved []int
}

// wantedProjections lists the different projections of rows.
func wantedProjections(rows []*estimators.Projection) []wantedProjection {
	var all []wantedProjection
	for _, p := range rows {
		k := slices.IndexFunc(all, func(o wantedProjection) bool { return o.Same(*p) })
		if k < 0 {
			k = len(all)
			all = append(all, wantedProjection{Projection: *p})
		}
		if term := p.Place(p.Term); p.Across != estimators.Unit && !slices.Contains(all[k].moved, term) {
			all[k].moved = append(all[k].moved, term)
		}
	}
	return all
}

// quartiles measures how far the quartiles of values that come in batches lie apart, of
// all and without each batch.
func quartiles(batches [][]float64) (all float64, without []float64) {
	type drawn struct {
		value float64
		batch int
	}
	var sorted []drawn
	for b, values := range batches {
		for _, v := range values {
			sorted = append(sorted, drawn{v, b})
		}
	}
	slices.SortFunc(sorted, func(a, b drawn) int { return cmp.Compare(a.value, b.value) })
	values := make([]float64, 0, len(sorted))
	for skip := -1; skip < len(batches); skip++ {
		values = values[:0]
		for _, d := range sorted {
			if d.batch != skip {
				values = append(values, d.value)
			}
		}
		distance := quantile(values, 0.75) - quantile(values, 0.25)
		if skip < 0 {
			all = distance
		} else {
			without = append(without, distance)
		}
	}
	return all, without
}

// populationProjections draws the trial and gathers what the projections need. Each
// batch is gathered by one worker and batches are merged in order, so that results do
// not depend on the number of workers.
func populationProjections(trial dgp.Trial, of []wantedProjection, seed uint64, draws, workers int) ([]*populationProjection, error) {
	workers = max(1, min(workers, runtime.GOMAXPROCS(0)))
	batches := make([][]*estimators.LinearPopulation, projectionBatches)
	errs := make([]error, workers)
	bind := func(shape dgp.Shape) ([]*estimators.LinearPopulation, error) {
		var all []*estimators.LinearPopulation
		for _, p := range of {
			m, err := estimators.NewLinearPopulation(p.Projection, shape, p.moved...)
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
		p := &populationProjection{of: of[k].Projection}
		for i, term := range of[k].moved {
			values := make([][]float64, len(batches))
			for b := range batches {
				values[b] = batches[b][k].Values(i)
			}
			t := quartileTerm{term: term}
			t.distance, t.without = quartiles(values)
			p.moved = append(p.moved, t)
		}
		for skip := -1; skip < projectionBatches; skip++ {
			sum, err := estimators.NewLinearPopulation(of[k].Projection, g.Shape())
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

// solve returns the numbers that rows are held against, with their Monte Carlo standard
// errors: coefficients, effects between quartiles and the mean squared error.
func (p *populationProjection) solve(rows []*estimators.Projection) (value, mcse []float64) {
	projector := p.all.NewProjector()
	solve := func(m *estimators.LinearPopulation, without int) []float64 {
		b, mse := projector.Solve(m, nil)
		all := make([]float64, len(rows))
		for i, row := range rows {
			if all[i] = mse; row.Term != "" {
				all[i] = b[p.of.Place(row.Term)] * p.scale(m, *row, without)
			}
		}
		return all
	}
	value = solve(p.all, -1)
	mcse = make([]float64, len(value))
	for b, m := range p.without {
		for i, v := range solve(m, b) {
			mcse[i] += (v - value[i]) * (v - value[i])
		}
	}
	n := float64(len(p.without))
	for i := range mcse {
		mcse[i] = math.Sqrt((n - 1) / n * mcse[i])
	}
	return value, mcse
}

// scale is what the coefficient of a row's term is multiplied by: 1 but for effects
// between quartiles. They are of all batches but one, or for -1 of all.
func (p *populationProjection) scale(m *estimators.LinearPopulation, row estimators.Projection, without int) float64 {
	if row.Across == estimators.Unit {
		return 1
	}
	term := p.of.Place(row.Term)
	t := p.moved[slices.IndexFunc(p.moved, func(t quartileTerm) bool { return t.term == term })]
	distance := t.distance
	if without >= 0 {
		distance = t.without[without]
	}
	return m.Scale(term, distance, row.Across)
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
	rows       []int     // of the panel
	place      []int     // by row: its term in the projection
	scale      []float64 // by row: what the coefficient is multiplied by
	chosen     []bool    // by term: scratch
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
		k := slices.IndexFunc(populations, func(p *populationProjection) bool { return p.of.Same(*row.Projection) })
		if k < 0 {
			continue
		}
		if m == nil {
			m = &submodel{population: populations[k].all, projector: populations[k].all.NewProjector(), chosen: make([]bool, populations[k].all.Terms())}
			found[key] = m
			all = append(all, m)
		}
		m.rows = append(m.rows, i)
		m.place = append(m.place, row.Projection.Place(row.Projection.Term))
		m.scale = append(m.scale, populations[k].scale(populations[k].all, *row.Projection, -1))
	}
	return all
}

// submit fills the truths that depend on what was selected.
func (w *world) submit(estimates []estimators.Estimate) {
	for _, m := range w.submodels {
		clear(m.chosen)
		for k, i := range m.rows {
			m.chosen[m.place[k]] = m.chosen[m.place[k]] || estimates[i].Status.Worked() // a term may have several rows
		}
		b, _ := m.projector.Solve(m.population, m.chosen)
		for k, i := range m.rows {
			w.truth[i] = b[m.place[k]] * m.scale[k]
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
