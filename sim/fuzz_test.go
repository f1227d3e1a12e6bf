package sim

import (
	"math"
	"os"
	"path/filepath"
	"testing"
)

// FuzzReadChunk: whatever a chunk's file holds, reading it neither panics nor
// returns a record that cannot have been written.
func FuzzReadChunk(f *testing.F) {
	dir := f.TempDir()
	for _, n := range []int{1, 3, 40} {
		f.Add(mustWriteChunk(f, filepath.Join(dir, "seed.parquet"), manyRecords(n), map[string]string{"plan": "x"}))
	}
	f.Add([]byte("PAR1PAR1"))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "chunk.parquet")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		records, _, err := ReadChunk(path)
		if err != nil {
			return
		}
		for _, r := range records {
			if r.Status.Worked() && math.IsNaN(r.Value) {
				t.Errorf("%+v", r)
			}
		}
	})
}

// FuzzPlan: whatever plan.yaml holds, it is compared and taken apart without a
// panic, and a plan differs from itself in nothing.
func FuzzPlan(f *testing.F) {
	f.Add(PlanText([]byte("aim: x\nreplicates: 10\n"), testProvenance("abc", 7)), []byte("plan: x"))
	f.Add([]byte("{"), []byte{0xff, '\n'})
	f.Fuzz(func(t *testing.T, text, other []byte) {
		_ = planHash(text)
		_ = planReplicates(text)
		_ = planDiff(text, other)
		if d := planDiff(text, text); d != "" {
			t.Errorf("a plan differs from itself: %q", d)
		}
	})
}
