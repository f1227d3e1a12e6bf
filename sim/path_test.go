package sim_test

import (
	"math"
	"strings"
	"testing"

	"coachsim/configs"
	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/sim"
)

// byPath returns a target's part for every path, by path.
func byPath(t estimators.Target) []estimators.Target {
	var all []estimators.Target
	for _, p := range estimators.Paths() {
		t.Path = p
		all = append(all, t)
	}
	return all
}

// The effects by path in both worlds of the trial of Ecuador are those that the
// calibration works out by hand (section 5 of its notes): slopes on true quality
// times shifts. It has three digits.
func TestEcuadorEffectsByPath(t *testing.T) {
	if testing.Short() {
		t.Skip("averages over a thousand draws")
	}
	for name, want := range map[string][]float64{
		"ecuador":            {-0.0692, 0.010, -0.051, -0.018, -0.079, (0.010 - 0.051) / 2, -(0.018 + 0.079) / 2, -0.018, -0.027, 0.018, -0.042},
		"ecuador-disruption": {-0.0692, 0.010, 0.010, -0.079, -0.079, 0.010, -0.079, -0.079, -0.0236, 0.0189, 0.0148},
	} {
		text, _ := configs.Preset(name)
		study, err := configs.Load(name, text, nil)
		if err != nil {
			t.Fatal(err)
		}
		whole := estimators.Target{Arm: "coaching", Outcome: "achievement", Rows: dgp.ChildLevel}
		targets := byPath(whole)
		for _, domain := range study.Quality.Domains {
			part := whole
			part.Path, part.Through = estimators.IndirectTreated, []string{domain}
			targets = append(targets, part)
		}
		value, mcse, err := sim.PopulationEffectsOf(study.Trial, targets)
		if err != nil {
			t.Fatal(err)
		}
		for i, target := range targets {
			t.Logf("%s: %-7s %v %.5f (MCSE %.6f)", name, target.Path, target.Through, value[i], mcse[i])
			if e := math.Abs(value[i] - want[i]); !(e < 0.0006+4*mcse[i]) {
				t.Errorf("%s: %s through %v is %.5f (MCSE %.6f), wanted %g", name, target.Path, target.Through, value[i], mcse[i], want[i])
			}
			if !(mcse[i] < 0.0001) {
				t.Errorf("%s: %s through %v has MCSE %g", name, target.Path, target.Through, mcse[i])
			}
		}
	}
}

// sumsOf are trials and outcomes for the sums of effects by path.
func sumsOf(t *testing.T) map[string]struct {
	study    sim.Study
	outcomes []string
} {
	base := func(settings ...configs.Setting) sim.Study {
		text, _ := configs.Preset("ecuador")
		all := append([]configs.Setting{{Key: "trial.schools", Value: "4"}, {Key: "trial.attrition.schools", Value: "{}"}}, settings...)
		study, err := configs.Load("ecuador.yaml", text, all)
		if err != nil {
			t.Fatal(err)
		}
		return study
	}
	set := func(key, value string) configs.Setting { return configs.Setting{Key: key, Value: value} }
	children := []string{"achievement", "numbers", "below(achievement, 10)", "above(achievement, 80)", "std(letters)"}
	return map[string]struct {
		study    sim.Study
		outcomes []string
	}{
		"ecuador": {base(), children},
		"binary and count": {base(
			set("achievement.outcomes", "{numbers: {kind: binary, prevalence: 0.3}, letters: {kind: count, mean: 4, dispersion: 0.5}}"),
		), []string{"numbers", "letters", "achievement"}},
		"effects that vary": {base(
			set("achievement.effect.by", "{girl: 0.1, experience: 0.01}"), set("achievement.effect.quantiles", "[-0.1, 0.1, -0.1]"),
			set("achievement.effect.school_sd", "0.1"), set("quality.effect.by", "{experience: 0.02}"),
		), children},
		"several arms": {base(
			set("trial.arms", "[control, coaching, books]"), set("trial.assignment", "{kind: blocked}"),
			set("quality.arm_effects", "{books: {shift: [0.1, 0.5, 0], noise: [0.2, 0.2, 0.2]}}"),
			set("achievement.arm_effects", "{books: {mean: [0.1, 0.1, 0.1, 0.2], treated: [0.3, 0.2, 0.1]}}"),
		), children},
		"factorial": {base(
			set("trial.arms", "[control, coaching, books, coaching+books]"), set("trial.assignment", "{kind: blocked}"),
			set("quality.arm_effects", "{books: {shift: [0.1, 0.5, 0]}, coaching+books: {shift: [0.1, 0, 0.3], noise: [0.1, 0.1, 0.1]}}"),
			set("achievement.arm_effects", "{books: {mean: [0.1, 0.1, 0.1, 0.2], treated: [0.3, 0.2, 0.1]}, coaching+books: {mean: [0, 0, 0, 1], treated: [0.1, 0.1, 0.1]}}"),
		), children},
		"delivered": {base(
			set("trial.teachers", "2"), set("trial.compliance", "{unit: teacher, take_up: {coaching: 0.7}, contamination: {coaching: 0.1}}"),
			set("trial.dosage", "{mean: 6, sd: 2, max: 10}"), set("trial.turnover", "{rate: {control: 0.1, coaching: 0.3}, kept: 0.5}"),
			set("trial.coaches", "{caseload: 2, effect_sd: 0.1, quality_sd: [0.1, 0.1, 0.1], turnover: 0.5, lost_cycles: 2}"),
			set("trial.mobility", "{rate: 0.1, time: 0.5}"), set("trial.spillover", "{share: 0.3}"),
		), children},
		"grades":            {base(set("trial.teachers", "2"), set("trial.grades", "2"), set("achievement.grade_means", "[0, 0.8]")), children},
		"teachers assigned": {base(set("trial.teachers", "4"), set("trial.assignment", "{kind: blocked, unit: teacher}")), children},
		"in points":         {base(set("achievement.points", "true")), children},
	}
}

