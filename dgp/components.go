package dgp

import (
	"errors"
	"fmt"
	"math"
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
	a, d := t.Achievement, len(t.Quality.Domains)
	var c Components
	unit := 0.0 // of the outcome per SD of total achievement
	for _, w := range weights {
		unit += w * a.Scale
	}
	school, class := t.classVariance(arm, d)
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
		if a.Baseline != nil {
			return c, errors.New("there is a baseline test")
		}
		rest := s.correlation.quadratic(weights)
		c.Block += s.sd[BlockLevel] * s.sd[BlockLevel] * rest
		c.School += s.sd[SchoolLevel] * s.sd[SchoolLevel] * rest
		c.Teacher += s.sd[TeacherLevel] * s.sd[TeacherLevel] * rest
	}

	// ε + T Mean (1 - Bottom f), f = 1'ε/sd(1'ε).
	factor := a.Residual.factor(nil)
	sumSD := math.Sqrt(sumVariance(factor))
	mean, withSum := 0.0, 0.0
	effect := orZeros(a.Effect.Mean, len(a.Tests))
	for i, w := range weights {
		if arm > 0 {
			mean += w * effect[i]
		}
		for j, v := range weights {
			c.Child += w * v * a.Residual.at(i, j)
			withSum += w * a.Residual.at(i, j) / sumSD
		}
	}
	lift := mean * a.Effect.Bottom
	c.Child += lift*lift - 2*lift*withSum
	c.Mean = mean
	return c, nil
}

// classVariance is the variance of what goes with true quality in achievement, between
// schools and between the teachers of a school, in SDs of total achievement.
func (t Trial) classVariance(arm, domains int) (school, class float64) {
	q, slope := t.Quality, t.Achievement.Slope
	sorting, control := orZeros(slope.Sorting, domains), orZeros(slope.Control, domains)
	baseline, treated := orZeros(slope.Baseline, domains), orZeros(slope.Treated, domains)
	onBaseline, onCoached := make([]float64, domains), make([]float64, domains)
	for k := range domains {
		if arm == 0 {
			onBaseline[k] = sorting[k] + control[k]
			continue
		}
		onBaseline[k] = sorting[k] + baseline[k]
		onCoached[k] = treated[k]
	}
	school, class = q.spread(q.Effect, onBaseline, onCoached)
	for k, s := range orZeros(slope.School, domains) {
		onBaseline[k] += onCoached[k] + s
	}
	return school + q.School.variance(onBaseline), class
}

// spread is the variance, between schools and between the teachers of a school,
// of a weighted sum of quality without coaching and of quality with it, by an
// effect; that of SchoolQuality apart.
func (q Quality) spread(effect QualityEffect, onBaseline, onCoached []float64) (school, class float64) {
	domains := len(q.Domains)
	factor := q.Correlation.factor(q.SD)
	engagement, noise := orZeros(effect.Engagement, domains), orZeros(effect.Noise, domains)

	// u'q(0) + e h + noise, with h the engagement, of variance 1.
	u := make([]float64, domains)
	e, own := 0.0, 0.0
	for k := range u {
		u[k] = onBaseline[k] + onCoached[k]
		e += onCoached[k] * engagement[k]
		own += onCoached[k] * onCoached[k] * noise[k] * noise[k]
	}
	onQuality, withSum := 0.0, 0.0
	for j := range factor { // u'LL'u and u'LL'1
		x, y := 0.0, 0.0
		for i := j; i < domains; i++ {
			x += u[i] * factor[i][j]
			y += factor[i][j]
		}
		onQuality += x * x
		withSum += x * y
	}
	rho, sumSD := effect.WithQuality, math.Sqrt(sumVariance(factor))
	if sumSD == 0 {
		rho, sumSD = 0, 1
	}
	// Cov(t, h) of the normal t and the lognormal h, and the correlation of the
	// h of two teachers of a school, whose t have the correlation r.
	w, r := effect.Skew, rho*rho*q.SchoolShare
	cov, shared := 1.0, r
	if w > 0 {
		grow := math.Expm1(w * w)
		cov, shared = w/math.Sqrt(grow), math.Expm1(w*w*r)/grow
	}
	cross := 2 * e * rho * cov * withSum / sumSD
	school = q.SchoolShare*(onQuality+cross) + e*e*shared
	return school, onQuality + cross + e*e + own - school
}

// indexVariance is the variance, by level, of the index of school and teacher
// covariates, less that of the given covariates.
func (t Trial) indexVariance(given map[string]int) (variance [levels]float64, err error) {
	if t.Achievement.CovariateSD == 0 {
		return variance, nil
	}
	p := newPopulation(t)
	var shares []Share
	for _, term := range p.achievementTerms {
		switch law := term.column.Law.(type) {
		case ClassSizeLaw:
			return variance, errors.New("class size moves achievement")
		case Share:
			for _, other := range shares {
				if other.Of == law.Of {
					return variance, fmt.Errorf("several shares of %s move achievement, and they are correlated", law.Of)
				}
			}
			shares = append(shares, law)
		}
		if given[term.column.Name] == 0 {
			w := term.weight * t.Achievement.CovariateSD
			variance[term.column.Level] += w * w
		}
	}
	return variance, nil
}

// childVariance is the variance of what child covariates do to achievement, less
// that of the given covariates.
func (t Trial) childVariance(given map[string]int) (variance float64, err error) {
	var shares []Share
	for _, column := range newPopulation(t).childTerms {
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
// achievement, where a share of children is treated: a total is the mean of the
// tests, each in SDs of the data set unless Points keeps them as they are. Tests
// that are standardised have a random scale, which no t test notices.
func (t Trial) OutcomeWeights(outcome string, share float64) (weights []float64, ok bool, err error) {
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
			control, err := t.Components(one, 0, nil)
			if err != nil {
				return nil, true, err
			}
			treated, err := t.Components(one, 1, nil)
			if err != nil {
				return nil, true, err
			}
			variance = (1-share)*control.Total() + share*treated.Total() + share*(1-share)*treated.Mean*treated.Mean
		}
		weights[k] = 1 / (float64(len(weights)) * math.Sqrt(variance))
	}
	return weights, true, nil
}

// TestedSize returns the mean number of children with a valid test in a class and
// the coefficient of variation of that number.
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
