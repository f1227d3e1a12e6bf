// Package report writes what a run found for people who were not there: the power
// paragraph of a proposal with its checklist, and tables for papers.
//
// Everything is a pure function of a study, its summary and what else the log of
// its replicates says. Numbers are formatted here and computed in package sim.
package report

import (
	"iter"
	"math"

	"coachsim/estimators"
	"coachsim/sim"
)

// targetPower is that at which effects are called detectable.
const targetPower = 0.8

// Results are what a run found, as tables and paragraphs are written from it.
type Results struct {
	Study    sim.Study
	Summary  sim.Summary
	Families sim.Families // empty for a study without families
	DF       []float64    // by row of the summary: median degrees of freedom of its tests; NaN without
	Version  string       // of the program that simulated
}

// NewResults reads from the log what the summary does not hold.
func NewResults(study sim.Study, summary sim.Summary, families sim.Families, chunks iter.Seq2[[]sim.Record, error], version string) (Results, error) {
	df, err := sim.MedianDF(chunks, summary.Rows)
	return Results{Study: study, Summary: summary, Families: families, DF: df, Version: version}, err
}

// mdes returns the minimum detectable effect of a row of the summary and its
// Monte Carlo standard error: NaN where the test is no t test, so that the formula
// does not hold.
func (r Results) mdes(row int) (value, mcse float64) {
	of := &r.Summary.Rows[row]
	switch r.method(of.Estimator).(type) {
	case estimators.Randomisation, estimators.WildBootstrap, estimators.LeeBounds:
		return math.NaN(), math.NaN()
	}
	u := of.MDES(r.DF[row], r.Summary.Alpha, targetPower)
	return u.Value, u.MCSE
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
