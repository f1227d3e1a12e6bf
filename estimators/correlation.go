package estimators

import (
	"fmt"
	"math"
	"slices"

	"coachsim/dgp"
)

// Correlation is the Pearson correlation of every pair of columns of one
// level, over the rows that have all of them. It describes the data; there is
// no standard error.
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
		if slices.Contains(f.columns, column) {
			return nil, keyError(fmt.Sprintf("columns[%d]", i), fmt.Errorf("%q stands here twice", text))
		}
		if i == 0 {
			level = s.level(column)
		} else if s.level(column) != level {
			return nil, keyError(fmt.Sprintf("columns[%d]", i), fmt.Errorf("%q is a %s column, %q a %s column", text, s.level(column), o.Columns[0], level))
		}
		for j := range i {
			f.rows = append(f.rows, Row{Estimator: name, Outcome: o.Columns[j], Term: text})
			f.pairs = append(f.pairs, [2]int{j, i})
		}
		f.columns = append(f.columns, column)
	}
	f.complete = s.newListwise(f.columns)
	f.spread = make([]spread, len(f.columns))
	return f, nil
}

type correlation struct {
	columns  []int
	pairs    [][2]int // in columns
	rows     []Row
	complete *listwise
	spread   []spread // scratch: by column
}

// Rows says what the estimates are about.
func (c *correlation) Rows() []Row { return c.rows }

// Fit computes the correlations.
func (c *correlation) Fit(s *Setup, out []Estimate) {
	c.complete.load(s)
	for i, x := range c.complete.values {
		c.spread[i] = spreadOf(x)
	}
	for i, pair := range c.pairs {
		x, y := c.complete.values[pair[0]], c.complete.values[pair[1]]
		sx, sy := c.spread[pair[0]], c.spread[pair[1]]
		out[i] = correlate(len(x), sx, sy, centredDot(x, sx.mean, y, sy.mean))
	}
}

// A spread is the mean of a column, its sum of squares around the mean, and
// around 0, by which the first is judged to be more than rounding.
type spread struct{ mean, square, raw float64 }

func spreadOf(x []float64) spread {
	var s spread
	for _, v := range x {
		s.mean += v
	}
	s.mean /= float64(len(x))
	for _, v := range x {
		s.square += (v - s.mean) * (v - s.mean)
		s.raw += v * v
	}
	return s
}

// centredDot returns Σ(x - mx)(y - my).
func centredDot(x []float64, mx float64, y []float64, my float64) float64 {
	y = y[:len(x)]
	sum := 0.0
	for i, v := range x {
		sum += (v - mx) * (y[i] - my)
	}
	return sum
}

// correlate returns the correlation of n pairs with a cross-product around the
// means.
func correlate(n int, x, y spread, cross float64) Estimate {
	switch {
	case n < 2:
		return failed(TooFewRows)
	case math.IsNaN(x.square+y.square) || math.IsInf(x.square+y.square, 0):
		return failed(NotFinite)
	case !(x.square > 1e-20*x.raw) || !(y.square > 1e-20*y.raw):
		return failed(NoVariation)
	}
	nan := math.NaN()
	return Estimate{Value: cross / math.Sqrt(x.square*y.square), SE: nan, DF: nan, P: nan}
}

var _ Method = Correlation{}
