package sim

import (
	"fmt"
	"slices"

	"coachsim/dgp"
	"coachsim/estimators"
)

// A PathEffect is a part of the population effect of an arm on an outcome: what
// true classroom quality carries, or what it does not.
type PathEffect struct {
	Arm     string          `json:"arm"`
	Outcome string          `json:"outcome"`
	Path    estimators.Path `json:"path"`
	// Through is the domain whose quality carries an indirect part, "" for all.
	Through string  `json:"through,omitempty"`
	Value   float64 `json:"value"`
	MCSE    float64 `json:"mcse"` // Monte Carlo standard error of Value
}

// PathDraws is the number of trials that effects by path are averaged over where
// nobody asks for more: the control variates leave little error.
const PathDraws = 200

// HasPaths reports whether what arms do to classroom quality reaches the tests.
func HasPaths(t dgp.Trial) bool { return len(t.Design.Arms) > 1 && t.QualityMoves() }

// PathOutcomes checks outcomes of effects by path, as formulas write them: that
// they can be read, and are of children.
func PathOutcomes(t dgp.Trial, outcomes []string) error {
	g, err := t.Compile()
	if err != nil {
		return err
	}
	var targets []estimators.Target
	for _, outcome := range outcomes {
		targets = append(targets, estimators.Target{Arm: t.Design.Arms[1], Outcome: outcome, Rows: dgp.ChildLevel})
	}
	bound, err := estimators.BindTargets(targets, g.Shape())
	if err != nil {
		return err
	}
	for i, outcome := range outcomes {
		moves := slices.ContainsFunc(targets[i].Columns(), func(name string) bool { return g.HasPotential(g.Shape().Index(name)) })
		if bound.Level(i) != dgp.ChildLevel || !moves || !known(g, targets[i]) {
			return fmt.Errorf("%s is no outcome of children that the treatment may change", outcome)
		}
	}
	return nil
}

// EffectsByPath returns the parts of the population effect of every treatment on
// child outcomes, in the order arm, outcome, path; after each indirect part those
// through each domain where there are several. Controlled direct effects hold
// quality at its mean without coaching.
func EffectsByPath(trial dgp.Trial, outcomes []string, draws, workers int) ([]PathEffect, error) {
	g, err := trial.Compile()
	if err != nil {
		return nil, err
	}
	var all []PathEffect
	var targets []estimators.Target
	for _, column := range g.Shape().Columns {
		if !column.Arm {
			continue
		}
		for _, outcome := range outcomes {
			for _, path := range estimators.Paths() {
				through := []string{""}
				indirect := path == estimators.IndirectControl || path == estimators.IndirectTreated || path == estimators.IndirectAverage
				if domains := trial.Quality.Domains; indirect && len(domains) > 1 {
					through = append(through, domains...)
				}
				for _, domain := range through {
					t := estimators.Target{Arm: column.Name, Outcome: outcome, Rows: dgp.ChildLevel, Path: path}
					if domain != "" {
						t.Through = []string{domain}
					}
					targets = append(targets, t)
					all = append(all, PathEffect{Arm: column.Name, Outcome: outcome, Path: path, Through: domain})
				}
			}
		}
	}
	value, mcse, err := populationEffects(trial, targets, draws, workers)
	if err != nil {
		return nil, err
	}
	for i := range all {
		all[i].Value, all[i].MCSE = value[i], mcse[i]
	}
	return all, nil
}
