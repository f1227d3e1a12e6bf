package dgp

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// latentTrial is a coaching trial whose covariates go together.
func latentTrial() Trial {
	t := DefaultTrial()
	t.Design = Design{
		Blocks: 2, Schools: 200, Teachers: 1, TeacherShares: map[string]float64{"2": 0.6, "3": 0.4}, Grades: 2,
		Children: ClassSize{Mean: 6.865672, SD: 2.569846, Max: 10, Min: 1}, Tested: 10,
		Arms: []string{"control", "coaching"}, Assignment: Blocked{Share: 0.5},
	}
	t.Factors = []Factor{
		{Name: "wealth", Level: SchoolLevel},
		{Name: "skill", Level: TeacherLevel, Latent: Latent{SchoolShare: 0.3, Loads: map[string]float64{"wealth": 0.4}}},
	}
	with := func(share float64, loads map[string]float64) *Latent {
		return &Latent{SchoolShare: share, Loads: loads}
	}
	t.Covariates = []Covariate{
		{Name: "urban", Level: SchoolLevel, Law: Bernoulli{Mean: 0.2}, Latent: with(0, map[string]float64{"wealth": 0.7}), Achievement: 1},
		{Name: "grant", Level: SchoolLevel, Law: MixtureLaw{Mean: 67, SD: 9, Extra: Extra{Share: 0.05, Mean: 60, SD: 20}}, Latent: with(0, map[string]float64{"wealth": -0.5}), Achievement: 0.5},
		{Name: "years", Level: TeacherLevel, Law: Gamma{Mean: 12, SD: 11, Whole: true, Max: 50}, Latent: with(0.1, map[string]float64{"skill": 0.8}), Achievement: 0.8},
		{Name: "rated", Level: TeacherLevel, Law: RatingLaw{Mean: 2.2, SD: 1, Visits: 2, Agreement: 0.55, Min: 1, Max: 5}, Latent: with(0.15, map[string]float64{"skill": 0.7}), Achievement: 1},
		{Name: "says", Level: TeacherLevel, Law: Percent{Mean: 80, SD: 24}, Latent: with(0.15, map[string]float64{"skill": -0.6, "wealth": 0.3}), Achievement: 1},
		{Name: "known", Level: TeacherLevel, Law: ItemsLaw{Mean: 72, SD: 21, Items: 10}, Latent: with(0.5, nil), Achievement: 0.5},
		{Name: "busy", Level: TeacherLevel, Law: Beta{Mean: 70, SD: 25, Max: 100, Steps: 6}, Latent: with(0, map[string]float64{"skill": 0.9}), Achievement: 0.5},
		{Name: "age", Level: TeacherLevel, Law: ClassMean{Mean: 9, SD: 0.7, ChildSD: 0.5, Grade: 1}, Latent: with(0.3, map[string]float64{"wealth": -0.3})},
		{Name: "belief", Level: TeacherLevel, Law: Index{Items: []float64{0.9, 0.6, 0.5, 0.7}, Correlation: 0.3}, Latent: with(0.1, map[string]float64{"skill": 0.5})},
		{Name: "alone", Level: TeacherLevel, Law: RatingLaw{Mean: 3, SD: 1, Visits: 1, Agreement: 0.5, Min: 1, Max: 5}},
	}
	t.Achievement.Tests = []string{"reading"}
	t.Achievement.ICC = ICC{School: 0.1, Teacher: 0.1}
	t.Achievement.CovariateSD = 0.15
	return t
}

// means collects one number by data set.
type means struct {
	name string
	want float64
	by   []float64
}

func (m *means) test(t *testing.T, limit float64) {
	t.Helper()
	mean, square := 0.0, 0.0
	n := float64(len(m.by))
	for _, x := range m.by {
		mean += x / n
		square += x * x / n
	}
	se := math.Sqrt((square-mean*mean)/(n-1)) + 1e-12
	if z := (mean - m.want) / se; !(math.Abs(z) <= limit) {
		t.Errorf("%s is %.5g, want %.5g: z = %.1f", m.name, mean, m.want, z)
	}
}

