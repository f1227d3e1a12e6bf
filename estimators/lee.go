package estimators

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"coachsim/dgp"
)

// LeeBounds are Lee's (2009, Review of Economic Studies 76) bounds on the
// effect of an arm among the always-observed: the units whose outcome is
// observed in either arm. They assume that assignment is random and that it
// moves observation in one direction only (monotonicity). Of the arm that is
// observed more often the highest, or the lowest, outcomes are trimmed until
// the same share remains.
//
// For every outcome there are three rows. "lower(coaching)" and
// "upper(coaching)" are the bounds, with standard errors that count the
// estimation of the trimmed share and of the quantile: Lee's Proposition 3, or,
// with clusters or cells, the sum over clusters of its influence functions.
// "coaching" stands for the effect: its interval is Imbens and Manski's (2004),
// which covers the effect, wherever between the bounds it lies, with
// probability 1-alpha; p is the least alpha whose interval excludes 0; the
// estimate, halfway between the bounds, is no estimate of the effect unless the
// bounds are close. Degrees of freedom are clusters, or rows, less 1, where
// Imbens and Manski take the normal distribution.
//
// Cells tighten the bounds: they are found in each cell of a discrete
// pre-treatment variable, trimming the same arm in each, and averaged with the
// shares of the cells among the observed of the other arm.
type LeeBounds struct {
	Formula string `yaml:"formula" required:"true" doc:"outcomes ~ arm; an outcome that is never missing has bounds that agree"`
	Rows    string `yaml:"rows" doc:"level of the rows: school, teacher or child; by default that of the outcomes"`
	Where   string `yaml:"where" doc:"restriction of the rows, such as girl == 1"`
	Cluster string `yaml:"cluster" doc:"the clusters: block, school or teacher; none by default"`
	Cells   string `yaml:"cells" doc:"variable that tightens the bounds: block, a factor, or a column of whole numbers from 0 to 63"`
}

// Bind looks up the columns.
func (o LeeBounds) Bind(name string, s *Setup) (Fitter, error) {
	f, err := s.parse(o.Formula)
	if err == nil {
		err = f.NotInstrumented()
	}
	if err == nil {
		err = f.OneEffect()
	}
	if err != nil {
		return nil, keyError("formula", err)
	}
	arm := -1
	if len(f.Terms) == 1 && len(f.Terms[0].Factors) == 1 && f.Terms[0].Factors[0].Power == 1 {
		arm = s.shape.Index(f.Terms[0].Factors[0].Name)
	}
	if arm < 0 || !s.shape.Columns[arm].Arm || f.Absorb != "" || len(f.Random) > 0 || !f.Intercept {
		return nil, keyError("formula", errors.New("the bounds are of the effect of one arm, as in achievement ~ coaching"))
	}
	b := &olsBinding{OLS: OLS{Formula: o.Formula, Rows: o.Rows, Where: o.Where, Cluster: o.Cluster}, name: name, setup: s, formula: f}
	if err := b.findRows(); err != nil {
		return nil, err
	}
	l := &lee{arm: arm, rows: b.rows, clusters: grouping{column: -1}, clustered: o.Cluster != ""}
	if l.filter, err = s.bindFilter(o.Where); err != nil {
		return nil, keyError("where", err)
	}
	if l.filter != nil {
		if l.filter.level > b.rows {
			return nil, keyError("where", fmt.Errorf("a %s column cannot restrict %s rows", l.filter.level, b.rows))
		}
		l.filter = s.observed(l.filter, s.indicators(l.filter.column))
	}
	if l.clustered {
		if l.clusters, err = s.findGrouping(o.Cluster); err == nil && l.clusters.level > b.rows {
			err = fmt.Errorf("the rows of a %s cannot be in different clusters", b.rows)
		}
		if err != nil {
			return nil, keyError("cluster", err)
		}
	}
	if l.cells, err = s.findCells(o.Cells); err == nil && l.cells.level > b.rows {
		err = fmt.Errorf("%q varies within the %s rows", o.Cells, b.rows)
	}
	if err != nil {
		return nil, keyError("cells", err)
	}
	for i, c := range s.shape.Columns {
		if c.Arm {
			l.arms = append(l.arms, i)
		}
	}
	text := s.shape.Columns[arm].Name
	for _, out := range f.Outcomes {
		column, err := s.resolve(out.Variable)
		if err != nil {
			return nil, keyError("formula", err)
		}
		l.outcomes = append(l.outcomes, column)
		for i, term := range []string{text, "lower(" + text + ")", "upper(" + text + ")"} {
			row := Row{Estimator: name, Outcome: out.Text, Term: term}
			if l.causal(s, column) {
				among := []Among{AlwaysObserved, LeeLower, LeeUpper}[i]
				row.Target = &Target{Arm: text, Outcome: out.Text, Rows: b.rows, Where: o.Where, Among: among}
				if among != AlwaysObserved {
					row.Target.Cells = o.Cells
				}
			}
			l.report = append(l.report, row)
		}
	}
	most := s.shape.Max[b.rows]
	l.sample = NewLeeSample(most, l.cells.most)
	l.number = make([]int, max(l.clusters.most, 1))
	l.score = make([][2]float64, most)
	return l, nil
}

