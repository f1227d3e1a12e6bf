package plots

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"coachsim/sim"
)

// NestedLoop shows one measure of every estimator in every design of a full
// factorial (Rücker and Schwarzer 2014, BMC Medical Research Methodology 14:129).
// The designs stand side by side, the last key varying fastest; below, a step
// line for each key tells its value. There is one figure for every outcome, term
// and estimand.
type NestedLoop struct {
	File    string    // name of the files; "nested-loop" where empty
	Width   vg.Length // TwoColumns where 0
	Alpha   float64
	Measure Measure
	Rows    []Row
}

// A Measure is a measure of performance that a figure can show.
type Measure struct {
	Name   string // "power", "coverage", "bias" or "se-error"
	Title  string
	Words  string // with unit
	target func(alpha float64) (at float64, label string)
	of     func(Row) sim.Simulated // in shown units
}

// Measures lists the measures that figures can show.
func Measures() []Measure {
	zero := func(float64) (float64, string) { return 0, "none" }
	return []Measure{
		{"power", "Power", "Power (%)", func(float64) (float64, string) { return 80, "80%" },
			func(r Row) sim.Simulated { return r.Rejections().Times(100) }},
		{"coverage", "Coverage", "Coverage (%)", func(alpha float64) (float64, string) { return 100 * (1 - alpha), "nominal " + percent(1-alpha) },
			func(r Row) sim.Simulated { return r.Coverage().Times(100) }},
		{"bias", "Bias", "Bias (% of empirical SE)", zero,
			func(r Row) sim.Simulated { return r.StdBias() }},
		{"se-error", "Error of the model standard error", "Error of model SE (%)", zero,
			func(r Row) sim.Simulated { return r.SEError() }},
	}
}

// FindMeasure finds a measure by its name; an empty name is power.
func FindMeasure(name string) (Measure, error) {
	var names []string
	for _, m := range Measures() {
		if m.Name == name || name == "" {
			return m, nil
		}
		names = append(names, m.Name)
	}
	return Measure{}, fmt.Errorf("%q is no measure; the measures are %s", name, strings.Join(names, ", "))
}

// Name returns the name of the figure's files.
func (l NestedLoop) Name() string { return named(l.File, "nested-loop") }

// Pages divides the rows over one figure for every effect with at most as many
// estimators as there are looks; one alone keeps the name.
func (l NestedLoop) Pages() []NestedLoop {
	var effects [][3]string
	parts := map[[3]string][]Row{}
	for _, row := range l.Rows {
		id := [3]string{row.Outcome, row.Term, row.Estimand}
		if !finite(l.Measure.of(row).Value) {
			continue
		}
		if parts[id] == nil {
			effects = append(effects, id)
		}
		parts[id] = append(parts[id], row)
	}
	var pages []NestedLoop
	for i, id := range effects {
		page := l
		page.Rows = parts[id]
		if len(effects) > 1 {
			page.File = fmt.Sprintf("%s-%d", l.Name(), i+1)
		}
		pages = append(pages, page)
	}
	return pages
}

type nestedLoop struct {
	effect     string
	keys       []string
	levels     [][]string // by key
	designs    [][]sim.Factor
	estimators []string
	values     [][]sim.Simulated // by estimator, then design
	n          int               // replicates; 0 where they differ
}

func (l NestedLoop) arrange() (a nestedLoop, err error) {
	pages := l.Pages()
	if len(pages) == 0 {
		return a, &Empty{"no row has the measure"}
	}
	if len(pages) > 1 {
		return a, fmt.Errorf("plots: %d effects do not fit in one figure; use Pages", len(pages))
	}
	rows := pages[0].Rows
	a.effect = rows[0].Term + " → " + rows[0].Outcome
	for _, f := range rows[0].Factors {
		if values := levelsOf(rows, f.Key); len(values) > 1 {
			a.keys, a.levels = append(a.keys, f.Key), append(a.levels, values)
		}
	}
	if len(a.keys) == 0 {
		return a, errors.New("plots: nothing is swept; a nested-loop plot lays designs side by side")
	}
	a.estimators = levelsOf(rows, "estimator")
	if len(a.estimators) > maxEstimators {
		return a, fmt.Errorf("plots: %d estimators; a nested-loop plot can show %d", len(a.estimators), maxEstimators)
	}
	var cells []int
	for _, row := range rows {
		if !slices.Contains(cells, row.Cell) {
			cells = append(cells, row.Cell)
			a.designs = append(a.designs, row.Factors)
		}
	}
	missing := sim.Around(math.NaN(), math.NaN())
	a.values = make([][]sim.Simulated, len(a.estimators))
	for e := range a.values {
		a.values[e] = slices.Repeat([]sim.Simulated{missing}, len(cells))
	}
	a.n = rows[0].N
	for _, row := range rows {
		a.values[slices.Index(a.estimators, row.Estimator)][slices.Index(cells, row.Cell)] = l.Measure.of(row)
		if row.N != a.n {
			a.n = 0
		}
	}
	return a, nil
}

