package estimators

import (
	"math"

	"coachsim/dgp"
)

// A biasReduction computes the standard errors that adjust residuals for
// leverage: HC2, HC3, CR2 and CR3, and the Satterthwaite degrees of freedom of
// the last two (Bell and McCaffrey 2002; Pustejovsky and Tipton 2018), for a
// working model of independent errors with one variance.
//
// For cluster g let X_g be its rows with the absorbed effects partialled out, D_g
// its indicators of the effects, and H = X_g M X_g' + D_g diag(1/n_e) D_g', with
// M = (X'X)⁻¹, the leverage of the cluster. The score of the combination w'b is
// then a'X_g'(I-H)^p e_g with a = Mw and p = -1/2 (CR2) or -1 (CR3). It is again
// linear in the sums Σ_i m_i e_i by basis m that ordinary scores use, so all
// that changes is the influence of a row: ω in place of h.
//
// No matrix of the size of a cluster is formed. Rows are combinations Z of the
// basis, with Z'Z = S = LL' from the core; X_g M X_g' + ... = Z N Z'. So
// (I-H)^p Z = Z (I-NS)^p = Z L⁻ᵀ (I-K)^p Lᵀ with K = L'NL, as many rows as the
// cluster has classes times bases. A cluster of many classes has fewer regressors
// than that; there (I-H)^p B = B (I-C)^p with B = [X_g M^½, D_g diag(1/√n_e)] and
// C = B'B.
//
// NS, K and C have the eigenvalues of H. Where these are small, as they are
// unless a cluster holds much of what identifies a coefficient, the power comes
// from a powerSeries, else from the eigenvectors of K or C.
type biasReduction struct {
	*coordinates
	power   float64
	series  [seriesSteps]powerSeries
	columns *columnReduction // where scores can be columns, else nil

	order []int // groups, cluster by cluster
	start []int // where each cluster starts in order, and the end

	lower  []float64 // scratch: L of each class of a cluster
	n, k   []float64 // scratch: square matrices of a cluster, rows padded to whole fours
	vector []float64 // scratch: eigenvectors
	value  []float64 // scratch: eigenvalues
	x, y   []float64 // scratch: vectors of a cluster, padded
	phi    []float64 // by cluster and combination: B'w, w the weights of the score
	weight []float64 // by cluster and pair of combinations: w_s'w_t
	cross  []float64 // scratch: Σ φφ'
	df     []float64 // by combination
	side   []float64 // by group: N, for the leverage of single rows
}

func newBiasReduction(l *linear, shape dgp.Shape) *biasReduction {
	most, nb, nc := shape.Max[l.core.group], len(l.core.basis), len(l.combinations)
	b := &biasReduction{coordinates: newCoordinates(l, shape), power: l.se.adjustment()}
	for i := range b.series {
		b.series[i] = newPowerSeries(b.power, seriesLimit*float64(i+1)/seriesSteps)
	}
	if l.columns != nil {
		b.columns = newColumnReduction(b, shape)
	}
	d := wholeFours(max(b.r, nb))
	b.order = make([]int, most)
	b.start = make([]int, most+1)
	b.lower = make([]float64, d*nb)
	b.n = make([]float64, d*d)
	b.k = make([]float64, d*d)
	b.vector = make([]float64, d*d)
	b.value = make([]float64, d)
	b.x = make([]float64, d)
	b.y = make([]float64, d)
	b.df = make([]float64, nc)
	if l.se.clustered() {
		b.phi = make([]float64, most*nc*b.r)
		b.weight = make([]float64, most*nc*nc)
		b.cross = make([]float64, b.r*b.r)
	} else if l.core.key.rows > l.core.group {
		b.side = make([]float64, most*nb*nb)
	}
	return b
}

