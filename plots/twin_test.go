package plots_test

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/recorder"

	"coachsim/plots"
	"coachsim/sim"
)

// A readPanel is a panel as a reader with a ruler sees it: its scales, known from
// the places of their labels, and all ink.
type readPanel struct {
	across, up scaleRead
	ink        []vg.Point
	markers    []vg.Point // middles of small closed shapes
}

// A scaleRead maps numbers to points on the paper.
type scaleRead struct{ at, per float64 }

func (s scaleRead) place(v float64) float64 { return s.at + s.per*v }

type numberRead struct{ value, place, other float64 }

// scalesOf finds scales among labels: runs of numbers, in order, that lie on a line with
// their places to a fiftieth of a point.
func scalesOf(labels []numberRead) (scales []scaleRead, others []float64) {
	for len(labels) > 1 {
		a, b := labels[0], labels[1]
		s := scaleRead{per: (b.place - a.place) / (b.value - a.value)}
		s.at = a.place - s.per*a.value
		n := 2
		for n < len(labels) && math.Abs(s.place(labels[n].value)-labels[n].place) < 0.02 && (labels[n].value-labels[n-1].value)*(b.value-a.value) > 0 {
			n++
		}
		scales, others = append(scales, s), append(others, a.other)
		labels = labels[n:]
	}
	return scales, others
}

// readFigure reads a figure: every panel has labels of numbers below its horizontal scale and, unless rows
// is set, left of its vertical one.
func readFigure(t *testing.T, fig plots.Figure, rows bool) (panels []readPanel) {
	t.Helper()
	theme := plots.Journal()
	drawing, err := fig.Draw(theme)
	if err != nil {
		t.Fatal(err)
	}
	var below, left []numberRead
	var ink, markers []vg.Point
	for _, action := range plots.Written(drawing) {
		switch a := action.(type) {
		case *recorder.FillString:
			v, err := strconv.ParseFloat(strings.NewReplacer("−", "-", ",", "").Replace(a.String), 64)
			if err != nil || a.Font.Size != theme.TickSize {
				continue
			}
			wide := float64(theme.WidthOf(theme.TickSize, a.String))
			x, y := float64(a.Point.X), float64(a.Point.Y)
			below = append(below, numberRead{v, x + wide/2, y})
			left = append(left, numberRead{v, y + 0.345*float64(theme.TickSize), x + wide})
		case *recorder.Stroke:
			for _, c := range a.Path {
				ink = append(ink, c.Pos)
			}
		case *recorder.Fill:
			lo, hi := a.Path[0].Pos, a.Path[0].Pos
			for _, c := range a.Path {
				if c.Type != vg.CloseComp {
					ink = append(ink, c.Pos)
					lo, hi = vg.Point{X: min(lo.X, c.Pos.X), Y: min(lo.Y, c.Pos.Y)}, vg.Point{X: max(hi.X, c.Pos.X), Y: max(hi.Y, c.Pos.Y)}
				}
			}
			if size := hi.Sub(lo); size.X < 6 && size.Y < 6 {
				markers = append(markers, lo.Add(hi).Scale(0.5))
			}
		}
	}
	// Labels of one horizontal scale share a baseline, those of one vertical scale a
	// right edge.
	group := func(labels []numberRead) (groups [][]numberRead) {
		for _, l := range labels {
			i := slices.IndexFunc(groups, func(g []numberRead) bool { return math.Abs(g[0].other-l.other) < 0.01 })
			if i < 0 {
				groups = append(groups, nil)
				i = len(groups) - 1
			}
			groups[i] = append(groups[i], l)
		}
		return groups
	}
	var across, up []scaleRead
	for _, g := range group(below) {
		if len(g) > 1 {
			s, _ := scalesOf(g)
			across = append(across, s...)
		}
	}
	for _, g := range group(left) {
		if len(g) > 1 {
			s, _ := scalesOf(g)
			up = append(up, s...)
		}
	}
	across = slices.DeleteFunc(across, func(s scaleRead) bool { return s.per <= 0 || math.IsInf(s.per, 0) })
	up = slices.DeleteFunc(up, func(s scaleRead) bool { return s.per <= 0 || math.IsInf(s.per, 0) })
	for i, s := range across {
		panel := readPanel{across: s, ink: ink, markers: markers}
		if !rows {
			if i >= len(up) {
				break
			}
			panel.up = up[i]
		}
		panels = append(panels, panel)
	}
	return panels
}

