package sim

import "coachsim/dgp"

// A Layout is who is in which arm in the first replicate of a study, before
// anybody is lost: what a drawing of the design shows.
type Layout struct {
	Arms []string
	Unit dgp.Level // of assignment
	Arm  []int     // of every unit assigned
	Data *dgp.Data
}

// Layout draws the first replicate's assignment; of a sweep, its first design's.
func (s Study) Layout() (Layout, error) {
	if len(s.Cells) > 0 {
		s = s.Cells[0].Study
	}
	trial := s.Trial
	trial.Design.Attrition = dgp.Attrition{}
	trial.Design.Mobility = nil // children stand in the class they are sampled in
	g, err := trial.Compile()
	if err != nil {
		return Layout{}, err
	}
	data, _ := g.Draw(dgp.Stream{Seed: s.Seed})
	l := Layout{Arms: trial.Design.Arms, Unit: trial.Design.Assignment.Level(), Data: data}
	shape := g.Shape()
	for u := range data.N[l.Unit] {
		for arm := range l.Arms {
			within := true
			for k, c := range shape.Columns {
				if c.Arm && c.Level == l.Unit {
					within = within && (data.Columns[k][u] != 0) == shape.TurnsOn(arm, k)
				}
			}
			if within {
				l.Arm = append(l.Arm, arm)
				break
			}
		}
	}
	return l, nil
}

// Within returns the units of a level that a unit of the level above holds, from
// lo up to hi.
func (l Layout) Within(above dgp.Level, unit int) (lo, hi int) {
	switch above {
	case dgp.BlockLevel:
		lo = len(l.Data.SchoolBlock)
		for s, block := range l.Data.SchoolBlock {
			if block == unit {
				lo, hi = min(lo, s), s+1
			}
		}
		return lo, hi
	case dgp.SchoolLevel:
		return l.Data.TeacherStart[unit], l.Data.TeacherStart[unit+1]
	default:
		return l.Data.ChildStart[unit], l.Data.ChildStart[unit+1]
	}
}
