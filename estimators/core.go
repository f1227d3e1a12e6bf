package estimators

import (
	"slices"

	"gonum.org/v1/gonum/floats"

	"coachsim/dgp"
)

// A core holds the cross-products that all linear fits on the same rows share.
//
// A regressor is a product of powers of columns. Split it in the part that
// varies within the group (a monomial m of child columns) and the part that is
// constant there (a product z of teacher, school and block columns): its value
// for row i of group g is z_g m_i. A group is a class when the rows are
// children, else the row itself. So per group only the small matrix
// S_g = Σ_i [1 m][1 m y]' is needed, with Σ y² of all rows, and everything else is
// algebra on the groups: for regressors u = z m and v = z' m',
//
//	Σ_i u_i v_i = Σ_g z_g z'_g S_g(m, m')
//
// With weights w every row, its constant too, is multiplied by √w: then
// S_g = Σ_i w_i [1 m][1 m y]', and weighted least squares is all that follows
// for least squares.
//
// Child rows are read once per data set, whatever the number of regressions.
// Fixed effects are absorbed by taking off the cross-product of the means of
// their levels; an intercept is a fixed effect with one level.
type core struct {
	key      coreKey
	group    dgp.Level
	filter   *filter
	weights  *weighting // nil where every row has the weight 1
	absorbed grouping   // where key.absorb is not ""
	means    []*derived // of key.means

	basis    []monomial // child-level monomials of regressors; basis[0] is 1
	children []int      // child-level columns of outcomes
	products []monomial // group-level products; products[0] is 1
	terms    []regressor
	outcomes []response

	// What follows is sized by allocate and filled by load.
	groups      int
	effects     int // levels of the absorbed factor, 0 without intercept
	mostEffects int
	active      []bool                    // by group: has rows
	idle        []int                     // groups that have none
	unplaced    bool                      // a group has no level of the absorbed factor
	late        bool                      // loaded by its method, when that has found the weights
	unweighable bool                      // a row has a negative weight, or none
	effect      []int                     // by group: its level of the absorbed factor
	runs        []run                     // of them
	stride      int                       // numbers in one group's S
	stat        []float64                 // S by group
	byStat      [][]float64               // S by place and group; 0 where a group has no rows
	byProduct   [][]float64               // z by product and group; 0 where a group has no rows
	centred     [][]float64               // by term, then outcome, and group: see centre; nil where no regression reads them
	above       [dgp.ChildLevel + 1][]int // scratch: by level above the groups', where a product needs it, and group: its unit there
	width       int                       // numbers in a row of gram: terms, then outcomes
	ones        bool                      // every group is a row with the weight 1: S(1, 1) is 1
	sums        [][]float64               // Σ of every term and outcome, and by group; 0 where a group has no rows
	columns     [][]float64
	buffers     [][]float64 // behind computed columns
	recipes     []recipe    // of them
	squared     bool        // basis 3 is the square of basis 2, number by number
	outcome     [][]float64 // child-level outcome columns
	classStart  []int       // of the data
	shifted     [][]float64 // behind outcomes that are masked or centred
	mask        []float64   // by child: root of the weight of the row, 0 if it is out; nil if all are 1
	counts      []float64   // by group: number of rows, where there are weights
	clusteredBy grouping    // of the regression that numbered its clusters last
	clusters    int         // how many these are; 0 before that, of this data set
	clusterOf   []int       // by group
	gram        []float64   // terms × (terms, outcomes): Σxx' and Σxy, after absorption
	raw         []float64   // diagonal of Σxx' before absorption
	square      []float64   // by outcome: Σy² after absorption
	squares     []float64   // by outcome: Σy² before absorption
	effectS     []float64   // effects × (terms, outcomes): Σx and Σy
	effectN     []float64   // rows by effect
	rows        float64     // number of rows
	weight      float64     // sum of their weights
	present     int         // effects with rows
	blockEnd    []int       // end of each basis block in terms

	times     []float64 // scratch: a factor, or a term times a statistic, by group
	oneRight  []float64 // scratch: right-hand factors of a group
	pairs     []int     // pair, tabulated
	outcomeAt []int     // outcomePair, tabulated
}

