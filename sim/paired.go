package sim

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
)

// A Difference compares two estimators of one effect on the same simulated
// trials, or one estimator in two designs with the same random draws. Every
// difference is the estimator's number minus the reference's. Because both saw the
// same data, or draws, its Monte Carlo standard error is that of a paired
// difference, most often far below that of two separate studies.
type Difference struct {
	Cell      int
	Factors   []Factor
	Outcome   string
	Term      string
	Estimand  string
	Estimator string
	Reference string // another estimator; between designs the same

	ReferenceFactors []Factor // between designs: those of the reference

	N     int // replicates
	NBoth int // of these, with two fits that worked

	// Power is over all N replicates, a failed fit not rejecting. With p10 the
	// share in which only the estimator rejects, and p01 only the reference, the
	// difference is p10 - p01, and its MCSE is that of McNemar's table,
	// √((p10 + p01 - (p10 - p01)²)/N).
	Power          float64 // of the estimator
	ReferencePower float64
	OnlyEstimator  float64 // p10
	OnlyReference  float64 // p01
	PowerDiff      float64
	PowerDiffMCSE  float64

	// The rest is over the NBoth replicates. With e = estimate - truth, the
	// difference in bias is the mean of e_B - e_A (B the estimator, A the
	// reference), with MCSE S(e_B - e_A)/√n.
	BiasDiff     float64
	BiasDiffMCSE float64

	// RMSE is √mean(e²). The MCSE of the difference is by the delta method: the
	// standard deviation of e_B²/(2 RMSE_B) - e_A²/(2 RMSE_A), over √n.
	RMSE          float64 // of the estimator
	ReferenceRMSE float64
	RMSEDiff      float64
	RMSEDiffMCSE  float64

	// EmpSE is the standard deviation of the estimates. With r their correlation,
	// the MCSE of the difference is √((E_B² + E_A² - 2 r² E_A E_B)/(2(n - 1))), for
	// normal estimates, as Cov(s_A², s_B²) = 2 r² σ_A² σ_B²/(n - 1).
	EmpSE          float64 // of the estimator
	ReferenceEmpSE float64
	EmpSEDiff      float64
	EmpSEDiffMCSE  float64

	// RelPrecision is 100 ((E_A/E_B)² - 1), the percent by which the estimator is
	// more precise, with E the standard deviation of the estimates and MCSE
	// 200 (E_A/E_B)² √((1 - r²)/(n - 1)), r the correlation of the estimates
	// (White, Stata Journal 10, 2010; Morris, White and Crowther 2019, table 6).
	// A trial of the reference would need (1 + RelPrecision/100) times the size.
	RelPrecision     float64
	RelPrecisionMCSE float64
	Correlation      float64 // r
	CorrelationMCSE  float64 // (1 - r²)/√(n - 1), for normal estimates

	// Those of the levels: √(p(1-p)/N) of shares, S(e²)/(2 RMSE √n), EmpSE/√(2(n-1)).
	PowerMCSE, ReferencePowerMCSE, OnlyEstimatorMCSE, OnlyReferenceMCSE float64
	RMSEMCSE, ReferenceRMSEMCSE, EmpSEMCSE, ReferenceEmpSEMCSE          float64
}

// Differences are the paired comparisons of a study's estimators, in the order
// of the cells and, within a cell, of the effects and estimators in the log; or
// those of its designs, in the order of the effects and, within one, of the cells.
type Differences struct {
	Alpha   float64
	Made    Provenance // of the log; zero where it is unknown
	Designs bool       // they are between designs
	Rows    []Difference
	// Apart are pairs of estimates under the same outcome, term and estimand
	// whose truths differ, because they average over other rows. They estimate
	// two effects, so they are not compared.
	Apart []Difference
}

// A Pairing says which estimators to compare.
type Pairing struct {
	// Estimators are those to compare; none means all. The first in this list
	// (of all: in the log) that estimates an effect is its reference.
	Estimators []string
	// Reference is the one to compare with, where it is not that first one.
	// Effects that it does not estimate are left out.
	Reference string
	// Effect returns the outcome on which an estimate's effect is, and the rows that it
	// averages over where it leaves some out: the effects on a gain and on the test
	// after the trial are one (Study.EffectOf). Nil takes outcomes as they are written.
	Effect func(estimator, outcome, term string) (on, among string)
}

