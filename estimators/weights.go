package estimators

import (
	"fmt"
	"math"

	"coachsim/dgp"
)

// A weighting gives rows the weights of a column. Weights are those of weighted
// least squares, R's lm(weights = ) and Stata's aweight: the coefficients
// minimise Σ w e², and the errors' variance is taken to be σ²/w wherever a
// standard error needs to know it: the classical; HC2 and HC3 by way of the
// leverage; CR2 and the Satterthwaite degrees of freedom as their working model.
// So CR2 is Bell and McCaffrey's of the rows times √w, in which a cluster of one
// row has HC2. (For a weighted lm, clubSandwich and estimatr have another CR2:
// that for errors of one variance whatever the weights. All other kinds are
// theirs.) A row with weight 0 is left out and does not count.
type weighting struct {
	column int // of the data
	level  dgp.Level
	values []float64 // in place of a column: weights that the method itself computes
}

// bindWeights looks up the column of weights; nil for none.
func (s *Setup) bindWeights(name string) (*weighting, error) {
	if name == "" {
		return nil, nil
	}
	column, err := s.lookUp(name, 0)
	if err != nil {
		return nil, err
	}
	return &weighting{column: column, level: s.shape.Columns[column].Level}, nil
}

// of returns the weight of a unit at a level.
func (w *weighting) of(d *dgp.Data, columns [][]float64, level dgp.Level, unit int) float64 {
	if w.values != nil {
		return w.values[d.Ancestor(level, unit, w.level)]
	}
	return columns[w.column][d.Ancestor(level, unit, w.level)]
}

// findWeights settles the weights.
func (b *olsBinding) findWeights() error {
	w, err := b.setup.bindWeights(b.Weights)
	if err == nil && w != nil && w.level > b.rows {
		err = fmt.Errorf("%q is a %s column; the rows are of level %s", b.Weights, w.level, b.rows)
	}
	if err != nil {
		return keyError("weights", err)
	}
	b.weights = w
	return nil
}

// fillMask fills mask with the roots of the children's weights, 0 for those
// that are out.
func (c *core) fillMask(d *dgp.Data, columns [][]float64) {
	for g := range c.groups {
		in := c.filter == nil || c.filter.keepAbove(d, g)
		for i := d.ChildStart[g]; i < d.ChildStart[g+1]; i++ {
			c.mask[i] = 0
			if !in || c.filter != nil && !c.filter.keepOwn(d, i) {
				continue
			}
			switch {
			case c.weights == nil:
				c.mask[i] = 1
			case c.weights.level > c.group:
				c.mask[i] = c.rootOf(c.weights.of(d, columns, dgp.ChildLevel, i))
			default:
				c.mask[i] = c.rootOf(c.weights.of(d, columns, c.group, g))
			}
		}
	}
}

// rootOf returns √w, and notes a w that is no weight.
func (c *core) rootOf(w float64) float64 {
	if !(w >= 0 && w <= math.MaxFloat64) {
		c.unweighable = true
		return 0
	}
	return math.Sqrt(w)
}

// weighClass sets the sums of class g that products formed with 1 in place of
// the root of the weight, and counts its rows.
func (c *core) weighClass(s []float64, g, lo, hi int) {
	mask := c.mask[lo:hi]
	s[0] = dot(mask, mask)
	for b := 1; b < len(c.basis); b++ {
		s[c.pairs[b]] = dot(mask, c.columns[b][lo:hi])
	}
	for k, y := range c.outcome {
		s[c.outcomeAt[k]] = dot(mask, y[lo:hi])
	}
	c.counts[g] = 0
	for _, root := range mask {
		c.counts[g] += indicator(root > 0)
	}
}

// weighGroups gives groups that are rows their weights.
func (c *core) weighGroups(d *dgp.Data, columns [][]float64) {
	for g := range c.groups {
		w := c.weights.of(d, columns, c.group, g)
		if out := c.filter != nil && !c.filter.keep(d, d.Ancestor(c.group, g, c.filter.level)); !out && c.rootOf(w) == 0 {
			w = 0
		}
		c.stat[g*c.stride] = w
		c.counts[g] = indicator(w > 0)
	}
}

// root is the root of the weight of child i of group g, or of the group where
// it is itself a row and i is -1; 0 for a row that is out.
func (c *core) root(g, i int) float64 {
	switch {
	case i < 0 && c.weights == nil:
		return 1
	case i < 0:
		return math.Sqrt(c.stat[g*c.stride])
	case c.mask != nil:
		return c.mask[i]
	default:
		return 1
	}
}
