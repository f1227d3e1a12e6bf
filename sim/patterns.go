package sim

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
)

// A Pattern is something that several published cells show together, with the share
// of simulated data sets that show it.
type Pattern struct {
	Name  string
	Share float64
	MCSE  float64
	N     int // data sets
}

// Extremes fills, for every compared cell, the share of simulated data sets whose
// estimate is at least as far as the published value on that side of the mean; for a
// tick the share with the same tick. It returns the patterns of ticks: for every
// table and column, the share of data sets that show all of its ticks and crosses, and
// for every estimator of these the shares that list no term without an effect, that list
// at least as many terms as are ticked, and that do both.
func Extremes(all []Comparison, chunks iter.Seq2[[]Record, error]) ([]Pattern, error) {
	type column struct{ table, column string }
	cells := map[Test][]int{}
	var columns []column
	var selectors []string
	for i, c := range all {
		key := Test{c.Estimator, c.Outcome, c.Term}
		cells[key] = append(cells[key], i)
		if c.Kind != "tick" {
			continue
		}
		if at := (column{c.Table, c.Column}); !slices.Contains(columns, at) {
			columns = append(columns, at)
		}
		if !slices.Contains(selectors, c.Estimator) {
			selectors = append(selectors, c.Estimator)
		}
	}
	ticked := map[string]int{} // terms, by selector
	for i, c := range all {
		again := func(o Comparison) bool { return o.Kind == "tick" && o.Estimator == c.Estimator && o.Term == c.Term }
		if c.Kind == "tick" && c.Value == 1 && !slices.ContainsFunc(all[:i], again) {
			ticked[c.Estimator]++
		}
	}
	extreme, n := make([]int, len(all)), make([]int, len(all))
	whole, clean, many, both := map[column]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	replicates := 0
	missed, mistaken, listed := map[column]bool{}, map[string]bool{}, map[string]int{}
	finish := func() {
		for _, c := range columns {
			if !missed[c] {
				whole[c]++
			}
		}
		for _, s := range selectors {
			enough := listed[s] >= ticked[s]
			clean[s] += count(!mistaken[s])
			many[s] += count(enough)
			both[s] += count(enough && !mistaken[s])
		}
		replicates++
		clear(missed)
		clear(mistaken)
		clear(listed)
	}
	last := -1
	for records, err := range chunks {
		if err != nil {
			return nil, err
		}
		for i := range records {
			r := &records[i]
			if r.Replicate != last {
				if last >= 0 {
					finish()
				}
				last = r.Replicate
			}
			worked := judged(r.Estimate).Worked()
			if r.Estimand == predictorName && strings.HasPrefix(r.Term, "listed(") {
				if worked && r.Value != 0 {
					listed[r.Estimator]++
				}
				if r.Truth == 0 && (!worked || r.Value != 0) {
					mistaken[r.Estimator] = true
				}
			}
			for _, k := range cells[Test{r.Estimator, r.Outcome, r.Term}] {
				c := &all[k]
				same := worked && r.Value == c.Value
				if c.Kind == "tick" && !same {
					missed[column{c.Table, c.Column}] = true
				}
				if !worked {
					continue
				}
				n[k]++
				if same || c.Kind != "tick" && (c.Value >= c.Mean && r.Value >= c.Value || c.Value < c.Mean && r.Value <= c.Value) {
					extreme[k]++
				}
			}
		}
	}
	if last >= 0 {
		finish()
	}
	for k := range all {
		if all[k].Kind == "p" {
			all[k].Extreme, all[k].ExtremeMCSE = math.NaN(), math.NaN()
			continue
		}
		all[k].Extreme, all[k].ExtremeMCSE = share(extreme[k], n[k])
	}
	var patterns []Pattern
	add := func(name string, count int) {
		p := Pattern{Name: name, N: replicates}
		p.Share, p.MCSE = share(count, replicates)
		patterns = append(patterns, p)
	}
	for _, c := range columns {
		add(fmt.Sprintf("Table %s, %s: all ticks and crosses together", c.table, c.column), whole[c])
	}
	for _, s := range selectors {
		add(s+": no term listed that has no effect", clean[s])
		add(fmt.Sprintf("%s: at least %d terms listed, as many as are ticked", s, ticked[s]), many[s])
		add(fmt.Sprintf("%s: both, at least %d terms listed and none without an effect", s, ticked[s]), both[s])
	}
	return patterns, nil
}