// valueOf is the value of a key in a design.
func valueOf(design []sim.Factor, key string) string {
	return factor(Row{SummaryRow: sim.SummaryRow{Factors: design}}, key)
}

// Words are the figure's title and note.
func (l NestedLoop) Words() Words {
	w := Words{Title: l.Measure.Title + " in every design"}
	notes := []string{trialsNote(l.Rows), "Designs stand side by side; the steps below tell their values"}
	switch l.Measure.Name {
	case "power":
		notes = append(notes, worstMCSE(l.Rows, "power", " points", powerMCSE))
	case "coverage":
		notes = append(notes, worstMCSE(l.Rows, "coverage", " points", coverMCSE))
	case "bias":
		notes = append(notes, worstMCSE(l.Rows, "bias", "% of the empirical SE", func(r Row) float64 { return 100 * r.BiasMCSE / r.EmpSE }))
	case "se-error":
		notes = append(notes, worstMCSE(l.Rows, "the error", " points", func(r Row) float64 { return r.RelErrorMCSE }))
	}
	w.Note = sentences(notes...)
	return w
}

// values lists the values of a key, of many the first and the last.
func values(levels []string) string {
	var all []string
	for _, v := range levels {
		all = append(all, Bare(v))
	}
	if n := len(all); n > 8 {
		all = []string{all[0], all[1], all[2], "…", all[n-1]}
	}
	return strings.Join(all, ", ")
}

