package lasso

import "math"

// A homotopy follows the LASSO's exact path (Osborne, Presnell and Turlach 2000;
// Efron, Hastie, Johnstone and Tibshirani 2004): between knots the coefficients
// of the active columns A with signs s are linear in lambda,
//
//	b_A = G_AA⁻¹ xy_A - lambda G_AA⁻¹ (w s)_A = u - lambda v,
//
// and so are the others' gradients, xy - G b = at + lambda slope. A knot is where a
// gradient reaches lambda w, and the column becomes active, or a coefficient
// reaches 0, and it leaves. Nothing is carried from knot to knot but A, s and the
// factor of G_AA, so errors do not add up.
//
// Columns are kept in an order with the active ones first.
type homotopy struct {
	p, k   int
	order  []int     // the column at each place
	gram   []float64 // in that order, p × p
	xy     []float64 // by place
	weight []float64
	sign   []float64
	factor []float64 // upper triangular by rows: G_AA = factor'factor
	y, z   []float64 // factor' y = xy_A, factor' z = (w s)_A
	u, v   []float64
	at     []float64 // of the columns that are not active
	slope  []float64

	redundant     []bool  // by column: a combination of the active ones
	entered, left int     // places of what changed at the last knot, -1 for none
	leftSign      float64 // of what left
}

func newHomotopy(p int) *homotopy {
	f := func() []float64 { return make([]float64, p) }
	return &homotopy{
		p: p, order: make([]int, p), gram: make([]float64, p*p), xy: f(), weight: f(), sign: f(), factor: make([]float64, p*p),
		y: f(), z: f(), u: f(), v: f(), at: f(), slope: f(), redundant: make([]bool, p),
	}
}

// free makes the columns without a penalty active, and reports whether there are
// any.
func (h *homotopy) free(s *Solver) bool {
	copy(h.gram, s.gram)
	copy(h.xy, s.xy)
	copy(h.weight, s.weight)
	h.k, h.entered, h.left = 0, -1, -1
	clear(h.redundant)
	for j := range h.order {
		h.order[j] = j
	}
	for j := range h.p {
		if h.weight[j] == 0 && !h.enter(j, 0) {
			h.weight[h.k] = math.Inf(1) // collinear with those before; enter left it there
		}
	}
	h.entered = -1
	if h.k > 0 {
		h.line()
	}
	return h.k > 0
}

// gradients fills the gradients, by column, with lambda at infinity.
func (h *homotopy) gradients(out []float64) {
	for i, j := range h.order {
		out[j] = 0
		if i >= h.k {
			out[j] = h.at[i]
		}
	}
}

// run records solutions, and returns how many of the path's it found: all but where
// several columns reach their bounds at one lambda and trade places.
func (h *homotopy) run(s *Solver, path *Path) int {
	h.free(s)
	lambda := math.Inf(1)
	done := 0
	for range 50 + 20*h.p { // a path has some p knots; never a circle
		h.line()
		if !h.onwards() {
			return done
		}
		next, place, sign := h.knot(lambda)
		for done < len(path.Lambda) && path.Lambda[done] >= next {
			h.write(s, path.Lambda[done])
			s.record(path, done)
			done++
		}
		if done == len(path.Lambda) || next == 0 {
			return done // with next 0, lambdas below 0 remain, which there are not
		}
		if place < h.k {
			h.leave(place)
		} else if !h.enter(place, sign) {
			h.redundant[h.order[h.k]] = true // enter left it there
			h.entered, h.left = -1, -1
		}
		lambda = next
	}
	return done
}

// line computes u, v, at and slope.
func (h *homotopy) line() {
	k, p := h.k, h.p
	for i := k - 1; i >= 0; i-- {
		row := h.factor[i*p+i+1 : i*p+k]
		u, v := h.u[i+1:k], h.v[i+1:k]
		u, v = u[:len(row)], v[:len(row)]
		var u0, u1, v0, v1 float64
		j := 0
		for ; j+1 < len(row); j += 2 {
			u0 += row[j] * u[j]
			v0 += row[j] * v[j]
			u1 += row[j+1] * u[j+1]
			v1 += row[j+1] * v[j+1]
		}
		if j < len(row) {
			u0 += row[j] * u[j]
			v0 += row[j] * v[j]
		}
		d := 1 / h.factor[i*p+i]
		h.u[i] = (h.y[i] - u0 - u1) * d
		h.v[i] = (h.z[i] - v0 - v1) * d
	}
	at, slope := h.at[k:p], h.slope[k:p]
	copy(at, h.xy[k:p])
	clear(slope)
	slope = slope[:len(at)]
	i := 0
	for ; i+1 < k; i += 2 {
		a, b := h.gram[i*p+k:i*p+p], h.gram[(i+1)*p+k:(i+1)*p+p]
		a, b = a[:len(at)], b[:len(at)]
		ua, va, ub, vb := h.u[i], h.v[i], h.u[i+1], h.v[i+1]
		for j := range at {
			x, y := a[j], b[j]
			at[j] -= x*ua + y*ub
			slope[j] += x*va + y*vb
		}
	}
	if i < k {
		a := h.gram[i*p+k : i*p+p]
		a = a[:len(at)]
		ua, va := h.u[i], h.v[i]
		for j := range at {
			at[j] -= a[j] * ua
			slope[j] += a[j] * va
		}
	}
}

// onwards reports whether what changed at the last knot moves as it must: a
// coefficient that became active in the direction of its sign, the gradient of one
// that left inwards. Where several columns reach their bounds at one lambda, they
// need not.
func (h *homotopy) onwards() bool {
	if i := h.entered; i >= 0 {
		return h.sign[i]*h.v[i] > 0
	}
	if i := h.left; i >= 0 {
		return h.leftSign*h.slope[i] >= h.weight[i]
	}
	return true
}

