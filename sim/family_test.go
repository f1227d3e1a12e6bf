package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"coachsim/estimators"
)

// A familyDraw is one replicate of a family: p-values and truths by outcome, NaN
// for the p-value of a fit that failed.
type familyDraw struct{ p, truth []float64 }

func outcomesOf(m int) []string {
	names := make([]string, m)
	for i := range names {
		names[i] = fmt.Sprintf("y%d", i+1)
	}
	return names
}

func logOfDraws(draws []familyDraw, outcomes []string) []Record {
	var log []Record
	for rep, d := range draws {
		for i, p := range d.p {
			r := fit(d.truth[i], 0.1, 1, 38, p)
			if math.IsNaN(p) {
				r = failure(d.truth[i], estimators.NotConverged)
			}
			r.Replicate, r.Outcome = rep, outcomes[i]
			log = append(log, r)
		}
	}
	return log
}

func measuredFamily(t interface{ Fatal(...any) }, draws []familyDraw, alpha float64, methods ...Adjustment) []FamilyPower {
	outcomes := outcomesOf(len(draws[0].p))
	f, err := MeasureFamilies(InMemory(logOfDraws(draws, outcomes)),
		[]Family{{Name: "tests", Estimator: "itt", Outcomes: outcomes, Term: "coaching", Methods: methods}}, alpha, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f.Rows
}

// Four trials of three outcomes, the third without an effect, worked by hand at
// alpha = 0.05. Holm asks p(1) <= .0167, p(2) <= .025, p(3) <= .05, one after the
// other.
//
//	      p-values        unadjusted   Holm
//	1  .01  .02  .04      1 2 3        1 2 3
//	2  .01  .03  .20      1 2          1
//	3  .04  .60  .03      1   3        -
//	4  .01  failed .02    1   3        1   3
func TestFamilyByHand(t *testing.T) {
	truth := []float64{0.2, 0.1, 0}
	rows := measuredFamily(t, []familyDraw{
		{[]float64{0.01, 0.02, 0.04}, truth}, {[]float64{0.01, 0.03, 0.20}, truth},
		{[]float64{0.04, 0.60, 0.03}, truth}, {[]float64{0.01, nan, 0.02}, truth},
	}, 0.05, NoAdjustment, Holm)
	for i, want := range []struct {
		individual                            [3]float64
		mean, one, two, familywise, discovery float64
	}{
		// Shares of the two effects found: 1, 1, 1/2, 1/2. False discoveries: 1/3, 0, 1/2, 1/2.
		{[3]float64{1, 2. / 4, 3. / 4}, 3. / 4, 1, 2. / 4, 3. / 4, 1. / 3},
		// 1, 1/2, 0, 1/2; 1/3, 0, 0, 1/2.
		{[3]float64{3. / 4, 1. / 4, 2. / 4}, 2. / 4, 3. / 4, 1. / 4, 2. / 4, 5. / 24},
	} {
		r := rows[i]
		if r.N != 4 || r.NFail != 1 || len(r.AtLeast) != 2 || !slices.Equal(r.Null, []bool{false, false, true}) {
			t.Errorf("%s: %+v", r.Method, r)
		}
		for name, pair := range map[string][2]float64{
			"y1": {r.Individual[0].Value, want.individual[0]}, "y2": {r.Individual[1].Value, want.individual[1]},
			"y3": {r.Individual[2].Value, want.individual[2]}, "mean": {r.Mean.Value, want.mean},
			"at least 1": {r.AtLeast[0].Value, want.one}, "at least 2": {r.AtLeast[1].Value, want.two},
			"all": {r.Complete.Value, want.two}, "all, unadjusted": {r.CompleteUnadjusted.Value, 2. / 4},
			"familywise": {r.Familywise.Value, want.familywise}, "discovery": {r.FalseDiscovery.Value, want.discovery},
			"MCSE of y2":         {r.Individual[1].MCSE, math.Sqrt(want.individual[1] * (1 - want.individual[1]) / 4)},
			"MCSE of familywise": {r.Familywise.MCSE, math.Sqrt(want.familywise * (1 - want.familywise) / 4)},
		} {
			if !near(pair[0], pair[1], 1e-15) {
				t.Errorf("%s, %s: %v, want %v", r.Method, name, pair[0], pair[1])
			}
		}
	}
	// The shares 1, 1, 1/2, 1/2 have a sample variance of 1/12.
	if got, want := rows[0].Mean.MCSE, math.Sqrt(1./12/4); !near(got, want, 1e-15) {
		t.Errorf("MCSE of the mean: %v, want %v", got, want)
	}
}

// Independent tests of power π: at least one 1-(1-π)^m, all π^m, and with
// Bonferroni the same of the power at alpha/m. Nulls: the familywise error is
// 1-(1-alpha)^m unadjusted, 1-(1-alpha/m)^m with Bonferroni, and exactly alpha
// with Hochberg and BH (Simes 1986).
func TestFamilyClosedForms(t *testing.T) {
	const m, n, alpha, shift = 4, 40000, 0.05, 2.5
	rng := rand.New(rand.NewPCG(11, 15021))
	draws := func(truth float64) []familyDraw {
		all := make([]familyDraw, n)
		for i := range all {
			for range m {
				all[i].p = append(all[i].p, twoSided(truth+rng.NormFloat64()))
				all[i].truth = append(all[i].truth, truth)
			}
		}
		return all
	}
	power := func(alpha float64) float64 { // of one test
		z := math.Sqrt2 * math.Erfinv(1-alpha)
		return (math.Erfc((z-shift)/math.Sqrt2) + math.Erfc((z+shift)/math.Sqrt2)) / 2
	}
	check := func(name string, got Share, want float64) {
		t.Helper()
		if !(math.Abs(got.Value-want) < 4*got.MCSE) {
			t.Errorf("%s: %.4f (%.4f), want %.4f", name, got.Value, got.MCSE, want)
		}
	}
	effects := measuredFamily(t, draws(shift), alpha, NoAdjustment, Bonferroni)
	for i, level := range []float64{alpha, alpha / m} {
		r, p := effects[i], power(level)
		check(r.Method.String()+": first", r.Individual[0], p)
		check(r.Method.String()+": mean", r.Mean, p)
		check(r.Method.String()+": at least 1", r.AtLeast[0], 1-math.Pow(1-p, m))
		check(r.Method.String()+": at least 3", r.AtLeast[2], 4*math.Pow(p, 3)*(1-p)+math.Pow(p, 4))
		check(r.Method.String()+": all", r.Complete, math.Pow(p, m))
		check(r.Method.String()+": all, unadjusted", r.CompleteUnadjusted, math.Pow(power(alpha), m))
		if !math.IsNaN(r.Familywise.Value) || !math.IsNaN(r.FalseDiscovery.Value) {
			t.Errorf("%s: errors without a true null: %v, %v", r.Method, r.Familywise, r.FalseDiscovery)
		}
	}
	harmonic := 1 + 1./2 + 1./3 + 1./4
	for _, r := range measuredFamily(t, draws(0), alpha, allAdjustments()...) {
		want := map[Adjustment]float64{
			NoAdjustment: 1 - math.Pow(1-alpha, m), Bonferroni: 1 - math.Pow(1-alpha/m, m), Holm: 1 - math.Pow(1-alpha/m, m),
			BH: alpha, BY: alpha / harmonic,
		}
		if w, ok := want[r.Method]; ok {
			check(r.Method.String()+": familywise", r.Familywise, w)
			check(r.Method.String()+": discovery", r.FalseDiscovery, w) // all discoveries are false
		} else if r.Familywise.Value > alpha+4*r.Familywise.MCSE {
			t.Errorf("%s: familywise %v", r.Method, r.Familywise)
		}
		if !math.IsNaN(r.Mean.Value) || !math.IsNaN(r.Complete.Value) || len(r.AtLeast) != 0 {
			t.Errorf("%s: power without an effect: %+v", r.Method, r)
		}
	}
}

// familyByDefinition counts from whole slices, in the plainest way.
func familyByDefinition(draws []familyDraw, alpha float64, method Adjustment) map[string]float64 {
	out := map[string]float64{}
	affected, withNull := 0.0, 0.0
	for _, d := range draws {
		reject, raw := adjustedByDefinition(d.p, method), adjustedByDefinition(d.p, NoAdjustment)
		hits, rawHits, mistakes, effects := 0, 0, 0, 0
		for i := range d.p {
			rejected := reject[i] <= alpha
			if rejected {
				out[fmt.Sprint("individual", i)] += 1 / float64(len(draws))
			}
			switch {
			case d.truth[i] == 0 && rejected:
				mistakes++
			case d.truth[i] != 0:
				effects++
				if rejected {
					hits++
				}
				if raw[i] <= alpha {
					rawHits++
				}
			}
		}
		if effects > 0 {
			affected++
			out["mean"] += float64(hits) / float64(effects)
			for k := 1; k <= hits; k++ {
				out[fmt.Sprint("at_least", k)]++
			}
			if hits == effects {
				out["complete"]++
			}
			if rawHits == effects {
				out["complete_unadjusted"]++
			}
		}
		if effects < len(d.p) {
			withNull++
			if mistakes > 0 {
				out["familywise_error"]++
				out["false_discovery"] += float64(mistakes) / float64(mistakes+hits)
			}
		}
	}
	for name := range out {
		switch {
		case strings.HasPrefix(name, "individual"):
		case name == "familywise_error" || name == "false_discovery":
			out[name] /= withNull
		default:
			out[name] /= affected
		}
	}
	return out
}

func drawFamily(t *rapid.T) []familyDraw {
	m, n := rapid.IntRange(2, 6).Draw(t, "m"), rapid.IntRange(1, 20).Draw(t, "n")
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	draws := make([]familyDraw, n)
	for i := range draws {
		for range m {
			p := math.Round(1e4*math.Pow(rng.Float64(), 3)) / 1e4 // small, away from rounding at alpha, with ties
			if rng.Float64() < 0.1 {
				p = nan
			}
			truth := 0.3
			switch u := rng.Float64(); {
			case u < 0.3:
				truth = 0
			case u < 0.35:
				truth = nan
			}
			draws[i].p, draws[i].truth = append(draws[i].p, p), append(draws[i].truth, truth)
		}
	}
	return draws
}

func TestFamilyProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const alpha = 0.0499 // no product of the p-values above comes near it
		draws := drawFamily(t)
		m := len(draws[0].p)
		rows := measuredFamily(t, draws, alpha, allAdjustments()...)
		order := rapid.Permutation(indices(m)).Draw(t, "order")
		shuffled := make([]familyDraw, len(draws))
		for i, d := range draws {
			for _, k := range order {
				shuffled[i].p, shuffled[i].truth = append(shuffled[i].p, d.p[k]), append(shuffled[i].truth, d.truth[k])
			}
		}
		again := measuredFamily(t, shuffled, alpha, allAdjustments()...)
		for i, r := range rows {
			want := familyByDefinition(draws, alpha, r.Method)
			for _, s := range r.measures() {
				name := s.name
				switch name {
				case "individual":
					name += fmt.Sprint(slices.Index(r.Outcomes, s.outcome))
				case "at_least":
					name += fmt.Sprint(s.k)
				}
				if !math.IsNaN(s.Value) && !near(s.Value, want[name], 1e-12) {
					t.Fatalf("%s, %s: %v, by definition %v", r.Method, name, s.Value, want[name])
				}
			}
			// The order of the outcomes does not matter.
			other := again[i]
			for k, at := range order {
				if other.Individual[k] != r.Individual[at] && !math.IsNaN(r.Individual[at].Value) {
					t.Fatalf("%s: outcome %d: %v, in another order %v", r.Method, at, r.Individual[at], other.Individual[k])
				}
			}
			for _, pair := range [][2]Share{{r.Mean, other.Mean}, {r.Complete, other.Complete}, {r.Familywise, other.Familywise}, {r.FalseDiscovery, other.FalseDiscovery}} {
				if !near(pair[0].Value, pair[1].Value, 0) || !near(pair[0].MCSE, pair[1].MCSE, 0) {
					t.Fatalf("%s depends on the order of the outcomes: %v, %v", r.Method, pair[0], pair[1])
				}
			}
			// Complete <= mean <= at least one; at least k falls with k.
			if len(r.AtLeast) > 0 {
				const slack = 1e-12
				if r.Complete.Value > r.Mean.Value+slack || r.Mean.Value > r.AtLeast[0].Value+slack ||
					r.Complete.Value > r.CompleteUnadjusted.Value {
					t.Fatalf("%s: all %v (unadjusted %v), mean %v, at least one %v", r.Method, r.Complete, r.CompleteUnadjusted, r.Mean, r.AtLeast[0])
				}
				for k := range r.AtLeast[1:] {
					if r.AtLeast[k+1].Value > r.AtLeast[k].Value {
						t.Fatalf("%s: at least %v", r.Method, r.AtLeast)
					}
				}
			}
			if !math.IsNaN(r.Familywise.Value) && r.FalseDiscovery.Value > r.Familywise.Value+1e-12 {
				t.Fatalf("%s: false discovery %v above familywise %v", r.Method, r.FalseDiscovery, r.Familywise)
			}
		}
	})
}

