package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"coachsim/estimators"
)

// logOf is every record of a directory's log, as text.
func logOf(t *testing.T, dir string) string {
	t.Helper()
	log, err := OpenLog(dir)
	must(t, err)
	var all strings.Builder
	for records, err := range log.Chunks() {
		must(t, err)
		for i := range records {
			fmt.Fprintln(&all, records[i])
		}
	}
	return all.String()
}

// The size of chunks changes the files of the log and no record in it: in one run, in
// shards that are merged, after an interruption, and where precision ends a design.
func TestChunkSize(t *testing.T) {
	const replicates = 2*ChunkReplicates + 30
	usual, small := smallStudy(replicates), smallStudy(replicates)
	small.Chunk = 20
	dir := t.TempDir()
	whole, cut := filepath.Join(dir, "whole"), filepath.Join(dir, "cut")
	mustRun(t, planOf(usual, "a"), silently(whole, 2))
	mustRun(t, planOf(small, "a"), silently(cut, 2))
	want := logOf(t, whole)
	if got := logOf(t, cut); got != want {
		t.Error("the log has other records")
	}
	log, err := OpenLog(cut)
	must(t, err)
	if n := len(log.Files()); n != 12 || small.Chunks() != 12 {
		t.Errorf("%d files, %d chunks of 230 replicates by 20", n, small.Chunks())
	}
	if v, err := Verify(t.Context(), planOf(small, "a"), cut, 7, 1, 1); err != nil || len(v.Faults) > 0 || v.Chunks != 12 {
		t.Errorf("%+v, error %v", v, err)
	}
	if records, err := Replicate(planOf(small, "a"), cut, 0, 229); err != nil || records[0].Replicate != 229 {
		t.Errorf("replicate 229: %v", err)
	}

	shards := runShards(t, planOf(small, "a"), 3, silently("", 2))
	merged := filepath.Join(dir, "merged")
	if _, err := Merge(t.Context(), planOf(small, "a"), shards, silently(merged, 2)); err != nil {
		t.Fatal(err)
	}
	checkSameFiles(t, "merged", files(t, merged), files(t, cut))
	other := runShards(t, planOf(usual, "a"), 3, silently("", 2))
	if _, err := ReadShards([]string{shards[0], other[1]}); err == nil || !strings.Contains(err.Error(), "chunks of 100 replicates") {
		t.Errorf("shards with chunks of two sizes: %v", err)
	}

	resumed := silently(whole, 2)
	resumed.Resume = true
	if _, err := Run(t.Context(), planOf(small, "a"), resumed); err == nil || !strings.Contains(err.Error(), "in chunks of 100 replicates, not of 20; go on with --set chunk=100") {
		t.Errorf("a run in other chunks: %v", err)
	}
	if logOf(t, whole) != want {
		t.Error("a refused run changed the log")
	}
}

func TestPrecisionDoesNotDependOnChunks(t *testing.T) {
	study := smallStudy(3 * PrecisionReplicates)
	study.Estimators = study.Estimators[1:2]
	study.Precision = []Precision{{Measure: "power", MCSE: 0.02}}
	var want string
	for _, chunk := range []int{0, 50, 4} {
		study.Chunk = chunk
		dir := t.TempDir()
		out, err := Run(t.Context(), planOf(study, "a"), silently(dir, 2))
		must(t, err)
		if out.Replicates != PrecisionReplicates && out.Replicates != 2*PrecisionReplicates {
			t.Errorf("chunk %d: %d replicates", chunk, out.Replicates)
		}
		got := logOf(t, dir)
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("chunks of %d end elsewhere", chunk)
		}
	}
}

// A study whose data sets take many fits has small chunks, whatever the machine.
func TestChunkSizeFollowsFits(t *testing.T) {
	prediction := func(model estimators.Model, runs int) Estimator {
		return Estimator{Method: estimators.Prediction{Model: model, Runs: runs}}
	}
	for _, c := range []struct {
		of   []Estimator
		want int
	}{
		{smallStudy(1).Estimators, 100},
		{[]Estimator{prediction(estimators.LASSO, 100)}, 100},
		{[]Estimator{prediction(estimators.LASSO, 101)}, 50},
		{[]Estimator{prediction(estimators.ConditionalForest, 20)}, 20}, // 1,000 trees count as 20 fits
		{[]Estimator{prediction(estimators.LASSO, 200), prediction(estimators.ConditionalForest, 20), prediction(estimators.LASSO, 400)}, 10},
		{[]Estimator{prediction(estimators.ConditionalForest, 200)}, 5},
		{[]Estimator{{Method: estimators.CForest{Trees: 10_000}}}, 50},
	} {
		if got := (Study{Estimators: c.of}).ChunkSize(); got != c.want {
			t.Errorf("%+v: chunks of %d, not %d", c.of, got, c.want)
		}
	}
	if got := (Study{Estimators: []Estimator{prediction(estimators.ConditionalForest, 200)}, Chunk: 25}).ChunkSize(); got != 25 {
		t.Errorf("chunks of %d, not 25", got)
	}
	study := smallStudy(1)
	study.Chunk = 30
	if faults := study.Validate(); !slices.ContainsFunc(faults, func(f Fault) bool { return f.Path == "chunk" && strings.Contains(f.Message, "30 is no divisor of 100") }) {
		t.Errorf("%v", faults)
	}
}

// Progress moves with every replicate, not with every chunk.
func TestProgressMovesWithReplicates(t *testing.T) {
	var told bytes.Buffer
	var now time.Time
	o := silently(t.TempDir(), 1)
	o.Progress = ProgressSetup{Writer: &told, Mode: ProgressJSON, Now: func() time.Time { now = now.Add(time.Second); return now }}
	_, err := Run(context.Background(), planOf(smallStudy(30), "a"), o)
	must(t, err)
	var done []int
	for line := range strings.Lines(told.String()) {
		var report struct{ Done int }
		must(t, json.Unmarshal([]byte(line), &report))
		done = append(done, report.Done)
	}
	for i := range 31 {
		if i >= len(done) || done[i] != i {
			t.Fatalf("told %v", done)
		}
	}
}
