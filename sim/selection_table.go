package sim

import (
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

// A jsonShare is a share in JSON, null where it does not exist.
type jsonShare struct {
	Value jsonNumber `json:"value"`
	MCSE  jsonNumber `json:"mcse"`
}

func (s *SelectionRates) json() any {
	share := func(s Share) jsonShare { return jsonShare{jsonNumber(s.Value), jsonNumber(s.MCSE)} }
	return struct {
		Cell           int               `json:"cell"`
		Factors        map[string]string `json:"factors"`
		Estimator      string            `json:"estimator"`
		Outcome        string            `json:"outcome"`
		N              int               `json:"n"`
		Selects        bool              `json:"selects"`
		True           int               `json:"true_predictors"`
		Others         int               `json:"others"`
		ListedTrue     jsonShare         `json:"listed_true"`
		ListedOther    jsonShare         `json:"listed_other"`
		Number         jsonShare         `json:"number_listed"`
		AnyFalse       jsonShare         `json:"any_false"`
		FalseListed    jsonShare         `json:"false_listed"`
		Estimand       string            `json:"estimand"`
		CoverTrue      jsonShare         `json:"cover_true"`
		CoverOther     jsonShare         `json:"cover_other"`
		TrueIntervals  int               `json:"true_intervals"`
		OtherIntervals int               `json:"other_intervals"`
	}{
		s.Cell, jsonFactors(s.Factors), s.Estimator, s.Outcome, s.N, s.Selects, s.True, s.Others,
		share(s.ListedTrue), share(s.ListedOther), share(s.Number), share(s.AnyFalse), share(s.FalseListed),
		s.Estimand, share(s.CoverTrue), share(s.CoverOther), s.TrueIntervals, s.OtherIntervals,
	}
}

// A SelectionColumn is a column of tables of selection rates.
type SelectionColumn struct {
	Head [2]string // above each other
	cell func(*SelectionRates) tableCell
}

// SelectionColumns are those of every such table, after the estimator.
func SelectionColumns() []SelectionColumn {
	share := func(above, head string, of func(*SelectionRates) Share) SelectionColumn {
		return SelectionColumn{[2]string{above, head}, func(s *SelectionRates) tableCell {
			x := of(s)
			return percent(x.Value, x.MCSE)
		}}
	}
	return []SelectionColumn{
		share("true ones", "listed", func(s *SelectionRates) Share { return s.ListedTrue }),
		share("others", "listed", func(s *SelectionRates) Share { return s.ListedOther }),
		{[2]string{"number", "listed"}, func(s *SelectionRates) tableCell { return cellOf(s.Number.Value, s.Number.MCSE, 1) }},
		share("false of", "listed", func(s *SelectionRates) Share { return s.FalseListed }),
		share("any false", "trials", func(s *SelectionRates) Share { return s.AnyFalse }),
		share("cover", "true ones", func(s *SelectionRates) Share { return s.CoverTrue }),
		share("cover", "others", func(s *SelectionRates) Share { return s.CoverOther }),
	}
}

// Written returns the number of a rate and its Monte Carlo standard error, as tables
// show them: "" for what does not exist.
func (c SelectionColumn) Written(s *SelectionRates) (number, mcse string) {
	return writtenCell(c.cell(s))
}

// Name is the estimator, with its outcome where a table has several.
func (s *SelectionRates) name(several bool) string {
	if several {
		return s.Estimator + ": " + s.Outcome
	}
	return s.Estimator
}

// SelectionNames name the lines of a table.
func SelectionNames(rows []SelectionRates) []string {
	several := false
	for i := range rows {
		for k := range rows[:i] {
			several = several || rows[k].Estimator == rows[i].Estimator && rows[k].Outcome != rows[i].Outcome
		}
	}
	names := make([]string, len(rows))
	for i := range rows {
		names[i] = rows[i].name(several)
	}
	return names
}

// SelectionCells returns the selection rates of every cell, each with a title.
func (s Summary) SelectionCells() (titles []string, cells [][]SelectionRates) {
	for start := 0; start < len(s.Selection); {
		end := start + 1
		for end < len(s.Selection) && s.Selection[end].Cell == s.Selection[start].Cell {
			end++
		}
		titles = append(titles, "Finding predictors"+inDesign(s.Selection[start].Factors))
		cells = append(cells, s.Selection[start:end])
		start = end
	}
	return titles, cells
}

// SelectionNotes explain the columns.
func (s Summary) SelectionNotes() []string {
	least, most := [2]int{math.MaxInt, math.MaxInt}, [2]int{}
	submodel, projection := false, false
	for i := range s.Selection {
		r := &s.Selection[i]
		if r.Selects {
			for k, n := range []int{r.True, r.Others} {
				least[k], most[k] = min(least[k], n), max(most[k], n)
			}
		}
		submodel = submodel || r.Estimand == Submodel.String()
		projection = projection || r.Estimand == Projection.String()
	}
	between := func(k int) string {
		if least[k] == most[k] {
			return grouped(least[k])
		}
		return grouped(least[k]) + " to " + grouped(most[k])
	}
	notes := []string{
		fmt.Sprintf("Listed: of the %s covariates that truly move the outcome, and of the %s others, the share that an estimator lists; number: of covariates listed, on average; false of listed: the share of these that are others; any false: the share of trials in which one of the others is listed.",
			between(0), between(1)),
	}
	if projection || submodel {
		against := "the coefficient in an endless sample"
		switch {
		case projection && submodel:
			against += ", of all terms (projection) or of the terms chosen (submodel)"
		case submodel:
			against += ", of the terms chosen"
		}
		notes = append(notes, fmt.Sprintf("Cover: of the %s%% intervals that an estimator gives, those that hold %s; should be %[1]s. After a selection only what was chosen has an interval, so this is the coverage of those that are chosen.",
			decimal(100*(1-s.Alpha)), against))
	}
	return append(notes, "In parentheses: Monte Carlo standard errors of ratios, over trials.")
}

// WriteSelection writes the selection rates for a reader at a terminal, and nothing for
// a study that selects no predictors.
func (s Summary) WriteSelection(w io.Writer, width int, color bool) error {
	if len(s.Selection) == 0 {
		return nil
	}
	var out strings.Builder
	style := tableStyle(color)
	titles, cells := s.SelectionCells()
	for i, rows := range cells {
		if i > 0 {
			out.WriteByte('\n')
		}
		out.WriteString(style.bold(titles[i]+", %") + "\n\n")
		writeSelectionBlock(&out, rows, style)
	}
	out.WriteByte('\n')
	for _, note := range s.SelectionNotes() {
		var text strings.Builder
		writeWrapped(&text, note, "", width)
		for line := range strings.Lines(text.String()) {
			out.WriteString(style.faint(strings.TrimSuffix(line, "\n")) + "\n")
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func writeSelectionBlock(out *strings.Builder, rows []SelectionRates, style tableStyle) {
	labels := SelectionNames(rows)
	wide := len("estimator")
	for _, label := range labels {
		wide = max(wide, utf8.RuneCountInString(label))
	}
	headings := [2]string{tableIndent + padRight("", wide), tableIndent + padRight("estimator", wide)}
	lines := make([]string, len(rows))
	for i := range lines {
		lines[i] = tableIndent + padRight(labels[i], wide)
	}
	for _, c := range SelectionColumns() {
		cells, empty := make([]tableCell, len(rows)), true
		for i := range rows {
			cells[i] = c.cell(&rows[i])
			empty = empty && cells[i].value == missing
		}
		if empty {
			continue
		}
		texts := alignCells(cells, false)
		wide := max(utf8.RuneCountInString(c.Head[0]), utf8.RuneCountInString(c.Head[1]), utf8.RuneCountInString(texts[0]))
		for k := range headings {
			headings[k] += tableGap + padLeft(c.Head[k], wide)
		}
		for i := range lines {
			lines[i] += tableGap + padLeft(texts[i], wide)
		}
	}
	for _, heading := range headings {
		out.WriteString(style.bold(strings.TrimRight(heading, " ")) + "\n")
	}
	out.WriteString(style.faint(strings.Repeat("─", utf8.RuneCountInString(headings[1]))) + "\n")
	for _, line := range lines {
		out.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}
