package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"coachsim/estimators"
	"coachsim/sim"
)

// A pageTable is a table of the page.
type pageTable struct {
	ID      string
	Caption string
	Heads   []pageHead
	Groups  []pageGroup
	Notes   []string
	Hidden  int  // rows that are left out
	Fixed   bool // rows build on each other, so that nobody sorts them
}

type pageHead struct {
	Words string
	Label bool // words, not numbers
}

// A pageGroup is rows under one heading.
type pageGroup struct {
	Title string
	Rows  [][]pageCell
}

type pageCell struct {
	Value, Beneath string
	Mark           string // behind the number
	Label          bool
	Sort           string // by which scripts sort; empty for words and what does not exist
}

func wordCell(words string) pageCell { return pageCell{Value: words, Label: true} }

func numberCell(value, beneath string) pageCell {
	if value == "" {
		return pageCell{Value: missing}
	}
	return pageCell{Value: value, Beneath: beneath, Sort: strings.ReplaceAll(value, ",", "")}
}

// Sortable says whether scripts may sort the table.
func (t pageTable) Sortable() bool { return !t.Fixed }

// Columns is how wide a group's heading is.
func (t pageTable) Columns() int { return len(t.Heads) }

// row adds a row under a heading, as far as the page has room.
func (t *pageTable) row(title string, cells ...pageCell) {
	rows := 0
	for _, g := range t.Groups {
		rows += len(g.Rows)
	}
	if rows >= maxPageRows {
		t.Hidden++
		return
	}
	if n := len(t.Groups); n == 0 || t.Groups[n-1].Title != title {
		t.Groups = append(t.Groups, pageGroup{Title: title})
	}
	last := &t.Groups[len(t.Groups)-1]
	last.Rows = append(last.Rows, cells)
}

// pageTable lays out a table of results for the page.
func newPageTable(of Table, id string) pageTable {
	t := pageTable{ID: id, Caption: of.Caption, Notes: of.Notes}
	shown := of.shown()
	for _, k := range shown {
		t.Heads = append(t.Heads, pageHead{of.Columns[k].head(), of.Columns[k].Label})
	}
	for _, row := range of.Rows {
		var cells []pageCell
		for _, k := range shown {
			if of.Columns[k].Label {
				cells = append(cells, wordCell(row[k].Value))
			} else {
				cell := numberCell(row[k].Value, strings.Trim(row[k].Beneath, "()"))
				cell.Mark = row[k].Mark
				cells = append(cells, cell)
			}
		}
		t.row(of.panel(row), cells...)
	}
	return t
}

func varianceTable(study sim.Study) pageTable {
	rows := study.Trial.Variances().Table()
	unit := "Tests in standard deviations of the model; scores of classrooms before ratings are rounded."
	if study.Learning != nil {
		unit = "What children know before, in log odds of a right answer."
	}
	t := pageTable{
		Fixed: true, ID: "variances", Caption: "Variances that the assumptions imply, in the control arm",
		Notes: []string{unit + " ICC: share of the variance at that level; R²: share of it that baseline and covariates explain."},
	}
	for c, head := range rows[0] {
		if c > 1 {
			t.Heads = append(t.Heads, pageHead{capital(head), c == 2})
		}
	}
	outcome := ""
	for _, row := range rows[1:] {
		if row[0] != "" {
			outcome = row[0] + ", unit: " + row[1]
		}
		var cells []pageCell
		for c, cell := range row[2:] {
			switch {
			case c == 0:
				cells = append(cells, wordCell(cell))
			case cell == "":
				cells = append(cells, pageCell{})
			case row[2] == "all" && c > 1: // words on the sum
				cells = append(cells, pageCell{Value: cell})
			default:
				cells = append(cells, numberCell(cell, ""))
			}
		}
		t.row(outcome, cells...)
	}
	return t
}

// selectionTables are the tables of a study that selects predictors.
func selectionTables(s sim.Summary) []pageTable {
	var tables []pageTable
	for _, group := range s.SelectionTables() {
		for _, of := range group.Tables {
			t := pageTable{ID: fmt.Sprintf("selection-%d", len(tables)+1), Caption: of.Title, Heads: []pageHead{{"Estimator", true}}}
			for _, c := range of.Columns {
				t.Heads = append(t.Heads, pageHead{Words: capital(c.Head[0] + " " + c.Head[1])})
			}
			for line, name := range of.Names {
				cells := []pageCell{wordCell(name)}
				for _, c := range of.Columns {
					cells = append(cells, numberCell(c.Written(line)))
				}
				t.row("", cells...)
			}
			tables = append(tables, t)
		}
		tables[len(tables)-1].Notes = group.Notes
	}
	return tables
}

