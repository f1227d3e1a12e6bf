package dgp

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// Each law over a wide range of its parameters: the moments that the rest of
// the package relies on, and the distribution itself. There are about 150 z
// tests, each with a false-alarm rate of 1e-5.
func TestLaws(t *testing.T) {
	const limit = 4.417173413469020
	n := 100_000
	if testing.Short() {
		n = 20_000
	}
	type law struct {
		law  Law
		mean float64
		sd   float64
		cdf  func(x float64) float64
		at   []float64 // where the distribution function is compared
	}
	var laws []law
	for _, p := range []struct{ mean, sd float64 }{{15.77, 9.1}, {2, 3}, {1, 1}, {1, 5}, {100, 1}, {1e-3, 1e-3}} {
		g := distuv.Gamma{Alpha: p.mean * p.mean / p.sd / p.sd, Beta: p.mean / p.sd / p.sd}
		laws = append(laws, law{Gamma{Mean: p.mean, SD: p.sd}, p.mean, p.sd, g.CDF, []float64{g.Quantile(0.01), g.Quantile(0.1), g.Quantile(0.5), g.Quantile(0.9), g.Quantile(0.999)}})
	}
	for _, p := range []NegativeBinomial{{3.67, 0.75, 1}, {6, 2, 0}, {0.1, 5, 0}, {50, 1000, 3}, {2000, 1500, 0}, {9000, 0.5, 2}, {30, 0.05, 0}} {
		// P(X <= x) of a negative binomial is an incomplete beta function.
		cdf := func(x float64) float64 {
			k := math.Floor(x) - float64(p.Shift)
			if k < 0 {
				return 0
			}
			return distuv.Beta{Alpha: p.Size, Beta: k + 1}.CDF(p.Size / (p.Size + p.Mean))
		}
		sd := math.Sqrt(p.Mean + p.Mean*p.Mean/p.Size)
		shift := float64(p.Shift)
		laws = append(laws, law{p, p.Mean + shift, sd, cdf, []float64{shift, shift + 1, shift + math.Floor(p.Mean), shift + math.Floor(p.Mean+sd), shift + math.Floor(p.Mean-sd)}})
	}
	laws = append(laws,
		law{Normal{84.4, 5.5}, 84.4, 5.5, distuv.Normal{Mu: 84.4, Sigma: 5.5}.CDF, []float64{70, 80, 84.4, 90, 100}},
		law{Bernoulli{0.02}, 0.02, 0.14, func(float64) float64 { return 0.98 }, []float64{0.5}},
		law{Bernoulli{0}, 0, 0, func(float64) float64 { return 1 }, []float64{0}},
		law{Bernoulli{1}, 1, 0, func(float64) float64 { return 0 }, []float64{0.5}},
	)
	s := NewSource()
	for i, l := range laws {
		name := fmt.Sprintf("%T%+v", l.law, l.law)
		c := l.law.Compile(nil)
		if math.Abs(c.mean-l.mean) > 1e-12*l.mean || math.Abs(c.sd-l.sd) > 1e-12*(1+l.sd) {
			t.Errorf("%s: compiled mean %g and SD %g, want %g and %g", name, c.mean, c.sd, l.mean, l.sd)
		}
		x := make([]float64, n)
		s.Load(Stream{99, uint64(i)}, PopulationPurpose)
		c.draw(x, s)
		z := func(what string, want float64, f func(x float64) float64) {
			sum, square := 0.0, 0.0
			for _, v := range x {
				sum += f(v)
			}
			m := sum / float64(n)
			for _, v := range x {
				square += (f(v) - m) * (f(v) - m)
			}
			se := math.Sqrt(square / float64(n-1) / float64(n))
			if se == 0 && math.Abs(m-want) < 3/float64(n) { // rarer than once in n draws
				return
			}
			if z := (m - want) / se; !(math.Abs(z) <= limit) {
				t.Errorf("%s: %s is %.6g, want %.6g: z = %.1f", name, what, m, want, z)
			}
		}
		z("mean", l.mean, func(x float64) float64 { return x })
		if l.sd < 4*l.mean { // else the variance needs more draws than there are
			z("variance", l.sd*l.sd, func(x float64) float64 { return (x - l.mean) * (x - l.mean) })
		}
		for _, at := range l.at {
			z(fmt.Sprintf("P(X <= %g)", at), l.cdf(at), func(x float64) float64 {
				if x <= at {
					return 1
				}
				return 0
			})
		}
		if _, count := l.law.(NegativeBinomial); count && !math.IsNaN(c.meanInverse) {
			z("mean inverse", c.meanInverse, func(x float64) float64 { return 1 / x })
		}
		if slices.ContainsFunc(x, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }) {
			t.Errorf("%s: draws that are no numbers", name)
		}
	}
}

// moments of class sizes against sums over all sizes and against draws.
func TestClassSizeMoments(t *testing.T) {
	const n, limit = 100_000, 4.417173413469020
	s := NewSource()
	for i, c := range []ClassSize{
		{Mean: 32.29, SD: 5.77, Min: 20, Small: SmallClasses{9.0 / 198, 10, 19}},
		{Mean: 30},
		{Mean: 30.5, SD: 0, Min: 5},
		{Mean: 3, SD: 10},
		{Mean: 0.2, SD: 0.1},
		{Mean: 20, SD: 2, Min: 60},
		{Mean: 20, SD: 300, Min: 1},
		{Mean: 20, SD: 2, Small: SmallClasses{1, 4, 4}},
	} {
		s.Load(Stream{98, uint64(i)}, PopulationPurpose)
		mean, sd, inverse := c.moments()
		for _, m := range []struct {
			name string
			want float64
			f    func(x float64) float64
		}{
			{"mean", mean, func(x float64) float64 { return x }},
			{"variance", sd * sd, func(x float64) float64 { return (x - mean) * (x - mean) }},
			{"mean inverse", inverse, func(x float64) float64 { return 1 / x }},
		} {
			sum, square := 0.0, 0.0
			for range n {
				size := c.draw(s)
				if size < 1 {
					t.Fatalf("%+v: a class of %d", c, size)
				}
				v := m.f(float64(size))
				sum += v
				square += v * v
			}
			got := sum / n
			se := math.Sqrt(max(square/n-got*got, 0) / n)
			if d := math.Abs(got - m.want); d > limit*se+1e-9 {
				t.Errorf("%+v: %s is %.6g, want %.6g (SE %.2g)", c, m.name, got, m.want, se)
			}
		}
	}
}

func TestLevels(t *testing.T) {
	for l := range levels {
		var back Level
		text, err := l.MarshalText()
		if err != nil || back.UnmarshalText(text) != nil || back != l {
			t.Errorf("%s does not come back from its text", l)
		}
	}
	var l Level
	if err := l.UnmarshalText([]byte("pupil")); err == nil || err.Error() != `"pupil" is not a level; the levels are block, school, teacher and child` {
		t.Errorf("error %v", err)
	}
	if got := Level(9).String(); got != "Level(9)" {
		t.Errorf("an unknown level is %s", got)
	}
	defer func() {
		if recover() == nil {
			t.Error("Ancestor below the unit did not panic")
		}
	}()
	new(Data).Ancestor(SchoolLevel, 0, ChildLevel)
}
