package sim

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// truthsFile keeps the population effects of a run, which its log has without
// their precision.
const truthsFile = "truths.csv"

var truthsHeader = []string{"cell", "estimator", "outcome", "term", "truth", "mcse"}

// cellTruths are the true effects of one cell. They are found when the first worker comes
// to the cell, so that a long sweep begins at once.
type cellTruths struct {
	once        sync.Once
	err         error
	effects     []PopulationEffect      // by row of the panel; nil while they are not known
	recalled    []PopulationEffect      // those that the directory has from an earlier run
	projections []*populationProjection // for truths that depend on what is selected
}

// recallTruths reads what an earlier run has found and, of a shard, what shards beside it
// have found that are finished. A damaged file is none.
func (r *runner) recallTruths() error {
	dirs := []string{r.options.Dir}
	if !r.plan.Shard.Whole() {
		dirs = append(dirs, r.plan.beside(r.options.Dir)...)
	}
	for i, dir := range dirs {
		found, err := readTruthsByCell(dir)
		if path := (*fs.PathError)(nil); i == 0 && errors.As(err, &path) {
			return err
		}
		if err != nil {
			continue // they are found again
		}
		for cell, effects := range found {
			if cell >= 0 && cell < len(r.truths) && r.truths[cell].recalled == nil {
				r.truths[cell].recalled = effects
			}
		}
	}
	return nil
}

// beside finds the directories of other shards of a run beside that of one, by this kind of
// processor.
func (p Plan) beside(dir string) []string {
	whole, err := filepath.Abs(dir)
	if err != nil {
		return nil
	}
	all, err := FindShards([]string{filepath.Dir(whole)})
	if err != nil {
		return nil // there are none
	}
	return slices.DeleteFunc(all, func(other string) bool {
		its, err := ReadPlan(other)
		return err != nil || other == whole || its.Shard.Whole() || its.Hash != p.Hash || its.Processor != p.Processor
	})
}

// agrees reports whether a finished chunk has the true effects of its cell. If it has
// others than were recalled, somebody edited one of the two, so that they are found again.
func (r *runner) agrees(cell int, records []Record) (bool, error) {
	c := &r.truths[cell]
	if c.effects == nil && sameTruths(c.recalled, records) {
		return true, nil
	}
	c.recalled = nil
	err := r.findTruths(cell)
	return sameTruths(c.effects, records), err
}

// sameTruths reports whether records have true effects, where any are known.
func sameTruths(effects []PopulationEffect, records []Record) bool {
	if len(effects) == 0 {
		return true
	}
	known := map[Test]float64{}
	for _, t := range effects {
		known[Test{t.Estimator, t.Outcome, t.Term}] = t.Value
	}
	for i := range records {
		r := &records[i]
		if !ofPopulation(r.Estimand) {
			continue
		}
		value, ok := known[Test{r.Estimator, r.Outcome, r.Term}]
		if same, _ := equal(value, r.Truth, false); !same || !ok && !math.IsNaN(r.Truth) {
			return false
		}
	}
	return true
}

// findTruths finds the true effects of a cell, or takes what an earlier run found.
func (r *runner) findTruths(cell int) error {
	c := &r.truths[cell]
	c.once.Do(func() {
		study := r.cells[cell].Study
		if !slices.ContainsFunc(study.Estimators, func(e Estimator) bool { return e.Estimand == Submodel }) {
			if c.effects, c.err = study.recalled(c.recalled); c.effects != nil || c.err != nil {
				return
			}
		}
		c.effects, c.projections, c.err = study.truths(r.options.Workers)
	})
	return c.err
}

// recalled puts true effects that an earlier run found into the order of the rows; it is nil
// if any is not there.
func (s Study) recalled(found []PopulationEffect) ([]PopulationEffect, error) {
	if len(found) == 0 {
		return nil, nil
	}
	w, err := newWorld(s, nil)
	if err != nil {
		return nil, err
	}
	known := map[Test]PopulationEffect{}
	for _, t := range found {
		known[Test{t.Estimator, t.Outcome, t.Term}] = t
	}
	effects := make([]PopulationEffect, len(w.rows))
	for i, row := range w.rows {
		t, ok := known[Test{row.Estimator, row.Outcome, row.Term}]
		if !ok {
			if ofPopulation(w.estimand[i]) {
				return nil, nil
			}
			t = PopulationEffect{Estimator: row.Estimator, Outcome: row.Outcome, Term: row.Term, Value: math.NaN(), MCSE: math.NaN()}
		}
		effects[i] = t
	}
	return effects, nil
}