// Of covariates with something behind them: means, variances, and the variance of their
// index by level, as the formulas have them. 33 z tests of 60 data sets, each with a
// false-alarm rate of 1e-5.
func TestLatentMoments(t *testing.T) {
	const limit = 4.9 // of a t with 59 degrees of freedom
	trial := latentTrial()
	g, err := trial.Compile()
	if err != nil {
		t.Fatal(err)
	}
	p := g.population
	var all []*means
	add := func(name string, want float64) *means {
		all = append(all, &means{name: name, want: want})
		return all[len(all)-1]
	}
	type of struct{ mean, square *means }
	var each []of
	for _, c := range p.columns {
		if _, index := c.Law.(Index); index || c.Name == gradeName {
			each = append(each, of{}) // its mean is 0 in every data set
			continue
		}
		each = append(each, of{add("mean of "+c.Name, c.law.mean), add("variance of "+c.Name, c.law.sd*c.law.sd)})
	}
	variance := p.indexVariance(p.achievementTerms)
	school := add("variance of the index between schools", variance[SchoolLevel])
	whole := add("variance of the index", variance[SchoolLevel]+variance[TeacherLevel])
	skill := add("variance of a factor", 1)
	together := add("product of a factor of two teachers of a school", 0.4*0.4+(1-0.4*0.4)*0.3)
	apart := add("product of factors", 0.4)
	inverse := add("1/children sampled", trial.Design.sampledInverse())
	for rep := range uint64(60) {
		g.Draw(Stream{Seed: 77, Replicate: rep})
		for i, c := range p.columns {
			if each[i].mean == nil {
				continue
			}
			mean, square := 0.0, 0.0
			for _, x := range c.values {
				mean += x / float64(len(c.values))
				square += (x - c.law.mean) * (x - c.law.mean) / float64(len(c.values))
			}
			each[i].mean.by, each[i].square.by = append(each[i].mean.by, mean), append(each[i].square.by, square)
		}
		var pairs, squares, factor, factors, cross, sizes float64
		n := 0.0
		for j, s := range p.school {
			x, f := p.achievementIndex[j], p.factors[1].values[j]
			squares += x * x
			factor += f * f
			cross += f * p.factors[0].values[s]
			sizes += 1 / float64(p.childStart[j+1]-p.childStart[j])
			if j > 0 && p.school[j-1] == s {
				pairs += x * p.achievementIndex[j-1]
				factors += f * p.factors[1].values[j-1]
				n++
			}
		}
		teachers := float64(len(p.school))
		for m, x := range map[*means]float64{school: pairs / n, whole: squares / teachers, skill: factor / teachers, together: factors / n, apart: cross / teachers, inverse: sizes / teachers} {
			m.by = append(m.by, x)
		}
	}
	for _, m := range all {
		m.test(t, limit)
	}
	if _, err := trial.Components([]float64{1}, 0, nil); err == nil || err.Error() != "urban moves achievement, and goes with other covariates or schools (latent)" {
		t.Errorf("a closed form of correlated covariates: %v", err)
	}
}

// A latent normal gives a law its distribution and its mean given the normal, for every
// law that takes one; there are about 40 z tests, each with a false-alarm rate of 1e-5.
func TestLawsOfLatents(t *testing.T) {
	const limit = 4.417173413469020
	const n = 40_000
	design := Design{Blocks: 1, Schools: n, Teachers: 1, Children: ClassSize{Mean: 8, SD: 0}, Tested: 8}
	p := &population{design: design, sizeLaw: design.Children}
	for j := range n + 1 {
		p.childStart = append(p.childStart, 8*j)
	}
	gamma := distuv.Gamma{Alpha: 4, Beta: 0.5}
	beta := distuv.Beta{Alpha: 2, Beta: 3}
	s := NewSource()
	z, x := make([]float64, n), make([]float64, n)
	seen := map[string]bool{}
	for i, c := range []struct {
		name string
		law  Law
		at   float64 // P(X <= at) is below
		p    float64
	}{
		{"bernoulli", Bernoulli{Mean: 0.3}, 0.5, 0.7},
		{"normal", Normal{Mean: 2, SD: 3}, 5, distuv.UnitNormal.CDF(1)},
		{"gamma", Gamma{Mean: 8, SD: 4}, 6, gamma.CDF(6)},
		{"gamma", Gamma{Mean: 8, SD: 4, Whole: true, Max: 15}, 14, gamma.CDF(14.5)},
		{"gamma", Gamma{Mean: 8, SD: 4, Max: 15}, 14.9, gamma.CDF(14.9)},
		{"negative-binomial", NegativeBinomial{Mean: 3, Size: 1e6, Shift: 1}, 3, distuv.Poisson{Lambda: 3}.CDF(2)},
		{"beta", Beta{Mean: 40, SD: 20, Max: 100}, 30, beta.CDF(0.3)},
		{"beta", Beta{Mean: 40, SD: 20, Max: 100, Steps: 5}, 20, beta.CDF(0.3)},
		{"items", ItemsLaw{Mean: 60, SD: 30, Items: 4}, 50, distuv.UnitNormal.CDF((62.5 - 60) / 30)},
		{"rating", RatingLaw{Mean: 3, SD: 1.5, Visits: 1, Agreement: 0.4, Min: 1, Max: 5}, 1, distuv.UnitNormal.CDF(-1)},
		{"rating", RatingLaw{Mean: 3, SD: 1.5, Visits: 3, Agreement: 1, Min: 1, Max: 5}, 4, distuv.UnitNormal.CDF(1)},
		{"mixture", MixtureLaw{Mean: 1, SD: 1, Extra: Extra{Share: 0.2, Mean: 100, SD: 1}}, 50, 0.8},
		{"percent", Percent{Mean: 50, SD: 30}, 50, 0.5 + betaBinomial(8, 4, (0.36-0.125)/0.875)/2},
		{"class-mean", ClassMean{Mean: 9, SD: 1, ChildSD: math.Sqrt(8)}, 9 + math.Sqrt2, distuv.UnitNormal.CDF(1)},
		{"index", Index{Items: []float64{0.5, 0.5}, Correlation: 0.5}, 1, 1 - (0.25 + 1.0/12)},
	} {
		seen[c.name] = true
		name := fmt.Sprintf("%T%+v", c.law, c.law)
		law := c.law.Compile(p).withLatent()
		s.Load(Stream{97, uint64(i)}, PopulationPurpose)
		for u := range z {
			z[u] = s.NormFloat64()
		}
		law.from(x, z, s)
		test := func(what string, want float64, f func(u int) float64) {
			t.Helper()
			sum, square := 0.0, 0.0
			for u := range x {
				v := f(u) - want
				sum += v
				square += v * v
			}
			mean := sum / n
			se := math.Sqrt((square/n-mean*mean)/n) + 1e-9
			if z := mean / se; !(math.Abs(z) <= limit) {
				t.Errorf("%s: %s is %.6g, want %.6g: z = %.1f", name, what, mean+want, want, z)
			}
		}
		if c.name != "index" { // exactly 0 in every data set
			test("mean", law.mean, func(u int) float64 { return x[u] })
			test("mean given z", 0, func(u int) float64 { return (x[u] - law.given(z[u])) * (1 + z[u]) })
		}
		test("variance", law.sd*law.sd, func(u int) float64 { return (x[u] - law.mean) * (x[u] - law.mean) })
		test(fmt.Sprintf("P(X <= %g)", c.at), c.p, func(u int) float64 { return step(x[u] <= c.at) })
	}
	for name, law := range Laws() {
		if takesLatent(law) && !seen[name] {
			t.Errorf("law %s takes a latent normal and is not tested here", name)
		}
	}
}

