package sim

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A familyMeasure is one share of a FamilyPower with its name in families.csv.
type familyMeasure struct {
	name    string
	outcome string // of "individual"
	k       int    // of "at_least"
	Share
}

func (r *FamilyPower) measures() []familyMeasure {
	var all []familyMeasure
	for i, s := range r.Individual {
		all = append(all, familyMeasure{"individual", r.Outcomes[i], 0, s})
	}
	all = append(all, familyMeasure{"mean", "", 0, r.Mean})
	for k, s := range r.AtLeast {
		all = append(all, familyMeasure{"at_least", "", k + 1, s})
	}
	return append(all,
		familyMeasure{"complete", "", 0, r.Complete},
		familyMeasure{"complete_unadjusted", "", 0, r.CompleteUnadjusted},
		familyMeasure{"familywise_error", "", 0, r.Familywise},
		familyMeasure{"false_discovery", "", 0, r.FalseDiscovery},
	)
}

// A besideFormula is a measure with what the closed form says of it: NaN where it has
// none, and where no standard error says how far apart they are.
type besideFormula struct {
	familyMeasure
	analytic, z float64
}

func (r *FamilyPower) besideFormula() []besideFormula {
	var all []besideFormula
	for _, m := range r.measures() {
		all = append(all, besideFormula{m, math.NaN(), math.NaN()})
	}
	if r.Formula != nil {
		for i, m := range r.Formula.measures() {
			all[i].analytic, all[i].z = m.Value, all[i].above(m.Share)
		}
	}
	return all
}

// above is how many Monte Carlo standard errors a simulated share is above that of a
// formula, by which they are.
func (s Share) above(formula Share) float64 {
	if formula.MCSE > 0 {
		return (s.Value - formula.Value) / formula.MCSE
	}
	return math.NaN()
}

