package plots

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/plot/vg"
)

// Names at the ends of lines keep their order, do not touch, and are moved as little
// as may be; where that is too far, they do not fit.
func TestPlaceEnds(t *testing.T) {
	theme := Journal()
	gap := 1.15 * theme.TickSize
	for name, c := range map[string]struct {
		ends, want []vg.Length
		fit        bool
	}{
		"apart":     {[]vg.Length{10, 50, 30}, []vg.Length{10, 50, 30}, true},
		"equal":     {[]vg.Length{40, 40}, []vg.Length{40 - gap/2, 40 + gap/2}, true},
		"pushed":    {[]vg.Length{40, 44, 80}, []vg.Length{42 - gap/2, 42 + gap/2, 80}, true},
		"a chain":   {[]vg.Length{40, 42, 50}, []vg.Length{44 - gap, 44, 44 + gap}, true},
		"too many":  {[]vg.Length{40, 40, 40, 40}, nil, false},
		"too low":   {[]vg.Length{1, 1}, nil, false},
		"too high":  {[]vg.Length{99, 99}, nil, false},
		"one alone": {[]vg.Length{7}, []vg.Length{7}, true},
	} {
		at, fit := placeEnds(theme, c.ends, 0, 100)
		if fit != c.fit {
			t.Errorf("%s: fit is %v", name, fit)
		}
		for i, want := range c.want {
			if math.Abs(float64(at[i]-want)) > 1e-9 {
				t.Errorf("%s: %v, want %v", name, at, c.want)
				break
			}
		}
		sorted := slices.Sorted(slices.Values(at))
		for i := 1; i < len(sorted); i++ {
			if sorted[i]-sorted[i-1] < gap-1e-9 {
				t.Errorf("%s: names touch: %v", name, at)
			}
		}
	}
}
