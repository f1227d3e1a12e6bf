package sim

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sweptStudy has three cells: the small study with 4, 6 and 8 schools a block.
func sweptStudy(replicates int, streams Streams) Study {
	s := smallStudy(replicates)
	s.Streams = streams
	for i, schools := range []int{4, 6, 8} {
		cell := smallStudy(replicates)
		cell.Design.Schools = schools
		cell.Seed = streams.Seed(s.Seed, i)
		s.Cells = append(s.Cells, Cell{Factors: []Factor{{"trial.schools", fmt.Sprint(schools)}}, Study: cell})
	}
	return s
}

func mustRunSweep(t *testing.T, s Study, dir string, workers int, resume bool) Outcome {
	t.Helper()
	o := silently(dir, workers)
	o.Resume = resume
	plan := planOf(s, "a")
	outcome, err := Run(t.Context(), plan, o)
	if err != nil {
		t.Fatal(err)
	}
	if outcome.Interrupted || outcome.Replicates != s.Trials() {
		t.Fatalf("%d of %d replicates, interrupted: %v", outcome.Replicates, s.Trials(), outcome.Interrupted)
	}
	return outcome
}

// recordsOf reads the log of one cell, as if it were the only one.
func recordsOf(t *testing.T, dir string, cell int) []Record {
	t.Helper()
	log, err := OpenLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []Record
	for records, err := range log.Chunks() {
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			if r.Cell == cell {
				r.Cell = 0
				all = append(all, r)
			}
		}
	}
	return all
}

func TestSweepIsTheSameOnAnyNumberOfWorkers(t *testing.T) {
	study := sweptStudy(ChunkReplicates+30, Common)
	var want map[string]string
	for _, workers := range []int{1, 2, 7} {
		dir := t.TempDir()
		outcome := mustRunSweep(t, study, dir, workers, false)
		got := files(t, dir)
		if want == nil {
			want = got
			if len(want) != 8 || want["chunks/cell-0002-rep-000000100.parquet"] == "" {
				t.Fatalf("the run directory holds %d files", len(want))
			}
		}
		checkSameFiles(t, fmt.Sprintf("%d workers", workers), got, want)
		if len(outcome.Truths) != 3*len(recordsOf(t, dir, 0))/study.Replicates {
			t.Errorf("%d population effects of 3 cells", len(outcome.Truths))
		}
	}
}

// A cell has the replicates that its study has when it runs alone: with common
// streams those of the sweep's seed.
func TestCellEqualsItsStudyAlone(t *testing.T) {
	for _, streams := range []Streams{Common, Independent} {
		study := sweptStudy(40, streams)
		dir := t.TempDir()
		mustRunSweep(t, study, dir, 2, false)
		for i, cell := range study.Cells {
			alone := t.TempDir()
			mustRun(t, planOf(cell.Study, "b"), silently(alone, 1))
			checkRecords(t, recordsOf(t, dir, i), recordsOf(t, alone, 0))
		}
	}
}

func TestStreamsOfCells(t *testing.T) {
	seen := map[uint64]bool{}
	for seed := range uint64(50) {
		for cell := range 50 {
			if got := Common.Seed(seed, cell); got != seed {
				t.Fatalf("common streams turn seed %d into %d", seed, got)
			}
			seen[Independent.Seed(seed, cell)] = true
		}
	}
	if len(seen) != 2500 {
		t.Errorf("2,500 cells have %d independent seeds", len(seen))
	}
	// Part of what a seed means: it must not change.
	if got := Independent.Seed(1, 1); got != 0x532deabf88729cb4 {
		t.Errorf("the seed of cell 1 in a study with seed 1 is %#x", got)
	}
}

// A sweep that lost chunks, or had fewer replicates, ends like one in one piece.
func TestResumeSweep(t *testing.T) {
	study := sweptStudy(ChunkReplicates+30, Common)
	fresh := t.TempDir()
	mustRunSweep(t, study, fresh, 2, false)
	want := files(t, fresh)
	for name, prepare := range map[string]func(dir string){
		"chunks lost": func(dir string) {
			mustRunSweep(t, study, dir, 2, false)
			must(t, os.Remove(filepath.Join(dir, "chunks", "cell-0001-rep-000000000.parquet")))
			must(t, os.Truncate(filepath.Join(dir, "chunks", "cell-0002-rep-000000100.parquet"), 500))
		},
		"extension": func(dir string) { mustRunSweep(t, sweptStudy(20, Common), dir, 2, false) },
	} {
		dir := t.TempDir()
		prepare(dir)
		mustRunSweep(t, study, dir, 2, true)
		checkSameFiles(t, name, files(t, dir), want)
	}

	// The last cell of a cut run may have fewer replicates than the first.
	must(t, os.Remove(filepath.Join(fresh, "chunks", "cell-0002-rep-000000100.parquet")))
	o := silently(fresh, 1)
	o.Resume = true
	if _, err := Run(t.Context(), planOf(sweptStudy(ChunkReplicates, Common), "a"), o); err == nil || !strings.Contains(err.Error(), "holds 130 replicates already") {
		t.Errorf("shrinking a sweep: %v", err)
	}
}
