package sim

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
)

// A Search looks on a grid of designs for the cheapest that has a power, or for
// the one with the most power that a budget buys.
//
// It simulates a few designs of the grid briefly, fits a surrogate to their
// power, looks next where the surrogate sees the answer, and so on. In the end
// every design that the surrogate cannot rule out, at 3 of its standard errors,
// is simulated in full: the answer is what a full simulation of every design of
// the grid would have found, unless the surrogate was wrong about a design by
// more than that. All designs share random draws.
type Search struct {
	Keys       []VariedKey
	At         func(values []float64) (Study, error) // the study at these values of the keys
	Cost       func(Study) (float64, error)          // nil where the cheapest is the least value of the only key
	Tests      []Test                                // a design's power is that of its weakest test
	Power      float64                               // the target
	Replicates int                                   // of a full simulation
	Workers    int
	Tell       func(Looked) // hears of every design simulated; may be nil
}

// A VariedKey is a key of the study with the values it may take, ascending.
type VariedKey struct {
	Key    string
	Values []float64
}

// A Looked is a design that a search has simulated.
type Looked struct {
	Values     []float64 // of the keys
	Cost       float64   // NaN without costs
	Replicates int
	Tests      []TestPower
}

// A TestPower is the simulated power of one test.
type TestPower struct {
	Test
	Share         // after adjustment where a family of the study has the test
	Family string // that family, "" without one
	Method Adjustment
	Failed int // fits that failed, which count as no rejection
	Mean   float64
	SD     float64 // of the estimates
}

// Weakest returns the least power of the tests.
func (l Looked) Weakest() Share {
	weakest := l.Tests[0].Share
	for _, t := range l.Tests[1:] {
		if t.Value < weakest.Value {
			weakest = t.Share
		}
	}
	return weakest
}

// A Found is the answer of a search.
type Found struct {
	Reached    bool   // the target, by Answer
	Answer     Looked // where not reached: the design with the most power
	Looked     []Looked
	Designs    int     // in the grid
	Trials     int     // simulated in all
	Exhaustive int     // trials of a full simulation of every design
	Falls      bool    // power falls with the only key, so that its largest good value was looked for
	Peaks      bool    // power neither rises nor falls all the way with the only key
	Replicates int     // of a full simulation
	MCSE       float64 // of the power asked for in a full simulation, √(P(1-P)/replicates)
}

// Rough reports whether a design rests on so few trials, less than those of a full
// simulation, that its power is known worse than the power asked for is in one: its
// 95% interval, which unlike the MCSE does not shrink to nothing at 0 and 1, is
// compared with 1.96 of that MCSE to each side.
func (f Found) Rough(l Looked) bool {
	v := Wilson(l.Weakest().Value, l.Replicates)
	return l.Replicates < f.Replicates && v.High-v.Low > 2*normal95*f.MCSE
}

// maxDesigns bounds a grid.
const maxDesigns = 20_000

// A candidate is one design of the grid.
type candidate struct {
	values  []float64
	cost    float64
	rank    float64 // the order in which designs are wanted
	sample  *sample // nil until looked at
	settled bool    // in full, or known to miss
}

// A hunt is a Search under way.
type hunt struct {
	Search
	levels     []float64 // by test
	candidates []*candidate
	models     []*surrogate // by test
	trials     int
}

// pilot is the number of replicates of a first look.
func (s Search) pilot() int { return min(max(s.Replicates/20, 50), 250, s.Replicates) }

// second is the number of replicates of a second look.
func (s Search) second() int { return min(max(s.Replicates/6, s.pilot()), s.Replicates) }

// Cheapest finds the cheapest design with the power asked for. Without costs
// that is the least value of the only key, or the largest where power falls
// with it.
func (s Search) Cheapest(ctx context.Context) (Found, error) {
	h, err := s.begin(ctx)
	if err != nil {
		return Found{}, err
	}
	falls := false
	if s.Cost == nil {
		last := h.candidates[len(h.candidates)-1]
		if falls = h.weakest(last) < h.weakest(h.candidates[0]); falls {
			for _, c := range h.candidates {
				c.rank = -c.rank
			}
			slices.Reverse(h.candidates)
		}
	}
	err = h.refine(ctx, h.cheapestPredicted)
	if err != nil {
		return Found{}, err
	}
	answer, reached, err := h.cheapest(ctx)
	if err != nil {
		return Found{}, err
	}
	found := h.found(answer, reached)
	found.Falls = falls
	return found, nil
}

