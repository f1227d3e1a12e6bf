package dgp

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Components are the variances, by level, of an outcome within one arm, and its
// mean there, without coaching 0.
type Components struct {
	Block, School, Teacher, Child float64
	Mean                          float64
}

// Total is the variance of one child's outcome within the arm.
func (c Components) Total() float64 { return c.Block + c.School + c.Teacher + c.Child }

// Components returns the variance components that the trial implies for the
// weighted sum of its tests, in an arm counted from 0, given covariates: by name,
// the highest power of each that is held fixed. They follow the model of Quality
// and Achievement exactly. The error says why there is no formula; covariates
// must then be dependent, or of a law whose higher moments are not known here.
func (t Trial) Components(weights []float64, arm int, given map[string]int) (Components, error) {
	t = t.lower(nil)
	a, arms := t.Achievement, armsOf(t.Design.Arms)
	var c Components
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	unit := sum * a.Scale // of the outcome per SD of total achievement
	school, class := t.classVariance(arm)
	index, err := t.indexVariance(given)
	if err != nil {
		return c, err
	}
	child, err := t.childVariance(given)
	if err != nil {
		return c, err
	}
	c.Block = unit * unit * a.BlockSD * a.BlockSD
	c.School = unit * unit * (a.SchoolSD*a.SchoolSD + index[SchoolLevel] + school)
	c.Teacher = unit * unit * (a.TeacherSD*a.TeacherSD + index[TeacherLevel] + class)
	c.Child = unit * unit * child
	if s := a.shared; s != nil {
		if a.GradeSD > 0 || a.GradeMeans != nil {
			return c, errors.New("grades differ")
		}
		explained := [levels]float64{}
		for l := range explained {
			explained[l] = sum * sum * s.slope[l] * s.slope[l] * s.spread[l] * s.spread[l]
		}
		rest := s.correlation.quadratic(weights)
		c.Block += s.sd[BlockLevel]*s.sd[BlockLevel]*rest + explained[BlockLevel]
		c.School += s.sd[SchoolLevel]*s.sd[SchoolLevel]*rest + explained[SchoolLevel]
		c.Teacher += s.sd[TeacherLevel]*s.sd[TeacherLevel]*rest + explained[TeacherLevel]
		c.Child += explained[ChildLevel]
	}

	// ε + Σ Mean (1 - Bottom f) over the arm and its parts, f = 1'ε/sd(1'ε).
	sumSD := math.Sqrt(sumVariance(a.Residual.factor(nil)))
	withSum, lift := 0.0, 0.0
	for i, w := range weights {
		for j, v := range weights {
			c.Child += w * v * a.Residual.at(i, j)
			withSum += w * a.Residual.at(i, j) / sumSD
		}
	}
	for _, own := range arms[arm].withParts(arm) {
		e := a.effectOf(arms[own], len(t.Quality.Domains)).TestEffect
		mean := 0.0
		for i, w := range weights {
			mean += w * e.Mean[i]
		}
		c.Mean += mean
		lift += mean * e.Bottom
		c.School += sum * sum * e.SchoolSD * e.SchoolSD
		c.Block += sum * sum * e.BlockSD * e.BlockSD
	}
	c.Child += lift*lift - 2*lift*withSum
	return c, nil
}

// EffectComponents returns the variance components, from blocks to teachers, of
// a contrast between arms, Σ contrast × outcome under the arm with weights that
// add up to 0, of the weighted sum of tests: how much effects differ between
// blocks, schools and teachers. Mean is its mean. Components says of which trials
// it is right.
func (t Trial) EffectComponents(weights, contrast []float64) Components {
	t = t.lower(nil)
	a, arms := t.Achievement, armsOf(t.Design.Arms)
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	var c Components
	part := t.newClassPart()
	own := make([]float64, len(arms)) // how often the contrast has what an arm itself does
	for i, x := range contrast {
		part.add(t, arms, i, x)
		for _, k := range arms[i].withParts(i) {
			own[k] += x
		}
	}
	school, class := part.variance(t)
	c.School = sum * sum * a.Scale * a.Scale * school
	c.Teacher = sum * sum * a.Scale * a.Scale * class
	for i, x := range own {
		if i == 0 || x == 0 {
			continue
		}
		e := a.effectOf(arms[i], len(t.Quality.Domains)).TestEffect
		c.School += x * x * sum * sum * e.SchoolSD * e.SchoolSD
		c.Block += x * x * sum * sum * e.BlockSD * e.BlockSD
		for k, w := range weights {
			c.Mean += x * w * e.Mean[k]
		}
	}
	return c
}

