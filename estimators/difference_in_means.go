package estimators

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"coachsim/dgp"
)

// DifferenceInMeans is the effect of arms by the difference of means, with
// standard errors that rest on the random assignment alone. It is estimatr's
// difference_in_means (Blair, Cooper, Coppock, Humphreys and Sonnet), whose
// variances and degrees of freedom follow the design:
//
//	design                   variance of the difference              degrees of freedom
//	simple                   Neyman's s₁²/n₁ + s₀²/n₀                Welch and Satterthwaite's
//	clustered                CR2                                     Bell and McCaffrey's
//	blocked                  Σ (n_b/N)² V_b, V_b Neyman's            rows - 2 blocks
//	block-clustered          Σ (n_b/N)² V_b, V_b by CR2              clusters - 2 blocks
//	matched pairs            Σ (d_b - d)² / B(B-1)                   B - 1
//	matched-pair clustered   B/(B-1) Σ (n_b d_b/N - d/B)²            B - 1
//
// d_b is the difference in block b, of n_b of the N rows, and d = Σ d_b n_b/N the
// estimate. As soon as one of the B blocks has two units (clusters, or rows where
// there are none), the variance is that of matched pairs.
//
// Of several arms each is compared, alone, with control.
type DifferenceInMeans struct {
	Formula string `yaml:"formula" required:"true" doc:"outcomes ~ arm, or ~ arm1 + arm2, each against the rows that have none: columns of 0 and 1"`
	Rows    string `yaml:"rows" doc:"level of the rows: school, teacher or child; by default that of the outcomes"`
	Where   string `yaml:"where" doc:"restriction of the rows, such as girl == 1"`
	Blocks  string `yaml:"blocks" doc:"the blocks within which the arms were assigned, or the matched pairs: block, another level, or a factor; none by default"`
	Cluster string `yaml:"cluster" doc:"the clusters that were assigned whole: block, school, teacher or a factor; none by default"`
}

// Bind looks up the columns.
func (o DifferenceInMeans) Bind(name string, s *Setup) (Fitter, error) {
	f, err := s.parse(o.Formula)
	if err == nil {
		err = f.NotInstrumented()
	}
	if err != nil {
		return nil, keyError("formula", err)
	}
	if f.Absorb != "" || len(f.Random) > 0 || !f.Intercept || len(f.Terms) == 0 {
		return nil, keyError("formula", errors.New("a difference in means is of arms alone, as in achievement ~ coaching; strata are the key blocks"))
	}
	b := &olsBinding{OLS: OLS{Formula: o.Formula, Rows: o.Rows, Where: o.Where, Cluster: o.Cluster}, name: name, setup: s, formula: f}
	if err := b.findRows(); err != nil {
		return nil, err
	}
	m := &means{rows: b.rows, group: min(b.rows, dgp.TeacherLevel), blocked: o.Blocks != "", clustered: o.Cluster != ""}
	if err := m.findArms(s, f); err != nil {
		return nil, keyError("formula", err)
	}
	if m.filter, err = s.bindFilter(o.Where); err != nil {
		return nil, keyError("where", err)
	}
	b.filter = m.filter
	columns := slices.Clone(m.columns)
	if m.filter != nil {
		if m.filter.level > b.rows {
			return nil, keyError("where", fmt.Errorf("a %s column cannot restrict %s rows", m.filter.level, b.rows))
		}
		columns = append(columns, m.filter.column...)
	}
	if m.blocks, err = m.findGroups(s, o.Blocks); err != nil {
		return nil, keyError("blocks", err)
	}
	if len(ClusterNames(o.Cluster)) > 1 {
		return nil, keyError("cluster", fmt.Errorf("%q are two factors; a difference in means has clusters of one", o.Cluster))
	}
	if m.clusters, err = m.findGroups(s, o.Cluster); err != nil {
		return nil, keyError("cluster", err)
	}
	if err := m.checkLevels(o); err != nil {
		return nil, err
	}
	for _, g := range []grouping{m.blocks, m.clusters} {
		if g.column >= 0 {
			columns = append(columns, g.column)
		}
	}
	if err := m.findOutcomes(b, columns); err != nil {
		return nil, keyError("formula", err)
	}
	m.row = make([]meansRow, 0, s.shape.Max[b.rows])
	m.block = make([]meansBlock, m.blocks.most)
	if m.clustered {
		m.cluster = make([]meansCluster, m.clusters.most)
	}
	return m, nil
}

