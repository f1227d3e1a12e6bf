package dgp

import (
	"maps"
	"math"
	"slices"
)

// Achievement is what children score on the tests, and what moves it.
//
// The class part of child i in class j, in SDs of total achievement, is
//
//	C(0) = block + covariates + school + teacher + School'b + Sorting'q(0) + Control'q(0)
//	C(1) = block + covariates + school + teacher + School'b + Sorting'q(0) + Treated'(q(1)-shift) + Baseline'q(0)
//
// with b the school's part of quality (Quality.School), which q contains,
// and the score on test k, in SDs of that test, is
//
//	Y(T) = Scale (C(T) + child covariates) + ε + T (Mean (1 - Bottom f) + variation)
//
// with ε ~ N(0, Residual) over the tests and f the standardised sum of ε; the
// variation (By, SchoolSD, BlockSD, Quantiles) has mean 0. Mean is therefore the average effect of coaching on each test, whatever the
// slopes; the slopes say how much of it goes through quality, and for whom.
// Total achievement is the mean of the standardised tests, standardised again.
//
// Where Residual is left out, variances are given as shares of 1, by ICC, R2,
// Correlation and Baseline (see Trial.lower); then ε also has parts of blocks,
// schools and classes, and of the baseline test.
//
// Every treated arm moves the tests so, by Effect and Slope, unless ArmEffects
// says how it differs. A combined arm moves them by the sum of what its parts
// do, and by what ArmEffects says of it: an effect of its own, a slope Baseline,
// and the slope Treated on its own effect on quality.
type Achievement struct {
	Tests        []string                 `yaml:"tests" required:"true" minlen:"1" doc:"names of the tests"`
	Total        string                   `yaml:"total" doc:"name of total achievement"`
	ICC          ICC                      `yaml:"icc,omitempty" doc:"shares of each test's variance, by level; the variance of a test is then 1"`
	Correlation  *float64                 `yaml:"correlation" min:"-1" max:"1" doc:"correlation between any two tests; by default they correlate 0.5 in what nothing explains"`
	Correlations Matrix                   `yaml:"correlations" doc:"instead of correlation: the matrix of all tests"`
	Baseline     *Baseline                `yaml:"baseline" doc:"a test before the trial"`
	R2           R2                       `yaml:"r2,omitempty" doc:"shares of the variance at each level that covariates explain; their weights and slopes say how they divide it"`
	Residual     Matrix                   `yaml:"residual" doc:"instead of icc and correlation: covariance of the tests within classes, given child covariates; SDs of the test"`
	Scale        float64                  `yaml:"scale" gt:"0" doc:"SDs of a test per SD of total achievement"`
	BlockSD      float64                  `yaml:"block_sd" min:"0" doc:"SD of block effects, in SDs of total achievement"`
	BlockEffects []float64                `yaml:"block_effects,omitempty" doc:"instead of block_sd and icc.block: the effect of every block, the same in all data sets, in SDs of total achievement, measured from their mean"`
	CovariateSD  float64                  `yaml:"covariate_sd" min:"0" doc:"SD of the index of school and teacher covariates"`
	SchoolSD     float64                  `yaml:"school_sd" min:"0" doc:"SD of what else the classes of a school have in common"`
	TeacherSD    float64                  `yaml:"teacher_sd" min:"0" doc:"SD of what else the children of a class have in common"`
	GradeSD      float64                  `yaml:"grade_sd,omitempty" min:"0" doc:"SD of the differences between grades, on top of a test's variance of 1"`
	GradeMeans   []float64                `yaml:"grade_means" doc:"instead of grade_sd: mean of each grade, in SDs of the test"`
	Slope        Slopes                   `yaml:"slope" doc:"how true quality moves achievement, by domain; SDs of the total per SD of the observed score"`
	Outcomes     map[string]Outcome       `yaml:"outcomes" doc:"tests that are binary or counts, by name; all variances and effects are then those of a latent score"`
	Effect       TestEffect               `yaml:"effect" doc:"average effects of coaching"`
	ArmEffects   map[string]ArmTestEffect `yaml:"arm_effects" doc:"effects of arms that differ from effect, by arm; of a combined arm the interaction"`
	Points       bool                     `yaml:"points" doc:"keep tests in the units of the model instead of standard deviations of the data set"`

	shared *sharedParts // set by Trial.lower
}

