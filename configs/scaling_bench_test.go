package configs_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"coachsim/bench/yardstick"
	"coachsim/configs"
	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/sim"
)

// oneRegression reads the study of BenchmarkUnitOneRegression.
func oneRegression(b *testing.B, settings ...configs.Setting) sim.Study {
	b.Helper()
	text, err := os.ReadFile("testdata/one-regression.yaml")
	if err != nil {
		b.Fatal(err)
	}
	study, err := configs.Load("one-regression.yaml", text, settings)
	if err != nil {
		b.Fatal(err)
	}
	return study
}

// replicates is the body of the hot loop.
func replicates(b *testing.B, study sim.Study) {
	b.Helper()
	g, err := study.Trial.Compile()
	if err != nil {
		b.Fatal(err)
	}
	panel, err := estimators.Bind(named(study, ""), g.Shape(), study.Terms)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	st := dgp.Stream{Seed: 1}
	yardstick.Loop(b, func() {
		data, _ := g.Draw(st)
		panel.Use(st)
		panel.Fit(data)
		st.Replicate++
	})
}

// BenchmarkScaling is a replicate of the one-regression study by one of its sizes:
// children a class, schools a block, covariates (of which the first is the child's,
// the others schools'), and regressions, on as many tests.
func BenchmarkScaling(b *testing.B) {
	sizes := []int{10, 20, 40, 80, 160}
	for _, n := range sizes {
		b.Run(fmt.Sprintf("children=%d", n), func(b *testing.B) {
			k := strconv.Itoa(n)
			replicates(b, oneRegression(b, configs.Setting{Key: "trial.children.mean", Value: k}, configs.Setting{Key: "trial.children.min", Value: k}, configs.Setting{Key: "trial.tested", Value: k}))
		})
	}
	for _, n := range sizes {
		b.Run(fmt.Sprintf("schools=%d", n), func(b *testing.B) {
			replicates(b, oneRegression(b, configs.Setting{Key: "trial.schools", Value: strconv.Itoa(n)}))
		})
	}
	for _, n := range []int{2, 4, 8, 16, 32, 64} {
		b.Run(fmt.Sprintf("covariates=%d", n), func(b *testing.B) {
			study := oneRegression(b)
			kept := study.Trial.Covariates[slices.IndexFunc(study.Trial.Covariates, func(c dgp.Covariate) bool { return c.Name == "female" })]
			study.Trial.Covariates = []dgp.Covariate{kept}
			formula := "test ~ coaching + female"
			for i := 1; i < n; i++ {
				c := dgp.Covariate{Name: fmt.Sprintf("s%d", i), Level: dgp.SchoolLevel, Law: dgp.Normal{SD: 1}, Achievement: 1}
				study.Trial.Covariates = append(study.Trial.Covariates, c)
				formula += " + " + c.Name
			}
			study.Estimators[0].Method = estimators.OLS{Formula: formula + " | block", Cluster: "school", SE: estimators.CR1, Report: []string{"coaching"}}
			replicates(b, study)
		})
	}
	for _, n := range []int{1, 2, 4, 8, 16} {
		b.Run(fmt.Sprintf("regressions=%d", n), func(b *testing.B) {
			study := oneRegression(b)
			study.Trial.Achievement.Tests = nil
			for i := range n {
				study.Trial.Achievement.Tests = append(study.Trial.Achievement.Tests, fmt.Sprintf("test%d", i))
			}
			study.Trial.Achievement.Residual = make(dgp.Matrix, n)
			for i := range n {
				study.Trial.Achievement.Residual[i] = make([]float64, n)
				study.Trial.Achievement.Residual[i][i] = 1
			}
			study.Trial.Achievement.Effect.Mean = slices.Repeat(study.Trial.Achievement.Effect.Mean, n)
			one := study.Estimators[0].Method.(estimators.OLS)
			study.Estimators = nil
			for i, test := range study.Trial.Achievement.Tests {
				own := one
				own.Formula = strings.Replace(one.Formula, "test ~", test+" ~", 1)
				study.Estimators = append(study.Estimators, sim.Estimator{Name: fmt.Sprintf("itt%d", i), Method: own})
			}
			replicates(b, study)
		})
	}
}

// BenchmarkWorkers runs whole studies, log included, with one worker and with two in
// turns, and reports how many times faster two are.
func BenchmarkWorkers(b *testing.B) {
	itt := achievementOnCoaching
	cr2 := itt
	cr2.SE = estimators.CR2
	for _, u := range []struct {
		name       string
		replicates string
		methods    []estimators.Method
	}{
		{"ecuador", "1200", nil},
		{"CR1", "1600", []estimators.Method{itt}},
		{"CR2", "1600", []estimators.Method{cr2}},
		{"wild", "2400", []estimators.Method{estimators.WildBootstrap{OLS: itt, Draws: 999}}},
		{"REML", "1600", []estimators.Method{estimators.Mixed{Formula: "achievement ~ coaching + $controls + (1 | school) | block", Report: []string{"coaching"}}}},
		{"tanzania-math", "12", nil},
	} {
		b.Run(u.name, func(b *testing.B) {
			name := "ecuador"
			if strings.HasPrefix(u.name, "tanzania") {
				name = u.name
			}
			study := preset(b, name, configs.Setting{Key: "replicates", Value: u.replicates})
			if u.methods != nil {
				study.Estimators = nil
				for i, m := range u.methods {
					study.Estimators = append(study.Estimators, sim.Estimator{Name: fmt.Sprintf("m%d", i), Method: m})
				}
				study.Families = nil
			}
			plan, err := configs.Plan(study, sim.Build{Version: "bench"})
			if err != nil {
				b.Fatal(err)
			}
			yardstick.Workers(b, func(workers int) {
				if _, err := sim.Run(context.Background(), plan, sim.Options{Dir: b.TempDir(), Workers: workers, Progress: sim.ProgressSetup{Mode: sim.ProgressNone}}); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}
