package estimators

import (
	"fmt"
	"math"
	"strings"

	"coachsim/dgp"
)

// Randomisation is least squares with p-values and intervals from randomisation
// inference: the units are assigned anew by the study's own scheme, and the
// statistic of the arm in the data is placed among those that the other
// assignments give (Fisher's sharp null; Young 2019). The interval holds every
// constant effect that is not rejected.
//
// Where the formula has other arms beside the reported one, all are drawn anew.
// Their effects are nuisance parameters, estimated under each null: the outcomes
// that are placed on other assignments are residuals of the regression on them
// (Freedman and Lane 1983), which is exact where they have no effect.
//
// The statistic t stays valid in large samples where effects differ between
// schools but are 0 on average; the coefficient need not (Wu and Ding 2021). It
// is studentised by the standard error of SE: classical, CR0 or CR1, or HC0 or
// HC1 where the rows are teachers or schools, for trials of two arms in which
// children are not assigned one by one.
//
// Adjusted by Westfall and Young, the p-values of all outcomes are those of
// their free step-down: max-T of |t|, or, as coefficients of different outcomes
// are in different units, min-P of the coefficients' own p-values. Intervals
// stay those of each test alone.
//
// The standard error reported beside them is that of OLS's SE.
type Randomisation struct {
	OLS       `yaml:",inline"`
	Draws     int       `yaml:"draws" min:"9" max:"99999" doc:"assignments drawn anew"`
	Statistic Statistic `yaml:"statistic" doc:"what is compared between assignments: coefficient or t"`
	Adjust    StepDown  `yaml:"adjust" doc:"adjustment of the p-values for the number of outcomes: none or westfall-young"`
}

// Statistic is what randomisation inference compares between assignments.
type Statistic uint8

// The statistics.
const (
	Coefficient Statistic = iota
	StudentT              // the coefficient over its standard error
	statistics
)

var statisticNames = [statistics]string{"coefficient", "t"}

func (s Statistic) String() string {
	if s >= statistics {
		return fmt.Sprintf("Statistic(%d)", uint8(s))
	}
	return statisticNames[s]
}

// MarshalText writes the name.
func (s Statistic) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a name; case does not matter.
func (s *Statistic) UnmarshalText(text []byte) error {
	for i, name := range statisticNames {
		if strings.EqualFold(string(text), name) {
			*s = Statistic(i)
			return nil
		}
	}
	return fmt.Errorf("%q is not a statistic; the statistics are %s", text, strings.Join(statisticNames[:], ", "))
}

// Names lists the statistics.
func (Statistic) Names() []string { return statisticNames[:] }

// Bind binds the regression.
func (o Randomisation) Bind(name string, s *Setup) (Fitter, error) {
	if s.shape.Assignment == nil {
		return nil, keyError("kind", fmt.Errorf("the data do not say how arms were assigned, so they cannot be assigned anew"))
	}
	if len(o.Report) != 1 || len(o.Joint) > 0 {
		return nil, keyError("report", fmt.Errorf("randomisation inference is about one term, the arm"))
	}
	if o.R2 {
		return nil, keyError("r2", fmt.Errorf("kind: ols reports it"))
	}
	if len(o.IQR) > 0 {
		return nil, keyError("iqr", fmt.Errorf("kind: ols reports them"))
	}
	if o.Adjust == RomanoWolf {
		return nil, keyError("adjust", fmt.Errorf("randomisation inference adjusts by %s; %s is by the wild bootstrap", WestfallYoung, o.Adjust))
	}
	tests := o.Adjust.tests(o.Draws, 1)
	f, err := o.byOutcome(s, func(f *Formula) (Fitter, error) { return o.bind(name, s, f, tests) })
	if err != nil || tests == nil {
		return f, err
	}
	tests.ranked = o.Statistic == Coefficient
	return newStepping(f, tests, o.Adjust), nil
}

