package plots_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/plots"
	"coachsim/sim"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var nan = math.NaN()

// row is a summary row of 2,000 replicates with the given performance.
func row(label string, bias, empSE, power float64, failed int) plots.Row {
	r := plots.Row{Label: label}
	r.N, r.NFail, r.Intervals = 2000, failed, 2000-failed
	r.Bias, r.EmpSE, r.Power = bias, empSE, power
	r.BiasMCSE = empSE / math.Sqrt(2000)
	return r
}

func comparison(table, column, label string, value, se, mean, sd float64) sim.Comparison {
	return sim.Comparison{
		Published: sim.Published{ID: table + column, Table: table, Column: column, Label: label, Kind: "coef", Value: value, SE: se},
		Mean:      mean, SD: sd, N: 2000,
	}
}

func sample(label string, mean, sd, published float64) plots.Sample {
	rng := rand.New(rand.NewPCG(1, uint64(len(label))))
	s := plots.Sample{Label: label, Truth: mean, Published: published, PublishedSE: 0.9 * sd}
	for range 500 {
		s.Estimates = append(s.Estimates, mean+sd*rng.NormFloat64())
	}
	return s
}

func rows() []plots.Row {
	return []plots.Row{
		row("Treatment → total achievement (3B, 1)", -0.0001, 0.0367, 0.4955, 0),
		row("Treatment → achievement below the 10th percentile (3B, 2)", 0.0009, 0.0104, 0.312, 17),
		row("Treatment → CLASS, two-stage least squares", -0.002, 0.134, 1, 0),
	}
}

func comparisons() []sim.Comparison {
	return []sim.Comparison{
		comparison("3A", "1", "Treatment → total CLASS", 0.262, 0.136, 0.2622, 0.1343),
		comparison("3B", "1", "Treatment → total achievement", -0.069, 0.034, -0.0689, 0.0367),
		comparison("3B", "2", "Treatment → achievement <10th percentile", 0.017, 0.010, 0.0153, 0.0104),
	}
}

// swept returns the rows of a sweep over schools and shares with one effect and
// without.
func swept() []plots.Row {
	var all []plots.Row
	for _, effect := range []string{"[0]", "[0.4]"} {
		for i, schools := range []string{"8", "12", "20", "40"} {
			for k, share := range []string{"0.3", "0.5"} {
				r := row("", 0, 0.1, 0.05, 0)
				if effect != "[0]" {
					r.Power, r.Truth = 0.15+0.2*float64(i)+0.05*float64(k), 0.4
				}
				r.Estimator, r.Outcome, r.Term = "itt", "reading", "coaching"
				r.Factors = []sim.Factor{{Key: "trial.schools", Value: schools}, {Key: "trial.assignment.share", Value: share}, {Key: "achievement.effect.mean", Value: effect}}
				all = append(all, r)
			}
		}
	}
	return all
}

// The axis says power, and size where no test has an effect to find.
func TestPowerCurveSize(t *testing.T) {
	null := slices.DeleteFunc(swept(), func(r plots.Row) bool { return r.Truth != 0 })
	for want, rows := range map[string][]plots.Row{"Power (%)": swept(), "Size (%)": null} {
		drawing, err := plots.PowerCurve{Rows: rows, Alpha: 0.05}.Draw(plots.Journal())
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		drawing.Text = plots.Fonts
		if err := plots.Render(&b, plots.SVG, drawing); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), ">"+want) {
			t.Errorf("no axis %q", want)
		}
	}
}

// figures returns one small figure of each kind.
func figures() []plots.Figure {
	return []plots.Figure{
		plots.SamplingDistribution{Samples: []plots.Sample{
			sample("Treatment → total achievement (3B, 1)", -0.069, 0.037, -0.069),
			sample("Correlation of ES and CO", 0.695, 0.02, nan),
		}},
		plots.Bias{Rows: rows()},
		plots.Power{Rows: rows(), Alpha: 0.05},
		plots.Published{Comparisons: comparisons(), Width: plots.MidWidth},
		plots.PowerCurve{Rows: swept(), Alpha: 0.05},
		plots.EffectsByPath{Worlds: pathWorlds()},
		plots.PathDiagram{Mediations: mediations()},
	}
}

