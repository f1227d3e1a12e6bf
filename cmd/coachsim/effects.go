package main

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"coachsim/dgp"
	"coachsim/plots"
	"coachsim/sim"
)

// effectsSchemaVersion is raised when a field of effects --json changes its name
// or meaning.
const effectsSchemaVersion = 1

// maxWorlds bounds the designs whose effects are worked out at once.
const maxWorlds = 100

func newEffects(s streams) *cobra.Command {
	var f studyFlags
	var outcomes []string
	var draws, workers int
	var asJSON bool
	var picture string
	var look figureLook
	c := &cobra.Command{
		Use:   "effects STUDY [STUDY ...]",
		Short: "True effects by path: direct, and indirect through classroom quality",
		Long: `Split the true effect of each treatment into what true classroom quality carries
and what it does not, in each study named, or in each design of its sweep:

  nie(0)  E[Y(0,q(1)) - Y(0,q(0))]   natural indirect effect, without the treatment
  nie(1)  E[Y(1,q(1)) - Y(1,q(0))]   natural indirect effect, with it
  nde(0)  E[Y(1,q(0)) - Y(0,q(0))]   natural direct effect, quality as without it
  nde(1)  E[Y(1,q(1)) - Y(0,q(1))]   natural direct effect, quality as with it
  cde     E[Y(1,q) - Y(0,q)]         controlled direct effect, quality held at its mean

with Y(a,q(b)) the outcome under arm a with true quality as under arm b. nie(1) and
nde(0) add up to the total, and so do nie(0) and nde(1). They are means over other
trials than those that run simulates, with their Monte Carlo standard errors.`,
		Example: `  coachsim effects ecuador
  coachsim effects ecuador ecuador-disruption --figure worlds.svg
  coachsim effects my-trial.yaml --outcome 'below(achievement, 20)' --json`,
		Args:              cobra.MinimumNArgs(1),
		Annotations:       map[string]string{"wants": "one STUDY or more: files, built-in studies' names, or -"},
		ValidArgsFunction: completePresets,
		RunE: func(_ *cobra.Command, args []string) error {
			theme, err := look.theme()
			if err != nil {
				return err
			}
			if picture != "" {
				if _, err := plots.ParseFormat(filepath.Ext(picture)); err != nil {
					return usageError("--figure %s: must end in .png, .svg or .pdf", picture)
				}
			}
			if draws < 10 {
				return usageError("--draws %d: at least 10 trials are needed", draws)
			}
			if workers < 1 {
				return usageError("--workers %d: at least 1 is needed", workers)
			}
			worlds, err := f.worlds(s, args, outcomes)
			if err != nil {
				return err
			}
			figure := plots.EffectsByPath{}
			for _, w := range worlds {
				effects, err := sim.EffectsByPath(w.trial, w.outcomes, draws, workers)
				if err != nil {
					return err
				}
				figure.Worlds = append(figure.Worlds, plots.PathWorld{Label: w.name, Effects: effects})
			}
			if asJSON {
				type world struct {
					World   string           `json:"world"`
					Effects []sim.PathEffect `json:"effects"`
				}
				var all []world
				for _, w := range figure.Worlds {
					all = append(all, world{w.Label, w.Effects})
				}
				if err := writeJSON(s.out, map[string]any{"schema_version": effectsSchemaVersion, "draws": draws, "worlds": all}); err != nil {
					return err
				}
			} else {
				for i, w := range figure.Worlds {
					if i > 0 {
						fmt.Fprintln(s.out)
					}
					fmt.Fprintf(s.out, "%s: true effects by path through classroom quality, from %s (MCSE)\n", w.Label, count(draws, "trial"))
					if err := sim.WritePaths(s.out, w.Effects); err != nil {
						return err
					}
				}
			}
			if picture == "" {
				return nil
			}
			if len(figure.Worlds) == 1 {
				figure.Worlds[0].Label = ""
			}
			extension := filepath.Ext(picture)
			figure.File = strings.TrimSuffix(filepath.Base(picture), extension)
			format, err := plots.ParseFormat(extension)
			if err != nil {
				return err
			}
			files, err := plots.Write(filepath.Dir(picture), theme, plots.Captioned{Figure: figure}, format)
			if err != nil {
				return &exitError{exitFile, err}
			}
			fmt.Fprintf(s.talk, "Wrote %s.\n", strings.Join(files, " and "))
			return nil
		},
	}
	flags := c.Flags()
	f.flags = flags
	flags.StringArrayVar(&f.set, "set", nil, "override a key of every study, as `KEY=VALUE` (again for more)")
	flags.StringArrayVar(&outcomes, "outcome", nil, "`OUTCOME` of children, as in a formula (again for more; default total achievement)")
	flags.IntVar(&draws, "draws", 1000, "`NUMBER` of trials to average over")
	flags.IntVar(&workers, "workers", runtime.GOMAXPROCS(0), "`NUMBER` of parallel workers; no result depends on it")
	flags.BoolVar(&asJSON, "json", false, "print one JSON object")
	flags.StringVar(&picture, "figure", "", "draw the effects into this `FILE` (.png, .svg, .pdf), with their numbers in a CSV file beside it")
	look.add(flags)
	return c
}

// A pathWorld is one trial whose effects by path are asked for.
type pathWorld struct {
	name     string
	trial    dgp.Trial
	outcomes []string
}

// worlds reads studies, with a world for each design.
func (f *studyFlags) worlds(s streams, arguments, outcomes []string) ([]pathWorld, error) {
	var all []pathWorld
	for _, argument := range arguments {
		study, name, err := f.load(s, argument)
		if err != nil {
			return nil, err
		}
		worlds := []pathWorld{{name, study.Trial, outcomes}}
		if len(study.Cells) > 0 {
			worlds = nil
			for _, cell := range study.Cells {
				var at []string
				for _, factor := range cell.Factors {
					at = append(at, factor.Key+" = "+factor.Value)
				}
				worlds = append(worlds, pathWorld{name + ", " + strings.Join(at, ", "), cell.Study.Trial, outcomes})
			}
		}
		for _, w := range worlds {
			if len(w.outcomes) == 0 {
				w.outcomes = []string{w.trial.Achievement.Total}
			}
			if !sim.HasPaths(w.trial) {
				return nil, usageError("%s: quality moves no test, so that no effect is indirect (keys: quality, achievement.slope)", w.name)
			}
			if err := sim.PathOutcomes(w.trial, w.outcomes); err != nil {
				return nil, usageError("%s: --outcome: %w", w.name, err)
			}
			all = append(all, w)
		}
		if len(all) > maxWorlds {
			return nil, usageError("%d designs are too many at once, at most %d; --set sweep={} takes the sweep out", len(all), maxWorlds)
		}
	}
	return all, nil
}
