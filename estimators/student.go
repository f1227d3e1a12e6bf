package estimators

import "math"

// studentP returns the two-sided p-value of a t statistic: the probability that
// Student's t distribution with df degrees of freedom has outside ±t. With
// a = df/2, x = df/(df + t²) and y = 1 - x it is
//
//	I_x(a, ½) = 1 - I_y(½, a),
//
// I the regularised incomplete beta function (DLMF 8.17), both of which have the
// factor x^a y^½ / B(a, ½). With infinite df it is the normal's.
func studentP(t, df float64) float64 {
	if math.IsInf(df, 1) {
		return math.Erfc(math.Abs(t) / math.Sqrt2)
	}
	square, a := t*t, df/2
	x, y := 1/(1+square/df), 1/(1+df/square)
	factor := gammaRatio(a) * math.Exp(-a*math.Log1p(square/df)) * math.Sqrt(y/math.Pi)
	if square < 6 && y < 0.5 { // 1 - p loses few digits of p, which is more than 0.01
		return 1 - 2*factor*centralSeries(a, y)
	}
	return factor / a * tailFraction(a, x, y)
}

// gammaRatio returns Γ(a+½)/Γ(a) = Γ(½)/B(a, ½), which a difference of logarithms
// would not give to all digits. With B_2k the Bernoulli numbers (DLMF 5.11.8),
//
//	log Γ(a+½)/Γ(a) = ½ log a - Σ_k (1 - 4^-k) B_2k / (k (2k-1) a^(2k-1)),
//
// of which seven terms do from 12; a smaller a is raised by Γ(a+1) = aΓ(a).
func gammaRatio(a float64) float64 {
	up, down := 1.0, 1.0
	for ; a < 12; a++ {
		up *= a + 0.5
		down *= a
	}
	z := 1 / (a * a)
	sum := -1.0/8 + z*(1.0/192+z*(-1.0/640+z*(17.0/14336+z*(-31.0/18432+z*(691.0/180224-z*5461.0/425984)))))
	return math.Sqrt(a) * math.Exp(sum/a) * down / up
}

// centralSeries returns Σ_n y^n (a+½)_n / (3/2)_n, which is I_y(½, a) over
// 2 y^½ x^a / B(a, ½) (DLMF 8.17.8).
func centralSeries(a, y float64) float64 {
	sum, term := 1.0, 1.0
	for n := 0.0; term > 1e-17*sum; n++ {
		term *= y * ((a + 0.5 + n) / (1.5 + n))
		sum += term
	}
	return sum
}

// tailFraction returns the continued fraction 1/(1 + d1/(1 + d2/(1 + ...))), which
// is I_x(a, ½) over x^a y^½ / (a B(a, ½)) (DLMF 8.17.22), with
//
//	d_2m = m(½-m)x / ((a+2m-1)(a+2m)),  d_2m+1 = -(a+m)(a+m+½)x / ((a+2m)(a+2m+1)).
//
// Its every second convergent is one of 1/(β0 - α1/(β1 - α2/(β2 - ...))), where
// α_m = d_2m-1 d_2m and β_m = 1 + d_2m + d_2m+1, of which 1 + d_2m+1 is written so
// that nothing cancels where a is large and y is small. By Steed's algorithm, with
// r_m = 1/(β_m - α_m r_m-1), the fraction is the sum of steps s_m = α_m r_m-1 r_m s_m-1,
// all positive, r_0 = s_0 = 1/β0.
func tailFraction(a, x, y float64) float64 {
	r := (a + 1) / (0.5 + (a+0.5)*y)
	sum, step := r, r
	for m := 1.0; step > 1e-17*sum; m++ {
		u, v := (a+2*m-1)*(a+2*m), (a+2*m)*(a+2*m+1)
		even := m * (m - 0.5) * x / u // -d_2m
		alpha := even * (a + m - 1) * (a + m - 0.5) * x / ((a + 2*m - 2) * (a + 2*m - 1))
		beta := (m*(2*a+3*m+1.5)+a/2+y*(a+m)*(a+m+0.5))/v - even
		next := 1 / (beta - alpha*r)
		step *= alpha * r * next
		sum += step
		r = next
	}
	return sum
}
