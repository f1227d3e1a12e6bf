package sim

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"

	"coachsim/estimators"
)

// A Family is a set of tests that are judged together: one term's effect on
// several outcomes, by one estimator.
type Family struct {
	Name      string       `yaml:"name" required:"true" doc:"unique name"`
	Estimator string       `yaml:"estimator" required:"true" doc:"name of the estimator whose tests they are"`
	Outcomes  []string     `yaml:"outcomes" required:"true" minlen:"2" doc:"its outcomes, as its formula writes them"`
	Term      string       `yaml:"term" required:"true" doc:"the term that is tested, such as coaching"`
	Methods   []Adjustment `yaml:"methods" required:"true" minlen:"1" doc:"adjustments of the p-values: none, bonferroni, holm, hochberg, BH, BY; of an estimator that adjusts its p-values itself (westfall-young, romano-wolf), just that one"`
}

// adjustment is the first of its methods that adjusts, by which the power of each of
// its tests is told; NoAdjustment where none does.
func (f Family) adjustment() Adjustment {
	for _, m := range f.Methods {
		if m != NoAdjustment {
			return m
		}
	}
	return NoAdjustment
}

// tests are the family's tests, in the order of its outcomes.
func (f Family) tests() []Test {
	all := make([]Test, len(f.Outcomes))
	for i, outcome := range f.Outcomes {
		all[i] = Test{f.Estimator, outcome, f.Term}
	}
	return all
}

// FindFamily returns the tests of the family of a name, nil where there is none.
func (s Study) FindFamily(name string) []Test {
	for _, f := range s.Families {
		if f.Name == name {
			return f.tests()
		}
	}
	return nil
}

// AdjustedBy returns the first family that adjusts a test's p-values, and its method:
// that by which Families.Of gives the test's power. It is nil where no family does.
func (s Study) AdjustedBy(test Test) (*Family, Adjustment) {
	for i := range s.Families {
		f := &s.Families[i]
		if method := f.adjustment(); method != NoAdjustment && slices.Contains(f.tests(), test) {
			return f, method
		}
	}
	return nil, NoAdjustment
}

// A Share is a probability as estimated by simulation.
type Share struct {
	Value float64
	MCSE  float64 // Monte Carlo standard error
}

// FamilyPower is how one method of adjustment serves a family in one cell. A
// test rejects if its adjusted p-value is at most alpha; that of a failed fit
// counts as 1, so it does not reject and the family keeps its size.
//
// Power is counted over the outcomes with an effect, those whose truth is not
// 0, as in PUMP (Hunter, Miratrix and Porter, "PUMP: Estimating power, minimum
// detectable effect size, and sample size when adjusting for multiple outcomes
// in multi-level experiments", Journal of Statistical Software 108, 2024); an
// outcome whose truth is unknown is taken to have one. A share without anything
// to count is NaN.
type FamilyPower struct {
	Cell      int
	Factors   []Factor
	Family    string
	Estimator string
	Term      string
	Outcomes  []string
	Null      []bool // by outcome: its truth is 0 in every replicate
	Method    Adjustment

	N     int // replicates
	NFail int // of these, with a fit that failed

	// Individual is, by outcome, the share of replicates that reject it: its
	// power, or its false-positive rate if it is Null. It is NaN if no fit gave a
	// p-value.
	Individual []Share
	// Mean is the average power over the outcomes with an effect. Its MCSE is
	// the standard deviation over replicates of the share of these that is
	// rejected, over √N, so it knows how the tests hang together.
	Mean Share
	// AtLeast[k-1] is the power to reject at least k outcomes with an effect
	// ("min-k power"), k up to the most that any replicate has.
	AtLeast []Share
	// Complete is the power to reject every outcome with an effect.
	Complete Share
	// CompleteUnadjusted is the same from unadjusted p-values. Who claims only
	// that all outcomes are affected, or nothing, need not adjust: a test that
	// rejects when all of its parts do has level alpha (intersection-union test;
	// Berger, Technometrics 24, 1982). It is NaN where the estimator adjusts.
	CompleteUnadjusted Share
	// Familywise is the familywise error rate: the probability that any outcome
	// without an effect is rejected.
	Familywise Share
	// FalseDiscovery is the false discovery rate: the mean share of outcomes
	// without an effect among those rejected, 0 where none is.
	FalseDiscovery Share

	// Formula is the same by closed form, each share with the Monte Carlo standard
	// error that N replicates would have by it. It is nil where there is none, for the
	// reason NoFormula. FormulaError is the largest standard error of its integrals,
	// Approximate says in what it is no exact description of the study.
	// Formulas.AddToFamilies fills them.
	Formula      *FamilyPower
	FormulaError float64
	Approximate  []string
	NoFormula    string
}

