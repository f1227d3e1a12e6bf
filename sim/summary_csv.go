package sim

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"math"
	"strconv"

	"coachsim/estimators"
)

// SummarySchemaVersion is raised when a column or field of the written summary
// changes its name or meaning; one that is added does not raise it.
const SummarySchemaVersion = 1

// A column is one column of summary.csv after the factors and one field of a
// row of summary.json. Exactly one of text, count and number is set.
type column struct {
	name   string
	text   func(*SummaryRow) string
	count  func(*SummaryRow) int
	number func(*SummaryRow) float64
}

func summaryColumns() []column {
	return []column{
		{name: "estimator", text: func(r *SummaryRow) string { return r.Estimator }},
		{name: "outcome", text: func(r *SummaryRow) string { return r.Outcome }},
		{name: "term", text: func(r *SummaryRow) string { return r.Term }},
		{name: "estimand", text: func(r *SummaryRow) string { return r.Estimand }},
		{name: "truth", number: func(r *SummaryRow) float64 { return r.Truth }},
		{name: "n", count: func(r *SummaryRow) int { return r.N }},
		{name: "n_fail", count: func(r *SummaryRow) int { return r.NFail }},
		{name: "mean", number: func(r *SummaryRow) float64 { return r.Mean }},
		{name: "bias", number: func(r *SummaryRow) float64 { return r.Bias }},
		{name: "bias_mcse", number: func(r *SummaryRow) float64 { return r.BiasMCSE }},
		{name: "relbias", number: func(r *SummaryRow) float64 { return r.RelBias }},
		{name: "empse", number: func(r *SummaryRow) float64 { return r.EmpSE }},
		{name: "empse_mcse", number: func(r *SummaryRow) float64 { return r.EmpSEMCSE }},
		{name: "modelse", number: func(r *SummaryRow) float64 { return r.ModelSE }},
		{name: "modelse_mcse", number: func(r *SummaryRow) float64 { return r.ModelSEMCSE }},
		{name: "relerror", number: func(r *SummaryRow) float64 { return r.RelError }},
		{name: "relerror_mcse", number: func(r *SummaryRow) float64 { return r.RelErrorMCSE }},
		{name: "mse", number: func(r *SummaryRow) float64 { return r.MSE }},
		{name: "mse_mcse", number: func(r *SummaryRow) float64 { return r.MSEMCSE }},
		{name: "cover", number: func(r *SummaryRow) float64 { return r.Cover }},
		{name: "cover_mcse", number: func(r *SummaryRow) float64 { return r.CoverMCSE }},
		{name: "becover", number: func(r *SummaryRow) float64 { return r.BECover }},
		{name: "becover_mcse", number: func(r *SummaryRow) float64 { return r.BECoverMCSE }},
		{name: "power", number: func(r *SummaryRow) float64 { return r.Power }},
		{name: "power_mcse", number: func(r *SummaryRow) float64 { return r.PowerMCSE }},
		{name: "type_s", number: func(r *SummaryRow) float64 { return r.TypeS }},
		{name: "type_s_mcse", number: func(r *SummaryRow) float64 { return r.TypeSMCSE }},
		{name: "type_m", number: func(r *SummaryRow) float64 { return r.TypeM }},
		{name: "type_m_mcse", number: func(r *SummaryRow) float64 { return r.TypeMMCSE }},
		{name: "mdes", number: func(r *SummaryRow) float64 { return r.MDES }},
		{name: "mdes_mcse", number: func(r *SummaryRow) float64 { return r.MDESMCSE }},
		{name: "analytic_power", number: func(r *SummaryRow) float64 { return r.AnalyticPower }},
		{name: "analytic_z", number: func(r *SummaryRow) float64 { return r.AnalyticZ }},
		{name: "analytic_mdes", number: func(r *SummaryRow) float64 { return r.AnalyticMDES }},
		{name: "mean_mcse", number: func(r *SummaryRow) float64 { return r.MeanMCSE() }},
		{name: "relbias_mcse", number: func(r *SummaryRow) float64 { return r.RelBiasMCSE }},
		{name: "n_not_selected", count: func(r *SummaryRow) int { return r.NotSelected }},
		{name: "truth_mcse", number: func(r *SummaryRow) float64 { return r.TruthMCSE }},
	}
}

