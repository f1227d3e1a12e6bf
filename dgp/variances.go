package dgp

import (
	"fmt"
	"math"
	"slices"
)

// Variances are the variances that a trial implies for its outcomes in the
// control arm, level by level. They hold for a child (or class) of a class drawn
// at random, in trials without end; in one data set they are estimates.
//
// Tests that are binary or counts have them on the scale of the latent score.
// Scores of classroom quality have them before ratings are rounded and held
// within the limits of the scale.
type Variances []OutcomeVariance

// OutcomeVariance is the variance of one outcome.
type OutcomeVariance struct {
	Outcome     string          `json:"outcome"`
	Scale       string          `json:"scale"` // what its SD is
	Levels      []LevelVariance `json:"levels"`
	Variance    float64         `json:"variance"`
	Reliability *float64        `json:"reliability,omitempty"` // share that is no error of measurement
	Grade       float64         `json:"grade_variance,omitempty"`
}

// LevelVariance is the variance of an outcome at one level, and what explains it.
type LevelVariance struct {
	Level      string  `json:"level"` // block, school, teacher, child; rating error; the only class of a school counts as the school
	Variance   float64 `json:"variance"`
	ICC        float64 `json:"icc"` // share of the outcome's variance
	Baseline   float64 `json:"baseline"`
	Covariates float64 `json:"covariates"`
	Quality    float64 `json:"quality"`
	Rest       float64 `json:"rest"`
	R2         float64 `json:"r2"` // share that baseline and covariates explain
}

// ratingError is the level of errors of observation.
const ratingError = "rating error"

// Variances returns the variances that a valid trial implies for every test,
// total achievement, the baseline, and the observed domains of quality with their
// total; with learning, that of what children know before.
func (t Trial) Variances() Variances {
	if t.Learning != nil {
		return Variances{t.abilityVariance()}
	}
	t = t.lower(nil)
	p := t.compiled()
	var all Variances
	tests, parts := len(t.Achievement.Tests), t.Achievement.parts()
	one := make([]float64, tests)
	total := make([]float64, tests)
	for k, name := range t.Achievement.Tests {
		clear(one)
		one[k] = 1
		v := t.testVariance(p, one)
		v.Outcome, v.Scale = name, "SD of the test"
		if t.Achievement.Outcomes[name] != nil {
			v.Scale = "SD of the latent score"
		}
		all = append(all, v)
		if parts[k] > 0 {
			total[k] = 1 / parts[k]
		}
		if t.Achievement.standardised(k) && v.Variance > 0 {
			total[k] /= math.Sqrt(v.Variance + v.Grade)
		}
	}
	v := t.testVariance(p, total)
	v.Outcome, v.Scale = t.Achievement.Total, "mean of the tests"
	if t.Achievement.standardised(-1) && v.Variance > 0 {
		v.Scale = "SD of the total"
		v.times(1 / (v.Variance + v.Grade))
	}
	all = append(all, v)
	if s := t.Achievement.shared; s != nil && s.baselineClass != nil {
		all = append(all, s.baselineVariance(t.Achievement.Baseline))
	}
	all = append(all, t.scoreVariances(p)...)
	if t.Design.OneTeacher() {
		for i := range all {
			all[i].mergeClass()
			all[i].finish()
		}
	}
	return all
}

// add appends a level.
func (v *OutcomeVariance) add(l LevelVariance) {
	l.Variance = l.Baseline + l.Covariates + l.Quality + l.Rest
	v.Levels = append(v.Levels, l)
}

// mergeClass counts the only class of a school as the school.
func (v *OutcomeVariance) mergeClass() {
	school, class := &v.Levels[SchoolLevel], &v.Levels[TeacherLevel]
	school.Baseline += class.Baseline
	school.Covariates += class.Covariates
	school.Quality += class.Quality
	school.Rest += class.Rest
	school.Variance += class.Variance
	*class = LevelVariance{Level: class.Level}
}

// finish sets what follows from the variances by level.
func (v *OutcomeVariance) finish() {
	v.Variance = 0
	for _, l := range v.Levels {
		v.Variance += l.Variance
	}
	for i := range v.Levels {
		l := &v.Levels[i]
		l.ICC, l.R2 = share(l.Variance, v.Variance), share(l.Baseline+l.Covariates, l.Variance)
	}
}

func share(part, of float64) float64 {
	if of == 0 {
		return 0
	}
	return part / of
}

// times changes the unit.
func (v *OutcomeVariance) times(x float64) {
	for i := range v.Levels {
		l := &v.Levels[i]
		for _, part := range []*float64{&l.Variance, &l.Baseline, &l.Covariates, &l.Quality, &l.Rest} {
			*part *= x
		}
	}
	v.Grade *= x
	v.finish()
}

// testVariance is the variance of a weighted sum of the tests. The trial is
// lowered, p its covariates.
func (t Trial) testVariance(p *population, weights []float64) OutcomeVariance {
	a, s := t.Achievement, t.Achievement.shared
	if s == nil {
		s = &sharedParts{}
	}
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	square := sum * sum
	unit := square * a.Scale * a.Scale // of the common parts, per variance of the total
	index := p.indexVariance(p.achievementTerms)
	quality := t.controlQuality()
	sd := [levels]float64{a.BlockSD, a.SchoolSD, a.TeacherSD}
	var v OutcomeVariance
	for l := BlockLevel; l <= ChildLevel; l++ {
		part := LevelVariance{Level: l.String()}
		part.Covariates = unit * index[l] * a.CovariateSD * a.CovariateSD
		part.Quality = unit * quality[l]
		part.Rest = unit * sd[l] * sd[l]
		if l == BlockLevel {
			part.Rest += unit * a.blockVariance()
		}
		if s.sd[l] > 0 {
			part.Rest += s.sd[l] * s.sd[l] * s.correlation.quadratic(weights)
		}
		explained := s.slope[l] * s.slope[l] * s.spread[l] * s.spread[l] // by the true baseline
		part.Baseline = square * explained
		if l == ChildLevel {
			part.Covariates = unit * p.childVariance()
			part.Rest = a.Residual.quadratic(weights)
			if explained > 0 { // less by the observed one
				part.Baseline *= s.spread[l] * s.spread[l] / (s.spread[l]*s.spread[l] + s.error*s.error)
				part.Rest += square*explained - part.Baseline
			}
		}
		v.add(part)
	}
	v.finish()
	v.Grade = square * t.gradeVariance()
	return v
}

