package sim

import (
	"fmt"
	"iter"
	"math"
	"runtime"
	"slices"

	"coachsim/dgp"
	"coachsim/estimators"
)

// A PathMean is what trials find of a coefficient or an effect on average, beside
// its truth. What does not exist is NaN.
type PathMean struct {
	Term            string
	Mean, MCSE      float64
	Truth           float64
	TruthMCSE       float64 // NaN where it is not known here
	Fitted, Failed  int
	Without, WithIt bool // it is that of units without the arm, or with it, where these may differ
}

// WrongSign reports whether trials find the opposite of the truth on average.
func (m PathMean) WrongSign() bool { return m.Mean*m.Truth < 0 }

// A MediatorPath is the path through one mediator.
type MediatorPath struct {
	Mediator string
	Effect   PathMean   // a, of the arm on the mediator
	Slopes   []PathMean // b, of the outcome on the mediator; of either arm where they may differ
	Indirect PathMean   // what it carries
}

// A Mediation is what an estimator finds of the paths from an arm to an outcome.
type Mediation struct {
	Cell                    int
	Factors                 []Factor
	Estimator, Arm, Outcome string
	Mediators               []MediatorPath
	Direct                  []PathMean // of either arm where they may differ
	Whole                   []PathMean // indirect effects through all mediators, and the total
	N                       int        // trials
}

