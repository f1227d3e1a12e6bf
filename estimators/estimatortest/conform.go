package estimatortest

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/estimators/forest"
)

// Conform asserts what every method must satisfy, of the given examples. An
// example is bound to the columns of Design.Shape. Every kind of method in
// estimators.Methods needs at least one.
func Conform(t *testing.T, examples map[string]estimators.Method) {
	t.Helper()
	for kind, method := range estimators.Methods() {
		found := false
		for _, example := range examples {
			found = found || reflect.TypeOf(example) == reflect.TypeOf(method)
		}
		if !found {
			t.Errorf("the method %s has no example", kind)
		}
	}
	for name, method := range examples {
		t.Run(name, func(t *testing.T) {
			t.Run("order", func(t *testing.T) { order(t, method) })
			t.Run("arms", func(t *testing.T) { arms(t, method) })
			t.Run("scale", func(t *testing.T) { scale(t, method) })
			t.Run("missing values", func(t *testing.T) { missing(t, method) })
			t.Run("bad data", func(t *testing.T) { badData(t, method) })
			t.Run("allocation", func(t *testing.T) { allocation(t, method) })
			t.Run("size", func(t *testing.T) { size(t, method) })
		})
	}
}

// conformDesign is large enough for every example to work on.
var conformDesign = Design{Blocks: 4, Schools: 8, Teachers: 2, Children: 8, Effect: 0.4, Shared: 0.4}

func bind(t *testing.T, method estimators.Method, shape dgp.Shape) *estimators.Panel {
	t.Helper()
	named := []estimators.Named{{Name: "example", Method: method}}
	if m, ok := method.(estimators.PostSelection); ok { // after those that list terms
		for i, name := range m.Selections {
			named = slices.Insert(named, i, estimators.Named{Name: name, Method: listing[name]})
		}
	}
	panel, err := estimators.Bind(named, shape, nil)
	if err != nil {
		t.Fatal(err)
	}
	return panel
}

// listing are estimators that examples of PostSelection name.
var listing = map[string]estimators.Method{
	"lasso": estimators.Prediction{
		Formula: "class ~ es_s1_c1 + es_s2_c1 + co_s1_c1 + experience + female + rural", Model: estimators.LASSO, Runs: 5, TestShare: 0.2,
		Lasso: &estimators.LassoRuns{Folds: 3, From: 10, To: 1e-3, Lambdas: 10},
	},
	"cforest": estimators.Prediction{
		Formula: "class ~ es_s1_c1 + es_s2_c1 + co_s1_c1 + experience + female + rural", Model: estimators.ConditionalForest, Runs: 5, TestShare: 0.2,
		Forest: &estimators.ForestRuns{Trees: 5, MinSplit: 10, MinBucket: 4, Fraction: 0.632, Emergence: forest.Emergence{Rule: forest.PositiveRule}},
	},
}

// fit returns estimates that outlive the next fit.
func fit(panel *estimators.Panel, d *dgp.Data) []estimators.Estimate {
	return slices.Clone(panel.Fit(d))
}

// order: the order of units within the unit above does not matter.
func order(t *testing.T, method estimators.Method) {
	shape := conformDesign.Shape()
	panel := bind(t, method, shape)
	for seed := range uint64(3) {
		d := conformDesign.Draw(seed)
		want := fit(panel, d)
		working(t, panel, want)
		if m, ok := method.(estimators.Lasso); ok && m.Draws() {
			continue // other rows are in a fold together
		}
		got := fit(panel, Shuffle(d, shape, seed))
		if drawing(method) { // other clusters get the same draws
			forgive(method, got, want)
		}
		if err := Compare(panel.Rows(), got, want, 1e-10); err != nil {
			t.Error(err)
		}
	}
}

// drawing reports whether a method draws: clusters, or assignments.
func drawing(method estimators.Method) bool {
	switch m := method.(type) {
	case estimators.WildBootstrap, estimators.Randomisation, estimators.CForest, estimators.Prediction, estimators.PostSelection:
		return true
	case estimators.Mediation:
		return m.Method.Draws()
	default:
		return false
	}
}

// forgive gives estimates the numbers of others that come of draws: p-values,
// the standard errors of mediation's bootstrap, and all that a forest says.
func forgive(method estimators.Method, got, want []estimators.Estimate) {
	switch method.(type) {
	case estimators.Prediction, estimators.PostSelection: // other rows are in other splits
		copy(got, want)
		return
	}
	m, mediated := method.(estimators.Mediation)
	_, trees := method.(estimators.CForest)
	for i := range got {
		if trees && got[i].Status == want[i].Status {
			got[i] = want[i]
		}
		got[i].P = want[i].P
		if mediated && m.Method == estimators.MediationBootstrap {
			got[i].SE = want[i].SE
		}
	}
}

