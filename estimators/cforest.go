package estimators

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"coachsim/dgp"
	"coachsim/estimators/forest"
)

// CForest is a forest of conditional inference trees (Strobl, Boulesteix,
// Zeileis and Hothorn 2007), R's cforest: each tree is grown on a random part of
// the rows, and for each node some inputs are drawn. The rows that a tree was not
// grown on, its out-of-bag rows, judge its predictions.
//
// For every outcome there are the rows
//
//	importance(x)  how much the mean squared error of out-of-bag rows grows when
//	               x is made worthless, on average over trees
//	emerges(x)     1 where that is important by the rule of emerges, else 0
//	oob_mse        mean squared error of predicting each row by the trees that
//	               were grown without it
//
// and with tune also mincriterion, trees and minsplit: the point of the grid with
// the smallest oob_mse, at which the forest is grown.
type CForest struct {
	Formula     string `yaml:"formula" required:"true" doc:"outcomes ~ inputs; factor(x) for levels without an order"`
	Rows        string `yaml:"rows" doc:"level of the rows: school, teacher or child; by default that of the outcome"`
	Where       string `yaml:"where" doc:"restriction of the rows, such as grade == 2"`
	Growing     `yaml:",inline"`
	Trees       int              `yaml:"trees" min:"1" max:"100000" doc:"number of trees"`
	Mtry        int              `yaml:"mtry" min:"0" doc:"inputs drawn for each node; 0 for the root of their number, rounded up"`
	Fraction    float64          `yaml:"fraction" gt:"0" max:"1" doc:"share of the rows that a tree is grown on, drawn without replacement"`
	Bootstrap   bool             `yaml:"bootstrap" doc:"grow each tree on as many rows as there are, drawn with replacement, in place of fraction"`
	Importance  forest.Variation `yaml:"importance" doc:"how an input is made worthless: routing (random routes at its splits, as party's varimp), permutation (of its values among out-of-bag rows: Breiman's, party's pre1.0_0) or node-permutation (of the routes, as partykit's)"`
	Using       bool             `yaml:"using" doc:"average the importance over the trees that use the input, as partykit does, in place of all trees"`
	Conditional float64          `yaml:"conditional,omitempty" min:"0" lt:"1" doc:"conditional importance (Strobl et al. 2008), with importance: permutation: values are permuted within cells of the inputs whose association has 1 - p above this; 0 for none, 0.2 is party's"`
	Relative    bool             `yaml:"relative" doc:"divide importances by the largest"`
	Emerges     forest.Emergence `yaml:"emerges" doc:"rule of importance: absmin (above the size of the most negative importance), positive, top:K (the K largest) or share:S (above S times the largest)"`
	Tune        *ForestGrid      `yaml:"tune" doc:"values to choose from by the out-of-bag error; without it the forest is grown by the keys above"`
	Report      []string         `yaml:"report" doc:"inputs to report, as written in the formula; by default all"`
}

// A ForestGrid is what a forest is tuned over: every combination.
type ForestGrid struct {
	MinCriterion []float64 `yaml:"mincriterion" required:"true" minlen:"1" doc:"values of mincriterion, at least 0 and below 1"`
	Trees        []int     `yaml:"trees" required:"true" minlen:"1" doc:"numbers of trees"`
	MinSplit     []int     `yaml:"minsplit" required:"true" minlen:"1" doc:"values of minsplit, at least 2"`
}

// grid checks the values and returns them in order.
func (g *ForestGrid) grid() (forest.Grid, error) {
	for i, v := range g.MinCriterion {
		if !(v >= 0 && v < 1) {
			return forest.Grid{}, keyError(fmt.Sprintf("tune.mincriterion[%d]", i), fmt.Errorf("%v must be at least 0 and below 1", v))
		}
	}
	for i, v := range g.Trees {
		if v < 1 || v > maxTrees {
			return forest.Grid{}, keyError(fmt.Sprintf("tune.trees[%d]", i), fmt.Errorf("%d must lie between 1 and %d", v, maxTrees))
		}
	}
	for i, v := range g.MinSplit {
		if v < 2 {
			return forest.Grid{}, keyError(fmt.Sprintf("tune.minsplit[%d]", i), fmt.Errorf("%d must be at least 2", v))
		}
	}
	all := forest.Grid{MinCriterion: slices.Clone(g.MinCriterion), Trees: slices.Clone(g.Trees), MinSplit: slices.Clone(g.MinSplit)}
	slices.Sort(all.MinCriterion)
	slices.Sort(all.Trees)
	slices.Sort(all.MinSplit)
	return all, nil
}