// findArms looks up the arms of the formula, and all others of the trial.
func (m *means) findArms(s *Setup, f *Formula) error {
	arm := func(column int) bool { return column < len(s.shape.Columns) && s.shape.Columns[column].Arm }
	for _, t := range f.Terms {
		v := t.Factors[0].Variable
		if len(t.Factors) != 1 || t.Factors[0].Power != 1 {
			return &SyntaxError{Offset: v.Pos, Message: fmt.Sprintf("%s is no arm; a difference in means is of columns of 0 and 1", t)}
		}
		column, err := s.resolve(v)
		if err != nil {
			return err
		}
		if s.level(column) > m.rows {
			return &SyntaxError{Offset: v.Pos, Message: fmt.Sprintf("%s varies within the %s rows", v, m.rows)}
		}
		m.columns = append(m.columns, column)
		m.terms = append(m.terms, t.String())
	}
	m.compared = len(m.columns)
	if slices.ContainsFunc(m.columns, arm) {
		for i := range s.shape.Columns {
			if arm(i) && !slices.Contains(m.columns, i) {
				m.columns = append(m.columns, i)
			}
		}
	}
	for _, column := range m.columns {
		m.levels = append(m.levels, s.level(column))
	}
	return nil
}

// findGroups looks up blocks or clusters; "" is none, or one that holds all.
func (m *means) findGroups(s *Setup, name string) (grouping, error) {
	if name == "" {
		return grouping{column: -1, most: 1}, nil
	}
	g, err := s.findGrouping(name)
	if err == nil && g.level > m.rows {
		err = fmt.Errorf("the rows of a %s cannot be in different ones of %q", m.rows, name)
	}
	return g, err
}

// checkLevels refuses designs that the declared levels rule out.
func (m *means) checkLevels(o DifferenceInMeans) error {
	for i, level := range m.levels[:m.compared] {
		name := m.terms[i]
		if m.blocked && m.blocks.column < 0 && level <= m.blocks.level {
			return keyError("blocks", fmt.Errorf("%s does not vary within a %s", name, o.Blocks))
		}
		if m.clustered && m.clusters.column < 0 && level > m.clusters.level {
			return keyError("cluster", fmt.Errorf("%s varies within a %s, which was not assigned whole", name, o.Cluster))
		}
	}
	return nil
}

// findOutcomes adds the outcomes; columns are those that every row must have.
func (m *means) findOutcomes(b *olsBinding, columns []int) error {
	s := b.setup
	known := !slices.ContainsFunc([]grouping{m.blocks, m.clusters}, func(g grouping) bool { return g.column >= 0 && s.shape.Columns[g.column].PostTreatment })
	for _, o := range b.formula.Outcomes {
		column, err := s.resolve(o.Variable)
		if err != nil {
			return err
		}
		var averages []*derived
		if err := s.addMeans(&averages, o.Variable, m.rows); err != nil {
			return err
		}
		m.outcomes = append(m.outcomes, column)
		m.averages = append(m.averages, averages)
		m.filters = append(m.filters, s.observed(m.filter, s.indicators(append(slices.Clone(columns), column))))
		for i, term := range m.terms {
			row := Row{Estimator: b.name, Outcome: o.Text, Term: term}
			if arm := m.columns[i]; known && arm < len(s.shape.Columns) && s.shape.Columns[arm].Arm && b.comparable(o, arm) {
				row.Target = b.target(term, o)
				row.Target.means, row.Target.Alone = meansKey(averages), true
			}
			m.report = append(m.report, row)
		}
	}
	return nil
}

// means is a bound difference in means.
type means struct {
	report   []Row
	outcomes []int
	terms    []string
	columns  []int       // of the arms that are compared, then of the others
	levels   []dgp.Level // of columns
	compared int

	rows, group        dgp.Level    // of the rows; of what rows are walked by
	filter             *filter      // nil for none
	filters            []*filter    // by outcome: with what must be observed
	averages           [][]*derived // by outcome: means that a row may be without
	blocked, clustered bool
	blocks, clusters   grouping

	row     []meansRow // scratch: of one outcome
	block   []meansBlock
	cluster []meansCluster
}

// A meansRow is a row that has an outcome. Arm 0 is control; arm k is the k-th
// of the formula.
type meansRow struct {
	arm, block, cluster int32
	y                   float64
}

// A meansBlock is what is known of a block's control rows and treated rows.
type meansBlock struct {
	n, clusters [2]int
	mean        [2]float64
	variance    [2]float64 // of the mean
}

// units counts what was assigned.
func (b *meansBlock) units(clustered bool) int {
	if clustered {
		return b.clusters[0] + b.clusters[1]
	}
	return b.rows()
}

func (b *meansBlock) rows() int { return b.n[0] + b.n[1] }

func (b *meansBlock) difference() float64 { return b.mean[1] - b.mean[0] }

// A meansCluster is a cluster's size and the sum of its residuals.
type meansCluster struct {
	block, arm int32
	n          int
	residual   float64
}

