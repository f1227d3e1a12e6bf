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

// predictorRun is a log of two estimators that select among predictors, one of which
// truly moves the gains of classes.
func predictorRun(t *testing.T, predictors int) plots.Run {
	t.Helper()
	trial := dgp.DefaultTrial()
	trial.Design.Blocks, trial.Design.Schools, trial.Design.Tested, trial.Design.Arms = 1, 20, 5, []string{"control"}
	trial.Design.Children = dgp.ClassSize{Mean: 5}
	trial.Design.Assignment = dgp.None{}
	var learning dgp.Learning
	learning.SetDefaults()
	learning.Ability.GradeMeans, learning.Ability.ChildSD, learning.Items.Numbers = []float64{0}, 1, []int{10}
	learning.Gains.Effects = map[string]float64{"x0": 1}
	trial.Learning = &learning
	var records []sim.Record
	rng := rand.New(rand.NewPCG(5, 5))
	for p := range predictors {
		trial.Covariates = append(trial.Covariates, dgp.Covariate{Name: "x" + strconv.Itoa(p), Level: dgp.TeacherLevel, Law: dgp.Normal{SD: 1}})
	}
	for rep := range 40 {
		for e, name := range []string{"lasso", "forest"} {
			add := func(term string, value float64, estimand string, truth float64) {
				r := sim.Record{Replicate: rep, Estimator: name, Outcome: "gain", Term: term, Estimand: estimand, Truth: truth}
				r.Value, r.SE, r.DF, r.P = value, 1, 30, 0.5
				switch {
				case term == "relative_mse":
					r.SE, r.P, r.Interval = nan, nan, estimators.Interval{Low: value - 0.2, High: value + 0.3}
				case estimand == "":
					r.SE, r.DF, r.P = nan, nan, nan
				}
				if rep == 3 && e == 1 {
					r.Estimate = estimators.Estimate{Value: nan, SE: nan, DF: nan, P: nan, Status: estimators.NotConverged}
				}
				records = append(records, r)
			}
			for p := range predictors {
				x := "x" + strconv.Itoa(p)
				chosen := 0.0
				if rng.Float64() < 0.9/float64(1+p) {
					chosen = 1
				}
				add("selected("+x+")", chosen, "", nan)
				add("runs("+x+")", 0.8*chosen+0.1*rng.Float64(), "", nan)
				add("importance("+x+")", rng.NormFloat64()+1/float64(1+p), "", nan)
				add(x, rng.NormFloat64(), "projection", 0)
			}
			add("relative_mse", 1.1+0.1*float64(e)+0.05*rng.NormFloat64(), "", nan)
		}
	}
	summary, err := sim.Summarise(sim.InMemory(records), 0.05, nil)
	if err != nil {
		t.Fatal(err)
	}
	return plots.Run{Study: sim.Study{Aim: "Which?", Seed: 1, Trial: trial}, Summary: summary, Chunks: sim.InMemory(records)}
}

// predictorKinds are the kinds that are of predictors, or of models.
var predictorKinds = []string{"selection", "importance", "coverage", "relative-mse"}

