package plots_test

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"

	"coachsim/plots"
	"coachsim/sim"
)

// compared returns the rows of a sweep over schools, class sizes and effects
// that n estimators of one effect analyse.
func compared(n int) []plots.Row {
	var all []plots.Row
	for i, schools := range []string{"8", "12", "20", "40"} {
		for k, sd := range []string{"0", "30"} {
			for j, effect := range []string{"[0]", "[0.4]"} {
				for e := range n {
					r := row("", 0, 0.3, 0.05+0.02*float64(k*max(0, n-2*e)*(3-i))/float64(n), 0)
					r.Cover = 1 - r.Power
					if j == 1 {
						r.Truth = 0.4
						r.Power = 0.15 + 0.2*float64(i) + 0.01*float64(n-e)
					}
					r.Estimator, r.Outcome, r.Term, r.Estimand = "estimator "+strconv.Itoa(e+1), "reading", "coaching", "population"
					r.Factors = []sim.Factor{{Key: "trial.schools", Value: schools}, {Key: "trial.children.sd", Value: sd}, {Key: "achievement.effect.mean", Value: effect}}
					all = append(all, r)
				}
			}
		}
	}
	return all
}

func TestEstimatorCurvesGolden(t *testing.T) {
	two := slices.DeleteFunc(compared(2), func(r plots.Row) bool { return r.Truth != 0 || r.Factors[1].Value != "0" })
	for _, fig := range []plots.Figure{
		plots.EstimatorCurves{Rows: compared(8), Alpha: 0.05},
		plots.EstimatorCurves{File: "estimators-two", Rows: two, Alpha: 0.1},
	} {
		compareGolden(t, fig.Name()+".svg", render(t, plots.SVG, fig))
	}
}

func TestEstimatorCurvesTwin(t *testing.T) {
	rows := compared(3)
	rows[0].NFail = 10
	rows[0].Cover, rows[0].Intervals = 0.312, 1000
	rows[1].Cover = nan
	table := plots.EstimatorCurves{Rows: rows, Alpha: 0.05}.Table()
	if len(table) != 1+len(rows) {
		t.Errorf("%d rows, want a header and %d", len(table), len(rows))
	}
	start := []string{"reading", "coaching", "population", "children SD = 0, effect = 0", "estimator 1", "8"}
	// The Wilson interval of 312 of 1,000, from R: prop.test(312, 1000, correct = FALSE).
	for column, want := range map[string]float64{"coverage": 0.312, "coverage_low": 0.2840496859, "coverage_high": 0.3413891753, "n": 2000, "n_fail": 10} {
		if got := find(t, table, column, start...); !near(got, want) {
			t.Errorf("%s is %s, want %v", column, got, want)
		}
	}
	start[4] = "estimator 2"
	if got := find(t, table, "coverage", start...); got != "" {
		t.Errorf("missing coverage is %q, want it empty", got)
	}
}

// Each effect has pages of its own, of at most four columns.
func TestEstimatorCurvesPages(t *testing.T) {
	rows := compared(2)
	for _, share := range []string{"0.3", "0.5"} {
		for _, r := range compared(10) {
			r.Outcome = "maths"
			r.Factors = append(r.Factors, sim.Factor{Key: "trial.assignment.share", Value: share})
			rows = append(rows, r)
		}
	}
	for _, n := range []int{1, 13} { // nothing to compare, and too much
		for _, r := range compared(n) {
			r.Term = strconv.Itoa(n)
			rows = append(rows, r)
		}
	}
	whole := plots.EstimatorCurves{Rows: rows, Alpha: 0.05}
	if _, err := whole.Draw(plots.Journal()); err == nil || !strings.Contains(err.Error(), "use Pages") {
		t.Errorf("several effects on one page: %v", err)
	}
	var names []string
	for _, page := range whole.Pages() {
		names = append(names, page.Name())
		render(t, plots.SVG, page)
		if again := page.Pages(); len(again) != 1 || again[0].Name() != page.Name() {
			t.Errorf("%s divides again", page.Name())
		}
	}
	if fmt.Sprint(names) != "[estimators-1 estimators-2 estimators-3]" {
		t.Errorf("pages %v", names)
	}
	if pages := (plots.EstimatorCurves{Rows: compared(2)}).Pages(); len(pages) != 1 || pages[0].Name() != "estimators" {
		t.Errorf("one page became %d", len(pages))
	}
}

func TestEstimatorCurvesNothingToShow(t *testing.T) {
	untrue := compared(2)
	for i := range untrue {
		untrue[i].Truth = nan
	}
	for name, c := range map[string]struct {
		fig  plots.EstimatorCurves
		want string
	}{
		"no rows":   {plots.EstimatorCurves{Alpha: 0.05}, "no row has a truth"},
		"not swept": {plots.EstimatorCurves{Rows: rows(), Alpha: 0.05}, "no row has a truth and a swept number"},
		"no truth":  {plots.EstimatorCurves{Rows: untrue, Alpha: 0.05}, "no row has a truth"},
		"no alpha":  {plots.EstimatorCurves{Rows: compared(2)}, "alpha is 0"},
		"one":       {plots.EstimatorCurves{Rows: compared(1), Alpha: 0.05}, "1 estimators"},
		"thirteen":  {plots.EstimatorCurves{Rows: compared(13), Alpha: 0.05}, "13 estimators"},
		"narrow":    {plots.EstimatorCurves{Rows: compared(2), Alpha: 0.05, Width: 18 * vg.Millimeter}, "18 mm"},
	} {
		if _, err := c.fig.Draw(plots.Journal()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v does not say %q", name, err, c.want)
		}
		if len(c.fig.Table()) == 0 {
			t.Errorf("%s: the data twin has no header", name)
		}
	}
}

// TestEstimatorCurvesHardInput draws what is unusual but not wrong, in every
// format, twice.
func TestEstimatorCurvesHardInput(t *testing.T) {
	extreme := compared(10)
	for i := range extreme {
		extreme[i].Power, extreme[i].Cover = float64(i%2), float64(i%2)
	}
	negative := compared(3)
	for i := range negative {
		negative[i].Factors = slices.Clone(negative[i].Factors)
		negative[i].Factors[0].Value = "-" + negative[i].Factors[0].Value
		negative[i].Cover = nan
	}
	for _, fig := range []plots.EstimatorCurves{
		{Rows: extreme, Alpha: 0.05},
		{Rows: negative, Alpha: 0.999},
		{Rows: compared(10), Alpha: 0.0001},
	} {
		for _, f := range plots.Formats() {
			b := render(t, f, fig)
			if f == plots.SVG && (bytes.Contains(b, []byte("NaN")) || bytes.Contains(b, []byte("Inf"))) {
				t.Error("a coordinate is not a number")
			}
			if !bytes.Equal(b, render(t, f, fig)) {
				t.Errorf("%s differs between two runs", f)
			}
		}
	}
}

func TestStandardComparesEstimators(t *testing.T) {
	for n, want := range map[int]bool{1: false, 2: true, 8: true} {
		s := sim.Summary{Alpha: 0.05}
		for _, r := range compared(n) {
			s.Rows = append(s.Rows, r.SummaryRow)
		}
		figures, err := plots.Standard(s, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.ContainsFunc(figures, func(f plots.Figure) bool { return f.Name() == "estimators" }); got != want {
			t.Errorf("%d estimators compared: %v, want %v", n, got, want)
		}
	}
}
