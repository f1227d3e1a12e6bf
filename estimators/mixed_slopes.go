package estimators

import (
	"math"

	"coachsim/dgp"
)

// A randomTerm is the random effects of the units of one level: an intercept,
// the coefficient of a column, or both with their correlation.
type randomTerm struct {
	level   dgp.Level
	columns []int // places in randomSlopes.z
	stage   int   // of the level, 0 for the lowest
	first   int   // parameter
}

// parameters is the number of distinct entries of the covariance matrix.
func (t *randomTerm) parameters() int { return triangle(len(t.columns)) }

// randomSlopes is the part of a mixed model that has random coefficients. With Z
// the columns whose coefficients are random, a constant among them, the errors of
// all rows have the covariance σ²V,
//
//	V = I + Σ_k Σ_u Z_ku D_k Z_ku'
//
// for terms k and the units u of their level, Z_ku the rows of Z in u. Let B be
// the columns [Z X y] of one unit and V_u its covariance without term k. The
// term changes
//
//	B'V_u⁻¹B  to  B'V_u⁻¹B - (B'V_u⁻¹Z_k) M (Z_k'V_u⁻¹B),  M = (D_k⁻¹ + Z_k'V_u⁻¹Z_k)⁻¹
//
// and multiplies |V_u| by |I + Z_k'V_u⁻¹Z_k D_k|. So of every unit of the lowest
// level the rows Z'B are enough, and those of a higher unit are the sums over
// the lower ones in it: the classes' cross-products again, and never a row. M is
// written so that D may be singular. Everything is a function of the entries of
// the D_k with first and second derivatives. The entries are found by Newton's
// method on lme4's theta, D = ΛΛ' with Λ lower triangular, where a singular D is
// an ordinary point.
type randomSlopes struct {
	m      *mixed
	l      *linear      // the core's terms of z, from the second on
	terms  []randomTerm // lowest level first
	levels []dgp.Level  // of the terms, lowest first
	scale  []float64    // by column of z: its root mean square

	names   []string  // by column of z: its term
	centers []float64 // by column of z: from what it is measured

	active []randomTerm // those that this data set can tell apart
	merged bool         // some cannot be
	n      int          // parameters
	needed [][]bool     // by active term and column of z: a later step uses its row
	last   []int        // by stage: units
	ids    []int        // scratch: by stage, the unit being filled

	units  []slopeUnit
	rows   []float64 // by unit: Z'[Z X y], all outcomes
	below  []jets    // by stage: Z'V⁻¹[Z X y] of the unit being filled
	lifted jets      // the product M Z'V⁻¹[Z X y]
	logs   series
	point  slopePoint
}

// A slopeUnit is a unit of the lowest random level.
type slopeUnit struct {
	effect int
	closes int  // units that end with it, one for each stage
	ends   bool // its effect ends with it
}

// A slopePoint is the profiled deviance at a point.
type slopePoint struct {
	theta                    [mostParameters]float64
	parameter                [mostParameters]float64
	logs, restrict, residual series
	rows                     float64
	deviance                 float64
	gradient                 [mostParameters]float64 // by theta
	hessian                  [mostParameters][mostParameters]float64
}

func (r *randomSlopes) allocate(shape dgp.Shape) {
	m := r.m
	ny, nc, nz := len(m.l.outcomes), len(m.l.combinations), r.width()
	columns := m.constant + len(m.l.terms)
	n := 0
	for i := range r.terms {
		n += r.terms[i].parameters()
	}
	most := shape.Max[r.levels[0]]
	width := nz + columns + 1
	m.kept = make([]int, 0, len(m.l.terms))
	m.allocateRotation(shape)
	m.within = make([]float64, triangle(columns)+ny*(columns+1))
	m.matrix = newJets(components(n), triangle(columns+1+nc))
	m.column = newJets(components(n), columns+1+nc)
	m.lifted = newJets(components(n), columns+1)
	r.scale = make([]float64, nz)
	r.active = make([]randomTerm, 0, len(r.terms))
	r.needed = make([][]bool, len(r.terms))
	for i := range r.needed {
		r.needed[i] = make([]bool, nz)
	}
	r.last = make([]int, len(r.levels))
	r.ids = make([]int, len(r.levels))
	r.units = make([]slopeUnit, 0, most)
	r.rows = make([]float64, most*nz*(nz+columns+ny))
	r.below = make([]jets, len(r.levels))
	for i := range r.below {
		r.below[i] = newJets(components(n), nz*width)
	}
	r.lifted = newJets(components(n), 2*width)
}

