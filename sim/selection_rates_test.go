package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"coachsim/estimators"
)

// selectionLog is the log of two estimators in two cells: one lists covariates and has
// intervals for what it lists, one has intervals for all. Covariates t0 to t2 predict,
// o0 to o4 do not. Now and then a selection fails.
func selectionLog(replicates int) [][]Record {
	r := rand.New(rand.NewPCG(3, 4))
	nan := math.NaN()
	var chunks [][]Record
	for cell := range 2 {
		for rep := range replicates {
			var records []Record
			row := func(estimator, term, estimand string, truth float64, e estimators.Estimate) {
				records = append(records, Record{Cell: cell, Replicate: rep, Estimator: estimator, Outcome: "y", Term: term, Estimand: estimand, Truth: truth, Estimate: e})
			}
			interval := func(shift float64) estimators.Estimate {
				return estimators.Estimate{Value: 1 + shift + 0.5*r.NormFloat64(), SE: 0.5, DF: 30, P: r.Float64()}
			}
			worked := r.Float64() > 0.1
			luck := 0.4 * r.Float64() // what a trial's choices have in common
			var listings []Record
			for k := range 8 {
				name, role, shift := fmt.Sprintf("o%d", k-3), 0.0, 0.8
				if k < 3 {
					name, role, shift = fmt.Sprintf("t%d", k), 1, 0.1
				}
				listed := 0.0
				if r.Float64() < 0.2+0.4*role+luck {
					listed = 1
				}
				number := func(v float64) estimators.Estimate {
					if !worked {
						return estimators.Estimate{Value: nan, SE: nan, DF: nan, P: nan, Status: estimators.NotConverged}
					}
					return estimators.Estimate{Value: v, SE: nan, DF: nan, P: nan}
				}
				coefficient := interval(shift)
				switch {
				case !worked:
					coefficient = number(0)
				case listed == 0:
					coefficient = estimators.Estimate{Value: nan, SE: nan, DF: nan, P: nan, Status: estimators.NotSelected}
				}
				row("choosy", name, "projection", 1, coefficient)
				row("choosy", "runs("+name+")", "predictor", role, number(float64(r.IntN(21))/20*(0.5+listed/2)))
				listings = append(listings, Record{Cell: cell, Replicate: rep, Estimator: "choosy", Outcome: "y", Term: "listed(" + name + ")", Estimand: "predictor", Truth: role, Estimate: number(listed)})
				row("all", "std("+name+")", "projection", 1, interval(0))
				if k == 0 {
					row("choosy", "unheard", "projection", 1, interval(0)) // of which nobody knows whether it predicts
				}
			}
			row("choosy", "test_mse", "projection", 1, interval(0))
			records = append(records, listings...)
			chunks = append(chunks, records)
		}
	}
	return chunks
}

func namedRole(term string) Role {
	switch term = strings.TrimSuffix(strings.TrimPrefix(term, "std("), ")"); {
	case len(term) == 2 && term[0] == 't':
		return TruePredictor
	case len(term) == 2 && term[0] == 'o':
		return NotPredictor
	}
	return UnknownRole
}

// measureSelection measures a log whose covariates are named as namedRole says, of
// estimators that make 20 runs. o3 and o4 are related to true ones.
func measureSelection(t *testing.T, log [][]Record, cells int) Summary {
	t.Helper()
	designs := make([]Cell, cells)
	for i := range designs {
		designs[i].Study.Estimators = []Estimator{{Name: "choosy", Method: estimators.Prediction{Runs: 20}}}
	}
	truth := covariateTruth{role: namedRole, related: func(term string) bool { return strings.Contains(term, "o3") || strings.Contains(term, "o4") }}
	s := Summary{Alpha: 0.05}
	must(t, s.addSelection(designs, func(int) (covariateTruth, error) { return truth, nil }, InMemory(log...)))
	return s
}

// slowShare is Σa/Σb, and the delta method's standard error written out: the standard
// deviation over trials of a - R b, over √n times the mean of b.
func slowShare(a, b []float64) Share {
	total := func(x []float64) (s float64) {
		for _, v := range x {
			s += v
		}
		return s
	}
	n, ratio := float64(len(a)), total(a)/total(b)
	var residuals []float64
	for i := range a {
		residuals = append(residuals, a[i]-ratio*b[i])
	}
	center, square := total(residuals)/n, 0.0
	for _, e := range residuals {
		square += (e - center) * (e - center)
	}
	return Share{ratio, math.Sqrt(square/(n-1)) / math.Sqrt(n) / (total(b) / n)}
}