// A lee is a bound estimator of Lee's bounds.
type lee struct {
	report    []Row
	outcomes  []int
	arm       int
	arms      []int // all arms' columns: control rows have 0 in each
	rows      dgp.Level
	filter    *filter
	clustered bool
	clusters  grouping
	cells     cells
	sample    *LeeSample
	number    []int        // scratch: by level of the grouping, its cluster plus 1
	score     [][2]float64 // scratch: by cluster, of the two bounds
}

// causal reports whether the simulator knows the bounds.
func (l *lee) causal(s *Setup, outcome int) bool {
	is := slices.ContainsFunc(s.origins(outcome), func(c int) bool { return s.shape.Columns[c].PostTreatment })
	if l.filter != nil {
		for _, c := range l.filter.column {
			is = is && !s.shape.Columns[c].PostTreatment && !s.shape.Columns[c].Arm
		}
	}
	return is && (l.cells.of.column < 0 || !s.shape.Columns[l.cells.of.column].PostTreatment)
}

// Rows says what the estimates are about.
func (l *lee) Rows() []Row { return l.report }

// Fit estimates the bounds for every outcome.
func (l *lee) Fit(s *Setup, out []Estimate) {
	for i, outcome := range l.outcomes {
		rows := out[3*i : 3*i+3]
		status := l.gather(s, outcome)
		if status.Worked() {
			status = l.estimate(s.alpha, rows)
		}
		if !status.Worked() {
			for r := range rows {
				rows[r] = failed(status)
			}
		}
	}
}

// gather fills the sample.
func (l *lee) gather(s *Setup, outcome int) Status {
	d := s.data
	l.sample.Reset()
	clear(l.number)
	clusters := 0
	at, level := s.indicator(outcome), s.level(outcome)
	for row := range d.N[l.rows] {
		if l.filter != nil && !l.filter.keep(d, d.Ancestor(l.rows, row, l.filter.level)) {
			continue
		}
		arm := 0
		for _, c := range l.arms {
			v := d.Columns[c][d.Ancestor(l.rows, row, s.level(c))]
			switch {
			case v == 0:
			case v == 1 && c == l.arm:
				arm = 1
			case v == 1:
				arm = -1
			default:
				return NotFinite
			}
		}
		if arm < 0 {
			continue
		}
		observed := true
		if at >= 0 {
			v := d.Columns[at][d.Ancestor(l.rows, row, s.level(at))]
			if v != 0 && v != 1 {
				return NotFinite
			}
			observed = v == 1
		}
		y := s.columns[outcome][d.Ancestor(l.rows, row, level)]
		if observed && (math.IsNaN(y) || math.IsInf(y, 0)) {
			return NotFinite
		}
		cell := l.cells.at(d, l.rows, row)
		if cell < 0 {
			return NotFinite
		}
		cluster := clusters
		if l.clustered {
			id := l.clusters.of(d, l.rows, row)
			if id < 0 {
				return NotFinite
			}
			if l.number[id] == 0 {
				clusters++
				l.number[id] = clusters
			}
			cluster = l.number[id] - 1
		} else {
			clusters++
		}
		l.sample.Add(LeeRow{Cell: cell, Arm: arm, Cluster: cluster, Observed: observed, Y: y})
	}
	if l.clustered && clusters < 2 {
		return TooFewClusters
	}
	clear(l.score[:clusters])
	l.sample.clusters = clusters
	return OK
}

