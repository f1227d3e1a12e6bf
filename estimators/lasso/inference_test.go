package lasso_test

import (
	"math"
	"strconv"
	"testing"

	"coachsim/estimators/lasso"
)

// TestInference compares selections, least squares after selection, double
// selection and the debiased LASSO with testdata/inference.R.
func TestInference(t *testing.T) {
	type key struct {
		data, method, rule string
		clustered          bool
	}
	want := map[key][]map[string]string{}
	for _, r := range readTable(t, "inference") {
		k := key{r["data"], r["method"], r["rule"], r["clustered"] == "TRUE"}
		want[k] = append(want[k], r)
	}
	for k, rows := range want {
		d := readData(t, k.data)
		n, p := len(d.y), len(d.x)
		var cluster []int
		if k.clustered {
			cluster = make([]int, n)
			for i := range cluster {
				cluster[i] = i / 4
			}
		}
		near := func(what string, row map[string]string, got, unit float64) {
			if w := number(t, row[what]); !(math.Abs(got-w)/unit < 2e-6) {
				t.Errorf("%v, column %s: %s is %v, R has %v", k, row["column"], what, got, w)
			}
		}
		choice := lasso.Choice{Rule: lasso.Fixed, Lambda: .05 * sd(d.y)}
		if k.rule != "number" && k.rule != "" {
			if err := choice.UnmarshalText([]byte(k.rule)); err != nil {
				t.Fatal(err)
			}
		}
		penalty := lasso.Penalty{Mix: 1, Standardise: true}
		selector := lasso.NewSelector(n, p, 10, 100, n)
		switch k.method {
		case "ols":
			o := lasso.NewOLS(n, p, n)
			var chosen []int
			for j := 1; j < p; j += 2 {
				chosen = append(chosen, j)
			}
			o.Fit(d.x, d.y, nil, chosen, cluster)
			at := 0
			for i, j := range chosen {
				if o.Collinear[i] {
					continue
				}
				unit := sd(d.y) / sd(d.x[j])
				if rows[at]["column"] != strconv.Itoa(j+1) {
					t.Fatalf("%v: column %d is not R's", k, j+1)
				}
				near("value", rows[at], o.Beta[i], unit)
				near("se", rows[at], o.SE[i], unit)
				at++
			}
			if at != len(rows) {
				t.Errorf("%v: R keeps %d columns, not %d", k, len(rows), at)
			}
		case "select":
			if !selector.Fit(d.x, d.y, nil, d.folds, cluster, &penalty, choice, nil) {
				t.Fatalf("%v: not solved", k)
			}
			for j, row := range rows {
				near("value", row, selector.Beta[j], sd(d.y)/max(sd(d.x[j]), 1e-3))
			}
		case "double", "debiased":
			double := lasso.NewDoubleSelection(selector, n, p, n)
			debiased := lasso.NewDebiased(selector, n, p, n)
			if k.method == "debiased" && !debiased.Start(d.x, d.y, nil, d.folds, cluster, &penalty, choice, nil) {
				t.Fatalf("%v: not started", k)
			}
			for _, row := range rows {
				j := int(number(t, row["column"])) - 1
				var e lasso.Effect
				var ok bool
				if k.method == "double" {
					e, ok = double.Fit(d.x, d.y, nil, d.folds, cluster, &penalty, choice, nil, j)
				} else {
					e, ok = debiased.Effect(d.x, d.y, nil, d.folds, cluster, &penalty, j)
				}
				if !ok || e.Collinear {
					t.Errorf("%v, column %d: no effect", k, j+1)
					continue
				}
				unit := sd(d.y) / sd(d.x[j])
				near("value", row, e.Value, unit)
				near("se", row, e.SE, unit)
			}
		}
	}
}

// TestInferenceRows: listed rows are a data set of their own.
func TestInferenceRows(t *testing.T) {
	d := readData(t, "correlated")
	n, p := len(d.y), len(d.x)
	var rows, folds, cluster []int
	half := dataset{x: make([][]float64, p)}
	for i := range n {
		cluster = append(cluster, i/5)
	}
	var own []int
	for i := n - 1; i >= 0; i -= 2 {
		rows, folds, own = append(rows, i), append(folds, d.folds[i]), append(own, cluster[i])
		half.y = append(half.y, d.y[i])
		for j := range p {
			half.x[j] = append(half.x[j], d.x[j][i])
		}
	}
	selector := lasso.NewSelector(n, p, 10, 100, n)
	double, debiased := lasso.NewDoubleSelection(selector, n, p, n), lasso.NewDebiased(selector, n, p, n)
	for _, rule := range []lasso.Rule{lasso.CVMin, lasso.Plugin, lasso.Fixed} {
		choice := lasso.Choice{Rule: rule, Lambda: .3}
		penalty := lasso.Penalty{Mix: 1, Standardise: true, Factors: repeat(p, 0, 1, 1)}
		a, ok := double.Fit(d.x, d.y, rows, folds, cluster, &penalty, choice, nil, 3)
		b, also := double.Fit(half.x, half.y, nil, folds, own, &penalty, choice, nil, 3)
		if !ok || !also || math.Abs(a.Value-b.Value) > 1e-9 || math.Abs(a.SE-b.SE) > 1e-9 || a.DF != b.DF {
			t.Errorf("%v: double selection %v %v, %v %v", choice, a, ok, b, also)
		}
		if a.Controls < 3 {
			t.Errorf("%v: %d controls, though four are not penalised", choice, a.Controls)
		}
		debiased.Start(d.x, d.y, rows, folds, cluster, &penalty, choice, nil)
		a, ok = debiased.Effect(d.x, d.y, rows, folds, cluster, &penalty, 3)
		debiased.Start(half.x, half.y, nil, folds, own, &penalty, choice, nil)
		b, also = debiased.Effect(half.x, half.y, nil, folds, own, &penalty, 3)
		if !ok || !also || math.Abs(a.Value-b.Value) > 1e-9 || math.Abs(a.SE-b.SE) > 1e-9 || a.DF != b.DF {
			t.Errorf("%v: debiased %v %v, %v %v", choice, a, ok, b, also)
		}
		if n := testing.AllocsPerRun(1, func() {
			double.Fit(d.x, d.y, rows, folds, cluster, &penalty, choice, nil, 3)
			debiased.Start(d.x, d.y, rows, folds, cluster, &penalty, choice, nil)
			debiased.Effect(d.x, d.y, rows, folds, cluster, &penalty, 3)
		}); n != 0 {
			t.Errorf("%v: %v allocations", choice, n)
		}
	}
}

// TestChoice: what is written is read.
func TestChoice(t *testing.T) {
	for _, text := range []string{"cv-min", "cv-1se", "plugin", "0.53", "0"} {
		var c lasso.Choice
		if err := c.UnmarshalText([]byte(text)); err != nil || c.String() != text {
			t.Errorf("%s: %v, %v", text, c, err)
		}
	}
	for _, text := range []string{"-1", "cv", "", "inf", "nan"} {
		var c lasso.Choice
		if err := c.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read as %v", text, c)
		}
	}
}
