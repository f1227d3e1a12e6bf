package forest

import (
	"errors"
	"fmt"
	"math"
)

// Scale says which splits of a variable are possible.
type Scale uint8

// The scales.
const (
	Numeric   Scale = iota // split at a cut point; 0/1 variables too
	Ordered                // levels 0, 1, ... with these scores; split between two levels
	Unordered              // levels 0, 1, ...; any set of levels goes left
)

func (s Scale) String() string { return [...]string{"numeric", "ordered", "unordered"}[s] }

// maxLevels is the most levels of an unordered variable: with K levels in a
// node, 2^(K-1) - 1 splits are compared.
const maxLevels = 20

// maxRows is the most rows of a data set: ranks and rows have 16 bits.
const maxRows = math.MaxUint16

// A Variable is an input.
type Variable struct {
	Name   string
	Scale  Scale
	Levels int // of an Unordered variable
}

// The faults of data.
var (
	ErrNotFinite = errors.New("forest: a value is NaN or infinite")
	ErrLevel     = errors.New("forest: a value of an unordered variable is not one of its levels")
)

// ValidateVariables says whether trees can be grown on the variables with as
// many rows.
func ValidateVariables(variables []Variable, rows int) error {
	var faults []error
	if len(variables) == 0 {
		faults = append(faults, errors.New("a tree needs at least one input"))
	}
	if len(variables) >= noVariable {
		faults = append(faults, fmt.Errorf("a tree takes at most %d inputs; these are %d", noVariable-1, len(variables)))
	}
	if rows > maxRows {
		faults = append(faults, fmt.Errorf("a tree takes at most %d rows; the data may have %d", maxRows, rows))
	}
	for _, v := range variables {
		if v.Scale == Unordered && (v.Levels < 2 || v.Levels > maxLevels) {
			faults = append(faults, fmt.Errorf("%q has %d unordered levels; a tree compares all splits of 2 to %d levels", v.Name, v.Levels, maxLevels))
		}
	}
	return errors.Join(faults...)
}
