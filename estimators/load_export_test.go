package estimators

import (
	"math"

	"coachsim/dgp"
)

// Load lets a benchmark time what all methods share: derived columns and
// cross-products, without a fit.
func (p *Panel) Load(d *dgp.Data) { p.setup.load(d) }

// CompareSums loads data and returns the largest difference between sums by class of one
// core, of all children, and those formed child by child, relative to their own size, and
// whether a column stands beside its square.
func (p *Panel) CompareSums(d *dgp.Data) (worst float64, squared bool) {
	p.Load(d)
	c := p.setup.cores[0]
	value := func(m monomial, i int) float64 {
		v := 1.0
		for _, f := range m.factors {
			for range f.power {
				v *= d.Columns[f.column][i] - f.center
			}
		}
		return v
	}
	compare := func(g int, got float64, x, y func(i int) float64) {
		sum, size := 0.0, 0.0
		for i := d.ChildStart[g]; i < d.ChildStart[g+1]; i++ {
			sum += x(i) * y(i)
			size += math.Abs(x(i) * y(i))
		}
		if size > 0 {
			worst = max(worst, math.Abs(got-sum)/size)
		}
	}
	for g := range c.groups {
		stat := c.stat[g*c.stride : (g+1)*c.stride]
		for b, m := range c.basis {
			column := func(i int) float64 { return value(m, i) }
			for a := range b + 1 {
				compare(g, stat[c.pair(a, b)], func(i int) float64 { return value(c.basis[a], i) }, column)
			}
			for k, outcome := range c.children {
				compare(g, stat[c.outcomePair(k)+b], column, func(i int) float64 { return d.Columns[outcome][i] - c.childCenter(k) })
			}
		}
	}
	for k, r := range c.outcomes {
		if r.child < 0 {
			continue
		}
		sum := 0.0
		for _, y := range d.Columns[c.children[r.child]] {
			sum += (y - r.center) * (y - r.center)
		}
		worst = max(worst, math.Abs(c.squares[k]-sum)/sum)
	}
	return worst, c.squared
}
