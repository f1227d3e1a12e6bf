package estimators

import (
	"math"
	"slices"
	"strings"

	"coachsim/dgp"
)

// A Projection is a coefficient of the population linear projection: of the best
// linear prediction of an outcome from all terms of a formula, over all rows that
// trials like the study's would ever have. It exists whatever the true relation is,
// and is what a regression on all terms estimates. What its value is, only the
// simulator knows.
type Projection struct {
	Formula string    // as written, with lists of terms written out
	Rows    dgp.Level // level of the rows
	Where   string    // restriction of the rows, "" for all
	Term    string    // whose coefficient it is; "" for the mean squared error of the prediction
	Across  Across    // of the term: what the coefficient is multiplied by

	parsed *Formula
}

// Across is a change of a term of which a projection is the effect.
type Across uint8

// The changes.
const (
	Unit           Across = iota // of 1: the coefficient
	Quartiles                    // from the 25th percentile to the 75th, in units of the outcome
	QuartilesInSDs               // the same in SDs of the outcome
)

// Same reports whether two are coefficients of one projection.
func (p Projection) Same(o Projection) bool {
	return p.Formula == o.Formula && p.Rows == o.Rows && p.Where == o.Where
}

// A Predictor is a term that a method may select. Its truth is 1 where a column of
// the term has an effect of its own on the outcome in the data-generating model,
// else 0. What a column is a mere stand-in for is not asked.
type Predictor struct {
	Outcome string   // as in a formula
	Columns []string // the term's
}

// projection is the projection of a term's coefficient on rows of a level, or with
// "" of the error, for a formula with one outcome.
func (f *Formula) projection(rows dgp.Level, where, term string) *Projection {
	return &Projection{Formula: f.projected(), Rows: rows, Where: where, Term: term, parsed: f}
}

// projected writes the outcome and the terms of a formula.
func (f *Formula) projected() string {
	terms := make([]string, len(f.Terms))
	for i, t := range f.Terms {
		terms[i] = t.String()
	}
	return f.Outcomes[0].Text + " ~ " + strings.Join(terms, " + ")
}

// predictor is a term as one to be selected.
func (f *Formula) predictor(term int) *Predictor {
	p := &Predictor{Outcome: f.Outcomes[0].Text}
	for _, f := range f.Terms[term].Factors {
		columns, groups := f.Columns()
		for _, c := range slices.Concat(columns, groups) {
			if !slices.Contains(p.Columns, c.Name) {
				p.Columns = append(p.Columns, c.Name)
			}
		}
	}
	return p
}

// standardised returns the formula with std( ) around the outcome and around every
// term that is one variable.
func (f *Formula) standardised() *Formula {
	all := *f
	std := func(v Variable) Variable { return Variable{Call: &Call{Function: "std", Args: []Variable{v}}} }
	outcome := std(f.Outcomes[0].Variable)
	all.Outcomes = []Outcome{{Variable: outcome, Text: outcome.String()}}
	all.Terms = slices.Clone(f.Terms)
	for i, t := range f.Terms {
		if len(t.Factors) == 1 && t.Factors[0].Power == 1 {
			all.Terms[i] = Term{Factors: []Power{{Variable: std(t.Factors[0].Variable), Power: 1}}}
		}
	}
	return &all
}

// A LinearPopulation gathers over many data sets the means and the cross-products
// around them of the outcome and the terms of a projection.
//
// A variable std(x) enters as x, and its coefficient is that of x times the SD of x
// over all rows: the SD of each data set would put that one's chance into the truth.
type LinearPopulation struct {
	setup  *Setup
	design *design
	scaled []bool // by term, then outcome: written std(...), taken as what is within

	moved  []int       // terms whose values are kept
	values [][]float64 // by moved term: those that were added

	rows   float64
	mean   []float64
	cross  []float64 // (terms + 1)², around the means
	center []float64 // scratch: the means of one data set
	part   []float64 // scratch: its cross-products
}

// maxPopulationValues is how many values of a term a LinearPopulation keeps.
const maxPopulationValues = 4000

// NewLinearPopulation binds a projection to the columns of a shape. It keeps values of the
// terms at some places, for their percentiles.
func NewLinearPopulation(p Projection, shape dgp.Shape, moved ...int) (*LinearPopulation, error) {
	f := *p.parsed
	m := &LinearPopulation{setup: newSetup(shape, nil), moved: moved, values: make([][]float64, len(moved))}
	f.Terms = slices.Clone(f.Terms)
	f.Outcomes = slices.Clone(f.Outcomes)
	for i, t := range f.Terms {
		scaled := false
		if len(t.Factors) == 1 && t.Factors[0].Power == 1 {
			var inner Variable
			if inner, scaled = p.unscaled(t.Factors[0].Variable, shape); scaled {
				f.Terms[i] = Term{Factors: []Power{{Variable: inner, Power: 1}}}
			}
		}
		m.scaled = append(m.scaled, scaled)
	}
	inner, scaled := p.unscaled(f.Outcomes[0].Variable, shape)
	f.Outcomes[0].Variable, m.scaled = inner, append(m.scaled, scaled)
	var err error
	if m.design, err = m.setup.designOf(&f, p.Rows.String(), p.Where); err != nil {
		return nil, err
	}
	m.setup.finish()
	q := len(m.scaled)
	m.mean, m.center = make([]float64, q), make([]float64, q)
	m.cross, m.part = make([]float64, q*q), make([]float64, q*q)
	return m, nil
}

