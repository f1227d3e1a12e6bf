package sim

import (
	"context"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"time"
	"unsafe"

	"coachsim/dgp"
)

// A Forecast is what a run will take, from a short probe of it: a few replicates
// of its designs, measured by the clock. It is no promise: a busy machine is slower.
type Forecast struct {
	Trials  int              `json:"trials"` // over all designs
	Workers int              `json:"workers"`
	Time    Seconds          `json:"seconds"`        // in all, without figures
	Truths  Seconds          `json:"truths_seconds"` // of this, to find the true effects of the population
	Memory  int64            `json:"memory_bytes"`
	Log     int64            `json:"log_bytes"` // on disk
	Probed  []DesignForecast `json:"probed"`

	chunks int     // of the log
	size   int     // replicates of one
	chunk  Seconds // that one takes on one worker, on average
	world  int64   // bytes that the largest worker holds
}

// Seconds is a duration that JSON has in seconds.
type Seconds float64

// A DesignForecast is what the probe of one design found.
type DesignForecast struct {
	Design   int     `json:"design"`            // its place in the sweep; 0 without one
	PerTrial Seconds `json:"seconds_per_trial"` // to draw and fit one, and to log it, on one worker
	Truths   Seconds `json:"truths_seconds"`    // to find its true effects, on one worker
	Compile  Seconds `json:"compile_seconds"`   // to prepare one worker
	World    int64   `json:"worker_bytes"`      // what one worker holds
	Chunk    int64   `json:"chunk_bytes"`       // of the log

	failing bool // an estimate failed in every replicate of the probe
}

func since(t time.Time) Seconds { return Seconds(time.Since(t).Seconds()) }

// The probe.
const (
	maxProbed   = 24                      // designs, spread evenly over a longer sweep
	probeBudget = 1500 * time.Millisecond // for all designs, beyond the two replicates that each gets
	probeLeast  = 2                       // replicates of a design
	probeMost   = ChunkReplicates
)

// Forecast probes a study.
func (s Study) Forecast(ctx context.Context, workers int) (Forecast, error) {
	designs := s.designs()
	workers = max(1, workers)
	f := Forecast{Trials: s.Trials(), Workers: workers}
	step := (len(designs) + maxProbed - 1) / maxProbed
	probes := (len(designs) + step - 1) / step
	// A worker takes a chunk at a time, and no more of them work than there are
	// processors. Each prepares itself for a design once.
	parallel := min(workers, runtime.GOMAXPROCS(0))
	chunks := s.Chunks() / len(designs)
	size := float64(s.Replicates) / float64(chunks) // the last may be short
	perWorker := math.Ceil(float64(chunks) / float64(parallel))
	var truths, chunk, bytes float64
	var world int64
	for i := 0; i < len(designs); i += step {
		d, err := designs[i].Study.probe(ctx, probeBudget/time.Duration(probes), int(math.Ceil(size)))
		if err != nil {
			return f, err
		}
		d.Design = i
		f.Probed = append(f.Probed, d)
		truths += float64(d.Truths) / float64(probes)
		chunk += (float64(d.PerTrial)*size + float64(d.Compile)/perWorker) / float64(probes)
		bytes += float64(d.Chunk) / float64(probes)
		world = max(world, d.World)
	}
	tasks := s.Chunks()
	rounds := math.Ceil(float64(tasks) / float64(parallel))
	f.Truths = Seconds(truths * float64(len(designs)) / float64(parallel))
	f.Time = f.Truths + Seconds(chunk*rounds)
	f.Log = int64(bytes * float64(tasks))
	f.chunks, f.chunk, f.size, f.world = tasks, Seconds(chunk), s.ChunkSize(), world
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	const code = 20e6 // the program itself, which Sys leaves out
	f.Memory = code + int64(now.Sys) + garbage*int64(workers)*world
	return f, nil
}

// garbage: the heap grows to twice what is in use.
const garbage = 2

// Failing reports whether an estimate failed in every replicate of a probe: Rehearse says
// which, and tries more of them.
func (f Forecast) Failing() bool {
	return slices.ContainsFunc(f.Probed, func(d DesignForecast) bool { return d.failing })
}

// alwaysFails reports whether one of so many rows failed in every replicate of a log.
func alwaysFails(records []Record, rows int) bool {
	worked := make([]bool, rows)
	for i, r := range records {
		worked[i%rows] = worked[i%rows] || !judged(r.Estimate).Failed()
	}
	return slices.Contains(worked, false)
}

// Shard is what each of n shards takes on a machine of its own, with as many
// processors as workers. It has a fair part of the chunks, and at worst
// finds the true effects of all designs.
func (f Forecast) Shard(n, workers int) Forecast {
	chunks := (f.chunks + n - 1) / n
	here := min(f.Workers, runtime.GOMAXPROCS(0))
	s := f
	s.Trials, s.Workers, s.chunks = min(f.Trials, chunks*f.size), workers, chunks
	s.Truths = f.Truths * Seconds(here) / Seconds(workers)
	s.Time = s.Truths + f.chunk*Seconds((chunks+workers-1)/workers)
	s.Log = f.Log * int64(chunks) / int64(f.chunks)
	s.Memory = f.Memory + garbage*int64(workers-f.Workers)*f.world
	return s
}

