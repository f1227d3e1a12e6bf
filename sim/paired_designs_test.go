package sim

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"coachsim/estimators"
)

// designsLog is the log of two estimators in four designs (schools × share) with
// common draws: the error of a replicate is the same but for its size. Fits of the
// second estimator fail now and then.
func designsLog() (log [][]Record, factors [][]Factor, of map[string][][]Record) {
	rng := rand.New(rand.NewPCG(8, 15021))
	const n = 300
	z := make([]float64, n)
	for rep := range z {
		z[rep] = rng.NormFloat64()
	}
	of = map[string][][]Record{"plain": make([][]Record, 4), "mixed": make([][]Record, 4)}
	for _, schools := range []string{"10", "20"} {
		for _, share := range []string{"0.3", "0.5"} {
			factors = append(factors, []Factor{{"trial.schools", schools}, {"trial.assignment.share", share}})
		}
	}
	for cell := range factors {
		var chunk []Record
		se := 0.2 / math.Sqrt(1+float64(cell))
		truth := 0.2 + 0.05*float64(cell)
		for rep := range z {
			for k, name := range []string{"plain", "mixed"} {
				value := truth + se*(z[rep]+0.2*float64(k+1)*rng.NormFloat64())
				r := fit(truth, value, se, 38, twoSided(value/se))
				if k == 1 && rng.Float64() < 0.1 {
					r = failure(truth, estimators.NotConverged)
				}
				r.Cell, r.Replicate, r.Estimator, r.Outcome, r.Term, r.Estimand = cell, rep, name, "reading", "coaching", "population"
				of[name][cell] = append(of[name][cell], r)
				chunk = append(chunk, r)
			}
		}
		log = append(log, chunk)
	}
	return log, factors, of
}

// Every design against its reference, by the definitions of the differences.
func TestCompareDesignsEqualsDefinition(t *testing.T) {
	log, factors, of := designsLog()
	for name, test := range map[string]struct {
		pairing DesignPairing
		against map[int]int
	}{
		"the first":             {DesignPairing{}, map[int]int{1: 0, 2: 0, 3: 0}},
		"the last of one":       {DesignPairing{Estimators: []string{"mixed"}, Reference: []Factor{{"trial.schools", "20"}, {"trial.assignment.share", "0.5"}}}, map[int]int{0: 3, 1: 3, 2: 3}},
		"others alike":          {DesignPairing{Reference: []Factor{{"trial.schools", "20"}}}, map[int]int{0: 2, 1: 3}},
		"others alike, by rows": {DesignPairing{Reference: []Factor{{"trial.assignment.share", "0.3"}}}, map[int]int{1: 0, 3: 2}},
	} {
		d, err := CompareDesigns(InMemory(log...), test.pairing, 0.05, factors)
		if err != nil {
			t.Fatal(err)
		}
		rows := 2 * len(test.against)
		if len(test.pairing.Estimators) > 0 {
			rows = len(test.against)
		}
		if len(d.Rows) != rows {
			t.Fatalf("%s: %d rows, want %d", name, len(d.Rows), rows)
		}
		for _, r := range d.Rows {
			reference, ok := test.against[r.Cell]
			if !ok || r.Estimator != r.Reference || len(test.pairing.Estimators) > 0 && r.Estimator != "mixed" {
				t.Fatalf("%s: %+v", name, r)
			}
			if want := factors[reference]; r.ReferenceFactors[0] != want[0] || r.ReferenceFactors[1] != want[1] {
				t.Errorf("%s: the reference is %v, not %v", name, r.ReferenceFactors, want)
			}
			want := differenceByDefinition(of[r.Estimator][reference], of[r.Estimator][r.Cell], 0.05)
			for _, number := range r.numbers() {
				if w, ok := want[number.name]; ok && !near(number.value, w, 1e-9) {
					t.Errorf("%s, %s, cell %d, %s: %v, want %v", name, r.Estimator, r.Cell, number.name, number.value, w)
				}
			}
		}
	}
}

