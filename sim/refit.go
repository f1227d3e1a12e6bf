package sim

import (
	"fmt"
	"slices"

	"coachsim/dgp"
	"coachsim/estimators"
)

// A Refit is one replicate of a run, drawn and fitted again for what its log does not
// hold: the fits themselves.
type Refit struct {
	Replicate int
	Factors   []Factor // of its design
	Curves    []estimators.LassoCurve
	Trees     []estimators.GrownTree
	Forests   []estimators.ForestCurves
	Role      func(term string) Role // whether a term truly predicts
}

// NewRefit draws a replicate of the first design that rows of a summary are of, and fits
// the estimators of which there are rows and that wanted reports. It is nil where there
// are none of these.
func NewRefit(study Study, rows []SummaryRow, replicate int, wanted func(estimators.Method) bool) (*Refit, error) {
	if replicate < 0 || replicate >= study.Replicates {
		return nil, fmt.Errorf("there is no replicate %d; the run has 0 to %d", replicate, study.Replicates-1)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	design := study.designs()[rows[0].Cell].Study
	named := func(estimator, outcome string) bool {
		return slices.ContainsFunc(rows, func(r SummaryRow) bool {
			return r.Cell == rows[0].Cell && r.Estimator == estimator && (outcome == "" || r.Outcome == outcome)
		})
	}
	var methods []estimators.Named
	for _, m := range design.methods() {
		if named(m.Name, "") && wanted(m.Method) {
			methods = append(methods, m)
		}
	}
	if methods == nil {
		return nil, nil
	}
	g, err := design.Trial.Compile()
	if err != nil {
		return nil, err
	}
	panel, err := estimators.Bind(methods, g.Shape(), design.Terms)
	if err != nil {
		return nil, err
	}
	truth, err := design.covariates()
	if err != nil {
		return nil, err
	}
	panel.SetAlpha(design.Alpha)
	st := dgp.Stream{Seed: design.Seed, Replicate: uint64(replicate)}
	data, _ := g.Draw(st)
	panel.Use(st)
	panel.Fit(data)
	return &Refit{
		Replicate: replicate, Factors: rows[0].Factors, Role: truth.role,
		Curves:  slices.DeleteFunc(panel.LassoCurves(), func(c estimators.LassoCurve) bool { return !named(c.Estimator, c.Outcome) }),
		Trees:   slices.DeleteFunc(panel.Trees(), func(t estimators.GrownTree) bool { return !named(t.Estimator, t.Outcome) }),
		Forests: slices.DeleteFunc(panel.ForestCurves(), func(f estimators.ForestCurves) bool { return !named(f.Estimator, f.Outcome) }),
	}, nil
}
