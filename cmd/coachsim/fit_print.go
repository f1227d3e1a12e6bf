package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"coachsim/estimators"
)

// print prints the results, and fails if one of them did.
func (f *fitFlags) print(s streams, file string, results []*fitted) error {
	var err error
	switch {
	case f.json:
		err = writeFitJSON(s.out, results)
	case f.csv:
		err = writeFitCSV(s.out, results)
	case f.latex:
		writeFitLaTeX(s.out, results)
	default:
		f.writeFitTable(s.out, file, results)
	}
	if err != nil {
		return err
	}
	failed, all := 0, 0
	var reasons []estimators.Status
	for _, result := range results {
		for _, r := range result.rows {
			all++
			if r.status.Failed() {
				failed++
				reasons = append(reasons, r.status)
			}
		}
	}
	if failed == 0 {
		return nil
	}
	slices.Sort(reasons)
	message := fmt.Sprintf("%d of %s failed", failed, count(all, "estimate"))
	for _, status := range slices.Compact(reasons) {
		message += fmt.Sprintf("\n  %s: %s", status, statusInWords(status))
	}
	return &exitError{exitFailure, errors.New(message)}
}

// fitColumns are the names of an estimate's numbers, as in R's broom.
var fitColumns = []string{"estimate", "std.error", "statistic", "df", "p.value", "conf.low", "conf.high"}

func (r *fittedRow) numbers() []float64 {
	return []float64{r.estimate, r.se, r.statistic, r.df, r.p, r.low, r.hi}
}

// A jsonFit is what is printed of an estimator's rows.
type jsonFit struct {
	Estimator string        `json:"estimator,omitempty"`
	N         int           `json:"n"`
	Clusters  *int          `json:"clusters"`
	Dropped   int           `json:"dropped"`
	Outcomes  []jsonOutcome `json:"outcomes,omitempty"`

	Components []jsonComponent `json:"variance_components,omitempty"`
	Trees      []jsonTree      `json:"trees,omitempty"`
	Lasso      []jsonLasso     `json:"lasso,omitempty"`
}

// A jsonOutcome has the counts of an outcome that not all rows have.
type jsonOutcome struct {
	Outcome  string `json:"outcome"`
	N        int    `json:"n"`
	Clusters *int   `json:"clusters"`
	Dropped  int    `json:"dropped"`
}

// A jsonRow is a fittedRow; the order of its fields is that of R's broom.
type jsonRow struct {
	Estimator string `json:"estimator,omitempty"`
	Outcome   string `json:"outcome"`
	Term      string `json:"term"`
	Estimate  any    `json:"estimate"`
	SE        any    `json:"std.error"`
	Statistic any    `json:"statistic"`
	DF        any    `json:"df"`
	P         any    `json:"p.value"`
	Low       any    `json:"conf.low"`
	High      any    `json:"conf.high"`
	Status    string `json:"status"`
}

func (r *fitted) jsonFit() jsonFit {
	out := jsonFit{Estimator: r.name, N: r.n, Dropped: r.dropped}
	if r.cluster != "" {
		out.Clusters = &r.clusters
	}
	for _, outcome := range r.outcomes() {
		own := r.of(outcome)
		o := jsonOutcome{Outcome: outcome, N: own.n, Dropped: own.dropped}
		if r.cluster != "" {
			o.Clusters = &own.clusters
		}
		out.Outcomes = append(out.Outcomes, o)
	}
	out.Components, out.Trees, out.Lasso = r.jsonComponents(), r.jsonTrees(), r.jsonLasso()
	return out
}

// outcomes lists the outcomes in order where not all have the same rows.
func (r *fitted) outcomes() []string {
	var all []string
	for _, row := range r.rows {
		if _, ok := r.apart[row.outcome]; ok && !slices.Contains(all, row.outcome) {
			all = append(all, row.outcome)
		}
	}
	return all
}

