package sim

import (
	"coachsim/dgp"
)

// A Cost is what a trial costs, by unit, in any currency. Units that are lost
// after assignment are paid for.
type Cost struct {
	Fixed   float64 `yaml:"fixed" min:"0" doc:"once"`
	Block   float64 `yaml:"block" min:"0" doc:"per block"`
	School  float64 `yaml:"school" min:"0" doc:"per school, in any arm"`
	Treated float64 `yaml:"treated_school" min:"0" doc:"per school with a treated arm: what coaching costs"`
	Teacher float64 `yaml:"teacher" min:"0" doc:"per teacher (class)"`
	Child   float64 `yaml:"child" min:"0" doc:"per child tested"`
	Segment float64 `yaml:"segment" min:"0" doc:"per film segment of a class"`
	Rating  float64 `yaml:"rating" min:"0" doc:"per segment and coder"`
}

// costDraws is the number of draws over which counts that differ between draws
// are averaged.
const costDraws = 100

// Of returns the expected cost of a trial.
func (c Cost) Of(t dgp.Trial) (float64, error) {
	g, err := t.Compile()
	if err != nil {
		return 0, err
	}
	shape := g.Shape()
	children, treated := 0.0, 0.0
	arm := -1
	for i, column := range shape.Columns {
		if column.Arm && arm < 0 {
			arm = i
		}
	}
	for rep := range costDraws {
		data, _ := g.Draw(dgp.Stream{Seed: populationSeed, Replicate: uint64(rep)})
		children += float64(data.Children()) / costDraws
		share := 0.0
		for _, x := range data.Columns[arm] {
			share += x / float64(len(data.Columns[arm]))
		}
		treated += share * float64(shape.Max[dgp.SchoolLevel]) / costDraws
	}
	teachers := float64(shape.Max[dgp.TeacherLevel])
	segments := teachers * float64(t.Observation.Segments)
	return c.Fixed +
		c.Block*float64(shape.Max[dgp.BlockLevel]) +
		c.School*float64(shape.Max[dgp.SchoolLevel]) +
		c.Treated*treated +
		c.Teacher*teachers +
		c.Child*children +
		c.Segment*segments +
		c.Rating*segments*float64(t.Observation.Coders), nil
}
