package forest_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators/forest"
)

// After the first data set, loading, growing and all that is computed from a
// forest allocate nothing.
func TestGrowingAllocatesNothing(t *testing.T) {
	const n, p = 120, 12
	y, x := teachers(n, p, 4)
	variables := numeric(p)
	variables[0] = forest.Variable{Scale: forest.Unordered, Levels: 2}
	variables[4] = forest.Variable{Scale: forest.Unordered, Levels: 4}
	variables[6] = variables[4]
	for i := range n {
		x[4][i] = float64(i % 4)
		x[6][i] = float64(i / 5 % 4)
	}
	f := forest.New(variables, n)
	train, test := upTo(n)[:100], upTo(n)[100:]
	source := dgp.NewSource()
	dst, order, marked := make([]float64, p), make([]int, p), make([]bool, p)
	predicted := make([]float64, len(test))
	grid := forest.Grid{MinCriterion: []float64{0, 0.9}, Trees: []int{5, 10}, MinSplit: []int{10, 20}}
	errs := make([]float64, grid.Points())
	control := forest.Defaults(p)
	controls := [4]forest.Control{control, control, control, control}
	controls[1].Bootstrap = true
	controls[2].Statistic, controls[2].Adjustment, controls[2].Permutations = forest.Maximum, forest.BonferroniAll, 9
	controls[3].Statistic, controls[3].MaxDepth, controls[3].Inputs = forest.Maximum, 1, 2
	run := func() {
		r := source.Load(dgp.Stream{Seed: 1}, 1).Rand
		if err := f.Load(y, x); err != nil {
			t.Fatal(err)
		}
		f.Tune(train, grid, control, errs, r)
		for _, c := range controls {
			f.Grow(train, c, 10, r)
			f.More(3, r)
			f.OOBMSE()
			f.Predict(test, predicted)
			f.MSE(test)
			for _, kind := range []forest.Importance{{}, {Variation: forest.Permutation}, {Variation: forest.NodePermutation, Using: true}, {Variation: forest.Permutation, Conditional: 0.2}} {
				f.Importance(kind, dst, r)
			}
			for _, e := range []forest.Emergence{{}, {Rule: forest.TopRule, Top: 3}} {
				e.Mark(dst, order, marked)
			}
			forest.Relative(dst)
			f.PartialDependence(1, dst[:2], predicted)
			f.PredictValues(dst)
		}
		f.GrowTree(train, forest.TreeDefaults(), r)
		f.Shape(0, marked)
	}
	if allocs := testing.AllocsPerRun(3, run); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func TestDataThatCannotBeLoaded(t *testing.T) {
	f := forest.New([]forest.Variable{{}, {Scale: forest.Unordered, Levels: 3}}, 3)
	y, x := []float64{1, 2, 4}, [][]float64{{1, 2, 3}, {0, 1, 2}}
	if err := f.Load(y, x); err != nil {
		t.Fatal(err)
	}
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		y    []float64
		x    [][]float64
		want error
	}{
		{[]float64{1, nan, 2}, x, forest.ErrNotFinite},
		{y, [][]float64{{1, inf, 2}, {0, 1, 2}}, forest.ErrNotFinite},
		{y, [][]float64{{1, 2, 3}, {0, 1, 3}}, forest.ErrLevel},
		{y, [][]float64{{1, 2, 3}, {0, 0.5, 2}}, forest.ErrLevel},
		{y, [][]float64{{1, 2, 3}, {0, nan, 2}}, forest.ErrLevel},
		{nil, [][]float64{{}, {}}, forest.ErrNotFinite},
	} {
		if err := f.Load(c.y, c.x); !errors.Is(err, c.want) {
			t.Errorf("%v, %v: %v, not %v", c.y, c.x, err, c.want)
		}
	}
}

// All faults of a control, and of variables, are told at once.
func TestFaultsAreToldAtOnce(t *testing.T) {
	c := forest.Control{Statistic: 9, Adjustment: 9, Permutations: -1, MinCriterion: 1, MinShare: 0.5, Inputs: 5, MaxDepth: -1, Fraction: 2}
	text := c.Validate(4).Error()
	for _, want := range []string{"Statistic(9)", "Adjustment(9)", "permutations are -1", "criterion is 1", "to be split needs 0", "child needs 0 rows", "share of 0.5", "5 inputs are to be drawn for a node; there are 4", "at most -1", "fraction of rows for a tree is 2"} {
		if !strings.Contains(text, want) {
			t.Errorf("the faults do not tell %q:\n%s", want, text)
		}
	}
	for p := 1; p < 60; p++ {
		if err := errors.Join(forest.TreeDefaults().Validate(p), forest.Defaults(p).Validate(p)); err != nil {
			t.Errorf("%d inputs: %v", p, err)
		}
	}
	variables := []forest.Variable{{Name: "region", Scale: forest.Unordered, Levels: 21}, {Name: "one", Scale: forest.Unordered, Levels: 1}}
	text = forest.ValidateVariables(variables, 70000).Error()
	for _, want := range []string{"70000", `"region" has 21`, `"one" has 1`} {
		if !strings.Contains(text, want) {
			t.Errorf("the faults do not tell %q:\n%s", want, text)
		}
	}
	if forest.ValidateVariables(nil, 10) == nil {
		t.Error("no input is no fault")
	}
}

