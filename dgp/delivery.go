package dgp

// A delivery is what comes between the arm that a unit is assigned and what
// happens to it: who receives the treatment, how much of it, from whom, and
// whom else it reaches.
//
// It works on worlds. World a, for each arm a, is that in which all units are
// assigned a, and the last world is that of the arms as they were assigned.
// Potential outcomes are those of the first worlds, data those of the last, by the
// same draws: of take-up, cycles, coaches, teachers who leave and children who
// move. Where no unit depends on the arm of another, a unit's data are those of
// the world of its arm.
//
// In each world the share w_a of arm a's full effect reaches a class (or a child,
// where children are assigned):
//
//	w_a = s(N) (kept, where the teacher left)   if it receives a
//	w_a = Share · mean of w_a in the school     if it receives nothing, with spillover
//	q   = q(0) + Σ w_a (q(a) - q(0)) + w QualitySD b
//	C   = C(0) + Σ w_a (C(a) - C(0)) + w (EffectSD v + Treated'QualitySD b)
//	Y   = Scale (C + child covariates) + ε + Σ w_a (effect of a on the test)
//
// with w the w_a of the arm received where coaches deliver it, and q(0), C(0) those
// of the new teacher where the first left.
type delivery struct {
	level  Level // of what a treatment reaches: teacher (class), or child where children are assigned
	arms   int   // the number of arms, and of the last world
	units  int   // reached in the last draw
	parent []int // school of each class

	treatment  *treatment
	takeUp     *takeUp     // nil where all receive what they are assigned
	coaching   *coaching   // nil without coaches
	dose       *dose       // nil where all of the treatment is delivered
	succession *succession // nil where teachers stay
	moves      *moves      // nil where children stay
	spill      float64

	reached  [][]int       // by world and unit: the arm received
	dosed    [][]float64   // by world and unit: w of that arm
	spilt    [][][]float64 // by world, arm and school: w_a of those who receive nothing; nil without spillover
	counts   []float64     // scratch: units by school
	school   []int         // by unit
	slope    [][]float64   // by arm: Treated, of coached arms
	skillSD  []float64     // by domain
	effectSD float64

	class   [][]float64 // by world and class: C; without the children's own treatment where children are assigned
	direct  [][]float64 // scratch: by arm and test, the effect on one child
	columns []deliveryColumn
}

// A deliveryColumn is a column of the data with its values in every world, by
// unit drawn.
type deliveryColumn struct {
	Column
	potential bool // the arm may change it
	value     func(world, unit int) float64
}

// fill sets the column for the units drawn behind those of the data.
func (c *deliveryColumn) fill(dst []float64, drawn []int, world int) {
	for u := range dst {
		dst[u] = c.value(world, drawn[u])
	}
}

// delivers reports whether anything comes between assignment and receipt.
func (d Design) delivers() bool {
	return d.Coaches != nil || d.Compliance != nil || d.Dosage != nil || d.Turnover != nil || d.Mobility != nil || d.Spillover != nil
}

// worlds is the number of worlds in which outcomes are drawn.
func (d Design) worlds() int {
	if d.delivers() {
		return len(d.Arms) + 1
	}
	return len(d.Arms)
}

// checkDelivery adds the faults of all sections on delivery.
func (t Trial) checkDelivery(f *Faults) {
	d := t.Design
	if d.Coaches != nil {
		d.Coaches.check(f, t)
	}
	if d.Compliance != nil {
		d.Compliance.check(f, t)
	}
	if d.Dosage != nil {
		d.Dosage.check(f)
	}
	if d.Turnover != nil {
		d.Turnover.check(f, d)
	}
	if d.Mobility != nil {
		d.Mobility.check(f, d)
	}
	if d.Spillover != nil {
		d.Spillover.check(f, d)
	}
}

// treatments are the plain arms that a trial has beside control.
func (d Design) treatments() []string {
	var names []string
	for _, a := range armsOf(d.Arms)[1:] {
		if a.parts == nil {
			names = append(names, a.name)
		}
	}
	return names
}

// deliveryNames calls use for the name of every column of a delivery.
func (t Trial) deliveryNames(use func(path, name string)) {
	d := t.Design
	if d.Coaches != nil {
		use("trial.coaches", coachName)
	}
	if d.Compliance != nil && len(d.Arms) > 1 {
		all := d.treatments()
		for _, name := range all {
			use("trial.compliance.column", d.Compliance.name(name, len(all) > 1))
		}
	}
	if d.Dosage != nil {
		use("trial.dosage.column", d.Dosage.name())
	}
	if d.Turnover != nil {
		use("trial.turnover", replacedName)
	}
	if d.Mobility != nil {
		use("trial.mobility", movedName)
	}
}

