package sim

import (
	"math"
	"slices"

	"coachsim/dgp"
	"coachsim/estimators"
)

// predictorName is what the log calls the estimand of a selection: 1 where the term
// truly moves the outcome, else 0.
const predictorName = "predictor"

// predicts is the truth of a selection, NaN in trials that do not say what moves
// their outcome.
func predicts(g *dgp.Generator, p estimators.Predictor) float64 {
	shape, known := g.Shape(), false
	for i := range shape.Columns {
		known = known || g.Predicts(i)
	}
	if !known {
		return math.NaN()
	}
	if slices.ContainsFunc(p.Columns, func(name string) bool {
		i := shape.Index(name)
		return i >= 0 && g.Predicts(i)
	}) {
		return 1
	}
	return 0
}

// aim leaves of the measures of a selection those that mean something: its mean is
// the rate at which the term is selected, and the truth says which rate one would
// wish for. A bias or an error of 0 and 1 for these is none.
func (m *Measures) aim() {
	nan := math.NaN()
	for _, x := range []*float64{
		&m.Bias, &m.BiasMCSE, &m.RelBias, &m.RelError, &m.RelErrorMCSE, &m.MSE, &m.MSEMCSE, &m.Cover, &m.CoverMCSE, &m.BECover, &m.BECoverMCSE,
		&m.Power, &m.PowerMCSE, &m.TypeS, &m.TypeSMCSE, &m.TypeM, &m.TypeMMCSE, &m.MDES, &m.MDESMCSE,
	} {
		*x = nan
	}
}
