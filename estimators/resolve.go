package estimators

import (
	"fmt"
	"slices"
	"strings"

	"coachsim/dgp"
)

// resolve returns the place of a variable among the columns, after adding
// derived columns for the functions in it.
func (s *Setup) resolve(v Variable) (int, error) {
	if v.Call == nil {
		return s.lookUp(v.Name, v.Pos)
	}
	text := v.String()
	for i, have := range s.derived {
		if have.text == text {
			return len(s.shape.Columns) + i, nil
		}
	}
	c := &derived{text: text, function: arithmetic[v.Call.Function]}
	f, called := functions[v.Call.Function]
	if called {
		c.function = f
	}
	if err := s.resolveArguments(c, v); err != nil {
		return 0, err
	}
	var err error
	switch v.Call.Function {
	case "below", "above":
		s.wantPercentile(c, v.Call.Number)
	case "std", "center", "I":
		if c.args[0].column < 0 {
			err = &SyntaxError{Offset: v.Pos, Message: fmt.Sprintf("%s has no column in it", text)}
		}
	case "mean", "n":
		err = s.resolveMean(c, v)
	case factorName:
		err = s.resolveDummy(c, v)
	case "klk", "anderson":
		err = s.resolveIndex(c, v)
	case valueAddedName:
		err = s.resolveValueAdded(c, v)
	}
	if err != nil {
		return 0, err
	}
	if v.Call.Function == "I" || v.Call.Function == "mean" {
		c.center = s.operandCenter(c)
	}
	c.values = make([]float64, s.shape.Max[c.level])
	s.derived = append(s.derived, c)
	place := len(s.shape.Columns) + len(s.derived) - 1
	c.self = s.operand(place)
	return place, nil
}

// operandCenter is the design mean of a function's first argument.
func (s *Setup) operandCenter(c *derived) float64 {
	if c.args[0].column < 0 {
		return 0
	}
	return s.center(c.args[0].column)
}

// resolveArguments looks up all arguments that are values. A function's level
// is the lowest among them.
func (s *Setup) resolveArguments(c *derived, v Variable) error {
	f := functions[v.Call.Function]
	for i, a := range v.Call.Args {
		if a.Call != nil && a.Call.Function == numberName {
			c.args = append(c.args, operand{column: -1, number: a.Call.Number})
			continue
		}
		if f.argument(i) == group {
			continue
		}
		if a.isFactor() {
			return &SyntaxError{Offset: a.Pos, Message: fmt.Sprintf("%s stands for several columns, and cannot be an argument of %s", a, v.Call.Function)}
		}
		place, err := s.resolve(a)
		if err != nil {
			return err
		}
		level := s.level(place)
		c.args = append(c.args, s.operand(place))
		c.level = max(c.level, level)
		for _, origin := range s.origins(place) {
			if !slices.Contains(c.columns, origin) {
				c.columns = append(c.columns, origin)
			}
		}
	}
	for _, a := range c.args {
		for _, i := range a.indicators {
			if !slices.Contains(c.indicators, i.column) {
				c.indicators = append(c.indicators, i.column)
			}
		}
	}
	slices.Sort(c.indicators)
	if f.fit == nil {
		return nil
	}
	for i, a := range c.args {
		if a.column < 0 {
			return &SyntaxError{Offset: v.Call.Args[i].Pos, Message: fmt.Sprintf("expected a column, as in %s; this is a number", f.usage)}
		}
	}
	return nil
}

// operand is a column as an argument.
func (s *Setup) operand(column int) operand {
	o := operand{column: column, level: s.level(column)}
	for _, i := range s.indicatorsOf(column) {
		o.indicators = append(o.indicators, operand{column: i, level: s.level(i)})
	}
	return o
}

// wantPercentile registers a percentile of the argument.
func (s *Setup) wantPercentile(c *derived, percent float64) {
	column := c.args[0].column
	i := slices.IndexFunc(s.sources, func(o *source) bool { return o.column == column })
	if i < 0 {
		i = len(s.sources)
		c.first = true
		s.sources = append(s.sources, &source{column: column})
	}
	c.source = s.sources[i]
	c.percent = slices.Index(c.source.percent, percent)
	if c.percent < 0 {
		c.percent = len(c.source.percent)
		c.source.percent = append(c.source.percent, percent)
		c.source.cutoff = append(c.source.cutoff, 0)
	}
}

