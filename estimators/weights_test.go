package estimators_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/estimators/estimatortest"
)

func TestWeightsAgainstReference(t *testing.T) {
	small, tall := estimatortest.Small, estimatortest.Design{Blocks: 8, Schools: 5, Teachers: 1, Children: 5, Effect: 0.2, Shared: 0.3}
	for _, c := range []struct {
		design estimatortest.Design
		ols    estimators.OLS
		loose  float64 // tolerance, if not 1e-10
	}{
		{small, estimators.OLS{Formula: "c(score, class) ~ coaching + ses + age + age^2", Weights: "weight", Report: []string{"coaching", "age", "(Intercept)"}}, 0},
		{small, estimators.OLS{Formula: "score ~ coaching*ses + girl | block", Weights: "weight", SE: hc0, Report: []string{"coaching", "ses"}}, 0},
		{small, estimators.OLS{Formula: "score ~ coaching + ses", Weights: "weight", Where: "girl == 1", SE: hc1, Report: []string{"coaching", "(Intercept)"}}, 0},
		{small, estimators.OLS{Formula: "score ~ coaching + girl + ses", Weights: "experience", Where: "rural == 0", SE: hc2, Report: []string{"coaching", "ses"}}, 0},
		{small, estimators.OLS{Formula: "score ~ ses + girl | school", Weights: "weight", SE: hc3, Report: []string{"ses", "girl"}, Joint: [][]string{{"ses", "girl"}}}, 0},
		{small, estimators.OLS{Formula: "score ~ coaching + ses | cohort", Weights: "weight", Cluster: "school", SE: cr0, Report: []string{"coaching", "ses"}}, 0},
		{small, estimators.OLS{Formula: "c(score, std(class)) ~ coaching + ses + experience | block", Rows: "child", Weights: "weight", Cluster: "school", SE: cr1, Report: []string{"coaching", "ses"}, Joint: [][]string{{"coaching", "ses"}}}, 0},
		{small, estimators.OLS{Formula: "score ~ coaching + ses + girl | block", Weights: "weight", Cluster: "school", SE: cr2, Report: []string{"coaching", "ses"}, Joint: [][]string{{"ses", "girl"}}}, 0},
		{tall, estimators.OLS{Formula: "score ~ coaching + ses", Weights: "weight", Cluster: "block", SE: cr2, Report: []string{"coaching", "ses", "(Intercept)"}}, 0},
		{small, estimators.OLS{Formula: "score ~ coaching + ses", Weights: "attendance", Cluster: "school", SE: cr3, Report: []string{"coaching", "ses"}}, 0},
		{small, estimators.OLS{Formula: "class ~ coaching + experience + rural", Weights: "attendance", SE: hc1, Report: []string{"coaching", "experience"}}, 0},
		{small, estimators.OLS{Formula: "class ~ coaching + experience | block", Weights: "female", Cluster: "school", SE: cr2, Report: []string{"coaching"}}, 0},
		{small, estimators.OLS{Formula: "class ~ coaching + experience", Weights: "experience", SE: hc3, Report: []string{"coaching", "(Intercept)"}}, 0},
		{tall, estimators.OLS{Formula: "attendance ~ coaching + founded + founded^2 | block", Weights: "founded", SE: classical, Report: []string{"coaching", "founded"}}, 0},
		{small, estimators.OLS{Formula: "c(score, class) ~ coaching + ses + near6 | block", Rows: "child", Weights: "weight", Cluster: "school", SE: cr1, Report: []string{"coaching", "ses", "near6"}}, 1e-8}, // by the QR
		{tall, estimators.OLS{Formula: "class ~ founded^2 + rural", Weights: "experience", SE: hc1, Report: []string{"founded^2", "(Intercept)"}}, 1e-8},
	} {
		tolerance := 1e-10
		if c.loose > 0 {
			tolerance = c.loose
		}
		for seed := range uint64(2) {
			got := reference(t, c.ols, c.design.Draw(seed), c.design.Shape(), tolerance)
			if !got[0].Status.Worked() {
				t.Errorf("%s: %s", c.ols.Formula, got[0].Status)
			}
		}
	}
}

