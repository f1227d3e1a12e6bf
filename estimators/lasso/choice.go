package lasso

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/stat/distuv"
)

// A Rule is a way to choose a lambda.
type Rule uint8

// The rules.
const (
	CVMin  Rule = iota // the least cross-validated error
	CVOne              // the largest lambda whose error is within one standard error of it
	Plugin             // Belloni, Chernozhukov and Hansen's (2014): see Selector
	Fixed              // a number
	rules
)

var ruleNames = [rules]string{"cv-min", "cv-1se", "plugin", "a number"}

// A Choice is a lambda, or a rule for it: cv-min, cv-1se, plugin or a number.
type Choice struct {
	Rule   Rule
	Lambda float64 // of Fixed
}

func (c Choice) String() string {
	if c.Rule == Fixed {
		return strconv.FormatFloat(c.Lambda, 'g', -1, 64)
	}
	if c.Rule >= rules {
		return fmt.Sprintf("Rule(%d)", uint8(c.Rule))
	}
	return ruleNames[c.Rule]
}

// MarshalText writes the name or the number.
func (c Choice) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads a name or a number; case does not matter.
func (c *Choice) UnmarshalText(text []byte) error {
	for i, name := range ruleNames[:Fixed] {
		if strings.EqualFold(string(text), name) {
			*c = Choice{Rule: Rule(i)}
			return nil
		}
	}
	x, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(x >= 0) || math.IsInf(x, 1) {
		return fmt.Errorf("%q is no lambda: it is %s, or a number from 0 on", text, strings.Join(ruleNames[:Fixed], ", "))
	}
	*c = Choice{Rule: Fixed, Lambda: x}
	return nil
}

// Names lists the rules.
func (Choice) Names() []string { return ruleNames[:Fixed] }

// CrossValidated reports whether the rule needs folds.
func (c Choice) CrossValidated() bool { return c.Rule == CVMin || c.Rule == CVOne }

// A Selector fits regressions at the lambda that a Choice takes.
//
// By the rule plugin lambda w_j is c Φ⁻¹(1 - γ/2p)/√n ψ_j with c = 1.1, γ = 0.1/log n
// and the loadings ψ_j² = Σ x_ij² e_i² / n, or with clusters Σ_g (Σ_i x_ij e_i)² / n
// (Belloni, Chernozhukov, Hansen and Kozbur 2016), x centred. The residuals e are
// those of least squares on what was selected, from y - mean(y) on, until the
// selection stays or 15 times.
type Selector struct {
	Beta      []float64 // by column, in its own units
	Intercept float64
	Lambda    float64 // of plugin: of a column whose loading is the mean
	NonZero   int
	R2        float64
	CV        *CV // of the rules that cross-validate, or its Path alone

	solver  *Solver
	sample  *Sample
	moments *Moments
	path    *Path
	ols     *OLS
	factors []float64
	chosen  []int
	before  []int
	score   []float64
	one     []float64
}

// NewSelector returns room for so many rows, columns, folds, lambdas and clusters.
func NewSelector(maxRows, p, maxFolds, maxLambdas, maxClusters int) *Selector {
	return &Selector{
		Beta: make([]float64, p), CV: NewCV(maxRows, p, maxFolds, maxLambdas), solver: NewSolver(p), sample: NewSample(maxRows, p), moments: NewMoments(p),
		path: NewPath(p, 1), ols: NewOLS(maxRows, min(p, maxRows), 0), factors: make([]float64, p), chosen: make([]int, 0, p), before: make([]int, 0, p),
		score: make([]float64, maxClusters), one: make([]float64, 1),
	}
}

