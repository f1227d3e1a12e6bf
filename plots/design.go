package plots

import (
	"errors"
	"fmt"
	"image/color"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"coachsim/dgp"
	"coachsim/sim"
)

// Design draws who is randomised: a row for each level, from blocks to children,
// and one for what is observed of a class. Of each unit that is opened, the row
// below shows what it holds; of many units a few stand for all, "…" for those left
// out. The level at which arms are assigned is marked, and its units are grouped
// by arm as they were assigned in the first simulated trial.
type Design struct {
	File   string    // name of the files; "design" where empty
	Width  vg.Length // TwoColumns where 0
	Study  sim.Study
	Layout sim.Layout
	Which  string // design of a sweep; empty without one
}

// NewDesign draws the layout of a study, or of the first design of its sweep in which
// the keys of only have its values.
func NewDesign(study sim.Study, only map[string]string) (Design, error) {
	which := ""
	if len(study.Cells) > 0 {
		rows := make([]Row, len(study.Cells))
		for i, cell := range study.Cells {
			rows[i].Cell, rows[i].Factors = i, cell.Factors
		}
		kept, wrong := among(rows, only)
		if wrong != nil {
			return Design{}, fmt.Errorf("only: %s", wrong.Message)
		}
		cell := kept[0].Cell
		which = fmt.Sprintf("design %d of %d: %s", cell+1, len(study.Cells), factorsInWords(study.Cells[cell].Factors))
		study = study.Cells[cell].Study
	} else if len(only) > 0 {
		return Design{}, errors.New("only: the run has one design, so there is none to choose")
	}
	layout, err := study.Layout()
	return Design{Study: study, Layout: layout, Which: which}, err
}

func factorsInWords(factors []sim.Factor) string {
	keys := make([]string, len(factors))
	for i, f := range factors {
		keys[i] = f.Key
	}
	words := InWords(keys)
	for i, f := range factors {
		words[i] += " = " + Bare(f.Value)
	}
	return strings.Join(words, ", ")
}

// Name returns the name of the figure's files.
func (f Design) Name() string { return named(f.File, "design") }

// Words are the figure's title and note.
func (f Design) Words() Words {
	note := "Counts are those of the first simulated trial, before losses; … stands for units that are not drawn"
	if len(f.Layout.Arms) > 1 {
		note = "Arms as assigned in the first simulated trial, and counts before losses; … stands for units that are not drawn"
	}
	which := ""
	if f.Which != "" {
		which = capital(f.Which)
	}
	return Words{"Design of the trial", sentences(which, note)}
}

// A designRow is one level of the drawing.
type designRow struct {
	level    dgp.Level
	title    string
	notes    []string // what stands below the title
	assigned bool
	groups   []designGroup
	dots     bool // children are dots, all others boxes
}

// A designGroup is units that are drawn side by side, those of one arm.
type designGroup struct {
	arm   int // -1 of no arm
	units int
	label string
}

// open is the unit of each level that is opened, so that the units below are of
// several arms where arms are assigned below.
func (f Design) open() [dgp.ChildLevel]int {
	l := f.Layout
	var block, school, class int
	several := func(lo, hi int) bool {
		return slices.ContainsFunc(l.Arm[lo:hi], func(arm int) bool { return arm != l.Arm[lo] })
	}
	find := func(n int, within func(unit int) (lo, hi int)) int {
		for u := range n {
			if lo, hi := within(u); lo < hi && several(lo, hi) {
				return u
			}
		}
		return 0
	}
	switch l.Unit {
	case dgp.SchoolLevel:
		block = find(l.Data.N[dgp.BlockLevel], func(u int) (int, int) { return l.Within(dgp.BlockLevel, u) })
		school, _ = l.Within(dgp.BlockLevel, block)
		class, _ = l.Within(dgp.SchoolLevel, school)
	case dgp.TeacherLevel:
		school = find(l.Data.N[dgp.SchoolLevel], func(u int) (int, int) { return l.Within(dgp.SchoolLevel, u) })
		block = l.Data.SchoolBlock[school]
		class, _ = l.Within(dgp.SchoolLevel, school)
	default:
		class = find(l.Data.N[dgp.TeacherLevel], func(u int) (int, int) { return l.Within(dgp.TeacherLevel, u) })
		school = l.Data.TeacherSchool[class]
		block = l.Data.SchoolBlock[school]
	}
	return [...]int{block, school, class}
}

