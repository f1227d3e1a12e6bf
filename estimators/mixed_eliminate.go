package estimators

// An elimination is Gauss's, of the first p columns of a symmetric matrix of jets of which
// the lower triangle is kept by rows. It is done row by row: with the pivots d_k = m_kk,
//
//	m_ij ← m_ij - Σ_{k<j} f_k m_jk,  f_k = m_ik/d_k
//
// where the rows above are done. The numbers of a sum stand side by side, and each number
// is written once.
//
// For one ratio the rows are copied, with the numbers of a jet side by side too, and D
// comes before: row i begins with g_i, its products with the dummies. These are orthogonal
// to each other, so that nothing is to be done before they are pivots, d_k given.
type elimination struct {
	factor  jets  // scratch: by column, f of one row, for two ratios
	inverse []jet // by column, 1/d

	dummies int          // columns of D
	row     [][]firstJet // by row of the matrix: g, then the row
	of      []firstJet   // scratch: f of one row
	per     []firstJet   // by dummy, then by column: 1/d
}

// A firstJet is a jet of one ratio, with half of its second derivative: the coefficients of
// a power series, whose products take less work.
type firstJet struct{ v, a, half float64 }

func (x *jet) first() firstJet { return firstJet{x.v, x.a, x.aa / 2} }

func (x *firstJet) jet() jet { return jet{v: x.v, a: x.a, aa: 2 * x.half} }

// newElimination has room for so many columns to eliminate, rows in all, and dummies.
func newElimination(components, columns, rows, dummies int) elimination {
	e := elimination{
		factor: newJets(components, columns), inverse: make([]jet, columns),
		row: make([][]firstJet, rows), of: make([]firstJet, dummies+columns), per: make([]firstJet, dummies+columns),
	}
	for i := range e.row {
		e.row[i] = make([]firstJet, dummies+i+1)
	}
	return e
}

// eliminateOne sweeps the dummies and the first p columns out of the matrix, for one
// ratio, and returns the sum of the logarithms of the pivots of the latter. Of the rows
// from p on it completes column p and the diagonal, or the whole of them; these alone are
// written to the matrix. It reports false where a pivot is not positive; then row p lacks
// the columns from there on.
func (e *elimination) eliminateOne(matrix jets, p, rows int, whole bool) (jet, bool) {
	n := e.dummies
	for i, row := range e.row[:rows] {
		if i > p { // a combination, which has no product with a dummy
			clear(row[:n])
		}
		at := triangle(i)
		m0, m1, m2 := matrix[0][at:][:i+1], matrix[1][at:][:i+1], matrix[2][at:][:i+1]
		row = row[n:][:i+1]
		for j, v := range m0 {
			row[j] = firstJet{v, m1[j], m2[j] / 2}
		}
	}
	logs := newLogSum()
	pivots := p
	for i := range p {
		e.complete(i, i, i+1)
		pivot := e.row[i][n+i].jet()
		if !(pivot.v > 0) {
			pivots, rows = i, p+1
			break
		}
		logs.add(&pivot)
		inverse := pivot.inverse()
		e.per[n+i] = inverse.first()
	}
	for i := p; i < rows; i++ {
		e.complete(i, pivots, p+1)
		switch {
		case whole:
			e.completeFrom(i, pivots, p+1, i+1)
		case i > p:
			e.completeFrom(i, pivots, i, i+1)
		}
		at := triangle(i)
		for j, x := range e.row[i][n:][:i+1] {
			matrix[0][at+j], matrix[1][at+j], matrix[2][at+j] = x.v, x.a, 2*x.half
		}
	}
	return logs.total(), pivots == p
}

// complete completes the first numbers of row i from the first pivots.
func (e *elimination) complete(i, pivots, count int) {
	n := e.dummies
	row := e.row[i]
	for k := range n {
		e.of[k] = row[k].times(&e.per[k])
	}
	for j := range min(pivots, count) {
		row[n+j].subtract(e.of[:n+j], e.row[j])
		e.of[n+j] = row[n+j].times(&e.per[n+j])
	}
	e.completeFrom(i, pivots, pivots, count)
}

// completeFrom completes numbers of row i behind the pivots.
func (e *elimination) completeFrom(i, pivots, from, to int) {
	for j := from; j < to; j++ {
		e.row[i][e.dummies+j].subtract(e.of[:e.dummies+pivots], e.row[j])
	}
}

func (x *firstJet) times(y *firstJet) firstJet {
	return firstJet{x.v * y.v, x.v*y.a + x.a*y.v, x.v*y.half + x.a*y.a + x.half*y.v}
}

// subtract takes Σ_k f_k c_k off x.
func (x *firstJet) subtract(f, c []firstJet) {
	v, a, half := x.v, x.a, x.half
	c = c[:len(f)]
	for k := range f {
		y, z := &f[k], &c[k]
		v -= y.v * z.v
		a -= y.v*z.a + y.a*z.v
		half -= y.v*z.half + y.a*z.a + y.half*z.v
	}
	x.v, x.a, x.half = v, a, half
}

// eliminateTwo is eliminateOne for two ratios, without dummies.
func (e *elimination) eliminateTwo(matrix jets, p, rows int, whole bool) (jet, bool) {
	logs := newLogSum()
	for i := range rows {
		e.rowOfTwo(matrix, i, p, min(i, p), whole)
		if i >= p {
			continue
		}
		pivot := matrix.at(triangle(i) + i)
		if !(pivot.v > 0) {
			e.rowOfTwo(matrix, p, p, i, whole)
			return logs.total(), false
		}
		logs.add(&pivot)
		e.inverse[i] = pivot.inverse()
	}
	return logs.total(), true
}

// rowOfTwo completes row i from the first pivots.
func (e *elimination) rowOfTwo(matrix jets, i, p, pivots int, whole bool) {
	m0, ma, maa, mb, mab, mbb := matrix[0], matrix[1], matrix[2], matrix[3], matrix[4], matrix[5]
	f0, fa, faa, fb, fab, fbb := e.factor[0], e.factor[1], e.factor[2], e.factor[3], e.factor[4], e.factor[5]
	for j := range i + 1 {
		if j > p && j < i && !whole {
			continue
		}
		at, from := triangle(i)+j, triangle(j)
		m := matrix.at(at)
		r0 := m0[from:][:min(j, pivots)]
		ra, raa, rb, rab, rbb := ma[from:][:len(r0)], maa[from:][:len(r0)], mb[from:][:len(r0)], mab[from:][:len(r0)], mbb[from:][:len(r0)]
		y0, ya, yaa, yb, yab, ybb := f0[:len(r0)], fa[:len(r0)], faa[:len(r0)], fb[:len(r0)], fab[:len(r0)], fbb[:len(r0)]
		for k, x := range r0 {
			xa, xb := ra[k], rb[k]
			m.v -= y0[k] * x
			m.a -= y0[k]*xa + ya[k]*x
			m.aa -= y0[k]*raa[k] + 2*ya[k]*xa + yaa[k]*x
			m.b -= y0[k]*xb + yb[k]*x
			m.ab -= y0[k]*rab[k] + ya[k]*xb + yb[k]*xa + yab[k]*x
			m.bb -= y0[k]*rbb[k] + 2*yb[k]*xb + ybb[k]*x
		}
		m0[at], ma[at], maa[at], mb[at], mab[at], mbb[at] = m.v, m.a, m.aa, m.b, m.ab, m.bb
		if j < pivots {
			f := m.times(e.inverse[j])
			f0[j], fa[j], faa[j], fb[j], fab[j], fbb[j] = f.v, f.a, f.aa, f.b, f.ab, f.bb
		}
	}
}
