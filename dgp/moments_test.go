package dgp_test

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"

	"coachsim/dgp"
)

// The tests of this file draw a trial many times and hold averages against
// what the declaration asks for, worked out here a second time. Each average
// is unbiased and its draws are independent, so that (mean - wanted)/SE is
// standard normal; a right generator exceeds limit with probability 1e-5 per
// check. Seeds are fixed: what passes once passes always.
const (
	falseAlarm = 1e-5
	limit      = 4.417173413469020 // Φ⁻¹(1 - falseAlarm/2)
)

// checks gathers averages over draws, by name.
type checks struct {
	order []string
	by    map[string]*average
	known map[string]float64
}

// once works out a number that is the same for every draw.
func (c *checks) once(name string, f func() float64) float64 {
	if c.known == nil {
		c.known = map[string]float64{}
	}
	if _, ok := c.known[name]; !ok {
		c.known[name] = f()
	}
	return c.known[name]
}

type average struct {
	want       float64
	n          int
	mean, ssq  float64
	minV, maxV float64
}

func (c *checks) add(name string, want, got float64) {
	if c.by == nil {
		c.by = map[string]*average{}
	}
	a := c.by[name]
	if a == nil {
		a = &average{want: want, minV: got, maxV: got}
		c.by[name] = a
		c.order = append(c.order, name)
	}
	a.n++
	d := got - a.mean
	a.mean += d / float64(a.n)
	a.ssq += d * (got - a.mean)
	a.minV, a.maxV = min(a.minV, got), max(a.maxV, got)
}

func (c *checks) test(t *testing.T) {
	t.Helper()
	worst := 0.0
	for _, name := range c.order {
		a := c.by[name]
		se := math.Sqrt(a.ssq / float64(a.n-1) / float64(a.n))
		if a.maxV-a.minV <= 1e-12*max(1, math.Abs(a.maxV)) { // it does not vary
			if math.Abs(a.mean-a.want) > 1e-12*max(1, math.Abs(a.want)) {
				t.Errorf("%s is always %.6g, wanted %.6g", name, a.mean, a.want)
			}
			continue
		}
		z := (a.mean - a.want) / se
		worst = max(worst, math.Abs(z))
		if !(math.Abs(z) <= limit) {
			t.Errorf("%s: mean %.6g (SE %.2g) over %d draws, wanted %.6g: z = %.1f", name, a.mean, se, a.n, a.want, z)
		}
	}
	t.Logf("%d checks, largest |z| %.2f", len(c.order), worst)
}

func TestMoments(t *testing.T) {
	draws := map[string]int{"ecuador": 600, "many-teachers": 3000, "one-domain": 4000, "alike": 4000}
	for name, draws := range draws { // other arms than two are checked with the arms
		trial := trials(t)[name]
		t.Run(name, func(t *testing.T) {
			g := compile(t, trial)
			var c checks
			for rep := range short(draws) {
				data, truth := g.Draw(dgp.Stream{Seed: 20261121, Replicate: uint64(rep)})
				d := g.Drawn()
				populationMoments(&c, trial, d)
				qualityMoments(&c, trial, d)
				assignmentMoments(&c, trial, d)
				attritionMoments(&c, trial, d)
				achievementMoments(&c, trial, d)
				for i, x := range truth.Deviations() {
					c.add(fmt.Sprintf("deviation %d", i), 0, x)
				}
				if data.Children() != len(d.Children) {
					t.Fatal("the data do not have the children kept")
				}
			}
			c.test(t)
		})
	}
}

// mean averages f over 0..n-1.
func mean(n int, f func(i int) float64) float64 {
	sum := 0.0
	for i := range n {
		sum += f(i)
	}
	return sum / float64(n)
}

// number is 1 if a statement holds.
func number(holds bool) float64 {
	if holds {
		return 1
	}
	return 0
}

// sizeMoments returns the mean of f(class size), by summing over all sizes.
func sizeMoments(c dgp.ClassSize, f func(size int) float64) float64 {
	sum := 0.0
	if c.Small.Share > 0 {
		for n := c.Small.Min; n <= c.Small.Max; n++ {
			sum += c.Small.Share / float64(c.Small.Max-c.Small.Min+1) * f(n)
		}
	}
	cdf := func(x float64) float64 {
		if c.SD == 0 {
			return number(c.Mean <= x)
		}
		return distuv.Normal{Mu: c.Mean, Sigma: c.SD}.CDF(x)
	}
	for n := -200; n < 300; n++ {
		p := cdf(float64(n)+0.5) - cdf(float64(n)-0.5)
		sum += (1 - c.Small.Share) * p * f(max(n, c.Min, 1))
	}
	return sum
}

