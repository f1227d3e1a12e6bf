package main

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"coachsim/sim"
)

func newVerify(s streams) *cobra.Command {
	var n, workers int
	var seed uint64
	c := &cobra.Command{
		Use:   "verify DIR",
		Short: "Simulate a sample of a run again, and compare it with the log",
		Long: `Check a run directory: that plan.yaml is what was simulated, that every chunk is
there and whole, that replicates chosen at random come out again as they are logged,
bit for bit (to nine digits if another kind of processor made the log), that the true
effects of a design are found again, and that summary.csv is what the log gives.

Exit code 3 says that something is not as it should be.`,
		Example: `  coachsim verify coachsim-ecuador
  coachsim verify big --sample 1000 --seed 7`,
		Args:        cobra.ExactArgs(1),
		Annotations: map[string]string{"wants": "one run DIRectory"},
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case n < 0:
				return usageError("--sample %d: must be at least 0", n)
			case workers < 1:
				return usageError("--workers %d: at least 1 is needed", workers)
			}
			dir := args[0]
			plan, err := readLoggedRun(dir)
			if err != nil {
				return err
			}
			if !c.Flags().Changed("seed") {
				var random [4]byte
				_, _ = rand.Read(random[:]) // never fails
				seed = uint64(binary.BigEndian.Uint32(random[:]))
			}
			found, err := sim.Verify(c.Context(), plan, dir, n, seed, workers)
			if c.Context().Err() != nil {
				return &exitError{exitInterrupted, nil}
			}
			if err != nil {
				return &exitError{exitFile, err}
			}
			exact := "bit for bit"
			if found.Inexact > 0 {
				exact = fmt.Sprintf("%s of them only to nine digits: the log is from another kind of processor", grouped(found.Inexact))
			}
			fmt.Fprintf(s.out, "Read %s. Simulated %s again (sample %d): %s compared with the log, %s.\n",
				count(found.Chunks, "chunk"), count(found.Replicates, "replicate"), seed, count(found.Records, "estimate"), exact)
			if found.Truths > 0 {
				fmt.Fprintf(s.out, "Found %s of one design again.\n", count(found.Truths, "true effect"))
			}
			if len(found.Faults) == 0 && plan.Shard.Whole() {
				if err := verifySummary(s, dir, found); err != nil {
					return err
				}
			}
			if len(found.Faults) == 0 {
				fmt.Fprintln(s.out, "All is as it should be.")
				return nil
			}
			for _, fault := range found.Faults {
				fmt.Fprintf(s.out, "WRONG: %s\n", fault)
			}
			return &exitError{exitFile, errors.New(dir + " does not hold what its study gives")}
		},
	}
	c.Flags().IntVar(&n, "sample", 20, "`NUMBER` of replicates to simulate again")
	c.Flags().Uint64Var(&seed, "seed", 0, "`NUMBER` that chooses them (default another each time)")
	c.Flags().IntVar(&workers, "workers", runtime.GOMAXPROCS(0), "`NUMBER` of parallel workers, for the true effects")
	return c
}

// verifySummary holds summary.csv against the log.
func verifySummary(s streams, dir string, found *sim.Verification) error {
	name := filepath.Join(dir, "summary.csv")
	have, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(s.out, "There is no %s yet.\n", name)
		return nil
	}
	if err != nil {
		return err
	}
	done, err := openDirectory(dir)
	if err != nil {
		return err
	}
	var want bytes.Buffer
	if err := done.summary.WriteCSV(&want); err != nil {
		return err
	}
	if !bytes.Equal(have, want.Bytes()) {
		found.Faults = append(found.Faults, name+" is not what the log gives; coachsim run with --resume writes it again")
	}
	return nil
}
