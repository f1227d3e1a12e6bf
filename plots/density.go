package plots

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/plot/vg"

	"coachsim/dgp"
	"coachsim/sim"
)

// Density shows univariate densities of variables in simulated data sets: a
// panel a variable, a line a group. The line is the median over the data sets of
// a Gaussian kernel density with Silverman's bandwidth (1986, eq. 3.31), the band
// the middle 90% of data sets: what a figure of one real data set would look like.
type Density struct {
	File   string    // name of the files; "densities" where empty
	Width  vg.Length // 0 chooses by the number of panels
	Panels []DensityPanel
}

// A DensityPanel is one variable.
type DensityPanel struct {
	Title  string
	XLabel string
	Groups []DensityGroup
	Cuts   []float64 // lines down, such as those between low, medium and high scores
}

// A DensityGroup holds the values of a group in each data set.
type DensityGroup struct {
	Label string
	Sets  [][]float64
}

// Name returns the name of the figure's files.
func (d Density) Name() string { return named(d.File, "densities") }

// densityPoints is the number of points of a line.
const densityPoints = 81

type densityLine struct{ x, middle, low, high [densityPoints]float64 }

// kernelDensity is the density of values at points.
func kernelDensity(values, at []float64) []float64 {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	n := float64(len(sorted))
	iqr := stat.Quantile(0.75, stat.Empirical, sorted, nil) - stat.Quantile(0.25, stat.Empirical, sorted, nil)
	spread := stat.StdDev(sorted, nil)
	if iqr > 0 {
		spread = min(spread, iqr/1.349)
	}
	h := 0.9 * spread * math.Pow(n, -0.2)
	density := make([]float64, len(at))
	if !(h > 0) {
		return density
	}
	for i, x := range at {
		from, _ := slices.BinarySearch(sorted, x-5*h)
		for _, v := range sorted[from:] {
			if v > x+5*h {
				break
			}
			u := (x - v) / h
			density[i] += math.Exp(-u * u / 2)
		}
		density[i] /= n * h * math.Sqrt(2*math.Pi)
	}
	return density
}

// lines returns the lines of a panel.
func (d DensityPanel) lines() []densityLine {
	ends := span{}
	for _, group := range d.Groups {
		for _, set := range group.Sets {
			ends.add(set...)
		}
	}
	ends.add(d.Cuts...)
	lines := make([]densityLine, len(d.Groups))
	if !ends.any {
		return nil
	}
	margin := 0.08 * (ends.hi - ends.lo)
	at := make([]float64, densityPoints)
	for i := range at {
		at[i] = ends.lo - margin + (ends.hi-ends.lo+2*margin)*float64(i)/(densityPoints-1)
	}
	for g, group := range d.Groups {
		var sets [][]float64
		for _, set := range group.Sets {
			if len(set) > 1 {
				sets = append(sets, kernelDensity(set, at))
			}
		}
		if len(sets) == 0 {
			return nil
		}
		over := make([]float64, len(sets))
		for i := range at {
			for k := range sets {
				over[k] = sets[k][i]
			}
			slices.Sort(over)
			q := func(p float64) float64 { return stat.Quantile(p, stat.LinInterp, over, nil) }
			lines[g].x[i], lines[g].middle[i], lines[g].low[i], lines[g].high[i] = at[i], q(0.5), q(0.05), q(0.95)
		}
	}
	return lines
}

