package estimators_test

import (
	"math"
	"slices"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
)

// The quartiles of a tree's nodes are those of the rows that the splits on the way send
// there, with a factor among them.
func TestTreeQuartiles(t *testing.T) {
	shape, d := predictionDesign.Shape(), predictionDesign.Draw(2)
	method := estimators.Methods()["ctree"].(estimators.CTree)
	method.Formula, method.MinCriterion, method.MinSplit, method.MinBucket = "class ~ experience + es_s1_c1 + factor(block) + rural", 0, 10, 4
	panel, err := estimators.Bind([]estimators.Named{{Name: "tree", Method: method}}, shape, nil)
	if err != nil {
		t.Fatal(err)
	}
	panel.Fit(d)
	tree := panel.Trees()[0]
	factors := 0
	for at := range tree.Nodes {
		var values []float64
		for u, y := range d.Columns[shape.Index("class")] {
			i := 0
			for i < at && tree.Nodes[i].Term != "" { // a walk down to the node or past it
				n := tree.Nodes[i]
				var left bool
				if n.Levels != nil {
					factors++
					left = slices.Contains(n.Levels, string(rune('1'+d.Ancestor(dgp.TeacherLevel, u, dgp.BlockLevel))))
				} else {
					c := shape.Index(n.Term)
					left = d.Columns[c][d.Ancestor(dgp.TeacherLevel, u, shape.Columns[c].Level)] <= n.Cut
				}
				if i = n.Right; left {
					i = n.Left
				}
			}
			if i == at {
				values = append(values, y)
			}
		}
		slices.Sort(values)
		n := tree.Nodes[at]
		if len(values) != n.N {
			t.Fatalf("node %d has %d rows, the splits send %d there", at, n.N, len(values))
		}
		for k, got := range n.Quartiles {
			place := float64(k) / 4 * float64(len(values)-1)
			low := int(place)
			want := values[low]
			if low+1 < len(values) {
				want += (place - float64(low)) * (values[low+1] - values[low])
			}
			if math.Abs(got-want) > 1e-12 {
				t.Errorf("node %d: quartile %d is %v, want %v", at, k, got, want)
			}
		}
	}
	if len(tree.Nodes) < 5 || factors == 0 {
		t.Errorf("%d nodes, %d splits of a factor: the test sees little", len(tree.Nodes), factors)
	}
}

// The curve of a prediction's lambda is that of a LASSO of the same name, grid and rows,
// which has the same folds.
func TestPredictionCurve(t *testing.T) {
	shape, d := predictionDesign.Shape(), predictionDesign.Draw(5)
	curve := func(m estimators.Method) []estimators.LassoCurve {
		panel, err := estimators.Bind([]estimators.Named{{Name: "lasso", Method: m}}, shape, nil)
		if err != nil {
			t.Fatal(err)
		}
		panel.Use(dgp.Stream{Seed: 4, Replicate: 2})
		panel.Fit(d)
		return panel.LassoCurves()
	}
	runs := &estimators.LassoRuns{}
	runs.SetDefaults()
	runs.From, runs.To, runs.Lambdas = 1, 1e-3, 40
	prediction := estimators.Prediction{Formula: predictionFormula, Model: estimators.LASSO, Runs: 3, TestShare: 0.2, Lasso: runs}
	single := defaults
	single.Formula, single.Grid = predictionFormula, &estimators.LambdaGrid{From: 1, To: 1e-3, Points: 40}
	got, want := curve(prediction)[0], curve(single)[0]
	if got.Estimator != "lasso" || got.Outcome != "class" || got.Min != want.Min || got.OneSE != want.OneSE || got.Taken != want.Taken || got.Selected != want.Selected || !slices.Equal(got.NonZero, want.NonZero) {
		t.Errorf("%+v, want %+v", got, want)
	}
	for k := range want.Lambda {
		if math.Abs(got.Mean[k]-want.Mean[k]) > 1e-10 || math.Abs(got.SD[k]-want.SD[k]) > 1e-10 || math.Abs(got.Lambda[k]-want.Lambda[k]) > 1e-12 {
			t.Errorf("at lambda %v: %v (%v), want %v (%v)", want.Lambda[k], got.Mean[k], got.SD[k], want.Mean[k], want.SD[k])
		}
	}
	if math.Abs(got.Intercept-want.Intercept) > 1e-10 || math.Abs(got.R2-want.R2) > 1e-10 {
		t.Errorf("intercept %v, R² %v; want %v, %v", got.Intercept, got.R2, want.Intercept, want.R2)
	}
	runs.Lambda = estimators.LambdaPerRun
	if got := curve(prediction); got != nil {
		t.Errorf("a lambda per run has the curves %+v", got)
	}
}

// Curves are of the most important inputs, at values that occur, and of a step they
// show the step.
func TestForestCurves(t *testing.T) {
	shape, d := predictionDesign.Shape(), predictionDesign.Draw(5)
	y, x := d.Columns[shape.Index("class")], d.Columns[shape.Index("experience")]
	for i := range y {
		if y[i] *= 0.05; x[i] > 5 {
			y[i] += 4
		}
	}
	forest := estimators.Methods()["cforest"].(estimators.CForest)
	forest.Formula, forest.Trees, forest.Mtry = "class ~ experience + factor(block) + rural", 200, 3
	runs := &estimators.ForestRuns{}
	runs.SetDefaults()
	runs.Trees, runs.Inputs = 100, 8
	panel, err := estimators.Bind([]estimators.Named{
		{Name: "forest", Method: forest},
		{Name: "runs", Method: estimators.Prediction{Formula: predictionFormula, Model: estimators.ConditionalForest, Runs: 3, TestShare: 0.2, Forest: runs}},
		{Name: "ols", Method: estimators.Prediction{Formula: predictionFormula, Runs: 3, TestShare: 0.2}},
	}, shape, nil)
	if err != nil {
		t.Fatal(err)
	}
	panel.Use(dgp.Stream{Seed: 8})
	got := slices.Clone(panel.Fit(d))
	curves := panel.ForestCurves()
	if len(curves) != 2 || len(curves[0].Inputs) != 3 || len(curves[1].Inputs) != 6 || curves[1].Trees != 100 || curves[1].Rows != len(y) {
		t.Fatalf("curves %+v", curves)
	}
	for _, c := range curves {
		for k, in := range c.Inputs {
			if k > 0 && in.Importance > c.Inputs[k-1].Importance {
				t.Errorf("%s: %s is more important than the one before", c.Estimator, in.Term)
			}
			if len(in.X) > 21 || len(in.Predicted) != len(in.X) || in.Labels == nil && !slices.IsSorted(in.X) || (in.Labels != nil) != (in.Term == "factor(block)") {
				t.Errorf("%s: %+v", c.Estimator, in)
			}
		}
		top := c.Inputs[0]
		if top.Term != "experience" {
			t.Fatalf("%s: %s is the most important", c.Estimator, top.Term)
		}
		step := 0.0
		for k, v := range top.X {
			if !slices.Contains(x, v) {
				t.Errorf("%v does not occur", v)
			}
			if k > 0 && v > 5 && top.X[k-1] <= 5 {
				step = top.Predicted[k] - top.Predicted[k-1]
			}
		}
		if step < 2.5 {
			t.Errorf("%s: the prediction rises by %v at the step of 4", c.Estimator, step)
		}
	}
	for i, row := range panel.Rows() {
		if row.Estimator == "forest" && row.Term == "importance(experience)" && got[i].Value != curves[0].Inputs[0].Importance {
			t.Errorf("importance %v, want %v", curves[0].Inputs[0].Importance, got[i].Value)
		}
	}
}