// Families are the powers of a study's families: by cell, family and method.
type Families struct {
	Alpha float64
	Made  Provenance // of the log; zero where it is unknown
	Rows  []FamilyPower
}

// Of returns the power of a row's test in the first family that it is in, with
// p-values adjusted as the family's first method but "none" has them. It is nil
// where the test is in no family that is adjusted.
func (f Families) Of(row *SummaryRow) (family *FamilyPower, adjusted Share) {
	for i := range f.Rows {
		family := &f.Rows[i]
		k := slices.Index(family.Outcomes, row.Outcome)
		if family.Cell == row.Cell && family.Method != NoAdjustment && k >= 0 && family.Estimator == row.Estimator && family.Term == row.Term {
			return family, family.Individual[k]
		}
	}
	return nil, Share{}
}

// MeasureFamilies computes the power of families of tests from a replicate
// log, reading it once in the order of (cell, replicate). Memory does not grow
// with replicates. Alpha is the level, familywise or of false discoveries as
// the method has it; factors are as for Summarise.
func MeasureFamilies(chunks iter.Seq2[[]Record, error], families []Family, alpha float64, factors [][]Factor) (Families, error) {
	if !(alpha > 0 && alpha < 1) {
		return Families{}, fmt.Errorf("measuring families: alpha is %v, not between 0 and 1", alpha)
	}
	m := familyMeasurer{alpha: alpha, families: families, places: map[familyTest][]familyPlace{}}
	for f, family := range families {
		for i, outcome := range family.Outcomes {
			test := familyTest{family.Estimator, outcome, family.Term}
			m.places[test] = append(m.places[test], familyPlace{f, i})
		}
	}
	result := Families{Alpha: alpha}
	cell, replicate, begun := 0, 0, false
	finishCell := func() error {
		if !begun {
			return nil
		}
		if err := m.finishReplicate(cell, replicate); err != nil {
			return err
		}
		if len(factors) > 0 && (cell < 0 || cell >= len(factors)) {
			return fmt.Errorf("the log has a cell %d, the study has %d", cell, len(factors))
		}
		for _, tally := range m.tallies {
			for _, row := range tally.rows() {
				row.Cell = cell
				if len(factors) > 0 {
					row.Factors = factors[cell]
				}
				result.Rows = append(result.Rows, row)
			}
		}
		return nil
	}
	err := eachRecord(chunks, func(r *Record) error {
		switch {
		case !begun || r.Cell != cell:
			if err := finishCell(); err != nil {
				return err
			}
			m.startCell()
		case r.Replicate != replicate:
			if err := m.finishReplicate(cell, replicate); err != nil {
				return err
			}
		}
		cell, replicate, begun = r.Cell, r.Replicate, true
		return m.add(r)
	})
	if err == nil {
		err = finishCell()
	}
	if err != nil {
		return Families{}, err
	}
	return result, nil
}

type familyTest struct{ estimator, outcome, term string }

// A familyPlace is a test's place in a family.
type familyPlace struct{ family, outcome int }

// A familyMeasurer gathers the replicates of one cell after the other.
type familyMeasurer struct {
	alpha    float64
	families []Family
	places   map[familyTest][]familyPlace
	tallies  []*familyTally // by family, of this cell
	adjuster Adjuster
}

func (m *familyMeasurer) startCell() {
	m.tallies = make([]*familyTally, len(m.families))
	for i, f := range m.families {
		m.tallies[i] = newFamilyTally(f)
	}
}

