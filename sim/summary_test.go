package sim

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"coachsim/estimators"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares got with a file in testdata.
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
		t.Errorf("%s differs; -update rewrites it. Now:\n%s", name, got)
	}
}

// A fakeStudy draws the log of a study from the sampling distributions of its
// estimates.
type fakeStudy struct {
	rows []fakeRow
	seed uint64
}

type fakeRow struct {
	estimator, outcome, term, estimand string

	truth, spread, stdError, df float64
	failing                     float64 // probability that the fit fails
	reduced                     float64
}

func (f fakeStudy) log(cells, replicates int) [][]Record {
	rng := rand.New(rand.NewPCG(f.seed, 15021))
	chunks := make([][]Record, cells)
	for cell := range chunks {
		precision := math.Sqrt(float64(cell + 1))
		for rep := range replicates {
			for _, row := range f.rows {
				chunks[cell] = append(chunks[cell], row.draw(rng, cell, rep, precision))
			}
		}
	}
	return chunks
}

func (f fakeRow) draw(rng *rand.Rand, cell, rep int, precision float64) Record {
	nan := math.NaN()
	r := Record{
		Cell: cell, Replicate: rep,
		Estimator: f.estimator, Outcome: f.outcome, Term: f.term, Estimand: f.estimand,
		Truth: nan,
	}
	z, chance := rng.NormFloat64(), rng.Float64()
	if f.estimand != "" {
		r.Truth = f.truth
	}
	if f.estimand == "sample" {
		r.Truth += 0.1 * f.spread * z
	}
	if chance < f.failing {
		r.Estimate = estimators.Estimate{Value: nan, SE: nan, DF: nan, P: nan, Status: estimators.TooFewClusters}
		return r
	}
	r.Value, r.SE, r.DF = f.truth+f.spread*z/precision, f.stdError/precision, f.df
	r.P = math.Erfc(math.Abs(r.Value/r.SE) / math.Sqrt2)
	switch {
	case f.stdError == 0: // a correlation
		r.SE, r.DF, r.P = nan, nan, nan
	case strings.HasPrefix(f.term, "joint"):
		r.Value = r.Value * r.Value / (r.SE * r.SE)
		r.SE = nan
	}
	if chance > 1-f.reduced {
		r.Status = estimators.Reduced
	}
	return r
}

func exampleStudy() fakeStudy {
	return fakeStudy{seed: 7, rows: []fakeRow{
		{estimator: "itt", outcome: "achievement", term: "coaching", estimand: "population", truth: 0.1, spread: 0.054, stdError: 0.053, df: 183},
		{estimator: "itt", outcome: "below(class, 10)", term: "coaching", estimand: "population", truth: -0.021, spread: 0.031, stdError: 0.026, df: 183},
		{estimator: "itt", outcome: "attendance", term: "coaching", estimand: "population", truth: 0, spread: 3.4, stdError: 3.4, df: 183, reduced: 0.02},
		{estimator: "mediation", outcome: "achievement", term: "class", estimand: "population", truth: 0.05, spread: 0.06, stdError: 0.061, df: 12.4, failing: 0.02},
		{estimator: "mediation", outcome: "achievement", term: "joint(es, co, is)", spread: 1, stdError: 1, df: 12.4, failing: 0.02},
		{estimator: "description", outcome: "class", term: "cor(class, achievement)", truth: 0.21, spread: 0.07},
		{estimator: "description", outcome: "achievement", term: "experience", truth: 0.011, spread: 0.004, stdError: 0.0041, df: 183},
	}}
}

func exampleSummary(t *testing.T) Summary {
	t.Helper()
	return summarise(t, nil, exampleStudy().log(1, 2000)...)
}

func sweepStudy() fakeStudy {
	return fakeStudy{seed: 8, rows: []fakeRow{
		{estimator: "itt", outcome: "achievement", term: "coaching", estimand: "population", truth: 0.1, spread: 0.09, stdError: 0.09, df: 40},
		{estimator: "itt", outcome: "achievement", term: "coaching", estimand: "sample", truth: 0.1, spread: 0.09, stdError: 0.09, df: 40},
		{estimator: "mixed", outcome: "achievement", term: "coaching", estimand: "population", truth: 0.1, spread: 0.085, stdError: 0.08, df: math.Inf(1), failing: 0.01},
	}}
}

func sweepSummary(t *testing.T) Summary {
	t.Helper()
	var factors [][]Factor
	for _, schools := range []string{"5", "10", "15", "20"} {
		factors = append(factors, []Factor{{"trial.schools", schools}, {"assignment.kind", "blocked, \"pairs\""}})
	}
	return summarise(t, factors, sweepStudy().log(4, 500)...)
}