// Draw lays the figure out.
func (d Density) Draw(t Theme) (Drawing, error) {
	if err := t.validate(); err != nil {
		return Drawing{}, err
	}
	n := len(d.Panels)
	if n == 0 || n > MaxPanels {
		return Drawing{}, fmt.Errorf("plots: %d densities; a figure can show 1 to %d", n, MaxPanels)
	}
	lines := make([][]densityLine, n)
	tops := make([]axis, n)
	var labels []string
	var heads []gridPanel
	sets := 0
	var groups []string
	for i, panel := range d.Panels {
		if lines[i] = panel.lines(); lines[i] == nil {
			return Drawing{}, fmt.Errorf("plots: %q has no values", panel.Title)
		}
		ends := span{lo: 0, any: true}
		for g, line := range lines[i] {
			ends.add(line.high[:]...)
			sets = max(sets, len(panel.Groups[g].Sets))
			if label := panel.Groups[g].Label; !slices.Contains(groups, label) {
				groups = append(groups, label)
			}
		}
		tops[i] = newVertical(0, ends.hi)
		labels = append(labels, tops[i].labels()...)
		heads = append(heads, gridPanel{title: []string{panel.Title}, remarks: []string{panel.XLabel}})
	}
	if len(groups) > len(t.Series) {
		return Drawing{}, errors.New("plots: more groups than a figure can tell apart")
	}
	var l legend
	for i, name := range groups {
		look := t.Series[i]
		l = append(l, legendEntry{name, sampleWidth, func(p pen, box vg.Rectangle) {
			y := (box.Min.Y + box.Max.Y) / 2
			p.line(look.Color, t.LineWidth, look.Dashes, box.Min.X, y, box.Max.X, y)
		}})
	}
	l = append(l, legendEntry{fmt.Sprintf("median and middle 90%% of %s simulated data sets", count(sets)), 12, func(p pen, box vg.Rectangle) {
		p.fill(t.Faint, box.Min.X, box.Min.Y, box.Max.X, box.Max.Y)
	}})
	if slices.ContainsFunc(d.Panels, func(p DensityPanel) bool { return len(p.Cuts) > 0 }) {
		l = append(l, referenceEntry("cut-off", targetDashes))
	}
	columns, width := grid(n)
	return panelGrid{
		width: t.width(d.Width, width), columns: columns, gap: 12, scale: scaleRoom(t, labels...),
		legend: l, ylabel: "Density", xlabel: "Score", panels: heads,
		height: func(w vg.Length) vg.Length { return max(28*vg.Millimeter, 0.66*w) },
		paint: func(p pen, i int, body vg.Rectangle) {
			at := paintVertical(p, tops[i], body)
			first := lines[i][0]
			x := newAxis(first.x[0], first.x[densityPoints-1], t.face(t.TickSize), body.Size().X)
			atX := func(v float64) vg.Length { return body.Min.X + vg.Length(x.norm(v))*body.Size().X }
			for _, cut := range d.Panels[i].Cuts {
				p.line(t.Quiet, 1.4*t.AxisWidth, targetDashes, atX(cut), body.Min.Y, atX(cut), body.Max.Y)
			}
			for g, line := range lines[i] {
				look := t.Series[slices.Index(groups, d.Panels[i].Groups[g].Label)]
				var band, middle vg.Path
				for k := range line.x {
					low, mid := vg.Point{X: atX(line.x[k]), Y: at(line.low[k])}, vg.Point{X: atX(line.x[k]), Y: at(line.middle[k])}
					if k == 0 {
						band.Move(low)
						middle.Move(mid)
					} else {
						band.Line(low)
						middle.Line(mid)
					}
				}
				for k := densityPoints - 1; k >= 0; k-- {
					band.Line(vg.Point{X: atX(line.x[k]), Y: at(line.high[k])})
				}
				band.Close()
				p.SetColor(translucent(look.Color, 0.16))
				p.Fill(band)
				p.SetColor(look.Color)
				p.SetLineWidth(t.LineWidth)
				p.SetLineDash(look.Dashes, 0)
				p.Stroke(middle)
			}
			p.SetLineDash(nil, 0)
			paintAxis(p, x, body.Min.X, body.Max.X, body.Min.Y, t.Ink)
		},
	}.drawing(t)
}

