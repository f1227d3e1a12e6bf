package sim

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"coachsim/dgp"
	"coachsim/estimators"
)

// effects evaluates the true sample effects of a list of targets on one data
// set after the other, from the potential outcomes.
type effects struct {
	targets   []estimators.Target
	bound     *estimators.Targets
	contrasts [][]contrast     // by target, then by the arm that a row is in: of the first arm
	between   [][][]difference // the same in worlds: what the effect is the mean of
	cells     *cells           // which arm a row is in; nil where contrasts do not depend on it
	shape     dgp.Shape
	worlds    []*potentialWorld // those of any target
	columns   []int             // those with potential outcomes, of any target
	per       []int             // by target: the place in part of the effect that it is over, or -1
	part      []float64         // effects on the targets' outcomes, then those that some are over
	value     []float64         // by target

	observed [2][]float64            // scratch: potential indicators of observation
	samples  []*estimators.LeeSample // by target, nil where it is no bound
}

// A difference is that of the outcomes in two worlds, by their places, times a
// weight.
type difference struct {
	from, to int
	weight   float64
}

// A potentialWorld holds the outcomes of all targets in one world.
type potentialWorld struct {
	*estimators.World
	is        dgp.Nested
	potential [][]float64         // by column of the data; nil where there are none
	lookUp    func(int) []float64 // potential
}

// newEffects binds targets to the data of a generator. Targets must have
// potential outcomes.
func newEffects(targets []estimators.Target, g *dgp.Generator) (*effects, error) {
	value := make([]float64, len(targets))
	parts, per := slices.Clone(targets), make([]int, len(targets))
	for i, t := range targets {
		if per[i] = -1; t.Per != "" {
			per[i] = len(parts)
			t.Outcome, t.Per, t.Path = t.Per, "", estimators.Whole
			parts = append(parts, t)
		}
	}
	targets = parts
	bound, err := estimators.BindTargets(targets, g.Shape())
	if err != nil {
		return nil, err
	}
	shape := g.Shape()
	most := slices.Max(shape.Max[:])
	e := &effects{targets: targets, bound: bound, shape: shape, per: per, part: make([]float64, len(parts)), value: value}
	e.observed = [2][]float64{make([]float64, most), make([]float64, most)}
	c := newCells(shape)
	for i, t := range targets {
		through, err := domains(t, g)
		if err != nil {
			return nil, err
		}
		e.contrasts = append(e.contrasts, c.contrasts(t.Arms()[0].Name))
		between := make([][]difference, len(shape.Arms))
		for _, part := range t.Arms() {
			for a, arms := range c.contrasts(part.Name) {
				differences := t.Path.Differences(arms[0], arms[1], t.Level, through)
				for _, d := range differences {
					between[a] = append(between[a], difference{e.world(d.From), e.world(d.To), part.Weight / float64(len(differences))})
				}
			}
		}
		e.between = append(e.between, between)
		for _, name := range t.Columns() {
			if c := shape.Index(name); g.HasPotential(c) && !slices.Contains(e.columns, c) {
				e.columns = append(e.columns, c)
			}
		}
		var m *estimators.LeeSample
		if t.Among == estimators.LeeLower || t.Among == estimators.LeeUpper {
			m = estimators.NewLeeSample(2*shape.Max[t.Rows], bound.Cells(i))
		}
		e.samples = append(e.samples, m)
	}
	if c.factorial() {
		e.cells = c
	}
	for _, w := range e.worlds {
		w.World = bound.NewWorld()
		w.potential = make([][]float64, len(shape.Columns))
		for _, c := range e.columns {
			if g.HasNested(c, w.is) {
				w.potential[c] = make([]float64, shape.Max[shape.Columns[c].Level])
			}
		}
	}
	return e, nil
}