// Mediations finds, among rows of a run's summary, those of estimators of mediation,
// and puts together what each says of an outcome. chunks is the run's log. Effects
// have the truths of their rows. The truth of a slope is the natural indirect effect that a
// domain carries, over the effect on its score: what an effect of one unit on the score
// stands for in true quality, and that for the outcome.
func Mediations(study Study, rows []SummaryRow, chunks iter.Seq2[[]Record, error]) ([]Mediation, error) {
	designs := study.designs()
	var all []Mediation
	var sums []slopeSum
	var logged []SummaryRow // two for each sum
	for i, r := range rows {
		if slices.ContainsFunc(rows[:i], func(o SummaryRow) bool {
			return o.Cell == r.Cell && o.Estimator == r.Estimator && o.Outcome == r.Outcome
		}) || r.Cell >= len(designs) {
			continue
		}
		m, ok := mediationOf(designs[r.Cell].Study, rows, r)
		if !ok {
			continue
		}
		for k := range m.Mediators {
			parts, wanted := m.slopeRows(rows, k)
			if !wanted {
				continue
			}
			sums = append(sums, slopeSum{mediation: len(all), mediator: k})
			logged = append(logged, parts[:]...)
		}
		all = append(all, m)
	}
	if len(logged) > 0 {
		if err := visit(chunks, logged, func(row int, r *Record) { sums[row/2].add(r) }); err != nil {
			return nil, err
		}
		for i := range sums {
			sum := &sums[i]
			slope := &all[sum.mediation].Mediators[sum.mediator].Slopes[1]
			slope.Fitted, slope.Failed = sum.of.n, sum.failed
			slope.Mean, slope.MCSE = sum.of.mean(), sum.of.mcse()
		}
	}
	for cell := range designs {
		if err := addSlopeTruths(designs[cell].Study, cell, all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// mediationOf puts together what the estimator of a row says of its outcome.
func mediationOf(study Study, rows []SummaryRow, r SummaryRow) (Mediation, bool) {
	m := Mediation{Cell: r.Cell, Factors: r.Factors, Estimator: r.Estimator, Outcome: r.Outcome, N: r.N}
	i := slices.IndexFunc(study.Estimators, func(e Estimator) bool { return e.Name == r.Estimator })
	if i < 0 {
		return m, false
	}
	if _, ok := study.Estimators[i].Method.(estimators.Mediation); !ok {
		return m, false
	}
	find := func(outcome, term string) (PathMean, bool) {
		for _, o := range rows {
			if o.Cell == r.Cell && o.Estimator == r.Estimator && o.Outcome == outcome && o.Term == term {
				return pathMean(o), true
			}
		}
		return noMean(term), false
	}
	for _, o := range rows {
		if o.Cell == r.Cell && o.Estimator == r.Estimator && o.Term == "a" {
			m.Mediators = append(m.Mediators, MediatorPath{Mediator: o.Outcome, Effect: pathMean(o), Indirect: noMean("")})
		}
	}
	found, byArm := false, false
	for k := range m.Mediators {
		path := &m.Mediators[k]
		slope, ok := find(r.Outcome, m.of("b", k))
		found = found || ok
		path.Slopes = []PathMean{slope}
		if _, differs := find(r.Outcome, m.of("interaction", k)); differs {
			byArm = true
			with := noMean(m.of("b + interaction", k))
			with.WithIt, path.Slopes[0].Without = true, true
			path.Slopes = append(path.Slopes, with)
		}
		for _, term := range []string{m.of("indirect", k), m.of("acme", k)} {
			if effect, ok := find(r.Outcome, term); ok {
				path.Indirect = effect
			}
		}
	}
	direct, whole := []string{"direct", "ade"}, []string{"indirect", "acme", "total"}
	if byArm {
		direct, whole = []string{"ade(0)", "ade(1)"}, []string{"acme(0)", "acme(1)", "total"}
	}
	for _, term := range direct {
		if effect, ok := find(r.Outcome, term); ok {
			effect.Without, effect.WithIt = term == "ade(0)", term == "ade(1)"
			m.Direct = append(m.Direct, effect)
		}
	}
	for _, term := range whole {
		if effect, ok := find(r.Outcome, term); ok {
			m.Whole = append(m.Whole, effect)
		}
	}
	return m, found
}

// of names what is about mediator k, as estimators do.
func (m Mediation) of(name string, k int) string {
	if len(m.Mediators) == 1 {
		return name
	}
	return name + "(" + m.Mediators[k].Mediator + ")"
}

// slopeRows returns the rows whose sum is the slope with the arm.
func (m Mediation) slopeRows(rows []SummaryRow, k int) (parts [2]SummaryRow, wanted bool) {
	if len(m.Mediators[k].Slopes) < 2 {
		return parts, false
	}
	for i, name := range []string{"b", "interaction"} {
		at := slices.IndexFunc(rows, func(o SummaryRow) bool {
			return o.Cell == m.Cell && o.Estimator == m.Estimator && o.Outcome == m.Outcome && o.Term == m.of(name, k)
		})
		if at < 0 {
			return parts, false
		}
		parts[i] = rows[at]
	}
	return parts, true
}

// noMean is that of a term that the rows do not have.
func noMean(term string) PathMean {
	return PathMean{Term: term, Mean: math.NaN(), MCSE: math.NaN(), Truth: math.NaN(), TruthMCSE: math.NaN()}
}

// pathMean is the mean of a row's estimates.
func pathMean(r SummaryRow) PathMean {
	n := r.Estimates()
	return PathMean{Term: r.Term, Mean: r.Mean, MCSE: r.EmpSE / math.Sqrt(float64(n)), Truth: r.Truth, TruthMCSE: math.NaN(), Fitted: n, Failed: r.NFail}
}

// A slopeSum is the mean of the slope with the arm, the sum of two terms of the same fits.
type slopeSum struct {
	mediation, mediator int
	of                  moments
	failed              int

	first Record // of the replicate at hand
	half  bool   // it is there
}

// add adds one of the two terms.
func (s *slopeSum) add(r *Record) {
	if !s.half || s.first.Replicate != r.Replicate {
		s.first, s.half = *r, true
		return
	}
	s.half = false
	if !s.first.Status.Worked() || !r.Status.Worked() {
		s.failed++
		return
	}
	s.of.add(s.first.Value + r.Value)
}

// addSlopeTruths fills in arms and, where effects by path are known, the truths of
// slopes of one design.
func addSlopeTruths(study Study, cell int, all []Mediation) error {
	if !slices.ContainsFunc(all, func(m Mediation) bool { return m.Cell == cell }) {
		return nil
	}
	g, err := study.Trial.Compile()
	if err != nil {
		return err
	}
	panel, err := estimators.Bind(study.methods(), g.Shape(), study.Terms)
	if err != nil {
		return err
	}
	var targets []estimators.Target
	var slopes []*PathMean
	for i := range all {
		m := &all[i]
		if m.Cell != cell {
			continue
		}
		for k := range m.Mediators {
			path := &m.Mediators[k]
			for _, row := range panel.Rows() {
				if row.Estimator != m.Estimator || row.Target == nil {
					continue
				}
				if m.Arm == "" {
					m.Arm = row.Target.Arm
				}
				if row.Outcome != m.Outcome || row.Term != path.Indirect.Term || !hasTruth(row, g) {
					continue
				}
				for s := range path.Slopes {
					t := *row.Target
					t.Per = path.Mediator
					switch {
					case path.Slopes[s].Without:
						t.Path = estimators.IndirectControl
					case path.Slopes[s].WithIt:
						t.Path = estimators.IndirectTreated
					}
					if hasTruth(estimators.Row{Target: &t}, g) {
						targets, slopes = append(targets, t), append(slopes, &path.Slopes[s])
					}
				}
			}
		}
		if m.Arm == "" {
			m.Arm = armOf(study, m.Estimator, g.Shape())
		}
	}
	if len(targets) == 0 {
		return nil
	}
	value, mcse, err := populationEffects(study.Trial, targets, PathDraws, runtime.GOMAXPROCS(0))
	if err != nil {
		return err
	}
	for i, s := range slopes {
		if isFinite(value[i]) && isFinite(mcse[i]) { // an effect of 0 on the score tells nothing
			s.Truth, s.TruthMCSE = value[i], mcse[i]
		}
	}
	return nil
}

// armOf is the arm whose effect an estimator of mediation splits, where none of its
// rows has a truth.
func armOf(study Study, estimator string, shape dgp.Shape) string {
	for _, e := range study.Estimators {
		if m, ok := e.Method.(estimators.Mediation); ok && e.Name == estimator && m.Treatment != "" {
			return m.Treatment
		}
	}
	for _, c := range shape.Columns {
		if c.Arm {
			return c.Name
		}
	}
	return fmt.Sprintf("arm of %s", estimator)
}
