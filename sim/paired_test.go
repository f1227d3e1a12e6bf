package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"coachsim/estimators"
)

// inTurn logs the fits of several estimators, replicate by replicate.
func inTurn(names []string, fits [][]Record) []Record {
	var log []Record
	for rep := range fits[0] {
		for k, name := range names {
			r := fits[k][rep]
			r.Estimator, r.Replicate = name, rep
			log = append(log, r)
		}
	}
	return log
}

func compared(t interface{ Fatal(...any) }, records []Record, pairing Pairing) Differences {
	d, err := CompareEstimators(InMemory(records), pairing, 0.05, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Five trials of a true effect of 1, worked by hand; b failed in the fifth.
// Errors of a: 1, -1, 0, 2; of b: 0, -1, 1, 2; their differences -1, 0, 1, 0.
// Squared, a: 1, 1, 0, 4, mean 1.5; b: 0, 1, 1, 4, mean 1.5. Of five tests, only
// b rejects in trial 2 and only a in trials 1 and 5.
func TestDifferenceByHand(t *testing.T) {
	d := compared(t, inTurn([]string{"a", "b"}, [][]Record{
		{fit(1, 2, 1, 9, 0.01), fit(1, 0, 1, 9, 0.06), fit(1, 1, 1, 9, 0.9), fit(1, 3, 1, 9, 0.05), fit(1, 7, 1, 9, 0.01)},
		{fit(1, 1, 1, 9, 0.06), fit(1, 0, 1, 9, 0.05), fit(1, 2, 1, 9, 0.9), fit(1, 3, 1, 9, 0.01), failure(1, estimators.Collinear)},
	}), Pairing{})
	if len(d.Rows) != 1 || len(d.Apart) != 0 {
		t.Fatalf("%+v", d)
	}
	r := d.Rows[0]
	if r.Estimator != "b" || r.Reference != "a" || r.N != 5 || r.NBoth != 4 {
		t.Errorf("%s against %s in %d, %d", r.Estimator, r.Reference, r.N, r.NBoth)
	}
	for name, check := range map[string][2]float64{
		"power":           {r.Power, 2.0 / 5},
		"reference power": {r.ReferencePower, 3.0 / 5},
		"MCSE of power":   {r.PowerMCSE, math.Sqrt(0.24 / 5)},
		"of reference's":  {r.ReferencePowerMCSE, math.Sqrt(0.24 / 5)},
		"of p10":          {r.OnlyEstimatorMCSE, math.Sqrt(0.16 / 5)},
		"of p01":          {r.OnlyReferenceMCSE, math.Sqrt(0.24 / 5)},
		// Squares of a, 1, 1, 0, 4, have squared deviations .25, .25, 2.25, 6.25, sum 9;
		// of b, 0, 1, 1, 4, the same.
		"of RMSE":          {r.RMSEMCSE, math.Sqrt(9.0/3/4) / (2 * math.Sqrt(1.5))},
		"of reference's R": {r.ReferenceRMSEMCSE, math.Sqrt(9.0/3/4) / (2 * math.Sqrt(1.5))},
		"of SD":            {r.EmpSEMCSE, math.Sqrt(5.0/3) / math.Sqrt(6)},
		"of reference SD":  {r.ReferenceEmpSEMCSE, math.Sqrt(5.0/3) / math.Sqrt(6)},
		"of correlation":   {r.CorrelationMCSE, 0.36 / math.Sqrt(3)},
		"p10":              {r.OnlyEstimator, 1.0 / 5},
		"p01":              {r.OnlyReference, 2.0 / 5},
		"power diff":       {r.PowerDiff, -1.0 / 5},
		"its MCSE":         {r.PowerDiffMCSE, math.Sqrt((0.6 - 0.04) / 5)},
		"bias diff":        {r.BiasDiff, 0},
		"its MCSE (bias)":  {r.BiasDiffMCSE, math.Sqrt(2.0 / 3 / 4)},
		"RMSE":             {r.RMSE, math.Sqrt(1.5)},
		"reference RMSE":   {r.ReferenceRMSE, math.Sqrt(1.5)},
		"RMSE diff":        {r.RMSEDiff, 0},
		// The differences of the squares are -1, 0, 1, 0, over 2·√1.5.
		"its MCSE (RMSE)": {r.RMSEDiffMCSE, math.Sqrt(2.0/3/4) / (2 * math.Sqrt(1.5))},
		// Estimates a: 2, 0, 1, 3, mean 1.5, squares 5; b: 1, 0, 2, 3, the same;
		// products of deviations -.25+2.25-.25+2.25 = 4.
		"correlation":       {r.Correlation, 4.0 / 5},
		"precision":         {r.RelPrecision, 0},
		"its MCSE (precis)": {r.RelPrecisionMCSE, 200 * math.Sqrt((1-0.64)/3)},
	} {
		if !near(check[0], check[1], 1e-14) {
			t.Errorf("%s: %v, want %v", name, check[0], check[1])
		}
	}
}

// differenceByDefinition computes a difference from whole slices, in the
// plainest way.
func differenceByDefinition(a, b []Record, alpha float64) map[string]float64 {
	mean := func(x []float64) float64 {
		sum := 0.0
		for _, v := range x {
			sum += v
		}
		return sum / float64(len(x))
	}
	covariance := func(x, y []float64) float64 {
		mx, my, sum := mean(x), mean(y), 0.0
		for i := range x {
			sum += (x[i] - mx) * (y[i] - my)
		}
		return sum / float64(len(x)-1)
	}
	var ta, tb, step, sa, sb, reject []float64
	for i := range a {
		worksA, worksB := judged(a[i].Estimate).Worked(), judged(b[i].Estimate).Worked()
		d := 0.0
		if worksA && a[i].P <= alpha {
			d--
		}
		if worksB && b[i].P <= alpha {
			d++
		}
		reject = append(reject, d)
		if !worksA || !worksB {
			continue
		}
		ea, eb := a[i].Value-a[i].Truth, b[i].Value-b[i].Truth
		ta, tb, step = append(ta, a[i].Value), append(tb, b[i].Value), append(step, eb-ea)
		sa, sb = append(sa, ea*ea), append(sb, eb*eb)
	}
	n, both := float64(len(a)), float64(len(ta))
	ra, rb := math.Sqrt(mean(sa)), math.Sqrt(mean(sb))
	influence := make([]float64, len(sa))
	for i := range influence {
		influence[i] = sb[i]/(2*rb) - sa[i]/(2*ra)
	}
	r := covariance(ta, tb) / math.Sqrt(covariance(ta, ta)*covariance(tb, tb))
	ratio := covariance(ta, ta) / covariance(tb, tb)
	squares := 0.0
	for _, d := range reject {
		squares += (d - mean(reject)) * (d - mean(reject)) / n
	}
	return map[string]float64{
		"power_diff": mean(reject), "power_diff_mcse": math.Sqrt(squares / n),
		"bias_diff": mean(step), "bias_diff_mcse": math.Sqrt(covariance(step, step) / both),
		"rmse_diff": rb - ra, "rmse_diff_mcse": math.Sqrt(covariance(influence, influence) / both),
		"relprecision": 100 * (ratio - 1), "relprecision_mcse": 200 * ratio * math.Sqrt((1-r*r)/(both-1)),
		"correlation": r,
		"empse":       math.Sqrt(covariance(tb, tb)), "reference_empse": math.Sqrt(covariance(ta, ta)),
		"empse_diff": math.Sqrt(covariance(tb, tb)) - math.Sqrt(covariance(ta, ta)),
	}
}

func TestDifferenceEqualsDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(4, 40).Draw(t, "n")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		fits := make([][]Record, 3)
		for rep := range n {
			truth, common := rng.NormFloat64(), rng.NormFloat64()
			for k := range fits {
				r := fit(truth, truth+common+0.5*rng.NormFloat64(), 1, 9, rng.Float64()/8)
				if rep > 3 && rng.Float64() < 0.2 {
					r = failure(truth, estimators.TooFewRows)
				}
				fits[k] = append(fits[k], r)
			}
		}
		names := []string{"a", "b", "c"}
		log := inTurn(names, fits)
		reference := rapid.IntRange(0, 2).Draw(t, "reference")
		d := compared(t, log, Pairing{Reference: names[reference]})
		if len(d.Rows) != 2 {
			t.Fatal("rows: ", len(d.Rows))
		}
		for _, r := range d.Rows {
			want := differenceByDefinition(fits[reference], fits[slices.Index(names, r.Estimator)], 0.05)
			for _, number := range r.numbers() {
				if w, ok := want[number.name]; ok && !near(number.value, w, 1e-9) {
					t.Fatalf("%s against %s, %s: %v, want %v", r.Estimator, r.Reference, number.name, number.value, w)
				}
			}
			// The two powers and their difference agree with Summarise.
			one, err := Summarise(InMemory(log), 0.05, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i := range one.Rows {
				if one.Rows[i].Estimator == r.Estimator && one.Rows[i].Power != r.Power {
					t.Fatalf("power %v, in the summary %v", r.Power, one.Rows[i].Power)
				}
			}
			if !near(r.Power-r.ReferencePower, r.PowerDiff, 1e-14) {
				t.Fatalf("%v - %v is not %v", r.Power, r.ReferencePower, r.PowerDiff)
			}
			// Turned round, differences change their sign and nothing else.
			back := compared(t, log, Pairing{Estimators: []string{r.Estimator, r.Reference}})
			if len(back.Rows) != 1 || back.Rows[0].Estimator != r.Reference {
				t.Fatalf("%+v", back)
			}
			b := back.Rows[0]
			for _, pair := range [][2]float64{
				{b.PowerDiff, -r.PowerDiff}, {b.PowerDiffMCSE, r.PowerDiffMCSE}, {b.BiasDiff, -r.BiasDiff},
				{b.BiasDiffMCSE, r.BiasDiffMCSE}, {b.RMSEDiff, -r.RMSEDiff}, {b.RMSEDiffMCSE, r.RMSEDiffMCSE},
				{b.Correlation, r.Correlation}, {(1 + b.RelPrecision/100) * (1 + r.RelPrecision/100), 1},
			} {
				if !near(pair[0], pair[1], 1e-9) {
					t.Fatalf("turned round: %v, want %v", pair[0], pair[1])
				}
			}
		}
	})
}

