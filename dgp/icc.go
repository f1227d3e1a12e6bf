package dgp

import (
	"fmt"
	"math"
	"slices"
)

// ICC are intraclass correlations: the shares of each test's variance in the
// control arm that lie between blocks, between the schools of a block and
// between the teachers of a school. Children have the rest. What covariates,
// the baseline test and true quality explain is within these shares.
type ICC struct {
	Block   float64 `yaml:"block,omitempty" min:"0" lt:"1" doc:"share between blocks"`
	School  float64 `yaml:"school,omitempty" min:"0" lt:"1" doc:"share between the schools of a block"`
	Teacher float64 `yaml:"teacher,omitempty" min:"0" lt:"1" doc:"share between the teachers of a school"`
}

func (c ICC) byLevel() [levels]float64 {
	return [levels]float64{c.Block, c.School, c.Teacher, 1 - c.Block - c.School - c.Teacher}
}

// R2 are the shares of the variance at each level that something explains.
type R2 struct {
	Block   float64 `yaml:"block,omitempty" min:"0" max:"1" doc:"share of the variance between blocks"`
	School  float64 `yaml:"school,omitempty" min:"0" max:"1" doc:"share of the variance between the schools of a block"`
	Teacher float64 `yaml:"teacher,omitempty" min:"0" max:"1" doc:"share of the variance between the teachers of a school"`
	Child   float64 `yaml:"child,omitempty" min:"0" max:"1" doc:"share of the variance between the children of a class"`
}

func (r R2) byLevel() [levels]float64 {
	return [levels]float64{r.Block, r.School, r.Teacher, r.Child}
}

// checkWords adds a fault for every quantity that is said in two ways.
func (a Achievement) checkWords(f *Faults, t Trial) {
	twice := func(key, other string, both bool) {
		if both {
			f.Add("achievement."+key, "says what achievement.%s says in another way; leave one of them out", other)
		}
	}
	sd := [levels]float64{a.BlockSD, a.SchoolSD, a.TeacherSD}
	icc := a.ICC.byLevel()
	for l := BlockLevel; l < ChildLevel; l++ {
		twice(fmt.Sprintf("icc.%s", l), fmt.Sprintf("%s_sd", l), sd[l] > 0 && icc[l] > 0)
	}
	if icc[ChildLevel] <= 0 {
		f.Add("achievement.icc", "adds up to %g; the shares of blocks, schools and teachers must leave some of 1 to children", 1-icc[ChildLevel])
	}
	twice("correlation", "correlations", a.Correlation != nil && a.Correlations != nil)
	twice("r2.school", "covariate_sd", a.R2.School > 0 && a.CovariateSD > 0)
	twice("r2.teacher", "covariate_sd", a.R2.Teacher > 0 && a.CovariateSD > 0)
	twice("grade_sd", "grade_means", a.GradeSD > 0 && a.GradeMeans != nil)
	if a.R2.Block > 0 {
		f.Add("achievement.r2.block", "there are no covariates of blocks; it is 0")
	}
	if t.grades() == 1 && (a.GradeSD > 0 || a.GradeMeans != nil) {
		f.Add("trial.grades", "is 1 or left out, but achievement has grade_sd or grade_means")
	}
	a.checkBlockEffects(f, t.Design)
	if a.GradeMeans != nil {
		checkLength(f, "achievement.grade_means", a.GradeMeans, t.grades(), "grade")
	}
	if a.Correlations != nil {
		a.Correlations.check(f, "achievement.correlations", len(a.Tests), true)
	}
	if b := a.Baseline; b != nil {
		own := b.ICC.byLevel()
		if own[ChildLevel] <= 0 {
			f.Add("achievement.baseline.icc", "adds up to %g; the shares must leave some of 1 to children", 1-own[ChildLevel])
		}
	}
	if a.Residual == nil {
		if a.Scale != 1 {
			f.Add("achievement.scale", "is the unit of residual, which is left out; leave scale out too")
		}
		return
	}
	a.Residual.check(f, "achievement.residual", len(a.Tests), false)
	twice("icc", "residual", a.ICC != ICC{})
	twice("r2", "residual", a.R2 != R2{})
	twice("correlation", "residual", a.Correlation != nil)
	twice("correlations", "residual", a.Correlations != nil)
	if a.Baseline != nil {
		f.Add("achievement.baseline", "needs the variances as shares: give icc and correlation instead of residual")
	}
}

