package estimators_test

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/estimators/estimatortest"
)

// predictionDesign has enough classes that six terms can be selected among.
var predictionDesign = estimatortest.Design{Blocks: 3, Schools: 16, Teachers: 2, Children: 4, Effect: 0.3, Shared: 0.5}

const predictionFormula = "class ~ es_s1_c1 + es_s3_c2 + co_s1_c1 + experience + female + rural + founded + coaching"

// predictions are fitted by testdata/prediction/prediction.R in the same splits and
// folds.
func predictions(t *testing.T) (*estimators.Panel, []estimators.Estimate, *dgp.Data) {
	t.Helper()
	runs := &estimators.LassoRuns{}
	runs.SetDefaults()
	runs.From, runs.To, runs.Lambdas = 1, 1e-3, 40
	panel, err := estimators.Bind([]estimators.Named{
		{Name: "ols", Method: estimators.Prediction{Formula: predictionFormula, Runs: 25, TestShare: 0.2}},
		{Name: "lasso", Method: estimators.Prediction{Formula: predictionFormula, Model: estimators.LASSO, Runs: 25, TestShare: 0.2, Keep: 18, Lasso: runs}},
		{Name: "post", Method: estimators.PostSelection{Selections: []string{"lasso"}, Cluster: "school"}},
		{Name: "standardised", Method: estimators.PostSelection{Selections: []string{"lasso"}, Cluster: "school", Standardise: true}},
		{Name: "robust", Method: estimators.PostSelection{Selections: []string{"lasso"}}},
	}, predictionDesign.Shape(), nil)
	if err != nil {
		t.Fatal(err)
	}
	d := predictionDesign.Draw(5)
	panel.Use(dgp.Stream{Seed: 9847})
	return panel, panel.Fit(d), d
}

// With UPDATE_PREDICTION set, the test writes what the script reads.
func TestPredictionAgainstR(t *testing.T) {
	panel, got, d := predictions(t)
	columns, units, tests, folds := estimators.PredictionDraws(panel, 1)
	dir := filepath.Join("testdata", "prediction")
	if os.Getenv("UPDATE_PREDICTION") != "" {
		writeCSV(t, filepath.Join(dir, "rows.csv"), []string{"class", "es_s1_c1", "es_s3_c2", "co_s1_c1", "experience", "female", "rural", "founded", "coaching", "fold", "school"}, len(units), func(i int) []float64 {
			var row []float64
			for _, c := range columns {
				row = append(row, c[i])
			}
			return append(row, float64(folds[i]), float64(d.TeacherSchool[units[i]]))
		})
		writeCSV(t, filepath.Join(dir, "tests.csv"), []string{"run", "row"}, len(tests)*len(tests[0]), func(i int) []float64 {
			n := len(tests[0])
			return []float64{float64(i / n), float64(tests[i/n][i%n])}
		})
		return
	}
	want := map[string][2]float64{}
	for _, line := range readCSV(t, filepath.Join(dir, "prediction.csv")) {
		want[line["estimator"]+" "+line["term"]] = [2]float64{parse(t, line["estimate"]), parse(t, line["se"])}
	}
	compared := 0
	for i, row := range panel.Rows() {
		w, ok := want[row.Estimator+" "+row.Term]
		switch {
		case !ok && got[i].Status == estimators.NotSelected: // R has no row of it either
			continue
		case !ok:
			t.Errorf("%s %s: R has none, here it is %+v", row.Estimator, row.Term, got[i])
			continue
		}
		compared++
		if !near(got[i].Value, w[0], 1e-9*(1+math.Abs(w[0]))) || !math.IsNaN(w[1]) && !near(got[i].SE, w[1], 1e-9*w[1]) {
			t.Errorf("%s %s: %v (%v), in R %v (%v)", row.Estimator, row.Term, got[i].Value, got[i].SE, w[0], w[1])
		}
	}
	if compared != len(want) || compared < 40 {
		t.Errorf("%d estimates compared, R has %d", compared, len(want))
	}
}

func writeCSV(t *testing.T, path string, header []string, n int, row func(i int) []float64) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	out := csv.NewWriter(file)
	lines := [][]string{header}
	for i := range n {
		var line []string
		for _, v := range row(i) {
			line = append(line, strconv.FormatFloat(v, 'g', 17, 64))
		}
		lines = append(lines, line)
	}
	if err := out.WriteAll(lines); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

func readCSV(t *testing.T, path string) []map[string]string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var all []map[string]string
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, name := range lines[0] {
			row[name] = line[i]
		}
		all = append(all, row)
	}
	return all
}

func parse(t *testing.T, text string) float64 {
	t.Helper()
	if text == "NA" || text == "" {
		return math.NaN()
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(fmt.Errorf("%q: %w", text, err))
	}
	return v
}
