package dgp

import (
	"maps"
	"slices"
	"strings"
)

// An Assignment is a scheme that gives every unit an arm.
//
// To add a scheme, write one file like blocked.go: a struct whose fields are
// its keys in a study file, these methods, and a line in Assignments. A scheme
// sees what is known before the assignment, never an outcome.
type Assignment interface {
	// Check reports, through fault, each key whose value does not suit the design
	// or its covariates.
	Check(d Design, covariates []Covariate, fault func(key, format string, args ...any))
	// Level is that of the units that are assigned.
	Level() Level
	// Lottery says how a trial of a design is assigned, for plans in words.
	Lottery(d Design) Lottery
	// Columns describes what the scheme makes known of each unit beside its arm,
	// such as the matched pair. Compile fills in how many levels factors have.
	Columns() []Column
	// Compile prepares assigning units of a shape whose arms, covariates and
	// largest numbers of units are known. The study has passed Check.
	Compile(s Shape) Assigner
}

// An Assigner assigns the units of one data set after the other. It has the
// scratch that it needs, so that one goroutine uses one Assigner.
type Assigner struct {
	// Prepare, where it is not nil, reads the units once before all Assigns.
	Prepare func(u *Units)
	// Assign sets the arm of each unit: 0 is control.
	Assign func(arm []int, u *Units, r *Source)
	// Balanced, where it is not nil, says whether the last Assign kept what the
	// scheme promises.
	Balanced func() bool
	// Columns are the scheme's, and Values theirs after an Assign, by unit of the
	// column's level.
	Columns []Column
	Values  [][]float64
}

// Assignments returns every scheme by its kind, each with its defaults.
func Assignments() map[string]Assignment {
	return map[string]Assignment{
		"blocked":       Blocked{},
		"complete":      Complete{},
		"matched-pairs": Pairs{Blocked: true},
		"none":          None{},
		"rerandomised":  Rerandomised{Blocked: true, Tries: 10_000},
		"simple":        Simple{},
		"stepped":       Stepped{Blocked: true},
		"two-stage":     TwoStage{Unit: TeacherUnit, Blocked: true},
	}
}

// checkShares reports what is wrong with a scheme's keys share and shares.
func checkShares(d Design, share float64, by map[string]float64, fault func(key, format string, args ...any)) {
	switch {
	case share != 0 && by != nil:
		fault("share", "stands beside shares, which says it for every arm; delete one of them")
	case share != 0 && len(d.Arms) > 2:
		fault("share", "is for a trial of two arms; this one has %d: write shares: {%s: %g, ...}, or nothing for equal shares", len(d.Arms), d.Arms[1], share)
	}
	if by == nil {
		return
	}
	sum := 0.0
	for _, name := range slices.Sorted(maps.Keys(by)) {
		if !slices.Contains(d.Arms, name) {
			fault("shares."+name, "there is no arm %q; the arms are %s", name, strings.Join(d.Arms, ", "))
		}
		sum += by[name]
	}
	var without []string
	for _, name := range d.Arms {
		if _, has := by[name]; !has {
			without = append(without, name)
		}
	}
	switch {
	case len(without) == 0 && (sum < 1-shareSlack || sum > 1+shareSlack):
		fault("shares", "add up to %g, not to 1", sum)
	case len(without) == 1 && sum >= 1-shareSlack:
		fault("shares", "add up to %g and leave nothing to %q", sum, without[0])
	case len(without) > 1:
		fault("shares", "say nothing of %s; one arm at most can be left out and has the rest", strings.Join(without, " and "))
	}
}

// shareSlack is how far shares may be from adding up to 1, so that thirds can
// be written with five digits.
const shareSlack = 1e-4

// sharesOf returns the share of every arm, which add up to 1.
func sharesOf(arms []string, share float64, by map[string]float64) []float64 {
	all := make([]float64, len(arms))
	switch {
	case by == nil && share == 0:
		return equalShares(len(arms))
	case by == nil:
		all[0], all[1] = 1-share, share
		return all
	}
	sum, without := 0.0, -1
	for i, name := range arms {
		p, has := by[name]
		if !has {
			without = i
		}
		all[i] = p
		sum += p
	}
	if without >= 0 {
		all[without] = 1 - sum
		return all
	}
	for i := range all {
		all[i] /= sum
	}
	return all
}

// equalShares returns n shares that add up to 1.
func equalShares(n int) []float64 {
	return slices.Repeat([]float64{1 / float64(n)}, n)
}

// allocateSchools allocates schools, in every block or in all, whatever the
// unit of assignment is.
func (u *Units) allocateSchools(arm, places []int, shares []float64, blocked bool, r *Source) {
	if !blocked {
		allocate(arm, span(places, 0, u.N[SchoolLevel]), shares, r)
		return
	}
	for b := range u.N[BlockLevel] {
		lo, hi := u.below(BlockLevel, b, SchoolLevel)
		allocate(arm, span(places, lo, hi), shares, r)
	}
}

// allocate gives each arm its share of the units at the places listed, chosen
// uniformly at random. Where a share is no whole number of units, chance decides
// between the two whole numbers next to it, so that every unit is in every arm
// with the probability that is the arm's share. The numbers of units in the arms
// are drawn together (systematic sampling, Madow 1949): they add up.
func allocate(arm, places []int, shares []float64, r *Source) {
	for _, s := range places {
		arm[s] = 0
	}
	start := uniform{r: r}
	want, done := 0.0, 0
	for a := 1; a < len(shares); a++ {
		want += shares[a] * float64(len(places))
		n := int(want + 1e-9) // 0.3 of 10 schools is 3, whatever the rounding of 0.3
		if rest := want - float64(n); rest > 1e-9 && start.below(rest) {
			n++
		}
		for ; done < min(n, len(places)); done++ {
			pick := done + r.IntN(len(places)-done)
			places[done], places[pick] = places[pick], places[done]
			arm[places[done]] = a
		}
	}
}

// A uniform is a number between 0 and 1 that is drawn when it is first needed.
type uniform struct {
	r     *Source
	value float64
	drawn bool
}

func (u *uniform) below(x float64) bool {
	if !u.drawn {
		u.value, u.drawn = u.r.Float64(), true
	}
	return u.value < x
}

// span fills places with the numbers from lo to hi.
func span(places []int, lo, hi int) []int {
	places = places[:0]
	for i := lo; i < hi; i++ {
		places = append(places, i)
	}
	return places
}