// Chunks and other records in the log make no difference, and families do not
// mix.
func TestFamiliesShareALog(t *testing.T) {
	truth := []float64{0.2, 0.1, 0}
	draws := []familyDraw{{[]float64{0.01, 0.02, 0.04}, truth}, {[]float64{0.01, 0.03, 0.20}, truth}, {[]float64{0.2, 0.3, 0.2}, truth}}
	outcomes := outcomesOf(3)
	log := logOfDraws(draws, outcomes)
	var mixed []Record
	for _, r := range log {
		other := r
		other.Estimator = "other"
		mixed = append(mixed, r, other)
		other = r
		other.Term = "class"
		mixed = append(mixed, other)
	}
	families := []Family{
		{"all", "itt", outcomes, "coaching", []Adjustment{Holm}},
		{"two", "itt", []string{"y3", "y1"}, "coaching", []Adjustment{Holm, BH}},
	}
	want, err := MeasureFamilies(InMemory(log), families, 0.05, nil)
	must(t, err)
	got, err := MeasureFamilies(InMemory(mixed[:7], nil, mixed[7:]), families, 0.05, nil)
	must(t, err)
	var a, b bytes.Buffer
	must(t, want.WriteJSON(&a))
	must(t, got.WriteJSON(&b))
	if a.String() != b.String() || len(want.Rows) != 3 {
		t.Errorf("%s\nand\n%s", a.String(), b.String())
	}
	if two := want.Rows[1]; two.Individual[0].Value != 1./3 || two.Individual[1].Value != 2./3 {
		t.Errorf("two: %v", two.Individual) // Holm rejects y3 in trial 1 and y1 in trials 1 and 2
	}
}

