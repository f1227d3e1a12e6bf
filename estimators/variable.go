package estimators

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"coachsim/dgp/spelling"
)

// A Variable is a column, or a function of columns such as std(y), log(x + 1)
// or mean(x, school).
type Variable struct {
	Name string // the column; "" for a function
	Call *Call  // the function; nil for a column
	Pos  int    // offset in the formula, for messages
}

// A Call is a function with its arguments. The arithmetic inside of a function
// is made of calls too.
type Call struct {
	Function string // a name of functions, an operator of operators, or "number"
	Args     []Variable
	Number   float64   // of a number; the percentile of below and above
	By       *Variable // by = column, of an index; nil without
	Label    string    // of factor: the level that a dummy is 1 for; "" for all
}

// What number calls its constant, and factor a set of dummies.
const (
	numberName = "number"
	factorName = "factor"
)

// String writes the variable as R writes a term.
func (v Variable) String() string { return v.write(0) }

// write puts parentheses around an operator that binds less than the place asks.
func (v Variable) write(binding int) string {
	c := v.Call
	if c == nil {
		return v.Name
	}
	if c.Function == numberName {
		text := strconv.FormatFloat(c.Number, 'g', -1, 64)
		if c.Number < 0 && binding > operators["neg"].binding {
			return "(" + text + ")"
		}
		return text
	}
	if o, ok := operators[c.Function]; ok {
		var text string
		if len(c.Args) == 1 {
			text = "-" + c.Args[0].write(o.right)
		} else {
			text = c.Args[0].write(o.left) + o.written + c.Args[1].write(o.right)
		}
		if o.binding < binding {
			return "(" + text + ")"
		}
		return text
	}
	var parts []string
	for _, a := range c.Args {
		parts = append(parts, a.String())
	}
	if slices.Contains(functions[c.Function].arguments, percentile) {
		parts = append(parts, strconv.FormatFloat(c.Number, 'f', -1, 64))
	}
	if c.By != nil {
		parts = append(parts, "by = "+c.By.String())
	}
	return c.Function + "(" + strings.Join(parts, ", ") + ")" + c.Label
}

// Columns lists the columns that the variable is computed from. groups are the
// factors among them: levels of which means are taken, or which have dummies.
// The column of by = is not among them: it divides rows, and adds nothing.
func (v Variable) Columns() (columns, groups []Variable) {
	if v.Call == nil {
		if v.Name == "" {
			return nil, nil
		}
		return []Variable{v}, nil
	}
	for i, a := range v.Call.Args {
		if f, ok := functions[v.Call.Function]; ok && f.argument(i) == group {
			groups = append(groups, a)
			continue
		}
		c, g := a.Columns()
		columns, groups = append(columns, c...), append(groups, g...)
	}
	return columns, groups
}

// Controls lists the columns of every by = in the variable.
func (v Variable) Controls() []Variable {
	if v.Call == nil {
		return nil
	}
	var all []Variable
	if v.Call.By != nil {
		all = append(all, *v.Call.By)
	}
	for _, a := range v.Call.Args {
		all = append(all, a.Controls()...)
	}
	return all
}

// Calls reports whether the variable has a call of one of the functions.
func (v Variable) Calls(names ...string) bool {
	if v.Call == nil {
		return false
	}
	return slices.Contains(names, v.Call.Function) || slices.ContainsFunc(v.Call.Args, func(a Variable) bool { return a.Calls(names...) })
}

// moveTo sets the offset of the variable and of all in it.
func (v *Variable) moveTo(pos int) {
	v.Pos = pos
	if v.Call == nil {
		return
	}
	for i := range v.Call.Args {
		v.Call.Args[i].moveTo(pos)
	}
	if v.Call.By != nil {
		v.Call.By.moveTo(pos)
	}
}

// isFactor reports whether the variable stands for the dummies of a factor.
func (v Variable) isFactor() bool {
	return v.Call != nil && v.Call.Function == factorName && v.Call.Label == ""
}

// ParseVariable parses a column or a function of columns.
func ParseVariable(text string) (Variable, error) {
	p := &parser{text: text}
	v, err := p.variable()
	if err != nil {
		return v, err
	}
	p.space()
	if p.at < len(p.text) {
		return v, p.fail(p.at, "expected the end, found %s", p.found())
	}
	return v, nil
}

// variable reads a column or a function of columns.
func (p *parser) variable() (Variable, error) {
	p.space()
	v := Variable{Pos: p.at}
	name := p.name()
	if name == "" {
		return v, p.fail(p.at, "expected the name of a column, found %s", p.found())
	}
	if !p.take('(') {
		v.Name = name
		return v, nil
	}
	f, ok := functions[name]
	if !ok {
		names := slices.Sorted(maps.Keys(functions))
		if best := spelling.Nearest(name, names); best != "" {
			return v, p.fail(v.Pos, "there is no function %s; did you mean %s?", name, functions[best].usage)
		}
		var usages []string
		for _, n := range names {
			usages = append(usages, functions[n].usage)
		}
		return v, p.fail(v.Pos, "there is no function %s; the functions are %s", name, list(usages))
	}
	v.Call = &Call{Function: name}
	if err := p.arguments(v.Call, f); err != nil {
		return v, err
	}
	if !p.take(')') {
		return v, p.fail(p.at, "expected ), found %s", p.found())
	}
	if name == factorName && p.labels {
		from := p.at
		for p.at < len(p.text) && p.text[p.at] != ':' {
			p.at++
		}
		v.Call.Label = strings.TrimSpace(p.text[from:p.at])
	}
	return v, nil
}

