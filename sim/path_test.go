package sim_test

import (
	"math"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/sim"
)

// byPath returns a target's part for every path, by path.
func byPath(t estimators.Target) []estimators.Target {
	var all []estimators.Target
	for _, p := range estimators.Paths() {
		t.Path = p
		all = append(all, t)
	}
	return all
}

// The effects by path in the trial of Ecuador are those that the calibration
// works out by hand (section 5 of its notes): slopes on true quality times shifts.
func TestEcuadorEffectsByPath(t *testing.T) {
	if testing.Short() {
		t.Skip("averages over a thousand draws")
	}
	trial := ecuador(t).Trial
	whole := estimators.Target{Arm: "coaching", Outcome: "achievement", Rows: dgp.ChildLevel}
	targets := byPath(whole)
	for _, domain := range trial.Quality.Domains {
		t := whole
		t.Path, t.Through = estimators.IndirectTreated, []string{domain}
		targets = append(targets, t)
	}
	value, mcse := sim.PopulationOf(t, trial, targets)
	want := []float64{-0.0692, 0.010, -0.051, -0.018, -0.079, (0.010 - 0.051) / 2, -(0.018 + 0.079) / 2, math.NaN(), -0.027, 0.018, -0.042}
	for i, target := range targets {
		t.Logf("%-7s %v %.5f (MCSE %.6f)", target.Path, target.Through, value[i], mcse[i])
		if e := math.Abs(value[i] - want[i]); e > 0.0006+4*mcse[i] { // the calibration has three digits
			t.Errorf("%s through %v is %.5f (MCSE %.6f), wanted %g", target.Path, target.Through, value[i], mcse[i], want[i])
		}
		if !(mcse[i] < 0.0001) {
			t.Errorf("%s through %v has MCSE %g", target.Path, target.Through, mcse[i])
		}
	}
}