func newDelivery(t Trial, p *population, units [levels]int) *delivery {
	d := t.Design
	if !d.delivers() {
		return nil
	}
	level := max(d.Assignment.Level(), TeacherLevel)
	domains := len(t.Quality.Domains)
	v := &delivery{
		level: level, arms: len(d.Arms), parent: p.school,
		takeUp: newTakeUp(t, p, units), coaching: newCoaching(d, units[d.Assignment.Level()]), dose: newDose(d.Dosage, units[level]),
		succession: newSuccession(t), moves: newMoves(d),
		counts: make([]float64, units[SchoolLevel]), school: make([]int, units[level]), direct: columnsOf(len(d.Arms), len(t.Achievement.Tests)),
		skillSD: make([]float64, domains),
	}
	copy(v.school, p.school) // of classes; of children it changes
	if d.Coaches != nil {
		v.effectSD = d.Coaches.EffectSD
		copy(v.skillSD, d.Coaches.QualitySD)
	}
	if d.Spillover != nil {
		v.spill = d.Spillover.Share
	}
	for i, a := range armsOf(d.Arms) {
		var slope []float64
		if v.coaching != nil && v.coaching.serves[i] {
			for _, part := range a.parts { // by the arm that coaches deliver
				if v.coaching.serves[part] {
					a = arm{name: d.Arms[part]}
					break
				}
			}
			slope = t.Achievement.effectOf(a, domains).Treated
		}
		v.slope = append(v.slope, slope)
	}
	for range d.worlds() {
		v.reached = append(v.reached, make([]int, units[level]))
		v.dosed = append(v.dosed, make([]float64, units[level]))
		v.class = append(v.class, make([]float64, units[TeacherLevel]))
		if v.spill > 0 {
			v.spilt = append(v.spilt, columnsOf(len(d.Arms), units[SchoolLevel]))
		}
	}
	v.layout(t)
	return v
}

// layout lists the columns.
func (v *delivery) layout(t Trial) {
	d := t.Design
	add := func(c Column, potential bool, value func(world, unit int) float64) {
		v.columns = append(v.columns, deliveryColumn{Column: c, potential: potential, value: value})
	}
	if c := v.coaching; c != nil {
		level := d.Assignment.Level()
		add(Column{
			Name: coachName, Level: level, PostTreatment: true, Levels: len(c.code) + d.schools(),
			Doc: "the coach at the start; without one, units have a code by school, so that coach is the cluster of a partially nested design",
		}, false, func(_, unit int) float64 { return c.code[unit] })
	}
	if c := d.Compliance; c != nil {
		level := v.takeUp.level
		all := d.treatments()
		for _, name := range all {
			on := make([]float64, v.arms)
			for a, arm := range d.Arms {
				if a > 0 && turnsOn(arm, name) {
					on[a] = 1
				}
			}
			add(Column{
				Name: c.name(name, len(all) > 1), Level: level, PostTreatment: true, Doc: "1 if the " + level.String() + " received " + name,
			}, true, func(world, unit int) float64 { return on[v.receipt(world, unit)] })
		}
	}
	if v.dose != nil {
		add(Column{Name: d.Dosage.name(), Level: v.level, PostTreatment: true, Center: d.Dosage.Mean / 2, Doc: "cycles delivered"}, true, func(world, unit int) float64 {
			if v.reached[world][unit] == 0 {
				return 0
			}
			return float64(v.cycles(unit, v.reached[world][unit]))
		})
	}
	if v.succession != nil {
		add(Column{Name: replacedName, Level: TeacherLevel, PostTreatment: true, Doc: "1 if the study teacher left and another took over the class"}, true, func(world, class int) float64 {
			if v.left(world, class) {
				return 1
			}
			return 0
		})
	}
	if v.moves != nil {
		add(Column{Name: movedName, Level: ChildLevel, Doc: "1 if the child moved to another class"}, false, func(_, child int) float64 {
			if v.moves.to[child] >= 0 {
				return 1
			}
			return 0
		})
	}
}

// assigned is the arm that a unit of a level is assigned in a world.
func (v *delivery) assigned(world int, level Level, unit int) int {
	if world < v.arms {
		return world
	}
	if v.treatment.units.Level == SchoolLevel && level == TeacherLevel {
		unit = v.parent[unit]
	}
	return v.treatment.assigned[unit]
}

// receipt is the arm that a unit of take-up receives in a world.
func (v *delivery) receipt(world, unit int) int {
	arm := v.assigned(world, v.takeUp.level, unit)
	return v.takeUp.received(unit, arm)
}