// Strongest finds the design with the most power that costs no more than the
// budget.
func (s Search) Strongest(ctx context.Context, budget float64) (Found, error) {
	h, err := s.enumerate()
	if err != nil {
		return Found{}, err
	}
	designs := len(h.candidates)
	least := h.candidates[0].cost
	h.candidates = slices.DeleteFunc(h.candidates, func(c *candidate) bool { return c.cost > budget })
	if len(h.candidates) == 0 {
		return Found{}, fmt.Errorf("no design costs as little as %.6g; the cheapest costs %.6g", budget, least)
	}
	if err := h.look(ctx); err != nil {
		return Found{}, err
	}
	if err := h.refine(ctx, h.strongestPredicted); err != nil {
		return Found{}, err
	}
	answer, err := h.strongest(ctx)
	if err != nil {
		return Found{}, err
	}
	power := answer.sample.weakest()
	found := h.found(answer, power >= s.Power)
	found.Designs, found.Exhaustive = designs, designs*s.Replicates
	return found, nil
}

// begin lists the designs and takes a first look.
func (s Search) begin(ctx context.Context) (*hunt, error) {
	h, err := s.enumerate()
	if err != nil {
		return nil, err
	}
	return h, h.look(ctx)
}

// enumerate lists the designs of the grid in the order in which they are
// wanted.
func (s Search) enumerate() (*hunt, error) {
	h := &hunt{Search: s}
	n := 1
	for _, k := range s.Keys {
		if n *= len(k.Values); n > maxDesigns {
			return nil, fmt.Errorf("the ranges make more than %d designs; give wider steps", maxDesigns)
		}
	}
	for at := range n {
		c := &candidate{values: make([]float64, len(s.Keys)), cost: math.NaN()}
		for i, rest := len(s.Keys)-1, at; i >= 0; i-- {
			c.values[i] = s.Keys[i].Values[rest%len(s.Keys[i].Values)]
			rest /= len(s.Keys[i].Values)
		}
		c.rank = c.values[0]
		if s.Cost != nil {
			study, err := s.At(c.values)
			if err != nil {
				return nil, err
			}
			if c.cost, err = s.Cost(study); err != nil {
				return nil, err
			}
			c.rank = c.cost
		}
		h.candidates = append(h.candidates, c)
	}
	slices.SortStableFunc(h.candidates, func(a, b *candidate) int { return cmp.Compare(a.rank, b.rank) })
	return h, nil
}

// look takes a first look at designs spread over the grid: its corners, its
// middle, and then whichever is farthest from all others.
func (h *hunt) look(ctx context.Context) error {
	k := len(h.Keys)
	want := min(len(h.candidates), max(5, (k+1)*(k+2)/2+2))
	var chosen []*candidate
	near := make([]float64, len(h.candidates)) // distance to the nearest chosen
	for i := range near {
		near[i] = math.Inf(1)
	}
	take := func(c *candidate) error {
		chosen = append(chosen, c)
		for i, o := range h.candidates {
			near[i] = min(near[i], h.distance(c, o))
		}
		return h.grow(ctx, c, h.pilot())
	}
	// The first two are where the first key is least and largest; which of equal
	// distances comes first does not matter, but is always the same.
	for range want {
		at := 0
		for i := range near {
			if near[i] > near[at] {
				at = i
			}
		}
		if near[at] == 0 {
			break
		}
		if err := take(h.candidates[at]); err != nil {
			return err
		}
	}
	h.fit()
	return nil
}

// distance is Euclidean, in shares of the ranges of the keys' (logarithms).
func (h *hunt) distance(a, b *candidate) float64 {
	d := 0.0
	for i, k := range h.Keys {
		lo, hi := k.Values[0], k.Values[len(k.Values)-1]
		x, y := a.values[i], b.values[i]
		if lo > 0 {
			lo, hi, x, y = math.Log(lo), math.Log(hi), math.Log(x), math.Log(y)
		}
		if hi > lo {
			d += (x - y) * (x - y) / ((hi - lo) * (hi - lo))
		}
	}
	return d
}

