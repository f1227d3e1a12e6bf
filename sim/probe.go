package sim

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"gonum.org/v1/gonum/stat/distuv"

	"coachsim/dgp/spelling"
	"coachsim/estimators"
)

// A Test names one test of a study whose power is asked for: an estimator's
// test of a term on an outcome.
type Test struct{ Estimator, Outcome, Term string }

func (t Test) String() string { return t.Estimator + ": " + t.Outcome + " on " + t.Term }

// FindTest finds the test that a text means: "estimator", "estimator:outcome"
// or "estimator:outcome:term". A part left out is the estimator's first outcome
// or term that has a test against a known effect, else its first. An empty text
// is the study's primary estimate, or without one its first such test.
func (s Study) FindTest(text string) (Test, error) {
	g, err := s.Trial.Compile()
	if err != nil {
		return Test{}, err
	}
	panel, err := estimators.Bind(s.methods(), g.Shape(), s.Terms)
	if err != nil {
		return Test{}, err
	}
	if p := s.Primary; strings.TrimSpace(text) == "" && p != nil {
		for _, row := range panel.Rows() {
			if p.Is(row.Estimator, row.Outcome, row.Term) {
				return Test{row.Estimator, row.Outcome, row.Term}, nil
			}
		}
	}
	var want [3]string
	for i, part := range strings.SplitN(text, ":", len(want)) {
		want[i] = strings.TrimSpace(part)
	}
	if part, names := misnamed(want, panel.Rows()); part < len(want) {
		return Test{}, fmt.Errorf("the study has no test %q; %s", text, meantTest(want, part, names, panel.Rows()))
	}
	fits := func(want, have string) bool { return want == "" || want == have }
	var found *estimators.Row
	known := false
	for i, row := range panel.Rows() {
		if !fits(want[0], row.Estimator) || !fits(want[1], row.Outcome) || !fits(want[2], row.Term) {
			continue
		}
		if has := hasTruth(row, g); found == nil || has && !known {
			found, known = &panel.Rows()[i], has
		}
	}
	return Test{found.Estimator, found.Outcome, found.Term}, nil
}

// meantTest says what a text that names no test may have meant: the nearest test,
// or where none is near the names that the first wrong part could have.
func meantTest(want [3]string, part int, names []string, rows []estimators.Row) string {
	first, known := part, names
	for part < len(want) {
		near := spelling.Nearest(want[part], names)
		if near == "" && part == first {
			const most = 12
			more := ""
			if len(known) > most {
				more = fmt.Sprintf(" and %d more", len(known)-most)
				known = known[:most]
			}
			what := [3]string{"estimators", "outcomes", "terms"}[part]
			if before := strings.Trim(strings.Join(want[:part], ":"), ":"); before != "" {
				what += " of " + before
			}
			return fmt.Sprintf("the %s are %s%s", what, strings.Join(known, ", "), more)
		}
		want[part] = near
		part, names = misnamed(want, rows)
	}
	return fmt.Sprintf("did you mean %q?", strings.TrimRight(strings.Join(want[:], ":"), ":"))
}

// only returns the study with no more estimators than the tests need. What the
// others would have found is not changed by their absence: streams go by name.
func (s Study) only(tests []Test) Study {
	s.Estimators = slices.DeleteFunc(slices.Clone(s.Estimators), func(e Estimator) bool {
		return !slices.ContainsFunc(tests, func(t Test) bool { return t.Estimator == e.Name })
	})
	s.Families = nil
	return s
}

// A sample is what the tests found in the first replicates of one design. Where a
// family of the study adjusts a test's p-values, the others of the family are watched
// too, and the test rejects by its adjusted p-value.
type sample struct {
	study    Study
	tests    []Test
	alpha    float64
	families []sampledFamily         // by test
	watched  []Test                  // the tests, and the others of their families
	fits     [][]estimators.Estimate // by watched test and replicate

	adjuster Adjuster
}

// A sampledFamily adjusts a test's p-values; its method is NoAdjustment without one.
type sampledFamily struct {
	name   string
	method Adjustment
	places []int // of its tests in what is watched
	own    int   // place of the test among them
	p      []float64
}

func newSample(s Study, tests []Test) *sample {
	p := &sample{study: s.only(tests), tests: tests, alpha: s.Alpha, watched: slices.Clone(tests)}
	for _, test := range tests {
		var in sampledFamily
		if f, method := s.AdjustedBy(test); f != nil {
			all := f.tests()
			in = sampledFamily{name: f.Name, method: method, own: slices.Index(all, test), p: make([]float64, len(all))}
			for _, other := range all {
				place := slices.Index(p.watched, other)
				if place < 0 {
					place = len(p.watched)
					p.watched = append(p.watched, other)
				}
				in.places = append(in.places, place)
			}
		}
		p.families = append(p.families, in)
	}
	p.fits = make([][]estimators.Estimate, len(p.watched))
	return p
}

// level is about the level at which a test's own p-value is judged where all others
// of its family keep theirs: that of Bonferroni.
func (p *sample) level(test int) float64 {
	return p.alpha / float64(max(1, len(p.families[test].places)))
}

// adjusted reports whether a test rejects by more than its own p-value.
func (p *sample) adjusted(test int) bool {
	method := p.families[test].method
	return method != NoAdjustment && !method.ByEstimator()
}

// replicates is how many have been drawn.
func (p *sample) replicates() int { return len(p.fits[0]) }