// width is the number of columns of z.
func (r *randomSlopes) width() int { return 1 + len(r.l.terms) }

// prepare computes what all outcomes share.
func (r *randomSlopes) prepare(s *Setup) Status {
	m, c := r.m, r.m.l.core
	m.stride = triangle(m.columns) + len(m.l.outcomes)*(m.columns+1)
	r.scale[0] = 1
	for k, u := range r.l.terms {
		if r.scale[1+k] = math.Sqrt(c.raw[u] / c.rows); math.IsNaN(r.scale[1+k]) || math.IsInf(r.scale[1+k], 0) {
			return NotFinite
		}
		if r.scale[1+k] == 0 {
			return TooFewClusters // nothing varies
		}
	}
	r.findUnits(s.data)
	if m.rotated.on {
		m.rotate(s)
	}
	m.crossProducts(m.within)
	for _, units := range r.last {
		if units < 2 {
			return TooFewClusters
		}
	}
	if float64(len(r.units)) >= c.rows {
		return TooFewRows
	}
	r.activate()
	return OK
}

// findUnits sums Z'[Z X y] over each unit of the lowest level. X and y are
// measured from the mean of their effect.
func (r *randomSlopes) findUnits(d *dgp.Data) {
	m, c := r.m, r.m.l.core
	nz, p, ny := r.width(), m.columns, len(m.l.outcomes)
	stride := nz * (nz + p + ny)
	r.units = r.units[:0]
	clear(r.last)
	effect := -1
	for g := range c.groups {
		if !c.active[g] {
			continue
		}
		closes := 0
		for k, level := range r.levels {
			if id := d.Ancestor(c.group, g, level); len(r.units) == 0 || id != r.ids[k] {
				r.ids[k] = id
				r.last[k]++
				closes++
			}
		}
		if closes > 0 {
			if n := len(r.units); n > 0 {
				r.units[n-1].closes, r.units[n-1].ends = closes, c.effect[g] != effect
			}
			effect = c.effect[g]
			r.units = append(r.units, slopeUnit{effect: effect})
			clear(r.rows[(len(r.units)-1)*stride : len(r.units)*stride])
		}
		m.unitOf[g] = len(r.units) - 1
		r.addGroup(g, r.rows[(len(r.units)-1)*stride:len(r.units)*stride])
	}
	if n := len(r.units); n > 0 {
		r.units[n-1].closes, r.units[n-1].ends = len(r.levels), true
	}
}

// addGroup adds Z'[Z X y] of a group.
func (r *randomSlopes) addGroup(g int, to []float64) {
	m, c, l := r.m, r.m.l.core, r.m.l
	nz, p, q := r.width(), m.columns, len(r.m.l.core.terms)
	width := nz + p + len(l.outcomes)
	sums := c.oneRight
	for k := range nz {
		row := to[k*width : (k+1)*width]
		basis, times, z := 0, 1.0, c.stat[g*c.stride] // z: Σ of the column itself
		if k > 0 {
			u := r.l.terms[k-1]
			basis, times, z = c.terms[u].basis, c.value(g, u)/r.scale[k], c.sums[u][g]/r.scale[k]
		}
		c.fillRight(sums, g, basis)
		row[0] += z
		for j, u := range r.l.terms {
			row[1+j] += times * sums[u] / r.scale[1+j]
		}
		if m.constant == 1 {
			row[nz] += z
		}
		x := row[nz+m.constant:]
		for j, i := range m.kept {
			x[j] += times * sums[l.terms[i]]
		}
		for j, y := range l.outcomes {
			row[nz+p+j] += times * sums[q+y]
		}
		if c.effects == 0 {
			continue
		}
		means := c.effectS[c.effect[g]*c.width : (c.effect[g]+1)*c.width]
		rows := c.effectN[c.effect[g]]
		for j, i := range m.kept {
			x[j] -= z * means[l.terms[i]] / rows
		}
		for j, y := range l.outcomes {
			row[nz+p+j] -= z * means[q+y] / rows
		}
	}
}

