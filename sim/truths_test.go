package sim

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A run that goes on takes the true effects of the earlier one, and finds them again
// where they are lost or, as the finished chunks show, were edited.
func TestTruthsAreRecalled(t *testing.T) {
	short, long := planOf(smallStudy(ChunkReplicates), "a"), planOf(smallStudy(ChunkReplicates+30), "a")
	whole := t.TempDir()
	mustRun(t, long, silently(whole, 2))
	want := files(t, whole)
	for what, damage := range map[string]func(text string) string{
		"as it was": func(text string) string { return text },
		"no truths": func(string) string { return strings.Join(truthsHeader, ",") + "\n" },
		"damaged":   func(text string) string { return text[:len(text)/2] },
		"edited":    func(text string) string { return strings.Replace(text, ",coaching,0.", ",coaching,1.", 1) },
	} {
		dir := t.TempDir()
		mustRun(t, short, silently(dir, 2))
		path := filepath.Join(dir, truthsFile)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		changed := damage(string(text))
		if (changed == string(text)) != (what == "as it was") {
			t.Fatalf("%s: the damage does none", what)
		}
		if err := os.WriteFile(path, []byte(changed), 0o644); err != nil {
			t.Fatal(err)
		}
		on := silently(dir, 2)
		on.Resume = true
		mustRun(t, long, on)
		checkSameFiles(t, what, files(t, dir), want)
	}
}

// A chunk with other true effects than its study has is simulated again.
func TestChunkWithOtherTruthsIsSimulatedAgain(t *testing.T) {
	plan := planOf(smallStudy(2*ChunkReplicates), "a")
	dir := t.TempDir()
	mustRun(t, plan, silently(dir, 2))
	want := files(t, dir)
	path := filepath.Join(chunkDir(dir), "cell-0000-rep-000000100.parquet")
	records, meta, err := ReadChunk(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range records {
		if records[i].Estimand == Population.String() {
			records[i].Truth++
		}
	}
	if err := WriteChunk(path, records, meta); err != nil {
		t.Fatal(err)
	}
	on := silently(dir, 2)
	on.Resume = true
	mustRun(t, plan, on)
	checkSameFiles(t, "edited chunk", files(t, dir), want)
}

// A shard takes the true effects that another beside it has found: shown by a precision
// that only the other's file has. Shards of another study are left alone.
func TestShardsShareTruths(t *testing.T) {
	parent := t.TempDir()
	plan := planOf(smallStudy(3*ChunkReplicates), "a")
	shard := func(plan Plan, k int) string {
		dir := filepath.Join(parent, plan.Hash+ShardDir(Shard{k, 3}))
		on := silently(dir, 2)
		on.Resume = true
		if _, err := Run(t.Context(), plan.Part(Shard{k, 3}), on); err != nil {
			t.Fatal(err)
		}
		return files(t, dir)[truthsFile]
	}
	first := shard(plan, 0)
	lines := strings.Split(first, "\n")
	lines[1] = lines[1][:strings.LastIndex(lines[1], ",")] + ",12345"
	marked := strings.Join(lines, "\n")
	if err := os.WriteFile(filepath.Join(parent, "a"+ShardDir(Shard{0, 3}), truthsFile), []byte(marked), 0o644); err != nil {
		t.Fatal(err)
	}
	if second := shard(plan, 1); second != marked {
		t.Errorf("the second shard has\n%swant\n%s", second, marked)
	}
	if other := shard(planOf(smallStudy(3*ChunkReplicates), "b"), 1); other != first {
		t.Errorf("a shard of another study has\n%swant\n%s", other, first)
	}
}
