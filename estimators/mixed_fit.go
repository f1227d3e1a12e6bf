package estimators

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"

	"coachsim/dgp"
)

// A mixed is a bound mixed model. The data are y = Dγ + Xβ + errors, D dummies
// of the absorbed level (the constant, where there is none, is a column of X),
// and the errors of all rows have the covariance σ²V,
//
//	V = I + a Σ_t 1_t 1_t' + b Σ_s 1_s 1_s'
//
// for units t of the inner level (teachers, say) and s of the outer one
// (schools): a and b are ratios of variances, squares of lme4's theta. With n
// rows and the mean x̄ in each unit t, and W the cross-product within units,
//
//	X'V⁻¹X = W + Σ_t ω_t x̄_t x̄_t' - Σ_s b/(1+bΩ_s) u_s u_s'
//	ω = n/(1+na),  u_s = Σ_{t in s} ω_t x̄_t,  Ω_s = Σ_{t in s} ω_t
//	|V| = Π_t (1+n_t a) Π_s (1+bΩ_s)
//
// by two applications of Sherman and Morrison's formula. ω depends on t only
// through its size, so one matrix Σ x̄x̄' per size of unit is enough. D is
// eliminated level by level, since no unit crosses levels; then X is, which
// leaves the generalised residual sum of squares ρ = y'Py. The deviance
// profiled over β and σ² is, up to a constant (Bates et al. 2015, J. Stat.
// Softw. 67(1), equations 34 and 41),
//
//	REML  log|V| + log|D'V⁻¹D| + log|X'V⁻¹X after D| + (n-p) log ρ
//	ML    log|V| + n log ρ
//
// All of this is computed with jets, which gives the derivatives by a and b
// for Newton's method and for the degrees of freedom. Nothing depends on the
// number of rows, and with one random intercept little on that of units.
type mixed struct {
	l            *linear
	likelihood   Likelihood
	rule         MixedDF
	inner, outer dgp.Level
	nested       bool // there is an outer level
	absorbed     bool
	constant     int // columns of X for the constant: 0 or 1

	kept     []int // by column of X after the constant: its place in l.terms
	places   []int // by the same, and by outcome: the place in the core's sums of groups
	rotated  *rotation
	unitOf   []int // by group: its inner unit
	columns  int   // of X
	single   bool  // one ratio now: not nested, or one unit in each outer unit
	size     []unitSize
	sizeAt   []int // by number of rows: place in size plus 1, 0 for none
	units    []mixedUnit
	mean     []float64 // by unit: means of X and the outcomes, from those of its effect
	within   []float64 // W: lower triangle of X, then by outcome X'y and y'y
	square   []float64 // by size: Σ x̄x̄', laid out as within
	stride   int       // numbers in within
	cells    []mixedCell
	sums     []float64 // by cell: Σ x̄, and of the outcomes
	waiting  []waiting // scratch of addSquares: by size
	total    []float64 // scratch of findMeans: by unit, as are the next two
	per      []float64 // 1/n
	effectOf []int     // by unit
	runs     []run     // of them
	outers   float64   // outer units

	matrix     jets // lower triangle: X, an outcome, reported combinations
	column     jets // scratch of eliminateSeries
	swept      elimination
	lifted     jets       // scratch: 1'V⁻¹(X, y) in one level of the absorbed effect
	shared     jets       // scratch: u of one outer unit
	weight     []jet      // by size: ω
	cellWeight []firstJet // scratch: ω of the cells of one effect
	point      mixedPoint
	residuals  *residualProfile // of the outcome being fitted, where there is one ratio

	slopes    *randomSlopes // where more than intercepts is random, else nil
	inference mixedInference
	found     []foundVariances // by outcome
	joint     *mixedJoint
}

// A unitSize is the units of the inner level that have so many rows.
type unitSize struct{ rows, units float64 }

// A mixedUnit is a unit of the inner level.
type mixedUnit struct{ size, outer, effect int }

