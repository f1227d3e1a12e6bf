package estimators_test

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
)

// A certificate is what NIST certifies of one data set.
type certificate struct {
	terms        []string
	estimate, se []float64
	values       map[string][]float64 // by column; y is the outcome
}

func readCertificate(t *testing.T, name string) certificate {
	t.Helper()
	c := certificate{values: map[string][]float64{}}
	for _, row := range readTable(t, "nist", "certified.csv") {
		if row["data"] == name {
			c.terms = append(c.terms, row["term"])
			c.estimate = append(c.estimate, number(t, row["estimate"]))
			c.se = append(c.se, number(t, row["se"]))
		}
	}
	for _, row := range readTable(t, "nist", name+".csv") {
		for column, text := range row {
			c.values[column] = append(c.values[column], number(t, text))
		}
	}
	return c
}

// method is the regression that is certified.
func (c certificate) method() estimators.OLS {
	o := estimators.OLS{Report: c.terms}
	if c.terms[0] == "(Intercept)" {
		o.Formula = "y ~ " + strings.Join(c.terms[1:], " + ")
	} else {
		o.Formula = "y ~ " + strings.Join(c.terms, " + ") + " - 1"
	}
	return o
}

// data puts the rows in one class.
func (c certificate) data(centred bool) (dgp.Shape, *dgp.Data) {
	n := len(c.values["y"])
	d := &dgp.Data{
		N: [...]int{1, 1, 1, n}, SchoolBlock: []int{0}, TeacherSchool: []int{0}, TeacherStart: []int{0, 1}, ChildStart: []int{0, n},
	}
	shape := dgp.Shape{Max: d.N}
	for _, name := range slices.Sorted(maps.Keys(c.values)) {
		column := dgp.Column{Name: name, Level: dgp.ChildLevel}
		if centred {
			for _, v := range c.values[name] {
				column.Center += v / float64(n)
			}
		}
		shape.Columns = append(shape.Columns, column)
		d.Columns = append(d.Columns, c.values[name])
	}
	return shape, d
}

// digits is the number of digits that got shares with want: the log relative
// error, at most 15.
func digits(got, want float64) float64 {
	if got == want {
		return 15
	}
	return min(15, -math.Log10(math.Abs(got-want)/math.Abs(want)))
}

// The linear regressions of NIST's Statistical Reference Datasets, to at least
// 8 digits, with columns centred as in studies (Column.Center is the mean) and
// as they are.
//
// Less is asked of Wampler5, whose coefficients are 1 and whose standard errors
// are up to 2e7: 8 digits of the coefficients are 15 of the outcome's, all that
// a float64 has. The powers in Filip are collinear to within the tolerance 1e-7
// unless they are centred, and the last is dropped, as by R's lm. Wampler1 and
// Wampler2 fit exactly, which has a Status of its own.
func TestNIST(t *testing.T) {
	const ok, reduced, exact = estimators.OK, estimators.Reduced, estimators.NoResidual
	for _, c := range []struct {
		name    string
		centred bool
		status  estimators.Status
		least   float64 // digits of the coefficients
	}{
		{"norris", true, ok, 11},
		{"norris", false, ok, 11},
		{"pontius", true, ok, 11},
		{"pontius", false, ok, 10},
		{"noint1", false, ok, 13},
		{"noint2", false, ok, 13},
		{"longley", true, ok, 11},
		{"longley", false, ok, 11},
		{"filip", true, ok, 11},
		{"filip", false, reduced, 0},
		{"wampler1", true, exact, 0},
		{"wampler1", false, exact, 0},
		{"wampler2", true, exact, 0},
		{"wampler2", false, exact, 0},
		{"wampler3", true, ok, 8},
		{"wampler3", false, ok, 8},
		{"wampler4", true, ok, 8},
		{"wampler4", false, ok, 8},
		{"wampler5", true, ok, 7},
		{"wampler5", false, ok, 6},
	} {
		name := c.name + ", as it is"
		if c.centred {
			name = c.name + ", centred"
		}
		t.Run(name, func(t *testing.T) {
			want := readCertificate(t, c.name)
			shape, d := want.data(c.centred)
			panel, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: want.method()}}, shape, nil)
			if err != nil {
				t.Fatal(err)
			}
			coefficient, se := 15.0, 15.0
			for i, e := range panel.Fit(d) {
				status := c.status
				if status == reduced && i == len(want.terms)-1 {
					status = estimators.Collinear
				}
				if e.Status != status {
					t.Errorf("%s: %s, want %s", want.terms[i], e.Status, status)
				}
				if e.Status == ok {
					coefficient = min(coefficient, digits(e.Value, want.estimate[i]))
					se = min(se, digits(e.SE, want.se[i]))
				}
			}
			t.Logf("%.1f digits of the coefficients, %.1f of the standard errors", coefficient, se)
			if c.status == ok && (coefficient < c.least || se < 8) {
				t.Errorf("%.1f digits of the coefficients, %.1f of the standard errors", coefficient, se)
			}
		})
	}
}