// pathWorlds are effects by path in two worlds, of two arms in the second.
func pathWorlds() []plots.PathWorld {
	effects := func(arm string, values ...float64) (all []sim.PathEffect) {
		for i, path := range []estimators.Path{
			estimators.Whole, estimators.IndirectControl, estimators.IndirectControl, estimators.IndirectTreated, estimators.IndirectTreated,
			estimators.DirectControl, estimators.DirectTreated, estimators.ControlledDirect,
		} {
			e := sim.PathEffect{Arm: arm, Outcome: "reading", Path: path, Value: values[i], MCSE: 0.002}
			if i == 2 || i == 4 {
				e.Through = "talk"
			}
			all = append(all, e)
		}
		return all
	}
	return []plots.PathWorld{
		{Label: "one world", Effects: effects("coaching", 0.1, 0.05, 0.02, -0.03, -0.03, 0.13, 0.05, 0.12)},
		{Label: "another", Effects: append(
			effects("coaching", 0.1, 0.05, 0.02, 0.05, 0.02, 0.05, 0.05, 0.05),
			effects("books", 0.02, 0, 0, 0, 0, 0.02, 0.02, 0.02)...,
		)},
	}
}

func render(t *testing.T, f plots.Format, fig plots.Figure) []byte {
	t.Helper()
	drawing, err := fig.Draw(plots.Journal())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := plots.Render(&b, f, drawing); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGolden(t *testing.T) {
	for _, fig := range figures() {
		t.Run(fig.Name(), func(t *testing.T) {
			compareGolden(t, fig.Name()+".svg", render(t, plots.SVG, fig))
		})
	}
}

// compareGolden holds what was drawn against a file under testdata.
func compareGolden(t *testing.T, name string, got []byte) {
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
		t.Errorf("%s has changed; if the change is wanted, run go test ./plots -update and look at it", path)
	}
}

// TestSameBytes draws everything twice, from the input on.
func TestSameBytes(t *testing.T) {
	again := figures()
	for i, fig := range figures() {
		for _, f := range plots.Formats() {
			if !bytes.Equal(render(t, f, fig), render(t, f, again[i])) {
				t.Errorf("%s.%s differs between two runs", fig.Name(), f)
			}
		}
	}
}

func TestNoFonts(t *testing.T) {
	for _, fig := range figures() {
		if svg := render(t, plots.SVG, fig); bytes.Contains(svg, []byte("<text")) || bytes.Contains(svg, []byte("font-family")) {
			t.Errorf("%s.svg has text as text", fig.Name())
		}
		if pdf := render(t, plots.PDF, fig); bytes.Contains(pdf, []byte("/BaseFont")) || bytes.Contains(pdf, []byte("/FontFile")) {
			t.Errorf("%s.pdf has a font", fig.Name())
		}
	}
}

// TestNothingToShow draws input without a usable number: an error, no panic.
func TestNothingToShow(t *testing.T) {
	blank := row("descriptive", nan, nan, nan, 0)
	manySamples := make([]plots.Sample, plots.MaxPanels+1)
	for name, c := range map[string]struct {
		fig  plots.Figure
		want string
	}{
		"no samples":      {plots.SamplingDistribution{}, "no sampling distribution"},
		"samples NaN":     {plots.SamplingDistribution{Samples: []plots.Sample{{Label: "x", Estimates: []float64{nan, math.Inf(1)}}}}, `"x" has no finite estimate`},
		"too many":        {plots.SamplingDistribution{Samples: manySamples}, "use Pages"},
		"too narrow":      {plots.SamplingDistribution{Samples: []plots.Sample{sample("a", 0, 1, 0)}, Width: 5 * vg.Millimeter}, "5 mm"},
		"no bias":         {plots.Bias{}, "no row has a bias"},
		"bias NaN":        {plots.Bias{Rows: []plots.Row{blank}}, "no row has a bias"},
		"no spread":       {plots.Bias{Rows: []plots.Row{row("a", 0, 0, 0, 0)}}, "no row has a bias"},
		"narrow bias":     {plots.Bias{Rows: rows(), Width: 20 * vg.Millimeter}, "20 mm"},
		"no power":        {plots.Power{Alpha: 0.05}, "no row has a power"},
		"power NaN":       {plots.Power{Rows: []plots.Row{blank}, Alpha: 0.05}, "no row has a power"},
		"no alpha":        {plots.Power{Rows: rows()}, "alpha is 0"},
		"no curve":        {plots.PowerCurve{Rows: rows(), Alpha: 0.05}, "no row has a power and a swept number"},
		"curve, no alpha": {plots.PowerCurve{Rows: swept()}, "alpha is 0"},
		"narrow curve":    {plots.PowerCurve{Rows: swept(), Alpha: 0.05, Width: 20 * vg.Millimeter}, "20 mm"},
		"no paths":        {plots.EffectsByPath{}, "no effects by path"},
		"many paths":      {plots.EffectsByPath{Worlds: slices.Repeat(pathWorlds(), 3)}, "do not fit on one page of 8"},
		"nothing printed": {plots.Published{}, "no published coefficient"},
		"printed NaN":     {plots.Published{Comparisons: []sim.Comparison{comparison("1", "1", "a", nan, nan, 1, 1)}}, "no published coefficient"},
	} {
		_, err := c.fig.Draw(plots.Journal())
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v does not say %q", name, err, c.want)
		}
		var empty *plots.Empty
		if blank := strings.HasPrefix(c.want, "no ") || strings.HasSuffix(c.want, "has no finite estimate"); errors.As(err, &empty) != blank {
			t.Errorf("%s: an empty figure is to be left out, another fault not: %T", name, err)
		}
		if table := c.fig.Table(); len(table) == 0 {
			t.Errorf("%s: the data twin has no header", name)
		}
		if _, err := c.fig.Draw(plots.Theme{}); err == nil || !strings.Contains(err.Error(), "Journal()") {
			t.Errorf("%s: error %v of a zero theme does not name Journal()", name, err)
		}
	}
}