// Units waiting are added to the squares of their size four at a time.
type waiting struct {
	unit [4]int
	n    int
}

// A mixedCell is the units of one size in one level of the absorbed effect.
type mixedCell struct {
	effect, size int
	units        float64
}

// A mixedPoint is the profiled deviance at given ratios.
type mixedPoint struct {
	ratio     [2]float64 // a and b
	logs      jet        // the logarithms of determinants in the criterion
	restrict  jet        // those of REML, whatever the criterion
	residual  jet        // ρ
	rows      float64    // n-p for REML, n for ML
	deviance  float64
	gradient  [2]float64
	curvature [2][2]float64
}

func (m *mixed) allocate(shape dgp.Shape, rows dgp.Level) {
	most, mostRows := shape.Max[m.inner], shape.Max[rows]
	ny, nc := len(m.l.outcomes), len(m.l.combinations)
	columns := m.constant + len(m.l.terms)
	components := oneRatio
	if m.nested {
		components = twoRatios
	}
	effects := 1
	if m.absorbed {
		effects = m.l.core.absorbed.most
	}
	// Units of sizes 1, 2, ..., K have K(K+1)/2 rows.
	sizes := min(most, int(math.Sqrt(2*float64(mostRows)))+1)
	stride := triangle(columns) + ny*(columns+1)
	m.kept = make([]int, 0, len(m.l.terms))
	m.places = make([]int, 0, len(m.l.terms)+ny)
	m.allocateRotation(shape)
	m.size = make([]unitSize, 0, sizes)
	m.sizeAt = make([]int, mostRows+1)
	m.units = make([]mixedUnit, 0, most)
	m.mean = make([]float64, most*(columns+ny))
	m.total, m.per = make([]float64, most), make([]float64, most)
	m.effectOf, m.runs = make([]int, most), make([]run, 0, most)
	m.within = make([]float64, stride)
	m.square = make([]float64, sizes*stride)
	m.cells = make([]mixedCell, 0, most)
	m.sums = make([]float64, most*(columns+ny))
	m.matrix = newJets(components, triangle(columns+1+nc))
	m.swept = newElimination(components, columns, columns+1+nc, effects)
	m.lifted = newJets(components, columns+1)
	m.shared = newJets(components, columns+1)
	m.weight = make([]jet, sizes)
	m.cellWeight = make([]firstJet, 0, sizes)
	m.waiting = make([]waiting, sizes)
	m.residuals = newResidualProfile(columns, sizes)
}

// Rows says what the estimates are about.
func (m *mixed) Rows() []Row { return m.l.rows }

// Fit fits every outcome.
func (m *mixed) Fit(s *Setup, out []Estimate) {
	c := m.l.core
	status := m.prepare(s)
	per := len(out) / len(m.l.outcomes)
	for i, outcome := range m.l.outcomes {
		of := status
		if of.Worked() && !(c.square[outcome] > 1e-13*c.squares[outcome]) {
			of = NoVariation
			if math.IsNaN(c.square[outcome]) {
				of = NotFinite
			}
		}
		m.fitOutcome(i, of, out[i*per:(i+1)*per])
	}
}

// prepare computes what all outcomes share.
func (m *mixed) prepare(s *Setup) Status {
	c, l := m.l.core, m.l
	status := l.factorGram()
	m.rotated.on = m.losesDigits()
	if m.rotated.on {
		status = m.orthogonalise(s)
	}
	l.influences(status)
	m.kept, m.places = m.kept[:0], m.places[:0]
	for i, lost := range l.solver.lost() {
		if !lost {
			m.kept, m.places = append(m.kept, i), append(m.places, l.terms[i])
		}
	}
	for _, y := range l.outcomes {
		m.places = append(m.places, len(c.terms)+y)
	}
	m.columns = m.constant + len(m.kept)
	for _, u := range m.kept {
		if x := c.raw[l.terms[u]]; math.IsNaN(x) || math.IsInf(x, 0) {
			return NotFinite
		}
	}
	if c.rows <= m.fixed() {
		return TooFewRows
	}
	if m.slopes != nil {
		if why := m.slopes.prepare(s); why != OK {
			return why
		}
		return status
	}
	m.findUnits(s.data)
	if len(m.units) < 2 {
		return TooFewClusters
	}
	if float64(len(m.units)) >= c.rows {
		return TooFewRows
	}
	m.findMeans()
	if m.rotated.on {
		m.rotate(s)
	}
	m.addSquares()
	return status
}

