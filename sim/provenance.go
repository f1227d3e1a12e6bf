package sim

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// ProvenanceFile says of a run directory what the work on it took. Its times differ from
// run to run, so it is the one file that is left out when directories are said to be
// the same. All else of a run's provenance is the same for the same run, and stands in
// plan.yaml and whatever is made from the log too.
const ProvenanceFile = "provenance.json"

// A Build is a program that simulates.
type Build struct {
	Version   string `json:"version"`
	Commit    string `json:"commit"`    // of the program's source; "" if the build does not know it
	Go        string `json:"go"`        // version of the compiler
	Processor string `json:"processor"` // GOARCH: on another, last digits may differ
}

// ThisBuild is the program at work.
func ThisBuild(version string) Build {
	b := Build{Version: version, Go: runtime.Version(), Processor: runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	changed := ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			b.Commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = ", changed"
		}
	}
	if b.Commit != "" {
		b.Commit += changed
	}
	return b
}

// A Provenance says what made a run, as far as it is the same for the same run.
type Provenance struct {
	Build
	Study   string `json:"study"`   // hash of all that decides a replicate
	Plan    string `json:"plan"`    // the same with the number of the program's results
	Results int    `json:"results"` // that number
	Seed    uint64 `json:"seed"`
}

// String is a provenance on one line.
func (p Provenance) String() string {
	build := []string{}
	if p.Commit != "" {
		build = append(build, "commit "+p.Commit)
	}
	for _, text := range []string{p.Go, p.Processor} {
		if text != "" {
			build = append(build, text)
		}
	}
	text := "coachsim " + p.Version
	if len(build) > 0 {
		text += " (" + strings.Join(build, ", ") + ")"
	}
	if p.Study != "" {
		text += ", study " + p.Study
	}
	return fmt.Sprintf("%s, seed %d", text, p.Seed)
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
	System    string    `json:"system"` // GOOS, of the last process
	Sessions  []Session `json:"sessions"`
	Wall      Seconds   `json:"wall_seconds"`      // of all
	Processor Seconds   `json:"processor_seconds"` // of all
}

// Provenance says what makes a run of the plan.
func (p Plan) Provenance() Provenance {
	return Provenance{Build: p.Build, Study: p.StudyHash, Plan: p.Hash, Results: p.Results, Seed: p.Study.Seed}
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
	now := provenanceRecord{SchemaVersion: 1, Provenance: p, System: runtime.GOOS, Sessions: append(old.Sessions, sessions...)}
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
