package estimators

import (
	"math"

	"coachsim/dgp"
)

// correlatedErrors says what an unmeasured cause of mediator and outcome would do
// to the indirect effect.
//
// Let the errors of the two have the correlation ρ. Then the mediator's slope is
//
//	b(ρ) = b - ρ/√(1-ρ²) q,  q = √(RSS_Y / RSS_M)
//
// with RSS_Y the residual sum of squares of the formula and RSS_M that of the
// mediator on the formula's other terms, over the same rows (Imai, Keele and
// Yamamoto 2010, theorem 4, solved for b(ρ)). The indirect effect is 0 at
// ρ = r, the partial correlation of mediator and outcome. With partial R² = r²
// and f² = r²/(1-r²), an omitted variable that explains RV = (√(f⁴+4f²) - f²)/2 of
// what is left of both would bring the slope to 0 (Cinelli and Hazlett 2020).
//
// With children as rows all of these are of the children's errors: a cause of
// classes can explain no more than the classes' share of them.
//
// The standard error of a b(ρ) counts in that of q, by the scores of ln RSS_Y and
// ln RSS_M of the rows or clusters; with classical standard errors q has the
// variance q²/df of two independent sums of squares of normal errors.
type correlatedErrors struct {
	paths *paths
	rho   []float64
	terms []string
	score []float64 // by cluster: of b
	ratio []float64 // by cluster: of ln q
	h     []float64 // scratch: by basis, the influence not adjusted for leverage
}

func newCorrelatedErrors(v *mediationModel, p *paths) *correlatedErrors {
	c := &correlatedErrors{paths: p, rho: v.Rho, terms: []string{"rho(indirect=0)", "partial_r2", "robustness"}}
	for _, rho := range v.Rho {
		c.terms = append(c.terms, rhoTerm(rho))
	}
	return c
}

func (c *correlatedErrors) allocate(shape dgp.Shape) {
	l := c.paths.outcome
	most := shape.Max[l.core.group]
	if !l.se.clustered() {
		most = shape.Max[l.core.key.rows]
	}
	c.score, c.ratio = make([]float64, most), make([]float64, most)
	c.h = make([]float64, len(l.core.basis))
}

// report fills out with the estimates of outcome i.
func (c *correlatedErrors) report(s *Setup, i int, z float64, status Status, out []Estimate) {
	if !status.Worked() {
		for j := range out {
			out[j] = failed(status)
		}
		return
	}
	p := c.paths
	f := &p.found[i]
	a, b := f.value[p.placeA(0)], f.value[p.placeB(0)]
	q := math.Sqrt(f.residual / f.mediator)
	r := b / math.Hypot(b, q)
	f2 := b * b / (q * q)
	nan := math.NaN()
	for j, x := range []float64{r, r * r, (math.Sqrt(f2*f2+4*f2) - f2) / 2} {
		out[j] = Estimate{Value: x, SE: nan, DF: nan, P: nan, Status: status}
	}
	bb, bq, qq := c.variances(s, i, q)
	n := p.size()
	varA := f.cov[p.placeA(0)*n+p.placeA(0)]
	for j, rho := range c.rho {
		kappa := rho / math.Sqrt(1-rho*rho)
		slope := b - kappa*q
		se := math.Sqrt(slope*slope*varA + a*a*(bb-2*kappa*bq+kappa*kappa*qq))
		if !(se > 0) || math.IsInf(se, 0) || math.IsNaN(slope) || math.IsInf(a*slope, 0) {
			out[3+j] = failed(NotFinite)
			continue
		}
		out[3+j] = normalEstimate(a*slope, se, z, status)
	}
}

// variances returns the variance of b, its covariance with q and q's variance.
func (c *correlatedErrors) variances(s *Setup, i int, q float64) (bb, bq, qq float64) {
	l, f, n := c.paths.outcome, &c.paths.found[i], c.paths.size()
	place := c.paths.placeB(0)
	bb = f.cov[place*n+place]
	if l.se == Classical {
		return bb, 0, q * q / f.df
	}
	clear(c.score)
	clear(c.ratio)
	core, at := l.core, 0
	for g := range core.groups {
		if !core.active[g] {
			continue
		}
		l.unadjusted(g, 0, c.h)
		if l.se.clustered() || core.key.rows <= core.group {
			e, m, score := l.squares(g, i, c.h)
			c.add(l.clusterOf[g], f, score, e, m)
			continue
		}
		for row := s.data.ChildStart[g]; row < s.data.ChildStart[g+1]; row++ {
			if core.mask != nil && core.mask[row] == 0 {
				continue
			}
			e, m := l.residualAt(g, row, i), core.atRow(c.h, row, core.root(g, row))
			c.add(at, f, l.influenceAt(g, row, 0)*e, e*e, m*m)
			at++
		}
	}
	for g, x := range c.score {
		bq += x * c.ratio[g]
		qq += c.ratio[g] * c.ratio[g]
	}
	scale := l.se.factor(core.rows, l.parameters(core.rows-f.df), float64(l.clusters))
	return bb, bq * q * scale, qq * q * q * scale
}

// add adds to a cluster the score of b and that of ln q, from sums of squares of
// the outcome's residuals and of the influences on b, which are the mediator's
// residuals over RSS_M.
func (c *correlatedErrors) add(cluster int, f *path, score, residual, influence float64) {
	c.score[cluster] += score
	c.ratio[cluster] += (residual/f.residual - influence*f.mediator) / 2
}

// unadjusted fills h with the projection of combination r in group g before its
// adjustment for leverage.
func (l *linear) unadjusted(g, r int, h []float64) {
	if l.reduced == nil {
		copy(h, l.projection(g, r))
		return
	}
	c, p := l.core, len(l.terms)
	clear(h)
	var sums []float64
	if c.effects > 0 {
		e := c.effect[g]
		sums = c.effectS[e*c.width : (e+1)*c.width]
		h[0] = l.lift[r]
	}
	for t, a := range l.influence[r*p : (r+1)*p] {
		u := l.terms[t]
		h[c.terms[u].basis] += a * c.value(g, u)
		if sums != nil {
			h[0] -= a * sums[u] / c.effectN[c.effect[g]]
		}
	}
}

// squares returns, for group g, the sums of squares of the residuals of outcome i
// and of h, and the score of combination 0.
func (l *linear) squares(g, i int, h []float64) (residual, influence, score float64) {
	c, nb := l.core, len(l.core.basis)
	stat := c.stat[g*c.stride : (g+1)*c.stride]
	y, fitted, adjusted := c.outcomes[l.outcomes[i]], l.projection(g, len(l.combinations)+i), l.projection(g, 0)
	residual = c.outcomeSquare(g, y, stat)
	for a := range nb {
		product := c.outcomeProduct(g, a, y, stat)
		sum, rest := 0.0, product
		for b, pair := range c.pairs[a*nb : (a+1)*nb] {
			rest -= stat[pair] * fitted[b]
			sum += stat[pair] * h[b]
		}
		residual -= fitted[a] * (product + rest)
		influence += h[a] * sum
		score += adjusted[a] * rest
	}
	return residual, influence, score
}
