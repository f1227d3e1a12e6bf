package estimators

import (
	"fmt"
	"math"

	"coachsim/dgp"
)

// Randomisation is least squares with p-values and intervals from randomisation
// inference: schools are assigned anew by the study's own scheme, and the
// coefficient of the arm in the data is placed among those that the other
// assignments give (Fisher's sharp null; Young 2019). The interval holds every
// constant effect that is not rejected.
//
// The standard error reported beside them is that of OLS's SE.
type Randomisation struct {
	OLS   `yaml:",inline"`
	Draws int `yaml:"draws" min:"9" max:"99999" doc:"assignments drawn anew"`
}

// Bind binds the regression.
func (o Randomisation) Bind(name string, s *Setup) (Fitter, error) {
	if s.shape.Assignment == nil {
		return nil, keyError("kind", fmt.Errorf("the data do not say how arms were assigned, so they cannot be assigned anew"))
	}
	if len(o.Report) != 1 || len(o.Joint) > 0 {
		return nil, keyError("report", fmt.Errorf("randomisation inference is about one term, the arm"))
	}
	return o.byOutcome(s, func(f *Formula) (Fitter, error) { return o.bind(name, s, f) })
}

// bind binds a formula whose outcomes are observed together.
func (o Randomisation) bind(name string, s *Setup, f *Formula) (Fitter, error) {
	l, err := o.OLS.bind(name, s, f)
	if err != nil {
		return nil, err
	}
	r := &randomisation{l: l, draws: o.Draws, scheme: s.shape.Assignment, source: dgp.NewSource(), purpose: dgp.EstimatorPurpose(name)}
	arm := s.shape.Index(r.l.reported[0])
	if arm < 0 || !s.shape.Columns[arm].Arm {
		return nil, keyError("report", fmt.Errorf("%q is not an arm", o.Report[0]))
	}
	r.column = arm
	r.term = r.l.combinations[0].term
	for i, u := range r.l.terms {
		t := r.l.core.terms[u]
		for _, m := range []monomial{r.l.core.basis[t.basis], r.l.core.products[t.product]} {
			for _, factor := range m.factors {
				if i != r.term && s.origin(factor.column) == arm {
					return nil, keyError("formula", fmt.Errorf("randomisation inference is about the arm alone; the formula has it in another term too"))
				}
			}
		}
	}
	s.random = append(s.random, r)
	return r, nil
}

// A randomisation is a bound randomisation inference.
//
// By the theorem of Frisch, Waugh and Lovell the coefficient of an assignment T
// is T'My / T'MT, with M the residual maker of the other regressors W and the
// absorbed effects. T is constant in a group, so both follow from numbers kept
// per group: with W's coordinates root (as in coordinates, in which W'W is the
// identity) and B_g = Σ_i w_i over the group,
//
//	T'My = Σ_g T_g Y_g,  Y_g = Σ_i (My)_i
//	T'MT = Σ_g n_g (T_g - T̄_e)² - τ'τ,  τ = Σ_g T_g B_g.
//
// Under the null of a constant effect β0, y - β0 T takes the place of y.
type randomisation struct {
	l       *linear
	draws   int
	scheme  dgp.Assignment
	source  *dgp.Source
	purpose dgp.Purpose
	column  int // of the arm
	term    int // of the arm, among the terms

	others  *cholesky // of the other regressors' cross-products
	raw     []float64
	b       []float64 // by group and other regressor: B_g
	x       []float64 // scratch: by other regressor
	y       []float64 // by group: Y_g
	own     []float64 // by group: the same of the data's own assignment in place of y
	treated []float64 // by group
	arm     []int     // by school that was randomised
	scratch []int
	mean    []float64    // by effect
	ratios  [][2]float64 // by draw: T'My and T'M(own T), over T'MT
}

func (r *randomisation) allocate(shape dgp.Shape) {
	most, p := shape.Max[r.l.core.group], len(r.l.terms)
	r.others = newCholesky(p - 1)
	r.raw = make([]float64, p-1)
	r.b = make([]float64, most*(p-1))
	r.x = make([]float64, p-1)
	r.y = make([]float64, most)
	r.own = make([]float64, most)
	r.treated = make([]float64, most)
	r.arm = make([]int, shape.Max[dgp.SchoolLevel])
	r.scratch = make([]int, shape.Max[dgp.SchoolLevel])
	r.mean = make([]float64, max(r.l.core.mostEffects, 1))
	r.ratios = make([][2]float64, r.draws)
}

// Rows says what the estimates are about.
func (r *randomisation) Rows() []Row { return r.l.Rows() }

// Fit fits the regression, then compares each estimate with those of other
// assignments.
func (r *randomisation) Fit(s *Setup, out []Estimate) {
	r.l.Fit(s, out)
	worked := false
	for _, e := range out {
		worked = worked || e.Status.Worked()
	}
	if !worked {
		return
	}
	c := r.l.core
	r.factorOthers()
	for g := range c.groups {
		r.treated[g] = s.columns[r.column][s.data.Ancestor(c.group, g, dgp.SchoolLevel)]
	}
	r.residual(r.own, func(g int) float64 { return r.treated[g] * c.stat[g*c.stride] }, r.term, -1)
	for i, outcome := range r.l.outcomes {
		e := &out[i]
		if !e.Status.Worked() {
			continue
		}
		y := c.outcomes[outcome]
		r.residual(r.y, func(g int) float64 { return c.outcomeProduct(g, 0, y, c.stat[g*c.stride:(g+1)*c.stride]) }, -1, outcome)
		r.reassign(s)
		r.infer(e, s.alpha)
	}
}

