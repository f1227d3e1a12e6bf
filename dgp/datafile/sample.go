package datafile

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"coachsim/dgp"
)

// A Use says which columns of a table an estimator uses, and how.
type Use struct {
	// Numbers are regressors and the like.
	Numbers []string
	// Rows are numbers that must be seen row by row, even if they are the same
	// in all rows of a group: outcomes, and columns of which a mean or a
	// percentile is taken.
	Rows []string
	// Outcomes are such numbers of which a row may miss some, though not all:
	// each is a regression of its own.
	Outcomes []string
	// Factors are fixed effects and clusters. Numbers and text both do.
	Factors []string
	// Nested are the groups of random intercepts, and before them that of the
	// fixed effect beside them: up to three, the larger first.
	// Levels of the second are told apart by the first too.
	Nested []string
	// Where chooses rows.
	Where Condition
	// Mark keeps the rows that Where leaves out, and marks the others by 1 in
	// the column Sample.Marked: an estimator that takes a mean over all rows
	// before it restricts them needs both.
	Mark bool
	// Unit names columns that together identify a unit. Of every unit one row
	// is used; the columns used must not vary within it.
	Unit []string
}

// A Sample is the rows of a table that an estimator uses, laid out for it.
type Sample struct {
	Data  *dgp.Data
	Shape dgp.Shape
	// Marked is the column that marks the rows in use, "" if all are.
	Marked string
	// Used counts the rows in use.
	Used int
	// Dropped counts the rows that would be in use if no value were missing.
	Dropped int

	// Apart counts rows for each of the Outcomes that not all rows in use have.
	Apart map[string]Count

	factor map[string]string // the names of factors in Shape
	levels map[string]int    // the numbers of levels in use, by the names in the table
}

// A Count is of the rows for one outcome.
type Count struct {
	Used, Dropped int
	levels        map[string]int
}

// Levels returns how many levels of a factor the rows of the outcome have.
func (c Count) Levels(name string) int { return c.levels[name] }

// NestedLevels are the names in Shape's hierarchy of up to three nested groups.
func NestedLevels(groups int) []string {
	switch groups {
	case 1:
		return []string{dgp.SchoolLevel.String()}
	case 2:
		return []string{dgp.BlockLevel.String(), dgp.SchoolLevel.String()}
	default:
		return []string{dgp.BlockLevel.String(), dgp.SchoolLevel.String(), dgp.TeacherLevel.String()}
	}
}

// Crosses reports whether a group of the smaller column spreads over several
// of the larger one.
func (t *Table) Crosses(larger, smaller string) bool {
	l, err := t.Find(larger)
	if err != nil {
		return false
	}
	s, err := t.Find(smaller)
	if err != nil {
		return false
	}
	of := map[string]string{}
	for row := range t.rows {
		if t.Columns[l].missing(row) || t.Columns[s].missing(row) {
			continue
		}
		in, inner := t.Columns[l].cell(row), t.Columns[s].cell(row)
		if have, ok := of[inner]; ok && have != in {
			return true
		}
		of[inner] = in
	}
	return false
}

// Factor returns the name in Shape of a factor of the table. Where the table's
// column is used as a number too, Shape has two columns of that name. Beside
// nested groups a factor with the name of a level has another one.
func (s *Sample) Factor(name string) string { return s.factor[name] }

// Levels returns how many levels of a factor the rows in use have.
func (s *Sample) Levels(name string) int { return s.levels[name] }

// A picked row of a table.
type picked struct {
	row  int
	mark float64 // 1 if in use
}

// Sample lays out the rows of a table that have every value that is used.
//
// Estimators want classes of children within schools. Here each combination of
// levels of the factors is a class, in a school of its own: what estimators
// add up by class, they may then add up by any of the factors. A column that
// varies within no class is a column of teachers. Where there are random
// intercepts, schools are their groups, and of two the larger are blocks.
func (t *Table) Sample(u Use) (*Sample, error) {
	b := &sampling{table: t, use: u, s: &Sample{Apart: map[string]Count{}, factor: map[string]string{}, levels: map[string]int{}}}
	for _, step := range []func() error{b.findColumns, b.pick, b.reduce, b.checkFinite} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	b.codeFactors()
	b.sortIntoClasses()
	b.addColumns()
	return b.s, nil
}

