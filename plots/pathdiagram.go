package plots

import (
	"errors"
	"fmt"
	"image/color"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"coachsim/sim"
)

// PathDiagram draws the paths from a treatment to an outcome as an estimator of
// mediation finds them: through each mediator, and past them. Above each arrow
// stands the mean of the estimates with its Monte Carlo standard error, below it the
// truth; in the box of a mediator the indirect effect that it carries. Where slopes may
// differ by arm, an arrow each. Every design, estimator and outcome is a panel.
type PathDiagram struct {
	File       string    // name of the files; "path-diagram" where empty
	Width      vg.Length // MidWidth, or TwoColumns of several panels, where 0
	Mediations []sim.Mediation
}

// maxPathDiagrams is how many panels a page of path diagrams holds.
const maxPathDiagrams = 4

// Name returns the name of the figure's files.
func (f PathDiagram) Name() string { return named(f.File, "path-diagram") }

// Words are the figure's title and note.
func (f PathDiagram) Words() Words {
	worst, slopes, byArm := 0.0, false, false
	trials := span{}
	for _, m := range f.Mediations {
		trials.add(float64(m.N))
		for _, path := range m.Mediators {
			for _, slope := range path.Slopes {
				slopes = slopes || finite(slope.Truth)
				byArm = byArm || slope.WithIt
				if finite(slope.TruthMCSE) {
					worst = max(worst, slope.TruthMCSE)
				}
			}
		}
	}
	words := "On each arrow the mean estimate (Monte Carlo standard error), below it the truth; in the boxes of mediators the indirect effects they carry. Truths in bold have the other sign"
	if trials.any {
		words = count(int(trials.hi)) + " simulated trials. " + words
	}
	notes := []string{words}
	if slopes {
		text := "The truth of a slope is the natural indirect effect through true quality over the effect on the score"
		if worst >= 1e-6 {
			text += " (Monte Carlo standard error at most " + short(worst, worst) + ")"
		}
		notes = append(notes, text)
	}
	if byArm {
		notes = append(notes, "acme, ade: average causal mediation and direct effects, what is held fixed being as without the treatment (0) or with it (1)")
	}
	return Words{"Paths from treatment to achievement: estimates and truths", sentences(notes...)}
}

// title names a panel by what tells it from others.
func (f PathDiagram) title(m sim.Mediation) string {
	words := m.Estimator
	if slices.ContainsFunc(f.Mediations, func(o sim.Mediation) bool { return o.Outcome != m.Outcome }) {
		words += ", " + m.Outcome
	}
	if where := (Row{SummaryRow: sim.SummaryRow{Factors: m.Factors}}).where(); where != "" {
		words += ": " + where
	}
	return words
}

const (
	pathPad  = vg.Length(4)   // inside boxes
	pathHead = vg.Length(4.5) // length of an arrow's head
	pathGap  = vg.Length(7)   // between the rows of a panel
)

// A pathText is the words of a mean: above the arrow the estimate, below the truth.
type pathText struct {
	above, below []string
	other        bool // the truth has the other sign
}

// How words are set: a mean with its standard error on one line, on two, and the word
// truth on a line of its own too, which takes least room across.
type setting int

const (
	setWide setting = iota
	setApart
	setNarrow
	settings
)

// pathWords writes a mean.
func pathWords(m sim.PathMean, as setting) pathText {
	text := pathText{above: []string{"–"}, other: m.WrongSign()}
	mcse := m.MCSE
	if !finite(mcse) {
		mcse = 0
	}
	if finite(m.Mean) {
		mean, error := short(m.Mean, mcse), ""
		if finite(m.MCSE) {
			error = "(" + short(m.MCSE, mcse) + ")"
		}
		switch {
		case error == "":
			text.above = []string{mean}
		case as != setWide:
			text.above = []string{mean, error}
		default:
			text.above = []string{mean + " " + error}
		}
	}
	truth := "–"
	if finite(m.Truth) {
		truth = short(m.Truth, mcse)
	}
	if text.below = []string{"truth " + truth}; as == setNarrow {
		text.below = []string{"truth", truth}
	}
	return text
}