// Draw lays the figure out.
func (l NestedLoop) Draw(t Theme) (Drawing, error) {
	if err := errors.Join(t.validate(), checkAlpha(l.Alpha)); err != nil {
		return Drawing{}, err
	}
	if l.Measure.of == nil {
		return Drawing{}, errors.New("plots: a nested-loop plot needs a measure")
	}
	a, err := l.arrange()
	if err != nil {
		return Drawing{}, err
	}
	width := t.width(l.Width, TwoColumns)
	inside := width - 2*edge
	face := t.face(t.TickSize)
	target, targetName := l.Measure.target(l.Alpha)
	ends := span{}
	ends.add(target)
	for _, values := range a.values {
		for _, v := range values {
			ends.add(v.Value)
		}
	}
	y := newVertical(ends.lo, ends.hi)
	words := InWords(a.keys)
	for i, key := range a.keys {
		if name, known := axisWords[key]; known {
			words[i] = name
		}
		words[i] += ": " + values(a.levels[i])
	}
	scale := scaleRoom(t, y.labels()...)
	if inside-scale < 40*vg.Millimeter {
		return Drawing{}, fmt.Errorf("plots: a nested-loop plot needs more than %.0f mm", width/vg.Millimeter)
	}
	what := a.effect
	if a.n > 0 {
		what += " (" + count(a.n) + " replicates)"
	}
	leg := legend{{what + ":", -sampleGap, func(pen, vg.Rectangle) {}}}
	for i, name := range a.estimators {
		look := t.look(i)
		leg = append(leg, legendEntry{name, sampleWidth, func(p pen, box vg.Rectangle) {
			y := (box.Min.Y + box.Max.Y) / 2
			p.line(look.Color, t.LineWidth, look.Dashes, box.Min.X, y, box.Max.X, y)
		}})
	}
	leg = append(leg, referenceEntry(targetName, targetDashes))
	legendHeight := leg.height(t, inside)
	const body, strip = 62 * vg.Millimeter, vg.Length(12)
	named := make([][]string, len(words))
	height := 2*edge + legendHeight + 1.7*t.LabelSize + body + 4 + 1.6*t.LabelSize
	track := func(k int) vg.Length { return strip + (0.3+leading*vg.Length(len(named[k])))*t.TickSize }
	for k := range words {
		named[k] = wrap(face, words[k], inside-scale)
		height += track(k)
	}
	paint := func(canvas draw.Canvas) {
		p := pen{Canvas: canvas, theme: t}
		left, top := canvas.Min.X+edge, canvas.Max.Y-edge
		leg.paint(p, left, top, inside)
		top -= legendHeight
		p.text(t.face(t.LabelSize), t.Ink, left, top-t.LabelSize, alignLeft, l.Measure.Words)
		top -= 1.7 * t.LabelSize
		box := vg.Rectangle{Min: vg.Point{X: left + scale, Y: top - body}, Max: vg.Point{X: left + inside, Y: top}}
		at := paintVertical(p, y, box)
		step := box.Size().X / vg.Length(len(a.designs))
		p.line(t.Quiet, 1.4*t.AxisWidth, targetDashes, box.Min.X, at(target), box.Max.X, at(target))
		for e, values := range a.values {
			look := t.look(e)
			stairs := vg.Path{}
			open := false
			for i, v := range values {
				if !finite(v.Value) {
					open = false
					continue
				}
				x := box.Min.X + vg.Length(i)*step
				if !open {
					stairs.Move(vg.Point{X: x, Y: at(v.Value)})
				} else {
					stairs.Line(vg.Point{X: x, Y: at(v.Value)})
				}
				stairs.Line(vg.Point{X: x + step, Y: at(v.Value)})
				open = true
			}
			p.SetColor(look.Color)
			p.SetLineWidth(0.9 * t.LineWidth)
			p.SetLineDash(look.Dashes, 0)
			p.Stroke(stairs)
		}
		p.SetLineDash(nil, 0)
		p.line(t.Ink, t.AxisWidth, nil, box.Min.X, box.Min.Y, box.Max.X, box.Min.Y)
		y := box.Min.Y - 4
		for k, key := range a.keys {
			for i, line := range named[k] {
				p.text(face, t.Ink, box.Min.X, y-(1.1+leading*vg.Length(i))*t.TickSize, alignLeft, line)
			}
			bottom := y - track(k)
			n := len(a.levels[k])
			levelAt := func(design []sim.Factor) vg.Length {
				i := slices.Index(a.levels[k], valueOf(design, key))
				return bottom + 2 + (strip-5)*vg.Length(i)/vg.Length(max(1, n-1))
			}
			var stairs vg.Path
			for i, design := range a.designs {
				x := box.Min.X + vg.Length(i)*step
				if i == 0 {
					stairs.Move(vg.Point{X: x, Y: levelAt(design)})
				} else {
					stairs.Line(vg.Point{X: x, Y: levelAt(design)})
				}
				stairs.Line(vg.Point{X: x + step, Y: levelAt(design)})
			}
			p.SetColor(t.Quiet)
			p.SetLineWidth(0.8 * t.LineWidth)
			p.Stroke(stairs)
			y -= track(k)
		}
		p.text(t.face(t.LabelSize), t.Ink, canvas.Min.X+width/2, canvas.Min.Y+edge+0.35*t.LabelSize, alignCentre,
			fmt.Sprintf("%d designs; steps rise in the order of the values named", len(a.designs)))
	}
	return Drawing{Width: width, Height: height, Paint: paint}, nil
}

// Table returns the plotted numbers with their 95% Monte Carlo intervals.
func (l NestedLoop) Table() [][]string {
	table := [][]string{{"estimator", "design"}}
	if l.Measure.of == nil {
		return table
	}
	a, err := l.arrange()
	if err != nil {
		return table
	}
	table[0] = append(append(table[0], a.keys...), l.Measure.Name, "low", "high")
	for e, values := range a.values {
		for i, v := range values {
			row := []string{a.estimators[e], whole(i + 1)}
			for _, key := range a.keys {
				row = append(row, valueOf(a.designs[i], key))
			}
			table = append(table, append(row, cell(v.Value), cell(v.Low), cell(v.High)))
		}
	}
	return table
}
