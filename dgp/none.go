package dgp

// None is for a study without treatment: all schools are in the only arm, control.
type None struct{}

// Check makes sure that there is one arm.
func (None) Check(d Design, _ []Covariate, fault func(key, format string, args ...any)) {
	if len(d.Arms) > 1 {
		fault("kind", "none is for a study without treatment, which has one arm; this one has %d", len(d.Arms))
	}
}

// Level is that of schools.
func (None) Level() Level { return SchoolLevel }

// Columns adds none.
func (None) Columns() []Column { return nil }

// Compile prepares nothing.
func (None) Compile(Shape) Assigner {
	return Assigner{Assign: func(arm []int, u *Units, _ *Source) { clear(arm[:u.Len()]) }}
}

var _ Assignment = None{}
