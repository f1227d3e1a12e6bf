package datafile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxColumns is the most columns of a text file; Stata stops near as well.
const maxColumns = 100_000

// readCSV reads a text file whose first line names the columns. The delimiter
// is whichever of comma, semicolon and tab the first line has most of. A column
// holds numbers if all its values are numbers, or all are TRUE or FALSE.
func readCSV(name string, text []byte) (*Table, error) {
	text, err := plainText(name, text)
	if err != nil {
		return nil, err
	}
	s := &csvSource{name: name, text: text, delimiter: delimiter(text)}
	if err := s.checkWidth(); err != nil {
		return nil, err
	}
	t := &Table{Name: name, lines: []int32{}}
	if err := s.header(t); err != nil {
		return nil, err
	}
	kinds, err := s.infer(t)
	if err != nil {
		return nil, err
	}
	if err := s.texts(t, kinds); err != nil {
		return nil, err
	}
	return t, nil
}

// plainText refuses what is no text, and undoes what editors do to text.
func plainText(name string, text []byte) ([]byte, error) {
	text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	hint := ""
	switch {
	case len(bytes.TrimSpace(text)) == 0:
		return nil, &Error{File: name, Message: "is empty; its first line must name the columns"}
	case bytes.HasPrefix(text, []byte("PK\x03\x04")):
		hint = "a zip archive or an Excel workbook; save the sheet as CSV"
	case bytes.HasPrefix(text, []byte("\xFF\xFE")), bytes.HasPrefix(text, []byte("\xFE\xFF")):
		hint = "UTF-16 text; save it as UTF-8"
	case bytes.HasPrefix(text, []byte("\x1F\x8B")):
		hint = "a gzip archive; unpack it first"
	case bytes.IndexByte(text[:min(len(text), 4096)], 0) >= 0:
		hint = "a binary file, not CSV"
	}
	if hint != "" {
		return nil, &Error{File: name, Message: "is " + hint}
	}
	if bytes.IndexByte(text, '\n') < 0 { // lines end as on the first Macintosh
		text = bytes.ReplaceAll(text, []byte("\r"), []byte("\n"))
	}
	return text, nil
}

// delimiter returns the character that parts the columns in the first line.
func delimiter(text []byte) rune {
	count := map[rune]int{}
	quoted := false
	for _, c := range text {
		if c == '"' {
			quoted = !quoted
		}
		if !quoted && (c == '\n' || c == '\r') {
			break
		}
		if !quoted {
			count[rune(c)]++
		}
	}
	best := ','
	for _, d := range []rune{';', '\t'} {
		if count[d] > count[best] {
			best = d
		}
	}
	return best
}

// A csvSource reads the same text twice: to see which columns are numbers, and
// to keep the text of those that are not.
type csvSource struct {
	name      string
	text      []byte
	delimiter rune
	rowNames  bool // the first column has no name: R's row names
}

// checkWidth refuses a line of absurdly many values before memory is spent on
// them.
func (s *csvSource) checkWidth() error {
	line, values := 1, 1
	quoted := false
	for _, c := range s.text {
		switch {
		case c == '"':
			quoted = !quoted
		case c == '\n':
			line++
			if !quoted {
				values = 1
			}
		case !quoted && rune(c) == s.delimiter:
			if values++; values > maxColumns {
				return &Error{File: s.name, Line: line, Message: fmt.Sprintf("has more than %d values; each row of the data must stand on a line of its own", maxColumns)}
			}
		}
	}
	return nil
}

// each calls f with every record. Fields are trimmed and must not be kept.
func (s *csvSource) each(f func(record int, fields []string, r *csv.Reader) error) error {
	r := csv.NewReader(bytes.NewReader(s.text))
	r.Comma = s.delimiter
	r.FieldsPerRecord = -1
	r.ReuseRecord = true
	for record := 0; ; record++ {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return s.syntax(err)
		}
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		if s.rowNames && record > 0 {
			if len(fields) == 0 {
				continue
			}
			fields = fields[1:]
		}
		if err := f(record, fields, r); err != nil {
			return err
		}
	}
}

