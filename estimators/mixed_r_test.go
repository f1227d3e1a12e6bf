package estimators_test

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
)

// readMixed reads a table of testdata/mixed.
func readMixed(t *testing.T, name string) []map[string]string {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", "mixed", name+".csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	records, err := csv.NewReader(file).ReadAll()
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

// mixedData builds data from a table of children, sorted by school.
func mixedData(t *testing.T, rows []map[string]string) (dgp.Shape, *dgp.Data) {
	t.Helper()
	number := func(row map[string]string, name string) float64 {
		x, err := strconv.ParseFloat(row[name], 64)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	d := &dgp.Data{TeacherStart: []int{0}, ChildStart: []int{0}}
	var shape dgp.Shape
	for _, c := range []struct {
		level dgp.Level
		names []string
	}{
		{dgp.SchoolLevel, []string{"coaching", "rural"}},
		{dgp.TeacherLevel, []string{"experience"}},
		{dgp.ChildLevel, []string{"age", "girl", "ses", "score", "reading"}},
	} {
		for _, name := range c.names {
			column := dgp.Column{Name: name, Level: c.level, Arm: name == "coaching"}
			if name == "age" {
				column.Center = 84
			}
			shape.Columns = append(shape.Columns, column)
		}
	}
	d.Columns = make([][]float64, len(shape.Columns))
	last := map[string]string{}
	for i, row := range rows {
		opened := dgp.ChildLevel
		for level := dgp.TeacherLevel; level >= dgp.BlockLevel; level-- {
			if row[level.String()] != last[level.String()] {
				opened = level
			}
		}
		for level := opened; level <= dgp.ChildLevel; level++ {
			switch level {
			case dgp.SchoolLevel:
				d.SchoolBlock = append(d.SchoolBlock, d.N[dgp.BlockLevel]-1)
				d.TeacherStart = append(d.TeacherStart, 0)
			case dgp.TeacherLevel:
				d.TeacherSchool = append(d.TeacherSchool, d.N[dgp.SchoolLevel]-1)
				d.ChildStart = append(d.ChildStart, 0)
			}
			d.N[level]++
			for c := range shape.Columns {
				if shape.Columns[c].Level == level {
					d.Columns[c] = append(d.Columns[c], number(row, shape.Columns[c].Name))
				}
			}
		}
		d.TeacherStart[len(d.TeacherStart)-1] = d.N[dgp.TeacherLevel]
		d.ChildStart[len(d.ChildStart)-1] = i + 1
		last = row
	}
	shape.Max = d.N
	return shape, d
}

// Estimates and standard errors are those of lme4, degrees of freedom those of
// lmerTest and pbkrtest.
func TestMixedAgainstR(t *testing.T) {
	worst := map[string]float64{}
	for _, row := range readMixed(t, "estimates") {
		shape, d := mixedData(t, readMixed(t, row["data"]))
		var likelihood estimators.Likelihood
		if err := likelihood.UnmarshalText([]byte(row["method"])); err != nil {
			t.Fatal(err)
		}
		for _, rule := range []estimators.MixedDF{estimators.Satterthwaite, estimators.KenwardRoger} {
			se, df := "se", "df"
			if rule == estimators.KenwardRoger {
				if se, df = "kr_se", "kr_df"; likelihood == estimators.ML {
					continue
				}
			}
			o := estimators.Mixed{Formula: row["formula"], Likelihood: likelihood, DF: rule, Report: []string{row["term"]}}
			panel, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: o}}, shape, nil)
			if err != nil {
				t.Fatalf("%s: %v", row["formula"], err)
			}
			got := panel.Fit(d)[0]
			want := map[string]float64{}
			for _, name := range []string{"estimate", se, df, "p"} {
				want[name], _ = strconv.ParseFloat(row[name], 64)
			}
			status := estimators.OK
			if row["singular"] == "1" {
				status = estimators.Boundary
			}
			if got.Status != status {
				t.Errorf("%s by %s: status %s, want %s", row["formula"], likelihood, got.Status, status)
				continue
			}
			for _, number := range []struct {
				name               string
				got, scale, within float64
			}{
				{"estimate", got.Value, math.Max(math.Abs(want["estimate"]), want[se]), 1e-6},
				{se, got.SE, want[se], 1e-6},
				{df, got.DF, want[df], 1e-3},
				{"p", got.P, want["p"], 1e-4},
			} {
				if number.name == "p" && rule == estimators.KenwardRoger {
					continue
				}
				off := math.Abs(number.got-want[number.name]) / number.scale
				worst[number.name] = math.Max(worst[number.name], off)
				if !(off <= number.within) {
					t.Errorf("%s of %s: %s by %s: %s %v, R has %v: off by %.1e", row["term"], row["data"], row["formula"], likelihood, number.name, number.got, want[number.name], off)
				}
			}
		}
	}
	t.Logf("largest relative differences: %v", worst)
}

// F statistics and their denominators' degrees of freedom are those of
// lmerTest's contestMD and pbkrtest's KRmodcomp.
func TestMixedJointAgainstR(t *testing.T) {
	worst := map[string]float64{}
	for _, row := range readMixed(t, "joint") {
		shape, d := mixedData(t, readMixed(t, row["data"]))
		o := estimators.Mixed{Formula: row["formula"], Report: []string{"coaching"}, Joint: [][]string{strings.Fields(row["terms"])}}
		if err := o.Likelihood.UnmarshalText([]byte(row["method"])); err != nil {
			t.Fatal(err)
		}
		for prefix, rule := range map[string]estimators.MixedDF{"": estimators.Satterthwaite, "kr_": estimators.KenwardRoger} {
			if row[prefix+"f"] == "" {
				continue
			}
			o.DF = rule
			panel, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: o}}, shape, nil)
			if err != nil {
				t.Fatalf("%s: %v", row["formula"], err)
			}
			got := panel.Fit(d)[1]
			for _, number := range []struct {
				name   string
				got    float64
				within float64
			}{{prefix + "f", got.Value, 1e-5}, {prefix + "df", got.DF, 1e-3}, {prefix + "p", got.P, 1e-3}} {
				want, err := strconv.ParseFloat(row[number.name], 64)
				if err != nil {
					t.Fatal(err)
				}
				off := math.Abs(number.got-want) / want
				worst[number.name] = math.Max(worst[number.name], off)
				if !(off <= number.within) {
					t.Errorf("%s of %s by %s: %s %v, R has %v: off by %.1e", row["terms"], row["formula"], row["method"], number.name, number.got, want, off)
				}
			}
		}
	}
	t.Logf("largest relative differences: %v", worst)
}
