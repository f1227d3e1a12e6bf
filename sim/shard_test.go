package sim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestShardIsReadAsWritten(t *testing.T) {
	for text, want := range map[string]string{
		"0/1": "", "3/8": "", "7/8": "",
		"8/8": "counted from 0: 0/8 to 7/8", "-1/8": "counted from 0", "0/0": "from 1 to", "3": "write K/N", "a/b": "write K/N", "1/2/3": "write K/N", "": "write K/N",
	} {
		var s Shard
		err := s.Set(text)
		if want == "" && (err != nil || s.String() != text) {
			t.Errorf("%q: %v, error %v", text, s, err)
		}
		if want != "" && (err == nil || !strings.Contains(err.Error(), want) || s != Shard{}) {
			t.Errorf("%q: %v, error %v", text, s, err)
		}
	}
}

// Shards are about equally large, and have about equally many of the slow cells,
// here of those whose place in the sweep is a multiple of some number.
func TestDealIsFair(t *testing.T) {
	for _, cells := range []int{1, 2, 5, 12, 55, 144, 1000} {
		for _, shards := range []int{1, 2, 5, 8, 64} {
			for _, chunks := range []int{1, 3, 10, 64} {
				d := newDeal(cells, shards, false)
				size := make([]int, shards)
				for cell := range cells {
					for chunk := range chunks {
						size[d.shard(task{cell, chunk})]++
					}
					for k := range shards {
						has := false
						for chunk := range chunks {
							has = has || d.shard(task{cell, chunk}) == k
						}
						if has != d.touches(k, cell, chunks) {
							t.Fatalf("%d cells, %d shards: shard %d touches cell %d: %v", cells, shards, k, cell, !has)
						}
					}
				}
				// Whole cells are dealt with one cell more or less, which is 1/wholeCells of
				// a shard. Chunks: the golden section leaves few more or less.
				slack := 4
				if d.whole {
					slack = chunks
				}
				if least, most := slices.Min(size), slices.Max(size); most-least > slack {
					t.Errorf("%d cells of %d chunks: %d shards have from %d to %d", cells, chunks, shards, least, most)
				}
			}
		}
	}
	for _, every := range []int{2, 5, 10, 55, 100} {
		const cells, shards, chunks = 1000, 8, 10
		d := newDeal(cells, shards, false)
		slow := make([]int, shards)
		for cell := 0; cell < cells; cell += every {
			for chunk := range chunks {
				slow[d.shard(task{cell, chunk})]++
			}
		}
		mean := float64(cells/every*chunks) / shards
		if most := float64(slices.Max(slow)); most > 3*mean+chunks {
			t.Errorf("every %dth cell is slow: a shard has %g of these chunks, the mean is %g", every, most, mean)
		}
	}
}

// twelveCells is a sweep of twelve designs of the small study, with effects in the
// sample: those of the population take a while, and have tests of their own.
func twelveCells(replicates int) Study {
	small := func() Study {
		s := smallStudy(replicates)
		s.Estimators = s.Estimators[1:2]
		return s
	}
	s := small()
	for i := range 12 {
		cell := small()
		cell.Design.Schools = 4 + 2*(i%3)
		cell.Achievement.Effect.Mean = []float64{0.1 * float64(i), 0}
		s.Cells = append(s.Cells, Cell{Factors: []Factor{{"cell", fmt.Sprint(i)}}, Study: cell})
	}
	return s
}

func runShards(t *testing.T, plan Plan, n int, o Options) []string {
	t.Helper()
	var dirs []string
	parent := t.TempDir()
	for k := range n {
		o.Dir = filepath.Join(parent, ShardDir(Shard{k, n}))
		outcome, err := Run(t.Context(), plan.Part(Shard{k, n}), o)
		if err != nil || outcome.Interrupted || outcome.Replicates != outcome.Total {
			t.Fatalf("shard %d: %+v, error %v", k, outcome, err)
		}
		dirs = append(dirs, o.Dir)
	}
	return dirs
}

