package sim

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coachsim/estimators"
)

// unequalStudy has three cells whose power is known after different numbers of
// replicates: that near 0.5 takes longest.
func unequalStudy(replicates int) Study {
	one := func() Study {
		s := smallStudy(replicates)
		s.Estimators = s.Estimators[1:2]
		return s
	}
	s := one()
	for i, effect := range []float64{0, 0.45, 3} {
		cell := one()
		cell.Achievement.Effect.Mean = []float64{effect, effect}
		s.Cells = append(s.Cells, Cell{Factors: []Factor{{"effect", fmt.Sprint(i)}}, Study: cell})
	}
	return s
}

func precisely(s Study, all ...Precision) Plan {
	s.Precision = all
	text := fmt.Sprintf("aim: %s\nreplicates: %d\n", s.Aim, s.Replicates)
	if len(all) > 0 {
		text += "precision:\n"
	}
	for _, p := range all {
		text += fmt.Sprintf("  - measure: %s\n    mcse: %v\n    of: %q\n", p.Measure, p.MCSE, p.Of)
	}
	return Plan{Study: s, Text: PlanText([]byte(text), testProvenance("a", s.Seed)), Hash: "a", Build: Build{Version: "v1"}, Results: 1}
}

// A cell ends at the first multiple of PrecisionReplicates at which it is known
// precisely enough: found here from the log of a run to the end, with the formula
// written out. The directory is the same however it was run.
func TestPrecision(t *testing.T) {
	const most = 2000
	full := t.TempDir()
	if _, err := Run(t.Context(), precisely(unequalStudy(most)), silently(full, 2)); err != nil {
		t.Fatal(err)
	}
	const enough = 0.0175
	ends := map[int]int{}
	for cell := range 3 {
		records := recordsOf(t, full, cell)
		for n := PrecisionReplicates; n <= most && ends[cell] == 0; n += PrecisionReplicates {
			worst := 0.0
			for _, outcome := range []string{"achievement", "reading", "above(talk, 75)"} {
				hits := 0
				for _, r := range records {
					if r.Outcome == outcome && r.Replicate < n && r.Status.Worked() && r.P <= 0.05 {
						hits++
					}
				}
				p := float64(hits+2) / float64(n+4)
				worst = max(worst, math.Sqrt(p*(1-p)/float64(n)))
			}
			if worst <= enough {
				ends[cell] = n
			}
		}
		if ends[cell] == 0 {
			ends[cell] = most
		}
	}
	total := ends[0] + ends[1] + ends[2]
	if total == 3*ends[0] || total == 3*most {
		t.Fatalf("a poor example: the cells end at %v", ends)
	}
	want := files(t, full)
	maps.DeleteFunc(want, func(name, _ string) bool {
		var cell, rep int
		n, _ := fmt.Sscanf(filepath.Base(name), "cell-%d-rep-%d.parquet", &cell, &rep)
		return n == 2 && rep >= ends[cell]
	})
	plan := precisely(unequalStudy(most), Precision{Measure: "power", MCSE: enough})
	want["plan.yaml"] = string(plan.Text)

	for _, workers := range []int{1, 7} {
		dir := t.TempDir()
		outcome, err := Run(t.Context(), plan, silently(dir, workers))
		if err != nil || outcome.Replicates != total || outcome.Total != total || outcome.Interrupted {
			t.Fatalf("%d workers: %+v, want %d replicates; error %v", workers, outcome, total, err)
		}
		checkSameFiles(t, fmt.Sprint(workers, " workers"), files(t, dir), want)
		checkExtent(t, plan.Study, dir, Extent{Designs: 3, Least: min(ends[0], ends[1], ends[2]), Most: max(ends[0], ends[1], ends[2]), Trials: total, Asked: total})
	}

	// Three shards, a cell each.
	shards := runShards(t, plan, 3, silently("", 2))
	merged := filepath.Join(t.TempDir(), "merged")
	if outcome, err := Merge(t.Context(), plan, shards, silently(merged, 2)); err != nil || outcome.Replicates != total {
		t.Fatalf("%+v, error %v", outcome, err)
	}
	checkSameFiles(t, "3 shards", files(t, merged), want)
	removeChunks(t, shards[1], 1)
	if _, err := Merge(t.Context(), plan, shards, silently(filepath.Join(t.TempDir(), "no"), 2)); err == nil || !strings.Contains(err.Error(), "lacks") {
		t.Errorf("a chunk is missing: error %v", err)
	}

	// Killed between a chunk too many and its removal, with a chunk lost before it.
	for cell, end := range ends {
		if end < most {
			beyond := fmt.Sprintf("cell-%04d-rep-%09d.parquet", cell, end)
			text, err := os.ReadFile(filepath.Join(full, "chunks", beyond))
			must(t, err)
			must(t, os.WriteFile(filepath.Join(merged, "chunks", beyond), text, 0o644))
		}
	}
	must(t, os.Remove(filepath.Join(merged, "chunks", "cell-0001-rep-000000200.parquet")))
	log, err := OpenLog(merged)
	must(t, err)
	if asked, err := plan.Study.Asked(log.Chunks()); err != nil || asked[1] <= ends[1]-ChunkReplicates {
		t.Errorf("a design that lacks a chunk is asked for %d trials, error %v", asked[1], err)
	}
	resumed := silently(merged, 2)
	resumed.Resume = true
	if _, err := Run(t.Context(), plan, resumed); err != nil {
		t.Fatal(err)
	}
	checkSameFiles(t, "resumed", files(t, merged), want)

	// More precision keeps what there is, down to the end; less is refused.
	if _, err := Run(t.Context(), precisely(unequalStudy(most), Precision{Measure: "power", MCSE: 0.05}), resumed); err == nil || !strings.Contains(err.Error(), "does not end so early") {
		t.Errorf("less precision: error %v", err)
	}
	if _, err := Run(t.Context(), precisely(unequalStudy(most)), resumed); err != nil {
		t.Fatal(err)
	}
	checkSameFiles(t, "to the end", files(t, merged), files(t, full))
	if v, err := Verify(t.Context(), plan, full, 5, 1, 1); err != nil || len(v.Faults) > 0 || v.Replicates != 5 || v.Chunks != total/ChunkReplicates {
		t.Errorf("%+v, error %v", v, err)
	}
}

