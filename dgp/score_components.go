package dgp

import (
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// ScoreWeights returns the weights of the domains, each in SDs of its observed
// score, in a column of classroom quality: a domain or the total score.
func (t Trial) ScoreWeights(outcome string) (weights []float64, ok bool) {
	domains, o := t.observed(), t.Observation
	weights = make([]float64, len(domains))
	if k := slices.Index(domains, outcome); k >= 0 {
		weights[k] = 1
		if o.Points {
			weights[k] = o.Scale.Points[k]
		}
		return weights, true
	}
	if len(domains) == 0 || outcome != o.Total {
		return nil, false
	}
	for k := range weights {
		weights[k] = o.Scale.Points[k] / float64(len(domains))
	}
	return weights, true
}

// ScoreComponents returns the variance components that the trial implies for a
// weighted sum of observed domain scores, in an arm counted from 0, given
// covariates as in Components. Errors of observation are part of Teacher, and
// Child is 0. They are exact for ratings without limits that are no whole numbers;
// rounding to whole numbers adds the 1/12 of a uniform error to each rating.
func (t Trial) ScoreComponents(weights []float64, arm int, given map[string]int) (Components, error) {
	t = t.lower(nil)
	o, arms := t.Observation, armsOf(t.Design.Arms)
	var c Components
	if o.Raters.shared() {
		return c, errors.New("classes share raters")
	}
	index, err := freeIndex(newPopulation(t).qualityTerms, given, "scores of quality")
	if err != nil {
		return c, err
	}
	v := t.scoreVariance(index, arm, weights)
	c.Block, c.School, c.Teacher = v.Block, v.SchoolCovariates+v.School, v.ClassCovariates+v.Class+v.Absolute(t.ObservationPlan())
	for _, own := range arms[arm].withParts(arm) {
		for k, shift := range t.Quality.effectOf(arms[own]).Shift {
			c.Mean += weights[k] * shift
		}
	}
	for k, w := range weights {
		if o.Scale.Integer && o.Scale.Points[k] > 0 {
			c.Teacher += w * w / (12 * o.Scale.Points[k] * o.Scale.Points[k] * float64(o.ratings()))
		}
	}
	return c, nil
}

// ScoreEffectComponents is EffectComponents for a weighted sum of observed domain
// scores.
func (t Trial) ScoreEffectComponents(weights, contrast []float64) Components {
	arms := armsOf(t.Design.Arms)
	var c Components
	part := t.newClassPart()
	for i, x := range contrast {
		for _, own := range arms[i].withParts(i) {
			e := t.Quality.effectOf(arms[own])
			part.move(e, weights, x)
			for k, w := range weights {
				c.Mean += x * w * e.Shift[k]
			}
		}
	}
	c.School, c.Teacher = part.variance(t)
	return c
}

// RatingsAtLimits returns the share of ratings that the limits of the scale hold
// back, in the worst of the domains with a weight and of the arms.
func (t Trial) RatingsAtLimits(weights []float64) float64 {
	o := t.Observation
	worst := 0.0
	for k, w := range weights {
		if w == 0 || o.Scale.Points[k] == 0 {
			continue
		}
		one := make([]float64, len(weights))
		one[k] = 1
		single := t
		single.Observation.Days, single.Observation.Segments, single.Observation.Coders, single.Observation.Scale.Integer = 1, 1, 1, false
		slack := 0.0
		if o.Scale.Integer {
			slack = 0.5
		}
		for arm := range t.Design.Arms {
			c, err := single.ScoreComponents(one, arm, nil)
			if err != nil {
				continue
			}
			law := distuv.Normal{Mu: o.Scale.Mean[k] + o.Scale.Points[k]*c.Mean, Sigma: o.Scale.Points[k] * math.Sqrt(c.Total())}
			worst = math.Max(worst, law.CDF(o.Scale.Min-slack)+law.Survival(o.Scale.Max+slack))
		}
	}
	return worst
}

// CrossComponents returns the covariance, by level, of a weighted sum of observed
// domain scores with a weighted sum of tests, in an arm counted from 0, given
// covariates as in Components: what true quality does to both, and covariates that
// move both. Errors of observation and of tests are independent, and so are
// blocks' contexts and their achievement.
func (t Trial) CrossComponents(scores, tests []float64, arm int, given map[string]int) (Components, error) {
	t = t.lower(nil)
	var c Components
	arms := armsOf(t.Design.Arms)
	p := newPopulation(t)
	for _, terms := range [][]indexTerm{p.qualityTerms, p.achievementTerms} {
		if _, err := freeIndex(terms, given, "scores of quality and tests"); err != nil {
			return c, err
		}
	}
	sum := 0.0
	for _, w := range tests {
		sum += w
	}
	unit := sum * t.Achievement.Scale
	context := 0.0
	for k, v := range orZeros(t.Quality.Context.Variance, len(scores)) {
		context += scores[k] * math.Sqrt((1-t.Quality.Context.BlockShare)*v)
	}
	var index [levels]float64
	for _, x := range p.qualityTerms {
		for _, y := range p.achievementTerms {
			if given[x.column.Name] == 0 && given[y.column.Name] == 0 {
				index[x.column.Level] += x.weight * y.weight * p.covariance(x.column, y.column) / (x.column.law.sd * y.column.law.sd)
			}
		}
	}
	// Of a score s and an achievement y, Cov(s, y) is (Var(s+y) - Var(s-y))/4.
	of := func(times float64) (school, class float64) {
		part := t.newClassPart()
		part.add(t, arms, arm, times)
		for k, w := range scores {
			part.onQuality[k] += w
		}
		for _, own := range arms[arm].withParts(arm) {
			part.move(t.Quality.effectOf(arms[own]), scores, 1)
		}
		return part.variance(t)
	}
	school, class := of(1)
	lessSchool, lessClass := of(-1)
	c.School = unit * ((school-lessSchool)/4 + context*t.Achievement.CovariateSD*index[SchoolLevel])
	c.Teacher = unit * ((class-lessClass)/4 + context*t.Achievement.CovariateSD*index[TeacherLevel])
	return c, nil
}