// arguments reads what stands in a call's parentheses.
func (p *parser) arguments(c *Call, f function) error {
	for i, kind := range f.arguments {
		if i > 0 && !p.take(',') {
			return p.fail(p.at, "expected a comma and %s, found %s", argumentInWords[kind], p.found())
		}
		p.space()
		start := p.at
		switch kind {
		case percentile:
			x, ok := p.number()
			if !ok || x <= 0 || x >= 100 {
				return p.fail(start, "a percentile lies between 0 and 100, as in below(y, 10)")
			}
			c.Number = x
		case group:
			a := Variable{Pos: start, Name: p.name()}
			if a.Name == "" {
				return p.fail(start, "expected %s, found %s", argumentInWords[kind], p.found())
			}
			c.Args = append(c.Args, a)
		case several:
			if err := p.components(c, f); err != nil {
				return err
			}
		default:
			a, err := p.expression(0)
			if err != nil {
				return err
			}
			c.Args = append(c.Args, a)
		}
	}
	return nil
}

// components reads the list of an index: y1, y2, -y3, by = arm.
func (p *parser) components(c *Call, f function) error {
	start := p.at
	for {
		p.space()
		from := p.at
		if p.name() == "by" && p.take('=') {
			p.space()
			c.By = &Variable{Pos: p.at, Name: p.name()}
			if c.By.Name == "" {
				return p.fail(c.By.Pos, "expected the name of a column or level, found %s", p.found())
			}
			break
		}
		p.at = from
		a, err := p.expression(0)
		if err != nil {
			return err
		}
		c.Args = append(c.Args, a)
		if !p.take(',') {
			break
		}
	}
	if len(c.Args) < 2 {
		return p.fail(start, "%s needs two columns or more, as in %s", c.Function, f.usage)
	}
	return nil
}

// An operator of arithmetic: how tightly it binds, and what it asks of its
// sides. It is written as R's deparse does.
type operator struct {
	written              string
	binding, left, right int
}

// operators by sign; neg is the minus with one side, above * as in R.
var operators = map[string]operator{
	"+":   {" + ", 1, 1, 2},
	"-":   {" - ", 1, 1, 2},
	"*":   {" * ", 2, 2, 3},
	"/":   {"/", 2, 2, 3},
	"neg": {"-", 3, 3, 3},
	"^":   {"^", 4, 5, 3},
}

// maxDepth bounds the nesting of arithmetic.
const maxDepth = 100

// expression reads arithmetic whose operators bind at least as tightly as
// asked, by climbing precedence.
func (p *parser) expression(binding int) (Variable, error) {
	if p.depth++; p.depth > maxDepth {
		return Variable{}, p.fail(p.at, "arithmetic nested more than %d deep", maxDepth)
	}
	defer func() { p.depth-- }()
	left, err := p.operand()
	for err == nil {
		p.space()
		if p.at >= len(p.text) {
			break
		}
		sign := string(p.text[p.at])
		o, ok := operators[sign]
		if !ok || o.binding < binding {
			break
		}
		p.at++
		var right Variable
		right, err = p.expression(o.right)
		left = Variable{Pos: left.Pos, Call: &Call{Function: sign, Args: []Variable{left, right}}}
	}
	return left, err
}

// operand reads a number, a column, a function, parentheses, or a minus before
// one of these.
func (p *parser) operand() (Variable, error) {
	p.space()
	v := Variable{Pos: p.at}
	switch {
	case p.take('-'):
		inner, err := p.expression(operators["neg"].right)
		if n := inner.Call; n != nil && n.Function == numberName && n.Number > 0 {
			n.Number, inner.Pos = -n.Number, v.Pos // the number -1
			return inner, err
		}
		v.Call = &Call{Function: "neg", Args: []Variable{inner}}
		return v, err
	case p.take('('):
		inner, err := p.expression(0)
		if err == nil && !p.take(')') {
			err = p.fail(p.at, "expected ), found %s", p.found())
		}
		return inner, err
	}
	if p.at < len(p.text) && (isDigit(p.text[p.at]) || p.text[p.at] == '.' && p.at+1 < len(p.text) && isDigit(p.text[p.at+1])) {
		x, ok := p.decimal()
		if !ok {
			return v, p.fail(v.Pos, "this is not a number that can be computed with")
		}
		v.Call = &Call{Function: numberName, Number: x}
		return v, nil
	}
	return p.variable()
}

// decimal reads a number, perhaps with an exponent.
func (p *parser) decimal() (float64, bool) {
	start := p.at
	for p.at < len(p.text) && (isDigit(p.text[p.at]) || p.text[p.at] == '.') {
		p.at++
	}
	if p.at < len(p.text) && (p.text[p.at] == 'e' || p.text[p.at] == 'E') {
		end := p.at + 1
		if end < len(p.text) && (p.text[end] == '+' || p.text[end] == '-') {
			end++
		}
		if end < len(p.text) && isDigit(p.text[end]) {
			for p.at = end; p.at < len(p.text) && isDigit(p.text[p.at]); {
				p.at++
			}
		}
	}
	x, err := strconv.ParseFloat(p.text[start:p.at], 64)
	return x, err == nil
}
