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
)

// truthsFile keeps the population effects of a run, which its log has without
// their precision.
const truthsFile = "truths.csv"

var truthsHeader = []string{"cell", "estimator", "outcome", "term", "truth", "mcse"}

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
