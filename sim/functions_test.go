package sim_test

import (
	"math"
	"slices"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/sim"
)

// directly is a slow reference of true effects: the outcome of every child under
// both arms, by name, put through a function of one arm's outcomes.
type directly struct {
	d         *dgp.Data
	shape     dgp.Shape
	potential [2]map[string][]float64
}

// effect is the mean over children of the difference of f.
func (r directly) effect(f func(y map[string]float64, child int) float64) float64 {
	sum := 0.0
	for i := range r.d.N[dgp.ChildLevel] {
		var of [2]float64
		for arm, outcomes := range r.potential {
			y := map[string]float64{}
			for name, values := range outcomes {
				y[name] = values[i]
			}
			of[arm] = f(y, i)
		}
		sum += of[1] - of[0]
	}
	return sum / float64(r.d.N[dgp.ChildLevel])
}

// bySchool is the mean over schools of the difference of their means.
func (r directly) bySchool(name string) float64 {
	schools := r.d.N[dgp.SchoolLevel]
	var sum [2][]float64
	n := make([]float64, schools)
	for arm := range sum {
		sum[arm] = make([]float64, schools)
	}
	for i := range r.d.N[dgp.ChildLevel] {
		s := r.d.Ancestor(dgp.ChildLevel, i, dgp.SchoolLevel)
		n[s]++
		for arm := range sum {
			sum[arm][s] += r.potential[arm][name][i]
		}
	}
	mean := 0.0
	for s := range n {
		mean += (sum[1][s] - sum[0][s]) / n[s] / float64(schools)
	}
	return mean
}

// scores returns the functions that standardise the tests by what is observed of
// the control group, with the z-scores of the observed outcomes.
func (r directly) scores(names ...string) (of []func(v float64) float64, z [][]float64) {
	treated := r.d.Columns[r.shape.Index("coaching")]
	for _, name := range names {
		y := r.d.Columns[r.shape.Index(name)]
		var control []float64
		for i, v := range y {
			if treated[r.d.Ancestor(dgp.ChildLevel, i, dgp.SchoolLevel)] == 0 {
				control = append(control, v)
			}
		}
		mean, sd := moments(control)
		standard := func(v float64) float64 { return (v - mean) / sd }
		of = append(of, standard)
		var all []float64
		for _, v := range y {
			all = append(all, standard(v))
		}
		z = append(z, all)
	}
	return of, z
}

// moments are the mean and the SD with divisor n-1.
func moments(x []float64) (mean, sd float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		sd += (v - mean) * (v - mean) / float64(len(x)-1)
	}
	return mean, math.Sqrt(sd)
}

func covariance(x, y []float64) float64 {
	mx, _ := moments(x)
	my, _ := moments(y)
	sum := 0.0
	for i := range x {
		sum += (x[i] - mx) * (y[i] - my) / float64(len(x)-1)
	}
	return sum
}