// estimate fills the three rows of an outcome.
func (l *lee) estimate(alpha float64, out []Estimate) Status {
	m := l.sample
	if !m.Solve() {
		return TooFewRows
	}
	var se [2]float64
	if l.clustered || l.cells.most > 1 {
		se = m.influence(l.score[:m.clusters])
	} else {
		se = m.analytic()
	}
	size := max(math.Abs(m.Lower), math.Abs(m.Upper), m.size)
	for _, v := range se {
		if math.IsNaN(v) || math.IsInf(v, 0) || math.IsInf(size, 0) {
			return NotFinite
		}
		if !(v > 1e-10*size) {
			return NoVariation
		}
	}
	df := float64(m.clusters - 1)
	t := distuv.StudentsT{Sigma: 1, Nu: df}
	for i, v := range []float64{m.Lower, m.Upper} {
		out[1+i] = Estimate{Value: v, SE: se[i], DF: df, P: studentP(v/se[i], df)}
	}
	width := (m.Upper - m.Lower) / max(se[0], se[1])
	c := imbensManski(t, width, alpha)
	nan := math.NaN()
	out[0] = Estimate{
		Value: (m.Lower + m.Upper) / 2, SE: nan, DF: df, P: 1,
		Interval: Interval{Low: m.Lower - c*se[0], High: m.Upper + c*se[1]},
	}
	if z := max(m.Lower/se[0], -m.Upper/se[1]); z > 0 {
		out[0].P = min(1, t.CDF(-z)+t.Survival(z+width))
	}
	return OK
}

// imbensManski solves F(c + width) - F(-c) = 1 - alpha for c, by bisection:
// between the critical values of one and of two sides.
func imbensManski(t distuv.StudentsT, width, alpha float64) float64 {
	low, high := -t.Quantile(alpha), -t.Quantile(alpha/2)
	for range 60 {
		c := (low + high) / 2
		if t.CDF(c+width)-t.CDF(-c) < 1-alpha {
			low = c
		} else {
			high = c
		}
	}
	return (low + high) / 2
}

// A LeeRow is one row of a sample of which Lee's bounds are taken.
type LeeRow struct {
	Cell, Arm, Cluster int
	Observed           bool
	Y                  float64 // where observed
}

// A LeeSample finds Lee's bounds of the rows that it is given.
type LeeSample struct {
	Lower, Upper float64 // set by Solve

	rows     []LeeRow
	cells    []leeCell
	trimmed  int // the arm that is observed more often
	clusters int
	size     float64 // of outcomes
}

// A leeCell is what is known of one cell: by arm, its rows and those observed,
// and of the trimmed arm the parts that are kept.
type leeCell struct {
	from, n, observed [2]int // rows from a place on; the observed come first, in order
	mean, variance    [2]float64
	share             float64    // kept of the trimmed arm's observed
	keep              [2]trimmed // the lowest, the highest
	weight            float64
}

// A trimmed is the part of an arm that trimming keeps.
type trimmed struct {
	limit          float64 // the quantile
	n              int
	mean, variance float64
}

// NewLeeSample returns a sample with room for rows in so many cells.
func NewLeeSample(rows, cells int) *LeeSample {
	return &LeeSample{rows: make([]LeeRow, 0, rows), cells: make([]leeCell, cells)}
}

// Reset empties the sample.
func (m *LeeSample) Reset() { m.rows = m.rows[:0] }

// Add adds a row.
func (m *LeeSample) Add(r LeeRow) { m.rows = append(m.rows, r) }

