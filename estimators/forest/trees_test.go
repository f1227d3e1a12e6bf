package forest_test

import (
	"cmp"
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators/forest"
)

// readTable reads a table of testdata.
func readTable(t *testing.T, name string) []map[string]string {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", name+".csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	records, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]map[string]string, len(records)-1)
	for i, record := range records[1:] {
		rows[i] = map[string]string{}
		for k, field := range record {
			rows[i][records[0][k]] = field
		}
	}
	return rows
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	if text == "NA" {
		return math.NaN()
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// dataSets are the inputs of the data of trees.R.
var dataSets = map[string][]forest.Variable{
	"numeric": {{Name: "x1"}, {Name: "x2"}, {Name: "binary"}, {Name: "few"}, {Name: "far"}, {Name: "noise1"}, {Name: "noise2"}},
	"mixed": {
		{Name: "ordered", Scale: forest.Ordered}, {Name: "region", Scale: forest.Unordered, Levels: 6}, {Name: "school", Scale: forest.Unordered, Levels: 3},
		{Name: "two", Scale: forest.Unordered, Levels: 2}, {Name: "x"}, {Name: "noise"},
	},
	"varying": {{Name: "gate"}, {Name: "x"}, {Name: "constant"}, {Name: "late"}, {Name: "level", Scale: forest.Unordered, Levels: 4}},
}

// load reads a data set of trees.R into a new forest.
func load(t *testing.T, name string) (*forest.Forest, int) {
	t.Helper()
	rows := readTable(t, name)
	variables := dataSets[name]
	y := make([]float64, len(rows))
	x := make([][]float64, len(variables))
	for j, v := range variables {
		x[j] = make([]float64, len(rows))
		for i, row := range rows {
			x[j][i] = number(t, row[v.Name])
			y[i] = number(t, row["y"])
		}
	}
	if err := forest.ValidateVariables(variables, len(rows)); err != nil {
		t.Fatal(err)
	}
	f := forest.New(variables, len(rows))
	if err := f.Load(y, x); err != nil {
		t.Fatal(err)
	}
	return f, len(rows)
}

// Trees are those of partykit's and party's ctree: the same variables and cut
// points, with statistics and p-values to 1e-8. The p-value of the maximum
// statistic of an unordered variable is found by integration here and by random
// points there, so it agrees to their accuracy.
func TestTreesAreThoseOfR(t *testing.T) {
	with := func(change func(c *forest.Control)) forest.Control {
		c := forest.TreeDefaults()
		change(&c)
		return c
	}
	for name, fit := range map[string]struct {
		data    string
		control forest.Control
	}{
		"numeric":         {"numeric", forest.TreeDefaults()},
		"numeric-maximum": {"numeric", with(func(c *forest.Control) { c.Statistic, c.MinCriterion = forest.Maximum, 0.7 })},
		"numeric-univariate": {"numeric", with(func(c *forest.Control) {
			c.Adjustment, c.MinCriterion, c.MinSplit, c.MinBucket = forest.Univariate, 0.8, 10, 3
		})},
		"numeric-depth": {"numeric", with(func(c *forest.Control) { c.MinCriterion, c.MaxDepth = 0.5, 2 })},
		"numeric-full": {"numeric", with(func(c *forest.Control) {
			c.Adjustment, c.MinCriterion, c.MinSplit, c.MinBucket = forest.Univariate, 0, 12, 4
		})},
		"mixed":            {"mixed", forest.TreeDefaults()},
		"mixed-maximum":    {"mixed", with(func(c *forest.Control) { c.Statistic, c.MinCriterion = forest.Maximum, 0.6 })},
		"mixed-bucket":     {"mixed", with(func(c *forest.Control) { c.MinCriterion, c.MinBucket, c.MinSplit = 0.4, 18, 40 })},
		"mixed-univariate": {"mixed", with(func(c *forest.Control) { c.Adjustment, c.MinCriterion, c.MinShare = forest.Univariate, 0.65, 0.1 })},
		"varying":          {"varying", with(func(c *forest.Control) { c.MinCriterion = 0.5 })},
		"varying-univariate": {"varying", with(func(c *forest.Control) {
			c.Adjustment, c.MinCriterion, c.MinSplit, c.MinBucket = forest.Univariate, 0.5, 15, 5
		})},
		"party-numeric": {"numeric", with(func(c *forest.Control) { c.Adjustment, c.MinCriterion = forest.BonferroniAll, 0.7 })},
		"party-varying": {"varying", with(func(c *forest.Control) { c.Adjustment, c.MinCriterion = forest.BonferroniAll, 0.5 })},
		"party-mixed":   {"mixed", with(func(c *forest.Control) { c.Adjustment, c.MinCriterion = forest.BonferroniAll, 0.6 })},
	} {
		t.Run(name, func(t *testing.T) {
			f, n := load(t, fit.data)
			variables := dataSets[fit.data]
			if err := fit.control.Validate(len(variables)); err != nil {
				t.Fatal(err)
			}
			f.GrowTree(upTo(n), fit.control, dgp.NewSource().Load(dgp.Stream{}, 1).Rand)
			got := f.Tree(0)
			var want []map[string]string
			for _, row := range readTable(t, "trees") {
				if row["fit"] == name {
					want = append(want, row)
				}
			}
			if strings.HasPrefix(name, "party") {
				// party names the sides of a split of levels otherwise.
				slices.SortFunc(got, func(a, b forest.Node) int { return cmp.Or(a.N-b.N, cmp.Compare(a.Mean, b.Mean)) })
				slices.SortFunc(want, func(a, b map[string]string) int {
					return cmp.Or(cmp.Compare(number(t, a["n"]), number(t, b["n"])), cmp.Compare(number(t, a["mean"]), number(t, b["mean"])))
				})
			}
			if len(got) != len(want) {
				t.Fatalf("the tree has %d nodes, not %d: %+v", len(got), len(want), got)
			}
			for i, node := range got {
				r := want[i]
				variable := ""
				if node.Variable >= 0 {
					variable = variables[node.Variable].Name
				}
				if variable != r["variable"] || strconv.Itoa(node.N) != r["n"] {
					t.Fatalf("node %d splits %d rows on %q, not %s on %q", i+1, node.N, variable, r["n"], r["variable"])
				}
				if cut := number(t, r["cut"]); node.Variable >= 0 && !math.IsNaN(cut) && node.Cut != cut {
					t.Errorf("node %d is cut at %v, not %v", i+1, node.Cut, cut)
				}
				if want := r["levels"]; want != "" {
					// Those that do not occur in the node go to either side.
					for _, level := range strings.Fields(want) {
						if k, _ := strconv.Atoi(level); !slices.Contains(node.Levels, k) && !strings.HasPrefix(name, "party") {
							t.Errorf("in node %d the levels %v go left, not %s", i+1, node.Levels, want)
						}
					}
				}
				tolerance := 1e-8
				if node.Tested >= 0 && fit.control.Statistic == forest.Maximum && variables[node.Tested].Levels > 2 {
					tolerance = 1e-4
				}
				statistic, p := number(t, r["statistic"]), number(t, r["p"])
				if !math.IsNaN(statistic) && !(math.Abs(node.Statistic-statistic) <= 1e-8*(1+statistic)) {
					t.Errorf("node %d has statistic %.12g, not %.12g", i+1, node.Statistic, statistic)
				}
				if math.IsNaN(p) != math.IsNaN(node.P) && !strings.HasPrefix(name, "party") || math.Abs(node.P-p) > tolerance || p > 1e-13 && math.Abs(node.P-p) > 1e-3*p {
					t.Errorf("node %d has p = %.12g, not %.12g", i+1, node.P, p)
				}
				if mean := number(t, r["mean"]); math.Abs(node.Mean-mean) > 1e-12*(1+math.Abs(mean)) {
					t.Errorf("node %d has mean %.15g, not %.15g", i+1, node.Mean, mean)
				}
			}
		})
	}
}
