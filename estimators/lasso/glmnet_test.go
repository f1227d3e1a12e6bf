package lasso_test

import (
	"encoding/csv"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"coachsim/estimators/lasso"
)

// A dataset is a file of testdata.
type dataset struct {
	x     [][]float64
	y     []float64
	folds []int
}

func readTable(t testing.TB, name string) []map[string]string {
	t.Helper()
	f, err := os.Open("testdata/" + name + ".csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, r := range records[1:] {
		row := map[string]string{}
		for i, v := range r {
			row[records[0][i]] = v
		}
		rows = append(rows, row)
	}
	return rows
}

func number(t testing.TB, text string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func readData(t testing.TB, name string) dataset {
	t.Helper()
	rows := readTable(t, name)
	d := dataset{x: make([][]float64, len(rows[0])-2)}
	for _, r := range rows {
		d.y = append(d.y, number(t, r["y"]))
		fold, err := strconv.Atoi(r["fold"])
		if err != nil {
			t.Fatal(err)
		}
		d.folds = append(d.folds, fold-1)
		for j := range d.x {
			d.x[j] = append(d.x[j], number(t, r["x"+strconv.Itoa(j+1)]))
		}
	}
	return d
}

// moments of all rows.
func (d dataset) moments() *lasso.Moments {
	s := lasso.NewSample(len(d.y), len(d.x))
	s.Load(d.x, d.y, nil)
	m := lasso.NewMoments(len(d.x))
	m.Sum(s, 0, len(d.y))
	return m
}

func repeat(p int, values ...float64) []float64 {
	all := make([]float64, p)
	for j := range all {
		all[j] = values[j%len(values)]
	}
	return all
}

// penalties are those of testdata/glmnet.R by name.
func penalties(d dataset, variant string) lasso.Penalty {
	p := len(d.x)
	inf := math.Inf(1)
	switch variant {
	case "raw":
		return lasso.Penalty{Mix: 1}
	case "net":
		return lasso.Penalty{Mix: .5, Standardise: true}
	case "ridge":
		return lasso.Penalty{Mix: 0, Standardise: true}
	case "factors":
		return lasso.Penalty{Mix: 1, Standardise: true, Factors: repeat(p, 0, 1, 2.5, .3, inf)}
	case "factors-net":
		return lasso.Penalty{Mix: .3, Factors: repeat(p, 1, 0, 2.5, .3, inf)}
	}
	return lasso.Penalty{Mix: 1, Standardise: true}
}

var names = []string{"independent", "correlated", "mixed", "near", "wide"}

// TestGlmnet compares coefficients at five lambdas with glmnet's, relative to the fit: each is multiplied by its column's SD and divided by
// the outcome's.
func TestGlmnet(t *testing.T) {
	rows := readTable(t, "glmnet-paths")
	for _, name := range names {
		d := readData(t, name)
		m := d.moments()
		p := len(d.x)
		for _, variant := range []string{"lasso", "raw", "net", "ridge", "factors", "factors-net", "adaptive"} {
			var want []map[string]string
			for _, r := range rows {
				if r["data"] == name && r["variant"] == variant {
					want = append(want, r)
				}
			}
			if len(want) == 0 && variant == "adaptive" && name == "wide" {
				continue
			}
			if len(want) != 5*(p+1) {
				t.Fatalf("%s, %s: %d rows", name, variant, len(want))
			}
			penalty := penalties(d, variant)
			if variant == "adaptive" {
				penalty.Factors = make([]float64, p)
				if !lasso.NewSolver(p).AdaptiveFactors(penalty.Factors, m, 1) {
					t.Fatalf("%s: no first stage", name)
				}
			}
			var lambdas []float64
			for k := range 5 {
				lambdas = append(lambdas, number(t, want[k*(p+1)]["lambda"]))
			}
			for _, descent := range []bool{false, true} {
				penalty.Descent, penalty.Threshold = descent, 1e-22
				path := lasso.NewPath(p, 5)
				if !lasso.NewSolver(p).Solve(path, m, &penalty, lambdas) {
					t.Fatalf("%s, %s: not solved", name, variant)
				}
				worst := 0.0
				for k := range 5 {
					at := want[k*(p+1) : (k+1)*(p+1)]
					worst = max(worst, math.Abs(path.Intercept[k]-number(t, at[0]["value"]))/max(math.Abs(path.Intercept[k]), sd(d.y)))
					for j, b := range path.Beta(k) {
						worst = max(worst, math.Abs(b-number(t, at[j+1]["value"]))*sd(d.x[j])/sd(d.y))
					}
					if r2 := number(t, at[0]["r2"]); math.Abs(r2-path.R2[k]) > 1e-6 {
						t.Errorf("%s, %s: R2 %v, glmnet %v", name, variant, path.R2[k], r2)
					}
				}
				if worst > 1e-6 {
					t.Errorf("%s, %s, descent %v: off by %.2g", name, variant, descent, worst)
				}
			}
		}
	}
}

func sd(x []float64) float64 {
	mean, square := 0.0, 0.0
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		square += (v - mean) * (v - mean) / float64(len(x))
	}
	return math.Sqrt(square)
}

