package forest_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"coachsim/dgp"
	"coachsim/estimators/forest"
)

// A reference grows forests slowly and as written in the papers: values in
// place of ranks, every statistic from its definition as a permutation test,
// every split from the two groups it makes, children as pointers.
type reference struct {
	variables []forest.Variable
	control   forest.Control
	y         []float64
	x         [][]float64
	inputs    []int // drawn from, as left behind by earlier draws
}

type refNode struct {
	variable    int
	goesLeft    func(value float64) bool
	left, right *refNode
	n           int
	mean        float64
	p           float64
}

// permutationTest returns the quadratic statistic of the linear statistic
// T = Σ g(x)y, with its expectation and covariance under permutations
// (Hothorn, Hornik and Zeileis 2006, equation 2), and the degrees of freedom.
func (o *reference) permutationTest(variable int, rows []int) (statistic, degrees float64) {
	n := float64(len(rows))
	var mean, variance float64
	for _, i := range rows {
		mean += o.y[i] / n
	}
	for _, i := range rows {
		variance += (o.y[i] - mean) * (o.y[i] - mean) / n
	}
	if o.variables[variable].Scale != forest.Unordered {
		var sum, squares, t float64
		vary := false
		for _, i := range rows {
			v := o.x[variable][i]
			sum += v
			squares += v * v
			t += v * o.y[i]
			vary = vary || v != o.x[variable][rows[0]]
		}
		if !vary {
			return 0, 0
		}
		sigma := n/(n-1)*variance*squares - 1/(n-1)*variance*sum*sum
		return (t - mean*sum) * (t - mean*sum) / sigma, 1
	}
	// Dummies of levels: with the Moore-Penrose inverse of their covariance the
	// form is Σ_k (T_k - n_k mean)²/n_k over n/(n-1) variance.
	counts, sums := map[float64]float64{}, map[float64]float64{}
	for _, i := range rows {
		counts[o.x[variable][i]]++
		sums[o.x[variable][i]] += o.y[i]
	}
	for level := range o.variables[variable].Levels {
		if m := counts[float64(level)]; m > 0 {
			d := sums[float64(level)] - m*mean
			statistic += d * d / m / (n / (n - 1) * variance)
		}
	}
	return statistic, float64(len(counts) - 1)
}

// bestSplit tries every split of a variable.
func (o *reference) bestSplit(variable int, rows []int) func(float64) bool {
	bucket := max(o.control.MinBucket, int(math.Ceil(o.control.MinShare*float64(len(rows)))))
	var values []float64
	for _, i := range rows {
		values = append(values, o.x[variable][i])
	}
	slices.Sort(values)
	values = slices.Compact(values)
	var rules []func(float64) bool
	if o.variables[variable].Scale == forest.Unordered {
		for set := range 1 << (len(values) - 1) {
			rules = append(rules, func(v float64) bool { k := slices.Index(values, v); return k == 0 || k > 0 && set>>(k-1)&1 == 0 })
		}
	} else {
		for _, cut := range values {
			rules = append(rules, func(v float64) bool { return v <= cut })
		}
	}
	var best func(float64) bool
	most := 0.0
	for _, rule := range rules {
		var n, left, sum, sumLeft float64
		for _, i := range rows {
			n++
			sum += o.y[i]
			if rule(o.x[variable][i]) {
				left++
				sumLeft += o.y[i]
			}
		}
		if left < float64(bucket) || n-left < float64(bucket) {
			continue
		}
		d := sumLeft/left - (sum-sumLeft)/(n-left)
		if statistic := d * d * left * (n - left) / n; statistic > most*(1+1e-12) {
			most, best = statistic, rule
		}
	}
	if best == nil || o.variables[variable].Scale != forest.Unordered {
		return best
	}
	// Levels that do not occur go with most rows.
	left := 0
	for _, i := range rows {
		if best(o.x[variable][i]) {
			left++
		}
	}
	return func(v float64) bool {
		if !slices.Contains(values, v) {
			return 2*left >= len(rows)
		}
		return best(v)
	}
}

