package dgp

import (
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Index is the first principal component of questions answered yes or no: of the
// correlation matrix of the units in the data set, as an analyst would build it, with
// mean 0 there. Unit i says yes to question k if
//
//	√r z_i + √(1-r) N_ik > a threshold      r = Correlation
//
// The sign is that with which the loadings add up to more than 0. A question to which
// all give one answer is left out.
type Index struct {
	Items       []float64 `yaml:"items" required:"true" minlen:"2" gt:"0" lt:"1" doc:"share of yes to each question"`
	Correlation float64   `yaml:"correlation" required:"true" gt:"0" lt:"1" doc:"correlation of two questions before they are cut at the threshold"`
}

// maxQuestions bounds the questions of an index.
const maxQuestions = 100

// Check makes sure that the column belongs to schools or teachers.
func (l Index) Check(c Covariate, _ []Covariate, fault func(key, format string, args ...any)) {
	if c.Level == ChildLevel {
		fault("level", "an index is a column of schools or teachers; this is a child column")
	}
	if n := len(l.Items); n > maxQuestions {
		fault("items", "has %d questions; the limit is %d", n, maxQuestions)
	}
}

// Compile prepares drawing. Mean and SD are those of an endless data set.
func (l Index) Compile(p *population) compiledLaw {
	k := len(l.Items)
	common, own := math.Sqrt(l.Correlation), math.Sqrt(1-l.Correlation)
	cut := make([]float64, k)
	for i, m := range l.Items {
		cut[i] = distuv.UnitNormal.Quantile(1 - m)
	}
	yes := func(i int, z float64) float64 { return 0.5 * math.Erfc((cut[i]-common*z)/(own*math.Sqrt2)) }
	sd := func(i int) float64 { return math.Sqrt(l.Items[i] * (1 - l.Items[i])) }
	whole := mat.NewSymDense(k, nil)
	for i := range k {
		whole.SetSym(i, i, 1)
		for j := range i {
			both := overNormal(smoothSteps, func(z float64) float64 { return yes(i, z) * yes(j, z) })
			whole.SetSym(i, j, (both-l.Items[i]*l.Items[j])/(sd(i)*sd(j)))
		}
	}
	c := newComponent(k)
	for i := range k {
		for j := range k {
			c.matrix[i][j] = whole.At(i, j)
		}
	}
	variance := c.solve()
	loadings := append([]float64(nil), c.first...)
	answers := columnsOf(k, p.design.teachers()) // and no fewer than schools
	mean := make([]float64, k)
	return compiledLaw{
		sd: math.Sqrt(variance), meanInverse: math.NaN(),
		given: func(z float64) float64 {
			x := 0.0
			for i, w := range loadings {
				x += w * (yes(i, z) - l.Items[i]) / sd(i)
			}
			return x
		},
		from: func(dst, z []float64, r *Source) {
			n := len(dst)
			for i := range answers {
				sum := 0.0
				for u := range n {
					a := step(common*z[u]+own*r.NormFloat64() > cut[i])
					answers[i][u] = a
					sum += a
				}
				mean[i] = sum / float64(n)
			}
			// Answers are 0 or 1: Σ ab of two questions is a count, and Σ a² = Σ a.
			for i, m := range mean {
				for j := range i {
					both := 0.0
					for u, a := range answers[i][:n] {
						both += a * answers[j][u]
					}
					v, w := m*(1-m), mean[j]*(1-mean[j])
					corr := 0.0
					if v > 0 && w > 0 {
						corr = (both/float64(n) - m*mean[j]) / math.Sqrt(v*w)
					}
					c.matrix[i][j], c.matrix[j][i] = corr, corr
				}
				c.matrix[i][i] = step(m > 0 && m < 1)
			}
			c.solve()
			clear(dst)
			for i, w := range c.first {
				v := mean[i] * (1 - mean[i])
				if v == 0 {
					continue
				}
				scale := w / math.Sqrt(v*float64(n)/float64(max(n-1, 1)))
				for u, a := range answers[i][:n] {
					dst[u] += scale * (a - mean[i])
				}
			}
		},
	}
}

var _ Law = Index{}

// A component finds the first principal component of a small symmetric matrix by
// Jacobi's rotations; it stands in for gonum's decomposition, which allocates.
type component struct {
	matrix, vectors [][]float64
	first           []float64 // the eigenvector of the largest eigenvalue, of length 1
}

func newComponent(k int) *component {
	return &component{matrix: columnsOf(k, k), vectors: columnsOf(k, k), first: make([]float64, k)}
}

// solve fills first, and returns its eigenvalue. It overwrites matrix.
func (c *component) solve() float64 {
	a, v := c.matrix, c.vectors
	k := len(a)
	for i := range v {
		clear(v[i])
		v[i][i] = 1
	}
	for range 60 {
		off := 0.0
		for i := range k {
			for j := range i {
				off += a[i][j] * a[i][j]
			}
		}
		if off < 1e-26 {
			break
		}
		for p := range k {
			for q := range p {
				c.rotate(p, q)
			}
		}
	}
	best := 0
	for i := range k {
		if a[i][i] > a[best][best] {
			best = i
		}
	}
	sum := 0.0
	for i := range k {
		c.first[i] = v[i][best]
		sum += v[i][best]
	}
	if sum < 0 {
		for i := range c.first {
			c.first[i] = -c.first[i]
		}
	}
	return a[best][best]
}

// rotate makes element (p, q) 0 (Golub and Van Loan 2013, section 8.5.2).
func (c *component) rotate(p, q int) {
	a, v := c.matrix, c.vectors
	if a[p][q] == 0 {
		return
	}
	tau := (a[q][q] - a[p][p]) / (2 * a[p][q])
	t := 1 / (math.Abs(tau) + math.Hypot(1, tau))
	if tau < 0 {
		t = -t
	}
	cos := 1 / math.Hypot(1, t)
	sin := t * cos
	for i := range a {
		x, y := a[i][p], a[i][q]
		a[i][p], a[i][q] = cos*x-sin*y, sin*x+cos*y
	}
	for i := range a {
		x, y := a[p][i], a[q][i]
		a[p][i], a[q][i] = cos*x-sin*y, sin*x+cos*y
		x, y = v[i][p], v[i][q]
		v[i][p], v[i][q] = cos*x-sin*y, sin*x+cos*y
	}
}