// The truth of functions of outcomes is that of the functions of potential
// outcomes, with the constants of the observed data: replicate by replicate for
// the sample's effects, and on average for the population's. Each of the seven
// averages is off by chance at the rate of 1e-5.
func TestTruthOfFunctions(t *testing.T) {
	study := sim.SmallStudy(1)
	study.Covariates = append(slices.Clone(study.Covariates), dgp.Covariate{Name: "base", Level: dgp.ChildLevel, Law: dgp.Normal{Mean: 1, SD: 2}, Slope: 0.3})
	study.Estimators = nil
	for _, e := range []struct {
		name     string
		estimand sim.Estimand
	}{{"sample", sim.Sample}, {"population", sim.Population}} {
		for _, m := range []struct{ name, formula string }{
			{"children", "c(I(reading - base), log(reading^2 + 1), I(reading * maths / 2), std(reading + 2 * maths), klk(reading, -maths), anderson(reading, maths)) ~ coaching"},
			{"schools", "mean(reading, school) ~ coaching + mean(base, school)"},
		} {
			study.Estimators = append(study.Estimators, sim.Estimator{Name: e.name + "-" + m.name, Estimand: e.estimand, Method: estimators.OLS{Formula: m.formula, SE: estimators.HC1, Report: []string{"coaching"}}})
		}
	}
	rows := sim.Rows(t, study)
	g, err := study.Trial.Compile()
	if err != nil {
		t.Fatal(err)
	}
	r := directly{shape: g.Shape()}
	for arm := range r.potential {
		r.potential[arm] = map[string][]float64{"reading": nil, "maths": nil}
	}
	const draws = 300
	sum, square := map[string]float64{}, map[string]float64{}
	for rep := range draws {
		d, truth := g.Draw(dgp.Stream{Seed: study.Seed, Replicate: uint64(rep)})
		r.d = d
		for arm, outcomes := range r.potential {
			for name := range outcomes {
				outcomes[name] = slices.Clone(truth.Potential(make([]float64, r.shape.Max[dgp.ChildLevel]), r.shape.Index(name), arm))
			}
		}
		base := d.Columns[r.shape.Index("base")]
		standard, z := r.scores("reading", "maths")
		a, b, c := covariance(z[0], z[0]), covariance(z[0], z[1]), covariance(z[1], z[1])
		first, second := (c-b)/(a+c-2*b), (a-b)/(a+c-2*b) // row sums of the inverse, adding up to 1
		var total []float64
		reading, maths := d.Columns[r.shape.Index("reading")], d.Columns[r.shape.Index("maths")]
		for i := range reading {
			total = append(total, reading[i]+2*maths[i])
		}
		mean, sd := moments(total)
		want := map[string]float64{
			"I(reading - base)":        r.effect(func(y map[string]float64, i int) float64 { return y["reading"] - base[i] }),
			"log(reading^2 + 1)":       r.effect(func(y map[string]float64, _ int) float64 { return math.Log(y["reading"]*y["reading"] + 1) }),
			"I(reading * maths/2)":     r.effect(func(y map[string]float64, _ int) float64 { return y["reading"] * y["maths"] / 2 }),
			"std(reading + 2 * maths)": r.effect(func(y map[string]float64, _ int) float64 { return (y["reading"] + 2*y["maths"] - mean) / sd }),
			"klk(reading, -maths)": r.effect(func(y map[string]float64, _ int) float64 {
				return (standard[0](y["reading"]) - standard[1](y["maths"])) / 2
			}),
			"anderson(reading, maths)": r.effect(func(y map[string]float64, _ int) float64 {
				return first*standard[0](y["reading"]) + second*standard[1](y["maths"])
			}),
			"mean(reading, school)": r.bySchool("reading"),
		}
		found := 0
		for _, row := range rows(rep) {
			if row.Estimand != "sample" {
				continue
			}
			found++
			if w, ok := want[row.Outcome]; !ok || !(math.Abs(row.Truth-w) < 1e-12) {
				t.Fatalf("replicate %d: the sample effect on %s is %.15g, directly %.15g", rep, row.Outcome, row.Truth, w)
			}
		}
		if found != len(want) {
			t.Fatalf("%d sample effects, want %d", found, len(want))
		}
		for outcome, w := range want {
			sum[outcome] += w / draws
			square[outcome] += w * w / draws
		}
	}
	population := sim.PopulationEffects(t, study, 2)
	for outcome := range sum {
		name := "population-children/" + outcome + "/coaching"
		if outcome == "mean(reading, school)" {
			name = "population-schools/" + outcome + "/coaching"
		}
		p, ok := population[name]
		if !ok {
			t.Errorf("there is no population effect %s", name)
			continue
		}
		se := math.Hypot(math.Sqrt((square[outcome]-sum[outcome]*sum[outcome])/draws), p.MCSE)
		if z := (sum[outcome] - p.Value) / se; !(math.Abs(z) < 4.417) {
			t.Errorf("%s: mean of the sample effects %.5f, population effect %.5f (MCSE %.5f), z = %.1f", outcome, sum[outcome], p.Value, p.MCSE, z)
		}
	}
}
