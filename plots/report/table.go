package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"coachsim/plots"
	"coachsim/sim"
)

// A Table is the performance of estimates, laid out once for every format: the
// factors of the sweep, what is estimated, then the measures, each with its Monte
// Carlo standard error beneath.
type Table struct {
	Name    string // short, for labels and file parts, e.g. "effects"
	Caption string
	Columns []Column
	Rows    [][]Cell // by column
	Notes   []string // sentences
}

// A Column is one column of a table.
type Column struct {
	Head  [2]string // on two lines
	Key   string    // in CSV; that of the Monte Carlo standard error ends in _mcse
	Label bool      // words, not numbers
	// Panel says that the column heads a group of rows instead of standing
	// beside them. CSV has it as a column like any other.
	Panel bool
}

// A Cell is a number or word, and what stands in parentheses beneath it. Both are
// empty where there is none. Mark stands behind the number in formats for people, and the
// notes say what it means.
type Cell struct{ Value, Beneath, Mark string }

// sizeMark marks the size of a test in a column that has powers too.
const sizeMark = "†"

// missing stands for a number that does not exist, in formats for people.
const missing = "–"

// Tables lays out a summary: a table of the effects of treatments, and one of
// what else is estimated where there is any.
func (r Results) Tables() []Table {
	var effects, others []int
	shown := r.Summary.Shown()
	for _, i := range shown {
		if r.Summary.Rows[i].Estimand != "" {
			effects = append(effects, i)
		} else {
			others = append(others, i)
		}
	}
	var tables []Table
	if len(effects) > 0 {
		tables = append(tables, r.table("effects", "Performance of the estimates of treatment effects", effects))
	}
	if len(others) > 0 {
		caption := "Other estimates, which have no treatment effect for a truth"
		if len(effects) == 0 {
			caption = "Estimates, which have no treatment effect for a truth"
		}
		tables = append(tables, r.table("others", caption, others))
	}
	if hidden := len(r.Summary.Rows) - len(shown); hidden > 0 && len(tables) > 0 {
		last := &tables[len(tables)-1]
		last.Notes = append(last.Notes, sim.HiddenRows(hidden))
	}
	return tables
}

