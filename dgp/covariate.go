package dgp

import (
	"fmt"
	"math"
	"slices"
)

// A Covariate is a variable of schools, teachers or children that coaching
// does not change.
//
// School and teacher covariates move classroom quality and achievement through
// two indices, weighted sums of their z-scores whose spread is set by
// quality.context.variance and achievement.covariate_sd. Child covariates move
// the child's own achievement by Slope and Curvature.
type Covariate struct {
	Name        string  `yaml:"name" required:"true" doc:"the column's name"`
	Level       Level   `yaml:"level" required:"true" doc:"school, teacher or child"`
	Law         Law     `yaml:",inline"`
	Latent      *Latent `yaml:"latent,omitempty" doc:"the normal variable behind the covariate, where it goes with others: what it loads on; {} for one of its own"`
	Quality     float64 `yaml:"quality" doc:"weight of the z-score in the index of classroom quality"`
	Achievement float64 `yaml:"achievement" doc:"weight of the z-score in the index of achievement"`
	Slope       float64 `yaml:"slope" doc:"child covariates: SDs of achievement per unit above the mean"`
	Curvature   float64 `yaml:"curvature" doc:"child covariates: SDs of achievement per squared unit from the mean, net of its own mean"`
}

// A Law is the distribution of a covariate.
//
// To add a law, write one file like gamma.go: a struct whose fields are its
// keys in a study file, these two methods, and a line in Laws.
type Law interface {
	// Check reports, through fault, each key whose value does not suit the
	// covariate c that follows the earlier ones.
	Check(c Covariate, earlier []Covariate, fault func(key, format string, args ...any))
	// Compile prepares drawing. The study has passed every Check.
	Compile(p *population) compiledLaw
}

// Laws returns every law by its name, each with its defaults.
func Laws() map[string]Law {
	return map[string]Law{
		"bernoulli":         Bernoulli{},
		"beta":              Beta{Max: 1},
		"class-mean":        ClassMean{},
		"class-size":        ClassSizeLaw{},
		"gamma":             Gamma{},
		"index":             Index{},
		"items":             ItemsLaw{},
		"mixture":           MixtureLaw{},
		"negative-binomial": NegativeBinomial{},
		"normal":            Normal{},
		"percent":           Percent{},
		"rating":            RatingLaw{Visits: 1, Agreement: 0.5, Min: 1, Max: 5},
		"share":             Share{},
	}
}

// A compiledLaw draws a covariate for every unit of its level, in order.
type compiledLaw struct {
	mean, sd      float64 // of one draw
	third, fourth float64 // central moments, for the curvature of child covariates
	// meanInverse is E[1/x], for counts that are never zero; else NaN.
	meanInverse float64
	// draw draws units by themselves; nil for laws that only have the next.
	draw func(dst []float64, r *Source)
	// from draws them given the latent normal of each, and given is the mean of a
	// unit given it; both nil for laws without one, and for those of quantiles,
	// which make the value a function of it: withLatent then sets both.
	from      func(dst, z []float64, r *Source)
	given     func(z float64) float64
	quantiles func() func(z float64) float64
}

// latent adds to a law how to make its quantiles, as a function of a standard normal.
func (c compiledLaw) latent(quantiles func() func(z float64) float64) compiledLaw {
	c.quantiles = quantiles
	return c
}

// withLatent prepares drawing from a latent normal.
func (c compiledLaw) withLatent() compiledLaw {
	if c.from == nil {
		c.given = c.quantiles()
		c.from = fromQuantile(c.given)
	}
	return c
}

// plain is a compiledLaw whose draws are independent of everything else.
func plain(mean, sd float64, one func(r *Source) float64) compiledLaw {
	return compiledLaw{mean: mean, sd: sd, meanInverse: math.NaN(), draw: func(dst []float64, r *Source) {
		for i := range dst {
			dst[i] = one(r)
		}
	}}
}

func (t Trial) checkCovariates(f *Faults) {
	before := len(*f)
	for i, c := range t.Covariates {
		path := fmt.Sprintf("covariates[%d].", i)
		if c.Level != SchoolLevel && c.Level != TeacherLevel && c.Level != ChildLevel {
			f.Add(path+"level", "a covariate's level is school, teacher or child; this is %s", c.Level)
		}
		if c.Law != nil {
			c.Law.Check(c, t.Covariates[:i], func(key, format string, args ...any) { f.Add(path+key, format, args...) })
		}
		if _, share := c.Law.(Share); share && c.Curvature != 0 {
			f.Add(path+"curvature", "must be 0 for a share, which has a slope only")
		}
		if c.Level == ChildLevel {
			if c.Quality != 0 || c.Achievement != 0 {
				f.Add(path+"level", "quality and achievement are weights of school and teacher covariates; a child covariate has slope and curvature")
			}
		} else if c.Slope != 0 || c.Curvature != 0 {
			f.Add(path+"level", "slope and curvature belong to child covariates; a %s covariate has the weights quality and achievement", c.Level)
		}
	}
	t.checkLatents(f)
	if len(*f) == before {
		t.checkPercents(f)
	}
}

// pathOf is the path of a covariate's key.
func pathOf(covariate int, key string) string {
	return fmt.Sprintf("covariates[%d].%s", covariate, key)
}

// doc says what a covariate's column is.
func (c Covariate) doc() string {
	switch c.Law.(type) {
	case *baselineLaw:
		return "baseline test, SDs"
	case gradeLaw:
		return "grade, counted from 0"
	}
	return "covariate"
}

// before returns what is known of units before the trial: covariates, the
// baseline test and the grade, these two without their law.
func (t Trial) before() []Covariate {
	all := slices.Clone(t.Covariates)
	if t.Achievement.Baseline != nil {
		all = append(all, Covariate{Name: t.Achievement.Baseline.Name, Level: ChildLevel})
	}
	if t.grades() > 1 {
		all = append(all, Covariate{Name: gradeName, Level: TeacherLevel})
	}
	return all
}

// findCovariate returns the covariate with a name, or nil.
func findCovariate(all []Covariate, name string) *Covariate {
	for i := range all {
		if all[i].Name == name {
			return &all[i]
		}
	}
	return nil
}
