package estimators

import (
	"slices"

	"coachsim/dgp"
)

// A mediationBootstrap draws samples of clusters with replacement, as many as
// there are within each arm and level of the absorbed effects, and refits both
// regressions in each. A cluster enters by its cross-products, which are summed
// once: no draw reads a row again.
//
// The means of the arm and the mediators stay those of the data. A draw in which
// an arm or mediator is collinear is left out; the method fails if more than one
// draw in ten is.
type mediationBootstrap struct {
	paths    *paths
	purpose  dgp.Purpose
	source   *dgp.Source
	wanted   int
	worked   int
	parts    [2]crossProducts // of mediators, of outcomes
	strata   []stratum        // by cluster
	order    []int            // clusters with rows, stratum by stratum
	starts   []int            // of strata in order
	count    []float64        // by cluster: how often it was drawn
	drawn    []float64        // by outcome, draw and coefficient
	splitted bool             // a cluster lies in several strata
}

// A stratum is where clusters are drawn: the arm, and the levels of both
// regressions' absorbed effects.
type stratum struct {
	rows    bool
	arm     float64
	effects [2]int
}

// compare orders strata.
func (a stratum) compare(b stratum) int {
	switch {
	case a.effects != b.effects && (a.effects[1] < b.effects[1] || a.effects[1] == b.effects[1] && a.effects[0] < b.effects[0]):
		return -1
	case a.effects != b.effects:
		return 1
	case a.arm < b.arm:
		return -1
	case a.arm > b.arm:
		return 1
	}
	return 0
}

// crossProducts are those of a regression's terms x and outcomes y, by cluster:
// the number of rows, Σx, Σy, then Σxx' by rows of the lower triangle, then Σxy'.
type crossProducts struct {
	l       *linear
	arm     int // the arm's place among terms
	p, ny   int
	sums    int // numbers that effects take off: 1 + p + ny
	stride  int
	values  []float64 // by cluster
	total   []float64
	effects []float64 // by effect: sums
	right   []float64 // scratch: by basis and place in the core
	chol    *cholesky
	raw     []float64
	beta    []float64 // by outcome and term
}

func newMediationBootstrap(v *mediationModel, p *paths) *mediationBootstrap {
	b := &mediationBootstrap{paths: p, purpose: dgp.EstimatorPurpose(v.name), source: dgp.NewSource(), wanted: v.Mediation.Draws}
	b.parts[0] = crossProducts{l: p.mediator, arm: p.mediator.combinations[0].term()}
	b.parts[1] = crossProducts{l: p.outcome, arm: p.means[0]}
	return b
}

func (b *mediationBootstrap) allocate(dgp.Shape) {
	most := b.paths.outcome.cluster.most
	b.strata = make([]stratum, most)
	b.order, b.starts = make([]int, 0, most), make([]int, 0, most+1)
	b.count = make([]float64, most)
	b.drawn = make([]float64, len(b.paths.found)*b.wanted*b.paths.size())
	for i := range b.parts {
		b.parts[i].allocate(most)
	}
}

func (x *crossProducts) allocate(clusters int) {
	x.p, x.ny = len(x.l.terms), len(x.l.outcomes)
	x.sums = 1 + x.p + x.ny
	x.stride = x.sums + x.p*(x.p+1)/2 + x.p*x.ny
	x.values = make([]float64, clusters*x.stride)
	x.total = make([]float64, x.stride)
	x.effects = make([]float64, x.l.core.mostEffects*x.sums)
	x.right = make([]float64, len(x.l.core.basis)*x.l.core.width)
	x.chol = newCholesky(x.p)
	x.raw = make([]float64, x.p)
	x.beta = make([]float64, x.p*x.ny)
}

// load sums cross-products by cluster, and draws.
func (b *mediationBootstrap) load(s *Setup) {
	clear(b.strata)
	b.worked, b.splitted = 0, false
	for i := range b.parts {
		b.sum(s, i)
	}
	p := b.paths
	if b.splitted || !p.status(&p.found[0]).Worked() && len(p.found) == 1 {
		return
	}
	b.order, b.starts = b.order[:0], b.starts[:0]
	for id, at := range b.strata {
		if at.rows {
			b.order = append(b.order, id)
		}
	}
	slices.SortStableFunc(b.order, func(i, j int) int { return b.strata[i].compare(b.strata[j]) })
	for i, id := range b.order {
		if i == 0 || b.strata[id].compare(b.strata[b.order[i-1]]) != 0 {
			b.starts = append(b.starts, i)
		}
	}
	b.starts = append(b.starts, len(b.order))
	r := b.source.Load(s.stream, b.purpose)
	for range b.wanted {
		b.draw(r)
		if b.parts[0].solve(b) && b.parts[1].solve(b) {
			for i := range p.found {
				b.keep(i)
			}
			b.worked++
		}
	}
}