// near is how exactly a place is read, in points: labels and lines are drawn where
// they belong, to rounding.
const readingBound = 0.03

// has says whether ink is at a place, aside of it by at most some points.
func has(ink []vg.Point, x, y, aside float64) bool {
	return slices.ContainsFunc(ink, func(pt vg.Point) bool {
		return math.Abs(float64(pt.X)-x) <= readingBound+aside && math.Abs(float64(pt.Y)-y) <= readingBound
	})
}

// A twinRead checks a twin against its figure.
type twinRead struct {
	*testing.T
	name   string
	table  [][]string
	column map[string]int
}

func readTwin(t *testing.T, fig plots.Figure) twinRead {
	twin := twinRead{t, fig.Name(), fig.Table(), map[string]int{}}
	for i, name := range twin.table[0] {
		twin.column[name] = i
	}
	return twin
}

// number is a cell of a row; NaN where it is empty.
func (r twinRead) number(row []string, column string) float64 {
	r.Helper()
	at, known := r.column[column]
	if !known {
		r.Fatalf("%s: no column %s in %v", r.name, column, r.table[0])
	}
	v, err := strconv.ParseFloat(row[at], 64)
	if err != nil {
		return math.NaN()
	}
	return v
}

func (r twinRead) text(row []string, column string) string { return row[r.column[column]] }

// shown checks that a number of the twin is on the paper.
func (r twinRead) shown(p readPanel, ink []vg.Point, x, y, aside float64) {
	r.Helper()
	if math.IsNaN(x) || math.IsNaN(y) {
		return
	}
	if !has(ink, p.across.place(x), p.up.place(y), aside) {
		r.Errorf("%s: (%v, %v) is in the twin, not on the paper", r.name, x, y)
	}
}