func populationMoments(c *checks, trial dgp.Trial, d dgp.Drawn) {
	law := trial.Design.Children
	for name, f := range map[string]func(n int) float64{
		"class size":                func(n int) float64 { return float64(n) },
		"squared class size":        func(n int) float64 { return float64(n * n) },
		"share of small classes":    func(n int) float64 { return number(law.Small.Share > 0 && n <= law.Small.Max) },
		"share of smallest classes": func(n int) float64 { return number(n == law.Min) },
		"inverse class size":        func(n int) float64 { return 1 / float64(n) },
		"children sampled":          func(n int) float64 { return float64(min(n, trial.Design.Tested)) },
	} {
		want := c.once(name, func() float64 { return sizeMoments(law, f) })
		c.add(name, want, mean(len(d.Size), func(j int) float64 { return f(d.Size[j]) }))
	}

	quality, achievement, dot := 0.0, 0.0, 0.0
	for _, v := range trial.Covariates {
		m, sd := c.covariate(trial, v)
		x := d.Covariate[v.Name]
		c.add(v.Name+" mean", m, mean(len(x), func(i int) float64 { return x[i] }))
		c.add(v.Name+" variance", sd*sd, mean(len(x), func(i int) float64 { return (x[i] - m) * (x[i] - m) }))
		switch law := v.Law.(type) {
		case dgp.Gamma:
			c.add(v.Name+" skewness", 2*law.SD/law.Mean, mean(len(x), func(i int) float64 { return math.Pow((x[i]-m)/sd, 3) }))
		case dgp.Normal:
			c.add(v.Name+" skewness", 0, mean(len(x), func(i int) float64 { return math.Pow((x[i]-m)/sd, 3) }))
			c.add(v.Name+" kurtosis", 3, mean(len(x), func(i int) float64 { return math.Pow((x[i]-m)/sd, 4) }))
		case dgp.NegativeBinomial:
			c.add(v.Name+" smallest", math.Pow(law.Size/(law.Size+law.Mean), law.Size), mean(len(x), func(i int) float64 { return number(x[i] == float64(law.Shift)) }))
			c.add(v.Name+" next", math.Pow(law.Size/(law.Size+law.Mean), law.Size)*law.Size*law.Mean/(law.Size+law.Mean),
				mean(len(x), func(i int) float64 { return number(x[i] == float64(law.Shift+1)) }))
		case dgp.Share:
			for _, other := range law.Excluding { // a multinomial: Cov(p, r) = -p r E[1/n]
				mo, _ := c.covariate(trial, find(trial, other))
				y := d.Covariate[other]
				c.add(v.Name+" with "+other, -m*mo*c.inverseCount(trial, law.Of), mean(len(x), func(i int) float64 { return (x[i] - m) * (y[i] - mo) }))
			}
		}
		quality += v.Quality * v.Quality
		achievement += v.Achievement * v.Achievement
		dot += v.Quality * v.Achievement
	}
	// Indices: mean 0, variance 1 where a covariate weighs at all.
	q, a := d.QualityIndex, d.AchievementIndex
	c.add("quality index", 0, mean(len(q), func(j int) float64 { return q[j] }))
	c.add("quality index variance", number(quality > 0), mean(len(q), func(j int) float64 { return q[j] * q[j] }))
	c.add("achievement index", 0, mean(len(a), func(j int) float64 { return a[j] }))
	c.add("achievement index variance", number(achievement > 0), mean(len(a), func(j int) float64 { return a[j] * a[j] }))
	correlation := 0.0
	if quality*achievement > 0 {
		correlation = dot / math.Sqrt(quality*achievement)
	}
	c.add("indices' correlation", correlation, mean(len(q), func(j int) float64 { return q[j] * a[j] }))

	// The children's own part.
	variance := 0.0
	for _, v := range trial.Covariates {
		_, sd := c.covariate(trial, v)
		switch v.Law.(type) {
		case dgp.Normal: // Var(s d + k (d² - σ²)) = s²σ² + 2k²σ⁴
			variance += v.Slope*v.Slope*sd*sd + 2*v.Curvature*v.Curvature*math.Pow(sd, 4)
		default:
			variance += v.Slope * v.Slope * sd * sd
		}
	}
	c.add("child part", 0, mean(len(d.Child), func(i int) float64 { return d.Child[i] }))
	c.add("child part variance", variance, mean(len(d.Child), func(i int) float64 { return d.Child[i] * d.Child[i] }))
}

