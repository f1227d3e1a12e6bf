// Package estimatortest checks estimators: Conform asserts what every method
// must satisfy, and OLS is least squares done the slow and obvious way, against
// which the fast way is held.
package estimatortest

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"coachsim/dgp"
	"coachsim/estimators"
)

// collinear is the tolerance of R's lm: a column is dropped when earlier
// columns leave less than 1e-7 of its length, 1e-14 of its sum of squares.
const collinear = 1e-14

// OLS fits o to one data set as a textbook does. It writes out every row, with
// a dummy variable for every level of an absorbed effect and with columns as
// they stand in the data, and solves the normal equations
//
//	b = (X'X)⁻¹ X'y
//
// in arithmetic of so many bits that nothing is lost. Weighted least squares is
// least squares of rows times the roots of their weights. It returns an estimate
// for each row of the bound method, in the same order.
func OLS(o estimators.OLS, d *dgp.Data, shape dgp.Shape, lists map[string]string) ([]estimators.Estimate, error) {
	f, err := estimators.ParseFormula(o.Formula, lists)
	if err != nil {
		return nil, err
	}
	r := &regression{OLS: o, formula: f, data: d, shape: shape}
	if err := r.findRows(); err != nil {
		return nil, err
	}
	r.buildX()
	var all []estimators.Estimate
	for _, outcome := range f.Outcomes {
		estimates, err := r.fit(outcome)
		if err != nil {
			return nil, err
		}
		all = append(all, estimates...)
	}
	return all, nil
}

// A regression is a design matrix and what it came from.
type regression struct {
	estimators.OLS
	formula *estimators.Formula
	data    *dgp.Data
	shape   dgp.Shape

	rows   []unit
	roots  vector // by row: √w
	bad    bool   // a weight is none
	finite bool
	x      matrix // by row
	dummy  int    // leading columns of x: fixed effects, or the constant
	bread  matrix // (X'X)⁻¹, 0 in the rows and columns of dropped terms
	lost   []bool // columns dropped
}

// findRows lists the rows: the units of the lowest level among the outcomes,
// or of the level asked for, which satisfy the condition.
func (r *regression) findRows() error {
	level := dgp.SchoolLevel
	for _, outcome := range r.formula.Outcomes {
		level = max(level, Level(outcome.Variable, r.shape))
	}
	if r.Rows != "" {
		if err := level.UnmarshalText([]byte(r.Rows)); err != nil {
			return err
		}
	}
	condition, err := parse(r.Where)
	if err != nil {
		return err
	}
	for _, u := range units(r.data, level) {
		keep := true
		for _, c := range condition {
			column := r.shape.Index(c.name)
			value := r.data.Columns[column][u[r.shape.Columns[column].Level]]
			keep = keep && c.holds(value)
		}
		w := 1.0
		if keep && r.Weights != "" {
			c := r.shape.Index(r.Weights)
			w = r.data.Columns[c][u[r.shape.Columns[c].Level]]
			if !(w >= 0) || math.IsInf(w, 0) {
				r.bad = true
				continue
			}
		}
		if keep && w > 0 {
			r.rows = append(r.rows, u)
			r.roots = append(r.roots, zero().Sqrt(num(w)))
		}
	}
	return nil
}

// A comparison is one part of a condition, such as age >= 80.
type comparison struct {
	name, op string
	x        float64
}

var comparisonPattern = regexp.MustCompile(`^\s*([A-Za-z_]\w*)\s*(==|!=|<=|>=|<|>)\s*(-?[0-9.]+)\s*$`)

func parse(condition string) ([]comparison, error) {
	if strings.TrimSpace(condition) == "" {
		return nil, nil
	}
	var all []comparison
	for _, part := range strings.Split(condition, "&") {
		m := comparisonPattern.FindStringSubmatch(part)
		if m == nil {
			return nil, fmt.Errorf("cannot read the condition %q", part)
		}
		x, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			return nil, err
		}
		all = append(all, comparison{name: m[1], op: m[2], x: x})
	}
	return all, nil
}

func (c comparison) holds(v float64) bool {
	return map[string]bool{
		"==": v == c.x, "!=": v != c.x, "<": v < c.x, "<=": v <= c.x, ">": v > c.x, ">=": v >= c.x,
	}[c.op]
}

// values returns a variable's values in the rows.
func (r *regression) values(v estimators.Variable) []float64 {
	value, err := Evaluate(v, r.data, r.shape)
	if err != nil {
		panic(err)
	}
	values := make([]float64, len(r.rows))
	for i, u := range r.rows {
		values[i] = value(u)
	}
	return values
}

