package plots_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"

	"coachsim/plots"
	"coachsim/sim"
)

// pathMean is a mean of 1,990 fits.
func pathMean(term string, mean, mcse, truth float64) sim.PathMean {
	return sim.PathMean{Term: term, Mean: mean, MCSE: mcse, Truth: truth, TruthMCSE: nan, Fitted: 1990, Failed: 10}
}

// mediations are diagrams of one mediator, and of two with slopes by arm.
func mediations() []sim.Mediation {
	byArm := func(term string, control, treated, without, with float64) []sim.PathMean {
		a, b := pathMean(term, control, 0.002, without), pathMean("b + "+term, treated, 0.003, with)
		a.Without, b.WithIt, a.TruthMCSE, b.TruthMCSE = true, true, 0.0004, 0.0005
		return []sim.PathMean{a, b}
	}
	direct := byArm("ade", -0.05, -0.09, -0.02, -0.08)
	direct[0].Term, direct[1].Term = "ade(0)", "ade(1)"
	return []sim.Mediation{
		{
			Estimator: "through class", Arm: "coaching", Outcome: "achievement", N: 2000,
			Mediators: []sim.MediatorPath{{
				Mediator: "class", Effect: pathMean("a", 0.265, 0.003, 0.264), Slopes: []sim.PathMean{pathMean("b", 0.038, 0.0004, -0.078)},
				Indirect: pathMean("indirect", 0.0108, 0.0002, -0.0206),
			}},
			Direct: []sim.PathMean{pathMean("direct", -0.08, 0.001, -0.049)},
			Whole:  []sim.PathMean{pathMean("indirect", 0.0108, 0.0002, -0.0206), pathMean("total", -0.0694, 0.0008, -0.0692)},
		},
		{
			Estimator: "by arm", Arm: "coaching", Outcome: "achievement", N: 2000,
			Mediators: []sim.MediatorPath{
				{Mediator: "es", Effect: pathMean("a", 0.32, 0.003, 0.324), Slopes: byArm("es", -0.028, -0.054, -0.073, -0.084), Indirect: pathMean("acme(es)", -0.0135, 0.0002, -0.0255)},
				{Mediator: "co", Effect: pathMean("a", 0.11, 0.003, 0.113), Slopes: byArm("co", 0.098, 0.087, 0.169, 0.159), Indirect: pathMean("acme(co)", 0.012, 0.0002, 0.018)},
			},
			Direct: direct,
			Whole:  []sim.PathMean{pathMean("acme(0)", 0.0184, 0.0004, 0.0101), pathMean("acme(1)", -0.018, 0.0004, -0.0513), pathMean("total", -0.0694, 0.0008, -0.0692)},
		},
	}
}

// Every number of the twin is written on the paper, to the digits that its Monte Carlo
// standard error leaves, and truths of the other sign are in bold.
func TestPathDiagramSaysWhatItsTwinHolds(t *testing.T) {
	for _, m := range mediations() {
		figure := plots.PathDiagram{Mediations: []sim.Mediation{m}}
		text := string(textOf(t, figure))
		twin := readTwin(t, figure)
		for _, row := range twin.table[1:] {
			mcse := twin.number(row, "mcse")
			for _, want := range []string{
				fmt.Sprintf("%s (%s)", plots.Short(twin.number(row, "mean"), mcse), plots.Short(mcse, mcse)),
				"truth " + plots.Short(twin.number(row, "truth"), mcse),
			} {
				if !strings.Contains(text, want) {
					t.Errorf("%v: the diagram does not say %q", row, want)
				}
			}
		}
		bold := strings.Count(text, `font-weight="bold"`)
		if want := map[string]int{"through class": 1 + 3 + 3, "by arm": 1 + 4}[m.Estimator]; bold != want { // title, boxes, truths
			t.Errorf("%s: %d texts in bold, want %d", m.Estimator, bold, want)
		}
	}
}

