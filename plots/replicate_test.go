package plots_test

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"

	"coachsim/estimators"
	"coachsim/plots"
	"coachsim/sim"
)

// fittedRun is a run with a LASSO and another estimator, whose figures are of one
// replicate.
func fittedRun(t *testing.T, other func(formula string) estimators.Method) plots.Run {
	t.Helper()
	run := predictorRun(t, 4)
	methods := estimators.Methods()
	lasso := methods["lasso"].(estimators.Lasso)
	lasso.Formula = "gain ~ x0 + x1 + x2 + x3"
	lasso.Grid = &estimators.LambdaGrid{From: 10, To: 0.01, Points: 30}
	run.Study.Alpha, run.Study.Replicates = 0.05, 40
	run.Study.Estimators = []sim.Estimator{{Name: "lasso", Method: lasso}, {Name: "forest", Method: other(lasso.Formula)}}
	return run
}

func ctree(formula string) estimators.Method {
	m := estimators.Methods()["ctree"].(estimators.CTree)
	m.Formula, m.MinCriterion, m.MinSplit, m.MinBucket = formula, 0, 6, 3
	return m
}

func cforest(formula string) estimators.Method {
	m := estimators.Methods()["cforest"].(estimators.CForest)
	m.Formula, m.Trees, m.MinSplit, m.MinBucket = formula, 50, 4, 2
	return m
}

// Figures of one replicate are drawn with their numbers: points are where the scales say,
// and the replicate is said.
func TestReplicateFigures(t *testing.T) {
	for _, c := range []struct {
		kind  string
		other func(string) estimators.Method
	}{{"cv-curve", cforest}, {"tree", ctree}, {"partial-dependence", cforest}} {
		run := fittedRun(t, c.other)
		figures, err := plots.Make(run, sim.Figure{Kind: c.kind, Replicate: 3})
		if err != nil || len(figures) != 1 {
			t.Fatalf("%s: %d figures, %v", c.kind, len(figures), err)
		}
		figure := figures[0]
		compareGolden(t, figure.Name()+".svg", render(t, plots.SVG, figure))
		if words := figure.Words(); !strings.Contains(words.Note, "replicate 3.") {
			t.Errorf("%s: %s", c.kind, words.Note)
		}
		twin := readTwin(t, figure)
		switch c.kind {
		case "cv-curve":
			p := readFigure(t, figure, false)[0]
			marks := map[string]string{}
			for _, row := range twin.table[1:] {
				x := twin.number(row, "log_lambda")
				if got := math.Log(twin.number(row, "lambda")); got != x {
					t.Errorf("log(λ) %v, want %v", x, got)
				}
				mse, se := twin.number(row, "mse"), twin.number(row, "se")
				twin.shown(p, p.markers, x, mse, 0)
				twin.shown(p, p.ink, x, mse-se, 0)
				twin.shown(p, p.ink, x, mse+se, 0)
				if twin.text(row, "shown") != "true" {
					t.Errorf("log(λ) %v is left out", x)
				}
				for mark := range strings.FieldsSeq(twin.text(row, "mark")) {
					marks[mark] = twin.text(row, "nonzero")
				}
			}
			text := string(textOf(t, figure))
			for mark, n := range marks {
				if !strings.Contains(text, strings.Replace(mark, "lambda", "λ", 1)+" = ") || !strings.Contains(text, ">"+n+"<") {
					t.Errorf("%s with %s terms is not said", mark, n)
				}
			}
			if len(marks) != 2 {
				t.Errorf("marks %v", marks)
			}
		case "tree":
			text := string(textOf(t, figure))
			n, leaves := 0.0, 0
			for _, row := range twin.table[1:] {
				if twin.text(row, "term") == "" {
					n += twin.number(row, "n")
					leaves++
					if !strings.Contains(text, ">n = "+twin.text(row, "n")+"<") {
						t.Errorf("a leaf of %s rows is not drawn", twin.text(row, "n"))
					}
				} else if !strings.Contains(text, ">"+twin.text(row, "term")+"<") {
					t.Errorf("no node %s", twin.text(row, "term"))
				}
			}
			if n != twin.number(twin.table[1], "n") || leaves < 2 {
				t.Errorf("%d leaves of %v rows", leaves, n)
			}
		default:
			panels := readFigure(t, figure, false)
			if len(panels) == 4 { // scales across are read by rows, those upwards by columns
				panels[1].up, panels[2].up = panels[2].up, panels[1].up
			}
			at, last := -1, ""
			for _, row := range twin.table[1:] {
				if input := twin.text(row, "input"); input != last {
					at, last = at+1, input
				}
				if at < len(panels) {
					twin.shown(panels[at], panels[at].markers, twin.number(row, "value"), twin.number(row, "predicted"), 0)
				}
				if want := map[bool]string{true: "yes", false: "no"}[last == "x0"]; twin.text(row, "true_predictor") != want {
					t.Errorf("%v", row)
				}
			}
			if at != 3 || len(panels) != 4 {
				t.Errorf("%d inputs, %d panels", at+1, len(panels))
			}
		}
	}
}