// WriteCSV writes one line for every share: the factors of the sweep, then family,
// estimator, term, method, measure, outcome, k, value, mcse, n, n_fail, analytic,
// analytic_z. Outcome is given for the measure individual, k for at_least. Numbers are the
// shortest that read back to the same bits; one that does not exist is empty.
func (f Families) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	keys := f.factorKeys()
	line := append(append([]string(nil), keys...),
		"family", "estimator", "term", "method", "measure", "outcome", "k", "value", "mcse", "n", "n_fail", "analytic", "analytic_z")
	if err := out.Write(line); err != nil {
		return err
	}
	for i := range f.Rows {
		r := &f.Rows[i]
		for _, m := range r.besideFormula() {
			line = line[:0]
			for _, key := range keys {
				line = append(line, factorValue(r.Factors, key))
			}
			k := ""
			if m.k > 0 {
				k = strconv.Itoa(m.k)
			}
			line = append(line, r.Family, r.Estimator, r.Term, r.Method.String(), m.name, m.outcome, k,
				shortest(m.Value), shortest(m.MCSE), strconv.Itoa(r.N), strconv.Itoa(r.NFail), shortest(m.analytic), shortest(m.z))
			if err := out.Write(line); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

func (f Families) factorKeys() []string {
	var s Summary
	for i := range f.Rows {
		s.Rows = append(s.Rows, SummaryRow{Factors: f.Rows[i].Factors})
	}
	return s.factorKeys()
}

func factorValue(factors []Factor, key string) string {
	for _, f := range factors {
		if f.Key == key {
			return f.Value
		}
	}
	return ""
}

// shortest writes a number so that it reads back to the same bits, nothing for
// one that does not exist.
func shortest(x float64) string {
	if !isFinite(x) {
		return ""
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

// A jsonNumber is null where it does not exist.
type jsonNumber float64

// MarshalJSON writes the shortest text that reads back to the same bits.
func (x jsonNumber) MarshalJSON() ([]byte, error) {
	if text := shortest(float64(x)); text != "" {
		return []byte(text), nil
	}
	return []byte("null"), nil
}

// jsonFactors are the factors of a cell as an object.
func jsonFactors(factors []Factor) map[string]string {
	object := map[string]string{}
	for _, f := range factors {
		object[f.Key] = f.Value
	}
	return object
}

// FamiliesSchemaVersion is raised when a field of the written families changes
// its name or meaning.
const FamiliesSchemaVersion = 1

// WriteJSON writes one object: schema_version, alpha, and families, with the
// shares of families.csv in measures, null for what does not exist, and why there is
// no closed form or in what it is approximate.
func (f Families) WriteJSON(w io.Writer) error {
	type measure struct {
		Measure string     `json:"measure"`
		Outcome string     `json:"outcome,omitempty"`
		K       int        `json:"k,omitempty"`
		Value   jsonNumber `json:"value"`
		MCSE    jsonNumber `json:"mcse"`

		Analytic  jsonNumber `json:"analytic"`
		AnalyticZ jsonNumber `json:"analytic_z"`
	}
	type family struct {
		Cell      int               `json:"cell"`
		Factors   map[string]string `json:"factors"`
		Family    string            `json:"family"`
		Estimator string            `json:"estimator"`
		Term      string            `json:"term"`
		Outcomes  []string          `json:"outcomes"`
		NoEffect  []string          `json:"outcomes_without_effect"`
		Method    Adjustment        `json:"method"`
		N         int               `json:"n"`
		NFail     int               `json:"n_fail"`
		Measures  []measure         `json:"measures"`

		NoFormula     string   `json:"no_formula,omitempty"`
		Approximate   []string `json:"approximate,omitempty"`
		AnalyticError float64  `json:"analytic_error,omitempty"` // standard error of the integrals, the largest
	}
	all := make([]family, len(f.Rows))
	for i := range f.Rows {
		r := &f.Rows[i]
		all[i] = family{
			Cell: r.Cell, Factors: jsonFactors(r.Factors), Family: r.Family, Estimator: r.Estimator, Term: r.Term,
			Outcomes: r.Outcomes, NoEffect: []string{}, Method: r.Method, N: r.N, NFail: r.NFail,
			NoFormula: r.NoFormula, Approximate: r.Approximate, AnalyticError: r.FormulaError,
		}
		for k, null := range r.Null {
			if null {
				all[i].NoEffect = append(all[i].NoEffect, r.Outcomes[k])
			}
		}
		for _, m := range r.besideFormula() {
			all[i].Measures = append(all[i].Measures, measure{m.name, m.outcome, m.k, jsonNumber(m.Value), jsonNumber(m.MCSE), jsonNumber(m.analytic), jsonNumber(m.z)})
		}
	}
	return writeIndented(w, f.Made, map[string]any{
		"schema_version": FamiliesSchemaVersion, "alpha": jsonNumber(f.Alpha), "families": all,
	})
}

// writeIndented writes an object with its provenance, where that is known.
func writeIndented(w io.Writer, made Provenance, object map[string]any) error {
	if made != (Provenance{}) {
		object["provenance"] = made
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	return encoder.Encode(object)
}

// WriteTable writes the families for a reader at a terminal: one block for each
// family (and cell of a sweep), a column for each method, and beside or below it what
// the closed form says. A legend explains the rows. Color adds bold and faint; nothing is said by it alone.
func (f Families) WriteTable(w io.Writer, width int, color bool) error {
	var out strings.Builder
	style := tableStyle(color)
	if len(f.Rows) == 0 {
		_, err := io.WriteString(w, "No families of tests to measure.\n")
		return err
	}
	out.WriteString(style.bold("Several outcomes at once: % of trials (MCSE)") + "\n")
	var said familyLegend
	for start := 0; start < len(f.Rows); {
		end := start + 1
		for end < len(f.Rows) && f.Rows[end].Cell == f.Rows[start].Cell && f.Rows[end].Family == f.Rows[start].Family {
			end++
		}
		out.WriteByte('\n')
		writeFamilyBlock(&out, f.Rows[start:end], style, width)
		said.writeFormulaNotes(&out, f.Rows[start:end], width)
		for i := start; i < end; i++ {
			said.see(&f.Rows[i])
		}
		start = end
	}
	out.WriteByte('\n')
	var legend strings.Builder
	writeLegend(&legend, said.entries(f.Alpha), width)
	for line := range strings.Lines(legend.String()) {
		out.WriteString(style.faint(strings.TrimSuffix(line, "\n")) + "\n")
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// writeFamilyBlock writes one family in one cell, whose rows are its methods.
func writeFamilyBlock(out *strings.Builder, rows []FamilyPower, style tableStyle, width int) {
	first := &rows[0]
	var title strings.Builder
	var design []string
	for _, factor := range first.Factors {
		design = append(design, factor.Key+" = "+factor.Value)
	}
	at := ""
	if len(design) > 0 {
		at = " (" + strings.Join(design, ", ") + ")"
	}
	WriteWrapped(&title, fmt.Sprintf("%s%s: %s on %d outcomes, by %s", first.Family, at, first.Term, len(first.Outcomes), first.Estimator), tableIndent, width)
	for line := range strings.Lines(title.String()) {
		out.WriteString(style.bold(strings.TrimSuffix(line, "\n")) + "\n")
	}

	labels := familyLabels(first)
	padToWidest(labels)
	var simulated, formulas, beside []familyColumn
	for c := range rows {
		one := newFamilyColumn(&rows[c])
		simulated, beside = append(simulated, one), append(beside, one)
		if rows[c].Formula != nil {
			formula := newFormulaColumn(&rows[c])
			beside = append(beside, formula)
			formula.name = rows[c].Method.String()
			formulas = append(formulas, formula)
		}
	}
	wide := utf8.RuneCountInString(tableIndent + labels[0])
	for _, c := range beside {
		wide += utf8.RuneCountInString(tableGap) + c.width()
	}
	if wide <= width {
		writeFamilyColumns(out, "", labels, beside, len(first.Outcomes), style)
	} else {
		writeFamilyColumns(out, "", labels, simulated, len(first.Outcomes), style)
		if len(formulas) > 0 {
			writeFamilyColumns(out, "by formula (z)", labels, formulas, len(first.Outcomes), style)
		}
	}
	if first.NFail > 0 {
		fmt.Fprintf(out, "%sA fit failed in %s of %s trials.\n", tableIndent, grouped(first.NFail), grouped(first.N))
	}
}

// A familyColumn is what a block says of one method.
type familyColumn struct {
	name  string
	cells []string
}

func newFamilyColumn(r *FamilyPower) familyColumn {
	var cells []tableCell
	for _, s := range familyShares(r) {
		cells = append(cells, percent(s.Value, s.MCSE))
	}
	return familyColumn{r.Method.String(), alignCells(cells, false)}
}

// newFormulaColumn has what the closed form says, and how far the simulation is above.
func newFormulaColumn(r *FamilyPower) familyColumn {
	var cells []tableCell
	simulated := familyShares(r)
	for i, s := range familyShares(r.Formula) {
		cell := cellOf(100*s.Value, math.NaN(), 1)
		if z := simulated[i].above(s); !math.IsNaN(z) {
			cell.mcse = "(" + fixed(z, 1) + ")"
		}
		cells = append(cells, cell)
	}
	return familyColumn{"formula", alignCells(cells, false)}
}

func (c familyColumn) width() int {
	return max(utf8.RuneCountInString(c.name), utf8.RuneCountInString(c.cells[0]))
}

// writeFamilyColumns writes columns beside labels of one width.
func writeFamilyColumns(out *strings.Builder, corner string, labels []string, columns []familyColumn, outcomes int, style tableStyle) {
	heading := tableIndent + padRight(corner, utf8.RuneCountInString(labels[0]))
	lines := make([]string, len(labels))
	for i, label := range labels {
		lines[i] = tableIndent + label
	}
	for _, c := range columns {
		heading += tableGap + padLeft(c.name, c.width())
		for i := range lines {
			lines[i] += tableGap + padLeft(c.cells[i], c.width())
		}
	}
	out.WriteString(style.bold(heading) + "\n")
	out.WriteString(style.faint(strings.Repeat("─", utf8.RuneCountInString(heading))) + "\n")
	for i, line := range lines {
		empty := true // what does not exist for any method is left out
		for _, c := range columns {
			empty = empty && strings.TrimSpace(c.cells[i]) == missing
		}
		if !empty || i < outcomes {
			out.WriteString(strings.TrimRight(line, " ") + "\n")
		}
	}
}

// writeFormulaNotes says below a block why it has no formula, or in what that is
// approximate, unless it has been said of the family.
func (l *familyLegend) writeFormulaNotes(out *strings.Builder, rows []FamilyPower, width int) {
	for i := range rows {
		r := &rows[i]
		text := ""
		switch {
		case r.NoFormula != "":
			text = "No formula: " + r.NoFormula + "."
		case len(r.Approximate) > 0:
			text = "The formula is approximate: " + strings.Join(r.Approximate, "; ") + "."
		}
		if key := r.Family + ": " + text; text != "" && !slices.Contains(l.notes, key) {
			l.notes = append(l.notes, key)
			WriteWrapped(out, tableIndent+text, tableIndent, width)
		}
	}
}

// familyLabels name the lines of a block, familyShares their numbers.
func familyLabels(r *FamilyPower) []string {
	var labels []string
	effects := 0
	for i, outcome := range r.Outcomes {
		if r.Null[i] {
			outcome += " (no effect)"
		} else {
			effects++
		}
		labels = append(labels, outcome)
	}
	labels = append(labels, "mean power")
	for k := 1; k < len(r.AtLeast); k++ {
		labels = append(labels, "at least "+strconv.Itoa(k))
	}
	all := "all " + strconv.Itoa(effects)
	return append(labels, all, all+", unadjusted", "familywise error", "false discovery")
}

// A FamilyLine is one share of a family with its name in tables, what the closed form
// says, and how many Monte Carlo standard errors the share is above that; NaN for none.
type FamilyLine struct {
	Name string
	Share
	Formula, Z float64
}

// Lines lists the shares of a family as tables show them, the outcomes' first.
func (r *FamilyPower) Lines() []FamilyLine {
	shares := familyShares(r)
	lines := make([]FamilyLine, len(shares))
	for i, name := range familyLabels(r) {
		lines[i] = FamilyLine{name, shares[i], math.NaN(), math.NaN()}
	}
	if r.Formula != nil {
		for i, formula := range familyShares(r.Formula) {
			lines[i].Formula, lines[i].Z = formula.Value, shares[i].above(formula)
		}
	}
	return lines
}

func familyShares(r *FamilyPower) []Share {
	shares := append([]Share(nil), r.Individual...)
	shares = append(shares, r.Mean)
	if k := len(r.AtLeast); k > 1 {
		shares = append(shares, r.AtLeast[:k-1]...)
	}
	return append(shares, r.Complete, r.CompleteUnadjusted, r.Familywise, r.FalseDiscovery)
}

// A familyLegend knows which lines the tables have.
type familyLegend struct {
	minimal, complete, unadjusted, null bool

	byEstimator []string // methods by which estimators adjust themselves
	byFamily    bool     // there are others

	notes   []string // on formulas, with their family
	formula bool
	error   float64 // of formulas
}

func (l *familyLegend) see(r *FamilyPower) {
	l.minimal = l.minimal || len(r.AtLeast) > 1
	l.complete = l.complete || !math.IsNaN(r.Complete.Value)
	l.unadjusted = l.unadjusted || !math.IsNaN(r.CompleteUnadjusted.Value)
	l.null = l.null || !math.IsNaN(r.Familywise.Value)
	l.formula, l.error = l.formula || r.Formula != nil, math.Max(l.error, r.FormulaError)
	if r.Method.ByEstimator() {
		if name := r.Method.String(); !slices.Contains(l.byEstimator, name) {
			l.byEstimator = append(l.byEstimator, name)
		}
	} else {
		l.byFamily = true
	}
}

func (l *familyLegend) entries(alpha float64) []explanation {
	entries := []explanation{{"an outcome", fmt.Sprintf(
		"share of trials in which its p-value, adjusted for the family, is at most %s: its power, or, where there is no effect, how often it is found all the same", decimal(alpha))}}
	if l.complete {
		entries = append(entries, explanation{"mean power", "average over the outcomes with an effect"})
	}
	if l.minimal {
		entries = append(entries, explanation{"at least k", "power to find an effect on k outcomes or more that have one"})
	}
	if l.complete {
		entries = append(entries, explanation{"all", "power to find the effect on every outcome that has one (complete power)"})
	}
	if l.unadjusted {
		entries = append(entries, explanation{"all, unadjusted", "the same without adjustment, which is enough if the claim is all of them or nothing"})
	}
	if l.null {
		entries = append(entries,
			explanation{"familywise error", fmt.Sprintf("how often any outcome without an effect is found; %s or less under bonferroni and holm", decimal(100*alpha))},
			explanation{"false discovery", "average share of the outcomes found that have no effect"})
	}
	if l.byFamily {
		entries = append(entries, explanation{"none, holm, ...", "how p-values are adjusted, as in R's p.adjust; a failed fit counts as not significant"})
	}
	if len(l.byEstimator) > 0 {
		entries = append(entries, explanation{strings.Join(l.byEstimator, ", "), "p-values as the estimator has adjusted them, over all its tests, by its own draws; a failed fit counts as not significant"})
	}
	if l.formula {
		entries = append(entries, explanation{"formula (z)", fmt.Sprintf(
			"the same by the joint distribution of the tests, with the variances and correlations that the trial implies, and how many Monte Carlo standard errors the simulation is above it; its integrals have a standard error of at most %s points", errorPoints(l.error))})
	}
	return append(entries,
		explanation{"(MCSE)", "Monte Carlo standard error of the number before it; more trials make it smaller"})
}

// errorPoints writes a small standard error in points, rounded up.
func errorPoints(x float64) string { return fixed(math.Max(math.Ceil(1e4*x), 1)/100, 2) }