// activate leaves out intercepts of units that are the units of the next level
// too, numbers the parameters, and notes which rows of Z later steps use.
func (r *randomSlopes) activate() {
	r.active, r.merged, r.n = r.active[:0], false, 0
	for i, t := range r.terms {
		again := false
		for _, o := range r.terms[i+1:] {
			again = again || len(t.columns) == 1 && o.columns[0] == t.columns[0] && r.last[o.stage] == r.last[t.stage]
		}
		if again {
			r.merged = true
			continue
		}
		t.first = r.n
		r.n += t.parameters()
		r.active = append(r.active, t)
	}
	for i := range r.active {
		clear(r.needed[i])
		r.needed[i][0] = r.m.absorbed
		for _, t := range r.active[i+1:] {
			for _, z := range t.columns {
				r.needed[i][z] = true
			}
		}
	}
}

// evaluate computes the deviance of an outcome at theta, and its derivatives.
// With reported set it also solves for the reported combinations, as
// mixed.evaluate does.
func (r *randomSlopes) evaluate(outcome int, theta *[mostParameters]float64, reported bool) bool {
	m, l, p, n := r.m, r.m.l, r.m.columns, r.n
	point := &r.point
	*point = slopePoint{theta: *theta}
	r.toParameters()
	for k := range components(n) {
		clear(m.matrix[k])
	}
	corner, y := triangle(p), triangle(p)+outcome*(p+1)
	copy(m.matrix[0][:corner], m.within[:corner])
	copy(m.matrix[0][corner:], m.within[y:y+p+1])
	r.logs = series{}
	effects, ok := r.addUnits(outcome)
	if !ok {
		return false
	}
	rows := p + 1
	if reported {
		rows += len(l.combinations)
		m.addCombinations()
	}
	fixed, ok := eliminateSeries(m.matrix, m.column, p, rows, n, len(l.joint) > 0)
	point.logs, point.rows = r.logs, l.core.rows
	point.restrict = r.logs.plus(&effects)
	point.restrict = point.restrict.plus(&fixed)
	if m.likelihood == REML {
		point.logs = point.restrict
		point.rows -= m.fixed()
	}
	point.residual = m.matrix.series(triangle(p)+p, n)
	m.point.residual.v = point.residual[0]
	if !ok || !(point.residual[0] > 1e-13*l.core.square[l.outcomes[outcome]]) {
		return false
	}
	criterion := point.residual.log(n)
	for k := range criterion {
		criterion[k] = point.logs[k] + point.rows*criterion[k]
	}
	point.deviance = criterion[0]
	r.byTheta(&criterion)
	return !math.IsNaN(point.deviance) && !math.IsInf(point.deviance, 0)
}

// addUnits takes the random terms off the matrix, and then the effects, of
// which it returns log|D'V⁻¹D|. It adds log|V| to logs.
func (r *randomSlopes) addUnits(outcome int) (effects series, ok bool) {
	m, n := r.m, r.n
	nz, p, ny := r.width(), r.m.columns, len(r.m.l.outcomes)
	from, width := nz+p+ny, nz+p+1
	for _, b := range r.below {
		for k := range components(n) {
			clear(b[k][:nz*width])
		}
	}
	for k := range components(n) {
		clear(m.lifted[k])
	}
	var total series
	for u, unit := range r.units {
		for k := range nz {
			row := r.rows[(u*nz+k)*from : (u*nz+k+1)*from]
			to := r.below[0][0][k*width : (k+1)*width]
			copy(to, row[:width-1])
			to[width-1] = row[nz+p+outcome]
		}
		known := 0 // parameters that what is in below depends on
		for stage := range unit.closes {
			b := r.below[stage]
			for i := range r.active {
				if t := &r.active[i]; t.stage == stage {
					if !r.apply(b, t, r.needed[i], known) {
						return effects, false
					}
					known = t.first + t.parameters()
				} else if t.stage < stage {
					known = t.first + t.parameters()
				}
			}
			if stage+1 < len(r.levels) {
				for k := range components(known) {
					addScaled(r.below[stage+1][k][:nz*width], 1, b[k])
				}
			} else if m.absorbed {
				s := b.series(0, n)
				total = total.plus(&s)
				for k := range components(n) {
					addScaled(m.lifted[k][:p+1], 1, b[k][nz:width])
				}
			}
			for k := range components(n) {
				clear(b[k][:nz*width])
			}
		}
		if m.absorbed && unit.ends {
			if !(total[0] > 0) {
				return effects, false
			}
			log, inverse := total.log(n), total.inverse(n)
			effects = effects.plus(&log)
			for i := range p + 1 {
				x := m.lifted.series(i, n)
				factor := x.times(&inverse, n)
				subtractProduct(m.matrix, triangle(i), &factor, n, m.lifted, 0, i+1, n)
			}
			total = series{}
			for k := range components(n) {
				clear(m.lifted[k])
			}
		}
	}
	return effects, true
}

