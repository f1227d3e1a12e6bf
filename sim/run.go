package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
)

// ChunkReplicates is the number of replicates in one chunk of the log. Chunks
// are what workers take and what a killed run keeps.
const ChunkReplicates = 100

// A Plan is a study with the text that fixes it.
type Plan struct {
	Study Study
	Text  []byte // the resolved study, as plan.yaml holds it
	Hash  string // of everything that decides a replicate; not the number of replicates
	// Version of the program.
	Version string
}

// Options are what may differ between runs of one plan without a change in
// any result.
type Options struct {
	Dir      string // the run directory
	Workers  int    // goroutines
	Resume   bool   // keep finished chunks of the same plan
	Force    bool   // replace a run directory
	Progress ProgressSetup
}

// An Outcome is what a run did.
type Outcome struct {
	Replicates  int // in the log
	Interrupted bool
	Truths      []PopulationEffect // by row of the panel
}

// A DirectoryError says why a run directory cannot be used.
type DirectoryError struct {
	Dir     string
	Message string
}

func (e *DirectoryError) Error() string { return e.Dir + ": " + e.Message }

// Run simulates a plan's study into a run directory: plan.yaml and one file in
// chunks/ for every ChunkReplicates replicates. The files do not depend on the
// number of workers. When ctx ends, the chunks in flight are finished and
// Outcome.Interrupted is set.
func Run(ctx context.Context, plan Plan, o Options) (Outcome, error) {
	if err := prepare(plan, o); err != nil {
		return Outcome{}, err
	}
	truths, err := plan.Study.population(o.Workers)
	if err != nil {
		return Outcome{}, err
	}
	r := &runner{plan: plan, options: o, truths: truths}
	if err := r.findDone(); err != nil {
		return Outcome{}, err
	}
	setup := o.Progress
	setup.Total = plan.Study.Replicates
	setup.Already = int(r.finished.Load())
	if len(truths) > 0 {
		setup.Label = truths[0].Estimator + ": " + truths[0].Outcome + " on " + truths[0].Term
	}
	r.progress = NewProgress(setup)
	err = r.run(ctx)
	r.progress.Done()
	return Outcome{Replicates: int(r.finished.Load()), Interrupted: ctx.Err() != nil && int(r.finished.Load()) < plan.Study.Replicates, Truths: truths}, err
}

// prepare makes the run directory, or checks that an old one may be used.
func prepare(plan Plan, o Options) error {
	old, err := os.ReadFile(planPath(o.Dir))
	switch {
	case err == nil && o.Force:
		if err := clearRun(o.Dir); err != nil {
			return err
		}
	case errors.Is(err, fs.ErrNotExist):
		if entries, err := os.ReadDir(o.Dir); err == nil && len(entries) > 0 {
			return &DirectoryError{o.Dir, "is not empty and holds no run; choose another directory with --out"}
		}
	case err != nil:
		return err
	case planHash(old) != plan.Hash:
		return &DirectoryError{o.Dir, "holds the run of another study or program version:\n" + planDiff(old, plan.Text) + "choose another directory with --out, or replace the run with --force"}
	case !o.Resume && !bytes.Equal(old, plan.Text):
		return &DirectoryError{o.Dir, "holds a run of this study with another number of replicates; add --resume to keep its finished replicates, or replace the run with --force"}
	case o.Resume:
		if n := logged(o.Dir); n > plan.Study.Replicates {
			return &DirectoryError{o.Dir, fmt.Sprintf("holds %d replicates already, more than the %d asked for; ask for at least as many, or replace the run with --force", n, plan.Study.Replicates)}
		}
	}
	if err := os.MkdirAll(chunkDir(o.Dir), 0o755); err != nil {
		return err
	}
	return writeAtomic(planPath(o.Dir), plan.Text)
}

// A runner is one Run under way.
type runner struct {
	plan     Plan
	options  Options
	truths   []PopulationEffect
	progress *Progress
	done     map[int]bool // chunks already in the directory
	next     atomic.Int64
	finished atomic.Int64 // replicates in the log
}

func (r *runner) chunks() int {
	return (r.plan.Study.Replicates + ChunkReplicates - 1) / ChunkReplicates
}

