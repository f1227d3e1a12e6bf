package dgp_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"coachsim/dgp"
)

// partsOf are the sources of quality in an arm: its parts and itself.
func partsOf(arm string) []string {
	parts := strings.Split(arm, "+")
	if len(parts) > 1 {
		parts = append(parts, arm)
	}
	return parts
}

// nestedOracle is a trial in which the outcome that all have when assigned the
// larger of arms a and b is, plus a constant that is returned, the one under arm
// a of t with quality as under b. What quality a brings and b does not is left
// out, by leaving out what coaching does to quality; what b brings and a does not
// is all that b's other treatments do, by the slope of a plain arm a, or of
// control. One of the arms must have all treatments of the other.
func nestedOracle(t dgp.Trial, a, b string) (dgp.Trial, float64) {
	arms := t.Design.Arms
	quality, tests := map[string]dgp.QualityEffect{}, map[string]dgp.ArmTestEffect{}
	for _, arm := range arms[1:] {
		own, named := t.Quality.ArmEffects[arm]
		test, testNamed := t.Achievement.ArmEffects[arm]
		if !strings.Contains(arm, "+") {
			if !named {
				own = t.Quality.Effect
			}
			if !testNamed {
				test.TestEffect = t.Achievement.Effect
			}
			if test.Baseline == nil {
				test.Baseline = t.Achievement.Slope.Baseline
			}
		}
		if test.Treated == nil {
			test.Treated = t.Achievement.Slope.Treated
		}
		quality[arm], tests[arm] = own, test
	}
	slope := t.Achievement.Slope.Control
	if a != arms[0] {
		slope = tests[a].Treated
	}
	within := func(source, arm string) bool { return slices.Contains(partsOf(arm), source) }
	along := func(slope, shift []float64) float64 {
		sum := 0.0
		for k := range shift {
			sum += t.Achievement.Scale * slope[k] * shift[k]
		}
		return sum
	}
	constant := 0.0
	for _, source := range arms[1:] {
		switch {
		case within(source, a) && !within(source, b):
			lost := along(tests[source].Treated, quality[source].Shift)
			quality[source] = dgp.QualityEffect{}
			if t.Design.Coaches != nil {
				coaches := *t.Design.Coaches
				coaches.QualitySD = nil
				t.Design.Coaches = &coaches
			}
			if test := tests[source]; test.Bottom == 0 { // else the constant must do, which knows no delivery
				test.Mean = slices.Clone(test.Mean)
				for k := range t.Achievement.Tests {
					if k == len(test.Mean) {
						test.Mean = append(test.Mean, 0)
					}
					test.Mean[k] -= lost
				}
				tests[source] = test
			} else {
				constant -= lost
			}
		case within(source, b) && !within(source, a):
			shift := along(slope, quality[source].Shift)
			tests[source] = dgp.ArmTestEffect{
				TestEffect: dgp.TestEffect{Mean: slices.Repeat([]float64{shift}, len(t.Achievement.Tests))},
				Treated:    slope, Baseline: make([]float64, len(slope)),
			}
			if !strings.Contains(source, "+") { // a teacher's own quality keeps the slope of a
				for k, control := range t.Achievement.Slope.Control {
					tests[source].Baseline[k] = control - slope[k]
				}
			}
			if t.Design.Coaches != nil {
				coaches := *t.Design.Coaches
				coaches.EffectSD = 0
				t.Design.Coaches = &coaches
			}
		}
	}
	t.Quality.ArmEffects, t.Achievement.ArmEffects = quality, tests
	t.Quality.Effect, t.Achievement.Effect = dgp.QualityEffect{}, dgp.TestEffect{} // of no arm
	return t, constant
}

