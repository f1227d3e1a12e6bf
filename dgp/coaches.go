package dgp

import (
	"fmt"
	"slices"
	"strings"
)

// Coaches deliver the treatment, each to a caseload of units: of schools,
// teachers or children, whichever are assigned. Control has none, so that a
// coached trial is partially nested.
//
// The units of an arm in a block are shared out by chance among as few coaches
// as the caseload allows, in caseloads as equal as can be. A unit that a coach
// serves has, on top of the arm's mean effect and times the share of that effect
// which reaches it,
//
//	on quality in domain k          QualitySD[k] b
//	on the tests, class part C      EffectSD v + Treated'QualitySD b
//
// with b and v standard normal and the coach's own, and Treated the slope of
// achievement on quality in the arm. A coach who is replaced midway leaves each
// unit with the mean of b, and of v, of two coaches, and with LostCycles fewer
// cycles. What a unit would have in a coached arm, were it not assigned to one,
// comes from a coach of its own, of the same kind; so does what a contaminated
// unit has.
type Coaches struct {
	Caseload     int       `yaml:"caseload" required:"true" min:"1" doc:"units (schools, teachers or children, whichever are assigned) that a coach serves, at most"`
	EffectSD     float64   `yaml:"effect_sd" min:"0" doc:"SD between coaches of the effect on the tests, in SDs of total achievement"`
	QualitySD    []float64 `yaml:"quality_sd" min:"0" doc:"SD between coaches of the effect on quality, by domain; a coach is better or worse in all of them"`
	Turnover     float64   `yaml:"turnover" min:"0" max:"1" doc:"probability that a coach is replaced midway"`
	LostCycles   int       `yaml:"lost_cycles" min:"0" doc:"cycles that each unit of a replaced coach loses"`
	AcrossBlocks bool      `yaml:"across_blocks" doc:"a caseload may lie in several blocks"`
	Arms         []string  `yaml:"arms" doc:"the treatments that coaches deliver; all by default"`
}

// coachName is the column of who coaches whom.
const coachName = "coach"

func (c *Coaches) check(f *Faults, t Trial) {
	const path = "trial.coaches"
	d := t.Design
	checkOptional(f, path+".quality_sd", c.QualitySD, len(t.Quality.Domains), "domain")
	for i, name := range c.Arms {
		at := slices.Index(d.Arms, name)
		switch key := fmt.Sprintf("%s.arms[%d]", path, i); {
		case at < 0 || strings.Contains(name, combination):
			f.Add(key, "there is no treatment %q; the arms are %s", name, strings.Join(d.Arms, ", "))
		case at == 0:
			f.Add(key, "%q is control, which has no coaches", name)
		case slices.Contains(c.Arms[:i], name):
			f.Add(key, "%q stands here twice", name)
		}
	}
	if c.LostCycles > 0 {
		switch {
		case d.Dosage == nil:
			f.Add(path+".lost_cycles", "needs trial.dosage, which says how many cycles there are to lose")
		case c.LostCycles > d.Dosage.Max:
			f.Add(path+".lost_cycles", "is more than the %d cycles of trial.dosage.max", d.Dosage.Max)
		}
	}
	if d.Assignment == nil {
		return
	}
	level := d.Assignment.Level()
	units, place := float64(d.Schools), "a block"
	if c.AcrossBlocks {
		units, place = units*float64(d.Blocks), "the trial"
	}
	switch level {
	case TeacherLevel:
		units *= float64(d.teachers()) / float64(d.schools())
	case ChildLevel:
		units *= float64(d.teachers()) / float64(d.schools()) * float64(d.Tested)
		if anyNonzero(c.QualitySD) {
			f.Add(path+".quality_sd", "changes the quality of a class, but here children are assigned, so that a class has children of every arm; leave it out")
		}
	}
	if float64(c.Caseload) > units {
		f.Add(path+".caseload", "is %d, more than the %g %s of %s; the range is 1 to %g", c.Caseload, units, level.Plural(), place, units)
	}
}

