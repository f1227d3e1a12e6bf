package estimators_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/estimators/estimatortest"
)

// reassigned is a small trial whose achievement goes with a school covariate,
// without any effect.
func reassigned(scheme dgp.Assignment, arms ...string) dgp.Trial {
	t := dgp.DefaultTrial()
	t.Design.Blocks, t.Design.Schools, t.Design.Teachers, t.Design.Tested = 2, 6, 2, 4
	t.Design.Children = dgp.ClassSize{Mean: 5, SD: 2, Min: 2}
	t.Design.Arms, t.Design.Assignment = arms, scheme
	t.Covariates = []dgp.Covariate{
		{Name: "income", Level: dgp.SchoolLevel, Law: dgp.Normal{SD: 1}, Achievement: 1},
		{Name: "age", Level: dgp.ChildLevel, Law: dgp.Normal{SD: 1}, Slope: 0.3},
	}
	t.Quality = dgp.Quality{Domains: []string{"q"}, SD: []float64{1}, Correlation: dgp.Matrix{{1}}}
	t.Observation.Segments, t.Observation.Coders = 1, 1
	t.Observation.Scale.Mean, t.Observation.Scale.Points = []float64{4}, []float64{1}
	t.Observation.SegmentSD, t.Observation.CoderSD = []float64{0.5}, []float64{0.5}
	t.Observation.ErrorCorrelation = dgp.Matrix{{1}}
	t.Achievement.Tests = []string{"reading"}
	t.Achievement.Residual = dgp.Matrix{{0.5}}
	t.Achievement.CovariateSD, t.Achievement.SchoolSD, t.Achievement.TeacherSD = 0.8, 0.2, 0.2
	return t
}