// Kinds of predictors are drawn with their numbers: shares are those of the log, true
// predictors stand apart.
func TestPredictorKinds(t *testing.T) {
	run := predictorRun(t, 4)
	for _, kind := range predictorKinds {
		figures, err := plots.Make(run, sim.Figure{Kind: kind})
		if err != nil || len(figures) != 1 {
			t.Fatalf("%s: %d figures, %v", kind, len(figures), err)
		}
		figure := figures[0]
		compareGolden(t, figure.Name()+".svg", render(t, plots.SVG, figure))
		twin := readTwin(t, figure)
		if kind == "relative-mse" {
			row := twin.table[1]
			if m, low, high := twin.number(row, "mean"), twin.number(row, "splits_low"), twin.number(row, "splits_high"); math.Abs(m-0.2-low) > 1e-12 || math.Abs(m+0.3-high) > 1e-12 {
				t.Errorf("relative error %v of %v to %v", m, low, high)
			}
			continue
		}
		text := string(textOf(t, figure))
		if !strings.Contains(text, ">True predictors<") || !strings.Contains(text, ">Others<") {
			t.Errorf("%s does not tell true predictors", kind)
		}
		for _, row := range twin.table[1:] {
			if want := map[bool]string{true: "yes", false: "no"}[twin.text(row, "predictor") == "x0"]; twin.text(row, "true_predictor") != want {
				t.Errorf("%s: %v", kind, row)
			}
			sum, n := 0.0, 0.0
			low, high := math.Inf(1), math.Inf(-1)
			for records := range run.Chunks {
				for _, r := range records {
					if r.Estimator != twin.text(row, "estimator") || r.Term != twin.text(row, "term") || !r.Status.Worked() {
						continue
					}
					v := r.Value
					if kind == "coverage" {
						v = 0
						if math.Abs(r.Value) <= 2.0422724563012373*r.SE { // qt(.975, 30)
							v = 1
						}
					}
					sum, n, low, high = sum+v, n+1, min(low, v), max(high, v)
				}
			}
			if got := twin.number(row, "value"); math.Abs(got-sum/n) > 1e-12 || twin.number(row, "fits") != n {
				t.Errorf("%s: %v, the log has %v of %v", kind, row, sum/n, n)
			}
			if l, h := twin.number(row, "low"), twin.number(row, "high"); kind == "selection" && !(0 <= l && l < h && h <= 1) {
				t.Errorf("a share from %v to %v", l, h)
			}
			if kind == "importance" && !(low < twin.number(row, "low") && twin.number(row, "high") < high) {
				t.Errorf("importance: %v is not within %v to %v", row, low, high)
			}
		}
		// Values are where the scale says.
		panels := readFigure(t, figure, true)
		times := 100.0
		if kind == "importance" {
			times = 1
		}
		for _, row := range twin.table[1:] {
			found := false
			x := panels[0].across.place(times * twin.number(row, "value"))
			for _, pt := range panels[0].markers {
				found = found || math.Abs(float64(pt.X)-x) < readingBound
			}
			if !found {
				t.Errorf("%s: no marker for %v", kind, row)
			}
		}
	}
	if _, err := plots.Make(run, sim.Figure{Kind: "selection", Only: map[string]string{"estimator": "tree"}}); err == nil || !strings.Contains(err.Error(), "estimator is never tree; it is lasso, forest") {
		t.Errorf("error %v", err)
	}
}

// The means of importance are of the trials that select the input where some do not, and
// the caption says so.
func TestImportanceCaption(t *testing.T) {
	f := plots.Predictors{Measure: sim.ImportanceMeasure, Values: []sim.PredictorValue{{Predictor: "x", Fits: 40, N: 40}, {Predictor: "y", Fits: 38, N: 40}}}
	const selected = "the trials that select the input, of some 30 only"
	if note := f.Words().Note; !strings.Contains(note, "the middle 90% of the trials.") {
		t.Error(note) // a failed fit selects nothing, but is not meant
	}
	f.Values[1].Fits, f.Values[1].NotSelected = 30, 8
	if note := f.Words().Note; !strings.Contains(note, selected) {
		t.Error(note)
	}
}

