package estimators

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"coachsim/dgp"
)

// WildBootstrap is least squares with p-values and intervals from the wild
// cluster bootstrap-t that imposes the null hypothesis (Cameron, Gelbach and
// Miller 2008; Roodman et al. 2019). Outcomes are drawn anew as the fit under
// the null plus its residuals, times one random weight per cluster.
//
// The interval holds every value that the test does not reject. The standard
// error reported beside them is that of OLS's SE.
type WildBootstrap struct {
	OLS     `yaml:",inline"`
	Weights WildWeights `yaml:"weights" doc:"law of the clusters' weights: rademacher, mammen or webb"`
	Draws   int         `yaml:"draws" min:"9" max:"99999" doc:"bootstrap draws; with rademacher weights and few clusters every vector of signs is taken once instead"`
}

// WildWeights is the law of the weights.
type WildWeights uint8

// The laws, all with mean 0 and variance 1.
const (
	Rademacher WildWeights = iota // ±1
	Mammen                        // two points, third moment 1 (Mammen 1993)
	Webb                          // six points ±√½, ±1, ±√(3/2), for few clusters (Webb 2023)
	wildWeights
)

var wildNames = [wildWeights]string{"rademacher", "mammen", "webb"}

func (w WildWeights) String() string {
	if w >= wildWeights {
		return fmt.Sprintf("WildWeights(%d)", uint8(w))
	}
	return wildNames[w]
}

// MarshalText writes the name.
func (w WildWeights) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// UnmarshalText reads a name; case does not matter.
func (w *WildWeights) UnmarshalText(text []byte) error {
	for i, name := range wildNames {
		if strings.EqualFold(string(text), name) {
			*w = WildWeights(i)
			return nil
		}
	}
	return fmt.Errorf("%q is not a law of bootstrap weights; the laws are %s", text, strings.Join(wildNames[:], ", "))
}

// Names lists the laws.
func (WildWeights) Names() []string { return wildNames[:] }

// draw draws one weight.
func (w WildWeights) draw(r *rand.Rand) float64 {
	switch w {
	case Mammen:
		root := math.Sqrt(5)
		if r.Float64() < (root+1)/(2*root) {
			return (1 - root) / 2
		}
		return (1 + root) / 2
	case Webb:
		k := r.IntN(6)
		v := math.Sqrt(float64(k%3+1) / 2)
		if k >= 3 {
			return -v
		}
		return v
	default:
		if r.Uint64()&1 == 0 {
			return 1
		}
		return -1
	}
}

// Bind binds the regression.
func (o WildBootstrap) Bind(name string, s *Setup) (Fitter, error) {
	if o.SE != CR0 && o.SE != CR1 {
		return nil, keyError("se", fmt.Errorf("the wild cluster bootstrap studentises by CR0 or CR1; this is %s", o.SE))
	}
	if len(o.Joint) > 0 {
		return nil, keyError("joint", fmt.Errorf("the wild bootstrap tests one term at a time"))
	}
	return o.byOutcome(s, func(f *Formula) (Fitter, error) {
		l, err := o.bind(name, s, f)
		if err != nil {
			return nil, err
		}
		w := &wild{WildBootstrap: o, l: l, source: dgp.NewSource(), purpose: dgp.EstimatorPurpose(name)}
		s.wild = append(s.wild, w)
		return w, nil
	})
}

// A wild is a bound wild bootstrap.
//
// Let e be the residuals of the fit, a = (X'X)⁻¹w for the combination w'b, and
// w'b = β0 the null. The residuals under the null are e + κ Xa, with
// κ = (w'b - β0)/w'a. In the coordinates B = [X M^½, D diag(1/√n_e)] of
// biasReduction, cluster g contributes
//
//	u_g = a'X_g'e + κ a'X_g'X_g a = s_g + κ q_g   (its score)
//	z_g = B_g'e + κ B_g'X_g a     = y_g + κ c_g
//
// and a draw with weights v has numerator Σ v_g u_g and squared standard error
// Σ_g (v_g u_g - c_g'Z)² = Σ v_g² u_g² - 2 Z'Σ v_g u_g c_g + Z'CZ with
// Z = Σ v_g z_g and C = Σ c_g c_g'. All sums are linear in κ, so one set of
// draws gives the p-value of every null. With Rademacher weights the sums over
// five clusters at a time come from a table of their 32 sign patterns.
type wild struct {
	WildBootstrap
	l       *linear
	b       *coordinates
	source  *dgp.Source
	purpose dgp.Purpose

	r      int       // coordinates
	width  int       // numbers of one cluster: s, q, y, c, s c, q c
	parts  []float64 // by cluster
	table  []float64 // by five clusters and sign pattern
	sums   []float64
	square []float64 // by cluster: s², s q, q², for weights other than ±1
	gram   []float64 // C
	x      []float64 // scratch
	draws  []wildDraw
}

