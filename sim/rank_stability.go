package sim

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"coachsim/estimators"
)

// A Ranking is what an estimator ranks covariates by, the largest first; or that it does
// not rank but list them.
type Ranking uint8

// The rankings.
const (
	ByImportance  Ranking = iota // importance(x)
	ByRuns                       // runs(x): the share of runs that select x
	ByT                          // the size of a coefficient's t statistic
	ByCoefficient                // the size of a coefficient without a standard error, of terms std(x) alone
	ByListing                    // listed(x), selected(x), split(x) or emerges(x): a set, not ranks
)

func (r Ranking) String() string {
	return [...]string{"importance", "runs", "t", "coefficient", "listing"}[r]
}

// label is the ranking in the name of a line.
func (r Ranking) label() string {
	return [...]string{"importance", "runs", "|t|", "|coefficient|", "listed"}[r]
}

// A Stability says of one estimator in one cell how much the ranks that it gives
// covariates, or the sets that it lists, are alike in different trials, and how far ranks
// tell true predictors from others.
type Stability struct {
	Cell       int
	Factors    []Factor
	Estimator  string
	Outcome    string
	By         Ranking
	N, Ranked  int // trials, and those in which every covariate has a rank
	Covariates int
	True       int // of these, that truly predict
	Others     int // that do not

	// Agreement is 1 where all trials agree, and 0 on average where ranks or sets are by
	// chance: of ranks, Spearman's correlation between two trials, the mean over all pairs
	// of trials; of sets, the stability of Nogueira, Sechidis and Brown (2018).
	Agreement Share
	// TrueAbove is the probability that a true predictor ranks above one of the others,
	// ties half: the area under the ROC curve, or Mann and Whitney's statistic over the
	// number of pairs. TopTrue is the share of the k true predictors among the k first;
	// covariates that tie for the last of these places share it. Means over trials.
	TrueAbove, TopTrue Share
	// WithinData is, of the variance of what one run selects, the share between the runs
	// on the same data, by their splits and seeds; the rest is between data sets. Of
	// estimators that make several runs on each data set, by runs alone.
	WithinData Share

	Ranks []CovariateRank // none of sets
}

// A CovariateRank is what ranks a covariate has over trials, 1 for the first; covariates
// that tie have their mean rank.
type CovariateRank struct {
	Covariate string
	True      Role
	Mean, SD  float64
	MCSE      float64 // of the mean
}

// covariateScores are the numbers by which a group ranks covariates in the trial at hand,
// or 1 for those that it lists.
type covariateScores struct {
	names   []string
	roles   []Role
	related []bool
	values  []float64
	seen    int
	failed  bool
}

func (s *covariateScores) next() { s.seen, s.failed = 0, false }

// A rankMeasurer gathers rankings and sets, replicate after replicate of a cell.
type rankMeasurer struct {
	truth  covariateTruth
	runs   map[string]int // by estimator
	groups []*rankGroup
	places map[Test]rankPlace
}

// A rankPlace is what a row of the log is in rankings: a covariate of a group.
type rankPlace struct {
	group     *rankGroup // nil for rows that rank nothing
	covariate int
}

func (m *rankMeasurer) start(study Study, truth covariateTruth) {
	m.truth, m.runs, m.groups, m.places = truth, map[string]int{}, nil, map[Test]rankPlace{}
	for _, e := range study.Estimators {
		if p, is := e.Method.(estimators.Prediction); is {
			m.runs[e.Name] = p.Runs
		}
	}
}

func (m *rankMeasurer) add(r *Record) {
	row := Test{r.Estimator, r.Outcome, r.Term}
	place, known := m.places[row]
	if !known {
		place = m.place(r)
		m.places[row] = place
	}
	if place.group != nil {
		place.group.add(r, place.covariate)
	}
}

// rankingOf says what a row ranks, and which covariate. Of coefficients it is not known
// before their standard errors whether they rank by t.
func rankingOf(r *Record) (by Ranking, covariate string, ok bool) {
	if covariate, lists := listing(r.Term); lists {
		return ByListing, covariate, r.Estimand == predictorName
	}
	for by, name := range []string{ByImportance: "importance", ByRuns: "runs"} {
		if rest, found := strings.CutPrefix(r.Term, name+"("); found && strings.HasSuffix(rest, ")") {
			return Ranking(by), rest[:len(rest)-1], true
		}
	}
	return ByT, r.Term, true
}

