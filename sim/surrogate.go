package sim

import (
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// A surrogate predicts the power of designs from those that were simulated, so
// that a search knows where to look. For a two-sided test with power w it works
// on
//
//	λ = Φ⁻¹(w) + Φ⁻¹(1-α/2),
//
// the effect in standard errors, whose logarithm is close to a quadratic in the
// logarithms of counts of schools, teachers and children: a standard error is
// the root of a sum of variances over products of counts. Its prediction has a
// standard error of its own, of the simulation and of the lack of fit.
type surrogate struct {
	logs      []bool // by key: positive throughout, so that its logarithm is used
	middle    []float64
	quadratic bool
	beta      *mat.VecDense
	cov       *mat.SymDense
	lack      float64 // variance of the lack of fit
	critical  float64 // Φ⁻¹(1-α/2)
}

// An observedPower is the power of one simulated design, as the surrogate sees
// it.
type observedPower struct {
	at       []float64 // the keys' values
	power    float64
	variance float64 // of λ
}

// minLambda stands for all power that is not above the size of the test.
const minLambda = 0.05

// lambda is the effect in standard errors that gives a power.
func (s *surrogate) lambda(power float64) float64 {
	power = min(max(power, 1e-9), 1-1e-9)
	return max(distuv.UnitNormal.Quantile(power)+s.critical, minLambda)
}

// fitSurrogate fits a surrogate. logs says of which keys to use the logarithm.
func fitSurrogate(seen []observedPower, logs []bool, alpha float64) *surrogate {
	k := len(logs)
	s := &surrogate{logs: logs, critical: distuv.UnitNormal.Quantile(1 - alpha/2), middle: make([]float64, k)}
	for _, o := range seen {
		for i := range k {
			s.middle[i] += s.scale(i, o.at[i]) / float64(len(seen))
		}
	}
	s.quadratic = len(seen) > 1+k+k*(k+1)/2
	n, p := len(seen), len(s.features(seen[0].at))
	var y []float64
	weight := make([]float64, n)
	rows := make([][]float64, n)
	for i, o := range seen {
		l := s.lambda(o.power)
		y = append(y, math.Log(l))
		weight[i] = l * l / o.variance // Var(log λ) is Var(λ)/λ²
		rows[i] = s.features(o.at)
	}
	// The lack of fit is found by its moments; a few rounds are enough.
	for range 3 {
		s.solve(rows, y, weight, p)
		squares, noise := 0.0, 0.0
		for i, o := range seen {
			e := y[i] - mat.Dot(mat.NewVecDense(p, rows[i]), s.beta)
			l := s.lambda(o.power)
			squares += e * e
			noise += o.variance / (l * l)
		}
		s.lack = max(squares/float64(max(n-p, 1))-noise/float64(n), 0)
		for i, o := range seen {
			l := s.lambda(o.power)
			weight[i] = 1 / (o.variance/(l*l) + s.lack)
		}
	}
	return s
}

// solve is weighted least squares with a light ridge, which decides nothing but
// keeps directions that no design has told of yet from running away.
func (s *surrogate) solve(rows [][]float64, y, weight []float64, p int) {
	gram := mat.NewSymDense(p, nil)
	right := mat.NewVecDense(p, nil)
	for i, row := range rows {
		x := mat.NewVecDense(p, row)
		gram.SymRankOne(gram, weight[i], x)
		right.AddScaledVec(right, weight[i]*y[i], x)
	}
	for j := 1; j < p; j++ {
		gram.SetSym(j, j, gram.At(j, j)+1)
	}
	var chol mat.Cholesky
	s.beta = mat.NewVecDense(p, nil)
	s.cov = mat.NewSymDense(p, nil)
	if !chol.Factorize(gram) { // cannot be: the ridge makes it positive definite
		return
	}
	_ = chol.SolveVecTo(s.beta, right)
	_ = chol.InverseTo(s.cov)
}

// scale is a key's value as the surrogate uses it.
func (s *surrogate) scale(i int, x float64) float64 {
	if s.logs[i] {
		return math.Log(x)
	}
	return x
}

// features are 1, the keys, and their squares and products.
func (s *surrogate) features(at []float64) []float64 {
	x := []float64{1}
	for i := range at {
		x = append(x, s.scale(i, at[i])-s.middle[i])
	}
	if s.quadratic {
		for i := range at {
			for j := range i + 1 {
				x = append(x, x[1+i]*x[1+j])
			}
		}
	}
	return x
}

// predict returns log λ at a design, with its standard error.
func (s *surrogate) predict(at []float64) (value, se float64) {
	row := s.features(at)
	x := mat.NewVecDense(len(row), row)
	var v mat.VecDense
	v.MulVec(s.cov, x)
	return mat.Dot(x, s.beta), math.Sqrt(max(mat.Dot(x, &v), 0) + s.lack)
}

// power returns the predicted power, and its upper bound at z standard errors.
func (s *surrogate) power(at []float64, z float64) (power, high float64) {
	value, se := s.predict(at)
	of := func(logLambda float64) float64 {
		return distuv.UnitNormal.CDF(math.Exp(min(logLambda, 10)) - s.critical)
	}
	return of(value), of(value + z*se)
}