// bind binds a formula whose outcomes are observed together.
func (o Randomisation) bind(name string, s *Setup, f *Formula, tests *stepDown) (Fitter, error) {
	l, err := o.OLS.bind(name, s, f)
	if err != nil {
		return nil, err
	}
	r := &randomisation{l: l, draws: o.Draws, source: dgp.NewSource(), purpose: dgp.EstimatorPurpose(name), tests: tests}
	if err := r.findArms(s, o.Report[0]); err != nil {
		return nil, err
	}
	if o.Statistic == StudentT {
		if err := oneFactor(o.Cluster, "randomisation inference of t"); err != nil {
			return nil, err
		}
		if err := r.findStudent(o.SE, s.shape.Assignment.Level()); err != nil {
			return nil, err
		}
	}
	if filter := r.l.core.filter; filter != nil {
		for _, column := range filter.column {
			if s.shape.Columns[column].Arm {
				return nil, keyError("where", fmt.Errorf("randomisation inference draws the arms anew, so that they cannot choose the rows"))
			}
		}
	}
	r.scheme = s.shape.Assignment.Compile(s.shape)
	s.random = append(s.random, r)
	return r, nil
}

// findStudent prepares the standard errors that t needs.
func (r *randomisation) findStudent(se SE, assigned dgp.Level) error {
	c := r.l.core
	switch {
	case se.adjustment() != 0:
		return keyError("se", fmt.Errorf("randomisation inference studentises by classical, HC0, HC1, CR0 or CR1; this is %s", se))
	case assigned > c.group:
		return keyError("statistic", fmt.Errorf("where children are assigned one by one, the statistic is the coefficient"))
	case c.key.rows > c.group && (se == HC0 || se == HC1):
		return keyError("se", fmt.Errorf("the arm is the same for all children of a class, so randomisation inference studentises by clusters; %s has none", se))
	case len(r.arms) > 1:
		return keyError("statistic", fmt.Errorf("where the formula has several arms, the statistic is the coefficient"))
	}
	r.student = &studentiser{randomisation: r}
	return nil
}

// findArms divides the terms in those made of arms alone and the others.
func (r *randomisation) findArms(s *Setup, report string) error {
	arm := s.shape.Index(r.l.reported[0])
	if arm < 0 || !s.shape.Columns[arm].Arm {
		return keyError("report", fmt.Errorf("%q is not an arm", report))
	}
	term := r.l.combinations[0].term()
	var sets []map[int]bool // columns of each of r.arms
	for i, u := range r.l.terms {
		t := r.l.core.terms[u]
		columns := map[int]bool{}
		arms := 0
		for _, m := range []monomial{r.l.core.basis[t.basis], r.l.core.products[t.product]} {
			for _, factor := range m.factors {
				for _, column := range s.origins(factor.column) {
					if s.shape.Columns[column].Arm && !columns[column] {
						arms++
					}
					columns[column] = true
				}
			}
		}
		switch {
		case i != term && arms > 0 && (arms < len(columns) || len(columns) == 1 && columns[arm]):
			return keyError("formula", fmt.Errorf("randomisation inference is about the arms alone; the formula has one in another term too"))
		case arms == 0:
			r.others = append(r.others, i)
		case i != term: // the reported one comes last
			r.arms = append(r.arms, i)
			sets = append(sets, columns)
		}
	}
	r.arms = append(r.arms, term)
	sets = append(sets, map[int]bool{arm: true})
	for a := range s.shape.Arms {
		on := make([]float64, len(sets))
		for j, columns := range sets {
			on[j] = 1
			for column := range columns {
				if !s.shape.TurnsOn(a, column) {
					on[j] = 0
				}
			}
		}
		r.on = append(r.on, on)
	}
	return nil
}