// BaselineComponents returns the covariance of the weighted sum of tests with
// the observed baseline and the baseline's own variance, level by level, its error
// of measurement at that of children. Both are the same in all arms, and 0
// without a baseline.
func (t Trial) BaselineComponents(weights []float64) (covariance, variance Components) {
	s := t.lower(nil).Achievement.shared
	if s == nil || t.Achievement.Baseline == nil {
		return covariance, variance
	}
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	for l, x := range map[Level][2]*float64{
		BlockLevel: {&covariance.Block, &variance.Block}, SchoolLevel: {&covariance.School, &variance.School},
		TeacherLevel: {&covariance.Teacher, &variance.Teacher}, ChildLevel: {&covariance.Child, &variance.Child},
	} {
		*x[0] = sum * s.slope[l] * s.spread[l] * s.spread[l]
		*x[1] = s.spread[l] * s.spread[l]
	}
	variance.Child += s.error * s.error
	return covariance, variance
}

// A classPart is what true quality does to something of a class, as a function
// of what is drawn: quality without coaching, u'q(0), the engagement h of some
// arms, and the rest n of the effects on quality.
type classPart struct {
	onQuality []float64 // u, by domain
	engaged   []engagedPart
	noise     []float64 // by domain: SD of n times this
	sorted    float64   // the slope School times this, on the school's part of quality
}

// An engagedPart is a multiple of the engagement of one arm.
type engagedPart struct{ times, rho, skew float64 }

func (t Trial) newClassPart() *classPart {
	n := len(t.Quality.Domains)
	return &classPart{onQuality: make([]float64, n), noise: make([]float64, n)}
}

// add adds a multiple of what true quality does to achievement in an arm.
func (c *classPart) add(t Trial, arms []arm, i int, times float64) {
	n := len(t.Quality.Domains)
	slope := t.Achievement.Slope
	if i == 0 {
		c.sorted += times
		sorting, control := orZeros(slope.Sorting, n), orZeros(slope.Control, n)
		for k := range n {
			c.onQuality[k] += times * (sorting[k] + control[k])
		}
		return
	}
	e := t.Achievement.effectOf(arms[i], n)
	if parts := arms[i].parts; parts != nil {
		c.add(t, arms, 0, times*float64(1-len(parts)))
		for _, p := range parts {
			c.add(t, arms, p, times)
		}
		for k := range n {
			c.onQuality[k] += times * e.Baseline[k]
		}
	} else {
		c.sorted += times
		sorting := orZeros(slope.Sorting, n)
		for k := range n {
			c.onQuality[k] += times * (sorting[k] + e.Baseline[k] + e.Treated[k])
		}
	}
	c.move(t.Quality.effectOf(arms[i]), e.Treated, times)
}

// move adds a multiple of slope times what an effect moves quality beyond its
// shift.
func (c *classPart) move(e QualityEffect, slope []float64, times float64) {
	engagement := 0.0
	for k, s := range slope {
		engagement += s * e.Engagement[k]
		c.noise[k] += times * s * e.Noise[k]
	}
	if engagement != 0 {
		c.engaged = append(c.engaged, engagedPart{times * engagement, e.WithQuality, e.Skew})
	}
}