// A coreKey says which linear fits share a core.
type coreKey struct {
	rows      dgp.Level
	where     string
	weights   string // "" for none
	absorb    string // "" for none
	intercept bool
	means     string // by text: a row without the units of one is left out
}

// A monomial is a product of powers of columns, each measured from a center.
type monomial struct {
	factors []factor
}

// A factor is (column - center)^power.
type factor struct {
	column int // in Setup's numbering
	level  dgp.Level
	power  int
	center float64
}

// A regressor is basis × product.
type regressor struct{ basis, product int }

// A response is an outcome: a child-level column, or a group-level product.
type response struct {
	child   int     // in core.children, or -1
	product int     // where child is -1
	center  float64 // taken off before sums are formed, where there is a constant to give it back to
}

func sameMonomial(a, b monomial) bool {
	if len(a.factors) != len(b.factors) {
		return false
	}
	for _, f := range a.factors {
		found := false
		for _, g := range b.factors {
			found = found || f == g
		}
		if !found {
			return false
		}
	}
	return true
}

// findOrAdd returns the place of m in list, after adding it if need be.
func findOrAdd(list *[]monomial, m monomial) int {
	for i := range *list {
		if sameMonomial((*list)[i], m) {
			return i
		}
	}
	*list = append(*list, m)
	return len(*list) - 1
}

// addTerm registers a regressor and returns its place in terms.
func (c *core) addTerm(m monomial) int {
	var within, between monomial
	for _, f := range m.factors {
		if f.level > c.group {
			within.factors = append(within.factors, f)
		} else {
			between.factors = append(between.factors, f)
		}
	}
	r := regressor{basis: findOrAdd(&c.basis, within), product: findOrAdd(&c.products, between)}
	for i := range c.terms {
		if c.terms[i] == r {
			return i
		}
	}
	c.terms = append(c.terms, r)
	return len(c.terms) - 1
}

// addOutcome registers an outcome column and returns its place in outcomes.
func (c *core) addOutcome(column int, level dgp.Level, center float64) int {
	if !c.key.intercept {
		center = 0
	}
	r := response{child: -1, center: center}
	if level > c.group {
		for i, have := range c.children {
			if have == column {
				r.child = i
			}
		}
		if r.child < 0 {
			c.children = append(c.children, column)
			r.child = len(c.children) - 1
		}
	} else {
		r.product = findOrAdd(&c.products, monomial{factors: []factor{{column: column, level: level, power: 1, center: center}}})
	}
	for i := range c.outcomes {
		if c.outcomes[i] == r {
			return i
		}
	}
	c.outcomes = append(c.outcomes, r)
	return len(c.outcomes) - 1
}

// pair is the place of S(basis a, basis b) in a group's numbers.
func (c *core) pair(a, b int) int {
	if a > b {
		a, b = b, a
	}
	return b*(b+1)/2 + a
}

// outcomePair is the place of S(basis 0, child outcome k); S(basis a, k)
// follows a places on.
func (c *core) outcomePair(k int) int {
	n := len(c.basis)
	return n*(n+1)/2 + k*n
}

