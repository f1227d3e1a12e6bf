package plots

import (
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"

	"coachsim/sim"
)

// An axis is a horizontal scale with round tick marks.
type axis struct {
	min, max float64
	ticks    []tick
}

type tick struct {
	value float64
	label string
}

// newAxis returns an axis over [lo, hi] with a margin, and as many ticks as
// labels fit into length. It needs finite limits with lo <= hi.
func newAxis(lo, hi float64, face font.Face, length vg.Length) axis {
	if hi-lo <= 1e-9*max(math.Abs(lo), math.Abs(hi)) { // too close for distinct labels
		half := 0.5 * math.Abs(lo)
		if half == 0 {
			half = 0.5
		}
		lo, hi = lo-half, hi+half
	}
	// A wider margin may bring in a second label, without which there is no scale.
	var a axis
	for margin := 0.04; margin < 0.3; margin += 0.04 {
		a = axis{min: lo - margin*(hi-lo), max: hi + margin*(hi-lo)}
		for n := 8.0; n >= 1; n-- {
			if a.ticks = a.roundTicks((a.max-a.min)/n, face, length); a.ticks != nil {
				break
			}
		}
		if len(a.ticks) >= 2 {
			break
		}
	}
	return a
}

// roundTicks returns ticks at least step apart, or nil if their labels are too
// close. A tick whose label would stick out of the axis, and so perhaps run off
// the paper or into a neighbour, is left out.
func (a axis) roundTicks(step float64, face font.Face, length vg.Length) []tick {
	step, digits := roundStep(step)
	ticks := []tick{}
	for k := math.Ceil(a.min / step); k <= math.Floor(a.max/step); k++ {
		t := tick{value: k * step, label: signed(k*step, digits)}
		wide, at := face.Width(t.label), length*vg.Length(a.norm(t.value))
		if wide+1.2*face.Font.Size > length*vg.Length(step/(a.max-a.min)) {
			return nil
		}
		if at-wide/2 >= -edge && at+wide/2 <= length+edge {
			ticks = append(ticks, t)
		}
	}
	return ticks
}

// roundStep returns the smallest of 1, 2 and 5 times a power of ten that is at
// least step, and the decimals it needs.
func roundStep(step float64) (rounded float64, digits int) {
	power := math.Floor(math.Log10(step))
	for _, lead := range []float64{1, 2, 5, 10} {
		rounded = lead * math.Pow(10, power)
		if rounded >= step*(1-1e-9) {
			if lead == 10 {
				power++
			}
			break
		}
	}
	return rounded, max(0, int(-power))
}

// norm returns where v lies between the ends of the axis, from 0 to 1.
func (a axis) norm(v float64) float64 {
	return min(1, max(0, (v-a.min)/(a.max-a.min)))
}

// signed formats v with a true minus sign and no negative zero.
func signed(v float64, digits int) string {
	s := strconv.FormatFloat(v, 'f', digits, 64)
	if digits > 6 || math.Abs(v) >= 1e7 {
		s = strconv.FormatFloat(v, 'g', 4, 64)
	}
	if strings.Trim(s, "-0.") == "" {
		s = strings.TrimPrefix(s, "-")
	}
	return strings.ReplaceAll(s, "-", "−")
}

// count formats a whole number with thousands separators.
func count(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// A span is the range of the numbers added to it; what is not finite is ignored.
type span struct {
	lo, hi float64
	any    bool
}

func (s *span) add(values ...float64) {
	for _, v := range values {
		if !finite(v) {
			continue
		}
		if !s.any {
			s.lo, s.hi, s.any = v, v, true
		}
		s.lo, s.hi = min(s.lo, v), max(s.hi, v)
	}
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// isFinite says whether a simulated number and its interval exist.
func isFinite(s sim.Simulated) bool { return finite(s.Value) && finite(s.Low) && finite(s.High) }

// short writes a number with as many digits as its Monte Carlo standard error has
// meaning: two significant ones of it.
func short(v, mcse float64) string {
	digits := 4
	if mcse > 0 {
		digits = min(6, max(0, 1-int(math.Floor(math.Log10(mcse)))))
	}
	return signed(v, digits)
}

// brief is a number with three significant digits, or whole.
func brief(v float64) string {
	if v == 0 || !finite(v) || math.Abs(v) >= 1000 && math.Abs(v) < 1e7 {
		return strings.ReplaceAll(count(int(math.Round(v))), "-", "−")
	}
	return signed(v, max(0, 2-int(math.Floor(math.Log10(math.Abs(v))))))
}

// ln is the place of a number on a logarithmic axis.
func ln(v float64) float64 { return math.Log(v) }

// logarithmic says whether numbers lie more evenly on a logarithmic scale, which
// leaves the lines of many estimators room beside each other.
func logarithmic(xs []float64) bool {
	if xs[0] <= 0 {
		return false
	}
	return closest(xs, math.Log) > 1.05*closest(xs, func(v float64) float64 { return v })
}

// sweptScale is the scale on which numbers lie more evenly.
func sweptScale(xs []float64) func(float64) float64 {
	if logarithmic(xs) {
		return math.Log
	}
	return func(v float64) float64 { return v }
}

// closest is the smallest gap between neighbours, as a share of the whole range.
func closest(xs []float64, f func(float64) float64) float64 {
	gap := math.Inf(1)
	for i := 1; i < len(xs); i++ {
		gap = min(gap, f(xs[i])-f(xs[i-1]))
	}
	return gap / (f(xs[len(xs)-1]) - f(xs[0]))
}
