package analytic

import "math"

// newTest makes a Test of a squared standard error.
func newTest(variance, df float64) Test { return Test{SE: math.Sqrt(variance), DF: df} }

// The variances of a mean over the units of a level, after covariates, each
// being the sum over its own level and those below. Sizes may vary: with
// weights by size a level's own variance counts 1+cv² times; with the best
// weights the variance of a cluster's mean grows by 1/RelativeEfficiency.

// level2 is the variance of the mean of one level 2 unit, where rest is the share
// of variance at level 1.
func (v *Values) level2(rest float64) float64 {
	tau, sigma2 := v[Rho2]*(1-v[R22]), rest*(1-v[R21])
	if v[OLS] == 1 {
		return tau*(1+v[CV]*v[CV]) + sigma2/v[N]
	}
	return (tau + sigma2/v[N]) / RelativeEfficiency(v[CV], v[N], tau, sigma2)
}

// level3 is the variance of the mean of one level 3 unit of J level 2 units.
func (v *Values) level3(rest float64) float64 {
	return v[Rho3]*(1-v[R23])*v.spread(v[J]) + v.level2(rest)/v[J]
}

// level4 is the variance of the mean of one level 4 unit of K level 3 units.
func (v *Values) level4(rest float64) float64 {
	return v[Rho4]*(1-v[R24])*v.spread(v[J]*v[K]) + v.level3(rest)/v[K]
}

// spread is 1 plus the squared coefficient of variation of the size of a unit
// with so many level 2 units, where size counts.
func (v *Values) spread(units float64) float64 {
	if v[OLS] == 1 {
		return 1 + v[CV]*v[CV]/units
	}
	return 1
}

func cra2() *Design {
	return &Design{
		Name: "cra2", Aliases: []string{"cra2r2", "d2.2_m2rc"},
		Title:   "schools randomised; children in schools",
		Formula: line("SE² = [rho2(1-r22) + (1-rho2)(1-r21)/n]/(p(1-p)J)", "df = J - g2 - 2"),
		Source:  powerUp + ", cra2r2; PUMP d2.2_m2rc",
		Inputs:  []Key{N, J, Rho2, R21, R22, G2, CV, OLS},
		test: func(v *Values) Test {
			return newTest(v.perArm()*v.level2(1-v[Rho2])/v[J], v[J]-v[G2]-2)
		},
	}
}

func cra3() *Design {
	return &Design{
		Name: "cra3", Aliases: []string{"cra3r3", "d3.3_m3rc2rc"},
		Title:   "schools randomised; children in classes of schools",
		Formula: line("SE² = [rho3(1-r23) + rho2(1-r22)/J + (1-rho2-rho3)(1-r21)/(Jn)]/(p(1-p)K)", "df = K - g3 - 2"),
		Source:  powerUp + ", cra3r3; PUMP d3.3_m3rc2rc",
		Inputs:  []Key{N, J, K, Rho2, Rho3, R21, R22, R23, G3, CV, OLS},
		test: func(v *Values) Test {
			return newTest(v.perArm()*v.level3(1-v[Rho2]-v[Rho3])/v[K], v[K]-v[G3]-2)
		},
	}
}

func cra4() *Design {
	return &Design{
		Name: "cra4", Aliases: []string{"cra4r4"},
		Title:   "districts randomised; children in classes of schools of districts",
		Formula: line("SE² = [rho4(1-r24) + rho3(1-r23)/K + rho2(1-r22)/(JK) + (1-rho2-rho3-rho4)(1-r21)/(JKn)]/(p(1-p)L)", "df = L - g4 - 2"),
		Source:  powerUp + ", cra4r4",
		Inputs:  []Key{N, J, K, L, Rho2, Rho3, Rho4, R21, R22, R23, R24, G4, CV, OLS},
		test: func(v *Values) Test {
			return newTest(v.perArm()*v.level4(1-v[Rho2]-v[Rho3]-v[Rho4])/v[L], v[L]-v[G4]-2)
		},
	}
}
