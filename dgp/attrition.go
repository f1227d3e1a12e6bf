package dgp

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// Attrition is who is lost after assignment, at random: a fixed number of
// schools per arm, and a share of the sampled children, who have no valid test.
// Schools that leave are in no data set at all.
type Attrition struct {
	Schools  map[string]int `yaml:"schools" doc:"schools that leave, by arm"`
	Children float64        `yaml:"children" min:"0" lt:"1" doc:"share of sampled children without a valid test"`
}

func (a Attrition) check(f *Faults, d Design) {
	for _, arm := range slices.Sorted(maps.Keys(a.Schools)) {
		n := a.Schools[arm]
		path := "trial.attrition.schools." + arm
		known := false
		for _, name := range d.Arms {
			known = known || name == arm
		}
		switch {
		case !known:
			f.Add(path, "there is no arm %q; the arms are %s", arm, strings.Join(d.Arms, ", "))
		case n < 0 || n > d.schools()/2:
			f.Add(path, "%d schools cannot leave; the range is 0 to half of all schools, %d", n, d.schools()/2)
		}
	}
}

// leave marks the schools that leave, n[arm] of each arm, uniformly at random.
// scratch must have room for all schools. Where an arm has fewer schools than
// should leave, all of it leaves.
func leave(left []bool, arm []int, n []int, scratch []int, r *rand.Rand) {
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
