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
	f.spread, f.mean, f.cross = make([]spread, len(f.columns)), make([]float64, len(f.columns)), make([]float64, len(f.pairs))
	return f, nil
}

type correlation struct {
	columns  []int
	pairs    [][2]int // in columns
	rows     []Row
	complete *listwise
	spread   []spread  // scratch: by column
	mean     []float64 // scratch: by column
	cross    []float64 // scratch: by pair
}

// Rows says what the estimates are about.
func (c *correlation) Rows() []Row { return c.rows }

// Fit computes the correlations.
func (c *correlation) Fit(s *Setup, out []Estimate) {
	c.complete.load(s)
	values := c.complete.values
	spreads(c.spread, values)
	for i, of := range c.spread {
		c.mean[i] = of.mean
	}
	pairProducts(c.cross, c.pairs, values, c.mean)
	for i, pair := range c.pairs {
		out[i] = correlate(len(values[pair[0]]), c.spread[pair[0]], c.spread[pair[1]], c.cross[i])
	}
}

// spreads is spreadOf of several columns of one length, two at a time: a sum has to wait
// for itself, but not for the other's.
func spreads(dst []spread, columns [][]float64) {
	i := 0
	for ; i+1 < len(columns); i += 2 {
		x, y := columns[i], columns[i+1][:len(columns[i])]
		var s, t spread
		for j, v := range x {
			w := y[j]
			s.mean += v
			t.mean += w
			s.raw += v * v
			t.raw += w * w
		}
		s.mean /= float64(len(x))
		t.mean /= float64(len(y))
		for j, v := range x {
			a, b := v-s.mean, y[j]-t.mean
			s.square += a * a
			t.square += b * b
		}
		dst[i], dst[i+1] = s, t
	}
	if i < len(columns) {
		dst[i] = spreadOf(columns[i])
	}
}

// pairProducts fills dst with the cross-products of pairs of columns around their means,
// three at a time.
func pairProducts(dst []float64, pairs [][2]int, columns [][]float64, mean []float64) {
	i := 0
	for ; i+2 < len(pairs); i += 3 {
		p, q, r := pairs[i], pairs[i+1], pairs[i+2]
		a := columns[p[0]]
		n := len(a)
		b, c, d, e, f := columns[p[1]][:n], columns[q[0]][:n], columns[q[1]][:n], columns[r[0]][:n], columns[r[1]][:n]
		ma, mb, mc, md, me, mf := mean[p[0]], mean[p[1]], mean[q[0]], mean[q[1]], mean[r[0]], mean[r[1]]
		var s, t, u float64
		for j, v := range a {
			s += (v - ma) * (b[j] - mb)
			t += (c[j] - mc) * (d[j] - md)
			u += (e[j] - me) * (f[j] - mf)
		}
		dst[i], dst[i+1], dst[i+2] = s, t, u
	}
	for ; i < len(pairs); i++ {
		p := pairs[i]
		dst[i] = centredDot(columns[p[0]], mean[p[0]], columns[p[1]], mean[p[1]])
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