// adjust replaces the influences h of the combinations, in l.projected, by ω.
func (b *biasReduction) adjust() {
	l, c := b.l, b.l.core
	if l.inColumns {
		b.columns.adjust()
		return
	}
	b.prepare()
	if b.side != nil {
		b.fillSides()
		return
	}
	b.sortGroups()
	nb := len(c.basis)
	for g := range l.clusters {
		groups := b.order[b.start[g]:b.start[g+1]]
		if len(groups)*nb <= b.r || len(groups) == 1 {
			b.byBasis(g, groups)
		} else {
			b.byRegressors(g, groups)
		}
	}
	if l.se.clustered() {
		b.satterthwaite()
	}
}

// sortGroups lists the active groups cluster by cluster.
func (b *biasReduction) sortGroups() {
	l, c := b.l, b.l.core
	clear(b.start[:l.clusters+1])
	for g := range c.groups {
		if c.active[g] {
			b.start[l.clusterOf[g]+1]++
		}
	}
	for k := range l.clusters {
		b.start[k+1] += b.start[k]
	}
	for g := range c.groups {
		if c.active[g] {
			k := l.clusterOf[g]
			b.order[b.start[k]] = g
			b.start[k]++
		}
	}
	copy(b.start[1:l.clusters+1], b.start[:l.clusters])
	b.start[0] = 0
}

// between returns N for basis a of group g and basis m of group h.
func (b *biasReduction) between(g, a, h, m int) float64 {
	c, p, nb := b.l.core, b.terms, len(b.l.core.basis)
	v := dot(b.root[(g*nb+a)*p:(g*nb+a+1)*p], b.root[(h*nb+m)*p:(h*nb+m+1)*p])
	if a == 0 && m == 0 && c.effects > 0 && c.effect[g] == c.effect[h] {
		v += b.effect[c.effect[g]] * b.effect[c.effect[g]]
	}
	return v
}

// fillSides keeps N of every group, from which rowScores takes leverages.
func (b *biasReduction) fillSides() {
	c, nb := b.l.core, len(b.l.core.basis)
	for g := range c.groups {
		if !c.active[g] {
			continue
		}
		for a := range nb {
			for m := range nb {
				b.side[(g*nb+a)*nb+m] = b.between(g, a, g, m)
			}
		}
	}
}

// rowFactor is (1-h)^p for a child's row, h its leverage.
func (b *biasReduction) rowFactor(g, row int, in float64) float64 {
	c, nb := b.l.core, len(b.l.core.basis)
	h := 0.0
	for a := range nb {
		x := in
		if a > 0 {
			x = c.columns[a][row]
		}
		h += x * c.atRow(b.side[(g*nb+a)*nb:(g*nb+a+1)*nb], row, in)
	}
	return b.raise(1 - h)
}

// singularRest is where 1-h counts as 0: the cluster fits its rows exactly in
// that direction, and the generalised inverse leaves it out.
const singularRest = 1e-10

// raise returns x^p, 0 where x is 0 but for rounding.
func (b *biasReduction) raise(x float64) float64 {
	switch {
	case !(x > singularRest):
		return 0
	case b.power == -1:
		return 1 / x
	default:
		return 1 / math.Sqrt(x)
	}
}

// byBasis adjusts a cluster of few classes, in the space of their bases.
func (b *biasReduction) byBasis(cluster int, groups []int) {
	l, c := b.l, b.l.core
	nb, nc := len(c.basis), len(l.combinations)
	d := len(groups) * nb
	w := wholeFours(d)
	for t, g := range groups {
		for a := range nb {
			i := t*nb + a
			for u, h := range groups[:t+1] {
				for m := range nb {
					j := u*nb + m
					if j > i {
						break
					}
					v := b.between(g, a, h, m)
					b.n[i*w+j], b.n[j*w+i] = v, v
				}
			}
		}
	}
	// The columns of NS, one after the other.
	for t, g := range groups {
		stat := c.stat[g*c.stride:]
		for m := range nb {
			column := b.k[(t*nb+m)*w : (t*nb+m+1)*w]
			clear(column)
			for a := range nb {
				addScaled(column[:d], stat[c.pairs[a*nb+m]], b.n[(t*nb+a)*w:])
			}
		}
	}
	series := b.seriesFor(squaredNorm(b.k, d))
	if series == nil {
		b.decomposeBasis(groups)
	}
	for r := range nc {
		for t, g := range groups {
			copy(b.x[t*nb:], l.projection(g, r))
		}
		if series != nil {
			b.applySeries(b.k, d, series)
		} else {
			b.applyEigenvectors(groups)
		}
		for t, g := range groups {
			copy(l.projection(g, r), b.y[t*nb:])
		}
	}
	if l.se.clustered() {
		b.keepMoments(cluster, groups)
	}
}