// CompareEstimators lays the estimators of each (outcome, term, estimand) in a
// replicate log side by side, all against one reference. It reads the log once,
// in the order of (cell, replicate); memory does not grow with replicates.
// Alpha is the level of the tests; factors are as for Summarise. What does not
// exist, such as the bias of a descriptive number, is NaN.
func CompareEstimators(chunks iter.Seq2[[]Record, error], pairing Pairing, alpha float64, factors [][]Factor) (Differences, error) {
	if !(alpha > 0 && alpha < 1) {
		return Differences{}, fmt.Errorf("comparing estimators: alpha is %v, not between 0 and 1", alpha)
	}
	p := pairer{Pairing: pairing, alpha: alpha, result: Differences{Alpha: alpha}, factors: factors, index: map[effectName]*pairedEffect{}}
	err := eachRecord(chunks, func(r *Record) error {
		if p.begun && (r.Cell != p.cell || r.Replicate != p.replicate) {
			p.finishReplicate()
			if r.Cell != p.cell {
				if err := p.finishCell(); err != nil {
					return err
				}
			}
		}
		p.cell, p.replicate, p.begun = r.Cell, r.Replicate, true
		return p.add(r)
	})
	if err == nil && p.begun {
		p.finishReplicate()
		err = p.finishCell()
	}
	if err != nil {
		return Differences{}, err
	}
	return p.result, nil
}

// A pairer gathers one cell after the other.
type pairer struct {
	Pairing
	alpha   float64
	factors [][]Factor
	result  Differences

	cell, replicate int
	begun           bool
	effects         []*pairedEffect // of this cell, in order of appearance
	index           map[effectName]*pairedEffect
}

type effectName struct{ outcome, term, estimand string }

// A pairedEffect is one effect in one cell with its estimators.
type pairedEffect struct {
	effectName
	reference int // index of the reference, -1 while it has not been met
	all       []pairedEstimator
}

type pairedEstimator struct {
	name    string
	outcome string // as the estimator writes it
	among   string // the rows of its effect, "" for all
	now     fitted // of the replicate at hand
	here    bool   // it has one
	pair    pairTally
}

// label is the name, with the outcome where the estimator has other estimates of
// the effect.
func (e *pairedEstimator) label(of *pairedEffect) string {
	same := 0
	for i := range of.all {
		same += count(of.all[i].name == e.name)
	}
	if same > 1 && e.outcome != of.outcome {
		return e.name + ": " + e.outcome
	}
	return e.name
}

// A fitted is what comparisons need of an estimate.
type fitted struct {
	value, truth, p float64
	worked          bool
}

func fittedOf(r *Record) fitted {
	return fitted{r.Value, r.Truth, r.P, judged(r.Estimate).Worked()}
}

func (p *pairer) add(r *Record) error {
	if len(p.Estimators) > 0 && r.Estimator != p.Reference && !slices.Contains(p.Estimators, r.Estimator) {
		return nil
	}
	outcome, among := r.Outcome, ""
	if p.Effect != nil {
		outcome, among = p.Effect(r.Estimator, r.Outcome, r.Term)
	}
	name := effectName{outcome, r.Term, r.Estimand}
	e := p.index[name]
	if e == nil {
		e = &pairedEffect{effectName: name, reference: -1}
		p.index[name] = e
		p.effects = append(p.effects, e)
	}
	i := slices.IndexFunc(e.all, func(a pairedEstimator) bool { return a.name == r.Estimator && a.outcome == r.Outcome })
	if i < 0 {
		i = len(e.all)
		e.all = append(e.all, pairedEstimator{name: r.Estimator, outcome: r.Outcome, among: among})
	}
	if e.all[i].here {
		return errors.New("it is there twice")
	}
	e.all[i].now, e.all[i].here = fittedOf(r), true
	return nil
}

func (p *pairer) finishReplicate() {
	for _, e := range p.effects {
		if e.reference < 0 {
			e.reference = p.referenceOf(e.all)
		}
		if e.reference >= 0 && e.all[e.reference].here {
			reference := e.all[e.reference].now
			for i := range e.all {
				if i != e.reference && e.all[i].here {
					e.all[i].pair.add(reference, e.all[i].now, p.alpha)
				}
			}
		}
		for i := range e.all {
			e.all[i].here = false
		}
	}
}

