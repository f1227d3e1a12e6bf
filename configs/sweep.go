package configs

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"coachsim/configs/strict"
	"coachsim/sim"
)

// maxCells bounds a sweep, so that a typing error ends in a message.
const maxCells = 10_000

// A file is a study file: a study, all of it or what differs from a built-in one,
// and a sweep over its keys such as
//
//	sweep:
//	  trial.schools: [10, 20, 40]
//	  trial.assignment.share: [0.3, 0.5]
//
// which asks for the six designs of the full grid, the first key varying
// slowest. An entry with several keys, joined by commas, changes them together:
//
//	trial.schools, trial.teachers: [[40, 1], [20, 2]]
//
// The study without its sweep must be complete: it is what the swept keys are
// laid over.
type file struct {
	Like      string `yaml:"like" doc:"a built-in study, of which this file only says what differs"`
	sim.Study `yaml:",inline"`
	Levels    map[string][]strict.Value `yaml:"sweep" doc:"keys of the study, each with a list of values: one design for every combination"`
}

// unsweepable keys belong to the whole run, not to a cell.
var unsweepable = []string{"aim", "seed", "replicates", "alpha", "published", "families", "primary", "sources", "cost", "streams", "sweep", likeKey}

// An axis is one entry of a sweep, taken apart.
type axis struct {
	entry  string   // as written
	keys   []string // paths of the keys that it changes
	levels [][]strict.Value
}

// path is where the entry stands in the study file.
func (a axis) path() string { return fmt.Sprintf("sweep[%q]", a.entry) }

// sweep fills the study's Sweep and Cells from the entries of its file.
func sweep(doc *strict.Document, study *sim.Study, levels map[string][]strict.Value) error {
	axes, faults := axesOf(doc, levels)
	if len(faults) > 0 {
		return faults
	}
	if len(axes) == 0 {
		return nil
	}
	cells := 1
	for _, a := range axes {
		written := sim.SweptKeys{Keys: a.entry}
		for _, v := range levels[a.entry] {
			written.Values = append(written.Values, string(v))
		}
		study.Sweep = append(study.Sweep, written)
		if cells *= len(a.levels); cells > maxCells {
			return strict.Faults{doc.Fault("sweep", fmt.Sprintf("asks for more than %d designs", maxCells), "")}
		}
	}
	schema, err := strict.NewSchema(&file{}, kinds())
	if err != nil {
		return err
	}
	bare := doc.Clone() // so that no cell reads the values of all
	if err := bare.SetFrom("sweep", "sweep", "{}"); err != nil {
		return err
	}
	made := make([]madeCell, cells)
	workers := min(cells, runtime.GOMAXPROCS(0))
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			for n := w; n < cells; n += workers {
				made[n].cell, made[n].faults, made[n].err = cellOf(bare, schema, *study, axes, n)
			}
		})
	}
	wait.Wait()
	known := map[string]bool{}
	for n, m := range made {
		if m.err != nil {
			return m.err
		}
		for _, f := range m.faults {
			// A bad value is in many cells; its first says enough.
			if id := f.Path + "\x00" + f.Message; !known[id] {
				known[id] = true
				faults = append(faults, placed(doc, axes, f, m.cell.Factors, n))
			}
		}
		study.Cells = append(study.Cells, m.cell)
	}
	if len(faults) > 0 {
		return faults
	}
	return nil
}

// A madeCell is a cell with what is wrong with it.
type madeCell struct {
	cell   sim.Cell
	faults strict.Faults
	err    error
}

// axesOf takes the entries of a sweep apart, in the order they are written.
func axesOf(doc *strict.Document, levels map[string][]strict.Value) ([]axis, strict.Faults) {
	var axes []axis
	var faults strict.Faults
	fail := func(a axis, message, hint string) {
		faults = append(faults, doc.Fault(a.path(), message, hint))
	}
	var taken []string
	for _, entry := range doc.Keys("sweep") {
		a := axis{entry: entry}
		for key := range strings.SplitSeq(entry, ",") {
			key = strings.TrimSpace(key)
			root, _, _ := strings.Cut(dotted(key), ".")
			switch {
			case key == "":
				fail(a, "names no key", "")
			case slices.Contains(unsweepable, root):
				fail(a, root+" belongs to the whole run, so it cannot be swept", "")
			case slices.ContainsFunc(taken, func(other string) bool { return within(key, other) || within(other, key) }):
				fail(a, key+" is changed twice in the sweep", "change keys together as in \"key1, key2\": [[1, 2], [3, 4]]")
			}
			taken = append(taken, key)
			a.keys = append(a.keys, key)
		}
		if len(levels[entry]) == 0 {
			fail(a, "has no values; a swept key needs at least one", "")
		}
		for i, v := range levels[entry] {
			values := []strict.Value{v}
			if len(a.keys) > 1 {
				if values = listOf(v); len(values) != len(a.keys) {
					faults = append(faults, doc.Fault(fmt.Sprintf("%s[%d]", a.path(), i),
						fmt.Sprintf("must be a list of %d values, one for each of the keys, not %s", len(a.keys), v), ""))
					continue
				}
			}
			a.levels = append(a.levels, values)
		}
		axes = append(axes, a)
	}
	return axes, faults
}

