package dgp

import (
	"maps"
	"slices"
)

// Attrition is who is lost after assignment: at random, a fixed number of
// schools per arm, and a share of the sampled children, who have no valid test;
// and with Loss whoever the declared probabilities take.
//
// Without Loss and Keep, who is lost is in no data set at all. With one of
// them, lost units are in the data with their arm and covariates, but their
// scores and tests are missing (NaN), and the effect of an arm is the effect
// among all who were randomised, lost or not.
type Attrition struct {
	Schools  map[string]int `yaml:"schools" doc:"schools that leave, by arm"`
	Children float64        `yaml:"children" min:"0" lt:"1" doc:"share of sampled children without a valid test"`
	Keep     bool           `yaml:"keep,omitempty" doc:"keep lost units in the data, with missing scores and tests; so it is with loss"`
	Loss     Losses         `yaml:"loss,omitempty" doc:"units lost with probabilities that may depend on the arm, on ability, on quality and on covariates"`
}

// keeps reports whether lost units stay in the data.
func (a Attrition) keeps() bool { return a.Keep || a.Loss.any() }

func (a Attrition) check(f *Faults, d Design) {
	for _, arm := range slices.Sorted(maps.Keys(a.Schools)) {
		n := a.Schools[arm]
		path := "trial.attrition.schools." + arm
		d.checkArm(f, path, arm)
		if n < 0 || n > d.schools()/2 {
			f.Add(path, "%d schools cannot leave; the range is 0 to half of all schools, %d", n, d.schools()/2)
		}
	}
}

// leave marks the schools that leave, n[arm] of each arm, uniformly at random.
// scratch must have room for all schools. Where an arm has fewer schools than
// should leave, all of it leaves.
func leave(left []bool, arm []int, n []int, scratch []int, r *Source) {
	for s := range left {
		left[s] = false
	}
	for a := range n {
		if n[a] == 0 {
			continue
		}
		members := scratch[:0]
		for s, sa := range arm {
			if sa == a {
				members = append(members, s)
			}
		}
		for k := range min(n[a], len(members)) {
			pick := k + r.IntN(len(members)-k)
			members[k], members[pick] = members[pick], members[k]
			left[members[k]] = true
		}
	}
}

// leavers reports whether a fixed number of schools leaves.
func (g *Generator) leavers() bool {
	for _, n := range g.leaving {
		if n > 0 {
			return true
		}
	}
	return false
}