func TestFamilyErrors(t *testing.T) {
	one := fit(1, 2, 1, 9, 0.01)
	family := []Family{{"pair", "itt", []string{"y", "z"}, "coaching", []Adjustment{Holm}}}
	z := one
	z.Outcome = "z"
	broken := errors.New("the disk is gone")
	for _, test := range []struct {
		name    string
		chunks  func(func([]Record, error) bool)
		alpha   float64
		factors [][]Factor
		want    string
	}{
		{"alpha 0", InMemory(), 0, nil, "alpha is 0"},
		{"an outcome is missing", InMemory([]Record{at(0, 0, one), at(0, 0, z), at(0, 1, one)}), 0.05, nil,
			"family pair: the log has no estimate of coaching on z by itt in replicate 1 of cell 0"},
		{"twice", InMemory([]Record{at(0, 0, one), at(0, 0, one)}), 0.05, nil, "it is there twice"},
		{"an unknown cell", InMemory([]Record{at(3, 0, one), at(3, 0, z)}), 0.05, [][]Factor{nil}, "a cell 3, the study has 1"},
		{"a read error", func(yield func([]Record, error) bool) { yield(nil, broken) }, 0.05, nil, "the disk is gone"},
	} {
		if _, err := MeasureFamilies(test.chunks, family, test.alpha, test.factors); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

// A family of tests that no fit gave has no individual power.
func TestFamilyWithoutTest(t *testing.T) {
	r := measuredFamily(t, []familyDraw{{[]float64{0.01, nan}, []float64{1, 1}}, {[]float64{0.9, nan}, []float64{1, 1}}}, 0.05, Bonferroni)[0]
	if !math.IsNaN(r.Individual[1].Value) || r.Individual[0].Value != 0.5 || r.Complete.Value != 0 || r.NFail != 2 {
		t.Errorf("%+v", r)
	}
}

func TestFamiliesGolden(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 15021))
	outcomes := []string{"numbers", "arithmetic", "letters", "below(achievement, 10)"}
	chunks := make([][]Record, 2)
	for cell := range chunks {
		for rep := range 500 {
			common := rng.NormFloat64()
			for i, outcome := range outcomes {
				truth := []float64{2.8, 2, 1, 0}[i]
				estimate := truth + 0.7*common + 0.7*rng.NormFloat64() + float64(cell)*truth/3
				r := fit(truth, estimate, 1, 38, twoSided(estimate))
				if i == 2 && rep%100 == 0 {
					r = failure(truth, estimators.NotConverged)
				}
				r.Cell, r.Replicate, r.Estimator, r.Outcome = cell, rep, "eq2", outcome
				chunks[cell] = append(chunks[cell], r)
			}
		}
	}
	families := []Family{
		{"tests", "eq2", outcomes, "coaching", allAdjustments()},
		{"pair", "eq2", outcomes[:2], "coaching", []Adjustment{NoAdjustment, BH}},
	}
	for name, test := range map[string]struct {
		cells   int
		factors [][]Factor
		color   bool
	}{
		"families":       {1, nil, false},
		"families_color": {1, nil, true},
		"families_sweep": {2, [][]Factor{{{"trial.schools", "10"}}, {{"trial.schools", "20"}}}, false},
	} {
		f, err := MeasureFamilies(InMemory(chunks[:test.cells]...), families, 0.05, test.factors)
		must(t, err)
		for i := range f.Rows { // as Formulas.AddToFamilies has it
			r := &f.Rows[i]
			if r.NoFormula = "tests are counts or binary"; r.Family != "pair" {
				continue
			}
			formula := *r
			formula.Individual = slices.Clone(r.Individual)
			formula.Individual[0].Value += 0.02
			formula.Complete.Value -= 0.01
			r.Formula, r.FormulaError, r.NoFormula, r.Approximate = &formula, 0.00012, "", []string{"classes are of unequal size"}
		}
		var table, csv, object bytes.Buffer
		must(t, errors.Join(f.WriteTable(&table, 100, test.color), f.WriteCSV(&csv), f.WriteJSON(&object)))
		golden(t, name+".txt", table.Bytes())
		if !test.color {
			golden(t, name+".csv", csv.Bytes())
			golden(t, name+".json", object.Bytes())
		}
		if !json.Valid(object.Bytes()) {
			t.Errorf("%s is not JSON", name)
		}
	}
	var empty bytes.Buffer
	if err := (Families{}).WriteTable(&empty, 80, false); err != nil || empty.String() != "No families of tests to measure.\n" {
		t.Errorf("%q, %v", empty.String(), err)
	}
}

