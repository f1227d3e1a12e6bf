package estimators_test

import (
	"math"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
)

// Scores in columns give the same estimates as scores group by group, and the same
// standard errors but for the rounding of the terms' means, which they take off terms
// rather than off projections.
func TestColumnScoresEqualScoresByGroup(t *testing.T) {
	g, err := ratedTrial().Compile()
	if err != nil {
		t.Fatal(err)
	}
	var columns, groups []estimators.Named
	for _, o := range []estimators.OLS{
		{Formula: "c(reading, below(reading, 20)) ~ coaching*support + order + months + months^2 + wealth | block", Cluster: "school", SE: estimators.CR1, Report: []string{"coaching", "support", "coaching:support"}, Joint: [][]string{{"support", "order"}}},
		{Formula: "reading ~ coaching + months*support", Cluster: "teacher", SE: estimators.CR0, Report: []string{"coaching", "months:support", "(Intercept)"}},
		{Formula: "c(reading, support) ~ 0 + coaching + months*support + order", Rows: "child", Cluster: "school", SE: estimators.CR1},
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
			w := want[i]
			same := e.Value == w.Value && math.Abs(e.SE-w.SE) <= 1e-14*w.SE
			if math.IsNaN(w.SE) { // the F of a joint test
				same = math.Abs(e.Value-w.Value) <= 1e-13*w.Value
			}
			if !same || e.DF != w.DF || e.Status != w.Status || !e.Status.Worked() {
				t.Errorf("%+v: %+v, and by group %+v", one.Rows()[i], e, w)
			}
		}
	}
}