// place finds what a row is, when it is seen for the first time.
func (m *rankMeasurer) place(r *Record) rankPlace {
	by, covariate, ok := rankingOf(r)
	if !ok {
		return rankPlace{}
	}
	role := m.truth.role(covariate)
	if role == UnknownRole {
		return rankPlace{}
	}
	i := slices.IndexFunc(m.groups, func(g *rankGroup) bool {
		return g.estimator == r.Estimator && g.outcome == r.Outcome && g.by == by
	})
	if i < 0 {
		i = len(m.groups)
		m.groups = append(m.groups, &rankGroup{estimator: r.Estimator, outcome: r.Outcome, by: by, standardised: true})
	}
	g := m.groups[i]
	if g.n > 0 { // all rows of an estimator are in its first trial
		return rankPlace{}
	}
	g.scores.names = append(g.scores.names, covariate)
	g.scores.roles = append(g.scores.roles, role)
	g.scores.related = append(g.scores.related, role == NotPredictor && m.truth.related(covariate))
	g.scores.values = append(g.scores.values, 0)
	g.standardised = g.standardised && strings.HasPrefix(covariate, "std(")
	return rankPlace{g, len(g.scores.names) - 1}
}

func (m *rankMeasurer) finishReplicate() {
	for _, g := range m.groups {
		g.finish()
	}
}

// measures returns what is known of the cell's groups.
func (m *rankMeasurer) measures(cell int, factors []Factor) (stabilities []Stability, biases []ImportanceBias) {
	for _, g := range m.groups {
		if !g.tells() {
			continue
		}
		s := g.stability(m.runs[g.estimator])
		s.Cell, s.Factors = cell, factors
		stabilities = append(stabilities, s)
		if g.by != ByListing {
			b := ImportanceBias{Cell: cell, Factors: factors, Estimator: g.estimator, Outcome: g.outcome, By: s.By, N: g.n, Ranked: g.ranked}
			g.bias.measures(&g.scores, &b)
			biases = append(biases, b)
		}
	}
	return stabilities, biases
}

// A rankGroup is the ranking, or the listing, of one estimator of one outcome in a cell.
type rankGroup struct {
	estimator, outcome string
	by                 Ranking
	scores             covariateScores
	n, ranked          int

	// Of coefficients: those with a standard error, those without, whether all are of
	// terms std(x), and whether some term is ever not selected.
	errors, bare           int
	standardised, unchosen bool

	order        []int // scratch
	rank         []float64
	ranks        []moments // by covariate
	vectors      *crossProducts
	above, found moments
	sets         setStability
	runs         runVariance
	bias         importanceBias
}

// tells reports whether the group tells how to rank or list covariates. Coefficients do, of true predictors and others that are in the regression by plan, and on one scale.
func (g *rankGroup) tells() bool {
	if len(g.scores.names) < 2 || g.ranked == 0 {
		return false
	}
	if g.by != ByT {
		return true
	}
	both := slices.Contains(g.scores.roles, TruePredictor) && slices.Contains(g.scores.roles, NotPredictor)
	return both && !g.unchosen && (g.bare == 0 || g.errors == 0 && g.standardised)
}

func (g *rankGroup) add(r *Record, covariate int) {
	s := &g.scores
	s.seen++
	switch status := judged(r.Estimate); {
	case status == estimators.NotSelected:
		g.unchosen = true
		s.values[covariate] = math.Inf(-1) // behind all that are selected
	case !status.Worked():
		s.failed = true
	case g.by == ByListing:
		s.values[covariate] = 0
		if r.Value != 0 {
			s.values[covariate] = 1
		}
	case g.by != ByT:
		s.values[covariate] = r.Value
	case math.IsNaN(r.SE):
		g.bare++
		s.values[covariate] = math.Abs(r.Value)
	case r.SE > 0:
		g.errors++
		s.values[covariate] = math.Abs(r.Value) / r.SE
	default:
		s.failed = true
	}
}

// finish takes in the replicate at hand.
func (g *rankGroup) finish() {
	g.n++
	s := &g.scores
	complete := !s.failed && s.seen == len(s.values)
	s.next()
	if !complete {
		return
	}
	g.ranked++
	if g.by == ByListing {
		if g.sets.sets == nil {
			g.sets.sets = newCrossProducts(len(s.values))
		}
		g.sets.sets.add(s.values)
		return
	}
	g.bias.add(s)
	if g.by == ByRuns {
		g.addRuns()
	}
	g.addRanks()
}

func (g *rankGroup) addRuns() {
	p := len(g.scores.values)
	if g.runs.shares == nil {
		g.runs.shares = newCrossProducts(p + 1)
	}
	g.rank = slices.Grow(g.rank[:0], p+1)[:p+1]
	square := 0.0
	for i, share := range g.scores.values {
		g.rank[i] = share
		square += share * share
	}
	g.rank[p] = square
	g.runs.shares.add(g.rank)
}