func find(trial dgp.Trial, name string) dgp.Covariate {
	for _, v := range trial.Covariates {
		if v.Name == name {
			return v
		}
	}
	panic("no covariate " + name)
}

// inverseCount returns E[1/n] of a count column.
func (c *checks) inverseCount(trial dgp.Trial, name string) float64 {
	return c.once("E[1/"+name+"]", func() float64 { return inverseCount(trial, name) })
}

func inverseCount(trial dgp.Trial, name string) float64 {
	switch law := find(trial, name).Law.(type) {
	case dgp.ClassSizeLaw:
		return sizeMoments(trial.Design.Children, func(n int) float64 { return 1 / float64(n) })
	case dgp.NegativeBinomial:
		q := law.Mean / (law.Mean + law.Size)
		sum := 0.0
		for x := range 5000 {
			a, _ := math.Lgamma(float64(x) + law.Size)
			b, _ := math.Lgamma(law.Size)
			f, _ := math.Lgamma(float64(x) + 1)
			sum += math.Exp(a-b-f+law.Size*math.Log(1-q)+float64(x)*math.Log(q)) / float64(x+law.Shift)
		}
		return sum
	}
	panic("no count " + name)
}

// covariate returns the moments that a covariate's law asks for.
func (c *checks) covariate(trial dgp.Trial, v dgp.Covariate) (mean, sd float64) {
	switch law := v.Law.(type) {
	case dgp.Normal:
		return law.Mean, law.SD
	case dgp.Gamma:
		return law.Mean, law.SD
	case dgp.Bernoulli:
		return law.Mean, math.Sqrt(law.Mean * (1 - law.Mean))
	case dgp.NegativeBinomial:
		return law.Mean + float64(law.Shift), math.Sqrt(law.Mean + law.Mean*law.Mean/law.Size)
	case dgp.Share:
		return law.Mean, math.Sqrt(law.Mean * (1 - law.Mean) * c.inverseCount(trial, law.Of))
	case dgp.ClassSizeLaw:
		m := c.once("class size", func() float64 { return sizeMoments(trial.Design.Children, func(n int) float64 { return float64(n) }) })
		square := c.once("squared class size", func() float64 {
			return sizeMoments(trial.Design.Children, func(n int) float64 { return float64(n * n) })
		})
		return m, math.Sqrt(square - m*m)
	}
	panic("unknown law")
}

// orZero reads a list that may be left out.
func orZero(list []float64, k int) float64 {
	if list == nil {
		return 0
	}
	return list[k]
}

// element reads a symmetric matrix in either of its forms.
func element(m dgp.Matrix, i, j int) float64 {
	return m[max(i, j)][min(i, j)]
}

// qualityCovariance is the covariance of q(0).
func qualityCovariance(q dgp.Quality, k, l int) float64 {
	return q.SD[k] * q.SD[l] * element(q.Correlation, k, l)
}

