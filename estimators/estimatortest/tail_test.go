package estimatortest

import (
	"math"
	"testing"
)

// Tail against closed forms.
func TestTail(t *testing.T) {
	for _, c := range []struct{ f, q, df, want float64 }{
		{0, 3, 7, 1},
		{1, 1, 1, 0.5},                           // Cauchy: 1 - 2 atan(1)/π
		{9, 1, 1, 1 - 2*math.Atan(3)/math.Pi},    //
		{3, 2, 8, math.Pow(1+2*3./8, -4)},        // F(2, df): (1 + 2f/df)^(-df/2)
		{3, 2, 0.3, math.Pow(1+2*3./0.3, -0.15)}, //
		{3, 2, 0.004, math.Pow(1+2*3/0.004, -0.002)},
		{40, 2, 7.7, math.Pow(1+80/7.7, -3.85)},       //
		{100, 2, 400, math.Pow(1.5, -200)},            //
		{4, 1, 2, 1 - 2/math.Sqrt(6)},                 // t with 2 df: 1 - t/√(2+t²)
		{0.01, 2, 3000, math.Pow(1+0.02/3000, -1500)}, //
	} {
		if got := Tail(c.f, c.q, c.df); math.Abs(got-c.want) > 1e-12*c.want {
			t.Errorf("P(F(%g, %g) > %g) is %v, want %v: off by %.1e", c.q, c.df, c.f, got, c.want, got/c.want-1)
		}
	}
}
