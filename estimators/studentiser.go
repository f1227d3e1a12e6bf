package estimators

// A studentiser computes the standard error that the regression would have had
// under another assignment of the arm.
//
// Of one arm, which all rows of a group share: a cell of randomisation is a
// group. In the notation there, row i of group g has the residualised arm
// T̃_i = d_g - τ'x_i, with d_g = T_g - T̄_e and x_i its coordinates of the other
// regressors. For a variable y with residuals ỹ = My, all that a cluster's score
// Σ T̃_i (ỹ_i - b T̃_i) needs are sums over its groups of
//
//	Σ_i T̃_i ỹ_i = d_g Y_g - τ'H_g,  H_g = Σ_i x_i ỹ_i
//	Σ_i T̃_i²    = n_g d_g² - 2 d_g τ'B_g + τ'S_g τ,  S_g = Σ_i x_i x_i'
//
// Both are linear in y, so that y - β0 T under a null β0 costs nothing more.
type studentiser struct {
	*randomisation
	treated []float64    // by cell: the arm
	product []float64    // by cell: S_g
	y, own  []float64    // by cell: H_g of the outcome, and of the data's own assignment
	scores  [][3]float64 // by cluster: Σ T̃ỹ, the same of the data's own assignment, and Σ T̃²
	// Sums over all rows: ỹ², ỹ times the data's own T̃, and that squared.
	yy, yt, tt float64
}

func (t *studentiser) allocate(most int) {
	n := len(t.x)
	t.treated = make([]float64, most)
	t.product = make([]float64, most*n*n)
	t.y = make([]float64, most*n)
	t.own = make([]float64, most*n)
	t.scores = make([][3]float64, most)
}

// prepare fills what does not depend on the outcome, after own has been
// residualised.
func (t *studentiser) prepare() {
	l, c, n := t.l, t.l.core, len(t.x)
	for cell, g := range t.group[:t.cells] {
		s := t.product[cell*n*n : (cell+1)*n*n]
		t.eachOther(func(j, u int) {
			row := s[j*n : (j+1)*n]
			t.eachOther(func(k, v int) {
				pair := c.stat[g*c.stride+c.pairs[c.terms[u].basis*len(c.basis)+c.terms[v].basis]]
				row[k] = t.covary(g, u, v, c.value(g, u)*c.value(g, v)*pair)
			})
			t.w.half(row)
		})
		// Rows are in coordinates; now the columns, of which it is symmetric.
		for j := range n {
			for k := range j {
				s[j*n+k], s[k*n+j] = s[k*n+j], s[j*n+k]
			}
		}
		for j := range n {
			t.w.half(s[j*n : (j+1)*n])
		}
	}
	// residual left the coordinates of the data's own assignment in x.
	arm := l.terms[t.arms[0]]
	t.tt = c.gram[arm*c.width+arm] - dot(t.x, t.x)
	t.sums(t.own, arm, func(cell, g, a int) float64 { return t.now[cell] * c.stat[g*c.stride+c.pairs[a]] })
}

// load reads an outcome, after it has been residualised.
func (t *studentiser) load(outcome int) {
	c := t.l.core
	y := c.outcomes[outcome]
	t.yy = c.square[outcome] - dot(t.x, t.x)
	t.yt = 0
	for cell := range t.cells {
		t.yt += t.now[cell] * t.randomisation.y[cell]
	}
	t.sums(t.y, len(c.terms)+outcome, func(_, g, a int) float64 {
		return c.outcomeProduct(g, a, y, c.stat[g*c.stride:(g+1)*c.stride])
	})
}

// eachOther calls f with the place of every regressor but the arm, among these
// and in the core.
func (t *studentiser) eachOther(f func(k, u int)) {
	for k, i := range t.others {
		f(k, t.l.terms[i])
	}
}

// covary turns Σ uv over group g into a sum of deviations from the means of
// the group's effect.
func (t *studentiser) covary(g, u, v int, product float64) float64 {
	c := t.l.core
	if c.effects == 0 {
		return product
	}
	mean := c.effectS[c.effect[g]*c.width : (c.effect[g]+1)*c.width]
	n, all := c.stat[g*c.stride], c.effectN[c.effect[g]]
	return product - c.sums[u][g]*mean[v]/all - c.sums[v][g]*mean[u]/all + n*mean[u]/all*mean[v]/all
}

// sums fills dst with H_g of a variable at the place v of the core, whose
// Σ m v over group g, m the basis a, product returns. Its coordinates are in x.
func (t *studentiser) sums(dst []float64, v int, product func(cell, g, a int) float64) {
	c, n := t.l.core, len(t.x)
	for cell, g := range t.group[:t.cells] {
		h := dst[cell*n : (cell+1)*n]
		t.eachOther(func(k, u int) {
			h[k] = t.covary(g, u, v, c.value(g, u)*product(cell, g, c.terms[u].basis))
		})
		t.w.half(h)
		for k := range n {
			h[k] -= dot(t.product[(cell*n+k)*n:(cell*n+k+1)*n], t.x)
		}
	}
}

// variance completes a by its squared standard error, given T'MT.
func (t *studentiser) variance(a *reassigned, square float64) {
	l, c, n := t.l, t.l.core, len(t.x)
	if l.se == Classical {
		a.v0 = t.yy/square - a.y*a.y
		a.v1 = 2 * (a.y*a.own - t.yt/square)
		a.v2 = t.tt/square - a.own*a.own
		return
	}
	tau := t.tau[:n]
	clear(t.scores[:l.clusters])
	for cell, g := range t.group[:t.cells] {
		d := t.treated[cell]
		if c.effects > 0 {
			d -= t.mean[t.effect[cell]] / c.effectN[t.effect[cell]]
		}
		quadratic := 0.0
		for k, x := range tau {
			quadratic += x * dot(t.product[(cell*n+k)*n:(cell*n+k+1)*n], tau)
		}
		score := &t.scores[l.clusterOf[g]]
		score[0] += d*t.randomisation.y[cell] - dot(tau, t.y[cell*n:(cell+1)*n])
		score[1] += d*t.randomisation.own[0][cell] - dot(tau, t.own[cell*n:(cell+1)*n])
		score[2] += d*(t.size[cell]*d-2*dot(tau, t.b[cell*n:(cell+1)*n])) + quadratic
	}
	a.v0, a.v1, a.v2 = 0, 0, 0
	for _, score := range t.scores[:l.clusters] {
		s, q := score[0]-a.y*score[2], score[1]-a.own*score[2]
		a.v0 += s * s
		a.v1 -= 2 * s * q
		a.v2 += q * q
	}
	a.v0 /= square * square
	a.v1 /= square * square
	a.v2 /= square * square
}
