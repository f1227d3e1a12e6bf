package sim

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"pgregory.net/rapid"

	"coachsim/bench/yardstick"
	"coachsim/estimators"
)

// sameRecord compares bit by bit, any NaN with any NaN.
func sameRecord(a, b Record) bool {
	for _, pair := range [][2]*float64{{&a.Truth, &b.Truth}, {&a.Value, &b.Value}, {&a.SE, &b.SE}, {&a.DF, &b.DF}, {&a.P, &b.P}} {
		x, y := pair[0], pair[1]
		if !sameBits(*x, *y) && !(math.IsNaN(*x) && math.IsNaN(*y)) {
			return false
		}
		*x, *y = 0, 0
	}
	return a == b
}

func checkRecords(t interface{ Fatalf(string, ...any) }, got, want []Record) {
	if len(got) != len(want) {
		t.Fatalf("%d records, want %d", len(got), len(want))
	}
	for i := range want {
		if !sameRecord(got[i], want[i]) {
			t.Fatalf("record %d is %+v, want %+v", i, got[i], want[i])
		}
	}
}

func mustWriteChunk(t testing.TB, path string, records []Record, meta map[string]string) []byte {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := WriteChunk(path, records, meta); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return written
}

func TestChunkRoundTrip(t *testing.T) {
	dir := t.TempDir()
	number := rapid.OneOf(rapid.Float64(), rapid.Just(math.NaN()), rapid.Just(math.Inf(-1)), rapid.Just(math.Copysign(0, -1)), rapid.Just(5e-324))
	name := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "itt", "below(class, 10)", "Nº 1 \x00"}))
	record := rapid.Custom(func(t *rapid.T) Record {
		return Record{
			Cell:      int(rapid.Int32().Draw(t, "cell")),
			Replicate: int(rapid.Int32().Draw(t, "replicate")),
			Estimator: name.Draw(t, "estimator"),
			Outcome:   name.Draw(t, "outcome"),
			Term:      name.Draw(t, "term"),
			Estimand:  name.Draw(t, "estimand"),
			Truth:     number.Draw(t, "truth"),
			Estimate: estimators.Estimate{
				Value:  number.Draw(t, "estimate"),
				SE:     number.Draw(t, "se"),
				DF:     number.Draw(t, "df"),
				P:      number.Draw(t, "p"),
				Status: rapid.SampledFrom(estimators.Statuses()).Draw(t, "status"),
			},
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		records := rapid.SliceOfN(record, 0, 40).Draw(t, "records")
		meta := rapid.MapOfN(name, name, 0, 4).Draw(t, "meta")
		path := filepath.Join(dir, "0.parquet")
		if err := WriteChunk(path, records, meta); err != nil {
			t.Fatal(err)
		}
		got, gotMeta, err := ReadChunk(path)
		if err != nil {
			t.Fatal(err)
		}
		checkRecords(t, got, records)
		if len(gotMeta) != len(meta) {
			t.Fatalf("metadata %v, want %v", gotMeta, meta)
		}
		for key := range meta {
			if gotMeta[key] != meta[key] {
				t.Fatalf("metadata %v, want %v", gotMeta, meta)
			}
		}
	})
}

// More records than fit into a page or a dictionary's first batch.
func TestLongChunkRoundTrip(t *testing.T) {
	records := manyRecords(100_003)
	path := filepath.Join(t.TempDir(), "0.parquet")
	mustWriteChunk(t, path, records, nil)
	got, _, err := ReadChunk(path)
	if err != nil {
		t.Fatal(err)
	}
	checkRecords(t, got, records)
}

// A fit that failed has no numbers; they come back as NaN.
func TestFailedFitRoundTrip(t *testing.T) {
	records := []Record{failure(0.1, estimators.TooFewClusters), failure(nan, estimators.NotFinite)}
	path := filepath.Join(t.TempDir(), "0.parquet")
	mustWriteChunk(t, path, records, nil)
	got, _, err := ReadChunk(path)
	if err != nil {
		t.Fatal(err)
	}
	checkRecords(t, got, records)
	if !math.IsNaN(got[0].Value) || got[0].Truth != 0.1 || got[0].Status != estimators.TooFewClusters {
		t.Errorf("came back as %+v", got[0])
	}
}