// listOf returns the entries of a list, or nil if the value is none.
func listOf(v strict.Value) []strict.Value {
	doc, err := strict.Parse(strict.Source{Text: []byte("entries: " + string(v))})
	if err != nil {
		return nil
	}
	var list struct {
		Entries []strict.Value `yaml:"entries"`
	}
	if doc.Decode(&list, nil) != nil {
		return nil
	}
	return list.Entries
}

// cellOf makes the n-th cell of the grid, and finds what is wrong with it.
func cellOf(doc *strict.Document, schema strict.Schema, study sim.Study, axes []axis, n int) (sim.Cell, strict.Faults, error) {
	var cell sim.Cell
	values := make([][]strict.Value, len(axes))
	for i, rest := len(axes)-1, n; i >= 0; i-- { // the last key varies fastest
		values[i] = axes[i].levels[rest%len(axes[i].levels)]
		rest /= len(axes[i].levels)
	}
	for i, a := range axes {
		for k, key := range a.keys {
			cell.Factors = append(cell.Factors, sim.Factor{Key: key, Value: string(values[i][k])})
		}
	}
	laid := doc.Clone()
	for _, f := range cell.Factors {
		if err := laid.SetFrom(cellName(cell.Factors, n), f.Key, f.Value); err != nil {
			wrong, err := faultsIn(err)
			return cell, wrong, err
		}
	}
	read := file{Study: sim.DefaultStudy()}
	if err := schema.Decode(laid, &read); err != nil {
		wrong, err := faultsIn(err)
		return cell, wrong, err
	}
	cell.Study = read.Study
	cell.Study.Seed = study.Streams.Seed(study.Seed, n)
	return cell, validate(laid, cell.Study), nil
}

// faultsIn returns the faults that an error is, or the error if it is none.
func faultsIn(err error) (strict.Faults, error) {
	var wrong strict.Faults
	if errors.As(err, &wrong) {
		return wrong, nil
	}
	return nil, err
}

// cellName names a cell in a message.
func cellName(factors []sim.Factor, n int) string {
	parts := make([]string, len(factors))
	for i, f := range factors {
		parts[i] = f.Key + "=" + f.Value
	}
	return fmt.Sprintf("sweep cell %d (%s)", n, strings.Join(parts, ", "))
}

// placed puts the fault of a cell where it is written: a value of the sweep in the sweep.
// Where more than that value may be to blame, it says which cell it is of.
func placed(doc *strict.Document, axes []axis, f strict.Fault, factors []sim.Factor, n int) strict.Fault {
	name := cellName(factors, n)
	if f.Source != name {
		f.Message += ", in " + name
		return f
	}
	if len(factors) > 1 {
		f.Message += ", in " + name
	}
	rest := n
	for _, a := range slices.Backward(axes) {
		level := rest % len(a.levels)
		rest /= len(a.levels)
		for k, key := range a.keys {
			if !within(f.Path, key) {
				continue
			}
			path := fmt.Sprintf("%s[%d]", a.path(), level)
			if len(a.keys) > 1 {
				path += fmt.Sprintf("[%d]", k)
			}
			at := doc.Fault(path, f.Message, f.Hint)
			at.Path = f.Path
			return at
		}
	}
	return f
}

// overridden refuses settings that the sweep would lay its values over: their
// own would not count.
func overridden(doc *strict.Document, levels map[string][]strict.Value, settings []Setting) strict.Faults {
	var faults strict.Faults
	for _, s := range settings {
		for entry := range levels {
			for key := range strings.SplitSeq(entry, ",") {
				if within(s.Key, strings.TrimSpace(key)) {
					faults = append(faults, doc.Fault(s.Key, "is swept, so this value would not count",
						fmt.Sprintf("set the sweep instead, as in --set 'sweep={%s: [%s]}'; sweep={} takes it out", strings.TrimSpace(key), s.Value)))
				}
			}
		}
	}
	return faults
}

// within reports whether a path lies in the value at another, or is the same.
func within(path, other string) bool {
	return strings.HasPrefix(dotted(path)+".", dotted(other)+".")
}

// dotted writes every list index of a path in one way: a[2].b as a.2.b.
func dotted(path string) string {
	return strings.NewReplacer("[", ".", "]", "").Replace(path)
}

// encodeSweep writes a sweep as the end of a study file. A Go map would lose
// the order of its keys, so every entry is written alone.
func encodeSweep(entries []sim.SweptKeys) ([]byte, error) {
	var all []byte
	for i, entry := range entries {
		var one struct {
			Levels map[string][]strict.Value `yaml:"sweep"`
		}
		values := make([]strict.Value, len(entry.Values))
		for k, v := range entry.Values {
			values[k] = strict.Value(v)
		}
		one.Levels = map[string][]strict.Value{entry.Keys: values}
		text, err := strict.Encode(one, nil)
		if err != nil {
			return nil, err
		}
		if i > 0 { // the first writes the key "sweep:" for all
			_, rest, _ := strings.Cut(string(text), "\n")
			text = []byte(rest)
		}
		all = append(all, text...)
	}
	return all, nil
}
