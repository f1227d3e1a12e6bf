package sim

import (
	"fmt"
	"math"
)

// An ImportanceBias says of one estimator in one cell how much importance covariates
// without effect get for going with covariates that have one, as Strobl, Boulesteix,
// Kneib, Augustin and Zeileis ("Conditional variable importance for random forests", BMC
// Bioinformatics 9:307, 2008) ask of forests. A covariate without effect is related if in
// the model it covaries with one that has an effect, else unrelated. Importance is what
// the estimator ranks by. Monte Carlo standard errors are over trials, those of a ratio
// of means by the delta method.
type ImportanceBias struct {
	Cell      int
	Factors   []Factor
	Estimator string
	Outcome   string
	By        Ranking
	N, Ranked int // trials, and those in which all covariates have an importance

	True, Related, Unrelated int // covariates

	// Mean importance of the covariates of each kind, over trials.
	MeanTrue, MeanRelated, MeanUnrelated Share
	// Excess is (MeanRelated - MeanUnrelated)/(MeanTrue - MeanUnrelated): what a related
	// covariate gets beyond chance, of what true ones do. It is NaN where true ones do not
	// get more than unrelated ones by three Monte Carlo standard errors.
	Excess Share
	// Of the pairs of a true predictor and a related or unrelated covariate, those in which
	// the latter is more important, ties half.
	RelatedAbove, UnrelatedAbove Share
}

// The places of an importanceBias's sums.
const (
	biasTrue = iota
	biasRelated
	biasUnrelated
	biasRelatedAbove
	biasUnrelatedAbove
	biasSums
)

// An importanceBias gathers the trials of one group.
type importanceBias struct {
	sums *crossProducts
	row  [biasSums]float64
}

// add adds a trial. What was not selected has no importance.
func (b *importanceBias) add(of *covariateScores) {
	if b.sums == nil {
		b.sums = newCrossProducts(biasSums)
	}
	var sum, n, above, pairs [3]float64
	for i, x := range of.values {
		kind := of.kind(i)
		if kind < 0 {
			continue
		}
		n[kind]++
		if !math.IsInf(x, -1) {
			sum[kind] += x
		}
		if kind == biasTrue {
			continue
		}
		for k, y := range of.values {
			if of.kind(k) == biasTrue {
				pairs[kind]++
				above[kind] += aboveOf(x, y)
			}
		}
	}
	for kind := range sum {
		b.row[kind] = ratioOrZero(sum[kind], n[kind])
	}
	b.row[biasRelatedAbove] = ratioOrZero(above[biasRelated], pairs[biasRelated])
	b.row[biasUnrelatedAbove] = ratioOrZero(above[biasUnrelated], pairs[biasUnrelated])
	b.sums.add(b.row[:])
}

// aboveOf is 1 where x is above y, and a half where it is as large.
func aboveOf(x, y float64) float64 {
	switch {
	case x > y:
		return 1
	case x == y:
		return 0.5
	}
	return 0
}

// ratioOrZero is 0 of nothing: bias shows no number of a kind that no covariate is.
func ratioOrZero(sum, n float64) float64 {
	if n == 0 {
		return 0
	}
	return sum / n
}

// kind is the place of a covariate's importance among the sums, -1 where it is not known
// whether it predicts.
func (s *covariateScores) kind(i int) int {
	switch {
	case s.roles[i] == TruePredictor:
		return biasTrue
	case s.roles[i] == NotPredictor && s.related[i]:
		return biasRelated
	case s.roles[i] == NotPredictor:
		return biasUnrelated
	}
	return -1
}

// measures fills what is measured.
func (b *importanceBias) measures(of *covariateScores, m *ImportanceBias) {
	for i := range of.names {
		switch of.kind(i) {
		case biasTrue:
			m.True++
		case biasRelated:
			m.Related++
		case biasUnrelated:
			m.Unrelated++
		}
	}
	has := [biasSums]bool{m.True > 0, m.Related > 0, m.Unrelated > 0, m.True > 0 && m.Related > 0, m.True > 0 && m.Unrelated > 0}
	for k, to := range []*Share{&m.MeanTrue, &m.MeanRelated, &m.MeanUnrelated, &m.RelatedAbove, &m.UnrelatedAbove} {
		*to = Share{math.NaN(), math.NaN()}
		if has[k] && b.sums != nil {
			var one [biasSums]float64
			one[k] = 1
			*to = Share{b.sums.mean[k], b.mcse(one)}
		}
	}
	m.Excess = Share{math.NaN(), math.NaN()}
	if m.True == 0 || m.Related == 0 || m.Unrelated == 0 || b.sums == nil {
		return
	}
	means := b.sums.mean
	effect, related := means[biasTrue]-means[biasUnrelated], means[biasRelated]-means[biasUnrelated]
	if !(effect > 3*b.mcse([biasSums]float64{biasTrue: 1, biasUnrelated: -1})) {
		return
	}
	r := related / effect
	m.Excess = Share{r, b.mcse([biasSums]float64{biasRelated: 1 / effect, biasTrue: -r / effect, biasUnrelated: (r - 1) / effect})}
}