// table lays out some rows of the summary.
func (r Results) table(name, caption string, rows []int) Table {
	t := Table{Name: name, Caption: caption}
	swept := slices.ContainsFunc(rows, func(i int) bool { return len(r.Summary.Rows[i].Factors) > 0 })
	var fill []func(i int, row *sim.SummaryRow) Cell
	add := func(c Column, cell func(i int, row *sim.SummaryRow) Cell) {
		t.Columns, fill = append(t.Columns, c), append(fill, cell)
	}
	word := func(key, head string, panel bool, of func(*sim.SummaryRow) string) {
		add(Column{Head: [2]string{"", head}, Key: key, Label: true, Panel: panel}, func(_ int, row *sim.SummaryRow) Cell { return Cell{Value: of(row)} })
	}
	keys := factorKeys(r.Summary.Rows[rows[0]].Factors)
	for k, words := range plots.InWords(keys) {
		add(Column{Head: [2]string{"", capital(words)}, Key: keys[k], Label: !r.numeric(k)},
			func(_ int, row *sim.SummaryRow) Cell { return Cell{Value: plots.Bare(row.Factors[k].Value)} })
	}
	word("estimator", "Estimator", true, func(row *sim.SummaryRow) string { return row.Estimator })
	word("outcome", "Outcome", swept, func(row *sim.SummaryRow) string { return row.Outcome })
	word("term", "Term", swept, func(row *sim.SummaryRow) string { return row.Term })
	if r.twofold(rows) {
		word("estimand", "Estimand", true, func(row *sim.SummaryRow) string { return row.Estimand })
	}
	number := func(key, above, head string, of func(i int, row *sim.SummaryRow) (string, string)) {
		add(Column{Head: [2]string{above, head}, Key: key}, func(i int, row *sim.SummaryRow) Cell {
			value, beneath := of(i, row)
			return Cell{Value: value, Beneath: beneath}
		})
	}
	number("truth", "", "Truth", func(_ int, row *sim.SummaryRow) (string, string) { return row.Written(row.Truth, row.TruthMCSE) })
	number("mean", "", "Mean", func(_ int, row *sim.SummaryRow) (string, string) { return row.Written(row.Mean, row.MeanMCSE()) })
	number("bias", "", "Bias", func(_ int, row *sim.SummaryRow) (string, string) { return row.Written(row.Bias, row.BiasMCSE) })
	number("empse", "Empirical", "SE", func(_ int, row *sim.SummaryRow) (string, string) { return row.Written(row.EmpSE, row.EmpSEMCSE) })
	number("modelse", "Model", "SE", func(_ int, row *sim.SummaryRow) (string, string) { return row.Written(row.ModelSE, row.ModelSEMCSE) })
	number("cover", "Coverage", "(%)", func(_ int, row *sim.SummaryRow) (string, string) { return sim.WrittenPercent(row.Cover, row.CoverMCSE) })
	head, mark := "Power", ""
	switch nulls, tests := r.nulls(rows); {
	case nulls > 0 && nulls == tests:
		head = "Size"
	case nulls > 0:
		mark = sizeMark
	}
	add(Column{Head: [2]string{head, "(%)"}, Key: "power"}, func(_ int, row *sim.SummaryRow) Cell {
		value, beneath := sim.WrittenPercent(row.Power, row.PowerMCSE)
		cell := Cell{Value: value, Beneath: beneath}
		if value != "" && row.Null() {
			cell.Mark = mark
		}
		return cell
	})
	number("mdes", "", "MDES", func(_ int, row *sim.SummaryRow) (string, string) {
		if row.Estimand == "" {
			return "", ""
		}
		return row.Written(row.MDES, row.MDESMCSE)
	})
	number("n_fail", "Failed", "fits", func(_ int, row *sim.SummaryRow) (string, string) { return strconv.Itoa(row.NFail), "" })

	for _, i := range r.grouped(rows, swept) {
		line := make([]Cell, len(fill))
		for k, of := range fill {
			line[k] = of(i, &r.Summary.Rows[i])
		}
		t.Rows = append(t.Rows, line)
	}
	t.Notes = r.notes(t, rows)
	return t
}

// nulls counts the tests of rows, and those of them that have no effect to find: what
// they reject is their size.
func (r Results) nulls(rows []int) (nulls, tests int) {
	for _, i := range rows {
		if row := &r.Summary.Rows[i]; !math.IsNaN(row.Power) {
			tests++
			if row.Null() {
				nulls++
			}
		}
	}
	return nulls, tests
}

// grouped orders rows so that those of a panel stand together.
func (r Results) grouped(rows []int, swept bool) []int {
	place := map[string]int{}
	id := func(i int) string {
		row := &r.Summary.Rows[i]
		if !swept {
			return row.Estimator + "\x00" + row.Estimand
		}
		return strings.Join([]string{row.Estimator, row.Outcome, row.Term, row.Estimand}, "\x00")
	}
	for _, i := range rows {
		if _, known := place[id(i)]; !known {
			place[id(i)] = len(place)
		}
	}
	ordered := slices.Clone(rows)
	slices.SortStableFunc(ordered, func(a, b int) int { return place[id(a)] - place[id(b)] })
	return ordered
}

// factorKeys lists the keys of the factors of a design.
func factorKeys(factors []sim.Factor) []string {
	keys := make([]string, len(factors))
	for i, f := range factors {
		keys[i] = f.Key
	}
	return keys
}

// capital makes the first letter one.
func capital(text string) string {
	r, n := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(r)) + text[n:]
}

// numeric reports whether a factor's values are numbers.
func (r Results) numeric(k int) bool {
	return !slices.ContainsFunc(r.Summary.Rows, func(row sim.SummaryRow) bool {
		_, err := strconv.ParseFloat(plots.Bare(row.Factors[k].Value), 64)
		return err != nil
	})
}

// twofold reports whether rows are held against different estimands.
func (r Results) twofold(rows []int) bool {
	return slices.ContainsFunc(rows, func(i int) bool { return r.Summary.Rows[i].Estimand != r.Summary.Rows[rows[0]].Estimand })
}

