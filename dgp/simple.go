package dgp

// Simple gives each unit an arm by chance alone, as by the toss of a coin, so
// that the number of units in an arm varies.
type Simple struct {
	Unit   Unit               `yaml:"unit" doc:"who is assigned: school, teacher or child"`
	Share  float64            `yaml:"share,omitempty" gt:"0" lt:"1" doc:"probability that a unit is treated, in a trial of two arms; by default the arms are equal"`
	Shares map[string]float64 `yaml:"shares" gt:"0" lt:"1" doc:"the same for every arm, by name; one arm may be left out and has the rest"`
}

// Check checks the shares.
func (c Simple) Check(d Design, _ []Covariate, fault func(key, format string, args ...any)) {
	checkShares(d, c.Share, c.Shares, fault)
}

// Level is that of the unit.
func (c Simple) Level() Level { return c.Unit.Level() }

// Columns adds none.
func (Simple) Columns() []Column { return nil }

// Compile prepares tossing the coins.
func (c Simple) Compile(s Shape) Assigner {
	shares := sharesOf(s.Arms, c.Share, c.Shares)
	return Assigner{Assign: func(arm []int, u *Units, r *Source) {
		for i := range u.Len() {
			arm[i] = toss(shares, r)
		}
	}}
}

// toss draws one arm.
func toss(shares []float64, r *Source) int {
	x := r.Float64()
	for a := 1; a < len(shares); a++ {
		if x < shares[a] {
			return a
		}
		x -= shares[a]
	}
	return 0
}

var _ Assignment = Simple{}