// Percentile is R's default quantile (type 7): with h = (n-1)p/100 and x
// sorted, counted from 0, it is x[⌊h⌋] + (h-⌊h⌋)(x[⌊h⌋+1] - x[⌊h⌋]).
func Percentile(x []float64, p float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(x))
	h := float64(len(x)-1) * p / 100
	low := int(math.Floor(h))
	high := min(low+1, len(x)-1)
	return sorted[low] + (h-float64(low))*(sorted[high]-sorted[low])
}

// buildX fills X, by rows: first the dummies of the absorbed effect, or the
// constant, then the terms. It then inverts X'X, dropping collinear columns.
func (r *regression) buildX() {
	n := len(r.rows)
	var columns [][]float64
	switch {
	case r.formula.Absorb != "":
		for _, group := range r.groups(r.formula.Absorb) {
			dummy := make([]float64, n)
			for _, i := range group {
				dummy[i] = 1
			}
			columns = append(columns, dummy)
		}
	case r.formula.Intercept:
		columns = append(columns, slices.Repeat([]float64{1}, n))
	}
	r.dummy = len(columns)
	r.finite = true
	r.x = zeroMatrix(n, r.dummy+len(r.formula.Terms))
	for j, column := range columns {
		for i, v := range column {
			r.x[i][j] = num(v)
		}
	}
	for j, term := range r.formula.Terms {
		for i := range r.rows {
			r.x[i][r.dummy+j] = num(1)
		}
		for _, factor := range term.Factors {
			for i, v := range r.values(factor.Variable) {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					r.finite = false
					continue
				}
				for range factor.Power {
					r.x[i][r.dummy+j] = mul(r.x[i][r.dummy+j], num(v))
				}
			}
		}
	}
	p := r.dummy + len(r.formula.Terms)
	for i := range r.x {
		for j := range r.x[i] {
			r.x[i][j] = mul(r.x[i][j], r.roots[i])
		}
	}
	r.bread = zeroMatrix(p, p)
	for j := range p {
		for k := range j + 1 {
			r.bread[j][k] = dot(r.columnOf(j), r.columnOf(k))
			r.bread[k][j] = r.bread[j][k]
		}
	}
	r.lost = r.bread.sweep(collinear)
}

func (r *regression) columnOf(j int) vector {
	column := make(vector, len(r.x))
	for i := range r.x {
		column[i] = r.x[i][j]
	}
	return column
}

// fit regresses one outcome on X.
func (r *regression) fit(outcome estimators.Outcome) ([]estimators.Estimate, error) {
	places, err := r.places(r.Report)
	if err != nil {
		return nil, err
	}
	groups := make([][]int, len(r.Joint))
	for i, group := range r.Joint {
		if groups[i], err = r.places(group); err != nil {
			return nil, err
		}
	}
	n, p := len(r.rows), len(r.bread)
	y := make(vector, n)
	for i, v := range r.values(outcome.Variable) {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			r.finite = false
			v = 0
		}
		y[i] = mul(num(v), r.roots[i])
	}
	k := 0
	status := estimators.OK
	for _, lost := range r.lost {
		if lost {
			status = estimators.Reduced
		} else {
			k++
		}
	}
	clusters := r.clusters()
	switch {
	case r.bad:
		status = estimators.BadWeights
	case !r.finite:
		status = estimators.NotFinite
	case n <= k:
		status = estimators.TooFewRows
	case r.clustered() && len(clusters) < 2:
		status = estimators.TooFewClusters
	case !less(mul(num(1e-20), dot(y, y)), r.within(y)):
		status = estimators.NoVariation
	}
	out := make([]estimators.Estimate, len(places)+len(groups))
	if r.R2 {
		out = append(out, estimators.Estimate{})
	}
	if !status.Worked() {
		for i := range out {
			out[i] = Failed(status)
		}
		return out, nil
	}

	// b = (X'X)⁻¹ X'y,  e = y - Xb.
	xy := make(vector, p)
	for j := range xy {
		xy[j] = dot(r.columnOf(j), y)
	}
	b := r.bread.apply(xy)
	e := make(vector, n)
	for i := range e {
		e[i] = sub(y[i], dot(r.x[i], b))
	}

	v, df, adjusted := r.variance(e, clusters, k)
	// A standard error that is rounding error alone is none: that of a perfect
	// fit, or where the scores of every cluster sum to 0.
	perfect := !less(mul(num(1e-20), r.within(y)), dot(e, e))
	certain := func(j int) bool {
		return !perfect && less(mul(num(1e-20), classical(r.bread[j][j], e, n, k)), v[j][j])
	}
	for i, j := range places {
		if r.lost[j] {
			out[i] = Failed(estimators.Collinear)
			continue
		}
		if !certain(j) {
			out[i] = Failed(estimators.NoResidual)
			if len(estimators.ClusterNames(r.Cluster)) == 2 && !perfect {
				out[i] = Failed(estimators.NotPositive)
			}
			continue
		}
		// t = b/se, two-sided p-value of Student's t with df.
		value, se := float(b[j]), math.Sqrt(float(v[j][j]))
		if adjusted != nil && r.clustered() {
			df = adjusted.satterthwaite(j)
		}
		t := value / se
		out[i] = estimators.Estimate{Value: value, SE: se, DF: df, P: Tail(t*t, 1, df), Status: status}
	}
	for i, group := range groups {
		out[len(places)+i] = r.jointTest(group, b, v, df, adjusted, status)
		lost := slices.ContainsFunc(group, func(j int) bool { return r.lost[j] })
		if !lost && slices.ContainsFunc(group, func(j int) bool { return !certain(j) }) {
			out[len(places)+i] = Failed(estimators.NoResidual)
		}
	}
	if r.R2 { // 1 - e'e/y'y, both around the means of the effects
		nan := math.NaN()
		out[len(out)-1] = estimators.Estimate{Value: 1 - float(dot(e, e))/float(r.within(y)), SE: nan, DF: nan, P: nan, Status: status}
	}
	return out, nil
}

