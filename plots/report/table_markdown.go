package report

import (
	"fmt"
	"io"
	"strings"
)

// WriteMarkdown writes tables in Markdown (pipe tables, as pandoc and GitHub read
// them). Monte Carlo standard errors have a line of their own.
func WriteMarkdown(w io.Writer, tables []Table) error {
	var out strings.Builder
	for i, t := range tables {
		if i > 0 {
			out.WriteByte('\n')
		}
		fmt.Fprintf(&out, "**Table %d.** %s\n\n", i+1, markdown(t.Caption))
		shown := t.shown()
		line := func(cell func(k int) string) {
			for _, k := range shown {
				out.WriteString("| " + cell(k) + " ")
			}
			out.WriteString("|\n")
		}
		line(func(k int) string { return markdown(t.Columns[k].head()) })
		line(func(k int) string {
			if t.Columns[k].Label {
				return ":--"
			}
			return "--:"
		})
		title := ""
		for n, row := range t.Rows {
			if panel := t.panel(row); n == 0 || panel != title {
				title = panel
				line(func(k int) string {
					if k == shown[0] {
						return "**" + markdown(title) + "**"
					}
					return ""
				})
			}
			line(func(k int) string { return markdown(row[k].orMissing()) })
			if beneath(row, shown) {
				line(func(k int) string { return row[k].inParentheses() })
			}
		}
		fmt.Fprintf(&out, "\n*Notes.* %s\n", markdown(strings.Join(t.Notes, " ")))
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// head is the heading on one line.
func (c Column) head() string { return strings.TrimSpace(c.Head[0] + " " + c.Head[1]) }

func (c Cell) orMissing() string {
	if c.Value == "" {
		return missing
	}
	return c.Value + c.Mark
}

func (c Cell) inParentheses() string {
	if c.Beneath == "" {
		return ""
	}
	return "(" + c.Beneath + ")"
}

// beneath reports whether any cell of a row has something beneath it.
func beneath(row []Cell, shown []int) bool {
	for _, k := range shown {
		if row[k].Beneath != "" {
			return true
		}
	}
	return false
}

// markdown escapes what Markdown would read as its own.
func markdown(text string) string { return markdownEscapes.Replace(text) }

var markdownEscapes = strings.NewReplacer(`\`, `\\`, "|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "<", "&lt;", "[", `\[`, "]", `\]`, "^", `\^`, "~", `\~`, "$", `\$`, "\n", " ")