// Penalties that leave no term do not take up the axis: a few are drawn, and a mark beyond
// them is told; the twin has all. A fit without an estimator's name has its outcome as title.
func TestCVCurveWithoutEmptyPenalties(t *testing.T) {
	c := estimators.LassoCurve{Outcome: "gain"}
	for k := range 109 { // log(lambda) from 10 to -0.8, terms below 1
		c.Lambda = append(c.Lambda, math.Exp(10-float64(k)/10))
		c.Mean, c.SD = append(c.Mean, 5), append(c.SD, 1)
		c.NonZero = append(c.NonZero, max(0, k-90))
		if k < 60 {
			c.Mean[k], c.SD[k] = 500, 100 // would set the scale upwards
		}
	}
	c.Min = 100
	for _, oneSE := range []int{95, 20} {
		c.OneSE = oneSE
		figure := plots.CVCurve{Curves: []estimators.LassoCurve{c}}
		if !strings.Contains(figure.Words().Note, "Larger penalties, all with 0 terms, are left out") {
			t.Error(figure.Words().Note)
		}
		text := string(textOf(t, figure))
		if beyond := strings.Contains(text, "at log(λ) = 8.0)"); beyond != (oneSE == 20) {
			t.Errorf("a mark at %d is beyond the axis: %t", oneSE, beyond)
		}
		if !strings.Contains(text, ">gain<") {
			t.Error("the panel has no title")
		}
		p, twin := readFigure(t, figure, false)[0], readTwin(t, figure)
		if len(twin.table) != 1+len(c.Lambda) {
			t.Errorf("the twin has %d penalties", len(twin.table)-1)
		}
		for _, row := range twin.table[1:] {
			// From -0.8 to 1 terms are selected, or none for the first time; 15% more is 1.27.
			x, shown := twin.number(row, "log_lambda"), twin.text(row, "shown") == "true"
			if want := x < 1.27; shown != want {
				t.Errorf("log(λ) %v is drawn: %t", x, shown)
			}
			if shown {
				twin.shown(p, p.markers, x, twin.number(row, "mse"), 0)
			}
		}
		if scale := p.up; (float64(p.markers[0].Y)-scale.at)/scale.per > 10 {
			t.Error("what is left out sets the scale")
		}
	}
	c.NonZero = make([]int, len(c.Lambda))
	if note := (plots.CVCurve{Curves: []estimators.LassoCurve{c}}).Words().Note; strings.Contains(note, "left out") {
		t.Errorf("of penalties none of which selects: %s", note)
	}
}

// Titles end with the estimator's name, or without one.
func TestPartialDependenceTitle(t *testing.T) {
	for name, want := range map[string]string{"": "Partial dependence of a forest's predictions", "forest": "Partial dependence of a forest's predictions: forest"} {
		if got := (plots.PartialDependence{Forest: estimators.ForestCurves{Estimator: name}}).Words().Title; got != want {
			t.Errorf("title %q", got)
		}
	}
}

// What cannot be drawn is refused in words.
func TestReplicateFiguresRefuse(t *testing.T) {
	run := fittedRun(t, cforest)
	for want, f := range map[string]sim.Figure{
		"no estimator is of kind ctree":                 {Kind: "tree"},
		"there is no replicate 40; the run has 0 to 39": {Kind: "cv-curve", Replicate: 40},
		"no estimator grows a forest":                   {Kind: "partial-dependence", Only: map[string]string{"estimator": "lasso"}},
		"no estimator chooses a LASSO's penalty":        {Kind: "cv-curve", Only: map[string]string{"estimator": "forest"}},
		"the standard figures are laid out as they are": {Kind: "standard", Only: map[string]string{"estimator": "forest"}},
	} {
		if _, err := plots.Make(run, f); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v does not say %q", f.Kind, err, want)
		}
	}
}

// grown is a tree whose nodes split in two down to a depth, and beyond it to the right alone.
func grown(depth, right int, term string, levels []string) estimators.GrownTree {
	tree := estimators.GrownTree{Estimator: "tree", Outcome: "gain"}
	var grow func(at, more int) int
	grow = func(at, more int) int {
		place := len(tree.Nodes)
		v := float64(place)
		tree.Nodes = append(tree.Nodes, estimators.GrownNode{Depth: at, N: 10 + place, Mean: v, Quartiles: [5]float64{v - 3, v - 1, v, v + 1, v + 4}, P: 0.0123 * v, Tested: term})
		if at >= depth && more == 0 {
			return place
		}
		if at >= depth {
			more--
		}
		l := grow(at+1, 0)
		r := grow(at+1, more)
		n := &tree.Nodes[place]
		n.Term, n.Cut, n.Levels, n.Left, n.Right = term, -1234.5678*v, levels, l, r
		return place
	}
	grow(0, right)
	return tree
}