// Over many simulations, the MCSEs are the standard deviations of what they are
// the errors of.
func TestDifferenceMCSEIsTheErrorOverSimulations(t *testing.T) {
	const simulations, n = 2000, 200
	rng := rand.New(rand.NewPCG(7, 15021))
	got := map[string]*moments{}
	claimed := map[string]*moments{}
	for range simulations {
		var fits [2][]Record
		for range n {
			z := rng.NormFloat64()
			a, b := z, 0.9*z+0.6*rng.NormFloat64()
			fits[0] = append(fits[0], fit(0.5, 0.5+a, 1, 1e6, twoSided(0.5+a)))
			fits[1] = append(fits[1], fit(0.5, 0.6+b, 1, 1e6, twoSided(0.6+b)))
		}
		r := compared(t, inTurn([]string{"a", "b"}, fits[:]), Pairing{}).Rows[0]
		for name, pair := range map[string][2]float64{
			"power": {r.PowerDiff, r.PowerDiffMCSE}, "bias": {r.BiasDiff, r.BiasDiffMCSE},
			"RMSE": {r.RMSEDiff, r.RMSEDiffMCSE}, "precision": {r.RelPrecision, r.RelPrecisionMCSE},
		} {
			if got[name] == nil {
				got[name], claimed[name] = new(moments), new(moments)
			}
			got[name].add(pair[0])
			claimed[name].add(pair[1] * pair[1])
		}
	}
	for name, m := range got {
		if ratio := math.Sqrt(claimed[name].mean()) / m.sd(); math.Abs(ratio-1) > 0.06 { // 4 MCSE of an SD
			t.Errorf("%s: the MCSE is %.3f of the SD over simulations", name, ratio)
		}
	}
}

