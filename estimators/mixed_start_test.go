package estimators_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/estimators/estimatortest"
)

// The profile from which the search of a mixed model begins is that of the residuals of
// least squares, found here row by row; it ends near to the model's, and makes of Newton's
// first step one whose error is a tenth at most.
func TestStartOfMixedModel(t *testing.T) {
	design := estimatortest.Design{Blocks: 6, Schools: 12, Teachers: 1, Children: 12, Effect: 0.3, Shared: 0.4}
	shape := design.Shape()
	for seed := range uint64(4) {
		for _, by := range []estimators.Likelihood{reml, ml} {
			d := design.Draw(seed)
			panel, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: estimators.Mixed{
				Formula: "score ~ coaching + experience + ses + girl + age + age^2 + (1 | school) | block", Report: []string{"coaching"}, Likelihood: by,
			}}}, shape, lists)
			if err != nil {
				t.Fatal(err)
			}
			panel.Fit(d)
			s := panel.Start()
			within, between := residualSquares(t, d, shape)
			units, q := 0.0, 0.0
			for k, rows := range s.Rows {
				if !agree(s.Between[k], between[rows], between[rows]+within/100, 1e-10) {
					t.Errorf("seed %d: units of %v rows: %v, want %v", seed, rows, s.Between[k], between[rows])
				}
				units += s.Units[k]
			}
			if !agree(s.Within, within, within, 1e-10) {
				t.Errorf("seed %d: within units: %v, want %v", seed, s.Within, within)
			}
			n := float64(d.N[dgp.ChildLevel])
			want := n
			if by == reml {
				want -= 6 + 6
				q = units * (1 - s.Share) // blocks, coaching, experience, and little of the rest
			}
			if s.N != want || by == reml && !(q > 8 && q < 9) || by == ml && s.Share != 1 {
				t.Errorf("seed %d, %s: %v rows, %v effects between units", seed, by, s.N, q)
			}
			value := func(u float64) float64 {
				a, logs, rest := math.Expm1(u)*units/n, 0.0, s.Within
				for k, rows := range s.Rows {
					logs += s.Units[k] * math.Log1p(rows*a)
					rest += s.Between[k] * rows / (1 + rows*a)
				}
				return s.Share*logs + s.N*math.Log(rest)
			}
			const h = 1e-3
			for _, u := range []float64{0.1, 0.4, 1} {
				first, second := s.Derivatives(u)
				if want := (value(u+h) - value(u-h)) / (2 * h); !agree(first, want, units, 1e-5) {
					t.Errorf("seed %d, %s: first derivative at %v: %v, want %v", seed, by, u, first, want)
				}
				if want := (value(u+h) - 2*value(u) + value(u-h)) / (h * h); !agree(second, want, units, 1e-5) {
					t.Errorf("seed %d, %s: second derivative at %v: %v, want %v", seed, by, u, second, want)
				}
			}
			if first, _ := s.Derivatives(s.Least); !agree(first, 0, units, 1e-5) {
				t.Errorf("seed %d, %s: the profile is not least at %v", seed, by, s.Least)
			}
			if !agree(s.Least, s.End, 1, 0.02) || !(math.Abs(s.Refined-s.End) <= math.Abs(s.Newton-s.End)/10) {
				t.Errorf("seed %d, %s: from %v, Newton to %v, refined to %v, want %v", seed, by, s.Least, s.Newton, s.Refined, s.End)
			}
		}
	}
}

// residualSquares regresses score on coaching, experience, ses, girl, age, its square and
// dummies of blocks, and returns the sum of squares of the residuals within schools, and by
// number of children that of schools' means.
func residualSquares(t *testing.T, d *dgp.Data, shape dgp.Shape) (within float64, between map[float64]float64) {
	t.Helper()
	column := func(name string) []float64 { return d.Columns[shape.Index(name)] }
	n, blocks := d.N[dgp.ChildLevel], d.N[dgp.BlockLevel]
	x, y := mat.NewDense(n, blocks+6, nil), mat.NewDense(n, 1, nil)
	for g, school := range d.TeacherSchool {
		for i := d.ChildStart[g]; i < d.ChildStart[g+1]; i++ {
			age := column("age")[i] - 84
			x.Set(i, d.SchoolBlock[school], 1)
			for j, v := range []float64{column("coaching")[school], column("experience")[g] - 15, column("ses")[i], column("girl")[i], age, age * age} {
				x.Set(i, blocks+j, v)
			}
			y.Set(i, 0, column("score")[i])
		}
	}
	var beta, residual mat.Dense
	if err := beta.Solve(x, y); err != nil {
		t.Fatal(err)
	}
	residual.Mul(x, &beta)
	residual.Sub(y, &residual)
	between = map[float64]float64{}
	for g := range d.TeacherSchool {
		rows, sum, squares := 0.0, 0.0, 0.0
		for i := d.ChildStart[g]; i < d.ChildStart[g+1]; i++ {
			e := residual.At(i, 0)
			rows, sum, squares = rows+1, sum+e, squares+e*e
		}
		between[rows] += sum / rows * sum / rows
		within += squares - sum*sum/rows
	}
	return within, between
}
