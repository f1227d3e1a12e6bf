package estimators_test

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/estimators/estimatortest"
)

func projectionOf(t *testing.T, formula, term string, shape dgp.Shape) estimators.Projection {
	t.Helper()
	panel, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: estimators.OLS{Formula: formula, SE: hc1, Report: []string{term}}}}, shape, lists)
	if err != nil {
		t.Fatal(err)
	}
	p := panel.Rows()[0].Projection
	if p == nil {
		t.Fatalf("%s in %s has no projection", term, formula)
	}
	return *p
}

func population(t *testing.T, p estimators.Projection, shape dgp.Shape, data ...*dgp.Data) *estimators.LinearPopulation {
	t.Helper()
	m, err := estimators.NewLinearPopulation(p, shape)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range data {
		m.Add(d)
	}
	return m
}

// Of one data set, the projection is its regression, with standardised columns and
// without, and the error its residual sum of squares over the rows.
func TestProjectionOfOneDataSet(t *testing.T) {
	shape, d := estimatortest.Small.Shape(), estimatortest.Small.Draw(4)
	for _, formula := range []string{
		"class ~ experience + female + rural + es_s1_c1",
		"std(class) ~ std(experience) + female + std(es_s1_c1) + rural",
		"score ~ coaching + ses + age + ses:girl + factor(track)",
		"score ~ ses + girl + boy", // collinear
	} {
		terms := []string{"experience", "female", "rural", "es_s1_c1"}
		var o estimators.OLS
		switch formula[:2] {
		case "st":
			terms = []string{"std(experience)", "female", "std(es_s1_c1)", "rural"}
		case "sc":
			terms = []string{"coaching", "ses", "age", "ses:girl", "factor(track)1"}
			if formula == "score ~ ses + girl + boy" {
				terms = []string{"ses", "girl", "boy"}
			}
		}
		o = estimators.OLS{Formula: formula, SE: hc1, Report: terms, R2: true}
		_, want := fitOne(t, o, d, shape)
		p := projectionOf(t, formula, terms[0], shape)
		m := population(t, p, shape, d)
		b, mse := m.NewProjector().Solve(m, nil)
		for i, term := range terms {
			got := b[p.Place(term)]
			if want[i].Status == estimators.Collinear {
				if !math.IsNaN(got) {
					t.Errorf("%s: %s is collinear, and projects to %v", formula, term, got)
				}
			} else if !near(got, want[i].Value, 1e-10*(1+math.Abs(got))) {
				t.Errorf("%s: %s projects to %v, the regression has %v", formula, term, got, want[i].Value)
			}
		}
		none := make([]bool, m.Terms())
		_, variance := m.NewProjector().Solve(m, none)
		if r2 := want[len(want)-1].Value; !near(1-mse/variance, r2, 1e-10) {
			t.Errorf("%s: the errors give R² %v, the regression %v", formula, 1-mse/variance, r2)
		}
	}
}

// Of several data sets, it is the regression on all of their rows; of some of the
// terms, that on these alone; and it does not matter how the data sets are merged.
func TestProjectionOfSeveralDataSets(t *testing.T) {
	shape := estimatortest.Small.Shape()
	data := []*dgp.Data{estimatortest.Small.Draw(1), estimatortest.Small.Draw(2), estimatortest.Small.Draw(3)}
	p := projectionOf(t, "class ~ experience + female + es_s1_c1 + std(co_s1_c1)", "female", shape)
	m := population(t, p, shape, data...)
	apart := population(t, p, shape, data[0])
	apart.Merge(population(t, p, shape, data[1:]...))

	var y []float64
	columns := make([][]float64, 4)
	for _, d := range data {
		y = append(y, d.Columns[shape.Index("class")]...)
		for j, name := range []string{"experience", "female", "es_s1_c1", "co_s1_c1"} {
			columns[j] = append(columns[j], d.Columns[shape.Index(name)]...)
		}
	}
	mean, sd := 0.0, 0.0
	for _, v := range columns[3] {
		mean += v / float64(len(y))
	}
	for _, v := range columns[3] {
		sd += (v - mean) * (v - mean) / float64(len(y)-1)
	}
	for i := range columns[3] {
		columns[3][i] /= math.Sqrt(sd)
	}
	for _, chosen := range [][]bool{nil, {true, true, true, true}, {true, false, true, false}, {false, false, false, true}} {
		x := mat.NewDense(len(y), 1, slices.Repeat([]float64{1}, len(y)))
		var places []int
		for j, c := range columns {
			if chosen == nil || chosen[j] {
				places = append(places, j)
				var wider mat.Dense
				wider.Augment(x, mat.NewDense(len(y), 1, c))
				x = &wider
			}
		}
		var b mat.VecDense
		if err := b.SolveVec(x, mat.NewVecDense(len(y), y)); err != nil {
			t.Fatal(err)
		}
		for name, m := range map[string]*estimators.LinearPopulation{"added": m, "merged": apart} {
			got, _ := m.NewProjector().Solve(m, chosen)
			for k, j := range places {
				if want := b.AtVec(k + 1); !near(got[j], want, 1e-10*(1+math.Abs(want))) {
					t.Errorf("%s, chosen %v: term %d projects to %v, want %v", name, chosen, j, got[j], want)
				}
			}
			for j := range got {
				if !slices.Contains(places, j) && !math.IsNaN(got[j]) {
					t.Errorf("%s, chosen %v: term %d, which is not, projects to %v", name, chosen, j, got[j])
				}
			}
		}
	}
}

// R² is that of the textbook, whatever is absorbed.
func TestR2(t *testing.T) {
	shape := estimatortest.Small.Shape()
	for seed := range uint64(3) {
		d := estimatortest.Small.Draw(seed)
		for _, formula := range []string{"c(score, reading) ~ coaching + ses", "score ~ ses + girl + boy + age^2 | block", "score ~ ses + near6 + girl"} {
			o := estimators.OLS{Formula: formula, SE: hc1, Report: []string{"ses"}, Joint: [][]string{{"ses"}}, R2: true}
			want, err := estimatortest.OLS(o, d, shape, lists)
			if err != nil {
				t.Fatal(err)
			}
			rows, got := fitOne(t, o, d, shape)
			for i, row := range rows {
				if row.Term == "r2" && !(near(got[i].Value, want[i].Value, 1e-10) && got[i].Status == want[i].Status && got[i].Value > 0 && got[i].Value < 1) {
					t.Errorf("%s, seed %d: R² %v, want %v", formula, seed, got[i], want[i])
				}
			}
		}
	}
}
