package dgp

import (
	"fmt"
)

// Raters are the people who code, of whom each class has Observation.Coders. What
// a rater adds to the ratings of class j on day d is, in SDs of the observed
// score and in each domain,
//
//	SD b + (Drift + DriftSD a) u + ClassSD c + DaySD e
//
// with b (severity) and a the rater's own, c by rater and class, e by rater, class
// and day, all normal with the correlation between domains of the other errors. u
// runs from -1/2 to 1/2 over the classes in the order in which they are coded,
// which is random: class number i of n has u = (i+1/2)/n - 1/2, so that severity
// is that of the middle of the work.
//
// With a Pool, raters are shared by classes, whose errors are then correlated: of
// two classes with coders drawn at random from the same P raters the covariance of
// scores is SD²/P, however many coders they have. Without, every class has raters
// of its own.
type Raters struct {
	Pool     int             `yaml:"pool,omitempty" min:"0" max:"100000" doc:"raters who share the classes; 0, the default, gives every class raters of its own"`
	Assigned RaterAllocation `yaml:"assigned,omitempty" doc:"who codes whom: random (any class has any of the pool), blocks or arms (each has an equal part of the pool to itself), crossed (the same raters code every class)"`
	SD       []float64       `yaml:"sd,omitempty" min:"0" doc:"SD of severity between raters in each domain, in SDs of the observed score"`
	ClassSD  []float64       `yaml:"class_sd,omitempty" min:"0" doc:"SD of a rater's error about a class, the same on all days"`
	DaySD    []float64       `yaml:"day_sd,omitempty" min:"0" doc:"SD of a rater's error about a class on a day"`
	Drift    []float64       `yaml:"drift,omitempty" doc:"mean change of severity from the first to the last class coded"`
	DriftSD  []float64       `yaml:"drift_sd,omitempty" min:"0" doc:"SD of that change between raters"`
}

// A RaterAllocation says which raters of a pool may code a class.
type RaterAllocation uint8

// The allocations.
const (
	RandomRaters  RaterAllocation = iota // all
	BlockRaters                          // those of its block
	ArmRaters                            // those of its arm
	CrossedRaters                        // all do
	raterAllocations
)

var raterAllocationNames = [raterAllocations]string{"random", "blocks", "arms", "crossed"}

func (a RaterAllocation) String() string { return raterAllocationNames[a] }

// MarshalText writes the allocation's name.
func (a RaterAllocation) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads an allocation's name: random, blocks, arms or crossed.
func (a *RaterAllocation) UnmarshalText(text []byte) error {
	for i, name := range raterAllocationNames {
		if string(text) == name {
			*a = RaterAllocation(i)
			return nil
		}
	}
	return fmt.Errorf("%q is no allocation of raters; the allocations are random, blocks, arms and crossed", text)
}

// Names lists the values a RaterAllocation can take, for error messages and schemas.
func (RaterAllocation) Names() []string { return raterAllocationNames[:] }

// shared reports whether classes share raters.
func (r *Raters) shared() bool { return r != nil && r.Pool > 0 }

// groups is the number of parts of the pool, each of which codes classes of its
// own.
func (r *Raters) groups(d Design) int {
	switch r.Assigned {
	case BlockRaters:
		return d.Blocks
	case ArmRaters:
		return len(d.Arms)
	default:
		return 1
	}
}

func (r *Raters) check(f *Faults, t Trial) {
	const path = "observation.raters"
	k, coders := len(t.Quality.Domains), t.Observation.Coders
	checkOptional(f, path+".sd", r.SD, k, "domain")
	checkOptional(f, path+".class_sd", r.ClassSD, k, "domain")
	checkOptional(f, path+".day_sd", r.DaySD, k, "domain")
	checkOptional(f, path+".drift", r.Drift, k, "domain")
	checkOptional(f, path+".drift_sd", r.DriftSD, k, "domain")
	if r.Pool == 0 {
		if r.Assigned != RandomRaters {
			f.Add(path+".assigned", "says who of a pool codes whom, but every class has raters of its own; give observation.raters.pool")
		}
		const alone = "needs raters who code several classes; give observation.raters.pool"
		if anyNonzero(r.Drift) {
			f.Add(path+".drift", alone)
		}
		if anyNonzero(r.DriftSD) {
			f.Add(path+".drift_sd", alone)
		}
		return
	}
	groups := r.groups(t.Design)
	switch {
	case r.Assigned == ArmRaters && t.Design.Assignment != nil && t.Design.Assignment.Level() == ChildLevel:
		f.Add(path+".assigned", "arms: here children are assigned, so that a class is in no arm; the others are random, blocks and crossed")
	case r.Assigned == CrossedRaters && r.Pool != coders:
		f.Add(path+".pool", "is %d; crossed, where the same raters code every class, needs as many as observation.coders, %d", r.Pool, coders)
	case r.Pool < groups*coders && groups == 1:
		f.Add(path+".pool", "is %d, fewer than the %d coders of a class (observation.coders)", r.Pool, coders)
	case r.Pool < groups*coders:
		f.Add(path+".pool", "is %d; %s need %d raters, %d for the coders of a class in each of %d %s", r.Pool, r.Assigned, groups*coders, coders, groups, r.Assigned)
	case r.Pool%groups != 0:
		f.Add(path+".pool", "is %d, which cannot be shared out equally among %d %s; %d and %d can", r.Pool, groups, r.Assigned, r.Pool/groups*groups, (r.Pool/groups+1)*groups)
	}
}

