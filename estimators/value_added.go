package estimators

import (
	"fmt"
	"math"
)

// ValueAdded is the first step of a teacher value-added model: the regression of a
// test on an earlier one, and on what else is known of children, with an effect of
// each teacher (Koedel, Mihaly and Rockoff 2015). The second step, what explains the
// effects, is any method on the column value_added(y, x, by = teacher) of a formula.
//
// It reports the coefficients, then
//
//	effect_sd               SD of the true effects: the variance of the estimated ones
//	                        less the mean of their error variances s²/n_j, 0 if negative
//	residual_sd             s, within effects
//	reliability             mean over effects of effect_sd²/(effect_sd² + s²/n_j)
//	correlation(z)          of the estimated effects with a column z
//	shrunken_correlation(z) the same of the effects shrunken to their mean, each by its
//	                        reliability (empirical Bayes)
//
// and where a column t holds the true effects, which only simulated data have,
// correlation(t), shrunken_correlation(t) and
//
//	slope(t), shrunken_slope(t)  slopes of the estimated and of the shrunken effects on
//	                             the true ones: 1 is neither spread nor shrunken
//	forecast(t)                  slope of the true effects on the shrunken ones: 1 if
//	                             these forecast rightly (Chetty, Friedman and Rockoff 2014)
//	correlation(z, t), slope(z, t)  of a column z with and on the true effects
type ValueAdded struct {
	Formula string   `yaml:"formula" required:"true" doc:"outcome ~ terms of the children, such as posttest ~ pretest"`
	Of      string   `yaml:"of" doc:"whose value added it is: teacher, school or block"`
	Cluster string   `yaml:"cluster" doc:"clusters of the coefficients' standard errors: block, school, teacher or a factor"`
	SE      SE       `yaml:"se" doc:"kind of the coefficients' standard errors"`
	With    []string `yaml:"with" doc:"columns to correlate effects with, such as average gains"`
	Truth   string   `yaml:"truth,omitempty" doc:"column of the true effects, such as learning.oracle adds, to hold effects and the columns of with against"`
}

// Bind binds the regression and looks up the columns.
func (o ValueAdded) Bind(name string, s *Setup) (Fitter, error) {
	f, err := s.parse(o.Formula)
	if err == nil {
		err = f.plain()
	}
	if err != nil {
		return nil, keyError("formula", err)
	}
	if g, err := s.findGrouping(o.Of); err != nil || g.column >= 0 {
		return nil, keyError("of", fmt.Errorf("%q is no level of the data; the levels are block, school and teacher", o.Of))
	}
	added := Variable{Call: &Call{Function: valueAddedName, By: &Variable{Name: o.Of}, Args: []Variable{f.Outcomes[0].Variable}}}
	var report []string
	for _, t := range f.Terms {
		if len(t.Factors) > 1 || t.Factors[0].Power > 1 {
			return nil, keyError("formula", &SyntaxError{Offset: t.Factors[0].Pos, Message: fmt.Sprintf("value added takes columns and functions of them; write I(...) for %s", t)})
		}
		added.Call.Args = append(added.Call.Args, t.Factors[0].Variable)
		report = append(report, t.String())
	}
	place, err := s.resolve(added)
	if err != nil {
		return nil, keyError("of", err)
	}
	v := &valueAdded{place: place, derived: s.derived[place-len(s.shape.Columns)]}
	f.Absorb = o.Of
	if v.regression, err = (OLS{SE: o.SE, Cluster: o.Cluster, Report: report}).bind(name, s, f); err != nil {
		return nil, err
	}
	v.rows = append(v.rows, v.regression.Rows()...)
	row := func(term string) {
		v.rows = append(v.rows, Row{Estimator: name, Outcome: f.Outcomes[0].Text, Term: term})
	}
	row("effect_sd")
	row("residual_sd")
	row("reliability")
	find := func(key, text string) (int, error) {
		column, err := s.lookUp(text, 0)
		if err == nil && s.level(column) != v.derived.level {
			err = fmt.Errorf("%q is a %s column; value added is of %s", text, s.level(column), v.derived.level)
		}
		if err != nil {
			return 0, keyError(key, err)
		}
		return column, nil
	}
	for i, text := range o.With {
		column, err := find(fmt.Sprintf("with[%d]", i), text)
		if err != nil {
			return nil, err
		}
		v.columns = append(v.columns, column)
		row("correlation(" + text + ")")
		row("shrunken_correlation(" + text + ")")
	}
	if v.truth = -1; o.Truth != "" {
		if v.truth, err = find("truth", o.Truth); err != nil {
			return nil, err
		}
		for _, what := range []string{"correlation", "shrunken_correlation", "slope", "shrunken_slope", "forecast"} {
			row(what + "(" + o.Truth + ")")
		}
		for _, text := range o.With {
			row("correlation(" + text + ", " + o.Truth + ")")
			row("slope(" + text + ", " + o.Truth + ")")
		}
	}
	most := s.shape.Max[v.derived.level]
	for _, into := range []*[]float64{&v.effect, &v.error, &v.shrunken, &v.values, &v.true, &v.x, &v.other} {
		*into = make([]float64, most)
	}
	v.observed, v.known = make([]bool, most), make([]bool, most)
	return v, nil
}

