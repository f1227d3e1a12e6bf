// Package datafile reads the data of a real trial, from CSV or from Stata's
// .dta, and lays them out as estimators want them.
//
// Nothing is guessed in silence: a missing value is counted, and whatever
// cannot be read or used is an error that names the line and the column.
package datafile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"coachsim/dgp/spelling"
)

// A Table is a data file in memory: named columns of equal length.
type Table struct {
	Name    string // of the file, for messages
	Columns []Column
	rows    int
	lines   []int32 // line of each row in a text file, or nil
}

// A Column holds numbers or text.
type Column struct {
	Name    string
	Numbers []float64 // NaN where missing; nil for a column of text
	Texts   []string  // "" where missing; nil for a column of numbers
	// Labels says in words what numbers mean, where the file says so.
	Labels map[float64]string

	notNumber int // in a column of text, the first row that is no number
}

// Rows returns the number of rows.
func (t *Table) Rows() int { return t.rows }

// An Error is a fault in a data file.
type Error struct {
	File    string
	Line    int // from 1; 0 if the fault is not in a line
	Column  int // from 1, in bytes of the line; 0 if unknown
	Message string
}

func (e *Error) Error() string {
	switch {
	case e.Line > 0 && e.Column > 0:
		return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
	case e.Line > 0:
		return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Message)
	default:
		return fmt.Sprintf("%s: %s", e.File, e.Message)
	}
}

// A NameError is a column that the file does not have.
type NameError struct{ Name, Message string }

func (e *NameError) Error() string { return e.Message }

// maxBytes is how much of a file is read into memory.
const maxBytes = 2 << 30

// Open reads a data file: CSV, or Stata's .dta of formats 113 to 119.
func Open(path string) (*Table, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("there is no such file")}
	}
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("is a directory")}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() // only read
	return Read(f, path)
}

// Read reads a data file. Its first bytes, not its name, say which format it
// has; the name is how messages call it.
func Read(r io.Reader, name string) (*Table, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxBytes {
		return nil, &Error{File: name, Message: "is larger than 2 GiB; keep the columns and rows that the regression uses"}
	}
	switch {
	case isStata(text):
		return readStata(name, text)
	case strings.HasSuffix(strings.ToLower(name), ".dta"):
		return nil, &Error{File: name, Message: "is not a Stata file that this program reads (formats 113 to 119, Stata 8 to 18); " + firstBytes(text)}
	default:
		return readCSV(name, text)
	}
}

// firstBytes describes how a file begins.
func firstBytes(text []byte) string {
	if len(text) == 0 {
		return "it is empty"
	}
	return fmt.Sprintf("it begins with %q", text[:min(len(text), 12)])
}

// Find returns the place of a column. A column whose name is no name in a
// formula is found by R's version of it too, with a dot for each character
// that a name cannot have: "pre test" is pre.test.
func (t *Table) Find(name string) (int, error) {
	found := -1
	for i := range t.Columns {
		switch {
		case t.Columns[i].Name == name:
			return i, nil
		case formulaName(t.Columns[i].Name) != name:
		case found >= 0:
			return 0, &NameError{name, fmt.Sprintf("%s is both %q and %q", name, t.Columns[found].Name, t.Columns[i].Name)}
		default:
			found = i
		}
	}
	if found >= 0 {
		return found, nil
	}
	message := fmt.Sprintf("there is no column %q in %s", name, t.Name)
	names := t.Names()
	if best := spelling.Nearest(name, names); best != "" {
		message += fmt.Sprintf("; did you mean %s?", best)
	} else if len(names) <= 40 {
		message += "; the columns are " + strings.Join(names, ", ")
	}
	return 0, &NameError{name, message}
}

// Names returns the columns' names as formulas write them.
func (t *Table) Names() []string {
	names := make([]string, len(t.Columns))
	for i := range names {
		names[i] = formulaName(t.Columns[i].Name)
	}
	return names
}

// formulaName replaces by a dot each character that a formula's names cannot
// have, as R's make.names does.
func formulaName(name string) string {
	plain := strings.Map(func(r rune) rune {
		if r == '_' || r == '.' || r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return r
		}
		return '.'
	}, name)
	if plain != "" && unicode.IsDigit(rune(plain[0])) {
		return "X" + plain
	}
	return plain
}

// fault is an error about a row of the table.
func (t *Table) fault(row int, format string, args ...any) error {
	e := &Error{File: t.Name, Message: fmt.Sprintf(format, args...)}
	if t.lines != nil {
		e.Line = int(t.lines[row])
	} else {
		e.Message = fmt.Sprintf("observation %d: %s", row+1, e.Message)
	}
	return e
}

// numbers returns the column at place i, which must hold numbers.
func (t *Table) numbers(i int) ([]float64, error) {
	c := &t.Columns[i]
	if c.Texts == nil {
		return c.Numbers, nil
	}
	if c.Texts[c.notNumber] == "" {
		return nil, &Error{File: t.Name, Message: fmt.Sprintf("the column %s is one of text, and empty; a regression needs numbers", c.Name)}
	}
	if text := c.Texts[c.notNumber]; isNumber(strings.ReplaceAll(text, ",", "")) {
		return nil, t.fault(c.notNumber, "the column %s is not a number here but %q; write it without a comma, with a point before decimals", c.Name, shorten(text))
	}
	return nil, t.fault(c.notNumber, "the column %s is not a number here but %q; a regression needs numbers. Choose rows with --where %q, or code the column as 0 and 1",
		c.Name, shorten(c.Texts[c.notNumber]), formulaName(c.Name)+" == '"+shorten(c.Texts[c.notNumber])+"'")
}

func isNumber(text string) bool {
	_, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	return err == nil
}

// shorten cuts a text that is too long for a message.
func shorten(text string) string {
	const most = 40
	runes := []rune(text[:min(len(text), 4*most)])
	if len(runes) <= most {
		return text
	}
	return string(runes[:most-1]) + "…"
}

// checkNames refuses columns that share a name.
func (t *Table) checkNames() error {
	place := make(map[string]int, len(t.Columns))
	for i := range t.Columns {
		name := t.Columns[i].Name
		if first, ok := place[name]; ok {
			return &Error{File: t.Name, Line: t.headerLine(), Message: fmt.Sprintf("columns %d and %d are both named %q", first+1, i+1, shorten(name))}
		}
		place[name] = i
	}
	return nil
}

// headerLine is the line of the names in a text file, else 0.
func (t *Table) headerLine() int {
	if t.lines == nil {
		return 0
	}
	return 1
}

// An interner keeps one copy of equal texts.
type interner map[string]string

func (in interner) text(s string) string {
	if have, ok := in[s]; ok {
		return have
	}
	s = strings.Clone(s)
	in[s] = s
	return s
}

// isMissing reports whether a cell of a text file says that there is no value.
func isMissing(cell string) bool {
	return slices.Contains([]string{"", "NA", ".", "NaN", "nan"}, cell)
}
