package estimators

import (
	"math"
	"slices"

	"coachsim/dgp"
)

// Rows with a missing value are dropped listwise: a regression uses the rows
// where every column of its formula is observed, as dgp.Column.Observed says.
// Of several outcomes each drops its own missing rows, so that a formula whose
// outcomes are not observed together is one regression for each.

// indicatorsOf lists the columns that are 1 where a column is observed. A mean
// of groups is there whatever is missing within them.
func (s *Setup) indicatorsOf(column int) []int {
	if n := len(s.shape.Columns); column >= n {
		return s.derived[column-n].indicators
	}
	if name := s.shape.Columns[column].Observed; name != "" {
		return []int{s.shape.Index(name)}
	}
	return nil
}

// indicator is the first of indicatorsOf, or -1; it allocates nothing.
func (s *Setup) indicator(column int) int {
	if n := len(s.shape.Columns); column >= n {
		if all := s.derived[column-n].indicators; len(all) > 0 {
			return all[0]
		}
		return -1
	}
	return s.shape.Index(s.shape.Columns[column].Observed)
}

// indicators lists the indicators of columns, once each, in order.
func (s *Setup) indicators(columns []int) []int {
	var all []int
	for _, c := range columns {
		for _, i := range s.indicatorsOf(c) {
			if !slices.Contains(all, i) {
				all = append(all, i)
			}
		}
	}
	slices.Sort(all)
	return all
}

// observed adds to a filter, nil for none, that indicators are 1.
func (s *Setup) observed(f *filter, indicators []int) *filter {
	if len(indicators) == 0 {
		return f
	}
	all := &filter{}
	if f != nil {
		*all = filter{level: f.level, column: slices.Clone(f.column), levels: slices.Clone(f.levels), test: slices.Clone(f.test)}
	}
	for _, column := range indicators {
		c := s.shape.Columns[column]
		all.test = append(all.test, comparison{name: c.Name, op: "==", x: 1})
		all.column = append(all.column, column)
		all.levels = append(all.levels, c.Level)
		all.level = max(all.level, c.Level)
	}
	return all
}

// byOutcome binds a formula, or one for each run of outcomes that are observed
// together.
func (s *Setup) byOutcome(f *Formula, bind func(f *Formula) (Fitter, error)) (Fitter, error) {
	together := func(a, b Outcome) bool {
		x, err := s.resolve(a.Variable)
		if err != nil {
			return true // which binding will say
		}
		y, err := s.resolve(b.Variable)
		return err != nil || slices.Equal(s.indicatorsOf(x), s.indicatorsOf(y))
	}
	var parts []*Formula
	for _, o := range f.Outcomes {
		if n := len(parts); n > 0 && together(parts[n-1].Outcomes[0], o) {
			parts[n-1].Outcomes = append(parts[n-1].Outcomes, o)
			continue
		}
		part := *f
		part.Outcomes, part.siblings = []Outcome{o}, f.Outcomes
		parts = append(parts, &part)
	}
	if len(parts) == 1 {
		return bind(f)
	}
	var all fitters
	for _, part := range parts {
		one, err := bind(part)
		if err != nil {
			return nil, err
		}
		all.each = append(all.each, one)
		all.rows = append(all.rows, one.Rows()...)
	}
	return &all, nil
}

// fitters are several that report as one.
type fitters struct {
	each []Fitter
	rows []Row
}

// Rows says what the estimates are about.
func (f *fitters) Rows() []Row { return f.rows }

// Fit fits each.
func (f *fitters) Fit(s *Setup, out []Estimate) {
	for _, one := range f.each {
		n := len(one.Rows())
		one.Fit(s, out[:n])
		out = out[n:]
	}
}

// present fills the front of dst with the values of an operand that are
// observed in the data, and returns it; the values themselves where none is
// missing.
func (s *Setup) present(dst []float64, o operand, x [][]float64) []float64 {
	values := x[o.column]
	if len(o.indicators) == 0 {
		return values
	}
	n := 0
	for i, v := range values {
		if o.observed(s.data, x, o.level, i) {
			dst[n] = v
			n++
		}
	}
	return dst[:n]
}

// observed reports whether an operand has a value for a unit of level.
func (o operand) observed(d *dgp.Data, x [][]float64, level dgp.Level, unit int) bool {
	for _, i := range o.indicators {
		if i.at(d, x, level, unit) != 1 {
			return false
		}
	}
	return true
}

// blank makes the values of a derived column missing where one that they come
// from is.
func (s *Setup) blank(c *derived) {
	if len(c.indicators) == 0 {
		return
	}
	for u := range c.values {
		if !c.self.observed(s.data, s.columns, c.level, u) {
			c.values[u] = math.NaN()
		}
	}
}

// listwise gathers, from columns of one level, the rows that all of them have.
type listwise struct {
	columns    []int
	indicators []int
	levels     []dgp.Level // of the indicators
	level      dgp.Level
	values     [][]float64 // by column; the data's own where none can be missing
	buffers    [][]float64
}

func (s *Setup) newListwise(columns []int) *listwise {
	w := &listwise{columns: columns, indicators: s.indicators(columns), level: s.level(columns[0]), values: make([][]float64, len(columns))}
	for _, i := range w.indicators {
		w.levels = append(w.levels, s.level(i))
	}
	if len(w.indicators) > 0 {
		for range columns {
			w.buffers = append(w.buffers, make([]float64, s.shape.Max[w.level]))
		}
	}
	return w
}

// load reads the data set being fitted.
func (w *listwise) load(s *Setup) {
	for k, c := range w.columns {
		w.values[k] = s.Column(c)
	}
	if len(w.indicators) == 0 {
		return
	}
	n := 0
	for row := range s.data.N[w.level] {
		complete := true
		for k, at := range w.indicators {
			complete = complete && s.Column(at)[s.data.Ancestor(w.level, row, w.levels[k])] == 1
		}
		if !complete {
			continue
		}
		for k, c := range w.columns {
			w.buffers[k][n] = s.Column(c)[row]
		}
		n++
	}
	for k := range w.values {
		w.values[k] = w.buffers[k][:n]
	}
}
