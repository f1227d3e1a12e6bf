package dgp

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Rerandomised draws assignments until one balances covariates (Morgan and
// Rubin 2012): until the Mahalanobis distance between the arms,
//
//	M = Σ_a n_a (x̄_a - x̄)'S⁻¹(x̄_a - x̄),
//
// is below the quantile Accept of its distribution under one draw, χ² with as
// many df as there are covariates times treated arms; or until no |t| of a
// covariate between a treated arm and control is above MaxT. S is the covariance
// of the units, within blocks where the scheme is blocked.
type Rerandomised struct {
	Unit    Unit               `yaml:"unit" doc:"who is assigned: school, teacher or child"`
	Share   float64            `yaml:"share,omitempty" gt:"0" lt:"1" doc:"share of the units that is treated, in a trial of two arms; by default the arms are equal"`
	Shares  map[string]float64 `yaml:"shares" gt:"0" lt:"1" doc:"the same for every arm, by name; one arm may be left out and has the rest"`
	Blocked bool               `yaml:"blocked" doc:"the same shares in every block (teachers: in every school; children: in every class)"`
	On      []string           `yaml:"on" required:"true" minlen:"1" doc:"covariates to balance; of what is in a unit, the mean"`
	Accept  float64            `yaml:"accept,omitempty" gt:"0" lt:"1" doc:"share of assignments that are balanced enough by the Mahalanobis distance"`
	MaxT    float64            `yaml:"max_t,omitempty" gt:"0" doc:"in place of accept: largest |t| of a covariate between a treated arm and control"`
	Tries   int                `yaml:"tries" min:"1" max:"1000000" doc:"assignments tried, at most; the most balanced is taken where none is balanced enough"`
}

// allowedMiss is the probability with which no try of one assignment may be
// balanced enough.
const allowedMiss = 1e-6

// Check checks shares and covariates, and that the tries are enough.
func (b Rerandomised) Check(d Design, covariates []Covariate, fault func(key, format string, args ...any)) {
	checkShares(d, b.Share, b.Shares, fault)
	checkOn(b.On, covariates, fault)
	key, accept := "accept", b.Accept
	switch {
	case b.Accept == 0 && b.MaxT == 0:
		fault("accept", "is missing; say how balanced an assignment must be, with accept or max_t")
		return
	case b.Accept != 0 && b.MaxT != 0:
		fault("max_t", "stands beside accept; delete one of them")
		return
	case b.MaxT != 0:
		// At least that of independent covariates (Šidák 1967).
		key, accept = "max_t", math.Pow(1-2*distuv.UnitNormal.Survival(b.MaxT), float64(len(b.On)*(len(d.Arms)-1)))
	}
	if miss := math.Exp(float64(b.Tries) * math.Log1p(-accept)); miss > allowedMiss {
		fault(key, "about %.2g of all assignments are so balanced, and %d tries find none with probability %.2g; it may be %g: ask for less balance, or more tries", accept, b.Tries, miss, allowedMiss)
	}
}

// Level is that of the unit.
func (b Rerandomised) Level() Level { return b.Unit.Level() }

// Columns adds none.
func (Rerandomised) Columns() []Column { return nil }

// Compile prepares drawing and comparing.
func (b Rerandomised) Compile(s Shape) Assigner {
	level := b.Level()
	shares := sharesOf(s.Arms, b.Share, b.Shares)
	balance := newBalance(s, b.On, level, b.Blocked)
	places, best := make([]int, s.Max[level]), make([]int, s.Max[level])
	imbalance := &imbalance{balance: balance, n: make([]float64, len(shares)), sum: make([]float64, len(shares)*len(b.On))}
	limit, measure := b.MaxT, imbalance.largestT
	if b.Accept > 0 {
		limit, measure = distuv.ChiSquared{K: float64(len(b.On) * (len(shares) - 1))}.Quantile(b.Accept), imbalance.mahalanobis
	}
	balanced := true
	return Assigner{
		Prepare:  balance.prepare,
		Balanced: func() bool { return balanced },
		Assign: func(arm []int, u *Units, r *Source) {
			least := math.Inf(1)
			for range b.Tries {
				if b.Blocked {
					strata := u.Strata()
					for k, lo := range strata[:len(strata)-1] {
						allocate(arm, span(places, lo, strata[k+1]), shares, r)
					}
				} else {
					allocate(arm, span(places, 0, u.Len()), shares, r)
				}
				m := measure(arm[:u.Len()])
				if balanced = m <= limit; balanced {
					return
				}
				if m < least {
					least = m
					copy(best, arm)
				}
			}
			copy(arm, best)
		},
	}
}

// An imbalance measures how much arms differ on covariates.
type imbalance struct {
	*balance
	n   []float64 // scratch: units by arm
	sum []float64 // scratch: sums of covariates, by arm
}

// add sums columns by arm.
func (m *imbalance) add(arm []int, columns [][]float64) {
	clear(m.n)
	clear(m.sum)
	p := len(columns)
	for i, a := range arm {
		m.n[a]++
		for k, x := range columns {
			m.sum[a*p+k] += x[i]
		}
	}
}

// mahalanobis returns M: in coordinates with mean 0 and covariance 1, the sum
// over arms of n times the squared length of the mean.
func (m *imbalance) mahalanobis(arm []int) float64 {
	m.add(arm, m.z)
	p, total := len(m.z), 0.0
	for a, n := range m.n {
		for _, s := range m.sum[a*p : (a+1)*p] {
			if n > 0 {
				total += s * s / n
			}
		}
	}
	return total
}

// largestT returns the largest |t| of a covariate between a treated arm and
// control, infinite where one of the arms is empty.
func (m *imbalance) largestT(arm []int) float64 {
	m.add(arm, m.x)
	p, worst := len(m.x), 0.0
	for a := 1; a < len(m.n); a++ {
		if m.n[a] == 0 || m.n[0] == 0 {
			return math.Inf(1)
		}
		for k := range p {
			difference := m.sum[a*p+k]/m.n[a] - m.sum[k]/m.n[0]
			worst = max(worst, math.Abs(difference)/math.Sqrt(1/m.n[a]+1/m.n[0]))
		}
	}
	return worst
}

var _ Assignment = Rerandomised{}
