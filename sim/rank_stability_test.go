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

// rankLog is the log of trials in which covariates t0, t1, ... predict and o0, o1, ... do
// not: their scores, which now and then tie or do not exist, and the share of 5 runs that
// select them, which is also what is listed.
func rankLog(r *rand.Rand, trials, trues, others int) [][]Record {
	nan := math.NaN()
	var chunks [][]Record
	for rep := range trials {
		var records []Record
		failed, luck := r.IntN(12) == 0, r.NormFloat64()
		row := func(term, estimand string, value float64, status estimators.Status) {
			if failed {
				value, status = nan, estimators.NotConverged
			}
			records = append(records, Record{Replicate: rep, Estimator: "choosy", Outcome: "y", Term: term, Estimand: estimand, Truth: nan,
				Estimate: estimators.Estimate{Value: value, SE: nan, DF: nan, P: nan, Status: status}})
		}
		for k := range trues + others {
			name, effect := fmt.Sprintf("o%d", k-trues), 0.3*float64(k%3)
			if k < trues {
				name, effect = fmt.Sprintf("t%d", k), 1.6
			}
			runs := 0
			for range 5 {
				if r.Float64() < 1/(1+math.Exp(0.5-effect-0.7*luck+0.7*r.NormFloat64())) {
					runs++
				}
			}
			if runs == 0 {
				row("importance("+name+")", "", nan, estimators.NotSelected)
			} else {
				row("importance("+name+")", "", math.Round(2*(effect+r.NormFloat64()))/2, estimators.OK)
			}
			row("runs("+name+")", "predictor", float64(runs)/5, estimators.OK)
			listed := 0.0
			if runs >= 3 {
				listed = 1
			}
			row("listed("+name+")", "predictor", listed, estimators.OK)
		}
		chunks = append(chunks, records)
	}
	return chunks
}

// scoresOf are the numbers of a term, by trial that worked and covariate; what is not
// selected is behind all.
func scoresOf(log [][]Record, term string) (all [][]float64) {
	for _, records := range log {
		var one []float64
		for _, r := range records {
			switch {
			case !strings.HasPrefix(r.Term, term+"("):
			case r.Status == estimators.NotSelected:
				one = append(one, -1e9)
			case r.Status == estimators.OK:
				one = append(one, r.Value)
			}
		}
		if len(one) > 0 {
			all = append(all, one)
		}
	}
	return all
}

// slowRank is one more than the number of larger values, and half that of the others that
// tie.
func slowRank(x []float64, i int) float64 {
	rank := 1.0
	for k := range x {
		if k != i && x[k] > x[i] {
			rank++
		} else if k != i && x[k] == x[i] {
			rank += 0.5
		}
	}
	return rank
}

func slowSpearman(x, y []float64) float64 {
	var xx, yy, xy float64
	center := float64(len(x)+1) / 2
	for i := range x {
		a, b := slowRank(x, i)-center, slowRank(y, i)-center
		xx, yy, xy = xx+a*a, yy+b*b, xy+a*b
	}
	return xy / math.Sqrt(xx*yy)
}

// slowPairs is the mean of f over all pairs of trials but those of the trial left out.
func slowPairs(trials [][]float64, without int, f func(x, y []float64) float64) float64 {
	sum, n := 0.0, 0.0
	for i := range trials {
		for k := range i {
			if i != without && k != without {
				sum += f(trials[i], trials[k])
				n++
			}
		}
	}
	return sum / n
}

// slowJackknife is the jackknife's standard error of an estimate that can leave out a trial.
func slowJackknife(n int, estimate func(without int) float64) float64 {
	var all moments
	for i := range n {
		all.add(estimate(i))
	}
	return math.Sqrt(float64(n-1) / float64(n) * all.squares)
}

func stabilityBy(t *testing.T, s Summary, by Ranking) (Stability, ImportanceBias) {
	t.Helper()
	i := slices.IndexFunc(s.Stability, func(s Stability) bool { return s.By == by })
	if i < 0 {
		t.Fatalf("no stability by %s", by)
	}
	k := slices.IndexFunc(s.Bias, func(b ImportanceBias) bool { return b.By == by })
	if k < 0 {
		return s.Stability[i], ImportanceBias{}
	}
	return s.Stability[i], s.Bias[k]
}

