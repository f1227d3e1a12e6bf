package sim

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// lockName is the file that a process holds while it works in a run directory. It
// is removed at the end; one that a killed process leaves is not held, and no hindrance.
const lockName = ".coachsim.lock"

// errHeld is what holdFile says of a file that another process holds.
var errHeld = errors.New("held by another process")

// A HeldError says who is at work in a run directory. Schedulers see it when they
// start a job anew before a file system has noticed that its node is gone, so it
// is worth another try.
type HeldError struct{ Who string }

func (e *HeldError) Error() string {
	return e.Who + " is at work in it; wait for its end, or choose another directory with --out"
}

// Hold keeps other processes from simulating into a run directory, which it
// makes where there is none, until release is called.
func Hold(dir string) (release func() error, err error) {
	if err := checkForeign(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, lockName)
	for {
		file, err := holdFile(path)
		if errors.Is(err, errHeld) {
			who := "another process"
			if text, err := os.ReadFile(path); err == nil && len(text) > 0 {
				who = strings.TrimSpace(string(text))
			}
			return nil, &fs.PathError{Op: "simulating into", Path: dir, Err: &HeldError{who}}
		}
		if err != nil {
			return nil, err
		}
		// Whoever held it may have removed it since it was opened.
		held, err := file.Stat()
		there, errThere := os.Stat(path)
		if err != nil || errThere != nil || !os.SameFile(held, there) {
			if err := file.Close(); err != nil {
				return nil, err
			}
			continue
		}
		host, err := os.Hostname()
		if err != nil {
			host = "this machine"
		}
		// Who holds it is only told to others: a full disk is no reason to stop here.
		if file.Truncate(0) == nil {
			_, _ = fmt.Fprintf(file, "process %d on %s, since %s,\n", os.Getpid(), host, time.Now().Format(time.DateTime))
		}
		return func() error { return errors.Join(os.Remove(path), file.Close()) }, nil
	}
}

// checkForeign refuses a directory with other things than a run in it.
func checkForeign(dir string) error {
	if _, err := os.Stat(planPath(dir)); !errors.Is(err, fs.ErrNotExist) {
		return nil // prepare says what is wrong with a plan
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil //nolint:nilerr // it is made, or shown to be no directory, next
	}
	for _, entry := range entries {
		if entry.Name() != lockName && !isTemporary(entry.Name()) {
			return &DirectoryError{dir, "is not empty and holds no run; choose another directory with --out"}
		}
	}
	return nil
}
