package estimators

import (
	"fmt"

	"coachsim/dgp"
)

// CTree is a conditional inference tree (Hothorn, Hornik and Zeileis 2006), R's
// ctree: a node is split on the input with the smallest p-value of a permutation
// test of association with the outcome, if that is significant, at the cut point
// with the largest two-sample statistic. Inputs are terms of numbers, 0/1 or
// ordered numbers, and factor(x) for levels without an order.
//
// For every outcome there are the rows
//
//	split(x)  1 where the tree splits on x anywhere, else 0
//	leaves    the number of leaves
//	depth     the most splits on the way to a leaf
type CTree struct {
	Formula string `yaml:"formula" required:"true" doc:"outcomes ~ inputs; factor(x) for levels without an order"`
	Rows    string `yaml:"rows" doc:"level of the rows: school, teacher or child; by default that of the outcome"`
	Where   string `yaml:"where" doc:"restriction of the rows, such as grade == 2"`
	Growing `yaml:",inline"`
	Report  []string `yaml:"report" doc:"inputs to report, as written in the formula; by default all"`
}

// Bind looks up the columns.
func (o CTree) Bind(name string, s *Setup) (Fitter, error) {
	f, err := s.growFormula(o.Formula)
	if err != nil {
		return nil, err
	}
	return s.eachOutcome(f, func(f *Formula) (Fitter, error) {
		g, err := s.newGrove(f, o.Rows, o.Where)
		if err != nil {
			return nil, err
		}
		if err := o.control().Validate(len(g.inputs)); err != nil {
			return nil, err
		}
		t := &ctree{CTree: o, name: name, grove: g, used: make([]bool, len(g.inputs)), source: dgp.NewSource(), purpose: dgp.EstimatorPurpose(name)}
		if t.reported, err = g.find(o.Report); err != nil {
			return nil, err
		}
		row := func(term string) {
			t.rows = append(t.rows, Row{Estimator: name, Outcome: f.Outcomes[0].Text, Term: term})
		}
		for _, j := range t.reported {
			row(fmt.Sprintf("split(%s)", g.inputs[j].text))
			t.rows[len(t.rows)-1].Predictor = f.predictor(j)
		}
		row("leaves")
		row("depth")
		return t, nil
	})
}

// A ctree is a bound CTree of one outcome.
type ctree struct {
	CTree
	name     string
	rows     []Row
	grove    *grove
	reported []int
	used     []bool
	source   *dgp.Source // of Monte Carlo p-values
	purpose  dgp.Purpose
}

// Rows says what the estimates are about.
func (t *ctree) Rows() []Row { return t.rows }

// Fit grows the tree.
func (t *ctree) Fit(s *Setup, out []Estimate) {
	g := t.grove
	if status := g.load(s); status != OK {
		for i := range out {
			out[i] = failed(status)
		}
		return
	}
	g.trees.GrowTree(g.rows, t.control(), t.source.Load(s.stream, t.purpose).Rand)
	leaves, depth := g.trees.Shape(0, t.used)
	for i, j := range t.reported {
		out[i] = number(indicator(t.used[j]))
	}
	k := len(t.reported)
	out[k], out[k+1] = number(float64(leaves)), number(float64(depth))
}

var _ Method = CTree{}
