package report

import (
	"fmt"
	"html"
	"io"
	"strings"
)

// The styles stand in the elements, where Word and its like look for them.
const (
	htmlTable = "border-collapse:collapse; font-family:'Times New Roman',serif; font-size:10pt"
	htmlTop   = "border-top:1.5pt solid black"
	htmlMid   = "border-bottom:0.75pt solid black"
	htmlEnd   = "border-bottom:1.5pt solid black"
	htmlCell  = "padding:1pt 6pt"
)

// WriteHTML writes tables as a page whose tables can be pasted into a document of
// a word processor: rules above, below and under the headings, no other lines.
func WriteHTML(w io.Writer, tables []Table) error {
	var out strings.Builder
	out.WriteString("<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Tables</title></head>\n<body>\n")
	for i, t := range tables {
		shown := t.shown()
		fmt.Fprintf(&out, "<table style=\"%s\">\n<caption style=\"text-align:left; padding:6pt\"><b>Table %d.</b> %s</caption>\n", htmlTable, i+1, html.EscapeString(t.Caption))
		out.WriteString("<thead>\n<tr>")
		for _, k := range shown {
			fmt.Fprintf(&out, "<th style=\"%s; %s; %s; font-weight:normal; vertical-align:bottom; text-align:%s\">%s</th>",
				htmlTop, htmlMid, htmlCell, t.Columns[k].align(), html.EscapeString(t.Columns[k].head()))
		}
		out.WriteString("</tr>\n</thead>\n<tbody>\n")
		title := ""
		for n, row := range t.Rows {
			if panel := t.panel(row); n == 0 || panel != title {
				title = panel
				fmt.Fprintf(&out, "<tr><td colspan=\"%d\" style=\"%s\"><i>%s</i></td></tr>\n", len(shown), htmlCell, html.EscapeString(title))
			}
			withErrors := beneath(row, shown)
			end := ""
			if n == len(t.Rows)-1 {
				end = "; " + htmlEnd
			}
			line := func(style string, cell func(Cell) string) {
				out.WriteString("<tr>")
				for _, k := range shown {
					fmt.Fprintf(&out, "<td style=\"%s; text-align:%s%s\">%s</td>", htmlCell, t.Columns[k].align(), style, html.EscapeString(cell(row[k])))
				}
				out.WriteString("</tr>\n")
			}
			if withErrors {
				line("", Cell.orMissing)
				line(end, Cell.inParentheses)
			} else {
				line(end, Cell.orMissing)
			}
		}
		out.WriteString("</tbody>\n</table>\n")
		fmt.Fprintf(&out, "<p style=\"font-family:'Times New Roman',serif; font-size:9pt\"><i>Notes.</i> %s</p>\n", html.EscapeString(strings.Join(t.Notes, " ")))
	}
	out.WriteString("</body>\n</html>\n")
	_, err := io.WriteString(w, out.String())
	return err
}

func (c Column) align() string {
	if c.Label {
		return "left"
	}
	return "right"
}