// WriteCSV writes one line a row: the factors of the sweep, then the measures.
// Numbers are the shortest that read back to the same bits; one that does not
// exist is empty.
func (s Summary) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	keys, columns := s.factorKeys(), summaryColumns()

	line := append([]string(nil), keys...)
	for _, c := range columns {
		line = append(line, c.name)
	}
	if err := out.Write(line); err != nil {
		return err
	}
	for i := range s.Rows {
		row := &s.Rows[i]
		line = line[:0]
		for _, key := range keys {
			line = append(line, row.factor(key))
		}
		for _, c := range columns {
			switch {
			case c.text != nil:
				line = append(line, c.text(row))
			case c.count != nil:
				line = append(line, strconv.Itoa(c.count(row)))
			case math.IsNaN(c.number(row)):
				line = append(line, "")
			default:
				line = append(line, strconv.FormatFloat(c.number(row), 'g', -1, 64))
			}
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// factorKeys lists the sweep's factors in the order in which they appear.
func (s Summary) factorKeys() []string {
	var keys []string
	seen := make(map[string]bool)
	for i := range s.Rows {
		for _, f := range s.Rows[i].Factors {
			if !seen[f.Key] {
				seen[f.Key] = true
				keys = append(keys, f.Key)
			}
		}
	}
	return keys
}

func (r *SummaryRow) factor(key string) string {
	for _, f := range r.Factors {
		if f.Key == key {
			return f.Value
		}
	}
	return ""
}

// WriteJSON writes one object: schema_version, alpha, provenance where it is known, and the rows with the
// names of the CSV, null for what does not exist, the factors in an object of
// their own, and the failures counted by status. Reduced counts fits that
// worked after a collinear nuisance term was dropped. A study that selects predictors has
// the lists selection, stability and importance too.
func (s Summary) WriteJSON(w io.Writer) error {
	var out bytes.Buffer
	out.WriteString(`{"schema_version":`)
	out.WriteString(strconv.Itoa(SummarySchemaVersion))
	out.WriteString(`,"alpha":`)
	writeJSONNumber(&out, s.Alpha)
	if s.Made != (Provenance{}) {
		made, err := json.Marshal(s.Made)
		if err != nil {
			return err
		}
		out.WriteString(`,"provenance":`)
		out.Write(made)
	}
	out.WriteString(`,"rows":[`)
	for i := range s.Rows {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteByte('\n')
		s.Rows[i].writeJSON(&out)
	}
	out.WriteString("\n]")
	for _, list := range []struct {
		name string
		n    int
		row  func(i int) any
	}{
		{"selection", len(s.Selection), func(i int) any { return s.Selection[i].json() }},
		{"stability", len(s.Stability), func(i int) any { return s.Stability[i].json() }},
		{"importance", len(s.Bias), func(i int) any { return s.Bias[i].json() }},
	} {
		if err := writeJSONList(&out, list.name, list.n, list.row); err != nil {
			return err
		}
	}
	out.WriteString("}\n")
	_, err := w.Write(out.Bytes())
	return err
}

// writeJSONList writes a list, a line for each row, unless it is empty.
func writeJSONList(out *bytes.Buffer, name string, n int, row func(i int) any) error {
	if n == 0 {
		return nil
	}
	out.WriteString(`,"` + name + `":[`)
	for i := range n {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteByte('\n')
		line, err := json.Marshal(row(i))
		if err != nil {
			return err
		}
		out.Write(line)
	}
	out.WriteString("\n]")
	return nil
}

func (r *SummaryRow) writeJSON(out *bytes.Buffer) {
	out.WriteString(`{"cell":`)
	out.WriteString(strconv.Itoa(r.Cell))
	out.WriteString(`,"factors":{`)
	for i, f := range r.Factors {
		if i > 0 {
			out.WriteByte(',')
		}
		writeJSONString(out, f.Key)
		out.WriteByte(':')
		writeJSONString(out, f.Value)
	}
	out.WriteByte('}')
	for _, c := range summaryColumns() {
		out.WriteByte(',')
		writeJSONString(out, c.name)
		out.WriteByte(':')
		switch {
		case c.text != nil:
			writeJSONString(out, c.text(r))
		case c.count != nil:
			out.WriteString(strconv.Itoa(c.count(r)))
		default:
			writeJSONNumber(out, c.number(r))
		}
	}
	out.WriteString(`,"reduced":`)
	out.WriteString(strconv.Itoa(r.fits(estimators.Reduced)))
	if n := r.fits(estimators.PerfectStage); n > 0 {
		out.WriteString(`,"perfect_first_stage":`)
		out.WriteString(strconv.Itoa(n))
	}
	if r.NoMDES != "" {
		out.WriteString(`,"no_mdes":`)
		writeJSONString(out, r.NoMDES)
	}
	out.WriteString(`,"failures":{`)
	first := true
	for _, status := range estimators.Statuses() {
		if !status.Failed() || r.fits(status) == 0 {
			continue
		}
		if !first {
			out.WriteByte(',')
		}
		first = false
		writeJSONString(out, status.String())
		out.WriteByte(':')
		out.WriteString(strconv.Itoa(r.fits(status)))
	}
	out.WriteString("}}")
}

// fits is the number of fits that ended so. Failed may be empty in a summary
// that was not made by Summarise.
func (m *Measures) fits(status estimators.Status) int {
	if int(status) >= len(m.Failed) {
		return 0
	}
	return m.Failed[status]
}

func writeJSONNumber(out *bytes.Buffer, x float64) {
	if !isFinite(x) {
		out.WriteString("null")
		return
	}
	out.WriteString(strconv.FormatFloat(x, 'g', -1, 64))
}

func writeJSONString(out *bytes.Buffer, s string) {
	quoted, err := json.Marshal(s)
	if err != nil {
		panic("sim: encoding/json refused a string: " + err.Error()) // it never does
	}
	out.Write(quoted)
}
