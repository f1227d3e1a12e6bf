// Package gtheory says how reliable the scores of observed classrooms are: by
// formula for any plan of days, segments and coders (dgp.Facets), by simulation, and
// by estimating variance components from ratings, simulated or real: D-studies and
// G-studies (Brennan 2001, Generalizability Theory).
package gtheory

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"

	"coachsim/dgp"
)

// A Component is a source of variance in ratings.
type Component int

// The components of the design segment:day:class × rater.
const (
	Class      Component = iota // true scores
	Day                         // day within class
	Segment                     // segment within day
	Rater                       // severity; where every class has raters of its own, rater within class
	RaterClass                  // rater × class
	RaterDay                    // rater × day within class
	Rating                      // what is left
	Components                  // how many there are
)

var componentNames = [Components]string{"class", "day", "segment", "rater", "rater x class", "rater x day", "rating"}

func (c Component) String() string { return componentNames[c] }

// MarshalText writes the component's name.
func (c Component) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Ratings says to what each of some ratings belongs. Days, segments and raters are
// numbered from 0 over all classes: day 3 is a day of one class only, and segment 7
// a segment of one day; a rater may rate several classes.
type Ratings struct {
	Class, Day, Segment, Rater []int
}

// Len is the number of ratings.
func (r *Ratings) Len() int { return len(r.Class) }

// pairs is a way in which two ratings can be of the same things.
type pairs int

// The ways. Two ratings of one segment have different raters.
const (
	sameSegment    pairs = iota // and so other raters
	sameDay                     // by one rater, of two segments
	sameDayOther                // by two raters, of two segments
	sameClass                   // by one rater, on two days
	sameClassOther              // by two raters, on two days
	otherClass
	raterMeans // no pairs: the differences between raters, given segments
	equations
)

// differ says which components of two ratings of a kind of pair are not the same.
var differ = [otherClass][]Component{
	sameSegment:    {Rater, RaterClass, RaterDay, Rating},
	sameDay:        {Segment, Rating},
	sameDayOther:   {Segment, Rater, RaterClass, RaterDay, Rating},
	sameClass:      {Day, Segment, RaterDay, Rating},
	sameClassOther: {Day, Segment, Rater, RaterClass, RaterDay, Rating},
}

// A Layout is what can be estimated from ratings that belong to some classes, days,
// segments and raters, balanced or not.
//
// Components are estimated by equating quadratic forms of the ratings to their
// expectations, without assuming a distribution: for each kind of pair of ratings
// the mean of half their squared difference (Koch 1968, Technometrics 10:551), and
// where raters rate several classes the sum of squares of raters adjusted for
// segments (Henderson's method III; 1953, Biometrics 9:226). In balanced designs,
// nested or crossed, these are the estimates of analysis of variance. They are
// unbiased, and may be negative.
type Layout struct {
	ratings Ratings
	groups  [groupings][]int // the cell of each rating
	cells   [groupings]int
	pairs   [equations]float64 // how many of a kind
	adjust  *adjusted          // nil where no rater has two classes
	shared  bool

	// Estimated are the components that the ratings tell apart, in order.
	Estimated []Component
	// merge[i][c] is how much of component c is counted as Estimated[i].
	merge  [][Components]float64
	weight []float64 // of the equations in use
	use    []pairs
	solve  mat.QR
	sums   [groupings]cellSums
}

// groupings of ratings into cells.
const (
	byAll = iota
	byClass
	byDay
	bySegment
	byRater
	byRaterClass
	byRaterDay
	groupings
)

type cellSums struct{ n, x, xx []float64 }

// Shared reports whether a rater rates several classes.
func (l *Layout) Shared() bool { return l.shared }

// Twice is the error of a rating whose segment has one by the same rater.
type Twice struct{ Rating int }

func (t *Twice) Error() string {
	return fmt.Sprintf("rating %d is the second of one segment by one rater", t.Rating+1)
}

