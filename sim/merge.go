package sim

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// An Incomplete error says what is missing of a run in shards.
type Incomplete struct {
	Shards  int // of the run
	Missing []MissingShard
	Plan    string // path of a plan.yaml of the run
}

// A MissingShard is a shard that is not finished.
type MissingShard struct {
	Shard  Shard
	Dir    string // "" if there is none
	Chunks int    // that are missing
	Of     int    // that it has
	Damage error  // the first chunk that cannot be used
}

func (e *Incomplete) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d shards are not finished:\n", len(e.Missing), e.Shards)
	for _, m := range e.Missing {
		if m.Dir == "" {
			fmt.Fprintf(&b, "  shard %s is not there\n", m.Shard)
			continue
		}
		fmt.Fprintf(&b, "  shard %s lacks %d of %d chunks in %s\n", m.Shard, m.Chunks, m.Of, m.Dir)
		if m.Damage != nil {
			fmt.Fprintf(&b, "    %v\n", m.Damage)
		}
	}
	b.WriteString("finish them, then merge again:\n")
	beside := filepath.Dir(filepath.Dir(e.Plan))
	for _, m := range e.Missing {
		dir, resume := m.Dir, " --resume"
		if dir == "" {
			dir, resume = filepath.Join(beside, ShardDir(m.Shard)), ""
		}
		fmt.Fprintf(&b, "  coachsim run %s --shard %s --out %s%s\n", quoted(e.Plan), m.Shard, quoted(dir), resume)
	}
	fmt.Fprintf(&b, "their numbers, for a job array: %s", e.Array())
	return b.String()
}

