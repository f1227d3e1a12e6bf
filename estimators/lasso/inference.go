package lasso

import "math"

// An Effect is the coefficient of one column with its standard error.
type Effect struct {
	Value, SE, DF float64
	Controls      int // columns beside it that are used
	Collinear     bool
}

// A DoubleSelection estimates the coefficient of a column d by least squares on d
// and the columns that the LASSO selects for y or for d (Belloni, Chernozhukov and
// Hansen 2014). Its standard error, HC1 or CR1, allows for the selection.
type DoubleSelection struct {
	selector *Selector
	ols      *OLS
	factors  []float64
	in       []bool
	chosen   []int
}

// NewDoubleSelection returns room for so many rows, columns and clusters; the
// selector is scratch.
func NewDoubleSelection(selector *Selector, maxRows, p, maxClusters int) *DoubleSelection {
	return &DoubleSelection{selector: selector, ols: NewOLS(maxRows, p, maxClusters), factors: make([]float64, p), in: make([]bool, p), chosen: make([]int, 0, p)}
}

// Fit estimates the coefficient of column d; the arguments are those of Selector.
// A fixed lambda is that of y; that of d is as large a share of d's standard
// deviation. Fit reports whether both selections were found, and rows outnumber
// what they leave.
func (f *DoubleSelection) Fit(x [][]float64, y []float64, rows, folds, cluster []int, penalty *Penalty, choice Choice, lambdas []float64, d int) (Effect, bool) {
	copyFactors(f.factors, penalty.Factors)
	for j, w := range f.factors {
		f.in[j] = w == 0 && j != d
	}
	f.factors[d] = math.Inf(1)
	without := *penalty
	without.Factors = f.factors
	for _, outcome := range [...][]float64{y, x[d]} {
		if !f.selector.Fit(x, outcome, rows, folds, cluster, &without, choice, lambdas) {
			return Effect{}, false
		}
		for j, b := range f.selector.Beta {
			f.in[j] = f.in[j] || b != 0
		}
		choice, lambdas = scaled(choice, x[d], y, rows), nil
	}
	f.chosen = f.chosen[:0]
	for j, in := range f.in {
		if in {
			f.chosen = append(f.chosen, j)
		}
	}
	f.chosen = append(f.chosen, d)
	if listed(rows, y) <= len(f.chosen)+1 {
		return Effect{}, false
	}
	f.ols.Fit(x, y, rows, f.chosen, cluster)
	last := len(f.chosen) - 1
	return Effect{Value: f.ols.Beta[last], SE: f.ols.SE[last], DF: f.ols.DF, Controls: last, Collinear: f.ols.Collinear[last]}, true
}

// copyFactors fills dst with penalty factors; nil stands for 1 each.
func copyFactors(dst, factors []float64) {
	if factors != nil {
		copy(dst, factors)
		return
	}
	for j := range dst {
		dst[j] = 1
	}
}

// scaled is the choice for another outcome: a number is as large a share of its
// standard deviation.
func scaled(choice Choice, now, before []float64, rows []int) Choice {
	if choice.Rule == Fixed {
		if variance := spread(before, rows); variance > 0 {
			choice.Lambda *= math.Sqrt(spread(now, rows) / variance)
		}
	}
	return choice
}

// listed is the number of listed rows.
func listed(rows []int, y []float64) int {
	if rows == nil {
		return len(y)
	}
	return len(rows)
}

// spread is the sum of squares around the mean of the listed values.
func spread(x []float64, rows []int) float64 {
	mean, sum := 0.0, 0.0
	if rows == nil {
		mean = total(x) / float64(len(x))
		for _, v := range x {
			sum += (v - mean) * (v - mean)
		}
		return sum
	}
	for _, r := range rows {
		mean += x[r]
	}
	mean /= float64(len(rows))
	for _, r := range rows {
		sum += (x[r] - mean) * (x[r] - mean)
	}
	return sum
}

// A Debiased is the debiased, or desparsified, LASSO (Zhang and Zhang 2014; van de
// Geer, Bühlmann, Ritov and Dezeure 2014): with e the residuals of the LASSO of y,
// and z those of the LASSO of column j on the others,
//
//	b_j + Σ z_i e_i / Σ z_i x_ij,   variance  c Σ_g (Σ_i z_i e_i)² / (Σ z_i x_ij)²
//
// with c = G/(G-1) (n-1)/(n-1-s) for G clusters (rows, where there are none) and s
// coefficients that are not 0.
type Debiased struct {
	selector *Selector
	beta     []float64
	factors  []float64
	e, z     []float64
	score    []float64
	seen     []bool
	nonzero  int
	choice   Choice
}

// NewDebiased returns room for so many rows, columns and clusters; the selector is
// scratch.
func NewDebiased(selector *Selector, maxRows, p, maxClusters int) *Debiased {
	return &Debiased{
		selector: selector, beta: make([]float64, p), factors: make([]float64, p), e: make([]float64, maxRows), z: make([]float64, maxRows),
		score: make([]float64, maxClusters), seen: make([]bool, maxClusters),
	}
}

// Start fits y, from whose residuals the effects of all columns come; the arguments
// are those of Selector. A fixed lambda is that of y; those of columns are as large
// a share of their standard deviations.
func (f *Debiased) Start(x [][]float64, y []float64, rows, folds, cluster []int, penalty *Penalty, choice Choice, lambdas []float64) bool {
	if !f.selector.Fit(x, y, rows, folds, cluster, penalty, choice, lambdas) {
		return false
	}
	copy(f.beta, f.selector.Beta)
	f.nonzero, f.choice = f.selector.NonZero, choice
	f.e = f.e[:listed(rows, y)]
	f.selector.Residual(f.e, x, y, rows)
	return true
}

// Effect estimates the coefficient of column d from the last Start, of which it
// takes the same data.
func (f *Debiased) Effect(x [][]float64, y []float64, rows, folds, cluster []int, penalty *Penalty, d int) (Effect, bool) {
	copyFactors(f.factors, penalty.Factors)
	f.factors[d] = math.Inf(1)
	without := *penalty
	without.Factors = f.factors
	if !f.selector.Fit(x, x[d], rows, folds, cluster, &without, scaled(f.choice, x[d], y, rows), nil) {
		return Effect{}, false
	}
	n := listed(rows, y)
	f.z = f.z[:n]
	f.selector.Residual(f.z, x, x[d], rows)
	cross, push, sum := 0.0, 0.0, 0.0
	clear(f.score)
	clear(f.seen)
	for i, z := range f.z {
		r := i
		if rows != nil {
			r = rows[i]
		}
		cross += z * x[d][r]
		v := z * f.e[i]
		push += v
		if cluster == nil {
			sum += v * v
		} else {
			f.score[cluster[r]] += v
			f.seen[cluster[r]] = true
		}
	}
	groups := float64(n)
	if cluster != nil {
		sum, groups = square(f.score), 0
		for _, seen := range f.seen {
			if seen {
				groups++
			}
		}
	}
	rest := float64(n - 1 - f.nonzero)
	total := spread(x[d], rows)
	if !(total > 0) || !(math.Abs(cross) > collinearRest*total) {
		return Effect{Collinear: true}, true
	}
	if !(rest > 0) || groups < 2 {
		return Effect{}, false
	}
	variance := groups / (groups - 1) * float64(n-1) / rest * sum / (cross * cross)
	df := rest
	if cluster != nil {
		df = groups - 1
	}
	return Effect{Value: f.beta[d] + push/cross, SE: math.Sqrt(variance), DF: df, Controls: f.selector.NonZero}, true
}