// working asserts that all estimates worked.
func working(t *testing.T, panel *estimators.Panel, estimates []estimators.Estimate) {
	t.Helper()
	for i, e := range estimates {
		if e.Status.Failed() {
			row := panel.Rows()[i]
			t.Fatalf("%s of %s: %s in ordinary data", row.Term, row.Outcome, e.Status)
		}
	}
}

// arms: when treated and control schools trade labels, an estimate of the
// treatment effect changes its sign and nothing else.
func arms(t *testing.T, method estimators.Method) {
	shape := conformDesign.Shape()
	panel := bind(t, method, shape)
	d := conformDesign.Draw(1)
	want := fit(panel, d)
	for c, column := range shape.Columns {
		if column.Arm {
			for i := range d.Columns[c] {
				d.Columns[c][i] = 1 - d.Columns[c][i]
			}
		}
	}
	got := fit(panel, d)
	if m, ok := method.(estimators.Mediation); ok && m.Method.Draws() { // the mirror image of a draw is another one
		forgive(method, got, want)
	}
	for i, row := range panel.Rows() {
		if !effect(row) || standardised(row) {
			continue
		}
		if row.Target.Per == "" { // else both effects change their signs
			want[i].Value *= -1
		}
		if err := compare(got[i], want[i], 1e-10); err != nil {
			t.Errorf("%s of %s: %v", row.Term, row.Outcome, err)
		}
	}
}

// effect reports whether a row estimates the effect of an arm, which bounds do
// not.
func effect(row estimators.Row) bool {
	if row.Target == nil || row.Target.Among != estimators.Everyone {
		return false
	}
	switch row.Target.Path { // the natural effects at one arm become, with another sign, those at the other
	case estimators.Whole, estimators.IndirectAverage, estimators.DirectAverage:
		return true
	default:
		return false
	}
}

// standardised reports whether a row's outcome is measured by the control
// group, so that it is another one when arms trade labels.
func standardised(row estimators.Row) bool {
	v, err := estimators.ParseVariable(row.Outcome)
	return err == nil && v.Calls("klk", "anderson")
}

// affected reports whether all columns of a row's outcome are after treatment.
func affected(row estimators.Row, shape dgp.Shape) bool {
	v, err := estimators.ParseVariable(row.Outcome)
	if err != nil {
		return true
	}
	columns, _ := v.Columns()
	return !slices.ContainsFunc(columns, func(c estimators.Variable) bool {
		i := shape.Index(c.Name)
		return i >= 0 && !shape.Columns[i].PostTreatment
	})
}

// scale: when an outcome is multiplied by a positive number and shifted, the
// estimated treatment effect and its standard error are multiplied too, unless
// the outcome is transformed to something that has no unit; and a number
// without a standard error, such as a correlation, stays as it is.
func scale(t *testing.T, method estimators.Method) {
	switch method.(type) {
	case estimators.Lasso, estimators.Prediction, estimators.PostSelection, estimators.ValueAdded:
		return // numbers without a standard error have units: their own tests
	}
	const factor, shift = 12.5, 500
	shape := conformDesign.Shape()
	panel := bind(t, method, shape)
	want := fit(panel, conformDesign.Draw(1))
	for i, row := range panel.Rows() {
		v, err := estimators.ParseVariable(row.Outcome)
		if err != nil {
			continue // such as a mean of several
		}
		columns, _ := v.Columns()
		c := shape.Index(columns[0].Name)
		if len(columns) > 1 || c < 0 || v.Calls("log", "exp", "sqrt", "-", "+", "*", "/", "^") {
			continue
		}
		d := conformDesign.Draw(1)
		for u := range d.Columns[c] {
			d.Columns[c][u] = factor*d.Columns[c][u] + shift
		}
		got := fit(panel, d)[i]
		expect := want[i]
		switch {
		case row.Term == "oob_mse" && !v.Calls("std", "below", "above"):
			expect.Value *= factor * factor
		case row.Target != nil && !v.Calls("std", "below", "above"):
			expect.Value *= factor
			expect.SE *= factor
		case row.Target == nil && !math.IsNaN(expect.SE), strings.HasPrefix(row.Term, "joint("):
			continue // some other coefficient: the method's own tests
		}
		if err := compare(got, expect, 1e-9); err != nil {
			t.Errorf("%s of %s: %v", row.Term, row.Outcome, err)
		}
	}
}

