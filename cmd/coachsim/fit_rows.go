package main

import (
	"fmt"
	"slices"
	"strings"

	"coachsim/dgp"
	"coachsim/dgp/datafile"
	"coachsim/estimators"
)

func readTable(s streams, argument string) (*datafile.Table, error) {
	var table *datafile.Table
	var err error
	if argument == "-" {
		table, err = datafile.Read(s.in, "standard input")
	} else {
		table, err = datafile.Open(argument)
	}
	if err != nil {
		return nil, &exitError{exitFile, err}
	}
	return table, nil
}

// weights is the column of the rows' weights, "" for none.
func (one *fit) weights() string {
	if _, again := one.options.method().(estimators.WildBootstrap); again {
		return "" // its weights are those of clusters
	}
	return one.options.text("weights")
}

// rowLevel is the level of the rows that the estimator takes in the study.
func (one *fit) rowLevel(shape dgp.Shape) dgp.Level {
	var level dgp.Level
	if level.UnmarshalText([]byte(one.options.text("rows"))) == nil {
		return level
	}
	level = dgp.SchoolLevel
	names := slices.Clone(one.columns)
	if one.formula != nil {
		for _, o := range one.formula.Outcomes {
			names = append(names, o.Name)
		}
	}
	for _, name := range names {
		if i := shape.Index(name); i >= 0 {
			level = max(level, shape.Columns[i].Level)
		}
	}
	return level
}

// use says what the estimator needs of the table.
func (one *fit) use(table *datafile.Table) datafile.Use {
	use := datafile.Use{Rows: slices.Clone(one.columns), Where: one.where}
	if one.formula != nil {
		for _, o := range one.formula.Outcomes {
			use.Rows = append(use.Rows, o.Name)
			use.Mark = use.Mark || o.Kind != estimators.Identity
		}
		for _, t := range rightHand(one.formula) {
			for _, p := range t.Factors {
				if p.Kind == estimators.Identity {
					use.Numbers = append(use.Numbers, p.Name)
				} else {
					use.Rows = append(use.Rows, p.Name)
					use.Mark = true
				}
			}
		}
		use.Nested = one.nested
		if absorb := one.formula.Absorb; absorb != "" && len(one.formula.Random) == 0 {
			use.Factors = append(use.Factors, absorb)
		}
	}
	if weights := one.weights(); weights != "" {
		use.Numbers = append(use.Numbers, weights)
	}
	use.Mark = use.Mark && len(one.where.Columns()) > 0
	for _, cluster := range estimators.ClusterNames(one.options.text("cluster")) {
		if !slices.Contains(use.Factors, cluster) {
			use.Factors = append(use.Factors, cluster)
		}
	}
	if one.level < dgp.ChildLevel {
		if _, err := table.Find(one.level.String()); err == nil {
			for l := dgp.BlockLevel; l <= one.level; l++ {
				if _, err := table.Find(l.String()); err == nil {
					use.Unit = append(use.Unit, l.String())
				}
			}
		}
	}
	return use
}

// findColumns looks up every column in the table.
func (one *fit) findColumns(table *datafile.Table) error {
	if one.formula != nil {
		var variables []estimators.Variable
		for _, o := range one.formula.Outcomes {
			variables = append(variables, o.Variable)
		}
		for _, t := range rightHand(one.formula) {
			for _, p := range t.Factors {
				variables = append(variables, p.Variable)
			}
		}
		if a := one.formula.Absorb; a != "" {
			variables = append(variables, estimators.Variable{Name: a, Pos: one.formula.AbsorbPos})
		}
		for _, r := range one.formula.Random {
			variables = append(variables, estimators.Variable{Name: r.Level, Pos: r.Pos})
		}
		for _, v := range variables {
			if _, err := table.Find(v.Name); err != nil {
				return &estimators.KeyError{Key: "formula", Offset: v.Pos, Err: err}
			}
		}
	}
	if err := one.nest(table); err != nil {
		return err
	}
	for _, name := range one.columns {
		if _, err := table.Find(name); err != nil {
			return &estimators.KeyError{Key: "columns", Offset: -1, Err: err}
		}
	}
	for _, cluster := range estimators.ClusterNames(one.options.text("cluster")) {
		if _, err := table.Find(cluster); err != nil {
			return &estimators.KeyError{Key: "cluster", Offset: -1, Err: err}
		}
	}
	if weights := one.weights(); weights != "" {
		if _, err := table.Find(weights); err != nil {
			return &estimators.KeyError{Key: "weights", Offset: -1, Err: err}
		}
	}
	for _, name := range one.where.Columns() {
		if _, err := table.Find(name); err != nil && one.name != "" {
			return &estimators.KeyError{Key: "where", Offset: -1, Err: err}
		}
	}
	return nil
}

