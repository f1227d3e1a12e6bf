package dgp_test

import (
	"math"
	"testing"

	"coachsim/dgp"
)

// TestOracle: the columns that no analyst has hold true quality in the class's own
// arm, and what it causes: slope times quality, for treated classes less the mean
// effect on quality, which is in the effect on the tests, and with the disruption.
func TestOracle(t *testing.T) {
	trial := unequalSchools()
	trial.Quality.Oracle = true
	trial.Achievement.Slope = dgp.Slopes{
		School: []float64{0.4, -0.3}, Sorting: []float64{0.3, 0.1}, Control: []float64{0.4, -0.3}, Treated: []float64{0.9, 0.8}, Baseline: []float64{-0.4, 0.6},
	}
	slope := trial.Achievement.Slope
	g := compile(t, trial)
	shape := g.Shape()
	caused := shape.Index("all_caused")
	support, climate := shape.Index("support_true"), shape.Index("climate_true")
	if shape.Columns[support].Level != dgp.TeacherLevel || !shape.Columns[caused].PostTreatment || g.HasPotential(caused) {
		t.Fatal("the columns are not described as they are")
	}
	treated := 0
	for rep := range 5 {
		data, _ := g.Draw(dgp.Stream{Seed: 1, Replicate: uint64(rep)})
		d := g.Units()
		for j, drawn := range d.Teachers {
			arm := d.Arm[d.School[drawn]]
			treated += arm
			want := 0.0
			for k, column := range []int{support, climate} {
				if data.Columns[column][j] != d.Under[arm][k][drawn] {
					t.Fatalf("class %d: true quality %g, not %g", j, data.Columns[column][j], d.Under[arm][k][drawn])
				}
				if arm == 0 {
					want += slope.Control[k] * d.Under[0][k][drawn]
				} else {
					want += slope.Treated[k]*(d.Under[1][k][drawn]-trial.Quality.Effect.Shift[k]) + slope.Baseline[k]*d.Under[0][k][drawn]
				}
			}
			if got := data.Columns[caused][j]; math.Abs(got-want) > 1e-12 {
				t.Fatalf("class %d in arm %d: quality causes %g, not %g", j, arm, got, want)
			}
		}
	}
	if treated == 0 {
		t.Error("no class is treated")
	}
	if n := testing.AllocsPerRun(5, func() { g.Draw(dgp.Stream{Seed: 1, Replicate: 9}) }); n != 0 {
		t.Errorf("a draw allocates %.1f times", n)
	}
	trial.Design.Mobility = &dgp.Mobility{Rate: 0.1, Time: 0.5, AcrossSchools: true}
	if trial.Validate() == nil {
		t.Error("an oracle goes with mobility")
	}
}
