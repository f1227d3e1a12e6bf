package estimators

import (
	"fmt"
	"slices"

	"coachsim/estimators/forest"
)

// Growing says how conditional inference trees are grown (Hothorn, Hornik and
// Zeileis 2006). Keys are named as in R's ctree_control.
type Growing struct {
	Statistic    forest.Statistic  `yaml:"statistic" doc:"test statistic of a factor: quadratic or maximum; for numbers they agree"`
	Adjust       forest.Adjustment `yaml:"adjust" doc:"adjustment of a node's p-values: bonferroni (for the inputs that vary in the node, as partykit), bonferroni-all (for all inputs or those drawn, as party) or univariate (none)"`
	Permutations int               `yaml:"permutations,omitempty" min:"0" max:"99999" doc:"permutations of Monte Carlo p-values; 0 for asymptotic ones"`
	MinCriterion float64           `yaml:"mincriterion" min:"0" lt:"1" doc:"a node is split if 1 - p is larger: 1 - alpha"`
	MinSplit     int               `yaml:"minsplit" min:"2" doc:"rows that a node needs to be split"`
	MinBucket    int               `yaml:"minbucket" min:"1" doc:"rows that each part of a split needs"`
	MinProb      float64           `yaml:"minprob" min:"0" lt:"0.5" doc:"rows that each part of a split needs, as a share of the node's"`
	MaxDepth     int               `yaml:"maxdepth,omitempty" min:"0" max:"1000" doc:"splits on the way to a leaf, at most; 0 for no limit"`
}

// control returns the options as forest takes them.
func (g Growing) control() forest.Control {
	return forest.Control{
		Statistic: g.Statistic, Adjustment: g.Adjust, Permutations: g.Permutations, MinCriterion: g.MinCriterion,
		MinSplit: g.MinSplit, MinBucket: g.MinBucket, MinShare: g.MinProb, MaxDepth: g.MaxDepth,
	}
}

// growing are the options of a method's trees, by the defaults of a control.
func growing(c forest.Control) Growing {
	return Growing{
		Statistic: c.Statistic, Adjust: c.Adjustment, Permutations: c.Permutations, MinCriterion: c.MinCriterion,
		MinSplit: c.MinSplit, MinBucket: c.MinBucket, MinProb: c.MinShare, MaxDepth: c.MaxDepth,
	}
}

// grove is a formula whose terms are inputs of trees: numbers, as they are, and
// factor(x), whose levels a split divides into any two sets.
type grove struct {
	design *design
	inputs []grownInput
	levels []grouping // of the factors

	trees  *forest.Forest
	x      [][]float64 // by input
	codes  [][]float64 // by factor
	rows   []int
	loaded bool
}

// A grownInput is a term: a place in the design, or among the factors.
type grownInput struct {
	text   string
	place  int
	factor bool
	labels []string // of a factor's levels
}

// growFormula parses a formula for trees. Factors keep their terms.
func (s *Setup) growFormula(text string) (*Formula, error) {
	f, err := ParseFormula(text, s.lists)
	if err != nil {
		return nil, keyError("formula", err)
	}
	if err := s.writeOutEverything(f, nil); err != nil {
		return nil, keyError("formula", err)
	}
	switch {
	case f.Endogenous != nil:
		err = f.NotInstrumented()
	case len(f.Random) > 0:
		err = &SyntaxError{Offset: f.Random[0].Pos, Message: "trees have no random effects"}
	case f.Absorb != "":
		err = &SyntaxError{Offset: f.AbsorbPos, Message: fmt.Sprintf("trees absorb no effects; factor(%s) makes it an input", f.Absorb)}
	case !f.Intercept:
		err = &SyntaxError{Offset: len(text), Message: "trees have no intercept to leave out"}
	case len(f.Terms) == 0:
		err = &SyntaxError{Offset: len(text), Message: "a tree needs inputs, such as y ~ age + factor(region)"}
	}
	if err != nil {
		return nil, keyError("formula", err)
	}
	return f, nil
}

// newGrove looks up the columns of a formula with one outcome.
func (s *Setup) newGrove(f *Formula, rows, where string) (*grove, error) {
	g := &grove{}
	numbers := *f
	numbers.Terms = nil
	var factors []int // columns
	var variables []forest.Variable
	for _, t := range f.Terms {
		if len(t.Factors) == 1 && t.Factors[0].isFactor() && t.Factors[0].Power == 1 {
			of, labels, err := s.factorLevels(t.Factors[0].Call.Args[0])
			if err != nil {
				return nil, keyError("formula", err)
			}
			g.inputs = append(g.inputs, grownInput{text: t.String(), place: len(g.levels), factor: true, labels: labels})
			g.levels = append(g.levels, of)
			if of.column >= 0 {
				factors = append(factors, of.column)
			}
			variables = append(variables, forest.Variable{Name: t.String(), Scale: forest.Unordered, Levels: of.most})
			continue
		}
		g.inputs = append(g.inputs, grownInput{text: t.String(), place: len(numbers.Terms)})
		numbers.Terms = append(numbers.Terms, t)
		variables = append(variables, forest.Variable{Name: t.String()})
	}
	var err error
	if g.design, err = s.designOf(&numbers, rows, where); err != nil {
		return nil, err
	}
	for _, of := range g.levels {
		if of.level > g.design.level {
			return nil, keyError("formula", fmt.Errorf("a factor of %s units cannot be an input of %s rows", of.level, g.design.level))
		}
	}
	g.design.filter = s.observed(g.design.filter, s.indicators(factors))
	most := s.shape.Max[g.design.level]
	if err := forest.ValidateVariables(variables, most); err != nil {
		return nil, keyError("formula", err)
	}
	g.trees = forest.New(variables, most)
	g.x, g.rows = make([][]float64, len(g.inputs)), make([]int, 0, most)
	for range g.levels {
		g.codes = append(g.codes, make([]float64, most))
	}
	return g, nil
}

