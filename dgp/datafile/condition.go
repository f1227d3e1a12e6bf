package datafile

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Condition chooses rows, such as arm == 'coaching' & grade >= 3.
type Condition struct {
	tests []test
}

// A test is one comparison: a column with a number or a text.
type test struct {
	column  string
	op      string
	number  float64
	text    string
	isText  bool
	place   int // in the table, once bound
	labels  map[float64]bool
	at, end int // in the condition's text: the column's name
	value   int // in the condition's text: the value
}

// A ConditionError is a fault in a condition.
type ConditionError struct {
	Offset  int // in bytes, from 0
	Message string
}

func (e *ConditionError) Error() string { return e.Message }

// Columns lists the columns that the condition looks at.
func (c Condition) Columns() []string {
	names := make([]string, len(c.tests))
	for i := range names {
		names[i] = c.tests[i].column
	}
	return names
}

// And returns the condition that both hold.
func (c Condition) And(other Condition) Condition {
	return Condition{append(append([]test{}, c.tests...), other.tests...)}
}

// ParseCondition reads comparisons joined by &. The empty text holds for every
// row.
func ParseCondition(text string) (Condition, error) {
	p := &conditionParser{text: text}
	var c Condition
	if p.space(); p.at == len(text) {
		return c, nil
	}
	for {
		t, err := p.test()
		if err != nil {
			return c, err
		}
		c.tests = append(c.tests, t)
		p.space()
		switch {
		case p.at == len(text):
			return c, nil
		case p.take("&&"), p.take("&"):
		case p.take("|"):
			return c, p.fail(p.at-1, "comparisons can be joined by & only")
		default:
			return c, p.fail(p.at, "expected & or the end, found %s", p.found())
		}
	}
}

type conditionParser struct {
	text string
	at   int
}

func (p *conditionParser) fail(at int, format string, args ...any) error {
	return &ConditionError{Offset: at, Message: fmt.Sprintf(format, args...)}
}

func (p *conditionParser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

func (p *conditionParser) take(token string) bool {
	if strings.HasPrefix(p.text[p.at:], token) {
		p.at += len(token)
		return true
	}
	return false
}

// found describes what comes next.
func (p *conditionParser) found() string {
	if p.at == len(p.text) {
		return "the end"
	}
	_, size := utf8.DecodeRuneInString(p.text[p.at:])
	return strconv.Quote(p.text[p.at : p.at+size])
}

// name reads a column's name: letters of any language, digits, _ and .
func (p *conditionParser) name() string {
	start := p.at
	for p.at < len(p.text) {
		r, size := utf8.DecodeRuneInString(p.text[p.at:])
		if r != '_' && r != '.' && !unicode.IsLetter(r) && (p.at == start || !unicode.IsDigit(r)) {
			break
		}
		p.at += size
	}
	return p.text[start:p.at]
}

func (p *conditionParser) test() (test, error) {
	p.space()
	t := test{at: p.at}
	t.column = p.name()
	t.end = p.at
	if t.column == "" {
		return t, p.fail(p.at, "expected the name of a column, found %s", p.found())
	}
	p.space()
	at := p.at
	for _, op := range []string{"==", "!=", "<=", ">=", "<", ">"} {
		if p.take(op) {
			t.op = op
			break
		}
	}
	p.space()
	t.value = p.at
	switch {
	case t.op == "" && p.take("="):
		return t, p.fail(at, "equality is written ==")
	case t.op == "":
		return t, p.fail(at, "expected ==, !=, <, <=, > or >=, found %s", p.found())
	case p.take("'"):
		return p.quoted(t, "'")
	case p.take(`"`):
		return p.quoted(t, `"`)
	default:
		return p.numeric(t)
	}
}

// quoted reads a text up to its closing quote.
func (p *conditionParser) quoted(t test, quote string) (test, error) {
	text, _, closed := strings.Cut(p.text[p.at:], quote)
	if !closed {
		return t, p.fail(t.value, "the text that begins here has no closing %s", quote)
	}
	p.at += len(text) + 1
	if t.op != "==" && t.op != "!=" {
		return t, p.fail(t.value, "text can be compared with == and != only")
	}
	t.isText, t.text = true, strings.TrimSpace(text)
	return t, nil
}

func (p *conditionParser) numeric(t test) (test, error) {
	for p.at < len(p.text) && strings.IndexByte("+-.0123456789eE", p.text[p.at]) >= 0 {
		p.at++
	}
	x, err := strconv.ParseFloat(p.text[t.value:p.at], 64)
	if err != nil {
		p.at = t.value
		if word := p.name(); word != "" {
			return t, p.fail(t.value, "text stands in quotes: '%s'", word)
		}
		return t, p.fail(p.at, "expected a number, or text in quotes, found %s", p.found())
	}
	t.number = x
	return t, nil
}

// bind looks up the columns, and checks that numbers are compared with numbers
// and text with text. Text fits a column of numbers if it is one of its labels.
func (c Condition) bind(t *Table) (Condition, error) {
	bound := Condition{append([]test{}, c.tests...)}
	for i := range bound.tests {
		s := &bound.tests[i]
		place, err := t.Find(s.column)
		if err != nil {
			return bound, &ConditionError{s.at, err.Error()}
		}
		s.place = place
		column := &t.Columns[place]
		switch {
		case s.isText && column.Texts == nil && column.Labels != nil:
			s.labels = map[float64]bool{}
			for x, label := range column.Labels {
				if label == s.text {
					s.labels[x] = true
				}
			}
			if len(s.labels) == 0 {
				return bound, &ConditionError{s.value, fmt.Sprintf("no value of %s is labelled %q", s.column, s.text)}
			}
		case s.isText && column.Texts == nil:
			return bound, &ConditionError{s.value, fmt.Sprintf("the column %s holds numbers; compare it with a number", s.column)}
		case !s.isText && column.Texts != nil:
			return bound, &ConditionError{s.value, fmt.Sprintf("the column %s holds text, such as %q; compare it with text in quotes", s.column, shorten(column.Texts[column.notNumber]))}
		}
	}
	return bound, nil
}

// A verdict is what a condition says of a row.
type verdict uint8

const (
	out     verdict = iota // a comparison fails
	unknown                // a value that decides is missing
	in                     // all hold
)

// of judges a row.
func (c Condition) of(t *Table, row int) verdict {
	v := in
	for i := range c.tests {
		s := &c.tests[i]
		column := &t.Columns[s.place]
		switch {
		case column.missing(row):
			v = unknown
		case !s.holds(column, row):
			return out
		}
	}
	return v
}

// missing reports whether the column has no value in a row.
func (c *Column) missing(row int) bool {
	if c.Texts != nil {
		return c.Texts[row] == ""
	}
	return math.IsNaN(c.Numbers[row])
}

// holds compares a value that is not missing.
func (s *test) holds(c *Column, row int) bool {
	if s.isText {
		equal := s.labels != nil && s.labels[c.number(row)] || s.labels == nil && c.Texts[row] == s.text
		return equal == (s.op == "==")
	}
	x := c.Numbers[row]
	switch s.op {
	case "==":
		return x == s.number
	case "!=":
		return x != s.number
	case "<":
		return x < s.number
	case "<=":
		return x <= s.number
	case ">":
		return x > s.number
	default:
		return x >= s.number
	}
}

// number returns a value of a column of numbers, NaN in a column of text.
func (c *Column) number(row int) float64 {
	if c.Numbers == nil {
		return math.NaN()
	}
	return c.Numbers[row]
}