func twoSided(z float64) float64 { return math.Erfc(math.Abs(z) / math.Sqrt2) }

// What may be compared with what.
func TestPairs(t *testing.T) {
	one := fit(1, 2, 1, 9, 0.01)
	row := func(estimator, outcome, estimand string, truth float64) Record {
		r := one
		r.Estimator, r.Outcome, r.Estimand, r.Truth = estimator, outcome, estimand, truth
		return r
	}
	var log []Record
	for rep := range 2 {
		for _, r := range []Record{
			row("a", "x", "population", 1), row("b", "x", "population", 1), row("c", "x", "sample", 1),
			row("c", "x", "population", 2), row("b", "y", "", nan), row("c", "y", "", nan), row("b", "z", "population", 0), row("c", "z", "population", 0),
		} {
			r.Replicate = rep
			log = append(log, r)
		}
	}
	for _, test := range []struct {
		pairing     Pairing
		want, apart string
	}{
		{Pairing{}, "x:b-a y:c-b z:c-b", "x:c-a"},
		{Pairing{Estimators: []string{"c", "b", "a"}}, "y:b-c z:b-c", "x:b-c x:a-c"},
		{Pairing{Estimators: []string{"c", "a"}}, "", "x:a-c"},
		{Pairing{Reference: "c"}, "y:b-c z:b-c", "x:a-c x:b-c"},
		{Pairing{Reference: "b"}, "x:a-b y:c-b z:c-b", "x:c-b"},
		{Pairing{Reference: "a"}, "x:b-a", "x:c-a"},
		{Pairing{Estimators: []string{"c"}, Reference: "b"}, "y:c-b z:c-b", "x:c-b"},
		{Pairing{Reference: "nobody"}, "", ""},
	} {
		d := compared(t, log, test.pairing)
		names := func(rows []Difference) string {
			var all []string
			for _, r := range rows {
				all = append(all, r.Outcome+":"+r.Estimator+"-"+r.Reference)
			}
			return strings.Join(all, " ")
		}
		if got := names(d.Rows); got != test.want {
			t.Errorf("%+v: %q, want %q", test.pairing, got, test.want)
		}
		if got := names(d.Apart); got != test.apart {
			t.Errorf("%+v: apart %q, want %q", test.pairing, got, test.apart)
		}
	}
}

