package dgp

import (
	"errors"
	"math"
	"strings"
)

// A ScoreVariance is what makes the score of a class differ from that of another
// in one arm, before ratings are rounded and held within the limits of the scale:
// variances of what is true of the class, and of the errors of its ratings.
type ScoreVariance struct {
	Outcome string `json:"outcome"`
	Scale   string `json:"scale"` // what a variance of 1 is the square of

	Block            float64 `json:"block"`             // context of the block
	SchoolCovariates float64 `json:"school_covariates"` // context that school covariates explain
	ClassCovariates  float64 `json:"class_covariates"`  // context that teacher covariates explain
	School           float64 `json:"school"`            // quality that the teachers of a school have in common
	Class            float64 `json:"class"`             // quality of the teacher's own

	Facets
}

// Facets are the variances of the errors of one rating, by what they come from.
type Facets struct {
	Day        float64 `json:"day"`         // class × day
	Segment    float64 `json:"segment"`     // class × day × segment
	Rater      float64 `json:"rater"`       // severity
	RaterClass float64 `json:"rater_class"` // rater × class
	RaterDay   float64 `json:"rater_day"`   // rater × class × day
	Rating     float64 `json:"rating"`      // rater × class × day × segment, and the rest

	Drift      float64 `json:"drift"`       // the square of the mean change of severity over the work
	RaterDrift float64 `json:"rater_drift"` // the variance of that change between raters
}

// An ObservationPlan is how often classes are observed, and by how many raters.
type ObservationPlan struct {
	Days     int `json:"days"`     // per class
	Segments int `json:"segments"` // per day
	Coders   int `json:"coders"`   // of each segment, the same on all days
	// Pool is the number of raters of whom the coders of each class, and of those
	// with which it shares them, are drawn at random; 0 if all classes have raters
	// of their own.
	Pool    int `json:"pool"`
	Classes int `json:"classes"` // that all raters code, in random order
}

// times is the variance of a class's place in the order of coding, which runs
// from -1/2 to 1/2, and shared the covariance of those of two classes.
func (p ObservationPlan) times() (variance, shared float64) {
	n := float64(p.Classes)
	if p.Pool == 0 || n < 2 {
		return 0, 0
	}
	variance = (n*n - 1) / (12 * n * n)
	return variance, -variance / (n - 1) // the places add up to 0
}

// Absolute is the variance of the error of a class's score, the mean of its
// ratings: that of judging a class by itself.
//
//	σ²(Δ) = σ²_d/n_d + σ²_s/(n_d n_s) + (σ²_r + σ²_rc)/n_r + σ²_rd/(n_r n_d) + σ²_e/(n_r n_d n_s)
//
// and what drift adds (Brennan 2001, Generalizability Theory, chapter 4).
func (f Facets) Absolute(p ObservationPlan) float64 {
	d, s, r := float64(p.Days), float64(p.Segments), float64(p.Coders)
	time, _ := p.times()
	return f.Day/d + f.Segment/(d*s) + (f.Rater+f.RaterClass)/r + f.RaterDay/(r*d) + f.Rating/(r*d*s) + time*(f.Drift+f.RaterDrift/r)
}

// Shared is the covariance of the errors of two classes whose coders are drawn
// from the same pool. Two draws of n_r raters out of P have n_r²/P in common on
// average, and each of these adds σ²_r/n_r².
func (f Facets) Shared(p ObservationPlan) float64 {
	if p.Pool == 0 {
		return 0
	}
	pool := float64(p.Pool)
	_, time := p.times()
	return f.Rater/pool + time*(f.Drift+f.RaterDrift/pool)
}

// Relative is the variance of the error of a class's score among the classes who
// share its pool: that of comparing classes with each other. Severity counts
// q = 1/n_r - 1/P times, as in Putka, Le, McCloy and Diaz (2008, Journal of Applied
// Psychology 93:959): not at all where the same raters code every class, and in
// full where each class has its own.
func (f Facets) Relative(p ObservationPlan) float64 { return f.Absolute(p) - f.Shared(p) }

// True is the variance of true scores in the arm.
func (v ScoreVariance) True() float64 {
	return v.Block + v.SchoolCovariates + v.ClassCovariates + v.School + v.Class
}

// WithinBlocks is that of the true scores of a block's classes.
func (v ScoreVariance) WithinBlocks() float64 { return v.True() - v.Block }

// GivenCovariates is that given the block and the covariates that move quality.
func (v ScoreVariance) GivenCovariates() float64 { return v.School + v.Class }

// WithinSchools is that of a school's classes, given the covariates.
func (v ScoreVariance) WithinSchools() float64 { return v.Class }