// factorOthers factors the cross-products of the other regressors, and sums
// their coordinates over each group.
func (r *randomisation) factorOthers() {
	l, c := r.l, r.l.core
	p, q, n := len(l.terms), len(c.terms), len(l.terms)-1
	row := 0
	for i, u := range l.terms {
		if i == r.term {
			continue
		}
		column := 0
		for j := range i + 1 {
			if j != r.term {
				r.others.l[row*n+column] = c.gram[u*c.width+l.terms[j]]
				column++
			}
		}
		r.raw[row] = c.raw[u]
		row++
	}
	r.others.factor(r.raw)
	for g := range c.groups {
		if !c.active[g] {
			continue
		}
		b := r.b[g*n : (g+1)*n]
		k := 0
		for i := range p {
			if i == r.term {
				continue
			}
			u := l.terms[i]
			b[k] = c.value[g*q+u] * c.stat[g*c.stride+c.pairs[c.terms[u].basis]]
			if c.effects > 0 {
				e := c.effect[g]
				b[k] -= c.stat[g*c.stride] * c.effectS[e*c.width+u] / c.effectN[e]
			}
			k++
		}
		r.others.half(b)
	}
}

// residual fills dst with the sums over each group of My for a variable y with
// the given sums over groups, which is a term or an outcome of the core.
func (r *randomisation) residual(dst []float64, sum func(g int) float64, term, outcome int) {
	l, c, n := r.l, r.l.core, len(r.x)
	k := 0
	for i, u := range l.terms {
		if i == r.term {
			continue
		}
		if outcome >= 0 {
			r.x[k] = c.cross(u, outcome)
		} else {
			r.x[k] = c.gram[u*c.width+l.terms[term]]
		}
		k++
	}
	r.others.half(r.x)
	for e := range c.effects {
		r.mean[e] = 0
	}
	if c.effects > 0 {
		for g := range c.groups {
			if c.active[g] {
				r.mean[c.effect[g]] += sum(g)
			}
		}
	}
	for g := range c.groups {
		if !c.active[g] {
			continue
		}
		dst[g] = sum(g) - dot(r.b[g*n:(g+1)*n], r.x)
		if c.effects > 0 {
			e := c.effect[g]
			dst[g] -= c.stat[g*c.stride] * r.mean[e] / c.effectN[e]
		}
	}
}

// reassign draws assignments and fills ratios. The same stream gives every
// outcome of a replicate the same assignments.
func (r *randomisation) reassign(s *Setup) {
	l, c, n, d := r.l, r.l.core, len(r.x), s.data
	rng := r.source.Load(s.stream, r.purpose)
	for k := range r.ratios {
		all := len(d.Randomised)
		r.scheme.Assign(r.arm[:all], d.Randomised, r.scratch[:all], rng)
		clear(r.x)
		clear(r.mean)
		top, own, square := 0.0, 0.0, 0.0
		for g := range c.groups {
			if !c.active[g] || r.arm[d.SchoolRandomised[d.Ancestor(c.group, g, dgp.SchoolLevel)]] == 0 {
				continue
			}
			rows := c.stat[g*c.stride]
			top += r.y[g]
			own += r.own[g]
			square += rows
			if c.effects > 0 {
				r.mean[c.effect[g]] += rows
			}
			addScaled(r.x, 1, r.b[g*n:(g+1)*n])
		}
		for e := range c.effects {
			if c.effectN[e] > 0 {
				square -= r.mean[e] * r.mean[e] / c.effectN[e]
			}
		}
		square -= dot(r.x, r.x)
		if !(square > collinearPivot*l.core.weight) {
			// Every school in one arm, or an arm that the others explain: no
			// coefficient, and nothing more extreme than the data's.
			top, own, square = 0, 0, 1
		}
		r.ratios[k] = [2]float64{top / square, own / square}
	}
}

// infer replaces the p-value of an estimate, and adds its interval.
func (r *randomisation) infer(e *Estimate, alpha float64) {
	value := e.Value
	// Under the null β0 the data's coefficient is value - β0, and an
	// assignment's is its own of y, less β0 times its own of the data's T.
	p := func(null float64) float64 {
		limit := math.Abs(value-null) * (1 - 1e-10)
		count := 1 // the data's own assignment
		for _, ratio := range r.ratios {
			if math.Abs(ratio[0]-null*ratio[1]) >= limit {
				count++
			}
		}
		return float64(count) / float64(len(r.ratios)+1)
	}
	e.P = p(0)
	e.Low = searchBound(value, -2*e.SE, func(null float64) bool { return p(null) <= alpha })
	e.High = searchBound(value, 2*e.SE, func(null float64) bool { return p(null) <= alpha })
}

// searchBound returns the first value, from an estimate in the direction of
// step, that a test rejects: an end of the interval of what it does not reject.
// It is infinite where none within a million steps is rejected, as with few
// clusters none may be.
func searchBound(from, step float64, rejected func(float64) bool) float64 {
	low, high := 0.0, 1.0
	for !rejected(from + high*step) {
		low, high = high, 2*high
		if high > 1e6 {
			return math.Inf(int(math.Copysign(1, step)))
		}
	}
	for range 30 {
		if mid := (low + high) / 2; rejected(from + mid*step) {
			high = mid
		} else {
			low = mid
		}
	}
	return from + (low+high)/2*step
}

var _ Method = Randomisation{}