// allocate sizes every buffer for the shape, after all terms are known.
func (c *core) allocate(shape dgp.Shape) {
	most := shape.Max[c.group]
	q, ny, nb := len(c.terms), len(c.outcomes), len(c.basis)
	maxEffects := 0
	switch {
	case c.key.absorb != "":
		maxEffects = c.absorbed.most
	case c.key.intercept:
		maxEffects = 1
	}
	c.effects, c.mostEffects = maxEffects, maxEffects
	c.active = make([]bool, most)
	c.idle = make([]int, 0, most)
	c.effect = make([]int, most)
	c.runs = make([]run, 0, most)
	c.clusterOf = make([]int, most)
	c.stride = c.outcomePair(len(c.children))
	c.stat = make([]float64, most*c.stride)
	for range c.products {
		c.byProduct = append(c.byProduct, make([]float64, most))
	}
	for range c.stride {
		c.byStat = append(c.byStat, make([]float64, most))
	}
	for _, m := range c.products {
		for _, f := range m.factors {
			if f.level < c.group {
				c.above[f.level] = make([]int, most)
			}
		}
	}
	c.columns = make([][]float64, nb)
	c.buffers = make([][]float64, nb)
	c.recipes = make([]recipe, nb)
	for a := 1; a < nb; a++ {
		c.recipes[a] = c.recipeOf(a)
		c.buffers[a] = make([]float64, shape.Max[dgp.ChildLevel])
	}
	c.outcome = make([][]float64, len(c.children))
	c.shifted = make([][]float64, len(c.children))
	if c.weights != nil {
		c.counts = make([]float64, most)
	}
	if c.key.rows > c.group && (c.weights != nil || c.filter != nil && c.filter.level > c.group) {
		c.mask = make([]float64, shape.Max[dgp.ChildLevel])
	}
	c.squared = nb > 3 && c.mask == nil && isSquare(c.basis[3], c.basis[2])
	for k := range c.shifted {
		if c.mask != nil || c.childCenter(k) != 0 {
			c.shifted[k] = make([]float64, shape.Max[dgp.ChildLevel])
		}
	}
	c.width = q + ny
	c.times = make([]float64, most)
	c.oneRight = make([]float64, c.width)
	c.pairs = make([]int, nb*nb)
	for a := range nb {
		for b := range nb {
			c.pairs[a*nb+b] = c.pair(a, b)
		}
	}
	c.outcomeAt = make([]int, len(c.children))
	for k := range c.outcomeAt {
		c.outcomeAt[k] = c.outcomePair(k)
	}
	c.allocateSums(most)
	c.gram = make([]float64, q*c.width)
	c.raw = make([]float64, q)
	c.square = make([]float64, ny)
	c.squares = make([]float64, ny)
	c.effectS = make([]float64, maxEffects*c.width)
	c.effectN = make([]float64, maxEffects)
}

// allocateSums finds columns for sums. Those of a basis or a child's outcome are known, and
// where every group is a row with the weight 1, so are those of a product.
func (c *core) allocateSums(most int) {
	c.ones = c.key.rows == c.group && c.weights == nil
	column := func(product int) []float64 {
		if c.ones {
			return c.byProduct[product]
		}
		return make([]float64, most)
	}
	for _, t := range c.terms {
		if t.product == 0 {
			c.sums = append(c.sums, c.byStat[c.pairs[t.basis]])
		} else {
			c.sums = append(c.sums, column(t.product))
		}
	}
	for _, r := range c.outcomes {
		if r.child >= 0 {
			c.sums = append(c.sums, c.byStat[c.outcomeAt[r.child]])
		} else {
			c.sums = append(c.sums, column(r.product))
		}
	}
}

// load reads one data set. columns are Setup's: the data's and the derived.
func (c *core) load(d *dgp.Data, columns [][]float64) {
	c.groups, c.classStart = d.N[c.group], d.ChildStart
	c.choose(d)
	c.unweighable = false
	c.clusters = 0
	if c.group == dgp.TeacherLevel && c.key.rows == dgp.ChildLevel {
		c.loadChildren(d, columns)
	} else {
		for g := range c.groups {
			c.stat[g*c.stride] = 1
		}
		if c.weights != nil {
			c.weighGroups(d, columns)
		}
	}
	c.place(d)
	for at, x := range c.byStat {
		x, stat, stride := x[:c.groups], c.stat, c.stride
		for g := range x {
			x[g] = stat[at]
			at += stride
		}
		c.blank(x)
	}
	c.loadProducts(d, columns)
	c.accumulate()
	c.absorb()
	c.centre()
}

