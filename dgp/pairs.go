package dgp

import (
	"cmp"
	"slices"
)

// Pairs matches units that are alike on covariates and assigns one unit of each
// pair to each arm; with more arms, sets of as many units as there are arms.
//
// Units are matched greedily by Mahalanobis distance: the unit farthest from the
// mean, which is the hardest to match, with its nearest neighbours; then the
// farthest of those left. Units left over at the end are in different arms. With
// one covariate, a pair is two neighbours in its order.
type Pairs struct {
	Unit    Unit     `yaml:"unit" doc:"who is assigned: school or teacher"`
	On      []string `yaml:"on" required:"true" minlen:"1" doc:"covariates on which units are alike; of what is in a unit, the mean"`
	Blocked bool     `yaml:"blocked" doc:"match within blocks (teachers: within schools)"`
}

// Check checks the covariates.
func (p Pairs) Check(_ Design, covariates []Covariate, fault func(key, format string, args ...any)) {
	if p.Unit == ChildUnit {
		fault("unit", "pairs are of schools or teachers; children are not matched")
	}
	checkOn(p.On, covariates, fault)
}

// Level is that of the unit.
func (p Pairs) Level() Level { return p.Unit.Level() }

// Columns adds the pair.
func (p Pairs) Columns() []Column {
	return []Column{{Name: "pair", Level: p.Level(), Doc: "the matched pair, from 0"}}
}

// Compile prepares matching and drawing who of each pair is in each arm.
func (p Pairs) Compile(s Shape) Assigner {
	level := p.Level()
	m := &matching{
		balance: newBalance(s, p.On, level, p.Blocked), blocked: p.Blocked, size: len(s.Arms),
		order: make([]int, 0, s.Max[level]), left: make([]bool, s.Max[level]), distance: make([]float64, s.Max[level]),
		pair: make([]float64, s.Max[level]), members: make([]int, 0, s.Max[level]), start: make([]int, 0, s.Max[level]+1),
	}
	columns := p.Columns()
	columns[0].Levels = s.Max[level]
	arms := make([]int, len(s.Arms))
	return Assigner{
		Columns: columns, Values: [][]float64{m.pair}, Prepare: m.match,
		Assign: func(arm []int, _ *Units, r *Source) {
			for k, lo := range m.start[:len(m.start)-1] {
				for a := range arms {
					arms[a] = a
				}
				for i, unit := range m.members[lo:m.start[k+1]] {
					pick := i + r.IntN(len(arms)-i)
					arms[i], arms[pick] = arms[pick], arms[i]
					arm[unit] = arms[i]
				}
			}
		},
	}
}

// A matching divides the units of one data set in sets of one size.
type matching struct {
	*balance
	blocked  bool
	size     int
	order    []int // units of a stratum, the farthest from the mean first
	left     []bool
	distance []float64
	pair     []float64 // by unit
	members  []int     // set after set
	start    []int     // where the sets begin, and the end
}

// match finds the sets.
func (m *matching) match(u *Units) {
	m.prepare(u)
	m.members, m.start = m.members[:0], append(m.start[:0], 0)
	if !m.blocked {
		m.matchRange(0, u.Len())
		return
	}
	strata := u.Strata()
	for k, lo := range strata[:len(strata)-1] {
		m.matchRange(lo, strata[k+1])
	}
}

// matchRange matches the units from lo to hi.
func (m *matching) matchRange(lo, hi int) {
	m.order = m.order[:0]
	for i := lo; i < hi; i++ {
		m.order = append(m.order, i)
		m.left[i] = true
		m.distance[i] = 0
		for _, z := range m.z {
			m.distance[i] += z[i] * z[i]
		}
	}
	slices.SortFunc(m.order, func(a, b int) int { return cmp.Or(cmp.Compare(m.distance[b], m.distance[a]), a-b) })
	for _, first := range m.order {
		if !m.left[first] {
			continue
		}
		m.take(first)
		for n := 1; n < m.size; n++ {
			best, least := -1, 0.0
			for i := lo; i < hi; i++ {
				if !m.left[i] {
					continue
				}
				d := 0.0
				for _, z := range m.z {
					d += (z[i] - z[first]) * (z[i] - z[first])
				}
				if best < 0 || d < least {
					best, least = i, d
				}
			}
			if best < 0 {
				break
			}
			m.take(best)
		}
		m.start = append(m.start, len(m.members))
	}
}

// take puts a unit in the set being made.
func (m *matching) take(unit int) {
	m.left[unit] = false
	m.pair[unit] = float64(len(m.start) - 1)
	m.members = append(m.members, unit)
}

var _ Assignment = Pairs{}
