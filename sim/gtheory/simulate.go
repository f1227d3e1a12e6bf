package gtheory

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"coachsim/dgp"
	"coachsim/estimators"
)

// A Coefficient is a reliability of scores.
type Coefficient int

// The coefficients: the share of true variance in that of scores.
const (
	Dependability    Coefficient = iota // of judging a class by itself: Φ
	Generalisability                    // of comparing the classes that share raters: Eρ²
	GivenBlock                          // Eρ² of the classes of a block
	GivenCovariates                     // Eρ² given the block and the covariates that move quality
	GivenSchool                         // and the school
	Coefficients                        // how many there are
)

var coefficientNames = [Coefficients]string{"dependability", "generalisability", "given_block", "given_covariates", "given_school"}

func (c Coefficient) String() string { return coefficientNames[c] }

// Formula returns the coefficients of a score under a plan.
func Formula(v dgp.ScoreVariance, p dgp.ObservationPlan) (all [Coefficients]float64) {
	relative := v.Relative(p)
	all[Dependability] = dgp.Reliability(v.True(), v.Absolute(p))
	all[Generalisability] = dgp.Reliability(v.True(), relative)
	all[GivenBlock] = dgp.Reliability(v.WithinBlocks(), relative)
	all[GivenCovariates] = dgp.Reliability(v.GivenCovariates(), relative)
	all[GivenSchool] = dgp.Reliability(v.WithinSchools(), relative)
	return all
}

// A Value is an average or a function of averages over replicates, with its Monte
// Carlo standard error.
type Value struct {
	Value float64
	MCSE  float64
}

// Simulated is what simulated ratings say of reliability.
type Simulated struct {
	Replicates int
	Scores     []string // domains, and the total
	// Coefficients are by arm and score.
	Coefficients [][][Coefficients]Value
	// Estimated are the components that the ratings of the control arm tell apart in
	// most of those replicates in which they tell errors from classes; Estimates and
	// Truth, over these, are by score, and Estimated. Truth is what the estimates
	// estimate.
	GStudies  int
	Estimated []Component
	With      [][]Component // counted as these
	Estimates [][]Value
	Truth     [][]float64

	own   dgp.ObservationPlan
	each  [][][]float64 // estimates by score, and replicate
	mixed bool          // errors count as true variance
	// Agreement has the correlations of ratings between days, segments and coders,
	// where there are several.
	Agreement []Agreement
}

// An Agreement is a correlation of ratings of the same classes, the mean over
// domains.
type Agreement struct {
	Between string
	Value
}

// moments are sums over the classes of one replicate, by which coefficients are
// worked out: of true scores t, observed scores y, quality q and t without context
// of the block.
type moments struct {
	n, t, y, tt, ty, yy, q, qq, b, bb float64
	// Within the classes that share a pool of raters.
	df, stt, sty, syy float64
	// Of q within schools.
	schoolDF, sqq float64
}

func (m *moments) add(o moments, times float64) {
	for _, pair := range [][2]*float64{
		{&m.n, &o.n}, {&m.t, &o.t}, {&m.y, &o.y}, {&m.tt, &o.tt}, {&m.ty, &o.ty}, {&m.yy, &o.yy}, {&m.q, &o.q}, {&m.qq, &o.qq}, {&m.b, &o.b}, {&m.bb, &o.bb},
		{&m.df, &o.df}, {&m.stt, &o.stt}, {&m.sty, &o.sty}, {&m.syy, &o.syy}, {&m.schoolDF, &o.schoolDF}, {&m.sqq, &o.sqq},
	} {
		*pair[0] += times * *pair[1]
	}
}

// coefficients are the squared correlations of scores and true scores: of the
// regression y = a + b t + e they compare the variances of b t and e, e over all
// classes or among those who share raters.
func (m *moments) coefficients() (all [Coefficients]float64) {
	variance := func(x, xx float64) float64 { return xx/m.n - x*x/(m.n*m.n) }
	tt, yy := variance(m.t, m.tt), variance(m.y, m.yy)
	ty := m.ty/m.n - m.t*m.y/(m.n*m.n)
	b := ty / tt
	absolute := yy - b*ty
	relative := (m.syy - 2*b*m.sty + b*b*m.stt) / m.df
	all[Dependability] = dgp.Reliability(b*b*tt, absolute)
	all[Generalisability] = dgp.Reliability(b*b*tt, relative)
	all[GivenBlock] = dgp.Reliability(b*b*variance(m.b, m.bb), relative)
	all[GivenCovariates] = dgp.Reliability(b*b*variance(m.q, m.qq), relative)
	all[GivenSchool] = math.NaN()
	if m.schoolDF > 0 {
		all[GivenSchool] = dgp.Reliability(b*b*m.sqq/m.schoolDF, relative)
	}
	return all
}