// lower writes a valid trial in the parameters that are drawn: class sizes by
// mean and SD, variances instead of shares, loads of what factors are of, the baseline
// test and the grade as covariates. Faults are of what is impossible only together.
//
// The variance of every test in the control arm is 1 at its levels (block,
// school, teacher, child) as ICC says, or where that is silent as the SDs say. At
// each level the baseline, the covariates and true quality have their shares,
// which all tests have in common; the rest has the same correlation between tests
// at every level, the one with which the tests correlate as asked:
//
//	Correlation = E + (1-E) r       E: variance that all tests have in common
func (t Trial) lower(f *Faults) Trial {
	if f == nil {
		f = new(Faults)
	}
	t = t.withLoads()
	t.Design.Children = t.Design.Children.solved(f)
	t.Achievement = t.Achievement.withEffect(t.Effect, t.Design.Arms)
	if t.Achievement.Residual == nil && !t.Achievement.IsZero() {
		t = t.lowerShares(f)
	}
	if t.grades() > 1 {
		t.Covariates = append(t.Covariates[:len(t.Covariates):len(t.Covariates)], Covariate{Name: gradeName, Level: TeacherLevel, Law: gradeLaw{t.grades(), t.Design.Teachers}})
		if t.Achievement.shared == nil && (t.Achievement.GradeSD > 0 || t.Achievement.GradeMeans != nil) {
			t.Achievement.shared = &sharedParts{}
		}
	}
	return t
}

// compiled returns the covariates of a trial without room for their values.
func (t Trial) compiled() *population {
	p := &population{design: t.Design, sizeLaw: t.Design.Children}
	p.compile(t)
	return p
}

