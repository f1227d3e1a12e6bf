package estimators

import "math"

const (
	zeroTheta  = 1e-4 // below, lme4 calls a fit singular
	firstTheta = 0.4  // an intraclass correlation of 0.14
	mostTheta  = 1e5
	lastStep   = 1e-5 // the error that the last step leaves is about its square
)

// maximise finds the theta of an outcome at which the likelihood is largest, and
// leaves there the point, and the matrix with the reported combinations.
//
// Where the search ends in a singular fit it is repeated from where lme4 starts,
// theta of the identity, and the larger maximum counts.
func (r *randomSlopes) maximise(outcome int, status Status) Status {
	theta, ended := r.descend(outcome, r.start(firstTheta))
	if ended != OK {
		return ended
	}
	if r.singular(&theta) {
		best, at := r.point.deviance, theta
		if other, ended := r.descend(outcome, r.start(1)); ended == OK && r.point.deviance < best-rounding*math.Abs(best) {
			at = other
		}
		theta = at
	}
	if !r.evaluate(outcome, &theta, true) {
		return r.m.unfit(outcome)
	}
	if r.merged || r.singular(&theta) {
		return Boundary
	}
	return status
}

// start is theta of x times the identity.
func (r *randomSlopes) start(x float64) [mostParameters]float64 {
	var theta [mostParameters]float64
	for i := range r.active {
		k := r.active[i].first
		theta[k] = x
		if len(r.active[i].columns) == 2 {
			theta[k+2] = x
		}
	}
	return theta
}

// singular reports whether a covariance matrix is.
func (r *randomSlopes) singular(theta *[mostParameters]float64) bool {
	for i := range r.active {
		k := r.active[i].first
		if theta[k] == 0 || len(r.active[i].columns) == 2 && theta[k+2] == 0 {
			return true
		}
	}
	return false
}

// settle makes theta's diagonals that are 0 but for rounding 0.
func (r *randomSlopes) settle(theta *[mostParameters]float64) {
	for i := range r.active {
		k := r.active[i].first
		small := math.Abs(theta[k]) < zeroTheta
		if small {
			theta[k] = 0
		}
		if len(r.active[i].columns) == 1 {
			continue
		}
		if small { // the column below the diagonal may be turned onto it
			theta[k+1], theta[k+2] = 0, math.Hypot(theta[k+1], theta[k+2])
		}
		if math.Abs(theta[k+2]) < zeroTheta {
			theta[k+2] = 0
		}
	}
}

// descend searches from theta for the least deviance, by Newton's method with
// the absolute values of the Hessian's eigenvalues.
func (r *randomSlopes) descend(outcome int, theta [mostParameters]float64) ([mostParameters]float64, Status) {
	if !r.evaluate(outcome, &theta, false) {
		return theta, r.m.unfit(outcome)
	}
	settled := false
	for range mostSteps {
		deviance, gradient := r.point.deviance, r.point.gradient
		step, flat := r.newton()
		if flat {
			return theta, TooFewClusters // the fixed effects explain all that units of a level differ in
		}
		longest, expected := 0.0, 0.0
		for i := range r.n {
			longest = max(longest, math.Abs(step[i]))
		}
		if longest < lastStep {
			if settled {
				return theta, OK
			}
			for i := range r.n {
				theta[i] += step[i]
			}
			r.settle(&theta)
			if settled = true; !r.evaluate(outcome, &theta, false) {
				return theta, r.m.unfit(outcome)
			}
			continue
		}
		for i := range r.n {
			expected += gradient[i] * step[i]
		}
		next, ok := theta, false
		for shrink := 1.0; shrink > 1e-9; shrink /= 2 {
			for i := range r.n {
				next[i] = theta[i] + shrink*step[i]
			}
			ok = r.evaluate(outcome, &next, false)
			if ok && r.point.deviance <= deviance+leastDescent*shrink*expected+rounding*math.Abs(deviance) {
				break
			}
			ok = false
		}
		if !ok {
			return next, r.m.unfit(outcome)
		}
		for i := range r.n {
			if math.Abs(next[i]) > mostTheta {
				return next, NotConverged
			}
		}
		theta, settled = next, false
	}
	return theta, NotConverged
}

// newton returns Newton's step. Where the deviance is concave along an
// eigenvector the step is down the gradient; at a saddle point, away from it. It
// reports whether the deviance is flat in a covariance matrix as a whole.
func (r *randomSlopes) newton() (step [mostParameters]float64, flat bool) {
	n, point := r.n, &r.point
	var a, vector [mostParameters * mostParameters]float64
	var value [mostParameters]float64
	for i := range n {
		for j := range n {
			a[i*n+j] = point.hessian[i][j]
		}
	}
	level := 1e-9 * point.rows
	for i := range r.active {
		t := &r.active[i]
		still := true
		for k := t.first; k < t.first+t.parameters(); k++ {
			still = still && math.Abs(point.gradient[k]) < level && math.Abs(point.hessian[k][k]) < level
		}
		flat = flat || still
	}
	jacobi(value[:n], vector[:n*n], a[:n*n], n)
	for e := range n {
		v := vector[e*n : (e+1)*n]
		slope := dot(v, point.gradient[:n])
		size := math.Abs(value[e])
		along := -slope / max(size, 1e-8*point.rows)
		if value[e] < -1e-6*point.rows && math.Abs(slope) < 1e-6*size {
			along = 0.1
		}
		addScaled(step[:n], along, v)
	}
	longest := 0.0
	for i := range n {
		longest = max(longest, math.Abs(step[i])/max(1, math.Abs(point.theta[i])))
	}
	if longest > 1 {
		for i := range n {
			step[i] /= longest
		}
	}
	return step, flat
}
