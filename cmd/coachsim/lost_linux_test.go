package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// mountDisk mounts a small disk. Only who may mount one can try what happens to it.
func mountDisk(t *testing.T, size string) string {
	t.Helper()
	disk := t.TempDir()
	if err := syscall.Mount("none", disk, "tmpfs", 0, "size="+size); err != nil {
		t.Skip("cannot mount a small disk: ", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	return disk
}

// failed runs the program and wants an exit code.
func failed(t *testing.T, code int, arguments ...string) string {
	t.Helper()
	text, err := exec.Command("coachsim", arguments...).CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != code || strings.Contains(string(text), "goroutine") {
		t.Fatalf("%q: %v, want exit code %d\n%s", arguments, err, code, text)
	}
	return string(text)
}

// A directory that cannot be written ends a run with a message, before it begins and in
// the middle, and nothing that was finished is lost.
func TestReadOnlyDirectory(t *testing.T) {
	disk := mountDisk(t, "40m")
	out, whole := filepath.Join(disk, "run"), filepath.Join(t.TempDir(), "whole")
	arguments := []string{"run", filepath.Join("testdata", "small.yaml"), "--progress", "none", "--no-figures"}
	short, long := slices.Concat(arguments, []string{"--replicates", "300"}), slices.Concat(arguments, []string{"--replicates", "20000", "--untried"})
	mustCoachsim(t, append(short, "--out", out)...)
	finished := directory(t, out)
	// Mounted once more over itself, a disk can be read-only although files on it are open.
	readOnly := func() (writable func()) {
		t.Helper()
		if err := errors.Join(syscall.Mount(disk, disk, "", syscall.MS_BIND, ""), syscall.Mount("", disk, "", syscall.MS_REMOUNT|syscall.MS_BIND|syscall.MS_RDONLY, "")); err != nil {
			t.Fatal(err)
		}
		return func() {
			if err := syscall.Unmount(disk, syscall.MNT_DETACH); err != nil {
				t.Fatal(err)
			}
		}
	}

	writable := readOnly()
	for _, dir := range []string{out, filepath.Join(disk, "new")} {
		if text := failed(t, exitFile, append(long, "--out", dir, "--resume")...); !strings.Contains(text, "read-only file system") {
			t.Errorf("the message is %s", text)
		}
	}
	writable()
	checkFiles(t, "refused", directory(t, out), finished)

	program := exec.Command("coachsim", append(long, "--out", out, "--resume")...)
	var text strings.Builder
	program.Stdout, program.Stderr = &text, &text
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	awaitChunks(t, out, 6)
	writable = readOnly()
	err := program.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitFile || !strings.Contains(text.String(), "read-only file system") || !strings.Contains(text.String(), "of 20,000 replicates are kept in "+out) {
		t.Errorf("%v\n%s", err, text.String())
	}
	writable()
	if err := os.RemoveAll(filepath.Join(out, ".coachsim.lock")); err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadDir(filepath.Join(out, "chunks"))
	if err != nil || len(kept) < 6 {
		t.Fatalf("%d chunks are kept, error %v", len(kept), err)
	}
	on := strconv.Itoa(100 * (len(kept) + 1))
	mustCoachsim(t, append(arguments, "--replicates", on, "--out", out, "--resume")...)
	mustCoachsim(t, append(arguments, "--replicates", on, "--out", whole)...)
	checkFiles(t, "afterwards", directory(t, out), directory(t, whole))
}

// awaitChunks waits until a run has so many chunks.
func awaitChunks(t *testing.T, out string, n int) {
	t.Helper()
	for range 1000 {
		if entries, err := os.ReadDir(filepath.Join(out, "chunks")); err == nil && len(entries) >= n {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("there are no %d chunks after 10 s", n)
}

// A disk that is too small is told before a long run begins.
func TestNoRoom(t *testing.T) {
	disk := mountDisk(t, "400k")
	out := filepath.Join(disk, "run")
	arguments := []string{"run", filepath.Join("testdata", "small.yaml"), "--replicates", "20000", "--progress", "none", "--no-figures", "--out", out}
	text := failed(t, exitFile, arguments...)
	if !strings.Contains(text, "run: the log will take about ") || !strings.Contains(text, ", and its disk has 4") || !strings.Contains(text, "add --untried") {
		t.Errorf("the message is %s", text)
	}
	if _, err := os.Stat(filepath.Join(out, "plan.yaml")); err == nil {
		t.Error("the run has begun")
	}
	if text := failed(t, exitFile, append(arguments, "--untried")...); !strings.Contains(text, "no space left on device") {
		t.Errorf("the message is %s", text)
	}
}

// A directory that vanishes under a run ends it with a message.
func TestVanishedDirectory(t *testing.T) {
	disk := mountDisk(t, "40m")
	out := filepath.Join(disk, "run")
	program := exec.Command("coachsim", "run", filepath.Join("testdata", "small.yaml"), "--replicates", "1000000", "--untried", "--progress", "none", "--no-figures", "--out", out)
	var text strings.Builder
	program.Stdout, program.Stderr = &text, &text
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	awaitChunks(t, out, 1)
	if err := syscall.Unmount(disk, syscall.MNT_DETACH); err != nil {
		t.Fatal(err)
	}
	err := program.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitFile || !strings.Contains(text.String(), "no such file or directory") ||
		strings.Contains(text.String(), "are kept in") || strings.Contains(text.String(), "goroutine") {
		t.Errorf("%v\n%s", err, text.String())
	}
}
