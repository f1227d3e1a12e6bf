package estimators

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"coachsim/estimators/lasso"
)

// PostSelection is least squares on the terms that other estimators list in the same
// data, with the standard errors of a regression chosen beforehand. What the choice
// does to them is what a simulation can tell: intervals are too narrow, and
// coefficients too large where a term is listed for being large by chance (Berk,
// Brown, Buja, Zhang and Zhao 2013; Leeb and Pötscher 2005).
//
// A term that is not listed has the status not-selected. The rows listed(x), 1 or 0,
// follow the coefficients, then R² (r2) and the number of terms listed, and the effects
// iqr(x) and iqr_sd(x).
type PostSelection struct {
	Selections  []string    `yaml:"selections" required:"true" minlen:"1" doc:"names of estimators that list terms, of kind prediction, which stand before this one and have the same formula and rows"`
	Combine     Combination `yaml:"combine" doc:"of several selections: any (terms that one of them lists) or all (terms that all list)"`
	Standardise bool        `yaml:"standardise" doc:"coefficients in SDs of the outcome per SD of the term, both over the rows"`
	Cluster     string      `yaml:"cluster" doc:"the clusters of CR1 standard errors: school, teacher, block or a factor; without, they are HC1"`
	Report      []string    `yaml:"report,omitempty" doc:"terms to report; by default all of the formula"`
	IQR         []string    `yaml:"iqr,omitempty" doc:"terms whose effect between their 25th and 75th percentiles is reported too: iqr(x) in the outcome's units, iqr_sd(x) in its SDs"`
}

// A Combination says which terms of several lists are taken.
type Combination uint8

// The combinations.
const (
	AnySelection  Combination = iota // of any list: the union
	AllSelections                    // of all: the intersection
	combinations
)

var combinationNames = [combinations]string{"any", "all"}

func (c Combination) String() string {
	if c >= combinations {
		return fmt.Sprintf("Combination(%d)", uint8(c))
	}
	return combinationNames[c]
}

// MarshalText writes the name.
func (c Combination) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads a name.
func (c *Combination) UnmarshalText(text []byte) error {
	i := slices.Index(combinationNames[:], string(text))
	if i < 0 {
		return fmt.Errorf("%q is no combination of selections; there are any and all", text)
	}
	*c = Combination(i)
	return nil
}

// Names lists the combinations.
func (Combination) Names() []string { return combinationNames[:] }

// Bind finds the selections.
func (o PostSelection) Bind(name string, s *Setup) (Fitter, error) {
	f := &postSelection{PostSelection: o}
	for i, other := range o.Selections {
		key := fmt.Sprintf("selections[%d]", i)
		selected := s.selections[other]
		if selected == nil {
			message := fmt.Sprintf("no estimator %q that lists terms stands before this one", other)
			if known := slices.Sorted(maps.Keys(s.selections)); len(known) > 0 {
				message += "; those that do are " + list(known)
			}
			return nil, keyError(key, fmt.Errorf("%s", message))
		}
		if i > 0 && !selected.design.same(f.of[0].design) {
			return nil, keyError(key, fmt.Errorf("%q and %q select among the terms of different formulas or rows", other, o.Selections[0]))
		}
		f.of = append(f.of, selected)
	}
	g := f.of[0].design
	f.design = g
	clusters := 0
	if o.Cluster != "" {
		c, err := s.findGrouping(o.Cluster)
		if err == nil && c.level > g.level {
			err = fmt.Errorf("%q varies within the %s rows", o.Cluster, g.level)
		}
		if err != nil {
			return nil, keyError("cluster", err)
		}
		f.grouping, clusters = c, c.most
		f.cluster = make([]int, s.shape.Max[g.level])
	}
	p := len(g.terms)
	f.values = make([]float64, 0, s.shape.Max[g.level])
	f.ols, f.chosen, f.at = lasso.NewOLS(s.shape.Max[g.level], p, clusters), make([]int, 0, p), make([]int, p)
	return f, f.findRows(name)
}

// A postSelection is a bound PostSelection.
type postSelection struct {
	PostSelection
	of       []*selection
	design   *design
	grouping grouping
	cluster  []int // by row; nil for none
	ols      *lasso.OLS
	chosen   []int // terms
	at       []int // by term: its place in chosen, or -1
	rows     []Row
	reported []int     // terms
	moved    []int     // terms
	values   []float64 // scratch: of a term
}