// applyEigenvectors fills y with (I-NS)^p x = L⁻ᵀ (I-K)^p Lᵀ x; x is destroyed.
func (b *biasReduction) applyEigenvectors(groups []int) {
	nb := len(b.l.core.basis)
	for t := range groups {
		x, lower := b.x[t*nb:(t+1)*nb], b.lower[t*nb*nb:(t+1)*nb*nb]
		for m := range nb {
			v := 0.0
			for a := m; a < nb; a++ {
				v += lower[a*nb+m] * x[a]
			}
			x[m] = v // later numbers do not need it
		}
	}
	b.applyPower(len(groups) * nb)
	for t := range groups {
		y := b.y[t*nb : (t+1)*nb]
		backSubstitute(y, b.lower[t*nb*nb:(t+1)*nb*nb], y)
	}
}

// decomposeBasis finds the eigenvectors of K = L'NL, L block diagonal, from N.
func (b *biasReduction) decomposeBasis(groups []int) {
	c, nb := b.l.core, len(b.l.core.basis)
	d := len(groups) * nb
	w := wholeFours(d)
	for t, g := range groups {
		lowerOf(b.lower[t*nb*nb:(t+1)*nb*nb], c, g)
	}
	for i := range d {
		for u := range groups {
			for m := range nb {
				v := 0.0
				for a := m; a < nb; a++ {
					v += b.n[i*w+u*nb+a] * b.lower[(u*nb+a)*nb+m]
				}
				b.k[i*d+u*nb+m] = v
			}
		}
	}
	for t := range groups {
		for a := range nb {
			for j := range d {
				v := 0.0
				for m := a; m < nb; m++ {
					v += b.lower[(t*nb+m)*nb+a] * b.k[(t*nb+m)*d+j]
				}
				b.n[(t*nb+a)*d+j] = v
			}
		}
	}
	jacobi(b.value[:d], b.vector[:d*d], b.n[:d*d], d)
}

// applyPower fills y with (I-K)^p x, from the eigenvectors of K.
func (b *biasReduction) applyPower(d int) {
	clear(b.y[:d])
	for j := range d {
		v := b.vector[j*d : (j+1)*d]
		k := dot(v, b.x[:d]) * b.raise(1-b.value[j])
		addScaled(b.y[:d], k, v)
	}
}

// wholeFours returns n rounded up to a multiple of four.
func wholeFours(n int) int { return (n + 3) &^ 3 }

// applySeries fills y with (I-A)^p x = Σ_k c_k A^k x, for A of which the columns are
// the rows of a; x is destroyed.
func (b *biasReduction) applySeries(a []float64, d int, series *powerSeries) {
	w := wholeFours(d)
	clear(b.x[d:w])
	if w == 4 {
		clear(a[4*d : 16])
		series.applyFour((*[4]float64)(b.y), (*[16]float64)(a), (*[4]float64)(b.x))
		return
	}
	x, next := b.x[:w], b.value[:w]
	for i, v := range x {
		b.y[i] = series.coefficient[0] * v
	}
	for _, coefficient := range series.coefficient[1:] {
		for i := 0; i < w; i += 4 {
			var s0, s1, s2, s3 float64
			for j, v := range x[:d] {
				of := (*[4]float64)(a[j*w+i:])
				s0 += v * of[0]
				s1 += v * of[1]
				s2 += v * of[2]
				s3 += v * of[3]
			}
			y := (*[4]float64)(b.y[i:])
			y[0] += coefficient * s0
			y[1] += coefficient * s1
			y[2] += coefficient * s2
			y[3] += coefficient * s3
			*(*[4]float64)(next[i:]) = [4]float64{s0, s1, s2, s3}
		}
		x, next = next, x
	}
}

