package forest_test

import (
	"maps"
	"math"
	"slices"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators/forest"
)

// forestsData are the inputs of the data of forests.R.
var forestsData = []forest.Variable{
	{Name: "a"}, {Name: "b"}, {Name: "c"}, {Name: "binary"}, {Name: "grade", Scale: forest.Ordered}, {Name: "region", Scale: forest.Unordered, Levels: 4}, {Name: "noise1"}, {Name: "noise2"},
}

// readForests reads the data of forests.R, by variable.
func readForests(t *testing.T) (y []float64, x [][]float64) {
	t.Helper()
	rows := readTable(t, "forests")
	y, x = make([]float64, len(rows)), make([][]float64, len(forestsData))
	for j, v := range forestsData {
		x[j] = make([]float64, len(rows))
		for i, row := range rows {
			x[j][i], y[i] = number(t, row[v.Name]), number(t, row["y"])
		}
	}
	return y, x
}

// Errors, sizes and importances of forests are those of party's and partykit's
// cforest, on average over seeds. Each difference of two means is held against
// 4.3 standard errors, from the SDs over seeds on both sides: as there are 71,
// one of them would exceed that by chance with probability 0.0012.
func TestForestsAreThoseOfR(t *testing.T) {
	const trees, limit = 100, 4.3
	seeds := uint64(25)
	if testing.Short() {
		seeds = 6
	}
	y, x := readForests(t)
	n, p := len(y), len(forestsData)
	f := forest.New(forestsData, n)
	if err := f.Load(y, x); err != nil {
		t.Fatal(err)
	}
	importance := make([]float64, p)
	plain := forest.Defaults(p)
	plain.Inputs = 3
	bootstrap, maximum := plain, plain
	bootstrap.Bootstrap = true
	maximum.Statistic, maximum.Adjustment, maximum.MinCriterion, maximum.MinSplit, maximum.MinBucket = forest.Maximum, forest.BonferroniAll, 0.3, 16, 5
	draws := map[string][]float64{}
	note := func(key string, value float64) { draws[key] = append(draws[key], value) }
	for _, fit := range []struct {
		name    string
		control forest.Control
		kinds   map[string]forest.Importance
	}{
		{"party", plain, map[string]forest.Importance{
			"party/routing": {}, "party/permutation": {Variation: forest.Permutation}, "party/conditional": {Variation: forest.Permutation, Conditional: 0.2},
			"partykit/node-permutation": {Variation: forest.NodePermutation, Using: true},
		}},
		{"party-bootstrap", bootstrap, map[string]forest.Importance{"party-bootstrap/routing": {}, "party-bootstrap/permutation": {Variation: forest.Permutation}}},
		{"party-maximum", maximum, map[string]forest.Importance{"party-maximum/routing": {}, "party-maximum/permutation": {Variation: forest.Permutation}}},
	} {
		for seed := range seeds {
			r := dgp.NewSource().Load(dgp.Stream{Seed: 31, Replicate: seed}, 1).Rand
			f.Grow(upTo(n), fit.control, trees, r)
			note(fit.name+" oob_mse", f.OOBMSE())
			if fit.name == "party" {
				note("partykit oob_mse", f.OOBMSE())
			}
			leaves := 0.0
			for k := range trees {
				l, _ := f.Shape(k, make([]bool, p))
				leaves += float64(l) / trees
			}
			note(fit.name+" leaves", leaves)
			for _, kind := range sortedKeys(fit.kinds) {
				f.Importance(fit.kinds[kind], importance, r)
				for j, v := range forestsData {
					note(kind+" "+v.Name, importance[j])
				}
			}
		}
	}
	if checks := againstR(t, "forests_by_seed", draws, limit); checks != 71 {
		t.Errorf("%d differences, not 71", checks)
	}
}

// againstR holds means of draws, by fit and term, against those of a table of R's, in
// standard errors from the SDs over seeds on both sides, and counts them.
func againstR(t *testing.T, table string, draws map[string][]float64, limit float64) (checks int) {
	t.Helper()
	for _, row := range readTable(t, table) {
		key := row["fit"] + " " + row["term"]
		own := draws[key]
		if own == nil {
			t.Fatalf("no draws of %s", key)
		}
		mean, square := 0.0, 0.0
		for _, v := range own {
			mean += v / float64(len(own))
		}
		for _, v := range own {
			square += (v - mean) * (v - mean) / float64(len(own)-1)
		}
		sd := number(t, row["sd"])
		se := math.Sqrt(square/float64(len(own)) + sd*sd/number(t, row["seeds"]))
		if want := number(t, row["mean"]); !(math.Abs(mean-want) <= limit*se) {
			t.Errorf("%s is %.5f on average, not %.5f: %.1f standard errors", key, mean, want, (mean-want)/se)
		}
		checks++
	}
	return checks
}

func sortedKeys(m map[string]forest.Importance) []string {
	return slices.Sorted(maps.Keys(m))
}

// Monte Carlo p-values are those of coin within the error of 1e5 draws there
// and 2e4 here. 16 are held against 4.2 standard errors: one would exceed that
// by chance with probability 4e-4.
func TestMonteCarloIsThatOfCoin(t *testing.T) {
	const permutations, there = 20000, 100000
	y, x := readForests(t)
	slices.Reverse(y) // as in R, so that p-values are not all small
	for _, row := range readTable(t, "montecarlo") {
		j := slices.IndexFunc(forestsData, func(v forest.Variable) bool { return v.Name == row["term"] })
		f := forest.New(forestsData[j:j+1], len(y))
		if err := f.Load(y, x[j:j+1]); err != nil {
			t.Fatal(err)
		}
		c := forest.TreeDefaults()
		c.Permutations = permutations
		if err := c.Statistic.UnmarshalText([]byte(row["statistic"])); err != nil {
			t.Fatal(err)
		}
		f.GrowTree(upTo(len(y)), c, dgp.NewSource().Load(dgp.Stream{Seed: 8}, 1).Rand)
		got, want := f.Tree(0)[0].P, number(t, row["p"])
		if se := math.Sqrt(want * (1 - want) * (1.0/permutations + 1.0/there)); !(math.Abs(got-want) <= 4.2*se) {
			t.Errorf("%s, %s: p = %.5f, not %.5f (standard error %.5f)", row["term"], row["statistic"], got, want, se)
		}
	}
}