// addRanks ranks the covariates of the replicate at hand.
func (g *rankGroup) addRanks() {
	p := len(g.scores.values)
	if g.vectors == nil {
		g.order, g.ranks, g.vectors = make([]int, p), make([]moments, p), newCrossProducts(p)
	}
	g.rank = slices.Grow(g.rank[:0], p)[:p]
	midranks(g.scores.values, g.order, g.rank)
	truth, found := g.trueRanks()
	if !math.IsNaN(truth) {
		g.above.add(truth)
		g.found.add(found)
	}
	center, square := float64(p+1)/2, 0.0
	for i, rank := range g.rank {
		g.ranks[i].add(rank)
		g.rank[i] -= center
		square += g.rank[i] * g.rank[i]
	}
	if square == 0 { // all tie
		return
	}
	for i := range g.rank {
		g.rank[i] /= math.Sqrt(square)
	}
	g.vectors.add(g.rank)
}

// midranks fills rank with the ranks of values, 1 for the largest, those that tie with
// their mean. order is scratch, and is left with the places from the largest.
func midranks(values []float64, order []int, rank []float64) {
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(values[b], values[a]), cmp.Compare(a, b)) })
	for start := 0; start < len(order); {
		end := start + 1
		for end < len(order) && values[order[end]] == values[order[start]] {
			end++
		}
		for _, i := range order[start:end] {
			rank[i] = float64(start+end+1) / 2
		}
		start = end
	}
}

// trueRanks returns, of the ranks at hand, the share of pairs of a true predictor and
// another covariate in which the former is above, and the share of the true ones among
// as many first. Both are NaN where there is one kind alone.
func (g *rankGroup) trueRanks() (above, found float64) {
	k, others, sum := 0, 0, 0.0
	for i, role := range g.scores.roles {
		if role == TruePredictor {
			k++
			sum += g.rank[i]
		} else {
			others++
		}
	}
	if k == 0 || others == 0 {
		return math.NaN(), math.NaN()
	}
	// The ranks of the true ones are k(k+1)/2 if they are first, and one more for each
	// of the others above each.
	above = 1 - (sum-float64(k*(k+1))/2)/float64(k*others)
	for start := 0; start < k; {
		end, hits := start, 0
		for end < len(g.order) && g.rank[g.order[end]] == g.rank[g.order[start]] {
			if g.scores.roles[g.order[end]] == TruePredictor {
				hits++
			}
			end++
		}
		found += float64(hits) * float64(min(end, k)-start) / float64(end-start)
		start = end
	}
	return above, found / float64(k)
}

func (g *rankGroup) stability(runs int) Stability {
	none := Share{math.NaN(), math.NaN()}
	s := Stability{
		Estimator: g.estimator, Outcome: g.outcome, By: g.by, N: g.n, Ranked: g.ranked, Covariates: len(g.scores.names),
		TrueAbove: none, TopTrue: none, WithinData: none,
	}
	if g.by == ByT && g.errors == 0 {
		s.By = ByCoefficient
	}
	for _, role := range g.scores.roles {
		if role == TruePredictor {
			s.True++
		} else {
			s.Others++
		}
	}
	if g.by == ByListing {
		s.Agreement = g.sets.share()
		return s
	}
	s.Agreement = agreement(g.vectors)
	s.TrueAbove, s.TopTrue = meanShare(g.above), meanShare(g.found)
	if g.by == ByRuns {
		s.WithinData = g.runs.share(runs)
	}
	for i, name := range g.scores.names {
		s.Ranks = append(s.Ranks, CovariateRank{name, g.scores.roles[i], g.ranks[i].mean(), g.ranks[i].sd(), g.ranks[i].mcse()})
	}
	return s
}

// agreement is the mean of Spearman's correlation over all pairs of n trials whose ranks,
// from their mean and over the root of their sum of squares, are the vectors z. With S
// their sum it is (S·S - n)/(n(n-1)); without ties that is (nW - 1)/(n - 1) with Kendall's
// W (Kendall and Gibbons 1990, Rank Correlation Methods, chapter 6). Its Monte Carlo
// standard error is the jackknife's, leaving out trial after trial, which takes S·z alone:
//
//	√[4/(n (n-1) (n-2)²) Σ_i (S·z_i - mean)²]
//
// It is conservative (Efron and Stein 1981), by a factor of √2 where ranks are by chance.
func agreement(vectors *crossProducts) Share {
	if vectors == nil || vectors.n < 2 {
		return Share{math.NaN(), math.NaN()}
	}
	n, square := float64(vectors.n), 0.0
	for _, x := range vectors.mean {
		square += x * x
	}
	s := Share{(n*square - 1) / (n - 1), math.NaN()}
	if n > 2 {
		s.MCSE = 2 / (n - 2) * math.Sqrt(n/(n-1)*vectors.spread(vectors.mean))
	}
	return s
}