// textOf is a figure as SVG with its text as text.
func textOf(t *testing.T, figure plots.Figure) []byte {
	t.Helper()
	drawing, err := figure.Draw(plots.Journal())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	drawing.Text = plots.Fonts
	if err := plots.Render(&b, plots.SVG, drawing); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Unusual diagrams are drawn whole or refused in words, at every width.
func TestPathDiagramExtremes(t *testing.T) {
	change := func(f func(m *sim.Mediation)) []sim.Mediation {
		all := mediations()
		for i := range all {
			f(&all[i])
		}
		return all
	}
	every := func(m *sim.Mediation, f func(*sim.PathMean)) {
		for k := range m.Mediators {
			path := &m.Mediators[k]
			f(&path.Effect)
			f(&path.Indirect)
			for i := range path.Slopes {
				f(&path.Slopes[i])
			}
		}
		for i := range m.Direct {
			f(&m.Direct[i])
		}
		for i := range m.Whole {
			f(&m.Whole[i])
		}
	}
	long := strings.Repeat("abcdefghi ", 6)
	for name, c := range map[string]struct {
		mediations []sim.Mediation
		refused    string
	}{
		"ordinary":      {mediations(), ""},
		"one":           {mediations()[:1], ""},
		"no fits":       {change(func(m *sim.Mediation) { every(m, func(p *sim.PathMean) { p.Mean, p.MCSE, p.Fitted = nan, nan, 0 }) }), ""},
		"one replicate": {change(func(m *sim.Mediation) { every(m, func(p *sim.PathMean) { p.MCSE = nan }) }), ""},
		"no truths":     {change(func(m *sim.Mediation) { every(m, func(p *sim.PathMean) { p.Truth = nan }) }), ""},
		"huge":          {change(func(m *sim.Mediation) { every(m, func(p *sim.PathMean) { p.Mean, p.MCSE = 1e9, 1e7 }) }), ""},
		"tiny":          {change(func(m *sim.Mediation) { every(m, func(p *sim.PathMean) { p.Mean, p.MCSE = 1e-9, 1e-11 }) }), ""},
		"no spread":     {change(func(m *sim.Mediation) { every(m, func(p *sim.PathMean) { p.MCSE = 0 }) }), ""},
		"long names": {change(func(m *sim.Mediation) {
			m.Arm, m.Outcome, m.Estimator, m.Mediators[0].Mediator = long, long, long, long
		}), ""},
		"long words": {change(func(m *sim.Mediation) {
			m.Arm, m.Mediators[0].Mediator = strings.Repeat("x", 60), strings.Repeat("y", 60)
		}), ""},
		"twelve domains": {change(func(m *sim.Mediation) { m.Mediators = slices.Repeat(m.Mediators[:1], 12) }), ""},
		"no direct path": {change(func(m *sim.Mediation) { m.Direct, m.Whole = nil, nil }), ""},
		"four":           {slices.Repeat(mediations(), 2), ""},
		"none":           {nil, "no estimator of mediation"},
		"five":           {slices.Repeat(mediations()[:1], 5), "do not fit on one page of 4"},
	} {
		for _, width := range []vg.Length{0, plots.OneColumn, plots.MidWidth, plots.TwoColumns} {
			theme := plots.Journal()
			theme.Width = width
			what := fmt.Sprintf("%s at %.0f mm", name, width/vg.Millimeter)
			drawing, err := plots.Captioned{Figure: plots.PathDiagram{Mediations: c.mediations}}.Draw(theme)
			switch {
			case c.refused != "":
				if err == nil || !strings.Contains(err.Error(), c.refused) {
					t.Errorf("%s: error %v does not say %q", what, err, c.refused)
				}
			case err != nil:
				if width != plots.OneColumn || !strings.Contains(err.Error(), "85 mm") {
					t.Errorf("%s: %v", what, err)
				}
			default:
				drawing.Text = plots.Fonts
				checkText(t, what, drawing)
			}
		}
	}
}

// A run without an estimator of mediation has no paths to draw.
func TestPathDiagramNeedsMediation(t *testing.T) {
	if _, err := plots.Make(loggedRun(t), sim.Figure{Kind: "path-diagram"}); err == nil || !strings.Contains(err.Error(), "kind mediation") {
		t.Errorf("error %v", err)
	}
}