// A sampling is the state of one call of Sample.
type sampling struct {
	table *Table
	use   Use
	s     *Sample

	numbers map[string]int // places in the table
	names   []string       // of numbers, in order, once each
	byRow   map[string]bool
	partial map[string]bool // of which rows in use may miss some
	factors []int
	nested  []int
	units   []int
	where   Condition

	rows  []picked
	codes [][]float64 // by factor and row
	inner [][]float64 // by nested group and row
	order []int       // rows, sorted into classes
	start []int       // first of each class in order
}

func (b *sampling) findColumns() error {
	b.numbers, b.byRow = map[string]int{}, map[string]bool{}
	for i, names := range [][]string{slices.Concat(b.use.Rows, b.use.Outcomes), b.use.Numbers} {
		for _, name := range names {
			if _, ok := b.numbers[name]; ok {
				continue
			}
			place, err := b.table.Find(name)
			if err != nil {
				return err
			}
			if _, err := b.table.numbers(place); err != nil {
				return err
			}
			b.numbers[name] = place
			b.byRow[name] = i == 0
			b.names = append(b.names, name)
		}
	}
	b.partial = map[string]bool{}
	for _, name := range b.use.Outcomes {
		if !slices.Contains(b.use.Rows, name) && !slices.Contains(b.use.Numbers, name) {
			b.partial[name] = true
		}
	}
	if len(b.partial) == 1 {
		clear(b.partial)
	}
	for _, list := range []struct {
		names  []string
		places *[]int
	}{{b.use.Factors, &b.factors}, {b.use.Nested, &b.nested}, {b.use.Unit, &b.units}} {
		for _, name := range list.names {
			place, err := b.table.Find(name)
			if err != nil {
				return err
			}
			*list.places = append(*list.places, place)
		}
	}
	var err error
	b.where, err = b.use.Where.bind(b.table)
	return err
}

// used lists the places of all columns in use.
func (b *sampling) used() []int {
	var places []int
	for _, name := range b.names {
		places = append(places, b.numbers[name])
	}
	places = append(places, b.factors...)
	places = append(places, b.nested...)
	return append(places, b.units...)
}

// pick picks the rows that have every value.
func (b *sampling) pick() error {
	used := b.used()
	misses := func(row int) bool {
		some := len(b.partial) == 0
		for _, name := range b.names {
			if missing := b.table.Columns[b.numbers[name]].missing(row); !b.partial[name] && missing {
				return true
			} else if b.partial[name] && !missing {
				some = true
			}
		}
		return !some || slices.ContainsFunc(used[len(b.names):], func(place int) bool { return b.table.Columns[place].missing(row) })
	}
	left := 0
	for row := range b.table.rows {
		v := b.where.of(b.table, row)
		complete := v != unknown && !misses(row)
		switch {
		case v == out && (!b.use.Mark || !complete):
			left++
		case v == out:
			left++
			b.rows = append(b.rows, picked{row, 0})
		case !complete:
			b.s.Dropped++
		default:
			b.rows = append(b.rows, picked{row, 1})
		}
	}
	if left+b.s.Dropped == b.table.rows {
		message := fmt.Sprintf("of %s, %d miss a value of a column in use", count(b.table.rows, "row"), b.s.Dropped)
		if len(b.where.tests) > 0 {
			message += fmt.Sprintf(" and %d are left out by the condition", left)
		}
		return &Error{File: b.table.Name, Message: "no row is left: " + message + b.emptiest(used)}
	}
	return nil
}

// emptiest names the column in use that misses the most values.
func (b *sampling) emptiest(used []int) string {
	most, name := 0, ""
	for _, place := range used {
		n := 0
		for row := range b.table.rows {
			if b.table.Columns[place].missing(row) {
				n++
			}
		}
		if n > most {
			most, name = n, b.table.Columns[place].Name
		}
	}
	if most == 0 {
		return ""
	}
	return fmt.Sprintf("; %s misses most, %d", name, most)
}

func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// reduce keeps the first row of every unit.
func (b *sampling) reduce() error {
	if len(b.units) == 0 {
		return nil
	}
	first := map[string]picked{}
	used := b.used()
	var kept []picked
	var key strings.Builder
	for _, p := range b.rows {
		key.Reset()
		for _, place := range b.units {
			fmt.Fprintf(&key, "%s\x00", b.table.Columns[place].cell(p.row))
		}
		other, ok := first[key.String()]
		if !ok {
			first[key.String()] = p
			kept = append(kept, p)
			continue
		}
		for _, place := range used {
			c := &b.table.Columns[place]
			if c.cell(p.row) != c.cell(other.row) {
				return b.table.fault(p.row, "the column %s is %s here, but %s in another row of the same %s", c.Name, c.cell(p.row), c.cell(other.row), b.use.Unit[len(b.use.Unit)-1])
			}
		}
	}
	b.rows = kept
	return nil
}

