package sim

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// DifferencesSchemaVersion is raised when a field of the written differences
// changes its name or meaning.
const DifferencesSchemaVersion = 1

// A differenceNumber is a number of a Difference under its name in
// differences.csv.
type differenceNumber struct {
	name  string
	value float64
}

func (d *Difference) numbers() []differenceNumber {
	return []differenceNumber{
		{"power", d.Power},
		{"reference_power", d.ReferencePower},
		{"only_estimator", d.OnlyEstimator},
		{"only_reference", d.OnlyReference},
		{"power_diff", d.PowerDiff},
		{"power_diff_mcse", d.PowerDiffMCSE},
		{"bias_diff", d.BiasDiff},
		{"bias_diff_mcse", d.BiasDiffMCSE},
		{"rmse", d.RMSE},
		{"reference_rmse", d.ReferenceRMSE},
		{"rmse_diff", d.RMSEDiff},
		{"rmse_diff_mcse", d.RMSEDiffMCSE},
		{"relprecision", d.RelPrecision},
		{"relprecision_mcse", d.RelPrecisionMCSE},
		{"correlation", d.Correlation},
		{"empse", d.EmpSE},
		{"reference_empse", d.ReferenceEmpSE},
		{"empse_diff", d.EmpSEDiff},
		{"empse_diff_mcse", d.EmpSEDiffMCSE},
		{"power_mcse", d.PowerMCSE},
		{"reference_power_mcse", d.ReferencePowerMCSE},
		{"only_estimator_mcse", d.OnlyEstimatorMCSE},
		{"only_reference_mcse", d.OnlyReferenceMCSE},
		{"rmse_mcse", d.RMSEMCSE},
		{"reference_rmse_mcse", d.ReferenceRMSEMCSE},
		{"empse_mcse", d.EmpSEMCSE},
		{"reference_empse_mcse", d.ReferenceEmpSEMCSE},
		{"correlation_mcse", d.CorrelationMCSE},
	}
}