// Trees of any size are drawn whole or cut at every width of journals, or refused in
// words; a tree that is cut says so.
func TestTreeExtremes(t *testing.T) {
	long := strings.Repeat("abcdefghi ", 6)
	levels := []string{"north", "south", "east and west", "centre", "islands", "capital"}
	for name, c := range map[string]struct {
		tree   estimators.GrownTree
		cut    bool
		leaves int
	}{
		"no split":    {grown(0, 0, "x", nil), false, 1},
		"eight":       {grown(3, 0, "x", nil), false, 8},
		"sixteen":     {grown(4, 0, "x", nil), true, 8},
		"a ladder":    {grown(0, 7, "x", nil), false, 8},
		"long ladder": {grown(0, 20, "x", nil), true, 8},
		"long name":   {grown(3, 0, strings.TrimSpace(long), nil), false, 8},
		"long word":   {grown(3, 0, strings.ReplaceAll(long, " ", "_"), nil), false, 8},
		"factor":      {grown(3, 0, "factor(region)", levels), false, 8},
	} {
		for _, width := range []vg.Length{0, plots.OneColumn, plots.TwoColumns} {
			figure := plots.Tree{Width: width, Data: "One data set", Grown: c.tree}
			words := figure.Words().Note
			if strings.Contains(words, "is cut at depth") != c.cut {
				t.Errorf("%s: %s", name, words)
			}
			drawing, err := plots.Captioned{Figure: figure}.Draw(plots.Journal())
			if err != nil {
				t.Errorf("%s at %.0f mm: %v", name, width/vg.Millimeter, err)
				continue
			}
			drawing.Text = plots.Fonts
			checkText(t, fmt.Sprintf("%s at %.0f mm", name, width/vg.Millimeter), drawing)
			if got := strings.Count(string(textOf(t, figure)), ">n = "); got != c.leaves {
				t.Errorf("%s: %d leaves are drawn, want %d", name, got, c.leaves)
			}
			if rows := len(figure.Table()) - 1; rows != len(c.tree.Nodes) {
				t.Errorf("%s: the twin has %d of %d nodes", name, rows, len(c.tree.Nodes))
			}
		}
	}
	if _, err := (plots.Tree{}).Draw(plots.Journal()); err == nil {
		t.Error("no tree was drawn")
	}
}

// Curves of many lambdas, of few, and that do not vary are drawn at every width.
func TestCVCurveExtremes(t *testing.T) {
	curve := func(n int, mse func(k int) float64) estimators.LassoCurve {
		c := estimators.LassoCurve{Estimator: "a LASSO with a long name", Outcome: "std(gain)"}
		for k := range n {
			c.Lambda = append(c.Lambda, 1e5*math.Pow(10, -float64(9*k)/float64(max(1, n-1))))
			c.Mean, c.SD = append(c.Mean, mse(k)), append(c.SD, 0.3*mse(k))
			c.NonZero = append(c.NonZero, k*k)
		}
		c.Min, c.OneSE = n/2, n/3
		return c
	}
	for name, curves := range map[string][]estimators.LassoCurve{
		"many":  {curve(100, func(k int) float64 { return 1000 + math.Abs(float64(k-50)) })},
		"two":   {curve(2, func(k int) float64 { return 1 + float64(k) })},
		"one":   {curve(1, func(int) float64 { return 1 })},
		"flat":  {curve(30, func(int) float64 { return 0.001 })},
		"four":  slices.Repeat([]estimators.LassoCurve{curve(100, func(k int) float64 { return 1e-6 * float64(k+1) })}, 4),
		"large": {curve(20, func(k int) float64 { return 1e7 + float64(k) })},
	} {
		for _, width := range []vg.Length{0, plots.OneColumn, plots.TwoColumns} {
			what := name + " at " + strconv.Itoa(int(width/vg.Millimeter))
			drawing, err := plots.Captioned{Figure: plots.CVCurve{Width: width, Curves: curves, Data: "One data set"}}.Draw(plots.Journal())
			if err != nil {
				t.Errorf("%s: %v", what, err)
				continue
			}
			drawing.Text = plots.Fonts
			checkText(t, what, drawing)
		}
	}
	for want, curves := range map[string][]estimators.LassoCurve{
		"0 curves":                nil,
		"was not cross-validated": {{Estimator: "fixed"}},
	} {
		if _, err := (plots.CVCurve{Curves: curves}).Draw(plots.Journal()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
}
