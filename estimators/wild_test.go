package estimators_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/estimators/estimatortest"
)

// A bootstrapper is the wild cluster bootstrap done the slow and obvious way,
// for score on coaching, ses and block dummies: the fit under the null by QR on
// the rows, and a whole regression for every draw.
type bootstrapper struct {
	t     *testing.T
	shape dgp.Shape
	data  *dgp.Data
	panel *estimators.Panel
	y     []float64
	treat []float64
	group []int
	other *mat.Dense // ses and block dummies
}

func newBootstrapper(t *testing.T, shape dgp.Shape, d *dgp.Data) *bootstrapper {
	t.Helper()
	panel, err := estimators.Bind([]estimators.Named{{Name: "ols", Method: estimators.OLS{
		Formula: "score ~ coaching + ses | block", Cluster: "school", SE: estimators.CR0, Report: []string{"coaching"},
	}}}, shape, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &bootstrapper{t: t, shape: shape, data: estimatortest.Clone(d), panel: panel}
	n := d.Children()
	b.other = mat.NewDense(n, 1+d.N[dgp.BlockLevel], nil)
	column := func(name string) []float64 { return d.Columns[shape.Index(name)] }
	for i := range n {
		school := d.Ancestor(dgp.ChildLevel, i, dgp.SchoolLevel)
		b.y = append(b.y, column("score")[i])
		b.treat = append(b.treat, column("coaching")[school])
		b.group = append(b.group, school)
		b.other.Set(i, 0, column("ses")[i])
		b.other.Set(i, 1+d.SchoolBlock[school], 1)
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
		rest.SetVec(i, b.y[i]-null*b.treat[i])
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
			y[i] = fitted.AtVec(i) + null*b.treat[i] + v[b.group[i]]*(rest.AtVec(i)-fitted.AtVec(i))
		}
		if _, t := b.statistic(y, null); math.Abs(t) >= math.Abs(data)*(1-1e-9) {
			count++
		}
	}
	return float64(count) / float64(len(draws))
}

// With eight schools all 256 vectors of signs are taken, so the p-value and the
// ends of the interval have one right answer.
func TestWildBootstrapEnumerated(t *testing.T) {
	design := estimatortest.Design{Blocks: 2, Schools: 4, Teachers: 2, Children: 6, Effect: 0.8, Shared: 0.4}
	shape, d := design.Shape(), design.Draw(5)
	panel := bindWild(t, shape, estimators.WildBootstrap{Draws: 999})
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
	slow := newBootstrapper(t, shape, d)
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
	design := estimatortest.Design{Blocks: 3, Schools: 6, Teachers: 2, Children: 5, Effect: 0.5, Shared: 0.4}
	shape, d := design.Shape(), design.Draw(6)
	st := dgp.Stream{Seed: 7, Replicate: 11}
	const draws = 199
	for _, weights := range []estimators.WildWeights{estimators.Mammen, estimators.Webb} {
		panel := bindWild(t, shape, estimators.WildBootstrap{Draws: draws, Weights: weights})
		panel.Use(st)
		e := panel.Fit(d)[0]
		r := dgp.NewSource().Load(st, dgp.EstimatorPurpose("wild"))
		var all [][]float64
		for range draws {
			v := make([]float64, d.N[dgp.SchoolLevel])
			for g := range v {
				v[g] = weights.Draw(r)
			}
			all = append(all, v)
		}
		if want := newBootstrapper(t, shape, d).p(0, all); math.Abs(e.P-want) > 1e-12 {
			t.Errorf("%s: p %v, want %v", weights, e.P, want)
		}
	}
	// 5,000 drawn sign vectors and 5,000 others: two estimates of one p-value.
	// They differ by more than 4.5 standard errors once in 150,000 times.
	one, other := bindWild(t, shape, estimators.WildBootstrap{Draws: 5000}), bindWild(t, shape, estimators.WildBootstrap{Draws: 5000})
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

func bindWild(t *testing.T, shape dgp.Shape, o estimators.WildBootstrap) *estimators.Panel {
	t.Helper()
	o.OLS = estimators.OLS{Formula: "score ~ coaching + ses | block", Cluster: "school", SE: estimators.CR1, Report: []string{"coaching"}}
	panel, err := estimators.Bind([]estimators.Named{{Name: "wild", Method: o}}, shape, nil)
	if err != nil {
		t.Fatal(err)
	}
	return panel
}