func (b *biasReduction) phiOf(cluster, r int) []float64 {
	at := (cluster*len(b.l.combinations) + r) * b.r
	return b.phi[at : at+b.r]
}

// keepMoments keeps φ_t = B'w_t and w_s'w_t of the combinations of a cluster,
// for w = Zω: from Sω = Z'w, the first is Σ root Sω and the second ω_s'Sω_t.
func (b *biasReduction) keepMoments(cluster int, groups []int) {
	l, c := b.l, b.l.core
	p, nb, nc := b.terms, len(c.basis), len(l.combinations)
	weight := b.weight[cluster*nc*nc : (cluster+1)*nc*nc]
	clear(weight)
	for t := range nc {
		phi := b.phiOf(cluster, t)
		clear(phi)
		for _, g := range groups {
			stat := c.stat[g*c.stride:]
			omega := l.projection(g, t)
			for a := range nb {
				v := 0.0
				for m, o := range omega {
					v += stat[c.pairs[a*nb+m]] * o
				}
				addScaled(phi[:p], v, b.root[(g*nb+a)*p:(g*nb+a+1)*p])
				if a == 0 && c.effects > 0 {
					phi[p+c.effect[g]] += v * b.effect[c.effect[g]]
				}
				for s := range t + 1 {
					weight[s*nc+t] += v * l.projection(g, s)[a]
				}
			}
		}
		for s := range t {
			weight[t*nc+s] = weight[s*nc+t]
		}
	}
}

// byRegressors adjusts a cluster of many classes, in the space of regressors
// and absorbed effects.
func (b *biasReduction) byRegressors(cluster int, groups []int) {
	l, c := b.l, b.l.core
	nb, nc, p, r := len(c.basis), len(l.combinations), b.terms, b.r
	w := wholeFours(r)
	// C = Σ B_t' S_t B_t over the classes t.
	clear(b.k[:r*w])
	for _, g := range groups {
		stat := c.stat[g*c.stride:]
		for a := range nb {
			clear(b.x[:r])
			for m := range nb {
				k := stat[c.pairs[a*nb+m]]
				addScaled(b.x[:p], k, b.root[(g*nb+m)*p:(g*nb+m+1)*p])
				if m == 0 && c.effects > 0 {
					b.x[p+c.effect[g]] += k * b.effect[c.effect[g]]
				}
			}
			for i, v := range b.root[(g*nb+a)*p : (g*nb+a+1)*p] {
				addScaled(b.k[i*w:i*w+r], v, b.x[:r])
			}
			if a == 0 && c.effects > 0 {
				i := p + c.effect[g]
				addScaled(b.k[i*w:i*w+r], b.effect[c.effect[g]], b.x[:r])
			}
		}
	}
	series := b.seriesFor(squaredNorm(b.k, r))
	if series == nil {
		for i := range r {
			copy(b.n[i*r:(i+1)*r], b.k[i*w:])
		}
		jacobi(b.value[:r], b.vector[:r*r], b.n[:r*r], r)
	}
	for t := range nc {
		// The influence of a row is Bβ with β = (M^½ w, lift √n_e).
		clear(b.x[:r])
		copy(b.x[:p], l.half[t*p:(t+1)*p])
		if l.lift[t] != 0 {
			for e := range c.effects {
				b.x[p+e] = l.lift[t] * math.Sqrt(c.effectN[e])
			}
		}
		if series != nil {
			b.applySeries(b.k, r, series)
		} else {
			b.applyPower(r)
		}
		gamma := b.y[:r]
		for _, g := range groups {
			omega := l.projection(g, t)
			for a := range nb {
				omega[a] = dot(b.root[(g*nb+a)*p:(g*nb+a+1)*p], gamma[:p])
			}
			if c.effects > 0 {
				omega[0] += gamma[p+c.effect[g]] * b.effect[c.effect[g]]
			}
		}
	}
	if l.se.clustered() {
		b.keepMoments(cluster, groups)
	}
}

