package main

import (
	"io"

	"github.com/spf13/cobra"

	"coachsim/dgp"
)

func newDraw(s streams) *cobra.Command {
	var f studyFlags
	var out string
	var replicate, cell int
	var force, oracle bool
	c := &cobra.Command{
		Use:   "draw STUDY",
		Short: "Write one synthetic data set, to check in R or Stata",
		Long: `Write the data set of one replicate, as the estimators of "run" see it with the
same study and seed: children.csv has a row for every child with a valid test
(every sampled child, where the study keeps the lost: trial.attrition.keep, .loss),
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
			if study, err = oneDesign(c, study, args[0], cell); err != nil {
				return err
			}
			if out == "" {
				return usageError("draw needs --out DIR for its files")
			}
			d, err := drawOne(study, replicate)
			if err != nil {
				return err
			}
			return d.write(s, out, force, oracle)
		},
	}
	f.add(c.Flags())
	c.Flags().StringVar(&out, "out", "", "`DIR`ectory for the files")
	c.Flags().IntVar(&replicate, "replicate", 0, "replicate to draw, a `NUMBER` counted from 0")
	c.Flags().IntVar(&cell, "cell", 0, "design of a sweep to draw, a `NUMBER` counted from 0")
	c.Flags().BoolVar(&oracle, "oracle", false, "write columns that no analyst has too")
	c.Flags().BoolVar(&force, "force", false, "replace files that exist")
	return c
}

// writeData writes one row for every unit of a level, with the columns of the
// level and of those above, and those that no analyst has where oracle is set. Blocks, schools and teachers are numbered from 1.
func writeData(w io.Writer, shape dgp.Shape, d *dgp.Data, level dgp.Level, oracle bool) error {
	written := func(c dgp.Column) bool { return c.Level <= level && (oracle || !c.Oracle) }
	out := newCSV(w)
	above := []dgp.Level{dgp.BlockLevel, dgp.SchoolLevel, dgp.TeacherLevel}
	var header []string
	for _, l := range above {
		header = append(header, l.String())
	}
	for _, c := range shape.Columns {
		if written(c) {
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
			if written(c) {
				row = append(row, csvValue(d.Columns[i][d.Ancestor(level, u, c.Level)]))
			}
		}
		out.write(row)
	}
	return out.flush()
}
