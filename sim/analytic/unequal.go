package analytic

// RelativeEfficiency is the variance of an effect with clusters of one size over
// that with clusters whose sizes have a coefficient of variation cv around the
// mean n, best weights in both: 1 - cv² L(1-L), L = n tau/(n tau + sigma2), with
// tau the variance between clusters and sigma2 that within (van Breukelen, Candel
// and Berger 2007). A quadratic approximation: it never falls below 0.1 here.
func RelativeEfficiency(cv, n, tau, sigma2 float64) float64 {
	l := n * tau / (n*tau + sigma2)
	if n*tau+sigma2 == 0 {
		return 1
	}
	return max(1-cv*cv*l*(1-l), 0.1)
}

// DesignEffect is how much clusters of size n with intraclass correlation rho
// multiply the variance of a mean in which every child weighs the same, where
// sizes have the coefficient of variation cv: 1 + ((1+cv²)n - 1)rho (Eldridge,
// Ashby and Kerry 2006).
func DesignEffect(cv, n, rho float64) float64 {
	return 1 + ((1+cv*cv)*n-1)*rho
}

// WeightedVariance is the variance of an effect from clusters of known sizes with
// an intraclass correlation rho, in squared SDs of the outcome, a share p of them
// treated at random, with the best weights: 1/(p(1-p) Σ 1/(rho + (1-rho)/n)).
func WeightedVariance(sizes []float64, rho, p float64) float64 {
	return 1 / (p * (1 - p) * precision(sizes, rho))
}

func precision(sizes []float64, rho float64) float64 {
	sum := 0.0
	for _, n := range sizes {
		sum += 1 / (rho + (1-rho)/n)
	}
	return sum
}
