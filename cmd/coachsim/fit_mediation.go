package main

import (
	"fmt"
	"slices"

	"coachsim/dgp"
	"coachsim/dgp/datafile"
	"coachsim/estimators"
)

// planMediation sets what --kind mediation has beside other estimators, and
// refuses its flags where there is none.
func (f *fitFlags) planMediation(one *fit, report, treatment []string) error {
	if _, mediated := one.options.method().(estimators.Mediation); !mediated {
		for _, flag := range []struct {
			name  string
			given bool
		}{{"mediator", f.mediator != ""}, {"mediator-unit", f.mediatorUnit != ""}, {"rho", len(f.rho) > 0}, {"at", len(f.at) > 0}, {"intermediate", len(f.intermediate) > 0}} {
			if flag.given {
				return usageError("--%s: only --kind mediation has mediators", flag.name)
			}
		}
		return nil
	}
	switch {
	case f.mediator == "":
		return usageError("--kind mediation needs --mediator, such as --mediator 'class ~ treated + experience | block'")
	case len(treatment) != 1:
		return usageError("--kind mediation needs --treatment: the arm whose effect is mediated, such as --treatment treated")
	case len(report) > 0:
		return usageError("--report: --kind mediation reports the paths and their effects")
	}
	var err error
	if one.mediators, err = estimators.ParseFormula(estimators.MediatorFormula(f.mediator), nil); err != nil {
		one.mediators = nil
		fault := &estimators.KeyError{Key: "mediator", Offset: -1, Err: err}
		return f.explain(one, fault)
	}
	one.unit = f.mediatorUnit
	for _, o := range []struct {
		key   string
		value any
		given bool
	}{
		{"mediator", f.mediator, true}, {"treatment", treatment[0], true},
		{"rho", f.rho, len(f.rho) > 0}, {"at", f.at, len(f.at) > 0}, {"intermediate", splitAll(f.intermediate), len(f.intermediate) > 0},
	} {
		if !o.given {
			continue
		}
		if err := one.options.set(o.key, o.value); err != nil {
			return usageError("--%s: %v", o.key, err)
		}
	}
	return nil
}

// setDraws sets the number of draws of mediation.
func (f *fitFlags) setDraws(one *fit) error {
	m := one.options.method().(estimators.Mediation) // the caller has seen it has mediators
	switch {
	case !m.Method.Draws():
		return usageError("--draws: the method %s draws nothing", m.Method)
	case f.draws < 99 || f.draws > 99999:
		return usageError("--draws %d: must lie between 99 and 99999", f.draws)
	}
	m.Draws = f.draws
	one.options = optionsOf(m)
	return nil
}

// setMediators sets the mediators' formula with the sample's names. A mediator must
// be a score of the units that the rows of its regression are.
func (one *fit) setMediators(method *options, sample *datafile.Sample) error {
	if one.mediators == nil {
		return nil
	}
	unit := one.unit
	if clusters := estimators.ClusterNames(one.options.text("cluster")); unit == "" && len(clusters) > 0 {
		unit = clusters[0]
	}
	for _, o := range one.mediators.Outcomes {
		columns, groups := o.Columns()
		for _, c := range columns {
			i := slices.IndexFunc(sample.Shape.Columns, func(have dgp.Column) bool { return have.Name == c.Name && have.Levels == 0 })
			if unit != "" && len(groups) == 0 && i >= 0 && sample.Shape.Columns[i].Level == dgp.ChildLevel {
				err := fmt.Errorf("%s varies within %s; name the units that it is a score of, such as --mediator-unit teacher", c.Name, unit)
				return &estimators.KeyError{Key: "mediator", Offset: c.Pos, Err: err}
			}
		}
	}
	return method.set("mediator", rename(sample, one.options.text("mediator"), one.mediators, nil))
}

// mediationInWords says how indirect effects are tested.
func mediationInWords(m estimators.Mediation) string {
	switch m.Method {
	case estimators.JointSignificance:
		return "indirect effects by joint significance"
	case estimators.MonteCarlo:
		return fmt.Sprintf("indirect effects by Monte Carlo intervals, %d draws", m.Draws)
	case estimators.MediationBootstrap:
		return fmt.Sprintf("effects by the bootstrap of clusters, %d draws", m.Draws)
	case estimators.Simulation:
		return fmt.Sprintf("effects by quasi-Bayesian simulation, %d draws (as R's mediation)", m.Draws)
	case estimators.SequentialG:
		return "sequential g-estimation, both steps in the standard error"
	default:
		return "indirect effects by the delta method (Sobel's test)"
	}
}