// betaBinomial is P(K = k) of n, with mean 1/2 and intraclass correlation rho.
func betaBinomial(n, k, rho float64) float64 {
	a := (1/rho - 1) / 2
	lb := func(a, b float64) float64 {
		x, _ := math.Lgamma(a)
		y, _ := math.Lgamma(b)
		z, _ := math.Lgamma(a + b)
		return x + y - z
	}
	return math.Exp(lb(k+a, n-k+a) - lb(a, a) - math.Log(n+1) - lb(k+1, n-k+1))
}

// A curve is within 1e-6 of the quantiles that it tabulates.
func TestNormalCurve(t *testing.T) {
	for _, law := range []interface{ Quantile(float64) float64 }{distuv.Beta{Alpha: 0.42, Beta: 8.4}, distuv.Beta{Alpha: 5.8, Beta: 0.7}, distuv.Gamma{Alpha: 1.3, Beta: 1}, distuv.Gamma{Alpha: 0.2, Beta: 1}} {
		c := normalCurve(law.Quantile)
		for z := -5.99; z < 6; z += 0.0217 {
			if want := law.Quantile(distuv.UnitNormal.CDF(z)); math.Abs(c.at(z)-want) > 1e-6*(1+want) {
				t.Errorf("%+v at %g: %g, want %g", law, z, c.at(z), want)
			}
		}
	}
}

// The first principal component against the eigenvalues of a matrix with a known
// decomposition, and its sign.
func TestFirstComponent(t *testing.T) {
	c := newComponent(4)
	u := []float64{0.5, -0.5, 0.5, 0.5}
	for i := range u {
		for j := range u {
			c.matrix[i][j] = 2*u[i]*u[j] + step(i == j)*(1+0.1*float64(i))
		}
	}
	m := Matrix{}
	for i := range u {
		m = append(m, slices.Clone(c.matrix[i]))
	}
	value := c.solve()
	sum := 0.0
	for i := range u {
		mv := 0.0
		for j := range u {
			mv += m[i][j] * c.first[j]
		}
		if math.Abs(mv-value*c.first[i]) > 1e-12 {
			t.Errorf("row %d: M v is %g, λ v is %g", i, mv, value*c.first[i])
		}
		sum += c.first[i]
	}
	if sum <= 0 || value < 3 { // the Rayleigh quotient of u is above 3
		t.Errorf("eigenvalue %g, loadings %v", value, c.first)
	}
}
