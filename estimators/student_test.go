package estimators_test

import (
	"math"
	"path/filepath"
	"testing"

	"coachsim/estimators"
)

// The p-values are R's. R's own are not that exact far out: those below 1e-100 are up to
// 2e-13 from the values to 60 digits of mpmath, ours 1.3e-13; all others of both are within 6e-14.
func TestStudentPIsR(t *testing.T) {
	for _, row := range readCSV(t, filepath.Join("testdata", "student", "student.csv")) {
		x, df, want := parse(t, row["t"]), parse(t, row["df"]), parse(t, row["p"])
		tolerance := 1e-13
		if want < 1e-100 {
			tolerance = 3e-13
		}
		if got := estimators.StudentP(x, df); math.Abs(got-want) > tolerance*want+1e-320 || estimators.StudentP(-x, df) != got {
			t.Errorf("t = %g with %g df: p = %.17g, of R %.17g", x, df, got, want)
		}
	}
}

// With 1 and 2 degrees of freedom p has a closed form, and with very many it is the
// normal's. It is 1 at 0, falls, and has no value where t has none.
func TestStudentPInClosedForm(t *testing.T) {
	last := 1.0
	for x := 1.0 / 64; x < 1e6; x *= 1.09 {
		for df, want := range map[float64]float64{
			1:    2 / math.Pi * math.Atan(1/x),
			2:    2 / ((2 + x*x) * (1 + x/math.Sqrt(2+x*x))), // 1 - x/√(2 + x²)
			1e18: math.Erfc(x / math.Sqrt2),

			math.Inf(1): math.Erfc(x / math.Sqrt2),
		} {
			if got := estimators.StudentP(x, df); math.Abs(got-want) > 1e-13*want && (df < 3 || x < 8) {
				t.Errorf("t = %g with %g df: p = %.17g, not %.17g", x, df, got, want)
			}
		}
		p := estimators.StudentP(x, 3.5)
		if !(p < last) {
			t.Errorf("t = %g: p = %g, and %g nearer 0", x, p, last)
		}
		last = p
	}
	for _, df := range []float64{0.5, 1, 7.5, 200, 1e9, math.Inf(1)} {
		if p := estimators.StudentP(0, df); p != 1 {
			t.Errorf("t = 0 with %g df: p = %g", df, p)
		}
		if p := estimators.StudentP(math.Inf(-1), df); p != 0 {
			t.Errorf("t infinite with %g df: p = %g", df, p)
		}
		if p := estimators.StudentP(math.NaN(), df); !math.IsNaN(p) {
			t.Errorf("t not a number with %g df: p = %g", df, p)
		}
	}
}