// A randomisation is a bound randomisation inference.
//
// By the theorem of Frisch, Waugh and Lovell the coefficients of an assignment's
// indicators T are (T'MT)⁻¹T'My, with M the residual maker of the other
// regressors W and the absorbed effects. T is constant in a cell, a group of the
// core or, where children are assigned, a row; so both follow from numbers kept
// per cell: with W's coordinates root (as in coordinates, in which W'W is the
// identity) and B_c = Σ_i w_i over the cell,
//
//	T'My = Σ_c T_c Y_c,  Y_c = Σ_i (My)_i
//	T'MU = Σ_c n_c (T_c - T̄_e)(U_c - Ū_e) - τ'υ,  τ = Σ_c T_c B_c.
//
// Under the null of a constant effect β0, y - β0 T takes the place of y.
type randomisation struct {
	l       *linear
	draws   int
	scheme  dgp.Assigner
	source  *dgp.Source
	purpose dgp.Purpose
	arms    []int       // terms made of arms alone; the one reported is last
	on      [][]float64 // by arm, then by these terms: their value
	others  []int       // the other terms

	w   *cholesky // of the other regressors' cross-products
	raw []float64
	x   []float64 // scratch: by other regressor

	// By cell.
	cells  int
	unit   []int     // place among the units that were randomised
	group  []int     // of the core
	row    []int     // the child that is the cell, or -1 for the group whole
	size   []float64 // n_c
	effect []int
	b      []float64 // B_c, by other regressor
	y      []float64 // Y_c
	sum    []float64 // scratch
	now    []float64 // values of the terms of arms in the data, by cell and term

	// By term of arms.
	own   [][]float64 // by cell: Y_c with the term's values in the data in place of y
	top   []float64   // T'My
	self  []float64   // T'M(own T)
	cross []float64   // T'MT, lower triangle by rows
	tau   []float64   // τ
	mean  []float64   // by effect and term: Σ n_c T_c
	gamma []float64

	arm   []int        // of every unit that was randomised
	other []reassigned // by draw

	student *studentiser // nil where coefficients are compared
	tests   *stepDown    // nil where p-values are not adjusted
}

// A reassigned is the statistic of one assignment T as a function of a null β0:
// its coefficient is y - β0 own, with y and own the coefficients on T of the
// outcome and of the data's own assignment, and its squared standard error, up
// to a factor that all assignments share, v0 + β0 v1 + β0² v2. Where
// coefficients are compared this is 1.
type reassigned struct{ y, own, v0, v1, v2 float64 }

// at returns the squared coefficient and the squared standard error under a null.
func (a *reassigned) at(null float64) (square, variance float64) {
	b := a.y - null*a.own
	return b * b, a.v0 + null*(a.v1+null*a.v2)
}

func (r *randomisation) allocate(shape dgp.Shape) {
	c, n, k := r.l.core, len(r.others), len(r.arms)
	level := shape.Assignment.Level()
	most := shape.Max[max(c.group, min(level, c.key.rows))]
	r.w = newCholesky(n)
	r.raw, r.x = make([]float64, n), make([]float64, n)
	r.unit, r.group, r.row, r.effect = make([]int, most), make([]int, most), make([]int, most), make([]int, most)
	r.size, r.y, r.sum = make([]float64, most), make([]float64, most), make([]float64, most)
	r.b, r.now = make([]float64, most*n), make([]float64, most*k)
	for range r.arms {
		r.own = append(r.own, make([]float64, most))
	}
	r.top, r.self, r.gamma = make([]float64, k), make([]float64, k), make([]float64, k)
	r.cross, r.tau = make([]float64, k*k), make([]float64, k*n)
	r.mean = make([]float64, max(c.mostEffects, 1)*k)
	r.arm = make([]int, shape.Max[level])
	r.other = make([]reassigned, r.draws)
	if r.student != nil {
		r.student.allocate(most)
	}
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
	l, c := r.l, r.l.core
	r.factorOthers()
	r.loadCells(s)
	if r.scheme.Prepare != nil {
		r.scheme.Prepare(s.data.Randomised)
	}
	for j, term := range r.arms {
		for cell := range r.cells {
			r.sum[cell] = r.now[cell*len(r.arms)+j] * r.size[cell]
		}
		for k, i := range r.others {
			r.x[k] = c.gram[l.terms[i]*c.width+l.terms[term]]
		}
		r.residual(r.own[j])
	}
	last := len(r.arms) - 1
	r.partial(r.own[last])
	if r.student != nil {
		r.student.prepare()
	}
	for i, outcome := range l.outcomes {
		e := &out[i]
		if !e.Status.Worked() {
			continue
		}
		y := c.outcomes[outcome]
		for cell := range r.cells {
			r.sum[cell] = r.outcomeSum(cell, y)
		}
		for k, i := range r.others {
			r.x[k] = c.cross(l.terms[i], outcome)
		}
		r.residual(r.y)
		r.partial(r.y)
		own := reassigned{y: e.Value, own: 1, v0: 1}
		if r.student != nil {
			r.student.load(outcome)
			own = r.ofData()
		}
		r.reassign(s)
		r.infer(e, own, s.alpha)
		if r.tests != nil && e.Status.Worked() {
			r.join(e, own)
		}
	}
}

