package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"coachsim/estimators"
	"coachsim/estimators/forest"
)

// treeFlags are the flags of trees and forests: each is a key of the estimator.
type treeFlags struct {
	statistic, adjust, importance, emerges                   string
	mincriterion, minprob, fraction, conditional             float64
	permutations, minsplit, minbucket, maxdepth, trees, mtry int
	bootstrap, using, relative                               bool
	keyFlags
}

// register adds the flags. Their defaults are those of the estimators.
func (f *treeFlags) register(flags *pflag.FlagSet) {
	names := func(n interface{ Names() []string }) string { return strings.Join(n.Names(), ", ") }
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	own.StringVar(&f.statistic, "statistic", "", "`KIND` of test statistic of a tree's factors: "+names(forest.Statistic(0))+" (default quadratic)")
	own.StringVar(&f.adjust, "adjust-nodes", "", "`ADJUSTMENT` of the p-values in a tree's node: "+names(forest.Adjustment(0))+" (default bonferroni; of a forest univariate)")
	own.IntVar(&f.permutations, "permutations", 0, "`NUMBER` of permutations of Monte Carlo p-values in trees (default asymptotic)")
	own.Float64Var(&f.mincriterion, "mincriterion", 0, "split a tree's node if 1 - p is larger than `VALUE` (default 0.95; of a forest 0)")
	own.IntVar(&f.minsplit, "minsplit", 0, "`ROWS` that a tree's node needs to be split (default 20)")
	own.IntVar(&f.minbucket, "minbucket", 0, "`ROWS` that each part of a split needs (default 7)")
	own.Float64Var(&f.minprob, "minprob", 0, "`SHARE` of a node's rows that each part of a split needs (default 0.01)")
	own.IntVar(&f.maxdepth, "maxdepth", 0, "`SPLITS` on the way to a leaf, at most (default no limit)")
	own.IntVar(&f.trees, "trees", 0, "`NUMBER` of trees of a forest (default 1000)")
	own.IntVar(&f.mtry, "mtry", 0, "`NUMBER` of inputs drawn for each node of a forest (default the root of their number)")
	own.Float64Var(&f.fraction, "fraction", 0, "`SHARE` of the rows that each tree of a forest is grown on (default 0.632)")
	own.BoolVar(&f.bootstrap, "bootstrap-rows", false, "grow each tree of a forest on a bootstrap sample")
	own.StringVar(&f.importance, "importance", "", "`KIND` of permutation importance of a forest: "+names(forest.Variation(0))+" (default routing)")
	own.BoolVar(&f.using, "using", false, "average importance over the trees that use the input")
	own.Float64Var(&f.conditional, "conditional", 0, "conditional importance (with --importance permutation) at this `THRESHOLD`, such as 0.2")
	own.BoolVar(&f.relative, "relative", false, "divide importances by the largest")
	own.StringVar(&f.emerges, "emerges", "", "`RULE` of importance: absmin, positive, top:K, share:S (default absmin)")
	flags.AddFlagSet(own)
	f.keyFlags = keyFlags{flags: own, has: grows, key: func(flag string) string {
		switch flag {
		case "adjust-nodes": // beside that of families
			return "adjust"
		case "bootstrap-rows":
			return "bootstrap"
		default:
			return flag
		}
	}}
}

// grows reports whether an estimator grows trees.
func grows(m estimators.Method) bool {
	switch m.(type) {
	case estimators.CTree, estimators.CForest:
		return true
	default:
		return false
	}
}

// growthInWords says how trees were grown.
func growthInWords(m estimators.Method) string {
	tests := func(g estimators.Growing) string {
		text := g.Statistic.String() + " statistics"
		if g.Permutations > 0 {
			text += fmt.Sprintf(", %d permutations", g.Permutations)
		}
		switch g.Adjust {
		case forest.BonferroniVarying:
			text += ", Bonferroni for the inputs that vary in the node"
		case forest.BonferroniAll:
			text += ", Bonferroni for all inputs tested"
		case forest.Univariate:
			text += ", unadjusted"
		}
		return fmt.Sprintf("%s, mincriterion %v, minsplit %d, minbucket %d", text, g.MinCriterion, g.MinSplit, g.MinBucket)
	}
	switch m := m.(type) {
	case estimators.CTree:
		return "conditional inference tree: " + tests(m.Growing)
	case estimators.CForest:
		rows := fmt.Sprintf("%v of the rows each", m.Fraction)
		if m.Bootstrap {
			rows = "bootstrap samples"
		}
		over := "all trees"
		if m.Using {
			over = "the trees that use the input"
		}
		kind := m.Importance.String()
		if m.Conditional > 0 {
			kind = fmt.Sprintf("conditional %s at %v", kind, m.Conditional)
		}
		return fmt.Sprintf("conditional inference forest: %d trees on %s, mtry %s, %s\nimportance by %s, mean over %s; emerges by %s",
			m.Trees, rows, cmp.Or(strings.TrimPrefix(fmt.Sprint(m.Mtry), "0"), "the root of the inputs"), tests(m.Growing), kind, over, m.Emerges)
	default:
		return ""
	}
}

