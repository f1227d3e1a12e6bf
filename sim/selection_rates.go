package sim

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
)

// SelectionRates say of one estimator in one cell how often it finds the covariates
// that truly predict the outcome, and whether its intervals for their coefficients
// are honest. Shares of covariates and of intervals are ratios of two counts that both
// may differ between trials; their Monte Carlo standard errors are those of ratio
// estimators with the trial as the unit (Cochran 1977, equation 6.13), since what is
// chosen in one trial is chosen together.
type SelectionRates struct {
	Cell      int
	Factors   []Factor
	Estimator string
	Outcome   string
	N         int // trials

	// Of an estimator that lists covariates, as by listed(x), selected(x), split(x) or
	// emerges(x), over the trials in which it did; NaN of others.
	Selects     bool
	True        int   // covariates that it may list, or has coefficients of, and that truly predict
	Others      int   // that do not
	ListedTrue  Share // of the true predictors, those listed
	ListedOther Share // of the others
	Number      Share // of covariates listed, on average: a number, not a share
	AnyFalse    Share // of trials in which one of the others is listed
	FalseListed Share // of the covariates listed, others (a pooled false discovery rate)

	// Of the 1-alpha intervals of coefficients, those that hold the truth. An estimator
	// that infers after selection gives intervals to what it chose alone, so that they
	// are conditional on being chosen.
	Estimand       string // what the coefficients are held against, "" without intervals
	CoverTrue      Share  // of those of true predictors
	CoverOther     Share  // of those of others
	TrueIntervals  int    // that CoverTrue is a share of
	OtherIntervals int    // that CoverOther is a share of

	terms map[string]bool // of the log that are counted
}

// Selects reports whether any estimate says that a covariate is selected, with
// whether it should be.
func (s Summary) selects() bool {
	return slices.ContainsFunc(s.Rows, func(r SummaryRow) bool {
		_, lists := listing(r.Term)
		return lists && r.Estimand == predictorName
	})
}

// AddSelection measures selection, how stable it and ranks of covariates are, and the
// importance of covariates without effect, where an estimator of the study selects and it
// is known what truly predicts. It reads the log once, in the order of (cell,
// replicate), and its memory does not grow with replicates.
func (s *Summary) AddSelection(study Study, chunks iter.Seq2[[]Record, error]) error {
	s.Selection, s.Stability, s.Bias = nil, nil, nil
	if !s.selects() {
		return nil
	}
	designs := study.designs()
	return s.addSelection(designs, func(cell int) (covariateTruth, error) { return designs[cell].Study.covariates() }, chunks)
}

// addSelection measures cell after cell; truths tells what covariates of a cell are.
func (s *Summary) addSelection(designs []Cell, truths func(cell int) (covariateTruth, error), chunks iter.Seq2[[]Record, error]) error {
	rates := selectionMeasurer{limits: newLimits(s.Alpha)}
	var ranks rankMeasurer
	finish := func() {
		rates.finishReplicate()
		ranks.finishReplicate()
	}
	cell, replicate := -1, -1
	finishCell := func() {
		if cell < 0 {
			return
		}
		finish()
		factors := designs[cell].Factors
		s.Selection = append(s.Selection, rates.measures(cell, factors)...)
		stability, bias := ranks.measures(cell, factors)
		s.Stability, s.Bias = append(s.Stability, stability...), append(s.Bias, bias...)
	}
	err := eachRecord(chunks, func(r *Record) error {
		switch {
		case r.Cell != cell:
			finishCell()
			if r.Cell < 0 || r.Cell >= len(designs) {
				return fmt.Errorf("the log has a cell %d, the study has %d", r.Cell, len(designs))
			}
			truth, err := truths(r.Cell)
			if err != nil {
				return err
			}
			rates.start(truth.role)
			ranks.start(designs[r.Cell].Study, truth)
		case r.Replicate != replicate:
			finish()
		}
		cell, replicate = r.Cell, r.Replicate
		rates.add(r)
		ranks.add(r)
		return nil
	})
	if err != nil {
		return err
	}
	finishCell()
	return nil
}

// Tables show the covariates of an estimator one by one beside its selection rates where
// it has no more than fewDetails, and no more than fewDetailsOfAll in all designs.
const (
	fewDetails      = 12
	fewDetailsOfAll = 24
)

