package sim

// A Figure asks for a figure of a run. Package plots draws it.
type Figure struct {
	Kind      string            `yaml:"kind" required:"true" doc:"what to draw; coachsim plot --help lists the kinds"`
	Name      string            `yaml:"name,omitempty" doc:"name of its files; the kind where left out"`
	X         string            `yaml:"x,omitempty" doc:"swept key across, whole or its last parts"`
	By        string            `yaml:"by,omitempty" doc:"swept key, or estimator, outcome or term, with a line for every value (upwards, in a contour)"`
	Panel     string            `yaml:"panel,omitempty" doc:"swept key, or estimator, outcome or term, with a panel for every value"`
	Measure   string            `yaml:"measure,omitempty" doc:"power, coverage, bias or se-error in a nested-loop; power or mdes in a contour"`
	Target    float64           `yaml:"target,omitempty" min:"0" lt:"1" doc:"power to mark and to locate; 0 is 0.8"`
	Replicate int               `yaml:"replicate,omitempty" min:"0" doc:"simulated trial that a cv-curve, a tree or a partial-dependence shows, counted from 0"`
	Only      map[string]string `yaml:"only,omitempty" doc:"rows to draw: values of swept keys, estimator, outcome or term"`
}

// FileName is the name of the figure's files.
func (f Figure) FileName() string {
	if f.Name != "" {
		return f.Name
	}
	return f.Kind
}