// join adds to the step-down the test that there is no effect.
func (r *randomisation) join(e *Estimate, own reassigned) {
	drawn := r.tests.add(e, squaredT(own.at(0)), len(r.other))
	for k := range r.other {
		drawn[k] = squaredT(r.other[k].at(0))
	}
}

// factorOthers factors the cross-products of the other regressors.
func (r *randomisation) factorOthers() {
	l, c, n := r.l, r.l.core, len(r.others)
	for row, i := range r.others {
		u := l.terms[i]
		for column, j := range r.others[:row+1] {
			r.w.l[row*n+column] = c.gram[u*c.width+l.terms[j]]
		}
		r.raw[row] = c.raw[u]
	}
	r.w.factor(r.raw)
}

// loadCells lists the cells of a data set.
func (r *randomisation) loadCells(s *Setup) {
	c, d := r.l.core, s.data
	level := d.Randomised.Level
	r.cells = 0
	for g := range c.groups {
		if !c.active[g] {
			continue
		}
		if level <= c.group {
			r.addCell(s, g, -1, d.Ancestor(c.group, g, level))
			continue
		}
		for i := d.ChildStart[g]; i < d.ChildStart[g+1]; i++ {
			if c.mask == nil || c.mask[i] != 0 {
				r.addCell(s, g, i, i)
			}
		}
	}
}

// addCell adds group g, or child row of it, which is in a unit of the data.
func (r *randomisation) addCell(s *Setup, g, row, unit int) {
	l, c, n := r.l, r.l.core, len(r.others)
	cell := r.cells
	r.cells++
	r.group[cell], r.row[cell], r.effect[cell] = g, row, c.effect[g]
	r.unit[cell] = s.data.Place[unit]
	if row < 0 {
		r.size[cell] = c.stat[g*c.stride]
	} else {
		r.size[cell] = c.root(g, row) * c.root(g, row)
	}
	for j, term := range r.arms {
		r.now[cell*len(r.arms)+j] = r.termSum(g, row, l.terms[term]) / r.size[cell]
	}
	b := r.b[cell*n : (cell+1)*n]
	for k, i := range r.others {
		u := l.terms[i]
		b[k] = r.termSum(g, row, u)
		if c.effects > 0 {
			b[k] -= r.size[cell] * c.effectS[c.effect[g]*c.width+u] / c.effectN[c.effect[g]]
		}
	}
	r.w.half(b)
}

// termSum sums a term of the core over a group, or takes its value at a child,
// times the weight.
func (r *randomisation) termSum(g, row, u int) float64 {
	c := r.l.core
	z, basis := c.value(g, u), c.terms[u].basis
	switch {
	case row < 0:
		return z * c.stat[g*c.stride+c.pairs[basis]]
	case basis > 0: // the column is weighted already
		return z * c.columns[basis][row] * c.root(g, row)
	}
	return z * c.root(g, row) * c.root(g, row)
}

