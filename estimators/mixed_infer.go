package estimators

import "math"

// A mixedInference is what tests need to know of a fitted mixed model, as
// functions of the variance parameters: the entries of the covariance matrices
// of random effects, per σ², in which V is linear.
type mixedInference struct {
	n          int // parameters
	parameter  [mostParameters]float64
	logs       curve   // the logarithms of determinants in the criterion
	restrict   curve   // those of REML, whatever the criterion
	residual   curve   // ρ
	rows       float64 // n-p for REML, n for ML
	degrees    float64 // n-p
	coordinate [mostParameters]coordinate
	free       int                                     // coordinates
	bend       [mostParameters][mostParameters]triples // by two coordinates

	hessian     symmetric // factored, of the deviance in the coordinates and log σ²
	information symmetric // factored, the expected one of the parameters and σ²
	known       bool      // both could be factored
}

// A coordinate of the variance parameters near their estimate is a direction,
// first derivatives by it. The coordinates of those covariance matrices that are
// not of full rank are rows of lme4's Cholesky factor, theta; those of its
// entries that are 0 play no part in lmerTest's degrees of freedom, because the
// gradient in them is 0.
type coordinate [mostParameters]float64

// triples are the second derivatives of the three parameters of a covariance
// matrix, from parameter first on.
type triples struct {
	first int
	by    [3]float64
}

func (f *mixedInference) sigma2() float64 { return f.residual.v / f.rows }

// along converts a curve to the coordinates.
func (f *mixedInference) along(c *curve) (g [mostParameters]float64, h symmetric) {
	for i := range f.free {
		of := &f.coordinate[i]
		for k := range f.n {
			g[i] += c.g[k] * of[k]
		}
		for j := range i + 1 {
			other := &f.coordinate[j]
			for k := range f.n {
				for l := range f.n {
					h[i][j] += c.h[k][l] * of[k] * other[l]
				}
			}
			bend := &f.bend[i][j]
			for k, b := range bend.by {
				if b != 0 {
					h[i][j] += c.g[bend.first+k] * b
				}
			}
		}
	}
	return g, h
}

// prepare factors the matrices that a rule needs.
func (f *mixedInference) prepare(rule MixedDF) {
	switch rule {
	case Satterthwaite:
		f.known = f.factorHessian()
	case KenwardRoger:
		f.known = f.factorInformation()
	default:
		f.known = true
	}
}

// factorHessian factors the Hessian of the deviance, not profiled over σ²,
//
//	log determinants + (n-p) log σ² + ρ/σ²
func (f *mixedInference) factorHessian() bool {
	sigma2, n := f.sigma2(), f.free
	_, logs := f.along(&f.logs)
	slope, residual := f.along(&f.residual)
	f.hessian = symmetric{}
	for i := range n {
		for j := range i + 1 {
			f.hessian[i][j] = logs[i][j] + residual[i][j]/sigma2
		}
		f.hessian[n][i] = -slope[i] / sigma2
	}
	f.hessian[n][n] = f.rows
	return f.hessian.factor(n + 1)
}

// satterthwaite returns the degrees of freedom of a combination whose variance
// is σ² v, as lmerTest does: 2 (σ²v)²/(g'Ag) with g the gradient of σ²v in the
// variance parameters and A = 2 H⁻¹ their covariance matrix, H the Hessian of
// the deviance (Kuznetsova, Brockhoff and Christensen 2017, J. Stat. Softw.
// 82(13), section 2.2). The result does not depend on the choice of parameters;
// here they are the coordinates and log σ².
func (f *mixedInference) satterthwaite(v *curve) float64 {
	of, _ := f.along(v)
	var g [mostParameters + 1]float64
	for i := range f.free {
		g[i] = of[i] / v.v
	}
	g[f.free] = 1
	return 1 / f.hessian.inverseForm(g, f.free+1)
}

// factorInformation factors I of kenwardRoger.
func (f *mixedInference) factorInformation() bool {
	k := f.n
	h := &f.restrict
	f.information = symmetric{}
	information := &f.information
	for i := range k {
		for j := range i + 1 {
			information[i][j] = -h.h[i][j]
		}
		// Σ_j θ_j h_ij = -h_i
		information[k][i] = h.g[i]
		for j := range k {
			information[k][i] += f.parameter[j] * h.h[i][j]
		}
	}
	information[k][k] = f.degrees // Σ θ_i h_i
	for i := range k {
		information[k][k] -= f.parameter[i] * (h.g[i] + information[k][i])
	}
	return information.factor(k + 1)
}

