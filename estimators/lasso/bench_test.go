package lasso_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"coachsim/bench/yardstick"
	"coachsim/estimators/lasso"
)

// teachers makes data like the paper's (calibration of Tanzania): 52 covariates in
// correlated groups, some binary, of which ten matter a little.
func teachers(n int) dataset {
	const p = 52
	r := rand.New(rand.NewPCG(1, 52))
	d := dataset{x: make([][]float64, p), y: make([]float64, n), folds: make([]int, n)}
	for j := range p {
		d.x[j] = make([]float64, n)
	}
	for i := range n {
		d.y[i] = 19 + 9*r.NormFloat64()
		var group float64
		for j := range p {
			if j%6 == 0 {
				group = r.NormFloat64()
			}
			v := .6*group + .8*r.NormFloat64()
			if j%3 == 0 {
				v = math.Round(1 / (1 + math.Exp(-v)))
			}
			d.x[j][i] = v
			if j%5 == 0 {
				d.y[i] += .9 * v
			}
		}
	}
	lasso.DrawFolds(d.folds, 10, r)
	return d
}

// BenchmarkUnitLassoCV is 10-fold cross-validation over the paper's 100 lambdas,
// 277 rows and 52 columns; Normal, for the ratio, one draw of the generator.
func BenchmarkUnitLassoCV(b *testing.B) {
	d := teachers(277)
	grid := lasso.LogGrid(1e5, 1e-4, 100)
	for _, c := range []struct {
		name    string
		descent bool
	}{{"exact", false}, {"descent", true}} {
		b.Run(c.name, func(b *testing.B) {
			cv := lasso.NewCV(277, 52, 10, 100)
			penalty := lasso.Penalty{Mix: 1, Standardise: true, Descent: c.descent}
			b.ReportAllocs()
			yardstick.Loop(b, func() {
				if !cv.Fit(d.x, d.y, nil, d.folds, &penalty, grid) {
					b.Fatal("not solved")
				}
			})
		})
	}
	b.Run("normal", func(b *testing.B) {
		r := rand.New(rand.NewPCG(1, 2))
		sum := 0.0
		for b.Loop() {
			sum += r.NormFloat64()
		}
		if math.IsNaN(sum) {
			b.Fatal(sum)
		}
	})
}

// TestNoAllocations: once sized, nothing is allocated.
func TestNoAllocations(t *testing.T) {
	d := teachers(277)
	grid := lasso.LogGrid(1e5, 1e-4, 100)
	rows := make([]int, 277)
	for i := range rows {
		rows[i] = len(rows) - 1 - i
	}
	cv := lasso.NewCV(277, 52, 10, 100)
	for _, penalty := range []lasso.Penalty{{Mix: 1, Standardise: true}, {Mix: 1, Descent: true}, {Mix: .5, Standardise: true}} {
		for _, lambdas := range [][]float64{grid, nil} {
			if n := testing.AllocsPerRun(2, func() { cv.Fit(d.x, d.y, rows, d.folds, &penalty, lambdas) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
		}
	}
}