// span returns the replicates [lo, hi) of a chunk.
func (r *runner) span(chunk int) (lo, hi int) {
	lo = chunk * ChunkReplicates
	return lo, min(lo+ChunkReplicates, r.plan.Study.Replicates)
}

func (r *runner) path(chunk int) string {
	return filepath.Join(chunkDir(r.options.Dir), fmt.Sprintf("cell-0000-rep-%09d.parquet", chunk*ChunkReplicates))
}

// logged returns the number of replicates up to the last in a directory's log.
func logged(dir string) int {
	log, err := OpenLog(dir)
	if err != nil {
		return 0 // nothing readable to lose
	}
	n := 0
	for records, err := range log.lastChunk() {
		if err != nil || len(records) == 0 {
			return 0
		}
		n = records[len(records)-1].Replicate + 1
	}
	return n
}

// findDone lists the finished chunks of an earlier run. It removes files that
// are no part of this run: chunks of replicates that it does not have, damaged
// chunks, and what a killed run left half written.
func (r *runner) findDone() error {
	r.done = map[int]bool{}
	known := map[string]int{}
	for chunk := range r.chunks() {
		known[r.path(chunk)] = chunk
	}
	entries, err := os.ReadDir(chunkDir(r.options.Dir))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		path := filepath.Join(chunkDir(r.options.Dir), entry.Name())
		if chunk, ours := known[path]; ours {
			lo, hi := r.span(chunk)
			// Reading it whole finds damage inside.
			records, meta, err := ReadChunk(path)
			if err == nil && len(records) == (hi-lo)*len(r.truths) && meta["plan"] == r.plan.Hash {
				r.done[chunk] = true
				r.finished.Add(int64(hi - lo))
				continue
			}
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

// run lets every worker take chunk after chunk.
func (r *runner) run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	workers := max(1, min(r.options.Workers, r.chunks()-len(r.done)))
	errs := make([]error, workers)
	var wait sync.WaitGroup
	for i := range workers {
		wait.Go(func() {
			if errs[i] = r.work(ctx); errs[i] != nil {
				stop()
			}
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}

// work runs chunks until there are no more or ctx ends.
func (r *runner) work(ctx context.Context) error {
	population := make([]float64, len(r.truths))
	for i, t := range r.truths {
		population[i] = t.Value
	}
	w, err := newWorld(r.plan.Study, population)
	if err != nil {
		return err
	}
	records := make([]Record, 0, ChunkReplicates*len(w.rows))
	for ctx.Err() == nil {
		chunk := int(r.next.Add(1)) - 1
		if chunk >= r.chunks() {
			return nil
		}
		if r.done[chunk] {
			continue
		}
		lo, hi := r.span(chunk)
		var step ProgressStep
		records = records[:0]
		for rep := lo; rep < hi; rep++ {
			records = w.log(records, rep)
		}
		for i := range records {
			step.count(&records[i], i%len(w.rows) == 0, r.plan.Study.Alpha)
		}
		step.Replicates = hi - lo
		meta := map[string]string{"plan": r.plan.Hash, "seed": strconv.FormatUint(r.plan.Study.Seed, 10), "version": r.plan.Version}
		if err := WriteChunk(r.path(chunk), records, meta); err != nil {
			return err
		}
		r.finished.Add(int64(hi - lo))
		r.progress.Add(step)
	}
	return nil
}

// log appends the records of one replicate.
func (w *world) log(records []Record, rep int) []Record {
	for i, e := range w.replicate(rep) {
		row := &w.rows[i]
		records = append(records, Record{
			Replicate: rep, Estimator: row.Estimator, Outcome: row.Outcome, Term: row.Term,
			Estimand: w.estimand[i], Truth: w.truth[i], Estimate: e,
		})
	}
	return records
}

// count adds one record to what progress shows.
func (s *ProgressStep) count(r *Record, labelled bool, alpha float64) {
	if !r.Status.Worked() {
		s.Failures++
	}
	if labelled && !(r.Status.Worked() && math.IsNaN(r.P)) { // a description has no test
		s.Tests++
		if r.Status.Worked() && r.P <= alpha {
			s.Rejections++
		}
	}
}
