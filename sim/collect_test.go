package sim

import (
	"iter"
	"testing"

	"coachsim/estimators"
)

// Of a long run the first replicates of each design are collected, so that memory does not
// grow with replicates, and the log is read no further than that.
func TestCollectTakesTheFirst(t *testing.T) {
	const n, replicates = 210, heldLeast + 200 // estimates, so many that the least is taken of each
	var rows []SummaryRow
	names := make([]string, n)
	for i := range names {
		names[i] = string(rune('A'+i/26)) + string(rune('a'+i%26))
		for cell := range 2 {
			rows = append(rows, SummaryRow{Cell: cell, Estimator: names[i], Measures: Measures{N: replicates}})
		}
	}
	if held(len(rows), 144) != heldLeast || held(1, 8) != 1_048_000 || held(4, 8) != 262_000 {
		t.Fatalf("%d, %d and %d are taken", held(len(rows), 144), held(1, 8), held(4, 8))
	}
	read := 0
	var log iter.Seq2[[]Record, error] = func(yield func([]Record, error) bool) {
		var records []Record
		for cell := range 2 {
			for rep := 0; rep < replicates; rep += 100 {
				records = records[:0]
				for k := range 100 {
					for i, name := range names {
						r := Record{Cell: cell, Replicate: rep + k, Estimator: name, Estimate: estimators.Estimate{Value: float64(rep + k)}}
						if i == 0 && k == 0 {
							r.Status = estimators.Collinear
						}
						records = append(records, r)
					}
				}
				read++
				if !yield(records, nil) {
					return
				}
			}
		}
	}
	some := rows[:8] // few enough to be held whole
	values, taken, err := Collect(log, some)
	if err != nil || taken < replicates || len(values[2]) != replicates || len(values[0]) != replicates-replicates/100 || values[2][replicates-1] != replicates-1 {
		t.Errorf("of %d taken there are %d and %d, error %v", taken, len(values[0]), len(values[2]), err)
	}
	read = 0
	values, taken, err = Collect(log, rows)
	if err != nil || taken != heldLeast {
		t.Fatalf("%d are taken, error %v", taken, err)
	}
	for i := range rows {
		want := heldLeast
		if i < 2 {
			want -= heldLeast / 100
		}
		if len(values[i]) != want || values[i][want-1] != heldLeast-1 {
			t.Fatalf("row %d has %d estimates up to %v", i, len(values[i]), values[i][len(values[i])-1])
		}
	}
	if want := 2*heldLeast/100 + 2 + 1; read != want {
		t.Errorf("%d chunks were read, want %d", read, want)
	}
}
