package analytic

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/stat/distuv"
)

// A Mediation is an indirect effect ab: treatment moves the mediator by A, the
// mediator the outcome by B, and both are estimated with a t test.
type Mediation struct {
	A, B Path
}

// A Path is one of the two regressions of a mediation.
type Path struct {
	Effect float64
	Test
}

// Power is the power to find the path itself.
func (p Path) Power(l Level) float64 { return p.Test.Power(p.Effect, l) }

// Joint is the power of the joint significance test, which rejects where the t
// tests of both paths do; the two are independent.
func (m Mediation) Joint(l Level) float64 { return m.A.Power(l) * m.B.Power(l) }

// Sobel is the power of the z test of ab with the variance a²V_b + b²V_a. The
// formula takes ab for normal, which it is not: where paths are weak it can
// promise more than the joint test.
func (m Mediation) Sobel(l Level) float64 {
	a, b := m.A.Effect, m.B.Effect
	if a == 0 || b == 0 {
		return math.NaN()
	}
	z := Test{SE: math.Sqrt(a*a*m.B.SE*m.B.SE + b*b*m.A.SE*m.A.SE), DF: math.Inf(1)}
	return z.Power(a*b, l)
}

// MonteCarlo is the power of the two-sided test whose percentile interval of
// a*b*, a* ~ N(â, V_a) and b* ~ N(b̂, V_b), leaves out 0, with infinitely many
// draws. With z-scores x and y of â and b̂ the share of draws below 0 is
//
//	Φ(-|x|) + Φ(-|y|)(1 - 2Φ(-|x|)),
//
// so that the test rejects for |x| > c and |y| > t(x), where that share is
// alpha/2. The power is the integral of the probability of that over x.
func (m Mediation) MonteCarlo(alpha float64) float64 {
	normal := distuv.UnitNormal
	da, db := m.A.Effect/m.A.SE, m.B.Effect/m.B.SE
	c := -normal.Quantile(alpha / 2)
	given := func(x float64) float64 {
		t := monteCarloLimit(math.Abs(x), alpha)
		return normal.Prob(x-da) * (normal.CDF(db-t) + normal.CDF(-db-t))
	}
	// t has a logarithmic pole at c, where the integrand is 0: with x = c + u² the
	// nodes crowd there.
	power := 0.0
	for _, side := range []float64{1, -1} {
		end := math.Sqrt(math.Max(math.Abs(da)-c, 0) + 12)
		power += quad.Fixed(func(u float64) float64 { return 2 * u * given(side*(c+u*u)) }, 0, end, 400, quad.Legendre{}, 0)
	}
	return math.Min(power, 1)
}

// monteCarloLimit is t(x) of MonteCarlo.
func monteCarloLimit(x, alpha float64) float64 {
	tail := distuv.UnitNormal.CDF(-x)
	return -distuv.UnitNormal.Quantile((alpha/2 - tail) / (1 - 2*tail))
}

// results lists what a mediation design gives; fits is the mediation of its two
// regressions.
func (m Mediation) results(v *Values, fits MediationFits) []Result {
	l := Level{Alpha: v[Alpha], Tails: 2}
	return []Result{
		{"ab", "indirect effect", m.A.Effect * m.B.Effect},
		{"se_a", "standard error of a", m.A.SE},
		{"df_a", "its degrees of freedom", m.A.DF},
		{"se_b", "standard error of b", m.B.SE},
		{"df_b", "its degrees of freedom", m.B.DF},
		{"power_a", "power to find a", m.A.Power(l)},
		{"power_b", "power to find b", m.B.Power(l)},
		{"power_joint", "power of the joint test: both are significant", m.Joint(l)},
		{"power_sobel", "power of Sobel's test, by a formula that takes ab for normal", m.Sobel(l)},
		{"power_montecarlo", "power of the Monte Carlo percentile interval of ab", m.MonteCarlo(v[Alpha])},
		{"power_joint_fits", "power of the joint test of two least squares fits, exact", fits.Joint(l)},
		{"power_sobel_fits", "power of Sobel's test of theirs", fits.Sobel(v[Alpha])},
		{"power_montecarlo_fits", "power of the Monte Carlo interval of theirs", fits.MonteCarlo(v[Alpha])},
	}
}

