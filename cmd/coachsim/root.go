package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"coachsim/configs"
	"coachsim/configs/strict"
	"coachsim/dgp/spelling"
	"coachsim/sim"
)

// The exit codes.
const (
	exitDone        = 0
	exitFailure     = 1
	exitUsage       = 2   // the command line or the study is wrong
	exitFile        = 3   // data or a file is wrong
	exitMissed      = 4   // finished, but a target was missed
	exitResumable   = 75  // stopped by a scheduler's SIGTERM after finishing what was in flight; or another process is at work
	exitInterrupted = 130 // stopped by Ctrl-C after finishing what was in flight
)

// An exitError ends the program with a code. A nil Err says that everything
// worth saying has been said.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usageError is a mistake on the command line.
func usageError(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// stoppedBy is the signal that ended the program's context.
type stoppedBy struct{ os.Signal }

func (s stoppedBy) Error() string { return "stopped by signal " + s.String() }

// streams are the program's standard streams: data goes to out, talk to talk.
type streams struct {
	in   io.Reader
	out  *printer
	talk io.Writer
}

// run runs one command line and returns the exit code.
func run(args []string, in io.Reader, out, talk io.Writer) int {
	ctx, stop := context.WithCancelCause(context.Background())
	defer stop(nil)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		first := <-signals
		signal.Stop(signals) // a second signal ends the program at once
		stop(stoppedBy{first})
	}()

	printed := &printer{w: out}
	root := newRoot(streams{in, printed, talk})
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(printed)
	root.SetErr(talk)
	err := root.ExecuteContext(ctx)
	if err == nil && printed.err != nil {
		err = &exitError{exitFile, fmt.Errorf("writing to standard output: %w", printed.err)}
	}
	if err == nil {
		return exitDone
	}
	var exit *exitError
	if errors.As(err, &exit) && exit.err == nil {
		var by stoppedBy
		if exit.code == exitInterrupted && errors.As(context.Cause(ctx), &by) && by.Signal == syscall.SIGTERM {
			return exitResumable
		}
		return exit.code
	}
	var faults strict.Faults
	if errors.As(err, &faults) {
		fmt.Fprintln(talk, faults.Error())
		more := ""
		if unchecked := new(configs.Unchecked); errors.As(err, &unchecked) {
			more = " More may show once this is mended: the rest could not be checked."
		}
		fmt.Fprintf(talk, "\n%s. Nothing was run.%s\n", count(len(faults), "fault"), more)
		return exitUsage
	}
	fmt.Fprintf(talk, "coachsim: %v\n", err)
	var dir *sim.DirectoryError
	var path *fs.PathError
	var link *os.LinkError // of renaming
	var missing *sim.Incomplete
	var held *sim.HeldError
	switch {
	case exit != nil:
		return exit.code
	case errors.As(err, &held):
		return exitResumable
	case errors.As(err, &dir):
		return exitUsage
	case errors.As(err, &path), errors.As(err, &link), errors.As(err, &missing):
		return exitFile
	default:
		return exitFailure
	}
}

// A printer is standard output that remembers its first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) Write(text []byte) (int, error) {
	n, err := p.w.Write(text)
	if p.err == nil {
		p.err = err
	}
	return n, err
}

// count writes "1 fault", "2 faults".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func newRoot(s streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "coachsim",
		Short: "Plan field experiments in education by simulation",
		Long: `coachsim plans trials of teacher coaching. A study file describes the trial and
the regressions; coachsim draws the trial thousands of times, fits every
regression to every draw, and reports power, bias and coverage, each with its
Monte Carlo standard error.`,
		Example: `  coachsim run ecuador                     simulate a built-in study
  coachsim reproduce ecuador               hold it against its published tables
  coachsim run ecuador --set trial.schools=12 --replicates 2000 --out small`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError("%s\nSee: %s --help", flagMessage(err), c.CommandPath())
	})
	root.SetVersionTemplate("coachsim {{.Version}}\n")
	root.SuggestionsMinimumDistance = 2
	root.AddCommand(
		newAnalytic(s),
		newCheck(s),
		newCompare(s),
		newDraw(s),
		newEffects(s),
		newFamilies(s),
		newFit(s),
		newKeys(s),
		newList(s),
		newMDE(s),
		newMerge(s),
		newNew(s),
		newOptimise(s),
		newPlot(s),
		newReplay(s),
		newReport(s),
		newReliability(s),
		newReproduce(s),
		newRun(s),
		newSchema(s),
		newSolve(s),
		newSubmit(s),
		newVerify(s),
		newVersion(s),
	)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Example = "  coachsim help run"
			c.Args = func(_ *cobra.Command, args []string) error { return unknownCommand(root, args) }
			continue
		case "completion":
			c.Example = "  source <(coachsim completion bash)"
			c.Annotations = map[string]string{"wants": "the name of a shell: bash, fish, powershell or zsh"}
			c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
			for _, shell := range c.Commands() {
				shell.Example = "  coachsim completion " + shell.Name()
				shell.Annotations = map[string]string{"wants": "no argument"}
				shell.Args = checkArgs(shell.Args)
			}
		}
		c.Args = checkArgs(c.Args)
	}
	root.Args = func(_ *cobra.Command, args []string) error { return unknownCommand(root, args) }
	return root
}

// checkArgs puts the complaint of a check of arguments in words.
func checkArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if check == nil || check(c, args) == nil {
			return nil
		}
		name := strings.TrimPrefix(c.CommandPath(), c.Root().Name()+" ")
		return usageError("%s wants %s\nSee: %s --help", name, c.Annotations["wants"], c.CommandPath())
	}
}

// unknownCommand complains if the first argument is no command's name.
func unknownCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if c, _, err := root.Find(args); err == nil && c != root {
		return nil
	}
	message := fmt.Sprintf("there is no command %q", args[0])
	if near := root.SuggestionsFor(args[0]); len(near) > 0 {
		message += "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return usageError("%s\nSee: %s --help", message, root.Name())
}

// nearestOr says which of the names a wrong one was meant to be, or lists them all
// after words such as "there are".
func nearestOr(list, given string, names []string) string {
	if near := spelling.Nearest(given, names); near != "" {
		return "did you mean " + near + "?"
	}
	return list + " " + strings.Join(names, ", ")
}

// flagMessage puts a flag's error in words.
func flagMessage(err error) string {
	var value *pflag.InvalidValueError
	if errors.As(err, &value) {
		name := value.GetFlag().Name
		switch value.GetFlag().Value.Type() {
		case "int":
			return fmt.Sprintf("--%s %s: must be a whole number", name, value.GetValue())
		case "float64":
			return fmt.Sprintf("--%s %s: must be a number%s", name, value.GetValue(), withPoint(value.GetValue()))
		case "duration":
			return fmt.Sprintf("--%s %s: must be a time such as 90m or 2h30m", name, value.GetValue())
		case "bool":
			return fmt.Sprintf("--%s=%s: must be true or false", name, value.GetValue())
		default:
			return fmt.Sprintf("--%s %s: %v", name, value.GetValue(), value.Unwrap())
		}
	}
	return err.Error()
}