// groups divides units of a level by arm where they are assigned there.
func (f Design) groups(level dgp.Level, lo, hi int) []designGroup {
	l := f.Layout
	if level != l.Unit || len(l.Arms) < 2 {
		return []designGroup{{arm: -1, units: hi - lo}}
	}
	var groups []designGroup
	for arm, name := range l.Arms {
		n := 0
		for _, a := range l.Arm[lo:hi] {
			if a == arm {
				n++
			}
		}
		if n > 0 {
			groups = append(groups, designGroup{arm, n, name + ": " + count(n)})
		}
	}
	return groups
}

// rows lists the levels of the drawing.
func (f Design) rows() []designRow {
	d, l, open := f.Study.Design, f.Layout, f.open()
	assigned := func(level dgp.Level) bool { return level == l.Unit && len(l.Arms) > 1 }
	inAll := func(level dgp.Level, what string) string { return count(l.Data.N[level]) + what }
	var rows []designRow
	if d.Blocks > 1 {
		rows = append(rows, designRow{level: dgp.BlockLevel, title: "Blocks", notes: []string{inAll(dgp.BlockLevel, " in the trial")}, groups: f.groups(dgp.BlockLevel, 0, d.Blocks)})
	}
	lo, hi := l.Within(dgp.BlockLevel, open[dgp.BlockLevel])
	schools := designRow{level: dgp.SchoolLevel, title: "Schools", groups: f.groups(dgp.SchoolLevel, lo, hi), assigned: assigned(dgp.SchoolLevel)}
	if d.Blocks > 1 {
		schools.notes = append(schools.notes, count(hi-lo)+" per block")
	}
	schools.notes = append(schools.notes, inAll(dgp.SchoolLevel, " in the trial"))
	lo, hi = l.Within(dgp.SchoolLevel, open[dgp.SchoolLevel])
	classes := designRow{
		level: dgp.TeacherLevel, title: "Classes", groups: f.groups(dgp.TeacherLevel, lo, hi), assigned: assigned(dgp.TeacherLevel),
		notes: []string{d.TeachersPerSchool() + " per school", inAll(dgp.TeacherLevel, " in the trial")},
	}
	lo, hi = l.Within(dgp.TeacherLevel, open[dgp.TeacherLevel])
	children := designRow{
		level: dgp.ChildLevel, title: "Children", groups: f.groups(dgp.ChildLevel, lo, hi), assigned: assigned(dgp.ChildLevel), dots: true,
		notes: []string{"at most " + count(d.Tested) + " tested per class", inAll(dgp.ChildLevel, " tested in the trial")},
	}
	return append(rows, schools, classes, children)
}

const (
	designBox    = vg.Length(17) // side of a box
	designDot    = vg.Length(6.5)
	designGap    = vg.Length(4) // between units
	designLabels = vg.Length(132)
	designRowGap = vg.Length(21)
)

// shown is how many of the units of each group there is room for, besides "…"
// where there are more.
func (f Design) shown(row designRow, room vg.Length) []int {
	step := row.pitch()
	n := make([]int, len(row.groups))
	each := (room+designGap)/vg.Length(len(row.groups)) - 3*designGap
	for i, g := range row.groups {
		fit := max(1, int(each/step))
		if fit > 12 && !row.dots {
			fit = 12
		}
		if n[i] = g.units; n[i] > fit {
			n[i] = max(1, fit-1)
		}
	}
	return n
}

func (r designRow) side() vg.Length {
	if r.dots {
		return designDot
	}
	return designBox
}

