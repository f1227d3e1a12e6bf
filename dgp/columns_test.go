package dgp

import (
	"math"
	"testing"
)

// What works on several columns at once does what loops over one do, to the last bit.
func TestColumnsAtOnce(t *testing.T) {
	r := NewSource().Load(Stream{Seed: 5}, OutcomePurpose)
	for trial := range 400 {
		width, n := trial%10, 1+r.IntN(40)
		rows := make([]float64, width*(n+5))
		r.Normals(rows)
		var from []int
		for i := range n + 5 {
			if len(from) < n && r.IntN(4) > 0 {
				from = append(from, i*width)
			}
		}
		columns := columnsOf(width, n)
		transpose(columns, rows, from)
		weights := make([]float64, r.IntN(width+1))
		r.Normals(weights)
		got := make([]float64, len(from))
		combine(got, weights, columns)
		for i, at := range from {
			want := 0.0
			for k, w := range weights {
				want += w * rows[at+k]
			}
			for k := range columns {
				if columns[k][i] != rows[at+k] {
					t.Fatalf("%d columns: row %d has %g in column %d, not %g", width, i, columns[k][i], k, rows[at+k])
				}
			}
			if math.Float64bits(got[i]) != math.Float64bits(want) {
				t.Fatalf("%d weights: row %d adds up to %g, not %g", len(weights), i, got[i], want)
			}
		}
	}
}

// Columns are standardised as each by itself: with missing values, without variation, but
// for rounding, and with nothing in them.
func TestStandardise(t *testing.T) {
	r := NewSource().Load(Stream{Seed: 6}, OutcomePurpose)
	for trial := range 400 {
		k, n := 1+trial%9, 1+r.IntN(30)
		columns := columnsOf(k, n)
		var want [][]float64
		var how []scale
		on := func(column int) bool { return (trial+column)%5 > 0 }
		for c, x := range columns {
			r.Normals(x)
			switch r.IntN(6) {
			case 0:
				for i := range x {
					if r.IntN(3) == 0 {
						x[i] = math.NaN()
					}
				}
			case 1:
				for i := range x {
					x[i] = 0.1
				}
			case 2:
				for i := range x {
					x[i] = 1e8 + 1e-3*x[i]
				}
			case 3:
				for i := range x {
					x[i] = math.NaN()
				}
			}
			y, s := standardised(x, on(c))
			want, how = append(want, y), append(how, s)
		}
		scales := make([]scale, k)
		var sums []float64
		for _, x := range columns {
			sums = append(sums, sumOf(x))
		}
		standardise(scales, columns, sums, on)
		for c, x := range columns {
			if scales[c] != how[c] {
				t.Fatalf("column %d of %d: %+v, not %+v", c, k, scales[c], how[c])
			}
			for i, v := range x {
				if math.Float64bits(v) != math.Float64bits(want[c][i]) {
					t.Fatalf("column %d of %d, row %d: %g, not %g", c, k, i, v, want[c][i])
				}
			}
		}
	}
}

// standardised is what standardise makes of one column.
func standardised(x []float64, on bool) ([]float64, scale) {
	s, n, sum, squares, raw := scale{inverse: 1}, 0, 0.0, 0.0, 0.0
	for _, v := range x {
		if !math.IsNaN(v) {
			sum += v
			n++
		}
	}
	if n == 0 || !on {
		return append([]float64(nil), x...), s
	}
	s.mean = sum / float64(n)
	for _, v := range x {
		if !math.IsNaN(v) {
			squares += (v - s.mean) * (v - s.mean)
			raw += v * v
		}
	}
	if squares > 1e-20*raw && n > 1 {
		s.inverse = 1 / math.Sqrt(squares/float64(n-1))
	}
	var y []float64
	for _, v := range x {
		y = append(y, (v-s.mean)*s.inverse)
	}
	return y, s
}
