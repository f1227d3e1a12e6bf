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

// levelNamed returns the level that a formula calls by name.
func levelNamed(name string) (dgp.Level, bool) {
	var l dgp.Level
	if name == "" || l.UnmarshalText([]byte(name)) != nil {
		return 0, false
	}
	return l, true
}
