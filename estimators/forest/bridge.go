package forest

import "math"

// A bridge computes the tail of the maximum statistic of an unordered variable.
// Its components are those of independent normal W_k with variances n_k, given
// that they sum to 0: a Gaussian bridge. So the probability that all |W_k| are
// within their bounds b_k is found level by level, from the last. With h_k(s)
// that of the levels from k on, given that those before sum to s,
//
//	h_k(s) = ∫ φ(w; -s n_k/N_k, n_k(N_k-n_k)/N_k) h_{k+1}(s+w) dw  over |w| <= b_k,
//
// where N_k is the number of rows in the levels from k on. The last two levels
// leave one free number, so their h is a difference of two values of Φ.
type bridge struct {
	n, bound  [maxLevels]float64 // of the levels that occur
	next, now [bridgeGrid + 1]float64
}

const (
	bridgeGrid  = 512 // steps of s
	bridgeNodes = 400 // of the midpoint rule for w; the error of p is a few 1e-6
)

// survival is the probability that the largest absolute standardised component
// exceeds c.
func (b *bridge) survival(tallies []tally, n int, c float64) float64 {
	m, total := 0, float64(n)
	reach := 0.0
	for _, t := range tallies {
		if k := float64(t.n); t.n > 0 {
			b.n[m], b.bound[m] = k, c*math.Sqrt(k*(total-k)/total)
			reach += b.bound[m]
			m++
		}
	}
	if m == 2 {
		return math.Erfc(c / math.Sqrt2)
	}
	// What can still be undone is at most the sum of the bounds.
	reach /= 2
	rest := b.n[m-1] + b.n[m-2]
	for k := m - 3; ; k-- {
		rest += b.n[k]
		if k == 0 {
			return 1 - b.integrate(k, m, 0, rest, reach)
		}
		for i := range b.now[:bridgeGrid/2+1] { // h is even
			b.now[i] = b.integrate(k, m, reach*(2*float64(i)/bridgeGrid-1), rest, reach)
			b.now[bridgeGrid-i] = b.now[i]
		}
		b.next, b.now = b.now, b.next
	}
}

// integrate returns h_k(s), by h_{k+1} in next.
func (b *bridge) integrate(k, m int, s, rest, reach float64) float64 {
	mean, variance := -s*b.n[k]/rest, b.n[k]*(rest-b.n[k])/rest
	step := 2 * b.bound[k] / bridgeNodes
	sum := 0.0
	for i := range bridgeNodes {
		w := -b.bound[k] + (float64(i)+0.5)*step
		d := w - mean
		sum += math.Exp(-d*d/(2*variance)) * b.after(k+1, m, s+w, reach)
	}
	return sum * step / math.Sqrt(2*math.Pi*variance)
}

// after returns h_k(s) where it is in next, or of the last two levels.
func (b *bridge) after(k, m int, s, reach float64) float64 {
	if k == m-2 {
		one, two := b.n[k], b.n[k+1]
		low, high := max(-b.bound[k], -s-b.bound[k+1]), min(b.bound[k], -s+b.bound[k+1])
		if low >= high {
			return 0
		}
		mean, sd := -s*one/(one+two), math.Sqrt(2*one*two/(one+two))
		return (math.Erf((high-mean)/sd) - math.Erf((low-mean)/sd)) / 2
	}
	at := (s/reach + 1) / 2 * bridgeGrid
	i := int(math.Floor(at))
	if i < 0 || i >= bridgeGrid {
		return 0
	}
	return b.next[i] + (at-float64(i))*(b.next[i+1]-b.next[i])
}
