package strict

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// An origin is a text that nodes come from: the document, or the value of an
// override.
type origin struct {
	name     string
	order    int  // the document is 0, overrides follow in the order they were given
	override bool // the value of an override, not the document
	key      string
	lines    []string
	runes    [][]rune // of each line
}

func newOrigin(name, text string) *origin {
	o := &origin{name: name, lines: splitLines(text)}
	for _, line := range o.lines {
		o.runes = append(o.runes, []rune(line))
	}
	return o
}

func (o *origin) rank() int {
	if o == nil {
		return -1
	}
	return o.order
}

// splitLines cuts at every line break that YAML knows, so that the line numbers
// of the YAML library index the result.
func splitLines(text string) []string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	var lines []string
	start := 0
	for i, r := range text {
		if isBreak(r) {
			lines = append(lines, text[start:i])
			start = i + utf8.RuneLen(r)
		}
	}
	return append(lines, text[start:])
}

func isBreak(r rune) bool {
	return r == '\n' || r == '\r' || r == '\u0085' || r == '\u2028' || r == '\u2029'
}

// line returns line number n, counted from 1, as characters.
func (o *origin) line(n int) []rune {
	if n < 1 || n > len(o.runes) {
		return nil
	}
	return o.runes[n-1]
}

// fault makes a fault at a position of the text.
func (o *origin) fault(path string, line, column, width int, message, hint string) Fault {
	return Fault{
		Source: o.name, Path: path, Line: line, Column: column,
		Message: message, Hint: hint, from: o, width: width,
	}
}

// checkText finds bytes that no YAML text may hold. The YAML library refuses
// them too, but does not say where they are.
func (o *origin) checkText(text string) *Fault {
	if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
		f := o.fault("", 1, 1, 1, "the file is not UTF-8 text, but UTF-16", "save it as UTF-8")
		return &f
	}
	for i, line := range o.lines {
		column := 0
		for j, r := range line {
			column++
			if r == utf8.RuneError {
				if _, size := utf8.DecodeRuneInString(line[j:]); size == 1 {
					f := o.fault("", i+1, column, 1,
						fmt.Sprintf("the byte 0x%02x is not UTF-8 text", line[j]), "save the file as UTF-8")
					return &f
				}
			}
			if !allowedRune(r) {
				f := o.fault("", i+1, column, 1,
					fmt.Sprintf("the invisible character U+%04X is not allowed", r), "delete it, or write it as an escape in double quotes")
				return &f
			}
		}
	}
	return nil
}

// allowedRune reports whether YAML allows r in a text.
func allowedRune(r rune) bool {
	switch {
	case r == '\t' || isBreak(r):
		return true
	case r == '\ufeff' || r == '\ufffe' || r == '\uffff':
		return false
	}
	return !unicode.IsControl(r)
}