func closeTo(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-10*(1+math.Abs(want))) {
		t.Errorf("%s: %.15g, slowly %.15g", what, got, want)
	}
}

// One pass over the log gives what going over all pairs of trials and of covariates does,
// with ties, covariates that are not selected, and fits that failed.
func TestStabilitySlowly(t *testing.T) {
	const trues, others = 3, 5
	log := rankLog(rand.New(rand.NewPCG(8, 15)), 40, trues, others)
	s := measureSelection(t, log, 1)
	for _, by := range []Ranking{ByImportance, ByRuns} {
		got, bias := stabilityBy(t, s, by)
		trials := scoresOf(log, by.String())
		if got.N != 40 || got.Ranked != len(trials) || got.Ranked == got.N || got.True != trues || got.Others != others || len(got.Ranks) != trues+others {
			t.Fatalf("%+v", got)
		}
		closeTo(t, "agreement", got.Agreement.Value, slowPairs(trials, -1, slowSpearman))
		closeTo(t, "its jackknife", got.Agreement.MCSE, slowJackknife(len(trials), func(without int) float64 { return slowPairs(trials, without, slowSpearman) }))

		var above, top, related, unrelated, meanTrue moments
		ranks := make([]moments, trues+others)
		for _, x := range trials {
			pairs := func(lo, hi int) float64 { // share of pairs in which the other one is above
				sum := 0.0
				for _, a := range x[:trues] {
					for _, b := range x[lo:hi] {
						sum += map[bool]float64{true: 1}[b > a] + map[bool]float64{true: 0.5}[b == a]
					}
				}
				return sum / float64(trues*(hi-lo))
			}
			above.add(1 - pairs(trues, trues+others))
			unrelated.add(pairs(trues, trues+3)) // o0, o1, o2
			related.add(pairs(trues+3, trues+5))
			hits, sum := 0.0, 0.0
			for i := range x {
				ranks[i].add(slowRank(x, i))
				if i >= trues {
					continue
				}
				larger, same := 0, 0
				for _, y := range x {
					if y > x[i] {
						larger++
					} else if y == x[i] {
						same++
					}
				}
				hits += min(1, max(0, float64(trues-larger)/float64(same)))
				if x[i] > -1e9 {
					sum += x[i]
				}
			}
			top.add(hits / trues)
			meanTrue.add(sum / trues)
		}
		for what, pair := range map[string][2]Share{
			"true above": {got.TrueAbove, meanShare(above)}, "top": {got.TopTrue, meanShare(top)},
			"related above": {bias.RelatedAbove, meanShare(related)}, "unrelated above": {bias.UnrelatedAbove, meanShare(unrelated)},
			"mean of true ones": {bias.MeanTrue, meanShare(meanTrue)},
		} {
			closeTo(t, what, pair[0].Value, pair[1].Value)
			closeTo(t, "MCSE of "+what, pair[0].MCSE, pair[1].MCSE)
		}
		for i := range ranks {
			closeTo(t, got.Ranks[i].Covariate, got.Ranks[i].Mean, ranks[i].mean())
			closeTo(t, got.Ranks[i].Covariate, got.Ranks[i].SD, ranks[i].sd())
			closeTo(t, got.Ranks[i].Covariate, got.Ranks[i].MCSE, ranks[i].sd()/math.Sqrt(float64(got.Ranked)))
		}
	}
}

// Without ties the mean correlation is (nW - 1)/(n - 1) with Kendall's W, here of three
// judges by hand, 12 S/(m²(n³ - n)).
func TestAgreementIsKendallsW(t *testing.T) {
	judges := [][]float64{{1, 6, 3, 2, 5, 4}, {1, 5, 6, 2, 4, 3}, {6, 3, 2, 5, 4, 1}}
	var log [][]Record
	for rep, ranks := range judges {
		var records []Record
		for k, rank := range ranks {
			records = append(records, Record{Replicate: rep, Estimator: "e", Outcome: "y", Term: fmt.Sprintf("importance(o%d)", k), Estimate: estimators.Estimate{Value: -rank, SE: nan, DF: nan, P: nan}})
		}
		log = append(log, records)
	}
	got, _ := stabilityBy(t, measureSelection(t, log, 1), ByImportance)
	// Sums of ranks 8, 14, 11, 9, 13, 8, mean 10.5: S = 6.25 + 12.25 + .25 + 2.25 + 6.25 + 6.25 = 33.5.
	w := 12 * 33.5 / (9 * (216 - 6))
	closeTo(t, "agreement", got.Agreement.Value, (3*w-1)/2)
	if !math.IsNaN(got.TrueAbove.Value) {
		t.Error("a share of true predictors where there are none")
	}
}

