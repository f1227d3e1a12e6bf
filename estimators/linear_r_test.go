package estimators_test

import (
	"math"
	"strings"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
)

// linearData reads the children of testdata/linear, in order of their classes.
func linearData(t *testing.T) (dgp.Shape, *dgp.Data) {
	t.Helper()
	shape := dgp.Shape{Columns: []dgp.Column{
		{Name: "coaching", Level: dgp.SchoolLevel, Arm: true}, {Name: "rural", Level: dgp.SchoolLevel},
		{Name: "class", Level: dgp.TeacherLevel, Levels: 100}, {Name: "coder", Level: dgp.TeacherLevel, Levels: 6}, {Name: "grade", Level: dgp.TeacherLevel, Levels: 4},
		{Name: "experience", Level: dgp.TeacherLevel, Center: 10},
		{Name: "ses", Level: dgp.ChildLevel}, {Name: "girl", Level: dgp.ChildLevel}, {Name: "weight", Level: dgp.ChildLevel},
		{Name: "takeup", Level: dgp.ChildLevel, PostTreatment: true}, {Name: "score", Level: dgp.ChildLevel, PostTreatment: true},
	}}
	return readClasses(t, shape, "class", "linear", "data.csv")
}

// readClasses reads children of classes, in order; teacher is the column of the
// classes.
func readClasses(t *testing.T, shape dgp.Shape, teacher string, path ...string) (dgp.Shape, *dgp.Data) {
	t.Helper()
	d := &dgp.Data{TeacherStart: []int{0}, ChildStart: []int{0}, Columns: make([][]float64, len(shape.Columns))}
	rows := readTable(t, path...)
	for i, row := range rows {
		first := func(level string) bool { return i == 0 || row[level] != rows[i-1][level] }
		if first("school") {
			d.N[dgp.BlockLevel] = int(number(t, row["block"]))
			d.SchoolBlock = append(d.SchoolBlock, d.N[dgp.BlockLevel]-1)
			d.N[dgp.SchoolLevel]++
			d.TeacherStart = append(d.TeacherStart, d.N[dgp.TeacherLevel])
		}
		if first(teacher) {
			d.TeacherSchool = append(d.TeacherSchool, d.N[dgp.SchoolLevel]-1)
			d.N[dgp.TeacherLevel]++
			d.TeacherStart[d.N[dgp.SchoolLevel]]++
			d.ChildStart = append(d.ChildStart, i)
		}
		d.N[dgp.ChildLevel]++
		d.ChildStart[d.N[dgp.TeacherLevel]]++
		for c, column := range shape.Columns {
			if column.Level == dgp.ChildLevel || first([]string{1: "school", 2: teacher}[column.Level]) {
				d.Columns[c] = append(d.Columns[c], number(t, row[column.Name]))
			}
		}
	}
	shape.Max = d.N
	return shape, d
}

// Estimates, standard errors, degrees of freedom and p-values are those of lm
// and ivreg with sandwich, clubSandwich and estimatr.
func TestLinearAgainstR(t *testing.T) { againstR(t, "linear", 100) }

// So they are with two absorbed effects, crossed or nested.
func TestTwoEffectsAgainstR(t *testing.T) { againstR(t, "effects", 100) }

// againstR holds estimates of the children of testdata/linear against those in
// a folder of testdata, of which there are at least so many.
func againstR(t *testing.T, folder string, rows int) {
	shape, d := linearData(t)
	worst := map[string]float64{}
	table := readTable(t, folder, "estimates.csv")
	if len(table) < rows {
		t.Fatalf("only %d rows", len(table))
	}
	for _, row := range table {
		method, joint := linearMethod(t, row)
		panel, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: method}}, shape, nil)
		if err != nil {
			t.Fatalf("%v: %v", row, err)
		}
		e := panel.Fit(d)[0]
		if joint {
			e = panel.Fit(d)[1]
		}
		for name, got := range map[string]float64{"estimate": e.Value, "se": e.SE, "df": e.DF, "p": e.P} {
			want := number(t, row[name])
			if math.IsNaN(want) && math.IsNaN(got) && joint {
				continue
			}
			off := math.Abs(got/want - 1)
			worst[name] = max(worst[name], off)
			if !(off <= 1e-9) {
				t.Errorf("%s, weights %q, %s %s, %s: %s is %v, in R %v", row["formula"], row["weights"], row["se_kind"], row["cluster"], row["term"], name, got, want)
			}
		}
	}
	for name, off := range worst {
		t.Logf("%s: relative difference at most %.1e", name, off)
	}
}

// linearMethod is the estimator of a row of estimates.csv, and whether the row
// is its joint test.
func linearMethod(t *testing.T, row map[string]string) (estimators.Method, bool) {
	t.Helper()
	o := estimators.OLS{Formula: row["formula"], Weights: row["weights"], Cluster: row["cluster"], Report: []string{row["term"]}}
	if err := o.SE.UnmarshalText([]byte(row["se_kind"])); err != nil {
		t.Fatal(err)
	}
	terms, joint := strings.CutPrefix(row["term"], "joint(")
	if joint {
		group := strings.Split(strings.TrimSuffix(terms, ")"), ", ")
		o.Report, o.Joint = group[:1], [][]string{group}
	}
	if row["kind"] == "iv" {
		return estimators.IV{Formula: o.Formula, Weights: o.Weights, Cluster: o.Cluster, SE: o.SE, Report: o.Report, Joint: o.Joint}, joint
	}
	return o, joint
}