// grow simulates a design up to n replicates.
func (h *hunt) grow(ctx context.Context, c *candidate, n int) error {
	if c.sample == nil {
		study, err := h.At(c.values)
		if err != nil {
			return err
		}
		c.sample = newSample(study, h.Tests)
		h.levels = h.levels[:0]
		for t := range h.Tests {
			h.levels = append(h.levels, c.sample.level(t))
		}
	}
	before := c.sample.replicates()
	if err := c.sample.grow(ctx, n, h.Workers); err != nil {
		return err
	}
	if grown := c.sample.replicates() - before; grown > 0 {
		h.trials += grown
		if h.Tell != nil {
			h.Tell(c.looked())
		}
	}
	return nil
}

// fit fits the surrogates to all that was seen.
func (h *hunt) fit() {
	logs := make([]bool, len(h.Keys))
	for i, k := range h.Keys {
		logs[i] = k.Values[0] > 0
	}
	h.models = h.models[:0]
	for t := range h.Tests {
		var seen []observedPower
		for _, c := range h.candidates {
			if c.sample != nil {
				power, variance := c.sample.smooth(t)
				seen = append(seen, observedPower{at: c.values, power: power, variance: variance})
			}
		}
		h.models = append(h.models, fitSurrogate(seen, logs, h.levels[t]))
	}
}

// predict returns the weakest test's predicted power and its upper bound.
func (h *hunt) predict(c *candidate) (power, high float64) {
	power, high = 1, 1
	for _, m := range h.models {
		p, u := m.power(c.values, searchMargin)
		power, high = min(power, p), min(high, u)
	}
	return power, high
}

// searchMargin is how many of its standard errors a surrogate must be away from
// the target to rule a design out.
const searchMargin = 3

// weakest is the smoothed power of the weakest test of a design looked at.
func (h *hunt) weakest(c *candidate) float64 {
	power := 1.0
	for t := range h.Tests {
		p, _ := c.sample.smooth(t)
		power = min(power, p)
	}
	return power
}

func (h *hunt) cheapestPredicted() *candidate {
	for _, c := range h.candidates {
		if power, _ := h.predict(c); power >= h.Power {
			return c
		}
	}
	return h.strongestPredicted()
}

func (h *hunt) strongestPredicted() *candidate {
	best, most := h.candidates[0], -1.0
	for _, c := range h.candidates {
		if power, _ := h.predict(c); power > most {
			best, most = c, power
		}
	}
	return best
}

// refine looks a second time at the design that seems the answer, until it is
// one that was looked at.
func (h *hunt) refine(ctx context.Context, next func() *candidate) error {
	const most = 12
	for range most {
		c := next()
		if c.sample != nil && c.sample.replicates() >= h.second() {
			return nil
		}
		if err := h.grow(ctx, c, h.second()); err != nil {
			return err
		}
		h.fit()
	}
	return nil
}

// settle simulates a design in full, or until it is clear that it misses the
// bar.
func (h *hunt) settle(ctx context.Context, c *candidate, bar float64) (power float64, err error) {
	for n := h.second(); ; n *= 2 {
		n = min(n, h.Replicates)
		if err := h.grow(ctx, c, n); err != nil {
			return 0, err
		}
		power = c.sample.weakest()
		n = c.sample.replicates()
		near := (bar*float64(n) + 2) / float64(n+4) // away from 1, where nothing would vary
		if n >= h.Replicates || power+4*math.Sqrt(near*(1-near)/float64(n)) < bar {
			c.settled = true
			return power, nil
		}
	}
}

// cheapest returns the first design that reaches the target in full, or where none
// does the one with the most power.
func (h *hunt) cheapest(ctx context.Context) (answer *candidate, reached bool, err error) {
	for {
		answer, err = h.firstToReach(ctx)
		if err != nil {
			return nil, false, err
		}
		if answer == nil {
			answer, err = h.strongest(ctx)
			if err != nil || answer.sample.weakest() < h.Power {
				return answer, false, err
			}
			continue // the surrogate was wrong about it
		}
		if h.Cost != nil || !h.unconfirmed(answer) {
			return answer, true, nil
		}
		if err := h.neighbours(ctx, answer); err != nil {
			return nil, false, err
		}
		// A neighbour may be the answer after all.
	}
}