// gradeVariance is the variance between grades.
func (t Trial) gradeVariance() float64 {
	a := t.Achievement
	if a.GradeMeans == nil {
		return a.GradeSD * a.GradeSD
	}
	return t.meansVariance(a.GradeMeans)
}

// meansVariance is the variance of means by grade, over the classes.
func (t Trial) meansVariance(means []float64) float64 {
	means = centred(means)
	sum, square, n := 0.0, 0.0, t.Design.teachers()
	for j := range n {
		m := means[gradeOf(j, len(means), t.Design.Teachers)]
		sum += m / float64(n)
		square += m * m / float64(n)
	}
	return square - sum*sum
}

// quadratic returns w'Mw.
func (m Matrix) quadratic(w []float64) float64 {
	v := 0.0
	for i := range m {
		for j := range m {
			v += w[i] * w[j] * m.at(i, j)
		}
	}
	return v
}

// indexVariance is the variance of an index by level, 1 in all where its
// covariates are uncorrelated.
func (p *population) indexVariance(terms []indexTerm) (variance [levels]float64) {
	for _, c := range terms {
		for _, o := range terms {
			for l, covariance := range p.covariances(c.column, o.column) {
				variance[l] += c.weight * o.weight * covariance / (c.column.law.sd * o.column.law.sd)
			}
		}
	}
	return variance
}

// baselineVariance is that of the observed baseline.
func (s *sharedParts) baselineVariance(b *Baseline) OutcomeVariance {
	v := OutcomeVariance{Outcome: b.Name, Scale: "SD of the baseline"}
	for l := BlockLevel; l <= ChildLevel; l++ {
		part := LevelVariance{Level: l.String(), Rest: s.spread[l] * s.spread[l]}
		if l == ChildLevel {
			part.Rest += s.error * s.error
		}
		v.add(part)
	}
	v.finish()
	v.Reliability = &b.Reliability
	return v
}

// scoreVariances are those of the observed domains and of their total.
func (t Trial) scoreVariances(p *population) (all Variances) {
	if len(t.observed()) == 0 {
		return nil
	}
	plan := t.ObservationPlan()
	for _, s := range t.scores(p, 0) {
		v := OutcomeVariance{Outcome: s.Outcome, Scale: s.Scale}
		v.add(LevelVariance{Level: BlockLevel.String(), Rest: s.Block})
		v.add(LevelVariance{Level: SchoolLevel.String(), Covariates: s.SchoolCovariates, Quality: s.School})
		v.add(LevelVariance{Level: TeacherLevel.String(), Covariates: s.ClassCovariates, Quality: s.Class})
		v.add(LevelVariance{Level: ratingError, Rest: s.Absolute(plan)})
		v.finish()
		reliability := 1 - share(s.Absolute(plan), v.Variance)
		v.Reliability = &reliability
		all = append(all, v)
	}
	return all
}

// Scale says in which units they are.
func (all Variances) Scale() string {
	if len(all) == 1 && all[0].Outcome == abilityVariable {
		return "ability before learning in log odds of a right answer"
	}
	return "tests in SDs of the model, scores before ratings are rounded"
}

// Find returns the variance of an outcome, or nil.
func (all Variances) Find(outcome string) *OutcomeVariance {
	if i := slices.IndexFunc(all, func(o OutcomeVariance) bool { return o.Outcome == outcome }); i >= 0 {
		return &all[i]
	}
	return nil
}

// Table writes the variances for people, a heading first: a line for each level of
// each outcome at which it varies, and one for the sum. Columns without any number
// are left out, and so are the outcome's name and unit below its first line.
func (all Variances) Table() [][]string {
	rows := [][]string{{"outcome", "unit", "level", "variance", "ICC", "baseline", "covariates", "quality", "rest", "R²"}}
	digits := func(x float64) string { return fmt.Sprintf("%.4f", math.Max(x, 0)) } // no -0
	some := func(x float64) string {
		if x == 0 {
			return ""
		}
		return digits(x)
	}
	for _, v := range all {
		name, unit := v.Outcome, v.Scale
		for _, l := range v.Levels {
			if l.Variance == 0 {
				continue
			}
			rows = append(rows, []string{name, unit, l.Level, digits(l.Variance), digits(l.ICC), some(l.Baseline), some(l.Covariates), some(l.Quality), some(l.Rest), some(l.R2)})
			name, unit = "", ""
		}
		sum := []string{name, unit, "all", digits(v.Variance), "", "", "", "", "", ""}
		if v.Reliability != nil {
			sum[9] = "reliability " + digits(*v.Reliability)
		}
		if v.Grade > 0 {
			sum[9] = "and between grades " + digits(v.Grade)
		}
		rows = append(rows, sum)
	}
	used := make([]bool, len(rows[0]))
	for _, row := range rows[1:] {
		for c, cell := range row {
			used[c] = used[c] || cell != ""
		}
	}
	for i, row := range rows {
		var kept []string
		for c, cell := range row {
			if used[c] {
				kept = append(kept, cell)
			}
		}
		rows[i] = kept
	}
	return rows
}