// left reports whether the teacher of a class leaves in a world. Where children
// are assigned it is the same in all.
func (v *delivery) left(world, class int) bool {
	if v.succession == nil {
		return false
	}
	arm := 0
	if v.level == TeacherLevel {
		arm = v.assigned(world, TeacherLevel, class)
	}
	return v.succession.leaves(class, arm)
}

// coached is the unit of a caseload to which a unit that is reached belongs.
func (v *delivery) coached(unit int) int {
	if v.treatment.units.Level == SchoolLevel {
		return v.parent[unit]
	}
	return unit
}

// cycles are those that a unit has where it receives an arm.
func (v *delivery) cycles(unit, arm int) int {
	n := v.dose.cycles[unit]
	if c := v.coaching; c != nil && c.serves[arm] && c.replaced[v.coached(unit)] {
		n = max(n-c.LostCycles, 0)
	}
	return n
}

// draw draws all that the tests do not need, and what reaches quality.
func (v *delivery) draw(g *Generator, st Stream) {
	p := g.population
	v.treatment = g.treatment
	v.units = g.unitsDrawn(v.level)
	if v.level == ChildLevel {
		for j, s := range p.school {
			for i := p.childStart[j]; i < p.childStart[j+1]; i++ {
				v.school[i] = s
			}
		}
	}
	if v.takeUp != nil {
		v.takeUp.draw(g, g.purpose(st, CompliancePurpose))
	}
	if v.coaching != nil {
		v.coaching.draw(g.treatment, g.purpose(st, CoachPurpose))
	}
	if v.dose != nil {
		v.dose.draw(v.units, g.purpose(st, DosagePurpose))
	}
	if v.succession != nil {
		v.succession.draw(p, g.quality, g.purpose(st, TurnoverPurpose))
	}
	if v.moves != nil {
		v.moves.draw(p, g.purpose(st, MobilityPurpose))
	}
	for world := range v.reached {
		v.reach(world)
		v.improve(world, g.quality)
	}
}

// reach sets what reaches whom in a world.
func (v *delivery) reach(world int) {
	reached, dosed := v.reached[world][:v.units], v.dosed[world][:v.units]
	for unit := range reached {
		arm := v.assigned(world, v.level, unit)
		if v.takeUp != nil {
			from := unit
			if v.takeUp.level == SchoolLevel {
				from = v.parent[unit]
			}
			arm = v.takeUp.received(from, arm)
		}
		reached[unit], dosed[unit] = arm, 0
		if arm == 0 {
			continue
		}
		w := 1.0
		if v.dose != nil {
			w = v.dose.share[v.cycles(unit, arm)]
		}
		if v.level == TeacherLevel && v.left(world, unit) {
			w *= v.succession.kept
		}
		dosed[unit] = w
	}
	if v.spill == 0 {
		return
	}
	clear(v.counts)
	for a := range v.spilt[world] {
		clear(v.spilt[world][a])
	}
	for unit, arm := range reached {
		v.counts[v.school[unit]]++
		v.spilt[world][arm][v.school[unit]] += dosed[unit] // 0 in control
	}
	for _, by := range v.spilt[world] {
		for s := range by {
			by[s] *= v.spill / max(v.counts[s], 1)
		}
	}
}

// share is w_a of a unit in a world.
func (v *delivery) share(world, arm, unit int) float64 {
	switch reached := v.reached[world][unit]; {
	case reached == arm:
		return v.dosed[world][unit]
	case reached == 0 && v.spill > 0:
		return v.spilt[world][arm][v.school[unit]]
	default:
		return 0
	}
}

// own is w of a unit in a world, with the skill and the effect of its coach, and
// the arm that the coach delivers; w is 0 without a coach.
func (v *delivery) own(world, unit int) (w, skill, effect float64, arm int) {
	arm = v.reached[world][unit]
	if v.coaching == nil || !v.coaching.serves[arm] {
		return 0, 0, 0, arm
	}
	at := v.coached(unit)
	return v.dosed[world][unit], v.coaching.skill[at], v.coaching.effect[at], arm
}

// improve sets true quality in a world.
func (v *delivery) improve(world int, tq *trueQuality) {
	for j := range v.parent {
		w, skill := 0.0, 0.0
		if v.level == TeacherLevel {
			w, skill, _, _ = v.own(world, j)
		}
		left := v.left(world, j)
		for k, sd := range v.skillSD {
			q0 := tq.under[0][k][j]
			q := q0
			if left {
				q = v.succession.quality[k][j]
			}
			if v.level == TeacherLevel {
				for a := 1; a < v.arms; a++ {
					if share := v.share(world, a, j); share != 0 {
						q += share * (tq.under[a][k][j] - q0)
					}
				}
			}
			tq.reached[world][k][j] = q + w*sd*skill
		}
	}
}