// shown lists the columns that formats for people print beside rows: those with
// something in them.
func (t Table) shown() []int {
	var all []int
	for k, c := range t.Columns {
		if !c.Panel && slices.ContainsFunc(t.Rows, func(row []Cell) bool { return row[k].Value != "" }) {
			all = append(all, k)
		}
	}
	return all
}

// panel returns the heading of a row's panel: of an estimator, or of one estimate.
func (t Table) panel(row []Cell) string {
	parts := map[string]string{}
	for k, c := range t.Columns {
		if c.Panel {
			parts[c.Key] = row[k].Value
		}
	}
	title := parts["estimator"]
	if parts["outcome"] != "" {
		title += ": " + parts["term"] + " on " + parts["outcome"]
	}
	if parts["term"] != "" && parts["outcome"] == "" {
		title += ": " + parts["term"]
	}
	switch estimand := parts["estimand"]; estimand {
	case "":
	case sim.Population.String(), sim.Sample.String():
		title += " (" + estimand + " effect)"
	default:
		title += " (truth: " + estimand + ")"
	}
	return title
}

// notes say what stands in the table.
func (r Results) notes(t Table, rows []int) []string {
	has := func(key string) bool {
		k := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Key == key })
		return slices.Contains(t.shown(), k)
	}
	level := written(100 - 100*r.Summary.Alpha)
	extent := r.Summary.Extent()
	least, most := extent.Least, 0 // designs without a trial have no rows
	for _, i := range rows {
		least, most = min(least, r.Summary.Rows[i].N), max(most, r.Summary.Rows[i].N)
	}
	trials := sim.Grouped(most) + " simulated trials"
	switch {
	case least != most:
		trials = sim.Grouped(least) + " to " + trials
	case most == 1:
		trials = "1 simulated trial"
	}
	if extent.Designs > 1 {
		trials += fmt.Sprintf(" of each of %s designs", sim.Grouped(extent.Designs))
	}
	if unfinished := extent.Unfinished(); unfinished != "" {
		trials += " (" + unfinished + ")"
	}
	notes := []string{
		fmt.Sprintf("%s; two-sided tests at α = %s.", trials, written(r.Summary.Alpha)),
		"In parentheses: Monte Carlo standard errors.",
	}
	if has("truth") {
		notes = append(notes, "Truth: the true effect; Bias: mean of estimate minus truth.")
	}
	notes = append(notes, "Empirical SE: standard deviation of the estimates; Model SE: root mean square of the estimators' standard errors.")
	if has("cover") {
		notes = append(notes, fmt.Sprintf("Coverage: share of %s%% confidence intervals that hold the truth.", level))
	}
	if has("power") {
		share := fmt.Sprintf("share of all trials with p ≤ %s, failed fits counting as not significant", written(r.Summary.Alpha))
		size := fmt.Sprintf("there is no effect, so that this share is the test's false-positive rate, and should be %s%%.", written(100*r.Summary.Alpha))
		switch nulls, tests := r.nulls(rows); {
		case nulls > 0 && nulls == tests:
			notes = append(notes, "Size: "+share+"; "+size)
		case nulls > 0:
			notes = append(notes, "Power: "+share+".", sizeMark+" Size: "+size)
		default:
			notes = append(notes, "Power: "+share+".")
		}
	}
	if slices.ContainsFunc(rows, func(i int) bool { return r.Summary.Rows[i].NotSelected > 0 }) {
		notes = append(notes, "Trials in which a selection leaves a term out are no failures (n_not_selected in summary.csv): power counts them as not significant, and all else is of the other trials.")
	}
	if has("mdes") {
		notes = append(notes, fmt.Sprintf("MDES: effect that a t test of the right size would detect in %s%% of trials, (t(1-α/2, ν) + t(%s, ν)) times the empirical SE, ν the (harmonic) mean degrees of freedom.",
			written(100*sim.MDESPower), written(sim.MDESPower)))
	}
	for _, row := range t.Rows {
		if slices.ContainsFunc(t.shown(), func(k int) bool { return row[k].Value == "" }) {
			return append(notes, missing+": there is no such number.")
		}
	}
	return notes
}

// written is a number of a study, as its file would have it.
func written(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }
