package plots

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"coachsim/sim"
)

// A Kind is a kind of figure that can be asked for by its name.
type Kind struct {
	Name  string
	Shows string // in a few words
	make  func(Run, sim.Figure) ([]Figure, error)
}

// A Run is what figures are drawn from: the study, the summary and the log of a
// run directory.
type Run struct {
	Study       sim.Study
	Summary     sim.Summary
	Chunks      iter.Seq2[[]sim.Record, error]
	Comparisons []sim.Comparison // with published results, where there are any
}

// Kinds lists the kinds of figure that are drawn from a run.
func Kinds() []Kind {
	return []Kind{
		{"power-curve", "power over a swept key, with the sample size or effect that reaches a target", makePowerCurve},
		{"mdes", "minimum detectable effect over a swept key", makeMDES},
		{"contour", "power or minimum detectable effect over two swept keys, as labelled levels", makeContour},
		{"power", "power of each estimate, as dots", makePower},
		{"estimators", "rejections and coverage of estimators over a swept key", makeEstimators},
		{"nested-loop", "a measure of each estimator in every design of a full factorial", makeNestedLoop},
		{"lollipop", "bias, coverage and error of the standard error of each estimate", makeLollipop},
		{"bias", "bias of each estimate", makeBias},
		{"zip", "confidence intervals stacked by their distance from the truth", makeZip},
		{"p-values", "histogram and quantiles of p-values", makePValues},
		{"sampling", "sampling distribution of each estimate with the truth", makeSampling},
		{"scatter", "estimators against each other on the same trials", makeScatter},
		{"densities", "densities of scores and tests in simulated data sets, by arm", makeDensities},
		{"published", "published beside simulated results", makePublished},
		{"design", "who is randomised: blocks, schools, classes and children, by arm", makeDesign},
		{"effects-by-path", "true direct and indirect effects through classroom quality", makeEffectsByPath},
		{"path-diagram", "paths from treatment to outcome as an estimator of mediation finds them, with truths", makePathDiagram},
		{"relative-mse", "error of least squares over that of each model, out of sample", makeRelativeMSE},
		{"selection", "how often each predictor is selected, true ones apart", makePredictors(sim.SelectionFrequency, "no estimator selects predictors: there is no term selected(x), listed(x) or runs(x)")},
		{"importance", "importance of each predictor, true ones apart", makePredictors(sim.ImportanceMeasure, "no estimator measures importance: there is no term importance(x)")},
		{"coverage", "coverage of the intervals of each predictor's coefficient, true ones apart", makePredictors(sim.PredictorCoverage, "no estimate of a predictor's coefficient has a truth and an interval, as with estimand projection in a study of learning")},
		{"cv-curve", "cross-validation of a LASSO's penalty in one replicate, with the number of terms", makeCVCurve},
		{"tree", "conditional inference tree of one replicate", makeTree},
		{"partial-dependence", "predictions of a forest of one replicate over its most important inputs", makePartialDependence},
		{StandardKind, "the figures of a study that names none: estimates, bias, power, and published beside simulated results", makeStandard},
	}
}

// A Wrong is a fault of a figure that is asked for.
type Wrong struct {
	Key, Message string
	Given        string
	Allowed      []string // of names, where the fault is a name
}