// Table returns the plotted numbers.
func (d Density) Table() [][]string {
	table := [][]string{{"panel", "group", "x", "density", "low", "high"}}
	for _, panel := range d.Panels {
		for g, line := range panel.lines() {
			for k := range line.x {
				table = append(table, []string{panel.Title, panel.Groups[g].Label, cell(line.x[k]), cell(line.middle[k]), cell(line.low[k]), cell(line.high[k])})
			}
		}
		for _, cut := range panel.Cuts {
			table = append(table, []string{panel.Title, "cut-off", cell(cut), "", "", ""})
		}
	}
	return table
}

// densitySets is how many data sets of a study are drawn for its densities.
const densitySets = 100

// Densities returns the densities of a study's data sets, drawn anew from its
// seed: total observed quality and total achievement by arm, and each observed
// domain in the control arm, in points of the rating scale. On a scale from 1 to
// 7, as that of the CLASS, cut-offs stand at 3 and 5, between low, medium and high
// scores.
func Densities(study sim.Study) ([]Density, error) {
	if len(study.Cells) > 0 {
		study = study.Cells[0].Study
	}
	study.Observation.Points = true // of the rating scale, by which cut-offs are known
	g, err := study.Trial.Compile()
	if err != nil {
		return nil, err
	}
	shape := g.Shape()
	scored := !study.Observation.IsZero()
	byArm, inControl := Density{File: "densities"}, Density{File: "densities-domains"}
	var byArmColumns, controlColumns []int
	add := func(d *Density, columns *[]int, name, title, xlabel string, groups ...string) {
		if c := shape.Index(name); c >= 0 {
			panel := DensityPanel{Title: title, XLabel: xlabel}
			for _, label := range groups {
				panel.Groups = append(panel.Groups, DensityGroup{Label: label})
			}
			if o := study.Observation.Scale; d == &inControl && o.Min == 1 && o.Max == 7 {
				panel.Cuts = []float64{3, 5}
			}
			d.Panels, *columns = append(d.Panels, panel), append(*columns, c)
		}
	}
	if scored {
		add(&byArm, &byArmColumns, study.Observation.Total, "Total score: "+study.Observation.Total, "points of the rating scale, mean of the domains", shape.Arms...)
		for _, domain := range study.Quality.Domains {
			add(&inControl, &controlColumns, domain, "Domain: "+domain, "points of the rating scale", shape.Arms[0])
		}
	}
	unit := "SD of the total score"
	if study.Achievement.Points {
		unit = "units of the model"
	}
	add(&byArm, &byArmColumns, study.Achievement.Total, "Total achievement: "+study.Achievement.Total, unit, shape.Arms...)
	for rep := range densitySets {
		data, _ := g.Draw(dgp.Stream{Seed: study.Seed, Replicate: uint64(rep)})
		for i, c := range byArmColumns {
			for arm := range byArm.Panels[i].Groups {
				group := &byArm.Panels[i].Groups[arm]
				group.Sets = append(group.Sets, valuesOf(shape, data, c, arm))
			}
		}
		for i, c := range controlColumns {
			group := &inControl.Panels[i].Groups[0]
			group.Sets = append(group.Sets, valuesOf(shape, data, c, 0))
		}
	}
	var all []Density
	for _, d := range []Density{byArm, inControl} {
		if len(d.Panels) > 0 {
			all = append(all, d)
		}
	}
	return all, nil
}

// valuesOf returns a column's values among the units of an arm. Units above the
// level of assignment, which are in no arm, are in all.
func valuesOf(shape dgp.Shape, data *dgp.Data, column, arm int) (values []float64) {
	level := shape.Columns[column].Level
	for u, v := range data.Columns[column] {
		within := finite(v)
		for k, c := range shape.Columns {
			if c.Arm && c.Level <= level {
				on := data.Columns[k][data.Ancestor(level, u, c.Level)] != 0
				within = within && on == shape.TurnsOn(arm, k)
			}
		}
		if within {
			values = append(values, v)
		}
	}
	return values
}