// AddRanks tells of importances the ranks of their covariates, as far as AddSelection has
// measured them.
func (s Summary) AddRanks(importances []PredictorValue) {
	for i := range importances {
		v := &importances[i]
		for k := range s.Stability {
			of := &s.Stability[k]
			if of.By != ByImportance || of.Cell != v.Cell || of.Estimator != v.Estimator || of.Outcome != v.Outcome {
				continue
			}
			if at := slices.IndexFunc(of.Ranks, func(r CovariateRank) bool { return r.Covariate == v.Predictor }); at >= 0 {
				v.Rank = of.Ranks[at]
			}
		}
	}
}

// rankingWords explains what estimators rank by.
func rankingWords(rows []ImportanceBias) string {
	words := [...]string{
		ByImportance:  "importance(x)",
		ByRuns:        "runs(x), the share of runs that select x",
		ByT:           "|t|, the size of a coefficient over its standard error",
		ByCoefficient: "|coefficient|, of standardised terms",
	}
	var used []string
	for by, text := range words {
		if slices.ContainsFunc(rows, func(b ImportanceBias) bool { return b.By == Ranking(by) }) {
			used = append(used, text)
		}
	}
	return strings.Join(used, "; ")
}

// stabilityTables are a table for each design.
func (s Summary) stabilityTables() NumberTables {
	if len(s.Stability) == 0 {
		return NumberTables{}
	}
	within := false
	tables := perDesign(s.Stability, func(b *Stability) (int, []Factor) { return b.Cell, b.Factors }, "Stability between trials", func(rows []Stability, t *NumberTable) {
		lines := make([]estimatorLine, len(rows))
		for i := range rows {
			lines[i] = estimatorLine{rows[i].Estimator, rows[i].Outcome, rows[i].By.label()}
			within = within || !math.IsNaN(rows[i].WithinData.Value)
		}
		t.Names = lineNames(lines)
		t.add("agreement", "of trials", func(i int) tableCell {
			places := 3
			if x := rows[i].Agreement.MCSE; x > 0 && x < 0.0005 {
				places = 4
			}
			return cellOf(rows[i].Agreement.Value, rows[i].Agreement.MCSE, places)
		})
		share := func(above, head string, of func(*Stability) Share) {
			t.add(above, head, func(i int) tableCell { x := of(&rows[i]); return percent(x.Value, x.MCSE) })
		}
		share("true above", "others, %", func(s *Stability) Share { return s.TrueAbove })
		share("true ones", "on top, %", func(s *Stability) Share { return s.TopTrue })
		share("runs differ", "in data, %", func(s *Stability) Share { return s.WithinData })
		t.add("trials", "ranked", func(i int) tableCell {
			if rows[i].Ranked == rows[i].N {
				return tableCell{value: missing}
			}
			return tableCell{value: grouped(rows[i].Ranked)}
		})
	})
	notes := []string{
		"Agreement of trials: of ranks, Spearman's correlation between two trials, the mean over all pairs; of the covariates listed, the stability of Nogueira, Sechidis and Brown (2018). Both are 1 where all trials say the same and 0 by chance.",
		"True above others: the probability that a true predictor ranks above one of the others, 50% by chance. True ones on top: of k true predictors, those among the k first.",
	}
	if within {
		notes = append(notes, "Runs differ in data: of the variance of what one run selects, the share between runs on the same data, by their splits and seeds; the rest is between data sets.")
	}
	return NumberTables{tables, append(notes, "In parentheses: Monte Carlo standard errors over trials.")}
}

func (s *Stability) json() any {
	type rank struct {
		Covariate string     `json:"covariate"`
		True      string     `json:"true_predictor"`
		Mean      jsonNumber `json:"mean"`
		MCSE      jsonNumber `json:"mean_mcse"`
		SD        jsonNumber `json:"sd"`
	}
	ranks := make([]rank, len(s.Ranks))
	for i, r := range s.Ranks {
		ranks[i] = rank{r.Covariate, r.True.String(), jsonNumber(r.Mean), jsonNumber(r.MCSE), jsonNumber(r.SD)}
	}
	return struct {
		Cell       int               `json:"cell"`
		Factors    map[string]string `json:"factors"`
		Estimator  string            `json:"estimator"`
		Outcome    string            `json:"outcome"`
		By         string            `json:"by"`
		N          int               `json:"n"`
		Ranked     int               `json:"ranked"`
		Covariates int               `json:"covariates"`
		True       int               `json:"true_predictors"`
		Others     int               `json:"others"`
		Agreement  jsonShare         `json:"agreement"`
		TrueAbove  jsonShare         `json:"true_above"`
		TopTrue    jsonShare         `json:"top_true"`
		WithinData jsonShare         `json:"within_data"`
		Ranks      []rank            `json:"ranks"`
	}{
		s.Cell, jsonFactors(s.Factors), s.Estimator, s.Outcome, s.By.String(), s.N, s.Ranked, s.Covariates, s.True, s.Others,
		s.Agreement.json(), s.TrueAbove.json(), s.TopTrue.json(), s.WithinData.json(), ranks,
	}
}
