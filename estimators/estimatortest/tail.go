package estimatortest

import (
	"math"

	"gonum.org/v1/gonum/integrate/quad"
)

// Tail is P(F(q, df) > f), and with q = 1 the two-sided p-value of t = √f.
// With tan²θ = q f/df it is
//
//	∫_θ^{π/2} sin^{q-1} cos^{df-1} / ∫_0^{π/2} sin^{q-1} cos^{df-1}
//
// which is integrated numerically.
func Tail(f, q, df float64) float64 {
	// The integrand is scaled by its largest value, where tan²θ = (q-1)/(df-1).
	mode := math.Atan2(math.Sqrt(max(q-1, 0)), math.Sqrt(max(df-1, 0)))
	log := func(theta float64) float64 {
		l := 0.0
		if q != 1 {
			l += (q - 1) * math.Log(math.Sin(theta))
		}
		if df != 1 {
			l += (df - 1) * math.Log(math.Cos(theta))
		}
		return l
	}
	top := log(mode)
	integral := func(from, to float64) float64 {
		return quad.Fixed(func(theta float64) float64 { return math.Exp(log(theta) - top) }, from, to, 500, quad.Legendre{}, 0)
	}
	cut := math.Atan(math.Sqrt(q * f / df))
	upper := integral(cut, math.Pi/2)
	if cut < mode {
		return upper / (integral(0, cut) + upper)
	}
	return upper / integral(0, math.Pi/2)
}