// nest finds the groups of random effects and sorts them, the largest first. In
// (1 | a/b), b is told apart by a; in (1 | a) + (1 | b), each b must lie in one
// a, or each a in one b, as the estimator has no crossed effects. Fixed effects
// are those of the largest group, or of a larger one.
func (one *fit) nest(table *datafile.Table) error {
	if one.formula == nil || len(one.formula.Random) == 0 {
		return nil
	}
	one.nested = nil
	random, text := one.formula.Random, one.options.text("formula")
	fault := func(at int, format string, args ...any) error {
		return &estimators.KeyError{Key: "formula", Offset: at, Err: fmt.Errorf(format, args...)}
	}
	contains := func(larger, smaller estimators.RandomEffect) bool {
		return larger.Pos < smaller.Pos && strings.TrimSpace(text[larger.Pos+len(larger.Level):smaller.Pos]) == "/" || !table.Crosses(larger.Level, smaller.Level)
	}
	var sorted []estimators.RandomEffect
	intercepts := map[string]bool{}
	slopes := slices.ContainsFunc(random, func(r estimators.RandomEffect) bool { return r.Slopes != nil })
	for _, r := range random {
		if r.Intercept && intercepts[r.Level] {
			return fault(r.Pos, "the random intercept of %s stands here twice", r.Level)
		}
		intercepts[r.Level] = intercepts[r.Level] || r.Intercept
		if slices.ContainsFunc(sorted, func(o estimators.RandomEffect) bool { return o.Level == r.Level }) {
			continue
		}
		at := 0
		for at < len(sorted) && contains(sorted[at], r) {
			at++
		}
		for _, smaller := range sorted[at:] {
			if !contains(r, smaller) {
				return fault(r.Pos, "%s and %s cross, which cannot be fitted; write (1 | %s/%s) if %s are counted anew in each %s", smaller.Level, r.Level, smaller.Level, r.Level, r.Level, smaller.Level)
			}
		}
		if sorted = slices.Insert(sorted, at, r); len(sorted) > 2 && !slopes {
			return fault(r.Pos, "at most two random intercepts can be fitted")
		}
	}
	for _, r := range sorted {
		one.nested = append(one.nested, r.Level)
	}
	if absorb := one.formula.Absorb; absorb != "" && absorb != one.nested[0] {
		// The estimator takes fixed effects off between groups, not within.
		if table.Crosses(absorb, one.nested[0]) {
			return fault(one.formula.AbsorbPos, "%s varies within %s, which has a random intercept; enter %s by 0/1 columns before the |", absorb, one.nested[0], absorb)
		}
		one.nested = slices.Insert(one.nested, 0, absorb)
	}
	if len(one.nested) > 3 {
		return fault(random[0].Pos, "the random and fixed effects are of %d nested groups; at most three can be fitted", len(one.nested))
	}
	return nil
}

// formulaFor is the formula with the sample's names of the fixed effect and of
// the groups of random intercepts.
func (one *fit) formulaFor(sample *datafile.Sample) string {
	type name struct {
		at       int
		old, now string
	}
	var names []name
	levels := map[string]string{}
	for i, level := range datafile.NestedLevels(len(one.nested))[:len(one.nested)] {
		levels[one.nested[i]] = level
	}
	if a := one.formula.Absorb; a != "" {
		now, nested := levels[a]
		if !nested {
			now = sample.Factor(a)
		}
		names = append(names, name{one.formula.AbsorbPos, a, now})
	}
	for _, r := range one.formula.Random {
		names = append(names, name{r.Pos, r.Level, levels[r.Level]})
	}
	slices.SortFunc(names, func(a, b name) int { return b.at - a.at })
	text := one.options.text("formula")
	for _, n := range names {
		text = text[:n.at] + n.now + text[n.at+len(n.old):]
	}
	return text
}