// Randomisation inference by every scheme and for several arms, the slow and
// obvious way: the arms' columns are replaced by each assignment, and the
// regression fitted again on outcomes from which, under each null, what the other
// arms explain in the data was taken.
func TestReassigningRefitted(t *testing.T) {
	const draws = 39
	two, three := []string{"control", "coaching"}, []string{"control", "coaching", "money"}
	factorial := []string{"control", "coaching", "money", "coaching+money"}
	income := []string{"income"}
	for name, c := range map[string]struct {
		trial     dgp.Trial
		formula   string
		arms      []string // the reported one last
		lost      int
		weights   string
		wantLevel dgp.Level
	}{
		"three arms":       {reassigned(dgp.Blocked{}, three...), "reading ~ coaching + money + age | block", []string{"money", "coaching"}, 0, "", dgp.SchoolLevel},
		"factorial":        {reassigned(dgp.Complete{}, factorial...), "reading ~ coaching + money + age", []string{"coaching", "money"}, 0, "", dgp.SchoolLevel},
		"teachers":         {reassigned(dgp.Blocked{Unit: dgp.TeacherUnit}, two...), "reading ~ coaching + age | school", []string{"coaching"}, 0, "", dgp.TeacherLevel},
		"children":         {reassigned(dgp.Blocked{Unit: dgp.ChildUnit}, three...), "reading ~ age + coaching + money | teacher", []string{"money", "coaching"}, 0, "", dgp.ChildLevel},
		"children alone":   {reassigned(dgp.Complete{Unit: dgp.ChildUnit}, two...), "reading ~ coaching + income", []string{"coaching"}, 0, "", dgp.ChildLevel},
		"weighted":         {reassigned(dgp.Simple{Unit: dgp.ChildUnit}, two...), "reading ~ coaching + age", []string{"coaching"}, 0, "size", dgp.ChildLevel},
		"pairs":            {reassigned(dgp.Pairs{On: income, Blocked: true}, two...), "reading ~ coaching | pair", []string{"coaching"}, 0, "", dgp.SchoolLevel},
		"pairs, some lost": {reassigned(dgp.Pairs{On: income}, two...), "reading ~ coaching", []string{"coaching"}, 1, "", dgp.SchoolLevel},
		"re-randomised":    {reassigned(dgp.Rerandomised{On: income, Accept: 0.2, Tries: 1000, Blocked: true}, two...), "reading ~ coaching + age | block", []string{"coaching"}, 0, "", dgp.SchoolLevel},
		"two stages":       {reassigned(dgp.TwoStage{Unit: dgp.ChildUnit, Saturations: []float64{0, 0.5}}, two...), "reading ~ coaching + saturation", []string{"coaching"}, 0, "", dgp.ChildLevel},
		"stepped":          {reassigned(dgp.Stepped{Waves: 3, Treated: 2}, two...), "reading ~ coaching", []string{"coaching"}, 0, "", dgp.SchoolLevel},
	} {
		t.Run(name, func(t *testing.T) {
			trial := c.trial
			if c.lost > 0 {
				trial.Design.Attrition.Schools = map[string]int{"control": c.lost, "coaching": c.lost}
			}
			if c.weights != "" {
				trial.Covariates = append(trial.Covariates, dgp.Covariate{Name: "size", Level: dgp.TeacherLevel, Law: dgp.ClassSizeLaw{}})
			}
			g, err := trial.Compile()
			if err != nil {
				t.Fatal(err)
			}
			shape := g.Shape()
			st := dgp.Stream{Seed: 6, Replicate: 2}
			d, _ := g.Draw(st)
			if d.Randomised.Level != c.wantLevel {
				t.Fatalf("units of level %s", d.Randomised.Level)
			}
			reported := c.arms[len(c.arms)-1]
			o := estimators.OLS{Formula: c.formula, SE: hc1, Report: []string{reported}, Weights: c.weights}
			panel, err := estimators.Bind([]estimators.Named{{Name: "ri", Method: estimators.Randomisation{OLS: o, Draws: draws}}}, shape, nil)
			if err != nil {
				t.Fatal(err)
			}
			panel.Use(st)
			got := panel.Fit(d)[0]
			if n := testing.AllocsPerRun(5, func() { panel.Fit(d) }); n != 0 {
				t.Errorf("a fit allocates %.1f times", n)
			}

			level, reading := c.wantLevel, shape.Index("reading")
			value := func(arm string, i int) float64 {
				return d.Columns[shape.Index(arm)][d.Ancestor(dgp.ChildLevel, i, level)]
			}
			// coefficient refits y on the columns of all arms.
			coefficient := func(y []float64, columns map[string][]float64, formula, report string) float64 {
				other := estimatortest.Clone(d)
				other.Columns[reading] = y
				for arm, x := range columns {
					other.Columns[shape.Index(arm)] = x
				}
				fit := o
				fit.Formula, fit.Report = formula, []string{report}
				_, e := fitOne(t, fit, other, shape)
				if !e[0].Status.Worked() {
					return 0
				}
				return e[0].Value
			}
			p := func(null float64) float64 {
				// What the other arms explain, with the constant effect of the null
				// taken off: the coefficients of the regression without the arm.
				y := slices.Clone(d.Columns[reading])
				for i := range y {
					y[i] -= null * value(reported, i)
				}
				nuisance := slices.Clone(y)
				for _, arm := range c.arms[:len(c.arms)-1] { // one at most
					without := withoutTerm(c.formula, reported)
					k := coefficient(y, nil, without, arm)
					for i := range nuisance {
						nuisance[i] -= k * value(arm, i)
					}
				}
				data := math.Abs(coefficient(nuisance, nil, c.formula, reported))
				count := 1.0
				rng := dgp.NewSource().Load(st, dgp.EstimatorPurpose("ri"))
				scheme := shape.Assignment.Compile(shape)
				if scheme.Prepare != nil {
					scheme.Prepare(d.Randomised)
				}
				drawn := make([]int, d.Randomised.Len())
				for range draws {
					scheme.Assign(drawn, d.Randomised, rng)
					columns := map[string][]float64{}
					for _, arm := range c.arms {
						x := make([]float64, d.N[level])
						for u := range x {
							if shape.TurnsOn(drawn[d.Place[u]], shape.Index(arm)) {
								x[u] = 1
							}
						}
						columns[arm] = x
					}
					if e := coefficient(nuisance, columns, c.formula, reported); math.Abs(e) >= data*(1-1e-9) {
						count++
					}
				}
				return count / (draws + 1)
			}
			if want := p(0); math.Abs(got.P-want) > 1e-12 {
				t.Errorf("p %v, want %v", got.P, want)
			}
			if width := got.High - got.Low; !math.IsInf(width, 0) {
				for _, end := range [][2]float64{{got.Low + 1e-4*width, got.Low - 1e-4*width}, {got.High - 1e-4*width, got.High + 1e-4*width}} {
					if in, out := p(end[0]), p(end[1]); in <= 0.05 || out > 0.05 {
						t.Errorf("interval %v to %v: p %v just inside, %v just outside", got.Low, got.High, in, out)
					}
				}
			}
		})
	}
}