// ofPopulation reports whether an estimand, as the log names it, is one number for all
// replicates.
func ofPopulation(estimand string) bool {
	return estimand == Population.String() || estimand == Projection.String()
}

// finishTruths writes the true effects that are known. Where the run is finished, it first
// finds those that are not: of cells that were finished before.
func (r *runner) finishTruths(all bool) error {
	var cells [][]PopulationEffect
	for i := range r.cells {
		if all && r.deal.touches(r.plan.Shard.K, i, r.chunks()) {
			if err := r.findTruths(i); err != nil {
				return err
			}
		}
		effects := r.truths[i].effects
		if effects == nil {
			effects = r.truths[i].recalled
		}
		cells = append(cells, effects)
	}
	return writeTruths(r.options.Dir, cells)
}

// allTruths are the true effects that are known, by cell and row.
func (r *runner) allTruths() (all []PopulationEffect) {
	for i := range r.truths {
		all = append(all, r.truths[i].effects...)
	}
	return all
}

// writeTruths writes the population effects that there are, a line each.
func writeTruths(dir string, cells [][]PopulationEffect) error {
	var text bytes.Buffer
	out := csv.NewWriter(&text)
	lines := [][]string{truthsHeader}
	for cell, truths := range cells {
		for _, t := range truths {
			if !math.IsNaN(t.Value) {
				lines = append(lines, []string{strconv.Itoa(cell), t.Estimator, t.Outcome, t.Term, shortest(t.Value), shortest(t.MCSE)})
			}
		}
	}
	if err := out.WriteAll(lines); err != nil {
		return err
	}
	return writeAtomic(filepath.Join(dir, truthsFile), text.Bytes())
}

// LeastKnown returns the population effect that is known least well, and whether
// there is any that is not known exactly, but for rounding.
func LeastKnown(truths []PopulationEffect) (worst PopulationEffect, any bool) {
	for _, t := range truths {
		if t.MCSE > max(worst.MCSE, 1e-12*math.Abs(t.Value)) {
			worst, any = t, true
		}
	}
	return worst, any
}

// PopulationDraws is the number of trials over which population effects are
// averages.
const PopulationDraws = populationDraws

// ReadTruths reads the population effects of a run directory, and none where the
// run was made by a version that kept none.
func ReadTruths(dir string) ([]PopulationEffect, error) {
	cells, err := readTruthsByCell(dir)
	var order []int
	for cell := range cells {
		order = append(order, cell)
	}
	slices.Sort(order)
	var all []PopulationEffect
	for _, cell := range order {
		all = append(all, cells[cell]...)
	}
	return all, err
}

// readTruthsByCell reads the population effects of a run directory by cell.
func readTruthsByCell(dir string) (map[int][]PopulationEffect, error) {
	lines, err := readTruthLines(dir)
	if err != nil {
		return nil, err
	}
	cells := map[int][]PopulationEffect{}
	for i, line := range lines {
		wrong := func(err error) error { return fmt.Errorf("%s, line %d: %w", filepath.Join(dir, truthsFile), i+2, err) }
		cell, err := strconv.Atoi(line[0])
		if err != nil {
			return nil, wrong(err)
		}
		t := PopulationEffect{Estimator: line[1], Outcome: line[2], Term: line[3]}
		for k, x := range []*float64{&t.Value, &t.MCSE} {
			if *x = math.NaN(); line[4+k] == "" {
				continue
			}
			if *x, err = strconv.ParseFloat(line[4+k], 64); err != nil {
				return nil, wrong(err)
			}
		}
		cells[cell] = append(cells[cell], t)
	}
	return cells, nil
}

// readTruthLines reads the fields of each line but the first.
func readTruthLines(dir string) ([][]string, error) {
	path := filepath.Join(dir, truthsFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	in := csv.NewReader(bytes.NewReader(text))
	in.FieldsPerRecord = len(truthsHeader)
	lines, err := in.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(lines) == 0 || !slices.Equal(lines[0], truthsHeader) {
		return nil, fmt.Errorf("%s: the first line is not %s", path, strings.Join(truthsHeader, ","))
	}
	return lines[1:], nil
}
