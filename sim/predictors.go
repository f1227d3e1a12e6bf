package sim

import (
	"iter"
	"math"
	"slices"
	"strings"

	"coachsim/dgp"
	"coachsim/estimators"
)

// A PredictorMeasure is what is measured of each predictor of a regression or a forest.
type PredictorMeasure uint8

// The measures.
const (
	// SelectionFrequency is how often a predictor is selected: the share of trials in
	// which it is, selected(x), listed(x) or split(x), or the mean share of runs, runs(x).
	SelectionFrequency PredictorMeasure = iota
	// ImportanceMeasure is importance(x), with the middle 90% of the trials.
	ImportanceMeasure
	// PredictorCoverage is the share of intervals of the coefficient x that hold its
	// truth, of the trials in which there is one.
	PredictorCoverage
)

// A PredictorValue is a measure of one predictor by one estimator.
type PredictorValue struct {
	Cell      int
	Factors   []Factor
	Estimator string
	Outcome   string
	Term      string // as logged
	Predictor string // the term that it is about
	True      Role   // whether it truly predicts
	Simulated        // the value with its 95% Monte Carlo interval; of importance, the middle 90% of trials
	MCSE      float64
	Fits, N   int // that have a value, and trials
	// NotSelected counts the trials in which the predictor was not selected, so that it
	// has no value.
	NotSelected int
	Rank        CovariateRank // among all, of importance; its mean is 0 where it is not known
}

// A Role says what a covariate is in truth.
type Role uint8

// The roles.
const (
	UnknownRole Role = iota
	NotPredictor
	TruePredictor
)

func (t Role) String() string { return [...]string{"", "no", "yes"}[t] }

// predictorOf returns the predictor that a term is about.
func (m PredictorMeasure) predictorOf(term string) (predictor string, ok bool) {
	inner := func(prefixes ...string) (string, bool) {
		for _, p := range prefixes {
			if rest, found := strings.CutPrefix(term, p+"("); found && strings.HasSuffix(rest, ")") {
				return rest[:len(rest)-1], true
			}
		}
		return "", false
	}
	switch m {
	case SelectionFrequency:
		return inner("selected", "listed", "runs", "split")
	case ImportanceMeasure:
		return inner("importance")
	default:
		if x, ok := inner("std"); ok { // whatever its units, the interval is of the same predictor
			return x, true
		}
		return term, true
	}
}

// Predictors measures predictors by the rows of a summary: by design, in the order of
// the rows. Whether one truly predicts is known in trials whose model of the outcome has
// predictors; coverage is of terms that are. chunks is the run's log, read for importance
// alone, whose percentiles are of the first replicates of a long run, as Collect takes them.
func Predictors(study Study, rows []SummaryRow, chunks iter.Seq2[[]Record, error], m PredictorMeasure) ([]PredictorValue, error) {
	designs := study.designs()
	var all []PredictorValue
	var used []SummaryRow
	truths := map[int]func(string) Role{}
	for _, r := range rows {
		predictor, ok := m.predictorOf(r.Term)
		if !ok || r.Estimates() == 0 || r.Cell >= len(designs) {
			continue
		}
		if truths[r.Cell] == nil {
			known, err := designs[r.Cell].Study.covariates()
			if err != nil {
				return nil, err
			}
			truths[r.Cell] = known.role
		}
		v := PredictorValue{
			Cell: r.Cell, Factors: r.Factors, Estimator: r.Estimator, Outcome: r.Outcome, Term: r.Term, Predictor: predictor,
			True: truths[r.Cell](predictor), N: r.N, Fits: r.Estimates(), NotSelected: r.NotSelected,
		}
		switch {
		case m == PredictorCoverage:
			if v.True == UnknownRole || math.IsNaN(r.Cover) || r.Intervals == 0 {
				continue
			}
			v.Simulated, v.MCSE, v.Fits = r.Coverage(), r.CoverMCSE, r.Intervals
		case m == SelectionFrequency && !strings.HasPrefix(r.Term, "runs("):
			v.Simulated = Wilson(min(1, max(0, r.Mean)), v.Fits)
			v.MCSE = r.EmpSE / math.Sqrt(float64(v.Fits))
		case m == SelectionFrequency:
			v.MCSE = r.EmpSE / math.Sqrt(float64(v.Fits))
			v.Simulated = wilsonOfMean(r.Mean, v.MCSE, v.Fits)
		default:
			v.MCSE = r.EmpSE / math.Sqrt(float64(v.Fits))
			v.Simulated = Around(r.Mean, v.MCSE)
			if math.IsNaN(v.MCSE) {
				v.Low, v.High = v.Value, v.Value
			}
		}
		all, used = append(all, v), append(used, r)
	}
	if m != ImportanceMeasure || len(all) == 0 {
		return all, nil
	}
	estimates, _, err := Collect(chunks, used)
	if err != nil {
		return nil, err
	}
	for i, values := range estimates {
		slices.Sort(values)
		if len(values) > 0 {
			all[i].Low, all[i].High = quantile(values, 0.05), quantile(values, 0.95)
		}
	}
	return all, nil
}

// wilsonOfMean returns the mean of n shares, of runs say, with Wilson's interval for as many
// yes-or-no trials as would give its Monte Carlo standard error, p(1-p)/MCSE² (the
// effective sample size of surveys), and no fewer than n: shares of one mean vary most
// where each is 0 or 1. So it does not leave 0 to 1, and has a width where none varies.
func wilsonOfMean(mean, mcse float64, n int) Simulated {
	mean = min(1, max(0, mean)) // but for rounding
	effective := float64(n)
	if e := mean * (1 - mean) / (mcse * mcse); e > effective {
		effective = min(e, 1e15)
	}
	return Wilson(mean, int(effective))
}

// covariateTruth tells what the covariates of a term are in a study.
type covariateTruth struct {
	role    func(term string) Role
	related func(term string) bool // of one that does not predict: it covaries with one that does
}

// covariates tells which terms truly predict: those with a column that moves the outcome
// of a study of learning.
func (s Study) covariates() (covariateTruth, error) {
	g, err := s.Trial.Compile()
	if err != nil {
		return covariateTruth{}, err
	}
	shape := g.Shape()
	modelled := slices.ContainsFunc(shape.Columns, func(c dgp.Column) bool { return g.Predicts(shape.Index(c.Name)) })
	return covariateTruth{
		role: func(term string) Role {
			columns, ok := termColumns(term, shape)
			switch {
			case !ok || !modelled || len(columns) == 0:
				return UnknownRole
			case slices.ContainsFunc(columns, g.Predicts):
				return TruePredictor
			}
			return NotPredictor
		},
		related: func(term string) bool {
			columns, _ := termColumns(term, shape)
			return slices.ContainsFunc(columns, g.Related)
		},
	}, nil
}

// termColumns returns the columns of a term; false where it is no term of these.
func termColumns(text string, shape dgp.Shape) (all []int, ok bool) {
	t, err := estimators.ParseTerm(text)
	if err != nil {
		return nil, false
	}
	for _, f := range t.Factors {
		columns, _ := f.Variable.Columns()
		for _, c := range columns {
			i := shape.Index(c.Name)
			if i < 0 {
				return nil, false
			}
			all = append(all, i)
		}
	}
	return all, true
}