func qualityMoments(c *checks, trial dgp.Trial, d dgp.Drawn) {
	q := trial.Quality
	n, domains := len(d.School), len(q.Domains)
	e := q.Effect
	h := d.Engagement
	w := e.Skew
	grow := math.Sqrt(math.Expm1(w * w))
	skewness, steep := 0.0, 1.0 // steep is E[dh/dt]
	if w > 0 {
		skewness = (math.Exp(w*w) + 2) * grow
		steep = w / grow
	}
	c.add("engagement", 0, mean(n, func(j int) float64 { return h[j] }))
	c.add("engagement variance", 1, mean(n, func(j int) float64 { return h[j] * h[j] }))
	c.add("engagement skewness", skewness, mean(n, func(j int) float64 { return h[j] * h[j] * h[j] }))
	sum := 0.0 // variance of 1'q(0)
	for k := range domains {
		for l := range domains {
			sum += qualityCovariance(q, k, l)
		}
	}
	// By Stein's lemma Cov(q, h(t)) = Cov(q, t) E[h'(t)].
	withEngagement := make([]float64, domains)
	for k := range domains {
		s := 0.0
		for l := range domains {
			s += qualityCovariance(q, k, l)
		}
		if sum > 0 {
			withEngagement[k] = e.WithQuality * s / math.Sqrt(sum) * steep
		}
	}
	for k := range domains {
		q0, q1 := d.Untreated[k], d.Treated[k]
		shift := orZero(e.Shift, k)
		c.add(fmt.Sprintf("q%d(0)", k), 0, mean(n, func(j int) float64 { return q0[j] }))
		c.add(fmt.Sprintf("q%d(1)", k), shift, mean(n, func(j int) float64 { return q1[j] }))
		c.add(fmt.Sprintf("q%d(0) with engagement", k), withEngagement[k], mean(n, func(j int) float64 { return q0[j] * h[j] }))
		for l := range k + 1 {
			s := qualityCovariance(q, k, l)
			ak, al := orZero(e.Engagement, k), orZero(e.Engagement, l)
			noise := 0.0
			if k == l {
				noise = orZero(e.Noise, k) * orZero(e.Noise, k)
			}
			r0, r1 := d.Untreated[l], d.Treated[l]
			c.add(fmt.Sprintf("covariance of q%d(0), q%d(0)", k, l), s, mean(n, func(j int) float64 { return q0[j] * r0[j] }))
			c.add(fmt.Sprintf("covariance of q%d(1), q%d(1)", k, l), s+withEngagement[k]*al+ak*withEngagement[l]+ak*al+noise,
				mean(n, func(j int) float64 { return (q1[j] - shift) * (r1[j] - orZero(e.Shift, l)) }))

			// Classes of the same school share SchoolShare of the variance.
			if t := trial.Design.Teachers; t > 1 {
				c.add(fmt.Sprintf("q%d, q%d of two classes of a school", k, l), q.SchoolShare*s, mean(n/t, func(s int) float64 { return q0[s*t] * r0[s*t+1] }))
			}
			c.add(fmt.Sprintf("q%d, q%d of classes of two schools", k, l), 0,
				mean(n-trial.Design.Teachers, func(j int) float64 { return q0[j] * r0[j+trial.Design.Teachers] }))

			// Context: block part with correlation, covariate part along one index.
			vk, vl := orZero(q.Context.Variance, k), orZero(q.Context.Variance, l)
			block := q.Context.BlockShare * math.Sqrt(vk*vl)
			if k != l {
				block *= q.Context.BlockCorrelation
			}
			rest := 0.0
			if hasIndex(trial) {
				rest = (1 - q.Context.BlockShare) * math.Sqrt(vk*vl)
			}
			c.add(fmt.Sprintf("covariance of context %d, %d", k, l), block+rest, mean(n, func(j int) float64 { return d.Context[k][j] * d.Context[l][j] }))
			c.add(fmt.Sprintf("context %d with q%d", k, l), 0, mean(n, func(j int) float64 { return d.Context[k][j] * r0[j] }))
		}
		c.add(fmt.Sprintf("context %d", k), 0, mean(n, func(j int) float64 { return d.Context[k][j] }))
	}
}

// hasIndex reports whether a covariate weighs in the index of quality.
func hasIndex(trial dgp.Trial) bool {
	for _, v := range trial.Covariates {
		if v.Quality != 0 {
			return true
		}
	}
	return false
}

func assignmentMoments(c *checks, trial dgp.Trial, d dgp.Drawn) {
	n := len(d.Arm)
	inBlock := trial.Design.Schools
	var share, pair, across float64 // P(treated), P(two of a block are), P(two of two blocks are)
	switch a := trial.Design.Assignment.(type) {
	case dgp.Blocked:
		share = a.Share
		pair, across = pairShare(a.Share, inBlock), a.Share*a.Share
	case dgp.Complete:
		share = a.Share
		pair = pairShare(a.Share, n)
		across = pair
	case dgp.Simple:
		share = a.Share
		pair, across = share*share, share*share
	}
	c.add("share treated", share, mean(n, func(s int) float64 { return float64(d.Arm[s]) }))
	c.add("first school treated", share, float64(d.Arm[0]))
	c.add("last school treated", share, float64(d.Arm[n-1]))
	c.add("two of a block treated", pair, mean(trial.Design.Blocks, func(b int) float64 { return float64(d.Arm[b*inBlock] * d.Arm[b*inBlock+1]) }))
	c.add("first and last of a block treated", pair, mean(trial.Design.Blocks, func(b int) float64 { return float64(d.Arm[b*inBlock] * d.Arm[(b+1)*inBlock-1]) }))
	if trial.Design.Blocks > 1 {
		c.add("two of two blocks treated", across, mean(trial.Design.Blocks-1, func(b int) float64 { return float64(d.Arm[b*inBlock] * d.Arm[(b+1)*inBlock]) }))
	}
	// Assignment is independent of what schools are like.
	j := trial.Design.Teachers
	c.add("treatment with quality", 0, mean(n, func(s int) float64 { return (float64(d.Arm[s]) - share) * d.Untreated[0][s*j] }))
	c.add("treatment with class size", 0, mean(n, func(s int) float64 {
		return (float64(d.Arm[s]) - share) * float64(d.Size[s*j])
	}))
}

