package estimators

import (
	"math"
	"math/rand/v2"

	"coachsim/dgp"
)

// Draw lets tests draw the weights that the bootstrap draws.
func (w WildWeights) Draw(r *dgp.Source) float64 { return wildPoints[w][w.draw(r)] }

// SlowWildWeights draws the weights of clusters one by one: five signs at once, from the
// bits that are left of a word if they are enough.
func SlowWildWeights(weights WildWeights, clusters, draws int, r *dgp.Source) [][]float64 {
	all := make([][]float64, draws)
	for k := range all {
		word, bits := uint64(0), 0
		for g := range clusters {
			if weights != Rademacher {
				all[k] = append(all[k], weights.Draw(r))
				continue
			}
			if members := min(5, clusters-g); g%5 == 0 && bits < members {
				word, bits = r.Uint64(), 64
			}
			all[k] = append(all[k], 1-2*float64(word&1))
			word >>= 1
			bits--
		}
	}
	return all
}

// ResampleTwice fills draws for random clusters, with coordinates that all share and, where
// there are effects, one of the effect that each is in. It returns the largest difference
// from sums over clusters, relative to the size of such sums.
func ResampleTwice(weights WildWeights, clusters, shared, effects, draws int, r *rand.Rand) float64 {
	w := &wild{
		WildBootstrap: WildBootstrap{Weights: weights, Draws: draws}, source: dgp.NewSource(), purpose: dgp.EstimatorPurpose("wild"),
		l: &linear{core: &core{effects: effects, mostEffects: effects}}, clusters: clusters, shared: shared, nested: effects > 0,
		home: make([]int, clusters), score: make([][2]float64, clusters), draws: make([]wildDraw, 0, draws+1),
		stride: 4 * (shared + 3), parts: make([]float64, clusters*4*(shared+3)),
	}
	w.allocateTables(clusters)
	for i := range w.parts {
		w.parts[i] = r.NormFloat64()
	}
	for g := range clusters {
		w.home[g] = -1
		if effects > 0 {
			w.home[g] = g * effects / clusters
			if r.IntN(10) == 0 {
				w.home[g] = r.IntN(effects)
			}
		}
		w.score[g] = [2]float64{r.NormFloat64(), r.NormFloat64()}
		w.fillScore(g)
	}
	st := dgp.Stream{Seed: r.Uint64()}
	w.drawWeights(st)
	w.findPieces()
	w.resample()
	worst := 0.0
	for k, v := range SlowWildWeights(weights, clusters, draws, dgp.NewSource().Load(st, w.purpose)) {
		var want wildDraw
		sums := make([][4]float64, shared+effects)
		for g, x := range v {
			s, q := w.score[g][0], w.score[g][1]
			want.n0, want.n1 = want.n0+x*s, want.n1+x*q
			want.v0, want.v1, want.v2 = want.v0+x*x*s*s, want.v1+2*x*x*s*q, want.v2+x*x*q*q
			for i := range 4 {
				for j := range shared {
					sums[j][i] += x * w.parts[g*w.stride+4*j+i]
				}
				if effects > 0 {
					sums[shared+w.home[g]][i] += x * w.ownPart(g)[i]
				}
			}
		}
		for _, c := range sums {
			want.v0, want.v1, want.v2 = want.v0+c[0]*c[2], want.v1+c[0]*c[3]+c[1]*c[2], want.v2+c[1]*c[3]
		}
		d, size := w.draws[k], float64(clusters*(shared+effects+1))
		for _, off := range []float64{d.n0 - want.n0, d.n1 - want.n1, d.v0 - want.v0, d.v1 - want.v1, d.v2 - want.v2} {
			worst = max(worst, math.Abs(off)/size)
		}
	}
	return worst
}

// CompareNulls tests nulls between two by random draws, all of them and those that between
// leaves. It returns how many tests give other p-values, and how many draws are left.
func CompareNulls(from, to float64, draws int, r *rand.Rand) (differ, left int) {
	test := wildTest{all: draws, bread: 0.7, se: 3, squares: wildDraw{v0: 9, v1: 1, v2: 2}}
	for range draws {
		// v is a positive quadratic, sometimes with its least value between the nulls.
		a, b, c := r.NormFloat64(), 5*r.NormFloat64(), r.NormFloat64()
		d := wildDraw{n0: 3 * r.NormFloat64(), n1: r.NormFloat64(), v0: a*a + b*b + 1, v1: 2*a*c + r.NormFloat64()/10, v2: c * c}
		test.draws = append(test.draws, d)
	}
	near := test.between(from, to, nil)
	for i := range 101 {
		if null := from + (to-from)*float64(i)/100; near.p(null) != test.p(null) {
			differ++
		}
	}
	return differ, len(near.draws)
}