// The table behind the importances has ranks where they are known.
func TestImportanceRanks(t *testing.T) {
	values := []sim.PredictorValue{{Estimator: "e", Outcome: "y", Predictor: "x", Fits: 4, N: 4}, {Estimator: "e", Outcome: "y", Predictor: "z", Fits: 4, N: 4}}
	columns := len(plots.Predictors{Measure: sim.ImportanceMeasure, Values: values}.Table()[0])
	summary := sim.Summary{Stability: []sim.Stability{
		{Estimator: "e", Outcome: "y", By: sim.ByRuns, Ranks: []sim.CovariateRank{{Covariate: "x", Mean: 7}}},
		{Estimator: "e", Outcome: "y", By: sim.ByImportance, Ranks: []sim.CovariateRank{{Covariate: "x", Mean: 1.5, SD: 0.25, MCSE: 0.125}}},
	}}
	summary.AddRanks(values)
	table := plots.Predictors{Measure: sim.ImportanceMeasure, Values: values}.Table()
	if got := table[1][columns:]; len(table[0]) != columns+3 || !slices.Equal(got, []string{"1.5", "0.125", "0.25"}) || !slices.Equal(table[2][columns:], []string{"", "", ""}) {
		t.Errorf("%v", table)
	}
}

// Of many predictors the coverage of some is shown: true ones, and those with the most
// intervals, with a note; the twin has all.
func TestManyCovered(t *testing.T) {
	f := plots.Predictors{Measure: sim.PredictorCoverage, Alpha: 0.05}
	for e := range 3 {
		for p := range 60 {
			v := sim.PredictorValue{Estimator: fmt.Sprint("post-", e), Term: fmt.Sprint("x", p), Predictor: fmt.Sprint("x", p), True: sim.NotPredictor, Simulated: sim.Around(0.9, 0.02), MCSE: 0.02, Fits: 100 + (7*p)%60, N: 200}
			if p > 55 {
				v.True, v.Fits = sim.TruePredictor, 50
			}
			f.Values = append(f.Values, v)
		}
	}
	text := string(textOf(t, f))
	twin := readTwin(t, f)
	shown, least := 0, 1e9
	for _, row := range twin.table[1:] {
		is := twin.text(row, "shown") == "true"
		if drawn := strings.Contains(text, ">"+twin.text(row, "predictor")+"<"); drawn != is {
			t.Errorf("%v: drawn %t", row, drawn)
		}
		if twin.text(row, "true_predictor") == "yes" && !is {
			t.Errorf("%v is left out", row)
		}
		if is {
			shown++
			if twin.text(row, "true_predictor") == "no" {
				least = min(least, twin.number(row, "fits"))
			}
		}
	}
	for _, row := range twin.table[1:] {
		if twin.text(row, "shown") == "false" && twin.number(row, "fits") > least {
			t.Errorf("%v is left out, and one with %v intervals is not", row, least)
		}
	}
	if note := f.Words().Note; shown != 3*24 || !strings.Contains(note, "Of 60 predictors the 24 are shown") {
		t.Errorf("%d values, %s", shown, note)
	}
}

// Few or many predictors are drawn whole at every width, or refused in words; logs without them are.
func TestPredictorExtremes(t *testing.T) {
	for _, n := range []int{1, 60} {
		run := predictorRun(t, n)
		for _, kind := range predictorKinds {
			for _, width := range []vg.Length{0, plots.OneColumn, plots.TwoColumns} {
				what := fmt.Sprintf("%s of %d at %.0f mm", kind, n, width/vg.Millimeter)
				if _, err := drawExtreme(t, what, run, sim.Figure{Kind: kind}, width); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
		}
	}
	for kind, want := range map[string]string{"selection": "no term selected(x)", "importance": "no term importance(x)", "coverage": "in a study of learning", "relative-mse": "no term relative_mse"} {
		run := ordinary().run(t)
		run.Study.Design.Blocks, run.Study.Design.Schools, run.Study.Design.Assignment = 2, 4, dgp.Blocked{}
		run.Study.Design.Children, run.Study.Design.Tested = dgp.ClassSize{Mean: 5}, 5
		run.Study.Achievement.Tests, run.Study.Achievement.Residual = []string{"reading"}, dgp.Matrix{{1}}
		if _, err := plots.Make(run, sim.Figure{Kind: kind}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v does not say %q", kind, err, want)
		}
	}
}
