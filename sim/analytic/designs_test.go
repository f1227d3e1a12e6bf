package analytic

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// TestAgainstR holds every design against testdata/designs.R.
func TestAgainstR(t *testing.T) {
	file, err := os.Open(filepath.Join("testdata", "designs_R.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, line := range lines[1:] {
		d := Find(line[0])
		if d == nil {
			t.Fatalf("there is no design %q", line[0])
		}
		set := map[string]float64{}
		for _, field := range strings.Fields(line[1]) {
			name, text, _ := strings.Cut(field, "=")
			if set[name], err = strconv.ParseFloat(text, 64); err != nil {
				t.Fatal(err)
			}
		}
		want, err := strconv.ParseFloat(line[3], 64)
		if err != nil {
			t.Fatal(err)
		}
		got := result(t, d.Evaluate(values(t, d, set)), line[2])
		within := 1e-9
		if strings.HasSuffix(line[2], "_fits") { // R's nested integrals are right to 1e-8
			within = 2e-8
		}
		if math.Abs(got-want) > within*math.Max(math.Abs(want), 1e-3) {
			t.Errorf("%s %s: %s = %.15g, R says %.15g", line[0], line[1], line[2], got, want)
		}
		seen[d.Name] = true
	}
	for _, d := range Designs() {
		if !seen[d.Name] && d.Name != "med221" && d.Name != "optimal2" { // in TestGolden
			t.Errorf("R has not computed %s", d.Name)
		}
	}
}

// TestNames makes sure that no name stands for two designs, and that every
// design can be listed.
func TestNames(t *testing.T) {
	seen := map[string]string{}
	for _, d := range Designs() {
		for _, name := range append([]string{d.Name}, d.Aliases...) {
			if other, taken := seen[name]; taken {
				t.Errorf("%s is a name of %s and of %s", name, other, d.Name)
			}
			seen[name] = d.Name
			if found := Find(name); found == nil || found.Name != d.Name {
				t.Errorf("%s is not found", name)
			}
		}
		if d.Title == "" || d.Formula == "" || d.Source == "" || (d.test == nil) == (d.results == nil) {
			t.Errorf("%s is not declared in full", d.Name)
		}
		taken := map[Key]bool{}
		for _, k := range d.Keys() {
			if in := k.Input(); taken[k] || in.Name == "" || in.Doc == "" || in.Max == 0 {
				t.Errorf("%s: input %q is there twice or not declared", d.Name, k)
			}
			taken[k] = true
		}
	}
	if Find("cra9") != nil {
		t.Error("cra9 was found")
	}
}

// TestMDESIsTheRootOfPower, whatever the level, the degrees of freedom, the tails
// and a wrong standard error.
func TestMDESIsTheRootOfPower(t *testing.T) {
	for _, df := range []float64{1, 2.5, 10, 300, 1e9, math.Inf(1)} {
		for _, tails := range []int{1, 2} {
			for _, power := range []float64{.1, .5, .8, .99} {
				for _, inflation := range []float64{0, .8, 1.2} {
					test := Test{SE: .07, DF: df, CriticalDF: df + 1, Inflation: inflation}
					l := Level{Alpha: .05, Tails: tails}
					if power <= test.Power(0, l) {
						continue
					}
					es := test.MDES(power, l)
					if got := test.Power(es, l); math.Abs(got-power) > 1e-9 {
						t.Errorf("df %g, %d tails: power %.12g at the MDES for %g", df, tails, got, power)
					}
				}
			}
		}
	}
}

// TestPowerIsAnIntegral holds power against the textbook integral over the
// standard error's distribution, and, at an effect of 0, against alpha.
func TestPowerIsAnIntegral(t *testing.T) {
	for _, df := range []float64{3, 12, 90} {
		chi := distuv.ChiSquared{K: df}
		l := Level{Alpha: .05, Tails: 2}
		c := quantile(.975, df)
		for _, delta := range []float64{0, .5, 2, 6} {
			sum, steps, end := 0.0, 200000, math.Sqrt(chi.Quantile(1-1e-15))
			h := end / float64(steps)
			for i := range steps { // midpoints of x = √χ²
				x := (float64(i) + .5) * h
				s := x / math.Sqrt(df)
				sum += h * 2 * x * chi.Prob(x*x) * (distuv.UnitNormal.CDF(delta-c*s) + distuv.UnitNormal.CDF(-delta-c*s))
			}
			if got := (Test{SE: 1, DF: df}).Power(delta, l); math.Abs(got-sum) > 1e-8 {
				t.Errorf("df %g, delta %g: power %.12g, by integration %.12g", df, delta, got, sum)
			}
		}
		if got := (Test{SE: 1, DF: df}).Power(0, l); math.Abs(got-.05) > 1e-12 {
			t.Errorf("df %g: size %.15g", df, got)
		}
	}
}

// TestRejectionsAddUp: they are probabilities, their mean is the power of each
// test, and independent z tests are binomial.
func TestRejectionsAddUp(t *testing.T) {
	l := Level{Alpha: .05, Tails: 2}
	for _, df := range []float64{4, 38, math.Inf(1)} {
		for _, r := range []float64{0, .3, .95} {
			f := Family{Test: Test{SE: .1, DF: df}, Effect: .25, Size: 5, Correlation: r}
			sum, mean := 0.0, 0.0
			for k, p := range f.Rejections(l) {
				sum += p
				mean += float64(k) * p / 5
			}
			if math.Abs(sum-1) > 1e-10 {
				t.Errorf("df %g, r %g: probabilities add up to %.12g", df, r, sum)
			}
			if want := f.Power(f.Effect, l); math.Abs(mean-want) > 1e-8 {
				t.Errorf("df %g, r %g: mean power %.12g, each test's %.12g", df, r, mean, want)
			}
		}
	}
	f := Family{Test: Test{SE: .1, DF: math.Inf(1)}, Effect: .25, Size: 3}
	power := f.Power(f.Effect, l)
	if got, want := 1-f.Rejections(l)[0], 1-math.Pow(1-power, 3); math.Abs(got-want) > 1e-12 {
		t.Errorf("power for any of 3: %.12g, want %.12g", got, want)
	}
	if got, want := f.Rejections(l)[3], math.Pow(power, 3); math.Abs(got-want) > 1e-12 {
		t.Errorf("complete power: %.12g, want %.12g", got, want)
	}
}

// TestSolve: one unit fewer misses the power, for every design and size that can
// be solved for.
func TestSolve(t *testing.T) {
	base := map[string]float64{
		"n": 20, "J": 4, "K": 6, "L": 10, "rho2": .1, "rho3": .05, "rho4": .02, "omega2": .2, "omega3": .2, "omega4": .2,
		"a": .5, "b": .25, "rhom3": .2, "es": .3,
	}
	solved := 0
	for _, d := range Designs() {
		for _, k := range d.Keys() {
			if !k.Input().Size {
				continue
			}
			v := midValues(d, base)
			x, err := d.Solve(v, k)
			if err != nil {
				continue // the levels above have too few units
			}
			solved++
			v[k] = x
			if p := d.Power(v); len(d.Check(v, -1)) > 0 || p < v[Power] {
				t.Errorf("%s: %s = %g has power %g", d.Name, k, x, p)
			}
			v[k]--
			if x > 1 && len(d.Check(v, -1)) == 0 && d.Power(v) >= v[Power] {
				t.Errorf("%s: %s = %g is enough", d.Name, k, x-1)
			}
		}
	}
	if solved < 20 {
		t.Errorf("only %d sizes were solved for", solved)
	}
	d := Find("cra2")
	v := values(t, d, map[string]float64{"rho2": .3, "n": 20, "J": 10, "es": .1})
	if _, err := d.Solve(v, N); err == nil {
		t.Error("10 schools cannot detect 0.1 however many children they have")
	}
	if _, err := d.Solve(v, Rho2); err == nil {
		t.Error("an ICC is no number of units")
	}
}

func midValues(d *Design, base map[string]float64) Values {
	v := d.Defaults()
	for _, k := range d.Keys() {
		if x, ok := base[k.String()]; ok {
			v[k] = x
		} else if math.IsNaN(v[k]) {
			v[k] = 1
		}
	}
	return v
}

// TestCheck finds every fault at once.
func TestCheck(t *testing.T) {
	d := Find("cra3")
	v := d.Defaults()
	v[Rho2], v[N], v[J], v[P], v[G3] = 1.5, 10, 2, 1, .5
	var got []string
	for _, f := range d.Check(v, -1) {
		got = append(got, f.Key.String())
	}
	if text := strings.Join(got, " "); text != "K rho2 rho3 g3 p" {
		t.Errorf("faults of %s, want K rho2 rho3 g3 p", text)
	}
	for name, set := range map[string]map[string]float64{
		"cra2":     {"n": 10, "J": 3, "rho2": .1, "g2": 1},
		"cra3":     {"n": 10, "J": 3, "K": 30, "rho2": .6, "rho3": .6},
		"ira1":     {"n": 100, "takeup": .2, "crossover": .4},
		"bira2":    {"n": 10, "J": 9, "rho2": .1, "omega2": .1, "power": .01},
		"med221":   {"n": 10, "J": 40, "rho2": .1, "a": 3, "b": .1},
		"med321":   {"n": 10, "J": 40, "K": 5, "rho2": .1, "rho3": .1, "rhom3": .2, "a": .3, "b": .1},
		"optimal2": {"c1": 1, "c2": 10, "budget": 5, "rho2": .1},
		"bcra3c2":  {"n": 10, "J": 3, "K": 4, "rho2": 1, "r22": 1},
	} {
		d := Find(name)
		v := d.Defaults()
		for key, x := range set {
			k, ok := d.Key(key)
			if !ok {
				t.Fatalf("%s has no %s", name, key)
			}
			v[k] = x
		}
		if faults := d.Check(v, -1); len(faults) != 1 {
			t.Errorf("%s %v: faults %v, want one", name, set, faults)
		}
	}
}
