package dgp

// ClassSizeLaw is no new draw: the covariate is the size of the class, as
// trial.children has it.
type ClassSizeLaw struct{}

// Check makes sure that the column belongs to teachers.
func (ClassSizeLaw) Check(c Covariate, _ []Covariate, fault func(key, format string, args ...any)) {
	if c.Level != TeacherLevel {
		fault("level", "the class size is a teacher column; this is a %s column", c.Level)
	}
}

// Compile copies the sizes that the population draws before its covariates.
func (ClassSizeLaw) Compile(p *population) compiledLaw {
	mean, sd, inverse := p.sizeLaw.moments()
	return compiledLaw{mean: mean, sd: sd, meanInverse: inverse, draw: func(dst []float64, _ *Source) {
		for i := range dst {
			dst[i] = float64(p.size[i])
		}
	}}
}

var _ Law = ClassSizeLaw{}
