package report_test

import (
	"bytes"
	"encoding/csv"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"coachsim/estimators"
	"coachsim/plots/report"
	"coachsim/sim"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden holds a text against a file in testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (go test ./plots/report -update rewrites it):\n%s", name, got)
	}
}

// hostile names everything that a format reads as its own.
const hostile = `a&b_c%d$e#f{g}h~i^j\k<l>m|n"o*p` + "`q"

// awkward are results whose names need escaping and some of whose numbers do not
// exist, in two designs of a sweep of five, which a page cannot hold.
func awkward() report.Results {
	r := report.Results{
		Study: sim.Study{Estimators: []sim.Estimator{
			{Name: hostile, Method: estimators.OLS{}}, {Name: "lots", Method: estimators.Randomisation{}}, {Name: "plain", Method: estimators.OLS{}},
		}},
		Summary: sim.Summary{Alpha: 0.05, Made: sim.Provenance{Build: sim.Build{Version: "v1.0.0"}}},
	}
	none := math.NaN()
	add := func(row sim.SummaryRow, df float64) {
		row.InverseDF = 1 / df
		mdes := row.Detectable(0.05, sim.MDESPower)
		row.MDES, row.MDESMCSE = mdes.Value, mdes.MCSE
		r.Summary.Rows = append(r.Summary.Rows, row)
	}
	for cell := range 10 {
		factors := []sim.Factor{{Key: "achievement.effect.mean", Value: []string{"[0, 0]", "[0.25, 0.1]"}[cell%2]}, {Key: "trial.schools", Value: strconv.Itoa(10 + 5*(cell/2))}}
		if cell%2 == 0 {
			r.Study.Cells = append(r.Study.Cells, sim.Cell{Factors: factors}, sim.Cell{})
		}
		truth := 0.25 * float64(cell%2)
		m := sim.Measures{
			TruthMCSE: math.NaN(),
			Truth:     truth, N: 1000, NFail: cell, Mean: truth - 0.0123, Bias: -0.0123, BiasMCSE: 0.0034, EmpSE: 0.107, EmpSEMCSE: 0.0024,
			ModelSE: 0.104, ModelSEMCSE: 0.0011, Cover: 0.943, CoverMCSE: 0.0073, Power: 0.05 + 0.09*float64(cell), PowerMCSE: 0.012,
		}
		add(sim.SummaryRow{Cell: cell, Factors: factors, Estimator: hostile, Outcome: "below(achievement, 10)", Term: "coaching", Estimand: "population", Measures: m}, 30)
		add(sim.SummaryRow{Cell: cell, Factors: factors, Estimator: "lots", Outcome: "reading", Term: "coaching", Estimand: "population", Measures: m}, 30)
		if cell == 0 {
			m.Power, m.PowerMCSE = 0, 0
		}
		m.Truth, m.Bias, m.BiasMCSE, m.Cover, m.CoverMCSE = none, none, none, none, none
		add(sim.SummaryRow{Cell: cell, Factors: factors, Estimator: "plain", Outcome: "reading", Term: "class", Measures: m}, none)
	}
	r.Summary.LeaveOutMDES(r.Study)
	return r
}

// formats are the ways to write tables.
var formats = map[string]func(io.Writer, []report.Table) error{
	"md": report.WriteMarkdown, "tex": report.WriteLaTeX, "csv": report.WriteCSV, "html": report.WriteHTML,
}

func TestTableFormats(t *testing.T) {
	r := awkward()
	for ext, write := range formats {
		var out bytes.Buffer
		if err := write(&out, r.Tables()); err != nil {
			t.Fatal(err)
		}
		golden(t, "table."+ext, out.Bytes())
	}
}