func (m *familyMeasurer) add(r *Record) error {
	for _, place := range m.places[familyTest{r.Estimator, r.Outcome, r.Term}] {
		t := m.tallies[place.family]
		if t.seen[place.outcome] {
			return errors.New("it is there twice")
		}
		t.seen[place.outcome] = true
		if t.truth[place.outcome] = r.Truth; math.Abs(r.Truth) <= 1e-9*r.SE {
			t.truth[place.outcome] = 0 // but for rounding, as Measures.Null
		}
		t.p[place.outcome] = math.NaN()
		if status := judged(r.Estimate); status.Worked() {
			t.p[place.outcome] = r.P
		} else if status == estimators.PerfectStage {
			t.p[place.outcome] = 0
		} else if status.Failed() {
			t.failed = true
		}
	}
	return nil
}

func (m *familyMeasurer) finishReplicate(cell, replicate int) error {
	for _, t := range m.tallies {
		if i := slices.Index(t.seen, false); i >= 0 {
			return fmt.Errorf("family %s: the log has no estimate of %s on %s by %s in replicate %d of cell %d",
				t.Name, t.Term, t.Outcomes[i], t.Estimator, replicate, cell)
		}
		t.finish(m.alpha, &m.adjuster)
	}
	return nil
}

// A familyTally counts the rejections of one family over replicates.
type familyTally struct {
	Family

	// Of the replicate at hand, by outcome.
	p, truth []float64
	seen     []bool
	failed   bool

	adjusted []float64 // scratch
	rejected []bool    // scratch

	n, nFail     int
	withEffect   int   // replicates in which an outcome has an effect
	withNull     int   // replicates in which an outcome has none
	tested       []int // by outcome: replicates with a p-value
	affected     []int // by outcome: replicates in which it has an effect
	mostAffected int   // outcomes in one replicate
	unadjusted   int   // replicates that reject all with an effect, unadjusted
	methods      []methodTally
}

type methodTally struct {
	individual []int   // by outcome
	atLeast    []int   // by k-1
	mean       moments // of the share rejected of those with an effect
	complete   int
	familywise int
	discovery  moments // of the share without an effect among those rejected
}

func newFamilyTally(f Family) *familyTally {
	m := len(f.Outcomes)
	t := &familyTally{
		Family: f,
		p:      make([]float64, m), truth: make([]float64, m), seen: make([]bool, m),
		adjusted: make([]float64, m), rejected: make([]bool, m), tested: make([]int, m), affected: make([]int, m),
		methods: make([]methodTally, len(f.Methods)),
	}
	for i := range t.methods {
		t.methods[i].individual = make([]int, m)
		t.methods[i].atLeast = make([]int, m)
	}
	return t
}

// finish counts the replicate at hand.
func (t *familyTally) finish(alpha float64, adjuster *Adjuster) {
	t.n++
	if t.failed {
		t.nFail++
	}
	effects := 0
	for i, truth := range t.truth {
		if truth != 0 {
			effects++
			t.affected[i]++
		}
		if !math.IsNaN(t.p[i]) {
			t.tested[i]++
		}
	}
	nulls := len(t.truth) - effects
	t.mostAffected = max(t.mostAffected, effects)
	if effects > 0 {
		t.withEffect++
		if hits, _ := t.reject(alpha, adjuster, NoAdjustment); hits == effects {
			t.unadjusted++
		}
	}
	if nulls > 0 {
		t.withNull++
	}
	for i, method := range t.Methods {
		hits, mistakes := t.reject(alpha, adjuster, method)
		c := &t.methods[i]
		for k, rejected := range t.rejected {
			if rejected {
				c.individual[k]++
			}
		}
		if effects > 0 {
			c.mean.add(float64(hits) / float64(effects))
			for k := range hits {
				c.atLeast[k]++
			}
			if hits == effects {
				c.complete++
			}
		}
		if nulls > 0 {
			c.discovery.add(float64(mistakes) / float64(max(1, hits+mistakes)))
			if mistakes > 0 {
				c.familywise++
			}
		}
	}
	clear(t.seen)
	t.failed = false
}

// reject sets rejected and counts the rejections of outcomes with an effect,
// hits, and without one, mistakes.
func (t *familyTally) reject(alpha float64, adjuster *Adjuster, method Adjustment) (hits, mistakes int) {
	adjuster.Adjust(t.adjusted, t.p, method)
	for i, p := range t.adjusted {
		t.rejected[i] = p <= alpha
		switch {
		case !t.rejected[i]:
		case t.truth[i] != 0:
			hits++
		default:
			mistakes++
		}
	}
	return hits, mistakes
}

