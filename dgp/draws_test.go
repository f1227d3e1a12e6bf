package dgp_test

import (
	"flag"
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"coachsim/configs"
	"coachsim/dgp"
)

var update = flag.Bool("update", false, "rewrite the golden file of draws")

// Draws are the same, to the last bit, as when testdata/draws.txt was written: those of
// every preset and starter, of the trials of other tests, and of some that differ from them
// in what is drawn in a way of its own. Hashed are all columns, all potential outcomes and
// the control variates of a few replicates, one after the other.
func TestDrawsAreFixed(t *testing.T) {
	if fuses(1+0x1p-30, 1-0x1p-30, -1) {
		t.Skip("here a product and a sum are rounded once, so that last digits differ")
	}
	const file = "testdata/draws.txt"
	var got strings.Builder
	all := fixedTrials(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if trial := all[name]; testing.Short() && (trial.Achievement.Outcomes != nil || trial.Design.Compliance != nil) {
			continue // compiling takes long
		}
		fmt.Fprintf(&got, "%016x %s\n", drawHash(compile(t, all[name])), name)
	}
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	was := strings.Split(string(want), "\n")
	for line := range strings.Lines(got.String()) {
		if line = strings.TrimSuffix(line, "\n"); !slices.Contains(was, line) {
			t.Errorf("other draws than before: %s", line)
		}
	}
	if n := strings.Count(got.String(), "\n"); n != len(was)-1 && !testing.Short() {
		t.Errorf("%d trials, and %d in %s", n, len(was)-1, file)
	}
}

// fuses reports whether x y + z is rounded once.
//
//go:noinline
func fuses(x, y, z float64) bool { return x*y+z != float64(x*y)+z }

// drawHash is that of three replicates.
func drawHash(g *dgp.Generator) uint64 {
	h := fnv.New64a()
	add := func(x []float64) {
		var word [8]byte
		for _, v := range x {
			b := math.Float64bits(v)
			for i := range word {
				word[i] = byte(b >> (8 * i))
			}
			_, _ = h.Write(word[:])
		}
	}
	shape := g.Shape()
	buffer := make([]float64, slices.Max(shape.Max[:]))
	for rep := range uint64(3) {
		data, truth := g.Draw(dgp.Stream{Seed: 15021, Replicate: rep})
		for c, x := range data.Columns {
			add(x)
			for arm := range shape.Arms {
				if g.HasPotential(c) {
					add(truth.Potential(buffer, c, arm))
				}
			}
		}
		add(truth.Deviations())
	}
	return h.Sum64()
}

// fixedTrials are those whose draws are fixed.
func fixedTrials(t *testing.T) map[string]dgp.Trial {
	t.Helper()
	all := map[string]dgp.Trial{}
	load := func(name string, text []byte) {
		study, err := configs.Load(name, text, nil)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = study.Trial
	}
	for _, name := range configs.Presets() {
		text, _ := configs.Preset(name)
		load("preset "+name, text)
	}
	for _, s := range configs.Starters() {
		text, _ := configs.StarterFor(s.Name, s.Name)
		load("starter "+s.Name, []byte(text))
	}
	for _, name := range []string{"everything", "one-regression"} {
		text, err := os.ReadFile("../configs/testdata/" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		load("test "+name, text)
	}
	for kind, trials := range map[string]map[string]dgp.Trial{"plain": trials(t), "in words": wordsTrials(), "nested": nestedTrials(t), "rated": ratedTrials()} {
		for name, trial := range trials {
			all[kind+": "+name] = trial
		}
	}
	vary := func(name string, change func(t *dgp.Trial)) {
		trial := manyTeachers()
		trial.Covariates = slices.Clone(trial.Covariates)
		change(&trial)
		all["varied: "+name] = trial
	}
	vary("whole ratings", func(t *dgp.Trial) {
		t.Observation.Scale.Integer, t.Observation.Scale.Min, t.Observation.Scale.Max = true, 15, 60
	})
	vary("ratings around zero", func(t *dgp.Trial) {
		t.Observation.Scale.Mean, t.Observation.Scale.Points = []float64{0, 0.5}, []float64{1, 2}
		t.Observation.Scale.Integer, t.Observation.Scale.Min, t.Observation.Scale.Max = true, -2, 3
	})
	vary("days", func(t *dgp.Trial) {
		t.Observation.Days, t.Observation.DaySD, t.Observation.Coders, t.Observation.Points = 3, []float64{0.4, 0.2}, 3, false
	})
	vary("children assigned", func(t *dgp.Trial) {
		t.Design.Assignment, t.Design.Attrition, t.Quality.Effect = dgp.Complete{Unit: dgp.ChildUnit}, dgp.Attrition{Children: 0.3}, dgp.QualityEffect{}
	})
	vary("tests in SDs", func(t *dgp.Trial) { t.Achievement.Points = false })
	for n := 1; n <= 6; n++ {
		vary(fmt.Sprintf("%d tests", n), func(t *dgp.Trial) {
			a := &t.Achievement
			a.Tests, a.Points, a.Effect.Mean = nil, false, nil
			a.Residual = nil
			for k := range n {
				a.Tests = append(a.Tests, fmt.Sprintf("t%d", k))
				row := make([]float64, k+1)
				for i := range k {
					row[i] = 0.1 * float64(i+1) / float64(k+1)
				}
				row[k] = 0.7 + 0.1*float64(k)
				a.Residual = append(a.Residual, row)
				a.Effect.Mean = append(a.Effect.Mean, 0.1*float64(k-1))
			}
		})
	}
	vary("lost children kept", func(t *dgp.Trial) {
		t.Design.Attrition = dgp.Attrition{Children: 0.1}
		t.Design.Attrition.Loss.Child = dgp.Loss{Rate: map[string]float64{"usual": 0.1, "mentoring": 0.2}, Depends: map[string]float64{"months": -1}}
	})
	return all
}