// Every fault of a family has its place and says what would be right.
func TestFamilyFaults(t *testing.T) {
	rows := []estimators.Row{
		{Estimator: "eq2", Outcome: "reading", Term: "coaching"}, {Estimator: "eq2", Outcome: "maths", Term: "coaching"},
		{Estimator: "eq3", Outcome: "reading", Term: "class"}, {Estimator: "eq3", Outcome: "reading", Term: "coaching"},
		{Estimator: "wild", Outcome: "reading", Term: "coaching", Adjustment: estimators.RomanoWolf},
		{Estimator: "wild", Outcome: "maths", Term: "coaching", Adjustment: estimators.RomanoWolf},
	}
	good := Family{"tests", "eq2", []string{"reading", "maths"}, "coaching", []Adjustment{NoAdjustment, Holm}}
	study := func(families ...Family) Study {
		return Study{Estimators: []Estimator{{Name: "eq2"}, {Name: "eq3"}, {Name: "wild"}}, Families: families}
	}
	if faults := study(good).familyFaults(rows); len(faults) > 0 {
		t.Errorf("a good family: %v", faults)
	}
	stepped := Family{"tests", "wild", []string{"reading", "maths"}, "coaching", []Adjustment{RomanoWolf}}
	if faults := study(stepped).familyFaults(rows); len(faults) > 0 {
		t.Errorf("a good family of adjusted p-values: %v", faults)
	}
	for _, test := range []struct {
		change func(*Family)
		want   string
	}{
		{func(f *Family) { f.Name = " " }, "families[1].name: is empty; a family needs a name"},
		{func(f *Family) { f.Name = "tests" }, `families[1].name: "tests" is already the name of families[0]`},
		{func(f *Family) { f.Estimator = "eq1" }, `families[1].estimator: there is no estimator "eq1"; the estimators are eq2, eq3, wild`},
		{func(f *Family) { f.Term = "class" }, `families[1].term: eq2 does not report "class"; it reports coaching`},
		{func(f *Family) { f.Estimator, f.Term = "eq3", "es" }, `families[1].term: eq3 does not report "es"; it reports class, coaching`},
		{func(f *Family) { f.Outcomes = []string{"reading", "letters"} },
			`families[1].outcomes[1]: eq2 does not estimate coaching on "letters"; it does on reading, maths`},
		{func(f *Family) { f.Outcomes = []string{"reading", "reading"} }, `families[1].outcomes[1]: "reading" is listed twice`},
		{func(f *Family) { f.Methods = []Adjustment{BH, BY, BH} }, "families[1].methods[2]: BH is listed twice"},
		{func(f *Family) { f.Methods = []Adjustment{Holm, RomanoWolf} }, "families[1].methods[1]: eq2 does not adjust by romano-wolf; its own key adjust would"},
		{func(f *Family) { f.Estimator = "wild" }, "families[1].methods: wild adjusts its p-values itself, by romano-wolf; write [romano-wolf], or add an estimator that does not adjust"},
	} {
		bad := good
		bad.Name = "again"
		test.change(&bad)
		var got []string
		for _, f := range study(good, bad).familyFaults(rows) {
			got = append(got, f.Path+": "+f.Message)
		}
		if strings.Join(got, "\n") != test.want {
			t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), test.want)
		}
	}
}

// A p-value of alpha rejects, as in Summarise.
func TestFamilyAtTheLevel(t *testing.T) {
	effects := []float64{1, 1}
	r := measuredFamily(t, []familyDraw{{[]float64{0.05, math.Nextafter(0.05, 1)}, effects}}, 0.05, NoAdjustment)[0]
	if r.Individual[0].Value != 1 || r.Individual[1].Value != 0 {
		t.Errorf("%v", r.Individual)
	}
}

// P-values that an estimator has adjusted are not adjusted again, and what
// they were before is not known.
func TestFamilyAdjustedByEstimator(t *testing.T) {
	draws := []familyDraw{{[]float64{0.03, 0.04}, []float64{1, 1}}, {[]float64{0.04, 0.06}, []float64{1, 1}}}
	r := measuredFamily(t, draws, 0.05, RomanoWolf)[0]
	if r.AtLeast[0].Value != 1 || r.Complete.Value != 0.5 || !math.IsNaN(r.CompleteUnadjusted.Value) || !math.IsNaN(r.CompleteUnadjusted.MCSE) {
		t.Errorf("at least one %v, all %v, all unadjusted %v", r.AtLeast[0], r.Complete, r.CompleteUnadjusted)
	}
}