func (r designRow) pitch() vg.Length { return r.side() + designGap }

// height is that of a row without the gap to the next.
func (r designRow) height(t Theme) vg.Length {
	text := 1.3*t.LabelSize + vg.Length(len(r.notes))*leading*t.TickSize
	if r.assigned {
		text += 1.5 * t.TickSize
	}
	units := r.side()
	if slices.ContainsFunc(r.groups, func(g designGroup) bool { return g.label != "" }) {
		units += 1.5 * t.TickSize
	}
	return max(text, units)
}

// armLook is how units of an arm are drawn; of none, plain.
func armLook(t Theme, arm int) (fill, line color.Color) {
	switch {
	case arm < 0:
		return color.White, t.Quiet
	case arm == 0: // control
		return t.Faint, t.Ink
	}
	look := t.Series[(arm-1)%len(t.Series)].Color
	return tint(look, 0.55), t.Ink
}

// Draw lays the figure out.
func (f Design) Draw(t Theme) (Drawing, error) {
	if err := t.validate(); err != nil {
		return Drawing{}, err
	}
	if f.Layout.Data == nil {
		return Drawing{}, errors.New("plots: a design needs the layout of its units")
	}
	rows := f.rows()
	for i := range rows {
		var lines []string
		for _, note := range rows[i].notes {
			lines = append(lines, wrap(t.face(t.TickSize), note, designLabels-designGap)...)
		}
		rows[i].notes = lines
	}
	width := t.width(f.Width, TwoColumns)
	foot := f.footnotes(t, width)
	height := 2*edge + vg.Length(len(foot))*leading*t.TickSize
	for _, row := range rows {
		height += row.height(t) + designRowGap
	}
	return Drawing{Width: width, Height: height, Paint: func(c draw.Canvas) {
		p := pen{Canvas: c, theme: t}
		top := c.Max.Y - edge
		left := c.Min.X + edge + designLabels
		right := c.Max.X - edge
		for i, row := range rows {
			f.paintLabels(p, row, c.Min.X+edge, top)
			opened := f.paintUnits(p, row, left, right, top)
			bottom := top - row.height(t)
			if i+1 < len(rows) { // what the first unit holds
				from := top - row.side()
				if row.groups[0].label != "" {
					from -= 1.5 * t.TickSize
				}
				next := bottom - designRowGap + 3
				p.line(t.Quiet, t.AxisWidth, []vg.Length{1.5, 1.5}, opened.Min.X, from-2, left-4, next)
				p.line(t.Quiet, t.AxisWidth, []vg.Length{1.5, 1.5}, opened.Max.X, from-2, f.end(rows[i+1], left, right)+4, next)
			}
			top = bottom - designRowGap
		}
		for i, line := range foot {
			p.text(t.face(t.TickSize), t.Ink, c.Min.X+edge, top-vg.Length(i)*leading*t.TickSize, alignLeft, line)
		}
	}}, nil
}

// end is where the units of a row end.
func (f Design) end(row designRow, left, right vg.Length) vg.Length {
	x := left
	for i, n := range f.shown(row, right-left) {
		if i > 0 {
			x += 3 * designGap
		}
		x += vg.Length(n)*row.pitch() - designGap
		if n < row.groups[i].units {
			x += row.pitch()
		}
	}
	return x
}

// paintLabels writes what a row is.
func (f Design) paintLabels(p pen, row designRow, x, top vg.Length) {
	t := p.theme
	y := top - t.LabelSize
	p.text(t.boldFace(t.LabelSize), t.Ink, x, y, alignLeft, row.title)
	y -= 0.3*t.LabelSize + t.TickSize
	if row.assigned {
		const text = "assigned to arms"
		face := t.boldFace(t.TickSize)
		p.fill(t.Ink, x, y-0.35*t.TickSize, x+face.Width(text)+6, y+1.0*t.TickSize)
		p.text(face, color.White, x+3, y, alignLeft, text)
		y -= 1.5 * t.TickSize
	}
	for _, note := range row.notes {
		p.text(t.face(t.TickSize), t.Quiet, x, y, alignLeft, note)
		y -= leading * t.TickSize
	}
}