// unscaled returns what is within std( ), where that varies between the rows as
// the SD is taken: by unit of their level.
func (p Projection) unscaled(v Variable, shape dgp.Shape) (Variable, bool) {
	if v.Call == nil || v.Call.Function != "std" {
		return v, false
	}
	s := newSetup(shape, nil)
	place, err := s.resolve(v.Call.Args[0])
	return v.Call.Args[0], err == nil && s.level(place) == p.Rows
}

// Add adds a data set. Rows that hold no numbers are not added.
func (m *LinearPopulation) Add(d *dgp.Data) {
	m.setup.load(d)
	if m.design.load(m.setup) != OK {
		return
	}
	columns := append(slices.Clone(m.design.x), m.design.y)
	for j, x := range columns {
		m.center[j] = total(x) / float64(len(x))
	}
	q := len(columns)
	for j, x := range columns {
		for k, y := range columns[:j+1] {
			m.part[j*q+k] = centredDot(x, m.center[j], y, m.center[k])
		}
	}
	m.merge(float64(len(m.design.y)), m.center, m.part)
	for k, term := range m.moved {
		if x := columns[term]; len(m.values[k]) < maxPopulationValues {
			m.values[k] = append(m.values[k], x...)
		}
	}
}

// Values returns what was added of a moved term, by its place in the list given to
// NewLinearPopulation: of a variable std(x) those of x.
func (m *LinearPopulation) Values(moved int) []float64 { return m.values[moved] }

// Scale is what a coefficient as Solve returns it is multiplied by to be the effect of a
// change of the term's variable, of x for std(x), by distance.
func (m *LinearPopulation) Scale(term int, distance float64, a Across) float64 {
	sd := func(j int) float64 { return math.Sqrt(m.cross[j*len(m.mean)+j] / (m.rows - 1)) }
	if m.scaled[term] {
		distance /= sd(term)
	}
	outcome := m.Terms()
	switch {
	case a == Quartiles && m.scaled[outcome]:
		distance *= sd(outcome)
	case a == QuartilesInSDs && !m.scaled[outcome]:
		distance /= sd(outcome)
	}
	return distance
}

// Merge adds what another has gathered, but for values.
func (m *LinearPopulation) Merge(o *LinearPopulation) { m.merge(o.rows, o.mean, o.cross) }

// merge is Chan, Golub and LeVeque's update of means and cross-products.
func (m *LinearPopulation) merge(rows float64, mean, cross []float64) {
	if rows == 0 {
		return
	}
	q, all := len(m.mean), m.rows+rows
	weight := m.rows * rows / all
	for j := range q {
		for k := range j + 1 {
			m.cross[j*q+k] += cross[j*q+k] + weight*(mean[j]-m.mean[j])*(mean[k]-m.mean[k])
		}
	}
	for j := range q {
		m.mean[j] += (mean[j] - m.mean[j]) * rows / all
	}
	m.rows = all
}

// Terms is the number of terms of the projection.
func (m *LinearPopulation) Terms() int { return len(m.mean) - 1 }

// Place returns the place of a term among those of the projection, or -1.
func (p Projection) Place(term string) int {
	return slices.IndexFunc(p.parsed.Terms, func(t Term) bool { return t.String() == term })
}

// NewProjector returns room to project on some of the terms.
func (m *LinearPopulation) NewProjector() *Projector {
	p := m.Terms()
	return &Projector{chol: newCholesky(p), raw: make([]float64, p), b: make([]float64, p)}
}

// A Projector solves for projections from what LinearPopulation has gathered.
type Projector struct {
	chol *cholesky
	raw  []float64
	b    []float64
}

// Solve returns the coefficients of the projection on the terms that are chosen,
// on all for nil, NaN for the others and for those that are collinear with earlier
// ones; and the mean squared error of the prediction. The slice is overwritten by
// the next call.
func (p *Projector) Solve(m *LinearPopulation, chosen []bool) (b []float64, mse float64) {
	q := len(m.mean)
	n := q - 1
	for j := range n {
		for k := range j + 1 {
			v := m.cross[j*q+k]
			if chosen != nil && !(chosen[j] && chosen[k]) {
				v = 0 // its pivot is 0, so that it is dropped
			}
			p.chol.l[j*n+k] = v
		}
		p.raw[j] = m.cross[j*q+j]
		p.b[j] = m.cross[n*q+j]
	}
	p.chol.factor(p.raw)
	p.chol.solve(p.b)
	mse = m.cross[n*q+n]
	ofOutcome := 1.0
	if m.scaled[n] {
		ofOutcome = math.Sqrt(m.cross[n*q+n] / (m.rows - 1))
	}
	for j := range n {
		mse -= p.b[j] * m.cross[n*q+j]
		p.b[j] /= ofOutcome
		if m.scaled[j] {
			p.b[j] *= math.Sqrt(m.cross[j*q+j] / (m.rows - 1))
		}
		if p.chol.lost()[j] {
			p.b[j] = math.NaN()
		}
	}
	return p.b, mse / m.rows / (ofOutcome * ofOutcome)
}
