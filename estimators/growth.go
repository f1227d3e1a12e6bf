package estimators

import (
	"fmt"
	"math"

	"coachsim/dgp"
)

// valueAddedName is what formulas call value added: value_added(y, x1, x2, by =
// teacher) is the fixed effect of a teacher in the regression of the outcome y on
// x1 and x2, of all children that have them,
//
//	ȳ_j - x̄_j'b,  b by least squares within teachers
//
// (Koedel, Mihaly and Rockoff 2015, section 3, step 1 of two). It is a column of the
// teachers, which other regressions can explain: step 2.
const valueAddedName = "value_added"

// A growth is the first step of value added.
type growth struct {
	effects grouping
	count   []float64 // by effect: children
	mean    []float64 // by effect and column: the outcome, then the regressors
	gram    *cholesky
	raw     []float64
	b       []float64 // by regressor
	cross   []float64 // within effects: the outcome with each regressor
	rss     float64   // within effects
	rows    float64
	deviate []float64 // scratch: by column
}

// resolveValueAdded finds the effects.
func (s *Setup) resolveValueAdded(c *derived, v Variable) error {
	by := v.Call.By
	if by == nil {
		return &SyntaxError{Offset: v.Pos, Message: fmt.Sprintf("whose value added it is must be said: write %s(..., by = teacher)", valueAddedName)}
	}
	g, err := s.findGrouping(by.Name)
	if err == nil && (g.level > c.level || g.column < 0 && g.level == c.level) {
		err = fmt.Errorf("%s is of %s rows, and has no effects of %s", v, c.level, by.Name)
	}
	if err != nil {
		return &SyntaxError{Offset: by.Pos, Message: err.Error()}
	}
	c.growth = newGrowth(g, len(c.args))
	c.group, c.level, c.indicators = g, g.level, s.groupIndicators(g)
	c.vacant = make([]bool, g.most)
	return nil
}

func newGrowth(effects grouping, columns int) *growth {
	return &growth{
		effects: effects, count: make([]float64, effects.most), mean: make([]float64, effects.most*columns),
		gram: newCholesky(columns - 1), raw: make([]float64, columns-1), b: make([]float64, columns-1), cross: make([]float64, columns-1),
		deviate: make([]float64, columns),
	}
}

// rowsOf is the level of the rows of the first step: the lowest among its columns.
func rowsOf(args []operand) dgp.Level {
	level := dgp.BlockLevel
	for _, a := range args {
		level = max(level, a.level)
	}
	return level
}

// used reports whether a row has all columns.
func (c *derived) used(d *dgp.Data, x [][]float64, level dgp.Level, unit int) bool {
	for _, a := range c.args {
		if !a.observed(d, x, level, unit) {
			return false
		}
	}
	return true
}

// fitValueAdded regresses within effects.
func fitValueAdded(c *derived, s *Setup, x [][]float64) {
	m, d, level := c.growth, s.data, rowsOf(c.args)
	m.means(c, d, x)
	for code, n := range m.count {
		c.vacant[code] = n == 0
	}
	p := len(m.b)
	clear(m.gram.l)
	clear(m.cross)
	clear(m.raw)
	m.rss, m.rows = 0, 0
	for u := range d.N[level] {
		code := m.effects.of(d, level, u)
		if code < 0 || !c.used(d, x, level, u) {
			continue
		}
		m.rows++
		for k, a := range c.args {
			v := a.at(d, x, level, u)
			m.deviate[k] = v - m.mean[code*(p+1)+k]
			if k > 0 {
				m.raw[k-1] += v * v
			}
		}
		e := m.deviate[1:]
		for j, v := range e {
			for k, w := range e[:j+1] {
				m.gram.l[j*p+k] += v * w
			}
			m.cross[j] += v * m.deviate[0]
		}
		m.rss += m.deviate[0] * m.deviate[0]
	}
	m.gram.factor(m.raw)
	copy(m.b, m.cross)
	m.gram.solve(m.b)
	for j, b := range m.b {
		m.rss -= b * m.cross[j]
	}
}

// means fills count and mean.
func (m *growth) means(c *derived, d *dgp.Data, x [][]float64) {
	level, q := rowsOf(c.args), len(m.deviate)
	clear(m.count)
	clear(m.mean)
	for u := range d.N[level] {
		if code := m.effects.of(d, level, u); code >= 0 && c.used(d, x, level, u) {
			m.count[code]++
			for k, a := range c.args {
				m.mean[code*q+k] += a.at(d, x, level, u)
			}
		}
	}
	for code, n := range m.count {
		if n > 0 {
			for k := range q {
				m.mean[code*q+k] /= n
			}
		}
	}
}

// addValue is ȳ_j - x̄_j'b, NaN for an effect without rows.
func addValue(c *derived, d *dgp.Data, x [][]float64, dst []float64) {
	m, q := c.growth, len(c.growth.deviate)
	m.means(c, d, x)
	c.spread(d, dst, func(code int) float64 {
		if m.count[code] == 0 {
			return math.NaN()
		}
		v := m.mean[code*q]
		for j, b := range m.b {
			v -= b * m.mean[code*q+1+j]
		}
		return v
	})
}
