package analytic

const powerUp = "Dong and Maynard (2013); PowerUpR 1.1.0"

// perArm is 1/(p(1-p)): the variance of a difference of two means, of shares p
// and 1-p of all units, is that many times the variance of the overall mean.
func (v *Values) perArm() float64 { return 1 / (v[P] * (1 - v[P])) }

// ira1 is a simple individually randomised trial.
func ira1() *Design {
	return &Design{
		Name: "ira1", Aliases: []string{"ira1r1", "d1.1_m1c"},
		Title:   "children randomised, no clusters",
		Formula: line("SE² = (1-r21)/(p(1-p)n)", "df = n - g1 - 2"),
		Source:  powerUp + ", ira1r1 (PUMP has df n - g1 - 1)",
		Inputs:  []Key{N, R21, G1},
		test: func(v *Values) Test {
			return newTest(v.perArm()*(1-v[R21])/v[N], v[N]-v[G1]-2)
		},
	}
}

func bira2c1() *Design {
	return &Design{
		Name: "bira2c1", Aliases: []string{"d2.1_m2fc"},
		Title:   "children randomised within schools; fixed schools, one effect; SDs within schools",
		Formula: line("SE² = (1-r21)/(p(1-p)Jn)", "df = J(n-1) - g1 - 1"),
		Source:  powerUp + ", bira2c1; PUMP d2.1_m2fc",
		Inputs:  []Key{N, J, R21, G1},
		test: func(v *Values) Test {
			return newTest(v.perArm()*(1-v[R21])/(v[J]*v[N]), v[J]*(v[N]-1)-v[G1]-1)
		},
	}
}

func bira2f1() *Design {
	return &Design{
		Name: "bira2f1", Aliases: []string{"d2.1_m2ff"},
		Title:   "children randomised within schools; fixed schools, an effect for each; SDs within schools",
		Formula: line("SE² = (1-r21)/(p(1-p)Jn)", "df = J(n-2) - g1"),
		Source:  powerUp + ", bira2f1; PUMP d2.1_m2ff",
		Inputs:  []Key{N, J, R21, G1},
		test: func(v *Values) Test {
			return newTest(v.perArm()*(1-v[R21])/(v[J]*v[N]), v[J]*(v[N]-2)-v[G1])
		},
	}
}

func bira2() *Design {
	return &Design{
		Name: "bira2", Aliases: []string{"bira2r1", "d2.1_m2fr"},
		Title:   "children randomised within schools; effects vary between schools at random",
		Formula: line("SE² = rho2 omega2 (1-r2t2)/J + (1-rho2)(1-r21)/(p(1-p)Jn)", "df = J - g2 - 1"),
		Source:  powerUp + ", bira2r1; PUMP d2.1_m2fr",
		Inputs:  []Key{N, J, Rho2, Omega2, R21, RT2, G2},
		test: func(v *Values) Test {
			return newTest(v[Rho2]*v[Omega2]*(1-v[RT2])/v[J]+
				v.perArm()*(1-v[Rho2])*(1-v[R21])/(v[J]*v[N]), v[J]-v[G2]-1)
		},
	}
}

func bira3() *Design {
	return &Design{
		Name: "bira3", Aliases: []string{"bira3r1", "d3.1_m3rr2rr"},
		Title:   "children randomised within schools of districts; effects vary between both at random",
		Formula: line("SE² = rho3 omega3 (1-r2t3)/K + rho2 omega2 (1-r2t2)/(JK) + (1-rho2-rho3)(1-r21)/(p(1-p)JKn)", "df = K - g3 - 1"),
		Source:  powerUp + ", bira3r1; PUMP d3.1_m3rr2rr",
		Inputs:  []Key{N, J, K, Rho2, Rho3, Omega2, Omega3, R21, RT2, RT3, G3},
		test: func(v *Values) Test {
			return newTest(v[Rho3]*v[Omega3]*(1-v[RT3])/v[K]+
				v[Rho2]*v[Omega2]*(1-v[RT2])/(v[J]*v[K])+
				v.perArm()*(1-v[Rho2]-v[Rho3])*(1-v[R21])/(v[J]*v[K]*v[N]), v[K]-v[G3]-1)
		},
	}
}

func bira4() *Design {
	return &Design{
		Name: "bira4", Aliases: []string{"bira4r1"},
		Title: "children randomised within classes of schools of districts; effects vary at all three levels",
		Formula: line("SE² = rho4 omega4 (1-r2t4)/L + rho3 omega3 (1-r2t3)/(KL) + rho2 omega2 (1-r2t2)/(JKL)",
			"      + (1-rho2-rho3-rho4)(1-r21)/(p(1-p)JKLn)", "df = L - g4 - 1"),
		Source: powerUp + ", bira4r1",
		Inputs: []Key{N, J, K, L, Rho2, Rho3, Rho4, Omega2, Omega3, Omega4, R21, RT2, RT3, RT4, G4},
		test: func(v *Values) Test {
			return newTest(v[Rho4]*v[Omega4]*(1-v[RT4])/v[L]+
				v[Rho3]*v[Omega3]*(1-v[RT3])/(v[K]*v[L])+
				v[Rho2]*v[Omega2]*(1-v[RT2])/(v[J]*v[K]*v[L])+
				v.perArm()*(1-v[Rho2]-v[Rho3]-v[Rho4])*(1-v[R21])/(v[J]*v[K]*v[L]*v[N]), v[L]-v[G4]-1)
		},
	}
}
