package estimators

import (
	"strings"

	"coachsim/dgp"
)

// A comparison is one part of a condition: column op number.
type comparison struct {
	name string
	pos  int
	op   string
	x    float64
}

// holds evaluates the comparison for one value.
func (c *comparison) holds(v float64) bool {
	switch c.op {
	case "==":
		return v == c.x
	case "!=":
		return v != c.x
	case "<":
		return v < c.x
	case "<=":
		return v <= c.x
	case ">":
		return v > c.x
	default:
		return v >= c.x
	}
}

// parseCondition reads a restriction of the sample, such as
// "coaching == 0 & girl == 1". The empty text is no restriction.
func parseCondition(text string) ([]comparison, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	p := &parser{text: text}
	var all []comparison
	for {
		p.space()
		c := comparison{pos: p.at, name: p.name()}
		if c.name == "" {
			return nil, p.fail(p.at, "expected the name of a column, found %s", p.found())
		}
		p.space()
		for _, op := range []string{"==", "!=", "<=", ">=", "<", ">"} {
			if strings.HasPrefix(p.text[p.at:], op) {
				c.op = op
				p.at += len(op)
				break
			}
		}
		if c.op == "" {
			return nil, p.fail(p.at, "expected ==, !=, <, <=, > or >=, found %s", p.found())
		}
		sign := 1.0
		if p.take('-') {
			sign = -1
		}
		x, ok := p.number()
		if !ok {
			return nil, p.fail(p.at, "expected a number, found %s", p.found())
		}
		c.x = sign * x
		all = append(all, c)
		p.space()
		if p.at == len(p.text) {
			return all, nil
		}
		if !p.take('&') {
			return nil, p.fail(p.at, "expected & or the end, found %s", p.found())
		}
	}
}

// A filter is a condition bound to columns.
type filter struct {
	level  dgp.Level // the lowest level of its columns
	column []int
	levels []dgp.Level
	test   []comparison
}

// keepAbove reports whether a class satisfies every comparison of columns that
// do not vary within it; keepOwn whether a child satisfies the others.
func (f *filter) keepAbove(d *dgp.Data, class int) bool {
	for i := range f.test {
		if f.levels[i] == dgp.ChildLevel {
			continue
		}
		if !f.test[i].holds(d.Columns[f.column[i]][d.Ancestor(dgp.TeacherLevel, class, f.levels[i])]) {
			return false
		}
	}
	return true
}

func (f *filter) keepOwn(d *dgp.Data, child int) bool {
	for i := range f.test {
		if f.levels[i] == dgp.ChildLevel && !f.test[i].holds(d.Columns[f.column[i]][child]) {
			return false
		}
	}
	return true
}

// keepAt reports whether a row, of a child or of the unit of level group that it
// lies in, satisfies every comparison.
func (f *filter) keepAt(d *dgp.Data, group dgp.Level, unit, row int) bool {
	for i := range f.test {
		if !f.test[i].holds(d.Columns[f.column[i]][at(d, group, unit, row, f.levels[i])]) {
			return false
		}
	}
	return true
}

// keep reports whether the unit of level f.level satisfies every comparison.
func (f *filter) keep(d *dgp.Data, unit int) bool {
	for i := range f.test {
		u := d.Ancestor(f.level, unit, f.levels[i])
		if !f.test[i].holds(d.Columns[f.column[i]][u]) {
			return false
		}
	}
	return true
}
