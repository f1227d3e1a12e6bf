package sim

import (
	"io"
	"strings"
	"unicode/utf8"
)

// A NumberTable is a table of numbers, a line for each of the names.
type NumberTable struct {
	Title   string
	Names   []string
	Columns []NumberColumn // those of which any number exists
}

// A NumberColumn is a column of a NumberTable.
type NumberColumn struct {
	Head  [2]string // above each other
	cells []tableCell
}

// Written returns the number of a line and its Monte Carlo standard error, as tables show
// them: "" for what does not exist.
func (c NumberColumn) Written(line int) (number, mcse string) { return writtenCell(c.cells[line]) }

// add adds a column, unless none of its numbers exists.
func (t *NumberTable) add(above, head string, cell func(line int) tableCell) {
	c, empty := NumberColumn{Head: [2]string{above, head}}, true
	for i := range t.Names {
		c.cells = append(c.cells, cell(i))
		empty = empty && c.cells[i].value == missing
	}
	if !empty {
		t.Columns = append(t.Columns, c)
	}
}

// layOut returns the two lines of headings, the second with corner above the names, and
// the lines.
func (t *NumberTable) layOut(corner string) (headings [2]string, lines []string) {
	wide := utf8.RuneCountInString(corner)
	for _, name := range t.Names {
		wide = max(wide, utf8.RuneCountInString(name))
	}
	headings = [2]string{tableIndent + padRight("", wide), tableIndent + padRight(corner, wide)}
	lines = make([]string, len(t.Names))
	for i, name := range t.Names {
		lines[i] = tableIndent + padRight(name, wide)
	}
	for _, c := range t.Columns {
		texts := alignCells(c.cells, false)
		wide := max(utf8.RuneCountInString(c.Head[0]), utf8.RuneCountInString(c.Head[1]), utf8.RuneCountInString(texts[0]))
		for k := range headings {
			headings[k] += tableGap + padLeft(c.Head[k], wide)
		}
		for i := range lines {
			lines[i] += tableGap + padLeft(texts[i], wide)
		}
	}
	return headings, lines
}

// writeHeadings writes what layOut gave, with a rule beneath.
func writeHeadings(out *strings.Builder, headings [2]string, style tableStyle) {
	for _, heading := range headings {
		out.WriteString(style.bold(strings.TrimRight(heading, " ")) + "\n")
	}
	out.WriteString(style.faint(strings.Repeat("─", utf8.RuneCountInString(headings[1]))) + "\n")
}

// A NumberTables is tables with the same columns, one for each design, and notes that
// explain them.
type NumberTables struct {
	Tables []NumberTable
	Notes  []string
}

// write writes the tables for a reader at a terminal.
func (t NumberTables) write(w io.Writer, width int, style tableStyle) error {
	var out strings.Builder
	for i := range t.Tables {
		if i > 0 {
			out.WriteByte('\n')
		}
		out.WriteString(style.bold(t.Tables[i].Title) + "\n\n")
		headings, lines := t.Tables[i].layOut("estimator")
		writeHeadings(&out, headings, style)
		for _, line := range lines {
			out.WriteString(strings.TrimRight(line, " ") + "\n")
		}
	}
	out.WriteByte('\n')
	for _, note := range t.Notes {
		var text strings.Builder
		WriteWrapped(&text, note, "", width)
		for line := range strings.Lines(text.String()) {
			out.WriteString(style.faint(strings.TrimSuffix(line, "\n")) + "\n")
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// perDesign makes a table of the rows of every cell, which stand together.
func perDesign[R any](rows []R, of func(*R) (cell int, factors []Factor), title string, table func(rows []R, t *NumberTable)) (all []NumberTable) {
	for start := 0; start < len(rows); {
		cell, factors := of(&rows[start])
		end := start + 1
		for end < len(rows) {
			if other, _ := of(&rows[end]); other != cell {
				break
			}
			end++
		}
		t := NumberTable{Title: title + inDesign(factors)}
		table(rows[start:end], &t)
		all = append(all, t)
		start = end
	}
	return all
}

// An estimatorLine is what a line of a table is about: an estimator of an outcome, and
// perhaps what of it.
type estimatorLine struct{ estimator, outcome, what string }

// lineNames names lines, with the outcome where an estimator has several.
func lineNames(lines []estimatorLine) []string {
	several := false
	for i := range lines {
		for k := range lines[:i] {
			several = several || lines[k].estimator == lines[i].estimator && lines[k].outcome != lines[i].outcome
		}
	}
	names := make([]string, len(lines))
	for i, line := range lines {
		names[i] = line.estimator
		if several {
			names[i] += ": " + line.outcome
		}
		if line.what != "" {
			names[i] += ", " + line.what
		}
	}
	return names
}