// referenceOf returns the index of the reference of an effect, or -1.
func (p *pairer) referenceOf(all []pairedEstimator) int {
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].name
	}
	if p.Reference != "" {
		return slices.Index(names, p.Reference)
	}
	for _, name := range p.Estimators {
		if i := slices.Index(names, name); i >= 0 {
			return i
		}
	}
	return 0 // there is no list, so the first in the log
}

func (p *pairer) finishCell() error {
	factors, err := factorsOf(p.factors, p.cell)
	if err != nil {
		return err
	}
	for _, e := range p.effects {
		if e.reference < 0 {
			continue
		}
		order := e.all
		if len(p.Estimators) > 0 { // as they were asked for
			order = slices.Clone(e.all)
			slices.SortStableFunc(order, func(a, b pairedEstimator) int {
				return slices.Index(p.Estimators, a.name) - slices.Index(p.Estimators, b.name)
			})
		}
		for i := range order {
			if order[i].pair.n == 0 {
				continue // the reference itself
			}
			d := order[i].pair.difference()
			d.Cell, d.Factors = p.cell, factors
			d.Outcome, d.Term, d.Estimand = e.outcome, e.term, e.estimand
			d.Estimator, d.Reference = order[i].label(e), e.all[e.reference].label(e)
			if order[i].pair.apart || order[i].among != e.all[e.reference].among {
				p.result.Apart = append(p.result.Apart, d)
			} else {
				p.result.Rows = append(p.result.Rows, d)
			}
		}
	}
	p.effects = nil
	clear(p.index)
	return nil
}

// factorsOf returns the factors of a cell of the log; none without a sweep.
func factorsOf(factors [][]Factor, cell int) ([]Factor, error) {
	if len(factors) == 0 {
		return nil, nil
	}
	if cell < 0 || cell >= len(factors) {
		return nil, fmt.Errorf("the log has a cell %d, the study has %d", cell, len(factors))
	}
	return factors[cell], nil
}

// A pairTally gathers one pair of estimators, a the reference and b the other.
type pairTally struct {
	n, both              int
	testedA, testedB     int // fits with a p-value
	rejectedA, rejectedB int
	onlyA, onlyB         int
	apart                bool // the truths differ
	estimates            comoments
	errorDifference      moments // e_B - e_A
	squaredErrors        comoments
}

// sameTruth allows for rounding: the truth of a gain is that of the test after.
func sameTruth(a, b float64) bool {
	if math.IsNaN(a) || math.IsNaN(b) {
		return math.IsNaN(a) && math.IsNaN(b)
	}
	return math.Abs(a-b) <= 1e-9*(1+math.Abs(a))
}

