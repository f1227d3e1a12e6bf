package dgp

// A treatment is who was assigned to which arm, and which arm reached whom.
// What the data show of a class or a child is its potential outcome under the arm
// that reached it; nothing else looks up assignments.
type treatment struct {
	scheme Assigner
	units  Units
	on     [][]float64 // by column of a plain arm, then by arm: whether it is on

	assigned []int // arm of every unit assigned
	class    []int // arm that reached every class drawn; control where children are assigned
}

// newTreatment needs the generator's population, and its shape up to the
// covariates.
func newTreatment(g *Generator) *treatment {
	p, d := g.population, g.trial.Design
	level := d.Assignment.Level()
	t := &treatment{
		scheme:   d.Assignment.Compile(g.shape),
		units:    Units{Level: level, N: g.shape.Max, Columns: make([][]float64, g.covariateColumn+len(p.columns))},
		assigned: make([]int, g.shape.Max[level]),
		class:    make([]int, g.shape.Max[TeacherLevel]),
	}
	for b := range d.Blocks + 1 {
		t.units.Start[SchoolLevel] = append(t.units.Start[SchoolLevel], b*d.Schools)
	}
	t.units.Start[TeacherLevel] = p.teacherStart
	t.units.Start[ChildLevel] = p.childStart
	for c := range g.covariateColumn {
		on := make([]float64, len(d.Arms))
		for a := range d.Arms {
			if g.shape.TurnsOn(a, c) {
				on[a] = 1
			}
		}
		t.on = append(t.on, on)
	}
	return t
}

// Assigned are the arms, as places in Shape.Arms, of all units that were assigned in the
// last draw, also of those who are lost. They are valid until the next.
func (g *Generator) Assigned() []int { return g.treatment.assigned[:g.treatment.units.Len()] }

// draw assigns arms to the units of a population.
func (t *treatment) draw(p *population, r *Source) {
	t.units.N[ChildLevel] = p.children()
	first := len(t.on)
	for i, c := range p.columns {
		t.units.Columns[first+i] = c.values[:t.units.N[c.Level]]
	}
	if t.scheme.Prepare != nil {
		t.scheme.Prepare(&t.units)
	}
	t.scheme.Assign(t.assigned, &t.units, r)
	switch t.units.Level {
	case SchoolLevel:
		for j, s := range p.school {
			t.class[j] = t.assigned[s]
		}
	case TeacherLevel:
		copy(t.class, t.assigned)
	}
}
