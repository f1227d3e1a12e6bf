package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"coachsim/configs"
	"coachsim/dgp/spelling"
)

// usualStarter is where a new study begins unless another is asked for.
const usualStarter = "coaching"

func newNew(s streams) *cobra.Command {
	var from, out string
	c := &cobra.Command{
		Use:   "new [NAME]",
		Short: "Write a commented study to begin with",
		Long: `Write NAME.yaml, a short commented study to be edited: a starter. Without --from it
is the starter of that name, if there is one, or else "coaching". Without NAME, the
starters are listed. A file that is there is never replaced.`,
		Example: `  coachsim new
  coachsim new my-trial
  coachsim new my-trial --from three-arms
  coachsim new --from matched-pairs --out -`,
		Args:        cobra.MaximumNArgs(1),
		Annotations: map[string]string{"wants": "at most one NAME, such as my-trial"},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 && from == "" {
				if out != "" {
					return usageError("--out %s: name a starter with --from; coachsim new lists them", out)
				}
				listStarters(s)
				return nil
			}
			name := from
			if len(args) > 0 {
				name = strings.TrimSuffix(args[0], ".yaml")
			}
			starter, err := chooseStarter(name, from)
			if err != nil {
				return err
			}
			file := out
			if file == "" {
				file = name + ".yaml"
			}
			if file == "-" {
				text, _ := configs.StarterFor(starter, name+".yaml")
				_, err := fmt.Fprint(s.out, text)
				return err
			}
			text, _ := configs.StarterFor(starter, file)
			if err := writeNew(file, text); err != nil {
				return err
			}
			fmt.Fprintf(s.out, "Wrote %s, from the starter %s. Edit it, then:\n  coachsim check %s\n  coachsim run %s\n", file, starter, file, file)
			return nil
		},
	}
	c.Flags().StringVar(&from, "from", "", "`STARTER` to begin with; coachsim new lists them")
	c.Flags().StringVar(&out, "out", "", "`FILE` to write (default NAME.yaml); - is standard output")
	if err := c.RegisterFlagCompletionFunc("from", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return starterNames(), cobra.ShellCompDirectiveNoFileComp
	}); err != nil {
		panic(err) // there is no such flag
	}
	return c
}

// chooseStarter finds the starter that is meant: the one asked for, or that of
// the study's name, or the usual one. A name that is almost a starter's is taken
// for a slip.
func chooseStarter(name, from string) (string, error) {
	names := starterNames()
	near := spelling.Nearest(name, names)
	switch {
	case from != "":
		if _, ok := configs.StarterFor(from, ""); ok {
			return from, nil
		}
		return "", usageError("--from %s: there is no starter of that name; %s", from, nearestOr("there are", from, names))
	case near == name && near != "":
		return name, nil
	case near != "":
		return "", usageError("there is no starter %s; did you mean %s?\nIf %s is your study's name, say where to begin: coachsim new %s --from %s", name, near, name, name, near)
	default:
		return usualStarter, nil
	}
}

// writeNew writes a file that must not be there yet.
func writeNew(path, text string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return usageError("%s is there already; choose another NAME or --out", path)
	}
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}

func starterNames() []string {
	var names []string
	for _, starter := range configs.Starters() {
		names = append(names, starter.Name)
	}
	return names
}

func listStarters(s streams) {
	fmt.Fprintln(s.out, "Starters: short commented studies to edit into your own")
	for _, starter := range configs.Starters() {
		fmt.Fprintf(s.out, "\n  %s\n", starter.Name)
		line := "   "
		for word := range strings.FieldsSeq(starter.Sentence) {
			const width = 90
			if len(line)+1+len(word) > width {
				fmt.Fprintln(s.out, line)
				line = "   "
			}
			line += " " + word
		}
		fmt.Fprintln(s.out, line)
	}
	fmt.Fprintf(s.out, "\nWrite one:  coachsim new my-trial --from %s\n", usualStarter)
}
