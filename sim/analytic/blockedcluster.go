package analytic

// Where blocks are fixed, rho3 may be left out: effects are then in SDs within
// blocks, as PowerUp! has them, and with it in SDs over all blocks, as PUMP does.

func bcra3c2() *Design {
	return &Design{
		Name: "bcra3c2", Aliases: []string{"d3.2_m3fc2rc"},
		Title: "schools randomised within blocks; fixed blocks, one effect (the usual regression with block dummies)",
		Formula: line("SE² = [rho2(1-r22) + (1-rho2-rho3)(1-r21)/n]/(p(1-p)JK), J schools in each of K blocks",
			"df = K(J-1) - 1 - g2; PUMP has K(J-1) - g2, which forgets the effect itself",
			"rho3 = 0: effects in SDs within blocks"),
		Source: "PUMP d3.2_m3fc2rc; SE² as PowerUpR's bcra3f2",
		Inputs: []Key{N, J, K, Rho2, Rho3, R21, R22, G2, CV, OLS},
		Zero:   []Key{Rho3},
		test: func(v *Values) Test {
			return newTest(v.perArm()*v.level2(1-v[Rho2]-v[Rho3])/(v[J]*v[K]), v[K]*(v[J]-1)-1-v[G2])
		},
	}
}

func bcra3f2() *Design {
	return &Design{
		Name: "bcra3f2", Aliases: []string{"d3.2_m3ff2rc"},
		Title: "schools randomised within blocks; fixed blocks, an effect for each",
		Formula: line("SE² = [rho2(1-r22) + (1-rho2-rho3)(1-r21)/n]/(p(1-p)JK), J schools in each of K blocks",
			"df = K(J-2) - g2", "rho3 = 0: effects in SDs within blocks, as PowerUp! has them"),
		Source: powerUp + ", bcra3f2; PUMP d3.2_m3ff2rc",
		Inputs: []Key{N, J, K, Rho2, Rho3, R21, R22, G2, CV, OLS},
		Zero:   []Key{Rho3},
		test: func(v *Values) Test {
			return newTest(v.perArm()*v.level2(1-v[Rho2]-v[Rho3])/(v[J]*v[K]), v[K]*(v[J]-2)-v[G2])
		},
	}
}

func bcra3r2() *Design {
	return &Design{
		Name: "bcra3r2", Aliases: []string{"d3.2_m3rr2rc"},
		Title: "schools randomised within blocks; effects vary between blocks at random",
		Formula: line("SE² = rho3 omega3 (1-r2t3)/K + [rho2(1-r22) + (1-rho2-rho3)(1-r21)/n]/(p(1-p)JK)",
			"df = K - g3 - 1"),
		Source: powerUp + ", bcra3r2; PUMP d3.2_m3rr2rc",
		Inputs: []Key{N, J, K, Rho2, Rho3, Omega3, R21, R22, RT3, G3, CV, OLS},
		test: func(v *Values) Test {
			return newTest(v[Rho3]*v[Omega3]*(1-v[RT3])/v[K]+
				v.perArm()*v.level2(1-v[Rho2]-v[Rho3])/(v[J]*v[K]), v[K]-v[G3]-1)
		},
	}
}

func bcra4c3() *Design {
	return &Design{
		Name:  "bcra4c3",
		Title: "schools randomised within blocks, children in classes of schools; fixed blocks, one effect; SDs within blocks",
		Formula: line("SE² = [rho3(1-r23) + rho2(1-r22)/J + (1-rho2-rho3)(1-r21)/(Jn)]/(p(1-p)KL), K schools in each of L blocks",
			"df = L(K-1) - 1 - g3"),
		Source: powerUp + ", bcra4f3, with one effect for all blocks as in bcra3c2",
		Inputs: []Key{N, J, K, L, Rho2, Rho3, R21, R22, R23, G3, CV, OLS},
		test: func(v *Values) Test {
			return newTest(v.perArm()*v.level3(1-v[Rho2]-v[Rho3])/(v[K]*v[L]), v[L]*(v[K]-1)-1-v[G3])
		},
	}
}

func bcra4f3() *Design {
	return &Design{
		Name:  "bcra4f3",
		Title: "schools randomised within blocks, children in classes of schools; fixed blocks, an effect for each; SDs within blocks",
		Formula: line("SE² = [rho3(1-r23) + rho2(1-r22)/J + (1-rho2-rho3)(1-r21)/(Jn)]/(p(1-p)KL), K schools in each of L blocks",
			"df = L(K-2) - g3"),
		Source: powerUp + ", bcra4f3",
		Inputs: []Key{N, J, K, L, Rho2, Rho3, R21, R22, R23, G3, CV, OLS},
		test: func(v *Values) Test {
			return newTest(v.perArm()*v.level3(1-v[Rho2]-v[Rho3])/(v[K]*v[L]), v[L]*(v[K]-2)-v[G3])
		},
	}
}

func bcra4r2() *Design {
	return &Design{
		Name:  "bcra4r2",
		Title: "classes randomised within schools of districts; effects vary between schools and districts at random",
		Formula: line("SE² = rho4 omega4 (1-r2t4)/L + rho3 omega3 (1-r2t3)/(KL)",
			"      + [rho2(1-r22) + (1-rho2-rho3-rho4)(1-r21)/n]/(p(1-p)JKL)", "df = L - g4 - 1"),
		Source: powerUp + ", bcra4r2",
		Inputs: []Key{N, J, K, L, Rho2, Rho3, Rho4, Omega3, Omega4, R21, R22, RT3, RT4, G4, CV, OLS},
		test: func(v *Values) Test {
			return newTest(v[Rho4]*v[Omega4]*(1-v[RT4])/v[L]+
				v[Rho3]*v[Omega3]*(1-v[RT3])/(v[K]*v[L])+
				v.perArm()*v.level2(1-v[Rho2]-v[Rho3]-v[Rho4])/(v[J]*v[K]*v[L]), v[L]-v[G4]-1)
		},
	}
}

func bcra4r3() *Design {
	return &Design{
		Name:  "bcra4r3",
		Title: "schools randomised within districts, children in classes of schools; effects vary between districts at random",
		Formula: line("SE² = rho4 omega4 (1-r2t4)/L",
			"      + [rho3(1-r23) + rho2(1-r22)/J + (1-rho2-rho3-rho4)(1-r21)/(Jn)]/(p(1-p)KL)", "df = L - g4 - 1"),
		Source: powerUp + ", bcra4r3",
		Inputs: []Key{N, J, K, L, Rho2, Rho3, Rho4, Omega4, R21, R22, R23, RT4, G4, CV, OLS},
		test: func(v *Values) Test {
			return newTest(v[Rho4]*v[Omega4]*(1-v[RT4])/v[L]+
				v.perArm()*v.level3(1-v[Rho2]-v[Rho3]-v[Rho4])/(v[K]*v[L]), v[L]-v[G4]-1)
		},
	}
}
