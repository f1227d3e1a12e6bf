package sim

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"coachsim/estimators"
)

const (
	missing      = "–"
	tableIndent  = "  "
	tableGap     = "  "
	headingEvery = 40 // body lines after which the next block gets a heading again
)

// WriteTable writes the summary for a reader at a terminal, at most width
// columns wide where the names allow it: estimator by estimator without a sweep,
// and with one, estimate by estimate with a line for every cell. A legend
// explains the columns. Color adds bold and faint; nothing is said by it alone.
func (s Summary) WriteTable(w io.Writer, width int, color bool) error {
	var out strings.Builder
	style := tableStyle(color)
	if len(s.Rows) == 0 {
		_, err := io.WriteString(w, "No replicates, so nothing to sum up.\n")
		return err
	}
	fmt.Fprintf(&out, "%s; tests at alpha = %s.\n\n", s.Extent(), decimal(s.Alpha))

	shown, hidden := s.Main()
	shown.writeRows(&out, width, style)
	if hidden > 0 {
		out.WriteByte('\n')
		WriteWrapped(&out, HiddenRows(hidden), "", width)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// writeRows writes the rows, notes on failures and the legend.
func (s Summary) writeRows(out *strings.Builder, width int, style tableStyle) {
	table := s.layOut(width)
	linesSinceHeading := 0
	for i, block := range s.blocks() {
		if i == 0 || linesSinceHeading > headingEvery {
			if i > 0 {
				out.WriteByte('\n')
			}
			for _, line := range table.heading {
				out.WriteString(style.bold(line))
				out.WriteByte('\n')
			}
			out.WriteString(style.faint(strings.Repeat("─", table.width)))
			out.WriteByte('\n')
			linesSinceHeading = 0
		} else if s.swept() || i > 0 {
			out.WriteByte('\n')
		}
		out.WriteString(style.bold(block.title))
		out.WriteByte('\n')
		for i, row := range block.rows {
			if outcome := s.Rows[row].Outcome; table.nested && (i == 0 || outcome != s.Rows[block.rows[i-1]].Outcome) {
				out.WriteString(tableIndent + outcome + "\n")
				linesSinceHeading++
			}
			out.WriteString(table.lines[row])
			out.WriteByte('\n')
		}
		linesSinceHeading += 2 + len(block.rows)
	}
	if notes := s.notes(); len(notes) > 0 {
		out.WriteByte('\n')
		for _, note := range notes {
			WriteWrapped(out, note, "", width)
		}
	}
	out.WriteByte('\n')
	var legend strings.Builder
	writeLegend(&legend, append(table.explained, s.marks(table.detail)...), min(width, table.width))
	for line := range strings.Lines(legend.String()) {
		out.WriteString(style.faint(strings.TrimSuffix(line, "\n")))
		out.WriteByte('\n')
	}
}

type tableStyle bool

func (color tableStyle) bold(text string) string  { return color.wrap("\x1b[1m", text) }
func (color tableStyle) faint(text string) string { return color.wrap("\x1b[2m", text) }

func (color tableStyle) wrap(code, text string) string {
	if !color || text == "" {
		return text
	}
	return code + text + "\x1b[0m"
}

// swept reports whether the rows belong to different cells.
func (s Summary) swept() bool {
	for i := range s.Rows {
		if s.Rows[i].Cell != s.Rows[0].Cell || len(s.Rows[i].Factors) > 0 {
			return true // a sweep that was stopped may have rows of one design only
		}
	}
	return false
}

// A tableBlock is a group of rows under one title.
type tableBlock struct {
	title string
	rows  []int
}

func (s Summary) blocks() []tableBlock {
	var blocks []tableBlock
	index := make(map[string]int)
	swept, twofold := s.swept(), s.twofold()
	for i := range s.Rows {
		r := &s.Rows[i]
		title := r.Estimator
		if swept {
			title += ": " + r.Outcome + ", " + r.Term
			if twofold && r.Estimand != "" {
				title += " (" + r.Estimand + " effect)"
			}
		}
		at, ok := index[title]
		if !ok {
			at = len(blocks)
			index[title] = at
			blocks = append(blocks, tableBlock{title: title})
		}
		blocks[at].rows = append(blocks[at].rows, i)
	}
	return blocks
}

// twofold reports whether estimates are held against different estimands, so
// that each must name its own.
func (s Summary) twofold() bool {
	estimand := ""
	for i := range s.Rows {
		switch of := s.Rows[i].Estimand; {
		case of == "" || of == estimand:
		case estimand == "":
			estimand = of
		default:
			return true
		}
	}
	return false
}

// A tableColumn is one column of the table. Cells with numbers align at their
// decimal points; labels align left.
type tableColumn struct {
	heading [2]string
	label   bool
	cell    func(*SummaryRow) tableCell
	name    string // in the legend
	meaning string
}

// A tableCell is a number, perhaps with its Monte Carlo standard error.
type tableCell struct{ value, mcse string }

// joined is the number with its unit and its error, for a sentence.
func (c tableCell) joined(unit string) string {
	if c.mcse == "" {
		return c.value + unit
	}
	return c.value + unit + " " + c.mcse
}

// Detail is how much of the table there is room for. Whatever there is, every bias, coverage
// and power has its Monte Carlo standard error beside or beneath it, and so has the mean
// where there is no bias; those of other means and of standard errors may be in the legend.
type detail struct {
	nested         bool // the outcomes on lines of their own
	stacked        bool // Monte Carlo standard errors beneath their numbers
	allMCSE        bool // those of the standard errors too
	meanMCSE       bool
	standardErrors bool
	sizes          bool // the word beside tests without an effect, not a dagger
}

// details lists the layouts from the best to the narrowest.
func details() []detail {
	return []detail{
		{allMCSE: true, meanMCSE: true, standardErrors: true, sizes: true},
		{meanMCSE: true, standardErrors: true, sizes: true},
		{standardErrors: true, sizes: true},
		{standardErrors: true},
		{nested: true, standardErrors: true},
		{stacked: true, allMCSE: true, meanMCSE: true, standardErrors: true},
		{stacked: true, nested: true, allMCSE: true, meanMCSE: true, standardErrors: true},
		{stacked: true, nested: true, meanMCSE: true},
	}
}

type laidOutTable struct {
	detail
	width     int
	heading   []string
	lines     []string // by row of the summary
	explained []explanation
}

// layOut shows as much detail as fits, and the least where none does.
func (s Summary) layOut(width int) laidOutTable {
	var table laidOutTable
	for _, d := range details() {
		table = s.layOutWith(d)
		if table.width <= width {
			break
		}
	}
	return table
}

func (s Summary) layOutWith(d detail) laidOutTable {
	d.nested = d.nested && !s.swept()
	table := laidOutTable{detail: d, heading: make([]string, 2), lines: make([]string, len(s.Rows))}
	errors := make([]string, len(s.Rows)) // the lines beneath, of a stacked table
	for _, c := range append(s.labelColumns(d), s.measureColumns(d)...) {
		cells := make([]tableCell, len(s.Rows))
		empty := true
		for i := range s.Rows {
			cells[i] = c.cell(&s.Rows[i])
			empty = empty && (cells[i].value == missing || cells[i].value == "")
		}
		if empty {
			continue
		}
		texts, beneath := alignCells(cells, c.label), []string(nil)
		if d.stacked {
			texts, beneath = stackCells(cells, c.label)
		}
		wide := max(utf8.RuneCountInString(c.heading[0]), utf8.RuneCountInString(c.heading[1]), utf8.RuneCountInString(texts[0]))
		pad := padLeft
		if c.label {
			pad = padRight
		}
		gap := tableGap
		if table.width == 0 {
			gap = tableIndent
			if d.nested {
				gap += tableIndent
			}
		}
		for i := range table.heading {
			table.heading[i] += gap + pad(c.heading[i], wide)
		}
		for i := range table.lines {
			table.lines[i] += gap + pad(texts[i], wide)
			if d.stacked {
				errors[i] += gap + pad(beneath[i], wide)
			}
		}
		table.width += len(gap) + wide
		if c.meaning != "" {
			table.explained = append(table.explained, explanation{c.name, c.meaning})
		}
	}
	for _, lines := range [][]string{table.heading, table.lines, errors} {
		for i := range lines {
			lines[i] = strings.TrimRight(lines[i], " ")
		}
	}
	for i, line := range errors {
		if line != "" {
			table.lines[i] += "\n" + line
		}
	}
	return table
}

func (s Summary) labelColumns(d detail) []tableColumn {
	if s.swept() {
		return s.factorColumns()
	}
	var columns []tableColumn
	if !d.nested {
		columns = append(columns, tableColumn{
			heading: [2]string{"", "outcome"}, label: true,
			cell: func(r *SummaryRow) tableCell { return tableCell{value: r.Outcome} },
		})
	}
	columns = append(columns, tableColumn{
		heading: [2]string{"", "term"}, label: true,
		cell: func(r *SummaryRow) tableCell { return tableCell{value: r.Term} },
	})
	if s.twofold() {
		columns = append(columns, tableColumn{
			heading: [2]string{"", "estimand"}, label: true,
			cell: func(r *SummaryRow) tableCell { return tableCell{value: r.Estimand} },
		})
	}
	return columns
}

// factorColumns names the factors by the last parts of their keys.
func (s Summary) factorColumns() []tableColumn {
	keys := s.factorKeys()
	if len(keys) == 0 {
		return []tableColumn{{
			heading: [2]string{"", "cell"},
			cell:    func(r *SummaryRow) tableCell { return tableCell{value: strconv.Itoa(r.Cell)} },
		}}
	}
	names := shortNames(keys)
	columns := make([]tableColumn, len(keys))
	for i, key := range keys {
		columns[i] = tableColumn{
			heading: [2]string{"", names[i]},
			label:   !s.numeric(key),
			cell:    func(r *SummaryRow) tableCell { return tableCell{value: r.factor(key)} },
		}
	}
	return columns
}

// resultNames are the headings of tables of results, which no factor may have too.
var resultNames = []string{"truth", "mean", "bias", "estimate", "SE", "coverage", "power", "size", "formula", "fits", "estimator", "outcome", "term", "estimand", "design"}

// shortNames names keys by so many of their last parts, at least one, that no two are
// alike and none is like a column of results.
func shortNames(keys []string) []string {
	names := make([]string, len(keys))
	for i, key := range keys {
		for from := len(key); from > 0; {
			from = strings.LastIndexByte(key[:from], '.')
			names[i] = key[from+1:]
			ends := func(other string) bool { return other == names[i] || strings.HasSuffix(other, "."+names[i]) }
			if !slices.Contains(resultNames, names[i]) && !slices.ContainsFunc(slices.Delete(slices.Clone(keys), i, i+1), ends) {
				break
			}
		}
	}
	return names
}

func (s Summary) numeric(key string) bool {
	for i := range s.Rows {
		if _, err := strconv.ParseFloat(s.Rows[i].factor(key), 64); err != nil {
			return false
		}
	}
	return true
}

func (s Summary) measureColumns(d detail) []tableColumn {
	level := 100 * s.Alpha
	nulls := s.nulls()
	power, noEffect := "power", "there is no effect, so this is the test's false-positive rate and should be "+decimal(level)
	onlySize, mark := "", ""
	switch {
	case nulls == allNull:
		power, onlySize = "size", "; "+noEffect
	case nulls == someNull && !d.sizes:
		onlySize, mark = "; †: size, "+noEffect, "†"
	}
	columns := []tableColumn{
		{
			heading: [2]string{"", "truth"},
			cell:    func(r *SummaryRow) tableCell { return r.scaled(r.Truth, math.NaN()) },
			name:    "truth", meaning: "the true effect" + s.kindOfTruth() +
				s.relativeMCSE((*SummaryRow).truthMCSE, "of the empirical SE"),
		},
		{
			heading: [2]string{"mean", "(MCSE)"},
			cell:    func(r *SummaryRow) tableCell { return r.scaled(r.Mean, r.MeanMCSE()) },
			name:    "mean", meaning: s.meaningOfMean(),
		},
		{
			heading: [2]string{"bias", "(MCSE)"},
			cell:    func(r *SummaryRow) tableCell { return r.scaled(r.Bias, r.BiasMCSE) },
			name:    "bias", meaning: "average of estimate minus truth; for an unbiased estimator, 0 within twice its MCSE",
		},
		{
			heading: [2]string{"empirical", "SE"},
			cell:    func(r *SummaryRow) tableCell { return r.scaled(r.EmpSE, math.NaN()) },
			name:    "empirical SE", meaning: meaningOfEmpirical +
				s.relativeMCSE((*SummaryRow).empSEMCSE, "of it"),
		},
		{
			heading: [2]string{"model", "SE"},
			cell:    func(r *SummaryRow) tableCell { return r.scaled(r.ModelSE, math.NaN()) },
			name:    "model SE", meaning: meaningOfModel +
				s.relativeMCSE((*SummaryRow).modelSEMCSE, "of it"),
		},
		{
			heading: [2]string{"coverage", "% (MCSE)"},
			cell:    func(r *SummaryRow) tableCell { return percent(r.Cover, r.CoverMCSE) },
			name:    "coverage", meaning: fmt.Sprintf("share of %s%% confidence intervals that hold the truth; should be %[1]s", decimal(100-level)),
		},
		{
			heading: [2]string{power, "% (MCSE)"},
			cell: func(r *SummaryRow) tableCell {
				cell := percent(r.Power, r.PowerMCSE)
				if r.Null() {
					cell.mcse += mark
				}
				return cell
			},
			name:    power,
			meaning: fmt.Sprintf("share of all trials with p <= %s, a failed fit counting as not significant%s", decimal(s.Alpha), onlySize),
		},
		{
			heading: [2]string{}, label: true,
			cell: func(r *SummaryRow) tableCell {
				if nulls == someNull && d.sizes && r.Null() && !math.IsNaN(r.Power) {
					return tableCell{value: "size"}
				}
				return tableCell{}
			},
			name: "size", meaning: noEffect,
		},
		{
			heading: [2]string{"formula", "% (z)"},
			cell:    (*SummaryRow).analyticCell,
			name:    "formula", meaning: "power by the closed form that the estimate comes to, and how many Monte Carlo standard errors the simulated power is above it (coachsim check tells which form)",
		},
		{
			heading: [2]string{"failed", "fits"},
			cell:    s.failedCell,
			name:    "failed fits", meaning: "trials in which the method gave no estimate",
		},
		{
			heading: [2]string{"not chosen", "% (MCSE)"},
			cell:    s.unselectedCell,
			name:    "not chosen", meaning: "trials in which the method did not select the term: no failure; power counts them as not significant, other columns are of the rest",
		},
	}
	switch {
	case d.allMCSE:
		columns[3].heading, columns[4].heading = [2]string{"empirical", "SE (MCSE)"}, [2]string{"model SE", "(MCSE)"}
		columns[3].cell = func(r *SummaryRow) tableCell { return r.scaled(r.EmpSE, r.EmpSEMCSE) }
		columns[4].cell = func(r *SummaryRow) tableCell { return r.scaled(r.ModelSE, r.ModelSEMCSE) }
		columns[3].meaning, columns[4].meaning = meaningOfEmpirical, meaningOfModel
	case !d.meanMCSE:
		if !s.unbiased() {
			columns[1].heading = [2]string{"", "mean"}
		}
		columns[1].cell = func(r *SummaryRow) tableCell {
			if math.IsNaN(r.Bias) {
				return r.scaled(r.Mean, r.MeanMCSE())
			}
			return r.scaled(r.Mean, math.NaN())
		}
		columns[1].meaning += s.relativeMCSE((*SummaryRow).meanMCSE, "of the empirical SE")
	}
	if !d.standardErrors {
		columns = slices.Delete(columns, 3, 5)
	}
	return columns
}

const (
	meaningOfEmpirical = "standard deviation of the estimates: how much they really vary from trial to trial"
	meaningOfModel     = "how much the method says the estimates vary: the root mean square of its standard errors; should be near the empirical SE"
)

// unbiased reports whether some estimate has no truth, and so a mean without a bias.
func (s Summary) unbiased() bool {
	return slices.ContainsFunc(s.Rows, func(r SummaryRow) bool { return math.IsNaN(r.Bias) })
}

// relativeMCSE says for the legend how large the Monte Carlo standard error of a column is
// that has no room for it, as a share of something.
func (s Summary) relativeMCSE(of func(*SummaryRow) float64, what string) string {
	least, most := math.Inf(1), 0.0
	for i := range s.Rows {
		if share := of(&s.Rows[i]); isFinite(share) {
			least, most = min(least, share), max(most, share)
		}
	}
	high := percentOf(most)
	switch low := percentOf(least); {
	case least > most:
		return ""
	case low == high:
		return fmt.Sprintf(" (MCSE: %s%% %s)", high, what)
	default:
		return fmt.Sprintf(" (MCSE: %s to %s%% %s)", low, high, what)
	}
}

// percentOf writes a share with two digits.
func percentOf(share float64) string { return strconv.FormatFloat(100*share, 'g', 2, 64) }

func (r *SummaryRow) truthMCSE() float64   { return r.TruthMCSE / r.EmpSE }
func (r *SummaryRow) meanMCSE() float64    { return r.MeanMCSE() / r.EmpSE }
func (r *SummaryRow) empSEMCSE() float64   { return r.EmpSEMCSE / r.EmpSE }
func (r *SummaryRow) modelSEMCSE() float64 { return r.ModelSEMCSE / r.ModelSE }

// Null reports whether the true effect is 0, up to rounding: the share of trials
// with a significant test is then the size of the test, not its power.
func (m *Measures) Null() bool { return m.Truth == 0 || math.Abs(m.Truth) <= 1e-9*m.EmpSE }

// How many of the tests of a summary have no effect to find.
type nullTests uint8

const (
	noneNull nullTests = iota
	someNull
	allNull
)

func (s Summary) nulls() nullTests {
	tests, null := 0, 0
	for i := range s.Rows {
		if r := &s.Rows[i]; !math.IsNaN(r.Power) {
			tests++
			null += count(r.Null())
		}
	}
	switch {
	case null == 0:
		return noneNull
	case null < tests:
		return someNull
	}
	return allNull
}

// analyticCell is empty, and so left out, where no estimate has a closed form.
func (r *SummaryRow) analyticCell() tableCell {
	if math.IsNaN(r.AnalyticPower) {
		return tableCell{}
	}
	cell := tableCell{value: fixed(100*r.AnalyticPower, 1)}
	if !math.IsNaN(r.AnalyticZ) {
		cell.mcse = "(" + fixed(r.AnalyticZ, 1) + ")"
	}
	return cell
}

// failedCell leaves the column empty, and so out, where nothing failed.
func (s Summary) failedCell(r *SummaryRow) tableCell {
	for i := range s.Rows {
		if s.Rows[i].NFail > 0 {
			return tableCell{value: grouped(r.NFail)}
		}
	}
	return tableCell{}
}

// unselectedCell leaves the column out where everything was selected.
func (s Summary) unselectedCell(r *SummaryRow) tableCell {
	if r.NotSelected == 0 {
		return tableCell{}
	}
	return percent(r.Unselected().Value, r.Unselected().MCSE)
}

func (s Summary) kindOfTruth() string {
	if s.twofold() {
		return ", averaged over the trials"
	}
	for i := range s.Rows {
		switch s.Rows[i].Estimand {
		case "population":
			return ", in the population the trials are drawn from"
		case "sample":
			return ", in the sample of each trial, averaged over the trials"
		case predictorName:
			return ": 1 where the term truly moves the outcome, else 0"
		case "projection":
			return ": the coefficient of the best linear prediction from all terms, in the population"
		case "submodel":
			return ": the coefficient of the best linear prediction from the terms selected, in the population, averaged over the trials"
		case "":
		default:
			return ": the " + s.Rows[i].Estimand + " on the same data, averaged over the trials"
		}
	}
	return ""
}

func (s Summary) meaningOfMean() string {
	for i := range s.Rows {
		if r := &s.Rows[i]; math.IsNaN(r.MeanSE) && !math.IsNaN(r.Power) {
			return "average estimate; of a joint test, average F statistic"
		}
	}
	return "average estimate"
}

// MeanMCSE is the Monte Carlo standard error of the mean estimate.
func (m *Measures) MeanMCSE() float64 { return m.EmpSE / math.Sqrt(float64(m.Estimates())) }

// scaled is a number in the units of the estimate.
func (m *Measures) scaled(x, mcse float64) tableCell {
	return cellOf(x, mcse, m.decimals())
}

// decimals shows three digits of how much the estimate varies, and at least one
// of its Monte Carlo error.
func (m *Measures) decimals() int {
	spread := m.EmpSE
	if !(spread > 0) {
		spread = m.MeanSE
	}
	if !(spread > 0) {
		spread = math.Abs(m.Mean)
	}
	places := 3
	if spread > 0 {
		places = 2 - int(math.Floor(math.Log10(spread)))
	}
	if mcse := m.MeanMCSE(); mcse > 0 {
		places = max(places, -int(math.Floor(math.Log10(mcse))))
	}
	return min(max(places, 0), 12)
}

// percent shows a share. A share of none or all has a Monte Carlo error of 0 by
// the formula, which would promise too much, so it stands alone.
func percent(p, mcse float64) tableCell {
	places := 1
	if mcse > 0 && mcse < 0.0005 {
		places = 2
	}
	if mcse == 0 {
		mcse = math.NaN()
	}
	return cellOf(100*p, 100*mcse, places)
}

func cellOf(x, mcse float64, places int) tableCell {
	if math.IsNaN(x) {
		return tableCell{value: missing}
	}
	cell := tableCell{value: fixed(x, places)}
	if !math.IsNaN(mcse) {
		cell.mcse = "(" + fixed(mcse, max(places, placesOf(mcse, places+3))) + ")"
	}
	return cell
}

// placesOf is how many decimal places show a digit of an error other than 0, and 0 where
// that takes more than most.
func placesOf(mcse float64, most int) int {
	for places := range most + 1 {
		if strings.Trim(fixed(mcse, places), "0.") != "" {
			return places
		}
	}
	return 0
}

// fixed writes no negative zero.
func fixed(x float64, places int) string {
	text := strconv.FormatFloat(x, 'f', places, 64)
	if strings.Trim(text, "-0.") == "" {
		text = strings.TrimPrefix(text, "-")
	}
	return text
}

func decimal(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }

// grouped writes a count with commas between its thousands.
func grouped(n int) string {
	text := strconv.Itoa(n)
	for at := len(text) - 3; at > 0 && text[at-1] != '-'; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// alignCells makes texts of one width, unless the cells are labels.
func alignCells(cells []tableCell, label bool) []string {
	values, errors := make([]string, len(cells)), make([]string, len(cells))
	for i, c := range cells {
		values[i], errors[i] = c.value, c.mcse
	}
	if label {
		padToWidest(values)
		return values
	}
	alignPoints(values)
	alignPoints(errors)
	for i := range values {
		if errors[i] != "" {
			values[i] += " " + errors[i]
		}
	}
	return values
}

// stackCells makes texts of one width, for a line with the values and one beneath with
// their Monte Carlo standard errors.
func stackCells(cells []tableCell, label bool) (values, errors []string) {
	both := make([]string, 0, 2*len(cells))
	for _, c := range cells {
		both = append(both, c.value)
	}
	for _, c := range cells {
		both = append(both, c.mcse)
	}
	if label {
		padToWidest(both)
	} else {
		alignPoints(both)
	}
	return both[:len(cells)], both[len(cells):]
}

func padToWidest(texts []string) {
	wide := 0
	for _, text := range texts {
		wide = max(wide, utf8.RuneCountInString(text))
	}
	for i, text := range texts {
		texts[i] = padRight(text, wide)
	}
}

// alignPoints pads numbers, bare or in parentheses, to put their decimal points
// above each other.
func alignPoints(numbers []string) {
	before, after := 0, 0
	for _, number := range numbers {
		whole, rest := cutPoint(number)
		before, after = max(before, utf8.RuneCountInString(whole)), max(after, utf8.RuneCountInString(rest))
	}
	for i, number := range numbers {
		whole, rest := cutPoint(number)
		numbers[i] = padLeft(whole, before) + padRight(rest, after)
	}
}

func cutPoint(number string) (whole, rest string) {
	at := strings.IndexAny(number, ".)")
	if at < 0 {
		return number, ""
	}
	return number[:at], number[at:]
}

func padLeft(text string, width int) string {
	return strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text))) + text
}

