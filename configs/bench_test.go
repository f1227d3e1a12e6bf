package configs_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"coachsim/bench/yardstick"
	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/sim"
)

// bench returns the generator of the ecuador study and a panel of those of its
// estimators whose names have one of the prefixes.
func bench(b *testing.B, prefixes ...string) (*dgp.Generator, *estimators.Panel) {
	b.Helper()
	study := preset(b, "ecuador")
	g, err := study.Trial.Compile()
	if err != nil {
		b.Fatal(err)
	}
	panel, err := estimators.Bind(named(study, prefixes...), g.Shape(), study.Terms)
	if err != nil {
		b.Fatal(err)
	}
	return g, panel
}

func named(study sim.Study, prefixes ...string) []estimators.Named {
	var methods []estimators.Named
	for _, e := range study.Estimators {
		for _, prefix := range prefixes {
			if strings.HasPrefix(e.Name, prefix) {
				methods = append(methods, estimators.Named{Name: e.Name, Method: e.Method})
				break
			}
		}
	}
	return methods
}

// BenchmarkUnitEcuadorReplicate is the body of the hot loop: one data set
// drawn, and everything fitted to it.
func BenchmarkUnitEcuadorReplicate(b *testing.B) {
	g, panel := bench(b, "")
	b.ReportAllocs()
	rep := uint64(0)
	yardstick.Loop(b, func() {
		data, _ := g.Draw(dgp.Stream{Seed: 1, Replicate: rep})
		panel.Fit(data)
		rep++
	})
	b.ReportMetric(yardstick.Normals, "normals/op") // a test in dgp holds the number against the draws
}

// BenchmarkUnitEcuadorFit fits everything to one data set. What its parts cost
// together is more than the whole, which shares cross-products: those of the
// children by eq2, eq3a and eq3b, those of control children by t2a.
func BenchmarkUnitEcuadorFit(b *testing.B) {
	for _, part := range []struct {
		name     string
		prefixes []string
	}{
		{"All", []string{""}},
		{"Eq1", []string{"eq1"}},
		{"Eq2", []string{"eq2"}},
		{"Eq3a", []string{"eq3a"}},
		{"Eq3b", []string{"eq3b"}},
		{"Eq2Eq3", []string{"eq2", "eq3"}},
		{"T2a", []string{"t2a"}},
		{"Correlations", []string{"ta1", "tests"}},
		{"Reliabilities", []string{"segments", "coders"}},
	} {
		b.Run(part.name, func(b *testing.B) {
			g, panel := bench(b, part.prefixes...)
			data, _ := g.Draw(dgp.Stream{Seed: 1, Replicate: 1})
			b.ReportAllocs()
			for b.Loop() {
				panel.Fit(data)
			}
		})
	}
}

// BenchmarkUnitInference fits total achievement on coaching and the controls of
// the ecuador study, its data already drawn, by kinds of inference that differ
// in what they add to CR1. Each includes reading the data.
func BenchmarkUnitInference(b *testing.B) {
	b.Run("CR1", func(b *testing.B) { benchmarkFit(b, achievementOnCoaching) })
	webb := estimators.WildBootstrap{OLS: achievementOnCoaching, Draws: 999, Weights: estimators.Webb}
	b.Run("WildWebb999", func(b *testing.B) { benchmarkFit(b, webb) })
	b.Run("Randomisation999", func(b *testing.B) {
		benchmarkFit(b, estimators.Randomisation{OLS: achievementOnCoaching, Draws: 999})
	})
}

// BenchmarkUnitCR2 is the same regression with CR2 and its degrees of freedom.
func BenchmarkUnitCR2(b *testing.B) {
	cr2 := achievementOnCoaching
	cr2.SE = estimators.CR2
	benchmarkFit(b, cr2)
}

// BenchmarkUnitWildBootstrap999 is the same regression with 999 draws of signs.
func BenchmarkUnitWildBootstrap999(b *testing.B) {
	benchmarkFit(b, estimators.WildBootstrap{OLS: achievementOnCoaching, Draws: 999})
}

// BenchmarkUnitREML is the same regression with a random intercept of schools.
func BenchmarkUnitREML(b *testing.B) {
	benchmarkFit(b, estimators.Mixed{Formula: "achievement ~ coaching + $controls + (1 | school) | block", Report: []string{"coaching"}})
}

var achievementOnCoaching = estimators.OLS{Formula: "achievement ~ coaching + $controls | block", Cluster: "school", SE: estimators.CR1, Report: []string{"coaching"}}

// benchmarkFit fits one method to one data set of the ecuador study.
func benchmarkFit(b *testing.B, m estimators.Method) {
	b.Helper()
	study := preset(b, "ecuador")
	g, err := study.Trial.Compile()
	if err != nil {
		b.Fatal(err)
	}
	data, _ := g.Draw(dgp.Stream{Seed: 1})
	panel, err := estimators.Bind([]estimators.Named{{Name: "one", Method: m}}, g.Shape(), study.Terms)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	yardstick.Loop(b, func() { panel.Fit(data) })
}