// nestedTrials are those that quality reaches the tests of in every way.
func nestedTrials(t testing.TB) map[string]dgp.Trial {
	all := trials(t)
	delete(all, "alike")
	delete(all, "one-domain") // no slopes

	varied := manyTeachers()
	varied.Achievement.Effect.By = map[string]float64{"wealth": 0.1, "months": 0.02}
	varied.Achievement.Effect.SchoolSD, varied.Achievement.Effect.BlockSD = 0.2, 0.1
	varied.Achievement.Effect.Quantiles = []float64{0.3, 0, -0.3}
	varied.Quality.Effect.By = map[string]float64{"wealth": 0.1, "debt": -0.1}
	all["effects that vary"] = varied

	shown := manyTeachers()
	prevalence := 0.4
	shown.Achievement.Outcomes = map[string]dgp.Outcome{"a": dgp.Binary{Prevalence: prevalence}, "c": dgp.Count{Mean: 3}}
	all["binary and count"] = shown

	arms := manyTeachers()
	arms.Design.Arms, arms.Design.Assignment = []string{"usual", "mentoring", "money"}, dgp.Complete{}
	arms.Quality.ArmEffects = map[string]dgp.QualityEffect{"money": {Shift: []float64{-0.3, 0.2}, Noise: []float64{0.1, 0.4}}}
	arms.Achievement.ArmEffects = map[string]dgp.ArmTestEffect{"money": {TestEffect: dgp.TestEffect{Mean: []float64{1, 0, 0, 0, 0.5}}, Treated: []float64{-0.1, 0.5}}}
	all["several arms"] = arms

	delivered := everything()
	delivered.Achievement.Effect.Bottom = 0
	delivered.Design.Turnover = &dgp.Turnover{Rate: map[string]float64{"usual": 0.2, "mentoring": 0.2}, Kept: 0.4}
	delivered.Design.Compliance.Contamination = nil
	all["delivered to schools"] = delivered

	teachers := delivered
	teachers.Design.Assignment = dgp.Blocked{Unit: dgp.TeacherUnit}
	teachers.Design.Coaches = &dgp.Coaches{Caseload: 3, EffectSD: 0.2, QualitySD: []float64{0.4, 0.1}, AcrossBlocks: true}
	teachers.Design.Mobility = &dgp.Mobility{Rate: 0.5, Time: 0.6}
	all["delivered to teachers"] = teachers
	return all
}

// A nested potential outcome is what another trial, in which quality is another
// one by declaration, draws as a plain potential outcome.
func TestNestedOutcomesAreThoseOfAnotherTrial(t *testing.T) {
	for name, trial := range nestedTrials(t) {
		t.Run(name, func(t *testing.T) {
			trial.Achievement.Points = true
			g := compile(t, trial)
			arms := trial.Design.Arms
			for a := range arms {
				for b := range arms {
					larger := max(a, b)
					all := partsOf(arms[larger])
					if a == b || min(a, b) > 0 && !slices.Contains(all, arms[min(a, b)]) {
						continue
					}
					if a > 0 && b > 0 && strings.Contains(arms[min(a, b)], "+") {
						continue
					}
					other, constant := nestedOracle(trial, arms[a], arms[b])
					h := compile(t, other)
					for rep := range uint64(3) {
						_, truth := g.Draw(dgp.Stream{Seed: 5, Replicate: rep})
						d, oracle := h.Draw(dgp.Stream{Seed: 5, Replicate: rep})
						moved := false
						for k, test := range trial.Achievement.Tests {
							if trial.Achievement.Outcomes[test] != nil && constant != 0 {
								continue
							}
							c := g.Shape().Index(test)
							room := func() []float64 { return make([]float64, d.Children()) }
							got := truth.Nested(room(), c, dgp.Nested{Arm: a, Quality: b})
							want := oracle.Potential(room(), c, larger)
							plain := truth.Potential(room(), c, a)
							for i := range got {
								if e := math.Abs(got[i] - want[i] - constant); !(e < 1e-12) {
									t.Fatalf("Y(%s, q(%s)) of child %d on test %d is %.15g, wanted %.15g", arms[a], arms[b], i, k, got[i], want[i]+constant)
								}
								moved = moved || got[i] != plain[i]
							}
						}
						if !moved && (a > 0 || trial.Achievement.Slope.Control != nil) && trial.Achievement.Slope.Treated != nil {
							t.Errorf("quality as in %s moves nothing in %s", arms[b], arms[a])
						}
					}
				}
			}
		})
	}
}

