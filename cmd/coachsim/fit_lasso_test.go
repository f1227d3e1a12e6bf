package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestFitLassoAgainstGlmnet holds the printed curve, lambdas and coefficients against
// cv.glmnet's on the same folds: estimators/lasso/testdata/glmnet.R wrote them.
func TestFitLassoAgainstGlmnet(t *testing.T) {
	const folder = "../../estimators/lasso/testdata/"
	file, err := os.Open(folder + "glmnet-cv.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	records, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range []string{"independent", "correlated", "mixed"} {
		var want [][]string // data, variant, lambda, cvm, cvsd, nzero, min, onese
		for _, r := range records {
			if r[0] == data && r[1] == "grid" {
				want = append(want, r)
			}
		}
		var out, talk bytes.Buffer
		args := []string{"fit", folder + data + ".csv", "--kind", "lasso", "--formula", "y ~ .", "--fold-column", "fold", "--grid", "100000:0.0001:100", "--json"}
		if code := run(args, strings.NewReader(""), &out, &talk); code != exitDone {
			t.Fatalf("exit code %d, %s", code, talk.String())
		}
		var got struct {
			Lasso []struct {
				Lambda, Intercept float64
				NonZero           int
				R2                float64 `json:"r.squared"`
				Min               float64 `json:"lambda.min"`
				OneSE             float64 `json:"lambda.1se"`
				Curve             []struct {
					Lambda  float64
					Mean    float64 `json:"cvm"`
					SD      float64 `json:"cvsd"`
					NonZero int     `json:"nzero"`
				}
			}
			Rows []struct {
				Term     string
				Estimate any
				Status   string
			}
		}
		if err := json.Unmarshal(out.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Lasso) != 1 || len(got.Lasso[0].Curve) != len(want) {
			t.Fatalf("%s: no curve of %d lambdas", data, len(want))
		}
		l := got.Lasso[0]
		near := func(what string, got float64, text string) {
			w, err := strconv.ParseFloat(text, 64)
			if err != nil || math.Abs(got/w-1) > 1e-6 {
				t.Errorf("%s: %s is %v, glmnet has %s", data, what, got, text)
			}
		}
		for i, w := range want {
			near("lambda", l.Curve[i].Lambda, w[2])
			near("cvm", l.Curve[i].Mean, w[3])
			near("cvsd", l.Curve[i].SD, w[4])
			if strconv.Itoa(l.Curve[i].NonZero) != w[5] {
				t.Errorf("%s: nzero is %d, glmnet has %s", data, l.Curve[i].NonZero, w[5])
			}
			if w[6] == "TRUE" {
				near("lambda.min", l.Min, w[2])
				near("lambda", l.Lambda, w[2])
			}
			if w[7] == "TRUE" {
				near("lambda.1se", l.OneSE, w[2])
			}
		}
		nonzero := 0
		for _, r := range got.Rows {
			if r.Status != "ok" {
				t.Errorf("%s: %s is %s", data, r.Term, r.Status)
			}
			if strings.HasPrefix(r.Term, "selected(x") && r.Estimate == 1.0 {
				nonzero++
			}
		}
		if nonzero != l.NonZero {
			t.Errorf("%s: %d terms are selected, of %d", data, nonzero, l.NonZero)
		}
	}
}
