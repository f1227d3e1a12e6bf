package sim

import (
	"math"

	"coachsim/estimators"
)

// measures reads the performance measures off a tally.
//
// Formulas are those of Morris, White and Crowther, "Using simulation studies
// to evaluate statistical methods", Statistics in Medicine 38 (2019), table 6,
// with a truth that may differ between replicates. In the comments, over the n
// fits that worked: t is an estimate, s its standard error, θ the truth of its
// replicate, d = t - θ; mean, S and Var are the sample mean, standard deviation
// and variance (n - 1). What does not exist is NaN, never an infinity.
func (t *tally) measures(alpha float64) Measures {
	m := Measures{
		Truth:  t.truth.mean(),
		Failed: t.status,
		Mean:   t.estimate.mean(),
		MeanSE: t.stdError.mean(),

		MeanSEMCSE: t.stdError.mcse(),

		MeanP: t.pValue.mean(),

		MeanPMCSE: t.pValue.mcse(),

		Intervals: t.intervals,
	}
	for status, fits := range t.status {
		m.N += fits
		if estimators.Status(status).Failed() {
			m.NFail += fits
		}
	}
	m.NotSelected = t.status[estimators.NotSelected]
	m.TruthMCSE = t.truthMCSE()
	m.Bias, m.BiasMCSE = t.bias()
	m.RelBias, m.RelBiasMCSE = t.relBias()
	m.EmpSE, m.EmpSEMCSE = t.empSE()
	m.ModelSE, m.ModelSEMCSE = t.modelSE()
	m.RelError, m.RelErrorMCSE = t.relError()
	m.MSE, m.MSEMCSE = t.mse()
	m.Cover, m.CoverMCSE = t.cover()
	m.BECover, m.BECoverMCSE = t.beCover()
	m.Power, m.PowerMCSE = t.power(m.N)
	m.TypeS, m.TypeSMCSE = t.typeS()
	m.TypeM, m.TypeMMCSE = t.typeM()
	m.InverseDF = t.inverse.mean()
	mdes := m.Detectable(alpha, MDESPower)
	m.MDES, m.MDESMCSE = mdes.Value, mdes.MCSE

	for _, x := range []*float64{
		&m.Truth, &m.TruthMCSE, &m.Mean, &m.Bias, &m.BiasMCSE, &m.RelBias, &m.RelBiasMCSE, &m.EmpSE, &m.EmpSEMCSE,
		&m.MeanSE, &m.MeanSEMCSE, &m.ModelSE, &m.ModelSEMCSE, &m.RelError, &m.RelErrorMCSE, &m.MSE, &m.MSEMCSE,
		&m.Cover, &m.CoverMCSE, &m.BECover, &m.BECoverMCSE,
		&m.Power, &m.PowerMCSE, &m.TypeS, &m.TypeSMCSE, &m.TypeM, &m.TypeMMCSE, &m.InverseDF, &m.MDES, &m.MDESMCSE, &m.MeanP, &m.MeanPMCSE,
	} {
		if !isFinite(*x) {
			*x = math.NaN()
		}
	}
	return m
}

// truthMCSE, of truths that differ between replicates, is S(θ)/√n.
func (t *tally) truthMCSE() float64 {
	if !(t.truth.sd() > 0) {
		return math.NaN()
	}
	return t.truth.mcse()
}

// bias is mean(d), with MCSE S(d)/√n. Morris et al. have S(t)/√n, which is the
// same for a constant truth and too large for one that moves with the estimate.
func (t *tally) bias() (bias, mcse float64) {
	return t.err.mean(), t.err.mcse()
}

// relBias is mean(d/θ), with MCSE S(d/θ)/√n (rsimsum's; simhelpers' relative bias is mean(t)/θ).
func (t *tally) relBias() (relbias, mcse float64) {
	if t.zero {
		return math.NaN(), math.NaN()
	}
	return t.relative.mean(), t.relative.mcse()
}

// empSE, the empirical standard error, is E = S(t), with MCSE E/√(2(n-1)).
func (t *tally) empSE() (empse, mcse float64) {
	empse = t.estimate.sd()
	return empse, empse / math.Sqrt(2*float64(t.estimate.n-1))
}

// modelSE, the average model standard error, is M = √mean(s²), with MCSE
// √(Var(s²)/(4 n M²)).
func (t *tally) modelSE() (modelse, mcse float64) {
	modelse = math.Sqrt(t.modelVar.mean())
	return modelse, t.modelVar.mcse() / (2 * modelse)
}

// relError, the relative error of the model standard error in percent, is
// 100 (M/E - 1), with MCSE 100 (M/E) √(Var(s²)/(4 n M⁴) + 1/(2(n-1))).
func (t *tally) relError() (relerror, mcse float64) {
	empse, _ := t.empSE()
	modelse, modelseMCSE := t.modelSE()
	ratio := modelse / empse
	ofModel := modelseMCSE / modelse
	ofEmpirical := 1 / (2 * float64(t.estimate.n-1))
	return 100 * (ratio - 1), 100 * ratio * math.Sqrt(ofModel*ofModel+ofEmpirical)
}

// mse, the mean squared error, is mean(d²), with MCSE S(d²)/√n, which is
// √(Σ(d² - MSE)²/(n(n-1))).
func (t *tally) mse() (mse, mcse float64) {
	return t.errSq.mean(), t.errSq.mcse()
}

// cover, the coverage of the t interval, is C, the share of fits with an
// interval whose interval holds θ; MCSE √(C(1-C)/n).
func (t *tally) cover() (cover, mcse float64) {
	return share(t.covering, t.intervals)
}

// beCover, the bias-eliminated coverage, is cover with mean(t) in place of θ. It
// needs no truth: it asks whether the intervals have the right width.
func (t *tally) beCover() (becover, mcse float64) {
	return share(t.coveringCentre, t.centred)
}

// power is R, the share of all replicates with p <= alpha, where a fit that
// failed does not reject, nor does a term that was not selected, with MCSE √(R(1-R)/N). Morris et al. count |t| beyond
// a critical value times s; here each method's own test speaks. Where no fit
// gave a p-value there is no test to speak of.
func (t *tally) power(replicates int) (power, mcse float64) {
	if t.pValue.n == 0 {
		return math.NaN(), math.NaN()
	}
	return share(t.rejections, replicates)
}

// typeS is the share of rejections whose estimate has the wrong sign, with MCSE
// √(S(1-S)/rejections). Gelman and Carlin, "Beyond power calculations",
// Perspectives on Psychological Science 9 (2014).
func (t *tally) typeS() (typeS, mcse float64) {
	if t.zero {
		return math.NaN(), math.NaN()
	}
	return share(t.wrongSign, t.directed)
}

// typeM, the exaggeration ratio, is mean(|t|/|θ|) over the rejections, with MCSE
// S(|t|/|θ|)/√rejections. Gelman and Carlin (2014).
func (t *tally) typeM() (typeM, mcse float64) {
	if t.zero {
		return math.NaN(), math.NaN()
	}
	return t.exaggeration.mean(), t.exaggeration.mcse()
}

// share is a proportion p of n with its MCSE √(p(1-p)/n).
func share(count, n int) (p, mcse float64) {
	if n == 0 {
		return math.NaN(), math.NaN()
	}
	p = float64(count) / float64(n)
	return p, math.Sqrt(p * (1 - p) / float64(n))
}