// Without truths there is no bias, without tests no power, of one fit no
// spread.
func TestDifferencesThatDoNotExist(t *testing.T) {
	descriptive := fit(nan, 2, 1, 9, 0.01)
	untested := fit(1, 2, nan, nan, nan)
	lost := failure(1, estimators.Collinear)
	for name, test := range map[string]struct {
		a, b Record
		want string
	}{
		"no truth": {descriptive, descriptive, "power reference_power only_estimator only_reference power_diff power_diff_mcse empse reference_empse empse_diff power_mcse reference_power_mcse only_estimator_mcse only_reference_mcse empse_mcse reference_empse_mcse"},
		"no test of one": {fit(1, 2, 1, 9, 0.01), untested,
			"reference_power bias_diff bias_diff_mcse rmse reference_rmse rmse_diff rmse_diff_mcse empse reference_empse empse_diff reference_power_mcse rmse_mcse reference_rmse_mcse empse_mcse reference_empse_mcse"},
		"all failed": {lost, lost, ""},
	} {
		d := compared(t, inTurn([]string{"a", "b"}, [][]Record{{test.a, test.a}, {test.b, test.b}}), Pairing{})
		var got []string
		for _, number := range d.Rows[0].numbers() {
			if !math.IsNaN(number.value) {
				got = append(got, number.name)
			}
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: %v, want %s", name, got, test.want)
		}
	}
}