// A jsonTree is the tree of one outcome.
type jsonTree struct {
	Outcome string     `json:"outcome"`
	Nodes   []jsonNode `json:"nodes"`
}

// A jsonNode is a node; left and right are numbers of nodes. A leaf has no term;
// tested is the term with the best test.
type jsonNode struct {
	Node      int      `json:"node"`
	Depth     int      `json:"depth"`
	Term      string   `json:"term,omitempty"`
	Cut       *float64 `json:"cut,omitempty"`
	Levels    []string `json:"levels,omitempty"`
	Left      int      `json:"left,omitempty"`
	Right     int      `json:"right,omitempty"`
	N         int      `json:"n"`
	Mean      float64  `json:"mean"`
	Tested    string   `json:"tested,omitempty"`
	Statistic any      `json:"statistic"`
	P         any      `json:"p.value"`
}

func (r *fitted) jsonTrees() []jsonTree {
	var all []jsonTree
	for _, tree := range r.trees {
		out := jsonTree{Outcome: tree.Outcome}
		for i, n := range tree.Nodes {
			node := jsonNode{Node: i + 1, Depth: n.Depth, Term: n.Term, Levels: n.Levels, N: n.N, Mean: n.Mean, Tested: n.Tested, Statistic: jsonValue(n.Statistic), P: jsonValue(n.P)}
			if n.Term != "" {
				node.Left, node.Right = n.Left+1, n.Right+1
				if n.Levels == nil {
					node.Cut = &n.Cut
				}
			}
			out.Nodes = append(out.Nodes, node)
		}
		all = append(all, out)
	}
	return all
}

// writeTrees draws the trees, a line for each node.
func (r *fitted) writeTrees(w io.Writer) {
	for i, tree := range r.trees {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w, tree.Outcome)
		for k, n := range tree.Nodes {
			line := fmt.Sprintf("%s%d) ", strings.Repeat("  ", n.Depth+1), k+1)
			switch {
			case n.Term == "":
				line += "leaf"
			case n.Levels != nil:
				line += fmt.Sprintf("%s in {%s}, left to %d, else %d", n.Term, strings.Join(n.Levels, ", "), n.Left+1, n.Right+1)
			default:
				line += fmt.Sprintf("%s <= %v, left to %d, else %d", n.Term, n.Cut, n.Left+1, n.Right+1)
			}
			line += fmt.Sprintf("; n = %d, mean = %s", n.N, plain(n.Mean, digitsFor(n.Mean, n.Mean)))
			if n.Tested != "" {
				line += fmt.Sprintf("; %s: statistic %s, p = %s", n.Tested, plain(n.Statistic, 3), pValue(n.P))
				line = strings.Replace(line, "p = <", "p < ", 1)
			}
			fmt.Fprintln(w, line)
		}
	}
}

// forestCells are the texts of a forest's table, the most important input first.
func (r *fitted) forestCells() [][]string {
	type input struct {
		outcome, term string
		importance    float64
		emerges       string
	}
	var inputs []input
	var others [][]string
	for _, row := range r.rows {
		inside := func(what string) (string, bool) {
			rest, ok := strings.CutPrefix(row.term, what+"(")
			return strings.TrimSuffix(rest, ")"), ok
		}
		if term, ok := inside("importance"); ok {
			inputs = append(inputs, input{row.outcome, term, row.estimate, row.status.String()})
		} else if term, ok := inside("emerges"); ok {
			k := slices.IndexFunc(inputs, func(in input) bool { return in.outcome == row.outcome && in.term == term })
			if row.status.Worked() {
				inputs[k].emerges = map[bool]string{true: "emerges"}[row.estimate == 1]
			}
		} else {
			others = append(others, []string{row.outcome, row.term, plain(row.estimate, digitsFor(row.estimate, row.estimate)), ""})
		}
	}
	slices.SortStableFunc(inputs, func(a, b input) int {
		return cmp.Or(strings.Compare(a.outcome, b.outcome), cmp.Compare(b.importance, a.importance))
	})
	most := 0.0
	for _, in := range inputs {
		most = max(most, in.importance)
	}
	cells := [][]string{{"outcome", "term", "estimate"}}
	for _, in := range inputs {
		cells = append(cells, []string{in.outcome, "importance(" + in.term + ")", plain(in.importance, digitsFor(most, most)+1), in.emerges})
	}
	return append(cells, others...)
}