// familyTables are a table for each family and design, with a column for each
// method.
func familyTables(all sim.Families) []pageTable {
	var tables []pageTable
	for start := 0; start < len(all.Rows); {
		end := start + 1
		for end < len(all.Rows) && all.Rows[end].Cell == all.Rows[start].Cell && all.Rows[end].Family == all.Rows[start].Family {
			end++
		}
		tables = append(tables, familyTable(all.Rows[start:end], len(tables)+1))
		start = end
	}
	return tables
}

func familyTable(methods []sim.FamilyPower, number int) pageTable {
	first := &methods[0]
	caption := fmt.Sprintf("Family %s: %s on %d outcomes, by %s", first.Family, first.Term, len(first.Outcomes), first.Estimator)
	if where := inDesign(first.Factors); where != "" {
		caption += " (" + where + ")"
	}
	t := pageTable{Fixed: true, ID: fmt.Sprintf("family-%d", number), Caption: caption, Heads: []pageHead{{"% of trials", true}}}
	lines := make([][]sim.FamilyLine, len(methods))
	for m := range methods {
		t.Heads = append(t.Heads, pageHead{Words: methods[m].Method.String()})
		if lines[m] = methods[m].Lines(); methods[m].Formula != nil {
			t.Heads = append(t.Heads, pageHead{Words: "formula (z)"})
		}
	}
	for i, line := range lines[0] {
		cells := []pageCell{wordCell(line.Name)}
		some := i < len(first.Outcomes)
		for m := range methods {
			value, mcse := sim.WrittenPercent(lines[m][i].Value, lines[m][i].MCSE)
			some = some || value != ""
			cells = append(cells, numberCell(value, strings.Trim(mcse, "()")))
			if methods[m].Formula != nil {
				formula, _ := sim.WrittenPercent(lines[m][i].Formula, math.NaN())
				z := ""
				if !math.IsNaN(lines[m][i].Z) {
					z = fmt.Sprintf("%.1f", lines[m][i].Z)
				}
				cells = append(cells, numberCell(formula, z))
			}
		}
		if some {
			t.row("", cells...)
		}
	}
	if first.NFail > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("A fit failed in %s of %s trials, and counts as not significant.", sim.Grouped(first.NFail), sim.Grouped(first.N)))
	}
	for m := range methods {
		note := ""
		switch {
		case methods[m].NoFormula != "":
			note = "No formula: " + methods[m].NoFormula + "."
		case len(methods[m].Approximate) > 0:
			note = "The formula is approximate: " + strings.Join(methods[m].Approximate, "; ") + "."
		}
		if note != "" && !slices.Contains(t.Notes, note) {
			t.Notes = append(t.Notes, note)
		}
	}
	return t
}

func inDesign(factors []sim.Factor) string {
	var parts []string
	for _, f := range factors {
		parts = append(parts, f.Key+" = "+f.Value)
	}
	return strings.Join(parts, ", ")
}

// estimateOf names a row of a summary.
func estimateOf(r *sim.SummaryRow) string {
	text := r.Term + " on " + r.Outcome
	if where := inDesign(r.Factors); where != "" {
		text += " (" + where + ")"
	}
	return text
}

// byEstimator returns the rows of a summary estimator by estimator.
func byEstimator(s sim.Summary) []*sim.SummaryRow {
	place := map[string]int{}
	rows := make([]*sim.SummaryRow, len(s.Rows))
	for i := range s.Rows {
		rows[i] = &s.Rows[i]
		if _, known := place[rows[i].Estimator]; !known {
			place[rows[i].Estimator] = i
		}
	}
	slices.SortStableFunc(rows, func(a, b *sim.SummaryRow) int { return place[a.Estimator] - place[b.Estimator] })
	return rows
}

// failureTable lists the estimates some of whose fits failed or were no plain
// success, by how they ended; nil where every fit worked.
func failureTable(s sim.Summary) *pageTable {
	used := make([]int, len(estimators.Statuses()))
	for i := range s.Rows {
		for status, n := range s.Rows[i].Failed {
			used[status] += n
		}
	}
	t := &pageTable{ID: "failures", Caption: "Fits that failed, or worked with a remark", Heads: []pageHead{{"Estimate", true}, {Words: "Fits"}}}
	var shown []estimators.Status
	for _, status := range estimators.Statuses() {
		if status != estimators.OK && status != estimators.NotSelected && used[status] > 0 {
			shown = append(shown, status)
			words := status.String()
			switch {
			case status.Worked():
				words += " (worked)"
			case !status.Failed():
				words += " (no failure)"
			}
			t.Heads = append(t.Heads, pageHead{Words: words})
		}
	}
	if len(shown) == 0 {
		return nil
	}
	for _, r := range byEstimator(s) {
		if !slices.ContainsFunc(shown, func(status estimators.Status) bool { return r.Failed[status] > 0 }) {
			continue
		}
		cells := []pageCell{wordCell(estimateOf(r)), numberCell(sim.Grouped(r.N), "")}
		for _, status := range shown {
			cells = append(cells, numberCell(sim.Grouped(r.Failed[status]), ""))
		}
		t.row(r.Estimator, cells...)
	}
	return t
}