// A wildDraw is one draw's statistic as a function of κ: numerator n0 + κ n1,
// squared standard error v0 + κ v1 + κ² v2.
type wildDraw struct{ n0, n1, v0, v1, v2 float64 }

const tableClusters = 5

func (w *wild) allocate(shape dgp.Shape) {
	w.b = newCoordinates(w.l, shape)
	w.r = w.b.r
	w.width = 2 + 4*w.r
	most := shape.Max[w.l.core.group]
	w.parts = make([]float64, most*w.width)
	w.table = make([]float64, (most/tableClusters+1)*(1<<tableClusters)*w.width)
	w.sums = make([]float64, w.width)
	w.square = make([]float64, 3*most)
	w.gram = make([]float64, w.r*w.r)
	w.x = make([]float64, w.r)
	w.draws = make([]wildDraw, 0, max(w.Draws, 1<<10))
}

// Rows says what the estimates are about.
func (w *wild) Rows() []Row { return w.l.Rows() }

// Fit fits the regression, then bootstraps each of its estimates.
func (w *wild) Fit(s *Setup, out []Estimate) {
	l := w.l
	l.Fit(s, out)
	worked := false
	for _, e := range out {
		worked = worked || e.Status.Worked()
	}
	if !worked {
		return
	}
	w.b.prepare()
	per := len(l.reported)
	for i := range l.outcomes {
		for r := range per {
			if e := &out[i*per+r]; e.Status.Worked() {
				w.fillParts(i, r)
				w.resample(s.stream)
				w.infer(e, l.bread[r*len(l.combinations)+r], s.alpha)
			}
		}
	}
}

// fillParts computes the numbers of every cluster for outcome i and
// combination t.
func (w *wild) fillParts(i, t int) {
	l, c := w.l, w.l.core
	nb, nc, r := len(c.basis), len(l.combinations), w.r
	clear(w.parts[:l.clusters*w.width])
	for g := range c.groups {
		if !c.active[g] {
			continue
		}
		part := w.parts[l.clusterOf[g]*w.width:][:w.width]
		y, k := part[2:2+r], part[2+r:2+2*r]
		stat := c.stat[g*c.stride : (g+1)*c.stride]
		outcome := c.outcomes[l.outcomes[i]]
		fitted, h := l.projection(g, nc+i), l.projection(g, t)
		for a := range nb {
			residual, spread := c.outcomeProduct(g, a, outcome, stat), 0.0
			for m := range nb {
				residual -= stat[c.pairs[a*nb+m]] * fitted[m]
				spread += stat[c.pairs[a*nb+m]] * h[m]
			}
			part[0] += h[a] * residual
			part[1] += h[a] * spread
			root := w.b.root[(g*nb+a)*w.b.terms : (g*nb+a+1)*w.b.terms]
			addScaled(y[:w.b.terms], residual, root)
			addScaled(k[:w.b.terms], spread, root)
			if a == 0 && c.effects > 0 {
				e := c.effect[g]
				y[w.b.terms+e] += residual * w.b.effect[e]
				k[w.b.terms+e] += spread * w.b.effect[e]
			}
		}
	}
	clear(w.gram)
	for g := range l.clusters {
		part := w.parts[g*w.width : (g+1)*w.width]
		k := part[2+r : 2+2*r]
		for j, v := range k {
			part[2+2*r+j] = part[0] * v
			part[2+3*r+j] = part[1] * v
			if v != 0 {
				addScaled(w.gram[j*r:(j+1)*r], v, k)
			}
		}
		w.square[3*g], w.square[3*g+1], w.square[3*g+2] = part[0]*part[0], part[0]*part[1], part[1]*part[1]
	}
}

// resample fills draws. The same stream gives every estimate of a replicate
// the same weights.
func (w *wild) resample(st dgp.Stream) {
	w.draws = w.draws[:0]
	clusters := w.l.clusters
	r := w.source.Load(st, w.purpose)
	if w.Weights != Rademacher {
		for range w.Draws {
			w.addDraw(r)
		}
		return
	}
	w.fillTable()
	if clusters <= 20 && 1<<clusters <= w.Draws+1 {
		for pattern := range uint64(1) << clusters {
			w.addPattern(pattern, r)
		}
		return
	}
	for range w.Draws {
		w.addPattern(r.Uint64(), r)
	}
}

