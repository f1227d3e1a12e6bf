package analytic

import (
	"fmt"
	"math"
)

// optimal2 is the cheapest two-level cluster-randomised design.
func optimal2() *Design {
	return &Design{
		Name:  "optimal2",
		Title: "the best use of a budget in cra2: children per school against schools",
		Formula: line("n = √((c2/c1)(1-rho2)(1-r21)/(rho2(1-r22))), J = budget/(c2 + c1 n)",
			"not rounded; se, df and mdes are those of cra2 with these"),
		Source: "Raudenbush (1997); R packages odr and cosa",
		Inputs: []Key{C1, C2, Budget, Rho2, R21, R22, G2, P, Alpha, Power},
		faults: func(v *Values) []Fault {
			return allocationFaults(v, v[Rho2]*(1-v[R22]), v[C2]+v[C1])
		},
		results: func(v *Values) []Result {
			at := *v
			at[N] = math.Max(1, math.Sqrt(v[C2]/v[C1]*(1-v[Rho2])*(1-v[R21])/(v[Rho2]*(1-v[R22]))))
			at[J] = v[Budget] / (v[C2] + v[C1]*at[N])
			return append([]Result{
				{"n", "children per school", at[N]},
				{"J", "schools", at[J]},
			}, allocated(cra2(), at)...)
		},
	}
}

// optimal3 is the cheapest three-level cluster-randomised design.
func optimal3() *Design {
	return &Design{
		Name:  "optimal3",
		Title: "the best use of a budget in cra3: children per class, classes per school, schools",
		Formula: line("n = √(c2 σ1²/(c1 σ2²)), J = √(c3 σ2²/(c2 σ3²)), K = budget/(c3 + J(c2 + c1 n))",
			"σ1² = (1-rho2-rho3)(1-r21), σ2² = rho2(1-r22), σ3² = rho3(1-r23); not rounded; se, df and mdes are those of cra3"),
		Source: "Raudenbush (1997); R packages odr and cosa",
		Inputs: []Key{C1, C2, C3, Budget, Rho2, Rho3, R21, R22, R23, G3, P, Alpha, Power},
		faults: func(v *Values) []Fault {
			return allocationFaults(v, math.Min(v[Rho2]*(1-v[R22]), v[Rho3]*(1-v[R23])), v[C3]+v[C2]+v[C1])
		},
		results: func(v *Values) []Result {
			at := *v
			s1, s2, s3 := (1-v[Rho2]-v[Rho3])*(1-v[R21]), v[Rho2]*(1-v[R22]), v[Rho3]*(1-v[R23])
			at[N] = math.Max(1, math.Sqrt(v[C2]*s1/(v[C1]*s2)))
			at[J] = math.Sqrt(v[C3] * s2 / (v[C2] * s3))
			if at[J] < 1 { // one class a school: level 2 and 3 are one
				at[J] = 1
				at[N] = math.Max(1, math.Sqrt((v[C2]+v[C3])*s1/(v[C1]*(s2+s3))))
			}
			at[K] = v[Budget] / (v[C3] + at[J]*(v[C2]+v[C1]*at[N]))
			return append([]Result{
				{"n", "children per class", at[N]},
				{"J", "classes per school", at[J]},
				{"K", "schools", at[K]},
			}, allocated(cra3(), at)...)
		},
	}
}

func allocationFaults(v *Values, between, unit float64) []Fault {
	var faults []Fault
	if !(between > 0) {
		faults = append(faults, Fault{Rho2, "there is no variance between clusters left: one cluster of all children is cheapest"})
	}
	if v[Budget] < unit {
		faults = append(faults, Fault{Budget, fmt.Sprintf("%g does not pay for one unit of each level, %g", v[Budget], unit)})
	}
	return faults
}

// allocated measures the design that a budget buys; NaN where it leaves no
// degrees of freedom.
func allocated(d *Design, v Values) []Result {
	v[CV], v[OLS], v[Q1], v[Q2], v[Q3], v[Tails] = 0, 0, 0, 0, 0, 2
	t := d.Test(v)
	mdes := math.NaN()
	if t.DF > 0 {
		mdes = t.MDES(v[Power], v.level())
	}
	return []Result{
		{"se", "standard error of the effect", t.SE},
		{"df", "degrees of freedom", t.DF},
		{"mdes", fmt.Sprintf("smallest effect detected with power %g, exact (noncentral t)", v[Power]), mdes},
	}
}
