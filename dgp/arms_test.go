package dgp_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"coachsim/dgp"
)

// factorial is manyTeachers with a 2×2 design, one arm of which differs from
// the other in everything, and an interaction.
func factorial() dgp.Trial {
	t := manyTeachers()
	t.Design.Arms = []string{"usual", "mentoring", "money", "mentoring+money"}
	t.Design.Assignment = dgp.Blocked{Shares: map[string]float64{"usual": 0.4, "mentoring": 0.3, "money": 0.1, "mentoring+money": 0.2}}
	t.Design.Attrition.Schools = nil
	t.Quality.ArmEffects = map[string]dgp.QualityEffect{
		"money":           {Shift: []float64{0, 0.3}, Engagement: []float64{0.1, 0.2}, Noise: []float64{0.1, 0.3}, Skew: 0.6, WithQuality: 0.4},
		"mentoring+money": {Shift: []float64{0.1, 0.2}, Noise: []float64{0, 0.1}},
	}
	t.Achievement.ArmEffects = map[string]dgp.ArmTestEffect{
		"money":           {TestEffect: dgp.TestEffect{Mean: []float64{0, 0.1, 0.2, 0.3, 0.4}, Bottom: 0.5}, Treated: []float64{0.1, 0.2}, Baseline: []float64{0.3, 0}},
		"mentoring+money": {TestEffect: dgp.TestEffect{Mean: []float64{0.5, 0, 0, 0, -0.5}, Bottom: 0.1}, Baseline: []float64{0, 0.7}},
	}
	return t
}

// What each arm does to a class and to a child, unit by unit, worked out a
// second time: a combined arm has the sum of its parts' effects, and its own.
func TestArmEffectsUnitByUnit(t *testing.T) {
	trial := factorial()
	a := trial.Achievement
	g := compile(t, trial)
	for rep := range 5 {
		g.Draw(dgp.Stream{Seed: 5, Replicate: uint64(rep)})
		d := g.Drawn()
		// Effects of the two plain arms on class j, by the equations of Achievement.
		slope := func(treated, baseline []float64, arm, j int) float64 {
			sum := 0.0
			for k := range trial.Quality.Domains {
				q0, q1 := d.Under[0][k][j], d.Under[arm][k][j]
				sum += treated[k]*(q1-meanShift(trial, trial.Design.Arms[arm], k)) + (baseline[k]-a.Slope.Control[k])*q0
			}
			return sum
		}
		class := make([][]float64, 4)
		for j := range d.School {
			own := a.ArmEffects["money"]
			one, two := slope(a.Slope.Treated, a.Slope.Baseline, 1, j), slope(own.Treated, own.Baseline, 2, j)
			interaction := 0.0
			for k := range trial.Quality.Domains {
				q0 := d.Under[0][k][j]
				beyond := d.Under[3][k][j] - d.Under[1][k][j] - d.Under[2][k][j] + q0 - trial.Quality.ArmEffects["mentoring+money"].Shift[k]
				interaction += a.Slope.Treated[k]*beyond + a.ArmEffects["mentoring+money"].Baseline[k]*q0
			}
			for arm, effect := range []float64{0, one, two, one + two + interaction} {
				class[arm] = append(class[arm], effect)
				if got := d.Class[arm][j] - d.Class[0][j]; math.Abs(got-effect) > 1e-12 {
					t.Fatalf("arm %d moves class %d by %g, want %g", arm, j, got, effect)
				}
			}
		}
		variance := 0.0
		for k := range a.Tests {
			for l := range a.Tests {
				variance += element(a.Residual, k, l)
			}
		}
		at := 0
		for j := range d.School {
			for i := d.Start[j]; i < d.Start[j+1]; i++ {
				if !d.Valid[i] {
					continue
				}
				f := 0.0
				for k := range a.Tests {
					f += (d.Score[0][k][at] - a.Scale*(d.Class[0][j]+d.Child[i])) / math.Sqrt(variance)
				}
				for k := range a.Tests {
					one := a.Effect.Mean[k] * (1 - a.Effect.Bottom*f)
					two := a.ArmEffects["money"].Mean[k] * (1 - 0.5*f)
					both := one + two + a.ArmEffects["mentoring+money"].Mean[k]*(1-0.1*f)
					for arm, effect := range []float64{0, one, two, both} {
						want := a.Scale*class[arm][j] + effect
						if got := d.Score[arm][k][at] - d.Score[0][k][at]; math.Abs(got-want) > 1e-12 {
							t.Fatalf("arm %d moves child %d on %s by %g, want %g", arm, i, a.Tests[k], got, want)
						}
					}
				}
				at++
			}
		}
	}
}

