package sim

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"coachsim/estimators"
)

// A Plan is a study with the text that fixes it.
type Plan struct {
	Study Study
	Text  []byte // the resolved study, as plan.yaml holds it
	Hash  string // of everything that decides a replicate; not the number of replicates
	Build        // the program that simulates, or simulated
	Shard Shard  // the part of the run that this is; zero of a whole run

	// Results counts the changes of the program that changed any draw or estimate, and
	// Changes says what they were: Changes[i] came with number i.
	Results int
	Changes []string

	StudyHash string // as Hash, without Results
}

// Options are what may differ between runs of one plan without a change in
// any result.
type Options struct {
	Dir      string // the run directory
	Workers  int    // goroutines
	Held     bool   // the caller keeps other processes out, by Hold
	Resume   bool   // keep finished chunks of the same plan
	Force    bool   // replace a run directory
	Progress ProgressSetup
}

// An Outcome is what a run did.
type Outcome struct {
	Replicates  int // in the log, over all cells
	Total       int // that the run or shard has
	Interrupted bool
	Truths      []PopulationEffect // by cell, and in a cell by row of the panel
}

// A DirectoryError says why a run directory cannot be used.
type DirectoryError struct {
	Dir     string
	Message string
}

func (e *DirectoryError) Error() string { return e.Dir + ": " + e.Message }

// Run simulates a plan's study into a run directory: plan.yaml and one file in
// chunks/ for every ChunkSize replicates of every cell. The files do not depend on the
// number of workers. When ctx ends, the chunks in flight are finished and
// Outcome.Interrupted is set.
func Run(ctx context.Context, plan Plan, o Options) (out Outcome, err error) {
	if !o.Held {
		release, err := Hold(o.Dir)
		if err != nil {
			return Outcome{}, err
		}
		defer func() { err = errors.Join(err, release()) }()
	}
	if err := prepare(plan, o); err != nil {
		return Outcome{}, err
	}
	watch := newStopwatch()
	r := newRunner(plan, o)
	if err := r.recallTruths(); err != nil {
		return Outcome{}, err
	}
	if err := r.findDone(); err != nil {
		return Outcome{}, err
	}
	total := r.replicates()
	setup := o.Progress
	setup.Total = total
	setup.Already = int(r.finished.Load())
	if setup.Label, err = r.watch(); err != nil {
		return Outcome{}, err
	}
	r.progress = NewProgress(setup)
	err = r.run(ctx)
	r.progress.Done()
	if e := r.cut(); err == nil {
		err = e
	}
	finished := r.kept()
	total = r.replicates()
	interrupted := ctx.Err() != nil && finished < total
	if err == nil {
		err = r.finishTruths(!interrupted)
	}
	if simulated := int(r.finished.Load()) - setup.Already; simulated > 0 && err == nil {
		err = writeProvenance(o.Dir, plan.Provenance(), watch.session(o.Workers, simulated, plan.Shard))
	}
	return Outcome{Replicates: finished, Total: total, Interrupted: interrupted, Truths: r.allTruths()}, err
}