func TestEmergence(t *testing.T) {
	importance := []float64{0.5, -0.1, 0.1, 0.02, 0, 0.11, 0.02}
	for text, want := range map[string][]int{
		"absmin":     {0, 5},
		"positive":   {0, 2, 3, 5, 6},
		"top:2":      {0, 5},
		"top:4":      {0, 2, 3, 5},
		"top:9":      {0, 2, 3, 5, 6},
		"share:0.05": {0, 2, 5},
	} {
		var e forest.Emergence
		if err := e.UnmarshalText([]byte(strings.ToUpper(text))); err != nil {
			t.Fatal(err)
		}
		if e.String() != text {
			t.Errorf("%s is written %s", text, e)
		}
		marked := make([]bool, len(importance))
		e.Mark(importance, make([]int, len(importance)), marked)
		var got []int
		for j, m := range marked {
			if m {
				got = append(got, j)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("by %s emerge %v, not %v", text, got, want)
		}
	}
	for _, text := range []string{"", "top", "top:0", "top:x", "share:1", "share:0", "absmin:3", "best"} {
		var e forest.Emergence
		if err := e.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is a rule", text)
		}
	}
	forest.Relative(importance)
	if importance[0] != 1 || importance[1] != -0.2 {
		t.Errorf("relative to the largest: %v", importance)
	}
	none := []float64{-1, 0}
	if forest.Relative(none); none[0] != -1 {
		t.Errorf("without a positive one: %v", none)
	}
}

// An outcome that does not vary, or inputs that do not, leave a single leaf.
func TestNothingToSplit(t *testing.T) {
	const n = 50
	same, y := make([]float64, n), make([]float64, n)
	for i := range n {
		same[i], y[i] = 0.1, math.Sin(float64(i))
	}
	f := forest.New(numeric(1), n)
	for name, c := range map[string]struct{ y, x []float64 }{"outcome": {same, y}, "input": {y, same}} {
		if err := f.Load(c.y, [][]float64{c.x}); err != nil {
			t.Fatal(err)
		}
		control := forest.Defaults(1)
		f.Grow(upTo(n), control, 20, dgp.NewSource().Load(dgp.Stream{}, 1).Rand)
		importance := make([]float64, 1)
		f.Importance(forest.Importance{}, importance, dgp.NewSource().Load(dgp.Stream{}, 1).Rand)
		if leaves, depth := f.Shape(3, make([]bool, 1)); leaves != 1 || depth != 0 || importance[0] != 0 {
			t.Errorf("constant %s: %d leaves, depth %d, importance %v", name, leaves, depth, importance)
		}
	}
}

// The errors that Tune finds by cutting trees off are those of forests grown by
// each point's values. With all inputs tested in every node, trees depend on
// the rows drawn alone, so they are the same forests.
func TestTuningIsGrowingEach(t *testing.T) {
	const n, p = 150, 8
	y, x := teachers(n, p, 21)
	f := forest.New(numeric(p), n)
	if err := f.Load(y, x); err != nil {
		t.Fatal(err)
	}
	rows := upTo(n)[10:]
	grid := forest.Grid{MinCriterion: []float64{0, 0.5, 0.95}, Trees: []int{10, 25}, MinSplit: []int{10, 20, 40}}
	for _, adjustment := range []forest.Adjustment{forest.Univariate, forest.BonferroniVarying} {
		c := forest.Defaults(p)
		c.Inputs, c.Adjustment = 0, adjustment
		errs := make([]float64, grid.Points())
		best := f.Tune(rows, grid, c, errs, dgp.NewSource().Load(dgp.Stream{Seed: 1}, 1).Rand)
		least := 0
		for point, got := range errs {
			var trees int
			c.MinCriterion, trees, c.MinSplit = grid.At(point)
			f.Grow(rows, c, trees, dgp.NewSource().Load(dgp.Stream{Seed: 1}, 1).Rand)
			if want := f.OOBMSE(); math.Abs(got-want) > 1e-12*want {
				t.Errorf("%s, criterion %v, %d trees, split from %d rows: %.14g, not %.14g", adjustment, c.MinCriterion, trees, c.MinSplit, got, want)
			}
			if got < errs[least] {
				least = point
			}
		}
		if best != least {
			t.Errorf("point %d is best, not %d", best, least)
		}
		if errs[0] == errs[len(errs)-1] {
			t.Error("all points are alike")
		}
	}
}
