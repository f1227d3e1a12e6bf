package sim

import "coachsim/estimators"

// A Factor is one swept parameter of a study at one of its values.
type Factor struct {
	Key   string // e.g. "trial.schools"
	Value string // as written in the study
}

// A Record is one row of the replicate log: one estimate in one replicate.
type Record struct {
	Cell      int
	Replicate int
	Estimator string
	Outcome   string
	Term      string
	Estimand  string  // "population", "sample", "estimate of NAME", or "" when the term has no truth
	Truth     float64 // NaN when Estimand is ""
	estimators.Estimate
}

// Measures are the performance measures of one estimate over the replicates
// of one cell, each with its Monte Carlo standard error (MCSE). Formulas are
// those of Morris, White and Crowther (2019), table 6, except that the MCSE of
// bias uses the standard deviation of estimate minus truth, because the truth
// of a sample estimand differs between replicates.
// A measure that does not exist, such as the bias of a descriptive number, is NaN.
type Measures struct {
	Truth     float64 // mean truth over the replicates used
	TruthMCSE float64 // NaN of a truth that all replicates share, whose error ReadTruths tells
	N         int     // replicates
	NFail     int     // fits that failed; not those in which the term was not selected
	Failed    []int   // number of fits by estimators.Status; its sum is N

	// NotSelected counts the replicates in which a selection left the term out: there is
	// no estimate, no failure, and in Power no rejection. All other measures are of the
	// replicates that have an estimate, conditional on being selected.
	NotSelected int

	Mean     float64 // mean estimate
	Bias     float64
	BiasMCSE float64
	RelBias  float64 // mean of (estimate-truth)/truth

	RelBiasMCSE float64
	EmpSE       float64 // standard deviation of the estimates
	EmpSEMCSE   float64

	MeanSE       float64 // mean standard error
	MeanSEMCSE   float64
	ModelSE      float64 // root mean squared standard error
	ModelSEMCSE  float64
	RelError     float64 // 100 (ModelSE/EmpSE - 1), percent
	RelErrorMCSE float64

	MSE         float64
	MSEMCSE     float64
	Cover       float64 // coverage of the 1-alpha t interval
	Intervals   int     // fits with a truth and an interval, which Cover is a share of
	CoverMCSE   float64
	BECover     float64 // bias-eliminated coverage: of the mean estimate
	BECoverMCSE float64

	Power     float64 // share of all N replicates with p <= alpha; a failed fit does not reject, nor a term not selected
	PowerMCSE float64
	TypeS     float64 // share of rejections with the wrong sign
	TypeSMCSE float64
	TypeM     float64 // mean |estimate|/|truth| among rejections
	TypeMMCSE float64
	MeanP     float64 // mean p-value of the fits that worked
	MeanPMCSE float64

	MDES      float64 // minimum detectable effect size, with MDESPower; see Detectable
	MDESMCSE  float64
	InverseDF float64 // mean of 1/DF; 0 for normal tests
	NoMDES    string  // why there is no MDES, as far as LeaveOutMDES has said; "" else
}

// A SummaryRow holds the measures of one estimate in one cell.
type SummaryRow struct {
	Cell      int
	Factors   []Factor
	Estimator string
	Outcome   string
	Term      string
	Estimand  string
	Measures

	// The power by a closed form, how many Monte Carlo standard errors the
	// simulated power is above it, and the smallest effect with a power of
	// MDESPower, in the units of the truth; NaN where there is none. Formulas.AddTo
	// fills them.
	AnalyticPower, AnalyticZ, AnalyticMDES float64
}

// A Summary is the performance of every estimate of a study, in the order of
// the cells and, within a cell, of the study's estimators.
type Summary struct {
	Alpha float64
	Made  Provenance // of the log; zero where it is unknown
	Rows  []SummaryRow
	Asked []int // trials by cell when the run is done, as Study.Asked says; nil where unknown

	// Of studies that select predictors; AddSelection fills them.
	Selection []SelectionRates
	Stability []Stability
	Bias      []ImportanceBias
}

// Estimates is the number of replicates with an estimate.
func (m *Measures) Estimates() int {
	return m.N - m.NFail - m.NotSelected - m.fits(estimators.PerfectStage)
}

// Unselected is the share of replicates in which the term was not selected.
func (m *Measures) Unselected() Share { return shareOf(m.NotSelected, m.N) }