func (o *reference) grow(rows []int, depth int, r *rand.Rand) *refNode {
	node := &refNode{variable: -1, n: len(rows)}
	for _, i := range rows {
		node.mean += o.y[i] / float64(len(rows))
	}
	if len(rows) < o.control.MinSplit || o.control.MaxDepth > 0 && depth >= o.control.MaxDepth {
		return node
	}
	constant := true
	for _, i := range rows {
		constant = constant && o.y[i] == o.y[rows[0]]
	}
	if constant {
		return node
	}
	p := len(o.inputs)
	drawn := p
	if k := o.control.Inputs; k > 0 && k < p {
		drawn = k
		for i := range drawn {
			j := i + int(r.Uint32N(uint32(p-i)))
			o.inputs[i], o.inputs[j] = o.inputs[j], o.inputs[i]
		}
	}
	type tested struct {
		variable int
		p        float64
	}
	var tests []tested
	for _, j := range o.inputs[:drawn] {
		if statistic, degrees := o.permutationTest(j, rows); degrees > 0 {
			tests = append(tests, tested{j, distuv.ChiSquared{K: degrees}.Survival(statistic)})
		}
	}
	slices.SortStableFunc(tests, func(a, b tested) int {
		switch {
		case a.p < b.p:
			return -1
		case a.p > b.p:
			return 1
		}
		return 0
	})
	k := 1.0
	switch o.control.Adjustment {
	case forest.BonferroniAll:
		k = float64(drawn)
	case forest.BonferroniVarying:
		k = float64(len(tests))
	}
	for _, test := range tests[:min(2, len(tests))] {
		if !(math.Pow(1-test.p, k) > o.control.MinCriterion) {
			break
		}
		goesLeft := o.bestSplit(test.variable, rows)
		if goesLeft == nil {
			continue
		}
		var left, right []int
		for _, i := range rows {
			if goesLeft(o.x[test.variable][i]) {
				left = append(left, i)
			} else {
				right = append(right, i)
			}
		}
		node.variable, node.goesLeft = test.variable, goesLeft
		node.left = o.grow(left, depth+1, r)
		node.right = o.grow(right, depth+1, r)
		break
	}
	return node
}

// leaf routes a case; value gives its values.
func (n *refNode) leaf(value func(variable int) float64) *refNode {
	for n.variable >= 0 {
		if n.goesLeft(value(n.variable)) {
			n = n.left
		} else {
			n = n.right
		}
	}
	return n
}

func (n *refNode) uses(variable int) bool {
	return n.variable >= 0 && (n.variable == variable || n.left.uses(variable) || n.right.uses(variable))
}

// meet calls f for every out-of-bag row at the first split on the variable it
// meets, left before right.
func (n *refNode) meet(o *reference, variable int, rows []int, f func(n *refNode, row int)) {
	if n.variable < 0 {
		return
	}
	var left, right []int
	for _, i := range rows {
		switch {
		case n.variable == variable:
			f(n, i)
		case n.goesLeft(o.x[n.variable][i]):
			left = append(left, i)
		default:
			right = append(right, i)
		}
	}
	if n.variable != variable {
		n.left.meet(o, variable, left, f)
		n.right.meet(o, variable, right, f)
	}
}

// varied returns the squared errors of the out-of-bag rows of a tree with a
// variable varied, by the same draws as the forest's.
func (o *reference) varied(kind forest.Importance, root *refNode, variable int, train, out []int, values *[]int, r *rand.Rand) (squares float64) {
	replaced := map[int]*refNode{}
	value := func(i int) func(int) float64 { return func(j int) float64 { return o.x[j][i] } }
	switch kind.Variation {
	case forest.Permutation:
		drawn := 0
		root.meet(o, variable, out, func(n *refNode, i int) {
			k := drawn + int(r.Uint32N(uint32(len(out)-drawn)))
			(*values)[drawn], (*values)[k] = (*values)[k], (*values)[drawn]
			from := (*values)[drawn]
			drawn++
			replaced[i] = n.leaf(func(j int) float64 {
				if j == variable {
					return o.x[j][from]
				}
				return o.x[j][i]
			})
		})
	case forest.Routing:
		root.meet(o, variable, out, func(n *refNode, i int) {
			for n.variable >= 0 {
				switch {
				case n.variable == variable && int(r.Uint32N(uint32(n.n))) < n.left.n, n.variable != variable && n.goesLeft(o.x[n.variable][i]):
					n = n.left
				default:
					n = n.right
				}
			}
			replaced[i] = n
		})
	case forest.NodePermutation:
		var descend func(n *refNode, rows []int)
		descend = func(n *refNode, rows []int) {
			if n.variable < 0 {
				for _, i := range rows {
					replaced[i] = n
				}
				return
			}
			var left, right []int
			for _, i := range rows {
				if n.goesLeft(o.x[n.variable][i]) {
					left = append(left, i)
				} else {
					right = append(right, i)
				}
			}
			rows = slices.Concat(left, right)
			if n.variable == variable {
				for i := range left {
					k := i + int(r.Uint32N(uint32(len(rows)-i)))
					rows[i], rows[k] = rows[k], rows[i]
				}
			}
			m := len(left)
			descend(n.left, slices.Clone(rows[:m]))
			descend(n.right, slices.Clone(rows[m:]))
		}
		descend(root, train)
	}
	for _, i := range out {
		leaf := replaced[i]
		if leaf == nil {
			leaf = root.leaf(value(i))
		}
		squares += (o.y[i] - leaf.mean) * (o.y[i] - leaf.mean)
	}
	return squares
}