// fixed is the number of fixed effects.
func (m *mixed) fixed() float64 {
	n := float64(m.columns)
	if m.absorbed {
		n += float64(m.l.core.present)
	}
	return n
}

// factorGram factors X'X, to find collinear terms as least squares does.
func (l *linear) factorGram() Status {
	c, p := l.core, len(l.terms)
	for i, u := range l.terms {
		row := c.gram[u*c.width : (u+1)*c.width]
		for j := range i + 1 {
			l.chol.l[i*p+j] = row[l.terms[j]]
		}
		l.raw[i] = c.raw[u]
	}
	l.chol.factor(l.raw)
	l.solver = l.chol
	return l.reduction()
}

// reduction says whether terms were dropped.
func (l *linear) reduction() Status {
	if slices.Contains(l.solver.lost()[l.effects:], true) { // that effects overlap is no loss
		return Reduced
	}
	return OK
}

// findUnits finds the units of the inner level.
func (m *mixed) findUnits(d *dgp.Data) {
	c := m.l.core
	for _, s := range m.size {
		m.sizeAt[int(s.rows)] = 0
	}
	m.size, m.units = m.size[:0], m.units[:0]
	m.outers = 0
	last, lastOuter, rows := -1, -1, 0.0
	unitOf, sizes := m.unitOf[:c.groups], c.byStat[0][:c.groups]
	fillAncestors(unitOf, d, c.group, m.inner)
	for g, id := range unitOf {
		if !c.active[g] {
			unitOf[g] = max(len(m.units)-1, 0)
			continue
		}
		if id != last {
			m.closeUnit(rows)
			last, rows = id, 0
			unit := mixedUnit{effect: c.effect[g]}
			if m.nested {
				outer := d.Ancestor(m.inner, id, m.outer)
				if outer != lastOuter {
					m.outers++
					lastOuter = outer
				}
				unit.outer = int(m.outers)
			}
			m.units = append(m.units, unit)
		}
		unitOf[g] = len(m.units) - 1
		rows += sizes[g]
	}
	m.closeUnit(rows)
	m.single = !m.nested || int(m.outers) == len(m.units)
}

// closeUnit files the last unit under its size.
func (m *mixed) closeUnit(rows float64) {
	if len(m.units) == 0 {
		return
	}
	at := &m.sizeAt[int(rows)]
	if *at == 0 {
		m.size = append(m.size, unitSize{rows: rows})
		*at = len(m.size)
	}
	m.size[*at-1].units++
	m.units[len(m.units)-1].size = *at - 1
}

func (m *mixed) unitMean(unit int) []float64 {
	width := m.columns + len(m.l.outcomes)
	return m.mean[unit*width : (unit+1)*width]
}