// faults finds variances that are not above 0.
func (m Mediation) faults(top Key, v *Values) []Fault {
	switch {
	case !(m.A.SE > 0):
		return []Fault{{A, fmt.Sprintf("%g leaves the mediator no variance of its own; a and the covariates explain all of it", v[A])}}
	case !(m.B.SE > 0):
		return []Fault{{B, fmt.Sprintf("%g leaves the outcome no variance at the highest level; b, cp and the covariates explain all of it", v[B])}}
	case !(m.A.DF > 0) || !(m.B.DF > 0):
		return []Fault{{top, fmt.Sprintf("%g leaves %g degrees of freedom, and 1 is the least useful number", v[top], math.Min(m.A.DF, m.B.DF))}}
	}
	return nil
}

// med221 is mediation by a mediator of schools where schools are randomised.
func med221() *Design {
	return mediationDesign(Design{
		Name:  "med221",
		Title: "mediation 2-2-1: schools (or classes) randomised, a mediator of schools, an outcome of children",
		Formula: line("V_M = 1 - r2m2 - p(1-p)a²",
			"SE_a² = V_M/(p(1-p)J)",
			"SE_b² = {rho2[1 - r22 - p(1-p)(ab+cp)²/rho2 - b²V_M/rho2] + (1-rho2)(1-r21)/n}/(J V_M)",
			"df = J - 4 for both; of the fits J - 3 and J - 4: both have one covariate; a in SDs of the mediator, b in SDs of the outcome per SD of the mediator"),
		Source: "Kelcey, Dong, Spybrook and Cox (2017); PowerUpR 1.1.0, med221",
		Inputs: []Key{N, J, P, Rho2, A, B, Direct, RM2, R21, R22, Alpha, Power},
	}, func(v *Values) (Mediation, MediationFits) {
		pq := v[P] * (1 - v[P])
		own := 1 - v[RM2] - pq*v[A]*v[A]
		total := v[A]*v[B] + v[Direct]
		va := own / (pq * v[J])
		between := v[Rho2]*(1-v[R22]) - pq*total*total - v[B]*v[B]*own
		vb := (between + (1-v[Rho2])*(1-v[R21])/v[N]) / (v[J] * own)
		if between < 0 {
			vb = math.NaN()
		}
		return Mediation{A: Path{v[A], newTest(va, v[J]-4)}, B: Path{v[B], newTest(vb, v[J]-4)}},
			MediationFits{A: Path{v[A], newTest(va, v[J]-3)}, B: Path{v[B], newTest(vb*v[J]/(v[J]-3), v[J]-4)}}
	})
}

// med321 is mediation by a mediator of teachers where schools are randomised.
func med321() *Design {
	return mediationDesign(Design{
		Name:  "med321",
		Title: "mediation 3-2-1: schools randomised, a mediator of teachers, an outcome of children",
		Formula: line("V_M = rhom3(1-r2m3) + (1-rhom3)(1-r2m2)/J",
			"SE_a² = V_M/(p(1-p)(K-gm-1)), df = K - gm - 1",
			"SE_b² = [rho3(1-r23) + rho2(1-r22)/J + (1-rho2-rho3)(1-r21)/(Jn)]/((K-g-1) V_M), df = K - g - 1",
			"b is the slope between schools; the R² are after treatment and mediator"),
		Source: "Kelcey, Xie, Spybrook and Dong (2020)",
		Inputs: []Key{N, J, K, P, Rho2, Rho3, RhoM3, A, B, RM2, RM3, R21, R22, R23, GM, G, Alpha, Power},
	}, func(v *Values) (Mediation, MediationFits) {
		own := v[RhoM3]*(1-v[RM3]) + (1-v[RhoM3])*(1-v[RM2])/v[J]
		dfA, dfB := v[K]-v[GM]-1, v[K]-v[G]-1
		school := v[Rho3]*(1-v[R23]) + v[Rho2]*(1-v[R22])/v[J] + (1-v[Rho2]-v[Rho3])*(1-v[R21])/(v[J]*v[N])
		va := own / (v[P] * (1 - v[P]) * math.Max(dfA, 1e-300))
		vb := school / (math.Max(dfB, 1e-300) * own)
		return Mediation{A: Path{v[A], newTest(va, dfA)}, B: Path{v[B], newTest(vb, dfB)}},
			MediationFits{A: Path{v[A], newTest(va*dfA/v[K], dfA)}, B: Path{v[B], newTest(vb*dfB/dfA, dfB)}}
	})
}

func mediationDesign(d Design, of func(*Values) (Mediation, MediationFits)) *Design {
	d.results = func(v *Values) []Result {
		m, fits := of(v)
		return m.results(v, fits)
	}
	d.mediation = func(v *Values) Mediation {
		m, _ := of(v)
		return m
	}
	d.faults = func(v *Values) []Fault {
		m, _ := of(v)
		return m.faults(d.Top(), v)
	}
	return &d
}