// TestTwinsHoldWhatIsDrawn reads numbers back off the paper of every kind, with the scales
// that its labels give, and finds each number of the data twin there.
func TestTwinsHoldWhatIsDrawn(t *testing.T) {
	run := loggedRun(t)
	one := func(f sim.Figure) plots.Figure {
		t.Helper()
		figures, err := plots.Make(run, f)
		if err != nil || len(figures) != 1 {
			t.Fatalf("%s: %d figures, %v", f.Kind, len(figures), err)
		}
		return figures[0]
	}
	panelsOf := func(fig plots.Figure, rows bool, n int) []readPanel {
		t.Helper()
		panels := readFigure(t, fig, rows)
		if len(panels) != n {
			t.Fatalf("%s: %d panels were read, want %d", fig.Name(), len(panels), n)
		}
		return panels
	}
	const aside = 8 // points by which lines stand apart

	// Curves: points, ends of intervals and the places where lines reach the target.
	for _, c := range []struct {
		fig  plots.Figure
		y    string
		unit float64
	}{
		{one(sim.Figure{Kind: "power-curve", X: "effect", By: "schools", Only: map[string]string{"estimator": "ols"}}), "power", 100},
		{one(sim.Figure{Kind: "mdes", X: "schools", By: "estimator", Only: map[string]string{"effect": "0"}}), "mdes", 1},
	} {
		p, twin := panelsOf(c.fig, false, 1)[0], readTwin(t, c.fig)
		x := twin.table[0][3]
		for _, row := range twin.table[1:] {
			at, y := twin.number(row, x), c.unit*twin.number(row, c.y)
			if twin.text(row, "element") == "reaches" {
				twin.shown(p, p.ink, at, y, aside)
				continue
			}
			twin.shown(p, p.ink, at, y, aside)
			twin.shown(p, p.ink, at, c.unit*twin.number(row, "low"), aside)
			twin.shown(p, p.ink, at, c.unit*twin.number(row, "high"), aside)
			twin.shown(p, p.ink, at, c.unit*twin.number(row, "closed_form"), aside)
		}
	}

	// Contour: a dot for every design, and along the line of a level that level, bilinear
	// between the twin's numbers.
	{
		fig := one(sim.Figure{Kind: "contour", Only: map[string]string{"estimator": "ols"}})
		p, twin := panelsOf(fig, false, 1)[0], readTwin(t, fig)
		for _, row := range twin.table[1:] {
			twin.shown(p, p.markers, twin.number(row, "trial.schools"), twin.number(row, "achievement.effect.mean"), 0)
		}
		power := func(x, y float64) float64 { // bilinear, by the four designs around
			sum, weights := 0.0, 0.0
			for _, row := range twin.table[1:] {
				wx := hat(x, twin.number(row, "trial.schools"), []float64{10, 20, 40})
				wy := hat(y, twin.number(row, "achievement.effect.mean"), []float64{0, 0.2, 0.4})
				sum, weights = sum+wx*wy*twin.number(row, "power_percent"), weights+wx*wy
			}
			return sum / weights
		}
		drawing, err := fig.Draw(plots.Journal())
		if err != nil {
			t.Fatal(err)
		}
		lines := 0
		for _, action := range plots.Written(drawing) {
			stroke, ok := action.(*recorder.Stroke)
			if !ok || len(stroke.Path) < 8 {
				continue
			}
			lines++
			for _, c := range stroke.Path {
				z := power((float64(c.Pos.X)-p.across.at)/p.across.per, (float64(c.Pos.Y)-p.up.at)/p.up.per)
				if level := 10 * math.Round(z/10); math.Abs(z-level) > 0.1 {
					t.Errorf("contour: a line runs through %v%% power", z)
					break
				}
			}
		}
		if lines < 4 {
			t.Errorf("contour: %d lines", lines)
		}
	}

	// Rows: markers stand at the values, bars end at the ends of intervals.
	for _, c := range []struct {
		fig    plots.Figure
		unit   float64
		values []string
	}{
		{plots.Power{Rows: rows(), Alpha: 0.05}, 100, []string{"power", "low", "high"}},
		{plots.Bias{Rows: rows()}, 1, []string{"bias_percent_of_empse", "low_percent_of_empse", "high_percent_of_empse"}},
	} {
		p, twin := panelsOf(c.fig, true, 1)[0], readTwin(t, c.fig)
		for _, row := range twin.table[1:] {
			for i, column := range c.values {
				ink := p.ink
				if i == 0 {
					ink = p.markers
				}
				x := p.across.place(c.unit * twin.number(row, column))
				if !slices.ContainsFunc(ink, func(pt vg.Point) bool { return math.Abs(float64(pt.X)-x) < readingBound }) {
					t.Errorf("%s: %s = %v is not on the paper", twin.name, column, twin.number(row, column))
				}
			}
		}
	}
	{
		fig := plots.Published{Comparisons: comparisons(), Width: plots.MidWidth}
		panels, twin := panelsOf(fig, true, 2), readTwin(t, fig)
		for _, row := range twin.table[1:] {
			p := panels[0]
			if twin.text(row, "table") == "3B" {
				p = panels[1]
			}
			value, se := twin.number(row, "published"), twin.number(row, "published_se")
			mean, sd := twin.number(row, "simulated_mean"), twin.number(row, "simulated_sd")
			for _, v := range []float64{value - se, value + se, mean - sd, mean + sd} {
				if x := p.across.place(v); !slices.ContainsFunc(p.ink, func(pt vg.Point) bool { return math.Abs(float64(pt.X)-x) < readingBound }) {
					t.Errorf("published: %v of %v is not on the paper", v, row)
				}
			}
		}
	}

	// Lollipops: three scales side by side.
	{
		fig := one(sim.Figure{Kind: "lollipop", Only: map[string]string{"schools": "10"}})
		panels, twin := panelsOf(fig, true, 3), readTwin(t, fig)
		for _, row := range twin.table[1:] {
			i := slices.Index([]string{"bias_percent_of_empse", "coverage_percent", "modelse_error_percent"}, twin.text(row, "measure"))
			for _, column := range []string{"value", "low", "high", "target"} {
				if x := panels[i].across.place(twin.number(row, column)); !slices.ContainsFunc(panels[i].ink, func(pt vg.Point) bool { return math.Abs(float64(pt.X)-x) < readingBound }) {
					t.Errorf("lollipop: %s = %v of %v is not on the paper", column, twin.number(row, column), row)
				}
			}
		}
	}

	// Nested loop: steps at the values; its horizontal scale is the order of designs.
	{
		fig := one(sim.Figure{Kind: "nested-loop", Measure: "coverage"})
		twin := readTwin(t, fig)
		up, ink := readUp(t, fig)
		for _, row := range twin.table[1:] {
			y := up.place(twin.number(row, "coverage"))
			if steps := countAt(ink, y); steps < 2 {
				t.Errorf("nested-loop: no step at %v", row)
			}
		}
	}

	// Estimators: one column of panels, rejections above coverage.
	{
		var rows []plots.Row
		for _, row := range compared(3) {
			if row.Truth == 0 && row.Factors[1].Value == "0" {
				rows = append(rows, row)
			}
		}
		fig := plots.EstimatorCurves{Rows: rows, Alpha: 0.05}
		twin := readTwin(t, fig)
		ups, ink := readUps(t, fig)
		if len(ups) != 2 {
			t.Fatalf("estimators: %d vertical scales", len(ups))
		}
		for _, row := range twin.table[1:] {
			for i, name := range []string{"rejections", "coverage"} {
				for _, end := range []string{"", "_low", "_high"} {
					if v := twin.number(row, name+end); countAt(ink, ups[i].place(100*v)) == 0 {
						t.Errorf("estimators: %s%s = %v is not on the paper", name, end, v)
					}
				}
			}
		}
	}

	// Zip plot: both ends of every interval at its centile.
	{
		fig := one(sim.Figure{Kind: "zip", Only: map[string]string{"schools": "10", "effect": "0.4", "estimator": "ols"}})
		p, twin := panelsOf(fig, false, 1)[0], readTwin(t, fig)
		for _, row := range twin.table[1:] {
			if twin.text(row, "element") == "interval" {
				twin.shown(p, p.ink, twin.number(row, "low"), twin.number(row, "centile"), 0)
				twin.shown(p, p.ink, twin.number(row, "high"), twin.number(row, "centile"), 0)
			}
		}
	}

	// p-values: the top of every bin, and every quantile.
	{
		fig := one(sim.Figure{Kind: "p-values", Only: map[string]string{"schools": "10", "effect": "0", "estimator": "ols"}})
		panels, twin := panelsOf(fig, false, 2), readTwin(t, fig)
		for _, row := range twin.table[1:] {
			x, y, low, high := twin.number(row, "x"), twin.number(row, "value"), twin.number(row, "low"), twin.number(row, "high")
			if twin.text(row, "element") == "bin" {
				for _, corner := range []float64{x - 0.025, x + 0.025} {
					twin.shown(panels[0], panels[0].ink, corner, y, 0)
				}
				twin.shown(panels[0], panels[0].ink, 0, low, 0)
				twin.shown(panels[0], panels[0].ink, 1, high, 0)
				continue
			}
			twin.shown(panels[1], panels[1].markers, x, y, 0)
			twin.shown(panels[1], panels[1].ink, x, low, 0)
			twin.shown(panels[1], panels[1].ink, x, high, 0)
		}
	}

	// Sampling distributions: edges of bins, heights in proportion to counts, the truth.
	{
		fig := one(sim.Figure{Kind: "sampling", Only: map[string]string{"effect": "0.2", "schools": "20", "estimator": "ols"}})
		p, twin := panelsOf(fig, true, 1)[0], readTwin(t, fig)
		most := 0.0
		for _, row := range twin.table[1:] {
			if twin.text(row, "element") == "bin" {
				most = max(most, twin.number(row, "value"))
			}
		}
		at := func(x float64) (lo, hi float64) { // of the ink straight above a value
			lo, hi = math.Inf(1), math.Inf(-1)
			for _, pt := range p.ink {
				if math.Abs(float64(pt.X)-p.across.place(x)) < readingBound {
					lo, hi = min(lo, float64(pt.Y)), max(hi, float64(pt.Y))
				}
			}
			return lo, hi
		}
		var base, top float64 // of the highest bin
		for _, row := range twin.table[1:] {
			if twin.text(row, "element") == "bin" && twin.number(row, "value") == most {
				_, top = at(twin.number(row, "low"))
			}
		}
		base, _ = at(twin.number(twin.table[1], "low"))
		for _, row := range twin.table[1:] {
			switch twin.text(row, "element") {
			case "bin":
				want := base + (top-base)*twin.number(row, "value")/most
				for _, edge := range []string{"low", "high"} {
					if !has(p.ink, p.across.place(twin.number(row, edge)), want, 0) {
						t.Errorf("sampling: %v is not on the paper", row)
					}
				}
			case "truth":
				if lo, hi := at(twin.number(row, "value")); !(lo < hi) {
					t.Errorf("sampling: no line at %v", row)
				}
			}
		}
	}

	// Scatter: a diamond for every pair.
	{
		fig := one(sim.Figure{Kind: "scatter", Only: map[string]string{"effect": "0.2", "schools": "20"}})
		p, twin := panelsOf(fig, false, 1)[0], readTwin(t, fig)
		var middles []vg.Point
		for i := 0; i+2 < len(p.ink); i++ { // corners left and right of a middle
			middles = append(middles, p.ink[i].Add(p.ink[i+2]).Scale(0.5))
		}
		for _, row := range twin.table[1:] {
			if twin.text(row, "element") == "replicate" {
				twin.shown(p, middles, twin.number(row, "x"), twin.number(row, "y"), 0)
			}
		}
	}

	// Densities: the line and both edges of the band.
	{
		all := kindFigures(t)
		whole := all[slices.IndexFunc(all, func(f plots.Figure) bool { return f.Name() == "densities" })].(plots.Density)
		fig := plots.Density{Panels: whole.Panels[:1]}
		p, twin := panelsOf(fig, false, 1)[0], readTwin(t, fig)
		for _, row := range twin.table[1:] {
			for _, column := range []string{"density", "low", "high"} {
				twin.shown(p, p.ink, twin.number(row, "x"), twin.number(row, column), 0)
			}
		}
	}

	// Frontier: every design.
	{
		all := kindFigures(t)
		fig := all[slices.IndexFunc(all, func(f plots.Figure) bool { return f.Name() == "frontier" })]
		p, twin := panelsOf(fig, false, 1)[0], readTwin(t, fig)
		for _, row := range twin.table[1:] {
			for _, column := range []string{"low", "high"} {
				twin.shown(p, p.ink, twin.number(row, "cost"), 100*twin.number(row, column), 0)
			}
			twin.shown(p, p.markers, twin.number(row, "cost"), 100*twin.number(row, "power"), 0)
		}
	}
}