// Quality set in one domain after the other adds up to quality set in all, and in
// none to nothing; scores of quality are those of the arm that quality is of; held
// at a level, quality moves the tests along the slope of the arm.
func TestNestedByDomain(t *testing.T) {
	for name, trial := range nestedTrials(t) {
		t.Run(name, func(t *testing.T) {
			trial.Achievement.Points, trial.Achievement.Outcomes = true, nil
			g := compile(t, trial)
			k := len(trial.Quality.Domains)
			only := func(domains ...int) []bool {
				through := make([]bool, k)
				for _, domain := range domains {
					through[domain] = true
				}
				return through
			}
			d, truth := g.Draw(dgp.Stream{Seed: 6})
			drawn := g.Units()
			room := func() []float64 { return make([]float64, max(d.Children(), d.Teachers())) }
			for a := range trial.Design.Arms {
				for b := range trial.Design.Arms {
					for c, column := range g.Shape().Columns {
						if !g.HasPotential(c) {
							continue
						}
						plain := truth.Potential(room(), c, a)
						none := truth.Nested(room(), c, dgp.Nested{Arm: a, Quality: b, Through: only()})
						same := truth.Nested(room(), c, dgp.Nested{Arm: a, Quality: a})
						whole := truth.Nested(room(), c, dgp.Nested{Arm: a, Quality: b})
						if !slices.Equal(plain, none) || !slices.Equal(plain, same) {
							t.Fatalf("%s in arm %d is another one with quality as it is", column.Name, a)
						}
						switch {
						case column.Domains != nil:
							if want := truth.Potential(room(), c, b); !slices.Equal(whole, want) {
								t.Fatalf("%s in arm %d with quality as under %d is another than there", column.Name, a, b)
							}
						case column.Level == dgp.ChildLevel && strings.Contains(column.Doc, "SDs"):
							sum := slices.Clone(plain)
							for domain := range k {
								for i, y := range truth.Nested(room(), c, dgp.Nested{Arm: a, Quality: b, Through: only(domain)}) {
									sum[i] += y - plain[i]
								}
							}
							for i := range sum {
								if e := math.Abs(sum[i] - whole[i]); !(e < 1e-12) {
									t.Fatalf("%s of child %d by domain adds up to %g, not %g", column.Name, i, sum[i], whole[i])
								}
							}
						default:
							if !slices.Equal(whole, plain) {
								t.Fatalf("quality moves %s", column.Name)
							}
						}
					}
				}
				if trial.Design.Coaches != nil || strings.Contains(trial.Design.Arms[a], "+") {
					continue
				}
				slope := trial.Achievement.Slope.Control
				if a > 0 {
					slope = trial.Achievement.Slope.Treated
					if own := trial.Achievement.ArmEffects[trial.Design.Arms[a]].Treated; own != nil {
						slope = own
					}
				}
				if slope == nil {
					slope = make([]float64, k)
				}
				c := g.Shape().Index(trial.Achievement.Tests[0])
				plain := truth.Potential(room(), c, a)
				for i, y := range truth.Nested(room(), c, dgp.Nested{Arm: a, Quality: a, Fixed: true, Level: 0.7}) {
					class := drawn.Teachers[d.Ancestor(dgp.ChildLevel, i, dgp.TeacherLevel)]
					want := plain[i]
					for domain := range k {
						want += trial.Achievement.Scale * slope[domain] * (0.7 - drawn.Under[a][domain][class])
					}
					if !(math.Abs(y-want) < 1e-12) {
						t.Fatalf("with quality held, child %d in arm %d has %g, not %g", i, a, y, want)
					}
				}
			}
		})
	}
}

