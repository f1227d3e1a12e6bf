package sim

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func at(cell, replicate int, r Record) Record {
	r.Cell, r.Replicate = cell, replicate
	return r
}

func named(estimator, term, estimand string, r Record) Record {
	r.Estimator, r.Term, r.Estimand = estimator, term, estimand
	return r
}

// Rows come in the order in which they appear, also where a later replicate
// has one that the first did not, and each has its cell's factors.
func TestRowsInOrderOfAppearance(t *testing.T) {
	one := fit(1, 2, 1, 9, 0.01)
	summary, err := Summarise(InMemory([]Record{
		at(0, 0, named("b", "x", "population", one)),
		at(0, 0, named("a", "x", "population", one)),
		at(0, 1, named("b", "x", "population", one)),
		at(0, 1, named("c", "x", "", one)),
		at(0, 1, named("a", "x", "sample", one)),
		at(0, 1, named("a", "x", "population", one)),
		at(2, 0, named("a", "x", "population", one)),
	}), 0.05, [][]Factor{{{"k", "0"}}, {{"k", "1"}}, {{"k", "2"}}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range summary.Rows {
		got = append(got, strings.Join([]string{r.factor("k"), r.Estimator, r.Term, r.Estimand, strings.Repeat("i", r.N)}, "/"))
	}
	want := []string{"0/b/x/population/ii", "0/a/x/population/ii", "0/c/x//i", "0/a/x/sample/i", "2/a/x/population/i"}
	if !slices.Equal(got, want) {
		t.Errorf("rows %v, want %v", got, want)
	}
	if summary.Rows[4].Cell != 2 || summary.Alpha != 0.05 {
		t.Errorf("cell %d, alpha %v", summary.Rows[4].Cell, summary.Alpha)
	}
}

func TestSummariseErrors(t *testing.T) {
	one := fit(1, 2, 1, 9, 0.01)
	broken := errors.New("the disk is gone")
	changing := 0
	for _, test := range []struct {
		name    string
		chunks  func(func([]Record, error) bool)
		alpha   float64
		factors [][]Factor
		want    string
	}{
		{"alpha 0", InMemory(), 0, nil, "alpha is 0"},
		{"alpha NaN", InMemory(), nan, nil, "alpha is NaN"},
		{"replicates out of order", InMemory([]Record{at(0, 1, one)}, []Record{at(0, 0, one)}), 0.05, nil,
			"cell 0, replicate 0 follows cell 0, replicate 1"},
		{"cells out of order", InMemory([]Record{at(1, 0, one), at(0, 5, one)}), 0.05, nil,
			"cell 0, replicate 5 follows cell 1, replicate 0"},
		{"a replicate twice", InMemory([]Record{at(0, 0, one)}, []Record{at(0, 0, one)}), 0.05, nil,
			"itt, y, coaching in replicate 0 of cell 0: it is there twice"},
		{"an unknown cell", InMemory([]Record{at(1, 0, one)}), 0.05, [][]Factor{{{"k", "0"}}}, "a cell 1, the study has 1"},
		{"a read error", func(yield func([]Record, error) bool) { yield(nil, broken) }, 0.05, nil, "reading the replicate log: the disk is gone"},
		{"a log that changes", func(yield func([]Record, error) bool) {
			changing++
			yield([]Record{at(changing, 0, one)}, nil)
		}, 0.05, nil, "changed while it was read"},
	} {
		_, err := Summarise(test.chunks, test.alpha, test.factors)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
	if _, err := Summarise(func(yield func([]Record, error) bool) { yield(nil, broken) }, 0.05, nil); !errors.Is(err, broken) {
		t.Errorf("the cause is lost: %v", err)
	}
}

func TestSummariseNothing(t *testing.T) {
	summary, err := Summarise(InMemory(nil, []Record{}), 0.05, nil)
	if err != nil || len(summary.Rows) != 0 {
		t.Errorf("%+v, %v", summary, err)
	}
}