// completed returns the derivatives of v by all variance parameters. The last,
// σ², multiplies the identity. v is homogeneous of degree 1 in them, and Euler's
// theorem gives its derivatives by σ² from the others.
func (f *mixedInference) completed(v *curve) (first [mostParameters + 1]float64, second symmetric) {
	k := f.n
	first[k] = v.v
	for i := range k {
		theta := f.parameter[i]
		first[i] = v.g[i]
		first[k] -= theta * v.g[i]
		for j := range i + 1 {
			second[i][j] = v.h[i][j]
		}
		// Σ_j θ_j v_ij = 0
		for j := range k {
			second[k][i] -= f.parameter[j] * v.h[i][j]
		}
	}
	for i := range k {
		second[k][k] -= f.parameter[i] * second[k][i]
	}
	return first, second
}

// adjusted returns c'Φ_Ac of kenwardRoger.
func (f *mixedInference) adjusted(v float64, second *symmetric) float64 {
	// Σ W_ij v_ij, a column of W at a time.
	k := f.n
	for j := range k + 1 {
		unit := f.informationColumn(j)
		for i := range k + 1 {
			v -= 2 * unit[i] * second.at(i, j)
		}
	}
	return v
}

// informationColumn returns column j of I⁻¹.
func (f *mixedInference) informationColumn(j int) [mostParameters + 1]float64 {
	var unit [mostParameters + 1]float64
	unit[j] = 1
	f.information.solve(&unit, f.n+1)
	return unit
}

// kenwardRoger returns the adjusted variance, per σ², of a combination with
// variance σ² v, and its degrees of freedom (Kenward and Roger 1997,
// Biometrics 53, 983-997, as in Halekoh and Højsgaard 2014, J. Stat. Softw.
// 59(9)). With Φ = (X'V⁻¹X)⁻¹, variance parameters θ_i in which V is linear,
// P_i = ∂Φ⁻¹/∂θ_i and Q_ij their matrices,
//
//	W = 2 I⁻¹, I_ij = tr(V⁻¹V_iV⁻¹V_j) - 2 tr(ΦQ_ij) + tr(ΦP_iΦP_j)
//	Φ_A = Φ + 2 Φ [Σ W_ij (Q_ij - P_iΦP_j)] Φ
//
// For one combination c the scale factor of their F statistic is 1 and the
// degrees of freedom are 2/A with A = Σ W_ij (c'ΦP_iΦc)(c'ΦP_jΦc)/(c'Φc)².
// Now let v(θ) = c'Φc and h(θ) = log|V| + log|X'V⁻¹X|. Then v_i = -c'ΦP_iΦc,
// v_ij = -2 c'Φ(Q_ij - P_iΦP_j)Φc and I_ij = -h_ij, so that all is in the
// derivatives of v and h:
//
//	c'Φ_Ac = v - Σ W_ij v_ij,  A = Σ W_ij v_i v_j / v²
//
// exp(h/(n-p)) is homogeneous of degree 1 too.
func (f *mixedInference) kenwardRoger(v *curve) (variance, df float64) {
	first, second := f.completed(v)
	return f.adjusted(v.v, &second), v.v * v.v / f.information.inverseForm(first, f.n+1)
}

// A symmetric matrix of which the lower triangle is kept; after factor, its
// Cholesky factor.
type symmetric [mostParameters + 1][mostParameters + 1]float64

func (s *symmetric) at(i, j int) float64 { return s[max(i, j)][min(i, j)] }

// factor replaces the matrix by its Cholesky factor, or reports false where it
// is not positive definite.
func (s *symmetric) factor(n int) bool {
	for j := range n {
		for i := j; i < n; i++ {
			v := s[i][j]
			for k := range j {
				v -= s[i][k] * s[j][k]
			}
			if i > j {
				s[i][j] = v / s[j][j]
				continue
			}
			if !(v > 1e-12*s[j][j]) {
				return false
			}
			s[j][j] = math.Sqrt(v)
		}
	}
	return true
}

func (s *symmetric) half(x *[mostParameters + 1]float64, n int) {
	for i := range n {
		for k := range i {
			x[i] -= s[i][k] * x[k]
		}
		x[i] /= s[i][i]
	}
}

// solve solves with the factored matrix, in place.
func (s *symmetric) solve(x *[mostParameters + 1]float64, n int) {
	s.half(x, n)
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			x[i] -= s[k][i] * x[k]
		}
		x[i] /= s[i][i]
	}
}

// inverseForm is x'S⁻¹x for the factored matrix S.
func (s *symmetric) inverseForm(x [mostParameters + 1]float64, n int) float64 {
	s.half(&x, n)
	sum := 0.0
	for _, v := range x[:n] {
		sum += v * v
	}
	return sum
}
