package sim

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"coachsim/estimators"
)

// MDESPower is the power with which MDES of Measures is detected.
const MDESPower = 0.8

// Detectable is the minimum detectable effect size by Bloom (1995, Evaluation
// Review 19, eq. 1), in the units of the estimate:
//
//	MDES = (t(1-alpha/2, ν) + t(power, ν)) E
//
// E the empirical standard error, ν the harmonic mean of the fits' degrees of
// freedom: the quantiles of t are nearly linear in 1/ν. A shift of the estimate by
// the effect is assumed. The MCSE is that of E. NaN without a t test (NoMDES), or
// where E is not above 0.
func (m *Measures) Detectable(alpha, power float64) Uncertain {
	if !(m.EmpSE > 0) || math.IsNaN(m.InverseDF) || m.NoMDES != "" {
		return Uncertain{math.NaN(), math.NaN()}
	}
	quantile := func(p float64) float64 {
		if m.InverseDF > 1e-5 {
			return distuv.StudentsT{Sigma: 1, Nu: 1 / m.InverseDF}.Quantile(p)
		}
		// Beyond, gonum's errs in the tail. This is Abramowitz and Stegun 26.7.5.
		z := distuv.UnitNormal.Quantile(p)
		return z + (z*z*z+z)/4*m.InverseDF
	}
	factor := quantile(1-alpha/2) + quantile(power)
	return Uncertain{factor * m.EmpSE, factor * m.EmpSEMCSE}
}

// noTTest says why a method's tests are no t tests, for which Detectable does not hold;
// "" if they are.
func noTTest(m estimators.Method) string {
	switch m := m.(type) {
	case estimators.IV:
		if m.Test == estimators.AndersonRubin {
			return "its test is Anderson and Rubin's, no t test"
		}
	case estimators.Randomisation:
		return "its p-value is that of assignments drawn again, no t test's"
	case estimators.WildBootstrap:
		return "its p-value is the bootstrap's, no t test's"
	case estimators.LeeBounds:
		return "it bounds an effect and does not estimate one"
	case estimators.Mediation:
		return "its effects are parts of one, or slopes, which no single effect shifts"
	}
	return ""
}

// LeaveOutMDES takes the minimum detectable effects away from tests that are no t tests,
// and says why.
func (s *Summary) LeaveOutMDES(study Study) {
	for i := range s.Rows {
		r := &s.Rows[i]
		for _, e := range study.Estimators {
			if e.Name == r.Estimator {
				r.NoMDES = noTTest(e.Method)
			}
		}
		if r.NoMDES != "" {
			r.MDES, r.MDESMCSE = math.NaN(), math.NaN()
		} else if math.IsNaN(r.InverseDF) && r.NFail < r.N {
			r.NoMDES = "it has no t test"
		}
	}
}