// world returns the place of a world, which it adds where it is new.
func (e *effects) world(is dgp.Nested) int {
	for i, w := range e.worlds {
		if w.is.Equal(is) {
			return i
		}
	}
	w := &potentialWorld{is: is}
	w.lookUp = func(c int) []float64 { return w.potential[c] }
	e.worlds = append(e.worlds, w)
	return len(e.worlds) - 1
}

// domains returns whether the indirect part of a target is through a domain, by
// domain; nil where it is through all.
func domains(t estimators.Target, g *dgp.Generator) ([]bool, error) {
	if t.Path == estimators.Whole || len(t.Through) == 0 {
		return nil, nil
	}
	names := g.Trial().Quality.Domains
	through, left := make([]bool, len(names)), len(names)
	for _, name := range t.Through {
		k := slices.Index(names, name)
		if k < 0 {
			return nil, fmt.Errorf("sim: the effect of %s on %s through %q: there is no such domain of quality; the domains are %s", t.Arm, t.Outcome, name, strings.Join(names, ", "))
		}
		if !through[k] {
			through[k] = true
			left--
		}
	}
	if left == 0 {
		return nil, nil
	}
	return through, nil
}

// of returns the mean over each target's rows, weighted as the target says, of
// the effect on its outcome: f(Y(arm)) - f(Y(control)), f the outcome's functions
// with the constants of the observed data; or over the same of another column. All rows count, also
// those whose outcome is missing, unless the target says otherwise. The slice is
// overwritten by the next call.
func (e *effects) of(d *dgp.Data, truth *dgp.Truth) []float64 {
	part := e.parts(d, truth)
	for i, at := range e.per {
		if e.value[i] = part[i]; at >= 0 {
			e.value[i] /= part[at]
		}
	}
	return e.value
}

// parts returns the effects on the outcome of each target, then those that some
// are divided by.
func (e *effects) parts(d *dgp.Data, truth *dgp.Truth) []float64 {
	e.bound.Load(d)
	for _, w := range e.worlds {
		for _, c := range e.columns {
			if room := w.potential[c]; room != nil {
				w.potential[c] = truth.Nested(room[:cap(room)], c, w.is)
			}
		}
		w.Load(w.lookUp)
	}
	for i, t := range e.targets {
		if t.Among == estimators.Everyone {
			e.part[i] = e.mean(i, d)
		} else {
			e.part[i] = e.among(i, d, truth)
		}
	}
	return e.part
}

// outcomes returns target i's outcome in the two worlds of a difference.
func (e *effects) outcomes(i int, d difference) (from, to []float64) {
	return e.worlds[d.from].Outcome(i), e.worlds[d.to].Outcome(i)
}

// mean averages target i's effect over its rows.
func (e *effects) mean(i int, d *dgp.Data) float64 {
	rows, level := e.targets[i].Rows, e.bound.Level(i)
	whole := 0.0
	for part := range e.between[i][0] {
		y0, y1 := e.outcomes(i, e.between[i][0][part]) // of a row in control: the arm alone
		sum, n := 0.0, 0.0
		for row := range d.N[rows] {
			if e.bound.Restricted(i) && !e.bound.Keep(i, row) {
				continue
			}
			unit := row
			if rows != level {
				unit = d.Ancestor(rows, row, level)
			}
			w := e.bound.Weight(i, row)
			if w == 0 {
				continue
			}
			if e.cells != nil && !e.targets[i].Alone {
				y0, y1 = e.outcomes(i, e.between[i][e.cells.arm(d, rows, row)][part])
			}
			sum += w * (y1[unit] - y0[unit])
			n += w
		}
		whole += e.between[i][0][part].weight * (sum / n)
	}
	return whole
}

