package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"coachsim/sim"
)

// A run, and a merge, that are killed at any moment and started again end in the
// directory of one that was not. COACHSIM_KILLS=50 in the environment kills each so
// often.
func TestKilledAndResumed(t *testing.T) {
	kills := 3
	if text := os.Getenv("COACHSIM_KILLS"); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	} else if testing.Short() {
		kills = 1
	}
	random := rand.New(rand.NewPCG(1, 2)) // of the moments; the scheduler adds its own
	study, err := filepath.Abs(filepath.Join("testdata", "small.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	run := []string{"run", study, "--replicates", "1230", "--progress", "none", "--no-figures"}

	began := time.Now()
	mustCoachsim(t, append(run, "--out", in("whole"))...)
	took := time.Since(began)
	want := directory(t, in("whole"))

	checkKilled := func(what string, arguments []string, out string, took time.Duration) {
		for i := range kills {
			if err := os.RemoveAll(out); err != nil {
				t.Fatal(err)
			}
			for range 1 + i%3 { // some are killed again when they go on
				program := exec.Command("coachsim", arguments...)
				if err := program.Start(); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Duration(random.Float64() * 1.1 * float64(took)))
				_ = program.Process.Kill() // it may have ended
				_ = program.Wait()
			}
			mustCoachsim(t, arguments...)
			checkFiles(t, fmt.Sprintf("%s, kill %d", what, i), directory(t, out), want)
		}
	}
	checkKilled("run", append(run, "--out", in("killed"), "--resume"), in("killed"), took)

	for k := range 3 {
		shard := sim.Shard{K: k, N: 3}
		mustCoachsim(t, append(run, "--shard", shard.String(), "--out", filepath.Join(in("shards"), sim.ShardDir(shard)))...)
	}
	merge := []string{"merge", in("shards"), "--out", in("merged"), "--no-figures"}
	began = time.Now()
	mustCoachsim(t, merge...)
	checkKilled("merge", merge, in("merged"), time.Since(began))
}

// checkFiles wants the same files with the same bytes.
func checkFiles(t *testing.T, what string, got, want map[string][]byte) {
	t.Helper()
	for name, text := range want {
		if !bytes.Equal(got[name], text) {
			t.Errorf("%s: %s differs", what, name)
		}
	}
	for name := range got {
		if _, known := want[name]; !known {
			t.Errorf("%s: there is a file %s", what, name)
		}
	}
}

func mustCoachsim(t *testing.T, arguments ...string) {
	t.Helper()
	if text, err := exec.Command("coachsim", arguments...).CombinedOutput(); err != nil {
		t.Fatalf("%q: %v\n%s", arguments, err, text)
	}
}

// directory reads every file below a directory but for the provenance, which has times.
func directory(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == sim.ProvenanceFile {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		all[name], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