// loadChildren computes S for every class.
func (c *core) loadChildren(d *dgp.Data, columns [][]float64) {
	children := d.Children()
	if c.mask != nil {
		c.fillMask(d, columns)
	}
	for a := 1; a < len(c.basis); a++ {
		if a == 2 && c.squared && c.basis[2].factors[0].center != 0 {
			c.fillSquared(columns, children)
			a = 3
			continue
		}
		c.columns[a] = c.fillMonomial(a, columns, children)
	}
	for k, column := range c.children {
		c.outcome[k] = columns[column]
		center := c.childCenter(k)
		if c.mask == nil && center == 0 {
			continue
		}
		y := c.shifted[k][:children]
		for i, v := range columns[column] {
			y[i] = v - center
		}
		if c.weights != nil {
			for i := range y {
				y[i] *= c.mask[i]
			}
		}
		if c.mask != nil {
			c.omit(y)
		}
		c.outcome[k] = y
	}
	nb := len(c.basis)
	for g := range c.groups {
		lo, hi := d.ChildStart[g], d.ChildStart[g+1]
		s := c.stat[g*c.stride : (g+1)*c.stride]
		if !c.active[g] {
			clear(s)
			continue
		}
		s[0] = float64(hi - lo)
		if c.mask != nil {
			s[0] = total(c.mask[lo:hi])
		}
		b := 1
		if nb >= 4 {
			dst, x, y := s[c.pair(0, 1):c.pair(3, 3)+1], c.columns[1][lo:hi], c.columns[2][lo:hi]
			if c.squared {
				columnAndSquare(dst, x, y)
			} else {
				threeColumns(dst, x, y, c.columns[3][lo:hi])
			}
			b = 4
		}
		for ; b < nb; b++ {
			x := c.columns[b][lo:hi]
			sums(s[c.pair(0, b):c.pair(b, b)], x, c.columns, b, lo, hi)
			s[c.pair(b, b)] = floats.Dot(x, x)
		}
		k := 0
		for ; k+1 < len(c.outcome); k += 2 {
			at := c.outcomeAt[k]
			twoSums(s[at:at+2*nb], c.outcome[k][lo:hi], c.outcome[k+1][lo:hi], c.columns, nb, lo, hi)
		}
		if k < len(c.outcome) {
			at := c.outcomeAt[k]
			sums(s[at:at+nb], c.outcome[k][lo:hi], c.columns, nb, lo, hi)
		}
		if c.weights != nil {
			c.weighClass(s, g, lo, hi)
		}
	}
}

// childCenter is the center of a child-level outcome column.
func (c *core) childCenter(k int) float64 {
	for _, r := range c.outcomes {
		if r.child == k {
			return r.center
		}
	}
	return 0
}

// fillMonomial returns the values of the monomial of a basis, masked.
func (c *core) fillMonomial(a int, columns [][]float64, children int) []float64 {
	if m := c.basis[a]; len(m.factors) == 1 && m.factors[0].power == 1 && m.factors[0].center == 0 && c.mask == nil {
		return columns[m.factors[0].column]
	}
	recipe := &c.recipes[a]
	dst := c.buffers[a][:children]
	from := c.mask
	if recipe.from > 0 {
		from = c.columns[recipe.from]
	}
	for k, f := range recipe.times {
		if k > 0 {
			from = dst
		}
		x, center := columns[f.column][:len(dst)], f.center
		if from == nil {
			for i, v := range x {
				dst[i] = v - center
			}
			continue
		}
		from := from[:len(dst)]
		for i, v := range x {
			dst[i] = from[i] * (v - center)
		}
	}
	if c.mask != nil {
		c.omit(dst)
	}
	return dst
}

// fillSquared fills columns 2 and 3, where 3 is the square, in one pass.
func (c *core) fillSquared(columns [][]float64, children int) {
	f := c.basis[2].factors[0]
	x, dst, square := columns[f.column][:children], c.buffers[2][:children], c.buffers[3][:children]
	for i, v := range x {
		v -= f.center
		dst[i] = v
		square[i] = v * v
	}
	c.columns[2], c.columns[3] = dst, square
}

// isSquare reports whether m is the square of a monomial that is a column.
func isSquare(m, of monomial) bool {
	if len(of.factors) != 1 || of.factors[0].power != 1 {
		return false
	}
	square := of.factors[0]
	square.power = 2
	return slices.Equal(m.factors, []factor{square})
}