// Rows says what the estimates are about.
func (m *means) Rows() []Row { return m.report }

// Fit estimates the difference of every arm for every outcome.
func (m *means) Fit(s *Setup, out []Estimate) {
	for i := range m.outcomes {
		status := m.gather(s, i)
		for k := range m.compared {
			e := &out[i*m.compared+k]
			if *e = failed(status); status.Worked() {
				*e = m.estimate(int32(k + 1))
			}
		}
	}
}

// gather lists the rows of an outcome.
func (m *means) gather(s *Setup, outcome int) Status {
	d := s.data
	m.row = m.row[:0]
	y, level := s.columns[m.outcomes[outcome]], s.level(m.outcomes[outcome])
	for u := range d.N[m.group] {
		from, to := u, u+1
		if m.rows == dgp.ChildLevel {
			from, to = d.ChildStart[u], d.ChildStart[u+1]
		}
		for row := from; row < to; row++ {
			if f := m.filters[outcome]; f != nil && !f.keepAt(d, m.group, u, row) {
				continue
			}
			if slices.ContainsFunc(m.averages[outcome], func(a *derived) bool { return a.empty(d, m.group, u) }) {
				continue
			}
			r := meansRow{y: y[at(d, m.group, u, row, level)]}
			if math.IsNaN(r.y) || math.IsInf(r.y, 0) {
				return NotFinite
			}
			on := 0
			for k, c := range m.columns {
				switch s.columns[c][at(d, m.group, u, row, m.levels[k])] {
				case 0:
				case 1:
					r.arm = int32(k + 1)
					on++
				default:
					return BadArm
				}
			}
			if on > 1 || int(r.arm) > m.compared {
				continue
			}
			if m.blocked {
				r.block = int32(m.blocks.of(d, m.blocks.level, at(d, m.group, u, row, m.blocks.level)))
			}
			if m.clustered {
				r.cluster = int32(m.clusters.of(d, m.clusters.level, at(d, m.group, u, row, m.clusters.level)))
			}
			if r.block < 0 || r.cluster < 0 {
				return NotFinite
			}
			m.row = append(m.row, r)
		}
	}
	return OK
}

// estimate compares an arm with control.
func (m *means) estimate(arm int32) Estimate {
	first := slices.IndexFunc(m.row, func(r meansRow) bool { return r.arm == 0 || r.arm == arm })
	if first < 0 {
		return failed(TooFewRows)
	}
	// Differences are the same after a shift, and are not rounded at the size
	// of the outcome.
	shift := m.row[first].y
	if !m.count(arm, shift) {
		return failed(SplitCluster)
	}
	var t totals
	for i := range m.block {
		t.add(&m.block[i], m.clustered)
	}
	pairs := m.blocked && t.pairs
	switch {
	case m.clustered && t.units < 2:
		return failed(TooFewClusters)
	case t.oneArm:
		return failed(OneArm)
	case pairs && t.blocks < 2:
		return failed(TooFewRows)
	case !pairs && t.lone:
		return failed(LoneUnit)
	}
	size := m.vary(arm, shift)
	if size == 0 {
		return failed(NoVariation)
	}
	e := Estimate{}
	n := float64(t.rows)
	for i := range m.block {
		if b := &m.block[i]; b.rows() > 0 {
			e.Value += b.difference() * float64(b.rows()) / n
		}
	}
	switch {
	case pairs:
		e.SE, e.DF = m.matched(&t, e.Value), float64(t.blocks-1)
	case m.blocked:
		e.SE, e.DF = m.blockwise(n), float64(t.units-2*t.blocks)
	case m.clustered:
		e.SE, e.DF = m.blockwise(n), m.bellMcCaffrey()
	default:
		e.SE, e.DF = m.blockwise(n), m.welch()
	}
	switch {
	case math.IsNaN(e.Value+e.SE) || math.IsInf(e.Value+e.SE+size, 0):
		return failed(NotFinite)
	case !(e.SE > 1e-12*size):
		return failed(NoResidual)
	case math.IsNaN(e.DF):
		return failed(NotFinite)
	}
	e.P = studentP(e.Value/e.SE, e.DF)
	return e
}

// count counts rows and clusters and finds the means, after the shift. It
// reports whether each cluster lies in one arm and one block.
func (m *means) count(arm int32, shift float64) bool {
	clear(m.block)
	clear(m.cluster)
	for _, r := range m.row {
		if r.arm != 0 && r.arm != arm {
			continue
		}
		b, j := &m.block[r.block], min(r.arm, 1)
		b.n[j]++
		b.mean[j] += r.y - shift
		if !m.clustered {
			continue
		}
		c := &m.cluster[r.cluster]
		if c.n == 0 {
			c.block, c.arm = r.block, j
			b.clusters[j]++
		}
		if c.block != r.block || c.arm != j {
			return false
		}
		c.n++
	}
	for i := range m.block {
		for j, n := range m.block[i].n {
			if n > 0 {
				m.block[i].mean[j] /= float64(n)
			}
		}
	}
	return true
}