// slowSets is the stability of sets and its standard error, as their paper writes them.
func slowSets(sets [][]float64) Share {
	m, d := float64(len(sets)), float64(len(sets[0]))
	p, k := make([]float64, len(sets[0])), 0.0
	for _, z := range sets {
		for f := range z {
			p[f] += z[f] / m
			k += z[f] / m
		}
	}
	variance := 0.0
	for _, share := range p {
		variance += m / (m - 1) * share * (1 - share) / d
	}
	chance := k / d * (1 - k/d)
	phi := 1 - variance/chance
	var each moments
	for _, z := range sets {
		with, own := 0.0, 0.0
		for f := range z {
			with += z[f] * p[f] / d
			own += z[f]
		}
		each.add((with - own*k/(d*d) + phi/2*(2*k*own/(d*d)-own/d-k/d+1)) / chance)
	}
	return Share{phi, math.Sqrt(4 / (m * m) * each.squares)}
}

// By hand: the sets {a, b}, {a, c}, {a, b} of four have variances 0, 1/3, 1/3, 0 and half of
// all on average, so that Φ = 1 - (1/6)/(1/4) = 1/3; φ = 1, 2/3, 1, so that v = 4/9 · 2/27.
func TestSetStability(t *testing.T) {
	measure := func(sets [][]float64) Share {
		s := setStability{newCrossProducts(len(sets[0]))}
		for _, z := range sets {
			s.sets.add(z)
		}
		return s.share()
	}
	hand := measure([][]float64{{1, 1, 0, 0}, {1, 0, 1, 0}, {1, 1, 0, 0}})
	closeTo(t, "by hand", hand.Value, 1./3)
	closeTo(t, "standard error by hand", hand.MCSE, math.Sqrt(8./243))
	for _, all := range [][][]float64{{{0, 0}, {0, 0}}, {{1, 1}, {1, 1}}, {{1, 0}}} {
		if got := measure(all); !math.IsNaN(got.Value) || !math.IsNaN(got.MCSE) {
			t.Errorf("%v: %+v", all, got)
		}
	}
	if got := measure([][]float64{{1, 0}, {1, 0}}); got != (Share{1, 0}) {
		t.Errorf("the same sets: %+v", got)
	}
	log := rankLog(rand.New(rand.NewPCG(2, 3)), 30, 3, 6)
	got, _ := stabilityBy(t, measureSelection(t, log, 1), ByListing)
	want := slowSets(scoresOf(log, "listed"))
	closeTo(t, "sets", got.Agreement.Value, want.Value)
	closeTo(t, "their standard error", got.Agreement.MCSE, want.MCSE)
}

// What is within data is, of two runs on different data, the share of disagreements that
// two runs on the same data have; its standard error is near the jackknife's.
func TestRunVarianceSlowly(t *testing.T) {
	log := rankLog(rand.New(rand.NewPCG(5, 6)), 60, 3, 6)
	designs := []Cell{{Study: Study{Estimators: []Estimator{{Name: "choosy", Method: estimators.Prediction{Runs: 5}}}}}}
	s := Summary{Alpha: 0.05}
	must(t, s.addSelection(designs, func(int) (covariateTruth, error) {
		return covariateTruth{namedRole, func(string) bool { return false }}, nil
	}, InMemory(log...)))
	got, _ := stabilityBy(t, s, ByRuns)
	trials := scoresOf(log, "runs")
	ratio := func(without int) float64 {
		same, n := 0.0, 0.0
		for i, x := range trials {
			if i == without {
				continue
			}
			n++
			for _, share := range x { // of the 5·4 ordered pairs of runs, those that disagree
				runs := math.Round(5 * share)
				same += 2 * runs * (5 - runs) / 20
			}
		}
		apart := slowPairs(trials, without, func(x, y []float64) (sum float64) {
			for f := range x {
				sum += x[f]*(1-y[f]) + y[f]*(1-x[f])
			}
			return sum
		})
		return same / n / apart
	}
	closeTo(t, "within data", got.WithinData.Value, ratio(-1))
	if jackknife := slowJackknife(len(trials), ratio); math.Abs(got.WithinData.MCSE/jackknife-1) > 0.05 {
		t.Errorf("MCSE %.4f, by the jackknife %.4f", got.WithinData.MCSE, jackknife)
	}
	if x := got.WithinData.Value; x < 0.3 || x > 0.95 { // the log was made to have both
		t.Errorf("within data %.2f", x)
	}
}

