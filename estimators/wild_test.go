package estimators_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/estimators/estimatortest"
)

// A bootstrapped is a regression of score on two terms and the levels of a
// factor, and a null hypothesis on the first term.
type bootstrapped struct {
	tested, other string
	absorb        dgp.Level
}

var onCoaching = bootstrapped{"coaching", "ses", dgp.BlockLevel}

func (r bootstrapped) ols(se estimators.SE) estimators.OLS {
	return estimators.OLS{
		Formula: fmt.Sprintf("score ~ %s + %s | %s", r.tested, r.other, r.absorb), Cluster: "school", SE: se, Report: []string{r.tested},
	}
}

// A bootstrapper is the wild cluster bootstrap done the slow and obvious way:
// the fit under the null by QR on the rows, and a whole regression for every
// draw.
type bootstrapper struct {
	t      *testing.T
	shape  dgp.Shape
	data   *dgp.Data
	panel  *estimators.Panel
	y      []float64
	tested []float64
	group  []int
	other  *mat.Dense // the other term and dummies
}

func newBootstrapper(t *testing.T, shape dgp.Shape, d *dgp.Data, r bootstrapped) *bootstrapper {
	t.Helper()
	panel, err := estimators.Bind([]estimators.Named{{Name: "ols", Method: r.ols(estimators.CR0)}}, shape, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &bootstrapper{t: t, shape: shape, data: estimatortest.Clone(d), panel: panel}
	n := d.Children()
	b.other = mat.NewDense(n, 1+d.N[r.absorb], nil)
	value := func(name string, child int) float64 {
		k := shape.Index(name)
		return d.Columns[k][d.Ancestor(dgp.ChildLevel, child, shape.Columns[k].Level)]
	}
	for i := range n {
		b.y = append(b.y, value("score", i))
		b.tested = append(b.tested, value(r.tested, i))
		b.group = append(b.group, d.Ancestor(dgp.ChildLevel, i, dgp.SchoolLevel))
		b.other.Set(i, 0, value(r.other, i))
		b.other.Set(i, 1+d.Ancestor(dgp.ChildLevel, i, r.absorb), 1)
	}
	return b
}

// t returns the coefficient less a null value, and it over its standard error,
// in the data with another outcome.
func (b *bootstrapper) statistic(y []float64, null float64) (difference, t float64) {
	copy(b.data.Columns[b.shape.Index("score")], y)
	e := b.panel.Fit(b.data)[0]
	if e.Status != estimators.OK {
		b.t.Fatalf("refit: %v", e.Status)
	}
	return e.Value - null, (e.Value - null) / e.SE
}

// p is the p-value of a null: the share of the draws with |t*| >= |t|.
func (b *bootstrapper) p(null float64, draws [][]float64) float64 {
	n := len(b.y)
	rest := mat.NewVecDense(n, nil)
	for i := range n {
		rest.SetVec(i, b.y[i]-null*b.tested[i])
	}
	var coefficients, fitted mat.VecDense
	if err := coefficients.SolveVec(b.other, rest); err != nil {
		b.t.Fatal(err)
	}
	fitted.MulVec(b.other, &coefficients)
	_, data := b.statistic(b.y, null)
	count := 0
	y := make([]float64, n)
	for _, v := range draws {
		for i := range n {
			y[i] = fitted.AtVec(i) + null*b.tested[i] + v[b.group[i]]*(rest.AtVec(i)-fitted.AtVec(i))
		}
		if _, t := b.statistic(y, null); math.Abs(t) >= math.Abs(data)*(1-1e-9) {
			count++
		}
	}
	return float64(count) / float64(len(draws))
}

// Of four clusters two vectors of signs in 16 tie with the data whatever the null: no null
// has a p-value below 0.125, so that no interval of 95% ends, however far it is searched.
func TestWildBootstrapOfFewClusters(t *testing.T) {
	design := estimatortest.Design{Blocks: 4, Schools: 8, Teachers: 2, Children: 8, Effect: 0.4, Shared: 0.4}
	shape := design.Shape()
	panel, err := estimators.Bind([]estimators.Named{{Name: "wild", Method: estimators.WildBootstrap{
		OLS:   estimators.OLS{Formula: "c(score, reading) ~ coaching + ses", Cluster: "block", SE: cr1, Report: []string{"coaching", "ses"}},
		Draws: 99,
	}}}, shape, nil)
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(10) {
		for i, e := range panel.Fit(design.Draw(seed)) {
			if e.Status != estimators.OK || e.P < 0.125 || !math.IsInf(e.Low, -1) || !math.IsInf(e.High, 1) {
				t.Errorf("seed %d, estimate %d: %+v", seed, i, e)
			}
		}
	}
}

// With eight schools all 256 vectors of signs are taken, so the p-value and the
// ends of the interval have one right answer.
func TestWildBootstrapEnumerated(t *testing.T) {
	design := estimatortest.Design{Blocks: 2, Schools: 4, Teachers: 2, Children: 6, Effect: 0.8, Shared: 0.4}
	shape, d := design.Shape(), design.Draw(5)
	panel := bindWild(t, shape, onCoaching, estimators.WildBootstrap{Draws: 999})
	panel.SetAlpha(0.10)
	e := panel.Fit(d)[0]
	var signs [][]float64
	for pattern := range 1 << d.N[dgp.SchoolLevel] {
		v := make([]float64, d.N[dgp.SchoolLevel])
		for g := range v {
			v[g] = 1 - 2*float64(pattern>>g&1)
		}
		signs = append(signs, v)
	}
	slow := newBootstrapper(t, shape, d, onCoaching)
	if want := slow.p(0, signs); e.P != want {
		t.Errorf("p %v, want %v", e.P, want)
	}
	if e.P == 0 || e.P == 1 {
		t.Errorf("p %v tells little", e.P)
	}
	width := e.High - e.Low
	for _, end := range []struct{ inside, outside float64 }{
		{e.Low + 1e-4*width, e.Low - 1e-4*width}, {e.High - 1e-4*width, e.High + 1e-4*width},
	} {
		if in, out := slow.p(end.inside, signs), slow.p(end.outside, signs); in <= 0.10 || out > 0.10 {
			t.Errorf("interval %v to %v: p %v just inside, %v just outside", e.Low, e.High, in, out)
		}
	}
}

// With other weights, and with more schools than can be enumerated, the draws
// are those of the estimator's own stream.
func TestWildBootstrapDrawn(t *testing.T) {
	design := estimatortest.Design{Blocks: 7, Schools: 9, Teachers: 2, Children: 5, Effect: 0.15, Shared: 0.4}
	shape, d := design.Shape(), design.Draw(6)
	st := dgp.Stream{Seed: 7, Replicate: 11}
	const draws = 199
	// Schools lie within blocks, but hold several teachers.
	for _, regression := range []bootstrapped{onCoaching, {"girl", "ses", dgp.TeacherLevel}} {
		for _, weights := range []estimators.WildWeights{estimators.Rademacher, estimators.Mammen, estimators.Webb} {
			panel := bindWild(t, shape, regression, estimators.WildBootstrap{Draws: draws, Weights: weights})
			panel.Use(st)
			e := panel.Fit(d)[0]
			r := dgp.NewSource().Load(st, dgp.EstimatorPurpose("wild"))
			var all [][]float64
			for range draws {
				v := make([]float64, d.N[dgp.SchoolLevel])
				word := uint64(0)
				for g := range v {
					if weights != estimators.Rademacher {
						v[g] = weights.Draw(r)
						continue
					}
					if g%60 == 0 { // twelve sets of five signs are drawn at once
						word = r.Uint64()
					}
					v[g] = 1 - 2*float64(word>>(g%60)&1)
				}
				all = append(all, v)
			}
			want := newBootstrapper(t, shape, d, regression).p(0, all)
			if math.Abs(e.P-want) > 1e-12 || want == 0 || want == 1 {
				t.Errorf("%v, %s: p %v, want %v", regression, weights, e.P, want)
			}
		}
	}
	// 5,000 drawn sign vectors and 5,000 others: two estimates of one p-value.
	// They differ by more than 4.5 standard errors once in 150,000 times.
	one, other := bindWild(t, shape, onCoaching, estimators.WildBootstrap{Draws: 5000}), bindWild(t, shape, onCoaching, estimators.WildBootstrap{Draws: 5000})
	one.Use(st)
	other.Use(dgp.Stream{Seed: 8})
	p, q := one.Fit(d)[0].P, other.Fit(d)[0].P
	if se := math.Sqrt(2 * p * (1 - p) / 5000); math.Abs(p-q) > 4.5*se || p == q {
		t.Errorf("p %v and %v of different draws, SE of the difference %v", p, q, se)
	}
	one.Use(st)
	if again := one.Fit(d)[0].P; again != p {
		t.Errorf("p %v and %v of the same stream", p, again)
	}
}

// Sums by tables are those by clusters, whatever is left over of words and sets, and signs
// those of words taken five bits at a time.
func TestWildSums(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 1))
	for _, weights := range []estimators.WildWeights{estimators.Rademacher, estimators.Mammen, estimators.Webb} {
		for _, clusters := range []int{6, 7, 23, 59, 60, 61, 64, 65, 70, 120, 124, 125, 200} {
			for _, shared := range []int{1, 2, 5} {
				for _, effects := range []int{0, 1, 4} {
					if off := estimators.ResampleTwice(weights, clusters, shared, effects, 20, r); !(off < 1e-13) {
						t.Errorf("%s, %d clusters, %d coordinates, %d effects: off by %g", weights, clusters, shared, effects, off)
					}
				}
			}
		}
	}
}

