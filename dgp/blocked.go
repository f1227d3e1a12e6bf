package dgp

// Blocked gives each arm the same share of the schools of every block, of the
// teachers of every school, or of the children of every class.
type Blocked struct {
	Unit   Unit               `yaml:"unit" doc:"who is assigned: school, teacher or child"`
	Share  float64            `yaml:"share,omitempty" gt:"0" lt:"1" doc:"share of each block that is treated, in a trial of two arms; by default the arms are equal"`
	Shares map[string]float64 `yaml:"shares" gt:"0" lt:"1" doc:"the same for every arm, by name; one arm may be left out and has the rest"`
}

// Check checks the shares.
func (b Blocked) Check(d Design, _ []Covariate, fault func(key, format string, args ...any)) {
	checkShares(d, b.Share, b.Shares, fault)
}

// Level is that of the unit.
func (b Blocked) Level() Level { return b.Unit.Level() }

// Columns adds none.
func (Blocked) Columns() []Column { return nil }

// ArmShares returns the share of each arm.
func (b Blocked) ArmShares(arms []string) []float64 { return sharesOf(arms, b.Share, b.Shares) }

// Compile prepares drawing who of each block is in each arm.
func (b Blocked) Compile(s Shape) Assigner {
	shares := sharesOf(s.Arms, b.Share, b.Shares)
	places := make([]int, s.Max[b.Level()])
	return Assigner{Assign: func(arm []int, u *Units, r *Source) {
		strata := u.Strata()
		for k, lo := range strata[:len(strata)-1] {
			allocate(arm, span(places, lo, strata[k+1]), shares, r)
		}
	}}
}

var _ Assignment = Blocked{}
