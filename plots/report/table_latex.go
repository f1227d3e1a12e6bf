package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// longRows is how many rows a table on one page holds; one with more may break
// across pages.
const longRows = 18

// WriteLaTeX writes tables in LaTeX, to be read by \input. They need the package
// booktabs, and longtable where one has more rows than a page holds.
func WriteLaTeX(w io.Writer, tables []Table) error {
	var out strings.Builder
	out.WriteString("% Needs \\usepackage{booktabs}")
	for _, t := range tables {
		if len(t.Rows) > longRows {
			out.WriteString(" and \\usepackage{longtable}")
			break
		}
	}
	out.WriteString(".\n")
	for _, t := range tables {
		out.WriteByte('\n')
		t.writeLaTeX(&out)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func (t Table) writeLaTeX(out *strings.Builder) {
	shown := t.shown()
	columns, size, gap := "", "\\footnotesize", 4
	for _, k := range shown {
		switch {
		case !t.Columns[k].Label:
			columns += "r"
		case t.widest(k) > wideLabel:
			columns += "p{11em}"
			size, gap = "\\scriptsize", 2
		default:
			columns += "l"
		}
	}
	caption := fmt.Sprintf("\\caption{%s}\\label{tab:coachsim-%s}", latex(t.Caption), t.Name)
	var head strings.Builder
	head.WriteString("\\toprule\n")
	for part := range 2 {
		empty := true
		var cells []string
		for _, k := range shown {
			text := t.Columns[k].Head[part]
			empty = empty && text == ""
			if cells = append(cells, latex(text)); !t.Columns[k].Label && text != "" {
				cells[len(cells)-1] = `\multicolumn{1}{r}{` + latex(text) + "}"
			}
		}
		if !empty {
			head.WriteString(strings.Join(cells, " & ") + " \\\\\n")
		}
	}
	head.WriteString("\\midrule\n")
	notes := "\\textit{Notes.} " + latex(strings.Join(t.Notes, " "))

	small := fmt.Sprintf("%s\n\\setlength{\\tabcolsep}{%dpt}\n", size, gap)
	long := len(t.Rows) > longRows
	if long {
		fmt.Fprintf(out, "\\begingroup\n%s\\begin{longtable}{@{}%s@{}}\n%s\\\\\n%s\\endfirsthead\n", small, columns, caption, head.String())
		fmt.Fprintf(out, "\\multicolumn{%d}{@{}l}{\\textit{Table~\\thetable, continued}} \\\\\n%s\\endhead\n\\bottomrule\n\\endfoot\n", len(shown), head.String())
	} else {
		fmt.Fprintf(out, "\\begin{table}[tbp]\n\\centering\n%s%s\n\\begin{tabular}{@{}%s@{}}\n%s", caption+"\n", strings.TrimSuffix(small, "\n"), columns, head.String())
	}
	title := ""
	for n, row := range t.Rows {
		if panel := t.panel(row); n == 0 || panel != title {
			title = panel
			if n > 0 {
				out.WriteString("\\addlinespace\n")
			}
			// A star keeps the heading with the row below it.
			fmt.Fprintf(out, "\\multicolumn{%d}{@{}l}{\\textit{%s}} \\\\%s\n", len(shown), latex(title), map[bool]string{true: "*"}[long])
		}
		line := func(cell func(k int) string, end string) {
			var cells []string
			for _, k := range shown {
				cells = append(cells, cell(k))
			}
			out.WriteString(strings.Join(cells, " & ") + " \\\\" + end + "\n")
		}
		withErrors := beneath(row, shown)
		end := ""
		if long && withErrors {
			end = "*"
		}
		line(func(k int) string {
			if t.Columns[k].Label {
				if t.widest(k) > wideLabel {
					return `\raggedright ` + latexBroken(row[k].orMissing())
				}
				return latex(row[k].orMissing())
			}
			return latexNumber(row[k].orMissing())
		}, end)
		if withErrors {
			line(func(k int) string {
				if row[k].Beneath == "" {
					return ""
				}
				// The closing parenthesis hangs over, so that digits align.
				return "(" + latexNumber(row[k].Beneath) + `\rlap{)}`
			}, "")
		}
	}
	if long {
		fmt.Fprintf(out, "\\end{longtable}\n\\noindent\\begin{minipage}{\\linewidth}\n\\footnotesize %s\n\\end{minipage}\\par\n\\endgroup\n", notes)
		return
	}
	fmt.Fprintf(out, "\\bottomrule\n\\end{tabular}\n\n\\smallskip\n\\begin{minipage}{\\linewidth}\n\\footnotesize %s\n\\end{minipage}\n\\end{table}\n", notes)
}

// wideLabel is how many characters of a label, such as a formula in place of an
// outcome, are broken into lines.
const wideLabel = 30

// widest returns the number of characters of a column's longest cell.
func (t Table) widest(column int) int {
	most := 0
	for _, row := range t.Rows {
		most = max(most, utf8.RuneCountInString(row[column].orMissing()))
	}
	return most
}

// latexBroken escapes a name such as shrunken_correlation(gain_caused), which has no
// spaces, with places at which it may be broken into lines.
func latexBroken(text string) string {
	var out strings.Builder
	from := 0
	for at, r := range text {
		switch {
		case at == from:
		case r == '(':
			out.WriteString(latex(text[from:at]) + `\allowbreak{}`)
			from = at
		case strings.ContainsRune("_,:*", r) && at+1 < len(text) && text[at+1] != ' ':
			out.WriteString(latex(text[from:at+1]) + `\allowbreak{}`)
			from = at + 1
		}
	}
	return out.String() + latex(text[from:])
}

// latexNumber writes a minus sign for a hyphen.
func latexNumber(text string) string {
	if rest, marked := strings.CutSuffix(text, sizeMark); marked {
		return latexNumber(rest) + `\rlap{` + latex(sizeMark) + `}` // it hangs over, so that digits align
	}
	if rest, negative := strings.CutPrefix(text, "-"); negative {
		return "$-$" + latex(rest)
	}
	return latex(text)
}

// latex escapes what LaTeX would read as its own, and writes the signs that this
// package uses beside letters.
func latex(text string) string { return latexEscapes.Replace(text) }

var latexEscapes = strings.NewReplacer(
	`\`, `\textbackslash{}`, "{", `\{`, "}", `\}`, "$", `\$`, "&", `\&`, "#", `\#`, "%", `\%`, "_", `\_`,
	"~", `\textasciitilde{}`, "^", `\textasciicircum{}`, "<", `\textless{}`, ">", `\textgreater{}`, "|", `\textbar{}`, `"`, "''",
	"[", "{[}", "*", "{*}", // which \\ before them would take for its own
	"–", "--", "†", `\textsuperscript{\dag}`, "α", `$\alpha$`, "ν", `$\nu$`, "≤", `$\leq$`, "²", `\textsuperscript{2}`, "→", `$\rightarrow$`, "×", `$\times$`, "\n", " ",
)
