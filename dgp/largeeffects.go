package dgp

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

// largeEffect is how many standard deviations of an outcome no trial of teachers moves
// children or classes by: more was meant as points, or as percent.
const largeEffect = 2

// largeEffects warns of effects that are declared larger than largeEffect.
func (t Trial) largeEffects() []string {
	var all []string
	warn := func(key string, value, sds float64, of string) {
		if math.Abs(sds) > largeEffect {
			all = append(all, fmt.Sprintf("%s %g is an effect of %.3g standard deviations of %s; effects are written in these, so divide points by the standard deviation (0.15 is usual)", key, value, math.Abs(sds), of))
		}
	}
	a := t.Achievement
	test := func(key string, means []float64) {
		for k, mean := range means {
			sd := 1.0
			if k < len(a.Residual) {
				sd = math.Sqrt(a.Residual[k][k] + a.BlockSD*a.BlockSD + a.SchoolSD*a.SchoolSD + a.TeacherSD*a.TeacherSD)
			}
			if k < len(a.Tests) {
				warn(key, mean, mean/sd, a.Tests[k])
			}
		}
	}
	quality := func(key string, shifts []float64) {
		for k, shift := range shifts {
			if k < len(t.Quality.Domains) {
				warn(key, shift, shift, "the observed score of "+t.Quality.Domains[k])
			}
		}
	}
	if t.Effect != nil {
		warn("effect", *t.Effect, *t.Effect, "every test")
	} else {
		test("achievement.effect.mean", a.Effect.Mean)
		for _, arm := range slices.Sorted(maps.Keys(a.ArmEffects)) {
			test("achievement.arm_effects."+arm+".mean", a.ArmEffects[arm].Mean)
		}
	}
	quality("quality.effect.shift", t.Quality.Effect.Shift)
	for _, arm := range slices.Sorted(maps.Keys(t.Quality.ArmEffects)) {
		quality("quality.arm_effects."+arm+".shift", t.Quality.ArmEffects[arm].Shift)
	}
	return all
}
