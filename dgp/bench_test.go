package dgp_test

import (
	"testing"

	"coachsim/bench/yardstick"
	"coachsim/dgp"
)

// normals counts the normal variables that the generator's last draw took,
// from what was drawn: a gamma variable takes one, and now and then another
// when it is rejected.
func normals(trial dgp.Trial, d dgp.Drawn) int {
	domains, tests := len(trial.Quality.Domains), len(trial.Achievement.Tests)
	schools, teachers, children := len(d.Arm), len(d.School), d.Start[len(d.School)]
	n := trial.Design.Blocks * (domains + 2) // context: shared and own part; achievement
	for _, size := range d.Size {
		if law := trial.Design.Children; law.Small.Share == 0 || size > law.Small.Max {
			n++
		}
	}
	units := map[dgp.Level]int{dgp.SchoolLevel: schools, dgp.TeacherLevel: teachers, dgp.ChildLevel: children}
	for _, c := range trial.Covariates {
		switch c.Law.(type) {
		case dgp.Normal, dgp.Gamma:
			n += units[c.Level]
		}
	}
	n += teachers * (2*domains + 1) // quality, engagement, noise
	n += teachers * trial.Observation.Segments * (1 + trial.Observation.Coders) * domains
	n += teachers + children*tests
	if trial.Quality.SchoolShare > 0 {
		n += schools * domains
	}
	if trial.Achievement.SchoolSD > 0 {
		n += schools
	}
	return n
}

// The count above is what the generator draws: the words it takes from its
// source are those of so many normals and of the uniforms beside them.
func TestNormalsOfAReplicate(t *testing.T) {
	const (
		wordsANormal = 1.0410 // of the ziggurat in math/rand/v2, measured over 1e7 normals
		tolerance    = 0.003
	)
	draws := short(200)
	trial := ecuador(t)
	g := compile(t, trial)
	count, uniforms, words := 0, 0, uint64(0)
	for rep := range draws {
		words += g.Words(dgp.Stream{Seed: 2, Replicate: uint64(rep)})
		d := g.Units()
		count += normals(trial, d)
		uniforms += len(d.Arm) + len(d.Size)                 // inverting the negative binomial; is a class small?
		uniforms += 3*len(d.School) + len(d.Child)           // two Bernoulli variables and a gamma; girl
		uniforms += len(d.Arm)/2 + 2                         // who is treated; which schools leave
		uniforms += len(d.Child) - len(d.Children) + 1       // steps from one missing child to the next, and 40 too many
		for i, members := range d.Covariate["teachers_k3"] { // shares: one for each member left
			left := int(members)
			for _, name := range []string{"grade_e", "grade_cd", "grade_f", "grade_gj"} {
				uniforms += left
				left -= int(d.Covariate[name][i]*members + 0.5)
			}
		}
	}
	t.Logf("%.1f normals, %.1f words a replicate", float64(count)/float64(draws), float64(words)/float64(draws))
	if per := float64(count) / float64(draws); per < yardstick.Normals-60 || per > yardstick.Normals+60 {
		t.Errorf("a replicate takes %.0f normals, not %d", per, yardstick.Normals)
	}
	per := (float64(words) - float64(uniforms)) / float64(count)
	if per < wordsANormal-tolerance || per > wordsANormal+tolerance {
		t.Errorf("%d words beside %d uniforms are %.4f a normal: normals are missing from the count", words, uniforms, per)
	}
}

// BenchmarkUnitNormals has math/rand/v2 draw as many normals as an ecuador replicate
// takes: the yardstick of other units, which our own code does not change.
func BenchmarkUnitNormals(b *testing.B) { benchmarkNormals(b, dgp.NormalSource.SumByLibrary) }

// BenchmarkUnitNormalsAtOnce draws the same normals as a replicate does.
func BenchmarkUnitNormalsAtOnce(b *testing.B) { benchmarkNormals(b, dgp.NormalSource.Sum) }

func benchmarkNormals(b *testing.B, draw func(s dgp.NormalSource, n int) float64) {
	b.Helper()
	s := dgp.NewNormalSource(dgp.Stream{Seed: 1, Replicate: 2}, dgp.OutcomePurpose)
	sum := 0.0
	each := yardstick.Loop(b, func() { sum += draw(s, yardstick.Normals) })
	b.ReportMetric(each/yardstick.Normals, "ns/normal")
	b.ReportMetric(yardstick.Normals, "normals/op")
	if sum == 0 {
		b.Fatal("no normals")
	}
}

// BenchmarkUnitEcuadorDraw draws one data set after the other.
func BenchmarkUnitEcuadorDraw(b *testing.B) {
	g := compile(b, ecuador(b))
	b.ReportAllocs()
	rep := uint64(0)
	for b.Loop() {
		g.Draw(dgp.Stream{Seed: 1, Replicate: rep})
		rep++
	}
	b.ReportMetric(yardstick.Normals, "normals/op")
}

// BenchmarkUnitEcuadorStage takes a draw apart.
func BenchmarkUnitEcuadorStage(b *testing.B) {
	g := compile(b, ecuador(b))
	g.Draw(dgp.Stream{Seed: 1})
	for _, stage := range g.Stages() {
		b.Run(stage.Name, func(b *testing.B) {
			rep := uint64(0)
			for b.Loop() {
				stage.Run(dgp.Stream{Seed: 1, Replicate: rep})
				rep++
			}
		})
		g.Draw(dgp.Stream{Seed: 1}) // leave the stages in step with each other
	}
}
