package report

import (
	"slices"
	"strings"

	"coachsim/plots"
	"coachsim/sim"
)

// maxPageCosts is how many designs of a sweep have their cost on the page.
const maxPageCosts = 20

// costTables are what the trial costs, item by item, and of a sweep what each of its
// designs does in all; none without prices.
func costTables(r Run) ([]pageTable, error) {
	designs := []sim.Study{r.design()}
	if n := len(r.Study.Cells); n > 1 && n <= maxPageCosts {
		designs = nil
		for _, cell := range r.Study.Cells {
			designs = append(designs, cell.Study)
		}
	}
	var costs [][]sim.CostItem
	for _, design := range designs {
		if design.Cost == nil {
			return nil, nil
		}
		items, err := design.Cost.Items(design.Trial)
		if err != nil {
			return nil, err
		}
		costs = append(costs, items)
	}
	if len(costs[0]) == 0 {
		return nil, nil
	}
	same := !slices.ContainsFunc(costs, func(items []sim.CostItem) bool { return sim.TotalCost(items) != sim.TotalCost(costs[0]) })
	of := "the trial"
	switch {
	case len(designs) > 1 && same:
		of = "each design"
	case len(r.Study.Cells) > 1:
		of = "the first design"
	}
	items := pageTable{
		Fixed: true, ID: "cost", Caption: "Cost of " + of + ", by the prices of the study",
		Heads: []pageHead{{"Item", true}, {"Units", false}, {"Price", false}, {"Cost", false}},
		Notes: []string{"Units are expected numbers. Those that are lost after assignment are paid for, tests that are not taken are not."},
	}
	for _, item := range costs[0] {
		units, price := numberCell(item.Counted(), ""), numberCell(item.WrittenPrice(), "")
		if item.Unit == "fixed" {
			units, price = pageCell{}, pageCell{}
		}
		items.row("", wordCell(strings.ReplaceAll(item.Unit, "_", " ")), units, price, numberCell(sim.WrittenCost(item.Sum()), ""))
	}
	items.row("", wordCell("all"), pageCell{}, pageCell{}, numberCell(sim.WrittenCost(sim.TotalCost(costs[0])), ""))
	if same {
		return []pageTable{items}, nil
	}
	each := pageTable{ID: "costs", Caption: "Cost of every design"}
	var keys []string
	for _, f := range r.Study.Cells[0].Factors {
		keys = append(keys, f.Key)
	}
	for _, words := range plots.InWords(keys) {
		each.Heads = append(each.Heads, pageHead{capital(words), true})
	}
	each.Heads = append(each.Heads, pageHead{"Cost", false})
	for i, cell := range r.Study.Cells {
		var cells []pageCell
		for _, f := range cell.Factors {
			cells = append(cells, wordCell(plots.Bare(f.Value)))
		}
		each.row("", append(cells, numberCell(sim.WrittenCost(sim.TotalCost(costs[i])), ""))...)
	}
	return []pageTable{items, each}, nil
}