// Moments of every arm: mean effects on quality and tests, engagement with mean
// 0 and SD 1 whatever its skew, and deviations with mean 0. There are about 40
// checks, each with the false-alarm rate of falseAlarm.
func TestArmMoments(t *testing.T) {
	trial := factorial()
	g := compile(t, trial)
	var c checks
	for rep := range short(3000) {
		_, truth := g.Draw(dgp.Stream{Seed: 21, Replicate: uint64(rep)})
		d := g.Drawn()
		n := len(d.School)
		for arm, name := range trial.Design.Arms {
			for k := range trial.Quality.Domains {
				if arm > 0 {
					c.add(fmt.Sprintf("quality %d under %s", k, name), meanShift(trial, name, k), mean(n, func(j int) float64 { return d.Under[arm][k][j] }))
				}
			}
			own := [][]float64{make([]float64, 5), trial.Achievement.Effect.Mean, trial.Achievement.ArmEffects["money"].Mean, nil}[arm]
			for k, test := range trial.Achievement.Tests {
				var want float64
				if own != nil {
					want = own[k]
				} else {
					want = trial.Achievement.Effect.Mean[k] + trial.Achievement.ArmEffects["money"].Mean[k] + trial.Achievement.ArmEffects[name].Mean[k]
				}
				c.add("effect of "+name+" on "+test, want, mean(len(d.Children), func(i int) float64 { return d.Score[arm][k][i] - d.Score[0][k][i] }))
			}
		}
		for i, x := range truth.Deviations() {
			c.add(fmt.Sprintf("deviation %d", i), 0, x)
		}
	}
	c.test(t)
}

// A third arm leaves the draws of the others alone: control and the first arm
// have the same quality, ratings and potential tests to the last bit.
func TestArmsShareDraws(t *testing.T) {
	two := manyTeachers()
	two.Design.Attrition.Schools = nil
	four := factorial()
	a, b := compile(t, two), compile(t, four)
	a.Draw(dgp.Stream{Seed: 3, Replicate: 4})
	b.Draw(dgp.Stream{Seed: 3, Replicate: 4})
	x, y := a.Drawn(), b.Drawn()
	for arm := range 2 {
		if !equalColumns(x.Under[arm], y.Under[arm]) || !equalColumns(x.Rating[arm], y.Rating[arm]) || !equalColumns(x.Score[arm], y.Score[arm]) {
			t.Errorf("arm %d has other draws in a trial of four arms", arm)
		}
	}
}

// allocations are schemes with shares that are no whole numbers of units, for
// every unit of assignment.
func allocations() map[string]dgp.Trial {
	all := map[string]dgp.Trial{}
	for _, unit := range []dgp.Unit{dgp.SchoolUnit, dgp.TeacherUnit, dgp.ChildUnit} {
		shares := map[string]float64{"mentoring": 0.25, "money": 0.15, "mentoring+money": 0.2}
		for _, scheme := range []dgp.Assignment{
			dgp.Simple{Unit: unit, Shares: shares}, dgp.Complete{Unit: unit, Shares: shares}, dgp.Blocked{Unit: unit, Shares: shares},
		} {
			t := factorial()
			t.Design.Blocks, t.Design.Schools, t.Design.Teachers = 3, 7, 3
			t.Design.Assignment = scheme
			if unit == dgp.ChildUnit {
				t.Quality.Effect, t.Quality.ArmEffects = dgp.QualityEffect{}, nil
			}
			all[fmt.Sprintf("%T by %s", scheme, unit)] = t
		}
	}
	return all
}

