package estimators_test

import (
	"math"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
)

// formulaData reads the children of testdata/formula: schools of one class
// each, in order.
func formulaData(t *testing.T) (dgp.Shape, *dgp.Data) {
	t.Helper()
	const school, child = dgp.SchoolLevel, dgp.ChildLevel
	shape := dgp.Shape{Columns: []dgp.Column{
		{Name: "coaching", Level: school, Arm: true}, {Name: "tutoring", Level: school, Arm: true}, {Name: "rural", Level: school},
		{Name: "track", Level: school, Levels: 3}, {Name: "grade", Level: child, Levels: 4},
		{Name: "ses", Level: child}, {Name: "age", Level: child, Center: 84}, {Name: "income", Level: child}, {Name: "baseline", Level: child, Center: 50},
		{Name: "reading", Level: child, PostTreatment: true}, {Name: "score", Level: child, PostTreatment: true},
	}}
	d := &dgp.Data{TeacherStart: []int{0}, ChildStart: []int{0}, Columns: make([][]float64, len(shape.Columns))}
	rows := readTable(t, "formula", "data.csv")
	for i, row := range rows {
		first := i == 0 || row["school"] != rows[i-1]["school"]
		if first {
			d.N[dgp.BlockLevel] = int(number(t, row["block"]))
			d.SchoolBlock = append(d.SchoolBlock, d.N[dgp.BlockLevel]-1)
			d.TeacherSchool = append(d.TeacherSchool, d.N[school])
			d.N[school]++
			d.N[dgp.TeacherLevel]++
			d.TeacherStart = append(d.TeacherStart, d.N[dgp.TeacherLevel])
			d.ChildStart = append(d.ChildStart, 0)
		}
		d.N[child]++
		d.ChildStart[len(d.ChildStart)-1] = d.N[child]
		for c, column := range shape.Columns {
			if first || column.Level == child {
				d.Columns[c] = append(d.Columns[c], number(t, row[column.Name]))
			}
		}
	}
	shape.Max = d.N
	return shape, d
}

// Functions, factors, means by school, Lin's adjustment and indices give the
// estimates, standard errors and degrees of freedom of R's lm, sandwich,
// clubSandwich and estimatr.
func TestFormulasAgainstR(t *testing.T) {
	shape, d := formulaData(t)
	worst := map[string]float64{}
	rows := readTable(t, "formula", "estimates.csv")
	if len(rows) < 100 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		var se estimators.SE
		if err := se.UnmarshalText([]byte(row["se"])); err != nil {
			t.Fatal(err)
		}
		cluster := ""
		if se == cr1 || se == cr2 {
			cluster = "school"
		}
		var method estimators.Method
		term := row["term"]
		switch row["kind"] {
		case "ols":
			method = estimators.OLS{Formula: row["formula"], Rows: row["rows"], SE: se, Cluster: cluster, Report: []string{term}}
		case "joint":
			method = estimators.OLS{Formula: row["formula"], Rows: row["rows"], SE: se, Cluster: cluster, Report: []string{"ses"}, Joint: [][]string{{term}}}
			term = "joint(" + term + ")"
		case "lin":
			if se == cr2 {
				se = hc2 // which with clusters is CR2
			}
			method = estimators.Lin{Formula: row["formula"], Rows: row["rows"], SE: se, Cluster: cluster}
			if row["formula"] != "score ~ coaching + tutoring + ses + age" {
				method = estimators.Lin{Formula: row["formula"], Rows: row["rows"], SE: se, Cluster: cluster, Treatment: []string{"coaching"}}
			}
		}
		found := false
		bound, estimates := fitOne(t, method, d, shape)
		for i, e := range estimates {
			if bound[i].Term != term {
				continue
			}
			found = true
			for name, got := range map[string]float64{"estimate": e.Value, "std_error": e.SE, "df": e.DF} {
				want := number(t, row[name])
				if math.IsNaN(want) {
					continue
				}
				off := math.Abs(got/want - 1)
				worst[name] = max(worst[name], off)
				if !(off <= 1e-9) {
					t.Errorf("%s, %s, %s: %s is %v, in R %v (%s)", row["formula"], row["se"], term, name, got, want, e.Status)
				}
			}
		}
		if !found {
			t.Errorf("%s: no row %q", row["formula"], term)
		}
	}
	for name, off := range worst {
		t.Logf("%s: relative difference at most %.1e", name, off)
	}
}
