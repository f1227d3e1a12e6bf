package plots

import (
	"encoding/csv"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg"

	"coachsim/sim"
)

// A Figure is a picture together with the numbers it shows.
type Figure interface {
	// Name is the name of the figure's files, without directory or extension.
	Name() string
	// Words are its title and a note on how to read it.
	Words() Words
	// Draw lays the figure out, without its words. Where there is nothing to show the
	// error is an *Empty.
	Draw(Theme) (Drawing, error)
	// Table returns the plotted numbers, a header first. Numbers that do not
	// exist are empty.
	Table() [][]string
}

// Empty is the error of a figure that has nothing to show: there are too few trials, or
// the fits that it is of failed. Whoever draws several leaves it out.
type Empty struct{ Why string }

func (e *Empty) Error() string { return "plots: " + e.Why }

// Write draws the figure into dir, once in each format, and beside it the data
// twin NAME.csv. It returns the paths of the files, the twin last.
func Write(dir string, t Theme, fig Figure, formats ...Format) (files []string, err error) {
	name := fig.Name()
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, `/\`) {
		return nil, fmt.Errorf("plots: figure name %q is not a file name", name)
	}
	drawing, err := fig.Draw(t)
	if err != nil {
		return nil, fmt.Errorf("figure %s: %w", name, err)
	}
	drawing.Enlarge, drawing.Text = t.Enlarge, t.Text
	for _, f := range formats {
		path := filepath.Join(dir, name+"."+string(f))
		if err := Save(path, drawing); err != nil {
			return files, fmt.Errorf("figure %s: %w", name, err)
		}
		files = append(files, path)
	}
	twin := filepath.Join(dir, name+".csv")
	err = sim.ReplaceFile(twin, func(w io.Writer) error {
		return csv.NewWriter(w).WriteAll(fig.Table())
	})
	if err != nil {
		return files, fmt.Errorf("figure %s: %w", name, err)
	}
	return append(files, twin), nil
}

// A Row is one summary row with the words that stand beside it in a figure.
type Row struct {
	Label string // e.g. "Treatment → total achievement (3B, 1)"; made from the row where empty
	sim.SummaryRow
}

// label returns the words for the row: those given, or the row's own names.
func (r Row) label() string { return r.labelBut(nil) }

// labelBut is the label without the values of some keys.
func (r Row) labelBut(shared []string) string {
	if r.Label != "" {
		return r.Label
	}
	words := fmt.Sprintf("%s → %s (%s)", r.Term, r.Outcome, r.Estimator)
	if where := r.whereBut(shared); where != "" {
		words += ", " + where
	}
	return words
}

// where is the design of the row in words.
func (r Row) where() string { return r.whereBut(nil) }

// whereBut is the design without the values of some keys.
func (r Row) whereBut(shared []string) string {
	var keys, parts []string
	for _, f := range r.Factors {
		keys = append(keys, f.Key)
	}
	for i, words := range InWords(keys) {
		if !slices.Contains(shared, keys[i]) {
			parts = append(parts, words+" = "+Bare(r.Factors[i].Value))
		}
	}
	return strings.Join(parts, ", ")
}

// sharedKeys are the keys at which all of several rows have the same value: a
// figure says it once, in its note. A bare figure, which has none, says it in every
// label.
func sharedKeys(t Theme, rows []Row) (shared []string) {
	if len(rows) < 2 || t.Bare {
		return nil
	}
	for _, f := range rows[0].Factors {
		if len(levelsOf(rows, f.Key)) == 1 {
			shared = append(shared, f.Key)
		}
	}
	return shared
}

// named returns name, or otherwise where name is empty.
func named(name, otherwise string) string {
	if name == "" {
		return otherwise
	}
	return name
}

// orWidth returns width, or otherwise where width is 0.
func orWidth(width, otherwise vg.Length) vg.Length {
	if width == 0 {
		return otherwise
	}
	return width
}

func whole(n int) string { return strconv.Itoa(n) }

// cell formats a number for a data twin: exact, and empty where there is none.
func cell(v float64) string {
	if !finite(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