// replicate is what one replicate gives.
type replicate struct {
	moments    [][]moments // by arm and score
	components [][]float64 // by score and Estimated
	truth      [][]float64
	estimated  []Component
	with       [][]Component
	agreement  []float64
}

// Simulate draws a trial whose quality is observed, and measures how reliable its
// scores are and what a G-study of the ratings of its control arm finds. Results do
// not depend on the number of workers.
func Simulate(ctx context.Context, trial dgp.Trial, seed uint64, replicates, workers int) (Simulated, error) {
	control, err := trial.ScoreVariances(0)
	if err != nil {
		return Simulated{}, err
	}
	trial.Observation.Points = true // as the scale is, without that of a data set
	first, err := newWorker(trial, control)
	if err != nil {
		return Simulated{}, err
	}
	all := make([]replicate, replicates)
	var next atomic.Int64
	var wait sync.WaitGroup
	for w := range min(workers, replicates) {
		worker := first
		if w > 0 {
			if worker, err = newWorker(trial, control); err != nil {
				return Simulated{}, err
			}
		}
		wait.Go(func() {
			for ctx.Err() == nil {
				rep := int(next.Add(1)) - 1
				if rep >= replicates {
					return
				}
				all[rep] = worker.replicate(dgp.Stream{Seed: seed, Replicate: uint64(rep)})
			}
		})
	}
	wait.Wait()
	if err := ctx.Err(); err != nil {
		return Simulated{}, err
	}
	s := Simulated{Replicates: replicates, Scores: first.scores, own: trial.ObservationPlan()}
	for arm := range trial.Design.Arms {
		var byScore [][Coefficients]Value
		for score := range first.scores {
			byScore = append(byScore, pool(all, arm, score))
		}
		s.Coefficients = append(s.Coefficients, byScore)
	}
	s.components(all)
	s.mixed = s.mixes(control)
	for i, row := range first.agreementRows() {
		var values []float64
		for _, r := range all {
			if x := r.agreement[row]; !math.IsNaN(x) {
				values = append(values, x)
			}
		}
		s.Agreement = append(s.Agreement, Agreement{first.between[i], average(values)})
	}
	return s, nil
}

// pool works out coefficients from the sums over all replicates, and their Monte
// Carlo standard errors by leaving out one replicate at a time.
func pool(all []replicate, arm, score int) (values [Coefficients]Value) {
	var sum moments
	for _, r := range all {
		sum.add(r.moments[arm][score], 1)
	}
	n := float64(len(all))
	var mean, square [Coefficients]float64
	for _, r := range all {
		less := sum
		less.add(r.moments[arm][score], -1)
		for c, x := range less.coefficients() {
			mean[c] += x / n
		}
	}
	for _, r := range all {
		less := sum
		less.add(r.moments[arm][score], -1)
		for c, x := range less.coefficients() {
			square[c] += (x - mean[c]) * (x - mean[c])
		}
	}
	for c, x := range sum.coefficients() {
		values[c] = Value{x, math.Sqrt((n - 1) / n * square[c])}
	}
	return values
}

// average is the mean of values with its standard error.
func average(values []float64) Value {
	n := float64(len(values))
	mean, ss := 0.0, 0.0
	for _, x := range values {
		mean += x / n
	}
	for _, x := range values {
		ss += (x - mean) * (x - mean)
	}
	return Value{mean, math.Sqrt(ss / (n - 1) / n)}
}

// components averages the estimated components over the replicates.
func (s *Simulated) components(all []replicate) {
	used := map[string]int{}
	for _, r := range all {
		name := fmt.Sprint(r.estimated)
		if r.estimated == nil {
			continue
		}
		if used[name]++; used[name] > s.GStudies { // the same for any order of workers
			s.GStudies, s.Estimated, s.With = used[name], r.estimated, r.with
		}
	}
	if s.Estimated == nil {
		return
	}
	for score := range s.Scores {
		var estimates []Value
		var truth []float64
		var each [][]float64
		for _, r := range all {
			if slices.Equal(r.estimated, s.Estimated) {
				each = append(each, r.components[score])
			}
		}
		s.each = append(s.each, each)
		for k := range s.Estimated {
			var values, wants []float64
			for _, r := range all {
				if slices.Equal(r.estimated, s.Estimated) {
					values = append(values, r.components[score][k])
					wants = append(wants, r.truth[score][k])
				}
			}
			estimates = append(estimates, average(values))
			truth = append(truth, average(wants).Value)
		}
		s.Estimates, s.Truth = append(s.Estimates, estimates), append(s.Truth, truth)
	}
}