func sameShare(a, b Share) bool {
	near := func(x, y float64) bool {
		return math.IsNaN(x) && math.IsNaN(y) || math.Abs(x-y) <= 1e-12*(1+math.Abs(y))
	}
	return near(a.Value, b.Value) && near(a.MCSE, b.MCSE)
}

// The streaming computation agrees with one that holds all replicates and writes the
// formulas out.
func TestSelectionRatesSlowly(t *testing.T) {
	const replicates = 60
	log := selectionLog(replicates)
	got := measureSelection(t, log, 2).Selection
	if len(got) != 4 {
		t.Fatalf("%d rows", len(got))
	}
	critical := 2.0422724563012373 // R: qt(.975, 30)
	for _, row := range got {
		// By role (0 others, 1 true ones) and replicate.
		var may, listed, intervals, cover [2][]float64
		var numbers, mistakes, others, all []float64
		for _, records := range log {
			if records[0].Cell != row.Cell {
				continue
			}
			var m, l, i, c [2]float64
			for _, r := range records {
				if r.Estimator != row.Estimator || r.Status != estimators.OK {
					continue
				}
				inner := strings.NewReplacer("listed(", "", "std(", "", ")", "").Replace(r.Term)
				role := slices.Index([]Role{NotPredictor, TruePredictor}, namedRole(inner))
				if role < 0 || strings.HasPrefix(r.Term, "runs") {
					continue
				}
				if strings.HasPrefix(r.Term, "listed") {
					m[role]++
					l[role] += r.Value
					continue
				}
				i[role]++
				if math.Abs(r.Value-1) <= critical*r.SE {
					c[role]++
				}
			}
			for role := range 2 {
				may[role], listed[role] = append(may[role], m[role]), append(listed[role], l[role])
				intervals[role], cover[role] = append(intervals[role], i[role]), append(cover[role], c[role])
			}
			others, all = append(others, l[0]), append(all, l[0]+l[1])
			if m[0] > 0 {
				numbers = append(numbers, l[0]+l[1])
				mistakes = append(mistakes, min(l[0], 1))
			}
		}
		none := Share{math.NaN(), math.NaN()}
		want := map[string][2]Share{
			"cover of true ones": {row.CoverTrue, slowShare(cover[1], intervals[1])},
			"cover of others":    {row.CoverOther, slowShare(cover[0], intervals[0])},
			"listed true ones":   {row.ListedTrue, none}, "listed others": {row.ListedOther, none},
			"number": {row.Number, none}, "any false": {row.AnyFalse, none}, "false of listed": {row.FalseListed, none},
		}
		if row.Estimator == "choosy" {
			one := slices.Repeat([]float64{1}, len(numbers))
			want["listed true ones"] = [2]Share{row.ListedTrue, slowShare(listed[1], may[1])}
			want["listed others"] = [2]Share{row.ListedOther, slowShare(listed[0], may[0])}
			want["number"] = [2]Share{row.Number, slowShare(numbers, one)}
			// A proportion's standard error has n where a sample's has n - 1.
			any := slowShare(mistakes, one)
			any.MCSE *= math.Sqrt(float64(len(one)-1) / float64(len(one)))
			want["any false"] = [2]Share{row.AnyFalse, any}
			want["false of listed"] = [2]Share{row.FalseListed, slowShare(others, all)}
			if len(numbers) == replicates {
				t.Error("no selection failed")
			}
		}
		for name, w := range want {
			if !sameShare(w[0], w[1]) {
				t.Errorf("cell %d, %s, %s: %+v, slowly %+v", row.Cell, row.Estimator, name, w[0], w[1])
			}
		}
		if row.N != replicates || row.True != 3 || row.Others != 5 || row.Selects != (row.Estimator == "choosy") || row.Estimand != "projection" {
			t.Errorf("%+v", row)
		}
	}
	if got[0].CoverOther.Value > 0.8 || got[1].CoverOther.Value < 0.85 { // what the log was made to be
		t.Errorf("covers %+v and %+v", got[0].CoverOther, got[1].CoverOther)
	}
}

// The Monte Carlo standard error of a ratio is what the ratio varies between simulations
// of the same size: over 200 of them the ratio of the two is within 1 ± 0.22, which a right
// one leaves once in 10^5 times.
func TestRatioMCSE(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var values, squares moments
	for range 200 {
		var q ratio
		for range 100 {
			b := 1 + r.IntN(8)
			p, a := 0.2+0.6*r.Float64(), 0
			for range b {
				if r.Float64() < p {
					a++
				}
			}
			q.add(a, b)
		}
		s := q.share()
		values.add(s.Value)
		squares.add(s.MCSE * s.MCSE)
	}
	if ratio := math.Sqrt(squares.mean()) / values.sd(); math.Abs(ratio-1) > 0.22 {
		t.Errorf("claims %.3f of what it varies", ratio)
	}
}