// WriteCSV writes one line a pair: the factors of the sweep, outcome, term,
// estimand, estimator, reference, n, n_both, and the numbers. Numbers are the
// shortest that read back to the same bits; one that does not exist is empty.
func (d Differences) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	keys := d.factorKeys()
	line := append(append([]string(nil), keys...), "outcome", "term", "estimand", "estimator", "reference", "n", "n_both")
	for _, number := range new(Difference).numbers() {
		line = append(line, number.name)
	}
	if err := out.Write(line); err != nil {
		return err
	}
	for i := range d.Rows {
		r := &d.Rows[i]
		line = line[:0]
		for _, key := range keys {
			line = append(line, factorValue(r.Factors, key))
		}
		line = append(line, r.Outcome, r.Term, r.Estimand, r.Estimator, r.referenceName(), strconv.Itoa(r.N), strconv.Itoa(r.NBoth))
		for _, number := range r.numbers() {
			line = append(line, shortest(number.value))
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func (d Differences) factorKeys() []string {
	var s Summary
	for i := range d.Rows {
		s.Rows = append(s.Rows, SummaryRow{Factors: d.Rows[i].Factors})
	}
	return s.factorKeys()
}

// WriteJSON writes one object: schema_version, alpha, the differences with the
// names of differences.csv, null for what does not exist, and not_compared, the
// pairs whose true effects differ.
func (d Differences) WriteJSON(w io.Writer) error {
	rows := make([]map[string]any, len(d.Rows))
	for i := range d.Rows {
		rows[i] = d.Rows[i].object()
		rows[i]["n"], rows[i]["n_both"] = d.Rows[i].N, d.Rows[i].NBoth
		for _, number := range d.Rows[i].numbers() {
			rows[i][number.name] = jsonNumber(number.value)
		}
	}
	apart := make([]map[string]any, len(d.Apart))
	for i := range d.Apart {
		apart[i] = d.Apart[i].object()
	}
	return writeIndented(w, d.Made, map[string]any{
		"schema_version": DifferencesSchemaVersion, "alpha": jsonNumber(d.Alpha), "differences": rows, "not_compared": apart,
	})
}

func (d *Difference) object() map[string]any {
	return map[string]any{
		"cell": d.Cell, "factors": jsonFactors(d.Factors), "outcome": d.Outcome, "term": d.Term, "estimand": d.Estimand,
		"estimator": d.Estimator, "reference": d.referenceName(),
	}
}

// referenceName names the estimator or, between designs, the design that is the
// reference.
func (d *Difference) referenceName() string {
	if d.ReferenceFactors == nil {
		return d.Reference
	}
	return strings.TrimPrefix(inDesign(d.ReferenceFactors), ", ")
}

// differing returns the factors of a design that are not those of its reference,
// with the last parts of their keys.
func (d *Difference) differing() string {
	var own []Factor
	keys := make([]string, len(d.Factors))
	for i, f := range d.Factors {
		keys[i] = f.Key
	}
	names := shortNames(keys)
	for i, f := range d.Factors {
		if f.Value != d.ReferenceFactors[i].Value {
			own = append(own, Factor{names[i], f.Value})
		}
	}
	return strings.TrimPrefix(inDesign(own), ", ")
}

// WriteTable writes the differences for a reader at a terminal, effect by
// effect, with a legend. Color adds bold and faint; nothing is said by it alone.
func (d Differences) WriteTable(w io.Writer, width int, color bool) error {
	var out strings.Builder
	style := tableStyle(color)
	if len(d.Rows) == 0 {
		if d.Designs {
			out.WriteString("No two designs to compare: the run has no sweep, or none of these estimators.\n")
		} else {
			out.WriteString("No two estimators estimate the same effect.\n")
		}
	} else {
		d.writeBlocks(&out, style, width)
	}
	var notes strings.Builder
	for _, note := range d.notCompared() {
		WriteWrapped(&notes, note, tableIndent, width)
	}
	if notes.Len() > 0 {
		out.WriteByte('\n')
		out.WriteString(notes.String())
	}
	if len(d.Rows) > 0 {
		out.WriteByte('\n')
		var legend strings.Builder
		writeLegend(&legend, d.legend(), width)
		for line := range strings.Lines(legend.String()) {
			out.WriteString(style.faint(strings.TrimSuffix(line, "\n")) + "\n")
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// notCompared says, pair by pair, which estimates stand apart.
func (d Differences) notCompared() []string {
	type pair struct{ estimator, reference string }
	var order []pair
	effects := map[pair][]string{}
	for i := range d.Apart {
		a := &d.Apart[i]
		of := pair{a.Estimator, a.Reference}
		effect := a.Term + " on " + a.Outcome
		if len(effects[of]) == 0 {
			order = append(order, of)
		}
		if !slices.Contains(effects[of], effect) { // once for all designs of a sweep
			effects[of] = append(effects[of], effect)
		}
	}
	notes := make([]string, len(order))
	for i, of := range order {
		notes[i] = fmt.Sprintf("Not compared: %s with %s (%s). Their true effects differ, because they average over other rows.",
			of.estimator, of.reference, strings.Join(effects[of], ", "))
	}
	return notes
}

func inDesign(factors []Factor) string {
	text := ""
	for _, f := range factors {
		text += ", " + f.Key + " = " + f.Value
	}
	return text
}

// A differenceColumn is one column of the table.
type differenceColumn struct {
	heading [2]string
	cell    func(*Difference) tableCell
}

func (d Differences) columns() []differenceColumn {
	spread := differenceColumn{[2]string{"empirical", "SE (MCSE)"}, func(d *Difference) tableCell {
		return signed(cellOf(d.EmpSEDiff, d.EmpSEDiffMCSE, d.decimals()))
	}}
	columns := []differenceColumn{
		{[2]string{"power, points", "(MCSE)"}, func(d *Difference) tableCell {
			return signed(percent(d.PowerDiff, d.PowerDiffMCSE))
		}},
		{[2]string{"bias", "(MCSE)"}, func(d *Difference) tableCell {
			return signed(cellOf(d.BiasDiff, d.BiasDiffMCSE, d.decimals()))
		}},
		{[2]string{"RMSE", "(MCSE)"}, func(d *Difference) tableCell {
			return signed(cellOf(d.RMSEDiff, d.RMSEDiffMCSE, d.decimals()))
		}},
		{[2]string{"precision", "% (MCSE)"}, func(d *Difference) tableCell {
			return signed(cellOf(d.RelPrecision, d.RelPrecisionMCSE, 1))
		}},
		{[2]string{"correlation", "(MCSE)"}, func(d *Difference) tableCell {
			return cellOf(d.Correlation, d.CorrelationMCSE, 3)
		}},
		{[2]string{"both", "worked"}, func(d *Difference) tableCell {
			return tableCell{value: grouped(d.NBoth)}
		}},
	}
	if d.Designs {
		columns[2] = spread // designs may have different effects, estimators of one effect have not
	}
	return columns
}

// signed gives a positive difference its sign.
func signed(cell tableCell) tableCell {
	if cell.value != missing && !strings.HasPrefix(cell.value, "-") && strings.Trim(cell.value, "0.") != "" {
		cell.value = "+" + cell.value
	}
	return cell
}

// decimals shows two digits of the smaller Monte Carlo error, and at least three
// of the RMSE. Where two estimators are the same number, their difference is
// rounding error, and so is its Monte Carlo error.
func (d *Difference) decimals() int {
	places := 3
	for _, at := range []struct {
		x      float64
		digits int
	}{{d.ReferenceRMSE, 3}, {d.BiasDiffMCSE, 1}, {d.RMSEDiffMCSE, 1}} {
		if at.x > 1e-9*d.ReferenceRMSE {
			places = max(places, at.digits-1-int(math.Floor(math.Log10(at.x))))
		}
	}
	return min(places, 8)
}

func (d Differences) writeBlocks(out *strings.Builder, style tableStyle, width int) {
	least, most, failed := d.Rows[0].N, d.Rows[0].N, false
	labels := make([]string, len(d.Rows))
	for i := range d.Rows {
		least, most = min(least, d.Rows[i].N), max(most, d.Rows[i].N)
		failed = failed || d.Rows[i].NBoth < d.Rows[i].N
		labels[i] = d.Rows[i].Estimator
		if d.Designs {
			labels[i] = d.Rows[i].differing()
		}
	}
	compared, what := "estimators", "estimator"
	if d.Designs {
		compared, what = "designs", "design"
	}
	trials := grouped(most)
	if least < most {
		trials = grouped(least) + " to " + grouped(most)
	}
	same := "on the same " + trials + " simulated trials"
	if d.Designs {
		same = "over " + trials + " simulated trials of each, paired by number"
	}
	fmt.Fprintf(out, "Differences between %s %s; tests at alpha = %s.\n\n", compared, same, decimal(d.Alpha))

	columns := d.columns()
	if !failed {
		columns = columns[:len(columns)-1]
	}
	table := NumberTable{Names: labels}
	for _, c := range columns {
		table.add(c.heading[0], c.heading[1], func(i int) tableCell { return c.cell(&d.Rows[i]) })
	}
	headings, lines := table.layOut(what)
	writeHeadings(out, headings, style)
	for i := range d.Rows {
		if i == 0 || !d.Rows[i].sameEffect(&d.Rows[i-1]) {
			if i > 0 {
				out.WriteByte('\n')
			}
			var title strings.Builder
			WriteWrapped(&title, d.Rows[i].title(), tableIndent, width)
			for line := range strings.Lines(title.String()) {
				out.WriteString(style.bold(strings.TrimSuffix(line, "\n")) + "\n")
			}
		}
		out.WriteString(strings.TrimRight(lines[i], " ") + "\n")
	}
}

func (d *Difference) sameEffect(other *Difference) bool {
	if d.Outcome != other.Outcome || d.Term != other.Term || d.Estimand != other.Estimand || d.Reference != other.Reference {
		return false
	}
	if d.ReferenceFactors != nil {
		return slices.Equal(d.ReferenceFactors, other.ReferenceFactors)
	}
	return d.Cell == other.Cell
}

// title names the effect and says how the reference does.
func (d *Difference) title() string {
	text := d.Outcome + ", " + d.Term
	if d.Estimand != "" {
		text += " (" + d.Estimand + " effect)"
	} else {
		text += " (descriptive)"
	}
	if d.ReferenceFactors != nil {
		text = d.Estimator + ": " + text
	} else {
		text += inDesign(d.Factors)
	}
	text += "; against " + d.referenceName()
	var levels []string
	if !math.IsNaN(d.ReferencePower) {
		levels = append(levels, "power "+percent(d.ReferencePower, d.ReferencePowerMCSE).joined("%"))
	}
	if d.ReferenceFactors != nil && !math.IsNaN(d.ReferenceEmpSE) {
		levels = append(levels, "empirical SE "+cellOf(d.ReferenceEmpSE, d.ReferenceEmpSEMCSE, d.decimals()).joined(""))
	} else if !math.IsNaN(d.ReferenceRMSE) {
		levels = append(levels, "RMSE "+cellOf(d.ReferenceRMSE, d.ReferenceRMSEMCSE, d.decimals()).joined(""))
	}
	if len(levels) > 0 {
		text += ": " + strings.Join(levels, ", ")
	}
	return text
}

func (d Differences) legend() []explanation {
	compared := "estimator"
	if d.Designs {
		compared = "design"
	}
	entries := []explanation{
		{"against", "the reference: every number is the " + compared + "'s minus the reference's"},
		{"power", "difference in the share of all trials with a significant test, in percentage points; a failed fit is not significant"},
	}
	anyRow := func(is func(*Difference) bool) bool {
		for i := range d.Rows {
			if is(&d.Rows[i]) {
				return true
			}
		}
		return false
	}
	bias := explanation{"bias", "difference in the average of estimate minus truth"}
	switch hasTruth := anyRow(func(r *Difference) bool { return !math.IsNaN(r.RMSE) }); {
	case d.Designs:
		if hasTruth {
			entries = append(entries, bias)
		}
		entries = append(entries, explanation{"empirical SE", "difference in how much the estimate varies from trial to trial (the standard deviation of the estimates)"})
	case hasTruth:
		entries = append(entries, bias,
			explanation{"RMSE", "difference in the typical error, the root mean square of estimate minus truth; below 0 the estimator errs less"})
	}
	entries = append(entries,
		explanation{"precision", "how much more precise the " + compared + " is: the reference would need a trial larger by this percentage to vary as little"},
		explanation{"correlation", "of the two estimates over the trials"})
	if anyRow(func(r *Difference) bool { return r.NBoth < r.N }) {
		entries = append(entries, explanation{"both worked", "trials in which both fits worked; only these enter bias, RMSE, empirical SE, precision and correlation"})
	}
	if d.Designs {
		entries = append(entries, explanation{"(MCSE)", "Monte Carlo standard error, which of a difference allows for the designs sharing their random draws"})
	} else {
		entries = append(entries, explanation{"(MCSE)", "Monte Carlo standard error, which of a difference allows for the trials being the same"})
		if anyRow(func(r *Difference) bool { return r.Estimand == "" }) {
			entries = append(entries, explanation{"descriptive", "no true effect is known, so nothing says that the estimators estimate the same number"})
		}
	}
	if anyRow(func(r *Difference) bool { return math.IsNaN(r.RMSE) || math.IsNaN(r.PowerDiff) }) {
		entries = append(entries, explanation{missing, "no such number: a descriptive estimate has no true effect to compare with, a correlation no test"})
	}
	return entries
}
