package estimators

import (
	"fmt"

	"coachsim/dgp"
	"coachsim/dgp/spelling"
	"coachsim/estimators/forest"
)

// A Method declares an estimator: a struct of typed options, which are its
// keys in a study file. Bind checks them against the columns of the data; all
// errors happen there.
//
// To add a method, write one file like correlation.go: the struct, its Bind, a
// Fitter, and a line in Methods.
type Method interface {
	Bind(name string, s *Setup) (Fitter, error)
}

// A Fitter is a method bound to the columns of one worker's data, with all its
// scratch.
type Fitter interface {
	// Rows says what the estimates of Fit are about.
	Rows() []Row
	// Fit estimates from the data set that the Setup last loaded. It fills
	// out, one Estimate for each of Rows, and neither fails nor allocates.
	Fit(s *Setup, out []Estimate)
}

// Methods returns every method by its kind, each with its defaults.
func Methods() map[string]Method {
	return map[string]Method{
		"ols":                 OLS{},
		"cforest":             CForest{Growing: growing(forest.Defaults(1)), Trees: 1000, Fraction: forest.Defaults(1).Fraction},
		"correlation":         Correlation{},
		"ctree":               CTree{Growing: growing(forest.TreeDefaults())},
		"difference-in-means": DifferenceInMeans{},
		"ipw":                 IPW{SE: CR1},
		"iv":                  IV{},
		"lasso":               Lasso{Mix: 1, Folds: 10, Standardise: true},
		"lee-bounds":          LeeBounds{},
		"lin":                 Lin{SE: HC2},
		"mediation":           Mediation{Draws: 999},
		"mixed":               Mixed{},
		"post-selection":      PostSelection{},
		"prediction":          Prediction{Runs: 200, TestShare: 0.2},
		"randomisation":       Randomisation{OLS: OLS{SE: CR1}, Draws: 999},
		"reliability":         Reliability{},
		"value-added":         ValueAdded{Of: "teacher"},
		"wild-bootstrap":      WildBootstrap{OLS: OLS{SE: CR1}, Draws: 999},
	}
}

// A KeyError is a fault in one key of a method's options.
type KeyError struct {
	Key    string // e.g. "formula"
	Offset int    // in the key's text, or -1
	Err    error
}

func (e *KeyError) Error() string { return e.Key + ": " + e.Err.Error() }

// Unwrap returns the fault itself.
func (e *KeyError) Unwrap() error { return e.Err }

// keyError blames a key; the offset of a SyntaxError is kept.
func keyError(key string, err error) error {
	offset := -1
	if syntax, ok := err.(*SyntaxError); ok { //nolint:errorlint // made by this package, never wrapped
		offset = syntax.Offset
	}
	return &KeyError{Key: key, Offset: offset, Err: err}
}

// A Setup is what the methods of one worker share: the columns, those derived
// from them, and the cross-products of rows that several methods use.
type Setup struct {
	shape dgp.Shape
	lists map[string]string

	derived    []*derived
	sources    []*source
	selector   *selector
	scratch    []float64 // by unit
	cores      []*core
	linear     []*linear
	wild       []*wild
	random     []*randomisation
	paths      []*paths
	mediations []*mediation
	splits     []*splits
	selections map[string]*selection // by estimator
	dense      *dense

	alpha   float64
	stream  dgp.Stream
	data    *dgp.Data
	columns [][]float64
}

func newSetup(shape dgp.Shape, lists map[string]string) *Setup {
	return &Setup{shape: shape, lists: lists, alpha: 0.05, selections: map[string]*selection{}}
}

// Shape describes the data.
func (s *Setup) Shape() dgp.Shape { return s.shape }

// Data returns the data set being fitted.
func (s *Setup) Data() *dgp.Data { return s.data }

// Column returns the values of a column in the data set being fitted.
func (s *Setup) Column(i int) []float64 { return s.columns[i] }

// level returns the level of a column, derived or not.
func (s *Setup) level(column int) dgp.Level {
	if n := len(s.shape.Columns); column >= n {
		return s.derived[column-n].level
	}
	return s.shape.Columns[column].Level
}

// center returns a column's mean by design, 0 where it is not known.
func (s *Setup) center(column int) float64 {
	if n := len(s.shape.Columns); column >= n {
		return s.derived[column-n].center
	}
	return s.shape.Columns[column].Center
}