// watch chooses the test whose power progress shows, that of the study's primary estimate,
// and says what it is. A mean over the designs of a sweep is the power of none.
func (r *runner) watch() (label string, err error) {
	if len(r.cells) > 1 {
		return "", nil
	}
	study := r.cells[0].Study
	if rows, err := study.Rows(); err != nil || len(rows) == 0 {
		return "", err
	}
	if r.watched, err = study.FindTest(""); err != nil {
		return "", err
	}
	label = r.watched.String()
	if f, method := study.AdjustedBy(r.watched); f != nil && !method.ByEstimator() {
		label += ", before adjustment"
	}
	return label, nil
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
		if err := checkForeign(o.Dir); err != nil {
			return err
		}
	case err != nil:
		return err
	case planHash(old) != plan.Hash:
		return &DirectoryError{o.Dir, plan.unlike(old) + "choose another directory with --out, or replace the run with --force"}
	case planChunk(old) != plan.Study.ChunkSize():
		return &DirectoryError{o.Dir, fmt.Sprintf("holds a run of this study in chunks of %d replicates, not of %d; go on with --set chunk=%[1]d, or replace the run with --force", planChunk(old), plan.Study.ChunkSize())}
	case planShard(old) != planShard(plan.Text):
		return &DirectoryError{o.Dir, fmt.Sprintf("holds %s of this study, not %s; choose another directory with --out, or replace the run with --force", planShard(old).named(), plan.Shard.named())}
	case !keeps(planPrecision(old), plan.Study.Precision):
		return &DirectoryError{o.Dir, "holds a run of this study that does not end so early; ask for at least as much precision (--mcse), or replace the run with --force"}
	case !o.Resume && planReplicates(old) != planReplicates(plan.Text):
		return &DirectoryError{o.Dir, "holds a run of this study with another number of replicates; add --resume to keep its finished replicates, or replace the run with --force"}
	case o.Resume:
		if n := logged(o.Dir); n > plan.Study.Replicates {
			return &DirectoryError{o.Dir, fmt.Sprintf("holds %d replicates already, more than the %d asked for; ask for at least as many, or replace the run with --force", n, plan.Study.Replicates)}
		}
	}
	for _, dir := range []string{o.Dir, filepath.Join(o.Dir, "figures")} {
		if err := removeTemporary(dir); err != nil {
			return err
		}
	}
	// The plan first: a directory with chunks and no plan is not known as a run's.
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return err
	}
	if err := writeAtomic(planPath(o.Dir), plan.Text); err != nil {
		return err
	}
	return os.MkdirAll(chunkDir(o.Dir), 0o755)
}

// unlike says why the replicates of an old plan are not those of this one.
func (p Plan) unlike(old []byte) string {
	differences := planDiff(old, p.Text)
	was, err := strconv.Atoi(planLine(old, resultsLine))
	switch {
	case err != nil:
		return "holds the run of another study, or one by an older version of coachsim:\n" + differences
	case was == p.Results && differences == "":
		return "holds the run of another study: its plan.yaml was edited;\n"
	case was == p.Results:
		return "holds the run of another study:\n" + differences
	}
	var b strings.Builder
	fmt.Fprintf(&b, "holds a run by coachsim %s, and coachsim %s gives other results, so that the two cannot be mixed:\n", planLine(old, versionLine), p.Version)
	for i := was + 1; i < len(p.Changes); i++ {
		fmt.Fprintf(&b, "  %s\n", p.Changes[i])
	}
	if differences != "" {
		fmt.Fprintf(&b, "its study is another, too:\n%s", differences)
	}
	return b.String()
}

// A runner is one Run under way.
type runner struct {
	plan     Plan
	options  Options
	cells    []Cell
	deal     deal
	referee  *referee
	truths   []cellTruths // by cell
	progress *Progress
	watched  Test         // whose power progress shows; none in a sweep
	done     []bool       // already in the directory, by task
	missing  int          // replicates that are not
	finished atomic.Int64 // replicates in the log
}

// A task is one chunk of one cell.
type task struct{ cell, chunk int }

func newRunner(plan Plan, o Options) *runner {
	cells := plan.Study.designs()
	r := &runner{
		plan: plan, options: o, cells: cells, truths: make([]cellTruths, len(cells)),
	}
	r.dealTo(plan.Shard.N)
	return r
}

// dealTo deals the chunks to so many shards, and forgets which cells have ended.
func (r *runner) dealTo(shards int) {
	r.deal = newDeal(len(r.cells), shards, len(r.plan.Study.Precision) > 0)
	r.referee = newReferee(r.plan.Study, len(r.cells), r.chunks())
}

// chunks returns the number of chunks of each cell that does not end early.
func (r *runner) chunks() int {
	size := r.plan.Study.ChunkSize()
	return (r.plan.Study.Replicates + size - 1) / size
}

// tasks returns the number of tasks of all shards.
func (r *runner) tasks() int { return len(r.cells) * r.chunks() }

// task returns the i-th task. Cells come one after the other, so that a worker
// keeps what it compiled for one as long as there is work in it.
func (r *runner) task(i int) task { return task{i / r.chunks(), i % r.chunks()} }

func (r *runner) index(t task) int { return t.cell*r.chunks() + t.chunk }

// ours reports whether a task is this shard's.
func (r *runner) ours(t task) bool { return r.deal.shard(t) == r.plan.Shard.K }

// has reports whether the run, or its shard, has the chunk of a task, as far as is
// known: a cell may turn out to end before.
func (r *runner) has(t task) bool { return r.ours(t) && r.referee.within(t) }

