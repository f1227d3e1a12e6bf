package dgp_test

import (
	"math"
	"strings"
	"testing"

	"coachsim/dgp"
)

// Blocks have the means that are given, less their mean, in every data set; in
// terms of shares their variance is part of the 1 of each test. A prevalence is
// met over all blocks.
func TestBlockEffects(t *testing.T) {
	effects := []float64{0.9, 0.1, 0.5}
	prevalence := 0.3
	trial := dgp.DefaultTrial()
	trial.Design.Blocks, trial.Design.Schools, trial.Design.Children, trial.Design.Tested = 3, 40, dgp.ClassSize{Mean: 10}, 10
	trial.Design.Assignment = dgp.Blocked{Share: 0.5}
	trial.Achievement.Tests = []string{"reading", "passed"}
	trial.Achievement.Outcomes = map[string]dgp.Outcome{"passed": dgp.Binary{Prevalence: prevalence}}
	trial.Achievement.ICC = dgp.ICC{School: 0.1}
	trial.Achievement.BlockEffects = effects
	trial.Achievement.Points = true
	g := compile(t, trial)
	reading, passed := g.Shape().Index("reading"), g.Shape().Index("passed")
	var sum, square [3]float64
	n, share := 0.0, 0.0
	const draws = 300
	for rep := range uint64(draws) {
		d, _ := g.Draw(dgp.Stream{Seed: 11, Replicate: rep})
		for i, y := range d.Columns[reading] {
			b := d.Ancestor(dgp.ChildLevel, i, dgp.BlockLevel)
			sum[b] += y
			square[b] += y * y
			n++
			share += d.Columns[passed][i]
		}
	}
	n /= 3
	// With 40 schools, an ICC of 0.1 and 400 children a block, the mean of 300 draws
	// has a standard error of √((0.1 + 0.9/10)/40/300), 0.004; 5 of it is exceeded by
	// chance with probability 6e-7.
	total := 0.0
	for b := range sum {
		if mean, want := sum[b]/n, effects[b]-0.5; math.Abs(mean-want) > 5*0.004 {
			t.Errorf("block %d has the mean %g, not %g", b, mean, want)
		}
		total += square[b] / n / 3
	}
	if math.Abs(total-1) > 0.02 {
		t.Errorf("the variance of a test is %g, not 1", total)
	}
	if got := share / (3 * n); math.Abs(got-prevalence) > 0.01 {
		t.Errorf("%g pass, not %g", got, prevalence)
	}
	for _, v := range trial.Variances() {
		if v.Outcome == "reading" && (math.Abs(v.Levels[0].Variance-0.32/3) > 1e-12 || math.Abs(v.Variance-1) > 1e-12) {
			t.Errorf("the variances are %+v", v)
		}
	}
	trial.Achievement.BlockEffects = effects[:2]
	trial.Achievement.BlockSD = 0.2
	err := trial.Validate()
	for _, want := range []string{
		"achievement.block_effects: has 2 numbers; it needs one for each block, 3",
		"achievement.block_effects: says what achievement.block_sd says in another way; leave one of them out",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
