package strict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// A Fault is one thing wrong with a document.
type Fault struct {
	Source  string // the document's name, or the override ("--set trial.schools=x") at fault
	Path    string // the key's full path, such as covariates[3].mean; empty for the document
	Line    int    // from 1, within the document or within the override's value; 0 if unknown
	Column  int    // from 1, in characters
	Message string // one sentence: what is wrong and what is allowed
	Hint    string // what to write instead, or empty

	from  *origin // the text that Line and Column refer to; nil if unknown
	width int     // how many characters to underline
}

// Error renders the fault as Faults.Error does.
func (f Fault) Error() string {
	var b strings.Builder
	f.render(&b)
	return b.String()
}

// Faults is every fault found in a document.
type Faults []Fault

// Error renders all faults in the order of their positions, each with the line
// it is about and a hint where there is one. Faults of overrides come last.
func (fs Faults) Error() string {
	var b strings.Builder
	for i, f := range fs.Sorted() {
		if i > 0 {
			b.WriteByte('\n')
		}
		f.render(&b)
	}
	return b.String()
}

// Sorted returns a copy in the order of the positions.
func (fs Faults) Sorted() Faults {
	sorted := slices.Clone(fs)
	slices.SortStableFunc(sorted, func(a, b Fault) int {
		return cmp.Or(
			cmp.Compare(a.from.rank(), b.from.rank()),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
		)
	})
	return sorted
}

// orNil avoids the typed nil that a nil Faults in an error would be.
func (fs Faults) orNil() error {
	if len(fs) == 0 {
		return nil
	}
	return fs.Sorted()
}

func (f Fault) render(b *strings.Builder) {
	located := f.from != nil && f.Line > 0
	override := f.from != nil && f.from.override
	if f.Source != "" {
		b.WriteString(f.Source)
		if located && !override {
			fmt.Fprintf(b, ":%d:%d", f.Line, f.Column)
		}
		b.WriteString(": ")
	}
	// An override's name already says its key.
	if f.Path != "" && !(override && f.Path == f.from.key) {
		b.WriteString(f.Path + ": ")
	}
	b.WriteString(f.Message)
	// The value of an override is on the line already; show it again only to
	// point inside it.
	if located && (!override || f.Line > 1 || f.Column > 1) {
		f.excerpt(b)
	}
	if f.Hint != "" {
		b.WriteString("\n  " + f.Hint)
	}
}

// maxExcerpt is how many characters of a line an excerpt shows.
const maxExcerpt = 96

// excerpt writes the faulty line with carets under the faulty part.
func (f Fault) excerpt(b *strings.Builder) {
	if f.Line > len(f.from.lines) {
		return
	}
	line := f.from.line(f.Line)
	start := min(max(f.Column-1, 0), len(line))
	end := min(start+max(f.width, 1), max(len(line), start+1))
	before, after := "", ""
	if len(line) > maxExcerpt { // show the part around the fault
		lo := max(0, min(start-maxExcerpt/3, len(line)-maxExcerpt))
		hi := lo + maxExcerpt
		if lo > 0 {
			before = "…"
		}
		if hi < len(line) {
			after = "…"
		}
		line, start, end = line[lo:hi], start-lo, min(end, hi+1)-lo
	}
	text := strings.TrimRight(strings.Map(visible, string(line)), " ")
	number := fmt.Sprint(f.Line)
	fmt.Fprintf(b, "\n  %s | %s%s%s", number, before, text, after)
	pad := len([]rune(before)) + start
	fmt.Fprintf(b, "\n  %*s | %s%s", len(number), "", strings.Repeat(" ", pad), strings.Repeat("^", max(end-start, 1)))
}

// visible replaces what a terminal would not show as one character, so that
// the carets stay aligned and no escape sequence gets through.
func visible(r rune) rune {
	switch {
	case r == '\t':
		return ' '
	case !unicode.IsPrint(r):
		return unicode.ReplacementChar
	}
	return r
}
