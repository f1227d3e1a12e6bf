package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"coachsim/plots"
)

func newPlot(s streams) *cobra.Command {
	var names []string
	c := &cobra.Command{
		Use:   "plot DIR",
		Short: "Draw the figures of a run directory again",
		Long: `Draw the figures of a run directory into its figures/, from its log alone: the
sampling distribution of each effect, bias, power, and published beside
simulated results. Beside each figure stands a CSV file with the numbers shown.`,
		Example: `  coachsim plot coachsim-ecuador
  coachsim plot coachsim-ecuador --format pdf`,
		Args:        cobra.ExactArgs(1),
		Annotations: map[string]string{"wants": "one run DIRectory"},
		RunE: func(_ *cobra.Command, args []string) error {
			formats := plots.Formats()
			if len(names) > 0 {
				formats = nil
				for _, name := range names {
					format, err := plots.ParseFormat(name)
					if err != nil {
						return usageError("--format %s: must be png, svg or pdf", name)
					}
					formats = append(formats, format)
				}
			}
			done, err := openDirectory(args[0])
			if err != nil {
				return err
			}
			n, err := done.drawFigures(formats...)
			if err != nil {
				return err
			}
			fmt.Fprintf(s.talk, "Drew %s in %s/figures.\n", count(n, "figure"), args[0])
			return nil
		},
	}
	c.Flags().StringSliceVar(&names, "format", nil, "`FORMAT`s: png, svg, pdf (default all)")
	return c
}