// mixes reports whether errors that are declared are counted as differences between
// classes, of which the ratings cannot tell them apart.
func (s *Simulated) mixes(control []dgp.ScoreVariance) bool {
	for k, c := range s.Estimated {
		for _, with := range s.With[k] {
			for _, v := range control {
				if c == Class && Seen(v, s.own, 0, 0)[with] > 0 {
					return true
				}
			}
		}
	}
	return false
}

// Plan is the generalisability of a score under a plan by the components that the
// G-study finds in the ratings, on the scale that these have; false where the
// ratings do not tell apart the errors of which the plan has more or fewer.
func (s *Simulated) Plan(score int, p dgp.ObservationPlan) (Value, bool) {
	same := func(planned, own int) bool { return planned == own || own > 1 }
	if s.Estimated == nil || s.mixed || !same(p.Days, s.own.Days) || !same(p.Segments, s.own.Segments) || !same(p.Coders, s.own.Coders) {
		return Value{}, false
	}
	n := float64(s.GStudies)
	sum := make([]float64, len(s.Estimated))
	for _, replicate := range s.each[score] {
		for k, x := range replicate {
			sum[k] += x
		}
	}
	without := func(replicate []float64, n float64) float64 {
		mean := slices.Clone(sum)
		for k, x := range replicate {
			mean[k] -= x
		}
		for k := range mean {
			mean[k] = math.Max(mean[k]/n, 0)
		}
		v, f := FacetsOf(s.Estimated, mean)
		return dgp.Reliability(v, f.Relative(p))
	}
	mean, square := 0.0, 0.0
	for _, replicate := range s.each[score] {
		mean += without(replicate, n-1) / n
	}
	for _, replicate := range s.each[score] {
		x := without(replicate, n-1) - mean
		square += x * x
	}
	return Value{without(nil, n), math.Sqrt((n - 1) / n * square)}, true
}

// FacetsOf lays out variance components as what is true of a class and its errors.
func FacetsOf(estimated []Component, variance []float64) (class float64, f dgp.Facets) {
	var v [Components]float64
	for k, c := range estimated {
		v[c] = variance[k]
	}
	return v[Class], dgp.Facets{Day: v[Day], Segment: v[Segment], Rater: v[Rater], RaterClass: v[RaterClass], RaterDay: v[RaterDay], Rating: v[Rating]}
}

// A worker draws and measures replicates.
type worker struct {
	trial   dgp.Trial
	control []dgp.ScoreVariance
	g       *dgp.Generator
	scores  []string
	columns []int     // of the scores
	scale   []float64 // points per unit of a score
	panel   *estimators.Panel
	between []string

	t, y, q, b, buffer []float64
}

