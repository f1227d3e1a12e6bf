package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"coachsim/cmd/coachsim/cluster"
	"coachsim/configs"
	"coachsim/sim"
)

func newMerge(s streams) *cobra.Command {
	var out string
	var t targets
	var asJSON, force, noFigures bool
	c := &cobra.Command{
		Use:   "merge DIR...",
		Short: "Put the shards of a run together",
		Long: `Put the shards of a run (run --shard K/N) together into one run directory, which
is byte for byte the one that a single machine would have made, and show the
summary. A DIR is the directory of a shard, or one that holds those of all.

Every chunk is read and checked. If any is missing or damaged, nothing is written;
the message names the shards, and the commands that finish them.`,
		Example: `  coachsim merge coachsim-ecuador-shards --out coachsim-ecuador
  coachsim merge node1/big node2/big --out big`,
		Args:        cobra.MinimumNArgs(1),
		Annotations: map[string]string{"wants": "run DIRectories of shards"},
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkDirectory(out); err != nil {
				return err
			}
			shards, err := sim.FindShards(args)
			if err != nil {
				return err
			}
			first, err := sim.ReadShards(shards)
			if err != nil {
				return err
			}
			study, err := configs.LoadPlan(filepath.Join(shards[0], "plan.yaml"), first.Text)
			if err != nil {
				return err
			}
			if _, _, err := t.read(study); err != nil {
				return err
			}
			plan, err := configs.Plan(study, first.Build)
			if err != nil {
				return err
			}
			outcome, err := sim.Merge(c.Context(), plan, shards, sim.Options{Dir: out, Force: force})
			if err != nil {
				return tellSubmit(err, filepath.Dir(shards[0]))
			}
			if outcome.Interrupted {
				fmt.Fprintf(s.talk, "Interrupted. Merge again; the shards are as they were.\n")
				return &exitError{exitInterrupted, nil}
			}
			release, err := hold(out)
			if err != nil {
				return err
			}
			defer release()
			done, err := open(out, study)
			if err != nil {
				return err
			}
			done.outcome = outcome
			if err := done.writeSummary(); err != nil {
				return err
			}
			return done.finish(s, asJSON, !noFigures, &t)
		},
	}
	flags := c.Flags()
	t.add(flags)
	flags.StringVar(&out, "out", "coachsim-merged", "run `DIR`ectory of the whole")
	flags.BoolVar(&force, "force", false, "replace the run in the directory")
	flags.BoolVar(&asJSON, "json", false, "print the result as one JSON object")
	flags.BoolVar(&noFigures, "no-figures", false, "draw no files of figures; the report has them")
	return c
}

// tellSubmit adds to what is missing of a submitted job how to submit just that.
func tellSubmit(err error, dir string) error {
	var incomplete *sim.Incomplete
	script := filepath.Join(dir, "submit.sh")
	if _, none := os.Stat(script); none != nil || !errors.As(err, &incomplete) {
		return err
	}
	return fmt.Errorf("%w\nor submit them again: sh %s %s", err, cluster.Quote(script), incomplete.Array())
}
