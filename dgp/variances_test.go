package dgp_test

import (
	"fmt"
	"math"
	"testing"

	"coachsim/dgp"
)

func ptr(x float64) *float64 { return &x }

// plain is a trial in planners' words with nothing but tests.
func plain() dgp.Trial {
	t := dgp.DefaultTrial()
	t.Design.Blocks, t.Design.Schools, t.Design.Teachers, t.Design.Tested = 3, 6, 2, 40
	t.Design.Children = dgp.ClassSize{Mean: 12, CV: 0.3, Min: 4}
	t.Design.Assignment = dgp.Blocked{Share: 0.5}
	t.Achievement.Tests = []string{"reading", "maths"}
	t.Achievement.ICC = dgp.ICC{Block: 0.02, School: 0.15, Teacher: 0.05}
	t.Achievement.Correlation = ptr(0.6)
	t.Achievement.Effect.Mean = []float64{0.2, 0.1}
	t.Achievement.Points = true
	return t
}

// words has everything that can be said in planners' words.
func words() dgp.Trial {
	t := plain()
	t.Design.Teachers = 3
	t.Covariates = []dgp.Covariate{
		{Name: "rural", Level: dgp.SchoolLevel, Law: dgp.Bernoulli{Mean: 0.3}, Achievement: -2},
		{Name: "experience", Level: dgp.TeacherLevel, Law: dgp.Gamma{Mean: 10, SD: 8}, Achievement: 0.7},
		{Name: "girl", Level: dgp.ChildLevel, Law: dgp.Bernoulli{Mean: 0.5}, Slope: 3},
	}
	t.Quality = dgp.Quality{
		Domains: []string{"support"}, SD: []float64{0.8}, Correlation: dgp.Matrix{{1}}, SchoolShare: 0.5,
		Effect: dgp.QualityEffect{Shift: []float64{0.5}},
	}
	t.Observation = dgp.Observation{
		Segments: 2, Coders: 2, SegmentSD: []float64{0.7}, CoderSD: []float64{0.3}, ErrorCorrelation: dgp.Matrix{{1}}, Total: "class",
		Scale: dgp.RatingScale{Mean: []float64{4}, Points: []float64{1}, Min: 1, Max: 7, Integer: true},
	}
	t.Achievement.Tests = []string{"reading", "maths", "science"}
	t.Achievement.Effect.Mean = nil
	t.Achievement.Correlation = nil
	t.Achievement.Correlations = dgp.Matrix{{1}, {0.7, 1}, {0.6, 0.8, 1}}
	t.Achievement.ICC = dgp.ICC{Block: 0.05, School: 0.2, Teacher: 0.1}
	t.Achievement.R2 = dgp.R2{School: 0.15, Teacher: 0.2, Child: 0.1}
	t.Achievement.Slope = dgp.Slopes{Sorting: []float64{0.1}, Control: []float64{0.1}, Treated: []float64{0.1}}
	t.Achievement.Baseline = &dgp.Baseline{
		Name: "pretest", Reliability: 0.8, R2: dgp.R2{Block: 0.3, School: 0.6, Teacher: 0.4, Child: 0.5},
		ICC: dgp.ICC{Block: 0.04, School: 0.16, Teacher: 0.05},
	}
	return t
}

// oneClass has one teacher per school: the class is the school.
func oneClass() dgp.Trial {
	t := plain()
	t.Design.Teachers = 1
	t.Covariates = []dgp.Covariate{
		{Name: "staff", Level: dgp.SchoolLevel, Law: dgp.NegativeBinomial{Mean: 6, Size: 2, Shift: 2}},
		{Name: "trained", Level: dgp.SchoolLevel, Law: dgp.Share{Of: "staff", Mean: 0.5}, Achievement: 1},
		{Name: "graduate", Level: dgp.SchoolLevel, Law: dgp.Share{Of: "staff", Mean: 0.3, Excluding: []string{"trained"}}, Achievement: 2},
		{Name: "size", Level: dgp.TeacherLevel, Law: dgp.ClassSizeLaw{}, Achievement: -1},
		{Name: "age", Level: dgp.ChildLevel, Law: dgp.NegativeBinomial{Mean: 2, Size: 3}, Slope: 0.05, Curvature: 0.01},
	}
	t.Achievement.ICC = dgp.ICC{School: 0.2}
	t.Achievement.R2 = dgp.R2{School: 0.4, Child: 0.2}
	return t
}

// graded has grades of fixed means, and SDs beside a share.
func graded() dgp.Trial {
	t := plain()
	t.Design.Grades, t.Design.Teachers = 3, 4
	t.Achievement.ICC = dgp.ICC{School: 0.1}
	t.Achievement.TeacherSD, t.Achievement.BlockSD = 0.2, 0.3
	t.Achievement.GradeMeans = []float64{1, 1.3, 2}
	return t
}

