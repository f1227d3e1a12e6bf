package dgp

import (
	"math"
	"slices"
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

// The residuals of four tests and their strength, made at once, are those of loops, to the
// last bit.
func TestResidualsOfFourTests(t *testing.T) {
	r := NewSource().Load(Stream{Seed: 8}, OutcomePurpose)
	factor := Matrix{{1}, {0.5, 0.9}, {-0.4, 0.3, 1.1}, {0.2, 0.1, -0.3, 0.8}}.factor(nil)
	const first, sampled = 3, 40
	ts := &tested{factor: factor, sumSD: 1.7, residual: columnsOf(4, first+sampled), strength: make([]float64, first+sampled)}
	normals := make([]float64, 4*sampled)
	r.Normals(normals)
	var from []int
	for i := range sampled {
		if r.IntN(4) > 0 {
			from = append(from, 4*i)
		}
	}
	ts.fourResiduals(first, normals, from)
	for i, at := range from {
		sum := 0.0
		for k, row := range factor {
			want := 0.0
			for m, l := range row {
				want += l * normals[at+m]
			}
			sum += want
			if got := ts.residual[k][first+i]; math.Float64bits(got) != math.Float64bits(want) {
				t.Errorf("child %d, test %d: %g, not %g", i, k, got, want)
			}
		}
		if got, want := ts.strength[first+i], sum/ts.sumSD; got != want {
			t.Errorf("child %d: strength %g, not %g", i, got, want)
		}
	}
}

// Total achievement is the mean of the standardised tests, as loops over one test have it.
func TestTotalOfTests(t *testing.T) {
	r := NewSource().Load(Stream{Seed: 9}, OutcomePurpose)
	for tests := 1; tests <= 9; tests++ {
		g := &Generator{evenParts: tests&(tests-1) == 0}
		const n = 30
		columns, scales := columnsOf(tests, n), make([]scale, tests)
		want, sum := make([]float64, n), 0.0
		for k, x := range columns {
			r.Normals(x)
			scales[k] = scale{mean: x[0], inverse: 1 + x[1]*x[1]}
			g.parts, g.shares = append(g.parts, float64(tests)), append(g.shares, 1/float64(tests))
		}
		var shown [][]float64
		for k, x := range columns {
			shown = append(shown, make([]float64, n))
			for i, v := range x {
				shown[k][i] = (v - scales[k].mean) * scales[k].inverse
				want[i] += shown[k][i] / float64(tests)
			}
		}
		for _, v := range want {
			sum += v
		}
		total := make([]float64, n)
		if got := g.addTests(total, columns, scales); got != sum {
			t.Errorf("%d tests: sum %g, not %g", tests, got, sum)
		}
		if !slices.Equal(total, want) {
			t.Errorf("%d tests: total %g, not %g", tests, total, want)
		}
		for k := range columns {
			if !slices.Equal(columns[k], shown[k]) {
				t.Errorf("%d tests: test %d is %g, not %g", tests, k, columns[k], shown[k])
			}
		}
	}
}

// What covariates of children add is slope·d + curvature·(d² − E d²) of each, to the last
// bit, with and without curvature.
func TestChildTerms(t *testing.T) {
	r := NewSource().Load(Stream{Seed: 10}, OutcomePurpose)
	for trial := range 50 {
		const n = 20
		p := &population{size: []int{n}, childStart: []int{0, n}, child: make([]float64, n)}
		for k := range trial % 5 {
			c := &drawnColumn{values: make([]float64, n), law: compiledLaw{mean: 0.3 * float64(k), sd: 0.7}, Covariate: Covariate{Slope: r.NormFloat64()}}
			if r.IntN(2) == 0 {
				c.Curvature = r.NormFloat64()
			}
			r.Normals(c.values)
			c.values[0] = c.law.mean // adds 0
			p.childTerms = append(p.childTerms, c)
		}
		p.fillChild()
		for i, got := range p.child {
			want := 0.0
			for _, c := range p.childTerms {
				d := c.values[i] - c.law.mean
				if c.Curvature == 0 {
					want += c.Slope * d
				} else {
					want += c.Slope*d + c.Curvature*(d*d-c.law.sd*c.law.sd)
				}
			}
			if math.Float64bits(got) != math.Float64bits(want) {
				t.Fatalf("%d covariates, child %d: %g, not %g", len(p.childTerms), i, got, want)
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