func padRight(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}

// notes say which fits failed and why, estimator by estimator.
func (s Summary) notes() []string {
	type outcome struct {
		estimator string
		status    estimators.Status
	}
	least, most, of := make(map[outcome]int), make(map[outcome]int), make(map[outcome]int)
	var order []outcome
	for i := range s.Rows {
		r := &s.Rows[i]
		for _, status := range estimators.Statuses() {
			fits := r.fits(status)
			if status == estimators.OK || status == estimators.NotSelected || fits == 0 {
				continue
			}
			key := outcome{r.Estimator, status}
			if _, seen := most[key]; !seen {
				order = append(order, key)
				least[key] = fits
			}
			least[key], most[key], of[key] = min(least[key], fits), max(most[key], fits), max(of[key], r.N)
		}
	}
	// Estimators of which the same is to be said share a note.
	var said []string
	who := make(map[string][]string)
	for _, key := range order {
		count := grouped(most[key])
		if least[key] != most[key] {
			count = "up to " + count
		}
		what := "failed (" + key.status.String() + ")"
		switch key.status {
		case estimators.Reduced:
			what = "left a collinear covariate out"
		case estimators.Boundary:
			what = "found a variance component of 0 (boundary; lme4 says singular)"
		case estimators.PerfectStage:
			what = "found a perfect first stage (its F is infinite: it rejects, and is left out of the mean)"
		}
		what = fmt.Sprintf("%s in %s of %s trials.", what, count, grouped(of[key]))
		if who[what] == nil {
			said = append(said, what)
		}
		who[what] = append(who[what], key.estimator)
	}
	for i, what := range said {
		said[i] = strings.Join(who[what], ", ") + " " + what
	}
	return said
}