// findMeans fills mean with those of X and the outcomes in each unit, measured from
// the mean of the level of the absorbed effect, or of all where the constant is a
// column, so that little is left for the elimination of D to cancel.
func (m *mixed) findMeans() {
	c, n := m.l.core, len(m.units)
	width := m.columns + len(m.l.outcomes)
	effect, per := m.effectOf[:n], m.per[:n]
	for u, unit := range m.units {
		effect[u], per[u] = unit.effect, 1/m.size[unit.size].rows
		if m.constant == 1 {
			m.mean[u*width] = 1
		}
	}
	m.runs = findRuns(m.runs, effect)
	for j, at := range m.places {
		sums := c.sums[at][:c.groups] // 0 for a group without rows
		if n < c.groups {             // else each is a unit of its own
			sums = m.total[:n]
			clear(sums)
			for g, x := range c.sums[at][:c.groups] {
				sums[m.unitOf[g]] += x
			}
		}
		to := m.mean[m.constant+j : n*width]
		for _, run := range m.runs {
			mean := 0.0
			if c.effects > 0 {
				mean = c.effectS[run.effect*c.width+at] / c.effectN[run.effect]
			}
			at := run.lo * width
			x, by := sums[run.lo:run.hi], per[run.lo:run.hi]
			for u, sum := range x {
				to[at] = sum*by[u] - mean
				at += width
			}
		}
	}
}

// addSquares fills square, the sums of cells, and within.
func (m *mixed) addSquares() {
	l, p := m.l, m.columns
	width, corner := p+len(l.outcomes), triangle(p)
	m.stride = corner + len(l.outcomes)*(p+1)
	square := m.square[:len(m.size)*m.stride]
	clear(square)
	m.cells = m.cells[:0]
	for k := range m.size {
		m.waiting[k].n = 0
	}
	for u, unit := range m.units {
		if m.absorbed {
			addScaled(m.cellSums(unit.effect, unit.size, width), 1, m.unitMean(u))
		}
		w := &m.waiting[unit.size]
		w.unit[w.n] = u
		if w.n++; w.n == len(w.unit) {
			m.addFour(square[unit.size*m.stride:(unit.size+1)*m.stride], w.unit)
			w.n = 0
		}
	}
	for k := range m.size {
		w := &m.waiting[k]
		for _, u := range w.unit[:w.n] {
			m.addOne(square[k*m.stride:(k+1)*m.stride], m.unitMean(u))
		}
	}
	m.crossProducts(m.within)
	for k, s := range m.size {
		addScaled(m.within[:m.stride], -s.rows, square[k*m.stride:])
	}
}

// addOne adds the square of a unit's means to those of its size.
func (m *mixed) addOne(to, x []float64) {
	p, at := m.columns, 0
	for i, v := range x[:p] {
		addScaled(to[at:at+i+1], v, x)
		at += i + 1
	}
	for _, y := range x[p:] {
		addScaled(to[at:at+p], y, x)
		to[at+p] += y * y
		at += p + 1
	}
}

// addFour adds the squares of four units of one size, in one pass.
func (m *mixed) addFour(to []float64, units [4]int) {
	p, at := m.columns, 0
	x0, x1, x2, x3 := m.unitMean(units[0]), m.unitMean(units[1]), m.unitMean(units[2]), m.unitMean(units[3])
	for i, v0 := range x0 {
		v1, v2, v3 := x1[i], x2[i], x3[i]
		row := to[at : at+min(i, p)+1]
		y0, y1, y2, y3 := x0[:len(row)], x1[:len(row)], x2[:len(row)], x3[:len(row)]
		last := len(row) - 1
		diagonal := row[last] + v0*v0 + v1*v1 + v2*v2 + v3*v3
		for j := range row {
			row[j] += v0*y0[j] + v1*y1[j] + v2*y2[j] + v3*y3[j]
		}
		row[last] = diagonal // for an outcome, its own square
		at += len(row)
	}
}

