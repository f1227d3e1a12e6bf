package estimatortest

import (
	"fmt"
	"math"

	"coachsim/estimators"
)

// Compare returns what differs between two lists of estimates, or nil. Values
// may differ by tolerance, relative to the larger of the value itself and its
// standard error (of a joint test, 1e-3), standard errors by tolerance relative to themselves, and
// degrees of freedom too, p-values by what these make of them. Status must be
// the same.
func Compare(rows []estimators.Row, got, want []estimators.Estimate, tolerance float64) error {
	if len(got) != len(want) || len(got) != len(rows) {
		return fmt.Errorf("%d estimates and %d rows, want %d", len(got), len(rows), len(want))
	}
	for i := range got {
		if err := compare(got[i], want[i], tolerance); err != nil {
			return fmt.Errorf("%s of %s: %w", rows[i].Term, rows[i].Outcome, err)
		}
	}
	return nil
}

func compare(got, want estimators.Estimate, tolerance float64) error {
	if got.Status != want.Status {
		return fmt.Errorf("status %s, want %s (got %v, want %v)", got.Status, want.Status, got, want)
	}
	// A p-value falls by the factor exp(-t dt), or so, when t grows by dt.
	t, scale := want.Value/want.SE, want.SE
	if math.IsNaN(want.SE) { // a joint test
		t, scale = math.Sqrt(max(want.Value, 0)), 1e-3
	}
	if math.IsNaN(t) {
		t = 0
	}
	for _, number := range []struct {
		name              string
		got, want, within float64
	}{
		{"value", got.Value, want.Value, tolerance * max(math.Abs(want.Value), scale)},
		{"SE", got.SE, want.SE, tolerance * want.SE},
		{"DF", got.DF, want.DF, tolerance * want.DF},
		{"P", got.P, want.P, tolerance * (1 + 10*t*t) * want.P},
	} {
		if math.IsNaN(number.got) && math.IsNaN(number.want) || number.got == number.want { // also infinite
			continue
		}
		if off := math.Abs(number.got - number.want); !(off <= number.within) {
			return fmt.Errorf("%s %v, want %v: off by %.1e, more than %.1e", number.name, number.got, number.want, off, number.within)
		}
	}
	return nil
}