// What a table shows are the numbers of the summary, rounded; where a number does
// not exist, or the formula of the MDES does not hold, there is none.
func TestTableNumbers(t *testing.T) {
	r := awkward()
	var out bytes.Buffer
	if err := report.WriteCSV(&out, r.Tables()); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != 1+len(r.Summary.Rows) {
		t.Fatalf("%d lines for %d rows", len(lines), len(r.Summary.Rows))
	}
	for _, line := range lines[1:] {
		field := map[string]string{}
		for k, name := range lines[0] {
			field[name] = line[k]
		}
		i := -1
		for k, row := range r.Summary.Rows {
			if row.Estimator == field["estimator"] && row.Outcome == field["outcome"] && row.Factors[0].Value == field["achievement.effect.mean"] && row.Factors[1].Value == field["trial.schools"] {
				i = k
			}
		}
		if i < 0 {
			t.Errorf("no row is %v", line)
			continue
		}
		row := r.Summary.Rows[i]
		// t quantiles with 30 df, from R: qt(0.975, 30), qt(0.8, 30).
		factor := 2.042272456301238 + 0.8537673
		want := map[string]float64{
			"truth": row.Truth, "mean": row.Mean, "mean_mcse": row.EmpSE / math.Sqrt(float64(row.N-row.NFail)), "bias": row.Bias, "bias_mcse": row.BiasMCSE,
			"empse": row.EmpSE, "empse_mcse": row.EmpSEMCSE, "modelse": row.ModelSE, "modelse_mcse": row.ModelSEMCSE,
			"cover": 100 * row.Cover, "cover_mcse": 100 * row.CoverMCSE, "power": 100 * row.Power, "power_mcse": 100 * row.PowerMCSE,
			"mdes": factor * row.EmpSE, "mdes_mcse": factor * row.EmpSEMCSE, "n_fail": float64(row.NFail),
		}
		if row.Estimator != hostile {
			want["mdes"], want["mdes_mcse"] = math.NaN(), math.NaN()
		}
		if row.Power == 0 {
			want["power_mcse"] = math.NaN() // 0 would promise too much
		}
		for key, x := range want {
			if math.IsNaN(x) {
				if field[key] != "" {
					t.Errorf("%s of %v is %q, want none", key, line[:4], field[key])
				}
				continue
			}
			got, err := strconv.ParseFloat(field[key], 64)
			_, decimals, _ := strings.Cut(field[key], ".")
			if err != nil || math.Abs(got-x) > 0.5001*math.Pow(10, -float64(len(decimals))) {
				t.Errorf("%s of %v is %q, want %v", key, line[:4], field[key], x)
			}
		}
	}
}

// Factors come first, estimates of one panel stand together, and every estimate is
// in one table.
func TestTableOrder(t *testing.T) {
	tables := awkward().Tables()
	if len(tables) != 2 || tables[0].Name != "effects" || tables[1].Name != "others" {
		t.Fatalf("the tables are %v", tables)
	}
	if got := fmt.Sprint(tables[0].Columns[0].Head[1], ", ", tables[0].Columns[1].Head[1], ", ", tables[0].Columns[2].Key); got != "Effect, Schools, estimator" {
		t.Errorf("the first columns are %s", got)
	}
	for i, row := range tables[0].Rows {
		want := []string{hostile, "lots"}[i/10]
		if row[2].Value != want {
			t.Errorf("row %d is of %s", i, row[2].Value)
		}
	}
	if (report.Results{}).Tables() != nil {
		t.Error("nothing has a table")
	}
}

// setByLaTeX sets tables by the minimal document and returns LaTeX's log.
func setByLaTeX(t *testing.T, tables []byte) string {
	t.Helper()
	program, err := exec.LookPath("pdflatex")
	if err != nil {
		t.Skip("there is no pdflatex")
	}
	dir := t.TempDir()
	document, err := os.ReadFile(filepath.Join("testdata", "document.tex"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"document.tex": document, "table.tex": tables} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var log []byte
	for range 2 { // long tables find their widths in the second run
		run := exec.Command(program, "-interaction=nonstopmode", "-halt-on-error", "document.tex")
		run.Dir = dir
		if log, err = run.CombinedOutput(); err != nil {
			t.Fatalf("pdflatex: %v\n%s", err, log)
		}
	}
	if pdf, err := os.Stat(filepath.Join(dir, "document.pdf")); err != nil || pdf.Size() < 5000 {
		t.Errorf("LaTeX set nothing: %v", err)
	}
	return string(log)
}

var overfull = regexp.MustCompile(`Overfull \\hbox \((\d+\.\d+)pt too wide\)`)

func TestLaTeXCompiles(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "table.tex"))
	if err != nil {
		t.Fatal(err)
	}
	log := setByLaTeX(t, text)
	for _, wide := range overfull.FindAllStringSubmatch(log, -1) {
		t.Errorf("a line is %s points too wide", wide[1])
	}
	if strings.Contains(log, "Missing character") {
		t.Errorf("a character is missing:\n%s", log)
	}
}

// Long names without spaces are broken into lines in their column, and not otherwise.
func TestLaTeXBreaksLongNames(t *testing.T) {
	table := report.Table{Name: "long", Caption: "Long names.", Columns: []report.Column{{Head: [2]string{"", "Term"}, Key: "term", Label: true}, {Head: [2]string{"", "Mean"}, Key: "mean"}}}
	for _, name := range []string{"shrunken_correlation(gain_caused)", "correlation(gain, gain_caused, within=school)", "importance(s_review:factor(region_of_school))", "(gain)", "x_"} {
		table.Rows = append(table.Rows, []report.Cell{{Value: name}, {Value: "0.1"}})
	}
	var out bytes.Buffer
	if err := report.WriteLaTeX(&out, []report.Table{table}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`shrunken\_\allowbreak{}correlation\allowbreak{}(gain\_\allowbreak{}caused) &`, `\raggedright (gain) &`, `\raggedright x\_ &`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in\n%s", want, out.String())
		}
	}
	if log := setByLaTeX(t, out.Bytes()); overfull.MatchString(log) {
		t.Errorf("a name is wider than its column: %s", overfull.FindString(log))
	}
}
