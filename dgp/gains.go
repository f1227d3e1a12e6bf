package dgp

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

// Gains are what the children of a class learn in the year, in percentage points:
//
//	G = Mean + Unit Σ effect z + Σ step 1{where} + SchoolSD N_school + TeacherSD t
//
// with z the covariates, standardised over the teachers drawn, and t a Student t of
// TeacherDF with variance 1. Child i, who knows the share b of the test before, knows
// after it, in percent,
//
//	clip(100 b + G + AbilitySlope (100 b - AbilityAt) + ChildSD N, Floor, 100 - Floor)
type Gains struct {
	Mean         float64            `yaml:"mean" doc:"mean of G with all effects and steps at 0, points"`
	Unit         float64            `yaml:"unit" gt:"0" doc:"points for an effect of 1, such as the SD of gains between classes"`
	Effects      map[string]float64 `yaml:"effects" doc:"effect of an SD of a school or teacher covariate, or of the class's score before, in units"`
	Steps        []Step             `yaml:"steps" doc:"what is added where covariates lie above or below thresholds"`
	SchoolSD     float64            `yaml:"school_sd" min:"0" doc:"SD of what else the classes of a school have in common, points"`
	TeacherSD    float64            `yaml:"teacher_sd" min:"0" doc:"SD of what else differs between classes, points"`
	TeacherDF    float64            `yaml:"teacher_df" min:"0" doc:"degrees of freedom of its t law, above 2; 0 for a normal law"`
	ChildSD      float64            `yaml:"child_sd" min:"0" doc:"SD between the children of a class, points"`
	AbilitySlope float64            `yaml:"ability_slope" min:"-1" max:"1" doc:"points more for each point that a child knows above ability_at before; below 0 for reversion to the mean"`
	AbilityAt    float64            `yaml:"ability_at" min:"0" max:"100" doc:"percent, where ability_slope adds nothing"`
	Floor        float64            `yaml:"floor" gt:"0" lt:"50" doc:"no child knows less than this after, or more than 100 less this; percent"`
}

// A Step is added to the gain of the classes for which all its conditions hold.
type Step struct {
	Effect float64              `yaml:"effect" required:"true" doc:"points"`
	Where  map[string]Threshold `yaml:"where" required:"true" minlen:"1" doc:"conditions on school or teacher covariates, or on the class's score before; all must hold"`
}

// A Threshold is a condition on a variable.
type Threshold struct {
	Above *float64 `yaml:"above" doc:"the variable is above this"`
	UpTo  *float64 `yaml:"up_to" doc:"the variable is at most this"`
}

// holds reports whether a value meets the condition.
func (t Threshold) holds(x float64) bool {
	return (t.Above == nil || x > *t.Above) && (t.UpTo == nil || x <= *t.UpTo)
}

// check adds the faults; known are the variables that may move gains.
func (g Gains) check(f *Faults, path string, known []string) {
	is := func(path, name string) {
		if !slices.Contains(known, name) {
			f.Add(path, "there is no school or teacher covariate %q; there are %s", name, orNothing(known))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(g.Effects)) {
		is(path+".effects."+name, name)
		if x := g.Effects[name]; math.IsNaN(x) || math.IsInf(x, 0) {
			f.Add(path+".effects."+name, "must be a finite number")
		}
	}
	for i, s := range g.Steps {
		for _, name := range slices.Sorted(maps.Keys(s.Where)) {
			at := fmt.Sprintf("%s.steps[%d].where.%s", path, i, name)
			is(at, name)
			switch w := s.Where[name]; {
			case w.Above == nil && w.UpTo == nil:
				f.Add(at, "is no condition; it needs above or up_to")
			case w.Above != nil && w.UpTo != nil && *w.Above >= *w.UpTo:
				f.Add(at, "never holds: above, %g, must be below up_to, %g", *w.Above, *w.UpTo)
			}
		}
	}
	if g.TeacherDF != 0 && g.TeacherDF <= 2 {
		f.Add(path+".teacher_df", "%g has no variance; it must be above 2, or 0 for a normal law", g.TeacherDF)
	}
}

// predicts reports whether a variable moves gains.
func (g Gains) predicts(name string) bool {
	if g.Effects[name] != 0 {
		return true
	}
	return slices.ContainsFunc(g.Steps, func(s Step) bool { _, is := s.Where[name]; return is && s.Effect != 0 })
}

// A classVariable is a variable of classes that may move gains: a covariate of
// schools or teachers, or the score before.
type classVariable struct {
	values *[]float64
	level  Level
}

func (v classVariable) at(p *population, class int) float64 {
	if v.level == SchoolLevel {
		return (*v.values)[p.school[class]]
	}
	return (*v.values)[class]
}

type compiledEffect struct {
	classVariable
	points float64
}

type compiledStep struct {
	points float64
	where  []condition
}

type condition struct {
	classVariable
	Threshold
}

// systematic is the part of G that covariates make.
type systematic struct {
	mean    float64
	effects []compiledEffect
	steps   []compiledStep
	z       []float64 // scratch: by teacher
}

func (g Gains) compile(find func(name string) classVariable, teachers int) systematic {
	s := systematic{mean: g.Mean, z: make([]float64, teachers)}
	for _, name := range slices.Sorted(maps.Keys(g.Effects)) {
		if points := g.Unit * g.Effects[name]; points != 0 {
			s.effects = append(s.effects, compiledEffect{find(name), points})
		}
	}
	for _, step := range g.Steps {
		c := compiledStep{points: step.Effect}
		for _, name := range slices.Sorted(maps.Keys(step.Where)) {
			c.where = append(c.where, condition{find(name), step.Where[name]})
		}
		s.steps = append(s.steps, c)
	}
	return s
}

// fill sets it for every class drawn.
func (s *systematic) fill(dst []float64, p *population) {
	for j := range dst {
		dst[j] = s.mean
	}
	for _, e := range s.effects {
		for j := range s.z {
			s.z[j] = e.at(p, j)
		}
		standardise(make([]scale, 1), [][]float64{s.z}, []float64{sumOf(s.z)}, func(int) bool { return true })
		for j, z := range s.z {
			dst[j] += e.points * z
		}
	}
	for _, step := range s.steps {
	class:
		for j := range dst {
			for _, w := range step.where {
				if !w.holds(w.at(p, j)) {
					continue class
				}
			}
			dst[j] += step.points
		}
	}
}

// studentT draws a t variable with variance 1, or with df 0 a normal one.
func studentT(df float64, r *Source) float64 {
	z := r.NormFloat64()
	if df == 0 {
		return z
	}
	// N/√(χ²/df) has variance df/(df-2).
	return z * math.Sqrt((df-2)/(2*standardGamma(df/2, r)))
}
