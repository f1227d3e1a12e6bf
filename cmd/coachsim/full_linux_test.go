package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A full disk stops a run with a message and keeps what was finished; with more room
// the run goes on and ends as any other. Only who may mount a disk can try this.
func TestFullDisk(t *testing.T) {
	disk := mountDisk(t, "160k")
	out, whole := filepath.Join(disk, "run"), filepath.Join(t.TempDir(), "whole")
	arguments := []string{"run", filepath.Join("testdata", "small.yaml"), "--replicates", "1500", "--progress", "none", "--no-figures", "--out"}
	text, err := exec.Command("coachsim", append(arguments, out)...).CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitFile || !strings.Contains(string(text), "no space left on device") ||
		!strings.Contains(string(text), "of 1,500 replicates are kept in "+out+". When what follows is mended, go on with --resume.") || strings.Contains(string(text), "goroutine") {
		t.Fatalf("error %v\n%s", err, text)
	}
	if err := syscall.Mount("none", disk, "tmpfs", syscall.MS_REMOUNT, "size=20m"); err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadDir(filepath.Join(out, "chunks"))
	if err != nil || len(kept) == 0 {
		t.Fatalf("%d chunks are kept, error %v", len(kept), err)
	}
	mustCoachsim(t, append(arguments, out, "--resume")...)
	mustCoachsim(t, append(arguments, whole)...)
	checkFiles(t, "with more room", directory(t, out), directory(t, whole))
}
