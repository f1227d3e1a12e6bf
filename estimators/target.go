package estimators

import (
	"slices"
	"strings"

	"coachsim/dgp"
)

// A Target names the treatment effect that the estimate of a reported arm
// estimates: the effect of being in that arm on one outcome, averaged over the
// rows that the estimate uses, with its weights. What its value is, only the simulator knows.
type Target struct {
	Arm     string    // the arm's column, e.g. "coaching"; in words where there is a contrast
	Outcome string    // as in a formula, e.g. "below(achievement, 10)"
	Rows    dgp.Level // level of the rows
	Where   string    // restriction of the rows, "" for all
	// Weights is the column of the weights with which the rows are averaged, ""
	// for none.
	Weights string
	// Per is a column, or "". The estimand is then the effect on the outcome over
	// that on Per: the average effect of a unit of Per that the arm brought about.
	// Where Per is 0 or 1, say take-up, it is the effect on compliers.
	Per   string
	Among Among
	// Alone says that the effect is that of the arm alone against control, also on
	// units that another treatment, which combines with it, was given.
	Alone bool
	Cells string // of Lee's bounds
	// Path is the part of the effect that is meant: all of it, or what classroom
	// quality carries, or what it does not.
	Path Path
	// Through are the domains whose true quality carries the indirect part; nil for
	// all. Quality in the others is part of the direct one.
	Through []string
	// Level is where ControlledDirect holds true quality, in every domain of
	// Through: in SDs of the observed score, from its mean without coaching.
	Level float64

	// Contrast, where there is one, says that the effect is this linear combination
	// of the effects of several arms.
	Contrast Contrast

	means string // means that a row must have, as in coreKey
}

// Among says over which of the rows a Target is taken.
type Among uint8

// The choices. All but the first need to know whose outcome would be observed
// under either arm.
const (
	Everyone       Among = iota // the effect among all rows, observed or not
	AlwaysObserved              // the effect among those whose outcome is observed under either arm
	LeeLower                    // Lee's bounds of that effect, with the outcomes of all rows under both arms
	LeeUpper
)

// Arms returns the arms whose effects the target is of, with their weights.
func (t Target) Arms() Contrast {
	if t.Contrast != nil {
		return t.Contrast
	}
	return Contrast{{1, t.Arm}}
}

// Equal reports whether two targets are the same.
func (t Target) Equal(o Target) bool {
	return t.Arm == o.Arm && t.Outcome == o.Outcome && t.Rows == o.Rows && t.Where == o.Where && t.Weights == o.Weights && t.Per == o.Per &&
		t.Among == o.Among && t.Alone == o.Alone && t.Cells == o.Cells && t.Path == o.Path && slices.Equal(t.Through, o.Through) && t.Level == o.Level &&
		slices.Equal(t.Contrast, o.Contrast) &&
		t.means == o.means
}

// Columns lists the columns that the outcome is computed from.
func (t Target) Columns() []string {
	v, err := ParseVariable(t.Outcome)
	if err != nil {
		return nil
	}
	var names []string
	columns, _ := v.Columns()
	for _, c := range columns {
		if !slices.Contains(names, c.Name) {
			names = append(names, c.Name)
		}
	}
	return names
}

// Moved returns what an arm can move of the target's outcome: of a gain
// I(post - pre), post; of a school's mean(post, school), post. Effects on outcomes of
// which an arm moves the same are one effect, where they average over the same
// children.
func (t Target) Moved(shape dgp.Shape) string {
	v, err := ParseVariable(t.Outcome)
	if err != nil {
		return t.Outcome
	}
	return moved(v, shape).String()
}

func moved(v Variable, shape dgp.Shape) Variable {
	if v.Call == nil {
		return v
	}
	args := v.Call.Args
	switch v.Call.Function {
	case "I":
		inner := moved(args[0], shape)
		if inner.Call == nil {
			return inner
		}
		return Variable{Call: &Call{Function: "I", Args: []Variable{inner}}}
	case "mean":
		return moved(args[0], shape)
	case "+", "-":
		switch {
		case len(args) == 2 && !movable(args[1], shape):
			return moved(args[0], shape)
		case v.Call.Function == "+" && len(args) == 2 && !movable(args[0], shape):
			return moved(args[1], shape)
		}
	}
	return v
}

// movable reports whether an arm can move a variable.
func movable(v Variable, shape dgp.Shape) bool {
	columns, groups := v.Columns()
	return slices.ContainsFunc(slices.Concat(columns, groups, v.Controls()), func(c Variable) bool {
		i := shape.Index(c.Name)
		return i < 0 || shape.Columns[i].PostTreatment || shape.Columns[i].Arm
	})
}

