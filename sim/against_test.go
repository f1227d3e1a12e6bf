package sim

import (
	"math"
	"strings"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
)

// sortedTrial has children who are sorted between schools by quality, and no
// treatment.
func sortedTrial() dgp.Trial {
	t := dgp.DefaultTrial()
	t.Design.Blocks, t.Design.Schools, t.Design.Teachers, t.Design.Tested = 1, 40, 3, 10
	t.Design.Children = dgp.ClassSize{Mean: 10}
	t.Design.Arms, t.Design.Assignment = []string{"control"}, dgp.None{}
	t.Quality = dgp.Quality{
		Domains: []string{"q"}, SD: []float64{0.8}, Correlation: dgp.Matrix{{1}},
		School: dgp.SchoolQuality{SD: []float64{0.6}, Correlation: dgp.Matrix{{1}}}, Oracle: true,
	}
	t.Observation.Segments, t.Observation.Coders = 2, 2
	t.Observation.Scale = dgp.RatingScale{Mean: []float64{0}, Points: []float64{1}, Min: -100, Max: 100}
	t.Observation.SegmentSD, t.Observation.CoderSD = []float64{0.8}, []float64{0.4}
	t.Observation.ErrorCorrelation, t.Observation.Points = dgp.Matrix{{1}}, true
	t.Achievement.Tests, t.Achievement.Points = []string{"reading"}, true
	t.Achievement.Residual = dgp.Matrix{{0.9}}
	t.Achievement.TeacherSD = 0.1
	t.Achievement.Slope = dgp.Slopes{Control: []float64{0.2}, Treated: []float64{0.2}, School: []float64{0.3}}
	return t
}

func sortedStudy() Study {
	ols := func(formula string) estimators.OLS {
		return estimators.OLS{Formula: formula, Rows: "child", Cluster: "school", SE: estimators.CR1, Report: []string{"class"}}
	}
	s := DefaultStudy()
	s.Aim, s.Trial, s.Replicates = "what does sorting do?", sortedTrial(), 400
	s.Estimators = []Estimator{
		{Name: "between", Method: ols("reading ~ class"), Against: "causal"},
		{Name: "within", Method: ols("reading ~ class | school"), Against: "causal-within"},
		{Name: "causal", Method: ols("achievement_caused ~ class")},
		{Name: "causal-within", Method: ols("achievement_caused ~ class | school")},
	}
	return s
}

// TestAgainstIsTheBiasOfSorting: the slope between classes is biased by what
// sorting adds, γ Var(b)/Var(score); within schools it is not biased; the truths
// are attenuated causal slopes, β (reliability). A right program fails once in 1e4
// draws of the seed (four checks at 4.5 MCSE).
func TestAgainstIsTheBiasOfSorting(t *testing.T) {
	s := sortedStudy()
	w, err := newWorld(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	var truth, bias [2]moments
	for rep := range s.Replicates {
		estimates := w.replicate(rep)
		for i := range truth {
			if w.truth[i] != estimates[w.reference[i]].Value {
				t.Fatal("the truth is not the estimate of the reference")
			}
			truth[i].add(w.truth[i])
			bias[i].add(estimates[i].Value - w.truth[i])
		}
		if !math.IsNaN(w.truth[2]) || w.estimand[2] != "" || w.estimand[0] != "estimate of causal" {
			t.Fatalf("estimands %q, truth of the reference %g", w.estimand, w.truth[2])
		}
	}
	const quality, school, wrong = 0.64, 0.36, 0.64/2 + 0.16/4
	for name, pair := range map[string][2]float64{
		"truth between": {0.2 * (quality + school) / (quality + school + wrong), 0},
		"truth within":  {0.2 * quality / (quality + wrong), 1},
	} {
		if m := truth[int(pair[1])]; math.Abs(m.mean()-pair[0]) > 4.5*m.mcse() {
			t.Errorf("%s is %g (%g), not %g", name, m.mean(), m.mcse(), pair[0])
		}
	}
	for name, pair := range map[string][2]float64{"between": {0.3 * school / (quality + school + wrong), 0}, "within": {0, 1}} {
		if m := bias[int(pair[1])]; math.Abs(m.mean()-pair[0]) > 4.5*m.mcse() {
			t.Errorf("the bias %s schools is %g (%g), not %g", name, m.mean(), m.mcse(), pair[0])
		}
	}
	if n := testing.AllocsPerRun(5, func() { w.replicate(1) }); n != 0 {
		t.Errorf("a replicate allocates %.1f times", n)
	}
}

func TestAgainstFaults(t *testing.T) {
	for want, change := range map[string]func(s *Study){
		`there is no estimator "causl"; did you mean "causal"?`:          func(s *Study) { s.Estimators[0].Against = "causl" },
		"an estimator cannot be held against itself":                     func(s *Study) { s.Estimators[0].Against = "between" },
		`"within" is itself held against "causal-within"; name that one`: func(s *Study) { s.Estimators[0].Against = "within" },
		"says what estimand says in another way; leave one of them out":  func(s *Study) { s.Estimators[0].Estimand = Sample },
		`"between" has 1 terms and "causal" 2; they must be as many, in the same order`: func(s *Study) {
			s.Estimators[2].Method = estimators.OLS{Formula: "achievement_caused ~ class + q", Cluster: "school", SE: estimators.CR1, Report: []string{"class", "q"}}
		},
	} {
		s := sortedStudy()
		change(&s)
		var got []string
		for _, f := range s.Validate() {
			got = append(got, f.Message)
		}
		if strings.Join(got, "\n") != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