// On every draw the parts of the effect add up: NIE(1) + NDE(0) = NIE(0) + NDE(1)
// = the whole, whatever the outcome, the design and the domains that carry it.
func TestPartsOfAnEffectAddUp(t *testing.T) {
	for name, c := range sumsOf(t) {
		t.Run(name, func(t *testing.T) {
			g, err := c.study.Trial.Compile()
			if err != nil {
				t.Fatal(err)
			}
			paths := len(estimators.Paths())
			var targets []estimators.Target
			for _, column := range g.Shape().Columns {
				if !column.Arm {
					continue
				}
				for _, outcome := range c.outcomes {
					for _, through := range [][]string{nil, {"co"}, {"es", "is"}} {
						targets = append(targets, byPath(estimators.Target{Arm: column.Name, Outcome: outcome, Rows: dgp.ChildLevel, Through: through})...)
					}
				}
				targets = append(targets, byPath(estimators.Target{Arm: column.Name, Outcome: "mean(achievement, school)", Rows: dgp.SchoolLevel})...)
				targets = append(targets, byPath(estimators.Target{Arm: column.Name, Outcome: "achievement", Rows: dgp.ChildLevel, Where: "girl == 1", Alone: true})...)
			}
			effects := sim.SampleEffects(t, targets, g)
			moved := false
			for rep := range uint64(5) {
				value := effects(g.Draw(dgp.Stream{Seed: 2, Replicate: rep}))
				for i := 0; i < len(targets); i += paths {
					at := func(p estimators.Path) float64 { return value[i+int(p)] }
					whole := at(estimators.Whole)
					for what, sum := range map[string]float64{
						"NIE(1) + NDE(0)":     at(estimators.IndirectTreated) + at(estimators.DirectControl),
						"NIE(0) + NDE(1)":     at(estimators.IndirectControl) + at(estimators.DirectTreated),
						"the means of both":   at(estimators.IndirectAverage) + at(estimators.DirectAverage),
						"mean of the NIEs":    whole + at(estimators.IndirectAverage) - (at(estimators.IndirectControl)+at(estimators.IndirectTreated))/2,
						"controlled (finite)": whole + 0*at(estimators.ControlledDirect),
					} {
						if e := math.Abs(sum - whole); !(e < 1e-12) {
							t.Errorf("%s of %s on %s through %v: %.15g, the whole is %.15g", what, targets[i].Arm, targets[i].Outcome, targets[i].Through, sum, whole)
						}
					}
					moved = moved || math.Abs(at(estimators.IndirectTreated)) > 1e-4
				}
			}
			if !moved {
				t.Error("no effect is indirect")
			}
		})
	}
}