// origins returns the columns of the data behind a column.
func (s *Setup) origins(column int) []int {
	if n := len(s.shape.Columns); column >= n {
		return s.derived[column-n].columns
	}
	return []int{column}
}

// lookUp finds a column of the data by name.
func (s *Setup) lookUp(name string, offset int) (int, error) {
	i := s.shape.Index(name)
	for k, c := range s.shape.Columns { // a number goes before a factor of the same name
		if c.Name == name && c.Levels == 0 {
			i = k
			break
		}
	}
	if i < 0 {
		message := fmt.Sprintf("there is no column %q", name)
		if best := spelling.Nearest(name, s.shape.Names()); best != "" {
			message += fmt.Sprintf("; did you mean %q?", best)
		} else {
			var names []string
			for _, c := range s.shape.Columns {
				if c.Rating == nil {
					names = append(names, c.Name)
				}
			}
			if len(names) <= 40 {
				message += fmt.Sprintf("; the columns are %s", list(names))
			}
		}
		return 0, &SyntaxError{Offset: offset, Message: message}
	}
	return i, nil
}

// list writes names with commas.
func list(names []string) string {
	text := ""
	for i, n := range names {
		if i > 0 {
			text += ", "
		}
		text += n
	}
	return text
}

// bindFilter binds a condition to the columns; nil where there is none.
func (s *Setup) bindFilter(text string) (*filter, error) {
	tests, err := parseCondition(text)
	if err != nil || tests == nil {
		return nil, err
	}
	f := &filter{test: tests}
	for _, t := range tests {
		column, err := s.lookUp(t.name, t.pos)
		if err != nil {
			return nil, err
		}
		level := s.shape.Columns[column].Level
		f.column = append(f.column, column)
		f.levels = append(f.levels, level)
		f.level = max(f.level, level)
	}
	return f, nil
}

// coreFor returns the core of a key, after adding it if need be.
func (s *Setup) coreFor(key coreKey, f *filter, weights *weighting, absorbed grouping) *core {
	for _, c := range s.cores {
		if c.key == key {
			return c
		}
	}
	c := &core{key: key, filter: f, weights: weights, absorbed: absorbed, group: min(key.rows, dgp.TeacherLevel), basis: make([]monomial, 1), products: make([]monomial, 1)}
	s.cores = append(s.cores, c)
	return c
}

// finish sizes what all methods together need.
func (s *Setup) finish() {
	most := 0
	for _, n := range s.shape.Max {
		most = max(most, n)
	}
	s.selector = newSelector(most)
	s.scratch = make([]float64, most)
	s.columns = make([][]float64, len(s.shape.Columns)+len(s.derived))
	rows, terms, outcomes := 0, 0, 0
	for _, c := range s.cores {
		c.pairSquares()
		order := c.sortTerms()
		for _, l := range s.linear {
			if l.core == c {
				for i, u := range l.terms {
					l.terms[i] = order[u]
				}
			}
		}
		c.allocate(s.shape)
		rows = max(rows, s.shape.Max[c.key.rows])
		terms = max(terms, len(c.terms))
		outcomes = max(outcomes, len(c.outcomes))
	}
	for _, l := range s.linear {
		l.allocate(s.shape)
		terms = max(terms, len(l.terms)) // x:x^2 and x^3 share a place in the core
	}
	nest(s.linear)
	for _, w := range s.wild {
		w.allocate(s.shape)
	}
	for _, r := range s.random {
		r.allocate(s.shape)
	}
	for _, p := range s.paths {
		p.allocate(s.shape)
	}
	for _, m := range s.mediations {
		m.allocate(s.shape)
	}
	for _, p := range s.splits {
		p.allocate(s.shape)
	}
	s.dense = newDense(rows, terms)
}

// load reads one data set for all methods.
func (s *Setup) load(d *dgp.Data) {
	s.data = d
	copy(s.columns, d.Columns)
	for i, c := range s.derived {
		if c.function.fit != nil {
			c.function.fit(c, s, s.columns)
		}
		c.values = c.values[:d.N[c.level]]
		c.function.apply(c, d, s.columns, c.values)
		s.blank(c)
		s.columns[len(d.Columns)+i] = c.values
	}
	for _, c := range s.cores {
		if !c.late {
			c.load(d, s.columns)
		}
	}
	for _, p := range s.paths {
		p.fit(s)
	}
	for _, p := range s.splits {
		p.fit(s)
	}
}