func TestCompareErrors(t *testing.T) {
	one := fit(1, 2, 1, 9, 0.01)
	broken := errors.New("the disk is gone")
	for _, test := range []struct {
		name    string
		chunks  func(func([]Record, error) bool)
		alpha   float64
		factors [][]Factor
		want    string
	}{
		{"alpha 1", InMemory(), 1, nil, "alpha is 1"},
		{"out of order", InMemory([]Record{at(0, 1, one), at(0, 0, one)}), 0.05, nil, "out of order"},
		{"twice", InMemory([]Record{at(0, 0, one), at(0, 0, one)}), 0.05, nil, "it is there twice"},
		{"an unknown cell", InMemory([]Record{at(1, 0, one)}), 0.05, [][]Factor{{{"k", "0"}}}, "a cell 1, the study has 1"},
		{"a read error", func(yield func([]Record, error) bool) { yield(nil, broken) }, 0.05, nil, "the disk is gone"},
	} {
		if _, err := CompareEstimators(test.chunks, Pairing{}, test.alpha, test.factors); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
	if d, err := CompareEstimators(InMemory(nil), Pairing{}, 0.05, nil); err != nil || len(d.Rows) != 0 {
		t.Errorf("of nothing: %+v, %v", d, err)
	}
}

// panelLog is the log of three estimators of two effects and a description, in
// the given number of cells.
func panelLog(cells int) [][]Record {
	rng := rand.New(rand.NewPCG(3, 15021))
	chunks := make([][]Record, cells)
	for cell := range chunks {
		for rep := range 400 {
			for _, effect := range []struct {
				outcome, estimand string
				truth             float64
			}{{"reading", "population", 0.25}, {"maths", "population", 0}, {"class", "", nan}} {
				common := rng.NormFloat64()
				for k, name := range []string{"plain", "adjusted", "mixed"} {
					truth := effect.truth
					estimate := 0.1*common*(1-0.2*float64(k)) + 0.03*rng.NormFloat64()
					if !math.IsNaN(truth) {
						estimate += truth
					}
					r := fit(truth, estimate, 0.1, 38, twoSided(estimate/0.1))
					if k == 2 && rep%40 == 7 {
						r = failure(truth, estimators.NotConverged)
					}
					r.Cell, r.Replicate, r.Estimator, r.Outcome, r.Estimand = cell, rep, name, effect.outcome, effect.estimand
					chunks[cell] = append(chunks[cell], r)
				}
				r := fit(effect.truth+0.1, 0.3, 0.1, 38, 0.01) // of girls only
				if effect.estimand != "" {
					r.Cell, r.Replicate, r.Estimator, r.Outcome, r.Estimand = cell, rep, "girls", effect.outcome, effect.estimand
					chunks[cell] = append(chunks[cell], r)
				}
			}
		}
	}
	return chunks
}

func TestDifferencesGolden(t *testing.T) {
	for name, test := range map[string]struct {
		cells   int
		factors [][]Factor
		color   bool
		width   int
	}{
		"differences":       {1, nil, false, 100},
		"differences_color": {1, nil, true, 80},
		"differences_sweep": {2, [][]Factor{{{"trial.schools", "10"}}, {{"trial.schools", "20"}}}, false, 100},
	} {
		d, err := CompareEstimators(InMemory(panelLog(test.cells)...), Pairing{}, 0.05, test.factors)
		if err != nil {
			t.Fatal(err)
		}
		var table, csv, object bytes.Buffer
		if err := errors.Join(d.WriteTable(&table, test.width, test.color), d.WriteCSV(&csv), d.WriteJSON(&object)); err != nil {
			t.Fatal(err)
		}
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
	if err := (Differences{Alpha: 0.05}).WriteTable(&empty, 80, false); err != nil || empty.String() != "No two estimators estimate the same effect.\n" {
		t.Errorf("%q, %v", empty.String(), err)
	}
}