func (t Trial) lowerShares(f *Faults) Trial {
	a := &t.Achievement
	before := len(*f)
	p := t.compiled()
	// Where the only teacher of a school has no variance of his own, the class is
	// the school.
	_, most := t.Design.teachersPerSchool()
	merged := most == 1 && a.ICC.Teacher == 0 && a.TeacherSD == 0
	quality := t.controlQuality()
	if merged {
		quality[SchoolLevel] += quality[TeacherLevel]
		quality[TeacherLevel] = 0
	}
	at := func(l Level) Level {
		if merged && l == TeacherLevel {
			return SchoolLevel
		}
		return l
	}

	// Covariates: fixed variances, and where r2 is given, weights whose variance
	// is raw, to be scaled.
	r2 := a.R2.byLevel()
	var raw, sumSquares, fixed [levels]float64
	for i, c := range p.achievementTerms {
		for _, o := range p.achievementTerms[:i+1] {
			for l, covariance := range p.covariances(c.column, o.column) {
				v := c.weight * o.weight * covariance / (c.column.law.sd * o.column.law.sd)
				if o.column != c.column {
					v *= 2
				}
				raw[at(Level(l))] += v
			}
		}
		sumSquares[at(c.column.Level)] += c.weight * c.weight
	}
	byR2 := r2[SchoolLevel] > 0 || r2[TeacherLevel] > 0
	for l := SchoolLevel; l <= TeacherLevel; l++ {
		switch {
		case r2[l] > 0 && !(raw[l] > 0):
			f.Add(fmt.Sprintf("achievement.r2.%s", l), "is the share that %s covariates explain, but none has a weight achievement", l)
		case byR2 && r2[l] == 0 && raw[l] > 0:
			f.Add(fmt.Sprintf("achievement.r2.%s", l), "is missing: there are %s covariates with a weight achievement", l)
		case !byR2:
			fixed[l] = raw[l] * a.CovariateSD * a.CovariateSD
		}
	}
	fixed[BlockLevel] += a.blockVariance()
	child := p.childVariance()
	if r2[ChildLevel] > 0 && !(child > 0) {
		f.Add("achievement.r2.child", "is the share that child covariates explain, but none has a slope")
	}
	if r2[ChildLevel] == 0 {
		fixed[ChildLevel] = child
	}

	// Variance by level.
	var base [levels]float64 // share that the true baseline explains
	b := a.Baseline
	if b != nil {
		base = b.R2.byLevel()
	}
	v := a.ICC.byLevel()
	sd := [levels]float64{a.BlockSD, a.SchoolSD, a.TeacherSD}
	total := 0.0
	for l := BlockLevel; l < ChildLevel; l++ {
		if v[l] == 0 {
			if known := sd[l]*sd[l] + fixed[l] + quality[l]; known > 0 && base[l]+r2[l] < 1 {
				v[l] = known / (1 - base[l] - r2[l])
			}
		}
		total += v[l]
	}
	if v[ChildLevel] = 1 - total; v[ChildLevel] <= 0 {
		f.Add("achievement", "the variances of blocks, schools and teachers add up to %.4g; they must leave some of the 1 of each test to children", total)
		return t
	}
	shared := &sharedParts{}
	if b != nil {
		base = b.lower(f, shared, v)
	}
	common := 0.0
	var rest [levels]float64
	for l := BlockLevel; l <= ChildLevel; l++ {
		explained := v[l]*(base[l]+r2[l]) + fixed[l] + quality[l]
		rest[l] = v[l] - explained
		common += explained
		if rest[l] < -1e-12 || l == ChildLevel && rest[l] <= 1e-9 {
			f.Add("achievement", "more is explained than there is between %s: their share of each test's variance is %.4g, of which the baseline explains %.4g, covariates %.4g and quality %.4g",
				l.Plural(), v[l], v[l]*base[l], v[l]*r2[l]+fixed[l], quality[l])
		}
		rest[l] = max(rest[l], 0)
	}
	if len(*f) > before {
		return t
	}
	correlation := a.restCorrelation(f, common)
	if len(*f) > before {
		return t
	}

	// Weights of covariates for which the index has these variances.
	t.Covariates = slices.Clone(t.Covariates)
	if byR2 {
		square, scale := 0.0, [levels]float64{}
		for l := SchoolLevel; l <= TeacherLevel; l++ {
			if raw[l] > 0 {
				scale[l] = math.Sqrt(r2[l] * v[l] / raw[l])
				square += scale[l] * scale[l] * sumSquares[l]
			}
		}
		for i := range t.Covariates {
			if c := &t.Covariates[i]; c.Level != ChildLevel {
				t.Covariates[i].Achievement *= scale[at(c.Level)]
			}
		}
		a.CovariateSD = math.Sqrt(square)
	}
	if r2[ChildLevel] > 0 {
		scale := math.Sqrt(r2[ChildLevel] * v[ChildLevel] / child)
		for i := range t.Covariates {
			t.Covariates[i].Slope *= scale
			t.Covariates[i].Curvature *= scale
		}
	}
	if b != nil {
		t.Covariates = append(t.Covariates, Covariate{Name: b.Name, Level: ChildLevel, Law: &baselineLaw{shared}})
	}
	a.Residual = correlation.times(rest[ChildLevel])
	for l := BlockLevel; l < ChildLevel; l++ {
		shared.sd[l] = math.Sqrt(rest[l])
	}
	shared.correlation = correlation
	a.BlockSD, a.SchoolSD, a.TeacherSD = 0, 0, 0
	a.shared = shared
	return t
}

// defaultCorrelation is that of tests in what nothing explains.
const defaultCorrelation = 0.5

