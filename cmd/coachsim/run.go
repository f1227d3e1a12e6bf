package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"coachsim/sim"
)

func newRun(s streams) *cobra.Command {
	var f runFlags
	var noFigures bool
	var t targets
	c := &cobra.Command{
		Use:   "run STUDY",
		Short: "Simulate a study and show power, bias and coverage",
		Long: `Simulate a study: draw its trial again and again, fit every estimator to every
draw, and print the summary. STUDY is a file, a built-in study's name, or - for
standard input.

The run directory holds plan.yaml (the resolved study), chunks/*.parquet (every
estimate of every replicate), summary.csv, summary.json, figures/, power.md (the
power calculation as a proposal states it: a paragraph, the same in 150 words, and a
checklist with sources), tables for papers (table.tex, table.md, table.csv,
table.html) and report.html, which tells it all on one page. The same study gives
the same bytes whatever the number of workers.

A study with a sweep simulates every combination of its values.

--mcse power=0.005 ends each design as soon as the power of every estimator of a
known effect is known so precisely, asked every 500 replicates; --replicates is then
the most.

--shard K/N simulates one part of N, for as many machines; merge puts the parts
together. The parts depend on the study and N alone. K may be the name of an
environment variable, $NAME, and {shard} in --out stands for K-of-N. submit does
all this for job schedulers.`,
		Example: `  coachsim run ecuador
  coachsim run my-trial.yaml --replicates 5000 --out big
  coachsim run ecuador --set trial.schools=12 --set 'trial.assignment.share=0.4'
  coachsim run ecuador --set 'sweep={trial.schools: [10, 20, 40]}' --out sizes
  coachsim run ecuador --json > summary.json
  coachsim run my-trial.yaml --replicates 100000 --shard 3/16 --out big/3`,
		Args:              cobra.ExactArgs(1),
		Annotations:       map[string]string{"wants": "one STUDY: a file, a built-in study's name, or -"},
		ValidArgsFunction: completePresets,
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			if f.json && !f.shard.Whole() {
				return usageError("--json with --shard: one shard has no results to print; merge has")
			}
			if err := f.setPrecision(); err != nil {
				return err
			}
			study, name, err := f.load(s, args[0])
			if err != nil {
				return err
			}
			if _, _, err := t.read(study); err != nil {
				return err
			}
			if cells := max(1, len(study.Cells)); len(study.Precision) > 0 && f.shard.N > cells {
				return usageError("--shard %s: the study ends when it is precise, for which a design must be in one shard, and it has %s; use at most as many shards", f.shard, count(cells, "design"))
			}
			dir := f.out
			switch {
			case dir == "" && f.shard.N > 0:
				dir = filepath.Join("coachsim-"+name+"-shards", sim.ShardDir(f.shard))
			case dir == "":
				dir = "coachsim-" + name
			case strings.Contains(dir, shardMark):
				if f.shard.N == 0 {
					return usageError("--out %s: %s stands for the shard, and there is no --shard", dir, shardMark)
				}
				dir = strings.ReplaceAll(dir, shardMark, sim.ShardDir(f.shard))
			}
			for _, warning := range study.Warnings() {
				fmt.Fprintf(s.talk, "Warning: %s.\n", warning)
			}
			release, err := hold(dir)
			if err != nil {
				return err
			}
			defer release()
			done, err := f.simulate(c, s, study, dir)
			if err != nil || done == nil {
				return err
			}
			return done.finish(s, f.json, !noFigures, &t)
		},
	}
	f.add(c.Flags(), "coachsim-NAME")
	t.add(c.Flags())
	c.Flags().StringArrayVar(&f.mcse, "mcse", nil, "end a design when its Monte Carlo standard error is so small: `[ESTIMATOR:]MEASURE=NUMBER`, the measure power, bias or coverage (again for more)")
	c.Flags().Var(&f.shard, "shard", "simulate part `K/N` of the run, counted from 0, for merge")
	c.Flags().BoolVar(&noFigures, "no-figures", false, "draw no files of figures; the report has them")
	return c
}

// shardMark stands for the shard in a directory's name.
const shardMark = "{shard}"

// tableWidth is the width of the terminal, or what fits a page.
func tableWidth(s streams) int {
	if file, ok := s.out.w.(*os.File); ok {
		if info, err := file.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 40 {
				return n
			}
		}
	}
	return 110
}

// setPrecision turns --mcse into the study's precision.
func (f *runFlags) setPrecision() error {
	if len(f.mcse) == 0 {
		return nil
	}
	var all []string
	for _, text := range f.mcse {
		p, err := sim.ParsePrecision(text)
		if err != nil {
			return usageError("--mcse %s: %v%s", text, err, withPoint(text))
		}
		all = append(all, fmt.Sprintf("{measure: %s, mcse: %v, of: %q}", p.Measure, p.MCSE, p.Of))
	}
	f.set = append(f.set, "precision=["+strings.Join(all, ", ")+"]")
	return nil
}
