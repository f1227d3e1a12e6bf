package estimators

import (
	"fmt"
	"math"
	"slices"

	"coachsim/dgp"
)

// An interquartile measures how far the 25th and the 75th percentile of terms lie apart
// over the rows of a regression (R's quantiles of type 7), and the SD of outcomes.
type interquartile struct {
	level  dgp.Level // of the rows
	filter *filter   // nil where all rows are used
	means  []*derived
	values []float64 // scratch
}

func newInterquartile(level dgp.Level, f *filter, means []*derived, shape dgp.Shape) interquartile {
	return interquartile{level: level, filter: f, means: means, values: make([]float64, shape.Max[level])}
}

// gather returns the values of a column in the rows.
func (q *interquartile) gather(s *Setup, column int) []float64 {
	d, n := s.data, 0
	values, level := s.Column(column), s.level(column)
rows:
	for row := range d.N[q.level] {
		if q.filter != nil && !q.filter.keep(d, d.Ancestor(q.level, row, q.filter.level)) {
			continue
		}
		for _, m := range q.means {
			if m.empty(d, q.level, row) {
				continue rows
			}
		}
		q.values[n] = values[d.Ancestor(q.level, row, level)]
		n++
	}
	return q.values[:n]
}

// distance is how far the percentiles of a column lie apart.
func (q *interquartile) distance(s *Setup, column int) float64 {
	return quartileDistance(q.gather(s, column))
}

// quartileDistance sorts values, and is NaN where there are none.
func quartileDistance(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	slices.Sort(values)
	return percentileOf(values, 75) - percentileOf(values, 25)
}

// sd is the standard deviation of a column in the rows.
func (q *interquartile) sd(s *Setup, column int) float64 { return sdOf(q.gather(s, column)) }

func sdOf(values []float64) float64 {
	return math.Sqrt(spreadOf(values).square / float64(len(values)-1))
}

// times is the estimate of so much the effect. Distances and SDs are taken as known.
func (e Estimate) times(scale float64) Estimate {
	switch {
	case !e.Status.Worked():
		return e
	case scale == 0: // more than half of the rows have the same value
		return failed(NoVariation)
	case !finite(scale):
		return failed(NotFinite)
	}
	e.Value *= scale
	e.SE *= scale
	return e
}

// An acrossQuartiles is a regression that reports effects of the distance between the
// quartiles of terms too: iqr(x) in units of the outcome and iqr_sd(x) in its SDs. Of
// an outcome std(y), whose units are SDs, there is iqr(x) alone.
type acrossQuartiles struct {
	*linear
	rows     []Row
	over     interquartile
	column   []int // by term
	reported []int // by term: its place among the reported
	outcome  []int // by outcome: its column; -1 where its units are SDs
}

// acrossQuartiles adds the effects to the bound regression.
func (b *olsBinding) acrossQuartiles(terms []string) (Fitter, error) {
	if b.weights != nil {
		return nil, keyError("iqr", fmt.Errorf("percentiles are of rows without weights"))
	}
	a := &acrossQuartiles{linear: b.l, rows: slices.Clone(b.l.rows), over: newInterquartile(b.rows, b.l.core.filter, b.l.core.means, b.setup.shape)}
	var names []string
	for i, text := range terms {
		column, at, name, err := b.quartilesOf(text)
		if err == nil && slices.Contains(names, name) {
			err = fmt.Errorf("%q stands here twice", text)
		}
		if err != nil {
			return nil, keyError(fmt.Sprintf("iqr[%d]", i), err)
		}
		a.column, a.reported, names = append(a.column, column), append(a.reported, at), append(names, name)
	}
	for _, o := range b.formula.Outcomes {
		place, err := b.setup.resolve(o.Variable)
		if err != nil {
			return nil, keyError("formula", err)
		}
		inSDs := o.Variable.Call != nil && o.Variable.Call.Function == "std"
		for _, name := range names {
			add := func(term string, over Across) {
				row := Row{Estimator: b.name, Outcome: o.Text, Term: term}
				if p := b.projection(name, o); p != nil {
					p.Across = over
					row.Projection = p
				}
				a.rows = append(a.rows, row)
			}
			if inSDs {
				add("iqr("+name+")", QuartilesInSDs)
				continue
			}
			add("iqr("+name+")", Quartiles)
			add("iqr_sd("+name+")", QuartilesInSDs)
		}
		if inSDs {
			place = -1
		}
		a.outcome = append(a.outcome, place)
	}
	return a, nil
}

// quartilesOf finds a term that is one column, and nowhere else in the formula.
func (b *olsBinding) quartilesOf(text string) (column, reported int, name string, err error) {
	term, name, err := b.coefficient(text)
	if err != nil {
		return 0, 0, "", err
	}
	if reported = slices.Index(b.l.reported, name); term < 0 || reported < 0 {
		return 0, 0, "", fmt.Errorf("%q is not among the reported terms", text)
	}
	m := b.raw[term]
	if len(m.factors) > 1 || m.factors[0].power > 1 {
		return 0, 0, "", fmt.Errorf("%q is a product; percentiles are of a column", text)
	}
	column = m.factors[0].column
	for i, o := range b.raw {
		if i != term && slices.ContainsFunc(o.factors, func(f factor) bool { return f.column == column }) {
			return 0, 0, "", fmt.Errorf("%q is in %s too, so that its effect is not one coefficient", text, b.formula.Terms[i])
		}
	}
	return column, reported, name, nil
}

// Rows says what the estimates are about.
func (a *acrossQuartiles) Rows() []Row { return a.rows }

// Fit fits the regression, and multiplies.
func (a *acrossQuartiles) Fit(s *Setup, out []Estimate) {
	n := len(a.linear.rows)
	a.linear.Fit(s, out[:n])
	per, rest := n/len(a.outcome), out[n:]
	for o, outcome := range a.outcome {
		for k, column := range a.column {
			e := out[o*per+a.reported[k]].times(a.over.distance(s, column))
			rest[0], rest = e, rest[1:]
			if outcome >= 0 {
				rest[0], rest = e.times(1/a.over.sd(s, outcome)), rest[1:]
			}
		}
	}
}