// Fit fits y to the columns of x in the listed rows (nil for all). folds are those
// of the listed rows, lambdas those to choose from (nil for glmnet's), cluster the
// cluster of every row of x (nil for none); each is used by rules that need it.
// Fit reports whether there is a solution.
func (s *Selector) Fit(x [][]float64, y []float64, rows, folds, cluster []int, penalty *Penalty, choice Choice, lambdas []float64) bool {
	if choice.CrossValidated() {
		if !s.CV.Fit(x, y, rows, folds, penalty, lambdas) {
			return false
		}
		at := s.CV.Min
		if choice.Rule == CVOne {
			at = s.CV.OneSE
		}
		s.take(s.CV.Path, at)
		return true
	}
	s.sample.Load(x, y, rows)
	s.moments.Sum(s.sample, 0, s.sample.N())
	if choice.Rule == Plugin {
		return s.plugin(x, y, rows, cluster, penalty)
	}
	s.one[0] = choice.Lambda
	if !s.solver.Solve(s.path, s.moments, penalty, s.one) {
		return false
	}
	s.take(s.path, 0)
	return true
}

// AdaptiveFactors fills the penalty factors of the adaptive LASSO, as those of Solver.
func (s *Selector) AdaptiveFactors(factors []float64, x [][]float64, y []float64, rows []int, power float64) bool {
	s.sample.Load(x, y, rows)
	s.moments.Sum(s.sample, 0, s.sample.N())
	return s.solver.AdaptiveFactors(factors, s.moments, power)
}

func (s *Selector) take(path *Path, i int) {
	copy(s.Beta, path.Beta(i))
	s.Intercept, s.Lambda, s.NonZero, s.R2 = path.Intercept[i], path.Lambda[i], path.NonZero[i], path.R2[i]
}

// Residual fills dst with y less the fit, by listed row.
func (s *Selector) Residual(dst []float64, x [][]float64, y []float64, rows []int) {
	for i := range dst {
		r := i
		if rows != nil {
			r = rows[i]
		}
		v := y[r] - s.Intercept
		for j, b := range s.Beta {
			if b != 0 {
				v -= b * x[j][r]
			}
		}
		dst[i] = v
	}
}

func (s *Selector) plugin(x [][]float64, y []float64, rows, cluster []int, penalty *Penalty) bool {
	const (
		slack  = 1.1
		rounds = 15
	)
	n, p := float64(s.sample.N()), len(s.Beta)
	gamma := 0.1 / math.Log(n)
	level := slack * distuv.UnitNormal.Quantile(1-gamma/(2*float64(p))) / math.Sqrt(n)
	weighted := Penalty{Mix: 1, Factors: s.factors, Descent: penalty.Descent, Threshold: penalty.Threshold}
	s.chosen = s.chosen[:0]
	for range rounds {
		if len(s.chosen) >= int(n)-1 {
			return false // nothing is left to judge the errors by
		}
		s.ols.Fit(x, y, rows, s.chosen, nil)
		sum := 0.0
		for j := range p {
			s.factors[j] = s.loading(j, rows, cluster)
			if penalty.Factors != nil {
				w := penalty.Factors[j]
				if math.IsInf(w, 1) {
					s.factors[j] = w
					sum++ // as Solve counts it
					continue
				}
				s.factors[j] *= w
			}
			sum += s.factors[j]
		}
		s.one[0] = level * sum / float64(p)
		if !s.solver.Solve(s.path, s.moments, &weighted, s.one) {
			return false
		}
		s.take(s.path, 0)
		s.before = append(s.before[:0], s.chosen...)
		s.chosen = s.chosen[:0]
		for j, b := range s.Beta {
			if b != 0 {
				s.chosen = append(s.chosen, j)
			}
		}
		if equal(s.before, s.chosen) {
			break
		}
	}
	return true
}

func equal(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i, v := range a {
		if v != b[i] {
			return false
		}
	}
	return true
}

// loading is ψ_j for the residuals of the last least squares.
func (s *Selector) loading(j int, rows, cluster []int) float64 {
	column := s.sample.column(j)
	e := s.ols.Residual
	sum := 0.0
	if cluster == nil {
		for i, v := range column {
			sum += v * v * e[i] * e[i]
		}
	} else {
		clear(s.score)
		for i, v := range column {
			g := cluster[i]
			if rows != nil {
				g = cluster[rows[i]]
			}
			s.score[g] += v * e[i]
		}
		sum = square(s.score)
	}
	return math.Sqrt(sum / float64(len(column)))
}
