package estimators_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/estimators/estimatortest"
)

// Randomisation inference done the slow and obvious way: the arm's column is
// replaced by each assignment, and the regression fitted again.
func TestRandomisationRefitted(t *testing.T) {
	const draws = 99
	st := dgp.Stream{Seed: 9, Replicate: 4}
	for _, c := range []struct {
		formula, where string
		scheme         dgp.Assignment
		statistic      estimators.Statistic
		se             estimators.SE
		cluster        string
		weights        string
	}{
		{"score ~ coaching + ses + rural | block", "", dgp.Blocked{Share: 0.5}, estimators.Coefficient, hc1, "", ""},
		{"score ~ ses + coaching + experience + founded", "girl == 1", dgp.Complete{Share: 0.4}, estimators.Coefficient, hc1, "", ""},
		{"c(score, class) ~ coaching", "", dgp.Simple{Share: 0.5}, estimators.Coefficient, hc1, "", ""},
		{"score ~ coaching + ses - 1", "", dgp.Blocked{Share: 0.3}, estimators.Coefficient, hc1, "", ""},
		{"class ~ coaching + experience | cohort", "", dgp.Blocked{Share: 0.5}, estimators.Coefficient, hc1, "", ""},
		{"c(score, class) ~ coaching + ses + rural + ses:experience | block", "", dgp.Blocked{Share: 0.5}, estimators.StudentT, cr1, "school", ""},
		{"score ~ ses + coaching + experience + founded", "girl == 1", dgp.Complete{Share: 0.4}, estimators.StudentT, estimators.CR0, "teacher", ""},
		{"c(score, class) ~ coaching + girl", "", dgp.Simple{Share: 0.5}, estimators.StudentT, classical, "", ""},
		{"score ~ coaching + ses - 1", "", dgp.Blocked{Share: 0.3}, estimators.StudentT, cr1, "cohort", ""},
		{"class ~ coaching + experience | cohort", "", dgp.Blocked{Share: 0.5}, estimators.StudentT, hc1, "", ""},
		{"c(score, class) ~ coaching + ses | block", "", dgp.Blocked{Share: 0.5}, estimators.StudentT, cr1, "school", "experience"},
		{"class ~ coaching + rural", "", dgp.Blocked{Share: 0.5}, estimators.StudentT, classical, "", "experience"},
		{"score ~ coaching + ses + boy + girl | cohort", "", dgp.Blocked{Share: 0.5}, estimators.StudentT, cr1, "school", ""},
	} {
		shape, d := estimatortest.Small.Shape(), estimatortest.Small.Draw(3)
		shape.Assignment = c.scheme
		// Two schools left after they had been randomised.
		more := *d.Randomised
		starts := slices.Clone(more.Start[dgp.SchoolLevel])
		starts[len(starts)-1] += 2
		more.Start[dgp.SchoolLevel] = starts
		more.N[dgp.SchoolLevel] += 2
		d.Randomised = &more
		shape.Max[dgp.SchoolLevel] += 2
		o := estimators.OLS{Formula: c.formula, Where: c.where, SE: c.se, Cluster: c.cluster, Weights: c.weights, Report: []string{"coaching"}}
		if strings.HasPrefix(c.formula, "c(") {
			o.Rows = "child"
		}
		panel, err := estimators.Bind([]estimators.Named{{Name: "ri", Method: estimators.Randomisation{OLS: o, Draws: draws, Statistic: c.statistic}}}, shape, nil)
		if err != nil {
			t.Fatal(err)
		}
		panel.Use(st)
		got := slices.Clone(panel.Fit(d))

		arm := shape.Index("coaching")
		own := d.Columns[arm]
		// refit fits outcomes less null times the data's own assignment, on
		// another assignment.
		refit := func(treated []float64, null float64) []estimators.Estimate {
			other := estimatortest.Clone(d)
			other.Columns[arm] = treated
			for _, name := range []string{"score", "class"} {
				k := shape.Index(name)
				for i := range other.Columns[k] {
					other.Columns[k][i] -= null * own[d.Ancestor(shape.Columns[k].Level, i, dgp.SchoolLevel)]
				}
			}
			_, e := fitOne(t, o, other, shape)
			return slices.Clone(e)
		}
		p := func(null float64) []float64 {
			statistic := func(e estimators.Estimate) float64 {
				if c.statistic == estimators.StudentT {
					return math.Abs(e.Value / e.SE)
				}
				return math.Abs(e.Value)
			}
			data := refit(own, null)
			count := make([]float64, len(data))
			rng := dgp.NewSource().Load(st, dgp.EstimatorPurpose("ri"))
			drawn, assign := make([]int, d.Randomised.Len()), c.scheme.Compile(shape).Assign
			for range draws {
				assign(drawn, d.Randomised, rng)
				treated := make([]float64, len(own))
				for s := range treated {
					treated[s] = float64(drawn[d.Place[s]])
				}
				for i, e := range refit(treated, null) {
					if statistic(e) >= statistic(data[i])*(1-1e-9) { // NaN is not
						count[i]++
					}
				}
			}
			for i := range count {
				count[i] = (count[i] + 1) / (draws + 1)
			}
			return count
		}
		for i, want := range p(0) {
			if math.Abs(got[i].P-want) > 1e-12 {
				t.Errorf("%s, estimate %d: p %v, want %v", c.formula, i, got[i].P, want)
			}
		}
		for i, e := range got {
			width := e.High - e.Low
			if math.IsInf(width, 0) {
				continue
			}
			for _, end := range [][2]float64{{e.Low + 1e-4*width, e.Low - 1e-4*width}, {e.High - 1e-4*width, e.High + 1e-4*width}} {
				if in, out := p(end[0])[i], p(end[1])[i]; in <= 0.05 || out > 0.05 {
					t.Errorf("%s: interval %v to %v: p %v just inside, %v just outside", c.formula, e.Low, e.High, in, out)
				}
			}
		}
	}
}

func TestRandomisationRefuses(t *testing.T) {
	shape := estimatortest.Small.Shape()
	unknown := shape
	unknown.Assignment = nil
	itt := estimators.OLS{Formula: "score ~ coaching + ses", SE: hc1, Report: []string{"coaching"}}
	with := func(change func(*estimators.OLS)) estimators.OLS { o := itt; change(&o); return o }
	for _, c := range []struct {
		shape dgp.Shape
		ols   estimators.OLS
		want  string
	}{
		{unknown, itt, "do not say how arms were assigned"},
		{shape, with(func(o *estimators.OLS) { o.Report = []string{"ses"} }), `"ses" is not an arm`},
		{shape, with(func(o *estimators.OLS) { o.Report = []string{"coaching", "ses"} }), "about one term"},
		{shape, with(func(o *estimators.OLS) { o.Formula = "score ~ coaching*ses" }), "another term too"},
	} {
		_, err := estimators.Bind([]estimators.Named{{Name: "ri", Method: estimators.Randomisation{OLS: c.ols, Draws: 99}}}, c.shape, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.ols.Formula, err, c.want)
		}
	}
}
