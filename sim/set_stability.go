package sim

import "math"

// A setStability measures how alike the sets of covariates are that an estimator lists in
// different trials: the stability of Nogueira, Sechidis and Brown (2018, "On the stability
// of feature selection algorithms", Journal of Machine Learning Research 18(174)),
// Definition 4, 1 where all sets are the same and 0 on average where covariates are
// listed by chance, whatever their number,
//
//	Φ = 1 - [Σ_f s_f² / d] / [k̄/d (1 - k̄/d)]      s_f² = M/(M-1) p_f (1 - p_f)
//
// of M sets with k̄ of d covariates on average, covariate f in the share p_f of them. Its
// standard error is that of their Theorem 7, √v,
//
//	v = 4/M² Σ_i (φ_i - φ̄)²
//	φ_i = [Σ_f z_if p_f / d - k_i k̄/d² + Φ/2 (2 k̄ k_i/d² - k_i/d - k̄/d + 1)] / [k̄/d (1 - k̄/d)]
//
// It does not exist where none or all are always listed.
type setStability struct {
	sets *crossProducts // of the indicators z_i
}

func (s *setStability) share() Share {
	none := Share{math.NaN(), math.NaN()}
	if s.sets == nil || s.sets.n < 2 {
		return none
	}
	p, m, d := s.sets.mean, float64(s.sets.n), float64(len(s.sets.mean))
	k, differ := 0.0, 0.0
	for _, share := range p {
		k += share
		differ += share * (1 - share)
	}
	chance := k / d * (1 - k/d)
	if !(chance > 1e-12) {
		return none
	}
	phi := 1 - m/(m-1)*differ/d/chance
	// φ_i is linear in z_i, but for what all trials have in common.
	weights := make([]float64, len(p))
	for f := range weights {
		weights[f] = (p[f]/d - k/(d*d) + phi/2*(2*k/(d*d)-1/d)) / chance
	}
	return Share{phi, 2 / m * math.Sqrt(s.sets.spread(weights))}
}

// A runVariance takes apart why single runs of an estimator that makes several on each
// data set, with other splits and seeds, select different covariates. With π_if the share
// of the R runs on the data of trial i that select covariate f, the variance of one run's
// selection, summed over covariates, is
//
//	within  R/(R-1) mean_i Σ_f π_if (1 - π_if)                 between runs on the same data
//	total   mean over pairs of trials i ≠ k of Σ_f (π_if + π_kf)/2 - π_if π_kf
//
// of which both are unbiased. The standard error of their ratio is by the delta method.
type runVariance struct {
	shares *crossProducts // of π_i, and at the end Σ_f π_if²
}

func (v *runVariance) share(runs int) Share {
	none := Share{math.NaN(), math.NaN()}
	if v.shares == nil || v.shares.n < 2 || runs < 2 {
		return none
	}
	last := len(v.shares.mean) - 1
	p, square, n := v.shares.mean[:last], v.shares.mean[last], float64(v.shares.n)
	number, together := 0.0, 0.0
	for _, share := range p {
		number += share
		together += share * share
	}
	correct := float64(runs) / float64(runs-1)
	within, total := correct*(number-square), number-(n*together-square)/(n-1)
	if !(total > 1e-12) {
		return none
	}
	ratio := within / total
	weights := make([]float64, last+1)
	for f := range p {
		weights[f] = (correct - ratio*(1-2*p[f])) / total
	}
	weights[last] = -correct / total
	return Share{ratio, math.Sqrt(v.shares.spread(weights) / (n * (n - 1)))}
}