// Slopes are those of achievement on true quality.
type Slopes struct {
	School   []float64 `yaml:"school" doc:"better children in better schools: not causal, on quality.school"`
	Sorting  []float64 `yaml:"sorting" doc:"better children in better classes: not causal, on quality without coaching"`
	Control  []float64 `yaml:"control" doc:"causal slope on quality without coaching"`
	Treated  []float64 `yaml:"treated" doc:"causal slope on quality with coaching"`
	Baseline []float64 `yaml:"baseline" doc:"effect of coaching per SD of quality without coaching (disruption of good teachers)"`
}

// TestEffect is the average effect of coaching on the tests.
type TestEffect struct {
	Mean   []float64 `yaml:"mean" doc:"average effect on each test, in the units of residual: SDs of the test where all parts of its variance add up to 1"`
	Bottom float64   `yaml:"bottom" doc:"how much stronger the effect is for a child 1 SD below the class: 0.3 is 30%"`

	By        map[string]float64 `yaml:"by" doc:"what a unit of a covariate, or of the baseline test, adds to the effect on every test; measured from its mean, so that mean stays the average"`
	Quantiles []float64          `yaml:"quantiles" doc:"what is added to the effect at evenly spaced quantiles, 0 to 1, of the child's score without coaching, with straight lines between; averages 0"`
	SchoolSD  float64            `yaml:"school_sd,omitempty" min:"0" doc:"SD of the effect between the schools of a block, the same on every test"`
	BlockSD   float64            `yaml:"block_sd,omitempty" min:"0" doc:"SD of the effect between blocks, the same on every test"`
}

// isZero reports whether no key of the effect says anything.
func (e TestEffect) isZero() bool {
	return !anyNonzero(e.Mean, e.Quantiles) && e.Bottom == 0 && allZero(e.By) && e.SchoolSD == 0 && e.BlockSD == 0
}

// allZero reports whether no effect of a covariate says anything.
func allZero(by map[string]float64) bool {
	for _, b := range by {
		if b != 0 {
			return false
		}
	}
	return true
}

// ArmTestEffect is what one arm does to the tests.
type ArmTestEffect struct {
	TestEffect `yaml:",inline"`
	Treated    []float64 `yaml:"treated" doc:"causal slope on quality in this arm; by default that of slope"`
	Baseline   []float64 `yaml:"baseline" doc:"effect per SD of quality without coaching; by default that of slope, and 0 for a combined arm"`
}

// IsZero reports whether the section is left out.
func (a Achievement) IsZero() bool { return len(a.Tests) == 0 }

func (a Achievement) check(f *Faults, t Trial) {
	n, k, arms := len(a.Tests), len(t.Quality.Domains), t.Design.Arms
	a.checkWords(f, t)
	checkOptional(f, "achievement.slope.school", a.Slope.School, k, "domain")
	if anyNonzero(a.Slope.School) && t.Quality.School.IsZero() {
		f.Add("achievement.slope.school", "is a slope on quality.school, which is left out")
	}
	checkOptional(f, "achievement.slope.sorting", a.Slope.Sorting, k, "domain")
	checkOptional(f, "achievement.slope.control", a.Slope.Control, k, "domain")
	checkOptional(f, "achievement.slope.treated", a.Slope.Treated, k, "domain")
	checkOptional(f, "achievement.slope.baseline", a.Slope.Baseline, k, "domain")
	if a.Slope.Control != nil && a.Slope.Treated == nil {
		f.Add("achievement.slope", "has control but not treated, the slope with coaching; repeat control there if coaching does not change it")
	}
	checkOptional(f, "achievement.effect.mean", a.Effect.Mean, n, "test")
	a.checkOutcomes(f, t)
	a.Effect.checkVariation(f, "achievement.effect", t)
	checkEveryArm(f, "achievement", a.Effect.isZero(), a.ArmEffects, arms)
	checkByArm(f, "achievement.arm_effects", a.ArmEffects, arms, func(path string, e ArmTestEffect) {
		checkOptional(f, path+".mean", e.Mean, n, "test")
		e.checkVariation(f, path, t)
		checkOptional(f, path+".treated", e.Treated, k, "domain")
		checkOptional(f, path+".baseline", e.Baseline, k, "domain")
	})
	if a.Total == "" {
		f.Add("achievement.total", "total achievement needs a name")
	}
}

