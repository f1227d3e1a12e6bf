package forest

import (
	"math"

	"gonum.org/v1/gonum/integrate/quad"
)

// A bridge computes the tail of the maximum statistic of an unordered variable.
// Its components are those of independent normal W_k with variances n_k, given
// that they sum to 0: a Gaussian bridge. So the probability that all |W_k| are
// within their bounds b_k is found level by level, from the last. With h_k(s)
// that of the levels from k on, given that those before sum to s,
//
//	h_k(s) = ∫ φ(w; -s n_k/N_k, n_k(N_k-n_k)/N_k) h_{k+1}(s+w) dw  over |w| <= b_k,
//
// where N_k is the number of rows in the levels from k on. The last two levels
// leave one free number, so their h is a difference of two values of Φ, with
// four kinks.
type bridge struct {
	at, weight [bridgeNodes]float64    // Gauss and Legendre's rule on -1, 1
	n, bound   [maxLevels]float64      // of the levels that occur
	next, now  [bridgeGrid + 1]float64 // h at -reach, ..., reach
	reach      float64
}

const (
	bridgeGrid  = 256 // even
	bridgeNodes = 32  // between two kinks
)

func newBridge() *bridge {
	b := new(bridge)
	quad.Legendre{}.FixedLocations(b.at[:], b.weight[:], -1, 1)
	return b
}

// survival is the probability that the largest absolute standardised component
// exceeds c. Its error is about 1e-7.
func (b *bridge) survival(tallies []tally, n int, c float64) float64 {
	m, total := 0, float64(n)
	b.reach = 0
	for _, t := range tallies {
		if k := float64(t.n); t.n > 0 {
			b.n[m], b.bound[m] = k, c*math.Sqrt(k*(total-k)/total)
			b.reach += b.bound[m]
			m++
		}
	}
	if m == 2 {
		return math.Erfc(c / math.Sqrt2)
	}
	// What can still be undone is at most the sum of the bounds.
	b.reach /= 2
	rest := b.n[m-1] + b.n[m-2]
	for k := m - 3; ; k-- {
		rest += b.n[k]
		if k == 0 {
			return max(0, 1-b.integrate(k, m, 0, rest))
		}
		for i := range b.now[:bridgeGrid/2+1] { // h is even
			b.now[i] = b.integrate(k, m, b.reach*(2*float64(i)/bridgeGrid-1), rest)
			b.now[bridgeGrid-i] = b.now[i]
		}
		b.next, b.now = b.now, b.next
	}
}

// integrate returns h_k(s), by h_{k+1}.
func (b *bridge) integrate(k, m int, s, rest float64) float64 {
	mean, sd := -s*b.n[k]/rest, math.Sqrt(b.n[k]*(rest-b.n[k])/rest)
	low, high := max(-b.bound[k], mean-8.5*sd), min(b.bound[k], mean+8.5*sd)
	kinks := [4]float64{-b.reach, -b.reach, b.reach, b.reach}
	if k+1 == m-2 {
		inner, outer := math.Abs(b.bound[m-2]-b.bound[m-1]), b.bound[m-2]+b.bound[m-1]
		kinks = [4]float64{-outer, -inner, inner, outer}
	}
	sum := 0.0
	for i := range 5 {
		from, to := low, high
		if i > 0 {
			from = max(low, kinks[i-1]-s)
		}
		if i < 4 {
			to = min(high, kinks[i]-s)
		}
		if from >= to {
			continue
		}
		half, middle := (to-from)/2, (to+from)/2
		for j, at := range b.at {
			w := middle + half*at
			d := (w - mean) / sd
			sum += half * b.weight[j] * math.Exp(-d*d/2) * b.after(k+1, m, s+w)
		}
	}
	return sum / (sd * math.Sqrt(2*math.Pi))
}

// after returns h_k(s): of the last two levels, or from the grid by cubics.
func (b *bridge) after(k, m int, s float64) float64 {
	if k == m-2 {
		one, two := b.n[k], b.n[k+1]
		low, high := max(-b.bound[k], -s-b.bound[k+1]), min(b.bound[k], -s+b.bound[k+1])
		if low >= high {
			return 0
		}
		mean, sd := -s*one/(one+two), math.Sqrt(2*one*two/(one+two))
		return (math.Erf((high-mean)/sd) - math.Erf((low-mean)/sd)) / 2
	}
	at := (s/b.reach + 1) / 2 * bridgeGrid
	if at < 0 || at > bridgeGrid {
		return 0
	}
	i := min(max(int(at)-1, 0), bridgeGrid-3)
	t := at - float64(i)
	h := b.next[i : i+4]
	return -(t-1)*(t-2)*(t-3)/6*h[0] + t*(t-2)*(t-3)/2*h[1] - t*(t-1)*(t-3)/2*h[2] + t*(t-1)*(t-2)/6*h[3]
}