// Array lists the missing shards as job schedulers write it: 0,3-5.
func (e *Incomplete) Array() string {
	var parts []string
	for i := 0; i < len(e.Missing); {
		first := e.Missing[i].Shard.K
		last := first
		for i++; i < len(e.Missing) && e.Missing[i].Shard.K == last+1; i++ {
			last++
		}
		part := strconv.Itoa(first)
		if last > first {
			part += "-" + strconv.Itoa(last)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ",")
}

// quoted is a path as a shell reads it.
func quoted(path string) string {
	if strings.ContainsFunc(path, func(r rune) bool { return !strings.ContainsRune("/._-+:@%", r) && !isAlphanumeric(r) }) {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}

func isAlphanumeric(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 127
}

// ShardDir is the usual name of the directory of a shard.
func ShardDir(s Shard) string { return fmt.Sprintf("%d-of-%d", s.K, s.N) }

// FindShards returns the run directories among dirs and, for those that are
// none, right below them.
func FindShards(dirs []string) ([]string, error) {
	var all []string
	for _, dir := range dirs {
		if _, err := os.Stat(planPath(dir)); err == nil {
			all = append(all, filepath.Clean(dir))
			continue
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		found := len(all)
		for _, entry := range entries {
			below := filepath.Join(dir, entry.Name())
			if _, err := os.Stat(planPath(below)); err == nil {
				all = append(all, below)
			}
		}
		if len(all) == found {
			return nil, &fs.PathError{Op: "merging", Path: dir, Err: errors.New("there is no run directory in it")}
		}
	}
	return all, nil
}

// ReadShards reads the plans of shards and refuses those that are not of one run.
// It returns the plan of the first.
func ReadShards(dirs []string) (Plan, error) {
	var first Plan
	for i, dir := range dirs {
		plan, err := ReadPlan(dir)
		if err != nil {
			return Plan{}, err
		}
		if plan.Hash == "" {
			return Plan{}, &DirectoryError{dir, "its plan.yaml does not say what study it is of"}
		}
		if i == 0 {
			first = plan
			continue
		}
		switch {
		case plan.Hash != first.Hash:
			return Plan{}, &DirectoryError{dir, fmt.Sprintf("is of another study, or by another version of coachsim, than %s:\n%sthey cannot be merged", dirs[0], planDiff(first.Text, plan.Text))}
		case planReplicates(plan.Text) != planReplicates(first.Text):
			return Plan{}, &DirectoryError{dir, fmt.Sprintf("has %s, and %s has %s; run the shorter again with --replicates and --resume", planReplicates(plan.Text), dirs[0], planReplicates(first.Text))}
		case planChunk(plan.Text) != planChunk(first.Text):
			return Plan{}, &DirectoryError{dir, fmt.Sprintf("has chunks of %d replicates, and %s has chunks of %d", planChunk(plan.Text), dirs[0], planChunk(first.Text))}
		case !slices.Equal(planPrecision(plan.Text), planPrecision(first.Text)):
			return Plan{}, &DirectoryError{dir, fmt.Sprintf("asks for another precision than %s", dirs[0])}
		case max(1, plan.Shard.N) != max(1, first.Shard.N):
			return Plan{}, &DirectoryError{dir, fmt.Sprintf("is %s, and %s is %s: of a run with another number of shards", plan.Shard.named(), dirs[0], first.Shard.named())}
		}
	}
	return first, nil
}

// Merge puts the chunks of shards together into the run directory of a plan, which
// is the plan of the whole run. The directory is then what Run would have made of
// it. Every chunk is read and checked; if any is missing, the error is an
// *Incomplete and nothing is written. What an interrupted Merge has written
// already is kept by the next.
func Merge(ctx context.Context, plan Plan, shards []string, o Options) (out Outcome, err error) {
	part, err := ReadShards(shards)
	if err != nil {
		return Outcome{}, err
	}
	if part.Hash != plan.Hash {
		return Outcome{}, &DirectoryError{shards[0], "its plan.yaml is not what was simulated: it was edited, or it is by another version of coachsim that gives other results"}
	}
	r := newRunner(plan, o)
	r.dealTo(part.Shard.N)
	from, err := r.collect(ctx, shards)
	if err != nil {
		return Outcome{}, err
	}
	if from == nil {
		return Outcome{Interrupted: true}, nil
	}
	truths, err := mergeTruths(shards)
	if err != nil {
		return Outcome{}, err
	}
	if !o.Held {
		release, err := Hold(o.Dir)
		if err != nil {
			return Outcome{}, err
		}
		defer func() { err = errors.Join(err, release()) }()
	}
	o.Resume = true
	if err := prepare(plan, o); err != nil {
		return Outcome{}, err
	}
	if err := writeAtomic(filepath.Join(o.Dir, truthsFile), truths); err != nil {
		return Outcome{}, err
	}
	for i, path := range from {
		if !r.referee.within(r.task(i)) {
			continue
		}
		if ctx.Err() != nil {
			return Outcome{Interrupted: true}, nil
		}
		if err := copyFile(r.path(r.task(i)), path); err != nil {
			return Outcome{}, err
		}
	}
	// Checks what was copied, and removes what is no part of the run.
	r.dealTo(1)
	if err := r.findDone(); err != nil {
		return Outcome{}, err
	}
	if r.missing > 0 {
		return Outcome{}, &DirectoryError{o.Dir, fmt.Sprintf("%d chunks were damaged while they were copied; merge again", r.missing)}
	}
	var sessions []Session
	for _, dir := range shards {
		made, err := readProvenance(dir)
		if err != nil {
			continue // times that nobody knows
		}
		sessions = append(sessions, made.Sessions...)
	}
	if err := os.RemoveAll(filepath.Join(o.Dir, ProvenanceFile)); err != nil { // of the same shards, if it was merged before
		return Outcome{}, err
	}
	if err := writeProvenance(o.Dir, plan.Provenance(), sessions...); err != nil {
		return Outcome{}, err
	}
	total := r.replicates()
	return Outcome{Replicates: total, Total: total}, nil
}

// collect finds a good file for every task, or tells which are missing. It
// returns nothing if ctx ended.
func (r *runner) collect(ctx context.Context, shards []string) ([]string, error) {
	from := make([]string, r.tasks())
	rows := make([]int, len(r.cells)) // of a replicate
	damage := map[string]error{}      // the first of each directory
	dirs := map[int]string{}          // by shard
	for _, dir := range shards {
		plan, err := ReadPlan(dir)
		if err != nil {
			return nil, err
		}
		dirs[plan.Shard.K] = dir
		entries, err := os.ReadDir(chunkDir(dir))
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // it has not begun
			return nil, err
		}
		for _, entry := range entries {
			t, ok := r.named(entry.Name())
			if !ok || from[r.index(t)] != "" {
				continue
			}
			if ctx.Err() != nil {
				return nil, nil //nolint:nilerr // an interruption is an outcome
			}
			path := filepath.Join(chunkDir(dir), entry.Name())
			records, err := r.read(path, t, rows[t.cell])
			if err != nil {
				if damage[dir] == nil {
					damage[dir] = err
				}
				continue
			}
			lo, hi := r.span(t.chunk)
			rows[t.cell] = len(records) / (hi - lo)
			from[r.index(t)] = path
			r.referee.see(t, records)
		}
	}
	missing := map[int]*MissingShard{}
	of := map[int]int{}
	for i, path := range from {
		if !r.referee.within(r.task(i)) {
			continue
		}
		k := r.deal.shard(r.task(i))
		of[k]++
		if path != "" {
			continue
		}
		if missing[k] == nil {
			missing[k] = &MissingShard{Shard: Shard{k, r.deal.shards}, Dir: dirs[k], Damage: damage[dirs[k]]}
		}
		missing[k].Chunks++
	}
	if len(missing) == 0 {
		return from, nil
	}
	incomplete := &Incomplete{Shards: r.deal.shards, Plan: planPath(shards[0])}
	for k, m := range missing {
		m.Of = of[k]
		incomplete.Missing = append(incomplete.Missing, *m)
	}
	slices.SortFunc(incomplete.Missing, func(a, b MissingShard) int { return cmp.Compare(a.Shard.K, b.Shard.K) })
	return nil, incomplete
}

// mergeTruths puts the true effects that shards have found into one text. Where two
// have those of one cell, they must agree.
func mergeTruths(shards []string) ([]byte, error) {
	cells := map[int][][]string{}
	for _, dir := range shards {
		lines, err := readTruthLines(dir)
		if err != nil {
			return nil, err
		}
		its := map[int][][]string{}
		for _, line := range lines {
			cell, err := strconv.Atoi(line[0])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", filepath.Join(dir, truthsFile), err)
			}
			its[cell] = append(its[cell], line)
		}
		for cell, lines := range its {
			if known, ok := cells[cell]; ok && !slices.EqualFunc(known, lines, slices.Equal[[]string]) {
				return nil, &DirectoryError{dir, fmt.Sprintf("its true effects of design %d are not those of the other shards: was it simulated on another kind of processor?", cell)}
			}
			cells[cell] = lines
		}
	}
	var order []int
	for cell := range cells {
		order = append(order, cell)
	}
	slices.Sort(order)
	var text bytes.Buffer
	out := csv.NewWriter(&text)
	all := [][]string{truthsHeader}
	for _, cell := range order {
		all = append(all, cells[cell]...)
	}
	err := out.WriteAll(all)
	return text.Bytes(), err
}

// copyFile copies a file that appears whole or not at all.
func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	return ReplaceFile(to, func(w io.Writer) error {
		_, err := io.Copy(w, in)
		return err
	})
}