func summarise(t *testing.T, factors [][]Factor, chunks ...[]Record) Summary {
	t.Helper()
	s, err := Summarise(InMemory(chunks...), 0.05, factors)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTable(t *testing.T) {
	for _, test := range []struct {
		file    string
		summary Summary
		width   int
		color   bool
	}{
		{"table.txt", exampleSummary(t), 110, false},
		{"table_narrow.txt", exampleSummary(t), 90, false},
		{"table_wide.txt", exampleSummary(t), 160, false},
		{"table_color.txt", exampleSummary(t), 110, true},
		{"table_sweep.txt", sweepSummary(t), 110, false},
		{"table_one.txt", summarise(t, nil, exampleStudy().log(1, 1)...), 110, false},
		{"table_empty.txt", Summary{Alpha: 0.05}, 110, false},
	} {
		var out bytes.Buffer
		if err := test.summary.WriteTable(&out, test.width, test.color); err != nil {
			t.Fatal(err)
		}
		golden(t, test.file, out.Bytes())
		if test.color {
			continue
		}
		for line := range strings.Lines(out.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > test.width {
				t.Errorf("%s: a line is %d wide, not %d: %s", test.file, n, test.width, line)
			}
			if strings.HasSuffix(line, " \n") {
				t.Errorf("%s: a line ends in a space: %q", test.file, line)
			}
		}
	}
}

// However little room there is, no simulated number is without its Monte Carlo standard
// error: beside or beneath it, in the legend of its column, or, of a mean, as that of the
// bias beside it.
func TestTableKeepsMonteCarloErrors(t *testing.T) {
	for name, s := range map[string]Summary{"one design": exampleSummary(t), "sweep": sweepSummary(t)} {
		for _, d := range details() {
			for _, c := range s.measureColumns(d) {
				switch c.name {
				case "truth", "size", "formula", "failed fits":
					continue
				}
				for i := range s.Rows {
					cell := c.cell(&s.Rows[i])
					if cell.value == missing || cell.value == "" || cell.mcse != "" || strings.Contains(c.meaning, "(MCSE: ") {
						continue
					}
					t.Errorf("%s, %+v: %s of %s has no MCSE", name, d, c.name, s.Rows[i].Term)
				}
			}
		}
		for width := 60; width < 170; width += 10 {
			var out bytes.Buffer
			if err := s.WriteTable(&out, width, false); err != nil {
				t.Fatal(err)
			}
			for i := range s.Rows {
				r := &s.Rows[i]
				if cell := r.scaled(r.Bias, r.BiasMCSE); !strings.Contains(out.String(), cell.mcse) {
					t.Errorf("%s, %d wide: no %s", name, width, cell.mcse)
				}
			}
		}
	}
}

func TestCSV(t *testing.T) {
	for file, summary := range map[string]Summary{
		"summary.csv": exampleSummary(t), "summary_sweep.csv": sweepSummary(t), "summary_empty.csv": {Alpha: 0.05},
	} {
		var out bytes.Buffer
		if err := summary.WriteCSV(&out); err != nil {
			t.Fatal(err)
		}
		golden(t, file, out.Bytes())
		lines, err := csv.NewReader(&out).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		const contract = "estimator,outcome,term,estimand,truth,n,n_fail,mean,bias,bias_mcse,relbias,empse,empse_mcse," +
			"modelse,modelse_mcse,relerror,relerror_mcse,mse,mse_mcse,cover,cover_mcse,becover,becover_mcse," +
			"power,power_mcse,type_s,type_s_mcse,type_m,type_m_mcse,mdes,mdes_mcse,analytic_power,analytic_z,analytic_mdes,mean_mcse,relbias_mcse,n_not_selected,truth_mcse"
		factors := len(summary.factorKeys())
		if got := strings.Join(lines[0][factors:], ","); got != contract {
			t.Errorf("%s: columns %s", file, got)
		}
		if len(lines) != 1+len(summary.Rows) {
			t.Fatalf("%s: %d lines", file, len(lines))
		}
		for i, line := range lines[1:] {
			for j, c := range summaryColumns() {
				if c.number == nil {
					continue
				}
				got, want := parseNumber(t, line[factors+j]), c.number(&summary.Rows[i])
				if !sameBits(got, want) && !(math.IsNaN(got) && math.IsNaN(want)) {
					t.Errorf("%s: %s reads back as %v, was %v", file, c.name, got, want)
				}
			}
		}
	}
}

// Factors have short names that are neither alike nor those of results.
func TestShortNames(t *testing.T) {
	for keys, want := range map[string]string{
		"trial.schools": "schools",
		"effect":        "effect",
		"achievement.effect.mean trial.children.mean": "effect.mean children.mean",
		"trial.children.sd achievement.school_sd":     "sd school_sd",
		"quality.effect.shift achievement.effect.by":  "shift by",
		"a.x b.x c.b.x":                "a.x b.x c.b.x",
		"covariates.truth trial.power": "covariates.truth trial.power",
	} {
		if got := strings.Join(shortNames(strings.Fields(keys)), " "); got != want {
			t.Errorf("%s: %s, want %s", keys, got, want)
		}
	}
	for _, c := range summaryColumns() {
		if f := reflect.TypeFor[Study](); slices.ContainsFunc(reflect.VisibleFields(f), func(f reflect.StructField) bool {
			name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			return name == c.name
		}) {
			t.Errorf("%s is a column of summary.csv and a key of a study", c.name)
		}
	}
}

// Cells need not share their factors.
func TestCSVOfDifferentFactors(t *testing.T) {
	var out bytes.Buffer
	s := Summary{Rows: []SummaryRow{
		{Factors: []Factor{{"a", "1"}, {"b", "x,y"}}, Estimator: "e"},
		{Factors: []Factor{{"b", "2"}, {"c", "3"}}, Estimator: "e"},
	}}
	if err := s.WriteCSV(&out); err != nil {
		t.Fatal(err)
	}
	want := []string{"a,b,c,estimator,", `1,"x,y",,e,`, ",2,3,e,"}
	for i, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		if !strings.HasPrefix(line, want[i]) {
			t.Errorf("line %d is %s, want %s...", i, line, want[i])
		}
	}
}

