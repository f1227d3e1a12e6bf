package sim

import (
	"fmt"
	"math"
	"math/big"

	"coachsim/estimators"
)

// An Adjustment is a method of adjusting the p-values of a family of tests for
// their number.
type Adjustment uint8

// The adjustments, with the names that R's p.adjust gives them.
const (
	NoAdjustment  Adjustment = iota // "none": each test at level alpha
	Bonferroni                      // familywise error, under any dependence
	Holm                            // familywise error, under any dependence; never weaker than Bonferroni
	Hochberg                        // familywise error, under independence or positive dependence
	BH                              // "BH", Benjamini and Hochberg (1995): false discovery rate, under the same
	BY                              // "BY", Benjamini and Yekutieli (2001): false discovery rate, under any dependence
	WestfallYoung                   // "westfall-young": as the estimator adjusted them
	RomanoWolf                      // "romano-wolf": as the estimator adjusted them
	adjustments
)

var adjustmentNames = [adjustments]string{"none", "bonferroni", "holm", "hochberg", "BH", "BY", "westfall-young", "romano-wolf"}

func (a Adjustment) String() string {
	if a >= adjustments {
		return fmt.Sprintf("Adjustment(%d)", uint8(a))
	}
	return adjustmentNames[a]
}

// MarshalText writes the name.
func (a Adjustment) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads a name; "fdr" is another one of BH, as in R.
func (a *Adjustment) UnmarshalText(text []byte) error {
	if string(text) == "fdr" {
		*a = BH
		return nil
	}
	for i, name := range adjustmentNames {
		if string(text) == name {
			*a = Adjustment(i)
			return nil
		}
	}
	return fmt.Errorf("%q is not an adjustment; the adjustments are none, bonferroni, holm, hochberg, BH (or fdr), BY, and those of estimators, westfall-young and romano-wolf", text)
}

// ofEstimator returns the adjustment that an estimator has made itself.
func ofEstimator(a estimators.StepDown) Adjustment {
	switch a {
	case estimators.WestfallYoung:
		return WestfallYoung
	case estimators.RomanoWolf:
		return RomanoWolf
	default:
		return NoAdjustment
	}
}

// ByEstimator reports whether the adjustment is one that an estimator has made
// already, so that nothing is left to do and no unadjusted p-value is known.
func (a Adjustment) ByEstimator() bool { return a == WestfallYoung || a == RomanoWolf }

// Names lists the adjustments.
func (Adjustment) Names() []string { return adjustmentNames[:] }

// An Adjuster adjusts the p-values of one family after the other. Its zero
// value is ready; it owns the scratch, so it serves one goroutine at a time.
type Adjuster struct {
	order    []int // of the tests by their p-values
	harmonic float64
	terms    int // of which harmonic is the sum
}

// Adjust fills dst with the adjusted p-values of a family p of m tests and
// returns it; dst and p may be the same slice. A hypothesis is rejected at
// level alpha if its adjusted p-value is at most alpha. With p(1) <= ... <= p(m)
// the sorted p-values, the adjusted ones are
//
//	none        p(i), as for westfall-young and romano-wolf, which the estimator has done
//	bonferroni  min(1, m p(i))
//	holm        max over j <= i of min(1, (m-j+1) p(j))
//	hochberg    min over j >= i of min(1, (m-j+1) p(j))
//	BH          min over j >= i of min(1, m p(j)/j)
//	BY          min over j >= i of min(1, h m p(j)/j), with h = 1 + 1/2 + ... + 1/m
//
// which is R's p.adjust, bit for bit. Sources: Holm, Scandinavian Journal of
// Statistics 6 (1979); Hochberg, Biometrika 75 (1988); Benjamini and Hochberg,
// JRSS B 57 (1995); Benjamini and Yekutieli, Annals of Statistics 29 (2001);
// Wright, Biometrics 48 (1992), on adjusted p-values.
//
// A NaN is the p-value of a test that was planned and failed. It counts as 1:
// it is never rejected, and the family keeps its size. (For the others that is
// R's p.adjust(p, n = length(p)).) Once its scratch has grown to m, Adjust
// allocates nothing.
func (a *Adjuster) Adjust(dst, p []float64, method Adjustment) []float64 {
	m := len(p)
	if len(dst) != m {
		panic(fmt.Sprintf("sim: %d places for %d adjusted p-values", len(dst), m))
	}
	for i, x := range p {
		if math.IsNaN(x) {
			x = 1
		}
		dst[i] = x
	}
	switch method {
	case Bonferroni:
		for i, x := range dst {
			dst[i] = min(1, float64(m)*x)
		}
	case Holm:
		largest := 0.0
		for rank, i := range a.sort(dst) {
			largest = max(largest, float64(m-rank)*dst[i])
			dst[i] = min(1, largest)
		}
	case Hochberg:
		a.stepUp(dst, func(rank int) float64 { return float64(m - rank) })
	case BH:
		a.stepUp(dst, func(rank int) float64 { return float64(m) / float64(rank+1) })
	case BY:
		h := a.sumOfReciprocals(m)
		a.stepUp(dst, func(rank int) float64 { return h * float64(m) / float64(rank+1) })
	}
	return dst
}

// stepUp runs from the largest p-value to the smallest; rank counts from 0.
func (a *Adjuster) stepUp(p []float64, factor func(rank int) float64) {
	order := a.sort(p)
	least := math.Inf(1)
	for rank := len(p) - 1; rank >= 0; rank-- {
		i := order[rank]
		least = min(least, factor(rank)*p[i])
		p[i] = min(1, least)
	}
}

// sort returns the order of p, smallest first, by insertion: families are small.
func (a *Adjuster) sort(p []float64) []int {
	a.order = a.order[:0]
	for i, x := range p {
		a.order = append(a.order, i)
		at := i
		for at > 0 && p[a.order[at-1]] > x {
			a.order[at] = a.order[at-1]
			at--
		}
		a.order[at] = i
	}
	return a.order
}

// sumOfReciprocals is 1 + 1/2 + ... + 1/m, each term rounded and then summed
// with a mantissa of 64 bits, as R does where it has long doubles.
func (a *Adjuster) sumOfReciprocals(m int) float64 {
	if a.terms != m {
		sum := new(big.Float).SetPrec(64)
		for i := range m {
			sum.Add(sum, big.NewFloat(1/float64(i+1)))
		}
		a.harmonic, _ = sum.Float64()
		a.terms = m
	}
	return a.harmonic
}
