package estimators_test

import (
	"math"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
)

// Scores in columns give the same estimates as scores group by group, to the last bit.
func TestColumnScoresEqualScoresByGroup(t *testing.T) {
	g, err := ratedTrial().Compile()
	if err != nil {
		t.Fatal(err)
	}
	var columns, groups []estimators.Named
	for _, o := range []estimators.OLS{
		{Formula: "c(reading, below(reading, 20)) ~ coaching*support + order + months + months^2 + wealth | block", Cluster: "school", SE: estimators.CR1, Report: []string{"coaching", "support", "coaching:support"}, Joint: [][]string{{"support", "order"}}},
		{Formula: "reading ~ coaching + months*support", Cluster: "teacher", SE: estimators.CR0, Report: []string{"coaching", "months:support", "(Intercept)"}},
		{Formula: "reading ~ coaching + months", Cluster: "block", SE: estimators.CR1Fixest},
		{Formula: "c(support, order) ~ coaching + wealth | block", SE: estimators.HC1},
		{Formula: "mean(reading, teacher) ~ coaching + order", SE: estimators.HC0, Where: "wealth > -0.5"},
		{Formula: "support ~ coaching + months", Rows: "child", Cluster: "school", SE: estimators.CR1},
		{Formula: "reading ~ coaching + months + I(months + 1)", Cluster: "school", SE: estimators.CR1, Where: "months > 58", Report: []string{"coaching", "months"}},
	} {
		columns = append(columns, estimators.Named{Name: o.Formula, Method: o})
		groups = append(groups, estimators.Named{Name: o.Formula, Method: estimators.ByGroup{OLS: o}})
	}
	one, err := estimators.Bind(columns, g.Shape(), nil)
	if err != nil {
		t.Fatal(err)
	}
	two, err := estimators.Bind(groups, g.Shape(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for rep := range uint64(3) {
		data, _ := g.Draw(dgp.Stream{Seed: 6, Replicate: rep})
		want := two.Fit(data)
		for i, e := range one.Fit(data) {
			if w := want[i]; math.Float64bits(e.Value) != math.Float64bits(w.Value) || math.Float64bits(e.SE) != math.Float64bits(w.SE) || e.DF != w.DF || e.Status != w.Status || !e.Status.Worked() {
				t.Errorf("%+v: %+v, and by group %+v", one.Rows()[i], e, w)
			}
		}
	}
}