// pairShare is the probability that two of n schools are treated, when share
// of them is, and the odd one by chance.
func pairShare(share float64, n int) float64 {
	want := share * float64(n)
	low := math.Floor(want + 1e-9)
	p := func(m float64) float64 { return m * (m - 1) / float64(n*(n-1)) }
	return p(low) + (want-low)*(p(low+1)-p(low))
}

func attritionMoments(c *checks, trial dgp.Trial, d dgp.Drawn) {
	a := trial.Design.Attrition
	lost, inArm := map[int]int{}, map[int]int{}
	for s, arm := range d.Arm {
		inArm[arm]++
		if d.Left[s] {
			lost[arm]++
		}
	}
	for arm, name := range trial.Design.Arms {
		c.add("schools lost of "+name, 0, float64(lost[arm]-min(a.Schools[name], inArm[arm])))
		// Which of them leave does not depend on what they are like.
		c.add("quality of schools lost of "+name, 0, mean(len(d.Arm), func(s int) float64 {
			return number(d.Left[s] && d.Arm[s] == arm) * d.Untreated[0][s*trial.Design.Teachers]
		}))
	}
	// Schools are alike before assignment, so that each is as likely to leave.
	c.add("place of schools lost", 0, mean(len(d.Arm), func(s int) float64 {
		return number(d.Left[s]) * (float64(s) - float64(len(d.Arm)-1)/2)
	}))
	valid, sampled, pairs, both := 0, 0, 0, 0
	for j, s := range d.School {
		for i := d.Start[j]; i < d.Start[j+1]; i++ {
			if d.Left[s] {
				if d.Valid[i] {
					panic("a child of a lost school is valid")
				}
				continue
			}
			sampled++
			if d.Valid[i] {
				valid++
			}
			if i+1 < d.Start[j+1] {
				pairs++
				if d.Valid[i] && d.Valid[i+1] {
					both++
				}
			}
		}
	}
	stay := 1 - a.Children
	c.add("valid children beyond their share", 0, float64(valid)-stay*float64(sampled))
	c.add("pairs of valid children beyond their share", 0, float64(both)-stay*stay*float64(pairs))
}

func achievementMoments(c *checks, trial dgp.Trial, d dgp.Drawn) {
	a := trial.Achievement
	tests := len(a.Tests)
	domains := len(trial.Quality.Domains)

	// The class part without coaching.
	variance := a.BlockSD*a.BlockSD + a.SchoolSD*a.SchoolSD + a.TeacherSD*a.TeacherSD
	for _, v := range trial.Covariates {
		if v.Achievement != 0 {
			variance += a.CovariateSD * a.CovariateSD
			break
		}
	}
	slope := func(k int) float64 { return orZero(a.Slope.Sorting, k) + orZero(a.Slope.Control, k) }
	for k := range domains {
		for l := range domains {
			variance += slope(k) * slope(l) * qualityCovariance(trial.Quality, k, l)
		}
		with := 0.0
		for l := range domains {
			with += slope(l) * qualityCovariance(trial.Quality, k, l)
		}
		c.add(fmt.Sprintf("class part with q%d", k), with, mean(len(d.School), func(j int) float64 { return d.Class[0][j] * d.Untreated[k][j] }))
	}
	c.add("class part", 0, mean(len(d.School), func(j int) float64 { return d.Class[0][j] }))
	c.add("class part variance", variance, mean(len(d.School), func(j int) float64 { return d.Class[0][j] * d.Class[0][j] }))
	c.add("class part of the treated", 0, mean(len(d.School), func(j int) float64 { return d.Class[1][j] }))

	// Residuals of the tests, and the average effect on each.
	n := len(d.Children)
	if n == 0 {
		return
	}
	residual := make([][]float64, tests)
	for k := range tests {
		residual[k] = make([]float64, n)
		at := 0
		for j := range d.School {
			for i := d.Start[j]; i < d.Start[j+1]; i++ {
				if d.Valid[i] {
					residual[k][at] = d.Score[0][k][at] - a.Scale*(d.Class[0][j]+d.Child[i])
					at++
				}
			}
		}
	}
	for k := range tests {
		c.add("residual of "+a.Tests[k], 0, mean(n, func(i int) float64 { return residual[k][i] }))
		for l := range k + 1 {
			c.add("residuals of "+a.Tests[k]+", "+a.Tests[l], element(a.Residual, k, l), mean(n, func(i int) float64 { return residual[k][i] * residual[l][i] }))
		}
		c.add("effect on "+a.Tests[k], orZero(a.Effect.Mean, k), mean(n, func(i int) float64 { return d.Score[1][k][i] - d.Score[0][k][i] }))
	}
}

