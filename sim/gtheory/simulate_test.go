package gtheory_test

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"testing"

	"coachsim/configs"
	"coachsim/dgp"
	"coachsim/sim/gtheory"
)

// ecuador is the preset's trial.
func ecuador(t *testing.T) dgp.Trial {
	t.Helper()
	text, _ := configs.Preset("ecuador")
	study, err := configs.Load("ecuador.yaml", text, nil)
	if err != nil {
		t.Fatal(err)
	}
	return study.Trial
}

// latent is the preset with two teachers a school, two days, and ratings without
// steps or ends.
func latent(t *testing.T, raters *dgp.Raters) dgp.Trial {
	trial := ecuador(t)
	trial.Design.Teachers, trial.Design.Tested = 2, 1
	trial.Quality.SchoolShare = 0.3
	o := &trial.Observation
	o.Days, o.Segments, o.Raters = 2, 2, raters
	o.DaySD = []float64{0.4, 0.3, 0.5}
	o.Scale.Integer, o.Scale.Min, o.Scale.Max = false, -1e9, 1e9
	return trial
}

func severe(pool int, assigned dgp.RaterAllocation) *dgp.Raters {
	r := &dgp.Raters{Pool: pool, Assigned: assigned, SD: []float64{0.5, 0.4, 0.6}, ClassSD: []float64{0.3, 0.3, 0.2}, DaySD: []float64{0.2, 0.1, 0.3}}
	if pool > 0 {
		r.Drift, r.DriftSD = []float64{0.6, 0, -0.6}, []float64{0.5, 0.7, 0.3}
	}
	return r
}

// Ratings without steps have the reliabilities of the formulas, in every arm, for
// every score and every way to share raters, and a G-study of them finds the
// declared components. Each of some 200 checks fails for a right program once in
// 1e5 seeds.
func TestSimulatedIsAsByFormula(t *testing.T) {
	replicates := 400
	if testing.Short() {
		replicates = 60
	}
	trials := map[string]dgp.Trial{
		"alike":   latent(t, nil),
		"own":     latent(t, severe(0, dgp.RandomRaters)),
		"random":  latent(t, severe(9, dgp.RandomRaters)),
		"blocks":  latent(t, severe(20, dgp.BlockRaters)),
		"arms":    latent(t, severe(6, dgp.ArmRaters)),
		"crossed": latent(t, severe(2, dgp.CrossedRaters)),
	}
	for name, trial := range trials {
		s, err := gtheory.Simulate(context.Background(), trial, 7, replicates, 2)
		if err != nil {
			t.Fatal(err)
		}
		worst := 0.0
		check := func(what string, got gtheory.Value, want float64) {
			z := (got.Value - want) / got.MCSE
			worst = max(worst, math.Abs(z))
			if !(math.Abs(z) < 4.417) {
				t.Errorf("%s: %s is %.4f (%.4f), by formula %.4f: z = %.1f", name, what, got.Value, got.MCSE, want, z)
			}
		}
		plan := trial.ObservationPlan()
		for arm := range 2 {
			scores, err := trial.ScoreVariances(arm)
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range scores {
				for c, want := range gtheory.Formula(v, plan) {
					check(fmt.Sprintf("%s of %s in arm %d", gtheory.Coefficient(c), v.Outcome, arm), s.Coefficients[arm][i][c], want)
				}
			}
		}
		for i, score := range s.Scores {
			for k, got := range s.Estimates[i] {
				check(fmt.Sprintf("%s of %s", s.Estimated[k], score), got, s.Truth[i][k])
			}
		}
		t.Logf("%s: largest |z| %.2f", name, worst)
	}
}