// A forest is that of the reference, given the same draws: trees, predictions,
// errors and importances.
func TestForestIsTheReference(t *testing.T) {
	const n, p, trees = 90, 9, 12
	y, x := teachers(n, p, 11)
	r := dgp.NewSource().Load(dgp.Stream{Seed: 3}, 1).Rand
	variables := numeric(p)
	variables[6], variables[8] = forest.Variable{Scale: forest.Unordered, Levels: 5}, forest.Variable{Scale: forest.Unordered, Levels: 2}
	for i := range n {
		x[6][i] = float64(r.IntN(5))
	}
	onlyNumeric, plain := slices.Clone(variables), slices.Clone(variables)
	for j := range onlyNumeric {
		onlyNumeric[j] = forest.Variable{}
	}
	train := upTo(n)[:70]
	test := upTo(n)[70:]
	for name, c := range map[string]struct {
		variables []forest.Variable
		change    func(c *forest.Control)
	}{
		"numeric":         {onlyNumeric, func(*forest.Control) {}},
		"levels":          {plain, func(c *forest.Control) { c.MinSplit, c.MinBucket = 8, 3 }},
		"bootstrap":       {plain, func(c *forest.Control) { c.Bootstrap = true }},
		"significant":     {onlyNumeric, func(c *forest.Control) { c.Adjustment, c.MinCriterion = forest.BonferroniVarying, 0.4 }},
		"significant all": {plain, func(c *forest.Control) { c.Adjustment, c.MinCriterion, c.Inputs = forest.BonferroniAll, 0.3, 5 }},
		"depth":           {plain, func(c *forest.Control) { c.MaxDepth, c.MinBucket, c.MinShare = 2, 1, 0.2 }},
	} {
		t.Run(name, func(t *testing.T) {
			control := forest.Defaults(p)
			control.MinSplit, control.MinBucket = 12, 5
			c.change(&control)
			f := forest.New(c.variables, n)
			if err := f.Load(y, x); err != nil {
				t.Fatal(err)
			}
			stream := dgp.Stream{Seed: 5}
			f.Grow(train, control, trees-4, dgp.NewSource().Load(stream, 1).Rand) // dropped by the next
			source := dgp.NewSource().Load(stream, 2).Rand
			f.Grow(train, control, trees-4, source)
			f.More(4, source)

			o := &reference{variables: c.variables, control: control, y: y, x: x, inputs: upTo(p)}
			r := dgp.NewSource().Load(stream, 2).Rand
			order := slices.Clone(train)
			var roots []*refNode
			var outs [][]int
			predicted, times := make([]float64, n), make([]float64, n)
			testSum := make([]float64, n)
			for k := range trees {
				var bag, out []int
				if control.Bootstrap {
					for range train {
						bag = append(bag, train[r.Uint32N(uint32(len(train)))])
					}
					for _, i := range train {
						if !slices.Contains(bag, i) {
							out = append(out, i)
						}
					}
				} else {
					size := int(math.Ceil(0.632 * float64(len(train))))
					for i := len(train) - 1; i >= size; i-- {
						j := int(r.Uint32N(uint32(i + 1)))
						order[i], order[j] = order[j], order[i]
					}
					bag, out = slices.Clone(order[:size]), slices.Clone(order[size:])
				}
				root := o.grow(bag, 0, r)
				compareTrees(t, k, f.Tree(k), 0, root)
				roots, outs = append(roots, root), append(outs, out)
				for _, i := range out {
					predicted[i] += root.leaf(func(j int) float64 { return x[j][i] }).mean
					times[i]++
				}
				for _, i := range test {
					testSum[i] += root.leaf(func(j int) float64 { return x[j][i] }).mean
				}
			}
			near := func(what string, got, want float64) {
				t.Helper()
				if !(math.Abs(got-want) <= 1e-10*(1+math.Abs(want))) {
					t.Errorf("%s is %.14g, not %.14g", what, got, want)
				}
			}
			mse, m := 0.0, 0.0
			for _, i := range train {
				got, ok := f.OOB(i)
				if ok != (times[i] > 0) {
					t.Fatalf("row %d: out of bag %v times", i, times[i])
				}
				if ok {
					near("an out-of-bag prediction", got, predicted[i]/times[i])
					mse += (y[i] - predicted[i]/times[i]) * (y[i] - predicted[i]/times[i])
					m++
				}
			}
			near("the out-of-bag error", f.OOBMSE(), mse/m)
			got := make([]float64, len(test))
			f.Predict(test, got)
			testMSE := 0.0
			for k, i := range test {
				near("a prediction", got[k], testSum[i]/trees)
				values := make([]float64, p)
				for j := range values {
					values[j] = x[j][i]
				}
				near("a prediction of values", f.PredictValues(values), testSum[i]/trees)
				testMSE += (y[i] - testSum[i]/trees) * (y[i] - testSum[i]/trees) / float64(len(test))
			}
			near("the test error", f.MSE(test), testMSE)

			values := []float64{-0.3, x[1][test[0]], 7}
			f.PartialDependence(1, values, got)
			for k, v := range values {
				mean := 0.0
				for _, i := range train {
					for _, root := range roots {
						mean += root.leaf(func(j int) float64 {
							if j == 1 {
								return v
							}
							return x[j][i]
						}).mean / float64(trees*len(train))
					}
				}
				near("partial dependence", got[k], mean)
			}

			for _, kind := range []forest.Importance{{}, {Using: true}, {Variation: forest.Permutation}, {Variation: forest.NodePermutation}, {Variation: forest.NodePermutation, Using: true}} {
				source, r := dgp.NewSource().Load(stream, 3).Rand, dgp.NewSource().Load(stream, 3).Rand
				importance := make([]float64, p)
				f.Importance(kind, importance, source)
				want, using := make([]float64, p), make([]float64, p)
				for k, root := range roots {
					outs[k] = leftFirst(o, root, outs[k])
					values := slices.Clone(outs[k])
					for j := range p {
						if !root.uses(j) {
							continue
						}
						before := 0.0
						for _, i := range outs[k] {
							e := y[i] - root.leaf(func(j int) float64 { return x[j][i] }).mean
							before += e * e
						}
						want[j] += (o.varied(kind, root, j, train, outs[k], &values, r) - before) / float64(len(outs[k]))
						using[j]++
					}
				}
				for j := range want {
					if kind.Using {
						want[j] /= max(using[j], 1)
					} else {
						want[j] /= trees
					}
					near("an importance by "+kind.Variation.String(), importance[j], want[j])
				}
			}
		})
	}
}

// leftFirst orders rows by the leaves they reach, left to right.
func leftFirst(o *reference, n *refNode, rows []int) []int {
	if n.variable < 0 {
		return rows
	}
	var left, right []int
	for _, i := range rows {
		if n.goesLeft(o.x[n.variable][i]) {
			left = append(left, i)
		} else {
			right = append(right, i)
		}
	}
	return append(slices.Clone(leftFirst(o, n.left, left)), leftFirst(o, n.right, right)...)
}

func compareTrees(t *testing.T, tree int, nodes []forest.Node, at int, want *refNode) {
	t.Helper()
	got := nodes[at]
	if got.Variable != want.variable || got.N != want.n || math.Abs(got.Mean-want.mean) > 1e-12*(1+math.Abs(want.mean)) {
		t.Fatalf("tree %d splits %d rows of mean %.14g on %d, not %d of %.14g on %d", tree, got.N, got.Mean, got.Variable, want.n, want.mean, want.variable)
	}
	if got.Variable >= 0 {
		compareTrees(t, tree, nodes, got.Left, want.left)
		compareTrees(t, tree, nodes, got.Right, want.right)
	}
}
