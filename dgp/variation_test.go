package dgp_test

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"coachsim/dgp"
)

// varied has an effect that differs by covariates of every level.
func varied() dgp.Trial {
	t := words()
	t.Achievement.Slope = dgp.Slopes{}
	t.Quality.Effect = dgp.QualityEffect{}
	t.Achievement.Effect = dgp.TestEffect{
		Mean: []float64{0.2, 0.1, 0}, Bottom: 0.2,
		By: map[string]float64{"girl": 0.1, "experience": 0.01, "rural": -0.2, "pretest": 0.05},
	}
	return t
}

// The effect on each child is the one that the declaration says, computed here a
// second time from the columns of the data.
func TestVariationUnitByUnit(t *testing.T) {
	trial := varied()
	trial.Achievement.Effect.Bottom = 0
	profile := varied()
	profile.Achievement.Effect = dgp.TestEffect{Mean: []float64{0.2, 0.1, 0}, Quantiles: []float64{-0.3, 0.1, 0.05, 0}}
	for name, trial := range map[string]dgp.Trial{"by covariates": trial, "along the distribution": profile} {
		g := compile(t, trial)
		for rep := range 3 {
			data, _ := g.Draw(dgp.Stream{Seed: 8, Replicate: uint64(rep)})
			d := g.Drawn()
			at := func(column string, i int) float64 {
				c := g.Shape().Index(column)
				return data.Columns[c][data.Ancestor(dgp.ChildLevel, i, g.Shape().Columns[c].Level)]
			}
			for k := range trial.Achievement.Tests {
				for i := range data.Children() {
					want := trial.Achievement.Effect.Mean[k]
					if trial.Achievement.Effect.By != nil {
						want += 0.1*(at("girl", i)-0.5) + 0.01*(at("experience", i)-10) - 0.2*(at("rural", i)-0.3) + 0.05*at("pretest", i)
					} else {
						knots := []float64{-0.3, 0.1, 0.05, 0}
						u := distuv.UnitNormal.CDF(d.Score[0][k][i]) * 3
						for m := range 3 {
							if lo := float64(m); u >= lo && u <= lo+1 {
								want += knots[m] + (u-lo)*(knots[m+1]-knots[m])
								break
							}
						}
					}
					if got := d.Score[1][k][i] - d.Score[0][k][i]; math.Abs(got-want) > 1e-12 {
						t.Fatalf("%s: the effect on test %d of child %d is %.15g, wanted %.15g", name, k, i, got, want)
					}
				}
			}
		}
	}
}

// Averages of effects that differ: over all children the mean asked for, over
// girls what the declaration says of them, and the spread between schools and
// blocks.
func TestVariationOnAverage(t *testing.T) {
	trial := varied()
	trial.Achievement.Effect.SchoolSD, trial.Achievement.Effect.BlockSD = 0.3, 0.2
	profile := words()
	profile.Achievement.Effect = dgp.TestEffect{Mean: []float64{0.2, 0.1, 0}, Quantiles: []float64{-0.1, 0, 0.1}}
	profile.Covariates[2].Law = dgp.Normal{SD: 1} // all parts normal but two small ones
	profile.Achievement.R2.School, profile.Achievement.R2.Teacher = 0, 0
	profile.Covariates = profile.Covariates[2:]
	for name, trial := range map[string]dgp.Trial{"varied": trial, "profile": profile} {
		t.Run(name, func(t *testing.T) {
			g := compile(t, trial)
			var c checks
			for rep := range short(3000) {
				data, truth := g.Draw(dgp.Stream{Seed: 9, Replicate: uint64(rep)})
				d := g.Drawn()
				for i, x := range truth.Deviations() {
					c.add(fmt.Sprintf("deviation %d", i), 0, x)
				}
				effect := func(i int) float64 { return d.Score[1][0][i] - d.Score[0][0][i] }
				n := data.Children()
				c.add("all", 0.2, mean(n, effect))
				if name == "profile" {
					continue
				}
				girl := data.Columns[g.Shape().Index("girl")]
				sum := 0.0
				for i := range n {
					sum += girl[i] * (effect(i) - (0.2 + 0.1*0.5)) // sums, for an expectation of 0
				}
				c.add("girls", 0, sum/float64(n))
				// Schools: what is left of two children of a school, two classes, two blocks.
				experience, rural, pretest := data.Columns[g.Shape().Index("experience")], data.Columns[g.Shape().Index("rural")], data.Columns[g.Shape().Index("pretest")]
				classes := data.Teachers()
				left := make([]float64, classes)
				for j := range classes {
					lo, hi := data.ChildStart[j], data.ChildStart[j+1]
					left[j] = mean(hi-lo, func(m int) float64 {
						i := lo + m
						f := d.Score[1][0][i] - d.Score[0][0][i] - d.Score[1][2][i] + d.Score[0][2][i] // 0.2 (1 - 0.2 f): the test without an effect has none
						return effect(i) - f - 0.1*(girl[i]-0.5) - 0.01*(experience[j]-10) + 0.2*(rural[data.TeacherSchool[j]]-0.3) - 0.05*pretest[i]
					})
				}
				per := trial.Design.Teachers
				c.add("schools", 0.3*0.3+0.2*0.2, mean(classes/per, func(s int) float64 { return left[s*per] * left[s*per+1] }))
				c.add("blocks", 0.2*0.2, mean(trial.Design.Blocks, func(b int) float64 {
					first := b * trial.Design.Schools * per
					return left[first] * left[first+per]
				}))
			}
			c.test(t)
		})
	}
}

// The effect of coaching on quality differs by covariates of teachers and schools,
// and what reaches the tests through quality with it.
func TestVariationOfQuality(t *testing.T) {
	trial := words()
	trial.Quality.Effect.By = map[string]float64{"experience": 0.02, "rural": -0.3}
	g := compile(t, trial)
	for rep := range 3 {
		g.Draw(dgp.Stream{Seed: 10, Replicate: uint64(rep)})
		d := g.Units()
		for j := range d.School {
			by := 0.02*(d.Covariate["experience"][j]-10) - 0.3*(d.Covariate["rural"][d.School[j]]-0.3)
			if got := d.Treated[0][j] - d.Untreated[0][j]; math.Abs(got-0.5-by) > 1e-12 {
				t.Fatalf("class %d gains %.15g, wanted %.15g", j, got, 0.5+by)
			}
			// The slope among controls is also that with coaching, 0.1.
			if got := d.Class[1][j] - d.Class[0][j]; math.Abs(got-0.1*by) > 1e-12 {
				t.Fatalf("achievement of class %d gains %.15g, wanted %.15g", j, got, 0.1*by)
			}
		}
	}
}