// One machine with 1, 2 or 7 workers, five merged, a run that was killed and
// resumed, and one that was extended: the same bytes.
func TestSameBytesHoweverRun(t *testing.T) {
	plan := planOf(twelveCells(2*ChunkReplicates+10), "a")
	fresh := t.TempDir()
	if _, err := Run(t.Context(), plan, silently(fresh, 1)); err != nil {
		t.Fatal(err)
	}
	want := files(t, fresh)
	if len(want) != 2+36 {
		t.Fatalf("%d files", len(want))
	}
	check := func(what, dir string) {
		t.Helper()
		checkSameFiles(t, what, files(t, dir), want)
	}
	for _, workers := range []int{2, 7} {
		dir := t.TempDir()
		if _, err := Run(t.Context(), plan, silently(dir, workers)); err != nil {
			t.Fatal(err)
		}
		check(fmt.Sprint(workers, " workers"), dir)
	}

	shards := runShards(t, plan, 5, silently("", 2))
	merged := filepath.Join(t.TempDir(), "merged")
	if outcome, err := Merge(t.Context(), plan, shards, silently(merged, 2)); err != nil || outcome.Replicates != plan.Study.Trials() {
		t.Fatalf("%+v, error %v", outcome, err)
	}
	check("5 shards", merged)

	extended := t.TempDir()
	if _, err := Run(t.Context(), planOf(twelveCells(ChunkReplicates+50), "a"), silently(extended, 2)); err != nil {
		t.Fatal(err)
	}
	more := silently(extended, 2)
	more.Resume = true
	if _, err := Run(t.Context(), plan, more); err != nil {
		t.Fatal(err)
	}
	check("extended", extended)

	// Shards are extended too, and one of them lost its chunks.
	shards = runShards(t, planOf(twelveCells(ChunkReplicates+50), "a"), 3, silently("", 2))
	must(t, os.RemoveAll(filepath.Join(shards[1], "chunks")))
	for k, dir := range shards {
		more := silently(dir, 2)
		more.Resume = true
		if _, err := Run(t.Context(), plan.Part(Shard{k, 3}), more); err != nil {
			t.Fatal(err)
		}
	}
	extended = t.TempDir()
	if _, err := Merge(t.Context(), plan, shards, silently(extended, 2)); err != nil {
		t.Fatal(err)
	}
	check("extended shards", extended)
}