// maxTrees is the most trees of a forest.
const maxTrees = 100000

// Bind looks up the columns.
func (o CForest) Bind(name string, s *Setup) (Fitter, error) {
	if o.Conditional > 0 && o.Importance != forest.Permutation {
		return nil, keyError("conditional", fmt.Errorf("the conditional importance permutes values; it needs importance: %s, and this is %s", forest.Permutation, o.Importance))
	}
	f, err := s.growFormula(o.Formula)
	if err != nil {
		return nil, err
	}
	return s.eachOutcome(f, func(f *Formula) (Fitter, error) { return o.bind(name, s, f) })
}

// bind binds one outcome.
func (o CForest) bind(name string, s *Setup, f *Formula) (Fitter, error) {
	g, err := s.newGrove(f, o.Rows, o.Where)
	if err != nil {
		return nil, err
	}
	p := len(g.inputs)
	if o.Mtry > p {
		return nil, keyError("mtry", fmt.Errorf("%d inputs are to be drawn for a node; the formula has %d", o.Mtry, p))
	}
	c := &cforest{
		CForest: o, name: name, grove: g, grow: o.control(), source: dgp.NewSource(), purpose: dgp.EstimatorPurpose(name),
		importance: make([]float64, p), order: make([]int, p), marked: make([]bool, p),
	}
	c.grow.Inputs = cmp.Or(o.Mtry, forest.Defaults(p).Inputs)
	c.grow.Fraction, c.grow.Bootstrap = o.Fraction, o.Bootstrap
	if err := c.grow.Validate(p); err != nil {
		return nil, err
	}
	if o.Tune != nil {
		if c.grid, err = o.Tune.grid(); err != nil {
			return nil, err
		}
		c.errors = make([]float64, c.grid.Points())
	}
	if c.reported, err = g.find(o.Report); err != nil {
		return nil, err
	}
	row := func(term string) {
		c.rows = append(c.rows, Row{Estimator: name, Outcome: f.Outcomes[0].Text, Term: term})
	}
	for _, j := range c.reported {
		row(fmt.Sprintf("importance(%s)", g.inputs[j].text))
	}
	for _, j := range c.reported {
		row(fmt.Sprintf("emerges(%s)", g.inputs[j].text))
		c.rows[len(c.rows)-1].Predictor = f.predictor(j)
	}
	row("oob_mse")
	if o.Tune != nil {
		row("mincriterion")
		row("trees")
		row("minsplit")
	}
	return c, nil
}

// A cforest is a bound CForest of one outcome.
type cforest struct {
	CForest
	name       string
	grown      int // trees of the last Fit, 0 where it failed
	rows       []Row
	grove      *grove
	grow       forest.Control
	grid       forest.Grid
	errors     []float64 // by point of the grid
	reported   []int
	source     *dgp.Source
	purpose    dgp.Purpose
	importance []float64
	order      []int
	marked     []bool
}

// Rows says what the estimates are about.
func (c *cforest) Rows() []Row { return c.rows }

// Fit grows the forest.
func (c *cforest) Fit(s *Setup, out []Estimate) {
	c.grown = 0
	status := c.grove.load(s)
	if status == OK {
		status = c.fit(c.source.Load(s.stream, c.purpose).Rand, out)
	}
	if status != OK {
		for i := range out {
			out[i] = failed(status)
		}
	}
}

func (c *cforest) fit(r *rand.Rand, out []Estimate) Status {
	f, grow, trees := c.grove.trees, c.grow, c.Trees
	if c.Tune != nil {
		best := f.Tune(c.grove.rows, c.grid, grow, c.errors, r)
		grow.MinCriterion, trees, grow.MinSplit = c.grid.At(best)
	}
	f.Grow(c.grove.rows, grow, trees, r)
	mse := f.OOBMSE()
	if math.IsNaN(mse) {
		return TooFewRows // no row is out of a bag
	}
	f.Importance(forest.Importance{Variation: c.Importance, Using: c.Using, Conditional: c.Conditional}, c.importance, r)
	c.Emerges.Mark(c.importance, c.order, c.marked)
	if c.Relative {
		forest.Relative(c.importance)
	}
	k := len(c.reported)
	for i, j := range c.reported {
		out[i], out[k+i] = number(c.importance[j]), number(indicator(c.marked[j]))
	}
	out[2*k] = number(mse)
	if c.Tune != nil {
		out[2*k+1], out[2*k+2], out[2*k+3] = number(grow.MinCriterion), number(float64(trees)), number(float64(grow.MinSplit))
	}
	c.grown = trees
	return OK
}

var _ Method = CForest{}
