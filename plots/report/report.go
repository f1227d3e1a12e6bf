package report

import (
	"coachsim/plots"
	"coachsim/sim"
)

// A Run is what report.html is made of: a run directory, read and measured.
type Run struct {
	Results
	Plan        sim.Plan               // its Text, Hash and Build
	Formulas    sim.Formulas           // closed forms of the study
	Truths      []sim.PopulationEffect // for their precision; none where the directory has none
	Comparisons []sim.Comparison       // with published results, where there are any
	Tolerance   sim.Tolerance          // of a reproduction of them
	Figures     []plots.Figure
}