func TestWeightedIVAgainstReference(t *testing.T) {
	shape := estimatortest.Small.Shape()
	for seed := range uint64(2) {
		d := estimatortest.Small.Draw(seed)
		for _, o := range []estimators.IV{
			{Formula: "score ~ ses + age | block | class ~ coaching + founded", Weights: "weight", Cluster: "school", SE: cr1, Report: []string{"class", "ses"}},
			{Formula: "score ~ ses | class ~ coaching", Weights: "experience", SE: hc1, Report: []string{"class", "(Intercept)"}},
			{Formula: "c(score, reading) ~ girl + near4 + age | class + ses ~ coaching + founded + near6", Weights: "weight", SE: hc0, Report: []string{"class", "girl", "(Intercept)"}},
		} {
			panel, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: o}}, shape, nil)
			if err != nil {
				t.Fatal(err)
			}
			want, err := estimatortest.IV(o, d, shape, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := estimatortest.Compare(panel.Rows(), panel.Fit(d), want, 1e-7); err != nil {
				t.Errorf("%s: %v", o.Formula, err)
			}
		}
	}
}

// weighted lists a regression for every kind of standard error.
func weighted() []estimators.OLS {
	var all []estimators.OLS
	for _, se := range []estimators.SE{classical, hc0, hc1, hc2, hc3, cr0, cr1, cr2, cr3} {
		o := estimators.OLS{Formula: "c(score, class) ~ coaching + ses + age + age^2 | block", SE: se, Report: []string{"coaching", "age"}, Joint: [][]string{{"coaching", "ses"}}}
		if strings.HasPrefix(se.String(), "CR") {
			o.Cluster = "school"
		}
		all = append(all, o)
	}
	return append(all, estimators.OLS{Formula: "class ~ coaching + experience", SE: hc1, Report: []string{"coaching", "(Intercept)"}})
}

// Weights that are all 1 change no bit.
func TestWeightsOfOne(t *testing.T) {
	shape, d := estimatortest.Small.Shape(), estimatortest.Small.Draw(3)
	for _, column := range []string{"weight", "female"} {
		x := d.Columns[shape.Index(column)]
		for i := range x {
			x[i] = 1
		}
	}
	for _, o := range weighted() {
		_, want := fitOne(t, o, d, shape)
		o.Weights = "female"
		if strings.HasPrefix(o.Formula, "c(") {
			o.Weights = "weight"
		}
		_, got := fitOne(t, o, d, shape)
		for i := range got {
			if math.Float64bits(got[i].Value) != math.Float64bits(want[i].Value) || math.Float64bits(got[i].SE) != math.Float64bits(want[i].SE) ||
				math.Float64bits(got[i].DF) != math.Float64bits(want[i].DF) || math.Float64bits(got[i].P) != math.Float64bits(want[i].P) {
				t.Errorf("%s, %s: %+v, want %+v", o.Formula, o.SE, got[i], want[i])
			}
		}
	}
}

// A weight of 0 leaves the row out; the size of the weights says nothing.
func TestWeightsOfZero(t *testing.T) {
	shape, d := estimatortest.Small.Shape(), estimatortest.Small.Draw(3)
	heavy := estimatortest.Clone(d)
	for i := range heavy.Columns[shape.Index("girl")] {
		heavy.Columns[shape.Index("girl")][i] *= 1e3
	}
	for _, o := range weighted()[:9] {
		out, in := o, o
		out.Where, in.Weights = "girl == 1", "girl"
		rows, want := fitOne(t, out, d, shape)
		for _, data := range []*dgp.Data{d, heavy} {
			_, got := fitOne(t, in, data, shape)
			if err := estimatortest.Compare(rows, got, want, 1e-12); err != nil {
				t.Errorf("%s: %v", o.SE, err)
			}
		}
	}
}

