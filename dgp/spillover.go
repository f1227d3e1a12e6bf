package dgp

import "fmt"

// Spillover is what the treatment of some does for the others of their school:
// a unit that receives nothing has the share Share·m of an arm's effect, m the mean
// over the school's units (classes, or children where they are assigned) of the
// share of the arm's full effect that reaches them, 0 for those who receive
// nothing. Where each who receives has the full effect, m is the share of units
// treated. The part of the effect that is the coach's own does not spill over.
type Spillover struct {
	Share float64 `yaml:"share" required:"true" gt:"0" max:"1" doc:"effect on an untreated teacher (or child, where children are assigned) over that of treatment, times the share of the school that is treated"`
}

func (s *Spillover) check(f *Faults, d Design) {
	if !(s.Share > 0 && s.Share <= 1) {
		f.Add("trial.spillover.share", "must be above 0 and at most 1, not %g", s.Share)
	}
	if d.Assignment == nil || d.Assignment.Level() == ChildLevel {
		return
	}
	_, most := d.teachersPerSchool()
	switch level := d.Assignment.Level(); {
	case level == SchoolLevel && (d.Compliance == nil || d.Compliance.Unit == SchoolUnit):
		f.Add("trial.spillover", "is within schools, but here a school is treated whole; assign teachers or children, or let teachers take up (trial.compliance.unit: teacher)")
	case most < 2:
		f.Add("trial.spillover", "is between the teachers of a school, but schools have one (trial.teachers)")
	}
}

// words says how much spills over.
func (s *Spillover) words() string {
	return fmt.Sprintf("the untreated have %s of the effect times the share of their school that is treated", percent(s.Share))
}