// fixedBlocks has blocks whose effects are given.
func fixedBlocks() dgp.Trial {
	t := plain()
	t.Achievement.ICC = dgp.ICC{School: 0.1}
	t.Achievement.BlockEffects = nil
	for b := range t.Design.Blocks {
		t.Achievement.BlockEffects = append(t.Achievement.BlockEffects, 1+0.3*float64(b%3))
	}
	return t
}

func wordsTrials() map[string]dgp.Trial {
	return map[string]dgp.Trial{"fixed-blocks": fixedBlocks(), "plain": plain(), "words": words(), "one-class": oneClass(), "graded": graded(), "varied": varied(), "passing": passing(), "varying": varying()}
}

// TestVariances holds the moments of many draws against the implied variances:
// products of scores of the same child, of two children of a class, of two
// classes of a school and of two schools of a block have means that are sums
// of variances by level. Each of about 400 checks raises a false alarm with
// probability 1e-5.
func TestVariances(t *testing.T) {
	draws := map[string]int{"ecuador": 500, "many-teachers": 2000}
	all := wordsTrials()
	all["ecuador"], all["many-teachers"] = ecuador(t), manyTeachers()
	for name, trial := range all {
		t.Run(name, func(t *testing.T) {
			trial.Design.Attrition = dgp.Attrition{} // which takes more of small classes
			if trial.Achievement.Outcomes != nil {   // the variances are those of latent scores
				trial.Achievement.Outcomes, trial.Achievement.Points = nil, true
			}
			implied := trial.Variances()
			// Ratings before rounding and limits.
			trial.Observation.Scale.Integer, trial.Observation.Scale.Min, trial.Observation.Scale.Max = false, -1e9, 1e9
			n := draws[name]
			if n == 0 {
				n = 3000
			}
			g := compile(t, trial)
			var c checks
			for rep := range short(n) {
				data, _ := g.Draw(dgp.Stream{Seed: 77, Replicate: uint64(rep)})
				d := g.Drawn()
				testMoments(&c, trial, implied, data, d)
				scoreMoments(&c, trial, implied, d)
			}
			c.test(t)
		})
	}
}

// cumulated are the sums of an outcome's variances from the block down.
func cumulated(v *dgp.OutcomeVariance) (sum [4]float64) {
	total := 0.0
	for l := range sum {
		total += v.Levels[l].Variance
		sum[l] = total
	}
	return sum
}

// products adds the checks of x, by child, against sums of covariances with y
// from the block down.
func products(c *checks, name string, data *dgp.Data, want [4]float64, x, y func(child int) float64, grade func(j, l int) float64) {
	classes := data.Teachers()
	mx, my := make([]float64, classes), make([]float64, classes)
	same, pair := 0.0, 0.0
	for j := range classes {
		lo, hi := data.ChildStart[j], data.ChildStart[j+1]
		n := float64(hi - lo)
		xx, yy, xy := 0.0, 0.0, 0.0
		for i := lo; i < hi; i++ {
			xx += x(i)
			yy += y(i)
			xy += x(i) * y(i)
		}
		mx[j], my[j] = xx/n, yy/n
		same += xy/n - grade(j, j)
		pair += (xx*yy-xy)/(n*(n-1)) - grade(j, j)
	}
	c.add(name+": child", want[3], same/float64(classes))
	c.add(name+": class", want[2], pair/float64(classes))
	school, schools := 0.0, 0.0
	block, blocks := 0.0, 0.0
	for j := range classes {
		for l := range classes {
			s, u := data.TeacherSchool[j], data.TeacherSchool[l]
			switch {
			case j == l || data.SchoolBlock[s] != data.SchoolBlock[u]:
			case s == u:
				school += mx[j]*my[l] - grade(j, l)
				schools++
			case u == s+1:
				block += mx[j]*my[l] - grade(j, l)
				blocks++
			}
		}
	}
	if schools > 0 {
		c.add(name+": school", want[1], school/schools)
	}
	c.add(name+": block", want[0], block/blocks)
}

