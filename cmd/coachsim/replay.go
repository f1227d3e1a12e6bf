package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/sim"
)

func newReplay(s streams) *cobra.Command {
	var cell, replicate int
	var out string
	var asCSV, force bool
	c := &cobra.Command{
		Use:   "replay DIR",
		Short: "Draw one replicate of a run again, with every estimator's full fit",
		Long: `Draw one replicate of a run again, as its log has it: show every estimator's fit in
full, with all terms of its formula, and with --out write the data, as draw does. It
is said whether the fits are those of the log.`,
		Example: `  coachsim replay coachsim-ecuador --replicate 45
  coachsim replay sizes --cell 3 --replicate 45 --out data`,
		Args:        cobra.ExactArgs(1),
		Annotations: map[string]string{"wants": "one run DIRectory"},
		RunE: func(c *cobra.Command, args []string) error {
			plan, err := readLoggedRun(args[0])
			if err != nil {
				return err
			}
			study, err := oneDesign(c, plan.Study, args[0], cell)
			if err != nil {
				return err
			}
			if replicate < 0 || replicate >= plan.Study.Replicates {
				return usageError("--replicate %d: the run has replicates 0 to %d", replicate, plan.Study.Replicates-1)
			}
			logged, err := sim.Replicate(plan, args[0], cell, replicate)
			if err != nil {
				return &exitError{exitFile, err}
			}
			found, err := study.Simulate(cell, replicate)
			if err != nil {
				return err
			}
			d, err := drawOne(study, replicate)
			if err != nil {
				return err
			}
			if out != "" {
				if err := d.write(s, out, force, false); err != nil {
					return err
				}
			}
			fits, err := d.fullFits(study)
			if err != nil {
				return err
			}
			if err := writeReplay(s, fits, asCSV); err != nil {
				return err
			}
			for i := range found {
				if i >= len(logged) || !sameNumbers(&logged[i], &found[i]) {
					return &exitError{exitFile, fmt.Errorf("%s: the log has other estimates of replicate %d than these; see coachsim verify", args[0], replicate)}
				}
			}
			fmt.Fprintf(s.talk, "The log of %s has the same estimates of replicate %d, bit for bit.\n", args[0], replicate)
			return nil
		},
	}
	flags := c.Flags()
	flags.IntVar(&cell, "cell", 0, "design of a sweep, a `NUMBER` counted from 0")
	flags.IntVar(&replicate, "replicate", 0, "replicate, a `NUMBER` counted from 0")
	flags.StringVar(&out, "out", "", "`DIR`ectory for the data (default none are written)")
	flags.BoolVar(&asCSV, "csv", false, "print the fits as CSV")
	flags.BoolVar(&force, "force", false, "replace files that exist")
	return c
}

func sameNumbers(a, b *sim.Record) bool {
	same := func(x, y float64) bool { return x == y || math.IsNaN(x) && math.IsNaN(y) }
	return a.Status == b.Status && a.Estimator == b.Estimator && a.Outcome == b.Outcome && a.Term == b.Term &&
		same(a.Value, b.Value) && same(a.SE, b.SE) && same(a.DF, b.DF) && same(a.P, b.P) && same(a.Low, b.Low) && same(a.High, b.High)
}

// A drawn is the data set of one replicate.
type drawn struct {
	replicate int
	stream    dgp.Stream
	generator *dgp.Generator
	data      *dgp.Data
}

func drawOne(study sim.Study, replicate int) (*drawn, error) {
	g, err := study.Trial.Compile()
	if err != nil {
		return nil, err
	}
	d := &drawn{replicate: replicate, stream: dgp.Stream{Seed: study.Seed, Replicate: uint64(replicate)}, generator: g}
	d.data, _ = g.Draw(d.stream)
	return d, nil
}

// oneDesign returns a study without a sweep: the study itself or one of its cells.
func oneDesign(c *cobra.Command, study sim.Study, name string, cell int) (sim.Study, error) {
	switch cells := len(study.Cells); {
	case cell < 0 || cell >= max(cells, 1):
		return study, usageError("--cell %d: the study has %s, counted from 0", cell, count(max(cells, 1), "design"))
	case cells > 0 && !c.Flags().Changed("cell"):
		return study, usageError("%s has a sweep of %s; say which to draw with --cell NUMBER", name, count(cells, "design"))
	case cells > 0:
		study = study.Cells[cell].Study
	}
	return study, nil
}

