package dgp

import "fmt"

// Units are the units that an assignment scheme gives arms, and all that is
// known of them before: the hierarchy and the covariates. Units that are lost
// later are among them.
type Units struct {
	// Level is that of the units assigned: school, teacher or child.
	Level Level
	// N is the number of units at each level.
	N [levels]int
	// Start[l] has, for each unit of the level above l, the place of its first
	// unit of level l, and then the end: Start[SchoolLevel] is by block.
	Start [levels][]int
	// Columns holds covariates at the places they have in Shape.Columns, and nil
	// at the others.
	Columns [][]float64
}

// Len is the number of units to assign.
func (u *Units) Len() int { return u.N[u.Level] }

// Strata are the places where the units of each unit above begin, and the end:
// the schools of a block, the teachers of a school, the children of a class.
func (u *Units) Strata() []int { return u.Start[u.Level][:u.N[u.Level-1]+1] }

// A Unit is a unit of assignment.
type Unit uint8

// The units that can be assigned.
const (
	SchoolUnit Unit = iota
	TeacherUnit
	ChildUnit
	unitKinds
)

var unitNames = [unitKinds]string{"school", "teacher", "child"}

// Level is the unit's place in the hierarchy.
func (u Unit) Level() Level { return SchoolLevel + Level(u) }

func (u Unit) String() string { return u.Level().String() }

// MarshalText writes the unit's name.
func (u Unit) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText reads a unit's name: school, teacher or child.
func (u *Unit) UnmarshalText(text []byte) error {
	for i, name := range unitNames {
		if string(text) == name {
			*u = Unit(i)
			return nil
		}
	}
	return fmt.Errorf("%q is not a unit of assignment; the units are school, teacher and child", text)
}

// Names lists the values a Unit can take, for error messages and schemas.
func (Unit) Names() []string { return unitNames[:] }
