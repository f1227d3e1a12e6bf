package main

import (
	"math"
	"slices"
	"strings"

	"coachsim/dgp/datafile"
	"coachsim/estimators"
)

// A jsonComponent is a variance component; icc and correlation are null where there
// is none.
type jsonComponent struct {
	Outcome     string  `json:"outcome"`
	Level       string  `json:"level"`
	Term        string  `json:"term,omitempty"`
	Variance    float64 `json:"variance"`
	SD          float64 `json:"sd"`
	ICC         any     `json:"icc"`
	With        string  `json:"with,omitempty"`
	Correlation any     `json:"correlation"`
}

func (r *fitted) jsonComponents() []jsonComponent {
	var all []jsonComponent
	for _, c := range r.components {
		all = append(all, jsonComponent{c.Outcome, c.Level, c.Term, c.Variance, math.Sqrt(c.Variance), jsonValue(c.ICC), c.With, jsonValue(c.Correlation)})
	}
	return all
}

// namedComponents gives variance components the names that levels have in the file.
func (one *fit) namedComponents(components []estimators.VarianceComponent) []estimators.VarianceComponent {
	levels := map[string]string{}
	for i, level := range datafile.NestedLevels(len(one.nested))[:len(one.nested)] {
		levels[level] = one.nested[i]
	}
	for i, c := range components {
		parts := strings.Split(c.Level, "/")
		for k, part := range parts {
			if own, ok := levels[part]; ok {
				parts[k] = own
			}
		}
		components[i].Level = strings.Join(parts, "/")
	}
	return components
}

// componentCells are the texts of the table of variance components.
func (r *fitted) componentCells() [][]string {
	correlated := slices.ContainsFunc(r.components, func(c estimators.VarianceComponent) bool { return c.With != "" })
	shares := slices.ContainsFunc(r.components, func(c estimators.VarianceComponent) bool { return !math.IsNaN(c.ICC) })
	header := []string{"outcome", "random effect", "variance", "SD"}
	if shares {
		header = append(header, "ICC")
	}
	if correlated {
		header = append(header, "correlation")
	}
	rows := [][]string{header}
	for _, c := range r.components {
		effect := c.Level
		if c.Term != "" {
			effect += " " + c.Term
		}
		sd := math.Sqrt(c.Variance)
		cells := []string{c.Outcome, effect, plain(c.Variance, digitsFor(c.Variance, c.Variance)), plain(sd, digitsFor(sd, sd))}
		if shares {
			icc := ""
			if c.Level != "residual" {
				icc = plain(c.ICC, 3)
			}
			cells = append(cells, icc)
		}
		if correlated {
			text := ""
			if c.With != "" {
				text = plain(c.Correlation, 2)
			}
			cells = append(cells, text)
		}
		rows = append(rows, cells)
	}
	return rows
}