// What coaching does to a class and to a child, unit by unit: no averages.
func TestEffectsUnitByUnit(t *testing.T) {
	const tolerance = 1e-12
	for name, trial := range trials(t) {
		g := compile(t, trial)
		a := trial.Achievement
		for rep := range 5 {
			g.Draw(dgp.Stream{Seed: 5, Replicate: uint64(rep)})
			d := g.Drawn()
			for j := range d.School {
				want := 0.0
				for k := range trial.Quality.Domains {
					q0, q1 := d.Untreated[k][j], d.Treated[k][j]
					want += orZero(a.Slope.Treated, k)*(q1-orZero(trial.Quality.Effect.Shift, k)) +
						(orZero(a.Slope.Baseline, k)-orZero(a.Slope.Control, k))*q0
				}
				if got := d.Class[1][j] - d.Class[0][j]; math.Abs(got-want) > tolerance {
					t.Fatalf("%s: coaching moves class %d by %g, want %g", name, j, got, want)
				}
			}
			variance := 0.0
			for k := range a.Tests {
				for l := range a.Tests {
					variance += element(a.Residual, k, l)
				}
			}
			at := 0
			for j := range d.School {
				for i := d.Start[j]; i < d.Start[j+1]; i++ {
					if !d.Valid[i] {
						continue
					}
					f := 0.0
					for k := range a.Tests {
						f += (d.Score[0][k][at] - a.Scale*(d.Class[0][j]+d.Child[i])) / math.Sqrt(variance)
					}
					for k := range a.Tests {
						want := a.Scale*(d.Class[1][j]-d.Class[0][j]) + orZero(a.Effect.Mean, k)*(1-a.Effect.Bottom*f)
						if got := d.Score[1][k][at] - d.Score[0][k][at]; math.Abs(got-want) > tolerance {
							t.Fatalf("%s: coaching moves child %d on %s by %g, want %g", name, i, a.Tests[k], got, want)
						}
					}
					at++
				}
			}
		}
	}
}

// Shares of the members of a unit: whole members, no more than all of them.
func TestSharesAreOfWholeMembers(t *testing.T) {
	for name, trial := range trials(t) {
		g := compile(t, trial)
		for rep := range 20 {
			g.Draw(dgp.Stream{Seed: 6, Replicate: uint64(rep)})
			d := g.Units()
			for _, v := range trial.Covariates {
				law, ok := v.Law.(dgp.Share)
				if !ok {
					continue
				}
				for i, x := range d.Covariate[v.Name] {
					members := d.Covariate[law.Of][i]
					sum := x
					for _, other := range law.Excluding {
						sum += d.Covariate[other][i]
					}
					if count := x * members; x < 0 || math.Abs(count-math.Round(count)) > 1e-9 || sum > 1+1e-12 {
						t.Fatalf("%s: %s of unit %d is %g of %g members; with those excluded %g", name, v.Name, i, x, members, sum)
					}
				}
			}
		}
	}
}