// apply takes a term off the matrix and off the rows of Z of one unit, which
// depend on the first parameters, known of them.
func (r *randomSlopes) apply(b jets, t *randomTerm, needed []bool, known int) bool {
	m, n := r.m, t.first+t.parameters()
	nz, p := r.width(), r.m.columns
	width := nz + p + 1
	q := len(t.columns)
	var inverse [2][2]series // M
	var determinant series
	if q == 1 {
		z := t.columns[0]
		a, d := b.series(z*width+z, n), parameter(t.first, r.point.parameter[t.first])
		determinant = a.times(&d, n)
		determinant[0]++
		i := determinant.inverse(n)
		inverse[0][0] = d.times(&i, n)
	} else {
		inverse, determinant = r.inverse(b, t, n)
	}
	if !(determinant[0] > 0) {
		return false
	}
	log := determinant.log(n)
	r.logs = r.logs.plus(&log)
	for i := range q {
		for k := range components(n) {
			clear(r.lifted[k][i*width : (i+1)*width])
		}
		for j, z := range t.columns {
			minus := inverse[i][j]
			for k := range minus {
				minus[k] = -minus[k]
			}
			subtractScaled(r.lifted, i*width, &minus, b, z*width, width, n, known)
		}
	}
	for i, z := range t.columns {
		for j := range p + 1 {
			factor := b.series(z*width+nz+j, known)
			subtractProduct(m.matrix, triangle(j), &factor, known, r.lifted, i*width+nz, j+1, n)
		}
	}
	var factor [2]series // of the row of Z before any of it changes
	for k := range nz {
		if !needed[k] {
			continue
		}
		for i, z := range t.columns {
			factor[i] = b.series(k*width+z, known)
		}
		for i := range t.columns {
			subtractProduct(b, k*width, &factor[i], known, r.lifted, i*width, width, n)
		}
	}
	return true
}

// subtractScaled is subtractProduct for a factor of more parameters than src.
func subtractScaled(dst jets, to int, f *series, src jets, from, count, n, known int) {
	if known == n {
		subtractProduct(dst, to, f, n, src, from, count, n)
		return
	}
	s0 := src[0][from : from+count]
	for k := range components(n) {
		addScaled(dst[k][to:to+count], -f[k], s0)
	}
	for i := range known {
		at := components(i)
		si := src[at][from : from+count]
		// f_0 s_i, and f_j s_i in every second derivative by i and j.
		addScaled(dst[at][to:to+count], -f[0], si)
		for j := range n {
			hi, lo := max(i, j), min(i, j)
			weight := f[components(j)]
			if i == j {
				weight *= 2
			}
			addScaled(dst[components(hi)+1+lo][to:to+count], -weight, si)
		}
		for j := range i + 1 {
			addScaled(dst[at+1+j][to:to+count], -f[0], src[at+1+j][from:from+count])
		}
	}
}

// inverse returns M and |I+AD| for two columns, A = Z'V⁻¹Z of the unit,
//
//	M = (D + |D| adj A)/|I+AD|,  |I+AD| = 1 + tr AD + |A||D|
func (r *randomSlopes) inverse(b jets, t *randomTerm, n int) (m [2][2]series, determinant series) {
	width := r.width() + r.m.columns + 1
	at := func(i, j int) series { return b.series(t.columns[i]*width+t.columns[j], n) }
	a11, a12, a22 := at(0, 0), at(0, 1), at(1, 1)
	k, value := t.first, &r.point.parameter
	d11, d21, d22 := parameter(k, value[k]), parameter(k+1, value[k+1]), parameter(k+2, value[k+2])
	minor := func(x11, x12, x22 *series) series {
		main, side := x11.times(x22, n), x12.times(x12, n)
		for k := range main {
			main[k] -= side[k]
		}
		return main
	}
	detA, detD := minor(&a11, &a12, &a22), minor(&d11, &d21, &d22)
	determinant = detA.times(&detD, n)
	x, y, z := a11.times(&d11, n), a12.times(&d21, n), a22.times(&d22, n)
	for i := range determinant {
		determinant[i] += x[i] + 2*y[i] + z[i]
	}
	determinant[0]++
	inverse := determinant.inverse(n)
	x, y, z = detD.times(&a22, n), detD.times(&a12, n), detD.times(&a11, n)
	for i := range x {
		x[i] += d11[i]
		y[i] = d21[i] - y[i]
		z[i] += d22[i]
	}
	m[0][0], m[0][1], m[1][1] = x.times(&inverse, n), y.times(&inverse, n), z.times(&inverse, n)
	m[1][0] = m[0][1]
	return m, determinant
}