// restCorrelation returns the correlation between tests of what they do not
// have in common.
func (a Achievement) restCorrelation(f *Faults, common float64) Matrix {
	m := make(Matrix, len(a.Tests))
	key := "achievement.correlation"
	if a.Correlations != nil {
		key = "achievement.correlations"
	}
	for i := range m {
		m[i] = make([]float64, i+1)
		m[i][i] = 1
		for j := range i {
			switch {
			case a.Correlations != nil:
				m[i][j] = (a.Correlations.at(i, j) - common) / (1 - common)
			case a.Correlation != nil:
				m[i][j] = (*a.Correlation - common) / (1 - common)
			default:
				m[i][j] = defaultCorrelation
			}
		}
	}
	var own Faults
	m.check(&own, "", len(m), true)
	if len(own) == 0 {
		return m
	}
	if least := common - (1-common)/float64(len(m)-1); a.Correlation != nil {
		f.Add(key, "%g cannot be: the tests share %.4g of their variance (what the baseline, covariates and quality explain), so the correlation lies above %.4g and below 1", *a.Correlation, common, least)
	} else {
		f.Add(key, "cannot be: the tests share %.4g of their variance (what the baseline, covariates and quality explain), and what is left would have correlations that are impossible together; those asked for are too low or too different", common)
	}
	return m
}

// times returns a multiple of the matrix.
func (m Matrix) times(x float64) Matrix {
	all := make(Matrix, len(m))
	for i, row := range m {
		for _, v := range row {
			all[i] = append(all[i], v*x)
		}
	}
	return all
}

// controlQuality is the variance of what true quality does to achievement in the
// control arm, in SDs of total achievement.
func (t Trial) controlQuality() (variance [levels]float64) {
	variance[SchoolLevel], variance[TeacherLevel] = t.classVariance(0)
	return variance
}

// childVariance is the variance of the child covariates' part of achievement.
func (p *population) childVariance() float64 {
	v := 0.0
	for i, c := range p.childTerms {
		for _, o := range p.childTerms[:i] {
			v += 2 * c.Slope * o.Slope * p.covariance(c, o)
		}
		// Var(s d + k (d² - σ²)) = s²σ² + 2sk μ₃ + k² (μ₄ - σ⁴)
		s, k, square := c.Slope, c.Curvature, c.law.sd*c.law.sd
		v += s * s * square
		if k != 0 {
			v += 2*s*k*c.law.third + k*k*(c.law.fourth-square*square)
		}
	}
	return v
}

// covariance returns the covariance of two covariates of a unit. All are
// independent but shares of the same members. Given the kinds that are no longer
// free, a share's mean is a fixed part π of those who are, so that
//
//	Cov(a, c) = -π_c Σ_{j excluded by c} Cov(a, j)
//
// where c excludes a, and where neither excludes the other, the same on both sides.
func (p *population) covariance(a, c *drawnColumn) float64 {
	if a == c {
		return a.law.sd * a.law.sd
	}
	x, okA := a.Law.(Share)
	y, okC := c.Law.(Share)
	if !okA || !okC || x.Of != y.Of || a.Level != c.Level {
		return 0
	}
	if slices.Contains(x.Excluding, c.Name) { // let c be the one that excludes
		return p.covariance(c, a)
	}
	excludes := slices.Contains(y.Excluding, a.Name)
	sum := 0.0
	for _, name := range y.Excluding {
		j := p.column(name)
		if excludes {
			sum += p.covariance(a, j)
			continue
		}
		for _, other := range x.Excluding {
			sum += p.covariance(p.column(other), j)
		}
	}
	if excludes {
		return -p.free(y) * sum
	}
	return p.free(x) * p.free(y) * sum
}

// free returns the expected part of the members that are free whom a share takes.
func (p *population) free(l Share) float64 {
	left := 1.0
	for _, name := range l.Excluding {
		left -= p.column(name).law.mean
	}
	if left <= 0 {
		return 0
	}
	return math.Min(l.Mean/left, 1)
}
