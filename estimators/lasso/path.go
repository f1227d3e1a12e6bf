package lasso

import "math"

// A Path is the solutions over falling lambdas.
type Path struct {
	Lambda    []float64
	Intercept []float64
	NonZero   []int     // coefficients that are not 0
	R2        []float64 // on the rows of the fit

	p      int
	beta   []float64 // by lambda and column
	center []float64 // of the columns of the sample, the outcome's last
	level  []float64 // by lambda: the intercept on columns measured from their centers
}

// NewPath returns room for the solutions of p coefficients at so many lambdas.
func NewPath(p, maxLambdas int) *Path {
	return &Path{
		p: p, Lambda: make([]float64, 0, maxLambdas), Intercept: make([]float64, maxLambdas), NonZero: make([]int, maxLambdas),
		R2: make([]float64, maxLambdas), beta: make([]float64, maxLambdas*p), center: make([]float64, p+1), level: make([]float64, maxLambdas),
	}
}

// Beta returns the coefficients at the i-th lambda, in the columns' own units.
func (a *Path) Beta(i int) []float64 { return a.beta[i*a.p : (i+1)*a.p] }

// start empties the path for new lambdas.
func (a *Path) start(lambdas []float64) {
	n := len(lambdas)
	a.Lambda = append(a.Lambda[:0], lambdas...)
	a.Intercept, a.NonZero, a.R2, a.level = a.Intercept[:n], a.NonZero[:n], a.R2[:n], a.level[:n]
}

// truncate keeps the first n solutions.
func (a *Path) truncate(n int) {
	a.Lambda, a.Intercept, a.NonZero, a.R2, a.level = a.Lambda[:n], a.Intercept[:n], a.NonZero[:n], a.R2[:n], a.level[:n]
}

// Predict returns the i-th solution's prediction for row r of the columns x.
func (a *Path) Predict(i int, x [][]float64, r int) float64 {
	v := a.Intercept[i]
	for j, b := range a.Beta(i) {
		if b != 0 {
			v += b * x[j][r]
		}
	}
	return v
}

// MSE returns the mean squared error of the i-th solution in the listed rows;
// nil stands for all.
func (a *Path) MSE(i int, x [][]float64, y []float64, rows []int) float64 {
	sum := 0.0
	if rows == nil {
		for r, v := range y {
			e := v - a.Predict(i, x, r)
			sum += e * e
		}
		return sum / float64(len(y))
	}
	for _, r := range rows {
		e := y[r] - a.Predict(i, x, r)
		sum += e * e
	}
	return sum / float64(len(rows))
}

// Interpolate fills beta with the solution at lambda, between those of the path,
// as glmnet's predict does, and returns the intercept. Beyond the ends it is that
// of the end.
func (a *Path) Interpolate(lambda float64, beta []float64) float64 {
	last := len(a.Lambda) - 1
	i := 0
	for i < last && a.Lambda[i+1] > lambda {
		i++
	}
	weight := 1.0 // of the i-th
	if i < last && lambda < a.Lambda[i] {
		weight = (lambda - a.Lambda[i+1]) / (a.Lambda[i] - a.Lambda[i+1])
	}
	other := min(i+1, last)
	for j := range beta {
		beta[j] = weight*a.beta[i*a.p+j] + (1-weight)*a.beta[other*a.p+j]
	}
	return weight*a.Intercept[i] + (1-weight)*a.Intercept[other]
}

// LogGrid returns n lambdas from hi to lo, evenly spaced in the logarithm.
func LogGrid(hi, lo float64, n int) []float64 {
	grid := make([]float64, n)
	fillGrid(grid, hi, lo)
	return grid
}

func fillGrid(grid []float64, hi, lo float64) {
	last := len(grid) - 1
	from, to := math.Log10(hi), math.Log10(lo)
	for i := range grid {
		grid[i] = math.Pow(10, from+(to-from)*float64(i)/float64(max(last, 1)))
	}
	grid[0] = hi
	if last > 0 {
		grid[last] = lo
	}
}
