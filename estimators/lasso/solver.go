package lasso

import "math"

// A Penalty says what is penalised, and how it is fitted.
type Penalty struct {
	Mix         float64   // glmnet's alpha: 1 is the LASSO, 0 ridge, between them the elastic net
	Factors     []float64 // by column, nil for 1 each; 0 is not penalised, +Inf never enters; scaled to the mean 1, as glmnet does
	Standardise bool      // columns by their 1/n standard deviation
	Descent     bool      // by coordinate descent, also where the exact path of the LASSO would do
	Threshold   float64   // of coordinate descent: the largest change of a fit in one cycle, as a share of the outcome's variance; 0 is 1e-7
}

// DefaultThreshold is glmnet's.
const DefaultThreshold = 1e-7

// A Solver finds paths of p coefficients.
type Solver struct {
	p int

	// The problem on columns that are centred and scaled.
	n        float64
	gram     []float64 // X'X/n, p × p
	xy       []float64 // X'y/n
	yy       float64   // y'y/n
	mean     []float64 // from the centers
	scale    []float64 // 0: the column is constant
	weight   []float64 // penalty factors; +Inf: never enters
	beta     []float64 // on scaled columns
	gradient []float64 // xy - gram beta

	homotopy *homotopy
	descent  *descent
}

// NewSolver returns a solver for p columns.
func NewSolver(p int) *Solver {
	f := func() []float64 { return make([]float64, p) }
	return &Solver{
		p: p, gram: make([]float64, p*p), xy: f(), mean: make([]float64, p+1), scale: f(), weight: f(), beta: f(), gradient: f(),
		homotopy: newHomotopy(p), descent: newDescent(p),
	}
}

// standardise writes the problem that the moments and the penalty pose.
func (s *Solver) standardise(m *Moments, penalty *Penalty) {
	p := s.p
	s.n = float64(m.n)
	sum := 0.0
	for j := range p {
		s.weight[j] = 1
		if penalty.Factors != nil {
			s.weight[j] = penalty.Factors[j]
		}
		if math.IsInf(s.weight[j], 1) {
			sum++ // as glmnet counts what is excluded
		} else {
			sum += s.weight[j]
		}
	}
	for j := range p {
		if sum > 0 {
			s.weight[j] *= float64(p) / sum
		}
	}
	for j := range p + 1 {
		s.mean[j] = m.sum[j] / s.n
	}
	s.yy = m.cross[p*m.size+p]/s.n - s.mean[p]*s.mean[p]
	for j := range p {
		raw := m.cross[j*m.size+j] / s.n
		variance := raw - s.mean[j]*s.mean[j]
		s.scale[j] = 0
		switch {
		case !(variance > constantColumn*raw):
			s.weight[j] = math.Inf(1)
		case penalty.Standardise:
			s.scale[j] = 1 / math.Sqrt(variance)
		default:
			s.scale[j] = 1
		}
	}
	for i := range p {
		row := s.gram[i*p : i*p+p]
		cross := m.cross[i*m.size : i*m.size+p+1]
		mean, scale := s.mean[i], s.scale[i]
		for j := i; j < p; j++ {
			v := (cross[j]/s.n - mean*s.mean[j]) * scale * s.scale[j]
			row[j] = v
			s.gram[j*p+i] = v
		}
		if penalty.Standardise && scale != 0 {
			row[i] = 1
		}
		s.xy[i] = (cross[p]/s.n - mean*s.mean[p]) * scale
	}
}

// constantColumn is how small a column's variance is around its mean, against
// that around its mean in the whole sample, when it is rounding error.
const constantColumn = 1e-12

// Solve fits the path at falling lambdas. It reports whether every solution was
// found; that fails where the data are not finite, or coordinate descent does not
// converge.
func (s *Solver) Solve(path *Path, m *Moments, penalty *Penalty, lambdas []float64) bool {
	s.standardise(m, penalty)
	path.start(lambdas)
	copy(path.center, m.center)
	return s.solve(path, penalty)
}

func (s *Solver) solve(path *Path, penalty *Penalty) bool {
	if !(s.yy >= 0) || math.IsInf(s.yy, 1) {
		return false
	}
	clear(s.beta)
	copy(s.gradient, s.xy)
	from := 0
	if penalty.Mix == 1 && !penalty.Descent {
		if from = s.homotopy.run(s, path); from == len(path.Lambda) {
			return true
		}
	}
	return s.descent.run(s, path, penalty, from)
}

// SolveDefault fits the path over glmnet's lambdas: n of them from the least with
// every penalised coefficient at 0 down to ratio times it, evenly spaced in the
// logarithm. The ratio 0 stands for 1e-4, or 1e-2 where there are fewer rows than
// columns. As glmnet's, the path ends where a step explains less than 1e-5 of
// what is explained so far, or where 0.999 of the variance is explained.
func (s *Solver) SolveDefault(path *Path, m *Moments, penalty *Penalty, n int, ratio float64) bool {
	s.standardise(m, penalty)
	path.Lambda = path.Lambda[:n]
	most := s.largest(penalty)
	if ratio == 0 {
		ratio = 1e-4
		if m.n < s.p {
			ratio = 1e-2
		}
	}
	if !(most > 0) || math.IsInf(most, 1) {
		most = 1 // nothing to explain, or not finite: every lambda gives the same
	}
	fillGrid(path.Lambda, most, ratio*most)
	path.start(path.Lambda)
	copy(path.center, m.center)
	ok := s.solve(path, penalty)
	path.stop()
	return ok
}

// stop ends the path where glmnet's does.
func (a *Path) stop() {
	const (
		least  = 5 // lambdas, before either rule
		change = 1e-5
		most   = 0.999
	)
	for i := least - 1; i < len(a.Lambda); i++ {
		if a.R2[i]-a.R2[i-1] < change*a.R2[i] || a.R2[i] > most {
			a.truncate(i + 1)
			return
		}
	}
}

// largest returns the least lambda at which every penalised coefficient is 0.
func (s *Solver) largest(penalty *Penalty) float64 {
	copy(s.gradient, s.xy)
	if s.homotopy.free(s) {
		s.homotopy.gradients(s.gradient)
	}
	most := 0.0
	for j, g := range s.gradient {
		if w := s.weight[j]; w > 0 && !math.IsInf(w, 1) {
			most = max(most, math.Abs(g)/w)
		}
	}
	return most / max(penalty.Mix, 1e-3)
}

// record writes s.beta as the i-th solution.
func (s *Solver) record(path *Path, i int) {
	beta := path.Beta(i)
	explained, nonzero := 0.0, 0
	level := s.mean[s.p]
	intercept := level + path.center[s.p]
	for j, b := range s.beta {
		if b == 0 {
			beta[j] = 0
			continue
		}
		nonzero++
		explained += b * (s.xy[j] + s.gradient[j]) // 2b'xy - b'Gb
		b *= s.scale[j]
		beta[j] = b
		level -= b * s.mean[j]
		intercept -= b * (s.mean[j] + path.center[j])
	}
	path.NonZero[i], path.level[i], path.Intercept[i] = nonzero, level, intercept
	path.R2[i] = 0
	if s.yy > 0 {
		path.R2[i] = explained / s.yy
	}
}
