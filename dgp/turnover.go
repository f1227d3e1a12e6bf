package dgp

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Turnover is study teachers who leave before the endline. Another takes over
// the class, whose children stay: one with a quality of his own, drawn anew as
// that of the first was (with what is common to the school), whose class is then
// observed. Of what the treatment did for the class, the share Kept remains.
// The achievement slope Control is on the new teacher's quality, and Sorting,
// by which the children came to the class, on the first's. Covariates are those
// of the first teacher.
//
// Who leaves under each arm is known: a teacher leaves where u < Rate of the arm,
// with one uniform draw u per teacher.
type Turnover struct {
	Rate map[string]float64 `yaml:"rate" min:"0" lt:"1" doc:"share of teachers who leave, by arm"`
	Kept float64            `yaml:"kept" min:"0" max:"1" doc:"share of the treatment's effect on the class that stays when its teacher leaves"`
}

// replacedName is the column of teachers who left.
const replacedName = "replaced"

func (n *Turnover) check(f *Faults, d Design) {
	const path = "trial.turnover"
	for _, arm := range slices.Sorted(maps.Keys(n.Rate)) {
		d.checkArm(f, path+".rate."+arm, arm)
		if r := n.Rate[arm]; !(r >= 0 && r < 1) {
			f.Add(path+".rate."+arm, "must be at least 0 and below 1, not %g", r)
		}
	}
	if d.Assignment == nil || d.Assignment.Level() != ChildLevel {
		return
	}
	for _, arm := range d.Arms {
		if n.Rate[arm] != n.Rate[d.Arms[0]] {
			f.Add(path+".rate", "is by the arm of the class, but here children are assigned; give every arm the same rate")
			break
		}
	}
	if n.Kept > 0 {
		f.Add(path+".kept", "is of the treatment of a class, but here children are assigned, who keep theirs; leave it out")
	}
}

// words says how many teachers leave.
func (n *Turnover) words(d Design) string {
	var parts []string
	for _, arm := range d.Arms {
		parts = append(parts, fmt.Sprintf("%s of teachers in %s", percent(n.Rate[arm]), arm))
	}
	return fmt.Sprintf("%s leave; %s of the effect stays", strings.Join(parts, ", "), percent(n.Kept))
}

// A succession is who leaves, and the quality of who comes.
type succession struct {
	rate    []float64 // by arm
	kept    float64
	u       []float64   // by class
	quality [][]float64 // by domain and class: of the new teacher
	z       []float64   // scratch
}

func newSuccession(t Trial) *succession {
	n := t.Design.Turnover
	if n == nil {
		return nil
	}
	classes, domains := t.Design.teachers(), len(t.Quality.Domains)
	s := &succession{kept: n.Kept, u: make([]float64, classes), quality: columnsOf(domains, classes), z: make([]float64, domains)}
	for _, arm := range t.Design.Arms {
		s.rate = append(s.rate, n.Rate[arm])
	}
	return s
}

func (s *succession) draw(p *population, tq *trueQuality, r *Source) {
	for j, school := range p.school {
		s.u[j] = r.Float64()
		r.Normals(s.z)
		tq.teacher(s.z, s.z, school)
		for k, row := range tq.factor {
			v := 0.0
			for i, l := range row {
				v += l * s.z[i]
			}
			s.quality[k][j] = v + tq.common[k][school]
		}
	}
}

// leaves reports whether the teacher of a class leaves where it is in an arm.
func (s *succession) leaves(class, arm int) bool { return s != nil && s.u[class] < s.rate[arm] }