// withEffect returns the section with one average effect of all plain arms on all
// tests, nil leaving it as it is. A combined arm then has the sum of its parts. What
// an effect differs by (bottom, by, school_sd, slopes, ...) stays.
func (a Achievement) withEffect(effect *float64, arms []string) Achievement {
	if effect == nil {
		return a
	}
	mean := slices.Repeat([]float64{*effect}, len(a.Tests))
	a.Effect.Mean = mean
	a.ArmEffects = maps.Clone(a.ArmEffects)
	for _, arm := range armsOf(arms) {
		if own, named := a.ArmEffects[arm.name]; named {
			own.Mean = nil
			if arm.parts == nil {
				own.Mean = mean
			}
			a.ArmEffects[arm.name] = own
		}
	}
	return a
}

// effectOf returns an arm's own effect on the tests, with zeros for what was
// left out.
func (a Achievement) effectOf(arm arm, domains int) ArmTestEffect {
	e, named := a.ArmEffects[arm.name]
	if !named && arm.parts == nil {
		e.TestEffect = a.Effect
	}
	if e.Treated == nil {
		e.Treated = a.Slope.Treated
	}
	if e.Baseline == nil && arm.parts == nil {
		e.Baseline = a.Slope.Baseline
	}
	e.Mean = slices.Clone(orZeros(e.Mean, len(a.Tests))) // solveOutcomes writes to it
	e.Treated, e.Baseline = orZeros(e.Treated, domains), orZeros(e.Baseline, domains)
	return e
}

// tested holds what the tests of every child with a valid one are made of, under every arm.
type tested struct {
	a      Achievement
	arms   []armTests
	shared *sharedParts // nil without
	factor [][]float64  // Cholesky factor of Residual
	sumSD  float64      // sd of the sum of residuals
	school []float64    // scratch: by school
	e      []float64    // scratch: one child
	drawn  stretch
	// Whether the effect of any arm varies, and with the score without coaching,
	// whose SDs these are, by test.
	varies, profiled bool
	controlSD        []float64
	even             bool        // no effect is stronger for some children than for others (Bottom)
	whole            bool        // all sampled children are valid
	show             []steps     // by test
	class            [][]float64 // C by arm and class, whole
	uncaused         []float64   // by class: the part of C that is no effect of quality
	start            []int       // first valid child of each class, and the end

	residual [][]float64 // by test and valid child: with shared parts
	part     []float64   // by valid child: covariates' part
	strength []float64   // by valid child: f, how strong effects are; expectation 0
	// Where scores are not made of these alone, or often read, they are kept: by world (or
	// some of the first), test and valid child.
	score [][][]float64
	asked []float64 // scratch: by valid child

	// With a delivery, what reaches whom comes between arm and score.
	delivery *delivery
}

// A stretch holds normals of the sampled children of classes that follow each other: of
// one, or of as many as make loops over them long.
type stretch struct {
	normals []float64   // by sampled child and test
	from    []int       // where those of a valid child start
	normal  [][]float64 // the same, by test, by child
}

// stretchChildren is how many sampled children a stretch of several classes has at most:
// what is known of them stays in the processor's nearest memory.
const stretchChildren = 200

func newStretch(tests, tested int) stretch {
	children := max(tested, stretchChildren)
	return stretch{normals: make([]float64, tests*children), from: make([]int, children+1), normal: columnsOf(tests, children)}
}

// An armTests is what an arm does to the tests.
type armTests struct {
	arm
	effect ArmTestEffect // its own
	shift  []float64     // mean effect on quality, by domain: its own
	total  []float64     // and that of all its parts
	sum    []int         // the arms whose effects on the tests add up to its own
	lift   float64       // scratch: how strong its own effect is for one child
	varied *variation    // nil where its own effect differs by nothing but bottom
}