func TestParsePrecision(t *testing.T) {
	for text, want := range map[string]Precision{
		"0.005": {"power", 0.005, ""}, "power=0.01": {"power", 0.01, ""}, "itt:bias=1e-3": {"bias", 0.001, "itt"}, "cover=0.01": {"coverage", 0.01, ""},
		"": {}, "power": {}, "power=0": {}, "power=-1": {}, "power=x": {}, "size=0.1": {}, "a:b:c=1": {}, "power=Inf": {}, "NaN": {},
	} {
		p, err := ParsePrecision(text)
		if (err != nil) != (want == Precision{}) || err == nil && p != want {
			t.Errorf("%q: %+v, error %v", text, p, err)
		}
	}
}

// Of a test that a family adjusts, power is known when its error is small whatever the
// adjustment leaves of it: for raw power 0.9 the error of 0.5, for 0.2 that of 0.2.
func TestPrecisionOfAdjustedTests(t *testing.T) {
	study := Study{Families: []Family{
		{Estimator: "itt", Outcomes: []string{"a", "b"}, Term: "x", Methods: []Adjustment{NoAdjustment, Holm}},
		{Estimator: "other", Outcomes: []string{"a", "b"}, Term: "x", Methods: []Adjustment{NoAdjustment}},
	}}
	adjusted := study.adjustedTests()
	if len(adjusted) != 2 || !adjusted[Test{"itt", "b", "x"}] || adjusted[Test{"other", "a", "x"}] {
		t.Errorf("%v", adjusted)
	}
	for _, c := range []struct {
		rejections  int
		adjusted    bool
		wantSuccess float64
	}{{900, false, 902}, {900, true, 502}, {200, false, 202}, {200, true, 202}} {
		tally := newTally()
		tally.status[estimators.OK], tally.pValue.n, tally.rejections = 1000, 1000, c.rejections
		p := c.wantSuccess / 1004
		if got, _ := tally.mcseOf("power", c.adjusted); !near(got, math.Sqrt(p*(1-p)/1000), 1e-14) {
			t.Errorf("%+v: %g, want %g", c, got, math.Sqrt(p*(1-p)/1000))
		}
	}
}

// checkExtent wants a log to hold so much.
func checkExtent(t *testing.T, study Study, dir string, want Extent) {
	t.Helper()
	log, err := OpenLog(dir)
	must(t, err)
	summary, err := Summarise(log.Chunks(), study.Alpha, study.Factors())
	must(t, err)
	summary.Asked, err = study.Asked(log.Chunks())
	must(t, err)
	if got := summary.Extent(); got != want {
		t.Errorf("the log holds %+v, want %+v", got, want)
	}
}

// What a stopped run says of itself.
func TestExtentInWords(t *testing.T) {
	rows := func(n ...int) (rows []SummaryRow) {
		for cell, n := range n {
			rows = append(rows, SummaryRow{Cell: cell, Measures: Measures{N: n}})
		}
		return rows
	}
	for _, test := range []struct {
		rows          []SummaryRow
		asked         []int
		text, counted string
	}{
		{rows(1), nil, "1 simulated trial", "1"},
		{rows(2000), []int{2000}, "2,000 simulated trials", "2,000"},
		{rows(1600), []int{20000}, "1,600 simulated trials (unfinished: 1,600 of 20,000)", "1,600 (unfinished: 1,600 of 20,000)"},
		{rows(500, 500), nil, "2 designs, 500 simulated trials of each", "500 of each of 2 designs, 1,000 in all"},
		{rows(500, 1500), []int{500, 1500}, "2 designs, 500 to 1,500 simulated trials of each", "500 to 1,500 of each of 2 designs, 2,000 in all"},
		{rows(500, 300), []int{500, 500, 500}, "3 designs, 0 to 500 simulated trials of each (unfinished: 800 of 1,500)", "0 to 500 of each of 3 designs, 800 in all (unfinished: 800 of 1,500)"},
	} {
		e := Summary{Rows: test.rows, Asked: test.asked}.Extent()
		if e.String() != test.text || e.Counted() != test.counted {
			t.Errorf("%v of %v: %q and %q", test.rows, test.asked, e, e.Counted())
		}
	}
}
