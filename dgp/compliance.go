package dgp

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Compliance is who receives a treatment: not all who are assigned to it, and
// perhaps some who are not. With one uniform draw u per unit,
//
//	assigned to arm a   receives a where u < p_a, else nothing
//	assigned to control receives arm 1 where u < k_1, arm 2 where k_1 <= u < k_1 + k_2, ...
//
// and each bound is 1/(1 + exp(-(c + Σ slope z))), with the slopes Depends and a
// constant c such that the shares hold on average over all units (as those of
// Loss do). Since u and the slopes are common and p_a is at least Σ k, nobody
// receives a treatment only where it is not assigned: there are no defiers.
type Compliance struct {
	Unit          Unit               `yaml:"unit" doc:"who takes up: where schools are assigned, school or teacher; else whoever is assigned"`
	TakeUp        map[string]float64 `yaml:"take_up" min:"0" max:"1" doc:"share of those assigned to an arm who receive it, by arm; 1 by default"`
	Contamination map[string]float64 `yaml:"contamination" min:"0" lt:"1" doc:"share of control units that receive an arm's treatment, by arm"`
	Depends       map[string]float64 `yaml:"depends" doc:"log odds of receiving per SD of quality without coaching, or of a covariate"`
	Column        string             `yaml:"column" doc:"name of the column of who received; by default received. With several treatments it stands before their names, as in received_coaching"`
}

// level is that of the units that take up, where those of one level are assigned.
func (c *Compliance) level(assigned Level) Level { return max(c.Unit.Level(), assigned) }

// name is that of the column of who received a treatment.
func (c *Compliance) name(treatment string, several bool) string {
	name := c.Column
	if name == "" {
		name = "received"
	}
	if several {
		name += "_" + treatment
	}
	return name
}

// Partial reports whether not all who are assigned to an arm receive it, or others too.
func (c *Compliance) Partial(arm string) bool {
	return c != nil && (c.takeUp(arm) < 1 || c.Contamination[arm] > 0)
}

// IsReceipt reports whether a column is that of who received a treatment.
func (c *Compliance) IsReceipt(column, treatment string) bool {
	return c != nil && (column == c.name(treatment, false) || column == c.name(treatment, true))
}

// takeUp is the share of an arm that receives it.
func (c *Compliance) takeUp(arm string) float64 {
	if share, said := c.TakeUp[arm]; said {
		return share
	}
	return 1
}

func (c *Compliance) check(f *Faults, t Trial) {
	const path = "trial.compliance"
	d := t.Design
	if d.Assignment != nil {
		assigned := d.Assignment.Level()
		if c.Unit != SchoolUnit && c.Unit.Level() != assigned && (c.Unit != TeacherUnit || assigned != SchoolLevel) {
			f.Add(path+".unit", "is %s, but here %s are assigned; those who are assigned take up, or the teachers of schools that are", c.Unit, assigned.Plural())
		}
	}
	share := func(path string, p float64) {
		if !(p >= 0 && p <= 1) {
			f.Add(path, "must be from 0 to 1, not %g", p)
		}
	}
	checkByArm(f, path+".take_up", c.TakeUp, d.Arms, share)
	checkByArm(f, path+".contamination", c.Contamination, d.Arms, share)
	sum := 0.0
	for _, p := range c.Contamination {
		sum += p
	}
	for _, arm := range d.Arms[min(1, len(d.Arms)):] {
		if p := c.takeUp(arm); sum > p && p >= 0 {
			f.Add(path+".contamination", "adds up to %g, more than the %g of %s who take it up: some would receive it only where it is not assigned", sum, p, arm)
		}
	}
	t.checkVariables(f, path+".depends", "take-up", []string{qualityVariable}, c.Depends)
}

// A takeUp is a compiled Compliance: who receives what, whatever is assigned.
type takeUp struct {
	level  Level
	hazard *hazard
	reach  []int     // by arm: the bound of those assigned to it; -1 in control
	stray  []int     // by arm: the bound of control units that receive it or an earlier one, or -1
	u      []float64 // by unit
}

func newTakeUp(t Trial, p *population, units [levels]int) *takeUp {
	c := t.Design.Compliance
	if c == nil {
		return nil
	}
	level := c.level(t.Design.Assignment.Level())
	k := &takeUp{level: level, u: make([]float64, units[level])}
	rate := map[string]float64{}
	var bounds []string
	bound := func(name string, share float64) int {
		rate[name] = share
		bounds = append(bounds, name)
		return len(bounds) - 1
	}
	sum := 0.0
	for a, arm := range t.Design.Arms {
		k.reach, k.stray = append(k.reach, -1), append(k.stray, -1)
		if a == 0 {
			continue
		}
		k.reach[a] = bound(arm, c.takeUp(arm))
		if share := c.Contamination[arm]; share > 0 {
			sum += share
			k.stray[a] = bound("not "+arm, sum)
		}
	}
	k.hazard = newHazard(Loss{Rate: rate, Depends: c.Depends}, level, units[level], bounds, p)
	return k
}

// draw draws u of every unit, and measures what it depends on.
func (k *takeUp) draw(g *Generator, r *Source) {
	n := g.unitsDrawn(k.level)
	k.hazard.measure(g, n)
	for i := range k.u[:n] {
		k.u[i] = r.Float64()
	}
}

// received returns the arm whose treatment a unit receives where it is assigned
// to one.
func (k *takeUp) received(unit, assigned int) int {
	if assigned > 0 {
		if k.hazard.loses(k.reach[assigned], unit, k.u[unit]) {
			return assigned
		}
		return 0
	}
	for arm, bound := range k.stray {
		if bound >= 0 && k.hazard.loses(bound, unit, k.u[unit]) {
			return arm
		}
	}
	return 0
}

// probability is that with which a unit assigned to a treated arm receives it,
// given what that depends on.
func (k *takeUp) probability(unit, arm int) float64 {
	if p := k.hazard.rate[k.reach[arm]]; p == 0 || p == 1 {
		return p
	}
	return logistic(k.hazard.constant[k.reach[arm]] + k.hazard.index(k.reach[arm], unit))
}

// words says the take-up of a trial.
func (c *Compliance) words(d Design) string {
	var parts []string
	for _, arm := range d.Arms[1:] {
		parts = append(parts, fmt.Sprintf("%s of those assigned receive %s", percent(c.takeUp(arm)), arm))
	}
	for _, arm := range slices.Sorted(maps.Keys(c.Contamination)) {
		parts = append(parts, fmt.Sprintf("%s of control receive %s", percent(c.Contamination[arm]), arm))
	}
	text := fmt.Sprintf("by %s: %s", c.level(d.Assignment.Level()), strings.Join(parts, ", "))
	if len(c.Depends) > 0 {
		text += "; it depends on " + strings.Join(slices.Sorted(maps.Keys(c.Depends)), ", ")
	}
	return text
}

// percent writes a share.
func percent(x float64) string { return fmt.Sprintf("%g%%", math.Round(1e4*x)/100) }