// Ratings follow the equation of Observation: their latent value is normal
// given quality and context, which with a scale without steps or ends shows in
// the covariances of ratings.
func TestRatingErrors(t *testing.T) {
	trial := manyTeachers()
	o := trial.Observation
	g := compile(t, trial)
	var c checks
	for rep := range short(2000) {
		g.Draw(dgp.Stream{Seed: 7, Replicate: uint64(rep)})
		d := g.Drawn()
		for arm, quality := range [2][][]float64{d.Untreated, d.Treated} {
			// By domain and segment; there is one coder.
			e := func(k, s, j int) float64 {
				return (d.Rating[arm][k*o.Segments+s][j]-o.Scale.Mean[k])/o.Scale.Points[k] - quality[k][j] - d.Context[k][j]
			}
			n := len(d.School)
			for k := range 2 {
				own := o.SegmentSD[k]*o.SegmentSD[k] + o.CoderSD[k]*o.CoderSD[k]
				c.add(fmt.Sprintf("error of domain %d", k), 0, mean(n, func(j int) float64 { return e(k, 2, j) }))
				c.add(fmt.Sprintf("error variance of domain %d", k), own, mean(n, func(j int) float64 { return e(k, 1, j) * e(k, 1, j) }))
				c.add(fmt.Sprintf("errors of two segments, domain %d", k), 0, mean(n, func(j int) float64 { return e(k, 0, j) * e(k, 2, j) }))
			}
			across := 0.5 * (o.SegmentSD[0]*o.SegmentSD[1] + o.CoderSD[0]*o.CoderSD[1])
			c.add("errors of two domains", across, mean(n, func(j int) float64 { return e(0, 1, j) * e(1, 1, j) }))
			c.add("errors of two domains and segments", 0, mean(n, func(j int) float64 { return e(0, 1, j) * e(1, 2, j) }))
		}
	}
	c.test(t)
}

// Two coders of a segment share the segment's error, not their own.
func TestCodersShareTheSegment(t *testing.T) {
	trial := manyTeachers()
	trial.Observation.Coders = 2
	o := trial.Observation
	g := compile(t, trial)
	var c checks
	for rep := range short(2000) {
		g.Draw(dgp.Stream{Seed: 8, Replicate: uint64(rep)})
		d := g.Drawn()
		e := func(k, s, coder, j int) float64 {
			return (d.Rating[0][(k*o.Segments+s)*2+coder][j]-o.Scale.Mean[k])/o.Scale.Points[k] - d.Untreated[k][j] - d.Context[k][j]
		}
		n := len(d.School)
		for k := range 2 {
			c.add(fmt.Sprintf("errors of two coders, domain %d", k), o.SegmentSD[k]*o.SegmentSD[k], mean(n, func(j int) float64 { return e(k, 1, 0, j) * e(k, 1, 1, j) }))
		}
		c.add("errors of two coders and domains", 0.5*o.SegmentSD[0]*o.SegmentSD[1], mean(n, func(j int) float64 { return e(0, 1, 0, j) * e(1, 1, 1, j) }))
	}
	c.test(t)
}

// The covariance that a Cholesky factor is meant to give is what the matrix
// says, in both ways of writing it.
func TestMatrixForms(t *testing.T) {
	full := manyTeachers()
	full.Achievement.Residual = dgp.Matrix{
		{1, 0.3, 0.2, 0.1, -0.2}, {0.3, 0.8, 0.3, 0.2, 0}, {0.2, 0.3, 0.9, 0.3, 0.1}, {0.1, 0.2, 0.3, 1.1, 0.2}, {-0.2, 0, 0.1, 0.2, 0.5},
	}
	a, _ := compile(t, manyTeachers()).Draw(dgp.Stream{Seed: 1})
	b, _ := compile(t, full).Draw(dgp.Stream{Seed: 1})
	for c := range a.Columns {
		for i := range a.Columns[c] {
			if a.Columns[c][i] != b.Columns[c][i] {
				t.Fatalf("column %d differs between the two forms of a matrix", c)
			}
		}
	}
}

