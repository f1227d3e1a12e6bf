package plots

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"

	"coachsim/sim"
)

// Frontier shows what power costs: every design that a search simulated, with the
// 95% Wilson interval of its power, and the frontier of those that have more
// power than any that costs less. The answer is labelled with its values, in bold, and
// others on the frontier with theirs where there is room; those that rest on few trials have dashed bars, and on
// the frontier hollow markers.
type Frontier struct {
	File    string    // name of the files; "frontier" where empty
	Width   vg.Length // MidWidth where 0
	Keys    []string  // the varied keys
	Tests   []string  // whose power it is
	Target  float64   // the power looked for; NaN for none
	Budget  float64   // the cost not to exceed; NaN for none
	Designs []FrontierDesign
}

// A FrontierDesign is one simulated design.
type FrontierDesign struct {
	Values     []float64 // of the keys
	Cost       float64
	Power      float64 // of the weakest test
	Replicates int
	Frontier   bool // no cheaper design has as much power
	Answer     bool
	Rough      bool // few trials: its power is known worse than that of the others
}

// roughDashes are those of bars of designs that rest on few trials.
var roughDashes = []vg.Length{1.5, 1.2}

// Name returns the name of the figure's files.
func (f Frontier) Name() string { return named(f.File, "frontier") }

// design is "24; 10".
func (d FrontierDesign) design() string {
	var values []string
	for _, v := range d.Values {
		values = append(values, signed(v, digitsOf(v)))
	}
	return strings.Join(values, "; ")
}

// Words are the figure's title and note.
func (f Frontier) Words() Words {
	least, most := 0, 0
	for i, d := range f.Designs {
		if most = max(most, d.Replicates); i == 0 || d.Replicates < least {
			least = d.Replicates
		}
	}
	trials := count(most) + " simulated trials per design"
	if least < most {
		trials = count(least) + " to " + trials
	}
	return Words{"What power costs", sentences(trials, f.power(), "Bars are 95% Monte Carlo intervals (Wilson)")}
}

// power says whose power the figure shows.
func (f Frontier) power() string {
	switch len(f.Tests) {
	case 0:
		return ""
	case 1:
		return "Power of " + f.Tests[0]
	}
	return "Power of the weakest test of " + strings.Join(f.Tests, ", ")
}