// Shown lists the places of the rows that tables show: all but those of single covariates
// by estimators whose selection rates sum them up, where there are more than a few.
func (s Summary) Shown() []int {
	type group struct {
		cell               int
		estimator, outcome string
	}
	all := map[group]int{} // covariates, over designs
	for i := range s.Selection {
		r := &s.Selection[i]
		all[group{0, r.Estimator, r.Outcome}] += r.True + r.Others
	}
	long := map[group]*SelectionRates{}
	for i := range s.Selection {
		if r := &s.Selection[i]; r.True+r.Others > fewDetails || all[group{0, r.Estimator, r.Outcome}] > fewDetailsOfAll {
			long[group{r.Cell, r.Estimator, r.Outcome}] = r
		}
	}
	var shown []int
	for i := range s.Rows {
		r := &s.Rows[i]
		if of := long[group{r.Cell, r.Estimator, r.Outcome}]; of == nil || !of.details(r.Term) {
			shown = append(shown, i)
		}
	}
	return shown
}

// Main returns the summary with the rows of Shown alone, and how many others there are.
func (s Summary) Main() (shown Summary, hidden int) {
	places := s.Shown()
	if len(places) == len(s.Rows) {
		return s, 0
	}
	shown = s
	shown.Rows = make([]SummaryRow, len(places))
	for i, place := range places {
		shown.Rows[i] = s.Rows[place]
	}
	return shown, len(s.Rows) - len(places)
}

// details reports whether a term is about one of the covariates.
func (s *SelectionRates) details(term string) bool {
	for _, name := range []string{"runs", "positive", "importance"} { // of covariates that are listed
		if strings.HasPrefix(term, name+"(") {
			return true
		}
	}
	return s.terms[term]
}

// HiddenRows says how many rows a table leaves out.
func HiddenRows(n int) string {
	return fmt.Sprintf("%s rows of single covariates are left out; their selection rates sum them up, and summary.csv has them all.", grouped(n))
}

// listings are the functions by which estimators say that they list a covariate.
var listings = []string{"listed", "selected", "split", "emerges"}

// listing returns the covariate that a term says is listed.
func listing(term string) (covariate string, ok bool) {
	for _, name := range listings {
		if rest, found := strings.CutPrefix(term, name+"("); found && strings.HasSuffix(rest, ")") {
			return rest[:len(rest)-1], true
		}
	}
	return "", false
}

// A selectionMeasurer gathers the replicates of one cell after the other.
type selectionMeasurer struct {
	limits *limits
	role   func(term string) Role
	groups []*selectionGroup
	places map[Test]selectionPlace
}

// A selectionPlace is what a row of the log adds to.
type selectionPlace struct {
	group *selectionGroup
	role  Role // unknown of rows that count for nothing
	lists bool
}

func (m *selectionMeasurer) start(role func(string) Role) {
	m.role, m.groups, m.places = role, nil, map[Test]selectionPlace{}
}

func (m *selectionMeasurer) add(r *Record) {
	row := Test{r.Estimator, r.Outcome, r.Term}
	place, known := m.places[row]
	if !known {
		place = m.place(r)
		m.places[row] = place
	}
	if place.role != UnknownRole {
		place.group.add(r, place, m.limits)
	}
}

// place finds what a row adds to, when it is seen for the first time.
func (m *selectionMeasurer) place(r *Record) selectionPlace {
	var p selectionPlace
	switch covariate, lists := listing(r.Term); {
	case lists && r.Estimand == predictorName:
		p.lists, p.role = true, m.role(covariate)
	case r.Estimand == Projection.String() || r.Estimand == Submodel.String():
		p.role = m.role(r.Term)
	}
	if p.role == UnknownRole {
		return p
	}
	i := slices.IndexFunc(m.groups, func(g *selectionGroup) bool { return g.estimator == r.Estimator && g.outcome == r.Outcome })
	if i < 0 {
		i = len(m.groups)
		m.groups = append(m.groups, &selectionGroup{estimator: r.Estimator, outcome: r.Outcome, terms: map[string]bool{}})
	}
	p.group = m.groups[i]
	p.group.terms[r.Term] = true
	if p.lists {
		p.group.covariates[p.role]++
	} else {
		p.group.estimand = r.Estimand
		p.group.coefficients[p.role]++
	}
	return p
}