// Through observed scores all of the effect on quality is indirect, domain by
// domain, whose others are part of the direct effect.
func TestPathsOnQuality(t *testing.T) {
	g, err := ecuador(t).Trial.Compile()
	if err != nil {
		t.Fatal(err)
	}
	var targets []estimators.Target
	for _, outcome := range []string{"es", "class"} {
		for _, through := range [][]string{nil, {"es"}, {"co"}} {
			targets = append(targets, byPath(estimators.Target{Arm: "coaching", Outcome: outcome, Rows: dgp.TeacherLevel, Through: through})[:estimators.ControlledDirect]...)
		}
	}
	value := sim.SampleEffects(t, targets, g)(g.Draw(dgp.Stream{Seed: 3}))
	for i, target := range targets {
		whole := value[i-int(target.Path)]
		all := target.Through == nil || target.Outcome == "es" && target.Through[0] == "es"
		none := target.Outcome == "es" && target.Through != nil && target.Through[0] == "co"
		indirect := target.Path == estimators.IndirectControl || target.Path == estimators.IndirectTreated || target.Path == estimators.IndirectAverage
		switch got := value[i]; {
		case target.Path == estimators.Whole:
		case all && indirect, none && !indirect:
			if math.Abs(got-whole) > 1e-12 {
				t.Errorf("%s on %s through %v is %g, wanted %g", target.Path, target.Outcome, target.Through, got, whole)
			}
		case all, none:
			if math.Abs(got) > 1e-12 {
				t.Errorf("%s on %s through %v is %g, wanted 0", target.Path, target.Outcome, target.Through, got)
			}
		case !(math.Abs(got) > 1e-3): // part of the total
			t.Errorf("%s on %s through %v is %g", target.Path, target.Outcome, target.Through, got)
		}
	}
}

// A domain that quality does not have is an error with a name, and scores of what
// is held at a level have no controlled direct effect.
func TestPathFaults(t *testing.T) {
	trial := ecuador(t).Trial
	_, _, err := sim.PopulationEffectsOf(trial, []estimators.Target{{Arm: "coaching", Outcome: "achievement", Rows: dgp.ChildLevel, Path: estimators.IndirectControl, Through: []string{"ess"}}})
	if err == nil || !strings.Contains(err.Error(), `"ess"`) || !strings.Contains(err.Error(), "es, co, is") {
		t.Errorf("error %v", err)
	}
	for _, outcome := range []string{"es", "girl", "belo(a)"} {
		if sim.PathOutcomes(trial, []string{outcome}) == nil {
			t.Errorf("%s is an outcome of children that coaching may change", outcome)
		}
	}
}

// The control variates of quality explain effects by path: with tests in points
// nothing is left but rounding, also where the effect varies between teachers.
func TestQualityDeviationsExplainPaths(t *testing.T) {
	study := ecuador(t)
	study.Achievement.Points = true
	slope, shift := study.Achievement.Slope, study.Quality.Effect.Shift
	effects, err := sim.EffectsByPath(study.Trial, []string{"numbers"}, 60, 1)
	if err != nil {
		t.Fatal(err)
	}
	along := func(slope []float64, domain int) float64 {
		return study.Achievement.Scale * slope[domain] * shift[domain]
	}
	for _, e := range effects {
		want := map[estimators.Path]float64{estimators.Whole: study.Achievement.Effect.Mean[0], estimators.DirectControl: study.Achievement.Effect.Mean[0], estimators.DirectTreated: study.Achievement.Effect.Mean[0]}[e.Path]
		for k, domain := range study.Quality.Domains {
			if e.Through != "" && e.Through != domain {
				continue
			}
			switch e.Path {
			case estimators.IndirectControl:
				want += along(slope.Control, k)
			case estimators.IndirectTreated:
				want += along(slope.Treated, k)
			case estimators.DirectControl:
				want -= along(slope.Treated, k)
			case estimators.DirectTreated:
				want -= along(slope.Control, k)
			}
		}
		switch e.Path {
		case estimators.IndirectAverage, estimators.DirectAverage, estimators.ControlledDirect:
			continue // q(0) is no control variate; the averages follow
		}
		if math.Abs(e.Value-want) > 1e-12 || !(e.MCSE < 1e-12) {
			t.Errorf("%s through %q is %.15g (MCSE %g), wanted %.15g", e.Path, e.Through, e.Value, e.MCSE, want)
		}
	}
}

// Effects by path allocate nothing.
func TestPathsAllocateNothing(t *testing.T) {
	c := sumsOf(t)["delivered"]
	g, err := c.study.Trial.Compile()
	if err != nil {
		t.Fatal(err)
	}
	targets := byPath(estimators.Target{Arm: "coaching", Outcome: "achievement", Rows: dgp.ChildLevel, Through: []string{"es", "is"}})
	effects := sim.SampleEffects(t, targets, g)
	d, truth := g.Draw(dgp.Stream{Seed: 1})
	effects(d, truth)
	if n := testing.AllocsPerRun(10, func() { effects(d, truth) }); n != 0 {
		t.Errorf("%g allocations", n)
	}
}
