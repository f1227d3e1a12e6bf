package sim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"coachsim/estimators"
)

// Shares of extreme cells and of patterns are those that one counts by hand: data set by
// data set, looking every estimate up by its name.
func TestExtremes(t *testing.T) {
	terms := []string{"a", "b", "c", "d"} // c and d have no effect
	const replicates = 300
	r := rand.New(rand.NewPCG(8, 9))
	var log [][]Record
	found := make([]map[string]Record, replicates) // by estimator and term
	for rep := range replicates {
		var records []Record
		for _, estimator := range []string{"lasso", "cif"} {
			failed := r.Float64() < 0.05
			for k, term := range terms {
				truth, listed := 0.0, 0.0
				if k < 2 {
					truth = 1
				}
				if r.Float64() < 0.25+0.5*truth {
					listed = 1
				}
				e := estimators.Estimate{Value: listed, SE: nan, DF: nan, P: nan}
				if failed {
					e = estimators.Estimate{Value: nan, SE: nan, DF: nan, P: nan, Status: estimators.NotConverged}
				}
				records = append(records, Record{Replicate: rep, Estimator: estimator, Outcome: "y", Term: "listed(" + term + ")", Estimand: predictorName, Truth: truth, Estimate: e})
			}
			records = append(records, Record{Replicate: rep, Estimator: estimator, Outcome: "y", Term: "test_mse", Estimate: estimators.Estimate{Value: 10 + r.NormFloat64(), SE: nan, DF: nan, P: nan}})
		}
		found[rep] = map[string]Record{}
		for _, one := range records {
			found[rep][one.Estimator+" "+one.Term] = one
		}
		log = append(log, records)
	}
	cell := func(table, column, estimator, term, kind string, value, mean float64) Comparison {
		return Comparison{Published: Published{Table: table, Column: column, Estimator: estimator, Outcome: "y", Term: term, Kind: kind, Value: value}, Mean: mean}
	}
	all := []Comparison{
		cell("3", "LASSO", "lasso", "test_mse", "mse", 11, 10),
		cell("3", "CIF", "cif", "test_mse", "mse", 9.5, 10),
		cell("4", "LASSO", "lasso", "listed(a)", "tick", 1, 0.7),
		cell("4", "LASSO", "lasso", "listed(b)", "tick", 1, 0.7),
		cell("4", "LASSO", "lasso", "listed(c)", "tick", 0, 0.2),
		cell("4", "CIF", "cif", "listed(a)", "tick", 1, 0.7),
		cell("4", "CIF", "cif", "listed(d)", "tick", 1, 0.2),
		cell("A", "LASSO", "lasso", "listed(a)", "tick", 1, 0.7), // printed twice, one term
		cell("5", "p", "lasso", "test_mse", "p", 0.5, nan),
	}
	patterns, err := Extremes(all, InMemory(log...))
	must(t, err)

	value := func(rep int, estimator, term string) float64 {
		if one := found[rep][estimator+" "+term]; one.Status.Worked() {
			return one.Value
		}
		return nan
	}
	counted := func(is func(rep int) bool) (n int) {
		for rep := range replicates {
			if is(rep) {
				n++
			}
		}
		return n
	}
	for i, c := range all {
		of := counted(func(rep int) bool { return !math.IsNaN(value(rep, c.Estimator, c.Term)) })
		want, mcse := share(counted(func(rep int) bool {
			v := value(rep, c.Estimator, c.Term)
			switch {
			case c.Kind == "tick":
				return v == c.Value
			case c.Value > c.Mean:
				return v >= c.Value
			default:
				return v <= c.Value
			}
		}), of)
		if c.Kind == "p" {
			want, mcse = nan, nan
		}
		if got := (Share{c.Extreme, c.ExtremeMCSE}); !sameShare(got, Share{want, mcse}) {
			t.Errorf("cell %d: %+v, by hand %v (%v)", i, got, want, mcse)
		}
	}
	ticks := func(table, column string) func(rep int) bool {
		return func(rep int) bool {
			return !slices.ContainsFunc(all, func(c Comparison) bool {
				return c.Kind == "tick" && c.Table == table && c.Column == column && value(rep, c.Estimator, c.Term) != c.Value
			})
		}
	}
	clean := func(s string) func(rep int) bool {
		return func(rep int) bool { return value(rep, s, "listed(c)") == 0 && value(rep, s, "listed(d)") == 0 }
	}
	two := func(s string) func(rep int) bool { // both have two terms ticked
		return func(rep int) bool {
			n := 0
			for _, term := range terms {
				if value(rep, s, "listed("+term+")") == 1 {
					n++
				}
			}
			return n >= 2
		}
	}
	want := []struct {
		name string
		is   func(rep int) bool
	}{
		{"Table 4, LASSO: all ticks", ticks("4", "LASSO")},
		{"Table 4, CIF: all ticks", ticks("4", "CIF")},
		{"Table A, LASSO: all ticks", ticks("A", "LASSO")},
		{"lasso: no term listed", clean("lasso")},
		{"lasso: at least 2 terms", two("lasso")},
		{"lasso: both, at least 2 terms", func(rep int) bool { return clean("lasso")(rep) && two("lasso")(rep) }},
		{"cif: no term listed", clean("cif")},
		{"cif: at least 2 terms", two("cif")},
		{"cif: both, at least 2 terms", func(rep int) bool { return clean("cif")(rep) && two("cif")(rep) }},
	}
	if len(patterns) != len(want) {
		t.Fatalf("%d patterns: %v", len(patterns), patterns)
	}
	for i, w := range want {
		p, n := patterns[i], counted(w.is)
		s, mcse := share(n, replicates)
		if !strings.HasPrefix(p.Name, w.name) || p.N != replicates || !sameShare(Share{p.Share, p.MCSE}, Share{s, mcse}) {
			t.Errorf("%s: %v (%v) of %d; by hand %s: %v (%v)", p.Name, p.Share, p.MCSE, p.N, w.name, s, mcse)
		}
		if n == 0 || n == replicates {
			t.Errorf("%s: %d of %d data sets, which tests nothing", w.name, n, replicates)
		}
	}
	broken := fmt.Errorf("torn")
	if _, err := Extremes(all, func(yield func([]Record, error) bool) { yield(nil, broken) }); err != broken { //nolint:errorlint // handed through
		t.Errorf("error %v", err)
	}
}