// The figure of effects by path shows every value in its panel, and is drawn of a
// study whose quality moves the tests, design by design.
func TestEffectsByPath(t *testing.T) {
	figure := plots.EffectsByPath{Worlds: pathWorlds()}
	if got := find(t, figure.Table(), "value", "another", "coaching", "reading", "nie(1)", "talk"); got != "0.02" {
		t.Errorf("the data twin has %s", got)
	}
	drawing, err := figure.Draw(plots.Journal())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	drawing.Text = plots.Fonts
	if err := plots.Render(&b, plots.SVG, drawing); err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{"one world: coaching → reading", "another: books → reading", "through talk", "controlled direct"} {
		if !strings.Contains(b.String(), ">"+words+"<") {
			t.Errorf("the figure lacks %q", words)
		}
	}
	trial := dgp.DefaultTrial()
	trial.Design.Blocks, trial.Design.Schools, trial.Design.Assignment = 2, 4, dgp.Blocked{}
	asked := sim.Figure{Kind: "effects-by-path"}
	if _, err := plots.Make(plots.Run{Study: sim.Study{Trial: trial}}, asked); err == nil || !strings.Contains(err.Error(), "achievement.slope") {
		t.Errorf("without slopes the error is %v", err)
	}
	trial.Quality = dgp.Quality{Domains: []string{"talk"}, SD: []float64{1}, Correlation: dgp.Matrix{{1}}, Effect: dgp.QualityEffect{Shift: []float64{0.5}}}
	trial.Achievement.Tests, trial.Achievement.Residual, trial.Achievement.Points = []string{"reading"}, dgp.Matrix{{1}}, true
	trial.Design.Children, trial.Design.Tested = dgp.ClassSize{Mean: 10}, 10
	trial.Achievement.Slope = dgp.Slopes{Control: []float64{0.2}, Treated: []float64{0.3}}
	made, err := plots.Make(plots.Run{Study: sim.Study{Trial: trial}}, asked)
	if err != nil || len(made) != 1 {
		t.Fatal(made, err)
	}
	for part, want := range map[string]float64{"nie(0)": 0.1, "nie(1)": 0.15, "nde(0)": -0.15, "nde(1)": -0.1, "total": 0} {
		got, err := strconv.ParseFloat(find(t, made[0].Table(), "value", "", "coaching", "achievement", part), 64)
		if err != nil || math.Abs(got-want) > 1e-9 { // the control variates explain all of it
			t.Errorf("%s is %v, wanted %v", part, got, want)
		}
	}
}

