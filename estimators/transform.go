package estimators

import (
	"math"
)

// A TransformKind is what a formula does to a column.
type TransformKind uint8

// The transforms.
const (
	Identity    TransformKind = iota
	Standardise               // std(y): mean 0, sd 1 (divisor n-1) over all rows of the column
	Below                     // below(y, p): 1 if y is under its p-th percentile
	Above                     // above(y, p): 1 if y is over its p-th percentile
)

// A Transform is applied to a column before it enters a regression. Its
// percentiles, mean and sd are taken over all rows of the column that are observed,
// before any restriction of the sample; percentiles by R's default rule (type 7).
type Transform struct {
	Kind       TransformKind
	Percentile float64 // 0 < p < 100; only for Below and Above
}

// A Fitted is a Transform with the constants that one data set gave it.
type Fitted struct {
	Kind   TransformKind
	Cutoff float64 // of Below and Above
	Mean   float64 // of Standardise
	SD     float64
}

// Apply transforms one value.
func (f Fitted) Apply(v float64) float64 {
	switch f.Kind {
	case Standardise:
		return (v - f.Mean) / f.SD
	case Below:
		return indicator(v < f.Cutoff)
	case Above:
		return indicator(v > f.Cutoff)
	default:
		return v
	}
}

func indicator(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// A source is a column of the data from which others are derived.
type source struct {
	column  int
	percent []float64 // wanted percentiles
	cutoff  []float64
}

// A derived column is a transformed column, computed once per data set.
type derived struct {
	variable Variable
	column   int // of the data
	source   int // in Setup.sources; which of its percentiles
	percent  int
	values   []float64
	fitted   Fitted
}

// compute fills the derived column from the data.
func (c *derived) compute(s *Setup) {
	x := s.data.Columns[c.column]
	c.values = c.values[:len(x)]
	c.fitted = Fitted{Kind: c.variable.Kind}
	switch c.variable.Kind {
	case Below, Above:
		c.fitted.Cutoff = s.sources[c.source].cutoff[c.percent]
	case Standardise:
		c.fitted.Mean, c.fitted.SD = meanSD(s.present(s.scratch, c.column, x))
	}
	if math.IsNaN(c.fitted.Cutoff) { // x is not finite, and so are all values
		for i := range c.values {
			c.values[i] = c.fitted.Cutoff
		}
		return
	}
	// The loops of Apply, with its choice made once.
	f := c.fitted
	switch f.Kind {
	case Below:
		for i, v := range x {
			c.values[i] = indicator(v < f.Cutoff)
		}
	case Above:
		for i, v := range x {
			c.values[i] = indicator(v > f.Cutoff)
		}
	default:
		for i, v := range x {
			c.values[i] = f.Apply(v)
		}
	}
}

// meanSD returns the mean and standard deviation (divisor n-1) of x.
func meanSD(x []float64) (mean, sd float64) {
	for _, v := range x {
		mean += v
	}
	mean /= float64(len(x))
	ss := 0.0
	for _, v := range x {
		ss += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(ss / float64(len(x)-1))
}