// places finds terms among the columns of X.
func (r *regression) places(terms []string) ([]int, error) {
	var all []int
	for _, text := range terms {
		if text == "(Intercept)" {
			if !r.formula.Intercept || r.formula.Absorb != "" {
				return nil, fmt.Errorf("there is no intercept")
			}
			all = append(all, 0)
			continue
		}
		want, err := estimators.ParseTerm(text)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(r.formula.Terms, func(have estimators.Term) bool {
			return sameFactors(have, want)
		})
		if at < 0 {
			return nil, fmt.Errorf("there is no term %q", text)
		}
		all = append(all, r.dummy+at)
	}
	return all, nil
}

// sameFactors reports whether two terms multiply the same powers, in any order.
func sameFactors(a, b estimators.Term) bool {
	names := func(t estimators.Term) []string {
		var all []string
		for _, f := range t.Factors {
			all = append(all, f.String())
		}
		slices.Sort(all)
		return all
	}
	return slices.Equal(names(a), names(b))
}

func (r *regression) clustered() bool {
	return slices.Contains([]estimators.SE{estimators.CR0, estimators.CR1, estimators.CR2, estimators.CR3, estimators.CR1Fixest}, r.SE)
}

// clusters lists the rows of every cluster, of one row each without clusters; of
// two factors, those of the one with fewer.
func (r *regression) clusters() [][]int {
	if names := estimators.ClusterNames(r.Cluster); r.clustered() && len(names) == 2 {
		a, b := r.groups(names[0]), r.groups(names[1])
		if len(b) < len(a) {
			return b
		}
		return a
	} else if r.clustered() {
		return r.groups(r.Cluster)
	}
	var all [][]int
	for i := range r.rows {
		all = append(all, []int{i})
	}
	return all
}

// groups sorts the rows by the unit of a level, or by the value of a column,
// and lists the rows of each.
func (r *regression) groups(by string) [][]int {
	var level dgp.Level
	column := -1
	if level.UnmarshalText([]byte(by)) != nil {
		column = r.shape.Index(by)
		level = r.shape.Columns[column].Level
	}
	var ids []float64
	var all [][]int
	for i, u := range r.rows {
		id := float64(u[level])
		if column >= 0 {
			id = r.data.Columns[column][u[level]]
		}
		at := slices.Index(ids, id)
		if at < 0 {
			at = len(ids)
			ids = append(ids, id)
			all = append(all, nil)
		}
		all[at] = append(all[at], i)
	}
	return all
}

// within is the sum of squares of y that the dummies leave.
func (r *regression) within(y vector) number {
	left := dot(y, y)
	for j := range r.dummy { // dummies of one factor are orthogonal
		column := r.columnOf(j)
		sum := dot(column, y)
		left = sub(left, div(mul(sum, sum), dot(column, column)))
	}
	return left
}