// lines are all that is written.
func (w pathText) lines() []string { return slices.Concat(w.above, w.below) }

// A pathArrow is an arrow with its words.
type pathArrow struct {
	look Series
	text pathText
}

// A pathRow is the path through one mediator, or the direct one.
type pathRow struct {
	box    []string // lines in the mediator's box, its name in bold first; nil of the direct path
	bold   int      // how many of them are the name's
	effect pathText // the last of them
	first  []pathArrow
	second []pathArrow
	height vg.Length
}

// A pathFoot is a line below a diagram, on an effect through all paths of a kind; a
// truth that does not fit beside the estimate stands on the next line.
type pathFoot struct {
	text  []string
	truth string
	other bool
	below bool
}

// A pathPanel is the layout of one diagram.
type pathPanel struct {
	title              []string
	arm, outcome       []string
	rows               []pathRow
	foot               []pathFoot
	armW, boxW, yW     vg.Length
	firstGap, rightGap vg.Length // lengths of arrows
	least              vg.Length // width
	height             vg.Length
}

// arrows gives each of several means its arrow.
func arrows(t Theme, means []sim.PathMean, as setting) []pathArrow {
	var all []pathArrow
	for _, m := range means {
		look := t.Series[0]
		switch {
		case m.WithIt:
			look = t.Series[1]
		case !m.Without:
			look.Color, look.Dashes = t.Ink, nil
		}
		if m.Without {
			look.Dashes = nil
		}
		all = append(all, pathArrow{look, pathWords(m, as)})
	}
	return all
}

// room is the width that arrows' words need.
func room(t Theme, all []pathArrow) vg.Length {
	var w vg.Length
	for _, a := range all {
		w = max(w, widest(t.boldFace(t.TickSize), a.text.lines()...))
	}
	return w + 2*pathPad + pathHead
}

// arrowHeight is the height of an arrow with its words.
func arrowHeight(t Theme, a pathArrow) vg.Length {
	return vg.Length(len(a.text.lines()))*leading*t.TickSize + 5
}

// layout lays out one diagram in no more than width.
func (f PathDiagram) layout(t Theme, m sim.Mediation, width vg.Length, as setting) pathPanel {
	small, bold := t.face(t.TickSize), t.boldFace(t.TickSize)
	l := pathPanel{title: wrap(t.boldFace(t.LabelSize), f.title(m), width)}
	most := 7.5 * t.TickSize
	l.arm, l.outcome = wrap(bold, m.Arm, most), wrap(bold, m.Outcome, most)
	l.armW = widest(bold, l.arm...) + 2*pathPad
	l.yW = widest(bold, l.outcome...) + 2*pathPad
	for _, path := range m.Mediators {
		words := pathWords(path.Indirect, as)
		row := pathRow{first: arrows(t, []sim.PathMean{path.Effect}, as), second: arrows(t, path.Slopes, as), effect: words}
		row.box = wrap(bold, path.Mediator, most+2*t.TickSize)
		row.bold = len(row.box)
		row.box = append(append(row.box, "indirect"), words.lines()...)
		l.boxW = max(l.boxW, widest(bold, row.box...)+2*pathPad)
		l.firstGap = max(l.firstGap, room(t, row.first))
		l.rightGap = max(l.rightGap, room(t, row.second))
		l.rows = append(l.rows, row)
	}
	if len(m.Direct) > 0 {
		row := pathRow{first: arrows(t, m.Direct, setWide)}
		for i := range row.first {
			words := &row.first[i].text
			words.above[0] = m.Direct[i].Term + ": " + words.above[0]
		}
		l.rows = append(l.rows, row)
	}
	for i := range l.rows {
		row := &l.rows[i]
		for _, arrows := range [][]pathArrow{row.first, row.second} {
			var h vg.Length
			for _, a := range arrows {
				h += arrowHeight(t, a)
			}
			row.height = max(row.height, h)
		}
		row.height = max(row.height, vg.Length(len(row.box))*leading*t.TickSize+2*pathPad)
		l.height += row.height + pathGap
	}
	lines := 0
	for _, effect := range m.Whole {
		words := pathWords(effect, setWide)
		foot := pathFoot{text: wrap(small, effect.Term+": "+words.above[0]+",", width), truth: words.below[0], other: words.other}
		foot.below = len(foot.text) > 1 || small.Width(foot.text[0]+" ")+bold.Width(foot.truth) > width
		l.foot = append(l.foot, foot)
		lines += len(foot.text)
		if foot.below {
			lines++
		}
	}
	across := l.firstGap + l.boxW + l.rightGap
	if len(m.Direct) > 0 {
		across = max(across, room(t, l.rows[len(l.rows)-1].first))
	}
	l.least = l.armW + across + l.yW
	if spare := width - l.least; spare > 0 { // arrows take what is left
		l.firstGap, l.rightGap = l.firstGap+spare/2, l.rightGap+spare/2
	}
	l.height += (0.5+leading*vg.Length(len(l.title)))*t.LabelSize + leading*vg.Length(lines)*t.TickSize + 0.5*t.TickSize
	return l
}