// missing: rows without an observed value of a column in use count for nothing,
// whatever stands there. So the estimates are those of the data without them.
func missing(t *testing.T, method estimators.Method) {
	switch method.(type) {
	case estimators.LeeBounds, estimators.IPW:
		return // they ask who is missing
	}
	text := fmt.Sprintf("%+v", method)
	if _, right, _ := strings.Cut(text, "~"); strings.Contains(right, "mean(") {
		return // the mean of a regressor is of all rows, also of those that miss the outcome
	}
	outcomes := []string{"score", "reading", "passed"}
	for _, c := range []struct {
		name    string
		level   dgp.Level // of the indicator, and of the units that are lost
		columns func(dgp.Column) bool
		applies func(row estimators.Row) bool
	}{
		{"classes", dgp.TeacherLevel, func(c dgp.Column) bool {
			return c.Name == "class" || c.Rating != nil || slices.Contains(outcomes, c.Name)
		}, func(row estimators.Row) bool { return !strings.Contains(row.Outcome, "exam") }},
		{"children", dgp.ChildLevel, func(c dgp.Column) bool { return slices.Contains(outcomes, c.Name) }, func(row estimators.Row) bool {
			return slices.ContainsFunc(outcomes, func(o string) bool { return strings.Contains(row.Outcome, o) })
		}},
		{"a covariate", dgp.ChildLevel, func(c dgp.Column) bool { return c.Name == "ses" }, func(row estimators.Row) bool {
			// What an outcome is measured by comes from rows without the covariate too.
			v, err := estimators.ParseVariable(row.Outcome)
			return strings.Contains(text, "ses") && !(err == nil && v.Calls("std", "center", "below", "above", "mean", "klk", "anderson"))
		}},
	} {
		shape := conformDesign.Shape()
		for i := range shape.Columns {
			if c.columns(shape.Columns[i]) {
				shape.Columns[i].Observed = "here"
			}
		}
		shape.Columns = append(shape.Columns, dgp.Column{Name: "here", Level: c.level, PostTreatment: true})
		d := conformDesign.Draw(11)
		here := make([]float64, d.N[c.level])
		for u := range here {
			here[u] = float64(min(1, (u*7+3)%10)) // one in ten is lost
		}
		d.Columns = append(d.Columns, here)
		lost := func(unit int) bool { return here[unit] == 0 }
		panel := bind(t, method, shape)
		want := fit(panel, Without(d, shape, c.level, lost))
		for i, column := range shape.Columns {
			if column.Observed != "here" {
				continue
			}
			for u := range d.Columns[i] {
				if lost(d.Ancestor(column.Level, u, c.level)) {
					d.Columns[i][u] = math.NaN()
				}
			}
		}
		got := fit(panel, d)
		for i, row := range panel.Rows() {
			if !c.applies(row) {
				continue
			}
			if want[i].Status.Failed() {
				t.Errorf("%s missing: %s of %s: %s without the rows", c.name, row.Term, row.Outcome, want[i].Status)
			}
			if row.Adjustment != estimators.NoStepDown {
				got[i].P = want[i].P // it depends on the other outcomes, which miss other rows
			}
			if err := compare(got[i], want[i], 1e-10); err != nil {
				t.Errorf("%s missing: %s of %s: %v", c.name, row.Term, row.Outcome, err)
			}
		}
		if n := testing.AllocsPerRun(5, func() { panel.Fit(d) }); n != 0 {
			t.Errorf("%s missing: a fit allocates %v times", c.name, n)
		}
	}
}

// sound says what is wrong with an estimate by itself.
func sound(e estimators.Estimate) error {
	bad := func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }
	if !e.Status.Worked() {
		if !math.IsNaN(e.Value) || !math.IsNaN(e.SE) || !math.IsNaN(e.DF) || !math.IsNaN(e.P) {
			return fmt.Errorf("a number beside the status: %+v", e)
		}
		return nil
	}
	plain := math.IsNaN(e.SE) && math.IsNaN(e.DF) && math.IsNaN(e.P)
	joint := math.IsNaN(e.SE) && e.DF > 0 && e.P >= 0 && e.P <= 1 && e.Value >= 0
	tested := e.SE > 0 && !bad(e.SE) && e.DF > 0 && e.P >= 0 && e.P <= 1
	if bad(e.Value) || !plain && !joint && !tested {
		return fmt.Errorf("not sound: %+v", e)
	}
	return nil
}

