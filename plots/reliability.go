package plots

import (
	"errors"
	"fmt"
	"slices"

	"gonum.org/v1/plot/vg"
)

// Reliability shows how reliable scores are under plans of observation: a panel
// for every number of days, segments across it, and a line for every number of
// coders. Solid lines are generalisability, dashed ones dependability where it is
// another. With one number of segments, days lie across.
type Reliability struct {
	File  string    // name of the files; "reliability" where empty
	Width vg.Length // chosen by the number of panels where 0
	Says  Words
	Plans []ReliabilityPlan
}

// A ReliabilityPlan is one plan, with its coefficients.
type ReliabilityPlan struct {
	Days, Segments, Coders          int
	Dependability, Generalisability float64
	Own                             bool // the plan of the study
}

// Name returns the name of the figure's files.
func (r Reliability) Name() string { return named(r.File, "reliability") }

// Words are the figure's title and note.
func (r Reliability) Words() Words { return Words{r.Says.Title, sentences(r.Says.Note)} }

// values lists the values that plans have, ascending.
func (r Reliability) values(of func(ReliabilityPlan) int) []int {
	var all []int
	for _, p := range r.Plans {
		all = append(all, of(p))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Draw lays the figure out.
func (r Reliability) Draw(t Theme) (Drawing, error) {
	if err := t.validate(); err != nil {
		return Drawing{}, err
	}
	if len(r.Plans) == 0 {
		return Drawing{}, errors.New("plots: there is no plan of observation")
	}
	days, segments := func(p ReliabilityPlan) int { return p.Days }, func(p ReliabilityPlan) int { return p.Segments }
	coders := r.values(func(p ReliabilityPlan) int { return p.Coders })
	across, panelOf, xlabel, panelName := segments, days, "Segments a day", "day"
	if len(r.values(segments)) == 1 {
		across, panelOf, xlabel, panelName = days, segments, "Days", "segment"
	}
	xs, panels := r.values(across), r.values(panelOf)
	if len(coders) > min(maxCurves, len(t.Series)) {
		return Drawing{}, fmt.Errorf("plots: %d numbers of coders make too many lines; the most is %d", len(coders), min(maxCurves, len(t.Series)))
	}
	y := newVertical(0, 1)
	columns := min(len(panels), 3)
	width := MidWidth
	if columns > 1 {
		width = TwoColumns
	}
	var l legend
	for i, c := range coders {
		l = append(l, intervalEntry(plural(c, "coder"), t.Series[i]))
	}
	differ := slices.ContainsFunc(r.Plans, func(p ReliabilityPlan) bool { return p.Generalisability-p.Dependability > 0.0005 })
	if differ {
		l = append(l, referenceEntry("dependability", targetDashes))
	}
	own := t.Series[8]
	own.Marker, own.Hollow = Circle, true
	if slices.ContainsFunc(r.Plans, func(p ReliabilityPlan) bool { return p.Own }) {
		l = append(l, intervalEntry("the plan of the study", own))
	}
	var heads []gridPanel
	for _, n := range panels {
		var head gridPanel
		if len(panels) > 1 {
			head.title = []string{plural(n, panelName)}
		}
		heads = append(heads, head)
	}
	label := "Generalisability"
	if !differ {
		label = "Reliability"
	}
	return panelGrid{
		width: t.width(r.Width, width), columns: columns, gap: 12, scale: scaleRoom(t, y.labels()...), legend: l,
		ylabel: label, xlabel: xlabel, panels: heads,
		height: func(w vg.Length) vg.Length { return 0.62 * w },
		paint: func(p pen, i int, body vg.Rectangle) {
			at := paintVertical(p, y, body)
			face := t.face(t.TickSize)
			room := max(0.05*float64(xs[len(xs)-1]-xs[0]), 0.5)
			x := axis{min: float64(xs[0]) - room, max: float64(xs[len(xs)-1]) + room}
			atX := func(v int) vg.Length { return body.Min.X + vg.Length(x.norm(float64(v)))*body.Size().X }
			end := body.Min.X - body.Size().X
			for _, v := range xs {
				if half := face.Width(whole(v)) / 2; atX(v)-half > end+3 { // labels do not overlap
					x.ticks = append(x.ticks, tick{float64(v), whole(v)})
					end = atX(v) + half
				}
			}
			for k, c := range coders {
				var line []ReliabilityPlan
				for _, plan := range r.Plans {
					if plan.Coders == c && panelOf(plan) == panels[i] {
						line = append(line, plan)
					}
				}
				slices.SortFunc(line, func(a, b ReliabilityPlan) int { return across(a) - across(b) })
				look := t.Series[k]
				for j := 1; j < len(line); j++ {
					a, b := line[j-1], line[j]
					p.line(look.Color, t.LineWidth, nil, atX(across(a)), at(a.Generalisability), atX(across(b)), at(b.Generalisability))
					if differ {
						p.line(look.Color, 0.8*t.LineWidth, targetDashes, atX(across(a)), at(a.Dependability), atX(across(b)), at(b.Dependability))
					}
				}
				for _, plan := range line {
					if plan.Own { // a ring around its mark
						ring := p
						ring.theme.MarkerWidth *= 2
						ring.marker(own, atX(across(plan)), at(plan.Generalisability))
					}
					p.marker(look, atX(across(plan)), at(plan.Generalisability))
				}
			}
			paintAxis(p, x, body.Min.X, body.Max.X, body.Min.Y, t.Ink)
		},
	}.drawing(t)
}

// plural is "1 coder", "2 coders".
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return whole(n) + " " + thing + "s"
}

// Table returns the plotted numbers.
func (r Reliability) Table() [][]string {
	table := [][]string{{"days", "segments", "coders", "dependability", "generalisability", "own"}}
	for _, p := range r.Plans {
		table = append(table, []string{whole(p.Days), whole(p.Segments), whole(p.Coders), cell(p.Dependability), cell(p.Generalisability), fmt.Sprint(p.Own)})
	}
	return table
}
