package estimators_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/estimators/estimatortest"
	"coachsim/estimators/forest"
)

// The rows of a forest are what its engine says of the same rows and draws, by
// hand: teachers' rows in order, with a school's column and a mean of children.
func TestForestRows(t *testing.T) {
	design := estimatortest.Design{Blocks: 3, Schools: 8, Teachers: 2, Children: 5, Effect: 0.4, Shared: 0.4}
	shape, d := design.Shape(), design.Draw(5)
	method := estimators.CForest{
		Formula: "class ~ experience + rural + factor(block) + mean(score, teacher)", Where: "experience > 1",
		Growing: estimators.Growing{Statistic: forest.Maximum, Adjust: forest.Univariate, MinSplit: 12, MinBucket: 4}, Trees: 30, Mtry: 2, Fraction: 0.7,
		Importance: forest.Permutation, Using: true, Emerges: forest.Emergence{Rule: forest.PositiveRule},
	}
	tree := estimators.CTree{Formula: method.Formula, Where: method.Where, Growing: method.Growing, Report: []string{"rural", "factor(block)"}}
	panel, err := estimators.Bind([]estimators.Named{{Name: "woods", Method: method}, {Name: "tree", Method: tree}}, shape, nil)
	if err != nil {
		t.Fatal(err)
	}
	stream := dgp.Stream{Seed: 3, Replicate: 9}
	panel.Use(stream)
	got := panel.Fit(d)

	column := func(name string) []float64 { return d.Columns[shape.Index(name)] }
	inputs := []forest.Variable{{}, {}, {Scale: forest.Unordered, Levels: 3}, {}}
	x, y := make([][]float64, len(inputs)), []float64(nil)
	for u := range d.N[dgp.TeacherLevel] {
		if !(column("experience")[u] > 1) {
			continue
		}
		school := d.Ancestor(dgp.TeacherLevel, u, dgp.SchoolLevel)
		mean := 0.0
		children := column("score")[d.ChildStart[u]:d.ChildStart[u+1]]
		for _, v := range children {
			mean += v / float64(len(children))
		}
		for j, v := range []float64{column("experience")[u], column("rural")[school], float64(d.Ancestor(dgp.TeacherLevel, u, dgp.BlockLevel)), mean} {
			x[j] = append(x[j], v)
		}
		y = append(y, column("class")[u])
	}
	f := forest.New(inputs, len(y))
	if err := f.Load(y, x); err != nil {
		t.Fatal(err)
	}
	var rows []int
	for i := range y {
		rows = append(rows, i)
	}
	c := forest.Control{Statistic: forest.Maximum, Adjustment: forest.Univariate, MinSplit: 12, MinBucket: 4, Inputs: 2, Fraction: 0.7}
	r := dgp.NewSource().Load(stream, dgp.EstimatorPurpose("woods")).Rand
	f.Grow(rows, c, 30, r)
	importance := make([]float64, 4)
	f.Importance(forest.Importance{Variation: forest.Permutation, Using: true}, importance, r)
	var want []float64
	var terms []string
	for j, v := range importance {
		want = append(want, v)
		terms = append(terms, "importance("+[]string{"experience", "rural", "factor(block)", "mean(score, teacher)"}[j]+")")
	}
	for j, v := range importance {
		want = append(want, 0)
		if v > 0 {
			want[4+j] = 1
		}
		terms = append(terms, "emerges("+terms[j][len("importance("):])
	}
	want, terms = append(want, f.OOBMSE()), append(terms, "oob_mse")
	c.Inputs = 0
	f.GrowTree(rows, c, nil)
	used := make([]bool, 4)
	leaves, depth := f.Shape(0, used)
	if leaves < 3 || !used[0] && !used[3] {
		t.Fatalf("the tree is trivial: %d leaves, %v", leaves, used)
	}
	for _, j := range []int{1, 2} {
		want = append(want, map[bool]float64{true: 1}[used[j]])
	}
	terms = append(terms, "split(rural)", "split(factor(block))", "leaves", "depth")
	want = append(want, float64(leaves), float64(depth))
	if len(got) != len(want) {
		t.Fatalf("%d estimates, not %d", len(got), len(want))
	}
	for i, row := range panel.Rows() {
		if row.Term != terms[i] || row.Outcome != "class" || row.Target != nil {
			t.Errorf("row %d is %+v, not %s", i, row, terms[i])
		}
		if got[i].Status != estimators.OK || math.Abs(got[i].Value-want[i]) > 1e-12 {
			t.Errorf("%s is %v, not %v", row.Term, got[i], want[i])
		}
	}
	trees := panel.Trees()
	if len(trees) != 1 || trees[0].Estimator != "tree" || trees[0].Outcome != "class" || len(trees[0].Nodes) != 2*leaves-1 {
		t.Fatalf("trees: %+v", trees)
	}
	for _, n := range trees[0].Nodes {
		if n.Term == "factor(block)" && slices.Contains(n.Levels, "0") {
			t.Errorf("blocks are counted from 1: %v", n.Levels)
		}
	}
}

// Faults of trees and forests name their key.
func TestFaultsOfTrees(t *testing.T) {
	design := estimatortest.Design{Blocks: 6, Schools: 4, Teachers: 1, Children: 5}
	grow := estimators.Growing{MinSplit: 20, MinBucket: 7}
	for want, method := range map[string]estimators.Method{
		"formula: at character 20: trees have no random effects":               estimators.CTree{Formula: "score ~ ses + (1 | school)", Growing: grow},
		"formula: at character 15: trees absorb no effects":                    estimators.CTree{Formula: "score ~ ses | block", Growing: grow},
		"formula: \"factor(school)\" has 24 unordered levels":                  estimators.CTree{Formula: "score ~ ses + factor(school)", Growing: grow},
		"mtry: 3 inputs are to be drawn for a node; the formula has 2":         estimators.CForest{Formula: "score ~ ses + age", Growing: grow, Trees: 3, Fraction: 0.6, Mtry: 3},
		"conditional: the conditional importance permutes values":              estimators.CForest{Formula: "score ~ ses + age", Growing: grow, Trees: 3, Fraction: 0.6, Conditional: 0.2},
		"report[1]: \"girl\" is not an input of the formula":                   estimators.CTree{Formula: "score ~ ses + age", Growing: grow, Report: []string{"ses", "girl"}},
		"report[1]: \"ses\" stands here twice":                                 estimators.CTree{Formula: "score ~ ses + age", Growing: grow, Report: []string{"ses", "ses"}},
		"tune.mincriterion[0]: 1 must be at least 0 and below 1":               estimators.CForest{Formula: "score ~ ses", Growing: grow, Trees: 3, Fraction: 0.6, Tune: &estimators.ForestGrid{MinCriterion: []float64{1}, Trees: []int{5}, MinSplit: []int{5}}},
		"formula: a factor of teacher units cannot be an input of school rows": estimators.CTree{Formula: "attendance ~ rural + factor(track)", Growing: grow},
		"where: a child column cannot restrict teacher rows":                   estimators.CTree{Formula: "class ~ experience", Where: "girl == 1", Growing: grow},
	} {
		_, err := estimators.Bind([]estimators.Named{{Name: "x", Method: method}}, design.Shape(), nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, not %s", err, want)
		}
	}
}
