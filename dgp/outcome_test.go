package dgp_test

import (
	"math"
	"testing"

	"coachsim/dgp"
)

// passing has a binary test, two counts, and a score; all parts of the latent
// scores are normal.
func passing() dgp.Trial {
	t := plain()
	t.Achievement.Tests = []string{"passed", "absent", "fights", "reading"}
	t.Achievement.Outcomes = map[string]dgp.Outcome{
		"passed": dgp.Binary{Prevalence: 0.3, Difference: ptr(0.1)},
		"absent": dgp.Count{Mean: 6, Dispersion: 0.5, Difference: ptr(-1.5)},
		"fights": dgp.Count{Mean: 0.4},
	}
	t.Achievement.Effect.Mean = []float64{0, 0, -0.2, 0.1}
	t.Achievement.Points = false
	return t
}

// varying is passing with covariates that are not normal, and effects that
// differ between children.
func varying() dgp.Trial {
	t := passing()
	t.Covariates = []dgp.Covariate{
		{Name: "rural", Level: dgp.SchoolLevel, Law: dgp.Bernoulli{Mean: 0.3}, Achievement: -2},
		{Name: "girl", Level: dgp.ChildLevel, Law: dgp.Bernoulli{Mean: 0.2}, Slope: 3},
	}
	t.Achievement.R2 = dgp.R2{School: 0.4, Child: 0.3}
	t.Achievement.Effect.Bottom, t.Achievement.Effect.By = 0.5, map[string]float64{"girl": 0.3}
	t.Achievement.Effect.Quantiles = []float64{-0.2, 0, 0.2}
	return t
}

// TestOutcomes holds prevalences, means and their differences between arms against
// what is asked. Those of passing are exact: a right program fails a check with
// probability 1e-5. Those of varying may also be off by what they are
// solved to: 0.2 points, or 0.5% of the mean of a count (0.02 for differences).
func TestOutcomes(t *testing.T) {
	for name, c := range map[string]struct {
		trial           dgp.Trial
		share, relative float64
	}{"passing": {passing(), 0, 0}, "varying": {varying(), 0.002, 0.005}} {
		t.Run(name, func(t *testing.T) {
			trial := c.trial
			g := compile(t, trial)
			var all checks
			y0, y1 := make([]float64, g.Shape().Max[dgp.ChildLevel]), make([]float64, g.Shape().Max[dgp.ChildLevel])
			for rep := range short(6000) {
				data, truth := g.Draw(dgp.Stream{Seed: 21, Replicate: uint64(rep)})
				n := data.Children()
				potential := func(name string) (a, b []float64) {
					column := g.Shape().Index(name)
					return truth.Potential(y0, column, 0), truth.Potential(y1, column, 1)
				}
				a, b := potential("passed")
				all.add("prevalence", 0.3, meanByClass(data, func(i int) float64 { return a[i] }))
				all.add("prevalence, difference", 0.1, mean(n, func(i int) float64 { return b[i] - a[i] }))
				a, b = potential("absent")
				all.add("absent", 6, meanByClass(data, func(i int) float64 { return a[i] }))
				all.add("absent, difference", -1.5, mean(n, func(i int) float64 { return b[i] - a[i] }))
				all.add("absent, variance", 6+0.5*36, meanByClass(data, func(i int) float64 { return (a[i] - 6) * (a[i] - 6) }))
				all.add("never absent", math.Pow(1+0.5*6, -2), meanByClass(data, func(i int) float64 { return number(a[i] == 0) }))
				a, _ = potential("fights")
				all.add("fights", 0.4, meanByClass(data, func(i int) float64 { return a[i] }))
				all.add("one fight", 0.4*math.Exp(-0.4), meanByClass(data, func(i int) float64 { return number(a[i] == 1) }))
			}
			for _, name := range all.order {
				a := all.by[name]
				allowed := c.share
				switch name {
				case "absent", "fights":
					allowed = c.relative * a.want
				case "absent, difference":
					allowed = 4 * c.relative
				case "absent, variance":
					allowed = 3 * c.relative * a.want
				}
				se := math.Sqrt(a.ssq / float64(a.n-1) / float64(a.n))
				if off := math.Abs(a.mean - a.want); off > allowed+limit*se {
					t.Errorf("%s: %.5g (SE %.2g), wanted %.5g", name, a.mean, se, a.want)
				}
				t.Logf("%s: %.5g (SE %.2g), wanted %.5g", name, a.mean, se, a.want)
			}
		})
	}
}

// A test shows steps of the same latent score in the data and in the truth of
// every arm, and total achievement is the mean of the scores, or of all tests
// where none is one.
func TestOutcomesAreSteps(t *testing.T) {
	trial := passing()
	g := compile(t, trial)
	data, truth := g.Draw(dgp.Stream{Seed: 3})
	d := g.Drawn()
	column := func(name string) []float64 { return data.Columns[g.Shape().Index(name)] }
	y := make([]float64, g.Shape().Max[dgp.ChildLevel])
	for arm := range 2 {
		// The last latent score of a zero lies below the first of a one.
		zero, one := math.Inf(-1), math.Inf(1)
		for i, x := range truth.Potential(y, g.Shape().Index("passed"), arm) {
			switch latent := d.Score[arm][0][i]; x {
			case 0:
				zero = max(zero, latent)
			case 1:
				one = min(one, latent)
			default:
				t.Fatalf("passed is %g", x)
			}
		}
		passed := column("passed")
		for i, x := range y[:data.Children()] {
			if school := data.Ancestor(dgp.ChildLevel, i, dgp.SchoolLevel); d.Arm[school] == arm && passed[i] != x {
				t.Fatalf("child %d passed: %g in the data, %g in truth", i, passed[i], x)
			}
		}
		if zero > one || zero < 0.4 || one > 0.65 { // Φ⁻¹(0.7) is 0.524
			t.Errorf("arm %d: zeros up to %g, ones from %g", arm, zero, one)
		}
	}
	for i, x := range column("achievement") {
		if math.Abs(x-column("reading")[i]) > 1e-12 {
			t.Fatal("total achievement is not the only score")
		}
	}
	trial.Achievement.Tests = trial.Achievement.Tests[:3]
	trial.Achievement.Effect.Mean = nil
	g = compile(t, trial)
	data, _ = g.Draw(dgp.Stream{Seed: 3})
	for i, x := range column("achievement") {
		if want := (column("passed")[i] + column("absent")[i] + column("fights")[i]) / 3; math.Abs(x-want) > 1e-12 {
			t.Fatalf("total achievement is %g, wanted %g", x, want)
		}
	}
}