// Where quality has one slope in every arm, whatever sources it is from, nested
// outcomes are those of the arm plus the slope on the difference of what quality
// reaches the child in two worlds: with every way to deliver treatments, and
// teachers who leave one arm more often than the other.
func TestNestedAlongOneSlope(t *testing.T) {
	slope := []float64{0.3, -0.2}
	for name, trial := range deliveries() {
		if trial.Design.Assignment.Level() == dgp.ChildLevel {
			continue // the same quality under all arms
		}
		t.Run(name, func(t *testing.T) {
			a := &trial.Achievement
			a.Points, a.Slope.Control, a.Slope.Treated = true, slope, slope
			effects := map[string]dgp.ArmTestEffect{}
			for arm, e := range a.ArmEffects {
				e.Treated = nil
				effects[arm] = e
			}
			a.ArmEffects = effects
			g := compile(t, trial)
			for rep := range uint64(2) {
				d, truth := g.Draw(dgp.Stream{Seed: 8, Replicate: rep})
				drawn, delivered := g.Drawn(), g.Delivered()
				along := func(class int, of func(domain, class int) float64) float64 {
					sum := 0.0
					for k := range slope {
						sum += a.Scale * slope[k] * of(k, class)
					}
					return sum
				}
				c := g.Shape().Index(a.Tests[1])
				room := func() []float64 { return make([]float64, d.Children()) }
				moved := 0
				for arm := range trial.Design.Arms {
					plain := truth.Potential(room(), c, arm)
					for other := range trial.Design.Arms {
						for what, n := range map[string]dgp.Nested{
							"as under": {Arm: arm, Quality: other}, "held, not": {Arm: arm, Quality: arm, Fixed: true, Level: 0.4},
						} {
							differs := func(k, class int) float64 {
								if n.Fixed {
									return n.Level - delivered.Quality[arm][k][class]
								}
								return delivered.Quality[other][k][class] - delivered.Quality[arm][k][class]
							}
							for i, y := range truth.Nested(room(), c, n) {
								class := drawn.Teachers[d.Ancestor(dgp.ChildLevel, i, dgp.TeacherLevel)]
								want := along(class, differs)
								if to := delivered.To[drawn.Children[i]]; to >= 0 {
									want += trial.Design.Mobility.Time * (along(to, differs) - want)
									moved++
								}
								if want += plain[i]; !(math.Abs(y-want) < 1e-12) {
									t.Fatalf("child %d in arm %d with quality %s %d has %.15g, wanted %.15g", i, arm, what, other, y, want)
								}
							}
						}
					}
				}
				if moved == 0 {
					t.Error("nobody moves")
				}
			}
		})
	}
}

// Nested potential outcomes allocate nothing.
func TestNestedAllocatesNothing(t *testing.T) {
	for name, trial := range map[string]dgp.Trial{"ecuador": ecuador(t), "delivered": everything()} {
		g := compile(t, trial)
		d, truth := g.Draw(dgp.Stream{Seed: 1})
		dst := make([]float64, d.Children())
		c := g.Shape().Index(trial.Achievement.Total)
		through := make([]bool, len(trial.Quality.Domains))
		if n := testing.AllocsPerRun(20, func() {
			truth.Nested(dst, c, dgp.Nested{Arm: 1, Quality: 0})
			truth.Nested(dst, c, dgp.Nested{Arm: 1, Quality: 1, Fixed: true, Through: through})
		}); n != 0 {
			t.Errorf("%s: %g allocations", name, n)
		}
	}
}

// The columns that score quality say which domains, and Shape.Domains maps them.
func TestDomainsOfColumns(t *testing.T) {
	s := compile(t, ecuador(t)).Shape()
	for names, want := range map[string]string{
		"es": "[es]", "is": "[is]", "class": "[es co is]", "co_s2_c1": "[co]", "is es": "[is es]", "es class": "[es co is]",
		"achievement": "[]", "es girl": "[]", "nothing": "[]",
	} {
		if got := fmt.Sprint(s.Domains(strings.Fields(names)...)); got != want {
			t.Errorf("%s scores %s, not %s", names, got, want)
		}
	}
}
