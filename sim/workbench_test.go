package sim

import (
	"context"
	"testing"
)

// newTestWorkbench is that of a small study in chunks of 10 replicates, of which some are done.
func newTestWorkbench(t *testing.T, replicates int, done ...int) *workbench {
	t.Helper()
	s := smallStudy(replicates)
	s.Chunk = 10
	r := newRunner(planOf(s, "a"), silently(t.TempDir(), 2))
	r.done = make([]bool, r.tasks())
	for _, i := range done {
		r.done[i] = true
	}
	return newWorkbench(r)
}

// Two workers who take turns have a chunk each, and then share what is left, so that
// neither waits; every replicate is taken once.
func TestWorkersShareTheLastChunks(t *testing.T) {
	b := newTestWorkbench(t, 34, 1) // chunks of 10, 10 (done), 10 and 4
	var mine [2]*chunk
	taken := map[int]int{}
	most := [2]int{}
	finished := 0
	for i := 0; ; i = 1 - i {
		c, rep := b.take(mine[i], true)
		if c == nil {
			break
		}
		if rep < c.lo || rep >= c.hi || c.chunk == 1 {
			t.Fatalf("replicate %d of chunk %d, [%d, %d)", rep, c.chunk, c.lo, c.hi)
		}
		if got := cap(b.room(c, rep, 3)); got != 3 {
			t.Fatalf("room for %d records, want 3", got)
		}
		mine[i] = c
		taken[rep]++
		most[i]++
		if b.last(c) {
			finished++
			if len(c.records) != 3*(c.hi-c.lo) {
				t.Errorf("chunk %d has room for %d records", c.chunk, len(c.records))
			}
			b.clear(c)
		}
	}
	for rep := range 34 {
		want := 1
		if rep >= 10 && rep < 20 {
			want = 0
		}
		if taken[rep] != want {
			t.Errorf("replicate %d taken %d times, want %d", rep, taken[rep], want)
		}
	}
	if most != [2]int{12, 12} {
		t.Errorf("the workers took %v replicates, want 12 each", most)
	}
	if finished != 3 || len(b.open) != 0 || len(b.free) > 2 {
		t.Errorf("%d chunks finished, %d open, %d buffers; want 3, 0 and at most 2", finished, len(b.open), len(b.free))
	}
}

// Who may begin no chunk ends those that are open.
func TestInterruptedWorkersEndOpenChunks(t *testing.T) {
	b := newTestWorkbench(t, 100)
	c, _ := b.take(nil, true)
	n := 1
	for {
		next, _ := b.take(nil, false)
		if next == nil {
			break
		}
		if next != c {
			t.Fatalf("chunk %d was begun after the interruption", next.chunk)
		}
		n++
	}
	if n != 10 {
		t.Errorf("%d replicates of the open chunk were taken, want 10", n)
	}
}

// One chunk is simulated by several workers, to the same bytes.
func TestOneChunkByManyWorkers(t *testing.T) {
	plan := planOf(smallStudy(30), "a")
	one, many := silently(t.TempDir(), 1), silently(t.TempDir(), 7)
	mustRun(t, plan, one)
	mustRun(t, plan, many)
	checkSameFiles(t, "seven workers", files(t, many.Dir), files(t, one.Dir))

	ended, stop := context.WithCancel(context.Background())
	stop()
	none := silently(t.TempDir(), 7)
	outcome, err := Run(ended, plan, none)
	if err != nil || !outcome.Interrupted || outcome.Replicates != 0 {
		t.Errorf("a run that is over at its beginning: %+v, %v", outcome, err)
	}
}
