package lasso

import (
	"math"
	"math/rand/v2"
)

// A CV chooses a lambda by K-fold cross-validation, from one pass over the rows:
// the moments without a fold are sums of the others'. Each fold's columns are
// standardised anew, as cv.glmnet does.
type CV struct {
	Path   *Path     // on all rows
	Mean   []float64 // by lambda: mean squared error of held-out rows
	SD     []float64 // by lambda: its standard error
	Min    int       // place of the lambda with the least mean
	OneSE  int       // place of the largest lambda within one standard error of it
	solver *Solver
	sample *Sample
	fold   *Path
	before []*Moments // by fold: of the rows before it
	own    []*Moments
	rest   *Moments // of the rows after a fold
	train  *Moments
	start  []int // by fold: its first row in the sample
	order  []int
	error  []float64 // by fold and lambda
	fourth []float64 // by lambda: sum of fourth powers of errors
	resid  []float64
	most   int // lambdas
}

// DefaultLambdas is the number of lambdas of glmnet's path.
const DefaultLambdas = 100

// NewCV returns room for so many rows of p columns, folds and lambdas.
func NewCV(maxRows, p, maxFolds, maxLambdas int) *CV {
	c := &CV{
		Path: NewPath(p, maxLambdas), Mean: make([]float64, maxLambdas), SD: make([]float64, maxLambdas),
		solver: NewSolver(p), sample: NewSample(maxRows, p), fold: NewPath(p, maxLambdas), rest: NewMoments(p), train: NewMoments(p),
		start: make([]int, maxFolds+1), order: make([]int, maxRows), error: make([]float64, maxFolds*maxLambdas),
		fourth: make([]float64, maxLambdas), resid: make([]float64, maxRows), most: maxLambdas,
	}
	for range maxFolds + 1 {
		c.before = append(c.before, NewMoments(p))
		c.own = append(c.own, NewMoments(p))
	}
	return c
}

// Fit fits the path on the listed rows (nil for all) and on all of them but each
// fold in turn. folds holds the fold of each listed row, from 0 on; none is empty.
// With lambdas nil they are glmnet's (see SolveDefault). The sum of squares is that of cv.glmnet: each fold's mean
// weighs as much as its rows, and where folds have fewer than three rows, each row
// is a fold of its own for the standard error.
//
// Fit reports whether every path was found.
func (c *CV) Fit(x [][]float64, y []float64, rows, folds []int, penalty *Penalty, lambdas []float64) bool {
	n := len(folds)
	k := c.sort(rows, folds)
	c.sample.Load(x, y, c.order[:n])
	c.before[0].Clear(c.sample)
	for f := range k {
		c.own[f].Sum(c.sample, c.start[f], c.start[f+1])
		c.before[f+1].Add(c.before[f], c.own[f])
	}
	var ok bool
	if lambdas == nil {
		ok = c.solver.SolveDefault(c.Path, c.before[k], penalty, min(c.most, DefaultLambdas), 0)
	} else {
		ok = c.solver.Solve(c.Path, c.before[k], penalty, lambdas)
	}
	if !ok {
		return false
	}
	lambdas = c.Path.Lambda
	clear(c.fourth)
	c.rest.Clear(c.sample)
	for f := k - 1; f >= 0; f-- {
		c.train.Add(c.before[f], c.rest)
		c.rest.Add(c.rest, c.own[f])
		if !c.solver.Solve(c.fold, c.train, penalty, lambdas) {
			return false
		}
		c.test(f, n < 3*k)
	}
	c.choose(n, k)
	return true
}

// sort orders the rows by fold, and returns the number of folds.
func (c *CV) sort(rows, folds []int) int {
	clear(c.start)
	k := 0
	for _, f := range folds {
		c.start[f]++
		k = max(k, f+1)
	}
	at := 0
	for f := range k + 1 {
		size := 0
		if f < k {
			size = c.start[f]
		}
		c.start[f] = at
		at += size
	}
	for i, f := range folds {
		r := i
		if rows != nil {
			r = rows[i]
		}
		c.order[c.start[f]] = r
		c.start[f]++
	}
	copy(c.start[1:], c.start[:k]) // each start has become the next one's
	c.start[0] = 0
	return k
}

// test computes the errors in a fold; single says that rows are taken apart for the
// standard error.
func (c *CV) test(f int, single bool) {
	lo, hi := c.start[f], c.start[f+1]
	p := c.sample.p
	y := c.sample.column(p)[lo:hi]
	e := c.resid[:len(y)]
	for i := range c.fold.Lambda {
		if i > 0 && c.fold.NonZero[i] == 0 && c.fold.NonZero[i-1] == 0 {
			c.error[f*c.most+i] = c.error[f*c.most+i-1]
			if single {
				c.fourth[i] += sumFourth(e)
			}
			continue
		}
		level := c.fold.level[i]
		for r, v := range y {
			e[r] = v - level
		}
		pending := -1 // columns are taken in pairs
		beta := c.fold.Beta(i)
		for j, b := range beta {
			if b == 0 {
				continue
			}
			if pending < 0 {
				pending = j
				continue
			}
			other := beta[pending]
			x, z := c.sample.column(pending)[lo:hi], c.sample.column(j)[lo:hi]
			x, z = x[:len(e)], z[:len(e)]
			for r := range e {
				e[r] -= other*x[r] + b*z[r]
			}
			pending = -1
		}
		if pending >= 0 {
			b, x := beta[pending], c.sample.column(pending)[lo:hi]
			x = x[:len(e)]
			for r := range e {
				e[r] -= b * x[r]
			}
		}
		square := 0.0
		for _, v := range e {
			square += v * v
		}
		c.error[f*c.most+i] = square / float64(len(e))
		if single {
			c.fourth[i] += sumFourth(e)
		}
	}
}

func sumFourth(e []float64) float64 {
	s := 0.0
	for _, v := range e {
		s += v * v * v * v
	}
	return s
}

// choose averages over folds.
func (c *CV) choose(n, k int) {
	l := len(c.Path.Lambda)
	c.Mean, c.SD = c.Mean[:l], c.SD[:l]
	size := func(f int) float64 { return float64(c.start[f+1] - c.start[f]) }
	for i := range l {
		mean := 0.0
		for f := range k {
			mean += size(f) * c.error[f*c.most+i]
		}
		mean /= float64(n)
		c.Mean[i] = mean
		square := 0.0
		if n < 3*k {
			square = math.Max(c.fourth[i]/float64(n)-mean*mean, 0) / float64(n-1)
		} else {
			for f := range k {
				d := c.error[f*c.most+i] - mean
				square += size(f) * d * d
			}
			square /= float64(n) * float64(k-1)
		}
		c.SD[i] = math.Sqrt(square)
	}
	c.Min = 0
	for i, v := range c.Mean {
		if v < c.Mean[c.Min] {
			c.Min = i
		}
	}
	c.OneSE = 0
	for c.Mean[c.OneSE] > c.Mean[c.Min]+c.SD[c.Min] {
		c.OneSE++
	}
}

// DrawFolds fills folds with the numbers 0 to k - 1 in equal shares, as far as
// that goes, in random order.
func DrawFolds(folds []int, k int, r *rand.Rand) {
	for i := range folds {
		folds[i] = i % k
	}
	for i := len(folds) - 1; i > 0; i-- {
		j := r.IntN(i + 1)
		folds[i], folds[j] = folds[j], folds[i]
	}
}
