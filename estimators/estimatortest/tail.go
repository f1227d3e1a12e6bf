package estimatortest

import (
	"math"

	"gonum.org/v1/gonum/integrate/quad"
)

// Tail is P(F(q, df) > f), and with q = 1 the two-sided p-value of t = √f.
// With cot²s = q f/df it is
//
//	∫_0^s cos^{q-1} sin^{df-1} / ∫_0^{π/2} cos^{q-1} sin^{df-1}
//
// for whole q. It is integrated numerically, after the substitution s = x^m
// that makes sin^{df-1} ds smooth at 0 where df is not whole.
func Tail(f, q, df float64) float64 {
	m := math.Ceil(df) / df
	log := func(x float64) float64 { // of the integrand in x, but for the constant m
		s, shape := math.Pow(x, m), 1.0
		if s > 0 {
			shape = math.Sin(s) / s
		}
		l := (df*m-1)*math.Log(x) + (df-1)*math.Log(shape)
		if q > 1 {
			l += (q - 1) * math.Log(math.Cos(s))
		}
		return l
	}
	// Both integrals are scaled by the integrand's largest value, or near it.
	top := 0.0
	if df > 1 {
		top = log(math.Pow(math.Atan2(math.Sqrt(df-1), math.Sqrt(q-1)), 1/m))
	}
	integral := func(from, to float64) float64 {
		return quad.Fixed(func(x float64) float64 { return math.Exp(log(x) - top) }, math.Pow(from, 1/m), math.Pow(to, 1/m), 500, quad.Legendre{}, 0)
	}
	cut := math.Pi / 2
	if f > 0 {
		cut = math.Atan(math.Sqrt(df / (q * f)))
	}
	below := integral(0, cut)
	return below / (below + integral(cut, math.Pi/2))
}
