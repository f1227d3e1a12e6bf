package estimators_test

import (
	"strings"
	"testing"

	"coachsim/estimators"
	"coachsim/estimators/estimatortest"
)

func TestTwoWayAgainstReference(t *testing.T) {
	design := estimatortest.Design{Blocks: 4, Schools: 8, Teachers: 3, Children: 4, Effect: 0.3, Shared: 0.5}
	worked := 0
	for _, o := range []estimators.OLS{
		{Formula: "c(score, class) ~ coaching + ses + age", Rows: "child", Cluster: "school + track", SE: cr0, Report: []string{"coaching", "ses", "(Intercept)"}},
		{Formula: "score ~ coaching + ses + experience | block", Cluster: "school + track", SE: cr1, Report: []string{"coaching", "ses", "experience"}},
		{Formula: "score ~ coaching + ses + experience | cohort", Cluster: "teacher+block", SE: cr1, Report: []string{"coaching", "ses"}, Joint: [][]string{{"coaching", "ses"}}}, // nested: block alone
		{Formula: "score ~ coaching + ses", Weights: "weight", Where: "girl == 1", Cluster: "cohort + block", SE: cr1, Report: []string{"coaching", "ses"}},
		{Formula: "class ~ coaching + experience | block", Cluster: "school + track", SE: fixest, Report: []string{"coaching", "experience"}},
		{Formula: "score ~ ses + girl | school", Cluster: "school + track", SE: fixest, Report: []string{"ses", "girl"}},
		{Formula: "score ~ ses + girl | teacher", Cluster: "school", SE: fixest, Report: []string{"ses", "girl"}, Joint: [][]string{{"ses", "girl"}}},
		{Formula: "score ~ coaching + ses | cohort", Cluster: "block", SE: fixest, Report: []string{"coaching", "ses"}},
		{Formula: "score ~ coaching + ses", Cluster: "school", SE: fixest, Report: []string{"coaching", "(Intercept)"}},
	} {
		for seed := range uint64(3) {
			for _, e := range reference(t, o, design.Draw(seed), design.Shape(), 1e-9) {
				if e.Status.Worked() {
					worked++
				}
			}
		}
	}
	if worked < 50 {
		t.Errorf("only %d estimates worked", worked)
	}
}

// With a factor and one that contains it, V is the larger one's alone.
func TestTwoWayNested(t *testing.T) {
	design := estimatortest.Small
	shape, d := design.Shape(), design.Draw(1)
	o := estimators.OLS{Formula: "score ~ coaching + ses", Cluster: "school", SE: cr1, Report: []string{"coaching", "ses"}, Joint: [][]string{{"coaching", "ses"}}}
	rows, want := fitOne(t, o, d, shape)
	for _, cluster := range []string{"school + teacher", "teacher + school"} {
		o.Cluster = cluster
		_, got := fitOne(t, o, d, shape)
		if err := estimatortest.Compare(rows, got, want, 1e-11); err != nil {
			t.Errorf("%s: %v", cluster, err)
		}
	}
}

// Where V₁ + V₂ - V₁₂ is negative the status says so, and only there.
func TestNotPositive(t *testing.T) {
	design := estimatortest.Design{Blocks: 2, Schools: 4, Teachers: 3, Children: 4, Effect: 0.3}
	shape := design.Shape()
	o := estimators.OLS{Formula: "score ~ coaching + ses + girl + experience", Cluster: "cohort + track", SE: cr1, Report: []string{"coaching", "ses", "girl", "experience"}, Joint: [][]string{{"ses", "girl"}}}
	count := map[estimators.Status]int{}
	for seed := range uint64(40) {
		for _, e := range reference(t, estimators.OLS{Formula: o.Formula, Cluster: o.Cluster, SE: o.SE, Report: o.Report}, design.Draw(seed), shape, 1e-6) {
			count[e.Status]++
		}
		_, got := fitOne(t, o, design.Draw(seed), shape)
		if e := got[4]; e.Status != estimators.OK && e.Status != estimators.NotPositive {
			t.Errorf("joint: %+v", e)
		}
	}
	if count[estimators.NotPositive] == 0 || count[estimators.OK] == 0 {
		t.Errorf("%v", count)
	}
}

func TestTwoWayThatCannotBe(t *testing.T) {
	ols := estimators.OLS{Formula: "score ~ coaching", SE: cr1, Report: []string{"coaching"}}
	with := func(cluster string, se estimators.SE) estimators.OLS {
		o := ols
		o.Cluster, o.SE = cluster, se
		return o
	}
	for _, c := range []struct {
		method estimators.Method
		want   string
	}{
		{with("school + scholl", cr1), "did you mean \"school\"?"},
		{with("school + school", cr1), "stands here twice"},
		{with("school + track + block", cr1), "at most two factors; here are 3"},
		{with("school + track", cr2), "CR2 is defined for one factor of clusters"},
		{with("school +", cr1), "is no level of the data"},
		{estimators.WildBootstrap{OLS: with("school + track", cr1), Draws: 99}, "the wild cluster bootstrap takes clusters of one factor"},
		{estimators.WildBootstrap{OLS: with("school", fixest), Draws: 99}, "studentises by CR0 or CR1"},
		{estimators.IV{Formula: "score ~ ses | class ~ coaching", Cluster: "school + track", SE: cr1, Report: []string{"class"}}, "two-stage least squares takes clusters of one factor"},
		{estimators.IV{Formula: "score ~ ses | class ~ coaching", Cluster: "school", SE: fixest, Report: []string{"class"}}, "CR1-fixest is not defined for instruments here"},
	} {
		_, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: c.method}}, estimatortest.Small.Shape(), nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}
