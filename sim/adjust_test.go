package sim

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"coachsim/estimators"
)

func adjusted(p []float64, method Adjustment) []float64 {
	return new(Adjuster).Adjust(make([]float64, len(p)), p, method)
}

// allAdjustments are those of a family, not those that an estimator makes.
func allAdjustments() []Adjustment {
	var all []Adjustment
	for a := range adjustments {
		if !a.ByEstimator() {
			all = append(all, a)
		}
	}
	return all
}

// testdata/padjust.R is the oracle. Not a bit differs.
func TestAdjustEqualsR(t *testing.T) {
	families := map[string][]map[string]string{}
	for _, row := range readCSV(t, "padjust_R.csv") {
		families[row["family"]] = append(families[row["family"]], row)
	}
	if len(families) != 40 {
		t.Errorf("%d families, want 40", len(families))
	}
	var reused Adjuster
	for name, rows := range families {
		p := make([]float64, len(rows))
		for i, row := range rows {
			p[i] = parseNumber(t, row["p"])
		}
		for _, method := range allAdjustments() {
			got := reused.Adjust(make([]float64, len(p)), p, method)
			for i, row := range rows {
				want := parseNumber(t, row[method.String()])
				if math.IsNaN(want) {
					want = 1 // a failed fit
				}
				if !sameBits(got[i], want) {
					t.Errorf("family %s, test %d, p = %v, %s: %.17g, R has %.17g", name, i+1, p[i], method, got[i], want)
				}
			}
			inPlace := slices.Clone(p)
			if reused.Adjust(inPlace, inPlace, method); !slices.Equal(inPlace, got) {
				t.Errorf("family %s, %s: in place %v, else %v", name, method, inPlace, got)
			}
		}
	}
}

// Five tests by hand.
func TestAdjustByHand(t *testing.T) {
	p := []float64{0.03, 0.01, 0.5, 0.02, 0.04}
	for method, want := range map[Adjustment][]float64{
		NoAdjustment: {0.03, 0.01, 0.5, 0.02, 0.04},
		Bonferroni:   {0.15, 0.05, 1, 0.10, 0.20},
		Holm:         {0.09, 0.05, 0.5, 0.08, 0.09},               // 5·.01, 4·.02, 3·.03, max(.09, 2·.04), .5
		Hochberg:     {0.08, 0.05, 0.5, 0.08, 0.08},               // from .5: .08, min(.08, .09), .08, .05
		BH:           {0.05, 0.05, 0.5, 0.05, 0.05},               // 5·.04/4 = .05, 5·.03/3 = .05, ...
		BY:           {.685 / 6, .685 / 6, 1, .685 / 6, .685 / 6}, // times 137/60
	} {
		for i, got := range adjusted(p, method) {
			if math.Abs(got-want[i]) > 1e-15 {
				t.Errorf("%s, test %d: %v, want %v", method, i, got, want[i])
			}
		}
	}
}

// adjustedByDefinition follows the formulas in the comment of Adjust literally.
func adjustedByDefinition(p []float64, method Adjustment) []float64 {
	m := len(p)
	known := make([]float64, m)
	for i, x := range p {
		known[i] = x
		if math.IsNaN(x) {
			known[i] = 1
		}
	}
	sorted := slices.Sorted(slices.Values(known))
	harmonic := 0.0
	for i := range m {
		harmonic += 1 / float64(i+1)
	}
	out := make([]float64, m)
	for k, x := range known {
		rank := slices.Index(sorted, x) + 1
		holm, hochberg, bh := 0.0, 1.0, 1.0
		for j := 1; j <= m; j++ {
			step := float64(m-j+1) * sorted[j-1]
			if j <= rank {
				holm = max(holm, min(1, step))
			}
			if j >= rank {
				hochberg = min(hochberg, step)
				bh = min(bh, float64(m)*sorted[j-1]/float64(j))
			}
		}
		by := 1.0
		for j := rank; j <= m; j++ {
			by = min(by, harmonic*float64(m)*sorted[j-1]/float64(j))
		}
		out[k] = [adjustments]float64{x, min(1, float64(m)*x), holm, hochberg, bh, by}[method]
	}
	return out
}

func drawPValues(t *rapid.T) []float64 {
	return rapid.SliceOfN(rapid.OneOf(
		rapid.Float64Range(0, 1),
		rapid.Float64Range(0, 0.1),
		rapid.SampledFrom([]float64{0, 0.01, 0.02, 0.05, 1, nan}), // ties
	), 1, 12).Draw(t, "p")
}

func TestAdjustProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPValues(t)
		by := map[Adjustment][]float64{}
		for _, method := range allAdjustments() {
			got := adjusted(p, method)
			by[method] = got
			for i, want := range adjustedByDefinition(p, method) {
				if !near(got[i], want, 1e-14) {
					t.Fatalf("%s of %v, test %d: %v, by definition %v", method, p, i, got[i], want)
				}
			}
			for i := range p {
				if !(got[i] >= 0 && got[i] <= 1) || got[i] < p[i]*(1-1e-15) {
					t.Fatalf("%s of %v: %v", method, p, got)
				}
				for j := range p { // the order of the evidence stays
					if p[i] <= p[j] && got[i] > got[j] || p[i] == p[j] && got[i] != got[j] {
						t.Fatalf("%s turns %v and %v into %v and %v", method, p[i], p[j], got[i], got[j])
					}
				}
			}
			// The order of the tests does not matter.
			order := rapid.Permutation(indices(len(p))).Draw(t, "order")
			shuffled := make([]float64, len(p))
			for k, i := range order {
				shuffled[k] = p[i]
			}
			again := adjusted(shuffled, method)
			for k, i := range order {
				if !sameBits(again[k], got[i]) {
					t.Fatalf("%s of %v depends on the order", method, p)
				}
			}
		}
		for i := range p { // each is at least as powerful as the next
			for _, chain := range [][]Adjustment{
				{NoAdjustment, BH, Hochberg, Holm, Bonferroni}, {BH, BY},
			} {
				for k := range chain[1:] {
					if strong, weak := by[chain[k]][i], by[chain[k+1]][i]; strong > weak*(1+1e-14) {
						t.Fatalf("of %v, test %d: %s %v, %s %v", p, i, chain[k], strong, chain[k+1], weak)
					}
				}
			}
		}
	})
}

func indices(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func TestAdjustAllocatesNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	p, dst := make([]float64, 8), make([]float64, 8)
	var a Adjuster
	a.Adjust(dst, p, BY)
	if n := testing.AllocsPerRun(100, func() {
		for i := range p {
			p[i] = rng.Float64()
		}
		for method := range adjustments {
			a.Adjust(dst, p, method)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestAdjustmentNames(t *testing.T) {
	for method := range adjustments {
		text, err := method.MarshalText()
		var back Adjustment
		if err != nil || back.UnmarshalText(text) != nil || back != method {
			t.Errorf("%s comes back as %s", method, back)
		}
	}
	for i, name := range estimators.StepDown(0).Names() { // a name of one is that of the other
		if method := ofEstimator(estimators.StepDown(i)); method.String() != name || method.ByEstimator() != (i > 0) {
			t.Errorf("the estimators' %s is %s here", name, method)
		}
	}
	var fdr Adjustment
	if err := fdr.UnmarshalText([]byte("fdr")); err != nil || fdr != BH {
		t.Errorf("fdr is %s, %v", fdr, err)
	}
	if err := fdr.UnmarshalText([]byte("tukey")); err == nil {
		t.Error("tukey is an adjustment")
	}
}