func newWorker(trial dgp.Trial, control []dgp.ScoreVariance) (*worker, error) {
	g, err := trial.Compile()
	if err != nil {
		return nil, err
	}
	w := &worker{trial: trial, control: control, g: g}
	for i, v := range control {
		w.scores = append(w.scores, v.Outcome)
		w.columns = append(w.columns, g.Shape().Index(v.Outcome))
		scale := 1.0
		if i < len(trial.Quality.Domains) {
			scale = trial.Observation.Scale.Points[i]
		}
		w.scale = append(w.scale, scale)
	}
	n := g.Shape().Max[dgp.TeacherLevel]
	w.t, w.y, w.q, w.b, w.buffer = make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	plan := trial.ObservationPlan()
	var methods []estimators.Named
	for _, facet := range []struct {
		name  string
		count int
	}{{"days", plan.Days}, {"segments", plan.Segments}, {"coders", plan.Coders}} {
		if facet.count > 1 {
			w.between = append(w.between, facet.name)
			methods = append(methods, estimators.Named{Name: facet.name, Method: estimators.Reliability{Between: facet.name}})
		}
	}
	if methods != nil {
		if w.panel, err = estimators.Bind(methods, g.Shape(), nil); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// agreementRows are the rows of the panel that average over domains, by between.
func (w *worker) agreementRows() (rows []int) {
	for _, name := range w.between {
		last := -1
		for i, row := range w.panel.Rows() {
			if row.Estimator == name {
				last = i
			}
		}
		rows = append(rows, last)
	}
	return rows
}

func (w *worker) replicate(st dgp.Stream) (r replicate) {
	data, truth := w.g.Draw(st)
	if w.panel != nil {
		for _, e := range w.panel.Fit(data) {
			x := math.NaN()
			if e.Status.Worked() {
				x = e.Value
			}
			r.agreement = append(r.agreement, x)
		}
	}
	for arm := range w.trial.Design.Arms {
		var byScore []moments
		for score := range w.scores {
			byScore = append(byScore, w.moments(data, truth, arm, score))
		}
		r.moments = append(r.moments, byScore)
	}
	w.gstudy(&r, data)
	return r
}

// moments gathers the moments of a score in an arm.
func (w *worker) moments(data *dgp.Data, truth *dgp.Truth, arm, score int) (m moments) {
	n := data.Teachers()
	t, y, q, b := w.t[:n], w.y[:n], w.q[:n], w.b[:n]
	clear(t)
	clear(q)
	clear(b)
	add := func(domain int, weight float64) {
		for j, x := range truth.Quality(w.buffer, domain, arm) {
			t[j] += weight * x
			q[j] += weight * x
			b[j] += weight * x
		}
		for j, x := range truth.Context(w.buffer, domain) {
			t[j] += weight * x
			b[j] += weight * x
		}
		for j, x := range truth.BlockContext(w.buffer, domain) {
			b[j] -= weight * x
		}
	}
	domains := len(w.trial.Quality.Domains)
	if score < domains {
		add(score, 1)
	} else {
		for k, points := range w.trial.Observation.Scale.Points {
			add(k, points/float64(domains))
		}
	}
	for j, x := range truth.Potential(w.buffer, w.columns[score], arm) {
		y[j] = x / w.scale[score]
	}
	m.n = float64(n)
	type sums struct{ n, t, y, tt, ty, yy float64 }
	groups := map[int]sums{}
	for j := range n {
		m.t += t[j]
		m.y += y[j]
		m.tt += t[j] * t[j]
		m.ty += t[j] * y[j]
		m.yy += y[j] * y[j]
		m.q += q[j]
		m.qq += q[j] * q[j]
		m.b += b[j]
		m.bb += b[j] * b[j]
		at := w.group(data, j)
		s := groups[at]
		groups[at] = sums{s.n + 1, s.t + t[j], s.y + y[j], s.tt + t[j]*t[j], s.ty + t[j]*y[j], s.yy + y[j]*y[j]}
	}
	for at := range w.groups() {
		if s := groups[at]; s.n > 0 {
			m.df += s.n - 1
			m.stt += s.tt - s.t*s.t/s.n
			m.sty += s.ty - s.t*s.y/s.n
			m.syy += s.yy - s.y*s.y/s.n
		}
	}
	for s := range data.N[dgp.SchoolLevel] {
		lo, hi := data.TeacherStart[s], data.TeacherStart[s+1]
		if hi-lo < 2 {
			continue
		}
		mean := 0.0
		for j := lo; j < hi; j++ {
			mean += q[j] / float64(hi-lo)
		}
		for j := lo; j < hi; j++ {
			m.sqq += (q[j] - mean) * (q[j] - mean)
		}
		m.schoolDF += float64(hi - lo - 1)
	}
	return m
}

// groups is the number of groups of classes that share raters with each other only.
func (w *worker) groups() int {
	d := w.trial.Design
	return max(d.Blocks, len(d.Arms))
}

// group is the group of a class.
func (w *worker) group(data *dgp.Data, class int) int {
	r := w.trial.Observation.Raters
	switch {
	case r == nil || r.Pool == 0:
		return 0
	case r.Assigned == dgp.BlockRaters:
		return data.Ancestor(dgp.TeacherLevel, class, dgp.BlockLevel)
	case r.Assigned == dgp.ArmRaters:
		return w.arm(data, class)
	}
	return 0
}

// arm is the arm that a class was assigned, 0 where it is in none.
func (w *worker) arm(data *dgp.Data, class int) int {
	shape := w.g.Shape()
	for arm := range shape.Arms {
		is := true
		for c, column := range shape.Columns {
			if column.Arm && column.Level <= dgp.TeacherLevel {
				on := data.Columns[c][data.Ancestor(dgp.TeacherLevel, class, column.Level)] != 0
				is = is && on == shape.TurnsOn(arm, c)
			}
		}
		if is {
			return arm
		}
	}
	panic("gtheory: a class in no arm")
}

// gstudy estimates the components of the ratings of the control arm.
func (w *worker) gstudy(r *replicate, data *dgp.Data) {
	shape := w.g.Shape()
	o := w.trial.Observation
	plan := w.trial.ObservationPlan()
	domains := len(w.trial.Quality.Domains)
	var at [][]int // columns of each rating by domain
	var which []dgp.Rating
	for i, c := range shape.Columns {
		if c.Rating == nil {
			continue
		}
		if c.Rating.Domain == w.trial.Quality.Domains[0] {
			which = append(which, *c.Rating)
		}
		k := slices.Index(w.trial.Quality.Domains, c.Rating.Domain)
		for len(at) <= k {
			at = append(at, nil)
		}
		at[k] = append(at[k], i)
	}
	var who []int
	if o.Raters != nil && o.Raters.Pool > 0 {
		for c := range o.Coders {
			who = append(who, shape.Index(dgp.RaterColumn(c+1)))
		}
	}
	var ratings Ratings
	scores := make([][]float64, domains+1)
	var classes []int
	for j := range data.Teachers() {
		if w.arm(data, j) != 0 || math.IsNaN(data.Columns[at[0][0]][j]) {
			continue
		}
		class := len(classes)
		classes = append(classes, j)
		for i, which := range which {
			day := class*plan.Days + which.Day - 1
			rater := class*plan.Coders + which.Coder - 1
			if who != nil {
				rater = int(data.Columns[who[which.Coder-1]][j])
			}
			ratings.Class = append(ratings.Class, class)
			ratings.Day = append(ratings.Day, day)
			ratings.Segment = append(ratings.Segment, day*plan.Segments+which.Segment-1)
			ratings.Rater = append(ratings.Rater, rater)
			total := 0.0
			for k := range domains {
				x := data.Columns[at[k][i]][j]
				scores[k] = append(scores[k], x/w.scale[k])
				total += x / float64(domains)
			}
			scores[domains] = append(scores[domains], total)
		}
	}
	layout, err := NewLayout(ratings)
	if err != nil {
		return // too few classes or ratings
	}
	r.estimated = layout.Estimated
	for k := range layout.Estimated {
		r.with = append(r.with, layout.With(k))
	}
	block, school := w.pairs(data, classes)
	for i, score := range scores {
		r.components = append(r.components, layout.Estimate(score))
		r.truth = append(r.truth, layout.Expected(Seen(w.control[i], plan, block, school)))
	}
}

// pairs returns the shares of pairs of classes that are of one block and one school.
func (w *worker) pairs(data *dgp.Data, classes []int) (block, school float64) {
	all := 0.0
	for a, i := range classes {
		for _, j := range classes[:a] {
			all++
			if data.TeacherSchool[i] == data.TeacherSchool[j] {
				school++
			}
			if data.SchoolBlock[data.TeacherSchool[i]] == data.SchoolBlock[data.TeacherSchool[j]] {
				block++
			}
		}
	}
	return block / all, school / all
}

// Seen are the components that a G-study of the classes of one trial sees, of which
// shares of pairs are of one block and school: what these have in common is not seen
// between them. Drift looks like an error of raters about classes.
func Seen(v dgp.ScoreVariance, p dgp.ObservationPlan, block, school float64) [Components]float64 {
	time := dgp.Facets{Drift: 1}
	drift := time.Relative(p)
	apart := dgp.Facets{RaterDrift: 1}
	together := 0.0
	if p.Pool > 0 {
		together = time.Shared(p)
	}
	whole := apart.Absolute(p) * float64(p.Coders)
	return [Components]float64{
		Class: v.True() - block*v.Block - school*(v.SchoolCovariates+v.School) + drift*v.Drift,
		Day:   v.Day, Segment: v.Segment, Rater: v.Rater + together*v.RaterDrift, RaterClass: v.RaterClass + (whole-together)*v.RaterDrift,
		RaterDay: v.RaterDay, Rating: v.Rating,
	}
}