// satterthwaite matches the first two moments of the variance estimate of each
// combination to a χ²: df = 2 E²/Var = (Σ_g P_gg)² / Σ_gh P_gh², with
// P_gh = w_g'(I-H)_gh w_h = [g=h] w_g'w_g - φ_g'φ_h.
func (b *biasReduction) satterthwaite() {
	nc, r := len(b.l.combinations), b.r
	for t := range nc {
		trace, square := 0.0, 0.0
		clear(b.cross)
		for g := range b.l.clusters {
			phi := b.phiOf(g, t)
			w := b.weight[(g*nc+t)*nc+t]
			f := dot(phi, phi)
			trace += w - f
			square += w*w - 2*w*f
			for i, v := range phi {
				if v != 0 {
					addScaled(b.cross[i*r:i*r+i+1], v, phi[:i+1])
				}
			}
		}
		square += frobenius(b.cross, r)
		b.df[t] = trace * trace / square
	}
}

// frobenius returns the sum of squares of a symmetric matrix given by its
// lower triangle.
func frobenius(m []float64, n int) float64 {
	s := 0.0
	for i := range n {
		for j := range i {
			s += 2 * m[i*n+j] * m[i*n+j]
		}
		s += m[i*n+i] * m[i*n+i]
	}
	return s
}

// lowerOf fills l with the lower factor of S of group g. Where a basis column
// is a combination of earlier ones in this class, its column of L is 0.
func lowerOf(l []float64, c *core, g int) {
	nb := len(c.basis)
	stat := c.stat[g*c.stride:]
	clear(l)
	for j := range nb {
		pivot := stat[c.pairs[j*nb+j]]
		diagonal := pivot
		for k := range j {
			v := stat[c.pairs[j*nb+k]]
			for i := range k {
				v -= l[j*nb+i] * l[k*nb+i]
			}
			if l[k*nb+k] > 0 {
				v /= l[k*nb+k]
			} else {
				v = 0
			}
			l[j*nb+k] = v
			pivot -= v * v
		}
		if pivot > 1e-12*diagonal {
			l[j*nb+j] = math.Sqrt(pivot)
		}
	}
}

// backSubstitute solves L'x = y, 0 where the column of L is 0.
func backSubstitute(x, l, y []float64) {
	n := len(x)
	for j := n - 1; j >= 0; j-- {
		if l[j*n+j] == 0 {
			x[j] = 0
			continue
		}
		v := y[j]
		for k := j + 1; k < n; k++ {
			v -= l[k*n+j] * x[k]
		}
		x[j] = v / l[j*n+j]
	}
}

// jacobi fills value and vector (by rows) with the eigenvalues and eigenvectors
// of the symmetric matrix a, which it destroys, by cyclic Jacobi rotations
// (Golub and Van Loan 2013, section 8.5).
func jacobi(value, vector, a []float64, n int) {
	clear(vector)
	for i := range n {
		vector[i*n+i] = 1
	}
	norm := 0.0
	for _, x := range a {
		norm += x * x
	}
	for range 60 {
		off := 0.0
		for i := range n {
			for j := range i {
				off += a[i*n+j] * a[i*n+j]
			}
		}
		if !(off > 1e-32*norm) {
			break
		}
		for p := range n {
			for q := p + 1; q < n; q++ {
				rotate(vector, a, n, p, q)
			}
		}
	}
	for i := range n {
		value[i] = a[i*n+i]
	}
}

// rotate makes element (p, q) of a zero.
func rotate(vector, a []float64, n, p, q int) {
	apq := a[p*n+q]
	if apq == 0 {
		return
	}
	theta := (a[q*n+q] - a[p*n+p]) / (2 * apq)
	t := 1 / (math.Abs(theta) + math.Sqrt(theta*theta+1))
	if theta < 0 {
		t = -t
	}
	cos := 1 / math.Sqrt(t*t+1)
	sin := t * cos
	for k := range n {
		x, y := a[k*n+p], a[k*n+q]
		a[k*n+p], a[k*n+q] = cos*x-sin*y, sin*x+cos*y
	}
	for k := range n {
		x, y := a[p*n+k], a[q*n+k]
		a[p*n+k], a[q*n+k] = cos*x-sin*y, sin*x+cos*y
	}
	for k := range n {
		x, y := vector[p*n+k], vector[q*n+k]
		vector[p*n+k], vector[q*n+k] = cos*x-sin*y, sin*x+cos*y
	}
}

