package dgp

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Losses are differential attrition: units lost with a probability that may
// depend on the arm and on who they are. A lost school takes its teachers with
// it, and a lost teacher the class.
type Losses struct {
	School  Loss `yaml:"school,omitempty" doc:"loss of whole schools"`
	Teacher Loss `yaml:"teacher,omitempty" doc:"loss of teachers, with their class, in schools that stay"`
	Child   Loss `yaml:"child,omitempty" doc:"loss of children in classes that stay"`
}

// A Loss is a logit model of the loss of one unit, with common draws for all
// arms,
//
//	lost(arm) = u < 1/(1 + exp(-(c_arm + Σ slope_arm z)))      u ~ uniform(0, 1)
//
// so that who is lost under each arm is known, and, where the slopes are the
// same in two arms, whoever is lost in the arm that loses fewer is lost in the
// other too (the monotonicity that Lee's bounds assume). The constants c are
// set so that the rates hold on average over all units of the level, to about
// 0.1 percentage points where there are slopes and exactly where there are none.
//
// The variables z are the covariates of the trial, and
//
//	ability   the child's mean score over the tests without coaching; with learning,
//	          log odds before it, less the mean of the grade
//	quality   the classroom's mean true quality over the domains without coaching
//
// each measured from its mean in SDs of its own units. A unit above those of
// the variable has their mean, a unit below has that of its school or class.
type Loss struct {
	Rate         map[string]float64            `yaml:"rate" min:"0" lt:"1" doc:"share lost on average, by arm"`
	Depends      map[string]float64            `yaml:"depends" doc:"log odds of loss per SD of ability, quality or a covariate"`
	DependsByArm map[string]map[string]float64 `yaml:"depends_by_arm" doc:"what one arm adds to depends"`
}

// The variables on which loss may depend, beside covariates.
const (
	abilityVariable = "ability"
	qualityVariable = "quality"
)

// none reports whether nobody is lost.
func (l Loss) none() bool { return len(l.Rate) == 0 }

// byArm reports whether loss depends on the arm.
func (l Loss) byArm(arms []string) bool {
	for _, arm := range arms {
		if l.Rate[arm] != l.Rate[arms[0]] {
			return true
		}
	}
	return len(l.DependsByArm) > 0
}

// any reports whether units of any level may be lost.
func (l Losses) any() bool { return !l.School.none() || !l.Teacher.none() || !l.Child.none() }

func (l Losses) check(f *Faults, t Trial) {
	l.School.check(f, t, "trial.attrition.loss.school")
	l.Teacher.check(f, t, "trial.attrition.loss.teacher")
	l.Child.check(f, t, "trial.attrition.loss.child")
}

func (l Loss) check(f *Faults, t Trial, path string) {
	for _, arm := range slices.Sorted(maps.Keys(l.Rate)) {
		t.Design.checkArm(f, path+".rate."+arm, arm)
		if r := l.Rate[arm]; !(r >= 0 && r < 1) {
			f.Add(path+".rate."+arm, "must be at least 0 and below 1, not %g", r)
		}
	}
	if l.none() && (len(l.Depends) > 0 || len(l.DependsByArm) > 0) {
		f.Add(path+".rate", "is missing; depends says who is lost, rate how many, by arm")
	}
	own := []string{abilityVariable, qualityVariable}
	t.checkVariables(f, path+".depends", "loss", own, l.Depends)
	for _, arm := range slices.Sorted(maps.Keys(l.DependsByArm)) {
		t.Design.checkArm(f, path+".depends_by_arm."+arm, arm)
		t.checkVariables(f, path+".depends_by_arm."+arm, "loss", own, l.DependsByArm[arm])
	}
}

// checkArm adds a fault unless the trial has the arm.
func (d Design) checkArm(f *Faults, path, arm string) {
	if !slices.Contains(d.Arms, arm) {
		f.Add(path, "there is no arm %q; the arms are %s", arm, strings.Join(d.Arms, ", "))
	}
}