// serve reports whether coaches deliver an arm.
func (c *Coaches) serve(arm string) bool {
	if c.Arms == nil {
		return true
	}
	return slices.ContainsFunc(strings.Split(arm, combination), func(part string) bool { return slices.Contains(c.Arms, part) })
}

// words says who coaches whom.
func (c *Coaches) words(d Design) string {
	level := d.Assignment.Level()
	name := level.String()
	if c.Caseload > 1 {
		name = level.Plural()
	}
	text := fmt.Sprintf("each of at most %d %s", c.Caseload, name)
	if c.Arms != nil {
		text += ", in " + strings.Join(c.Arms, ", ")
	}
	if c.Turnover > 0 {
		text += fmt.Sprintf("; %s are replaced midway", percent(c.Turnover))
	}
	return text
}

// A coaching is who coaches whom, and how well.
type coaching struct {
	*Coaches
	serves  []bool // by arm
	members []int  // scratch
	coaches int    // of the last draw

	// By unit assigned; units of no caseload have a coach of their own.
	code     []float64
	effect   []float64 // v
	skill    []float64 // b
	replaced []bool
}

func newCoaching(d Design, units int) *coaching {
	if d.Coaches == nil {
		return nil
	}
	c := &coaching{
		Coaches: d.Coaches, members: make([]int, units),
		code: make([]float64, units), effect: make([]float64, units), skill: make([]float64, units), replaced: make([]bool, units),
	}
	for a, arm := range d.Arms {
		c.serves = append(c.serves, a > 0 && c.serve(arm))
	}
	return c
}

// draw shares out the units among coaches.
func (c *coaching) draw(t *treatment, r *Source) {
	u := &t.units
	c.coaches = 0
	if c.AcrossBlocks {
		c.share(t.assigned, 0, u.Len(), r)
	} else {
		for b := range u.N[BlockLevel] {
			lo, hi := u.below(BlockLevel, b, u.Level)
			c.share(t.assigned, lo, hi, r)
		}
	}
	for i := range u.Len() {
		if !c.serves[t.assigned[i]] {
			c.hire(r, i)
		}
	}
	// Without a coach, the units of a school have the school's code.
	for s := range u.N[SchoolLevel] {
		lo, hi := s, s+1
		if u.Level != SchoolLevel {
			lo, hi = u.below(SchoolLevel, s, u.Level)
		}
		for i := lo; i < hi; i++ {
			if !c.serves[t.assigned[i]] {
				c.code[i] = float64(c.coaches + s)
			}
		}
	}
}

// share forms the caseloads of the units from lo to hi.
func (c *coaching) share(assigned []int, lo, hi int, r *Source) {
	for a, serves := range c.serves {
		if !serves {
			continue
		}
		members := c.members[:0]
		for i := lo; i < hi; i++ {
			if assigned[i] == a {
				members = append(members, i)
			}
		}
		for k := len(members) - 1; k > 0; k-- {
			j := r.IntN(k + 1)
			members[k], members[j] = members[j], members[k]
		}
		n := (len(members) + c.Caseload - 1) / c.Caseload
		for k := range n {
			load := members[k*len(members)/n : (k+1)*len(members)/n]
			c.hire(r, load...)
			for _, i := range load {
				c.code[i] = float64(c.coaches)
			}
			c.coaches++
		}
	}
}

// hire draws a coach, and the one who would replace that coach, for some units.
func (c *coaching) hire(r *Source, units ...int) {
	skill, effect := r.NormFloat64(), r.NormFloat64()
	second, third := r.NormFloat64(), r.NormFloat64()
	replaced := r.Float64() < c.Turnover
	if replaced {
		skill, effect = (skill+second)/2, (effect+third)/2
	}
	for _, i := range units {
		c.skill[i], c.effect[i], c.replaced[i] = skill, effect, replaced
	}
}

// Coaches is the number of coaches in the last draw; 0 without coaches.
func (g *Generator) Coaches() int {
	if g.delivery == nil || g.delivery.coaching == nil {
		return 0
	}
	return g.delivery.coaching.coaches
}