// among is target i's effect among the always-observed, or one of Lee's bounds
// of it: those of a trial in which every row is in both arms. Both are of the
// arm that gives the treatment alone against control.
func (e *effects) among(i int, d *dgp.Data, truth *dgp.Truth) float64 {
	between := e.contrasts[i][0]
	y0, y1 := e.outcomes(i, e.between[i][0][0])
	t, level, at := e.targets[i], e.bound.Level(i), -1
	if indicators := e.bound.Indicators(i); len(indicators) > 0 {
		at = indicators[0] // Lee's bounds are of outcomes with one
	}
	var observed [2][]float64
	if at >= 0 {
		for k, arm := range between {
			observed[k] = truth.Potential(e.observed[k], at, arm)
		}
	}
	m := e.samples[i]
	if m != nil {
		m.Reset()
	}
	sum, n := 0.0, 0
	for row := range d.N[t.Rows] {
		if e.bound.Restricted(i) && !e.bound.Keep(i, row) {
			continue
		}
		unit := d.Ancestor(t.Rows, row, level)
		seen := [2]bool{true, true}
		if at >= 0 {
			indicator := d.Ancestor(t.Rows, row, e.shape.Columns[at].Level)
			seen = [2]bool{observed[0][indicator] == 1, observed[1][indicator] == 1}
		}
		y := [2]float64{y0[unit], y1[unit]}
		if m != nil {
			cell := e.bound.Cell(i, row)
			if cell < 0 {
				return math.NaN()
			}
			for arm := range y {
				m.Add(estimators.LeeRow{Cell: cell, Arm: arm, Observed: seen[arm], Y: y[arm]})
			}
		} else if seen[0] && seen[1] {
			sum += y[1] - y[0]
			n++
		}
	}
	switch {
	case m == nil:
		return sum / float64(n)
	case !m.Solve():
		return math.NaN()
	case t.Among == estimators.LeeLower:
		return m.Lower
	default:
		return m.Upper
	}
}

// A PopulationEffect is the effect that a target has in trials like the
// study's: the expectation of its sample effect, or the ratio of two.
type PopulationEffect struct {
	Estimator, Outcome, Term string
	Value                    float64
	MCSE                     float64 // Monte Carlo standard error of Value
}

// populationDraws is the number of trials that population effects are
// averaged over, and populationSeed the seed of their draws. Both are part of
// what a study's truth is.
const (
	populationDraws = 1000
	populationSeed  = 0x5ca1ab1e0ddba11
)

// populationEffects returns the expectation of each target's sample effect, or
// the ratio of the two expectations, and its Monte Carlo standard error, by averaging over independent trials. The
// deviations of dgp.Truth, whose expectation is known to be 0, serve as control
// variates, with those of quality for effects by path: the value is the intercept of a regression on them. The standard error
// of a ratio R = N/D is that of the mean of N - R D, over D (the delta method).
func populationEffects(trial dgp.Trial, targets []estimators.Target, draws, workers int) (value, mcse []float64, err error) {
	workers = max(1, min(workers, runtime.GOMAXPROCS(0)))
	sample := make([][]float64, draws)
	deviation := make([][]float64, draws)
	quality := make([][]float64, draws) // all of these with those of quality
	parted := slices.ContainsFunc(targets, func(t estimators.Target) bool { return t.Path != estimators.Whole })
	errs := make([]error, workers)
	var per []int
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			g, err := trial.Compile()
			if err != nil {
				errs[w] = err
				return
			}
			e, err := newEffects(targets, g)
			if err != nil {
				errs[w] = err
				return
			}
			if w == 0 {
				per = e.per
			}
			for rep := w; rep < draws; rep += workers {
				d, truth := g.Draw(dgp.Stream{Seed: populationSeed, Replicate: uint64(rep)})
				sample[rep] = slices.Clone(e.parts(d, truth))
				deviation[rep] = slices.Clone(truth.Deviations())
				if parted {
					quality[rep] = truth.QualityDeviations(slices.Clone(deviation[rep]))
				}
			}
		})
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, nil, err
		}
	}
	value = make([]float64, len(targets))
	mcse = make([]float64, len(targets))
	expected := func(t estimators.Target, of func(part []float64) float64) (mean, se float64) {
		controls := deviation
		if t.Path != estimators.Whole {
			controls = quality
		}
		y := make([]float64, 0, draws)
		x := make([][]float64, 0, draws)
		for rep := range sample {
			if v := of(sample[rep]); !math.IsNaN(v) {
				y = append(y, v)
				x = append(x, controls[rep])
			}
		}
		return controlled(y, x)
	}
	for i, at := range per {
		value[i], mcse[i] = expected(targets[i], func(part []float64) float64 { return part[i] })
		if at < 0 {
			continue
		}
		over, _ := expected(targets[i], func(part []float64) float64 { return part[at] })
		value[i] /= over
		_, se := expected(targets[i], func(part []float64) float64 { return part[i] - value[i]*part[at] })
		mcse[i] = se / math.Abs(over)
	}
	return value, mcse, nil
}