// A selectionGroup is one estimator of one outcome in one cell. Arrays are by Role.
type selectionGroup struct {
	estimator, outcome string
	estimand           string
	terms              map[string]bool
	n                  int
	covariates         [3]int // that may be listed
	coefficients       [3]int // that are held against a truth

	// Of the replicate at hand.
	mayList, listed, intervals, covering [3]int

	found    [3]ratio // listed of those that may be
	cover    [3]ratio
	false    ratio // others among those listed
	number   moments
	mistaken int // replicates that list one of the others
	selected int // replicates in which covariates could be listed
}

func (g *selectionGroup) lists() bool {
	return g.covariates[NotPredictor]+g.covariates[TruePredictor] > 0
}

func (g *selectionGroup) add(r *Record, p selectionPlace, limits *limits) {
	switch {
	case !judged(r.Estimate).Worked():
	case p.lists:
		g.mayList[p.role]++
		if r.Value != 0 {
			g.listed[p.role]++
		}
	case hasInterval(r) && !math.IsNaN(r.Truth):
		g.intervals[p.role]++
		if limits.holds(r, r.Truth) {
			g.covering[p.role]++
		}
	}
}

func (m *selectionMeasurer) finishReplicate() {
	for _, g := range m.groups {
		g.finish()
	}
}

// measures returns the rates of the cell's groups.
func (m *selectionMeasurer) measures(cell int, factors []Factor) (all []SelectionRates) {
	for _, g := range m.groups {
		if g.lists() || g.cover[NotPredictor].parts+g.cover[TruePredictor].parts > 0 {
			row := g.rates()
			row.Cell, row.Factors = cell, factors
			all = append(all, row)
		}
	}
	return all
}

// finish counts the replicate at hand.
func (g *selectionGroup) finish() {
	g.n++
	for role := range g.found {
		g.found[role].add(g.listed[role], g.mayList[role])
		g.cover[role].add(g.covering[role], g.intervals[role])
	}
	number := g.listed[TruePredictor] + g.listed[NotPredictor]
	g.false.add(g.listed[NotPredictor], number)
	if g.mayList[TruePredictor]+g.mayList[NotPredictor] > 0 {
		g.selected++
		g.number.add(float64(number))
		if g.listed[NotPredictor] > 0 {
			g.mistaken++
		}
	}
	g.mayList, g.listed, g.intervals, g.covering = [3]int{}, [3]int{}, [3]int{}, [3]int{}
}

func (g *selectionGroup) rates() SelectionRates {
	none := Share{math.NaN(), math.NaN()}
	of := g.coefficients
	if g.lists() {
		of = g.covariates
	}
	s := SelectionRates{
		Estimator: g.estimator, Outcome: g.outcome, N: g.n, Selects: g.lists(),
		True: of[TruePredictor], Others: of[NotPredictor],
		ListedTrue: g.found[TruePredictor].share(), ListedOther: g.found[NotPredictor].share(),
		Number: meanShare(g.number), AnyFalse: none, FalseListed: g.false.share(),
		Estimand:  g.estimand,
		CoverTrue: g.cover[TruePredictor].share(), CoverOther: g.cover[NotPredictor].share(),
		TrueIntervals: g.cover[TruePredictor].parts, OtherIntervals: g.cover[NotPredictor].parts,
		terms: g.terms,
	}
	if s.Others > 0 {
		s.AnyFalse = shareOf(g.mistaken, g.selected)
	}
	return s
}

// A ratio estimates a share from counts that come in clusters, both of whose sizes are
// random: Σa/Σb over replicates. Its sums are whole numbers, and exact.
type ratio struct {
	n           int
	hits, parts int // Σa, Σb
	aa, ab, bb  int
}

func (q *ratio) add(a, b int) {
	q.n++
	q.hits += a
	q.parts += b
	q.aa += a * a
	q.ab += a * b
	q.bb += b * b
}

// share is R = Σa/Σb with the standard error √(n/(n-1) Σ(a - R b)²) / Σb. It is NaN of
// nothing.
func (q *ratio) share() Share {
	if q.parts == 0 {
		return Share{math.NaN(), math.NaN()}
	}
	n, b := float64(q.n), float64(q.parts)
	r := float64(q.hits) / b
	square := float64(q.aa) - 2*r*float64(q.ab) + r*r*float64(q.bb)
	if q.n < 2 {
		return Share{r, math.NaN()}
	}
	return Share{r, math.Sqrt(n/(n-1)*max(0, square)) / b}
}
