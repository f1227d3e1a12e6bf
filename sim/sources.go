package sim

// Sources say where the numbers of a study come from and why they were chosen, in
// the words that a proposal prints behind them. They change no number.
type Sources struct {
	Effect      string `yaml:"effect,omitempty" doc:"why this effect, such as: half of the 0.18 SD of Kraft, Blazar and Hogan (2018)"`
	ICC         string `yaml:"icc,omitempty" doc:"source of the intraclass correlations"`
	R2          string `yaml:"r2,omitempty" doc:"source of what the baseline test and covariates explain"`
	Reliability string `yaml:"reliability,omitempty" doc:"source of the reliability of classroom observation"`
	Sizes       string `yaml:"sizes,omitempty" doc:"source of the numbers of schools, teachers and children"`
	Attrition   string `yaml:"attrition,omitempty" doc:"source of the losses"`
	TakeUp      string `yaml:"take_up,omitempty" doc:"source of take-up and dosage"`
	Choice      string `yaml:"choice,omitempty" doc:"who decides on the treatment where no lottery does, such as: the schools themselves. Proposals then speak of a comparison and not of a trial"`
}