// Draw lays the figure out.
func (f PathDiagram) Draw(t Theme) (Drawing, error) {
	if err := t.validate(); err != nil {
		return Drawing{}, err
	}
	n := len(f.Mediations)
	switch {
	case n == 0:
		return Drawing{}, &Empty{"there is no estimator of mediation whose paths could be drawn"}
	case n > maxPathDiagrams:
		return Drawing{}, fmt.Errorf("plots: %d path diagrams do not fit on one page of %d", n, maxPathDiagrams)
	}
	width := MidWidth
	if n > 1 {
		width = TwoColumns
	}
	width = t.width(f.Width, width)
	panels, columns, err := f.arrange(t, width)
	if err != nil {
		return Drawing{}, err
	}
	var key legend
	if slices.ContainsFunc(f.Mediations, func(m sim.Mediation) bool {
		return slices.ContainsFunc(m.Mediators, func(p sim.MediatorPath) bool { return len(p.Slopes) > 1 })
	}) {
		key = legend{arrowEntry("without the treatment", t.Series[0].Color, nil), arrowEntry("with it", t.Series[1].Color, t.Series[1].Dashes)}
	}
	inside := width - 2*edge
	keyHeight := key.height(t, inside)
	heights := make([]vg.Length, (n+columns-1)/columns)
	for i, panel := range panels {
		heights[i/columns] = max(heights[i/columns], panel.height)
	}
	height := 2*edge + keyHeight + vg.Length(len(heights)-1)*panelGap
	for _, h := range heights {
		height += h
	}
	cellWidth := (inside - vg.Length(columns-1)*columnGap) / vg.Length(columns)
	return Drawing{Width: width, Height: height, Paint: func(c draw.Canvas) {
		p := pen{Canvas: c, theme: t}
		key.paint(p, c.Min.X+edge, c.Max.Y-edge, inside)
		top := c.Max.Y - edge - keyHeight
		for i, panel := range panels {
			if i > 0 && i%columns == 0 {
				top -= heights[i/columns-1] + panelGap
			}
			panel.paint(p, c.Min.X+edge+vg.Length(i%columns)*(cellWidth+columnGap), top, cellWidth)
		}
	}}, nil
}

