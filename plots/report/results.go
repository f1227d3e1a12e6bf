// Package report writes what a run found for people who were not there: the power
// paragraph of a proposal with its checklist, and tables for papers.
//
// And report.html, one page that is whole in itself (report.go, page*.go, page/).
//
// Everything is a pure function of a study, its summary and what else the log of
// its replicates says. Numbers are formatted here and computed in package sim.
package report

import (
	"math"

	"coachsim/estimators"
	"coachsim/sim"
)

// Results are what a run found, as tables and paragraphs are written from it.
type Results struct {
	Study    sim.Study
	Summary  sim.Summary  // Made says by what program
	Families sim.Families // empty for a study without families
}

// mdes returns the minimum detectable effect of a row of the summary and its
// Monte Carlo standard error: NaN where the test is no t test, so that the formula
// does not hold.
func (r Results) mdes(row int) (value, mcse float64) {
	of := &r.Summary.Rows[row]
	switch m := r.method(of.Estimator).(type) {
	case estimators.IV:
		if m.Test == estimators.AndersonRubin {
			return math.NaN(), math.NaN()
		}
	case estimators.Randomisation, estimators.WildBootstrap, estimators.LeeBounds, estimators.Mediation:
		return math.NaN(), math.NaN()
	}
	return of.MDES, of.MDESMCSE
}

// method is that of the estimator with a name.
func (r Results) method(name string) estimators.Method {
	for _, e := range r.Study.Estimators {
		if e.Name == name {
			return e.Method
		}
	}
	return nil
}