// NewLayout finds out what can be estimated.
func NewLayout(r Ratings) (*Layout, error) {
	r = Ratings{crossed(r.Class, r.Class), crossed(r.Day, r.Day), crossed(r.Segment, r.Segment), crossed(r.Rater, r.Rater)} // without gaps
	l := &Layout{ratings: r}
	n := r.Len()
	if n < 2 {
		return nil, errors.New("there are fewer than two ratings")
	}
	l.groups[byAll] = make([]int, n)
	l.groups[byClass], l.groups[byDay], l.groups[bySegment], l.groups[byRater] = r.Class, r.Day, r.Segment, r.Rater
	l.groups[byRaterClass], l.groups[byRaterDay] = crossed(r.Class, r.Rater), crossed(r.Day, r.Rater)
	once := map[[2]int]bool{}
	for i := range n {
		at := [2]int{r.Segment[i], r.Rater[i]}
		if once[at] {
			return nil, &Twice{i}
		}
		once[at] = true
	}
	for g := range l.groups {
		l.cells[g] = 0
		for _, c := range l.groups[g] {
			l.cells[g] = max(l.cells[g], c+1)
		}
		l.sums[g] = cellSums{make([]float64, l.cells[g]), make([]float64, l.cells[g]), make([]float64, l.cells[g])}
	}
	if l.cells[byClass] < 2 {
		return nil, errors.New("there are ratings of one class only")
	}
	l.shared = l.cells[byRaterClass] > l.cells[byRater]
	if l.shared {
		l.adjust = newAdjusted(l)
	}

	ones := make([]float64, n)
	var count [groupings]float64
	for g := range l.groups {
		count[g] = l.within(g, ones, func(n, _, _ float64) float64 { return n * (n - 1) / 2 })
	}
	l.pairs = patterns(count)
	var rows [][Components]float64
	for kind := range equations {
		var row [Components]float64
		switch {
		case kind == raterMeans:
			if l.adjust == nil || l.adjust.rank == 0 {
				continue
			}
			row = l.adjust.expected
			l.weight = append(l.weight, float64(n))
		case l.pairs[kind] == 0:
			continue
		case kind == otherClass:
			row = [Components]float64{1, 1, 1, 1 - (count[byRater]-count[byRaterClass])/l.pairs[kind], 1, 1, 1}
			l.weight = append(l.weight, l.pairs[kind])
		default:
			for _, c := range differ[kind] {
				row[c] = 1
			}
			l.weight = append(l.weight, l.pairs[kind])
		}
		l.use = append(l.use, kind)
		rows = append(rows, row)
	}
	return l, l.choose(rows)
}

// crossed numbers the cells of two factors.
func crossed(a, b []int) []int {
	number := map[[2]int]int{}
	cells := make([]int, len(a))
	for i := range a {
		at := [2]int{a[i], b[i]}
		c, ok := number[at]
		if !ok {
			c = len(number)
			number[at] = c
		}
		cells[i] = c
	}
	return cells
}

// patterns takes sums over the pairs within cells to sums over kinds of pairs.
func patterns(within [groupings]float64) (p [equations]float64) {
	p[sameSegment] = within[bySegment]
	p[sameDay] = within[byRaterDay]
	p[sameDayOther] = within[byDay] - within[bySegment] - within[byRaterDay]
	p[sameClass] = within[byRaterClass] - within[byRaterDay]
	p[sameClassOther] = within[byClass] - within[byDay] - p[sameClass]
	p[otherClass] = within[byAll] - within[byClass]
	return p
}

// within adds up a function of each cell's count, sum and sum of squares.
func (l *Layout) within(g int, x []float64, f func(n, x, xx float64) float64) float64 {
	s := &l.sums[g]
	clear(s.n)
	clear(s.x)
	clear(s.xx)
	for i, c := range l.groups[g] {
		s.n[c]++
		s.x[c] += x[i]
		s.xx[c] += x[i] * x[i]
	}
	sum := 0.0
	for c, n := range s.n {
		sum += f(n, s.x[c], s.xx[c])
	}
	return sum
}