// badData: whatever the data hold, there is a status and no panic; and what a
// fit of bad data leaves behind does not touch the next.
func badData(t *testing.T, method estimators.Method) {
	shape := conformDesign.Shape()
	panel := bind(t, method, shape)
	good := conformDesign.Draw(7)
	want := fit(panel, good)

	try := func(name string, d *dgp.Data, check func(i int, row estimators.Row, e estimators.Estimate) error) {
		t.Helper()
		defer func() {
			if fault := recover(); fault != nil {
				t.Errorf("%s: panic: %v", name, fault)
			}
		}()
		got := fit(panel, d)
		for i, row := range panel.Rows() {
			if err := errors.Join(sound(got[i]), check(i, row, got[i])); err != nil {
				t.Errorf("%s: %s of %s: %v", name, row.Term, row.Outcome, err)
			}
		}
		if after := fit(panel, good); !same(after, want) {
			t.Errorf("%s: good data are fitted in another way afterwards", name)
		}
	}
	fails := func(where func(i int, row estimators.Row) bool) func(int, estimators.Row, estimators.Estimate) error {
		return func(i int, row estimators.Row, e estimators.Estimate) error {
			if where(i, row) && e.Status.Worked() {
				return fmt.Errorf("should have failed, but %+v", e)
			}
			return nil
		}
	}
	targeted := func(_ int, row estimators.Row) bool { return row.Target != nil }
	described := func(i int, row estimators.Row) bool {
		return (row.Target != nil || math.IsNaN(want[i].SE)) && affected(row, shape)
	}
	every := func(int, estimators.Row) bool { return true }
	none := func(int, estimators.Row) bool { return false }

	for _, arm := range []float64{0, 1} {
		d := Clone(good)
		for c, column := range shape.Columns {
			if column.Arm {
				fill(d.Columns[c], arm)
			}
		}
		try(fmt.Sprintf("every arm %g", arm), d, fails(targeted))
	}
	for _, constant := range []float64{0, 0.1, 500.3} {
		d := Clone(good)
		for c, column := range shape.Columns {
			if column.PostTreatment {
				fill(d.Columns[c], constant)
			}
		}
		try(fmt.Sprintf("every outcome %g", constant), d, fails(described))
	}
	only := func(level dgp.Level) *dgp.Data {
		return Without(good, shape, level, func(unit int) bool { return unit > 0 })
	}
	try("one school", Without(only(dgp.BlockLevel), shape, dgp.SchoolLevel, func(s int) bool { return s > 0 }), fails(targeted))
	try("one child", Without(Without(only(dgp.BlockLevel), shape, dgp.SchoolLevel, func(s int) bool { return s > 0 }),
		shape, dgp.ChildLevel, func(i int) bool { return i > 0 }), fails(targeted))
	two := Without(only(dgp.BlockLevel), shape, dgp.SchoolLevel, func(s int) bool { return s > 1 })
	try("two schools", two, fails(none))
	try("one child a class", Without(two, shape, dgp.ChildLevel, func(i int) bool { return !slices.Contains(two.ChildStart, i) }), fails(none))
	try("a class without children", Without(good, shape, dgp.ChildLevel, func(i int) bool { return i < good.ChildStart[1] }), fails(none))
	try("a school without teachers", Without(good, shape, dgp.TeacherLevel, func(i int) bool { return i < good.TeacherStart[1] }), fails(none))
	try("no children", Without(good, shape, dgp.ChildLevel, func(int) bool { return true }), fails(none))
	try("no teachers", Without(good, shape, dgp.TeacherLevel, func(int) bool { return true }), fails(none))
	try("no schools", Without(good, shape, dgp.SchoolLevel, func(int) bool { return true }), fails(every))
	try("nothing", Without(good, shape, dgp.BlockLevel, func(int) bool { return true }), fails(every))

	for c, column := range shape.Columns {
		for _, poison := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			for _, at := range []int{0, len(good.Columns[c]) / 2} {
				d := Clone(good)
				d.Columns[c][at] = poison
				try(fmt.Sprintf("%s is %g", column.Name, poison), d, func(i int, row estimators.Row, e estimators.Estimate) error {
					if strings.Contains(where(method), column.Name) || indicates(shape, column.Name) {
						return nil // no row satisfies a condition on NaN
					}
					if row.Adjustment != estimators.NoStepDown && e.P <= want[i].P {
						e.P = want[i].P // a test that failed is not in the family
					}
					if e.Status.Worked() && !same([]estimators.Estimate{e}, want[i:i+1]) {
						return fmt.Errorf("is used, but worked: %+v", e)
					}
					return nil
				})
			}
		}
		for _, extreme := range []float64{1e300, -1e300, 1e-300} {
			d := Clone(good)
			d.Columns[c][0] = extreme
			try(fmt.Sprintf("%s is %g", column.Name, extreme), d, fails(none))
			fill(d.Columns[c], extreme)
			try(fmt.Sprintf("%s is %g throughout", column.Name, extreme), d, fails(none))
		}
	}
}

