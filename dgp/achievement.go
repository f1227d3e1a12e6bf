package dgp

import (
	"math"
	"math/rand/v2"
)

// Achievement is what children score on the tests, and what moves it.
//
// The class part of child i in class j, in SDs of total achievement, is
//
//	C(0) = block + covariates + school + teacher + Sorting'q(0) + Control'q(0)
//	C(1) = block + covariates + school + teacher + Sorting'q(0) + Treated'(q(1)-shift) + Baseline'q(0)
//
// and the score on test k, in SDs of that test, is
//
//	Y(T) = Scale (C(T) + child covariates) + ε + T Mean (1 - Bottom f)
//
// with ε ~ N(0, Residual) over the tests and f the standardised sum of ε. Mean
// is therefore the average effect of coaching on each test, whatever the
// slopes; the slopes say how much of it goes through quality, and for whom.
// Total achievement is the mean of the standardised tests, standardised again.
type Achievement struct {
	Tests       []string   `yaml:"tests" required:"true" minlen:"1" doc:"names of the tests"`
	Total       string     `yaml:"total" doc:"name of total achievement"`
	Residual    Matrix     `yaml:"residual" required:"true" doc:"covariance of the tests within classes, given child covariates; SDs of the test"`
	Scale       float64    `yaml:"scale" gt:"0" doc:"SDs of a test per SD of total achievement"`
	BlockSD     float64    `yaml:"block_sd" min:"0" doc:"SD of block effects, in SDs of total achievement"`
	CovariateSD float64    `yaml:"covariate_sd" min:"0" doc:"SD of the index of school and teacher covariates"`
	SchoolSD    float64    `yaml:"school_sd" min:"0" doc:"SD of what else the classes of a school have in common"`
	TeacherSD   float64    `yaml:"teacher_sd" min:"0" doc:"SD of what else the children of a class have in common"`
	Slope       Slopes     `yaml:"slope" doc:"how true quality moves achievement, by domain; SDs of the total per SD of the observed score"`
	Effect      TestEffect `yaml:"effect" doc:"average effects of coaching"`
	Points      bool       `yaml:"points" doc:"keep tests in the units of the model instead of standard deviations of the data set"`
}

// Slopes are those of achievement on true quality.
type Slopes struct {
	Sorting  []float64 `yaml:"sorting" doc:"better children in better classes: not causal, on quality without coaching"`
	Control  []float64 `yaml:"control" doc:"causal slope on quality without coaching"`
	Treated  []float64 `yaml:"treated" doc:"causal slope on quality with coaching"`
	Baseline []float64 `yaml:"baseline" doc:"effect of coaching per SD of quality without coaching (disruption of good teachers)"`
}

// TestEffect is the average effect of coaching on the tests.
type TestEffect struct {
	Mean   []float64 `yaml:"mean" doc:"average effect on each test, in the units of residual: SDs of the test where all parts of its variance add up to 1"`
	Bottom float64   `yaml:"bottom" doc:"how much stronger the effect is for a child 1 SD below the class: 0.3 is 30%"`
}

func (a Achievement) check(f *Faults, domains []string) {
	n, k := len(a.Tests), len(domains)
	a.Residual.check(f, "achievement.residual", n, false)
	checkOptional(f, "achievement.slope.sorting", a.Slope.Sorting, k, "domain")
	checkOptional(f, "achievement.slope.control", a.Slope.Control, k, "domain")
	checkOptional(f, "achievement.slope.treated", a.Slope.Treated, k, "domain")
	checkOptional(f, "achievement.slope.baseline", a.Slope.Baseline, k, "domain")
	if a.Slope.Control != nil && a.Slope.Treated == nil {
		f.Add("achievement.slope", "has control but not treated, the slope with coaching; repeat control there if coaching does not change it")
	}
	checkOptional(f, "achievement.effect.mean", a.Effect.Mean, n, "test")
	if a.Total == "" {
		f.Add("achievement.total", "total achievement needs a name")
	}
}

// tested holds the tests of every child with a valid one, under both arms.
type tested struct {
	a      Achievement
	factor [][]float64    // Cholesky factor of Residual
	sumSD  float64        // sd of the sum of residuals
	shift  []float64      // mean shift of true quality, by domain
	school []float64      // scratch: by school
	z, e   []float64      // scratch: one child
	class  [2][]float64   // C by arm and class
	score  [2][][]float64 // by arm; test; valid child
	// strength is the mean over valid children of f, whose expectation is 0.
	strength float64
}

func newTested(t Trial) *tested {
	a := t.Achievement
	n, k := len(a.Tests), len(t.Quality.Domains)
	a.Slope.Sorting = orZeros(a.Slope.Sorting, k)
	a.Slope.Control = orZeros(a.Slope.Control, k)
	a.Slope.Treated = orZeros(a.Slope.Treated, k)
	a.Slope.Baseline = orZeros(a.Slope.Baseline, k)
	a.Effect.Mean = orZeros(a.Effect.Mean, n)
	factor := a.Residual.factor(nil)
	schools := t.Design.schools()
	teachers := schools * t.Design.Teachers
	ts := &tested{
		a: a, factor: factor, sumSD: math.Sqrt(sumVariance(factor)),
		shift:  orZeros(t.Quality.Effect.Shift, k),
		school: make([]float64, schools),
		z:      make([]float64, n), e: make([]float64, n),
	}
	for arm := range ts.score {
		ts.class[arm] = make([]float64, teachers)
		ts.score[arm] = columnsOf(n, teachers*t.Design.Tested)
	}
	return ts
}

// draw draws the tests of all sampled children and keeps those of the valid.
func (ts *tested) draw(p *population, tq *trueQuality, valid []bool, r *rand.Rand) {
	a := &ts.a
	for s := range ts.school {
		ts.school[s] = 0
		if a.SchoolSD > 0 {
			ts.school[s] = a.SchoolSD * r.NormFloat64()
		}
	}
	for j, s := range p.school {
		common := p.blockAchievement[p.block[s]] + a.CovariateSD*p.achievementIndex[j] + ts.school[s] + a.TeacherSD*r.NormFloat64()
		control, treated := common, common
		for k := range ts.shift {
			q0, q1 := tq.untreated[k][j], tq.treated[k][j]
			control += (a.Slope.Sorting[k] + a.Slope.Control[k]) * q0
			treated += (a.Slope.Sorting[k]+a.Slope.Baseline[k])*q0 + a.Slope.Treated[k]*(q1-ts.shift[k])
		}
		ts.class[0][j], ts.class[1][j] = control, treated
	}
	ts.strength = 0
	n := 0
	for j := range p.size {
		for i := p.childStart[j]; i < p.childStart[j+1]; i++ {
			for k := range ts.z {
				ts.z[k] = r.NormFloat64()
			}
			if !valid[i] {
				continue
			}
			sum := 0.0
			for k, row := range ts.factor {
				v := 0.0
				for m, l := range row {
					v += l * ts.z[m]
				}
				ts.e[k] = v
				sum += v
			}
			f := sum / ts.sumSD
			ts.strength += f
			lift := 1 - a.Effect.Bottom*f
			c0 := a.Scale * (ts.class[0][j] + p.child[i])
			c1 := a.Scale * (ts.class[1][j] + p.child[i])
			for k, e := range ts.e {
				ts.score[0][k][n] = c0 + e
				ts.score[1][k][n] = c1 + e + a.Effect.Mean[k]*lift
			}
			n++
		}
	}
	if n > 0 {
		ts.strength /= float64(n)
	}
}