// hotelling returns η = k(k+1) / Σ_st Var(D_st), the degrees of freedom at which
// a Wishart matrix has the total variance of D = Ω^(-½) V Ω^(-½), with V the
// variance estimate of a group of k combinations and Ω its expectation
// (Pustejovsky and Tipton 2018, section 3.3). With P as in satterthwaite for
// pairs of combinations, after they are transformed by Ω^(-½),
//
//	Var(D_st) = Σ_gh P_ss,gh P_tt,gh + P_st,gh P_ts,gh
func (b *biasReduction) hotelling(group []int) float64 {
	nc, k := len(b.l.combinations), len(group)
	h := b.l.wishart
	// Ω = Σ_g P_gg.
	clear(h.omega[:k*k])
	for g := range b.l.clusters {
		for i, s := range group {
			for j, t := range group {
				h.omega[i*k+j] += b.weight[(g*nc+s)*nc+t] - dot(b.phiOf(g, s), b.phiOf(g, t))
			}
		}
	}
	jacobi(h.value[:k], h.vector[:k*k], h.omega[:k*k], k)
	for i := range k {
		for j := range k {
			v := 0.0
			for e := range k {
				v += h.vector[e*k+i] * h.vector[e*k+j] / math.Sqrt(h.value[e])
			}
			h.omega[i*k+j] = v
		}
	}
	total := 0.0
	for i := range k {
		for j := range k {
			total += b.wishartVariance(group, i, j)
		}
	}
	return float64(k*(k+1)) / total
}

// wishartVariance returns Var(D_ij). With Φ_st = Σ_g φ_s φ_t' the double sums
// over clusters are traces of products of Φ.
func (b *biasReduction) wishartVariance(group []int, i, j int) float64 {
	h, r := b.l.wishart, b.r
	clear(h.phi)
	v := 0.0
	for g := range b.l.clusters {
		b.transform(h.left, g, group, i)
		b.transform(h.right, g, group, j)
		ii, jj, ij := b.transformed(g, group, i, i), b.transformed(g, group, j, j), b.transformed(g, group, i, j)
		fii, fjj, fij := dot(h.left, h.left), dot(h.right, h.right), dot(h.left, h.right)
		v += ii*jj - ii*fjj - jj*fii + ij*ij - 2*ij*fij
		for a, x := range h.left {
			addScaled(h.phi[a*r:(a+1)*r], x, h.right)
		}
	}
	for a := range r {
		for m := range r {
			v += h.phi[a*r+m] * (h.phi[a*r+m] + h.phi[m*r+a])
		}
	}
	return v
}

// transform fills dst with φ of the i-th combination after Ω^(-½).
func (b *biasReduction) transform(dst []float64, g int, group []int, i int) {
	k := len(group)
	clear(dst)
	for j, s := range group {
		addScaled(dst, b.l.wishart.omega[i*k+j], b.phiOf(g, s))
	}
}

// transformed returns w_i'w_j of a cluster after Ω^(-½).
func (b *biasReduction) transformed(g int, group []int, i, j int) float64 {
	nc, k := len(b.l.combinations), len(group)
	v := 0.0
	for a, s := range group {
		for m, t := range group {
			v += b.l.wishart.omega[i*k+a] * b.weight[(g*nc+s)*nc+t] * b.l.wishart.omega[j*k+m]
		}
	}
	return v
}

// A wishart is the scratch of hotelling.
type wishart struct {
	omega, vector, value []float64
	left, right, phi     []float64
}

func newWishart(most, r int) *wishart {
	return &wishart{
		omega: make([]float64, most*most), vector: make([]float64, most*most), value: make([]float64, most),
		left: make([]float64, r), right: make([]float64, r), phi: make([]float64, r*r),
	}
}
