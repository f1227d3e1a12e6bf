package dgp

import (
	"math"
)

// ClassMean is the mean over the children sampled in a class of something normal,
// such as their age:
//
//	Mean + Grade (grade - mean grade) + SD z + ChildSD N/√n
type ClassMean struct {
	Mean    float64 `yaml:"mean" doc:"mean"`
	SD      float64 `yaml:"sd" min:"0" doc:"standard deviation between classes of a grade"`
	ChildSD float64 `yaml:"child_sd" required:"true" gt:"0" doc:"standard deviation between the children of a class"`
	Grade   float64 `yaml:"grade" doc:"what each grade has more than the one below"`
}

// Check makes sure that the column belongs to classes.
func (ClassMean) Check(c Covariate, _ []Covariate, fault func(key, format string, args ...any)) {
	if c.Level != TeacherLevel {
		fault("level", "the mean of a class is a teacher column; this is a %s column", c.Level)
	}
}

// Compile prepares drawing.
func (l ClassMean) Compile(p *population) compiledLaw {
	d := p.design
	grades, teachers := max(d.Grades, 1), d.teachers()
	mean, square := 0.0, 0.0
	for j := range teachers {
		g := float64(gradeOf(j, grades, d.Teachers))
		mean += g / float64(teachers)
		square += g * g / float64(teachers)
	}
	between := math.Max(square-mean*mean, 0)
	sd := math.Sqrt(l.Grade*l.Grade*between + l.SD*l.SD + l.ChildSD*l.ChildSD*d.sampledInverse())
	return compiledLaw{
		mean: l.Mean, sd: sd, meanInverse: math.NaN(),
		given: func(z float64) float64 { return l.Mean + l.SD*z },
		from: func(dst, z []float64, r *Source) {
			for j := range dst {
				n := float64(p.childStart[j+1] - p.childStart[j])
				grade := float64(gradeOf(j, grades, d.Teachers)) - mean
				dst[j] = l.Mean + l.Grade*grade + l.SD*z[j] + l.ChildSD*r.NormFloat64()/math.Sqrt(n)
			}
		},
	}
}

var _ Law = ClassMean{}
