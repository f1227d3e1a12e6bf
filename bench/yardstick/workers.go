package yardstick

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// Workers runs body with one worker and with two in turns, and reports how many times faster
// two are, by the clock on the wall: one, two, two, one, so that a machine that grows slower
// or faster favours neither. Here the normals are drawn on two cores at once.
func Workers(b *testing.B, body func(workers int)) {
	b.Helper()
	timed := func(f func()) float64 {
		start := time.Now()
		f()
		return float64(time.Since(start))
	}
	sources := [2]*rand.Rand{rand.New(rand.NewPCG(1, 2)), rand.New(rand.NewPCG(3, 4))}
	both := func() {
		var drawing sync.WaitGroup
		for _, rng := range sources {
			drawing.Go(func() {
				for range 10 {
					normals(b, rng)
				}
			})
		}
		drawing.Wait()
	}
	var all turns
	for b.Loop() {
		before := timed(both)
		one := timed(func() { body(1) })
		two := timed(func() { body(2) }) + timed(func() { body(2) })
		one += timed(func() { body(1) })
		all = append(all, turn{one / two, (before + timed(both)) / 2})
	}
	all.report(b)
}