// pairSquares puts a column of children and its square at places 2 and 3 of the basis, if
// there are such and three columns at least.
func (c *core) pairSquares() {
	swap := func(a, b int) {
		c.basis[a], c.basis[b] = c.basis[b], c.basis[a]
		for i, t := range c.terms {
			switch t.basis {
			case a:
				c.terms[i].basis = b
			case b:
				c.terms[i].basis = a
			}
		}
	}
	for a := 1; a < len(c.basis) && len(c.basis) > 3; a++ {
		if b := slices.IndexFunc(c.basis, func(m monomial) bool { return isSquare(m, c.basis[a]) }); b > 0 {
			if b == 2 {
				b = a
			}
			swap(a, 2)
			swap(b, 3)
			return
		}
	}
}

// A recipe says how the values of a monomial are made: those of a basis before it, such as
// x² of x³, or 1, times factors of power 1.
type recipe struct {
	from  int
	times []factor
}

// recipeOf takes the longest basis before a that the monomial begins with: the order of
// factors decides the last bits of a product.
func (c *core) recipeOf(a int) (r recipe) {
	written := func(m monomial) (all []factor) {
		for _, f := range m.factors {
			one := f
			one.power = 1
			all = append(all, slices.Repeat([]factor{one}, f.power)...)
		}
		return all
	}
	r.times = written(c.basis[a])
	longest := 0
	for b, m := range c.basis[:a] {
		if all := written(m); len(all) > longest && len(all) < len(r.times) && slices.Equal(all, r.times[:len(all)]) {
			r.from, longest = b, len(all)
		}
	}
	r.times = r.times[longest:]
	return r
}

// omit puts 0 where a child's row is left out; its value may be missing, or that
// of a function which has none, such as log(x) where the condition is x > 0.
func (c *core) omit(x []float64) {
	for i := range x {
		if c.mask[i] == 0 {
			x[i] = 0
		}
	}
}

// total returns the sum of x.
func total(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v
	}
	return s
}

// sums fills dst with Σv, Σ v·columns[1], ..., Σ v·columns[n-1], each over rows lo to hi; v
// holds just these rows. A sum has to wait for itself, but not for others: the first three
// columns are added up in one pass.
func sums(dst, v []float64, columns [][]float64, n, lo, hi int) {
	a := 1
	switch {
	case n >= 4:
		x1, x2, x3 := columns[1][lo:hi], columns[2][lo:hi], columns[3][lo:hi]
		x1, x2, x3 = x1[:len(v)], x2[:len(v)], x3[:len(v)]
		var s, s1, s2, s3 float64
		for i, y := range v {
			s += y
			s1 += y * x1[i]
			s2 += y * x2[i]
			s3 += y * x3[i]
		}
		dst[0], dst[1], dst[2], dst[3] = s, s1, s2, s3
		a = 4
	case n == 3:
		x1, x2 := columns[1][lo:hi], columns[2][lo:hi]
		x1, x2 = x1[:len(v)], x2[:len(v)]
		var s, s1, s2 float64
		for i, y := range v {
			s += y
			s1 += y * x1[i]
			s2 += y * x2[i]
		}
		dst[0], dst[1], dst[2] = s, s1, s2
		a = 3
	case n == 2:
		x1 := columns[1][lo:hi]
		x1 = x1[:len(v)]
		var s, s1 float64
		for i, y := range v {
			s += y
			s1 += y * x1[i]
		}
		dst[0], dst[1] = s, s1
		a = 2
	default:
		dst[0] = floats.Sum(v)
	}
	for ; a < n; a++ {
		x := columns[a][lo:hi]
		x = x[:len(v)]
		s := 0.0
		for i, y := range v {
			s += y * x[i]
		}
		dst[a] = s
	}
}

// threeColumns does the first three columns in one pass: it fills dst with Σx, Σx², Σy, Σxy,
// Σy², Σz, Σxz, Σyz and Σz².
func threeColumns(dst, x, y, z []float64) {
	y, z = y[:len(x)], z[:len(x)]
	var s1, s11, s2, s12, s22, s3, s13, s23, s33 float64
	for i, a := range x {
		s1 += a
		s11 += a * a
		b := y[i]
		s2 += b
		s12 += a * b
		s22 += b * b
		c := z[i]
		s3 += c
		s13 += a * c
		s23 += b * c
		s33 += c * c
	}
	dst = dst[:9]
	dst[0], dst[1], dst[2], dst[3], dst[4], dst[5], dst[6], dst[7], dst[8] = s1, s11, s2, s12, s22, s3, s13, s23, s33
}