// replicates counts the replicates of this shard, over all cells.
func (r *runner) replicates() int {
	n := 0
	for i := range r.tasks() {
		if t := r.task(i); r.has(t) {
			lo, hi := r.span(t.chunk)
			n += hi - lo
		}
	}
	return n
}

// spared is how many replicates the last chunks of a cell hold.
func (r *runner) spared(chunks int) int {
	lo, _ := r.span(r.chunks() - chunks)
	return r.plan.Study.Replicates - lo
}

// span returns the replicates [lo, hi) of a chunk.
func (r *runner) span(chunk int) (lo, hi int) {
	size := r.plan.Study.ChunkSize()
	lo = chunk * size
	return lo, min(lo+size, r.plan.Study.Replicates)
}

// taskOf is the task of a replicate.
func (r *runner) taskOf(cell, replicate int) task {
	return task{cell, replicate / r.plan.Study.ChunkSize()}
}

func (r *runner) fileName(t task) string {
	lo, _ := r.span(t.chunk)
	return fmt.Sprintf("cell-%04d-rep-%09d.parquet", t.cell, lo)
}

// named returns the task whose chunk has a file name.
func (r *runner) named(file string) (t task, ok bool) {
	cell, rep := 0, 0
	if _, err := fmt.Sscanf(file, "cell-%d-rep-%d.parquet", &cell, &rep); err != nil {
		return t, false
	}
	t = r.taskOf(cell, rep)
	return t, t.cell >= 0 && t.cell < len(r.cells) && t.chunk >= 0 && t.chunk < r.chunks() && file == r.fileName(t)
}

func (r *runner) path(t task) string { return filepath.Join(chunkDir(r.options.Dir), r.fileName(t)) }

// read reads the chunk of a task from a file, and finds damage. Rows is how many
// records a replicate has, or 0 where nobody knows.
func (r *runner) read(path string, t task, rows int) ([]Record, error) {
	records, meta, err := ReadChunk(path)
	if err != nil {
		return nil, err
	}
	if meta["plan"] != r.plan.Hash {
		return nil, fmt.Errorf("%s: a chunk of another study or program version", path)
	}
	lo, hi := r.span(t.chunk)
	if rows == 0 {
		rows = len(records) / (hi - lo)
	}
	if len(records) != rows*(hi-lo) {
		return nil, fmt.Errorf("%s: not the whole chunk: %d rows instead of %d", path, len(records), rows*(hi-lo))
	}
	for i := range records {
		if records[i].Cell != t.cell || records[i].Replicate != lo+i/rows {
			return nil, fmt.Errorf("%s: row %d is replicate %d of design %d, where replicate %d of design %d belongs", path, i, records[i].Replicate, records[i].Cell, lo+i/rows, t.cell)
		}
	}
	return records, nil
}

// logged returns the number of replicates up to the last that a directory's log
// has of any cell.
func logged(dir string) int {
	log, err := OpenLog(dir)
	if err != nil {
		return 0 // nothing readable to lose
	}
	n := 0
	for i, file := range log.files {
		if i+1 < len(log.files) && log.files[i+1].Cell == file.Cell {
			continue
		}
		for records, err := range (&Log{files: log.files[:i+1]}).lastChunk() {
			if err == nil && len(records) > 0 {
				n = max(n, records[len(records)-1].Replicate+1)
			}
		}
	}
	return n
}

// kept counts the replicates that are finished.
func (r *runner) kept() int {
	n := 0
	for i, done := range r.done {
		if done {
			lo, hi := r.span(r.task(i).chunk)
			n += hi - lo
		}
	}
	return n
}