func newTested(t Trial, p *population) *tested {
	a := t.Achievement
	n, k := len(a.Tests), len(t.Quality.Domains)
	a.Slope.School = orZeros(a.Slope.School, k)
	a.Slope.Sorting = orZeros(a.Slope.Sorting, k)
	a.Slope.Control = orZeros(a.Slope.Control, k)
	factor := a.Residual.factor(nil)
	schools := t.Design.schools()
	teachers := t.Design.teachers()
	children := teachers * t.Design.Tested
	ts := &tested{
		a: a, shared: a.shared, factor: factor, sumSD: math.Sqrt(sumVariance(factor)), even: true,
		school: make([]float64, schools), uncaused: make([]float64, teachers), start: make([]int, teachers+1),
		e: make([]float64, n), show: make([]steps, n),
		drawn:    newStretch(n, t.Design.Tested),
		residual: columnsOf(n, children), part: make([]float64, children+1), strength: make([]float64, children), asked: make([]float64, children),
	}
	if ts.shared != nil {
		ts.shared.compile(t)
	}
	arms := armsOf(t.Design.Arms)
	shifts := t.Quality.shifts(arms)
	for i, arm := range arms {
		ts.class = append(ts.class, make([]float64, teachers))
		own := armTests{arm: arm, total: shifts[i]}
		if i > 0 {
			own.effect, own.shift = a.effectOf(arm, k), t.Quality.effectOf(arm).Shift
			own.sum = arm.withParts(i)
			own.varied = newVariation(own.effect.TestEffect, p)
			ts.varies = ts.varies || own.varied != nil
			ts.profiled = ts.profiled || own.varied != nil && own.varied.profile != nil
			ts.even = ts.even && own.effect.Bottom == 0
		}
		ts.arms = append(ts.arms, own)
	}
	if ts.profiled {
		one := make([]float64, n)
		for k := range one {
			clear(one)
			one[k] = 1
			v := t.testVariance(p, one)
			ts.controlSD = append(ts.controlSD, math.Sqrt(v.Variance+v.Grade))
		}
	}
	if ts.varies {
		ts.keep(t.Design.worlds())
	}
	return ts
}

// keep makes room for scores that are kept, of the first of the worlds.
func (ts *tested) keep(worlds int) {
	for len(ts.score) < worlds {
		ts.score = append(ts.score, columnsOf(len(ts.show), len(ts.asked)))
	}
}

// takeAll says that all sampled children are valid in all draws that follow.
func (ts *tested) takeAll(p *population) {
	ts.whole, ts.part = true, p.child
	for i := range ts.drawn.from {
		ts.drawn.from[i] = i * len(ts.factor)
	}
}

// perChild reports whether scores are made child by child.
func (ts *tested) perChild() bool { return ts.varies || ts.delivery != nil }

// needsStrength reports whether scores do, or shared parts are about to hide it.
func (ts *tested) needsStrength() bool { return !ts.even || ts.shared != nil || ts.perChild() }

// draw draws the tests of all sampled children and keeps those of the valid.
func (ts *tested) draw(p *population, tq *trueQuality, valid []bool, r *Source) {
	a := &ts.a
	if a.SchoolSD > 0 {
		r.Normals(ts.school)
		for s, z := range ts.school {
			ts.school[s] = a.SchoolSD * z
		}
	}
	teacher := ts.uncaused // overwritten one after the other
	r.Normals(teacher)
	for j, s := range p.school {
		common := p.blockAchievement[p.block[s]] + a.CovariateSD*p.achievementIndex[j] + ts.school[s] + a.TeacherSD*teacher[j]
		for k, slope := range a.Slope.School {
			common += slope * tq.common[k][s]
		}
		control := common
		ts.uncaused[j] = common
		for k, sorting := range a.Slope.Sorting {
			ts.uncaused[j] += sorting * tq.under[0][k][j]
		}
		for k := range a.Slope.Control {
			control += (a.Slope.Sorting[k] + a.Slope.Control[k]) * tq.under[0][k][j]
		}
		ts.class[0][j] = control
		for i := 1; i < len(ts.arms); i++ {
			ts.class[i][j] = ts.treated(i, j, common, tq)
		}
	}
	if ts.delivery != nil {
		ts.delivery.teach(ts, tq)
	}
	if ts.whole {
		ts.drawAll(p, r)
	} else {
		ts.drawValid(p, valid, r)
	}
	if ts.shared != nil {
		ts.share(p, valid)
	}
	if ts.perChild() {
		ts.scoreEach(p, valid)
		return
	}
	for arm := range ts.score {
		for k, dst := range ts.score[arm] {
			ts.fill(dst, arm, k)
		}
	}
}

// children is the number of valid children.
func (ts *tested) children() int { return ts.start[len(ts.start)-1] }

// drawAll draws the residuals of all sampled children, who are valid.
func (ts *tested) drawAll(p *population, r *Source) {
	n := p.children()
	copy(ts.start, p.childStart)
	if len(ts.factor) == 1 {
		e, sd := ts.residual[0][:n], ts.factor[0][0]
		r.Normals(e)
		if sd != 1 {
			for i, z := range e {
				e[i] = sd * z
			}
		}
		if ts.needsStrength() {
			ts.fillStrength(0, n)
		}
		return
	}
	for first := 0; first < n; first += stretchChildren {
		sampled := min(n-first, stretchChildren)
		ts.residuals(first, sampled, ts.drawn.from[:sampled], r)
	}
}

