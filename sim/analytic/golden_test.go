package analytic

import (
	"math"
	"testing"
)

func values(t *testing.T, d *Design, set map[string]float64) Values {
	t.Helper()
	v := d.Defaults()
	for name, x := range set {
		k, ok := d.Key(name)
		if !ok {
			t.Fatalf("%s has no input %q", d.Name, name)
		}
		v[k] = x
	}
	if faults := d.Check(v, -1); len(faults) > 0 {
		t.Fatalf("%s: %v", d.Name, faults)
	}
	return v
}

func result(t *testing.T, all []Result, name string) float64 {
	t.Helper()
	for _, r := range all {
		if r.Name == name {
			return r.Value
		}
	}
	t.Fatalf("there is no result %q", name)
	return 0
}

// printed reports whether x rounds to want at so many digits after the point.
func printed(x, want float64, digits int) bool {
	return math.Abs(x-want) <= 0.5*math.Pow(10, -float64(digits))*(1+1e-9)
}

// TestGolden holds the designs against numbers computed from the formulas in
// base R, some of them printed by PowerUpR, odr and clusterPower too.
func TestGolden(t *testing.T) {
	for _, c := range []struct {
		design string
		set    map[string]float64
		want   map[string]float64
		digits int
	}{
		{"cra2", map[string]float64{"rho2": .2, "n": 20, "J": 40, "r21": .5, "r22": .5, "g2": 1},
			map[string]float64{"se": .109545, "df": 37, "mdes_central": .31523, "mdes": .31516, "power": .60363}, 5},
		{"cra3", map[string]float64{"rho3": .06, "rho2": .17, "n": 15, "J": 3, "K": 60},
			map[string]float64{"se": .094438, "df": 58, "mdes_central": .26911, "mdes": .26906, "power": .73996}, 5},
		{"bcra3f2", map[string]float64{"rho2": .1, "n": 20, "J": 44, "K": 5},
			map[string]float64{"se": .051346, "df": 210, "mdes_central": .14452, "mdes": .14451, "power": .99805}, 5},
		{"bcra3r2", map[string]float64{"rho3": .13, "rho2": .1, "omega3": .4, "n": 10, "J": 6, "K": 24},
			map[string]float64{"se": .084163, "df": 23, "mdes_central": .24628, "mdes": .24623, "power": .81179}, 5},
		{"med221", map[string]float64{"a": .3, "b": .1, "cp": .1, "rho2": .3, "r22": .6, "r21": .6, "r2m2": .6, "p": .1, "n": 30, "J": 80},
			map[string]float64{"power_joint": .0857, "power_sobel": .1701}, 4},
		{"med221", map[string]float64{"a": .5, "b": .15, "cp": .05, "rho2": .15, "r22": .5, "r21": .4, "r2m2": .2, "p": .5, "n": 15, "J": 60},
			map[string]float64{"se_a": .2217, "se_b": .0447, "power_a": .6011, "power_b": .9092, "power_joint": .5466, "power_sobel": .4648, "power_joint_fits": .5266}, 4},
		{"optimal2", map[string]float64{"c1": 1, "c2": 10, "rho2": .15, "r21": .4, "r22": .5, "budget": 1000},
			map[string]float64{"n": 8.25}, 2},
		// clusterPower's cpa.normal, which leaves out the lower tail.
		{"cra2", map[string]float64{"rho2": .1, "n": 100, "J": 40, "cv": .5, "es": .2, "tails": 1, "alpha": .025},
			map[string]float64{"power": .4559881}, 7},
		{"cra2", map[string]float64{"rho2": .1, "n": 10, "J": 32, "es": 1 / math.Sqrt(5), "tails": 1, "alpha": .025},
			map[string]float64{"power": .801766}, 6},
	} {
		d := Find(c.design)
		got := d.Evaluate(values(t, d, c.set))
		for name, want := range c.want {
			if x := result(t, got, name); !printed(x, want, c.digits) {
				t.Errorf("%s %v: %s = %.7f, want %g", c.design, c.set, name, x, want)
			}
		}
	}
}

