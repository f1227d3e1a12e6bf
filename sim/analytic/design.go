package analytic

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// A Design is a trial, or a question about one, that has a closed form.
type Design struct {
	Name    string   // PowerUpR's
	Aliases []string // longer names of PowerUpR, and PUMP's
	Title   string
	Formula string
	Source  string
	Inputs  []Key // in the order in which they are shown
	Zero    []Key // those that other designs require, and are 0 here when left out

	// test is the test of the main effect, for the designs that have one.
	test func(v *Values) Test
	// results are the numbers of the designs without one, the power among them.
	results func(v *Values) []Result
	// mediation is that of the designs with one.
	mediation func(v *Values) Mediation
	// faults is what ranges do not show. The ranges hold.
	faults func(v *Values) []Fault
}

// A Result is one number that a closed form gives.
type Result struct {
	Name  string
	Doc   string
	Value float64
}

// Designs lists every design. To add one, write a function like cra2 and a line
// here.
func Designs() []*Design {
	return []*Design{
		ira1(), bira2c1(), bira2f1(), bira2(), bira3(), bira4(),
		cra2(), cra3(), cra4(),
		bcra3c2(), bcra3f2(), bcra3r2(), bcra4c3(), bcra4f3(), bcra4r2(), bcra4r3(),
		med221(), med321(),
		optimal2(), optimal3(),
	}
}

// Find returns the design with a name or alias, or nil.
func Find(name string) *Design {
	for _, d := range Designs() {
		if d.Name == name || slices.Contains(d.Aliases, name) {
			return d
		}
	}
	return nil
}

// ofMainEffect are the inputs that every design with a main effect has.
var ofMainEffect = []Key{P, ES, TakeUp, Crossover, Alpha, Tails, Power, Tests, Correlation}

// attrition pairs the number of units of a level with the share that is lost.
var attrition = [4][2]Key{{N, Q1}, {J, Q2}, {K, Q3}, {L, Q4}}

// Keys lists all inputs of the design: its own, attrition at each of its
// levels, and those that all designs with a main effect have.
func (d *Design) Keys() []Key {
	all := slices.Clone(d.Inputs)
	if d.test == nil {
		return all
	}
	for _, level := range attrition {
		if slices.Contains(d.Inputs, level[0]) {
			all = append(all, level[1])
		}
	}
	return append(all, ofMainEffect...)
}

// MainEffect reports whether the design tests a main effect, so that Test is
// for it.
func (d *Design) MainEffect() bool { return d.test != nil }

// Key returns the input of the design with a name.
func (d *Design) Key(name string) (Key, bool) {
	for _, k := range d.Keys() {
		if k.String() == name {
			return k, true
		}
	}
	return 0, false
}

// Defaults returns the values of inputs that may be left out, NaN for the rest.
func (d *Design) Defaults() Values {
	var v Values
	for k := range v {
		v[k] = inputs[k].Default
		if !slices.Contains(d.Keys(), Key(k)) {
			v[k] = math.NaN()
		}
	}
	for _, k := range d.Zero {
		v[k] = 0
	}
	return v
}

// Check returns every fault of the values; without any, the design can be
// evaluated. solved is the size that is to be solved for, or -1.
func (d *Design) Check(v Values, solved Key) []Fault {
	var faults []Fault
	for _, k := range d.Keys() {
		in := k.Input()
		switch x := v[k]; {
		case k == solved:
		case math.IsNaN(x):
			faults = append(faults, Fault{k, "is missing: " + in.Doc})
		case !in.holds(x):
			faults = append(faults, Fault{k, fmt.Sprintf("%g is out of range; it is %s: %s", x, in.Range(), in.Doc)})
		}
	}
	if len(faults) > 0 {
		return faults
	}
	rho := 0.0
	last := Key(-1)
	for _, k := range []Key{Rho2, Rho3, Rho4} {
		if slices.Contains(d.Inputs, k) {
			rho += v[k]
			last = k
		}
	}
	if rho > 1 {
		faults = append(faults, Fault{last, fmt.Sprintf("the shares of variance add up to %g, more than 1", rho)})
	}
	if d.test != nil || slices.Contains(d.Inputs, Power) {
		if v[Power] <= v[Alpha] {
			faults = append(faults, Fault{Power, fmt.Sprintf("%g must be more than alpha, %g", v[Power], v[Alpha])})
		}
	}
	if d.test != nil && v[TakeUp] <= v[Crossover] {
		faults = append(faults, Fault{TakeUp, fmt.Sprintf("%g must be more than crossover, %g", v[TakeUp], v[Crossover])})
	}
	if d.faults != nil && solved < 0 {
		faults = append(faults, d.faults(&v)...)
	}
	if d.test != nil && solved < 0 && len(faults) == 0 {
		if t := d.Test(v); !(t.DF > 0) {
			faults = append(faults, Fault{d.Top(), fmt.Sprintf("%g leaves %g degrees of freedom, and 1 is the least useful number", v[d.Top()], t.DF)})
		} else if !(t.SE > 0) {
			faults = append(faults, Fault{R21, "the covariates explain everything: the standard error is 0"})
		}
	}
	return faults
}