// probe simulates a few replicates of one design, whose log has chunks of so many.
func (s Study) probe(ctx context.Context, budget time.Duration, chunk int) (DesignForecast, error) {
	var d DesignForecast
	before := heap()
	begin := time.Now()
	w, err := newWorld(s, nil)
	if err != nil {
		return d, err
	}
	d.Compile = since(begin)
	d.World = max(0, heap()-before)
	records := make([]Record, 0, len(w.rows)*probeLeast)
	records = w.log(records, 0) // the first is slow: nothing is in the caches
	begin = time.Now()
	n := 0
	for n < probeMost && (n < probeLeast || time.Since(begin) < budget) {
		if err := ctx.Err(); err != nil {
			return d, err
		}
		n++
		records = w.log(records, n)
	}
	d.PerTrial = since(begin) / Seconds(n)
	d.failing = alwaysFails(records, len(w.rows))
	small, _, err := encoded(records[:len(w.rows)])
	if err != nil {
		return d, err
	}
	large, took, err := encoded(records)
	if err != nil {
		return d, err
	}
	d.PerTrial += took / Seconds(n+1)
	d.Chunk = small + (large-small)*int64(chunk-1)/int64(n)
	d.World += int64(len(w.rows)*chunk) * int64(unsafe.Sizeof(Record{})+unsafe.Sizeof(chunkRow{}))
	if slices.Contains(w.estimand, Population.String()) {
		d.Truths, err = s.probeTruths(n)
	}
	runtime.KeepAlive(w)
	return d, err
}

// probeTruths measures how long a design's true effects take: those of a few
// draws, taken as effects in the sample.
func (s Study) probeTruths(n int) (Seconds, error) {
	s.Estimators = slices.DeleteFunc(slices.Clone(s.Estimators), func(e Estimator) bool { return e.Estimand != Population })
	for i := range s.Estimators {
		s.Estimators[i].Estimand = Sample
	}
	w, err := newWorld(s, nil)
	if err != nil {
		return 0, err
	}
	if w.effects == nil {
		return 0, nil
	}
	var began time.Time
	for i := range n + 1 {
		if i == 1 { // the first is slow
			began = time.Now()
		}
		w.effects.of(w.generator.Draw(dgp.Stream{Seed: populationSeed, Replicate: uint64(i)}))
	}
	return since(began) / Seconds(n) * populationDraws, nil
}

// encoded returns how many bytes records take in the log, and the time to encode
// them.
func encoded(records []Record) (int64, Seconds, error) {
	began := time.Now()
	rows, err := chunkRows(records)
	if err != nil {
		return 0, 0, err
	}
	var n counter
	err = encodeChunk(&n, rows, nil)
	return int64(n), since(began), err
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// heap returns the bytes in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Write writes the forecast for a planner: time, memory and disk.
func (f Forecast) Write(w io.Writer) error {
	workers := "1 worker"
	if f.Workers > 1 {
		workers = fmt.Sprintf("%d workers", f.Workers)
	}
	least, most := f.Probed[0].PerTrial, f.Probed[0].PerTrial
	for _, d := range f.Probed {
		least, most = min(least, d.PerTrial), max(most, d.PerTrial)
	}
	trial := writtenMilliseconds(least)
	if len(f.Probed) > 1 {
		trial += " to " + writtenMilliseconds(most)
	}
	_, err := fmt.Fprintf(w, "about %s on %s if nothing else runs: %s trials of %s ms on one, and %s for the true effects\nabout %s of memory, some twice that to draw figures, and %s of disk for the log\n",
		f.Time.written(), workers, grouped(f.Trials), trial, f.Truths.written(), writtenBytes(f.Memory), writtenBytes(f.Log))
	return err
}

func (s Seconds) written() string {
	return writtenDuration(time.Duration(float64(s) * float64(time.Second)))
}

// writtenMilliseconds has two digits: 0.53, 5.3, 53, 5,300.
func writtenMilliseconds(d Seconds) string {
	ms := 1000 * float64(d)
	switch {
	case ms < 1:
		return fmt.Sprintf("%.2f", ms)
	case ms < 10:
		return fmt.Sprintf("%.1f", ms)
	}
	return grouped(int(math.Round(ms)))
}

// writtenBytes is 640 KB, 3.2 MB, 64 MB, 1.2 GB.
func writtenBytes(n int64) string {
	const kilo = 1000
	x, unit := float64(n)/kilo, "KB"
	for _, next := range []string{"MB", "GB", "TB"} {
		if x < kilo {
			break
		}
		x, unit = x/kilo, next
	}
	if x < 10 {
		return fmt.Sprintf("%.1f %s", x, unit)
	}
	return fmt.Sprintf("%.0f %s", x, unit)
}
