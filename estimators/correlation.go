package estimators

import (
	"fmt"
	"math"

	"coachsim/dgp"
)

// Correlation is the Pearson correlation of every pair of columns of one
// level. It describes the data; there is no standard error.
type Correlation struct {
	Columns []string `yaml:"columns" required:"true" minlen:"2" doc:"columns of the same level"`
}

// Bind looks up the columns.
func (o Correlation) Bind(name string, s *Setup) (Fitter, error) {
	f := &correlation{}
	var level dgp.Level
	for i, text := range o.Columns {
		column, err := s.lookUp(text, 0)
		if err != nil {
			return nil, keyError(fmt.Sprintf("columns[%d]", i), err)
		}
		if i == 0 {
			level = s.level(column)
		} else if s.level(column) != level {
			return nil, keyError(fmt.Sprintf("columns[%d]", i), fmt.Errorf("%q is a %s column, %q a %s column", text, s.level(column), o.Columns[0], level))
		}
		for j, other := range f.columns {
			f.rows = append(f.rows, Row{Estimator: name, Outcome: o.Columns[j], Term: text})
			f.pairs = append(f.pairs, [2]int{other, column})
		}
		f.columns = append(f.columns, column)
	}
	return f, nil
}

type correlation struct {
	columns []int
	pairs   [][2]int
	rows    []Row
}

// Rows says what the estimates are about.
func (c *correlation) Rows() []Row { return c.rows }

// Fit computes the correlations.
func (c *correlation) Fit(s *Setup, out []Estimate) {
	for i, pair := range c.pairs {
		var m moments
		m.add(s.Column(pair[0]), s.Column(pair[1]))
		out[i] = m.estimate()
	}
}

// moments are running sums of pairs of values around their first.
type moments struct {
	n, x0, y0, x, y, xx, yy, xy float64
}

func (m *moments) add(x, y []float64) {
	if m.n == 0 && len(x) > 0 {
		m.x0, m.y0 = x[0], y[0]
	}
	for i, v := range x {
		a, b := v-m.x0, y[i]-m.y0
		m.n++
		m.x += a
		m.y += b
		m.xx += a * a
		m.yy += b * b
		m.xy += a * b
	}
}

// estimate returns the correlation of the pairs added.
func (m *moments) estimate() Estimate {
	if m.n < 2 {
		return failed(TooFewRows)
	}
	vx := m.xx - m.x*m.x/m.n
	vy := m.yy - m.y*m.y/m.n
	if !(vx > 1e-20*m.xx) || !(vy > 1e-20*m.yy) {
		return failed(NoVariation)
	}
	r := (m.xy - m.x*m.y/m.n) / math.Sqrt(vx*vy)
	if math.IsNaN(r) {
		return failed(NotFinite)
	}
	nan := math.NaN()
	return Estimate{Value: r, SE: nan, DF: nan, P: nan}
}

var _ Method = Correlation{}
