package dgp

import (
	"fmt"
	"slices"
)

// A Level is one rung of the hierarchy block ⊃ school ⊃ teacher ⊃ child.
// A teacher is also a classroom: every teacher has one class.
type Level int

// The levels, from the largest unit to the smallest.
const (
	BlockLevel Level = iota
	SchoolLevel
	TeacherLevel
	ChildLevel
	levels // how many there are
)

var levelNames = [levels]string{"block", "school", "teacher", "child"}

func (l Level) String() string {
	if l < 0 || l >= levels {
		return fmt.Sprintf("Level(%d)", int(l))
	}
	return levelNames[l]
}

// Plural names the units of the level.
func (l Level) Plural() string {
	if l == ChildLevel {
		return "children"
	}
	return l.String() + "s"
}

// MarshalText writes the level's name.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads a level's name: block, school, teacher or child.
func (l *Level) UnmarshalText(text []byte) error {
	for i, name := range levelNames {
		if string(text) == name {
			*l = Level(i)
			return nil
		}
	}
	return fmt.Errorf("%q is not a level; the levels are block, school, teacher and child", text)
}

// Names lists the values a Level can take, for error messages and schemas.
func (Level) Names() []string { return levelNames[:] }

// A Column describes one variable of the data: its name, the level at which
// it varies, and what a careful analyst must know about it.
type Column struct {
	Name  string
	Level Level
	// PostTreatment says that the treatment may change the column, so that a
	// regression which holds it fixed no longer estimates the total effect.
	PostTreatment bool
	// Arm says that the column is the indicator of a treatment arm: 1 in the arm
	// of this name, and in those that combine it with others.
	Arm bool
	// Center is the column's mean by design. Estimators subtract it before
	// they square or multiply, which keeps cross-products accurate; no
	// estimate depends on it.
	Center float64
	// Observed is the column of the same level or one above that is 1 where this
	// one has a value, and 0 where it is missing and holds NaN; "" where none is
	// missing.
	Observed string
	// Levels is the number of levels of a factor, whose values are the codes
	// 0 to Levels-1; 0 for a number.
	Levels int
	// Labels are the names of a factor's levels; nil where they have none but
	// their codes.
	Labels []string
	// Rating says which rating of a classroom the column holds, if it does.
	Rating *Rating
	// Oracle says that no analyst has the column: it is there for infeasible
	// estimators alone.
	Oracle bool
	// Domains are those of classroom quality that the column scores; nil for other
	// columns.
	Domains []string
	Doc     string
}

// A Rating is one coder's score of one film segment of one day in one domain.
type Rating struct {
	Domain              string
	Day, Segment, Coder int // from 1
}

// A Shape is what is known about data before any are drawn: the columns and
// the largest number of units at each level. Methods are bound to a Shape.
type Shape struct {
	Columns []Column
	Max     [levels]int
	// Arms are the names of all arms, the control arm first.
	Arms []string
	// Assignment is the scheme by which units were given their arms, nil where it
	// is not known.
	Assignment Assignment
}

// TurnsOn reports whether the units in an arm have 1 in an arm's column.
func (s Shape) TurnsOn(arm, column int) bool {
	return turnsOn(s.Arms[arm], s.Columns[column].Name)
}

// Index returns the position of the named column, or -1.
func (s Shape) Index(name string) int {
	for i := range s.Columns {
		if s.Columns[i].Name == name {
			return i
		}
	}
	return -1
}

// Domains returns the domains of classroom quality that the named columns score:
// one for the score of a domain, all for the total. It returns nil where a column
// scores none.
func (s Shape) Domains(columns ...string) []string {
	var all []string
	for _, name := range columns {
		c := s.Index(name)
		if c < 0 || s.Columns[c].Domains == nil {
			return nil
		}
		for _, domain := range s.Columns[c].Domains {
			if !slices.Contains(all, domain) {
				all = append(all, domain)
			}
		}
	}
	return all
}

// Names returns the columns' names in order.
func (s Shape) Names() []string {
	names := make([]string, len(s.Columns))
	for i := range s.Columns {
		names[i] = s.Columns[i].Name
	}
	return names
}

// Data is one data set as an analyst would hold it: no potential outcomes. Who
// was lost is not in it, or has missing values, as Column.Observed says. Units of a level are numbered in
// order, and the units below a unit are contiguous: the children of teacher t
// are ChildStart[t] up to ChildStart[t+1], and so on up the hierarchy.
//
// Data returned by Generator.Draw is overwritten by the next Draw.
type Data struct {
	// N is the number of units at each level.
	N [levels]int

	// Randomised are all units that were given an arm, also those lost since, and
	// Place says where among them each unit of that level in the data is. Both
	// are nil where the assignment is not known.
	Randomised *Units
	Place      []int

	SchoolBlock   []int // block of each school; length N[SchoolLevel]
	TeacherSchool []int // school of each teacher; length N[TeacherLevel]
	TeacherStart  []int // first teacher of each school; length N[SchoolLevel]+1
	ChildStart    []int // first child of each teacher; length N[TeacherLevel]+1

	// Columns holds the values in the order of Shape.Columns. Column c has
	// N[Shape.Columns[c].Level] values.
	Columns [][]float64
}

// Teachers returns the number of teachers (classrooms).
func (d *Data) Teachers() int { return d.N[TeacherLevel] }

// Children returns the number of children.
func (d *Data) Children() int { return d.N[ChildLevel] }

// Ancestor returns the unit of level up to which the given unit of level
// down belongs. It panics if up is below down.
func (d *Data) Ancestor(down Level, unit int, up Level) int {
	if up > down {
		panic("dgp: Ancestor asked for a level below the unit")
	}
	for l := down; l > up; l-- {
		switch l {
		case ChildLevel:
			unit = d.teacherOf(unit)
		case TeacherLevel:
			unit = d.TeacherSchool[unit]
		case SchoolLevel:
			unit = d.SchoolBlock[unit]
		}
	}
	return unit
}

// teacherOf finds a child's teacher by bisection of ChildStart.
func (d *Data) teacherOf(child int) int {
	lo, hi := 0, d.N[TeacherLevel]-1
	for lo < hi {
		mid := (lo + hi + 1) / 2
		if d.ChildStart[mid] <= child {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	return lo
}