// cell writes a value.
func (c *Column) cell(row int) string {
	if c.Texts != nil {
		return c.Texts[row]
	}
	return fmt.Sprint(c.Numbers[row])
}

// checkFinite refuses infinities.
func (b *sampling) checkFinite() error {
	used := b.used()
	for _, p := range b.rows {
		for _, place := range used {
			if c := &b.table.Columns[place]; math.IsInf(c.number(p.row), 0) {
				return b.table.fault(p.row, "the column %s is infinite here; correct it, or leave it empty if it is missing", c.Name)
			}
		}
	}
	for _, p := range b.rows {
		b.s.Used += int(p.mark)
	}
	for name := range b.partial {
		n := Count{levels: map[string]int{}}
		for _, p := range b.rows {
			if p.mark == 1 && !b.table.Columns[b.numbers[name]].missing(p.row) {
				n.Used++
			}
		}
		if n.Used < b.s.Used {
			n.Dropped = b.s.Dropped + b.s.Used - n.Used
			b.s.Apart[name] = n
		} else if !slices.ContainsFunc(b.rows, func(p picked) bool { return b.table.Columns[b.numbers[name]].missing(p.row) }) {
			delete(b.partial, name)
		}
	}
	return nil
}

// codeFactors numbers the levels of every factor and nested group, in order.
func (b *sampling) codeFactors() {
	for i, place := range b.nested {
		codes, _ := b.code(place, b.use.Nested[i])
		b.inner = append(b.inner, codes)
	}
	for i, place := range b.factors {
		codes, labels := b.code(place, b.use.Factors[i])
		b.codes = append(b.codes, codes)
		name := b.use.Factors[i]
		var level dgp.Level
		if len(b.nested) > 0 && level.UnmarshalText([]byte(name)) == nil { // beside random intercepts, block means the level
			name = b.free(name)
		}
		b.s.factor[b.use.Factors[i]] = name
		b.s.Shape.Columns = append(b.s.Shape.Columns, dgp.Column{Name: name, Level: dgp.TeacherLevel, Levels: len(labels), Labels: labels})
	}
}

// code numbers the levels of a column, names them, and counts those in use.
func (b *sampling) code(place int, name string) (codes []float64, labels []string) {
	codes = make([]float64, len(b.rows))
	if c := &b.table.Columns[place]; c.Texts != nil {
		labels = code(codes, b.rows, c.Texts)
	} else {
		for _, v := range code(codes, b.rows, c.Numbers) {
			labels = append(labels, strconv.FormatFloat(v, 'g', -1, 64))
		}
	}
	seen := make([]bool, len(labels))
	b.s.levels[name] = 0
	for r, p := range b.rows {
		if p.mark == 1 && !seen[int(codes[r])] {
			seen[int(codes[r])] = true
			b.s.levels[name]++
		}
	}
	for outcome, n := range b.s.Apart {
		clear(seen)
		n.levels[name] = 0
		for r, p := range b.rows {
			if p.mark == 1 && !seen[int(codes[r])] && !b.table.Columns[b.numbers[outcome]].missing(p.row) {
				seen[int(codes[r])] = true
				n.levels[name]++
			}
		}
	}
	return codes, labels
}

// code fills codes with the rank of every row's value among those that occur,
// and returns those.
func code[T cmp.Ordered](codes []float64, rows []picked, values []T) []T {
	rank := map[T]int{}
	var levels []T
	for _, p := range rows {
		if _, ok := rank[values[p.row]]; !ok {
			rank[values[p.row]] = 0
			levels = append(levels, values[p.row])
		}
	}
	slices.Sort(levels)
	for i, v := range levels {
		rank[v] = i
	}
	for r, p := range rows {
		codes[r] = float64(rank[values[p.row]])
	}
	return levels
}

// free returns a name that no column in use has.
func (b *sampling) free(name string) string {
	taken := func(name string) bool {
		_, ok := b.numbers[name]
		return ok || slices.Contains(b.use.Factors, name)
	}
	for name = "." + name; taken(name); {
		name = "." + name
	}
	return name
}