// TestHardInput draws what is unusual but not wrong.
func TestHardInput(t *testing.T) {
	tail := sample("heavy tail", 0, 1, nan)
	tail.Truth = nan
	tail.Estimates[0], tail.Estimates[1], tail.Estimates[2] = 1e12, -1e12, nan
	noSE := comparison("1", "1", "no standard error", 0.3, nan, 0.2, 0.1)
	noFit := comparison("1", "1", "no fit worked", 0.3, 0.1, nan, nan)
	var many []sim.Comparison
	for i := range 60 {
		many = append(many, comparison(strconv.Itoa(i/12), strconv.Itoa(i/3), strings.Repeat("long label ", 1+i%9), 0.1, 0.05, 0.1, 0.05))
	}
	var panels []plots.Sample
	for i := range plots.MaxPanels {
		panels = append(panels, sample(strings.Repeat("label ", i), float64(i), 1e-6, 1e4))
	}
	for _, fig := range []plots.Figure{
		plots.SamplingDistribution{Samples: []plots.Sample{tail}},
		plots.SamplingDistribution{Samples: []plots.Sample{{Label: "constant", Estimates: []float64{2, 2, 2}, Truth: 2, Published: nan}}},
		plots.SamplingDistribution{Samples: []plots.Sample{{Estimates: []float64{0}}}},
		plots.SamplingDistribution{Samples: panels},
		plots.Bias{Rows: []plots.Row{row("Supercalifragilisticexpialidocious_estimator_without_spaces_in_its_name_at_all", 1e5, 1e-3, 0, 0)}, Width: plots.OneColumn},
		plots.Power{Rows: rows(), Alpha: 0.999, Width: plots.OneColumn},
		plots.Published{Comparisons: []sim.Comparison{noSE, noFit}},
		plots.Published{Comparisons: many},
	} {
		for _, f := range plots.Formats() {
			if b := render(t, f, fig); bytes.Contains(b, []byte("NaN")) || bytes.Contains(b, []byte("Inf")) && f == plots.SVG {
				t.Errorf("%s: a coordinate is not a number", fig.Name())
			}
		}
	}
}

// find returns the cell under the named column in the first row that starts
// with the given cells.
func find(t *testing.T, table [][]string, column string, start ...string) string {
	t.Helper()
	at := slices.Index(table[0], column)
	for _, row := range table[1:] {
		if slices.Equal(row[:len(start)], start) {
			return row[at]
		}
	}
	t.Fatalf("no row %q", start)
	return ""
}

func TestTwinHoldsWhatIsPlotted(t *testing.T) {
	label := rows()[1].Label
	power := plots.Power{Rows: append(rows(), row("descriptive", nan, nan, nan, 0)), Alpha: 0.05}.Table()
	if len(power) != 4 {
		t.Errorf("power: %d rows, want a header and 3", len(power))
	}
	// The Wilson interval of 624 of 2,000, from R: prop.test(624, 2000, correct = FALSE).
	for column, want := range map[string]float64{"power": 0.312, "low": 0.2920716003, "high": 0.3326492095, "n_fail": 17} {
		got, err := strconv.ParseFloat(find(t, power, column, label), 64)
		if err != nil || math.Abs(got-want) > 1e-9 {
			t.Errorf("power: %s is %v, want %v", column, got, want)
		}
	}

	bias := plots.Bias{Rows: rows()}.Table()
	r := rows()[1]
	if got, want := find(t, bias, "bias_percent_of_empse", label), 100*r.Bias/r.EmpSE; !near(got, want) {
		t.Errorf("bias: %s%%, want %v", got, want)
	}
	if got, want := find(t, bias, "high_percent_of_empse", label), 100*(r.Bias+1.959964*r.BiasMCSE)/r.EmpSE; !near(got, want) {
		t.Errorf("bias: interval ends at %s%%, want %v", got, want)
	}

	published := plots.Published{Comparisons: append(comparisons(), comparison("4", "1", "no SE", 1, nan, 2, 3))}.Table()
	if got := find(t, published, "simulated_sd", "3B2"); got != "0.0104" {
		t.Errorf("published: SD is %s, want 0.0104", got)
	}
	if got := find(t, published, "published_se", "41"); got != "" {
		t.Errorf("published: missing SE is %q, want it empty", got)
	}

	s := sample("x", 0.1, 0.02, 0.12)
	s.Estimates[0], s.Estimates[1] = nan, 99
	total := 0
	table := plots.SamplingDistribution{Samples: []plots.Sample{s}}.Table()
	for _, row := range table[1:] {
		if slices.Contains([]string{"bin", "below", "above", "failed"}, row[1]) {
			n, err := strconv.Atoi(row[4])
			if err != nil {
				t.Fatal(err)
			}
			total += n
		}
	}
	if total != len(s.Estimates) {
		t.Errorf("sampling: bins and counts add up to %d, want %d", total, len(s.Estimates))
	}
	if got := find(t, table, "value", "x", "above"); got != "1" {
		t.Errorf("sampling: %s estimates above, want 1", got)
	}
	if got := find(t, table, "value", "x", "truth"); got != "0.1" {
		t.Errorf("sampling: truth is %s, want 0.1", got)
	}
}

func near(got string, want float64) bool {
	v, err := strconv.ParseFloat(got, 64)
	return err == nil && math.Abs(v-want) < 1e-5*math.Abs(want)
}

