package estimators_test

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
)

// readTable reads a table under testdata.
func readTable(t *testing.T, path ...string) []map[string]string {
	t.Helper()
	file, err := os.Open(filepath.Join(append([]string{"testdata"}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	reader := csv.NewReader(file)
	reader.Comment = '#'
	records, err := reader.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, record := range records[1:] {
		row := map[string]string{}
		for i, field := range record {
			row[records[0][i]] = field
		}
		rows = append(rows, row)
	}
	return rows
}

// number reads one field of a table; an empty one is NaN.
func number(t *testing.T, text string) float64 {
	t.Helper()
	if text == "" {
		return math.NaN()
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// instrumentData reads the children of testdata/iv.
func instrumentData(t *testing.T) (dgp.Shape, *dgp.Data) {
	t.Helper()
	return readSchools(t, dgp.Shape{Columns: []dgp.Column{
		{Name: "coaching", Level: dgp.SchoolLevel, Arm: true}, {Name: "rural", Level: dgp.SchoolLevel},
		{Name: "ses", Level: dgp.ChildLevel}, {Name: "age", Level: dgp.ChildLevel, Center: 84},
		{Name: "weight", Level: dgp.ChildLevel},
		{Name: "takeup", Level: dgp.ChildLevel, PostTreatment: true}, {Name: "hours", Level: dgp.ChildLevel, PostTreatment: true},
		{Name: "score", Level: dgp.ChildLevel, PostTreatment: true},
	}}, "iv", "data.csv")
}

// readSchools reads children of schools of one class each, in order.
func readSchools(t *testing.T, shape dgp.Shape, path ...string) (dgp.Shape, *dgp.Data) {
	t.Helper()
	d := &dgp.Data{TeacherStart: []int{0}, ChildStart: []int{0}, Columns: make([][]float64, len(shape.Columns))}
	rows := readTable(t, path...)
	for i, row := range rows {
		first := i == 0 || row["school"] != rows[i-1]["school"]
		if first {
			d.N[dgp.BlockLevel] = int(number(t, row["block"]))
			d.SchoolBlock = append(d.SchoolBlock, d.N[dgp.BlockLevel]-1)
			d.TeacherSchool = append(d.TeacherSchool, d.N[dgp.SchoolLevel])
			d.N[dgp.SchoolLevel]++
			d.N[dgp.TeacherLevel]++
			d.TeacherStart = append(d.TeacherStart, d.N[dgp.TeacherLevel])
			d.ChildStart = append(d.ChildStart, 0)
		}
		d.N[dgp.ChildLevel]++
		d.ChildStart[len(d.ChildStart)-1] = d.N[dgp.ChildLevel]
		for c, column := range shape.Columns {
			if first || column.Level == dgp.ChildLevel {
				d.Columns[c] = append(d.Columns[c], number(t, row[column.Name]))
			}
		}
	}
	shape.Max = d.N
	return shape, d
}

// Estimates, standard errors, degrees of freedom and p-values are those of
// estimatr's iv_robust and of AER's ivreg with sandwich or clubSandwich. The first
// stage's F and the Anderson-Rubin test are Wald tests after lm with sandwich or
// clubSandwich.
func TestIVAgainstR(t *testing.T) {
	shape, d := instrumentData(t)
	worst := map[string]float64{}
	for _, row := range slices.Concat(readTable(t, "iv", "estimates.csv"), readTable(t, "iv", "estimates_leverage.csv")) {
		o := estimators.IV{Formula: row["formula"], Weights: row["weights"], Report: []string{row["term"]}}
		stage := strings.HasPrefix(row["term"], "first-stage")
		if stage {
			o.Report = []string{"ses"}
		}
		if err := o.SE.UnmarshalText([]byte(row["se_kind"])); err != nil {
			t.Fatal(err)
		}
		if o.SE >= cr0 {
			o.Cluster = "school"
		}
		fit := func(o estimators.IV) (e estimators.Estimate) {
			panel, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: o}}, shape, nil)
			if err != nil {
				t.Fatalf("%s: %v", o.Formula, err)
			}
			for i, e := range panel.Fit(d) {
				if panel.Rows()[i].Term == row["term"] {
					return e
				}
			}
			t.Fatalf("%s: no row %q", o.Formula, row["term"])
			return e
		}
		compare := func(name string, got float64) {
			want := number(t, row[name])
			if math.IsNaN(want) {
				return
			}
			off := math.Abs(got/want - 1)
			worst[name] = max(worst[name], off)
			if !(off <= 1e-9) {
				t.Errorf("%s, %s, %s: %s is %v, in R %v", row["formula"], row["se_kind"], row["term"], name, got, want)
			}
		}
		e := fit(o)
		compare("estimate", e.Value)
		compare("se", e.SE)
		compare("df", e.DF)
		compare("p", e.P)
		if row["ar"] != "" {
			o.Test = ar
			e = fit(o)
			compare("ar", e.P)
			compare("low", e.Low)
			compare("high", e.High)
		}
	}
	for name, off := range worst {
		t.Logf("%s: relative difference at most %.1e", name, off)
	}
}