// teach sets the class part of achievement in every world.
func (v *delivery) teach(ts *tested, tq *trueQuality) {
	for world, class := range v.class {
		for j := range class {
			c0 := ts.class[0][j]
			c := c0
			if v.left(world, j) {
				for k, slope := range ts.a.Slope.Control {
					c += slope * (v.succession.quality[k][j] - tq.under[0][k][j])
				}
			}
			if v.level == TeacherLevel {
				for a := 1; a < v.arms; a++ {
					if share := v.share(world, a, j); share != 0 {
						c += share * (ts.class[a][j] - c0)
					}
				}
				c += v.coachPart(world, j)
			}
			class[j] = c
		}
	}
}

// coachPart is what a unit's coach adds to the class part.
func (v *delivery) coachPart(world, unit int) float64 {
	w, skill, effect, arm := v.own(world, unit)
	if w == 0 {
		return 0
	}
	sum := v.effectSD * effect
	for k, sd := range v.skillSD {
		sum += v.slope[arm][k] * sd * skill
	}
	return w * sum
}

// score sets the scores in every world of child i, the n-th valid one, of class
// j, with covariates' part child and strength f.
func (v *delivery) score(ts *tested, j, i, n int, child, f float64) {
	for a := range ts.arms {
		ts.arms[a].lift = 1 - ts.arms[a].effect.Bottom*f
	}
	for a := 1; a < v.arms; a++ {
		for k := range v.direct[a] {
			v.direct[a][k] = ts.raise(0, a, k, ts.a.Scale*(ts.class[0][j]+child)+ts.e[k])
		}
	}
	to, time := -1, 0.0
	if v.moves != nil && v.moves.to[i] >= 0 {
		to, time = v.moves.to[i], v.moves.Time
		if ts.shared != nil {
			ts.shared.move(ts.e, j, to, time)
		}
	}
	for world, scores := range ts.score {
		class := v.class[world][j]
		if to >= 0 {
			class += time * (v.class[world][to] - class)
		}
		for k, e := range ts.e {
			scores[k][n] = e
		}
		for a := 1; a < v.arms; a++ {
			unit := j
			if v.level == ChildLevel {
				unit = i
			}
			share := v.share(world, a, unit)
			if v.level == ChildLevel {
				effect := ts.class[a][j] - ts.class[0][j]
				if to >= 0 {
					effect += time * (ts.class[a][to] - ts.class[0][to] - effect)
				}
				class += share * effect
			} else if to >= 0 {
				share += time * (v.share(world, a, to) - share)
			}
			if share != 0 {
				for k, effect := range v.direct[a] {
					scores[k][n] += share * effect
				}
			}
		}
		if v.level == ChildLevel {
			class += v.coachPart(world, i)
		}
		for k := range scores {
			scores[k][n] += ts.a.Scale * (class + child)
		}
	}
}

// deviations is the number of control variates of a delivery.
func (v *delivery) deviations() int {
	if v == nil {
		return 0
	}
	return v.arms + 1
}

// deviate fills control variates: for every treated arm, the mean over units of
// how much the share of its effect that reaches a unit assigned to it differs
// from the expectation, given what take-up depends on; and the means of the
// coaches' effects and skills.
func (v *delivery) deviate(dst []float64) {
	clear(dst)
	if v.units == 0 {
		return
	}
	n := float64(v.units)
	for a := 1; a < v.arms; a++ {
		expected := 1.0
		if v.dose != nil {
			expected = v.dose.mean
			if c := v.coaching; c != nil && c.serves[a] && c.LostCycles > 0 {
				expected += c.Turnover * (v.dose.after(c.LostCycles) - v.dose.mean)
			}
		}
		if v.succession != nil && v.level == TeacherLevel {
			expected *= 1 - v.succession.rate[a]*(1-v.succession.kept)
		}
		for unit, w := range v.dosed[a][:v.units] {
			p := 1.0
			if v.takeUp != nil {
				from := unit
				if v.takeUp.level == SchoolLevel {
					from = v.parent[unit]
				}
				p = v.takeUp.probability(from, a)
			}
			dst[a-1] += (w - p*expected) / n
		}
	}
	if v.coaching == nil {
		return
	}
	for unit := range v.units {
		at := v.coached(unit)
		dst[v.arms-1] += v.coaching.effect[at] / n
		dst[v.arms] += v.coaching.skill[at] / n
	}
}