// columnAndSquare is threeColumns where z is the square of y.
func columnAndSquare(dst, x, y []float64) {
	y = y[:len(x)]
	var s1, s11, s2, s12, s22, s13, s23, s33 float64
	for i, a := range x {
		b := y[i]
		s1 += a
		s11 += a * a
		s2 += b
		s12 += a * b
		c := b * b
		s22 += c
		s13 += a * c
		s23 += b * c
		s33 += c * c
	}
	dst = dst[:9]
	dst[0], dst[1], dst[2], dst[3], dst[4], dst[5], dst[6], dst[7], dst[8] = s1, s11, s2, s12, s22, s22, s13, s23, s33
}

// twoSums is sums of v and w, of which those of w follow on those of v. A sum has to wait for
// itself, but not for the other's.
func twoSums(dst, v, w []float64, columns [][]float64, n, lo, hi int) {
	first, second := dst[:n], dst[n:2*n]
	if n < 4 {
		sums(first, v, columns, n, lo, hi)
		sums(second, w, columns, n, lo, hi)
		return
	}
	x1, x2, x3 := columns[1][lo:hi], columns[2][lo:hi], columns[3][lo:hi]
	x1, x2, x3, w = x1[:len(v)], x2[:len(v)], x3[:len(v)], w[:len(v)]
	var s, s1, s2, s3, t, t1, t2, t3 float64
	for i, y := range v {
		z, a := w[i], x1[i]
		s += y
		t += z
		s1 += y * a
		t1 += z * a
		b := x2[i]
		s2 += y * b
		t2 += z * b
		c := x3[i]
		s3 += y * c
		t3 += z * c
	}
	first[0], first[1], first[2], first[3] = s, s1, s2, s3
	second[0], second[1], second[2], second[3] = t, t1, t2, t3
	for a := 4; a < n; a++ {
		x := columns[a][lo:hi][:len(v)]
		s, t := 0.0, 0.0
		for i, y := range v {
			s += y * x[i]
			t += w[i] * x[i]
		}
		first[a], second[a] = s, t
	}
}

// choose finds which groups the regressions are about: those that are not left out as a
// whole.
func (c *core) choose(d *dgp.Data) {
	whole := c.filter != nil && c.filter.level <= c.group
	for g := range c.groups {
		c.active[g] = !whole || c.filter.keep(d, d.Ancestor(c.group, g, c.filter.level))
		for _, m := range c.means {
			c.active[g] = c.active[g] && !m.empty(d, c.group, g)
		}
	}
}

// place finds which of these have rows and their level of the absorbed factor.
func (c *core) place(d *dgp.Data) {
	effect := c.effect[:c.groups]
	if c.key.absorb != "" {
		c.absorbed.fill(effect, d, c.group)
	} else {
		clear(effect)
	}
	c.unplaced = false
	c.idle = c.idle[:0]
	for g, e := range effect {
		c.active[g] = c.active[g] && c.stat[g*c.stride] > 0
		if !c.active[g] {
			c.idle = append(c.idle, g)
		}
		if e < 0 {
			effect[g], c.unplaced = 0, c.unplaced || c.active[g]
		}
	}
	c.runs = findRuns(c.runs, effect)
}

// A run is the groups from lo to hi, of one effect.
type run struct{ lo, hi, effect int }

// findRuns fills runs, given the effects by group.
func findRuns(runs []run, effect []int) []run {
	runs = runs[:0]
	from := 0
	for g, e := range effect {
		if e != effect[from] {
			runs = append(runs, run{from, g, effect[from]})
			from = g
		}
	}
	if from < len(effect) {
		runs = append(runs, run{from, len(effect), effect[from]})
	}
	return runs
}

// blank puts 0 where a group has no rows; its value may be missing, or that of a function
// which has none.
func (c *core) blank(x []float64) {
	for _, g := range c.idle {
		x[g] = 0
	}
}