func testMoments(c *checks, trial dgp.Trial, implied dgp.Variances, data *dgp.Data, d dgp.Drawn) {
	a := trial.Achievement
	score := d.Score[0]
	mean := 0.0
	for _, m := range a.GradeMeans {
		mean += m / float64(len(a.GradeMeans))
	}
	// Products of grade means, for tests with weight w.
	gradesOf := func(w float64) func(j, l int) float64 {
		return func(j, l int) float64 {
			if a.GradeMeans == nil {
				return 0
			}
			column := d.Covariate["grade"]
			return w * w * (a.GradeMeans[int(column[j])] - mean) * (a.GradeMeans[int(column[l])] - mean)
		}
	}
	weights := make([]float64, len(a.Tests))
	sum := 0.0
	for k, name := range a.Tests {
		v := implied.Find(name)
		y := func(i int) float64 { return score[k][i] }
		products(c, name, data, cumulated(v), y, y, gradesOf(1))
		weights[k] = 1 / float64(len(a.Tests))
		if !a.Points {
			weights[k] /= math.Sqrt(v.Variance + v.Grade)
		}
		sum += weights[k]
	}
	v := implied.Find(a.Total)
	unit := 1.0
	if !a.Points { // the total is in its own SDs: a weight of its own brings it there
		unit = c.once("total", func() float64 { return totalVariance(trial, weights, implied) })
	}
	total := func(i int) float64 {
		x := 0.0
		for k, w := range weights {
			x += w * score[k][i]
		}
		return x / math.Sqrt(unit)
	}
	products(c, a.Total, data, cumulated(v), total, total, gradesOf(sum/math.Sqrt(unit)))
	for k := range a.Tests { // between tests
		for l := range k {
			want := math.NaN()
			switch {
			case a.Correlations != nil:
				want = a.Correlations[k][l]
			case a.Correlation != nil:
				want = *a.Correlation
			}
			if !math.IsNaN(want) && a.GradeMeans == nil {
				c.add(fmt.Sprintf("correlation of tests %d and %d", k, l), want, meanByClass(data, func(i int) float64 { return score[k][i] * score[l][i] }))
			}
		}
	}
	if b := a.Baseline; b != nil {
		pretest := func(i int) float64 { return d.Covariate[b.Name][i] }
		none := func(_, _ int) float64 { return 0 }
		products(c, b.Name, data, cumulated(implied.Find(b.Name)), pretest, pretest, none)
		// The covariance at each level is √(R² v w): what the study asks for.
		w, v, r := shares(b.ICC), shares(a.ICC), [4]float64{b.R2.Block, b.R2.School, b.R2.Teacher, b.R2.Child}
		var want [4]float64
		total := 0.0
		for l := range want {
			total += math.Sqrt(r[l] * v[l] * w[l])
			want[l] = total
		}
		products(c, "reading with "+b.Name, data, want, func(i int) float64 { return score[0][i] }, pretest, none)
		products(c, "science with "+b.Name, data, want, func(i int) float64 { return score[2][i] }, pretest, none)
		c.add("true baseline of children", w[3]-(1-b.Reliability), meanByClass(data, func(i int) float64 { return d.TrueBaseline[i] * d.TrueBaseline[i] }))
	}
	if a.ICC == (dgp.ICC{}) || len(trial.Covariates) != 3 {
		return
	}
	// One covariate at each level: it covaries with a score as R² asks.
	for l, x := range trial.Covariates {
		m, sd := c.covariate(trial, x)
		r := []float64{a.R2.School, a.R2.Teacher, a.R2.Child}[l]
		want := math.Sqrt(r * shares(a.ICC)[l+1])
		if x.Achievement < 0 {
			want = -want
		}
		c.add("maths with "+x.Name, want, meanByClass(data, func(i int) float64 {
			unit := data.Ancestor(dgp.ChildLevel, i, x.Level)
			return score[1][i] * (d.Covariate[x.Name][unit] - m) / sd
		}))
	}
}

func shares(c dgp.ICC) [4]float64 {
	return [4]float64{c.Block, c.School, c.Teacher, 1 - c.Block - c.School - c.Teacher}
}

// totalVariance is the variance of the weighted sum of tests, from what the
// trial declares: residual, and what the tests have in common.
func totalVariance(trial dgp.Trial, weights []float64, implied dgp.Variances) float64 {
	a := trial.Achievement
	v, sum := 0.0, 0.0
	for k, w := range weights {
		sum += w
		for l, u := range weights {
			v += w * u * element(a.Residual, k, l)
		}
	}
	first := implied.Find(a.Tests[0])
	return v + sum*sum*(first.Variance-element(a.Residual, 0, 0))
}

func meanByClass(data *dgp.Data, f func(child int) float64) float64 {
	return mean(data.Teachers(), func(j int) float64 {
		lo, hi := data.ChildStart[j], data.ChildStart[j+1]
		return mean(hi-lo, func(i int) float64 { return f(lo + i) })
	})
}