// Without an effect, randomisation inference by the scheme that assigned the
// schools rejects 5% of the time, also where the scheme looks at covariates: 600
// trials, between the 0.0001 and 0.9999 quantiles of a binomial count. Inference
// as if schools had been assigned without pairs or balance rejects far less.
func TestRandomisationSize(t *testing.T) {
	trials, low, high := 600, 12, 53
	if testing.Short() {
		trials, low, high = 100, 0, 15
	}
	income := []string{"income"}
	for name, scheme := range map[string]dgp.Assignment{
		"pairs":         dgp.Pairs{On: income},
		"re-randomised": dgp.Rerandomised{On: income, Accept: 0.05, Tries: 1000},
	} {
		trial := reassigned(scheme, "control", "coaching")
		trial.Design.Schools = 12 // with fewer, many assignments tie, and the test is conservative
		trial.Achievement.SchoolSD, trial.Achievement.TeacherSD = 0.05, 0.05
		g, err := trial.Compile()
		if err != nil {
			t.Fatal(err)
		}
		right, wrong := g.Shape(), g.Shape()
		wrong.Assignment = dgp.Complete{}
		var panels []*estimators.Panel
		for _, shape := range []dgp.Shape{right, wrong} {
			panel, err := estimators.Bind([]estimators.Named{{Name: "ri", Method: estimators.Randomisation{
				OLS: estimators.OLS{Formula: "reading ~ coaching", SE: hc1, Report: []string{"coaching"}}, Draws: 39,
			}}}, shape, nil)
			if err != nil {
				t.Fatal(err)
			}
			panels = append(panels, panel)
		}
		var rejected [2]int
		for rep := range trials {
			st := dgp.Stream{Seed: 51, Replicate: uint64(rep)}
			d, _ := g.Draw(st)
			for i, panel := range panels {
				panel.Use(st)
				if panel.Fit(d)[0].P <= 0.05 {
					rejected[i]++
				}
			}
		}
		t.Logf("%s: %d of %d rejected; as if not, %d", name, rejected[0], trials, rejected[1])
		if rejected[0] < low || rejected[0] > high {
			t.Errorf("%s: %d of %d trials without effect are significant, not between %d and %d", name, rejected[0], trials, low, high)
		}
		if !testing.Short() && rejected[1] >= low {
			t.Errorf("%s: inference by another scheme rejects %d of %d", name, rejected[1], trials)
		}
	}
}

// withoutTerm takes a term out of a formula of sums.
func withoutTerm(formula, term string) string {
	outcome, rest, _ := strings.Cut(formula, " ~ ")
	terms, absorbed, has := strings.Cut(rest, " | ")
	kept := slices.DeleteFunc(strings.Split(terms, " + "), func(t string) bool { return t == term })
	formula = outcome + " ~ " + strings.Join(kept, " + ")
	if has {
		formula += " | " + absorbed
	}
	return formula
}