// loadProducts computes z of every group for products.
func (c *core) loadProducts(d *dgp.Data, columns [][]float64) {
	for level, above := range c.above {
		if above != nil {
			fillAncestors(above[:c.groups], d, c.group, dgp.Level(level))
		}
	}
	for p, m := range c.products {
		z := c.byProduct[p][:c.groups]
		if len(m.factors) == 0 {
			fill(z, 1)
		}
		for k, f := range m.factors {
			x := z
			if k > 0 || f.power > 1 {
				x = c.times[:len(z)]
			}
			c.measure(x, f, columns[f.column])
			for i := range f.power {
				switch {
				case k > 0 || i > 0:
					floats.Mul(z, x)
				case f.power > 1:
					copy(z, x)
				}
			}
		}
		c.blank(z)
	}
}

// measure fills dst with a factor of power 1, by group.
func (c *core) measure(dst []float64, f factor, column []float64) {
	if f.level == c.group {
		column = column[:len(dst)]
		for g, v := range column {
			dst[g] = v - f.center
		}
		return
	}
	for g, at := range c.above[f.level][:len(dst)] {
		dst[g] = column[at] - f.center
	}
}

// value is z of a group for a term.
func (c *core) value(g, term int) float64 { return c.byProduct[c.terms[term].product][g] }

// accumulate adds up the cross-products of all terms and outcomes.
func (c *core) accumulate() {
	clear(c.gram)
	c.weight = total(c.byStat[0][:c.groups])
	c.rows = c.weight
	if c.weights != nil {
		c.rows = 0
		for g, active := range c.active[:c.groups] {
			if active {
				c.rows += c.counts[g]
			}
		}
	}
	c.addSums()
	for lo := 0; lo < c.groups; lo += stretch {
		c.addStretch(lo, min(lo+stretch, c.groups))
	}
}

// addSums forms the sums of terms and outcomes by group and by effect, and the outcomes'
// squares.
func (c *core) addSums() {
	q, n := len(c.terms), c.groups
	for u, t := range c.terms {
		if t.product > 0 && !c.ones {
			floats.MulTo(c.sums[u][:n], c.byProduct[t.product][:n], c.byStat[c.pairs[t.basis]][:n])
		}
	}
	for y, r := range c.outcomes {
		if r.child >= 0 {
			c.square[y] = c.childSquare(c.outcome[r.child])
			continue
		}
		if !c.ones {
			floats.MulTo(c.sums[q+y][:n], c.byProduct[r.product][:n], c.byStat[0][:n])
		}
		c.square[y] = floats.Dot(c.sums[q+y][:n], c.byProduct[r.product][:n])
	}
	if c.effects == 0 {
		return
	}
	clear(c.effectN)
	c.addByEffect(c.effectN, c.byStat[0], 1)
	clear(c.effectS)
	for at, x := range c.sums {
		c.addByEffect(c.effectS[at:], x, c.width)
	}
}

// childSquare returns Σ y² of an outcome over the rows of all classes.
func (c *core) childSquare(y []float64) float64 {
	sum := 0.0
	for g := 0; g < c.groups; g++ {
		lo := g
		for g < c.groups && c.active[g] {
			g++
		}
		rows := y[c.classStart[lo]:c.classStart[g]]
		sum += floats.Dot(rows, rows)
	}
	return sum
}

// addByEffect adds a column to dst, in which the numbers of effects lie so far apart.
func (c *core) addByEffect(dst, x []float64, apart int) {
	for _, r := range c.runs {
		dst[r.effect*apart] += floats.Sum(x[r.lo:r.hi])
	}
}

// A stretch of groups is so short that its columns stay in the nearest cache.
const stretch = 512

