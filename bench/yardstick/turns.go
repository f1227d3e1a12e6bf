package yardstick

import (
	"cmp"
	"slices"
	"testing"
)

// The units in which a ratio is reported that was measured in turns: the median over the
// turns and their quartiles; the median over the quiet turns, and how many these are of all.
const (
	Ratio         = "ratio"
	LowerQuartile = "ratio-q1"
	UpperQuartile = "ratio-q3"
	RatioQuiet    = "ratio-quiet"
	QuietTurns    = "quiet-turns"
	Turns         = "turns"
)

// Quiet is how much longer than in the fastest turn the normals may take in a quiet one.
// While others use the machine, code that waits for nothing loses more than code that waits
// for memory, and two workers more than one. What is measured has no say in the choice.
const Quiet = 1.1

// A turn is a ratio and what the normals took, before and after.
type turn struct{ ratio, normals float64 }

type turns []turn

func (t turns) report(b *testing.B) {
	fastest := slices.MinFunc(t, func(a, b turn) int { return cmp.Compare(a.normals, b.normals) }).normals
	var ratios, quiet []float64
	for _, one := range t {
		ratios = append(ratios, one.ratio)
		if one.normals <= Quiet*fastest {
			quiet = append(quiet, one.ratio)
		}
	}
	slices.Sort(ratios)
	n := len(ratios)
	b.ReportMetric(median(ratios), Ratio)
	b.ReportMetric(ratios[n/4], LowerQuartile)
	b.ReportMetric(ratios[n-1-n/4], UpperQuartile)
	b.ReportMetric(median(quiet), RatioQuiet)
	b.ReportMetric(float64(len(quiet)), QuietTurns)
	b.ReportMetric(float64(n), Turns)
}