// Whole weights are repeated rows, for estimates and for standard errors that
// do not count rows.
func TestWholeWeights(t *testing.T) {
	shape, d := estimatortest.Small.Shape(), estimatortest.Small.Draw(4)
	weight := d.Columns[shape.Index("weight")]
	for i := range weight {
		weight[i] = float64(i % 4)
	}
	long := estimatortest.Clone(d)
	long.Columns = make([][]float64, len(d.Columns))
	for c, column := range shape.Columns {
		if column.Level < dgp.ChildLevel {
			long.Columns[c] = d.Columns[c]
		}
	}
	long.ChildStart, long.N[dgp.ChildLevel] = []int{0}, 0
	for g := range d.Teachers() {
		for i := d.ChildStart[g]; i < d.ChildStart[g+1]; i++ {
			for range i % 4 {
				long.N[dgp.ChildLevel]++
				for c, column := range shape.Columns {
					if column.Level == dgp.ChildLevel {
						long.Columns[c] = append(long.Columns[c], d.Columns[c][i])
					}
				}
			}
		}
		long.ChildStart = append(long.ChildStart, long.N[dgp.ChildLevel])
	}
	wide := shape
	wide.Max[dgp.ChildLevel] *= 4
	o := estimators.OLS{Formula: "score ~ coaching + ses*girl + age | block", Cluster: "school", SE: cr0, Report: []string{"coaching", "ses:girl", "age"}, Joint: [][]string{{"ses", "age"}}}
	rows, want := fitOne(t, o, long, wide)
	o.Weights = "weight"
	_, got := fitOne(t, o, d, shape)
	if err := estimatortest.Compare(rows, got, want, 1e-11); err != nil {
		t.Error(err)
	}
}

// A weight that is none is named, unless its row is out.
func TestBadWeights(t *testing.T) {
	shape := estimatortest.Small.Shape()
	for _, column := range []string{"weight", "experience", "founded"} {
		for _, bad := range []float64{-1, math.NaN(), math.Inf(1)} {
			d := estimatortest.Small.Draw(5)
			at := 1
			d.Columns[shape.Index(column)][at] = bad
			d.Columns[shape.Index("rural")][0] = 0
			d.Columns[shape.Index("rural")][1] = 1
			formula := map[string]string{"weight": "score ~ coaching + ses", "experience": "class ~ coaching + rural", "founded": "attendance ~ coaching"}[column]
			o := estimators.OLS{Formula: formula, Weights: column, SE: hc1, Report: []string{"coaching"}}
			if _, got := fitOne(t, o, d, shape); got[0].Status != estimators.BadWeights {
				t.Errorf("%s of %v: %+v", column, bad, got[0])
			}
			v := estimators.IV{Formula: "score ~ ses | class ~ coaching", Weights: column, Report: []string{"class"}}
			panel, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: v}}, shape, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := panel.Fit(d); got[0].Status != estimators.BadWeights {
				t.Errorf("%s of %v, with instruments: %+v", column, bad, got[0])
			}
			o.Where = fmt.Sprintf("rural == %d", map[string]int{"weight": 1, "experience": 1, "founded": 0}[column])
			if column == "founded" {
				if _, got := fitOne(t, o, d, shape); !got[0].Status.Worked() {
					t.Errorf("%s of %v in a row that is out: %+v", column, bad, got[0])
				}
			}
		}
	}
}

func TestWeightsThatCannotBe(t *testing.T) {
	shape := estimatortest.Small.Shape()
	for _, c := range []struct {
		method estimators.Method
		want   string
	}{
		{estimators.OLS{Formula: "class ~ coaching", Weights: "ses", Report: []string{"coaching"}}, "weights: \"ses\" is a child column; the rows are of level teacher"},
		{estimators.OLS{Formula: "score ~ coaching", Weights: "weigth", Report: []string{"coaching"}}, "did you mean \"weight\"?"},
		{estimators.WildBootstrap{OLS: estimators.OLS{Formula: "score ~ coaching", Weights: "weight", Cluster: "school", SE: cr1, Report: []string{"coaching"}}, Draws: 99}, "takes no weights of rows"},
	} {
		_, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: c.method}}, shape, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

// The truth that a weighted estimate is held against is weighted too, unless
// the treatment may change the weights.
func TestWeightedTarget(t *testing.T) {
	shape := estimatortest.Small.Shape()
	for weights, causal := range map[string]bool{"weight": true, "experience": true, "class": false} {
		rows, _ := fitOne(t, estimators.OLS{Formula: "score ~ coaching", Weights: weights, Report: []string{"coaching"}}, estimatortest.Small.Draw(1), shape)
		if got := rows[0].Target != nil; got != causal {
			t.Errorf("%s: causal %v", weights, got)
		}
		if causal && rows[0].Target.Weights != weights {
			t.Errorf("the target has weights %q", rows[0].Target.Weights)
		}
	}
	if !slices.Contains(estimators.Statuses(), estimators.BadWeights) {
		t.Error("a status is missing")
	}
}
