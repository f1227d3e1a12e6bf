package forest_test

import (
	"fmt"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators/forest"
)

// Of covariates that correlate by .9, each importance is party's on average over seeds,
// that of x4 too, which has no effect. Each of 48 differences of means is held against 5.5
// standard errors, estimated from 12 seeds or more: one of them would exceed that by
// chance with probability .009 at most, by t of 11 degrees of freedom.
func TestCorrelatedImportanceIsThatOfParty(t *testing.T) {
	const seeds, limit = 24, 5.5
	rows := readTable(t, "correlated")
	y := make([]float64, len(rows))
	var variables []forest.Variable
	var x [][]float64
	for j := range 12 {
		name := fmt.Sprintf("x%d", j+1)
		column := make([]float64, len(rows))
		for i, row := range rows {
			column[i], y[i] = number(t, row[name]), number(t, row["gain"])
		}
		variables, x = append(variables, forest.Variable{Name: name}), append(x, column)
	}
	f := forest.New(variables, len(rows))
	if err := f.Load(y, x); err != nil {
		t.Fatal(err)
	}
	importance, draws := make([]float64, len(x)), map[string][]float64{}
	for _, fit := range []struct {
		mtry  int
		kinds map[string]forest.Importance
	}{
		{3, map[string]forest.Importance{"routing": {}, "permutation": {Variation: forest.Permutation}, "conditional": {Variation: forest.Permutation, Conditional: 0.2}}},
		{8, map[string]forest.Importance{"conditional-8": {Variation: forest.Permutation, Conditional: 0.2}}},
	} {
		c := forest.Defaults(len(x))
		c.Inputs = fit.mtry
		for seed := range uint64(seeds) {
			r := dgp.NewSource().Load(dgp.Stream{Seed: 9307, Replicate: seed}, 1).Rand
			f.Grow(upTo(len(rows)), c, 100, r)
			for _, kind := range sortedKeys(fit.kinds) {
				f.Importance(fit.kinds[kind], importance, r)
				for j, v := range variables {
					draws[kind+" "+v.Name] = append(draws[kind+" "+v.Name], importance[j])
				}
			}
		}
	}
	if checks := againstR(t, "correlated_by_seed", draws, limit); checks != 48 {
		t.Errorf("%d differences, not 48", checks)
	}
}