// TestCVGlmnet compares the whole curve with cv.glmnet's on the same folds.
func TestCVGlmnet(t *testing.T) {
	rows := readTable(t, "glmnet-cv")
	for _, name := range names {
		d := readData(t, name)
		for _, variant := range []string{"grid", "default", "net"} {
			var want []map[string]string
			for _, r := range rows {
				if r["data"] == name && r["variant"] == variant {
					want = append(want, r)
				}
			}
			penalty := penalties(d, variant)
			var grid []float64
			if variant == "grid" {
				grid = lasso.LogGrid(1e5, 1e-4, 100)
			}
			for _, descent := range []bool{false, true} {
				if descent && variant == "grid" && (name == "near" || name == "wide") {
					continue // rows do not outnumber columns: descent would take 100,000 cycles
				}
				penalty.Descent, penalty.Threshold = descent, 1e-16
				if variant == "net" {
					penalty.Threshold = 1e-20
				}
				cv := lasso.NewCV(len(d.y), len(d.x), 10, 100)
				if !cv.Fit(d.x, d.y, nil, d.folds, &penalty, grid) {
					t.Fatalf("%s, %s: not solved", name, variant)
				}
				if len(cv.Path.Lambda) != len(want) {
					t.Fatalf("%s, %s: %d lambdas, glmnet has %d", name, variant, len(cv.Path.Lambda), len(want))
				}
				for i, w := range want {
					for _, c := range []struct {
						what      string
						got, want float64
					}{
						{"lambda", cv.Path.Lambda[i], number(t, w["lambda"])},
						{"mean", cv.Mean[i], number(t, w["cvm"])},
						{"sd", cv.SD[i], number(t, w["cvsd"])},
					} {
						if math.Abs(c.got/c.want-1) > 1e-6 {
							t.Errorf("%s, %s, descent %v: %s at %d is %v, glmnet %v", name, variant, descent, c.what, i, c.got, c.want)
							break
						}
					}
					// glmnet's first default lambda, found by extrapolation, may be a rounding error too small.
					if got := strconv.Itoa(cv.Path.NonZero[i]); got != w["nzero"] && (i > 0 || variant == "grid") {
						t.Errorf("%s, %s: %s nonzero at %d, glmnet %s", name, variant, got, i, w["nzero"])
					}
					if got := cv.Min == i; got != strings.EqualFold(w["min"], "true") {
						t.Errorf("%s, %s: lambda.min at %d", name, variant, cv.Min)
					}
					if got := cv.OneSE == i; got != strings.EqualFold(w["onese"], "true") {
						t.Errorf("%s, %s: lambda.1se at %d", name, variant, cv.OneSE)
					}
				}
			}
		}
	}
}
