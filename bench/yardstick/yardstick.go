// Package yardstick measures a benchmark against the normals of math/rand/v2, which no
// change of ours makes faster or slower: the processor time of both, in the same process and
// in turns of milliseconds. What else the machine does, and how fast its clock runs, then hits
// both alike. In the same way it measures a peer, another program, against the benchmark.
package yardstick

import (
	"flag"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Metric is the unit in which Loop reports the ratio.
const Metric = "replicates-of-normals"

// Normals is how many normals an Ecuador replicate takes: the yardstick's length.
const Normals = 28_994

var beside = flag.Bool("yardstick", false, "report the time of unit benchmarks over that of the normals of an Ecuador replicate, in place of ns/op")

// bodyTurn is how long body runs before the yardstick is measured again: long beside the
// clock's resolution and what caches take to warm up, short beside what disturbs.
const bodyTurn = 4 * time.Millisecond

// Loop runs the body of a benchmark and returns how many nanoseconds it takes. With
// -yardstick it does so in turns with the normals, and reports the median over the turns of
// its time over theirs: those before it and after.
func Loop(b *testing.B, body func()) (nanoseconds float64) {
	b.Helper()
	if *peer != "" {
		return besidePeer(b, body)
	}
	if !*beside {
		for b.Loop() {
			body()
		}
		return float64(b.Elapsed()) / float64(b.N)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	body()
	before := normals(b, rng)
	var times, ratios []float64
	for b.Loop() {
		each := take(body, bodyTurn)
		after := normals(b, rng)
		times, ratios = append(times, each), append(ratios, 2*each/(before+after))
		before = after
	}
	b.ReportMetric(median(ratios), Metric)
	b.ReportMetric(median(times), "ns/op")
	return median(times)
}

// take runs body for so long, and returns the nanoseconds of one.
func take(body func(), lasting time.Duration) float64 {
	n, start, begun := 0, cpu(), time.Now()
	for time.Since(begun) < lasting {
		body()
		n++
	}
	return float64(cpu()-start) / float64(n)
}

func median(x []float64) float64 {
	slices.Sort(x)
	n := len(x)
	return (x[(n-1)/2] + x[n/2]) / 2
}

// normals draws four times the yardstick's normals, and returns the nanoseconds of one.
func normals(b *testing.B, rng *rand.Rand) float64 {
	b.Helper()
	const times = 4
	sum, start := 0.0, cpu()
	for range times * Normals {
		sum += rng.NormFloat64()
	}
	took := cpu() - start
	if sum == 0 {
		b.Fatal("no normals")
	}
	return float64(took) / times
}