func TestPages(t *testing.T) {
	s := plots.SamplingDistribution{File: "f", Samples: make([]plots.Sample, 2*plots.MaxPanels+1)}
	var names []string
	n := 0
	for _, page := range s.Pages() {
		names = append(names, page.Name())
		n += len(page.Samples)
	}
	if fmt.Sprint(names) != "[f-1 f-2 f-3]" || n != len(s.Samples) {
		t.Errorf("pages %v hold %d samples", names, n)
	}
	s.Samples = s.Samples[:plots.MaxPanels]
	if pages := s.Pages(); len(pages) != 1 || pages[0].Name() != "f" {
		t.Errorf("one full page became %d, named %s", len(pages), pages[0].Name())
	}
}

// The sweep's first number lies across, the next key makes the lines and the
// last panels; a key zipped to the first says nothing of its own.
func TestPowerCurveDividesTheFactors(t *testing.T) {
	table := plots.PowerCurve{Rows: swept(), Alpha: 0.05}.Table()
	if got := strings.Join(table[0], " "); got != "label where trial.assignment.share trial.schools power low high closed_form n n_fail alpha element" {
		t.Errorf("the twin's columns are %s", got)
	}
	if got := find(t, table, "power", "coaching → reading (itt)", "effect = 0.4", "0.5", "40"); !near(got, 0.8) {
		t.Errorf("power at 40 schools, share 0.5, with an effect is %s, want 0.8", got)
	}
	zipped := swept()
	for i := range zipped {
		schools := zipped[i].Factors[0].Value
		zipped[i].Factors = slices.Insert(zipped[i].Factors, 1, sim.Factor{Key: "trial.teachers", Value: "1" + schools})
	}
	if got := (plots.PowerCurve{Rows: zipped, Alpha: 0.05}).Table(); fmt.Sprint(got) != fmt.Sprint(table) {
		t.Errorf("with a zipped key the curve shows\n%v\nwant\n%v", got, table)
	}
}

// Many panels go on pages that keep what tells their panels apart.
func TestPowerCurvePages(t *testing.T) {
	var many []plots.Row
	for i := range plots.MaxPanels {
		for _, r := range swept() {
			r.Estimator = "e" + strconv.Itoa(i)
			many = append(many, r)
		}
	}
	whole := plots.PowerCurve{Rows: many, Alpha: 0.05}
	if _, err := whole.Draw(plots.Journal()); err == nil || !strings.Contains(err.Error(), "use Pages") {
		t.Errorf("32 panels on one page: %v", err)
	}
	pages := whole.Pages()
	if len(pages) != 2 || pages[0].Name() != "power-curve-1" {
		t.Fatalf("%d pages, the first named %s", len(pages), pages[0].Name())
	}
	all := pages[0].Table()
	for _, page := range pages[1:] {
		all = append(all, page.Table()[1:]...)
		render(t, plots.SVG, page)
	}
	if fmt.Sprint(all) != fmt.Sprint(whole.Table()) {
		t.Error("the pages do not hold what the whole does")
	}
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	files, err := plots.Write(dir, plots.Journal(), plots.Bias{Rows: rows()}, plots.PNG, plots.SVG)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if fmt.Sprint(names) != "[bias.csv bias.png bias.svg]" || len(files) != 3 { // and no temporary file
		t.Errorf("the directory holds %v, Write returned %v", names, files)
	}
	twin, err := os.Open(files[2])
	if err != nil {
		t.Fatal(err)
	}
	defer twin.Close()
	table, err := csv.NewReader(twin).ReadAll()
	if err != nil || fmt.Sprint(table) != fmt.Sprint(plots.Bias{Rows: rows()}.Table()) {
		t.Errorf("the twin reads back as %v, %v", table, err)
	}

	if _, err := plots.Write(dir, plots.Journal(), plots.Bias{File: "../bias", Rows: rows()}); err == nil {
		t.Error("a figure name with a directory was accepted")
	}
	if _, err := plots.Write(dir, plots.Journal(), plots.Bias{File: "empty"}, plots.PNG); err == nil || !strings.Contains(err.Error(), "figure empty") {
		t.Errorf("error %v does not name the figure", err)
	}
}

func TestLabelOfUnnamedRow(t *testing.T) {
	r := row("", 0.1, 1, 0.5, 0)
	r.Term, r.Outcome, r.Estimator = "coaching", "total", "itt"
	r.Factors = []sim.Factor{{Key: "trial.schools", Value: "20"}}
	table := plots.Power{Rows: []plots.Row{r}, Alpha: 0.05}.Table()
	if got, want := table[1][0], "coaching → total (itt), schools = 20"; got != want {
		t.Errorf("label %q, want %q", got, want)
	}
}