// findDone finds the finished chunks of an earlier run. It removes files that
// are no part of this run: chunks of replicates that it does not have, damaged
// chunks, and what a killed run left half written.
func (r *runner) findDone() error {
	r.done = make([]bool, r.tasks())
	rows := map[int]int{} // by cell
	entries, err := os.ReadDir(chunkDir(r.options.Dir))
	if err != nil {
		return err
	}
	finished := 0
	for _, entry := range entries {
		path := filepath.Join(chunkDir(r.options.Dir), entry.Name())
		if t, ok := r.named(entry.Name()); ok && r.has(t) { // in order, so that the referee can say
			// Reading it whole finds damage inside.
			if rows[t.cell] == 0 {
				its, err := r.cells[t.cell].Study.Rows()
				if err != nil {
					return err
				}
				rows[t.cell] = len(its)
			}
			records, err := r.read(path, t, rows[t.cell])
			agrees := err == nil
			if agrees {
				if agrees, err = r.agrees(t.cell, records); err != nil {
					return err
				}
			}
			if agrees {
				lo, hi := r.span(t.chunk)
				r.done[r.index(t)] = true
				finished += hi - lo
				r.referee.see(t, records)
				continue
			}
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	r.finished.Store(int64(finished))
	r.missing = r.replicates() - finished
	return nil
}

// run lets every worker take replicate after replicate.
func (r *runner) run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	bench := newWorkbench(r)
	workers := max(1, min(r.options.Workers, r.missing))
	errs := make([]error, workers)
	var wait sync.WaitGroup
	for i := range workers {
		wait.Go(func() {
			if errs[i] = r.work(ctx, bench); errs[i] != nil {
				stop()
			}
		})
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err // the others say the same, or that they were stopped
		}
	}
	return nil
}

// work simulates replicates until there are no more. When ctx ends, it begins no chunk.
func (r *runner) work(ctx context.Context, bench *workbench) error {
	var w *world
	var c *chunk
	for {
		var rep int
		if c, rep = bench.take(c, ctx.Err() == nil); c == nil {
			return nil
		}
		if w == nil || w.cell != c.cell {
			// The old world is dead here, and may be collected, while the new one is made.
			var err error
			if w, err = r.world(c.cell); err != nil {
				return err
			}
		}
		records := w.log(bench.room(c, rep, len(w.rows)), rep)
		step := ProgressStep{Replicates: 1}
		for i := range records {
			step.count(&records[i], i == w.watched, r.plan.Study.Alpha)
		}
		r.progress.Add(step)
		if bench.last(c) {
			if err := r.finish(c); err != nil {
				return err
			}
			bench.clear(c)
		}
	}
}

// finish writes a chunk, unless its cell ended meanwhile.
func (r *runner) finish(c *chunk) error {
	if !r.referee.within(c.task) {
		return nil
	}
	meta := map[string]string{"plan": r.plan.Hash, "seed": strconv.FormatUint(r.plan.Study.Seed, 10), "version": r.plan.Version, "processor": r.plan.Processor}
	if err := WriteChunk(r.path(c.task), c.records, meta); err != nil {
		return err
	}
	r.done[r.index(c.task)] = true
	if spared := r.referee.see(c.task, c.records); spared > 0 {
		r.progress.Spare(r.spared(spared))
	}
	r.finished.Add(int64(c.hi - c.lo))
	return nil
}

// world compiles a cell for one worker.
func (r *runner) world(cell int) (*world, error) {
	if err := r.findTruths(cell); err != nil {
		return nil, err
	}
	truths := &r.truths[cell]
	population := make([]float64, len(truths.effects))
	for i, t := range truths.effects {
		population[i] = t.Value
	}
	w, err := newWorld(r.cells[cell].Study, population)
	if err != nil {
		return nil, err
	}
	w.cell = cell
	w.watched = slices.IndexFunc(w.rows, func(row estimators.Row) bool { return r.watched == Test{row.Estimator, row.Outcome, row.Term} })
	w.submodels = w.newSubmodels(r.cells[cell].Study, truths.projections)
	return w, nil
}

// log appends the records of one replicate.
func (w *world) log(records []Record, rep int) []Record {
	for i, e := range w.replicate(rep) {
		row := &w.rows[i]
		records = append(records, Record{
			Cell: w.cell, Replicate: rep, Estimator: row.Estimator, Outcome: row.Outcome, Term: row.Term,
			Estimand: w.estimand[i], Truth: w.truth[i], Estimate: e,
		})
	}
	return records
}

// count adds one record to what progress shows.
func (s *ProgressStep) count(r *Record, labelled bool, alpha float64) {
	if r.Status.Failed() {
		s.Failures++
	}
	if labelled && !(r.Status.Worked() && math.IsNaN(r.P)) { // a description has no test
		s.Tests++
		if r.Status.Worked() && r.P <= alpha {
			s.Rejections++
		}
	}
}