// where is the condition that restricts a method's rows, "" for none.
func where(method estimators.Method) string {
	if v := reflect.ValueOf(method).FieldByName("Where"); v.IsValid() {
		return v.String()
	}
	return ""
}

// indicates reports whether a column says where others are observed.
func indicates(shape dgp.Shape, name string) bool {
	return slices.ContainsFunc(shape.Columns, func(c dgp.Column) bool { return c.Observed == name })
}

func fill(x []float64, v float64) {
	for i := range x {
		x[i] = v
	}
}

// same reports whether two lists are equal to the last bit.
func same(a, b []estimators.Estimate) bool {
	bits := func(e estimators.Estimate) [5]uint64 {
		return [...]uint64{math.Float64bits(e.Value), math.Float64bits(e.SE), math.Float64bits(e.DF), math.Float64bits(e.P), uint64(e.Status)}
	}
	return slices.EqualFunc(a, b, func(x, y estimators.Estimate) bool { return bits(x) == bits(y) })
}

// allocation: a fit allocates nothing, whatever the size of the data.
func allocation(t *testing.T, method estimators.Method) {
	panel := bind(t, method, conformDesign.Shape())
	data := []*dgp.Data{conformDesign.Draw(1), conformDesign.Draw(2)}
	at := 0
	if n := testing.AllocsPerRun(10, func() {
		panel.Fit(data[at%2])
		at++
	}); n != 0 {
		t.Errorf("a fit allocates %v times", n)
	}
}

// nullDesign has no effect and independent rows.
var nullDesign = Design{Blocks: 4, Schools: 40, Teachers: 1, Children: 3}

// nullData are 1000 draws of nullDesign.
var nullData = sync.OnceValue(func() []*dgp.Data {
	all := make([]*dgp.Data, 1000)
	for seed := range all {
		all[seed] = nullDesign.Draw(uint64(seed))
	}
	return all
})

// size: with no effect, independent rows and many clusters, the treatment
// effect is significant at 5% in 5% of the data sets. The bounds are 4.4
// standard errors wide either side, so that a right method fails this test with
// probability 1e-5 an estimate. Coefficients that do not vary, but are estimated
// as if they might, make tests conservative, and so does an indirect effect whose
// paths are both 0. Where p-values are adjusted for the
// number of tests, that is the share of data sets in which any is significant.
func size(t *testing.T, method estimators.Method) {
	const alpha, wide = 0.05, 4.4
	panel := bind(t, method, nullDesign.Shape())
	if !slices.ContainsFunc(panel.Rows(), effect) {
		return
	}
	rejected := make([]float64, len(panel.Rows()))
	data := nullData()
	replicates := float64(len(data))
	family := -1 // the place that counts for all rows whose p-values are adjusted together
	for i, row := range panel.Rows() {
		if family < 0 && row.Target != nil && row.Adjustment != estimators.NoStepDown {
			family = i
		}
	}
	counts := func(i int) bool {
		row := panel.Rows()[i]
		return effect(row) && (row.Adjustment == estimators.NoStepDown || i == family)
	}
	for _, d := range data {
		estimates := panel.Fit(d)
		if family >= 0 {
			for i, row := range panel.Rows() {
				if row.Target != nil {
					estimates[family].P = min(estimates[family].P, estimates[i].P)
				}
			}
		}
		for i, e := range estimates {
			if e.P < alpha {
				rejected[i]++
			}
		}
	}
	for i, row := range panel.Rows() {
		rate := rejected[i] / replicates
		if rate < alpha && (varying(method) || row.Target != nil && row.Target.Path != estimators.Whole) {
			continue // tests of products of two coefficients that are both 0 reject in fewer than alpha
		}
		if iv, ok := method.(estimators.IV); ok && iv.Test == estimators.Wald {
			continue // an arm without effects is no instrument
		}
		if counts(i) && math.Abs(rate-alpha) > wide*math.Sqrt(alpha*(1-alpha)/replicates) {
			t.Errorf("%s of %s: size %.3f, want %.3f", row.Term, row.Outcome, rate, alpha)
		}
	}
}

// varying reports whether a method estimates how coefficients vary.
func varying(method estimators.Method) bool {
	m, ok := method.(estimators.Mixed)
	if !ok {
		return false
	}
	f, err := estimators.ParseFormula(m.Formula, nil)
	return err == nil && slices.ContainsFunc(f.Random, func(r estimators.RandomEffect) bool { return r.Slopes != nil })
}