// paintUnits draws the units of a row and returns the first one's box.
func (f Design) paintUnits(p pen, row designRow, left, right, top vg.Length) (first vg.Rectangle) {
	t := p.theme
	side := row.side()
	x := left
	for i, n := range f.shown(row, right-left) {
		g := row.groups[i]
		if i > 0 {
			x += 3 * designGap
		}
		start := x
		fill, line := armLook(t, g.arm)
		for k := range n {
			box := vg.Rectangle{Min: vg.Point{X: x, Y: top - side}, Max: vg.Point{X: x + side, Y: top}}
			if i == 0 && k == 0 {
				first = box
			}
			f.paintUnit(p, row, box, fill, line, i == 0 && k == 0 && row.level != dgp.ChildLevel)
			x += row.pitch()
		}
		if n < g.units {
			p.text(t.face(t.LabelSize), t.Ink, x+side/2, top-side/2-1, alignCentre, "…")
			x += row.pitch()
		}
		x -= designGap
		if g.label != "" {
			p.text(t.face(t.TickSize), t.Ink, start, top-side-1.2*t.TickSize, alignLeft, g.label)
			face := t.face(t.TickSize)
			x = max(x, start+face.Width(g.label))
		}
	}
	return first
}

// paintUnit draws one unit; the one that is opened has a heavy line.
func (f Design) paintUnit(p pen, row designRow, box vg.Rectangle, fill, line color.Color, opened bool) {
	path := box.Path()
	if row.dots {
		path = markerPath(Circle, (box.Min.X+box.Max.X)/2, (box.Min.Y+box.Max.Y)/2, (box.Max.X-box.Min.X)/2)
	}
	p.SetColor(fill)
	p.Fill(path)
	width := p.theme.AxisWidth
	if opened {
		width = 1.5 * p.theme.LineWidth
	}
	p.SetColor(line)
	p.SetLineWidth(width)
	p.SetLineDash(nil, 0)
	p.Stroke(path)
}

// footnotes say what is observed of a class, and how many units each arm has.
func (f Design) footnotes(t Theme, width vg.Length) (lines []string) {
	var texts []string
	if o := f.Study.Observation; !o.IsZero() {
		films := countOf(o.Segments, "film segment")
		if o.Days > 1 {
			films = countOf(o.Days, "day") + " of " + films
		}
		texts = append(texts, fmt.Sprintf("Of each class: %s, rated by %s each.", films, countOf(o.Coders, "coder")))
	}
	if l := f.Layout; len(l.Arms) > 1 {
		text := capital(l.Unit.Plural()) + " in the trial:"
		for arm, name := range l.Arms {
			n := 0
			for _, a := range l.Arm {
				if a == arm {
					n++
				}
			}
			if arm > 0 {
				text += ","
			}
			text += " " + count(n) + " " + name
		}
		texts = append(texts, text+".")
	}
	for _, text := range texts {
		lines = append(lines, wrap(t.face(t.TickSize), text, width-2*edge)...)
	}
	return lines
}

// Table returns the counts: in all, and in the unit that is opened above.
func (f Design) Table() [][]string {
	table := [][]string{{"level", "arm", "units", "units_in_the_one_opened"}}
	if f.Layout.Data == nil {
		return table
	}
	for _, row := range f.rows() {
		for _, g := range row.groups {
			name, units := "", f.Layout.Data.N[row.level]
			if g.arm >= 0 {
				name, units = f.Layout.Arms[g.arm], 0
				for _, arm := range f.Layout.Arm {
					if arm == g.arm {
						units++
					}
				}
			}
			table = append(table, []string{row.level.String(), name, whole(units), whole(g.units)})
		}
	}
	return table
}
