package dgp

import "math/rand/v2"

// An Assignment is a scheme that gives every school an arm.
//
// To add a scheme, write one file like blocked.go: a struct whose fields are
// its keys in a study file, these two methods, and a line in Assignments.
type Assignment interface {
	// Check reports, through fault, each key whose value does not suit the design.
	Check(d Design, fault func(key, format string, args ...any))
	// Assign sets the arm of each school: 0 is control. block[s] is the block
	// of school s; the schools of a block are contiguous. scratch has the
	// length of arm.
	Assign(arm, block, scratch []int, r *rand.Rand)
}

// Assignments returns every scheme by its kind, each with its defaults.
func Assignments() map[string]Assignment {
	return map[string]Assignment{
		"blocked":  Blocked{Share: 0.5},
		"complete": Complete{Share: 0.5},
		"simple":   Simple{Share: 0.5},
	}
}

// treatShare treats a share of the schools, chosen uniformly at random, among
// those at the places listed. Where the share is no whole number of schools,
// the odd one is treated with the probability that keeps the share exact.
func treatShare(arm, places []int, share float64, r *rand.Rand) {
	want := share * float64(len(places))
	n := int(want + 1e-9) // 0.3 of 10 schools is 3, whatever the rounding of 0.3
	if rest := want - float64(n); rest > 1e-9 && r.Float64() < rest {
		n++
	}
	for _, s := range places {
		arm[s] = 0
	}
	for k := range n {
		pick := k + r.IntN(len(places)-k)
		places[k], places[pick] = places[pick], places[k]
		arm[places[k]] = 1
	}
}