// arrange lays the panels out side by side where they fit, else below each other.
func (f PathDiagram) arrange(t Theme, width vg.Length) ([]pathPanel, int, error) {
	inside := width - 2*edge
	for columns := min(2, len(f.Mediations)); columns > 0; columns-- {
		room := (inside - vg.Length(columns-1)*columnGap) / vg.Length(columns)
		for as := range settings {
			var panels []pathPanel
			fits := true
			for _, m := range f.Mediations {
				panel := f.layout(t, m, room, as)
				fits = fits && panel.least <= room
				panels = append(panels, panel)
			}
			if fits {
				return panels, columns, nil
			}
		}
	}
	return nil, 0, fmt.Errorf("plots: paths do not fit into a figure of %.0f mm", width/vg.Millimeter)
}

// arrowEntry explains a kind of arrow.
func arrowEntry(label string, ink color.Color, dashes []vg.Length) legendEntry {
	return legendEntry{label, sampleWidth, func(p pen, box vg.Rectangle) {
		p.arrow(ink, dashes, box.Min.X, box.Max.X, (box.Min.Y+box.Max.Y)/2)
	}}
}

// arrow draws an arrow from left to right.
func (p pen) arrow(ink color.Color, dashes []vg.Length, from, to, y vg.Length) {
	p.line(ink, p.theme.LineWidth, dashes, from, y, to-pathHead, y)
	var head vg.Path
	head.Move(vg.Point{X: to, Y: y})
	head.Line(vg.Point{X: to - pathHead, Y: y + 0.45*pathHead})
	head.Line(vg.Point{X: to - pathHead, Y: y - 0.45*pathHead})
	head.Close()
	p.SetColor(ink)
	p.Fill(head)
}

// paint draws the diagram with its top left corner at left, top.
func (l pathPanel) paint(p pen, left, top, width vg.Length) {
	t := p.theme
	for i, line := range l.title {
		p.text(t.boldFace(t.LabelSize), t.Ink, left, top-(1+leading*vg.Length(i))*t.LabelSize, alignLeft, line)
	}
	top -= (0.5 + leading*vg.Length(len(l.title))) * t.LabelSize
	bottom := top + pathGap
	for _, row := range l.rows {
		bottom -= row.height + pathGap
	}
	right := left + width
	box := func(from, to, low, high vg.Length) {
		rectangle := vg.Rectangle{Min: vg.Point{X: from, Y: low}, Max: vg.Point{X: to, Y: high}}
		p.SetColor(t.Faint)
		p.Fill(rectangle.Path())
		p.SetColor(t.Ink)
		p.SetLineWidth(t.AxisWidth)
		p.SetLineDash(nil, 0)
		p.Stroke(rectangle.Path())
	}
	bold := t.boldFace(t.TickSize)
	box(left, left+l.armW, bottom, top)
	p.lines(bold, t.Ink, left+l.armW/2, (bottom+top)/2, alignCentre, l.arm)
	box(right-l.yW, right, bottom, top)
	p.lines(bold, t.Ink, right-l.yW/2, (bottom+top)/2, alignCentre, l.outcome)
	from, to := left+l.armW, right-l.yW
	for _, row := range l.rows {
		y := top - row.height
		if row.box == nil {
			l.paintArrows(p, row.first, from, to, y, top)
		} else {
			middleLeft := from + l.firstGap
			box(middleLeft, middleLeft+l.boxW, y, top)
			at := (y+top)/2 + leading*t.TickSize*vg.Length(len(row.box))/2 - 0.8*leading*t.TickSize
			for i, line := range row.box {
				face, ink := t.face(t.TickSize), t.Ink
				truth := i >= len(row.box)-len(row.effect.below)
				if i < row.bold || truth && row.effect.other {
					face = bold
				} else if i == row.bold || truth {
					ink = t.Quiet
				}
				p.text(face, ink, middleLeft+l.boxW/2, at-leading*t.TickSize*vg.Length(i), alignCentre, line)
			}
			l.paintArrows(p, row.first, from, middleLeft, y, top)
			l.paintArrows(p, row.second, middleLeft+l.boxW, to, y, top)
		}
		top = y - pathGap
	}
	y := bottom - 1.5*t.TickSize
	for _, foot := range l.foot {
		face, ink, x := t.face(t.TickSize), t.Quiet, left
		for i, line := range foot.text {
			p.text(face, t.Ink, left, y-leading*t.TickSize*vg.Length(i), alignLeft, line)
		}
		y -= leading * t.TickSize * vg.Length(len(foot.text)-1)
		if foot.below {
			y -= leading * t.TickSize
		} else {
			x += face.Width(foot.text[0] + " ")
		}
		if foot.other {
			face, ink = t.boldFace(t.TickSize), t.Ink
		}
		p.text(face, ink, x, y, alignLeft, foot.truth)
		y -= leading * t.TickSize
	}
}