// Top is the size of the highest level, whose units the degrees of freedom count.
func (d *Design) Top() Key {
	top := N
	for _, k := range []Key{J, K, L} {
		if slices.Contains(d.Inputs, k) {
			top = k
		}
	}
	return top
}

// Test returns the test of the main effect. The values have passed Check.
func (d *Design) Test(v Values) Test {
	for _, level := range attrition {
		if slices.Contains(d.Inputs, level[0]) {
			v[level[0]] *= 1 - v[level[1]]
		}
	}
	return d.test(&v)
}

// Mediation returns that of a design with one. The values have passed Check.
func (d *Design) Mediation(v Values) Mediation { return d.mediation(&v) }

// level is the size of the test.
func (v *Values) level() Level { return Level{Alpha: v[Alpha], Tails: int(v[Tails])} }

// itt is the effect of being assigned: that on compliers times their share.
func (v *Values) itt() float64 { return v[ES] * v.compliers() }

func (v *Values) compliers() float64 { return v[TakeUp] - v[Crossover] }

// Evaluate returns every number that the design gives, the same list for
// given inputs that are set. The values have passed Check.
func (d *Design) Evaluate(v Values) []Result {
	if d.test == nil {
		return d.results(&v)
	}
	t, level, es := d.Test(v), v.level(), v.itt()
	out := []Result{
		{"se", "standard error of the effect of assignment", t.SE},
		{"df", "degrees of freedom", t.DF},
		{"mdes", fmt.Sprintf("smallest effect detected with power %g, exact (noncentral t)", v[Power]), t.MDES(v[Power], level) / v.compliers()},
		{"mdes_central", "the same with quantiles of the central t, as PowerUp! and PUMP have it", t.MDESCentral(v[Power], level) / v.compliers()},
		{"power", fmt.Sprintf("power for an effect of %g", v[ES]), t.Power(es, level)},
	}
	if v.compliers() != 1 {
		out = append(out, Result{"itt", "effect of assignment: es (takeup - crossover)", es})
	}
	if es != 0 {
		out = append(out,
			Result{"type_s", "share of significant estimates with the wrong sign (normal approximation)", t.TypeS(es, level)},
			Result{"type_m", "mean exaggeration of significant estimates (normal approximation)", t.TypeM(es, level)})
	}
	if v[Tests] > 1 {
		out = append(out, severalOutcomes(&v, t)...)
	}
	return out
}

// Power is the power of the design: of the main effect, or of the joint test of
// both paths of a mediation. NaN where the design tests nothing.
func (d *Design) Power(v Values) float64 {
	switch {
	case d.test != nil:
		return d.Test(v).Power(v.itt(), v.level())
	case d.mediation != nil:
		return d.mediation(&v).Joint(Level{Alpha: v[Alpha], Tails: 2})
	}
	return math.NaN()
}

// Solve returns the smallest whole number of units with which the design has
// the power that is asked for. The other values have passed Check.
func (d *Design) Solve(v Values, size Key) (float64, error) {
	reached := func(x float64) bool {
		v[size] = x
		return len(d.Check(v, -1)) == 0 && d.Power(v) >= v[Power]
	}
	if !size.Input().Size {
		return 0, Fault{size, "only a number of units can be solved for: n, J, K or L"}
	}
	const most = 1e9
	low, high := 0.0, 1.0
	for !reached(high) {
		low, high = high, 2*high
		if high > most {
			v[size] = most
			if faults := d.Check(v, -1); len(faults) > 0 {
				return 0, faults[0]
			}
			return 0, Fault{size, fmt.Sprintf("no number of units reaches a power of %g; a billion reach %.4g. The variance of the levels above stays", v[Power], d.Power(v))}
		}
	}
	for high-low > 1 {
		middle := math.Floor((low + high) / 2)
		if reached(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return high, nil
}

// line joins the lines of a formula.
func line(parts ...string) string { return strings.Join(parts, "\n") }
