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
		if one.averages() {
			return dgp.ChildLevel // which the estimator takes means of
		}
		for _, o := range one.formula.Outcomes {
			columns, _ := o.Columns()
			for _, c := range columns {
				names = append(names, c.Name)
			}
		}
	}
	for _, name := range names {
		if i := shape.Index(name); i >= 0 {
			level = max(level, shape.Columns[i].Level)
		}
	}
	return level
}

// averages reports whether an outcome is the mean of groups of rows, such as
// mean(y, school), so that these are the rows of the regression.
func (one *fit) averages() bool {
	return one.formula != nil && slices.ContainsFunc(one.formula.Outcomes, func(o estimators.Outcome) bool { return o.Calls("mean", "n") })
}

// apart reports whether every outcome is made of one column, so that each may
// have rows of its own.
func (one *fit) apart() bool {
	return !one.averages() && !slices.ContainsFunc(one.formula.Outcomes, func(o estimators.Outcome) bool {
		columns, groups := o.Columns()
		return len(columns) != 1 || len(groups)+len(o.Controls()) > 0
	})
}

// variables lists the outcomes and the variables of the right-hand side.
func (one *fit) variables() (outcomes, regressors []estimators.Variable) {
	outcomes, regressors = variablesOf(one.formula)
	if one.mediators != nil { // which are regressors too
		left, right := variablesOf(one.mediators)
		regressors = slices.Concat(regressors, left, right)
	}
	return outcomes, regressors
}

// variablesOf lists the variables on both sides of a formula.
func variablesOf(f *estimators.Formula) (outcomes, regressors []estimators.Variable) {
	for _, o := range f.Outcomes {
		outcomes = append(outcomes, o.Variable)
	}
	for _, t := range rightHand(f) {
		for _, p := range t.Factors {
			regressors = append(regressors, p.Variable)
		}
	}
	return outcomes, regressors
}

// useOf says what a variable needs of the table: what is computed row by row
// needs numbers, what has constants such as a mean every row.
func useOf(use *datafile.Use, v estimators.Variable, outcome bool) {
	columns, groups := v.Columns()
	constants := v.Calls("std", "center", "below", "above", "mean", "n", "klk", "anderson")
	use.Mark = use.Mark || constants
	for _, c := range slices.Concat(columns, v.Controls()) {
		if outcome || constants {
			use.Rows = append(use.Rows, c.Name)
		} else {
			use.Numbers = append(use.Numbers, c.Name)
		}
	}
	for _, g := range groups {
		if !slices.Contains(use.Factors, g.Name) {
			use.Factors = append(use.Factors, g.Name)
		}
	}
}

// A factorOption is a column that an option names.
type factorOption struct{ key, name string }

// factors lists the clusters and the blocks.
func (one *fit) factors() []factorOption {
	var all []factorOption
	for _, cluster := range estimators.ClusterNames(one.options.text("cluster")) {
		all = append(all, factorOption{"cluster", cluster})
	}
	if blocks := one.options.text("blocks"); blocks != "" {
		all = append(all, factorOption{"blocks", blocks})
	}
	if one.unit != "" {
		all = append(all, factorOption{"mediator-unit", one.unit})
	}
	for _, key := range foldKeys {
		if name := one.options.text(key); name != "" {
			all = append(all, factorOption{strings.ReplaceAll(key, "_", "-"), name})
		}
	}
	return all
}

