package estimators

import "math"

// A dense refits, on the rows themselves, a regression whose normal equations
// would lose digits: columns are brought to deviations from the means of the
// absorbed factor, and orthogonalised twice by Gram and Schmidt's rule, which
// is as accurate as Householder's. Terms whose rest is below 1e-7 of the column
// are dropped, as R's lm does.
type dense struct {
	n, p    int
	rowsMax int
	q       []float64 // columns, orthonormal after factor
	r       []float64 // upper factor, p × p by rows
	dropped []bool
	y       []float64
	mean    []float64 // scratch: by effect
}

const denseTolerance = 1e-7

func newDense(rows, terms int) *dense {
	return &dense{
		rowsMax: rows, q: make([]float64, rows*terms), r: make([]float64, terms*terms),
		dropped: make([]bool, terms), y: make([]float64, rows), mean: make([]float64, rows),
	}
}

// lost says which terms were dropped.
func (d *dense) lost() []bool { return d.dropped[:d.p] }

// factor computes X = QR for the terms of l.
func (d *dense) factor(s *Setup, l *linear) {
	c := l.core
	d.p = len(l.terms)
	for j, u := range l.terms {
		column := d.q[j*d.rowsMax : (j+1)*d.rowsMax]
		d.n = d.fill(s, c, column, func(g, i int) float64 { return c.of(u, g, i) })
		column = column[:d.n]
		before := math.Sqrt(dot(column, column))
		for i := range d.p {
			d.r[i*d.p+j] = 0
		}
		for range 2 {
			for i := range j {
				if d.dropped[i] {
					continue
				}
				other := d.column(i)
				k := dot(other, column)
				d.r[i*d.p+j] += k
				addScaled(column, -k, other)
			}
		}
		norm := math.Sqrt(dot(column, column))
		d.dropped[j] = !(norm > denseTolerance*before) || !(before*before > 1e-12*l.raw[j])
		if d.dropped[j] {
			for i := range j {
				d.r[i*d.p+j] = 0
			}
			continue
		}
		d.r[j*d.p+j] = norm
		for i := range column {
			column[i] /= norm
		}
	}
}

func (d *dense) column(j int) []float64 { return d.q[j*d.rowsMax : j*d.rowsMax+d.n] }

// rows visits every row i of each active group g, and says at which place of a
// column it is; it returns their number. i is -1 where the group is itself a row.
func (d *dense) rows(s *Setup, c *core, visit func(g, i, at int)) int {
	children := c.key.rows > c.group
	n := 0
	for g := range c.groups {
		if !c.active[g] {
			continue
		}
		lo, hi := -1, 0
		if children {
			lo, hi = s.data.ChildStart[g], s.data.ChildStart[g+1]
		}
		for i := lo; i < hi; i++ {
			if children && c.mask != nil && c.mask[i] == 0 {
				continue
			}
			visit(g, i, n)
			n++
		}
	}
	return n
}

// fill writes value(g, i) for each row, net of the mean of its effect, and
// returns the number of rows. With weights a row's value is multiplied by their
// root.
func (d *dense) fill(s *Setup, c *core, dst []float64, value func(g, i int) float64) int {
	clear(d.mean)
	n := d.rows(s, c, func(g, i, at int) {
		dst[at] = value(g, i)
		d.mean[c.effect[g]] += dst[at] * c.root(g, i)
	})
	if c.effects == 0 {
		return n
	}
	for e := range c.effects {
		if c.effectN[e] > 0 {
			d.mean[e] /= c.effectN[e]
		}
	}
	return d.rows(s, c, func(g, i, at int) { dst[at] -= d.mean[c.effect[g]] * c.root(g, i) })
}

// fillOutcome fills y with an outcome, net of the means of the effects.
func (d *dense) fillOutcome(s *Setup, c *core, outcome int) {
	r := c.outcomes[outcome]
	d.fill(s, c, d.y, func(g, i int) float64 {
		if r.child >= 0 {
			return c.outcome[r.child][i]
		}
		return c.byProduct[r.product][g] * c.root(g, i)
	})
}

// of is the value of term u of the core in row i of group g.
func (c *core) of(u, g, i int) float64 {
	if basis := c.terms[u].basis; basis > 0 {
		return c.value(g, u) * c.columns[basis][i]
	}
	return c.value(g, u) * c.root(g, i)
}

// regress fills beta for an outcome and returns the residual sum of squares.
func (d *dense) regress(s *Setup, l *linear, outcome int, beta []float64) float64 {
	d.fillOutcome(s, l.core, outcome)
	y := d.y[:d.n]
	for j := range d.p {
		beta[j] = 0
		if !d.dropped[j] {
			beta[j] = dot(d.column(j), y)
			addScaled(y, -beta[j], d.column(j))
		}
	}
	d.back(beta)
	return dot(y, y)
}

// solve replaces x by the solution b of R'R b = x, 0 for dropped terms.
func (d *dense) solve(x []float64) {
	d.half(x)
	d.back(x)
}

// half replaces x by the solution y of R'y = x, 0 for dropped terms.
func (d *dense) half(x []float64) {
	for j := range d.p {
		if d.dropped[j] {
			x[j] = 0
			continue
		}
		v := x[j]
		for i := range j {
			v -= d.r[i*d.p+j] * x[i]
		}
		x[j] = v / d.r[j*d.p+j]
	}
}

// back solves R b = x in place.
func (d *dense) back(x []float64) {
	for j := d.p - 1; j >= 0; j-- {
		if d.dropped[j] {
			x[j] = 0
			continue
		}
		v := x[j]
		for k := j + 1; k < d.p; k++ {
			v -= d.r[j*d.p+k] * x[k]
		}
		x[j] = v / d.r[j*d.p+j]
	}
}

func dot(x, y []float64) float64 {
	y = y[:len(x)]
	s := 0.0
	for i, v := range x {
		s += v * y[i]
	}
	return s
}