// resolveMean finds the groups of mean(x, group) and n(group).
func (s *Setup) resolveMean(c *derived, v Variable) error {
	last := v.Call.Args[len(v.Call.Args)-1]
	g, err := s.findGrouping(last.Name)
	if err != nil {
		return &SyntaxError{Offset: last.Pos, Message: err.Error()}
	}
	of := dgp.ChildLevel
	if len(c.args) > 0 {
		of = c.args[0].level
	}
	if g.level > of || g.column < 0 && g.level == of {
		what := "rows"
		if len(c.args) > 0 {
			what = v.Call.Args[0].String()
		}
		return &SyntaxError{Offset: last.Pos, Message: fmt.Sprintf("%s varies between units of level %s; there is nothing to average within %s", what, of, last.Name)}
	}
	c.group, c.level, c.indicators = g, g.level, s.groupIndicators(g)
	c.sum, c.count, c.vacant = make([]float64, g.most), make([]float64, g.most), make([]bool, g.most)
	return nil
}

// resolveDummy finds the level of a dummy such as factor(grade)3.
func (s *Setup) resolveDummy(c *derived, v Variable) error {
	if v.Call.Label == "" {
		return &SyntaxError{Offset: v.Pos, Message: fmt.Sprintf("%s stands for several columns, and can only be a term by itself or in an interaction", v)}
	}
	g, labels, err := s.factorLevels(v.Call.Args[0])
	if err != nil {
		return err
	}
	c.group, c.level = g, g.level
	if c.code = slices.Index(labels, v.Call.Label); c.code < 0 {
		return &SyntaxError{Offset: v.Pos, Message: fmt.Sprintf("%s has no level %q; its levels are %s", v.Call.Args[0].Name, v.Call.Label, list(labels))}
	}
	c.indicators = s.groupIndicators(g)
	if g.column >= 0 {
		c.columns = []int{g.column}
	}
	return nil
}

// groupIndicators lists the columns that are 1 where a factor is observed.
func (s *Setup) groupIndicators(g grouping) []int {
	if g.column < 0 {
		return nil
	}
	return s.indicatorsOf(g.column)
}

// resolveIndex finds the control group.
func (s *Setup) resolveIndex(c *derived, v Variable) error {
	var control []operand
	add := func(column int, pos int) error {
		level := s.shape.Columns[column].Level
		if level > c.level {
			return &SyntaxError{Offset: pos, Message: fmt.Sprintf("the column %s varies within the units of %s, which are of level %s", s.shape.Columns[column].Name, v, c.level)}
		}
		control = append(control, operand{column: column, level: level})
		return nil
	}
	if by := v.Call.By; by != nil {
		column, err := s.lookUp(by.Name, by.Pos)
		if err == nil {
			err = add(column, by.Pos)
		}
		if err != nil {
			return err
		}
	} else {
		for i, column := range s.shape.Columns {
			if column.Arm {
				if err := add(i, v.Pos); err != nil {
					return err
				}
			}
		}
	}
	if len(control) == 0 {
		return &SyntaxError{Offset: v.Pos, Message: fmt.Sprintf("an index needs to know the control group: write %s(..., by = treated), where treated is 0 there", v.Call.Function)}
	}
	c.index = newIndex(len(c.args), control)
	return nil
}

// addMeans adds to means those in a variable that a row may be without: over
// units below the rows, or that may be missing.
func (s *Setup) addMeans(means *[]*derived, v Variable, rows dgp.Level) error {
	place, err := s.resolve(v)
	if err != nil || v.Call == nil {
		return err
	}
	if v.Call.Function == "mean" || v.Call.Function == valueAddedName {
		c := s.derived[place-len(s.shape.Columns)]
		if a := c.args[0]; (a.level > rows || len(a.indicators) > 0) && c.group.level <= min(rows, dgp.TeacherLevel) && !slices.Contains(*means, c) {
			*means = append(*means, c)
		}
	}
	f := functions[v.Call.Function]
	for i, a := range v.Call.Args {
		if f.argument(i) == group || a.Call == nil || a.Call.Function == numberName {
			continue
		}
		if err := s.addMeans(means, a, rows); err != nil {
			return err
		}
	}
	return nil
}

// meansKey writes a list of means, in an order of its own.
func meansKey(means []*derived) string {
	var texts []string
	for _, c := range means {
		texts = append(texts, c.text)
	}
	slices.Sort(texts)
	return strings.Join(texts, meansSeparator)
}

const meansSeparator = "; "
