package forest

import (
	"math"
	"slices"
)

// A sample is a data set, with its inputs ranked.
type sample struct {
	n      int
	y      []float64   // around its mean
	mean   float64     // of y
	x      []float64   // by variable and row: around its mean
	centre []float64   // by variable: that mean
	rank   []uint16    // by variable and row: place of the value among the distinct ones, or the level
	row    []uint16    // the same by row and variable
	values [][]float64 // by variable: distinct values, ascending; nil if unordered
	order  []ranked    // scratch
}

// ranked is a value with its row.
type ranked struct {
	value float64
	row   uint16
}

// Load reads a data set: the outcome and, by variable, the inputs of every row
// that trees may be grown on or predict. It returns ErrNotFinite or ErrLevel.
func (f *Forest) Load(y []float64, x [][]float64) error {
	s := &f.sample
	s.n = len(y)
	s.y = append(s.y[:0], y...)
	sum := 0.0
	for _, v := range y {
		sum += v
	}
	s.mean = sum / float64(len(y))
	if !finite(sum) || len(y) == 0 {
		return ErrNotFinite
	}
	for i := range s.y {
		s.y[i] -= s.mean
	}
	p := len(f.variables)
	s.x = slices.Grow(s.x[:0], p*s.n)[:p*s.n]
	s.rank = slices.Grow(s.rank[:0], p*s.n)[:p*s.n]
	s.row = slices.Grow(s.row[:0], p*s.n)[:p*s.n]
	for j := range f.variables {
		if err := s.loadInput(&f.variables[j], j, x[j]); err != nil {
			return err
		}
		for i, rank := range s.rank[j*s.n : (j+1)*s.n] {
			s.row[i*p+j] = rank
		}
	}
	f.forget()
	return nil
}

// loadInput ranks one input.
func (s *sample) loadInput(v *Variable, j int, values []float64) error {
	column, rank := s.x[j*s.n:(j+1)*s.n], s.rank[j*s.n:(j+1)*s.n]
	if v.Scale == Unordered {
		for i, value := range values {
			if !(value >= 0 && value < float64(v.Levels) && value == math.Trunc(value)) {
				return ErrLevel
			}
			rank[i] = uint16(value)
		}
		return nil
	}
	s.order = s.order[:0]
	sum := 0.0
	for i, value := range values {
		s.order = append(s.order, ranked{value, uint16(i)})
		sum += value
	}
	if !finite(sum) {
		return ErrNotFinite
	}
	slices.SortFunc(s.order, func(a, b ranked) int {
		switch {
		case a.value < b.value:
			return -1
		case a.value > b.value:
			return 1
		}
		return 0
	})
	s.centre[j] = sum / float64(s.n)
	distinct := s.values[j][:0]
	for _, o := range s.order {
		if len(distinct) == 0 || o.value != distinct[len(distinct)-1] {
			distinct = append(distinct, o.value)
		}
		rank[o.row] = uint16(len(distinct) - 1)
		column[o.row] = o.value - s.centre[j]
	}
	s.values[j] = distinct
	return nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