// Check finds the faults of a figure that can be known before a run.
func Check(f sim.Figure) (faults []Wrong) {
	var names []string
	for _, k := range Kinds() {
		names = append(names, k.Name)
	}
	if !slices.Contains(names, f.Kind) {
		faults = append(faults, Wrong{"kind", fmt.Sprintf("%q is no kind of figure; the kinds are %s", f.Kind, strings.Join(names, ", ")), f.Kind, names})
	}
	if f.Name != "" && (filepath.Base(f.Name) != f.Name || strings.ContainsAny(f.Name, `/\`) || strings.HasPrefix(f.Name, ".")) {
		faults = append(faults, Wrong{Key: "name", Message: fmt.Sprintf("%q cannot name a file", f.Name)})
	}
	measures := []string{"power", "mdes"}
	if f.Kind != "contour" {
		measures = nil
		for _, m := range Measures() {
			measures = append(measures, m.Name)
		}
	}
	if f.Measure != "" && !slices.Contains(measures, f.Measure) {
		faults = append(faults, Wrong{"measure", fmt.Sprintf("%q is no measure that the figure can show; it can show %s", f.Measure, strings.Join(measures, ", ")), f.Measure, measures})
	}
	return faults
}

// CheckKeys finds the keys of a figure that a study does not sweep, and the values of
// only that no estimate has, before it is simulated. The rows are those that the study
// will have, without results.
func CheckKeys(f sim.Figure, expected []sim.SummaryRow) (faults []Wrong) {
	rows := make([]Row, len(expected))
	for i, r := range expected {
		rows[i].SummaryRow = r
	}
	check := func(place, key string) bool {
		_, err := findKey(rows, key)
		if err != nil {
			faults = append(faults, Wrong{Key: place, Message: err.Error()})
		}
		return err == nil
	}
	check("x", f.X)
	check("by", f.By)
	check("panel", f.Panel)
	known := maps.Clone(f.Only)
	for _, key := range slices.Sorted(maps.Keys(f.Only)) {
		if !check("only", key) || key == "estimand" { // which only results have
			delete(known, key)
		}
	}
	if _, wrong := among(rows, known); wrong != nil {
		faults = append(faults, *wrong)
	}
	return faults
}

// among returns the rows that have the values which a figure asks for with only, or
// the fault of a value that none of them has.
func among(rows []Row, only map[string]string) ([]Row, *Wrong) {
	for _, given := range slices.Sorted(maps.Keys(only)) {
		key, err := findKey(rows, given)
		if err != nil {
			return nil, &Wrong{Key: "only", Message: err.Error()}
		}
		other := func(row Row) bool { return Bare(factor(row, key)) != Bare(only[given]) }
		kept := slices.DeleteFunc(slices.Clone(rows), other)
		if len(kept) == 0 {
			levels := levelsOf(rows, key)
			return nil, &Wrong{"only", fmt.Sprintf("%s is never %s; it is %s", key, only[given], strings.Join(levels, ", ")), only[given], levels}
		}
		rows = kept
	}
	return rows, nil
}

// Make returns the figures that f asks for, of a run, as many as the panels take.
func Make(run Run, f sim.Figure) ([]Figure, error) {
	for _, k := range Kinds() {
		if k.Name == f.Kind {
			figures, err := k.make(run, f)
			if err != nil {
				return nil, fmt.Errorf("figure %s: %w", f.FileName(), err)
			}
			return figures, nil
		}
	}
	return nil, fmt.Errorf("%q is no kind of figure", f.Kind)
}

// rows returns the rows that a figure asks for: those with a bias and those with
// a power.
func (run Run) rows(f sim.Figure) (effects, tested []Row, err error) {
	effects, tested = labelledRows(run.Summary, run.Comparisons)
	for given, value := range f.Only {
		all := effects
		if len(all) == 0 {
			all = tested
		}
		key, err := findKey(all, given)
		if err != nil {
			return nil, nil, err
		}
		same := func(row Row) bool { return Bare(factor(row, key)) == Bare(value) }
		if !slices.ContainsFunc(effects, same) && !slices.ContainsFunc(tested, same) {
			levels := levelsOf(append(slices.Clone(effects), tested...), key)
			return nil, nil, fmt.Errorf("only: %s is never %s; it is %s", key, value, strings.Join(levels, ", "))
		}
		other := func(row Row) bool { return !same(row) }
		effects, tested = slices.DeleteFunc(effects, other), slices.DeleteFunc(tested, other)
	}
	return effects, tested, nil
}

// only returns all rows that a figure asks for, also those without a bias and a power.
func (run Run) only(f sim.Figure) ([]Row, error) {
	all := make([]Row, len(run.Summary.Rows))
	for i, r := range run.Summary.Rows {
		all[i].SummaryRow = r
	}
	kept, wrong := among(all, f.Only)
	if wrong != nil {
		return nil, fmt.Errorf("only: %s", wrong.Message)
	}
	return kept, nil
}

// maxLoggedRows bounds the rows whose log is held in memory for a figure.
const maxLoggedRows = maxCurvePages * MaxPanels

// logged returns rows with their part of the log.
func (run Run) logged(rows []Row) ([]LoggedRow, error) {
	if len(rows) > maxLoggedRows {
		return nil, fmt.Errorf("%d estimates would need as many panels; choose among them with only, such as estimator=NAME", len(rows))
	}
	return run.withLog(rows)
}

func (run Run) withLog(rows []Row) ([]LoggedRow, error) {
	records, err := sim.CollectRecords(run.Chunks, summaryRows(rows))
	if err != nil {
		return nil, err
	}
	logged := make([]LoggedRow, len(rows))
	for i, row := range rows {
		logged[i] = LoggedRow{row, records[i]}
	}
	return logged, nil
}

// summaryRows are rows without their words.
func summaryRows(rows []Row) []sim.SummaryRow {
	plain := make([]sim.SummaryRow, len(rows))
	for i, row := range rows {
		plain[i] = row.SummaryRow
	}
	return plain
}

// asFigures makes figures of one kind figures of any.
func asFigures[F Figure](all []F) []Figure {
	figures := make([]Figure, len(all))
	for i, f := range all {
		figures[i] = f
	}
	return figures
}

// paged makes a figure of each part of rows, named NAME-1 and so on.
func paged[R any, F Figure](rows []R, size int, name string, one func(name string, rows []R) F) []Figure {
	if len(rows) <= size {
		return []Figure{one(name, rows)}
	}
	var figures []Figure
	for part := range slices.Chunk(rows, size) {
		figures = append(figures, one(fmt.Sprintf("%s-%d", name, len(figures)+1), part))
	}
	return figures
}

// StandardKind is the kind of the figures of a study that names none.
const StandardKind = "standard"

func makeStandard(run Run, f sim.Figure) ([]Figure, error) {
	if f.X != "" || f.By != "" || f.Panel != "" || len(f.Only) > 0 {
		return nil, errors.New("the standard figures are laid out as they are; ask for one by its own kind")
	}
	return Standard(run.Summary, run.Chunks, run.Comparisons)
}

func keysOf(f sim.Figure) Keys { return Keys{f.X, f.By, f.Panel} }

func makePowerCurve(run Run, f sim.Figure) ([]Figure, error) {
	_, tested, err := run.rows(f)
	return asFigures(PowerCurve{File: f.FileName(), Alpha: run.Summary.Alpha, Target: f.Target, Keys: keysOf(f), Rows: tested}.Pages()), err
}

func makeMDES(run Run, f sim.Figure) ([]Figure, error) {
	effects, _, err := run.rows(f)
	return asFigures(MDESCurve{File: f.FileName(), Alpha: run.Summary.Alpha, Target: f.Target, Keys: keysOf(f), Rows: effects}.Pages()), err
}

func makeContour(run Run, f sim.Figure) ([]Figure, error) {
	effects, tested, err := run.rows(f)
	if err != nil {
		return nil, err
	}
	c := Contour{File: f.FileName(), Alpha: run.Summary.Alpha, Target: f.Target, Keys: keysOf(f), Rows: tested}
	if f.Measure == "mdes" {
		c.MDES, c.Rows = true, effects
	}
	return []Figure{c}, nil
}

func makePower(run Run, f sim.Figure) ([]Figure, error) {
	_, tested, err := run.rows(f)
	return paged(tested, maxSweptRows, f.FileName(), func(name string, rows []Row) Power {
		return Power{File: name, Alpha: run.Summary.Alpha, Rows: rows}
	}), err
}

func makeBias(run Run, f sim.Figure) ([]Figure, error) {
	effects, _, err := run.rows(f)
	return paged(effects, maxSweptRows, f.FileName(), func(name string, rows []Row) Bias {
		return Bias{File: name, Rows: rows}
	}), err
}

func makeEstimators(run Run, f sim.Figure) ([]Figure, error) {
	effects, _, err := run.rows(f)
	if err != nil {
		return nil, err
	}
	pages := EstimatorCurves{File: f.FileName(), Alpha: run.Summary.Alpha, Rows: effects}.Pages()
	if len(pages) == 0 {
		return nil, fmt.Errorf("no effect has %d to %d estimators and a swept number to compare them over", minEstimators, maxEstimators)
	}
	return asFigures(pages), nil
}

func makeNestedLoop(run Run, f sim.Figure) ([]Figure, error) {
	effects, tested, err := run.rows(f)
	if err != nil {
		return nil, err
	}
	measure, err := FindMeasure(f.Measure)
	if err != nil {
		return nil, err
	}
	rows := effects
	if measure.Name == "power" {
		rows = tested
	}
	pages := NestedLoop{File: f.FileName(), Alpha: run.Summary.Alpha, Measure: measure, Rows: rows}.Pages()
	if len(pages) == 0 {
		return nil, fmt.Errorf("no row has %s", measure.Name)
	}
	return asFigures(pages), nil
}

func makeLollipop(run Run, f sim.Figure) ([]Figure, error) {
	effects, _, err := run.rows(f)
	return asFigures(Lollipop{File: f.FileName(), Alpha: run.Summary.Alpha, Rows: effects}.Pages()), err
}

func makeZip(run Run, f sim.Figure) ([]Figure, error) {
	effects, _, err := run.rows(f)
	if err != nil {
		return nil, err
	}
	logged, err := run.logged(effects)
	return paged(logged, MaxPanels, f.FileName(), func(name string, rows []LoggedRow) Zip {
		return Zip{File: name, Alpha: run.Summary.Alpha, Rows: rows}
	}), err
}

func makePValues(run Run, f sim.Figure) ([]Figure, error) {
	_, tested, err := run.rows(f)
	if err != nil {
		return nil, err
	}
	logged, err := run.logged(tested)
	return paged(logged, MaxPanels/2, f.FileName(), func(name string, rows []LoggedRow) PValues {
		return PValues{File: name, Rows: rows}
	}), err
}

func makeScatter(run Run, f sim.Figure) ([]Figure, error) {
	effects, _, err := run.rows(f)
	if err != nil {
		return nil, err
	}
	logged, err := run.logged(effects)
	if err != nil {
		return nil, err
	}
	return asFigures(Scatter{File: f.FileName(), Rows: logged}.Pages()), nil
}

func makeSampling(run Run, f sim.Figure) ([]Figure, error) {
	effects, _, err := run.rows(f)
	if err != nil {
		return nil, err
	}
	if len(effects) > maxLoggedRows {
		return nil, fmt.Errorf("%d estimates would need as many panels; choose among them with only, such as estimator=NAME", len(effects))
	}
	s, err := newSampling(effects, run.Chunks, run.Comparisons)
	s.File = f.FileName()
	return asFigures(s.Pages()), err
}

func makeDensities(run Run, f sim.Figure) ([]Figure, error) {
	all, err := Densities(run.Study)
	for i := range all {
		all[i].File = strings.Replace(all[i].File, "densities", f.FileName(), 1)
	}
	return asFigures(all), err
}

func makeDesign(run Run, f sim.Figure) ([]Figure, error) {
	design, err := NewDesign(run.Study, f.Only)
	design.File = f.FileName()
	return []Figure{design}, err
}

func makePublished(run Run, f sim.Figure) ([]Figure, error) {
	return []Figure{Published{File: f.FileName(), Comparisons: run.Comparisons}}, nil
}