// checkVariables adds a fault for every variable on which what cannot depend: it
// can on its own variables, if the trial has them, and on covariates.
func (t Trial) checkVariables(f *Faults, path, what string, own []string, slopes map[string]float64) {
	names := slices.Clone(own)
	if len(t.Quality.Domains) == 0 {
		names = slices.DeleteFunc(names, func(name string) bool { return name == qualityVariable })
	}
	for _, c := range t.before() {
		names = append(names, c.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(slopes)) {
		switch i := slices.Index(names, name); {
		case i < 0:
			f.Add(path+"."+name, "%s cannot depend on %q; it can on %s", what, name, strings.Join(names, ", "))
		case slices.Contains(names[i+1:], name):
			f.Add(path+"."+name, "%q is also the name of a covariate; give that another name", name)
		case math.IsNaN(slopes[name]) || math.IsInf(slopes[name], 0):
			f.Add(path+"."+name, "must be a finite number")
		}
	}
}

// A retention is who stays in the trial, under every arm. It covers all units
// drawn.
type retention struct {
	hazards []*hazard // of schools, teachers and children; nil without loss
	chance  []float64 // scratch: by arm, share of schools that leave by number
	arms    []int     // scratch: schools by arm
	missing []bool    // by child: has no valid test in any arm
	stay    []float64 // scratch: children of one class with valid tests, by arm

	school    [][]bool    // by arm: lost
	observed  [][]float64 // by arm: 1 for a class that was observed
	responded [][]float64 // by arm: 1 for a child with valid tests
}

func newRetention(t Trial, p *population) *retention {
	d := t.Design
	schools, teachers, children := d.schools(), d.teachers(), d.teachers()*d.Tested
	n := &retention{
		chance: make([]float64, len(d.Arms)), arms: make([]int, len(d.Arms)), missing: make([]bool, children), stay: make([]float64, len(d.Arms)),
		observed: columnsOf(len(d.Arms), teachers), responded: columnsOf(len(d.Arms), children),
	}
	for range d.Arms {
		n.school = append(n.school, make([]bool, schools))
	}
	for _, at := range []struct {
		Loss
		level Level
		units int
	}{{d.Attrition.Loss.School, SchoolLevel, schools}, {d.Attrition.Loss.Teacher, TeacherLevel, teachers}, {d.Attrition.Loss.Child, ChildLevel, children}} {
		n.hazards = append(n.hazards, newHazard(at.Loss, at.level, at.units, d.Arms, p))
	}
	return n
}

// draw decides who is lost under every arm. Where the number of schools that
// leave is fixed, left says which do; had a school been in another arm, it
// would leave with the share of schools that leave that one, by the same draw.
func (n *retention) draw(g *Generator, r *Source) {
	p := g.population
	children := p.children()
	n.shares(g)
	for s := range g.left {
		u := 1.0
		if g.leavers() { // schools are assigned
			own := n.chance[g.treatment.assigned[s]]
			if u = r.Float64(); g.left[s] {
				u *= own
			} else {
				u = own + (1-own)*u
			}
		}
		for a, lost := range n.school {
			lost[s] = u < n.chance[a]
		}
	}
	bySchool, byTeacher, byChild := n.hazards[0], n.hazards[1], n.hazards[2]
	if bySchool != nil {
		bySchool.measure(g, len(g.left))
		for s := range g.left {
			u := r.Float64()
			for a, lost := range n.school {
				lost[s] = lost[s] || bySchool.loses(a, s, u)
			}
		}
	}
	if byTeacher != nil {
		byTeacher.measure(g, len(p.school))
	}
	for j, s := range p.school {
		u := 1.0
		if byTeacher != nil {
			u = r.Float64()
		}
		for a, observed := range n.observed {
			observed[j] = 1
			if n.school[a][s] || byTeacher != nil && byTeacher.loses(a, j, u) {
				observed[j] = 0
			}
		}
	}
	if byChild != nil {
		byChild.measure(g, children)
	}
	for j := range p.school {
		stay := n.stay
		clear(stay)
		for i := p.childStart[j]; i < p.childStart[j+1]; i++ {
			u := 1.0
			if byChild != nil {
				u = r.Float64()
			}
			for a, responded := range n.responded {
				responded[i] = n.observed[a][j]
				if n.missing[i] || byChild != nil && byChild.loses(a, i, u) {
					responded[i] = 0
				}
				stay[a] += responded[i]
			}
		}
		if g.learning == nil {
			continue
		}
		for a, observed := range n.observed { // a class without a gain
			if stay[a] == 0 {
				observed[j] = 0
			}
		}
	}
}

// shares fills chance.
func (n *retention) shares(g *Generator) {
	clear(n.arms)
	if g.leavers() {
		for _, arm := range g.treatment.assigned {
			n.arms[arm]++
		}
	}
	for a, leave := range g.leaving {
		n.chance[a] = 0
		if leave > 0 {
			n.chance[a] = min(1, float64(leave)/float64(max(n.arms[a], 1)))
		}
	}
}

// A hazard is a compiled Loss.
type hazard struct {
	level    Level
	terms    []hazardTerm
	rate     []float64 // by arm
	constant []float64 // by arm
}

// A hazardTerm is a variable with its slopes.
type hazardTerm struct {
	name   string
	column *drawnColumn // nil for ability and quality
	scale  float64      // 1/SD
	slope  []float64    // by arm
	z      []float64    // by unit of the hazard's level
}

func newHazard(l Loss, level Level, units int, arms []string, p *population) *hazard {
	if l.none() {
		return nil
	}
	h := &hazard{level: level, rate: make([]float64, len(arms)), constant: make([]float64, len(arms))}
	slopes := map[string][]float64{}
	add := func(arm int, from map[string]float64) {
		for name, slope := range from {
			if slopes[name] == nil {
				slopes[name] = make([]float64, len(arms))
			}
			slopes[name][arm] += slope
		}
	}
	for a, arm := range arms {
		h.rate[a] = l.Rate[arm]
		h.constant[a] = math.Log(h.rate[a] / (1 - h.rate[a]))
		add(a, l.Depends)
		add(a, l.DependsByArm[arm])
	}
	for _, name := range slices.Sorted(maps.Keys(slopes)) {
		term := hazardTerm{name: name, slope: slopes[name], z: make([]float64, units), scale: 1}
		if name != abilityVariable && name != qualityVariable {
			term.column = p.column(name)
			if term.scale = 0; term.column.law.sd > 0 {
				term.scale = 1 / term.column.law.sd
			}
		}
		h.terms = append(h.terms, term)
	}
	return h
}

// measure fills z for the first n units.
func (h *hazard) measure(g *Generator, n int) {
	for i := range h.terms {
		t := &h.terms[i]
		z := t.z[:n]
		switch {
		case t.column != nil:
			mean := t.column.law.mean
			g.spread(z, h.level, t.column.Level, func(unit int) float64 { return t.column.values[unit] - mean })
		case t.name == qualityVariable:
			g.spread(z, h.level, TeacherLevel, g.meanQuality)
		default:
			g.spread(z, h.level, ChildLevel, g.ability)
		}
		for u := range z {
			z[u] *= t.scale
		}
	}
}

// loses reports whether a unit with the uniform draw u is lost under an arm.
func (h *hazard) loses(arm, unit int, u float64) bool {
	if h.rate[arm] == 0 {
		return false
	}
	return u < logistic(h.constant[arm]+h.index(arm, unit))
}

// index returns Σ slope z of a unit under an arm.
func (h *hazard) index(arm, unit int) float64 {
	x := 0.0
	for i := range h.terms {
		x += h.terms[i].slope[arm] * h.terms[i].z[unit]
	}
	return x
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// meanQuality is the mean of a class's true quality without coaching.
func (g *Generator) meanQuality(teacher int) float64 {
	sum := 0.0
	for k := range g.quality.under[0] {
		sum += g.quality.under[0][k][teacher]
	}
	return sum / float64(len(g.quality.under[0]))
}

// ability is the mean score of a child whose world is control. Every child has one:
// where loss depends on who a child is, all sampled children are in the data.
func (g *Generator) ability(child int) float64 {
	if g.learning != nil {
		return g.learning.standing[child]
	}
	sum := 0.0
	for k := range g.tested.score[0] {
		sum += g.tested.score[0][k][child]
	}
	return sum / float64(len(g.tested.score[0]))
}

// spread fills dst, by unit drawn of one level, from a variable of another: a
// unit below has its parent's value, a unit above the mean of its own units.
func (g *Generator) spread(dst []float64, level, of Level, value func(unit int) float64) {
	p := g.population
	between := func(lo, hi int) float64 {
		sum := 0.0
		for u := lo; u < hi; u++ {
			sum += value(u)
		}
		return sum / float64(max(hi-lo, 1))
	}
	for u := range dst {
		switch {
		case level == of:
			dst[u] = value(u)
		case level == SchoolLevel && of == TeacherLevel:
			dst[u] = between(p.teacherStart[u], p.teacherStart[u+1])
		case level == SchoolLevel: // of children
			dst[u] = between(p.childStart[p.teacherStart[u]], p.childStart[p.teacherStart[u+1]])
		case level == TeacherLevel && of == ChildLevel:
			dst[u] = between(p.childStart[u], p.childStart[u+1])
		case level == TeacherLevel: // of schools
			dst[u] = value(p.school[u])
		}
	}
	if level != ChildLevel || of == ChildLevel {
		return
	}
	for j, s := range p.school {
		unit := j
		if of == SchoolLevel {
			unit = s
		}
		v := value(unit)
		for i := p.childStart[j]; i < p.childStart[j+1]; i++ {
			dst[i] = v
		}
	}
}

// calibrationUnits is the number of units of each level over which the
// constants of a loss are set, and calibrationSeed the seed of their draws.
// Both are part of what a study's loss is.
const (
	calibrationUnits = 20_000
	calibrationSeed  = 0x105e5ca1e0fd1a5
)

// calibrate sets the SDs of ability and quality and the constants of every
// hazard with terms, from draws of the population. The first are those of the
// largest units.
func (g *Generator) calibrate(all []*hazard) {
	var hazards []*hazard
	for _, h := range all {
		if h != nil && len(h.terms) > 0 {
			hazards = append(hazards, h)
		}
	}
	if len(hazards) == 0 {
		return
	}
	fill(g.valid, true)
	z := make([][][]float64, len(hazards)) // by hazard, term and unit
	for i, h := range hazards {
		z[i] = make([][]float64, len(h.terms))
	}
	ability, quality := 0.0, 0.0 // sums of squares: both have mean 0
	children, teachers := 0, 0
	full := func(i int) bool { return len(z[i][0]) >= calibrationUnits }
	for rep := uint64(0); !full(0); rep++ {
		st := Stream{Seed: calibrationSeed, Replicate: rep}
		g.population.draw(g.quality.q, g.tested.a, g.purpose(st, PopulationPurpose))
		g.quality.draw(g.population, g.purpose(st, QualityPurpose))
		if g.delivery != nil {
			g.treatment.draw(g.population, g.purpose(st, AssignmentPurpose))
			g.delivery.draw(g, st)
		}
		g.drawTests(st)
		if children < calibrationUnits {
			for i := range g.population.children() {
				ability += g.ability(i) * g.ability(i)
				children++
			}
		}
		if teachers < calibrationUnits {
			for j := range g.population.school {
				quality += g.meanQuality(j) * g.meanQuality(j)
				teachers++
			}
		}
		for i, h := range hazards {
			if full(i) {
				continue
			}
			h.measure(g, g.unitsDrawn(h.level))
			for k := range h.terms {
				z[i][k] = append(z[i][k], h.terms[k].z[:g.unitsDrawn(h.level)]...)
			}
		}
	}
	for i, h := range hazards {
		for k := range h.terms {
			t := &h.terms[k]
			switch {
			case t.name == abilityVariable && t.column == nil && ability > 0:
				t.scale = 1 / math.Sqrt(ability/float64(children))
			case t.name == qualityVariable && t.column == nil && quality > 0:
				t.scale = 1 / math.Sqrt(quality/float64(teachers))
			default:
				continue
			}
			for u := range z[i][k] {
				z[i][k][u] *= t.scale
			}
		}
		h.setConstants(z[i])
	}
}

// setConstants solves, for every arm, for the constant with which the mean
// probability of loss over the units of z is the rate: by Newton's steps within
// bounds that bisection keeps.
func (h *hazard) setConstants(z [][]float64) {
	index := make([]float64, len(z[0]))
	for a, rate := range h.rate {
		if rate == 0 || rate == 1 {
			continue
		}
		clear(index)
		for k, t := range h.terms {
			for u := range index {
				index[u] += t.slope[a] * z[k][u]
			}
		}
		c := math.Log(rate / (1 - rate))
		low, high := c-slices.Max(index), c-slices.Min(index)
		for range 100 {
			sum, slope := 0.0, 0.0
			for _, x := range index {
				p := logistic(c + x)
				sum += p
				slope += p * (1 - p)
			}
			off := sum - rate*float64(len(index))
			if off > 0 {
				high = c
			} else {
				low = c
			}
			next := c - off/slope
			if !(next > low && next < high) {
				next = (low + high) / 2
			}
			if math.Abs(next-c) <= 1e-13*max(1, math.Abs(c)) {
				break
			}
			c = next
		}
		h.constant[a] = c
	}
}

// unitsDrawn is the number of units of a level in the last draw.
func (g *Generator) unitsDrawn(l Level) int {
	switch l {
	case SchoolLevel:
		return len(g.population.block)
	case TeacherLevel:
		return len(g.population.school)
	case ChildLevel:
		return g.population.children()
	default:
		panic(fmt.Sprintf("dgp: no units of level %s are lost", l))
	}
}