// covariance returns the covariance matrix of b and its degrees of freedom.
// With n rows, k columns, g clusters and A = (X'X)⁻¹:
//
//	classical  A Σe²/(n-k)
//	HC0        A (Σ_i e_i² x_i x_i') A
//	HC1        HC0 × n/(n-k)
//	CR0        A (Σ_g s_g s_g') A,  s_g = Σ_{i in g} x_i e_i
//	CR1        CR0 × g/(g-1) × (n-1)/(n-k)
//
// each with n-k degrees of freedom but the last two, which have g-1.
func (r *regression) covariance(e vector, clusters [][]int, rows, columns int) (matrix, float64) {
	p := len(r.bread)
	n, k, g := float64(rows), float64(columns), float64(len(clusters))
	if r.SE == estimators.Classical {
		v := zeroMatrix(p, p)
		for i := range p {
			for j := range p {
				v[i][j] = classical(r.bread[i][j], e, rows, columns)
			}
		}
		return v, n - k
	}
	df := n - k
	if r.clustered() {
		df = g - 1
	}
	parts := [][][]int{clusters}
	if names := estimators.ClusterNames(r.Cluster); len(names) == 2 {
		a, b := r.groups(names[0]), r.groups(names[1])
		parts = [][][]int{a, b, intersections(a, b)}
	}
	total := zeroMatrix(p, p)
	for part, clusters := range parts {
		meat := zeroMatrix(p, p)
		for _, cluster := range clusters {
			s := zeros(p)
			for _, i := range cluster {
				for j := range p {
					s[j] = add(s[j], mul(r.x[i][j], e[i]))
				}
			}
			meat.addOuter(s)
		}
		factor := num(1)
		switch r.SE {
		case estimators.HC1:
			factor = div(num(n), num(n-k))
		case estimators.CR1:
			g := float64(len(clusters))
			factor = div(mul(num(g), num(n-1)), mul(num(g-1), num(n-k)))
		case estimators.CR1Fixest:
			factor = div(mul(num(g), num(n-1)), mul(num(g-1), num(n-r.fixest(k, parts))))
		}
		if part == 2 {
			factor = sub(zero(), factor)
		}
		v := r.bread.times(meat).times(r.bread)
		for i := range v {
			for j := range v[i] {
				total[i][j] = add(total[i][j], mul(factor, v[i][j]))
			}
		}
	}
	return total, df
}

// intersections lists the rows of each pair of clusters that has some.
func intersections(a, b [][]int) (all [][]int) {
	for _, x := range a {
		for _, y := range b {
			var both []int
			for _, i := range x {
				if slices.Contains(y, i) {
					both = append(both, i)
				}
			}
			if both != nil {
				all = append(all, both)
			}
		}
	}
	return all
}

// fixest is the number of coefficients as fixest counts them: of k, a fixed
// effect that is nested in a factor of clusters counts as one.
func (r *regression) fixest(k float64, factors [][][]int) float64 {
	if r.formula.Absorb == "" {
		return k
	}
	for _, clusters := range factors[:min(len(factors), 2)] {
		nested := true
		for _, level := range r.groups(r.formula.Absorb) {
			inside := func(cluster []int) bool {
				return !slices.ContainsFunc(level, func(i int) bool { return !slices.Contains(cluster, i) })
			}
			nested = nested && slices.ContainsFunc(clusters, inside)
		}
		if nested {
			return k - float64(r.dummy) + 1
		}
	}
	return k
}

// variance is the covariance matrix of k coefficients, with the adjustment where
// the kind has one; then the degrees of freedom are not those of CR2 and CR3.
func (r *regression) variance(e vector, clusters [][]int, k int) (matrix, float64, *adjusted) {
	if power, ok := powers[r.SE]; ok {
		a := r.adjust(clusters, power)
		return a.covariance(e), float64(len(r.rows) - k), a
	}
	v, df := r.covariance(e, clusters, len(r.rows), k)
	return v, df, nil
}

// classical is A Σe²/(n-k) for one element of A.
func classical(a number, e vector, rows, columns int) number {
	return div(mul(a, dot(e, e)), num(float64(rows-columns)))
}

// jointTest tests that the coefficients in some places are all 0:
// F = b'V⁻¹b/q, referred to F(q, df); with CR2 and CR3 (η-q+1)/η F, referred to
// F(q, η-q+1).
func (r *regression) jointTest(group []int, b vector, v matrix, df float64, a *adjusted, status estimators.Status) estimators.Estimate {
	q := len(group)
	part, at := zeroMatrix(q, q), make(vector, q)
	for i, j := range group {
		if r.lost[j] {
			return Failed(estimators.Collinear)
		}
		at[i] = b[j]
		for k, l := range group {
			part[i][k] = v[j][l]
		}
	}
	for _, lost := range part.sweep(1e-20) {
		if lost {
			return Failed(estimators.Collinear)
		}
	}
	f := float(dot(at, part.apply(at))) / float64(q)
	if a != nil && r.clustered() {
		eta := a.hotelling(group)
		df = eta - float64(q) + 1
		f *= df / eta
		if df <= 0 {
			return Failed(estimators.TooFewClusters)
		}
	}
	return estimators.Estimate{Value: f, SE: math.NaN(), DF: df, P: Tail(f, float64(q), df), Status: status}
}

// Failed is the estimate of a fit that did not work.
func Failed(status estimators.Status) estimators.Estimate {
	nan := math.NaN()
	return estimators.Estimate{Value: nan, SE: nan, DF: nan, P: nan, Status: status}
}