// raters holds what the raters of every class add to its ratings.
type raters struct {
	Raters
	groups          int
	order           []int     // scratch: classes in the order of coding
	time            []float64 // u, by class
	members         []int     // scratch: the raters of each group, in any order
	sd, driftSD     []float64
	severity, drift [][]float64 // by rater and domain

	who    [][]float64 // by coder and class: the rater's number; nil where none is shared
	brings [][]float64 // by domain; then by (class, day, coder)
}

// RaterColumn is the name of the column that says who is a class's coder, counted
// from 1, where raters are shared.
func RaterColumn(coder int) string { return fmt.Sprintf("rater_c%d", coder) }

func newRaters(t Trial) *raters {
	o := t.Observation
	k, classes := len(t.Quality.Domains), t.Design.teachers()
	r := &raters{
		Raters: *o.Raters, groups: o.Raters.groups(t.Design),
		order: make([]int, classes), time: make([]float64, classes),
		sd: orZeros(o.Raters.SD, k), driftSD: orZeros(o.Raters.DriftSD, k),
		brings: columnsOf(k, classes*o.days()*o.Coders),
	}
	r.Drift = orZeros(r.Drift, k)
	if !anyNonzero(r.ClassSD) {
		r.ClassSD = nil
	}
	if !anyNonzero(r.DaySD) {
		r.DaySD = nil
	}
	if r.shared() {
		r.members = make([]int, r.Pool)
		r.severity, r.drift = columnsOf(r.Pool, k), columnsOf(r.Pool, k)
		r.who = columnsOf(o.Coders, classes)
	}
	return r
}

// raterColumns are the columns that say who coded.
func (ob *observed) raterColumns() (columns []Column) {
	if ob.raters == nil {
		return nil
	}
	for c := range ob.raters.who {
		columns = append(columns, Column{
			Name: RaterColumn(c + 1), Level: TeacherLevel, PostTreatment: ob.raters.Assigned == ArmRaters, Levels: ob.raters.Pool,
			Doc: fmt.Sprintf("number of the rater who is coder %d of the class", c+1),
		})
	}
	return columns
}

// draw draws raters, who codes whom, and what that adds to ratings.
func (r *raters) draw(ob *observed, p *population, t *treatment, rng *Source) {
	days, coders := ob.o.days(), ob.o.Coders
	if r.shared() {
		for i := range r.severity {
			ob.correlated(r.severity[i], r.sd, rng)
			ob.correlated(r.drift[i], r.driftSD, rng)
		}
		r.share(p, t, rng)
	}
	for j := range r.time {
		for c := range coders {
			severity, drift, u := ob.g, r.Drift, 0.0
			if r.shared() {
				rater := int(r.who[c][j])
				severity, drift, u = r.severity[rater], r.drift[rater], r.time[j]
			} else {
				ob.correlated(ob.g, r.sd, rng)
			}
			for k := range r.brings {
				x := severity[k] + u*(r.Drift[k]+drift[k])
				for d := range days {
					r.brings[k][(j*days+d)*coders+c] = x
				}
			}
		}
	}
	if r.ClassSD != nil {
		for at := range len(r.time) * coders {
			ob.correlated(ob.g, r.ClassSD, rng)
			j, c := at/coders, at%coders
			for k, x := range ob.g {
				for d := range days {
					r.brings[k][(j*days+d)*coders+c] += x
				}
			}
		}
	}
	if r.DaySD != nil {
		for at := range r.brings[0] {
			ob.correlated(ob.g, r.DaySD, rng)
			for k, x := range ob.g {
				r.brings[k][at] += x
			}
		}
	}
}

// share gives every class its coders and its place in the order of coding.
func (r *raters) share(p *population, t *treatment, rng *Source) {
	for i := range r.order {
		k := rng.IntN(i + 1)
		r.order[i] = r.order[k]
		r.order[k] = i
	}
	for i, j := range r.order {
		r.time[j] = (float64(i)+0.5)/float64(len(r.order)) - 0.5
	}
	for i := range r.members { // whatever was drawn before
		r.members[i] = i
	}
	size := r.Pool / r.groups
	for j := range r.time {
		group := 0
		switch r.Assigned {
		case BlockRaters:
			group = p.block[p.school[j]]
		case ArmRaters:
			group = t.class[j]
		}
		members := r.members[group*size : (group+1)*size]
		for c := range r.who {
			if r.Assigned != CrossedRaters { // any of those not yet taken
				k := c + rng.IntN(size-c)
				members[c], members[k] = members[k], members[c]
			}
			r.who[c][j] = float64(members[c])
		}
	}
}
