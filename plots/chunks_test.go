package plots_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"coachsim/plots"
	"coachsim/sim"
)

// The same rows in files cut in other ways, as those of a merge of shards or of a
// resumed run, give the same bytes of every figure and twin.
func TestSameBytesInAnyChunks(t *testing.T) {
	records, factors := loggedStudy()
	var trials [][]sim.Record // the records of one replicate stay together
	for i := 0; i < len(records); {
		k := i
		for k < len(records) && records[k].Cell == records[i].Cell && records[k].Replicate == records[i].Replicate {
			k++
		}
		trials, i = append(trials, records[i:k]), k
	}
	drawn := func(size int) map[string]string {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "chunks"), 0o755); err != nil {
			t.Fatal(err)
		}
		n := 0
		for part := range slices.Chunk(trials, size) {
			n++
			name := fmt.Sprintf("%d-of-shard-%d.parquet", 1000-n, n%3) // in no order
			if err := sim.WriteChunk(filepath.Join(dir, "chunks", name), slices.Concat(part...), nil); err != nil {
				t.Fatal(err)
			}
		}
		log, err := sim.OpenLog(dir)
		if err != nil {
			t.Fatal(err)
		}
		summary, err := sim.Summarise(log.Chunks(), 0.05, factors)
		if err != nil {
			t.Fatal(err)
		}
		run := plots.Run{Summary: summary, Chunks: log.Chunks()}
		files := map[string]string{}
		for _, f := range []sim.Figure{
			{Kind: "power-curve"}, {Kind: "mdes"}, {Kind: "contour"}, {Kind: "contour", Name: "contour-mdes", Measure: "mdes"},
			{Kind: "power"}, {Kind: "estimators"}, {Kind: "nested-loop"}, {Kind: "lollipop"}, {Kind: "bias"},
			{Kind: "zip", Only: map[string]string{"effect": "0.2"}}, {Kind: "p-values", Only: map[string]string{"effect": "0"}},
			{Kind: "sampling", Only: map[string]string{"effect": "0.4"}}, {Kind: "scatter", Only: map[string]string{"effect": "0.2"}},
		} {
			figures, err := plots.Make(run, f)
			if err != nil {
				t.Fatal(err)
			}
			for _, fig := range figures {
				for _, format := range []plots.Format{plots.SVG, plots.PDF} {
					files[fig.Name()+"."+string(format)] = string(render(t, format, fig))
				}
				files[fig.Name()+".csv"] = fmt.Sprint(fig.Table())
			}
		}
		return files
	}
	whole := drawn(len(trials))
	if len(whole) < 39 {
		t.Errorf("only %d files", len(whole))
	}
	for _, size := range []int{17, 400} {
		for name, bytes := range drawn(size) {
			if bytes != whole[name] {
				t.Errorf("%s differs where a chunk has %d replicates", name, size)
			}
		}
	}
}