func (t *pairTally) add(a, b fitted, alpha float64) {
	t.n++
	t.apart = t.apart || !sameTruth(a.truth, b.truth)
	rejectsA, rejectsB := a.worked && a.p <= alpha, b.worked && b.p <= alpha
	t.testedA += count(a.worked && !math.IsNaN(a.p))
	t.testedB += count(b.worked && !math.IsNaN(b.p))
	t.rejectedA += count(rejectsA)
	t.rejectedB += count(rejectsB)
	t.onlyA += count(rejectsA && !rejectsB)
	t.onlyB += count(rejectsB && !rejectsA)
	if !a.worked || !b.worked {
		return
	}
	t.both++
	t.estimates.add(a.value, b.value)
	if math.IsNaN(a.truth) || math.IsNaN(b.truth) {
		return
	}
	errorA, errorB := a.value-a.truth, b.value-b.truth
	t.errorDifference.add(errorB - errorA)
	t.squaredErrors.add(errorA*errorA, errorB*errorB)
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func (t *pairTally) difference() Difference {
	nan := math.NaN()
	n := float64(t.n)
	d := Difference{N: t.n, NBoth: t.both}

	d.Power, d.ReferencePower, d.OnlyEstimator, d.OnlyReference, d.PowerDiff, d.PowerDiffMCSE = nan, nan, nan, nan, nan, nan
	d.PowerMCSE, d.ReferencePowerMCSE, d.OnlyEstimatorMCSE, d.OnlyReferenceMCSE = nan, nan, nan, nan
	if t.testedA > 0 {
		d.ReferencePower, d.ReferencePowerMCSE = share(t.rejectedA, t.n)
	}
	if t.testedB > 0 {
		d.Power, d.PowerMCSE = share(t.rejectedB, t.n)
	}
	if t.testedA > 0 && t.testedB > 0 {
		d.OnlyEstimator, d.OnlyEstimatorMCSE = share(t.onlyB, t.n)
		d.OnlyReference, d.OnlyReferenceMCSE = share(t.onlyA, t.n)
		d.PowerDiff = float64(t.onlyB-t.onlyA) / n
		d.PowerDiffMCSE = math.Sqrt(max(0, d.OnlyEstimator+d.OnlyReference-d.PowerDiff*d.PowerDiff) / n)
	}

	d.BiasDiff, d.BiasDiffMCSE = t.errorDifference.mean(), t.errorDifference.mcse()

	squares := &t.squaredErrors
	d.ReferenceRMSE, d.RMSE = math.Sqrt(squares.x.mean()), math.Sqrt(squares.y.mean())
	d.ReferenceRMSEMCSE, d.RMSEMCSE = squares.x.mcse()/(2*d.ReferenceRMSE), squares.y.mcse()/(2*d.RMSE)
	d.RMSEDiff = d.RMSE - d.ReferenceRMSE
	variance := squares.x.variance()/(4*squares.x.mean()) + squares.y.variance()/(4*squares.y.mean()) -
		2*squares.covariance()/(4*d.RMSE*d.ReferenceRMSE)
	d.RMSEDiffMCSE = math.Sqrt(max(0, variance) / float64(squares.x.n))

	r := t.estimates.correlation()
	ratio := t.estimates.x.variance() / t.estimates.y.variance()
	d.Correlation, d.CorrelationMCSE = r, (1-r*r)/math.Sqrt(float64(t.both-1))
	d.ReferenceEmpSE, d.EmpSE = math.Sqrt(t.estimates.x.variance()), math.Sqrt(t.estimates.y.variance())
	ofSpread := math.Sqrt(2 * float64(t.both-1))
	d.ReferenceEmpSEMCSE, d.EmpSEMCSE = d.ReferenceEmpSE/ofSpread, d.EmpSE/ofSpread
	d.EmpSEDiff = d.EmpSE - d.ReferenceEmpSE
	d.EmpSEDiffMCSE = math.Sqrt(max(0, d.EmpSE*d.EmpSE+d.ReferenceEmpSE*d.ReferenceEmpSE-2*r*r*d.EmpSE*d.ReferenceEmpSE) / (2 * float64(t.both-1)))
	d.RelPrecision = 100 * (ratio - 1)
	d.RelPrecisionMCSE = 200 * ratio * math.Sqrt((1-r*r)/float64(t.both-1))

	for _, x := range []*float64{
		&d.BiasDiff, &d.BiasDiffMCSE, &d.RMSE, &d.ReferenceRMSE, &d.RMSEDiff, &d.RMSEDiffMCSE,
		&d.RelPrecision, &d.RelPrecisionMCSE, &d.Correlation,
		&d.EmpSE, &d.ReferenceEmpSE, &d.EmpSEDiff, &d.EmpSEDiffMCSE,
		&d.RMSEMCSE, &d.ReferenceRMSEMCSE, &d.EmpSEMCSE, &d.ReferenceEmpSEMCSE, &d.CorrelationMCSE,
	} {
		if !isFinite(*x) {
			*x = nan
		}
	}
	return d
}

// comoments are the moments of pairs of numbers, seen one pair at a time.
type comoments struct {
	x, y    moments
	product float64 // sum of products of the deviations
}

func (c *comoments) add(x, y float64) {
	delta := x - c.x.average
	c.x.add(x)
	c.y.add(y)
	c.product += delta * (y - c.y.average)
}

func (c *comoments) covariance() float64 {
	if c.x.n < 2 {
		return math.NaN()
	}
	return c.product / float64(c.x.n-1)
}

func (c *comoments) correlation() float64 {
	r := c.product / math.Sqrt(c.x.squares*c.y.squares)
	return max(-1, min(1, r)) // NaN stays
}