func TestEqualChunksAreEqualBytes(t *testing.T) {
	dir := t.TempDir()
	records := exampleStudy().log(1, 200)[0]
	meta := map[string]string{"version": "1.0", "plan": "abc", "seed": "1", "a": "1", "b": "2", "c": "3", "d": "4"}
	first := mustWriteChunk(t, filepath.Join(dir, "a.parquet"), records, meta)
	for i := range 20 {
		again := mustWriteChunk(t, filepath.Join(dir, fmt.Sprintf("%d.parquet", i)), records, meta)
		if !bytes.Equal(first, again) {
			t.Fatal("the same records gave other bytes")
		}
	}
	if at := bytes.LastIndex(first, []byte("plan")); at > bytes.LastIndex(first, []byte("seed")) || at > bytes.LastIndex(first, []byte("version")) {
		t.Error("the metadata is not sorted")
	}
	if !bytes.Contains(first, []byte("coachsim version 1")) || bytes.Contains(first, []byte("github.com")) {
		t.Error("created_by names a build")
	}
}

func TestWriteChunkLeavesNothingElse(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "0.parquet")
	mustWriteChunk(t, path, manyRecords(10), nil)
	mustWriteChunk(t, path, manyRecords(20), nil) // replaces it
	if got, _, err := ReadChunk(path); err != nil || len(got) != 20 {
		t.Errorf("%d records, %v", len(got), err)
	}
	taken := filepath.Join(dir, "taken.parquet")
	if err := os.MkdirAll(filepath.Join(taken, "full"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := WriteChunk(taken, manyRecords(1), nil); err == nil { // the rename fails
		t.Error("a folder was replaced by a chunk")
	}
	if err := WriteChunk(filepath.Join(dir, "none", "0.parquet"), nil, nil); err == nil {
		t.Error("a chunk was written into a folder that is not there")
	}
	if err := WriteChunk(path, []Record{{Replicate: 1 << 40}}, nil); err == nil {
		t.Error("a replicate number of more than 32 bits was written")
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 2 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestTruncatedChunkIsAnError(t *testing.T) {
	dir := t.TempDir()
	whole := mustWriteChunk(t, filepath.Join(dir, "whole.parquet"), manyRecords(60), map[string]string{"seed": "1"})
	path := filepath.Join(dir, "cut.parquet")
	for n := range len(whole) {
		if err := os.WriteFile(path, whole[:n], 0o644); err != nil {
			t.Fatal(err)
		}
		_, _, err := ReadChunk(path)
		if err == nil {
			t.Fatalf("cut to %d of %d bytes, it was read", n, len(whole))
		}
		if !strings.Contains(err.Error(), "cut.parquet: not a whole chunk") {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
}

// A damaged byte in the pages is found by their checksums. In the footer, which
// has none, it may go unseen, but it never panics.
func TestDamagedChunkIsAnError(t *testing.T) {
	dir := t.TempDir()
	records := manyRecords(300)
	whole := mustWriteChunk(t, filepath.Join(dir, "whole.parquet"), records, map[string]string{"seed": "1"})
	path := filepath.Join(dir, "damaged.parquet")
	rng := rand.New(rand.NewPCG(1, 1))
	unseen := 0
	for i := 0; i < len(whole); i += 7 {
		damaged := bytes.Clone(whole)
		damaged[i] ^= byte(1 + rng.IntN(255))
		if err := os.WriteFile(path, damaged, 0o644); err != nil {
			t.Fatal(err)
		}
		got, _, err := ReadChunk(path)
		if err != nil {
			continue
		}
		unseen++
		if len(got) == len(records) {
			for j := range records {
				if !sameRecord(got[j], records[j]) {
					t.Errorf("byte %d of %d damaged: other records without an error", i, len(whole))
					break
				}
			}
		}
	}
	if unseen > len(whole)/14 {
		t.Errorf("%d of %d damaged bytes went unseen", unseen, len(whole)/7)
	}
}

func TestReadChunkRefusesOtherFiles(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := ReadChunk(filepath.Join(dir, "none.parquet")); err == nil || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	path := filepath.Join(dir, "text.parquet")
	if err := os.WriteFile(path, []byte(strings.Repeat("cell,replicate\n", 50)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ReadChunk(path); err == nil || !strings.Contains(err.Error(), "not a whole chunk") {
		t.Errorf("a text file: %v", err)
	}
	path = filepath.Join(dir, "other.parquet")
	writeOtherParquet(t, path)
	if _, _, err := ReadChunk(path); err == nil || !strings.Contains(err.Error(), "not a chunk of a replicate log") {
		t.Errorf("another Parquet file: %v", err)
	}
}

func TestLogOrdersChunksByTheirFirstRecord(t *testing.T) {
	dir := t.TempDir()
	chunk := func(cell, replicate int) []Record {
		r := fit(1, 2, 1, 9, 0.01)
		r.Cell, r.Replicate = cell, replicate
		return []Record{r}
	}
	for name, records := range map[string][]Record{
		"a": chunk(1, 0), "b": chunk(0, 10), "c": chunk(0, 9), "z-10": chunk(0, 0), "z-9": chunk(1, 7), "empty": nil,
	} {
		mustWriteChunk(t, filepath.Join(dir, "chunks", name+".parquet"), records, map[string]string{"name": name})
	}
	for _, name := range []string{".a.parquet.123.tmp", "notes.txt"} { // what is no chunk does not matter
		if err := os.WriteFile(filepath.Join(dir, "chunks", name), []byte("half"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	log, err := OpenLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, file := range log.Files() {
		_, meta, err := ReadChunk(file.Path)
		if err != nil {
			t.Fatal(err)
		}
		order = append(order, fmt.Sprintf("%s:%d/%d:%d", meta["name"], file.Cell, file.Replicate, file.Records))
	}
	if got := strings.Join(order, " "); got != "z-10:0/0:1 c:0/9:1 b:0/10:1 a:1/0:1 z-9:1/7:1" {
		t.Errorf("order %s", got)
	}
	summary, err := Summarise(log.Chunks(), 0.05, nil)
	if err != nil || len(summary.Rows) != 2 || summary.Rows[0].N != 3 || summary.Rows[1].N != 2 {
		t.Errorf("summary %+v, %v", summary, err)
	}
}

func TestLogFromFilesEqualsLogInMemory(t *testing.T) {
	dir := t.TempDir()
	records := manyRecords(7000)
	for i := 0; i < len(records); i += 1400 {
		mustWriteChunk(t, filepath.Join(dir, "chunks", fmt.Sprintf("%d.parquet", i)), records[i:i+1400], nil)
	}
	log, err := OpenLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	var fromFiles, inMemory bytes.Buffer
	for out, chunks := range map[*bytes.Buffer]func(func([]Record, error) bool){&fromFiles: log.Chunks(), &inMemory: InMemory(records)} {
		summary, err := Summarise(chunks, 0.05, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := summary.WriteCSV(out); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(fromFiles.Bytes(), inMemory.Bytes()) {
		t.Error("the summaries differ")
	}
}

func TestLogErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenLog(dir); err == nil || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	mustWriteChunk(t, filepath.Join(dir, "chunks", "0.parquet"), nil, nil)
	if _, err := OpenLog(dir); err == nil || !strings.Contains(err.Error(), "no finished chunk") {
		t.Errorf("no records: %v", err)
	}
	path := filepath.Join(dir, "chunks", "1.parquet")
	whole := mustWriteChunk(t, path, manyRecords(1000), nil)
	log, err := OpenLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, whole[:len(whole)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenLog(dir); err == nil || !strings.Contains(err.Error(), "1.parquet: not a whole chunk") {
		t.Errorf("a chunk cut short: %v", err)
	}
	if _, err := Summarise(log.Chunks(), 0.05, nil); err == nil || !strings.Contains(err.Error(), "1.parquet: not a whole chunk") {
		t.Errorf("a chunk cut short after the log was opened: %v", err)
	}
}

func writeOtherParquet(t *testing.T, path string) {
	t.Helper()
	if err := parquet.WriteFile(path, []struct{ Cell, Estimate float64 }{{1, 2}}); err != nil {
		t.Fatal(err)
	}
}

// manyRecords is what 35 estimates give over many replicates.
func manyRecords(n int) []Record {
	rng := rand.New(rand.NewPCG(1, 2))
	records := make([]Record, n)
	for i := range records {
		r := fit(0.1, rng.NormFloat64(), rng.Float64(), 100*rng.Float64(), rng.Float64())
		r.Replicate = i / 35
		r.Estimator = fmt.Sprint("estimator ", i%35%5)
		r.Outcome = fmt.Sprint("outcome ", i%35/5)
		if i%9 == 0 {
			r.SE, r.DF = nan, nan
		}
		records[i] = r
	}
	return records
}

func BenchmarkUnitLog(b *testing.B) {
	records := manyRecords(35_000)
	path := filepath.Join(b.TempDir(), "0.parquet")
	b.ReportAllocs()
	yardstick.Loop(b, func() {
		if err := WriteChunk(path, records, nil); err != nil {
			b.Fatal(err)
		}
	})
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/float64(len(records)), "bytes/record")
}

func BenchmarkReadChunk(b *testing.B) {
	path := filepath.Join(b.TempDir(), "0.parquet")
	mustWriteChunk(b, path, manyRecords(35_000), nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := ReadChunk(path); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnitSummary(b *testing.B) {
	records := manyRecords(35_000)
	b.ReportAllocs()
	yardstick.Loop(b, func() {
		if _, err := Summarise(InMemory(records), 0.05, nil); err != nil {
			b.Fatal(err)
		}
	})
}
