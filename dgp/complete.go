package dgp

// Complete gives each arm a fixed share of all units and ignores the blocks.
type Complete struct {
	Unit   Unit               `yaml:"unit" doc:"who is assigned: school, teacher or child"`
	Share  float64            `yaml:"share,omitempty" gt:"0" lt:"1" doc:"share of all units that is treated, in a trial of two arms; by default the arms are equal"`
	Shares map[string]float64 `yaml:"shares" gt:"0" lt:"1" doc:"the same for every arm, by name; one arm may be left out and has the rest"`
}

// Check checks the shares.
func (c Complete) Check(d Design, _ []Covariate, fault func(key, format string, args ...any)) {
	checkShares(d, c.Share, c.Shares, fault)
}

// Level is that of the unit.
func (c Complete) Level() Level { return c.Unit.Level() }

// Columns adds none.
func (Complete) Columns() []Column { return nil }

// ArmShares returns the share of each arm.
func (c Complete) ArmShares(arms []string) []float64 { return sharesOf(arms, c.Share, c.Shares) }

// Compile prepares drawing who is in each arm.
func (c Complete) Compile(s Shape) Assigner {
	shares := sharesOf(s.Arms, c.Share, c.Shares)
	places := make([]int, s.Max[c.Level()])
	return Assigner{Assign: func(arm []int, u *Units, r *Source) {
		allocate(arm, span(places, 0, u.Len()), shares, r)
	}}
}

var _ Assignment = Complete{}
