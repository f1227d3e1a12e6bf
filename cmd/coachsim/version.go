package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"coachsim/sim"
)

// release is the version that run directories carry.
const release = "0.1.0"

func version() string { return release }

// build is this program, as what it writes names it.
func build() sim.Build { return sim.ThisBuild(version()) }

func newVersion(s streams) *cobra.Command {
	return &cobra.Command{
		Use:         "version",
		Short:       "Print the version",
		Long:        "Print the version of the program, and of the Go it was built with.",
		Example:     `  coachsim version`,
		Args:        cobra.NoArgs,
		Annotations: map[string]string{"wants": "no argument"},
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(s.out, "coachsim %s (%s %s/%s)\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
