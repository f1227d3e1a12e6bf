package lasso_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"coachsim/estimators/lasso"
	"pgregory.net/rapid"
)

// kkt returns by how much a solution misses the conditions for a minimum, which
// are those of the problem on the rows themselves: each gradient x_j'e/n must be
// lambda w_j mix sign(b_j) + lambda w_j (1 - mix) b_j / s_y, or at most lambda w_j
// mix in absolute value where b_j is 0. In units of the outcome's SD.
func kkt(d dataset, penalty lasso.Penalty, path *lasso.Path, k int) float64 {
	n, p := float64(len(d.y)), len(d.x)
	w := penalty.Factors
	if w == nil {
		w = repeat(p, 1)
	}
	sum := 0.0
	for _, v := range w {
		if math.IsInf(v, 1) {
			v = 1
		}
		sum += v
	}
	e := make([]float64, len(d.y))
	for i := range e {
		e[i] = d.y[i] - path.Predict(k, d.x, i)
	}
	level := 0.0
	for _, v := range e {
		level += v / n
	}
	worst := math.Abs(level) / sd(d.y)
	for j, b := range path.Beta(k) {
		mean, scale := 0.0, 1.0
		for _, v := range d.x[j] {
			mean += v / n
		}
		if penalty.Standardise {
			scale = sd(d.x[j])
		}
		if math.IsInf(w[j], 1) || !(sd(d.x[j]) > 1e-10*math.Abs(mean)) {
			worst = max(worst, math.Abs(b))
			continue
		}
		gradient := 0.0
		for i, v := range d.x[j] {
			gradient += (v - mean) / scale * e[i] / n
		}
		bound := path.Lambda[k] * w[j] * float64(p) / sum
		off := math.Abs(gradient) - bound*penalty.Mix
		if b != 0 {
			off = math.Abs(gradient - bound*(penalty.Mix*sign(b)+(1-penalty.Mix)*b*scale/sd(d.y)))
		}
		worst = max(worst, off/sd(d.y)/(sd(d.x[j])/scale))
	}
	return worst
}

func sign(x float64) float64 {
	if x < 0 {
		return -1
	}
	return 1
}

// TestKKT holds every solution of the data files against the conditions for a
// minimum.
func TestKKT(t *testing.T) {
	grid := lasso.LogGrid(1e5, 1e-4, 100)
	for _, name := range names {
		d := readData(t, name)
		for _, variant := range []string{"lasso", "raw", "factors"} {
			penalty := penalties(d, variant)
			path := lasso.NewPath(len(d.x), len(grid))
			if !lasso.NewSolver(len(d.x)).Solve(path, d.moments(), &penalty, grid) {
				t.Fatalf("%s, %s: not solved", name, variant)
			}
			for k := range grid {
				if off := kkt(d, penalty, path, k); off > 1e-12 {
					t.Errorf("%s, %s: off by %.2g at lambda %.3g", name, variant, off, grid[k])
				}
			}
		}
	}
}

// draw makes a data set of any kind: correlated, with columns that are binary,
// constant or repeated.
func draw(rt *rapid.T) dataset {
	n := rapid.IntRange(4, 40).Draw(rt, "n")
	p := rapid.IntRange(1, 45).Draw(rt, "p")
	rho := rapid.Float64Range(0, .99).Draw(rt, "rho")
	kinds := rapid.SliceOfN(rapid.IntRange(0, 5), p, p).Draw(rt, "kinds")
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
	d := dataset{x: make([][]float64, p), y: make([]float64, n), folds: make([]int, n)}
	common := make([]float64, n)
	for i := range n {
		common[i] = r.NormFloat64()
		d.y[i] = common[i] + r.NormFloat64()
	}
	for j := range p {
		d.x[j] = make([]float64, n)
		for i := range n {
			v := math.Sqrt(rho)*common[i] + math.Sqrt(1-rho)*r.NormFloat64()
			switch kinds[j] {
			case 0:
				v = math.Round(v)
			case 1:
				v = 7
			case 2:
				if j > 0 {
					v = d.x[j-1][i]
				}
			case 3:
				v = 1000 + 10*v
			}
			d.x[j][i] = v
		}
		d.y[0] += d.x[j][0] / float64(p)
	}
	lasso.DrawFolds(d.folds, 2+r.IntN(n-2), r)
	return d
}

// TestAnyData checks the conditions for a minimum on data of any kind. rapid's
// checks are drawn from a fixed seed, so that a
// failure is a fault, not chance: the conditions hold exactly.
func TestAnyData(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := draw(rt)
		penalty := lasso.Penalty{
			Mix:         rapid.SampledFrom([]float64{1, 1, .5, .05}).Draw(rt, "mix"),
			Standardise: rapid.Bool().Draw(rt, "standardise"),
			Descent:     rapid.Bool().Draw(rt, "descent"),
			Threshold:   1e-13,
		}
		if rapid.Bool().Draw(rt, "factors") {
			penalty.Factors = rapid.SliceOfN(rapid.SampledFrom([]float64{1, .2, 3, math.Inf(1)}), len(d.x), len(d.x)).Draw(rt, "factor")
		}
		path := lasso.NewPath(len(d.x), 20)
		if !lasso.NewSolver(len(d.x)).SolveDefault(path, d.moments(), &penalty, 20, .01) {
			rt.Fatal("not solved")
		}
		for k := range path.Lambda {
			// Descent stops where a cycle changes the fit by 3e-7 SD.
			if off := kkt(d, penalty, path, k); off > 1e-5 {
				rt.Fatalf("off by %.2g at lambda %v (%d)", off, path.Lambda[k], k)
			}
		}
	})
}

// TestLeastSquares: without a penalty residuals are orthogonal to every column.
func TestLeastSquares(t *testing.T) {
	for _, name := range names[:4] {
		d := readData(t, name)
		path := lasso.NewPath(len(d.x), 1)
		if !lasso.NewSolver(len(d.x)).LeastSquares(path, d.moments()) {
			t.Fatal("not solved")
		}
		if off := kkt(d, lasso.Penalty{Mix: 1, Standardise: true}, path, 0); off > 1e-12 {
			t.Errorf("%s: off by %.2g", name, off)
		}
	}
}

// TestNotFinite: a NaN or an infinity is reported, and nothing hangs.
func TestNotFinite(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		for _, column := range []int{0, -1} {
			d := readData(t, "independent")
			if column < 0 {
				d.y[3] = bad
			} else {
				d.x[column][3] = bad
			}
			for _, mix := range []float64{1, .5} {
				path := lasso.NewPath(len(d.x), 5)
				solved := lasso.NewSolver(len(d.x)).Solve(path, d.moments(), &lasso.Penalty{Mix: mix, Standardise: true}, lasso.LogGrid(10, .1, 5))
				if column < 0 && solved {
					t.Errorf("outcome %v: solved", bad)
				}
				for k := range path.Lambda {
					if solved && math.IsNaN(path.Intercept[k]) {
						t.Errorf("column with %v: NaN", bad)
					}
				}
			}
		}
	}
}