// outcomeSum sums an outcome over a cell.
func (r *randomisation) outcomeSum(cell int, y response) float64 {
	c, g, row := r.l.core, r.group[cell], r.row[cell]
	switch {
	case row < 0:
		return c.outcomeProduct(g, 0, y, c.stat[g*c.stride:(g+1)*c.stride])
	case y.child >= 0:
		return c.outcome[y.child][row] * c.root(g, row)
	}
	return c.byProduct[y.product][g] * r.size[cell]
}

// residual fills dst with the sums over each cell of My for a variable y, whose
// sums over cells are in sum and whose cross-products with W are in x.
func (r *randomisation) residual(dst []float64) {
	c, n := r.l.core, len(r.others)
	r.w.half(r.x)
	clear(r.mean)
	if c.effects > 0 {
		for cell := range r.cells {
			r.mean[r.effect[cell]] += r.sum[cell]
		}
	}
	for cell := range r.cells {
		dst[cell] = r.sum[cell] - dot(r.b[cell*n:(cell+1)*n], r.x)
		if c.effects > 0 {
			e := r.effect[cell]
			dst[cell] -= r.size[cell] * r.mean[e] / c.effectN[e]
		}
	}
}

// partial takes from dst, which residual filled, its regression on the other
// arms as they are in the data.
func (r *randomisation) partial(dst []float64) {
	last := len(r.arms) - 1
	if last == 0 {
		return
	}
	r.clear()
	for cell := range r.cells {
		r.tally(cell, r.now[cell*len(r.arms):(cell+1)*len(r.arms)], dst[cell], 0)
	}
	r.eliminate()
	for j := last - 1; j >= 0; j-- {
		r.gamma[j] = 0
		if pivot := r.cross[j*len(r.arms)+j]; r.regular(pivot) {
			v := r.top[j]
			for k := j + 1; k < last; k++ {
				v -= r.cross[k*len(r.arms)+j] * r.gamma[k]
			}
			r.gamma[j] = v / pivot
		}
	}
	for j, gamma := range r.gamma[:last] {
		addScaled(dst[:r.cells], -gamma, r.own[j][:r.cells])
	}
}

func (r *randomisation) clear() {
	clear(r.top)
	clear(r.self)
	clear(r.cross)
	clear(r.tau)
	clear(r.mean)
}

// tally adds a cell to the sums of the terms of arms, whose values in the cell,
// 0 or 1, are given; y and own are the cell's.
func (r *randomisation) tally(cell int, values []float64, y, own float64) {
	n, p := len(r.others), len(values)
	size := r.size[cell]
	for j, value := range values {
		if value == 0 {
			continue
		}
		r.top[j] += y
		r.self[j] += own
		for k, other := range values[:j+1] {
			if other != 0 {
				r.cross[j*p+k] += size
			}
		}
		r.mean[r.effect[cell]*p+j] += size
		addScaled(r.tau[j*n:(j+1)*n], 1, r.b[cell*n:(cell+1)*n])
	}
}

// eliminate completes T'MT and eliminates each term from the later ones, which
// leaves the coefficient of the last as the ratio of what is left of it.
func (r *randomisation) eliminate() {
	c, n, p := r.l.core, len(r.others), len(r.arms)
	for j := range p {
		for k := range j + 1 {
			v := r.cross[j*p+k]
			for e := range c.effects {
				if c.effectN[e] > 0 {
					v -= r.mean[e*p+j] * r.mean[e*p+k] / c.effectN[e]
				}
			}
			r.cross[j*p+k] = v - dot(r.tau[j*n:(j+1)*n], r.tau[k*n:(k+1)*n])
		}
	}
	for k := range p {
		pivot := r.cross[k*p+k]
		if !r.regular(pivot) {
			continue // the other terms explain it
		}
		for j := k + 1; j < p; j++ {
			f := r.cross[j*p+k] / pivot
			for i := k + 1; i <= j; i++ {
				r.cross[j*p+i] -= f * r.cross[i*p+k]
			}
			r.top[j] -= f * r.top[k]
			r.self[j] -= f * r.self[k]
		}
	}
}

