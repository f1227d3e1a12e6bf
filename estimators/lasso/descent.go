package lasso

import "math"

// A descent is cyclic coordinate descent with covariance updates, an active set
// and warm starts (Friedman, Hastie and Tibshirani 2010), and the sequential
// strong rules (Tibshirani et al. 2012) to say which columns to look at first.
type descent struct {
	active []int  // columns that have been in the model
	in     []bool // by column: active
	strong []bool // by column: not discarded by the rule
	moved  []float64
}

func newDescent(p int) *descent {
	return &descent{active: make([]int, 0, p), in: make([]bool, p), strong: make([]bool, p), moved: make([]float64, p)}
}

const (
	maxCycles      = 100_000 // over the whole path
	exactThreshold = 1e-13   // of the descent that stands in for the exact path
)

// run records the solutions from the given one on, and reports whether it
// converged.
func (d *descent) run(s *Solver, path *Path, penalty *Penalty, from int) bool {
	threshold := penalty.Threshold
	switch {
	case penalty.Mix == 1 && !penalty.Descent:
		threshold = exactThreshold
	case threshold == 0:
		threshold = DefaultThreshold
	}
	threshold *= s.yy
	if from > 0 {
		from-- // start where the exact path ended
		for j, b := range path.Beta(from) {
			s.beta[j] = 0
			if b != 0 {
				s.beta[j] = b / s.scale[j]
			}
		}
		from++
	} else {
		clear(s.beta)
	}
	s.refresh()
	d.active = d.active[:0]
	for j, b := range s.beta {
		if d.in[j] = b != 0; d.in[j] {
			d.active = append(d.active, j)
		}
	}
	ridge := 0.0 // as glmnet, which scales the outcome to variance 1
	if penalty.Mix < 1 && s.yy > 0 {
		ridge = (1 - penalty.Mix) / math.Sqrt(s.yy)
	}
	last := math.Inf(1)
	if from > 0 {
		last = path.Lambda[from-1]
	}
	cycles := 0
	for i := from; i < len(path.Lambda); i++ {
		lambda := path.Lambda[i]
		l1, l2 := lambda*penalty.Mix, lambda*ridge
		for j, w := range s.weight {
			bound := w * penalty.Mix * (2*lambda - last)
			d.strong[j] = d.in[j] || !math.IsInf(w, 1) && (math.IsInf(last, 1) || math.Abs(s.gradient[j]) >= bound)
		}
		for again := true; again; {
			for {
				if cycles++; cycles > maxCycles {
					return false
				}
				if d.sweep(s, l1, l2) <= threshold {
					break
				}
				for {
					if cycles++; cycles > maxCycles {
						return false
					}
					if d.cycle(s, l1, l2) <= threshold {
						break
					}
				}
				d.settle(s)
			}
			// Did the rule discard a column that the solution needs?
			again = false
			for j, w := range s.weight {
				if !d.strong[j] && !math.IsInf(w, 1) && math.Abs(s.gradient[j]) > l1*w {
					d.strong[j], again = true, true
				}
			}
		}
		s.record(path, i)
		last = lambda
	}
	return true
}

// step returns the new coefficient of a column, and how much it changes.
func (s *Solver) step(j int, l1, l2 float64) (b, change float64) {
	old := s.beta[j]
	square := s.gram[j*s.p+j]
	w := s.weight[j]
	u := s.gradient[j] + square*old
	switch {
	case u > l1*w:
		b = (u - l1*w) / (square + l2*w)
	case u < -l1*w:
		b = (u + l1*w) / (square + l2*w)
	}
	return b, b - old
}

// sweep visits all columns that were not discarded, keeps every gradient up to
// date, and returns the largest change of the fit's mean square.
func (d *descent) sweep(s *Solver, l1, l2 float64) float64 {
	p := s.p
	most := 0.0
	for j := range p {
		if !d.strong[j] {
			continue
		}
		b, change := s.step(j, l1, l2)
		if change == 0 {
			continue
		}
		if !d.in[j] {
			d.in[j] = true
			d.active = append(d.active, j)
		}
		s.beta[j] = b
		row := s.gram[j*p : j*p+p]
		subtract(s.gradient, change, row)
		most = max(most, change*change*row[j])
	}
	return most
}

// cycle visits the active columns; only their gradients are kept up to date.
func (d *descent) cycle(s *Solver, l1, l2 float64) float64 {
	p := s.p
	most := 0.0
	if 4*len(d.active) > 3*p { // no gathering
		for _, j := range d.active {
			b, change := s.step(j, l1, l2)
			if change == 0 {
				continue
			}
			s.beta[j] = b
			row := s.gram[j*p : j*p+p]
			subtract(s.gradient, change, row)
			most = max(most, change*change*row[j])
		}
		return most
	}
	for _, j := range d.active {
		b, change := s.step(j, l1, l2)
		if change == 0 {
			continue
		}
		s.beta[j] = b
		d.moved[j] += change
		row := s.gram[j*p : j*p+p]
		for _, i := range d.active {
			s.gradient[i] -= row[i] * change
		}
		most = max(most, change*change*row[j])
	}
	return most
}

// settle brings the other columns' gradients up to date.
func (d *descent) settle(s *Solver) {
	p := s.p
	for _, j := range d.active {
		change := d.moved[j]
		if change == 0 {
			continue
		}
		d.moved[j] = 0
		row := s.gram[j*p : j*p+p]
		for i, g := range row {
			if !d.in[i] {
				s.gradient[i] -= g * change
			}
		}
	}
}

// refresh computes the gradients from the coefficients.
func (s *Solver) refresh() {
	copy(s.gradient, s.xy)
	p := s.p
	for j, b := range s.beta {
		if b == 0 {
			continue
		}
		subtract(s.gradient, b, s.gram[j*p:j*p+p])
	}
}