// The MCSE of a difference in empirical SEs is the standard deviation of such
// differences over 400 simulations of 200 trials with normal estimates that
// correlate 0.8. The standard deviation of 400 has a relative error of 1/√800 =
// 3.5%; 15% is beyond 4 of it (false-alarm rate below 1e-4).
func TestSpreadDifferenceMCSE(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 15021))
	var differences, mcse moments
	for range 400 {
		var pair pairTally
		for range 200 {
			common := rng.NormFloat64()
			a := 2 * (math.Sqrt(0.8)*common + math.Sqrt(0.2)*rng.NormFloat64())
			b := 3 * (math.Sqrt(0.8)*common + math.Sqrt(0.2)*rng.NormFloat64())
			pair.add(fitted{a, 0, 1, true}, fitted{b, 0, 1, true}, 0.05)
		}
		d := pair.difference()
		differences.add(d.EmpSEDiff)
		mcse.add(d.EmpSEDiffMCSE)
	}
	if ratio := mcse.mean() / differences.sd(); math.Abs(ratio-1) > 0.15 {
		t.Errorf("the MCSE is %v, the standard deviation %v", mcse.mean(), differences.sd())
	}
}

func TestCompareDesignsErrors(t *testing.T) {
	log, factors, _ := designsLog()
	for _, test := range []struct {
		pairing DesignPairing
		alpha   float64
		want    string
	}{
		{DesignPairing{}, 0, "alpha is 0"},
		{DesignPairing{Reference: []Factor{{"trial.tested", "5"}}}, 0.05, "trial.tested is no key of the sweep"},
		{DesignPairing{Reference: []Factor{{"trial.schools", "15"}}}, 0.05, "the sweep has no design with trial.schools = 15, trial.assignment.share = 0.3"},
	} {
		if _, err := CompareDesigns(InMemory(log...), test.pairing, test.alpha, factors); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v, want %q", err, test.want)
		}
	}
	if _, err := CompareDesigns(InMemory(log...), DesignPairing{}, 0.05, factors[:2]); err == nil || !strings.Contains(err.Error(), "a cell 2, the study has 2") {
		t.Error(err)
	}
}

func TestDesignDifferencesGolden(t *testing.T) {
	log, factors, _ := designsLog()
	d, err := CompareDesigns(InMemory(log...), DesignPairing{Reference: []Factor{{"trial.schools", "10"}}}, 0.05, factors)
	if err != nil {
		t.Fatal(err)
	}
	var table, csv, object bytes.Buffer
	if err := errors.Join(d.WriteTable(&table, 100, false), d.WriteCSV(&csv), d.WriteJSON(&object)); err != nil {
		t.Fatal(err)
	}
	golden(t, "differences_designs.txt", table.Bytes())
	golden(t, "differences_designs.csv", csv.Bytes())
	golden(t, "differences_designs.json", object.Bytes())
}

// Estimators of one effect are paired whatever they call the outcome, also two
// estimates of one estimator.
func TestComparePairsGains(t *testing.T) {
	var log []Record
	for rep := range 5 {
		for _, e := range [][2]string{{"post", "reading"}, {"gain", "reading"}, {"gain", "I(reading - pretest)"}, {"other", "maths"}} {
			r := fit(0.2, 0.2+0.1*float64(rep), 0.1, 9, 0.01)
			if strings.HasPrefix(e[1], "I") {
				r.Truth += 1e-16 * float64(rep) // rounding
			}
			r.Replicate, r.Estimator, r.Outcome, r.Term, r.Estimand = rep, e[0], e[1], "coaching", "population"
			log = append(log, r)
		}
	}
	plain := compared(t, log, Pairing{})
	if len(plain.Rows) != 1 {
		t.Errorf("as written: %+v", plain.Rows)
	}
	d := compared(t, log, Pairing{Effect: func(_, outcome, _ string) (on, among string) {
		return strings.TrimSuffix(strings.TrimPrefix(outcome, "I("), " - pretest)"), ""
	}})
	if len(d.Rows) != 2 || len(d.Apart) != 0 || d.Rows[0].Estimator != "gain" || d.Rows[1].Estimator != "gain: I(reading - pretest)" ||
		d.Rows[1].Outcome != "reading" || d.Rows[1].Reference != "post" || d.Rows[1].Correlation != 1 {
		t.Errorf("%+v", d)
	}
}