// mcse is the Monte Carlo standard error of the mean of a linear combination.
func (b *importanceBias) mcse(weights [biasSums]float64) float64 {
	n := float64(b.sums.n)
	if n < 2 {
		return math.NaN()
	}
	return math.Sqrt(b.sums.spread(weights[:]) / (n * (n - 1)))
}

// biasTables are a table for each design in which some covariates without effect are
// related to those with one.
func (s Summary) biasTables() NumberTables {
	known := false
	for i := range s.Bias {
		known = known || s.Bias[i].Related > 0 && s.Bias[i].True > 0
	}
	if !known {
		return NumberTables{}
	}
	tables := perDesign(s.Bias, func(b *ImportanceBias) (int, []Factor) { return b.Cell, b.Factors }, "Importance of covariates without effect", func(rows []ImportanceBias, t *NumberTable) {
		lines := make([]estimatorLine, len(rows))
		for i := range rows {
			lines[i] = estimatorLine{rows[i].Estimator, rows[i].Outcome, rows[i].By.label()}
		}
		t.Names = lineNames(lines)
		mean := func(above string, of func(*ImportanceBias) Share) {
			t.add(above, "mean", func(i int) tableCell {
				x := of(&rows[i])
				return cellOf(x.Value, x.MCSE, rows[i].decimals())
			})
		}
		share := func(above, head string, of func(*ImportanceBias) Share) {
			t.add(above, head, func(i int) tableCell { x := of(&rows[i]); return percent(x.Value, x.MCSE) })
		}
		mean("true ones", func(b *ImportanceBias) Share { return b.MeanTrue })
		mean("related", func(b *ImportanceBias) Share { return b.MeanRelated })
		mean("unrelated", func(b *ImportanceBias) Share { return b.MeanUnrelated })
		share("excess, %", "of true", func(b *ImportanceBias) Share { return b.Excess })
		share("related", "above, %", func(b *ImportanceBias) Share { return b.RelatedAbove })
		share("unrelated", "above, %", func(b *ImportanceBias) Share { return b.UnrelatedAbove })
	})
	return NumberTables{tables, []string{
		fmt.Sprintf("Mean: importance of the covariates that truly move the outcome, of those that do not but covary with one that does (related), and of the other ones (unrelated), on average: %s.", rankingWords(s.Bias)),
		"Excess: what related ones get beyond unrelated ones, of what true ones do. Above: of the pairs of a true one and a related or unrelated one, those in which the latter is more important; 50% by chance. In parentheses: Monte Carlo standard errors over trials.",
	}}
}

// decimals shows one digit of the smallest Monte Carlo error of the means, up to six.
func (b *ImportanceBias) decimals() int {
	places := 2
	for _, s := range []Share{b.MeanTrue, b.MeanRelated, b.MeanUnrelated} {
		if s.MCSE > 0 {
			places = max(places, -int(math.Floor(math.Log10(s.MCSE))))
		}
	}
	return min(places, 6)
}

func (b *ImportanceBias) json() any {
	return struct {
		Cell           int               `json:"cell"`
		Factors        map[string]string `json:"factors"`
		Estimator      string            `json:"estimator"`
		Outcome        string            `json:"outcome"`
		By             string            `json:"by"`
		N              int               `json:"n"`
		Ranked         int               `json:"ranked"`
		True           int               `json:"true_predictors"`
		Related        int               `json:"related"`
		Unrelated      int               `json:"unrelated"`
		MeanTrue       jsonShare         `json:"mean_true"`
		MeanRelated    jsonShare         `json:"mean_related"`
		MeanUnrelated  jsonShare         `json:"mean_unrelated"`
		Excess         jsonShare         `json:"excess"`
		RelatedAbove   jsonShare         `json:"related_above"`
		UnrelatedAbove jsonShare         `json:"unrelated_above"`
	}{
		b.Cell, jsonFactors(b.Factors), b.Estimator, b.Outcome, b.By.String(), b.N, b.Ranked, b.True, b.Related, b.Unrelated,
		b.MeanTrue.json(), b.MeanRelated.json(), b.MeanUnrelated.json(), b.Excess.json(), b.RelatedAbove.json(), b.UnrelatedAbove.json(),
	}
}
