package sim

import (
	"slices"
	"sync"
)

// A workbench is where the chunks under way lie open. A worker begins a chunk and takes its
// replicates one by one. When no chunk is left to begin, it helps with those that others
// have begun, so that they all end together: a run of few chunks, and the end of any,
// takes every worker.
type workbench struct {
	runner *runner

	mu   sync.Mutex
	next int // the first task not yet looked at
	open []*chunk
	free [][]Record // of chunks that are finished
}

// A chunk of the log under way.
type chunk struct {
	task
	lo, hi  int      // its replicates
	next    int      // the first that nobody has taken
	left    int      // how many are not finished
	records []Record // by replicate and row; nil before the first
}

func newWorkbench(r *runner) *workbench { return &workbench{runner: r} }

// take returns a replicate to simulate: of the worker's chunk, of one that it begins if
// it may, or of the open chunk that has most; and nil if there is none.
func (b *workbench) take(mine *chunk, begin bool) (c *chunk, rep int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c = mine
	if c == nil || c.next == c.hi {
		c = nil
		if begin {
			c = b.begin()
		}
		if c == nil {
			c = b.fullest()
		}
	}
	if c == nil {
		return nil, 0
	}
	rep = c.next
	c.next++
	return c, rep
}

// begin opens the next chunk that the run has and that is not done.
func (b *workbench) begin() *chunk {
	r := b.runner
	for ; b.next < r.tasks(); b.next++ {
		t := r.task(b.next)
		if r.done[b.next] || !r.has(t) {
			continue
		}
		b.next++
		lo, hi := r.span(t.chunk)
		c := &chunk{task: t, lo: lo, hi: hi, next: lo, left: hi - lo}
		b.open = append(b.open, c)
		return c
	}
	return nil
}

// fullest is the open chunk of which most replicates are to be taken.
func (b *workbench) fullest() (most *chunk) {
	for _, c := range b.open {
		if c.next < c.hi && (most == nil || c.hi-c.next > most.hi-most.next) {
			most = c
		}
	}
	return most
}

// room returns the room for the records of a replicate: as many as there are rows, to be
// appended.
func (b *workbench) room(c *chunk, rep, rows int) []Record {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := rows * (c.hi - c.lo); c.records == nil {
		if k := len(b.free) - 1; k >= 0 {
			c.records, b.free = b.free[k], b.free[:k]
		}
		if cap(c.records) < n {
			c.records = make([]Record, n)
		}
		c.records = c.records[:n]
	}
	at := rows * (rep - c.lo)
	return c.records[at : at : at+rows]
}

// last notes that a replicate is finished, and reports whether it is the last of its chunk.
func (b *workbench) last(c *chunk) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	c.left--
	return c.left == 0
}

// clear takes a finished chunk away.
func (b *workbench) clear(c *chunk) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free = append(b.free, c.records)
	for i := range b.open {
		if b.open[i] == c {
			b.open = slices.Delete(b.open, i, i+1)
			break
		}
	}
}