// fullFits fits every estimator of a study to the data, reporting all terms of its
// formula after those that the study asks for.
func (d *drawn) fullFits(study sim.Study) ([]*fitted, error) {
	var all []*fitted
	for _, e := range study.Estimators {
		var before []estimators.Named // that it takes its terms from
		if post, ok := e.Method.(estimators.PostSelection); ok {
			for _, o := range study.Estimators {
				if slices.Contains(post.Selections, o.Name) {
					before = append(before, estimators.Named{Name: o.Name, Method: o.Method})
				}
			}
		}
		panel, err := estimators.Bind(append(before, estimators.Named{Name: e.Name, Method: inFull(e.Method, study.Terms)}), d.generator.Shape(), study.Terms)
		if err != nil { // it cannot report all: a term stands for another, say
			if panel, err = estimators.Bind(append(before, estimators.Named{Name: e.Name, Method: e.Method}), d.generator.Shape(), study.Terms); err != nil {
				return nil, err
			}
		}
		panel.SetAlpha(study.Alpha)
		panel.Use(d.stream)
		f := &fitted{fit: &fit{name: e.Name, options: optionsOf(e.Method)}}
		for i, estimate := range panel.Fit(d.data) {
			if row := panel.Rows()[i]; row.Estimator == e.Name {
				f.rows = append(f.rows, describe(row, estimate, study.Alpha))
			}
		}
		f.components = panel.VarianceComponents()
		all = append(all, f)
	}
	return all, nil
}

// inFull returns a method that reports every term of its formula too.
func inFull(m estimators.Method, lists map[string]string) estimators.Method {
	full := optionsOf(m)
	field := full.field("report")
	if !field.IsValid() {
		return m
	}
	report, ok := field.Interface().([]string)
	formula, err := estimators.ParseFormula(full.text("formula"), lists)
	if !ok || err != nil {
		return m
	}
	asked := map[string]bool{}
	var terms []string
	for _, text := range slices.Concat(report, allTerms(formula)) {
		if !asked[text] {
			asked[text] = true
			terms = append(terms, text)
		}
	}
	if full.set("report", terms) != nil {
		return m
	}
	return full.method()
}

// writeReplay writes the fits as fit does.
func writeReplay(s streams, fits []*fitted, asCSV bool) error {
	if asCSV {
		return writeFitCSV(s.out, fits)
	}
	for i, f := range fits {
		if i > 0 {
			fmt.Fprintln(s.out)
		}
		fmt.Fprintln(s.out, strings.TrimSuffix(f.name+": "+f.options.text("formula"), ": "))
		writeAligned(s.out, f.cells())
		if len(f.components) > 0 {
			fmt.Fprintln(s.out)
			writeAligned(s.out, f.componentCells())
		}
	}
	return nil
}

// write writes the children and the teachers.
func (d *drawn) write(s streams, dir string, force, oracle bool) error {
	children, teachers := filepath.Join(dir, "children.csv"), filepath.Join(dir, "teachers.csv")
	for _, path := range []string{children, teachers} {
		if _, err := os.Stat(path); err == nil && !force {
			return usageError("%s exists; replace it with --force", path)
		}
	}
	if err := checkDirectory(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	shape, data := d.generator.Shape(), d.data
	for path, level := range map[string]dgp.Level{children: dgp.ChildLevel, teachers: dgp.TeacherLevel} {
		if err := sim.ReplaceFile(path, func(w io.Writer) error { return writeData(w, shape, data, level, oracle) }); err != nil {
			return err
		}
	}
	fmt.Fprintf(s.talk, "Wrote %s and %s: replicate %d, %d schools, %d teachers, %s.\n",
		children, teachers, d.replicate, data.N[dgp.SchoolLevel], data.Teachers(), writtenTested(d.generator, data))
	return nil
}