// vary finds the variances of the means, and returns the largest distance of an
// outcome from the shift.
func (m *means) vary(arm int32, shift float64) float64 {
	size := 0.0
	for _, r := range m.row {
		if r.arm != 0 && r.arm != arm {
			continue
		}
		b, j := &m.block[r.block], min(r.arm, 1)
		size = max(size, math.Abs(r.y-shift))
		e := r.y - shift - b.mean[j]
		if m.clustered {
			m.cluster[r.cluster].residual += e
		} else {
			b.variance[j] += e * e / float64(b.n[j]-1) / float64(b.n[j])
		}
	}
	for _, c := range m.cluster {
		// The inverse root of I - H, H = 11'/N within the cluster, multiplies
		// the sum of the residuals by (1 - n/N)^(-1/2).
		if c.n > 0 {
			b := &m.block[c.block]
			n := float64(b.n[c.arm])
			mean := c.residual / n
			b.variance[c.arm] += mean * mean / (1 - float64(c.n)/n)
		}
	}
	return size
}

// blockwise adds up the variances of the blocks' differences.
func (m *means) blockwise(n float64) float64 {
	sum := 0.0
	for i := range m.block {
		b := &m.block[i]
		share := float64(b.rows()) / n
		sum += (b.variance[0] + b.variance[1]) * share * share
	}
	return math.Sqrt(sum)
}

// matched is the standard error of matched pairs, by how the pairs' differences
// vary.
func (m *means) matched(t *totals, difference float64) float64 {
	sum, blocks := 0.0, float64(t.blocks)
	for i := range m.block {
		b := &m.block[i]
		if b.rows() == 0 {
			continue
		}
		off := (b.difference() - difference) / blocks
		if m.clustered {
			off = b.difference()*float64(b.rows())/float64(t.rows) - difference/blocks
		}
		sum += off * off
	}
	return math.Sqrt(sum * blocks / (blocks - 1))
}

// welch is Welch and Satterthwaite's degrees of freedom of two variances.
func (m *means) welch() float64 {
	b := &m.block[0]
	share := b.variance[1] / (b.variance[0] + b.variance[1])
	return 1 / (share*share/float64(b.n[1]-1) + (1-share)*(1-share)/float64(b.n[0]-1))
}

// bellMcCaffrey is Bell and McCaffrey's (2002) degrees of freedom, tr²/ΣΩ², of
// the CR2 variance of a difference: in an arm of N rows, with clusters g of the
// shares f,
//
//	Ω_gg = f_g/N,  Ω_gh = -f_g f_h / (N √(1-f_g) √(1-f_h)),
//
// and Ω is 0 between the arms.
func (m *means) bellMcCaffrey() float64 {
	b := &m.block[0]
	var share, q, qq [2]float64 // Σf², Σf²/(1-f) and the sum of its squares
	for _, c := range m.cluster {
		if c.n > 0 {
			f := float64(c.n) / float64(b.n[c.arm])
			share[c.arm] += f * f
			q[c.arm] += f * f / (1 - f)
			qq[c.arm] += f * f / (1 - f) * f * f / (1 - f)
		}
	}
	trace, squares := 0.0, 0.0
	for j, n := range b.n {
		trace += 1 / float64(n)
		squares += (share[j] + q[j]*q[j] - qq[j]) / float64(n) / float64(n)
	}
	return trace * trace / squares
}

// totals are what the blocks add up to.
type totals struct {
	rows, blocks, units int
	pairs               bool // a block has two units
	oneArm              bool // a block has rows of one arm only
	lone                bool // an arm has one row, or one cluster, in a block
}

func (t *totals) add(b *meansBlock, clustered bool) {
	if b.rows() == 0 {
		return
	}
	t.blocks++
	t.rows += b.rows()
	t.units += b.units(clustered)
	t.pairs = t.pairs || b.units(clustered) == 2
	for j, n := range b.n {
		t.oneArm = t.oneArm || n == 0
		t.lone = t.lone || n == 1 || clustered && b.clusters[j] == 1
	}
}

// at returns the unit of a level that holds a row of a group.
func at(d *dgp.Data, group dgp.Level, unit, row int, level dgp.Level) int {
	if level > group {
		return row
	}
	return d.Ancestor(group, unit, level)
}

var _ Method = DifferenceInMeans{}
