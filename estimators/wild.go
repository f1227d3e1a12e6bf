package estimators

import (
	"fmt"
	"math"
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
//
// Adjusted by Romano and Wolf, the p-values of all outcomes and reported terms
// are those of their step-down of |t|, each drawn under its own null with the
// same weights of clusters. Intervals stay those of each test alone.
type WildBootstrap struct {
	OLS     `yaml:",inline"`
	Weights WildWeights `yaml:"weights" doc:"law of the clusters' weights: rademacher, mammen or webb"`
	Draws   int         `yaml:"draws" min:"9" max:"99999" doc:"bootstrap draws; with rademacher weights and few clusters every vector of signs is taken once instead"`
	Adjust  StepDown    `yaml:"adjust" doc:"adjustment of the p-values for the number of outcomes and reported terms: none or romano-wolf"`
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

// wildPoints are the values of a weight under each law.
var wildPoints = [wildWeights][]float64{
	Rademacher: {1, -1},
	Mammen:     {(1 - math.Sqrt(5)) / 2, (1 + math.Sqrt(5)) / 2},
	Webb:       {math.Sqrt(0.5), 1, math.Sqrt(1.5), -math.Sqrt(0.5), -1, -math.Sqrt(1.5)},
}

// draw draws one weight: its place among the law's points.
func (w WildWeights) draw(r *dgp.Source) int {
	switch w {
	case Mammen:
		root := math.Sqrt(5)
		if r.Float64() < (root+1)/(2*root) {
			return 0
		}
		return 1
	case Webb:
		return r.IntN(6)
	default:
		return int(r.Uint64() & 1)
	}
}

// Bind binds the regression.
func (o WildBootstrap) Bind(name string, s *Setup) (Fitter, error) {
	if o.SE != CR0 && o.SE != CR1 {
		return nil, keyError("se", fmt.Errorf("the wild cluster bootstrap studentises by CR0 or CR1; this is %s", o.SE))
	}
	if err := oneFactor(o.Cluster, "the wild cluster bootstrap"); err != nil {
		return nil, err
	}
	if len(o.Joint) > 0 {
		return nil, keyError("joint", fmt.Errorf("the wild bootstrap tests one term at a time"))
	}
	if o.R2 {
		return nil, keyError("r2", fmt.Errorf("kind: ols reports it"))
	}
	if len(o.IQR) > 0 {
		return nil, keyError("iqr", fmt.Errorf("kind: ols reports them"))
	}
	if o.OLS.Weights != "" {
		return nil, keyError("weights", fmt.Errorf("the wild bootstrap takes no weights of rows"))
	}
	if o.Adjust == WestfallYoung {
		return nil, keyError("adjust", fmt.Errorf("the wild bootstrap adjusts by %s; %s is by randomisation inference", RomanoWolf, o.Adjust))
	}
	tests := o.Adjust.tests(o.Draws+1, 0)
	f, err := o.byOutcome(s, func(f *Formula) (Fitter, error) {
		l, err := o.bind(name, s, f)
		if err != nil {
			return nil, err
		}
		w := &wild{WildBootstrap: o, l: l, source: dgp.NewSource(), purpose: dgp.EstimatorPurpose(name), tests: tests}
		s.wild = append(s.wild, w)
		return w, nil
	})
	if err != nil || tests == nil {
		return f, err
	}
	if several, ok := f.(*fitters); ok {
		for _, one := range several.each {
			one.(*wild).apart = true // bound above
		}
	}
	return newStepping(f, tests, o.Adjust), nil
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
//
//	Σ_g (v_g u_g - c_g'Z)² = Σ v_g² u_g² + Z'W,  W = Σ v_g (C z_g - 2 u_g c_g)
//
// with Z = Σ v_g z_g and C = Σ c_g c_g'. All sums are linear in κ, so one set of
// draws gives the p-value of every null: of each coordinate a draw needs four
// sums, of y, c and W by power of κ. Where each cluster lies within one level of
// the absorbed factor, it has only that level's coordinate beside those of the
// regressors, and C between different levels is 0.
//
// A weight has two values, or six, so the sums over a few clusters, a set, come
// from a table with a row for each way to give them weights. Two coordinates
// are done at a time, eight sums, for all draws: their table stays in the cache.
// A word holds the rows of many sets; one of signs is used as it is drawn.
type wild struct {
	WildBootstrap
	l       *linear
	b       *coordinates
	source  *dgp.Source
	purpose dgp.Purpose
	tests   *stepDown // nil where p-values are not adjusted
	apart   bool      // other outcomes of the tests are missing in other rows

	clusters  int   // that are given weights
	clusterOf []int // by group

	sets     int          // of the data's clusters
	words    int          // of a draw
	last     int          // sets in the last of them
	patterns []uint64     // by draw and word: the rows of the tables, from the lowest bits
	linear   [][8]float64 // by value of a weight: what multiplies two coordinates
	scoring  [][8]float64 // and what multiplies scores and their squares

	nested bool  // each cluster lies within one effect
	home   []int // by cluster: that effect
	shared int   // coordinates that all clusters have
	stride int   // numbers of a cluster: four for each shared coordinate, its score, the squares of this, and its effect's coordinate

	score   [][2]float64 // by cluster: s, q
	parts   []float64    // by cluster and coordinate: y, c, and what they add to W; see stride
	gram    []float64    // C of the shared coordinates
	between []float64    // by effect and shared coordinate: C, where nested
	within  []float64    // by effect: C, where nested

	columns   [][8]float64 // scratch: by cluster, to a whole number of sets
	table     [][8]float64 // scratch: by set and row
	pieces    []wildPiece  // sets with clusters in an effect, by effect
	pieceEnd  []int        // by effect
	draws     []wildDraw
	undecided []wildDraw // scratch of infer
}

// A wildDraw is one draw's statistic as a function of κ: numerator n0 + κ n1,
// squared standard error v0 + κ v1 + κ² v2.
type wildDraw struct{ n0, n1, v0, v1, v2 float64 }

// A wildPiece is a set with clusters in an effect, and where a draw has its row: in a word,
// so many bits from its end.
type wildPiece struct {
	set, word int
	shift     uint
}

// A set's row takes so many bits, and a word has those of so many sets. The bits that it has
// left over are signs too if no more clusters are left.
const (
	rowBits     = 6
	setsPerWord = 10
	leftOver    = 64 - setsPerWord*rowBits
)

// setSize is how many clusters of one table have weights of so many values, and
// tableRows the number of its rows: at most 64.
func setSize(values int) int {
	if values == 2 {
		return rowBits
	}
	return 2
}

func tableRows(values int) int {
	rows := 1
	for range setSize(values) {
		rows *= values
	}
	return rows
}

func (w *wild) allocate(shape dgp.Shape) {
	w.b = newCoordinates(w.l, shape)
	most := min(shape.Max[w.l.core.group], w.l.cluster.most)
	w.draws = make([]wildDraw, 0, w.Draws+1)
	w.undecided = make([]wildDraw, 0, w.Draws+1)
	w.clusterOf = make([]int, shape.Max[w.l.core.group])
	w.home = make([]int, most)
	w.score = make([][2]float64, most)
	w.parts = make([]float64, most*4*(w.b.r+3))
	w.gram = make([]float64, w.b.r*w.b.r)
	w.between = make([]float64, w.l.core.mostEffects*w.b.terms)
	w.within = make([]float64, w.l.core.mostEffects)
	w.allocateTables(most)
}

// allocateTables makes room for the weights of so many clusters, and their tables.
func (w *wild) allocateTables(most int) {
	points := wildPoints[w.Weights]
	sets := (most + setSize(len(points)) - 1) / setSize(len(points))
	for _, v := range points {
		w.linear = append(w.linear, [8]float64{v, v, v, v, v, v, v, v})
		w.scoring = append(w.scoring, [8]float64{v, v, v, v, v * v, v * v, v * v, v * v})
	}
	w.patterns = make([]uint64, (w.Draws+1)*((sets+setsPerWord-1)/setsPerWord))
	w.pieces = make([]wildPiece, 0, most)
	w.pieceEnd = make([]int, w.l.core.mostEffects)
	w.columns = make([][8]float64, sets*setSize(len(points)))
	w.table = make([][8]float64, sets*tableRows(len(points)))
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
	// A cluster has the same weight whatever is missing if all are numbered.
	w.clusters = numberBy(s.data, l.core, l.cluster, w.clusterOf, l.number, w.apart)
	w.findHomes()
	w.drawWeights(s.stream)
	w.findPieces()
	per := len(l.reported)
	for i := range l.outcomes {
		for r := range per {
			if e := &out[i*per+r]; e.Status.Worked() {
				w.fillParts(i, r)
				w.resample()
				test := w.infer(e, l.bread[r*len(l.combinations)+r], s.alpha)
				if w.tests != nil && e.Status.Worked() {
					test.join(w.tests, e)
				}
			}
		}
	}
}

// findHomes finds the effect of each cluster.
func (w *wild) findHomes() {
	c := w.l.core
	for g := range w.clusters {
		w.home[g] = -1
	}
	w.nested = true
	for g := range c.groups {
		if !c.active[g] || c.effects == 0 {
			continue
		}
		home := &w.home[w.clusterOf[g]]
		w.nested = w.nested && (*home < 0 || *home == c.effect[g])
		*home = c.effect[g]
	}
	w.shared = w.b.terms
	if !w.nested {
		w.shared += c.effects
	}
	w.stride = 4 * (w.shared + 3)
}

// ownPart returns the numbers of a cluster's coordinate in its effect.
func (w *wild) ownPart(cluster int) []float64 {
	return w.parts[(cluster+1)*w.stride-4 : (cluster+1)*w.stride]
}

// fillParts computes the numbers of every cluster for outcome i and
// combination t.
func (w *wild) fillParts(i, t int) {
	l, c, p := w.l, w.l.core, w.b.terms
	nb, nc := len(c.basis), len(l.combinations)
	clear(w.score[:w.clusters])
	clear(w.parts[:w.clusters*w.stride])
	outcome := c.outcomes[l.outcomes[i]]
	for g := range c.groups {
		if !c.active[g] {
			continue
		}
		cluster := w.clusterOf[g]
		part := w.parts[cluster*w.stride : (cluster+1)*w.stride]
		score := &w.score[cluster]
		stat := c.stat[g*c.stride : (g+1)*c.stride]
		fitted, h := l.projection(g, nc+i), l.projection(g, t)
		for a := range nb {
			residual, spread := c.outcomeProduct(g, a, outcome, stat), 0.0
			for m := range nb {
				residual -= stat[c.pairs[a*nb+m]] * fitted[m]
				spread += stat[c.pairs[a*nb+m]] * h[m]
			}
			score[0] += h[a] * residual
			score[1] += h[a] * spread
			for j, v := range w.b.root[(g*nb+a)*p : (g*nb+a+1)*p] {
				part[4*j] += residual * v
				part[4*j+1] += spread * v
			}
			if a == 0 && c.effects > 0 {
				e := c.effect[g]
				own := part[w.stride-4:]
				if !w.nested {
					own = part[4*(p+e):]
				}
				own[0] += residual * w.b.effect[e]
				own[1] += spread * w.b.effect[e]
			}
		}
	}
	w.fillGram()
	for g := range w.clusters {
		w.fillW(g)
		w.fillScore(g)
	}
}

// fillScore copies the score of cluster g, and its squares, to its parts.
func (w *wild) fillScore(g int) {
	s, q := w.score[g][0], w.score[g][1]
	copy(w.parts[g*w.stride+4*w.shared:], []float64{s, q, 0, 0, s * s, s * q, q * q, 0})
}

// fillGram computes C.
func (w *wild) fillGram() {
	n := w.shared
	clear(w.gram[:n*n])
	clear(w.between)
	clear(w.within)
	for g := range w.clusters {
		part := w.parts[g*w.stride : (g+1)*w.stride]
		for j := range n {
			v := part[4*j+1]
			if v == 0 {
				continue
			}
			for k := range j + 1 {
				w.gram[j*n+k] += v * part[4*k+1]
			}
		}
		if e := w.home[g]; e >= 0 && w.nested {
			own := w.ownPart(g)[1]
			w.within[e] += own * own
			for j := range n {
				w.between[e*n+j] += own * part[4*j+1]
			}
		}
	}
	for j := range n {
		for k := range j {
			w.gram[k*n+j] = w.gram[j*n+k]
		}
	}
}

// fillW computes what cluster g adds to W.
func (w *wild) fillW(g int) {
	n := w.shared
	part := w.parts[g*w.stride : (g+1)*w.stride]
	s, q := w.score[g][0], w.score[g][1]
	for j := 0; j < n; j += 2 { // two at a time, or the last twice
		i := min(j+1, n-1)
		x0, y0 := -2*s*part[4*j+1], -2*q*part[4*j+1]
		x1, y1 := -2*s*part[4*i+1], -2*q*part[4*i+1]
		row, other := w.gram[j*n:(j+1)*n], w.gram[i*n:(i+1)*n]
		other = other[:len(row)]
		for k, v := range row {
			y, c, u := part[4*k], part[4*k+1], other[k]
			x0 += v * y
			y0 += v * c
			x1 += u * y
			y1 += u * c
		}
		part[4*j+2], part[4*j+3] = x0, y0
		part[4*i+2], part[4*i+3] = x1, y1
	}
	e := w.home[g]
	if e < 0 || !w.nested {
		return
	}
	own := w.ownPart(g)
	for j, v := range w.between[e*n : (e+1)*n] {
		part[4*j+2] += 2 * v * own[0]
		part[4*j+3] += 2 * v * own[1]
	}
	own[2] = w.within[e]*own[0] - 2*s*own[1]
	own[3] = w.within[e]*own[1] - 2*q*own[1]
}

// drawWeights fills patterns: the same weights for every estimate. With few
// clusters every vector of signs is taken once.
func (w *wild) drawWeights(st dgp.Stream) {
	clusters, values := w.clusters, len(w.linear)
	size := setSize(values)
	w.sets = (clusters + size - 1) / size
	w.words = (w.sets + setsPerWord - 1) / setsPerWord
	if w.signs() && w.words > 1 && clusters-(w.words-1)*setsPerWord*size <= leftOver {
		w.words--
	}
	w.last = w.sets - (w.words-1)*setsPerWord
	w.draws = w.draws[:w.Draws]
	if w.signs() && clusters <= 20 && 1<<clusters <= w.Draws+1 {
		w.draws = w.draws[:1<<clusters]
		for k := range w.draws {
			w.patterns[k] = uint64(k)
		}
		return
	}
	r := w.source.Load(st, w.purpose)
	for i := range w.patterns[:len(w.draws)*w.words] {
		if w.signs() {
			w.patterns[i] = r.Uint64()
			continue
		}
		word, first := uint64(0), i%w.words*setsPerWord
		for j := range min(setsPerWord, w.sets-first) {
			row, place := 0, 1
			for range min(size, clusters-(first+j)*size) {
				row += place * w.Weights.draw(r)
				place *= values
			}
			word |= uint64(row) << (j * rowBits)
		}
		w.patterns[i] = word
	}
}

// signs reports whether weights are signs, of which one bit each is drawn.
func (w *wild) signs() bool { return w.Weights == Rademacher }

// findPieces finds the pieces of every effect.
func (w *wild) findPieces() {
	size := setSize(len(w.linear))
	w.pieces = w.pieces[:0]
	for e := range w.l.core.effects {
		last := -1
		for g, home := range w.home[:w.clusters] {
			if set := g / size; home == e && set != last {
				word := min(set/setsPerWord, w.words-1)
				w.pieces = append(w.pieces, wildPiece{set, word, uint(rowBits * (set - word*setsPerWord))})
				last = set
			}
		}
		w.pieceEnd[e] = len(w.pieces)
	}
}

// resample fills draws.
func (w *wild) resample() {
	if w.signs() && w.shared&1 == 1 { // scores come with the last coordinate, and their squares are the same
		squares := w.scoreSquares()
		for k := range w.draws {
			w.draws[k] = squares
		}
	} else {
		w.tabulateSets(w.shared, w.scoring)
		for k := range w.draws {
			n0, n1, _, _, v0, v1, v2, _ := w.sum(k)
			w.draws[k] = wildDraw{n0: n0, n1: n1, v0: v0, v1: 2 * v1, v2: v2}
		}
	}
	for j := 0; j < w.shared; j += 2 {
		w.tabulateSets(j, w.linear)
		for k := range w.draws {
			y0, c0, s0, q0, y1, c1, s1, q1 := w.sum(k)
			d := &w.draws[k]
			if j+1 == w.shared { // after it comes the score, with zeros
				d.n0, d.n1 = y1, c1
			}
			d.v0 += y0*s0 + y1*s1
			d.v1 += y0*q0 + c0*s0 + y1*q1 + c1*s1
			d.v2 += c0*q0 + c1*q1
		}
	}
	if w.nested {
		w.addEffects()
	}
}

// scoreSquares returns Σ u² over the clusters, as the squared standard error of a draw.
func (w *wild) scoreSquares() (d wildDraw) {
	for _, x := range w.score[:w.clusters] {
		d.v0 += x[0] * x[0]
		d.v1 += 2 * x[0] * x[1]
		d.v2 += x[1] * x[1]
	}
	return d
}

// tabulateSets fills the tables of all sets with two coordinates.
func (w *wild) tabulateSets(coordinate int, weights [][8]float64) {
	size, rows := setSize(len(weights)), tableRows(len(weights))
	for g := range w.clusters {
		w.columns[g] = [8]float64(w.parts[g*w.stride+4*coordinate:])
	}
	clear(w.columns[w.clusters : w.sets*size])
	for set := range w.sets {
		tabulate(w.table[set*rows:(set+1)*rows], w.columns[set*size:(set+1)*size], weights)
	}
}

// tabulate sums the columns of a set's clusters for all ways to give them weights. The first
// cluster's weight varies fastest.
func tabulate(table, columns, weights [][8]float64) {
	sum := &table[0]
	*sum = [8]float64{}
	for i := range columns {
		for k, v := range &columns[i] {
			sum[k] += weights[0][k] * v
		}
	}
	filled := 1
	for i := range columns {
		x := &columns[i]
		for v := 1; v < len(weights); v++ {
			var by [8]float64
			for k := range by {
				by[k] = (weights[v][k] - weights[0][k]) * x[k]
			}
			addToRows(table[v*filled:(v+1)*filled], table[:filled], &by)
		}
		filled *= len(weights)
	}
}

// addToRows fills rows with others plus x.
func addToRows(dst, rows [][8]float64, x *[8]float64) {
	x0, x1, x2, x3, x4, x5, x6, x7 := x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]
	dst = dst[:len(rows)]
	for i := range rows {
		from, to := &rows[i], &dst[i]
		to[0], to[1], to[2], to[3] = from[0]+x0, from[1]+x1, from[2]+x2, from[3]+x3
		to[4], to[5], to[6], to[7] = from[4]+x4, from[5]+x5, from[6]+x6, from[7]+x7
	}
}

// sum adds up the rows of the tables that draw k has drawn.
func (w *wild) sum(k int) (s0, s1, s2, s3, s4, s5, s6, s7 float64) {
	rows := tableRows(len(w.linear))
	table, at := w.table[:w.sets*rows], 0
	pattern := w.patterns[k*w.words : (k+1)*w.words]
	for i, word := range pattern {
		sets := setsPerWord
		if i == len(pattern)-1 {
			sets = w.last
		}
		for range sets {
			row := &table[at+int(word&(1<<rowBits-1))]
			s0 += row[0]
			s1 += row[1]
			s2 += row[2]
			s3 += row[3]
			s4 += row[4]
			s5 += row[5]
			s6 += row[6]
			s7 += row[7]
			word >>= rowBits
			at += rows
		}
	}
	return
}

// addEffects adds what the coordinates of effects contribute to the variance of every draw.
func (w *wild) addEffects() {
	size, rows := setSize(len(w.linear)), tableRows(len(w.linear))
	from := 0
	for e, end := range w.pieceEnd[:w.l.core.effects] {
		pieces := w.pieces[from:end]
		from = end
		for i, piece := range pieces {
			columns := w.columns[:size]
			clear(columns)
			first := piece.set * size
			for g := first; g < min(first+size, w.clusters); g++ {
				if w.home[g] == e {
					copy(columns[g-first][:], w.ownPart(g))
				}
			}
			tabulate(w.table[i*rows:(i+1)*rows], columns, w.linear)
		}
		for k := range w.draws {
			pattern, at := w.patterns[k*w.words:(k+1)*w.words], 0
			var y, c, s, q float64
			for i := range pieces {
				piece := &pieces[i]
				row := &w.table[at+int(pattern[piece.word]>>(piece.shift&63)&(1<<rowBits-1))]
				y += row[0]
				c += row[1]
				s += row[2]
				q += row[3]
				at += rows
			}
			d := &w.draws[k]
			d.v0 += y * s
			d.v1 += y*q + c*s
			d.v2 += c * q
		}
	}
}

// infer replaces the p-value of an estimate, and adds its interval. It returns
// the test that gave both.
func (w *wild) infer(e *Estimate, bread, alpha float64) wildTest {
	squares := w.scoreSquares()
	test := wildTest{draws: w.draws, all: len(w.draws), bread: bread, se: math.Sqrt(squares.v0), squares: squares}
	e.P = test.p(e.Value)
	bound := func(step float64) float64 {
		near := test
		return searchBound(e.Value, step,
			func(null float64) bool { return near.p(e.Value-null) <= alpha },
			func(low, high float64) { near = test.between(e.Value-low, e.Value-high, w.undecided[:0]) })
	}
	e.Low, e.High = bound(-2*e.SE), bound(2*e.SE)
	if !(test.se > 0) || math.IsInf(test.se, 0) {
		*e = failed(NotFinite)
	}
	return test
}

// A wildTest tests values of one coefficient against the same draws.
type wildTest struct {
	draws     []wildDraw
	beyond    int // further draws whose |t| is at least the data's
	all       int // draws in all
	bread, se float64
	squares   wildDraw // Σ u²: v is what is left of that of a draw less fitted values
}

// p is the p-value of the null that the coefficient lies delta from its
// estimate: the share of draws whose |t| is at least the data's, which makes a
// tie with the data's own signs count.
func (t wildTest) p(delta float64) float64 {
	kappa := delta / t.bread
	limit, rounding := t.limit(delta), t.rounding(kappa)
	count := t.beyond
	for i := range t.draws {
		d := &t.draws[i]
		n := d.n0 + kappa*d.n1
		if v := d.v0 + kappa*(d.v1+kappa*d.v2); n*n >= limit*(v-rounding) {
			count++
		}
	}
	return float64(count) / float64(t.all)
}

// limit is the squared t of the data, but for rounding.
func (t wildTest) limit(delta float64) float64 { return delta * delta / (t.se * t.se) * (1 - 1e-10) }

// rounding is what the squared standard error of a draw may be off by. That of the data's
// own signs is the same for all nulls; far from the estimate it is little beside this.
func (t wildTest) rounding(kappa float64) float64 {
	return 1e-13 * (t.squares.v0 + kappa*(t.squares.v1+kappa*t.squares.v2))
}

// between is the test of nulls between two, on the same side of the estimate, for which
// most draws are on one side of the data. It keeps the others, in place of undecided: with
// the numerator n linear and the variance v quadratic, n² - limit v has one sign where the
// least n² is more than the largest limit times the largest v, or the largest n² less than
// the least of both.
func (t wildTest) between(from, to float64, undecided []wildDraw) wildTest {
	const rounding = 1e-9
	near, far := from/t.bread, to/t.bread
	least, most := t.limit(from)*(1-rounding), t.limit(to)*(1+rounding)
	if least > most {
		least, most = t.limit(to)*(1-rounding), t.limit(from)*(1+rounding)
	}
	off := max(t.rounding(near), t.rounding(far))
	t.beyond = 0
	for i := range t.draws {
		d := &t.draws[i]
		n, m := d.n0+near*d.n1, d.n0+far*d.n1
		v, u := d.v0+near*(d.v1+near*d.v2), d.v0+far*(d.v1+far*d.v2)
		low := min(v, u)
		if at := -d.v1 / (2 * d.v2); d.v2 > 0 && (at-near)*(at-far) < 0 {
			low = d.v0 + at*d.v1/2
		}
		switch {
		case n*m > 0 && min(n*n, m*m) > most*max(v, u):
			t.beyond++
		case max(n*n, m*m) < least*(low-off):
		default:
			undecided = append(undecided, *d)
		}
	}
	t.draws = undecided
	return t
}

// join adds to a step-down the test that a coefficient is 0.
func (t wildTest) join(tests *stepDown, e *Estimate) {
	kappa := e.Value / t.bread
	drawn := tests.add(e, e.Value*e.Value/(t.se*t.se), len(t.draws))
	for k := range t.draws {
		d := &t.draws[k]
		n := d.n0 + kappa*d.n1
		drawn[k] = squaredT(n*n, d.v0+kappa*(d.v1+kappa*d.v2))
	}
}

var _ Method = WildBootstrap{}