// Tests of nulls near to each other leave draws out that cannot change, and most of them.
func TestWildBetween(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 2))
	for range 200 {
		from := 20 * r.Float64()
		to := from + 0.2*r.Float64()
		if r.IntN(2) == 0 {
			from, to = to, from
		}
		if r.IntN(2) == 0 {
			from, to = -from, -to
		}
		if differ, left := estimators.CompareNulls(from, to, 199, r); differ > 0 || left > 60 {
			t.Errorf("%v to %v: %d p-values differ, %d draws left", from, to, differ, left)
		}
	}
	if differ, _ := estimators.CompareNulls(0, 30, 199, r); differ > 0 {
		t.Errorf("%d p-values differ", differ)
	}
}

func TestWildWeights(t *testing.T) {
	// 200,000 draws: each moment is within 5 standard errors but once in 1.7
	// million times.
	for weights, third := range map[estimators.WildWeights]float64{estimators.Rademacher: 0, estimators.Mammen: 1, estimators.Webb: 0} {
		r := dgp.NewSource().Load(dgp.Stream{Seed: 3}, dgp.EstimatorPurpose("weights"))
		const n = 200_000
		var m [4]float64
		for range n {
			v := weights.Draw(r)
			for k := range m {
				m[k] += math.Pow(v, float64(k)) / n
			}
		}
		for k, want := range map[int]float64{1: 0, 2: 1, 3: third} {
			if math.Abs(m[k]-want) > 5*2.5/math.Sqrt(n) { // every power has an SD below 2.5
				t.Errorf("%s: moment %d is %v, want %v", weights, k, m[k], want)
			}
		}
	}
}

func bindWild(t *testing.T, shape dgp.Shape, r bootstrapped, o estimators.WildBootstrap) *estimators.Panel {
	t.Helper()
	o.OLS = r.ols(estimators.CR1)
	panel, err := estimators.Bind([]estimators.Named{{Name: "wild", Method: o}}, shape, nil)
	if err != nil {
		t.Fatal(err)
	}
	return panel
}
