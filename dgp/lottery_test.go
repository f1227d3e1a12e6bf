package dgp_test

import (
	"fmt"
	"math"
	"testing"

	"coachsim/dgp"
)

// What a scheme says of itself is what it draws: the numbers by arm in every
// assignment where it gives them, the shares on average where it does not.
func TestLotteries(t *testing.T) {
	covariates := []dgp.Covariate{
		{Name: "rural", Level: dgp.SchoolLevel, Law: dgp.Bernoulli{Mean: 0.4}},
		{Name: "age", Level: dgp.ChildLevel, Law: dgp.Normal{Mean: 7, SD: 1}},
	}
	for _, c := range []struct {
		scheme dgp.Assignment
		arms   string
		blocks int
		how    string
		exact  string // numbers by arm, or ""
	}{
		{dgp.Blocked{}, "", 3, "within blocks", "[18 18]"},
		{dgp.Blocked{}, "", 1, "", "[6 6]"},
		{dgp.Blocked{Share: 0.3}, "", 3, "within blocks", ""},
		{dgp.Blocked{Share: 0.25}, "", 3, "within blocks", "[27 9]"},
		{dgp.Blocked{Unit: dgp.TeacherUnit}, "", 3, "within schools", "[72 72]"},
		{dgp.Blocked{Unit: dgp.ChildUnit}, "", 3, "within classes", ""},
		{dgp.Blocked{Shares: map[string]float64{"a": 0.25, "b": 0.25}}, "ab", 3, "within blocks", "[18 9 9]"},
		{dgp.Complete{Share: 0.5}, "", 3, "by one lottery over all schools", "[18 18]"},
		{dgp.Complete{Share: 0.5}, "", 1, "by complete randomisation", "[6 6]"},
		{dgp.Complete{Share: 0.3}, "", 1, "by complete randomisation", ""},
		{dgp.Simple{Share: 0.3}, "", 1, "each by a lot of its own", ""},
		{dgp.Pairs{On: []string{"rural"}, Blocked: true}, "", 3, "within pairs matched on rural in the same block", "[18 18]"},
		{dgp.Pairs{On: []string{"rural", "age"}}, "ab", 3, "within sets of 3 matched on rural and age", "[12 12 12]"},
		{dgp.Pairs{On: []string{"age"}, Unit: dgp.TeacherUnit, Blocked: true}, "", 3, "within pairs matched on age in the same school", "[72 72]"},
		{dgp.Rerandomised{On: []string{"age"}, Accept: 0.2, Tries: 100, Blocked: true}, "", 3, "within blocks, drawn again until it is among the 20% most balanced by Mahalanobis distance on age", "[18 18]"},
		{dgp.Rerandomised{On: []string{"rural", "age"}, MaxT: 1.5, Tries: 100}, "", 3, "drawn again until no |t| between a treated arm and control is above 1.5 on rural and age", "[18 18]"},
		{dgp.Stepped{Waves: 4, Treated: 2, Blocked: true}, "", 3, "within blocks, to 4 waves, of which 2 will have started at the endline", "[18 18]"},
		{dgp.Stepped{Waves: 5, Treated: 2}, "", 3, "to 5 waves, of which 2 will have started at the endline", ""},
		{dgp.TwoStage{Unit: dgp.TeacherUnit, Saturations: []float64{0, 0.5, 1}, Blocked: true}, "", 3, "within blocks, in two stages: schools to treated shares of 0%, 50% and 100%, then teachers within schools", ""},
		{dgp.TwoStage{Unit: dgp.ChildUnit, Saturations: []float64{0, 0.4}, Schools: []float64{0.25, 0.75}}, "", 3, "in two stages: schools to treated shares of 0% (25% of schools) and 40% (75% of schools), then children within schools", ""},
		{dgp.None{}, "none", 3, "", "[36]"},
	} {
		trial := dgp.DefaultTrial()
		trial.Design = dgp.Design{Blocks: c.blocks, Schools: 12, Teachers: 4, Children: dgp.ClassSize{Mean: 10}, Tested: 10, Arms: []string{"control", "coaching"}, Assignment: c.scheme}
		switch c.arms {
		case "ab":
			trial.Design.Arms = []string{"control", "a", "b"}
		case "none":
			trial.Design.Arms = []string{"control"}
		}
		trial.Covariates = covariates
		trial.Achievement.Tests, trial.Achievement.Residual = []string{"reading"}, dgp.Matrix{{1}}
		name := fmt.Sprintf("%T%+v", c.scheme, c.scheme)
		lottery := trial.Design.Lottery()
		if lottery.How != c.how {
			t.Errorf("%s: %q, want %q", name, lottery.How, c.how)
		}
		numbers := ""
		if n := lottery.Numbers(trial.Design); n != nil {
			numbers = fmt.Sprint(n)
		}
		if numbers != c.exact {
			t.Errorf("%s: numbers by arm %q, want %q", name, numbers, c.exact)
		}
		g, err := trial.Compile()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		const reps = 200
		level := c.scheme.Level()
		mean, square := make([]float64, len(trial.Design.Arms)), make([]float64, len(trial.Design.Arms))
		units := 0.0
		for rep := range reps {
			d, _ := g.Draw(dgp.Stream{Seed: 5, Replicate: uint64(rep)})
			count := make([]int, len(trial.Design.Arms))
			for u := range d.N[level] {
				arm := 0
				for a := 1; a < len(count); a++ {
					if d.Columns[g.Shape().Index(trial.Design.Arms[a])][u] == 1 {
						arm = a
					}
				}
				count[arm]++
			}
			units += float64(d.N[level]) / reps
			if got := fmt.Sprint(count); c.exact != "" && got != c.exact {
				t.Fatalf("%s: drew %s, says %s", name, got, c.exact)
			}
			for a, n := range count {
				share := float64(n) / float64(d.N[level])
				mean[a] += share / reps
				square[a] += share * share / reps
			}
		}
		if want := trial.Design.Units(level); math.Abs(units-want) > 1e-9 { // all classes are of 10
			t.Errorf("%s: %g %s, says %g", name, units, level.Plural(), want)
		}
		for a, share := range lottery.Shares {
			// 5 standard errors: a false alarm in less than 1 of 100,000 runs; rounding where the share does not vary.
			if se := math.Sqrt(math.Max(square[a]-mean[a]*mean[a], 0) / reps); math.Abs(mean[a]-share) > 5*se+1e-9 {
				t.Errorf("%s: %.4f (%.4f) in arm %d, says %.4f", name, mean[a], se, a, share)
			}
		}
	}
}
