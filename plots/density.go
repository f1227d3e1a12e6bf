package plots

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"

	"coachsim/sim"
)

// Density shows univariate densities of variables in simulated data sets: a
// panel a variable, a line a group. The line is the median over the data sets of
// a kernel density ([sim.KernelDensity]), the band the middle 90% of data sets:
// what a figure of one real data set would look like.
type Density struct {
	File   string    // name of the files; "densities" where empty
	Width  vg.Length // 0 chooses by the number of panels
	Panels []DensityPanel
}

// A DensityPanel is one variable.
type DensityPanel struct {
	Title     string
	XLabel    string
	Densities []sim.Density // of each group
	Cuts      []float64     // lines down, such as those between low, medium and high scores
}

// Name returns the name of the figure's files.
func (d Density) Name() string { return named(d.File, "densities") }

// Words are the figure's title and note.
func (d Density) Words() Words {
	return Words{"Densities in simulated data sets", "Lines are medians and bands the middle 90% of simulated data sets. Kernel densities, reflected at the ends of rating scales and drawn no further than the data."}
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
	tops := make([]axis, n)
	var labels []string
	var heads []gridPanel
	sets := 0
	var groups []string
	for i, panel := range d.Panels {
		if len(panel.Densities) == 0 {
			return Drawing{}, &Empty{fmt.Sprintf("%q has no values that vary", panel.Title)}
		}
		ends := span{lo: 0, any: true}
		for _, d := range panel.Densities {
			ends.add(d.High...)
			sets = max(sets, d.Sets)
			if !slices.Contains(groups, d.Group) {
				groups = append(groups, d.Group)
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
	// Units that all panels share stand once, below them.
	xlabel := "In the units named above each panel"
	if first := d.Panels[0].XLabel; allSame(d.Panels, func(p DensityPanel) string { return p.XLabel }) && first != "" {
		xlabel = strings.ToUpper(first[:1]) + first[1:]
		for i := range heads {
			heads[i].remarks = nil
		}
	}
	columns, width := grid(t, d.Width, n)
	return panelGrid{
		width: width, columns: columns, gap: 12, scale: scaleRoom(t, labels...),
		legend: l, ylabel: "Density", xlabel: xlabel, panels: heads,
		height: func(w vg.Length) vg.Length { return max(28*vg.Millimeter, 0.66*w) },
		paint: func(p pen, i int, body vg.Rectangle) {
			at := paintVertical(p, tops[i], body)
			ends := span{}
			ends.add(d.Panels[i].Cuts...)
			for _, line := range d.Panels[i].Densities {
				ends.add(line.X...)
			}
			x := newAxis(ends.lo, ends.hi, t.face(t.TickSize), body.Size().X)
			atX := func(v float64) vg.Length { return body.Min.X + vg.Length(x.norm(v))*body.Size().X }
			for _, cut := range d.Panels[i].Cuts {
				p.line(t.Quiet, 1.4*t.AxisWidth, targetDashes, atX(cut), body.Min.Y, atX(cut), body.Max.Y)
			}
			for _, line := range d.Panels[i].Densities {
				look := t.Series[slices.Index(groups, line.Group)]
				var band, middle vg.Path
				for k := range line.X {
					low, mid := vg.Point{X: atX(line.X[k]), Y: at(line.Low[k])}, vg.Point{X: atX(line.X[k]), Y: at(line.Median[k])}
					if k == 0 {
						band.Move(low)
						middle.Move(mid)
					} else {
						band.Line(low)
						middle.Line(mid)
					}
				}
				for k, x := range slices.Backward(line.X) {
					band.Line(vg.Point{X: atX(x), Y: at(line.High[k])})
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
		for _, line := range panel.Densities {
			for k := range line.X {
				table = append(table, []string{panel.Title, line.Group, cell(line.X[k]), cell(line.Median[k]), cell(line.Low[k]), cell(line.High[k])})
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

// Densities returns the densities of a study's data sets ([sim.StudyDensities]):
// total observed quality and total achievement by arm, or of learning tests and gains, and
// each observed domain in the control arm. On a scale from 1 to 7, as that of the CLASS, cut-offs stand
// at 3 and 5, between low, medium and high scores.
func Densities(study sim.Study) ([]Density, error) {
	variables, err := sim.StudyDensities(study, densitySets)
	if err != nil {
		return nil, err
	}
	unit := "SD of the total score"
	if study.Achievement.Points {
		unit = "units of the model"
	}
	byArm, inControl := Density{File: "densities"}, Density{File: "densities-domains"}
	for _, v := range variables {
		panel := DensityPanel{Densities: v.Densities}
		switch v.Part {
		case sim.TotalScore:
			panel.Title, panel.XLabel = "Total score: "+v.Name, "points of the rating scale, mean of the domains"
			byArm.Panels = append(byArm.Panels, panel)
		case sim.DomainScore:
			panel.Title, panel.XLabel = "Domain: "+v.Name, "points of the rating scale"
			if v.On.Min == 1 && v.On.Max == 7 {
				panel.Cuts = []float64{3, 5}
			}
			inControl.Panels = append(inControl.Panels, panel)
		case sim.TotalAchievement:
			panel.Title, panel.XLabel = "Total achievement: "+v.Name, unit
			byArm.Panels = append(byArm.Panels, panel)
		case sim.Learnt:
			panel.Title, panel.XLabel = v.Name, "percent correct"
			if math.IsNaN(v.On.Min) {
				panel.XLabel = "percentage points"
			}
			byArm.Panels = append(byArm.Panels, panel)
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