// regular reports whether a pivot is more than rounding error.
func (r *randomisation) regular(pivot float64) bool {
	return pivot > collinearPivot*r.l.core.weight
}

// reassign draws assignments and fills other. The same stream gives every
// outcome of a replicate the same assignments.
func (r *randomisation) reassign(s *Setup) {
	d := s.data
	rng := r.source.Load(s.stream, r.purpose)
	arm := r.arm[:d.Randomised.Len()]
	own := r.own[len(r.arms)-1]
	for draw := range r.other {
		r.scheme.Assign(arm, d.Randomised, rng)
		r.clear()
		for cell := range r.cells {
			a := arm[r.unit[cell]]
			if r.student != nil {
				r.student.treated[cell] = r.on[a][0]
			}
			if a > 0 {
				r.tally(cell, r.on[a], r.y[cell], own[cell])
			}
		}
		r.other[draw] = r.statistic()
	}
}

// ofData is the statistic of the data's own assignment, by the same sums.
func (r *randomisation) ofData() reassigned {
	last, p := len(r.arms)-1, len(r.arms)
	r.clear()
	for cell := range r.cells {
		r.student.treated[cell] = r.now[cell*p+last]
		r.tally(cell, r.now[cell*p:(cell+1)*p], r.y[cell], r.own[last][cell])
	}
	return r.statistic()
}

// statistic is that of the assignment that was tallied.
func (r *randomisation) statistic() reassigned {
	last := len(r.arms) - 1
	r.eliminate()
	square := r.cross[len(r.cross)-1]
	if !r.regular(square) {
		// No unit in the arm, or all, or an arm that the others explain: no
		// coefficient, and nothing more extreme than the data's.
		return reassigned{v0: 1}
	}
	a := reassigned{y: r.top[last] / square, own: r.self[last] / square, v0: 1}
	if r.student != nil {
		r.student.variance(&a, square)
	}
	return a
}

// infer replaces the p-value of an estimate, and adds its interval.
func (r *randomisation) infer(e *Estimate, own reassigned, alpha float64) {
	if square, variance := own.at(0); math.IsNaN(square / variance) {
		*e = failed(NotFinite)
		return
	}
	// Under the null β0 the data's coefficient is value - β0, and an
	// assignment's is its own of y, less β0 times its own of the data's T.
	p := func(null float64) float64 {
		limit, variance := own.at(null)
		limit *= 1 - 2*tieTolerance
		count := 1 // the data's own assignment
		for k := range r.other {
			square, v := r.other[k].at(null)
			if square*variance >= limit*v {
				count++
			}
		}
		return float64(count) / float64(len(r.other)+1)
	}
	value := e.Value
	e.P = p(0)
	e.Low = searchBound(value, -2*e.SE, func(null float64) bool { return p(null) <= alpha }, nil)
	e.High = searchBound(value, 2*e.SE, func(null float64) bool { return p(null) <= alpha }, nil)
}

// searchBound returns the first value, from an estimate in the direction of
// step, that a test rejects: an end of the interval of what it does not reject.
// It is infinite where none within a million steps is rejected, as with few
// clusters none may be. When it has come near to the end, narrow is told that it
// will ask for values between two alone, if it is not nil.
func searchBound(from, step float64, rejected func(float64) bool, narrow func(low, high float64)) float64 {
	low, high := 0.0, 1.0
	for !rejected(from + high*step) {
		low, high = high, 2*high
		if high > 1e6 {
			return math.Inf(int(math.Copysign(1, step)))
		}
	}
	for i := range 30 {
		if i == 5 && narrow != nil {
			narrow(from+low*step, from+high*step)
		}
		if mid := (low + high) / 2; rejected(from + mid*step) {
			high = mid
		} else {
			low = mid
		}
	}
	return from + (low+high)/2*step
}

var _ Method = Randomisation{}
