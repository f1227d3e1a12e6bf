package plots

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"

	"gonum.org/v1/plot/vg"

	"coachsim/dgp"
	"coachsim/sim"
)

// EffectsByPath shows the parts of the true effect of a treatment: the direct
// one, and the indirect one through classroom quality, in all and by domain. Each
// part is shown twice, with the other part held as without the treatment and as
// with it. Every world, arm and outcome is a panel, all on one scale; bars are 95%
// Monte Carlo intervals.
type EffectsByPath struct {
	File   string    // name of the files; "effects-by-path" where empty
	Width  vg.Length // MidWidth where 0
	Worlds []PathWorld
}

// A PathWorld is the effects by path in one world, say of a study.
type PathWorld struct {
	Label   string
	Effects []sim.PathEffect
}

// maxPathPanels is how many panels a figure of effects by path holds.
const maxPathPanels = 8

// Name returns the name of the figure's files.
func (f EffectsByPath) Name() string { return named(f.File, "effects-by-path") }

// title names a panel by the world, and by arm and outcome where there are
// several.
func (f EffectsByPath) title(world PathWorld, row sim.PathRow) string {
	effect := row.Arm + " → " + row.Outcome
	if world.Label == "" {
		return effect
	}
	for _, w := range f.Worlds {
		if slices.ContainsFunc(w.Effects, func(e sim.PathEffect) bool { return e.Arm != row.Arm || e.Outcome != row.Outcome }) {
			return world.Label + ": " + effect
		}
	}
	return world.Label
}

// pathValue is the effect with its Monte Carlo interval.
func pathValue(e sim.PathEffect) sim.Simulated { return sim.Around(e.Value, e.MCSE) }

// Words are the figure's title and note.
func (f EffectsByPath) Words() Words {
	worst := 0.0
	for _, world := range f.Worlds {
		for _, e := range world.Effects {
			worst = max(worst, e.MCSE)
		}
	}
	notes := []string{
		"NIE: natural indirect effects, through true quality; NDE: natural direct effects",
		"NIE(1) and NDE(0), and NIE(0) and NDE(1), add up to the total",
	}
	if worst >= 1e-6 {
		notes = append(notes, "Bars, where they are wider than their markers, are 95% Monte Carlo intervals; Monte Carlo standard error at most "+strconv.FormatFloat(worst, 'f', 6, 64))
	}
	return Words{"True direct and indirect effects through classroom quality", sentences(notes...)}
}

// Draw lays the figure out.
func (f EffectsByPath) Draw(t Theme) (Drawing, error) {
	if err := t.validate(); err != nil {
		return Drawing{}, err
	}
	without, with := t.Series[0], t.Series[1]
	with.Hollow = true
	whole := t.Series[0]
	whole.Color = t.Ink
	domain := span{}
	domain.add(0)
	var panels []rowPanel
	for _, world := range f.Worlds {
		rows := sim.PathRows(world.Effects)
		for i, row := range rows {
			if i == 0 || rows[i-1].Arm != row.Arm || rows[i-1].Outcome != row.Outcome {
				panels = append(panels, rowPanel{title: f.title(world, row), guides: []guide{{at: 0}}})
			}
			line := chartRow{label: row.Label, band: len(panels[len(panels)-1].rows)%2 == 1}
			for _, mark := range []rowMark{{whole, pathValue(row.Whole), 0}, {without, pathValue(row.Zero), 2.2}, {with, pathValue(row.One), -2.2}} {
				if isFinite(mark.Simulated) {
					line.marks = append(line.marks, mark)
					domain.add(mark.Low, mark.High)
				}
			}
			panel := &panels[len(panels)-1]
			panel.rows = append(panel.rows, line)
		}
	}
	switch {
	case len(panels) == 0:
		return Drawing{}, &Empty{"there are no effects by path to show"}
	case len(panels) > maxPathPanels:
		return Drawing{}, fmt.Errorf("plots: %d panels of effects by path do not fit on one page of %d", len(panels), maxPathPanels)
	}
	for i := range panels {
		panels[i].domain = domain
	}
	return rowChart{
		width: t.width(f.Width, MidWidth),
		pitch: 1.7 * t.TickSize,
		legend: legend{
			intervalEntry("other part held as without the treatment: NIE(0), NDE(0)", without),
			intervalEntry("as with it: NIE(1), NDE(1)", with),
			intervalEntry("total, controlled direct", whole),
		},
		columns: twoColumns(panels, t.width(f.Width, MidWidth)),
		xlabel:  "True effect (outcome units)",
	}.drawing(t)
}

// Table returns the plotted numbers.
func (f EffectsByPath) Table() [][]string {
	table := [][]string{{"world", "arm", "outcome", "part", "through", "value", "mcse", "low", "high"}}
	for _, world := range f.Worlds {
		for _, e := range world.Effects {
			v := pathValue(e)
			table = append(table, []string{world.Label, e.Arm, e.Outcome, e.Path.String(), e.Through, cell(e.Value), cell(e.MCSE), cell(v.Low), cell(v.High)})
		}
	}
	return table
}

// makeEffectsByPath works out the effects in every design of a study.
func makeEffectsByPath(run Run, f sim.Figure) ([]Figure, error) {
	figure := EffectsByPath{File: f.FileName()}
	worlds := []PathWorld{{}}
	trials := []dgp.Trial{run.Study.Trial}
	if len(run.Study.Cells) > 0 {
		worlds, trials = nil, nil
		for _, c := range run.Study.Cells {
			worlds = append(worlds, PathWorld{Label: Row{SummaryRow: sim.SummaryRow{Factors: c.Factors}}.where()})
			trials = append(trials, c.Study.Trial)
		}
	}
	if len(trials) > maxPathPanels {
		return nil, fmt.Errorf("%d designs do not fit on one page of %d", len(trials), maxPathPanels)
	}
	for i, trial := range trials {
		if !sim.HasPaths(trial) {
			return nil, errors.New("quality moves no test: achievement.slope is not given, so that no effect is indirect")
		}
		effects, err := sim.EffectsByPath(trial, []string{trial.Achievement.Total}, sim.PathDraws, runtime.GOMAXPROCS(0))
		if err != nil {
			return nil, err
		}
		worlds[i].Effects = effects
	}
	figure.Worlds = worlds
	return []Figure{figure}, nil
}