func TestJSON(t *testing.T) {
	for file, summary := range map[string]Summary{
		"summary.json": exampleSummary(t), "summary_sweep.json": sweepSummary(t), "summary_empty.json": {Alpha: 0.05},
	} {
		var out bytes.Buffer
		if err := summary.WriteJSON(&out); err != nil {
			t.Fatal(err)
		}
		golden(t, file, out.Bytes())
		var read struct {
			SchemaVersion int `json:"schema_version"`
			Alpha         float64
			Rows          []map[string]any
		}
		if err := json.Unmarshal(out.Bytes(), &read); err != nil {
			t.Fatal(err)
		}
		if read.SchemaVersion != SummarySchemaVersion || read.Alpha != 0.05 || len(read.Rows) != len(summary.Rows) {
			t.Fatalf("%s: schema %d, alpha %v, %d rows", file, read.SchemaVersion, read.Alpha, len(read.Rows))
		}
		for i, row := range read.Rows {
			want := &summary.Rows[i]
			for _, c := range summaryColumns() {
				value, there := row[c.name]
				switch {
				case !there:
					t.Errorf("%s: no %s", file, c.name)
				case c.text != nil && value != c.text(want):
					t.Errorf("%s: %s is %v", file, c.name, value)
				case c.count != nil && value != float64(c.count(want)):
					t.Errorf("%s: %s is %v", file, c.name, value)
				case c.number != nil && math.IsNaN(c.number(want)) != (value == nil):
					t.Errorf("%s: %s is %v", file, c.name, value)
				case c.number != nil && value != nil && value != c.number(want):
					t.Errorf("%s: %s is %v", file, c.name, value)
				}
			}
			failures := 0.0
			for _, fits := range row["failures"].(map[string]any) {
				failures += fits.(float64)
			}
			if failures != float64(want.NFail) {
				t.Errorf("%s: %v failures, n_fail %d", file, failures, want.NFail)
			}
			if len(row["factors"].(map[string]any)) != len(want.Factors) {
				t.Errorf("%s: factors %v", file, row["factors"])
			}
		}
	}
}

// A summary whose writer fails says so.
func TestWriteErrors(t *testing.T) {
	s := exampleSummary(t)
	for name, err := range map[string]error{
		"CSV": s.WriteCSV(fullDisk{}), "JSON": s.WriteJSON(fullDisk{}), "table": s.WriteTable(fullDisk{}, 100, false),
	} {
		if !errors.Is(err, errFull) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

var errFull = errors.New("the disk is full")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestFixed(t *testing.T) {
	for _, test := range []struct {
		x      float64
		places int
		want   string
	}{
		{-0.0004, 3, "0.000"}, {-0.0006, 3, "-0.001"}, {-0.2, 0, "0"}, {12.345, 1, "12.3"},
	} {
		if got := fixed(test.x, test.places); got != test.want {
			t.Errorf("fixed(%v, %d) = %s, want %s", test.x, test.places, got, test.want)
		}
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("grouped(%d) = %s", n, got)
		}
	}
}

// What a table shows of numbers of any size stays short and right.
func TestDecimals(t *testing.T) {
	for _, test := range []struct {
		empse float64
		n     int
		want  int
	}{
		{0.054, 2000, 4}, {0.54, 2000, 3}, {12.3, 2000, 1}, {12.3, 1 << 30, 4}, {1230, 100, 0}, {0, 10, 3}, {1e-30, 10, 12},
	} {
		m := Measures{EmpSE: test.empse, N: test.n, MeanSE: nan, Mean: nan}
		if got := m.decimals(); got != test.want {
			t.Errorf("%d decimals for an SD of %v in %d trials, want %d", got, test.empse, test.n, test.want)
		}
	}
}

func TestLongTableRepeatsItsHeading(t *testing.T) {
	var s Summary
	for i := range 60 {
		s.Rows = append(s.Rows, SummaryRow{
			Estimator: "estimator " + strconv.Itoa(i/6), Outcome: "y", Term: strconv.Itoa(i), Measures: Measures{N: 10, Mean: float64(i), EmpSE: 1},
		})
	}
	var out bytes.Buffer
	if err := s.WriteTable(&out, 110, false); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "outcome  term"); n != 2 {
		t.Errorf("%d headings over 60 rows:\n%s", n, out.String())
	}
}