// checks fills what is known of the results from elsewhere.
func (p *page) checks(r Run) {
	p.Unchecked = r.Formulas.Formless()
	t := &pageTable{
		ID: "closed-forms", Caption: "Simulated power beside that of a closed formula",
		Heads: []pageHead{{"Estimate", true}, {Words: "Simulated (%)"}, {Words: "Formula (%)"}, {Words: "z"}, {"Formula", true}},
		Notes: []string{"z: how many Monte Carlo standard errors the simulated power is above the formula's. Where the formula is exact, |z| is below 2 in 95% of cases; where it is approximate, larger differences are its own."},
	}
	for _, row := range byEstimator(r.Summary) {
		if math.IsNaN(row.AnalyticPower) {
			continue
		}
		value, mcse := sim.WrittenPercent(row.Power, row.PowerMCSE)
		formula, _ := sim.WrittenPercent(row.AnalyticPower, math.NaN())
		z := ""
		if !math.IsNaN(row.AnalyticZ) {
			z = fmt.Sprintf("%.1f", row.AnalyticZ)
		}
		words := ""
		if form := r.Formulas.Form(row); form != nil {
			words = form.Design.Name
			words += ": " + form.Inputs()
			if len(form.Approximate) > 0 {
				words += "; approximate: " + strings.Join(form.Approximate, "; ")
			}
		}
		t.row(row.Estimator, wordCell(estimateOf(row)), numberCell(value, strings.Trim(mcse, "()")), numberCell(formula, ""), numberCell(z, ""), wordCell(words))
	}
	if far := r.Summary.FarFromFormula(); far != "" {
		t.Notes = append(t.Notes, far)
	}
	if len(t.Groups) > 0 {
		p.Checks = t
	}
	if worst, any := sim.LeastKnown(r.Truths); any {
		p.Truth = &pageTruth{Draws: sim.Grouped(sim.PopulationDraws), MCSE: fmt.Sprintf("%.2g", worst.MCSE), Of: worst.Outcome, OfTerm: worst.Term}
	}
}

// A pagePublished is published results beside simulated ones.
type pagePublished struct {
	pageTable
	Agreement  string
	Reproduces bool
}

func publishedTable(r Run) *pagePublished {
	if len(r.Comparisons) == 0 {
		return nil
	}
	t := &pagePublished{pageTable: pageTable{
		ID: "published-results", Caption: "Published results beside simulated ones",
		Heads: []pageHead{{"Cell", true}, {Words: "Published"}, {Words: "SE"}, {Words: "Simulated mean"}, {Words: "Empirical SE"}, {Words: "Mean SE"}, {Words: "Difference / SE"}, {"Verdict", true}},
		Notes: []string{
			"Simulated mean and empirical SE (standard deviation): of the estimate over simulated trials, in parentheses Monte Carlo standard errors. Mean SE: plain mean of the estimated standard errors, which is what one printed is held against. Difference: of mean and published value, over the published SE.",
			"Verdict: close within 0.25 and near within 0.80 of a printed SE, else off; of numbers without a printed SE, in units of the empirical SE.",
		},
	}}
	for _, c := range r.Comparisons {
		title := "Table " + c.Table
		if c.Table == "text" {
			title = "In the text"
		}
		t.row(title, wordCell(c.Name()), decimalCell(c.Value, math.NaN(), 3), decimalCell(c.SE, math.NaN(), 3), decimalCell(c.Mean, c.MeanMCSE, 4),
			decimalCell(c.SD, c.SDMCSE, 4), decimalCell(c.MeanSE, c.MeanSEMCSE, 4), decimalCell(c.DiffSE, math.NaN(), 3), wordCell(c.Verdict()))
	}
	a := sim.Agree(r.Comparisons)
	t.Reproduces = a.Within(r.Tolerance)
	t.Agreement = fmt.Sprintf("Over %d regression coefficients the difference between simulated mean and published value is %.2f printed standard errors (root mean square), %.2f at the worst (%s); at most %.2f and %.2f are asked.",
		a.Cells, a.RMS, a.Worst, a.WorstCell, r.Tolerance.RMS, r.Tolerance.Worst)
	return t
}

func decimalCell(x, mcse float64, places int) pageCell {
	if math.IsNaN(x) {
		return numberCell("", "")
	}
	beneath := ""
	if !math.IsNaN(mcse) {
		beneath = fmt.Sprintf("%.*f", places, mcse)
	}
	return numberCell(fmt.Sprintf("%.*f", places, x), beneath)
}