// The numbers that the calibration of the ecuador model promises, with the
// room that its own rounding needs.
func TestEcuadorCalibration(t *testing.T) {
	if testing.Short() {
		t.Skip("averages over hundreds of draws")
	}
	const draws = 400
	trial := ecuador(t)
	g := compile(t, trial)
	shape := g.Shape()
	got := map[string]float64{}
	add := func(name string, x float64) { got[name] += x / draws }
	is := shape.Index("is_s1_c1")
	column := shape.Index("coaching")
	for rep := range draws {
		data, _ := g.Draw(dgp.Stream{Seed: 11, Replicate: uint64(rep)})
		d := g.Drawn()
		add("valid children", float64(data.Children()))
		add("classes", float64(data.Teachers()))
		sampled, small, control := 0, 0, 0
		sizes := data.Columns[shape.Index("class_size")]
		for j := range data.Teachers() {
			sampled += min(int(sizes[j]), 20)
			small += int(number(sizes[j] < 20))
			if data.Columns[column][data.TeacherSchool[j]] == 0 {
				control += data.ChildStart[j+1] - data.ChildStart[j]
			}
		}
		add("sampled children", float64(sampled))
		add("small classes", float64(small))
		add("control children", float64(control))
		add("class size", mean(len(sizes), func(j int) float64 { return sizes[j] }))

		// IS ratings on the floor, under either arm.
		floor, n := [2]int{}, 0
		for at := 16; at < 24; at++ {
			for j := range d.School {
				n++
				for arm := range floor {
					floor[arm] += int(number(d.Rating[arm][at][j] == 1))
				}
			}
		}
		add("floor, control", float64(floor[0])/float64(n))
		add("floor, treated", float64(floor[1])/float64(n))
		for c := is; c < is+8; c++ {
			if shape.Columns[c].Rating.Domain != "is" {
				t.Fatal("the is ratings are elsewhere")
			}
		}
		for k, name := range []string{"es", "co", "is"} {
			sum := [2]float64{}
			for at := 8 * k; at < 8*k+8; at++ {
				for arm := range sum {
					sum[arm] += mean(len(d.School), func(j int) float64 { return d.Rating[arm][at][j] }) / 8
				}
			}
			add("raw "+name+", control", sum[0])
		}

		// Correlations and variances of the four tests, raw, pooled over arms.
		names := []string{"numbers", "arithmetic", "letters", "vocabulary"}
		raw := make([][]float64, 4)
		for k := range raw {
			raw[k] = make([]float64, data.Children())
			for j, teacher := range d.Teachers {
				arm := d.Arm[d.School[teacher]]
				copy(raw[k][data.ChildStart[j]:data.ChildStart[j+1]], d.Score[arm][k][data.ChildStart[j]:])
			}
		}
		for k := range raw {
			for l := range k + 1 {
				m, r := raw[k], raw[l]
				mk, ml := mean(len(m), func(i int) float64 { return m[i] }), mean(len(r), func(i int) float64 { return r[i] })
				add(names[k]+", "+names[l], mean(len(m), func(i int) float64 { return (m[i] - mk) * (r[i] - ml) }))
			}
		}
	}
	for _, c := range []struct {
		name      string
		want, off float64 // off is the last printed digit, or some standard errors where these are more
	}{
		{"classes", 198, 1e-9},
		{"valid children", 3752, 4},
		{"sampled children", 3910, 4},
		{"small classes", 9.1, 0.6},
		{"control children", 1857, 6},
		{"class size", 31.51, 0.1},
		{"floor, control", 0.80, 0.01},
		{"floor, treated", 0.73, 0.01},
		{"raw es, control", 4.0, 0.05},
		{"raw co, control", 4.9, 0.05},
		{"raw is, control", 1.2, 0.05},
		{"numbers, numbers", 1, 0.005},
		{"arithmetic, arithmetic", 1, 0.005},
		{"letters, letters", 1, 0.005},
		{"vocabulary, vocabulary", 1, 0.005},
		{"arithmetic, numbers", 0.64, 0.005},
		{"letters, numbers", 0.51, 0.005},
		{"letters, arithmetic", 0.525, 0.005},
		{"vocabulary, numbers", 0.34, 0.005},
		{"vocabulary, arithmetic", 0.35, 0.005},
		{"vocabulary, letters", 0.375, 0.005},
	} {
		t.Logf("%s: %.4f (asked %g)", c.name, got[c.name], c.want)
		if math.Abs(got[c.name]-c.want) > c.off {
			t.Errorf("%s is %.4f, wanted %g ± %g", c.name, got[c.name], c.want, c.off)
		}
	}
}

// The quality of the preset is written as SDs and correlations; the
// calibration gives the factor Lq, rounded to three digits.
func TestEcuadorQualityFactor(t *testing.T) {
	q := ecuador(t).Quality
	sym := mat.NewSymDense(3, nil)
	for k := range 3 {
		for l := range k + 1 {
			sym.SetSym(k, l, qualityCovariance(q, k, l))
		}
	}
	var chol mat.Cholesky
	if !chol.Factorize(sym) {
		t.Fatal("not positive definite")
	}
	var l mat.TriDense
	chol.LTo(&l)
	for i, row := range [][]float64{{0.705}, {0.457, 0.408}, {0.708, 0.472, 0.897}} {
		for j, want := range row {
			if got := l.At(i, j); math.Abs(got-want) > 0.0006 {
				t.Errorf("row %d column %d of the factor is %.4f, wanted %.3f", i+1, j+1, got, want)
			}
		}
	}
}
