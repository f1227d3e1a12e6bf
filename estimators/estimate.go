package estimators

import "fmt"

// A Status says how a fit ended. A fit never returns an error and never a NaN
// marked OK: what went wrong is a value that can be counted.
type Status uint8

// The ways a fit can end.
const (
	OK             Status = iota // the fit worked
	Reduced                      // it worked after a collinear nuisance term was dropped, as R and Stata do
	Collinear                    // the reported term itself is collinear with the others
	TooFewRows                   // no residual degrees of freedom
	TooFewClusters               // fewer than two clusters
	NoVariation                  // the outcome is constant
	NotFinite                    // the data or the result held NaN or an infinity
	Boundary                     // it worked; a variance component is 0, or a correlation 1 or -1 (lme4 says: singular)
	NotConverged                 // the likelihood's maximum was not found
	NoResidual                   // the fit is exact, or exact by cluster: nothing is left to estimate an error from
	BadWeights                   // a row has a negative weight, or none
	NotPositive                  // the variance estimate with two factors of clusters is not positive
	Separated                    // a logit's regressors tell without error who is observed
	BadArm                       // an arm's column holds something other than 0 and 1
	OneArm                       // a block, or the data, has rows of one arm only
	LoneUnit                     // an arm has one row, or one cluster, in a block: nothing tells how its units vary
	SplitCluster                 // a cluster has rows of both arms, or of several blocks
	NotSelected                  // the term is not among those that were selected
	PerfectStage                 // the instruments tell the endogenous regressor without error, so that the F of its first stage is infinite
	statuses
)

var statusNames = [statuses]string{
	"ok", "reduced", "collinear", "too-few-rows", "too-few-clusters", "no-variation", "not-finite", "boundary", "not-converged", "no-residual", "bad-weights", "not-positive", "separated",
	"bad-arm", "one-arm", "lone-unit", "split-cluster", "not-selected", "perfect-first-stage",
}

func (s Status) String() string {
	if s >= statuses {
		return fmt.Sprintf("Status(%d)", uint8(s))
	}
	return statusNames[s]
}

// Worked reports whether the estimate may be used.
func (s Status) Worked() bool { return s == OK || s == Reduced || s == Boundary }

// Failed reports whether the fit failed: it gave no estimate, and should have. That a
// term is not selected is an outcome of a selection, and no failure; nor is an F that is
// infinite since everybody takes up what is offered.
func (s Status) Failed() bool { return !s.Worked() && s != NotSelected && s != PerfectStage }

// ParseStatus reads the name that String writes.
func ParseStatus(name string) (Status, error) {
	for i, n := range statusNames {
		if n == name {
			return Status(i), nil
		}
	}
	return 0, fmt.Errorf("%q is not a status", name)
}

// Statuses lists every status in order.
func Statuses() []Status {
	all := make([]Status, statuses)
	for i := range all {
		all[i] = Status(i)
	}
	return all
}

// An Estimate is what one method says about one term in one data set. It is
// complete when returned. For a joint test, Value is the F statistic, SE is NaN
// and DF the denominator degrees of freedom. For a plain number such as a
// correlation without a standard error, SE, DF and P are NaN.
// Interval exists where the confidence interval is not Value ± t(DF) SE.
// Where Status did not work, every number is NaN.
type Estimate struct {
	Value  float64 // in the outcome's units per unit of the term
	SE     float64
	DF     float64 // of the t (or F denominator) reference distribution
	P      float64 // two-sided
	Status Status

	Interval
}

// An Interval is a confidence interval that an estimator found in a way of its
// own. The zero value is none.
type Interval struct {
	Low, High float64
}

// Exists reports whether the estimator gave an interval.
func (i Interval) Exists() bool { return i != Interval{} }

// A Row names what one Estimate of a Fitter is about. Rows are fixed at Bind.
type Row struct {
	Estimator string
	Outcome   string // as written in the formula, e.g. "below(class, 10)"
	Term      string // e.g. "coaching", "coaching:class", "joint(es, co, is)"
	// Target is the treatment effect the estimate can be held against, or nil
	// when the number is descriptive.
	Target *Target
	// Projection is the coefficient, or the error, of the population linear
	// projection that the estimate can be held against, or nil.
	Projection *Projection
	// Predictor says which term's selection the estimate is, or nil.
	Predictor *Predictor
	// Adjustment says how P is adjusted for the number of the estimator's tests.
	Adjustment StepDown
}