// knot returns the largest lambda below the given one at which the active set
// changes, the place that enters or leaves there, and its sign; 0 if there is none.
func (h *homotopy) knot(lambda float64) (next float64, place int, sign float64) {
	for i := range h.k {
		// sign (u - lambda v) falls to 0 only where it falls with lambda.
		if h.weight[i] > 0 && i != h.entered && h.sign[i]*h.v[i] < 0 {
			if l := min(h.u[i]/h.v[i], lambda); l > next {
				next, place = l, i
			}
		}
	}
	for i := h.k; i < h.p; i++ {
		w := h.weight[i]
		if math.IsInf(w, 1) || h.redundant[h.order[i]] {
			continue
		}
		// A column that just left moves inwards from the bound that it was at; it
		// may reach the other.
		if d := w - h.slope[i]; d > parallel*w && (i != h.left || h.leftSign < 0) {
			if l := min(h.at[i]/d, lambda); l > next {
				next, place, sign = l, i, 1
			}
		}
		if d := w + h.slope[i]; d > parallel*w && (i != h.left || h.leftSign > 0) {
			if l := min(-h.at[i]/d, lambda); l > next {
				next, place, sign = l, i, -1
			}
		}
	}
	return next, place, sign
}

// enter makes the column at a place active. It refuses one that is collinear with
// the active ones.
func (h *homotopy) enter(place int, sign float64) bool {
	h.swap(place, h.k)
	k, p := h.k, h.p
	// Solve factor' x = G_Ak into the new column, which is kept in u meanwhile.
	x := h.u[:k+1]
	for i := range x {
		x[i] = h.gram[i*p+k]
	}
	y, z := h.xy[k], h.weight[k]*sign
	pivot := x[k]
	for i := range k {
		row := h.factor[i*p+i : i*p+k]
		v := x[i] / row[0]
		x[i] = v
		rest := x[i+1 : k]
		row = row[1:]
		row = row[:len(rest)]
		for j := range rest {
			rest[j] -= v * row[j]
		}
		pivot -= v * v
		y -= v * h.y[i]
		z -= v * h.z[i]
	}
	if !(pivot > collinear*h.gram[k*p+k]) {
		return false
	}
	d := math.Sqrt(pivot)
	for i := range k {
		h.factor[i*p+k] = x[i]
	}
	h.factor[k*p+k] = d
	h.y[k], h.z[k] = y/d, z/d
	h.sign[k] = sign
	h.entered, h.left = k, -1
	h.k++
	return true
}

// A column that is a combination of the active ones, or will be of those that come,
// has a gradient in proportion to lambda while these keep their signs. So one that
// reaches its bound stays there and the path is a solution without it, by rounding
// error inside of the bound or outside.
const (
	collinear = 1e-12 // pivot, as a share of the diagonal, of such a column
	parallel  = 1e-10 // of its gradient to its bound: the difference of slopes
)

// swap exchanges two places.
func (h *homotopy) swap(a, b int) {
	if a == b {
		return
	}
	p := h.p
	for i := range p {
		h.gram[a*p+i], h.gram[b*p+i] = h.gram[b*p+i], h.gram[a*p+i]
	}
	for i := range p {
		h.gram[i*p+a], h.gram[i*p+b] = h.gram[i*p+b], h.gram[i*p+a]
	}
	h.order[a], h.order[b] = h.order[b], h.order[a]
	h.xy[a], h.xy[b] = h.xy[b], h.xy[a]
	h.weight[a], h.weight[b] = h.weight[b], h.weight[a]
}

// leave takes the column at a place out of the active ones, and brings the factor
// back to its form by Givens rotations.
func (h *homotopy) leave(place int) {
	p := h.p
	sign := h.sign[place]
	last := h.k - 1
	for i := place; i < last; i++ {
		h.swap(i, i+1)
		h.sign[i] = h.sign[i+1]
		for r := range i + 2 {
			h.factor[r*p+i] = h.factor[r*p+i+1]
		}
	}
	for i := place; i < last; i++ {
		a, b := h.factor[i*p+i], h.factor[(i+1)*p+i]
		r := math.Hypot(a, b)
		c, s := a/r, b/r
		h.factor[i*p+i] = r
		for j := i + 1; j < last; j++ {
			a, b := h.factor[i*p+j], h.factor[(i+1)*p+j]
			h.factor[i*p+j], h.factor[(i+1)*p+j] = c*a+s*b, c*b-s*a
		}
		h.y[i], h.y[i+1] = c*h.y[i]+s*h.y[i+1], c*h.y[i+1]-s*h.y[i]
		h.z[i], h.z[i+1] = c*h.z[i]+s*h.z[i+1], c*h.z[i+1]-s*h.z[i]
	}
	h.k = last
	clear(h.redundant)
	h.entered, h.left, h.leftSign = -1, last, sign
}

// write sets the solver's coefficients and gradients to those at lambda.
func (h *homotopy) write(s *Solver, lambda float64) {
	for i, j := range h.order {
		if i >= h.k {
			s.beta[j] = 0
			s.gradient[j] = h.at[i] + lambda*h.slope[i]
			continue
		}
		s.gradient[j] = lambda * h.weight[i] * h.sign[i]
		b := h.u[i] - lambda*h.v[i]
		if b*h.sign[i] < 0 { // rounding at a knot
			b = 0
		}
		s.beta[j] = b
	}
}