// What is missing, damaged or foreign is told, and nothing is written.
func TestMergeRefuses(t *testing.T) {
	plan := planOf(sweptStudy(2*ChunkReplicates, Common), "a")
	whole := runShards(t, plan, 4, silently("", 2))
	for name, c := range map[string]struct {
		damage func(dirs []string)
		want   []string
	}{
		"a shard is not there": {
			func(dirs []string) { must(t, os.RemoveAll(dirs[1])) },
			[]string{"1 of 4 shards are not finished", "shard 1/4 is not there", "--shard 1/4", "1-of-4\n", "job array: 1"},
		},
		"a chunk is missing": {
			func(dirs []string) { removeChunks(t, dirs[2], 1) },
			[]string{"shard 2/4 lacks 1 of ", "--resume"},
		},
		"all chunks are missing": {
			func(dirs []string) {
				must(t, os.RemoveAll(filepath.Join(dirs[0], "chunks")))
				removeChunks(t, dirs[1], 2)
			},
			[]string{"2 of 4 shards", "job array: 0-1"},
		},
		"a chunk is cut off": {
			func(dirs []string) { must(t, os.Truncate(chunkFiles(t, dirs[3])[0], 900)) },
			[]string{"shard 3/4 lacks 1 of ", "not a whole chunk"},
		},
		"a chunk of another plan": {
			func(dirs []string) {
				path := chunkFiles(t, dirs[3])[0]
				records, meta, err := ReadChunk(path)
				must(t, err)
				meta["plan"] = "b"
				must(t, WriteChunk(path, records, meta))
			},
			[]string{"another study or program version"},
		},
		"a chunk under another's name": {
			func(dirs []string) {
				paths := chunkFiles(t, dirs[0])
				must(t, os.Rename(paths[0], paths[1]))
			},
			[]string{"lacks 2 of", "belongs"},
		},
		"another study": {
			func(dirs []string) {
				must(t, os.WriteFile(planPath(dirs[2]), PlanText([]byte("aim: other\nreplicates: 200\n"), testProvenance("b", 7)), 0o644))
			},
			[]string{"another study", "+ aim: other"},
		},
		"another number of replicates": {
			func(dirs []string) {
				must(t, os.WriteFile(planPath(dirs[2]), planOf(sweptStudy(300, Common), "a").Part(Shard{2, 4}).Text, 0o644))
			},
			[]string{"has replicates: 300"},
		},
		"another number of shards": {
			func(dirs []string) {
				must(t, os.WriteFile(planPath(dirs[2]), plan.Part(Shard{2, 5}).Text, 0o644))
			},
			[]string{"is shard 2/5"},
		},
		"other true effects": {
			func(dirs []string) {
				path := filepath.Join(dirs[2], truthsFile)
				text, err := os.ReadFile(path)
				must(t, err)
				must(t, os.WriteFile(path, []byte(strings.Replace(string(text), "coaching,0.", "coaching,1.", 1)), 0o644))
			},
			[]string{"true effects of design"},
		},
		"a plan that was edited": {
			func(dirs []string) {
				for k, dir := range dirs {
					must(t, os.WriteFile(planPath(dir), planOf(plan.Study, "x").Part(Shard{k, 4}).Text, 0o644))
				}
			},
			[]string{"it was edited"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			parent, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
			for _, dir := range whole {
				must(t, os.CopyFS(filepath.Join(parent, filepath.Base(dir)), os.DirFS(dir)))
			}
			dirs, err := FindShards([]string{parent})
			if err != nil || len(dirs) != 4 {
				t.Fatalf("%q, error %v", dirs, err)
			}
			c.damage(dirs)
			dirs = slices.DeleteFunc(dirs, func(dir string) bool { _, err := os.Stat(dir); return err != nil })
			_, err = Merge(t.Context(), plan, dirs, silently(out, 1))
			if err == nil {
				t.Fatal("it was merged")
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q is not in the error:\n%v", part, err)
				}
			}
			if _, err := os.Stat(out); err == nil {
				t.Error("something was written")
			}
		})
	}
	if _, err := FindShards([]string{t.TempDir()}); err == nil || !strings.Contains(err.Error(), "no run directory") {
		t.Errorf("error %v", err)
	}

	// A merge that was stopped, and then goes on, is one that was not.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	out := filepath.Join(t.TempDir(), "out")
	if outcome, err := Merge(ctx, plan, whole, silently(out, 1)); err != nil || !outcome.Interrupted {
		t.Errorf("%+v, error %v", outcome, err)
	}
	if _, err := Merge(t.Context(), plan, whole, silently(out, 1)); err != nil {
		t.Error(err)
	}
	var refused *DirectoryError
	other := planOf(smallStudy(100), "b")
	mustRun(t, other, silently(filepath.Join(out, "..", "other"), 1))
	if _, err := Merge(t.Context(), plan, whole, silently(filepath.Join(out, "..", "other"), 1)); !errors.As(err, &refused) {
		t.Errorf("a merge into another run: error %v", err)
	}
}

func chunkFiles(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(chunkDir(dir), "*.parquet"))
	must(t, err)
	return paths
}

func removeChunks(t *testing.T, dir string, n int) {
	t.Helper()
	for _, path := range chunkFiles(t, dir)[:n] {
		must(t, os.Remove(path))
	}
}