// drawValid draws the residuals of all sampled children and keeps those of the valid.
func (ts *tested) drawValid(p *population, valid []bool, r *Source) {
	n := 0
	for j := 0; j < len(p.size); {
		first, next := p.childStart[j], j+1
		for next < len(p.size) && p.childStart[next+1]-first <= stretchChildren {
			next++
		}
		from, part, kept := ts.drawn.from, ts.part[n:], 0
		for ; j < next; j++ {
			ts.start[j] = n + kept
			lo, hi := p.childStart[j], p.childStart[j+1]
			child := p.child[lo:hi]
			for i, is := range valid[lo:hi] {
				from[kept], part[kept] = (lo-first+i)*len(ts.factor), child[i] // of a child who is not valid: overwritten by the next
				if is {
					kept++
				}
			}
		}
		ts.residuals(n, p.childStart[next]-first, from[:kept], r)
		n += kept
	}
	ts.start[len(p.size)] = n
}

// residuals draws those of some sampled children, and keeps those of the valid, whose
// normals start at the places from: the n-th valid child and those that follow. It sets
// their strength where it is needed.
func (ts *tested) residuals(n, sampled int, from []int, r *Source) {
	normals := ts.drawn.normals[:sampled*len(ts.factor)]
	r.Normals(normals)
	if len(ts.factor) == 4 {
		ts.fourResiduals(n, normals, from)
		return
	}
	transpose(ts.drawn.normal, normals, from)
	for k, row := range ts.factor {
		combine(ts.residual[k][n:n+len(from)], row, ts.drawn.normal)
	}
	if ts.needsStrength() {
		ts.fillStrength(n, n+len(from))
	}
}

// fourResiduals makes those of four tests, and the strength, in one pass over normals.
func (ts *tested) fourResiduals(n int, normals []float64, from []int) {
	column := func(x []float64) []float64 { return x[n:][:len(from)] }
	a, b, c, d, strength := column(ts.residual[0]), column(ts.residual[1]), column(ts.residual[2]), column(ts.residual[3]), column(ts.strength)
	p, q, r, s, sd := ts.factor[0][:1], ts.factor[1][:2], ts.factor[2][:3], ts.factor[3][:4], ts.sumSD
	a0, b0, b1, c0, c1, c2, d0, d1, d2, d3 := p[0], q[0], q[1], r[0], r[1], r[2], s[0], s[1], s[2], s[3]
	for i, at := range from {
		z := normals[at:][:4]
		x, y, v, w := z[0], z[1], z[2], z[3]
		e, f, g, h := a0*x, b0*x+b1*y, c0*x+c1*y+c2*v, d0*x+d1*y+d2*v+d3*w
		a[i], b[i], c[i], d[i] = e, f, g, h
		strength[i] = (e + f + g + h) / sd
	}
}

// fillStrength sets the strength of valid children lo to hi, given residuals without shared
// parts.
func (ts *tested) fillStrength(lo, hi int) {
	strength, sd := ts.strength[lo:hi], ts.sumSD
	clear(strength)
	for _, e := range ts.residual {
		for i, x := range e[lo:hi] {
			strength[i] += x
		}
	}
	for i, f := range strength {
		strength[i] = f / sd
	}
}

// meanStrength is the mean of strength over valid children, whose expectation is 0.
func (ts *tested) meanStrength() float64 {
	sum, n := 0.0, ts.children()
	if !ts.needsStrength() {
		ts.fillStrength(0, n)
	}
	for _, f := range ts.strength[:n] {
		sum += f
	}
	return sum / float64(max(n, 1))
}

// share adds shared parts to the residuals.
func (ts *tested) share(p *population, valid []bool) {
	n := 0
	for j := range p.size {
		for i := p.childStart[j]; i < p.childStart[j+1]; i++ {
			if valid[i] {
				for k := range ts.residual {
					ts.residual[k][n] += ts.shared.part(k, j, i)
				}
				n++
			}
		}
	}
}

// scoreEach sets scores child by child.
func (ts *tested) scoreEach(p *population, valid []bool) {
	for i := range ts.arms {
		if v := ts.arms[i].varied; v != nil {
			v.mean = 0
		}
	}
	n := 0
	for j := range p.size {
		for i := range ts.arms {
			if v := ts.arms[i].varied; v != nil {
				v.enter(p, j)
			}
		}
		for i := p.childStart[j]; i < p.childStart[j+1]; i++ {
			if !valid[i] {
				continue
			}
			for k, e := range ts.residual {
				ts.e[k] = e[n]
			}
			for a := range ts.arms {
				if v := ts.arms[a].varied; v != nil {
					v.of(i)
				}
			}
			if ts.delivery != nil {
				ts.delivery.score(ts, j, i, n, p.child[i], ts.strength[n])
			} else {
				ts.scores(j, n, p.child[i], ts.strength[n])
			}
			n++
		}
	}
	for i := range ts.arms {
		if v := ts.arms[i].varied; v != nil && n > 0 {
			v.mean /= float64(n)
		}
	}
}

