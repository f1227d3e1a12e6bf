package sim

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"coachsim/estimators"
)

// moments are the count, mean and squared deviations of numbers seen one at a
// time (Welford 1962; Knuth, The Art of Computer Programming, 4.2.2). They do
// not cancel when the numbers are large and close to each other.
type moments struct {
	n       int
	average float64
	squares float64 // sum of squared deviations from the average
}

func (m *moments) add(x float64) {
	m.n++
	delta := x - m.average
	m.average += delta / float64(m.n)
	m.squares += delta * (x - m.average)
}

// mean is NaN of nothing.
func (m *moments) mean() float64 {
	if m.n == 0 {
		return math.NaN()
	}
	return m.average
}

// variance is the sample variance, NaN of fewer than two numbers.
func (m *moments) variance() float64 {
	if m.n < 2 {
		return math.NaN()
	}
	return m.squares / float64(m.n-1)
}

func (m *moments) sd() float64 { return math.Sqrt(m.variance()) }

// mcse is the Monte Carlo standard error of the mean.
func (m *moments) mcse() float64 { return m.sd() / math.Sqrt(float64(m.n)) }

// A tally gathers one estimate over the replicates of a cell. It must be given
// every record twice, in the order of the replicates: all to add, then all to
// addCentred.
type tally struct {
	status []int // fits by estimators.Status

	// Of the fits that worked.
	estimate moments
	stdError moments
	modelVar moments // SE²
	pValue   moments
	inverse  moments // 1/DF of those with a standard error

	// Of those with a truth.
	truth    moments
	err      moments // estimate - truth
	errSq    moments // (estimate - truth)²
	relative moments // (estimate - truth)/truth
	zero     bool    // a truth was 0: what divides by it, or asks its sign, is undefined

	intervals, covering     int // with an interval; with the truth in it
	centred, coveringCentre int // with an interval; with the mean estimate in it

	rejections   int
	directed     int     // rejections with a truth
	wrongSign    int     // of these
	exaggeration moments // |estimate|/|truth| of these
}

func newTally() *tally {
	return &tally{status: make([]int, len(estimators.Statuses()))}
}

// judged is the status that counts: a fit that calls itself worked but whose
// estimate is not a finite number has failed all the same.
func judged(e estimators.Estimate) estimators.Status {
	if e.Status.Worked() && !isFinite(e.Value) {
		return estimators.NotFinite
	}
	return e.Status
}

func isFinite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

func (t *tally) add(r *Record, alpha float64, limits *limits) {
	status := judged(r.Estimate)
	t.status[status]++
	if status == estimators.PerfectStage { // F is infinite
		t.rejections++
	}
	if !status.Worked() {
		return
	}
	t.estimate.add(r.Value)
	if !math.IsNaN(r.SE) {
		t.stdError.add(r.SE)
		t.modelVar.add(r.SE * r.SE)
		if r.DF > 0 {
			t.inverse.add(1 / r.DF)
		}
	}
	rejected := r.P <= alpha // never so when P is NaN
	if !math.IsNaN(r.P) {
		t.pValue.add(r.P)
	}
	if rejected {
		t.rejections++
	}
	if math.IsNaN(r.Truth) {
		return
	}
	err := r.Value - r.Truth
	t.truth.add(r.Truth)
	t.err.add(err)
	t.errSq.add(err * err)
	if r.Truth == 0 {
		t.zero = true
	} else {
		t.relative.add(err / r.Truth)
	}
	if hasInterval(r) {
		t.intervals++
		if limits.holds(r, r.Truth) {
			t.covering++
		}
	}
	if rejected && r.Truth != 0 {
		t.directed++
		t.exaggeration.add(math.Abs(r.Value / r.Truth))
		if r.Value != 0 && math.Signbit(r.Value) != math.Signbit(r.Truth) {
			t.wrongSign++
		}
	}
}

func (t *tally) addCentred(r *Record, limits *limits) {
	if !judged(r.Estimate).Worked() || !hasInterval(r) {
		return
	}
	t.centred++
	if limits.holds(r, t.estimate.average) {
		t.coveringCentre++
	}
}

func hasInterval(r *Record) bool { return r.Exists() || !math.IsNaN(r.SE) && r.DF > 0 }

// limits hold the two-sided critical values of Student's t at one level.
type limits struct {
	upper  float64 // 1 - alpha/2
	normal float64
	whole  map[float64]float64 // by whole degrees of freedom, as they come up
}

func newLimits(alpha float64) *limits {
	upper := 1 - alpha/2
	return &limits{upper: upper, normal: distuv.UnitNormal.Quantile(upper), whole: make(map[float64]float64)}
}

// holds reports whether the interval of an estimate holds a point.
func (l *limits) holds(r *Record, point float64) bool {
	if r.Exists() {
		return r.Low <= point && point <= r.High
	}
	return l.cover(r.Value-point, r.SE, r.DF)
}

// cover reports whether a t interval covers a point at distance d from its
// middle: |d| <= t(1-alpha/2, df) SE, which is to say p >= alpha. The critical
// value falls with df towards the normal one, so its neighbours decide nearly
// every case of a fractional df, for which a quantile would have to be found.
func (l *limits) cover(d, se, df float64) bool {
	d = math.Abs(d)
	if d <= l.normal*se {
		return true
	}
	if below := math.Floor(df); below >= 1 && d > l.of(below)*se {
		return false
	}
	return d <= l.of(df)*se
}

func (l *limits) of(df float64) float64 {
	if df >= 1e5 { // the quantile of the t distribution errs from here on in its tail
		return l.normal
	}
	if df != math.Floor(df) {
		return l.quantile(df)
	}
	limit, ok := l.whole[df]
	if !ok {
		limit = l.quantile(df)
		l.whole[df] = limit
	}
	return limit
}

func (l *limits) quantile(df float64) float64 {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: df}.Quantile(l.upper)
}
