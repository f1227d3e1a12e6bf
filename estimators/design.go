package estimators

import (
	"fmt"
	"math"
	"slices"

	"coachsim/dgp"
)

// A design is the outcome of a formula and its regressors, gathered as columns
// over the rows that have all of them: what methods read that take more of the data
// than cross-products.
type design struct {
	formula *Formula
	outcome Outcome
	terms   []string // of the regressors, without the intercept
	level   dgp.Level
	where   string

	x    [][]float64 // by term: the values of the rows
	y    []float64
	unit []int // by row: the unit of level that it is

	place  int         // of the outcome, among Setup's columns
	of     dgp.Level   // its level
	raw    []monomial  // by term
	filter *filter     // nil where all rows are used
	means  []*derived  // that a row must have
	room   [][]float64 // behind x, then y
	units  []int       // behind unit
}

// newDesign looks up the columns of a formula with one outcome and no fixed or
// random effects. level is that of the rows, "" for that of the outcome; where
// restricts them.
func (s *Setup) newDesign(text, level, where string) (*design, error) {
	f, err := s.parse(text)
	if err == nil {
		err = f.plain()
	}
	if err != nil {
		return nil, keyError("formula", err)
	}
	return s.designOf(f, level, where)
}

// designOf looks up the columns of a parsed formula.
func (s *Setup) designOf(f *Formula, level, where string) (*design, error) {
	g := &design{formula: f, outcome: f.Outcomes[0], where: where}
	var err error
	if g.place, err = s.resolve(g.outcome.Variable); err != nil {
		return nil, keyError("formula", err)
	}
	g.of = s.level(g.place)
	if err := g.findLevel(level); err != nil {
		return nil, keyError("rows", err)
	}
	for _, t := range f.Terms {
		m, err := s.monomialOf(t, g.level)
		if err != nil {
			return nil, keyError("formula", err)
		}
		g.terms, g.raw = append(g.terms, t.String()), append(g.raw, m)
	}
	if err := g.restrict(s); err != nil {
		return nil, err
	}
	most := s.shape.Max[g.level]
	for range len(g.terms) + 1 {
		g.room = append(g.room, make([]float64, most))
	}
	g.x, g.units = make([][]float64, len(g.terms)), make([]int, most)
	return g, nil
}

// plain returns an error unless the formula has one outcome, a regressor, and
// nothing but regressors.
func (f *Formula) plain() error {
	if err := f.NotInstrumented(); err != nil {
		return err
	}
	switch {
	case len(f.Outcomes) > 1:
		return &SyntaxError{Offset: f.Outcomes[1].Pos, Message: "this method has one outcome"}
	case f.Absorb != "":
		return &SyntaxError{Offset: f.AbsorbPos, Message: fmt.Sprintf("this method absorbs no effects; enter them as regressors, as in factor(%s)", f.Absorb)}
	case len(f.Random) > 0:
		return &SyntaxError{Offset: f.Random[0].Pos, Message: "this method has no random effects; kind: mixed fits them"}
	case !f.Intercept:
		return &SyntaxError{Message: "this method always has an intercept"}
	case len(f.Terms) == 0:
		return &SyntaxError{Message: "there is nothing to predict the outcome from"}
	}
	return nil
}

// termAt returns the place of a term, or -1.
func (g *design) termAt(term string) int { return slices.Index(g.terms, term) }

// same reports whether two designs have the same columns and rows.
func (g *design) same(o *design) bool {
	return g.formula.projected() == o.formula.projected() && g.level == o.level && g.where == o.where
}

func (g *design) findLevel(level string) error {
	g.level = g.of
	if level != "" {
		l, ok := levelNamed(level)
		if !ok || l == dgp.BlockLevel {
			return fmt.Errorf("%q is not a level of rows; the levels are school, teacher and child", level)
		}
		if l < g.of {
			return fmt.Errorf("the outcome varies between units of level %s, below the rows' level %s", g.of, l)
		}
		g.level = l
	}
	g.level = max(g.level, dgp.SchoolLevel)
	return nil
}

// restrict settles which rows are used.
func (g *design) restrict(s *Setup) error {
	f, err := s.bindFilter(g.where)
	if err != nil {
		return keyError("where", err)
	}
	if f != nil && f.level > g.level {
		return keyError("where", fmt.Errorf("a %s column cannot restrict %s rows", f.level, g.level))
	}
	columns := []int{g.place}
	variables := []Variable{g.outcome.Variable}
	for _, t := range g.formula.Terms {
		for _, p := range t.Factors {
			variables = append(variables, p.Variable)
		}
	}
	for _, m := range g.raw {
		for _, p := range m.factors {
			columns = append(columns, p.column)
		}
	}
	if f != nil {
		columns = append(columns, f.column...)
	}
	for _, v := range variables {
		if err := s.addMeans(&g.means, v, g.level); err != nil {
			return keyError("formula", err)
		}
	}
	indicators := s.indicators(columns)
	for _, i := range indicators {
		if c := s.shape.Columns[i]; c.Level > g.level {
			return keyError("formula", fmt.Errorf("a %s column says where a column of %s rows is observed", c.Level, g.level))
		}
	}
	g.filter = s.observed(f, indicators)
	return nil
}

// load gathers the rows of the data set being fitted. It reports TooFewRows where
// there are none and NotFinite where a value is no number.
func (g *design) load(s *Setup) Status {
	d, n := s.data, 0
	for row := range d.N[g.level] {
		if g.keeps(d, row) {
			g.units[n] = row
			n++
		}
	}
	g.unit = g.units[:n]
	status := OK
	for j, m := range g.raw {
		g.x[j] = g.room[j][:n]
		for i := range g.x[j] {
			g.x[j][i] = 1
		}
		for _, p := range m.factors {
			g.multiply(s, g.x[j], p)
		}
		if !finiteAll(g.x[j]) {
			status = NotFinite
		}
	}
	g.y = g.room[len(g.raw)][:n]
	g.gather(s, g.y, g.place)
	if !finiteAll(g.y) {
		status = NotFinite
	}
	if n == 0 {
		return TooFewRows
	}
	return status
}

func (g *design) keeps(d *dgp.Data, row int) bool {
	for _, m := range g.means {
		if m.empty(d, g.level, row) {
			return false
		}
	}
	return g.filter == nil || g.filter.keep(d, d.Ancestor(g.level, row, g.filter.level))
}

// gather fills dst with a column's values of the rows.
func (g *design) gather(s *Setup, dst []float64, column int) {
	values, level := s.Column(column), s.level(column)
	if level == g.level {
		for i, u := range g.unit {
			dst[i] = values[u]
		}
		return
	}
	for i, u := range g.unit {
		dst[i] = values[s.data.Ancestor(g.level, u, level)]
	}
}

// multiply multiplies dst by a power of a column.
func (g *design) multiply(s *Setup, dst []float64, p factor) {
	values := s.Column(p.column)
	for i, u := range g.unit {
		if p.level != g.level {
			u = s.data.Ancestor(g.level, u, p.level)
		}
		for range p.power {
			dst[i] *= values[u]
		}
	}
}

func finiteAll(x []float64) bool {
	sum := 0.0
	for _, v := range x {
		sum += v - v // NaN where v is not finite
	}
	return !math.IsNaN(sum)
}