// choose takes the components whose coefficients are no sums of others', the more
// basic first, and prepares solving for them.
func (l *Layout) choose(rows [][Components]float64) error {
	column := func(c Component) []float64 {
		x := make([]float64, len(rows))
		for i := range rows {
			x[i] = rows[i][c] * math.Sqrt(l.weight[i])
		}
		return x
	}
	var chosen []Component
	var basis [][]float64 // orthonormal
	for _, c := range []Component{Rating, Class, Rater, Day, Segment, RaterClass, RaterDay} {
		x := column(c)
		before := norm(x)
		for range 2 { // twice is enough
			for _, b := range basis {
				along := dot(x, b)
				for i := range x {
					x[i] -= along * b[i]
				}
			}
		}
		if after := norm(x); after > 1e-7*before {
			for i := range x {
				x[i] /= after
			}
			basis = append(basis, x)
			chosen = append(chosen, c)
		}
	}
	slices.Sort(chosen)
	l.Estimated = chosen
	if !slices.Contains(l.Estimated, Class) {
		return errors.New("every class has one rating, which says nothing of errors")
	}
	m := mat.NewDense(len(rows), len(l.Estimated), nil)
	for k, c := range l.Estimated {
		m.SetCol(k, column(c))
	}
	l.solve.Factorize(m)
	l.merge = make([][Components]float64, len(l.Estimated))
	for c := range Components {
		for k, x := range l.solved(column(c)) {
			if math.Abs(x) > 1e-9 {
				l.merge[k][c] = x
			}
		}
	}
	return nil
}

