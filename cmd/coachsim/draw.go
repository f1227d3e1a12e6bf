package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"coachsim/dgp"
	"coachsim/sim"
)

func newDraw(s streams) *cobra.Command {
	var f studyFlags
	var out string
	var replicate, cell int
	var force bool
	c := &cobra.Command{
		Use:   "draw STUDY",
		Short: "Write one synthetic data set, to check in R or Stata",
		Long: `Write the data set of one replicate, as the estimators of "run" see it with the
same study and seed: children.csv has a row for every child with a valid test,
with every column of the child, teacher and school; teachers.csv a row for every
teacher.`,
		Example: `  coachsim draw ecuador --replicate 3 --out data
  R> d <- read.csv("data/children.csv"); summary(lm(achievement ~ coaching + factor(block), d))`,
		Args:              cobra.ExactArgs(1),
		Annotations:       map[string]string{"wants": "one STUDY: a file, a built-in study's name, or -"},
		ValidArgsFunction: completePresets,
		RunE: func(c *cobra.Command, args []string) error {
			study, _, err := f.load(s, args[0])
			if err != nil {
				return err
			}
			if replicate < 0 {
				return usageError("--replicate %d: replicates are counted from 0", replicate)
			}
			switch cells := len(study.Cells); {
			case cell < 0 || cell >= max(cells, 1):
				return usageError("--cell %d: the study has %s, counted from 0", cell, count(max(cells, 1), "design"))
			case cells > 0 && !c.Flags().Changed("cell"):
				return usageError("%s has a sweep of %s; say which to draw with --cell NUMBER", args[0], count(cells, "design"))
			case cells > 0:
				study = study.Cells[cell].Study
			}
			if out == "" {
				return usageError("draw needs --out DIR for its files")
			}
			children, teachers := filepath.Join(out, "children.csv"), filepath.Join(out, "teachers.csv")
			for _, path := range []string{children, teachers} {
				if _, err := os.Stat(path); err == nil && !force {
					return usageError("%s exists; replace it with --force", path)
				}
			}
			if err := checkDirectory(out); err != nil {
				return err
			}
			if err := os.MkdirAll(out, 0o755); err != nil {
				return err
			}
			g, err := study.Trial.Compile()
			if err != nil {
				return err
			}
			data, _ := g.Draw(dgp.Stream{Seed: study.Seed, Replicate: uint64(replicate)})
			for path, level := range map[string]dgp.Level{children: dgp.ChildLevel, teachers: dgp.TeacherLevel} {
				if err := sim.ReplaceFile(path, func(w io.Writer) error { return writeData(w, g.Shape(), data, level) }); err != nil {
					return err
				}
			}
			fmt.Fprintf(s.talk, "Wrote %s and %s: replicate %d, %d schools, %d teachers, %d children.\n",
				children, teachers, replicate, data.N[dgp.SchoolLevel], data.Teachers(), data.Children())
			return nil
		},
	}
	f.add(c.Flags())
	c.Flags().StringVar(&out, "out", "", "`DIR`ectory for the files")
	c.Flags().IntVar(&replicate, "replicate", 0, "replicate to draw, a `NUMBER` counted from 0")
	c.Flags().IntVar(&cell, "cell", 0, "design of a sweep to draw, a `NUMBER` counted from 0")
	c.Flags().BoolVar(&force, "force", false, "replace files that exist")
	return c
}

// writeData writes one row for every unit of a level, with the columns of the
// level and of those above. Blocks, schools and teachers are numbered from 1.
func writeData(w io.Writer, shape dgp.Shape, d *dgp.Data, level dgp.Level) error {
	out := newCSV(w)
	above := []dgp.Level{dgp.BlockLevel, dgp.SchoolLevel, dgp.TeacherLevel}
	var header []string
	for _, l := range above {
		header = append(header, l.String())
	}
	for _, c := range shape.Columns {
		if c.Level <= level {
			header = append(header, c.Name)
		}
	}
	out.write(header)
	row := make([]string, 0, len(header))
	for u := range d.N[level] {
		row = row[:0]
		for _, l := range above {
			row = append(row, csvValue(d.Ancestor(level, u, l)+1))
		}
		for i, c := range shape.Columns {
			if c.Level <= level {
				row = append(row, csvValue(d.Columns[i][d.Ancestor(level, u, c.Level)]))
			}
		}
		out.write(row)
	}
	return out.flush()
}
