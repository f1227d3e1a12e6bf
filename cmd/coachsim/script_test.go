package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"coachsim/sim"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"coachsim": main})
}

// TestScripts runs testdata/script/*.txtar, each in a directory of its own with
// a copy of testdata/small.yaml. With UPDATE_SCRIPTS=1 in the environment it
// writes the golden files anew.
func TestScripts(t *testing.T) {
	small, err := os.ReadFile(filepath.Join("testdata", "small.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("LC_ALL", "C")
			e.Values[interruptedKey{}] = new(*exec.Cmd)
			return os.WriteFile(filepath.Join(e.WorkDir, "small.yaml"), small, 0o644)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":     exits,
			"edit":      edit,
			"sametree":  sameTree,
			"files":     files,
			"interrupt": stop(os.Interrupt),
			"terminate": stop(syscall.SIGTERM),
			"await":     await,
			"exited":    exited,
		},
	})
}

// exits CODE PROGRAM ARGUMENT... runs a program and wants an exit code. What
// it prints can be looked at as after exec.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGUMENT...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// edit FROM TO OLD NEW copies a file with the only OLD replaced by NEW; \n is
// the end of a line in both.
func edit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: edit FROM TO OLD NEW")
	}
	from, unescape := ts.ReadFile(args[0]), strings.NewReplacer(`\n`, "\n")
	old, now := unescape.Replace(args[2]), unescape.Replace(args[3])
	if n := strings.Count(from, old); n != 1 {
		ts.Fatalf("%s has %q %d times, want once", args[0], old, n)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(strings.Replace(from, old, now, 1)), 0o644))
}

// tree reads every file below a directory, but for the provenance of a run, which has
// times.
func tree(ts *testscript.TestScript, dir string) map[string][]byte {
	all := map[string][]byte{}
	root := ts.MkAbs(dir)
	ts.Check(filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == sim.ProvenanceFile {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		all[filepath.ToSlash(name)], err = os.ReadFile(path)
		return err
	}))
	return all
}

// sametree A B wants the same files with the same bytes in two directories, at
// least one.
func sameTree(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: [!] sametree A B")
	}
	a, b := tree(ts, args[0]), tree(ts, args[1])
	var faults []string
	for name, text := range a {
		if other, ok := b[name]; !ok {
			faults = append(faults, "only "+args[0]+" has "+name)
		} else if !bytes.Equal(text, other) {
			faults = append(faults, name+" differs")
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			faults = append(faults, "only "+args[1]+" has "+name)
		}
	}
	slices.Sort(faults)
	switch {
	case len(a) == 0:
		ts.Fatalf("%s holds no file", args[0])
	case neg && len(faults) == 0:
		ts.Fatalf("%s and %s are the same", args[0], args[1])
	case !neg && len(faults) > 0:
		ts.Fatalf("%s", strings.Join(faults, "\n"))
	}
}

// files DIR LIST wants exactly the files below a directory that LIST names, one
// a line, in order.
func files(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: files DIR LIST")
	}
	var got []string
	for name := range tree(ts, args[0]) {
		got = append(got, name)
	}
	slices.Sort(got)
	if want := strings.Fields(ts.ReadFile(args[1])); !slices.Equal(got, want) {
		ts.Fatalf("%s holds\n%s\nwant\n%s", args[0], strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// interruptedKey is where a script keeps the program that interrupt stopped.
type interruptedKey struct{}

// stop makes the commands interrupt GLOB and terminate GLOB, which send a signal to
// the program in the background as soon as a file matches.
func stop(signal os.Signal) func(ts *testscript.TestScript, neg bool, args []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		running := ts.BackgroundCmds()
		if neg || len(args) != 1 || len(running) != 1 {
			ts.Fatalf("usage: interrupt GLOB, or terminate GLOB, with one program in the background")
		}
		awaitFile(ts, args[0])
		ts.Check(running[0].Process.Signal(signal))
		*ts.Value(interruptedKey{}).(**exec.Cmd) = running[0]
	}
}

// await GLOB waits until a file matches.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await GLOB")
	}
	awaitFile(ts, args[0])
}

func awaitFile(ts *testscript.TestScript, glob string) {
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(time.Millisecond) {
		found, err := filepath.Glob(ts.MkAbs(glob))
		ts.Check(err)
		if len(found) > 0 {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("no file matched %s in a minute", glob)
		}
	}
}

// exited CODE wants the exit code of the program that was interrupted. It
// stands after wait.
func exited(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: exited CODE")
	}
	program := *ts.Value(interruptedKey{}).(**exec.Cmd)
	if program == nil || program.ProcessState == nil {
		ts.Fatalf("no interrupted program was waited for")
	}
	if got := strconv.Itoa(program.ProcessState.ExitCode()); got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}