func (t *familyTally) rows() []FamilyPower {
	rows := make([]FamilyPower, len(t.methods))
	for i, c := range t.methods {
		row := FamilyPower{
			Family: t.Name, Estimator: t.Estimator, Term: t.Term, Outcomes: t.Outcomes, Method: t.Methods[i],
			N: t.n, NFail: t.nFail,
			Mean:               meanShare(c.mean),
			Complete:           shareOf(c.complete, t.withEffect),
			CompleteUnadjusted: shareOf(t.unadjusted, t.withEffect),
			Familywise:         shareOf(c.familywise, t.withNull),
			FalseDiscovery:     meanShare(c.discovery),
		}
		if t.Methods[i].ByEstimator() {
			row.CompleteUnadjusted = Share{math.NaN(), math.NaN()}
		}
		for k := range t.Outcomes {
			individual := shareOf(c.individual[k], t.n)
			if t.tested[k] == 0 {
				individual = Share{math.NaN(), math.NaN()}
			}
			row.Individual = append(row.Individual, individual)
			row.Null = append(row.Null, t.affected[k] == 0)
		}
		for k := range t.mostAffected {
			row.AtLeast = append(row.AtLeast, shareOf(c.atLeast[k], t.withEffect))
		}
		rows[i] = row
	}
	return rows
}

func shareOf(count, n int) Share {
	p, mcse := share(count, n)
	return Share{p, mcse}
}

func meanShare(m moments) Share { return Share{m.mean(), m.mcse()} }

// familyFaults checks the families against the rows that the study's panel
// estimates.
func (s Study) familyFaults(rows []estimators.Row) []Fault {
	var faults []Fault
	fault := func(path, format string, args ...any) {
		faults = append(faults, Fault{path, -1, fmt.Sprintf(format, args...)})
	}
	taken := map[string]int{}
	for i, f := range s.Families {
		path := fmt.Sprintf("families[%d]", i)
		if strings.TrimSpace(f.Name) == "" {
			fault(path+".name", "is empty; a family needs a name")
		} else if first, again := taken[f.Name]; again {
			fault(path+".name", "%q is already the name of families[%d]", f.Name, first)
		} else {
			taken[f.Name] = i
		}
		for k, method := range f.Methods {
			if slices.Index(f.Methods, method) < k {
				fault(fmt.Sprintf("%s.methods[%d]", path, k), "%s is listed twice", method)
			}
		}
		var reported, outcomes []string // terms, and outcomes of the term
		known, adjusted := false, NoAdjustment
		for _, row := range rows {
			if row.Estimator != f.Estimator {
				continue
			}
			known, adjusted = true, ofEstimator(row.Adjustment)
			if !slices.Contains(reported, row.Term) {
				reported = append(reported, row.Term)
			}
			if row.Term == f.Term {
				outcomes = append(outcomes, row.Outcome)
			}
		}
		switch {
		case !known:
			var names []string
			for _, e := range s.Estimators {
				names = append(names, e.Name)
			}
			fault(path+".estimator", "there is no estimator %q; the estimators are %s", f.Estimator, strings.Join(names, ", "))
			continue
		case adjusted != NoAdjustment && (len(f.Methods) != 1 || f.Methods[0] != adjusted):
			fault(path+".methods", "%s adjusts its p-values itself, by %s; write [%s], or add an estimator that does not adjust", f.Estimator, adjusted, adjusted)
			continue
		case len(outcomes) == 0:
			fault(path+".term", "%s does not report %q; it reports %s", f.Estimator, f.Term, strings.Join(reported, ", "))
			continue
		}
		for k, method := range f.Methods {
			if adjusted == NoAdjustment && method.ByEstimator() {
				fault(fmt.Sprintf("%s.methods[%d]", path, k), "%s does not adjust by %s; its own key adjust would", f.Estimator, method)
			}
		}
		for k, outcome := range f.Outcomes {
			switch at := fmt.Sprintf("%s.outcomes[%d]", path, k); {
			case slices.Index(f.Outcomes, outcome) < k:
				fault(at, "%q is listed twice", outcome)
			case !slices.Contains(outcomes, outcome):
				fault(at, "%s does not estimate %s on %q; it does on %s", f.Estimator, f.Term, outcome, strings.Join(outcomes, ", "))
			}
		}
	}
	return faults
}