func (l *Layout) solved(y []float64) []float64 {
	var x mat.VecDense
	if err := l.solve.SolveVecTo(&x, false, mat.NewVecDense(len(y), y)); err != nil {
		var condition mat.Condition // solved all the same
		if !errors.As(err, &condition) {
			panic("gtheory: " + err.Error())
		}
	}
	return x.RawVector().Data
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

func norm(x []float64) float64 { return math.Sqrt(dot(x, x)) }

// Estimate returns the variance components of scores, in the order of Estimated.
func (l *Layout) Estimate(score []float64) []float64 {
	x := make([]float64, len(score))
	mean := 0.0
	for _, v := range score {
		mean += v / float64(len(score))
	}
	for i, v := range score { // differences do not depend on it, rounding does
		x[i] = v - mean
	}
	var sums [groupings]float64
	for g := range l.groups {
		sums[g] = l.within(g, x, func(n, x, xx float64) float64 { return n*xx - x*x }) // of squared differences
	}
	squares := patterns(sums)
	y := make([]float64, len(l.use))
	for i, kind := range l.use {
		if kind == raterMeans {
			y[i] = l.adjust.meanSquare(x)
		} else {
			y[i] = squares[kind] / (2 * l.pairs[kind])
		}
		y[i] *= math.Sqrt(l.weight[i])
	}
	return l.solved(y)
}

// Expected returns what Estimate estimates, given the variance of each component:
// those that the ratings cannot tell apart are counted together.
func (l *Layout) Expected(variance [Components]float64) []float64 {
	e := make([]float64, len(l.Estimated))
	for k := range e {
		for c, v := range variance {
			e[k] += l.merge[k][c] * v
		}
	}
	return e
}

// With returns the components that are counted as another one, whole.
func (l *Layout) With(k int) (with []Component) {
	for c := range Components {
		if c != l.Estimated[k] && math.Abs(l.merge[k][c]-1) < 1e-6 {
			with = append(with, c)
		}
	}
	return with
}

// Draw fills score with ratings of normal components, in the order of Estimated;
// negative variances count as 0.
func (l *Layout) Draw(score, variance []float64, r *rand.Rand) {
	clear(score)
	of := [Components]int{Class: byClass, Day: byDay, Segment: bySegment, Rater: byRater, RaterClass: byRaterClass, RaterDay: byRaterDay}
	for k, c := range l.Estimated {
		sd := math.Sqrt(math.Max(variance[k], 0))
		if c == Rating {
			for i := range score {
				score[i] += sd * r.NormFloat64()
			}
			continue
		}
		effect := make([]float64, l.cells[of[c]])
		for i := range effect {
			effect[i] = sd * r.NormFloat64()
		}
		for i, cell := range l.groups[of[c]] {
			score[i] += effect[cell]
		}
	}
}

// BootstrapDraws is the number of data sets drawn for standard errors.
const BootstrapDraws = 400

// StandardErrors returns those of estimates by a parametric bootstrap: the standard
// deviations of the estimates of data sets of normal components with the estimated
// variances, in the same layout.
func (l *Layout) StandardErrors(estimates []float64, seed uint64) []float64 {
	const n = BootstrapDraws
	sum, square := make([]float64, len(estimates)), make([]float64, len(estimates))
	score := make([]float64, l.ratings.Len())
	source := dgp.NewSource()
	for rep := range uint64(n) {
		l.Draw(score, estimates, source.Load(dgp.Stream{Seed: seed, Replicate: rep}, dgp.ObservationPurpose).Rand)
		for k, x := range l.Estimate(score) {
			d := x - estimates[k]
			sum[k] += d
			square[k] += d * d
		}
	}
	for k := range square {
		square[k] = math.Sqrt((square[k] - sum[k]*sum[k]/n) / (n - 1))
	}
	return square
}

// adjusted is the sum of squares of raters, adjusted for segments; where no segment
// has two raters, for classes, and where no class has, for the mean.
type adjusted struct {
	w        [][]float64 // by rating: the adjusted indicators of raters
	inverse  *mat.SymDense
	rank     int
	expected [Components]float64 // of the mean square, per variance
}

func newAdjusted(l *Layout) *adjusted {
	raters := l.cells[byRater]
	for _, g := range []int{bySegment, byClass, byAll} {
		a := &adjusted{}
		size := make([]float64, l.cells[g])
		for _, c := range l.groups[g] {
			size[c]++
		}
		means := make([][]float64, l.cells[g])
		for i, c := range l.groups[g] {
			if means[c] == nil {
				means[c] = make([]float64, raters)
			}
			means[c][l.ratings.Rater[i]] += 1 / size[c]
		}
		products := mat.NewSymDense(raters, nil)
		for i, c := range l.groups[g] {
			w := make([]float64, raters)
			for r, m := range means[c] {
				w[r] = -m
			}
			w[l.ratings.Rater[i]]++
			a.w = append(a.w, w)
			products.SymRankOne(products, 1, mat.NewVecDense(raters, w))
		}
		var eigen mat.EigenSym
		if !eigen.Factorize(products, true) {
			panic("gtheory: a symmetric matrix has eigenvalues")
		}
		var vectors mat.Dense
		eigen.VectorsTo(&vectors)
		values := eigen.Values(nil)
		a.inverse = mat.NewSymDense(raters, nil)
		for i, v := range values {
			if v > 1e-9*float64(l.ratings.Len()) {
				a.rank++
				a.inverse.SymRankOne(a.inverse, 1/v, vectors.ColView(i))
			}
		}
		if a.rank == 0 {
			continue
		}
		for c, g := range [Components]int{Class: byClass, Day: byDay, Segment: bySegment, Rater: byRater, RaterClass: byRaterClass, RaterDay: byRaterDay, Rating: -1} {
			a.expected[c] = a.trace(l, g) / float64(a.rank)
		}
		return a
	}
	return nil
}

// trace is that of the quadratic form's matrix times Z Z', Z the indicators of a
// grouping; of the ratings themselves where it is -1.
func (a *adjusted) trace(l *Layout, g int) float64 {
	if g < 0 {
		return float64(a.rank) // the matrix is a projection
	}
	sums := make([][]float64, l.cells[g])
	for i, c := range l.groups[g] {
		if sums[c] == nil {
			sums[c] = make([]float64, len(a.w[i]))
		}
		for r, x := range a.w[i] {
			sums[c][r] += x
		}
	}
	total := 0.0
	for _, u := range sums {
		total += a.quadratic(u)
	}
	return total
}

func (a *adjusted) quadratic(u []float64) float64 {
	v := mat.NewVecDense(len(u), u)
	return mat.Inner(v, a.inverse, v)
}

func (a *adjusted) meanSquare(x []float64) float64 {
	u := make([]float64, len(a.w[0]))
	for i, w := range a.w {
		for r, v := range w {
			u[r] += v * x[i]
		}
	}
	return a.quadratic(u) / float64(a.rank)
}