// writeFitJSON writes {schema_version, rows, n, clusters, dropped}; for a
// study's estimators the last three stand in a list, fits. Where outcomes have
// other rows, their own counts stand in a list, outcomes, and n and clusters
// count rows that have any.
func writeFitJSON(w io.Writer, results []*fitted) error {
	rows := []jsonRow{}
	fits := []jsonFit{}
	for _, result := range results {
		fits = append(fits, result.jsonFit())
		for _, r := range result.rows {
			rows = append(rows, jsonRow{
				Estimator: result.name, Outcome: r.outcome, Term: r.term, Status: r.status.String(),
				Estimate: jsonValue(r.estimate), SE: jsonValue(r.se), Statistic: jsonValue(r.statistic), DF: jsonValue(r.df),
				P: jsonValue(r.p), Low: jsonValue(r.low), High: jsonValue(r.hi),
			})
		}
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if results[0].name != "" {
		return encoder.Encode(struct {
			Version int       `json:"schema_version"`
			Rows    []jsonRow `json:"rows"`
			Fits    []jsonFit `json:"fits"`
		}{1, rows, fits})
	}
	return encoder.Encode(struct {
		Version int       `json:"schema_version"`
		Rows    []jsonRow `json:"rows"`
		jsonFit
	}{1, rows, fits[0]})
}

func writeFitCSV(w io.Writer, results []*fitted) error {
	out := newCSV(w)
	header := slices.Concat([]string{"estimator", "outcome", "term"}, fitColumns, []string{"status", "n", "clusters", "dropped"})
	study := results[0].name != ""
	if !study {
		header = header[1:]
	}
	out.write(header)
	for _, result := range results {
		for _, r := range result.rows {
			own, clusters := result.of(r.outcome), ""
			if result.cluster != "" {
				clusters = csvValue(own.clusters)
			}
			row := []string{result.name, r.outcome, r.term}
			for _, x := range r.numbers() {
				row = append(row, csvValue(x))
			}
			row = append(row, r.status.String(), csvValue(own.n), clusters, csvValue(own.dropped))
			if !study {
				row = row[1:]
			}
			out.write(row)
		}
	}
	return out.flush()
}

// writeFitTable writes a table for readers, one part for each estimator.
func (f *fitFlags) writeFitTable(w io.Writer, file string, results []*fitted) {
	for i, result := range results {
		if i > 0 {
			fmt.Fprintln(w)
		}
		title := cmp.Or(result.written, result.options.text("formula"))
		if result.name != "" {
			title = strings.TrimSuffix(result.name+": "+title, ": ")
		}
		fmt.Fprintln(w, title)
		if f.where != "" {
			fmt.Fprintf(w, "where %s\n", f.where)
		}
		if result.whereOf != "" {
			fmt.Fprintf(w, "where %s\n", result.whereOf)
		}
		outcomes := result.outcomes()
		if len(outcomes) == 0 {
			fmt.Fprintf(w, "%s: %s\n", file, result.inWords(result.counts))
		}
		for _, outcome := range outcomes {
			fmt.Fprintf(w, "%s, %s: %s\n", file, outcome, result.inWords(result.of(outcome)))
		}
		if words := lassoInWords(result.options.method()); words != "" {
			fmt.Fprintln(w, words)
		}
		if result.seWords != "" {
			fmt.Fprintln(w, "standard errors", result.seWords)
		}
		if words := growthInWords(result.options.method()); words != "" {
			fmt.Fprintln(w, words)
		}
		fmt.Fprintln(w)
		if _, forest := result.options.method().(estimators.CForest); forest {
			writeAligned(w, result.forestCells())
			continue
		}
		if len(result.trees) > 0 {
			result.writeTrees(w)
			continue
		}
		if selects(result.options.method()) {
			result.writeLasso(w)
			continue
		}
		writeAligned(w, result.cells())
		if len(result.components) > 0 {
			fmt.Fprintln(w)
			writeAligned(w, result.componentCells())
		}
	}
}

// inWords says how many rows and clusters there are.
func (r *fitted) inWords(c counts) string {
	text := count(c.n, "row")
	if r.cluster != "" {
		text += fmt.Sprintf(", %s (%s)", count(c.clusters, "cluster"), r.cluster)
	}
	return text + fmt.Sprintf("; %s dropped for a missing value", count(c.dropped, "row"))
}

// cells are the texts of an estimator's table; numbers begin in column 2.
func (r *fitted) cells() [][]string {
	rows := [][]string{slices.Concat([]string{"outcome", "term"}, fitColumns)}
	for _, row := range r.rows {
		digits := digitsFor(row.se, row.estimate)
		cells := []string{row.outcome, row.term,
			plain(row.estimate, digits), plain(row.se, digits), plain(row.statistic, 2), degrees(row.df), pValue(row.p),
			plain(row.low, digits), plain(row.hi, digits)}
		if row.joint {
			cells[4] = "F " + cells[4]
		}
		if row.status != estimators.OK {
			cells = append(cells, row.status.String())
		}
		rows = append(rows, cells)
	}
	return rows
}

// digitsFor returns the decimals that show three digits of a standard error,
// or -1 if the number is better written with an exponent.
func digitsFor(se, estimate float64) int {
	by := math.Abs(se)
	if math.IsNaN(by) || by == 0 {
		by = math.Abs(estimate)
	}
	if math.IsNaN(by) || by == 0 {
		return 4
	}
	digits := 2 - int(math.Floor(math.Log10(by)))
	if digits > 9 || math.Abs(estimate) >= 1e12 {
		return -1
	}
	return max(digits, 0)
}

func plain(x float64, digits int) string {
	switch {
	case math.IsNaN(x):
		return "-"
	case digits < 0 || math.Abs(x) >= 1e12:
		return strconv.FormatFloat(x, 'e', 3, 64)
	default:
		return strconv.FormatFloat(x, 'f', digits, 64)
	}
}

// degrees writes degrees of freedom, whole unless they are Satterthwaite's; endless ones
// are those of the normal distribution.
func degrees(df float64) string {
	if math.IsInf(df, 1) {
		return "normal"
	}
	if df == math.Trunc(df) {
		return plain(df, 0)
	}
	return plain(df, 1)
}

func pValue(p float64) string {
	if p < 0.0001 {
		return "<0.0001"
	}
	return plain(p, 4)
}

// writeAligned writes two columns of text, then columns of numbers with their
// decimal points in line, then whatever else.
func writeAligned(w io.Writer, rows [][]string) {
	type width struct{ left, right int }
	const texts = 2
	widths := make([]width, len(rows[0]))
	part := func(text string) (left, right string) {
		at := strings.IndexByte(text, '.')
		if at < 0 || strings.ContainsAny(text, "e") {
			return text, ""
		}
		return text[:at], text[at:]
	}
	for _, row := range rows[1:] {
		for i, cell := range row[:len(widths)] {
			left, right := part(cell)
			if i < texts {
				left, right = cell, ""
			}
			widths[i].left = max(widths[i].left, utf8.RuneCountInString(left))
			widths[i].right = max(widths[i].right, len(right))
		}
	}
	for k, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			switch {
			case i >= len(widths):
				line.WriteString("  " + cell)
			case i < texts:
				fmt.Fprintf(&line, "%-*s  ", max(widths[i].left, len(rows[0][i])), cell)
			default:
				if k > 0 {
					left, right := part(cell)
					cell = fmt.Sprintf("%*s%-*s", widths[i].left, left, widths[i].right, right)
				}
				fmt.Fprintf(&line, "%*s  ", max(widths[i].left+widths[i].right, len(rows[0][i])), cell)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

// writeFitLaTeX writes a table with a column for every outcome of every
// estimator: estimates with standard errors in parentheses, without stars.
func writeFitLaTeX(w io.Writer, results []*fitted) {
	type column struct {
		*fitted
		outcome string
	}
	var columns []column
	var terms []string
	words := map[string]bool{}
	for _, result := range results {
		words[result.seWords] = true
		for _, r := range result.rows {
			if !slices.Contains(terms, r.term) {
				terms = append(terms, r.term)
			}
			if !slices.ContainsFunc(columns, func(c column) bool { return c.fitted == result && c.outcome == r.outcome }) {
				columns = append(columns, column{result, r.outcome})
			}
		}
	}
	line := func(name string, cell func(c column) string) {
		fmt.Fprint(w, name)
		for _, c := range columns {
			fmt.Fprintf(w, " & %s", cell(c))
		}
		fmt.Fprintln(w, ` \\`)
	}
	fmt.Fprintf(w, "\\begin{tabular}{l%s}\n\\toprule\n", strings.Repeat("c", len(columns)))
	if results[0].name != "" {
		line("", func(c column) string { return latexText(c.name) })
	}
	line("", func(c column) string { return latexText(c.outcome) })
	fmt.Fprintln(w, `\midrule`)
	for _, term := range terms {
		find := func(c column) (fittedRow, bool) {
			i := slices.IndexFunc(c.rows, func(r fittedRow) bool { return r.term == term && r.outcome == c.outcome })
			if i < 0 {
				return fittedRow{}, false
			}
			return c.rows[i], true
		}
		line(latexText(term), func(c column) string {
			r, ok := find(c)
			switch {
			case !ok:
				return ""
			case r.joint && r.status.Worked():
				return "$F = " + plain(r.statistic, 2) + "$"
			case !r.status.Worked():
				return latexText(r.status.String())
			}
			return "$" + plain(r.estimate, digitsFor(r.se, r.estimate)) + "$"
		})
		line("", func(c column) string {
			r, ok := find(c)
			switch {
			case ok && r.joint && r.status.Worked():
				return "$p = " + plain(r.p, 3) + "$"
			case !ok || math.IsNaN(r.se):
				return ""
			}
			return "$(" + plain(r.se, digitsFor(r.se, r.estimate)) + ")$"
		})
	}
	fmt.Fprintln(w, `\midrule`)
	line("Observations", func(c column) string { return strconv.Itoa(c.of(c.outcome).n) })
	line("Clusters", func(c column) string {
		if c.cluster == "" {
			return ""
		}
		return strconv.Itoa(c.of(c.outcome).clusters)
	})
	fmt.Fprintln(w, `\bottomrule`)
	for _, text := range slices.Sorted(maps.Keys(words)) {
		if text != "" {
			fmt.Fprintf(w, "\\multicolumn{%d}{l}{\\footnotesize Standard errors in parentheses: %s.} \\\\\n", len(columns)+1, latexText(text))
		}
	}
	fmt.Fprintln(w, `\end{tabular}`)
}

// latexText writes a text so that LaTeX prints it as it stands.
func latexText(text string) string {
	return strings.NewReplacer(`\`, `\textbackslash{}`, `_`, `\_`, `&`, `\&`, `%`, `\%`, `$`, `\$`, `#`, `\#`,
		`{`, `\{`, `}`, `\}`, `~`, `\textasciitilde{}`, `^`, `\textasciicircum{}`).Replace(text)
}