// TestMultipliers holds the sum of quantiles of the central t, and the exact
// multiplier, against printed values.
func TestMultipliers(t *testing.T) {
	l := Level{Alpha: .05, Tails: 2}
	for _, c := range []struct{ df, central, exact float64 }{
		{4, 3.717, 3.761}, {10, 3.107, 3.110}, {20, 2.946, 2.945}, {math.Inf(1), 2.802, 2.802},
	} {
		test := Test{SE: 1, DF: c.df}
		if x := test.MDESCentral(.8, l); !printed(x, c.central, 3) {
			t.Errorf("df %g: central multiplier %.5f, want %g", c.df, x, c.central)
		}
		if x := test.MDES(.8, l); !printed(x, c.exact, 3) {
			t.Errorf("df %g: exact multiplier %.5f, want %g", c.df, x, c.exact)
		}
	}
}

// TestTypeSM holds power, type S and type M errors of a z test against printed
// values; those for 0.8 were checked against 4 million draws.
func TestTypeSM(t *testing.T) {
	l := Level{Alpha: .05, Tails: 2}
	z := Test{SE: 1, DF: math.Inf(1)}
	for _, c := range []struct{ delta, power, s, m float64 }{
		{1, .1701, .0090, 2.491}, {2, .5160, .0001, 1.386}, {2.8, .7996, 0, 1.125},
	} {
		p, s, m := z.Power(c.delta, l), z.TypeS(c.delta, l), z.TypeM(c.delta, l)
		// The printed numbers took 1.96 for the critical value.
		if !printed(p, c.power, 4) && math.Abs(p-c.power) > 1e-4 || !printed(s, c.s, 4) || !printed(m, c.m, 3) {
			t.Errorf("delta %g: power %.5f, S %.5f, M %.4f, want %+v", c.delta, p, s, m, c)
		}
	}
	if !math.IsNaN(z.TypeS(0, l)) || !math.IsNaN(z.TypeM(0, l)) {
		t.Error("an effect of 0 has no wrong sign and cannot be exaggerated")
	}
}

// TestUnequalSizes holds the variance with known sizes against clusterPower's
// example of sizes 100, 50, 25, 100, 100 in each arm. clusterPower prints .13315
// for it, which multiplies by the relative efficiency where it should divide; the
// right power, of the upper tail alone as there, is .1279632.
func TestUnequalSizes(t *testing.T) {
	arm := []float64{100, 50, 25, 100, 100}
	sizes := append(append([]float64(nil), arm...), arm...)
	upper := Level{Alpha: .025, Tails: 1}
	exact := WeightedVariance(sizes, .1, .5)
	equal := WeightedVariance([]float64{75, 75, 75, 75, 75, 75, 75, 75, 75, 75}, .1, .5)
	if got := newTest(equal*equal/exact, 8).Power(.2, upper); !printed(got, .13315, 5) {
		t.Errorf("clusterPower's formula gives %.6f, want .13315", got)
	}
	if got := newTest(exact, 8).Power(.2, upper); !printed(got, .1279632, 7) {
		t.Errorf("power %.8f, want .1279632", got)
	}
	// The quadratic approximation is near, with the CV of these sizes.
	cv := math.Sqrt((25*25+25*25+50*50+25*25+25*25)/5.) / 75
	if got := equal / RelativeEfficiency(cv, 75, .1, .9); math.Abs(got/exact-1) > .02 {
		t.Errorf("variance %g by the approximation, %g exactly", got, exact)
	}
}

// TestDesignEffect: cra2 with rows of equal weight has the variance that the
// design effect of Eldridge et al. implies.
func TestDesignEffect(t *testing.T) {
	d := Find("cra2")
	v := values(t, d, map[string]float64{"rho2": .1, "n": 30, "J": 20, "cv": .6, "ols": 1})
	want := 4 * DesignEffect(.6, 30, .1) / (30 * 20)
	if got := d.Test(v).SE; math.Abs(got*got/want-1) > 1e-14 {
		t.Errorf("SE² = %g, want %g", got*got, want)
	}
}