// fillTable sums the parts of five clusters for each pattern of their signs: a
// bit that is set is a minus. Each pattern is the one without its lowest bit,
// less twice that cluster.
func (w *wild) fillTable() {
	n := w.width
	for block := 0; block*tableClusters < w.l.clusters; block++ {
		first := block * tableClusters
		members := min(tableClusters, w.l.clusters-first)
		rows := w.table[block<<tableClusters*n:]
		clear(rows[:n])
		for g := range members {
			addScaled(rows[:n], 1, w.parts[(first+g)*n:(first+g+1)*n])
		}
		for pattern := 1; pattern < 1<<members; pattern++ {
			g := 0
			for pattern>>g&1 == 0 {
				g++
			}
			row := rows[pattern*n : (pattern+1)*n]
			copy(row, rows[(pattern&^(1<<g))*n:])
			addScaled(row, -2, w.parts[(first+g)*n:(first+g+1)*n])
		}
	}
}

// addPattern adds the draw with the signs of a pattern; where there are more
// than 64 clusters, r gives further signs.
func (w *wild) addPattern(pattern uint64, r *rand.Rand) {
	n := w.width
	clear(w.sums)
	bits := 64
	for block := 0; block*tableClusters < w.l.clusters; block++ {
		members := min(tableClusters, w.l.clusters-block*tableClusters)
		if bits < members {
			pattern, bits = r.Uint64(), 64
		}
		row := (block<<tableClusters + int(pattern&(1<<members-1))) * n
		addScaled(w.sums, 1, w.table[row:row+n])
		pattern >>= members
		bits -= members
	}
	s0, s1, s2 := 0.0, 0.0, 0.0
	for g := range w.l.clusters {
		s0 += w.square[3*g]
		s1 += w.square[3*g+1]
		s2 += w.square[3*g+2]
	}
	w.finishDraw(s0, s1, s2)
}

// addDraw adds a draw with weights that are not signs.
func (w *wild) addDraw(r *rand.Rand) {
	n := w.width
	clear(w.sums)
	s0, s1, s2 := 0.0, 0.0, 0.0
	for g := range w.l.clusters {
		v := w.Weights.draw(r)
		addScaled(w.sums, v, w.parts[g*n:(g+1)*n])
		s0 += v * v * w.square[3*g]
		s1 += v * v * w.square[3*g+1]
		s2 += v * v * w.square[3*g+2]
	}
	w.finishDraw(s0, s1, s2)
}

// finishDraw turns sums into a draw; s0, s1, s2 are the sums of v²u² by power
// of κ.
func (w *wild) finishDraw(s0, s1, s2 float64) {
	r := w.r
	y, c := w.sums[2:2+r], w.sums[2+r:2+2*r]
	sc, qc := w.sums[2+2*r:2+3*r], w.sums[2+3*r:2+4*r]
	d := wildDraw{n0: w.sums[0], n1: w.sums[1]}
	yy := 0.0
	for j := range r {
		w.x[j] = dot(w.gram[j*r:(j+1)*r], c)
	}
	yc, cc := dot(y, w.x), dot(c, w.x)
	for j := range r {
		yy += y[j] * dot(w.gram[j*r:(j+1)*r], y)
	}
	d.v0 = s0 - 2*dot(y, sc) + yy
	d.v1 = 2*s1 - 2*dot(y, qc) - 2*dot(c, sc) + 2*yc
	d.v2 = s2 - 2*dot(c, qc) + cc
	w.draws = append(w.draws, d)
}

// infer replaces the p-value of an estimate, and adds its interval.
func (w *wild) infer(e *Estimate, bread, alpha float64) {
	variance := 0.0
	for g := range w.l.clusters {
		variance += w.square[3*g]
	}
	test := wildTest{draws: w.draws, bread: bread, se: math.Sqrt(variance)}
	e.P = test.p(e.Value)
	rejected := func(null float64) bool { return test.p(e.Value-null) <= alpha }
	e.Low = searchBound(e.Value, -2*e.SE, rejected)
	e.High = searchBound(e.Value, 2*e.SE, rejected)
	if math.IsNaN(e.P) {
		*e = failed(NotFinite)
	}
}

// A wildTest tests values of one coefficient against the same draws.
type wildTest struct {
	draws     []wildDraw
	bread, se float64
}

// p is the p-value of the null that the coefficient lies delta from its
// estimate: the share of draws whose |t| is at least the data's, which makes a
// tie with the data's own signs count.
func (t wildTest) p(delta float64) float64 {
	kappa := delta / t.bread
	limit := delta * delta / (t.se * t.se) * (1 - 1e-10)
	count := 0
	for i := range t.draws {
		d := &t.draws[i]
		n := d.n0 + kappa*d.n1
		if v := d.v0 + kappa*(d.v1+kappa*d.v2); n*n >= limit*v {
			count++
		}
	}
	return float64(count) / float64(len(t.draws))
}

var _ Method = WildBootstrap{}