// firstToReach returns the first design that reaches the target in full, nil
// if none does.
func (h *hunt) firstToReach(ctx context.Context) (*candidate, error) {
	for {
		var next *candidate
		for _, c := range h.candidates {
			if c.settled {
				if power := c.sample.weakest(); power >= h.Power {
					return c, nil
				}
				continue
			}
			if _, high := h.predict(c); high >= h.Power {
				next = c
				break
			}
		}
		if next == nil {
			return nil, nil
		}
		if _, err := h.settle(ctx, next, h.Power); err != nil {
			return nil, err
		}
		h.fit()
	}
}

// strongest returns the design with the most power in full.
func (h *hunt) strongest(ctx context.Context) (*candidate, error) {
	var best *candidate
	most := -1.0
	for _, c := range h.candidates {
		// One that misses the target may have the most power all the same.
		c.settled = c.sample != nil && c.sample.replicates() >= h.Replicates
		if c.settled {
			if power := c.sample.weakest(); power > most {
				best, most = c, power
			}
		}
	}
	for {
		var next *candidate
		highest := most
		for _, c := range h.candidates {
			if !c.settled {
				if _, high := h.predict(c); high >= highest {
					if next == nil || high > highest {
						next, highest = c, high
					}
				}
			}
		}
		if next == nil {
			return best, nil
		}
		power, err := h.settle(ctx, next, max(most, 0))
		if err != nil {
			return nil, err
		}
		if power > most && next.sample.replicates() >= h.Replicates || power == most && next.rank < best.rank {
			best, most = next, power
		}
		h.fit()
	}
}

// around returns the designs before and after one.
func (h *hunt) around(c *candidate) []*candidate {
	at := slices.Index(h.candidates, c)
	return slices.Concat(h.candidates[max(at-1, 0):at], h.candidates[at+1:min(at+2, len(h.candidates))])
}

// unconfirmed reports whether a neighbour of a design was not simulated in full.
func (h *hunt) unconfirmed(c *candidate) bool {
	return slices.ContainsFunc(h.around(c), func(o *candidate) bool {
		return o.sample == nil || o.sample.replicates() < h.Replicates
	})
}

// neighbours simulates the designs before and after the answer in full.
func (h *hunt) neighbours(ctx context.Context, answer *candidate) error {
	for _, c := range h.around(answer) {
		if err := h.grow(ctx, c, h.Replicates); err != nil {
			return err
		}
		c.settled = true
	}
	h.fit()
	return nil
}

// looked describes a design that was simulated.
func (c *candidate) looked() Looked {
	l := Looked{Values: c.values, Cost: c.cost, Replicates: c.sample.replicates()}
	for t, test := range c.sample.tests {
		p := TestPower{Test: test, Failed: c.sample.failed(t), Family: c.sample.families[t].name, Method: c.sample.families[t].method}
		p.Value, p.MCSE = c.sample.power(t)
		p.Mean, p.SD = c.sample.estimate(t)
		l.Tests = append(l.Tests, p)
	}
	return l
}

func (h *hunt) found(answer *candidate, reached bool) Found {
	f := Found{
		Replicates: h.Replicates, MCSE: math.Sqrt(h.Power * (1 - h.Power) / float64(h.Replicates)),
		Reached: reached, Answer: answer.looked(),
		Designs: len(h.candidates), Trials: h.trials, Exhaustive: len(h.candidates) * h.Replicates,
	}
	for _, c := range h.candidates {
		if c.sample != nil {
			f.Looked = append(f.Looked, c.looked())
		}
	}
	if len(h.Keys) == 1 {
		f.Peaks = peaks(f.Looked)
	}
	return f
}

// peaks reports whether, along the designs looked at, power rises clearly and
// falls clearly: by more than 4 standard errors of a difference.
func peaks(looked []Looked) bool {
	clear := func(a, b Share) bool {
		return b.Value-a.Value > 4*math.Hypot(a.MCSE, b.MCSE)+1e-9
	}
	rises, falls := false, false
	for i, a := range looked {
		for _, b := range looked[i+1:] {
			rises = rises || clear(a.Weakest(), b.Weakest())
			falls = falls || clear(b.Weakest(), a.Weakest())
		}
	}
	return rises && falls
}

// Frontier returns the designs looked at that have more power than every one
// that costs less, cheapest first.
func (f Found) Frontier() []Looked {
	var frontier []Looked
	most := -1.0
	for _, l := range f.Looked { // in the order of cost
		if w := l.Weakest().Value; w > most {
			frontier = append(frontier, l)
			most = w
		}
	}
	return frontier
}