// sum sums the cross-products of one regression.
func (b *mediationBootstrap) sum(s *Setup, part int) {
	x := &b.parts[part]
	l, c := x.l, x.l.core
	clear(x.values)
	for g := range c.groups {
		if !c.active[g] {
			continue
		}
		id := l.cluster.of(s.data, c.group, g)
		if id < 0 {
			b.splitted = true
			return
		}
		arm := c.value(g, l.terms[x.arm])
		if c.terms[l.terms[x.arm]].basis > 0 { // it varies between children
			b.splitted = true
			return
		}
		arm += b.center(part)
		at := &b.strata[id]
		if !at.rows {
			*at = stratum{rows: true, arm: arm, effects: [2]int{-1, -1}}
		}
		if at.effects[part] < 0 {
			at.effects[part] = c.effect[g]
		}
		b.splitted = b.splitted || at.arm != arm || at.effects[part] != c.effect[g]
		x.add(g, x.values[id*x.stride:(id+1)*x.stride])
	}
}

// center is what the arm is measured from in one of the regressions.
func (b *mediationBootstrap) center(part int) float64 {
	l := b.parts[part].l
	for _, f := range l.core.products[l.core.terms[l.terms[b.parts[part].arm]].product].factors {
		return f.center
	}
	return 0
}

// add adds group g to a cluster.
func (x *crossProducts) add(g int, dst []float64) {
	l, c := x.l, x.l.core
	w := c.width
	for a := range c.basis {
		c.fillRight(x.right[a*w:(a+1)*w], g, a)
	}
	dst[0] += c.stat[g*c.stride]
	at := x.sums
	for i, u := range l.terms {
		dst[1+i] += x.right[u]
		z, right := c.value(g, u), x.right[c.terms[u].basis*w:]
		for _, v := range l.terms[:i+1] {
			dst[at] += z * right[v]
			at++
		}
	}
	for k, y := range l.outcomes {
		dst[1+x.p+k] += x.right[len(c.terms)+y]
	}
	for _, u := range l.terms {
		z, right := c.value(g, u), x.right[c.terms[u].basis*w:]
		for _, y := range l.outcomes {
			dst[at] += z * right[len(c.terms)+y]
			at++
		}
	}
}

// draw draws clusters within strata.
func (b *mediationBootstrap) draw(r *dgp.Source) {
	clear(b.count)
	for i, lo := range b.starts[:len(b.starts)-1] {
		n := b.starts[i+1] - lo
		for range n {
			b.count[b.order[lo+r.IntN(n)]]++
		}
	}
}

// solve fits a regression to the sample drawn. It reports whether the reported
// coefficients are identified.
func (x *crossProducts) solve(b *mediationBootstrap) bool {
	part := 0
	if x == &b.parts[1] {
		part = 1
	}
	clear(x.total)
	clear(x.effects)
	for _, id := range b.order {
		if n := b.count[id]; n > 0 && b.strata[id].effects[part] >= 0 {
			values := x.values[id*x.stride : (id+1)*x.stride]
			addScaled(x.total, n, values)
			e := b.strata[id].effects[part]
			addScaled(x.effects[e*x.sums:(e+1)*x.sums], n, values)
		}
	}
	p, gram := x.p, x.total[x.sums:]
	for i := range p {
		x.raw[i] = gram[i*(i+1)/2+i]
	}
	for e := 0; e < len(x.effects); e += x.sums {
		sums := x.effects[e : e+x.sums]
		n := sums[0]
		if n == 0 {
			continue
		}
		at := 0
		for i := range p {
			addScaled(gram[at:at+i+1], -sums[1+i]/n, sums[1:])
			at += i + 1
		}
		for i := range p {
			addScaled(gram[at:at+x.ny], -sums[1+i]/n, sums[1+p:])
			at += x.ny
		}
	}
	at := 0
	for i := range p {
		at += copy(x.chol.l[i*p:i*p+i+1], gram[at:])
	}
	x.chol.factor(x.raw)
	for _, c := range x.l.combinations {
		if x.chol.dropped[c.term()] {
			return false
		}
	}
	for k := range x.ny {
		beta := x.beta[k*p : (k+1)*p]
		for i := range p {
			beta[i] = gram[at+i*x.ny+k]
		}
		x.chol.solve(beta)
	}
	return true
}

// keep keeps the coefficients of outcome i.
func (b *mediationBootstrap) keep(i int) {
	p, m, y := b.paths, &b.parts[0], &b.parts[1]
	n := p.size()
	at := (i*b.wanted + b.worked) * n
	theta := b.drawn[at : at+n]
	clear(theta)
	for k := range p.k {
		theta[p.placeA(k)] = dot(m.l.weights[:m.p], m.beta[k*m.p:])
	}
	for r, place := range p.places {
		theta[place] = dot(y.l.weights[r*y.p:(r+1)*y.p], y.beta[i*y.p:])
	}
}

// effects computes the effects on outcome i in every sample.
func (b *mediationBootstrap) effects(f *mediation, i int) Status {
	switch {
	case b.splitted:
		return SplitCluster
	case b.worked*10 < b.wanted*9:
		return Collinear
	}
	n, d := b.paths.size(), f.draws
	d.n = b.worked
	for k := range d.n {
		at := (i*b.wanted + k) * n
		copy(d.drawn, b.drawn[at:at+n])
		d.keep(b.paths, f, k, b.paths.found[i].mean)
	}
	return OK
}
