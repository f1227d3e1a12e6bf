package forest_test

import (
	"testing"

	"coachsim/bench/yardstick"
	"coachsim/dgp"
	"coachsim/estimators/forest"
)

// teachers draws a data set like that of a study of teachers: half the inputs
// are 0/1, some have few values, and five matter a little.
func teachers(n, p int, seed uint64) (y []float64, x [][]float64) {
	r := dgp.NewSource().Load(dgp.Stream{Seed: seed}, dgp.PopulationPurpose).Rand
	x = make([][]float64, p)
	for j := range x {
		x[j] = make([]float64, n)
		for i := range x[j] {
			switch {
			case j%2 == 0:
				x[j][i] = float64(r.IntN(2))
			case j%3 == 0:
				x[j][i] = float64(r.IntN(9)) / 2
			default:
				x[j][i] = r.NormFloat64()
			}
		}
	}
	y = make([]float64, n)
	for i := range y {
		y[i] = r.NormFloat64()
		for j := 1; j < 6 && j < p; j++ {
			y[i] += 0.25 * x[j][i]
		}
	}
	return y, x
}

func numeric(p int) []forest.Variable { return make([]forest.Variable, p) }

func upTo(n int) []int {
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i
	}
	return rows
}

func benchmark(b *testing.B, importance bool) {
	const n, p = 277, 52
	y, x := teachers(n, p, 1)
	f := forest.New(numeric(p), n)
	c := forest.Defaults(p)
	c.Inputs = 7
	rows := upTo(n)
	dst := make([]float64, p)
	r := dgp.NewSource().Load(dgp.Stream{Seed: 2}, dgp.PopulationPurpose).Rand
	run := func() {
		if err := f.Load(y, x); err != nil {
			b.Fatal(err)
		}
		f.Grow(rows, c, 1000, r)
		f.OOBMSE()
		if importance {
			f.Importance(forest.Importance{}, dst, r)
		}
	}
	run()
	b.ReportAllocs()
	b.ResetTimer()
	yardstick.Loop(b, run)
}

// A forest of 1000 trees on 277 rows of 52 inputs, 7 of them for each node,
// with its out-of-bag error.
func BenchmarkUnitForest1000(b *testing.B) { benchmark(b, false) }

// The same with the importance of the inputs.
func BenchmarkUnitForestImportance1000(b *testing.B) { benchmark(b, true) }