// variance is that between schools and between the teachers of a school.
func (c *classPart) variance(t Trial) (school, class float64) {
	q := t.Quality
	factor := q.Correlation.factor(q.SD)
	onQuality, withSum := 0.0, 0.0
	for j := range factor { // u'LL'u and u'LL'1
		x, y := 0.0, 0.0
		for i := j; i < len(factor); i++ {
			x += c.onQuality[i] * factor[i][j]
			y += factor[i][j]
		}
		onQuality += x * x
		withSum += x * y
	}
	sumSD := math.Sqrt(sumVariance(factor))
	own, cross, engaged, shared := 0.0, 0.0, 0.0, 0.0
	for _, s := range c.noise {
		own += s * s
	}
	for _, e := range c.engaged {
		if sumSD > 0 { // Cov(t, h) of the normal t and the lognormal h
			cov := 1.0
			if w := e.skew; w > 0 {
				cov = w / math.Sqrt(math.Expm1(w*w))
			}
			cross += 2 * e.times * e.rho * cov * withSum / sumSD
		}
		for _, o := range c.engaged {
			r, s := e.rho, o.rho
			if sumSD == 0 {
				r, s = 0, 0
			}
			// The t of one teacher in two arms correlate so, and those of two teachers
			// of a school by the part that quality has in them.
			alike := r*s + math.Sqrt(1-r*r)*math.Sqrt(1-s*s)
			engaged += e.times * o.times * engagement(e.skew, o.skew, alike)
			shared += e.times * o.times * engagement(e.skew, o.skew, r*s*q.SchoolShare)
		}
	}
	school = q.SchoolShare*(onQuality+cross) + shared
	class = onQuality + cross + engaged + own - school
	u := slices.Clone(c.onQuality)
	for k, s := range orZeros(t.Achievement.Slope.School, len(u)) {
		u[k] += c.sorted * s
	}
	return school + q.School.variance(u), class
}

// engagement is the covariance of two engagements h with log-SDs v and w whose
// normal t have the correlation r.
func engagement(v, w, r float64) float64 {
	grow := func(w float64) float64 { return math.Sqrt(math.Expm1(w * w)) }
	switch {
	case v > 0 && w > 0:
		return math.Expm1(v*w*r) / (grow(v) * grow(w))
	case v > 0:
		return v * r / grow(v)
	case w > 0:
		return w * r / grow(w)
	}
	return r
}

// classVariance is the variance of what goes with true quality in achievement in an
// arm, between schools and between the teachers of a school, in SDs of total
// achievement.
func (t Trial) classVariance(arm int) (school, class float64) {
	part := t.newClassPart()
	part.add(t, armsOf(t.Design.Arms), arm, 1)
	return part.variance(t)
}

// indexVariance is the variance, by level, of the index of school and teacher
// covariates, less that of the given covariates.
func (t Trial) indexVariance(given map[string]int) (variance [levels]float64, err error) {
	if t.Achievement.CovariateSD == 0 {
		return variance, nil
	}
	variance, err = freeIndex(newPopulation(t).achievementTerms, given, "achievement")
	for l := range variance {
		variance[l] *= t.Achievement.CovariateSD * t.Achievement.CovariateSD
	}
	return variance, err
}

// freeIndex is the variance, by level, of an index, less that of the given
// covariates. what the index moves is for messages.
func freeIndex(terms []indexTerm, given map[string]int, what string) (variance [levels]float64, err error) {
	var shares []Share
	for _, term := range terms {
		switch law := term.column.Law.(type) {
		case ClassSizeLaw:
			return variance, fmt.Errorf("class size moves %s", what)
		case Share:
			for _, other := range shares {
				if other.Of == law.Of {
					return variance, fmt.Errorf("several shares of %s move %s, and they are correlated", law.Of, what)
				}
			}
			shares = append(shares, law)
		}
		if !term.column.alone() {
			return variance, fmt.Errorf("%s moves %s, and goes with other covariates or schools (latent)", term.column.Name, what)
		}
		if given[term.column.Name] == 0 {
			variance[term.column.Level] += term.weight * term.weight
		}
	}
	return variance, nil
}