// crossProducts fills dst with the cross-products of X and the outcomes, net of
// the absorbed effect or of the mean.
func (m *mixed) crossProducts(dst []float64) {
	c, l, p := m.l.core, m.l, m.columns
	clear(dst[:m.stride])
	if m.constant == 1 {
		dst[0] = c.rows
	}
	if m.rotated.on {
		for j := range m.kept {
			dst[triangle(m.constant+j)+m.constant+j] = 1
		}
		for k, rest := range m.rotated.rest {
			dst[triangle(p)+k*(p+1)+p] = rest
		}
		return
	}
	for j, i := range m.kept {
		row := c.gram[l.terms[i]*c.width : (l.terms[i]+1)*c.width]
		at := triangle(m.constant+j) + m.constant
		for k, other := range m.kept[:j+1] {
			dst[at+k] = row[l.terms[other]]
		}
	}
	for k, y := range l.outcomes {
		at := triangle(p) + k*(p+1)
		for j, i := range m.kept {
			dst[at+m.constant+j] = c.cross(l.terms[i], y)
		}
		dst[at+p] = c.square[y]
	}
}

// cellSums finds the sums of a cell, after opening it if need be. Units of one
// effect follow each other.
func (m *mixed) cellSums(effect, size, width int) []float64 {
	for i := len(m.cells) - 1; i >= 0 && m.cells[i].effect == effect; i-- {
		if m.cells[i].size == size {
			m.cells[i].units++
			return m.sums[i*width : (i+1)*width]
		}
	}
	m.cells = append(m.cells, mixedCell{effect: effect, size: size, units: 1})
	sums := m.sums[(len(m.cells)-1)*width : len(m.cells)*width]
	clear(sums)
	return sums
}

// evaluate computes the deviance of an outcome at given ratios, and its
// derivatives. With reported set it also solves for the reported combinations:
// row p+1+r of the matrix then ends with minus their estimate, in column p,
// and minus their variance per σ².
func (m *mixed) evaluate(outcome int, ratio [2]float64, reported bool) bool {
	p, l := m.columns, m.l
	if m.single && m.nested { // zero in the components that eliminate works on
		ratio[1] = 0
	}
	logs := m.addUnits(outcome, ratio[0])
	var effects jet
	if m.single {
		effects = m.liftCells(outcome)
	} else {
		var outer jet
		outer, effects = m.eliminateOuter(outcome, jet{v: ratio[1], b: 1})
		logs = logs.plus(outer)
	}
	rows := p + 1
	if reported {
		rows += len(l.combinations)
		m.addCombinations()
	}
	sweep := m.swept.eliminateTwo
	if m.single {
		sweep = m.swept.eliminateOne
	}
	fixed, ok := sweep(m.matrix, p, rows, len(l.joint) > 0)
	point := &m.point
	*point = mixedPoint{ratio: ratio, logs: logs, restrict: logs.plus(effects).plus(fixed), rows: l.core.rows}
	if m.likelihood == REML {
		point.logs = point.restrict
		point.rows -= m.fixed()
	}
	point.residual = m.matrix.at(triangle(p) + p)
	if !ok || !(point.residual.v > 1e-13*l.core.square[l.outcomes[outcome]]) {
		return false
	}
	criterion := point.logs.plus(jet{v: point.rows}.times(point.residual.log()))
	point.deviance, point.gradient, point.curvature = criterion.v, criterion.gradient(), criterion.hessian()
	return !math.IsNaN(point.deviance) && !math.IsInf(point.deviance, 0)
}

// addUnits fills the matrix with W + Σ_t ω_t x̄_t x̄_t' for X and an outcome,
// the weights ω by size, and returns log Π_t (1+n_t a).
func (m *mixed) addUnits(outcome int, a float64) jet {
	p := m.columns
	corner, n := triangle(p), triangle(p+1)
	m.matrix.clear()
	y := corner + outcome*(p+1)
	copy(m.matrix[0], m.within[:corner])
	copy(m.matrix[0][corner:], m.within[y:y+p+1])
	var logs jet
	for k, s := range m.size {
		w := s.rows / (1 + s.rows*a)
		weight := jet{v: w, a: -w * w, aa: 2 * w * w * w}
		m.weight[k] = weight
		logs.v += s.units * math.Log1p(s.rows*a)
		logs.a += s.units * w
		logs.aa -= s.units * w * w
		from := m.square[k*m.stride : (k+1)*m.stride]
		for i, w := range [oneRatio]float64{weight.v, weight.a, weight.aa} {
			to := m.matrix[i][:n]
			floats.AddScaled(to[:corner], w, from[:corner])
			floats.AddScaled(to[corner:], w, from[y:y+p+1])
		}
	}
	return logs
}