// Draw lays the figure out.
func (f Frontier) Draw(t Theme) (Drawing, error) {
	if err := t.validate(); err != nil {
		return Drawing{}, err
	}
	ends := span{}
	var frontier []FrontierDesign
	for _, d := range f.Designs {
		if finite(d.Cost) && finite(d.Power) {
			ends.add(d.Cost)
			if d.Frontier {
				frontier = append(frontier, d)
			}
		}
	}
	if !ends.any {
		return Drawing{}, &Empty{"no design has a cost and a power"}
	}
	ends.add(f.Budget)
	slices.SortFunc(frontier, func(a, b FrontierDesign) int {
		if a.Cost < b.Cost {
			return -1
		}
		return 1
	})
	y := newVertical(0, 100)
	on, off := t.Series[0], t.Series[8]
	off.Hollow, off.Marker = true, Circle
	answer := t.Series[1]
	answer.Marker = Diamond
	var names []string
	for _, key := range f.Keys {
		names = append(names, InSentence(AxisName(key)))
	}
	l := legend{
		intervalEntry("on the frontier", on),
		intervalEntry("dearer than one with more power", off),
		intervalEntry("the answer", answer),
	}
	rough := on
	rough.Hollow = true
	if slices.ContainsFunc(f.Designs, func(d FrontierDesign) bool { return d.Rough }) {
		l = append(l, legendEntry{"from few trials", sampleWidth, func(p pen, box vg.Rectangle) {
			y := (box.Min.Y + box.Max.Y) / 2
			p.line(rough.Color, 0.8*p.theme.LineWidth, roughDashes, box.Min.X, y, box.Max.X, y)
			p.marker(rough, (box.Min.X+box.Max.X)/2, y)
		}})
	}
	if finite(f.Target) {
		l = append(l, referenceEntry("power "+percent(f.Target), targetDashes))
	}
	if finite(f.Budget) {
		l = append(l, referenceEntry("budget "+count(int(math.Round(f.Budget))), alphaDashes))
	}
	return panelGrid{
		width: t.width(f.Width, MidWidth), columns: 1, scale: scaleRoom(t, y.labels()...), legend: l,
		ylabel: "Power (%), with 95% Monte Carlo interval", xlabel: "Cost of the trial (units of the study's costs)", panels: []gridPanel{{remarks: []string{"Labels: " + strings.Join(names, "; ")}}},
		height: func(w vg.Length) vg.Length { return 0.62 * w },
		paint: func(p pen, _ int, body vg.Rectangle) {
			face := t.face(t.TickSize)
			at := paintVertical(p, y, body)
			x := newAxis(ends.lo, ends.hi, face, body.Size().X)
			for i := range x.ticks {
				if v := x.ticks[i].value; v == math.Trunc(v) && math.Abs(v) < 1e9 {
					x.ticks[i].label = strings.ReplaceAll(count(int(v)), "-", "−")
				}
			}
			atX := func(v float64) vg.Length { return body.Min.X + vg.Length(x.norm(v))*body.Size().X }
			if finite(f.Target) {
				p.line(t.Quiet, 1.4*t.AxisWidth, targetDashes, body.Min.X, at(100*f.Target), body.Max.X, at(100*f.Target))
			}
			if finite(f.Budget) {
				p.line(t.Quiet, 1.4*t.AxisWidth, alphaDashes, atX(f.Budget), body.Min.Y, atX(f.Budget), body.Max.Y)
			}
			for k := 1; k < len(frontier); k++ { // power is had from a design's cost on
				a, b := frontier[k-1], frontier[k]
				p.line(on.Color, t.LineWidth, nil, atX(a.Cost), at(100*a.Power), atX(b.Cost), at(100*a.Power))
				p.line(on.Color, t.LineWidth, nil, atX(b.Cost), at(100*a.Power), atX(b.Cost), at(100*b.Power))
			}
			for _, front := range []bool{false, true} {
				for _, d := range f.Designs {
					if d.Frontier != front || !finite(d.Cost) || !finite(d.Power) {
						continue
					}
					look := off
					switch {
					case d.Answer:
						look = answer
					case front && d.Rough:
						look = rough
					case front:
						look = on
					}
					v := sim.Wilson(d.Power, d.Replicates)
					var dashes []vg.Length
					if d.Rough {
						dashes = roughDashes
					}
					p.line(look.Color, 0.7*t.LineWidth, dashes, atX(d.Cost), at(100*v.Low), atX(d.Cost), at(100*v.High))
					p.marker(look, atX(d.Cost), at(100*d.Power))
				}
			}
			var taken []vg.Rectangle // by markers and bars, then by labels too
			for _, d := range f.Designs {
				here, r := vg.Point{X: atX(d.Cost), Y: at(100 * d.Power)}, vg.Point{X: t.MarkerWidth / 2, Y: t.MarkerWidth / 2}
				v := sim.Wilson(d.Power, d.Replicates)
				taken = append(taken, vg.Rectangle{Min: here.Sub(r), Max: here.Add(r)}, vg.Rectangle{
					Min: vg.Point{X: here.X - 0.5, Y: at(100 * v.Low)}, Max: vg.Point{X: here.X + 0.5, Y: at(100 * v.High)},
				})
			}
			for _, d := range f.Designs { // the answer has its label before the rest, wherever there is most room
				if !d.Answer || !finite(d.Cost) || !finite(d.Power) {
					continue
				}
				bold, here := t.boldFace(t.TickSize), vg.Point{X: atX(d.Cost), Y: at(100 * d.Power)}
				box := roomiest(here, vg.Point{X: bold.Width(d.design()), Y: t.TickSize}, body, taken)
				room := vg.Point{X: 5, Y: 1}
				taken = append(taken, vg.Rectangle{Min: box.Min.Sub(room), Max: box.Max.Add(room)})
				near := nearest(box, here)
				if off := near.Sub(here); off.X*off.X+off.Y*off.Y > t.TickSize*t.TickSize {
					p.line(answer.Color, 0.5*t.LineWidth, nil, here.X, here.Y, near.X, near.Y)
				}
				p.text(bold, t.Ink, box.Min.X, box.Min.Y+0.14*t.TickSize, alignLeft, d.design())
			}
			if finite(f.Target) {
				taken = append(taken, vg.Rectangle{Min: vg.Point{X: body.Min.X, Y: at(100*f.Target) - 0.5}, Max: vg.Point{X: body.Max.X, Y: at(100*f.Target) + 0.5}})
			}
			if finite(f.Budget) {
				taken = append(taken, vg.Rectangle{Min: vg.Point{X: atX(f.Budget) - 0.5, Y: body.Min.Y}, Max: vg.Point{X: atX(f.Budget) + 0.5, Y: body.Max.Y}})
			}
			for _, d := range frontier {
				if d.Answer {
					continue
				}
				wide := face.Width(d.design())
				for _, corner := range []vg.Point{{X: -wide - 4, Y: 2.5}, {X: 4, Y: -2.5 - t.TickSize}, {X: 4, Y: 2.5}, {X: -wide - 4, Y: -2.5 - t.TickSize}} {
					least := vg.Point{X: atX(d.Cost), Y: at(100 * d.Power)}.Add(corner)
					box := vg.Rectangle{Min: least, Max: least.Add(vg.Point{X: wide, Y: t.TickSize})}
					if !within(box, body) || slices.ContainsFunc(taken, func(other vg.Rectangle) bool { return overlap(box, other) }) {
						continue
					}
					taken = append(taken, box)
					p.text(face, t.Ink, box.Min.X, box.Min.Y+0.14*t.TickSize, alignLeft, d.design())
					break
				}
			}
			paintAxis(p, x, body.Min.X, body.Max.X, body.Min.Y, t.Ink)
		},
	}.drawing(t)
}

