package sim

import (
	"math"
	"strings"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
)

// A refit is the replicate that was simulated: its tree is the one of the log's rows, and
// of estimators and outcomes that are not asked for there is none.
func TestRefit(t *testing.T) {
	s := smallStudy(4)
	tree := estimators.Methods()["ctree"].(estimators.CTree)
	tree.Formula, tree.MinCriterion = "c(reading, maths) ~ coaching + girl", 0
	lasso := estimators.Methods()["lasso"].(estimators.Lasso)
	lasso.Formula = "reading ~ coaching + girl + talk"
	s.Estimators = append(s.Estimators, Estimator{Name: "tree", Method: tree}, Estimator{Name: "lasso", Method: lasso})
	records, err := s.Simulate(0, 2)
	if err != nil {
		t.Fatal(err)
	}
	grows := func(m estimators.Method) bool { _, is := m.(estimators.CTree); return is }
	rows := []SummaryRow{{Estimator: "itt", Outcome: "reading"}, {Estimator: "tree", Outcome: "maths"}, {Estimator: "lasso", Outcome: "reading"}}
	fit, err := NewRefit(s, rows, 2, grows)
	if err != nil {
		t.Fatal(err)
	}
	if len(fit.Trees) != 1 || fit.Trees[0].Outcome != "maths" || fit.Curves != nil || fit.Replicate != 2 {
		t.Fatalf("%d trees, %+v", len(fit.Trees), fit)
	}
	leaves, n := 0.0, 0
	for _, node := range fit.Trees[0].Nodes {
		if node.Term == "" {
			leaves++
			n += node.N
		}
	}
	found := math.NaN()
	for _, r := range records {
		if r.Estimator == "tree" && r.Outcome == "maths" && r.Term == "leaves" {
			found = r.Value
		}
	}
	if leaves != found || leaves < 2 || n != fit.Trees[0].Nodes[0].N {
		t.Errorf("%v leaves of %d rows, the log says %v", leaves, n, found)
	}
	all, err := NewRefit(s, rows, 2, func(estimators.Method) bool { return true })
	if err != nil || len(all.Curves) != 1 || len(all.Trees) != 1 {
		t.Errorf("%+v, %v", all, err)
	}
	if none, err := NewRefit(s, rows[:1], 0, grows); none != nil || err != nil {
		t.Errorf("no tree: %+v, %v", none, err)
	}
	for _, replicate := range []int{-1, 4} {
		if _, err := NewRefit(s, rows, replicate, grows); err == nil || !strings.Contains(err.Error(), "the run has 0 to 3") {
			t.Errorf("replicate %d: %v", replicate, err)
		}
	}
}

// Of a study of learning the densities are of tests and gains, each within its bounds.
func TestDensitiesOfLearning(t *testing.T) {
	s := smallStudy(1)
	s.Quality, s.Observation, s.Achievement = dgp.Quality{}, dgp.Observation{}, dgp.Achievement{}
	s.Covariates = nil
	s.Design.Arms, s.Design.Assignment, s.Design.Attrition = []string{"control"}, dgp.None{}, dgp.Attrition{}
	s.Learning = new(dgp.Learning)
	s.Learning.SetDefaults()
	s.Learning.Ability.GradeMeans, s.Learning.Ability.ChildSD, s.Learning.Items.Numbers = []float64{0}, 1, []int{12}
	s.Learning.Gains.Mean = 10
	variables, err := StudyDensities(s, 5)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, v := range variables {
		names = append(names, v.Name)
		if v.Part != Learnt || len(v.Densities) != 1 {
			t.Errorf("%s: %d densities", v.Name, len(v.Densities))
			continue
		}
		for i, x := range v.Densities[0].X {
			if v.Name != "gain" && (x < 0 || x > 100) || !(v.Densities[0].Median[i] >= 0) {
				t.Errorf("%s: %v at %v", v.Name, v.Densities[0].Median[i], x)
			}
		}
	}
	if got := strings.Join(names, " "); got != "pretest posttest baseline gain" {
		t.Errorf("densities of %s", got)
	}
}