// addStretch adds groups lo to hi to the upper triangle of the Gram matrix: for terms
// u = z m and v = z' m', Σ u v = Σ_g (z_g S_g(m, m')) z'_g is the product of two columns,
// the first of which all terms with the basis m' share.
func (c *core) addStretch(lo, hi int) {
	q, nb := len(c.terms), len(c.basis)
	for u, t := range c.terms {
		z, sums, row := c.byProduct[t.product][lo:hi], c.sums[u][lo:hi], c.gram[u*c.width:(u+1)*c.width]
		from := u
		for b := t.basis; b < nb; b++ {
			end := c.blockEnd[b]
			// x is z S(m, m'), which is not needed where z' is 1.
			stat, x := c.byStat[c.pairs[t.basis*nb+b]][lo:hi], []float64(nil)
			for v := from; v < end; v++ {
				other := c.terms[v].product
				if other == 0 {
					row[v] += floats.Dot(z, stat)
					continue
				}
				switch {
				case x != nil:
				case b == 0:
					x = sums
				case t.product == 0:
					x = stat
				default:
					x = c.times[:hi-lo]
					floats.MulTo(x, z, stat)
				}
				row[v] += floats.Dot(x, c.byProduct[other][lo:hi])
			}
			from = end
		}
		for y, r := range c.outcomes {
			if r.child >= 0 {
				row[q+y] += floats.Dot(z, c.byStat[c.outcomeAt[r.child]+t.basis][lo:hi])
			} else {
				row[q+y] += floats.Dot(sums, c.byProduct[r.product][lo:hi])
			}
		}
	}
}

// fillRight fills dst with Σ m v over group g: m the basis a, v every term and outcome.
func (c *core) fillRight(dst []float64, g, a int) {
	q, nb := len(c.terms), len(c.basis)
	s := c.stat[g*c.stride : (g+1)*c.stride]
	for u, t := range c.terms {
		dst[u] = s[c.pairs[a*nb+t.basis]] * c.value(g, u)
	}
	for y, r := range c.outcomes {
		dst[q+y] = c.outcomeProduct(g, a, r, s)
	}
}

// addScaled adds k x to dst.
func addScaled(dst []float64, k float64, x []float64) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] += k * x[i]
	}
}

// outcomeProduct returns Σ m y over the rows of group g, m the basis a.
func (c *core) outcomeProduct(g, a int, r response, s []float64) float64 {
	if r.child >= 0 {
		return s[c.outcomeAt[r.child]+a]
	}
	return c.byProduct[r.product][g] * s[c.pairs[a]]
}

// outcomeSquare returns Σ y² over the rows of group g.
func (c *core) outcomeSquare(g int, r response, s []float64) float64 {
	if r.child >= 0 {
		y := c.outcome[r.child][c.classStart[g]:c.classStart[g+1]]
		return dot(y, y)
	}
	z := c.byProduct[r.product][g]
	return z * z * s[0]
}

// absorb takes the means of the absorbed factor's levels off the sums, and
// completes the lower triangle of the Gram matrix.
func (c *core) absorb() {
	q, w := len(c.terms), c.width
	for u := range q {
		c.raw[u] = c.gram[u*w+u]
	}
	copy(c.squares, c.square)
	c.present = 0
	for e := range c.effects {
		n := c.effectN[e]
		if n == 0 {
			continue
		}
		c.present++
		sums := c.effectS[e*w : (e+1)*w]
		for u, x := range sums[:q] {
			addScaled(c.gram[u*w+u:(u+1)*w], -x/n, sums[u:])
		}
		for k, y := range sums[q:] {
			c.square[k] -= y * y / n
		}
	}
	for u := range q {
		for v := range u {
			c.gram[u*w+v] = c.gram[v*w+u]
		}
	}
}

// cross returns Σxy of a term and an outcome, after absorption.
func (c *core) cross(term, outcome int) float64 {
	return c.gram[term*c.width+len(c.terms)+outcome]
}

// sortTerms orders terms by basis, so that each pair of bases is one dense
// block of the Gram matrix, and returns the new place of each.
func (c *core) sortTerms() []int {
	places := make([]int, len(c.terms))
	for i := range places {
		places[i] = i
	}
	slices.SortStableFunc(places, func(a, b int) int { return c.terms[a].basis - c.terms[b].basis })
	sorted := make([]regressor, len(c.terms))
	moved := make([]int, len(c.terms))
	for to, from := range places {
		sorted[to] = c.terms[from]
		moved[from] = to
	}
	c.terms = sorted
	c.blockEnd = make([]int, len(c.basis))
	for a := range c.basis {
		for _, t := range sorted {
			if t.basis <= a {
				c.blockEnd[a]++
			}
		}
	}
	return moved
}
