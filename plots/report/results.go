// Package report writes what a run found for people who were not there: the power
// paragraph of a proposal with its checklist, and tables for papers.
//
// And report.html, one page that is whole in itself (report.go, page*.go, page/).
//
// Everything is a pure function of a study, its summary and what else the log of
// its replicates says. Numbers are formatted here and computed in package sim.
package report

import (
	"coachsim/estimators"
	"coachsim/sim"
)

// Results are what a run found, as tables and paragraphs are written from it.
type Results struct {
	Study    sim.Study
	Summary  sim.Summary  // Made says by what program
	Families sim.Families // empty for a study without families
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