// toParameters fills the point's parameters from its theta.
func (r *randomSlopes) toParameters() {
	theta, d := &r.point.theta, &r.point.parameter
	for i := range r.active {
		k := r.active[i].first
		d[k] = theta[k] * theta[k]
		if len(r.active[i].columns) == 2 {
			d[k+1] = theta[k] * theta[k+1]
			d[k+2] = theta[k+1]*theta[k+1] + theta[k+2]*theta[k+2]
		}
	}
}

// slopesOf fills the first derivatives of a term's parameters by its theta.
func (r *randomSlopes) slopesOf(t *randomTerm, to *[mostParameters]coordinate) {
	theta, k := &r.point.theta, t.first
	to[k][k] = 2 * theta[k]
	if len(t.columns) == 2 {
		to[k][k+1] = theta[k+1]
		to[k+1][k+1] = theta[k]
		to[k+1][k+2] = 2 * theta[k+1]
		to[k+2][k+2] = 2 * theta[k+2]
	}
}

// bendsOf fills the second derivatives of a term's parameters by its theta.
func (r *randomSlopes) bendsOf(t *randomTerm, to *[mostParameters][mostParameters]triples) {
	k := t.first
	to[k][k] = triples{first: k, by: [3]float64{2}}
	if len(t.columns) == 2 {
		to[k+1][k] = triples{first: k, by: [3]float64{0, 1}}
		to[k+1][k+1] = triples{first: k, by: [3]float64{0, 0, 2}}
		to[k+2][k+2] = triples{first: k, by: [3]float64{0, 0, 2}}
	}
}

// byTheta converts the derivatives of the deviance to those by theta.
func (r *randomSlopes) byTheta(criterion *series) {
	var f mixedInference
	f.n, f.free = r.n, r.n
	for i := range r.active {
		r.slopesOf(&r.active[i], &f.coordinate)
		r.bendsOf(&r.active[i], &f.bend)
	}
	c := criterion.curve(r.n)
	g, h := f.along(&c)
	r.point.gradient = g
	for i := range r.n {
		for j := range r.n {
			r.point.hessian[i][j] = h.at(i, j)
		}
	}
}

// infer fills the model's inference from the point. A covariance matrix of full
// rank has its entries for coordinates, one of rank 1 the first column of its
// factor.
func (r *randomSlopes) infer() {
	point, f := &r.point, &r.m.inference
	*f = mixedInference{
		n: r.n, logs: point.logs.curve(r.n), restrict: point.restrict.curve(r.n), residual: point.residual.curve(r.n),
		rows: point.rows, degrees: r.m.l.core.rows - r.m.fixed(), parameter: point.parameter,
	}
	var slope [mostParameters]coordinate
	var bend [mostParameters][mostParameters]triples
	for i := range r.active {
		t := &r.active[i]
		r.slopesOf(t, &slope)
		r.bendsOf(t, &bend)
		k, q := t.first, len(t.columns)
		switch {
		case point.theta[k] == 0 && (q == 1 || point.theta[k+2] == 0): // nothing varies
		case q == 1 || point.theta[k] != 0 && point.theta[k+2] != 0:
			for j := range t.parameters() {
				f.coordinate[f.free][k+j] = 1
				f.free++
			}
		case point.theta[k] == 0: // the slope alone varies
			f.coordinate[f.free][k+2] = 1
			f.free++
		default:
			at := f.free
			for j := range 2 {
				f.coordinate[at+j] = slope[k+j]
				for l := range j + 1 {
					f.bend[at+j][at+l] = bend[k+j][k+l]
				}
			}
			f.free += 2
		}
	}
}
