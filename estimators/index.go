package estimators

import (
	"math"

	"coachsim/dgp"
)

// An index is a weighted mean of z-scores, each measured from the control
// group's mean in its standard deviations (divisor n-1).
//
// klk weighs them equally (Kling, Liebman and Katz 2007, Econometrica 75,
// section 3.1). anderson weighs them by the row sums of the inverse of the
// z-scores' covariance matrix over all rows, so that what repeats other
// components counts less (Anderson 2008, JASA 103, section 3.2.1).
//
// A row that misses a component has no index.
// An index with a component that is constant in the control group, or of
// components that are collinear, is NaN.
type index struct {
	control    []operand // the columns that are 0 in the control group
	mean       []float64 // by component
	sd         []float64
	weight     []float64 // adding up to 1
	covariance *cholesky
	diagonal   []float64
	z          []float64 // scratch: of one unit
	average    []float64 // scratch: of z
}

func newIndex(components int, control []operand) *index {
	numbers := func() []float64 { return make([]float64, components) }
	return &index{control: control, mean: numbers(), sd: numbers(), weight: numbers(), diagonal: numbers(), z: numbers(), average: numbers(), covariance: newCholesky(components)}
}

// constantSD is the SD, relative to the mean, below which a component is
// constant but for rounding.
const constantSD = 1e-13

// fitKLK standardises by the control group and weighs equally.
func fitKLK(c *derived, s *Setup, x [][]float64) {
	c.standardise(s.data, x)
	for k := range c.index.weight {
		c.index.weight[k] = 1 / float64(len(c.args))
	}
}

// standardise finds the control group's means and SDs.
func (c *derived) standardise(d *dgp.Data, x [][]float64) {
	ix := c.index
	controls := 0.0
	clear(ix.mean)
	clear(ix.sd)
	for u := range d.N[c.level] {
		if ix.controls(d, x, c.level, u) && c.self.observed(d, x, c.level, u) {
			controls++
			for k, a := range c.args {
				ix.mean[k] += a.at(d, x, c.level, u)
			}
		}
	}
	for k := range c.args {
		ix.mean[k] /= controls
	}
	for u := range d.N[c.level] {
		if ix.controls(d, x, c.level, u) && c.self.observed(d, x, c.level, u) {
			for k, a := range c.args {
				e := a.at(d, x, c.level, u) - ix.mean[k]
				ix.sd[k] += e * e
			}
		}
	}
	for k := range c.args {
		ix.sd[k] = math.Sqrt(ix.sd[k] / (controls - 1))
		if !(ix.sd[k] > constantSD*math.Abs(ix.mean[k])) {
			ix.sd[k] = math.NaN()
		}
	}
}

// controls reports whether a unit is in the control group.
func (ix *index) controls(d *dgp.Data, x [][]float64, level dgp.Level, unit int) bool {
	for _, a := range ix.control {
		if a.at(d, x, level, unit) != 0 {
			return false
		}
	}
	return true
}

// fitAnderson standardises by the control group and weighs by 1'Σ⁻¹.
func fitAnderson(c *derived, s *Setup, x [][]float64) {
	c.standardise(s.data, x)
	ix, d, p := c.index, s.data, len(c.args)
	n := 0.0
	clear(ix.average)
	for u := range d.N[c.level] {
		if !c.self.observed(d, x, c.level, u) {
			continue
		}
		n++
		for k := range c.args {
			ix.average[k] += c.score(d, x, k, u)
		}
	}
	for k := range c.args {
		ix.average[k] /= n
	}
	clear(ix.covariance.l)
	for u := range d.N[c.level] {
		if !c.self.observed(d, x, c.level, u) {
			continue
		}
		for k := range c.args {
			ix.z[k] = c.score(d, x, k, u) - ix.average[k]
			for j := range k + 1 {
				ix.covariance.l[k*p+j] += ix.z[k] * ix.z[j] / (n - 1)
			}
		}
	}
	for k := range p {
		ix.diagonal[k] = ix.covariance.l[k*p+k]
		ix.weight[k] = 1
	}
	ix.covariance.factor(ix.diagonal)
	ix.covariance.solve(ix.weight)
	sum := total(ix.weight)
	for k, lost := range ix.covariance.lost() {
		ix.weight[k] /= sum
		if lost {
			ix.weight[k] = math.NaN()
		}
	}
}

// score is a unit's z-score of component k.
func (c *derived) score(d *dgp.Data, x [][]float64, k, unit int) float64 {
	return (c.args[k].at(d, x, c.level, unit) - c.index.mean[k]) / c.index.sd[k]
}

// weigh is the weighted sum of z-scores.
func weigh(c *derived, d *dgp.Data, x [][]float64, dst []float64) {
	for u := range dst {
		dst[u] = 0
		for k, w := range c.index.weight {
			dst[u] += w * c.score(d, x, k, u)
		}
	}
}