// use says what the estimator needs of the table.
func (one *fit) use(table *datafile.Table) datafile.Use {
	use := datafile.Use{Rows: slices.Clone(one.columns), Where: one.where}
	if one.ratings != nil && one.mediators == nil { // of which a row may miss some
		use.Rows, use.Outcomes = nil, use.Rows
	}
	if one.formula != nil {
		outcomes, regressors := one.variables()
		for _, v := range outcomes {
			useOf(&use, v, true)
		}
		if one.apart() {
			use.Rows, use.Outcomes = nil, use.Rows
		}
		for _, v := range regressors {
			useOf(&use, v, false)
		}
		use.Numbers = append(use.Numbers, one.ratingNames()...)
		if one.averages() {
			use.Mark = false // a condition chooses the rows that are averaged
		}
		use.Nested = one.nested
		if absorb := one.formula.Absorb; absorb != "" && len(one.formula.Random) == 0 && !slices.Contains(use.Factors, absorb) {
			use.Factors = append(use.Factors, absorb)
		}
		if one.mediators != nil && one.mediators.Absorb != "" && !slices.Contains(use.Factors, one.mediators.Absorb) {
			use.Factors = append(use.Factors, one.mediators.Absorb)
		}
	}
	if weights := one.weights(); weights != "" {
		use.Numbers = append(use.Numbers, weights)
	}
	use.Mark = use.Mark && len(one.where.Columns()) > 0
	for _, factor := range one.factors() {
		if !slices.Contains(use.Factors, factor.name) {
			use.Factors = append(use.Factors, factor.name)
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
	if err := find(table, "formula", one.formula); err != nil {
		return err
	}
	if err := find(table, "mediator", one.mediators); err != nil {
		return err
	}
	if one.name != "" && one.unit != "" { // a study's classes may be the file's schools
		if _, err := table.Find(one.unit); err != nil {
			one.unit = ""
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
	if err := one.findRated(table); err != nil {
		return err
	}
	for _, factor := range one.factors() {
		if _, err := table.Find(factor.name); err != nil {
			return &estimators.KeyError{Key: factor.key, Offset: -1, Err: err}
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

// find looks up every column of a formula in the table; nil has none.
func find(table *datafile.Table, key string, f *estimators.Formula) error {
	if f == nil {
		return nil
	}
	var variables []estimators.Variable
	outcomes, regressors := variablesOf(f)
	for _, v := range slices.Concat(outcomes, regressors) {
		columns, groups := v.Columns()
		variables = slices.Concat(variables, columns, groups, v.Controls())
	}
	if f.Absorb != "" {
		variables = append(variables, estimators.Variable{Name: f.Absorb, Pos: f.AbsorbPos})
	}
	for _, r := range f.Random {
		variables = append(variables, estimators.Variable{Name: r.Level, Pos: r.Pos})
	}
	for _, v := range variables {
		if _, err := table.Find(v.Name); err != nil {
			return &estimators.KeyError{Key: key, Offset: v.Pos, Err: err}
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

// averagedRows returns the number of rows of a regression on means. Classes
// in the sample are these rows, unless another factor divides them.
func (one *fit) averagedRows(sample *datafile.Sample) (int, error) {
	rows := sample.Data.N[dgp.TeacherLevel]
	for _, o := range one.formula.Outcomes {
		_, groups := o.Columns()
		for _, g := range groups {
			if n := sample.Levels(g.Name); n != rows {
				return 0, &estimators.KeyError{Key: "formula", Offset: g.Pos, Err: fmt.Errorf("the rows would be %d parts of the %d levels of %s, because a factor, fixed effect or cluster varies within one", rows, n, g.Name)}
			}
		}
	}
	return rows, nil
}

// rename writes a formula with the sample's names of the fixed effect and of the
// groups of random intercepts.
func rename(sample *datafile.Sample, text string, f *estimators.Formula, nested []string) string {
	type name struct {
		at       int
		old, now string
	}
	var names []name
	levels := map[string]string{}
	for i, level := range datafile.NestedLevels(len(nested))[:len(nested)] {
		levels[nested[i]] = level
	}
	if a := f.Absorb; a != "" {
		now, ok := levels[a]
		if !ok {
			now = sample.Factor(a)
		}
		names = append(names, name{f.AbsorbPos, a, now})
	}
	for _, r := range f.Random {
		names = append(names, name{r.Pos, r.Level, levels[r.Level]})
	}
	outcomes, regressors := variablesOf(f)
	for _, v := range slices.Concat(outcomes, regressors) {
		_, groups := v.Columns()
		for _, g := range groups {
			if now := sample.Factor(g.Name); now != g.Name && strings.HasPrefix(text[g.Pos:], g.Name) {
				names = append(names, name{g.Pos, g.Name, now})
			}
		}
	}
	slices.SortFunc(names, func(a, b name) int { return b.at - a.at })
	names = slices.Compact(names) // a list stands in one place with all its terms
	for _, n := range names {
		text = text[:n.at] + n.now + text[n.at+len(n.old):]
	}
	return text
}
