package dgp_test

import (
	"maps"
	"slices"
	"testing"

	"coachsim/dgp"
)

// A change in one section of a trial must leave the draws of the others alone,
// so that studies which differ in one thing are compared on common randomness.
func TestSectionsHaveTheirOwnDraws(t *testing.T) {
	const (
		population = "population"
		quality    = "quality"
		arms       = "arms"
		lost       = "lost"
		ratings    = "ratings"
		tests      = "tests"
	)
	all := []string{population, quality, arms, lost, ratings, tests}
	for _, c := range []struct {
		name    string
		change  func(t *dgp.Trial)
		changed []string
	}{
		{"nothing", func(*dgp.Trial) {}, nil},
		{"coder errors", func(t *dgp.Trial) { t.Observation.CoderSD = []float64{1, 2, 3} }, []string{ratings}},
		{"segments", func(t *dgp.Trial) { t.Observation.Segments = 2 }, []string{ratings}},
		{"effects on tests", func(t *dgp.Trial) { t.Achievement.Effect.Mean = []float64{1, 2, 3, 4} }, []string{tests}},
		{"residuals", func(t *dgp.Trial) { t.Achievement.Residual = dgp.Matrix{{1}, {0, 1}, {0, 0, 1}, {0, 0, 0, 1}} }, []string{tests}},
		{"slopes", func(t *dgp.Trial) { t.Achievement.Slope = dgp.Slopes{} }, []string{tests}},
		{"assignment", func(t *dgp.Trial) { t.Design.Assignment = dgp.Complete{Share: 0.3} }, []string{arms, lost}},
		{"missing children", func(t *dgp.Trial) { t.Design.Attrition.Children = 0.3 }, []string{lost}},
		{"lost schools", func(t *dgp.Trial) { t.Design.Attrition.Schools = map[string]int{"coaching": 7} }, []string{lost}},
		// True quality reaches ratings and tests, by new effects but the same errors.
		{"effects on quality", func(t *dgp.Trial) { t.Quality.Effect.Shift = []float64{1, 1, 1} }, []string{quality, ratings}},
		{"correlation of quality", func(t *dgp.Trial) { t.Quality.Correlation = dgp.Matrix{{1}, {0, 1}, {0, 0, 1}} }, []string{quality, ratings, tests}},
		{"a covariate of teachers", func(t *dgp.Trial) {
			t.Covariates = slices.Clone(t.Covariates)
			t.Covariates[6].Law = dgp.Normal{Mean: 15, SD: 9}
		}, []string{population, ratings, tests}},
	} {
		trial := ecuador(t)
		c.change(&trial)
		was, is := compile(t, ecuador(t)), compile(t, trial)
		st := dgp.Stream{Seed: 4, Replicate: 5}
		was.Draw(st)
		is.Draw(st)
		a, b := was.Drawn(), is.Drawn()
		same := map[string]bool{
			population: slices.Equal(a.Size, b.Size) && maps.EqualFunc(a.Covariate, b.Covariate, slices.Equal),
			quality:    equalColumns(a.Untreated, b.Untreated) && equalColumns(a.Treated, b.Treated),
			arms:       slices.Equal(a.Arm, b.Arm),
			lost:       slices.Equal(a.Left, b.Left) && slices.Equal(a.Valid, b.Valid),
			ratings:    equalColumns(a.Rating[0], b.Rating[0]) && equalColumns(a.Rating[1], b.Rating[1]),
			tests:      equalTests(a, b),
		}
		for _, section := range all {
			if changed := slices.Contains(c.changed, section); same[section] == changed {
				t.Errorf("%s changed: draws of %s are the same: %v", c.name, section, same[section])
			}
		}
	}
}

func equalColumns(a, b [][]float64) bool {
	return slices.EqualFunc(a, b, slices.Equal)
}

// equalTests compares the tests, under both arms, of the children whom both
// draws have.
func equalTests(a, b dgp.Drawn) bool {
	place := map[int]int{}
	for i, c := range b.Children {
		place[c] = i
	}
	common := 0
	for i, c := range a.Children {
		j, both := place[c]
		if !both {
			continue
		}
		common++
		for arm := range a.Score {
			for k := range a.Score[arm] {
				// The arm's shift is taken off the class part by subtraction, which rounds.
				if d := a.Score[arm][k][i] - b.Score[arm][k][j]; d > 1e-12 || d < -1e-12 {
					return false
				}
			}
		}
	}
	return common > 100
}

// The same stream gives the same bytes, whatever was drawn before and by
// which generator; another seed or replicate gives other data.
func TestSameStreamSameData(t *testing.T) {
	all := trials(t)
	maps.Copy(all, wordsTrials())
	maps.Copy(all, ratedTrials())
	for name, trial := range all {
		a, b := compile(t, trial), compile(t, trial)
		st := dgp.Stream{Seed: 3, Replicate: 8}
		for rep := range uint64(3) {
			b.Draw(dgp.Stream{Seed: 3, Replicate: rep})
		}
		x, _ := a.Draw(st)
		y, _ := b.Draw(st)
		if !equalData(x, y) {
			t.Errorf("%s: two generators disagree on one stream", name)
		}
		for _, other := range []dgp.Stream{{Seed: 3, Replicate: 9}, {Seed: 4, Replicate: 8}, {Seed: 8, Replicate: 3}} {
			y, _ = b.Draw(other)
			if equalData(x, y) {
				t.Errorf("%s: streams %+v and %+v give the same data", name, st, other)
			}
		}
	}
}

func equalData(a, b *dgp.Data) bool {
	return a.N == b.N && slices.Equal(a.SchoolBlock, b.SchoolBlock) && slices.Equal(a.TeacherSchool, b.TeacherSchool) &&
		slices.Equal(a.TeacherStart, b.TeacherStart) && slices.Equal(a.ChildStart, b.ChildStart) && equalColumns(a.Columns, b.Columns)
}

// Draw and everything that a replicate asks of Truth allocate nothing.
func TestDrawAllocatesNothing(t *testing.T) {
	all := trials(t)
	maps.Copy(all, allocations())
	maps.Copy(all, schemes())
	maps.Copy(all, wordsTrials())
	for name, trial := range all {
		g := compile(t, trial)
		buffer := make([]float64, g.Shape().Max[dgp.ChildLevel])
		total := len(g.Shape().Columns) - 1
		rep := uint64(0)
		allocations := testing.AllocsPerRun(20, func() {
			_, truth := g.Draw(dgp.Stream{Seed: 1, Replicate: rep})
			truth.Potential(buffer, total, 1)
			truth.Deviations()
			rep++
		})
		if allocations != 0 {
			t.Errorf("%s: a draw allocates %.1f times", name, allocations)
		}
	}
}
