package dgp

// TwoStage draws a saturation for every school, the share of its units that is
// treated, and then who is treated in each school (Baird, Bohren, McIntosh and
// Özler 2018).
type TwoStage struct {
	Unit        Unit      `yaml:"unit" doc:"who is assigned within schools: teacher or child"`
	Saturations []float64 `yaml:"saturations" required:"true" minlen:"1" min:"0" max:"1" doc:"shares of a school's units that may be treated, such as [0, 0.5, 1]"`
	Schools     []float64 `yaml:"schools" gt:"0" doc:"share of the schools with each saturation; by default equal"`
	Blocked     bool      `yaml:"blocked" doc:"the same shares of schools in every block"`
}

// Check checks the shares.
func (t TwoStage) Check(d Design, _ []Covariate, fault func(key, format string, args ...any)) {
	if t.Unit == SchoolUnit {
		fault("unit", "units within schools are assigned: teacher or child")
	}
	if len(d.Arms) != 2 {
		fault("saturations", "are shares of one treated arm; the trial has %d arms", len(d.Arms))
	}
	if t.Schools != nil && len(t.Schools) != len(t.Saturations) {
		fault("schools", "has %s; it needs one for each saturation, %d", count(len(t.Schools), "number", "numbers"), len(t.Saturations))
		return
	}
	sum := 0.0
	for _, share := range t.Schools {
		sum += share
	}
	if t.Schools != nil && (sum < 1-shareSlack || sum > 1+shareSlack) {
		fault("schools", "add up to %g, not to 1", sum)
	}
	none, all := true, true
	for _, s := range t.Saturations {
		none, all = none && s == 0, all && s == 1
	}
	if none || all {
		fault("saturations", "leave one of the arms empty")
	}
}

// Level is that of the unit.
func (t TwoStage) Level() Level { return t.Unit.Level() }

// Columns adds the school's saturation.
func (TwoStage) Columns() []Column {
	return []Column{{Name: "saturation", Level: SchoolLevel, Doc: "share of the school's units that was drawn to be treated"}}
}

// Compile prepares both stages.
func (t TwoStage) Compile(s Shape) Assigner {
	schools := equalShares(len(t.Saturations))
	sum := 0.0
	for _, share := range t.Schools {
		sum += share
	}
	for k, share := range t.Schools {
		schools[k] = share / sum
	}
	within := make([][]float64, len(t.Saturations))
	for k, share := range t.Saturations {
		within[k] = []float64{1 - share, share}
	}
	places := make([]int, s.Max[t.Level()])
	stage, saturation := make([]int, s.Max[SchoolLevel]), make([]float64, s.Max[SchoolLevel])
	return Assigner{
		Columns: t.Columns(), Values: [][]float64{saturation},
		Assign: func(arm []int, u *Units, r *Source) {
			u.allocateSchools(stage, places, schools, t.Blocked, r)
			for school, k := range stage[:u.N[SchoolLevel]] {
				saturation[school] = t.Saturations[k]
				lo, hi := u.below(SchoolLevel, school, u.Level)
				allocate(arm, span(places, lo, hi), within[k], r)
			}
		},
	}
}

var _ Assignment = TwoStage{}
