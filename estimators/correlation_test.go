package estimators_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/estimators/estimatortest"
)

// pearson is the correlation by its definition.
func pearson(x, y []float64) float64 {
	n := float64(len(x))
	var mx, my, xx, yy, xy float64
	for i := range x {
		mx += x[i] / n
		my += y[i] / n
	}
	for i := range x {
		xx += (x[i] - mx) * (x[i] - mx)
		yy += (y[i] - my) * (y[i] - my)
		xy += (x[i] - mx) * (y[i] - my)
	}
	return xy / math.Sqrt(xx*yy)
}

func fitOne(t *testing.T, m estimators.Method, d *dgp.Data, shape dgp.Shape) ([]estimators.Row, []estimators.Estimate) {
	t.Helper()
	panel, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: m}}, shape, lists)
	if err != nil {
		t.Fatal(err)
	}
	return panel.Rows(), panel.Fit(d)
}

func near(got, want, tolerance float64) bool { return math.Abs(got-want) <= tolerance }

func TestCorrelation(t *testing.T) {
	design := estimatortest.Small
	shape := design.Shape()
	d := design.Draw(3)
	names := []string{"score", "reading", "age", "born", "boy", "girl"}
	rows, got := fitOne(t, estimators.Correlation{Columns: names}, d, shape)
	if want := len(names) * (len(names) - 1) / 2; len(got) != want {
		t.Fatalf("%d correlations, want %d", len(got), want)
	}
	for i, row := range rows {
		want := pearson(d.Columns[shape.Index(row.Outcome)], d.Columns[shape.Index(row.Term)])
		if !near(got[i].Value, want, 1e-13) || got[i].Status != estimators.OK || !math.IsNaN(got[i].SE) || row.Target != nil {
			t.Errorf("%s and %s: %+v, want %v", row.Outcome, row.Term, got[i], want)
		}
	}
	if last := got[len(got)-1].Value; math.Abs(last) > 1 || !near(last, -1, 1e-15) {
		t.Errorf("girl and boy: %v", last)
	}
}

func TestReliability(t *testing.T) {
	design := estimatortest.Small
	shape := design.Shape()
	d := design.Draw(4)
	column := func(name string) []float64 { return d.Columns[shape.Index(name)] }
	mean := func(names ...string) []float64 {
		m := make([]float64, d.Teachers())
		for _, name := range names {
			for i, v := range column(name) {
				m[i] += v / float64(len(names))
			}
		}
		return m
	}
	join := func(lists ...[]float64) (all []float64) {
		for _, x := range lists {
			all = append(all, x...)
		}
		return all
	}
	for between, want := range map[string]func(domain string) float64{
		"segments": func(d string) float64 {
			return pearson(mean(d+"_s1_c1", d+"_s1_c2"), mean(d+"_s3_c1", d+"_s3_c2"))
		},
		"coders": func(d string) float64 {
			return pearson(join(column(d+"_s1_c1"), column(d+"_s2_c1"), column(d+"_s3_c1")), join(column(d+"_s1_c2"), column(d+"_s2_c2"), column(d+"_s3_c2")))
		},
	} {
		rows, got := fitOne(t, estimators.Reliability{Between: between}, d, shape)
		wants := []float64{want("es"), want("co"), (want("es") + want("co")) / 2}
		if len(got) != len(wants) {
			t.Fatalf("%s: %d numbers, want %d", between, len(got), len(wants))
		}
		for i, w := range wants {
			if !near(got[i].Value, w, 1e-13) || got[i].Status != estimators.OK {
				t.Errorf("between %s, %s: %+v, want %v", between, rows[i].Outcome, got[i], w)
			}
		}
	}
}

// Ratings of several days: pairs are within days, but between days.
func TestReliabilityOfDays(t *testing.T) {
	design := estimatortest.Small
	shape := design.Shape()
	d := design.Draw(4)
	es := map[string][]float64{} // es_s1_c1 and so on, as day 1 and 2 of one coder each, and segments
	shape.Columns = slices.Clone(shape.Columns)
	for i, c := range shape.Columns {
		switch r := c.Rating; {
		case r == nil:
		case r.Domain != "es" || r.Segment == 2:
			shape.Columns[i].Rating = nil
		default:
			shape.Columns[i].Rating = &dgp.Rating{Domain: "es", Day: r.Coder, Segment: (r.Segment + 1) / 2, Coder: 1}
			es[fmt.Sprintf("d%d s%d", r.Coder, (r.Segment+1)/2)] = d.Columns[i]
		}
	}
	mean := func(a, b []float64) []float64 {
		m := slices.Clone(a)
		for i := range m {
			m[i] = (m[i] + b[i]) / 2
		}
		return m
	}
	for between, want := range map[string]float64{
		"days":     pearson(mean(es["d1 s1"], es["d1 s2"]), mean(es["d2 s1"], es["d2 s2"])),
		"segments": pearson(slices.Concat(es["d1 s1"], es["d2 s1"]), slices.Concat(es["d1 s2"], es["d2 s2"])),
	} {
		rows, got := fitOne(t, estimators.Reliability{Between: between}, d, shape)
		if !near(got[0].Value, want, 1e-13) || got[0].Status != estimators.OK || rows[0].Outcome != "es" || len(rows) != 2 {
			t.Errorf("between %s: %+v %+v, want %v", between, rows, got, want)
		}
	}
}