// addWeighted adds w x to m0, and its derivatives to m1 and m2.
func addWeighted(m0, m1, m2 []float64, w *jet, x []float64) {
	m1, m2, x = m1[:len(m0)], m2[:len(m0)], x[:len(m0)]
	w0, w1, w2 := w.v, w.a, w.aa
	for i, v := range x {
		m0[i] += w0 * v
		m1[i] += w1 * v
		m2[i] += w2 * v
	}
}

// liftCells fills the dummies of D where there is one ratio, and returns
// log|D'V⁻¹D|: by effect g = Σω x̄ and d = Σω.
func (m *mixed) liftCells(outcome int) jet {
	p, e := m.columns, &m.swept
	width := p + len(m.l.outcomes)
	e.dummies = 0
	logs := newLogSum()
	for from, to := 0, 0; from < len(m.cells); from = to {
		var total jet
		weights := m.cellWeight[:0]
		for ; to < len(m.cells) && m.cells[to].effect == m.cells[from].effect; to++ {
			cell := &m.cells[to]
			w := &m.weight[cell.size]
			weights = append(weights, w.first())
			total.v += cell.units * w.v
			total.a += cell.units * w.a
			total.aa += cell.units * w.aa
		}
		logs.add(&total)
		if len(weights) == 1 { // g is ω times the sum of what was measured from its mean
			continue
		}
		inverse := total.inverse()
		e.per[e.dummies] = inverse.first()
		for k := range p + 1 {
			at := from*width + k
			if k == p {
				at += outcome
			}
			var g, ga, half float64
			for i := range weights {
				w, x := &weights[i], m.sums[at]
				g += w.v * x
				ga += w.a * x
				half += w.half * x
				at += width
			}
			e.row[k][e.dummies] = firstJet{g, ga, half}
		}
		e.dummies++
	}
	return logs.total()
}

// eliminateOuter takes the outer units' part off X'V⁻¹X and then D out. It
// returns log Π_s (1+bΩ_s) and log|D'V⁻¹D|.
func (m *mixed) eliminateOuter(outcome int, b jet) (outer, effects jet) {
	p := m.columns
	outers, all := newLogSum(), newLogSum()
	for u := 0; u < len(m.units); {
		effect := m.units[u].effect
		m.lifted.clear()
		var total jet
		for u < len(m.units) && m.units[u].effect == effect {
			id := m.units[u].outer
			m.shared.clear()
			var omega jet
			u0, u1, u2 := m.shared[0][:p+1], m.shared[1][:p+1], m.shared[2][:p+1]
			for ; u < len(m.units) && m.units[u].outer == id; u++ {
				w := &m.weight[m.units[u].size]
				x := m.unitMean(u)
				addWeighted(u0[:p], u1, u2, w, x)
				addWeighted(u0[p:], u1[p:], u2[p:], w, x[p+outcome:])
				omega = omega.plus(*w)
			}
			factor := jet{v: 1}.plus(b.times(omega)) // 1 + bΩ
			inverse := factor.inverse()
			outers.add(&factor)
			subtractInner(m.matrix, b.times(inverse), m.shared, p+1)
			if m.absorbed {
				total = total.plus(omega.times(inverse))
				addMultiple(m.lifted, inverse, m.shared, p+1)
			}
		}
		if m.absorbed {
			all.add(&total)
			subtractSquare(m.matrix, total.inverse(), m.lifted, p+1)
		}
	}
	return outers.total(), all.total()
}