func scoreMoments(c *checks, trial dgp.Trial, implied dgp.Variances, d dgp.Drawn) {
	o, domains := trial.Observation, len(trial.Quality.Domains)
	if o.Segments == 0 {
		return
	}
	classes := len(d.School)
	// Scores from some of the ratings: of all, and of single segments.
	score := func(k, j, from, to int) float64 {
		sum := 0.0
		for s := from; s < to; s++ {
			for coder := range o.Coders {
				sum += d.Rating[0][(k*o.Segments+s)*o.Coders+coder][j] - o.Scale.Mean[k]
			}
		}
		return sum / float64((to-from)*o.Coders)
	}
	check := func(name string, of func(j, from, to int) float64) {
		want := cumulated(implied.Find(name))
		c.add(name+": total", want[3], mean(classes, func(j int) float64 { x := of(j, 0, o.Segments); return x * x }))
		if o.Segments > 1 {
			c.add(name+": without error", want[2], mean(classes, func(j int) float64 { return of(j, 0, 1) * of(j, 1, o.Segments) }))
		}
		for _, at := range []struct {
			name string
			step int
			want float64
		}{{"school", 1, want[1]}, {"block", trial.Design.Teachers, want[0]}} {
			sum, n := 0.0, 0.0
			for j := range classes - at.step {
				l := j + at.step
				if s, u := d.School[j], d.School[l]; d.Block[s] == d.Block[u] && (s == u) == (at.name == "school") {
					sum += of(j, 0, o.Segments) * of(l, 0, o.Segments)
					n++
				}
			}
			if n > 0 {
				c.add(name+": "+at.name, at.want, sum/n)
			}
		}
	}
	for k, name := range trial.Quality.Domains {
		check(name, func(j, from, to int) float64 { return score(k, j, from, to) / o.Scale.Points[k] })
	}
	check(o.Total, func(j, from, to int) float64 {
		sum := 0.0
		for k := range domains {
			sum += score(k, j, from, to) / float64(domains)
		}
		return sum
	})
}

// variance is that of numbers, with n below.
func variance(x []float64) float64 {
	sum, square, n := 0.0, 0.0, float64(len(x))
	for _, v := range x {
		sum, square = sum+v/n, square+v*v/n
	}
	return square - sum*sum
}

// TestVariancesAsAsked holds the implied variances against what studies ask for.
func TestVariancesAsAsked(t *testing.T) {
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-12 {
			t.Errorf("%s is %.15g, wanted %.15g", what, got, want)
		}
	}
	for name, trial := range wordsTrials() {
		a := trial.Achievement
		for _, test := range a.Tests {
			v := trial.Variances().Find(test)
			near(name+" variance", v.Variance, 1)
			near(name+" ICC of schools", v.Levels[1].ICC, a.ICC.School)
			if name == "graded" {
				near("class SD", v.Levels[2].Variance, 0.04)
				near("block SD", v.Levels[0].Variance, 0.09)
				// The four teachers of a school have grades of mean 1, 1.3, 2 and 1.
				near("grades", v.Grade, (1+1.69+4+1)/4-1.325*1.325)
				continue
			}
			near(name+" ICC of teachers", v.Levels[2].ICC, a.ICC.Teacher)
			if name == "fixed-blocks" { // 1, 1.3, 1.6 and again
				near("blocks", v.Levels[0].ICC, variance(a.BlockEffects))
				continue
			}
			near(name+" ICC of blocks", v.Levels[0].ICC, a.ICC.Block)
			r := [4]float64{0, a.R2.School, a.R2.Teacher, a.R2.Child}
			if b := a.Baseline; b != nil {
				for l, x := range [4]float64{b.R2.Block, b.R2.School, b.R2.Teacher, b.R2.Child} {
					r[l] += x
				}
			}
			for l, want := range r {
				near(fmt.Sprintf("%s R² of level %d", name, l), v.Levels[l].R2, want)
			}
		}
	}
	v := words().Variances().Find("pretest")
	near("reliability", *v.Reliability, 0.8)
	near("variance of the baseline", v.Variance, 1)
}

// TestVariancesAreComponents: closed forms rest on the same variances as the
// table, where they know them.
func TestVariancesAreComponents(t *testing.T) {
	bare := words()
	bare.Achievement.Baseline = nil
	for name, trial := range map[string]dgp.Trial{"plain": plain(), "words": bare, "components": equalClasses()} {
		all := trial.Variances()
		for k, test := range trial.Achievement.Tests {
			weights := make([]float64, len(trial.Achievement.Tests))
			weights[k] = 1
			c, err := trial.Components(weights, 0, nil)
			if err != nil {
				t.Fatal(err)
			}
			for l, want := range [4]float64{c.Block, c.School, c.Teacher, c.Child} {
				if got := all.Find(test).Levels[l].Variance; math.Abs(got-want) > 1e-12 {
					t.Errorf("%s: %s of level %d has variance %.15g in the table, %.15g in closed forms", name, test, l, got, want)
				}
			}
		}
	}
}
