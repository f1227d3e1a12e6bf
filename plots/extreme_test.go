package plots_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/plots"
	"coachsim/sim"
)

// An extreme says how a log differs from an ordinary one.
type extreme struct {
	schools, effects int // designs: values of two swept keys; 1 and 1 is no sweep
	replicates       int
	estimators       int
	truth            float64 // of the first effect; others are multiples
	reject           string  // "", "never" or "always"
	fail             func(estimator, replicate int) bool
	name             func(i int) string // of an estimator; other names take after it
	same             bool               // all estimates are equal
}

func ordinary() extreme {
	return extreme{schools: 3, effects: 2, replicates: 40, estimators: 2, truth: 0.2,
		fail: func(int, int) bool { return false }, name: func(i int) string { return "e" + strconv.Itoa(i+1) }}
}

func (x extreme) run(t *testing.T) plots.Run {
	t.Helper()
	rng := rand.New(rand.NewPCG(11, 11))
	var records []sim.Record
	var factors [][]sim.Factor
	for s := range x.schools {
		for e := range x.effects {
			truth := x.truth * float64(e+1)
			cell := s*x.effects + e
			if x.schools*x.effects > 1 {
				factors = append(factors, []sim.Factor{
					{Key: "trial.schools", Value: strconv.Itoa(8 + 4*s)},
					{Key: "achievement.effect.mean", Value: "[" + strconv.FormatFloat(truth, 'g', -1, 64) + "]"},
				})
			}
			for rep := range x.replicates {
				z := rng.NormFloat64()
				for k := range x.estimators {
					se := 1 / math.Sqrt(float64(8+4*s))
					r := sim.Record{Cell: cell, Replicate: rep, Estimator: x.name(k), Outcome: "outcome of " + x.name(0), Term: "coaching", Estimand: "population", Truth: truth}
					r.Value, r.SE, r.DF = truth+se*(z+0.1*float64(k)*rng.NormFloat64()), se, float64(6+4*s)
					if x.same {
						r.Value = truth
					}
					r.P = math.Erfc(math.Abs(r.Value/se) / math.Sqrt2)
					switch x.reject {
					case "never":
						r.P = 0.5 + 0.5*r.P
					case "always":
						r.P *= 1e-3
					}
					if x.fail(k, rep) {
						r.Estimate = estimators.Estimate{Value: nan, SE: nan, DF: nan, P: nan, Status: estimators.NotConverged}
					}
					records = append(records, r)
				}
			}
		}
	}
	summary, err := sim.Summarise(sim.InMemory(records), 0.05, factors)
	if err != nil {
		t.Fatal(err)
	}
	study := sim.Study{Aim: "Does it work?", Seed: 1, Trial: dgp.DefaultTrial()}
	return plots.Run{Study: study, Summary: summary, Chunks: sim.InMemory(records)}
}

// TestExtremes draws every kind from unusual runs at every width of journals: a
// figure is drawn whole, with no text cut or on other text, or refused in words.
func TestExtremes(t *testing.T) {
	long := func(sep string) func(int) string {
		return func(i int) string { // 60 characters
			return (strconv.Itoa(i+1) + sep + strings.Repeat("abcdefghi"+sep, 6))[:60]
		}
	}
	change := func(f func(*extreme)) extreme {
		x := ordinary()
		f(&x)
		return x
	}
	for name, c := range map[string]struct {
		extreme
		refused string // kinds that cannot be drawn, and must say so
	}{
		"ordinary":             {ordinary(), ""},
		"one cell":             {change(func(x *extreme) { x.schools, x.effects = 1, 1 }), "power-curve mdes contour estimators nested-loop"},
		"one of one":           {change(func(x *extreme) { x.schools, x.effects, x.estimators = 1, 1, 1 }), "power-curve mdes contour estimators nested-loop scatter"},
		"200 cells":            {change(func(x *extreme) { x.schools, x.effects, x.replicates = 20, 10, 5 }), "zip p-values sampling scatter"},
		"power 0":              {change(func(x *extreme) { x.reject = "never" }), ""},
		"power 1":              {change(func(x *extreme) { x.reject = "always" }), ""},
		"negative effects":     {change(func(x *extreme) { x.truth = -0.3 }), ""},
		"no effect":            {change(func(x *extreme) { x.truth, x.effects = 0, 1 }), "contour"},
		"long names":           {change(func(x *extreme) { x.name = long(" ") }), ""},
		"long words":           {change(func(x *extreme) { x.name = long("_") }), ""},
		"12 estimators":        {change(func(x *extreme) { x.estimators = 12 }), "zip p-values sampling scatter"},
		"12 long names":        {change(func(x *extreme) { x.estimators, x.effects, x.name = 12, 1, long(" ") }), "contour"},
		"3 replicates":         {change(func(x *extreme) { x.replicates = 3 }), ""},
		"1 replicate":          {change(func(x *extreme) { x.replicates = 1 }), "mdes lollipop bias scatter"},
		"all fits failed":      {change(func(x *extreme) { x.fail = func(int, int) bool { return true } }), "power-curve mdes contour power estimators nested-loop lollipop bias zip p-values sampling scatter"},
		"one estimator failed": {change(func(x *extreme) { x.fail = func(k, _ int) bool { return k == 0 } }), "scatter estimators"},
		"one fit worked":       {change(func(x *extreme) { x.fail = func(_, rep int) bool { return rep > 0 } }), "mdes lollipop bias scatter"},
		"the same estimates":   {change(func(x *extreme) { x.same = true }), "mdes lollipop bias"},
	} {
		run := c.run(t)
		for _, kind := range plots.Kinds() {
			if slices.Contains([]string{"standard", "densities", "published", "design", "effects-by-path", "path-diagram", "relative-mse", "selection", "importance", "coverage", "cv-curve", "tree", "partial-dependence"}, kind.Name) { // are not drawn from this log
				continue
			}
			drawn := 0
			widths := []vg.Length{0, plots.OneColumn, plots.TwoColumns}
			if testing.Short() {
				widths = widths[:2]
			}
			for _, width := range widths {
				what := fmt.Sprintf("%s, %s at %.0f mm", name, kind.Name, width/vg.Millimeter)
				n, err := drawExtreme(t, what, run, sim.Figure{Kind: kind.Name}, width)
				if drawn += n; err != nil && width == 0 && !slices.Contains(strings.Fields(c.refused), kind.Name) {
					t.Errorf("%s: %v", what, err)
				}
			}
			if drawn > 0 && slices.Contains(strings.Fields(c.refused), kind.Name) {
				t.Errorf("%s: %s was drawn", name, kind.Name)
			}
		}
	}
}

// drawExtreme draws and checks the figures of a kind, and returns how many there are.
func drawExtreme(t *testing.T, what string, run plots.Run, asked sim.Figure, width vg.Length) (drawn int, err error) {
	t.Helper()
	figures, err := plots.Make(run, asked)
	if err != nil {
		return 0, err
	}
	theme := plots.Journal()
	theme.Width = width
	for i, fig := range figures {
		if i > 2 { // pages alike
			break
		}
		drawing, err := plots.Captioned{Figure: fig, Study: plots.OfStudy(run.Study)}.Draw(theme)
		if err != nil {
			return drawn, err
		}
		drawing.Text = plots.Fonts
		checkText(t, what, drawing)
		for _, row := range fig.Table()[1:] {
			if slices.ContainsFunc(row, func(cell string) bool { return cell == "NaN" || strings.Contains(cell, "Inf") }) {
				t.Errorf("%s: the twin has %v", what, row)
			}
		}
		drawn++
	}
	return drawn, nil
}