// rounding is what a control varies by that is 0 but for rounding: an effect on
// quality that is the same for all.
const rounding = 1e-12

// controlled returns the mean of y after regression on control variates x with
// mean 0, and its standard error. Controls that never vary are left out, and
// those that earlier ones explain, as where two arms have the same effect.
func controlled(y []float64, x [][]float64) (mean, se float64) {
	if len(y) == 0 {
		return math.NaN(), math.NaN()
	}
	columns := [][]float64{slices.Repeat([]float64{1}, len(y))}
	basis := &[][]float64{}
	spanned(columns[0], basis)
	for k := range x[0] {
		column := make([]float64, len(y))
		for i := range column {
			column[i] = x[i][k]
		}
		if slices.Max(column)-slices.Min(column) > rounding && !spanned(column, basis) {
			columns = append(columns, column)
		}
	}
	n, p := len(y), len(columns)
	if n < 2*p { // too few draws to regress on so many controls
		columns, p = columns[:1], 1
	}
	design := mat.NewDense(n, p, nil)
	for j, column := range columns {
		design.SetCol(j, column)
	}
	var qr mat.QR
	qr.Factorize(design)
	var b mat.VecDense
	if err := qr.SolveVecTo(&b, false, mat.NewVecDense(n, slices.Clone(y))); err != nil {
		// Collinear controls: the plain mean is as right, if less precise.
		var m moments
		for _, v := range y {
			m.add(v)
		}
		return m.mean(), m.mcse()
	}
	rss := 0.0
	for i := range y {
		e := y[i]
		for j, column := range columns {
			e -= b.AtVec(j) * column[i]
		}
		rss += e * e
	}
	// Var(intercept) = s² [(X'X)⁻¹]₁₁.
	var gram mat.SymDense
	gram.SymOuterK(1, design.T())
	var chol mat.Cholesky
	if !chol.Factorize(&gram) {
		return b.AtVec(0), math.Sqrt(rss/float64(n-p)) / math.Sqrt(float64(n))
	}
	var inverse mat.SymDense
	if err := chol.InverseTo(&inverse); err != nil {
		return b.AtVec(0), math.Sqrt(rss/float64(n-p)) / math.Sqrt(float64(n))
	}
	return b.AtVec(0), math.Sqrt(rss / float64(n-p) * inverse.At(0, 0))
}

// spanned reports whether a vector is a combination of those of an orthonormal
// basis, up to rounding; where it is not, what is new in it joins the basis.
func spanned(x []float64, basis *[][]float64) bool {
	rest := slices.Clone(x)
	for range 2 { // Gram and Schmidt's rule, twice for accuracy
		for _, b := range *basis {
			floats.AddScaled(rest, -floats.Dot(b, rest), b)
		}
	}
	norm := floats.Norm(rest, 2)
	if norm <= 1e-9*floats.Norm(x, 2) {
		return true
	}
	floats.Scale(1/norm, rest)
	*basis = append(*basis, rest)
	return false
}
