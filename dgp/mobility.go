package dgp

import (
	"fmt"
)

// Mobility is children who move to another class while the trial runs. A child
// who moves spends the share Time of the trial in the new class and the rest in
// the old one, and has the mean of what both classes do, weighted by time: their
// class parts of achievement, and, where schools or teachers are assigned, the
// treatment that reaches each. A child who is assigned takes the treatment along.
//
// The data list children by the class at assignment, as a baseline roster does.
type Mobility struct {
	Rate          float64 `yaml:"rate" required:"true" min:"0" max:"1" doc:"share of children who move to another class"`
	Time          float64 `yaml:"time" required:"true" gt:"0" max:"1" doc:"share of the trial that a child who moves spends in the new class"`
	AcrossSchools bool    `yaml:"across_schools" doc:"to any other class of the block; by default of the school"`
}

// movedName is the column of children who moved.
const movedName = "moved"

func (m *Mobility) check(f *Faults, d Design) {
	fewest, _ := d.teachersPerSchool()
	switch {
	case m.Rate > 0 && !m.AcrossSchools && fewest < 2:
		f.Add("trial.mobility", "moves children to another class of the school, but schools have one (trial.teachers); write across_schools: true, or more teachers")
	case !(m.Rate >= 0 && m.Rate <= 1):
		f.Add("trial.mobility.rate", "must be from 0 to 1, not %g", m.Rate)
	case !(m.Time > 0 && m.Time <= 1):
		f.Add("trial.mobility.time", "must be above 0 and at most 1, not %g", m.Time)
	}
}

// words says who moves.
func (m *Mobility) words() string {
	where := "of the school"
	if m.AcrossSchools {
		where = "of the block"
	}
	return fmt.Sprintf("%s of children move to another class %s, for %s of the time", percent(m.Rate), where, percent(m.Time))
}

// moves are who moves where.
type moves struct {
	*Mobility
	starts []int // first class of each school, or of each block, and the end
	to     []int // by child: the new class, or -1
}

func newMoves(d Design) *moves {
	if d.Mobility == nil {
		return nil
	}
	m := &moves{Mobility: d.Mobility, starts: d.teacherStarts(), to: make([]int, d.teachers()*d.Tested)}
	if m.AcrossSchools {
		ofBlocks := m.starts[:0]
		for b := range d.Blocks + 1 {
			ofBlocks = append(ofBlocks, m.starts[b*d.Schools])
		}
		m.starts = ofBlocks
	}
	return m
}

func (m *moves) draw(p *population, r *Source) {
	unit := 0
	for j := range p.school {
		for j >= m.starts[unit+1] {
			unit++
		}
		first, n := m.starts[unit], m.starts[unit+1]-m.starts[unit]
		for i := p.childStart[j]; i < p.childStart[j+1]; i++ {
			if m.to[i] = -1; r.Float64() >= m.Rate {
				continue
			}
			m.to[i] = first + r.IntN(n-1)
			if m.to[i] >= j {
				m.to[i]++
			}
		}
	}
}