// Regressions that take the projections of one with fewer terms give the same estimates as
// scores group by group, but for rounding; so do those beside it which are not nested, for
// an intercept, a further outcome, other clusters of rows, or a base with a term dropped.
func TestNestedScoresEqualScoresByGroup(t *testing.T) {
	g, err := ratedTrial().Compile()
	if err != nil {
		t.Fatal(err)
	}
	all, of := 0, "school"
	var columns, groups []estimators.Named
	add := func(nested int, formula, where string, se estimators.SE, report []string, joint ...[]string) {
		o := estimators.OLS{Formula: formula, Cluster: of, SE: se, Where: where, Report: report, Joint: joint}
		name := formula + where + of
		columns = append(columns, estimators.Named{Name: name, Method: o})
		groups = append(groups, estimators.Named{Name: name, Method: estimators.ByGroup{OLS: o}})
		all += nested
	}
	const w = "order + months + months^2 + wealth"
	coaching, support, both := []string{"coaching"}, []string{"coaching", "support"}, []string{"coaching", "support", "coaching:support"}
	add(0, "c(achievement, reading) ~ coaching + "+w+" | block", "", estimators.CR1, coaching)
	add(1, "reading ~ coaching + support + "+w+" | block", "", estimators.CR1, support, support)
	add(1, "reading ~ coaching*support + "+w+" | block", "", estimators.CR1, both)
	of = "teacher"
	add(1, "c(reading, achievement) ~ coaching*months*support + "+w+" | block", "", estimators.CR0, both, both)
	add(1, "reading ~ coaching*support + "+w+" | block", "", estimators.CR2, both)
	add(1, "reading ~ coaching + support + I(support + 1) + "+w+" | block", "", estimators.CR1, support) // one is dropped
	of = "school"
	add(0, "below(reading, 20) ~ coaching + support + "+w+" | block", "", estimators.CR1, support)
	add(0, "reading ~ coaching + "+w, "", estimators.CR1, []string{"coaching", "months"})
	add(0, "reading ~ coaching + support + "+w, "", estimators.CR1, []string{"(Intercept)"})
	add(1, "reading ~ coaching + support + "+w, "", estimators.CR1, []string{"support", "months"})
	add(0, "reading ~ 0 + coaching + "+w, "", estimators.CR1, coaching)
	add(1, "reading ~ 0 + coaching*support + support:months + "+w, "", estimators.CR1, both)
	add(0, "reading ~ coaching + months + I(months + 1)", "months > 58", estimators.CR1, coaching)
	add(1, "reading ~ coaching + months + I(months + 1) + support", "months > 58", estimators.CR1, support) // one is dropped in both
	one, err := estimators.Bind(columns, g.Shape(), nil)
	if err != nil {
		t.Fatal(err)
	}
	two, err := estimators.Bind(groups, g.Shape(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for rep := range uint64(3) {
		data, _ := g.Draw(dgp.Stream{Seed: 7, Replicate: rep})
		want := two.Fit(data)
		for i, e := range one.Fit(data) {
			w := want[i]
			same := e.Value == w.Value && math.Abs(e.SE-w.SE) <= 1e-13*w.SE
			if math.IsNaN(w.SE) { // the F of a joint test
				same = math.Abs(e.Value-w.Value) <= 1e-12*w.Value
			}
			if !same || math.Abs(e.DF-w.DF) > 1e-12*w.DF || e.Status != w.Status || !e.Status.Worked() {
				t.Errorf("%+v: %+v, and by group %+v", one.Rows()[i], e, w)
			}
		}
		if found, used := one.Nested(); found != all || used != all-2 {
			t.Errorf("%d regressions are nested, %d use it; want %d and %d", found, used, all, all-2)
		}
	}
}

// Leverage adjusted in columns gives the same estimates as cluster by cluster, but for
// rounding: with coordinates that vary between groups and that do not, more bases than
// four, none of children, clusters beyond the limit of the series, and weights. Where
// clusters have several groups, or not all groups have rows, there are no columns, and
// every bit is the same.
func TestColumnReductionEqualsReductionByGroup(t *testing.T) {
	g, err := ratedTrial().Compile()
	if err != nil {
		t.Fatal(err)
	}
	var columns, groups []estimators.Named
	for formula, report := range map[string][]string{
		"c(reading, below(reading, 20)) ~ coaching*support + order + months + wealth | block": {"coaching", "coaching:support", "months"},
		"reading ~ coaching + months*support + months^2":                                      {"coaching", "months:support", "(Intercept)"},
		"reading ~ months*coaching + months^2 + months^3 + months^4 | block":                  {"coaching", "months^3"},
		"c(achievement, reading) ~ coaching + order + wealth | block":                         {"coaching", "order"},
		"reading ~ months | teacher":                                                          {"months"},
	} {
		for _, se := range []estimators.SE{estimators.CR2, estimators.CR3} {
			for _, o := range []estimators.OLS{
				{Cluster: "teacher"}, {Cluster: "school"}, {Cluster: "teacher", Where: "wealth > -0.5"},
			} {
				o.Formula, o.SE, o.Report = formula, se, report
				name := formula + o.Cluster + o.Where + se.String()
				columns = append(columns, estimators.Named{Name: name, Method: o})
				groups = append(groups, estimators.Named{Name: name, Method: estimators.ByGroup{OLS: o}})
			}
		}
	}
	for _, se := range []estimators.SE{estimators.HC2, estimators.HC3} {
		o := estimators.OLS{Formula: "support ~ coaching + order + wealth | block", SE: se, Report: []string{"coaching", "order"}}
		columns = append(columns, estimators.Named{Name: se.String(), Method: o})
		groups = append(groups, estimators.Named{Name: se.String(), Method: estimators.ByGroup{OLS: o}})
	}
	one, err := estimators.Bind(columns, g.Shape(), nil)
	if err != nil {
		t.Fatal(err)
	}
	two, err := estimators.Bind(groups, g.Shape(), nil)
	if err != nil {
		t.Fatal(err)
	}
	worked := 0
	for rep := range uint64(3) {
		data, _ := g.Draw(dgp.Stream{Seed: 6, Replicate: rep})
		want := two.Fit(data)
		for i, e := range one.Fit(data) {
			w := want[i]
			if e.Status != w.Status || e.Status.Worked() && (e.Value != w.Value && math.Abs(e.Value-w.Value) > 1e-12*w.SE || math.Abs(e.SE-w.SE) > 1e-12*w.SE || math.Abs(e.DF-w.DF) > 1e-11*w.DF) {
				t.Errorf("%+v: %+v, and by group %+v", one.Rows()[i], e, w)
			}
			if e.Status.Worked() {
				worked++
			}
		}
	}
	if worked < 200 {
		t.Errorf("only %d estimates worked", worked)
	}
}