// roomiest returns the box of a size near a point, within a body, that overlaps least of
// what is taken: of those that overlap nothing the nearest, at a corner of the point before
// above and below it.
func roomiest(here, size vg.Point, body vg.Rectangle, taken []vg.Rectangle) vg.Rectangle {
	var best vg.Rectangle
	least := math.Inf(1)
	for ring := range 12 {
		across, up := 4+vg.Length(ring)*size.Y, 2.5+vg.Length(ring)*size.Y
		for _, corner := range []vg.Point{
			{X: -size.X - 4, Y: up}, {X: 4, Y: -up - size.Y}, {X: 4, Y: up}, {X: -size.X - 4, Y: -up - size.Y},
			{X: -size.X / 2, Y: up}, {X: -size.X / 2, Y: -up - size.Y}, {X: across, Y: -size.Y / 2}, {X: -size.X - across, Y: -size.Y / 2},
		} {
			box := vg.Rectangle{Min: here.Add(corner), Max: here.Add(corner).Add(size)}
			if !within(box, body) {
				continue
			}
			area := 0.0
			for _, other := range taken {
				if overlap(box, other) {
					area += float64((min(box.Max.X, other.Max.X) - max(box.Min.X, other.Min.X)) * (min(box.Max.Y, other.Max.Y) - max(box.Min.Y, other.Min.Y)))
				}
			}
			if area < least {
				best, least = box, area
			}
		}
		if least == 0 {
			return best
		}
	}
	if math.IsInf(least, 1) { // no room for it at all
		return vg.Rectangle{Min: here, Max: here.Add(size)}
	}
	return best
}

// within reports whether a box is inside another.
func within(box, body vg.Rectangle) bool {
	return box.Min.X >= body.Min.X && box.Max.X <= body.Max.X && box.Min.Y >= body.Min.Y && box.Max.Y <= body.Max.Y
}

// nearest is the point of a box that is nearest to another.
func nearest(box vg.Rectangle, to vg.Point) vg.Point {
	return vg.Point{X: min(max(to.X, box.Min.X), box.Max.X), Y: min(max(to.Y, box.Min.Y), box.Max.Y)}
}

// Table returns the plotted numbers: every simulated design.
func (f Frontier) Table() [][]string {
	table := [][]string{append(slices.Clone(f.Keys), "cost", "power", "low", "high", "n", "frontier", "answer", "few_replicates")}
	for _, d := range f.Designs {
		var row []string
		for _, v := range d.Values {
			row = append(row, cell(v))
		}
		v := sim.Wilson(d.Power, d.Replicates)
		table = append(table, append(row, cell(d.Cost), cell(v.Value), cell(v.Low), cell(v.High), whole(d.Replicates), fmt.Sprint(d.Frontier), fmt.Sprint(d.Answer), fmt.Sprint(d.Rough)))
	}
	return table
}
