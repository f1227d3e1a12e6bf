package sim

import (
	"math"
	"strings"

	"coachsim/dgp"
	"coachsim/estimators"
)

// A world is all that one worker needs: the generator of data, the panel of
// estimators, and the truths they are held against.
type world struct {
	cell      int // of the sweep; 0 without one
	watched   int // row whose power progress shows, or -1
	seed      uint64
	generator *dgp.Generator
	panel     *estimators.Panel
	rows      []estimators.Row
	estimand  []string  // by row: as logged
	truth     []float64 // by row: NaN without one; sample truths change
	sampled   []int     // rows with a sample truth
	effects   *effects  // of these rows; nil if there are none
	reference []int     // by row: the row whose estimate is its truth, or -1
	following []int     // rows with one
	submodels []*submodel
}

// newWorld compiles a study for one worker. population holds the population
// effect of each row that has one, else NaN; it is nil where nobody asks.
func newWorld(s Study, population []float64) (*world, error) {
	g, err := s.Trial.Compile()
	if err != nil {
		return nil, err
	}
	panel, err := estimators.Bind(s.methods(), g.Shape(), s.Terms)
	if err != nil {
		return nil, err
	}
	panel.SetAlpha(s.Alpha)
	w := &world{seed: s.Seed, generator: g, panel: panel, rows: panel.Rows()}
	estimand := s.estimandByName()
	w.reference = s.references(w.rows)
	var targets []estimators.Target
	for i, row := range w.rows {
		name, truth := "", math.NaN()
		e := estimand[row.Estimator]
		switch k := w.reference[i]; {
		case k >= 0:
			name = againstName(w.rows[k].Estimator)
			w.following = append(w.following, i)
		case row.Predictor != nil:
			if truth = predicts(g, *row.Predictor); !math.IsNaN(truth) {
				name = predictorName
			}
		case projected(row, e) && e == Submodel && row.Projection.Term != "":
			name = e.String()
		case projected(row, e):
			name = Projection.String()
			if population != nil {
				truth = population[i]
			}
		case hasTruth(row, g) && e <= Sample:
			name = e.String()
			if e == Sample {
				w.sampled = append(w.sampled, i)
				targets = append(targets, *row.Target)
			} else if population != nil {
				truth = population[i]
			}
		}
		w.estimand = append(w.estimand, name)
		w.truth = append(w.truth, truth)
	}
	if len(targets) > 0 {
		if w.effects, err = newEffects(targets, g); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func (s Study) estimandByName() map[string]Estimand {
	byName := map[string]Estimand{}
	for _, e := range s.Estimators {
		byName[e.Name] = e.Estimand
	}
	return byName
}

// replicate draws one trial, fits every estimator, and returns the estimates.
// Together with w.truth they are the replicate's rows of the log; both are
// overwritten by the next call. It allocates nothing.
func (w *world) replicate(rep int) []estimators.Estimate {
	st := dgp.Stream{Seed: w.seed, Replicate: uint64(rep)}
	data, truth := w.generator.Draw(st)
	w.panel.Use(st)
	estimates := w.panel.Fit(data)
	w.follow(estimates)
	w.submit(estimates)
	if w.effects != nil {
		for i, v := range w.effects.of(data, truth) {
			w.truth[w.sampled[i]] = v
		}
	}
	return estimates
}

// hasTruth reports whether a row estimates an effect that the generator knows.
func hasTruth(row estimators.Row, g *dgp.Generator) bool {
	return row.Target != nil && known(g, *row.Target) && (row.Target.Per == "" || known(g, estimators.Target{Arm: row.Target.Arm, Outcome: row.Target.Per}))
}

// known reports whether the generator knows what would become of a target's
// columns in the worlds that it compares, of those that an arm may change.
func known(g *dgp.Generator, t estimators.Target) bool {
	shape := g.Shape()
	through, err := domains(t, g)
	if err != nil {
		return true // newEffects says what is wrong
	}
	for _, name := range t.Columns() {
		c := shape.Index(name)
		for _, d := range t.Path.Differences(0, 1, t.Level, through) {
			if shape.Columns[c].PostTreatment && !(g.HasNested(c, d.From) && g.HasNested(c, d.To)) {
				return false
			}
		}
	}
	return true
}

// EffectOf tells, by estimator, outcome and term, which effect an estimate is of:
// its outcome, that of a gain being the test that an arm moves (see
// estimators.Target.Moved), and the restriction and weights of the rows that it
// averages over. Estimates without a known effect keep their own outcome.
func (s Study) EffectOf() (func(estimator, outcome, term string) (on, among string), error) {
	g, err := s.Trial.Compile()
	if err != nil {
		return nil, err
	}
	panel, err := estimators.Bind(s.methods(), g.Shape(), s.Terms)
	if err != nil {
		return nil, err
	}
	type name struct{ estimator, outcome, term string }
	type effect struct{ on, among string }
	effects := map[name]effect{}
	for _, row := range panel.Rows() {
		if hasTruth(row, g) {
			t := *row.Target
			effects[name{row.Estimator, row.Outcome, row.Term}] = effect{t.Moved(g.Shape()), strings.TrimSpace(t.Where + " " + t.Weights)}
		}
	}
	return func(estimator, outcome, term string) (on, among string) {
		if e, ok := effects[name{estimator, outcome, term}]; ok {
			return e.on, e.among
		}
		return outcome, ""
	}, nil
}

// population returns, for every row of the study's panel, its population
// effect or projection; NaN where it has none or is held against the sample effect.
func (s Study) population(workers int) ([]PopulationEffect, error) {
	all, _, err := s.truths(workers)
	return all, err
}

// truths returns what population does, and the projections behind.
func (s Study) truths(workers int) ([]PopulationEffect, []*populationProjection, error) {
	g, err := s.Trial.Compile()
	if err != nil {
		return nil, nil, err
	}
	panel, err := estimators.Bind(s.methods(), g.Shape(), s.Terms)
	if err != nil {
		return nil, nil, err
	}
	estimand := s.estimandByName()
	reference := s.references(panel.Rows())
	all := make([]PopulationEffect, len(panel.Rows()))
	var targets []estimators.Target
	var projections []*estimators.Projection
	place := make([]int, len(all)) // in targets, or -1
	for i, row := range panel.Rows() {
		all[i] = PopulationEffect{Estimator: row.Estimator, Outcome: row.Outcome, Term: row.Term, Value: math.NaN(), MCSE: math.NaN()}
		place[i] = -1
		if reference[i] < 0 && projected(row, estimand[row.Estimator]) {
			projections = append(projections, row.Projection)
			continue
		}
		if reference[i] >= 0 || !hasTruth(row, g) || estimand[row.Estimator] != Population {
			continue
		}
		for k, t := range targets {
			if t.Equal(*row.Target) {
				place[i] = k
			}
		}
		if place[i] < 0 {
			place[i] = len(targets)
			targets = append(targets, *row.Target)
		}
	}
	if len(targets) > 0 {
		value, mcse, err := populationEffects(s.Trial, targets, populationDraws, workers)
		if err != nil {
			return nil, nil, err
		}
		for i, k := range place {
			if k >= 0 {
				all[i].Value, all[i].MCSE = value[k], mcse[k]
			}
		}
	}
	if len(projections) == 0 {
		return all, nil, nil
	}
	populations, err := populationProjections(s.Trial, wantedProjections(projections), populationSeed, populationDraws, workers)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range populations {
		var of []int // rows
		var against []*estimators.Projection
		for i, row := range panel.Rows() {
			e := estimand[row.Estimator]
			if reference[i] < 0 && projected(row, e) && row.Projection.Same(p.of) && (row.Projection.Term == "" || e == Projection) {
				of, against = append(of, i), append(against, row.Projection)
			}
		}
		value, mcse := p.solve(against)
		for k, i := range of {
			all[i].Value, all[i].MCSE = value[k], mcse[k]
		}
	}
	return all, populations, nil
}