// grow draws replicates until there are n. They are those of a run of the
// study with its seed, whatever the number of workers.
func (p *sample) grow(ctx context.Context, n, workers int) error {
	from := p.replicates()
	if n <= from {
		return ctx.Err()
	}
	more := make([][]estimators.Estimate, len(p.watched))
	for i := range more {
		more[i] = make([]estimators.Estimate, n-from)
	}
	const batch = 25
	workers = max(1, min(workers, (n-from+batch-1)/batch))
	errs := make([]error, workers)
	var next atomic.Int64
	var wait sync.WaitGroup
	for k := range workers {
		wait.Go(func() {
			w, places, err := p.world()
			if err != nil {
				errs[k] = err
				return
			}
			for ctx.Err() == nil {
				lo := (int(next.Add(1)) - 1) * batch
				if lo >= n-from {
					return
				}
				for i := lo; i < min(lo+batch, n-from); i++ {
					fits := w.replicate(from + i)
					for t, place := range places {
						more[t][i] = fits[place]
					}
				}
			}
		})
	}
	wait.Wait()
	if err := errors.Join(append(errs, ctx.Err())...); err != nil {
		return err
	}
	for t := range p.fits {
		p.fits[t] = append(p.fits[t], more[t]...)
	}
	return nil
}

// world compiles the design, without truths, and finds the rows of the tests.
func (p *sample) world() (*world, []int, error) {
	s := p.study
	s.Estimators = slices.Clone(s.Estimators)
	for i := range s.Estimators {
		s.Estimators[i].Estimand = Population // costs nothing where nobody reads it
	}
	w, err := newWorld(s, nil)
	if err != nil {
		return nil, nil, err
	}
	places := make([]int, len(p.watched))
	for t, test := range p.watched {
		places[t] = slices.IndexFunc(w.rows, func(row estimators.Row) bool {
			return row.Estimator == test.Estimator && row.Outcome == test.Outcome && row.Term == test.Term
		})
		if places[t] < 0 {
			return nil, nil, fmt.Errorf("this design has no test %s", test)
		}
	}
	return w, places, nil
}

// power is the share of replicates in which a test rejects, a failed fit
// counting as no rejection, with its Monte Carlo standard error.
func (p *sample) power(test int) (power, mcse float64) {
	hits := 0
	for replicate := range p.replicates() {
		if p.pValue(test, replicate) <= p.alpha { // not where it is NaN
			hits++
		}
	}
	return share(hits, p.replicates())
}

// pValue is the p-value by which a test rejects, NaN of a failed fit; after
// adjustment as MeasureFamilies has it.
func (p *sample) pValue(test, replicate int) float64 {
	of := func(place int) float64 {
		e := p.fits[place][replicate]
		switch status := judged(e); {
		case status.Worked():
			return e.P
		case status == estimators.PerfectStage:
			return 0
		}
		return math.NaN()
	}
	if !p.adjusted(test) {
		return of(test)
	}
	f := &p.families[test]
	for i, place := range f.places {
		f.p[i] = of(place)
	}
	return p.adjuster.Adjust(f.p, f.p, f.method)[f.own]
}

// failed counts the fits of a test that failed.
func (p *sample) failed(test int) int {
	n := 0
	for _, e := range p.fits[test] {
		if e.Status.Failed() {
			n++
		}
	}
	return n
}

// estimate returns the mean and the standard deviation of a test's estimates.
func (p *sample) estimate(test int) (mean, sd float64) {
	var m moments
	for _, e := range p.fits[test] {
		if e.Status.Worked() {
			m.add(e.Value)
		}
	}
	return m.mean(), m.sd()
}

// weakest returns the least power of the tests: a design is as good as its
// worst test.
func (p *sample) weakest() float64 {
	power := math.Inf(1)
	for t := range p.tests {
		v, _ := p.power(t)
		power = min(power, v)
	}
	return power
}

// smooth estimates the power of a test with the chance in the estimates taken
// out: it averages, over replicates, the probability that a normal estimate
// with the mean and the standard deviation of the estimates would be called
// significant with that replicate's standard error and degrees of freedom. The
// search uses it far from the target, where the share of rejections is 0 or 1;
// no answer rests on it. Tests without a standard error, and those that hang on
// others of a family, give their share of rejections. variance is that of
// λ = Φ⁻¹(power) + Φ⁻¹(1-α/2).
func (p *sample) smooth(test int) (power, variance float64) {
	n := float64(p.replicates())
	mean, sd := p.estimate(test)
	var quantile, of float64
	limits := newLimits(p.alpha)
	sum := 0.0
	if !(sd > 0) || p.adjusted(test) { // fewer than two fits worked, or all found the same
		return p.smoothShare(test)
	}
	for _, e := range p.fits[test] {
		if !e.Status.Worked() {
			continue
		}
		if e.Exists() || !(e.SE > 0) {
			return p.smoothShare(test)
		}
		if of != e.DF {
			of = e.DF
			quantile = limits.of(of)
		}
		far := quantile * e.SE
		sum += distuv.UnitNormal.CDF((mean-far)/sd) + distuv.UnitNormal.CDF((-mean-far)/sd)
	}
	lambda := mean / sd // of whose mean and spread the variance is
	return sum / n, (1 + lambda*lambda/2) / n
}

// smoothShare is the share of rejections as smooth gives power, kept away from 0
// and 1.
func (p *sample) smoothShare(test int) (power, variance float64) {
	n := float64(p.replicates())
	hits, _ := p.power(test)
	power = (hits*n + 0.5) / (n + 1)
	density := distuv.UnitNormal.Prob(distuv.UnitNormal.Quantile(power))
	return power, power * (1 - power) / (n * density * density)
}