// addCombinations appends the reported combinations to the matrix.
func (m *mixed) addCombinations() {
	p, l := m.columns, m.l
	for r, c := range l.combinations {
		row := m.matrix[0][triangle(p+1+r):]
		if m.constant == 1 {
			row[0] = c.intercept
		}
		w := m.weightsOf(r)
		for j, i := range m.kept {
			row[m.constant+j] = w[i]
		}
	}
}

// fitOutcome estimates outcome i.
func (m *mixed) fitOutcome(i int, status Status, out []Estimate) {
	m.found[i] = foundVariances{}
	if status.Worked() {
		if m.slopes != nil {
			status = m.slopes.maximise(i, status)
		} else {
			status = m.maximise(i, status)
		}
	}
	if !status.Worked() {
		for r := range out {
			out[r] = failed(status)
		}
		return
	}
	if m.slopes != nil {
		m.slopes.infer()
	} else {
		m.infer()
	}
	m.inference.prepare(m.rule)
	m.found[i] = foundVariances{m.inference.sigma2(), m.inference.parameter}
	for r := range m.l.reported {
		if out[r] = failed(Collinear); !m.l.dropped(r) {
			out[r] = m.estimate(i, r, status)
		}
	}
	for j, group := range m.l.joint {
		out[len(m.l.reported)+j] = m.jointTest(i, group, status)
	}
}

// infer fills inference from the point. A ratio that is 0 has no coordinate.
func (m *mixed) infer() {
	point, f := &m.point, &m.inference
	*f = mixedInference{
		n: m.free(), logs: point.logs.curve(), restrict: point.restrict.curve(), residual: point.residual.curve(),
		rows: point.rows, degrees: m.l.core.rows - m.fixed(),
	}
	for i := range f.n {
		f.parameter[i] = point.ratio[i]
		if point.ratio[i] != 0 {
			f.coordinate[f.free][i] = 1
			f.free++
		}
	}
}

// value is the estimate of combination r for outcome i, from the eliminated
// matrix.
func (m *mixed) value(i, r int) float64 {
	p := m.columns
	value := -m.matrix[0][triangle(p+1+r)+p]
	if m.rotated.on {
		value += dot(m.weightsOf(r), m.rotated.ahead[i*len(m.l.terms):])
	}
	if k := m.l.combinations[r].intercept; k != 0 {
		// The outcome was measured from its mean.
		c := m.l.core
		y := m.l.outcomes[i]
		value += k * (c.effectS[len(c.terms)+y]/c.rows + c.outcomes[y].center)
	}
	return value
}

// covariance is that of combinations r and t, per σ².
func (m *mixed) covariance(r, t int) curve {
	r, t = max(r, t), min(r, t)
	at := triangle(m.columns+1+r) + m.columns + 1 + t
	if n := m.inference.n; m.slopes != nil {
		x := m.matrix.series(at, n)
		for k := range x {
			x[k] = -x[k]
		}
		return x.curve(n)
	}
	x := m.matrix.at(at)
	return x.times(jet{v: -1}).curve()
}

// estimate reads combination r off the eliminated matrix.
func (m *mixed) estimate(i, r int, status Status) Estimate {
	f := &m.inference
	e := Estimate{Value: m.value(i, r), DF: f.degrees, Status: status}
	if !f.known {
		return failed(NotFinite)
	}
	variance := m.covariance(r, r)
	scale := variance.v
	switch m.rule {
	case Satterthwaite:
		e.DF = f.satterthwaite(&variance)
	case KenwardRoger:
		scale, e.DF = f.kenwardRoger(&variance)
	}
	e.SE = math.Sqrt(f.sigma2() * scale)
	if !(e.SE > 0) || math.IsInf(e.SE, 0) || math.IsNaN(e.Value) || math.IsInf(e.Value, 0) || !(e.DF > 0) || math.IsInf(e.DF, 0) {
		return failed(NotFinite)
	}
	e.P = studentP(e.Value/e.SE, e.DF)
	return e
}