// Reliability is the share of true variance in that of scores with an error.
func Reliability(of, wrong float64) float64 { return share(of, of+wrong) }

// ObservationPlan is the plan of a trial whose quality is observed.
func (t Trial) ObservationPlan() ObservationPlan {
	o := t.Observation
	p := ObservationPlan{Days: o.days(), Segments: o.Segments, Coders: o.Coders, Classes: t.Design.teachers()}
	if o.Raters.shared() {
		p.Pool = o.Raters.Pool / o.Raters.groups(t.Design)
	}
	return p
}

// Raters is the number of people who code in a trial whose quality is observed.
func (t Trial) Raters() int {
	o := t.Observation
	if o.Raters.shared() {
		return o.Raters.Pool
	}
	return t.ObservationPlan().Classes * o.Coders
}

// ScoreVariances are those of every observed domain and of the total score, in an
// arm counted from 0, as its effect is when received whole. The error says why
// there is no formula.
func (t Trial) ScoreVariances(arm int) ([]ScoreVariance, error) {
	if len(t.observed()) == 0 {
		return nil, errors.New("quality is not observed")
	}
	t = t.lower(nil)
	if arm > 0 {
		name := t.Design.Arms[arm]
		effect := t.Quality.effectOf(armsOf(t.Design.Arms)[arm])
		switch {
		case strings.Contains(name, combination):
			return nil, errors.New(name + " combines effects")
		case t.Design.delivers():
			return nil, errors.New("how much reaches a class differs between classes")
		case len(effect.By) > 0:
			return nil, errors.New("covariates move the effect on quality")
		}
	}
	return t.scores(t.compiled(), arm), nil
}

// scores are the variances of the scores in an arm. The trial is lowered, p its
// covariates.
func (t Trial) scores(p *population, arm int) (all []ScoreVariance) {
	index := p.indexVariance(p.qualityTerms)
	of := func(outcome, scale string, weights []float64) ScoreVariance {
		v := t.scoreVariance(index, arm, weights)
		v.Outcome, v.Scale = outcome, scale
		return v
	}
	weights := make([]float64, len(t.Quality.Domains))
	for k, name := range t.Quality.Domains {
		clear(weights)
		weights[k] = 1
		all = append(all, of(name, "SD of the observed score", weights))
	}
	for k, points := range t.Observation.Scale.Points { // the total is the mean of scores in points
		weights[k] = points / float64(len(weights))
	}
	return append(all, of(t.Observation.Total, "point", weights))
}

// scoreVariance is that of the sum of domains, each times a weight, where the
// index of covariates has a variance by level.
func (t Trial) scoreVariance(index [levels]float64, arm int, weights []float64) ScoreVariance {
	o, q := t.Observation, t.Quality
	domains := len(q.Domains)
	context := orZeros(q.Context.Variance, domains)
	raters := Raters{}
	if o.Raters != nil {
		raters = *o.Raters
	}
	sum := func(covariance func(i, j int) float64) float64 {
		total := 0.0
		for i, x := range weights {
			for j, y := range weights {
				total += x * y * covariance(i, j)
			}
		}
		return total
	}
	wrong := func(sd []float64) float64 {
		sd = orZeros(sd, domains)
		return sum(func(i, j int) float64 { return sd[i] * sd[j] * o.ErrorCorrelation.at(i, j) })
	}
	explained := sum(func(i, j int) float64 { return (1 - q.Context.BlockShare) * math.Sqrt(context[i]*context[j]) })
	v := ScoreVariance{
		SchoolCovariates: index[SchoolLevel] * explained, ClassCovariates: index[TeacherLevel] * explained,
		Facets: Facets{
			Day: wrong(o.DaySD), Segment: wrong(o.SegmentSD), Rating: wrong(o.CoderSD),
			Rater: wrong(raters.SD), RaterClass: wrong(raters.ClassSD), RaterDay: wrong(raters.DaySD), RaterDrift: wrong(raters.DriftSD),
		},
	}
	v.Block = sum(func(i, j int) float64 {
		c := q.Context.BlockShare * math.Sqrt(context[i]*context[j])
		if i != j {
			c *= q.Context.BlockCorrelation
		}
		return c
	})
	part := t.newClassPart()
	copy(part.onQuality, weights)
	arms := armsOf(t.Design.Arms)
	for _, own := range arms[arm].withParts(arm) {
		part.move(q.effectOf(arms[own]), weights, 1)
	}
	v.School, v.Class = part.variance(t)
	drift := 0.0
	for k, x := range orZeros(raters.Drift, domains) {
		drift += weights[k] * x
	}
	v.Drift = drift * drift
	return v
}
