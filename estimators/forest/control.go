package forest

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/gonum/stat/distuv"
)

// Statistic is how the linear statistic of a test is made one number.
type Statistic uint8

// The statistics. They differ for unordered variables only.
const (
	Quadratic  Statistic = iota // quadratic form, χ² by the number of levels
	Maximum                     // largest absolute standardised component
	statistics                  // their number
)

var statisticNames = [statistics]string{"quadratic", "maximum"}

func (s Statistic) String() string { return nameOf(statisticNames[:], int(s), "Statistic") }

// MarshalText writes the name.
func (s Statistic) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a name; case does not matter.
func (s *Statistic) UnmarshalText(text []byte) error {
	i, err := placeOf(statisticNames[:], text, "a test statistic")
	*s = Statistic(i)
	return err
}

// Names lists the statistics.
func (Statistic) Names() []string { return statisticNames[:] }

// Adjustment is for the number of inputs that are tested in a node.
type Adjustment uint8

// The adjustments of a p-value p: none, or 1 - (1-p)^k.
const (
	// BonferroniVarying counts the tested inputs that vary in the node, as
	// partykit does.
	BonferroniVarying Adjustment = iota
	// BonferroniAll counts all inputs, or those drawn for the node, whether they
	// vary in it or not, as party does.
	BonferroniAll
	Univariate  // no adjustment
	adjustments // their number
)

var adjustmentNames = [adjustments]string{"bonferroni", "bonferroni-all", "univariate"}

func (a Adjustment) String() string { return nameOf(adjustmentNames[:], int(a), "Adjustment") }

// MarshalText writes the name.
func (a Adjustment) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads a name; case does not matter.
func (a *Adjustment) UnmarshalText(text []byte) error {
	i, err := placeOf(adjustmentNames[:], text, "an adjustment of the tests in a node")
	*a = Adjustment(i)
	return err
}

// Names lists the adjustments.
func (Adjustment) Names() []string { return adjustmentNames[:] }

func nameOf(names []string, i int, kind string) string {
	if i >= len(names) {
		return fmt.Sprintf("%s(%d)", kind, i)
	}
	return names[i]
}

func placeOf(names []string, text []byte, what string) (int, error) {
	for i, name := range names {
		if strings.EqualFold(string(text), name) {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%q is not %s; they are %s", text, what, strings.Join(names, ", "))
}

// A Control says how trees are grown.
type Control struct {
	Statistic    Statistic
	Adjustment   Adjustment
	Permutations int     // of a Monte Carlo p-value; 0: the asymptotic p-value
	MinCriterion float64 // a node is split if 1 - p is larger: 1 - alpha
	MinSplit     int     // rows that a node needs to be split
	MinBucket    int     // rows that each child needs
	MinShare     float64 // rows that each child needs, as a share of its parent's
	Inputs       int     // inputs drawn at random for each node (mtry); 0: all
	MaxDepth     int     // splits on the way to a leaf, at most; 0: no limit

	// For the trees of a forest: a share of the rows, rounded up, drawn without
	// replacement; or with Bootstrap as many rows as there are, with
	// replacement.
	Fraction  float64
	Bootstrap bool
}

// TreeDefaults holds the defaults of a single tree, those of partykit's ctree.
func TreeDefaults() Control {
	return Control{MinCriterion: 0.95, MinSplit: 20, MinBucket: 7, MinShare: 0.01}
}

// Defaults holds the defaults of a forest's trees, those of party's
// cforest_unbiased: trees grow until nodes are small, and inputs are drawn. The
// number of inputs is the root of theirs, rounded up, as partykit's.
func Defaults(inputs int) Control {
	return Control{
		Adjustment: Univariate, MinSplit: 20, MinBucket: 7, MinShare: 0.01,
		Inputs: int(math.Ceil(math.Sqrt(float64(inputs)))), Fraction: 0.632,
	}
}

// Validate reports every fault.
func (c Control) Validate(inputs int) error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if c.Statistic >= statistics {
		fault("there is no test statistic %s", c.Statistic)
	}
	if c.Adjustment >= adjustments {
		fault("there is no adjustment %s", c.Adjustment)
	}
	if c.Permutations < 0 {
		fault("the permutations are %d; they are 0 for the asymptotic p-value, or more", c.Permutations)
	}
	if !(c.MinCriterion >= 0 && c.MinCriterion < 1) {
		fault("the least criterion is %v; it is at least 0 and less than 1", c.MinCriterion)
	}
	if c.MinSplit < 2 {
		fault("a node to be split needs %d rows; 2 is the least", c.MinSplit)
	}
	if c.MinBucket < 1 {
		fault("a child needs %d rows; 1 is the least", c.MinBucket)
	}
	if !(c.MinShare >= 0 && c.MinShare < 0.5) {
		fault("a child needs a share of %v of its parent's rows; it is at least 0 and less than 0.5", c.MinShare)
	}
	if c.Inputs < 0 || c.Inputs > inputs {
		fault("%d inputs are to be drawn for a node; there are %d", c.Inputs, inputs)
	}
	if c.MaxDepth < 0 {
		fault("the depth is at most %d; it is 0 for no limit, or more", c.MaxDepth)
	}
	if !c.Bootstrap && !(c.Fraction >= 0 && c.Fraction <= 1) {
		fault("the fraction of rows for a tree is %v; it is between 0 and 1", c.Fraction)
	}
	return errors.Join(faults...)
}

// candidates is the number of inputs tested in a node.
func (c Control) candidates(inputs int) int {
	if c.Inputs == 0 {
		return inputs
	}
	return c.Inputs
}

// significant returns the value that a χ² statistic with one degree of freedom
// must exceed where k inputs are counted: (1-p)^k > MinCriterion.
func (c Control) significant(k int) float64 {
	if c.MinCriterion == 0 {
		return 0
	}
	z := distuv.UnitNormal.Quantile((1 + math.Pow(c.MinCriterion, 1/float64(k))) / 2)
	return z * z
}

// bucket is the number of rows that each child of a node needs.
func (c Control) bucket(n int) int {
	return max(c.MinBucket, int(math.Ceil(c.MinShare*float64(n))))
}

// tested is the number of tests that an adjustment counts, of which varying
// are of inputs that vary in the node.
func (c Control) tested(inputs, varying int) int {
	switch c.Adjustment {
	case BonferroniVarying:
		return varying
	case BonferroniAll:
		return c.candidates(inputs)
	default:
		return 1
	}
}