type explanation struct{ name, meaning string }

// marks explain what is in the cells.
func (s Summary) marks(d detail) []explanation {
	where := "before it"
	if d.stacked {
		where = "above it"
	}
	meaning := "Monte Carlo standard error of the number " + where + "; more trials make it smaller"
	if slices.ContainsFunc(s.Rows, func(r SummaryRow) bool { return r.PowerMCSE == 0 || r.CoverMCSE == 0 }) {
		meaning += "; a share of 0 or 100% shows none, as it tells too little of it"
	}
	marks := []explanation{{"(MCSE)", meaning}}
	for i := range s.Rows {
		if r := &s.Rows[i]; math.IsNaN(r.Bias) || math.IsNaN(r.Power) {
			return append(marks, explanation{missing, "no such number: a descriptive estimate has no true effect to compare with, a correlation no test"})
		}
	}
	return marks
}

func writeLegend(out *strings.Builder, entries []explanation, width int) {
	wide := 0
	for _, e := range entries {
		wide = max(wide, utf8.RuneCountInString(e.name))
	}
	for _, e := range entries {
		WriteWrapped(out, padRight(e.name, wide)+tableGap+e.meaning, strings.Repeat(" ", wide+len(tableGap)), width)
	}
}

// WriteWrapped breaks text at spaces, and sets the lines after the first off by
// indent, which the first has in its own words.
func WriteWrapped(out *strings.Builder, text, indent string, width int) {
	width = max(width, 72)
	for utf8.RuneCountInString(text) > width {
		runes := []rune(text)
		at := width
		for at > len(indent) && runes[at] != ' ' {
			at--
		}
		if at == len(indent) {
			break
		}
		out.WriteString(strings.TrimRight(string(runes[:at]), " "))
		out.WriteByte('\n')
		text = indent + strings.TrimLeft(string(runes[at:]), " ")
	}
	out.WriteString(text)
	out.WriteByte('\n')
}