// Targets evaluates the outcomes of targets on each data set: from potential
// outcomes in the place of columns, but with the constants that the data give
// to functions, such as percentiles and the control group's standard deviations.
type Targets struct {
	setup   *Setup
	place   []int // by target
	filters []*filter
	weights []*weighting
	means   [][]*derived
	rows    []dgp.Level
	cells   []cells
}

// BindTargets binds targets to the columns of a shape.
func BindTargets(targets []Target, shape dgp.Shape) (*Targets, error) {
	t := &Targets{setup: newSetup(shape, nil)}
	for _, target := range targets {
		v, err := ParseVariable(target.Outcome)
		if err != nil {
			return nil, err
		}
		place, err := t.setup.resolve(v)
		if err != nil {
			return nil, err
		}
		f, err := t.setup.bindFilter(target.Where)
		if err != nil {
			return nil, err
		}
		weights, err := t.setup.bindWeights(target.Weights)
		if err != nil {
			return nil, err
		}
		var means []*derived
		if target.means != "" {
			for _, text := range strings.Split(target.means, meansSeparator) {
				v, err := ParseVariable(text)
				if err != nil {
					return nil, err
				}
				if err := t.setup.addMeans(&means, v, target.Rows); err != nil {
					return nil, err
				}
			}
		}
		of, err := t.setup.findCells(target.Cells)
		if err != nil {
			return nil, err
		}
		t.cells = append(t.cells, of)
		t.place = append(t.place, place)
		t.filters = append(t.filters, f)
		t.weights = append(t.weights, weights)
		t.means = append(t.means, means)
		t.rows = append(t.rows, target.Rows)
	}
	t.setup.finish()
	return t, nil
}

// Load reads one data set.
func (t *Targets) Load(d *dgp.Data) { t.setup.load(d) }

// Cells returns how many cells target i distinguishes.
func (t *Targets) Cells(i int) int { return t.cells[i].most }

// Cell returns the cell of a row of target i, -1 for none.
func (t *Targets) Cell(i, row int) int { return t.cells[i].at(t.setup.data, t.rows[i], row) }

// Indicators returns the columns of the data that are 1 where target i's outcome
// is observed.
func (t *Targets) Indicators(i int) []int { return t.setup.indicatorsOf(t.place[i]) }

// Level returns the level at which target i's outcome varies.
func (t *Targets) Level(i int) dgp.Level { return t.setup.level(t.place[i]) }

// Keep reports whether target i uses a row.
func (t *Targets) Keep(i, row int) bool {
	d := t.setup.data
	for _, m := range t.means[i] {
		if m.empty(d, t.rows[i], row) {
			return false
		}
	}
	f := t.filters[i]
	return f == nil || f.keep(d, d.Ancestor(t.rows[i], row, f.level))
}

// Restricted reports whether target i leaves rows out.
func (t *Targets) Restricted(i int) bool { return t.filters[i] != nil || len(t.means[i]) > 0 }

// Weight is the weight of a row in target i's average.
func (t *Targets) Weight(i, row int) float64 {
	w := t.weights[i]
	if w == nil {
		return 1
	}
	return w.of(t.setup.data, t.setup.data.Columns, t.rows[i], row)
}

// A World holds the outcomes of all targets had every unit been in one arm.
type World struct {
	targets *Targets
	columns [][]float64       // as Setup's
	values  [][]float64       // behind the derived
	ones    map[int][]float64 // in the place of columns that say what is observed
}

// NewWorld returns room for the outcomes under one arm.
func (t *Targets) NewWorld() *World {
	w := &World{targets: t, columns: make([][]float64, len(t.setup.columns)), ones: map[int][]float64{}}
	for column := range t.setup.shape.Columns {
		for _, i := range t.setup.indicatorsOf(column) {
			w.ones[i] = slices.Repeat([]float64{1}, t.setup.shape.Max[t.setup.level(i)])
		}
	}
	for _, c := range t.setup.derived {
		w.values = append(w.values, make([]float64, t.setup.shape.Max[c.level]))
	}
	return w
}

// Load computes the outcomes from the data set that Targets last loaded.
// potential returns the potential outcomes of a column, nil for a column that
// the arm does not change.
func (w *World) Load(potential func(column int) []float64) {
	s := w.targets.setup
	for i, observed := range s.data.Columns {
		w.columns[i] = observed
		if values := potential(i); values != nil {
			w.columns[i] = values
		} else if ones, ok := w.ones[i]; ok {
			w.columns[i] = ones // the outcome of everyone, observed or not
		}
	}
	for i, c := range s.derived {
		values := w.values[i][:s.data.N[c.level]]
		c.function.apply(c, s.data, w.columns, values)
		w.columns[len(s.data.Columns)+i] = values
	}
}

// Outcome returns the outcome of target i by unit of its level.
func (w *World) Outcome(i int) []float64 { return w.columns[w.targets.place[i]] }
