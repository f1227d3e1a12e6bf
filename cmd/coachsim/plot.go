package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"gonum.org/v1/plot/vg"

	"coachsim/dgp/spelling"
	"coachsim/plots"
	"coachsim/sim"
)

func newPlot(s streams) *cobra.Command {
	var asked sim.Figure
	var formats, only []string
	var look figureLook
	var kinds strings.Builder
	for _, k := range plots.Kinds() {
		fmt.Fprintf(&kinds, "  %-18s %s\n", k.Name, k.Shows)
	}
	c := &cobra.Command{
		Use:   "plot DIR",
		Short: "Draw the figures of a run directory again, or one of a kind",
		Long: `Draw the figures of a run directory into its figures/: those of the study's section
figures:, where it has none the standard ones, or with --kind one more. They are drawn
from the log alone, but for those of one replicate, which is simulated again.
Beside each figure stands a CSV file with the numbers shown. Kinds:

` + kinds.String() + `
--x, --by and --panel say which swept key lies across, makes lines and makes
panels; keys are written whole or by their last parts. estimator, outcome and term
can make lines or panels too.`,
		Example: `  coachsim plot coachsim-ecuador
  coachsim plot coachsim-ecuador --format pdf --size 85
  coachsim plot sizes --kind power-curve --x schools --by share
  coachsim plot coachsim-few-clusters --kind zip --only schools=8 --only effect=0`,
		Args:        cobra.ExactArgs(1),
		Annotations: map[string]string{"wants": "one run DIRectory"},
		RunE: func(c *cobra.Command, args []string) error {
			pictures, err := pictureFormats(formats)
			if err != nil {
				return err
			}
			theme, err := look.theme()
			if err != nil {
				return err
			}
			for _, pair := range only {
				key, value, ok := strings.Cut(pair, "=")
				if !ok {
					return usageError("--only %s: write KEY=VALUE, such as --only estimator=itt", pair)
				}
				if asked.Only == nil {
					asked.Only = map[string]string{}
				}
				asked.Only[strings.TrimSpace(key)] = strings.TrimSpace(value)
			}
			if asked.Kind == "" {
				for _, flag := range []string{"x", "by", "panel", "measure", "target", "replicate", "only", "name"} {
					if c.Flags().Changed(flag) {
						return usageError("--%s says how one figure is laid out; say which with --kind", flag)
					}
				}
			} else {
				if asked.Target < 0 || asked.Target >= 1 {
					return usageError("--target %g: must lie between 0 and 1, such as 0.8", asked.Target)
				}
				if asked.Replicate < 0 {
					return usageError("--replicate %d: replicates are counted from 0", asked.Replicate)
				}
				var wrong []string
				for _, w := range plots.Check(asked) {
					hint := ""
					if near := spelling.Nearest(w.Given, w.Allowed); near != "" {
						hint = "; did you mean " + near + "?"
					}
					wrong = append(wrong, fmt.Sprintf("--%s: %s%s", w.Key, w.Message, hint))
				}
				if len(wrong) > 0 {
					return usageError("%s", strings.Join(wrong, "\n"))
				}
			}
			done, err := openDirectory(args[0])
			if err != nil {
				return err
			}
			figures, err := done.asked(asked)
			if err != nil {
				return err
			}
			drawn, err := done.writeFigures(s, theme, figures, pictures)
			if err != nil {
				return err
			}
			for _, figure := range figures {
				if design, ok := figure.(plots.Design); ok && design.Which != "" {
					fmt.Fprintf(s.talk, "Figure %s shows %s (--only KEY=VALUE chooses another).\n", design.Name(), design.Which)
				}
			}
			fmt.Fprintf(s.talk, "Drew %s in %s/figures.\n", count(drawn, "figure"), args[0])
			return nil
		},
	}
	flags := c.Flags()
	flags.StringSliceVar(&formats, "format", nil, "`FORMAT`s: png, svg, pdf (default all)")
	flags.StringVar(&asked.Kind, "kind", "", "`KIND` of figure (default those of the study)")
	flags.StringVar(&asked.X, "x", "", "swept `KEY` across")
	flags.StringVar(&asked.By, "by", "", "`KEY` with a line for every value (upwards, in a contour)")
	flags.StringVar(&asked.Panel, "panel", "", "`KEY` with a panel for every value")
	flags.StringVar(&asked.Measure, "measure", "", "`MEASURE`: power, coverage, bias or se-error (nested-loop); power or mdes (contour)")
	flags.Float64Var(&asked.Target, "target", 0, "the `POWER` to mark and locate (default 0.8)")
	flags.IntVar(&asked.Replicate, "replicate", 0, "replicate that a cv-curve, a tree or a partial-dependence shows, a `NUMBER` counted from 0")
	flags.StringArrayVar(&only, "only", nil, "draw these rows alone: `KEY=VALUE` (again for more)")
	flags.StringVar(&asked.Name, "name", "", "`NAME` of the files (default the kind)")
	look.add(flags)
	return c
}