func (f *postSelection) findRows(name string) error {
	g := f.design
	formula := g.formula
	if f.Standardise {
		formula = formula.standardised()
	}
	for i, term := range f.Report {
		j := g.termAt(term)
		if j < 0 {
			return keyError(fmt.Sprintf("report[%d]", i), fmt.Errorf("%q is not a term of the formula; its terms are %s", term, strings.Join(g.terms, ", ")))
		}
		f.reported = append(f.reported, j)
	}
	for j := range g.terms {
		if f.Report == nil {
			f.reported = append(f.reported, j)
		}
	}
	for _, j := range f.reported {
		f.rows = append(f.rows, Row{
			Estimator: name, Outcome: g.outcome.Text, Term: g.terms[j],
			Projection: formula.projection(g.level, g.where, formula.Terms[j].String()),
		})
	}
	for _, j := range f.reported {
		f.rows = append(f.rows, Row{Estimator: name, Outcome: g.outcome.Text, Term: "listed(" + g.terms[j] + ")", Predictor: g.formula.predictor(j)})
	}
	for _, term := range []string{"r2", "listed"} {
		f.rows = append(f.rows, Row{Estimator: name, Outcome: g.outcome.Text, Term: term})
	}
	for i, term := range f.IQR {
		j := g.termAt(term)
		switch {
		case j < 0:
			return keyError(fmt.Sprintf("iqr[%d]", i), fmt.Errorf("%q is not a term of the formula; its terms are %s", term, strings.Join(g.terms, ", ")))
		case len(g.raw[j].factors) > 1 || g.raw[j].factors[0].power > 1:
			return keyError(fmt.Sprintf("iqr[%d]", i), fmt.Errorf("%q is a product; percentiles are of a column", term))
		case slices.Contains(f.moved, j):
			return keyError(fmt.Sprintf("iqr[%d]", i), fmt.Errorf("%q stands here twice", term))
		}
		f.moved = append(f.moved, j)
		for _, of := range []struct {
			name   string
			across Across
		}{{"iqr", Quartiles}, {"iqr_sd", QuartilesInSDs}} {
			p := formula.projection(g.level, g.where, formula.Terms[j].String())
			p.Across = of.across
			f.rows = append(f.rows, Row{Estimator: name, Outcome: g.outcome.Text, Term: of.name + "(" + term + ")", Projection: p})
		}
	}
	return nil
}

// Rows says what the estimates are about.
func (f *postSelection) Rows() []Row { return f.rows }

// Fit regresses on what is listed.
func (f *postSelection) Fit(s *Setup, out []Estimate) {
	status := f.choose()
	if status == OK && f.cluster != nil {
		f.cluster = f.cluster[:len(f.design.unit)]
		for i, u := range f.design.unit {
			if f.cluster[i] = f.grouping.of(s.data, f.design.level, u); f.cluster[i] < 0 {
				status = NotFinite
			}
		}
	}
	if status != OK {
		for i := range out {
			out[i] = failed(status)
		}
		return
	}
	g, o := f.design, f.ols
	o.Fit(g.x, g.y, nil, f.chosen, f.cluster)
	last := 2 * len(f.reported)
	out[last], out[last+1] = number(o.R2), number(float64(len(f.chosen)))
	if !finite(o.R2) {
		out[last] = failed(NoVariation)
	}
	ofOutcome := sdOf(g.y)
	for k, j := range f.moved {
		f.values = append(f.values[:0], g.x[j]...)
		e := f.coefficient(j).tested().times(quartileDistance(f.values))
		out[last+2+2*k], out[last+3+2*k] = e, e.times(1/ofOutcome)
	}
	for k, j := range f.reported {
		out[k] = f.estimate(j)
		out[len(f.reported)+k] = number(indicator(f.at[j] >= 0))
	}
}

// choose lists the terms.
func (f *postSelection) choose() Status {
	f.chosen = f.chosen[:0]
	for _, selected := range f.of {
		if selected.status != OK {
			return selected.status
		}
	}
	for j := range f.at {
		lists := 0
		for _, selected := range f.of {
			if selected.listed[j] {
				lists++
			}
		}
		f.at[j] = -1
		if lists == len(f.of) || f.Combine == AnySelection && lists > 0 {
			f.at[j] = len(f.chosen)
			f.chosen = append(f.chosen, j)
		}
	}
	return OK
}

// estimate is the coefficient of a term as it is reported.
func (f *postSelection) estimate(term int) Estimate {
	e := f.coefficient(term)
	if f.Standardise {
		x, y := spreadOf(f.design.x[term]), spreadOf(f.design.y)
		e = e.times(math.Sqrt(x.square / y.square))
	}
	return e.tested()
}

// coefficient is the coefficient of a term, without its p-value.
func (f *postSelection) coefficient(term int) Estimate {
	o, at := f.ols, f.at[term]
	switch {
	case at < 0:
		return failed(NotSelected)
	case o.Collinear[at]:
		return failed(Collinear)
	case !(o.DF > 0):
		return failed(TooFewRows)
	case !(o.SE[at] > 0):
		return failed(NoResidual)
	case !finite(o.Beta[at]) || !finite(o.SE[at]):
		return failed(NotFinite)
	}
	return Estimate{Value: o.Beta[at], SE: o.SE[at], DF: o.DF}
}

// tested is the estimate with its p-value by t.
func (e Estimate) tested() Estimate {
	if e.Status.Worked() {
		e.P = studentP(e.Value/e.SE, e.DF)
	}
	return e
}

var _ Method = PostSelection{}