// Solve finds the bounds. It reports false where an arm has fewer than two rows
// that are observed, or none in a cell where the other has some.
func (m *LeeSample) Solve() bool {
	slices.SortFunc(m.rows, func(a, b LeeRow) int {
		switch {
		case a.Cell != b.Cell:
			return a.Cell - b.Cell
		case a.Arm != b.Arm:
			return a.Arm - b.Arm
		case a.Observed != b.Observed:
			if a.Observed {
				return -1
			}
			return 1
		case !a.Observed || a.Y == b.Y:
			return a.Cluster - b.Cluster
		default:
			return cmp.Compare(a.Y, b.Y)
		}
	})
	clear(m.cells)
	var n, observed [2]int
	m.size = 0
	for i, r := range m.rows {
		c := &m.cells[r.Cell]
		if c.n[r.Arm] == 0 {
			c.from[r.Arm] = i
		}
		c.n[r.Arm]++
		n[r.Arm]++
		if r.Observed {
			c.observed[r.Arm]++
			observed[r.Arm]++
			m.size = max(m.size, math.Abs(r.Y))
		}
	}
	if observed[0] < 2 || observed[1] < 2 {
		return false
	}
	m.trimmed = 0
	if observed[1]*n[0] >= observed[0]*n[1] {
		m.trimmed = 1
	}
	other := 1 - m.trimmed
	m.Lower, m.Upper = 0, 0
	for i := range m.cells {
		c := &m.cells[i]
		if c.observed[other] == 0 {
			continue
		}
		if c.observed[m.trimmed] == 0 {
			return false
		}
		c.weight = float64(c.observed[other]) / float64(observed[other])
		m.solveCell(c)
		sign := float64(2*m.trimmed - 1) // of the trimmed arm in the effect
		low, high := sign*(c.keep[0].mean-c.mean[other]), sign*(c.keep[1].mean-c.mean[other])
		m.Lower += c.weight * min(low, high)
		m.Upper += c.weight * max(low, high)
	}
	return true
}

// solveCell trims a cell. With α and π the shares observed of the other and of
// the trimmed arm, the kept share is α/π. Quantiles are those of Lee: the least
// y with F(y) ≥ q. Of values tied with it as many are kept as the share asks
// for, so that the bounds hold for discrete outcomes too.
func (m *LeeSample) solveCell(c *leeCell) {
	for arm := range c.mean {
		c.mean[arm], c.variance[arm] = m.moments(c.from[arm], c.from[arm]+c.observed[arm])
	}
	t, o := m.trimmed, 1-m.trimmed
	lo, n := c.from[t], c.observed[t]
	rate := float64(c.observed[t]) / float64(c.n[t])
	c.share = min(1, float64(c.observed[o])/float64(c.n[o])/rate)
	rank := func(q float64) int { return min(max(int(math.Ceil(q*float64(n)-1e-9)), 1), n) }
	top := lo + rank(c.share) - 1
	bottom := lo + rank(1-c.share) - 1
	for i, at := range []int{top, bottom} {
		k := &c.keep[i]
		k.limit = m.rows[at].Y
		from, to := lo, at+1
		if i == 1 {
			from, to = at, lo+n
		}
		k.n = to - from
		k.mean, k.variance = m.moments(from, to)
	}
}

// moments returns the mean and variance (divisor n-1) of the outcomes of rows.
func (m *LeeSample) moments(from, to int) (mean, variance float64) {
	for _, r := range m.rows[from:to] {
		mean += r.Y
	}
	mean /= float64(to - from)
	for _, r := range m.rows[from:to] {
		variance += (r.Y - mean) * (r.Y - mean)
	}
	return mean, variance / float64(max(to-from-1, 1))
}

// analytic returns the standard errors of the bounds by Lee's Proposition 3,
// for rows that are independent, in one cell:
//
//	n Var = V/(E[ST] q) + (y-μ)² (1-q)/(E[ST] q) + (y-μ)² [(1-π)/(E[T] π) + (1-α)/(E[O] α)] + V_O/E[SO]
//
// with T the trimmed arm, O the other, S observation, q the share kept, y the
// quantile, and μ and V the mean and variance of what is kept.
func (m *LeeSample) analytic() [2]float64 {
	c, t, o := &m.cells[0], m.trimmed, 1-m.trimmed
	n := float64(c.n[0] + c.n[1])
	share := func(k int) float64 { return float64(k) / n }
	rate := func(arm int) float64 { return float64(c.observed[arm]) / float64(c.n[arm]) }
	var se [2]float64
	for i, k := range c.keep {
		d := (k.limit - k.mean) * (k.limit - k.mean)
		kept := share(c.observed[t]) * c.share
		v := k.variance/kept + d*(1-c.share)/kept + c.variance[o]/share(c.observed[o])
		if c.share < 1 {
			v += d * ((1-rate(t))/(share(c.n[t])*rate(t)) + (1-rate(o))/(share(c.n[o])*rate(o)))
		}
		se[m.place(i)] = math.Sqrt(v / n)
	}
	return se
}

