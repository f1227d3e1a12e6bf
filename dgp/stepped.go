package dgp

// Stepped is a stepped rollout: every school starts in one of several waves,
// drawn by chance, and some waves have started when the children are tested.
type Stepped struct {
	Waves   int  `yaml:"waves" required:"true" min:"2" doc:"waves in which schools start, of equal size"`
	Treated int  `yaml:"treated_waves" required:"true" min:"1" doc:"waves that have started at the endline; the others are control"`
	Blocked bool `yaml:"blocked" doc:"waves of equal size in every block"`
}

// Check checks the waves.
func (s Stepped) Check(d Design, _ []Covariate, fault func(key, format string, args ...any)) {
	if s.Treated >= s.Waves {
		fault("treated_waves", "is %d of %d waves, which leaves no control schools; the range is 1 to %d", s.Treated, s.Waves, s.Waves-1)
	}
	if len(d.Arms) != 2 {
		fault("waves", "bring schools into one treated arm; the trial has %d arms", len(d.Arms))
	}
	if s.Waves > d.schools() {
		fault("waves", "are more than the schools, %d", d.schools())
	}
}

// Level is the school's.
func (Stepped) Level() Level { return SchoolLevel }

// Columns adds the wave, and for how many waves a school has been treated.
func (s Stepped) Columns() []Column {
	return []Column{
		{Name: "wave", Level: SchoolLevel, Levels: s.Waves, PostTreatment: true, Doc: "the wave in which the school starts, from 0"},
		{Name: "exposure", Level: SchoolLevel, PostTreatment: true, Doc: "waves since the school's own started, itself included; 0 in control"},
	}
}

// Compile prepares drawing the waves.
func (s Stepped) Compile(shape Shape) Assigner {
	most := shape.Max[SchoolLevel]
	places, wave := make([]int, most), make([]int, most)
	values := columnsOf(2, most)
	shares := equalShares(s.Waves)
	return Assigner{
		Columns: s.Columns(), Values: values,
		Assign: func(arm []int, u *Units, r *Source) {
			u.allocateSchools(wave, places, shares, s.Blocked, r)
			for school, w := range wave[:u.Len()] {
				exposure := max(s.Treated-w, 0)
				arm[school] = min(exposure, 1)
				values[0][school], values[1][school] = float64(w), float64(exposure)
			}
		},
	}
}

var _ Assignment = Stepped{}
