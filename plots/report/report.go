package report

import (
	"coachsim/plots"
	"coachsim/sim"
)

// A Run is what a report is made of: a run directory, read and measured.
type Run struct {
	plots.Run
	Plan     sim.Plan               // its Text, Hash and Version
	Truths   []sim.PopulationEffect // for their precision; none where the directory has none
	Families sim.Families
	Figures  []plots.Figure
}