// Monte Carlo standard errors are what estimates vary between simulations of the same
// size: over 200 of them the ratio of the two is within 1 ± 0.22, which right ones leave
// once in 10^5 times; five are looked at.
func TestStabilityMCSE(t *testing.T) {
	r := rand.New(rand.NewPCG(20, 26))
	names := []string{"agreement of ranks", "of sets", "within data", "excess", "true above"}
	values, squares := make([]moments, len(names)), make([]moments, len(names))
	for range 200 {
		s := measureSelection(t, rankLog(r, 60, 3, 5), 1)
		ranks, _ := stabilityBy(t, s, ByImportance)
		sets, _ := stabilityBy(t, s, ByListing)
		runs, bias := stabilityBy(t, s, ByRuns)
		for i, share := range []Share{ranks.Agreement, sets.Agreement, runs.WithinData, bias.Excess, ranks.TrueAbove} {
			if math.IsNaN(share.Value) {
				t.Fatalf("no %s", names[i])
			}
			values[i].add(share.Value)
			squares[i].add(share.MCSE * share.MCSE)
		}
	}
	for i, name := range names {
		if ratio := math.Sqrt(squares[i].mean()) / values[i].sd(); math.Abs(ratio-1) > 0.22 {
			t.Errorf("%s: claims %.3f of what it varies", name, ratio)
		}
	}
}

// Coefficients rank on one scale: by t where all have standard errors, by size where none
// has and all terms are standardised, and not at all after a selection or without both
// kinds of covariates.
func TestCoefficientsRank(t *testing.T) {
	log := func(se float64, status estimators.Status, terms ...string) [][]Record {
		var chunks [][]Record
		for rep := range 3 {
			var records []Record
			for k, term := range terms {
				records = append(records, Record{Replicate: rep, Estimator: "e", Outcome: "y", Term: term, Estimand: "projection",
					Estimate: estimators.Estimate{Value: -float64(k + 1), SE: se, DF: 9, P: 0.5, Status: map[bool]estimators.Status{true: status}[k == 0]}})
			}
			chunks = append(chunks, records)
		}
		return chunks
	}
	for name, c := range map[string]struct {
		log  [][]Record
		want string
	}{
		"t":                  {log(2, estimators.OK, "t0", "o1", "lambda"), "t"},
		"no errors":          {log(nan, estimators.OK, "t0", "o1"), ""},
		"standardised":       {log(nan, estimators.OK, "std(t0)", "std(o1)"), "coefficient"},
		"partly":             {log(nan, estimators.OK, "std(t0)", "o1"), ""},
		"selected":           {log(2, estimators.NotSelected, "t0", "o1"), ""},
		"true ones alone":    {log(2, estimators.OK, "t0", "t1"), ""},
		"one covariate":      {log(2, estimators.OK, "t0"), ""},
		"an error of nought": {log(0, estimators.OK, "t0", "o1"), ""},
	} {
		s := measureSelection(t, c.log, 1)
		got := ""
		for _, row := range s.Stability {
			got += row.By.String()
		}
		if got != c.want {
			t.Errorf("%s: ranks by %q", name, got)
		}
		if c.want != "" {
			if row := s.Stability[0]; row.Covariates != 2 || row.TrueAbove.Value != 0 || math.Abs(row.Agreement.Value-1) > 1e-12 {
				t.Errorf("%s: %+v", name, row)
			}
		}
	}
}
