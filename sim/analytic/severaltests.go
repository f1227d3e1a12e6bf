package analytic

import (
	"cmp"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// SeveralTests are the two-sided t tests of one coefficient in regressions of several
// outcomes on the same terms, over the same units. Estimates are normal with the
// correlations R, and their squared standard errors are mean squares of the same
// residuals: with z ~ N(0, R) and W ~ Wishart(DF, R), independent of each other,
//
//	t_k = (effect_k/SE_k + z_k)/√(Inflation_k W_kk/DF).
//
// That is not the multivariate t distribution that PUMP draws from and Family has:
// there all tests have one standard error in common, which ties them closer
// together than the same correlation of estimates does here.
type SeveralTests struct {
	Correlation [][]float64 // R, of at most MostTests; may be singular, as of tests and their mean
	Cases       []SeveralCase
}

// MostTests is how many tests SeveralTests may have.
const MostTests = 10

// A SeveralCase is what the tests are with a probability, such as with as many units
// as may be left.
type SeveralCase struct {
	Probability   float64
	Noncentrality []float64 // by test: effect/SE
	Tests         []Test    // of which SE is not used
}

// The integral is over latticeShifts lattices, of latticePoints points each, or of
// morePoints if any standard error is above latticeError.
const (
	latticeShifts = 8
	latticePoints = 2048
	morePoints    = 8192
	latticeError  = 2e-4
)

// Expect returns the expectations of n quantities of the tests' rejections, and the
// standard errors of these. Levels of the tests fall; of fills x with the quantities
// where test k rejects at the first rejects[k] levels and at no other.
//
// One direction of z, in which all tests move together, is integrated exactly, from
// one limit of a test to the next. The other directions and W, by Bartlett's
// decomposition, are integrated over a lattice that is folded by the baker's
// transformation and shifted at random (Cools, Kuo and Nuyens 2006, SIAM Journal on
// Scientific Computing 28). The standard errors are those of the mean over shifts,
// which are the same in every call.
func (s SeveralTests) Expect(levels []float64, n int, of func(rejects []int, x []float64)) (mean, se []float64) {
	p := newSeveralPoint(s, levels)
	mean, se = p.expect(latticePoints, n, of)
	if slices.Max(se) > latticeError {
		mean, se = p.expect(morePoints, n, of)
	}
	return mean, se
}

func (p *severalPoint) expect(points, n int, of func(rejects []int, x []float64)) (mean, se []float64) {
	square, x := make([]float64, n), make([]float64, n)
	mean, se = make([]float64, n), make([]float64, n)
	random := rand.New(rand.NewPCG(2006, 28))
	shift, u := make([]float64, p.dimensions), make([]float64, p.dimensions)
	for range latticeShifts {
		for d := range shift {
			shift[d] = random.Float64()
		}
		p.found.clear()
		for i := range points {
			for d := range u {
				_, part := math.Modf(float64(i*generator(d)%points)/float64(points) + shift[d])
				u[d] = math.Abs(2*part - 1)
			}
			p.at(u)
		}
		one := make([]float64, n)
		p.found.each(func(rejects []int, probability float64) {
			of(rejects, x)
			for k, value := range x {
				one[k] += probability / float64(points) * value
			}
		})
		for k, x := range one {
			mean[k] += x / latticeShifts
			square[k] += x * x / latticeShifts
		}
	}
	for k := range mean {
		se[k] = math.Sqrt(math.Max(square[k]-mean[k]*mean[k], 0) / (latticeShifts - 1))
	}
	return mean, se
}

// rejections are sets of rejections with their probabilities. A set is known by a
// code, of which the numbers of levels at which the tests reject are the digits.
type rejections struct {
	digits uint64 // values of one digit
	few    []float64
	many   map[uint64]float64 // in place of few, where that would be too long
	set    []int              // scratch
}

func newRejections(tests, levels int) *rejections {
	r := &rejections{digits: uint64(levels + 1), set: make([]int, tests)}
	const most = 1 << 16
	if sets := math.Pow(float64(levels+1), float64(tests)); sets <= most {
		r.few = make([]float64, int(sets))
	} else {
		r.many = map[uint64]float64{}
	}
	return r
}

func (r *rejections) clear() {
	clear(r.few)
	clear(r.many)
}

func (r *rejections) add(rejects []int, probability float64) {
	code := uint64(0)
	for _, n := range rejects {
		code = code*r.digits + uint64(n)
	}
	if r.few != nil {
		r.few[code] += probability
	} else {
		r.many[code] += probability
	}
}

// each calls do with every set that has a probability, in the same order every time.
func (r *rejections) each(do func(rejects []int, probability float64)) {
	with := func(code uint64, probability float64) {
		for k := range slices.Backward(r.set) {
			r.set[k] = int(code % r.digits)
			code /= r.digits
		}
		do(r.set, probability)
	}
	for code, p := range r.few {
		if p > 0 {
			with(uint64(code), p)
		}
	}
	for _, code := range slices.Sorted(maps.Keys(r.many)) {
		with(code, r.many[code])
	}
}

// A severalPoint works out what happens at one point of the lattice.
type severalPoint struct {
	SeveralTests
	tests      int
	dimensions int
	until      []float64   // by case: sum of the probabilities up to it
	common     []float64   // by test: its weight on the common direction
	rest       [][]float64 // factor of what is left of R
	factor     [][]float64 // of R
	critical   [][]float64 // by case, then test times levels + level, times √inflation
	chi        [][]chiRoot // by case and test: of the diagonal of Bartlett's matrix; nil for infinite degrees of freedom

	normal   []float64 // scratch: by dimension
	bartlett [][]float64
	turns    []turn
	rejects  []int
	levels   int
	found    *rejections
}

// A turn is where a test begins or stops to reject at one more level.
type turn struct {
	at   float64
	test int
	more int // 1 or -1
}

func newSeveralPoint(s SeveralTests, levels []float64) *severalPoint {
	m := len(s.Correlation)
	p := &severalPoint{
		SeveralTests: s, tests: m, levels: len(levels), factor: choleskyOf(s.Correlation), common: make([]float64, m),
		bartlett: square(m), rejects: make([]int, m), found: newRejections(m, len(levels)),
	}
	// The direction is that of the sum of estimates, each in its standard errors.
	all := 0.0
	for k, row := range s.Correlation {
		for _, r := range row {
			p.common[k] += r
		}
		all += p.common[k]
	}
	rest := square(m)
	for k := range p.common {
		if p.common[k] /= math.Sqrt(all); !(all > 1e-9) { // estimates that cancel
			p.common[k] = 0
		}
	}
	for i := range rest {
		for j := range rest {
			rest[i][j] = s.Correlation[i][j] - p.common[i]*p.common[j]
		}
	}
	p.rest = choleskyOf(rest)
	finite := false
	tables, ratios := map[[2]float64]chiRoot{}, map[[3]float64]float64{}
	sum := 0.0
	for _, c := range s.Cases {
		sum += c.Probability
		p.until = append(p.until, sum)
		critical, df := make([]float64, 0, m*len(levels)), 0.0
		for _, t := range c.Tests {
			df += t.DF / float64(m)
			for _, alpha := range levels {
				at := [3]float64{t.DF, t.CriticalDF, alpha}
				if _, known := ratios[at]; !known {
					ratios[at] = t.ratio(Level{Alpha: alpha, Tails: 2})
				}
				critical = append(critical, ratios[at]*math.Sqrt(t.inflation()))
			}
		}
		p.critical = append(p.critical, critical)
		var chi []chiRoot
		if df <= largeDF {
			finite = true
			for k := range m {
				if df > float64(k) { // else W is singular, of as many columns as degrees of freedom
					at := [2]float64{df - float64(k), df}
					if _, known := tables[at]; !known {
						tables[at] = newChiRoot(at[0], at[1])
					}
					chi = append(chi, tables[at])
				}
			}
		}
		p.chi = append(p.chi, chi)
	}
	p.dimensions = m
	if finite {
		p.dimensions += m * (m + 1) / 2
	}
	p.normal = make([]float64, p.dimensions)
	return p
}

// at adds the probabilities of rejections at a point of the unit cube, of every stretch
// of the common direction.
func (p *severalPoint) at(u []float64) {
	m := p.tests
	// The first dimension is the case; the common direction takes a normal's place.
	c := 0
	for last := p.until[len(p.until)-1]; c+1 < len(p.until) && p.until[c] < u[0]*last; {
		c++
	}
	for d := 1; d < p.dimensions; d++ {
		p.normal[d] = distuv.UnitNormal.Quantile(u[d])
	}
	z, rest := p.normal[1:m], p.normal[m:]
	if p.chi[c] != nil {
		next := rest[m:]
		for k := range m {
			p.bartlett[k][k] = 0
			if k < len(p.chi[c]) {
				p.bartlett[k][k] = p.chi[c][k].at(rest[k])
			}
			for j := range k {
				p.bartlett[k][j] = 0
				if j < len(p.chi[c]) {
					p.bartlett[k][j] = next[j] * p.chi[c][0].unit
				}
			}
			next = next[k:]
		}
	}
	p.turns = p.turns[:0]
	one := p.Cases[c]
	for k := range m {
		shift := one.Noncentrality[k]
		place := 0 // columns without a pivot are 0
		for j := range k + 1 {
			if p.rest[j][j] > 0 && place < len(z) {
				shift += p.rest[k][j] * z[place]
				place++
			}
		}
		scale := 1.0
		if p.chi[c] != nil {
			scale = 0
			for j := range k + 1 {
				sum := 0.0
				for i := j; i <= k; i++ {
					sum += p.factor[k][i] * p.bartlett[i][j]
				}
				scale += sum * sum
			}
			scale = math.Sqrt(scale)
		}
		p.rejects[k] = 0
		for l := range p.levels {
			limit := p.critical[c][k*p.levels+l] * scale
			if math.Abs(p.common[k]) < 1e-9 {
				if math.Abs(shift) > limit {
					p.rejects[k]++
				}
				continue
			}
			low, high := (-limit-shift)/p.common[k], (limit-shift)/p.common[k]
			if low > high {
				low, high = high, low
			}
			switch { // beyond 8.3 is less than 1e-16
			case low > -8.3 && low < 8.3:
				p.rejects[k]++
				p.turns = append(p.turns, turn{low, k, -1})
			case low >= 8.3:
				p.rejects[k]++
			}
			switch {
			case high > -8.3 && high < 8.3:
				p.turns = append(p.turns, turn{high, k, 1})
			case high <= -8.3:
				p.rejects[k]++
			}
		}
	}
	slices.SortFunc(p.turns, func(a, b turn) int { return cmp.Compare(a.at, b.at) })
	below := 0.0
	for _, t := range p.turns {
		if to := distuv.UnitNormal.CDF(t.at); to > below {
			p.found.add(p.rejects, to-below)
			below = to
		}
		p.rejects[t.test] += t.more
	}
	p.found.add(p.rejects, 1-below)
}

// A chiRoot is the quantile of √(χ²(df)/of), of a normal's value: cubic between nodes
// of the normal.
type chiRoot struct {
	unit         float64 // 1/√of
	value, slope []float64
}

const (
	chiEnd  = 7.0 // of the nodes
	chiStep = 0.1
)

func newChiRoot(df, of float64) chiRoot {
	c := chiRoot{unit: 1 / math.Sqrt(of)}
	law := distuv.ChiSquared{K: df}
	for i := range int(2*chiEnd/chiStep) + 1 {
		w := float64(i)*chiStep - chiEnd
		var x float64
		if w <= 0 { // of the two tails the small one keeps its digits
			x = 2 * mathext.GammaIncRegInv(df/2, distuv.UnitNormal.CDF(w))
		} else {
			x = 2 * mathext.GammaIncRegCompInv(df/2, distuv.UnitNormal.CDF(-w))
		}
		root, slope := math.Sqrt(x), 0.0
		if density := law.Prob(x); density > 0 && root > 0 {
			slope = distuv.UnitNormal.Prob(w) / (density * 2 * root)
		}
		c.value, c.slope = append(c.value, root*c.unit), append(c.slope, slope*c.unit)
	}
	return c
}

func (c chiRoot) at(w float64) float64 {
	w = math.Min(math.Max(w, -chiEnd), chiEnd-1e-9)
	i, x := math.Modf((w + chiEnd) / chiStep)
	k := int(i)
	return (1+2*x)*(1-x)*(1-x)*c.value[k] + x*x*(3-2*x)*c.value[k+1] +
		chiStep*(x*(1-x)*(1-x)*c.slope[k]-x*x*(1-x)*c.slope[k+1])
}

// choleskyOf is the lower factor of a matrix that may be singular: a column without a
// pivot is 0.
func choleskyOf(a [][]float64) [][]float64 {
	l := square(len(a))
	for j := range a {
		pivot := a[j][j]
		for k := range j {
			pivot -= l[j][k] * l[j][k]
		}
		if pivot < 1e-10 {
			continue
		}
		l[j][j] = math.Sqrt(pivot)
		for i := j + 1; i < len(a); i++ {
			sum := a[i][j]
			for k := range j {
				sum -= l[i][k] * l[j][k]
			}
			l[i][j] = sum / l[j][j]
		}
	}
	return l
}

func square(n int) [][]float64 {
	a := make([][]float64, n)
	for i := range a {
		a[i] = make([]float64, n)
	}
	return a
}

// generators are the first components of the generating vector exod2_base2_m20_CKN of
// Cools, Kuo and Nuyens (2006), for 2^10 to 2^20 points.
var generators = [...]int{
	1, 182667, 469891, 498753, 110745, 446247, 250185, 118627, 245333, 283199, 408519, 391023, 246327, 126539, 399185, 461527,
	300343, 69681, 516695, 436179, 106383, 238523, 413283, 70841, 47719, 300129, 113029, 123925, 410745, 211325, 17489, 511893,
	40767, 186077, 519471, 255369, 101819, 243573, 66189, 152143, 503455, 113217, 132603, 463967, 297717, 157383, 224015, 502917,
}

// generator is the lattice's of a dimension. Beyond the vector, for nine tests and more,
// they go on by multiplication, as Korobov's do.
func generator(d int) int {
	g := generators[d%len(generators)]
	for range d / len(generators) {
		g = g * 17797 % morePoints
	}
	return g
}