// sortIntoClasses brings rows with the same levels of all factors together.
func (b *sampling) sortIntoClasses() {
	b.order = make([]int, len(b.rows))
	for r := range b.order {
		b.order[r] = r
	}
	all := slices.Concat(b.inner, b.codes)
	compare := func(r, other, depth int) int {
		for _, codes := range all[:depth] {
			if d := cmp.Compare(codes[r], codes[other]); d != 0 {
				return d
			}
		}
		return 0
	}
	slices.SortStableFunc(b.order, func(r, other int) int { return compare(r, other, len(all)) })
	d := &dgp.Data{}
	for i, r := range b.order {
		begins := func(depth int) bool { return i == 0 || compare(b.order[i-1], r, depth) != 0 }
		if i == 0 || len(b.inner) > 1 && begins(1) {
			d.N[dgp.BlockLevel]++
		}
		if begins(len(all)) {
			if len(b.inner) == 0 || begins(min(len(b.inner), 2)) {
				d.SchoolBlock = append(d.SchoolBlock, d.N[dgp.BlockLevel]-1)
				d.TeacherStart = append(d.TeacherStart, len(b.start))
			}
			d.TeacherSchool = append(d.TeacherSchool, len(d.SchoolBlock)-1)
			b.start = append(b.start, i)
		}
	}
	classes := len(b.start)
	b.start = append(b.start, len(b.order))
	d.TeacherStart = append(d.TeacherStart, classes)
	d.ChildStart = b.start
	d.N[dgp.SchoolLevel], d.N[dgp.TeacherLevel], d.N[dgp.ChildLevel] = len(d.SchoolBlock), classes, len(b.order)
	b.s.Data, b.s.Shape.Max = d, d.N
	for _, codes := range b.codes {
		column := make([]float64, classes)
		for g := range column {
			column[g] = codes[b.order[b.start[g]]]
		}
		d.Columns = append(d.Columns, column)
	}
}

// addColumns adds the numbers, and the mark.
func (b *sampling) addColumns() {
	for _, name := range b.names {
		from := b.table.Columns[b.numbers[name]].Numbers
		values := make([]float64, len(b.order))
		for i, r := range b.order {
			values[i] = from[b.rows[r].row]
		}
		if b.partial[name] {
			b.addPartial(name, values)
			continue
		}
		b.add(name, values, b.byRow[name])
	}
	if b.use.Mark {
		values := make([]float64, len(b.order))
		for i, r := range b.order {
			values[i] = b.rows[r].mark
		}
		b.s.Marked = b.free("where")
		b.add(b.s.Marked, values, true)
	}
}

// addPartial adds a column that some rows miss, and a column that says which.
func (b *sampling) addPartial(name string, values []float64) {
	observed := make([]float64, len(values))
	var have []float64
	for i, r := range b.order {
		if values[i] = math.NaN(); !b.table.Columns[b.numbers[name]].missing(b.rows[r].row) {
			values[i], observed[i] = b.table.Columns[b.numbers[name]].Numbers[b.rows[r].row], 1
			have = append(have, values[i])
		}
	}
	said := b.free("observed " + name)
	b.s.Shape.Columns = append(b.s.Shape.Columns,
		dgp.Column{Name: name, Level: dgp.ChildLevel, Center: center(have), Observed: said}, dgp.Column{Name: said, Level: dgp.ChildLevel})
	b.s.Data.Columns = append(b.s.Data.Columns, values, observed)
}

// add adds a column, by class if it varies within none and need not be seen by
// row.
func (b *sampling) add(name string, values []float64, byRow bool) {
	c := dgp.Column{Name: name, Level: dgp.ChildLevel, Center: center(values)}
	if !byRow && b.constantInClasses(values) {
		c.Level = dgp.TeacherLevel
		for g, start := range b.start[:len(b.start)-1] {
			values[g] = values[start]
		}
		values = values[:len(b.start)-1]
	}
	b.s.Shape.Columns = append(b.s.Shape.Columns, c)
	b.s.Data.Columns = append(b.s.Data.Columns, values)
}

func (b *sampling) constantInClasses(values []float64) bool {
	for g, start := range b.start[:len(b.start)-1] {
		for _, v := range values[start:b.start[g+1]] {
			if v != values[start] {
				return false
			}
		}
	}
	return true
}

// center returns the mean, or 0 for a constant, whose deviations from a rounded
// mean would be noise.
func center(values []float64) float64 {
	sum, constant := 0.0, true
	for _, v := range values {
		sum += v / float64(len(values)) // the sum itself could overflow
		constant = constant && v == values[0]
	}
	if constant {
		return 0
	}
	return sum
}
