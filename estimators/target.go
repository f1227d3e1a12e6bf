package estimators

import "coachsim/dgp"

// A Target names the treatment effect that the estimate of a reported arm
// estimates: the effect of being in that arm on one outcome, averaged over the
// rows that the estimate uses, with its weights. What its value is, only the simulator knows.
type Target struct {
	Arm    string // the arm's column, e.g. "coaching"
	Column string // the outcome's column, before the transform
	Transform
	Rows  dgp.Level // level of the rows
	Where string    // restriction of the rows, "" for all
	// Weights is the column of the weights with which the rows are averaged, ""
	// for none.
	Weights string
	// Per is a column, or "". The estimand is then the effect on the outcome over
	// that on Per: the average effect of a unit of Per that the arm brought about.
	// Where Per is 0 or 1, say take-up, it is the effect on compliers.
	Per   string
	Among Among
	Cells string // of Lee's bounds
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

// Targets evaluates, on each data set, what targets need to know of it: the
// constants of their transforms and their rows.
type Targets struct {
	setup   *Setup
	columns []int
	derived []*derived
	filters []*filter
	weights []*weighting
	rows    []dgp.Level
	cells   []cells
}

// BindTargets binds targets to the columns of a shape.
func BindTargets(targets []Target, shape dgp.Shape) (*Targets, error) {
	t := &Targets{setup: newSetup(shape, nil)}
	for _, target := range targets {
		v := Variable{Name: target.Column, Transform: target.Transform}
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
		var d *derived
		if target.Kind != Identity {
			d = t.setup.derived[place-len(shape.Columns)]
		}
		t.columns = append(t.columns, t.setup.origin(place))
		t.derived = append(t.derived, d)
		of, err := t.setup.findCells(target.Cells)
		if err != nil {
			return nil, err
		}
		t.cells = append(t.cells, of)
		t.filters = append(t.filters, f)
		t.weights = append(t.weights, weights)
		t.rows = append(t.rows, target.Rows)
	}
	t.setup.finish()
	return t, nil
}

// Load reads one data set.
func (t *Targets) Load(d *dgp.Data) { t.setup.load(d) }

// Column returns the place of target i's outcome among the data's columns.
func (t *Targets) Column(i int) int { return t.columns[i] }

// Cells returns how many cells target i distinguishes.
func (t *Targets) Cells(i int) int { return t.cells[i].most }

// Cell returns the cell of a row of target i, -1 for none.
func (t *Targets) Cell(i, row int) int { return t.cells[i].at(t.setup.data, t.rows[i], row) }

// Fitted returns the transform of target i with its constants in the data.
func (t *Targets) Fitted(i int) Fitted {
	if t.derived[i] == nil {
		return Fitted{}
	}
	return t.derived[i].fitted
}

// Keep reports whether target i uses a row.
func (t *Targets) Keep(i, row int) bool {
	f := t.filters[i]
	if f == nil {
		return true
	}
	d := t.setup.data
	return f.keep(d, d.Ancestor(t.rows[i], row, f.level))
}

// Restricted reports whether target i leaves rows out.
func (t *Targets) Restricted(i int) bool { return t.filters[i] != nil }

// Weight is the weight of a row in target i's average.
func (t *Targets) Weight(i, row int) float64 {
	w := t.weights[i]
	if w == nil {
		return 1
	}
	return w.of(t.setup.data, t.setup.data.Columns, t.rows[i], row)
}