// find returns the places of inputs to report, by default all.
func (g *grove) find(report []string) ([]int, error) {
	var places []int
	if report == nil {
		for j := range g.inputs {
			places = append(places, j)
		}
		return places, nil
	}
	for i, text := range report {
		t, err := ParseTerm(text)
		j := -1
		if err == nil {
			j = slices.IndexFunc(g.inputs, func(in grownInput) bool {
				own, err := ParseTerm(in.text)
				return err == nil && own.key() == t.key()
			})
			if j < 0 {
				err = fmt.Errorf("%q is not an input of the formula", text)
			} else if slices.Contains(places, j) {
				err = fmt.Errorf("%q stands here twice", text)
			}
		}
		if err != nil {
			return nil, keyError(fmt.Sprintf("report[%d]", i), err)
		}
		places = append(places, j)
	}
	return places, nil
}

// load reads the data set being fitted into the forest.
func (g *grove) load(s *Setup) Status {
	g.loaded = false
	if status := g.design.load(s); status != OK {
		return status
	}
	n := len(g.design.y)
	for j, in := range g.inputs {
		if !in.factor {
			g.x[j] = g.design.x[in.place]
			continue
		}
		codes := g.codes[in.place][:n]
		for i, unit := range g.design.unit {
			codes[i] = float64(g.levels[in.place].of(s.data, g.design.level, unit))
		}
		g.x[j] = codes
	}
	if n < 2 {
		return TooFewRows
	}
	if y := spreadOf(g.design.y); !(y.square > 1e-20*y.raw) {
		return NoVariation
	}
	if err := g.trees.Load(g.design.y, g.x); err != nil {
		return NotFinite // or a level that the factor does not have
	}
	g.rows = g.rows[:0]
	for i := range n {
		g.rows = append(g.rows, i)
	}
	g.loaded = true
	return OK
}

// eachOutcome binds a formula outcome by outcome: each has rows and trees of its
// own.
func (s *Setup) eachOutcome(f *Formula, bind func(f *Formula) (Fitter, error)) (Fitter, error) {
	var all fitters
	for _, out := range f.Outcomes {
		one := *f
		one.Outcomes, one.siblings = []Outcome{out}, f.Outcomes
		fitter, err := bind(&one)
		if err != nil {
			return nil, err
		}
		all.each = append(all.each, fitter)
		all.rows = append(all.rows, fitter.Rows()...)
	}
	if len(all.each) == 1 {
		return all.each[0], nil
	}
	return &all, nil
}

// A GrownNode is a node of a tree in words, in the order of a walk that goes
// left first.
type GrownNode struct {
	Depth     int
	Term      string   // that it splits on, "" for a leaf
	Cut       float64  // of a number: values up to it go left
	Levels    []string // of a factor: those that go left, of the ones that occur in the node
	Left      int      // places of the parts
	Right     int
	N         int
	Mean      float64    // of the outcome
	Quartiles [5]float64 // of the outcome: the smallest value, quartiles (R's type 7) and the largest
	Tested    string     // the term with the best test, "" where none was tested
	Statistic float64    // of it
	P         float64    // adjusted
}

// A GrownTree is the tree of a CTree for one outcome.
type GrownTree struct {
	Estimator, Outcome string
	Nodes              []GrownNode
}

// Trees returns those of the last Fit, of all CTrees, in the order of Rows.
func (p *Panel) Trees() []GrownTree {
	var all []GrownTree
	for _, f := range p.fitters {
		all = append(all, grownTrees(f)...)
	}
	return all
}

func grownTrees(f Fitter) (all []GrownTree) {
	switch f := f.(type) {
	case *fitters:
		for _, one := range f.each {
			all = append(all, grownTrees(one)...)
		}
	case *ctree:
		if f.grove.loaded {
			all = append(all, GrownTree{Estimator: f.name, Outcome: f.grove.design.outcome.Text, Nodes: f.grove.nodes()})
		}
	}
	return all
}

// nodes puts the forest's first tree, which was grown on all rows, in words.
func (g *grove) nodes() []GrownNode {
	tree := g.trees.Tree(0)
	values := make([][]float64, len(tree)) // of the outcome, by node
	for _, row := range g.rows {
		for at := 0; ; {
			values[at] = append(values[at], g.design.y[row])
			n := &tree[at]
			if n.Variable < 0 {
				break
			}
			if at = n.Right; n.GoesLeft(g.x[n.Variable][row]) {
				at = n.Left
			}
		}
	}
	var all []GrownNode
	for i, n := range tree {
		node := GrownNode{Depth: n.Depth, Left: n.Left, Right: n.Right, N: n.N, Mean: n.Mean, Statistic: n.Statistic, P: n.P}
		slices.Sort(values[i])
		for k := range node.Quartiles {
			node.Quartiles[k] = percentileOf(values[i], 25*float64(k))
		}
		if n.Tested >= 0 {
			node.Tested = g.inputs[n.Tested].text
		}
		if n.Variable >= 0 {
			in := g.inputs[n.Variable]
			node.Term, node.Cut = in.text, n.Cut
			for _, level := range n.Levels {
				node.Levels = append(node.Levels, in.labels[level])
			}
		}
		all = append(all, node)
	}
	return all
}