// asked returns the figures of a kind, or those of the study.
func (f *finished) asked(figure sim.Figure) ([]plots.Figure, error) {
	if figure.Kind == "" {
		return f.figures()
	}
	figures, err := plots.Make(f.figureRun(), figure)
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	for _, one := range figures { // what it asks for may not be there to draw
		if _, err := one.Draw(plots.Journal()); err != nil {
			return nil, &exitError{exitUsage, fmt.Errorf("figure %s: %w", one.Name(), err)}
		}
	}
	return figures, nil
}

// figures returns the figures that the study asks for, and the standard ones of a study
// that asks for none. One of the name of an earlier one takes its place.
func (f *finished) figures() ([]plots.Figure, error) {
	wanted := f.study.Figures
	if len(wanted) == 0 {
		wanted = []sim.Figure{{Kind: plots.StandardKind}}
	}
	var figures []plots.Figure
	for _, asked := range wanted {
		more, err := plots.Make(f.figureRun(), asked)
		if err != nil {
			return nil, err
		}
		for _, figure := range more {
			figures = slices.DeleteFunc(figures, func(one plots.Figure) bool { return one.Name() == figure.Name() })
		}
		figures = append(figures, more...)
	}
	return figures, nil
}

// figureRun is the run as figures are drawn from it.
func (f *finished) figureRun() plots.Run {
	return plots.Run{Study: f.study, Summary: f.summary, Chunks: f.log.Chunks(), Comparisons: f.comparisons}
}

// A figureLook holds the flags on how figures look.
type figureLook struct {
	size, text string
	bare       bool
}

func (l *figureLook) add(flags *pflag.FlagSet) {
	flags.StringVar(&l.size, "size", "", "width: `MM` (85 one column, 120, 175 two columns) or slide (default by the number of panels)")
	flags.StringVar(&l.text, "text", "outlines", "text in SVG and PDF: `outlines`, or font, which can be searched and edited")
	flags.BoolVar(&l.bare, "bare", false, "without title and caption, for a journal that sets them itself")
}

func pictureFormats(names []string) ([]plots.Format, error) {
	if len(names) == 0 {
		return plots.Formats(), nil
	}
	var formats []plots.Format
	for _, name := range names {
		format, err := plots.ParseFormat(name)
		if err != nil {
			return nil, usageError("--format %s: must be png, svg or pdf", name)
		}
		formats = append(formats, format)
	}
	return formats, nil
}

// theme is the theme that the flags ask for.
func (l *figureLook) theme() (plots.Theme, error) {
	theme := plots.Journal()
	theme.Bare = l.bare
	switch l.text {
	case "outlines":
	case "font":
		theme.Text = plots.Fonts
	default:
		return theme, usageError("--text %s: must be outlines or font", l.text)
	}
	if l.size == "slide" {
		// Type of 7 to 9 points becomes 17 to 22, on a slide 338 mm wide.
		theme.Width, theme.Enlarge = plots.MidWidth, 2.5
	} else if l.size != "" {
		mm, err := strconv.ParseFloat(strings.TrimSuffix(l.size, "mm"), 64)
		if err != nil || !(mm >= 60 && mm <= 400) {
			return theme, usageError("--size %s: must be slide or a width from 60 to 400 mm, such as 85, 120 or 175", l.size)
		}
		theme.Width = vg.Length(mm) * vg.Millimeter
	}
	return theme, nil
}
