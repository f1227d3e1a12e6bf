package estimators

import (
	"fmt"

	"coachsim/dgp"
	"coachsim/dgp/spelling"
)

// A grouping divides rows into the levels of a factor: the units of a level of
// the hierarchy, or the codes of a factor column. Fixed effects are absorbed,
// and standard errors clustered, by a grouping.
type grouping struct {
	level  dgp.Level // of the units, or at which the column varies
	column int       // the factor column, or -1
	most   int       // number of levels, at most
}

// findGrouping looks up the name of a level or of a factor column. A column
// goes before a level of the same name.
func (s *Setup) findGrouping(name string) (grouping, error) {
	for i, c := range s.shape.Columns {
		if c.Name == name && c.Levels > 0 {
			return grouping{level: c.Level, column: i, most: c.Levels}, nil
		}
	}
	if level, ok := levelNamed(name); ok {
		return grouping{level: level, column: -1, most: s.shape.Max[level]}, nil
	}
	var names []string
	for _, c := range s.shape.Columns {
		if c.Levels > 0 {
			names = append(names, c.Name)
		}
	}
	for l := dgp.BlockLevel; l <= dgp.ChildLevel; l++ {
		names = append(names, l.String())
	}
	message := fmt.Sprintf("%q is no level of the data and no factor; there are %s", name, list(names))
	if best := spelling.Nearest(name, names); best != "" {
		message = fmt.Sprintf("%q is no level of the data and no factor; did you mean %q?", name, best)
	}
	return grouping{}, fmt.Errorf("%s", message)
}

// of returns the level of the factor that a unit belongs to, or -1 where the
// column holds no code.
func (f grouping) of(d *dgp.Data, level dgp.Level, unit int) int {
	unit = d.Ancestor(level, unit, f.level)
	if f.column >= 0 {
		code := d.Columns[f.column][unit]
		if !(code >= 0 && code < float64(f.most)) {
			return -1
		}
		return int(code)
	}
	return unit
}

// fill fills dst with what of returns for the first units of a level.
func (f grouping) fill(dst []int, d *dgp.Data, level dgp.Level) {
	fillAncestors(dst, d, level, f.level)
	if f.column < 0 {
		return
	}
	for i, unit := range dst {
		dst[i] = f.of(d, f.level, unit)
	}
}

// fillAncestors fills dst with the units of an upper level that the first units of a level
// are in.
func fillAncestors(dst []int, d *dgp.Data, down, up dgp.Level) {
	if down != dgp.TeacherLevel || up == down {
		for i := range dst {
			dst[i] = d.Ancestor(down, i, up)
		}
		return
	}
	copy(dst, d.TeacherSchool)
	if up == dgp.BlockLevel {
		for i, school := range dst {
			dst[i] = d.SchoolBlock[school]
		}
	}
}

// levelNamed returns the level that a formula calls by name.
func levelNamed(name string) (dgp.Level, bool) {
	var l dgp.Level
	if name == "" || l.UnmarshalText([]byte(name)) != nil {
		return 0, false
	}
	return l, true
}
