package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"
)

// ProvenanceFile says of a run directory where it comes from. Its times differ from
// run to run, so it is the one file that is left out when directories are said to be
// the same.
const ProvenanceFile = "provenance.json"

// A Provenance says what made a run.
type Provenance struct {
	Version   string `json:"version"`
	Commit    string `json:"commit"` // of the program's source; "" if the build does not know it
	Go        string `json:"go"`
	System    string `json:"system"`    // GOOS
	Processor string `json:"processor"` // GOARCH: on another, last digits may differ
	Study     string `json:"study"`     // hash of all that decides a replicate
	Plan      string `json:"plan"`      // the same with the number of the program's results
	Results   int    `json:"results"`   // that number
	Seed      uint64 `json:"seed"`
}

// A Session is the work of one process on a run.
type Session struct {
	Began      time.Time `json:"began"`
	Wall       Seconds   `json:"wall_seconds"`
	Processor  Seconds   `json:"processor_seconds"`
	Workers    int       `json:"workers"`
	Replicates int       `json:"replicates"` // simulated by it
	Shard      string    `json:"shard,omitempty"`
}

// provenanceRecord is provenance.json.
type provenanceRecord struct {
	SchemaVersion int `json:"schema_version"`
	Provenance
	Sessions  []Session `json:"sessions"`
	Wall      Seconds   `json:"wall_seconds"`      // of all
	Processor Seconds   `json:"processor_seconds"` // of all
}

// Provenance says what would make a run of the plan in this process.
func (p Plan) Provenance() Provenance {
	made := Provenance{
		Version: p.Version, Go: runtime.Version(), System: runtime.GOOS, Processor: runtime.GOARCH,
		Study: p.StudyHash, Plan: p.Hash, Results: p.Results, Seed: p.Study.Seed,
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		changed := ""
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				made.Commit = s.Value
			case s.Key == "vcs.modified" && s.Value == "true":
				changed = ", changed"
			}
		}
		if made.Commit != "" {
			made.Commit += changed
		}
	}
	return made
}

// A stopwatch measures a session.
type stopwatch struct {
	began     time.Time
	processor time.Duration
}

func newStopwatch() stopwatch { return stopwatch{time.Now(), processorTime()} }

// session is the work since the stopwatch was started. The wall clock may be set in
// the meantime: what is measured is a clock of its own.
func (w stopwatch) session(workers, replicates int, shard Shard) Session {
	s := Session{
		Began: w.began.UTC().Truncate(time.Second), Wall: since(w.began),
		Processor: Seconds((processorTime() - w.processor).Seconds()), Workers: workers, Replicates: replicates,
	}
	if !shard.Whole() {
		s.Shard = shard.String()
	}
	return s
}

// writeProvenance adds sessions to a directory's.
func writeProvenance(dir string, p Provenance, sessions ...Session) error {
	old, err := readProvenance(dir)
	if err != nil || old.Plan != p.Plan {
		old = provenanceRecord{} // times of something else, or unreadable: nothing depends on them
	}
	now := provenanceRecord{SchemaVersion: 1, Provenance: p, Sessions: append(old.Sessions, sessions...)}
	for _, s := range now.Sessions {
		now.Wall += s.Wall
		now.Processor += s.Processor
	}
	text, err := json.MarshalIndent(now, "", "  ")
	if err != nil {
		return err
	}
	return writeAtomic(filepath.Join(dir, ProvenanceFile), append(text, '\n'))
}

func readProvenance(dir string) (provenanceRecord, error) {
	var p provenanceRecord
	path := filepath.Join(dir, ProvenanceFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return p, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// ReadProvenance reads what a run directory says of its making. One of an older
// version says nothing.
func ReadProvenance(dir string) (Provenance, error) {
	p, err := readProvenance(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return Provenance{}, nil
	}
	return p.Provenance, err
}
