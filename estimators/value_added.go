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
type ValueAdded struct {
	Formula string   `yaml:"formula" required:"true" doc:"outcome ~ terms of the children, such as posttest ~ pretest"`
	Of      string   `yaml:"of" doc:"whose value added it is: teacher, school or block"`
	Cluster string   `yaml:"cluster" doc:"clusters of the coefficients' standard errors: block, school, teacher or a factor"`
	SE      SE       `yaml:"se" doc:"kind of the coefficients' standard errors"`
	With    []string `yaml:"with" doc:"columns to correlate effects with, such as average gains"`
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
	for i, text := range o.With {
		column, err := s.lookUp(text, 0)
		if err == nil && s.level(column) != v.derived.level {
			err = fmt.Errorf("%q is a %s column; value added is of %s", text, s.level(column), v.derived.level)
		}
		if err != nil {
			return nil, keyError(fmt.Sprintf("with[%d]", i), err)
		}
		v.columns = append(v.columns, column)
		row("correlation(" + text + ")")
		row("shrunken_correlation(" + text + ")")
	}
	most := s.shape.Max[v.derived.level]
	v.effect, v.error, v.shrunken = make([]float64, most), make([]float64, most), make([]float64, most)
	v.x, v.other = make([]float64, most), make([]float64, most)
	return v, nil
}

// A valueAdded is a bound ValueAdded.
type valueAdded struct {
	place      int
	derived    *derived
	regression *linear
	rows       []Row
	columns    []int

	effect, error, shrunken []float64 // by effect that exists: its estimate, 1/n_j, the estimate shrunken
	x, other                []float64 // scratch
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
		v.correlate(s, column, out[3+2*k:5+2*k])
	}
	return OK
}

// correlate fills the correlations with a column.
func (v *valueAdded) correlate(s *Setup, column int, out []Estimate) {
	m, d := v.derived.growth, s.data
	values, observed := s.Column(column), s.indicator(column)
	for k, effects := range [][]float64{v.effect, v.shrunken} {
		n, at := 0, 0
		for unit := range s.Column(v.place) {
			if m.count[unit] == 0 {
				continue
			}
			if observed < 0 || s.Column(observed)[d.Ancestor(v.derived.level, unit, s.level(observed))] == 1 {
				v.x[n], v.other[n] = effects[at], values[unit]
				n++
			}
			at++
		}
		x, z := spreadOf(v.x[:n]), spreadOf(v.other[:n])
		out[k] = correlate(n, x, z, centredDot(v.x[:n], x.mean, v.other[:n], z.mean))
	}
}

var _ Method = ValueAdded{}
