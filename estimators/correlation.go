package estimators

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"

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
	f.buffers, f.deviations, f.spread = columns(len(f.columns), s.shape.Max[level]), make([][]float64, len(f.columns)), make([]spread, len(f.columns))
	return f, nil
}

type correlation struct {
	columns    []int
	pairs      [][2]int // in columns
	rows       []Row
	complete   *listwise
	buffers    [][]float64 // behind deviations
	deviations [][]float64 // scratch: by column
	spread     []spread    // scratch: by column
}

// Rows says what the estimates are about.
func (c *correlation) Rows() []Row { return c.rows }

// Fit computes the correlations.
func (c *correlation) Fit(s *Setup, out []Estimate) {
	c.complete.load(s)
	values := c.complete.values
	for k, x := range values {
		c.deviations[k], c.spread[k] = deviate(c.buffers[k], x)
	}
	for i, pair := range c.pairs {
		x, y, ofX, ofY := c.deviations[pair[0]], c.deviations[pair[1]], c.spread[pair[0]], c.spread[pair[1]]
		out[i] = correlate(len(x), ofX, ofY, crossProduct(x, ofX, y, ofY))
	}
}

// deviate returns a column and its spread: x itself where its mean is so small that
// sums of products Σxy - n x̄ȳ lose no digits, else dst, which becomes x less its mean.
// The mean of the spread is that of the column returned.
func deviate(dst, x []float64) ([]float64, spread) {
	n := float64(len(x))
	of := spread{mean: floats.Sum(x) / n, raw: floats.Dot(x, x)}
	if of.square = of.raw - n*of.mean*of.mean; of.square > of.raw/2 {
		return x, of
	}
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] = v - of.mean
	}
	of.mean = floats.Sum(dst) / n // what rounding left
	of.square = floats.Dot(dst, dst) - n*of.mean*of.mean
	return dst, of
}

// crossProduct returns Σ(x - x̄)(y - ȳ) of two columns returned by deviate.
func crossProduct(x []float64, ofX spread, y []float64, ofY spread) float64 {
	return floats.Dot(x, y) - float64(len(x))*ofX.mean*ofY.mean
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
	r := cross / math.Sqrt(x.square*y.square)
	return Estimate{Value: min(max(r, -1), 1), SE: nan, DF: nan, P: nan}
}

var _ Method = Correlation{}