// BenchmarkUnitOneRegression draws the simplest trial of the size of ecuador, and
// fits one regression with twelve covariates to it.
func BenchmarkUnitOneRegression(b *testing.B) { replicates(b, oneRegression(b)) }

// mediated are estimators of mediation through the CLASS in the ecuador study: all
// methods but the bootstrap, and then every correction for measurement error, by ratings.
func mediated() (naive, corrected []estimators.Named) {
	const class, domains = "class ~ coaching + $teacher + $school | block", "c(es, co, is) ~ coaching + $teacher + $school | block"
	const one, apart = "achievement ~ coaching + class + $controls | block", "achievement ~ coaching*class + $controls | block"
	const three = "achievement ~ coaching + es + co + is + $controls | block"
	var all []estimators.Named
	add := func(name string, m estimators.Mediation) {
		m.Cluster, m.SE, m.Draws = "school", estimators.CR1, 999
		all = append(all, estimators.Named{Name: name, Method: m})
	}
	add("product", estimators.Mediation{Formula: one, Mediator: class, Rho: []float64{0.1}})
	add("joint", estimators.Mediation{Formula: one, Mediator: class, Method: estimators.JointSignificance})
	add("monte-carlo", estimators.Mediation{Formula: one, Mediator: class, Method: estimators.MonteCarlo})
	add("simulation", estimators.Mediation{Formula: apart, Mediator: class, Method: estimators.Simulation})
	add("domains", estimators.Mediation{Formula: three, Mediator: domains, Method: estimators.JointSignificance})
	add("sequential-g", estimators.Mediation{Formula: one, Mediator: "class", Method: estimators.SequentialG})
	naive, all = all, nil
	for _, method := range []estimators.ErrorMethod{estimators.ErrorMoments, estimators.RegressionCalibration, estimators.SIMEX, estimators.SplitHalf, estimators.FactorScore} {
		add(method.String(), estimators.Mediation{Formula: one, Mediator: class, Method: estimators.JointSignificance, Error: &estimators.MeasurementError{Method: method}})
	}
	return naive, all
}

// BenchmarkUnitEcuadorMediation draws a replicate and fits the study to it, in turns
// without estimators of mediation, with those that take the mediator for free of error,
// and with corrections too, and reports what the latter two cost as ratios to the first.
func BenchmarkUnitEcuadorMediation(b *testing.B) {
	study := preset(b, "ecuador")
	g, err := study.Trial.Compile()
	if err != nil {
		b.Fatal(err)
	}
	var panels [3]*estimators.Panel
	naive, corrected := mediated()
	for i, more := range [][]estimators.Named{nil, naive, slices.Concat(naive, corrected)} {
		if panels[i], err = estimators.Bind(append(named(study, ""), more...), g.Shape(), study.Terms); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	var spent [3]time.Duration
	rep := uint64(0)
	for b.Loop() {
		for i, panel := range panels {
			start := time.Now()
			st := dgp.Stream{Seed: 1, Replicate: rep}
			data, _ := g.Draw(st)
			panel.Use(st)
			panel.Fit(data)
			spent[i] += time.Since(start)
		}
		rep++
	}
	b.ReportMetric(float64(spent[1])/float64(spent[0]), "ratio")
	b.ReportMetric(float64(spent[2])/float64(spent[0]), "ratio-corrected")
}

// BenchmarkUnitTanzaniaPipeline is the paper's work on a data set of each subject: 200
// splits for least squares and the LASSO, 20 with a forest of 1,000 trees and its
// importance, and the regressions on what was selected. Each subject has a goroutine of
// its own: with -cpu 2 the time is that of two cores.
func BenchmarkUnitTanzaniaPipeline(b *testing.B) {
	type subject struct {
		g     *dgp.Generator
		panel *estimators.Panel
	}
	var subjects []subject
	for _, name := range []string{"tanzania-math", "tanzania-kiswahili"} {
		study := preset(b, name)
		g, err := study.Trial.Compile()
		if err != nil {
			b.Fatal(err)
		}
		panel, err := estimators.Bind(named(study, "ols", "lasso", "cif", "post-", "set-"), g.Shape(), study.Terms)
		if err != nil {
			b.Fatal(err)
		}
		subjects = append(subjects, subject{g, panel})
	}
	b.ReportAllocs()
	st := dgp.Stream{Seed: 1}
	yardstick.Loop(b, func() {
		var running sync.WaitGroup
		for _, s := range subjects {
			running.Go(func() {
				data, _ := s.g.Draw(st)
				s.panel.Use(st)
				s.panel.Fit(data)
			})
		}
		running.Wait()
		st.Replicate++
	})
}