// paintArrows draws the arrows of a row below each other, with their words.
func (l pathPanel) paintArrows(p pen, all []pathArrow, from, to, low, high vg.Length) {
	t := p.theme
	var height vg.Length
	for _, a := range all {
		height += arrowHeight(t, a)
	}
	top := (low+high)/2 + height/2
	centre := (from + to - pathHead) / 2
	for _, a := range all {
		y := top - leading*t.TickSize*vg.Length(len(a.text.above)) - 2
		for i, line := range a.text.above {
			p.text(t.face(t.TickSize), t.Ink, centre, y+2.5+leading*t.TickSize*vg.Length(len(a.text.above)-1-i), alignCentre, line)
		}
		p.arrow(a.look.Color, a.look.Dashes, from, to, y)
		face, ink := t.face(t.TickSize), t.Quiet
		if a.text.other {
			face, ink = t.boldFace(t.TickSize), t.Ink
		}
		for i, line := range a.text.below {
			p.text(face, ink, centre, y-(1.1+leading*vg.Length(i))*t.TickSize, alignCentre, line)
		}
		top -= arrowHeight(t, a)
	}
}

// Table returns the plotted numbers.
func (f PathDiagram) Table() [][]string {
	table := [][]string{{"design", "estimator", "arm", "outcome", "part", "mediator", "term", "mean", "mcse", "truth", "truth_mcse", "fits", "failed"}}
	for _, m := range f.Mediations {
		design := (Row{SummaryRow: sim.SummaryRow{Factors: m.Factors}}).where()
		add := func(part, mediator string, means ...sim.PathMean) {
			for _, v := range means {
				if v.Term != "" {
					table = append(table, []string{design, m.Estimator, m.Arm, m.Outcome, part, mediator, v.Term, cell(v.Mean), cell(v.MCSE), cell(v.Truth), cell(v.TruthMCSE), whole(v.Fitted), whole(v.Failed)})
				}
			}
		}
		for _, path := range m.Mediators {
			add("effect on mediator", path.Mediator, path.Effect)
			add("slope", path.Mediator, path.Slopes...)
			add("indirect through mediator", path.Mediator, path.Indirect)
		}
		add("direct", "", m.Direct...)
		add("whole", "", m.Whole...)
	}
	return table
}

func makePathDiagram(run Run, f sim.Figure) ([]Figure, error) {
	effects, tested, err := run.rows(f)
	if err != nil {
		return nil, err
	}
	rows := tested // which have all terms of a mediation
	if len(rows) == 0 {
		rows = effects
	}
	mediations, err := sim.Mediations(run.Study, summaryRows(rows), run.Chunks)
	if err != nil {
		return nil, err
	}
	if len(mediations) == 0 {
		return nil, errors.New("no estimator is of kind mediation, with paths through a mediator")
	}
	if len(mediations) > maxCurvePages*maxPathDiagrams {
		return nil, fmt.Errorf("%d path diagrams are too many; choose among them with only, such as estimator=NAME", len(mediations))
	}
	return paged(mediations, maxPathDiagrams, f.FileName(), func(name string, part []sim.Mediation) PathDiagram {
		return PathDiagram{File: name, Mediations: part}
	}), nil
}