// syntax puts the csv package's complaint in words.
func (s *csvSource) syntax(err error) error {
	var parse *csv.ParseError
	if !errors.As(err, &parse) {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	e := &Error{File: s.name, Line: parse.Line, Column: parse.Column}
	switch {
	case errors.Is(parse.Err, csv.ErrQuote) && parse.StartLine != parse.Line:
		e.Message = fmt.Sprintf("text in quotes that began on line %d ends wrongly here; is a closing quote missing there?", parse.StartLine)
	case errors.Is(parse.Err, csv.ErrQuote):
		e.Message = `text in quotes must begin and end with a quote; a quote within is written ""`
	case errors.Is(parse.Err, csv.ErrBareQuote):
		e.Message = `a quote stands within a value that has no quotes around it; write "a ""quoted"" word"`
	default:
		e.Message = parse.Err.Error()
	}
	return e
}

var errStop = errors.New("stop")

// header reads the columns' names.
func (s *csvSource) header(t *Table) error {
	err := s.each(func(_ int, fields []string, r *csv.Reader) error {
		line, _ := r.FieldPos(0)
		for i, name := range fields {
			if name == "" && i == 0 && len(fields) > 1 {
				s.rowNames = true
				continue
			}
			if name == "" {
				_, column := r.FieldPos(i)
				return &Error{File: s.name, Line: line, Column: column, Message: fmt.Sprintf("column %d has no name; the first line must name every column", i+1)}
			}
			t.Columns = append(t.Columns, Column{Name: strings.Clone(name)})
		}
		return errStop
	})
	if err != nil && !errors.Is(err, errStop) {
		return err
	}
	return t.checkNames()
}

// A cellKind is what a cell holds.
type cellKind uint8

const (
	missingCell cellKind = iota
	numberCell
	logicalCell
	textCell
)

// infer reads the numbers, and finds the columns that hold something else.
func (s *csvSource) infer(t *Table) ([]cellKind, error) {
	kinds := make([]cellKind, len(t.Columns))
	skipped := 0
	if s.rowNames {
		skipped = 1
	}
	err := s.each(func(record int, fields []string, r *csv.Reader) error {
		if record == 0 {
			return nil
		}
		line, _ := r.FieldPos(0)
		if len(fields) != len(t.Columns) {
			return &Error{File: s.name, Line: line, Message: fmt.Sprintf("has %s; the first line names %s", values(len(fields)+skipped), columns(len(t.Columns)+skipped))}
		}
		for i, cell := range fields {
			c := &t.Columns[i]
			if kinds[i] == textCell {
				continue
			}
			x, kind := parseCell(cell, s.delimiter == ';')
			switch {
			case kind == missingCell || kind == kinds[i]:
			case kinds[i] == missingCell:
				kinds[i] = kind
				c.notNumber = t.rows
			default:
				if kinds[i] == numberCell {
					c.notNumber = t.rows
				}
				kinds[i] = textCell
			}
			if kinds[i] == textCell {
				c.Numbers = nil
				continue
			}
			c.Numbers = append(c.Numbers, x)
		}
		t.rows++
		t.lines = append(t.lines, int32(line))
		return nil
	})
	if err == nil && t.rows == 0 {
		err = &Error{File: s.name, Message: "has no rows below the names of the columns"}
	}
	return kinds, err
}

func values(n int) string {
	if n == 1 {
		return "1 value"
	}
	return fmt.Sprintf("%d values", n)
}

func columns(n int) string {
	if n == 1 {
		return "1 column"
	}
	return fmt.Sprintf("%d columns", n)
}

// texts reads the columns of text.
func (s *csvSource) texts(t *Table, kinds []cellKind) error {
	var places []int
	for i, kind := range kinds {
		if kind == textCell {
			places = append(places, i)
			t.Columns[i].Texts = make([]string, 0, t.rows)
		}
	}
	if len(places) == 0 {
		return nil
	}
	in := interner{}
	return s.each(func(record int, fields []string, _ *csv.Reader) error {
		if record == 0 {
			return nil
		}
		for _, i := range places {
			cell := fields[i]
			if isMissing(cell) {
				cell = ""
			}
			t.Columns[i].Texts = append(t.Columns[i].Texts, in.text(cell))
		}
		return nil
	})
}

// parseCell reads one cell. Where semicolons part the columns, as in the Excel
// of many countries, a comma is a decimal point.
func parseCell(cell string, comma bool) (float64, cellKind) {
	if isMissing(cell) {
		return math.NaN(), missingCell
	}
	if comma && strings.Count(cell, ",") == 1 && !strings.Contains(cell, ".") {
		cell = strings.Replace(cell, ",", ".", 1)
	}
	switch cell {
	case "TRUE", "True", "true":
		return 1, logicalCell
	case "FALSE", "False", "false":
		return 0, logicalCell
	case "Inf", "+Inf", "inf", "Infinity":
		return math.Inf(1), numberCell
	case "-Inf", "-inf", "-Infinity":
		return math.Inf(-1), numberCell
	}
	whole := true
	for _, c := range []byte(cell) {
		switch {
		case c >= '0' && c <= '9', c == '-', c == '+':
		case c == '.', c == 'e', c == 'E':
			whole = false
		default:
			return 0, textCell // also keeps out what only Go calls a number: 0x1p4, 1_000
		}
	}
	x, err := strconv.ParseFloat(cell, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, textCell
	}
	if whole && math.Abs(x) > 1<<53 {
		return 0, textCell // an identifier: as a number it would run into its neighbours
	}
	return x, numberCell
}

// validText makes bytes of an old file UTF-8: what is not is read as Latin-1.
func validText(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}