// Every unit is in every arm with the probability that is the arm's share, and
// pairs in a stratum cannot both be more often than chance; 4 arms × 3 places ×
// 9 schemes, each check with the false-alarm rate of falseAlarm.
func TestSharesAreProbabilities(t *testing.T) {
	want := []float64{0.4, 0.25, 0.15, 0.2}
	for name, trial := range allocations() {
		g := compile(t, trial)
		var c checks
		for rep := range short(6000) {
			g.DrawAssignment(dgp.Stream{Seed: 31, Replicate: uint64(rep)})
			d := g.Units()
			for a, share := range want {
				c.add(fmt.Sprintf("share of arm %d", a), share, mean(len(d.Arm), func(u int) float64 { return number(d.Arm[u] == a) }))
				c.add(fmt.Sprintf("first in arm %d", a), share, number(d.Arm[0] == a))
				c.add(fmt.Sprintf("last in arm %d", a), share, number(d.Arm[len(d.Arm)-1] == a))
			}
		}
		t.Run(name, c.test)
	}
}

// In a complete scheme each arm has one of the two whole numbers of units next
// to its share; in a blocked one so it is in every block.
func TestAllocationIsExact(t *testing.T) {
	shares := []float64{0.4, 0.25, 0.15, 0.2}
	check := func(name string, arm []int) {
		t.Helper()
		for a, share := range shares {
			n := 0
			for _, x := range arm {
				n += int(number(x == a))
			}
			if want := share * float64(len(arm)); float64(n) < math.Floor(want+1e-9) || float64(n) > math.Ceil(want-1e-9) {
				t.Fatalf("%s: %d of %d units are in arm %d, whose share is %g", name, n, len(arm), a, share)
			}
		}
	}
	for name, trial := range allocations() {
		if strings.Contains(name, "Simple") {
			continue
		}
		g := compile(t, trial)
		for rep := range 100 {
			g.DrawAssignment(dgp.Stream{Seed: 33, Replicate: uint64(rep)})
			d := g.Drawn()
			if strings.Contains(name, "Complete") {
				check(name, d.Arm)
				continue
			}
			starts := d.Start // of children in classes
			switch trial.Design.Assignment.Level() {
			case dgp.SchoolLevel:
				starts = []int{0, 7, 14, 21}
			case dgp.TeacherLevel:
				starts = nil
				for s := range 22 {
					starts = append(starts, 3*s)
				}
			}
			for k, lo := range starts[:len(starts)-1] {
				check(name, d.Arm[lo:starts[k+1]])
			}
		}
	}
}

// Shares written with few digits, or left out for one arm, are meant.
func TestSharesInWords(t *testing.T) {
	for _, c := range []struct {
		scheme dgp.Complete
		want   []int
	}{
		{dgp.Complete{}, []int{4, 4, 4}},
		{dgp.Complete{Shares: map[string]float64{"a": 0.33333, "b": 0.33333, "control": 0.33333}}, []int{4, 4, 4}},
		{dgp.Complete{Shares: map[string]float64{"a": 0.25, "b": 0.25}}, []int{6, 3, 3}},
		{dgp.Complete{Shares: map[string]float64{"control": 0.25, "b": 0.5}}, []int{3, 3, 6}},
	} {
		trial := oneDomain()
		trial.Design.Arms = []string{"control", "a", "b"}
		trial.Design.Assignment = c.scheme
		g := compile(t, trial)
		for rep := range 50 {
			g.Draw(dgp.Stream{Seed: 1, Replicate: uint64(rep)})
			got := make([]int, 3)
			for _, a := range g.Units().Arm {
				got[a]++
			}
			if !slices.Equal(got, c.want) {
				t.Fatalf("%+v: %v units by arm, want %v", c.scheme, got, c.want)
			}
		}
	}
}