// place returns the bound, 0 for the lower, that comes of keeping the lowest
// (0) or the highest (1) of the trimmed arm.
func (m *LeeSample) place(keep int) int {
	if m.trimmed == 1 {
		return keep
	}
	return 1 - keep
}

// influence returns the standard errors of the bounds, robust to clustering:
// the root of G/(G-1) Σ_g (Σ_{i in g} ψ_i)², ψ the influence of a row. score
// must be zero.
func (m *LeeSample) influence(score [][2]float64) [2]float64 {
	t, o := m.trimmed, 1-m.trimmed
	sign := float64(2*t - 1)
	observedOther := 0
	for i := range m.cells {
		observedOther += m.cells[i].observed[o]
	}
	for x := range m.cells {
		c := &m.cells[x]
		if c.weight == 0 {
			continue
		}
		rate := func(arm int) float64 { return float64(c.observed[arm]) / float64(c.n[arm]) }
		for i, k := range c.keep {
			bound := m.place(i)
			all := m.Lower
			if bound == 1 {
				all = m.Upper
			}
			own := sign * (k.mean - c.mean[o])
			share := float64(k.n) / float64(c.observed[t])
			for arm := range c.n {
				for _, r := range m.rows[c.from[arm] : c.from[arm]+c.n[arm]] {
					psi := 0.0
					if arm == t {
						if r.Observed {
							// Of the mean of what is kept, given the share.
							psi += (k.limit - k.mean) * share / float64(k.n)
							if i == 0 && r.Y < k.limit || i == 1 && r.Y > k.limit {
								psi += (r.Y - k.limit) / float64(k.n)
							}
						}
						if c.share < 1 { // of the share: α/π
							psi -= (k.limit - k.mean) * (indicator(r.Observed) - rate(t)) / rate(t) / float64(c.n[t])
						}
						psi *= sign
					} else {
						if r.Observed {
							psi -= sign * (r.Y - c.mean[o]) / float64(c.observed[o])
						}
						if c.share < 1 {
							psi += sign * (k.limit - k.mean) * (indicator(r.Observed) - rate(o)) / rate(o) / float64(c.n[o])
						}
					}
					psi *= c.weight
					if arm == o && r.Observed { // of the cells' weights
						psi += (own - all) / float64(observedOther)
					}
					score[r.Cluster][bound] += psi
				}
			}
		}
	}
	var se [2]float64
	for _, v := range score {
		se[0] += v[0] * v[0]
		se[1] += v[1] * v[1]
	}
	g := float64(len(score))
	for i := range se {
		se[i] = math.Sqrt(se[i] * g / (g - 1))
	}
	return se
}

// cells are the values of a discrete variable: one for all rows, the levels of
// a grouping, or the whole numbers of a column.
type cells struct {
	of    grouping
	level dgp.Level
	most  int
	plain bool // a column of numbers
}

// mostCells is the number of values that a column of numbers can tell apart.
const mostCells = 64

// findCells looks up the variable; "" is one cell.
func (s *Setup) findCells(name string) (cells, error) {
	if name == "" {
		return cells{of: grouping{column: -1}, most: 1}, nil
	}
	if g, err := s.findGrouping(name); err == nil {
		return cells{of: g, level: g.level, most: g.most}, nil
	}
	i, err := s.lookUp(name, 0)
	if err != nil {
		return cells{}, err
	}
	level := s.shape.Columns[i].Level
	return cells{of: grouping{level: level, column: i, most: mostCells}, level: level, most: mostCells, plain: true}, nil
}

// at returns the cell of a row, -1 for a value that is none.
func (c cells) at(d *dgp.Data, rows dgp.Level, row int) int {
	switch {
	case c.most == 1 && !c.plain:
		return 0
	case c.plain:
		v := d.Columns[c.of.column][d.Ancestor(rows, row, c.level)]
		if !(v >= 0 && v < mostCells) || v != math.Trunc(v) {
			return -1
		}
		return int(v)
	default:
		return c.of.of(d, rows, row)
	}
}

var _ Method = LeeBounds{}