// under returns the scores of all valid children on a test in a world, until the next call.
func (ts *tested) under(world, test int) []float64 {
	if world < len(ts.score) {
		return ts.score[world][test][:ts.children()]
	}
	dst := ts.asked[:ts.children()]
	ts.fill(dst, world, test)
	return dst
}

// fill sets the scores of all valid children on a test under an arm.
func (ts *tested) fill(dst []float64, arm, test int) {
	for j := range ts.class[arm] {
		ts.fillClass(dst[ts.start[j]:ts.start[j+1]], 0, arm, test, j)
	}
}

// fillClass does what scores does, for one test and all the valid children of class j, and
// adds their scores to a sum.
func (ts *tested) fillClass(dst []float64, sum float64, arm, test, j int) float64 {
	scale, class, n := ts.a.Scale, ts.class[arm][j], ts.start[j]
	part, e, strength := ts.part[n:][:len(dst)], ts.residual[test][n:][:len(dst)], ts.strength[n:][:len(dst)]
	own := ts.arms[arm].sum
	if len(own) > 1 {
		for i, x := range part {
			y := scale*(class+x) + e[i]
			for _, from := range own {
				effect := &ts.arms[from].effect
				y += effect.Mean[test] * (1 - effect.Bottom*strength[i])
			}
			dst[i] = y
			sum += y
		}
		return sum
	}
	mean, bottom := 0.0, 0.0 // of control: a score and 0 is that score
	if len(own) > 0 {
		effect := &ts.arms[own[0]].effect
		mean, bottom = effect.Mean[test], effect.Bottom
	}
	if bottom == 0 {
		for i, x := range part {
			y := scale*(class+x) + e[i] + mean
			dst[i] = y
			sum += y
		}
		return sum
	}
	for i, x := range part {
		y := scale*(class+x) + e[i] + mean*(1-bottom*strength[i])
		dst[i] = y
		sum += y
	}
	return sum
}

// treated returns the class part of class j under a treated arm.
func (ts *tested) treated(arm, j int, common float64, tq *trueQuality) float64 {
	own := &ts.arms[arm]
	if own.parts == nil {
		class := common
		for k, shift := range own.shift {
			q0, q1 := tq.under[0][k][j], tq.under[arm][k][j]
			class += (ts.a.Slope.Sorting[k]+own.effect.Baseline[k])*q0 + own.effect.Treated[k]*(q1-shift)
		}
		return class
	}
	control := ts.class[0][j]
	class := control
	for _, p := range own.parts {
		class += ts.class[p][j] - control
	}
	for k, shift := range own.shift {
		q0 := tq.under[0][k][j]
		interaction := tq.under[arm][k][j] - q0
		for _, p := range own.parts {
			interaction -= tq.under[p][k][j] - q0
		}
		class += own.effect.Baseline[k]*q0 + own.effect.Treated[k]*(interaction-shift)
	}
	return class
}

// scores sets the scores under every arm of the n-th valid child, who is in
// class j, has covariates' part child and strength f.
func (ts *tested) scores(j, n int, child, f float64) {
	for i := range ts.arms {
		arm := &ts.arms[i]
		arm.lift = 1 - arm.effect.Bottom*f
		common := ts.a.Scale * (ts.class[i][j] + child)
		for k, e := range ts.e {
			y := common + e
			if i == 0 {
				ts.score[0][k][n] = y
			} else {
				ts.score[i][k][n] = ts.raise(y, i, k, ts.score[0][k][n])
			}
		}
	}
}

// raise adds an arm's effect on a test to a score of the child at hand, whose
// score without coaching is control.
func (ts *tested) raise(y float64, arm, k int, control float64) float64 {
	for _, part := range ts.arms[arm].sum {
		y += ts.arms[part].effect.Mean[k] * ts.arms[part].lift
		if v := ts.arms[part].varied; v != nil {
			y += v.child
			if v.profile != nil {
				y += v.at(control / ts.controlSD[k])
			}
		}
	}
	return y
}
