package sim

import (
	"math"
	"slices"
	"strconv"

	"coachsim/dgp"
)

// A Cost is what a trial costs, by unit, in any currency. Units that are lost
// after assignment are paid for, except tests that are not taken.
type Cost struct {
	Fixed   float64 `yaml:"fixed" min:"0" doc:"once"`
	Block   float64 `yaml:"block" min:"0" doc:"per block"`
	School  float64 `yaml:"school" min:"0" doc:"per school, in any arm"`
	Treated float64 `yaml:"treated_school" min:"0" doc:"per school in a treated arm; where teachers or children are assigned, of all schools the treated share of these: what coaching costs"`
	Teacher float64 `yaml:"teacher" min:"0" doc:"per teacher (class)"`
	Child   float64 `yaml:"child" min:"0" doc:"per child tested"`
	Day     float64 `yaml:"observation_day,omitempty" min:"0" doc:"per day on which a class is observed"`
	Segment float64 `yaml:"segment" min:"0" doc:"per film segment of a class"`
	Rating  float64 `yaml:"rating" min:"0" doc:"per segment and coder"`
	Hour    float64 `yaml:"coder_hour,omitempty" min:"0" doc:"per hour of a coder's work, of which rating_minutes says how much a rating takes"`
	Minutes float64 `yaml:"rating_minutes,omitempty" min:"0" doc:"minutes that a coder works on one segment"`
	Rater   float64 `yaml:"rater,omitempty" min:"0" doc:"per rater: training, certification"`
	Coach   float64 `yaml:"coach,omitempty" min:"0" doc:"per coach who starts (trial.coaches)"`
}

// costDraws is the number of draws over which counts that differ between draws
// are averaged.
const costDraws = 100

// A CostItem is a part of what a trial costs.
type CostItem struct {
	Unit  string  `json:"unit"`  // the key of the price: school, child, ...
	Units float64 `json:"units"` // how many, on average where draws differ
	Price float64 `json:"price"` // of one
}

// Sum is what all units cost.
func (i CostItem) Sum() float64 { return i.Units * i.Price }

// Counted writes how many units there are: an average that is not whole with four digits
// or more, so that the sum follows from it.
func (i CostItem) Counted() string {
	if math.Abs(i.Units-math.Round(i.Units)) < 1e-6 || i.Units >= 1000 {
		return grouped(int(math.Round(i.Units)))
	}
	return strconv.FormatFloat(i.Units, 'f', max(0, 3-int(math.Floor(math.Log10(max(i.Units, 1))))), 64)
}

// WrittenPrice is the price with the decimals it was given.
func (i CostItem) WrittenPrice() string {
	if i.Price == math.Trunc(i.Price) && i.Price < 1e15 {
		return grouped(int(i.Price))
	}
	return strconv.FormatFloat(i.Price, 'f', -1, 64)
}

// TotalCost is what all items cost.
func TotalCost(items []CostItem) float64 {
	sum := 0.0
	for _, i := range items {
		sum += i.Sum()
	}
	return sum
}

// WrittenCost has no more decimals than a cost needs.
func WrittenCost(x float64) string {
	if x >= 100 {
		return grouped(int(math.Round(x)))
	}
	return strconv.FormatFloat(x, 'f', 2, 64)
}

// Of returns the expected cost of a trial.
func (c Cost) Of(t dgp.Trial) (float64, error) {
	items, err := c.Items(t)
	return TotalCost(items), err
}

// Items returns what makes up the expected cost of a trial: the units that have
// a price.
func (c Cost) Items(t dgp.Trial) ([]CostItem, error) {
	g, err := t.Compile()
	if err != nil {
		return nil, err
	}
	shape := g.Shape()
	children, treated, coaches := 0.0, 0.0, 0.0
	for rep := range costDraws {
		g.Draw(dgp.Stream{Seed: populationSeed, Replicate: uint64(rep)})
		children += float64(g.ValidTests())
		coaches += float64(g.Coaches())
		share := 0.0
		for _, arm := range g.Assigned() {
			if arm > 0 {
				share++
			}
		}
		treated += share / float64(len(g.Assigned())) * float64(shape.Max[dgp.SchoolLevel])
	}
	children /= costDraws
	treated /= costDraws
	teachers := float64(shape.Max[dgp.TeacherLevel])
	all := []CostItem{
		{"fixed", 1, c.Fixed},
		{"block", float64(shape.Max[dgp.BlockLevel]), c.Block},
		{"school", float64(shape.Max[dgp.SchoolLevel]), c.School},
		{"treated_school", treated, c.Treated},
		{"teacher", teachers, c.Teacher},
		{"child", children, c.Child},
	}
	if !t.Observation.IsZero() {
		all = append(all, c.observation(t)...)
	}
	all = append(all, CostItem{"coach", coaches / costDraws, c.Coach})
	return slices.DeleteFunc(all, func(i CostItem) bool { return i.Price == 0 }), nil
}

// observation returns what makes up the cost of observing classes.
func (c Cost) observation(t dgp.Trial) []CostItem {
	plan := t.ObservationPlan()
	classes := float64(plan.Classes)
	days := classes * float64(plan.Days)
	segments := days * float64(plan.Segments)
	ratings := segments * float64(plan.Coders)
	return []CostItem{
		{"observation_day", days, c.Day},
		{"segment", segments, c.Segment},
		{"rating", ratings, c.Rating},
		{"coder_hour", ratings * c.Minutes / 60, c.Hour},
		{"rater", float64(t.Raters()), c.Rater},
	}
}

// Observation is the cost of observing the classes of a trial.
func (c Cost) Observation(t dgp.Trial) float64 {
	sum := 0.0
	for _, i := range c.observation(t) {
		sum += i.Sum()
	}
	return sum
}