// childVariance is the variance of what child covariates do to achievement, less
// that of the given covariates.
func (t Trial) childVariance(given map[string]int) (variance float64, err error) {
	var shares []Share
	for _, column := range newPopulation(t).childTerms {
		if !column.alone() {
			return 0, fmt.Errorf("%s moves achievement, and goes with other covariates (latent)", column.Name)
		}
		sd, slope, curvature := column.law.sd, column.Slope, column.Curvature
		switch law := column.Law.(type) {
		case Bernoulli: // d² - E d² = (1-2p) d
			slope, curvature = slope+curvature*(1-2*law.Mean), 0
		case Share:
			for _, other := range shares {
				if other.Of == law.Of {
					return 0, fmt.Errorf("several shares of %s move achievement, and they are correlated", law.Of)
				}
			}
			shares = append(shares, law)
		}
		if _, normal := column.Law.(Normal); curvature != 0 && !normal {
			return 0, fmt.Errorf("the curvature of %s, which is not normal, has no formula", column.Name)
		}
		if given[column.Name] < 1 {
			variance += slope * slope * sd * sd
		}
		if given[column.Name] < 2 { // of a normal d, d² - E d² is uncorrelated with d
			variance += 2 * curvature * curvature * sd * sd * sd * sd
		}
	}
	return variance, nil
}

// OutcomeWeights returns the weights of the tests in a test or in total
// achievement, where shares of the children are in the arms: a total is the mean of
// the tests, each in SDs of the data set unless Points keeps them as they are. Tests
// that are standardised have a random scale, which no t test notices.
func (t Trial) OutcomeWeights(outcome string, shares []float64) (weights []float64, ok bool, err error) {
	a := t.Achievement
	weights = make([]float64, len(a.Tests))
	for k, name := range a.Tests {
		if name == outcome {
			weights[k] = 1
			return weights, true, nil
		}
	}
	if outcome != a.Total {
		return nil, false, nil
	}
	for k := range weights {
		one := make([]float64, len(weights))
		one[k] = 1
		variance := 1.0
		if !a.Points {
			sum, square := 0.0, 0.0
			variance = 0
			for arm, share := range shares {
				c, err := t.Components(one, arm, nil)
				if err != nil {
					return nil, true, err
				}
				variance += share * c.Total()
				sum += share * c.Mean
				square += share * c.Mean * c.Mean
			}
			variance += square - sum*sum
		}
		weights[k] = 1 / (float64(len(weights)) * math.Sqrt(variance))
	}
	return weights, true, nil
}

// TestsPerClass returns the mean number of children with a valid test in a class that
// stays, over the arms by their shares; with equal shares where the scheme has none.
func (d Design) TestsPerClass() float64 {
	mean, _ := d.TestedSize()
	var shares []float64
	if by, ok := d.Assignment.(interface{ ArmShares([]string) []float64 }); ok {
		shares = by.ArmShares(d.Arms)
	}
	lost := 0.0
	for a, arm := range d.Arms {
		share := 1 / float64(len(d.Arms))
		if shares != nil {
			share = shares[a]
		}
		lost += share * d.Attrition.Loss.Child.Rate[arm]
	}
	return mean * (1 - lost)
}

// TestedSize returns the mean number of children with a valid test in a class and
// the coefficient of variation of that number, before Losses.
func (d Design) TestedSize() (mean, cv float64) {
	square := 0.0
	d.Children.solved(new(Faults)).each(func(size, p float64) {
		size = math.Min(size, float64(d.Tested))
		mean += p * size
		square += p * size * size
	})
	// Each child is missing with the same probability: binomial thinning.
	miss := d.Attrition.Children
	variance := math.Max(square-mean*mean, 0)*(1-miss)*(1-miss) + miss*(1-miss)*mean
	mean *= 1 - miss
	if variance < 1e-12*mean*mean { // rounding
		variance = 0
	}
	return mean, math.Sqrt(variance) / mean
}