// hat is the weight of a design at one of ascending values for linear interpolation at x.
func hat(x, at float64, values []float64) float64 {
	i := slices.Index(values, at)
	switch {
	case x < at && i > 0:
		return max(0, (x-values[i-1])/(at-values[i-1]))
	case x > at && i+1 < len(values):
		return max(0, (values[i+1]-x)/(values[i+1]-at))
	}
	return 1
}

// readUps reads the vertical scales of a figure.
func readUps(t *testing.T, fig plots.Figure) (ups []scaleRead, ink []vg.Point) {
	t.Helper()
	theme := plots.Journal()
	drawing, err := fig.Draw(theme)
	if err != nil {
		t.Fatal(err)
	}
	var labels []numberRead
	for _, action := range plots.Written(drawing) {
		switch a := action.(type) {
		case *recorder.FillString:
			v, err := strconv.ParseFloat(strings.ReplaceAll(a.String, "−", "-"), 64)
			if err != nil || a.Font.Size != theme.TickSize {
				continue
			}
			right := float64(a.Point.X + theme.WidthOf(theme.TickSize, a.String))
			if len(labels) == 0 || math.Abs(labels[0].other-right) < 0.01 {
				labels = append(labels, numberRead{v, float64(a.Point.Y) + 0.345*float64(theme.TickSize), right})
			}
		case *recorder.Stroke:
			for _, c := range a.Path {
				ink = append(ink, c.Pos)
			}
		}
	}
	ups, _ = scalesOf(labels)
	return ups, ink
}

func readUp(t *testing.T, fig plots.Figure) (scaleRead, []vg.Point) {
	t.Helper()
	ups, ink := readUps(t, fig)
	if len(ups) != 1 {
		t.Fatalf("%s: %d vertical scales", fig.Name(), len(ups))
	}
	return ups[0], ink
}

// countAt counts the ink at a height.
func countAt(ink []vg.Point, y float64) (n int) {
	for _, pt := range ink {
		if math.Abs(float64(pt.Y)-y) < readingBound {
			n++
		}
	}
	return n
}

// A twin that is not of the figure is found out.
func TestReadingFindsWrongTwins(t *testing.T) {
	fig := plots.Power{Rows: rows(), Alpha: 0.05}
	p := readFigure(t, fig, true)[0]
	wrong := rows()
	wrong[0].Power += 0.002
	twin := readTwin(t, plots.Power{Rows: wrong, Alpha: 0.05})
	x := p.across.place(100 * twin.number(twin.table[1], "power"))
	if slices.ContainsFunc(p.markers, func(pt vg.Point) bool { return math.Abs(float64(pt.X)-x) < readingBound }) {
		t.Error(fmt.Sprint("a fifth of a point too much of power was not seen: ", twin.table[1]))
	}
}