// The ratings of the preset agree as those of the paper: .35 between segments 1 and
// 4, .84 between coders (IZA DP 15021), to half of the last digit and 4.4 Monte
// Carlo standard errors; as the estimators of the preset have it.
func TestEcuadorAgreement(t *testing.T) {
	s, err := gtheory.Simulate(context.Background(), ecuador(t), 15021, 300, 2)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Agreement) != 2 {
		t.Fatalf("%+v", s.Agreement)
	}
	for i, want := range []gtheory.Agreement{{Between: "segments", Value: gtheory.Value{Value: 0.35}}, {Between: "coders", Value: gtheory.Value{Value: 0.84}}} {
		got := s.Agreement[i]
		t.Logf("between %s: %.4f (%.4f)", got.Between, got.Value.Value, got.MCSE)
		if got.Between != want.Between || math.Abs(got.Value.Value-want.Value.Value) > 0.005+4.417*got.MCSE || got.MCSE > 0.003 {
			t.Errorf("%+v, wanted %+v", got, want)
		}
	}
	// Rounding and the floor cost reliability: these are the calibration's numbers,
	// of the mean of 8 ratings, with its room of a simulation.
	for i, want := range []float64{0.65, 0.60, 0.55, 0.70} {
		got := s.Coefficients[0][i][gtheory.Dependability]
		t.Logf("%s: %.4f (%.4f)", s.Scores[i], got.Value, got.MCSE)
		if math.Abs(got.Value-want) > 0.02 {
			t.Errorf("%s has reliability %.3f, the calibration %.2f", s.Scores[i], got.Value, want)
		}
	}
}

// Plans by the components of simulated ratings are what the formula says of these
// components, where classes have nothing in common that a G-study does not see; and
// are not told where the ratings say nothing of what a plan changes.
func TestPlansFromRatings(t *testing.T) {
	trial := latent(t, severe(9, dgp.RandomRaters))
	trial.Quality.Context, trial.Quality.SchoolShare = dgp.Context{}, 0
	trial.Observation.Raters.Drift, trial.Observation.Raters.DriftSD = nil, nil
	control, err := trial.ScoreVariances(0)
	if err != nil {
		t.Fatal(err)
	}
	s, err := gtheory.Simulate(context.Background(), trial, 11, 150, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, days := range []int{1, 2, 4} {
		for _, coders := range []int{1, 3} {
			p := trial.ObservationPlan()
			p.Days, p.Coders = days, coders
			for i, v := range control {
				got, ok := s.Plan(i, p)
				want := gtheory.Formula(v, p)[gtheory.Generalisability]
				// The ratio of means is off by less than 0.002 here: its bias is of the
				// order of the squared MCSE, 0.005².
				if z := math.Max(math.Abs(got.Value-want)-0.002, 0) / got.MCSE; !ok || !(z < 4.417) {
					t.Errorf("%s of %+v: %.4f (%.4f), by formula %.4f", v.Outcome, p, got.Value, got.MCSE, want)
				}
			}
		}
	}
	trial.Observation.Days = 1 // days are counted as classes
	if s, err = gtheory.Simulate(context.Background(), trial, 11, 3, 1); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Plan(0, trial.ObservationPlan()); ok {
		t.Error("ratings of one day tell how much days differ")
	}
	trial.Observation.DaySD, trial.Observation.Raters = nil, nil
	if s, err = gtheory.Simulate(context.Background(), trial, 11, 3, 1); err != nil {
		t.Fatal(err)
	}
	p := trial.ObservationPlan()
	if _, ok := s.Plan(0, p); !ok {
		t.Error("ratings do not tell of their own plan")
	}
	p.Days = 2
	if _, ok := s.Plan(0, p); ok {
		t.Error("ratings of one day tell of two")
	}
}

// No number depends on the number of workers.
func TestWorkersDoNotMatter(t *testing.T) {
	trial := latent(t, severe(9, dgp.RandomRaters))
	one, err := gtheory.Simulate(context.Background(), trial, 3, 7, 1)
	if err != nil {
		t.Fatal(err)
	}
	four, err := gtheory.Simulate(context.Background(), trial, 3, 7, 4)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(one, four) {
		t.Errorf("they do:\n%+v\n%+v", one, four)
	}
	stopped, stop := context.WithCancel(context.Background())
	stop()
	if _, err := gtheory.Simulate(stopped, trial, 3, 7, 1); err == nil {
		t.Error("a stopped simulation has a result")
	}
	trial.Observation = dgp.Observation{}
	if _, err := gtheory.Simulate(context.Background(), trial, 3, 7, 1); err == nil {
		t.Error("quality that nobody observes has a reliability")
	}
}