// A valueAdded is a bound ValueAdded.
type valueAdded struct {
	place      int
	derived    *derived
	regression *linear
	rows       []Row
	columns    []int
	truth      int // column, or -1

	effect, error, shrunken []float64 // by effect that exists: its estimate, 1/n_j, the estimate shrunken
	values, true            []float64 // by effect that exists: a column, the true effect
	observed, known         []bool    // where these exist
	x, other                []float64 // scratch: of pairs
}

// Rows says what the estimates are about.
func (v *valueAdded) Rows() []Row { return v.rows }

// Fit estimates the effects.
func (v *valueAdded) Fit(s *Setup, out []Estimate) {
	coefficients := len(v.regression.Rows())
	v.regression.Fit(s, out[:coefficients])
	rest := out[coefficients:]
	status := v.parts(s, rest)
	if status != OK {
		for i := range rest {
			rest[i] = failed(status)
		}
	}
}

// parts fills what follows the coefficients.
func (v *valueAdded) parts(s *Setup, out []Estimate) Status {
	m, n := v.derived.growth, 0
	mean, inverse := 0.0, 0.0
	for unit, effect := range s.Column(v.place) {
		if m.count[unit] == 0 {
			continue
		}
		v.effect[n], v.error[n] = effect, 1/m.count[unit]
		mean += effect
		inverse += v.error[n]
		n++
	}
	if n < 2 {
		return TooFewRows
	}
	of := spreadOf(v.effect[:n])
	mean, inverse = mean/float64(n), inverse/float64(n)
	df := m.rows - float64(n) - float64(m.gram.rank)
	switch {
	case !finite(of.square) || !finite(m.rss):
		return NotFinite
	case df <= 0:
		return TooFewRows
	case !(of.square > 1e-20*of.raw):
		return NoVariation
	}
	residual := max(m.rss, 0) / df
	variance := max(of.square/float64(n-1)-residual*inverse, 0)
	reliability := 0.0
	for j := range n {
		r := 1.0
		if e := residual * v.error[j]; e > 0 {
			r = variance / (variance + e)
		}
		reliability += r / float64(n)
		v.shrunken[j] = mean + r*(v.effect[j]-mean)
	}
	out[0], out[1], out[2] = number(math.Sqrt(variance)), number(math.Sqrt(residual)), number(reliability)
	for k, column := range v.columns {
		v.gather(s, column, v.values, v.observed)
		out[3+2*k] = v.correlation(v.effect[:n], v.values, v.observed, nil)
		out[4+2*k] = v.correlation(v.shrunken[:n], v.values, v.observed, nil)
	}
	if v.truth < 0 {
		return OK
	}
	rest := out[3+2*len(v.columns):]
	v.gather(s, v.truth, v.true, v.known)
	rest[0] = v.correlation(v.effect[:n], v.true, v.known, nil)
	rest[1] = v.correlation(v.shrunken[:n], v.true, v.known, nil)
	rest[2] = v.slope(v.effect[:n], v.true, v.known, nil)
	rest[3] = v.slope(v.shrunken[:n], v.true, v.known, nil)
	rest[4] = v.slope(v.true[:n], v.shrunken, v.known, nil)
	for k, column := range v.columns {
		v.gather(s, column, v.values, v.observed)
		rest[5+2*k] = v.correlation(v.values[:n], v.true, v.known, v.observed)
		rest[6+2*k] = v.slope(v.values[:n], v.true, v.known, v.observed)
	}
	return OK
}

// gather fills dst with the values of a column, by effect that exists, and there with
// whether they are observed.
func (v *valueAdded) gather(s *Setup, column int, dst []float64, there []bool) {
	m, d := v.derived.growth, s.data
	values, observed, n := s.Column(column), s.indicator(column), 0
	for unit := range s.Column(v.place) {
		if m.count[unit] == 0 {
			continue
		}
		dst[n] = values[unit]
		there[n] = observed < 0 || s.Column(observed)[d.Ancestor(v.derived.level, unit, s.level(observed))] == 1
		n++
	}
}

// pairs puts those of a and b side by side that both conditions, where there are two,
// hold of.
func (v *valueAdded) pairs(a, b []float64, where, also []bool) (n int) {
	for i, x := range a {
		if where[i] && (also == nil || also[i]) {
			v.x[n], v.other[n] = x, b[i]
			n++
		}
	}
	return n
}

// correlation is that of a and b.
func (v *valueAdded) correlation(a, b []float64, where, also []bool) Estimate {
	n := v.pairs(a, b, where, also)
	x, z := spreadOf(v.x[:n]), spreadOf(v.other[:n])
	return correlate(n, x, z, centredDot(v.x[:n], x.mean, v.other[:n], z.mean))
}

// slope is that of the regression of a on b.
func (v *valueAdded) slope(a, b []float64, where, also []bool) Estimate {
	r := v.correlation(a, b, where, also)
	if r.Status != OK {
		return r
	}
	n := v.pairs(a, b, where, also)
	return number(r.Value * math.Sqrt(spreadOf(v.x[:n]).square/spreadOf(v.other[:n]).square))
}

var _ Method = ValueAdded{}