// Tables leave single covariates out where rates sum them up, and the summary has them.
func TestSelectionInSummaries(t *testing.T) {
	log := selectionLog(20)
	s, err := Summarise(InMemory(log...), 0.05, nil)
	must(t, err)
	if !s.selects() {
		t.Fatal("the summary does not know that it selects")
	}
	if n := len(s.Shown()); n != len(s.Rows) {
		t.Errorf("%d of %d rows shown without selection rates", n, len(s.Rows))
	}
	measured := measureSelection(t, log, 2)
	s.Selection, s.Stability, s.Bias = measured.Selection, measured.Stability, measured.Bias
	if n := len(s.Shown()); n != len(s.Rows) {
		t.Errorf("%d of %d rows shown of 8 covariates", n, len(s.Rows))
	}
	more := s
	for cell := range 2 { // as of a sweep over more designs
		for _, r := range s.Selection[:2] {
			r.Cell = 2 + cell
			more.Selection = append(slices.Clip(more.Selection), r)
		}
	}
	if n, want := len(more.Shown()), len(s.Rows)-2*(3*8+8); n != want {
		t.Errorf("%d of %d rows shown of 8 covariates in four designs, not %d", n, len(s.Rows), want)
	}
	for i := range s.Selection {
		if s.Selection[i].Selects {
			s.Selection[i].Others += 5
		}
	}
	hidden := map[string]int{}
	for i, r := range s.Rows {
		if !slices.Contains(s.Shown(), i) {
			hidden[r.Estimator]++
		}
	}
	if hidden["choosy"] != 2*3*8 || hidden["all"] != 0 {
		t.Errorf("hidden: %v", hidden)
	}
	var table, out bytes.Buffer
	must(t, s.WriteTable(&table, 110, false))
	if !strings.Contains(table.String(), "48 rows of single covariates are left out") || strings.Contains(table.String(), "listed(") {
		t.Errorf("%s", table.String())
	}
	must(t, s.WriteSelection(&out, 110, false))
	golden(t, "selection.txt", out.Bytes())
	out.Reset()
	must(t, s.WriteJSON(&out))
	var read struct {
		Rows      []map[string]any
		Selection []struct {
			Estimator  string
			CoverOther struct{ Value, MCSE float64 } `json:"cover_other"`
			ListedTrue struct{ Value *float64 }      `json:"listed_true"`
		}
	}
	must(t, json.Unmarshal(out.Bytes(), &read))
	if len(read.Rows) != len(s.Rows) || len(read.Selection) != 4 || read.Selection[0].CoverOther.Value != s.Selection[0].CoverOther.Value || read.Selection[1].ListedTrue.Value != nil {
		t.Errorf("%+v", read.Selection)
	}
}

// What is not selected is neither a failure nor a rejection.
func TestNotSelectedIsNoFailure(t *testing.T) {
	var chunk []Record
	for rep := range 10 {
		e := estimators.Estimate{Value: 1, SE: 0.1, DF: 20, P: 1e-6}
		switch {
		case rep < 5:
			e = estimators.Estimate{Value: nan, SE: nan, DF: nan, P: nan, Status: estimators.NotSelected}
		case rep < 6:
			e = estimators.Estimate{Value: nan, SE: nan, DF: nan, P: nan, Status: estimators.Collinear}
		}
		chunk = append(chunk, Record{Replicate: rep, Estimator: "e", Outcome: "y", Term: "x", Estimand: "projection", Truth: 1, Estimate: e})
	}
	s, err := Summarise(InMemory(chunk), 0.05, nil)
	must(t, err)
	m := &s.Rows[0].Measures
	if m.N != 10 || m.NFail != 1 || m.NotSelected != 5 || m.Estimates() != 4 || m.Unselected().Value != 0.5 {
		t.Errorf("%d replicates, %d failed, %d not selected", m.N, m.NFail, m.NotSelected)
	}
	if misses, hits, worked := m.PowerBounds(); misses != 0.4 || hits != 0.5 || worked != 4./9 {
		t.Errorf("power between %v and %v, %v of fits", misses, hits, worked)
	}
	failures, err := s.Failures(InMemory(chunk))
	must(t, err)
	if len(failures) != 1 || failures[0].Status != estimators.Collinear || failures[0].Fits != 1 {
		t.Errorf("%+v", failures)
	}
	var out bytes.Buffer
	must(t, s.WriteTable(&out, 110, false))
	if text := out.String(); !strings.Contains(text, "50.0 (15.8)") || strings.Contains(text, "not-selected") {
		t.Error(text)
	}
}
